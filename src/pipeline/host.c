/* What is left of the host that is not data: its random numbers. */
#include "pipeline/host.h"

#include "base/random.h"

double weft_host_random(struct weft_host *host)
{
    return weft_random_draw(&host->random_state);
}
