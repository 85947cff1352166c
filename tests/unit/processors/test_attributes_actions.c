/* attributes: hash, extract, convert and patterns, each against what the Collector's processor was seen to do; and the
 * short way through a record against the long one, byte for byte. */
#include "component_test.h"
#include "pipeline/edit.h"
#include "processors/attributes_edit.h"

extern const struct weft_component weft_processor_attributes;

enum { SPAN_ATTRIBUTES = 9 };

static void put_typed(struct weft_buffer *out, const char *key, struct weft_slice any)
{
    struct weft_buffer key_value = { 0 };
    put_field(&key_value, 1, weft_slice_of_text(key));
    put_field(&key_value, 2, any);
    put_message(out, SPAN_ATTRIBUTES, &key_value);
}

/* An attribute as this test writes it: key, and an AnyValue or a text. */
struct attribute {
    const char *key;
    const char *text; /* a string; NULL: any */
    struct weft_slice any;
};

#define ANY(bytes) .any = WEFT_SLICE_LITERAL(bytes)

static void put_attributes(struct weft_buffer *out, const struct attribute *attributes)
{
    for (const struct attribute *at = attributes; at->key != NULL; at++) {
        if (at->text != NULL) {
            put_string_attribute(out, SPAN_ATTRIBUTES, at->key, at->text);
        } else {
            put_typed(out, at->key, at->any);
        }
    }
}

/* The actions make the second of the first. */
static void check(const char *actions, const struct attribute *before, const struct attribute *after)
{
    struct weft_buffer record = { 0 }, expected = { 0 }, request = { 0 }, outcome = { 0 };
    component_begin(&weft_processor_attributes, actions, WEFT_TRACES);
    put_span(&record, "span");
    put_span(&expected, "span");
    put_attributes(&record, before);
    put_attributes(&expected, after);
    put_request(&request, weft_buffer_slice(&record));
    put_request(&outcome, weft_buffer_slice(&expected));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_msg(weft_slice_equal(weft_buffer_slice(&sink.last), weft_buffer_slice(&outcome)), "%s", actions);
    weft_buffer_fini(&record);
    weft_buffer_fini(&expected);
    weft_buffer_fini(&request);
    weft_buffer_fini(&outcome);
    fixture_end();
}

#define LIST(...) ((const struct attribute[]){ __VA_ARGS__, { 0 } })
#define NONE      ((const struct attribute[]){ { 0 } })

#define INT_7           "\x18\x07"
#define HALF            "\x21\0\0\0\0\0\0\xe0\x3f"
#define HASH_OF_A       "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HASH_OF_1       "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"

START_TEST(test_hash_is_of_the_bytes_of_the_value)
{
    check("actions: [{key: a, action: hash}, {key: x, action: hash}]", LIST({ "a", "a" }, { "b", "b" }),
          LIST({ "a", HASH_OF_A }, { "b", "b" }));
    check("actions: [{key: a, action: hash}]", LIST({ "a", "" }), LIST({ "a", HASH_OF_NOTHING }));
    check("actions: [{key: a, action: hash}]", LIST({ "a", ANY("\x10\x01") }), LIST({ "a", HASH_OF_1 }));
    check("actions: [{key: a, action: hash}]", LIST({ "a", ANY("\x2a\x04\x0a\x02\x18\x01") }), LIST({ "a", "" }));
    check("actions: [{key: a, action: hash}]", LIST({ "a", ANY("\x3a\x01z") }), LIST({ "a", "" }));
    check("actions: [{key: a, action: hash}]", LIST({ "a", ANY("") }), LIST({ "a", "" }));
}
END_TEST

START_TEST(test_patterns_find_keys)
{
    check("actions: [{action: delete, pattern: '^http\\.'}]",
          LIST({ "http.a", "1" }, { "x.http.", "2" }, { "http.b", "3" }), LIST({ "x.http.", "2" }));
    check("actions: [{key: b, action: delete, pattern: '^a'}]", LIST({ "a", "1" }, { "b", "2" }, { "c", "3" }),
          LIST({ "c", "3" }));
    check("actions: [{action: hash, pattern: '^a$'}]", LIST({ "a", "a" }, { "aa", "a" }),
          LIST({ "a", HASH_OF_A }, { "aa", "a" }));
    /* What was inserted before is there, and what was deleted is not. */
    check("actions: [{key: ab, action: insert, value: 1}, {key: a, action: delete}, {action: delete, pattern: a}]",
          LIST({ "a", "1" }, { "b", "2" }), LIST({ "b", "2" }));
}
END_TEST

/* Keys that share a place in the table of verdicts, and keys that are too long for it, come again and again. */
START_TEST(test_verdicts_on_keys_are_their_own)
{
    static const char *const keys[] = { "axb",
                                        "ayb",
                                        "a1b",
                                        "aab",
                                        "a-key-of-fifty-bytes-that-is-kept-by-nobody-xxxxxxxb",
                                        "a-key-of-fifty-bytes-that-is-kept-by-nobody-yyyyyyyb" };
    struct weft_attribute_editor editor;
    struct weft_error error = WEFT_ERROR_NONE;
    component_begin(&weft_processor_attributes,
                    "actions: [{action: delete, pattern: x}, {action: delete, pattern: '1'}]", WEFT_TRACES);
    ck_assert(weft_attribute_editor_init(&editor, fixture.shared, &error) == WEFT_OK);
    ck_assert_uint_eq(weft_otlp_key_slot(weft_slice_of_text("axb")), weft_otlp_key_slot(weft_slice_of_text("ayb")));
    for (size_t i = 0; i < 10 * WEFT_COUNT_OF(keys); i++) {
        const char *key = keys[i * 5 % 7 % WEFT_COUNT_OF(keys)];
        struct weft_arena *arena = weft_arena_try_new();
        struct weft_buffer message = { 0 };
        put_string_attribute(&message, SPAN_ATTRIBUTES, key, "value");
        struct weft_slice edited = weft_buffer_slice(&message);
        ck_assert(weft_attribute_editor_apply(&editor, SPAN_ATTRIBUTES, arena, 0, &edited) == WEFT_OK);
        ck_assert_msg((edited.length == 0) == (strpbrk(key, "x1") != NULL), "%s", key);
        weft_buffer_fini(&message);
        weft_arena_unref(&arena);
    }
    weft_attribute_editor_fini(&editor);
    fixture_end();
}
END_TEST

/* Nobody looks at a text of more than 4 MiB: what would hide it does, and nothing is taken from it. */
START_TEST(test_a_pattern_that_meets_its_limit_hides)
{
    size_t length = WEFT_PATTERN_MAX_SUBJECT_BYTES + 1;
    char *text = weft_alloc(length + 1);
    memset(text, 'a', length);
    struct weft_buffer record = { 0 }, request = { 0 };
    struct weft_samples samples = { 0 };
    component_begin(&weft_processor_attributes,
                    "actions: [{action: delete, pattern: b}, {key: long, action: extract, pattern: '(?P<x>a)'}]\n"
                    "exclude: {match_type: regexp, span_names: [a]}",
                    WEFT_TRACES);
    put_field(&record, 5, weft_slice_of(text, length));
    put_string_attribute(&record, SPAN_ATTRIBUTES, text, "value");
    put_string_attribute(&record, SPAN_ATTRIBUTES, "long", text);
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_uint_lt(sink.last.length, request.length - length); /* one attribute gone, none more */
    ck_assert_uint_gt(sink.last.length, request.length - length - 100);
    weft_processor_attributes.collect(fixture.consumer, &samples);
    ck_assert_str_eq(samples.items[0].name, "weft_attributes_limits_met");
    ck_assert(samples.items[0].value == 3);
    weft_samples_fini(&samples);
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    weft_free(text);
    fixture_end();
}
END_TEST

/* Even where all records come to the same, which is found out once. */
START_TEST(test_a_limit_is_counted_for_each_record)
{
    struct weft_samples samples = { 0 };
    struct weft_buffer record = { 0 }, scope = { 0 }, resource = { 0 }, request = { 0 };
    component_begin(&weft_processor_attributes,
                    "actions: [{key: k, action: insert, value: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'},"
                    " {key: k, action: extract, pattern: '^(?P<x>(?:\\w+\\s?)*)$'}]",
                    WEFT_TRACES);
    for (int i = 0; i < 3; i++) {
        weft_buffer_clear(&record);
        put_span(&record, "span");
        put_field(&scope, 2, weft_buffer_slice(&record));
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    weft_processor_attributes.collect(fixture.consumer, &samples);
    ck_assert(samples.items[0].value == 3);
    weft_samples_fini(&samples);
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* What they need beyond their bytes is bounded in a batch: then one says so, too, that had its time before. */
START_TEST(test_slow_matches_are_bounded_in_a_batch)
{
    enum { SLOW = 2000 };
    struct weft_samples samples = { 0 };
    component_begin(&weft_processor_attributes,
                    "actions: [{key: k, action: extract, pattern: '^(?P<x>(?:\\w+\\s?)*)$'}]\n"
                    "exclude: {match_type: regexp, span_names: ['^(\\w+\\s?)*$']}",
                    WEFT_TRACES);
    for (int batch = 0; batch < 2; batch++) {
        struct weft_buffer slow = { 0 }, less_slow = { 0 }, request = { 0 };
        put_field(&slow, 5, WEFT_SLICE_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
        put_string_attribute(&slow, SPAN_ATTRIBUTES, "k", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
        put_field(&less_slow, 5, WEFT_SLICE_LITERAL("aaaaaaaaaa!"));
        put_string_attribute(&less_slow, SPAN_ATTRIBUTES, "k", "aaaaaaaaaa!");
        put_request(&request, weft_buffer_slice(&less_slow));
        for (int i = 0; i < SLOW; i++) {
            put_request(&request, weft_buffer_slice(&slow));
        }
        put_request(&request, weft_buffer_slice(&less_slow));
        ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
        weft_buffer_fini(&slow);
        weft_buffer_fini(&less_slow);
        weft_buffer_fini(&request);
    }
    weft_processor_attributes.collect(fixture.consumer, &samples);
    ck_assert(samples.items[0].value == 2 * 2 * (SLOW + 1)); /* of each batch the first has its steps */
    weft_samples_fini(&samples);
    fixture_end();
}
END_TEST

START_TEST(test_extract_makes_attributes_of_groups)
{
    static const char *const actions =
        "actions: [{key: url, action: extract, pattern: '^(?P<scheme>\\w+)://(?P<host>[^/:]+)(?::(?P<port>\\d+))?'}]";
    check(actions, LIST({ "url", "https://a.b:1/c" }),
          LIST({ "url", "https://a.b:1/c" }, { "scheme", "https" }, { "host", "a.b" }, { "port", "1" }));
    check(actions, LIST({ "host", "old" }, { "url", "http://a/" }),
          LIST({ "host", "a" }, { "url", "http://a/" }, { "scheme", "http" }, { "port", "" }));
    check(actions, LIST({ "url", "nothing" }), LIST({ "url", "nothing" }));
    check(actions, LIST({ "url", ANY(INT_7) }), LIST({ "url", ANY(INT_7) }));
    check("actions: [{key: a, action: extract, pattern: '(?P<a>b.)'}]", LIST({ "a", "abc" }), LIST({ "a", "bc" }));
}
END_TEST

START_TEST(test_convert_reads_and_writes_numbers_as_go_does)
{
    static const char *const to_int = "actions: [{key: a, action: convert, converted_type: int}]";
    check(to_int, LIST({ "a", "7" }), LIST({ "a", ANY(INT_7) }));
    check(to_int, LIST({ "a", "+007" }), LIST({ "a", ANY(INT_7) }));
    check(to_int, LIST({ "a", "-9223372036854775808" }),
          LIST({ "a", ANY("\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") }));
    check(to_int, LIST({ "a", "9223372036854775808" }), LIST({ "a", "9223372036854775808" }));
    check(to_int, LIST({ "a", "7.0" }), LIST({ "a", "7.0" }));
    check(to_int, LIST({ "a", "1_0" }), LIST({ "a", "1_0" }));
    check(to_int, LIST({ "a", "" }, { "b", "x" }), LIST({ "a", "" }, { "b", "x" }));
    check(to_int, LIST({ "a", "-" }), LIST({ "a", "-" }));
    check(to_int, LIST({ "a", ANY("\x10\x01") }), LIST({ "a", ANY("\x18\x01") }));
    check(to_int, LIST({ "a", ANY("\x21\0\0\0\0\0\0\x1f\x40") }), LIST({ "a", ANY(INT_7) })); /* 7.75 */
    check(to_int, LIST({ "a", ANY("\x21\0\0\0\0\0\0\xf8\x7f") }),                             /* NaN */
          LIST({ "a", ANY("\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") }));
    check(to_int, LIST({ "a", ANY("\x3a\x01z") }), LIST({ "a", ANY("\x3a\x01z") }));
    static const char *const to_double = "actions: [{key: a, action: convert, converted_type: double}]";
    check(to_double, LIST({ "a", "0.5" }), LIST({ "a", ANY(HALF) }));
    check(to_double, LIST({ "a", "0x1p-1" }), LIST({ "a", ANY(HALF) }));
    check(to_double, LIST({ "a", ANY("\x10\0") }), LIST({ "a", ANY("\x21\0\0\0\0\0\0\0\0") }));
    check(to_double, LIST({ "a", ANY(INT_7) }), LIST({ "a", ANY("\x21\0\0\0\0\0\0\x1c\x40") }));
    static const char *const to_string = "actions: [{key: a, action: convert, converted_type: string}]";
    check(to_string, LIST({ "a", ANY(INT_7) }), LIST({ "a", "7" }));
    check(to_string, LIST({ "a", ANY(HALF) }), LIST({ "a", "0.5" }));
    check(to_string, LIST({ "a", ANY("\x2a\x09\x0a\x02\x18\x01\x0a\x03\x0a\x01x") }), LIST({ "a", "[1,\"x\"]" }));
    check(to_string, LIST({ "a", ANY("") }), LIST({ "a", "" }));
}
END_TEST

START_TEST(test_texts_are_numbers_where_go_says_so)
{
    static const struct {
        const char *text;
        bool is_number;
        double number;
    } cases[] = {
        { "1", true, 1 },        { "-1.5e3", true, -1500 },   { ".5", true, 0.5 },
        { "5.", true, 5 },       { "1_000.5", true, 1000.5 }, { "0x_1p4", true, 16 },
        { "0X1.8p1", true, 3 },  { "1e-400", true, 0 },       { "", false, 0 },
        { " 1", false, 0 },      { "1 ", false, 0 },          { "1e", false, 0 },
        { "e5", false, 0 },      { ".", false, 0 },           { "1e400", false, 0 },
        { "0x1", false, 0 },     { "_1", false, 0 },          { "1_", false, 0 },
        { "1__0", false, 0 },    { "1_.5", false, 0 },        { "+nan", false, 0 },
        { "infinit", false, 0 }, { "--1", false, 0 },         { "1d", false, 0 },
    };
    double number;
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        bool is_number = weft_attribute_read_double(weft_slice_of_text(cases[i].text), &number);
        ck_assert_msg(is_number == cases[i].is_number && (!is_number || number == cases[i].number), "%s",
                      cases[i].text);
    }
    ck_assert(weft_attribute_read_double(WEFT_SLICE_LITERAL("-Infinity"), &number) && number < -1e308);
    ck_assert(weft_attribute_read_double(WEFT_SLICE_LITERAL("NaN"), &number) && number != number);
    ck_assert(!weft_attribute_read_double(WEFT_SLICE_LITERAL("1\0"), &number));
}
END_TEST

/* ---- what the request says ---- */

static void check_context(const char *actions, const struct weft_metadata_item *items, size_t count,
                          const struct attribute *before, const struct attribute *after)
{
    struct weft_buffer record = { 0 }, expected = { 0 }, request = { 0 }, outcome = { 0 };
    component_begin(&weft_processor_attributes, actions, WEFT_TRACES);
    put_attributes(&record, before);
    put_attributes(&expected, after);
    put_request(&request, weft_buffer_slice(&record));
    put_request(&outcome, weft_buffer_slice(&expected));
    for (int i = 0; i < 2; i++) { /* the second has none, which must not be known any more */
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        batch->metadata =
            i == 0 ? weft_metadata_try_new(&fixture.budget, items, count, WEFT_SLICE_LITERAL("::1")) : NULL;
        ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_OK);
        ck_assert_msg((i == 0) == weft_slice_equal(weft_buffer_slice(&sink.last), weft_buffer_slice(&outcome)), "%s",
                      actions);
    }
    weft_buffer_fini(&record);
    weft_buffer_fini(&expected);
    weft_buffer_fini(&request);
    weft_buffer_fini(&outcome);
    fixture_end();
}

START_TEST(test_values_come_from_the_metadata_of_the_request)
{
    const struct weft_metadata_item items[] = {
        { WEFT_SLICE_LITERAL("tenant"), WEFT_SLICE_LITERAL("") },
        { WEFT_SLICE_LITERAL("x-user"), WEFT_SLICE_LITERAL("ann") },
        { WEFT_SLICE_LITERAL("tenant"), WEFT_SLICE_LITERAL("b") },
        { WEFT_SLICE_LITERAL("empty"), WEFT_SLICE_LITERAL("") },
        { WEFT_SLICE_LITERAL("auth.username"), WEFT_SLICE_LITERAL("who says so") },
    };
    check_context("actions:\n- {key: t, action: insert, from_context: metadata.Tenant}\n"
                  "- {key: u, action: upsert, from_context: x-user}\n"
                  "- {key: e, action: upsert, from_context: metadata.empty}\n"
                  "- {key: m, action: insert, from_context: metadata.missing}\n"
                  "- {key: d, action: insert, from_context: metadata.missing, default_value: none}\n"
                  "- {key: p, action: insert, from_context: client.address, default_value: none}\n"
                  "- {key: q, action: insert, from_context: metadata.client.address}\n"
                  "- {key: r, action: insert, from_context: auth.username}\n"
                  "- {key: s, action: insert, from_context: auth.username, default_value: none}\n",
                  items, WEFT_COUNT_OF(items), LIST({ "u", "old" }),
                  LIST({ "u", "ann" }, { "t", ";b" }, { "e", "" }, { "d", "none" }, { "p", "::1" }, { "s", "none" }));
    check_context("actions: [{key: u, action: insert, from_context: x-user}]", items, WEFT_COUNT_OF(items),
                  LIST({ "z", "kept" }), LIST({ "z", "kept" }, { "u", "ann" }));
}
END_TEST

/* ---- the short way and the long one ---- */

static uint64_t random_state;

static unsigned pick(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % bound;
}

static const char *some_key(void)
{
    static const char *const keys[] = { "a", "b", "ab", "ba", "", "http.route", "x", "longer.than.that" };
    return keys[pick(WEFT_COUNT_OF(keys))];
}

/* A KeyValue in one of the shapes that are legal: key first or last, twice, without a value, with more. Plain: a short
 * key, then a value. */
static void put_key_value(struct weft_buffer *out, uint32_t field, bool is_plain)
{
    enum { SHAPES = 12, PLAIN_SHAPE = 7 };
    static const char long_text[300] = { [0 ... 298] = 'l' };
    struct weft_buffer any = { 0 }, key_value = { 0 };
    unsigned shape = is_plain ? PLAIN_SHAPE : pick(SHAPES);
    if (pick(4) == 0) {
        weft_buffer_append(&any, INT_7, 2);
    } else {
        put_field(&any, 1, weft_slice_of_text(pick(5) == 0 ? long_text : some_key()));
    }
    if (shape == 0) {
        put_field(&key_value, 2, weft_buffer_slice(&any));
    }
    if (shape == 1) {
        put_field(&key_value, 1, weft_slice_of_text(some_key()));
    }
    if (shape != 2) {
        put_field(&key_value, 1, weft_slice_of_text(shape == 3 ? long_text : some_key()));
    }
    if (shape == 4) {
        put_field(&key_value, 4, WEFT_SLICE_LITERAL("unknown"));
    }
    if (shape != 5) {
        put_field(&key_value, 2, weft_buffer_slice(&any));
    }
    if (shape == 6) {
        put_field(&key_value, 2, weft_buffer_slice(&any));
    }
    weft_buffer_fini(&any);
    put_message(out, field, &key_value);
}

static void put_random_message(struct weft_buffer *out, uint32_t field, bool is_plain)
{
    if (pick(3) > 0 && field == SPAN_ATTRIBUTES) {
        put_span(out, "a span");
    }
    for (unsigned count = pick(10); count > 0; count--) {
        if (pick(6) == 0) {
            weft_buffer_append(out, "\x50\x01\xfa\x7f\x02zz", 7); /* other fields between */
        }
        put_key_value(out, field, is_plain);
    }
    if (pick(2) == 0) {
        put_field(out, 13, WEFT_SLICE_LITERAL(""));
    }
}

static void put_random_actions(char *yaml, size_t size)
{
    static const char *const forms[] = {
        "{action: insert, key: K, value: 1}",
        "{action: update, key: K, value: two}",
        "{action: upsert, key: K, from_attribute: F}",
        "{action: insert, key: K, from_attribute: F}",
        "{action: delete, key: K}",
        "{action: hash, key: K}",
        "{action: convert, key: K, converted_type: string}",
        "{action: extract, key: K, pattern: '(?P<a>.)(?P<x>.*)'}",
    };
    snprintf(yaml, size, "actions:\n");
    for (unsigned count = 1 + pick(6); count > 0; count--) {
        const char *form = forms[pick(WEFT_COUNT_OF(forms))];
        size_t used = strlen(yaml);
        char text[200];
        size_t length = 0;
        for (const char *at = form; *at != '\0'; at++) {
            const char *key = some_key();
            bool is_key = (*at == 'K' || *at == 'F') && at[-1] == ' ';
            length += (size_t)snprintf(text + length, sizeof text - length, "%.*s", is_key ? 40 : 1,
                                       is_key ? (key[0] == '\0' ? "http.route" : key) : at);
        }
        snprintf(yaml + used, size - used, "- %s\n", text);
    }
}

START_TEST(test_the_short_way_does_what_the_long_one_does)
{
    static const uint32_t fields[] = { 1, 6, 7, SPAN_ATTRIBUTES };
    size_t change_count = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        char yaml[2000];
        struct weft_attribute_editor short_one, long_one;
        random_state = seed * 0x9e3779b97f4a7c15;
        put_random_actions(yaml, sizeof yaml);
        component_begin(&weft_processor_attributes, yaml, WEFT_TRACES);
        ck_assert(weft_attribute_editor_init(&short_one, fixture.shared, NULL) == WEFT_OK);
        ck_assert(weft_attribute_editor_init(&long_one, fixture.shared, NULL) == WEFT_OK);
        long_one.is_thorough = true;
        short_one.is_plain = seed % 2 == 0;
        for (int i = 0; i < 30; i++) {
            struct weft_arena *arena = weft_arena_try_new();
            struct weft_buffer message = { 0 };
            uint32_t field = fields[pick(WEFT_COUNT_OF(fields))];
            put_random_message(&message, field, short_one.is_plain);
            struct weft_slice by_short = weft_buffer_slice(&message), by_long = by_short;
            ck_assert(weft_attribute_editor_apply(&short_one, field, arena, 2, &by_short) == WEFT_OK);
            ck_assert(weft_attribute_editor_apply(&long_one, field, arena, 0, &by_long) == WEFT_OK);
            ck_assert_msg(weft_slice_equal(by_short, by_long), "seed %llu: %s", (unsigned long long)seed, yaml);
            ck_assert((by_short.bytes == message.bytes) == (by_long.bytes == message.bytes));
            change_count += by_short.bytes != message.bytes;
            weft_buffer_fini(&message);
            weft_arena_unref(&arena);
        }
        weft_attribute_editor_fini(&short_one);
        weft_attribute_editor_fini(&long_one);
        fixture_end();
    }
    ck_assert_uint_gt(change_count, 300 * 30 / 3);
}
END_TEST

/* Edited records lie one after the other with their frames, and leave in few pieces. */
START_TEST(test_edited_records_leave_in_long_pieces)
{
    struct weft_buffer record = { 0 }, scope = { 0 }, resource = { 0 }, request = { 0 };
    struct weft_slices slices;
    struct weft_error error = WEFT_ERROR_NONE;
    component_begin(&weft_processor_attributes, "actions: [{key: a, action: insert, value: 1}]", WEFT_TRACES);
    for (int i = 0; i < 100; i++) {
        weft_buffer_clear(&record);
        put_span(&record, "span");
        put_field(&scope, 2, weft_buffer_slice(&record));
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    struct weft_edit edit;
    struct weft_attribute_editor editor;
    ck_assert(weft_attribute_editor_init(&editor, fixture.shared, &error) == WEFT_OK);
    ck_assert(weft_edit_begin(&edit, &batch) == WEFT_OK && weft_edit_open(&edit) == WEFT_OK);
    struct weft_part *part = &edit.batch->parts[0];
    for (uint32_t i = 0; i < part->table.record_count; i++) {
        struct weft_otlp_record *row = &part->table.records[i];
        struct weft_slice bytes = { row->bytes, row->length };
        ck_assert(weft_attribute_editor_apply(&editor, SPAN_ATTRIBUTES, part->arena, 2, &bytes) == WEFT_OK);
        row->bytes = bytes.bytes;
        row->length = (uint32_t)bytes.length;
    }
    struct weft_arena *arena = weft_arena_try_new();
    weft_slices_init(&slices);
    ck_assert(weft_otlp_table_emit(&part->table, arena, &slices) == WEFT_OK);
    ck_assert_uint_le(slices.count, 4); /* the frame around them, and a chunk or two */
    weft_slices_fini(&slices);
    weft_arena_unref(&arena);
    weft_edit_cancel(&edit, &batch);
    weft_batch_end(&batch, NULL, -1);
    weft_attribute_editor_fini(&editor);
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_hash_is_of_the_bytes_of_the_value);
    tcase_add_test(tests, test_patterns_find_keys);
    tcase_add_test(tests, test_verdicts_on_keys_are_their_own);
    tcase_add_test(tests, test_a_pattern_that_meets_its_limit_hides);
    tcase_add_test(tests, test_a_limit_is_counted_for_each_record);
    tcase_add_test(tests, test_slow_matches_are_bounded_in_a_batch);
    tcase_add_test(tests, test_extract_makes_attributes_of_groups);
    tcase_add_test(tests, test_convert_reads_and_writes_numbers_as_go_does);
    tcase_add_test(tests, test_texts_are_numbers_where_go_says_so);
    tcase_add_test(tests, test_values_come_from_the_metadata_of_the_request);
    tcase_add_test(tests, test_the_short_way_does_what_the_long_one_does);
    tcase_add_test(tests, test_edited_records_leave_in_long_pieces);
}

int main(void)
{
    return component_run("attributes_actions", add_tests);
}
