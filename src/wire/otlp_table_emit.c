/* Writing a table back as an export request. Lengths come first: a message is framed by the size of what it holds, so
 * each level is summed before it is written (no memory but the frames).
 *
 * A frame that the request already has, right before what it frames, is taken from there instead of written
 * anew; neighbours then join into one slice, up to the whole request when nothing was touched. So it is with the frames
 * that an edit has written before its records. That a frame is there is seen by its bytes, so nobody has to say so. */
#include "wire/otlp_table.h"

#include "base/assert.h"
#include "wire/protobuf.h"

enum { RESOURCES_FIELD = 1, SCOPES_FIELD = 2, RECORDS_FIELD = WEFT_OTLP_RECORDS_FIELD, MAX_FRAME_BYTES = 15 };

/* Records first .. end - 1 of one scope, and the bytes inside its message. */
struct run {
    uint32_t first;
    uint32_t end;
    size_t length;
};

/* The same of one resource. Most have one scope. */
struct resource_run {
    struct run all;
    struct run first_scope;
};

static const struct weft_otlp_scope *scope_of(const struct weft_otlp_table *table, uint32_t record)
{
    return &table->scopes[table->records[record].scope];
}

static struct run scope_run(const struct weft_otlp_table *table, uint32_t first)
{
    struct run run = { first, first, scope_of(table, first)->header.length };
    uint32_t scope = table->records[first].scope;
    while (run.end < table->record_count && table->records[run.end].scope == scope) {
        run.length += weft_wire_size_bytes_field(RECORDS_FIELD, table->records[run.end].length);
        run.end++;
    }
    return run;
}

static struct resource_run resource_run(const struct weft_otlp_table *table, uint32_t first)
{
    uint32_t resource = scope_of(table, first)->resource;
    struct run scope = scope_run(table, first);
    struct resource_run run = { { first, first, table->resources[resource].header.length }, scope };
    for (;;) {
        run.all.length += weft_wire_size_bytes_field(SCOPES_FIELD, scope.length);
        run.all.end = scope.end;
        if (scope.end >= table->record_count || scope_of(table, scope.end)->resource != resource) {
            return run;
        }
        scope = scope_run(table, scope.end);
    }
}

size_t weft_otlp_table_size_bytes(const struct weft_otlp_table *table)
{
    if (table->record_count == 0) {
        return 0;
    }
    size_t size = table->envelope.length;
    for (uint32_t at = 0; at < table->record_count;) {
        struct run run = resource_run(table, at).all;
        size += weft_wire_size_bytes_field(RESOURCES_FIELD, run.length);
        at = run.end;
    }
    return size;
}

/* Whether these bytes, so many, are the tag and the length of such a message. Most are short. */
static inline bool is_frame(const uint8_t *at, size_t frame_length, uint32_t number, size_t length)
{
    uint8_t frame[MAX_FRAME_BYTES];
    if (at[0] != (number << 3 | WEFT_WIRE_BYTES)) {
        return false;
    }
    if (frame_length == 2) {
        return at[1] == length;
    }
    if (frame_length == 3) {
        return at[1] == (0x80 | (length & 0x7f)) && at[2] == length >> 7;
    }
    weft_wire_put_bytes_header(frame, number, length);
    return memcmp(at, frame, frame_length) == 0;
}

/* Where these bytes hold the frame (tag and length) of a message right before `next`, the first byte of its contents;
 * NULL if they do not. next may be NULL or lie anywhere. */
static inline const uint8_t *frame_in(struct weft_slice bytes, uint32_t number, size_t length, const uint8_t *next)
{
    size_t frame_length = weft_wire_size_bytes_header(number, length);
    uintptr_t start = (uintptr_t)bytes.bytes;
    uintptr_t at = (uintptr_t)next;
    if (at < start + frame_length || at > start + bytes.length) {
        return NULL;
    }
    return is_frame(next - frame_length, frame_length, number, length) ? next - frame_length : NULL;
}

/* Where the contents of a scope, or of a resource, begin in the request; NULL or elsewhere if they do not. */
static const uint8_t *scope_start(const struct weft_otlp_table *table, uint32_t first)
{
    struct weft_slice header = scope_of(table, first)->header;
    const struct weft_otlp_record *record = &table->records[first];
    return header.length > 0 ? header.bytes : frame_in(table->request, RECORDS_FIELD, record->length, record->bytes);
}

static const uint8_t *resource_start(const struct weft_otlp_table *table, struct run scope)
{
    struct weft_slice header = table->resources[scope_of(table, scope.first)->resource].header;
    return header.length > 0 ? header.bytes
                             : frame_in(table->request, SCOPES_FIELD, scope.length, scope_start(table, scope.first));
}

struct emit {
    const struct weft_otlp_table *table;
    struct weft_arena *arena;
    struct weft_slices *slices;
    struct weft_slice written; /* where the edited record before lies, and its neighbours */
};

/* Or right behind them, as a message without contents may be. */
static bool is_in(struct weft_slice bytes, const uint8_t *at)
{
    return (uintptr_t)at - (uintptr_t)bytes.bytes <= bytes.length;
}

/* The frame in front of `next`, in the request or where an edit has written it; NULL if there is none. */
static const uint8_t *frame_before(struct emit *emit, uint32_t number, size_t length, const uint8_t *next)
{
    if (next == NULL || is_in(emit->table->request, next)) {
        return frame_in(emit->table->request, number, length, next);
    }
    if (!is_in(emit->written, next)) {
        emit->written = weft_arena_neighbours(emit->table->arena, next);
    }
    return frame_in(emit->written, number, length, next);
}

static enum weft_status emit_frame(struct emit *emit, uint32_t number, size_t length, const uint8_t *next)
{
    size_t frame_length = weft_wire_size_bytes_header(number, length);
    const uint8_t *frame = frame_before(emit, number, length, next);
    if (frame == NULL) {
        uint8_t *written = weft_arena_try_bytes(emit->arena, frame_length);
        if (written == NULL) {
            return WEFT_NOMEM;
        }
        weft_wire_put_bytes_header(written, number, length);
        frame = written;
    }
    return weft_slices_add(emit->slices, weft_slice_of(frame, frame_length));
}

/* Whether a record lies right behind this run with its frame in between, as nearly all do. What is read is of the
 * memory of both: two blocks of the heap never lie so close, their own heads are longer than a frame of 32 bits. */
static inline bool follows(struct weft_slice run, const struct weft_otlp_record *record, size_t frame_length)
{
    if (run.length == 0) {
        return false;
    }
    const uint8_t *end = run.bytes + run.length;
    return record->bytes == end + frame_length && is_frame(end, frame_length, RECORDS_FIELD, record->length);
}

/* Records first .. end - 1 of a scope, in runs: what has its frame before it and lies right behind the one before. */
static enum weft_status emit_records(struct emit *emit, uint32_t first, uint32_t end)
{
    const struct weft_otlp_record *records = emit->table->records;
    struct weft_slice run = WEFT_SLICE_EMPTY;
    for (uint32_t i = first; i < end; i++) {
        size_t frame_length = weft_wire_size_bytes_header(RECORDS_FIELD, records[i].length);
        if (follows(run, &records[i], frame_length)) {
            run.length += frame_length + records[i].length;
            continue;
        }
        const uint8_t *frame = frame_before(emit, RECORDS_FIELD, records[i].length, records[i].bytes);
        enum weft_status status = weft_slices_add(emit->slices, run);
        run = weft_slice_of(records[i].bytes, records[i].length);
        if (frame != NULL) {
            run = weft_slice_of(frame, frame_length + records[i].length);
        } else if (status == WEFT_OK) {
            status = emit_frame(emit, RECORDS_FIELD, records[i].length, NULL);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    return weft_slices_add(emit->slices, run);
}

static enum weft_status emit_scope(struct emit *emit, struct run scope)
{
    const struct weft_otlp_table *table = emit->table;
    enum weft_status status = emit_frame(emit, SCOPES_FIELD, scope.length, scope_start(table, scope.first));
    if (status == WEFT_OK) {
        status = weft_slices_add(emit->slices, scope_of(table, scope.first)->header);
    }
    return status == WEFT_OK ? emit_records(emit, scope.first, scope.end) : status;
}

static enum weft_status emit_resource(struct emit *emit, const struct resource_run *resource)
{
    const struct weft_otlp_table *table = emit->table;
    struct run scope = resource->first_scope;
    enum weft_status status = emit_frame(emit, RESOURCES_FIELD, resource->all.length, resource_start(table, scope));
    if (status == WEFT_OK) {
        status = weft_slices_add(emit->slices, table->resources[scope_of(table, scope.first)->resource].header);
    }
    while (status == WEFT_OK) {
        status = emit_scope(emit, scope);
        if (scope.end >= resource->all.end) {
            break;
        }
        scope = scope_run(table, scope.end);
    }
    return status;
}

enum weft_status weft_otlp_table_emit(const struct weft_otlp_table *table, struct weft_arena *arena,
                                      struct weft_slices *slices)
{
    struct emit emit = { .table = table, .arena = arena, .slices = slices };
    if (table->record_count == 0) {
        return WEFT_OK;
    }
    for (uint32_t at = 0; at < table->record_count;) {
        struct resource_run resource = resource_run(table, at);
        enum weft_status status = emit_resource(&emit, &resource);
        if (status != WEFT_OK) {
            return status;
        }
        at = resource.all.end;
    }
    return weft_slices_add(slices, table->envelope);
}
