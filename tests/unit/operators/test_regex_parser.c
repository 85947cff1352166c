/* Operator regex_parser. */
#include "operators/operators_test.h"

#define PARSE(regex) "  - {type: regex_parser, parse_to: body, regex: '" regex "'}"

START_TEST(test_groups_become_a_map)
{
    static const struct operators_case rows[] = {
        { PARSE("^Host=(?P<host>[^,]+), Type=(?P<type>.*)$"), "Host=127.0.0.1, Type=HTTP",
          "{host:\"127.0.0.1\",type:\"HTTP\"}" },
        { PARSE("(?<a>x)(y)(?P<b>z)?"), "--xy--", "{a:\"x\",b:\"\"}" },
        { PARSE("(?P<a>.)(?P<a>.)"), "12", "{a:\"2\"}" },
        { PARSE("(?P<a>x*)"), "", "{a:\"\"}" },
        { PARSE("(?P<a>b+)"),
          "a\xff"
          "b",
          "{a:\"b\"}" },
        { PARSE("(?P<a>x)"), "y", "\"y\"" },
        { "  - {type: regex_parser, regex: '(?P<a>[0-9]+)', cache: {size: 100}}", "a 12 34",
          "\"a 12 34\" a{a:\"12\"}" },
        { "  - {type: regex_parser, regex: '(?P<a>x)', on_error: drop}", "y", NULL },
        { "  - {type: add, field: body, value: 1}\n  - {type: regex_parser, regex: '(?P<a>x*)', on_error: drop}", "",
          NULL },
        { "  - {type: regex_parser, regex: '(?P<a>1)', parse_from: attributes.x, on_error: drop}", "1", NULL },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_blocks_follow)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - type: regex_parser\n"
                              "    regex: '^(?P<time>[^ ]+ [^ ]+) (?P<level>[A-Z]+) (?P<message>.*)$'\n"
                              "    body: attributes.message\n"
                              "    timestamp: {parse_from: attributes.time, layout: '%Y-%m-%d %H:%M:%S,%L'}\n"
                              "    severity: {parse_from: attributes.level}\n");
    ck_assert_str_eq(operators_test_line(test, "2006-01-02 15:04:05,123 WARN it is so"),
                     "\"it is so\" a{time:\"2006-01-02 15:04:05,123\",level:\"WARN\",message:\"it is so\"}");
    ck_assert_uint_eq(test->last.time_ns, UINT64_C(1136214245123000000));
    ck_assert_uint_eq(test->last.severity, 13);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

/* Whatever a line does to the regex, it comes to an end. */
START_TEST(test_a_match_has_limits)
{
    static char line[4096];
    struct operators_test *test = weft_alloc(sizeof *test);
    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 2] = 'b';
    operators_test_open(test, PARSE("(?P<a>(a|aa)+)bb$"));
    ck_assert_ptr_nonnull(operators_test_line(test, line));
    ck_assert_int_eq(test->last.body.kind, WEFT_LOG_STRING);
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

START_TEST(test_parsing_survives_without_memory)
{
    size_t nth = 0;
    bool has_failed = true;
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: regex_parser, regex: '(?P<a>.)(?P<b>.)'}");
    while (has_failed) {
        weft_entry_memory_fini(&test->memory);
        operators_test_begin(test, "xy");
        weft_alloc_fail_at(++nth);
        operators_test_send(test);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_uint_eq(test->last.attributes.count, has_failed ? 0 : 2);
    }
    ck_assert_uint_gt(nth, 1);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

START_TEST(test_what_a_config_may_not_say)
{
    static const struct {
        const char *list;
        enum weft_status status;
        const char *text;
    } rows[] = {
        { "  - {type: regex_parser}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a regex" },
        { "  - {type: regex_parser, regex: ''}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a regex" },
        { PARSE("(a)"), WEFT_INVALID, "test.yaml:2: operators[0].regex: it needs a group with a name: (?P<key>...)" },
        { PARSE("(?P<a>"), WEFT_INVALID,
          "test.yaml:2: operators[0].regex: regular expression: offset 0: \"(?P<a>\": a group that is not closed" },
        { "  - {type: regex_parser, regex: '(?P<a>x)', parse_to: body, body: attributes.x}", WEFT_INVALID,
          "test.yaml:2: operators[0].body: it cannot stand beside parse_to: body, which it would replace" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        operators_test_refuse(rows[i].list, rows[i].status, rows[i].text);
    }
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_groups_become_a_map),       OPERATORS_TEST(test_blocks_follow),
        OPERATORS_TEST(test_a_match_has_limits),        OPERATORS_TEST(test_parsing_survives_without_memory),
        OPERATORS_TEST(test_what_a_config_may_not_say),
    };
    return OPERATORS_TEST_RUN("regex_parser", tests);
}
