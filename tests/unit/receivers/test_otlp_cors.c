/* Which pages may send, and what a browser is told. */
#include <check.h>

#include "receivers/otlp_cors.h"
#include "suite.h"

static char *origins[] = { "https://app.example.com", "http://*.test.example:8080", "null",
                           "http://localhost:*",      "https://*.example.org",      "https://app-*.example.net" };
static char *headers[] = { "X-Api-Key", "traceparent" };
static char *exposed[] = { "X-One", "X-Two" };

static const struct weft_otlp_cors_config config = {
    { origins, WEFT_COUNT_OF(origins) }, { headers, 2 }, { exposed, 2 }, 60
};

static struct weft_buffer out;

static void set_up(void)
{
    weft_buffer_init(&out, 0);
}

static void tear_down(void)
{
    weft_buffer_fini(&out);
}

static bool preflight(const char *origin, const char *method, const char *names)
{
    weft_buffer_clear(&out);
    bool is_allowed = weft_otlp_cors_write_preflight(&config, weft_slice_of_text(origin), weft_slice_of_text(method),
                                                     weft_slice_of_text(names), &out);
    weft_buffer_append_byte(&out, 0);
    return is_allowed;
}

#define PREFLIGHT_VARY "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"

START_TEST(test_preflight_says_what_is_allowed)
{
    ck_assert(preflight("https://app.example.com", "POST", "content-type, X-API-KEY"));
    ck_assert_str_eq((char *)out.bytes, PREFLIGHT_VARY "Access-Control-Allow-Origin: https://app.example.com\r\n"
                                                       "Access-Control-Allow-Credentials: true\r\n"
                                                       "Access-Control-Allow-Methods: POST\r\n"
                                                       "Access-Control-Allow-Headers: content-type, X-API-KEY\r\n"
                                                       "Access-Control-Max-Age: 60\r\n");
    ck_assert(preflight("null", "POST", ""));
    ck_assert_ptr_null(strstr((char *)out.bytes, "Allow-Headers"));
}
END_TEST

START_TEST(test_origins_match_whole_and_around_the_star)
{
    static const struct {
        const char *origin;
        bool is_allowed;
    } cases[] = {
        { "https://app.example.com", true },
        { "HTTPS://App.Example.com", true },
        { "http://a.test.example:8080", true },
        { "http://a.b.test.example:8080", true },
        { "http://.test.example:8080", false },
        { "http://a..test.example:8080", false },
        { "http://evil.example/.test.example:8080", false },
        { "http://evil.example:80.test.example:8080", false },
        { "http://evil.example@.test.example:8080", false },
        { "http://user@a.test.example:8080", false },
        { "http://evil.example?.test.example:8080", false },
        { "http://evil.example#.test.example:8080", false },
        { "http://evil.example\\.test.example:8080", false },
        { "http://evil%2f.test.example:8080", false },
        { "http://a b.test.example:8080", false },
        { "https://evil.com/.example.org", false },
        { "https://A-1.b_2.example.org", true },
        { "https://example.org", false },
        { "https://app-1.example.net", true },
        { "https://app-.example.net", false },
        { "http://localhost:8080", true },
        { "http://localhost:", false },
        { "http://localhost:80.evil.example", false },
        { "null", true },
        { "", false },
        { "https://app.example.com.evil.example", false },
        { "https://app.example.co", false },
        { "http://app.example.com", false },
        { "http://test.example:8080", false },
        { "http://a.test.example", false },
        { "http://evil.example/.test.example:80800", false },
        { "*", false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        ck_assert_msg(preflight(cases[i].origin, "POST", "") == cases[i].is_allowed, "%s", cases[i].origin);
        ck_assert_msg(cases[i].is_allowed || strcmp((char *)out.bytes, PREFLIGHT_VARY) == 0, "%s", cases[i].origin);
    }
}
END_TEST

START_TEST(test_methods_and_headers_that_are_not_allowed_get_no_word)
{
    static const char *const names[] = { "x-other", "content-type,x-other", "x-api-key2", "x-api-ke", "x-api-key;q=1" };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        ck_assert_msg(!preflight("null", "POST", names[i]), "%s", names[i]);
        ck_assert_str_eq((char *)out.bytes, PREFLIGHT_VARY);
    }
    ck_assert(preflight("null", "POST", ",, traceparent ,\torigin,ACCEPT,"));
    ck_assert(!preflight("null", "post", ""));
    ck_assert(!preflight("null", "GET", ""));
}
END_TEST

START_TEST(test_answers_say_what_a_page_may_read)
{
    ck_assert(weft_otlp_cors_write(&config, WEFT_SLICE_LITERAL("null"), &out));
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((char *)out.bytes, "Vary: Origin\r\nAccess-Control-Allow-Origin: null\r\n"
                                        "Access-Control-Allow-Credentials: true\r\n"
                                        "Access-Control-Expose-Headers: X-One, X-Two\r\n");
    weft_buffer_clear(&out);
    ck_assert(weft_otlp_cors_write(&config, WEFT_SLICE_EMPTY, &out)); /* not a page */
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&out), "Vary: Origin\r\n"));
    weft_buffer_clear(&out);
    ck_assert(!weft_otlp_cors_write(&config, WEFT_SLICE_LITERAL("https://evil.example"), &out));
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&out), "Vary: Origin\r\n"));
}
END_TEST

START_TEST(test_open_server_answers_with_a_star)
{
    static char *star[] = { "*" };
    struct weft_otlp_cors_config open = { { star, 1 }, { star, 1 }, { NULL, 0 }, 0 };
    ck_assert(weft_otlp_cors_write_preflight(&open, WEFT_SLICE_LITERAL("https://any"), WEFT_SLICE_LITERAL("POST"),
                                             WEFT_SLICE_LITERAL("x-any"), &out));
    weft_buffer_append_byte(&out, 0);
    ck_assert_ptr_nonnull(strstr((char *)out.bytes, "Access-Control-Allow-Origin: *\r\n"));
    ck_assert_ptr_nonnull(strstr((char *)out.bytes, "Access-Control-Allow-Headers: x-any\r\n"));
    ck_assert_ptr_null(strstr((char *)out.bytes, "Max-Age"));
}
END_TEST

START_TEST(test_values_that_no_header_can_carry_are_refused)
{
    static char *bad[] = { "https://*.a.*", "a b", "a\r\nX: y", "\xc3\xbc" };
    for (size_t i = 0; i < WEFT_COUNT_OF(bad); i++) {
        struct weft_otlp_cors_config broken = { .allowed_origins = { &bad[i], 1 } };
        ck_assert_msg(weft_otlp_cors_validate(&broken, NULL) == WEFT_INVALID, "%s", bad[i]);
        broken = (struct weft_otlp_cors_config){ .exposed_headers = { &bad[i], 1 } };
        ck_assert_msg(i == 0 || weft_otlp_cors_validate(&broken, NULL) == WEFT_INVALID, "%s", bad[i]);
    }
    ck_assert(weft_otlp_cors_validate(&config, NULL) == WEFT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_cors");
    TCase *tests = tcase_create("otlp_cors");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_preflight_says_what_is_allowed);
    tcase_add_test(tests, test_origins_match_whole_and_around_the_star);
    tcase_add_test(tests, test_methods_and_headers_that_are_not_allowed_get_no_word);
    tcase_add_test(tests, test_answers_say_what_a_page_may_read);
    tcase_add_test(tests, test_open_server_answers_with_a_star);
    tcase_add_test(tests, test_values_that_no_header_can_carry_are_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
