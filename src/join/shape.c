/* What policies ask of a trace beside its facts (policy.h): how large it is, and how its spans hang together, which
 * reads the records. Asked only by policies that need it. */
#include <stdlib.h>

#include "base/alloc.h"
#include "join/join_internal.h"

enum { RECORD_FRAMING_BYTES = 3, SOURCE_FRAMING_BYTES = 10, SPANS_MAX = 1 << 20 };

/* ---- size ---- */

/* Within a few bytes for each record and source, and without the resources of more sources than are counted one by one:
 * no record is read for it. */
uint64_t weft_join_trace_size_bytes(void *context)
{
    const struct weft_join_view *view = context;
    const struct weft_trace *trace = view->trace;
    uint64_t bytes = trace->chain.length + (uint64_t)trace->chain.record_count * RECORD_FRAMING_BYTES;
    for (size_t i = 0; i < trace->source_count && i < JOIN_TRACE_SOURCES; i++) {
        const struct weft_context *from = weft_contexts_at(view->join->contexts, trace->sources[i].context);
        bytes += from->resource.length + from->scope.length + SOURCE_FRAMING_BYTES;
    }
    return bytes;
}

/* ---- tree ---- */

/* Ids as numbers, by any order. */
struct span {
    uint64_t id, parent;
    bool has_id, has_parent, is_error, is_parent;
};

struct spans {
    const struct weft_join *join;
    struct span *items;
    size_t count, capacity;
};

static uint64_t number_of(struct weft_slice id)
{
    uint64_t number;
    memcpy(&number, id.bytes, sizeof number);
    return number;
}

static void add_span(void *user, uint32_t context, struct weft_slice record)
{
    struct spans *spans = user;
    const struct weft_context *from = weft_contexts_at(spans->join->contexts, context);
    struct weft_span_index index;
    if (spans->count == spans->capacity || spans->join->outlets[from->outlet]->outlet.signal != WEFT_TRACES ||
        weft_otlp_index_span(record, &index) != WEFT_OK) {
        return;
    }
    struct span *span = &spans->items[spans->count++];
    *span = (struct span){ .has_id = weft_otlp_is_span_id(index.span_id),
                           .has_parent = weft_otlp_is_span_id(index.parent_span_id),
                           .is_error = index.status_code == WEFT_OTLP_STATUS_ERROR };
    span->id = span->has_id ? number_of(index.span_id) : 0;
    span->parent = span->has_parent ? number_of(index.parent_span_id) : 0;
}

/* Those with an id first, by it. */
static int compare_spans(const void *left, const void *right)
{
    const struct span *first = left;
    const struct span *second = right;
    if (first->has_id != second->has_id) {
        return first->has_id ? -1 : 1;
    }
    return first->id < second->id ? -1 : first->id > second->id;
}

/* Marks the spans that have this id, but for the child itself: a client and its server may share one. */
static bool mark_parent(struct spans *spans, size_t id_count, size_t child)
{
    uint64_t wanted = spans->items[child].parent;
    size_t low = 0;
    size_t high = id_count;
    bool is_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (spans->items[middle].id < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < id_count && spans->items[low].id == wanted && !is_found; low++) {
        if (low != child) {
            spans->items[low].is_parent = true;
            is_found = true;
        }
    }
    return is_found;
}

static void look_at(struct spans *spans, struct weft_policy_tree *tree)
{
    size_t id_count = 0;
    qsort(spans->items, spans->count, sizeof *spans->items, compare_spans);
    while (id_count < spans->count && spans->items[id_count].has_id) {
        id_count++;
    }
    tree->is_without_root = spans->count > 0;
    for (size_t i = 0; i < spans->count; i++) {
        if (!spans->items[i].has_parent) {
            tree->is_without_root = false;
        } else if (!mark_parent(spans, id_count, i)) {
            tree->has_orphan = true;
        }
    }
    for (size_t i = 0; i < spans->count; i++) {
        tree->has_error_in_leaf = tree->has_error_in_leaf || (spans->items[i].is_error && !spans->items[i].is_parent);
    }
}

bool weft_join_see_tree(void *context, struct weft_policy_tree *out_tree)
{
    const struct weft_join_view *view = context;
    size_t count = view->trace->span_count < SPANS_MAX ? view->trace->span_count : SPANS_MAX;
    struct spans spans = { .join = view->join, .capacity = count };
    spans.items = weft_try_alloc((count + 1) * sizeof *spans.items);
    if (spans.items == NULL) {
        return false;
    }
    *out_tree = (struct weft_policy_tree){ 0 };
    bool is_complete = weft_join_each_record(view->join, &view->trace->chain, add_span, &spans);
    look_at(&spans, out_tree);
    weft_free(spans.items);
    return is_complete;
}
