/* The check of a request that arrives piece by piece must say what the check of the whole says. */
#include "wire/otlp_check.h"

#include "wire/wire_test.h"

static enum weft_status check_in_pieces(enum weft_signal signal, struct weft_slice request, struct random *random,
                                        struct weft_otlp_counts *out_counts, struct weft_error *error)
{
    struct weft_otlp_checker checker;
    weft_otlp_checker_init(&checker, signal, NULL);
    size_t arrived = 0;
    while (arrived < request.length) {
        uint32_t step = 1 + random_below(random, random_one_in(random, 3) ? 400 : 9);
        arrived = step > request.length - arrived ? request.length : arrived + step;
        /* A copy of its own for each piece: the bytes may move, and a read past the end is seen. */
        uint8_t *copy = malloc(arrived);
        memcpy(copy, request.bytes, arrived);
        weft_otlp_checker_advance(&checker, weft_slice_of(copy, arrived));
        free(copy);
    }
    return weft_otlp_checker_finish(&checker, request, out_counts, error);
}

static void assert_same_result(enum weft_signal signal, struct weft_slice request, struct random *random)
{
    struct weft_otlp_counts whole = { 0 };
    struct weft_otlp_counts pieces = { 0 };
    struct weft_error whole_error = WEFT_ERROR_NONE;
    struct weft_error pieces_error = WEFT_ERROR_NONE;
    enum weft_status expected = weft_otlp_check(signal, request, NULL, &whole, &whole_error);
    ck_assert_int_eq(check_in_pieces(signal, request, random, &pieces, &pieces_error), expected);
    ck_assert_uint_eq(pieces.resources, whole.resources);
    ck_assert_uint_eq(pieces.scopes, whole.scopes);
    ck_assert_uint_eq(pieces.records, whole.records);
    ck_assert_uint_eq(pieces.data_points, whole.data_points);
    ck_assert_int_eq(pieces.is_plain, whole.is_plain);
    ck_assert_str_eq(pieces_error.text, whole_error.text);
}

START_TEST(test_random_requests_in_pieces_count_as_whole)
{
    struct random random = { 7 };
    for (int i = 0; i < 1500; i++) {
        enum weft_signal signal = (enum weft_signal)random_below(&random, WEFT_SIGNAL_COUNT);
        struct weft_slice request = random_request(&random, signal);
        assert_same_result(signal, request, &random);
        free((void *)request.bytes);
    }
}
END_TEST

START_TEST(test_damaged_and_cut_requests_in_pieces_fail_as_whole)
{
    struct random random = { 11 };
    for (int i = 0; i < 1500; i++) {
        enum weft_signal signal = (enum weft_signal)random_below(&random, WEFT_SIGNAL_COUNT);
        struct weft_slice request = random_request(&random, signal);
        if (request.length > 0) {
            uint8_t *bytes = (uint8_t *)request.bytes;
            bytes[random_below(&random, (uint32_t)request.length)] ^= (uint8_t)(1u << random_below(&random, 8));
            assert_same_result(signal, request, &random);
            assert_same_result(signal, weft_slice_of(bytes, random_below(&random, (uint32_t)request.length)), &random);
        }
        free((void *)request.bytes);
    }
}
END_TEST

START_TEST(test_a_resource_longer_than_the_request_fails_with_its_offset)
{
    static const uint8_t bytes[] = { 0x0a, 0x02, 0x1a, 0x00, 0x0a, 0x40, 0x12, 0x00 };
    struct random random = { 3 };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(check_in_pieces(WEFT_TRACES, weft_slice_of(bytes, sizeof bytes), &random, &counts, &error),
                     WEFT_INVALID);
    ck_assert_str_eq(error.text, "byte 4: resource_spans[1]: length goes past the end");
}
END_TEST

/* A record whose tag takes two bytes; read as one byte it would be two other records. */
START_TEST(test_a_long_tag_of_a_record_is_not_read_as_a_short_one)
{
    static const uint8_t bytes[] = { 0x0a, 0x1f, 0x12, 0x1d, 0x92, 0x00, 0x1a, 0x0a, 0x10, 1,    2,
                                     3,    4,    5,    6,    7,    8,    9,    0x12, 0x05, 0x2a, 0x03,
                                     'a',  'b',  'c',  0x2a, 0x06, 'n',  'a',  'm',  'e',  'i',  's' };
    struct random random = { 3 };
    struct weft_otlp_counts counts = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_uint_eq(sizeof bytes, 2 + 0x1f);
    enum weft_status status =
        check_in_pieces(WEFT_TRACES, weft_slice_of(bytes, sizeof bytes), &random, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_uint_eq(counts.records, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_random_requests_in_pieces_count_as_whole,
        test_damaged_and_cut_requests_in_pieces_fail_as_whole,
        test_a_resource_longer_than_the_request_fails_with_its_offset,
        test_a_long_tag_of_a_record_is_not_read_as_a_short_one,
    };
    return run_tests("otlp_checker", tests, WEFT_COUNT_OF(tests));
}
