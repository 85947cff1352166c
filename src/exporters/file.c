/* Exporter `file`: appends OTLP to a file: one OTLP/JSON message per line, or messages behind a length of four bytes,
 * big-endian (format: proto, or any format compressed, each message by itself).
 *
 * What is gathered, and what becomes of it when the file cannot be written to, is output.h's. */
#include "weft/component.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "exporters/file_output.h"
#include "exporters/output.h"
#include "wire/json_writer.h"

enum { FLUSH_BYTES = 64 * 1024, LENGTH_BYTES = 4 };
enum format { FORMAT_JSON, FORMAT_PROTO };
enum compression { COMPRESSION_NONE, COMPRESSION_ZSTD };

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
    uint64_t max_buffered_bytes;
    bool create_directory;
    char *directory_permissions;
};

struct file_exporter {
    struct weft_consumer consumer;
    const struct file_config *config;
    enum weft_signal signal;
    struct weft_output_queue queue;
    struct weft_buffer request; /* scratch: a request in one piece */
    struct weft_buffer json;    /* scratch: before it is compressed */
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
    WEFT_FIELD(struct file_config, path, NULL,
               "The file to write to, or /dev/stdout, /dev/stderr, /dev/null; any other device or a FIFO is an error.",
               .is_required = true),
    WEFT_FIELD(struct file_config, append, "false", "Keep what is in the file; else it is emptied at the start."),
    WEFT_FIELD_OPTIONAL(struct file_config, rotation, has_rotation, rotation_fields, "off", "Several files in turn."),
    WEFT_FIELD_CHOICE(struct file_config, format, format_words, "json", "json (one message per line) or proto."),
    WEFT_FIELD_CHOICE(struct file_config, compression, compression_words, "", "zstd, or nothing."),
    WEFT_FIELD(struct file_config, flush_interval, "1s", "Write what was gathered after this time; 0 = at once."),
    WEFT_FIELD(struct file_config, max_buffered_bytes, "4194304",
               "So much waits on each worker for a file that cannot be written to; then senders wait.", .minimum = 1,
               .maximum = 1 << 30),
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
    return weft_file_output_check(config->path, error);
}

static enum weft_status write_to_file(void *sink, struct weft_slice bytes, struct weft_error *error)
{
    return weft_file_output_write(sink, bytes, error);
}

static void close_file(void *sink)
{
    weft_file_output_close(sink);
}

static void begin_file(void *sink)
{
    weft_file_output_prepare(sink);
}

static const struct weft_output_kind file_kind = { .write = write_to_file, .close = close_file, .begin = begin_file };

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
    struct weft_file_output *file = NULL;
    enum weft_status status = weft_file_output_open(&settings, &file, error);
    if (status == WEFT_OK) {
        *out_shared = weft_output_new(&file_kind, file);
    }
    return status;
}

static void free_shared(void *shared)
{
    weft_output_free(shared);
}

static void begin_use(void *shared)
{
    weft_file_output_begin(weft_output_sink(shared));
    weft_output_begin(shared);
}

static enum weft_status renew(void *shared, struct weft_error *error)
{
    return weft_file_output_try_open(weft_output_sink(shared), error);
}

static void end_renewal(void *shared, bool is_used)
{
    if (is_used) {
        weft_file_output_open_again(weft_output_sink(shared));
    }
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
        append_framed(&exporter->queue.gathering, weft_payload_slice(deflated));
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
        append_framed(&exporter->queue.gathering, request);
        return WEFT_OK;
    }
    struct weft_buffer *json = is_compressed ? &exporter->json : &exporter->queue.gathering;
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
    size_t before = exporter->queue.gathering.length;
    enum weft_status status = append_message(exporter, batch, error);
    if (status == WEFT_OK && weft_buffer_status(&exporter->queue.gathering) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "%s: no memory to gather a message", exporter->consumer.id);
    }
    if (status != WEFT_OK) {
        exporter->queue.gathering.length = before;
        exporter->queue.gathering.is_failed = false;
        return status;
    }
    weft_assert(exporter->queue.gathering.length > before);
    return WEFT_OK;
}

/* ---- the consumer ---- */

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct file_exporter *exporter = exporter_of(consumer);
    struct weft_batch *batch = *own_batch;
    weft_check_magic(batch, batch);
    weft_assert(batch->signal == exporter->signal && !batch->is_lent && weft_list_is_empty(&batch->node));
    enum weft_status status = weft_output_queue_admit(&exporter->queue, batch, error);
    if (status == WEFT_OK) {
        status = encode(exporter, batch, error);
    }
    if (status == WEFT_OK) {
        weft_output_queue_take(&exporter->queue, own_batch);
    }
    return status;
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
    struct file_exporter *exporter = exporter_of(consumer);
    weft_output_queue_fini(&exporter->queue);
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
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    weft_output_queue_init(&exporter->queue, &exporter->consumer, setup->shared, exporter->config->max_buffered_bytes);
    exporter->queue.flush_bytes = FLUSH_BYTES;
    exporter->queue.flush_interval_ns = exporter->config->flush_interval.ns;
    weft_buffer_init(&exporter->request, 0);
    weft_buffer_init(&exporter->json, 0);
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct file_exporter *exporter = exporter_of(consumer);
    weft_output_queue_collect(&exporter->queue, exporter->signal, samples);
}

static void check(const struct weft_consumer *consumer, char *out_text)
{
    weft_output_queue_check(&exporter_of(consumer)->queue, out_text);
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct file_config *config = untyped;
    weft_buffer_append_format(
        out, "holds what waits for its thread to write it, %llu bytes a worker at most (max_buffered_bytes)",
        (unsigned long long)config->max_buffered_bytes);
    weft_buffer_append_text(
        out, config->append || config->has_rotation ? "" : "; append: false: the next start empties the file");
    return WEFT_HOLDS_ANSWERED;
}

const struct weft_component weft_exporter_file = {
    .kind = WEFT_EXPORTER,
    .type = "file",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Writes OTLP to a file, as JSON lines or as protobuf; it is emptied at the start unless append is true.",
    .fields = file_fields,
    .config_size = sizeof(struct file_config),
    .validate = validate,
    .explain = explain,
    .share = share,
    .unshare = free_shared,
    .begin_use = begin_use,
    .renew = renew,
    .end_renewal = end_renewal,
    .create_consumer = create,
    .check = check,
    .collect = collect,
};
