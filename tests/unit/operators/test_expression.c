/* Expressions: what they give for an entry, and when they fail. What is expected here is what the Collector's library
 * (expr-lang 1.17.8) gives. */
#include "operators/operators_test.h"

static const char body[] =
    "{\"f\":2.5,\"list\":[1,2,2.5],\"m\":{\"k\":\"v\",\"\":\"e\"},\"m2\":{\"k\":\"v\",\"\":\"x\"},"
    "\"n\":3,\"s\":\"hello\",\"t\":true}";

struct value_case {
    const char *expression, *expected; /* NULL: it fails */
};

/* attributes.a is "text", attributes.empty is "", the resource was never set. */
static void check_value(const struct value_case *row)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    char *list = weft_alloc_format("  - {type: json_parser, parse_to: body}\n"
                                   "  - type: add\n"
                                   "    field: attributes.result\n"
                                   "    on_error: drop_quiet\n"
                                   "    value: |-\n"
                                   "      EXPR(%s)",
                                   row->expression);
    operators_test_open(test, list);
    operators_test_begin(test, body);
    operators_test_set(test, "a", "text");
    operators_test_set(test, "empty", "");
    char out[OPERATORS_TEST_TEXT] = "a failure";
    if (operators_test_send(test) != NULL) {
        struct operators_text text = { out, out + sizeof out };
        const struct weft_log_value *result = weft_log_map_find(&test->last.attributes, WEFT_SLICE_LITERAL("result"));
        ck_assert_ptr_nonnull(result);
        out[0] = '\0';
        operators_put_value(&text, result);
    }
    ck_assert_msg(strcmp(out, row->expected == NULL ? "a failure" : row->expected) == 0, "%s: %s, not %s",
                  row->expression, out, row->expected == NULL ? "a failure" : row->expected);
    operators_test_close(test);
    weft_free(list);
    weft_free(test);
}

#define CHECK_VALUES(rows)                                      \
    for (size_t row_ = 0; row_ < WEFT_COUNT_OF(rows); row_++) { \
        check_value(&(rows)[row_]);                             \
    }

START_TEST(test_constants_are_read)
{
    static const struct value_case rows[] = {
        { "1", "1" },
        { "1_000", "1000" },
        { "012", "12" },
        { "0x1F", "31" },
        { "0b101", "5" },
        { "0o17", "15" },
        { "9223372036854775807", "9223372036854775807" },
        { "1.5", "1.5" },
        { "1.", "1.0" },
        { ".5", "0.5" },
        { "1e3", "1000.0" },
        { "1.5e-3", "0.0015" },
        { "true", "true" },
        { "false", "false" },
        { "nil", "nil" },
        { "\"a\"", "\"a\"" },
        { "'a'", "\"a\"" },
        { "'sin\\'gle'", "\"sin'gle\"" },
        { "\"\\x41\\u00e9\\u{1F600}\\101\\\\\"", "\"A\xc3\xa9\xf0\x9f\x98\x80"
                                                 "A\\\"" },
        { "`raw \\n`", "\"raw \\n\"" },
        { "\"gr\xc3\xb6\xc3\x9f"
          "e\"",
          "\"gr\xc3\xb6\xc3\x9f"
          "e\"" },
        { "[]", "[]" },
        { "[1, 'a', nil, [true],]", "[1,\"a\",nil,[true]]" },
        { "1 /* a */ + 2 // b", "3" },
        { "(((1)))", "1" },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_members_are_found)
{
    static const struct value_case rows[] = {
        { "body.s", "\"hello\"" },
        { "$.s", "\"hello\"" },
        { "body[\"s\"]", "\"hello\"" },
        { "body . m . k", "\"v\"" },
        { "body.m['k']", "\"v\"" },
        { "body[\"m\"].k", "\"v\"" },
        { "body.m[nil]", "\"e\"" },
        { "body.list[0]", "1.0" },
        { "body.list[-1]", "2.5" },
        { "body.list[1.7]", "2.0" },
        { "[1, 2][1]", "2" },
        { "body.s[0]", "104" },
        { "body.nope", "nil" },
        { "body.in", "nil" },
        { "attributes.a", "\"text\"" },
        { "attributes['nope']", "nil" },
        { "resource.nope", "nil" },
        { "unknown", "nil" },
        { "$body", "nil" },
        { "body.nope.x", NULL },
        { "unknown.x", NULL },
        { "body.n.x", NULL },
        { "body.s.x", NULL },
        { "body.list[3]", NULL },
        { "body.list[-4]", NULL },
        { "body.list['a']", NULL },
        { "body.m[1]", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_chains_end_at_nothing)
{
    static const struct value_case rows[] = {
        { "body?.nope?.x", "nil" },
        { "body.nope?.x.y.z", "nil" },
        { "body.nope?.[\"x\"]", "nil" },
        { "body.nope?.[\"x\"].y", "nil" },
        { "body.nope?.x[\"y\"]", NULL }, /* brackets end a chain */
        { "(body.nope?.x).y", "nil" },
        { "body.m?.k", "\"v\"" },
        { "resource?.x", "nil" },
        { "body.nope?.x == nil", "true" },
        { "body[body.nope?.x ?? 's']", "\"hello\"" },
        { "body.nope ?? 'd'", "\"d\"" },
        { "body.s ?? 'd'", "\"hello\"" },
        { "body.nope ?? body.nope ?? 1", "1" },
        { "resource ?? 1", "1" },
        { "body.nope?.x ?? body.s", "\"hello\"" },
        { "(body.x ?? body.m).k", "\"v\"" },
        { "body.nope.y ?? 1", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_values_compare)
{
    static const struct value_case rows[] = {
        { "body.n == 3", "true" },
        { "body.n == 3.0", "true" },
        { "body.n == '3'", "false" },
        { "body.n != '3'", "true" },
        { "body.s == \"hello\"", "true" },
        { "body.t == true", "true" },
        { "body.nope == nil", "true" },
        { "'a' == nil", "false" },
        { "[1] != nil", "true" },
        { "attributes == nil", "false" },
        { "resource == nil", "true" },
        { "body.list == [1, 2, 2.5]", "true" },
        { "body.list == [1, 2]", "false" },
        { "body.m == body.m", "true" },
        { "body.m == body.m2", "false" },
        { "body.n < 4", "true" },
        { "body.n <= 3", "true" },
        { "body.n > 2.5", "true" },
        { "body.n >= 3.5", "false" },
        { "body.s < 'world'", "true" },
        { "body.s < 'hell'", "false" },
        { "1 < body.n < 5", "true" },
        { "1 < body.n < 2", "false" },
        { "1 <= body.n < 3 <= 5", "false" },
        { "body.s < 3", NULL },
        { "body.nope < 3", NULL },
        { "body.t < body.t", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_in_looks_for_values)
{
    static const struct value_case rows[] = {
        { "body.n in [1, 2, 3]", "true" },      { "body.n in ['a', 3]", "true" },
        { "body.n not in [1, 2]", "true" },     { "2 in body.list", "true" },
        { "body.s in ['hello', 'x']", "true" }, { "body.s not in ['hello', 'x']", "false" },
        { "body.nope in ['', 'x']", "true" }, /* among texts nil is the empty one */
        { "body.nope in ['a']", "false" },      { "body.n in ['a', 'b']", NULL },
        { "'a' in attributes", "true" },        { "'b' in attributes", "false" },
        { "'a' in resource", "false" },         { "body.n in attributes", NULL },
        { "body.n in body.nope", "false" },     { "body.s in 'hello world'", NULL },
        { "body.n in body.n", NULL },           { "body.n in 1..5", "true" },
        { "body.n in 4..5", "false" },          { "body.n in 1..body.n", "true" },
        { "body.f in 1..5", "false" },          { "body.s in 1..5", "false" },
        { "body.n in 5..1", "false" },          { "body.n in 1..body.s", NULL },
        { "body.n in 1..1000000", "true" },     { "body.n in 1..1000001", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_texts_are_searched)
{
    static const struct value_case rows[] = {
        { "body.s contains 'ell'", "true" },        { "body.s contains ''", "true" },
        { "attributes.empty contains ''", "true" }, { "attributes.empty contains 'a'", "false" },
        { "body.s not contains 'x'", "true" },      { "body.nope contains 'a'", "false" },
        { "body.s contains body.nope", "false" },   { "body.n contains 'a'", NULL },
        { "body.s startsWith 'he'", "true" },       { "body.s startsWith 'hello world'", "false" },
        { "body.s endsWith 'lo'", "true" },         { "body.s endsWith 'l'", "false" },
        { "body.s not startsWith 'he'", "false" },  { "body.s matches '^h.*o$'", "true" },
        { "body.s matches '^h' + 'x'", "false" },   { "body.s not matches '[0-9]'", "true" },
        { "body.nope matches 'x'", "false" },       { "body.n matches 'x'", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_numbers_are_calculated)
{
    static const struct value_case rows[] = {
        { "1 + 2", "3" },
        { "1 + 2.5", "3.5" },
        { "body.n + body.n", "6.0" },
        { "7 / 2", "3.5" },
        { "8 / 2", "4.0" },
        { "string(1 / 0)", "\"+Inf\"" },
        { "string(-1 / 0)", "\"-Inf\"" },
        { "string(0 / 0)", "\"NaN\"" },
        { "7 % 3", "1" },
        { "-7 % 3", "-1" },
        { "len(body.list) % 2", "1" },
        { "body.n % 2", NULL }, /* no integer */
        { "1 % len('')", NULL },
        { "(-9223372036854775807 - 1) % -1", "0" },
        { "2 ** 10", "1024.0" },
        { "2 ^ 3 ** 2", "512.0" },
        { "-2 ** 2", "-4.0" },
        { "1 - 2 - 3", "-4" },
        { "2 + 3 * 4", "14" },
        { "(2 + 3) * 4", "20" },
        { "9223372036854775807 + 1", "-9223372036854775808" },
        { "- body.n", "-3.0" },
        { "--1", "1" },
        { "+ body.s", "\"hello\"" },
        { "- body.s", NULL },
        { "body.s + ' world'", "\"hello world\"" },
        { "'a' + 'b' + body.s + ''", "\"abhello\"" },
        { "body.s + body.n", NULL },
        { "body.s * 2", NULL },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_conditions_choose)
{
    static const struct value_case rows[] = {
        { "not body.t", "false" },
        { "!body.t or body.t && true", "true" },
        { "true and false or true", "true" },
        { "body.t or body.nope.x", "true" },
        { "not body.t and body.nope.x", "false" },
        { "body.t and body.n", "3.0" }, /* the last is not looked at */
        { "body.n and body.t", NULL },
        { "body.n and false", "false" }, /* nor is what stands beside a constant */
        { "body.n or false", "3.0" },
        { "true and body.n", "3.0" },
        { "body.n or false and body.n[0]", "3.0" },
        { "body.n and (true or body.x.y)", "3.0" },
        { "body.n and not false", "3.0" },
        { "body.n and body.t and true", NULL },
        { "body.t and body.t and body.n == 3 and 1 == 1", "true" },
        { "!body.n", NULL },
        { "body.t ? body.s : body.n", "\"hello\"" },
        { "false ? 1 : true ? 2 : 3", "2" },
        { "body.t ?: 3", "true" },
        { "body.t ? 1 : body.nope.x", "1" },
        { "body.n ? 1 : 2", NULL },
        { "(body.t ? body.n : 'a') == 'b'", "false" },
        { "1 < 2 == true", "true" },
        { "!body.t == false", "true" },
        { "not (body.s in ['x'])", "true" },
    };
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_functions_are_called)
{
    static const struct value_case rows[] = {
        { "len(body.s)", "5" },
        { "len('\xc3\xa4\xc3\xb6')", "2" },
        { "len(body.list)", "3" },
        { "len(body)", "7" },
        { "len(resource)", "0" },
        { "len(body.n)", NULL },
        { "type(1)", "\"int\"" },
        { "type(body.n)", "\"float\"" },
        { "type(body.nope)", "\"nil\"" },
        { "type(body.list)", "\"array\"" },
        { "type(resource)", "\"map\"" },
        { "body.s | upper() | len()", "5" },
        { "lower('ABC \xc3\x84 \xc4\xb0 \xce\xa3')", "\"abc \xc3\xa4 i \xcf\x83\"" },
        { "upper('a\xc3\x9f\xc7\x86\xc3\xbf')", "\"A\xc3\x9f\xc7\x84\xc5\xb8\"" },
        { "lower('\\u0100\\u0101') + upper('\\u0100\\u0101') == '\\u0101\\u0101\\u0100\\u0100'", "true" },
        { "lower(body.nope)", NULL },
        { "trim('  x y \\t\\n')", "\"x y\"" },
        { "trim('\\u3000x\\u00a0')", "\"x\"" },
        { "trim('__x__', '_')", "\"x\"" },
        { "trim('\xc3\xa4x\xc3\xa4', '\xc3\xa4')", "\"x\"" },
        { "trim(attributes.empty)", "\"\"" },
        { "trimPrefix('hello', 'he')", "\"llo\"" },
        { "trimPrefix(' hello')", "\"hello\"" },
        { "trimSuffix('hello', 'lo')", "\"hel\"" },
        { "hasPrefix(body.s, 'he')", "true" },
        { "hasSuffix(body.s, 'he')", "false" },
        { "hasPrefix(body.n, 'he')", NULL },
        { "indexOf('hello', 'l')", "2" },
        { "indexOf('hello', 'x')", "-1" },
        { "lastIndexOf('hello', 'l')", "3" },
        { "lastIndexOf('hello', '')", "5" },
        { "split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]" },
        { "split('a,b,c', ',', 2)", "[\"a\",\"b,c\"]" },
        { "split('', ',')", "[\"\"]" },
        { "split('\xc3\xa4"
          "bc', '')",
          "[\"\xc3\xa4\",\"b\",\"c\"]" },
        { "split(body.s, 'l')[0]", "\"he\"" },
        { "env('WEFT_TEST_VARIABLE') + '!'", "\"set!\"" },
        { "env('WEFT_TEST_NOTHING')", "\"\"" },
    };
    ck_assert_int_eq(setenv("WEFT_TEST_VARIABLE", "set", 1), 0);
    CHECK_VALUES(rows);
}
END_TEST

START_TEST(test_values_are_converted)
{
    static const struct value_case rows[] = {
        { "string(1)", "\"1\"" },
        { "string(body.n)", "\"3\"" },
        { "string(1.5)", "\"1.5\"" },
        { "string(-0.0)", "\"-0\"" },
        { "string(0.1 + 0.2)", "\"0.30000000000000004\"" },
        { "string(100000.0)", "\"100000\"" },
        { "string(123456.7)", "\"123456.7\"" },
        { "string(1000000.0)", "\"1e+06\"" },
        { "string(1234567.8)", "\"1.2345678e+06\"" },
        { "string(0.0001)", "\"0.0001\"" },
        { "string(0.00001234)", "\"1.234e-05\"" },
        { "string(body.nope)", "\"<nil>\"" },
        { "string(true)", "\"true\"" },
        { "string(body.list)", NULL },
        { "int('12')", "12" },
        { "int('-9223372036854775808')", "-9223372036854775808" },
        { "int('9223372036854775808')", NULL },
        { "int('12x')", NULL },
        { "int(attributes.empty)", NULL },
        { "int(-1.9)", "-1" },
        { "int(1e300)", "-9223372036854775808" },
        { "int(body.t)", NULL },
        { "float('1.5')", "1.5" },
        { "float('1e3')", "1000.0" },
        { "string(float('-inf'))", "\"-Inf\"" },
        { "float('1e400')", NULL },
        { "float(' 1')", NULL },
        { "float(3)", "3.0" },
    };
    CHECK_VALUES(rows);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_constants_are_read),     OPERATORS_TEST(test_members_are_found),
        OPERATORS_TEST(test_chains_end_at_nothing),  OPERATORS_TEST(test_values_compare),
        OPERATORS_TEST(test_in_looks_for_values),    OPERATORS_TEST(test_texts_are_searched),
        OPERATORS_TEST(test_numbers_are_calculated), OPERATORS_TEST(test_conditions_choose),
        OPERATORS_TEST(test_functions_are_called),   OPERATORS_TEST(test_values_are_converted),
    };
    return OPERATORS_TEST_RUN("operators expression", tests);
}
