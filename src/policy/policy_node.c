/* Making policies of their types from config: which types there are, and policies that have parts. Errors name the
 * place of the policy in the config. */
#include "policy/policy_internal.h"

#include <stdio.h>

#include "base/alloc.h"

static const struct weft_policy_kind *const kinds[] = {
    &weft_policy_always_sample,
    &weft_policy_latency,
    &weft_policy_status_code,
    &weft_policy_string_attribute,
    &weft_policy_numeric_attribute,
    &weft_policy_boolean_attribute,
    &weft_policy_probabilistic,
    &weft_policy_rate_limiting,
    &weft_policy_bytes_limiting,
    &weft_policy_span_count,
    &weft_policy_trace_state,
    &weft_policy_trace_flags,
    &weft_policy_log_severity,
    &weft_policy_tree,
    &weft_policy_ottl_condition,
    &weft_policy_and,
    &weft_policy_not,
    &weft_policy_drop,
    &weft_policy_composite,
};

/* "a, b, c": the types that may stand in this place. */
static void list_types(uint32_t place, char *out_text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds) && length < size; i++) {
        if ((kinds[i]->places & place) != 0) {
            length +=
                (size_t)snprintf(out_text + length, size - length, "%s%s", length == 0 ? "" : ", ", kinds[i]->type);
        }
    }
}

static enum weft_status refuse_type(const struct weft_policy_config *config, uint32_t place, struct weft_error *error)
{
    char types[512];
    list_types(place, types, sizeof types);
    if (config->type[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "it has no type; there are %s", types);
    }
    return weft_fail(error, WEFT_INVALID, "type \"%s\" is unknown%s; there are %s", config->type,
                     place == WEFT_POLICY_AT_TOP ? "" : " within a policy", types);
}

static const struct weft_policy_kind *find_kind(const char *type, uint32_t place)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        if (strcmp(type, kinds[i]->type) == 0 && (kinds[i]->places & place) != 0) {
            return kinds[i];
        }
    }
    return NULL;
}

/* A part's error has its own place already. */
static enum weft_status name_place(const struct weft_policy_config *config, uint32_t place, struct weft_error *error)
{
    if (config->position.line == 0) { /* a block that is not there */
        return weft_fail_prefix(error, place == WEFT_POLICY_IN_NOT ? "not_sub_policy" : "policy");
    }
    return weft_fail_prefix(error, "%s:%u: %s \"%s\"", config->position.file, config->position.line,
                            place == WEFT_POLICY_AT_TOP ? "policy" : "part", config->name);
}

enum weft_status weft_policy_node_make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                                       uint32_t place, struct weft_policy_node *out_node, struct weft_error *error)
{
    struct weft_error ignored;
    error = error == NULL ? &ignored : error;
    struct weft_policy_node node = { .kind = find_kind(config->policy.type, place) };
    enum weft_status status =
        node.kind == NULL ? refuse_type(&config->policy, place, error) : node.kind->make(set, config, &node, error);
    if (status != WEFT_OK) {
        weft_policy_node_fini(&node);
        return name_place(&config->policy, place, error);
    }
    node.has_state = node.kind->has_state;
    for (size_t i = 0; i < node.parts.count; i++) {
        node.has_state = node.has_state || node.parts.items[i].has_state;
    }
    *out_node = node;
    return WEFT_OK;
}

enum weft_status weft_policy_parts_make(struct weft_policy_set *set, const struct weft_config_list *configs,
                                        struct weft_policy_parts *out_parts, struct weft_error *error)
{
    const struct weft_policy_part_config *items = configs->items;
    out_parts->items = weft_try_alloc((configs->count + 1) * sizeof *out_parts->items);
    if (out_parts->items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < configs->count; i++) {
        struct weft_policy_item_config config = { .policy = items[i].policy, .not = items[i].not };
        enum weft_status status = weft_policy_node_make(set, &config, WEFT_POLICY_IN_AND, &out_parts->items[i], error);
        if (status != WEFT_OK) {
            return status;
        }
        out_parts->count++;
    }
    return WEFT_OK;
}

void weft_policy_node_fini(struct weft_policy_node *node)
{
    for (size_t i = 0; i < node->parts.count; i++) {
        weft_policy_node_fini(&node->parts.items[i]);
    }
    weft_free(node->parts.items);
    weft_free(node->limit);
    weft_free(node->shares);
    node->parts = (struct weft_policy_parts){ 0 };
    node->limit = NULL;
    node->shares = NULL;
}

enum weft_policy_answer weft_policy_parts_decide(const struct weft_policy_parts *parts,
                                                 const struct weft_policy_trace *trace)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct weft_policy_node *part = &parts->items[i];
        enum weft_policy_answer answer = part->kind->decide(part, trace);
        if (answer != WEFT_POLICY_YES) {
            return answer;
        }
    }
    return WEFT_POLICY_YES;
}
