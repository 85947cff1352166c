/* Whether a record is one that include or exclude speaks of (attributes_match.h). Strict comparison: a value has the
 * type that YAML gives it, so that false is not "false". What lies above a record is looked at once per scope. */
#include "processors/attributes_match.h"

#include "wire/protobuf.h"
#include "wire/checked.h"

enum match_type { MATCH_NONE, MATCH_STRICT, MATCH_REGEXP };

static const char *const match_type_words[] = { "", "strict", "regexp", NULL };

static const struct weft_field pair_fields[] = {
    WEFT_FIELD(struct weft_match_pair, key, NULL, "The attribute's key.", .is_required = true),
    WEFT_FIELD(struct weft_match_pair, value, NULL, "Its value; without, the key alone counts."),
    WEFT_FIELDS_END,
};

static const struct weft_field library_fields[] = {
    WEFT_FIELD(struct weft_match_library, name, NULL, "Name of the instrumentation scope.", .is_required = true),
    WEFT_FIELD(struct weft_match_library, version, NULL, "Its version; without, any."),
    WEFT_FIELDS_END,
};

static const struct weft_field severity_fields[] = {
    WEFT_FIELD(struct weft_match_severity, min, "0", "Lowest severity number that matches."),
    WEFT_FIELD(struct weft_match_severity, match_undefined, "false", "Whether records without one match."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_match_fields[] = {
    WEFT_FIELD_CHOICE(struct weft_match_config, match_type, match_type_words, "", "strict."),
    WEFT_FIELD(struct weft_match_config, services, NULL, "Values of the resource's service.name."),
    WEFT_FIELD(struct weft_match_config, span_names, NULL, "Names of spans."),
    WEFT_FIELD(struct weft_match_config, span_kinds, NULL, "Kinds of spans, as SPAN_KIND_SERVER."),
    WEFT_FIELD(struct weft_match_config, log_bodies, NULL, "Bodies of log records that are strings."),
    WEFT_FIELD(struct weft_match_config, log_severity_texts, NULL, "Severity texts of log records."),
    WEFT_FIELD_OPTIONAL(struct weft_match_config, log_severity_number, has_log_severity_number, severity_fields, "off",
                        "Severity numbers of log records.", .is_off_as_null = true),
    WEFT_FIELD(struct weft_match_config, metric_names, NULL, "Names of metrics."),
    WEFT_FIELD_LIST(struct weft_match_config, attributes, struct weft_match_pair, pair_fields,
                    "Attributes of the record; all must be there."),
    WEFT_FIELD_LIST(struct weft_match_config, resources, struct weft_match_pair, pair_fields,
                    "Attributes of the resource; all must be there."),
    WEFT_FIELD_LIST(struct weft_match_config, libraries, struct weft_match_library, library_fields,
                    "Instrumentation scopes."),
    WEFT_FIELD_NO_EFFECT("regexp", "map", "A cache of regular expressions."),
    WEFT_FIELDS_END,
};

/* ---- rules ---- */

enum weft_status weft_match_validate(const struct weft_match_config *match, struct weft_error *error)
{
    if (match->match_type.value == MATCH_NONE) {
        return weft_fail(error, WEFT_INVALID, "match_type must be strict or regexp");
    }
    if (match->match_type.value == MATCH_REGEXP) {
        return weft_fail(error, WEFT_UNSUPPORTED, "match_type regexp is not supported by weft yet; use strict");
    }
    const struct weft_config_list *lists[] = { &match->attributes, &match->resources };
    for (size_t i = 0; i < WEFT_COUNT_OF(lists); i++) {
        const struct weft_match_pair *pairs = lists[i]->items;
        for (size_t j = 0; j < lists[i]->count; j++) {
            enum weft_node_kind kind =
                pairs[j].value.node == NULL ? WEFT_NODE_NULL : weft_node_kind(pairs[j].value.node);
            if (kind == WEFT_NODE_LIST || kind == WEFT_NODE_MAP) {
                return weft_fail(error, WEFT_INVALID, "the value for \"%s\" must be a string, a number or a bool",
                                 pairs[j].key);
            }
        }
    }
    return WEFT_OK;
}

enum weft_status weft_match_validate_signal(const struct weft_match_config *match, enum weft_signal signal,
                                            struct weft_error *error)
{
    enum { TRACES = 1 << WEFT_TRACES, METRICS = 1 << WEFT_METRICS, LOGS = 1 << WEFT_LOGS };
    const struct {
        const char *key;
        bool is_set;
        unsigned signals;
    } properties[] = {
        { "services", match->services.count > 0, TRACES },
        { "span_names", match->span_names.count > 0, TRACES },
        { "span_kinds", match->span_kinds.count > 0, TRACES },
        { "log_bodies", match->log_bodies.count > 0, LOGS },
        { "log_severity_texts", match->log_severity_texts.count > 0, LOGS },
        { "log_severity_number", match->has_log_severity_number, LOGS },
        { "metric_names", match->metric_names.count > 0, METRICS },
        { "attributes", match->attributes.count > 0, TRACES | LOGS },
        { "resources", match->resources.count > 0, TRACES | LOGS | METRICS },
        { "libraries", match->libraries.count > 0, TRACES | LOGS },
    };
    bool has_any = false;
    for (size_t i = 0; i < WEFT_COUNT_OF(properties); i++) {
        if (properties[i].is_set && (properties[i].signals & (1u << signal)) == 0) {
            return weft_fail(error, WEFT_INVALID, "%s must not be specified for %s", properties[i].key,
                             weft_signal_name(signal));
        }
        has_any = has_any || properties[i].is_set;
    }
    return has_any ? WEFT_OK : weft_fail(error, WEFT_INVALID, "at least one property must be specified");
}

/* ---- values ---- */

/* The last field of that number: what counts if it is repeated. */
static bool find_field(struct weft_slice message, uint32_t number, enum weft_wire_type type,
                       struct weft_wire_field *out_field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    bool is_found = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number && field.type == type) {
            *out_field = field;
            is_found = true;
        }
    }
    return is_found;
}

static struct weft_slice find_text(struct weft_slice message, uint32_t number)
{
    struct weft_wire_field field;
    return find_field(message, number, WEFT_WIRE_BYTES, &field) ? field.bytes : WEFT_SLICE_EMPTY;
}

static uint64_t find_number(struct weft_slice message, uint32_t number)
{
    struct weft_wire_field field;
    return find_field(message, number, WEFT_WIRE_VARINT, &field) ? field.number_value : 0;
}

/* The AnyValue that parent has under that number. It is a oneof: its last known member counts. */
static struct weft_wire_field any_value(struct weft_slice parent, uint32_t number)
{
    enum { LAST_MEMBER = 7 };
    struct weft_wire_field last = { 0 };
    struct weft_wire_reader messages = weft_wire_reader_of(parent);
    struct weft_slice value;
    while (weft_wire_next_message(&messages, number, &value)) {
        struct weft_wire_reader reader = weft_wire_reader_of(value);
        struct weft_wire_field field;
        bool has_field = true;
        while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
            if (field.number <= LAST_MEMBER) {
                last = field;
            }
        }
    }
    return last;
}

enum { ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4 };

static bool is_value(const struct weft_otlp_attribute *attribute, const struct weft_node *node)
{
    struct weft_wire_field field = any_value(attribute->contents, WEFT_OTLP_VALUE_FIELD);
    int64_t integer = 0;
    double real = 0;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_BOOL:
        return field.number == ANY_BOOL && (field.number_value != 0) == weft_node_bool(node);
    case WEFT_NODE_INT:
        return field.number == ANY_INT && weft_node_get_int(node, &integer) && (int64_t)field.number_value == integer;
    case WEFT_NODE_DOUBLE:
        memcpy(&real, &field.number_value, sizeof real);
        return field.number == ANY_DOUBLE && real == weft_node_double(node);
    case WEFT_NODE_STRING:
        return field.number == ANY_STRING && weft_slice_equal_text(field.bytes, weft_node_text(node));
    case WEFT_NODE_NULL:
        return true;
    case WEFT_NODE_LIST:
    case WEFT_NODE_MAP:
        return false;
    }
    return false;
}

static const struct weft_otlp_attribute *find_attribute(const struct weft_otlp_attributes *attributes, const char *key)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (weft_slice_equal_text(attributes->items[i].key, key)) {
            return &attributes->items[i];
        }
    }
    return NULL;
}

static bool has_pairs(const struct weft_otlp_attributes *attributes, const struct weft_config_list *list)
{
    const struct weft_match_pair *pairs = list->items;
    for (size_t i = 0; i < list->count; i++) {
        const struct weft_otlp_attribute *attribute = find_attribute(attributes, pairs[i].key);
        if (attribute == NULL || (pairs[i].value.node != NULL && !is_value(attribute, pairs[i].value.node))) {
            return false;
        }
    }
    return true;
}

/* No words: nothing is asked. */
static bool is_one_of(struct weft_slice text, const struct weft_config_strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        if (weft_slice_equal_text(text, words->items[i])) {
            return true;
        }
    }
    return words->count == 0;
}

/* ---- above the record ---- */

static bool is_library(struct weft_slice scope_header, const struct weft_config_list *libraries)
{
    enum { SCOPE_FIELD = 1, NAME_FIELD = 1, VERSION_FIELD = 2 };
    const struct weft_match_library *items = libraries->items;
    struct weft_wire_reader scopes = weft_wire_reader_of(scope_header);
    struct weft_slice scope;
    struct weft_wire_field name = { 0 };
    struct weft_wire_field version = { 0 };
    while (libraries->count > 0 && weft_wire_next_message(&scopes, SCOPE_FIELD, &scope)) {
        (void)find_field(scope, NAME_FIELD, WEFT_WIRE_BYTES, &name);
        (void)find_field(scope, VERSION_FIELD, WEFT_WIRE_BYTES, &version);
    }
    for (size_t i = 0; i < libraries->count; i++) {
        if (weft_slice_equal_text(name.bytes, items[i].name) &&
            (items[i].version == NULL || weft_slice_equal_text(version.bytes, items[i].version))) {
            return true;
        }
    }
    return libraries->count == 0;
}

static bool is_service(const struct weft_otlp_attributes *attributes, const struct weft_config_strings *services)
{
    const struct weft_otlp_attribute *attribute = find_attribute(attributes, "service.name");
    if (attribute == NULL) {
        return services->count == 0;
    }
    struct weft_wire_field value = any_value(attribute->contents, WEFT_OTLP_VALUE_FIELD);
    return is_one_of(value.number == ANY_STRING ? value.bytes : WEFT_SLICE_EMPTY, services);
}

enum weft_status weft_match_scope(const struct weft_match_config *match, const struct weft_otlp_table *table,
                                  uint32_t scope, struct weft_otlp_attributes *attributes, bool *out_is_match)
{
    enum { RESOURCE_FIELD = 1, ATTRIBUTES_FIELD = 1 };
    bool is_match = is_library(table->scopes[scope].header, &match->libraries);
    if (is_match && (match->services.count > 0 || match->resources.count > 0)) {
        struct weft_wire_reader reader = weft_wire_reader_of(table->resources[table->scopes[scope].resource].header);
        struct weft_slice resource;
        attributes->count = 0;
        while (weft_wire_next_message(&reader, RESOURCE_FIELD, &resource)) {
            if (weft_otlp_attributes_add(resource, ATTRIBUTES_FIELD, attributes) != WEFT_OK) {
                return WEFT_NOMEM;
            }
        }
        is_match = is_service(attributes, &match->services) && has_pairs(attributes, &match->resources);
    }
    *out_is_match = is_match;
    return WEFT_OK;
}

/* ---- the record ---- */

static bool is_span(const struct weft_match_config *match, struct weft_slice span)
{
    static const char *const kinds[] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                         "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" };
    enum { NAME_FIELD = 5, KIND_FIELD = 6 };
    uint64_t kind = match->span_kinds.count > 0 ? find_number(span, KIND_FIELD) : 0;
    const char *kind_name = kind < WEFT_COUNT_OF(kinds) ? kinds[kind] : "";
    return (match->span_names.count == 0 || is_one_of(find_text(span, NAME_FIELD), &match->span_names)) &&
           is_one_of(weft_slice_of_text(kind_name), &match->span_kinds);
}

static bool is_severity(const struct weft_match_config *match, struct weft_slice record)
{
    enum { SEVERITY_FIELD = 2 };
    const struct weft_match_severity *wanted = &match->log_severity_number;
    if (!match->has_log_severity_number) {
        return true;
    }
    int64_t severity = (int64_t)find_number(record, SEVERITY_FIELD);
    return severity == 0 ? wanted->match_undefined : severity >= wanted->min;
}

static bool is_log_record(const struct weft_match_config *match, struct weft_slice record)
{
    enum { SEVERITY_TEXT_FIELD = 3, BODY_FIELD = 5 };
    if (!is_severity(match, record)) {
        return false;
    }
    if (match->log_severity_texts.count > 0 &&
        !is_one_of(find_text(record, SEVERITY_TEXT_FIELD), &match->log_severity_texts)) {
        return false;
    }
    if (match->log_bodies.count == 0) {
        return true;
    }
    struct weft_wire_field body = any_value(record, BODY_FIELD);
    return body.number == ANY_STRING && is_one_of(body.bytes, &match->log_bodies);
}

static bool is_metric(const struct weft_match_config *match, struct weft_slice metric)
{
    enum { NAME_FIELD = 1 };
    return match->metric_names.count == 0 || is_one_of(find_text(metric, NAME_FIELD), &match->metric_names);
}

enum weft_status weft_match_record(const struct weft_match_config *match, enum weft_signal signal,
                                   struct weft_slice record, struct weft_otlp_attributes *attributes,
                                   bool *out_is_match)
{
    bool is_match = signal == WEFT_TRACES    ? is_span(match, record)
                    : signal == WEFT_METRICS ? is_metric(match, record)
                                             : is_log_record(match, record);
    if (is_match && match->attributes.count > 0) {
        if (weft_otlp_attributes_read(record, weft_otlp_attributes_field(signal), attributes) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        is_match = has_pairs(attributes, &match->attributes);
    }
    *out_is_match = is_match;
    return WEFT_OK;
}
