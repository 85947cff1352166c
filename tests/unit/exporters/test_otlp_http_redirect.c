/* Where redirects of OTLP/HTTP backends lead, and which of them are followed. */
#include <check.h>
#include <string.h>

#include "exporters/otlp_http_redirect.h"
#include "suite.h"

static const struct {
    const char *from;
    const char *location;
    const char *target; /* NULL: refused */
    uint16_t port;
    bool is_upgrade;
    const char *reason;
} cases[] = {
    { "http://a:4318", "/there", "/there", 4318, false, NULL },
    { "http://a:4318", "/there?x=1#part", "/there?x=1", 4318, false, NULL },
    { "http://A:4318", "http://a:4318/x", "/x", 4318, false, NULL },
    { "http://a", "http://a/x", "/x", 80, false, NULL },
    { "http://a", "//a/x", "/x", 80, false, NULL },
    { "http://a:4318", "https://a:4319", "/", 4319, true, NULL },
    { "http://a:4318", "HTTPS://a?y", "/?y", 443, true, NULL },
    { "https://a", "https://a/x", "/x", 443, false, NULL },
    { "http://[::1]:4318", "/x", "/x", 4318, false, NULL },
    { "https://a:4318", "http://a:4318/x", NULL, 0, false, "same host only" },
    { "http://a:4318", "http://b:4318/x", NULL, 0, false, "(not to http://b:4318/x)" },
    { "http://a:4318", "http://a:4319/x", NULL, 0, false, "same host only" },
    { "http://a:4318", "https://b/x", NULL, 0, false, "same host only" },
    { "http://a:4318", "//b:4318/x", NULL, 0, false, "same host only" },
    { "http://a:4318", "http://a@b:4318/x", NULL, 0, false, "cannot be followed" },
    { "http://a:4318", "http://a:4318/x y", NULL, 0, false, "cannot be followed" },
    { "http://a:4318", "there", NULL, 0, false, "cannot be followed" },
    { "http://a:4318", "ftp://a:4318/", NULL, 0, false, "cannot be followed" },
    { "http://a:4318", "", NULL, 0, false, "does not say where to" },
};

START_TEST(test_only_the_same_host_is_followed)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_endpoint from;
        struct weft_redirect redirect = { .is_upgrade = false };
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(
            weft_endpoint_parse(cases[i].from, strncmp(cases[i].from, "https", 5) == 0 ? 443 : 80, &from, NULL),
            WEFT_OK);
        enum weft_status status = weft_redirect_resolve(&from, cases[i].location, &redirect, &error);
        ck_assert_msg((status == WEFT_OK) == (cases[i].target != NULL), "%s: %s", cases[i].location, error.text);
        if (cases[i].target == NULL) {
            ck_assert_msg(strstr(error.text, cases[i].reason) != NULL, "%s", error.text);
            continue;
        }
        ck_assert_str_eq(redirect.target, cases[i].target);
        ck_assert_uint_eq(redirect.endpoint.port, cases[i].port);
        ck_assert_int_eq(redirect.is_upgrade, cases[i].is_upgrade);
    }
}
END_TEST

START_TEST(test_a_target_without_room_is_refused)
{
    struct weft_endpoint from;
    struct weft_redirect redirect;
    char location[WEFT_REDIRECT_TARGET_BYTES + 1];
    ck_assert_int_eq(weft_endpoint_parse("http://a:1", 80, &from, NULL), WEFT_OK);
    memset(location, 'x', sizeof location);
    location[0] = '/';
    location[sizeof location - 1] = '\0';
    ck_assert_int_eq(weft_redirect_resolve(&from, location, &redirect, NULL), WEFT_INVALID);
    location[sizeof location - 2] = '\0';
    ck_assert_int_eq(weft_redirect_resolve(&from, location, &redirect, NULL), WEFT_OK);
    ck_assert_str_eq(redirect.target, location);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_http redirects");
    TCase *tests = tcase_create("redirects");
    tcase_add_test(tests, test_only_the_same_host_is_followed);
    tcase_add_test(tests, test_a_target_without_room_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
