#pragma once

/* A text through the OTLP/JSON reader, in memory of its own. */
#include "wire/wire_test.h"

#include <math.h>
#include <stdio.h>

#include "base/payload.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

#define SPAN    (&opentelemetry__proto__trace__v1__span__descriptor)
#define VALUE   (&opentelemetry__proto__common__v1__any_value__descriptor)
#define ATTR    (&opentelemetry__proto__common__v1__key_value__descriptor)
#define POINT   (&opentelemetry__proto__metrics__v1__histogram_data_point__descriptor)
#define NUMBER  (&opentelemetry__proto__metrics__v1__number_data_point__descriptor)
#define BUCKETS (&opentelemetry__proto__metrics__v1__exponential_histogram_data_point__buckets__descriptor)
#define TRACES  (&opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor)

/* Where one text was read to. */
struct reading {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_payload *payload;
    enum weft_status status;
    struct weft_error error;
    struct weft_otlp_counts counts;
};

/* The text lies in memory of its own, so that a read past the end is seen. */
static inline void reading_run(struct reading *reading, const struct weft_json_schema *schema, struct weft_slice text,
                               const struct weft_json_limits *limits)
{
    uint8_t *copy = weft_alloc(text.length > 0 ? text.length : 1);
    memcpy(copy, text.bytes, text.length);
    *reading = (struct reading){ .error = WEFT_ERROR_NONE };
    reading->pool = weft_payload_pool_new(&reading->budget, 0);
    reading->payload = weft_payload_try_new(reading->pool, 0);
    reading->status = weft_json_read_message(schema, weft_slice_of(copy, text.length), limits, reading->payload,
                                             &reading->counts, &reading->error);
    ck_assert_int_eq(reading->error.status, reading->status);
    ck_assert(reading->status == WEFT_OK || reading->payload->length == 0);
    ck_assert_uint_eq(weft_budget_reserved(&reading->budget), reading->payload->resident);
    /* nothing was written beyond the end: no page more is charged than the length takes */
    ck_assert(reading->status != WEFT_OK || reading->payload->resident < reading->payload->length + 4096);
    weft_free(copy);
}

static inline void reading_fini(struct reading *reading)
{
    weft_payload_unref(&reading->payload);
    weft_payload_pool_free(reading->pool);
}

static inline void read_text(struct reading *reading, const ProtobufCMessageDescriptor *descriptor,
                             struct weft_slice text)
{
    struct weft_json_schema *schema = weft_json_schema_new(descriptor, WEFT_JSON_CAMEL_NAMES);
    reading_run(reading, schema, text, NULL);
    weft_json_schema_free(schema);
}

static inline void assert_read(const ProtobufCMessageDescriptor *descriptor, struct weft_slice text,
                               struct weft_slice expected)
{
    struct reading reading;
    read_text(&reading, descriptor, text);
    ck_assert_msg(reading.status == WEFT_OK, "%.*s: %s", WEFT_SLICE_PRINT(text), reading.error.text);
    struct weft_slice read = weft_payload_slice(reading.payload);
    ck_assert_msg(weft_slice_equal(read, expected), "%.*s", WEFT_SLICE_PRINT(text));
    reading_fini(&reading);
}

static inline void assert_refused(const ProtobufCMessageDescriptor *descriptor, struct weft_slice text,
                                  const char *expected)
{
    struct reading reading;
    read_text(&reading, descriptor, text);
    ck_assert_int_eq(reading.status, WEFT_INVALID);
    ck_assert_str_eq(reading.error.text, expected);
    reading_fini(&reading);
}

#define ck_assert_read(descriptor, text, bytes) \
    assert_read(descriptor, WEFT_SLICE_LITERAL(text), WEFT_SLICE_LITERAL(bytes))
#define ck_assert_refused(descriptor, text, expected) assert_refused(descriptor, WEFT_SLICE_LITERAL(text), expected)
