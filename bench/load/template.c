/* Requests are encoded once, at start; while the load runs only ids and times are written over the old ones. All of
 * them have fixed lengths on the wire, so nothing moves. */
#include "load/template.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/connection.h"
#include "lib/sequence.h"
#include "lib/walk.h"
#include "load/record.h"

static const uint8_t no_prefix[BENCH_GRPC_PREFIX];

static void shift(struct template_span *spans, uint32_t count, uint32_t by)
{
    for (uint32_t i = 0; i < count; i++) {
        spans[i].offset += by;
        spans[i].trace_id += by;
        spans[i].span_id += by;
        spans[i].parent_span_id += spans[i].parent_span_id != 0 ? by : 0;
        spans[i].start_time += by;
        spans[i].end_time += by;
        spans[i].job += spans[i].job != 0 ? by : 0;
        spans[i].tier += spans[i].tier != 0 ? by : 0;
        spans[i].status_code += spans[i].status_code != 0 ? by : 0;
    }
}

/* Wraps inner as a length-delimited field at the end of out, and shifts the spans that lie in it. */
static void wrap(struct bench_bytes *out, uint32_t number, const struct bench_bytes *inner, struct template_span *spans,
                 uint32_t count)
{
    bench_put_bytes(out, number, inner->bytes, inner->length);
    shift(spans, count, (uint32_t)(out->length - inner->length));
}

/* The plan of a request: traces whole and side by side (traces NULL), or dealt; or lines of these. */
struct plan {
    const struct shape *shape;
    const struct traces *traces;
    uint64_t part;
    bool is_lines;
};

static uint64_t place_in_trace(const struct plan *plan, uint32_t at)
{
    if (plan->traces == NULL) {
        return at % plan->shape->spans_per_trace;
    }
    return traces_at(plan->traces, traces_request(plan->traces, plan->part) * plan->traces->spans_per_request + at)
        .place;
}

static void put_resource_spans(const struct plan *plan, struct template *made, uint32_t first, uint32_t count,
                               struct bench_random *random)
{
    const struct shape *shape = plan->shape;
    struct bench_bytes resource = { 0 }, scope = { 0 }, span = { 0 }, scope_spans = { 0 }, resource_spans = { 0 };
    struct template_span *spans = made->spans + first;
    shape_put_attributes(&shape->resource, 1, random, &resource);
    bench_put_bytes(&scope, 1, shape->scope_name, strlen(shape->scope_name));
    bench_put_bytes(&scope, 2, shape->scope_version, strlen(shape->scope_version));
    bench_put_bytes(&scope_spans, BENCH_SCOPE_SPANS_SCOPE, scope.bytes, scope.length);
    for (uint32_t i = 0; i < count; i++) {
        bench_bytes_clear(&span);
        spans[i] = plan->is_lines
                       ? record_put_line(shape, plan->traces, random, &span)
                       : record_put_span(shape, place_in_trace(plan, first + i), plan->traces, random, &span);
        spans[i].length = (uint32_t)span.length;
        spans[i].surroundings =
            bench_hash_surroundings(bench_hash(resource.bytes, resource.length), bench_hash(scope.bytes, scope.length));
        wrap(&scope_spans, BENCH_SCOPE_SPANS_SPANS, &span, spans + i, 1);
    }
    bench_put_bytes(&resource_spans, BENCH_RESOURCE_SPANS_RESOURCE, resource.bytes, resource.length);
    wrap(&resource_spans, BENCH_RESOURCE_SPANS_SCOPE_SPANS, &scope_spans, spans, count);
    wrap(&made->request, BENCH_REQUEST_RESOURCE_SPANS, &resource_spans, spans, count);
    bench_bytes_free(&resource);
    bench_bytes_free(&scope);
    bench_bytes_free(&span);
    bench_bytes_free(&scope_spans);
    bench_bytes_free(&resource_spans);
}

static struct template build(const struct plan *plan, uint64_t span_count, uint64_t seed, size_t prefix_bytes)
{
    const struct shape *shape = plan->shape;
    struct template made = { .span_count = (uint32_t)span_count, .prefix_bytes = (uint32_t)prefix_bytes };
    struct bench_random random = { bench_mix(seed) };
    uint64_t resources = shape->resources * span_count / shape->spans; /* a small request is one process's */
    if (plan->traces != NULL) {
        resources = plan->is_lines ? traces_resources_of_lines(plan->traces) : shape->resources;
    } else if (resources == 0) {
        resources = 1;
    }
    made.spans = bench_alloc_zero(span_count, sizeof *made.spans);
    bench_bytes_append(&made.request, no_prefix, prefix_bytes);
    for (uint64_t i = 0; i < resources; i++) {
        uint32_t first = (uint32_t)(span_count * i / resources);
        uint32_t end = (uint32_t)(span_count * (i + 1) / resources);
        put_resource_spans(plan, &made, first, end - first, &random);
    }
    uint32_t length = (uint32_t)(made.request.length - prefix_bytes);
    for (int i = 0; i < 4 && prefix_bytes > 0; i++) {
        made.request.bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    }
    return made;
}

struct template template_build(const struct shape *shape, uint64_t span_count, uint64_t seed, size_t prefix_bytes)
{
    const struct plan plan = { .shape = shape };
    return build(&plan, span_count, seed, prefix_bytes);
}

struct template template_build_dealt(const struct shape *shape, const struct traces *traces, uint64_t part,
                                     uint64_t seed, size_t prefix_bytes)
{
    const struct plan plan = { .shape = shape, .traces = traces, .part = part };
    return build(&plan, traces->spans_per_request, seed, prefix_bytes);
}

struct template template_build_lines(const struct shape *shape, const struct traces *traces, uint64_t seed,
                                     size_t prefix_bytes)
{
    const struct plan plan = { .shape = shape, .traces = traces, .is_lines = true };
    return build(&plan, traces->spans_per_request, seed, prefix_bytes);
}

void template_free(struct template *made)
{
    bench_bytes_free(&made->request);
    free(made->spans);
}

void template_patch(const struct template *made, uint8_t *request, uint64_t first_id, uint64_t spans_per_trace,
                    uint64_t seed, int64_t now_ns)
{
    uint64_t trace = 0, high = 0, low = 0;
    for (uint32_t i = 0; i < made->span_count; i++) {
        const struct template_span *span = &made->spans[i];
        if (i % spans_per_trace == 0) {
            trace = first_id + i;
            high = bench_mix(trace ^ seed);
            low = bench_mix(trace + seed) | 1;
        }
        bench_store_u64_be(request + span->trace_id, high);
        bench_store_u64_be(request + span->trace_id + 8, low);
        bench_store_u64_be(request + span->span_id, first_id + i);
        if (span->parent_span_id != 0) {
            bench_store_u64_be(request + span->parent_span_id, first_id + i - span->parent_back);
        }
        bench_store_u64_le(request + span->start_time, (uint64_t)now_ns - span->duration_ns);
        bench_store_u64_le(request + span->end_time, (uint64_t)now_ns);
    }
}

/* What a span says of its trace, in one that decides on it or in any other. */
static void patch_decisive(const struct template_span *span, uint8_t *request, const struct traces *traces,
                           struct traces_place at, int64_t now_ns)
{
    uint64_t marked_place;
    enum traces_mark mark = traces_mark_of(traces, at.trace, &marked_place);
    bool is_marked = marked_place == at.place;
    uint64_t duration_ns = mark == TRACES_SLOW && is_marked ? (uint64_t)TRACES_SLOW_NS : span->duration_ns;
    bench_store_u64_le(request + span->start_time, (uint64_t)now_ns - duration_ns);
    memcpy(request + span->tier, mark == TRACES_GOLD && is_marked ? "gold" : "free", 4);
    request[span->status_code] = mark == TRACES_FAILED && is_marked ? 2 : 1;
}

void template_patch_dealt(const struct template *made, uint8_t *request, uint64_t first_sequence,
                          const struct traces *traces, int64_t now_ns)
{
    for (uint32_t i = 0; i < made->span_count; i++) {
        const struct template_span *span = &made->spans[i];
        struct traces_place at = traces_at(traces, first_sequence + i);
        traces_id(traces, at.trace, request + span->trace_id);
        bench_store_u64_be(request + span->span_id, BENCH_SEQUENCE_UNIQUE | (first_sequence + i));
        if (span->parent_span_id != 0) {
            bench_store_u64_be(request + span->parent_span_id,
                               BENCH_SEQUENCE_UNIQUE | traces_sequence(traces, at.trace, at.place - span->parent_back));
        }
        if (span->job != 0) {
            traces_write_job(traces, at.trace, request + span->job);
        }
        if (span->tier != 0) {
            patch_decisive(span, request, traces, at, now_ns);
        } else {
            bench_store_u64_le(request + span->start_time, (uint64_t)now_ns);
        }
        bench_store_u64_le(request + span->end_time, (uint64_t)now_ns);
    }
}

static void add_hash(struct template_hash *sum, const struct template_span *span, const uint8_t *request)
{
    uint64_t hash = bench_hash(request + span->offset, span->length);
    sum->spans += hash;
    sum->tree += bench_hash_in_tree(hash, span->surroundings);
}

struct template_hash template_hash(const struct template *made, const uint8_t *request)
{
    struct template_hash sum = { 0, 0 };
    for (uint32_t i = 0; i < made->span_count; i++) {
        add_hash(&sum, &made->spans[i], request);
    }
    return sum;
}

struct template_hash template_hash_kept(const struct template *made, const uint8_t *request, uint64_t first_sequence,
                                        const struct traces *traces)
{
    struct template_hash sum = { 0, 0 };
    for (uint32_t i = 0; i < made->span_count; i++) {
        if (traces_is_kept(traces, traces_at(traces, first_sequence + i).trace)) {
            add_hash(&sum, &made->spans[i], request);
        }
    }
    return sum;
}
