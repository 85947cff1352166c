/* How traces are dealt to requests, and which of them a tail sampler must keep (traces.h). The hash of the share is
 * written here once more, from the Collector's documentation of its probabilistic policy: weft has its own. */
#include "load/traces.h"

#include <stdlib.h>
#include <string.h>

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
    return (struct traces){ .size = size,
                            .spans_per_request = spans_per_request,
                            .requests = requests,
                            .place_span = place_span,
                            .block = block,
                            .stride = block / place_span,
                            .seed = seed };
}

void traces_add_lines(struct traces *traces, uint64_t lines, uint64_t job, bool is_job_kept_whole)
{
    uint64_t resources = traces->spans_per_request / traces->block;
    if ((lines > 0 && resources % lines != 0) || (job > 0 && traces->stride % job != 0)) {
        bench_die(
            "%llu lines to a span and %llu traces to a job do not fill requests of %llu resources and %llu traces",
            (unsigned long long)lines, (unsigned long long)job, (unsigned long long)resources,
            (unsigned long long)traces->stride);
    }
    traces->lines = lines;
    traces->job = job;
    traces->is_job_kept_whole = is_job_kept_whole;
}

bool traces_is_of_lines(const struct traces *traces, uint64_t request)
{
    return request % (1 + traces->lines) != 0;
}

uint64_t traces_part(const struct traces *traces, uint64_t request)
{
    return request / (1 + traces->lines) % traces->requests;
}

uint64_t traces_request(const struct traces *traces, uint64_t part)
{
    return part * (1 + traces->lines);
}

uint64_t traces_round(const struct traces *traces)
{
    return traces->requests * (1 + traces->lines);
}

uint64_t traces_resources_of_lines(const struct traces *traces)
{
    return traces->spans_per_request / traces->block / traces->lines;
}

static uint64_t traces_in_request(const struct traces *traces)
{
    return traces->spans_per_request / traces->place_span;
}

/* A request of lines is as one of spans that has only some of the resources, and of each lines times the spans. */
struct traces_place traces_at(const struct traces *traces, uint64_t sequence)
{
    uint64_t request = sequence / traces->spans_per_request;
    uint64_t at = sequence % traces->spans_per_request;
    uint64_t number = request % (1 + traces->lines); /* 0: of spans */
    uint64_t times = number == 0 ? 1 : traces->lines;
    uint64_t resource = at / (traces->block * times);
    resource += number == 0 ? 0 : (number - 1) * traces_resources_of_lines(traces);
    uint64_t first = request / traces_round(traces) * traces_in_request(traces) + resource * traces->stride;
    uint64_t within = at % (traces->block * times);
    return (struct traces_place){ first + within % traces->stride,
                                  traces_part(traces, request) * traces->place_span + within / traces->stride / times };
}

uint64_t traces_sequence(const struct traces *traces, uint64_t trace, uint64_t place)
{
    uint64_t in_request = trace % traces_in_request(traces);
    uint64_t request =
        trace / traces_in_request(traces) * traces_round(traces) + traces_request(traces, place / traces->place_span);
    uint64_t at = in_request / traces->stride * traces->block + place % traces->place_span * traces->stride +
                  in_request % traces->stride;
    return request * traces->spans_per_request + at;
}

void traces_id(const struct traces *traces, uint64_t trace, uint8_t *id)
{
    bench_store_u64_be(id, bench_mix(trace ^ traces->seed));
    bench_store_u64_be(id + 8, bench_mix(trace + traces->seed) | 1);
}

static uint64_t job_of(const struct traces *traces, uint64_t trace)
{
    return traces->job == 0 ? trace : trace / traces->job;
}

void traces_write_job(const struct traces *traces, uint64_t trace, uint8_t *digits)
{
    uint64_t value = bench_mix(job_of(traces, trace) ^ ~traces->seed);
    for (int i = TRACES_JOB_DIGITS - 1; i >= 0; i--, value >>= 4) {
        digits[i] = (uint8_t) "0123456789abcdef"[value & 15];
    }
}

enum traces_mark traces_mark_of(const struct traces *traces, uint64_t trace, uint64_t *out_place)
{
    uint64_t drawn = bench_mix(bench_mix(job_of(traces, trace)) + traces->seed);
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

/* The id by which a sampler keeps its share: the trace's own, or the least of its job. */
static void deciding_id(const struct traces *traces, uint64_t trace, uint8_t *id)
{
    uint64_t first = traces->is_job_kept_whole ? job_of(traces, trace) * traces->job : trace;
    uint64_t end = traces->is_job_kept_whole ? first + traces->job : trace + 1;
    traces_id(traces, first, id);
    for (uint64_t other = first + 1; other < end; other++) {
        uint8_t its_id[ID_BYTES];
        traces_id(traces, other, its_id);
        if (memcmp(its_id, id, ID_BYTES) < 0) {
            memcpy(id, its_id, ID_BYTES);
        }
    }
}

bool traces_is_kept(const struct traces *traces, uint64_t trace)
{
    uint64_t place;
    uint8_t id[ID_BYTES];
    if (traces_mark_of(traces, trace, &place) != TRACES_PLAIN) {
        return true;
    }
    deciding_id(traces, trace, id);
    return is_in_share(id);
}

void traces_write_kept(const struct traces *traces, uint64_t span_count, const char *path)
{
    uint8_t *bits = bench_alloc_zero(span_count / 8 + 1, 1);
    for (uint64_t sequence = 0; sequence < span_count; sequence++) {
        if (traces_is_kept(traces, traces_at(traces, sequence).trace)) {
            bits[sequence / 8] |= (uint8_t)(1u << sequence % 8);
        }
    }
    bench_bytes_write_file(path, bits, span_count / 8 + 1);
    free(bits);
}
