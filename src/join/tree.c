/* The tree of a trace (tree.h), built on demand from its records. */
#include "join/tree.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "wire/otlp_attributes.h"

enum { NODES_MAX = 2000, LOGS_MAX = 2000, DEPTH_MAX = 100, BODY_BYTES_MAX = 200, NONE = -1, SPAN_KIND_SERVER = 2 };

struct tree_span {
    struct weft_span_index index;
    struct weft_slice service;
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
    bool is_truncated;
    struct weft_buffer *out;
};

/* ---- reading ---- */

static void add_span(struct tree *tree, struct weft_slice record, struct weft_slice service)
{
    if (tree->span_count == NODES_MAX) {
        tree->is_truncated = true;
        return;
    }
    struct tree_span *span = &tree->spans[tree->span_count];
    if (weft_otlp_index_span(record, &span->index) == WEFT_OK) {
        span->service = service;
        span->parent = span->first_child = span->next_sibling = span->first_log = NONE;
        tree->span_count++;
    }
}

static void add_log(struct tree *tree, struct weft_slice record, struct weft_slice service)
{
    if (tree->log_count == LOGS_MAX) {
        tree->is_truncated = true;
        return;
    }
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
    uint8_t *copy = weft_arena_try_bytes(tree->arena, record.length);
    if (copy == NULL) {
        tree->is_truncated = true;
        return;
    }
    if (record.length > 0) {
        memcpy(copy, record.bytes, record.length);
    }
    record.bytes = copy;
    if (tree->join->outlets[from->outlet]->outlet.signal == WEFT_TRACES) {
        add_span(tree, record, from->service);
    } else {
        add_log(tree, record, from->service);
    }
}

/* ---- joining ---- */

static bool has_id(struct weft_slice id)
{
    return id.length == WEFT_SPAN_ID_BYTES;
}

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
    if (index->kind == SPAN_KIND_SERVER && has_id(index->span_id)) {
        int client = find_span(tree, by_id, index->span_id, child);
        if (client != NONE && tree->spans[client].index.kind != SPAN_KIND_SERVER) {
            return client;
        }
    }
    return has_id(index->parent_span_id) ? find_span(tree, by_id, index->parent_span_id, child) : NONE;
}

/* From the last one on, so that children stand in order of arrival. */
static void join_all(struct tree *tree, const struct by_id *by_id)
{
    for (int i = tree->span_count - 1; i >= 0; i--) {
        struct tree_span *span = &tree->spans[i];
        span->parent = parent_of(tree, by_id, i);
        span->is_orphan = span->parent == NONE && has_id(span->index.parent_span_id);
        if (span->parent != NONE) {
            span->next_sibling = tree->spans[span->parent].first_child;
            tree->spans[span->parent].first_child = i;
        }
    }
    tree->first_loose_log = NONE;
    for (int i = tree->log_count - 1; i >= 0; i--) {
        struct weft_slice id = tree->logs[i].index.span_id;
        int span = has_id(id) ? find_span(tree, by_id, id, NONE) : NONE;
        int *first = span == NONE ? &tree->first_loose_log : &tree->spans[span].first_log;
        tree->logs[i].next = *first;
        *first = i;
    }
}

/* ---- writing ---- */

static void put_text(struct tree *tree, const char *key, struct weft_slice text)
{
    weft_buffer_append_format(tree->out, "\"%s\":", key);
    weft_buffer_append_json_string(tree->out, text);
}

static void put_id(struct tree *tree, const char *key, struct weft_slice id)
{
    weft_buffer_append_format(tree->out, "\"%s\":\"", key);
    for (size_t i = 0; i < id.length; i++) {
        weft_buffer_append_format(tree->out, "%02x", id.bytes[i]);
    }
    weft_buffer_append_text(tree->out, "\"");
}

static void write_logs(struct tree *tree, int first)
{
    weft_buffer_append_text(tree->out, "[");
    for (int i = first; i != NONE; i = tree->logs[i].next) {
        const struct tree_log *log = &tree->logs[i];
        struct weft_otlp_value body = weft_otlp_value_of(log->index.body, WEFT_OTLP_BODY_FIELD);
        weft_buffer_append_text(tree->out, i == first ? "{" : ",{");
        put_text(tree, "service", log->service);
        weft_buffer_append_format(tree->out, ",\"time_ns\":\"%llu\",\"severity\":%d,",
                                  (unsigned long long)log->index.time_ns, log->index.severity_number);
        put_text(tree, "severity_text", log->index.severity_text);
        if (body.kind == WEFT_OTLP_VALUE_STRING) {
            weft_buffer_append_text(tree->out, ",");
            body.bytes.length = body.bytes.length > BODY_BYTES_MAX ? BODY_BYTES_MAX : body.bytes.length;
            put_text(tree, "body", body.bytes);
        }
        weft_buffer_append_text(tree->out, "}");
    }
    weft_buffer_append_text(tree->out, "]");
}

static void write_span(struct tree *tree, int number, int depth);

static void write_children(struct tree *tree, const struct tree_span *span, int depth)
{
    if (span->first_child == NONE) {
        return;
    }
    if (depth == DEPTH_MAX) {
        tree->is_truncated = true;
        return;
    }
    const char *separator = "";
    weft_buffer_append_text(tree->out, ",\"children\":[");
    for (int i = span->first_child; i != NONE; i = tree->spans[i].next_sibling) {
        if (!tree->spans[i].is_shown) {
            weft_buffer_append_text(tree->out, separator);
            write_span(tree, i, depth + 1);
            separator = ",";
        }
    }
    weft_buffer_append_text(tree->out, "]");
}

static void write_span(struct tree *tree, int number, int depth)
{
    struct tree_span *span = &tree->spans[number];
    const struct weft_span_index *index = &span->index;
    span->is_shown = true;
    weft_buffer_append_text(tree->out, "{");
    put_id(tree, "span_id", index->span_id);
    weft_buffer_append_text(tree->out, ",");
    put_text(tree, "name", index->name);
    weft_buffer_append_text(tree->out, ",");
    put_text(tree, "service", span->service);
    uint64_t duration = index->end_ns > index->start_ns ? index->end_ns - index->start_ns : 0;
    weft_buffer_append_format(tree->out, ",\"kind\":%d,\"status\":%d,\"start_ns\":\"%llu\",\"duration_ns\":\"%llu\"",
                              index->kind, index->status_code, (unsigned long long)index->start_ns,
                              (unsigned long long)duration);
    if (span->is_orphan) {
        weft_buffer_append_text(tree->out, ",\"orphan\":true");
    }
    if (span->first_log != NONE) {
        weft_buffer_append_text(tree->out, ",\"logs\":");
        write_logs(tree, span->first_log);
    }
    write_children(tree, span, depth);
    weft_buffer_append_text(tree->out, "}");
}

/* Roots, then what no root leads to: cycles, from their first span on. */
static void write_roots(struct tree *tree)
{
    const char *separator = "";
    weft_buffer_append_text(tree->out, "[");
    for (int is_cycle = 0; is_cycle < 2; is_cycle++) {
        for (int i = 0; i < tree->span_count; i++) {
            if (!tree->spans[i].is_shown && (is_cycle || tree->spans[i].parent == NONE)) {
                weft_buffer_append_text(tree->out, separator);
                write_span(tree, i, 0);
                separator = ",";
            }
        }
    }
    weft_buffer_append_text(tree->out, "]");
}

static bool sort_by_id(struct tree *tree, struct by_id *out_by_id)
{
    out_by_id->spans = weft_try_alloc((size_t)(tree->span_count + 1) * sizeof(struct tree_span *));
    if (out_by_id->spans == NULL) {
        return false;
    }
    out_by_id->count = 0;
    for (int i = 0; i < tree->span_count; i++) {
        if (has_id(tree->spans[i].index.span_id)) {
            out_by_id->spans[out_by_id->count++] = &tree->spans[i];
        }
    }
    qsort(out_by_id->spans, out_by_id->count, sizeof(struct tree_span *), compare_ids);
    return true;
}

void weft_join_write_tree(const struct weft_join *join, const struct weft_slab_chain *chain, struct weft_buffer *out)
{
    struct tree tree = { .join = join, .out = out };
    struct by_id by_id = { NULL, 0 };
    tree.arena = weft_arena_try_new_charged(join->stage.host->budget, 0);
    tree.spans = weft_try_alloc(NODES_MAX * sizeof *tree.spans);
    tree.logs = weft_try_alloc(LOGS_MAX * sizeof *tree.logs);
    bool has_memory = tree.arena != NULL && tree.spans != NULL && tree.logs != NULL;
    if (has_memory) {
        tree.is_truncated = !weft_join_each_record(join, chain, add_record, &tree);
        has_memory = sort_by_id(&tree, &by_id);
    }
    if (has_memory) {
        join_all(&tree, &by_id);
        weft_buffer_append_text(out, "\"tree\":");
        write_roots(&tree);
        weft_buffer_append_text(out, ",\"loose_logs\":");
        write_logs(&tree, tree.first_loose_log);
        weft_buffer_append_format(out, ",\"is_truncated\":%s", tree.is_truncated ? "true" : "false");
    }
    weft_free(by_id.spans);
    weft_free(tree.spans);
    weft_free(tree.logs);
    weft_arena_unref(&tree.arena);
}
