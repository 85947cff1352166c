/* Health, readiness and the error answer. */
#include "admin/admin_test.h"
#include "admin/error.h"
#include "admin/health.h"

START_TEST(test_live_says_ok)
{
    ck_assert_int_eq(weft_health_write_live(&out), 200);
    out_expect("{\"status\":\"ok\"}");
}
END_TEST

START_TEST(test_ready_is_degraded_but_200_while_it_accepts)
{
    struct weft_health_check checks[] = { { "exporter otlp", NULL }, { "ledger", NULL } };
    struct weft_health_facts facts = { checks, 2, true, "0.1.0" };
    ck_assert_int_eq(weft_health_write_ready(&facts, &out), 200);
    out_expect("{\"status\":\"ok\",\"checks\":{\"exporter otlp\":\"ok\",\"ledger\":\"ok\"},\"version\":\"0.1.0\"}");
    checks[0].failure = "connect: \"refused\"";
    ck_assert_int_eq(weft_health_write_ready(&facts, &out), 200);
    out_expect("{\"status\":\"degraded\",\"checks\":{\"exporter otlp\":\"connect: \\\"refused\\\"\",\"ledger\":\"ok\"},"
               "\"version\":\"0.1.0\"}");
    facts = (struct weft_health_facts){ .is_accepting = false, .version = "0.1.0" };
    ck_assert_int_eq(weft_health_write_ready(&facts, &out), 503);
    out_expect("{\"status\":\"degraded\",\"checks\":{},\"version\":\"0.1.0\"}");
}
END_TEST

START_TEST(test_error_has_the_platforms_shape)
{
    struct weft_admin_detail details[] = { { "trace", weft_slice_of_text("a\"b\xff") },
                                           { "window", weft_slice_of_text("15m") } };
    struct weft_admin_error error = { .code = "TRACE_NOT_FOUND",
                                      .message = "No verdict for this trace is known",
                                      .request_id = "req_1",
                                      .trace_id = "0af7",
                                      .details = details,
                                      .detail_count = 2,
                                      .help = "Verdicts are kept for an hour" };
    weft_admin_error_write(&error, &out);
    out_expect("{\"error\":{\"code\":\"TRACE_NOT_FOUND\",\"message\":\"No verdict for this trace is known\","
               "\"request_id\":\"req_1\",\"trace_id\":\"0af7\",\"details\":{\"trace\":\"a\\\"b\xef\xbf\xbd\","
               "\"window\":\"15m\"},\"help\":\"Verdicts are kept for an hour\"}}");
    error = (struct weft_admin_error){ .code = "NOT_FOUND", .message = "No such page" };
    weft_admin_error_write(&error, &out);
    out_expect("{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"No such page\",\"details\":{}}}");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_says_ok);
    tcase_add_test(tests, test_ready_is_degraded_but_200_while_it_accepts);
    tcase_add_test(tests, test_error_has_the_platforms_shape);
}

int main(void)
{
    return admin_run("health", add_tests);
}
