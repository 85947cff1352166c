/* Converters: each with values of all kinds, as the Collector answers them; and without memory. */
#include "ottl_test.h"

#include "ottl/write.h"
#include "suite.h"

static const char record_json[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
    "\"shop\"}},{\"key\":\"host\",\"value\":{\"stringValue\":\"h1\"}},{\"key\":\"n\",\"value\":{\"intValue\":"
    "\"5\"}}],\"droppedAttributesCount\":2},\"schemaUrl\":\"https://schema/r\",\"scopeLogs\":[{\"scope\":{\"n"
    "ame\":\"lib\",\"version\":\"1.2\",\"attributes\":[{\"key\":\"scoped\",\"value\":{\"boolValue\":true}}]},"
    "\"schemaUrl\":\"https://schema/s\",\"logRecords\":[{\"timeUnixNano\":\"1685104496789000000\",\"observedT"
    "imeUnixNano\":\"1685104497000000001\",\"severityNumber\":9,\"severityText\":\"Info\",\"body\":{\"stringV"
    "alue\":\"the body, 日本\"},\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708"
    "\",\"flags\":1,\"eventName\":\"my.event\",\"droppedAttributesCount\":3,\"attributes\":[{\"key\":\"empty"
    "\",\"value\":{\"stringValue\":\"\"}},{\"key\":\"s\",\"value\":{\"stringValue\":\"Hello World\"}},{\"key"
    "\":\"uni\",\"value\":{\"stringValue\":\"héllo wörld ñ 日本語\"}},{\"key\":\"spaces\",\"value\":{\"stringVal"
    "ue\":\"  pad\\tded  \"}},{\"key\":\"num\",\"value\":{\"stringValue\":\"42\"}},{\"key\":\"json\",\"value"
    "\":{\"stringValue\":\"{\\\"a\\\": 1, \\\"b\\\": [true, null, \\\"x\\\"], \\\"c\\\": {\\\"d\\\": 2.5}}\"}"
    "},{\"key\":\"badjson\",\"value\":{\"stringValue\":\"{\\\"a\\\": \"}},{\"key\":\"kv\",\"value\":{\"string"
    "Value\":\"k1=v1 k2=\\\"v 2\\\" k3='v=3'\"}},{\"key\":\"csv\",\"value\":{\"stringValue\":\"a,\\\"b,c\\\","
    "d\"}},{\"key\":\"camel\",\"value\":{\"stringValue\":\"someHTTPServer_name-here 2x\"}},{\"key\":\"log\","
    "\"value\":{\"stringValue\":\"2023-01-01 ERROR [main] code=17 it broke\"}},{\"key\":\"card\",\"value\":{"
    "\"stringValue\":\"4111 1111 1111 1111\"}},{\"key\":\"nl\",\"value\":{\"stringValue\":\"line one\\nline t"
    "wo\\r\\n\"}},{\"key\":\"int\",\"value\":{\"intValue\":\"42\"}},{\"key\":\"dbl\",\"value\":{\"doubleValue"
    "\":3.75}},{\"key\":\"dsmall\",\"value\":{\"doubleValue\":1e-07}},{\"key\":\"true\",\"value\":{\"boolValu"
    "e\":true}},{\"key\":\"bytes\",\"value\":{\"bytesValue\":\"aGVsbG8A/w==\"}},{\"key\":\"ints\",\"value\":{"
    "\"arrayValue\":{\"values\":[{\"intValue\":\"3\"},{\"intValue\":\"1\"},{\"intValue\":\"2\"}]}}},{\"key\":"
    "\"strs\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"b\"},{\"stringValue\":\"a\"},{\"strin"
    "gValue\":\"c\"}]}}},{\"key\":\"mixed\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"st"
    "ringValue\":\"x\"},{\"doubleValue\":0.5},{\"boolValue\":true}]}}},{\"key\":\"maps\",\"value\":{\"arrayVa"
    "lue\":{\"values\":[{\"kvlistValue\":{\"values\":[{\"key\":\"name\",\"value\":{\"stringValue\":\"n1\"}},{"
    "\"key\":\"v\",\"value\":{\"intValue\":\"1\"}}]}},{\"kvlistValue\":{\"values\":[{\"key\":\"name\",\"value"
    "\":{\"stringValue\":\"n2\"}},{\"key\":\"v\",\"value\":{\"intValue\":\"2\"}}]}}]}}},{\"key\":\"map\",\"va"
    "lue\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"b\",\"valu"
    "e\":{\"stringValue\":\"two\"}},{\"key\":\"c\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"d\",\"v"
    "alue\":{\"boolValue\":true}}]}}},{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"9"
    "\"},{\"stringValue\":\"x\"}]}}}]}}},{\"key\":\"emptymap\",\"value\":{\"kvlistValue\":{\"values\":[]}}}]}"
    "]}]}]}";

#define IS_NIL   (const char *)1
#define FAILS_   (const char *)2
#define REFUSED_ (const char *)3

static const struct row {
    const char *expression;
    const char *outcome;
} rows[] = {
#define FAILS                    FAILS_
#define REFUSED                  REFUSED_
#define ROW(expression, outcome) { expression, outcome },
#include "functions.def"
#undef ROW
#undef FAILS
#undef REFUSED
};

static uint8_t text_copy[16 << 10];

static enum weft_status evaluate(struct subject *subject, const char *text, struct weft_slice *out_text,
                                 const char **out_outcome, struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_VALUE, .context = WEFT_OTTL_LOG };
    struct weft_ottl_program *program = NULL;
    struct weft_ottl_value value = weft_ottl_nil();
    enum weft_status status = weft_ottl_program_new(weft_slice_of_text(text), &options, &program, error);
    *out_outcome = REFUSED_;
    *out_text = WEFT_SLICE_EMPTY;
    if (status != WEFT_OK) {
        return status;
    }
    weft_ottl_run_clear(&subject->run);
    status = weft_ottl_evaluate(&subject->run, program->value, &value);
    *error = subject->run.error;
    *out_outcome = status != WEFT_OK || !weft_ottl_is_storable(&value) ? FAILS_ : IS_NIL;
    if (*out_outcome == IS_NIL && value.kind != WEFT_OTTL_NIL) {
        *out_outcome = NULL;
        status = weft_ottl_value_text(&subject->run, &value, out_text);
        ck_assert_uint_lt(out_text->length, sizeof text_copy);
        memcpy(text_copy, out_text->length > 0 ? out_text->bytes : (const uint8_t *)"", out_text->length);
        out_text->bytes = text_copy; /* it may be the program's */
    }
    weft_ottl_program_free(&program);
    return status;
}

START_TEST(test_converters_give_what_the_collectors_do)
{
    struct subject subject;
    subject_init(&subject, WEFT_LOGS, record_json, 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_slice text;
        const char *outcome;
        enum weft_status status = evaluate(&subject, rows[i].expression, &text, &outcome, &error);
        ck_assert_msg(status != WEFT_NOMEM, "%s", rows[i].expression);
        bool is_text = rows[i].outcome > REFUSED_;
        bool is_same =
            is_text ? outcome == NULL && weft_slice_equal_text(text, rows[i].outcome) : outcome == rows[i].outcome;
        /* what is wrong whatever the record is may be said with the config already */
        is_same = is_same || (rows[i].outcome == FAILS_ && outcome == REFUSED_);
        ck_assert_msg(is_same, "%s: %.*s (%d), not %s: %s", rows[i].expression, WEFT_SLICE_PRINT(text),
                      outcome == NULL ? 0 : (int)(intptr_t)outcome, is_text ? rows[i].outcome : "a failure or nil",
                      error.text);
    }
    subject_fini(&subject);
}
END_TEST

/* Whatever cannot be had, it is said so, and nothing is lost. */
START_TEST(test_converters_without_memory)
{
    struct subject subject;
    subject_init(&subject, WEFT_LOGS, record_json, 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i += 3) {
        bool is_done = false;
        for (size_t n = 1; !is_done; n++) {
            struct weft_error error = WEFT_ERROR_NONE;
            struct weft_slice text;
            const char *outcome;
            weft_entry_memory_fini(&subject.run.memory);
            weft_buffer_fini(&subject.run.text);
            weft_buffer_fini(&subject.run.stack);
            weft_alloc_fail_at(n);
            enum weft_status status = evaluate(&subject, rows[i].expression, &text, &outcome, &error);
            is_done = !weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            /* without memory for its JIT a pattern is interpreted */
            bool is_same =
                rows[i].outcome > REFUSED_ && outcome == NULL && weft_slice_equal_text(text, rows[i].outcome);
            ck_assert_msg(is_done || is_same || status != WEFT_OK, "%s, allocation %zu: %d, %.*s", rows[i].expression,
                          n, status, WEFT_SLICE_PRINT(text));
        }
    }
    subject_fini(&subject);
}
END_TEST

START_TEST(test_what_is_missing_is_said_by_name)
{
    static const struct {
        const char *expression, *error;
    } missing[] = {
        { "UserAgent(body)", "UserAgent is not supported by weft" },
        { "Concatt([body], \"\")", "did you mean Concat?" },
        { "Substring(body, 1)", "Substring takes 3 to 4 arguments, not 2" },
        { "ConvertCase(body, \"title\")", "use lower, upper, snake or camel" },
        { "Time(body, \"%C\")", "strptime has no %C here" },
        { "Time(body, \"%d %b\", \"UTC\", \"de\")", "the locale de is not supported by weft" },
        { "Decode(body, \"ebcdic\")", "does not know the encoding" },
        { "GetXML(body, \"//b/..\")", "GetXML: XPath: byte 4: the parent, \"..\", is not supported by weft" },
        { "GetXML(body, \"/child::b\")", "byte 6: an axis with its name is not supported" },
        { "GetXML(body, \"(//b)[1]\")", "byte 0: a path in parentheses is not supported" },
        { "GetXML(body, \"//b[last() - 1]\")", "arithmetic is not supported" },
        { "GetXML(body, \"//b[-1]\")", "arithmetic is not supported" },
        { "GetXML(body, \"//b[$x]\")", "a variable is not supported" },
        { "GetXML(body, \"//b[@c][1]\")", "the position among what another condition left is not supported" },
        { "GetXML(body, \"//@*[2]\")", "the position of what is no child is not supported" },
        { "GetXML(body, \"//b[matches(., 'x')]\")", "the function matches() is not supported" },
        { "GetXML(body, \"count(//b)\")", "a function as a step is not supported" },
        { "GetXML(body, \"//b[1.5]\")", "a number as a condition is not supported" },
        { "GetXML(body, \"//b[@c and 1]\")", "a number as a condition is not supported" },
        { "GetXML(body, \"//b[. = @c]\")", "a comparison of two paths is not supported" },
        { "GetXML(body, \"//b[not(c) = 1]\")", "a comparison of what is true or false is not supported" },
        { "GetXML(body, \"//b[contains(., @c)]\")", "or for anything but a text in quotes, is not supported" },
        { "GetXML(body, \"//b[count(.//c//d) > 1]\")", "count() of a union or of several // is not supported" },
        { "GetXML(body, \"//b[name(c) = 'c']\")", "the name of another node is not supported" },
        { "GetXML(body, \"//p:*\")", "all names with a prefix, prefix:*, is not supported" },
        { "GetXML(body, \"//@c/d\")", "a step from an attribute is not supported" },
        { "GetXML(body, \"//@text()\")", "a kind of node among attributes is not supported" },
        { "GetXML(body, \"//processing-instruction()\")", "processing-instruction() is not supported" },
        { "GetXML(body, \"//b]\")", "XPath: byte 3: this is not expected" },
        { "GetXML(body, \"//b[\")", "XPath: byte 4: it ends too early" },
        { "GetXML(body, \"//b['c]\")", "XPath: byte 4: this is not expected" },
        { "GetXML(body, \"//b[((((((((((((((((((((((((((((((((c\")", "it is nested too deep" },
    };
    struct subject subject;
    subject_init(&subject, WEFT_LOGS, record_json, 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(missing); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_slice text;
        const char *outcome;
        ck_assert(evaluate(&subject, missing[i].expression, &text, &outcome, &error) != WEFT_OK);
        ck_assert_msg(strstr(error.text, missing[i].error) != NULL, "%s", error.text);
    }
    subject_fini(&subject);
}
END_TEST

/* Each "or" is a condition, too, and a level of the stack of who asks them. */
START_TEST(test_an_xpath_of_very_many_conditions_is_refused)
{
    enum { MANY = 4000 };
    struct subject subject;
    struct weft_buffer expression = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_slice text;
    const char *outcome;
    weft_buffer_append_text(&expression, "GetXML(body, \"//b[2=1");
    for (int i = 0; i < MANY; i++) {
        weft_buffer_append_text(&expression, " or 2=1");
    }
    weft_buffer_append(&expression, "]\")", sizeof "]\")");
    subject_init(&subject, WEFT_LOGS, record_json, 0);
    ck_assert_int_eq(evaluate(&subject, (const char *)expression.bytes, &text, &outcome, &error), WEFT_INVALID);
    ck_assert_msg(strstr(error.text, "it has too many conditions") != NULL, "%s", error.text);
    subject_fini(&subject);
    weft_buffer_fini(&expression);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ottl functions");
    TCase *tests = tcase_create("functions");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_converters_give_what_the_collectors_do);
    tcase_add_test(tests, test_converters_without_memory);
    tcase_add_test(tests, test_what_is_missing_is_said_by_name);
    tcase_add_test(tests, test_an_xpath_of_very_many_conditions_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
