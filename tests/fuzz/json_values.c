/* Not a target of the fuzzer: reads texts, one a line in hex, and prints for each a line with what the scanner makes of
 * it, so that json_as_node.js can compare it with JSON.parse. That is "refused", or the value as JSON with a
 * letter before everything that could be written in two ways: texts as "s" or "k" (keys) and their bytes in hex,
 * numbers as "n", the bits of the double (infinite if it is beyond any), and the magnitude of the integer if it is one
 * that fits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "wire/json_convert.h"
#include "wire/json_scan.h"

struct printer {
    const uint8_t *end;
    struct weft_buffer *out;
};

static const uint8_t *print_value(struct printer *printer, const uint8_t *at);

static bool is_at(const struct printer *printer, const uint8_t *at, uint8_t byte)
{
    return at < printer->end && *at == byte;
}

static void print_bytes(struct printer *printer, char letter, const uint8_t *bytes, const uint8_t *end)
{
    weft_buffer_append_format(printer->out, "\"%c", letter);
    for (; bytes < end; bytes++) {
        weft_buffer_append_format(printer->out, "%02x", *bytes);
    }
    weft_buffer_append_byte(printer->out, '"');
}

/* at is the opening quote. */
static const uint8_t *print_string(struct printer *printer, const uint8_t *at, char letter)
{
    struct weft_json_fault fault = { 0 };
    bool has_escapes;
    const uint8_t *quote = weft_json_scan_string(at + 1, printer->end, &has_escapes, &fault);
    weft_assert(quote != NULL);
    size_t length = (size_t)(quote - at - 1);
    uint8_t *text = malloc(length + 1);
    weft_assert(text != NULL);
    uint8_t *end = weft_json_unescape(text, weft_slice_of(at + 1, length));
    weft_assert(has_escapes || (size_t)(end - text) == length);
    print_bytes(printer, letter, text, end);
    free(text);
    return quote + 1;
}

static const uint8_t *print_number(struct printer *printer, const uint8_t *at)
{
    struct weft_json_fault fault = { 0 };
    struct weft_json_number number;
    at = weft_json_scan_number(at, printer->end, &number, &fault);
    weft_assert(at != NULL);
    double value;
    if (!weft_json_to_double(&number, &value)) {
        value = number.is_negative ? (double)-INFINITY : (double)INFINITY;
    }
    uint64_t bits;
    uint64_t magnitude;
    memcpy(&bits, &value, sizeof bits);
    weft_buffer_append_format(printer->out, "\"n%016llx", (unsigned long long)bits);
    if (weft_json_to_magnitude(&number, &magnitude)) {
        weft_buffer_append_format(printer->out, ":%llu", (unsigned long long)magnitude);
    }
    weft_buffer_append_byte(printer->out, '"');
    return at;
}

/* at is the bracket. What is here was scanned already, so it is whole, and not too deep for recursion. */
static const uint8_t *print_many(struct printer *printer, const uint8_t *at)
{
    bool is_object = *at == '{';
    uint8_t close = is_object ? '}' : ']';
    weft_buffer_append_byte(printer->out, *at);
    at = weft_json_skip_space(at + 1, printer->end);
    while (!is_at(printer, at, close)) {
        if (is_at(printer, at, ',')) {
            weft_buffer_append_byte(printer->out, ',');
            at = weft_json_skip_space(at + 1, printer->end);
        }
        if (is_object) {
            at = weft_json_skip_space(print_string(printer, at, 'k'), printer->end);
            weft_assert(is_at(printer, at, ':'));
            weft_buffer_append_byte(printer->out, ':');
            at = weft_json_skip_space(at + 1, printer->end);
        }
        at = weft_json_skip_space(print_value(printer, at), printer->end);
    }
    weft_buffer_append_byte(printer->out, close);
    return at + 1;
}

static const uint8_t *print_value(struct printer *printer, const uint8_t *at)
{
    weft_assert(at < printer->end);
    switch (*at) {
    case '{':
    case '[':
        return print_many(printer, at);
    case '"':
        return print_string(printer, at, 's');
    case 't':
    case 'f':
    case 'n': {
        struct weft_json_fault fault = { 0 };
        const char *word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
        weft_buffer_append_text(printer->out, word);
        at = weft_json_scan_literal(at, printer->end, word, &fault);
        weft_assert(at != NULL);
        return at;
    }
    default:
        return print_number(printer, at);
    }
}

/* text has a NUL after its end: numbers are read up to a byte that is none of theirs. */
static void print_text(const uint8_t *text, size_t length, struct weft_buffer *out)
{
    struct printer printer = { .end = text + length, .out = out };
    struct weft_json_fault fault = { 0 };
    const uint8_t *at = weft_json_skip_value(text, printer.end, &fault);
    if (at == NULL || weft_json_skip_space(at, printer.end) != printer.end) {
        weft_buffer_append_text(out, "refused");
        return;
    }
    print_value(&printer, weft_json_skip_space(text, printer.end));
}

static unsigned digit_of(char letter)
{
    return (unsigned)(letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

/* In place, since two digits are one byte. line ends with a newline. */
static size_t from_hex(char *line)
{
    size_t length = 0;
    for (const char *at = line; at[0] != '\n' && at[1] != '\n'; at += 2) {
        line[length++] = (char)(digit_of(at[0]) << 4 | digit_of(at[1]));
    }
    line[length] = 0;
    return length;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    while (getline(&line, &capacity, stdin) > 0) {
        size_t length = from_hex(line);
        print_text((const uint8_t *)line, length, &out);
        weft_buffer_append_byte(&out, '\n');
        weft_assert(!out.is_failed);
        fwrite(out.bytes, 1, out.length, stdout);
        weft_buffer_clear(&out);
    }
    free(line);
    weft_buffer_fini(&out);
    return 0;
}
