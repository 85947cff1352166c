#pragma once

#include "graph/plan.h"
#include "worker/sparing.h"
#include "worker/worker.h"

/* Accepts on the listeners of a plan's receivers and gives each socket to the worker with the fewest connections: a
 * Collector upstream is one connection, which SO_REUSEPORT would place by luck. Main thread. */
struct weft_acceptor;

/* sparing: whose descriptor goes when there is none left for who comes. */
struct weft_acceptor *weft_acceptor_new(struct weft_loop *loop, struct weft_worker *const *workers,
                                        uint32_t worker_count, const struct weft_sparing *sparing);

/* Watches exactly the plan's listeners from now on, and closes those of receivers that are not in it any more. */
void weft_acceptor_set_plan(struct weft_acceptor *acceptor, const struct weft_plan *plan);

/* Stops watching and closes all listeners, so that who connects now is refused at once. */
void weft_acceptor_stop(struct weft_acceptor *acceptor);
void weft_acceptor_free(struct weft_acceptor *acceptor);
