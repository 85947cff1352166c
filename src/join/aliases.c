/* Aliases of the traces that this worker owns (aliases.h). */
#include "join/aliases.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "join/join_internal.h"

enum {
    CLAIMS_MAX = 1 << 16, /* traces that were named and have not come */
    CLAIMS_MIN = 16,
    CLAIM_BYTES = WEFT_TRACE_ID_BYTES + sizeof(struct weft_claim) + 40,
};

static const int64_t answer_wait_ns = 10 * WEFT_NS_PER_S;

/* ---- telling ---- */

static void set_trace_id(const struct weft_join *join, const struct weft_trace *trace, struct weft_item *item)
{
    struct weft_slice key = weft_table_key(join->traces, trace);
    weft_assert(key.length == WEFT_TRACE_ID_BYTES);
    memcpy(item->trace_id, key.bytes, WEFT_TRACE_ID_BYTES);
}

static bool write_to_groups(struct weft_join *join, const struct weft_item *item, const struct weft_policy_facts *facts)
{
    return weft_letters_write(join->letters, weft_groups_worker(&join->stage), item, facts);
}

static bool has_told(const struct weft_trace_words *words, uint32_t mark)
{
    for (uint8_t i = 0; i < words->count; i++) {
        if (words->marks[i] == mark) {
            return true;
        }
    }
    return false;
}

static void tell(struct weft_join *join, struct weft_trace *trace, const uint8_t *alias, bool is_trace)
{
    struct weft_trace_words *words = weft_trace_words_of(join, trace);
    uint32_t mark = weft_alias_mark(alias);
    if (words == NULL || has_told(words, mark)) {
        return;
    }
    if (words->count == JOIN_TRACE_ALIASES_MAX) {
        join->alias_counters.words_passed++;
        return;
    }
    struct weft_item item = { .kind = WEFT_ITEM_SIGHTED,
                              .has_spans = trace->span_count > 0 && !words->is_late,
                              .is_trace = is_trace,
                              .is_decided = words->is_late,
                              .outcome = words->is_late ? WEFT_OUTCOME_DROPPED : WEFT_OUTCOME_ALONE };
    set_trace_id(join, trace, &item);
    memcpy(item.alias, alias, sizeof item.alias);
    if (write_to_groups(join, &item, NULL)) {
        words->marks[words->count++] = mark;
        join->alias_counters.sightings++;
    }
}

static bool is_undecided(const struct weft_trace *trace)
{
    return trace->lane != WEFT_LANE_KEPT && trace->lane != WEFT_LANE_LEAVING;
}

/* Its own id says nothing new. */
static bool is_own_id(const struct weft_join *join, const struct weft_trace *trace, const struct weft_alias *alias)
{
    return alias->is_trace &&
           weft_slice_equal(weft_table_key(join->traces, trace), weft_slice_of(alias->bytes, WEFT_ALIAS_BYTES));
}

/* What became of a late trace's group is asked whenever it has told words: groups answer in the order of items. */
static void ask_late(struct weft_join *join, struct weft_trace *trace)
{
    struct weft_item item = { .kind = WEFT_ITEM_LATE };
    set_trace_id(join, trace, &item);
    weft_trace_words_of(join, trace)->asked_count += write_to_groups(join, &item, NULL);
}

void weft_aliases_note(struct weft_join *join, struct weft_trace *trace, const struct weft_alias_words *found)
{
    struct weft_trace_words *words = weft_trace_words_of(join, trace);
    uint8_t told_before = words == NULL ? 0 : words->count;
    join->alias_counters.words_passed += found->passed_count;
    for (size_t i = 0; i < found->count && is_undecided(trace); i++) {
        if (!is_own_id(join, trace, &found->items[i])) {
            tell(join, trace, found->items[i].bytes, found->items[i].is_trace);
        }
    }
    if (words != NULL && words->is_late && words->count > told_before) {
        ask_late(join, trace);
    }
}

bool weft_aliases_note_late(struct weft_join *join, struct weft_trace *trace, const struct weft_alias_words *found)
{
    struct weft_trace_words *words = weft_trace_words_of(join, trace);
    words->is_late = true;
    words->asked = weft_timers_now(join->stage.host->timers);
    weft_trace_set_lane(join, trace, WEFT_LANE_ASKING);
    weft_aliases_note(join, trace, found);
    return words->asked_count > 0;
}

void weft_aliases_note_decided(struct weft_join *join, const uint8_t *trace_id, bool is_kept,
                               const struct weft_alias_words *words)
{
    struct weft_item item = { .kind = WEFT_ITEM_SIGHTED,
                              .is_decided = true,
                              .generation = join->generation,
                              .outcome = is_kept ? WEFT_OUTCOME_KEPT : WEFT_OUTCOME_DROPPED };
    memcpy(item.trace_id, trace_id, sizeof item.trace_id);
    join->alias_counters.words_passed += words->passed_count;
    for (size_t i = 0; i < words->count; i++) {
        const struct weft_alias *alias = &words->items[i];
        item.is_trace = alias->is_trace;
        memcpy(item.alias, alias->bytes, sizeof item.alias);
        if (!alias->is_trace || memcmp(alias->bytes, trace_id, WEFT_TRACE_ID_BYTES) != 0) {
            join->alias_counters.sightings += write_to_groups(join, &item, NULL);
        }
    }
}

/* Not in the frames of those that call it: where nothing aliases these are not to grow. */
__attribute__((noinline)) void weft_aliases_note_span(struct weft_join *join, struct weft_trace *trace,
                                                      struct weft_slice record, const struct weft_span_index *index)
{
    struct weft_alias_words words;
    weft_alias_words_of_span(join->aliases, join->stage.host->secret, record, index, &words);
    weft_aliases_note(join, trace, &words);
}

__attribute__((noinline)) void weft_aliases_note_log(struct weft_join *join, struct weft_trace *trace,
                                                     const struct weft_log_index *index)
{
    struct weft_alias_words words;
    weft_alias_words_of_log(join->aliases, join->stage.host->secret, index, &words);
    weft_aliases_note(join, trace, &words);
}

void weft_aliases_note_begun(struct weft_join *join, struct weft_trace *trace)
{
    struct weft_slice key = weft_table_key(join->traces, trace);
    struct weft_claim *claim = weft_table_find(join->claims, key);
    if (claim != NULL) {
        tell(join, trace, key.bytes, true);
        weft_list_remove(&claim->node);
        weft_table_remove(join->claims, claim);
    }
}

void weft_aliases_note_first_span(struct weft_join *join, struct weft_trace *trace)
{
    const struct weft_trace_words *words = weft_trace_words_of(join, trace);
    if (words != NULL && words->count > 0) {
        struct weft_item item = { .kind = WEFT_ITEM_SPANS };
        set_trace_id(join, trace, &item);
        (void)write_to_groups(join, &item, NULL); /* else it says so when it is due */
    }
}

/* ---- asking ---- */

bool weft_aliases_ask(struct weft_join *join, struct weft_trace *trace, bool is_early)
{
    struct weft_trace_words *words = weft_trace_words_of(join, trace);
    struct weft_item item = { .kind = WEFT_ITEM_DUE, .has_spans = trace->span_count > 0, .is_early = is_early };
    if (words == NULL || words->count == 0 || trace->is_large) {
        return false;
    }
    set_trace_id(join, trace, &item);
    if (!write_to_groups(join, &item, NULL)) {
        return false;
    }
    words->is_early = words->is_early || is_early;
    words->asked = weft_timers_now(join->stage.host->timers);
    weft_trace_set_lane(join, trace, trace->span_count > 0 || is_early ? WEFT_LANE_ASKING : WEFT_LANE_LINES);
    return true;
}

bool weft_aliases_hurry_lines(struct weft_join *join, uint32_t outlets)
{
    bool has_hurried = false; /* who has leaves the lane */
    const struct weft_list *last = join->lanes[WEFT_LANE_LINES].previous;
    struct weft_list *next = NULL;
    bool is_last = weft_list_is_empty(&join->lanes[WEFT_LANE_LINES]);
    for (struct weft_list *node = join->lanes[WEFT_LANE_LINES].next; !is_last; node = next) {
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        is_last = node == last;
        next = node->next;
        if ((trace->outlets & outlets) != 0) {
            has_hurried = true;
            weft_join_decide(join, trace, true);
        }
    }
    return has_hurried;
}

/* ---- what the groups say ---- */

static void judge_alone(struct weft_join *join, struct weft_trace *trace)
{
    weft_join_judge_alone(join, trace, weft_trace_words_of(join, trace)->is_early);
}

/* Held and undecided, or NULL. */
static struct weft_trace *find_undecided(struct weft_join *join, const uint8_t *trace_id)
{
    struct weft_trace *trace = weft_table_find(join->traces, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
    return trace != NULL && is_undecided(trace) ? trace : NULL;
}

/* What alias_memory has for them (groups.c takes the rest). */
static size_t claims_max(const struct weft_join *join)
{
    const struct weft_alias_rules *rules = join->rules->aliases;
    size_t bytes = rules == NULL ? 0 : (size_t)rules->memory_bytes / WEFT_CLAIMS_MEMORY_SHARE;
    size_t count = bytes / join->stage.host->worker_count / CLAIM_BYTES;
    count = count < CLAIMS_MAX ? count : CLAIMS_MAX;
    return count > CLAIMS_MIN ? count : CLAIMS_MIN;
}

static void forget_oldest_claim(struct weft_join *join)
{
    struct weft_list *oldest = weft_list_pop_front(&join->claims_by_age);
    weft_table_remove(join->claims, WEFT_CONTAINER_OF(oldest, struct weft_claim, node));
}

static void remember_claim(struct weft_join *join, const uint8_t *trace_id)
{
    void *entry = NULL;
    bool is_new = false;
    while (weft_table_count(join->claims) >= claims_max(join)) {
        forget_oldest_claim(join);
        join->alias_counters.claims_passed++;
    }
    if (weft_table_put(join->claims, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES), &entry, &is_new) != WEFT_OK) {
        join->alias_counters.claims_passed++;
        return;
    }
    struct weft_claim *claim = entry;
    if (is_new) {
        claim->since = weft_timers_now(join->stage.host->timers);
        weft_list_push_back(&join->claims_by_age, &claim->node);
    }
}

static void take_claim(struct weft_join *join, const uint8_t *trace_id)
{
    struct weft_trace *trace = find_undecided(join, trace_id);
    const struct weft_verdict *verdict = weft_verdicts_find(join->verdicts, trace_id);
    if (trace != NULL && !weft_trace_is_late(join, trace)) {
        tell(join, trace, trace_id, true);
    } else if (verdict != NULL) {
        struct weft_item item = { .kind = WEFT_ITEM_SIGHTED,
                                  .is_decided = true,
                                  .is_trace = true,
                                  .generation = verdict->generation,
                                  .outcome = verdict->is_kept ? WEFT_OUTCOME_KEPT : WEFT_OUTCOME_DROPPED };
        memcpy(item.trace_id, trace_id, sizeof item.trace_id);
        memcpy(item.alias, trace_id, sizeof item.alias);
        (void)write_to_groups(join, &item, NULL);
    } else {
        remember_claim(join, trace_id);
    }
}

/* It waits for the verdict from here on: no other may be made meanwhile. */
static void take_question(struct weft_join *join, const struct weft_item *question)
{
    struct weft_trace *trace = find_undecided(join, question->trace_id);
    bool is_held = trace != NULL && !weft_trace_is_late(join, trace);
    struct weft_trace_words *words = is_held ? weft_trace_words_of(join, trace) : NULL;
    struct weft_item item = { .kind = WEFT_ITEM_FACTS, .group = question->group, .generation = join->generation };
    const struct weft_policy_facts *facts = NULL;
    memcpy(item.trace_id, question->trace_id, sizeof item.trace_id);
    if (words != NULL) {
        struct weft_join_view view = { .join = join, .trace = trace };
        item.is_held = true;
        item.span_count = trace->span_count;
        item.worst_severity = trace->worst_severity;
        item.size_bytes = weft_join_trace_size_bytes(&view);
        item.has_tree = weft_policy_set_sees_tree(join->rules->policies) && weft_join_see_tree(&view, &item.tree);
        facts = weft_join_facts_of(join, trace);
        item.facts_bytes = (uint32_t)weft_policy_set_facts_bytes(join->rules->policies);
        words->asked = weft_timers_now(join->stage.host->timers);
        weft_trace_set_lane(join, trace, WEFT_LANE_ASKING);
    }
    if (!write_to_groups(join, &item, facts) && words != NULL) {
        judge_alone(join, trace);
    }
}

struct retelling {
    struct weft_join *join;
    struct weft_trace *trace;
};

static void retell_record(void *user, uint32_t context, struct weft_slice record)
{
    const struct retelling *retelling = user;
    struct weft_join *join = retelling->join;
    struct weft_span_index span;
    struct weft_log_index log;
    if (join->outlets[weft_contexts_at(join->contexts, context)->outlet]->outlet.signal != WEFT_TRACES) {
        if (weft_otlp_index_log(record, &log) == WEFT_OK) {
            weft_aliases_note_log(join, retelling->trace, &log);
        }
    } else if (weft_otlp_index_span(record, &span) == WEFT_OK) {
        weft_aliases_note_span(join, retelling->trace, record, &span);
    }
}

/* The groups have forgotten it: all its words are told once more. */
static void retell(struct weft_join *join, struct weft_trace *trace)
{
    struct weft_trace_words *words = weft_trace_words_of(join, trace);
    struct weft_slice key = weft_table_key(join->traces, trace);
    bool was_named = has_told(words, weft_alias_mark(key.bytes));
    words->count = 0;
    if (join->aliases == NULL) {
        return;
    }
    if (was_named) {
        tell(join, trace, key.bytes, true);
    }
    struct retelling retelling = { join, trace };
    (void)weft_join_each_record(join, &trace->chain, retell_record, &retelling);
}

/* Lines whose group has no spans after all; if spans have come meanwhile, they wait their time. */
static void end_lines(struct weft_join *join, struct weft_trace *trace)
{
    if (trace->span_count > 0) {
        weft_trace_start(join, trace);
        retell(join, trace);
    } else {
        weft_trace_words_of(join, trace)->count = 0;
        judge_alone(join, trace);
    }
}

static void take_verdict(struct weft_join *join, const struct weft_item *item)
{
    struct weft_trace *trace = find_undecided(join, item->trace_id);
    struct weft_trace_words *words = trace == NULL ? NULL : weft_trace_words_of(join, trace);
    if (words == NULL || (words->is_late && item->outcome != WEFT_OUTCOME_KEPT && --words->asked_count > 0)) {
        return;
    }
    switch ((enum weft_outcome)item->outcome) {
    case WEFT_OUTCOME_ALONE:
        words->is_late_member = words->is_late_member || item->is_late;
        judge_alone(join, trace);
        return;
    case WEFT_OUTCOME_KEPT:
    case WEFT_OUTCOME_DROPPED:
        weft_join_judge_by_group(join, trace, item, words->is_early);
        return;
    case WEFT_OUTCOME_NO_SPANS:
        end_lines(join, trace);
        return;
    }
}

void weft_aliases_receive(struct weft_join *join, const struct weft_item *item, const struct weft_policy_facts *facts)
{
    switch ((enum weft_item_kind)item->kind) {
    case WEFT_ITEM_SIGHTED:
    case WEFT_ITEM_SPANS:
    case WEFT_ITEM_DUE:
    case WEFT_ITEM_FACTS:
    case WEFT_ITEM_LATE:
        weft_assert(join->groups != NULL);
        weft_groups_receive(join->groups, item, facts);
        return;
    case WEFT_ITEM_CLAIM:
        take_claim(join, item->trace_id);
        return;
    case WEFT_ITEM_ASK:
        take_question(join, item);
        return;
    case WEFT_ITEM_VERDICT:
        take_verdict(join, item);
        return;
    }
}

void weft_aliases_give_up(struct weft_join *join, const struct weft_item *item)
{
    struct weft_trace *trace = find_undecided(join, item->trace_id);
    bool wants_verdict = item->kind == WEFT_ITEM_DUE || item->kind == WEFT_ITEM_FACTS || item->kind == WEFT_ITEM_LATE;
    if (wants_verdict && trace != NULL && (trace->lane == WEFT_LANE_ASKING || trace->lane == WEFT_LANE_LINES)) {
        judge_alone(join, trace);
    }
}

/* ---- time ---- */

void weft_aliases_turn(struct weft_join *join)
{
    weft_letters_send(join->letters);
    weft_join_relieve(join);
    weft_join_set_timer(join);
}

/* Lines wait for spans of their group, which are due within decision_wait of their own arrival. */
static struct weft_monotonic due_in(const struct weft_join *join, enum weft_lane lane)
{
    const struct weft_list *head = &join->lanes[lane];
    int64_t wait_ns = answer_wait_ns + (lane == WEFT_LANE_LINES ? join->rules->decision_wait_ns : 0);
    if (head->next == head) {
        return WEFT_NEVER;
    }
    const struct weft_trace *trace = WEFT_CONTAINER_OF(head->next, struct weft_trace, node);
    return weft_monotonic_after(weft_trace_words_of(join, trace)->asked, wait_ns);
}

/* Nobody answers: its worker is gone, or memory was. */
static void judge_unanswered(struct weft_join *join, enum weft_lane lane)
{
    for (unsigned i = 0; i < JOIN_STEP_TRACES && due_in(join, lane).ns <= weft_timers_now(join->stage.host->timers).ns;
         i++) {
        struct weft_list *node = weft_list_first(&join->lanes[lane]);
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        join->alias_counters.unanswered++;
        judge_alone(join, trace);
    }
}

static struct weft_monotonic claim_due(const struct weft_join *join)
{
    const struct weft_list *head = &join->claims_by_age;
    int64_t ttl_ns = join->rules->aliases == NULL ? 0 : join->rules->aliases->ttl_ns;
    return head->next == head
               ? WEFT_NEVER
               : weft_monotonic_after(WEFT_CONTAINER_OF(head->next, struct weft_claim, node)->since, ttl_ns);
}

void weft_aliases_step(struct weft_join *join)
{
    judge_unanswered(join, WEFT_LANE_ASKING);
    judge_unanswered(join, WEFT_LANE_LINES);
    for (unsigned i = 0; i < JOIN_STEP_TRACES && claim_due(join).ns <= weft_timers_now(join->stage.host->timers).ns;
         i++) {
        forget_oldest_claim(join);
    }
    if (join->groups != NULL) {
        weft_groups_step(join->groups);
    }
    weft_letters_send(join->letters);
}

struct weft_monotonic weft_aliases_due(const struct weft_join *join)
{
    struct weft_monotonic dues[] = { due_in(join, WEFT_LANE_ASKING), due_in(join, WEFT_LANE_LINES), claim_due(join),
                                     join->groups == NULL ? WEFT_NEVER : weft_groups_due(join->groups) };
    struct weft_monotonic due = WEFT_NEVER;
    for (size_t i = 0; i < WEFT_COUNT_OF(dues); i++) {
        due = dues[i].ns < due.ns ? dues[i] : due;
    }
    return due;
}

/* ---- life ---- */

void weft_aliases_init(struct weft_join *join)
{
    const struct weft_host *host = join->stage.host;
    join->letters = weft_letters_new(join);
    join->claims = weft_table_new(&(struct weft_table_settings){ .budget = host->budget,
                                                                 .secret = host->secret,
                                                                 .key_bytes_max = WEFT_TRACE_ID_BYTES,
                                                                 .entry_bytes = sizeof(struct weft_claim),
                                                                 .entry_count_max = CLAIMS_MAX });
    weft_list_init(&join->claims_by_age);
    if (host->worker_index == weft_groups_worker(&join->stage)) {
        join->groups = weft_groups_new(join);
    }
}

void weft_aliases_fini(struct weft_join *join)
{
    if (join->groups != NULL) {
        weft_groups_free(join->groups);
    }
    weft_letters_free(join->letters);
    weft_table_free(join->claims);
}

size_t weft_aliases_size_bytes(const struct weft_join *join)
{
    return weft_letters_size_bytes(join->letters) + weft_table_count(join->claims) * CLAIM_BYTES +
           (join->groups == NULL ? 0 : weft_groups_size_bytes(join->groups));
}
