/* Policy `string_attribute`: keeps traces in which the attribute, of a resource or of a span, has one of the values, or
 * one that a regular expression matches anywhere; inverted, those in which none has. As in the Collector only strings
 * are values, an exact value that is "" never matches, and what is no string is "" for the regular expressions if it is
 * a resource's and nothing at all if it is a span's. */
#include "policy/policy_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* ---- making ---- */

static int compare_values(const void *left, const void *right)
{
    const struct weft_slice *first = left;
    const struct weft_slice *second = right;
    if (first->length != second->length) {
        return first->length < second->length ? -1 : 1;
    }
    return memcmp(first->bytes, second->bytes, first->length);
}

void weft_policy_string_fini(struct weft_policy_attribute *attribute)
{
    for (size_t i = 0; i < attribute->value_count; i++) {
        weft_free((void *)attribute->values[i].bytes);
    }
    for (size_t i = 0; i < attribute->pattern_count; i++) {
        weft_pattern_free(&attribute->patterns[i]);
    }
    weft_free(attribute->values);
    weft_free(attribute->patterns);
}

static enum weft_status add_values(struct weft_policy_attribute *attribute, const struct weft_config_strings *values,
                                   struct weft_error *error)
{
    attribute->values = weft_try_alloc((values->count + 1) * sizeof *attribute->values);
    if (attribute->values == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < values->count; i++) {
        if (values->items[i][0] == '\0') {
            continue;
        }
        enum weft_status status =
            weft_policy_copy_text(values->items[i], &attribute->values[attribute->value_count], error);
        if (status != WEFT_OK) {
            return status;
        }
        attribute->value_count++;
    }
    qsort(attribute->values, attribute->value_count, sizeof *attribute->values, compare_values);
    return WEFT_OK;
}

static enum weft_status add_patterns(struct weft_policy_attribute *attribute, const struct weft_config_strings *values,
                                     struct weft_error *error)
{
    static const struct weft_pattern_options options = { .is_match_only = true };
    attribute->has_patterns = true;
    attribute->patterns = weft_try_alloc((values->count + 1) * sizeof(struct weft_pattern *));
    if (attribute->patterns == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < values->count; i++) {
        enum weft_status status =
            weft_pattern_compile(weft_slice_of_text(values->items[i]), &options, &attribute->patterns[i], error);
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "values[%zu]", i);
        }
        attribute->pattern_count++;
    }
    return WEFT_OK;
}

/* ---- matching ---- */

static bool has_value(const struct weft_policy_attribute *attribute, struct weft_slice text)
{
    size_t low = 0;
    size_t high = attribute->value_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_values(&text, &attribute->values[middle]);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

static enum weft_policy_answer match_patterns(const struct weft_policy_attribute *attribute,
                                              struct weft_policy_scratch *scratch, struct weft_slice text)
{
    enum weft_policy_answer answer = WEFT_POLICY_NO;
    for (size_t i = 0; i < attribute->pattern_count; i++) {
        switch (weft_pattern_match(attribute->patterns[i], scratch->pattern, text)) {
        case WEFT_PATTERN_NO:
            break;
        case WEFT_PATTERN_MATCH:
            return WEFT_POLICY_YES;
        case WEFT_PATTERN_LIMIT:
            answer = WEFT_POLICY_ERROR;
            break;
        }
    }
    return answer;
}

static enum weft_policy_answer match(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                                     const struct weft_otlp_value *value, bool is_span)
{
    struct weft_slice text = value->kind == WEFT_OTLP_VALUE_STRING ? value->bytes : WEFT_SLICE_EMPTY;
    if (text.length == 0 && is_span) {
        return WEFT_POLICY_NO;
    }
    if (attribute->has_patterns) {
        return match_patterns(attribute, scratch, text);
    }
    return has_value(attribute, text) ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_string_config *wanted = &config->policy.string_attribute;
    struct weft_policy_attribute attribute = { .match = match };
    enum weft_status status = wanted->enabled_regex_matching ? add_patterns(&attribute, &wanted->values, error)
                                                             : add_values(&attribute, &wanted->values, error);
    if (status != WEFT_OK) {
        weft_policy_string_fini(&attribute);
        return status;
    }
    node->is_inverted = wanted->invert_match;
    return weft_policy_attribute_add(set, wanted->key, &attribute, &node->bit, error);
}

const struct weft_policy_kind weft_policy_string_attribute = {
    .type = "string_attribute", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = weft_policy_attribute_decide
};
