/* Policy `log_severity`, weft's own: keeps traces with a log line that is at least so severe. */
#include "policy/policy_internal.h"

#include "wire/severity.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const char *word = config->policy.log_severity.min_severity;
    (void)set;
    node->min_severity = weft_severity_of_text(weft_slice_of_text(word), WEFT_SEVERITY_OTEL);
    if (node->min_severity == WEFT_SEVERITY_NONE) {
        return weft_fail(error, WEFT_INVALID,
                         "min_severity \"%s\" is none: TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or 1 to 24", word);
    }
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return trace->worst_severity >= node->min_severity ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_log_severity = {
    .type = "log_severity", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
