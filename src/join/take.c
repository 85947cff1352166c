/* Records arrive at the worker that owns their trace (join.h). A record goes to its trace if that is held, follows the
 * verdict if there is one, or begins a trace. */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/ahead.h"
#include "join/join_internal.h"

/* One part of a batch on its way in. */
struct taking {
    struct weft_join *join;
    struct weft_join_outlet *outlet;
    const struct weft_otlp_table *table;
    const struct weft_payload *payload; /* of the part */
    weft_pin_id pin;                    /* on the payload, whose records are kept by reference; 0: they are copied */
    uint32_t *contexts;                 /* by scope; 0 = not looked for yet */
    struct weft_policy_facts *resource; /* facts of the present record's resource */
    uint32_t resource_index;            /* of what is in it; UINT32_MAX = nothing */
    struct weft_trace *trace;           /* of the record before, or NULL: neighbours often share one */
    uint8_t trace_id[WEFT_TRACE_ID_BYTES];
    size_t number; /* of the present record in the table */
    struct weft_ahead ahead;
};

/* A trace's id and its hash. */
struct key {
    const uint8_t *trace_id;
    uint64_t hash;
};

enum {
    PINNED_BYTES_MAX = 1 << 29,
    PINNED_LOSS_SHARE = 8, /* of a pinned payload so much may be other than records */
};

static const uint8_t no_id[WEFT_TRACE_ID_BYTES];

/* ---- owners ---- */

/* Decided by the low 8 bytes, so that a 64-bit id reaches the 128-bit one that it belongs to. */
uint32_t weft_join_owner_of_id(const struct weft_stage *stage, const uint8_t *trace_id)
{
    uint64_t low;
    memcpy(&low, trace_id + 8, sizeof low);
    low = (low ^ low >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)((low >> 32) % stage->host->worker_count);
}

static bool has_trace_id(const struct weft_log_index *log)
{
    return log->trace_id.length == WEFT_TRACE_ID_BYTES && memcmp(log->trace_id.bytes, no_id, sizeof no_id) != 0;
}

/* A line without an id is with others of its first word. */
static uint32_t owner_of_words(const struct weft_stage *stage, const struct weft_log_index *log)
{
    const struct weft_alias_rules *aliases = weft_join_of(stage)->aliases;
    struct weft_alias_words words = { .count = 0 };
    if (aliases != NULL) {
        weft_alias_words_of_log(aliases, stage->host->secret, log, &words);
    }
    if (words.count > 0) {
        return weft_join_owner_of_id(stage, words.items[0].bytes);
    }
    return log->trace_id.length == WEFT_TRACE_ID_BYTES ? weft_join_owner_of_id(stage, no_id)
                                                       : stage->host->worker_index;
}

/* Spans without an id are of the trace whose id is zeros, wherever they come in. A log line without one has no trace:
 * it is passed on where it is. */
static uint32_t owner_of(const struct weft_stage *stage, enum weft_signal signal, struct weft_slice record)
{
    struct weft_span_index span;
    struct weft_log_index log;
    if (signal == WEFT_TRACES) {
        bool has_id = weft_otlp_index_span(record, &span) == WEFT_OK && span.trace_id.length == WEFT_TRACE_ID_BYTES;
        return weft_join_owner_of_id(stage, has_id ? span.trace_id.bytes : no_id);
    }
    if (weft_otlp_index_log(record, &log) != WEFT_OK) {
        return stage->host->worker_index;
    }
    return has_trace_id(&log) ? weft_join_owner_of_id(stage, log.trace_id.bytes) : owner_of_words(stage, &log);
}

/* ---- contexts and facts of resources ---- */

/* The context of the record's scope, looked up once for all its records. Without memory 0. */
static uint32_t context_of(struct taking *taking, uint32_t scope_index)
{
    if (taking->contexts[scope_index] == 0) {
        const struct weft_otlp_scope *scope = &taking->table->scopes[scope_index];
        struct weft_slice resource = taking->table->resources[scope->resource].header;
        if (weft_contexts_intern(taking->join->contexts, taking->outlet->index, resource, scope->header,
                                 &taking->contexts[scope_index]) != WEFT_OK) {
            return 0;
        }
    }
    return taking->contexts[scope_index];
}

static void let_contexts_go(struct taking *taking)
{
    for (uint32_t i = 0; i < taking->table->scope_count; i++) {
        if (taking->contexts[i] != 0) {
            weft_contexts_unref(taking->join->contexts, taking->contexts[i], 1);
        }
    }
}

static const struct weft_policy_facts *facts_of_resource(struct taking *taking, uint32_t scope_index)
{
    uint32_t index = taking->table->scopes[scope_index].resource;
    struct weft_join *join = taking->join;
    if (taking->resource_index != index) {
        memset(taking->resource, 0, join->facts_bytes);
        weft_policy_set_gather_resource(join->rules->policies, join->scratch, taking->table->resources[index].header,
                                        taking->resource);
        taking->resource_index = index;
    }
    return taking->resource;
}

void weft_join_gather(struct weft_join *join, struct weft_policy_facts *facts, const struct weft_policy_facts *resource,
                      const struct weft_span_index *span)
{
    struct weft_policy_span asked = { .start_ns = span->start_ns,
                                      .end_ns = span->end_ns,
                                      .status_code = (uint32_t)span->status_code,
                                      .flags = span->flags,
                                      .trace_state = span->trace_state,
                                      .attributes = span->attributes };
    weft_policy_set_gather(join->rules->policies, join->scratch, resource, &asked, facts);
}

/* ---- keeping by reference ---- */

/* One that was edited lies in the batch's arena, and a copy of a large one would be several pieces. */
static bool may_stay(const struct weft_payload *payload, struct weft_slice record)
{
    uintptr_t offset = (uintptr_t)record.bytes - (uintptr_t)payload->bytes;
    return offset <= payload->length && record.length <= payload->length - offset &&
           record.length <= WEFT_BLOCK_BYTES_MAX && payload->length <= PINNED_BYTES_MAX;
}

static size_t selected_bytes(const struct taking *taking, size_t first, const struct weft_selection *records)
{
    const struct weft_otlp_table *table = taking->table;
    size_t end = first + table->record_count;
    size_t bytes = 0;
    for (size_t i = weft_selection_next(records, first, end); i < end; i = weft_selection_next(records, i + 1, end)) {
        const struct weft_otlp_record *row = &table->records[i - first];
        struct weft_slice record = { row->bytes, row->length };
        bytes += may_stay(taking->payload, record) ? record.length : 0;
    }
    return bytes;
}

/* A payload of this worker that is nearly all records that are taken here stays, and they need not be copied: traces
 * that come together are decided on together. Where it is not so, weft_join_relieve copies what is left. Not when
 * memory is half used up: deciding early must free some at once. Without memory for a pin the records are copied. */
static weft_pin_id pin_payload(const struct taking *taking, struct weft_payload *payload, size_t first,
                               const struct weft_selection *records)
{
    struct weft_join *join = taking->join;
    weft_pin_id pin = 0;
    if (payload->pool != join->stage.host->pool || weft_join_size_bytes(join) > join->bytes_max / 2 ||
        selected_bytes(taking, first, records) < payload->resident - payload->resident / PINNED_LOSS_SHARE ||
        weft_slab_pin(join->slab, payload, &pin) != WEFT_OK) {
        return 0;
    }
    return pin;
}

static void unpin_payload(struct taking *taking)
{
    if (taking->pin != 0) {
        weft_slab_unpin(taking->join->slab, taking->pin);
    }
}

/* ---- finding or beginning a trace ---- */

static struct key key_of(const struct taking *taking, const uint8_t *trace_id)
{
    return (struct key){ trace_id, weft_ahead_hash(&taking->ahead, taking->join, taking->number, trace_id) };
}

/* One that leaves takes no more: it ends first, and what is decided on it is found by who asks next. */
static struct weft_trace *find(struct taking *taking, struct key key)
{
    if (taking->trace == NULL || memcmp(taking->trace_id, key.trace_id, WEFT_TRACE_ID_BYTES) != 0) {
        taking->trace =
            weft_table_find_hashed(taking->join->traces, weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES), key.hash);
        memcpy(taking->trace_id, key.trace_id, WEFT_TRACE_ID_BYTES);
        if (taking->trace != NULL && taking->trace->lane == WEFT_LANE_LEAVING) {
            weft_join_flush(taking->join);
            taking->trace = NULL;
        }
    }
    return taking->trace;
}

/* True if as many wait for their verdict as may. Those that have one and wait for their outlet are bounded by bytes:
 * deciding on others makes no room for them. */
static bool are_traces_full(const struct weft_join *join)
{
    return weft_table_count(join->traces) - join->leaving_count - join->kept_count - join->asking_count >=
           join->traces_max;
}

/* NULL without memory. Makes room for it by deciding on the oldest. */
static struct weft_trace *begin(struct taking *taking, struct weft_slice key, uint64_t hash, enum weft_lane lane)
{
    struct weft_join *join = taking->join;
    taking->trace = NULL; /* it may be decided on now */
    while (are_traces_full(join) && weft_join_decide_oldest(join)) {
        join->counters.early_traces++;
    }
    void *entry = NULL;
    bool is_new = false;
    if (weft_table_put_hashed(join->traces, key, hash, &entry, &is_new) != WEFT_OK) {
        return NULL;
    }
    struct weft_trace *trace = entry;
    if (is_new) {
        trace->generation = weft_join_first_generation(join);
        weft_list_init(&trace->node);
        weft_list_init(&trace->pinning);
        if (lane == WEFT_LANE_WAITING) {
            weft_trace_start(join, trace);
        } else {
            weft_trace_set_lane(join, trace, lane);
        }
    }
    return trace;
}

static struct weft_trace *begin_trace(struct taking *taking, struct key key)
{
    struct weft_slice id = weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES);
    struct weft_trace *trace = begin(taking, id, key.hash, WEFT_LANE_WAITING);
    taking->trace = trace;
    memcpy(taking->trace_id, key.trace_id, WEFT_TRACE_ID_BYTES);
    if (trace != NULL && weft_table_count(taking->join->claims) > 0) {
        weft_aliases_note_begun(taking->join, trace);
    }
    return trace;
}

/* ---- words ---- */

/* None where nothing aliases; spans without an id have nothing in common. */
static void words_of_span(const struct taking *taking, struct key key, struct weft_slice record,
                          const struct weft_span_index *span, struct weft_alias_words *out_words)
{
    const struct weft_join *join = taking->join;
    out_words->count = 0;
    if (join->aliases != NULL && memcmp(key.trace_id, no_id, sizeof no_id) != 0) {
        weft_alias_words_of_span(join->aliases, join->stage.host->secret, record, span, out_words);
    }
}

static void words_of_log(const struct taking *taking, const struct weft_log_index *log,
                         struct weft_alias_words *out_words)
{
    const struct weft_join *join = taking->join;
    out_words->count = 0;
    if (join->aliases != NULL) {
        weft_alias_words_of_log(join->aliases, join->stage.host->secret, log, out_words);
    }
}

/* ---- records that do not wait ---- */

/* A record that goes on at once; if its outlet is blocked it waits with others of its key. */
static bool pass(struct taking *taking, struct weft_slice key, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    if (!weft_join_is_blocked(join, UINT32_C(1) << taking->outlet->index)) {
        return weft_join_emit(join, taking->outlet, context, record);
    }
    struct weft_trace *trace = begin(taking, key, weft_hash(join->stage.host->secret, key), WEFT_LANE_KEPT);
    return trace != NULL && weft_trace_append(join, trace, context, 0, record) == WEFT_OK;
}

static void count_late(const struct taking *taking, struct weft_verdict *verdict)
{
    uint32_t *late =
        taking->outlet->outlet.signal == WEFT_TRACES ? &verdict->late_span_count : &verdict->late_log_count;
    *late += 1;
}

/* Append, or give up what was begun for nothing. */
static bool append(struct taking *taking, struct weft_trace *trace, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    weft_pin_id pin = may_stay(taking->payload, record) ? taking->pin : 0;
    if (weft_trace_append(join, trace, context, pin, record) == WEFT_OK) {
        return true;
    }
    if (trace->chain.record_count == 0) {
        taking->trace = NULL;
        weft_trace_end(join, trace);
    }
    return false;
}

/* A record behind a drop, until the groups have said whether its trace's was kept. */
static bool wait_for_groups(struct taking *taking, struct key key, const struct weft_alias_words *words,
                            uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_slice id = weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES);
    struct weft_trace *trace = begin(taking, id, key.hash, WEFT_LANE_WAITING);
    if (trace == NULL || !append(taking, trace, context, record)) {
        return false;
    }
    *(taking->outlet->outlet.signal == WEFT_TRACES ? &trace->span_count : &trace->log_count) += 1;
    if (weft_aliases_note_late(join, trace, words)) {
        taking->trace = trace;
        memcpy(taking->trace_id, key.trace_id, WEFT_TRACE_ID_BYTES);
    } else {
        taking->trace = NULL;
        weft_join_judge_alone(join, trace, false);
    }
    return true;
}

/* Words are the groups' business even now: what was dropped may be of a group that was kept. */
static bool follow(struct taking *taking, struct key key, struct weft_verdict *verdict,
                   const struct weft_alias_words *words, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    bool has_words = words->count > 0 && !verdict->is_lines;
    count_late(taking, verdict);
    if (has_words && !verdict->is_kept && !verdict->is_dry_run) {
        return wait_for_groups(taking, key, words, context, record);
    }
    if (has_words) {
        weft_aliases_note_decided(join, key.trace_id, verdict->is_kept, words);
    }
    if (!verdict->is_kept && !verdict->is_dry_run) {
        join->counters.late_dropped++;
        weft_join_drop_records(join, taking->outlet, context, WEFT_DROP_SAMPLED_OUT, verdict->policy, 1);
        return true;
    }
    join->counters.late_kept++;
    return pass(taking, weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES), context, record);
}

/* ---- spans and logs ---- */

/* One that is decided on and waits for its outlet takes what comes; it is late all the same. */
static void note_if_late(struct taking *taking, const struct weft_trace *trace, struct key key)
{
    struct weft_join *join = taking->join;
    if (trace->lane != WEFT_LANE_KEPT && !weft_trace_is_late(join, trace)) {
        return;
    }
    struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
    if (verdict != NULL) {
        count_late(taking, verdict);
        join->counters.late_kept += trace->lane == WEFT_LANE_KEPT;
    }
}

static void decide_if_too_large(struct taking *taking, struct weft_trace *trace)
{
    struct weft_join *join = taking->join;
    uint64_t limit = join->rules->maximum_trace_size_bytes;
    if (limit > 0 && trace->chain.length > limit && trace->lane != WEFT_LANE_KEPT) {
        trace->is_large = true;
        taking->trace = NULL;
        weft_join_decide(join, trace, true);
    }
}

/* Its clock starts with its first span, unless its group is being decided just now. */
static void note_first_span(struct weft_join *join, struct weft_trace *trace)
{
    join->counters.new_traces++;
    if (trace->lane != WEFT_LANE_ASKING) {
        weft_trace_start(join, trace);
        weft_aliases_note_first_span(join, trace);
    }
}

static bool take_span(struct taking *taking, uint32_t scope_index, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_span_index span;
    weft_assert(weft_otlp_index_span(record, &span) == WEFT_OK);
    struct key key = key_of(taking, span.trace_id.length == 0 ? no_id : span.trace_id.bytes);
    struct weft_trace *trace = find(taking, key);
    if (trace == NULL) {
        struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
        if (verdict != NULL) {
            struct weft_alias_words words;
            words_of_span(taking, key, record, &span, &words);
            return follow(taking, key, verdict, &words, context, record);
        }
        trace = begin_trace(taking, key);
        join->counters.new_traces += trace != NULL;
    } else if (trace->span_count == 0 && trace->lane != WEFT_LANE_KEPT && !weft_trace_is_late(join, trace)) {
        note_first_span(join, trace);
    } else {
        note_if_late(taking, trace, key);
    }
    if (trace == NULL || !append(taking, trace, context, record)) {
        return false;
    }
    trace->span_count++;
    if (join->aliases != NULL && memcmp(key.trace_id, no_id, sizeof no_id) != 0) {
        weft_aliases_note_span(join, trace, record, &span);
    }
    trace->has_error = trace->has_error || span.status_code == WEFT_OTLP_STATUS_ERROR;
    if (trace->generation == join->generation) {
        weft_join_gather(join, &trace->facts, facts_of_resource(taking, scope_index), &span);
    }
    if (!weft_otlp_is_span_id(span.parent_span_id)) {
        weft_trace_note_root(join, trace);
    }
    decide_if_too_large(taking, trace);
    return true;
}

static bool pass_log_without_id(struct taking *taking, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    join->counters.logs_without_trace_id++;
    if (join->rules->drops_logs_without_trace_id) {
        weft_join_drop_records(join, taking->outlet, context, WEFT_DROP_NO_TRACE, WEFT_NAME_NONE, 1);
        return true;
    }
    uint8_t key = (uint8_t)taking->outlet->index; /* no trace id is so short */
    return pass(taking, weft_slice_of(&key, 1), context, record);
}

/* A line of the trace of that id; words: NULL, or the line has no id, and its key is the first of these. */
static bool take_log_of(struct taking *taking, struct key key, const struct weft_log_index *log,
                        const struct weft_alias_words *words, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_trace *trace = find(taking, key);
    if (trace == NULL) {
        struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
        if (verdict != NULL) {
            struct weft_alias_words found;
            words_of_log(taking, log, &found);
            return follow(taking, key, verdict, words == NULL ? &found : words, context, record);
        }
        trace = begin_trace(taking, key);
        if (trace != NULL && words != NULL) {
            weft_trace_words_of(join, trace)->is_lines = !words->items[0].is_trace;
        }
    } else {
        note_if_late(taking, trace, key);
    }
    if (trace == NULL || !append(taking, trace, context, record)) {
        return false;
    }
    trace->log_count++;
    if (log->severity_number > trace->worst_severity && log->severity_number <= UINT8_MAX) {
        trace->worst_severity = (uint8_t)log->severity_number;
    }
    if (words != NULL) {
        weft_aliases_note(join, trace, words);
    } else if (join->aliases != NULL) {
        weft_aliases_note_log(join, trace, log);
    }
    decide_if_too_large(taking, trace);
    return true;
}

static bool take_log(struct taking *taking, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_log_index log;
    weft_assert(weft_otlp_index_log(record, &log) == WEFT_OK);
    if (has_trace_id(&log)) {
        return take_log_of(taking, key_of(taking, log.trace_id.bytes), &log, NULL, context, record);
    }
    struct weft_alias_words words;
    words.count = 0;
    if (join->aliases != NULL) {
        weft_alias_words_of_log(join->aliases, join->stage.host->secret, &log, &words);
    }
    return words.count == 0 ? pass_log_without_id(taking, context, record)
                            : take_log_of(taking, key_of(taking, words.items[0].bytes), &log, &words, context, record);
}

/* ---- batches ---- */

static bool take_record(struct taking *taking, const struct weft_otlp_record *row)
{
    uint32_t context = context_of(taking, row->scope);
    if (context == 0) {
        return false;
    }
    struct weft_slice record = weft_slice_of(row->bytes, row->length);
    return taking->outlet->outlet.signal == WEFT_TRACES ? take_span(taking, row->scope, context, record)
                                                        : take_log(taking, context, record);
}

static void drop_without_memory(struct taking *taking, size_t index, struct weft_selection *dropped)
{
    weft_selection_add(dropped, index);
    weft_join_drop_records(taking->join, taking->outlet, 0, WEFT_DROP_OUT_OF_MEMORY, WEFT_NAME_NONE, 1);
}

static void take_rows(struct taking *taking, size_t first, const struct weft_selection *records,
                      struct weft_selection *dropped)
{
    size_t end = first + taking->table->record_count;
    for (size_t i = weft_selection_next(records, first, end); i < end; i = weft_selection_next(records, i + 1, end)) {
        taking->number = i - first;
        weft_ahead_look(&taking->ahead, taking->join, taking->table, taking->number);
        if (!take_record(taking, &taking->table->records[taking->number])) {
            drop_without_memory(taking, i, dropped);
        }
    }
}

static void take_part(struct taking *taking, const struct weft_batch *batch, const struct weft_part *part, size_t first,
                      const struct weft_selection *records, struct weft_selection *dropped)
{
    struct weft_arena *arena = NULL;
    struct weft_otlp_table table;
    size_t end = first + weft_part_record_count(part);
    bool has_memory = weft_batch_look(batch, part, &arena, &table) == WEFT_OK;
    taking->table = &table;
    taking->contexts = has_memory ? weft_try_alloc(table.scope_count * sizeof(uint32_t)) : NULL;
    taking->resource_index = UINT32_MAX;
    if (taking->contexts != NULL) {
        memset(taking->contexts, 0, table.scope_count * sizeof(uint32_t));
        taking->payload = part->payload;
        taking->pin = pin_payload(taking, part->payload, first, records);
        take_rows(taking, first, records, dropped);
        weft_join_flush(taking->join); /* late records are passed on from where they lie */
        taking->trace = NULL;
        unpin_payload(taking);
        let_contexts_go(taking);
    } else {
        for (size_t i = weft_selection_next(records, first, end); i < end;
             i = weft_selection_next(records, i + 1, end)) {
            drop_without_memory(taking, i, dropped);
        }
    }
    weft_free(taking->contexts);
    weft_arena_unref(&arena);
}

static void take(struct weft_stage *stage, struct weft_stage_outlet *outlet, const struct weft_batch *batch,
                 const struct weft_selection *records, struct weft_selection *out_dropped)
{
    struct weft_join *join = weft_join_of(stage);
    struct taking taking = {
        .join = join, .outlet = weft_join_outlet_of(outlet), .resource = join->resource_facts, .trace = NULL
    };
    taking.outlet->has_taken = true;
    taking.outlet->held += weft_selection_count(records, 0, records->count);
    size_t first = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        const struct weft_part *part = &batch->parts[i];
        take_part(&taking, batch, part, first, records, out_dropped);
        first += weft_part_record_count(part);
    }
    weft_letters_send(join->letters);
    weft_join_relieve(join);
    weft_join_set_timer(join);
}

const struct weft_share_operations weft_join_share_operations = { .owner_of = owner_of, .take = take };
