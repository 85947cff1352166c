/* The event loop: readiness, timers, deferred work and mail, in their order within a tick. */
#include "net/loop.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "suite.h"

struct bed {
    struct weft_loop *loop;
    int pair[2];
    struct weft_watch *watch;
    unsigned seen;
    size_t calls;
    char order[32];
    size_t length;
    struct weft_deferred deferred[4];
    struct weft_timer timer;
};

static struct bed bed;

static void note(char letter)
{
    ck_assert_uint_lt(bed.length, sizeof bed.order - 1);
    bed.order[bed.length++] = letter;
}

static void stop(void *context)
{
    (void)context;
    weft_loop_stop(bed.loop);
}

static void set_up(void)
{
    bed = (struct bed){ .loop = weft_loop_new() };
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, bed.pair), 0);
}

static void tear_down(void)
{
    weft_watch_free(bed.watch);
    weft_loop_free(bed.loop);
    close(bed.pair[0]);
    close(bed.pair[1]);
}

static void on_ready(void *context, unsigned readiness)
{
    ck_assert_ptr_eq(context, &bed);
    bed.seen = readiness;
    bed.calls++;
    note('r');
    weft_loop_stop(bed.loop);
}

START_TEST(test_readiness_is_told_as_asked_and_again_until_taken)
{
    set_up();
    bed.watch = weft_watch_new(bed.loop, bed.pair[0], WEFT_WRITABLE, on_ready, &bed);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.seen, WEFT_WRITABLE);
    weft_watch_set_interest(bed.watch, WEFT_READABLE);
    ck_assert_int_eq(write(bed.pair[1], "x", 1), 1);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.seen, WEFT_READABLE);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.calls, 3);
    weft_watch_set_interest(bed.watch, WEFT_READABLE | WEFT_WRITABLE);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.seen, WEFT_READABLE | WEFT_WRITABLE);
    tear_down();
}
END_TEST

START_TEST(test_watch_without_interest_is_silent)
{
    set_up();
    bed.watch = weft_watch_new(bed.loop, bed.pair[0], 0, on_ready, &bed);
    ck_assert_int_eq(write(bed.pair[1], "x", 1), 1);
    weft_deferred_init(&bed.deferred[0], stop, NULL);
    weft_loop_defer(bed.loop, &bed.deferred[0]);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.calls, 0);
    tear_down();
}
END_TEST

static void free_own_watch(void *context, unsigned readiness)
{
    (void)context;
    (void)readiness;
    weft_watch_free(bed.watch);
    bed.watch = NULL;
    bed.calls++;
    weft_loop_stop(bed.loop);
}

START_TEST(test_watch_may_be_freed_in_its_callback)
{
    set_up();
    bed.watch = weft_watch_new(bed.loop, bed.pair[0], WEFT_WRITABLE, free_own_watch, NULL);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.calls, 1);
    tear_down();
}
END_TEST

static struct weft_watch *rivals[2];

static void free_rival(void *context, unsigned readiness)
{
    (void)readiness;
    size_t self = (size_t)((struct weft_watch **)context - rivals);
    weft_watch_free(rivals[1 - self]);
    rivals[1 - self] = NULL;
    bed.calls++;
    weft_loop_stop(bed.loop);
}

START_TEST(test_watch_freed_by_another_in_the_same_tick_is_not_called)
{
    set_up();
    rivals[0] = weft_watch_new(bed.loop, bed.pair[0], WEFT_WRITABLE, free_rival, &rivals[0]);
    rivals[1] = weft_watch_new(bed.loop, bed.pair[1], WEFT_WRITABLE, free_rival, &rivals[1]);
    weft_loop_run(bed.loop);
    ck_assert_uint_eq(bed.calls, 1);
    weft_watch_free(rivals[0]);
    weft_watch_free(rivals[1]);
    tear_down();
}
END_TEST

static void defer_again(void *context)
{
    note(*(const char *)context);
    if (bed.length == 3) {
        weft_loop_defer(bed.loop, &bed.deferred[0]); /* the next tick's */
        weft_loop_stop(bed.loop);
    }
}

START_TEST(test_deferred_work_runs_once_in_order_and_never_in_the_same_tick_again)
{
    set_up();
    static const char names[] = "abcd";
    for (size_t i = 0; i < 4; i++) {
        weft_deferred_init(&bed.deferred[i], defer_again, (void *)&names[i]);
        weft_loop_defer(bed.loop, &bed.deferred[i]);
    }
    weft_loop_defer(bed.loop, &bed.deferred[0]);
    weft_deferred_cancel(&bed.deferred[1]);
    weft_deferred_cancel(&bed.deferred[1]);
    weft_loop_run(bed.loop);
    ck_assert_str_eq(bed.order, "acd");
    tear_down(); /* what is still deferred runs before the loop goes */
    ck_assert_str_eq(bed.order, "acda");
}
END_TEST

static void on_timer(void *context)
{
    (void)context;
    note('t');
    ck_assert_int_ge(weft_timers_now(weft_loop_timers(bed.loop)).ns, bed.timer.deadline.ns);
    weft_loop_defer(bed.loop, &bed.deferred[0]);
}

static void on_deferred_end(void *context)
{
    (void)context;
    note('d');
    weft_loop_stop(bed.loop);
}

START_TEST(test_timer_fires_after_its_deadline_and_before_deferred_work)
{
    set_up();
    weft_deferred_init(&bed.deferred[0], on_deferred_end, NULL);
    weft_timer_init(&bed.timer, on_timer, NULL);
    struct weft_monotonic start = weft_monotonic_now();
    weft_timer_set_after(weft_loop_timers(bed.loop), &bed.timer, 3 * WEFT_NS_PER_MS);
    weft_loop_run(bed.loop);
    ck_assert_str_eq(bed.order, "td");
    ck_assert_int_ge(weft_monotonic_now().ns - start.ns, 2 * WEFT_NS_PER_MS);
    /* Moved later, then earlier: the wake-up follows. */
    weft_timer_set_after(weft_loop_timers(bed.loop), &bed.timer, 3600 * WEFT_NS_PER_S);
    weft_timer_set_after(weft_loop_timers(bed.loop), &bed.timer, WEFT_NS_PER_MS);
    weft_loop_run(bed.loop);
    ck_assert_str_eq(bed.order, "tdtd");
    tear_down();
}
END_TEST

struct letter {
    struct weft_message message;
    bool has_come;
};

static void on_letter(struct weft_message *message)
{
    WEFT_CONTAINER_OF(message, struct letter, message)->has_come = true;
    weft_loop_stop(bed.loop);
}

START_TEST(test_mail_is_delivered)
{
    set_up();
    struct weft_mailbox *mailbox = weft_mailbox_new(4);
    weft_loop_attach_mailbox(bed.loop, mailbox);
    struct letter letter = { .message.on_delivered = on_letter };
    weft_mailbox_post_always(mailbox, &letter.message);
    weft_loop_run(bed.loop);
    ck_assert(letter.has_come);
    tear_down();
    weft_mailbox_free(mailbox);
}
END_TEST

static void dawdle(void *context)
{
    int *turns = context;
    if (++*turns == 3) {
        weft_pause(60 * WEFT_NS_PER_MS);
        weft_loop_stop(bed.loop);
    }
}

static struct weft_deferred dawdling;

static void on_turn(void *context)
{
    struct weft_timer *timer = context;
    weft_loop_defer(bed.loop, &dawdling);
    weft_timer_set_after(weft_loop_timers(bed.loop), timer, WEFT_NS_PER_MS);
}

START_TEST(test_slow_ticks_are_counted_and_waiting_is_none)
{
    set_up();
    int turns = 0;
    struct weft_timer timer = { 0 };
    weft_deferred_init(&dawdling, dawdle, &turns);
    weft_timer_init(&timer, on_turn, &timer);
    weft_timer_set_after(weft_loop_timers(bed.loop), &timer, 70 * WEFT_NS_PER_MS);
    weft_loop_run(bed.loop);
    const struct weft_loop_pace *pace = weft_loop_read_pace(bed.loop);
    ck_assert_uint_ge(pace->ticks, 3);
    ck_assert_uint_ge(pace->slow_ticks[1], 1);
    ck_assert_uint_ge(pace->slow_ticks[0], pace->slow_ticks[1]);
    ck_assert_uint_lt(pace->slow_ticks[0], pace->ticks); /* not the one that waited for the timer */
    ck_assert_int_ge(pace->longest_ns, 60 * WEFT_NS_PER_MS);
    weft_timer_cancel(weft_loop_timers(bed.loop), &timer);
    tear_down();
}
END_TEST

enum { READY = 12 };

static void note_deferred(void *context)
{
    (void)context;
    note('d');
}

static void on_slowly_ready(void *context, unsigned readiness)
{
    (void)context;
    (void)readiness;
    note('r');
    weft_loop_defer(bed.loop, &bed.deferred[0]);
    weft_pause(12 * WEFT_NS_PER_MS);
    if (++bed.calls == READY) {
        weft_loop_stop(bed.loop);
    }
}

/* Callbacks that take long: the others come in the next tick, behind what was deferred in this one, and none twice. */
START_TEST(test_many_that_are_ready_take_turns_with_what_is_deferred)
{
    struct weft_watch *watches[READY];
    int copies[READY];
    set_up();
    weft_deferred_init(&bed.deferred[0], note_deferred, NULL);
    for (size_t i = 0; i < READY; i++) {
        copies[i] = dup(bed.pair[0]);
        watches[i] = weft_watch_new(bed.loop, copies[i], WEFT_WRITABLE, on_slowly_ready, NULL);
    }
    weft_loop_run(bed.loop);
    ck_assert_str_eq(bed.order, "rrrrdrrrrdrrrrd");
    for (size_t i = 0; i < READY; i++) {
        weft_watch_free(watches[i]);
        close(copies[i]);
    }
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("loop");
    tcase_add_test(tcase, test_readiness_is_told_as_asked_and_again_until_taken);
    tcase_add_test(tcase, test_watch_without_interest_is_silent);
    tcase_add_test(tcase, test_watch_may_be_freed_in_its_callback);
    tcase_add_test(tcase, test_watch_freed_by_another_in_the_same_tick_is_not_called);
    tcase_add_test(tcase, test_deferred_work_runs_once_in_order_and_never_in_the_same_tick_again);
    tcase_add_test(tcase, test_timer_fires_after_its_deadline_and_before_deferred_work);
    tcase_add_test(tcase, test_mail_is_delivered);
    tcase_add_test(tcase, test_many_that_are_ready_take_turns_with_what_is_deferred);
    tcase_add_test(tcase, test_slow_ticks_are_counted_and_waiting_is_none);
    Suite *suite = suite_create("loop");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
