/* Messages made to cost more than they weigh: each is refused within its limit, and no allocation is larger
 * than the limit and the bytes that arrived justify. */
#include "base/compression_test.h"

enum { CAP_BYTES = 4 << 20, LARGEST_ALLOWED = CAP_BYTES + CAP_BYTES / 2, ZERO_CHUNK = 1 << 20, ZERO_CHUNKS = 256 };

/* Called by the address sanitizer's allocator; without it the sizes are not seen and only the statuses are tested. */
static size_t largest_allocation;
void __sanitizer_malloc_hook(const volatile void *memory, size_t size_bytes);
void __sanitizer_malloc_hook(const volatile void *memory, size_t size_bytes)
{
    (void)memory;
    largest_allocation = size_bytes > largest_allocation ? size_bytes : largest_allocation;
}

static struct weft_payload *deflated_zeros(struct codec_test *test, enum weft_encoding encoding, size_t chunk_count)
{
    static const uint8_t zeros[ZERO_CHUNK];
    static struct weft_slice slices[ZERO_CHUNKS];
    for (size_t i = 0; i < chunk_count; i++) {
        slices[i] = weft_slice_of(zeros, sizeof zeros);
    }
    struct weft_payload *deflated = NULL;
    ck_assert_int_eq(weft_deflate(test->codec, encoding, 0, slices, chunk_count, test->pool, &deflated, NULL), WEFT_OK);
    return deflated;
}

static void refuse_within_cap(struct codec_test *test, enum weft_encoding encoding, struct weft_slice message,
                              enum weft_status expected)
{
    uint64_t charged = weft_budget_reserved(&test->budget);
    largest_allocation = 0;
    codec_test_refused(test, encoding, message, expected);
    ck_assert_uint_le(largest_allocation, LARGEST_ALLOWED);
    ck_assert_uint_le(weft_budget_reserved(&test->budget), charged + (1 << 20)); /* a context at most */
}

START_TEST(test_zeros_are_refused_at_the_cap)
{
    struct codec_test test;
    codec_test_init(&test);
    for (size_t e = 1; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *bomb = deflated_zeros(&test, codec_test_encodings[e], ZERO_CHUNKS);
        bool is_snappy = codec_test_encodings[e] == WEFT_ENCODING_SNAPPY ||
                         codec_test_encodings[e] == WEFT_ENCODING_SNAPPY_FRAMED; /* 21 times at most */
        ck_assert(is_snappy || bomb->length < CAP_BYTES);
        test.limits.max_inflated_bytes = CAP_BYTES;
        refuse_within_cap(&test, codec_test_encodings[e], weft_payload_slice(bomb), WEFT_LIMIT);
        ck_assert_ptr_nonnull(strstr(test.error.text, "max_inflated_bytes"));
        weft_payload_unref(&bomb);
    }
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_ratio_binds_after_the_first_mebibyte)
{
    struct codec_test test;
    codec_test_init(&test);
    test.limits.max_ratio = 20;
    for (size_t e = 1; e < WEFT_COUNT_OF(codec_test_encodings); e++) {
        struct weft_payload *small = deflated_zeros(&test, codec_test_encodings[e], 1);
        struct weft_payload *inflated = NULL;
        ck_assert_int_eq(codec_test_inflate(&test, codec_test_encodings[e], weft_payload_slice(small), &inflated),
                         WEFT_OK);
        ck_assert_uint_eq(inflated->length, ZERO_CHUNK);
        weft_payload_unref(&inflated);
        weft_payload_unref(&small);
        struct weft_payload *large = deflated_zeros(&test, codec_test_encodings[e], 2);
        refuse_within_cap(&test, codec_test_encodings[e], weft_payload_slice(large), WEFT_LIMIT);
        ck_assert_ptr_nonnull(strstr(test.error.text, "max_ratio"));
        weft_payload_unref(&large);
    }
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_nested_message_is_inflated_once)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_payload *inner = deflated_zeros(&test, WEFT_ENCODING_GZIP, 64);
    struct weft_payload *outer = codec_test_deflate(&test, WEFT_ENCODING_GZIP, weft_payload_slice(inner));
    test.limits.max_inflated_bytes = inner->length;
    codec_test_expect(&test, WEFT_ENCODING_GZIP, weft_payload_slice(outer), weft_payload_slice(inner));
    weft_payload_unref(&inner);
    weft_payload_unref(&outer);
    codec_test_fini(&test);
}
END_TEST

static void refuse_repeated(enum weft_encoding encoding, struct weft_slice member)
{
    struct codec_test test;
    codec_test_init(&test);
    test.limits.max_inflated_bytes = CAP_BYTES;
    struct weft_buffer many;
    weft_buffer_init(&many, 0);
    for (size_t i = 0; i < 100000; i++) {
        weft_buffer_append(&many, member.bytes, member.length);
    }
    ck_assert_int_eq(weft_buffer_status(&many), WEFT_OK);
    refuse_within_cap(&test, encoding, weft_buffer_slice(&many), WEFT_LIMIT);
    ck_assert_ptr_nonnull(strstr(test.error.text, "max_members"));
    weft_buffer_fini(&many);
    codec_test_fini(&test);
}

START_TEST(test_empty_members_are_counted)
{
    static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0 };
    static const uint8_t empty_frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00 };
    static const uint8_t empty_member[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    refuse_repeated(WEFT_ENCODING_ZSTD, weft_slice_of(skippable, sizeof skippable));
    refuse_repeated(WEFT_ENCODING_ZSTD, weft_slice_of(empty_frame, sizeof empty_frame));
    refuse_repeated(WEFT_ENCODING_GZIP, weft_slice_of(empty_member, sizeof empty_member));
    struct codec_test test;
    codec_test_init(&test);
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, weft_slice_of(skippable, sizeof skippable), WEFT_SLICE_EMPTY);
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, weft_slice_of(empty_frame, sizeof empty_frame), WEFT_SLICE_EMPTY);
    codec_test_expect(&test, WEFT_ENCODING_GZIP, weft_slice_of(empty_member, sizeof empty_member), WEFT_SLICE_EMPTY);
    codec_test_fini(&test);
}
END_TEST

/* A skippable frame whose length points beyond the message, up to the largest there is. */
START_TEST(test_skippable_frame_beyond_the_end_is_truncated)
{
    struct codec_test test;
    codec_test_init(&test);
    for (int i = 0; i < 32; i++) {
        uint32_t length = UINT32_C(1) << i;
        uint8_t frame[8] = { 0x5f,
                             0x2a,
                             0x4d,
                             0x18,
                             (uint8_t)length,
                             (uint8_t)(length >> 8),
                             (uint8_t)(length >> 16),
                             (uint8_t)(length >> 24) };
        refuse_within_cap(&test, WEFT_ENCODING_ZSTD, weft_slice_of(frame, sizeof frame), WEFT_INVALID);
    }
    uint8_t largest[8] = { 0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff };
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, weft_slice_of(largest, sizeof largest), WEFT_INVALID);
    codec_test_fini(&test);
}
END_TEST

/* One frame with a window descriptor and one repeated byte. */
static void window_frame(uint8_t window_descriptor, uint8_t *out_frame)
{
    const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, window_descriptor, 0x23, 0x00, 0x00, 'x' };
    memcpy(out_frame, frame, sizeof frame);
}

START_TEST(test_window_is_limited_by_its_exact_size)
{
    struct codec_test test;
    codec_test_init(&test);
    test.limits.max_inflated_bytes = CAP_BYTES;
    uint8_t frame[10];
    struct weft_slice message = weft_slice_of(frame, sizeof frame);
    window_frame((23 - 10) << 3, frame);
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, message, weft_slice_of("xxxx", 4));
    window_frame((23 - 10) << 3 | 1, frame);
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_LIMIT);
    window_frame((31 - 10) << 3, frame);
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_LIMIT);
    window_frame(0xff, frame);
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_LIMIT);
    test.limits.max_window_log = 12;
    window_frame((12 - 10) << 3, frame);
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, message, weft_slice_of("xxxx", 4));
    window_frame((13 - 10) << 3, frame);
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_LIMIT);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_declared_length_is_not_believed)
{
    struct codec_test test;
    codec_test_init(&test);
    /* Single segment, 2 GiB less 16 bytes declared, one block of four bytes. */
    uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xf0, 0xff, 0xff, 0x7f, 0x23, 0x00, 0x00, 'x' };
    struct weft_slice message = weft_slice_of(frame, sizeof frame);
    test.limits.max_inflated_bytes = CAP_BYTES;
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_LIMIT);
    test.limits.max_inflated_bytes = SIZE_MAX;
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_INVALID);
    frame[5] = 3; /* and fewer than there are */
    frame[6] = frame[7] = frame[8] = 0;
    refuse_within_cap(&test, WEFT_ENCODING_ZSTD, message, WEFT_INVALID);
    frame[5] = 4;
    codec_test_expect(&test, WEFT_ENCODING_ZSTD, message, weft_slice_of("xxxx", 4));
    struct weft_payload *gzip = codec_test_deflate(&test, WEFT_ENCODING_GZIP, weft_slice_of_text("four"));
    gzip->bytes[gzip->length - 1] = 0x7f;
    refuse_within_cap(&test, WEFT_ENCODING_GZIP, weft_payload_slice(gzip), WEFT_INVALID);
    weft_payload_unref(&gzip);
    codec_test_fini(&test);
}
END_TEST

/* The last member declares far less than the first ones hold: room is found by doubling. */
START_TEST(test_declared_length_may_be_too_small)
{
    struct codec_test test;
    codec_test_init(&test);
    struct weft_payload *large = deflated_zeros(&test, WEFT_ENCODING_GZIP, 3);
    struct weft_payload *small = codec_test_deflate(&test, WEFT_ENCODING_GZIP, weft_slice_of_text("x"));
    struct weft_buffer message;
    weft_buffer_init(&message, 0);
    weft_buffer_append(&message, large->bytes, large->length);
    weft_buffer_append(&message, small->bytes, small->length);
    struct weft_payload *inflated = NULL;
    ck_assert_int_eq(codec_test_inflate(&test, WEFT_ENCODING_GZIP, weft_buffer_slice(&message), &inflated), WEFT_OK);
    ck_assert_uint_eq(inflated->length, 3 * ZERO_CHUNK + 1);
    ck_assert_int_eq(inflated->bytes[3 * ZERO_CHUNK], 'x');
    weft_payload_unref(&inflated);
    weft_buffer_fini(&message);
    weft_payload_unref(&large);
    weft_payload_unref(&small);
    codec_test_fini(&test);
}
END_TEST

START_TEST(test_only_the_standard_zstd_format_is_decoded)
{
    struct codec_test test;
    codec_test_init(&test);
    for (uint8_t version = 0x1e; version <= 0x27; version++) { /* v0.1 to v0.7 */
        uint8_t legacy[] = { version, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00 };
        codec_test_refused(&test, WEFT_ENCODING_ZSTD, weft_slice_of(legacy, sizeof legacy), WEFT_INVALID);
    }
    /* Dictionary 7 wanted. */
    const uint8_t with_dictionary[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 4, 0x23, 0x00, 0x00, 'x' };
    codec_test_refused(&test, WEFT_ENCODING_ZSTD, weft_slice_of(with_dictionary, sizeof with_dictionary), WEFT_INVALID);
    const uint8_t zlib_with_dictionary[] = { 0x78, 0xbb, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1 };
    codec_test_refused(&test, WEFT_ENCODING_DEFLATE, weft_slice_of(zlib_with_dictionary, sizeof zlib_with_dictionary),
                       WEFT_INVALID);
    codec_test_fini(&test);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_zeros_are_refused_at_the_cap),
        BASE_TEST(test_ratio_binds_after_the_first_mebibyte),
        BASE_TEST(test_nested_message_is_inflated_once),
        BASE_TEST(test_empty_members_are_counted),
        BASE_TEST(test_skippable_frame_beyond_the_end_is_truncated),
        BASE_TEST(test_window_is_limited_by_its_exact_size),
        BASE_TEST(test_declared_length_is_not_believed),
        BASE_TEST(test_declared_length_may_be_too_small),
        BASE_TEST(test_only_the_standard_zstd_format_is_decoded),
    };
    return BASE_TEST_RUN("compression_bombs", tests);
}
