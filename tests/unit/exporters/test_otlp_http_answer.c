/* What each answer of an OTLP/HTTP backend means for the records. */
#include <check.h>
#include <stdio.h>

#include "exporters/otlp_http_answer.h"
#include "suite.h"

static const struct weft_wall now = { 784111700 * WEFT_NS_PER_S };

static struct weft_otlp_http_answer judge(int code, const char *content_type, struct weft_slice body,
                                          const char *retry_after)
{
    struct weft_http1_client_result result = { .status = WEFT_OK,
                                               .failure = "",
                                               .code = code,
                                               .body = body,
                                               .content_type = content_type,
                                               .retry_after = retry_after,
                                               .location = code / 100 == 3 ? "/there" : "" };
    struct weft_otlp_http_answer answer;
    weft_otlp_http_judge(&result, "otlp_http/x", now, &answer);
    return answer;
}

START_TEST(test_every_code_has_its_verdict)
{
    for (int code = 200; code < 1000; code++) {
        struct weft_push_outcome outcome = judge(code, "", WEFT_SLICE_EMPTY, "7").outcome;
        bool may_retry = code == 429 || code == 502 || code == 503 || code == 504;
        bool has_pause = code == 429 || code == 503;
        enum weft_push_verdict expected = code < 300  ? WEFT_PUSH_SENT
                                          : may_retry ? WEFT_PUSH_RETRY
                                                      : WEFT_PUSH_PERMANENT;
        ck_assert_int_eq(outcome.verdict, expected);
        ck_assert_int_eq(outcome.retry_after_ns, has_pause ? 7 * WEFT_NS_PER_S : -1);
        ck_assert_int_eq(outcome.is_unconfirmed, code == 502 || code == 504);
        ck_assert_int_eq(outcome.fault, code == 400   ? WEFT_PUSH_FAULT_INVALID
                                        : code == 413 ? WEFT_PUSH_FAULT_TOO_LARGE
                                                      : WEFT_PUSH_FAULT_NONE);
        if (code >= 300) {
            char words[40];
            snprintf(words, sizeof words, "otlp_http/x: HTTP %d", code);
            ck_assert_ptr_nonnull(strstr(outcome.error.text, words));
            ck_assert_int_eq(weft_status_is_retryable(outcome.error.status), may_retry);
            ck_assert_int_eq(outcome.error.status == WEFT_THROTTLED, code == 429);
        }
    }
}
END_TEST

START_TEST(test_retry_after_may_be_a_date)
{
    struct weft_push_outcome outcome = judge(503, "", WEFT_SLICE_EMPTY, "Sun, 06 Nov 1994 08:49:37 GMT").outcome;
    ck_assert_int_eq(outcome.retry_after_ns, 77 * WEFT_NS_PER_S);
    ck_assert_int_eq(judge(503, "", WEFT_SLICE_EMPTY, "soon").outcome.retry_after_ns, -1);
}
END_TEST

START_TEST(test_redirect_says_where_it_would_go)
{
    struct weft_push_outcome outcome = judge(302, "", WEFT_SLICE_EMPTY, "").outcome;
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "307 and 308 are followed (not to /there)"));
}
END_TEST

static const struct {
    const char *type;
    struct weft_slice body;
    bool is_sent;
    uint64_t rejected;
    const char *message;
} successes[] = {
    { "application/x-protobuf", WEFT_SLICE_LITERAL(""), true, 0, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x06\x08\x03\x12\x02no"), true, 3, "no" },
    { "Application/X-Protobuf; a=b", WEFT_SLICE_LITERAL("\x0a\x02\x08\x03"), true, 3, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x04\x12\x02hm"), true, 0, "hm" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("{}"), false, 0, "" },
    { "application/x-protobufx", WEFT_SLICE_LITERAL("{}"), true, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL("{}"), true, 0, "" },
    { "application/json;charset=utf-8", WEFT_SLICE_LITERAL("{\"partialSuccess\":{}}"), true, 0, "" },
    { "application/json",
      WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"rejectedSpans\":\"4\",\"errorMessage\":\"n\\no\"}}"), true, 4,
      "n\no" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"rejectedLogRecords\":5}}"), true, 5, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"rejectedDataPoints\":6}}"), true, 6, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":null}"), true, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":7}"), false, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL("OK"), false, 0, "" },
    { "text/plain", WEFT_SLICE_LITERAL("OK"), true, 0, "" },
    { "", WEFT_SLICE_LITERAL("OK"), true, 0, "" },
};

START_TEST(test_success_is_read_as_its_type_says)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(successes); i++) {
        struct weft_otlp_http_answer answer = judge(200, successes[i].type, successes[i].body, "");
        ck_assert_msg((answer.outcome.verdict == WEFT_PUSH_SENT) == successes[i].is_sent, "%zu", i);
        if (successes[i].is_sent) {
            ck_assert_uint_eq(answer.outcome.rejected_count, successes[i].rejected);
            ck_assert_str_eq(answer.message, successes[i].message);
        } else {
            ck_assert_int_eq(answer.outcome.verdict, WEFT_PUSH_PERMANENT);
            ck_assert(answer.outcome.is_unconfirmed); /* 2xx: it has most likely taken the records */
            ck_assert_ptr_nonnull(strstr(answer.outcome.error.text, "with a body that is not the"));
        }
    }
}
END_TEST

static const struct {
    const char *type;
    struct weft_slice start;
    bool is_sent;
    uint64_t rejected;
    const char *message;
} starts[] = {
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x7f\x08\x03"), true, 3, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x7f\x08\x03\x12\x70no"), true, 3, "no" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x02\x08\x03\x52\x7fx"), true, 3, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x00\x52\x7fx"), true, 0, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x7f\x12\x70no"), false, 0, "" }, /* the count may follow */
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x0a\x7f\x08"), false, 0, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL("\x52\x7fx"), false, 0, "" },
    { "application/x-protobuf", WEFT_SLICE_LITERAL(""), false, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"rejectedSpans\":\"4\",\"errorMess"), true, 4, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\" : { \"rejectedDataPoints\": 5 ,"), true, 5, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"errorMessage\":\"no\"},\"x\":\""), true, 0, "no" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"rejectedSpans\":4"), false, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSuccess\":{\"errorMessage\":\"\\\"rejectedSpans\\\":4,"), false,
      0, "" },
    { "application/json", WEFT_SLICE_LITERAL("{\"partialSucc"), false, 0, "" },
    { "application/json", WEFT_SLICE_LITERAL(""), false, 0, "" },
    { "text/html", WEFT_SLICE_LITERAL("<html>"), true, 0, "" },
};

/* Of an answer that is too large what its start says counts; where it says nothing, nobody knows. */
START_TEST(test_start_of_a_success_counts_if_it_says_what_was_rejected)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(starts); i++) {
        struct weft_http1_client_result result = {
            .code = 200, .failure = "", .body = starts[i].start, .is_truncated = true, .content_type = starts[i].type
        };
        struct weft_otlp_http_answer answer;
        weft_otlp_http_judge(&result, "x", now, &answer);
        ck_assert_msg((answer.outcome.verdict == WEFT_PUSH_SENT) == starts[i].is_sent, "%zu", i);
        ck_assert_msg(answer.outcome.is_unconfirmed != starts[i].is_sent, "%zu", i);
        if (starts[i].is_sent) {
            ck_assert_msg(answer.outcome.rejected_count == starts[i].rejected, "%zu", i);
            ck_assert_str_eq(answer.message, starts[i].message);
        } else {
            ck_assert_int_eq(answer.outcome.verdict, WEFT_PUSH_PERMANENT);
            ck_assert_ptr_nonnull(strstr(answer.outcome.error.text, "x: HTTP 200 with a body that is too large"));
        }
    }
}
END_TEST

START_TEST(test_status_in_the_body_is_told)
{
    struct weft_otlp_http_answer answer =
        judge(403, "application/x-protobuf", WEFT_SLICE_LITERAL("\x08\x07\x12\x04oops"), "");
    ck_assert_str_eq(answer.outcome.error.text, "otlp_http/x: HTTP 403: oops");
    answer = judge(429, "application/json", WEFT_SLICE_LITERAL("{\"message\":\"slow\"}"), "");
    ck_assert_str_eq(answer.outcome.error.text, "otlp_http/x: HTTP 429: slow");
    answer = judge(500, "text/html", WEFT_SLICE_LITERAL("<html>"), "");
    ck_assert_str_eq(answer.outcome.error.text, "otlp_http/x: HTTP 500");
}
END_TEST

START_TEST(test_failed_connection_is_repeated)
{
    for (int is_unconfirmed = 0; is_unconfirmed < 2; is_unconfirmed++) {
        struct weft_http1_client_result result = { .status = WEFT_IO,
                                                   .failure = "h:1: refused",
                                                   .is_unconfirmed = is_unconfirmed };
        struct weft_otlp_http_answer answer;
        weft_otlp_http_judge(&result, "x", now, &answer);
        ck_assert_int_eq(answer.outcome.verdict, WEFT_PUSH_RETRY);
        ck_assert_int_eq(answer.outcome.is_unconfirmed, is_unconfirmed);
        ck_assert_int_eq(answer.outcome.retry_after_ns, -1);
        ck_assert_str_eq(answer.outcome.error.text, "x: h:1: refused");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_http_answer");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, test_every_code_has_its_verdict);
    tcase_add_test(tcase, test_retry_after_may_be_a_date);
    tcase_add_test(tcase, test_redirect_says_where_it_would_go);
    tcase_add_test(tcase, test_success_is_read_as_its_type_says);
    tcase_add_test(tcase, test_start_of_a_success_counts_if_it_says_what_was_rejected);
    tcase_add_test(tcase, test_status_in_the_body_is_told);
    tcase_add_test(tcase, test_failed_connection_is_repeated);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
