/* The table of series: what a page shows of what came, what is dropped, what goes by itself, and what it may hold. */
#include "prometheus_test.h"

#include "exporters/prometheus_text.h"

#define SERVICE                                                            \
    "'attributes':[{'key':'service.name','value':{'stringValue':'shop'}}," \
    "{'key':'service.instance.id','value':{'stringValue':'one'}},{'key':'host','value':{'intValue':'7'}}]"

static struct weft_budget budget;
static struct weft_timers *timers;
static struct weft_prometheus_table *table;
static uint64_t fates[WEFT_PROMETHEUS_FATES];
static struct weft_buffer page, request;

static void begin(struct weft_prometheus_settings settings)
{
    memset(&budget, 0, sizeof budget);
    memset(fates, 0, sizeof fates);
    settings.expiration_ns = settings.expiration_ns == 0 ? 300 * WEFT_NS_PER_S : settings.expiration_ns;
    settings.max_series = settings.max_series == 0 ? 1000 : settings.max_series;
    settings.max_bytes = settings.max_bytes == 0 ? 16 << 20 : settings.max_bytes;
    settings.target_info_name = WEFT_SLICE_LITERAL("target_info");
    settings.naming.adds_suffixes = true;
    timers = weft_timers_new((struct weft_monotonic){ 1 });
    table = weft_prometheus_table_try_new(&settings, timers, &budget);
    ck_assert(table != NULL);
    weft_buffer_init(&page, 0);
    weft_buffer_init(&request, 0);
}

static void end(void)
{
    weft_prometheus_table_free(table);
    weft_timers_free(timers);
    weft_buffer_fini(&page);
    weft_buffer_fini(&request);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

static void pass(int64_t ns)
{
    weft_timers_run(timers, weft_monotonic_after(weft_timers_now(timers), ns));
}

static void take_of(const char *resource, const char *scope, const char *metrics)
{
    metrics_request(resource, scope, metrics, &request);
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
}

static void take(const char *metrics)
{
    take_of("", "'name':'lib'", metrics);
}

static const char *page_in(const struct weft_prometheus_format *format)
{
    struct weft_prometheus_cursor cursor;
    weft_buffer_clear(&page);
    weft_prometheus_cursor_begin(table, &cursor);
    ck_assert(weft_prometheus_page_write(table, &cursor, format, SIZE_MAX, &page));
    weft_prometheus_cursor_end(&cursor);
    weft_buffer_append_byte(&page, 0);
    return (const char *)page.bytes;
}

static const char *text_page(void)
{
    return page_in(&(struct weft_prometheus_format){ 0 });
}

static void expect(const char *text)
{
    ck_assert_msg(strstr(text_page(), text) != NULL, "%s is not in\n%s", text, text_page());
}

static void expect_not(const char *text)
{
    ck_assert_msg(strstr(text_page(), text) == NULL, "%s is in\n%s", text, text_page());
}

static void expect_fates(uint64_t taken, uint64_t superseded, uint64_t invalid, uint64_t full)
{
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_TAKEN], taken);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_SUPERSEDED], superseded);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_INVALID], invalid);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_FULL], full);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_NO_MEMORY], 0);
}

static void sum(int temporality, const char *start, const char *time, const char *value)
{
    char metrics[400];
    snprintf(metrics, sizeof metrics,
             "{'name':'hits','sum':{'isMonotonic':true,'aggregationTemporality':%d,'dataPoints':[{%s"
             "'startTimeUnixNano':'%s','timeUnixNano':'%s'}]}}",
             temporality, value, start, time);
    take(metrics);
}

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

START_TEST(test_series_expire_without_a_scrape)
{
    begin((struct weft_prometheus_settings){ .expiration_ns = 10 * WEFT_NS_PER_S });
    take_of(SERVICE, "", "{'name':'kept','gauge':{'dataPoints':[{}]}},{'name':'old','gauge':{'dataPoints':[{}]}}");
    pass(6 * WEFT_NS_PER_S);
    take_of(SERVICE, "", "{'name':'kept','gauge':{'dataPoints':[{}]}}");
    pass(4 * WEFT_NS_PER_S + 2);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 1);
    expect("kept");
    pass(10 * WEFT_NS_PER_S);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 0);
    ck_assert_uint_eq(weft_prometheus_table_expired(table), 2);
    ck_assert_str_eq(text_page(), "");
    end();
}
END_TEST

static void take_numbered(unsigned number)
{
    char metrics[200];
    snprintf(metrics, sizeof metrics,
             "{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'n','value':{'intValue':'%u'}}]}]}}", number);
    take(metrics);
}

START_TEST(test_a_tick_expires_a_bounded_number)
{
    begin((struct weft_prometheus_settings){ .expiration_ns = WEFT_NS_PER_S });
    for (unsigned i = 0; i < 600; i++) {
        take_numbered(i);
    }
    pass(2 * WEFT_NS_PER_S);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 600 - 256);
    ck_assert_str_eq(text_page(), ""); /* those that wait for their turn are not shown */
    pass(1);
    pass(1);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 0);
    end();
}
END_TEST

START_TEST(test_series_beyond_the_limit_are_not_taken)
{
    begin((struct weft_prometheus_settings){ .max_series = 3 });
    for (unsigned i = 0; i < 5; i++) {
        take_numbered(i);
    }
    take_numbered(1);
    expect_fates(4, 0, 0, 2);
    ck_assert_uint_eq(weft_prometheus_table_count(table), 3);
    end();
}
END_TEST

START_TEST(test_memory_beyond_the_limit_is_not_taken)
{
    static char metrics[40000];
    begin((struct weft_prometheus_settings){ .max_bytes = 400000 });
    size_t before = weft_prometheus_table_size_bytes(table);
    ck_assert_uint_lt(before, 400000);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(
            metrics, sizeof metrics,
            "{'name':'g','gauge':{'dataPoints':[{'attributes':[{'key':'n','value':{'stringValue':'%u%030000d'}}]}]}}",
            i, 0);
        take(metrics);
    }
    ck_assert_uint_gt(fates[WEFT_PROMETHEUS_TAKEN], 3);
    ck_assert_uint_gt(fates[WEFT_PROMETHEUS_FULL], 20);
    ck_assert_uint_le(weft_prometheus_table_size_bytes(table), 400000);
    ck_assert_uint_ge(weft_budget_reserved(&budget), fates[WEFT_PROMETHEUS_TAKEN] * 30000);
    end();
}
END_TEST

START_TEST(test_labels_beyond_the_limit_are_not_taken)
{
    struct weft_buffer metrics = { 0 };
    begin((struct weft_prometheus_settings){ 0 });
    for (unsigned limit = 256; limit <= 257; limit++) {
        weft_buffer_clear(&metrics);
        weft_buffer_append_text(&metrics, "{'name':'g','gauge':{'dataPoints':[{'attributes':[");
        for (unsigned i = 0; i < limit; i++) {
            weft_buffer_append_format(&metrics, "%s{'key':'k%u'}", i == 0 ? "" : ",", i);
        }
        weft_buffer_append_text(&metrics, "]}]}}");
        weft_buffer_append_byte(&metrics, 0);
        take((const char *)metrics.bytes);
    }
    expect_fates(1, 0, 1, 0);
    weft_buffer_fini(&metrics);
    end();
}
END_TEST

static void put_numbers(struct weft_buffer *out, const char *before, const char *after, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        weft_buffer_append_format(out, "%s%s%u%s", i == 0 ? "" : ",", before, i, after);
    }
}

START_TEST(test_quantiles_and_exemplars_are_bounded)
{
    struct weft_buffer metrics = { 0 };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .keeps_exemplars = true });
    for (unsigned count = 1024; count <= 1025; count++) {
        weft_buffer_clear(&metrics);
        weft_buffer_append_text(&metrics, "{'name':'s','summary':{'dataPoints':[{'quantileValues':[");
        put_numbers(&metrics, "{'quantile':", "}", count);
        weft_buffer_append_text(&metrics, "]}]}}");
        weft_buffer_append_byte(&metrics, 0);
        take((const char *)metrics.bytes);
    }
    for (unsigned count = 1024; count <= 1025; count++) {
        weft_buffer_clear(&metrics);
        weft_buffer_append_text(
            &metrics, "{'name':'b','histogram':{'aggregationTemporality':2,'dataPoints':[{'explicitBounds':[");
        put_numbers(&metrics, "", "", count);
        weft_buffer_append_text(&metrics, "]}]}}");
        weft_buffer_append_byte(&metrics, 0);
        take((const char *)metrics.bytes);
    }
    expect_fates(2, 0, 2, 0);
    weft_buffer_clear(&metrics);
    weft_buffer_append_text(&metrics,
                            "{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{'explicitBounds':[");
    put_numbers(&metrics, "", "", 300);
    weft_buffer_append_text(&metrics, "],'exemplars':[");
    put_numbers(&metrics, "{'spanId':'0000000000000001','asInt':'", "'}", 300);
    weft_buffer_append_text(&metrics, "]}]}}");
    weft_buffer_append_byte(&metrics, 0);
    take((const char *)metrics.bytes);
    struct weft_prometheus_format format = { .is_open_metrics = true };
    size_t exemplars = 0;
    for (const char *at = page_in(&format); (at = strstr(at, " # {")) != NULL; at++) {
        exemplars++;
    }
    ck_assert_uint_eq(exemplars, 256);
    weft_buffer_fini(&metrics);
    end();
}
END_TEST

/* Series and whole families go while a page is under way, wherever it stands. */
static void take_histogram(unsigned bounds, unsigned label_bytes)
{
    struct weft_buffer metrics = { 0 };
    weft_buffer_append_text(&metrics, "{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{"
                                      "'attributes':[{'key':'a','value':{'stringValue':'");
    for (unsigned i = 0; i < label_bytes; i++) {
        weft_buffer_append_byte(&metrics, 'b');
    }
    weft_buffer_append_text(&metrics, "'}}],'explicitBounds':[");
    put_numbers(&metrics, "", "", bounds);
    weft_buffer_append_text(&metrics, "]}]}}");
    weft_buffer_append_byte(&metrics, 0);
    take((const char *)metrics.bytes);
    weft_buffer_fini(&metrics);
}

/* Each line has all labels: a series that memory is no matter to may be more than a page has room for. */
START_TEST(test_what_a_page_has_no_room_for_is_not_taken)
{
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .max_page_bytes = 20000 });
    take("{'name':'g','gauge':{'dataPoints':[{'asInt':'1'}]}}");
    take_histogram(30, 1000);
    expect_fates(1, 0, 0, 1);
    take_histogram(10, 1000);
    expect_fates(2, 0, 0, 1);
    take_histogram(10, 1001); /* it would have, without the other */
    expect_fates(2, 0, 0, 2);
    expect("g 1\n");
    expect("h_bucket{");
    ck_assert_uint_lt(strlen(text_page()), 20000);
    take_histogram(30, 1000); /* a series that has become too large is shown no more */
    expect_fates(2, 0, 0, 3);
    expect_not("h_bucket{");
    take_histogram(10, 1001);
    expect_fates(3, 0, 0, 3);
    end();
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .max_page_bytes = SIZE_MAX });
    take_histogram(1000, 5000); /* more than is written in one go */
    expect_fates(0, 0, 0, 1);
    end();
}
END_TEST

/* Both as they were and, for a scraper that cannot read that, as it can. */
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

START_TEST(test_a_page_outlives_what_it_stands_at)
{
    for (unsigned removed = 0; removed < 6; removed++) {
        struct weft_prometheus_cursor cursor;
        struct weft_prometheus_format format = { 0 };
        begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
        for (unsigned i = 0; i < 3; i++) {
            take_numbered(i);
        }
        take("{'name':'h','gauge':{'dataPoints':[{}]}},{'name':'i','gauge':{'dataPoints':[{}]}}");
        weft_prometheus_cursor_begin(table, &cursor);
        for (unsigned step = 0; step < removed; step++) {
            weft_buffer_clear(&page);
            (void)weft_prometheus_page_write(table, &cursor, &format, 1, &page);
        }
        take("{'name':'h','gauge':{'dataPoints':[{'flags':1}]}}");
        take("{'name':'g','gauge':{'dataPoints':[{'flags':1,'attributes':[{'key':'n','value':{'intValue':'0'}}]},"
             "{'flags':1,'attributes':[{'key':'n','value':{'intValue':'1'}}]},"
             "{'flags':1,'attributes':[{'key':'n','value':{'intValue':'2'}}]}]}}");
        weft_buffer_clear(&page);
        ck_assert(weft_prometheus_page_write(table, &cursor, &format, SIZE_MAX, &page));
        weft_buffer_append_byte(&page, 0);
        ck_assert_str_eq((const char *)page.bytes, removed < 5 ? "# HELP i \n# TYPE i gauge\ni 0\n" : "");
        weft_prometheus_cursor_end(&cursor);
        end();
    }
}
END_TEST

START_TEST(test_a_page_goes_on_behind_a_series_that_is_gone)
{
    struct weft_prometheus_cursor cursor;
    struct weft_prometheus_format format = { 0 };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    for (unsigned i = 0; i < 3; i++) {
        take_numbered(i);
    }
    weft_prometheus_cursor_begin(table, &cursor);
    weft_buffer_clear(&page);
    (void)weft_prometheus_page_write(table, &cursor, &format, 1, &page);
    take("{'name':'g','gauge':{'dataPoints':[{'flags':1,'attributes':[{'key':'n','value':{'intValue':'1'}}]}]}}");
    ck_assert(weft_prometheus_page_write(table, &cursor, &format, SIZE_MAX, &page));
    weft_buffer_append_byte(&page, 0);
    ck_assert_str_eq((const char *)page.bytes, "# HELP g \n# TYPE g gauge\ng{n=\"0\"} 0\ng{n=\"2\"} 0\n");
    weft_prometheus_cursor_end(&cursor);
    end();
}
END_TEST

static const char *target_of(unsigned number)
{
    static char resource[300];
    snprintf(resource, sizeof resource,
             "'attributes':[{'key':'service.name','value':{'stringValue':'shop'}},"
             "{'key':'service.instance.id','value':{'stringValue':'%u'}},{'key':'host','value':{'intValue':'7'}}]",
             number);
    return resource;
}

static void take_target(unsigned number, const char *point)
{
    char metrics[100];
    snprintf(metrics, sizeof metrics, "{'name':'g','gauge':{'dataPoints':[{%s}]}}", point);
    take_of(target_of(number), "", metrics);
}

/* Ten thousand targets are no reason to write for as long as that takes. */
START_TEST(test_targets_are_written_in_steps_and_may_go_meanwhile)
{
    struct weft_prometheus_cursor cursor;
    struct weft_prometheus_format format = { 0 };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    for (unsigned i = 0; i < 4; i++) {
        take_target(i, "");
    }
    weft_prometheus_cursor_begin(table, &cursor);
    weft_buffer_clear(&page);
    ck_assert(!weft_prometheus_page_write(table, &cursor, &format, 1, &page));
    weft_buffer_append_byte(&page, 0);
    ck_assert_str_eq((const char *)page.bytes, "# HELP target_info Target metadata\n# TYPE target_info gauge\n"
                                               "target_info{host=\"7\",instance=\"0\",job=\"shop\"} 1\n");
    take_target(1, "'flags':1"); /* the one that is next goes */
    weft_buffer_clear(&page);
    ck_assert(!weft_prometheus_page_write(table, &cursor, &format, 1, &page));
    weft_buffer_append_byte(&page, 0);
    ck_assert_str_eq((const char *)page.bytes, "target_info{host=\"7\",instance=\"2\",job=\"shop\"} 1\n");
    take_target(3, "'flags':1"); /* and the last one */
    weft_buffer_clear(&page);
    ck_assert(weft_prometheus_page_write(table, &cursor, &format, SIZE_MAX, &page));
    weft_buffer_append_byte(&page, 0);
    ck_assert_str_eq((const char *)page.bytes, "# HELP g \n# TYPE g gauge\ng{instance=\"0\",job=\"shop\"} 0\n"
                                               "g{instance=\"2\",job=\"shop\"} 0\n");
    weft_prometheus_cursor_end(&cursor);
    end();
}
END_TEST

/* A series is taken though there is no room for its target, which comes with a later point. */
START_TEST(test_a_target_may_come_later_than_its_series)
{
    size_t nth = 0;
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    do {
        end();
        begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
        metrics_request(target_of(0), "", "{'name':'g','gauge':{'dataPoints':[{}]}}", &request);
        weft_alloc_fail_at(++nth);
        weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
    } while (weft_prometheus_table_count(table) == 0 || !weft_list_is_empty(&table->targets));
    take_target(0, "");
    take_target(0, "");
    expect("target_info{host=\"7\",instance=\"0\",job=\"shop\"} 1\n");
    take_target(0, "'flags':1");
    expect_not("target_info"); /* one series had it, once */
    end();
}
END_TEST

/* A series is taken though its target has no room for its labels; these are not made again for every point. */
START_TEST(test_a_target_without_room_is_looked_at_once_a_second)
{
    size_t nth = 0;
    const char *shown = "target_info{host=\"7\",instance=\"0\",job=\"shop\"} 1\n";
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    take_target(0, "");
    expect(shown);
    do {
        end();
        begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
        metrics_request(target_of(0), "", "{'name':'g','gauge':{'dataPoints':[{}]}}", &request);
        weft_alloc_fail_at(++nth);
        weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
    } while (weft_list_is_empty(&table->targets) || strstr(text_page(), "target_info") != NULL);
    weft_alloc_fail_at(1);
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
    ck_assert(!weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    expect_not("target_info");
    pass(WEFT_NS_PER_S);
    take_target(0, "");
    expect(shown);
    end();
}
END_TEST

/* Two hundred of them, with far fewer allocations. */
START_TEST(test_room_for_exemplars_doubles)
{
    struct weft_buffer metrics = { 0 };
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true, .keeps_exemplars = true });
    weft_buffer_append_text(&metrics,
                            "{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{'explicitBounds':[");
    put_numbers(&metrics, "", "", 300);
    weft_buffer_append_text(&metrics, "],'exemplars':[");
    put_numbers(&metrics, "{'asInt':'", "'}", 200);
    weft_buffer_append_text(&metrics, "]}]}}");
    weft_buffer_append_byte(&metrics, 0);
    metrics_request("", "", (const char *)metrics.bytes, &request);
    weft_alloc_fail_at(100); /* bounds and buffers are some of them */
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
    ck_assert(!weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    expect_fates(1, 0, 0, 0);
    weft_buffer_fini(&metrics);
    end();
}
END_TEST

static const char all_kinds[] =
    "{'name':'c','sum':{'isMonotonic':true,'aggregationTemporality':2,'dataPoints':[{'asInt':'1','exemplars':[{}],"
    "'attributes':[{'key':'a','value':{'stringValue':'b'}},{'key':'l','value':{'arrayValue':{'values':[{'intValue':'1'}"
    "]}}}]}]}},"
    "{'name':'h','histogram':{'aggregationTemporality':2,'dataPoints':[{'count':'3','bucketCounts':['1','2'],"
    "'explicitBounds':[1],'exemplars':[{'asDouble':5},{'asDouble':0.5}]}]}},"
    "{'name':'s','summary':{'dataPoints':[{'quantileValues':[{'quantile':0.5,'value':1}]}]}}";

/* Whatever fails, each point has met one fate, and what was taken is shown. */
START_TEST(test_without_memory_points_are_counted)
{
    bool is_done = false;
    for (size_t n = 1; !is_done; n++) {
        struct weft_prometheus_settings settings = { .converts_resource = true, .keeps_exemplars = true };
        begin(settings);
        metrics_request(SERVICE, "'attributes':[{'key':'x','value':{'doubleValue':1.5}}]", all_kinds, &request);
        weft_alloc_fail_at(n);
        weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        uint64_t sum_of_fates = 0;
        for (size_t i = 0; i < WEFT_PROMETHEUS_FATES; i++) {
            sum_of_fates += fates[i];
        }
        ck_assert_uint_eq(sum_of_fates, 3);
        ck_assert_uint_eq(weft_prometheus_table_count(table), fates[WEFT_PROMETHEUS_TAKEN]);
        ck_assert(!is_done || fates[WEFT_PROMETHEUS_TAKEN] == 3);
        (void)text_page();
        end();
        ck_assert_uint_lt(n, 1000);
    }
}
END_TEST

/* A point of a series that is there takes nothing from the heap. */
START_TEST(test_a_known_series_takes_no_memory)
{
    begin((struct weft_prometheus_settings){ .keeps_exemplars = true });
    take_of(SERVICE, "'name':'lib'", all_kinds);
    take_of(SERVICE, "'name':'lib'", all_kinds);
    size_t held = weft_prometheus_table_size_bytes(table);
    weft_alloc_fail_at(1);
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
    ck_assert(!weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert_uint_eq(weft_prometheus_table_size_bytes(table), held);
    expect_fates(9, 0, 0, 0);
    end();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_a_page_has_families_labels_and_targets);
    tcase_add_test(tests, test_the_newest_cumulative_value_is_shown);
    tcase_add_test(tests, test_deltas_add_up_where_they_meet);
    tcase_add_test(tests, test_what_a_page_has_no_room_for_is_not_taken);
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
    tcase_add_test(tests, test_series_expire_without_a_scrape);
    tcase_add_test(tests, test_a_tick_expires_a_bounded_number);
    tcase_add_test(tests, test_series_beyond_the_limit_are_not_taken);
    tcase_add_test(tests, test_memory_beyond_the_limit_is_not_taken);
    tcase_add_test(tests, test_labels_beyond_the_limit_are_not_taken);
    tcase_add_test(tests, test_quantiles_and_exemplars_are_bounded);
    tcase_add_test(tests, test_room_for_exemplars_doubles);
    tcase_add_test(tests, test_targets_are_written_in_steps_and_may_go_meanwhile);
    tcase_add_test(tests, test_a_target_may_come_later_than_its_series);
    tcase_add_test(tests, test_a_target_without_room_is_looked_at_once_a_second);
    tcase_add_test(tests, test_a_page_outlives_what_it_stands_at);
    tcase_add_test(tests, test_a_page_goes_on_behind_a_series_that_is_gone);
    tcase_add_test(tests, test_without_memory_points_are_counted);
    tcase_add_test(tests, test_a_known_series_takes_no_memory);
}

int main(void)
{
    return component_run("prometheus_table", add);
}
