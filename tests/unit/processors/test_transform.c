/* transform: statements of each context, what stays byte for byte, undo, failures, and without memory. */
#include "component_test.h"

#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

extern const struct weft_component weft_processor_transform;

static const char *const requests[] = {
    [WEFT_LOGS] =
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service\",\"value\":{\"stringValue\":\"shop"
        "\"}},{\"key\":\"n\",\"value\":{\"intValue\":\"5\"}}]},\"scopeLogs\":[{\"scope\":{\"name\":\"lib\"},\"log"
        "Records\":[{\"timeUnixNano\":\"5\",\"severityNumber\":9,\"severityText\":\"Info\",\"body\":{\"stringValu"
        "e\":\"hello 42\"},\"attributes\":[{\"key\":\"s\",\"value\":{\"stringValue\":\"Hello World\"}},{\"key\":"
        "\"i\",\"value\":{\"intValue\":\"7\"}},{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue"
        "\":\"1\"},{\"intValue\":\"2\"}]}}},{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\""
        ",\"value\":{\"intValue\":\"1\"}},{\"key\":\"b\",\"value\":{\"stringValue\":\"two\"}}]}}}],\"traceId\":\""
        "0102030405060708090a0b0c0d0e0f10\"},{\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\""
        "stringValue\":\"v\"}}]}},\"attributes\":[{\"key\":\"s\",\"value\":{\"stringValue\":\"other\"}}]}]}]}]}",
    [WEFT_TRACES] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service\",\"value\":{\"stringValue\":\"sho"
        "p\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1\"},\"spans\":[{\"traceId\":\"010203"
        "0405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\",\"traceState\":\"a=1\",\"name\":\"GET /user"
        "s/17\",\"kind\":2,\"startTimeUnixNano\":\"1000000000\",\"endTimeUnixNano\":\"3000000000\",\"attributes\""
        ":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/users/17\"}},{\"key\":\"status\",\"value\":{\"in"
        "tValue\":\"500\"}}],\"events\":[{\"timeUnixNano\":\"7\",\"name\":\"e1\",\"attributes\":[{\"key\":\"k\","
        "\"value\":{\"stringValue\":\"v\"}}]},{\"name\":\"e2\"}],\"status\":{\"code\":2,\"message\":\"bad\"}},{\""
        "traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060709\",\"parentSpanId\":\"010203"
        "0405060708\",\"name\":\"db\",\"kind\":3,\"attributes\":[{\"key\":\"status\",\"value\":{\"intValue\":\"20"
        "0\"}}]}]}]}]}",
    [WEFT_METRICS] =
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service\",\"value\":{\"stringValue\":\"s"
        "hop\"}}]},\"scopeMetrics\":[{\"scope\":{\"name\":\"lib\"},\"metrics\":[{\"name\":\"requests\",\"unit\":"
        "\"1\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{\"timeUnixNano\":\"5\""
        ",\"asInt\":\"3\",\"attributes\":[{\"key\":\"code\",\"value\":{\"stringValue\":\"200\"}}]},{\"timeUnixNan"
        "o\":\"6\",\"asDouble\":1.5,\"attributes\":[{\"key\":\"code\",\"value\":{\"stringValue\":\"500\"}}]}]}},{"
        "\"name\":\"latency\",\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{\"timeUnixNano\":\"5\""
        ",\"count\":\"3\",\"sum\":1.5,\"bucketCounts\":[\"1\",\"2\"],\"explicitBounds\":[1.0],\"attributes\":[{\""
        "key\":\"code\",\"value\":{\"stringValue\":\"200\"}}]}]}},{\"name\":\"temperature\",\"gauge\":{\"dataPoin"
        "ts\":[{\"timeUnixNano\":\"5\",\"asDouble\":20.5}]}}]}]}]}",
};

static const struct row {
    enum weft_signal signal;
    const char *statements; /* one a line */
    const char *outcome;
} rows[] = {
#define ROW(signal, statements, outcome) { signal, statements, outcome },
#include "transform_rows.def"
#undef ROW
};

static const char *const list_keys[] = {
    [WEFT_TRACES] = "trace_statements", [WEFT_METRICS] = "metric_statements", [WEFT_LOGS] = "log_statements"
};

/* A config in YAML: each line of the statements in single quotes. */
static void put_config(struct weft_buffer *yaml, enum weft_signal signal, const char *statements, const char *mode)
{
    weft_buffer_append_format(yaml, "error_mode: %s\n%s:\n", mode, list_keys[signal]);
    while (*statements != '\0') {
        const char *end = strchrnul(statements, '\n');
        weft_buffer_append_format(yaml, "- '%.*s'\n", (int)(end - statements), statements);
        statements = *end == '\0' ? end : end + 1;
    }
    weft_buffer_append_byte(yaml, 0);
}

static void begin(enum weft_signal signal, const char *statements, const char *mode)
{
    struct weft_buffer yaml = { 0 };
    put_config(&yaml, signal, statements, mode);
    component_begin(&weft_processor_transform, (const char *)yaml.bytes, signal);
    weft_buffer_fini(&yaml);
}

static struct weft_payload *request_of(enum weft_signal signal)
{
    static const ProtobufCMessageDescriptor *const roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_json_schema *schema = weft_json_schema_new(roots[signal], WEFT_JSON_CAMEL_NAMES);
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, 0);
    ck_assert_msg(
        weft_json_read_message(schema, weft_slice_of_text(requests[signal]), NULL, payload, &counts, &error) == WEFT_OK,
        "%s", error.text);
    weft_json_schema_free(schema);
    return payload;
}

static enum weft_status offer_request(enum weft_signal signal)
{
    struct weft_payload *request = request_of(signal);
    enum weft_status status = offer(signal, weft_payload_slice(request), NULL);
    weft_payload_unref(&request);
    return status;
}

START_TEST(test_statements_do_what_the_collectors_do)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_buffer json = { 0 };
        begin(rows[i].signal, rows[i].statements, "silent");
        ck_assert(offer_request(rows[i].signal) == WEFT_OK);
        ck_assert(weft_json_write_request(rows[i].signal, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
        ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&json), rows[i].outcome), "%s\n%.*s\n%s",
                      rows[i].statements, WEFT_SLICE_PRINT(weft_buffer_slice(&json)), rows[i].outcome);
        weft_buffer_fini(&json);
        fixture_end();
    }
}
END_TEST

/* ---- bytes ---- */

enum { SPAN_ATTRIBUTES = 9 };

/* Fields and members that this schema does not know, in an order that no encoder writes. */
static void put_odd_span(struct weft_buffer *out, const char *name, const char *value)
{
    struct weft_buffer odd_value = { 0 };
    struct weft_buffer odd = { 0 };
    put_string_attribute(out, SPAN_ATTRIBUTES, "first", "1");
    weft_buffer_append(out, "\xfa\x07\x03new", 6); /* field 127 */
    put_field(&odd_value, 9, weft_slice_of_text("?"));
    put_field(&odd, 13, weft_slice_of_text("more"));
    put_field(&odd, 1, weft_slice_of_text("odd"));
    put_message(&odd, 2, &odd_value);
    put_message(out, SPAN_ATTRIBUTES, &odd);
    put_span(out, name);
    put_string_attribute(out, SPAN_ATTRIBUTES, "k", value);
}

START_TEST(test_what_no_statement_writes_keeps_its_bytes)
{
    struct weft_buffer span = { 0 };
    struct weft_buffer request = { 0 };
    struct weft_buffer expected_span = { 0 };
    struct weft_buffer expected = { 0 };
    begin(WEFT_TRACES, "set(span.attributes[\"k\"], \"new\")\nset(span.name, \"b\")", "propagate");
    put_odd_span(&span, "a", "old");
    put_request(&request, weft_buffer_slice(&span));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    /* attributes stand together where the first one was */
    struct weft_buffer odd_value = { 0 };
    struct weft_buffer odd = { 0 };
    put_string_attribute(&expected_span, SPAN_ATTRIBUTES, "first", "1");
    put_field(&odd_value, 9, weft_slice_of_text("?"));
    put_field(&odd, 13, weft_slice_of_text("more"));
    put_field(&odd, 1, weft_slice_of_text("odd"));
    put_message(&odd, 2, &odd_value);
    put_message(&expected_span, SPAN_ATTRIBUTES, &odd);
    put_string_attribute(&expected_span, SPAN_ATTRIBUTES, "k", "new");
    weft_buffer_append(&expected_span, "\xfa\x07\x03new", 6);
    put_span(&expected_span, "b");
    put_request(&expected, weft_buffer_slice(&expected_span));
    ck_assert_uint_eq(sink.last.length, expected.length);
    ck_assert_mem_eq(sink.last.bytes, expected.bytes, expected.length);
    weft_buffer_fini(&span);
    weft_buffer_fini(&request);
    weft_buffer_fini(&expected_span);
    weft_buffer_fini(&expected);
    fixture_end();
}
END_TEST

START_TEST(test_statements_that_change_nothing_pass_the_request_on)
{
    begin(WEFT_TRACES, "delete_key(span.attributes, \"none\")\nset(span.name, \"x\") where span.name == \"none\"",
          "propagate");
    struct weft_payload *request = request_of(WEFT_TRACES);
    ck_assert(offer(WEFT_TRACES, weft_payload_slice(request), NULL) == WEFT_OK);
    ck_assert_uint_eq(sink.last.length, weft_payload_slice(request).length);
    ck_assert_mem_eq(sink.last.bytes, weft_payload_slice(request).bytes, sink.last.length);
    weft_payload_unref(&request);
    fixture_end();
}
END_TEST

/* ---- protobuf-c as the other opinion ---- */

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest trace_request;

static trace_request *unpack(struct weft_slice bytes)
{
    trace_request *request = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, bytes.length, bytes.bytes);
    ck_assert_ptr_nonnull(request);
    return request;
}

static void replace_text(char **text, const char *value)
{
    free(*text);
    *text = strdup(value);
}

/* The same by hand: the name, the status, one attribute replaced and one gone, of each span. */
static void edit_model(trace_request *request)
{
    for (size_t i = 0; i < request->resource_spans[0]->scope_spans[0]->n_spans; i++) {
        Opentelemetry__Proto__Trace__V1__Span *span = request->resource_spans[0]->scope_spans[0]->spans[i];
        replace_text(&span->name, "renamed");
        span->end_time_unix_nano = 42;
        if (span->status != NULL) {
            replace_text(&span->status->message, "said");
        }
        for (size_t n = 0; n < span->n_attributes; n++) {
            Opentelemetry__Proto__Common__V1__KeyValue *attribute = span->attributes[n];
            if (strcmp(attribute->key, "status") == 0) {
                attribute->value->int_value = 7;
            } else if (strcmp(attribute->key, "http.route") == 0) {
                opentelemetry__proto__common__v1__key_value__free_unpacked(attribute, NULL);
                memmove(&span->attributes[n], &span->attributes[n + 1],
                        (--span->n_attributes - n) * sizeof(span->attributes[0]));
                n--;
            }
        }
    }
}

static void pack(const trace_request *request, struct weft_buffer *out)
{
    size_t length = opentelemetry__proto__collector__trace__v1__export_trace_service_request__get_packed_size(request);
    uint8_t *to = weft_buffer_reserve(out, length);
    ck_assert_ptr_nonnull(to);
    out->length += opentelemetry__proto__collector__trace__v1__export_trace_service_request__pack(
        request, out->bytes + out->length);
}

START_TEST(test_an_edited_record_reads_as_a_models_edit)
{
    struct weft_buffer ours = { 0 };
    struct weft_buffer models = { 0 };
    begin(WEFT_TRACES,
          "set(span.name, \"renamed\")\nset(span.end_time_unix_nano, 42)\n"
          "set(span.status.message, \"said\") where span.status.code == 2\n"
          "set(span.attributes[\"status\"], 7)\ndelete_key(span.attributes, \"http.route\")",
          "propagate");
    struct weft_payload *request = request_of(WEFT_TRACES);
    trace_request *model = unpack(weft_payload_slice(request));
    ck_assert(offer(WEFT_TRACES, weft_payload_slice(request), NULL) == WEFT_OK);
    trace_request *edited = unpack(weft_buffer_slice(&sink.last));
    edit_model(model);
    pack(model, &models);
    pack(edited, &ours);
    ck_assert_uint_eq(ours.length, models.length);
    ck_assert_mem_eq(ours.bytes, models.bytes, models.length);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(model, NULL);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(edited, NULL);
    weft_payload_unref(&request);
    weft_buffer_fini(&ours);
    weft_buffer_fini(&models);
    fixture_end();
}
END_TEST

/* ---- failures ---- */

START_TEST(test_error_modes)
{
    static const char statements[] = "set(log.attributes[\"a\"], 1)\nset(log.severity_number, log.body)\n"
                                     "set(log.attributes[\"b\"], 2)";
    begin(WEFT_LOGS, statements, "propagate");
    ck_assert(offer_request(WEFT_LOGS) == WEFT_INVALID);
    ck_assert_uint_eq(sink.batch_count, 0);
    fixture_end();
    begin(WEFT_LOGS, statements, "silent");
    ck_assert(offer_request(WEFT_LOGS) == WEFT_OK);
    struct weft_buffer json = { 0 };
    ck_assert(weft_json_write_request(WEFT_LOGS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
    weft_buffer_append_byte(&json, 0);
    ck_assert_ptr_nonnull(strstr((const char *)json.bytes, "{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}}"));
    ck_assert_ptr_nonnull(strstr((const char *)json.bytes, "{\"key\":\"b\",\"value\":{\"intValue\":\"2\"}}"));
    weft_buffer_fini(&json);
    fixture_end();
}
END_TEST

START_TEST(test_config_rules_are_the_collectors)
{
    const struct weft_component *component = &weft_processor_transform;
    component_expect_refused(component, "log_statements: x", WEFT_INVALID,
                             "test.yaml:1: log_statements: a list is expected, not a string");
    component_expect_refused(component, "log_statements: [1]", WEFT_INVALID, "a statement or a block is expected");
    component_expect_refused(component, "log_statements:\n- 'set(log.body, 1)'\n- {statements: []}", WEFT_INVALID,
                             "test.yaml:3: log_statements[1]: a block stands behind");
    component_expect_refused(component, "log_statements: ['set(body, 1)']", WEFT_INVALID, "no path says");
    component_expect_refused(component, "log_statements:\n- 'set(log.body, 1)'\n- 'set(log.bodi, 1)'", WEFT_INVALID,
                             "test.yaml:3: log_statements[1]: line 1 column 5: ");
    component_expect_refused(component, "log_statements: [{context: span, statements: ['set(name, 1)']}]", WEFT_INVALID,
                             "\"span\" is no context of logs");
    component_expect_refused(component, "log_statements: [{context: log, statements: ['setz(body, 1)']}]", WEFT_INVALID,
                             "did you mean set?");
    component_expect_refused(component, "log_statements: [{context: log, statements: ['Concat([body], \"\")']}]",
                             WEFT_INVALID, "line 1 column 1: ");
    component_expect_refused(component, "log_statements: [{context: log, statements: ['scale_metric(1)']}]",
                             WEFT_INVALID, "unknown editor scale_metric");
    component_expect_refused(component, "trace_statements: [{context: span, statements: ['set_semconv_span_name()']}]",
                             WEFT_UNSUPPORTED, "set_semconv_span_name is not supported by weft");
    component_expect_refused(component, "profile_statements: [x]", WEFT_UNSUPPORTED, "profile_statements");
    component_expect_refused(component, "error_mode: never", WEFT_INVALID, "error_mode");
}
END_TEST

START_TEST(test_blocks_have_contexts_conditions_and_modes)
{
    struct weft_buffer json = { 0 };
    component_begin(&weft_processor_transform,
                    "error_mode: propagate\n"
                    "log_statements:\n"
                    "- context: log\n"
                    "  conditions: ['attributes[\"i\"] == 7', 'body == nil']\n"
                    "  statements: ['set(attributes[\"met\"], true)']\n"
                    "- context: resource\n"
                    "  statements: ['set(attributes[\"r\"], 1)', 'keep_keys(attributes, [\"r\"])']\n"
                    "- error_mode: silent\n"
                    "  statements: ['set(log.severity_number, \"x\")', 'set(log.flags, 1)']\n",
                    WEFT_LOGS);
    ck_assert(offer_request(WEFT_LOGS) == WEFT_OK);
    ck_assert(weft_json_write_request(WEFT_LOGS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
    weft_buffer_append_byte(&json, 0);
    const char *text = (const char *)json.bytes;
    const char *met = strstr(text, "\"met\"");
    ck_assert_ptr_nonnull(met);
    ck_assert_ptr_null(strstr(met + 1, "\"met\""));
    ck_assert_ptr_nonnull(
        strstr(text, "\"resource\":{\"attributes\":[{\"key\":\"r\",\"value\":{\"intValue\":\"1\"}}]}"));
    ck_assert_ptr_nonnull(strstr(text, "\"flags\":1"));
    weft_buffer_fini(&json);
    fixture_end();
}
END_TEST

/* A condition that fails counts for nothing, whatever its first half was. */
START_TEST(test_a_block_whose_conditions_fail_does_not_run)
{
    component_begin(&weft_processor_transform,
                    "log_statements:\n"
                    "- context: log\n"
                    "  error_mode: silent\n"
                    "  conditions: ['time_unix_nano >= 0 and attributes[\"s\"][0] == true', 'body[\"k\"] == \"v\"']\n"
                    "  statements: ['set(attributes[\"met\"], true)']\n",
                    WEFT_LOGS);
    struct weft_buffer json = { 0 };
    ck_assert(offer_request(WEFT_LOGS) == WEFT_OK);
    ck_assert(weft_json_write_request(WEFT_LOGS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
    weft_buffer_append_byte(&json, 0);
    const char *met = strstr((const char *)json.bytes, "\"met\"");
    ck_assert_ptr_nonnull(met); /* on the second record, by the second condition */
    ck_assert_ptr_null(strstr(met + 1, "\"met\""));
    weft_buffer_fini(&json);
    fixture_end();
}
END_TEST

START_TEST(test_a_batch_that_is_refused_is_as_it_was)
{
    struct weft_buffer left = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    begin(WEFT_TRACES, "set(span.name, \"x\")\nset(resource.attributes[\"y\"], span.span_id.string)", "propagate");
    struct weft_payload *request = request_of(WEFT_TRACES);
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_payload_slice(request), NULL);
    sink.answer = WEFT_CLOSED;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_CLOSED);
    append_batch(batch, &left);
    ck_assert_uint_eq(left.length, weft_payload_slice(request).length);
    ck_assert_mem_eq(left.bytes, weft_payload_slice(request).bytes, left.length);
    sink.answer = WEFT_OK;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_OK);
    ck_assert_uint_eq(sink.weight, 2);
    weft_buffer_fini(&left);
    weft_payload_unref(&request);
    fixture_end();
}
END_TEST

/* What wants too much fails, and the next statement runs: 34 times 4 MiB, and a pattern that goes back and forth in it.
 */
START_TEST(test_statements_over_a_large_value_are_bounded)
{
    enum { DOUBLINGS = 19 }; /* of 8 bytes: 4 MiB */
    struct weft_buffer yaml = { 0 }, json = { 0 };
    weft_buffer_append_format(&yaml, "log_statements:\n- error_mode: silent\n  context: log\n"
                                     "  conditions: ['severity_number == 9']\n  statements:\n");
    for (int i = 0; i < DOUBLINGS; i++) {
        weft_buffer_append_format(&yaml, "  - 'set(body, Concat([body, body], \"\"))'\n");
    }
    weft_buffer_append_format(&yaml, "  - 'set(attributes[\"length\"], Len(body))'\n"
                                     "  - 'set(attributes[\"grown\"], Concat([\"\"");
    for (int i = 0; i < 34; i++) {
        weft_buffer_append_format(&yaml, ", body");
    }
    weft_buffer_append_format(&yaml, "], \"\"))'\n"
                                     "  - 'set(attributes[\"matched\"], IsMatch(body, \"(h.*)*(l.*)*x\"))'\n"
                                     "  - 'set(attributes[\"short\"], Substring(body, 4194300, 4))'\n"
                                     "  - 'set(body, attributes[\"short\"])'\n");
    weft_buffer_append_byte(&yaml, 0);
    component_begin(&weft_processor_transform, (const char *)yaml.bytes, WEFT_LOGS);
    ck_assert(offer_request(WEFT_LOGS) == WEFT_OK);
    ck_assert(weft_json_write_request(WEFT_LOGS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
    weft_buffer_append_byte(&json, 0);
    const char *text = (const char *)json.bytes;
    ck_assert_ptr_nonnull(strstr(text, "{\"key\":\"length\",\"value\":{\"intValue\":\"4194304\"}}"));
    ck_assert_ptr_null(strstr(text, "\"grown\""));
    ck_assert_ptr_null(strstr(text, "\"matched\""));
    ck_assert_ptr_nonnull(strstr(text, "\"body\":{\"stringValue\":\"o 42\"}"));
    weft_buffer_fini(&json);
    weft_buffer_fini(&yaml);
    fixture_end();
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    for (size_t row = 0; row < WEFT_COUNT_OF(rows); row++) {
        bool has_failed = true;
        for (size_t n = 1; has_failed; n++) {
            struct weft_error error = WEFT_ERROR_NONE;
            struct weft_buffer left = { 0 };
            begin(rows[row].signal, rows[row].statements, "silent");
            struct weft_payload *request = request_of(rows[row].signal);
            struct weft_batch *batch = batch_of(rows[row].signal, weft_payload_slice(request), NULL);
            sink.answer = WEFT_CLOSED; /* so that only the processor's own allocations are counted */
            weft_alloc_fail_at(n);
            enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_msg(status == (has_failed ? WEFT_NOMEM : WEFT_CLOSED), "%s, %zu: %d %s", rows[row].statements, n,
                          status, error.text);
            append_batch(batch, &left);
            ck_assert_uint_eq(left.length, weft_payload_slice(request).length);
            weft_buffer_fini(&left);
            weft_batch_end(&batch, NULL, -1);
            weft_payload_unref(&request);
            fixture_end();
        }
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_statements_do_what_the_collectors_do);
    tcase_add_test(tests, test_what_no_statement_writes_keeps_its_bytes);
    tcase_add_test(tests, test_statements_that_change_nothing_pass_the_request_on);
    tcase_add_test(tests, test_an_edited_record_reads_as_a_models_edit);
    tcase_add_test(tests, test_error_modes);
    tcase_add_test(tests, test_config_rules_are_the_collectors);
    tcase_add_test(tests, test_blocks_have_contexts_conditions_and_modes);
    tcase_add_test(tests, test_a_block_whose_conditions_fail_does_not_run);
    tcase_add_test(tests, test_a_batch_that_is_refused_is_as_it_was);
    tcase_add_test(tests, test_statements_over_a_large_value_are_bounded);
    tcase_add_test(tests, test_every_allocation_may_fail);
}

int main(void)
{
    return component_run("transform", add_tests);
}
