/* The inlet of files (log_files.h). A block's lines go through a stream of lines (log_stream.h), which holds nothing of
 * one block when the next one begins, so that each line gets the attributes of its own file. */
#include "receivers/log_files.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "net/loop.h"
#include "receivers/log_chain.h"
#include "receivers/log_stream.h"
#include "wire/string_attribute.h"

enum { END_PATIENCE_MS = 20 };
enum { MAIL_MAX = 8, REQUEST_BYTES = 16 << 20, RECORD_BYTES = 64 };

#define FLUSH_INTERVAL_NS INT64_C(1000000000)
#define START_AGAIN_NS    (1 * WEFT_NS_PER_S)

static const char name_key[] = "log.file.name", path_key[] = "log.file.path";

struct log_files {
    struct weft_log_inlet base;
    struct weft_log_stream stream;
    struct weft_log_files_settings settings;
    struct weft_mailbox *mailbox;
    struct weft_watch *watch;
    struct weft_tail *tail;
    struct weft_list blocks;                 /* in the order in which they were read; the first is the one under way */
    size_t at;                               /* in the first one: what the stream has had */
    size_t line_length;                      /* that it has had of the line that is under way */
    struct weft_buffer fields;               /* of the first one's file */
    struct weft_buffer resource;             /* of the config, as fields of Resource */
    struct weft_buffer path;                 /* its path, if that is no UTF-8 */
    const struct weft_tail_block *described; /* whose fields they are */
    size_t record_bytes;                     /* that a record of it has beside its line, about */
    struct weft_slice *keys;                 /* of the attributes in fields */
    size_t key_count;
    struct weft_log_member *attributes, *resource_members; /* the same for a chain */
    struct weft_timer feed_timer;                          /* memory was gone */
    struct weft_timer flush_timer;                         /* a chain keeps something */
    struct weft_timer start_timer;                         /* until there is a thread */
    bool is_feeding;
    bool is_started; /* the tail: not before lines have somewhere to go */
    bool is_stopped; /* it was told to stop, or will never be started */
    bool has_ended;
};

static const struct weft_otlp_inlet_operations files_operations;

static struct log_files *files_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &files_operations);
    return WEFT_CONTAINER_OF(inlet, struct log_files, base.inlet);
}

static struct weft_tail_block *first_block(struct log_files *files)
{
    struct weft_list *node = weft_list_first(&files->blocks);
    return node == NULL ? NULL : WEFT_CONTAINER_OF(node, struct weft_tail_block, node);
}

/* ---- attributes ---- */

static void append_attribute(struct weft_buffer *out, uint32_t field, const char *key_text, const char *value_text)
{
    struct weft_slice key = weft_slice_of_text(key_text);
    struct weft_slice value = weft_slice_of_text(value_text);
    size_t size = weft_wire_size_string_attribute(field, key, value);
    uint8_t *to = weft_buffer_reserve(out, size);
    if (to != NULL) {
        weft_wire_put_string_attribute(to, field, key, value);
        out->length += size;
    }
}

static bool has_key(const struct weft_config_map *map, struct weft_slice key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (weft_slice_equal_text(key, map->entries[i].key)) {
            return true;
        }
    }
    return false;
}

/* For a chain: what the config has comes first and stays. */
static void describe_for_chain(struct log_files *files, const char *name, const char *path)
{
    const struct weft_log_files_settings *settings = &files->settings;
    size_t count = settings->attributes->count;
    if (settings->includes_name) {
        files->attributes[count++] =
            (struct weft_log_member){ weft_slice_of_text(name_key), weft_log_string(weft_slice_of_text(name)) };
    }
    if (settings->includes_path) {
        files->attributes[count++] =
            (struct weft_log_member){ weft_slice_of_text(path_key), weft_log_string(weft_slice_of_text(path)) };
    }
    files->record_bytes = 2 * (size_t)RECORD_BYTES; /* operators add to it */
    for (size_t i = 0; i < count; i++) {
        files->record_bytes += files->attributes[i].key.length + files->attributes[i].value.text.length;
    }
    weft_log_chain_set_attributes(files->base.bodies.chain, files->attributes, count);
}

/* The path as a text: attributes are UTF-8. NULL without memory. */
static const char *readable_path(struct log_files *files, const char *path)
{
    struct weft_slice bytes = weft_slice_of_text(path);
    if (weft_utf8_valid_length(bytes) == bytes.length) {
        return path;
    }
    weft_buffer_clear(&files->path);
    weft_utf8_append_repaired_by_part(&files->path, bytes);
    weft_buffer_append_byte(&files->path, '\0');
    return weft_buffer_status(&files->path) == WEFT_OK ? (const char *)files->path.bytes : NULL;
}

static void add_field(struct log_files *files, const char *key, const char *value)
{
    append_attribute(&files->fields, WEFT_LOG_ATTRIBUTE_FIELD, key, value);
    files->keys[files->key_count++] = weft_slice_of_text(key);
}

/* False without memory. */
static bool describe_file(struct log_files *files, const struct weft_tail_block *block)
{
    const struct weft_log_files_settings *settings = &files->settings;
    const char *path = readable_path(files, block->path);
    if (path == NULL) {
        return false;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (files->base.bodies.chain != NULL) {
        describe_for_chain(files, name, path);
        files->described = block;
        return true;
    }
    weft_buffer_clear(&files->fields);
    files->key_count = 0;
    for (size_t i = 0; i < settings->attributes->count; i++) {
        const struct weft_config_map_entry *entry = &settings->attributes->entries[i];
        bool is_replaced = (settings->includes_name && strcmp(entry->key, name_key) == 0) ||
                           (settings->includes_path && strcmp(entry->key, path_key) == 0);
        if (!is_replaced) {
            add_field(files, entry->key, entry->value);
        }
    }
    if (settings->includes_name) {
        add_field(files, name_key, name);
    }
    if (settings->includes_path) {
        add_field(files, path_key, path);
    }
    if (weft_buffer_status(&files->fields) != WEFT_OK || weft_buffer_status(&files->resource) != WEFT_OK) {
        return false;
    }
    files->described = block;
    files->record_bytes = files->fields.length + RECORD_BYTES;
    struct weft_log_source source = { .fields = weft_buffer_slice(&files->fields),
                                      .keys = files->keys,
                                      .key_count = files->key_count,
                                      .resource = weft_buffer_slice(&files->resource),
                                      .has_service = has_key(settings->resource, weft_log_service_key),
                                      .has_environment = has_key(settings->resource, weft_log_environment_key),
                                      .is_text = settings->is_text };
    weft_log_request_set_source(files->base.bodies.request, &source);
    return true;
}

/* ---- lines ---- */

/* Copies what fits of the block, each line with its end. One over the limit gets an end there, and goes on as another
 * one; so does the last, if it has none. */
static size_t copy_lines(struct log_files *files, const struct weft_tail_block *block, uint8_t *to, size_t capacity)
{
    size_t used = 0;
    while (used < capacity && (files->at < block->length || files->line_length > 0)) {
        const uint8_t *from = block->bytes + files->at;
        size_t left = block->length - files->at;
        size_t line_left = files->base.max_line_bytes - files->line_length;
        bool is_end = left > 0 && *from == '\n';
        if (is_end || left == 0 || line_left == 0) {
            to[used++] = '\n';
            files->at += is_end;
            files->line_length = 0;
            continue;
        }
        size_t length = left < capacity - used ? left : capacity - used;
        length = length < line_left ? length : line_left;
        const uint8_t *end = memchr(from, '\n', length);
        length = end == NULL ? length : (size_t)(end - from);
        memcpy(to + used, from, length);
        used += length;
        files->at += length;
        files->line_length += length;
    }
    return used;
}

/* Whether what is left of the block is whole lines that nothing stands before, none of them too long. */
static bool is_plain(const struct log_files *files, const struct weft_tail_block *block)
{
    return files->stream.length == 0 && files->line_length == 0 && files->at < block->length &&
           block->bytes[block->length - 1] == '\n' && block->length - files->at <= files->base.max_line_bytes;
}

/* As many of them as become a request of 16 MiB at most, were they all of one byte. */
static struct weft_slice lines_of_one_request(const struct log_files *files, const struct weft_tail_block *block)
{
    struct weft_slice lines = { block->bytes + files->at, block->length - files->at };
    size_t most = 2 * (REQUEST_BYTES / files->record_bytes) + 1;
    if (lines.length > most) {
        const uint8_t *end = memrchr(lines.bytes, '\n', most);
        end = end == NULL ? memchr(lines.bytes + most, '\n', lines.length - most) : end;
        lines.length = (size_t)(end + 1 - lines.bytes); /* the last byte is one */
    }
    return lines;
}

static bool is_finished(const struct log_files *files, const struct weft_tail_block *block)
{
    return files->at == block->length && files->line_length == 0 && files->stream.length == 0;
}

static void flush_when_kept(struct log_files *files)
{
    const struct weft_log_chain *chain = files->base.bodies.chain;
    if (chain != NULL && weft_log_chain_keeps(chain) && !weft_timer_is_set(&files->flush_timer)) {
        weft_timer_set_after(files->base.inlet.ingest->host->timers, &files->flush_timer, FLUSH_INTERVAL_NS);
    }
}

static void flush(void *context)
{
    struct log_files *files = context;
    weft_log_chain_flush(files->base.bodies.chain, (uint64_t)weft_wall_now().ns, false);
    weft_log_stream_take_rest(&files->stream);
    flush_when_kept(files);
}

static void end_when_all_is_in(struct log_files *files)
{
    if (files->has_ended && weft_list_is_empty(&files->blocks) && files->base.is_draining && !files->stream.is_ended) {
        if (files->base.bodies.chain != NULL) {
            weft_log_chain_flush(files->base.bodies.chain, (uint64_t)weft_wall_now().ns, true);
        }
        weft_log_stream_drain(&files->stream);
    }
}

static void return_first(struct log_files *files)
{
    struct weft_tail_block *block = first_block(files);
    weft_list_remove(&block->node);
    files->at = 0;
    files->line_length = 0;
    files->described = NULL;
    weft_tail_return(block);
}

static void feed(struct log_files *files)
{
    if (files->is_feeding) {
        return;
    }
    files->is_feeding = true;
    for (struct weft_tail_block *block = first_block(files);
         block != NULL && weft_log_stream_wants_more(&files->stream); block = first_block(files)) {
        if (is_finished(files, block)) {
            return_first(files);
            continue;
        }
        if (files->described != block && !describe_file(files, block)) {
            const struct weft_otlp_ingest *ingest = files->base.inlet.ingest;
            weft_timer_set_after(ingest->host->timers, &files->feed_timer, ingest->retry_after_ns);
            break;
        }
        if (is_plain(files, block)) {
            struct weft_slice lines = lines_of_one_request(files, block);
            files->at += weft_log_stream_take_whole(&files->stream, lines) ? lines.length : 0;
            continue;
        }
        size_t capacity;
        uint8_t *room = weft_log_stream_room(&files->stream, &capacity);
        if (room == NULL) {
            break; /* it tells when there is memory again */
        }
        weft_log_stream_take(&files->stream, copy_lines(files, block, room, capacity));
    }
    files->is_feeding = false;
    flush_when_kept(files);
    end_when_all_is_in(files);
}

static void feed_again(void *files)
{
    feed(files);
}

static void on_changed(struct weft_log_stream *stream)
{
    feed(WEFT_CONTAINER_OF(stream, struct log_files, stream));
}

/* ---- blocks ---- */

static void on_block(struct weft_message *message)
{
    struct weft_tail_block *block = WEFT_CONTAINER_OF(message, struct weft_tail_block, message);
    struct log_files *files = block->owner;
    if (block->path == NULL) {
        files->has_ended = true;
        return;
    }
    weft_list_push_back(&files->blocks, &block->node);
}

static void on_mail(void *context, unsigned readiness)
{
    struct log_files *files = context;
    (void)readiness;
    weft_mailbox_deliver(files->mailbox);
    feed(files);
}

static void start(void *context)
{
    struct log_files *files = context;
    if (files->is_started || files->is_stopped || weft_timer_is_set(&files->start_timer)) {
        return;
    }
    files->is_started = weft_tail_try_start(files->tail) == WEFT_OK;
    if (!files->is_started) {
        weft_log(ERROR, "file_log.no_thread", "the system has no thread to read files with; it is asked again",
                 WEFT_LOG_STRING("receiver", files->base.inlet.ingest->id));
        weft_timer_set_after(files->base.inlet.ingest->host->timers, &files->start_timer, START_AGAIN_NS);
    }
}

static void stop(struct log_files *files)
{
    if (files->is_stopped) {
        return;
    }
    files->is_stopped = true;
    files->has_ended = !files->is_started;
    if (files->is_started) {
        weft_tail_stop(files->tail);
    }
}

/* ---- life cycle ---- */

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    struct log_files *files = files_of(inlet);
    if (inlet->ingest->entries[WEFT_LOGS] != NULL) {
        start(files);
    }
    files->base.is_reading = is_reading && (weft_otlp_ingest_is_open(inlet->ingest) || files->base.is_draining);
    feed(files);
}

/* What was read already is offered, whatever the pressure: the position is behind it. */
static void drain(struct weft_otlp_inlet *inlet)
{
    struct log_files *files = files_of(inlet);
    files->base.is_draining = true;
    stop(files);
    feed(files);
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    const struct log_files *files = files_of(inlet);
    return files->base.is_draining && !weft_log_stream_is_done(&files->stream);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    const struct log_files *files = files_of(inlet);
    const struct weft_tail_counters *counters = weft_tail_counters(files->tail);
    const char *id = inlet->ingest->id;
    const struct {
        const char *name, *help;
        enum weft_sample_type kind;
        const struct weft_atomic_u64 *value;
    } rows[] = {
        { "weft_file_log_files", "Files that are followed", WEFT_SAMPLE_GAUGE, &counters->files },
        { "weft_file_log_open_files", "Files that are open", WEFT_SAMPLE_GAUGE, &counters->open_files },
        { "weft_file_log_waiting_files", "Files over max_concurrent_files, or not to be opened", WEFT_SAMPLE_GAUGE,
          &counters->waiting_files },
        { "weft_file_log_bytes", "Bytes read from files", WEFT_SAMPLE_COUNTER, &counters->bytes },
        { "weft_file_log_truncated", "Files found shorter than what was read of them", WEFT_SAMPLE_COUNTER,
          &counters->truncated },
        { "weft_file_log_rewritten", "Files found with other bytes before the position", WEFT_SAMPLE_COUNTER,
          &counters->rewritten },
        { "weft_file_log_open_failures", "Attempts to open a file that failed", WEFT_SAMPLE_COUNTER,
          &counters->open_failures },
        { "weft_file_log_compressed", "Files passed over because they are compressed", WEFT_SAMPLE_COUNTER,
          &counters->compressed },
    };
    weft_log_inlet_collect(&files->base, samples);
    if (files->base.bodies.chain != NULL) {
        weft_log_chain_collect(files->base.bodies.chain, id, samples);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_samples_add(samples, rows[i].name, rows[i].help, rows[i].kind, (double)weft_atomic_load(rows[i].value),
                         WEFT_LABELS({ "receiver", id }));
    }
}

static void return_all(struct log_files *files)
{
    weft_mailbox_deliver(files->mailbox);
    while (!weft_list_is_empty(&files->blocks)) {
        return_first(files);
    }
}

/* A thread that runs ends at once; one that stands is left. */
static void end_tail(struct log_files *files)
{
    stop(files);
    return_all(files);
    for (int i = 0; !files->has_ended && i < END_PATIENCE_MS; i++) {
        weft_pause(WEFT_NS_PER_MS);
        return_all(files);
    }
    weft_tail_leave(files->tail);
    return_all(files);
    weft_tail_free(files->tail);
}

static void files_free(struct weft_otlp_inlet *inlet)
{
    struct log_files *files = files_of(inlet);
    end_tail(files);
    weft_timer_cancel(inlet->ingest->host->timers, &files->feed_timer);
    weft_timer_cancel(inlet->ingest->host->timers, &files->flush_timer);
    weft_timer_cancel(inlet->ingest->host->timers, &files->start_timer);
    weft_log_chain_free(files->base.bodies.chain);
    weft_operators_free(files->settings.own_operators);
    weft_watch_free(files->watch);
    weft_mailbox_free(files->mailbox);
    weft_log_stream_fini(&files->stream);
    weft_log_inlet_fini(&files->base);
    weft_buffer_fini(&files->fields);
    weft_buffer_fini(&files->resource);
    weft_buffer_fini(&files->path);
    weft_free(files->keys);
    weft_free(files->attributes);
    weft_free(files->resource_members);
    weft_free(files);
}

static const struct weft_otlp_inlet_operations files_operations = {
    .transport = "file",
    .answer = weft_log_stream_answer,
    .set_reading = set_reading,
    .drain = drain,
    .connection_count = connection_count,
    .collect = collect,
    .free = files_free,
};

/* With room for so many more. */
static struct weft_log_member *members_of(const struct weft_config_map *map, size_t more)
{
    struct weft_log_member *members = weft_alloc((map->count + more + 1) * sizeof *members);
    for (size_t i = 0; i < map->count; i++) {
        members[i] = (struct weft_log_member){ weft_slice_of_text(map->entries[i].key),
                                               weft_log_string(weft_slice_of_text(map->entries[i].value)) };
    }
    return members;
}

/* False without memory. */
static bool make_chain(struct log_files *files)
{
    const struct weft_log_files_settings *settings = &files->settings;
    const struct weft_log_chain_settings chain = { .id = files->base.inlet.ingest->id,
                                                   .operators = settings->own_operators,
                                                   .request = files->base.bodies.request,
                                                   .counts = &files->base.bodies.counts,
                                                   .budget = files->base.inlet.ingest->host->budget };
    files->base.bodies.chain = weft_log_chain_new(&chain);
    files->attributes = members_of(settings->attributes, 2);
    files->resource_members = members_of(settings->resource, 0);
    if (files->base.bodies.chain == NULL) {
        return false;
    }
    weft_log_chain_set_resource(files->base.bodies.chain, files->resource_members, settings->resource->count);
    return true;
}

/* What may be short. False: it is, and nothing was made. */
static bool make_tail(struct log_files *files)
{
    files->mailbox = weft_mailbox_try_new(MAIL_MAX);
    if (files->mailbox == NULL) {
        return false;
    }
    files->tail = weft_tail_try_new(&files->settings.tail, files->mailbox, on_block, files);
    if (files->tail == NULL) {
        weft_mailbox_free(files->mailbox);
    }
    return files->tail != NULL;
}

struct weft_otlp_inlet *weft_log_files_new(struct weft_otlp_ingest *ingest,
                                           const struct weft_log_files_settings *settings, struct weft_error *error)
{
    /* A text that an operator has joined may be longer than a line of a file. */
    const struct weft_log_line_settings lines = { .max_line_bytes = settings->own_operators == NULL
                                                                        ? settings->tail.max_line_bytes
                                                                        : SIZE_MAX / 4 };
    struct log_files *files = weft_alloc(sizeof *files);
    files->settings = *settings;
    files->settings.tail.budget = ingest->host->budget;
    if (!make_tail(files)) {
        weft_operators_free(files->settings.own_operators);
        weft_free(files);
        (void)weft_fail(error, WEFT_LIMIT, "no file descriptor left to follow files with");
        return NULL;
    }
    weft_log_inlet_init(&files->base, &files_operations, ingest, &lines);
    files->base.is_patient = true; /* the position is behind what was read */
    files->base.max_line_bytes = settings->tail.max_line_bytes;
    weft_log_stream_init(&files->stream, &files->base, on_changed);
    weft_list_init(&files->blocks);
    weft_buffer_init(&files->fields, 0);
    files->keys = weft_alloc((settings->attributes->count + 2) * sizeof *files->keys);
    weft_buffer_init(&files->resource, 0);
    for (size_t i = 0; i < settings->resource->count; i++) {
        const struct weft_config_map_entry *entry = &settings->resource->entries[i];
        append_attribute(&files->resource, WEFT_RESOURCE_ATTRIBUTE_FIELD, entry->key, entry->value);
    }
    weft_buffer_init(&files->path, 0);
    files->watch =
        weft_watch_new(ingest->host->net->loop, weft_mailbox_descriptor(files->mailbox), WEFT_READABLE, on_mail, files);
    weft_timer_init(&files->feed_timer, feed_again, files);
    weft_timer_init(&files->flush_timer, flush, files);
    weft_timer_init(&files->start_timer, start, files);
    if (settings->own_operators != NULL && !make_chain(files)) {
        files_free(&files->base.inlet);
        (void)weft_fail(error, WEFT_NOMEM, "no memory for operators");
        return NULL;
    }
    return &files->base.inlet;
}
