/* GET /v1/traces/{word}: what became of a trace (docs/asking.md). The word is read as log lines' ids are, so that what
 * stands in a line can be asked for; all workers' judges then say what they know. */
#include "admin/error.h"
#include "admin/page.h"
#include "base/alloc.h"
#include "base/hex.h"
#include "join/question.h"

static const char *knowledge_text(enum weft_trace_knowledge knowledge)
{
    static const char *const texts[] = {
#define TEXT(name, text) [WEFT_TRACE_##name] = (text),
        WEFT_TRACE_KNOWLEDGE_ROWS(TEXT)
#undef TEXT
    };
    return texts[knowledge];
}

static int fail(struct weft_buffer *out, int code, const char *name, const char *message, const char *help)
{
    weft_admin_error_write(&(struct weft_admin_error){ .code = name, .message = message, .help = help }, out);
    return code;
}

/* False: the word names no trace. */
static bool read_word(struct weft_trace_lookup *lookup)
{
    struct weft_slice word = weft_slice_of_text(lookup->word);
    struct weft_trace_question *question = &lookup->question;
    struct weft_trace_context context;
    struct weft_trace_id trace_id = { .kind = WEFT_ID_NONE };
    struct weft_span_id span_id = { .kind = WEFT_ID_NONE };
    question->word = lookup->word;
    if (weft_ids_of_header(WEFT_ID_TRACEPARENT, word, &context) == WEFT_ID_PROBLEM_OK) {
        trace_id = context.trace_id;
    } else if (weft_trace_id_of_text(word, WEFT_ID_GENERIC, &trace_id) != WEFT_ID_PROBLEM_OK) {
        trace_id.kind = WEFT_ID_NONE;
    }
    if (weft_span_id_of_text(word, WEFT_ID_GENERIC, &span_id) != WEFT_ID_PROBLEM_OK) {
        span_id.kind = WEFT_ID_NONE;
    }
    question->has_trace_id = trace_id.kind != WEFT_ID_NONE;
    question->is_64_bit = trace_id.kind == WEFT_ID_LOW64;
    question->has_span_id = span_id.kind == WEFT_ID_FULL;
    memcpy(question->trace_id, trace_id.bytes, sizeof question->trace_id);
    memcpy(question->span_id, span_id.bytes, sizeof question->span_id);
    return question->has_trace_id || question->has_span_id;
}

static void lookup_free(struct weft_question *question)
{
    struct weft_trace_lookup *lookup = WEFT_CONTAINER_OF(question, struct weft_trace_lookup, base);
    weft_buffer_fini(&lookup->answer.json);
    weft_buffer_fini(&lookup->answer.group.json);
    weft_buffer_fini(&lookup->answer.group.nodes);
    weft_free(lookup);
}

static int begin(struct weft_admin_visit *visit, struct weft_slice word, struct weft_slice query,
                 struct weft_gather *gather, struct weft_buffer *out)
{
    (void)visit;
    (void)query;
    struct weft_trace_lookup *lookup = weft_alloc(sizeof *lookup);
    lookup->base = (struct weft_question){ .kind = WEFT_QUESTION_TRACE, .free = lookup_free };
    gather->question = &lookup->base;
    weft_buffer_init(&lookup->answer.json, 0);
    weft_buffer_init(&lookup->answer.group.json, 0);
    weft_buffer_init(&lookup->answer.group.nodes, 0);
    if (!weft_admin_percent_decode(word, lookup->word, sizeof lookup->word) || !read_word(lookup)) {
        return fail(out, 400, "NOT_A_TRACE_ID", "the word names no trace",
                    "A trace id in any form, a span id, or the word that log lines have: 1 to 256 bytes, not zeros.");
    }
    return WEFT_PAGE_OK;
}

static void append_time(struct weft_buffer *out, const char *key, struct weft_wall time)
{
    char text[WEFT_RFC3339_BYTES];
    weft_wall_format(time, text);
    weft_buffer_append_format(out, ",\"%s\":\"%s\"", key, text);
}

static void append_trace_id(struct weft_buffer *out, const struct weft_trace_question *question)
{
    weft_buffer_append_text(out, ",\"trace_id\":\"");
    size_t skipped = question->is_64_bit ? sizeof question->trace_id / 2 : 0;
    weft_hex_append(out, weft_slice_of(question->trace_id + skipped, sizeof question->trace_id - skipped));
    weft_buffer_append_byte(out, '"');
}

/* Members as their first spans began; those of which that is unknown last. */
static void sort_parts(struct weft_trace_group *group)
{
    for (uint32_t i = 1; i < group->part_count; i++) {
        struct weft_trace_group_part part = group->parts[i];
        uint32_t at = i;
        for (; at > 0 && group->parts[at - 1].start_ns > part.start_ns; at--) {
            group->parts[at] = group->parts[at - 1];
        }
        group->parts[at] = part;
    }
}

static void append_members(struct weft_buffer *out, const struct weft_trace_group *group)
{
    weft_buffer_append_text(out, ",\"members\":[");
    for (uint32_t i = 0; i < group->part_count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        weft_buffer_append(out, group->json.bytes + group->parts[i].json_at, group->parts[i].json_length);
    }
    weft_buffer_append_text(out, "]}");
}

/* All members under one root: the word. */
static void append_woven_tree(struct weft_buffer *out, const char *word, const struct weft_trace_group *group)
{
    weft_buffer_append_text(out, ",\"tree\":[{\"depth\":0,\"name\":");
    weft_buffer_append_json_string(out, weft_slice_of_text(word));
    weft_buffer_append_text(out, "}");
    for (uint32_t i = 0; i < group->part_count; i++) {
        weft_buffer_append(out, group->nodes.bytes + group->parts[i].nodes_at, group->parts[i].nodes_length);
    }
    weft_buffer_append_text(out, group->is_tree_cut ? "],\"tree_cut\":true" : "]");
}

static void append_group(struct weft_buffer *out, const char *word, struct weft_trace_group *group)
{
    if (!group->is_known) {
        return;
    }
    weft_buffer_append_format(out, ",\"group\":{\"traces\":%u", group->member_count);
    if (group->state != NULL) {
        weft_buffer_append_format(out, ",\"verdict\":\"%s\"", group->state);
    }
    weft_buffer_append_text(out, group->is_closed ? ",\"closed\":true" : "");
    weft_buffer_append_text(out, group->is_burnt ? ",\"burnt\":true" : "");
    sort_parts(group);
    append_members(out, group);
    if (group->part_count > 0) {
        append_woven_tree(out, word, group);
    }
}

static int write_trace(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    struct weft_trace_lookup *lookup = WEFT_CONTAINER_OF(gather->question, struct weft_trace_lookup, base);
    struct weft_trace_answer *answer = &lookup->answer;
    if (lookup->base.asked_count == 0) {
        return fail(out, 404, "NOTHING_JUDGES_TRACES", "no processor of this agent judges traces",
                    "Ask the agent that has a tail_sampling processor.");
    }
    if (answer->json.is_failed || answer->group.json.is_failed || answer->group.nodes.is_failed) {
        return fail(out, 503, "OUT_OF_MEMORY", "no memory for the answer", "Ask again.");
    }
    weft_buffer_append_text(out, "{\"word\":");
    weft_buffer_append_json_string(out, weft_slice_of_text(lookup->word));
    bool is_of_group = answer->json.length == 0 && answer->group.knowledge > answer->knowledge;
    weft_buffer_append_format(out, ",\"verdict\":\"%s\"",
                              knowledge_text(is_of_group ? answer->group.knowledge : answer->knowledge));
    append_time(out, "since", visit->started);
    if (answer->remembers_from_ns > 0) {
        append_time(out, "remembers_from", (struct weft_wall){ answer->remembers_from_ns });
    }
    if (answer->json.length > 0) {
        weft_buffer_append_byte(out, ',');
        weft_buffer_append(out, answer->json.bytes, answer->json.length);
    } else if (lookup->question.has_trace_id && !answer->group.is_known) {
        append_trace_id(out, &lookup->question);
    }
    append_group(out, lookup->word, &answer->group);
    weft_buffer_append_byte(out, '}');
    return WEFT_PAGE_OK;
}

const struct weft_admin_page weft_trace_page = {
    .content_type = "application/json",
    .begin = begin,
    .write = write_trace,
};
