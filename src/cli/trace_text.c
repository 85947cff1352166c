/* A trace as text (trace_text.h). The answer is read member by member, so that what is nested too deeply for the reader
 * costs the tree and nothing before it. Everything may come from records: nothing of it is trusted. */
#include "cli/trace_text.h"

#include "cli/ask.h"
#include "wire/json_each.h"
#include "wire/json_member.h"

enum { MAX_TEXT = 200, MAX_INDENT = 40 };

/* Empty if the object has none. */
static struct weft_slice find(struct weft_slice object, const char *key)
{
    struct weft_json_each each = weft_json_each_of(object);
    while (each.is_object && weft_json_each_next(&each)) {
        if (weft_slice_equal_text(each.key, key)) {
            return each.value;
        }
    }
    return WEFT_SLICE_EMPTY;
}

static bool is_true(struct weft_slice object, const char *key)
{
    return weft_slice_equal_text(find(object, key), "true");
}

static bool is_scalar(struct weft_slice value)
{
    return value.length > 0 && value.bytes[0] != '{' && value.bytes[0] != '[';
}

/* `before`, then the value, if there is one that says something. */
static void append_found(struct weft_buffer *out, const char *before, struct weft_slice object, const char *key)
{
    struct weft_slice value = find(object, key);
    if (is_scalar(value) && !weft_slice_equal_text(value, "\"\"") && !weft_slice_equal_text(value, "null")) {
        weft_buffer_append_text(out, before);
        weft_cli_append_value(out, value, MAX_TEXT);
    }
}

/* ---- the verdict ---- */

static const struct {
    const char *verdict;
    const char *sentence;
} sentences[] = {
    { "\"held\"", "is held: no verdict yet" },
    { "\"kept\"", "was kept" },
    { "\"dropped\"", "was dropped" },
    { "\"forgotten\"", "is not known any more: it may have been here before what is remembered" },
    { "\"not_seen\"", "was not seen" },
};

/* With the time of the verdict. "none" is no policy's name, but that no policy kept the trace. */
static void append_policy(struct weft_buffer *out, struct weft_slice answer)
{
    bool is_none = weft_slice_equal_text(find(answer, "policy"), "\"none\"");
    append_found(out, " by policy ", is_none ? WEFT_SLICE_EMPTY : answer, "policy");
    append_found(out, " at ", answer, "decided");
    weft_buffer_append_text(out, is_none ? ": no policy kept it" : "");
}

static void append_verdict(struct weft_buffer *out, struct weft_slice answer)
{
    struct weft_slice verdict = find(answer, "verdict");
    bool is_not_seen = weft_slice_equal_text(verdict, "\"not_seen\"");
    append_found(out, "", answer, "word");
    if (!is_not_seen && !weft_slice_equal(find(answer, "word"), find(answer, "trace_id"))) {
        append_found(out, " is trace ", answer, "trace_id");
        weft_buffer_append_text(out, is_scalar(find(answer, "trace_id")) ? ", which" : "");
    }
    weft_buffer_append_byte(out, ' ');
    for (size_t i = 0; i < WEFT_COUNT_OF(sentences); i++) {
        weft_buffer_append_text(out, weft_slice_equal_text(verdict, sentences[i].verdict) ? sentences[i].sentence : "");
    }
    append_policy(out, answer);
    weft_buffer_append_text(out, is_true(answer, "dry_run") ? ", in a dry run: its records went on" : "");
    weft_buffer_append_text(out, is_true(answer, "late_member") ? ", as a late member of its group" : "");
    bool is_forgotten = weft_slice_equal_text(verdict, "\"forgotten\"");
    append_found(out, is_not_seen ? " since weft started at " : "", is_not_seen ? answer : WEFT_SLICE_EMPTY, "since");
    append_found(out, is_forgotten ? ", which begins at " : "", is_forgotten ? answer : WEFT_SLICE_EMPTY,
                 "remembers_from");
    weft_buffer_append_byte(out, '\n');
    bool is_nowhere = is_not_seen && find(answer, "group").length == 0;
    weft_buffer_append_text(out, is_nowhere ? "  (log lines whose spans never came leave no verdict; what was dropped "
                                              "before tail_sampling is not known here: weft drops)\n"
                                            : "");
}

/* ---- facts and counts ---- */

static void append_facts(struct weft_buffer *out, struct weft_slice facts)
{
    struct weft_json_each each = weft_json_each_of(facts);
    for (bool is_first = true; each.is_object && weft_json_each_next(&each); is_first = false) {
        weft_buffer_append_text(out, is_first ? "  facts: " : ", ");
        weft_cli_append_value(out, each.key, MAX_TEXT);
        weft_buffer_append_text(out, " ");
        weft_cli_append_value(out, each.value, MAX_TEXT);
    }
    weft_buffer_append_text(out, each.is_object && each.key.length > 0 ? "\n" : "");
}

static unsigned long long count_of(struct weft_slice object, const char *key)
{
    return (unsigned long long)weft_json_read_count(find(object, key));
}

static void append_counts(struct weft_buffer *out, struct weft_slice answer)
{
    if (find(answer, "spans").length > 0 || find(answer, "logs").length > 0) {
        weft_buffer_append_format(out, "  %llu spans, %llu logs\n", count_of(answer, "spans"),
                                  count_of(answer, "logs"));
    }
    struct weft_json_each each = weft_json_each_of(find(answer, "services"));
    while (weft_json_each_next(&each)) {
        struct weft_slice name = each.is_object ? each.key : find(each.value, "service");
        weft_buffer_append_text(out, "    ");
        weft_cli_append_padded(
            out, name.length > 0 && !weft_slice_equal_text(name, "\"\"") ? name : WEFT_SLICE_LITERAL("-"), 32);
        weft_buffer_append_format(out, " %8llu spans %8llu logs\n", count_of(each.value, "spans"),
                                  count_of(each.value, "logs"));
    }
}

/* ---- the tree ---- */

static void append_indent(struct weft_buffer *out, uint64_t depth)
{
    uint64_t columns = 4 + 2 * (depth < MAX_INDENT ? depth : MAX_INDENT);
    weft_buffer_append_format(out, "%*s", (int)columns, "");
}

/* Of RFC 3339: the day is that of the trace, and stands at its verdict. */
static void append_clock_time(struct weft_buffer *out, struct weft_slice time)
{
    enum { QUOTE = 1, DAY_BYTES = sizeof "2026-01-01T" - 1, CLOCK_BYTES = sizeof "12:00:00.000" - 1 };
    if (time.length > QUOTE + DAY_BYTES + CLOCK_BYTES && time.bytes[0] == '"') {
        weft_cli_append_value(out, weft_slice_of(time.bytes + QUOTE + DAY_BYTES, CLOCK_BYTES), MAX_TEXT);
    }
}

static void append_log(struct weft_buffer *out, struct weft_slice log, uint64_t depth)
{
    append_indent(out, depth);
    weft_buffer_append_text(out, "| ");
    size_t start = out->length;
    append_clock_time(out, find(log, "time"));
    append_found(out, out->length == start ? "" : " ", log, "severity");
    append_found(out, out->length == start ? "" : " ", log, "service");
    append_found(out, out->length == start ? "" : ": ", log, "body");
    weft_buffer_append_byte(out, '\n');
}

static void append_span(struct weft_buffer *out, struct weft_slice span, uint64_t depth)
{
    append_indent(out, depth);
    size_t start = out->length;
    append_clock_time(out, find(span, "start"));
    append_found(out, out->length == start ? "" : " ", span, "name");
    append_found(out, "  ", span, "service");
    append_found(out, "  ", span, "duration_ms");
    weft_buffer_append_text(out, is_scalar(find(span, "duration_ms")) ? " ms" : "");
    append_found(out, "  ", span, "status");
    append_found(out, ": ", span, "status_message");
    append_found(out, "  span ", span, "span_id");
    weft_buffer_append_text(out, is_true(span, "orphan") ? "  (its parent is not here)\n" : "\n");
}

/* A trace, or lines, of a group. */
static void append_member(struct weft_buffer *out, struct weft_slice member, uint64_t depth)
{
    append_indent(out, depth);
    weft_buffer_append_text(out, is_scalar(find(member, "trace_id")) ? "trace " : "log lines without a trace id");
    append_found(out, "", member, "trace_id");
    append_found(out, ": ", member, "verdict");
    append_policy(out, member);
    weft_buffer_append_text(out, is_true(member, "late_member") ? ", as a late member\n" : "\n");
}

/* A span, or the logs that belong to none; in the tree of a group its members, too. */
static void append_node(struct weft_buffer *out, struct weft_slice node, uint64_t depth)
{
    if (is_scalar(find(node, "verdict"))) {
        append_member(out, node, depth);
    } else if (is_scalar(find(node, "name")) || is_scalar(find(node, "span_id"))) {
        append_span(out, node, depth);
    } else {
        append_indent(out, depth);
        weft_buffer_append_text(out, "(no span)\n");
    }
    struct weft_json_each logs = weft_json_each_of(find(node, "logs"));
    while (weft_json_each_next(&logs)) {
        append_log(out, logs.value, depth + 1);
    }
}

static void append_tree(struct weft_buffer *out, struct weft_slice nodes)
{
    struct weft_json_each each = weft_json_each_of(nodes);
    for (bool is_first = true; weft_json_each_next(&each); is_first = false) {
        weft_buffer_append_text(out, is_first ? "  tree:\n" : "");
        append_node(out, each.value, weft_json_read_count(find(each.value, "depth")));
    }
}

/* ---- the group ---- */

static void append_group(struct weft_buffer *out, struct weft_slice group)
{
    if (group.length == 0) {
        return;
    }
    if (is_true(group, "burnt")) {
        weft_buffer_append_text(out, "  so many traces have this word that it joins none\n");
        return;
    }
    weft_buffer_append_format(out, "  group of %llu traces", count_of(group, "traces"));
    append_found(out, ": ", group, "verdict");
    weft_buffer_append_text(out, is_true(group, "closed") ? ", it takes no more\n" : "\n");
}

void weft_cli_trace_text(struct weft_slice answer, struct weft_buffer *out)
{
    append_verdict(out, answer);
    append_facts(out, find(answer, "facts"));
    append_counts(out, answer);
    append_group(out, find(answer, "group"));
    append_tree(out, find(answer, "tree"));
    weft_buffer_append_text(out, is_true(answer, "tree_cut") ? "    (the tree goes on)\n" : "");
}
