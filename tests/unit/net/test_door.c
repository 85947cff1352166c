/* Accepting, also when the process has no descriptor left: a guest gives its own at once, or the door is shut for a
 * moment and the loop does not spin. */
#include "net/door.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/descriptors.h"
#include "net/guests.h"
#include "suite.h"

enum { ROOM = 200 };

static struct {
    struct weft_loop *loop;
    int listener;
    struct sockaddr_in address;
    struct weft_door *door;
    struct weft_guest_hall guest_hall;
    struct weft_guests guests;
    struct weft_guest guest;
    int guest_descriptor; /* -1 = it was ended */
    size_t accepted_count;
    int accepted[8], knocks[8];
    size_t knock_count;
} hall;

static void on_accepted(void *context, int descriptor)
{
    ck_assert_ptr_eq(context, &hall);
    ck_assert_uint_lt(hall.accepted_count, 8);
    hall.accepted[hall.accepted_count++] = descriptor;
}

static void end_guest(struct weft_guest *guest)
{
    close(hall.guest_descriptor);
    hall.guest_descriptor = -1;
    weft_guests_leave(guest);
}

static void stop_loop(void *context)
{
    weft_loop_stop(context);
}

static void tick(void)
{
    struct weft_deferred stop;
    weft_deferred_init(&stop, stop_loop, hall.loop);
    weft_loop_defer(hall.loop, &stop);
    weft_loop_run(hall.loop);
}

static void set_up(void)
{
    memset(&hall, 0, sizeof hall);
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    hall.loop = weft_loop_new();
    weft_guest_hall_init(&hall.guest_hall);
    weft_guests_init(&hall.guests, &(struct weft_guests_settings){ .max_count = 10,
                                                                   .end = end_guest,
                                                                   .timers = weft_loop_timers(hall.loop),
                                                                   .hall = &hall.guest_hall });
    hall.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    hall.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof hall.address;
    ck_assert_int_eq(bind(hall.listener, (struct sockaddr *)&hall.address, length), 0);
    ck_assert_int_eq(listen(hall.listener, 16), 0);
    ck_assert_int_eq(getsockname(hall.listener, (struct sockaddr *)&hall.address, &length), 0);
    hall.door = weft_door_new(hall.loop, hall.listener, &hall.guest_hall, on_accepted, &hall);
    hall.guest_descriptor = -1;
}

static void tear_down(void)
{
    for (size_t i = 0; i < hall.accepted_count; i++) {
        close(hall.accepted[i]);
    }
    for (size_t i = 0; i < hall.knock_count; i++) {
        close(hall.knocks[i]);
    }
    weft_guests_leave(&hall.guest);
    weft_guests_fini(&hall.guests);
    weft_door_free(hall.door);
    close(hall.listener);
    weft_loop_free(hall.loop);
}

static void knock(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(descriptor, 0);
    hall.knocks[hall.knock_count++] = descriptor;
    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&hall.address, sizeof hall.address), 0);
}

static void enter_guest(void)
{
    hall.guest_descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    weft_guests_enter(&hall.guests, &hall.guest, hall.guest_descriptor, &(struct weft_peer){ .is_unix = true });
}

static struct rlimit limit_before;
static int fillers[ROOM];
static size_t filler_count;

/* Nothing more can be opened. */
static void use_up_descriptors(void)
{
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    struct rlimit limit = { .rlim_cur = ROOM, .rlim_max = limit_before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int descriptor;
    filler_count = 0;
    while ((descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        fillers[filler_count++] = descriptor;
    }
}

static void give_descriptors_back(void)
{
    while (filler_count > 0) {
        close(fillers[--filler_count]);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit_before), 0);
}

START_TEST(test_all_who_knock_are_let_in)
{
    set_up();
    knock();
    knock();
    knock();
    tick();
    ck_assert_uint_eq(hall.accepted_count, 3);
    ck_assert_int_ne(fcntl(hall.accepted[0], F_GETFL) & O_NONBLOCK, 0);
    weft_door_shut(hall.door);
    knock();
    tick();
    ck_assert_uint_eq(hall.accepted_count, 3);
    tear_down();
}
END_TEST

START_TEST(test_a_guest_gives_its_descriptor_at_once)
{
    set_up();
    enter_guest();
    knock();
    use_up_descriptors();
    uint64_t before = weft_descriptors_short_count();
    int given = hall.guest_descriptor;
    tick();
    ck_assert_uint_eq(hall.accepted_count, 1);
    ck_assert_int_eq(hall.accepted[0], given);
    ck_assert_int_eq(hall.guest_descriptor, -1);
    ck_assert_uint_ge(weft_descriptors_short_count(), before + 1);
    give_descriptors_back();
    tear_down();
}
END_TEST

START_TEST(test_without_anybody_to_give_one_the_door_is_shut_for_a_moment)
{
    set_up();
    knock();
    use_up_descriptors();
    uint64_t counted = weft_descriptors_short_count();
    for (int i = 0; i < 50; i++) {
        tick(); /* the listener stays readable all the time */
    }
    ck_assert_uint_eq(weft_descriptors_short_count(), counted + 1);
    ck_assert_uint_eq(hall.accepted_count, 0);
    give_descriptors_back();
    struct weft_timers *timers = weft_loop_timers(hall.loop);
    weft_timers_touch(timers, weft_monotonic_after(weft_timers_now(timers), WEFT_NS_PER_S));
    weft_timers_run(timers, weft_timers_now(timers));
    tick();
    ck_assert_uint_eq(hall.accepted_count, 1);
    tear_down();
}
END_TEST

/* Each that takes one of the last descriptors frees another first, which it can do only once it has been adopted. */
START_TEST(test_of_the_last_descriptors_one_is_given_at_a_time)
{
    set_up();
    knock();
    knock();
    weft_descriptors_set_limit(2); /* every number is kept back */
    tick();
    ck_assert_uint_eq(hall.accepted_count, 1);
    tick();
    ck_assert_uint_eq(hall.accepted_count, 2);
    weft_descriptors_set_limit(0);
    tear_down();
}
END_TEST

static bool ask(void *context)
{
    return ++*(unsigned *)context > 0;
}

/* Who was asked is another thread, which takes a moment: accepting does not spin meanwhile. */
START_TEST(test_a_door_rests_until_another_worker_has_freed_one)
{
    set_up();
    unsigned asked = 0;
    hall.guest_hall.ask_elsewhere = ask;
    hall.guest_hall.context = &asked;
    knock();
    use_up_descriptors();
    tick();
    tick();
    ck_assert_uint_eq(asked, 1);
    give_descriptors_back();
    struct weft_timers *timers = weft_loop_timers(hall.loop);
    weft_timers_touch(timers, weft_monotonic_after(weft_timers_now(timers), 5 * WEFT_NS_PER_MS));
    weft_timers_run(timers, weft_timers_now(timers));
    tick();
    ck_assert_uint_eq(hall.accepted_count, 1);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("door");
    TCase *tcase = tcase_create("door");
    tcase_add_test(tcase, test_all_who_knock_are_let_in);
    tcase_add_test(tcase, test_a_guest_gives_its_descriptor_at_once);
    tcase_add_test(tcase, test_without_anybody_to_give_one_the_door_is_shut_for_a_moment);
    tcase_add_test(tcase, test_of_the_last_descriptors_one_is_given_at_a_time);
    tcase_add_test(tcase, test_a_door_rests_until_another_worker_has_freed_one);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
