/* Splitting a table by what would be written (otlp_table.h): whole rows move, and at most one Metric is cut between its
 * data points (otlp_metric_cut.h). */
#include "base/assert.h"
#include "wire/otlp_metric_cut.h"
#include "wire/otlp_table_internal.h"
#include "wire/checked.h"

enum { RESOURCES_FIELD = 1, SCOPES_FIELD = 2, RECORDS_FIELD = 2 };

/* Size of the request that the records so far would make; grows by one record at a time. */
struct growing_size {
    size_t closed;   /* envelope and finished resources */
    size_t resource; /* contents of the open resource, without its open scope */
    size_t scope;    /* contents of the open scope */
};

static void growing_size_add(struct growing_size *size, const struct weft_otlp_table *table, uint32_t record)
{
    uint32_t scope = table->records[record].scope;
    bool is_new_scope = record == 0 || table->records[record - 1].scope != scope;
    uint32_t resource = table->scopes[scope].resource;
    bool is_new_resource = record == 0 || table->scopes[table->records[record - 1].scope].resource != resource;
    if (is_new_scope && record > 0) {
        size->resource += weft_wire_size_bytes_field(SCOPES_FIELD, size->scope);
    }
    if (is_new_resource) {
        size->closed += record > 0 ? weft_wire_size_bytes_field(RESOURCES_FIELD, size->resource) : 0;
        size->resource = table->resources[resource].header.length;
    }
    if (is_new_scope) {
        size->scope = table->scopes[scope].header.length;
    }
    size->scope += weft_wire_size_bytes_field(RECORDS_FIELD, table->records[record].length);
}

static size_t growing_size_total(const struct growing_size *size)
{
    size_t scope_bytes = weft_wire_size_bytes_field(SCOPES_FIELD, size->scope);
    return size->closed + weft_wire_size_bytes_field(RESOURCES_FIELD, size->resource + scope_bytes);
}

/* What may move; UINT64_MAX and SIZE_MAX are no limit. */
struct room {
    uint64_t weight;
    size_t bytes;
};

/* The rows that move whole, and their weight. */
static uint32_t count_whole(const struct weft_otlp_table *table, struct room room, uint64_t *out_weight)
{
    struct growing_size size = { .closed = table->envelope.length };
    uint32_t count = 0;
    for (*out_weight = 0; count < table->record_count; count++) {
        uint32_t weight = table->records[count].weight;
        growing_size_add(&size, table, count);
        if (weight > room.weight - *out_weight || growing_size_total(&size) > room.bytes) {
            break;
        }
        *out_weight += weight;
    }
    return count;
}

/* The first points of the table's first metric that fit, at least one and not all: how many, and the bytes that they
 * take. */
static uint32_t measure_points(const struct weft_otlp_table *table, const struct weft_otlp_laid_metric *metric,
                               struct room room, size_t *out_length)
{
    struct weft_otlp_record record = table->records[0];
    struct weft_otlp_table alone = { .resources = table->resources, .scopes = table->scopes, .records = &record };
    struct weft_wire_reader reader = weft_wire_reader_of(metric->points);
    struct weft_wire_field point;
    uint32_t count = 0;
    *out_length = 0;
    while (count < room.weight && count + 1 < record.weight && weft_wire_next_checked(&reader, &point)) {
        struct growing_size size = { .closed = table->envelope.length };
        size_t length = *out_length + point.whole.length;
        record.length = (uint32_t)weft_otlp_laid_metric_bytes(metric, length);
        growing_size_add(&size, &alone, 0);
        if (count > 0 && growing_size_total(&size) > room.bytes) {
            break;
        }
        *out_length = length;
        count++;
    }
    return count;
}

/* The first record is laid out in memory that no other table knows. */
static enum weft_status lay_first_out(struct weft_otlp_table *table, struct weft_arena *arena)
{
    struct weft_otlp_record *record = &table->records[0];
    if (table->laid_out != NULL && table->laid_out == record->bytes) {
        return WEFT_OK;
    }
    struct weft_slice metric = weft_slice_of(record->bytes, record->length);
    size_t length = weft_otlp_metric_laid_bytes(metric);
    uint8_t *laid = weft_arena_try_bytes(arena, length);
    if (laid == NULL) {
        return WEFT_NOMEM;
    }
    weft_otlp_metric_lay_out(metric, laid);
    record->bytes = table->laid_out = laid;
    record->length = (uint32_t)length;
    return WEFT_OK;
}

/* Cuts the table's first metric: what fits of it becomes *out_front, the table keeps the rest. */
static enum weft_status cut_first(struct weft_otlp_table *table, struct room room, struct weft_arena *arena,
                                  struct weft_otlp_record *out_front, size_t *out_repeated_bytes)
{
    if (lay_first_out(table, arena) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_otlp_record *rest = &table->records[0];
    struct weft_otlp_laid_metric metric = weft_otlp_laid_metric_of(weft_slice_of(rest->bytes, rest->length));
    size_t points_length;
    uint32_t count = measure_points(table, &metric, room, &points_length);
    weft_assert(count > 0 && count < rest->weight);
    struct weft_otlp_record front = { .length = (uint32_t)weft_otlp_laid_metric_bytes(&metric, points_length),
                                      .scope = rest->scope,
                                      .weight = count };
    uint8_t *bytes = weft_arena_try_bytes(arena, front.length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    size_t length_before = rest->length;
    struct weft_slice left = weft_otlp_laid_metric_cut(table->laid_out, rest->length, points_length, bytes);
    front.bytes = bytes;
    table->laid_out += left.bytes - rest->bytes;
    rest->bytes = left.bytes;
    rest->length = (uint32_t)left.length;
    rest->weight -= count;
    *out_front = front;
    *out_repeated_bytes = front.length + left.length - length_before;
    return WEFT_OK;
}

/* The first records move, which are rows of the same array. */
static void move_rows(struct weft_otlp_table *table, uint32_t count, uint64_t weight, struct weft_otlp_table *out_head)
{
    *out_head = *table;
    out_head->record_count = count;
    out_head->weight = weight;
    out_head->laid_out = NULL;
    table->records += count;
    table->record_count -= count;
    table->weight -= weight;
}

/* Adds a piece of the first metric that is left to the rows that have moved, which get an array of their own for it. */
static enum weft_status move_piece(struct weft_otlp_table *table, struct room room, struct weft_arena *arena,
                                   struct weft_otlp_table *head, size_t *out_repeated_bytes)
{
    struct weft_otlp_record *records = weft_arena_try_alloc(arena, (head->record_count + 1) * sizeof *records);
    if (records == NULL || cut_first(table, room, arena, &records[head->record_count], out_repeated_bytes) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    memcpy(records, head->records, head->record_count * sizeof *records);
    uint32_t weight = records[head->record_count].weight;
    head->records = records;
    head->record_count++;
    head->weight += weight;
    table->weight -= weight;
    return WEFT_OK;
}

enum weft_status weft_otlp_table_split(struct weft_otlp_table *table, uint64_t max_weight, size_t max_bytes,
                                       struct weft_arena *arena, struct weft_otlp_table *out_head,
                                       size_t *out_repeated_bytes)
{
    weft_assert(!weft_signal_stays_whole(table->signal));
    struct room room = { max_weight == 0 ? UINT64_MAX : max_weight, max_bytes == 0 ? SIZE_MAX : max_bytes };
    uint64_t weight;
    uint32_t count = count_whole(table, room, &weight);
    bool has_one_point = count == 0 && table->record_count > 0 && table->records[0].weight <= 1;
    if (has_one_point) { /* which is larger than max_bytes */
        weight = table->records[0].weight;
        count = 1;
    }
    move_rows(table, count, weight, out_head);
    *out_repeated_bytes = 0;
    if (table->record_count == 0 || room.weight == weight) {
        return WEFT_OK;
    }
    /* By weight the head is filled to the brim; by bytes it is enough that something moves. */
    room.weight -= weight;
    bool is_cut = count == 0 || (max_bytes == 0 && table->records[0].weight > room.weight);
    enum weft_status status = is_cut ? move_piece(table, room, arena, out_head, out_repeated_bytes) : WEFT_OK;
    return count > 0 ? WEFT_OK : status;
}
