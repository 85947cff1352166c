/* The agent (agent.h): everything that there is one of. It lives on the main thread with worker 0; what it wants from
 * other workers it sends by mailbox, and they answer to worker 0's.
 *
 * Reload: the new plan is made beside the present one, then its graphs on every worker; only when all are good does any
 * worker use one. A plan is freed when every worker has retired the graph that was made of it. */
#include "worker/agent.h"

#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/descriptors.h"
#include "worker/acceptor.h"
#include "worker/extensions.h"
#include "worker/post.h"
#include "worker/questions.h"
#include "worker/signals.h"
#include "worker/transition.h"
#include "worker/worker.h"

enum agent_state {
    AGENT_RUNNING,   /* one graph on every worker, the plan's */
    AGENT_LOADING,   /* the same, while a thread reads the next config */
    AGENT_BUILDING,  /* next_plan's graphs are being made beside them, or taken apart again */
    AGENT_SWITCHING, /* they take over, worker by worker */
    AGENT_RETIRING,  /* former_plan's graphs drain */
    AGENT_DRAINING,  /* the plan's graphs drain: the end */
};

struct agent {
    const struct weft_agent_options *options;
    struct weft_budget budget;
    struct weft_hash_secret secret;
    struct weft_ledger *ledger;
    struct weft_worker **workers;
    uint32_t worker_count;
    struct weft_worker_config config; /* as of the start */
    struct weft_plan *plan;
    struct weft_plan *next_plan;   /* being built */
    struct weft_plan *former_plan; /* during a reload, until its graphs are gone */
    enum agent_state state;
    struct weft_loader *loader;
    struct weft_transition *transition;
    struct weft_worker_post *post;
    bool is_stopping;
    struct weft_monotonic stop_deadline; /* valid with is_stopping */
    bool must_reload;                    /* SIGHUP came while a reload was under way */
    uint64_t reloads, failed_reloads;
    struct weft_sparing *sparing;
    struct weft_acceptor *acceptor;
    struct weft_telemetry telemetry;      /* as it runs */
    struct weft_telemetry next_telemetry; /* valid with next_plan */
    struct weft_questions *questions;
    struct weft_signals *signals;
    struct weft_timer ledger_watch;
    struct weft_extensions *extensions;
    struct weft_agent_view view;
};

static void log_notes(const struct weft_config_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        weft_log(INFO, "config.note", notes->items[i].text,
                 WEFT_LOG_STRING("kind", weft_note_kind_name(notes->items[i].kind)));
    }
}

static void configure_log(struct weft_telemetry *telemetry)
{
    telemetry->log.service = telemetry->service;
    telemetry->log.environment = telemetry->environment;
    weft_log_configure(&telemetry->log);
}

/* ---- reload ---- */

static void reload(struct agent *agent);
static void drain_all(struct agent *agent);

/* Between two transitions: what has come meanwhile. */
static void go_on(struct agent *agent)
{
    agent->state = AGENT_RUNNING;
    if (agent->is_stopping) {
        drain_all(agent);
    } else if (agent->must_reload) {
        reload(agent);
    }
}

static void former_has_left(void *context)
{
    struct agent *agent = context;
    weft_plan_unref(&agent->former_plan);
    weft_log(INFO, "agent.reloaded", "the new config is in place and the former one is gone");
    go_on(agent);
}

static int64_t time_to_stop_ns(const struct agent *agent)
{
    int64_t left_ns = agent->stop_deadline.ns - weft_monotonic_now().ns;
    return left_ns > 0 ? left_ns : 0;
}

static void report_failed_extension(const struct weft_error *error)
{
    weft_log(ERROR, "agent.extension_failed", "the agent goes on without an extension",
             WEFT_LOG_STRING("error", error->text));
}

static void report_failed_reload(struct agent *agent, const struct weft_error *error)
{
    agent->failed_reloads++;
    weft_log(ERROR, "agent.reload_failed", "the config is not used; the former one stays",
             WEFT_LOG_STRING("error", error->text));
}

static void warn_of_restart(const char *what)
{
    weft_log(WARN, "agent.restart_needed", "a change takes effect at the next start", WEFT_LOG_STRING("setting", what));
}

static void note_what_needs_a_restart(const struct agent *agent, const struct weft_telemetry *telemetry,
                                      const struct weft_worker_config *workers)
{
    const struct weft_telemetry *running = &agent->telemetry;
    if (workers->worker_count != agent->worker_count) {
        warn_of_restart("service.workers");
    }
    if (workers->wake_interval_ns != agent->config.wake_interval_ns) {
        warn_of_restart("service.wake_interval");
    }
    if (workers->max_begun != agent->config.max_begun || workers->max_begun_bytes != agent->config.max_begun_bytes ||
        workers->max_begun_per_address != agent->config.max_begun_per_address) {
        warn_of_restart("service.max_begun_*");
    }
    if (telemetry->has_metrics != running->has_metrics || strcmp(telemetry->host, running->host) != 0 ||
        telemetry->port != running->port || telemetry->adds_type_suffix != running->adds_type_suffix) {
        warn_of_restart("service.telemetry.metrics");
    }
}

/* A graph that a reload took out and that cannot end must not cost the present one what it holds: at the end it has
 * half of the time. */
static void all_have_switched(void *context)
{
    struct agent *agent = context;
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_extensions_replace(agent->extensions, agent->plan, &error) != WEFT_OK) {
        report_failed_extension(&error);
    }
    agent->state = AGENT_RETIRING;
    int64_t timeout_ns = agent->options->reload_timeout_ns;
    if (agent->is_stopping && timeout_ns > time_to_stop_ns(agent) / 2) {
        timeout_ns = time_to_stop_ns(agent) / 2;
    }
    weft_transition_leave(agent->transition, WEFT_LEAVING_FORMER, agent->former_plan, timeout_ns, former_has_left);
}

static void next_is_discarded(void *context)
{
    struct agent *agent = context;
    weft_plan_unref(&agent->next_plan);
    go_on(agent);
}

/* Every worker uses what it has built, or none does. */
static void all_have_built(void *context)
{
    struct agent *agent = context;
    const struct weft_error *error = weft_transition_error(agent->transition);
    if (error != NULL) {
        report_failed_reload(agent, error);
    }
    weft_plan_end_renewal(agent->next_plan, error == NULL && !agent->is_stopping);
    if (error != NULL || agent->is_stopping) {
        weft_transition_discard(agent->transition, next_is_discarded);
        return;
    }
    weft_plan_begin_use(agent->next_plan);
    configure_log(&agent->next_telemetry);
    agent->reloads++;
    agent->former_plan = agent->plan;
    agent->plan = agent->next_plan;
    agent->next_plan = NULL;
    agent->state = AGENT_SWITCHING;
    weft_acceptor_set_plan(agent->acceptor, agent->plan);
    weft_transition_switch(agent->transition, all_have_switched);
}

static void was_loaded(void *context, struct weft_loaded *loaded)
{
    struct agent *agent = context;
    weft_assert(agent->state == AGENT_LOADING && !agent->is_stopping);
    log_notes(&loaded->notes);
    agent->next_plan = loaded->plan;
    agent->next_telemetry = loaded->telemetry;
    note_what_needs_a_restart(agent, &loaded->telemetry, &loaded->workers);
    agent->state = AGENT_BUILDING;
    weft_transition_build(agent->transition, agent->next_plan, all_have_built);
}

static void could_not_be_loaded(void *context, const struct weft_error *error)
{
    struct agent *agent = context;
    weft_assert(agent->state == AGENT_LOADING && !agent->is_stopping);
    report_failed_reload(agent, error);
    go_on(agent);
}

static void reload(struct agent *agent)
{
    agent->must_reload = agent->state != AGENT_RUNNING;
    if (!agent->must_reload) {
        agent->state = AGENT_LOADING;
        weft_loader_begin(agent->loader, agent->plan);
    }
}

/* ---- shutdown ---- */

static void all_have_drained(void *context)
{
    struct agent *agent = context;
    weft_transition_stop(agent->transition);
}

static void drain_all(struct agent *agent)
{
    agent->state = AGENT_DRAINING;
    weft_transition_leave(agent->transition, WEFT_LEAVING_PRESENT, agent->plan, time_to_stop_ns(agent),
                          all_have_drained);
}

static bool is_leaving(const struct agent *agent)
{
    return agent->state == AGENT_RETIRING || agent->state == AGENT_DRAINING;
}

static void hurry(struct agent *agent)
{
    weft_log(WARN, "agent.hurried", "a second signal: what is left is dropped");
    agent->stop_deadline = weft_monotonic_now();
    if (is_leaving(agent)) {
        weft_transition_hurry(agent->transition, 0);
    }
}

static void shut_down(struct agent *agent)
{
    if (agent->is_stopping) {
        hurry(agent);
        return;
    }
    int64_t timeout_ns = agent->options->shutdown_timeout_ns;
    agent->is_stopping = true;
    agent->stop_deadline = weft_monotonic_after(weft_monotonic_now(), timeout_ns);
    weft_log(INFO, "agent.stopping", "draining", WEFT_LOG_INT("timeout_ms", timeout_ns / WEFT_NS_PER_MS));
    weft_acceptor_stop(agent->acceptor);
    if (agent->state == AGENT_LOADING) {
        weft_loader_leave(agent->loader);
        agent->state = AGENT_RUNNING;
    }
    if (agent->state == AGENT_RUNNING) {
        drain_all(agent);
    } else if (is_leaving(agent)) {
        weft_transition_hurry(agent->transition, timeout_ns / 2);
    }
}

static void on_signal(void *context, int signal_number)
{
    struct agent *agent = context;
    if (signal_number != SIGHUP) {
        shut_down(agent);
    } else if (!agent->is_stopping) {
        weft_log(INFO, "agent.reloading", "reading the config again");
        reload(agent);
    }
}

/* ---- what the telemetry port and extensions ask ---- */

static bool can_accept(void *context)
{
    const struct agent *agent = context;
    return !agent->is_stopping;
}

static void tell_components(struct weft_plan_component *const *components, size_t count, enum weft_agent_part part,
                            weft_agent_part_fn on_part, void *context)
{
    for (size_t i = 0; i < count; i++) {
        on_part(context, part, components[i]->id);
    }
}

static void tell(void *untyped, weft_agent_part_fn on_part, void *context)
{
    const struct agent *agent = untyped;
    const struct weft_plan *plan = agent->plan;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        on_part(context, WEFT_PART_PIPELINE, pipeline->id);
        tell_components(pipeline->receivers, pipeline->receiver_count, WEFT_PART_RECEIVER, on_part, context);
        tell_components(pipeline->processors, pipeline->processor_count, WEFT_PART_PROCESSOR, on_part, context);
        tell_components(pipeline->exporters, pipeline->exporter_count, WEFT_PART_EXPORTER, on_part, context);
    }
    tell_components(plan->extensions, plan->extension_count, WEFT_PART_EXTENSION, on_part, context);
}

static enum weft_status open_questions(struct agent *agent, struct weft_error *error)
{
    struct weft_questions_settings settings = { .workers = agent->workers,
                                                .worker_count = agent->worker_count,
                                                .ledger = agent->ledger,
                                                .can_accept = can_accept,
                                                .context = agent,
                                                .telemetry = &agent->telemetry,
                                                .state_directory = agent->options->state_directory,
                                                .started = agent->view.started };
    return weft_questions_new(&settings, &agent->questions, error);
}

/* ---- start and end ---- */

static enum weft_status open_ledger(struct agent *agent, struct weft_error *error)
{
    enum weft_status status =
        weft_ledger_open(agent->options->state_directory, agent->worker_count, &agent->ledger, error);
    if (status == WEFT_CLOSED && agent->options->state_directory != NULL) {
        return weft_fail_prefix(error, "another agent uses this state directory");
    }
    return status;
}

/* What a former process had in memory when it was killed. */
static void log_crash_losses(const struct agent *agent)
{
    struct weft_ledger_balance end;
    uint64_t counts[WEFT_SIGNAL_COUNT] = { 0 }, count = 0;
    weft_flow_id flow;
    for (size_t i = 0; (flow = weft_ledger_crash_move(agent->ledger, i, &count)) != WEFT_FLOW_NONE; i++) {
        for (int signal = 0; weft_ledger_flow_end(agent->ledger, flow, &end) && signal < WEFT_SIGNAL_COUNT; signal++) {
            bool is_it = strcmp(end.account.signal, weft_signal_name((enum weft_signal)signal)) == 0;
            counts[signal] += is_it ? count : 0;
        }
    }
    if (weft_ledger_crash_move(agent->ledger, 0, &count) != WEFT_FLOW_NONE) {
        weft_log(WARN, "ledger.crash_losses", "records that were in memory when the former process was killed are lost",
                 WEFT_LOG_INT("traces", counts[WEFT_TRACES]), WEFT_LOG_INT("metrics", counts[WEFT_METRICS]),
                 WEFT_LOG_INT("logs", counts[WEFT_LOGS]), WEFT_LOG_INT("profiles", counts[WEFT_PROFILES]));
    }
}

/* What happens to the ledger's file is in the log also where nobody asks /ready. */
static void watch_ledger(void *context)
{
    struct agent *agent = context;
    weft_ledger_trouble(agent->ledger);
    weft_loader_watch(agent->loader);
    weft_timer_set_after(weft_worker_host(agent->workers[0])->timers, &agent->ledger_watch, WEFT_NS_PER_S);
}

static enum weft_status start(struct agent *agent, struct weft_error *error)
{
    struct weft_config_notes notes = { 0 };
    struct weft_worker_config workers;
    enum weft_status status =
        weft_agent_load(&agent->options->sources, NULL, &notes, &agent->plan, &agent->telemetry, &workers, error);
    if (status == WEFT_OK) {
        agent->worker_count = workers.worker_count;
        agent->config = workers;
        configure_log(&agent->telemetry);
        log_notes(&notes);
    }
    weft_config_notes_fini(&notes);
    if (status == WEFT_OK) {
        status = open_ledger(agent, error);
    }
    if (status == WEFT_OK) {
        log_crash_losses(agent);
    }
    if (status == WEFT_OK) {
        status = weft_plan_open(agent->plan, &agent->budget, agent->worker_count, error);
    }
    return status;
}

/* A worker is nothing without its loop and its mailboxes, and what has them is made without a way to fail. */
static enum weft_status want_descriptors(const struct agent *agent, struct weft_error *error)
{
    enum { DESCRIPTORS = 10, WORKERS_DESCRIPTORS = 6 };
    return weft_descriptors_want(DESCRIPTORS + WORKERS_DESCRIPTORS * agent->worker_count, error);
}

static enum weft_status start_workers(struct agent *agent, struct weft_error *error)
{
    weft_hash_secret_init(&agent->secret);
    agent->workers = weft_alloc(agent->worker_count * sizeof(struct weft_worker *));
    for (uint32_t i = 0; i < agent->worker_count; i++) {
        agent->workers[i] = weft_worker_new(&(struct weft_worker_settings){
            .index = i,
            .count = agent->worker_count,
            .wake_interval_ns = agent->config.wake_interval_ns,
            .bodies = { .credit_bytes = agent->config.max_begun_bytes,
                        .max_begun = agent->config.max_begun,
                        .max_begun_per_address = agent->config.max_begun_per_address },
            .budget = &agent->budget,
            .ledger = agent->ledger,
            .secret = &agent->secret,
        });
    }
    agent->loader = weft_loader_new(&(struct weft_loader_settings){
        .sources = &agent->options->sources,
        .budget = &agent->budget,
        .worker_count = agent->worker_count,
        .answers = weft_worker_host(agent->workers[0])->answers,
        .on_loaded = was_loaded,
        .on_failed = could_not_be_loaded,
        .context = agent,
    });
    agent->extensions = weft_extensions_new(weft_worker_host(agent->workers[0]), &agent->view);
    agent->post = weft_worker_post_new(agent->workers, agent->worker_count);
    agent->transition = weft_transition_new(agent->workers, agent->worker_count, agent);
    weft_timer_init(&agent->ledger_watch, watch_ledger, agent);
    watch_ledger(agent);
    agent->signals = weft_signals_new(weft_worker_loop(agent->workers[0]), on_signal, agent);
    agent->sparing = weft_sparing_new(agent->workers, agent->worker_count);
    agent->acceptor =
        weft_acceptor_new(weft_worker_loop(agent->workers[0]), agent->workers, agent->worker_count, agent->sparing);
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && i < agent->worker_count; i++) {
        status = weft_worker_build(agent->workers[i], agent->plan, error);
    }
    for (uint32_t i = 0; status == WEFT_OK && i < agent->worker_count; i++) {
        weft_worker_switch(agent->workers[i]);
    }
    if (status == WEFT_OK) {
        status = open_questions(agent, error);
    }
    return status == WEFT_OK ? weft_extensions_replace(agent->extensions, agent->plan, error) : status;
}

/* A socket may be on its way from one worker to another, by one more. */
static void deliver_what_is_under_way(struct agent *agent)
{
    for (uint32_t i = 0; i < 2 * agent->worker_count; i++) {
        weft_mailbox_deliver(weft_worker_mailbox(agent->workers[i % agent->worker_count]));
    }
}

/* Before the threads run, or after they have ended. True: a load is out that looks at what is left. */
static bool take_apart(struct agent *agent)
{
    if (agent->extensions != NULL) {
        weft_extensions_free(agent->extensions);
    }
    if (agent->questions != NULL) {
        weft_questions_free(agent->questions);
    }
    if (agent->acceptor != NULL) {
        weft_acceptor_stop(agent->acceptor);
    }
    if (agent->signals != NULL) {
        weft_signals_free(agent->signals);
    }
    if (agent->workers != NULL) {
        weft_timer_cancel(weft_worker_host(agent->workers[0])->timers, &agent->ledger_watch);
    }
    for (uint32_t i = 0; agent->workers != NULL && i < agent->worker_count; i++) {
        weft_worker_abandon(agent->workers[i]);
    }
    if (agent->post != NULL) {
        weft_worker_post_free(agent->post);
    }
    if (agent->acceptor != NULL) {
        deliver_what_is_under_way(agent);
        weft_acceptor_free(agent->acceptor);
        weft_sparing_free(agent->sparing);
    }
    for (uint32_t i = 0; agent->workers != NULL && i < agent->worker_count; i++) {
        weft_worker_free(agent->workers[i]);
    }
    if (agent->transition != NULL) {
        weft_transition_free(agent->transition);
    }
    bool is_out = agent->loader != NULL && !weft_loader_free(agent->loader);
    weft_free(agent->workers);
    agent->workers = NULL;
    if (!is_out) {
        weft_plan_unref(&agent->next_plan);
        weft_plan_unref(&agent->former_plan);
        weft_plan_unref(&agent->plan);
    }
    return is_out;
}

static void log_final_balance(struct agent *agent)
{
    struct weft_ledger_snapshot snapshot;
    if (weft_ledger_snapshot_take(agent->ledger, &snapshot) != WEFT_OK) {
        return;
    }
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_ledger_totals totals;
        const char *name = weft_signal_name((enum weft_signal)signal);
        weft_ledger_snapshot_totals(&snapshot, name, &totals);
        if (totals.offered > 0) {
            weft_log(INFO, "agent.balance", "where the records are, over all runs", WEFT_LOG_STRING("signal", name),
                     WEFT_LOG_INT("accepted", totals.offered - totals.refused), WEFT_LOG_INT("copied", totals.copied),
                     WEFT_LOG_INT("sent", totals.sent), WEFT_LOG_INT("rejected", totals.rejected),
                     WEFT_LOG_INT("dropped", totals.dropped), WEFT_LOG_INT("refused", totals.refused));
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
}

static void run(struct agent *agent)
{
    weft_acceptor_set_plan(agent->acceptor, agent->plan);
    for (uint32_t i = 1; i < agent->worker_count; i++) {
        weft_worker_start_thread(agent->workers[i]);
    }
    weft_log(INFO, "agent.started", "weft is up", WEFT_LOG_STRING("version", WEFT_VERSION),
             WEFT_LOG_INT("workers", agent->worker_count), WEFT_LOG_INT("pipelines", agent->plan->pipeline_count),
             WEFT_LOG_INT("pid", getpid()));
    weft_worker_run(agent->workers[0]);
    for (uint32_t i = 1; i < agent->worker_count; i++) {
        weft_worker_join(agent->workers[i]);
    }
    weft_questions_settle(agent->questions);
}

/* With the load that it could not wait for. Nobody reads it: it is for who looks for leaks. */
static struct agent *left_behind __attribute__((used));

enum weft_status weft_agent_run(const struct weft_agent_options *options, struct weft_error *error)
{
    struct agent *agent = weft_alloc(sizeof *agent);
    agent->options = options;
    agent->view = (struct weft_agent_view){ .agent = agent,
                                            .can_accept = can_accept,
                                            .tell = tell,
                                            .started = weft_wall_now(),
                                            .gates = options->sources.gates };
    enum weft_status status = start(agent, error);
    if (status == WEFT_OK) {
        status = want_descriptors(agent, error);
    }
    if (status == WEFT_OK) {
        status = start_workers(agent, error);
    }
    if (status == WEFT_OK) {
        weft_plan_begin_use(agent->plan);
        run(agent);
    }
    bool is_out = take_apart(agent);
    if (agent->ledger != NULL) {
        if (status == WEFT_OK) {
            log_final_balance(agent);
        }
        weft_ledger_close(agent->ledger);
    }
    if (status == WEFT_OK) {
        weft_log(INFO, "agent.stopped", "weft is down");
    }
    if (is_out) {
        left_behind = agent;
    } else {
        weft_free(agent);
    }
    return status;
}
