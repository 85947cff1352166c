#pragma once

#include "component_test.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "wire/json_reader.h"

extern const struct weft_component weft_processor_redaction;

/* OTLP/JSON with ' for ": attributes and values. */
#define ATTRIBUTE(key, value) "{'key':'" key "','value':" value "}"
#define STRING(text)          "{'stringValue':'" text "'}"
#define INT(number)           "{'intValue':" number "}"
#define MAP(members)          "{'kvlistValue':{'values':[" members "]}}"
#define ARRAY(values)         "{'arrayValue':{'values':[" values "]}}"
#define TEXT(key, text)       ATTRIBUTE(key, STRING(text))
#define COUNT(key, number)    ATTRIBUTE("redaction." key ".count", INT(number))
#define KEYS(key, names)      TEXT("redaction." key ".keys", names)

#define SPAN(attributes) "{'resourceSpans':[{'scopeSpans':[{'spans':[{'attributes':[" attributes "]}]}]}]}"
#define LOG(attributes)  "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{'attributes':[" attributes "]}]}]}]}"
#define LOG_BODY(body, attributes) \
    "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{'body':" body ",'attributes':[" attributes "]}]}]}]}"

static inline enum weft_signal signal_of(const char *json)
{
    return strncmp(json, "{'resourceSpans", 15) == 0  ? WEFT_TRACES
           : strncmp(json, "{'resourceLogs", 14) == 0 ? WEFT_LOGS
                                                      : WEFT_METRICS;
}

static inline struct weft_json_schema *schema_of(enum weft_signal signal)
{
    const ProtobufCMessageDescriptor *const roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    return weft_json_schema_new(roots[signal], WEFT_JSON_CAMEL_NAMES);
}

/* The request as wire bytes, the caller's. */
static inline struct weft_buffer request_of(const char *json)
{
    struct weft_buffer text = { 0 };
    struct weft_buffer out = { 0 };
    struct weft_json_schema *schema = schema_of(signal_of(json));
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, 0);
    weft_buffer_append_text(&text, json);
    for (size_t i = 0; i < text.length; i++) {
        text.bytes[i] = text.bytes[i] == '\'' ? '"' : text.bytes[i];
    }
    enum weft_status status = weft_json_read_message(schema, weft_buffer_slice(&text), NULL, payload, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", json, error.text);
    struct weft_slice bytes = weft_payload_slice(payload);
    weft_buffer_append(&out, bytes.bytes, bytes.length);
    weft_json_schema_free(schema);
    weft_payload_unref(&payload);
    weft_buffer_fini(&text);
    return out;
}

static inline bool contains(struct weft_slice bytes, const char *text)
{
    return memmem(bytes.bytes, bytes.length, text, strlen(text)) != NULL;
}
