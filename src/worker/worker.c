/* Worker (worker.h): owns one graph; during a reload also the one that is built beside it, and then the former one
 * until it is drained. What happens on all workers in step is the agent's business (transition.h). */
#include "worker/worker.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/random.h"
#include "net/guests.h"
#include "net/resolver.h"
#include "pipeline/drops.h"

enum {
    READ_BUFFER_BYTES = 256 * 1024,
    MAILBOX_CAPACITY = 64 * 1024,
    POOL_IDLE_BYTES = 64 << 20,
};

static const int64_t drain_step_ns = 10 * WEFT_NS_PER_MS;
static const int64_t housekeeping_ns = 1 * WEFT_NS_PER_S;
enum { HOUSEKEEPINGS_TO_AGE = 3, MUCH_BYTES = 1 << 20, TURN_MS = 3 };

/* A graph on its way out, and the phase that it is in. */
struct leaving {
    struct weft_worker *worker;
    struct weft_graph *graph; /* NULL = nothing leaves */
    enum weft_drop_reason reason;
    unsigned phase;
    struct weft_monotonic started, deadline;
    struct weft_timer timer;
    void (*on_done)(void *context); /* NULL: between two phases */
    void *context;
};

struct weft_worker {
    struct weft_loop *loop;
    struct weft_mailbox *mailbox;
    struct weft_thread *thread;
    struct weft_net_context net;
    struct weft_guest_hall guests; /* of the servers that live here */
    struct weft_host host;
    struct weft_graph *graph;
    struct weft_graph *built; /* beside it, until all workers have built theirs */
    struct leaving leaving[WEFT_LEAVING_COUNT];
    struct weft_watch *answers_watch;
    struct weft_atomic_u64 connection_count;
    struct weft_timer housekeeping;
    uint32_t housekeepings;
    uint64_t most_reserved; /* by the process, as this worker has seen it since it last trimmed the heap */
};

static bool is_here(const struct weft_worker *worker)
{
    return weft_host_is_here(&worker->host);
}

static void leaving_step(void *context);

/* Idle blocks went back, or much less is reserved than some turns ago: pieces of that lie free in the heap. */
static bool is_rush_over(struct weft_worker *worker)
{
    size_t aged_bytes = weft_payload_pool_age(worker->host.pool);
    uint64_t reserved = weft_budget_reserved(worker->host.budget);
    bool is_over = aged_bytes > MUCH_BYTES || worker->most_reserved > reserved + MUCH_BYTES;
    worker->most_reserved = is_over ? reserved : worker->most_reserved;
    return is_over;
}

static void note_reserved(struct weft_worker *worker)
{
    uint64_t reserved = weft_budget_reserved(worker->host.budget);
    worker->most_reserved = reserved > worker->most_reserved ? reserved : worker->most_reserved;
}

static void keep_house(void *context)
{
    struct weft_worker *worker = context;
    note_reserved(worker);
    size_t count = worker->graph == NULL ? 0 : weft_graph_connection_count(worker->graph);
    weft_atomic_store(&worker->connection_count, count);
    if (count > 0) {
        weft_timer_set_after(worker->host.timers, &worker->housekeeping, housekeeping_ns);
    }
    /* The last client has left, or many have who held much: what was recycled, and what lies free, goes back. */
    bool is_over = weft_body_credit_take_relief(worker->net.bodies);
    if (is_over || count == 0) {
        weft_payload_pool_trim(worker->host.pool);
        weft_alloc_trim();
    } else if (++worker->housekeepings % HOUSEKEEPINGS_TO_AGE == 0 && is_rush_over(worker)) {
        weft_alloc_trim();
    }
}

static void on_answers_ready(void *context, unsigned readiness)
{
    struct weft_worker *worker = context;
    (void)readiness;
    weft_helper_box_deliver(worker->host.answers);
}

struct weft_worker *weft_worker_new(const struct weft_worker_settings *settings)
{
    struct weft_worker *worker = weft_alloc(sizeof *worker);
    worker->loop = weft_loop_new();
    weft_loop_set_wake_interval(worker->loop, settings->wake_interval_ns);
    worker->mailbox = weft_mailbox_new(MAILBOX_CAPACITY);
    weft_loop_attach_mailbox(worker->loop, worker->mailbox);
    worker->net = (struct weft_net_context){
        .loop = worker->loop,
        .pool = weft_payload_pool_new(settings->budget, POOL_IDLE_BYTES),
        .codec = weft_codec_new(settings->budget),
        .budget = settings->budget,
        .read_buffer = weft_alloc_pages(READ_BUFFER_BYTES),
        .read_buffer_bytes = READ_BUFFER_BYTES,
        .resolver = weft_resolver_new(worker->loop, NULL),
        .guests = &worker->guests,
    };
    weft_guest_hall_init(&worker->guests);
    struct weft_body_credit_settings bodies = settings->bodies;
    bodies.worker_count = settings->count;
    worker->net.bodies = weft_body_credit_new(worker->loop, settings->budget, &bodies);
    worker->host = (struct weft_host){
        .net = &worker->net,
        .timers = weft_loop_timers(worker->loop),
        .pool = worker->net.pool,
        .codec = worker->net.codec,
        .budget = settings->budget,
        .ledger = settings->ledger,
        .secret = settings->secret,
        .books = weft_ledger_worker_of(settings->ledger, settings->index),
        .worker_index = settings->index,
        .worker_count = settings->count,
        .answers = weft_helper_box_new(),
        .random_state = weft_random_u64(),
        .turn_ns = TURN_MS * WEFT_NS_PER_MS,
    };
    worker->answers_watch = weft_watch_new(worker->loop, weft_helper_box_descriptor(worker->host.answers),
                                           WEFT_READABLE, on_answers_ready, worker);
    worker->host.drops = weft_drops_new(weft_timers_now(worker->host.timers));
    for (int i = 0; i < WEFT_LEAVING_COUNT; i++) {
        worker->leaving[i].worker = worker;
        weft_timer_init(&worker->leaving[i].timer, leaving_step, &worker->leaving[i]);
    }
    weft_timer_init(&worker->housekeeping, keep_house, worker);
    return worker;
}

void weft_worker_free(struct weft_worker *worker)
{
    weft_assert(worker->graph == NULL && worker->built == NULL && worker->thread == NULL && is_here(worker));
    weft_timer_cancel(worker->host.timers, &worker->housekeeping);
    for (int i = 0; i < WEFT_LEAVING_COUNT; i++) {
        weft_assert(worker->leaving[i].graph == NULL);
        weft_timer_cancel(worker->host.timers, &worker->leaving[i].timer);
    }
    weft_mailbox_deliver(worker->mailbox);
    weft_resolver_free(worker->net.resolver);
    weft_watch_free(worker->answers_watch);
    weft_helper_box_free(worker->host.answers);
    weft_body_credit_free(worker->net.bodies);
    weft_codec_free(worker->net.codec);
    weft_payload_pool_free(worker->net.pool);
    weft_free(worker->net.read_buffer);
    weft_loop_free(worker->loop);
    weft_mailbox_free(worker->mailbox);
    weft_drops_free(worker->host.drops);
    weft_free(worker);
}

/* The calling thread is the worker's from now on. */
static void own(struct weft_worker *worker)
{
    weft_payload_pool_own(worker->host.pool);
    worker->host.thread = weft_thread_id();
}

void weft_worker_run(struct weft_worker *worker)
{
    own(worker);
    weft_loop_run(worker->loop);
}

static void thread_main(void *context)
{
    weft_worker_run(context);
}

void weft_worker_start_thread(struct weft_worker *worker)
{
    weft_assert(worker->thread == NULL && worker->host.thread == 0);
    char name[] = "weft-worker-000";
    name[12] = (char)('0' + worker->host.worker_index / 100 % 10);
    name[13] = (char)('0' + worker->host.worker_index / 10 % 10);
    name[14] = (char)('0' + worker->host.worker_index % 10);
    worker->thread = weft_thread_start(name, thread_main, worker);
}

void weft_worker_join(struct weft_worker *worker)
{
    weft_assert(worker->thread != NULL);
    weft_thread_join(worker->thread);
    own(worker); /* what it held is freed here */
    worker->thread = NULL;
}

void weft_worker_stop(struct weft_worker *worker)
{
    weft_loop_stop(worker->loop);
}

struct weft_host *weft_worker_host(struct weft_worker *worker)
{
    return &worker->host;
}

struct weft_loop *weft_worker_loop(struct weft_worker *worker)
{
    return worker->loop;
}

struct weft_mailbox *weft_worker_mailbox(struct weft_worker *worker)
{
    return worker->mailbox;
}

uint64_t weft_worker_connection_count(const struct weft_worker *worker)
{
    return weft_atomic_load(&worker->connection_count);
}

/* ---- graphs that come ---- */

enum weft_status weft_worker_build(struct weft_worker *worker, const struct weft_plan *plan, struct weft_error *error)
{
    weft_assert(is_here(worker) && worker->built == NULL);
    return weft_graph_build(&worker->host, plan, worker->graph, &worker->built, error);
}

void weft_worker_switch(struct weft_worker *worker)
{
    weft_assert(is_here(worker));
    weft_assert(worker->built != NULL && worker->leaving[WEFT_LEAVING_FORMER].graph == NULL);
    weft_graph_switch(worker->built, worker->graph);
    worker->leaving[WEFT_LEAVING_FORMER].graph = worker->graph;
    worker->graph = worker->built;
    worker->built = NULL;
}

void weft_worker_discard(struct weft_worker *worker)
{
    weft_assert(is_here(worker));
    if (worker->built != NULL) {
        weft_graph_free(worker->built);
        worker->built = NULL;
    }
}

/* ---- graphs that go ---- */

void weft_worker_leave_begin(struct weft_worker *worker, enum weft_leaving which, int64_t timeout_ns)
{
    struct leaving *leaving = &worker->leaving[which];
    weft_assert(is_here(worker) && leaving->on_done == NULL);
    if (which == WEFT_LEAVING_PRESENT) {
        leaving->graph = worker->graph;
        worker->graph = NULL;
    }
    weft_assert(leaving->graph != NULL);
    leaving->reason = which == WEFT_LEAVING_FORMER ? WEFT_DROP_RELOAD : WEFT_DROP_SHUTDOWN;
    leaving->started = weft_timers_now(worker->host.timers);
    leaving->deadline = weft_monotonic_after(leaving->started, timeout_ns);
}

void weft_worker_leave(struct weft_worker *worker, enum weft_leaving which, unsigned phase,
                       void (*on_done)(void *context), void *context)
{
    struct leaving *leaving = &worker->leaving[which];
    weft_assert(is_here(worker) && on_done != NULL);
    weft_assert(leaving->graph != NULL && leaving->on_done == NULL);
    leaving->phase = phase;
    leaving->on_done = on_done;
    leaving->context = context;
    weft_timer_set_after(worker->host.timers, &leaving->timer, 0);
}

/* By force: connections are closed with the receivers; attempts that were cancelled report back within a tick. */
static bool is_phase_done(const struct leaving *leaving, bool is_drained, bool is_forced, struct weft_monotonic now)
{
    if (is_drained) {
        return true;
    }
    if (leaving->phase == 0) {
        return now.ns - leaving->started.ns >= (leaving->deadline.ns - leaving->started.ns) / 2;
    }
    return is_forced && weft_graph_held(leaving->graph) == 0;
}

static void leaving_step(void *context)
{
    struct leaving *leaving = context;
    weft_assert(is_here(leaving->worker) && leaving->graph != NULL && leaving->on_done != NULL);
    struct weft_timers *timers = leaving->worker->host.timers;
    struct weft_monotonic now = weft_timers_now(timers);
    bool is_forced = now.ns >= leaving->deadline.ns;
    bool is_drained = weft_graph_drain(leaving->graph, leaving->phase, leaving->reason, is_forced);
    if (!is_phase_done(leaving, is_drained, is_forced, now)) {
        weft_timer_set_after(timers, &leaving->timer, is_forced ? WEFT_NS_PER_MS : drain_step_ns);
        return;
    }
    void (*on_done)(void *context) = leaving->on_done;
    leaving->on_done = NULL;
    on_done(leaving->context);
}

void weft_worker_leave_hurry(struct weft_worker *worker, enum weft_leaving which, int64_t timeout_ns)
{
    struct leaving *leaving = &worker->leaving[which];
    weft_assert(is_here(worker));
    struct weft_monotonic deadline = weft_monotonic_after(weft_timers_now(worker->host.timers), timeout_ns);
    if (leaving->graph != NULL && leaving->deadline.ns > deadline.ns) {
        leaving->deadline = deadline;
        if (leaving->on_done != NULL) {
            weft_timer_set_after(worker->host.timers, &leaving->timer, 0);
        }
    }
}

void weft_worker_leave_end(struct weft_worker *worker, enum weft_leaving which)
{
    struct leaving *leaving = &worker->leaving[which];
    weft_assert(is_here(worker) && leaving->graph != NULL && leaving->on_done == NULL);
    weft_graph_free(leaving->graph);
    leaving->graph = NULL;
}

void weft_worker_abandon(struct weft_worker *worker)
{
    weft_worker_discard(worker);
    if (worker->graph != NULL) {
        weft_graph_free(worker->graph);
        worker->graph = NULL;
    }
}

void weft_worker_adopt(struct weft_worker *worker, const struct weft_plan_component *component, size_t listener_index,
                       int descriptor)
{
    weft_assert(is_here(worker) && descriptor >= 0);
    struct weft_receiver *receiver = worker->graph == NULL ? NULL : weft_graph_receiver(worker->graph, component);
    if (receiver == NULL) {
        close(descriptor);
        return;
    }
    receiver->operations->adopt(receiver, listener_index, descriptor);
    weft_timer_set_after(worker->host.timers, &worker->housekeeping, housekeeping_ns);
    weft_atomic_store(&worker->connection_count, weft_graph_connection_count(worker->graph));
}

static void add_check(void *context, const char *name, const char *text)
{
    weft_gather_add_check(context, name, text);
}

static void collect_pace(const struct weft_worker *worker, struct weft_samples *samples)
{
    const struct weft_loop_pace *pace = weft_loop_read_pace(worker->loop);
    char number[16], bound[16];
    snprintf(number, sizeof number, "%u", worker->host.worker_index);
    const struct weft_sample_label *labels = WEFT_LABELS({ "worker", number });
    weft_samples_add(samples, "weft_loop_ticks", "Turns of the worker's event loop", WEFT_SAMPLE_COUNTER,
                     (double)pace->ticks, labels);
    weft_samples_add(samples, "weft_loop_longest_tick_seconds",
                     "The longest turn; nothing else of the worker moved in it", WEFT_SAMPLE_GAUGE,
                     (double)pace->longest_ns / 1e9, labels);
    for (size_t i = 0; i < WEFT_LOOP_PACES; i++) {
        snprintf(bound, sizeof bound, "%g", (double)weft_loop_pace_bounds_ns[i] / 1e9);
        weft_samples_add(samples, "weft_loop_slow_ticks", "Turns that took longer than so many seconds",
                         WEFT_SAMPLE_COUNTER, (double)pace->slow_ticks[i],
                         WEFT_LABELS({ "worker", number }, { "over", bound }));
    }
}

static void collect_begun(const struct weft_worker *worker, struct weft_samples *samples)
{
    const struct weft_sample_label *none = WEFT_LABELS({ NULL, NULL });
    struct weft_body_credit_state state = weft_body_credit_read(worker->net.bodies);
    weft_samples_add(samples, "weft_begun_requests", "Requests that are half received", WEFT_SAMPLE_GAUGE,
                     (double)state.begun_count, none);
    weft_samples_add(samples, "weft_begun_bytes", "What requests that are half received hold", WEFT_SAMPLE_GAUGE,
                     (double)state.held_bytes, none);
    weft_samples_add(samples, "weft_begun_waiting", "Of these requests, those that wait for others to end",
                     WEFT_SAMPLE_GAUGE, (double)state.waiting_count, none);
}

void weft_worker_answer(struct weft_worker *worker, struct weft_gather *gather)
{
    weft_assert(is_here(worker));
    struct weft_graph *graphs[] = { worker->graph, worker->leaving[WEFT_LEAVING_FORMER].graph,
                                    worker->leaving[WEFT_LEAVING_PRESENT].graph };
    struct weft_audit audit = { 0 };
    if (gather->wants_samples) {
        collect_pace(worker, &gather->samples);
        collect_begun(worker, &gather->samples);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(graphs); i++) {
        if (graphs[i] != NULL && gather->wants_samples) {
            weft_graph_collect(graphs[i], &gather->samples);
        }
        if (graphs[i] != NULL && gather->wants_audit) {
            weft_graph_audit(graphs[i], &audit);
        }
        if (graphs[i] != NULL && gather->wants_checks) {
            weft_graph_check(graphs[i], add_check, gather);
        }
        if (graphs[i] != NULL && gather->question != NULL) {
            weft_graph_ask(graphs[i], gather->question);
        }
    }
    if (gather->wants_audit) {
        weft_graph_audit_stages(&worker->host, &audit);
        gather->disagreement_count += weft_audit_check(&audit, &worker->host, &gather->disagreements);
        gather->lent_records += weft_stages_lent(&worker->host);
    }
    if (gather->drops != NULL) {
        weft_drops_summary_add(gather->drops, &worker->host);
    }
    weft_audit_fini(&audit);
}
