/* The OTLP/HTTP receiver over a socket pair, with pipelines that do as the test says. */
#include "base/base_test.h"
#include "receivers/inlet_test.h"
#include "suite.h"

/* A span with name "a"; and the same in JSON. */
#define SPAN                           \
    "\x0a\x19\x12\x17\x12\x15\x0a\x10" \
    "0123456789abcdef"                 \
    "\x2a\x01"                         \
    "a"
static const char span[] = SPAN;
enum { SPAN_BYTES = sizeof span - 1 };

#define JSON_SPAN                                                                                                  \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"30313233343536373839616263646566\",\"name\":" \
    "\"a\"}]}]}]}"

static struct weft_otlp_json json;

static void set_up(void)
{
    weft_otlp_json_init(&json);
    begin_ingest("otlp", WEFT_TRACES, "traces");
    inlet = weft_otlp_http_new(&ingest, &config, &json, NULL, NULL);
    connect_client();
}

static void tear_down(void)
{
    end_ingest();
    weft_otlp_json_fini(&json);
}

static void post(const char *type, const void *body, size_t length)
{
    char head[200];
    snprintf(head, sizeof head, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n", type);
    send_request(head, body, length);
}

static void post_span(void)
{
    post("application/x-protobuf", span, SPAN_BYTES);
}

static void expect(int code)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", code);
    ck_assert_msg(strncmp(answers, line, strlen(line)) == 0, "not %d: %s", code, answers);
}

START_TEST(test_request_goes_through_and_is_answered_in_its_encoding)
{
    post_span();
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"));
    post("application/json", JSON_SPAN, sizeof JSON_SPAN - 1);
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "\r\n\r\n{\"partialSuccess\":{}}"));
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert_uint_eq(inlet->accepted[WEFT_TRACES], 2);
}
END_TEST

/* A span whose one attribute is an array, and in it another, count times. */
static size_t nested_arrays(char *out_text, size_t size_bytes, size_t count)
{
    size_t length = (size_t)snprintf(out_text, size_bytes,
                                     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"value\":");
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(out_text + length, size_bytes - length, "{\"arrayValue\":{\"values\":[");
    }
    length += (size_t)snprintf(out_text + length, size_bytes - length, "{\"intValue\":1}");
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(out_text + length, size_bytes - length, "]}}");
    }
    return length + (size_t)snprintf(out_text + length, size_bytes - length, "}]}]}]}]}");
}

START_TEST(test_json_may_be_as_deep_as_protobuf)
{
    enum { DEEPEST = 47 }; /* 100 messages inside one another, with the six around the first array */
    char text[4096];
    post("application/json", text, nested_arrays(text, sizeof text, DEEPEST));
    expect(200);
    post("application/json", text, nested_arrays(text, sizeof text, DEEPEST + 1));
    expect(400);
    ck_assert_uint_eq(pipeline.weight, 1);
}
END_TEST

START_TEST(test_compressed_request_keeps_what_came_over_the_wire)
{
    struct weft_slice plain = weft_slice_of(span, SPAN_BYTES);
    struct weft_payload *packed = NULL;
    ck_assert(weft_deflate(host.codec, WEFT_ENCODING_GZIP, 0, &plain, 1, host.pool, &packed, NULL) == WEFT_OK);
    post("application/x-protobuf\r\nContent-Encoding: gzip", packed->bytes, packed->length);
    expect(200);
    weft_payload_unref(&packed);
    ck_assert_uint_eq(pipeline.weight, 1);
    ck_assert_uint_eq(pipeline.wire_count, 1);
}
END_TEST

/* Two spans, of which the second is named by a byte that is no character. */
#define BAD_SPAN                       \
    "\x0a\x19\x12\x17\x12\x15\x0a\x10" \
    "0123456789abcdef"                 \
    "\x2a\x01\xff"
static const char bad_spans[] = SPAN BAD_SPAN;
enum { BAD_SPANS_BYTES = sizeof bad_spans - 1 };

static const char bad_json[] = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"spans\":"
                               "[{\"name\":\"a\"},{\"name\":\"\xff\"}]}]}]}";

static uint64_t refused_for_invalid_utf8(void)
{
    struct weft_ledger_snapshot snapshot;
    uint64_t refused = 0;
    ck_assert_int_eq(weft_ledger_snapshot_take(host.ledger, &snapshot), WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        bool is_it = snapshot.balances[i].account.kind == WEFT_ACCOUNT_REFUSED &&
                     snapshot.balances[i].account.reason == WEFT_DROP_INVALID_UTF8;
        refused += is_it ? snapshot.balances[i].inflow : 0;
    }
    struct weft_ledger_totals totals;
    weft_ledger_snapshot_totals(&snapshot, "traces", &totals);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_snapshot_fini(&snapshot);
    return refused;
}

START_TEST(test_text_that_is_no_utf8_is_repaired)
{
    post("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "Content-Length: 0\r\n\r\n"));
    ck_assert_ptr_nonnull(memmem(pipeline.text, pipeline.text_length, "\x2a\x03\xef\xbf\xbd", 5));
    ck_assert_int_eq(memcmp(pipeline.text, SPAN, SPAN_BYTES), 0);
    post("application/json", bad_json, sizeof bad_json - 1);
    expect(200);
    ck_assert_ptr_nonnull(memmem(pipeline.text, pipeline.text_length, "\x2a\x03\xef\xbf\xbd", 5));
    ck_assert_uint_eq(pipeline.weight, 4);
    ck_assert_uint_eq(inlet->invalid_texts, 2);
    ck_assert_uint_eq(inlet->invalid_texts_repaired, 2);
}
END_TEST

START_TEST(test_what_is_repaired_does_not_go_on_as_it_came)
{
    struct weft_slice plain = weft_slice_of(bad_spans, BAD_SPANS_BYTES);
    struct weft_payload *packed = NULL;
    ck_assert(weft_deflate(host.codec, WEFT_ENCODING_GZIP, 0, &plain, 1, host.pool, &packed, NULL) == WEFT_OK);
    post("application/x-protobuf\r\nContent-Encoding: gzip", packed->bytes, packed->length);
    weft_payload_unref(&packed);
    expect(200);
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert_uint_eq(pipeline.wire_count, 0);
}
END_TEST

static void reject_invalid(void)
{
    ingest.invalid_utf8 = WEFT_INVALID_UTF8_REJECT;
    weft_otlp_ingest_set_entry(&ingest, WEFT_TRACES, ingest.entries[WEFT_TRACES]);
}

START_TEST(test_record_with_such_a_text_is_rejected_alone)
{
    reject_invalid();
    post("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    expect(200);
    const char *body = strstr(answers, "\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(body, "\x08\x01\x12")); /* rejected_spans: 1, then the message */
    ck_assert_ptr_nonnull(
        strstr(body, "not UTF-8, the first: byte 51: resource_spans[1].scope_spans[0].spans[0].name"));
    ck_assert_uint_eq(pipeline.text_length, SPAN_BYTES);
    ck_assert_uint_eq(refused_for_invalid_utf8(), 1);
    post("application/json", bad_json, sizeof bad_json - 1);
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"not UTF-8"));
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert_uint_eq(refused_for_invalid_utf8(), 2);
    ck_assert_uint_eq(inlet->refused[WEFT_TRACES], 2);
    ck_assert_uint_eq(inlet->accepted[WEFT_TRACES], 2);
}
END_TEST

/* Nothing is left to be offered; and a refusal of the rest says nothing of what was rejected. */
START_TEST(test_request_of_nothing_else_is_answered_well)
{
    reject_invalid();
    post("application/x-protobuf", bad_spans + SPAN_BYTES, BAD_SPANS_BYTES - SPAN_BYTES);
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "not UTF-8"));
    ck_assert_uint_eq(pipeline.offers, 0);
    ck_assert_uint_eq(refused_for_invalid_utf8(), 1);
    pipeline.answer = WEFT_CLOSED;
    post("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    expect(503);
    ck_assert_ptr_null(strstr(answers, "not UTF-8"));
    ck_assert_uint_eq(refused_for_invalid_utf8(), 2);
}
END_TEST

START_TEST(test_such_a_text_may_pass)
{
    ingest.invalid_utf8 = WEFT_INVALID_UTF8_PASS;
    post("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    expect(200);
    ck_assert_uint_eq(pipeline.text_length, BAD_SPANS_BYTES);
    ck_assert_int_eq(memcmp(pipeline.text, bad_spans, BAD_SPANS_BYTES), 0);
    post("application/json", bad_json, sizeof bad_json - 1);
    expect(200);
    ck_assert_ptr_nonnull(memmem(pipeline.text, pipeline.text_length, "\x2a\x01\xff", 3));
    ck_assert_uint_eq(inlet->invalid_texts, 2);
    ck_assert_uint_eq(inlet->invalid_texts_repaired, 0);
}
END_TEST

START_TEST(test_outcome_of_the_pipeline_is_mapped)
{
    static const struct {
        enum weft_status outcome;
        int code;
        bool has_retry_after;
    } cases[] = {
        { WEFT_CLOSED, 503, true },       { WEFT_PARTIAL, 503, true },
        { WEFT_TIMEOUT, 503, true },      { WEFT_IO, 503, true },
        { WEFT_NOMEM, 503, true },        { WEFT_INVALID, 400, false },
        { WEFT_DENIED, 403, false },      { WEFT_UNAUTHENTICATED, 401, false },
        { WEFT_UNSUPPORTED, 404, false }, { WEFT_INTERNAL, 500, false },
        { WEFT_LIMIT, 413, false },       { WEFT_THROTTLED, 429, true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        pipeline.answer = cases[i].outcome;
        post_span();
        expect(cases[i].code);
        ck_assert_int_eq(strstr(answers, "\r\nRetry-After: 2\r\n") != NULL, cases[i].has_retry_after);
        ck_assert_ptr_nonnull(strstr(answers, "\r\n\r\n\x08")); /* google.rpc.Status, code first */
    }
    ck_assert_uint_eq(inlet->refused[WEFT_TRACES], WEFT_COUNT_OF(cases));
}
END_TEST

START_TEST(test_unknown_encoding_is_400_whatever_the_type)
{
    static const char *const types[] = { "application/x-protobuf", "application/json", "text/plain" };
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        char type[80];
        snprintf(type, sizeof type, "%s\r\nContent-Encoding: brotli", types[i]);
        post(type, span, SPAN_BYTES);
        expect(400);
        ck_assert_ptr_nonnull(strstr(answers, types[i]));
        ck_assert_ptr_nonnull(memmem(answers, answers_length, "unsupported Content-Encoding", 28));
    }
    post("text/plain\r\nContent-Encoding: gzip", span, SPAN_BYTES);
    expect(415);
    ck_assert_uint_eq(pipeline.weight, 0);
}
END_TEST

START_TEST(test_held_request_is_answered_when_it_ends)
{
    pipeline.holds = true;
    post("application/json", JSON_SPAN, sizeof JSON_SPAN - 1);
    ck_assert_uint_eq(answers_length, 0);
    ck_assert(!weft_otlp_ingest_is_idle(&ingest));
    struct weft_error failure = { .status = WEFT_IO, .text = "the \"backend\" failed" };
    weft_batch_end(&pipeline.held, &failure, INT64_C(7200000000));
    tick();
    expect(503);
    ck_assert_ptr_nonnull(strstr(answers, "\r\nRetry-After: 8\r\n"));
    ck_assert_ptr_nonnull(strstr(answers,
                                 "{\"code\":14,\"message\":\"the \\\"backend\\\" failed\",\"details\":[{\"@type\":"
                                 "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"7.200000000s\"}]}"));
    ck_assert(weft_otlp_ingest_is_idle(&ingest));
}
END_TEST

START_TEST(test_request_waits_for_a_closed_pipeline)
{
    weft_consumer_set_open(&pipeline.consumer, false);
    post_span();
    ck_assert_uint_eq(answers_length, 0);
    weft_consumer_set_open(&pipeline.consumer, true);
    weft_otlp_ingest_offer_waiting(&ingest, false);
    tick();
    expect(200);
    ck_assert_uint_eq(pipeline.weight, 1);
}
END_TEST

START_TEST(test_call_outlives_the_receiver)
{
    pipeline.holds = true;
    post_span();
    free_inlet();
    weft_batch_end(&pipeline.held, NULL, -1); /* must be harmless; the budget is checked at the end */
}
END_TEST

START_TEST(test_client_that_is_gone_is_counted)
{
    pipeline.holds = true;
    post_span();
    close(client);
    client = -1;
    weft_batch_end(&pipeline.held, NULL, -1);
    tick();
    ck_assert_uint_eq(inlet->operations->connection_count(inlet), 0);
    connect_client();
}
END_TEST

START_TEST(test_drained_receiver_ends_the_connection_with_its_answer)
{
    pipeline.holds = true;
    post_span();
    inlet->operations->drain(inlet);
    tick();
    ck_assert_uint_eq(answers_length, 0);
    weft_batch_end(&pipeline.held, NULL, -1);
    tick();
    expect(200);
    ck_assert_ptr_nonnull(strstr(answers, "\r\nConnection: close\r\n"));
    close(client);
    tick();
    ck_assert_uint_eq(inlet->operations->connection_count(inlet), 0);
    client = -1;
}
END_TEST

static void drain(void *any)
{
    inlet->operations->drain(any);
}

static void answer(void *call)
{
    inlet->operations->answer(call, NULL, -1);
}

/* Our own mistakes: an inlet and a call of another protocol, and an inlet that is gone. */
START_TEST(test_inlet_and_call_of_another_kind_are_not_cast)
{
    const struct weft_otlp_inlet_operations other_operations = *inlet->operations;
    struct weft_otlp_inlet other = *inlet, gone = *inlet;
    struct weft_otlp_call call = { .operations = &other_operations };
    other.operations = &other_operations;
    gone.operations = NULL;
    ck_assert(!base_test_aborts(drain, inlet));
    ck_assert(base_test_aborts(drain, &other));
    ck_assert(base_test_aborts(drain, &gone));
    ck_assert(base_test_aborts(answer, &call));
}
END_TEST

/* Every allocation of a request in turn: an answer that lets the client come back, or the connection ends. */
static void fail_each_allocation(const char *type, const void *body, size_t length)
{
    for (size_t nth = 1;; nth++) {
        weft_alloc_fail_at(nth);
        post(type, body, length);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (!has_failed) {
            expect(200);
            return;
        }
        if (answers_length > 0 && strncmp(answers, "HTTP/1.1 200 ", 13) != 0) {
            expect(503);
        }
        tick();
        close(client);
        tick();
        connect_client();
    }
}

START_TEST(test_no_memory_is_said_to_the_client)
{
    fail_each_allocation("application/x-protobuf", span, SPAN_BYTES);
    fail_each_allocation("application/json", JSON_SPAN, sizeof JSON_SPAN - 1);
    fail_each_allocation("application/x-protobuf", "", 0);
    fail_each_allocation("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    reject_invalid();
    fail_each_allocation("application/x-protobuf", bad_spans, BAD_SPANS_BYTES);
    fail_each_allocation("application/json", bad_json, sizeof bad_json - 1);
    struct weft_slice plain = weft_slice_of(span, SPAN_BYTES);
    struct weft_payload *packed = NULL;
    ck_assert(weft_deflate(host.codec, WEFT_ENCODING_GZIP, 0, &plain, 1, host.pool, &packed, NULL) == WEFT_OK);
    fail_each_allocation("application/x-protobuf\r\nContent-Encoding: gzip", packed->bytes, packed->length);
    weft_payload_unref(&packed);
    ck_assert(weft_otlp_ingest_is_idle(&ingest));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_http");
    TCase *tests = tcase_create("otlp_http");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_request_goes_through_and_is_answered_in_its_encoding);
    tcase_add_test(tests, test_json_may_be_as_deep_as_protobuf);
    tcase_add_test(tests, test_compressed_request_keeps_what_came_over_the_wire);
    tcase_add_test(tests, test_text_that_is_no_utf8_is_repaired);
    tcase_add_test(tests, test_what_is_repaired_does_not_go_on_as_it_came);
    tcase_add_test(tests, test_record_with_such_a_text_is_rejected_alone);
    tcase_add_test(tests, test_request_of_nothing_else_is_answered_well);
    tcase_add_test(tests, test_such_a_text_may_pass);
    tcase_add_test(tests, test_outcome_of_the_pipeline_is_mapped);
    tcase_add_test(tests, test_unknown_encoding_is_400_whatever_the_type);
    tcase_add_test(tests, test_held_request_is_answered_when_it_ends);
    tcase_add_test(tests, test_request_waits_for_a_closed_pipeline);
    tcase_add_test(tests, test_call_outlives_the_receiver);
    tcase_add_test(tests, test_client_that_is_gone_is_counted);
    tcase_add_test(tests, test_drained_receiver_ends_the_connection_with_its_answer);
    tcase_add_test(tests, test_inlet_and_call_of_another_kind_are_not_cast);
    tcase_add_test(tests, test_no_memory_is_said_to_the_client);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
