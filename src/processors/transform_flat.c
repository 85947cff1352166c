/* A resource and a scope for each record, and back (transform_flat.h). Going back costs n log n: rows are sorted by the
 * hash of what they have in common, and then by where the first of each group stood. */
#include "processors/transform_flat.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/work.h"

enum { ROW_BYTES = 32 }; /* what a step of a loop over rows costs, as work counts it */

/* A record on its way into a group: of its resource first, then of its scope within that. */
struct row {
    uint64_t hash;
    struct weft_slice header; /* by which rows of one group are told apart */
    uint32_t group;           /* that it belongs to already */
    uint32_t first;           /* of its group */
    uint32_t index;
};

/* What flattening and regrouping take for a record, besides headers. */
enum {
    RECORD_BYTES = 2 * (sizeof(struct weft_otlp_resource) + sizeof(struct weft_otlp_scope) + sizeof(struct row)) +
                   sizeof(struct weft_otlp_record)
};

static uint64_t flat_bytes(const struct weft_otlp_table *table)
{
    uint64_t bytes = (uint64_t)table->record_count * RECORD_BYTES;
    for (uint32_t i = 0; i < table->record_count; i++) {
        const struct weft_otlp_scope *scope = &table->scopes[table->records[i].scope];
        bytes += scope->header.length + table->resources[scope->resource].header.length;
        weft_work_did(ROW_BYTES);
    }
    return bytes;
}

enum weft_status weft_transform_flatten(struct weft_otlp_table *table, struct weft_arena *arena,
                                        struct weft_error *error)
{
    uint32_t count = table->record_count;
    if (flat_bytes(table) > WEFT_TRANSFORM_MAX_FLAT_BYTES) {
        return weft_fail(error, WEFT_LIMIT, "resources and scopes, one for each record, would be more than %d MiB",
                         WEFT_TRANSFORM_MAX_FLAT_BYTES >> 20);
    }
    struct weft_otlp_resource *resources = weft_arena_try_alloc(arena, count * sizeof *resources + 1);
    struct weft_otlp_scope *scopes = weft_arena_try_alloc(arena, count * sizeof *scopes + 1);
    if (resources == NULL || scopes == NULL) {
        return WEFT_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_otlp_scope *scope = &table->scopes[table->records[i].scope];
        resources[i] = table->resources[scope->resource];
        scopes[i] = (struct weft_otlp_scope){ .header = scope->header, .resource = i };
        table->records[i].scope = i;
        weft_work_did(ROW_BYTES);
    }
    table->resources = resources;
    table->scopes = scopes;
    table->resource_count = table->scope_count = count;
    return WEFT_OK;
}

static bool is_same(const struct row *left, const struct row *right)
{
    return left->group == right->group && left->hash == right->hash && weft_slice_equal(left->header, right->header);
}

static int order_of_bytes(struct weft_slice left, struct weft_slice right)
{
    if (left.length != right.length || left.bytes == right.bytes) {
        return left.length == right.length ? 0 : left.length < right.length ? -1 : 1;
    }
    return left.length == 0 ? 0 : memcmp(left.bytes, right.bytes, left.length);
}

static bool is_before_by_header(const struct row *left, const struct row *right)
{
    if (left->group != right->group || left->hash != right->hash) {
        return left->group != right->group ? left->group < right->group : left->hash < right->hash;
    }
    int order = order_of_bytes(left->header, right->header);
    return order != 0 ? order < 0 : left->index < right->index;
}

static bool is_before_by_first(const struct row *left, const struct row *right)
{
    if (left->group != right->group || left->first != right->first) {
        return left->group != right->group ? left->group < right->group : left->first < right->first;
    }
    return left->index < right->index;
}

typedef bool (*is_before_fn)(const struct row *left, const struct row *right);

/* Returns where the sorted rows lie: one of the two. */
static struct row *sort(struct row *rows, struct row *room, size_t count, is_before_fn is_before)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t left = start, right = middle;
            for (size_t i = start; i < end; i++) {
                bool is_left = left < middle && (right >= end || !is_before(&rows[right], &rows[left]));
                room[i] = is_left ? rows[left++] : rows[right++];
                weft_work_did(ROW_BYTES);
            }
        }
        struct row *sorted = room;
        room = rows;
        rows = sorted;
    }
    return rows;
}

/* Rows of one group and header come together, where the first of them stood within the group. */
static struct row *group(struct row *rows, struct row *room, uint32_t count)
{
    struct row *sorted = sort(rows, room, count, is_before_by_header);
    for (uint32_t i = 0; i < count; i++) {
        sorted[i].first = i > 0 && is_same(&sorted[i - 1], &sorted[i]) ? sorted[i - 1].first : sorted[i].index;
        weft_work_did(ROW_BYTES);
    }
    return sort(sorted, sorted == rows ? room : rows, count, is_before_by_first);
}

static void set_header(struct row *row, struct weft_slice header, const struct row *before)
{
    bool is_known = before != NULL && before->header.bytes == header.bytes && before->header.length == header.length;
    row->header = header;
    row->hash = is_known ? before->hash : weft_hash_xxh3(header);
    weft_work_did(ROW_BYTES + (is_known ? 0 : header.length));
}

/* Resources and scopes of rows that lie in the order of both. */
static void write_table(struct weft_otlp_table *table, const struct row *rows, const struct weft_otlp_resource *old,
                        const struct weft_otlp_record *records)
{
    uint32_t resource_count = 0, scope_count = 0;
    for (uint32_t i = 0; i < table->record_count; i++) {
        bool is_new_resource = i == 0 || rows[i].group != rows[i - 1].group;
        if (is_new_resource) {
            table->resources[resource_count++] = old[rows[i].group];
        }
        if (is_new_resource || rows[i].first != rows[i - 1].first) {
            table->scopes[scope_count++] =
                (struct weft_otlp_scope){ .header = rows[i].header, .resource = resource_count - 1 };
        }
        table->records[i] = records[rows[i].index];
        table->records[i].scope = scope_count - 1;
        weft_work_did(ROW_BYTES);
    }
    table->resource_count = resource_count;
    table->scope_count = scope_count;
}

enum weft_status weft_transform_regroup(struct weft_otlp_table *table, struct weft_arena *arena)
{
    uint32_t count = table->record_count;
    struct row *rows = weft_arena_try_alloc(arena, 2 * count * sizeof *rows + 1);
    struct weft_otlp_resource *resources = weft_arena_try_alloc(arena, count * sizeof *resources + 1);
    struct weft_otlp_scope *scopes = weft_arena_try_alloc(arena, count * sizeof *scopes + 1);
    struct weft_otlp_record *records = weft_arena_try_alloc(arena, count * sizeof *records + 1);
    if (rows == NULL || resources == NULL || scopes == NULL || records == NULL) {
        return WEFT_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        weft_assert(table->records[i].scope == i && table->scopes[i].resource == i);
        rows[i] = (struct row){ .index = i };
        set_header(&rows[i], table->resources[i].header, i == 0 ? NULL : &rows[i - 1]);
    }
    struct row *grouped = group(rows, rows + count, count);
    for (uint32_t i = 0; i < count; i++) {
        grouped[i].group = grouped[i].first;
        set_header(&grouped[i], table->scopes[grouped[i].index].header, NULL);
    }
    /* groups keep the order of their first rows, since that is their number */
    grouped = group(grouped, grouped == rows ? rows + count : rows, count);
    const struct weft_otlp_resource *old = table->resources;
    const struct weft_otlp_record *old_records = table->records;
    table->resources = resources;
    table->scopes = scopes;
    table->records = records;
    write_table(table, grouped, old, old_records);
    return WEFT_OK;
}
