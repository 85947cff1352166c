/* Policy `status_code`: keeps traces with a span of one of the statuses. Which statuses a trace has are the first bits
 * of its facts, whatever the policies are. */
#include "policy/policy_internal.h"

static const char *const words[WEFT_POLICY_STATUS_BITS] = { "UNSET", "OK", "ERROR" };

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_config_strings *codes = &config->policy.status_code.status_codes;
    (void)set;
    if (codes->count == 0) {
        return weft_fail(error, WEFT_INVALID, "status_codes is empty; OK, ERROR or UNSET");
    }
    for (size_t i = 0; i < codes->count; i++) {
        size_t code = 0;
        while (code < WEFT_COUNT_OF(words) && strcmp(codes->items[i], words[code]) != 0) {
            code++;
        }
        if (code == WEFT_COUNT_OF(words)) {
            return weft_fail(error, WEFT_INVALID, "status_codes: \"%s\" is not one of OK, ERROR, UNSET",
                             codes->items[i]);
        }
        node->statuses |= UINT64_C(1) << code;
    }
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return (trace->facts->bits[0] & node->statuses) != 0 ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_status_code = {
    .type = "status_code", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
