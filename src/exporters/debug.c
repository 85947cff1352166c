/* Exporter `debug`: shows what passes, for a person who looks, and counts it as sent.
 *
 * Each batch gets a line with its counts; `normal` adds a line for each resource, scope, span, data point and log
 * record, `detailed` one for each of their fields (debug_text.h). With use_internal_logger all goes to the log, a
 * record a line; without, to output_paths. Sampling is per second. What goes to the log is sent at once, and is lost
 * where nobody reads the log; what goes to a stream is sent when it was written (output.h). What could not be shown,
 * for want of memory or because a stream is closed, is sent too; there is nobody to tell. */
#include "weft/component.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "exporters/debug_text.h"
#include "exporters/output.h"

enum verbosity { VERBOSITY_BASIC, VERBOSITY_NORMAL, VERBOSITY_DETAILED };

struct debug_config {
    struct weft_choice verbosity;
    uint64_t sampling_initial;
    uint64_t sampling_thereafter;
    bool use_internal_logger;
    struct weft_config_strings output_paths;
    uint64_t max_buffered_bytes;
    bool has_queue; /* the queue is checked and not there */
    struct weft_queue_config sending_queue;
};

struct debug_exporter {
    struct weft_consumer consumer;
    const struct debug_config *config;
    enum weft_signal signal;
    struct weft_monotonic second; /* when the second that is sampled began */
    uint64_t in_second;           /* batches since then */
    struct weft_output_queue queue;
    struct weft_buffer text; /* scratch: lines for the log */
    struct weft_buffer request;
};

static const char *const verbosity_words[] = { "basic", "normal", "detailed", NULL };

static const struct weft_field debug_fields[] = {
    WEFT_FIELD_CHOICE(
        struct debug_config, verbosity, verbosity_words, "basic",
        "basic: counts; normal: a line per resource, scope, span, data point and log record; detailed: all "
        "of their fields.",
        .ignores_case = true),
    WEFT_FIELD(struct debug_config, sampling_initial, "2", "Batches shown in each second whatever comes."),
    WEFT_FIELD(struct debug_config, sampling_thereafter, "1", "After those, every so many-th is shown; 0 = none."),
    WEFT_FIELD(struct debug_config, use_internal_logger, "true", "Write to weft's log; else to output_paths."),
    WEFT_FIELD_OPTIONAL(struct debug_config, sending_queue, has_queue, weft_queue_fields, "off",
                        "weft's debug takes each batch at once.", .has_no_effect = true),
    WEFT_FIELD(struct debug_config, output_paths, "[stdout]", "stdout and stderr; only without use_internal_logger."),
    WEFT_FIELD(struct debug_config, max_buffered_bytes, "4194304",
               "So much waits on each worker for a stream that nobody reads; then senders wait.", .minimum = 1,
               .maximum = 1 << 30),
    WEFT_FIELDS_END,
};

/* -1 for what is neither. */
static int descriptor_of(const char *path)
{
    return strcmp(path, "stdout") == 0 ? STDOUT_FILENO : strcmp(path, "stderr") == 0 ? STDERR_FILENO : -1;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct debug_config *config = untyped;
    bool is_default = config->output_paths.count == 1 && strcmp(config->output_paths.items[0], "stdout") == 0;
    if (config->use_internal_logger && !is_default) {
        return weft_fail(error, WEFT_INVALID, "output_paths requires use_internal_logger to be false");
    }
    if (config->output_paths.count == 0) {
        return weft_fail(error, WEFT_INVALID, "output_paths must not be empty");
    }
    if (config->has_queue && weft_queue_config_validate(&config->sending_queue, error) != WEFT_OK) {
        return WEFT_INVALID;
    }
    for (size_t i = 0; i < config->output_paths.count; i++) {
        if (descriptor_of(config->output_paths.items[i]) < 0) {
            return weft_fail(error, WEFT_UNSUPPORTED, "output_paths: weft writes to stdout and stderr, not to \"%s\"",
                             config->output_paths.items[i]);
        }
    }
    return WEFT_OK;
}

/* ---- the streams ---- */

enum { STREAMS = 2 };

struct streams {
    int descriptors[STREAMS];
    size_t count;
};

/* The whole text or as much of it as the other side takes: there is nobody to tell. A stream that another process
 * shares may be non-blocking by that one's doing. */
static void write_all(int descriptor, struct weft_slice text)
{
    while (text.length > 0) {
        ssize_t written = write(descriptor, text.bytes, text.length);
        if (written < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){ .fd = descriptor, .events = POLLOUT }, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return;
        }
        size_t done = written < 0 ? 0 : (size_t)written;
        text = weft_slice_of(text.bytes + done, text.length - done);
    }
}

static enum weft_status write_to_streams(void *sink, struct weft_slice bytes, struct weft_error *error)
{
    const struct streams *streams = sink;
    (void)error;
    for (size_t i = 0; i < streams->count; i++) {
        write_all(streams->descriptors[i], bytes);
    }
    return WEFT_OK;
}

static void forget_streams(void *sink)
{
    weft_free(sink);
}

static const struct weft_output_kind streams_kind = { .write = write_to_streams, .close = forget_streams };

static void add_stream(struct streams *streams, int descriptor)
{
    bool is_there = false;
    for (size_t i = 0; i < streams->count; i++) {
        is_there = is_there || streams->descriptors[i] == descriptor;
    }
    if (!is_there) {
        weft_assert(streams->count < STREAMS);
        streams->descriptors[streams->count++] = descriptor;
    }
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    const struct debug_config *config = untyped;
    struct streams *streams = weft_alloc(sizeof *streams);
    (void)id;
    (void)budget;
    (void)error;
    if (config->use_internal_logger) {
        add_stream(streams, STDERR_FILENO);
    }
    for (size_t i = 0; !config->use_internal_logger && i < config->output_paths.count; i++) {
        add_stream(streams, descriptor_of(config->output_paths.items[i]));
    }
    *out_shared = weft_output_new(&streams_kind, streams);
    return WEFT_OK;
}

static void free_shared(void *shared)
{
    weft_output_free(shared);
}

/* ---- what is shown ---- */

static bool is_sampled(struct debug_exporter *exporter)
{
    const struct debug_config *config = exporter->config;
    struct weft_monotonic now = weft_timers_now(exporter->consumer.host->timers);
    if (exporter->in_second == 0 || now.ns - exporter->second.ns >= WEFT_NS_PER_S) {
        exporter->second = now;
        exporter->in_second = 0;
    }
    uint64_t number = ++exporter->in_second;
    return number <= config->sampling_initial ||
           (config->sampling_thereafter > 0 && (number - config->sampling_initial) % config->sampling_thereafter == 0);
}

static void log_counts(const struct debug_exporter *exporter, const struct weft_otlp_table *table)
{
    const char *id = exporter->consumer.id;
    switch (exporter->signal) {
    case WEFT_TRACES:
        weft_log(INFO, "debug.traces", "Traces", WEFT_LOG_STRING("exporter", id),
                 WEFT_LOG_INT("resource spans", table->resource_count), WEFT_LOG_INT("spans", table->record_count));
        break;
    case WEFT_METRICS:
        weft_log(INFO, "debug.metrics", "Metrics", WEFT_LOG_STRING("exporter", id),
                 WEFT_LOG_INT("resource metrics", table->resource_count), WEFT_LOG_INT("metrics", table->record_count),
                 WEFT_LOG_INT("data points", table->weight));
        break;
    case WEFT_LOGS:
        weft_log(INFO, "debug.logs", "Logs", WEFT_LOG_STRING("exporter", id),
                 WEFT_LOG_INT("resource logs", table->resource_count),
                 WEFT_LOG_INT("log records", table->record_count));
        break;
    case WEFT_PROFILES:
        weft_log(INFO, "debug.profiles", "Profiles", WEFT_LOG_STRING("exporter", id),
                 WEFT_LOG_INT("resource profiles", table->resource_count),
                 WEFT_LOG_INT("sample records", table->weight));
        break;
    }
}

static void write_counts(const struct debug_exporter *exporter, const struct weft_otlp_table *table,
                         struct weft_buffer *out)
{
    static const struct {
        const char *title, *resources, *records;
    } words[] = {
        [WEFT_TRACES] = { "Traces", "resource spans", "spans" },
        [WEFT_METRICS] = { "Metrics", "resource metrics", "metrics" },
        [WEFT_LOGS] = { "Logs", "resource logs", "log records" },
        [WEFT_PROFILES] = { "Profiles", "resource profiles", "sample records" },
    };
    weft_buffer_append_format(out, "%s\t{\"exporter\": ", words[exporter->signal].title);
    weft_buffer_append_json_string(out, weft_slice_of_text(exporter->consumer.id));
    weft_buffer_append_format(out, ", \"%s\": %" PRIu32 ", \"%s\": %" PRIu64, words[exporter->signal].resources,
                              table->resource_count, words[exporter->signal].records,
                              exporter->signal == WEFT_PROFILES ? table->weight : (uint64_t)table->record_count);
    if (exporter->signal == WEFT_METRICS) {
        weft_buffer_append_format(out, ", \"data points\": %" PRIu64, table->weight);
    }
    weft_buffer_append_text(out, "}\n");
}

static void log_lines(const struct debug_exporter *exporter)
{
    struct weft_slice rest = weft_buffer_slice(&exporter->text);
    while (rest.length > 0) {
        const uint8_t *end = memchr(rest.bytes, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.bytes);
        weft_log(INFO, "debug.record", weft_signal_name(exporter->signal),
                 WEFT_LOG_STRING("exporter", exporter->consumer.id),
                 WEFT_LOG_SLICE("record", weft_slice_of(rest.bytes, length)));
        size_t taken = end == NULL ? length : length + 1;
        weft_assert(taken > 0 && taken <= rest.length);
        rest = weft_slice_of(rest.bytes + taken, rest.length - taken);
    }
}

static enum weft_status write_records(const struct debug_exporter *exporter, const struct weft_otlp_table *table,
                                      struct weft_buffer *out)
{
    enum weft_status status = WEFT_OK;
    switch ((enum verbosity)exporter->config->verbosity.value) {
    case VERBOSITY_BASIC:
        break;
    case VERBOSITY_NORMAL:
        status = weft_debug_write_records(table, out);
        break;
    case VERBOSITY_DETAILED:
        status = weft_debug_write_details(table, out);
        break;
    }
    return status == WEFT_OK ? weft_buffer_status(out) : status;
}

/* All of the text, or nothing. */
static enum weft_status show_in_stream(struct debug_exporter *exporter, const struct weft_otlp_table *table)
{
    struct weft_buffer *out = &exporter->queue.gathering;
    size_t before = out->length;
    if (!exporter->config->use_internal_logger) {
        write_counts(exporter, table, out);
    }
    enum weft_status status = write_records(exporter, table, out);
    if (status != WEFT_OK) {
        out->length = before;
        out->is_failed = false;
    }
    return status;
}

static enum weft_status show_in_log(struct debug_exporter *exporter, const struct weft_otlp_table *table)
{
    log_counts(exporter, table);
    weft_buffer_clear(&exporter->text);
    enum weft_status status = write_records(exporter, table, &exporter->text);
    if (status == WEFT_OK) {
        log_lines(exporter);
    }
    return status;
}

static enum weft_status show(struct debug_exporter *exporter, const struct weft_batch *batch, struct weft_arena *arena)
{
    struct weft_slice request;
    struct weft_otlp_counts counts;
    struct weft_otlp_table table;
    enum weft_status status = weft_exporter_flatten(batch, &exporter->request, &request, NULL);
    if (status == WEFT_OK) {
        status = weft_otlp_check(exporter->signal, request, NULL, &counts, NULL);
    }
    if (status == WEFT_OK) {
        status = weft_otlp_table_build(exporter->signal, request, &counts, arena, &table, NULL);
    }
    if (status != WEFT_OK) {
        return status;
    }
    return exporter->config->use_internal_logger ? show_in_log(exporter, &table) : show_in_stream(exporter, &table);
}

/* ---- the consumer ---- */

static const struct weft_consumer_operations debug_operations;

static struct debug_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &debug_operations);
    return WEFT_CONTAINER_OF(consumer, struct debug_exporter, consumer);
}

static void show_if_sampled(struct debug_exporter *exporter, const struct weft_batch *batch)
{
    if (!is_sampled(exporter)) {
        return;
    }
    struct weft_arena *arena = weft_arena_try_new_charged(exporter->consumer.host->budget, 0);
    enum weft_status status = arena == NULL ? WEFT_NOMEM : show(exporter, batch, arena);
    weft_arena_unref(&arena);
    if (status != WEFT_OK) {
        weft_log(WARN, "debug.not_shown", "a batch could not be shown",
                 WEFT_LOG_STRING("exporter", exporter->consumer.id),
                 WEFT_LOG_STRING("reason", weft_status_name(status)), WEFT_LOG_INT("records", batch->weight));
    }
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct debug_exporter *exporter = exporter_of(consumer);
    struct weft_output_queue *queue = &exporter->queue;
    weft_check_magic(*own_batch, batch);
    weft_assert((*own_batch)->signal == exporter->signal);
    enum weft_status status = weft_output_queue_admit(queue, *own_batch, error);
    if (status != WEFT_OK) {
        return status;
    }
    size_t before = queue->gathering.length;
    show_if_sampled(exporter, *own_batch);
    if (queue->gathering.length > before) {
        weft_output_queue_take(queue, own_batch);
    } else {
        queue->counters.sent += (*own_batch)->weight;
        weft_exporter_delivered(consumer, queue->sent_flow, own_batch);
    }
    return WEFT_OK;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_output_queue_audit(&exporter_of(consumer)->queue, in_out_count);
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    weft_output_queue_drain(&exporter_of(consumer)->queue, reason, is_forced);
}

static void exporter_free(struct weft_consumer *consumer)
{
    struct debug_exporter *exporter = exporter_of(consumer);
    weft_output_queue_fini(&exporter->queue);
    weft_buffer_fini(&exporter->text);
    weft_buffer_fini(&exporter->request);
    weft_consumer_fini(consumer);
    weft_free(exporter);
}

static const struct weft_consumer_operations debug_operations = {
    .consume = consume,
    .audit = audit,
    .drain = drain,
    .free = exporter_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    weft_assert(setup->shared != NULL);
    struct debug_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &debug_operations, setup->host, setup->id);
    exporter->config = setup->config;
    exporter->signal = setup->signal;
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    weft_output_queue_init(&exporter->queue, &exporter->consumer, setup->shared, exporter->config->max_buffered_bytes);
    weft_buffer_init(&exporter->text, 0);
    weft_buffer_init(&exporter->request, 0);
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct debug_exporter *exporter = exporter_of(consumer);
    weft_output_queue_collect(&exporter->queue, exporter->signal, samples);
}

static void check(const struct weft_consumer *consumer, char *out_text)
{
    weft_output_queue_check(&exporter_of(consumer)->queue, out_text);
}

const struct weft_component weft_exporter_debug = {
    .kind = WEFT_EXPORTER,
    .type = "debug",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Shows what passes, in the log or on stdout.",
    .fields = debug_fields,
    .config_size = sizeof(struct debug_config),
    .validate = validate,
    .share = share,
    .unshare = free_shared,
    .create_consumer = create,
    .collect = collect,
    .check = check,
};
