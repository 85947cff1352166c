/* Wake-up moderation in virtual time: a loop that takes 15 us a tick and 25 us an event, against clients of several
 * kinds. */
#include "net/moderation.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

#define US INT64_C(1000)

enum { CLIENTS_MAX = 64 };

struct world {
    struct weft_moderation moderation;
    int64_t now_ns;
    uint64_t event_bytes;
    size_t client_count;          /* that send again 60 us after their answer; 0 = requests come whatever we do */
    int64_t next_ns[CLIENTS_MAX]; /* when the client's next request comes; [0] with independent requests */
    int64_t mean_gap_ns;          /* of independent requests */
    uint64_t random;
    uint64_t served, ticks, pauses;
};

static void begin(struct world *world, int64_t interval_ns)
{
    *world = (struct world){ .random = 88172645463325252U, .event_bytes = 9000, .now_ns = WEFT_NS_PER_S };
    weft_moderation_init(&world->moderation, interval_ns);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        world->next_ns[i] = world->now_ns;
    }
}

static int64_t random_gap(struct world *world)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (int64_t)(world->random % (uint64_t)(2 * world->mean_gap_ns));
}

static int64_t earliest(const struct world *world)
{
    int64_t earliest_ns = world->next_ns[0];
    for (size_t i = 1; i < world->client_count; i++) {
        earliest_ns = world->next_ns[i] < earliest_ns ? world->next_ns[i] : earliest_ns;
    }
    return earliest_ns;
}

/* Independent requests that have come by now. */
static uint64_t take_arrived(struct world *world)
{
    uint64_t count = 0;
    while (world->next_ns[0] <= world->now_ns) {
        world->next_ns[0] += random_gap(world);
        count++;
    }
    return count;
}

/* Those of the waiting clients; each gets its answer when the tick has ended. */
static uint64_t take_waiting(struct world *world)
{
    uint64_t count = 0;
    int64_t woken_ns = world->now_ns;
    for (size_t i = 0; i < world->client_count; i++) {
        count += world->next_ns[i] <= woken_ns;
    }
    int64_t answered_ns = woken_ns + 15 * US + 25 * US * (int64_t)count;
    for (size_t i = 0; i < world->client_count; i++) {
        if (world->next_ns[i] <= woken_ns) {
            world->next_ns[i] = answered_ns + 60 * US;
        }
    }
    return count;
}

static void run(struct world *world, int64_t duration_ns)
{
    int64_t end_ns = world->now_ns + duration_ns;
    world->served = world->ticks = world->pauses = 0;
    while (world->now_ns < end_ns) {
        int64_t due_ns = earliest(world);
        world->now_ns = due_ns > world->now_ns ? due_ns : world->now_ns;
        struct weft_moderation_tick tick = { .woken = { world->now_ns } };
        tick.event_count = world->client_count > 0 ? take_waiting(world) : take_arrived(world);
        tick.read_bytes = tick.event_count * world->event_bytes;
        world->now_ns += 15 * US + 25 * US * (int64_t)tick.event_count;
        tick.ended.ns = world->now_ns;
        int64_t pause_ns = weft_moderation_pause_ns(&world->moderation, &tick);
        ck_assert_int_ge(pause_ns, 0);
        ck_assert_int_le(pause_ns, world->moderation.interval_ns);
        world->now_ns += pause_ns;
        world->pauses += pause_ns > 0;
        world->served += tick.event_count;
        world->ticks++;
    }
}

START_TEST(test_independent_requests_are_gathered)
{
    struct world world;
    begin(&world, WEFT_NS_PER_MS);
    world.mean_gap_ns = 250 * US;
    run(&world, 10 * WEFT_NS_PER_S);
    ck_assert_uint_gt(world.served, 39000);
    ck_assert_uint_lt(world.ticks, 13000); /* one a millisecond, and the proofs; else there would be one for each */
}
END_TEST

START_TEST(test_interval_zero_never_pauses)
{
    struct world world;
    begin(&world, 0);
    world.mean_gap_ns = 250 * US;
    run(&world, WEFT_NS_PER_S);
    ck_assert_uint_eq(world.pauses, 0);
    ck_assert_uint_gt(world.ticks, 3000);
}
END_TEST

START_TEST(test_sparse_requests_are_answered_at_once)
{
    struct world world;
    begin(&world, WEFT_NS_PER_MS);
    world.mean_gap_ns = 5 * WEFT_NS_PER_MS;
    run(&world, 10 * WEFT_NS_PER_S);
    ck_assert_uint_eq(world.pauses, 0);
}
END_TEST

START_TEST(test_bulky_requests_are_not_held_up)
{
    struct world world;
    begin(&world, WEFT_NS_PER_MS);
    world.mean_gap_ns = 250 * US;
    world.event_bytes = 200000;
    run(&world, WEFT_NS_PER_S);
    ck_assert_uint_eq(world.pauses, 0);
}
END_TEST

/* Requests a second that so many clients get through, each sending again when it has its answer. */
static uint64_t served_to_waiting(size_t client_count, int64_t interval_ns)
{
    struct world world;
    begin(&world, interval_ns);
    world.client_count = client_count;
    run(&world, 7 * WEFT_NS_PER_S); /* it learns: rests of 0.1, 0.2, 0.4 ... */
    run(&world, 7 * WEFT_NS_PER_S);
    return world.served / 7;
}

START_TEST(test_clients_that_wait_for_answers_keep_their_throughput)
{
    static const size_t counts[] = { 1, 2, 8, 32 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint64_t without = served_to_waiting(counts[i], 0), with = served_to_waiting(counts[i], WEFT_NS_PER_MS);
        ck_assert_msg(with * 100 >= without * 95, "%zu clients: %lu a second, %lu without moderation", counts[i],
                      (unsigned long)with, (unsigned long)without);
    }
}
END_TEST

START_TEST(test_moderation_comes_back_when_the_traffic_has_changed)
{
    struct world world;
    begin(&world, WEFT_NS_PER_MS);
    world.client_count = 2;
    run(&world, 5 * WEFT_NS_PER_S);
    world.client_count = 0;
    world.mean_gap_ns = 100 * US;
    world.next_ns[0] = world.now_ns;
    run(&world, 15 * WEFT_NS_PER_S); /* the longest rest and more */
    run(&world, 5 * WEFT_NS_PER_S);
    ck_assert_uint_gt(world.served, 49000);
    ck_assert_uint_lt(world.ticks, 8000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/moderation");
    TCase *tcase = tcase_create("moderation");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_independent_requests_are_gathered);
    tcase_add_test(tcase, test_interval_zero_never_pauses);
    tcase_add_test(tcase, test_sparse_requests_are_answered_at_once);
    tcase_add_test(tcase, test_bulky_requests_are_not_held_up);
    tcase_add_test(tcase, test_clients_that_wait_for_answers_keep_their_throughput);
    tcase_add_test(tcase, test_moderation_comes_back_when_the_traffic_has_changed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
