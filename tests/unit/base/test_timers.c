/* Timers against a naive model: an array searched from end to end. */
#include "base/base_test.h"

#include <string.h>

#include "base/assert.h"
#include "base/timers.h"

enum { TIMERS = 200 };

struct model {
    struct weft_timers *timers;
    struct weft_timer timer[TIMERS];
    int64_t deadline_ns[TIMERS]; /* 0 = not set */
    size_t fired[TIMERS * 2];
    size_t fired_count;
};

struct model_timer {
    struct model *model;
    size_t index;
};

static void on_expired(void *context)
{
    struct model_timer *self = context;
    weft_assert(self->model->fired_count < WEFT_COUNT_OF(self->model->fired));
    self->model->fired[self->model->fired_count++] = self->index;
}

static int64_t model_next(const struct model *model)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (model->deadline_ns[i] != 0 && model->deadline_ns[i] < next_ns) {
            next_ns = model->deadline_ns[i];
        }
    }
    return next_ns;
}

/* What fired is what was due, in the order of deadlines. */
static void check_run(struct model *model, int64_t now_ns)
{
    model->fired_count = 0;
    weft_timers_run(model->timers, (struct weft_monotonic){ now_ns });
    ck_assert_int_eq(weft_timers_now(model->timers).ns, now_ns);
    int64_t previous_ns = 0;
    for (size_t i = 0; i < model->fired_count; i++) {
        int64_t deadline_ns = model->deadline_ns[model->fired[i]];
        BASE_TEST_EXPECT(deadline_ns != 0 && deadline_ns <= now_ns);
        BASE_TEST_EXPECT(deadline_ns >= previous_ns);
        previous_ns = deadline_ns;
        model->deadline_ns[model->fired[i]] = 0;
    }
    for (size_t i = 0; i < TIMERS; i++) {
        BASE_TEST_EXPECT(model->deadline_ns[i] == 0 || model->deadline_ns[i] > now_ns);
        BASE_TEST_EXPECT(weft_timer_is_set(&model->timer[i]) == (model->deadline_ns[i] != 0));
    }
}

START_TEST(test_random_operations_match_the_model)
{
    static struct model model;
    static struct model_timer contexts[TIMERS];
    int64_t now_ns = 1000;
    model.timers = weft_timers_new((struct weft_monotonic){ now_ns });
    for (size_t i = 0; i < TIMERS; i++) {
        contexts[i] = (struct model_timer){ &model, i };
        weft_timer_init(&model.timer[i], on_expired, &contexts[i]);
    }
    uint64_t random = 17;
    for (size_t step = 0; step < 100000; step++) {
        size_t i = base_test_random(&random) % TIMERS;
        int64_t delay_ns = (int64_t)(base_test_random(&random) % 500);
        switch (base_test_random(&random) % 8) {
        case 0:
            weft_timer_cancel(model.timers, &model.timer[i]);
            model.deadline_ns[i] = 0;
            break;
        case 1:
            now_ns += delay_ns / 4;
            check_run(&model, now_ns);
            break;
        case 2:
        case 3:
            weft_timer_set_after(model.timers, &model.timer[i], delay_ns);
            model.deadline_ns[i] = now_ns + delay_ns;
            break;
        default:
            weft_timer_set_at(model.timers, &model.timer[i], (struct weft_monotonic){ now_ns - 100 + delay_ns });
            model.deadline_ns[i] = now_ns - 100 + delay_ns;
        }
        BASE_TEST_EXPECT(weft_timers_next(model.timers).ns == model_next(&model));
    }
    check_run(&model, now_ns + 1000);
    ck_assert_int_eq(weft_timers_next(model.timers).ns, WEFT_NEVER.ns);
    weft_timers_free(model.timers);
}
END_TEST

struct repeating {
    struct weft_timers *timers;
    struct weft_timer timer;
    struct weft_timer *other;
    int64_t delay_ns;
    int fired_count;
};

static void on_repeat(void *context)
{
    struct repeating *self = context;
    ck_assert(!weft_timer_is_set(&self->timer));
    self->fired_count++;
    weft_timer_set_after(self->timers, &self->timer, self->delay_ns);
}

static void on_cancel_other(void *context)
{
    struct repeating *self = context;
    self->fired_count++;
    weft_timer_cancel(self->timers, self->other);
}

START_TEST(test_timer_set_for_now_in_its_callback_waits_for_the_next_run)
{
    struct weft_timers *timers = weft_timers_new((struct weft_monotonic){ 0 });
    struct repeating repeating = { .timers = timers };
    weft_timer_init(&repeating.timer, on_repeat, &repeating);
    weft_timer_set_after(timers, &repeating.timer, 10);
    weft_timers_run(timers, (struct weft_monotonic){ 9 });
    ck_assert_int_eq(repeating.fired_count, 0);
    weft_timers_run(timers, (struct weft_monotonic){ 10 });
    ck_assert_int_eq(repeating.fired_count, 1);
    ck_assert(weft_timer_is_set(&repeating.timer));
    ck_assert_int_le(weft_timers_next(timers).ns, 11);
    weft_timers_run(timers, (struct weft_monotonic){ 11 });
    ck_assert_int_eq(repeating.fired_count, 2);
    weft_timer_cancel(timers, &repeating.timer);
    weft_timers_free(timers);
}
END_TEST

START_TEST(test_callback_may_cancel_what_is_due_too)
{
    struct weft_timers *timers = weft_timers_new((struct weft_monotonic){ 0 });
    struct repeating first = { .timers = timers };
    struct repeating second = { .timers = timers };
    first.other = &second.timer;
    weft_timer_init(&first.timer, on_cancel_other, &first);
    weft_timer_init(&second.timer, on_cancel_other, &second);
    weft_timer_set_after(timers, &first.timer, 1);
    weft_timer_set_after(timers, &second.timer, 2);
    weft_timers_run(timers, (struct weft_monotonic){ 5 });
    ck_assert_int_eq(first.fired_count, 1);
    ck_assert_int_eq(second.fired_count, 0);
    weft_timers_free(timers);
}
END_TEST

START_TEST(test_time_never_goes_back)
{
    struct weft_timers *timers = weft_timers_new((struct weft_monotonic){ 100 });
    weft_timers_touch(timers, (struct weft_monotonic){ 50 });
    ck_assert_int_eq(weft_timers_now(timers).ns, 100);
    weft_timers_run(timers, (struct weft_monotonic){ 99 });
    ck_assert_int_eq(weft_timers_now(timers).ns, 100);
    weft_timers_touch(timers, (struct weft_monotonic){ 101 });
    ck_assert_int_eq(weft_timers_now(timers).ns, 101);
    struct repeating repeating = { .timers = timers };
    weft_timer_init(&repeating.timer, on_repeat, &repeating);
    weft_timer_set_after(timers, &repeating.timer, -5);
    ck_assert_int_eq(weft_timers_next(timers).ns, 101);
    weft_timer_set_after(timers, &repeating.timer, INT64_MAX);
    ck_assert_int_eq(weft_timers_next(timers).ns, WEFT_NEVER.ns);
    weft_timer_cancel(timers, &repeating.timer);
    weft_timer_cancel(timers, &repeating.timer);
    weft_timers_free(timers);
}
END_TEST

static void do_nothing(void *context)
{
    (void)context;
}

static void set_what_was_never_made(void *context)
{
    struct weft_timer timer = { .on_expired = do_nothing };
    weft_timer_set_after(context, &timer, 1);
}

static void run_what_is_gone(void *context)
{
    struct weft_timer timer;
    weft_timer_init(&timer, do_nothing, context);
    weft_timer_set_after(context, &timer, 1);
    timer.magic = 0;
    weft_timers_run(context, (struct weft_monotonic){ INT64_MAX - 1 });
}

START_TEST(test_timer_that_is_none_is_noticed)
{
    struct weft_timers *timers = weft_timers_new((struct weft_monotonic){ 0 });
    ck_assert(base_test_aborts(set_what_was_never_made, timers));
    ck_assert(base_test_aborts(run_what_is_gone, timers));
    weft_timers_free(timers);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_random_operations_match_the_model),
        BASE_TEST(test_timer_set_for_now_in_its_callback_waits_for_the_next_run),
        BASE_TEST(test_callback_may_cancel_what_is_due_too),
        BASE_TEST(test_time_never_goes_back),
        BASE_TEST(test_timer_that_is_none_is_noticed),
    };
    return BASE_TEST_RUN("timers", tests);
}
