/* Series, families and targets (prometheus_table.h): how they are made, found and let go of. What a point says is put
 * into a series by prometheus_update.c. */
#include "exporters/prometheus_table.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "exporters/prometheus_internal.h"

enum { EXPIRE_AT_ONCE = 256 };

struct weft_prometheus_series *weft_prometheus_series_of_age(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_prometheus_series, by_age);
}

struct weft_prometheus_series *weft_prometheus_series_in_family(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_prometheus_series, in_family);
}

/* ---- memory ---- */

size_t weft_prometheus_table_size_bytes(const struct weft_prometheus_table *table)
{
    return table->held_bytes + weft_table_size_bytes(table->series) + weft_table_size_bytes(table->shown) +
           weft_table_size_bytes(table->families_by_name) + weft_table_size_bytes(table->targets_by_key);
}

enum weft_prometheus_fate weft_prometheus_alloc(struct weft_prometheus_table *table, size_t size_bytes,
                                                void *out_memory)
{
    if (weft_prometheus_table_size_bytes(table) + size_bytes > table->settings.max_bytes) {
        return WEFT_PROMETHEUS_FULL;
    }
    void *memory = weft_try_alloc(size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    table->held_bytes += size_bytes;
    weft_budget_charge(table->budget, size_bytes);
    memcpy(out_memory, &memory, sizeof memory);
    return WEFT_PROMETHEUS_TAKEN;
}

void weft_prometheus_release(struct weft_prometheus_table *table, void *memory, size_t size_bytes)
{
    if (memory != NULL) {
        weft_assert(table->held_bytes >= size_bytes);
        table->held_bytes -= size_bytes;
        weft_budget_release(table->budget, size_bytes);
        weft_free(memory);
    }
}

enum weft_prometheus_fate weft_prometheus_copy(struct weft_prometheus_table *table, const void *bytes, size_t length,
                                               void *out_memory)
{
    void *memory = NULL;
    enum weft_prometheus_fate fate = weft_prometheus_alloc(table, length, &memory);
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        if (length > 0) {
            memcpy(memory, bytes, length);
        }
        memcpy(out_memory, &memory, sizeof memory);
    }
    return fate;
}

enum weft_prometheus_fate weft_prometheus_put(struct weft_table *entries, const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES],
                                              void *out_entry, bool *out_is_new)
{
    void *entry = NULL;
    enum weft_status status = weft_table_put(entries, weft_prometheus_key_slice(key), &entry, out_is_new);
    memcpy(out_entry, &entry, sizeof entry);
    return status == WEFT_OK      ? WEFT_PROMETHEUS_TAKEN
           : status == WEFT_LIMIT ? WEFT_PROMETHEUS_FULL
                                  : WEFT_PROMETHEUS_NO_MEMORY;
}

/* ---- series ---- */

struct weft_prometheus_series *weft_prometheus_find(struct weft_prometheus_table *table,
                                                    const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES])
{
    struct weft_prometheus_series *series = weft_table_find(table->series, weft_prometheus_key_slice(key));
    if (series != NULL && series->target != NULL) {
        weft_prometheus_refresh_target(table, series->target);
    } else if (series != NULL) { /* it has none, or there was no room for it */
        series->target = weft_prometheus_ref_target(table);
    }
    return series;
}

static void free_values(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    weft_prometheus_release(table, series->labels.bytes, series->labels.length);
    weft_prometheus_release(table, series->words, series->word_capacity * sizeof *series->words);
    weft_prometheus_release(table, series->exemplars, series->exemplar_capacity * sizeof *series->exemplars);
}

void weft_prometheus_remove_series(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    struct weft_prometheus_family *family = series->family;
    WEFT_LIST_EACH(node, &table->cursors)
    {
        struct weft_prometheus_cursor *cursor = WEFT_CONTAINER_OF(node, struct weft_prometheus_cursor, node);
        cursor->series = cursor->series == &series->in_family ? series->in_family.next : cursor->series;
    }
    weft_list_remove(&series->by_age);
    weft_list_remove(&series->in_family);
    weft_prometheus_target_unref(table, series->target);
    table->text_bytes -= series->text_bytes;
    free_values(table, series);
    if (series->shown != NULL) {
        weft_table_remove(table->shown, series->shown);
    }
    weft_table_remove(table->series, series);
    if (weft_list_is_empty(&family->series)) {
        weft_prometheus_family_free(table, family);
    }
}

/* Two series with the same name and labels cannot both be on a page: the first one stays. */
static enum weft_prometheus_fate claim_labels(struct weft_prometheus_table *table,
                                              struct weft_prometheus_series *series)
{
    uint8_t key[WEFT_PROMETHEUS_KEY_BYTES];
    bool is_new = false;
    void *shown = NULL;
    struct weft_buffer *text = &table->context.key;
    weft_buffer_clear(text);
    weft_buffer_append(text, series->family->name, series->family->name_length);
    weft_buffer_append_byte(text, 0);
    weft_buffer_append(text, table->context.labels.bytes, table->context.labels.length);
    if (text->is_failed) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    weft_hash_wide(&table->secret, weft_buffer_slice(text), key);
    enum weft_prometheus_fate fate = weft_prometheus_put(table->shown, key, &shown, &is_new);
    if (fate == WEFT_PROMETHEUS_TAKEN && !is_new) {
        return WEFT_PROMETHEUS_INVALID;
    }
    series->shown = fate == WEFT_PROMETHEUS_TAKEN ? shown : NULL;
    return fate;
}

static enum weft_prometheus_fate fill_series(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    const struct weft_buffer *labels = &table->context.labels;
    enum weft_prometheus_fate fate = claim_labels(table, series);
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        fate = weft_prometheus_copy(table, labels->bytes, labels->length, &series->labels.bytes);
        series->labels.length = labels->length;
    }
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        series->target = weft_prometheus_ref_target(table);
    }
    return fate;
}

enum weft_prometheus_fate weft_prometheus_make_series(struct weft_prometheus_table *table,
                                                      const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES],
                                                      struct weft_prometheus_series **out_series)
{
    const struct weft_prometheus_metric *metric = &table->context.metric;
    struct weft_buffer *names = &table->context.names;
    struct weft_prometheus_family *family = NULL;
    struct weft_prometheus_series *series = NULL;
    bool is_new = false;
    if (!weft_prometheus_write_labels(table)) {
        return table->context.labels.is_failed ? WEFT_PROMETHEUS_NO_MEMORY : WEFT_PROMETHEUS_INVALID;
    }
    weft_buffer_clear(names);
    if (!weft_prometheus_put_metric_name(&table->settings.naming, metric->kind, metric->name, metric->unit, names) ||
        names->is_failed) {
        return names->is_failed ? WEFT_PROMETHEUS_NO_MEMORY : WEFT_PROMETHEUS_INVALID;
    }
    enum weft_prometheus_fate fate = weft_prometheus_put(table->series, key, &series, &is_new);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    weft_assert(is_new);
    fate = weft_prometheus_get_family(table, names, &family);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        weft_table_remove(table->series, series);
        return fate;
    }
    series->family = family;
    series->kind = metric->kind;
    weft_list_push_back(&table->by_age, &series->by_age);
    weft_list_push_back(&family->series, &series->in_family);
    fate = fill_series(table, series);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        weft_prometheus_remove_series(table, series);
        return fate;
    }
    *out_series = series;
    return WEFT_PROMETHEUS_TAKEN;
}

/* ---- age ---- */

static void expire(void *context)
{
    struct weft_prometheus_table *table = context;
    struct weft_list *node = NULL;
    for (unsigned i = 0; i < EXPIRE_AT_ONCE && (node = weft_list_first(&table->by_age)) != NULL; i++) {
        struct weft_prometheus_series *series = weft_prometheus_series_of_age(node);
        if (!weft_prometheus_is_expired(table, series)) {
            break;
        }
        weft_prometheus_remove_series(table, series);
        table->expired++;
    }
    node = weft_list_first(&table->by_age);
    if (node != NULL) {
        struct weft_monotonic end =
            weft_monotonic_after(weft_prometheus_series_of_age(node)->updated, table->settings.expiration_ns);
        weft_timer_set_at(table->timers, &table->expiry_timer, weft_monotonic_after(end, 1));
    }
}

void weft_prometheus_touch(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    series->updated = weft_timers_now(table->timers);
    weft_list_remove(&series->by_age);
    weft_list_push_back(&table->by_age, &series->by_age);
    if (!weft_timer_is_set(&table->expiry_timer)) {
        weft_timer_set_after(table->timers, &table->expiry_timer, table->settings.expiration_ns + 1);
    }
}

/* ---- cursors ---- */

void weft_prometheus_cursor_begin(struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor)
{
    struct weft_list *first = weft_list_first(&table->families);
    cursor->family = first == NULL ? NULL : WEFT_CONTAINER_OF(first, struct weft_prometheus_family, node);
    cursor->series = cursor->family == NULL ? NULL : cursor->family->series.next;
    cursor->target = table->targets.next;
    cursor->is_begun = false;
    weft_list_push_back(&table->cursors, &cursor->node);
}

void weft_prometheus_cursor_end(struct weft_prometheus_cursor *cursor)
{
    weft_list_remove(&cursor->node);
}

/* ---- tables ---- */

static struct weft_table *new_entries(struct weft_prometheus_table *table, size_t entry_bytes)
{
    struct weft_table_settings settings = { .budget = table->budget,
                                            .secret = &table->secret,
                                            .key_bytes_max = WEFT_PROMETHEUS_KEY_BYTES,
                                            .entry_bytes = entry_bytes,
                                            .entry_count_max = table->settings.max_series };
    return weft_table_new(&settings);
}

static void init_context(struct weft_prometheus_context *context)
{
    struct weft_buffer *buffers[] = { &context->texts, &context->job_text, &context->key,        &context->stack,
                                      &context->names, &context->labels,   &context->label_texts };
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        weft_buffer_init(buffers[i], 0);
    }
}

static void fini_context(struct weft_prometheus_context *context)
{
    struct weft_buffer *buffers[] = { &context->texts, &context->job_text, &context->key,        &context->stack,
                                      &context->names, &context->labels,   &context->label_texts };
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        weft_buffer_fini(buffers[i]);
    }
    weft_otlp_attributes_fini(&context->resource_attributes);
    weft_otlp_attributes_fini(&context->scope_attributes);
    weft_otlp_attributes_fini(&context->attributes);
    weft_prometheus_point_fini(&context->point);
}

struct weft_prometheus_table *weft_prometheus_table_try_new(const struct weft_prometheus_settings *settings,
                                                            struct weft_timers *timers, struct weft_budget *budget)
{
    struct weft_prometheus_table *table = weft_try_alloc(sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    memset(table, 0, sizeof *table);
    table->settings = *settings;
    table->timers = timers;
    table->budget = budget;
    weft_hash_secret_init(&table->secret);
    table->series = new_entries(table, sizeof(struct weft_prometheus_series));
    table->shown = new_entries(table, sizeof(uint64_t));
    table->families_by_name = new_entries(table, sizeof(struct weft_prometheus_family));
    table->targets_by_key = new_entries(table, sizeof(struct weft_prometheus_target));
    weft_list_init(&table->by_age);
    weft_list_init(&table->families);
    weft_list_init(&table->targets);
    weft_list_init(&table->cursors);
    weft_timer_init(&table->expiry_timer, expire, table);
    init_context(&table->context);
    return table;
}

void weft_prometheus_table_free(struct weft_prometheus_table *table)
{
    struct weft_list *node;
    weft_assert(weft_list_is_empty(&table->cursors));
    while ((node = weft_list_first(&table->by_age)) != NULL) {
        weft_prometheus_remove_series(table, weft_prometheus_series_of_age(node));
    }
    weft_assert(table->held_bytes == 0 && weft_list_is_empty(&table->families) && weft_list_is_empty(&table->targets));
    weft_timer_cancel(table->timers, &table->expiry_timer);
    weft_table_free(table->series);
    weft_table_free(table->shown);
    weft_table_free(table->families_by_name);
    weft_table_free(table->targets_by_key);
    fini_context(&table->context);
    weft_free(table);
}

size_t weft_prometheus_table_count(const struct weft_prometheus_table *table)
{
    return weft_table_count(table->series);
}

uint64_t weft_prometheus_table_expired(const struct weft_prometheus_table *table)
{
    return table->expired;
}
