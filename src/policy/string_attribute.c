/* Policy `string_attribute`: keeps traces in which the attribute, of a resource or of a span, has one of the values, or
 * one that a regular expression matches anywhere; inverted, those in which none has. As in the Collector, the first
 * attribute of that key counts, only strings are values, an exact value that is "" never matches, and what is no string
 * is "" for the regular expressions if it is a resource's and nothing at all if it is a span's. */
#include "policy/policy_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "wire/protobuf.h"

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

static enum weft_status copy_text(const char *text, struct weft_slice *out_copy)
{
    size_t length = strlen(text);
    uint8_t *copy = weft_try_alloc(length + 1);
    if (copy == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(copy, text, length);
    *out_copy = weft_slice_of(copy, length);
    return WEFT_OK;
}

static void attribute_fini(struct weft_policy_attribute *attribute)
{
    for (size_t i = 0; i < attribute->value_count; i++) {
        weft_free((void *)attribute->values[i].bytes);
    }
    for (size_t i = 0; i < attribute->pattern_count; i++) {
        weft_pattern_free(&attribute->patterns[i]);
    }
    weft_free(attribute->values);
    weft_free(attribute->patterns);
    weft_free((void *)attribute->key.bytes);
}

void weft_policy_attributes_fini(struct weft_policy_set *set)
{
    for (size_t i = 0; i < set->attribute_count; i++) {
        attribute_fini(&set->attributes[i]);
    }
    weft_free(set->attributes);
}

static enum weft_status add_values(struct weft_policy_attribute *attribute, const struct weft_config_strings *values)
{
    attribute->values = weft_try_alloc((values->count + 1) * sizeof *attribute->values);
    enum weft_status status = attribute->values == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; i < values->count && status == WEFT_OK; i++) {
        if (values->items[i][0] != '\0') {
            status = copy_text(values->items[i], &attribute->values[attribute->value_count]);
            attribute->value_count += status == WEFT_OK;
        }
    }
    if (status == WEFT_OK) {
        qsort(attribute->values, attribute->value_count, sizeof *attribute->values, compare_values);
    }
    return status;
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

static enum weft_status fill_attribute(struct weft_policy_set *set, const struct weft_policy_string_config *config,
                                       struct weft_policy_attribute *attribute, struct weft_error *error)
{
    enum weft_status status = weft_policy_take_bits(set, 2, &attribute->bit, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (config->enabled_regex_matching) {
        status = add_patterns(attribute, &config->values, error);
        if (status != WEFT_OK) {
            return status;
        }
    } else if (add_values(attribute, &config->values) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    return copy_text(config->key, &attribute->key) == WEFT_OK ? WEFT_OK
                                                              : weft_fail(error, WEFT_NOMEM, "no memory for policies");
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

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_string_config *wanted = &config->policy.string_attribute;
    struct weft_policy_attribute attribute = { 0 };
    if (weft_try_grow(&set->attributes, sizeof *set->attributes, set->attribute_count, &set->attribute_capacity) !=
        WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    enum weft_status status = fill_attribute(set, wanted, &attribute, error);
    if (status != WEFT_OK) {
        attribute_fini(&attribute);
        return status;
    }
    node->bit = attribute.bit;
    node->is_inverted = wanted->invert_match;
    insert_attribute(set, &attribute);
    return WEFT_OK;
}

/* ---- gathering ---- */

enum { STRING_MEMBER = 1, LAST_MEMBER = 7 };

/* The last member of the oneof counts; *text stays if there is none. */
static void read_member(struct weft_slice value, struct weft_slice *text)
{
    struct weft_wire_reader members = weft_wire_reader_of(value);
    struct weft_wire_field member;
    bool has_member = true;
    while (weft_wire_next(&members, &member, &has_member, NULL) == WEFT_OK && has_member) {
        if (member.number <= LAST_MEMBER) {
            bool is_text = member.number == STRING_MEMBER && member.type == WEFT_WIRE_BYTES;
            *text = is_text ? member.bytes : WEFT_SLICE_EMPTY;
        }
    }
}

/* A KeyValue in any legal shape: a value that is repeated merges. */
static struct weft_slice find_text(struct weft_slice contents)
{
    struct weft_slice text = WEFT_SLICE_EMPTY;
    struct weft_wire_reader values = weft_wire_reader_of(contents);
    struct weft_wire_field value;
    bool has_value = true;
    while (weft_wire_next(&values, &value, &has_value, NULL) == WEFT_OK && has_value) {
        if (value.number == WEFT_OTLP_VALUE_FIELD && value.type == WEFT_WIRE_BYTES) {
            read_member(value.bytes, &text);
        }
    }
    return text;
}

/* The string that the attribute is; what is none is "". The shape that every SDK writes goes first: the bytes are
 * well-formed, so a string that reaches to the end is all of the value. */
static struct weft_slice text_of(const struct weft_otlp_attribute *attribute)
{
    enum {
        VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES,
        STRING_TAG = STRING_MEMBER << 3 | WEFT_WIRE_BYTES
    };
    enum { HEADERS = 4, ONE_BYTE = 0x80 };
    const uint8_t *end = attribute->contents.bytes + attribute->contents.length;
    const uint8_t *at = attribute->key.length == 0 ? end : attribute->key.bytes + attribute->key.length;
    if (end - at >= HEADERS && at[0] == VALUE_TAG && at[1] < ONE_BYTE && at[2] == STRING_TAG &&
        at[3] == end - at - HEADERS) {
        return weft_slice_of(at + HEADERS, at[3]);
    }
    return find_text(attribute->contents);
}

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

static void look_at(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                    struct weft_slice text, struct weft_policy_facts *facts)
{
    if (!attribute->has_patterns) {
        if (has_value(attribute, text)) {
            weft_policy_set_bit(facts, attribute->bit);
        }
        return;
    }
    for (size_t i = 0; i < attribute->pattern_count; i++) {
        switch (weft_pattern_match(attribute->patterns[i], scratch->pattern, text)) {
        case WEFT_PATTERN_NO:
            break;
        case WEFT_PATTERN_MATCH:
            weft_policy_set_bit(facts, attribute->bit);
            return;
        case WEFT_PATTERN_LIMIT:
            weft_policy_set_bit(facts, attribute->bit + 1);
            break;
        }
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

/* The string that the first attribute of that key is; "" if there is none or it is no string. */
static struct weft_slice look_for(struct weft_slice attributes, struct weft_slice key)
{
    struct weft_slice key_value;
    if (!weft_otlp_attribute_find(attributes, weft_otlp_attributes_field(WEFT_TRACES), key, &key_value)) {
        return WEFT_SLICE_EMPTY;
    }
    struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    return value.kind == WEFT_OTLP_VALUE_STRING ? value.bytes : WEFT_SLICE_EMPTY;
}

void weft_policy_attributes_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                   bool has_memory, bool is_span, struct weft_policy_facts *facts)
{
    const struct weft_policy_attribute *last = NULL;
    const struct weft_otlp_attribute *found = NULL;
    struct weft_slice text = WEFT_SLICE_EMPTY;
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
            text = found == NULL ? WEFT_SLICE_EMPTY : text_of(found);
            last = attribute;
        }
        if (found != NULL && (text.length > 0 || !is_span)) {
            look_at(attribute, scratch, text, facts);
        }
    }
}

void weft_policy_attributes_look_for(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                     struct weft_slice attributes, struct weft_policy_facts *facts)
{
    const struct weft_policy_attribute *last = NULL;
    struct weft_slice text = WEFT_SLICE_EMPTY;
    for (size_t i = 0; i < set->attribute_count; i++) {
        const struct weft_policy_attribute *attribute = &set->attributes[i];
        if (weft_policy_has_bit(facts, attribute->bit)) {
            continue;
        }
        if (last == NULL || !weft_slice_equal(last->key, attribute->key)) {
            text = look_for(attributes, attribute->key);
            last = attribute;
        }
        if (text.length > 0) {
            look_at(attribute, scratch, text, facts);
        }
    }
}

/* ---- deciding ---- */

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_facts *facts,
                                      const uint8_t *trace_id)
{
    (void)trace_id;
    bool is_match = weft_policy_has_bit(facts, node->bit);
    if (!is_match && weft_policy_has_bit(facts, node->bit + 1)) {
        return WEFT_POLICY_ERROR;
    }
    return is_match != node->is_inverted ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_string_attribute = { .type = "string_attribute",
                                                               .make = make,
                                                               .decide = decide };
