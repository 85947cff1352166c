#pragma once

#include <stdbool.h>

#include "lib/body.h"
#include "lib/compression.h"
#include "load/template.h"

/* Compressed mode: a set of distinct requests, patched and compressed before the load starts, sent round and round.
 * Their ids are unique within the set; sending the set again is its next generation. */
struct cycle_request {
    struct bench_body *body;
    struct template_hash hash;
};

struct cycle {
    struct cycle_request *requests;
    uint64_t count;
    uint64_t plain_bytes;
    uint64_t compressed_bytes;
};

/* How a request becomes a body. */
struct cycle_form {
    enum bench_encoding encoding;
    int level;
    size_t prefix_bytes;
    bool is_json;
};

struct cycle cycle_build(const struct shape *shape, uint64_t span_count, uint64_t count, const struct cycle_form *form,
                         uint64_t seed, struct bench_body_pool *pool);
