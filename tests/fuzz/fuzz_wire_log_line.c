/* Fuzz target: bodies of log lines. The first byte chooses between lines and a JSON array, and the limit of a line.
 * Every line becomes a record, and all of them pass the check together; what is an object and not flagged as text is
 * JSON. The same line at the end of a block of memory and in the middle of one becomes the same record. */
#include <stdlib.h>

#include "base/assert.h"
#include "wire/json_scan.h"
#include "wire/lines.h"
#include "wire/log_line.h"
#include "wire/log_line_internal.h"
#include "wire/otlp_check.h"
#include "wire/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OBSERVED_NS = 1000000000 };

static void append_framed(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static void check_records(struct weft_slice records, uint32_t count)
{
    struct weft_buffer scope;
    struct weft_buffer request;
    struct weft_otlp_counts counts;
    weft_buffer_init(&scope, 0);
    weft_buffer_init(&request, 0);
    append_framed(&scope, 2, records);
    append_framed(&request, 1, weft_buffer_slice(&scope));
    weft_assert(weft_otlp_check(WEFT_LOGS, weft_buffer_slice(&request), NULL, &counts, NULL) == WEFT_OK);
    weft_assert(counts.records == count);
    weft_buffer_fini(&scope);
    weft_buffer_fini(&request);
}

/* A line that the scanner takes as one object is never text, unless it was too long. */
static void check_flags(struct weft_slice text, const struct weft_log_line *line)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *end = text.bytes + text.length;
    const uint8_t *at = weft_json_skip_space(text.bytes, end);
    bool is_object = at < end && *at == '{';
    at = is_object ? weft_json_skip_value(at, end, &fault) : NULL;
    bool is_json = at != NULL && weft_json_skip_space(at, end) == end;
    bool is_text = (line->flags & 1u << WEFT_LINE_TEXT) != 0;
    uint32_t may_differ = 1u << WEFT_LINE_CUT | 1u << WEFT_LINE_BAD_UTF8 | 1u << WEFT_LINE_TOO_DEEP;
    weft_assert((line->flags & may_differ) != 0 || is_text != is_json);
    weft_assert((line->trace_id.kind != WEFT_ID_NONE) == (line->id_problem == WEFT_ID_PROBLEM_OK));
    weft_assert(line->severity <= WEFT_SEVERITY_MAX);
}

static void read_alone(struct weft_log_line_reader *reader, struct weft_slice text, struct weft_slice expected)
{
    struct weft_buffer out;
    struct weft_log_line line;
    uint8_t *copy = malloc(text.length + 1); /* its own block, so that a read past the end is seen */
    weft_assert(copy != NULL);
    memcpy(copy + 1, text.bytes, text.length);
    weft_buffer_init(&out, 0);
    struct weft_slice alone = { copy + 1, text.length };
    weft_assert(weft_log_line_read(reader, alone, OBSERVED_NS, &out, &line) == WEFT_OK);
    check_flags(alone, &line);
    weft_assert(weft_slice_equal(weft_slice_of(out.bytes + line.record_at, line.record_length), expected));
    weft_buffer_fini(&out);
    free(copy);
}

static void read_one(struct weft_log_line_reader *reader, struct weft_slice text, struct weft_buffer *out)
{
    struct weft_log_line line;
    weft_assert(weft_log_line_read(reader, text, OBSERVED_NS, out, &line) == WEFT_OK);
    weft_assert(line.record_at + line.record_length == out->length);
    read_alone(reader, text, weft_slice_of(out->bytes + line.record_at, line.record_length));
}

static uint32_t read_lines(struct weft_log_line_reader *reader, struct weft_slice body, struct weft_buffer *out)
{
    struct weft_lines lines = weft_lines_of(body);
    struct weft_slice line;
    uint32_t count = 0;
    for (; weft_lines_next(&lines, &line); count++) {
        read_one(reader, line, out);
    }
    return count;
}

static uint32_t read_elements(struct weft_log_line_reader *reader, struct weft_slice body, struct weft_buffer *out)
{
    struct weft_json_elements elements = weft_json_elements_of(body);
    struct weft_slice element;
    bool has_element = true;
    uint32_t count = 0;
    while (weft_json_elements_next(&elements, &element, &has_element, NULL) == WEFT_OK && has_element) {
        read_one(reader, element, out);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct weft_log_line_settings settings = { .max_line_bytes = data[0] % 4 == 3 ? 64 : 0 };
    struct weft_log_line_reader *reader = weft_log_line_reader_new(&settings);
    struct weft_slice body = { data + 1, size - 1 };
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    uint32_t count = data[0] % 2 == 1 ? read_elements(reader, body, &out) : read_lines(reader, body, &out);
    check_records(weft_buffer_slice(&out), count);
    weft_buffer_fini(&out);
    weft_log_line_reader_free(reader);
    return 0;
}
