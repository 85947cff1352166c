#pragma once

#include "config/service.h"

/* weft's own keys under `service`: how many workers there are, and how they run. */
struct weft_worker_config {
    uint32_t worker_count;
    int64_t wake_interval_ns; /* 0 = off */
    /* Requests that are half received (net/body_credit.h). */
    uint32_t max_begun, max_begun_per_address; /* per address 0 = half of all */
    size_t max_begun_bytes;
};

/* WEFT_INVALID with file:line. */
enum weft_status weft_worker_config_parse(const struct weft_settings *settings, struct weft_worker_config *out_config,
                                          struct weft_error *error) WEFT_MUST_CHECK;
