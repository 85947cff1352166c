/* The table of series: what goes by itself, what the table and a page may hold, and what they do without memory. */
#include "prometheus_table_test.h"

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

/* A new table, and a request of a target for which the nth allocation fails. */
static void take_without_memory(size_t nth)
{
    end();
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    metrics_request(target_of(0), "", "{'name':'g','gauge':{'dataPoints':[{}]}}", &request);
    weft_alloc_fail_at(nth);
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
    ck_assert(weft_alloc_has_failed());
    weft_alloc_fail_at(0);
}

/* A series is taken though there is no room for its target, which comes with a later point. */
START_TEST(test_a_target_may_come_later_than_its_series)
{
    size_t nth = 0;
    begin((struct weft_prometheus_settings){ .leaves_out_scope = true });
    do {
        take_without_memory(++nth);
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
        take_without_memory(++nth);
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
    tcase_add_test(tests, test_what_a_page_has_no_room_for_is_not_taken);
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
    return component_run("prometheus_bounds", add);
}
