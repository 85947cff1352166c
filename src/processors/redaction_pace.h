#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long the patterns of a redaction may take in one batch: a pattern that a peer's bytes make slow meets its limits
 * in one value after a millisecond or some, but a batch has tens of thousands of values, and nothing else happens on
 * the worker meanwhile. What counts is the thread's time on a processor, beyond what patterns that are not slow need
 * for their bytes. When it is over, it is for the rest of the batch. */
struct weft_redaction_pace {
    int64_t looked_ns;  /* a cheap clock, when the thread's own was read last */
    int64_t started_ns; /* the thread's, at the beginning of the batch */
    int64_t allowed_ns; /* 0: for ever */
    bool is_over;
};

void weft_redaction_pace_begin(struct weft_redaction_pace *pace);

/* What one match in so many bytes may take. */
int64_t weft_redaction_pace_of_match(size_t bytes);

/* So many bytes are to be matched, each pattern's counted. False: there is no time left for it. */
bool weft_redaction_pace_allows(struct weft_redaction_pace *pace, size_t bytes);
