#pragma once

#include "worker/worker.h"

/* All workers change graphs in step: each step is a round, in which every worker does its part on its own thread, and
 * the next round begins when all have. So a graph is used by all workers or by none, and a stage can rely on the
 * graphs of other workers being where its own is. Main thread; the callbacks run there, too. One thing at a time. */
struct weft_transition;

/* What a transition tells: context is that of weft_transition_new. */
typedef void (*weft_transition_fn)(void *context);

struct weft_transition *weft_transition_new(struct weft_worker *const *workers, uint32_t worker_count, void *context);

/* The workers have stopped. */
void weft_transition_free(struct weft_transition *transition);

/* Builds the plan's graph on every worker. What a worker could not build is told by weft_transition_error. */
void weft_transition_build(struct weft_transition *transition, const struct weft_plan *plan,
                           weft_transition_fn on_done);

/* NULL = every worker has built. Valid until the next round. */
const struct weft_error *weft_transition_error(const struct weft_transition *transition);

/* What was built is used by every worker, or by none: then it is taken apart. */
void weft_transition_switch(struct weft_transition *transition, weft_transition_fn on_done);
void weft_transition_discard(struct weft_transition *transition, weft_transition_fn on_done);

/* Drains and frees the graphs that leave, made of this plan, phase by phase. */
void weft_transition_leave(struct weft_transition *transition, enum weft_leaving which, const struct weft_plan *plan,
                           int64_t timeout_ns, weft_transition_fn on_done);

/* While they leave: the deadline is at most this long from now. */
void weft_transition_hurry(struct weft_transition *transition, int64_t timeout_ns);

/* Ends every worker's loop. */
void weft_transition_stop(struct weft_transition *transition);
