#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/compression.h"
#include "lib/connection.h"
#include "load/account.h"
#include "load/lines.h"
#include "load/shape.h"

struct load_options {
    const char *target;
    uint64_t connections;
    uint64_t in_flight; /* requests, per connection */
    double rate;        /* spans per second, open loop; 0 = closed loop */
    uint64_t spans;     /* stop after so many; 0 = no limit */
    double seconds;     /* stop after so long; 0 = no limit */
    double warmup_seconds;
    double drain_seconds;
    const struct bench_protocol *protocol;
    bool is_json; /* HTTP only */
    enum bench_encoding encoding;
    int level;
    uint64_t cycle_count;
    uint64_t frame_bytes;
    uint64_t seed;
    bool is_hashing;
    bool is_reconnecting;
    const struct traces *traces;    /* dealt to requests; NULL = whole and side by side, as the shape says */
    const struct shape *log_shape;  /* of the lines of traces that are dealt */
    const struct lines_form *lines; /* log lines instead of spans, over HTTP; NULL = spans */
    const char *files;              /* the lines go to files in this directory; NULL = to the target */
    uint64_t file_count;
    bool is_sampled; /* the hash is of what a tail sampler keeps */
};

struct load_result {
    double elapsed_seconds; /* from the first send to the last answer */
    double cpu_user_seconds;
    double cpu_system_seconds;
    uint64_t unsent_requests; /* open loop: due, but no room in flight before the end */
    uint64_t message_bytes;   /* mean of one request as protobuf, uncompressed */
    uint64_t connection_losses;
};

/* Runs the load to its end. account is filled. */
struct load_result load_run(const struct load_options *options, const struct shape *shape,
                            struct load_account *account);
