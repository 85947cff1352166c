/* Transition (transition.h): one order a worker, sent to its mailbox and back to worker 0's. Rounds allocate nothing;
 * to hurry does, once for each signal. */
#include "worker/transition.h"

#include "base/alloc.h"
#include "base/assert.h"

WEFT_MAGIC(order, 0x00e4de41);

struct order {
    struct weft_message message;
    uint32_t magic;
    struct weft_transition *transition;
    struct weft_worker *worker;
    struct weft_error error; /* of building */
};

WEFT_MAGIC(hurry, 0x00044e41);

/* Outside the rounds, so that it can overtake one. */
struct hurry {
    struct weft_message message;
    uint32_t magic;
    struct weft_worker *worker;
    enum weft_leaving which;
    int64_t timeout_ns;
};

struct weft_transition {
    struct weft_worker *const *workers;
    uint32_t worker_count;
    void *context;
    struct order *orders;      /* one per worker */
    uint32_t outstanding;      /* workers that have not done their part of this round */
    weft_transition_fn on_all; /* the round is over: what comes next here */
    weft_transition_fn on_done;
    const struct weft_plan *plan; /* being built, or leaving */
    enum weft_leaving which;
    int64_t timeout_ns;
    unsigned phase;
};

static struct order *order_of(struct weft_message *message)
{
    struct order *order = WEFT_CONTAINER_OF(message, struct order, message);
    weft_check_magic(order, order);
    return order;
}

/* The main thread's, which is worker 0's. */
static bool is_here(const struct weft_transition *transition)
{
    return weft_host_is_here(weft_worker_host(transition->workers[0]));
}

struct weft_transition *weft_transition_new(struct weft_worker *const *workers, uint32_t worker_count, void *context)
{
    struct weft_transition *transition = weft_alloc(sizeof *transition);
    transition->workers = workers;
    transition->worker_count = worker_count;
    transition->context = context;
    transition->orders = weft_alloc(worker_count * sizeof *transition->orders);
    for (uint32_t i = 0; i < worker_count; i++) {
        weft_set_magic(&transition->orders[i], order);
        transition->orders[i].transition = transition;
        transition->orders[i].worker = workers[i];
    }
    return transition;
}

void weft_transition_free(struct weft_transition *transition)
{
    weft_free(transition->orders);
    weft_free(transition);
}

/* ---- rounds ---- */

/* on_work does one worker's part, then or later calls order_done. */
static void start_round(struct weft_transition *transition, weft_message_fn on_work, weft_transition_fn on_all)
{
    weft_assert(is_here(transition) && transition->outstanding == 0);
    transition->outstanding = transition->worker_count;
    transition->on_all = on_all;
    for (uint32_t i = 0; i < transition->worker_count; i++) {
        transition->orders[i].message.on_delivered = on_work;
        transition->orders[i].error.status = WEFT_OK;
        weft_mailbox_post_always(weft_worker_mailbox(transition->workers[i]), &transition->orders[i].message);
    }
}

/* Main thread. */
static void order_answered(struct weft_message *message)
{
    struct weft_transition *transition = order_of(message)->transition;
    weft_assert(is_here(transition) && transition->outstanding > 0);
    if (--transition->outstanding == 0) {
        transition->on_all(transition);
    }
}

static void order_done(void *context)
{
    struct order *order = context;
    weft_check_magic(order, order);
    order->message.on_delivered = order_answered;
    weft_mailbox_post_always(weft_worker_mailbox(order->transition->workers[0]), &order->message);
}

static void tell_done(void *context)
{
    struct weft_transition *transition = context;
    transition->on_done(transition->context);
}

/* ---- building and switching ---- */

static void work_build(struct weft_message *message)
{
    struct order *order = order_of(message);
    order->error.status = weft_worker_build(order->worker, order->transition->plan, &order->error);
    order_done(order);
}

static void work_switch(struct weft_message *message)
{
    struct order *order = order_of(message);
    weft_worker_switch(order->worker);
    order_done(order);
}

static void work_discard(struct weft_message *message)
{
    struct order *order = order_of(message);
    weft_worker_discard(order->worker);
    order_done(order);
}

void weft_transition_build(struct weft_transition *transition, const struct weft_plan *plan, weft_transition_fn on_done)
{
    transition->plan = plan;
    transition->on_done = on_done;
    start_round(transition, work_build, tell_done);
}

const struct weft_error *weft_transition_error(const struct weft_transition *transition)
{
    for (uint32_t i = 0; i < transition->worker_count; i++) {
        if (transition->orders[i].error.status != WEFT_OK) {
            return &transition->orders[i].error;
        }
    }
    return NULL;
}

void weft_transition_switch(struct weft_transition *transition, weft_transition_fn on_done)
{
    transition->on_done = on_done;
    start_round(transition, work_switch, tell_done);
}

void weft_transition_discard(struct weft_transition *transition, weft_transition_fn on_done)
{
    transition->on_done = on_done;
    start_round(transition, work_discard, tell_done);
}

/* ---- leaving ---- */

static void work_begin(struct weft_message *message)
{
    struct order *order = order_of(message);
    weft_worker_leave_begin(order->worker, order->transition->which, order->transition->timeout_ns);
    order_done(order);
}

static void work_phase(struct weft_message *message)
{
    struct order *order = order_of(message);
    weft_worker_leave(order->worker, order->transition->which, order->transition->phase, order_done, order);
}

static void work_end(struct weft_message *message)
{
    struct order *order = order_of(message);
    weft_worker_leave_end(order->worker, order->transition->which);
    order_done(order);
}

static void phase_over(void *context)
{
    struct weft_transition *transition = context;
    weft_assert(transition->phase < weft_plan_phase_count(transition->plan));
    transition->phase++;
    if (transition->phase < weft_plan_phase_count(transition->plan)) {
        start_round(transition, work_phase, phase_over);
    } else {
        start_round(transition, work_end, tell_done);
    }
}

static void all_begun(void *context)
{
    struct weft_transition *transition = context;
    transition->phase = 0;
    start_round(transition, work_phase, phase_over);
}

void weft_transition_leave(struct weft_transition *transition, enum weft_leaving which, const struct weft_plan *plan,
                           int64_t timeout_ns, weft_transition_fn on_done)
{
    transition->which = which;
    transition->plan = plan;
    transition->timeout_ns = timeout_ns;
    transition->on_done = on_done;
    start_round(transition, work_begin, all_begun);
}

static void work_hurry(struct weft_message *message)
{
    struct hurry *hurry = WEFT_CONTAINER_OF(message, struct hurry, message);
    weft_check_magic(hurry, hurry);
    weft_worker_leave_hurry(hurry->worker, hurry->which, hurry->timeout_ns);
    weft_clear_magic(hurry, hurry);
    weft_free(hurry);
}

void weft_transition_hurry(struct weft_transition *transition, int64_t timeout_ns)
{
    for (uint32_t i = 0; i < transition->worker_count; i++) {
        struct hurry *hurry = weft_alloc(sizeof *hurry);
        *hurry = (struct hurry){ .message = { NULL, work_hurry },
                                 .worker = transition->workers[i],
                                 .which = transition->which,
                                 .timeout_ns = timeout_ns };
        weft_set_magic(hurry, hurry);
        weft_mailbox_post_always(weft_worker_mailbox(transition->workers[i]), &hurry->message);
    }
}

static void work_stop(struct weft_message *message)
{
    weft_worker_stop(order_of(message)->worker);
}

void weft_transition_stop(struct weft_transition *transition)
{
    start_round(transition, work_stop, NULL);
}
