#pragma once

#include "component_test.h"
#include "metrics_service.pb-c.h"
#include "wire/json_reader.h"

/* Metrics as OTLP/JSON, as a request's bytes in out; "'" stands for a quotation mark. resource, scope: their members,
 * metrics: theirs. */
static inline void metrics_request(const char *resource, const char *scope, const char *metrics,
                                   struct weft_buffer *out)
{
    struct weft_json_schema *schema = weft_json_schema_new(
        &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor, WEFT_JSON_ALL_NAMES);
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    struct weft_payload *payload = weft_payload_try_new(pool, 1);
    struct weft_buffer json = { 0 };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_buffer_append_format(&json,
                              "{'resourceMetrics':[{'resource':{%s},'scopeMetrics':[{'scope':{%s},'metrics':[%s]}]}]}",
                              resource, scope, metrics);
    for (size_t i = 0; i < json.length; i++) {
        json.bytes[i] = json.bytes[i] == '\'' ? '"' : json.bytes[i];
    }
    ck_assert_msg(weft_json_read_message(schema, weft_buffer_slice(&json), NULL, payload, &counts, &error) == WEFT_OK,
                  "%s: %s", metrics, error.text);
    struct weft_slice bytes = weft_payload_slice(payload);
    weft_buffer_clear(out);
    weft_buffer_append(out, bytes.bytes, bytes.length);
    weft_buffer_fini(&json);
    weft_payload_unref(&payload);
    weft_payload_pool_free(pool);
    weft_json_schema_free(schema);
}
