/* Records arrive at the worker that owns their trace (join.h). A record goes to its trace if that is held, follows the
 * verdict if there is one, or begins a trace. */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/taking.h"

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

/* ---- behind a verdict ---- */

/* With aliases its words count, too; spans without an id have nothing in common. */
__attribute__((noinline)) static bool follow_span_by_words(struct weft_taking *taking, struct weft_taking_key key,
                                                           struct weft_verdict *verdict,
                                                           const struct weft_span_index *span, uint32_t context,
                                                           struct weft_slice record)
{
    const struct weft_join *join = taking->join;
    struct weft_alias_words words = { .count = 0 };
    if (memcmp(key.trace_id, no_id, sizeof no_id) != 0) {
        weft_alias_words_of_span(join->aliases, join->stage.host->secret, record, span, &words);
    }
    return weft_taking_follow(taking, key, verdict, &words, context, record);
}

__attribute__((noinline)) static bool follow_log_by_words(struct weft_taking *taking, struct weft_taking_key key,
                                                          struct weft_verdict *verdict,
                                                          const struct weft_log_index *log, uint32_t context,
                                                          struct weft_slice record)
{
    const struct weft_join *join = taking->join;
    struct weft_alias_words words;
    weft_alias_words_of_log(join->aliases, join->stage.host->secret, log, &words);
    return weft_taking_follow(taking, key, verdict, &words, context, record);
}

/* ---- spans and logs ---- */

static void decide_if_too_large(struct weft_taking *taking, struct weft_trace *trace)
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

static bool take_span(struct weft_taking *taking, uint32_t scope_index, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_span_index span;
    weft_assert(weft_otlp_index_span(record, &span) == WEFT_OK);
    struct weft_taking_key key = weft_taking_key(taking, span.trace_id.length == 0 ? no_id : span.trace_id.bytes);
    struct weft_trace *trace = weft_taking_find(taking, key);
    if (trace == NULL) {
        struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
        if (verdict != NULL) {
            return join->aliases == NULL ? weft_taking_follow(taking, key, verdict, NULL, context, record)
                                         : follow_span_by_words(taking, key, verdict, &span, context, record);
        }
        trace = weft_taking_begin_trace(taking, key);
        join->counters.new_traces += trace != NULL;
    } else if (trace->span_count == 0 && trace->lane != WEFT_LANE_KEPT && !weft_trace_is_late(join, trace)) {
        note_first_span(join, trace);
    } else {
        weft_taking_note_if_late(taking, trace, key);
    }
    if (trace == NULL || !weft_taking_append(taking, trace, context, record)) {
        return false;
    }
    trace->span_count++;
    if (join->aliases != NULL && memcmp(key.trace_id, no_id, sizeof no_id) != 0) {
        weft_aliases_note_span(join, trace, record, &span);
    }
    trace->has_error = trace->has_error || span.status_code == WEFT_OTLP_STATUS_ERROR;
    if (trace->generation == join->generation) {
        const struct weft_otlp_scope *scope = &taking->table->scopes[scope_index];
        struct weft_joined_span where = { record, taking->table->resources[scope->resource].header, scope->header };
        weft_join_gather(join, &trace->facts, weft_taking_resource_facts(taking, scope_index), &span, &where);
    }
    if (!weft_otlp_is_span_id(span.parent_span_id)) {
        weft_trace_note_root(join, trace);
    }
    decide_if_too_large(taking, trace);
    return true;
}

static bool pass_log_without_id(struct weft_taking *taking, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    join->counters.logs_without_trace_id++;
    if (join->rules->drops_logs_without_trace_id) {
        weft_join_drop_records(join, taking->outlet, context, WEFT_DROP_NO_TRACE, WEFT_NAME_NONE, 1);
        return true;
    }
    uint8_t key = (uint8_t)taking->outlet->index; /* no trace id is so short */
    return weft_taking_pass(taking, weft_slice_of(&key, 1), context, record);
}

/* Lines without an id have no trace that ends: their word may be used again, and the verdict on its group is remembered
 * for alias_ttl, so theirs holds no longer. The next one takes its place. */
static bool is_too_old(const struct weft_join *join, const struct weft_verdict *verdict)
{
    return verdict->is_lines && join->aliases != NULL &&
           weft_join_now_ms(join) - verdict->decided_ms >= (uint64_t)(join->aliases->ttl_ns / WEFT_NS_PER_MS);
}

/* A line of the trace of that id; words: NULL, or the line has no id, and its key is the first of these. Inline, since
 * nearly all lines come by the one caller. */
static inline __attribute__((always_inline)) bool take_log_of(struct weft_taking *taking, struct weft_taking_key key,
                                                              const struct weft_log_index *log,
                                                              const struct weft_alias_words *words, uint32_t context,
                                                              struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_trace *trace = weft_taking_find(taking, key);
    if (trace == NULL) {
        struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
        if (verdict != NULL && !is_too_old(join, verdict)) {
            return join->aliases == NULL || words != NULL
                       ? weft_taking_follow(taking, key, verdict, words, context, record)
                       : follow_log_by_words(taking, key, verdict, log, context, record);
        }
        trace = weft_taking_begin_trace(taking, key);
        if (trace != NULL && words != NULL) {
            weft_trace_words_of(join, trace)->is_lines = !words->items[0].is_trace;
        }
    } else {
        weft_taking_note_if_late(taking, trace, key);
    }
    if (trace == NULL || !weft_taking_append(taking, trace, context, record)) {
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

/* It has no id: it is of the trace of its first word. */
__attribute__((noinline)) static bool take_log_by_words(struct weft_taking *taking, const struct weft_log_index *log,
                                                        uint32_t context, struct weft_slice record)
{
    const struct weft_join *join = taking->join;
    struct weft_alias_words words;
    weft_alias_words_of_log(join->aliases, join->stage.host->secret, log, &words);
    return words.count == 0
               ? pass_log_without_id(taking, context, record)
               : take_log_of(taking, weft_taking_key(taking, words.items[0].bytes), log, &words, context, record);
}

static bool take_log(struct weft_taking *taking, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_log_index log;
    weft_assert(weft_otlp_index_log(record, &log) == WEFT_OK);
    if (has_trace_id(&log)) {
        return take_log_of(taking, weft_taking_key(taking, log.trace_id.bytes), &log, NULL, context, record);
    }
    return join->aliases == NULL ? pass_log_without_id(taking, context, record)
                                 : take_log_by_words(taking, &log, context, record);
}

/* ---- batches ---- */

static bool take_record(struct weft_taking *taking, const struct weft_otlp_record *row)
{
    uint32_t context = weft_taking_context(taking, row->scope);
    if (context == 0) {
        return false;
    }
    struct weft_slice record = weft_slice_of(row->bytes, row->length);
    return taking->outlet->outlet.signal == WEFT_TRACES ? take_span(taking, row->scope, context, record)
                                                        : take_log(taking, context, record);
}

static void drop_without_memory(struct weft_taking *taking, size_t index, struct weft_selection *dropped)
{
    weft_selection_add(dropped, index);
    weft_join_drop_records(taking->join, taking->outlet, 0, WEFT_DROP_OUT_OF_MEMORY, WEFT_NAME_NONE, 1);
}

static void take_rows(struct weft_taking *taking, size_t first, const struct weft_selection *records,
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

static void take_part(struct weft_taking *taking, const struct weft_batch *batch, const struct weft_part *part,
                      size_t first, const struct weft_selection *records, struct weft_selection *dropped)
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
        taking->pin = weft_taking_pin(taking, part->payload, first, records);
        take_rows(taking, first, records, dropped);
        weft_join_flush(taking->join); /* late records are passed on from where they lie */
        taking->trace = NULL;
        weft_taking_unpin(taking);
        weft_taking_let_contexts_go(taking);
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
    struct weft_taking taking = {
        .join = join, .outlet = weft_join_outlet_of(outlet), .resource = join->resource_facts, .trace = NULL
    };
    taking.outlet->has_taken = true;
    weft_policy_scratch_begin(join->scratch, join->stage.identity->id);
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
