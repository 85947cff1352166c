/* Fuzz target: times of log lines. What is a time is not zero and is the same when its nanoseconds are read again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    int zone_minutes = (int8_t)data[0] * 6;
    uint8_t *copy = malloc(size); /* its own block, so that a read past the end is seen */
    weft_assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct weft_slice text = { copy, size - 1 };
    uint64_t ns = 0;
    uint64_t again;
    bool is_assumed = false;
    enum weft_time_problem problem = weft_time_of_text(text, zone_minutes, &ns, &is_assumed);
    weft_assert(problem < WEFT_TIME_PROBLEM_COUNT && (problem == WEFT_TIME_PROBLEM_OK) == (ns != 0));
    if (ns >= UINT64_C(100000000000000000) && ns <= INT64_MAX) { /* what is told for nanoseconds */
        char digits[24];
        int length = snprintf(digits, sizeof digits, "%lu", (unsigned long)ns);
        weft_assert(weft_time_of_number(weft_slice_of(digits, (size_t)length), &again) == WEFT_TIME_PROBLEM_OK);
        weft_assert(again == ns);
    }
    if (weft_time_of_number(text, &again) == WEFT_TIME_PROBLEM_OK) {
        weft_assert(problem == WEFT_TIME_PROBLEM_OK && again == ns && !is_assumed);
    }
    free(copy);
    return 0;
}
