/* attributes: each action on spans, log records and data points, byte for byte: what is not touched stays. */
#include "component_test.h"

extern const struct weft_component weft_processor_attributes;

enum { SPAN_ATTRIBUTES = 9, LOG_ATTRIBUTES = 6 };

static struct weft_buffer record;   /* the input, in the making */
static struct weft_buffer expected; /* the record as it must leave */

static void begin(const char *yaml, enum weft_signal signal)
{
    weft_buffer_init(&record, 0);
    weft_buffer_init(&expected, 0);
    component_begin(&weft_processor_attributes, yaml, signal);
}

static void end(void)
{
    weft_buffer_fini(&record);
    weft_buffer_fini(&expected);
    fixture_end();
}

static void put_raw(struct weft_buffer *out, const char *bytes, size_t length)
{
    weft_buffer_append(out, bytes, length);
}

#define PUT_RAW(out, bytes) put_raw((out), (bytes), sizeof(bytes) - 1)

/* Offers the record and compares what came out with expected. */
static void check_outcome(enum weft_signal signal)
{
    struct weft_buffer request = { 0 };
    struct weft_buffer outcome = { 0 };
    put_request(&request, weft_buffer_slice(&record));
    put_request(&outcome, weft_buffer_slice(&expected));
    ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_uint_eq(sink.last.length, outcome.length);
    ck_assert_mem_eq(sink.last.bytes, outcome.bytes, outcome.length);
    weft_buffer_fini(&request);
    weft_buffer_fini(&outcome);
    weft_buffer_clear(&record);
    weft_buffer_clear(&expected);
}

static void put_attribute(struct weft_buffer *out, const char *key, const char *value)
{
    put_string_attribute(out, SPAN_ATTRIBUTES, key, value);
}

static void put_both(const char *key, const char *value)
{
    put_attribute(&record, key, value);
    put_attribute(&expected, key, value);
}

START_TEST(test_config_rules_are_the_collectors)
{
    const struct weft_component *component = &weft_processor_attributes;
    component_expect_refused(component, "{}", WEFT_INVALID, "missing required field \"actions\"");
    component_expect_refused(component, "actions:\n- action: insert\n  value: 1", WEFT_INVALID,
                             "actions[0]: missing required field \"key\"");
    component_expect_refused(component, "actions: [{key: a, action: insert}]", WEFT_INVALID, "needs either");
    component_expect_refused(component, "actions: [{key: a, action: insert, value: 1, from_attribute: b}]",
                             WEFT_INVALID, "one is needed, not 2");
    component_expect_refused(component, "actions: [{key: a, action: delete, value: 1}]", WEFT_INVALID, "does not use");
    component_expect_refused(component, "actions: [{key: a, action: hash, from_attribute: b}]", WEFT_INVALID,
                             "action hash does not use \"from_attribute\"");
    component_expect_refused(component, "actions: [{key: a, action: upsert, value: 1, pattern: b}]", WEFT_INVALID,
                             "does not use \"pattern\"");
    component_expect_refused(component, "actions: [{key: a, action: delete, converted_type: int}]", WEFT_INVALID,
                             "does not use \"converted_type\"");
    component_expect_refused(component, "actions: [{action: delete}]", WEFT_INVALID, "\"key\" or \"pattern\"");
    component_expect_refused(component, "actions: [{action: convert, converted_type: int}]", WEFT_INVALID,
                             "missing required field \"key\"");
    component_expect_refused(component, "actions: [{key: a, action: convert}]", WEFT_INVALID,
                             "needs \"converted_type\"");
    component_expect_refused(component, "actions: [{key: a, action: convert, converted_type: float}]", WEFT_INVALID,
                             "\"float\" is none");
    component_expect_refused(component, "actions: [{key: a, action: extract}]", WEFT_INVALID, "needs \"pattern\"");
    component_expect_refused(component, "actions: [{key: a, action: extract, pattern: a.b}]", WEFT_INVALID, "no named");
    component_expect_refused(component, "actions: [{key: a, action: extract, pattern: '(?P<x>a)(b)'}]", WEFT_INVALID,
                             "group 2 has no name");
    component_expect_refused(component, "actions:\n- {key: a, action: delete}\n- {action: delete, pattern: '('}",
                             WEFT_INVALID, "actions[1]: pattern: ");
    component_expect_refused(component, "actions: [{key: a, action: remove}]", WEFT_INVALID, "is not an action");
    component_expect_refused(component, "actions: [{key: a, action: insert, value: {b: [18446744073709551615]}}]",
                             WEFT_INVALID, "value: 18446744073709551615 does not fit");
    component_expect_refused(component, "actions: [{key: a, action: insert, from_context: b, value: 1}]", WEFT_INVALID,
                             "one is needed, not 2");
    component_expect_refused(component, "actions: [{key: a, action: extract, pattern: '(?P<b>.)', from_context: b}]",
                             WEFT_INVALID, "does not use \"from_context\"");
}
END_TEST

START_TEST(test_insert_adds_what_is_absent_only)
{
    begin("actions: [{key: env, action: insert, value: prod}]", WEFT_TRACES);
    put_span(&record, "a");
    put_span(&expected, "a");
    put_attribute(&expected, "env", "prod");
    check_outcome(WEFT_TRACES);
    put_span(&record, "a");
    put_attribute(&record, "env", "dev");
    weft_buffer_append(&expected, record.bytes, record.length);
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_values_keep_their_yaml_type)
{
    begin("actions:\n- {key: i, action: insert, value: -2}\n- {key: b, action: insert, value: true}\n"
          "- {key: d, action: insert, value: 0.5}\n- {key: s, action: INSERT, value: \"7\"}\n"
          "- {key: n, action: insert, value: 300}\n- {key: e, action: insert, value: \"\"}\n",
          WEFT_TRACES);
    put_span(&record, "a");
    put_span(&expected, "a");
    PUT_RAW(&expected, "\x4a\x10\x0a\x01i\x12\x0b\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    PUT_RAW(&expected, "\x4a\x07\x0a\x01"
                       "b\x12\x02\x10\x01");
    PUT_RAW(&expected, "\x4a\x0e\x0a\x01"
                       "d\x12\x09\x21\0\0\0\0\0\0\xe0\x3f");
    PUT_RAW(&expected, "\x4a\x08\x0a\x01s\x12\x03\x0a\x01"
                       "7");
    PUT_RAW(&expected, "\x4a\x08\x0a\x01n\x12\x03\x18\xac\x02");
    PUT_RAW(&expected, "\x4a\x07\x0a\x01"
                       "e\x12\x02\x0a\0");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_update_changes_what_is_present_only)
{
    begin("actions: [{key: a, action: update, value: new}, {key: x, action: update, value: 1}]", WEFT_TRACES);
    put_span(&record, "s");
    put_span(&expected, "s");
    put_both("first", "1");
    put_attribute(&record, "a", "something old and long");
    put_attribute(&expected, "a", "new");
    put_both("last", "2");
    PUT_RAW(&record, "\x50\x05\xfa\x7f\x02zz"); /* dropped_attributes_count and an unknown field 2047 */
    PUT_RAW(&expected, "\x50\x05\xfa\x7f\x02zz");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_upsert_does_either)
{
    begin("actions: [{key: a, action: upsert, value: new}, {key: b, action: upsert, from_attribute: c}]", WEFT_TRACES);
    put_attribute(&record, "a", "old");
    put_attribute(&record, "c", "from c");
    put_attribute(&expected, "a", "new");
    put_attribute(&expected, "c", "from c");
    put_attribute(&expected, "b", "from c");
    check_outcome(WEFT_TRACES);
    put_both("b", "stays: c is not there");
    put_attribute(&expected, "a", "new");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_delete_takes_the_first_of_equal_keys)
{
    begin("actions: [{key: a, action: delete}]", WEFT_TRACES);
    put_both("x", "1");
    put_attribute(&record, "a", "first");
    put_both("y", "2");
    put_both("a", "second");
    put_both("z", "3");
    check_outcome(WEFT_TRACES);
    put_attribute(&record, "a", "only one, and all there is");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_actions_follow_one_another)
{
    begin("actions:\n- {key: b, action: insert, from_attribute: a}\n- {key: a, action: delete}\n"
          "- {key: a, action: insert, value: fresh}\n- {key: c, action: upsert, from_attribute: b}\n"
          "- {key: b, action: update, from_attribute: a}\n- {key: tmp, action: insert, value: 1}\n"
          "- {key: tmp, action: delete}\n",
          WEFT_TRACES);
    put_attribute(&record, "a", "old");
    put_both("k", "v");
    put_attribute(&expected, "b", "fresh");
    put_attribute(&expected, "a", "fresh");
    put_attribute(&expected, "c", "old");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

/* A KeyValue may have its fields in any order, more than once, and others besides. */
START_TEST(test_odd_key_values_are_understood)
{
    begin("actions: [{key: a, action: update, value: new}, {key: copy, action: insert, from_attribute: two}]",
          WEFT_TRACES);
    PUT_RAW(&record, "\x4a\x0d\x12\x03\x0a\x01v\x22\x01u\x0a\x03not\x0a\x01"
                     "a");
    record.bytes[1] = (uint8_t)(record.length - 2);
    PUT_RAW(&expected, "\x4a\x12\x22\x01u\x0a\x03not\x0a\x01"
                       "a\x12\x05\x0a\x03new");
    expected.bytes[1] = (uint8_t)(expected.length - 2);
    /* two = [1] merged with [2]: both value fields go along. */
    PUT_RAW(&record, "\x4a\x17\x0a\x03two\x12\x06\x2a\x04\x0a\x02\x18\x01\x12\x06\x2a\x04\x0a\x02\x18\x02");
    record.bytes[record.length - 22] = 21;
    weft_buffer_append(&expected, record.bytes + record.length - 23, 23);
    PUT_RAW(&expected, "\x4a\x16\x0a\x04"
                       "copy\x12\x06\x2a\x04\x0a\x02\x18\x01\x12\x06\x2a\x04\x0a\x02\x18\x02");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

/* What is left of a KeyValue in pieces, some before the value and some behind it, is put together. */
START_TEST(test_values_in_pieces_stay_whole)
{
    begin("actions: [{key: b, action: upsert, from_attribute: a}, {key: a, action: update, value: x}]", WEFT_TRACES);
    put_both("b", "");
    weft_buffer_clear(&expected);
    PUT_RAW(&record, "\x4a\x11\x12\x03\x0a\x01v\x22\x01u\x12\x04\x0a\x02ww\x0a\x01"
                     "a");
    PUT_RAW(&expected, "\x4a\x0e\x0a\x01"
                       "b\x12\x03\x0a\x01v\x12\x04\x0a\x02ww");
    PUT_RAW(&expected, "\x4a\x0b\x22\x01u\x0a\x01"
                       "a\x12\x03\x0a\x01x");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_default_values_stand_in_for_sources)
{
    begin("actions:\n- {key: a, action: upsert, from_attribute: x, default_value: d}\n"
          "- {key: b, action: insert, default_value: e}\n- {key: c, action: update, default_value: f}\n"
          "- {key: b, action: upsert, value: v, default_value: w}\n",
          WEFT_TRACES);
    put_attribute(&record, "a", "old");
    put_attribute(&expected, "a", "d");
    put_attribute(&expected, "b", "v");
    check_outcome(WEFT_TRACES);
    put_both("x", "source");
    put_attribute(&expected, "a", "source");
    put_attribute(&expected, "b", "v");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_values_may_be_lists_and_maps)
{
    begin("actions: [{key: l, action: insert, value: [1, x, {k: [true, null]}, []]}]", WEFT_TRACES);
    PUT_RAW(&expected, "\x4a\x27\x0a\x01l\x12\x22\x2a\x20"
                       "\x0a\x02\x18\x01\x0a\x03\x0a\x01x" /* 1, x */
                       "\x0a\x11\x32\x0f\x0a\x0d\x0a\x01k\x12\x08\x2a\x06\x0a\x02\x10\x01\x0a\0"
                       "\x0a\x02\x2a\0");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_a_key_without_a_value_is_a_source)
{
    begin("actions: [{key: b, action: upsert, from_attribute: a}]", WEFT_TRACES);
    PUT_RAW(&record, "\x4a\x03\x0a\x01"
                     "a");
    put_attribute(&record, "b", "old");
    PUT_RAW(&expected, "\x4a\x03\x0a\x01"
                       "a\x4a\x03\x0a\x01"
                       "b");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_log_records_have_theirs_in_field_six)
{
    begin("actions: [{key: a, action: upsert, value: new}]", WEFT_LOGS);
    PUT_RAW(&record, "\x09\x01\0\0\0\0\0\0\0\x2a\x04\x0a\x02hi"); /* time, body */
    weft_buffer_append(&expected, record.bytes, record.length);
    put_string_attribute(&record, LOG_ATTRIBUTES, "a", "old");
    put_string_attribute(&expected, LOG_ATTRIBUTES, "a", "new");
    PUT_RAW(&record, "\x4a\0"); /* trace_id, where a span has its attributes */
    PUT_RAW(&expected, "\x4a\0");
    check_outcome(WEFT_LOGS);
    end();
}
END_TEST

static void put_points(struct weft_buffer *metric, uint32_t data_field, uint32_t attribute_field, const char *value)
{
    struct weft_buffer data = { 0 };
    for (int i = 0; i < 2; i++) {
        struct weft_buffer point = { 0 };
        put_raw(&point, "\x11\x07\0\0\0\0\0\0\0", data_field == 10 ? 0 : 9); /* start time; in field 2 of most */
        put_string_attribute(&point, attribute_field, "a", i == 0 ? value : "same");
        put_message(&data, 1, &point);
    }
    PUT_RAW(&data, "\x10\x02"); /* aggregation temporality */
    put_message(metric, data_field, &data);
}

START_TEST(test_data_points_of_every_kind_are_edited)
{
    static const uint32_t kinds[][2] = { { 5, 7 }, { 7, 7 }, { 9, 9 }, { 10, 1 }, { 11, 7 } };
    begin("actions: [{key: a, action: update, from_attribute: b}, {key: a, action: update, value: same}]",
          WEFT_METRICS);
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        put_field(&record, 1, WEFT_SLICE_LITERAL("metric"));
        put_field(&expected, 1, WEFT_SLICE_LITERAL("metric"));
        put_points(&record, kinds[i][0], kinds[i][1], "another, longer value that makes the lengths larger");
        put_points(&expected, kinds[i][0], kinds[i][1], "same");
        PUT_RAW(&record, "\x1a\x01s");
        PUT_RAW(&expected, "\x1a\x01s");
        check_outcome(WEFT_METRICS);
    }
    end();
}
END_TEST

/* What nobody edits is not even opened: it may leave as the compressed bytes that came in. */
START_TEST(test_batch_without_a_change_passes_as_it_came)
{
    begin("actions: [{key: absent, action: delete}, {key: a, action: insert, value: 1}]", WEFT_TRACES);
    struct weft_buffer request = { 0 };
    put_attribute(&record, "a", "there");
    put_request(&request, weft_buffer_slice(&record));
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    struct weft_batch *before = batch;
    sink.answer = WEFT_INVALID;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_INVALID);
    ck_assert_ptr_eq(batch, before);
    ck_assert(!batch->parts[0].is_open);
    weft_batch_end(&batch, NULL, -1);
    weft_buffer_fini(&request);
    end();
}
END_TEST

/* Whoever was told CLOSED comes back with the batch: as it was, or these actions would run twice. */
START_TEST(test_a_batch_that_was_not_taken_is_as_before)
{
    begin("actions: [{key: a, action: upsert, from_attribute: b}, {key: b, action: upsert, value: c}]", WEFT_TRACES);
    struct weft_buffer request = { 0 };
    put_attribute(&record, "a", "1");
    put_attribute(&record, "b", "2");
    put_attribute(&expected, "a", "2");
    put_attribute(&expected, "b", "c");
    put_request(&request, weft_buffer_slice(&record));
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    sink.answer = WEFT_CLOSED;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_CLOSED);
    struct weft_buffer left = { 0 };
    append_batch(batch, &left);
    ck_assert_uint_eq(left.length, request.length);
    ck_assert_mem_eq(left.bytes, request.bytes, left.length);
    sink.answer = WEFT_OK;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_OK);
    weft_buffer_clear(&request);
    put_request(&request, weft_buffer_slice(&expected));
    ck_assert_uint_eq(sink.last.length, request.length);
    ck_assert_mem_eq(sink.last.bytes, request.bytes, request.length);
    weft_buffer_fini(&left);
    weft_buffer_fini(&request);
    end();
}
END_TEST

/* ---- against a model ---- */

static uint64_t random_state;

static unsigned pick(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % bound;
}

struct model {
    char keys[64];
    int values[64];
    size_t count;
};

static size_t model_find(const struct model *model, char key)
{
    size_t i = 0;
    while (i < model->count && model->keys[i] != key) {
        i++;
    }
    return i;
}

static void model_apply(struct model *model, unsigned action, char key, char from, int value)
{
    size_t at = model_find(model, key);
    bool has_key = at < model->count;
    if (action == 3) {
        if (has_key) {
            memmove(model->keys + at, model->keys + at + 1, model->count - at - 1);
            memmove(model->values + at, model->values + at + 1, (model->count - at - 1) * sizeof model->values[0]);
            model->count--;
        }
        return;
    }
    size_t source = model_find(model, from);
    if ((action == 0 && has_key) || (action == 1 && !has_key) || (from != 0 && source == model->count)) {
        return;
    }
    model->values[at] = from != 0 ? model->values[source] : value;
    model->keys[at] = key;
    model->count += has_key ? 0 : 1;
}

static void model_put(const struct model *model, struct weft_buffer *out)
{
    for (size_t i = 0; i < model->count; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", model->values[i]);
        put_attribute(out, (char[]){ model->keys[i], '\0' }, value);
        if (out == &record && pick(4) == 0) {
            PUT_RAW(out, "\x50\x01"); /* between attributes; stripped before comparing */
        }
    }
}

static void strip_counts(struct weft_slice message, struct weft_buffer *out)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number != 10) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
}

static struct weft_slice inner(struct weft_slice message, int levels)
{
    for (int i = 0; i < levels; i++) {
        struct weft_wire_reader reader = weft_wire_reader_of(message);
        struct weft_wire_field field;
        bool has_field = false;
        ck_assert(weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field);
        message = field.bytes;
    }
    return message;
}

START_TEST(test_random_actions_do_what_the_model_does)
{
    static const char *const words[] = { "insert", "update", "upsert", "delete" };
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct model model = { .count = 0 };
        struct model before;
        char yaml[2000] = "actions:\n";
        random_state = seed * 0x9e3779b97f4a7c15;
        for (unsigned count = pick(8); count > 0; count--) {
            model.keys[model.count] = (char)('a' + pick(5));
            model.values[model.count++] = (int)pick(1000000);
        }
        before = model;
        for (unsigned count = 1 + pick(7); count > 0; count--) {
            unsigned action = pick(4);
            char key = (char)('a' + pick(6));
            char from = action != 3 && pick(2) == 0 ? (char)('a' + pick(6)) : 0;
            int value = (int)pick(100);
            size_t used = strlen(yaml);
            if (action == 3) {
                snprintf(yaml + used, sizeof yaml - used, "- {action: delete, key: %c}\n", key);
            } else if (from != 0) {
                snprintf(yaml + used, sizeof yaml - used, "- {action: %s, key: %c, from_attribute: %c}\n",
                         words[action], key, from);
            } else {
                snprintf(yaml + used, sizeof yaml - used, "- {action: %s, key: %c, value: \"%d\"}\n", words[action],
                         key, value);
            }
            model_apply(&model, action, key, from, value);
        }
        begin(yaml, WEFT_TRACES);
        put_span(&record, "span");
        put_span(&expected, "span");
        model_put(&before, &record);
        model_put(&model, &expected);
        struct weft_buffer request = { 0 };
        struct weft_buffer outcome = { 0 };
        put_request(&request, weft_buffer_slice(&record));
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        ck_assert(seed % 2 == 0 || weft_batch_open(batch) == WEFT_OK); /* as another processor leaves it */
        ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_OK);
        strip_counts(inner(weft_buffer_slice(&sink.last), 3), &outcome);
        ck_assert_msg(outcome.length == expected.length && memcmp(outcome.bytes, expected.bytes, outcome.length) == 0,
                      "seed %llu: %s", (unsigned long long)seed, yaml);
        weft_buffer_fini(&request);
        weft_buffer_fini(&outcome);
        end();
    }
}
END_TEST

/* All or nothing: a refusal for want of memory leaves the batch as it was. */
START_TEST(test_every_allocation_may_fail)
{
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        begin("actions: [{key: a, action: upsert, value: new}, {key: b, action: hash}, {action: delete, pattern: x},\n"
              "  {key: b, action: extract, pattern: '(?P<c>.)'}, {key: c, action: convert, converted_type: int}]\n"
              "exclude: {match_type: strict, attributes: [{key: none}]}",
              WEFT_TRACES);
        struct weft_buffer scope = { 0 };
        struct weft_buffer resource = { 0 };
        struct weft_buffer request = { 0 };
        for (int i = 0; i < 100; i++) {
            weft_buffer_clear(&record);
            put_span(&record,
                     "a span with a name that is long enough to need a second chunk of the arena: "
                     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567");
            put_attribute(&record, i % 2 == 0 ? "a" : "b", "value");
            put_field(&scope, 2, weft_buffer_slice(&record));
        }
        put_message(&resource, 2, &scope);
        put_message(&request, 1, &resource);
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        struct weft_error error = WEFT_ERROR_NONE;
        sink.answer = WEFT_INVALID; /* so that only the processor's own allocations are counted */
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == (has_failed ? WEFT_NOMEM : WEFT_INVALID));
        if (has_failed) {
            struct weft_buffer left = { 0 };
            append_batch(batch, &left);
            ck_assert_uint_eq(left.length, request.length);
            ck_assert_mem_eq(left.bytes, request.bytes, left.length);
            weft_buffer_fini(&left);
        }
        ck_assert(n > 5 || has_failed);
        weft_batch_end(&batch, NULL, -1);
        weft_buffer_fini(&request);
        end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_config_rules_are_the_collectors);
    tcase_add_test(tests, test_insert_adds_what_is_absent_only);
    tcase_add_test(tests, test_values_keep_their_yaml_type);
    tcase_add_test(tests, test_update_changes_what_is_present_only);
    tcase_add_test(tests, test_upsert_does_either);
    tcase_add_test(tests, test_delete_takes_the_first_of_equal_keys);
    tcase_add_test(tests, test_actions_follow_one_another);
    tcase_add_test(tests, test_odd_key_values_are_understood);
    tcase_add_test(tests, test_values_in_pieces_stay_whole);
    tcase_add_test(tests, test_default_values_stand_in_for_sources);
    tcase_add_test(tests, test_values_may_be_lists_and_maps);
    tcase_add_test(tests, test_a_key_without_a_value_is_a_source);
    tcase_add_test(tests, test_log_records_have_theirs_in_field_six);
    tcase_add_test(tests, test_data_points_of_every_kind_are_edited);
    tcase_add_test(tests, test_batch_without_a_change_passes_as_it_came);
    tcase_add_test(tests, test_a_batch_that_was_not_taken_is_as_before);
    tcase_add_test(tests, test_random_actions_do_what_the_model_does);
    tcase_add_test(tests, test_every_allocation_may_fail);
}

int main(void)
{
    return component_run("attributes", add_tests);
}
