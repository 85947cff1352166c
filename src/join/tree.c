/* The tree of a trace (tree.h), built on demand from its records. */
#include "join/tree.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "pipeline/hiding.h"
#include "wire/checked.h"
#include "wire/otlp_attributes.h"

enum { NODES_MAX = 2000, LOGS_MAX = 2000, TEXT_BYTES_MAX = 200, NONE = -1, SPAN_KIND_SERVER = 2 };
enum { SPAN_STATUS = 15, STATUS_MESSAGE = 2 };

struct tree_span {
    struct weft_span_index index;
    struct weft_slice service, status_message;
    int parent, first_child, next_sibling, first_log; /* NONE or an index */
    bool is_shown, is_orphan;
};

struct tree_log {
    struct weft_log_index index;
    struct weft_slice service;
    int next; /* at the same span */
};

struct tree {
    const struct weft_join *join;
    struct weft_arena *arena; /* copies of records that lie in pieces */
    struct tree_span *spans;
    struct tree_log *logs;
    int span_count, log_count;
    int first_loose_log; /* that name no span here */
    int depth;           /* of roots */
    bool is_truncated;
    const char *separator;
    struct weft_buffer *out;
};

/* ---- reading ---- */

static struct weft_slice status_message_of(struct weft_slice record)
{
    struct weft_wire_reader reader = weft_wire_reader_of(record);
    struct weft_slice status, message = WEFT_SLICE_EMPTY;
    while (weft_wire_next_message(&reader, SPAN_STATUS, &status)) {
        struct weft_wire_reader inner = weft_wire_reader_of(status);
        while (weft_wire_next_message(&inner, STATUS_MESSAGE, &message)) {
        }
    }
    return message;
}

static void add_span(struct tree *tree, struct weft_slice record, struct weft_slice service)
{
    struct tree_span *span = &tree->spans[tree->span_count];
    if (weft_otlp_index_span(record, &span->index) == WEFT_OK) {
        span->service = service;
        span->status_message = status_message_of(record);
        span->parent = span->first_child = span->next_sibling = span->first_log = NONE;
        tree->span_count++;
    }
}

static void add_log(struct tree *tree, struct weft_slice record, struct weft_slice service)
{
    struct tree_log *log = &tree->logs[tree->log_count];
    if (weft_otlp_index_log(record, &log->index) == WEFT_OK) {
        log->service = service;
        log->next = NONE;
        tree->log_count++;
    }
}

/* The record's bytes may be put together for this call only: the tree keeps a copy. */
static void add_record(void *user, uint32_t context, struct weft_slice record)
{
    struct tree *tree = user;
    const struct weft_context *from = weft_contexts_at(tree->join->contexts, context);
    bool is_span = tree->join->outlets[from->outlet]->outlet.signal == WEFT_TRACES;
    if (is_span ? tree->span_count == NODES_MAX : tree->log_count == LOGS_MAX) {
        tree->is_truncated = true; /* not copied: a trace may be larger than an answer */
        return;
    }
    uint8_t *copy = weft_arena_try_bytes(tree->arena, record.length);
    if (copy == NULL) {
        tree->is_truncated = true;
        return;
    }
    if (record.length > 0) {
        memcpy(copy, record.bytes, record.length);
    }
    record.bytes = copy;
    if (is_span) {
        add_span(tree, record, from->service);
    } else {
        add_log(tree, record, from->service);
    }
}

/* ---- joining ---- */

static int compare_ids(const void *left, const void *right)
{
    const struct tree_span *const *a = left;
    const struct tree_span *const *b = right;
    return memcmp((*a)->index.span_id.bytes, (*b)->index.span_id.bytes, WEFT_SPAN_ID_BYTES);
}

struct by_id {
    const struct tree_span **spans; /* those with an id, sorted by it */
    size_t count;
};

/* A span with this id other than `not`. A client and its server may share one (B3): the client is the parent. */
static int find_span(const struct tree *tree, const struct by_id *by_id, struct weft_slice id, int not )
{
    size_t low = 0;
    size_t high = by_id->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(by_id->spans[middle]->index.span_id.bytes, id.bytes, WEFT_SPAN_ID_BYTES) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < by_id->count && weft_slice_equal(by_id->spans[low]->index.span_id, id); low++) {
        int found = (int)(by_id->spans[low] - tree->spans);
        if (found != not ) {
            return found;
        }
    }
    return NONE;
}

static int parent_of(const struct tree *tree, const struct by_id *by_id, int child)
{
    const struct weft_span_index *index = &tree->spans[child].index;
    if (index->kind == SPAN_KIND_SERVER && weft_otlp_is_span_id(index->span_id)) {
        int client = find_span(tree, by_id, index->span_id, child);
        if (client != NONE && tree->spans[client].index.kind != SPAN_KIND_SERVER) {
            return client;
        }
    }
    return weft_otlp_is_span_id(index->parent_span_id) ? find_span(tree, by_id, index->parent_span_id, child) : NONE;
}

/* From the last one on, so that children stand in order of arrival. */
static void join_all(struct tree *tree, const struct by_id *by_id)
{
    for (int i = tree->span_count - 1; i >= 0; i--) {
        struct tree_span *span = &tree->spans[i];
        span->parent = parent_of(tree, by_id, i);
        span->is_orphan = span->parent == NONE && weft_otlp_is_span_id(span->index.parent_span_id);
        if (span->parent != NONE) {
            span->next_sibling = tree->spans[span->parent].first_child;
            tree->spans[span->parent].first_child = i;
        }
    }
    tree->first_loose_log = NONE;
    for (int i = tree->log_count - 1; i >= 0; i--) {
        struct weft_slice id = tree->logs[i].index.span_id;
        int span = weft_otlp_is_span_id(id) ? find_span(tree, by_id, id, NONE) : NONE;
        int *first = span == NONE ? &tree->first_loose_log : &tree->spans[span].first_log;
        tree->logs[i].next = *first;
        *first = i;
    }
}

/* ---- writing ---- */

static void put_text(struct tree *tree, const char *key, struct weft_slice text)
{
    weft_buffer_append_format(tree->out, ",\"%s\":", key);
    weft_buffer_append_json_string(tree->out, text);
}

/* A text that came in. */
static void put_shown(struct tree *tree, const char *key, struct weft_slice text)
{
    put_text(tree, key, weft_host_hide(tree->join->stage.host, WEFT_SLICE_EMPTY, text));
}

static void put_service(struct tree *tree, struct weft_slice service)
{
    put_text(tree, "service", weft_host_hide_service(tree->join->stage.host, service));
}

/* One that may be long. */
static void put_cut(struct tree *tree, const char *key, struct weft_slice text)
{
    struct weft_slice shown = weft_host_hide(tree->join->stage.host, WEFT_SLICE_EMPTY, text);
    shown.length = shown.length > TEXT_BYTES_MAX ? TEXT_BYTES_MAX : shown.length;
    put_text(tree, key, shown);
}

static void put_time(struct tree *tree, const char *key, uint64_t time_ns)
{
    char text[WEFT_RFC3339_BYTES];
    if (time_ns > 0 && time_ns <= INT64_MAX) {
        weft_wall_format((struct weft_wall){ (int64_t)time_ns }, text);
        put_text(tree, key, weft_slice_of_text(text));
    }
}

static void write_log(struct tree *tree, const struct tree_log *log)
{
    struct weft_otlp_value body = weft_otlp_value_of(log->index.body, WEFT_OTLP_BODY_FIELD);
    weft_buffer_append_format(tree->out, "{\"severity_number\":%d", log->index.severity_number);
    put_time(tree, "time", log->index.time_ns);
    if (log->index.severity_text.length > 0) {
        put_shown(tree, "severity", log->index.severity_text);
    }
    put_service(tree, log->service);
    if (body.kind == WEFT_OTLP_VALUE_STRING) {
        put_cut(tree, "body", body.bytes);
    }
    weft_buffer_append_text(tree->out, "}");
}

static void write_logs(struct tree *tree, int first)
{
    for (int i = first; i != NONE; i = tree->logs[i].next) {
        weft_buffer_append_text(tree->out, i == first ? ",\"logs\":[" : ",");
        write_log(tree, &tree->logs[i]);
    }
    weft_buffer_append_text(tree->out, first == NONE ? "" : "]");
}

static void write_span(struct tree *tree, struct tree_span *span, int depth)
{
    static const char *const statuses[] = { "unset", "ok", "error" };
    static const char *const kinds[] = { "", "internal", "server", "client", "producer", "consumer" };
    const struct weft_span_index *index = &span->index;
    uint64_t duration_ns = index->end_ns > index->start_ns ? index->end_ns - index->start_ns : 0;
    span->is_shown = true;
    weft_buffer_append_format(tree->out, "%s{\"depth\":%d", tree->separator, tree->depth + depth);
    tree->separator = ",";
    put_shown(tree, "name", index->name);
    put_service(tree, span->service);
    if (index->kind > 0 && index->kind < (int32_t)WEFT_COUNT_OF(kinds)) {
        put_text(tree, "kind", weft_slice_of_text(kinds[index->kind]));
    }
    weft_buffer_append_text(tree->out, ",\"span_id\":\"");
    weft_hex_append(tree->out, index->span_id);
    weft_buffer_append_text(tree->out, "\"");
    put_time(tree, "start", index->start_ns);
    weft_buffer_append_format(tree->out, ",\"duration_ms\":%.3f", (double)duration_ns / WEFT_NS_PER_MS);
    if (index->status_code > 0 && index->status_code < (int32_t)WEFT_COUNT_OF(statuses)) {
        put_text(tree, "status", weft_slice_of_text(statuses[index->status_code]));
    }
    if (span->status_message.length > 0) {
        put_cut(tree, "status_message", span->status_message);
    }
    weft_buffer_append_text(tree->out, span->is_orphan ? ",\"orphan\":true" : "");
    write_logs(tree, span->first_log);
    weft_buffer_append_text(tree->out, "}");
}

/* The next span in a walk from the parent to its children, or NONE when all that hangs on root was visited. What was
 * shown already (a cycle) is passed over. */
static int next_in_walk(const struct tree *tree, int at, int root, int *depth)
{
    int next = tree->spans[at].first_child;
    *depth += 1;
    for (;;) {
        while (next != NONE && tree->spans[next].is_shown) {
            next = tree->spans[next].next_sibling;
        }
        if (next != NONE || at == root) {
            return next;
        }
        next = tree->spans[at].next_sibling;
        at = tree->spans[at].parent;
        *depth -= 1;
    }
}

static void write_from(struct tree *tree, int root)
{
    int depth = 0;
    for (int at = root; at != NONE; at = next_in_walk(tree, at, root, &depth)) {
        write_span(tree, &tree->spans[at], depth);
    }
}

/* Roots, then what no root leads to: cycles, from their first span on; then lines that name no span here. */
static void write_all(struct tree *tree)
{
    for (int is_cycle = 0; is_cycle < 2; is_cycle++) {
        for (int i = 0; i < tree->span_count; i++) {
            if (!tree->spans[i].is_shown && (is_cycle || tree->spans[i].parent == NONE)) {
                write_from(tree, i);
            }
        }
    }
    if (tree->first_loose_log != NONE) {
        weft_buffer_append_format(tree->out, "%s{\"depth\":%d", tree->separator, tree->depth);
        write_logs(tree, tree->first_loose_log);
        weft_buffer_append_text(tree->out, "}");
    }
}

static bool sort_by_id(struct tree *tree, struct by_id *out_by_id)
{
    out_by_id->spans = weft_try_alloc((size_t)(tree->span_count + 1) * sizeof(struct tree_span *));
    if (out_by_id->spans == NULL) {
        return false;
    }
    out_by_id->count = 0;
    for (int i = 0; i < tree->span_count; i++) {
        if (weft_otlp_is_span_id(tree->spans[i].index.span_id)) {
            out_by_id->spans[out_by_id->count++] = &tree->spans[i];
        }
    }
    qsort(out_by_id->spans, out_by_id->count, sizeof(struct tree_span *), compare_ids);
    return true;
}

/* False without memory: nothing was written. */
static bool write_nodes(struct tree *tree, const struct weft_slab_chain *chain)
{
    struct by_id by_id = { NULL, 0 };
    tree->arena = weft_arena_try_new_charged(tree->join->stage.host->budget, 0);
    tree->spans = weft_try_alloc(NODES_MAX * sizeof *tree->spans);
    tree->logs = weft_try_alloc(LOGS_MAX * sizeof *tree->logs);
    bool has_memory = tree->arena != NULL && tree->spans != NULL && tree->logs != NULL;
    if (has_memory) {
        bool is_complete = weft_join_each_record(tree->join, chain, add_record, tree);
        tree->is_truncated = tree->is_truncated || !is_complete;
        has_memory = sort_by_id(tree, &by_id);
    }
    if (has_memory) {
        join_all(tree, &by_id);
        write_all(tree);
    }
    weft_free(by_id.spans);
    weft_free(tree->spans);
    weft_free(tree->logs);
    weft_arena_unref(&tree->arena);
    return has_memory;
}

void weft_join_write_tree(const struct weft_join *join, const struct weft_slab_chain *chain, struct weft_buffer *out)
{
    struct tree tree = { .join = join, .out = out, .separator = "" };
    size_t start = out->length;
    weft_buffer_append_text(out, ",\"tree\":[");
    if (write_nodes(&tree, chain)) {
        weft_buffer_append_text(out, tree.is_truncated ? "],\"tree_cut\":true" : "]");
    } else {
        out->length = out->length > start ? start : out->length;
    }
}

bool weft_join_write_nodes(const struct weft_join *join, const struct weft_slab_chain *chain, int depth,
                           struct weft_buffer *out)
{
    struct tree tree = { .join = join, .out = out, .separator = ",", .depth = depth };
    return write_nodes(&tree, chain) && !tree.is_truncated;
}
