/* What requests say in their header fields, over both protocols: batches have it, it is charged, and a request is
 * refused rather than taken without it. */
#include "base/base_test.h"
#include "net/http2_raw_peer.h"
#include "receivers/inlet_test.h"
#include "receivers/otlp_grpc.h"
#include "suite.h"

/* A span with name "a". */
static const char span[] = "\x0a\x19\x12\x17\x12\x15\x0a\x10"
                           "0123456789abcdef"
                           "\x2a\x01"
                           "a";
enum { SPAN_BYTES = sizeof span - 1, STREAM = 1, GRPC_UNAVAILABLE = 14 };
enum { RECEIVERS_OWN = 5 }; /* the first allocations of a request; what follows is the server's answer */

static struct weft_otlp_json json;
static struct weft_otlp_grpc_config grpc_config;
static struct raw_peer *peer;

static void set_up(void)
{
    weft_otlp_json_init(&json);
    ck_assert(weft_config_parse(weft_otlp_grpc_fields, NULL, &grpc_config, NULL, NULL) == WEFT_OK);
    begin_ingest("otlp", WEFT_TRACES, "traces");
    config.include_metadata = true;
    grpc_config.include_metadata = true;
}

static void tear_down(void)
{
    end_ingest();
    weft_config_fini(weft_otlp_grpc_fields, &grpc_config);
    weft_otlp_json_fini(&json);
}

/* One request whose n-th allocation fails, once its header is there. UNAVAILABLE_AGAIN: the client was told to come
 * again. LOST: what failed was the writing of the answer. */
enum outcome { TAKEN, UNAVAILABLE_AGAIN, LOST };

static enum outcome send_over_http(size_t nth)
{
    static const char head[] = "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"
                               "Tenant: one\r\nContent-Length: 27\r\n\r\n";
    ck_assert_int_eq(SPAN_BYTES, 27);
    connect_client();
    answers_length = 0;
    ck_assert_int_gt(send(client, head, sizeof head - 1, MSG_NOSIGNAL), 0);
    tick();
    ck_assert_int_gt(send(client, span, SPAN_BYTES, MSG_NOSIGNAL), 0);
    weft_alloc_fail_at(nth);
    tick();
    bool has_failed = weft_alloc_has_failed();
    weft_alloc_fail_at(0);
    close(client);
    run_loop();
    if (strncmp(answers, "HTTP/1.1 200 ", 13) == 0) {
        return TAKEN;
    }
    ck_assert(has_failed);
    if (answers_length == 0) {
        return LOST;
    }
    ck_assert_msg(strncmp(answers, "HTTP/1.1 503 ", 13) == 0, "%zu: %s", nth, answers);
    ck_assert_ptr_nonnull(strstr(answers, "\r\nRetry-After: 2\r\n"));
    return UNAVAILABLE_AGAIN;
}

static void turn(void *context)
{
    (void)context;
    run_loop();
}

static enum outcome send_over_grpc(size_t nth)
{
    static const struct raw_request request = { .path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export" };
    uint8_t message[5 + SPAN_BYTES];
    connect_client();
    peer = raw_peer_new(client, turn, NULL);
    raw_start(peer);
    raw_headers(peer, STREAM, &request, false);
    raw_settle(peer);
    raw_data(peer, STREAM, message, raw_message(message, 0, SPAN_BYTES, span, SPAN_BYTES), true);
    weft_alloc_fail_at(nth);
    run_loop();
    bool has_failed = weft_alloc_has_failed();
    weft_alloc_fail_at(0);
    raw_settle(peer);
    int status = raw_stream(peer, STREAM)->grpc_status;
    raw_peer_free(peer);
    run_loop();
    ck_assert_msg(status == 0 || (has_failed && (status == GRPC_UNAVAILABLE || status == -1)), "%zu: %d", nth, status);
    return status == 0 ? TAKEN : status == -1 ? LOST : UNAVAILABLE_AGAIN;
}

/* Whatever fails, what is taken has its metadata. */
static void expect_metadata_or_refusal(enum outcome (*send_one)(size_t nth))
{
    size_t counts[LOST + 1] = { 0 };
    for (size_t i = 0; i <= RECEIVERS_OWN; i++) {
        size_t nth = RECEIVERS_OWN - i; /* 0: none fails */
        uint64_t before = pipeline.weight;
        enum outcome outcome = send_one(nth);
        counts[outcome]++;
        ck_assert(outcome == LOST || pipeline.weight == before + (outcome == TAKEN));
        ck_assert_uint_eq(pipeline.metadata_count, pipeline.weight);
    }
    ck_assert_uint_gt(counts[UNAVAILABLE_AGAIN], 2); /* for want of the call, its metadata, its batch */
    ck_assert_uint_eq(counts[TAKEN], 1);
    connect_client(); /* for the end */
}

START_TEST(test_no_request_goes_without_its_metadata_over_http)
{
    inlet = weft_otlp_http_new(&ingest, &config, &json, NULL, NULL);
    expect_metadata_or_refusal(send_over_http);
}
END_TEST

START_TEST(test_no_request_goes_without_its_metadata_over_grpc)
{
    inlet = weft_otlp_grpc_new(&ingest, &grpc_config, NULL, NULL);
    expect_metadata_or_refusal(send_over_grpc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp metadata");
    TCase *tests = tcase_create("otlp metadata");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_no_request_goes_without_its_metadata_over_http);
    tcase_add_test(tests, test_no_request_goes_without_its_metadata_over_grpc);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
