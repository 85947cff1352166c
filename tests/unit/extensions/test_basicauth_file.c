/* basicauth's file of users as it changes: a file that loses its users, lines that are passed over, memory. */
#include "extensions/auth_test.h"

#include "base/base64.h"

extern const struct weft_component weft_extension_basicauth;

#define FILE_YAML "{htpasswd: {file: '%s', inline: 'inline:secret'}, reload_interval: 1s}"

static struct weft_auth_server *server;

/* What was read at the start is looked at once more. */
static void begin(struct weft_slice contents)
{
    put_file(contents);
    server = weft_auth_server_open(auth_begin(&weft_extension_basicauth, FILE_YAML), &fixture.host);
    advance(WEFT_NS_PER_S);
}

static void change(struct weft_slice contents)
{
    put_file(contents);
    advance(WEFT_NS_PER_S);
}

static void end(void)
{
    weft_auth_server_free(server);
    fixture_end();
}

static bool lets_in(const char *pair)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer value;
    weft_buffer_init(&value, 0);
    weft_buffer_append_text(&value, "Basic ");
    weft_base64_append(&value, weft_slice_of_text(pair), WEFT_BASE64_STANDARD, true);
    struct weft_auth_claim claim = { .credentials = weft_buffer_slice(&value) };
    enum weft_status status = server->operations->judge(server, &claim, NULL, &error);
    weft_buffer_fini(&value);
    ck_assert(status == WEFT_OK || status == WEFT_UNAUTHENTICATED);
    return status == WEFT_OK;
}

START_TEST(test_a_file_that_loses_its_users_leaves_the_former_ones)
{
    static const struct weft_slice useless[] = {
        WEFT_SLICE_LITERAL(""),
        WEFT_SLICE_LITERAL("garbage line\n"),
        WEFT_SLICE_LITERAL("alice"),
        WEFT_SLICE_LITERAL("# alice\n\nalice:{SHA}x\n"),
    };
    begin(WEFT_SLICE_LITERAL("alice:secret\n"));
    for (size_t i = 0; i < WEFT_COUNT_OF(useless); i++) {
        change(useless[i]);
        advance(WEFT_NS_PER_S);
        ck_assert(lets_in("alice:secret") && lets_in("inline:secret"));
        ck_assert_uint_eq(count_logged("auth.file_unusable"), 1);
        change(WEFT_SLICE_LITERAL("bob:secret\n"));
        ck_assert(lets_in("bob:secret") && !lets_in("alice:secret"));
        ck_assert_uint_eq(count_logged("auth.file_read"), 1);
        change(WEFT_SLICE_LITERAL("alice:secret\n"));
    }
    end();
}
END_TEST

START_TEST(test_lines_that_are_passed_over_are_told_of_once)
{
    begin(WEFT_SLICE_LITERAL("hidden words\nalice:secret\n"));
    ck_assert_uint_eq(count_logged("auth."), 0); /* the config's notes have told of them */
    change(WEFT_SLICE_LITERAL("alice:secret\n# a comment\n\nhidden words\nbob:{SHA}hidden\n"));
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(count_logged("auth.line_passed_over"), 2);
    change(WEFT_SLICE_LITERAL("hidden words\nalice:secret\n"));
    ck_assert_uint_eq(count_logged("\"line\":1"), 1);
    change(WEFT_SLICE_LITERAL("alice:other\nhidden words\n"));
    ck_assert_uint_eq(count_logged("hidden"), 0);
    fixture.host.worker_index = 1; /* the others say nothing of what worker 0 says */
    change(WEFT_SLICE_LITERAL("hidden words\nalice:secret\n"));
    ck_assert(lets_in("alice:secret"));
    ck_assert_uint_eq(count_logged("auth."), 0);
    end();
}
END_TEST

START_TEST(test_without_memory_users_are_read_later)
{
    bool has_failed = true;
    begin(WEFT_SLICE_LITERAL("user0:x\n"));
    for (size_t nth = 1; has_failed; nth++) {
        char former[32], fresh[32], line[64];
        snprintf(former, sizeof former, "user%zu:x", nth - 1);
        snprintf(fresh, sizeof fresh, "user%zu:x", nth);
        snprintf(line, sizeof line, "%s\nno user\n", fresh);
        put_file(weft_slice_of_text(line));
        weft_alloc_fail_at(nth);
        advance(WEFT_NS_PER_S);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(lets_in(former) != lets_in(fresh));
        advance(WEFT_NS_PER_S);
        ck_assert(!lets_in(former) && lets_in(fresh));
        ck_assert_uint_lt(nth, 100);
    }
    end();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_a_file_that_loses_its_users_leaves_the_former_ones);
    tcase_add_test(tests, test_lines_that_are_passed_over_are_told_of_once);
    tcase_add_test(tests, test_without_memory_users_are_read_later);
}

int main(void)
{
    return component_run("basicauth_file", add);
}
