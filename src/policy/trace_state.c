/* Policy `trace_state`: keeps traces with a span in whose W3C tracestate the member has one of the values. */
#include "policy/policy_internal.h"

#include "base/alloc.h"
#include "wire/trace_state.h"

enum { MEMBER_BYTES_MAX = 256 }; /* key and value; longer ones match nothing, as in the Collector */

static void state_fini(struct weft_policy_trace_state *state)
{
    for (size_t i = 0; i < state->value_count; i++) {
        weft_free((void *)state->values[i].bytes);
    }
    weft_free(state->values);
    weft_free((void *)state->key.bytes);
}

void weft_policy_trace_states_fini(struct weft_policy_set *set)
{
    for (size_t i = 0; i < set->trace_state_count; i++) {
        state_fini(&set->trace_states[i]);
    }
    weft_free(set->trace_states);
}

static enum weft_status fill(struct weft_policy_set *set, const struct weft_policy_trace_state_config *wanted,
                             struct weft_policy_trace_state *state, struct weft_error *error)
{
    enum weft_status status = weft_policy_take_bits(set, 1, &state->bit, error);
    if (status == WEFT_OK) {
        status = weft_policy_copy_text(wanted->key, &state->key, error);
    }
    state->values = weft_try_alloc((wanted->values.count + 1) * sizeof *state->values);
    if (status == WEFT_OK && state->values == NULL) {
        status = weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < wanted->values.count && status == WEFT_OK; i++) {
        const char *value = wanted->values.items[i];
        if (value[0] != '\0' && state->key.length + strlen(value) < MEMBER_BYTES_MAX) {
            status = weft_policy_copy_text(value, &state->values[state->value_count], error);
            state->value_count += status == WEFT_OK;
        }
    }
    return status;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    struct weft_policy_trace_state state = { 0 };
    enum weft_status status = fill(set, &config->policy.trace_state, &state, error);
    if (status == WEFT_OK && weft_try_grow(&set->trace_states, sizeof *set->trace_states, set->trace_state_count,
                                           &set->trace_state_capacity) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    if (status != WEFT_OK) {
        state_fini(&state);
        return status;
    }
    set->trace_states[set->trace_state_count++] = state;
    node->bit = state.bit;
    return WEFT_OK;
}

static bool has_value(const struct weft_policy_trace_state *state, struct weft_slice value)
{
    for (size_t i = 0; i < state->value_count; i++) {
        if (weft_slice_equal(state->values[i], value)) {
            return true;
        }
    }
    return false;
}

void weft_policy_trace_states_gather(const struct weft_policy_set *set, struct weft_slice trace_state,
                                     struct weft_policy_facts *facts)
{
    for (size_t i = 0; i < set->trace_state_count && trace_state.length > 0; i++) {
        const struct weft_policy_trace_state *state = &set->trace_states[i];
        struct weft_slice value;
        if (!weft_policy_has_bit(facts, state->bit) && weft_trace_state_find(trace_state, state->key, &value) &&
            has_value(state, value)) {
            weft_policy_set_bit(facts, state->bit);
        }
    }
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return weft_policy_has_bit(trace->facts, node->bit) ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_trace_state = {
    .type = "trace_state", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
