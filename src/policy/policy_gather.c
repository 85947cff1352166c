/* Gathering facts as spans arrive (policy.h), and facts that meet. Times and statuses are taken of every span; what the
 * attributes say only as long as it is not known already. */
#include "policy/policy_internal.h"

#include "base/alloc.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

enum { SAMPLED_FLAG = 1 }; /* W3C Trace Context, section 3.2.2.5.1 */

enum weft_status weft_policy_scratch_new(struct weft_policy_scratch **out_scratch, struct weft_error *error)
{
    struct weft_policy_scratch *scratch = weft_try_alloc(sizeof *scratch);
    if (scratch == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    enum weft_status status = weft_pattern_scratch_new(0, &scratch->pattern, error);
    if (status == WEFT_OK) {
        status = weft_ottl_run_init(&scratch->ottl, error);
    }
    if (status != WEFT_OK) {
        weft_policy_scratch_free(&scratch);
        return status;
    }
    *out_scratch = scratch;
    return WEFT_OK;
}

void weft_policy_scratch_begin(struct weft_policy_scratch *scratch, const char *component)
{
    weft_pattern_scratch_begin_batch(scratch->pattern, component);
}

uint64_t weft_policy_scratch_limits_met(const struct weft_policy_scratch *scratch)
{
    return weft_pattern_scratch_limits_met(scratch->pattern);
}

void weft_policy_scratch_free(struct weft_policy_scratch **own_scratch)
{
    struct weft_policy_scratch *scratch = *own_scratch;
    if (scratch != NULL) {
        weft_otlp_attributes_fini(&scratch->attributes);
        weft_pattern_scratch_free(&scratch->pattern);
        weft_ottl_run_fini(&scratch->ottl);
        weft_free(scratch);
        *own_scratch = NULL;
    }
}

/* Whether some attribute is asked for that was not found yet. */
static bool has_open_question(const struct weft_policy_set *set, const struct weft_policy_facts *facts)
{
    for (size_t i = 0; i < weft_policy_word_count(set); i++) {
        if ((set->asked[i] & ~facts->bits[i]) != 0) {
            return true;
        }
    }
    return false;
}

static void merge_bits(const struct weft_policy_set *set, struct weft_policy_facts *facts,
                       const struct weft_policy_facts *other)
{
    for (size_t i = 0; i < weft_policy_word_count(set); i++) {
        facts->bits[i] |= other->bits[i];
    }
}

void weft_policy_set_gather_resource(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                     struct weft_slice header, struct weft_policy_facts *facts)
{
    enum { RESOURCE_FIELD = 1, ATTRIBUTES_FIELD = 1 };
    if (!has_open_question(set, facts)) {
        return;
    }
    scratch->attributes.count = 0;
    struct weft_wire_reader reader = weft_wire_reader_of(header);
    struct weft_wire_field field;
    bool has_field = true;
    bool has_memory = true;
    /* A resource that is repeated merges. */
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == RESOURCE_FIELD && field.type == WEFT_WIRE_BYTES) {
            has_memory =
                has_memory && weft_otlp_attributes_add(field.bytes, ATTRIBUTES_FIELD, &scratch->attributes) == WEFT_OK;
        }
    }
    weft_policy_attributes_gather(set, scratch, has_memory, false, facts);
}

void weft_policy_set_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                            const struct weft_policy_facts *resource, const struct weft_policy_span *span,
                            struct weft_policy_facts *facts)
{
    if (facts->start_min_ns == 0 || span->start_ns < facts->start_min_ns) {
        facts->start_min_ns = span->start_ns;
    }
    if (span->end_ns > facts->end_max_ns) {
        facts->end_max_ns = span->end_ns;
    }
    weft_policy_latencies_gather(set, facts);
    if (span->status_code < WEFT_POLICY_STATUS_BITS) {
        weft_policy_set_bit(facts, span->status_code);
    }
    weft_policy_trace_states_gather(set, span->trace_state, facts);
    if (set->sampled_flag_bit != 0 && (span->flags & SAMPLED_FLAG) != 0) {
        weft_policy_set_bit(facts, set->sampled_flag_bit);
    }
    merge_bits(set, facts, resource);
    if (set->conditions_count > 0) {
        weft_policy_conditions_gather(set, scratch, span, facts);
    }
    if (!has_open_question(set, facts)) {
        return;
    }
    if (set->key_count <= WEFT_POLICY_KEYS_LOOKED_FOR) {
        weft_policy_attributes_look_for(set, scratch, span->attributes, facts);
    } else {
        uint32_t field = weft_otlp_attributes_field(WEFT_TRACES);
        bool has_memory = weft_otlp_attributes_read(span->attributes, field, &scratch->attributes) == WEFT_OK;
        weft_policy_attributes_gather(set, scratch, has_memory, true, facts);
    }
}

void weft_policy_facts_merge_part(const struct weft_policy_set *set, struct weft_policy_facts *facts,
                                  const struct weft_policy_facts *part)
{
    bool is_earlier = part->start_min_ns != 0 && part->start_min_ns < facts->start_min_ns;
    if (facts->start_min_ns == 0 || is_earlier) {
        facts->start_min_ns = part->start_min_ns;
    }
    if (part->end_max_ns > facts->end_max_ns) {
        facts->end_max_ns = part->end_max_ns;
    }
    merge_bits(set, facts, part);
    weft_policy_latencies_gather(set, facts);
}

void weft_policy_facts_merge_trace(const struct weft_policy_set *set, struct weft_policy_facts *facts,
                                   const struct weft_policy_facts *other)
{
    merge_bits(set, facts, other);
}
