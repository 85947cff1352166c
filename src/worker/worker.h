#pragma once

#include "admin/gather.h"
#include "net/loop.h"
#include "graph/graph.h"

/* A worker: one thread with its loop, pools, books and graph. Worker 0 runs on the main thread, which also owns the
 * listeners, the signals and the telemetry port. Others talk to a worker through its mailbox only. */
struct weft_worker;

struct weft_worker_settings {
    uint32_t index, count;
    int64_t wake_interval_ns; /* of the loop (net/moderation.h) */
    struct weft_budget *budget;
    struct weft_ledger *ledger;
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

/* On the worker's thread (or before it runs): builds the plan's graph in place of the present one, which drains until
 * the deadline. on_retired runs on the worker's thread once nothing of the former graph is left (at once if there was
 * none). */
enum weft_status weft_worker_apply(struct weft_worker *worker, const struct weft_plan *plan, int64_t drain_timeout_ns,
                                   void (*on_retired)(void *context), void *context,
                                   struct weft_error *error) WEFT_MUST_CHECK;

/* On the worker's thread: drains everything; on_drained runs when nothing is left, at the deadline by force. A
 * graph that a reload took out and that still drains gets half of the time at most. Calling again with 0 forces now. */
void weft_worker_drain(struct weft_worker *worker, int64_t timeout_ns, void (*on_drained)(void *context),
                       void *context);

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
