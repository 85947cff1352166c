/* Times of entries: layouts, epochs, zones, and what a config may not say. The moments are those that the Collector
 * (0.158) gives for the same layout and text. */
#include "operators/operators_test.h"
#include "wire/time_zone.h"

/* 2026-08-15T12:00:00Z: what counts as now. */
#define NOW_NS UINT64_C(1786795200000000000)

struct time_case {
    const char *keys, *text;
    const char *expected; /* seconds.nanos; NULL: it fails */
};

static void check_time(const struct time_case *row, int zone_minutes)
{
    char list[512];
    char got[64] = "";
    struct operators_test *test = weft_alloc(sizeof *test);
    snprintf(list, sizeof list, "  - {type: time_parser, parse_from: body, on_error: drop, %s}", row->keys);
    operators_test_open(test, list);
    weft_operator_run_free(test->run);
    test->run = weft_operator_run_new(test->operators, zone_minutes, operators_test_emit, test);
    operators_test_begin(test, row->text);
    test->entry.observed_ns = NOW_NS;
    if (operators_test_send(test) != NULL) {
        snprintf(got, sizeof got, "%" PRIu64 ".%09" PRIu64, test->last.time_ns / 1000000000,
                 test->last.time_ns % 1000000000);
    }
    const char *expected = row->expected == NULL ? "" : row->expected;
    ck_assert_msg(strncmp(got, expected, strlen(expected)) == 0 && (*expected == '\0') == (*got == '\0'),
                  "%s: \"%s\" gives %s, not %s", row->keys, row->text, got, expected);
    operators_test_close(test);
    weft_free(test);
}

#define CHECK_TIMES(rows)                                       \
    for (size_t row_ = 0; row_ < WEFT_COUNT_OF(rows); row_++) { \
        check_time(&(rows)[row_], 0);                           \
    }

START_TEST(test_strptime_layouts)
{
    static const struct time_case rows[] = {
        { "layout: '%Y-%m-%dT%H:%M:%S.%L%z'", "2019-01-02T15:04:05.666-0700", "1546466645.666" },
        { "layout: '%Y-%m-%dT%H:%M:%S.%L%z'", "2019-01-02T15:04:05.666666666Z", "1546441445.666666666" },
        { "layout: '%Y-%m-%dT%H:%M:%S.%L%z'", "2019-1-2T15:4:5 +05:30", "1546421645.0" },
        { "layout: '%Y-%m-%dT%H:%M:%S%z'", "2019-01-02T15:04:05,25+01", "1546437845.25" },
        { "layout_type: strptime, layout: '%d/%b/%Y:%H:%M:%S %z'", "05/Aug/2019:20:38:46 +0000", "1565037526.0" },
        { "layout: '%a %b %e %H:%M:%S %Z %Y'", "mon JAN  2 15:04:05 MST 2006", "1136239445.0" },
        { "layout: '%A, %B %g %y %l:%M %P'", "Monday, January 2 06 3:04 pm", "1136214240.0" },
        { "layout: '%c'", "Mon Jan 02 15:04:05 2006", "1136214245.0" },
        { "layout: '%D %r'", "01/02/06 12:04:05 am", "1136160245.0" },
        { "layout: '%x %X'", "1/2/2006 15:04:05", "1136214245.0" },
        { "layout: '%F%t%R%%'", "2006-01-02\t15:04%", "1136214240.0" },
        { "layout: '%Y%m%d%H%M%S,%f'", "20060102150405,000001", "1136214245.000001" },
        { "layout: '%Y %o %q %T.%s'", "2006  1 1 15:04:05.000000007", "1136127845.000000007" },
        { "layout: '%F %T%i'", "2006-01-02 15:04:05-07", "1136239445.0" },
        { "layout: '%F %T%j'", "2006-01-02 15:04:05-07:00", "1136239445.0" },
        { "layout: '%F %T%k'", "2006-01-02 15:04:05-07:00:01", "1136239446.0" },
        { "layout: '%F %T%w'", "2006-01-02 15:04:05+000001", "1136214244.0" },
        { "layout: '%F %I:%M %p'", "2006-01-02 12:30 PM", "1136205000.0" },
        { "layout: '%F'", "2024-02-29", "1709164800.0" },
        { "layout: '%F'", "2023-02-29", NULL },
        { "layout: '%F'", "2023-13-01", NULL },
        { "layout: '%F'", "2023-01-0", NULL },
        { "layout: '%F'", "2023-01-01x", NULL },
        { "layout: '%F'", "2023-01", NULL },
        { "layout: '%F'", "", NULL },
        { "layout: '%F %H:%M'", "2023-01-01 24:00", NULL },
        { "layout: '%F %I %p'", "2023-01-01 13 PM", NULL },
        { "layout: '%F %T%z'", "2006-01-02 15:04:05+2500", NULL },
        { "layout: '%F %T%j'", "2006-01-02 15:04:05-0700", NULL },
        { "layout: '%F %b'", "2006-01-02 Jum", NULL },
        { "layout: '%F'", "1969-12-31", NULL },
        { "layout: '%F'", "1970-01-01", "0.0" },
        { "layout: '%F'", "2554-07-21", "18446659200.0" },
        { "layout: '%F'", "2555-01-01", NULL },
    };
    CHECK_TIMES(rows);
}
END_TEST

START_TEST(test_go_layouts)
{
    static const struct time_case rows[] = {
        { "layout_type: gotime, layout: '2006-01-02T15:04:05Z07:00'", "2006-01-02T15:04:05+05:30", "1136194445.0" },
        { "layout_type: gotime, layout: '2006-01-02T15:04:05.999Z'", "2019-03-08T18:41:12.152531115Z",
          "1552070472.152531115" },
        { "layout_type: gotime, layout: '2006-01-02 15:04:05.000'", "2006-01-02 15:04:05.123", "1136214245.123" },
        { "layout_type: gotime, layout: '2006-01-02 15:04:05.000'", "2006-01-02 15:04:05.12", NULL },
        { "layout_type: gotime, layout: '2006-01-02 15:04:05'", "2006-1-02 15:04:05", NULL },
        { "layout_type: gotime, layout: '2006-002 3:4:5PM'", "2024-366 1:2:3PM", "1735650123.0" },
        { "layout_type: gotime, layout: '2006 __2'", "2023  45", "1676332800.0" },
        { "layout_type: gotime, layout: '2006-002'", "2023-366", NULL },
        { "layout_type: gotime, layout: '2006-002 Jan'", "2023-040 Mar", NULL },
        { "layout_type: gotime, layout: 'Jan _2 2006 _2006 Month'", "Aug  4 2026 _2026 Month", "1785801600.0" },
        { "layout_type: gotime, layout: '2006 Month'", "2026 Tueth", NULL },
        { "layout_type: gotime, layout: '06-1-2'", "69-1-2", NULL },
        { "layout_type: gotime, layout: '06-1-2'", "68-1-2", "3092688000.0" },
        { "layout_type: gotime, layout: '2006   1'", "2006 3", "1141171200.0" },
        { "layout_type: gotime, layout: '2006 1'", "20063", NULL },
    };
    CHECK_TIMES(rows);
}
END_TEST

START_TEST(test_epochs)
{
    static const struct time_case rows[] = {
        { "layout_type: epoch, layout: s", "1136214245", "1136214245.000000000" },
        { "layout_type: epoch, layout: ms", "1136214245123", "1136214245.123" },
        { "layout_type: epoch, layout: us", "1136214245123456", "1136214245.123456" },
        { "layout_type: epoch, layout: ns", "1136214245123456789", "1136214245.123456789" },
        { "layout_type: epoch, layout: s.ms", "1136214245.123", "1136214245.123" },
        { "layout_type: epoch, layout: s.us", "1136214245.123456", "1136214245.123456" },
        { "layout_type: epoch, layout: s.ns", "1136214245.123456789", "1136214245.123456789" },
        { "layout_type: epoch, layout: s.ms", "1136214245.5", "1136214245.005" }, /* no fraction, a number */
        { "layout_type: epoch, layout: s.ms", "1136214245", NULL },
        { "layout_type: epoch, layout: s.ms", "1.2.3", NULL },
        { "layout_type: epoch, layout: s", "+1136214245", "1136214245.0" },
        { "layout_type: epoch, layout: s", "1136214245.5", NULL },
        { "layout_type: epoch, layout: s", " 1", NULL },
        { "layout_type: epoch, layout: s", "", NULL },
        { "layout_type: epoch, layout: s", "-1", NULL },
        { "layout_type: epoch, layout: s", "99999999999", NULL },
        { "layout_type: epoch, layout: ns", "9223372036854775807", "9223372036.854775807" },
        { "layout_type: epoch, layout: ns", "9223372036854775808", NULL },
        { "layout_type: epoch, layout: s.ms", "1.9223372036854775807", NULL },
    };
    CHECK_TIMES(rows);
}
END_TEST

static uint64_t epoch_of(const char *layout, struct weft_log_value value)
{
    char list[128];
    struct operators_test *test = weft_alloc(sizeof *test);
    snprintf(list, sizeof list, "  - {type: time_parser, parse_from: body, layout_type: epoch, layout: %s}", layout);
    operators_test_open(test, list);
    operators_test_begin(test, "");
    test->entry.body = value;
    operators_test_send(test);
    uint64_t time_ns = operators_test_counts(test, 0).errors == 0 ? test->last.time_ns : UINT64_MAX;
    operators_test_close(test);
    weft_free(test);
    return time_ns;
}

START_TEST(test_epochs_of_numbers)
{
    struct weft_log_value integer = { .kind = WEFT_LOG_INT, .integer = 1136214245 };
    struct weft_log_value real = { .kind = WEFT_LOG_DOUBLE, .real = 1136214245.125 };
    struct weft_log_value small = { .kind = WEFT_LOG_DOUBLE, .real = 99.5 };
    struct weft_log_value none = { .kind = WEFT_LOG_BOOL, .boolean = true };
    struct weft_log_value huge = { .kind = WEFT_LOG_DOUBLE, .real = 1e300 };
    ck_assert_uint_eq(epoch_of("s", integer), UINT64_C(1136214245000000000));
    ck_assert_uint_eq(epoch_of("s.ns", integer), UINT64_C(1136214245000000000));
    ck_assert_uint_eq(epoch_of("s", real), UINT64_C(1136214245000000000));
    ck_assert_uint_eq(epoch_of("s.ms", real), UINT64_C(1136214245125000000));
    ck_assert_uint_eq(epoch_of("s.ns", real), UINT64_C(1136214245125000000));
    ck_assert_uint_eq(epoch_of("s.us", small), UINT64_MAX); /* "99.500000" is not ten characters wide */
    ck_assert_uint_eq(epoch_of("s.ns", small), UINT64_C(99500000000));
    ck_assert_uint_eq(epoch_of("s", none), UINT64_MAX);
    ck_assert_uint_eq(epoch_of("ns", huge), UINT64_MAX);
}
END_TEST

START_TEST(test_a_missing_year_is_that_of_the_entry)
{
    static const struct time_case rows[] = {
        { "layout: '%b %d %H:%M:%S'", "Aug 15 11:00:00", "1786791600.0" },
        { "layout: '%b %d %H:%M:%S'", "Aug 22 12:00:00", "1787400000.0" },
        { "layout: '%b %d %H:%M:%S'", "Aug 22 12:00:00.1", "1755864000.1" },
        { "layout: '%b %d %H:%M:%S'", "Dec 31 23:59:59", "1767225599.0" },
        { "layout: '%b %d'", "Feb 29", "1772323200.0" }, /* no leap year: the first of March */
        { "layout: '%Y %b %d'", "0000 Aug 15", "1786752000.0" },
        { "layout: '%H:%M'", "10:00", "1767261600.0" },
    };
    CHECK_TIMES(rows);
}
END_TEST

START_TEST(test_times_without_a_zone_are_those_of_the_run)
{
    static const struct time_case rows[] = {
        { "layout: '%F %T'", "2026-01-02 15:04:05", "1767362645.0" },
        { "layout: '%F %T', location: Local", "2026-01-02 15:04:05", "1767362645.0" },
        { "layout: '%F %TZ', location: Local", "2026-01-02 15:04:05Z", "1767362645.0" },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 UTC", "1767366245.0" },
        { "layout: '%F %TZ'", "2026-01-02 15:04:05Z", "1767366245.0" },
        { "layout: '%F %T', location: UTC", "2026-01-02 15:04:05", "1767366245.0" },
        { "layout: '%F %T%z'", "2026-01-02 15:04:05-0100", "1767369845.0" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        check_time(&rows[i], 60);
    }
}
END_TEST

START_TEST(test_names_of_zones)
{
    static const struct time_case rows[] = {
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 CET", "1767362645.0" },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 HST", "1767402245.0" },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 GMT", "1767366245.0" },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 GMT+3", "1767366245.0" }, /* so does Go */
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 PST", NULL },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 Pst", NULL },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 ABCD", NULL },
        { "layout: '%F %T %Z'", "2026-01-02 15:04:05 +03", NULL },
        { "layout: '%F %T %z %Z'", "2026-01-02 15:04:05 -0800 PST", "1767395045.0" },
        { "layout: '%F %T %z %Z'", "2026-01-02 15:04:05 +0000 PST", NULL },
    };
    CHECK_TIMES(rows);
}
END_TEST

/* With the zone files of this system. */
START_TEST(test_locations)
{
    static const struct time_case rows[] = {
        { "layout: '%F %T', location: Europe/Berlin", "2024-03-31 01:59:59", "1711846799.0" },
        { "layout: '%F %T', location: Europe/Berlin", "2024-03-31 03:00:00", "1711846800.0" },
        { "layout: '%F %T', location: Europe/Berlin", "2024-03-31 02:30:00", "1711848600.0" },
        { "layout: '%F %T', location: America/New_York", "2024-11-03 01:30:00", "1730611800.0" },
        { "layout: '%F %T', location: Australia/Lord_Howe", "2100-04-05 01:45:00", "4110534900.0" },
        { "layout: '%F %T', location: Europe/Dublin", "2140-07-01 12:00:00", "5380426800.0" },
        { "layout: '%F %T %Z', location: America/Los_Angeles", "2025-08-20 14:08:48 PDT", "1755724128.0" },
        { "layout: '%F %T %Z', location: America/Los_Angeles", "2025-08-20 14:08:48 PST", "1755727728.0" },
        { "layout: '%F %T %Z', time_zone_locations: {IST: Asia/Kolkata, NZST: Pacific/Auckland}",
          "2025-08-27 15:08:58 IST", "1756287538.0" },
        { "layout: '%F %T %Z', location: Asia/Kolkata, time_zone_locations: {NZST: Pacific/Auckland}",
          "2025-07-15 10:00:00 NZST", "1752530400.0" },
        { "layout: '%b %e %T', location: Pacific/Auckland", "Aug 16 01:00:00", "1786798800.0" },
    };
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0) {
        CHECK_TIMES(rows);
    }
}
END_TEST

/* A header with no changes, one period and that many letters. */
#define ZEROS_8              "\0\0\0\0\0\0\0\0"
#define ZONE_HEADER(letters) "TZif2" ZEROS_8 "\0\0\0\0\0\0\0" ZEROS_8 ZEROS_8 "\0\0\0\1\0\0\0" letters
#define ZONE_RULE            "\nCET-1CEST,M3.5.0,M10.5.0/3\n"

static const char zone_file[] = ZONE_HEADER("\1") "\0\0\0\0\0\0"
                                                  "\0" ZONE_HEADER("\4") "\0\0\16\20\0\0"
                                                                         "CET\0" ZONE_RULE;

START_TEST(test_zone_files_of_any_length)
{
    struct weft_entry_memory memory = { 0 };
    struct weft_time_zone zone;
    size_t length = sizeof zone_file - 1;
    for (size_t i = 0; i <= length; i++) {
        uint8_t *exact = i == 0 ? NULL : weft_try_alloc_raw(i);
        if (i > 0) {
            memcpy(exact, zone_file, i);
        }
        enum weft_status status = weft_time_zone_parse(weft_slice_of(exact, i), &memory, &zone, NULL);
        bool is_whole = i >= length - strlen(ZONE_RULE);
        ck_assert_int_eq(status, is_whole ? WEFT_OK : WEFT_INVALID);
        weft_free(exact);
    }
    ck_assert_int_eq(weft_time_zone_offset(&zone, 1711846799), 3600);
    ck_assert_int_eq(weft_time_zone_offset(&zone, 1679961600), 7200); /* two days after the last Sunday of March 2023 */
    ck_assert_int_eq(weft_time_zone_offset(&zone, 1719792000), 7200);
    ck_assert_int_eq(weft_time_zone_offset(&zone, 17435088000), 7200); /* in July 2522 */
    weft_entry_memory_fini(&memory);
}
END_TEST

START_TEST(test_what_a_config_may_not_say)
{
    static const struct {
        const char *keys;
        enum weft_status status;
        const char *text;
    } rows[] = {
        { "layout: '%F'", WEFT_INVALID, "test.yaml:2: operators[0]: it needs parse_from" },
        { "parse_from: body", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a layout" },
        { "parse_from: body, layout: '%F', layout_type: any", WEFT_INVALID,
          "test.yaml:2: operators[0].layout_type: wants one of strptime, gotime, epoch" },
        { "parse_from: body, layout_type: native", WEFT_UNSUPPORTED,
          "test.yaml:2: operators[0].layout_type: native is for values that no config can make" },
        { "parse_from: body, layout: years, layout_type: epoch", WEFT_INVALID,
          "test.yaml:2: operators[0].layout: of layout_type epoch it is one of s, ms, us, ns, s.ms, s.us, s.ns" },
        { "parse_from: body, layout: '%C'", WEFT_INVALID, "test.yaml:2: operators[0].layout: strptime has no %C here" },
        { "parse_from: body, layout: '2006'", WEFT_INVALID,
          "test.yaml:2: operators[0].layout: a strptime layout has no digits" },
        { "parse_from: body, layout: '%S:%L'", WEFT_INVALID,
          "test.yaml:2: operators[0].layout: a fraction of a second must follow a . or a comma" },
        { "parse_from: body, layout: '05:999', layout_type: gotime", WEFT_INVALID,
          "test.yaml:2: operators[0].layout: a fraction of a second must follow a . or a comma" },
        { "parse_from: body, layout: '%F', location: ../etc", WEFT_INVALID,
          "test.yaml:2: operators[0].location: \"../etc\": this system has no time zone of that name" },
        { "parse_from: body, layout: '%F', time_zone_locations: {PST: UTC}", WEFT_INVALID,
          "test.yaml:2: operators[0].time_zone_locations: the layout has no name of a zone (%Z, MST)" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        char list[256];
        snprintf(list, sizeof list, "  - {type: time_parser, %s}", rows[i].keys);
        operators_test_refuse(list, rows[i].status, rows[i].text);
    }
}
END_TEST

START_TEST(test_no_time_is_a_failure)
{
    static const struct operators_case rows[] = {
        { "  - {type: time_parser, parse_from: attributes.ts, layout: '%F', on_error: drop}", "2026-01-01", NULL },
        { "  - {type: add, field: body, value: 1}\n  - {type: time_parser, parse_from: body, layout: '%F', on_error: "
          "drop}",
          "", NULL },
        { "  - {type: time_parser, parse_from: body, layout: '%F'}", "never", "\"never\"" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_strptime_layouts),
        OPERATORS_TEST(test_go_layouts),
        OPERATORS_TEST(test_epochs),
        OPERATORS_TEST(test_epochs_of_numbers),
        OPERATORS_TEST(test_a_missing_year_is_that_of_the_entry),
        OPERATORS_TEST(test_times_without_a_zone_are_those_of_the_run),
        OPERATORS_TEST(test_names_of_zones),
        OPERATORS_TEST(test_locations),
        OPERATORS_TEST(test_zone_files_of_any_length),
        OPERATORS_TEST(test_what_a_config_may_not_say),
        OPERATORS_TEST(test_no_time_is_a_failure),
    };
    return OPERATORS_TEST_RUN("times", tests);
}
