/* Which format a scraper gets for its Accept. */
#include <check.h>

#include "exporters/prometheus_accept.h"
#include "suite.h"

static void check_type(const char *accept, bool has_open_metrics, const char *expected)
{
    struct weft_prometheus_accepted accepted;
    weft_prometheus_accept(weft_slice_of_text(accept), has_open_metrics, &accepted);
    ck_assert_msg(strcmp(accepted.content_type, expected) == 0, "%s: %s", accept, accepted.content_type);
    ck_assert_int_eq(accepted.format.is_open_metrics, strncmp(expected, "application", 11) == 0);
}

#define TEXT "text/plain; version=0.0.4; charset=utf-8; escaping="
#define OPEN "application/openmetrics-text; version="

/* As Prometheus 3 asks. */
static const char prometheus[] =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

START_TEST(test_the_first_that_is_known_is_taken)
{
    check_type("", true, TEXT "underscores");
    check_type("*/*", true, TEXT "underscores");
    check_type("text/html", true, TEXT "underscores");
    check_type(prometheus, true, OPEN "1.0.0; charset=utf-8; escaping=allow-utf-8");
    check_type(prometheus, false, TEXT "allow-utf-8");
    check_type("application/openmetrics-text", true, OPEN "0.0.1; charset=utf-8; escaping=underscores");
    check_type("application/openmetrics-text; version=2.0.0, text/plain", true, TEXT "underscores");
    check_type("text/plain;q=0.1, application/openmetrics-text; version=\"1.0.0\"; q=0.2", true,
               OPEN "1.0.0; charset=utf-8; escaping=underscores");
    check_type("text/plain;version=0.0.4;escaping=dots", true, TEXT "dots");
    check_type("text/plain;escaping=values", true, TEXT "values");
    check_type("text/plain;escaping=other", true, TEXT "underscores");
    check_type(";;,,=;q=x,\"", true, TEXT "underscores");
}
END_TEST

START_TEST(test_gzip_is_for_who_asks)
{
    ck_assert(weft_prometheus_accepts_gzip(WEFT_SLICE_LITERAL("gzip")));
    ck_assert(weft_prometheus_accepts_gzip(WEFT_SLICE_LITERAL("zstd, GZIP;q=0.5")));
    ck_assert(!weft_prometheus_accepts_gzip(WEFT_SLICE_LITERAL("gzip;q=0, deflate")));
    ck_assert(!weft_prometheus_accepts_gzip(WEFT_SLICE_EMPTY));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prometheus_accept");
    TCase *tests = tcase_create("prometheus_accept");
    tcase_add_test(tests, test_the_first_that_is_known_is_taken);
    tcase_add_test(tests, test_gzip_is_for_who_asks);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
