/* One span or log record of a template (record.h). */
#include "load/record.h"

#include <string.h>

#include "lib/walk.h"

static const uint8_t zeros[16];

/* Appends the field and returns where its value begins. */
static uint32_t put_fixed(struct bench_bytes *out, uint32_t number, size_t length)
{
    bench_put_bytes(out, number, zeros, length);
    return (uint32_t)(out->length - length);
}

static uint32_t put_time(struct bench_bytes *out, uint32_t number)
{
    bench_put_fixed64(out, number, 0);
    return (uint32_t)(out->length - 8);
}

static void put_event(const struct shape *shape, struct bench_random *random, struct bench_bytes *out)
{
    struct bench_bytes event = { 0 };
    bench_put_fixed64(&event, 1, UINT64_C(1700000000000000000) + bench_random_below(random, 1000000000));
    bench_put_bytes(&event, 2, shape->event_name, strlen(shape->event_name));
    shape_put_attributes(&shape->event_attribute, 3, random, &event);
    bench_put_bytes(out, BENCH_SPAN_EVENTS, event.bytes, event.length);
    bench_bytes_free(&event);
}

/* The digits change; they are those of the trace's job. */
static uint32_t put_job(uint32_t field, struct bench_bytes *out)
{
    static const uint8_t job[] = "\x0a\x06"
                                 "job_id"
                                 "\x12\x16"
                                 "\x0a\x14"
                                 "job_0000000000000000";
    bench_put_bytes(out, field, job, sizeof job - 1);
    return (uint32_t)out->length - TRACES_JOB_DIGITS;
}

/* What decides on a trace that is dealt: an attribute behind all others, and a status. All is there in every span. */
static void put_decisive(struct template_span *span, struct bench_bytes *out)
{
    static const uint8_t tier[] = "\x0a\x0a"
                                  "bench.tier"
                                  "\x12\x06"
                                  "\x0a\x04"
                                  "free";
    static const uint8_t status[] = { 0x18, 1 };
    bench_put_bytes(out, BENCH_SPAN_ATTRIBUTES, tier, sizeof tier - 1);
    span->tier = (uint32_t)out->length - 4;
    bench_put_bytes(out, BENCH_SPAN_STATUS, status, sizeof status);
    span->status_code = (uint32_t)out->length - 1;
}

struct template_span record_put_span(const struct shape *shape, uint64_t place, const struct traces *traces,
                                     struct bench_random *random, struct bench_bytes *out)
{
    struct template_span span = { 0 };
    struct bench_bytes name = { 0 };
    span.trace_id = put_fixed(out, BENCH_SPAN_TRACE_ID, 16);
    span.span_id = put_fixed(out, BENCH_SPAN_SPAN_ID, 8);
    if (place > 0) {
        span.parent_back = 1 + (uint32_t)bench_random_below(random, place);
        span.parent_span_id = put_fixed(out, BENCH_SPAN_PARENT_SPAN_ID, 8);
    }
    shape_put_text(&shape->span_name, random, &name);
    bench_put_bytes(out, BENCH_SPAN_NAME, name.bytes, name.length);
    bench_put_tag(out, BENCH_SPAN_KIND, 0);
    bench_put_varint(out, place == 0 ? 2 : 1 + bench_random_below(random, 3));
    span.start_time = put_time(out, BENCH_SPAN_START);
    span.end_time = put_time(out, BENCH_SPAN_END);
    span.duration_ns = 50000 + bench_random_below(random, 40000000);
    shape_put_attributes(&shape->attribute, BENCH_SPAN_ATTRIBUTES, random, out);
    if (bench_random_below(random, 100) < shape->events_percent) {
        put_event(shape, random, out);
    }
    if (traces != NULL) {
        span.job = traces->job > 0 && place == 0 ? put_job(BENCH_SPAN_ATTRIBUTES, out) : 0;
        put_decisive(&span, out);
    } else if (bench_random_below(random, 100) < shape->errors_percent) {
        bench_put_bytes(out, BENCH_SPAN_STATUS, "\x12\x07timeout\x18\x02", 11);
    }
    bench_bytes_free(&name);
    return span;
}

/* As SDKs write it: fields in their order, the flags those of a sampled trace. */
struct template_span record_put_line(const struct shape *shape, const struct traces *traces,
                                     struct bench_random *random, struct bench_bytes *out)
{
    struct template_span line = { 0 };
    struct bench_bytes text = { 0 }, body = { 0 };
    bool is_error = bench_random_below(random, 100) < shape->errors_percent;
    line.start_time = put_time(out, BENCH_LOG_RECORD_TIME);
    bench_put_tag(out, BENCH_LOG_RECORD_SEVERITY, 0);
    bench_put_varint(out, is_error ? 17 : 9);
    bench_put_bytes(out, BENCH_LOG_RECORD_SEVERITY_TEXT, is_error ? "ERROR" : "INFO", is_error ? 5 : 4);
    shape_put_text(&shape->span_name, random, &text);
    bench_put_bytes(&body, 1, text.bytes, text.length);
    bench_put_bytes(out, BENCH_LOG_RECORD_BODY, body.bytes, body.length);
    shape_put_attributes(&shape->attribute, BENCH_LOG_RECORD_ATTRIBUTES, random, out);
    line.job = traces->job > 0 ? put_job(BENCH_LOG_RECORD_ATTRIBUTES, out) : 0;
    bench_bytes_append(out, "\x45\x01\0\0\0", 5); /* flags, fixed32 */
    line.trace_id = put_fixed(out, BENCH_LOG_RECORD_TRACE_ID, 16);
    line.span_id = put_fixed(out, BENCH_LOG_RECORD_SPAN_ID, 8);
    line.end_time = put_time(out, BENCH_LOG_RECORD_OBSERVED);
    bench_bytes_free(&text);
    bench_bytes_free(&body);
    return line;
}
