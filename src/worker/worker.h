#pragma once

#include "admin/gather.h"
#include "net/body_credit.h"
#include "net/loop.h"
#include "graph/graph.h"

/* A worker: one thread with its loop, pools, books and graph. Worker 0 runs on the main thread, which also owns the
 * listeners, the signals and the telemetry port. Others talk to a worker through its mailbox only. */
struct weft_worker;

struct weft_worker_settings {
    uint32_t index, count;
    int64_t wake_interval_ns;                /* of the loop (net/moderation.h) */
    struct weft_body_credit_settings bodies; /* without the number of workers */
    struct weft_budget *budget;
    struct weft_ledger *ledger;
    const struct weft_hash_secret *secret; /* the process's */
};

struct weft_worker *weft_worker_new(const struct weft_worker_settings *settings);

/* Not running, graph drained and freed. */
void weft_worker_free(struct weft_worker *worker);

/* Runs the loop on a thread of its own, or (worker 0) in this one until weft_worker_stop. */
void weft_worker_start_thread(struct weft_worker *worker);
void weft_worker_run(struct weft_worker *worker);
void weft_worker_join(struct weft_worker *worker);

struct weft_host *weft_worker_host(struct weft_worker *worker);
struct weft_loop *weft_worker_loop(struct weft_worker *worker);
struct weft_mailbox *weft_worker_mailbox(struct weft_worker *worker);

/* On the worker's thread, or before it runs. Builds the plan's graph beside the present one, which works on. */
enum weft_status weft_worker_build(struct weft_worker *worker, const struct weft_plan *plan,
                                   struct weft_error *error) WEFT_MUST_CHECK;

/* On the worker's thread: what was built takes the place of the present graph, which then waits to be retired; or it is
 * not used after all. */
void weft_worker_switch(struct weft_worker *worker);
void weft_worker_discard(struct weft_worker *worker);

/* A graph on its way out: the one that a switch has replaced, or the present one at the end. */
enum weft_leaving { WEFT_LEAVING_FORMER, WEFT_LEAVING_PRESENT, WEFT_LEAVING_COUNT };

/* On the worker's thread. The graph drains phase by phase (weft_graph_drain); on_done runs on the worker's thread when
 * this one is done. Receivers get half of the time until the deadline, which counts from begin; at the deadline what is
 * left is dropped. */
void weft_worker_leave_begin(struct weft_worker *worker, enum weft_leaving which, int64_t timeout_ns);
void weft_worker_leave(struct weft_worker *worker, enum weft_leaving which, unsigned phase,
                       void (*on_done)(void *context), void *context);

/* Brings the deadline forward to this time from now, if it is later. */
void weft_worker_leave_hurry(struct weft_worker *worker, enum weft_leaving which, int64_t timeout_ns);

/* All phases are done: frees the graph. */
void weft_worker_leave_end(struct weft_worker *worker, enum weft_leaving which);

/* Not running: lets go of a graph that has never run or has drained already. */
void weft_worker_abandon(struct weft_worker *worker);

/* On the worker's thread: ends weft_worker_run. */
void weft_worker_stop(struct weft_worker *worker);

/* On the worker's thread. Closes the descriptor if the receiver is gone. */
void weft_worker_adopt(struct weft_worker *worker, const struct weft_plan_component *component, size_t listener_index,
                       int descriptor);

/* Any thread: connections open as of a moment ago. */
uint64_t weft_worker_connection_count(const struct weft_worker *worker);

/* On the worker's thread: adds this worker's part. */
void weft_worker_answer(struct weft_worker *worker, struct weft_gather *gather);
