/* Statements and conditions on attributes that are sought (ottl/slots.h) and fields that are written in runs, against
 * the same with all attributes opened and every message written field by field: spans of any shape, statements by lot.
 */
#include "component_test.h"

#include "processors/transform_run.h"

extern const struct weft_component weft_processor_transform;

enum { ATTRIBUTES_FIELD = 9, STATUS_FIELD = 15, MAX_STATEMENTS = 8 };

static const char *const statements[] = {
    "set(span.attributes[\"a\"], \"x\")",
    "set(span.attributes[\"bb\"], span.name)",
    "set(span.attributes[\"a\"], span.attributes[\"ccc\"])",
    "set(span.attributes[\"new\"], span.attributes[\"bb\"])",
    "set(span.attributes[\"newer\"], 17) where span.attributes[\"a\"] == \"short\"",
    "set(span.attributes[\"ccc\"], [1, \"two\"]) where span.attributes[\"bb\"] > 3",
    "set(span.attributes[\"a\"], nil)",
    "set(span.attributes[\"a\"], \"\")",
    "set(span.attributes[\"bb\"], true)",
    "set(span.attributes[\"zz\"], -1.5)",
    "set(span.attributes[\"new\"], -1)",
    "set(span.attributes[\"ccc\"], \"a text that is so long that its length and that of what is around it take two "
    "bytes each, which is the case from one hundred and twenty-eight bytes on\")",
    "set(resource.attributes[\"a\"], \"constant\")",
    "set(scope.name, span.name)",
    "set(span.name, \"constant\")",
    "set(span.name, \"\")",
    "set(span.attributes[\"name\"], span.name)",
    "set(spanevent.name, Concat([span.name, spanevent.name], \"/\"))",
    "set(span.attributes[\"bad\"], span.start_time)",
    "set(span.attributes[\"a\"], span.start_time)",
    "set(span.attributes[\"m\"][\"k\"], 1)",
    "set(span.attributes[\"length\"], Len(span.attributes))",
    "set(span.attributes[\"attribute.with.a.long.key\"], \"y\")",
    "set(span.attributes, resource.attributes)",
    "merge_maps(span.attributes, resource.attributes, \"upsert\")",
    "delete_key(span.attributes, \"a\")",
    "delete_key(span.attributes, \"attribute.with.a.long.key\")",
    "delete_key(span.attributes, \"new\")",
    "delete_key(span.attributes, span.name)",
    "delete_matching_keys(span.attributes, \"^b\")",
    "keep_keys(span.attributes, [\"a\", \"ccc\", \"new\"])",
    "limit(span.attributes, 3, [])",
    "truncate_all(span.attributes, 3)",
    "replace_pattern(span.attributes[\"a\"], \"o\", \"0$0\")",
    "replace_pattern(span.name, \"^$\", \"none\")",
    "replace_pattern(span.name, \"o[op]+|x\", \"of course\")",
    "replace_pattern(span.attributes[\"a\"], \"oo\", \"\xc3\xa4\")",
    "replace_pattern(span.attributes[\"bb\"], \"o{20}\", \"\")",
    "replace_pattern(span.attributes[\"ccc\"], \"short\", \"long\")",
    "replace_pattern(span.attributes[\"ccc\"], \"o*\", span.name)",
    "replace_pattern(span.attributes[\"a\"], \"o\", \"1\", SHA1)",
    "set(span.attributes[\"parts\"], Concat([span.name, \"-\", 7, span.attributes[\"none\"]], \"\"))",
    "set(span.name, Concat([span.attributes[\"m\"]], span.name))",
    "set(span.name, Concat([], \"x\"))",
    "set(span.name, Concat([\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", span.name], \"-\"))",
    "set(span.name, Concat([\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", span.trace_id.string, span.name], \"-\"))",
    "set(span.attributes[\"b\"], Concat([span.attributes[\"a\"], span.attributes, span.status], \", \"))",
    "set(span.attributes[\"status\"], span.status.code)",
    "set(span.status.code, STATUS_CODE_ERROR) where span.attributes[\"ccc\"] != nil",
    "set(span.status.message, span.attributes[\"a\"])",
    "set(span.name, Concat([span.attributes[\"a\"], span.attributes[\"bb\"]], \" \"))",
    "set(span.kind, SPAN_KIND_SERVER)",
    "set(span.attributes[\"kind\"], span.kind)",
    "set(span.attributes[\"times\"], span.end_time_unix_nano - span.start_time_unix_nano)",
    "set(span.attributes[\"ids\"], Concat([span.trace_id.string, span.parent_span_id.string], span.span_id.string))",
    "set(span.flags, 1)",
    "set(span.trace_state, \"\")",
    "set(span.dropped_attributes_count, 7)",
    "set(span.end_time_unix_nano, 5) where span.attributes[\"d\"] < 0",
    "set(resource.attributes[\"a\"], span.name)",
    "delete_key(resource.attributes, \"bb\")",
    "set(scope.attributes[\"a\"], span.attributes[\"a\"])",
    "set(span.attributes[\"back\"], scope.attributes[\"a\"])",
    "set(span.attributes[\"event\"], spanevent.name)",
    "set(spanevent.attributes[\"a\"], span.attributes[\"a\"])",
    "delete_key(spanevent.attributes, \"bb\")",
    "set(span.attributes[\"hit\"], 0) where span.attributes[\"a\"] == \"short\"",
    "set(span.attributes[\"hit\"], 1) where span.attributes[\"a\"] != \"short\"",
    "set(span.attributes[\"hit\"], 2) where span.attributes[\"bb\"] == 7",
    "set(span.attributes[\"hit\"], 3) where span.attributes[\"bb\"] != 500",
    "set(span.attributes[\"hit\"], 4) where span.attributes[\"ccc\"] >= 128",
    "set(span.attributes[\"hit\"], 5) where span.attributes[\"ccc\"] == 16384",
    "set(span.attributes[\"hit\"], 6) where span.attributes[\"d\"] == nil",
    "set(span.attributes[\"hit\"], 7) where span.attributes[\"d\"] != nil and not (span.attributes[\"d\"] == true)",
    "set(span.attributes[\"hit\"], 8) where IsMatch(span.attributes[\"a\"], \"^o+\")",
    "set(span.attributes[\"hit\"], 9) where IsMatch(span.attributes[\"bb\"], \"short$\")",
    "set(span.attributes[\"hit\"], 10) where not IsMatch(span.attributes[\"ccc\"], \"o[op]*\") or "
    "span.attributes[\"a\"] == \"\"",
    "set(span.attributes[\"hit\"], 11) where IsMatch(resource.attributes[\"a\"], \"s\") and span.attributes[\"d\"] == "
    "-1.0",
    "set(span.attributes[\"hit\"], 12) where span.attributes[\"a\"] == span.attributes[\"bb\"] or "
    "span.attributes[\"ccc\"] < \"p\"",
    "set(span.attributes[\"hit\"], 13) where IsMatch(span.name, \"short\") or IsMatch(span.attributes[\"m\"], \"x|y\")",
};

static uint64_t random_state;
static bool has_odd_shapes; /* the request has attributes that no SDK writes */

static uint64_t lot(uint64_t count)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % count;
}

/* ---- spans ---- */

static void put_number(struct weft_buffer *out, uint32_t field, enum weft_wire_type type, uint64_t number)
{
    uint8_t bytes[20];
    uint8_t *at = weft_wire_put_varint(bytes, (uint64_t)field << 3 | type);
    if (type == WEFT_WIRE_VARINT) {
        at = weft_wire_put_varint(at, number);
    } else {
        memcpy(at, &number, sizeof number);
        at += sizeof number;
    }
    weft_buffer_append(out, bytes, (size_t)(at - bytes));
}

static void put_text(struct weft_buffer *out, uint32_t field)
{
    static const uint8_t text[400] = { 'o', 'n' };
    static const uint16_t lengths[] = { 0, 1, 5, 100, 116, 117, 118, 119, 120, 121, 122, 123, 126, 127, 128, 300 };
    uint8_t bytes[sizeof text];
    size_t length = lengths[lot(WEFT_COUNT_OF(lengths))];
    memset(bytes, 'o', sizeof bytes);
    memcpy(bytes, text, 1);
    put_field(out, field, lot(8) == 0 ? WEFT_SLICE_LITERAL("short") : weft_slice_of(bytes, length));
}

static void put_value(struct weft_buffer *out)
{
    static const uint64_t numbers[] = { 0, 7, 127, 128, 500, 16383, 16384, UINT64_MAX };
    struct weft_buffer inner = { 0 };
    struct weft_buffer member = { 0 };
    switch (lot(8)) {
    case 0:
        put_number(&inner, 3, WEFT_WIRE_VARINT, numbers[lot(WEFT_COUNT_OF(numbers))]);
        break;
    case 1:
        put_number(&inner, 4, WEFT_WIRE_FIXED64, lot(2) == 0 ? UINT64_C(0xbff8000000000000) : 0);
        break;
    case 2: /* a list of one string */
        put_text(&member, 1);
        put_message(&inner, 1, &member);
        put_message(out, 5, &inner);
        return;
    case 3: /* bytes, and what nobody knows */
        put_text(&inner, 7);
        put_text(&inner, 30);
        break;
    case 4: /* nothing */
        break;
    case 5: /* of two values the last counts */
        put_number(&inner, 3, WEFT_WIRE_VARINT, 1);
        put_text(&inner, 1);
        break;
    default:
        put_text(&inner, 1);
        break;
    }
    weft_buffer_append(out, inner.bytes, inner.length);
    weft_buffer_fini(&inner);
}

static void put_attribute(struct weft_buffer *out, uint32_t field)
{
    static const char *const keys[] = {
        "a", "bb", "ccc", "d", "m", "", "new", "zz", "attribute.with.a.long.key", "attribute.with.a.long.kex"
    };
    struct weft_slice key = weft_slice_of_text(keys[lot(WEFT_COUNT_OF(keys))]);
    struct weft_buffer key_value = { 0 };
    struct weft_buffer value = { 0 };
    uint64_t shape = has_odd_shapes ? lot(12) : 12;
    put_value(&value);
    if (shape == 0) { /* the value first */
        put_field(&key_value, 2, weft_buffer_slice(&value));
        put_field(&key_value, 1, key);
    } else if (shape == 1) { /* of two keys the last counts */
        put_field(&key_value, 1, WEFT_SLICE_LITERAL("a"));
        put_field(&key_value, 1, key);
        put_field(&key_value, 2, weft_buffer_slice(&value));
    } else if (shape == 2) { /* no value */
        put_field(&key_value, 1, key);
    } else if (shape == 3) { /* a field more */
        put_field(&key_value, 1, key);
        put_field(&key_value, 2, weft_buffer_slice(&value));
        put_field(&key_value, 9, WEFT_SLICE_LITERAL("?"));
    } else {
        put_field(&key_value, 1, key);
        put_field(&key_value, 2, weft_buffer_slice(&value));
    }
    weft_buffer_fini(&value);
    put_message(out, field, &key_value);
}

static void put_other(struct weft_buffer *out)
{
    struct weft_buffer inner = { 0 };
    static const uint8_t id[16] = { 1 };
    switch (lot(10)) {
    case 0:
        put_field(out, 1, weft_slice_of(id, sizeof id));
        return;
    case 1:
        put_text(out, 3);
        return;
    case 2:
        put_text(out, 5);
        return;
    case 3:
        put_number(out, 6, WEFT_WIRE_VARINT, lot(3));
        return;
    case 4:
        put_number(out, 8, WEFT_WIRE_FIXED64, lot(1000));
        return;
    case 5:
        put_number(out, 10, WEFT_WIRE_VARINT, lot(300));
        return;
    case 6:
        put_text(out, 127);
        return;
    case 7:
        put_text(&inner, 2);
        put_number(&inner, 3, WEFT_WIRE_VARINT, lot(3));
        put_message(out, STATUS_FIELD, &inner);
        return;
    default: /* an event */
        put_text(&inner, 2);
        put_attribute(&inner, 3);
        put_attribute(&inner, 3);
        put_message(out, 11, &inner);
        return;
    }
}

/* As SDKs begin a span, for the most part. */
static void put_head(struct weft_buffer *out)
{
    static const uint8_t id[16] = { 1 };
    uint64_t other = lot(16);
    put_field(out, 1, weft_slice_of(id, sizeof id));
    put_field(out, 2, weft_slice_of(id, other == 0 ? 0 : 8));
    if (other == 1) {
        put_text(out, 3);
    }
    if (lot(2) == 0) {
        put_field(out, 4, weft_slice_of(id, 8));
    }
    put_text(out, 5);
    if (other != 2) {
        put_number(out, 6, WEFT_WIRE_VARINT, lot(3));
    }
    put_number(out, 7, WEFT_WIRE_FIXED64, lot(1000));
    put_number(out, 8, WEFT_WIRE_FIXED64, 1000 + lot(1000));
}

/* Attributes in one run or in several, among other fields that may be there more than once. */
static void put_any_span(struct weft_buffer *out)
{
    bool is_scattered = lot(4) == 0;
    size_t before = lot(5), attributes = lot(7), behind = lot(4);
    if (lot(2) == 0) {
        put_head(out);
        before = 0;
    }
    while (before + attributes + behind > 0) {
        bool is_attribute = is_scattered ? lot(2) == 0 : before == 0;
        if (is_attribute && attributes > 0) {
            put_attribute(out, ATTRIBUTES_FIELD);
            attributes--;
        } else {
            put_other(out);
            before > 0 ? before-- : behind > 0 ? behind-- : 0;
        }
    }
}

/* The attributes of a resource, or of a scope. */
static void put_owner(struct weft_buffer *out, uint32_t attributes_field)
{
    struct weft_buffer owner = { 0 };
    for (size_t left = lot(4); left > 0; left--) {
        put_attribute(&owner, attributes_field);
    }
    put_message(out, 1, &owner);
}

static void put_any_request(struct weft_buffer *out)
{
    struct weft_buffer resource = { 0 };
    struct weft_buffer scope = { 0 };
    has_odd_shapes = lot(2) == 0;
    put_owner(&resource, 1);
    put_owner(&scope, 3);
    for (size_t i = 0; i < 3; i++) {
        struct weft_buffer span = { 0 };
        put_any_span(&span);
        put_message(&scope, 2, &span);
    }
    put_message(&resource, 2, &scope);
    put_message(out, 1, &resource);
}

/* ---- all ways ---- */

enum way { FAST, THOROUGH, VISITING /* while the part is opened, where that may be */ };

static size_t visited_count;

/* What comes out, and behind it how often something failed and how it did last. */
static void transform(const struct weft_transform_rules *rules, struct weft_slice request, enum way way,
                      struct weft_buffer *out)
{
    struct weft_transform_runner runner;
    struct weft_slices slices;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_batch *batch = batch_of(WEFT_TRACES, request, NULL);
    struct weft_arena *arena = weft_arena_try_new();
    bool is_visited = way == VISITING && weft_transform_may_visit(rules, WEFT_TRACES);
    ck_assert(is_visited || weft_batch_open(batch) == WEFT_OK);
    ck_assert(weft_transform_runner_init(&runner, rules, "test", &error) == WEFT_OK);
    runner.is_thorough = way == THOROUGH;
    ck_assert(weft_transform_apply_part(&runner, batch, 0, &error) == WEFT_OK);
    visited_count += is_visited;
    weft_slices_init(&slices);
    ck_assert(weft_batch_emit(batch, arena, &slices) == WEFT_OK);
    for (size_t i = 0; i < slices.count; i++) {
        weft_buffer_append(out, slices.items[i].bytes, slices.items[i].length);
    }
    weft_slices_fini(&slices);
    weft_buffer_append_format(out, "%llu %s", (unsigned long long)runner.errors, runner.run.error.text);
    weft_transform_runner_fini(&runner);
    weft_arena_unref(&arena);
    weft_batch_end(&batch, NULL, -1);
}

static void compare_all_ways(uint64_t seed)
{
    struct weft_slice chosen[MAX_STATEMENTS];
    struct weft_transform_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer request = { 0 };
    struct weft_buffer fast = { 0 };
    struct weft_buffer thorough = { 0 };
    struct weft_buffer visited = { 0 };
    random_state = seed;
    size_t count = 1 + lot(MAX_STATEMENTS);
    for (size_t i = 0; i < count; i++) {
        chosen[i] = weft_slice_of_text(statements[lot(WEFT_COUNT_OF(statements))]);
    }
    ck_assert_msg(weft_transform_rules_of(WEFT_TRACES, "", chosen, count, &rules, &error) == WEFT_OK, "%s", error.text);
    rules->groups[WEFT_TRACES][0].error_mode = WEFT_OTTL_SILENT;
    put_any_request(&request);
    transform(rules, weft_buffer_slice(&request), FAST, &fast);
    transform(rules, weft_buffer_slice(&request), THOROUGH, &thorough);
    transform(rules, weft_buffer_slice(&request), VISITING, &visited);
    bool is_same = weft_slice_equal(weft_buffer_slice(&fast), weft_buffer_slice(&thorough)) &&
                   weft_slice_equal(weft_buffer_slice(&fast), weft_buffer_slice(&visited));
    for (size_t i = 0; !is_same && i < count; i++) {
        fprintf(stderr, "%.*s\n", WEFT_SLICE_PRINT(chosen[i]));
    }
    ck_assert_msg(is_same, "seed %llu", (unsigned long long)seed);
    weft_buffer_fini(&request);
    weft_buffer_fini(&fast);
    weft_buffer_fini(&thorough);
    weft_buffer_fini(&visited);
    weft_transform_rules_free(&rules);
}

/* Each of as many keys as are sought is deleted, and set again. */
START_TEST(test_all_attributes_may_be_deleted_and_set_again)
{
    enum { KEYS = WEFT_OTTL_MAX_SOUGHT };
    static char texts[2 * KEYS][64];
    struct weft_slice chosen[2 * KEYS];
    struct weft_transform_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer span = { 0 }, request = { 0 }, outcomes[3] = { 0 };
    put_text(&span, 5);
    for (size_t i = 0; i < KEYS; i++) {
        struct weft_buffer key_value = { 0 };
        snprintf(texts[i], sizeof texts[i], "delete_key(span.attributes, \"k%02zu\")", i);
        snprintf(texts[KEYS + i], sizeof texts[i], "set(span.attributes[\"k%02zu\"], \"n\")", i);
        put_field(&key_value, 1,
                  weft_slice_of((const uint8_t *)texts[i] + strlen("delete_key(span.attributes, \""), 3));
        put_field(&key_value, 2, WEFT_SLICE_LITERAL("\x0a\x03old"));
        put_message(&span, ATTRIBUTES_FIELD, &key_value);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(chosen); i++) {
        chosen[i] = weft_slice_of_text(texts[i]);
    }
    component_begin(&weft_processor_transform, "{}", WEFT_TRACES);
    ck_assert(weft_transform_rules_of(WEFT_TRACES, "", chosen, WEFT_COUNT_OF(chosen), &rules, &error) == WEFT_OK);
    put_request(&request, weft_buffer_slice(&span));
    for (enum way way = FAST; way <= VISITING; way++) {
        transform(rules, weft_buffer_slice(&request), way, &outcomes[way]);
        ck_assert(weft_slice_equal(weft_buffer_slice(&outcomes[way]), weft_buffer_slice(&outcomes[FAST])));
    }
    for (enum way way = FAST; way <= VISITING; way++) {
        weft_buffer_fini(&outcomes[way]);
    }
    weft_buffer_fini(&span);
    weft_buffer_fini(&request);
    weft_transform_rules_free(&rules);
    fixture_end();
}
END_TEST

START_TEST(test_the_short_way_writes_what_the_long_way_does)
{
    enum { TRIES = 5000 };
    component_begin(&weft_processor_transform, "{}", WEFT_TRACES);
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        compare_all_ways(seed * UINT64_C(0x9e3779b97f4a7c15));
    }
    ck_assert_uint_gt(visited_count, TRIES / 20);
    fixture_end();
}
END_TEST

/* Whether the part came open or is opened by the first group, the others see what it left. */
static void compare_open_and_closed(const char *yaml, enum weft_status expected, const char *text)
{
    struct weft_buffer request = { 0 }, first = { 0 };
    random_state = 17;
    put_any_request(&request);
    component_begin(&weft_processor_transform, yaml, WEFT_TRACES);
    for (int is_open = 0; is_open < 2; is_open++) {
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        ck_assert(!is_open || weft_batch_open(batch) == WEFT_OK);
        ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == expected);
        if (expected != WEFT_OK) {
            weft_batch_end(&batch, NULL, -1);
        } else if (!is_open) {
            weft_buffer_append(&first, sink.last.bytes, sink.last.length);
            ck_assert(memmem(first.bytes, first.length, text, strlen(text)) != NULL);
        } else {
            ck_assert(weft_slice_equal(weft_buffer_slice(&first), weft_buffer_slice(&sink.last)));
        }
    }
    weft_buffer_fini(&request);
    weft_buffer_fini(&first);
    fixture_end();
}

START_TEST(test_groups_follow_one_another_in_parts_of_any_kind)
{
    compare_open_and_closed("trace_statements: [{context: span, statements: ['set(attributes[\"p\"], \"first\")']},"
                            " {context: resource, statements: ['set(attributes[\"q\"], \"second\")']},"
                            " {context: span, statements: ['set(attributes[\"r\"], Concat([resource.attributes[\"q\"],"
                            " attributes[\"p\"]], \"+\"))']}]",
                            WEFT_OK, "second+first");
    compare_open_and_closed("trace_statements: [{context: span, statements: ['set(attributes[\"p\"],"
                            " resource.attributes[\"a\"])', 'set(attributes[\"z\"], \"after\")']}]",
                            WEFT_OK, "after");
    compare_open_and_closed("{error_mode: propagate, trace_statements: ['set(span.attributes[\"p\"],"
                            " ParseJSON(span.name))']}",
                            WEFT_INVALID, NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_all_attributes_may_be_deleted_and_set_again);
    tcase_add_test(tests, test_the_short_way_writes_what_the_long_way_does);
    tcase_add_test(tests, test_groups_follow_one_another_in_parts_of_any_kind);
}

int main(void)
{
    return component_run("transform, the short way", add_tests);
}
