/* Random lines of JSON beside the record that they must become: keys that no table knows, values of every type inside
 * one another, text with and without escapes, white space everywhere. The expected is written by the generator, in the
 * order in which it writes the line. */
#include "wire/log_line_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/json_values.h"

enum { ROUNDS = 3000, MAX_DEPTH = 5 };

struct pair {
    struct random random;
    struct weft_buffer line;
    struct weft_buffer expected; /* OTLP/JSON */
};

static void put_space(struct pair *pair)
{
    static const char spaces[] = " \t\n\r";
    while (random_below(&pair->random, 6) == 0) {
        weft_buffer_append_byte(&pair->line, (uint8_t)spaces[random_below(&pair->random, 4)]);
    }
}

/* A string with its quotes. */
static void put_string(struct pair *pair)
{
    static const struct {
        const char *json, *text;
    } pieces[] = { { "\\n", "\n" },
                   { "\\\"", "\"" },
                   { "\\u00e9", "\xc3\xa9" },
                   { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
                   { "\\/", "/" },
                   { "\xe2\x82\xac", "\xe2\x82\xac" },
                   { "plain text ", "plain text " } };
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_byte(&pair->line, '"');
    uint32_t count =
        random_below(&pair->random, 4) == 0 ? random_below(&pair->random, 60) : random_below(&pair->random, 4);
    bool is_plain = random_below(&pair->random, 2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t piece = is_plain ? WEFT_COUNT_OF(pieces) - 1 : random_below(&pair->random, WEFT_COUNT_OF(pieces));
        weft_buffer_append_text(&pair->line, pieces[piece].json);
        weft_buffer_append_text(&text, pieces[piece].text);
    }
    weft_buffer_append_byte(&pair->line, '"');
    weft_buffer_append_json_string(&pair->expected, weft_buffer_slice(&text));
    weft_buffer_fini(&text);
}

static void put_int(struct pair *pair)
{
    int64_t value = (int64_t)random_value(&pair->random);
    value = random_below(&pair->random, 2) == 0 && value != INT64_MIN ? -value : value;
    weft_buffer_append_format(&pair->line, "%" PRId64, value);
    weft_buffer_append_format(&pair->expected, "{\"intValue\":\"%" PRId64 "\"}", value);
}

static void put_double(struct pair *pair)
{
    double value = (double)random_next(&pair->random) / (1 + random_below(&pair->random, 1000)) + 0.5;
    weft_buffer_append_format(&pair->line, "%.17e", value);
    weft_buffer_append_text(&pair->expected, "{\"doubleValue\":");
    weft_json_put_double(&pair->expected, value);
    weft_buffer_append_byte(&pair->expected, '}');
}

static void put_both(struct pair *pair, const char *json, const char *expected)
{
    weft_buffer_append_text(&pair->line, json);
    weft_buffer_append_text(&pair->expected, expected);
}

static void put_value(struct pair *pair, unsigned depth);

static void put_container(struct pair *pair, unsigned depth, bool is_object)
{
    uint32_t count = random_below(&pair->random, 5);
    weft_buffer_append_byte(&pair->line, is_object ? '{' : '[');
    weft_buffer_append_text(&pair->expected, is_object ? "{\"kvlistValue\":{" : "{\"arrayValue\":{");
    weft_buffer_append_text(&pair->expected, count > 0 ? "\"values\":[" : "");
    put_space(pair);
    for (uint32_t i = 0; i < count; i++) {
        put_both(pair, i > 0 ? "," : "", i > 0 ? "," : "");
        put_space(pair);
        if (is_object) {
            weft_buffer_append_format(&pair->line, "\"n%u\"", i);
            weft_buffer_append_format(&pair->expected, "{\"key\":\"n%u\",\"value\":", i);
            put_space(pair);
            weft_buffer_append_byte(&pair->line, ':');
            put_space(pair);
        }
        put_value(pair, depth + 1);
        weft_buffer_append_text(&pair->expected, is_object ? "}" : "");
        put_space(pair);
    }
    weft_buffer_append_byte(&pair->line, is_object ? '}' : ']');
    weft_buffer_append_text(&pair->expected, count > 0 ? "]}}" : "}}");
}

static void put_value(struct pair *pair, unsigned depth)
{
    switch (random_below(&pair->random, depth < MAX_DEPTH ? 9 : 7)) {
    case 0:
        put_both(pair, "true", "{\"boolValue\":true}");
        return;
    case 1:
        put_both(pair, "false", "{\"boolValue\":false}");
        return;
    case 2:
        put_both(pair, "null", "{}");
        return;
    case 3:
        put_int(pair);
        return;
    case 4:
        put_double(pair);
        return;
    case 5:
    case 6:
        weft_buffer_append_text(&pair->expected, "{\"stringValue\":");
        put_string(pair);
        weft_buffer_append_byte(&pair->expected, '}');
        return;
    case 7:
        put_container(pair, depth, false);
        return;
    default:
        put_container(pair, depth, true);
    }
}

static void put_line(struct pair *pair)
{
    uint32_t count = 1 + random_below(&pair->random, 80);
    put_space(pair);
    weft_buffer_append_text(&pair->line, "{");
    weft_buffer_append_text(&pair->expected, "{\"attributes\":[");
    for (uint32_t i = 0; i < count; i++) {
        weft_buffer_append_format(&pair->line, "%s\"key %u\"", i > 0 ? "," : "", i);
        weft_buffer_append_format(&pair->expected, "%s{\"key\":\"key %u\",\"value\":", i > 0 ? "," : "", i);
        put_space(pair);
        weft_buffer_append_byte(&pair->line, ':');
        put_space(pair);
        put_value(pair, 0);
        weft_buffer_append_byte(&pair->expected, '}');
        put_space(pair);
    }
    weft_buffer_append_byte(&pair->line, '}');
    put_space(pair);
    weft_buffer_append_text(&pair->expected, "]," OBSERVED "}");
    weft_buffer_append_byte(&pair->expected, 0);
}

START_TEST(test_random_lines_become_what_they_say)
{
    struct line_fixture fixture;
    struct pair pair = { .random = { .state = 11 } };
    line_fixture_init(&fixture, 0);
    weft_buffer_init(&pair.line, 0);
    weft_buffer_init(&pair.expected, 0);
    for (size_t round = 0; round < ROUNDS; round++) {
        weft_buffer_clear(&pair.line);
        weft_buffer_clear(&pair.expected);
        put_line(&pair);
        const char *json = read_line(&fixture, weft_buffer_slice(&pair.line));
        ck_assert_msg(strcmp(json, (const char *)pair.expected.bytes) == 0, "%.*s\nbecomes %s\nnot     %s",
                      WEFT_SLICE_PRINT(weft_buffer_slice(&pair.line)), json, (const char *)pair.expected.bytes);
        ck_assert_uint_eq(fixture.line.flags, 0);
    }
    weft_buffer_fini(&pair.line);
    weft_buffer_fini(&pair.expected);
    line_fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { test_random_lines_become_what_they_say };
    return run_tests("log_line_random", tests, WEFT_COUNT_OF(tests));
}
