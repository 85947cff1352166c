/* Lines of a body and elements of an array: ends of lines, empty ones, every truncation of an array with the byte at
 * which it is refused, and elements deeper than the scanner goes. */
#include "wire/wire_test.h"

#include "wire/lines.h"

static void check_lines(const char *body, const char *const *expected, size_t count)
{
    struct weft_lines lines = weft_lines_of(weft_slice_of_text(body));
    struct weft_slice line;
    for (size_t i = 0; i < count; i++) {
        ck_assert(weft_lines_next(&lines, &line));
        ck_assert_msg(weft_slice_equal_text(line, expected[i]), "%.*s", WEFT_SLICE_PRINT(line));
    }
    ck_assert(!weft_lines_next(&lines, &line));
}

#define CHECK_LINES(body, ...)                                            \
    do {                                                                  \
        const char *const expected_lines[] = { __VA_ARGS__ };             \
        check_lines(body, expected_lines, WEFT_COUNT_OF(expected_lines)); \
    } while (0)

START_TEST(test_lines_end_with_lf_or_crlf_or_the_body)
{
    CHECK_LINES("a\nb\n", "a", "b");
    CHECK_LINES("a\r\nb\r\n", "a", "b");
    CHECK_LINES("a\nb", "a", "b");
    CHECK_LINES("a\rb\r", "a\rb");
    CHECK_LINES("\n\r\n  \t\n a \n\n\nb", " a ", "b");
    check_lines("", NULL, 0);
    check_lines("\n", NULL, 0);
    check_lines(" \r\n\t", NULL, 0);
    struct weft_lines none = weft_lines_of(WEFT_SLICE_EMPTY);
    struct weft_slice line;
    ck_assert(!weft_lines_next(&none, &line));
}
END_TEST

/* Status and error text; the elements so far, joined by |, in memory of exactly the body's length. */
static enum weft_status read_elements(struct weft_slice body, struct weft_buffer *joined, struct weft_error *error)
{
    uint8_t *copy = weft_alloc(body.length > 0 ? body.length : 1);
    memcpy(copy, body.bytes, body.length);
    struct weft_json_elements elements = weft_json_elements_of(weft_slice_of(copy, body.length));
    enum weft_status status;
    bool has_element = true;
    weft_buffer_clear(joined);
    do {
        struct weft_slice element;
        status = weft_json_elements_next(&elements, &element, &has_element, error);
        if (status == WEFT_OK && has_element) {
            weft_buffer_append(joined, element.bytes, element.length);
            weft_buffer_append_byte(joined, '|');
        }
    } while (status == WEFT_OK && has_element);
    weft_free(copy);
    return status;
}

static const struct {
    const char *body;
    const char *joined; /* NULL: refused */
    const char *error;
} arrays[] = {
    { "[]", "", NULL },
    { " [ ] \n", "", NULL },
    { "[{\"a\":1}]", "{\"a\":1}|", NULL },
    { "[ {\"a\":[1,2]} ,\n{}, \"x\", 1, null ]", "{\"a\":[1,2]}|{}|\"x\"|1|null|", NULL },
    { "[\"a\xff\", {\"\xc3(\":1}]", "\"a\xff\"|{\"\xc3(\":1}|", NULL }, /* repaired with the line */
    { "", NULL, "byte 0: an array is expected" },
    { "{}", NULL, "byte 0: an array is expected" },
    { "[", NULL, "byte 1: the text ends here: it is cut off" },
    { "[1", NULL, "byte 2: , or ] is expected" },
    { "[1,]", NULL, "byte 3: a value is expected" },
    { "[,1]", NULL, "byte 1: a value is expected" },
    { "[1 2]", NULL, "byte 3: , or ] is expected" },
    { "[1]x", NULL, "byte 3: nothing may follow the array" },
    { "[1][2]", NULL, "byte 3: nothing may follow the array" },
    { "[{\"a\":}]", NULL, "byte 6: a value is expected" },
    { "[{\"a\":1},{\"b\" 2}]", NULL, "byte 14: a key is followed by :" },
};

START_TEST(test_arrays_are_taken_apart_or_refused_with_the_byte)
{
    struct weft_buffer joined;
    weft_buffer_init(&joined, 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(arrays); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = read_elements(weft_slice_of_text(arrays[i].body), &joined, &error);
        ck_assert_int_eq(status, arrays[i].joined != NULL ? WEFT_OK : WEFT_INVALID);
        if (arrays[i].joined != NULL) {
            ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&joined), arrays[i].joined), "%s", arrays[i].body);
        } else {
            ck_assert_str_eq(error.text, arrays[i].error);
        }
    }
    weft_buffer_fini(&joined);
}
END_TEST

START_TEST(test_every_truncation_of_an_array_is_refused)
{
    static const char body[] = "[{\"a\":\"x\\u00e9\",\"b\":[1,-2.5e3,{}]},{\"c\":null},true ]";
    struct weft_buffer joined;
    weft_buffer_init(&joined, 0);
    for (size_t length = 0; length < sizeof body - 1; length++) {
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(read_elements(weft_slice_of(body, length), &joined, &error), WEFT_INVALID);
    }
    ck_assert_int_eq(read_elements(weft_slice_of(body, sizeof body - 1), &joined, NULL), WEFT_OK);
    weft_buffer_fini(&joined);
}
END_TEST

START_TEST(test_a_deep_element_does_not_cost_the_others)
{
    enum { DEPTH = 100000 };
    struct weft_buffer body;
    struct weft_buffer joined;
    weft_buffer_init(&body, 0);
    weft_buffer_init(&joined, 0);
    weft_buffer_append_text(&body, "[{\"a\":1},");
    for (size_t i = 0; i < DEPTH; i++) {
        weft_buffer_append_byte(&body, '[');
    }
    weft_buffer_append_text(&body, "\"]\\\"\"");
    for (size_t i = 0; i < DEPTH; i++) {
        weft_buffer_append_byte(&body, ']');
    }
    size_t deep_end = body.length;
    weft_buffer_append_text(&body, ",{\"b\":2}]");
    ck_assert_int_eq(read_elements(weft_buffer_slice(&body), &joined, NULL), WEFT_OK);
    ck_assert_uint_eq(joined.length, 8 + 2 * DEPTH + 5 + 1 + 8);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(read_elements(weft_slice_of(body.bytes, deep_end - 1), &joined, &error), WEFT_INVALID);
    weft_buffer_fini(&body);
    weft_buffer_fini(&joined);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_lines_end_with_lf_or_crlf_or_the_body,
        test_arrays_are_taken_apart_or_refused_with_the_byte,
        test_every_truncation_of_an_array_is_refused,
        test_a_deep_element_does_not_cost_the_others,
    };
    return run_tests("lines", tests, WEFT_COUNT_OF(tests));
}
