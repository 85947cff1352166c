#pragma once

#include <check.h>

#include "base/alloc.h"
#include "base/payload.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "ottl/ottl.h"
#include "trace_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/protobuf.h"

/* Conditions asked of the one record of a request that is written as JSON. */
struct subject {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_payload *request;
    struct weft_ottl_run run;
};

static inline struct weft_slice field_of(struct weft_slice message, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    struct weft_slice found = WEFT_SLICE_EMPTY;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number) {
            found = field.bytes;
        }
    }
    return found;
}

/* item_field: of a span event in its span, or of the data in a Metric, whose first field its points are; 0 = none. */
static inline void subject_init(struct subject *subject, enum weft_signal signal, const char *json, uint32_t item_field)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_otlp_counts counts;
    const ProtobufCMessageDescriptor *roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    struct weft_json_schema *schema = weft_json_schema_new(roots[signal], WEFT_JSON_CAMEL_NAMES);
    *subject = (struct subject){ 0 };
    subject->pool = weft_payload_pool_new(&subject->budget, 0);
    subject->request = weft_payload_try_new(subject->pool, 0);
    enum weft_status status =
        weft_json_read_message(schema, weft_slice_of_text(json), NULL, subject->request, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    weft_json_schema_free(schema);
    ck_assert(weft_ottl_run_init(&subject->run, &error) == WEFT_OK);
    struct weft_slice resource = field_of(weft_payload_slice(subject->request), 1);
    struct weft_slice scope = field_of(resource, 2);
    struct weft_slice record = field_of(scope, 2);
    weft_ottl_record_set_resource(&subject->run.record, signal, resource);
    weft_ottl_record_set_scope(&subject->run.record, scope);
    weft_ottl_record_set_record(&subject->run.record, record);
    if (item_field != 0) {
        struct weft_slice item = field_of(record, item_field);
        weft_ottl_record_set_item(&subject->run.record, signal == WEFT_METRICS ? field_of(item, 1) : item);
    }
}

static inline void subject_fini(struct subject *subject)
{
    weft_ottl_run_fini(&subject->run);
    weft_payload_unref(&subject->request);
    weft_payload_pool_free(subject->pool);
}

enum { FALSE_NOW = 0, TRUE_NOW = 1, FAILS = -1, REFUSED = -2 };

/* error has the text of what FAILS or is REFUSED. */
static inline int ask(struct subject *subject, enum weft_ottl_context context, const char *text,
                      struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = context };
    struct weft_ottl_program *program = NULL;
    bool holds = false;
    *error = WEFT_ERROR_NONE;
    if (weft_ottl_program_new(weft_slice_of_text(text), &options, &program, error) != WEFT_OK) {
        return REFUSED;
    }
    weft_ottl_run_clear(&subject->run);
    enum weft_status status = weft_ottl_program_holds(program, &subject->run, &holds);
    *error = subject->run.error;
    weft_ottl_program_free(&program);
    return status != WEFT_OK ? FAILS : holds ? TRUE_NOW : FALSE_NOW;
}

struct question {
    const char *condition;
    int answer;
};

static inline void ask_all(struct subject *subject, enum weft_ottl_context context, const struct question *questions,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_error error;
        int answer = ask(subject, context, questions[i].condition, &error);
        ck_assert_msg(answer == questions[i].answer, "%s: %d, not %d (%s)", questions[i].condition, answer,
                      questions[i].answer, error.text);
    }
}
