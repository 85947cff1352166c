/* Texts in pieces (container_parts.h). What is kept is charged by capacity, when it changes. */
#include "operators/container_parts.h"

#include "base/table.h"

#define PATIENCE_NS INT64_C(5000000000)

struct part {
    struct weft_entry_memory memory; /* of entry */
    struct weft_log_entry entry;     /* of the first piece, without its body */
    struct weft_buffer text;
    uint64_t began_ns;
    size_t pieces;
    size_t charged_bytes;
};

static bool prepare(struct weft_container_parts *parts, const struct weft_operator_run *run)
{
    if (parts->table == NULL) {
        parts->budget = run->budget == NULL ? &parts->none : run->budget;
        const struct weft_table_settings settings = { .budget = parts->budget,
                                                      .secret = &run->operators->secret,
                                                      .key_bytes_max = sizeof(uint64_t),
                                                      .entry_bytes = sizeof(struct part),
                                                      .entry_count_max = WEFT_CONTAINER_MAX_SOURCES };
        parts->table = weft_table_new(&settings);
        weft_buffer_init(&parts->spent, 0);
    }
    return parts->table != NULL;
}

static void charge(struct weft_container_parts *parts, struct part *part, size_t size_bytes)
{
    weft_budget_charge(parts->budget, size_bytes);
    weft_budget_release(parts->budget, part->charged_bytes);
    parts->size_bytes += size_bytes - part->charged_bytes;
    part->charged_bytes = size_bytes;
}

static void forget(struct weft_container_parts *parts, struct part *part)
{
    charge(parts, part, 0);
    weft_buffer_fini(&part->text);
    weft_entry_memory_fini(&part->memory);
    weft_table_remove(parts->table, part);
}

void weft_container_parts_fini(struct weft_container_parts *parts)
{
    uint32_t cursor = 0;
    for (struct part *part; parts->table != NULL && (part = weft_table_next(parts->table, &cursor)) != NULL;) {
        forget(parts, part);
    }
    if (parts->table != NULL) {
        weft_table_free(parts->table);
        weft_buffer_fini(&parts->spent);
        weft_entry_memory_fini(&parts->spent_memory);
    }
}

bool weft_container_parts_are_full(const struct weft_container_parts *parts)
{
    return parts->table != NULL && (weft_table_count(parts->table) >= WEFT_CONTAINER_MAX_SOURCES ||
                                    parts->size_bytes >= WEFT_CONTAINER_MAX_BYTES);
}

/* The first piece's entry, with the text as its body; both stay until the next one. */
static void hand_out(struct weft_container_parts *parts, struct weft_operator_run *run, struct part *part,
                     struct weft_log_entry *entry)
{
    weft_buffer_fini(&parts->spent);
    weft_entry_memory_fini(&parts->spent_memory);
    parts->spent = part->text;
    parts->spent_memory = part->memory;
    part->memory = (struct weft_entry_memory){ 0 };
    *entry = part->entry;
    entry->memory = &parts->spent_memory;
    entry->body = weft_log_string(weft_buffer_slice(&parts->spent));
    weft_buffer_init(&part->text, 0);
    forget(parts, part);
    run->kept--;
}

/* The piece, and of the first one the entry without its body. On failure nothing of the piece is kept. */
static enum weft_status keep(struct weft_container_parts *parts, struct part *part, const struct weft_log_entry *entry,
                             struct weft_slice piece)
{
    enum weft_status status = part->pieces > 0 ? WEFT_OK : weft_log_entry_keep(entry, &part->memory, &part->entry);
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_append(&part->text, piece.bytes, piece.length);
    if (weft_buffer_status(&part->text) != WEFT_OK) {
        part->text.is_failed = false;
        return WEFT_NOMEM;
    }
    part->pieces++;
    charge(parts, part, sizeof *part + part->text.capacity + part->memory.size_bytes);
    return WEFT_OK;
}

/* NULL without memory. */
static struct part *find_or_begin(struct weft_container_parts *parts, struct weft_operator_run *run, uint64_t key,
                                  uint64_t now_ns)
{
    void *found = NULL;
    bool is_new;
    if (weft_table_put(parts->table, weft_slice_of((const uint8_t *)&key, sizeof key), &found, &is_new) != WEFT_OK) {
        return NULL;
    }
    struct part *part = found;
    if (is_new) {
        weft_buffer_init(&part->text, 0);
        part->began_ns = now_ns;
        run->kept++;
    }
    return part;
}

bool weft_container_parts_add(struct weft_container_parts *parts, struct weft_operator_run *run, uint64_t key,
                              struct weft_log_entry *entry, struct weft_slice piece, bool is_last, size_t max_bytes,
                              enum weft_status *out_status)
{
    *out_status = WEFT_OK;
    struct weft_slice name = weft_slice_of((const uint8_t *)&key, sizeof key);
    bool has_begun = parts->table != NULL && weft_table_find(parts->table, name) != NULL;
    if (!has_begun && is_last) {
        entry->body = weft_log_string(piece);
        return true;
    }
    struct part *part = prepare(parts, run) ? find_or_begin(parts, run, key, entry->observed_ns) : NULL;
    *out_status = part == NULL ? WEFT_NOMEM : keep(parts, part, entry, piece);
    if (*out_status != WEFT_OK) {
        if (part != NULL && part->pieces == 0) {
            forget(parts, part);
            run->kept--;
        }
        return false;
    }
    if (is_last || (max_bytes > 0 && part->text.length > max_bytes)) {
        hand_out(parts, run, part, entry);
        return true;
    }
    return false;
}

void weft_container_parts_flush(struct weft_container_parts *parts, struct weft_operator_run *run,
                                const struct weft_operator *self, int64_t now_ns, bool is_all)
{
    uint32_t cursor = 0;
    bool is_text_wanted = run->is_text_wanted; /* others are asked meanwhile */
    for (struct part *part; parts->table != NULL && (part = weft_table_next(parts->table, &cursor)) != NULL;) {
        if (!is_all && now_ns - (int64_t)part->began_ns < PATIENCE_NS) {
            continue;
        }
        struct weft_log_entry entry = part->entry;
        entry.memory = &part->memory;
        entry.body = weft_log_string(weft_buffer_slice(&part->text));
        weft_operator_send(run, self, &self->outputs, &entry);
        forget(parts, part);
        run->kept--;
    }
    run->is_text_wanted = is_text_wanted;
}
