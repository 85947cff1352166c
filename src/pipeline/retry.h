#pragma once

#include "pipeline/host.h"
#include "pipeline/sender_config.h"

/* Exponential backoff with jitter, as the Collector's retry sender: pause = interval x (1 +- randomization_factor),
 * then interval x multiplier up to max_interval; a server's wish for a longer pause wins. */
struct weft_retry {
    int64_t interval_ns;
    struct weft_monotonic first_attempt;
};

void weft_retry_start(struct weft_retry *retry, const struct weft_retry_config *config, struct weft_monotonic now);

/* The next pause. Returns false when it would end after max_elapsed_time: give up. */
bool weft_retry_next(struct weft_retry *retry, const struct weft_retry_config *config, struct weft_host *host,
                     int64_t server_delay_ns, struct weft_monotonic now, int64_t *out_pause_ns);
