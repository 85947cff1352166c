/* What is left of the host that is not data: its random numbers (xorshift64*, Marsaglia/Vigna). */
#include "pipeline/host.h"

double weft_host_random(struct weft_host *host)
{
    uint64_t state = host->random_state == 0 ? 0x9e3779b97f4a7c15 : host->random_state;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    host->random_state = state;
    return (double)((state * 0x2545f4914f6cdd1d) >> 11) / 9007199254740992.0;
}
