/* Conditions on spans and log records: what each kind of value compares with, and how conditions are put together. */
#include "base/thread.h"
#include "ottl_test.h"
#include "suite.h"

static const char span_json[] =
    "{\"resourceSpans\":[{\"schemaUrl\":\"r/1\",\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"checkout\"}}],\"droppedAttributesCount\":2},\"scopeSpans\":[{\"schemaUrl\":\"s/1\",\"scope\":"
    "{\"name\":\"lib\",\"version\":\"1.2\"},\"spans\":[{"
    "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"1112131415161718\","
    "\"parentSpanId\":\"2122232425262728\",\"traceState\":\"a=1,b=2\",\"name\":\"GET /x\",\"kind\":2,"
    "\"startTimeUnixNano\":\"1000000000\",\"endTimeUnixNano\":\"3500000000\",\"flags\":257,"
    "\"droppedAttributesCount\":7,\"status\":{\"code\":2,\"message\":\"bad\"},"
    "\"events\":[{\"name\":\"e1\",\"timeUnixNano\":\"5\",\"attributes\":[{\"key\":\"k\",\"value\":{\"intValue\":9}}]}],"
    "\"attributes\":["
    "{\"key\":\"s\",\"value\":{\"stringValue\":\"text\"}},"
    "{\"key\":\"i\",\"value\":{\"intValue\":\"200\"}},"
    "{\"key\":\"d\",\"value\":{\"doubleValue\":2.5}},"
    "{\"key\":\"t\",\"value\":{\"boolValue\":true}},"
    "{\"key\":\"n\",\"value\":{}},"
    "{\"key\":\"bytes\",\"value\":{\"bytesValue\":\"AAEC\"}},"
    "{\"key\":\"none\",\"value\":{\"bytesValue\":\"\"}},"
    "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":1},{\"stringValue\":\"two\"},"
    "{\"kvlistValue\":{\"values\":[{\"key\":\"x\",\"value\":{\"intValue\":3}}]}}]}}},"
    "{\"key\":\"map\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"intValue\":1}},"
    "{\"key\":\"b\",\"value\":{\"stringValue\":\"s\"}}]}}}"
    "]}]}]}]}";

static void ask_span(const struct question *questions, size_t count)
{
    struct subject subject;
    subject_init(&subject, WEFT_TRACES, span_json, 0);
    ask_all(&subject, WEFT_OTTL_SPAN, questions, count);
    subject_fini(&subject);
}

START_TEST(test_paths_of_spans)
{
    static const struct question questions[] = {
        { "name == \"GET /x\"", TRUE_NOW },
        { "span.name == \"GET /x\"", TRUE_NOW },
        { "kind == SPAN_KIND_SERVER", TRUE_NOW },
        { "kind.string == \"Server\"", TRUE_NOW },
        { "kind.deprecated_string == \"SPAN_KIND_SERVER\"", TRUE_NOW },
        { "status.code == STATUS_CODE_ERROR", TRUE_NOW },
        { "status.message == \"bad\"", TRUE_NOW },
        { "trace_id.string == \"0102030405060708090a0b0c0d0e0f10\"", TRUE_NOW },
        { "span_id.string == \"1112131415161718\"", TRUE_NOW },
        { "parent_span_id.string == \"2122232425262728\"", TRUE_NOW },
        { "trace_id == trace_id", TRUE_NOW },
        { "trace_id == nil", FALSE_NOW },
        { "trace_id == 0x0102030405060708090a0b0c0d0e0f10", FALSE_NOW },
        { "trace_state == \"a=1,b=2\"", TRUE_NOW },
        { "trace_state[\"b\"] == \"2\"", TRUE_NOW },
        { "trace_state[\"c\"] == \"\"", TRUE_NOW },
        { "start_time_unix_nano == 1000000000", TRUE_NOW },
        { "end_time_unix_nano - start_time_unix_nano > 2499999999", TRUE_NOW },
        { "end_time > start_time", TRUE_NOW },
        { "end_time - start_time == end_time - start_time", TRUE_NOW },
        { "start_time + (end_time - start_time) == end_time", TRUE_NOW },
        { "flags == 257", TRUE_NOW },
        { "dropped_attributes_count == 7", TRUE_NOW },
        { "dropped_events_count == 0", TRUE_NOW },
        { "Len(events) == 1", TRUE_NOW },
        { "Len(links) == 0", TRUE_NOW },
        { "Len(attributes) == 9", TRUE_NOW },
        { "status == status", TRUE_NOW },
        { "events == nil", FALSE_NOW },
        { "cache[\"a\"] == nil", TRUE_NOW },
        { "IsRootSpan()", FALSE_NOW },
        { "resource.attributes[\"service.name\"] == \"checkout\"", TRUE_NOW },
        { "resource.dropped_attributes_count == 2", TRUE_NOW },
        { "resource.schema_url == \"r/1\"", TRUE_NOW },
        { "scope.name == \"lib\"", TRUE_NOW },
        { "instrumentation_scope.version == \"1.2\"", TRUE_NOW },
        { "scope.schema_url == \"s/1\"", TRUE_NOW },
        { "scope.attributes[\"x\"] == nil", TRUE_NOW },
    };
    ask_span(questions, WEFT_COUNT_OF(questions));
}
END_TEST

START_TEST(test_comparisons_of_each_kind)
{
    static const struct question questions[] = {
        { "attributes[\"s\"] == \"text\"", TRUE_NOW },
        { "attributes[\"s\"] < \"texu\"", TRUE_NOW },
        { "attributes[\"s\"] != 1", TRUE_NOW },
        { "attributes[\"s\"] < 1", FALSE_NOW },
        { "attributes[\"i\"] == 200", TRUE_NOW },
        { "attributes[\"i\"] == 200.0", TRUE_NOW },
        { "attributes[\"i\"] >= 200", TRUE_NOW },
        { "attributes[\"i\"] > 200.5", FALSE_NOW },
        { "attributes[\"i\"] == \"200\"", FALSE_NOW },
        { "attributes[\"d\"] == 2.5", TRUE_NOW },
        { "attributes[\"d\"] > 2", TRUE_NOW },
        { "attributes[\"t\"] == true", TRUE_NOW },
        { "attributes[\"t\"] > false", TRUE_NOW },
        { "attributes[\"t\"] == 1", FALSE_NOW },
        { "attributes[\"n\"] == nil", TRUE_NOW },
        { "attributes[\"gone\"] == nil", TRUE_NOW },
        { "attributes[\"gone\"] <= nil", TRUE_NOW },
        { "attributes[\"gone\"] < nil", FALSE_NOW },
        { "attributes[\"s\"] != nil", TRUE_NOW },
        { "nil != attributes[\"s\"]", TRUE_NOW },
        { "attributes[\"bytes\"] == 0x000102", TRUE_NOW },
        { "attributes[\"bytes\"] < 0x0002", TRUE_NOW },
        { "attributes[\"none\"] == nil", TRUE_NOW },
        { "attributes[\"none\"] == attributes[\"gone\"]", TRUE_NOW },
        { "attributes[\"list\"] == [1, \"two\"]", FALSE_NOW },
        { "attributes[\"list\"] == [1, \"two\", {\"x\": 3}]", FALSE_NOW }, /* a map of pcommon within []any */
        { "attributes[\"list\"] == attributes[\"list\"]", TRUE_NOW },
        { "attributes[\"list\"] != nil", TRUE_NOW },
        { "attributes[\"list\"] < attributes[\"list\"]", FALSE_NOW },
        { "attributes[\"list\"][0] == 1", TRUE_NOW },
        { "attributes[\"list\"][1] == \"two\"", TRUE_NOW },
        { "attributes[\"list\"][2][\"x\"] == 3", TRUE_NOW },
        { "attributes[\"list\"][3] == 3", FAILS },
        { "attributes[\"list\"][\"x\"] == 3", FAILS },
        { "attributes[\"list\"][-1] == 3", FAILS },
        { "attributes[\"map\"] == {\"b\": \"s\", \"a\": 1}", TRUE_NOW },
        { "attributes[\"map\"] == {\"b\": \"s\", \"a\": 1.0}", FALSE_NOW },
        { "attributes[\"map\"] == {\"b\": \"s\"}", FALSE_NOW },
        { "attributes[\"map\"][\"a\"] == 1", TRUE_NOW },
        { "attributes[\"map\"][\"c\"] == nil", TRUE_NOW },
        { "attributes[\"map\"][\"c\"][\"d\"] == nil", TRUE_NOW },
        { "attributes[\"map\"][\"a\"][\"d\"] == nil", FAILS },
        { "attributes[\"map\"][attributes[\"map\"][\"c\"]] == nil", FAILS },
        { "attributes[\"ma\"] == attributes[\"map\"]", FALSE_NOW },
        { "attributes[\"list\"][attributes[\"map\"][\"a\"]] == \"two\"", TRUE_NOW },
        { "[1, 2] == [1, 2]", TRUE_NOW },
        { "[1 2] == [1, 2]", TRUE_NOW },
        { "[1, 2] == [1, 2.0]", FALSE_NOW },
        { "[] == []", TRUE_NOW },
        { "{} == {}", TRUE_NOW },
        { "\"a\" < \"b\"", TRUE_NOW },
        { "1 == 1.0", TRUE_NOW },
        { "nil == nil", TRUE_NOW },
        { "0x01 == 0x01", TRUE_NOW },
    };
    ask_span(questions, WEFT_COUNT_OF(questions));
}
END_TEST

START_TEST(test_how_conditions_are_put_together)
{
    static const struct question questions[] = {
        { "true", TRUE_NOW },
        { "false", FALSE_NOW },
        { "not true", FALSE_NOW },
        { "not (true)", FALSE_NOW },
        { "true and false or true", TRUE_NOW },
        { "true or false and false", TRUE_NOW },
        { "(true or false) and false", FALSE_NOW },
        { "not name == \"x\" and kind == 2", TRUE_NOW },
        { "((name == \"GET /x\"))", TRUE_NOW },
        { "not ((name == \"GET /x\"))", FALSE_NOW },
        { "(attributes[\"i\"] + 1) * 2 == 402", TRUE_NOW },
        { "1 + 2 * 3 == 7", TRUE_NOW },
        { "-attributes[\"i\"] == -200", TRUE_NOW },
        { "-(attributes[\"i\"] + 1) == -201", TRUE_NOW },
        { "+1 == 1", TRUE_NOW },
        { "7 / 2 == 3", TRUE_NOW },
        { "7 / 2.0 == 3.5", TRUE_NOW },
        { "7 / 0 == 1", FAILS },
        { "7.0 / 0.0 == 1", FAILS },
        { "attributes[\"s\"] + 1 == 1", FAILS },
        { "-attributes[\"s\"] == 1", FAILS },
        { "end_time * 2 == 1", FAILS },
        { "9223372036854775807 + 1 < 0", TRUE_NOW },
        { "IsMatch(name, \"^GET\")", TRUE_NOW },
        { "IsMatch(attributes[\"i\"], \"^20.$\")", TRUE_NOW },
        { "IsMatch(attributes[\"gone\"], \".*\")", FALSE_NOW },
        { "IsMatch(attributes[\"map\"], \"^.\\\"a\\\":1,\")", TRUE_NOW },
        { "IsMatch(attributes[\"bytes\"], \"^000102$\")", TRUE_NOW },
        { "IsMatch(name, attributes[\"s\"])", FALSE_NOW },
        { "IsMatch(name, attributes[\"i\"])", FAILS },
        { "IsMatch(pattern = \"GET\", target = name)", TRUE_NOW },
        { "IsMatch(name, pattern = \"GET\")", TRUE_NOW },
        { "(IsMatch(name, \"GET\")) == true", TRUE_NOW },
        { "IsString(name) and not IsString(kind)", TRUE_NOW },
        { "Len(name) == 6", TRUE_NOW },
        { "Len(kind) == 1", FAILS },
        { "Len(name)", FAILS },
        { "false and Len(kind) == 1", FALSE_NOW },
        { "true or Len(kind) == 1", TRUE_NOW },
        { "Len(kind) == 1 or true", TRUE_NOW }, /* a constant says all, wherever it stands */
        { "Len(kind) == 1 and {} >= 0", FALSE_NOW },
        { "Len(kind) == 1 and [1, {\"a\": 2}] == nil or name == \"GET /x\"", TRUE_NOW },
        { "name == \"GET /x\" or Len(kind) == 1", TRUE_NOW },
        { "Len(kind) == 1 or name == \"GET /x\"", FAILS },
        { "IsMatch(events, \"^.}$\")", TRUE_NOW }, /* {} to Go's encoder */
        { "not Len(kind) == 1", FAILS },
    };
    ask_span(questions, WEFT_COUNT_OF(questions));
}
END_TEST

START_TEST(test_paths_of_events)
{
    static const struct question questions[] = {
        { "name == \"e1\"", TRUE_NOW },
        { "spanevent.attributes[\"k\"] == 9", TRUE_NOW },
        { "attributes[\"k\"] == 9 and span.attributes[\"k\"] == nil", TRUE_NOW },
        { "time_unix_nano == 5", TRUE_NOW },
        { "span.name == \"GET /x\" and resource.attributes[\"service.name\"] != nil", TRUE_NOW },
        { "event_index == 0", FAILS },
        { "dropped_attributes_count == 0", TRUE_NOW },
    };
    struct subject subject;
    subject_init(&subject, WEFT_TRACES, span_json, 11);
    ask_all(&subject, WEFT_OTTL_SPANEVENT, questions, WEFT_COUNT_OF(questions));
    subject_fini(&subject);
}
END_TEST

static const char log_json[] =
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"10\",\"observedTimeUnixNano\":\"20\","
    "\"severityNumber\":13,\"severityText\":\"WARN\",\"eventName\":\"ev\",\"flags\":1,"
    "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
    "\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"m\",\"value\":{\"stringValue\":\"<x>\"}},"
    "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":1.5}]}}}]}},"
    "\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"v\"}}]}]}]}]}";

START_TEST(test_paths_of_logs)
{
    static const struct question questions[] = {
        { "severity_number >= SEVERITY_NUMBER_WARN", TRUE_NOW },
        { "severity_number == SEVERITY_NUMBER_WARN2", FALSE_NOW },
        { "severity_text == \"WARN\"", TRUE_NOW },
        { "event_name == \"ev\"", TRUE_NOW },
        { "log.time_unix_nano == 10 and observed_time_unix_nano == 20", TRUE_NOW },
        { "time < observed_time", TRUE_NOW },
        { "body[\"m\"] == \"<x>\"", TRUE_NOW },
        { "body[\"l\"][0] == 1.5", TRUE_NOW },
        { "body.string == \"{\\\"l\\\":[1.5],\\\"m\\\":\\\"<x>\\\"}\"", TRUE_NOW },
        { "IsMatch(body, \"003cx\")", TRUE_NOW }, /* as JSON within HTML may have it */
        { "body == {\"m\": \"<x>\", \"l\": [1.5]}", TRUE_NOW },
        { "span_id.string == \"0000000000000000\"", TRUE_NOW },
        { "attributes == {\"a\": \"v\"}", TRUE_NOW },
        { "flags == 1", TRUE_NOW },
        { "resource.attributes[\"a\"] == nil and scope.name == \"\"", TRUE_NOW },
    };
    struct subject subject;
    subject_init(&subject, WEFT_LOGS, log_json, 0);
    ask_all(&subject, WEFT_OTTL_LOG, questions, WEFT_COUNT_OF(questions));
    subject_fini(&subject);
}
END_TEST

START_TEST(test_what_is_refused_says_where)
{
    static const struct {
        const char *condition, *reason;
    } cases[] = {
        { "", "line 1 column 1: the text ends where a value is expected" },
        { "name", "line 1 column 1: this is a value and no condition" },
        { "name ==", "line 1 column 8: the text ends where a value is expected" },
        { "name == \"x", "line 1 column 9: the string has no end" },
        { "name == \"a\\qb\"", "line 1 column 11: there is no such escape" },
        { "name = \"x\"", "line 1 column 6: unexpected \"=\"" },
        { "nam == \"x\"", "line 1 column 1: unknown path nam: context span has no nam; did you mean name?" },
        { "true and\n  nam == 1", "line 2 column 3: unknown path nam" },
        { "log.body == 1", "unknown path log.body" },
        { "resource.nam == 1", "context resource has no nam" },
        { "name[\"x\"] == 1", "it has no keys" },
        { "attributes[\"x\"].y == 1", "unknown path" },
        { "trace_state[\"x\"][\"y\"] == 1", "trace_state has one key" },
        { "resource.cache == 1", "the cache of another context cannot be seen" },
        { "kind == SPAN_KIND_SERVR", "column 9: unknown enum SPAN_KIND_SERVR; did you mean SPAN_KIND_SERVER?" },
        { "IsMach(name, \"x\")", "unknown converter IsMach in context span; did you mean IsMatch?" },
        { "isMatch(name, \"x\")", "isMatch is no converter: their names begin with a capital letter" },
        { "IsMatch(name)", "IsMatch takes 2 arguments, not 1" },
        { "IsMatch(name, \"a\", \"b\")", "IsMatch takes 2 arguments, not 3" },
        { "IsMatch(name, \"(\")", "IsMatch: " },
        { "IsMatch(name, 1)", "column 15: IsMatch: expected a string but got an int" },
        { "IsMatch(name, pat = \"x\")", "IsMatch has no parameter pat" },
        { "IsMatch(name, [\"x\", nil])", "column 15: IsMatch: expected a string but got a list" },
        { "IsMatch(target = name, \"x\")", "an argument by position behind one by name" },
        { "IsMatch", "this is a value" },
        { "(name == \"x\") == true", "a condition cannot stand where a value is expected" },
        { "\"a\" + \"b\" == \"ab\"", "only numbers, paths and calls can be calculated with" },
        { "(\"a\") == \"a\"", "only numbers, paths and calls can be calculated with" },
        { "not not true", "unexpected \"not\"" },
        { "true true", "unexpected \"true\", and, or, or the end is expected" },
        { "0x123 == 1", "even number of digits" },
        { "9223372036854775808 == 1", "does not fit 64 bits" },
        { "name == \"a\nb\"", "a string does not reach over the end of a line" },
        { "() => true", "lambda expressions are not supported" },
        { "attributes[true] == 1", "a key is a string, a number, a path or a call" },
        { "name == 'x'", "there is nothing that begins with \"'\"; texts stand in double quotes" },
        { "name == \"a\" && true", "there is nothing that begins with \"&\"; && is written and" },
        { "name == \"a\" || true", "there is nothing that begins with \"|\"; || is written or" },
        { "!true", "there is nothing that begins with \"!\"; ! is written not" },
        { "name == null", "line 1 column 9: there is no null; write nil" },
        { "status.code == ERROR", "unknown enum ERROR; did you mean STATUS_CODE_ERROR?" },
        { "kind == server", "unknown path server" },
        { "event_index == 1", "unknown path event_index" },
    };
    struct subject subject;
    subject_init(&subject, WEFT_TRACES, span_json, 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_error error;
        ck_assert_msg(ask(&subject, WEFT_OTTL_SPAN, cases[i].condition, &error) == REFUSED, "%s", cases[i].condition);
        ck_assert_msg(strstr(error.text, cases[i].reason) != NULL, "%s: %s", cases[i].condition, error.text);
    }
    subject_fini(&subject);
}
END_TEST

START_TEST(test_depth_and_size_have_limits)
{
    char text[WEFT_OTTL_MAX_TEXT_BYTES + 2];
    struct weft_error error;
    struct subject subject;
    subject_init(&subject, WEFT_TRACES, span_json, 0);
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(ask(&subject, WEFT_OTTL_SPAN, text, &error), REFUSED);
    ck_assert(error.status == WEFT_LIMIT);
    text[WEFT_OTTL_MAX_TEXT_BYTES] = '\0';
    ck_assert_int_eq(ask(&subject, WEFT_OTTL_SPAN, text, &error), REFUSED);
    ck_assert_msg(error.status == WEFT_LIMIT && strstr(error.text, "within one another") != NULL, "%s", error.text);
    memset(text, '[', WEFT_OTTL_MAX_TEXT_BYTES);
    ck_assert_int_eq(ask(&subject, WEFT_OTTL_SPAN, text, &error), REFUSED);
    ck_assert(error.status == WEFT_LIMIT);
    subject_fini(&subject);
}
END_TEST

START_TEST(test_without_memory_nothing_is_lost)
{
    static const char condition[] = "attributes[\"map\"] == {\"b\": [1, 2]} or IsMatch(attributes[\"map\"], \"zz\") or "
                                    "trace_id.string == \"no\" or (1 + Len(events)) * 2 == 4";
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = WEFT_OTTL_SPAN };
    struct subject subject;
    bool is_done = false;
    subject_init(&subject, WEFT_TRACES, span_json, 0);
    for (size_t i = 1; !is_done; i++) {
        struct weft_ottl_program *program = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        bool holds = false;
        weft_entry_memory_fini(&subject.run.memory);
        weft_alloc_fail_at(i);
        enum weft_status status = weft_ottl_program_new(weft_slice_of_text(condition), &options, &program, &error);
        if (status == WEFT_OK) {
            status = weft_ottl_program_holds(program, &subject.run, &holds);
        }
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        weft_ottl_program_free(&program);
        /* without memory for its JIT a pattern is interpreted */
        ck_assert_msg(status == WEFT_OK ? holds : status == WEFT_NOMEM && !is_done, "%zu: %d %s", i, status,
                      error.text);
    }
    subject_fini(&subject);
}
END_TEST

/* ---- threads ---- */

/* As a config is read again: on a thread of its own, which is gone when the condition is asked and freed. */
static void compile_elsewhere(void *context)
{
    struct weft_ottl_program **out_program = context;
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = WEFT_OTTL_SPAN };
    struct weft_error error;
    ck_assert(weft_ottl_program_new(WEFT_SLICE_LITERAL("IsMatch(name, \"^GET\") and kind == 2"), &options, out_program,
                                    &error) == WEFT_OK);
}

START_TEST(test_a_program_is_freed_by_another_thread_than_compiled_it)
{
    struct weft_ottl_program *program = NULL;
    struct subject subject;
    bool holds = false;
    subject_init(&subject, WEFT_TRACES, span_json, 0);
    weft_thread_join(weft_thread_start("compiler", compile_elsewhere, &program));
    ck_assert(weft_ottl_program_holds(program, &subject.run, &holds) == WEFT_OK && holds);
    weft_ottl_program_free(&program);
    subject_fini(&subject);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ottl conditions");
    TCase *tests = tcase_create("conditions");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_paths_of_spans);
    tcase_add_test(tests, test_comparisons_of_each_kind);
    tcase_add_test(tests, test_how_conditions_are_put_together);
    tcase_add_test(tests, test_paths_of_events);
    tcase_add_test(tests, test_paths_of_logs);
    tcase_add_test(tests, test_what_is_refused_says_where);
    tcase_add_test(tests, test_depth_and_size_have_limits);
    tcase_add_test(tests, test_without_memory_nothing_is_lost);
    tcase_add_test(tests, test_a_program_is_freed_by_another_thread_than_compiled_it);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
