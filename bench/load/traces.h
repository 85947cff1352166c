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
 * bench/suts has these policies. */
enum {
    TRACES_REQUESTS_MAX = 4,
    TRACES_SLOW_PERMILLE = 20,
    TRACES_FAILED_PERMILLE = 25,
    TRACES_GOLD_PERMILLE = 20,
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
};

enum traces_mark { TRACES_PLAIN, TRACES_SLOW, TRACES_FAILED, TRACES_GOLD };

/* Where a span lies: its trace by number, its place in it. */
struct traces_place {
    uint64_t trace;
    uint64_t place;
};

/* Ends the program if such traces do not fill such requests. */
struct traces traces_of(uint64_t size, uint64_t spans_per_request, uint64_t resources, uint64_t seed);

struct traces_place traces_at(const struct traces *traces, uint64_t sequence);

/* The way back. */
uint64_t traces_sequence(const struct traces *traces, uint64_t trace, uint64_t place);

/* Writes 16 bytes. */
void traces_id(const struct traces *traces, uint64_t trace, uint8_t *id);

/* The mark, and the place of the span that bears it. */
enum traces_mark traces_mark_of(const struct traces *traces, uint64_t trace, uint64_t *out_place);
bool traces_is_kept(const struct traces *traces, uint64_t trace);

/* One bit for each of the first span_count sequence numbers whose trace is to be kept. */
void traces_write_kept(const struct traces *traces, uint64_t span_count, const char *path);
