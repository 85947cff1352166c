/* What exporters send for a batch: in every form, forwarded or written anew, with every allocation failing in turn; and
 * the words of the `compression` key. */
#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "pipeline/exporter_body.h"
#include "suite.h"

/* One resource, one scope, one span "s" with ids of 1s and 2s. */
static const char request[] = "\x0a\x23\x12\x21\x12\x1f"
                              "\x0a\x10\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
                              "\x12\x08\2\2\2\2\2\2\2\2"
                              "\x2a\x01s";
enum { REQUEST_LENGTH = sizeof request - 1 };
static const char json[] =
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"01010101010101010101010101010101\","
    "\"spanId\":\"0202020202020202\",\"name\":\"s\"}]}]}]}";

static struct weft_budget budget;
static struct weft_host host;

static void set_up(void)
{
    memset(&budget, 0, sizeof budget);
    host = (struct weft_host){ .budget = &budget,
                               .pool = weft_payload_pool_new(&budget, 1 << 20),
                               .codec = weft_codec_new(&budget) };
}

static void tear_down(void)
{
    weft_codec_free(host.codec);
    weft_payload_pool_free(host.pool);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

static struct weft_payload *make_payload(const void *bytes, size_t length)
{
    struct weft_payload *payload = weft_payload_try_new(host.pool, length);
    weft_payload_append(payload, bytes, length);
    return payload;
}

static struct weft_batch *make_batch(struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    struct weft_otlp_counts counts;
    struct weft_slice bytes = weft_slice_of(request, REQUEST_LENGTH);
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, bytes, &(struct weft_otlp_limits){ 0 }, &counts, NULL), WEFT_OK);
    struct weft_payload *payload = make_payload(request, REQUEST_LENGTH);
    struct weft_batch *batch = weft_batch_try_new(WEFT_TRACES, &payload, wire, wire_encoding, &counts, NULL);
    ck_assert_ptr_nonnull(batch);
    return batch;
}

static struct weft_batch *make_merged_batch(void)
{
    struct weft_batch *batch = make_batch(NULL, WEFT_ENCODING_IDENTITY),
                      *other = make_batch(NULL, WEFT_ENCODING_IDENTITY);
    ck_assert_int_eq(weft_batch_merge(batch, &other), WEFT_OK);
    return batch;
}

/* What the slices hold, without the compression. */
static void read_body(const struct weft_exporter_body *body, enum weft_encoding encoding, struct weft_buffer *out)
{
    struct weft_buffer sent;
    weft_buffer_init(&sent, 0);
    for (size_t i = 0; i < body->slices.count; i++) {
        weft_buffer_append(&sent, body->slices.items[i].bytes, body->slices.items[i].length);
    }
    ck_assert_uint_eq(sent.length, body->slices.length);
    const struct weft_codec_limits limits = { .max_inflated_bytes = 1 << 20 };
    struct weft_payload *inflated = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    if (encoding == WEFT_ENCODING_IDENTITY) {
        weft_buffer_append(out, sent.bytes, sent.length);
    } else {
        ck_assert_msg(weft_inflate(host.codec, encoding, weft_buffer_slice(&sent), &limits, host.pool, &inflated,
                                   &error) == WEFT_OK,
                      "%s", error.text);
        weft_buffer_append(out, inflated->bytes, inflated->length);
        weft_payload_unref(&inflated);
    }
    weft_buffer_fini(&sent);
}

static void expect_body(const struct weft_batch *batch, struct weft_body_form form, struct weft_slice expected)
{
    struct weft_exporter_body body;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer got;
    weft_buffer_init(&got, 0);
    ck_assert_msg(weft_exporter_body_make(&body, batch, &form, &host, &error) == WEFT_OK, "%s", error.text);
    read_body(&body, form.encoding, &got);
    ck_assert(weft_slice_equal(weft_buffer_slice(&got), expected));
    weft_buffer_fini(&got);
    weft_exporter_body_fini(&body, &host);
    weft_exporter_body_fini(&body, &host);
}

static const enum weft_encoding encodings[] = { WEFT_ENCODING_IDENTITY, WEFT_ENCODING_GZIP, WEFT_ENCODING_ZSTD,
                                                WEFT_ENCODING_DEFLATE };

START_TEST(test_every_form_holds_the_request)
{
    struct weft_batch *single = make_batch(NULL, WEFT_ENCODING_IDENTITY), *merged = make_merged_batch();
    char twice[2 * REQUEST_LENGTH];
    memcpy(twice, request, REQUEST_LENGTH);
    memcpy(twice + REQUEST_LENGTH, request, REQUEST_LENGTH);
    char both[2 * sizeof json];
    size_t inner = sizeof json - 1 - 20; /* {"resourceSpans":[ ... ]} */
    int both_length =
        snprintf(both, sizeof both, "{\"resourceSpans\":[%.*s,%.*s]}", (int)inner, json + 18, (int)inner, json + 18);
    for (size_t i = 0; i < WEFT_COUNT_OF(encodings); i++) {
        struct weft_body_form form = { WEFT_TRACES, WEFT_BODY_PROTOBUF, encodings[i], 0 };
        expect_body(single, form, weft_slice_of(request, REQUEST_LENGTH));
        expect_body(merged, form, weft_slice_of(twice, sizeof twice));
        form.format = WEFT_BODY_JSON;
        expect_body(single, form, weft_slice_of_text(json));
        expect_body(merged, form, weft_slice_of(both, (size_t)both_length));
    }
    weft_batch_end(&single, NULL, -1);
    weft_batch_end(&merged, NULL, -1);
}
END_TEST

START_TEST(test_compressed_message_goes_on_as_it_came)
{
    struct weft_slice plain = weft_slice_of(request, REQUEST_LENGTH);
    struct weft_payload *wire = NULL;
    ck_assert_int_eq(weft_deflate(host.codec, WEFT_ENCODING_GZIP, 0, &plain, 1, host.pool, &wire, NULL), WEFT_OK);
    struct weft_batch *batch = make_batch(wire, WEFT_ENCODING_GZIP);
    const uint8_t *bytes = wire->bytes;
    weft_payload_unref(&wire);

    struct weft_exporter_body body;
    struct weft_body_form form = { WEFT_TRACES, WEFT_BODY_PROTOBUF, WEFT_ENCODING_GZIP, 0 };
    ck_assert_int_eq(weft_exporter_body_make(&body, batch, &form, &host, NULL), WEFT_OK);
    ck_assert_uint_eq(body.slices.count, 1);
    ck_assert_ptr_eq(body.slices.items[0].bytes, bytes);
    weft_exporter_body_fini(&body, &host);

    form.format = WEFT_BODY_JSON; /* what came in is protobuf */
    expect_body(batch, form, weft_slice_of_text(json));
    form = (struct weft_body_form){ WEFT_TRACES, WEFT_BODY_PROTOBUF, WEFT_ENCODING_ZSTD, 0 };
    expect_body(batch, form, plain);
    form.encoding = WEFT_ENCODING_IDENTITY;
    expect_body(batch, form, plain);
    weft_batch_end(&batch, NULL, -1);
}
END_TEST

START_TEST(test_each_failing_allocation_leaves_nothing_behind)
{
    struct weft_batch *batch = make_merged_batch();
    for (int format = WEFT_BODY_PROTOBUF; format <= WEFT_BODY_JSON; format++) {
        bool has_failed = true;
        for (size_t nth = 1; has_failed; nth++) {
            struct weft_body_form form = { WEFT_TRACES, (enum weft_body_format)format, WEFT_ENCODING_GZIP, 0 };
            struct weft_exporter_body body;
            struct weft_error error = WEFT_ERROR_NONE;
            weft_alloc_fail_at(nth);
            enum weft_status status = weft_exporter_body_make(&body, batch, &form, &host, &error);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert(status == WEFT_OK || (status == WEFT_NOMEM && error.text[0] != '\0'));
            ck_assert(status == WEFT_NOMEM ? has_failed && body.slices.count == 0 : body.slices.length > 0);
            weft_exporter_body_fini(&body, &host);
        }
    }
    weft_batch_end(&batch, NULL, -1);
}
END_TEST

START_TEST(test_compression_words_are_the_families)
{
    static const struct {
        const char *name;
        enum weft_status grpc, http;
        enum weft_encoding encoding;
    } words[] = {
        { "", WEFT_OK, WEFT_OK, WEFT_ENCODING_IDENTITY },
        { "none", WEFT_OK, WEFT_OK, WEFT_ENCODING_IDENTITY },
        { "gzip", WEFT_OK, WEFT_OK, WEFT_ENCODING_GZIP },
        { "zstd", WEFT_OK, WEFT_OK, WEFT_ENCODING_ZSTD },
        { "deflate", WEFT_INVALID, WEFT_OK, WEFT_ENCODING_DEFLATE },
        { "zlib", WEFT_INVALID, WEFT_OK, WEFT_ENCODING_DEFLATE },
        { "snappy", WEFT_OK, WEFT_OK, WEFT_ENCODING_SNAPPY }, /* over gRPC framed, which HTTP's then overwrites */
        { "lz4", WEFT_INVALID, WEFT_OK, WEFT_ENCODING_LZ4 },
        { "x-snappy-framed", WEFT_INVALID, WEFT_OK, WEFT_ENCODING_SNAPPY_FRAMED },
        { "GZIP", WEFT_INVALID, WEFT_INVALID, WEFT_ENCODING_IDENTITY },
        { "brotli", WEFT_INVALID, WEFT_INVALID, WEFT_ENCODING_IDENTITY },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        enum weft_encoding encoding = WEFT_ENCODING_IDENTITY;
        ck_assert_int_eq(weft_exporter_parse_compression(words[i].name, WEFT_COMPRESSION_GRPC, &encoding, NULL),
                         words[i].grpc);
        ck_assert_int_eq(weft_exporter_parse_compression(words[i].name, WEFT_COMPRESSION_HTTP, &encoding, NULL),
                         words[i].http);
        ck_assert_int_eq(encoding, words[i].encoding);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exporter_body");
    const TTest *const tests[] = {
        test_every_form_holds_the_request,
        test_compressed_message_goes_on_as_it_came,
        test_each_failing_allocation_leaves_nothing_behind,
        test_compression_words_are_the_families,
    };
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < WEFT_COUNT_OF(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
