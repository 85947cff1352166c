#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/connection.h"
#include "lib/random.h"
#include "sink/ledger.h"

/* How the backend misbehaves, and when it ends. All times count from the first request. */
struct sink_options {
    const char *listen;
    const struct bench_protocol *protocol;
    const char *counters;  /* host:port of the live counters; NULL = none */
    uint64_t refuse_every; /* every Nth request; 0 = none */
    double refuse_percent;
    uint64_t refuse_status;
    double refuse_from_seconds;
    double refuse_until_seconds; /* 0 = to the end */
    uint64_t retry_after_ms;
    uint64_t partial_every;    /* every Nth request is answered with partial_success */
    uint64_t partial_rejected; /* spans of it that count as rejected */
    double stall_at_seconds;
    double stall_seconds;
    const char *stall_mode; /* "read": stops reading; "answer": reads, answers later */
    double max_rate;        /* spans per second; 0 = as fast as it can */
    const char *pace_mode;  /* "read" or "answer" */
    uint64_t until_spans;
    double timeout_seconds; /* from the start of the program; 0 = none */
    bool is_hash_skipped;
};

struct sink {
    const struct sink_options *options;
    struct bench_loop loop;
    struct bench_endpoint endpoint;
    struct bench_listener listener;
    struct bench_watch counters;
    struct sink_ledger ledger;
    struct bench_bytes inflated;
    struct sink_answer *first_answer; /* delayed, in order of time */
    struct sink_answer *last_answer;
    struct bench_random random;
    uint64_t requests;
    uint64_t wire_bytes;
    uint64_t plain_bytes;
    uint64_t malformed_requests;
    uint64_t refused_spans;
    uint64_t refused_requests;
    uint64_t partial_rejected_spans;
    int64_t program_start_ns;
    int64_t first_ns; /* 0 = nothing arrived yet */
    int64_t last_ns;
    int64_t paced_until_ns;
    double cpu_at_first;
};

void sink_run(struct sink *sink, const struct sink_options *options);
void sink_print(const struct sink *sink, FILE *file);
