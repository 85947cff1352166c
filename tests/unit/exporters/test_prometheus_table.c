/* The table of series: what a page shows of what came, and what is dropped. */
#include "prometheus_table_test.h"

START_TEST(test_a_page_has_families_labels_and_targets)
{
    begin((struct weft_prometheus_settings){ 0 });
    take_of(SERVICE, "'name':'lib','version':'1','attributes':[{'key':'a.b','value':{'boolValue':true}}]",
            "{'name':'temp','unit':'Cel','description':'a \\\\ and\\na line','gauge':{'dataPoints':["
            "{'asDouble':21.5,'attributes':[{'key':'room','value':{'stringValue':'a\\n\\\\b'}}]},{'asInt':'3'}]}}");
    ck_assert_str_eq(text_page(),
                     "# HELP target_info Target metadata\n# TYPE target_info gauge\n"
                     "target_info{host=\"7\",instance=\"one\",job=\"shop\"} 1\n"
                     "# HELP temp_celsius a \\\\ and\\na line\n# TYPE temp_celsius gauge\n"
                     "temp_celsius{instance=\"one\",job=\"shop\",otel_scope_a_b=\"true\",otel_scope_name=\"lib\","
                     "otel_scope_schema_url=\"\",otel_scope_version=\"1\",room=\"a\\n\\\\b\"} 21.5\n"
                     "temp_celsius{instance=\"one\",job=\"shop\",otel_scope_a_b=\"true\",otel_scope_name=\"lib\","
                     "otel_scope_schema_url=\"\",otel_scope_version=\"1\"} 3\n");
    expect_fates(2, 0, 0, 0);
    end();
}
END_TEST

START_TEST(test_the_newest_cumulative_value_is_shown)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    sum(2, "1", "10", "'asInt':'5',");
    sum(2, "1", "30", "'asDouble':7.5,");
    sum(2, "1", "20", "'asInt':'6',");
    expect("hits_total 7.5\n");
    expect_fates(2, 1, 0, 0);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 1);
    end();
}
END_TEST

START_TEST(test_deltas_add_up_where_they_meet)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    sum(1, "0", "10", "'asInt':'5',");
    sum(1, "10", "20", "'asInt':'2',");
    expect("hits_total 7\n");
    sum(1, "25", "30", "'asInt':'1',"); /* a gap: as in the Collector a new beginning */
    expect("hits_total 1\n");
    sum(1, "20", "25", "'asInt':'9',");
    expect("hits_total 1\n");
    expect_fates(3, 1, 0, 0);
    end();
}
END_TEST

static void histogram(int temporality, int start, int time, const char *rest)
{
    char metrics[500];
    snprintf(metrics, sizeof metrics,
             "{'name':'took','histogram':{'aggregationTemporality':%d,'dataPoints':[{'startTimeUnixNano':'%d',"
             "'timeUnixNano':'%d',%s}]}}",
             temporality, start, time, rest);
    take(metrics);
}

START_TEST(test_histograms_are_cumulative_over_buckets_and_time)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    histogram(1, 0, 10, "'count':'6','sum':3.5,'bucketCounts':['1','2','3'],'explicitBounds':[0.5,2]");
    histogram(1, 10, 20, "'count':'1','sum':1,'bucketCounts':['0','1','0'],'explicitBounds':[0.5,2]");
    expect(
        "took_bucket{le=\"0.5\"} 1\ntook_bucket{le=\"2\"} 4\ntook_bucket{le=\"+Inf\"} 7\ntook_sum 4.5\ntook_count 7\n");
    histogram(1, 20, 30, "'count':'2','sum':9,'bucketCounts':['1','1'],'explicitBounds':[3]"); /* other bounds */
    expect("took_bucket{le=\"3\"} 1\ntook_bucket{le=\"+Inf\"} 2\ntook_sum 9\ntook_count 2\n");
    expect_not("le=\"0.5\"");
    histogram(1, 5, 40, "'count':'2','sum':9,'bucketCounts':['1','1'],'explicitBounds':[3]");       /* overlaps */
    histogram(2, 5, 50, "'count':'2','sum':9,'bucketCounts':['1','1','0'],'explicitBounds':[3,3]"); /* no order */
    expect_fates(3, 1, 1, 0);
    end();
}
END_TEST

static void exponential(int temporality, int start, int time, const char *rest)
{
    char metrics[500];
    snprintf(metrics, sizeof metrics,
             "{'name':'took','exponentialHistogram':{'aggregationTemporality':%d,'dataPoints':["
             "{'startTimeUnixNano':'%d','timeUnixNano':'%d',%s}]}}",
             temporality, start, time, rest);
    take(metrics);
}

START_TEST(test_exponential_histograms_have_their_totals)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    exponential(1, 0, 10, "'count':'6','sum':3.5,'scale':2,'zeroCount':'1','positive':{'bucketCounts':['2','3']}");
    exponential(1, 10, 20, "'count':'2','sum':1,'scale':0,'negative':{'bucketCounts':['2']}");
    expect("# TYPE took histogram\ntook_bucket{le=\"+Inf\"} 8\ntook_sum 4.5\ntook_count 8\n");
    exponential(2, 0, 30, "'count':'2','scale':-5,'zeroCount':'2'");
    exponential(2, 0, 30, "'count':'2','scale':1,'zeroCount':'1'");
    expect_fates(2, 0, 2, 0);
    end();
}
END_TEST

START_TEST(test_summaries_have_their_quantiles_in_order)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    take("{'name':'s','summary':{'dataPoints':[{'count':'3','sum':6,'quantileValues':[{'quantile':0.9,'value':3},"
         "{'quantile':0.5,'value':1},{'quantile':0.9,'value':4}]}]}}");
    expect("s{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 4\ns_sum 6\ns_count 3\n");
    end();
}
END_TEST

START_TEST(test_what_prometheus_has_no_form_for_is_counted)
{
    begin((struct weft_prometheus_settings){ 0 });
    sum(0, "0", "10", "'asInt':'1',");
    take("{'name':'n','sum':{'aggregationTemporality':1,'dataPoints':[{'asInt':'1'}]}}");
    take("{'name':'...','gauge':{'dataPoints':[{'asInt':'1'}]}}");
    take("{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'...'}]}]}}");
    take("{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'a.b'},{'key':'a_b'}]}]}}");
    take("{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'a'},{'key':'a'}]}]}}");
    take("{'name':'s','summary':{'dataPoints':[{'attributes':[{'key':'quantile'}]}]}}");
    take("{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{'attributes':[{'key':'le'}]}]}}");
    take("{'name':'e','exponentialHistogram':{'aggregationTemporality':2,'dataPoints':[{'attributes':[{'key':'le'}]}]}"
         "}");
    expect_fates(0, 0, 9, 0);
    ck_assert_str_eq(text_page(), "");
    end();
}
END_TEST

START_TEST(test_a_name_is_of_one_type_and_its_lines_are_its_own)
{
    begin((struct weft_prometheus_settings){ 0 });
    take("{'name':'took','histogram':{'aggregationTemporality':2,'dataPoints':[{}]}}");
    take("{'name':'took','gauge':{'dataPoints':[{}]}}");
    take("{'name':'took_count','gauge':{'dataPoints':[{}]}}");
    take("{'name':'s_sum','gauge':{'dataPoints':[{}]}}");
    take("{'name':'s','summary':{'dataPoints':[{}]}}");
    take("{'name':'s_bucket','gauge':{'dataPoints':[{}]}}");
    expect_fates(3, 0, 3, 0);
    end();
}
END_TEST

START_TEST(test_series_that_would_look_the_same_are_not_shown_twice)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    take_of("", "'name':'one'", "{'name':'g','gauge':{'dataPoints':[{'asInt':'1'}]}}");
    take_of("", "'name':'two'", "{'name':'g','gauge':{'dataPoints':[{'asInt':'2'}]}}");
    expect("g 1\n");
    expect_not("g 2\n");
    expect_fates(1, 0, 1, 0);
    end();
}
END_TEST

START_TEST(test_a_point_without_a_value_ends_its_series)
{
    begin((struct weft_prometheus_settings){ 0 });
    take_of(SERVICE, "", "{'name':'g','gauge':{'dataPoints':[{'asInt':'1'}]}}");
    take_of(SERVICE, "", "{'name':'g','gauge':{'dataPoints':[{'flags':1}]}}");
    ck_assert_str_eq(text_page(), "");
    expect_fates(2, 0, 0, 0);
    end();
}
END_TEST

START_TEST(test_resource_attributes_become_labels)
{
    begin((struct weft_prometheus_settings){
        .leaves_out_scope = true, .converts_resource = true, .excludes_service = true });
    take_of(SERVICE, "",
            "{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'host','value':{'intValue':'1'}}]}]}}");
    expect("\ng{host=\"7\",instance=\"one\",job=\"shop\"} 0\n");
    end();
}
END_TEST

START_TEST(test_constant_labels_stand_among_the_others)
{
    struct weft_prometheus_label zone = { WEFT_SLICE_LITERAL("m"), WEFT_SLICE_LITERAL("x\"y") };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .const_labels = &zone, .const_label_count = 1 });
    take("{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'z'},{'key':'a'}]}]}}");
    expect("g{a=\"\",m=\"x\\\"y\",z=\"\"} 0\n");
    take("{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'m'}]}]}}");
    expect_fates(1, 0, 1, 0);
    end();
}
END_TEST

START_TEST(test_open_metrics_has_exemplars_and_other_numbers)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .keeps_exemplars = true });
    sum(2, "0", "1500000000",
        "'asInt':'2','exemplars':[{'asInt':'1'},{'timeUnixNano':'2500000000','asDouble':0.5,"
        "'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':'0102030405060708'}],");
    histogram(2, 0, 0,
              "'count':'3','bucketCounts':['1','2'],'explicitBounds':[1],'exemplars':[{'asDouble':5},{'asDouble':0.5},"
              "{'asDouble':6,'spanId':'0000000000000001'}]");
    struct weft_prometheus_format format = { .is_open_metrics = true, .sends_timestamps = true };
    ck_assert_str_eq(
        page_in(&format),
        "# HELP hits \n# TYPE hits counter\n"
        "hits_total 2.0 1.5 # {trace_id=\"0102030405060708090a0b0c0d0e0f10\",span_id=\"0102030405060708\"} "
        "0.5 2.5\n"
        "# HELP took \n# TYPE took histogram\ntook_bucket{le=\"1.0\"} 1 0.0\n"
        "took_bucket{le=\"+Inf\"} 3 0.0 # {span_id=\"0000000000000001\"} 6.0 0.0\ntook_sum 0.0 0.0\ntook_count 3 "
        "0.0\n");
    end();
}
END_TEST

START_TEST(test_label_names_are_what_prometheus_can_read)
{
    static const struct {
        enum weft_prometheus_escaping escaping;
        const char *line;
    } rows[] = {
        { WEFT_PROMETHEUS_ALLOW_UTF8, "g{\"p.q\"=\"1\",p_q=\"2\",\"x:y\"=\"3\"} 1\n" },
        { WEFT_PROMETHEUS_UNDERSCORES, "g{p_q=\"1;2\",x_y=\"3\"} 1\n" },
        { WEFT_PROMETHEUS_VALUES, "g{U__p_2e_q=\"1\",p_q=\"2\",x_y=\"3\"} 1\n" },
    };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .naming.allows_utf8 = true });
    take("{'name':'g','gauge':{'dataPoints':[{'asInt':'1','attributes':[{'key':'x:y','value':{'stringValue':'3'}},"
         "{'key':'p_q','value':{'stringValue':'2'}},{'key':'p.q','value':{'stringValue':'1'}}]}]}}");
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        const char *text = page_in(&(struct weft_prometheus_format){ .escaping = rows[i].escaping });
        ck_assert_msg(strstr(text, rows[i].line) != NULL, "%s is not in\n%s", rows[i].line, text);
    }
    /* The lines of a series have them all. */
    take("{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{'count':'2','explicitBounds':[1],"
         "'attributes':[{'key':'p_q','value':{'stringValue':'2'}},{'key':'p.q','value':{'stringValue':'1'}}]}]}}");
    expect("h_bucket{p_q=\"1;2\",le=\"1\"} 0\nh_bucket{p_q=\"1;2\",le=\"+Inf\"} 2\nh_sum{p_q=\"1;2\"} 0\n"
           "h_count{p_q=\"1;2\"} 2\n");
    end();
}
END_TEST

/* In whatever order they come: labels make the same series, quantiles are shown in theirs. */
START_TEST(test_labels_and_quantiles_are_put_in_order)
{
    enum { LABELS = 251, QUANTILES = 1000 };
    static const unsigned factors[] = { 1, 83, 247 }; /* in order; others */
    struct weft_buffer metrics = { 0 };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    for (size_t round = 0; round < WEFT_COUNT_OF(factors); round++) {
        unsigned factor = factors[round];
        weft_buffer_clear(&metrics);
        weft_buffer_append_text(&metrics, "{'name':'g','gauge':{'dataPoints':[{'asInt':'1','attributes':[");
        for (unsigned i = 0; i < LABELS; i++) {
            weft_buffer_append_format(&metrics, "%s{'key':'k%03u'}", i == 0 ? "" : ",", i * factor % LABELS);
        }
        weft_buffer_append_text(&metrics, "]}]}},{'name':'s','summary':{'dataPoints':[{'quantileValues':[");
        for (unsigned i = 0; i < QUANTILES; i++) {
            weft_buffer_append_format(&metrics, "%s{'quantile':%u,'value':%u}", i == 0 ? "" : ",",
                                      i * factor % QUANTILES, i);
        }
        weft_buffer_append_text(&metrics, "]}]}}");
        weft_buffer_append_byte(&metrics, 0);
        take((const char *)metrics.bytes);
        unsigned next = 0;
        for (const char *at = text_page(); (at = strstr(at, "quantile=\"")) != NULL; next++) {
            at += strlen("quantile=\"");
            ck_assert_uint_eq((unsigned)strtoul(at, NULL, 10), next);
        }
        ck_assert_uint_eq(next, QUANTILES);
        ck_assert_uint_eq(weft_prometheus_table_count(table), 2);
    }
    weft_buffer_fini(&metrics);
    end();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_a_page_has_families_labels_and_targets);
    tcase_add_test(tests, test_the_newest_cumulative_value_is_shown);
    tcase_add_test(tests, test_deltas_add_up_where_they_meet);
    tcase_add_test(tests, test_label_names_are_what_prometheus_can_read);
    tcase_add_test(tests, test_labels_and_quantiles_are_put_in_order);
    tcase_add_test(tests, test_histograms_are_cumulative_over_buckets_and_time);
    tcase_add_test(tests, test_exponential_histograms_have_their_totals);
    tcase_add_test(tests, test_summaries_have_their_quantiles_in_order);
    tcase_add_test(tests, test_what_prometheus_has_no_form_for_is_counted);
    tcase_add_test(tests, test_a_name_is_of_one_type_and_its_lines_are_its_own);
    tcase_add_test(tests, test_series_that_would_look_the_same_are_not_shown_twice);
    tcase_add_test(tests, test_a_point_without_a_value_ends_its_series);
    tcase_add_test(tests, test_resource_attributes_become_labels);
    tcase_add_test(tests, test_constant_labels_stand_among_the_others);
    tcase_add_test(tests, test_open_metrics_has_exemplars_and_other_numbers);
}

int main(void)
{
    return component_run("prometheus_table", add);
}
