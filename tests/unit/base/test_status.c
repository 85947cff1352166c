/* Statuses: what each row promises, and error texts that never overflow. */
#include "base/base_test.h"

#include <string.h>

#include "base/status.h"

START_TEST(test_rows_hold_name_retry_and_codes)
{
    ck_assert_str_eq(weft_status_name(WEFT_OK), "ok");
    ck_assert_int_eq(weft_status_http_code(WEFT_OK), 200);
    ck_assert_int_eq(weft_status_grpc_code(WEFT_OK), 0);
    ck_assert_str_eq(weft_status_name(WEFT_UNAUTHENTICATED), "unauthenticated");
    ck_assert_int_eq(weft_status_http_code(WEFT_UNAUTHENTICATED), 401);
    ck_assert_int_eq(weft_status_grpc_code(WEFT_UNAUTHENTICATED), 16);
    ck_assert_int_eq(weft_status_http_code(WEFT_LIMIT), 413);
    ck_assert_int_eq(weft_status_grpc_code(WEFT_LIMIT), 8);
}
END_TEST

/* OTLP: what is retryable must be seen as such over HTTP (429, 502, 503, 504) and gRPC (UNAVAILABLE and the like;
 * RESOURCE_EXHAUSTED is while there is a RetryInfo beside it, which receivers always write). */
START_TEST(test_retryable_rows_have_retryable_codes)
{
    for (int i = WEFT_OK; i <= WEFT_INTERNAL; i++) {
        enum weft_status status = (enum weft_status)i;
        int http = weft_status_http_code(status);
        int grpc = weft_status_grpc_code(status);
        bool is_retryable_http = http == 429 || http == 502 || http == 503 || http == 504;
        bool is_retryable_grpc =
            grpc == 1 || grpc == 4 || grpc == 10 || grpc == 11 || grpc == 14 || grpc == 15 || status == WEFT_THROTTLED;
        ck_assert_msg(weft_status_is_retryable(status) == is_retryable_http, "%s", weft_status_name(status));
        ck_assert_msg(weft_status_is_retryable(status) == is_retryable_grpc, "%s", weft_status_name(status));
    }
}
END_TEST

START_TEST(test_fail_writes_text_and_returns_its_status)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_fail(&error, WEFT_INVALID, "byte %d of %s", 7, "x"), WEFT_INVALID);
    ck_assert_int_eq(error.status, WEFT_INVALID);
    ck_assert_str_eq(error.text, "byte 7 of x");
    ck_assert_int_eq(weft_fail(NULL, WEFT_IO, "nobody reads this"), WEFT_IO);
}
END_TEST

START_TEST(test_prefix_keeps_what_was_said)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_fail(&error, WEFT_IO, "refused"), WEFT_IO);
    ck_assert_int_eq(weft_fail_prefix(&error, "connect %s", "::1"), WEFT_IO);
    ck_assert_str_eq(error.text, "connect ::1: refused");
    ck_assert_int_eq(weft_fail_prefix(&error, "exporter %s", "otlp"), WEFT_IO);
    ck_assert_str_eq(error.text, "exporter otlp: connect ::1: refused");
}
END_TEST

/* On the heap, where a byte too many is seen. */
START_TEST(test_long_texts_are_cut)
{
    struct weft_error *error = malloc(sizeof *error);
    char text[2 * sizeof error->text];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(weft_fail(error, WEFT_LIMIT, "%s", text), WEFT_LIMIT);
    ck_assert_uint_eq(strlen(error->text), sizeof error->text - 1);
    ck_assert_int_eq(weft_fail_prefix(error, "short"), WEFT_LIMIT);
    ck_assert_uint_eq(strlen(error->text), sizeof error->text - 1);
    ck_assert_int_eq(strncmp(error->text, "short: aaa", 10), 0);
    ck_assert_int_eq(weft_fail_prefix(error, "%s", text), WEFT_LIMIT);
    ck_assert_uint_eq(strlen(error->text), sizeof error->text - 1);
    free(error);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_rows_hold_name_retry_and_codes),
        BASE_TEST(test_retryable_rows_have_retryable_codes),
        BASE_TEST(test_fail_writes_text_and_returns_its_status),
        BASE_TEST(test_prefix_keeps_what_was_said),
        BASE_TEST(test_long_texts_are_cut),
    };
    return BASE_TEST_RUN("status", tests);
}
