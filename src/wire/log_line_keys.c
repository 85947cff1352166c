/* The keys that log lines of known producers have, and what each is for: one row per key. All others are
 * attributes. */
#include "base/assert.h"
#include "wire/log_line_internal.h"

#define AT(place) (1u << WEFT_LINE_PLACE_##place)

/* Objects of other producers in which ids are looked for. */
#define AT_NESTED                                                                                              \
    (AT(OPEN_TELEMETRY) | AT(OTEL) | AT(CONTEXT) | AT(CTX) | AT(SPAN_CONTEXT) | AT(PAYLOAD) | AT(ATTRIBUTES) | \
     AT(RESOURCE) | AT(EXTRA) | AT(MDC))
#define AT_RUST   (AT(FIELDS) | AT(SPAN) | AT(SPANS))
#define AT_IDS    (AT(TOP) | AT_RUST | AT_NESTED)
#define AT_EVENTS (AT(TOP) | AT(FIELDS))

#define ROW(text, role, argument, places)                               \
    {                                                                   \
        text, sizeof(text) - 1, WEFT_LINE_ROLE_##role, argument, places \
    }

#define TRACE(text, family, places)   ROW(text, TRACE_ID, WEFT_LINE_FAMILY_##family, places)
#define SPAN(text, family, places)    ROW(text, SPAN_ID, WEFT_LINE_FAMILY_##family, places)
#define FLAGS(text, family, places)   ROW(text, TRACE_FLAGS, WEFT_LINE_FAMILY_##family, places)
#define BODY(text)                    ROW(text, BODY, 0, AT_EVENTS)
#define TIME(text)                    ROW(text, TIME, 0, AT(TOP))
#define SEVERITY(text, scale, places) ROW(text, SEVERITY, WEFT_SEVERITY_##scale, places)
#define WORD(text, word)              ROW(text, WORD, WEFT_LINE_##word, AT_IDS)
#define PLACE(text, place)            ROW(text, PLACE, WEFT_LINE_PLACE_##place, AT(TOP))
#define HINT(text, hint)              ROW(text, HINT, WEFT_LINE_HINT_##hint, AT(TOP))
#define SERVICE(text, places)         ROW(text, SERVICE, WEFT_LINE_PLACE_SERVICE, places)
#define ENVIRONMENT(text, places)     ROW(text, ENVIRONMENT, 0, places)

static const struct weft_line_key keys[] = {
    /* ids: OpenTelemetry's names for logs that are not OTLP; inside `dd` they are Datadog's */
    TRACE("trace_id", SNAKE, AT_IDS | AT(DATADOG)),
    SPAN("span_id", SNAKE, AT_IDS | AT(DATADOG)),
    FLAGS("trace_flags", SNAKE, AT_IDS),
    TRACE("traceId", CAMEL, AT_IDS),
    TRACE("traceID", CAMEL, AT_IDS),
    TRACE("traceid", CAMEL, AT_IDS),
    TRACE("TraceId", CAMEL, AT_IDS),
    SPAN("spanId", CAMEL, AT_IDS),
    SPAN("spanID", CAMEL, AT_IDS),
    SPAN("spanid", CAMEL, AT_IDS),
    SPAN("SpanId", CAMEL, AT_IDS),
    FLAGS("traceFlags", CAMEL, AT_IDS),
    TRACE("otelTraceID", OTEL, AT_IDS),
    SPAN("otelSpanID", OTEL, AT_IDS),
    FLAGS("otelTraceSampled", OTEL, AT_IDS),
    TRACE("trace.id", ECS, AT_IDS),
    SPAN("span.id", ECS, AT_IDS),
    ROW("id", TRACE_ID, WEFT_LINE_FAMILY_ECS, AT(TRACE) | AT(SPAN)), /* in `span` it is that of the span */
    TRACE("dd.trace_id", DATADOG, AT_IDS),
    SPAN("dd.span_id", DATADOG, AT_IDS),
    TRACE("logging.googleapis.com/trace", GCP, AT_IDS),
    SPAN("logging.googleapis.com/spanId", GCP, AT_IDS),
    FLAGS("logging.googleapis.com/trace_sampled", GCP, AT_IDS),
    FLAGS("traceSampled", GCP, AT_IDS),
    TRACE("xray_trace_id", XRAY, AT_IDS),
    TRACE("x_amzn_trace_id", XRAY, AT_IDS),
    TRACE("x-amzn-trace-id", XRAY, AT_IDS),
    TRACE("X-Amzn-Trace-Id", XRAY, AT_IDS),
    TRACE("x-b3-traceid", B3, AT_IDS),
    TRACE("X-B3-TraceId", B3, AT_IDS),
    SPAN("x-b3-spanid", B3, AT_IDS),
    SPAN("X-B3-SpanId", B3, AT_IDS),
    FLAGS("x-b3-sampled", B3, AT_IDS),
    FLAGS("X-B3-Sampled", B3, AT_IDS),
    TRACE("b3", B3_SINGLE, AT_IDS),
    TRACE("uber-trace-id", UBER, AT_IDS),
    TRACE("traceparent", TRACEPARENT, AT_IDS),
    /* the text */
    BODY("message"),
    BODY("msg"),
    BODY("MESSAGE"),
    BODY("@message"),
    BODY("@m"),
    BODY("short_message"),
    BODY("textPayload"),
    ROW("body", LATE_BODY, 0, AT(TOP)),    /* OpenTelemetry's name, and many a request's */
    ROW("event", LATE_BODY, 0, AT_EVENTS), /* structlog */
    ROW("@mt", LATE_BODY, 0, AT(TOP)),     /* Serilog's template */
    /* when */
    TIME("timestamp"),
    TIME("time"),
    TIME("ts"),
    TIME("@timestamp"),
    TIME("asctime"),
    TIME("@t"),
    TIME("datetime"),
    TIME("eventTime"),
    TIME("__REALTIME_TIMESTAMP"),
    /* how bad */
    SEVERITY("level", ANY, AT(TOP) | AT(LOG)),
    SEVERITY("log.level", ANY, AT(TOP)),
    SEVERITY("loglevel", ANY, AT(TOP)),
    SEVERITY("log_level", ANY, AT(TOP)),
    SEVERITY("logLevel", ANY, AT(TOP)),
    SEVERITY("lvl", ANY, AT(TOP)),
    SEVERITY("@l", ANY, AT(TOP)),
    SEVERITY("severity_text", ANY, AT(TOP)),
    SEVERITY("severityText", ANY, AT(TOP)),
    SEVERITY("levelname", PYTHON, AT(TOP)),
    SEVERITY("levelno", PYTHON, AT(TOP)),
    SEVERITY("severity", GCP, AT(TOP)),
    SEVERITY("syslog.severity", SYSLOG, AT(TOP)),
    SEVERITY("PRIORITY", SYSLOG, AT(TOP)),
    ROW("severity_number", SEVERITY_NUMBER, 0, AT(TOP)),
    ROW("severityNumber", SEVERITY_NUMBER, 0, AT(TOP)),
    /* who */
    SERVICE("service", AT(TOP) | AT(DATADOG)),
    SERVICE("service.name", AT(TOP) | AT(RESOURCE)),
    SERVICE("service_name", AT(TOP)),
    SERVICE("otelServiceName", AT(TOP)),
    SERVICE("dd.service", AT(TOP)),
    SERVICE("name", AT(SERVICE)),
    ENVIRONMENT("environment", AT(TOP) | AT(SERVICE)),
    ENVIRONMENT("env", AT(TOP) | AT(DATADOG)),
    ENVIRONMENT("service.environment", AT(TOP)),
    ENVIRONMENT("deployment.environment", AT(TOP) | AT(RESOURCE)),
    ENVIRONMENT("deployment.environment.name", AT(TOP) | AT(RESOURCE)),
    ENVIRONMENT("dd.env", AT(TOP)),
    /* about what */
    WORD("request_id", REQUEST_ID),
    WORD("user_id", USER_ID),
    WORD("team_id", TEAM_ID),
    WORD("job_id", JOB_ID),
    ROW("target", TARGET, 0, AT_EVENTS),
    /* objects to look into */
    PLACE("fields", FIELDS),
    PLACE("span", SPAN),
    PLACE("spans", SPANS),
    PLACE("openTelemetry", OPEN_TELEMETRY),
    PLACE("otel", OTEL),
    PLACE("context", CONTEXT),
    PLACE("ctx", CTX),
    PLACE("span_context", SPAN_CONTEXT),
    PLACE("payload", PAYLOAD),
    PLACE("attributes", ATTRIBUTES),
    PLACE("resource", RESOURCE),
    PLACE("extra", EXTRA),
    PLACE("mdc", MDC),
    PLACE("dd", DATADOG),
    PLACE("trace", TRACE),
    PLACE("log", LOG),
    /* whose line it is, where numbers of levels mean different things */
    HINT("pid", PID),
    HINT("hostname", HOSTNAME),
    HINT("funcName", PYTHON),
    HINT("lineno", PYTHON),
    HINT("processName", PYTHON),
    HINT("threadName", PYTHON),
};

_Static_assert(WEFT_COUNT_OF(keys) < 255 && WEFT_COUNT_OF(keys) * 4 < WEFT_LINE_INDEX_SIZE, "an index of one byte");

void weft_line_keys_index(uint8_t index[WEFT_LINE_INDEX_SIZE])
{
    memset(index, 0, WEFT_LINE_INDEX_SIZE);
    for (size_t row = 0; row < WEFT_COUNT_OF(keys); row++) {
        size_t at = weft_line_key_hash(weft_line_key_text(&keys[row])) % WEFT_LINE_INDEX_SIZE;
        while (index[at] != 0) {
            weft_assert(strcmp(keys[index[at] - 1].text, keys[row].text) != 0);
            at = (at + 1) % WEFT_LINE_INDEX_SIZE;
        }
        index[at] = (uint8_t)(row + 1);
    }
}

/* Of two keys of one length. Short ones, which most are, without a call. */
static inline bool is_same(const uint8_t *left, const uint8_t *right, size_t length)
{
    if (length >= 8) {
        return weft_line_word_at(left) == weft_line_word_at(right) &&
               weft_line_word_at(left + length - 8) == weft_line_word_at(right + length - 8) &&
               (length <= 16 || memcmp(left + 8, right + 8, length - 16) == 0);
    }
    if (length >= 4) {
        return weft_line_half_word_at(left) == weft_line_half_word_at(right) &&
               weft_line_half_word_at(left + length - 4) == weft_line_half_word_at(right + length - 4);
    }
    return length == 0 || memcmp(left, right, length) == 0;
}

const struct weft_line_key *weft_line_keys_find(const uint8_t index[WEFT_LINE_INDEX_SIZE], struct weft_slice key,
                                                uint32_t hash)
{
    for (size_t at = hash % WEFT_LINE_INDEX_SIZE; index[at] != 0; at = (at + 1) % WEFT_LINE_INDEX_SIZE) {
        const struct weft_line_key *row = &keys[index[at] - 1];
        if (row->length == key.length && is_same((const uint8_t *)row->text, key.bytes, key.length)) {
            return row;
        }
    }
    return NULL;
}
