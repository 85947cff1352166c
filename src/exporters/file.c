/* Exporter `file`: appends OTLP to a file: one OTLP/JSON message per line, or messages behind a length of four bytes,
 * big-endian (format: proto, or any format compressed, each message by itself).
 *
 * Each instance gathers whole messages and writes them in one go, after flush_interval or at FLUSH_BYTES; until then
 * the records are queued, and their batches kept, so that a client that waits for delivery hears of it when it is true.
 * When the file cannot be written to, what is gathered is kept and tried again, and beyond CLOSE_BYTES this exporter
 * closes. */
#include "weft/component.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "exporters/file_output.h"
#include "pipeline/exporter.h"
#include "wire/json_writer.h"

enum { FLUSH_BYTES = 64 * 1024, CLOSE_BYTES = 4 << 20, KEPT_BYTES = 1 << 20, LENGTH_BYTES = 4 };
enum format { FORMAT_JSON, FORMAT_PROTO };
enum compression { COMPRESSION_NONE, COMPRESSION_ZSTD };

static const int64_t retry_ns = 1 * WEFT_NS_PER_S;

struct rotation_config {
    uint64_t max_megabytes;
    uint64_t max_days;
    uint64_t max_backups;
    bool localtime;
};

struct file_config {
    char *path;
    bool append;
    bool has_rotation;
    struct rotation_config rotation;
    struct weft_choice format;
    struct weft_choice compression;
    struct weft_duration flush_interval;
    bool create_directory;
    char *directory_permissions;
};

struct file_exporter {
    struct weft_consumer consumer;
    const struct file_config *config;
    enum weft_signal signal;
    struct weft_file_output *output;
    struct weft_buffer pending; /* whole messages */
    struct weft_buffer request; /* scratch: a request in one piece */
    struct weft_buffer json;    /* scratch: before it is compressed */
    struct weft_list batches;   /* whose messages are in pending, in their order */
    struct weft_timer timer;
    bool is_failing;
    char failure[WEFT_CHECK_BYTES];
    weft_flow_id sent_flow, shutdown_flow, reload_flow;
    struct weft_sender_counters counters;
};

static const char *const format_words[] = { "json", "proto", NULL };
static const char *const compression_words[] = { "", "zstd", NULL };

static const struct weft_field rotation_fields[] = {
    WEFT_FIELD(struct rotation_config, max_megabytes, "100", "Start a new file before this one grows larger.",
               .minimum = 1, .maximum = 1 << 30),
    WEFT_FIELD(struct rotation_config, max_days, "0", "Delete backups that are older; 0 = never.", .maximum = 36500),
    WEFT_FIELD(struct rotation_config, max_backups, "100", "Delete the oldest backups beyond this many; 0 = keep all."),
    WEFT_FIELD(struct rotation_config, localtime, "false", "Local time in the names of backups instead of UTC."),
    WEFT_FIELDS_END,
};

static const struct weft_field file_fields[] = {
    WEFT_FIELD(struct file_config, path, NULL, "The file to write to.", .is_required = true),
    WEFT_FIELD(struct file_config, append, "false", "Keep what is in the file; else it is emptied at the start."),
    WEFT_FIELD_OPTIONAL(struct file_config, rotation, has_rotation, rotation_fields, "off", "Several files in turn."),
    WEFT_FIELD_CHOICE(struct file_config, format, format_words, "json", "json (one message per line) or proto."),
    WEFT_FIELD_CHOICE(struct file_config, compression, compression_words, "", "zstd, or nothing."),
    WEFT_FIELD(struct file_config, flush_interval, "1s", "Write what was gathered after this time; 0 = at once."),
    WEFT_FIELD(struct file_config, create_directory, "false", "Create the directory of path if it is not there."),
    WEFT_FIELD(struct file_config, directory_permissions, "0755", "Of directories created, in octal."),
    WEFT_FIELD_UNSUPPORTED("encoding", "An encoding extension."),
    WEFT_FIELD_UNSUPPORTED("group_by", "One file per value of a resource attribute."),
    WEFT_FIELDS_END,
};

static bool parse_mode(const char *text, mode_t *out_mode)
{
    char *end = NULL;
    unsigned long mode = strtoul(text, &end, 8);
    *out_mode = (mode_t)mode;
    return text[0] >= '0' && text[0] <= '7' && *end == '\0' && mode <= 0777;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct file_config *config = untyped;
    mode_t mode;
    if (config->path == NULL || config->path[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "path must be non-empty");
    }
    if (config->append && config->has_rotation) {
        return weft_fail(error, WEFT_INVALID, "append and rotation enabled at the same time is not supported");
    }
    if (config->append && config->compression.value != COMPRESSION_NONE) {
        return weft_fail(error, WEFT_INVALID, "append and compression enabled at the same time is not supported");
    }
    if (config->flush_interval.ns < 0) {
        return weft_fail(error, WEFT_INVALID, "flush_interval must be larger than zero");
    }
    if (!parse_mode(config->directory_permissions, &mode)) {
        return weft_fail(error, WEFT_INVALID, "directory_permissions: \"%s\" is not an octal mode such as 0755",
                         config->directory_permissions);
    }
    return WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)id;
    (void)budget;
    const struct file_config *config = untyped;
    struct weft_file_output_settings settings = { .path = config->path,
                                                  .is_appending = config->append,
                                                  .creates_directory = config->create_directory };
    if (config->has_rotation) {
        settings.rotation = (struct weft_file_rotation){ .max_bytes = config->rotation.max_megabytes << 20,
                                                         .max_days = config->rotation.max_days,
                                                         .max_backups = config->rotation.max_backups,
                                                         .has_local_time = config->rotation.localtime };
    }
    if (!parse_mode(config->directory_permissions, &settings.directory_mode)) {
        return weft_fail(error, WEFT_INVALID, "directory_permissions is not an octal mode");
    }
    struct weft_file_output *output = NULL;
    enum weft_status status = weft_file_output_open(&settings, &output, error);
    *out_shared = output;
    return status;
}

static void shared_free(void *shared)
{
    weft_file_output_close(shared);
}

static const struct weft_consumer_operations file_operations;

static struct file_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &file_operations);
    return WEFT_CONTAINER_OF(consumer, struct file_exporter, consumer);
}

/* ---- messages ---- */

static void append_framed(struct weft_buffer *out, struct weft_slice message)
{
    uint8_t length[LENGTH_BYTES];
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        length[i] = (uint8_t)(message.length >> (8 * (LENGTH_BYTES - 1 - i)));
    }
    weft_buffer_append(out, length, sizeof length);
    weft_buffer_append(out, message.bytes, message.length);
}

static enum weft_status append_compressed(struct file_exporter *exporter, struct weft_slice message,
                                          struct weft_error *error)
{
    struct weft_host *host = exporter->consumer.host;
    struct weft_payload *deflated = NULL;
    enum weft_status status =
        weft_deflate(host->codec, WEFT_ENCODING_ZSTD, 0, &message, 1, host->pool, &deflated, error);
    if (status == WEFT_OK) {
        append_framed(&exporter->pending, weft_payload_slice(deflated));
    }
    weft_payload_unref(&deflated);
    return status;
}

static enum weft_status append_message(struct file_exporter *exporter, const struct weft_batch *batch,
                                       struct weft_error *error)
{
    struct weft_slice request;
    bool is_compressed = exporter->config->compression.value == COMPRESSION_ZSTD;
    enum weft_status status = weft_exporter_flatten(batch, &exporter->request, &request, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (exporter->config->format.value == FORMAT_PROTO) {
        if (is_compressed) {
            return append_compressed(exporter, request, error);
        }
        append_framed(&exporter->pending, request);
        return WEFT_OK;
    }
    struct weft_buffer *json = is_compressed ? &exporter->json : &exporter->pending;
    weft_buffer_clear(&exporter->json);
    status = weft_json_write_request(exporter->signal, request, json, error);
    if (status == WEFT_OK && is_compressed) {
        return append_compressed(exporter, weft_buffer_slice(json), error);
    }
    weft_buffer_append_byte(json, '\n');
    return status;
}

/* Appends the batch's message, all of it or nothing. */
static enum weft_status encode(struct file_exporter *exporter, const struct weft_batch *batch, struct weft_error *error)
{
    size_t before = exporter->pending.length;
    enum weft_status status = append_message(exporter, batch, error);
    if (status == WEFT_OK && weft_buffer_status(&exporter->pending) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "%s: no memory to gather a message", exporter->consumer.id);
    }
    if (status != WEFT_OK) {
        exporter->pending.length = before;
        exporter->pending.is_failed = false;
        return status;
    }
    weft_assert(exporter->pending.length > before);
    weft_budget_charge(exporter->consumer.host->budget, exporter->pending.length - before);
    return WEFT_OK;
}

/* ---- flushing ---- */

/* Pending has been written or given up: the exporter is as new, and its batches are the caller's to end, in this order,
 * since ending one may bring the next. */
static void let_go(struct file_exporter *exporter, struct weft_list *out_batches)
{
    struct weft_list *node;
    weft_list_init(out_batches);
    weft_assert(weft_list_is_empty(&exporter->batches) == (exporter->pending.length == 0));
    while ((node = weft_list_pop_front(&exporter->batches)) != NULL) {
        weft_list_push_back(out_batches, node);
    }
    weft_budget_release(exporter->consumer.host->budget, exporter->pending.length);
    if (exporter->pending.capacity > KEPT_BYTES) {
        weft_buffer_fini(&exporter->pending);
    }
    weft_buffer_clear(&exporter->pending);
    weft_timer_cancel(exporter->consumer.host->timers, &exporter->timer);
}

static void was_written(struct file_exporter *exporter)
{
    struct weft_list batches;
    struct weft_list *node;
    let_go(exporter, &batches);
    if (exporter->is_failing) {
        weft_log(INFO, "file.recovered", "the file can be written to again",
                 WEFT_LOG_STRING("exporter", exporter->consumer.id));
    }
    exporter->is_failing = false;
    while ((node = weft_list_pop_front(&batches)) != NULL) {
        struct weft_batch *batch = weft_batch_of(node);
        weft_host_book(exporter->consumer.host, exporter->sent_flow, batch->weight);
        exporter->counters.sent += batch->weight;
        weft_batch_end(&batch, NULL, -1);
    }
    weft_consumer_set_open(&exporter->consumer, true);
}

static void was_not_written(struct file_exporter *exporter, const struct weft_error *error)
{
    int64_t pause_ns = exporter->config->flush_interval.ns;
    weft_log(ERROR, "file.write_failed", "records wait until the file can be written to",
             WEFT_LOG_STRING("exporter", exporter->consumer.id), WEFT_LOG_INT("bytes", exporter->pending.length),
             WEFT_LOG_STRING("error", error->text));
    exporter->is_failing = true;
    snprintf(exporter->failure, sizeof exporter->failure, "%s", error->text);
    weft_timer_set_after(exporter->consumer.host->timers, &exporter->timer, pause_ns > 0 ? pause_ns : retry_ns);
    weft_consumer_set_open(&exporter->consumer, exporter->pending.length < CLOSE_BYTES);
}

static void flush(struct file_exporter *exporter)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (exporter->pending.length == 0) {
        return;
    }
    if (weft_file_output_write(exporter->output, weft_buffer_slice(&exporter->pending), &error) == WEFT_OK) {
        was_written(exporter);
    } else {
        was_not_written(exporter, &error);
    }
}

static void flush_is_due(void *context)
{
    flush(exporter_of(context));
}

/* ---- the consumer ---- */

static void flush_if_due(struct file_exporter *exporter)
{
    struct weft_timers *timers = exporter->consumer.host->timers;
    int64_t interval_ns = exporter->config->flush_interval.ns;
    if (exporter->is_failing) {
        weft_consumer_set_open(&exporter->consumer, exporter->pending.length < CLOSE_BYTES);
    } else if (exporter->pending.length >= FLUSH_BYTES || interval_ns == 0) {
        flush(exporter);
    } else if (!weft_timer_is_set(&exporter->timer)) {
        weft_timer_set_after(timers, &exporter->timer, interval_ns);
    }
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct file_exporter *exporter = exporter_of(consumer);
    struct weft_batch *batch = *own_batch;
    weft_check_magic(batch, batch);
    weft_assert(batch->signal == exporter->signal && !batch->is_lent && weft_list_is_empty(&batch->node));
    if (!consumer->is_open) {
        exporter->counters.enqueue_failed += batch->weight;
        return weft_fail(error, WEFT_CLOSED, "%s: %s", consumer->id, exporter->failure);
    }
    enum weft_status status = encode(exporter, batch, error);
    if (status != WEFT_OK) {
        return status;
    }
    *own_batch = NULL;
    weft_host_book(consumer->host, batch->outlet_flow, batch->weight);
    weft_list_push_back(&exporter->batches, &batch->node);
    weft_batch_hand_over(batch, 0);
    flush_if_due(exporter);
    return WEFT_OK;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    const struct file_exporter *exporter = exporter_of(consumer);
    WEFT_LIST_EACH(node, &exporter->batches)
    {
        *in_out_count += weft_batch_of(node)->weight;
    }
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct file_exporter *exporter = exporter_of(consumer);
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    flush(exporter);
    if (!is_forced) {
        return;
    }
    struct weft_list batches;
    struct weft_list *node;
    let_go(exporter, &batches);
    while ((node = weft_list_pop_front(&batches)) != NULL) {
        struct weft_batch *batch = weft_batch_of(node);
        exporter->counters.send_failed += batch->weight;
        weft_consumer_drop(consumer, &batch,
                           reason == WEFT_DROP_RELOAD ? exporter->reload_flow : exporter->shutdown_flow, reason, NULL);
    }
}

static void exporter_free(struct weft_consumer *consumer)
{
    struct file_exporter *exporter = exporter_of(consumer);
    weft_assert(weft_list_is_empty(&exporter->batches) && exporter->pending.length == 0);
    weft_timer_cancel(consumer->host->timers, &exporter->timer);
    weft_buffer_fini(&exporter->pending);
    weft_buffer_fini(&exporter->request);
    weft_buffer_fini(&exporter->json);
    weft_consumer_fini(consumer);
    weft_free(exporter);
}

static const struct weft_consumer_operations file_operations = {
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
    struct file_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &file_operations, setup->host, setup->id);
    exporter->config = setup->config;
    exporter->signal = setup->signal;
    exporter->output = setup->shared;
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    exporter->sent_flow = weft_exporter_sent_flow(&exporter->consumer);
    exporter->shutdown_flow = weft_consumer_drop_flow(&exporter->consumer, WEFT_DROP_SHUTDOWN);
    exporter->reload_flow = weft_consumer_drop_flow(&exporter->consumer, WEFT_DROP_RELOAD);
    weft_buffer_init(&exporter->pending, 0);
    weft_buffer_init(&exporter->request, 0);
    weft_buffer_init(&exporter->json, 0);
    weft_list_init(&exporter->batches);
    weft_timer_init(&exporter->timer, flush_is_due, &exporter->consumer);
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct file_exporter *exporter = exporter_of(consumer);
    weft_exporter_collect(consumer, exporter->signal, &exporter->counters, samples);
}

static void check(const struct weft_consumer *consumer, char *out_text)
{
    const struct file_exporter *exporter = exporter_of(consumer);
    snprintf(out_text, WEFT_CHECK_BYTES, "%s", exporter->is_failing ? exporter->failure : "ok");
}

const struct weft_component weft_exporter_file = {
    .kind = WEFT_EXPORTER,
    .type = "file",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Writes OTLP to a file, as JSON lines or as protobuf; it is emptied at the start unless append is true.",
    .fields = file_fields,
    .config_size = sizeof(struct file_config),
    .validate = validate,
    .share = share,
    .unshare = shared_free,
    .create_consumer = create,
    .check = check,
    .collect = collect,
};
