/* Worker (worker.h): owns one graph, and during a reload also the former one until it is drained. */
#include "worker/worker.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

enum {
    READ_BUFFER_BYTES = 256 * 1024,
    MAILBOX_CAPACITY = 64 * 1024,
    POOL_IDLE_BYTES = 64 << 20,
};

static const int64_t drain_step_ns = 10 * WEFT_NS_PER_MS;
static const int64_t housekeeping_ns = 1 * WEFT_NS_PER_S;

/* A graph on its way out. */
struct retirement {
    struct weft_graph *graph; /* NULL = nothing is retiring */
    enum weft_drop_reason reason;
    struct weft_monotonic started, deadline;
    struct weft_timer timer;
    void (*on_done)(void *context);
    void *context;
};

struct weft_worker {
    struct weft_loop *loop;
    struct weft_mailbox *mailbox;
    struct weft_thread *thread;
    struct weft_net_context net;
    struct weft_host host;
    struct weft_graph *graph;
    struct retirement former;   /* of a reload */
    struct retirement shutdown; /* of the worker's own graph */
    struct weft_atomic_u64 connection_count;
    struct weft_timer housekeeping;
    size_t last_connection_count;
};

static void former_step(void *context);
static void shutdown_step(void *context);

static void keep_house(void *context)
{
    struct weft_worker *worker = context;
    size_t count = worker->graph == NULL ? 0 : weft_graph_connection_count(worker->graph);
    weft_atomic_store(&worker->connection_count, count);
    if (count > 0) {
        weft_timer_set_after(worker->host.timers, &worker->housekeeping, housekeeping_ns);
    } else if (worker->last_connection_count > 0) {
        /* The last client has left: give the recycled blocks back. */
        weft_payload_pool_trim(worker->host.pool);
    }
    worker->last_connection_count = count;
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
    };
    worker->host = (struct weft_host){
        .net = &worker->net,
        .timers = weft_loop_timers(worker->loop),
        .pool = worker->net.pool,
        .codec = worker->net.codec,
        .budget = settings->budget,
        .ledger = settings->ledger,
        .books = weft_ledger_worker_of(settings->ledger, settings->index),
        .worker_index = settings->index,
        .worker_count = settings->count,
        .random_state = (uint64_t)weft_wall_now().ns + settings->index,
    };
    weft_timer_init(&worker->former.timer, former_step, worker);
    weft_timer_init(&worker->shutdown.timer, shutdown_step, worker);
    weft_timer_init(&worker->housekeeping, keep_house, worker);
    return worker;
}

void weft_worker_free(struct weft_worker *worker)
{
    weft_assert(worker->graph == NULL && worker->former.graph == NULL && worker->thread == NULL);
    weft_timer_cancel(worker->host.timers, &worker->housekeeping);
    weft_timer_cancel(worker->host.timers, &worker->former.timer);
    weft_timer_cancel(worker->host.timers, &worker->shutdown.timer);
    weft_mailbox_deliver(worker->mailbox);
    weft_codec_free(worker->net.codec);
    weft_payload_pool_free(worker->net.pool);
    weft_free(worker->net.read_buffer);
    weft_loop_free(worker->loop);
    weft_mailbox_free(worker->mailbox);
    weft_free(worker);
}

void weft_worker_run(struct weft_worker *worker)
{
    weft_loop_run(worker->loop);
}

static void thread_main(void *context)
{
    weft_worker_run(context);
}

void weft_worker_start_thread(struct weft_worker *worker)
{
    char name[] = "weft-worker-000";
    name[12] = (char)('0' + worker->host.worker_index / 100 % 10);
    name[13] = (char)('0' + worker->host.worker_index / 10 % 10);
    name[14] = (char)('0' + worker->host.worker_index % 10);
    worker->thread = weft_thread_start(name, thread_main, worker);
}

void weft_worker_join(struct weft_worker *worker)
{
    weft_thread_join(worker->thread);
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

/* ---- graphs that go ---- */

static void retirement_start(struct weft_worker *worker, struct retirement *retirement, struct weft_graph *graph,
                             enum weft_drop_reason reason, int64_t timeout_ns)
{
    retirement->graph = graph;
    retirement->reason = reason;
    retirement->started = weft_timers_now(worker->host.timers);
    retirement->deadline = weft_monotonic_after(retirement->started, timeout_ns);
    weft_timer_set_after(worker->host.timers, &retirement->timer, 0);
}

/* One step. Receivers get half of the time to finish what clients have begun. */
static void retirement_step(struct weft_worker *worker, struct retirement *retirement)
{
    struct weft_monotonic now = weft_timers_now(worker->host.timers);
    int64_t half_ns = (retirement->deadline.ns - retirement->started.ns) / 2;
    bool is_past_receivers = now.ns - retirement->started.ns >= half_ns;
    bool is_forced = now.ns >= retirement->deadline.ns;
    bool is_drained = weft_graph_drain(retirement->graph, retirement->reason, is_past_receivers, is_forced);
    /* By force: connections are closed with the receivers; attempts that were cancelled report back within a tick. */
    if (!is_drained && (!is_forced || weft_graph_held(retirement->graph) > 0)) {
        weft_timer_set_after(worker->host.timers, &retirement->timer, is_forced ? WEFT_NS_PER_MS : drain_step_ns);
        return;
    }
    weft_graph_free(retirement->graph);
    retirement->graph = NULL;
    if (retirement->on_done != NULL) {
        retirement->on_done(retirement->context);
    }
}

static void former_step(void *context)
{
    struct weft_worker *worker = context;
    retirement_step(worker, &worker->former);
}

static void shutdown_step(void *context)
{
    struct weft_worker *worker = context;
    if (worker->former.graph == NULL) {
        retirement_step(worker, &worker->shutdown);
    } else {
        worker->shutdown.started = weft_timers_now(worker->host.timers); /* its turn has not come */
        weft_timer_set_after(worker->host.timers, &worker->shutdown.timer, WEFT_NS_PER_MS);
    }
}

enum weft_status weft_worker_apply(struct weft_worker *worker, const struct weft_plan *plan, int64_t drain_timeout_ns,
                                   void (*on_retired)(void *context), void *context, struct weft_error *error)
{
    weft_assert(worker->former.graph == NULL);
    struct weft_graph *former = worker->graph;
    struct weft_graph *graph = NULL;
    enum weft_status status = weft_graph_new(&worker->host, plan, former, &graph, error);
    if (status != WEFT_OK) {
        return status;
    }
    worker->graph = graph;
    worker->former.on_done = on_retired;
    worker->former.context = context;
    if (former != NULL) {
        retirement_start(worker, &worker->former, former, WEFT_DROP_RELOAD, drain_timeout_ns);
    } else if (on_retired != NULL) {
        on_retired(context);
    }
    return WEFT_OK;
}

void weft_worker_drain(struct weft_worker *worker, int64_t timeout_ns, void (*on_drained)(void *context), void *context)
{
    struct retirement *shutdown = &worker->shutdown;
    /* The former graph comes first, since its pipelines may lead to exporters that the present one has taken over. It
     * gets half of the time: one that cannot end must not cost the present graph what it holds. */
    struct weft_monotonic half = weft_monotonic_after(weft_timers_now(worker->host.timers), timeout_ns / 2);
    if (worker->former.graph != NULL && worker->former.deadline.ns > half.ns) {
        worker->former.deadline = half;
    }
    if (shutdown->graph != NULL) {
        shutdown->deadline = weft_monotonic_after(weft_timers_now(worker->host.timers), timeout_ns);
        weft_timer_set_after(worker->host.timers, &shutdown->timer, 0);
        return;
    }
    if (worker->graph == NULL) {
        return;
    }
    shutdown->on_done = on_drained;
    shutdown->context = context;
    retirement_start(worker, shutdown, worker->graph, WEFT_DROP_SHUTDOWN, timeout_ns);
    worker->graph = NULL;
}

void weft_worker_abandon(struct weft_worker *worker)
{
    if (worker->graph != NULL) {
        weft_graph_free(worker->graph);
        worker->graph = NULL;
    }
}

void weft_worker_adopt(struct weft_worker *worker, const struct weft_plan_component *component, size_t listener_index,
                       int descriptor)
{
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

void weft_worker_answer(struct weft_worker *worker, struct weft_gather *gather)
{
    struct weft_graph *graphs[] = { worker->graph, worker->former.graph, worker->shutdown.graph };
    struct weft_audit audit = { 0 };
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
    }
    if (gather->wants_audit) {
        gather->disagreement_count += weft_audit_check(&audit, &worker->host, &gather->disagreements);
    }
    weft_audit_fini(&audit);
}
