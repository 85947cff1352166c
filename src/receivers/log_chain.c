/* Lines through operators into a request (log_chain.h). One entry is made at a time, in memory of its own; what leaves
 * the chain is written behind the records that are there, as OTLP or, for `log_profile`, by the reader of lines. */
#include "receivers/log_chain.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/utf8.h"
#include "operators/log_record.h"

struct members {
    const struct weft_log_member *items;
    size_t count;
};

struct weft_log_chain {
    struct weft_log_chain_settings settings;
    struct weft_operator_run *run;
    struct weft_entry_memory memory;
    struct weft_buffer repaired;         /* the line, if it was no UTF-8 */
    struct members attributes, resource; /* of each entry that comes in */
    uint64_t lost;
};

static void lose(struct weft_log_chain *chain)
{
    if (chain->lost++ == 0) {
        weft_log(ERROR, "file_log.no_memory", "log entries are lost for want of memory");
    }
}

/* ---- out ---- */

static enum weft_status take_keys(const struct weft_log_entry *entry, struct weft_log_source *source)
{
    const struct weft_log_map *map = &entry->attributes;
    struct weft_slice *keys = weft_entry_memory_try_alloc(entry->memory, (map->count + 1) * sizeof *keys);
    for (size_t i = 0; keys != NULL && i < map->count; i++) {
        keys[i] = map->members[i].key;
    }
    source->keys = keys;
    source->key_count = keys == NULL ? 0 : map->count;
    return keys == NULL ? WEFT_NOMEM : WEFT_OK;
}

static enum weft_status set_source(struct weft_log_chain *chain, struct weft_log_entry *entry)
{
    struct weft_log_source source = { .scope = entry->scope_name,
                                      .time_ns = entry->time_ns,
                                      .has_service = weft_log_map_find(&entry->resource, weft_log_service_key) != NULL,
                                      .has_environment =
                                          weft_log_map_find(&entry->resource, weft_log_environment_key) != NULL };
    enum weft_status status =
        weft_log_attributes_encode(&entry->resource, WEFT_RESOURCE_ATTRIBUTE_FIELD, entry->memory, &source.resource);
    if (status == WEFT_OK && entry->is_line) {
        status =
            weft_log_attributes_encode(&entry->attributes, WEFT_LOG_ATTRIBUTE_FIELD, entry->memory, &source.fields);
        status = status == WEFT_OK ? take_keys(entry, &source) : status;
    }
    weft_log_request_set_source(chain->settings.request, &source);
    return status;
}

static enum weft_status add_line(struct weft_log_chain *chain, const struct weft_log_entry *entry)
{
    struct weft_log_line line;
    enum weft_status status =
        weft_log_request_add(chain->settings.request, entry->body.text, entry->observed_ns, &line);
    if (status == WEFT_OK) {
        chain->settings.counts->lines--; /* it was counted when it came in */
        weft_log_line_count(chain->settings.counts, &line);
    }
    return status;
}

static enum weft_status add_record(struct weft_log_chain *chain, struct weft_log_entry *entry)
{
    size_t size;
    enum weft_status status = weft_log_record_prepare(entry, &size);
    uint8_t *to = status == WEFT_OK ? weft_log_request_add_record(chain->settings.request, size) : NULL;
    if (to == NULL) {
        return WEFT_NOMEM;
    }
    weft_log_record_write(entry, to, size);
    return WEFT_OK;
}

static void emit(void *user, struct weft_log_entry *entry)
{
    struct weft_log_chain *chain = user;
    enum weft_status status = set_source(chain, entry);
    if (status == WEFT_OK) {
        status = entry->is_line ? add_line(chain, entry) : add_record(chain, entry);
    }
    if (status != WEFT_OK) {
        lose(chain);
    }
}

/* ---- in ---- */

/* Operators are given UTF-8 only; without memory the line is cut where it is none. */
static struct weft_slice repaired(struct weft_log_chain *chain, struct weft_slice line)
{
    size_t valid = weft_utf8_valid_length(line);
    if (valid == line.length) {
        return line;
    }
    weft_buffer_clear(&chain->repaired);
    weft_utf8_append_repaired_by_part(&chain->repaired, line);
    return weft_buffer_status(&chain->repaired) == WEFT_OK ? weft_buffer_slice(&chain->repaired)
                                                           : weft_slice_of(line.bytes, valid);
}

static bool set_members(struct weft_log_map *map, struct weft_entry_memory *memory, struct members members)
{
    bool has_memory = true;
    for (size_t i = 0; has_memory && i < members.count; i++) {
        has_memory = weft_log_map_set(map, memory, members.items[i].key, members.items[i].value) == WEFT_OK;
    }
    return has_memory;
}

void weft_log_chain_begin(struct weft_log_chain *chain)
{
    weft_operator_run_begin(chain->run, chain->settings.id);
}

void weft_log_chain_add(struct weft_log_chain *chain, struct weft_slice line, uint64_t observed_ns)
{
    struct weft_slice whole = repaired(chain, line);
    line = weft_slice_trim(whole);
    if (line.length == 0) {
        return;
    }
    chain->settings.counts->lines++;
    struct weft_log_entry entry;
    weft_log_entry_begin(&entry, &chain->memory, line, observed_ns);
    entry.line_end = line.bytes + line.length;
    entry.trimmed_behind = (size_t)(whole.bytes + whole.length - entry.line_end);
    if (set_members(&entry.attributes, &chain->memory, chain->attributes) &&
        set_members(&entry.resource, &chain->memory, chain->resource)) {
        weft_operator_run_process(chain->run, &entry);
    } else {
        lose(chain);
    }
}

void weft_log_chain_set_attributes(struct weft_log_chain *chain, const struct weft_log_member *attributes, size_t count)
{
    chain->attributes = (struct members){ attributes, count };
}

void weft_log_chain_set_resource(struct weft_log_chain *chain, const struct weft_log_member *attributes, size_t count)
{
    chain->resource = (struct members){ attributes, count };
}

void weft_log_chain_flush(struct weft_log_chain *chain, uint64_t now_ns, bool is_all)
{
    weft_operator_run_flush(chain->run, (int64_t)now_ns, is_all);
}

bool weft_log_chain_keeps(const struct weft_log_chain *chain)
{
    return weft_operator_run_kept(chain->run) > 0;
}

uint64_t weft_log_chain_lost(const struct weft_log_chain *chain)
{
    return chain->lost;
}

/* ---- life ---- */

struct weft_log_chain *weft_log_chain_new(const struct weft_log_chain_settings *settings)
{
    struct weft_log_chain *chain = weft_alloc(sizeof *chain);
    chain->settings = *settings;
    weft_buffer_init(&chain->repaired, 0);
    chain->run = weft_operator_run_new(settings->operators, 0, emit, chain);
    if (chain->run == NULL) {
        weft_free(chain);
        return NULL;
    }
    weft_operator_run_set_budget(chain->run, settings->budget);
    return chain;
}

void weft_log_chain_free(struct weft_log_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    weft_operator_run_free(chain->run);
    weft_entry_memory_fini(&chain->memory);
    weft_buffer_fini(&chain->repaired);
    weft_free(chain);
}

void weft_log_chain_collect(const struct weft_log_chain *chain, const char *receiver_id, struct weft_samples *samples)
{
    const struct weft_operators *operators = chain->settings.operators;
    for (size_t i = 0; i < weft_operators_count(operators); i++) {
        struct weft_operator_counts counts = weft_operator_run_collect(chain->run, i);
        const char *id = weft_operators_id(operators, i);
        weft_samples_add(samples, "weft_file_log_operator_filtered", "Log entries that end at an operator",
                         WEFT_SAMPLE_COUNTER, (double)counts.filtered,
                         WEFT_LABELS({ "receiver", receiver_id }, { "operator", id }));
        weft_samples_add(samples, "weft_file_log_operator_errors", "Log entries that an operator could not process",
                         WEFT_SAMPLE_COUNTER, (double)counts.errors,
                         WEFT_LABELS({ "receiver", receiver_id }, { "operator", id }));
        weft_samples_add(samples, "weft_file_log_operator_dropped", "Log entries that end at an operator's error",
                         WEFT_SAMPLE_COUNTER, (double)counts.dropped,
                         WEFT_LABELS({ "receiver", receiver_id }, { "operator", id }));
    }
    weft_samples_add(samples, "weft_file_log_pattern_limits_met", "Matches of operators' patterns that met a limit",
                     WEFT_SAMPLE_COUNTER, (double)weft_operator_run_limits_met(chain->run),
                     WEFT_LABELS({ "receiver", receiver_id }));
    weft_samples_add(samples, "weft_file_log_kept_entries", "Log entries that operators keep until more have come",
                     WEFT_SAMPLE_GAUGE, (double)weft_operator_run_kept(chain->run),
                     WEFT_LABELS({ "receiver", receiver_id }));
}
