/* Ids inside a compressed message cannot be patched, and compressing while the load runs would cost the generator more
 * than what it measures. So compressed requests are made beforehand and repeated, and the sink counts generations. */
#include "load/cycle.h"

#include "lib/connection.h"
#include "lib/loop.h"
#include "lib/sequence.h"
#include "load/json.h"

static void append_deflated(const struct cycle_form *form, const uint8_t *bytes, size_t length, struct bench_body *body)
{
    struct bench_bytes deflated = { 0 };
    bench_deflate(form->encoding, form->level, bytes, length, &deflated);
    const uint8_t prefix[BENCH_GRPC_PREFIX] = { 1, (uint8_t)(deflated.length >> 24), (uint8_t)(deflated.length >> 16),
                                                (uint8_t)(deflated.length >> 8), (uint8_t)deflated.length };
    bench_body_reserve(body, deflated.length + form->prefix_bytes);
    bench_body_append(body, prefix, form->prefix_bytes);
    bench_body_append(body, deflated.bytes, deflated.length);
    bench_bytes_free(&deflated);
}

static struct cycle_request make_request(const struct template *made, const struct cycle_form *form,
                                         struct bench_body_pool *pool)
{
    struct cycle_request request = { bench_body_take(pool), template_hash(made, made->request.bytes) };
    if (form->is_json) {
        struct json_template json = json_build(made);
        json_patch(&json, json.text.bytes, made, made->request.bytes);
        append_deflated(form, json.text.bytes, json.text.length, request.body);
        json_free(&json);
    } else {
        append_deflated(form, made->request.bytes + made->prefix_bytes, made->request.length - made->prefix_bytes,
                        request.body);
    }
    return request;
}

struct cycle cycle_build(const struct shape *shape, uint64_t span_count, uint64_t count, const struct cycle_form *form,
                         uint64_t seed, struct bench_body_pool *pool)
{
    struct cycle cycle = { .requests = bench_alloc_zero(count, sizeof *cycle.requests), .count = count };
    for (uint64_t i = 0; i < count; i++) {
        struct template made = template_build(shape, span_count, seed + i, form->prefix_bytes);
        template_patch(&made, made.request.bytes, BENCH_SEQUENCE_CYCLED | i * span_count, shape->spans_per_trace, seed,
                       bench_wall_ns() + (int64_t)i * 1000000);
        cycle.requests[i] = make_request(&made, form, pool);
        cycle.plain_bytes += made.request.length;
        cycle.compressed_bytes += cycle.requests[i].body->length;
        template_free(&made);
    }
    return cycle;
}
