/* Brief conditions beside their trees, which are asked of a record whose attributes nobody seeks: conditions put
 * together by lot, of spans and log records with values and fields of any shape. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "ottl/ottl.h"
#include "wire/otlp_check.h"
#include "wire/protobuf.h"
#include "suite.h"

static const char *const of_attributes[] = {
    "attributes[\"a\"] == \"short\"",
    "attributes[\"a\"] != \"short\"",
    "attributes[\"a\"] == \"\"",
    "attributes[\"a\"] < \"short\"",
    "attributes[\"a\"] == nil",
    "attributes[\"bb\"] != nil",
    "attributes[\"bb\"] >= nil",
    "attributes[\"a\"] == 7",
    "attributes[\"bb\"] == 128",
    "attributes[\"bb\"] != 500",
    "attributes[\"bb\"] >= 127",
    "attributes[\"bb\"] > 127",
    "attributes[\"a\"] <= 7",
    "attributes[\"bb\"] < -9223372036854775807",
    "attributes[\"ccc\"] > -9223372036854775807",
    "attributes[\"ccc\"] <= 9223372036854775807",
    "attributes[\"a\"] <= nil",
    "attributes[\"ccc\"] == -1",
    "attributes[\"ccc\"] < 16384",
    "attributes[\"ccc\"] == true",
    "attributes[\"a\"] != false",
    "attributes[\"bb\"] > -1.5",
    "attributes[\"ccc\"] == 7.0",
    "attributes[\"attribute.with.a.long.key\"] == \"short\"",
    "IsMatch(attributes[\"a\"], \"^sh\")",
    "IsMatch(attributes[\"bb\"], \"o+\")",
    "IsMatch(attributes[\"ccc\"], \"rt$\")",
    "IsMatch(attributes[\"a\"], \"(a|o)r\")",
    "resource.attributes[\"a\"] == \"short\"",
    "IsMatch(resource.attributes[\"bb\"], \"ort\")",
    "scope.attributes[\"a\"] != nil",
    "resource.dropped_attributes_count == 0",
    "scope.name == \"short\"",
};

static const char *const of_spans[] = {
    "name == \"short\"",
    "name != \"\"",
    "name > \"p\"",
    "name == 7",
    "name == nil",
    "kind == SPAN_KIND_SERVER",
    "kind >= 1",
    "status.code == STATUS_CODE_ERROR",
    "status.code != STATUS_CODE_UNSET",
    "status.message == \"short\"",
    "IsMatch(name, \"^o\")",
    "IsMatch(status.message, \"ort\")",
    "start_time_unix_nano > 500",
    "end_time_unix_nano == start_time_unix_nano",
    "flags == 1",
    "trace_state == \"\"",
    "dropped_attributes_count < 100",
    "IsRootSpan()",
};

static const char *const of_logs[] = {
    "severity_number >= SEVERITY_NUMBER_WARN",
    "severity_number == 300",
    "severity_text == \"short\"",
    "IsMatch(severity_text, \"^o\")",
    "flags == 7",
    "time_unix_nano >= 500",
    "event_name != \"short\"",
    "body == \"short\"",
};

static uint64_t random_state;

static uint64_t lot(uint64_t count)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % count;
}

/* ---- records ---- */

static bool is_tidy; /* attributes are as SDKs write them */

static void put_bytes(struct weft_buffer *out, uint32_t field, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, field, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static void put_message(struct weft_buffer *out, uint32_t field, struct weft_buffer *message)
{
    put_bytes(out, field, weft_buffer_slice(message));
    weft_buffer_fini(message);
}

static void put_number(struct weft_buffer *out, uint32_t field, enum weft_wire_type type, uint64_t number)
{
    uint8_t bytes[20];
    uint8_t *at = weft_wire_put_varint(bytes, (uint64_t)field << 3 | type);
    if (type == WEFT_WIRE_VARINT) {
        at = weft_wire_put_varint(at, number);
    } else {
        memcpy(at, &number, sizeof number);
        at += type == WEFT_WIRE_FIXED64 ? 8 : 4;
    }
    weft_buffer_append(out, bytes, (size_t)(at - bytes));
}

static void put_text(struct weft_buffer *out, uint32_t field)
{
    static const uint16_t lengths[] = { 0, 1, 3, 100, 118, 119, 123, 127, 128, 300 };
    uint8_t bytes[300];
    size_t length = lengths[lot(WEFT_COUNT_OF(lengths))];
    memset(bytes, 'o', sizeof bytes);
    put_bytes(out, field, lot(2) == 0 ? WEFT_SLICE_LITERAL("short") : weft_slice_of(bytes, length));
}

static void put_value(struct weft_buffer *out)
{
    static const uint64_t numbers[] = { 0, 7, 127, 128, 500, 16383, 16384, UINT64_MAX };
    struct weft_buffer list = { 0 };
    struct weft_buffer item = { 0 };
    switch (lot(9)) {
    case 0:
        put_number(out, 2, WEFT_WIRE_VARINT, lot(3));
        return;
    case 1:
        put_number(out, 4, WEFT_WIRE_FIXED64, lot(2) == 0 ? UINT64_C(0x401c000000000000) : 0);
        return;
    case 2: /* a list of one string */
        put_text(&item, 1);
        put_message(&list, 1, &item);
        put_message(out, 5, &list);
        return;
    case 3: /* bytes, and what nobody knows */
        put_text(out, 7);
        put_text(out, 30);
        return;
    case 4: /* nothing */
        return;
    case 5: /* of two values the last counts */
        put_number(out, 3, WEFT_WIRE_VARINT, 7);
        put_text(out, 1);
        return;
    case 6:
        put_text(out, 1);
        return;
    default:
        put_number(out, 3, WEFT_WIRE_VARINT, numbers[lot(WEFT_COUNT_OF(numbers))]);
        return;
    }
}

static void put_attribute(struct weft_buffer *out, uint32_t field)
{
    static const char *const keys[] = {
        "a", "bb", "ccc", "", "zz", "attribute.with.a.long.key", "attribute.with.a.long.kex"
    };
    struct weft_slice key = weft_slice_of_text(keys[lot(WEFT_COUNT_OF(keys))]);
    struct weft_buffer key_value = { 0 };
    struct weft_buffer value = { 0 };
    uint64_t shape = is_tidy ? 3 : lot(12);
    put_value(&value);
    if (shape == 0) { /* the value first */
        put_bytes(&key_value, 2, weft_buffer_slice(&value));
    } else if (shape == 1) { /* of two keys the last counts */
        put_bytes(&key_value, 1, WEFT_SLICE_LITERAL("a"));
    }
    put_bytes(&key_value, 1, key);
    if (shape > 1) {
        put_bytes(&key_value, 2, weft_buffer_slice(&value));
    }
    if (shape == 2) { /* and behind the value */
        put_bytes(&key_value, 1, WEFT_SLICE_LITERAL("bb"));
    }
    weft_buffer_fini(&value);
    put_message(out, field, &key_value);
}

static void put_span_field(struct weft_buffer *out)
{
    struct weft_buffer status = { 0 };
    switch (lot(6)) {
    case 0:
        put_text(out, 3 + 2 * (uint32_t)lot(2));
        return;
    case 1:
        put_number(out, lot(2) == 0 ? 6 : 10, WEFT_WIRE_VARINT, lot(300));
        return;
    case 2:
        put_number(out, 7 + (uint32_t)lot(2), WEFT_WIRE_FIXED64, lot(1000));
        return;
    case 3:
        put_text(out, 127);
        return;
    default:
        if (lot(3) == 0) {
            put_text(&status, 2);
        }
        if (lot(4) > 0) {
            put_number(&status, 3, WEFT_WIRE_VARINT, lot(10) == 0 ? 1000 : lot(3));
        }
        put_message(out, 15, &status);
        return;
    }
}

/* As SDKs begin a span, for the most part. */
static void put_head(struct weft_buffer *out)
{
    static const uint8_t id[16] = { 1 };
    uint64_t odd = lot(16);
    put_bytes(out, 1, weft_slice_of(id, sizeof id));
    put_bytes(out, 2, weft_slice_of(id, odd == 0 ? 0 : 8));
    if (lot(2) == 0) {
        put_bytes(out, 4, weft_slice_of(id, 8));
    }
    put_text(out, 5);
    if (odd != 1) {
        put_number(out, 6, WEFT_WIRE_VARINT, lot(3));
    }
    put_number(out, 7, WEFT_WIRE_FIXED64, lot(1000));
    put_number(out, 8, WEFT_WIRE_FIXED64, lot(1000));
}

static void put_log_field(struct weft_buffer *out)
{
    struct weft_buffer body = { 0 };
    switch (lot(5)) {
    case 0:
        put_number(out, lot(2) == 0 ? 1 : 11, WEFT_WIRE_FIXED64, lot(1000));
        return;
    case 1:
        put_number(out, 2, WEFT_WIRE_VARINT, lot(3) == 0 ? 300 : lot(20));
        return;
    case 2:
        put_text(out, lot(2) == 0 ? 3 : 12);
        return;
    case 3:
        put_number(out, 8, WEFT_WIRE_FIXED32, 7);
        return;
    default:
        put_value(&body);
        put_message(out, 5, &body);
        return;
    }
}

static void put_record(struct weft_buffer *out, enum weft_signal signal)
{
    if (signal == WEFT_TRACES && lot(3) > 0) {
        put_head(out);
    }
    for (size_t left = lot(12); left > 0; left--) {
        if (lot(3) > 0) {
            put_attribute(out, signal == WEFT_TRACES ? 9 : 6);
        } else if (signal == WEFT_TRACES) {
            put_span_field(out);
        } else {
            put_log_field(out);
        }
    }
}

static void put_owner(struct weft_buffer *out, uint32_t attributes_field)
{
    struct weft_buffer owner = { 0 };
    if (attributes_field == 3 && lot(2) == 0) {
        put_text(&owner, 1);
    }
    for (size_t left = lot(4); left > 0; left--) {
        put_attribute(&owner, attributes_field);
    }
    put_message(out, 1, &owner);
}

/* ---- conditions ---- */

static const char *any_question(enum weft_signal signal)
{
    size_t of = lot(3) > 0 ? WEFT_COUNT_OF(of_attributes) : 0;
    return of > 0                  ? of_attributes[lot(of)]
           : signal == WEFT_TRACES ? of_spans[lot(WEFT_COUNT_OF(of_spans))]
                                   : of_logs[lot(WEFT_COUNT_OF(of_logs))];
}

static void put_condition(struct weft_buffer *out, enum weft_signal signal, int depth)
{
    uint64_t choice = depth == 0 ? 0 : lot(4);
    if (choice == 0) {
        weft_buffer_append_text(out, any_question(signal));
        return;
    }
    if (choice == 1) {
        weft_buffer_append_text(out, "not (");
        put_condition(out, signal, depth - 1);
        weft_buffer_append_text(out, ")");
        return;
    }
    for (size_t i = 0, count = 2 + lot(2); i < count; i++) {
        weft_buffer_append_text(out, i == 0 ? "(" : choice == 2 ? ") and (" : ") or (");
        put_condition(out, signal, depth - 1);
    }
    weft_buffer_append_text(out, ")");
}

/* ---- both ways ---- */

struct subject {
    struct weft_buffer resource_x, scope_x, record;
    bool is_plain;
};

/* What the check says of a request of that record. */
static bool is_plain(const struct subject *subject, enum weft_signal signal)
{
    enum { SCOPES = 2, RECORDS = 2 };
    struct weft_buffer scope_x = { 0 }, resource_x = { 0 }, request = { 0 };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_buffer_append(&scope_x, subject->scope_x.bytes, subject->scope_x.length);
    put_bytes(&scope_x, RECORDS, weft_buffer_slice(&subject->record));
    weft_buffer_append(&resource_x, subject->resource_x.bytes, subject->resource_x.length);
    put_message(&resource_x, SCOPES, &scope_x);
    put_message(&request, 1, &resource_x);
    ck_assert_msg(weft_otlp_check(signal, weft_buffer_slice(&request), NULL, &counts, &error) == WEFT_OK, "%s",
                  error.text);
    weft_buffer_fini(&request);
    return counts.is_plain;
}

static void make_subject(struct subject *subject, enum weft_signal signal)
{
    *subject = (struct subject){ 0 };
    is_tidy = lot(2) == 0;
    put_owner(&subject->resource_x, 1);
    put_owner(&subject->scope_x, 3);
    put_record(&subject->record, signal);
    subject->is_plain = is_plain(subject, signal);
}

static void subject_fini(struct subject *subject)
{
    weft_buffer_fini(&subject->resource_x);
    weft_buffer_fini(&subject->scope_x);
    weft_buffer_fini(&subject->record);
}

static void look_at(struct weft_ottl_run *run, enum weft_signal signal, const struct subject *subject)
{
    weft_ottl_run_clear(run);
    weft_ottl_record_set_plain(&run->record, subject->is_plain);
    weft_ottl_record_set_resource(&run->record, signal, weft_buffer_slice(&subject->resource_x));
    weft_ottl_record_set_scope(&run->record, weft_buffer_slice(&subject->scope_x));
    weft_ottl_record_set_record(&run->record, weft_buffer_slice(&subject->record));
}

enum { RECORDS_OF_EACH = 4 };

static size_t brief_count, told_count, asked_count, plain_count, found_count;

/* The first that holds of those that are brief, in a row and each by its tree. */
static void compare_rows(struct weft_ottl_program *const *programs, size_t count, struct weft_ottl_run *tree,
                         struct weft_ottl_run *brief, struct weft_slice record)
{
    const struct weft_ottl_brief *briefs[3];
    size_t brief_total = 0, expected = SIZE_MAX, found;
    for (size_t i = 0; i < count; i++) {
        bool holds = false;
        if (programs[i]->brief == NULL) {
            continue;
        }
        ck_assert(weft_ottl_holds(tree, programs[i]->condition, &holds) == WEFT_OK);
        expected = holds && expected == SIZE_MAX ? brief_total : expected;
        ck_assert_uint_lt(brief_total, WEFT_COUNT_OF(briefs));
        briefs[brief_total++] = programs[i]->brief;
    }
    expected = expected == SIZE_MAX ? brief_total : expected;
    struct weft_ottl_briefs *row = weft_ottl_briefs_try_new(briefs, brief_total);
    ck_assert_ptr_nonnull(row);
    weft_ottl_record_want(&brief->record, &row->wants);
    if (weft_ottl_briefs_find(row, &brief->record, record, &found)) {
        ck_assert_uint_eq(found, expected);
        found_count++;
    }
    weft_free(row);
}

/* Conditions that are asked of the same records, one after the other. */
static void compare_both_ways(uint64_t seed, struct weft_ottl_run *tree, struct weft_ottl_run *brief)
{
    enum { CONDITIONS = 3 };
    struct weft_ottl_program *programs[CONDITIONS] = { NULL };
    struct weft_ottl_sought sought = { 0 };
    struct weft_ottl_wants wants = { 0 };
    random_state = seed;
    enum weft_signal signal = lot(2) == 0 ? WEFT_TRACES : WEFT_LOGS;
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION,
                                         .context = signal == WEFT_TRACES ? WEFT_OTTL_SPAN : WEFT_OTTL_LOG,
                                         .sought = &sought };
    for (size_t i = 0; i < CONDITIONS; i++) {
        struct weft_buffer text = { 0 };
        struct weft_error error = WEFT_ERROR_NONE;
        put_condition(&text, signal, (int)lot(4));
        ck_assert_msg(weft_ottl_program_new(weft_buffer_slice(&text), &options, &programs[i], &error) == WEFT_OK, "%s",
                      error.text);
        weft_buffer_fini(&text);
        if (programs[i]->brief != NULL) {
            brief_count++;
            wants.keys |= programs[i]->brief->wants.keys;
            wants.fields |= programs[i]->brief->wants.fields;
        }
    }
    const struct weft_ottl_wants *wanted = lot(2) == 0 ? &wants : NULL;
    weft_ottl_record_want(&brief->record, wanted);
    weft_ottl_record_seek(&brief->record, &sought);
    for (size_t record = 0; record < RECORDS_OF_EACH; record++) {
        struct subject subject;
        make_subject(&subject, signal);
        look_at(tree, signal, &subject);
        look_at(brief, signal, &subject);
        plain_count += subject.is_plain;
        for (size_t i = 0; i < CONDITIONS; i++) {
            bool expected = false, holds = false;
            ck_assert(weft_ottl_holds(tree, programs[i]->condition, &expected) == WEFT_OK);
            asked_count++;
            if (programs[i]->brief != NULL && weft_ottl_brief_holds(programs[i]->brief, &brief->record, &holds)) {
                told_count++;
                ck_assert_msg(holds == expected, "seed %llu: %.*s", (unsigned long long)seed,
                              WEFT_SLICE_PRINT(programs[i]->text));
            }
            ck_assert(weft_ottl_program_holds(programs[i], brief, &holds) == WEFT_OK && holds == expected);
        }
        compare_rows(programs, CONDITIONS, tree, brief, weft_buffer_slice(&subject.record));
        weft_ottl_record_want(&brief->record, wanted);
        subject_fini(&subject);
    }
    for (size_t i = 0; i < CONDITIONS; i++) {
        weft_ottl_program_free(&programs[i]);
    }
}

START_TEST(test_a_brief_condition_says_what_its_tree_says)
{
    enum { TRIES = 10000 };
    struct weft_ottl_run tree, brief;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert(weft_ottl_run_init(&tree, &error) == WEFT_OK);
    ck_assert(weft_ottl_run_init(&brief, &error) == WEFT_OK);
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        compare_both_ways(seed * UINT64_C(0x9e3779b97f4a7c15), &tree, &brief);
    }
    ck_assert_uint_gt(brief_count, TRIES);          /* a third of the conditions, at least */
    ck_assert_uint_gt(told_count, asked_count / 4); /* and what they cannot tell is rare */
    ck_assert_uint_gt(found_count, TRIES * RECORDS_OF_EACH / 2);
    ck_assert_uint_gt(plain_count, TRIES * RECORDS_OF_EACH / 4);
    ck_assert_uint_lt(plain_count, TRIES * RECORDS_OF_EACH * 3 / 4);
    weft_ottl_run_fini(&tree);
    weft_ottl_run_fini(&brief);
}
END_TEST

static bool is_brief(const char *text, enum weft_ottl_context context)
{
    struct weft_ottl_sought sought = { 0 };
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = context, .sought = &sought };
    struct weft_ottl_program *program = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_ottl_program_new(weft_slice_of_text(text), &options, &program, &error) == WEFT_OK, "%s",
                  error.text);
    bool is_it = program->brief != NULL;
    weft_ottl_program_free(&program);
    return is_it;
}

START_TEST(test_what_is_brief)
{
    ck_assert(is_brief("attributes[\"a\"] == 1 or not IsMatch(attributes[\"b\"], \"^/x\")", WEFT_OTTL_SPAN));
    ck_assert(is_brief("status.code == STATUS_CODE_OK and name == \"none\"", WEFT_OTTL_SPAN));
    ck_assert(is_brief("severity_number < SEVERITY_NUMBER_INFO", WEFT_OTTL_LOG));
    ck_assert(!is_brief("attributes[\"a\"] == attributes[\"b\"]", WEFT_OTTL_SPAN));
    ck_assert(!is_brief("attributes[\"a\"][\"b\"] == 1", WEFT_OTTL_SPAN));
    ck_assert(!is_brief("IsMatch(attributes[\"a\"], \"(x|y)+\")", WEFT_OTTL_SPAN));
    ck_assert(!is_brief("IsMatch(kind, \"1\")", WEFT_OTTL_SPAN));
    ck_assert(!is_brief("Len(name) == 1", WEFT_OTTL_SPAN));
    ck_assert(!is_brief("body == \"x\"", WEFT_OTTL_LOG));
}
END_TEST

START_TEST(test_so_many_atoms_are_brief_and_no_more)
{
    struct weft_buffer text = { 0 };
    for (int i = 0; i < WEFT_OTTL_BRIEF_MAX_ATOMS; i++) {
        weft_buffer_append_text(&text, i == 0 ? "kind == 1" : " or kind == 1");
    }
    weft_buffer_append(&text, "", 1);
    ck_assert(is_brief((const char *)text.bytes, WEFT_OTTL_SPAN));
    text.length--;
    weft_buffer_append(&text, " or kind == 1", sizeof " or kind == 1");
    ck_assert(!is_brief((const char *)text.bytes, WEFT_OTTL_SPAN));
    weft_buffer_fini(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("brief");
    TCase *tests = tcase_create("brief");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_brief_condition_says_what_its_tree_says);
    tcase_add_test(tests, test_what_is_brief);
    tcase_add_test(tests, test_so_many_atoms_are_brief_and_no_more);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
