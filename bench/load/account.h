#pragma once

#include <stdint.h>

#include "lib/histogram.h"
#include "load/template.h"

enum { LOAD_STATUS_COUNT = 17 };

/* What became of what was sent. Each request ends in exactly one of acknowledged, partial, refused, failed. */
struct load_account {
    uint64_t spans_per_request;
    uint64_t cycle_count; /* 0 = unique mode */

    uint64_t sent_requests;
    uint64_t sent_bytes;
    uint64_t acknowledged_requests;
    uint64_t partial_requests;
    uint64_t partial_rejected_spans;
    uint64_t refused_requests[LOAD_STATUS_COUNT];
    uint64_t refused_with_details;
    uint64_t failed_requests; /* no answer: the peer may have them or not */
    struct template_hash acknowledged_hash;
    struct bench_histogram latency;

    uint64_t *progress;         /* acknowledged spans, shared with who watches; NULL = nobody does */
    uint8_t *acknowledged_bits; /* unique mode: one per request */
    uint64_t bit_capacity;
    uint32_t *generations; /* cycled mode: acknowledgements of each request of the set */
};

struct load_account *account_new(uint64_t spans_per_request, uint64_t cycle_count);

/* Shows the number of acknowledged spans in a file of 8 bytes while the load runs. */
void account_show(struct load_account *account, const char *path);

/* A whole request was answered OK. index counts requests from 0. */
void account_acknowledge(struct load_account *account, uint64_t index, struct template_hash hash);

/* Writes what was acknowledged, per span, for bench/check.py: bits (unique) or 32-bit counters (cycled). */
void account_write(const struct load_account *account, const char *path);
