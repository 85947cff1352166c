#pragma once

/* A codec with its budget and pool, and text that compresses like telemetry does. */
#include <string.h>

#include "base/base_test.h"
#include "base/alloc.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "base/compression.h"
#include "base/payload.h"

struct codec_test {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    struct weft_codec_limits limits;
    struct weft_error error;
};

static const enum weft_encoding codec_test_encodings[] = {
    WEFT_ENCODING_IDENTITY, WEFT_ENCODING_GZIP,          WEFT_ENCODING_ZSTD, WEFT_ENCODING_DEFLATE,
    WEFT_ENCODING_SNAPPY,   WEFT_ENCODING_SNAPPY_FRAMED, WEFT_ENCODING_LZ4,
};

static inline void codec_test_init(struct codec_test *test)
{
    *test = (struct codec_test){ .limits = { .max_inflated_bytes = 64 << 20 } };
    test->pool = weft_payload_pool_new(&test->budget, 1 << 20);
    test->codec = weft_codec_new(&test->budget);
}

/* Nothing may be left charged. */
static inline void codec_test_fini(struct codec_test *test)
{
    weft_codec_free(test->codec);
    weft_payload_pool_free(test->pool);
    ck_assert_uint_eq(weft_budget_reserved(&test->budget), 0);
}

static inline enum weft_status codec_test_inflate(struct codec_test *test, enum weft_encoding encoding,
                                                  struct weft_slice input, struct weft_payload **out_payload)
{
    test->error = WEFT_ERROR_NONE;
    return weft_inflate(test->codec, encoding, input, &test->limits, test->pool, out_payload, &test->error);
}

static inline struct weft_payload *codec_test_deflate(struct codec_test *test, enum weft_encoding encoding,
                                                      struct weft_slice input)
{
    struct weft_payload *payload = NULL;
    ck_assert_int_eq(weft_deflate(test->codec, encoding, 0, &input, 1, test->pool, &payload, &test->error), WEFT_OK);
    return payload;
}

static inline void codec_test_expect(struct codec_test *test, enum weft_encoding encoding, struct weft_slice input,
                                     struct weft_slice expected)
{
    struct weft_payload *payload = NULL;
    enum weft_status status = codec_test_inflate(test, encoding, input, &payload);
    ck_assert_msg(status == WEFT_OK, "%s: %s", weft_encoding_name(encoding), test->error.text);
    ck_assert_uint_eq(payload->length, expected.length);
    ck_assert(weft_slice_equal(weft_payload_slice(payload), expected));
    weft_payload_unref(&payload);
}

/* Refused with this status, nothing lent, nothing charged for it. */
static inline void codec_test_refused(struct codec_test *test, enum weft_encoding encoding, struct weft_slice input,
                                      enum weft_status expected)
{
    struct weft_payload *payload = NULL;
    enum weft_status status = codec_test_inflate(test, encoding, input, &payload);
    ck_assert_msg(status == expected, "%s: %s instead of %s: %s", weft_encoding_name(encoding),
                  weft_status_name(status), weft_status_name(expected), test->error.text);
    ck_assert_ptr_null(payload);
    ck_assert_int_eq(test->error.status, expected);
}

static inline void codec_test_append_telemetry(struct weft_buffer *buffer, size_t length)
{
    uint64_t random = 88172645463325252u;
    while (buffer->length < length) {
        weft_buffer_append_format(buffer, "http.request.method GET url.path /v1/items/%llu span_id %016llx ok\n",
                                  (unsigned long long)base_test_random(&random) % 1000,
                                  (unsigned long long)base_test_random(&random));
    }
    buffer->length = length;
}
