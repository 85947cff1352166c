/* The server of connections that are only read from: what its service is told and when, who gives way, and what stays
 * behind when a socket is gone. Sockets are pairs, the loop is turned by the test. */
#include "net/stream_server.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/tls_files.h"
#include "suite.h"

enum { ROOM = 4, TEXT = 256 };

/* A service of words that end with '.'. */
struct talker {
    struct weft_stream_connection base;
    char text[TEXT];
    size_t length, limit; /* wants no more from the limit on */
    size_t empty_takes;
    bool is_stuck; /* ended, and not done */
    bool has_ended, is_drained;
    bool has_no_memory;
};

static struct weft_loop *loop;
static struct weft_net_context net;
static struct weft_stream_server *server;
static struct talker *talkers[8]; /* NULL: freed */
static size_t talker_count, freed_count, read_count;
static struct talker *to_be_ended; /* at the next on_read */
static size_t first_limit;
static int clients[8];
static size_t client_count;

static struct talker *talker_of(const struct weft_stream_connection *base)
{
    return WEFT_CONTAINER_OF(base, struct talker, base);
}

static struct weft_stream_connection *talker_open(void *context)
{
    ck_assert_ptr_eq(context, &net);
    struct talker *talker = weft_alloc(sizeof *talker);
    talker->limit = first_limit;
    talkers[talker_count++] = talker;
    return &talker->base;
}

static bool wants_more(const struct weft_stream_connection *base)
{
    return talker_of(base)->length < talker_of(base)->limit && !talker_of(base)->has_no_memory;
}

static uint8_t *room(struct weft_stream_connection *base, size_t *out_capacity)
{
    struct talker *talker = talker_of(base);
    ck_assert(wants_more(base));
    *out_capacity = ROOM;
    return (uint8_t *)talker->text + talker->length;
}

static bool take(struct weft_stream_connection *base, size_t length)
{
    struct talker *talker = talker_of(base);
    bool has_end = memchr(talker->text + talker->length, '.', length) != NULL;
    talker->length += length;
    talker->empty_takes += length == 0;
    return has_end;
}

static bool is_midway(const struct weft_stream_connection *base)
{
    const struct talker *talker = talker_of(base);
    return talker->length > 0 && talker->text[talker->length - 1] != '.';
}

static void on_read(void *context)
{
    ck_assert_ptr_eq(context, &net);
    read_count++;
    if (to_be_ended != NULL) {
        struct talker *talker = to_be_ended;
        to_be_ended = NULL;
        weft_stream_connection_end(&talker->base);
    }
}

static void on_ended(struct weft_stream_connection *base)
{
    ck_assert(!talker_of(base)->has_ended);
    talker_of(base)->has_ended = true;
}

static void on_drained(struct weft_stream_connection *base)
{
    talker_of(base)->is_drained = true;
}

static bool is_done(const struct weft_stream_connection *base)
{
    const struct talker *talker = talker_of(base);
    return (talker->has_ended || talker->is_drained) && !talker->is_stuck;
}

static void talker_free(struct weft_stream_connection *base)
{
    for (size_t i = 0; i < talker_count; i++) {
        talkers[i] = talkers[i] == talker_of(base) ? NULL : talkers[i];
    }
    freed_count++;
    weft_free(talker_of(base));
}

static const struct weft_stream_operations operations = {
    .open = talker_open,
    .wants_more = wants_more,
    .room = room,
    .take = take,
    .is_midway = is_midway,
    .on_read = on_read,
    .on_ended = on_ended,
    .on_drained = on_drained,
    .is_done = is_done,
    .free = talker_free,
};

static void begin(uint32_t max_connections, struct weft_tls_context *tls)
{
    loop = weft_loop_new();
    net = (struct weft_net_context){ .loop = loop };
    talker_count = freed_count = read_count = client_count = 0;
    to_be_ended = NULL;
    first_limit = TEXT - ROOM;
    server = weft_stream_server_new(
        &net, &(struct weft_stream_server_settings){
                  .max_connections = max_connections, .operations = &operations, .context = &net, .tls = tls });
}

static void end(void)
{
    weft_stream_server_free(server);
    for (size_t i = 0; i < client_count; i++) {
        close(clients[i]);
    }
    ck_assert_uint_eq(freed_count, talker_count);
    weft_loop_free(loop);
}

static void stop(void *context)
{
    weft_loop_stop(context);
}

static void turn(void)
{
    for (int i = 0; i < 6; i++) {
        struct weft_deferred last;
        weft_deferred_init(&last, stop, loop);
        weft_loop_defer(loop, &last);
        weft_loop_run(loop);
    }
}

/* A client that has sent something already, or nothing; its number. */
static size_t come(const char *text)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(send(pair[1], text, strlen(text), 0), (ssize_t)strlen(text));
    clients[client_count] = pair[1];
    weft_stream_server_adopt(server, pair[0]);
    return client_count++;
}

static void say(size_t client, const char *text)
{
    ck_assert_int_eq(send(clients[client], text, strlen(text), 0), (ssize_t)strlen(text));
    turn();
}

static bool is_cut_off(size_t client)
{
    char byte;
    ssize_t got = recv(clients[client], &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET); /* reset, if something was not read */
}

static void expect_text(const struct talker *talker, const char *expected)
{
    ck_assert_ptr_nonnull(talker);
    ck_assert_msg(talker->length == strlen(expected) && memcmp(talker->text, expected, talker->length) == 0, "\"%.*s\"",
                  (int)talker->length, talker->text);
}

static void expect_counts(uint64_t accepted, uint64_t refused, uint64_t evicted, size_t connections)
{
    const struct weft_stream_server_counters *counters = weft_stream_server_read_counters(server);
    ck_assert_uint_eq(counters->accepted, accepted);
    ck_assert_uint_eq(counters->refused, refused);
    ck_assert_uint_eq(counters->evicted, evicted);
    ck_assert_uint_eq(weft_stream_server_connection_count(server), connections);
}

START_TEST(test_bytes_come_in_order_and_the_end_after_them)
{
    begin(4, NULL);
    size_t client = come("first.");
    expect_text(talkers[0], "first."); /* read as it comes, before others can push it out */
    say(client, "and then a longer one than is read in a turn.");
    expect_text(talkers[0], "first.and then a longer one than is read in a turn.");
    say(client, "rest");
    shutdown(clients[client], SHUT_WR);
    talkers[0]->is_stuck = true;
    turn();
    ck_assert(talkers[0]->has_ended);
    expect_text(talkers[0], "first.and then a longer one than is read in a turn.rest");
    ck_assert(is_cut_off(client));
    expect_counts(1, 0, 0, 1);
    talkers[0]->is_stuck = false;
    weft_stream_connection_attend(&talkers[0]->base);
    turn();
    ck_assert_ptr_null(talkers[0]);
    expect_counts(1, 0, 0, 0);
    end();
}
END_TEST

START_TEST(test_who_wants_no_more_is_not_read_until_he_does)
{
    begin(4, NULL);
    first_limit = 5;
    size_t client = come("0123456789");
    turn();
    expect_text(talkers[0], "01234567"); /* in pieces of ROOM, until there was enough */
    say(client, "ab");
    expect_text(talkers[0], "01234567");
    talkers[0]->limit = TEXT - ROOM;
    turn();
    expect_text(talkers[0], "01234567"); /* nobody has said so */
    weft_stream_connection_attend(&talkers[0]->base);
    turn();
    expect_text(talkers[0], "0123456789ab");
    ck_assert_uint_gt(talkers[0]->empty_takes, 0); /* and it is told that there is no more */
    talkers[0]->has_no_memory = true;
    say(client, "c");
    weft_stream_server_set_reading(server, false);
    talkers[0]->has_no_memory = false;
    weft_stream_server_set_reading(server, true);
    turn();
    expect_text(talkers[0], "0123456789abc");
    end();
}
END_TEST

START_TEST(test_who_has_brought_nothing_makes_way)
{
    begin(2, NULL);
    size_t silent = come("");
    size_t good = come("a word.");
    turn();
    size_t third = come("another.");
    turn();
    ck_assert(is_cut_off(silent) && !is_cut_off(good) && !is_cut_off(third));
    expect_counts(3, 0, 1, 2);
    ck_assert_ptr_null(talkers[0]); /* done at once, and free */
    expect_text(talkers[2], "another.");
    end();
}
END_TEST

START_TEST(test_where_one_stands_is_what_it_has_brought)
{
    begin(8, NULL);
    static const struct {
        const char *text;
        enum weft_guest_standing standing;
    } cases[] = {
        { "", WEFT_GUEST_SILENT },
        { "beg", WEFT_GUEST_TRYING },
        { "word.", WEFT_GUEST_IDLE },
        { "word. beg", WEFT_GUEST_BUSY },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        come(cases[i].text);
    }
    turn();
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        ck_assert_int_eq(talkers[i]->base.guest.standing, cases[i].standing);
    }
    talkers[3]->limit = 0; /* what it has brought waits for us */
    talkers[2]->is_stuck = true;
    shutdown(clients[2], SHUT_WR);
    weft_stream_connection_attend(&talkers[3]->base);
    turn();
    ck_assert_int_eq(talkers[3]->base.guest.standing, WEFT_GUEST_SERVED);
    ck_assert_int_eq(talkers[2]->base.guest.standing, WEFT_GUEST_SERVED);
    weft_stream_server_set_reading(server, false); /* we do not read of our own accord: that is no merit of theirs */
    turn();
    ck_assert_int_eq(talkers[3]->base.guest.standing, WEFT_GUEST_BUSY);
    end();
}
END_TEST

START_TEST(test_those_that_are_not_done_take_places)
{
    begin(2, NULL);
    come("one.");
    come("two.");
    for (size_t i = 0; i < 2; i++) {
        talkers[i]->is_stuck = true;
        shutdown(clients[i], SHUT_WR);
    }
    turn();
    size_t third = come("three.");
    ck_assert(is_cut_off(third));
    expect_counts(3, 1, 0, 2);
    talkers[0]->is_stuck = false;
    weft_stream_connection_attend(&talkers[0]->base);
    turn();
    size_t fourth = come("four.");
    turn();
    ck_assert(!is_cut_off(fourth));
    expect_counts(4, 1, 0, 2);
    end();
}
END_TEST

START_TEST(test_connections_are_ended_where_some_have_read)
{
    begin(4, NULL);
    size_t one = come("x");
    size_t two = come("y");
    turn();
    to_be_ended = talkers[0]; /* another than the one that reads */
    say(two, "yy");
    ck_assert(is_cut_off(one) && !is_cut_off(two));
    ck_assert_ptr_null(talkers[0]);
    to_be_ended = talkers[1]; /* itself */
    say(two, "yyy");
    ck_assert(is_cut_off(two));
    ck_assert_ptr_null(talkers[1]);
    expect_counts(2, 0, 0, 0);
    end();
}
END_TEST

START_TEST(test_a_drain_closes_all_and_takes_no_more)
{
    begin(4, NULL);
    size_t open = come("open");
    size_t ended = come("ended.");
    talkers[1]->is_stuck = true;
    shutdown(clients[ended], SHUT_WR);
    turn();
    weft_stream_server_drain(server);
    ck_assert(talkers[0]->is_drained && talkers[1]->is_drained && !talkers[0]->has_ended);
    ck_assert(is_cut_off(open));
    expect_counts(2, 0, 0, 2);
    ck_assert(is_cut_off(come("late")));
    expect_counts(3, 1, 0, 2);
    turn();
    ck_assert_ptr_null(talkers[0]);
    expect_counts(3, 1, 0, 1); /* the other is freed with the server */
    end();
}
END_TEST

START_TEST(test_bytes_that_tls_has_fetched_are_not_forgotten)
{
    struct tls_identity identity = tls_issue(NULL, "server", "DNS:localhost");
    char *certificate = tls_certificate_pem(&identity);
    char *key = tls_key_pem(&identity);
    struct weft_tls_settings settings = { .cert_pem = certificate, .key_pem = key, .is_server = true };
    struct weft_tls_context *tls = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_tls_context_new(&settings, &tls, &error) == WEFT_OK, "%s", error.text);
    begin(4, tls);
    size_t client = come("");
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *session = SSL_new(context);
    SSL_set_fd(session, clients[client]);
    for (int i = 0; i < 20 && SSL_connect(session) != 1; i++) {
        turn();
    }
    turn();
    ck_assert_uint_eq(talkers[0]->length, 0);
    static const char words[] = "one record, which is longer than what is read of it in one tick.";
    ck_assert_int_eq(SSL_write(session, words, sizeof words - 1), sizeof words - 1);
    turn();
    expect_text(talkers[0], words);
    SSL_free(session);
    SSL_CTX_free(context);
    shutdown(clients[client], SHUT_WR);
    turn();
    ck_assert_ptr_null(talkers[0]);
    come("this is no TLS");
    turn();
    expect_counts(2, 0, 0, 0);
    end();
    weft_tls_context_free(tls);
    tls_identity_free(&identity);
    free(certificate);
    free(key);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream server");
    TCase *tests = tcase_create("server");
    tcase_add_test(tests, test_bytes_come_in_order_and_the_end_after_them);
    tcase_add_test(tests, test_who_wants_no_more_is_not_read_until_he_does);
    tcase_add_test(tests, test_who_has_brought_nothing_makes_way);
    tcase_add_test(tests, test_where_one_stands_is_what_it_has_brought);
    tcase_add_test(tests, test_those_that_are_not_done_take_places);
    tcase_add_test(tests, test_connections_are_ended_where_some_have_read);
    tcase_add_test(tests, test_a_drain_closes_all_and_takes_no_more);
    tcase_add_test(tests, test_bytes_that_tls_has_fetched_are_not_forgotten);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
