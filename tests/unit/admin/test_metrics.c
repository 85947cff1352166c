/* The Prometheus text format. */
#include <math.h>

#include "admin/admin_test.h"
#include "admin/metrics.h"

START_TEST(test_family_and_samples_have_the_collectors_default_spelling)
{
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, &out, false, false);
    struct weft_metric_label labels[] = { { "receiver", weft_slice_of_text("otlp") },
                                          { "transport", weft_slice_of_text("grpc") } };
    weft_metrics_family(&writer, "otelcol_receiver_accepted_spans", "{spans}", "Spans\\accepted\nby us",
                        WEFT_METRIC_COUNTER);
    weft_metrics_sample(&writer, labels, 2, UINT64_MAX);
    weft_metrics_sample(&writer, labels, 1, 0);
    weft_metrics_sample(&writer, NULL, 0, 7);
    weft_metrics_family(&writer, "otelcol_process_uptime", "s", "Uptime", WEFT_METRIC_COUNTER);
    weft_metrics_sample_real(&writer, NULL, 0, 0.1);
    out_expect("# HELP otelcol_receiver_accepted_spans Spans\\\\accepted\\nby us\n"
               "# TYPE otelcol_receiver_accepted_spans counter\n"
               "otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"grpc\"} 18446744073709551615\n"
               "otelcol_receiver_accepted_spans{receiver=\"otlp\"} 0\n"
               "otelcol_receiver_accepted_spans 7\n"
               "# HELP otelcol_process_uptime Uptime\n"
               "# TYPE otelcol_process_uptime counter\n"
               "otelcol_process_uptime 0.1\n");
}
END_TEST

START_TEST(test_suffixes_are_appended_once_and_only_when_asked)
{
    static const struct {
        bool has_type, has_unit;
        enum weft_metric_type type;
        const char *name, *unit, *expected;
    } rows[] = {
        { true, false, WEFT_METRIC_COUNTER, "a_spans", "{spans}", "a_spans_total" },
        { true, true, WEFT_METRIC_COUNTER, "a_cpu", "s", "a_cpu_seconds_total" },
        { true, true, WEFT_METRIC_COUNTER, "a_cpu_seconds", "s", "a_cpu_seconds_total" },
        { true, true, WEFT_METRIC_COUNTER, "a_total", "", "a_total" },
        { false, true, WEFT_METRIC_GAUGE, "a_rss", "By", "a_rss_bytes" },
        { true, true, WEFT_METRIC_GAUGE, "a_size", "{batches}", "a_size" },
        { true, true, WEFT_METRIC_HISTOGRAM, "a_latency", "ms", "a_latency_milliseconds" },
        { false, false, WEFT_METRIC_COUNTER, "9otelcol.exporter-x", "s", "_otelcol_exporter_x" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_metrics_writer writer;
        weft_metrics_writer_init(&writer, &out, rows[i].has_type, rows[i].has_unit);
        weft_metrics_family(&writer, rows[i].name, rows[i].unit, "", rows[i].type);
        ck_assert_str_eq(writer.family, rows[i].expected);
    }
    /* A name that leaves no room is cut, not written past its end. */
    char name[400];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, &out, true, true);
    weft_metrics_family(&writer, name, "By", "", WEFT_METRIC_COUNTER);
    ck_assert_uint_eq(strlen(writer.family), WEFT_METRIC_NAME_BYTES - 1);
}
END_TEST

START_TEST(test_labels_are_escaped)
{
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, &out, false, false);
    weft_metrics_family(&writer, "m", "", "", WEFT_METRIC_GAUGE);
    weft_buffer_clear(&out);
    struct weft_metric_label labels[] = {
        { "otelcol.signal", weft_slice_of_text("a\"b\\c\nd\te") },
        { "0x", weft_slice_of_text("caf\xc3\xa9 \xff\xc3\"\xe2\x82") },
        { "empty", WEFT_SLICE_EMPTY },
    };
    weft_metrics_sample(&writer, labels, 3, 1);
    out_expect("m{otelcol_signal=\"a\\\"b\\\\c\\nd\te\",_x=\"caf\xc3\xa9 "
               "\xef\xbf\xbd\xef\xbf\xbd\\\"\xef\xbf\xbd\xef\xbf\xbd\","
               "empty=\"\"} 1\n");
}
END_TEST

START_TEST(test_reals_are_short_and_exact)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "m 0\n" },          { 1.5, "m 1.5\n" },     { 0.1 + 0.2, "m 0.30000000000000004\n" },
        { 1e300, "m 1e+300\n" }, { -0.25, "m -0.25\n" }, { 123456789012345.0, "m 123456789012345\n" },
    };
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, &out, false, false);
    weft_metrics_family(&writer, "m", "", "", WEFT_METRIC_GAUGE);
    weft_buffer_clear(&out);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        weft_metrics_sample_real(&writer, NULL, 0, rows[i].value);
        out_expect(rows[i].text);
    }
    weft_metrics_sample_real(&writer, NULL, 0, (double)NAN);
    weft_metrics_sample_real(&writer, NULL, 0, (double)INFINITY);
    weft_metrics_sample_real(&writer, NULL, 0, -(double)INFINITY);
    out_expect("m NaN\nm +Inf\nm -Inf\n");
}
END_TEST

START_TEST(test_histogram_is_cumulative)
{
    static const double bounds[] = { 0.005, 10, 2500 };
    static const uint64_t counts[] = { 1, 0, 4, 2 };
    struct weft_metric_histogram histogram = { bounds, counts, 3, 12345.5 };
    struct weft_metric_label label = { "processor", weft_slice_of_text("batch") };
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, &out, true, true);
    weft_metrics_family(&writer, "h", "", "sizes", WEFT_METRIC_HISTOGRAM);
    weft_metrics_sample_histogram(&writer, &label, 1, &histogram);
    out_expect("# HELP h sizes\n# TYPE h histogram\n"
               "h_bucket{processor=\"batch\",le=\"0.005\"} 1\n"
               "h_bucket{processor=\"batch\",le=\"10\"} 1\n"
               "h_bucket{processor=\"batch\",le=\"2500\"} 5\n"
               "h_bucket{processor=\"batch\",le=\"+Inf\"} 7\n"
               "h_sum{processor=\"batch\"} 12345.5\n"
               "h_count{processor=\"batch\"} 7\n");
    histogram = (struct weft_metric_histogram){ NULL, counts, 0, 0 };
    weft_metrics_sample_histogram(&writer, NULL, 0, &histogram);
    out_expect("h_bucket{le=\"+Inf\"} 1\nh_sum 0\nh_count 1\n");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_family_and_samples_have_the_collectors_default_spelling);
    tcase_add_test(tests, test_suffixes_are_appended_once_and_only_when_asked);
    tcase_add_test(tests, test_labels_are_escaped);
    tcase_add_test(tests, test_reals_are_short_and_exact);
    tcase_add_test(tests, test_histogram_is_cumulative);
}

int main(void)
{
    return admin_run("metrics", add_tests);
}
