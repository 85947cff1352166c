#pragma once

#include "stage_shape.h"

/* Reloads and the shutdown, in rounds as worker/transition has them: each worker does its part when its time has come,
 * and the next round begins when all have. */
struct rounds {
    struct weft_plan *plan, *former_plan, *next_plan;
    const struct shape *next_shape;
    struct weft_timer timer;             /* the next round */
    void (*work)(struct worker *worker); /* one worker's part; calls part_done, then or later */
    void (*on_all)(void);
    uint32_t outstanding;
    unsigned phase;
    bool is_busy, is_stopping, is_over;
    bool is_former_leaving; /* else the present graph */
    struct weft_monotonic started, deadline;
    uint32_t patience_ms; /* how long a graph may take to leave */
    uint32_t switch_count, failure_count;
};

static struct rounds rounds;

static inline void start_round(void (*work)(struct worker *worker), void (*on_all)(void))
{
    EXPECT(rounds.outstanding == 0, "a round within a round");
    rounds.work = work;
    rounds.on_all = on_all;
    rounds.outstanding = world->worker_count;
    for (uint32_t i = 0; i < world->worker_count; i++) {
        weft_timer_set_after(world->timers, &world->workers[i].timer, random_ms(30));
    }
}

static inline void part_due(void *context)
{
    rounds.work(context);
}

static inline void part_done(void)
{
    if (--rounds.outstanding == 0) {
        weft_timer_set_after(world->timers, &rounds.timer, random_ms(10));
    }
}

static inline void round_over(void *context)
{
    (void)context;
    rounds.on_all();
}

/* ---- leaving ---- */

static inline void shutdown_begins(void);

static inline struct weft_graph *leaving_of(const struct worker *worker)
{
    return rounds.is_former_leaving ? worker->former : worker->graph;
}

static inline void work_leave_end(struct worker *worker)
{
    weft_alloc_fail_at(0); /* to be sure of what is held */
    EXPECT(weft_graph_held(leaving_of(worker)) == 0, "worker %u's graph leaves with records", worker->index);
    weft_graph_free(leaving_of(worker));
    if (rounds.is_former_leaving) {
        worker->former = NULL;
    } else {
        worker->graph = NULL;
    }
    part_done();
}

static inline void all_have_left(void)
{
    weft_plan_unref(rounds.is_former_leaving ? &rounds.former_plan : &rounds.plan);
    rounds.is_over = !rounds.is_former_leaving;
    spy_forget();
    rounds.is_busy = false;
    if (rounds.is_stopping && !rounds.is_over) {
        shutdown_begins();
    }
}

/* worker.c, leaving_step. */
static inline void work_phase(struct worker *worker)
{
    struct weft_graph *graph = leaving_of(worker);
    bool is_forced = now().ns >= rounds.deadline.ns;
    enum weft_drop_reason reason = rounds.is_former_leaving ? WEFT_DROP_RELOAD : WEFT_DROP_SHUTDOWN;
    bool is_done = weft_graph_drain(graph, rounds.phase, reason, is_forced);
    if (!is_done && rounds.phase > 0) {
        is_done = is_forced && weft_graph_held(graph) == 0;
    }
    if (is_done) {
        part_done();
    } else {
        weft_timer_set_after(world->timers, &worker->timer, random_ms(is_forced ? 2 : 20));
    }
}

static inline void phase_over(void)
{
    if (++rounds.phase < weft_plan_phase_count(rounds.is_former_leaving ? rounds.former_plan : rounds.plan)) {
        start_round(work_phase, phase_over);
    } else {
        start_round(work_leave_end, all_have_left);
    }
}

static inline void leave(bool is_former)
{
    rounds.is_former_leaving = is_former;
    rounds.started = now();
    rounds.deadline = weft_monotonic_after(rounds.started, (int64_t)rounds.patience_ms * WEFT_NS_PER_MS);
    rounds.phase = 0;
    start_round(work_phase, phase_over);
}

/* A reload that is under way is hurried and comes to its end first. */
static inline void shutdown_begins(void)
{
    rounds.is_stopping = true;
    if (!rounds.is_busy) {
        rounds.is_busy = true;
        leave(false);
        return;
    }
    struct weft_monotonic deadline = weft_monotonic_after(now(), random_ms(300));
    rounds.deadline = deadline.ns < rounds.deadline.ns ? deadline : rounds.deadline;
}

/* ---- building and switching ---- */

static inline void lend_limits(struct worker *worker)
{
    for (struct weft_stage *stage = worker->host.stages; stage != NULL; stage = stage->next) {
        if (chance(30)) {
            stage->lent_bytes_max = pick(300);
            WEFT_LIST_EACH(node, &stage->outlets)
            {
                weft_stage_outlet_update_open(WEFT_CONTAINER_OF(node, struct weft_stage_outlet, node));
            }
        }
    }
}

static inline void work_switch(struct worker *worker)
{
    weft_alloc_fail_at(0);
    worker->shape = worker->next_shape;
    weft_graph_switch(worker->built, worker->graph);
    worker->former = worker->graph;
    worker->graph = worker->built;
    worker->built = NULL;
    part_done();
}

static inline void all_have_switched(void)
{
    rounds.former_plan = rounds.plan;
    rounds.plan = rounds.next_plan;
    rounds.next_plan = NULL;
    rounds.switch_count++;
    leave(true);
}

static inline void work_discard(struct worker *worker)
{
    if (worker->built != NULL) {
        weft_graph_free(worker->built);
        worker->built = NULL;
    }
    part_done();
}

static inline void all_have_discarded(void)
{
    weft_plan_unref(&rounds.next_plan);
    rounds.failure_count++;
    rounds.is_busy = false;
    if (rounds.is_stopping) {
        shutdown_begins();
    }
}

static inline void work_build(struct worker *worker)
{
    struct weft_error error = WEFT_ERROR_NONE;
    weft_alloc_fail_at(0);
    worker->build_status = weft_graph_build(&worker->host, rounds.next_plan, worker->graph, &worker->built, &error);
    worker->next_shape = rounds.next_shape;
    lend_limits(worker);
    part_done();
}

static inline void all_have_built(void)
{
    bool has_failed = false;
    for (uint32_t i = 0; i < world->worker_count; i++) {
        has_failed = has_failed || world->workers[i].build_status != WEFT_OK;
    }
    if (has_failed) {
        start_round(work_discard, all_have_discarded);
    } else {
        start_round(work_switch, all_have_switched);
    }
}

static inline void note_fan_outs(const struct shape *shape)
{
    for (size_t p = 0; p < PIPELINES; p++) {
        unsigned sinks = 0;
        for (size_t i = 0; i < SINKS; i++) {
            sinks += shape->pipelines[p].has_sink[i] ? 1 : 0;
        }
        world->had_fan_out[p] = world->had_fan_out[p] || sinks > 1;
    }
}

static inline void reload(void)
{
    if (rounds.is_busy || rounds.is_stopping || world->shape_count > MAX_RELOADS) {
        return;
    }
    struct shape *shape = &world->shapes[world->shape_count];
    *shape = *world->workers[0].shape;
    weft_alloc_fail_at(0); /* reading configs is not what is simulated */
    for (uint32_t i = 0; i < 1 + pick(3); i++) {
        change_shape(shape);
    }
    if (chance(90)) {
        obey_rules(shape);
    }
    bool is_any = false;
    for (size_t p = 0; p < PIPELINES; p++) {
        is_any = is_any || shape->pipelines[p].is_there;
    }
    rounds.next_plan = is_any ? plan_of(shape, rounds.plan) : NULL;
    if (rounds.next_plan == NULL) {
        return;
    }
    world->shape_count++;
    note_fan_outs(shape);
    rounds.next_shape = shape;
    rounds.is_busy = true;
    world->failing_worker = chance(20) ? pick(world->worker_count) : MAX_WORKERS;
    start_round(work_build, all_have_built);
}

static inline void start(void)
{
    rounds = (struct rounds){ .patience_ms = chance(20) ? pick(50) : 500 + pick(4000) };
    weft_timer_init(&rounds.timer, round_over, NULL);
    spy_forget();
    struct shape *shape = &world->shapes[world->shape_count++];
    random_shape(shape);
    note_fan_outs(shape);
    world->failing_worker = MAX_WORKERS;
    rounds.plan = plan_of(shape, NULL);
    EXPECT(rounds.plan != NULL, "the first config breaks a rule");
    for (uint32_t i = 0; i < world->worker_count; i++) {
        struct worker *worker = &world->workers[i];
        struct weft_error error = WEFT_ERROR_NONE;
        weft_timer_init(&worker->timer, part_due, worker);
        EXPECT(weft_graph_build(&worker->host, rounds.plan, NULL, &worker->graph, &error) == WEFT_OK, "%s", error.text);
        worker->shape = shape;
        weft_graph_switch(worker->graph, NULL);
        lend_limits(worker);
    }
}
