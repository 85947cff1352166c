/* Where a record goes (taking.h): its context, its trace, and whether its bytes stay in their payload. */
#include "join/taking.h"

#include "base/assert.h"

enum {
    PINNED_BYTES_MAX = 1 << 29,
    PINNED_LOSS_SHARE = 8, /* of a pinned payload so much may be other than records */
};

/* ---- contexts and facts of resources ---- */

uint32_t weft_taking_context(struct weft_taking *taking, uint32_t scope_index)
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

void weft_taking_let_contexts_go(struct weft_taking *taking)
{
    for (uint32_t i = 0; i < taking->table->scope_count; i++) {
        if (taking->contexts[i] != 0) {
            weft_contexts_unref(taking->join->contexts, taking->contexts[i], 1);
        }
    }
}

const struct weft_policy_facts *weft_taking_resource_facts(struct weft_taking *taking, uint32_t scope_index)
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
                      const struct weft_span_index *span, const struct weft_joined_span *where)
{
    struct weft_policy_span asked = { .start_ns = span->start_ns,
                                      .end_ns = span->end_ns,
                                      .status_code = (uint32_t)span->status_code,
                                      .flags = span->flags,
                                      .trace_state = span->trace_state,
                                      .attributes = span->attributes,
                                      .contents = where->contents,
                                      .resource_x = where->resource_x,
                                      .scope_x = where->scope_x };
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

static size_t selected_bytes(const struct weft_taking *taking, size_t first, const struct weft_selection *records)
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
weft_pin_id weft_taking_pin(const struct weft_taking *taking, struct weft_payload *payload, size_t first,
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

void weft_taking_unpin(struct weft_taking *taking)
{
    if (taking->pin != 0) {
        weft_slab_unpin(taking->join->slab, taking->pin);
    }
}

/* ---- finding or beginning a trace ---- */

struct weft_taking_key weft_taking_key(const struct weft_taking *taking, const uint8_t *trace_id)
{
    return (struct weft_taking_key){ trace_id,
                                     weft_ahead_hash(&taking->ahead, taking->join, taking->number, trace_id) };
}

struct weft_trace *weft_taking_find(struct weft_taking *taking, struct weft_taking_key key)
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

struct weft_trace *weft_taking_begin(struct weft_taking *taking, struct weft_slice key, uint64_t hash,
                                     enum weft_lane lane)
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

struct weft_trace *weft_taking_begin_trace(struct weft_taking *taking, struct weft_taking_key key)
{
    struct weft_slice id = weft_slice_of(key.trace_id, WEFT_TRACE_ID_BYTES);
    struct weft_trace *trace = weft_taking_begin(taking, id, key.hash, WEFT_LANE_WAITING);
    taking->trace = trace;
    memcpy(taking->trace_id, key.trace_id, WEFT_TRACE_ID_BYTES);
    if (trace != NULL && weft_table_count(taking->join->claims) > 0) {
        weft_aliases_note_begun(taking->join, trace);
    }
    return trace;
}

bool weft_taking_append(struct weft_taking *taking, struct weft_trace *trace, uint32_t context,
                        struct weft_slice record)
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
