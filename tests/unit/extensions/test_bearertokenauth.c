/* Tokens: which are none, what becomes of a file that has none, and memory that runs out. */
#include "extensions/auth_test.h"

extern const struct weft_component weft_extension_bearertokenauth;

#define FILE_YAML "{filename: '%s', reload_interval: 1s}"

static struct weft_auth_server *server;

static void begin(const char *yaml)
{
    server = weft_auth_server_open(auth_begin(&weft_extension_bearertokenauth, yaml), &fixture.host);
}

static void end(void)
{
    weft_auth_server_free(server);
    fixture_end();
}

static bool lets_in(const char *credentials)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_auth_claim claim = { .credentials =
                                         credentials == NULL ? WEFT_SLICE_EMPTY : weft_slice_of_text(credentials) };
    enum weft_status status = server->operations->judge(server, &claim, NULL, &error);
    ck_assert(status == WEFT_OK || status == WEFT_UNAUTHENTICATED);
    return status == WEFT_OK;
}

START_TEST(test_empty_tokens_are_refused)
{
    const struct weft_component *bearer = &weft_extension_bearertokenauth;
    component_expect_refused(bearer, "tokens: ['']", WEFT_INVALID, "tokens[0] is empty");
    component_expect_refused(bearer, "tokens: [a, ' ']", WEFT_INVALID, "tokens[1] is empty");
    component_expect_refused(bearer, "token: ' '", WEFT_INVALID, "token is empty");
    component_expect_refused(bearer, "{tokens: [''], scheme: ''}", WEFT_INVALID, "tokens[0] is empty");
    component_expect_refused(bearer, "{}", WEFT_INVALID, "no bearer token provided");
}
END_TEST

START_TEST(test_nobody_comes_in_with_nothing)
{
    begin("{tokens: [a, b], scheme: '', header: x-key}");
    ck_assert(lets_in("a") && lets_in("b"));
    ck_assert(!lets_in("") && !lets_in(NULL) && !lets_in("c"));
    end();
}
END_TEST

/* "a", and behind the NUL what would be a token of its own. */
static const char with_nul[] = "a\0b\nc\n";

START_TEST(test_a_file_that_has_no_token_is_refused_at_a_start)
{
    static const struct {
        struct weft_slice contents;
        const char *text;
    } files[] = {
        { { (const uint8_t *)with_nul, sizeof with_nul - 1 }, "a NUL in it" },
        { { (const uint8_t *)"\0", 1 }, "a NUL in it" },
        { WEFT_SLICE_LITERAL(""), "no token in it" },
        { WEFT_SLICE_LITERAL("\n  \n"), "no token in it" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(files); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        put_file(files[i].contents);
        ck_assert_int_eq(auth_share(&weft_extension_bearertokenauth, FILE_YAML, &error), WEFT_INVALID);
        ck_assert_ptr_nonnull(strstr(error.text, files[i].text));
        fixture.shared = NULL;
        fixture_end();
    }
}
END_TEST

START_TEST(test_a_file_that_loses_its_tokens_leaves_the_former_ones)
{
    put_file(WEFT_SLICE_LITERAL("first\nsecond\n"));
    begin(FILE_YAML);
    advance(WEFT_NS_PER_S);
    put_file(weft_slice_of((const uint8_t *)with_nul, sizeof with_nul - 1));
    advance(WEFT_NS_PER_S);
    ck_assert(lets_in("Bearer first") && lets_in("Bearer second"));
    ck_assert(!lets_in("Bearer a") && !lets_in("Bearer ") && !lets_in("Bearer c"));
    ck_assert_uint_eq(count_logged("auth.file_unusable"), 1);
    put_file(WEFT_SLICE_LITERAL("third\n"));
    advance(WEFT_NS_PER_S);
    ck_assert(lets_in("Bearer third") && !lets_in("Bearer first"));
    end();
}
END_TEST

START_TEST(test_without_memory_tokens_are_read_later)
{
    bool has_failed = true;
    put_file(WEFT_SLICE_LITERAL("token 0"));
    begin("{filename: '%s', reload_interval: 1s, scheme: ''}");
    struct weft_auth_client *client = auth_client(fixture.shared);
    for (size_t nth = 1; has_failed; nth++) {
        char former[32], fresh[32];
        snprintf(former, sizeof former, "token%zu", nth - 1);
        snprintf(fresh, sizeof fresh, "token%zu", nth);
        put_file(weft_slice_of_text(fresh));
        weft_alloc_fail_at(nth);
        advance(WEFT_NS_PER_S);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(nth == 1 || lets_in(former) != lets_in(fresh));
        advance(WEFT_NS_PER_S);
        ck_assert(!lets_in(former) && lets_in(fresh));
        auth_expect_field(client, "authorization", fresh);
        ck_assert_uint_lt(nth, 100);
    }
    ck_assert_uint_gt(auth_expect_no_half_request(client, 1), 0);
    weft_auth_client_free(client);
    end();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_empty_tokens_are_refused);
    tcase_add_test(tests, test_nobody_comes_in_with_nothing);
    tcase_add_test(tests, test_a_file_that_has_no_token_is_refused_at_a_start);
    tcase_add_test(tests, test_a_file_that_loses_its_tokens_leaves_the_former_ones);
    tcase_add_test(tests, test_without_memory_tokens_are_read_later);
}

int main(void)
{
    return component_run("bearertokenauth", add);
}
