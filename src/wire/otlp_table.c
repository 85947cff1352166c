/* Building the table of a checked request, and what copies it. The bytes
 * passed the check and the counts came from it, so a row too many or too few is a bug here, not bad input.
 * Writing a request back is otlp_table_emit.c, taking records out otlp_table_pick.c. */
#include "wire/otlp_table.h"

#include "base/assert.h"
#include "wire/otlp_internal.h"
#include "wire/otlp_table_internal.h"
#include "wire/wire_scan.h"
#include "wire/checked.h"

enum { ROWS_FIELD = 1, SCOPES_FIELD = 2, RECORDS_FIELD = 2 };

struct build {
    struct weft_otlp_table *table;
    struct weft_arena *arena;
    const struct weft_otlp_counts *counts;
    const struct weft_otlp_row_visitor *visitor;
    bool weighs_items;
};

/* The fields of a message besides those that became rows, in order, as one slice: of the message where they
 * lie together, else copied. */
struct header {
    struct weft_slice run; /* the only run so far */
    size_t length;         /* of all runs */
    bool is_scattered;
};

static void header_add(struct header *header, struct weft_slice field)
{
    header->length += field.length;
    if (header->run.length == 0) {
        header->run = field;
    } else if (header->run.bytes + header->run.length == field.bytes) {
        header->run.length += field.length;
    } else {
        header->is_scattered = true;
    }
}

static bool is_row(const struct weft_wire_field *field, uint32_t number)
{
    return field->number == number && field->type == WEFT_WIRE_BYTES;
}

static enum weft_status header_take(const struct header *header, struct weft_slice message, uint32_t row_field,
                                    struct weft_arena *arena, struct weft_slice *out_header)
{
    if (!header->is_scattered) {
        *out_header = header->run;
        return WEFT_OK;
    }
    uint8_t *copy = weft_arena_try_bytes(arena, header->length);
    if (copy == NULL) {
        return WEFT_NOMEM;
    }
    *out_header = weft_slice_of(copy, header->length);
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!is_row(&field, row_field)) {
            memcpy(copy, field.whole.bytes, field.whole.length);
            copy += field.whole.length;
        }
    }
    return WEFT_OK;
}

static inline enum weft_status add_record(struct build *build, const struct weft_wire_reader *reader,
                                          struct weft_slice bytes, uint32_t scope)
{
    struct weft_otlp_table *table = build->table;
    weft_assert(table->record_count < build->counts->records);
    uint32_t weight = build->weighs_items ? weft_otlp_record_weight(table->signal, bytes) : 1;
    struct weft_otlp_record *row = &table->records[table->record_count++];
    *row = (struct weft_otlp_record){
        .bytes = bytes.bytes, .length = (uint32_t)bytes.length, .scope = scope, .weight = weight
    };
    table->weight += weight;
    if (build->visitor == NULL) {
        return WEFT_OK;
    }
    weft_otlp_look_ahead(reader, bytes.length);
    return build->visitor->on_row(build->visitor->context, table, row);
}

static enum weft_status build_scope(struct build *build, struct weft_slice message, uint32_t resource)
{
    struct weft_otlp_table *table = build->table;
    weft_assert(table->scope_count < build->counts->scopes);
    uint32_t scope = table->scope_count++;
    table->scopes[scope] = (struct weft_otlp_scope){ .resource = resource };
    struct header header = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK) {
        struct weft_slice record;
        if (weft_otlp_next_row(&reader, RECORDS_FIELD, &record)) {
            status = add_record(build, &reader, record, scope);
        } else if (!weft_wire_next_checked(&reader, &field)) {
            break;
        } else if (is_row(&field, RECORDS_FIELD)) {
            status = add_record(build, &reader, field.bytes, scope);
        } else {
            header_add(&header, field.whole);
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    return header_take(&header, message, RECORDS_FIELD, build->arena, &table->scopes[scope].header);
}

static enum weft_status build_resource(struct build *build, struct weft_slice message)
{
    struct weft_otlp_table *table = build->table;
    weft_assert(table->resource_count < build->counts->resources);
    uint32_t resource = table->resource_count++;
    table->resources[resource] = (struct weft_otlp_resource){ 0 };
    struct header header = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!is_row(&field, SCOPES_FIELD)) {
            header_add(&header, field.whole);
            continue;
        }
        enum weft_status status = build_scope(build, field.bytes, resource);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return header_take(&header, message, SCOPES_FIELD, build->arena, &table->resources[resource].header);
}

size_t weft_otlp_table_rows_bytes(const struct weft_otlp_counts *counts)
{
    return weft_arena_aligned_bytes(counts->resources * sizeof(struct weft_otlp_resource)) +
           weft_arena_aligned_bytes(counts->scopes * sizeof(struct weft_otlp_scope)) +
           weft_arena_aligned_bytes(counts->records * sizeof(struct weft_otlp_record));
}

enum weft_status weft_otlp_table_take_rows(struct weft_otlp_table *table, const struct weft_otlp_counts *counts,
                                           struct weft_arena *arena)
{
    table->resources = weft_arena_try_alloc(arena, counts->resources * sizeof *table->resources);
    table->scopes = weft_arena_try_alloc(arena, counts->scopes * sizeof *table->scopes);
    table->records = weft_arena_try_alloc(arena, counts->records * sizeof *table->records);
    table->arena = arena;
    bool has_all = table->resources != NULL && table->scopes != NULL && table->records != NULL;
    return has_all ? WEFT_OK : WEFT_NOMEM;
}

static enum weft_status build_rows(struct build *build)
{
    struct weft_otlp_table *table = build->table;
    struct header envelope = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(table->request);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!is_row(&field, ROWS_FIELD)) {
            header_add(&envelope, field.whole);
            continue;
        }
        enum weft_status status = build_resource(build, field.bytes);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return header_take(&envelope, table->request, ROWS_FIELD, build->arena, &table->envelope);
}

enum weft_status weft_otlp_table_build_visited(enum weft_signal signal, struct weft_slice request,
                                               const struct weft_otlp_counts *counts, struct weft_arena *arena,
                                               const struct weft_otlp_row_visitor *visitor,
                                               struct weft_otlp_table *out_table, struct weft_error *error)
{
    struct weft_otlp_table table = { .signal = signal, .request = request, .is_plain = counts->is_plain };
    struct build build = { &table, arena, counts, visitor, weft_signal_weighs_items(signal) };
    enum weft_status status = weft_otlp_table_take_rows(&table, counts, arena);
    if (status == WEFT_OK) {
        status = build_rows(&build);
    }
    if (status != WEFT_OK) {
        return status != WEFT_NOMEM ? status
                                    : weft_fail(error, status, "no memory for a table of %u records", counts->records);
    }
    weft_assert(table.record_count == counts->records && table.weight == counts->data_points);
    *out_table = table;
    return WEFT_OK;
}

enum weft_status weft_otlp_table_build(enum weft_signal signal, struct weft_slice request,
                                       const struct weft_otlp_counts *counts, struct weft_arena *arena,
                                       struct weft_otlp_table *out_table, struct weft_error *error)
{
    return weft_otlp_table_build_visited(signal, request, counts, arena, NULL, out_table, error);
}

enum weft_status weft_otlp_table_copy(struct weft_otlp_table *table, struct weft_arena *arena,
                                      struct weft_otlp_table *out_table)
{
    table->laid_out = NULL;
    struct weft_otlp_table copy = *table;
    struct weft_otlp_counts counts = { .resources = table->resource_count,
                                       .scopes = table->scope_count,
                                       .records = table->record_count };
    enum weft_status status = weft_otlp_table_take_rows(&copy, &counts, arena);
    if (status != WEFT_OK) {
        return status;
    }
    memcpy(copy.resources, table->resources, counts.resources * sizeof *copy.resources);
    memcpy(copy.scopes, table->scopes, counts.scopes * sizeof *copy.scopes);
    memcpy(copy.records, table->records, counts.records * sizeof *copy.records);
    *out_table = copy;
    return WEFT_OK;
}
