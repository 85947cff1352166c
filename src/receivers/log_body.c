/* A body of log lines becomes one request (log_body.h). Called by the inlets of `jsonlog`. Lines are counted when the
 * whole body is good: what is refused comes again. */
#include "receivers/log_body.h"

#include "receivers/log_chain.h"
#include "wire/lines.h"

void weft_log_bodies_init(struct weft_log_bodies *bodies, const struct weft_log_line_settings *settings)
{
    *bodies = (struct weft_log_bodies){ .request = weft_log_request_new(settings) };
}

void weft_log_bodies_fini(struct weft_log_bodies *bodies)
{
    weft_log_request_free(bodies->request);
}

/* What reading one body needs at each line. */
struct reading {
    struct weft_log_request *request;
    struct weft_log_line_counts counts;
    uint64_t observed_ns;
    size_t max_bytes;
};

static enum weft_status add(struct reading *reading, struct weft_slice text, struct weft_error *error)
{
    struct weft_log_line line;
    if (weft_log_request_add(reading->request, text, reading->observed_ns, &line) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for the lines");
    }
    if (weft_log_request_size_bytes(reading->request) > reading->max_bytes) {
        return weft_fail(error, WEFT_LIMIT, "the lines become more than %zu bytes", reading->max_bytes);
    }
    weft_log_line_count(&reading->counts, &line);
    return WEFT_OK;
}

static enum weft_status add_elements(struct reading *reading, struct weft_slice body, struct weft_error *error)
{
    struct weft_json_elements elements = weft_json_elements_of(body);
    for (;;) {
        struct weft_slice element;
        bool has_element;
        enum weft_status status = weft_json_elements_next(&elements, &element, &has_element, error);
        if (status != WEFT_OK || !has_element) {
            return status;
        }
        status = add(reading, element, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
}

static enum weft_status add_lines(struct reading *reading, struct weft_slice body, struct weft_error *error)
{
    struct weft_lines lines = weft_lines_of(body);
    struct weft_slice line;
    while (weft_lines_next(&lines, &line)) {
        enum weft_status status = add(reading, line, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static void add_lines_to_chain(struct weft_log_chain *chain, struct weft_slice body, uint64_t observed_ns)
{
    struct weft_lines lines = weft_lines_of(body);
    struct weft_slice line;
    weft_log_chain_begin(chain);
    while (weft_lines_next(&lines, &line)) {
        weft_log_chain_add(chain, line, observed_ns);
    }
}

static enum weft_status finish(const struct weft_log_request *request, struct weft_payload_pool *pool,
                               struct weft_payload **out_message, struct weft_otlp_counts *out_counts,
                               struct weft_error *error)
{
    struct weft_payload *message = weft_payload_try_new(pool, weft_log_request_size_bytes(request));
    if (message == NULL || weft_log_request_finish(request, message, out_counts) != WEFT_OK) {
        weft_payload_unref(&message);
        return weft_fail(error, WEFT_NOMEM, "no memory for the request");
    }
    *out_message = message;
    return WEFT_OK;
}

static void add_counts(struct weft_log_line_counts *sum, const struct weft_log_line_counts *counts)
{
    _Static_assert(sizeof *counts % sizeof(uint64_t) == 0, "counters and nothing else");
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)counts;
    for (size_t i = 0; i < sizeof *counts / sizeof *from; i++) {
        to[i] += from[i];
    }
}

bool weft_log_bodies_has_rest(const struct weft_log_bodies *bodies)
{
    return bodies->chain != NULL && weft_log_request_count(bodies->request) > 0;
}

uint64_t weft_log_bodies_lost(const struct weft_log_bodies *bodies)
{
    return bodies->chain == NULL ? 0 : weft_log_chain_lost(bodies->chain);
}

/* Lines are read once, whatever happens: operators keep state from one to the next. */
static enum weft_status read_through_chain(struct weft_log_bodies *bodies, struct weft_slice body, uint64_t observed_ns,
                                           struct weft_payload_pool *pool, struct weft_payload **out_message,
                                           struct weft_otlp_counts *out_counts, struct weft_error *error)
{
    size_t read = bodies->read_ahead < body.length ? bodies->read_ahead : body.length;
    add_lines_to_chain(bodies->chain, read == 0 ? body : weft_slice_of(body.bytes + read, body.length - read),
                       observed_ns);
    enum weft_status status = finish(bodies->request, pool, out_message, out_counts, error);
    size_t left = bodies->read_ahead - read; /* of lines that come again, behind an empty body */
    bodies->read_ahead = status == WEFT_OK ? left : body.length + left;
    if (status == WEFT_OK) {
        weft_log_request_clear(bodies->request);
    }
    return status;
}

enum weft_status weft_log_bodies_read(struct weft_log_bodies *bodies, struct weft_slice body, bool may_be_array,
                                      size_t max_bytes, struct weft_wall observed, struct weft_payload_pool *pool,
                                      struct weft_payload **out_message, struct weft_otlp_counts *out_counts,
                                      struct weft_error *error)
{
    if (bodies->chain != NULL) {
        return read_through_chain(bodies, body, (uint64_t)observed.ns, pool, out_message, out_counts, error);
    }
    struct reading reading = { .request = bodies->request,
                               .observed_ns = (uint64_t)observed.ns,
                               .max_bytes = max_bytes };
    bool is_array = may_be_array && body.length > 0 && body.bytes[0] == '[';
    enum weft_status status = is_array ? add_elements(&reading, body, error) : add_lines(&reading, body, error);
    if (status == WEFT_OK) {
        status = finish(bodies->request, pool, out_message, out_counts, error);
    }
    weft_log_request_clear(bodies->request);
    if (status == WEFT_OK) {
        add_counts(&bodies->counts, &reading.counts);
    }
    return status;
}

void weft_log_bodies_collect(const struct weft_log_bodies *bodies, const char *receiver_id, const char *transport,
                             struct weft_samples *samples)
{
    const struct weft_log_line_counts *counts = &bodies->counts;
    weft_samples_add(samples, "weft_receiver_lines", "Log lines read", WEFT_SAMPLE_COUNTER, (double)counts->lines,
                     WEFT_LABELS({ "receiver", receiver_id }, { "transport", transport }));
    for (int i = 0; i < WEFT_LINE_FLAG_COUNT; i++) {
        weft_samples_add(samples, "weft_receiver_lines_flagged", "Log lines by what was found in them",
                         WEFT_SAMPLE_COUNTER, (double)counts->flags[i],
                         WEFT_LABELS({ "receiver", receiver_id }, { "transport", transport },
                                     { "flag", weft_line_flag_name((enum weft_line_flag)i) }));
    }
    for (int i = WEFT_ID_PROBLEM_OK + 1; i < WEFT_ID_PROBLEM_COUNT; i++) {
        weft_samples_add(samples, "weft_receiver_lines_without_id", "Log lines without a usable trace id, by reason",
                         WEFT_SAMPLE_COUNTER, (double)counts->id_problems[i],
                         WEFT_LABELS({ "receiver", receiver_id }, { "transport", transport },
                                     { "reason", weft_id_problem_name((enum weft_id_problem)i) }));
    }
    for (int i = WEFT_ID_NONE + 1; i < WEFT_ID_KIND_COUNT; i++) {
        weft_samples_add(samples, "weft_receiver_lines_with_id", "Log lines with a trace id, by the form it had",
                         WEFT_SAMPLE_COUNTER, (double)counts->id_kinds[i],
                         WEFT_LABELS({ "receiver", receiver_id }, { "transport", transport },
                                     { "form", weft_id_kind_name((enum weft_id_kind)i) }));
    }
}
