/* What comes behind the verdict on its trace (taking.h): it follows that at once, unless it has a word and its trace
 * was dropped: then the groups are asked first. */
#include "join/taking.h"

bool weft_taking_pass(struct weft_taking *taking, struct weft_slice key, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    if (!weft_join_is_blocked(join, UINT32_C(1) << taking->outlet->index)) {
        return weft_join_emit(join, taking->outlet, context, record);
    }
    struct weft_trace *trace = weft_taking_begin(taking, key, weft_hash(join->stage.host->secret, key), WEFT_LANE_KEPT);
    return trace != NULL && weft_trace_append(join, trace, context, 0, record) == WEFT_OK;
}

static void count_late(const struct weft_taking *taking, struct weft_verdict *verdict)
{
    uint32_t *late =
        taking->outlet->outlet.signal == WEFT_TRACES ? &verdict->late_span_count : &verdict->late_log_count;
    *late += 1;
}

/* A record behind a drop, until the groups have said whether its trace's was kept. */
static bool wait_for_groups(struct weft_taking *taking, struct weft_taking_key key,
                            const struct weft_alias_words *words, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    struct weft_slice id = weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES);
    struct weft_trace *trace = weft_taking_begin(taking, id, key.hash, WEFT_LANE_WAITING);
    if (trace == NULL || !weft_taking_append(taking, trace, context, record)) {
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
bool weft_taking_follow(struct weft_taking *taking, struct weft_taking_key key, struct weft_verdict *verdict,
                        const struct weft_alias_words *words, uint32_t context, struct weft_slice record)
{
    struct weft_join *join = taking->join;
    bool has_words = words != NULL && words->count > 0 && !verdict->is_lines;
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
    return weft_taking_pass(taking, weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES), context, record);
}

void weft_taking_note_if_late(struct weft_taking *taking, const struct weft_trace *trace, struct weft_taking_key key)
{
    struct weft_join *join = taking->join;
    bool is_late = trace->lane == WEFT_LANE_ASKING && weft_trace_is_late(join, trace);
    if (trace->lane != WEFT_LANE_KEPT && !is_late) {
        return;
    }
    struct weft_verdict *verdict = weft_verdicts_find_hashed(join->verdicts, key.trace_id, key.hash);
    if (verdict != NULL) {
        count_late(taking, verdict);
        join->counters.late_kept += trace->lane == WEFT_LANE_KEPT;
    }
}
