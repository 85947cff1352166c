#pragma once

#include "exporters/prometheus_text.h"
#include "prometheus_test.h"

/* A table of series, what is put into it as OTLP/JSON, and the page that it shows. */

#define SERVICE                                                            \
    "'attributes':[{'key':'service.name','value':{'stringValue':'shop'}}," \
    "{'key':'service.instance.id','value':{'stringValue':'one'}},{'key':'host','value':{'intValue':'7'}}]"

static struct weft_budget budget;
static struct weft_timers *timers;
static struct weft_prometheus_table *table;
static uint64_t fates[WEFT_PROMETHEUS_FATES];
static struct weft_buffer page, request;

static inline void begin(struct weft_prometheus_settings settings)
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

static inline void end(void)
{
    weft_prometheus_table_free(table);
    weft_timers_free(timers);
    weft_buffer_fini(&page);
    weft_buffer_fini(&request);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

static inline void pass(int64_t ns)
{
    weft_timers_run(timers, weft_monotonic_after(weft_timers_now(timers), ns));
}

static inline void take_of(const char *resource, const char *scope, const char *metrics)
{
    metrics_request(resource, scope, metrics, &request);
    weft_prometheus_table_take(table, weft_buffer_slice(&request), fates);
}

static inline void take(const char *metrics)
{
    take_of("", "'name':'lib'", metrics);
}

static inline const char *page_in(const struct weft_prometheus_format *format)
{
    struct weft_prometheus_cursor cursor;
    weft_buffer_clear(&page);
    weft_prometheus_cursor_begin(table, &cursor);
    ck_assert(weft_prometheus_page_write(table, &cursor, format, SIZE_MAX, &page));
    weft_prometheus_cursor_end(&cursor);
    weft_buffer_append_byte(&page, 0);
    return (const char *)page.bytes;
}

static inline const char *text_page(void)
{
    return page_in(&(struct weft_prometheus_format){ 0 });
}

static inline void expect(const char *text)
{
    ck_assert_msg(strstr(text_page(), text) != NULL, "%s is not in\n%s", text, text_page());
}

static inline void expect_not(const char *text)
{
    ck_assert_msg(strstr(text_page(), text) == NULL, "%s is in\n%s", text, text_page());
}

static inline void expect_fates(uint64_t taken, uint64_t superseded, uint64_t invalid, uint64_t full)
{
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_TAKEN], taken);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_SUPERSEDED], superseded);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_INVALID], invalid);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_FULL], full);
    ck_assert_uint_eq(fates[WEFT_PROMETHEUS_NO_MEMORY], 0);
}

static inline void sum(int temporality, const char *start, const char *time, const char *value)
{
    char metrics[400];
    snprintf(metrics, sizeof metrics,
             "{'name':'hits','sum':{'isMonotonic':true,'aggregationTemporality':%d,'dataPoints':[{%s"
             "'startTimeUnixNano':'%s','timeUnixNano':'%s'}]}}",
             temporality, value, start, time);
    take(metrics);
}
