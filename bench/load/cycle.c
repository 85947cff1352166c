/* Ids inside a compressed message cannot be patched, and compressing while the load runs would cost the generator more
 * than what it measures. So compressed requests are made beforehand and repeated, and the sink counts generations. */
#include "load/cycle.h"

#include "lib/connection.h"
#include "lib/loop.h"
#include "lib/sequence.h"

static struct cycle_request make_request(const struct template *made, enum bench_encoding encoding, int level,
                                         struct bench_body_pool *pool)
{
    struct bench_bytes deflated = { 0 };
    struct cycle_request request = { bench_body_take(pool), template_hash(made, made->request.bytes) };
    bench_deflate(encoding, level, made->request.bytes + BENCH_GRPC_PREFIX, made->request.length - BENCH_GRPC_PREFIX,
                  &deflated);
    const uint8_t prefix[BENCH_GRPC_PREFIX] = { 1, (uint8_t)(deflated.length >> 24), (uint8_t)(deflated.length >> 16),
                                                (uint8_t)(deflated.length >> 8), (uint8_t)deflated.length };
    bench_body_reserve(request.body, deflated.length + BENCH_GRPC_PREFIX);
    bench_body_append(request.body, prefix, sizeof prefix);
    bench_body_append(request.body, deflated.bytes, deflated.length);
    bench_bytes_free(&deflated);
    return request;
}

struct cycle cycle_build(const struct shape *shape, uint64_t span_count, uint64_t count, enum bench_encoding encoding,
                         int level, uint64_t seed, struct bench_body_pool *pool)
{
    struct cycle cycle = { .requests = bench_alloc_zero(count, sizeof *cycle.requests), .count = count };
    for (uint64_t i = 0; i < count; i++) {
        struct template made = template_build(shape, span_count, seed + i);
        template_patch(&made, made.request.bytes, BENCH_SEQUENCE_CYCLED | i * span_count, shape->spans_per_trace, seed,
                       bench_wall_ns() + (int64_t)i * 1000000);
        cycle.requests[i] = make_request(&made, encoding, level, pool);
        cycle.plain_bytes += made.request.length;
        cycle.compressed_bytes += cycle.requests[i].body->length;
        template_free(&made);
    }
    return cycle;
}
