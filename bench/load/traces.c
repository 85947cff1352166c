/* How traces are dealt to requests, and which of them a tail sampler must keep (traces.h). The hash of the share is
 * written here once more, from the Collector's documentation of its probabilistic policy: weft has its own. */
#include "load/traces.h"

#include <stdlib.h>

#include "lib/bytes.h"
#include "lib/random.h"
#include "lib/sequence.h"

enum { ID_BYTES = 16 };

struct traces traces_of(uint64_t size, uint64_t spans_per_request, uint64_t resources, uint64_t seed)
{
    uint64_t requests = size < TRACES_REQUESTS_MAX ? size : TRACES_REQUESTS_MAX;
    uint64_t place_span = size / requests;
    uint64_t block = spans_per_request / resources;
    if (size % requests != 0 || spans_per_request % resources != 0 || block % place_span != 0) {
        bench_die("traces of %llu spans do not fill requests of %llu with %llu resources", (unsigned long long)size,
                  (unsigned long long)spans_per_request, (unsigned long long)resources);
    }
    return (struct traces){ size, spans_per_request, requests, place_span, block, block / place_span, seed };
}

static uint64_t traces_in_request(const struct traces *traces)
{
    return traces->spans_per_request / traces->place_span;
}

struct traces_place traces_at(const struct traces *traces, uint64_t sequence)
{
    uint64_t request = sequence / traces->spans_per_request;
    uint64_t at = sequence % traces->spans_per_request;
    uint64_t first = request / traces->requests * traces_in_request(traces) + at / traces->block * traces->stride;
    return (struct traces_place){ first + at % traces->block % traces->stride,
                                  request % traces->requests * traces->place_span +
                                      at % traces->block / traces->stride };
}

uint64_t traces_sequence(const struct traces *traces, uint64_t trace, uint64_t place)
{
    uint64_t in_request = trace % traces_in_request(traces);
    uint64_t request = trace / traces_in_request(traces) * traces->requests + place / traces->place_span;
    uint64_t at = in_request / traces->stride * traces->block + place % traces->place_span * traces->stride +
                  in_request % traces->stride;
    return request * traces->spans_per_request + at;
}

void traces_id(const struct traces *traces, uint64_t trace, uint8_t *id)
{
    bench_store_u64_be(id, bench_mix(trace ^ traces->seed));
    bench_store_u64_be(id + 8, bench_mix(trace + traces->seed) | 1);
}

enum traces_mark traces_mark_of(const struct traces *traces, uint64_t trace, uint64_t *out_place)
{
    uint64_t drawn = bench_mix(bench_mix(trace) + traces->seed);
    uint64_t permille = drawn % 1000;
    *out_place = (drawn >> 32) % traces->size;
    if (permille < TRACES_SLOW_PERMILLE) {
        *out_place = 0;
        return TRACES_SLOW;
    }
    if (permille < TRACES_SLOW_PERMILLE + TRACES_FAILED_PERMILLE) {
        return TRACES_FAILED;
    }
    return permille < TRACES_SLOW_PERMILLE + TRACES_FAILED_PERMILLE + TRACES_GOLD_PERMILLE ? TRACES_GOLD : TRACES_PLAIN;
}

static bool is_in_share(const uint8_t *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a of 64 bits over the default salt and the id */
    for (const char *salt = "default-hash-seed"; *salt != '\0'; salt++) {
        hash = (hash ^ (uint8_t)*salt) * UINT64_C(0x100000001b3);
    }
    for (unsigned i = 0; i < ID_BYTES; i++) {
        hash = (hash ^ id[i]) * UINT64_C(0x100000001b3);
    }
    return hash < (uint64_t)(TRACES_SHARE * 0x1p64);
}

bool traces_is_kept(const struct traces *traces, uint64_t trace)
{
    uint64_t place;
    uint8_t id[ID_BYTES];
    if (traces_mark_of(traces, trace, &place) != TRACES_PLAIN) {
        return true;
    }
    traces_id(traces, trace, id);
    return is_in_share(id);
}

void traces_write_kept(const struct traces *traces, uint64_t span_count, const char *path)
{
    uint64_t trace_count = (span_count / traces->spans_per_request / traces->requests + 1) * traces_in_request(traces);
    uint8_t *bits = bench_alloc_zero(span_count / 8 + 1, 1);
    for (uint64_t trace = 0; trace < trace_count; trace++) {
        if (!traces_is_kept(traces, trace)) {
            continue;
        }
        for (uint64_t place = 0; place < traces->size; place++) {
            uint64_t sequence = traces_sequence(traces, trace, place);
            if (sequence < span_count) {
                bits[sequence / 8] |= (uint8_t)(1u << sequence % 8);
            }
        }
    }
    bench_bytes_write_file(path, bits, span_count / 8 + 1);
    free(bits);
}
