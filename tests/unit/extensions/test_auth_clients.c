/* What basicauth and headers_setter add to a client's requests: as files change, and as memory runs out. */
#include "extensions/auth_test.h"
#include "extensions/htpasswd.h"
#include "pipeline/metadata.h"

extern const struct weft_component weft_extension_basicauth, weft_extension_headers_setter;

START_TEST(test_a_pair_is_written_once_until_a_half_changes)
{
    put_file(WEFT_SLICE_LITERAL("secret\n"));
    struct weft_authenticator *authenticator = auth_begin(
        &weft_extension_basicauth, "{client_auth: {username: ann, password_file: '%s'}, reload_interval: 1s}");
    struct weft_auth_client *client = auth_client(authenticator);
    auth_expect_field(client, "authorization", "Basic YW5uOnNlY3JldA==");
    size_t allocations = auth_expect_no_half_request(client, 1);
    put_file(WEFT_SLICE_LITERAL("other"));
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(auth_expect_no_half_request(client, 1), allocations + 2); /* the pair, and its value */
    auth_expect_field(client, "authorization", "Basic YW5uOm90aGVy");
    weft_auth_client_free(client);
    fixture_end();
}
END_TEST

START_TEST(test_headers_come_from_a_file_or_there_is_no_memory)
{
    bool has_failed = true;
    put_file(WEFT_SLICE_LITERAL("value 0"));
    struct weft_authenticator *authenticator =
        auth_begin(&weft_extension_headers_setter,
                   "{headers: [{key: a, value_file: '%s'}, {key: b, value: two}, {key: c, action: delete}, "
                   "{key: d, from_context: x, default_value: three}], reload_interval: 1s}");
    struct weft_auth_client *client = auth_client(authenticator);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_gt(auth_expect_no_half_request(client, 4), 3);
    for (size_t nth = 1; has_failed; nth++) {
        char fresh[32];
        snprintf(fresh, sizeof fresh, "value %zu", nth);
        put_file(weft_slice_of_text(fresh));
        weft_alloc_fail_at(nth);
        advance(WEFT_NS_PER_S);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        advance(WEFT_NS_PER_S);
        auth_expect_field(client, "a", fresh);
        ck_assert_uint_lt(nth, 100);
    }
    put_file(WEFT_SLICE_LITERAL(" \n"));
    advance(WEFT_NS_PER_S);
    ck_assert_uint_ge(count_logged("auth.file_unusable"), 1);
    auth_expect_field(client, "b", "two");
    weft_auth_client_free(client);
    fixture_end();
}
END_TEST

/* By the keys that values come from, and by no other. */
START_TEST(test_headers_tell_requests_apart_that_give_other_values)
{
    static const struct {
        const char *key, *left, *right;
        bool is_apart;
    } rows[] = { { "x-one", "1", "1", false },  { "x-one", "1", "2", true },    { "x-TWO", "1", "2", true },
                 { "x-gone", "1", "2", false }, { "x-other", "1", "2", false }, { "x-one", "1", NULL, true } };
    struct weft_authenticator *authenticator = auth_begin(
        &weft_extension_headers_setter, "{headers: [{key: a, from_context: X-One}, {key: b, value: '%.1s'}, {key: c, "
                                        "from_context: x-two, default_value: two}, {key: d, action: delete, "
                                        "from_context: x-gone}]}");
    struct weft_auth_client *client = auth_client(authenticator);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_metadata *sides[2] = { NULL, NULL };
        for (int j = 0; j < 2; j++) {
            const char *value = j == 0 ? rows[i].left : rows[i].right;
            const struct weft_metadata_item item = { weft_slice_of_text(rows[i].key),
                                                     weft_slice_of_text(value == NULL ? "" : value) };
            sides[j] = value == NULL ? NULL : weft_metadata_try_new(&fixture.budget, &item, 1, WEFT_SLICE_EMPTY);
        }
        ck_assert(weft_auth_client_tells_apart(client, sides[0], sides[1]) == rows[i].is_apart);
        ck_assert(!weft_auth_client_tells_apart(client, sides[0], sides[0]));
        weft_metadata_unref(&sides[0]);
        weft_metadata_unref(&sides[1]);
    }
    ck_assert(!weft_auth_client_tells_apart(NULL, NULL, NULL));
    weft_auth_client_free(client);
    fixture_end();
}
END_TEST

START_TEST(test_users_are_read_as_a_whole_or_not)
{
    struct weft_htpasswd table = { .count = 0 };
    enum weft_status status = WEFT_NOMEM;
    for (size_t nth = 1; status != WEFT_OK; nth++) {
        weft_alloc_fail_at(nth);
        status = weft_htpasswd_read(WEFT_SLICE_LITERAL("a:1\nno user\nb:2"), WEFT_SLICE_LITERAL("a:3"), &table, NULL);
        ck_assert_int_eq(status, weft_alloc_has_failed() ? WEFT_NOMEM : WEFT_OK);
        weft_alloc_fail_at(0);
        ck_assert_uint_eq(table.count, status == WEFT_OK ? 2 : 0);
    }
    ck_assert_str_eq(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("a")), "3");
    ck_assert_ptr_null(weft_htpasswd_find(&table, WEFT_SLICE_LITERAL("no user")));
    weft_htpasswd_fini(&table);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_a_pair_is_written_once_until_a_half_changes);
    tcase_add_test(tests, test_headers_come_from_a_file_or_there_is_no_memory);
    tcase_add_test(tests, test_headers_tell_requests_apart_that_give_other_values);
    tcase_add_test(tests, test_users_are_read_as_a_whole_or_not);
}

int main(void)
{
    return component_run("auth clients", add);
}
