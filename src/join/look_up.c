/* Answers (join.h): what this core knows of a trace that somebody asks for, from what is held, from the verdicts that
 * are remembered, and from the filter of those that are not. */
#include "base/hex.h"
#include "join/join_internal.h"
#include "join/tree.h"
#include "pipeline/hiding.h"

/* ---- finding ---- */

struct search {
    const struct weft_join *join;
    const uint8_t *span_id;
    bool is_found;
};

static void compare_span(void *user, uint32_t context, struct weft_slice record)
{
    struct search *search = user;
    const struct weft_context *from = weft_contexts_at(search->join->contexts, context);
    struct weft_span_index index;
    if (search->join->outlets[from->outlet]->outlet.signal == WEFT_TRACES && !search->is_found &&
        weft_otlp_index_span(record, &index) == WEFT_OK && index.span_id.length == WEFT_SPAN_ID_BYTES) {
        search->is_found = memcmp(index.span_id.bytes, search->span_id, WEFT_SPAN_ID_BYTES) == 0;
    }
}

static bool has_span(const struct weft_join *join, const struct weft_slab_chain *chain, const uint8_t *span_id)
{
    struct search search = { join, span_id, false };
    (void)weft_join_each_record(join, chain, compare_span, &search);
    return search.is_found;
}

/* Of a 64-bit id only the low half is known. */
static bool is_asked(const struct weft_trace_question *question, const uint8_t *trace_id)
{
    return question->has_trace_id && (question->is_64_bit ? memcmp(question->trace_id + 8, trace_id + 8, 8) == 0
                                                          : memcmp(question->trace_id, trace_id, 16) == 0);
}

static bool is_held_asked(const struct weft_join *join, const struct weft_trace_question *question,
                          const struct weft_trace *trace)
{
    struct weft_slice key = weft_table_key(join->traces, trace);
    return key.length == WEFT_TRACE_ID_BYTES &&
           (is_asked(question, key.bytes) ||
            (question->has_span_id && has_span(join, &trace->chain, question->span_id)));
}

/* By the table where that is possible; else every trace is looked at. */
static const struct weft_trace *find_held(const struct weft_join *join, const struct weft_trace_question *question)
{
    const struct weft_trace *trace = NULL;
    if (question->has_trace_id) {
        trace = weft_table_find(join->traces, weft_slice_of(question->trace_id, WEFT_TRACE_ID_BYTES));
    }
    if (trace != NULL || (!question->is_64_bit && !question->has_span_id)) {
        return trace;
    }
    uint32_t cursor = 0;
    for (trace = weft_table_next(join->traces, &cursor); trace != NULL;
         trace = weft_table_next(join->traces, &cursor)) {
        if (is_held_asked(join, question, trace)) {
            return trace;
        }
    }
    return NULL;
}

/* The youngest, so that the last part of a trace that came in parts is shown. */
static const struct weft_recent *find_recent(const struct weft_join *join, const struct weft_trace_question *question)
{
    for (size_t i = join->recent_count; i > 0; i--) {
        const struct weft_recent *recent = &join->recent[(join->recent_first + i - 1) % join->recent_capacity];
        if (is_asked(question, recent->trace_id) ||
            (question->has_span_id && has_span(join, &recent->chain, question->span_id))) {
            return recent;
        }
    }
    return NULL;
}

/* Else there is a verdict on it. */
static bool is_undecided(const struct weft_join *join, const struct weft_trace *trace)
{
    return trace->lane != WEFT_LANE_KEPT && !weft_trace_is_late(join, trace);
}

/* ---- writing ---- */

static void put_id(struct weft_buffer *out, const uint8_t *trace_id)
{
    weft_buffer_append_text(out, "\"trace_id\":\"");
    weft_hex_append(out, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
    weft_buffer_append_text(out, "\"");
}

/* Lines without an id have none on the wire either. */
static void put_name(struct weft_buffer *out, const uint8_t *trace_id, bool is_lines)
{
    if (is_lines) {
        weft_buffer_append_text(out, "\"lines_without_trace_id\":true");
    } else {
        put_id(out, trace_id);
    }
}

static void put_facts(struct weft_buffer *out, uint64_t start_ns, uint64_t end_ns, bool has_error, bool has_root,
                      uint8_t worst_severity)
{
    weft_buffer_append_format(out,
                              ",\"facts\":{\"duration_ms\":%.3f,\"has_error\":%s,\"has_root\":%s,"
                              "\"worst_log_severity\":%u}",
                              (double)(end_ns > start_ns ? end_ns - start_ns : 0) / WEFT_NS_PER_MS,
                              has_error ? "true" : "false", has_root ? "true" : "false", worst_severity);
}

static void put_counts(struct weft_buffer *out, uint64_t spans, uint64_t logs)
{
    weft_buffer_append_format(out, ",\"spans\":%llu,\"logs\":%llu", (unsigned long long)spans,
                              (unsigned long long)logs);
}

struct services {
    const struct weft_join *join;
    struct weft_verdict_service items[WEFT_VERDICT_SERVICES];
    struct weft_slice names[WEFT_VERDICT_SERVICES];
    size_t count;
};

static void count_service(void *user, uint32_t context, uint32_t count)
{
    struct services *services = user;
    const struct weft_context *from = weft_contexts_at(services->join->contexts, context);
    size_t i = 0;
    while (i < services->count && !weft_slice_equal(services->names[i], from->service)) {
        i++;
    }
    if (i == WEFT_VERDICT_SERVICES) {
        return;
    }
    services->count += i == services->count;
    services->names[i] = from->service;
    bool is_span = services->join->outlets[from->outlet]->outlet.signal == WEFT_TRACES;
    *(is_span ? &services->items[i].spans : &services->items[i].logs) += count;
}

static void put_services(struct weft_buffer *out, const struct services *services)
{
    weft_buffer_append_text(out, ",\"services\":{");
    for (size_t i = 0; i < services->count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        weft_buffer_append_json_string(out, weft_host_hide_service(services->join->stage.host, services->names[i]));
        weft_buffer_append_format(out, ":{\"spans\":%u,\"logs\":%u}", services->items[i].spans,
                                  services->items[i].logs);
    }
    weft_buffer_append_text(out, "}");
}

/* Its tree: the caller's. */
static void write_held(const struct weft_join *join, const struct weft_trace *trace, struct weft_buffer *out)
{
    struct services services = { .join = join };
    put_name(out, weft_table_key(join->traces, trace).bytes, weft_trace_is_lines(join, trace));
    put_facts(out, trace->facts.start_min_ns, trace->facts.end_max_ns, trace->has_error, trace->has_root,
              trace->worst_severity);
    put_counts(out, trace->span_count, trace->log_count);
    weft_join_each_source(join, &trace->chain, trace->sources, trace->source_count, count_service, &services);
    put_services(out, &services);
}

static void write_verdict(const struct weft_join *join, const uint8_t *trace_id, const struct weft_verdict *verdict,
                          struct weft_buffer *out)
{
    char decided[WEFT_RFC3339_BYTES];
    struct services services = { .join = join, .count = verdict->service_count };
    for (uint8_t i = 0; i < verdict->service_count; i++) {
        services.names[i] = weft_names_at(join->names, verdict->services[i].name);
        services.items[i] = verdict->services[i];
    }
    weft_wall_format(verdict->decided, decided);
    put_name(out, trace_id, verdict->is_lines);
    weft_buffer_append_text(out, ",\"policy\":");
    weft_buffer_append_json_string(out, weft_names_at(join->names, verdict->policy));
    weft_buffer_append_format(out, ",\"decided\":\"%s\",\"is_early\":%s,\"generation\":%u,\"late_member\":%s", decided,
                              verdict->is_early ? "true" : "false", verdict->generation,
                              verdict->is_late_member ? "true" : "false");
    weft_buffer_append_text(out, verdict->is_dry_run ? ",\"dry_run\":true" : "");
    put_facts(out, verdict->start_ns, verdict->end_ns, verdict->has_error, verdict->has_root, verdict->worst_severity);
    put_counts(out, verdict->span_count, verdict->log_count);
    weft_buffer_append_format(out, ",\"late_spans\":%u,\"late_logs\":%u", verdict->late_span_count,
                              verdict->late_log_count);
    put_services(out, &services);
}

/* ---- the answer ---- */

/* That of a member is woven into its group's. */
static void put_tree(const struct weft_join *join, const struct weft_slab_chain *chain,
                     struct weft_trace_answer *answer)
{
    if (!answer->group.is_known) {
        weft_join_write_tree(join, chain, &answer->json);
    }
}

static void begin_answer(struct weft_trace_answer *answer, enum weft_trace_knowledge knowledge)
{
    answer->knowledge = knowledge;
    weft_buffer_clear(&answer->json);
}

static void look_up_verdict(const struct weft_join *join, const struct weft_trace_question *question,
                            struct weft_trace_answer *answer)
{
    const struct weft_recent *recent = find_recent(join, question);
    const uint8_t *trace_id = recent != NULL ? recent->trace_id : question->trace_id;
    if (recent == NULL && !question->has_trace_id) {
        return;
    }
    const struct weft_verdict *verdict = weft_verdicts_find(join->verdicts, trace_id);
    if (verdict != NULL) {
        enum weft_trace_knowledge knowledge = verdict->is_kept ? WEFT_TRACE_KEPT : WEFT_TRACE_DROPPED;
        if (knowledge > answer->knowledge) {
            begin_answer(answer, knowledge);
            write_verdict(join, trace_id, verdict, &answer->json);
            if (recent != NULL) {
                put_tree(join, &recent->chain, answer);
            }
        }
    } else if (answer->knowledge == WEFT_TRACE_NOT_SEEN &&
               weft_verdicts_remember(join->verdicts, trace_id) != WEFT_VERDICT_NEVER) {
        begin_answer(answer, WEFT_TRACE_FORGOTTEN);
    }
}

/* ---- groups ---- */

/* The worker that has the groups is asked first: it says whom all then add. A trace that is alone in its group is
 * shown as any other. */
static void find_group(const struct weft_join *join, const struct weft_trace_question *question,
                       struct weft_trace_group *group)
{
    struct weft_alias_words words;
    bool is_found = question->has_trace_id && weft_groups_look_up(join->groups, question->trace_id, group);
    if (is_found && group->member_count == 1 &&
        memcmp(group->members[0], question->trace_id, sizeof question->trace_id) == 0) {
        *group = (struct weft_trace_group){ .json = group->json, .nodes = group->nodes };
        return;
    }
    words.count = 0;
    if (join->rules->aliases != NULL) {
        weft_alias_words_of_text(join->rules->aliases, join->stage.host->secret, weft_slice_of_text(question->word),
                                 &words);
    }
    for (size_t i = 0; i < words.count && !is_found; i++) {
        is_found = weft_groups_look_up(join->groups, words.items[i].bytes, group);
    }
}

/* A node of the group's tree, and an object that says more. */
static void begin_member(struct weft_trace_group *group, const uint8_t *trace_id, bool is_lines, const char *verdict)
{
    weft_buffer_append_format(&group->json, "{\"verdict\":\"%s\",", verdict);
    weft_buffer_append_format(&group->nodes, ",{\"depth\":1,\"verdict\":\"%s\",", verdict);
    put_name(&group->nodes, trace_id, is_lines);
}

static void add_nodes(const struct weft_join *join, const struct weft_slab_chain *chain, struct weft_trace_group *group)
{
    bool has_room = group->nodes.length < WEFT_ANSWER_TREE_BYTES_MAX;
    bool is_whole = has_room && weft_join_write_nodes(join, chain, 2, &group->nodes);
    group->is_tree_cut = group->is_tree_cut || !is_whole;
}

static void add_held(const struct weft_join *join, const uint8_t *trace_id, const struct weft_trace *trace,
                     struct weft_trace_group *group)
{
    begin_member(group, trace_id, weft_trace_is_lines(join, trace), "held");
    write_held(join, trace, &group->json);
    weft_buffer_append_text(&group->json, "}");
    weft_buffer_append_text(&group->nodes, "}");
    add_nodes(join, &trace->chain, group);
}

static void add_decided(const struct weft_join *join, const uint8_t *trace_id, const struct weft_verdict *verdict,
                        struct weft_trace_group *group)
{
    struct weft_trace_question question = { .has_trace_id = true };
    memcpy(question.trace_id, trace_id, sizeof question.trace_id);
    begin_member(group, trace_id, verdict->is_lines, verdict->is_kept ? "kept" : "dropped");
    write_verdict(join, trace_id, verdict, &group->json);
    weft_buffer_append_text(&group->json, "}");
    weft_buffer_append_text(&group->nodes, ",\"policy\":");
    weft_buffer_append_json_string(&group->nodes, weft_names_at(join->names, verdict->policy));
    weft_buffer_append_text(&group->nodes, verdict->is_late_member ? ",\"late_member\":true}" : "}");
    const struct weft_recent *recent = find_recent(join, &question);
    if (recent != NULL) {
        add_nodes(join, &recent->chain, group);
    }
}

static uint64_t start_of(uint64_t start_ns)
{
    return start_ns == 0 ? UINT64_MAX : start_ns;
}

/* What this core knows of it; NOT_SEEN: it is another worker's. */
static enum weft_trace_knowledge add_member(const struct weft_join *join, const uint8_t *trace_id,
                                            struct weft_trace_group *group)
{
    const struct weft_trace *held = weft_table_find(join->traces, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
    const struct weft_verdict *verdict = weft_verdicts_find(join->verdicts, trace_id);
    bool is_held = held != NULL && is_undecided(join, held);
    if ((!is_held && verdict == NULL) || group->part_count == WEFT_ANSWER_MEMBERS_MAX) {
        return WEFT_TRACE_NOT_SEEN;
    }
    struct weft_trace_group_part *part = &group->parts[group->part_count++];
    *part = (struct weft_trace_group_part){ .json_at = group->json.length, .nodes_at = group->nodes.length };
    if (is_held) {
        part->start_ns = start_of(held->facts.start_min_ns);
        add_held(join, trace_id, held, group);
    } else {
        part->start_ns = start_of(verdict->start_ns);
        add_decided(join, trace_id, verdict, group);
    }
    part->json_length = group->json.length - part->json_at;
    part->nodes_length = group->nodes.length - part->nodes_at;
    return is_held ? WEFT_TRACE_HELD : verdict->is_kept ? WEFT_TRACE_KEPT : WEFT_TRACE_DROPPED;
}

static void look_up_members(const struct weft_join *join, struct weft_trace_group *group)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        enum weft_trace_knowledge knowledge = add_member(join, group->members[i], group);
        group->knowledge = knowledge > group->knowledge ? knowledge : group->knowledge;
    }
}

void weft_join_look_up(const struct weft_stage *stage, const struct weft_trace_question *question,
                       struct weft_trace_answer *in_out_answer)
{
    const struct weft_join *join = weft_join_of(stage);
    const struct weft_trace *held = find_held(join, question);
    if (join->groups != NULL && !in_out_answer->group.is_known) {
        find_group(join, question, &in_out_answer->group);
    }
    int64_t from_ns = weft_verdicts_oldest(join->verdicts, join->started).ns;
    if (in_out_answer->remembers_from_ns < from_ns) {
        in_out_answer->remembers_from_ns = from_ns;
    }
    if (held != NULL && is_undecided(join, held)) {
        begin_answer(in_out_answer, WEFT_TRACE_HELD);
        write_held(join, held, &in_out_answer->json);
        put_tree(join, &held->chain, in_out_answer);
    } else {
        look_up_verdict(join, question, in_out_answer);
    }
    look_up_members(join, &in_out_answer->group);
}

void weft_join_ask(const struct weft_stage *stage, struct weft_question *question)
{
    weft_assert(question->kind == WEFT_QUESTION_TRACE);
    struct weft_trace_lookup *lookup = WEFT_CONTAINER_OF(question, struct weft_trace_lookup, base);
    weft_join_look_up(stage, &lookup->question, &lookup->answer);
}
