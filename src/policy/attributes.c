/* Attributes that policies ask for (policy_internal.h): which there are, what a resource or a span has of them, and the
 * verdict. As in the Collector the first attribute of a key counts, of a resource or of a span, and a trace matches if
 * one of them does; what a value must be is the policy's. */
#include "policy/policy_internal.h"

#include "base/alloc.h"

/* ---- making ---- */

enum weft_status weft_policy_copy_text(const char *text, struct weft_slice *out_copy, struct weft_error *error)
{
    size_t length = strlen(text);
    uint8_t *copy = weft_try_alloc(length + 1);
    if (copy == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    memcpy(copy, text, length);
    *out_copy = weft_slice_of(copy, length);
    return WEFT_OK;
}

static void attribute_fini(struct weft_policy_attribute *attribute)
{
    weft_policy_string_fini(attribute);
    weft_free((void *)attribute->key.bytes);
}

void weft_policy_attributes_fini(struct weft_policy_set *set)
{
    for (size_t i = 0; i < set->attribute_count; i++) {
        attribute_fini(&set->attributes[i]);
    }
    weft_free(set->attributes);
}

/* Behind those of the same key, so that a key is looked up once. */
static void insert_attribute(struct weft_policy_set *set, const struct weft_policy_attribute *attribute)
{
    size_t at = set->attribute_count;
    for (size_t i = set->attribute_count; i > 0; i--) {
        if (weft_slice_equal(set->attributes[i - 1].key, attribute->key)) {
            at = i;
            break;
        }
    }
    memmove(&set->attributes[at + 1], &set->attributes[at], (set->attribute_count - at) * sizeof *set->attributes);
    set->attributes[at] = *attribute;
    set->attribute_count++;
}

enum weft_status weft_policy_attribute_add(struct weft_policy_set *set, const char *key,
                                           struct weft_policy_attribute *attribute, uint32_t *out_bit,
                                           struct weft_error *error)
{
    enum weft_status status = weft_policy_take_bits(set, 2, &attribute->bit, error);
    if (status == WEFT_OK) {
        status = weft_policy_copy_text(key, &attribute->key, error);
    }
    if (status == WEFT_OK && weft_try_grow(&set->attributes, sizeof *set->attributes, set->attribute_count,
                                           &set->attribute_capacity) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    if (status != WEFT_OK) {
        attribute_fini(attribute);
        return status;
    }
    insert_attribute(set, attribute);
    *out_bit = attribute->bit;
    return WEFT_OK;
}

/* ---- gathering ---- */

static void look_at(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                    const struct weft_otlp_value *value, bool is_span, struct weft_policy_facts *facts)
{
    enum weft_policy_answer answer = attribute->match(attribute, scratch, value, is_span);
    if (answer == WEFT_POLICY_YES) {
        weft_policy_set_bit(facts, attribute->bit);
    } else if (answer == WEFT_POLICY_ERROR) {
        weft_policy_set_bit(facts, attribute->bit + 1);
    }
}

static const struct weft_otlp_attribute *find_key(const struct weft_otlp_attributes *attributes, struct weft_slice key)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (weft_slice_equal(attributes->items[i].key, key)) {
            return &attributes->items[i];
        }
    }
    return NULL;
}

void weft_policy_attributes_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                   bool has_memory, bool is_span, struct weft_policy_facts *facts)
{
    const struct weft_policy_attribute *last = NULL;
    const struct weft_otlp_attribute *found = NULL;
    struct weft_otlp_value value = { 0 };
    for (size_t i = 0; i < set->attribute_count; i++) {
        const struct weft_policy_attribute *attribute = &set->attributes[i];
        if (weft_policy_has_bit(facts, attribute->bit)) {
            continue;
        }
        if (!has_memory) {
            weft_policy_set_bit(facts, attribute->bit + 1);
            continue;
        }
        if (last == NULL || !weft_slice_equal(last->key, attribute->key)) {
            found = find_key(&scratch->attributes, attribute->key);
            if (found != NULL) {
                value = weft_otlp_value_of(found->contents, WEFT_OTLP_VALUE_FIELD);
            }
            last = attribute;
        }
        if (found != NULL) {
            look_at(attribute, scratch, &value, is_span, facts);
        }
    }
}

void weft_policy_attributes_look_for(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                     struct weft_slice attributes, struct weft_policy_facts *facts)
{
    uint32_t field = weft_otlp_attributes_field(WEFT_TRACES);
    const struct weft_policy_attribute *last = NULL;
    struct weft_otlp_value value = { 0 };
    bool is_found = false;
    for (size_t i = 0; i < set->attribute_count; i++) {
        const struct weft_policy_attribute *attribute = &set->attributes[i];
        if (weft_policy_has_bit(facts, attribute->bit)) {
            continue;
        }
        if (last == NULL || !weft_slice_equal(last->key, attribute->key)) {
            struct weft_slice found;
            is_found = weft_otlp_attribute_find(attributes, field, attribute->key, &found);
            if (is_found) {
                value = weft_otlp_value_of(found, WEFT_OTLP_VALUE_FIELD);
            }
            last = attribute;
        }
        if (is_found) {
            look_at(attribute, scratch, &value, true, facts);
        }
    }
}

/* ---- deciding ---- */

enum weft_policy_answer weft_policy_attribute_decide(const struct weft_policy_node *node,
                                                     const struct weft_policy_trace *trace)
{
    bool is_match = weft_policy_has_bit(trace->facts, node->bit);
    if (!is_match && weft_policy_has_bit(trace->facts, node->bit + 1)) {
        return WEFT_POLICY_ERROR;
    }
    return is_match != node->is_inverted ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}
