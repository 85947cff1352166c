#pragma once

#include <stdint.h>

#include "lib/bytes.h"
#include "load/shape.h"
#include "load/traces.h"

/* Where the changing bytes of one span lie, as offsets in the request; or of a log record: its times are the two. */
struct template_span {
    uint32_t offset; /* of the Span or LogRecord message */
    uint32_t length;
    uint32_t trace_id;
    uint32_t span_id;
    uint32_t parent_span_id; /* 0 = a root span */
    uint32_t start_time;
    uint32_t end_time;
    uint32_t parent_back; /* how many places before this one in the trace its parent is */
    uint32_t job;         /* the digits of its job_id; 0 = it has none */
    uint32_t tier;        /* of traces that are dealt: the text of bench.tier, and the status code */
    uint32_t status_code;
    uint64_t duration_ns;
    uint64_t surroundings; /* hash of its resource and scope bytes */
};

/* One encoded ExportTraceServiceRequest, in canonical protobuf, behind its 5-byte gRPC prefix (over HTTP there is
 * none). */
struct template
{
    struct bench_bytes request;
    struct template_span *spans;
    uint32_t span_count;
    uint32_t prefix_bytes;
};

struct template template_build(const struct shape *shape, uint64_t span_count, uint64_t seed, size_t prefix_bytes);

/* The same for traces that are dealt to requests: this is request number part of those that share their traces. */
struct template template_build_dealt(const struct shape *shape, const struct traces *traces, uint64_t part,
                                     uint64_t seed, size_t prefix_bytes);

/* A request of log records of the traces that are dealt. */
struct template template_build_lines(const struct shape *shape, const struct traces *traces, uint64_t seed,
                                     size_t prefix_bytes);
void template_free(struct template *made);

/* The hash sums of a request: order-free, so that a relay may regroup and reorder. spans covers the bytes of each Span;
 * tree covers each Span together with its resource and scope. */
struct template_hash {
    uint64_t spans;
    uint64_t tree;
};

/* Writes ids and times for the spans first_id, first_id + 1, ... into request, which is a copy of made->request. */
void template_patch(const struct template *made, uint8_t *request, uint64_t first_id, uint64_t spans_per_trace,
                    uint64_t seed, int64_t now_ns);

/* The same for traces that are dealt: the spans or lines first_sequence, ... What decides on a trace is written, too.
 */
void template_patch_dealt(const struct template *made, uint8_t *request, uint64_t first_sequence,
                          const struct traces *traces, int64_t now_ns);

struct template_hash template_hash(const struct template *made, const uint8_t *request);

/* Only of the spans that a sampler keeps. */
struct template_hash template_hash_kept(const struct template *made, const uint8_t *request, uint64_t first_sequence,
                                        const struct traces *traces);
