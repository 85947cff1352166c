/* Names for Prometheus: every rule by an example, with what the Collector's translator makes of it. */
#include <check.h>
#include <math.h>

#include "exporters/prometheus_name.h"
#include "exporters/prometheus_number.h"
#include "suite.h"

struct row {
    const char *name_space, *name, *unit;
    enum weft_prometheus_kind kind;
    const char *full, *bare, *utf8, *utf8_bare; /* the four strategies; NULL = none is left */
};

#define GAUGE   WEFT_PROMETHEUS_GAUGE
#define SUM     WEFT_PROMETHEUS_SUM
#define COUNTER WEFT_PROMETHEUS_COUNTER

static const struct row metrics[] = {
    { "", "http.requests", "", COUNTER, "http_requests_total", "http_requests", "http.requests_total",
      "http.requests" },
    { "", "http.total.requests", "1", COUNTER, "http_requests_total", "http_total_requests",
      "http.total.requests_total", "http.total.requests" },
    { "", "requests_total", "", COUNTER, "requests_total", "requests_total", "requests_total", "requests_total" },
    { "", "load", "1", GAUGE, "load_ratio", "load", "load_ratio", "load" },
    { "", "cpu.ratio.used", "1", GAUGE, "cpu_used_ratio", "cpu_ratio_used", "cpu.ratio.used_ratio", "cpu.ratio.used" },
    { "", "load", "1", SUM, "load", "load", "load", "load" },
    { "", "size", "By", GAUGE, "size_bytes", "size", "size_bytes", "size" },
    { "", "size.bytes", "By", GAUGE, "size_bytes", "size_bytes", "size.bytes", "size.bytes" },
    { "", "bytes.size", "By", GAUGE, "bytes_size", "bytes_size", "bytes.size_bytes", "bytes.size" },
    { "", "speed", "m/s", GAUGE, "speed_meters_per_second", "speed", "speed_meters_per_second", "speed" },
    { "", "speed_meters_per_second", "m/s", GAUGE, "speed_meters_per_second_per_second", "speed_meters_per_second",
      "speed_meters_per_second", "speed_meters_per_second" },
    { "", "flow", "/h", GAUGE, "flow_per_hour", "flow", "flow_per_hour", "flow" },
    { "", "runs", "{run}/{day}", GAUGE, "runs", "runs", "runs", "runs" },
    { "", "odd", "a__b$/$", GAUGE, "odd_a_b_", "odd", "odd_a__b$_per_$", "odd" },
    { "", "odd", "%/w", GAUGE, "odd_percent_per_week", "odd", "odd_percent_per_week", "odd" },
    { "", "2xx", "", GAUGE, "_2xx", "_2xx", "2xx", "2xx" },
    { "shop", "2xx", "", GAUGE, "shop_2xx", "shop_2xx", "shop_2xx", "shop_2xx" },
    { "my.shop", "a", "", GAUGE, "my.shop_a", "my_shop_a", "my.shop_a", "my.shop_a" },
    { "", "a__b", "", GAUGE, "a_b", "a__b", "a__b", "a__b" },
    { "", "ünïcode", "", GAUGE, "n_code", "n_code", "ünïcode", "ünïcode" },
    { "", "a:b", "", GAUGE, "a:b", "a:b", "a:b", "a:b" },
    { "", "", "", GAUGE, NULL, NULL, NULL, NULL },
    { "", "...", "", GAUGE, NULL, NULL, "...", "..." },
    { "", "___", "", GAUGE, NULL, "___", "___", "___" },
};

static void check_metric(const struct row *row, bool adds_suffixes, bool allows_utf8, const char *expected)
{
    struct weft_buffer out = { 0 };
    struct weft_prometheus_naming naming = { weft_slice_of_text(row->name_space), adds_suffixes, allows_utf8 };
    weft_buffer_append_text(&out, "x");
    bool is_made = weft_prometheus_put_metric_name(&naming, row->kind, weft_slice_of_text(row->name),
                                                   weft_slice_of_text(row->unit), &out);
    ck_assert_msg(is_made == (expected != NULL), "%s %s", row->name, row->unit);
    ck_assert_msg(weft_slice_equal_text(weft_slice_of(out.bytes + 1, out.length - 1), expected == NULL ? "" : expected),
                  "%s %s: %.*s, not %s", row->name, row->unit, (int)out.length - 1, (char *)out.bytes + 1, expected);
    weft_buffer_fini(&out);
}

START_TEST(test_metrics_have_the_collectors_names)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(metrics); i++) {
        check_metric(&metrics[i], true, false, metrics[i].full);
        check_metric(&metrics[i], false, false, metrics[i].bare);
        check_metric(&metrics[i], true, true, metrics[i].utf8);
        check_metric(&metrics[i], false, true, metrics[i].utf8_bare);
    }
}
END_TEST

static void check_label(const char *prefix, const char *key, bool allows_utf8, const char *expected)
{
    struct weft_buffer out = { 0 };
    struct weft_prometheus_naming naming = { .allows_utf8 = allows_utf8 };
    bool is_made = weft_prometheus_put_label_name(&naming, prefix, weft_slice_of_text(key), &out);
    ck_assert_msg(is_made == (expected != NULL), "%s", key);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&out), expected == NULL ? "" : expected), "%s: %.*s", key,
                  WEFT_SLICE_PRINT(weft_buffer_slice(&out)));
    weft_buffer_fini(&out);
}

START_TEST(test_labels_have_the_collectors_names)
{
    check_label("", "http.method", false, "http_method");
    check_label("", "a..b", false, "a__b");
    check_label("", "2xx", false, "key_2xx");
    check_label("", "_own", false, "_own");
    check_label("", "clé", false, "cl_");
    check_label("", "...", false, NULL);
    check_label("", "__name", false, NULL);
    check_label("", "", false, NULL);
    check_label("otel_scope_", "a.b", false, "otel_scope_a_b");
    check_label("otel_scope_", "2", false, "otel_scope_2");
    check_label("", "http.method", true, "http.method");
    check_label("", "clé", true, "clé");
    check_label("", "_", true, NULL);
    check_label("", "__name", true, NULL);
}
END_TEST

static void check_escape(const char *name, enum weft_prometheus_escaping escaping, const char *expected)
{
    struct weft_buffer out = { 0 };
    weft_prometheus_put_escaped_name(weft_slice_of_text(name), escaping, &out);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&out), expected), "%.*s, not %s",
                  WEFT_SLICE_PRINT(weft_buffer_slice(&out)), expected);
    weft_buffer_fini(&out);
}

START_TEST(test_names_are_escaped_as_the_scraper_asks)
{
    check_escape("a.b_cé", WEFT_PROMETHEUS_UNDERSCORES, "a_b_c_");
    check_escape("a.b_cé", WEFT_PROMETHEUS_DOTS, "a_dot_b__c__");
    check_escape("a.b_cé", WEFT_PROMETHEUS_VALUES, "U__a_2e_b__c_e9_");
    check_escape("a.b_cé", WEFT_PROMETHEUS_ALLOW_UTF8, "a.b_cé");
    check_escape("1a", WEFT_PROMETHEUS_UNDERSCORES, "_a");
    ck_assert(weft_prometheus_is_plain_name(WEFT_SLICE_LITERAL("_a:b1")));
    ck_assert(!weft_prometheus_is_plain_name(WEFT_SLICE_LITERAL("1a")));
    ck_assert(!weft_prometheus_is_plain_name(WEFT_SLICE_LITERAL("a.b")));
    ck_assert(!weft_prometheus_is_plain_name(WEFT_SLICE_EMPTY));
}
END_TEST

static void check_number(double value, const char *text, const char *real)
{
    struct weft_buffer out = { 0 };
    weft_prometheus_put_number(value, &out);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&out), text), "%.*s, not %s",
                  WEFT_SLICE_PRINT(weft_buffer_slice(&out)), text);
    weft_buffer_clear(&out);
    weft_prometheus_put_real(value, &out);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&out), real), "%.*s, not %s",
                  WEFT_SLICE_PRINT(weft_buffer_slice(&out)), real);
    weft_buffer_fini(&out);
}

START_TEST(test_numbers_are_written_as_go_does)
{
    check_number(0, "0", "0.0");
    check_number(-0.0, "0", "0.0");
    check_number(1, "1", "1.0");
    check_number(-1, "-1", "-1.0");
    check_number(100000, "100000", "100000.0");
    check_number(1e6, "1e+06", "1e+06");
    check_number(1234567.5, "1.2345675e+06", "1.2345675e+06");
    check_number(12345.678, "12345.678", "12345.678");
    check_number(0.0001, "0.0001", "0.0001");
    check_number(0.00001, "1e-05", "1e-05");
    check_number(0.1 + 0.2, "0.30000000000000004", "0.30000000000000004");
    check_number(1e21, "1e+21", "1e+21");
    check_number(9007199254740993.0, "9.007199254740992e+15", "9.007199254740992e+15");
    check_number(5e-324, "5e-324", "5e-324");
    check_number(1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308");
    check_number((double)INFINITY, "+Inf", "+Inf");
    check_number(-(double)INFINITY, "-Inf", "-Inf");
    check_number((double)NAN, "NaN", "NaN");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prometheus_name");
    TCase *tests = tcase_create("prometheus_name");
    tcase_add_test(tests, test_metrics_have_the_collectors_names);
    tcase_add_test(tests, test_labels_have_the_collectors_names);
    tcase_add_test(tests, test_names_are_escaped_as_the_scraper_asks);
    tcase_add_test(tests, test_numbers_are_written_as_go_does);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
