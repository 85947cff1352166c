/* Backoff arithmetic (retry.h). */
#include "pipeline/retry.h"

void weft_retry_start(struct weft_retry *retry, const struct weft_retry_config *config, struct weft_monotonic now)
{
    retry->interval_ns = config->initial_interval.ns;
    retry->first_attempt = now;
}

bool weft_retry_next(struct weft_retry *retry, const struct weft_retry_config *config, struct weft_host *host,
                     int64_t server_delay_ns, struct weft_monotonic now, int64_t *out_pause_ns)
{
    double spread = config->randomization_factor * (double)retry->interval_ns;
    double jittered = (double)retry->interval_ns - spread + 2 * spread * weft_host_random(host);
    int64_t pause_ns = (int64_t)jittered;
    /* With 0 the Collector repeats without a pause after the first; a backend that is down would feel it. */
    double grown = (double)retry->interval_ns * (config->multiplier > 0 ? config->multiplier : 1);
    retry->interval_ns = grown > (double)config->max_interval.ns ? config->max_interval.ns : (int64_t)grown;
    if (server_delay_ns > pause_ns) {
        pause_ns = server_delay_ns;
    }
    int64_t elapsed_ns = now.ns - retry->first_attempt.ns;
    if (config->max_elapsed_time.ns > 0 && pause_ns > config->max_elapsed_time.ns - elapsed_ns) {
        return false;
    }
    *out_pause_ns = pause_ns;
    return true;
}
