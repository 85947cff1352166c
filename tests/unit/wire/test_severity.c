/* Severities of each scale, in words and numbers, as the log data model's numbers. */
#include "wire/wire_test.h"

#include "wire/severity.h"

struct severity_case {
    const char *text;
    enum weft_severity_scale scale;
    uint8_t number;
};

#define ROW(text, scale, number)            \
    {                                       \
        text, WEFT_SEVERITY_##scale, number \
    }

static const struct severity_case cases[] = {
    /* tracing */
    ROW("TRACE", ANY, 1),
    ROW("DEBUG", ANY, 5),
    ROW("INFO", ANY, 9),
    ROW("WARN", ANY, 13),
    ROW("ERROR", ANY, 17),
    /* winston */
    ROW("silly", ANY, 1),
    ROW("verbose", ANY, 6),
    ROW("http", ANY, 8),
    ROW("info", ANY, 9),
    ROW("warn", ANY, 13),
    /* pino and bunyan */
    ROW("10", PINO, 1),
    ROW("20", PINO, 5),
    ROW("30", PINO, 9),
    ROW("40", PINO, 13),
    ROW("50", PINO, 17),
    ROW("60", PINO, 21),
    ROW("35", PINO, 10),
    ROW("99", PINO, 22),
    ROW("5", PINO, 1),
    ROW("0", PINO, 0),
    ROW("30", ANY, 9),
    ROW("35", ANY, 10),
    /* Python */
    ROW("10", PYTHON, 5),
    ROW("20", PYTHON, 9),
    ROW("30", PYTHON, 13),
    ROW("40", PYTHON, 17),
    ROW("50", PYTHON, 21),
    ROW("25", PYTHON, 10),
    ROW("WARNING", PYTHON, 13),
    ROW("CRITICAL", ANY, 21),
    ROW("CRITICAL", PYTHON, 21),
    ROW("FATAL", ANY, 21),
    /* slog */
    ROW("INFO+2", ANY, 11),
    ROW("DEBUG-4", ANY, 1),
    ROW("ERROR+100", ANY, 24),
    ROW("DEBUG-100", ANY, 1),
    ROW("INFO+", ANY, 0),
    ROW("+2", ANY, 0),
    ROW("INFO+x", ANY, 0),
    /* zap: the words of the data model's table */
    ROW("dpanic", ANY, 18),
    ROW("panic", ANY, 19),
    ROW("fatal", ANY, 21),
    /* syslog */
    ROW("0", SYSLOG, 21),
    ROW("1", SYSLOG, 19),
    ROW("2", SYSLOG, 18),
    ROW("3", SYSLOG, 17),
    ROW("4", SYSLOG, 13),
    ROW("5", SYSLOG, 10),
    ROW("6", SYSLOG, 9),
    ROW("7", SYSLOG, 5),
    ROW("8", SYSLOG, 0),
    ROW("3", ANY, 17),
    ROW("crit", ANY, 18),
    ROW("emerg", ANY, 21),
    ROW("alert", ANY, 19),
    ROW("notice", ANY, 10),
    ROW("err", ANY, 17),
    /* Google */
    ROW("DEFAULT", GCP, 0),
    ROW("DEBUG", GCP, 5),
    ROW("INFO", GCP, 9),
    ROW("NOTICE", GCP, 10),
    ROW("WARNING", GCP, 13),
    ROW("ERROR", GCP, 17),
    ROW("CRITICAL", GCP, 18),
    ROW("ALERT", GCP, 19),
    ROW("EMERGENCY", GCP, 21),
    ROW("300", GCP, 10),
    ROW("800", GCP, 21),
    ROW("350", GCP, 0),
    /* RunPod */
    ROW("TIP", ANY, 9),
    /* java.util.logging */
    ROW("FINEST", ANY, 1),
    ROW("FINE", ANY, 6),
    ROW("CONFIG", ANY, 7),
    ROW("SEVERE", ANY, 17),
    /* OpenTelemetry */
    ROW("1", OTEL, 1),
    ROW("24", OTEL, 24),
    ROW("25", OTEL, 0),
    ROW("0", OTEL, 0),
    ROW("-1", OTEL, 0),
    /* none of these */
    ROW("", ANY, 0),
    ROW("loud", ANY, 0),
    ROW("infor", ANY, 0),
    ROW("inf ormation", ANY, 0),
    ROW("-5", ANY, 0),
    ROW("99999999999", ANY, 0),
    ROW("a word that is no level", ANY, 0),
};

START_TEST(test_words_and_numbers_have_their_severity)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        size_t length = strlen(cases[i].text);
        uint8_t *copy = weft_alloc(length > 0 ? length : 1);
        memcpy(copy, cases[i].text, length);
        uint8_t number = weft_severity_of_text(weft_slice_of(copy, length), cases[i].scale);
        weft_free(copy);
        ck_assert_msg(number == cases[i].number, "%s on scale %d: %u", cases[i].text, (int)cases[i].scale, number);
    }
}
END_TEST

START_TEST(test_case_does_not_matter)
{
    static const char *const forms[] = { "warning", "WARNING", "Warning", "wArNiNg" };
    for (size_t i = 0; i < WEFT_COUNT_OF(forms); i++) {
        ck_assert_uint_eq(weft_severity_of_text(weft_slice_of_text(forms[i]), WEFT_SEVERITY_ANY), 13);
    }
}
END_TEST

START_TEST(test_every_number_stays_within_the_model)
{
    for (int scale = 0; scale < WEFT_SEVERITY_SCALE_COUNT; scale++) {
        for (int64_t number = -100; number < 1000; number++) {
            ck_assert_uint_le(weft_severity_of_number(number, (enum weft_severity_scale)scale), WEFT_SEVERITY_MAX);
        }
        ck_assert_uint_le(weft_severity_of_number(INT64_MAX, (enum weft_severity_scale)scale), WEFT_SEVERITY_MAX);
        ck_assert_uint_le(weft_severity_of_number(INT64_MIN, (enum weft_severity_scale)scale), WEFT_SEVERITY_MAX);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_words_and_numbers_have_their_severity,
        test_case_does_not_matter,
        test_every_number_stays_within_the_model,
    };
    return run_tests("severity", tests, WEFT_COUNT_OF(tests));
}
