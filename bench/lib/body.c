/* Recycled message bodies. Memory is never given back: a bench program lives for a minute. */
#include "lib/body.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"

struct bench_body *bench_body_take(struct bench_body_pool *pool)
{
    struct bench_body *body = pool->idle;
    if (body != NULL) {
        pool->idle = body->next_idle;
    } else {
        body = bench_alloc_zero(1, sizeof *body);
        body->pool = pool;
        body->tag = (uint32_t)pool->block_count++;
    }
    body->next_idle = NULL;
    body->length = 0;
    body->references = 1;
    pool->live_count++;
    return body;
}

struct bench_body *bench_body_ref(struct bench_body *body)
{
    body->references++;
    return body;
}

void bench_body_unref(struct bench_body **own_body)
{
    struct bench_body *body = *own_body;
    *own_body = NULL;
    if (body == NULL || --body->references > 0) {
        return;
    }
    body->pool->live_count--;
    body->next_idle = body->pool->idle;
    body->pool->idle = body;
}

void bench_body_reserve(struct bench_body *body, size_t capacity)
{
    if (capacity <= body->capacity) {
        return;
    }
    capacity = (capacity + 65535) / 65536 * 65536;
    body->bytes = realloc(body->bytes, capacity);
    if (body->bytes == NULL) {
        bench_die("out of memory");
    }
    body->capacity = capacity;
}

void bench_body_append(struct bench_body *body, const uint8_t *bytes, size_t length)
{
    if (body->length + length > body->capacity) {
        bench_body_reserve(body, (body->length + length) * 2);
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
}
