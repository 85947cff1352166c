/* The check of export requests beside protobuf-c: what is accepted is what that reads, with the same counts, and the
 * rules are the schema. */
#include "wire/wire_test.h"

#include "wire/otlp_rules.h"

static enum weft_status check(enum weft_signal signal, struct weft_slice request, struct weft_otlp_counts *out_counts)
{
    return weft_otlp_check(signal, request, NULL, out_counts, NULL);
}

/* ---- against protobuf-c ---- */

static uint32_t oracle_points(const Opentelemetry__Proto__Trace__V1__Span *record)
{
    const Opentelemetry__Proto__Metrics__V1__Metric *metric = (const void *)record;
    switch (metric->data_case) {
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_GAUGE:
        return (uint32_t)metric->gauge->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM:
        return (uint32_t)metric->sum->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_HISTOGRAM:
        return (uint32_t)metric->histogram->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
        return (uint32_t)metric->exponential_histogram->n_data_points;
    case OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUMMARY:
        return (uint32_t)metric->summary->n_data_points;
    default:
        return 0;
    }
}

static struct weft_otlp_counts oracle_counts(enum weft_signal signal, const any_request *request)
{
    struct weft_otlp_counts counts = { .resources = (uint32_t)request->n_resource_spans };
    for (size_t i = 0; i < request->n_resource_spans; i++) {
        const any_resource *resource = request->resource_spans[i];
        counts.scopes += (uint32_t)resource->n_scope_spans;
        for (size_t j = 0; j < resource->n_scope_spans; j++) {
            const any_scope *scope = resource->scope_spans[j];
            counts.records += (uint32_t)scope->n_spans;
            for (size_t k = 0; k < scope->n_spans; k++) {
                counts.data_points += signal == WEFT_METRICS ? oracle_points(scope->spans[k]) : 1;
            }
        }
    }
    return counts;
}

START_TEST(test_random_requests_are_accepted_and_counted_as_protobuf_c_does)
{
    uint64_t records = 0;
    for (uint64_t seed = 0; seed < 900; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % 3);
        struct random random = { .state = seed, .is_plain = seed % 7 == 0 };
        struct weft_slice request = random_request(&random, signal);
        struct weft_otlp_counts counts;
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = weft_otlp_check(signal, request, NULL, &counts, &error);
        ck_assert_msg(status == WEFT_OK, "seed %u: %s", (unsigned)seed, error.text);
        any_request *oracle = oracle_read(signal, request);
        ck_assert_ptr_nonnull(oracle);
        assert_counts_equal(counts, oracle_counts(signal, oracle));
        records += counts.records;
        oracle_free(oracle);
        slice_free(request);
    }
    ck_assert_uint_gt(records, 1000);
}
END_TEST

/* True if unpacking fails for a reason that is none of ours: protobuf-c does not know groups. */
static bool has_group(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.type == WEFT_WIRE_GROUP_START) {
            return true;
        }
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
        if (known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE && has_group(known->descriptor, field.bytes)) {
            return true;
        }
    }
    return false;
}

START_TEST(test_what_is_accepted_after_any_change_of_a_byte_protobuf_c_reads_too)
{
    size_t accepted = 0;
    size_t refused = 0;
    for (uint64_t seed = 0; seed < 6; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % 3);
        struct random random = { .state = seed * 77 + 5 };
        struct weft_slice request = random_request(&random, signal);
        uint8_t *bytes = (uint8_t *)(uintptr_t)request.bytes;
        for (size_t i = 0; i < request.length && i < 1200; i++) {
            uint8_t original = bytes[i];
            for (unsigned change = 0; change < 10; change++) {
                bytes[i] = change < 8 ? original ^ (uint8_t)(1u << change) : change == 8 ? 0 : 0xff;
                struct weft_otlp_counts counts;
                if (check(signal, request, &counts) != WEFT_OK) {
                    refused++;
                    continue;
                }
                accepted++;
                any_request *oracle = oracle_read(signal, request);
                ck_assert(oracle != NULL || has_group(weft_otlp_request_descriptor(signal), request));
                if (oracle != NULL) {
                    oracle_free(oracle);
                }
            }
            bytes[i] = original;
        }
        slice_free(request);
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

/* A cut is seen unless it lies between two fields of the request itself. */
START_TEST(test_every_cut_is_refused_unless_between_resources)
{
    for (uint64_t seed = 0; seed < 9; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % 3);
        struct random random = { .state = seed * 31 + 1 };
        struct weft_slice request = random_request(&random, signal);
        struct weft_wire_reader reader = weft_wire_reader_of(request);
        for (size_t length = 0; length <= request.length; length++) {
            struct weft_wire_field field;
            bool has_field = true;
            while (has_field && (size_t)(reader.at - request.bytes) < length) {
                ck_assert_int_eq(weft_wire_next(&reader, &field, &has_field, NULL), WEFT_OK);
            }
            bool is_between = (size_t)(reader.at - request.bytes) == length;
            uint8_t *cut = weft_alloc(length + (length == 0));
            memcpy(cut, request.bytes, length);
            struct weft_otlp_counts counts;
            ck_assert_int_eq(check(signal, weft_slice_of(cut, length), &counts), is_between ? WEFT_OK : WEFT_INVALID);
            weft_free(cut);
        }
        slice_free(request);
    }
}
END_TEST

/* ---- the tables against the schema ---- */

static enum weft_otlp_kind expected_kind(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        static const struct {
            const char *name;
            enum weft_otlp_kind kind;
        } counted[] = {
            { "KeyValue", OTLP_ATTRIBUTE },
            { "Span", OTLP_RECORD },
            { "Metric", OTLP_RECORD },
            { "LogRecord", OTLP_RECORD },
            { "Profile", OTLP_RECORD },
            { "ScopeSpans", OTLP_SCOPE_X },
            { "ScopeMetrics", OTLP_SCOPE_X },
            { "ScopeLogs", OTLP_SCOPE_X },
            { "ScopeProfiles", OTLP_SCOPE_X },
            { "ResourceSpans", OTLP_RESOURCE_X },
            { "ResourceMetrics", OTLP_RESOURCE_X },
            { "ResourceLogs", OTLP_RESOURCE_X },
            { "ResourceProfiles", OTLP_RESOURCE_X },
        };
        const ProtobufCMessageDescriptor *child = field->descriptor;
        for (size_t i = 0; i < WEFT_COUNT_OF(counted); i++) {
            if (strcmp(child->short_name, counted[i].name) == 0) {
                return counted[i].kind;
            }
        }
        return OTLP_MESSAGE;
    }
    if (is_id_field(field)) {
        return id_length_of(field) == 16 ? OTLP_TRACE_ID : OTLP_SPAN_ID;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
        return field->type == PROTOBUF_C_TYPE_STRING ? OTLP_STRING : OTLP_BYTES;
    }
    bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    size_t fixed = fixed_size_of(field->type);
    return fixed == 4   ? OTLP_FIXED32
           : fixed == 8 ? (is_repeated ? OTLP_PACKED_FIXED64 : OTLP_FIXED64)
                        : (is_repeated ? OTLP_PACKED_VARINT : OTLP_VARINT);
}

static unsigned expected_wire_type(enum weft_otlp_kind kind)
{
    return kind == OTLP_VARINT    ? WEFT_WIRE_VARINT
           : kind == OTLP_FIXED64 ? WEFT_WIRE_FIXED64
           : kind == OTLP_FIXED32 ? WEFT_WIRE_FIXED32
                                  : WEFT_WIRE_BYTES;
}

static void assert_rules_match(enum weft_otlp_message message, const ProtobufCMessageDescriptor *descriptor,
                               const ProtobufCMessageDescriptor **seen)
{
    if (seen[message] != NULL) {
        ck_assert_ptr_eq(seen[message], descriptor);
        return;
    }
    seen[message] = descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        ck_assert_uint_lt(descriptor->fields[i].id, WEFT_OTLP_FIELD_LIMIT);
    }
    for (unsigned number = 0; number < WEFT_OTLP_FIELD_LIMIT; number++) {
        struct weft_otlp_rule rule = weft_otlp_rules[message][number];
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, number);
        if (field == NULL) {
            ck_assert_int_eq(rule.kind, OTLP_UNKNOWN);
            continue;
        }
        ck_assert_msg(rule.kind == expected_kind(field), "%s.%s", descriptor->name, field->name);
        ck_assert_uint_eq(rule.wire_type, expected_wire_type(rule.kind));
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            assert_rules_match(rule.child, field->descriptor, seen);
        }
    }
}

START_TEST(test_rules_are_the_schema)
{
    const ProtobufCMessageDescriptor *seen[OTLP_MESSAGE_COUNT] = { NULL };
    assert_rules_match(OTLP_TRACES_REQUEST, weft_otlp_request_descriptor(WEFT_TRACES), seen);
    assert_rules_match(OTLP_METRICS_REQUEST, weft_otlp_request_descriptor(WEFT_METRICS), seen);
    assert_rules_match(OTLP_LOGS_REQUEST, weft_otlp_request_descriptor(WEFT_LOGS), seen);
    assert_rules_match(OTLP_PROFILES_REQUEST, weft_otlp_request_descriptor(WEFT_PROFILES), seen);
    for (size_t i = 0; i < OTLP_MESSAGE_COUNT; i++) {
        ck_assert(seen[i] != NULL || i == OTLP_DEEPEST_LIST);
    }
    for (size_t i = 0; i < WEFT_OTLP_FIELD_LIMIT; i++) {
        struct weft_otlp_rule expected = weft_otlp_rules[OTLP_KEY_VALUE_LIST][i];
        expected.kind = expected.kind == OTLP_ATTRIBUTE ? OTLP_MESSAGE : expected.kind;
        ck_assert_mem_eq(&weft_otlp_rules[OTLP_DEEPEST_LIST][i], &expected, sizeof expected);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_random_requests_are_accepted_and_counted_as_protobuf_c_does,
        test_what_is_accepted_after_any_change_of_a_byte_protobuf_c_reads_too,
        test_every_cut_is_refused_unless_between_resources,
        test_rules_are_the_schema,
    };
    return run_tests("otlp_check_protobuf", tests, WEFT_COUNT_OF(tests));
}
