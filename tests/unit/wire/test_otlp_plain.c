/* What the check says of the shape of attributes: plain ones are a short key, then a value, and no more. */
#include "wire/otlp_check.h"

#include <check.h>
#include <stdlib.h>

#include "wire/protobuf.h"
#include "suite.h"

/* Contents of a KeyValue. */
static const struct {
    const char *bytes;
    size_t length;
    bool is_plain;
} shapes[] = {
#define SHAPE(bytes, is_plain)                 \
    {                                          \
        (bytes), sizeof(bytes) - 1, (is_plain) \
    }
    SHAPE("\x0a\x01k\x12\x03\x0a\x01v", true),
    SHAPE("\x0a\x01k\x12\x02\x18\x01", true),
    SHAPE("\x0a\x01k\x12\x00", true),
    SHAPE("\x0a\x00\x12\x00", true),
    SHAPE("\x0a\x01k\x12\x08\x2a\x06\x0a\x04\x0a\x02xy", true), /* an array */
    SHAPE("\x0a\x01k\x12\x83\x00\x0a\x01v", true),              /* a length in two bytes */
    SHAPE("", false),
    SHAPE("\x0a\x01k", false),
    SHAPE("\x12\x03\x0a\x01v", false),
    SHAPE("\x12\x03\x0a\x01v\x0a\x01k", false),
    SHAPE("\x0a\x81\x00k\x12\x03\x0a\x01v", false),
    SHAPE("\x0a\x01k\x12\x03\x0a\x01v\x0a\x01l", false), /* another key behind it */
    SHAPE("\x0a\x01k\x12\x03\x0a\x01v\x12\x03\x0a\x01w", false),
    SHAPE("\x0a\x01k\x18\x01\x12\x03\x0a\x01v", false),
    SHAPE("\x0a\x01k\x12\x03\x0a\x01v\x18\x01", false),
    SHAPE("\x8a\x00\x01k\x12\x03\x0a\x01v", false),
};

/* Puts frames of these numbers, the innermost last, around what is at the end of a buffer. */
static uint8_t *frame(uint8_t *at, const uint8_t *end, const uint32_t *numbers, size_t count)
{
    while (count-- > 0) {
        size_t length = (size_t)(end - at);
        at -= weft_wire_size_bytes_header(numbers[count], length);
        weft_wire_put_bytes_header(at, numbers[count], length);
    }
    return at;
}

static void expect_plain(size_t shape, const uint32_t *numbers, size_t count)
{
    uint8_t request[128];
    const uint8_t *end = request + sizeof request;
    uint8_t *at = request + sizeof request - shapes[shape].length;
    struct weft_otlp_counts counts = { 0 };
    memcpy(at, shapes[shape].bytes, shapes[shape].length);
    at = frame(at, end, numbers, count);
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, weft_slice_of(at, (size_t)(end - at)), NULL, &counts, NULL), WEFT_OK);
    ck_assert_msg(counts.is_plain == shapes[shape].is_plain, "shape %zu", shape);
}

START_TEST(test_shapes_of_attributes_are_known)
{
    static const uint32_t of_resource[] = { 1, 1, 1 };
    static const uint32_t of_scope[] = { 1, 2, 1, 3 };
    static const uint32_t of_span[] = { 1, 2, 2, 9 };
    static const uint32_t of_event[] = { 1, 2, 2, 11, 3 };
    for (size_t i = 0; i < WEFT_COUNT_OF(shapes); i++) {
        expect_plain(i, of_resource, WEFT_COUNT_OF(of_resource));
        expect_plain(i, of_scope, WEFT_COUNT_OF(of_scope));
        expect_plain(i, of_span, WEFT_COUNT_OF(of_span));
        expect_plain(i, of_event, WEFT_COUNT_OF(of_event));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_plain");
    TCase *tests = tcase_create("otlp_plain");
    tcase_add_test(tests, test_shapes_of_attributes_are_known);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
