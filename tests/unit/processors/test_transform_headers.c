/* Statements of records that change the resource and scope around them: those after it see it, and it is written once,
 * however many there are. */
#include "component_test.h"

#include "processors/transform_run.h"

enum { RESOURCE_ATTRIBUTES = 1, SCOPE_ATTRIBUTES = 3 };

struct done {
    struct weft_buffer request;
    size_t arena_bytes; /* that the statements took */
    uint64_t errors;
};

static void put_scope(struct weft_buffer *resource, const char *name, const struct weft_buffer *spans, size_t count)
{
    struct weft_buffer owner = { 0 };
    struct weft_buffer scope = { 0 };
    put_string_attribute(&owner, SCOPE_ATTRIBUTES, "name", name);
    put_message(&scope, 1, &owner);
    for (size_t i = 0; i < count; i++) {
        put_field(&scope, 2, weft_buffer_slice(&spans[i]));
    }
    put_message(resource, 2, &scope);
}

/* A resource with so long an attribute, scopes, and spans named "1 ", "2 " and so on, with so much behind it. */
static void put_resource(struct weft_buffer *out, size_t attribute_length, size_t scope_count, size_t span_count,
                         size_t name_length)
{
    struct weft_buffer owner = { 0 }, resource = { 0 };
    char *filler = calloc(1, attribute_length + 1);
    char *name = calloc(1, name_length + 32);
    memset(filler, 'f', attribute_length);
    put_string_attribute(&owner, RESOURCE_ATTRIBUTES, "filler", filler);
    put_message(&resource, 1, &owner);
    struct weft_buffer *spans = calloc(span_count, sizeof *spans);
    for (size_t i = 0; i < scope_count; i++) {
        for (size_t j = 0; j < span_count; j++) {
            int length = snprintf(name, 32, "%zu ", i * span_count + j + 1);
            memset(name + length, 'n', name_length);
            weft_buffer_clear(&spans[j]);
            put_span(&spans[j], name);
        }
        put_scope(&resource, "s", spans, span_count);
    }
    put_message(out, 1, &resource);
    for (size_t j = 0; j < span_count; j++) {
        weft_buffer_fini(&spans[j]);
    }
    free(spans);
    free(name);
    free(filler);
}

static void run_statements(const char *const *texts, size_t count, struct weft_slice request, struct done *out_done)
{
    struct weft_slice slices[4];
    struct weft_transform_rules *rules = NULL;
    struct weft_transform_runner runner;
    struct weft_otlp_counts counts;
    struct weft_otlp_table table;
    struct weft_slices pieces;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_arena *arena = weft_arena_try_new();
    for (size_t i = 0; i < count; i++) {
        slices[i] = weft_slice_of_text(texts[i]);
    }
    ck_assert_msg(weft_transform_rules_of(WEFT_TRACES, "", slices, count, &rules, &error) == WEFT_OK, "%s", error.text);
    rules->groups[WEFT_TRACES][0].error_mode = WEFT_OTTL_SILENT;
    ck_assert(weft_otlp_check(WEFT_TRACES, request, NULL, &counts, &error) == WEFT_OK);
    ck_assert(weft_otlp_table_build(WEFT_TRACES, request, &counts, arena, &table, &error) == WEFT_OK);
    ck_assert(weft_transform_runner_init(&runner, rules, "test", &error) == WEFT_OK);
    size_t before = weft_arena_size_bytes(arena);
    ck_assert(weft_transform_apply(&runner, &table, arena, &error) == WEFT_OK);
    *out_done = (struct done){ .arena_bytes = weft_arena_size_bytes(arena) - before, .errors = runner.errors };
    weft_slices_init(&pieces);
    ck_assert(weft_otlp_table_emit(&table, arena, &pieces) == WEFT_OK);
    for (size_t i = 0; i < pieces.count; i++) {
        weft_buffer_append(&out_done->request, pieces.items[i].bytes, pieces.items[i].length);
    }
    weft_slices_fini(&pieces);
    weft_transform_runner_fini(&runner);
    weft_transform_rules_free(&rules);
    weft_arena_unref(&arena);
}

static bool has_text(const struct done *done, const char *text)
{
    return memmem(done->request.bytes, done->request.length, text, strlen(text)) != NULL;
}

START_TEST(test_a_resource_is_written_once)
{
    enum { LENGTH = 100000, SPANS = 500 };
    static const char *const statements[] = { "set(resource.attributes[\"last\"], span.name)",
                                              "set(scope.attributes[\"last\"], span.name)" };
    struct weft_buffer request = { 0 };
    struct done done;
    put_resource(&request, LENGTH, 4, SPANS, 0);
    run_statements(statements, 2, weft_buffer_slice(&request), &done);
    ck_assert(has_text(&done, "\x0a\x04last\x12\x07\x0a\x05"
                              "2000 "));
    ck_assert(has_text(&done, "\x0a\x04last\x12\x06\x0a\x04"
                              "500 ")); /* of the first scope */
    ck_assert_uint_lt(done.arena_bytes, 3 * LENGTH);
    ck_assert_uint_eq(done.errors, 0);
    weft_buffer_fini(&done.request);
    weft_buffer_fini(&request);
}
END_TEST

START_TEST(test_records_see_what_those_before_them_did)
{
    static const char *const statements[] = {
        "set(resource.attributes[\"all\"], Concat([resource.attributes[\"all\"], Substring(span.name, 0, 2)], \"\")) "
        "where "
        "resource.attributes[\"all\"] != nil",
        "set(resource.attributes[\"all\"], Substring(span.name, 0, 2)) where resource.attributes[\"all\"] == nil",
        "set(scope.attributes[\"count\"], Concat([scope.attributes[\"count\"], \"+\"], \"\"))",
    };
    struct weft_buffer request = { 0 };
    struct done done;
    put_resource(&request, 10, 3, 3, 0);
    run_statements(statements, 3, weft_buffer_slice(&request), &done);
    ck_assert(has_text(&done, "1 2 3 4 5 6 7 8 9 "));
    ck_assert(has_text(&done, "+++") && !has_text(&done, "++++"));
    weft_buffer_fini(&done.request);
    weft_buffer_fini(&request);
}
END_TEST

/* What gathers around an open resource is more than its memory may be: it is written in between, and nothing is lost.
 */
START_TEST(test_an_open_resource_is_written_when_much_has_gathered)
{
    enum { SPANS = 200, NAME_LENGTH = 30000 };
    static const char *const statements[] = {
        "set(resource.attributes[\"seen\"], Concat([resource.attributes[\"seen\"], \"+\"], \"\"))",
        "set(span.attributes[\"copy\"], Concat([span.name, \"!\"], \"\"))",
    };
    struct weft_buffer request = { 0 };
    struct done done;
    put_resource(&request, 10, 1, SPANS, NAME_LENGTH);
    run_statements(statements, 2, weft_buffer_slice(&request), &done);
    char all[SPANS + 2] = "";
    memset(all, '+', SPANS);
    ck_assert(has_text(&done, all));
    all[SPANS] = '+';
    ck_assert(!has_text(&done, all));
    weft_buffer_fini(&done.request);
    weft_buffer_fini(&request);
}
END_TEST

START_TEST(test_a_request_may_grow_only_so_much)
{
    enum { SPANS = 40, NAME_LENGTH = 100000 };
    static const char *const statements[] = {
        "set(span.name, Concat([span.name, span.name, span.name, span.name, span.name, span.name, span.name, "
        "span.name, "
        "span.name, span.name, span.name, span.name, span.name, span.name, span.name, span.name, span.name, span.name, "
        "span.name, span.name, span.name, span.name, span.name, span.name, span.name, span.name, span.name, "
        "span.name], "
        "\"\"))",
    };
    struct weft_buffer request = { 0 };
    struct done done;
    put_resource(&request, 10, 1, SPANS, NAME_LENGTH);
    run_statements(statements, 1, weft_buffer_slice(&request), &done);
    ck_assert_uint_gt(done.errors, 0);
    ck_assert_uint_lt(done.errors, SPANS);
    ck_assert_uint_le(done.request.length, request.length + WEFT_TRANSFORM_MAX_GROWTH_BYTES);
    ck_assert_uint_gt(done.request.length, request.length + WEFT_TRANSFORM_MAX_GROWTH_BYTES / 2);
    weft_buffer_fini(&done.request);
    weft_buffer_fini(&request);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_resource_is_written_once);
    tcase_add_test(tests, test_records_see_what_those_before_them_did);
    tcase_add_test(tests, test_an_open_resource_is_written_when_much_has_gathered);
    tcase_add_test(tests, test_a_request_may_grow_only_so_much);
}

int main(void)
{
    return component_run("transform of headers", add_tests);
}
