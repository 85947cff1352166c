/* Sockets that log lines are written to: several clients of one inlet, whose lines go into a pipeline that does as the
 * test says; who has to give way, and what is kept of whom. */
#include "receivers/inlet_test.h"
#include "receivers/log_sockets.h"
#include "suite.h"

enum { CLIENTS = 8, LINE_BYTES = 100000 };

static struct weft_log_sockets_config sockets_config;
static int clients[CLIENTS];
static size_t client_count;

static void set_up(void)
{
    const struct weft_log_line_settings settings = { .max_line_bytes = LINE_BYTES };
    begin_ingest("jsonlog", WEFT_LOGS, "logs");
    sockets_config = (struct weft_log_sockets_config){ .max_connections = 3, .max_buffered_bytes = 1 << 20 };
    ingest.retry_after_ns = 0;
    client_count = 0;
    client = -1;
    inlet = weft_log_sockets_new(&ingest, false, &sockets_config, &settings, NULL);
}

static void tear_down(void)
{
    for (size_t i = 0; i < client_count; i++) {
        close(clients[i]);
    }
    run_loop();
    end_ingest();
}

static size_t connect_one(void)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    clients[client_count] = pair[1];
    inlet->operations->adopt(inlet, pair[0]);
    run_loop();
    return client_count++;
}

static void feed(size_t number, const char *text)
{
    ck_assert_int_eq((int)send(clients[number], text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
    run_loop();
}

static void feed_bytes(size_t number, char byte, size_t length)
{
    char piece[10000];
    memset(piece, byte, sizeof piece);
    while (length > 0) {
        size_t wanted = length < sizeof piece ? length : sizeof piece;
        ssize_t sent = send(clients[number], piece, wanted, MSG_NOSIGNAL);
        ck_assert_int_gt((int)sent, 0);
        length -= (size_t)sent;
        run_loop();
    }
}

static void hang_up(size_t number)
{
    close(clients[number]);
    clients[number] = -1;
    run_loop();
}

static bool is_cut_off(size_t number)
{
    char byte;
    return recv(clients[number], &byte, 1, MSG_DONTWAIT) == 0;
}

static bool has_taken(const char *word)
{
    return memmem(pipeline.text, pipeline.text_length, word, strlen(word)) != NULL;
}

static size_t connections(void)
{
    return inlet->operations->connection_count(inlet);
}

START_TEST(test_lines_of_several_clients_do_not_mix)
{
    size_t a = connect_one();
    size_t b = connect_one();
    feed(a, "{\"message\":\"first ");
    feed(b, "other\n");
    ck_assert_uint_eq(pipeline.weight, 1);
    ck_assert(has_taken("other") && !has_taken("first"));
    feed(a, "half\"}\nrest");
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("first half") && !has_taken("rest"));
    hang_up(a);
    ck_assert_uint_eq(pipeline.weight, 3);
    ck_assert(has_taken("rest"));
    ck_assert_uint_eq(connections(), 1);
}
END_TEST

START_TEST(test_who_sent_no_line_makes_room_then_who_lets_one_hang)
{
    size_t a = connect_one();
    size_t b = connect_one();
    size_t c = connect_one();
    feed(a, "unfinished");
    size_t d = connect_one();
    ck_assert(is_cut_off(b) && !is_cut_off(a) && !is_cut_off(c) && !is_cut_off(d));
    feed(c, "still here\n");
    feed(d, "me too\n");
    connect_one();
    ck_assert(is_cut_off(a) && !is_cut_off(c));
    ck_assert_uint_eq(pipeline.weight, 3); /* what it had begun is a line */
    ck_assert_uint_eq(connections(), 3);
}
END_TEST

START_TEST(test_clients_whose_lines_wait_do_not_give_way)
{
    pipeline.answer = WEFT_CLOSED;
    for (int i = 0; i < 3; i++) {
        feed(connect_one(), "waits\n");
    }
    size_t late = connect_one();
    ck_assert(is_cut_off(late));
    ck_assert_uint_eq(connections(), 3);
    pipeline.answer = WEFT_OK;
    run_loop();
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 3);
}
END_TEST

START_TEST(test_pressure_stops_the_reading)
{
    size_t a = connect_one();
    inlet->operations->set_reading(inlet, false);
    feed(a, "one\n");
    ck_assert_uint_eq(pipeline.offers, 0);
    inlet->operations->set_reading(inlet, true);
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 1);
    ck_assert(!is_cut_off(a));
}
END_TEST

START_TEST(test_a_line_that_is_too_long_keeps_its_beginning)
{
    size_t a = connect_one();
    feed_bytes(a, 'x', 3 * LINE_BYTES);
    feed(a, "\nnext\n");
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("next") && !has_taken("xxx"));
}
END_TEST

static uint64_t reserved_before;

START_TEST(test_memory_of_unfinished_lines_is_given_back)
{
    reserved_before = weft_budget_reserved(&budget);
    size_t a = connect_one();
    feed_bytes(a, 'x', 90000);
    ck_assert_uint_ge(weft_budget_reserved(&budget), reserved_before + 90000);
    feed(a, "\nsmall");
    run_loop();
    ck_assert_uint_le(weft_budget_reserved(&budget), reserved_before + 10000);
    feed(a, "\n");
    run_loop();
    ck_assert_uint_eq(weft_budget_reserved(&budget), reserved_before);
}
END_TEST

/* 1 MiB for all: who stopped moving first is cut off, and the others go on. */
START_TEST(test_unfinished_lines_share_a_limit)
{
    sockets_config.max_connections = CLIENTS;
    sockets_config.max_buffered_bytes = 300000;
    size_t a = connect_one();
    size_t b = connect_one();
    feed_bytes(a, 'a', 90000);
    feed_bytes(b, 'b', 90000);
    size_t c = connect_one();
    feed_bytes(c, 'c', 90000);
    feed_bytes(b, 'b', 1);
    size_t d = connect_one();
    feed_bytes(d, 'd', 90000);
    ck_assert(is_cut_off(a) && !is_cut_off(b) && !is_cut_off(d));
    feed(b, "\n");
    feed(d, "\n");
    ck_assert_uint_ge(pipeline.weight, 3);
    ck_assert_uint_le(weft_budget_reserved(&budget), 400000);
}
END_TEST

START_TEST(test_draining_takes_what_was_read_and_ends)
{
    size_t a = connect_one();
    size_t b = connect_one();
    feed(a, "one\nrest");
    inlet->operations->drain(inlet);
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("rest"));
    ck_assert_uint_eq(connections(), 0);
    ck_assert(is_cut_off(a) && is_cut_off(b));
    ck_assert(is_cut_off(connect_one()));
}
END_TEST

START_TEST(test_lines_that_are_refused_while_draining_are_given_up)
{
    size_t a = connect_one();
    pipeline.answer = WEFT_CLOSED;
    feed(a, "one\nrest");
    ingest.is_draining = true;
    inlet->operations->drain(inlet);
    run_loop();
    ck_assert_uint_eq(connections(), 0);
    ck_assert(weft_otlp_ingest_is_idle(&ingest));
    ck_assert_uint_eq(pipeline.weight, 0);
}
END_TEST

/* The client goes, then the inlet, then the answer comes. */
START_TEST(test_all_may_go_before_the_answer)
{
    ingest.acknowledge = WEFT_ACKNOWLEDGE_DELIVERED;
    pipeline.holds = true;
    size_t a = connect_one();
    feed(a, "one\n");
    ck_assert_ptr_nonnull(pipeline.held);
    hang_up(a);
    ck_assert_uint_eq(connections(), 1); /* until its line is taken */
    free_inlet();
    weft_batch_end(&pipeline.held, NULL, -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log sockets");
    TCase *tests = tcase_create("sockets");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_lines_of_several_clients_do_not_mix);
    tcase_add_test(tests, test_who_sent_no_line_makes_room_then_who_lets_one_hang);
    tcase_add_test(tests, test_clients_whose_lines_wait_do_not_give_way);
    tcase_add_test(tests, test_pressure_stops_the_reading);
    tcase_add_test(tests, test_a_line_that_is_too_long_keeps_its_beginning);
    tcase_add_test(tests, test_memory_of_unfinished_lines_is_given_back);
    tcase_add_test(tests, test_unfinished_lines_share_a_limit);
    tcase_add_test(tests, test_draining_takes_what_was_read_and_ends);
    tcase_add_test(tests, test_lines_that_are_refused_while_draining_are_given_up);
    tcase_add_test(tests, test_all_may_go_before_the_answer);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
