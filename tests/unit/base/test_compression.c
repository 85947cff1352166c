/* Content encodings: round trips, what other encoders write, exact ends, limits at their edges, memory running out. */
#include "base/compression_test.h"

#include <zstd.h>

static const char sample_text[] = "one span, in to out; one span, in to out\n";

/* Written by zlib at level 9, with FTEXT, FHCRC, FEXTRA, FNAME and FCOMMENT. */
static const uint8_t gzip_with_every_header_field[] = {
    0x1f, 0x8b, 0x08, 0x1f, 0x00, 0xf1, 0x53, 0x65, 0x02, 0x03, 0x05, 0x00, 0x65, 0x78, 0x74, 0x72, 0x61,
    0x6e, 0x61, 0x6d, 0x65, 0x00, 0x63, 0x6f, 0x6d, 0x6d, 0x65, 0x6e, 0x74, 0x00, 0x7b, 0x56, 0xcb, 0xcf,
    0x4b, 0x55, 0x28, 0x2e, 0x48, 0xcc, 0xd3, 0x51, 0xc8, 0xcc, 0x53, 0x28, 0xc9, 0x57, 0xc8, 0x2f, 0x2d,
    0xb1, 0x56, 0xc8, 0xc7, 0x14, 0xe4, 0x02, 0x00, 0x3d, 0x3d, 0x32, 0xfa, 0x29, 0x00, 0x00, 0x00,
};
enum { GZIP_HEADER_CRC_AT = 30, GZIP_CRC_AT = 59, GZIP_LENGTH_AT = 63 };

static const uint8_t zlib_message[] = {
    0x78, 0xda, 0xcb, 0xcf, 0x4b, 0x55, 0x28, 0x2e, 0x48, 0xcc, 0xd3, 0x51, 0xc8, 0xcc, 0x53, 0x28, 0xc9,
    0x57, 0xc8, 0x2f, 0x2d, 0xb1, 0x56, 0xc8, 0xc7, 0x14, 0xe4, 0x02, 0x00, 0x27, 0x98, 0x0d, 0xca,
};

static struct weft_slice sample(void)
{
    return weft_slice_of_text(sample_text);
}

START_TEST(test_encoding_names_map_both_ways)
{
    static const struct {
        const char *name;
        enum weft_encoding encoding;
    } rows[] = {
        { "", WEFT_ENCODING_IDENTITY },
        { "identity", WEFT_ENCODING_IDENTITY },
        { "gzip", WEFT_ENCODING_GZIP },
        { "zstd", WEFT_ENCODING_ZSTD },
        { "deflate", WEFT_ENCODING_DEFLATE },
        { "zlib", WEFT_ENCODING_DEFLATE },
        { "lz4", WEFT_ENCODING_LZ4 },
        { "snappy", WEFT_ENCODING_SNAPPY },
        { "x-snappy-framed", WEFT_ENCODING_SNAPPY_FRAMED },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        enum weft_encoding encoding = WEFT_ENCODING_IDENTITY;
        ck_assert_int_eq(weft_encoding_parse(weft_slice_of_text(rows[i].name), &encoding), WEFT_OK);
        ck_assert_int_eq(encoding, rows[i].encoding);
        ck_assert_int_eq(weft_encoding_parse(weft_slice_of_text(weft_encoding_name(encoding)), &encoding), WEFT_OK);
        ck_assert_int_eq(encoding, rows[i].encoding);
    }
    enum weft_encoding shouted = WEFT_ENCODING_IDENTITY; /* in any case (RFC 9110 section 8.4.1) */
    ck_assert_int_eq(weft_encoding_parse(WEFT_SLICE_LITERAL("GZip"), &shouted), WEFT_OK);
    ck_assert_int_eq(shouted, WEFT_ENCODING_GZIP);
    enum weft_encoding untouched = WEFT_ENCODING_ZSTD;
    ck_assert_int_eq(weft_encoding_parse(weft_slice_of_text("br"), &untouched), WEFT_UNSUPPORTED);
    ck_assert_int_eq(weft_encoding_parse(weft_slice_of_text("gzipp"), &untouched), WEFT_UNSUPPORTED);
    ck_assert_int_eq(untouched, WEFT_ENCODING_ZSTD);
}
END_TEST

START_TEST(test_round_trip_gives_back_every_byte)
{
    static const size_t lengths[] = { 0, 1, 2, 63, 64, 255, 4096, 65535, 65536, 65537, 131073, 700001 };
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 700001);
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
            struct weft_slice input = weft_slice_of(text.bytes, lengths[i]);
            struct weft_payload *deflated = codec_test_deflate(&test, codec_test_encodings[e], input);
            codec_test_expect(&test, codec_test_encodings[e], weft_payload_slice(deflated), input);
            weft_payload_unref(&deflated);
        }
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_random_bytes_survive_every_level)
{
    struct codec_test test;
    codec_test_init(&test);
    static uint8_t noise[300000];
    uint64_t random = 7;
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)base_test_random(&random);
    }
    struct weft_slice input = weft_slice_of(noise, sizeof noise);
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        for (int level = -1; level <= 9; level++) {
            struct weft_payload *deflated = NULL;
            ck_assert_int_eq(
                weft_deflate(test.codec, codec_test_encodings[e], level, &input, 1, test.pool, &deflated, &test.error),
                WEFT_OK);
            codec_test_expect(&test, codec_test_encodings[e], weft_payload_slice(deflated), input);
            weft_payload_unref(&deflated);
        }
    }
    codec_test_fini(&test);
}
END_TEST

/* The slices of a batch are of every size, many of them tiny or empty; at first a large one now and then, later none.
 */
START_TEST(test_slices_deflate_like_their_concatenation)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 400000);
    static struct weft_slice slices[200000];
    uint64_t random = 99;
    size_t count = 0;
    for (size_t at = 0; at < text.length; count++) {
        size_t length = base_test_random(&random) % (count % 100 == 0 && at < 150000 ? 70000 : 40);
        length = length < text.length - at ? length : text.length - at;
        slices[count] = weft_slice_of(text.bytes + at, length);
        at += length;
    }
    slices[count++] = WEFT_SLICE_EMPTY;
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *first = NULL;
        struct weft_payload *second = NULL;
        enum weft_encoding encoding = codec_test_encodings[e];
        ck_assert_int_eq(weft_deflate(test.codec, encoding, 0, slices, count, test.pool, &first, NULL), WEFT_OK);
        ck_assert_int_eq(weft_deflate(test.codec, encoding, 0, slices, count, test.pool, &second, NULL), WEFT_OK);
        ck_assert(weft_slice_equal(weft_payload_slice(first), weft_payload_slice(second)));
        codec_test_expect(&test, encoding, weft_payload_slice(first), weft_buffer_slice(&text));
        weft_payload_unref(&first);
        weft_payload_unref(&second);
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_no_slices_deflate_to_an_empty_message)
{
    struct codec_test test;
    codec_test_init(&test);
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *deflated = NULL;
        ck_assert_int_eq(weft_deflate(test.codec, codec_test_encodings[e], 0, NULL, 0, test.pool, &deflated, NULL),
                         WEFT_OK);
        test.limits.max_inflated_bytes = 0;
        codec_test_expect(&test, codec_test_encodings[e], weft_payload_slice(deflated), WEFT_SLICE_EMPTY);
        weft_payload_unref(&deflated);
    }
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_other_encoders_are_understood)
{
    struct codec_test test;
    codec_test_init(&test);
    codec_test_expect(&test, WEFT_ENCODING_GZIP,
                      weft_slice_of(gzip_with_every_header_field, sizeof gzip_with_every_header_field), sample());
    codec_test_expect(&test, WEFT_ENCODING_DEFLATE, weft_slice_of(zlib_message, sizeof zlib_message), sample());
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_gzip_checksums_and_length_are_checked)
{
    struct codec_test test;
    codec_test_init(&test);
    static const size_t checked[] = { GZIP_HEADER_CRC_AT - 2, GZIP_CRC_AT, GZIP_CRC_AT + 3, GZIP_LENGTH_AT,
                                      GZIP_LENGTH_AT + 3 };
    for (size_t i = 0; i < WEFT_COUNT_OF(checked); i++) {
        uint8_t message[sizeof gzip_with_every_header_field];
        memcpy(message, gzip_with_every_header_field, sizeof message);
        message[checked[i]] ^= 1;
        codec_test_refused(&test, WEFT_ENCODING_GZIP, weft_slice_of(message, sizeof message), WEFT_INVALID);
    }
    uint8_t message[sizeof zlib_message];
    memcpy(message, zlib_message, sizeof message);
    message[sizeof message - 1] ^= 1;
    codec_test_refused(&test, WEFT_ENCODING_DEFLATE, weft_slice_of(message, sizeof message), WEFT_INVALID);
    codec_test_fini(&test);
}
END_TEST

/* Our own output has a body crc of ISA-L's and, asked for, a checksum of zstd's: no changed byte may pass as
 * other content. (Some header bytes carry nothing: a change there may leave the content as it is.) */
START_TEST(test_no_flipped_bit_changes_content_silently)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 3000);
    struct weft_slice content = weft_buffer_slice(&text);
    static uint8_t frame[8000];
    ZSTD_CCtx *encoder = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(encoder, ZSTD_c_checksumFlag, 1);
    size_t frame_length = ZSTD_compress2(encoder, frame, sizeof frame, content.bytes, content.length);
    ZSTD_freeCCtx(encoder);
    static const enum weft_encoding checked[] = { WEFT_ENCODING_GZIP, WEFT_ENCODING_DEFLATE, WEFT_ENCODING_ZSTD };
    for (size_t e = 0; e < WEFT_COUNT_OF(checked); e++) {
        struct weft_payload *deflated =
            checked[e] == WEFT_ENCODING_ZSTD
                ? codec_test_deflate(&test, WEFT_ENCODING_IDENTITY, weft_slice_of(frame, frame_length))
                : codec_test_deflate(&test, checked[e], content);
        for (size_t bit = 0; bit < deflated->length * 8; bit++) {
            deflated->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct weft_payload *payload = NULL;
            if (codec_test_inflate(&test, checked[e], weft_payload_slice(deflated), &payload) == WEFT_OK) {
                ck_assert(weft_slice_equal(weft_payload_slice(payload), content));
            }
            weft_payload_unref(&payload);
            deflated->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        weft_payload_unref(&deflated);
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_every_truncation_is_refused)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 5000);
    for (size_t e = 1; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *deflated = codec_test_deflate(&test, codec_test_encodings[e], weft_buffer_slice(&text));
        for (size_t length = 0; length < deflated->length; length++) {
            /* A copy of exactly that length, so that reading past it is seen. */
            uint8_t *cut = malloc(length == 0 ? 1 : length);
            memcpy(cut, deflated->bytes, length);
            /* A stream of snappy has no end: between chunks it is whole. */
            bool is_whole = codec_test_encodings[e] == WEFT_ENCODING_SNAPPY_FRAMED && (length == 0 || length == 10);
            if (is_whole) {
                codec_test_expect(&test, codec_test_encodings[e], weft_slice_of(cut, length), WEFT_SLICE_EMPTY);
            } else {
                codec_test_refused(&test, codec_test_encodings[e], weft_slice_of(cut, length), WEFT_INVALID);
            }
            free(cut);
        }
        weft_payload_unref(&deflated);
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

/* Up to 32 bytes: a decoder that reads ahead would swallow the first of them. */
START_TEST(test_trailing_garbage_is_refused_with_its_offset)
{
    struct codec_test test;
    codec_test_init(&test);
    for (size_t e = 1; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        for (size_t extra = 1; extra <= 32; extra++) {
            struct weft_payload *deflated = codec_test_deflate(&test, codec_test_encodings[e], sample());
            size_t end = deflated->length;
            ck_assert_int_eq(weft_payload_reserve(deflated, end + extra), WEFT_OK);
            uint8_t garbage[32] = { 0 };
            weft_payload_append(deflated, garbage, extra);
            codec_test_refused(&test, codec_test_encodings[e], weft_payload_slice(deflated), WEFT_INVALID);
            const char *at = strstr(test.error.text, "byte ");
            ck_assert_ptr_nonnull(at);
            bool is_block = codec_test_encodings[e] == WEFT_ENCODING_SNAPPY; /* one thing, wrong as a whole */
            ck_assert(is_block || strtoul(at + 5, NULL, 10) >= end);
            ck_assert_uint_le(strtoul(at + 5, NULL, 10), end + extra);
            weft_payload_unref(&deflated);
        }
    }
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_output_cap_is_exact)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 100000);
    static const size_t lengths[] = { 1, 2, 255, 256, 4096, 65536, 100000 };
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
            struct weft_slice content = weft_slice_of(text.bytes, lengths[i]);
            struct weft_payload *deflated = codec_test_deflate(&test, codec_test_encodings[e], content);
            test.limits.max_inflated_bytes = lengths[i];
            codec_test_expect(&test, codec_test_encodings[e], weft_payload_slice(deflated), content);
            test.limits.max_inflated_bytes = lengths[i] - 1;
            codec_test_refused(&test, codec_test_encodings[e], weft_payload_slice(deflated), WEFT_LIMIT);
            weft_payload_unref(&deflated);
        }
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

/* Two members or frames count against one cap. */
START_TEST(test_members_concatenate_and_are_counted)
{
    static const enum weft_encoding concatenable[] = { WEFT_ENCODING_GZIP, WEFT_ENCODING_ZSTD };
    struct codec_test test;
    codec_test_init(&test);
    for (size_t e = 0; e < WEFT_COUNT_OF(concatenable); e++) {
        struct weft_payload *one = codec_test_deflate(&test, concatenable[e], sample());
        struct weft_buffer many;
        struct weft_buffer expected;
        weft_buffer_init(&many, 0);
        weft_buffer_init(&expected, 0);
        for (size_t i = 0; i < 16; i++) {
            weft_buffer_append(&many, one->bytes, one->length);
            weft_buffer_append(&expected, sample().bytes, sample().length);
        }
        test.limits.max_members = 0;
        test.limits.max_inflated_bytes = expected.length;
        codec_test_expect(&test, concatenable[e], weft_buffer_slice(&many), weft_buffer_slice(&expected));
        test.limits.max_inflated_bytes = expected.length - 1;
        codec_test_refused(&test, concatenable[e], weft_buffer_slice(&many), WEFT_LIMIT);
        test.limits.max_inflated_bytes = expected.length;
        test.limits.max_members = 15;
        codec_test_refused(&test, concatenable[e], weft_buffer_slice(&many), WEFT_LIMIT);
        weft_buffer_append(&many, one->bytes, one->length);
        test.limits.max_members = 0;
        codec_test_refused(&test, concatenable[e], weft_buffer_slice(&many), WEFT_LIMIT);
        weft_buffer_fini(&many);
        weft_buffer_fini(&expected);
        weft_payload_unref(&one);
    }
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_deflate_takes_one_message_only)
{
    struct codec_test test;
    codec_test_init(&test);
    uint8_t twice[2 * sizeof zlib_message];
    memcpy(twice, zlib_message, sizeof zlib_message);
    memcpy(twice + sizeof zlib_message, zlib_message, sizeof zlib_message);
    codec_test_refused(&test, WEFT_ENCODING_DEFLATE, weft_slice_of(twice, sizeof twice), WEFT_INVALID);
    codec_test_fini(&test);
}
END_TEST

/* A streaming encoder does not know the length: the frame declares none. */
START_TEST(test_zstd_frame_without_length_inflates)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 500000);
    static uint8_t frame[600000];
    ZSTD_CCtx *encoder = ZSTD_createCCtx();
    ZSTD_outBuffer output = { frame, sizeof frame, 0 };
    for (size_t at = 0; at < text.length; at += 1000) {
        ZSTD_inBuffer input = { text.bytes + at, 1000, 0 };
        ck_assert(!ZSTD_isError(ZSTD_compressStream2(encoder, &output, &input, ZSTD_e_flush)));
    }
    ZSTD_inBuffer input = { NULL, 0, 0 };
    ck_assert_uint_eq(ZSTD_compressStream2(encoder, &output, &input, ZSTD_e_end), 0);
    ZSTD_freeCCtx(encoder);
    ck_assert_uint_eq(ZSTD_getFrameContentSize(frame, output.pos), ZSTD_CONTENTSIZE_UNKNOWN);
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, weft_slice_of(frame, output.pos), weft_buffer_slice(&text));
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_contexts_are_reused_after_refusals)
{
    struct codec_test test;
    codec_test_init(&test);
    for (size_t e = 1; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        enum weft_encoding encoding = codec_test_encodings[e];
        struct weft_payload *deflated = codec_test_deflate(&test, encoding, sample());
        codec_test_expect(&test, encoding, weft_payload_slice(deflated), sample());
        uint64_t charged = weft_budget_reserved(&test.budget);
        ck_assert_uint_gt(charged, 10000);
        for (size_t i = 0; i < 20; i++) {
            codec_test_refused(&test, encoding, weft_slice_of(deflated->bytes, deflated->length - 1), WEFT_INVALID);
            codec_test_expect(&test, encoding, weft_payload_slice(deflated), sample());
            struct weft_payload *again = codec_test_deflate(&test, encoding, sample());
            weft_payload_unref(&again);
        }
        ck_assert_uint_eq(weft_budget_reserved(&test.budget), charged);
        weft_payload_unref(&deflated);
    }
    codec_test_fini(&test);
}
END_TEST

static void expect_charged_for(struct codec_test *test, const struct weft_payload *payload, uint64_t before)
{
    uint64_t charged = weft_budget_reserved(&test->budget) - before;
    ck_assert_uint_ge(charged, payload->length);
    ck_assert_uint_ge(payload->resident, payload->length);
}

/* The contexts are there already, so what is charged is for the bytes. */
START_TEST(test_what_is_inflated_and_deflated_is_charged)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 700001);
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        enum weft_encoding encoding = codec_test_encodings[e];
        struct weft_payload *first = codec_test_deflate(&test, encoding, weft_buffer_slice(&text));
        codec_test_expect(&test, encoding, weft_payload_slice(first), weft_buffer_slice(&text));
        weft_payload_pool_trim(test.pool); /* a block that was used before is charged whatever comes into it */
        uint64_t before = weft_budget_reserved(&test.budget);
        struct weft_payload *deflated = codec_test_deflate(&test, encoding, weft_buffer_slice(&text));
        expect_charged_for(&test, deflated, before);
        before = weft_budget_reserved(&test.budget);
        struct weft_payload *inflated = NULL;
        ck_assert_int_eq(codec_test_inflate(&test, encoding, weft_payload_slice(first), &inflated), WEFT_OK);
        expect_charged_for(&test, inflated, before);
        weft_payload_unref(&inflated);
        weft_payload_unref(&deflated);
        weft_payload_unref(&first);
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

/* One inflate and one deflate with the n-th allocation failing. */
static bool survives_failure_at(enum weft_encoding encoding, struct weft_slice deflated, struct weft_slice content,
                                size_t nth_call)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_payload *inflated = NULL;
    struct weft_payload *again = NULL;
    weft_alloc_fail_at(nth_call);
    enum weft_status inflate_status = codec_test_inflate(&test, encoding, deflated, &inflated);
    enum weft_status deflate_status =
        weft_deflate(test.codec, encoding, 0, &content, 1, test.pool, &again, &test.error);
    bool has_failed = weft_alloc_has_failed();
    weft_alloc_fail_at(0);
    ck_assert(inflate_status == WEFT_OK || inflate_status == WEFT_NOMEM);
    ck_assert(deflate_status == WEFT_OK || deflate_status == WEFT_NOMEM);
    ck_assert_int_eq(has_failed, inflate_status != WEFT_OK || deflate_status != WEFT_OK);
    weft_payload_unref(&inflated);
    weft_payload_unref(&again);
    codec_test_expect(&test, encoding, deflated, content);
    codec_test_fini(&test);
    return has_failed;
}

START_TEST(test_every_allocation_may_fail)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, 20000);
    uint8_t zeros[30000] = { 0 };
    weft_buffer_append(&text, zeros, sizeof zeros);
    for (size_t e = 0; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *deflated = codec_test_deflate(&test, codec_test_encodings[e], weft_buffer_slice(&text));
        size_t nth = 1;
        while (
            survives_failure_at(codec_test_encodings[e], weft_payload_slice(deflated), weft_buffer_slice(&text), nth)) {
            nth++;
        }
        ck_assert_uint_gt(nth, 4);
        weft_payload_unref(&deflated);
    }
    weft_buffer_fini(&text);
    codec_test_fini(&test);
}
END_TEST

/* "weft weft weft" in each form, as its description has it. */
static const uint8_t snappy_block[] = { 14, 4 << 2, 'w', 'e', 'f', 't', ' ', (9 - 4) << 2 | 1, 5 };
static const uint8_t snappy_stream[] = { 0xff, 6, 0, 0, 's', 'N', 'a',  'P',  'p',  'Y',  0xfe, 2,   0,   0,
                                         0,    0, 1, 8, 0,   0,   0xbd, 0x63, 0x5a, 0x17, 'w',  'e', 'f', 't' };

START_TEST(test_snappy_is_told_by_its_look)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_slice block = weft_slice_of(snappy_block, sizeof snappy_block);
    struct weft_slice text = WEFT_SLICE_LITERAL("weft weft weft");
    codec_test_expect(&test, WEFT_ENCODING_SNAPPY, block, text);
    codec_test_refused(&test, WEFT_ENCODING_SNAPPY_FRAMED, block, WEFT_INVALID);
    struct weft_payload *framed = codec_test_deflate(&test, WEFT_ENCODING_SNAPPY_FRAMED, text);
    codec_test_expect(&test, WEFT_ENCODING_SNAPPY, weft_payload_slice(framed), text);
    ck_assert_int_eq(weft_encoding_of(WEFT_ENCODING_SNAPPY, weft_payload_slice(framed)), WEFT_ENCODING_SNAPPY_FRAMED);
    ck_assert_int_eq(weft_encoding_of(WEFT_ENCODING_SNAPPY, block), WEFT_ENCODING_SNAPPY);
    weft_payload_unref(&framed);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_snappy_chunks_are_checked)
{
    struct codec_test test;
    codec_test_init(&test);
    uint8_t bytes[sizeof snappy_stream];
    enum { CHECKSUM_AT = 20, TYPE_AT = 16 };
    memcpy(bytes, snappy_stream, sizeof bytes);
    codec_test_refused(&test, WEFT_ENCODING_SNAPPY_FRAMED, weft_slice_of(bytes, sizeof bytes), WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(test.error.text, "wrong checksum")); /* of another text */
    struct weft_payload *framed = codec_test_deflate(&test, WEFT_ENCODING_SNAPPY_FRAMED, WEFT_SLICE_LITERAL("weft"));
    ck_assert_uint_eq(framed->length, 10 + 4 + 4 + 4); /* so short a text stays as it is */
    memcpy(bytes + CHECKSUM_AT, framed->bytes + 14, 4);
    weft_payload_unref(&framed);
    codec_test_expect(&test, WEFT_ENCODING_SNAPPY_FRAMED, weft_slice_of(bytes, sizeof bytes),
                      WEFT_SLICE_LITERAL("weft"));
    bytes[TYPE_AT - 6] = 0x7f; /* must be known, and is not */
    codec_test_refused(&test, WEFT_ENCODING_SNAPPY_FRAMED, weft_slice_of(bytes, sizeof bytes), WEFT_INVALID);
    codec_test_fini(&test);
}
END_TEST

static const uint8_t lz4_skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z' };

START_TEST(test_lz4_frames_are_checked)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_slice text = WEFT_SLICE_LITERAL("weft weft weft");
    struct weft_payload *frame = codec_test_deflate(&test, WEFT_ENCODING_LZ4, text);
    uint8_t bytes[256];
    size_t length = frame->length;
    memcpy(bytes, lz4_skippable, sizeof lz4_skippable);
    memcpy(bytes + 11, frame->bytes, length);
    memcpy(bytes + 11 + length, frame->bytes, length);
    codec_test_expect(&test, WEFT_ENCODING_LZ4, weft_slice_of(bytes, 11 + 2 * length),
                      WEFT_SLICE_LITERAL("weft weft weftweft weft weft"));
    for (size_t cut = 0; cut < length; cut++) {
        codec_test_refused(&test, WEFT_ENCODING_LZ4, weft_slice_of(frame->bytes, cut), WEFT_INVALID);
    }
    for (size_t i = 0; i < length; i++) { /* everything in it is under a checksum, or says what is known */
        memcpy(bytes, frame->bytes, length);
        bytes[i] ^= 0x41;
        struct weft_payload *payload = NULL;
        ck_assert_msg(codec_test_inflate(&test, WEFT_ENCODING_LZ4, weft_slice_of(bytes, length), &payload) != WEFT_OK,
                      "byte %zu", i);
    }
    weft_payload_unref(&frame);
    codec_test_fini(&test);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_encoding_names_map_both_ways),
        BASE_TEST(test_round_trip_gives_back_every_byte),
        BASE_TEST(test_snappy_is_told_by_its_look),
        BASE_TEST(test_snappy_chunks_are_checked),
        BASE_TEST(test_lz4_frames_are_checked),
        BASE_TEST(test_random_bytes_survive_every_level),
        BASE_TEST(test_slices_deflate_like_their_concatenation),
        BASE_TEST(test_no_slices_deflate_to_an_empty_message),
        BASE_TEST(test_other_encoders_are_understood),
        BASE_TEST(test_gzip_checksums_and_length_are_checked),
        BASE_TEST(test_no_flipped_bit_changes_content_silently),
        BASE_TEST(test_every_truncation_is_refused),
        BASE_TEST(test_trailing_garbage_is_refused_with_its_offset),
        BASE_TEST(test_output_cap_is_exact),
        BASE_TEST(test_members_concatenate_and_are_counted),
        BASE_TEST(test_deflate_takes_one_message_only),
        BASE_TEST(test_zstd_frame_without_length_inflates),
        BASE_TEST(test_contexts_are_reused_after_refusals),
        BASE_TEST(test_what_is_inflated_and_deflated_is_charged),
        BASE_TEST(test_every_allocation_may_fail),
    };
    return BASE_TEST_RUN("compression", tests);
}
