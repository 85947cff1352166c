/* Making policies of their types from config: which types there are, and policies that have parts. Errors name the
 * place of the policy in the config. */
#include "policy/policy_internal.h"

#include "base/alloc.h"

static const struct weft_policy_kind *const kinds[] = {
    &weft_policy_always_sample, &weft_policy_latency, &weft_policy_status_code, &weft_policy_string_attribute,
    &weft_policy_probabilistic, &weft_policy_and,     &weft_policy_drop,
};

/* The Collector has these. */
static const char *const unsupported[] = {
    "numeric_attribute", "boolean_attribute", "rate_limiting",  "bytes_limiting", "span_count",
    "trace_state",       "trace_flags",       "ottl_condition", "composite",      "not",
};

static enum weft_status refuse_type(const struct weft_policy_config *config, bool at_top, struct weft_error *error)
{
    const char *supported = at_top ? "always_sample, latency, status_code, string_attribute, probabilistic, and, drop"
                                   : "always_sample, latency, status_code, string_attribute, probabilistic";
    for (size_t i = 0; i < WEFT_COUNT_OF(unsupported); i++) {
        if (strcmp(config->type, unsupported[i]) == 0) {
            return weft_fail(error, WEFT_UNSUPPORTED, "type %s is not supported by weft yet; there are %s",
                             config->type, supported);
        }
    }
    if (config->type[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "it has no type; there are %s", supported);
    }
    return weft_fail(error, WEFT_INVALID, "type \"%s\" is unknown%s; there are %s", config->type,
                     at_top ? "" : " within a policy", supported);
}

static const struct weft_policy_kind *find_kind(const char *type, bool at_top)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        if (strcmp(type, kinds[i]->type) == 0 && (at_top || !kinds[i]->is_only_at_top)) {
            return kinds[i];
        }
    }
    return NULL;
}

/* A part's error has its own place already. */
static enum weft_status name_place(const struct weft_policy_config *config, bool at_top, struct weft_error *error)
{
    if (config->position.line == 0) {
        return weft_fail_prefix(error, "policy \"%s\"", config->name);
    }
    return weft_fail_prefix(error, "%s:%u: %s \"%s\"", config->position.file, config->position.line,
                            at_top ? "policy" : "part", config->name);
}

enum weft_status weft_policy_node_make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                                       bool at_top, struct weft_policy_node *out_node, struct weft_error *error)
{
    struct weft_error ignored;
    error = error == NULL ? &ignored : error;
    struct weft_policy_node node = { .kind = find_kind(config->policy.type, at_top) };
    enum weft_status status =
        node.kind == NULL ? refuse_type(&config->policy, at_top, error) : node.kind->make(set, config, &node, error);
    if (status != WEFT_OK) {
        weft_policy_node_fini(&node);
        return name_place(&config->policy, at_top, error);
    }
    *out_node = node;
    return WEFT_OK;
}

enum weft_status weft_policy_parts_make(struct weft_policy_set *set, const struct weft_config_list *configs,
                                        struct weft_policy_parts *out_parts, struct weft_error *error)
{
    const struct weft_policy_config *items = configs->items;
    out_parts->items = weft_try_alloc((configs->count + 1) * sizeof *out_parts->items);
    if (out_parts->items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < configs->count; i++) {
        struct weft_policy_item_config config = { .policy = items[i] };
        enum weft_status status = weft_policy_node_make(set, &config, false, &out_parts->items[i], error);
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
    node->parts = (struct weft_policy_parts){ 0 };
}

enum weft_policy_answer weft_policy_parts_decide(const struct weft_policy_parts *parts,
                                                 const struct weft_policy_facts *facts, const uint8_t *trace_id)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct weft_policy_node *part = &parts->items[i];
        enum weft_policy_answer answer = part->kind->decide(part, facts, trace_id);
        if (answer != WEFT_POLICY_YES) {
            return answer;
        }
    }
    return WEFT_POLICY_YES;
}
