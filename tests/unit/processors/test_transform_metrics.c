/* transform: editors of metrics. What they make, whole batches without memory, and refusals. */
#include "component_test.h"

#include "metrics_service.pb-c.h"
#include "suite.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

extern const struct weft_component weft_processor_transform;

/* Metrics are written with ' instead of ". */
static const struct row {
    const char *context;
    const char *statements; /* one a line */
    const char *metrics;
    const char *outcome;
} rows[] = {
#define ROW(context, statements, metrics, outcome) { context, statements, metrics, outcome },
#include "transform_metric_rows.def"
#undef ROW
};

static void append_quoted(struct weft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        weft_buffer_append_byte(out, *text == '\'' ? '"' : (uint8_t)*text);
    }
}

static void append_request(struct weft_buffer *out, const char *metrics)
{
    append_quoted(out,
                  "{'resourceMetrics':[{'resource':{'attributes':[{'key':'service.name','value':{'stringValue':'shop"
                  "'}}]},'scopeMetrics':[{'scope':{'name':'lib'},'metrics':[");
    append_quoted(out, metrics);
    append_quoted(out, "]},{'scope':{'name':'other'},'metrics':[{'name':'last'}]}]}]}");
}

static struct weft_payload *request_of(const char *metrics)
{
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer json = { 0 };
    append_request(&json, metrics);
    struct weft_json_schema *schema =
        weft_json_schema_new(&opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
                             WEFT_JSON_CAMEL_NAMES);
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, 0);
    enum weft_status status = weft_json_read_message(schema, weft_buffer_slice(&json), NULL, payload, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", metrics, error.text);
    weft_json_schema_free(schema);
    weft_buffer_fini(&json);
    return payload;
}

static void begin(const char *context, const char *statements)
{
    struct weft_buffer yaml = { 0 };
    weft_buffer_append_format(&yaml, "error_mode: silent\nmetric_statements:\n- context: %s\n  statements:\n", context);
    while (*statements != '\0') {
        const char *end = strchrnul(statements, '\n');
        weft_buffer_append_format(&yaml, "  - '%.*s'\n", (int)(end - statements), statements);
        statements = *end == '\0' ? end : end + 1;
    }
    weft_buffer_append_byte(&yaml, 0);
    component_begin(&weft_processor_transform, (const char *)yaml.bytes, WEFT_METRICS);
    weft_buffer_fini(&yaml);
}

static enum weft_status offer_metrics(const char *metrics)
{
    struct weft_payload *request = request_of(metrics);
    enum weft_status status = offer(WEFT_METRICS, weft_payload_slice(request), NULL);
    weft_payload_unref(&request);
    return status;
}

/* What came into the pipeline has left it: data points that statements made, and those that they put together, too. */
static void expect_balanced(void)
{
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(fixture.host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        if (balance->account.kind == WEFT_ACCOUNT_IN_FLIGHT) {
            ck_assert_uint_eq(balance->inflow, balance->outflow);
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
}

START_TEST(test_editors_make_what_the_collectors_make)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_buffer json = { 0 };
        struct weft_buffer expected = { 0 };
        begin(rows[i].context, rows[i].statements);
        ck_assert(offer_metrics(rows[i].metrics) == WEFT_OK);
        ck_assert(weft_json_write_request(WEFT_METRICS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
        append_request(&expected, rows[i].outcome);
        ck_assert_msg(weft_slice_equal(weft_buffer_slice(&json), weft_buffer_slice(&expected)), "%s\n%.*s\n%.*s",
                      rows[i].statements, WEFT_SLICE_PRINT(weft_buffer_slice(&json)),
                      WEFT_SLICE_PRINT(weft_buffer_slice(&expected)));
        expect_balanced();
        weft_buffer_fini(&json);
        weft_buffer_fini(&expected);
        fixture_end();
    }
}
END_TEST

static unsigned settled_count;

static void count_settled(struct weft_ticket *ticket)
{
    ck_assert(ticket->worst.status == WEFT_OK);
    settled_count++;
}

/* Its memory fails, at one place after the other, and then the sink refuses it. Its client is answered once, in the
 * end.
 */
START_TEST(test_a_batch_that_is_not_taken_is_as_it_was)
{
    for (size_t row = 0; row < WEFT_COUNT_OF(rows); row++) {
        bool has_failed = true;
        for (size_t n = 1; has_failed; n++) {
            struct weft_error error = WEFT_ERROR_NONE;
            struct weft_buffer left = { 0 };
            begin(rows[row].context, rows[row].statements);
            struct weft_payload *request = request_of(rows[row].metrics);
            struct weft_batch *batch = batch_of(WEFT_METRICS, weft_payload_slice(request), NULL);
            uint64_t weight = batch->weight;
            struct weft_ticket ticket;
            settled_count = weight == 0; /* nobody waits for no points */
            if (weight > 0) {
                weft_ticket_init(&ticket, weight, WEFT_ACKNOWLEDGE_DELIVERED, count_settled);
                batch->parts[0].ticket = &ticket;
            }
            sink.answer = WEFT_CLOSED; /* so that only the processor's own allocations are counted */
            weft_alloc_fail_at(n);
            enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_msg(status == (has_failed ? WEFT_NOMEM : WEFT_CLOSED), "%s, %zu: %d %s", rows[row].statements, n,
                          status, error.text);
            append_batch(batch, &left);
            ck_assert_uint_eq(batch->weight, weight);
            ck_assert_uint_eq(left.length, weft_payload_slice(request).length);
            ck_assert_mem_eq(left.bytes, weft_payload_slice(request).bytes, left.length);
            ck_assert_uint_eq(settled_count, weight == 0);
            sink.answer = WEFT_OK;
            ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_OK);
            ck_assert_uint_eq(settled_count, 1);
            expect_balanced();
            weft_buffer_fini(&left);
            weft_payload_unref(&request);
            fixture_end();
        }
    }
}
END_TEST

static uint64_t booked_for(enum weft_account_kind kind, enum weft_drop_reason reason)
{
    uint64_t sum = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(fixture.host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_account *account = &snapshot.balances[i].account;
        uint64_t moved = kind == WEFT_ACCOUNT_COPIED ? snapshot.balances[i].outflow : snapshot.balances[i].inflow;
        sum += account->kind == kind && account->reason == reason ? moved : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return sum;
}

static const char two_points[] = "{'name':'m','gauge':{'dataPoints':[{'asInt':'1'},{'asInt':'2'}]}}";

START_TEST(test_points_that_are_made_are_booked)
{
    begin("metric", "copy_metric(name=\"copy\") where metric.name == \"m\"");
    sink.answer = WEFT_CLOSED;
    ck_assert(offer_metrics(two_points) == WEFT_CLOSED);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_COPIED, WEFT_DROP_NONE), 2);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_UNCOPIED, WEFT_DROP_NONE), 2);
    sink.answer = WEFT_OK;
    ck_assert(offer_metrics(two_points) == WEFT_OK);
    ck_assert_uint_eq(sink.weight, 4);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_COPIED, WEFT_DROP_NONE), 4);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_UNCOPIED, WEFT_DROP_NONE), 2);
    fixture_end();
}
END_TEST

START_TEST(test_points_that_are_put_together_are_booked)
{
    begin("metric", "aggregate_on_attributes(\"sum\", [])\ncopy_metric(name=\"copy\") where metric.name == \"m\"");
    sink.answer = WEFT_CLOSED;
    ck_assert(offer_metrics(two_points) == WEFT_CLOSED);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_DROPPED, WEFT_DROP_AGGREGATED), 0);
    sink.answer = WEFT_OK;
    ck_assert(offer_metrics(two_points) == WEFT_OK);
    ck_assert_uint_eq(sink.weight, 2);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_DROPPED, WEFT_DROP_AGGREGATED), 1);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_COPIED, WEFT_DROP_NONE), 2);
    ck_assert_uint_eq(booked_for(WEFT_ACCOUNT_UNCOPIED, WEFT_DROP_NONE), 1);
    fixture_end();
}
END_TEST

/* A metric that is copied without a condition would be copied for ever. */
START_TEST(test_copies_of_copies_end)
{
    enum { MOST = 64 << 20 >> 8 /* each counts for 256 bytes besides its own */ };
    begin("metric", "copy_metric()");
    ck_assert(offer_metrics(two_points) == WEFT_OK);
    ck_assert_uint_gt(sink.weight, MOST / 4);
    ck_assert_uint_lt(sink.weight, 2 * MOST + 2);
    expect_balanced();
    fixture_end();
}
END_TEST

START_TEST(test_calls_that_are_wrong_are_refused)
{
    static const struct {
        const char *statement;
        const char *context;
        const char *reason;
    } calls[] = {
        { "convert_gauge_to_sum(\"Delta\", true)", "metric",
          "\"Delta\" is no aggregation temporality; use delta or cumulative" },
        { "convert_gauge_to_sum(\"delta\")", "metric", "convert_gauge_to_sum takes 2 arguments, not 1" },
        { "scale_metric(10)", "metric", "scale_metric: a number with a point is expected" },
        { "aggregate_on_attributes(\"avg\", [])", "metric",
          "\"avg\" is no aggregation function; use sum, mean, min, max, median or count" },
        { "aggregate_on_attributes(\"sum\", \"code\")", "metric", "a list is expected, in []" },
        { "convert_exponential_histogram_to_histogram(\"x\", [1.0])", "metric",
          "\"x\" is no distribution; use upper, midpoint, random or uniform" },
        { "convert_exponential_histogram_to_histogram(\"upper\", [])", "metric", "explicit bounds cannot be empty" },
        { "merge_histogram_buckets(1.0, \"x\")", "datapoint",
          "\"x\" is no method; use remove_explicit_bound or limit_buckets" },
        { "merge_histogram_buckets(1.5, \"limit_buckets\")", "datapoint", "a whole number of buckets is expected" },
        { "extract_percentile_metric(100.0)", "metric", "a percentile lies between 0 and 100, not at 100" },
        { "extract_sum_metric()", "metric", "extract_sum_metric takes 1 to 2 arguments, not 0" },
        { "convert_summary_sum_val_to_sum(\"d\", true)", "datapoint", "\"d\" is no aggregation temporality" },
        { "copy_metric(name=1)", "metric", "copy_metric: expected a string but got an int" },
        { "convert_sum_to_gauge()", "datapoint", "unknown editor convert_sum_to_gauge in context datapoint" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "metric_statements: [{context: %s, statements: ['%s']}]", calls[i].context,
                 calls[i].statement);
        component_expect_refused(&weft_processor_transform, yaml, WEFT_INVALID, calls[i].reason);
    }
}
END_TEST

/* ---- data in pieces ---- */

/* An empty Sum, which the Gauge behind it replaces; of that one two pieces with a point each, and an empty one. */
static const char pieces[] = "\x0a\x25\x12\x23\x12\x21"
                             "\x0a\x01m"
                             "\x3a\x00"
                             "\x2a\x0b\x0a\x09\x19\x01\0\0\0\0\0\0\0"
                             "\x2a\x0b\x0a\x09\x19\x02\0\0\0\0\0\0\0"
                             "\x2a\x00";

static const struct {
    const char *context;
    const char *statement;
    const char *metrics; /* that come out */
} of_pieces[] = {
    { "datapoint", "set(attributes[\"k\"], 1)",
      "{'name':'m','gauge':{'dataPoints':["
      "{'timeUnixNano':'1','attributes':[{'key':'k','value':{'intValue':'1'}}]},"
      "{'timeUnixNano':'2','attributes':[{'key':'k','value':{'intValue':'1'}}]}]}}" },
    { "metric", "convert_gauge_to_sum(\"delta\", false)",
      "{'name':'m','sum':{'dataPoints':[{'timeUnixNano':'1'},{'timeUnixNano':'2'}],"
      "'aggregationTemporality':1}}" },
    { "metric", "aggregate_on_attributes(\"sum\") where name == \"other\"", NULL },
    { "metric", "copy_metric(name=\"n\") where name == \"m\"",
      "{'name':'m','gauge':{'dataPoints':[{'timeUnixNano':'1'},{'timeUnixNano':'2'}]}},"
      "{'name':'n','gauge':{'dataPoints':[{'timeUnixNano':'1'},{'timeUnixNano':'2'}]}}" },
};

START_TEST(test_data_in_pieces_is_one_for_statements)
{
    struct weft_slice request = { (const uint8_t *)pieces, sizeof pieces - 1 };
    for (size_t i = 0; i < WEFT_COUNT_OF(of_pieces); i++) {
        struct weft_buffer json = { 0 }, expected = { 0 };
        begin(of_pieces[i].context, of_pieces[i].statement);
        ck_assert(offer(WEFT_METRICS, request, NULL) == WEFT_OK);
        expect_balanced();
        struct weft_slice last = weft_buffer_slice(&sink.last);
        if (of_pieces[i].metrics == NULL) {
            ck_assert(weft_slice_equal(last, request));
        } else {
            ck_assert(weft_json_write_request(WEFT_METRICS, last, &json, NULL) == WEFT_OK);
            append_quoted(&expected, "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[");
            append_quoted(&expected, of_pieces[i].metrics);
            append_quoted(&expected, "]}]}]}");
            ck_assert_msg(weft_slice_equal(weft_buffer_slice(&json), weft_buffer_slice(&expected)), "%s\n%.*s",
                          of_pieces[i].statement, WEFT_SLICE_PRINT(weft_buffer_slice(&json)));
        }
        weft_buffer_fini(&json);
        weft_buffer_fini(&expected);
        fixture_end();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processor transform, metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_editors_make_what_the_collectors_make);
    tcase_add_test(tcase, test_a_batch_that_is_not_taken_is_as_it_was);
    tcase_add_test(tcase, test_points_that_are_made_are_booked);
    tcase_add_test(tcase, test_points_that_are_put_together_are_booked);
    tcase_add_test(tcase, test_copies_of_copies_end);
    tcase_add_test(tcase, test_data_in_pieces_is_one_for_statements);
    tcase_add_test(tcase, test_calls_that_are_wrong_are_refused);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
