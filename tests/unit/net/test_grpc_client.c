/* The gRPC client against a scripted server: requests as they go out, answers as they come in. */
#include "base/base_test.h"
#include "grpc_client_test.h"

static bool has_field(const struct fake_stream *stream, const char *line)
{
    return strstr(stream->fields, line) != NULL;
}

START_TEST(test_answer_ok_gives_response)
{
    start_server(fake_ok);
    open_channel();
    struct call *call = start_call(0, 1000, 100, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(call->response_length, 4);
    ck_assert(memcmp(call->response, "fine", 4) == 0);
    ck_assert(!call->is_unconfirmed);
    ck_assert_str_eq(call->message, "");
    ck_assert_uint_eq(client_state().calls_open, 0);
    ck_assert_uint_eq(client_state().connects, 1);
    ck_assert_uint_gt(client_state().bytes_sent, 1000);
}
END_TEST

static void check_fields(struct fake_stream *stream)
{
    ck_assert(has_field(stream, ":method: POST\n"));
    ck_assert(has_field(stream, ":scheme: http\n"));
    ck_assert(has_field(stream, ":path: /test.Service/Call\n"));
    ck_assert(has_field(stream, ":authority: 127.0.0.1:"));
    ck_assert(has_field(stream, "te: trailers\n"));
    ck_assert(has_field(stream, "content-type: application/grpc\n"));
    ck_assert(has_field(stream, "user-agent: tester/1\n"));
    ck_assert(has_field(stream, "grpc-accept-encoding: identity,gzip,zstd\n"));
    ck_assert(has_field(stream, "grpc-encoding: gzip\n"));
    ck_assert(has_field(stream, "x-tenant: a\n"));
    ck_assert(has_field(stream, "x-extra: b\n"));
    ck_assert(has_field(stream, "x-trace-bin: /wEgww\n")); /* any bytes, in base64 */
    const char *timeout = strstr(stream->fields, "grpc-timeout: ");
    ck_assert_ptr_nonnull(timeout);
    char unit = 0;
    long amount = 0;
    ck_assert_int_eq(sscanf(timeout, "grpc-timeout: %ld%c\n", &amount, &unit), 2);
    ck_assert_int_eq(unit, 'u');
    ck_assert(amount > 0 && amount <= 20000000);
    ck_assert_uint_eq(stream->body_length, 15);
    ck_assert_int_eq(stream->body[0], 1); /* compressed */
    ck_assert_int_eq(stream->body[4], 10);
    fake_ok(stream);
}

START_TEST(test_request_carries_fields)
{
    const struct weft_header headers[] = { { "X-Tenant", "a" }, { "X-Trace-Bin", "\xff\x01 \xc3" }, { NULL, NULL } };
    const struct weft_header extra[] = { { "x-extra", "b" }, { NULL, NULL } };
    bench.settings.headers = headers;
    bench.settings.user_agent = "tester/1";
    start_server(check_fields);
    open_channel();
    struct call *call = make_call(0, 10, 10, 20 * WEFT_NS_PER_S);
    call->request.encoding = WEFT_ENCODING_GZIP;
    call->request.headers = extra;
    weft_grpc_client_start(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
}
END_TEST

START_TEST(test_empty_message_is_sent)
{
    start_server(fake_ok);
    open_channel();
    struct call *call = start_call(0, 0, 1, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(bench.server.data_bytes, 5);
}
END_TEST

static struct fake_stream *late_stream;

static void keep_for_later(struct fake_stream *stream)
{
    late_stream = stream;
}

static bool is_late_stream_there(void)
{
    return late_stream != NULL;
}

START_TEST(test_late_answer_is_taken)
{
    late_stream = NULL;
    start_server(keep_for_later);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_until(is_late_stream_there);
    run_ticks(3);
    ck_assert_uint_eq(call->done_count, 0);
    ck_assert_uint_eq(client_state().calls_open, 1);
    fake_ok(late_stream);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
}
END_TEST

static void fail_with_details(struct fake_stream *stream)
{
    fake_fail(stream, "8", "slow down%2C 100%25 \xC3\xA9%zz", "CAgSBHNsb3c");
}

START_TEST(test_trailers_only_error_gives_message_and_details)
{
    start_server(fail_with_details);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 8);
    ck_assert_str_eq(call->message, "slow down, 100% \xC3\xA9%zz");
    ck_assert_uint_eq(call->details_length, 8);
    ck_assert(memcmp(call->details, "\x08\x08\x12\x04slow", 8) == 0);
    ck_assert(!call->is_unconfirmed);
}
END_TEST

static void refuse_early(struct fake_stream *stream)
{
    fake_fail(stream, "16", "who%20are you", "");
}

/* The answer comes while most of the request still waits for window: the rest is not wanted, and not touched.
 */
START_TEST(test_answer_before_request_end_stops_it)
{
    bench.server.on_headers = refuse_early;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 4 << 20, 100000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 16);
    ck_assert_str_eq(call->message, "who are you");
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_le(bench.server.data_bytes, 65535);
    bench.server.on_headers = NULL;
    bench.server.on_request = fake_ok;
    struct call *second = start_call(1, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(second->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 1); /* the connection lives on */
}
END_TEST

static const char *http_status;

static void answer_http(struct fake_stream *stream)
{
    fake_http_status(stream, http_status);
}

START_TEST(test_http_errors_are_mapped)
{
    static const struct {
        const char *http;
        int grpc_status;
        bool is_unconfirmed;
    } cases[] = { { "400", 13, false }, { "401", 16, false }, { "403", 7, false },  { "404", 12, false },
                  { "429", 14, false }, { "502", 14, true },  { "503", 14, false }, { "504", 14, true },
                  { "500", 2, true },   { "418", 2, false },  { "200", 2, true } };
    start_server(answer_http);
    open_channel();
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        http_status = cases[i].http;
        struct call *call = start_call(0, 10, 10, 0);
        run_calls();
        ck_assert_int_eq(call->grpc_status, cases[i].grpc_status);
        ck_assert_int_eq(call->is_unconfirmed, cases[i].is_unconfirmed);
        ck_assert_ptr_nonnull(strstr(call->message, cases[i].http));
    }
}
END_TEST

static void answer_without_status(struct fake_stream *stream)
{
    fake_answer_raw(stream, "\0\0\0\0\1x", 6, "identity", NULL);
}

START_TEST(test_missing_grpc_status_is_unknown)
{
    start_server(answer_without_status);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 2);
    ck_assert(call->is_unconfirmed);
    ck_assert_uint_eq(call->response_length, 0);
}
END_TEST

/* gzip -n of "hello hello hello hello" */
static const uint8_t gzip_hello[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                      0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0x01,
                                      0xe3, 0x51, 0x3d, 0x8d, 0x17, 0x00, 0x00, 0x00 };

static void answer_gzip(struct fake_stream *stream)
{
    fake_answer(stream, gzip_hello, sizeof gzip_hello, "gzip");
}

START_TEST(test_gzip_response_is_inflated)
{
    start_server(answer_gzip);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_str_eq(call->message, "");
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(call->response_length, 23);
    ck_assert(memcmp(call->response, "hello hello hello hello", 23) == 0);
}
END_TEST

static void answer_gzip_of_much(struct fake_stream *stream)
{
    static uint8_t bytes[10000];
    struct weft_slice plain = { bytes, sizeof bytes };
    struct weft_payload *packed = NULL;
    ck_assert(weft_deflate(bench.codec, WEFT_ENCODING_GZIP, 0, &plain, 1, bench.pool, &packed, NULL) == WEFT_OK);
    ck_assert_uint_lt(packed->length, 1000);
    fake_answer(stream, packed->bytes, packed->length, "gzip");
    weft_payload_unref(&packed);
}

/* Of something compressed a start says nothing. */
START_TEST(test_gzip_response_beyond_limit_is_empty_and_truncated)
{
    static const size_t limits[] = { 1000, 10 }; /* too large when it is inflated, and before */
    for (size_t i = 0; i < WEFT_COUNT_OF(limits); i++) {
        if (bench.client != NULL) {
            weft_grpc_client_free(bench.client);
        } else {
            start_server(answer_gzip_of_much);
        }
        bench.settings.max_response_bytes = limits[i];
        open_channel();
        struct call *call = start_call((int)i, 10, 10, 0);
        run_calls();
        ck_assert_int_eq(call->grpc_status, 0);
        ck_assert(call->is_truncated);
        ck_assert_uint_eq(call->response_length, 0);
    }
}
END_TEST

static void answer_large(struct fake_stream *stream)
{
    static uint8_t bytes[10001];
    memcpy(bytes, "start", 5);
    fake_answer(stream, bytes, sizeof bytes, "identity");
}

/* Its start is kept, and the peer is heard out: it says itself that the call went well. */
START_TEST(test_response_too_large_is_truncated)
{
    bench.settings.max_response_bytes = 1000;
    start_server(answer_large);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert(call->is_truncated && !call->is_unconfirmed);
    ck_assert_uint_eq(call->response_length, 1000);
    ck_assert_int_eq(memcmp(call->response, "start", 5), 0);
    bench.server.on_request = fake_ok;
    struct call *second = start_call(1, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(second->grpc_status, 0);
    ck_assert(!second->is_truncated);
    ck_assert_uint_eq(bench.server.resets, 0);
}
END_TEST

static const struct raw_case {
    const char *bytes;
    size_t length;
    const char *encoding;
    int grpc_status;
} raw_cases[] = {
    { "", 0, "identity", 0 },                         /* no message: as an empty one */
    { "\0\0\0\0\0", 5, "identity", 0 },               /* an empty one */
    { "\0\0\0", 3, "identity", 13 },                  /* prefix cut short */
    { "\0\0\0\0\4fin", 8, "identity", 13 },           /* message cut short */
    { "\0\0\0\0\4fine!", 10, "identity", 13 },        /* bytes after it */
    { "\0\0\0\0\1x\0\0\0\0\1y", 12, "identity", 13 }, /* two messages */
    { "\1\0\0\0\1x", 6, "identity", 13 },             /* compressed as nothing */
    { "\1\0\0\0\1x", 6, "snappy", 13 },               /* an encoding that we did not offer */
    { "\1\0\0\0\1x", 6, "gzip", 13 },                 /* no gzip */
    { "\2\0\0\0\1x", 6, "identity", 13 },             /* an undefined flag */
    { "\0\377\377\377\377x", 6, "identity", 8 },      /* a huge promise */
};
static const struct raw_case *raw_case;

static void answer_raw(struct fake_stream *stream)
{
    fake_answer_raw(stream, raw_case->bytes, raw_case->length, raw_case->encoding, "0");
}

START_TEST(test_broken_responses_are_refused)
{
    start_server(answer_raw);
    open_channel();
    for (size_t i = 0; i < WEFT_COUNT_OF(raw_cases); i++) {
        raw_case = &raw_cases[i];
        struct call *call = start_call(0, 10, 10, 0);
        run_calls();
        ck_assert_int_eq(call->grpc_status, raw_case->grpc_status);
        ck_assert_int_eq(call->is_unconfirmed, raw_case->grpc_status != 0);
        ck_assert_uint_eq(call->response_length, 0);
    }
}
END_TEST

static void check_pattern(struct fake_stream *stream)
{
    size_t length = bench.calls[0].request.length;
    ck_assert_uint_eq(stream->body_length, length + 5);
    ck_assert(is_pattern(stream->body, stream->body_length, length));
    fake_ok(stream);
}

START_TEST(test_large_body_arrives_whole_through_tiny_windows)
{
    bench.server.settings[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 64 };
    bench.server.settings_count = 1;
    start_server(check_pattern);
    open_channel();
    struct call *call = start_call(0, 1 << 20, 37, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_le(bench.server.largest_data_frame, 64);
}
END_TEST

static void use_large_windows(uint32_t max_frame_size)
{
    bench.server.settings[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30 };
    bench.server.settings[1] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_FRAME_SIZE, max_frame_size };
    bench.server.settings_count = 2;
    bench.server.connection_window = 1 << 30;
}

START_TEST(test_frames_grow_with_what_the_peer_allows)
{
    use_large_windows(1 << 20);
    start_server(check_pattern);
    open_channel();
    struct call *call = start_call(0, 3 << 20, 70000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(bench.server.largest_data_frame, 256 * 1024);
}
END_TEST

START_TEST(test_slices_of_every_size_arrive_whole)
{
    static const size_t sizes[] = { 1, 3, 63, 64, 65, 4096, 16379, 16384, 16385, 1 << 20 };
    use_large_windows(16384);
    start_server(check_pattern);
    open_channel();
    for (size_t i = 0; i < WEFT_COUNT_OF(sizes); i++) {
        struct call *call = start_call(0, 300001, sizes[i], 0);
        run_calls();
        ck_assert_int_eq(call->grpc_status, 0);
    }
}
END_TEST

static unsigned waiting_count;
static struct fake_stream *waiting_streams[MAX_CALLS];

static void keep_all(struct fake_stream *stream)
{
    waiting_streams[waiting_count++] = stream;
}

static bool are_twelve_waiting(void)
{
    return waiting_count == 12;
}

START_TEST(test_busy_channel_opens_second_connection_and_shares)
{
    waiting_count = 0;
    start_server(keep_all);
    open_channel();
    for (size_t i = 0; i < 6; i++) {
        start_call(i, 10, 10, 0);
    }
    run_ticks(20);
    ck_assert_uint_eq(bench.server.accepted, 2);
    ck_assert_uint_eq(waiting_count, 6);
    for (size_t i = 6; i < 12; i++) {
        start_call(i, 10, 10, 0);
    }
    run_until(are_twelve_waiting);
    unsigned on_first = 0;
    for (size_t i = 0; i < 12; i++) {
        on_first += waiting_streams[i]->connection == waiting_streams[0]->connection;
    }
    ck_assert_uint_eq(on_first, 6);
    ck_assert_uint_eq(client_state().connections_ready, 2);
    for (size_t i = 0; i < 12; i++) {
        fake_ok(waiting_streams[i]);
    }
    run_calls();
    ck_assert_uint_eq(bench.server.accepted, 2);
}
END_TEST

START_TEST(test_idle_channel_keeps_one_connection)
{
    start_server(fake_ok);
    open_channel();
    ck_assert_uint_eq(bench.server.accepted, 0); /* made on first use */
    for (size_t i = 0; i < 10; i++) {
        start_call(0, 10, 10, 0);
        run_calls();
    }
    ck_assert_uint_eq(bench.server.accepted, 1);
}
END_TEST

START_TEST(test_stream_limit_of_peer_makes_calls_wait)
{
    waiting_count = 0;
    bench.settings.connection_count = 1;
    bench.server.settings[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2 };
    bench.server.settings_count = 1;
    start_server(keep_all);
    open_channel();
    for (size_t i = 0; i < 5; i++) {
        start_call(i, 10, 10, 0);
    }
    run_ticks(20);
    ck_assert_uint_eq(waiting_count, 2);
    ck_assert_uint_eq(client_state().calls_open, 5);
    fake_ok(waiting_streams[0]);
    fake_ok(waiting_streams[1]);
    run_ticks(20);
    ck_assert_uint_eq(waiting_count, 4);
    fake_ok(waiting_streams[2]);
    fake_ok(waiting_streams[3]);
    run_ticks(20);
    ck_assert_uint_eq(waiting_count, 5);
    fake_ok(waiting_streams[4]);
    run_calls();
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(bench.calls[i].grpc_status, 0);
    }
}
END_TEST

static void on_done_restart(void *context, const struct weft_grpc_client_result *result)
{
    struct call *call = context;
    ck_assert_int_eq(result->grpc_status, 0);
    if (++call->done_count < 3) {
        weft_grpc_client_start(bench.client, &call->request);
    }
}

static bool is_done_thrice(void)
{
    return bench.calls[0].done_count == 3;
}

START_TEST(test_request_may_start_again_inside_on_done)
{
    start_server(fake_ok);
    open_channel();
    struct call *call = make_call(0, 1000, 10, 10 * WEFT_NS_PER_S);
    call->request.on_done = on_done_restart;
    weft_grpc_client_start(bench.client, &call->request);
    run_until(is_done_thrice);
    ck_assert_uint_eq(bench.server.requests, 3);
}
END_TEST

/* Each allocation of the client fails in turn: the call ends once, with whatever status, and nothing is lost.
 */
static void fail_each_allocation(fake_fn script, int expected_status)
{
    bool has_failed = true;
    size_t expected_count = 0;
    size_t n = 0;
    while (has_failed) {
        tear_down();
        set_up();
        start_server(script);
        open_channel();
        struct call *call = make_call(0, 100000, 1000, 0);
        weft_alloc_fail_at(++n);
        weft_grpc_client_start(bench.client, &call->request);
        run_calls();
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_uint_eq(call->done_count, 1);
        expected_count += call->grpc_status == expected_status;
        ck_assert(has_failed || call->grpc_status == expected_status);
    }
    ck_assert_uint_gt(n, 20);
    ck_assert_uint_gt(expected_count, 1); /* some failures are borne: another connection attempt, a text left out */
}

START_TEST(test_failing_allocations_end_calls_once)
{
    fail_each_allocation(answer_gzip, 0);
    fail_each_allocation(fail_with_details, 8);
}
END_TEST

static void on_nothing_done(void *context, const struct weft_grpc_client_result *result)
{
    (void)context;
    (void)result;
}

static void cancel(void *request)
{
    weft_grpc_client_cancel(bench.client, request);
}

static void start_nowhere(void *client)
{
    struct weft_grpc_client_request request = { .path = "/", .on_done = on_nothing_done };
    weft_grpc_client_start(client, &request);
}

/* Our own mistakes: a request of another client, and a client that is none. */
START_TEST(test_channel_takes_back_its_own_only)
{
    static max_align_t nothing[256];
    open_channel();
    struct weft_grpc_client_request fresh = { .path = "/" }, other = fresh;
    other.state.phase = 1;
    ck_assert(!base_test_aborts(cancel, &fresh));
    ck_assert(base_test_aborts(cancel, &other));
    ck_assert(base_test_aborts(start_nowhere, nothing));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_answer_ok_gives_response,
        test_request_carries_fields,
        test_empty_message_is_sent,
        test_late_answer_is_taken,
        test_trailers_only_error_gives_message_and_details,
        test_answer_before_request_end_stops_it,
        test_http_errors_are_mapped,
        test_missing_grpc_status_is_unknown,
        test_gzip_response_is_inflated,
        test_gzip_response_beyond_limit_is_empty_and_truncated,
        test_response_too_large_is_truncated,
        test_broken_responses_are_refused,
        test_large_body_arrives_whole_through_tiny_windows,
        test_frames_grow_with_what_the_peer_allows,
        test_slices_of_every_size_arrive_whole,
        test_busy_channel_opens_second_connection_and_shares,
        test_idle_channel_keeps_one_connection,
        test_stream_limit_of_peer_makes_calls_wait,
        test_request_may_start_again_inside_on_done,
        test_failing_allocations_end_calls_once,
        test_channel_takes_back_its_own_only,
    };
    return run_suite("net/grpc_client", tests, WEFT_COUNT_OF(tests));
}
