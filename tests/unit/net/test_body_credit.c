/* The account of half received messages against a model, and the order in which they make way. */
#include "body_credit_test.h"
#include "suite.h"

START_TEST(test_who_is_silent_goes_first_then_the_slowest)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *fast = begin(0, 0, 1000), *slow = begin(1, 1, 1000), *silent = begin(2, 2, 600000),
                   *slower = begin(3, 3, 1000);
    for (int window = 0; window < 4; window++) {
        move(fast, 40000);
        move(slow, 2000);
        move(slower, 1);
        next_window();
    }
    move(fast, 1); /* the window has only begun: it is judged by the one before */
    move(slow, 1);
    move(slower, 1);
    overfill(4); /* goes down to the credit: the silent one is enough */
    ck_assert(silent->is_given_up);
    ck_assert_uint_eq(bench.given_up_count, 1);
    weft_body_end(&bench.messages[4].body);
    bench.last_given_up = NULL;
    struct message *large = begin(5, 4, 0);
    for (int window = 0; window < 2; window++) {
        move(large, 300000);
        move(fast, 40000);
        move(slow, 2000);
        move(slower, 1);
        next_window();
    }
    overfill(6);
    ck_assert(slower->is_given_up && slow->is_given_up);
    ck_assert_ptr_ne(bench.last_given_up, slower);
    ck_assert(!fast->is_given_up);
    tear_down();
}
END_TEST

START_TEST(test_who_was_fast_is_silent_after_a_whole_window)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *dribbler = begin(0, 0, 1000), *former = begin(1, 1, 600000);
    for (int window = 0; window < 6; window++) {
        move(dribbler, 1);
        if (window < 3) {
            move(former, 40000);
        }
        next_window();
    }
    overfill(2);
    ck_assert(former->is_given_up && !dribbler->is_given_up);
    tear_down();
}
END_TEST

/* A window that has only begun says less than the whole one before. */
START_TEST(test_the_window_before_counts)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *slow = begin(0, 0, 300000), *fast = begin(1, 1, 300000);
    for (int window = 0; window < 3; window++) {
        move(slow, 2000);
        move(fast, 40000);
        next_window();
    }
    move(slow, 2000);
    move(fast, 1);
    overfill(2);
    ck_assert(slow->is_given_up && !fast->is_given_up);
    tear_down();
}
END_TEST

/* Nothing is known of those that have just begun but who spoke last. */
START_TEST(test_of_new_ones_who_spoke_last_stays)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *good = begin(0, 0, 100);
    for (size_t i = 1; i < MANY; i++) {
        move(begin(i, 1, 0), 4096);
        if (i % 100 == 0) {
            move(good, 1);
        }
    }
    ck_assert_uint_gt(bench.given_up_count, MANY / 2);
    ck_assert(!good->is_given_up);
    ck_assert(bench.messages[1].is_given_up);
    ck_assert(!bench.messages[MANY - 1].is_given_up);
    tear_down();
}
END_TEST

START_TEST(test_shedding_goes_on_to_the_credit)
{
    set_up((struct weft_body_credit_settings){ 0 });
    size_t highest = 0, lowest = SIZE_MAX;
    for (size_t i = 0; i < MANY; i++) {
        move(begin(i, i % 4, 0), 1024);
        size_t held = weft_body_credit_read(bench.credit).held_bytes;
        highest = held > highest ? held : highest;
        lowest = bench.given_up_count > 0 && held < lowest ? held : lowest;
    }
    ck_assert_uint_le(highest, CREDIT + CREDIT / 4);
    ck_assert_uint_le(lowest, CREDIT);
    tear_down();
}
END_TEST

/* The limit falls to a part of what is held: nobody is away for the time that giving up all of them takes. */
START_TEST(test_many_are_given_up_in_several_turns)
{
    enum { AT_ONCE = 1024 };
    set_up((struct weft_body_credit_settings){ .max_begun = MANY, .max_begun_per_address = MANY });
    for (size_t i = 0; i < MANY; i++) {
        move(begin(i, i % 4, 0), 128);
    }
    ck_assert_uint_eq(bench.given_up_count, 0);
    struct weft_budget_limit limit = { .bytes = 1024 };
    weft_budget_charge(&bench.budget, (size_t)MANY * 128);
    weft_budget_add_limit(&bench.budget, &limit);
    ck_assert(weft_budget_is_overdrawn(&bench.budget));
    size_t before = 0;
    move(&bench.messages[MANY - 1], 1);
    while (bench.given_up_count > before) {
        ck_assert_uint_le(bench.given_up_count - before, AT_ONCE);
        before = bench.given_up_count;
        struct weft_timers *timers = weft_loop_timers(bench.loop);
        weft_timers_run(timers, weft_monotonic_after(weft_timers_now(timers), 10 * WEFT_NS_PER_MS));
    }
    ck_assert_uint_ge(bench.given_up_count, MANY - 16);
    weft_budget_remove_limit(&bench.budget, &limit);
    weft_budget_release(&bench.budget, (size_t)MANY * 128);
    tear_down();
}
END_TEST

/* Beyond the hard mark it goes down to the credit, also where nothing more comes that could drive it. */
START_TEST(test_the_credit_is_kept_again_without_another_piece)
{
    enum { COUNT = 400, BYTES = CREDIT * 5 / 4 / COUNT };
    set_up((struct weft_body_credit_settings){ 0 });
    for (size_t i = 0; i <= COUNT; i++) {
        move(begin(i, i % 4, 0), BYTES);
    }
    struct weft_body_credit_state state = weft_body_credit_read(bench.credit);
    ck_assert_uint_gt(state.given_up_count, 0);
    ck_assert_uint_gt(state.held_bytes, state.credit_bytes); /* some at a time */
    for (int i = 0; i < 10; i++) {
        struct weft_timers *timers = weft_loop_timers(bench.loop);
        weft_timers_run(timers, weft_monotonic_after(weft_timers_now(timers), 10 * WEFT_NS_PER_MS));
    }
    state = weft_body_credit_read(bench.credit);
    ck_assert_uint_le(state.held_bytes, state.credit_bytes);
    tear_down();
}
END_TEST

/* The large wait beyond the credit, the small do not; one goes on, and who hardly moves makes way. */

START_TEST(test_beyond_the_number_the_greediest_make_way)
{
    set_up((struct weft_body_credit_settings){ .max_begun = 100, .max_begun_per_address = 100 });
    for (size_t i = 90; i < 100; i++) {
        begin(i, 2, 1);
    }
    for (size_t i = 0; i < 90; i++) {
        begin(i, 1, 1);
    }
    for (size_t i = 100; i < 150; i++) {
        begin(i, 3, 1);
        ck_assert_uint_eq(weft_body_credit_read(bench.credit).begun_count, 100);
    }
    for (size_t i = 0; i < 150; i++) {
        ck_assert_msg(bench.messages[i].is_given_up == (i < 50), "%zu", i);
    }
    tear_down();
}
END_TEST

/* At an address's own limit it is one of its own, unless they all keep pace: then the new one is refused. */
START_TEST(test_an_address_has_its_share)
{
    set_up((struct weft_body_credit_settings){ .max_begun = 100, .max_begun_per_address = 10 });
    for (size_t i = 0; i < 11; i++) {
        begin(i, 0, 1);
    }
    ck_assert(bench.messages[0].is_given_up);
    for (size_t i = 1; i < 11; i++) {
        ck_assert(!bench.messages[i].is_given_up);
        move(&bench.messages[i], WEFT_BODY_SLOW_BYTES);
    }
    ck_assert(!weft_body_credit_make_place(bench.credit, bench.hosts[0]));
    ck_assert(weft_body_credit_make_place(bench.credit, bench.hosts[1]));
    ck_assert_uint_eq(bench.given_up_count, 1);
    tear_down();
}
END_TEST

START_TEST(test_workers_have_equal_shares)
{
    set_up((struct weft_body_credit_settings){ .max_begun = 100, .max_begun_per_address = 1000, .worker_count = 4 });
    struct weft_budget_limit limit = { .bytes = CREDIT };
    ck_assert_uint_eq(weft_body_credit_read(bench.credit).credit_bytes, CREDIT / 4);
    weft_budget_add_limit(&bench.budget, &limit);
    ck_assert_uint_eq(weft_body_credit_read(bench.credit).credit_bytes, CREDIT / 8);
    weft_budget_remove_limit(&bench.budget, &limit);
    for (size_t i = 0; i < 26; i++) {
        begin(i, 0, 1);
    }
    ck_assert_uint_eq(bench.given_up_count, 1);
    tear_down();
}
END_TEST

START_TEST(test_a_time_of_pressure_is_told_of_once)
{
    set_up((struct weft_body_credit_settings){ 0 });
    begin(0, 0, 1000);
    ck_assert(!weft_body_credit_take_relief(bench.credit));
    overfill(1);
    ck_assert_uint_ge(bench.given_up_count, 1);
    weft_body_end(&bench.messages[1].body);
    ck_assert(weft_body_credit_take_relief(bench.credit));
    ck_assert(!weft_body_credit_take_relief(bench.credit));
    tear_down();
}
END_TEST

static uint64_t random_state;

static uint64_t below(uint64_t end)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (random_state >> 33) % end;
}

static void check_against_model(void)
{
    size_t begun = 0, held = 0, waiting = 0;
    for (size_t i = 0; i < MANY; i++) {
        const struct message *message = &bench.messages[i];
        if (message->body.credit != NULL) {
            begun++;
            held += message->held;
            waiting += weft_body_is_waiting(&message->body);
        }
    }
    struct weft_body_credit_state state = weft_body_credit_read(bench.credit);
    ck_assert_uint_eq(state.begun_count, begun);
    ck_assert_uint_eq(state.held_bytes, held);
    ck_assert_uint_eq(state.waiting_count, waiting);
    ck_assert_uint_eq(state.given_up_count, bench.given_up_count);
}

/* Whatever happens, the account is the sum of what is in it, within its limits, and nobody who waits is forgotten. */
START_TEST(test_the_account_is_the_sum_of_its_messages)
{
    random_state = (uint64_t)_i + 1;
    set_up((struct weft_body_credit_settings){ .max_begun = 700, .max_begun_per_address = 300 });
    for (size_t operation = 0; operation < OPERATIONS; operation++) {
        struct message *message = &bench.messages[below(MANY)];
        size_t host = below(HOSTS);
        bool has_begun = message->body.credit != NULL;
        if (!has_begun && weft_body_credit_make_place(bench.credit, bench.hosts[host])) {
            weft_body_begin(&message->body, bench.credit, &kind, bench.hosts[host], message->held = below(2000));
            weft_body_expect(&message->body, below(600000));
        } else if (has_begun && below(4) == 0) {
            weft_body_end(&message->body);
        } else if (has_begun && !weft_body_is_waiting(&message->body)) {
            if (move(message, below(10) == 0 ? below(100000) : below(3000)) && !weft_body_may_grow(&message->body)) {
                weft_body_wait(&message->body);
            }
        }
        if (below(100) == 0) {
            tick();
        }
        if (below(1000) == 0) {
            next_window();
        }
        if (operation % 500 == 0) {
            check_against_model();
        }
    }
    check_against_model();
    for (int window = 0; window < 1000 && weft_body_credit_read(bench.credit).waiting_count > 0; window++) {
        next_window(); /* nobody moves any more */
    }
    ck_assert_uint_eq(weft_body_credit_read(bench.credit).waiting_count, 0);
    tear_down();
}
END_TEST

static uint64_t steps_with(size_t count)
{
    set_up((struct weft_body_credit_settings){ .credit_bytes = count * 1024, .max_begun = MANY });
    for (size_t i = 0; i < count; i++) {
        begin(i, i % 4, 1024);
    }
    for (int window = 0; window < 3; window++) {
        for (size_t i = 0; i < count; i++) {
            move(&bench.messages[i], 0);
        }
        next_window();
    }
    struct weft_body_credit_state before = weft_body_credit_read(bench.credit);
    size_t moves = 0;
    for (size_t i = 0; weft_body_credit_read(bench.credit).given_up_count < count / 2; i = (i + 1) % count, moves++) {
        if (bench.messages[i].body.credit != NULL) {
            move(&bench.messages[i], 600);
        }
    }
    struct weft_body_credit_state after = weft_body_credit_read(bench.credit);
    uint64_t steps = (after.step_count - before.step_count) / (after.given_up_count - before.given_up_count);
    tear_down();
    return steps;
}

/* Forty times as many messages: no more is looked at for each that is given up. */
START_TEST(test_choosing_one_does_not_depend_on_how_many_there_are)
{
    uint64_t few = steps_with(100), many = steps_with(MANY);
    ck_assert_uint_le(many, few + 4);
    ck_assert_uint_le(many, 80);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/body_credit");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_who_is_silent_goes_first_then_the_slowest);
    tcase_add_test(tcase, test_who_was_fast_is_silent_after_a_whole_window);
    tcase_add_test(tcase, test_the_window_before_counts);
    tcase_add_test(tcase, test_of_new_ones_who_spoke_last_stays);
    tcase_add_test(tcase, test_shedding_goes_on_to_the_credit);
    tcase_add_test(tcase, test_many_are_given_up_in_several_turns);
    tcase_add_test(tcase, test_the_credit_is_kept_again_without_another_piece);
    tcase_add_test(tcase, test_beyond_the_number_the_greediest_make_way);
    tcase_add_test(tcase, test_an_address_has_its_share);
    tcase_add_test(tcase, test_workers_have_equal_shares);
    tcase_add_test(tcase, test_a_time_of_pressure_is_told_of_once);
    tcase_add_loop_test(tcase, test_the_account_is_the_sum_of_its_messages, 0, 4);
    tcase_add_test(tcase, test_choosing_one_does_not_depend_on_how_many_there_are);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
