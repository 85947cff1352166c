/* basicauth at a server: what is compared at once, what a helper compares, what is remembered, and what bounds it. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "extensions/basicauth.h"
#include "suite.h"

/* Of "secret", at bcrypt's least cost. */
#define KEPT "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"

static struct weft_host host;
static struct weft_helper *helper;
static struct weft_auth_server *server;
static char users[8192];
static struct weft_basicauth_users_config config = { .file = "", .inline_text = { users } };

struct waiting {
    struct weft_auth_wait wait;
    int judged;
    struct weft_error failure;
};

static void on_judged(struct weft_auth_wait *wait, const struct weft_error *failure)
{
    struct waiting *waiting = WEFT_CONTAINER_OF(wait, struct waiting, wait);
    waiting->judged++;
    waiting->failure = failure == NULL ? WEFT_ERROR_NONE : *failure;
}

static struct waiting a_wait(void)
{
    return (struct waiting){ .wait = { .on_judged = on_judged } };
}

static void set_up(void)
{
    host =
        (struct weft_host){ .answers = weft_helper_box_new(), .timers = weft_timers_new((struct weft_monotonic){ 1 }) };
    helper = weft_helper_new("test", 1000, NULL, NULL);
    snprintf(users, sizeof users, "plain:secret\nslow:" KEPT "\n");
    server = weft_basicauth_server_new(
        &(struct weft_basicauth_server_setup){ .host = &host, .id = "x", .users = &config, .check_helper = helper });
}

static void tear_down(void)
{
    server->operations->free(server);
    weft_helper_box_free(host.answers);
    weft_timers_free(host.timers);
    weft_helper_free(helper);
}

static enum weft_status judge_from(const char *household, const char *user, const char *password,
                                   struct waiting *waiting, struct weft_error *error)
{
    char pair[200];
    struct weft_buffer value;
    snprintf(pair, sizeof pair, "%s:%s", user, password);
    weft_buffer_init(&value, 0);
    weft_buffer_append_text(&value, "Basic ");
    weft_base64_append(&value, weft_slice_of_text(pair), WEFT_BASE64_STANDARD, true);
    if (waiting != NULL) {
        weft_list_init(&waiting->wait.node);
    }
    struct weft_auth_claim claim = { weft_buffer_slice(&value), weft_slice_of_text(household) };
    enum weft_status status = server->operations->judge(server, &claim, waiting == NULL ? NULL : &waiting->wait, error);
    weft_buffer_fini(&value);
    return status;
}

static enum weft_status judge(const char *user, const char *password, struct waiting *waiting, struct weft_error *error)
{
    return judge_from("here", user, password, waiting, error);
}

static void deliver_until(const int *count)
{
    while (*count == 0) {
        struct pollfd poll_ = { .fd = weft_helper_box_descriptor(host.answers), .events = POLLIN };
        ck_assert_int_eq(poll(&poll_, 1, 60000), 1);
        weft_helper_box_deliver(host.answers);
    }
}

START_TEST(test_plain_passwords_are_compared_at_once)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(judge("plain", "secret", NULL, &error), WEFT_OK);
    ck_assert_int_eq(judge("plain", "secre", NULL, &error), WEFT_UNAUTHENTICATED);
    ck_assert_str_eq(error.text, "invalid credentials");
    ck_assert_int_eq(judge("nobody", "secret", NULL, &error), WEFT_UNAUTHENTICATED);
    ck_assert_int_eq(judge("", "", NULL, &error), WEFT_UNAUTHENTICATED);
}
END_TEST

START_TEST(test_slow_ones_wait_and_are_remembered)
{
    struct waiting right = a_wait(), beside = a_wait(), wrong = a_wait();
    struct weft_error error;
    ck_assert_int_eq(judge("slow", "secret", NULL, &error), WEFT_CLOSED); /* nobody waits, and yet it is begun */
    ck_assert_int_eq(judge("slow", "secret", &right, &error), WEFT_CLOSED);
    ck_assert_int_eq(judge("slow", "secret", &beside, &error), WEFT_CLOSED);
    ck_assert_int_eq(judge("slow", "Secret", &wrong, &error), WEFT_CLOSED);
    deliver_until(&wrong.judged);
    ck_assert_int_eq(right.judged, 1);
    ck_assert_int_eq(right.failure.status, WEFT_OK);
    ck_assert_int_eq(beside.judged, 1);
    ck_assert_int_eq(wrong.failure.status, WEFT_UNAUTHENTICATED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(judge("slow", "secret", NULL, &error), WEFT_OK);
        ck_assert_int_eq(judge("slow", "Secret", NULL, &error), WEFT_UNAUTHENTICATED);
    }
}
END_TEST

START_TEST(test_so_many_are_looked_at_at_a_time)
{
    struct weft_error error;
    char password[32], household[32];
    int begun = 0;
    for (int i = 0; i < 200; i++) {
        snprintf(password, sizeof password, "wrong %d", i);
        snprintf(household, sizeof household, "%d", i);
        enum weft_status status = judge_from(household, "slow", password, NULL, &error);
        begun += status == WEFT_CLOSED;
        ck_assert(status == WEFT_CLOSED || status == WEFT_THROTTLED);
    }
    ck_assert_int_eq(begun, 64); /* none is delivered meanwhile */
    ck_assert_int_eq(judge("plain", "secret", NULL, &error), WEFT_OK);
}
END_TEST

/* Ever new passwords for a name that is known, from one address: how many are looked at. */
static int begin_wrong_ones(const char *household)
{
    static int number;
    struct weft_error error;
    char password[32];
    int begun = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(password, sizeof password, "wrong %d", number++);
        begun += judge_from(household, "slow", password, NULL, &error) == WEFT_CLOSED;
    }
    return begun;
}

START_TEST(test_an_address_that_fails_has_a_part_of_them)
{
    struct waiting right = a_wait(), wrong = a_wait(), last = a_wait();
    struct weft_error error;
    ck_assert_int_eq(judge_from("mallory", "slow", "wrong", &wrong, &error), WEFT_CLOSED);
    ck_assert_int_eq(begin_wrong_ones("mallory"), 8); /* beside the first */
    ck_assert_int_eq(judge_from("mallory", "slow", "secret", NULL, &error), WEFT_THROTTLED);
    ck_assert_int_eq(judge_from("alice", "slow", "secret", &right, &error), WEFT_CLOSED);
    deliver_until(&right.judged);
    ck_assert_int_eq(right.failure.status, WEFT_OK);
    ck_assert_int_eq(wrong.failure.status, WEFT_UNAUTHENTICATED);
    ck_assert_int_eq(begin_wrong_ones("mallory"), 8);
    weft_timers_touch(host.timers, weft_monotonic_after(weft_timers_now(host.timers), 61 * WEFT_NS_PER_S));
    ck_assert_int_eq(judge_from("bob", "slow", "other", &last, &error), WEFT_CLOSED);
    deliver_until(&last.judged); /* and with it the eight */
    weft_timers_touch(host.timers, weft_monotonic_after(weft_timers_now(host.timers), 61 * WEFT_NS_PER_S));
    ck_assert_int_eq(begin_wrong_ones("mallory"), 1 + 8); /* as anybody's */
}
END_TEST

START_TEST(test_wrong_ones_do_not_push_right_ones_out)
{
    struct waiting right = a_wait();
    struct weft_error error;
    char password[32], household[32];
    ck_assert_int_eq(judge("slow", "secret", &right, &error), WEFT_CLOSED);
    deliver_until(&right.judged);
    for (int i = 0; i < 800; i += 50) {
        struct waiting last = a_wait();
        for (int j = 0; j < 50; j++) {
            snprintf(password, sizeof password, "wrong %d", i + j);
            snprintf(household, sizeof household, "%d", i + j);
            ck_assert_int_eq(judge_from(household, "slow", password, j == 49 ? &last : NULL, &error), WEFT_CLOSED);
        }
        deliver_until(&last.judged);
    }
    ck_assert_int_eq(judge("slow", "secret", NULL, &error), WEFT_OK);
}
END_TEST

START_TEST(test_who_waits_may_leave)
{
    struct waiting waiting = a_wait(), other = a_wait();
    struct weft_error error;
    ck_assert_int_eq(judge("slow", "secret", &waiting, &error), WEFT_CLOSED);
    ck_assert_int_eq(judge("slow", "secret", &other, &error), WEFT_CLOSED);
    weft_list_remove(&waiting.wait.node);
    deliver_until(&other.judged);
    ck_assert_int_eq(waiting.judged, 0);
    ck_assert_int_eq(judge("slow", "other", &waiting, &error), WEFT_CLOSED); /* the server goes while it is under way */
    weft_list_remove(&waiting.wait.node);
}
END_TEST

START_TEST(test_without_memory_it_may_come_again)
{
    struct weft_error error;
    struct waiting waiting = a_wait();
    weft_alloc_fail_at(4); /* behind the test's own: the check */
    enum weft_status status = judge("slow", "secret", NULL, &error);
    bool has_failed = weft_alloc_has_failed();
    weft_alloc_fail_at(0);
    ck_assert(!has_failed || weft_status_is_retryable(status));
    ck_assert_int_eq(judge("slow", "secret", &waiting, &error), WEFT_CLOSED);
    deliver_until(&waiting.judged);
    ck_assert_int_eq(waiting.failure.status, WEFT_OK);
}
END_TEST

START_TEST(test_other_values_are_nobodys)
{
    static const struct {
        struct weft_slice value;
        const char *text;
    } cases[] = {
        { WEFT_SLICE_LITERAL(""), "no basic auth provided" },
        { WEFT_SLICE_LITERAL("Basic"), "invalid authorization scheme prefix" },
        { WEFT_SLICE_LITERAL("Digest cGxhaW46c2VjcmV0"), "invalid authorization scheme prefix" },
        { WEFT_SLICE_LITERAL("Basic cGxhaW4="), "invalid authorization format" },
        { WEFT_SLICE_LITERAL("Basic cGxhaW46c2VjcmV0="), "invalid authorization format" },
        { WEFT_SLICE_LITERAL("Basic ***"), "invalid authorization format" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_auth_claim claim = { .credentials = cases[i].value };
        ck_assert_int_eq(server->operations->judge(server, &claim, NULL, &error), WEFT_UNAUTHENTICATED);
        ck_assert_str_eq(error.text, cases[i].text);
    }
    static char long_value[20000];
    memset(long_value, 'A', sizeof long_value - 1);
    memcpy(long_value, "Basic ", 6);
    struct weft_auth_claim long_claim = { .credentials = weft_slice_of_text(long_value) };
    ck_assert_int_eq(server->operations->judge(server, &long_claim, NULL, NULL), WEFT_UNAUTHENTICATED);
}
END_TEST

START_TEST(test_tables_of_users)
{
    struct weft_htpasswd table;
    ck_assert_int_eq(weft_htpasswd_read(WEFT_SLICE_LITERAL("a:1\r\n\n  b : 2 \nno colon\nbad:{SHA}x\nc:3"),
                                        WEFT_SLICE_LITERAL("a:4\nab:5\nc:6"), &table, NULL),
                     WEFT_OK);
    ck_assert_str_eq(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("a")), "4");
    ck_assert_str_eq(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("b ")), " 2");
    ck_assert_str_eq(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("ab")), "5");
    ck_assert_str_eq(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("c")), "6");
    ck_assert_ptr_null(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("bad")));
    ck_assert_ptr_null(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("a\0b")));
    ck_assert_ptr_null(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("")));
    ck_assert_uint_eq(table.count, 4);
    weft_htpasswd_fini(&table);
    for (size_t nth = 1; nth < 10; nth++) {
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_htpasswd_read(WEFT_SLICE_LITERAL("a:1"), WEFT_SLICE_LITERAL("b:1"), &table, NULL);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (status == WEFT_OK) {
            weft_htpasswd_fini(&table);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("basicauth server");
    TCase *tests = tcase_create("basicauth server");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_plain_passwords_are_compared_at_once);
    tcase_add_test(tests, test_slow_ones_wait_and_are_remembered);
    tcase_add_test(tests, test_so_many_are_looked_at_at_a_time);
    tcase_add_test(tests, test_an_address_that_fails_has_a_part_of_them);
    tcase_add_test(tests, test_wrong_ones_do_not_push_right_ones_out);
    tcase_add_test(tests, test_who_waits_may_leave);
    tcase_add_test(tests, test_without_memory_it_may_come_again);
    tcase_add_test(tests, test_other_values_are_nobodys);
    tcase_add_test(tests, test_tables_of_users);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
