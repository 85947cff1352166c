#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Traces as a gateway sees them: a trace's spans come from several services, so they are dealt to min(4, size)
 * consecutive requests. In each of them they are of one resource, so that a trace has four at most, and lie as far
 * apart there as that resource has traces, since a service has many under way. Four requests share their traces: size
 * times traces is the number of spans in the four.
 *
 * Which span belongs to which trace, at which place, and whether a sampler must keep the trace, follows from the span's
 * sequence number alone. A tenth is to be kept: marked slow (its first span takes SLOW_NS), failed (one span has status
 * ERROR) or gold (one span has bench.tier "gold"), or its id is within a share of TRACES_SHARE by the Collector's hash.
 * bench/suts has these policies.
 *
 * With lines, a request of spans is followed by as many requests of log records as a span has lines: each holds all
 * lines of some resources, which lie there as the spans do, as far apart as the resource has traces. Sequence numbers
 * run through both. With jobs, neighbouring traces share a job_id, which their first spans and all lines bear, and
 * their mark; who joins by it keeps a job whole, by the least of its ids. */
enum {
    TRACES_REQUESTS_MAX = 4,
    TRACES_SLOW_PERMILLE = 20,
    TRACES_FAILED_PERMILLE = 25,
    TRACES_GOLD_PERMILLE = 20,
    TRACES_JOB_DIGITS = 16,
};
#define TRACES_SLOW_NS INT64_C(3000000000)
#define TRACES_SHARE   0.03125 /* 3.125 %: a power of two, so that the bound has no rounding to argue about */

struct traces {
    uint64_t size; /* spans of a trace */
    uint64_t spans_per_request;
    uint64_t requests;   /* that share their traces */
    uint64_t place_span; /* spans of one trace in a request */
    uint64_t block;      /* spans of a resource in a request */
    uint64_t stride;     /* traces of a resource in a request */
    uint64_t seed;
    uint64_t lines; /* log records to each span */
    uint64_t job;   /* traces of a job; 0 = no jobs */
    bool is_job_kept_whole;
};

enum traces_mark { TRACES_PLAIN, TRACES_SLOW, TRACES_FAILED, TRACES_GOLD };

/* Where a span lies: its trace by number, its place in it. Or the span of a line. */
struct traces_place {
    uint64_t trace;
    uint64_t place;
};

/* Without lines and jobs. Ends the program if such traces do not fill such requests. */
struct traces traces_of(uint64_t size, uint64_t spans_per_request, uint64_t resources, uint64_t seed);

/* lines to each span, job traces to a job (0: none). Ends the program if these do not fill the requests. */
void traces_add_lines(struct traces *traces, uint64_t lines, uint64_t job, bool is_job_kept_whole);

/* Of what a request is: lines (and then part says nothing), or spans, the part-th of those that share their traces. */
bool traces_is_of_lines(const struct traces *traces, uint64_t request);
uint64_t traces_part(const struct traces *traces, uint64_t request);

/* A request of spans that is that part. */
uint64_t traces_request(const struct traces *traces, uint64_t part);

/* Requests after which no trace is half sent: all that share their traces, with their lines. */
uint64_t traces_round(const struct traces *traces);
uint64_t traces_resources_of_lines(const struct traces *traces);

struct traces_place traces_at(const struct traces *traces, uint64_t sequence);

/* The way back, of a span. */
uint64_t traces_sequence(const struct traces *traces, uint64_t trace, uint64_t place);

/* Writes 16 bytes. */
void traces_id(const struct traces *traces, uint64_t trace, uint8_t *id);

/* Writes TRACES_JOB_DIGITS digits. */
void traces_write_job(const struct traces *traces, uint64_t trace, uint8_t *digits);

/* The mark, and the place of the span that bears it. */
enum traces_mark traces_mark_of(const struct traces *traces, uint64_t trace, uint64_t *out_place);
bool traces_is_kept(const struct traces *traces, uint64_t trace);

/* One bit for each of the first span_count sequence numbers whose trace is to be kept. */
void traces_write_kept(const struct traces *traces, uint64_t span_count, const char *path);
