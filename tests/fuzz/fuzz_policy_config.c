/* Policies from any bytes as YAML: refused with a place, or a set that judges a few spans the same way however they
 * come: again, and the resource's facts apart. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "config/load.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct policies_config {
    struct weft_config_list policies;
};

static const struct weft_field policies_fields[] = {
    WEFT_FIELD_LIST(struct policies_config, policies, struct weft_policy_item_config, weft_policy_item_fields,
                    "What is tested."),
    WEFT_FIELDS_END,
};

/* env=prod and n=5 of a span, env=prod and env=dev of a resource. */
static const struct weft_slice attributes =
    WEFT_SLICE_LITERAL("\x4a\x0d\x0a\x03"
                       "env\x12\x06\x0a\x04prod\x4a\x07\x0a\x01n\x12\x02\x18\x05");
static const struct weft_slice header = WEFT_SLICE_LITERAL("\x0a\x1d\x0a\x0d\x0a\x03"
                                                           "env\x12\x06\x0a\x04prod\x0a\x0c\x0a\x03"
                                                           "env\x12\x05\x0a\x03"
                                                           "dev");

static uint64_t size_bytes(void *context)
{
    (void)context;
    return 1000;
}

static bool see_tree(void *context, struct weft_policy_tree *out_tree)
{
    (void)context;
    *out_tree = (struct weft_policy_tree){ .has_orphan = true };
    return true;
}

static struct weft_policy_decision judge(const struct weft_policy_set *set, struct weft_policy_scratch *scratch)
{
    static const uint8_t trace_id[16] = { 7 };
    struct weft_policy_facts *facts = weft_alloc(weft_policy_set_facts_bytes(set));
    struct weft_policy_facts *resource = weft_alloc(weft_policy_set_facts_bytes(set));
    struct weft_policy_decision decision;
    for (uint64_t i = 0; i < 3; i++) {
        struct weft_policy_span span = { .start_ns = 1000000 * i,
                                         .end_ns = 300000000 * i,
                                         .status_code = (uint32_t)i,
                                         .flags = (uint32_t)i,
                                         .trace_state = WEFT_SLICE_LITERAL("a=1, b@c=2"),
                                         .attributes = attributes };
        weft_policy_set_gather(set, scratch, resource, &span, facts);
        weft_policy_set_gather_resource(set, scratch, header, resource);
    }
    struct weft_policy_trace trace = { .trace_id = trace_id,
                                       .facts = facts,
                                       .span_count = 3,
                                       .worst_severity = 9,
                                       .size_bytes = size_bytes,
                                       .see_tree = see_tree };
    weft_policy_set_decide(set, &trace, &decision);
    weft_assert(!decision.is_kept || !decision.is_dropped);
    weft_assert((decision.policy >= 0) == (decision.is_kept || decision.is_dropped));
    weft_assert(decision.policy < (int32_t)weft_policy_set_count(set));
    weft_free(facts);
    weft_free(resource);
    return decision;
}

static void check_set(const struct weft_config_list *policies, struct weft_policy_scratch *scratch)
{
    struct weft_policy_set *set = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_policy_set_new(policies, &set, &error);
    weft_assert((status == WEFT_OK) == (set != NULL));
    weft_assert(status == WEFT_OK || (error.status == status && error.text[0] != '\0'));
    if (set != NULL) {
        struct weft_policy_decision first = judge(set, scratch);
        struct weft_policy_decision second = judge(set, scratch);
        weft_assert(first.policy == second.policy && first.errors == second.errors);
    }
    weft_policy_set_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_policy_scratch *scratch;
    struct weft_tree *tree = NULL;
    struct policies_config config;
    if (scratch == NULL && weft_policy_scratch_new(&scratch, NULL) != WEFT_OK) {
        abort();
    }
    char *text = weft_alloc(size + 1);
    memcpy(text, data, size);
    if (weft_config_load_text(text, "f", &tree, NULL) == WEFT_OK &&
        weft_config_parse(policies_fields, weft_tree_root(tree), &config, NULL, NULL) == WEFT_OK) {
        check_set(&config.policies, scratch);
        weft_config_fini(policies_fields, &config);
    }
    weft_tree_free(&tree);
    weft_free(text);
    return 0;
}
