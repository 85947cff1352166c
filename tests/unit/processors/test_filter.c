/* filter: what conditions are true of goes, by record, by resource, and out of records; the rest is what came. */
#include "component_test.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "pipeline/drops.h"
#include "trace_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

extern const struct weft_component weft_processor_filter;

static struct weft_drops *drops;

static void begin(const char *yaml, enum weft_signal signal)
{
    component_begin(&weft_processor_filter, yaml, signal);
    drops = weft_drops_new(weft_timers_now(fixture.host.timers));
    fixture.host.drops = drops;
}

static void end(void)
{
    fixture_end();
    weft_drops_free(drops);
}

static void read_json(enum weft_signal signal, const char *json, struct weft_buffer *out)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_otlp_counts counts;
    const ProtobufCMessageDescriptor *roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    struct weft_json_schema *schema = weft_json_schema_new(roots[signal], WEFT_JSON_CAMEL_NAMES);
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, 0);
    enum weft_status status = weft_json_read_message(schema, weft_slice_of_text(json), NULL, payload, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    struct weft_slice bytes = weft_payload_slice(payload);
    weft_buffer_append(out, bytes.bytes, bytes.length);
    weft_payload_unref(&payload);
    weft_json_schema_free(schema);
}

static enum weft_status offer_json(enum weft_signal signal, const char *json)
{
    struct weft_buffer request = { 0 };
    read_json(signal, json, &request);
    weft_buffer_clear(&sink.last);
    enum weft_status status = offer(signal, weft_buffer_slice(&request), NULL);
    weft_buffer_fini(&request);
    return status;
}

/* What comes out of json is expected; "" = nothing. */
static void expect(enum weft_signal signal, const char *json, const char *expected)
{
    struct weft_buffer wanted = { 0 };
    struct weft_buffer text = { 0 };
    ck_assert_int_eq(offer_json(signal, json), WEFT_OK);
    if (expected[0] != '\0') {
        read_json(signal, expected, &wanted);
    }
    if (!weft_slice_equal(weft_buffer_slice(&wanted), weft_buffer_slice(&sink.last))) {
        ck_assert(weft_json_write_request(signal, weft_buffer_slice(&sink.last), &text, NULL) == WEFT_OK);
        ck_abort_msg("%s\n instead of %s", text.length == 0 ? "" : (const char *)text.bytes, expected);
    }
    weft_buffer_fini(&wanted);
    weft_buffer_fini(&text);
}

/* What the books say of a condition and a service. */
static uint64_t dropped_by(const char *condition, const char *service)
{
    struct weft_drops_row rows[32];
    const uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    ck_assert(weft_drops_row_count(drops) <= WEFT_COUNT_OF(rows));
    weft_drops_read(drops, from, rows);
    uint64_t count = 0;
    for (size_t i = 0; i < weft_drops_row_count(drops); i++) {
        if (weft_slice_equal_text(rows[i].policy, condition) && weft_slice_equal_text(rows[i].service, service)) {
            count += rows[i].total;
        }
    }
    return count;
}

#define SERVICE(name) \
    "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"" name "\"}}]},"
#define SPAN(name)        "{\"name\":\"" name "\"}"
#define SPANS(contents)   "\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":[" contents "]}]"
#define TRACES(resources) "{\"resourceSpans\":[" resources "]}"

START_TEST(test_spans_go_by_name_and_are_booked)
{
    static const char yaml[] = "traces: {span: ['name == \"a\"', 'IsMatch(name, \"^b\")']}";
    begin(yaml, WEFT_TRACES);
    expect(WEFT_TRACES,
           TRACES("{" SERVICE("one") SPANS(SPAN("a") "," SPAN("c") "," SPAN(
               "b1")) "},"
                      "{" SERVICE("two") SPANS(SPAN("b2") "," SPAN("a") "," SPAN("a")) "}"),
           TRACES("{" SERVICE("one") SPANS(SPAN("c")) "}"));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 5);
    ck_assert_uint_eq(dropped_by("name == \"a\"", "one"), 1);
    ck_assert_uint_eq(dropped_by("name == \"a\"", "two"), 2);
    ck_assert_uint_eq(dropped_by("IsMatch(name, \"^b\")", "one"), 1);
    ck_assert_uint_eq(dropped_by("IsMatch(name, \"^b\")", "two"), 1);
    expect(WEFT_TRACES, TRACES("{" SERVICE("one") SPANS(SPAN("a")) "}"), "");
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 6);
    end();
}
END_TEST

START_TEST(test_what_nothing_is_true_of_passes_untouched)
{
    static const char json[] = TRACES("{" SERVICE("one") SPANS(SPAN("a") "," SPAN("c")) "}");
    begin("traces: {span: ['name == \"x\"'], spanevent: ['name == \"x\"']}", WEFT_TRACES);
    expect(WEFT_TRACES, json, json);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 0);
    ck_assert_uint_eq(sink.weight, 2);
    end();
}
END_TEST

START_TEST(test_resources_and_scopes_go_with_all_below)
{
    static const char json[] = TRACES("{" SERVICE("one") SPANS(SPAN("a")) "},{" SERVICE("two") SPANS(SPAN("a")) "}");
    begin("traces: {resource: ['attributes[\"service.name\"] == \"one\"']}", WEFT_TRACES);
    expect(WEFT_TRACES, json, TRACES("{" SERVICE("two") SPANS(SPAN("a")) "}"));
    end();
    begin("trace_conditions: ['scope.name == \"lib\" and resource.attributes[\"service.name\"] == \"two\"']",
          WEFT_TRACES);
    expect(WEFT_TRACES, json, TRACES("{" SERVICE("one") SPANS(SPAN("a")) "}"));
    end();
}
END_TEST

#define CODE(name, code) "{\"name\":\"" name "\",\"status\":{\"code\":" code "}}"
#define LONG_NAME \
    "a name that is longer than one byte says: 0123456789012345678901234567890123456789012345678901234567890123456789"

/* Conditions of which a short look tells, and the same beside one that has to be evaluated: the same goes. */
START_TEST(test_what_goes_is_the_same_with_a_condition_that_is_long)
{
    static const char json[] = TRACES("{" SERVICE("one") SPANS(SPAN("a") "," CODE("b", "1") "," CODE("a", "2") "," SPAN(
        "c") "," SPAN(LONG_NAME)) "},"
                                  "{" SERVICE("two") SPANS(SPAN("b") "," CODE("c", "2")) "},{" SERVICE("three")
                                          SPANS(CODE("c", "2")) "},"
                                                                "{" SERVICE("four") SPANS(SPAN("a") "," SPAN("b")) "}");
    static const struct {
        const char *span, *resource, *expected;
    } cases[] = {
        { "'name == \"a\"', 'status.code == STATUS_CODE_ERROR'", "'attributes[\"service.name\"] == \"none\"'",
          TRACES("{" SERVICE("one") SPANS(CODE("b", "1") "," SPAN("c") "," SPAN(
              LONG_NAME)) "},"
                          "{" SERVICE("two") SPANS(SPAN("b")) "},{" SERVICE("four") SPANS(SPAN("b")) "}") },
        { "'not (name == \"a\" or IsMatch(name, \"^b\"))'", "'attributes[\"service.name\"] == \"one\"'",
          TRACES("{" SERVICE("two") SPANS(SPAN("b")) "},{" SERVICE("four") SPANS(SPAN("a") "," SPAN("b")) "}") },
        { "'resource.attributes[\"service.name\"] != \"one\" and name != nil', 'IsMatch(name, \"^a name\")'",
          "'attributes[\"service.name\"] == \"four\"'",
          TRACES("{" SERVICE("one") SPANS(SPAN("a") "," CODE("b", "1") "," CODE("a", "2") "," SPAN("c")) "}") },
    };
    for (size_t i = 0; i < 2 * WEFT_COUNT_OF(cases); i++) {
        char yaml[500];
        snprintf(yaml, sizeof yaml, "traces: {resource: [%s], span: [%s%s]}", cases[i / 2].resource,
                 i % 2 == 0 ? "" : "'Len(name) > 1000', ", cases[i / 2].span);
        begin(yaml, WEFT_TRACES);
        expect(WEFT_TRACES, json, cases[i / 2].expected);
        end();
    }
}
END_TEST

#define EVENTS(list) "{\"name\":\"s\",\"kind\":1,\"events\":[" list "],\"flags\":1}"

START_TEST(test_span_events_go_out_of_their_span)
{
    begin("trace_conditions: ['spanevent.name == \"x\"', 'Len(span.events) == 0']", WEFT_TRACES);
    expect(WEFT_TRACES,
           TRACES("{" SPANS(EVENTS("{\"name\":\"x\"},{\"name\":\"y\"},{\"name\":\"x\"}") "," EVENTS(
               "{\"name\":\"z\"}") "," EVENTS("{\"name\":\"x\"}")) "}"),
           TRACES("{" SPANS(EVENTS("{\"name\":\"y\"}") "," EVENTS("{\"name\":\"z\"}") "," EVENTS("")) "}"));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 0);
    end();
    /* a later block sees the span without them */
    begin("trace_conditions:\n- conditions: ['spanevent.name == \"x\"']\n- conditions: ['Len(span.events) == 0']",
          WEFT_TRACES);
    expect(WEFT_TRACES,
           TRACES("{" SPANS(EVENTS("{\"name\":\"x\"},{\"name\":\"y\"}") "," EVENTS("{\"name\":\"x\"}")) "}"),
           TRACES("{" SPANS(EVENTS("{\"name\":\"y\"}")) "}"));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 1);
    end();
}
END_TEST

/* A span with an event that goes and one that stays; of the one that goes the last of two keys counts. */
static struct weft_batch *batch_with_events(bool is_plain)
{
    struct weft_buffer attribute = { 0 }, event = { 0 }, span = { 0 }, request = { 0 };
    if (!is_plain) {
        put_field(&attribute, 1, WEFT_SLICE_LITERAL("a"));
    }
    put_field(&attribute, 1, WEFT_SLICE_LITERAL("b"));
    put_field(&attribute, 2, WEFT_SLICE_LITERAL("\x0a\x01x"));
    put_field(&event, 2, WEFT_SLICE_LITERAL("goes"));
    put_message(&event, 3, &attribute);
    put_span(&span, "span");
    put_message(&span, 11, &event);
    put_field(&event, 2, WEFT_SLICE_LITERAL("stays"));
    put_message(&span, 11, &event);
    put_request(&request, weft_buffer_slice(&span));
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    ck_assert(batch->parts[0].counts.is_plain == is_plain);
    weft_buffer_fini(&span);
    weft_buffer_fini(&request);
    return batch;
}

START_TEST(test_parts_of_a_batch_have_attributes_of_their_own_shape)
{
    static const bool are_plain[][2] = { { false, true }, { true, false } };
    begin("traces: {spanevent: ['attributes[\"b\"] == \"x\"']}", WEFT_TRACES);
    for (size_t i = 0; i < WEFT_COUNT_OF(are_plain); i++) {
        struct weft_batch *batch = batch_with_events(are_plain[i][0]), *other = batch_with_events(are_plain[i][1]);
        ck_assert(weft_batch_merge(batch, &other) == WEFT_OK && batch->part_count == 2);
        ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_OK);
        ck_assert(memmem(sink.last.bytes, sink.last.length, "goes", 4) == NULL);
        ck_assert(memmem(sink.last.bytes, sink.last.length, "stays", 5) != NULL);
    }
    end();
}
END_TEST

/* 9 as a field's number may have needless bytes, which readers take. */
START_TEST(test_attributes_whose_tag_is_too_long_are_seen)
{
    static const char *const configs[] = {
        "traces: {span: ['attributes[\"a\"] == \"x\"']}",
        "traces: {span: ['name == \"none\"', 'IsMatch(attributes[\"a\"], \"^x\")']}",
        "traces: {span: ['Len(attributes) > 9', 'Concat([attributes[\"a\"], \"\"], \"\") == \"x\"']}",
    };
    static const char key_value[] = "\x0a\x01"
                                    "a\x12\x03\x0a\x01x";
    for (size_t i = 0; i < 2 * WEFT_COUNT_OF(configs); i++) {
        struct weft_buffer span = { 0 }, request = { 0 };
        begin(configs[i / 2], WEFT_TRACES);
        put_span(&span, "span");
        weft_buffer_append(&span, "\xca\x00\x08", 3);
        weft_buffer_append(&span, key_value, sizeof key_value - 1);
        if (i % 2 == 1) { /* and one that is not plain */
            put_field(&span, 9, WEFT_SLICE_LITERAL("\x12\x00\x0a\x01z"));
        }
        put_request(&request, weft_buffer_slice(&span));
        ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
        ck_assert_msg(booked(WEFT_ACCOUNT_DROPPED) == 1, "%s", configs[i / 2]);
        weft_buffer_fini(&span);
        weft_buffer_fini(&request);
        end();
    }
}
END_TEST

#define POINT(value)        "{\"asInt\":\"" value "\"}"
#define GAUGE(name, points) "{\"name\":\"" name "\",\"gauge\":{\"dataPoints\":[" points "]},\"unit\":\"1\"}"
#define METRICS(list)       "{\"resourceMetrics\":[{" SERVICE("m") "\"scopeMetrics\":[{\"metrics\":[" list "]}]}]}"

START_TEST(test_data_points_go_out_of_their_metric)
{
    begin("metrics: {metric: ['name == \"gone\"'], datapoint: ['value_int > 5', 'value_int == 1']}", WEFT_METRICS);
    expect(
        WEFT_METRICS,
        METRICS(GAUGE("gone", POINT("1") "," POINT("2")) "," GAUGE(
            "some", POINT("1") "," POINT("2") "," POINT(
                        "9")) "," GAUGE("all", POINT("7") "," POINT("8")) "," GAUGE("none", "") "," GAUGE("kept",
                                                                                                          POINT("3"))),
        METRICS(GAUGE("some", POINT("2")) "," GAUGE("kept", POINT("3"))));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 6);
    ck_assert_uint_eq(sink.weight, 2);
    ck_assert_uint_eq(dropped_by("name == \"gone\"", "m"), 2);
    ck_assert_uint_eq(dropped_by("value_int > 5", "m"), 3);
    ck_assert_uint_eq(dropped_by("value_int == 1", "m"), 1);
    end();
}
END_TEST

/* Of a KeyValue's two keys the last counts, whatever requests came before. */
START_TEST(test_an_attribute_of_two_keys_has_the_last)
{
#define REQUEST "\x0a\x11\x12\x0f\x12\x0d\x4a\x0b"
#define VALUE   "\x12\x03\x0a\x01x"
    static const uint8_t plain[] = REQUEST "\x0a\x04long" VALUE;
    static const uint8_t odd[] = REQUEST "\x0a\x01"
                                         "a" VALUE "\x0a\x01"
                                         "b";
    begin("traces: {span: ['attributes[\"b\"] == \"x\"']}", WEFT_TRACES);
    for (uint64_t i = 1; i <= 2; i++) {
        ck_assert_int_eq(offer(WEFT_TRACES, (struct weft_slice){ plain, sizeof plain - 1 }, NULL), WEFT_OK);
        ck_assert_int_eq(offer(WEFT_TRACES, (struct weft_slice){ odd, sizeof odd - 1 }, NULL), WEFT_OK);
        ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), i);
        ck_assert_uint_eq(sink.weight, i);
    }
    end();
#undef REQUEST
#undef VALUE
}
END_TEST

/* Data that comes in pieces is that of one Gauge; the Sum before it has lost. */
START_TEST(test_data_points_in_pieces_are_asked_about)
{
    static const uint8_t pieces[] = "\x0a\x23\x12\x21\x12\x1f"
                                    "\x0a\x01m"
                                    "\x3a\x00"
                                    "\x2a\x0b\x0a\x09\x19\x01\0\0\0\0\0\0\0"
                                    "\x2a\x0b\x0a\x09\x19\x02\0\0\0\0\0\0\0";
    static const struct {
        const char *condition;
        uint64_t kept;
        const char *left; /* NULL: nothing, or all as it came */
    } cases[] = {
        { "time_unix_nano == 1", 1, "2" },
        { "time_unix_nano == 2", 1, "1" },
        { "time_unix_nano > 0", 0, NULL },
        { "time_unix_nano == 3", 2, NULL },
    };
    struct weft_slice request = { pieces, sizeof pieces - 1 };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_buffer json = { 0 };
        char wanted[256];
        snprintf(wanted, sizeof wanted, "metrics: {datapoint: ['%s']}", cases[i].condition);
        begin(wanted, WEFT_METRICS);
        ck_assert_int_eq(offer(WEFT_METRICS, request, NULL), WEFT_OK);
        ck_assert_uint_eq(sink.weight, cases[i].kept);
        ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2 - cases[i].kept);
        if (cases[i].kept == 2) {
            ck_assert(weft_slice_equal(weft_buffer_slice(&sink.last), request));
        } else if (cases[i].left != NULL) {
            snprintf(wanted, sizeof wanted, "{\"dataPoints\":[{\"timeUnixNano\":\"%s\"}]}", cases[i].left);
            ck_assert(weft_json_write_request(WEFT_METRICS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
            ck_assert_msg(memmem(json.bytes, json.length, wanted, strlen(wanted)) != NULL, "%.*s",
                          WEFT_SLICE_PRINT(weft_buffer_slice(&json)));
        }
        weft_buffer_fini(&json);
        end();
    }
}
END_TEST

#define LOG(severity, body) "{\"severityNumber\":" severity ",\"body\":{\"stringValue\":\"" body "\"}}"
#define LOGS(list)          "{\"resourceLogs\":[{" SERVICE("l") "\"scopeLogs\":[{\"logRecords\":[" list "]}]}]}"

START_TEST(test_log_records_go)
{
    static const char json[] = LOGS(LOG("5", "x") "," LOG("9", "x") "," LOG("17", "y"));
    begin("logs: {log_record: ['severity_number < SEVERITY_NUMBER_INFO', 'body == \"y\"']}", WEFT_LOGS);
    expect(WEFT_LOGS, json, LOGS(LOG("9", "x")));
    end();
    begin("log_conditions:\n- context: log\n  conditions: ['severity_number < 9', 'log.body == \"y\"']", WEFT_LOGS);
    expect(WEFT_LOGS, json, LOGS(LOG("9", "x")));
    end();
}
END_TEST

START_TEST(test_include_and_exclude)
{
    static const struct {
        const char *yaml, *json, *expected;
        enum weft_signal signal;
    } cases[] = {
        { "spans: {include: {match_type: strict, span_names: [a, b]}, exclude: {match_type: regexp, span_names: "
          "['^b']}}",
          TRACES("{" SERVICE("s") SPANS(SPAN("a") "," SPAN("b") "," SPAN("c")) "}"),
          TRACES("{" SERVICE("s") SPANS(SPAN("a")) "}"), WEFT_TRACES },
        { "spans: {exclude: {match_type: strict, services: [s], libraries: [{name: lib}]}}",
          TRACES("{" SERVICE("s") SPANS(SPAN("a")) "},{" SERVICE("t") SPANS(SPAN("a")) "}"),
          TRACES("{" SERVICE("t") SPANS(SPAN("a")) "}"), WEFT_TRACES },
        { "spans: {exclude: {match_type: strict, resources: [{key: service.name, value: s}]}}",
          TRACES("{" SERVICE("s") SPANS(SPAN("a")) "},{" SERVICE("t") SPANS(SPAN("a")) "}"),
          TRACES("{" SERVICE("t") SPANS(SPAN("a")) "}"), WEFT_TRACES },
        { "logs: {include: {match_type: strict, severity_number: {min: info}}}", LOGS(LOG("5", "x") "," LOG("9", "x")),
          LOGS(LOG("9", "x")), WEFT_LOGS },
        { "logs: {exclude: {match_type: regexp, bodies: ['^x', 'q\"']}}", LOGS(LOG("5", "xy") "," LOG("9", "y")),
          LOGS(LOG("9", "y")), WEFT_LOGS },
        { "metrics: {exclude: {match_type: regexp, metric_names: ['^g.*']}}",
          METRICS(GAUGE("gone", POINT("1")) "," GAUGE("kept", POINT("3"))), METRICS(GAUGE("kept", POINT("3"))),
          WEFT_METRICS },
        { "metrics: {include: {match_type: strict, resource_attributes: [{key: service.name, value: x}]}}",
          METRICS(GAUGE("gone", POINT("1"))), "", WEFT_METRICS },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        begin(cases[i].yaml, cases[i].signal);
        expect(cases[i].signal, cases[i].json, cases[i].expected);
        end();
    }
}
END_TEST

START_TEST(test_what_fails_is_as_error_mode_says)
{
    static const char json[] = TRACES("{" SPANS(SPAN("a") "," SPAN("b")) "}");
    static const char condition[] = "traces: {span: ['Len(kind) == 1', 'name == \"b\"']}";
    char yaml[200];
    begin(condition, WEFT_TRACES); /* ignore */
    expect(WEFT_TRACES, json, TRACES("{" SPANS(SPAN("a")) "}"));
    end();
    snprintf(yaml, sizeof yaml, "error_mode: silent\n%s", condition);
    begin(yaml, WEFT_TRACES);
    expect(WEFT_TRACES, json, TRACES("{" SPANS(SPAN("a")) "}"));
    end();
    snprintf(yaml, sizeof yaml, "error_mode: propagate\n%s", condition);
    begin(yaml, WEFT_TRACES);
    ck_assert_int_eq(offer_json(WEFT_TRACES, json), WEFT_INVALID);
    ck_assert_uint_eq(sink.batch_count, 0);
    end();
    begin("trace_conditions: [{conditions: ['Len(span.kind) == 1'], error_mode: propagate}]", WEFT_TRACES);
    ck_assert_int_eq(offer_json(WEFT_TRACES, json), WEFT_INVALID);
    end();
}
END_TEST

static double limits_met(void)
{
    struct weft_samples samples = { 0 };
    weft_processor_filter.collect(fixture.consumer, &samples);
    ck_assert_str_eq(samples.items[1].name, "weft_filter_limits_met");
    double value = samples.items[1].value;
    weft_samples_fini(&samples);
    return value;
}

/* What they need beyond their bytes is bounded in a batch: then one fails, too, that had its steps before. */
START_TEST(test_slow_conditions_are_bounded_in_a_batch)
{
    enum { SLOW = 1000 };
    struct weft_buffer json = { 0 };
    weft_buffer_append_text(&json, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" LOG("5", "aaaaaaaaaa!"));
    for (int i = 0; i < SLOW; i++) {
        weft_buffer_append_text(&json, "," LOG("5", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
    }
    weft_buffer_append_text(&json, "," LOG("5", "aaaaaaaaaa!") "," LOG("5", "one two") "]}]}]}");
    weft_buffer_append_byte(&json, 0);
    begin("logs: {exclude: {match_type: regexp, bodies: ['^(\\w+\\s?)*$']}}", WEFT_LOGS);
    for (int batch = 1; batch <= 2; batch++) {
        ck_assert_int_eq(offer_json(WEFT_LOGS, (const char *)json.bytes), WEFT_OK);
        ck_assert(limits_met() == batch * (SLOW + 1)); /* the first is none of them, and the last one is found */
        ck_assert_uint_eq(weft_drops_row_count(drops), 1);
    }
    end();
    weft_buffer_fini(&json);
}
END_TEST

START_TEST(test_a_refused_batch_is_as_it_came)
{
    static const char json[] = METRICS(GAUGE("some", POINT("1") "," POINT("9")) "," GAUGE("kept", POINT("3")));
    struct weft_buffer request = { 0 }, after = { 0 };
    begin("metrics: {datapoint: ['value_int > 5']}", WEFT_METRICS);
    read_json(WEFT_METRICS, json, &request);
    struct weft_batch *batch = batch_of(WEFT_METRICS, weft_buffer_slice(&request), NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    sink.answer = WEFT_CLOSED;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_CLOSED && batch != NULL);
    ck_assert_uint_eq(batch->weight, 3);
    append_batch(batch, &after);
    ck_assert(weft_slice_equal(weft_buffer_slice(&request), weft_buffer_slice(&after)));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 0);
    sink.answer = WEFT_OK;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_OK && batch == NULL);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 1);
    ck_assert_uint_eq(sink.weight, 2);
    weft_buffer_fini(&request);
    weft_buffer_fini(&after);
    end();
}
END_TEST

START_TEST(test_without_memory_a_batch_is_given_back)
{
    static const char *const yamls[] = {
        "metrics: {metric: ['name == \"gone\"'], datapoint: ['value_int > 5']}",
        "metric_conditions: [{conditions: ['datapoint.value_int > 5']}, {conditions: ['metric.name == \"gone\"']}]",
    };
    static const char json[] = METRICS(GAUGE("some", POINT("1") "," POINT("9")) "," GAUGE("gone", POINT("3")));
    for (size_t y = 0; y < WEFT_COUNT_OF(yamls); y++) {
        bool is_done = false;
        for (size_t i = 1; !is_done; i++) {
            struct weft_buffer request = { 0 };
            struct weft_error error = WEFT_ERROR_NONE;
            begin(yamls[y], WEFT_METRICS);
            read_json(WEFT_METRICS, json, &request);
            struct weft_batch *batch = batch_of(WEFT_METRICS, weft_buffer_slice(&request), NULL);
            sink.answer = WEFT_CLOSED; /* it would take memory itself */
            weft_alloc_fail_at(i);
            enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
            is_done = !weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_msg(status == WEFT_CLOSED || (status == WEFT_NOMEM && !is_done), "%zu: %s", i, error.text);
            ck_assert_uint_eq(batch->weight, 3);
            sink.answer = WEFT_OK;
            ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_OK);
            ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2);
            ck_assert_uint_eq(sink.weight, 1);
            weft_buffer_fini(&request);
            end();
        }
    }
}
END_TEST

START_TEST(test_config_rules)
{
    const struct weft_component *filter = &weft_processor_filter;
    static const struct {
        const char *yaml, *reason;
        enum weft_status status;
    } cases[] = {
        { "traces:\n  span:\n  - 'name == \"x\"'\n  - 'nam == \"x\"'",
          "test.yaml:4: traces.span[1]: line 1 column 1: unknown path nam", WEFT_INVALID },
        { "traces: {span: [{a: b}]}", "a condition in OTTL is expected, not a map", WEFT_INVALID },
        { "trace_conditions: ['true']", "no path says what the condition is asked of", WEFT_INVALID },
        { "trace_conditions: ['log.body == \"x\"']", "have no context log", WEFT_INVALID },
        { "trace_conditions: ['name == \"x\" and span.kind == 1']", "it must begin with span. or scope. or resource.",
          WEFT_INVALID },
        { "trace_conditions: [{context: spam, conditions: []}]", "have no context \"spam\"", WEFT_INVALID },
        { "trace_conditions: [{contex: span}]", "did you mean \"context\"", WEFT_INVALID },
        { "trace_conditions: [{error_mode: loud}]", "use propagate, ignore or silent", WEFT_INVALID },
        { "trace_conditions: ['span.name == \"x\"', {context: span}]", "do not go together", WEFT_INVALID },
        { "trace_conditions: ['span.name == \"x\"']\ntraces: {span: ['true']}", "not by two of them", WEFT_INVALID },
        { "spans: {include: {match_type: strict, span_names: [a]}}\ntraces: {span: ['true']}", "not by two of them",
          WEFT_INVALID },
        { "spans: {include: {match_type: strict}}", "at least one property", WEFT_INVALID },
        { "spans: {include: {span_names: [a]}}", "match_type must be strict or regexp", WEFT_INVALID },
        { "spans: {include: {match_type: regexp, span_names: ['(']}}", "IsMatch", WEFT_INVALID },
        { "metrics: {include: {match_type: expr}}", "match_type", WEFT_UNSUPPORTED },
        { "logs: {include: {match_type: strict, severity_number: {min: loud}}}", "is not a severity", WEFT_INVALID },
        { "profiles: {profile: ['true']}", "profiles", WEFT_UNSUPPORTED },
        { "error_mode: loud", "error_mode", WEFT_INVALID },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        component_expect_refused(filter, cases[i].yaml, cases[i].status, cases[i].reason);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_spans_go_by_name_and_are_booked);
    tcase_add_test(tests, test_what_nothing_is_true_of_passes_untouched);
    tcase_add_test(tests, test_resources_and_scopes_go_with_all_below);
    tcase_add_test(tests, test_what_goes_is_the_same_with_a_condition_that_is_long);
    tcase_add_test(tests, test_span_events_go_out_of_their_span);
    tcase_add_test(tests, test_attributes_whose_tag_is_too_long_are_seen);
    tcase_add_test(tests, test_parts_of_a_batch_have_attributes_of_their_own_shape);
    tcase_add_test(tests, test_data_points_go_out_of_their_metric);
    tcase_add_test(tests, test_an_attribute_of_two_keys_has_the_last);
    tcase_add_test(tests, test_data_points_in_pieces_are_asked_about);
    tcase_add_test(tests, test_log_records_go);
    tcase_add_test(tests, test_include_and_exclude);
    tcase_add_test(tests, test_what_fails_is_as_error_mode_says);
    tcase_add_test(tests, test_slow_conditions_are_bounded_in_a_batch);
    tcase_add_test(tests, test_a_refused_batch_is_as_it_came);
    tcase_add_test(tests, test_without_memory_a_batch_is_given_back);
    tcase_add_test(tests, test_config_rules);
}

int main(void)
{
    return component_run("filter", add);
}
