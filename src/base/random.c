/* The kernel's random numbers (random.h). Waits, early at boot only, until the kernel has gathered enough. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/assert.h"

void weft_random_bytes(void *out_bytes, size_t length)
{
    uint8_t *bytes = out_bytes;
    while (length > 0) {
        ssize_t given = getrandom(bytes, length, 0);
        weft_assert(given > 0 || errno == EINTR);
        if (given > 0) {
            bytes += given;
            length -= (size_t)given;
        }
    }
}

uint64_t weft_random_u64(void)
{
    uint64_t number;
    weft_random_bytes(&number, sizeof number);
    return number;
}

/* xorshift64*, Marsaglia and Vigna. */
double weft_random_draw(uint64_t *in_out_state)
{
    uint64_t state = *in_out_state == 0 ? 0x9e3779b97f4a7c15 : *in_out_state;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    *in_out_state = state;
    return (double)((state * 0x2545f4914f6cdd1d) >> 11) / 9007199254740992.0;
}
