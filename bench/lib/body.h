#pragma once

#include <stddef.h>
#include <stdint.h>

/* A message body: bytes with a count of holders. Blocks are recycled last in, first out, so that the one in use is the
 * one that is still in the cache. */
struct bench_body {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    uint32_t references;
    uint32_t tag; /* for the owner of the pool */
    struct bench_body *next_idle;
    struct bench_body_pool *pool;
};

struct bench_body_pool {
    struct bench_body *idle;
    size_t live_count; /* handed out */
    size_t block_count;
};

/* One reference, empty. */
struct bench_body *bench_body_take(struct bench_body_pool *pool);
struct bench_body *bench_body_ref(struct bench_body *body);

/* Drops the reference and clears the caller's pointer; NULL is allowed. */
void bench_body_unref(struct bench_body **own_body);

void bench_body_reserve(struct bench_body *body, size_t capacity);
void bench_body_append(struct bench_body *body, const uint8_t *bytes, size_t length);
