/* Fuzz target: severities. The first byte chooses the scale; a word means the same in upper case. */
#include <stdlib.h>

#include "base/assert.h"
#include "wire/severity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum weft_severity_scale scale = (enum weft_severity_scale)(data[0] % WEFT_SEVERITY_SCALE_COUNT);
    uint8_t *copy = malloc(size); /* its own block, so that a read past the end is seen */
    weft_assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct weft_slice text = { copy, size - 1 };
    uint8_t number = weft_severity_of_text(text, scale);
    weft_assert(number <= WEFT_SEVERITY_MAX);
    for (size_t i = 0; i + 1 < size; i++) {
        copy[i] = copy[i] >= 'a' && copy[i] <= 'z' ? copy[i] & (uint8_t)~32u : copy[i];
    }
    weft_assert(weft_severity_of_text(text, scale) == number);
    free(copy);
    return 0;
}
