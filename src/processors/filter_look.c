/* Asking the conditions of `filter` (filter_look.h), from the resource down, group by group. */
#include "processors/filter_look.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/work.h"
#include "processors/filter_items.h"

enum { KEPT = -1 };
enum { CONDITION_BYTES = 32 }; /* what asking an ordinary one costs */

/* Steps of a batch's conditions: what is left when each has had what an honest one needs of so many bytes. */
enum { PURSE = 20 * 1000 * 1000, STEPS_OF_CONDITION = 1024, STEPS_PER_BYTE = 128 };

static enum weft_ottl_context item_context(enum weft_signal signal)
{
    return signal == WEFT_TRACES ? WEFT_OTTL_SPANEVENT : WEFT_OTTL_DATAPOINT;
}

/* Records are asked about again where items go out of them, and have to answer as before. */
static bool has_item_conditions(const struct weft_filter_signal_rules *rules, enum weft_signal signal)
{
    size_t count = 0;
    for (size_t i = 0; signal != WEFT_LOGS && i < rules->count; i++) {
        count += rules->groups[i].lists[item_context(signal)].count;
    }
    return count > 0;
}

static enum weft_ottl_context record_context(enum weft_signal signal)
{
    return signal == WEFT_TRACES ? WEFT_OTTL_SPAN : signal == WEFT_METRICS ? WEFT_OTTL_METRIC : WEFT_OTTL_LOG;
}

static bool are_brief(const struct weft_filter_signal_rules *rules, enum weft_ottl_context context)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct weft_filter_list *list = &rules->groups[i].lists[context];
        for (size_t j = 0; j < list->count; j++) {
            if (list->items[j].program->brief == NULL) {
                return false;
            }
        }
    }
    return true;
}

/* The conditions of records, if all of them are brief. */
static enum weft_status gather_briefs(struct weft_filter_look *look, enum weft_ottl_context context)
{
    const struct weft_filter_signal_rules *rules = look->rules;
    size_t count = 0;
    if (!look->has_purse || !are_brief(rules, context)) {
        return WEFT_OK;
    }
    look->brief_conditions = weft_try_alloc((rules->condition_count + 1) * sizeof *look->brief_conditions);
    const struct weft_ottl_brief **briefs = weft_try_alloc((rules->condition_count + 1) * sizeof *briefs);
    if (look->brief_conditions == NULL || briefs == NULL) {
        weft_free(briefs);
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct weft_filter_list *list = &rules->groups[i].lists[context];
        for (size_t j = 0; j < list->count; j++) {
            look->brief_conditions[count] = list->items[j].index;
            briefs[count++] = list->items[j].program->brief;
        }
    }
    look->briefs = weft_ottl_briefs_try_new(briefs, count);
    weft_free(briefs);
    if (look->briefs == NULL) {
        return WEFT_NOMEM;
    }
    weft_ottl_record_want(&look->run.record, &look->briefs->wants);
    return WEFT_OK;
}

enum weft_status weft_filter_look_init(struct weft_filter_look *look, const struct weft_filter_signal_rules *rules,
                                       enum weft_signal signal, const char *id, struct weft_error *error)
{
    *look = (struct weft_filter_look){ .rules = rules, .signal = signal, .id = id };
    weft_buffer_init(&look->rebuilt, 0);
    look->resource_verdicts = weft_try_alloc((rules->count + 1) * sizeof *look->resource_verdicts);
    look->scope_verdicts = weft_try_alloc((rules->count + 1) * sizeof *look->scope_verdicts);
    look->counts = weft_try_alloc((rules->condition_count + 1) * sizeof *look->counts);
    if (look->resource_verdicts == NULL || look->scope_verdicts == NULL || look->counts == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %zu groups of conditions", rules->count);
    }
    enum weft_status status = weft_ottl_run_init(&look->run, error);
    look->run.steps_max = rules->max_steps;
    look->has_purse = !has_item_conditions(rules, signal);
    weft_ottl_record_seek(&look->run.record, &rules->sought);
    if (status == WEFT_OK && gather_briefs(look, record_context(signal)) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %u conditions", rules->condition_count);
    }
    return status;
}

void weft_filter_look_fini(struct weft_filter_look *look)
{
    weft_ottl_run_fini(&look->run);
    weft_selection_fini(&look->dropped);
    weft_selection_fini(&look->divided);
    weft_selection_fini(&look->items);
    weft_buffer_fini(&look->rebuilt);
    weft_entry_memory_fini(&look->services);
    weft_free(look->briefs);
    weft_free(look->brief_conditions);
    weft_free(look->notes);
    weft_free(look->resource_verdicts);
    weft_free(look->scope_verdicts);
    weft_free(look->counts);
}

/* ---- conditions ---- */

static void log_failure(const struct weft_filter_look *look, const struct weft_filter_condition *condition)
{
    weft_log(WARN, "filter.condition_failed", "a condition failed and counts as false",
             WEFT_LOG_STRING("processor", look->id), WEFT_LOG_SLICE("condition", condition->name),
             WEFT_LOG_STRING("reason", look->run.error.text));
}

/* What so many conditions bring that are asked about so many bytes. */
static inline void credit(struct weft_filter_look *look, size_t count, size_t bytes)
{
    look->purse += count * (STEPS_OF_CONDITION + (uint64_t)bytes * STEPS_PER_BYTE);
}

static enum weft_status ask_one(struct weft_filter_look *look, const struct weft_filter_condition *condition,
                                size_t bytes, bool *out_holds)
{
    const struct weft_ottl_brief *brief = condition->program->brief;
    if (brief != NULL && weft_ottl_brief_holds(brief, &look->run.record, out_holds)) {
        credit(look, 1, bytes); /* of which it takes none */
        return WEFT_OK;
    }
    if (!look->has_purse) {
        return weft_ottl_program_holds(condition->program, &look->run, out_holds);
    }
    uint64_t max_steps = look->rules->max_steps;
    credit(look, 1, bytes);
    look->run.steps_max = max_steps < look->purse ? max_steps : look->purse;
    enum weft_status status = weft_ottl_program_holds(condition->program, &look->run, out_holds);
    look->purse -= look->run.steps_max - look->run.steps_left;
    return status;
}

/* The first that is true. bytes: of what they are asked about. */
static enum weft_status ask(struct weft_filter_look *look, const struct weft_filter_list *list, size_t bytes,
                            int64_t *out_verdict, struct weft_error *error)
{
    *out_verdict = KEPT;
    weft_work_did(bytes + list->count * CONDITION_BYTES);
    for (size_t i = 0; i < list->count; i++) {
        const struct weft_filter_condition *condition = &list->items[i];
        bool holds = false;
        enum weft_status status = ask_one(look, condition, bytes, &holds);
        if (status == WEFT_OK && holds) {
            *out_verdict = condition->index;
            return WEFT_OK;
        }
        if (status == WEFT_OK) {
            continue;
        }
        if (status == WEFT_NOMEM) {
            return weft_fail(error, WEFT_NOMEM, "%s: no memory to ask a condition", look->id);
        }
        look->error_count++;
        if (condition->error_mode == WEFT_OTTL_PROPAGATE) {
            return weft_fail(error, WEFT_INVALID, "%s: condition %.*s failed: %s", look->id,
                             (int)(condition->name.length > 128 ? 128 : condition->name.length),
                             (const char *)condition->name.bytes, look->run.error.text);
        }
        if (condition->error_mode == WEFT_OTTL_IGNORE) {
            log_failure(look, condition);
        }
    }
    return WEFT_OK;
}

/* ---- above the record ---- */

static enum weft_status ask_groups(struct weft_filter_look *look, enum weft_ottl_context context, size_t bytes,
                                   int64_t *verdicts, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    weft_ottl_run_clear(&look->run);
    for (size_t i = 0; status == WEFT_OK && i < look->rules->count; i++) {
        status = ask(look, &look->rules->groups[i].lists[context], bytes, &verdicts[i], error);
    }
    return status;
}

/* What was dropped of the last resource becomes notes. */
static enum weft_status note_resource(struct weft_filter_look *look)
{
    struct weft_slice service = WEFT_SLICE_EMPTY;
    bool has_service = false;
    for (uint32_t i = 0; i < look->rules->condition_count; i++) {
        if (look->counts[i] == 0) {
            continue;
        }
        if (!has_service) {
            service = weft_otlp_service_name(look->resource_x);
            struct weft_slice copy = weft_entry_memory_try_join(&look->services, service, WEFT_SLICE_EMPTY);
            if (copy.length != service.length) {
                return WEFT_NOMEM;
            }
            service = copy;
            has_service = true;
        }
        if (weft_try_grow(&look->notes, sizeof *look->notes, look->note_count, &look->note_capacity) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        look->notes[look->note_count++] = (struct weft_filter_note){ service, i, look->counts[i] };
        look->counts[i] = 0;
    }
    return WEFT_OK;
}

static inline bool is_elsewhere(const struct weft_filter_look *look, struct weft_slice resource_x,
                                struct weft_slice scope_x)
{
    return resource_x.bytes != look->resource_x.bytes || scope_x.bytes != look->scope_x.bytes ||
           resource_x.bytes == NULL;
}

static enum weft_status enter(struct weft_filter_look *look, struct weft_slice resource_x, struct weft_slice scope_x,
                              struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    bool is_new_resource = resource_x.bytes != look->resource_x.bytes || look->resource_x.bytes == NULL;
    if (is_new_resource) {
        if (note_resource(look) != WEFT_OK) {
            return weft_fail(error, WEFT_NOMEM, "%s: no memory to note what is dropped", look->id);
        }
        look->resource_x = resource_x;
        weft_ottl_record_set_resource(&look->run.record, look->signal, resource_x);
        status = ask_groups(look, WEFT_OTTL_RESOURCE, resource_x.length, look->resource_verdicts, error);
    }
    if (status == WEFT_OK && (is_new_resource || scope_x.bytes != look->scope_x.bytes)) {
        look->scope_x = scope_x;
        weft_ottl_record_set_scope(&look->run.record, scope_x);
        status = ask_groups(look, WEFT_OTTL_SCOPE, scope_x.length, look->scope_verdicts, error);
    }
    look->is_kept = status == WEFT_OK;
    for (size_t i = 0; look->is_kept && i < look->rules->count; i++) {
        look->is_kept = look->resource_verdicts[i] == KEPT && look->scope_verdicts[i] == KEPT;
    }
    return status;
}

/* ---- the record and what lies within ---- */

/* What became of a record. */
struct verdict {
    int64_t condition; /* by which all of it goes */
    bool is_dropped;   /* it goes: by that, or since none of its items are left */
    bool is_divided;
    size_t item_count, dropped_items;
};

/* The items that are still there. Events are counted as they go, points by their condition. */
static enum weft_status ask_items(struct weft_filter_look *look, const struct weft_filter_list *list,
                                  struct weft_slice record, struct verdict *verdict, struct weft_error *error)
{
    struct weft_filter_items items = weft_filter_items_of(look->signal, record);
    struct weft_slice item;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && weft_filter_items_next(&items, &item); i++) {
        int64_t condition = KEPT;
        if (weft_selection_has(&look->items, i)) {
            continue;
        }
        weft_ottl_record_set_item(&look->run.record, item);
        status = ask(look, list, item.length, &condition, error);
        if (status == WEFT_OK && condition != KEPT) {
            weft_selection_add(&look->items, i);
            verdict->dropped_items++;
            verdict->is_divided = true;
            look->counts[condition] += look->signal == WEFT_METRICS;
            look->event_count += look->signal == WEFT_TRACES;
        }
    }
    return status;
}

static enum weft_status begin_items(struct weft_filter_look *look, struct weft_slice record, struct verdict *verdict,
                                    struct weft_error *error)
{
    verdict->item_count = weft_filter_items_count(look->signal, record);
    return weft_selection_begin(&look->items, verdict->item_count) == WEFT_OK
               ? WEFT_OK
               : weft_fail(error, WEFT_NOMEM, "%s: no memory for the items of a record", look->id);
}

/* A metric that has no points left, or never had one, goes; one of a kind that nobody knows stays. */
static bool is_empty_metric(struct weft_filter_look *look, const struct verdict *verdict)
{
    return look->signal == WEFT_METRICS && verdict->item_count == verdict->dropped_items &&
           weft_ottl_record_metric_type(&look->run.record) != WEFT_OTTL_METRIC_NONE;
}

/* The next group sees the record without what went. */
static enum weft_status rebuild(struct weft_filter_look *look, struct weft_slice record, struct weft_error *error)
{
    weft_buffer_clear(&look->rebuilt);
    weft_filter_items_put(look->signal, record, &look->items, false, &look->rebuilt);
    if (weft_buffer_status(&look->rebuilt) != WEFT_OK) {
        weft_buffer_fini(&look->rebuilt);
        return weft_fail(error, WEFT_NOMEM, "%s: no memory for a record", look->id);
    }
    weft_ottl_record_set_record(&look->run.record, weft_buffer_slice(&look->rebuilt));
    return WEFT_OK;
}

static enum weft_status ask_group(struct weft_filter_look *look, size_t group, struct weft_slice record,
                                  struct verdict *verdict, struct weft_error *error)
{
    const struct weft_filter_list *lists = look->rules->groups[group].lists;
    const struct weft_filter_list *item_list = &lists[item_context(look->signal)];
    verdict->condition = look->resource_verdicts[group];
    verdict->condition = verdict->condition == KEPT ? look->scope_verdicts[group] : verdict->condition;
    if (verdict->condition == KEPT) {
        enum weft_status status =
            ask(look, &lists[record_context(look->signal)], record.length, &verdict->condition, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    verdict->is_dropped = verdict->condition != KEPT;
    if (verdict->is_dropped || item_list->count == 0 || look->signal == WEFT_LOGS) {
        return WEFT_OK;
    }
    enum weft_status status = verdict->is_divided ? WEFT_OK : begin_items(look, record, verdict, error);
    if (status == WEFT_OK) {
        status = ask_items(look, item_list, record, verdict, error);
    }
    verdict->is_dropped = status == WEFT_OK && is_empty_metric(look, verdict);
    if (status == WEFT_OK && verdict->is_divided && !verdict->is_dropped && group + 1 < look->rules->count) {
        status = rebuild(look, record, error);
    }
    return status;
}

static enum weft_status ask_record(struct weft_filter_look *look, struct weft_slice record, struct verdict *verdict,
                                   struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    *verdict = (struct verdict){ .condition = KEPT };
    weft_ottl_run_clear(&look->run);
    weft_ottl_record_set_record(&look->run.record, record);
    for (size_t i = 0; status == WEFT_OK && !verdict->is_dropped && i < look->rules->count; i++) {
        status = ask_group(look, i, record, verdict, error);
    }
    return status;
}

/* The first condition that is true, where all are brief. False: one of them cannot tell, and they are asked as always.
 */
static bool ask_briefly(struct weft_filter_look *look, struct weft_slice record, int64_t *out_condition)
{
    size_t found;
    if (!weft_ottl_briefs_find(look->briefs, &look->run.record, record, &found)) {
        return false;
    }
    bool is_found = found < look->briefs->count;
    credit(look, found + is_found, record.length);
    *out_condition = is_found ? (int64_t)look->brief_conditions[found] : KEPT;
    return true;
}

static void note_record(struct weft_filter_look *look, size_t index, struct weft_slice record,
                        const struct verdict *verdict)
{
    if (verdict->is_dropped) {
        weft_selection_add(&look->dropped, index);
    } else if (verdict->is_divided) {
        weft_selection_add(&look->divided, index);
    }
    if (verdict->condition == KEPT) {
        return;
    }
    uint64_t weight = 1;
    if (look->signal == WEFT_METRICS) {
        weight = weft_filter_items_count(WEFT_METRICS, record) - verdict->dropped_items;
    }
    look->counts[verdict->condition] += weight;
}

static enum weft_status look_at_record(struct weft_filter_look *look, size_t index, struct weft_slice record,
                                       struct weft_error *error)
{
    struct verdict verdict;
    int64_t condition;
    if (look->briefs != NULL && look->is_kept && ask_briefly(look, record, &condition)) {
        if (condition != KEPT) {
            verdict = (struct verdict){ .condition = condition, .is_dropped = true };
            note_record(look, index, record, &verdict);
        }
        return WEFT_OK;
    }
    enum weft_status status = ask_record(look, record, &verdict, error);
    if (status == WEFT_OK) {
        note_record(look, index, record, &verdict);
    }
    return status;
}

enum weft_status weft_filter_look_at(struct weft_filter_look *look, const struct weft_batch *batch,
                                     struct weft_error *error)
{
    size_t count = weft_batch_record_count(batch);
    size_t brief_bytes = look->briefs == NULL ? 0 : look->briefs->count * CONDITION_BYTES;
    struct weft_batch_cursor cursor = weft_batch_records(batch);
    struct weft_slice record;
    look->note_count = 0;
    look->event_count = 0;
    look->purse = PURSE;
    look->resource_x = look->scope_x = WEFT_SLICE_EMPTY;
    memset(look->counts, 0, look->rules->condition_count * sizeof *look->counts);
    weft_entry_memory_clear(&look->services);
    if (weft_selection_begin(&look->dropped, count) != WEFT_OK ||
        weft_selection_begin(&look->divided, count) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to look at a batch", look->id);
    }
    while (weft_batch_next_record(&cursor, &record)) {
        if (look->is_given_up != NULL && *look->is_given_up) {
            return weft_fail(error, WEFT_CLOSED, "%s: given up", look->id);
        }
        weft_work_did(record.length + brief_bytes);
        enum weft_status status = WEFT_OK;
        if (is_elsewhere(look, cursor.resource_x, cursor.scope_x)) {
            weft_ottl_record_set_plain(&look->run.record, weft_part_is_plain(&batch->parts[cursor.part]));
            status = enter(look, cursor.resource_x, cursor.scope_x, error);
        }
        if (status == WEFT_OK) {
            status = look_at_record(look, cursor.index, record, error);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    return note_resource(look) == WEFT_OK
               ? WEFT_OK
               : weft_fail(error, WEFT_NOMEM, "%s: no memory to note what is dropped", look->id);
}

enum weft_status weft_filter_look_again(struct weft_filter_look *look, const struct weft_otlp_table *table,
                                        const struct weft_otlp_record *row, struct weft_error *error)
{
    struct verdict verdict;
    uint64_t events = look->event_count;
    uint64_t errors = look->error_count;
    struct weft_slice scope_x = table->scopes[row->scope].header;
    struct weft_slice resource_x = table->resources[table->scopes[row->scope].resource].header;
    weft_ottl_record_set_plain(&look->run.record, table->is_plain);
    enum weft_status status = enter(look, resource_x, scope_x, error);
    if (status == WEFT_OK) {
        status = ask_record(look, weft_slice_of(row->bytes, row->length), &verdict, error);
    }
    memset(look->counts, 0, look->rules->condition_count * sizeof *look->counts); /* it was noted the first time */
    look->event_count = events;
    look->error_count = errors;
    return status;
}
