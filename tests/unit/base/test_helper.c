/* Helpers: tasks are done in order on another thread and come back; nobody waits for one that is left. */
#include "base/base_test.h"

#include <poll.h>

#include "base/alloc.h"
#include "base/helper.h"

enum { WAIT_MS = 30000, CAPACITY = 4 };

static struct weft_mutex gate = WEFT_MUTEX_INITIALIZER; /* work that is told to passes through it */
static struct weft_atomic_u64 begun, worked, left, ended;
static uintptr_t owner;

struct errand {
    struct weft_helper_task task;
    bool passes_gate;
    unsigned number;
    unsigned *done; /* the next number, counted up on the owner's thread */
};

static struct errand *errand_of(struct weft_helper_task *task)
{
    return WEFT_CONTAINER_OF(task, struct errand, task);
}

static void work(struct weft_helper_task *task, void *context)
{
    ck_assert_uint_ne(weft_thread_id(), owner);
    weft_atomic_add(&begun, 1);
    if (errand_of(task)->passes_gate) {
        weft_mutex_lock(&gate);
        weft_mutex_unlock(&gate);
    }
    weft_atomic_add(&worked, 1);
    if (context != NULL) {
        ++*(unsigned *)context; /* the helper's: one thread only */
    }
}

static void on_done(struct weft_helper_task *task)
{
    struct errand *errand = errand_of(task);
    ck_assert_uint_eq(weft_thread_id(), owner);
    ck_assert_uint_eq(errand->number, *errand->done);
    ++*errand->done;
    weft_free(errand);
}

static void on_left(struct weft_helper_task *task)
{
    weft_free(errand_of(task));
    weft_atomic_add(&left, 1);
}

static void on_end(void *context)
{
    weft_free(context);
    weft_atomic_add(&ended, 1);
}

static struct errand *new_errand(bool passes_gate, unsigned number, unsigned *done)
{
    struct errand *errand = weft_alloc(sizeof *errand);
    errand->task = (struct weft_helper_task){ .work = work, .on_done = on_done, .on_left = on_left };
    errand->passes_gate = passes_gate;
    errand->number = number;
    errand->done = done;
    return errand;
}

static struct weft_helper_task *ask(struct weft_helper *helper, struct weft_helper_box *box, bool passes_gate,
                                    unsigned number, unsigned *done)
{
    struct errand *errand = new_errand(passes_gate, number, done);
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, NULL), WEFT_OK);
    return &errand->task;
}

static void deliver_until(struct weft_helper_box *box, const unsigned *done, unsigned wanted)
{
    while (*done < wanted) {
        struct pollfd waiting = { .fd = weft_helper_box_descriptor(box), .events = POLLIN };
        ck_assert_msg(poll(&waiting, 1, WAIT_MS) == 1, "not woken");
        weft_helper_box_deliver(box);
    }
}

static void wait_for(struct weft_atomic_u64 *number, uint64_t wanted)
{
    while (weft_atomic_load(number) < wanted) {
        poll(NULL, 0, 1);
    }
}

static void set_up(void)
{
    owner = weft_thread_id();
    weft_atomic_store(&begun, 0);
    weft_atomic_store(&worked, 0);
    weft_atomic_store(&left, 0);
    weft_atomic_store(&ended, 0);
}

START_TEST(test_tasks_are_done_in_order_and_come_back)
{
    set_up();
    unsigned done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", 1000, weft_alloc(sizeof(unsigned)), on_end);
    for (unsigned i = 0; i < 1000; i++) {
        ask(helper, box, false, i, &done);
    }
    deliver_until(box, &done, 1000);
    ck_assert_uint_eq(weft_atomic_load(&worked), 1000);
    weft_helper_box_free(box);
    weft_helper_free(helper);
    wait_for(&ended, 1);
    ck_assert_uint_eq(weft_atomic_load(&left), 0);
}
END_TEST

START_TEST(test_queue_is_bounded_and_the_task_stays_the_askers)
{
    set_up();
    unsigned done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, NULL, NULL);
    weft_mutex_lock(&gate);
    for (unsigned i = 0; i < CAPACITY; i++) {
        ask(helper, box, true, i, &done);
    }
    struct errand *errand = new_errand(false, CAPACITY, &done);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, &error), WEFT_LIMIT);
    ck_assert_str_eq(error.text, "errands: 4 tasks wait");
    weft_mutex_unlock(&gate);
    deliver_until(box, &done, CAPACITY);
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, NULL), WEFT_OK);
    deliver_until(box, &done, CAPACITY + 1);
    weft_helper_free(helper);
    weft_helper_box_free(box);
}
END_TEST

START_TEST(test_left_tasks_are_freed_and_those_that_waited_not_begun)
{
    set_up();
    unsigned done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, NULL, NULL);
    weft_mutex_lock(&gate);
    struct weft_helper_task *gone = ask(helper, box, true, 0, &done);
    struct weft_helper_task *waiting = ask(helper, box, false, 0, &done);
    ask(helper, box, false, 0, &done);
    weft_helper_leave(gone);
    weft_helper_leave(waiting);
    weft_mutex_unlock(&gate);
    deliver_until(box, &done, 1);
    ck_assert_uint_eq(weft_atomic_load(&left), 2);
    ck_assert_uint_le(weft_atomic_load(&worked), 2);
    weft_helper_free(helper);
    weft_helper_box_free(box);
}
END_TEST

/* The work hangs; who asked goes all the same, and so does the helper's owner. */
START_TEST(test_nobody_waits_for_work_that_hangs)
{
    set_up();
    unsigned done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, weft_alloc(sizeof(unsigned)), on_end);
    weft_mutex_lock(&gate);
    for (unsigned i = 0; i < 3; i++) {
        ask(helper, box, true, i, &done);
    }
    wait_for(&begun, 1);
    weft_helper_box_free(box);
    weft_helper_free(helper);
    ck_assert_uint_eq(weft_atomic_load(&ended), 0);
    weft_mutex_unlock(&gate);
    wait_for(&ended, 1);
    ck_assert_uint_eq(weft_atomic_load(&left), 3);
    ck_assert_uint_le(weft_atomic_load(&worked), 1);
    ck_assert_uint_eq(done, 0);
}
END_TEST

/* Two boxes and one helper: who stays gets what was asked, also after the helper was freed. */
START_TEST(test_box_that_goes_takes_nothing_from_another)
{
    set_up();
    unsigned done = 0, other_done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper_box *other = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, NULL, NULL);
    weft_mutex_lock(&gate);
    ask(helper, box, true, 0, &done);
    ask(helper, other, true, 0, &other_done);
    ask(helper, box, true, 1, &done);
    weft_helper_box_free(other);
    weft_helper_free(helper);
    weft_mutex_unlock(&gate);
    deliver_until(box, &done, 2);
    wait_for(&left, 1);
    ck_assert_uint_eq(other_done, 0);
    weft_helper_box_free(box);
}
END_TEST

struct last_errand {
    struct weft_helper_task task;
    struct weft_helper_box *box;
    bool *is_done;
};

static void do_nothing(struct weft_helper_task *task, void *context)
{
    (void)task;
    (void)context;
    weft_mutex_lock(&gate);
    weft_mutex_unlock(&gate);
}

static void free_box(struct weft_helper_task *task)
{
    struct last_errand *errand = WEFT_CONTAINER_OF(task, struct last_errand, task);
    weft_helper_box_free(errand->box);
    *errand->is_done = true;
    weft_free(errand);
}

START_TEST(test_box_can_go_inside_an_answer)
{
    set_up();
    bool is_done = false;
    unsigned done = 0;
    struct last_errand *errand = weft_alloc(sizeof *errand);
    errand->task = (struct weft_helper_task){ .work = do_nothing, .on_done = free_box, .on_left = on_left };
    errand->box = weft_helper_box_new();
    errand->is_done = &is_done;
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, weft_alloc(sizeof(unsigned)), on_end);
    struct weft_helper_box *box = errand->box;
    weft_mutex_lock(&gate);
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, NULL), WEFT_OK);
    ask(helper, box, false, 0, &done);
    weft_helper_free(helper);
    weft_mutex_unlock(&gate);
    wait_for(&ended, 1); /* both answers are in the box */
    weft_helper_box_deliver(box);
    ck_assert(is_done);
    ck_assert_uint_eq(weft_atomic_load(&left), 1);
}
END_TEST

START_TEST(test_without_a_box_nobody_waits)
{
    set_up();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, NULL, NULL);
    ask(helper, NULL, false, 0, NULL);
    wait_for(&left, 1);
    ck_assert_uint_eq(weft_atomic_load(&worked), 1);
    weft_helper_free(helper);
}
END_TEST

START_TEST(test_failing_thread_start_is_reported)
{
    set_up();
    unsigned done = 0;
    struct weft_helper_box *box = weft_helper_box_new();
    struct weft_helper *helper = weft_helper_new("errands", CAPACITY, NULL, NULL);
    struct errand *errand = new_errand(false, 0, &done);
    struct weft_error error = WEFT_ERROR_NONE;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, &error), WEFT_NOMEM);
    ck_assert(weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert_str_eq(error.text, "errands: no thread can be started");
    ck_assert_int_eq(weft_helper_ask(helper, box, &errand->task, &error), WEFT_OK);
    deliver_until(box, &done, 1);
    weft_helper_free(helper);
    weft_helper_box_free(box);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_tasks_are_done_in_order_and_come_back),
        BASE_TEST(test_queue_is_bounded_and_the_task_stays_the_askers),
        BASE_TEST(test_left_tasks_are_freed_and_those_that_waited_not_begun),
        BASE_TEST(test_nobody_waits_for_work_that_hangs),
        BASE_TEST(test_box_that_goes_takes_nothing_from_another),
        BASE_TEST(test_box_can_go_inside_an_answer),
        BASE_TEST(test_without_a_box_nobody_waits),
        BASE_TEST(test_failing_thread_start_is_reported),
    };
    return BASE_TEST_RUN("helper", tests);
}
