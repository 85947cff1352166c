/* Blocks of snappy, held against libsnappy: each reads what the other wrote, and both refuse the same bytes. */
#include "base/snappy_block.h"

#include <snappy-c.h>

#include "base/base_test.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/compression_test.h"

enum { LARGEST = 300000, SMALL = 400, MUTATIONS = 20000 };

/* As compression_snappy.c does it: piece by piece. */
static size_t deflate(const uint8_t *bytes, size_t length, uint8_t *to)
{
    static uint16_t table[WEFT_SNAPPY_TABLE_ENTRIES];
    uint8_t *end = weft_snappy_block_begin(length, to);
    for (size_t at = 0; at < length; at += WEFT_SNAPPY_PIECE_BYTES) {
        size_t left = length - at;
        end = weft_snappy_block_deflate(bytes + at, left < WEFT_SNAPPY_PIECE_BYTES ? left : WEFT_SNAPPY_PIECE_BYTES,
                                        table, end);
    }
    ck_assert_uint_le((size_t)(end - to), weft_snappy_block_bound(length));
    return (size_t)(end - to);
}

/* Every block lies in memory of exactly its length, and so does what comes out: a sanitizer sees a byte too many. */
static bool inflates_to(const uint8_t *block_bytes, size_t block_length, const uint8_t *expected, size_t length)
{
    uint8_t *exact = weft_alloc(block_length + 1);
    memcpy(exact + 1, block_bytes, block_length);
    struct weft_slice block = weft_slice_of(exact + 1, block_length);
    size_t said = 0;
    uint8_t *out = weft_alloc(length + 1);
    bool is_same = weft_snappy_block_length(block, &said) && said == length &&
                   weft_snappy_block_inflate(block, out, length) && memcmp(out, expected, length) == 0;
    weft_free(out);
    weft_free(exact);
    return is_same;
}

static void expect_round_trips(const uint8_t *bytes, size_t length)
{
    static uint8_t ours[LARGEST * 2], theirs[LARGEST * 2], back[LARGEST];
    size_t ours_length = deflate(bytes, length, ours);
    size_t back_length = sizeof back, theirs_length = sizeof theirs;
    ck_assert_int_eq(snappy_uncompress((const char *)ours, ours_length, (char *)back, &back_length), SNAPPY_OK);
    ck_assert_uint_eq(back_length, length);
    ck_assert_mem_eq(back, bytes, length);
    ck_assert(inflates_to(ours, ours_length, bytes, length));
    ck_assert_int_eq(snappy_compress((const char *)bytes, length, (char *)theirs, &theirs_length), SNAPPY_OK);
    ck_assert(inflates_to(theirs, theirs_length, bytes, length));
    ck_assert_msg(ours_length <= theirs_length + theirs_length / 8 + 16, "%zu bytes become %zu, theirs %zu", length,
                  ours_length, theirs_length);
}

START_TEST(test_each_reads_what_the_other_wrote)
{
    static const size_t lengths[] = { 1,  2,   3,   4,    5,     15,    16,    17,     60,     61,
                                      64, 256, 257, 4096, 65535, 65536, 65537, 131073, LARGEST };
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, LARGEST);
    static uint8_t bytes[LARGEST];
    uint64_t random = 3;
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        expect_round_trips(text.bytes, lengths[i]);
        memset(bytes, 'x', lengths[i]);
        expect_round_trips(bytes, lengths[i]);
        for (size_t at = 0; at < lengths[i]; at++) {
            bytes[at] = (uint8_t)base_test_random(&random);
        }
        expect_round_trips(bytes, lengths[i]);
    }
    weft_buffer_fini(&text);
}
END_TEST

/* Runs of a few bytes again and again, at every distance: what a copy makes is also what it reads. */
START_TEST(test_what_overlaps_is_copied_in_order)
{
    static uint8_t bytes[2000];
    for (size_t period = 1; period <= 70; period++) {
        for (size_t at = 0; at < sizeof bytes; at++) {
            bytes[at] = (uint8_t)(at % period * 7 + period);
        }
        for (size_t length = period; length < period + 150; length++) {
            expect_round_trips(bytes, length);
        }
        expect_round_trips(bytes, sizeof bytes);
    }
}
END_TEST

static void expect_same_verdict(const uint8_t *bytes, size_t length)
{
    static uint8_t theirs[1 << 16];
    size_t theirs_length = 0;
    size_t said = 0;
    bool is_said = weft_snappy_block_length(weft_slice_of(bytes, length), &said);
    ck_assert_int_eq(is_said, snappy_uncompressed_length((const char *)bytes, length, &theirs_length) == SNAPPY_OK);
    if (!is_said || said > sizeof theirs) {
        return;
    }
    ck_assert_uint_eq(said, theirs_length);
    bool is_theirs = snappy_uncompress((const char *)bytes, length, (char *)theirs, &theirs_length) == SNAPPY_OK;
    if (is_theirs) {
        ck_assert(inflates_to(bytes, length, theirs, theirs_length));
        return;
    }
    uint8_t *exact = weft_alloc(length + 1);
    memcpy(exact + 1, bytes, length);
    uint8_t *out = weft_alloc(said + 1);
    ck_assert(!weft_snappy_block_inflate(weft_slice_of(exact + 1, length), out, said));
    weft_free(out);
    weft_free(exact);
}

START_TEST(test_both_refuse_the_same)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    codec_test_append_telemetry(&text, SMALL);
    uint8_t block[SMALL * 2], broken[SMALL * 2];
    size_t length = deflate(text.bytes, SMALL, block);
    uint64_t random = 11;
    for (size_t cut = 0; cut <= length; cut++) {
        expect_same_verdict(block, cut);
    }
    for (size_t i = 0; i < MUTATIONS; i++) {
        memcpy(broken, block, length);
        for (size_t times = base_test_random(&random) % 4; times < 4; times++) {
            broken[base_test_random(&random) % length] = (uint8_t)base_test_random(&random);
        }
        expect_same_verdict(broken, 1 + base_test_random(&random) % length);
    }
    weft_buffer_fini(&text);
}
END_TEST

/* Elements that no writer makes: long distances, lengths of one to four bytes that say too much. */
START_TEST(test_elements_at_their_limits)
{
    static const struct {
        uint8_t bytes[12];
        size_t length;
        const char *expected; /* NULL: refused */
    } rows[] = {
        { { 0 }, 1, "" },
        { { 3, 2 << 2, 'a', 'b', 'c' }, 5, "abc" },
        { { 3, 60 << 2, 2, 'a', 'b', 'c' }, 6, "abc" },
        { { 3, 61 << 2, 2, 0, 'a', 'b', 'c' }, 7, "abc" },
        { { 3, 62 << 2, 2, 0, 0, 'a', 'b', 'c' }, 8, "abc" },
        { { 3, 63 << 2, 2, 0, 0, 0, 'a', 'b', 'c' }, 9, "abc" },
        { { 3, 63 << 2, 0xff, 0xff, 0xff, 0xff, 'a', 'b', 'c' }, 9, NULL },
        { { 3, 63 << 2, 2, 0 }, 4, NULL },
        { { 5, 0 << 2, 'a', 0 << 2 | 1, 1 }, 5, "aaaaa" },
        { { 5, 0 << 2, 'a', 0 << 2 | 1, 0 }, 5, NULL },
        { { 5, 0 << 2, 'a', 0 << 2 | 1, 2 }, 5, NULL },
        { { 5, 0 << 2, 'a', 0 << 2 | 1 }, 4, NULL },
        { { 4, 0 << 2, 'a', 2 << 2 | 2, 1, 0 }, 6, "aaaa" },
        { { 4, 0 << 2, 'a', 2 << 2 | 3, 1, 0, 0, 0 }, 8, "aaaa" },
        { { 4, 0 << 2, 'a', 2 << 2 | 3, 1, 0, 0, 0x80 }, 8, NULL },
        { { 4, 0 << 2, 'a', 3 << 2 | 2, 1, 0 }, 6, NULL },
        { { 2, 0 << 2, 'a' }, 3, NULL },
        { { 1, 0 << 2, 'a', 0 << 2, 'b' }, 5, NULL },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        expect_same_verdict(rows[i].bytes, rows[i].length);
        size_t said = 0;
        uint8_t out[8];
        struct weft_slice block = weft_slice_of(rows[i].bytes, rows[i].length);
        ck_assert(weft_snappy_block_length(block, &said));
        ck_assert_msg(weft_snappy_block_inflate(block, out, said) == (rows[i].expected != NULL), "row %zu", i);
        ck_assert(rows[i].expected == NULL || memcmp(out, rows[i].expected, said) == 0);
    }
    static const uint8_t too_long[] = { 0xff, 0xff, 0xff, 0xff, 0x1f }, endless[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0 };
    size_t untouched = 7;
    ck_assert(!weft_snappy_block_length(weft_slice_of(too_long, sizeof too_long), &untouched));
    ck_assert(!weft_snappy_block_length(weft_slice_of(endless, sizeof endless), &untouched));
    ck_assert(!weft_snappy_block_length(WEFT_SLICE_EMPTY, &untouched));
    ck_assert_uint_eq(untouched, 7);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_each_reads_what_the_other_wrote),
        BASE_TEST(test_what_overlaps_is_copied_in_order),
        BASE_TEST(test_both_refuse_the_same),
        BASE_TEST(test_elements_at_their_limits),
    };
    return BASE_TEST_RUN("snappy block", tests);
}
