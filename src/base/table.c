/* Table (table.h): cells in chunks, which stay in place, and an index of their ids. A cell is a header, the key, the
 * entry. The chunks that have room form a list, the fullest first; one that is empty goes back to the system. */
#include "base/table.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/table_slots.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    PAGE_BYTES = 4096,
    ENTRY_ALIGNMENT = 8,
    KEY_BYTES_MAX = 255,
    CACHE_LINE_BYTES = 64,
    TRACE_ID_BYTES = 16, /* keys of this length are compared without a call */
    CELLS_PER_CHUNK_MIN_BITS = 3,
    ENTRY_COUNT_MAX = 1 << 28,
};

struct cell {
    uint32_t hash;
    uint32_t serial; /* 0 = free */
    uint32_t id;     /* of a free one: the next free one in the chunk, 0 = end */
    uint8_t key_length;
    uint8_t unused[3];
    uint8_t key[];
};

struct chunk {
    uint8_t *cells;       /* NULL = this number is free */
    uint32_t first_free;  /* id */
    uint32_t fresh_count; /* from so many on they have never been used */
    uint32_t used_count;
    uint32_t next; /* in the list of chunks with room, or of free numbers; 0 = end */
    uint32_t previous;
};

struct weft_table {
    struct weft_table_settings settings;
    struct weft_slots slots;
    struct chunk *chunks; /* [0] is not used, so that no cell has the id 0 */
    size_t chunk_capacity;
    uint32_t chunk_end;
    uint32_t free_number;
    uint32_t with_room;
    uint32_t chunk_bits; /* 1 << chunk_bits cells in a chunk */
    uint32_t chunk_count;
    uint32_t last_serial;
    size_t entry_offset, cell_bytes, chunk_bytes;
    size_t count;
};

static size_t rounded_up(size_t size_bytes, size_t unit)
{
    return (size_bytes + unit - 1) / unit * unit;
}

struct weft_table *weft_table_new(const struct weft_table_settings *settings)
{
    weft_assert(settings->key_bytes_max > 0 && settings->key_bytes_max <= KEY_BYTES_MAX);
    weft_assert(settings->entry_count_max <= ENTRY_COUNT_MAX);
    struct weft_table *table = weft_alloc(sizeof *table);
    table->settings = *settings;
    table->slots.budget = settings->budget;
    table->chunk_end = 1;
    table->entry_offset = rounded_up(sizeof(struct cell) + settings->key_bytes_max, ENTRY_ALIGNMENT);
    table->cell_bytes = rounded_up(table->entry_offset + settings->entry_bytes, ENTRY_ALIGNMENT);
    table->chunk_bits = CELLS_PER_CHUNK_MIN_BITS;
    while (table->cell_bytes << (table->chunk_bits + 1) <= CHUNK_BYTES) {
        table->chunk_bits++;
    }
    table->chunk_bytes = rounded_up(table->cell_bytes << table->chunk_bits, PAGE_BYTES);
    return table;
}

/* ---- chunks ---- */

static void list_push(struct weft_table *table, uint32_t number)
{
    struct chunk *chunk = &table->chunks[number];
    chunk->previous = 0;
    chunk->next = table->with_room;
    if (chunk->next != 0) {
        table->chunks[chunk->next].previous = number;
    }
    table->with_room = number;
}

static void list_remove(struct weft_table *table, uint32_t number)
{
    struct chunk *chunk = &table->chunks[number];
    if (chunk->previous != 0) {
        table->chunks[chunk->previous].next = chunk->next;
    } else {
        table->with_room = chunk->next;
    }
    if (chunk->next != 0) {
        table->chunks[chunk->next].previous = chunk->previous;
    }
}

/* Memory whose hole the system cannot note is empty and lost to us, which takes 2^16 mappings. */
static void chunk_free(struct weft_table *table, struct chunk *chunk)
{
    bool is_gone = weft_unmap(chunk->cells, table->chunk_bytes);
    (void)is_gone;
    chunk->cells = NULL;
    weft_budget_release(table->settings.budget, table->chunk_bytes);
    table->chunk_count--;
}

static enum weft_status chunk_new(struct weft_table *table)
{
    uint32_t number = table->free_number != 0 ? table->free_number : table->chunk_end;
    if (number > UINT32_MAX >> table->chunk_bits) {
        return WEFT_NOMEM;
    }
    size_t capacity = table->chunk_capacity;
    enum weft_status status = weft_try_grow(&table->chunks, sizeof *table->chunks, number, &table->chunk_capacity);
    if (status != WEFT_OK) {
        return status;
    }
    weft_budget_charge(table->settings.budget, (table->chunk_capacity - capacity) * sizeof *table->chunks);
    uint8_t *memory = weft_try_map(table->chunk_bytes);
    if (memory == NULL) {
        return WEFT_NOMEM;
    }
    weft_budget_charge(table->settings.budget, table->chunk_bytes);
    if (number == table->free_number) {
        table->free_number = table->chunks[number].next;
    } else {
        table->chunk_end++;
    }
    table->chunks[number] = (struct chunk){ .cells = memory };
    table->chunk_count++;
    list_push(table, number);
    return WEFT_OK;
}

void weft_table_free(struct weft_table *table)
{
    for (uint32_t i = 1; i < table->chunk_end; i++) {
        if (table->chunks[i].cells != NULL) {
            chunk_free(table, &table->chunks[i]);
        }
    }
    weft_slots_fini(&table->slots);
    weft_budget_release(table->settings.budget, table->chunk_capacity * sizeof *table->chunks);
    weft_free(table->chunks);
    weft_free(table);
}

/* ---- cells ---- */

static struct cell *cell_at(const struct weft_table *table, uint32_t id)
{
    uint32_t place = id & ((UINT32_C(1) << table->chunk_bits) - 1);
    return (struct cell *)(void *)(table->chunks[id >> table->chunk_bits].cells + place * table->cell_bytes);
}

static void *entry_of(const struct weft_table *table, struct cell *cell)
{
    return (uint8_t *)cell + table->entry_offset;
}

static struct cell *cell_of(const struct weft_table *table, const void *entry)
{
    struct cell *cell = (struct cell *)(void *)((uintptr_t)entry - table->entry_offset);
    weft_assert(cell->serial != 0 && cell_at(table, cell->id) == cell);
    return cell;
}

/* A cell that is not in use yet; the caller books it with cell_use. */
static enum weft_status free_cell(struct weft_table *table, uint32_t *out_id)
{
    if (table->with_room == 0) {
        enum weft_status status = chunk_new(table);
        if (status != WEFT_OK) {
            return status;
        }
    }
    const struct chunk *chunk = &table->chunks[table->with_room];
    *out_id = chunk->first_free != 0 ? chunk->first_free : table->with_room << table->chunk_bits | chunk->fresh_count;
    return WEFT_OK;
}

static struct cell *cell_use(struct weft_table *table, uint32_t id)
{
    uint32_t number = id >> table->chunk_bits;
    struct chunk *chunk = &table->chunks[number];
    struct cell *cell = cell_at(table, id);
    if (chunk->first_free == id) {
        chunk->first_free = cell->id;
    } else {
        chunk->fresh_count++;
    }
    chunk->used_count++;
    if (chunk->used_count == UINT32_C(1) << table->chunk_bits) {
        list_remove(table, number);
    }
    memset(cell, 0, table->cell_bytes);
    table->last_serial += table->last_serial == UINT32_MAX ? 2 : 1; /* never 0 */
    cell->serial = table->last_serial;
    cell->id = id;
    table->count++;
    return cell;
}

static void chunk_close(struct weft_table *table, uint32_t number)
{
    list_remove(table, number);
    chunk_free(table, &table->chunks[number]);
    table->chunks[number].next = table->free_number;
    table->free_number = number;
}

/* One that is empty stays while no other has room: the next entry would want it back. */
static void close_if_empty(struct weft_table *table, uint32_t number)
{
    const struct chunk *chunk = &table->chunks[number];
    if (chunk->used_count == 0 && (chunk->next != 0 || chunk->previous != 0 || table->count == 0)) {
        chunk_close(table, number);
    }
}

static void cell_free(struct weft_table *table, struct cell *cell)
{
    uint32_t id = cell->id;
    uint32_t number = id >> table->chunk_bits;
    struct chunk *chunk = &table->chunks[number];
    if (chunk->used_count == UINT32_C(1) << table->chunk_bits) {
        list_push(table, number);
    }
    cell->serial = 0;
    cell->id = chunk->first_free;
    chunk->first_free = id;
    chunk->used_count--;
    table->count--;
    close_if_empty(table, number);
}

/* ---- what the table does ---- */

struct wanted {
    const struct weft_table *table;
    struct weft_slice key;
};

static bool has_key(const void *context, uint32_t id)
{
    const struct wanted *wanted = context;
    const struct cell *cell = cell_at(wanted->table, id);
    if (cell->key_length == TRACE_ID_BYTES && wanted->key.length == TRACE_ID_BYTES) {
        return memcmp(cell->key, wanted->key.bytes, TRACE_ID_BYTES) == 0;
    }
    return weft_slice_equal(weft_slice_of(cell->key, cell->key_length), wanted->key);
}

static uint32_t find(const struct weft_table *table, struct weft_slice key, uint32_t hash)
{
    struct wanted wanted = { table, key };
    return weft_slots_find(&table->slots, hash, has_key, &wanted);
}

void *weft_table_find_hashed(const struct weft_table *table, struct weft_slice key, uint64_t hash)
{
    uint32_t id = find(table, key, (uint32_t)hash);
    return id == 0 ? NULL : entry_of(table, cell_at(table, id));
}

void *weft_table_find(const struct weft_table *table, struct weft_slice key)
{
    return weft_table_find_hashed(table, key, weft_hash(table->settings.secret, key));
}

uint32_t weft_table_hash_of(const struct weft_table *table, const void *entry)
{
    return cell_of(table, entry)->hash;
}

void weft_table_prefetch(const struct weft_table *table, uint64_t hash)
{
    weft_slots_prefetch(&table->slots, (uint32_t)hash);
}

static void prefetch_cell(const struct weft_table *table, const void *cell)
{
    for (size_t at = 0; at < table->cell_bytes; at += CACHE_LINE_BYTES) {
        __builtin_prefetch((const uint8_t *)cell + at);
    }
}

void weft_table_prefetch_entry(const struct weft_table *table, uint64_t hash)
{
    uint32_t id = weft_slots_guess(&table->slots, (uint32_t)hash);
    if (id != 0) {
        prefetch_cell(table, cell_at(table, id));
    }
}

void weft_table_prefetch_at(const struct weft_table *table, const void *entry)
{
    prefetch_cell(table, (const uint8_t *)entry - table->entry_offset);
}

enum weft_status weft_table_put(struct weft_table *table, struct weft_slice key, void **out_entry, bool *out_is_new)
{
    return weft_table_put_hashed(table, key, weft_hash(table->settings.secret, key), out_entry, out_is_new);
}

enum weft_status weft_table_put_hashed(struct weft_table *table, struct weft_slice key, uint64_t key_hash,
                                       void **out_entry, bool *out_is_new)
{
    uint32_t hash = (uint32_t)key_hash;
    uint32_t id = find(table, key, hash);
    if (id != 0) {
        *out_entry = entry_of(table, cell_at(table, id));
        *out_is_new = false;
        return WEFT_OK;
    }
    if (key.length > table->settings.key_bytes_max || table->count == table->settings.entry_count_max) {
        return WEFT_LIMIT;
    }
    enum weft_status status = free_cell(table, &id);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_slots_insert(&table->slots, hash, id);
    if (status != WEFT_OK) {
        close_if_empty(table, id >> table->chunk_bits);
        return status;
    }
    struct cell *cell = cell_use(table, id);
    cell->hash = hash;
    cell->key_length = (uint8_t)key.length;
    if (key.length > 0) {
        memcpy(cell->key, key.bytes, key.length);
    }
    *out_entry = entry_of(table, cell);
    *out_is_new = true;
    return WEFT_OK;
}

void weft_table_remove(struct weft_table *table, void *entry)
{
    struct cell *cell = cell_of(table, entry);
    weft_slots_remove(&table->slots, cell->hash, cell->id);
    cell_free(table, cell);
}

struct weft_slice weft_table_key(const struct weft_table *table, const void *entry)
{
    const struct cell *cell = cell_of(table, entry);
    return weft_slice_of(cell->key, cell->key_length);
}

uint32_t weft_table_id(const struct weft_table *table, const void *entry)
{
    return cell_of(table, entry)->id;
}

uint64_t weft_table_handle(const struct weft_table *table, const void *entry)
{
    const struct cell *cell = cell_of(table, entry);
    return (uint64_t)cell->serial << 32 | cell->id;
}

static struct cell *used_cell(const struct weft_table *table, uint32_t id)
{
    uint32_t number = id >> table->chunk_bits;
    uint32_t place = id & ((UINT32_C(1) << table->chunk_bits) - 1);
    if (number == 0 || number >= table->chunk_end || table->chunks[number].cells == NULL ||
        place >= table->chunks[number].fresh_count) {
        return NULL;
    }
    struct cell *cell = cell_at(table, id);
    return cell->serial == 0 ? NULL : cell;
}

void *weft_table_at(const struct weft_table *table, uint32_t id)
{
    struct cell *cell = used_cell(table, id);
    return cell == NULL ? NULL : entry_of(table, cell);
}

void *weft_table_resolve(const struct weft_table *table, uint64_t handle)
{
    struct cell *cell = used_cell(table, (uint32_t)handle);
    return cell == NULL || cell->serial != handle >> 32 ? NULL : entry_of(table, cell);
}

void *weft_table_next(const struct weft_table *table, uint32_t *cursor)
{
    uint32_t cells = UINT32_C(1) << table->chunk_bits;
    uint32_t id = *cursor < cells ? cells : *cursor;
    while (id >> table->chunk_bits < table->chunk_end) {
        const struct chunk *chunk = &table->chunks[id >> table->chunk_bits];
        if (chunk->cells == NULL || (id & (cells - 1)) >= chunk->fresh_count) {
            id = (id | (cells - 1)) + 1;
            continue;
        }
        struct cell *cell = cell_at(table, id++);
        if (cell->serial != 0) {
            *cursor = id;
            return entry_of(table, cell);
        }
    }
    *cursor = id;
    return NULL;
}

size_t weft_table_count(const struct weft_table *table)
{
    return table->count;
}

size_t weft_table_size_bytes(const struct weft_table *table)
{
    return table->chunk_count * table->chunk_bytes + table->chunk_capacity * sizeof *table->chunks +
           weft_slots_size_bytes(&table->slots);
}

size_t weft_table_longest_probe(const struct weft_table *table)
{
    return weft_slots_longest_probe(&table->slots);
}
