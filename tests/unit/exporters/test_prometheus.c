/* Exporter prometheus: what it refuses as a config, and what the books say of what it takes and drops. */
#include "prometheus_test.h"

extern const struct weft_component weft_exporter_prometheus;

static struct weft_buffer request;

static double sample(const char *name, const char *reason)
{
    struct weft_samples samples;
    double value = -1;
    weft_samples_init(&samples);
    weft_exporter_prometheus.collect(fixture.consumer, &samples);
    for (size_t i = 0; i < samples.count; i++) {
        const struct weft_sample *item = &samples.items[i];
        if (strcmp(item->name, name) == 0 && (reason == NULL || strcmp(item->labels[1].value, reason) == 0)) {
            value = item->value;
        }
    }
    weft_samples_fini(&samples);
    return value;
}

START_TEST(test_configs_that_are_refused)
{
    const struct weft_component *prometheus = &weft_exporter_prometheus;
    component_expect_refused(prometheus, "{}", WEFT_INVALID, "endpoint");
    component_expect_refused(prometheus, "endpoint: ''", WEFT_INVALID, "expecting a non-blank address");
    component_expect_refused(prometheus, "endpoint: '127.0.0.1:x'", WEFT_INVALID, "127.0.0.1:x");
    component_expect_refused(prometheus, "{endpoint: 'a:1', translation_strategy: Other}", WEFT_INVALID,
                             "invalid translation_strategy: Other");
    component_expect_refused(prometheus, "{endpoint: 'a:1', tls: {}}", WEFT_INVALID, "cert");
    component_expect_refused(prometheus, "{endpoint: 'a:1', response_headers: {'a b': c}}", WEFT_INVALID, "a b");
    component_expect_refused(prometheus, "{endpoint: 'a:1', const_labels: {__a: b}}", WEFT_INVALID, "__a");
    component_expect_refused(prometheus, "{endpoint: 'a:1', max_series: 0}", WEFT_INVALID, "max_series");
    component_expect_refused(prometheus, "{endpoint: 'a:1', resource_to_telemetry_conversion: {on: true}}",
                             WEFT_INVALID, "on");
}
END_TEST

START_TEST(test_points_are_sent_when_they_are_in_the_table)
{
    component_begin(&weft_exporter_prometheus, "{endpoint: '127.0.0.1:0', max_series: 2}", WEFT_METRICS);
    metrics_request("", "",
                    "{'name':'a','gauge':{'dataPoints':[{'timeUnixNano':'5'},{'timeUnixNano':'4'}]}},"
                    "{'name':'b','gauge':{'dataPoints':[{}]}},{'name':'c','gauge':{'dataPoints':[{}]}},"
                    "{'name':'...','gauge':{'dataPoints':[{}]}}",
                    &request);
    ck_assert(offer(WEFT_METRICS, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 2);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 3);
    ck_assert(sample("weft_exporter_prometheus_series", NULL) == 2);
    ck_assert(sample("weft_exporter_prometheus_dropped", "superseded") == 1);
    ck_assert(sample("weft_exporter_prometheus_dropped", "series_limit") == 1);
    ck_assert(sample("weft_exporter_prometheus_dropped", "invalid") == 1);
    ck_assert(sample("otelcol_exporter_sent_metric_points", NULL) == 2);
    fixture_end();
    weft_buffer_fini(&request);
}
END_TEST

/* A batch of several requests, whole and cut. */
START_TEST(test_merged_and_cut_batches_are_read)
{
    component_begin(&weft_exporter_prometheus, "{endpoint: '127.0.0.1:0'}", WEFT_METRICS);
    metrics_request("", "", "{'name':'a','gauge':{'dataPoints':[{}]}},{'name':'b','gauge':{'dataPoints':[{}]}}",
                    &request);
    struct weft_batch *batch = batch_of(WEFT_METRICS, weft_buffer_slice(&request), NULL);
    struct weft_batch *other = batch_of(WEFT_METRICS, weft_buffer_slice(&request), NULL);
    struct weft_batch *head = NULL;
    ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
    ck_assert(weft_batch_split(batch, 1, 0, &head) == WEFT_OK);
    ck_assert(weft_consumer_consume(fixture.outlet, &head, NULL) == WEFT_OK);
    ck_assert(sample("weft_exporter_prometheus_series", NULL) == 1);
    ck_assert(weft_consumer_consume(fixture.outlet, &batch, NULL) == WEFT_OK);
    ck_assert(sample("weft_exporter_prometheus_series", NULL) == 2);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 4);
    fixture_end();
    weft_buffer_fini(&request);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_configs_that_are_refused);
    tcase_add_test(tests, test_points_are_sent_when_they_are_in_the_table);
    tcase_add_test(tests, test_merged_and_cut_batches_are_read);
}

int main(void)
{
    return component_run("prometheus", add);
}
