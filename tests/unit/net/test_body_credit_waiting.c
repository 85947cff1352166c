/* The account of half received messages: those that wait for their turn, and what does not count against them. */
#include "body_credit_test.h"
#include "suite.h"

START_TEST(test_one_that_waits_has_the_place_of_one_that_dribbles)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *dribblers[3], *good = begin(10, 4, 0);
    weft_body_credit_note_largest(bench.credit, 4 * CREDIT);
    for (size_t i = 0; i < 3; i++) {
        dribblers[i] = begin(i, i, 0);
        weft_body_expect(&dribblers[i]->body, 2 * CREDIT);
        move(dribblers[i], 400000);
    }
    ck_assert(!weft_body_may_grow(&dribblers[0]->body)); /* 1.2 MB are more than the credit */
    weft_body_wait(&dribblers[0]->body);
    weft_body_wait(&dribblers[1]->body);
    tick();
    ck_assert(dribblers[0]->is_resumed && dribblers[1]->is_resumed); /* the one that goes on, and a slice */
    move(good, 200000);
    ck_assert(weft_body_may_grow(&good->body)); /* still small */
    move(good, 100000);
    weft_body_expect(&good->body, 500000);
    ck_assert(!weft_body_may_grow(&good->body));
    for (int window = 0; window < 3 && bench.given_up_count == 0; window++) {
        for (size_t i = 0; i < 3; i++) {
            move(dribblers[i], 1);
        }
        if (window == 0) {
            weft_body_wait(&good->body);
        }
        ck_assert_uint_eq(bench.given_up_count, 0);
        next_window();
    }
    ck_assert_uint_ge(bench.given_up_count, 1);
    ck_assert(!good->is_given_up);
    ck_assert(good->is_resumed && weft_body_may_grow(&good->body));
    tear_down();
}
END_TEST

/* Nobody is slow: the first in line goes on to its end, others by slices, and who has used up its slice is the next. */
START_TEST(test_those_that_wait_take_turns)
{
    set_up((struct weft_body_credit_settings){ 0 });
    weft_body_credit_note_largest(bench.credit, CREDIT);
    struct message *messages[4];
    for (size_t i = 0; i < 4; i++) {
        messages[i] = begin(i, i, 0);
        weft_body_expect(&messages[i]->body, i == 0 ? 500000 : 900000);
        move(messages[i], 263000);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert(!weft_body_may_grow(&messages[i]->body));
        weft_body_wait(&messages[i]->body);
    }
    tick();
    ck_assert(messages[0]->is_resumed && messages[1]->is_resumed && !messages[2]->is_resumed);
    move(messages[1], 256 * 1024 - 1);
    ck_assert(weft_body_may_grow(&messages[1]->body));
    move(messages[1], 1);
    ck_assert(!weft_body_may_grow(&messages[1]->body));
    weft_body_wait(&messages[1]->body);
    move(messages[0], 230000);
    ck_assert(weft_body_may_grow(&messages[0]->body));
    weft_body_end(&messages[0]->body);
    tick();
    ck_assert(weft_body_may_grow(&messages[1]->body) && messages[1]->resume_count == 2);
    for (size_t i = 1; i < 4; i++) {
        ck_assert(messages[i]->is_resumed);
        weft_body_end(&messages[i]->body);
        tick();
    }
    ck_assert_uint_eq(bench.given_up_count, 0);
    tear_down();
}
END_TEST

/* A peer that waits for us has sent something meanwhile. If nothing had come, it was not held up by us. */
START_TEST(test_who_has_sent_nothing_while_it_waited_is_silent)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *messages[4];
    for (size_t i = 0; i < 4; i++) {
        messages[i] = begin(i, i, 0);
        weft_body_expect(&messages[i]->body, 4 * CREDIT);
        move(messages[i], 300000);
        weft_body_wait(&messages[i]->body);
    }
    tick();
    ck_assert(messages[1]->is_resumed && !messages[2]->is_resumed);
    weft_body_note_silence(&messages[1]->body); /* it has hardly waited */
    ck_assert_uint_eq(bench.given_up_count, 0);
    for (int window = 0; window < 2; window++) {
        move(messages[0], 100000);
        move(messages[1], 40000);
        next_window();
    }
    weft_body_end(&messages[1]->body);
    tick();
    ck_assert(messages[2]->is_resumed);
    ck_assert(!messages[2]->is_given_up);
    weft_body_wait(&messages[3]->body);
    weft_body_note_silence(&messages[2]->body);
    ck_assert(messages[2]->is_given_up);
    ck_assert(!messages[3]->is_given_up);
    tear_down();
}
END_TEST

/* What is not read cannot move. */
START_TEST(test_nobody_is_slow_while_a_server_does_not_read)
{
    set_up((struct weft_body_credit_settings){ 0 });
    struct message *patient = begin(0, 0, 300000), *next = begin(1, 1, 350000), *slice = begin(2, 2, 300000),
                   *waiting = begin(3, 3, 300000);
    weft_body_expect(&next->body, 2 * CREDIT);
    weft_body_expect(&slice->body, 2 * CREDIT);
    weft_body_credit_pause(bench.credit);
    weft_body_wait(&next->body);
    weft_body_wait(&slice->body);
    weft_body_wait(&waiting->body);
    for (int window = 0; window < 5; window++) {
        next_window();
    }
    ck_assert_uint_eq(bench.given_up_count, 0);
    weft_body_credit_unpause(bench.credit);
    weft_body_wait(&begin(4, 4, 1)->body);
    ck_assert_uint_eq(bench.given_up_count, 0); /* nothing has been held against them meanwhile */
    for (int window = 0; window < 3; window++) {
        next_window();
    }
    ck_assert(patient->is_given_up && waiting->is_resumed);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/body_credit_waiting");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_one_that_waits_has_the_place_of_one_that_dribbles);
    tcase_add_test(tcase, test_those_that_wait_take_turns);
    tcase_add_test(tcase, test_who_has_sent_nothing_while_it_waited_is_silent);
    tcase_add_test(tcase, test_nobody_is_slow_while_a_server_does_not_read);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
