#pragma once

#include "worker/worker.h"

/* Whose guest goes when the process has no descriptor left (net/guests.h): one of the worker that has many more who
 * were never answered than the one that is in want. */
struct weft_sparing;

/* Every worker's hall asks it from then on. The workers outlive it. */
struct weft_sparing *weft_sparing_new(struct weft_worker *const *workers, uint32_t worker_count);

/* The workers have stopped; what was asked for is delivered. */
void weft_sparing_free(struct weft_sparing *sparing);

/* Any thread: which worker should spare one for this one; often itself. */
uint32_t weft_sparing_giver(const struct weft_sparing *sparing, uint32_t for_worker);
