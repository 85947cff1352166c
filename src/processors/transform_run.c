/* Running statements (transform_run.h). What statements of a record change in its resource or scope stays open for the
 * records after it, which see it, and is written once: when the walk leaves it, or much has gathered around it. Written
 * for each record it would cost the length of the resource as often as there are records. */
#include "processors/transform_run_internal.h"

#include "base/assert.h"
#include "base/work.h"
#include "ottl/metric.h"
#include "ottl/write_short.h"
#include "processors/metric_unite.h"
#include "processors/transform_flat.h"

enum { NONE = UINT32_MAX };
enum { RESOURCE_FIELD = 1, SCOPE_FIELD = 1 };

/* How much of the run's memory may be taken while a resource or scope is open: so many times of what it and its first
 * change took, within these bounds. */
enum { OPEN_TIMES = 4, OPEN_LEAST_BYTES = 1 << 20, OPEN_MOST_BYTES = WEFT_ENTRY_MEMORY_MAX_BYTES / 2 };

enum weft_status weft_transform_runner_init(struct weft_transform_runner *runner,
                                            const struct weft_transform_rules *rules, const char *id,
                                            struct weft_error *error)
{
    *runner = (struct weft_transform_runner){ .rules = rules, .id = id };
    enum weft_status status = weft_ottl_run_init(&runner->run, error);
    runner->run.steps_max = rules->max_steps > 0 ? rules->max_steps : (uint64_t)WEFT_OTTL_STEPS_MAX;
    return status;
}

void weft_transform_runner_fini(struct weft_transform_runner *runner)
{
    weft_ottl_run_fini(&runner->run);
    weft_buffer_fini(&runner->written);
    weft_buffer_fini(&runner->items);
    weft_buffer_fini(&runner->replaced);
    weft_transform_made_fini(&runner->made);
}

/* ---- writing ---- */

static struct weft_ottl_message *level_of(struct weft_transform_walk *walk, enum weft_ottl_level level)
{
    return &walk->runner->run.record.levels[level];
}

bool weft_transform_is_touched(const struct weft_transform_walk *walk, enum weft_ottl_level level)
{
    const struct weft_ottl_record *record = &walk->runner->run.record;
    return record->has_level[level] && record->levels[level].touched != 0;
}

/* The message as it is now, at the end of runner->written, which is cleared before. */
enum weft_status weft_transform_write_level(struct weft_transform_walk *walk, enum weft_ottl_level level,
                                            const struct weft_ottl_replaced *replaced)
{
    static const struct weft_ottl_replaced nothing = { 0 };
    struct weft_transform_runner *runner = walk->runner;
    uint32_t attributes = weft_ottl_record_attributes_field(&runner->run.record, level);
    weft_buffer_clear(&runner->written);
    replaced = replaced == NULL && runner->is_thorough ? &nothing : replaced; /* field by field */
    return weft_ottl_write_message(&runner->written, level_of(walk, level), attributes, replaced);
}

/* What a level has become is a field of the one around it. */
static enum weft_status write_into(struct weft_transform_walk *walk, enum weft_ottl_level level,
                                   enum weft_ottl_level outer, uint32_t field,
                                   const struct weft_ottl_replaced *replaced)
{
    struct weft_ottl_run *run = &walk->runner->run;
    enum weft_status status = weft_transform_write_level(walk, level, replaced);
    if (status != WEFT_OK) {
        return status;
    }
    return weft_ottl_message_put_bytes(weft_ottl_record_decoded(&run->record, outer), field,
                                       weft_buffer_slice(&walk->runner->written), &run->memory);
}

static size_t room_bytes(const struct weft_transform_walk *walk)
{
    return WEFT_TRANSFORM_MAX_GROWTH_BYTES - walk->grown_bytes;
}

static enum weft_status fail_growth(struct weft_transform_walk *walk)
{
    (void)weft_fail(&walk->runner->run.error, WEFT_INVALID, "a request may not grow by more than %d MiB",
                    WEFT_TRANSFORM_MAX_GROWTH_BYTES >> 20);
    return weft_transform_judge(walk, WEFT_SLICE_LITERAL("what the statements made"), WEFT_INVALID);
}

/* Where the table can keep what is so long and was that long before; its frame as a field of that number is right
 * before it, so that neighbours leave as one piece. 0: without. WEFT_OK with NULL: it may not become so long. */
static enum weft_status make_room(struct weft_transform_walk *walk, uint32_t frame, size_t length_before, size_t length,
                                  uint8_t **out_bytes)
{
    size_t more_bytes = length > length_before ? length - length_before : 0;
    *out_bytes = NULL;
    if (more_bytes > room_bytes(walk)) {
        return fail_growth(walk);
    }
    size_t frame_length = frame == 0 ? 0 : weft_wire_size_bytes_header(frame, length);
    uint8_t *bytes = weft_arena_try_bytes(walk->arena, frame_length + length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    weft_arena_look_ahead(walk->arena, frame_length + length);
    walk->grown_bytes += more_bytes;
    walk->runner->is_changed = true;
    *out_bytes = frame == 0 ? bytes : weft_wire_put_bytes_header(bytes, frame, length);
    return WEFT_OK;
}

/* runner->written, where the table can keep it. */
static enum weft_status keep(struct weft_transform_walk *walk, uint32_t frame, struct weft_slice *in_out_bytes)
{
    struct weft_slice written = weft_buffer_slice(&walk->runner->written);
    uint8_t *bytes;
    if (weft_slice_equal(written, *in_out_bytes)) {
        return WEFT_OK;
    }
    enum weft_status status = make_room(walk, frame, in_out_bytes->length, written.length, &bytes);
    if (status != WEFT_OK || bytes == NULL) {
        return status;
    }
    weft_work_copy(bytes, written.bytes, written.length);
    *in_out_bytes = weft_slice_of(bytes, written.length);
    return WEFT_OK;
}

static enum weft_status keep_header(struct weft_transform_walk *walk, enum weft_ottl_level inner,
                                    enum weft_ottl_level outer, uint32_t field, struct weft_slice *header)
{
    enum weft_status status = WEFT_OK;
    if (weft_transform_is_touched(walk, inner)) {
        status = write_into(walk, inner, outer, field, NULL);
    }
    if (status == WEFT_OK) {
        status = weft_transform_write_level(walk, outer, NULL);
    }
    return status == WEFT_OK ? keep(walk, 0, header) : status;
}

static bool is_scope_changed(const struct weft_transform_walk *walk)
{
    return weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_SCOPE) ||
           weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_SCOPE_X);
}

static bool is_resource_changed(const struct weft_transform_walk *walk)
{
    return weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_RESOURCE) ||
           weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_RESOURCE_X);
}

static enum weft_status leave_scope(struct weft_transform_walk *walk)
{
    if (walk->scope == NONE || !is_scope_changed(walk)) {
        return WEFT_OK;
    }
    struct weft_slice *header = &walk->table->scopes[walk->scope].header;
    walk->scope = NONE;
    return keep_header(walk, WEFT_OTTL_LEVEL_SCOPE, WEFT_OTTL_LEVEL_SCOPE_X, SCOPE_FIELD, header);
}

static enum weft_status leave_resource(struct weft_transform_walk *walk)
{
    enum weft_status status = leave_scope(walk);
    if (status != WEFT_OK || walk->resource == NONE || !is_resource_changed(walk)) {
        return status;
    }
    struct weft_slice *header = &walk->table->resources[walk->resource].header;
    walk->resource = NONE;
    return keep_header(walk, WEFT_OTTL_LEVEL_RESOURCE, WEFT_OTTL_LEVEL_RESOURCE_X, RESOURCE_FIELD, header);
}

/* Until how much of the run's memory what is open may stay so. */
static size_t open_bytes_of(const struct weft_transform_walk *walk)
{
    size_t header_bytes = walk->table->resources[walk->resource].header.length;
    header_bytes += walk->scope == NONE ? 0 : walk->table->scopes[walk->scope].header.length;
    size_t bytes = header_bytes + walk->runner->run.memory.size_bytes;
    bytes = bytes < OPEN_MOST_BYTES / OPEN_TIMES ? bytes * OPEN_TIMES : OPEN_MOST_BYTES;
    return bytes > OPEN_LEAST_BYTES ? bytes : OPEN_LEAST_BYTES;
}

static __attribute__((noinline)) enum weft_status leave_changed(struct weft_transform_walk *walk, uint32_t resource,
                                                                uint32_t scope)
{
    bool is_other = walk->resource != resource;
    bool is_full = walk->open_bytes > 0 && walk->runner->run.memory.size_bytes >= walk->open_bytes;
    enum weft_status status = walk->scope == scope && !is_other && !is_full ? WEFT_OK : leave_scope(walk);
    if (status == WEFT_OK && (is_other || is_full)) {
        status = leave_resource(walk);
    }
    bool is_changed =
        (walk->resource != NONE && is_resource_changed(walk)) || (walk->scope != NONE && is_scope_changed(walk));
    if (!is_changed) {
        weft_ottl_run_clear(&walk->runner->run);
        walk->open_bytes = 0;
    } else if (walk->open_bytes == 0) {
        walk->open_bytes = open_bytes_of(walk);
    }
    return status;
}

/* Before the next record, or header: what was left is written, and the run's memory is empty again unless something is
 * open in it. scope: NONE: a resource is looked at. */
static inline enum weft_status leave(struct weft_transform_walk *walk, uint32_t resource, uint32_t scope)
{
    if (is_scope_changed(walk) || is_resource_changed(walk)) {
        return leave_changed(walk, resource, scope);
    }
    weft_ottl_run_forget(&walk->runner->run);
    walk->open_bytes = 0;
    return WEFT_OK;
}

/* ---- records ---- */

/* At once where it stays: of another length than before, since it would have to be compared, and not a long one, which
 * is copied in pieces. */
static bool keep_directly(struct weft_transform_walk *walk, struct weft_otlp_record *record,
                          enum weft_status *out_status)
{
    enum { LONG_BYTES = 64 << 10 };
    const struct weft_ottl_message *message = level_of(walk, WEFT_OTTL_LEVEL_RECORD);
    struct weft_ottl_patches patches;
    uint8_t *bytes;
    if (walk->runner->is_thorough || !message->is_decoded ||
        !weft_ottl_patches_of(&patches, message, message->list_field) || patches.is_open ||
        patches.length == record->length || patches.length >= LONG_BYTES) {
        return false;
    }
    *out_status = make_room(walk, WEFT_OTLP_RECORDS_FIELD, record->length, patches.length, &bytes);
    if (*out_status == WEFT_OK && bytes != NULL) {
        weft_ottl_patches_put(&patches, bytes);
        record->bytes = bytes;
        record->length = (uint32_t)patches.length;
    }
    return true;
}

/* The record as its statements left it. */
static enum weft_status keep_record(struct weft_transform_walk *walk, const struct weft_ottl_replaced *replaced,
                                    struct weft_otlp_record *record)
{
    enum weft_status status = WEFT_OK;
    bool has_items = replaced->field != 0;
    bool is_metric = walk->signal == WEFT_METRICS;
    if (is_metric && (has_items || weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_DATA))) {
        status = write_into(walk, WEFT_OTTL_LEVEL_DATA, WEFT_OTTL_LEVEL_RECORD,
                            weft_ottl_metric_field(weft_ottl_record_metric_type(&walk->runner->run.record)),
                            has_items ? replaced : NULL);
        has_items = false;
    }
    if (status != WEFT_OK || (!has_items && !weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_RECORD))) {
        return status;
    }
    if (!has_items && keep_directly(walk, record, &status)) {
        return status;
    }
    struct weft_slice bytes = { record->bytes, record->length };
    status = weft_transform_write_level(walk, WEFT_OTTL_LEVEL_RECORD, has_items ? replaced : NULL);
    if (status == WEFT_OK) {
        status = keep(walk, WEFT_OTLP_RECORDS_FIELD, &bytes);
    }
    if (status == WEFT_OK && bytes.length > UINT32_MAX) {
        status = WEFT_NOMEM;
    }
    if (status == WEFT_OK) {
        record->bytes = bytes.bytes;
        record->length = (uint32_t)bytes.length;
    }
    return status;
}

static inline void look_at_resource(struct weft_transform_walk *walk, uint32_t resource)
{
    if (walk->resource != resource) {
        weft_ottl_record_set_resource(&walk->runner->run.record, walk->signal, walk->table->resources[resource].header);
        walk->resource = resource;
        walk->scope = NONE;
    }
}

static inline void look_at_scope(struct weft_transform_walk *walk, uint32_t scope)
{
    look_at_resource(walk, walk->table->scopes[scope].resource);
    if (WEFT_UNLIKELY(walk->scope != scope)) {
        weft_ottl_record_set_scope(&walk->runner->run.record, walk->table->scopes[scope].header);
        walk->scope = scope;
    }
}

static bool is_of_items(const struct weft_transform_group *group)
{
    return group->context == WEFT_OTTL_SPANEVENT || group->context == WEFT_OTTL_DATAPOINT;
}

static enum weft_status run_resource(struct weft_transform_walk *walk, uint32_t resource)
{
    enum weft_status status = leave(walk, resource, NONE);
    if (status == WEFT_OK) {
        look_at_resource(walk, resource);
        status = weft_transform_run_group(walk);
    }
    return status;
}

static enum weft_status run_scope(struct weft_transform_walk *walk, uint32_t scope)
{
    enum weft_status status = leave(walk, walk->table->scopes[scope].resource, scope);
    if (status == WEFT_OK) {
        look_at_scope(walk, scope);
        status = weft_transform_run_group(walk);
    }
    return status;
}

static inline enum weft_status run_record(struct weft_transform_walk *walk, struct weft_otlp_record *record)
{
    struct weft_ottl_replaced replaced = { 0 };
    if (walk->table == NULL) {
        weft_ottl_run_clear(&walk->runner->run);
    } else {
        enum weft_status status = leave(walk, walk->table->scopes[record->scope].resource, record->scope);
        if (status != WEFT_OK) {
            return status;
        }
        look_at_scope(walk, record->scope);
    }
    weft_work_did(record->length);
    weft_ottl_record_set_record(&walk->runner->run.record, weft_slice_of(record->bytes, record->length));
    enum weft_status status =
        is_of_items(walk->group) ? weft_transform_run_items(walk, &replaced) : weft_transform_run_group(walk);
    return status == WEFT_OK ? keep_record(walk, &replaced, record) : status;
}

/* ---- metrics that are made ---- */

/* The metrics that statements made of a record, which are looked at in turn, and may make more. */
static enum weft_status keep_made(struct weft_transform_walk *walk, uint32_t scope)
{
    struct weft_ottl_run *run = &walk->runner->run;
    const struct weft_slice *metrics = (const struct weft_slice *)(const void *)run->made.bytes;
    size_t count = run->made.length / sizeof *metrics;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        size_t more_bytes = metrics[i].length + WEFT_OTTL_METRIC_ROOM_BYTES;
        if (more_bytes > room_bytes(walk)) {
            status = fail_growth(walk);
            continue;
        }
        walk->grown_bytes += more_bytes;
        walk->runner->is_changed = true;
        status = weft_transform_made_add(&walk->runner->made, walk->table, walk->arena, metrics[i], scope);
    }
    weft_buffer_clear(&run->made);
    return status;
}

/* A metric, of which statements may make others, or put points together. */
static enum weft_status run_metric(struct weft_transform_walk *walk, struct weft_otlp_record *record)
{
    struct weft_ottl_run *run = &walk->runner->run;
    weft_buffer_clear(&run->made);
    run->room_bytes = room_bytes(walk);
    enum weft_status status = run_record(walk, record);
    if (status == WEFT_OK) {
        status = weft_transform_made_recount(&walk->runner->made, walk->table, record);
    }
    return status == WEFT_OK ? keep_made(walk, record->scope) : status;
}

/* What statements made of the records of a scope comes behind them, and is looked at in turn. */
static enum weft_status run_made(struct weft_transform_walk *walk, size_t *in_out_at)
{
    struct weft_transform_made *made = &walk->runner->made;
    enum weft_status status = WEFT_OK;
    for (; status == WEFT_OK && *in_out_at < weft_transform_made_count(made); ++*in_out_at) {
        struct weft_otlp_record record = *weft_transform_made_at(made, *in_out_at);
        status = run_metric(walk, &record);
        *weft_transform_made_at(made, *in_out_at) = record; /* the others may have moved */
    }
    return status;
}

static enum weft_status run_metrics(struct weft_transform_walk *walk)
{
    struct weft_otlp_table *table = walk->table;
    enum weft_status status = WEFT_OK;
    size_t made_at = 0;
    for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
        status = run_metric(walk, &table->records[i]);
        bool is_last = i + 1 == table->record_count || table->records[i + 1].scope != table->records[i].scope;
        if (status == WEFT_OK && is_last) {
            status = run_made(walk, &made_at);
        }
    }
    return status == WEFT_OK ? weft_transform_made_insert(&walk->runner->made, table, walk->arena) : status;
}

/* ---- all of them ---- */

static void begin_records(struct weft_transform_walk *walk, bool is_plain)
{
    struct weft_transform_runner *runner = walk->runner;
    runner->run.is_thorough = runner->is_thorough;
    weft_ottl_record_seek(&runner->run.record, runner->is_thorough ? NULL : &walk->group->sought);
    weft_ottl_record_set_plain(&runner->run.record, is_plain && !runner->is_thorough);
}

static enum weft_status walk_table(struct weft_transform_walk *walk)
{
    struct weft_otlp_table *table = walk->table;
    enum weft_status status = WEFT_OK;
    begin_records(walk, table->is_plain);
    switch (walk->group->context) {
    case WEFT_OTTL_RESOURCE:
        for (uint32_t i = 0; status == WEFT_OK && i < table->resource_count; i++) {
            status = run_resource(walk, i);
        }
        return status;
    case WEFT_OTTL_SCOPE:
        for (uint32_t i = 0; status == WEFT_OK && i < table->scope_count; i++) {
            status = run_scope(walk, i);
        }
        return status;
    case WEFT_OTTL_LOG:
    case WEFT_OTTL_SPAN:
    case WEFT_OTTL_SPANEVENT:
    case WEFT_OTTL_METRIC:
    case WEFT_OTTL_DATAPOINT:
        if (walk->group->changes_count) {
            return run_metrics(walk);
        }
        for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
            status = run_record(walk, &table->records[i]);
        }
        return status;
    case WEFT_OTTL_CONTEXT_COUNT:
        break;
    }
    weft_assert(!"context");
}

/* From the group with this number on, of records that grew by so much before. */
static enum weft_status run_groups(struct weft_transform_runner *runner, struct weft_otlp_table *table,
                                   struct weft_arena *arena, size_t first, size_t grown_bytes, struct weft_error *error)
{
    const struct weft_transform_rules *rules = runner->rules;
    enum weft_status status = WEFT_OK;
    for (size_t i = first; status == WEFT_OK && i < rules->group_counts[table->signal]; i++) {
        struct weft_transform_walk walk = { .runner = runner,
                                            .group = &rules->groups[table->signal][i],
                                            .signal = table->signal,
                                            .table = table,
                                            .arena = arena,
                                            .error = error,
                                            .resource = NONE,
                                            .scope = NONE,
                                            .grown_bytes = grown_bytes };
        status = walk_table(&walk);
        if (status == WEFT_OK) {
            status = leave(&walk, NONE, NONE);
        }
        grown_bytes = walk.grown_bytes;
    }
    weft_ottl_run_clear(&runner->run);
    return status;
}

enum weft_status weft_transform_apply(struct weft_transform_runner *runner, struct weft_otlp_table *table,
                                      struct weft_arena *arena, struct weft_error *error)
{
    bool is_flat = runner->rules->flatten_data && table->signal == WEFT_LOGS;
    enum weft_status status = is_flat ? weft_transform_flatten(table, arena, error) : WEFT_OK;
    if (table->signal == WEFT_METRICS && runner->rules->group_counts[WEFT_METRICS] > 0) {
        status = weft_metric_unite(table, arena);
    }
    if (status == WEFT_OK) {
        status = run_groups(runner, table, arena, 0, 0, error);
    }
    return status == WEFT_OK && is_flat ? weft_transform_regroup(table, arena) : status;
}

/* ---- while a part is opened ---- */

bool weft_transform_may_visit(const struct weft_transform_rules *rules, enum weft_signal signal)
{
    bool is_whole_first = signal == WEFT_METRICS || (signal == WEFT_LOGS && rules->flatten_data);
    if (is_whole_first || rules->group_counts[signal] == 0) {
        return false;
    }
    const struct weft_transform_group *first = &rules->groups[signal][0];
    return first->context != WEFT_OTTL_RESOURCE && first->context != WEFT_OTTL_SCOPE && !first->sought.looks_around;
}

static enum weft_status run_row(void *context, const struct weft_otlp_table *table, struct weft_otlp_record *row)
{
    struct weft_transform_walk *walk = context;
    walk->arena = table->arena;
    return run_record(walk, row);
}

enum weft_status weft_transform_apply_part(struct weft_transform_runner *runner, struct weft_batch *batch,
                                           size_t part_index, struct weft_error *error)
{
    const struct weft_part *part = &batch->parts[part_index];
    if (part->is_open) {
        return weft_transform_apply(runner, &batch->parts[part_index].table, part->arena, error);
    }
    weft_assert(weft_transform_may_visit(runner->rules, batch->signal));
    struct weft_transform_walk walk = { .runner = runner,
                                        .group = &runner->rules->groups[batch->signal][0],
                                        .signal = batch->signal,
                                        .error = error,
                                        .resource = NONE,
                                        .scope = NONE };
    struct weft_otlp_row_visitor visitor = { run_row, &walk };
    begin_records(&walk, weft_part_is_plain(part));
    weft_ottl_record_set_resource(&runner->run.record, batch->signal, WEFT_SLICE_EMPTY);
    enum weft_status status = weft_batch_visit(batch, part_index, &visitor);
    weft_ottl_run_clear(&runner->run);
    if (status == WEFT_OK) {
        status = run_groups(runner, &batch->parts[part_index].table, part->arena, 1, walk.grown_bytes, error);
    }
    return status;
}
