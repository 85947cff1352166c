/* Work that is put off goes on where it stood, as often as it takes, and what others do meanwhile is not counted. */
#include "base/work.h"

#include "base_test.h"

#include "base/alloc.h"
#include "base/clock.h"

enum { STEPS = 5 };

struct counting {
    int steps;
    int depth; /* of calls in which it is put off */
    int64_t cpu_ns;
};

static void step(struct counting *counting, int depth)
{
    volatile uint8_t frame[512];
    frame[0] = (uint8_t)depth;
    if (depth > 0) {
        step(counting, depth - 1);
    } else {
        counting->steps++;
        weft_work_did(WEFT_WORK_LOOK_BYTES);
    }
    ck_assert_uint_eq(frame[0], (uint8_t)depth);
}

static void count(void *context)
{
    struct counting *counting = context;
    int64_t before = weft_work_cpu_ns();
    for (int i = 0; i < STEPS; i++) {
        step(counting, counting->depth);
    }
    counting->cpu_ns = weft_work_cpu_ns() - before;
}

static void use_processor(int64_t ns)
{
    for (int64_t until = weft_thread_cpu_ns() + ns; weft_thread_cpu_ns() < until;) {
    }
}

START_TEST(test_work_goes_on_where_it_stood)
{
    struct counting counting = { .depth = 100 };
    struct weft_work *work = weft_work_try_new();
    ck_assert_ptr_nonnull(work);
    ck_assert(!weft_work_begin(work, count, &counting, 0));
    for (int i = 1; i < STEPS; i++) {
        ck_assert_int_eq(counting.steps, i);
        ck_assert(weft_work_is_under_way(work));
        ck_assert(!weft_work_go_on(work, 0));
    }
    ck_assert_int_eq(counting.steps, STEPS);
    ck_assert(weft_work_go_on(work, 0));
    ck_assert(!weft_work_is_under_way(work));
    weft_work_free(&work);
    ck_assert_ptr_null(work);
}
END_TEST

START_TEST(test_work_that_has_time_ends_at_once_and_can_begin_again)
{
    struct counting counting = { 0 };
    struct weft_work *work = weft_work_try_new();
    for (int i = 1; i <= 3; i++) {
        ck_assert(weft_work_begin(work, count, &counting, INT64_MAX));
        ck_assert_int_eq(counting.steps, i * STEPS);
    }
    ck_assert(!weft_work_begin(work, count, &counting, 0));
    ck_assert(weft_work_go_on(work, INT64_MAX));
    ck_assert_int_eq(counting.steps, 4 * STEPS);
    weft_work_free(&work);
}
END_TEST

START_TEST(test_what_is_done_between_turns_is_not_its_own)
{
    enum { OTHERS_NS = 20 * 1000 * 1000 };
    struct counting counting = { 0 };
    struct weft_work *work = weft_work_try_new();
    for (bool is_ended = weft_work_begin(work, count, &counting, 0); !is_ended; is_ended = weft_work_go_on(work, 0)) {
        use_processor(OTHERS_NS);
    }
    ck_assert_int_lt(counting.cpu_ns, OTHERS_NS);
    weft_work_free(&work);
}
END_TEST

START_TEST(test_several_can_be_under_way_and_outside_of_them_nothing_is_put_off)
{
    struct counting countings[3] = { { 0 } };
    struct weft_work *works[3];
    for (int i = 0; i < 3; i++) {
        works[i] = weft_work_try_new();
        ck_assert(!weft_work_begin(works[i], count, &countings[i], 0));
    }
    struct counting outside = { 0 };
    count(&outside);
    ck_assert_int_eq(outside.steps, STEPS);
    for (int i = 2; i >= 0; i--) {
        ck_assert(weft_work_go_on(works[i], INT64_MAX));
        ck_assert_int_eq(countings[i].steps, STEPS);
        weft_work_free(&works[i]);
    }
}
END_TEST

START_TEST(test_without_memory_there_is_none)
{
    weft_alloc_fail_at(1);
    ck_assert_ptr_null(weft_work_try_new());
    weft_alloc_fail_at(0);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_work_goes_on_where_it_stood),
        BASE_TEST(test_work_that_has_time_ends_at_once_and_can_begin_again),
        BASE_TEST(test_what_is_done_between_turns_is_not_its_own),
        BASE_TEST(test_several_can_be_under_way_and_outside_of_them_nothing_is_put_off),
        BASE_TEST(test_without_memory_there_is_none),
    };
    return BASE_TEST_RUN("work", tests);
}
