/* Whether a record is one that include or exclude speaks of (attributes_match.h). Strict comparison: a value has the
 * type that YAML gives it, so that false is not "false". What lies above a record is looked at once per scope. */
#include "base/assert.h"
#include "processors/attributes_match_internal.h"
#include "processors/attributes_same.h"
#include "wire/checked.h"
#include "wire/otlp_index.h"
#include "wire/otlp_text.h"

enum weft_status weft_match_scratch_init(struct weft_match_scratch *scratch, struct weft_error *error)
{
    *scratch = (struct weft_match_scratch){ 0 };
    return weft_pattern_scratch_new(0, &scratch->patterns, error);
}

void weft_match_scratch_begin(struct weft_match_scratch *scratch, const char *component)
{
    if (scratch->patterns != NULL) {
        weft_pattern_scratch_begin_batch(scratch->patterns, component);
    }
}

void weft_match_scratch_fini(struct weft_match_scratch *scratch)
{
    weft_pattern_scratch_free(&scratch->patterns);
    weft_attribute_texts_fini(&scratch->texts);
    weft_otlp_attributes_fini(&scratch->attributes);
}

/* ---- values ---- */

static bool is_one_of(const struct weft_match_texts *texts, struct weft_match_scratch *scratch, struct weft_slice text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (texts->patterns == NULL) {
            if (weft_slice_equal_text(text, texts->items[i])) {
                return true;
            }
            continue;
        }
        enum weft_pattern_outcome outcome = weft_pattern_match(texts->patterns[i], scratch->patterns, text);
        scratch->limit_count += outcome == WEFT_PATTERN_LIMIT;
        if (outcome == WEFT_PATTERN_MATCH) {
            return true;
        }
    }
    return texts->count == 0;
}

/* The value as the Collector's AsString has it. */
static enum weft_status text_of(const struct weft_otlp_value *value, struct weft_match_scratch *scratch,
                                struct weft_slice *out_text)
{
    struct weft_attribute_texts *texts = &scratch->texts;
    if (value->kind == WEFT_OTLP_VALUE_STRING) {
        *out_text = value->bytes;
        return WEFT_OK;
    }
    weft_buffer_clear(&texts->text);
    weft_otlp_put_text(value, &texts->stack, &texts->text);
    if (weft_buffer_status(&texts->text) != WEFT_OK || weft_buffer_status(&texts->stack) != WEFT_OK) {
        weft_attribute_texts_fini(texts);
        *texts = (struct weft_attribute_texts){ 0 };
        return WEFT_NOMEM;
    }
    *out_text = weft_buffer_slice(&texts->text);
    return WEFT_OK;
}

/* A regular expression sees strings, bools and numbers; a double without an exponent. */
static enum weft_status matches_pattern(const struct weft_match_asked_pair *pair, struct weft_match_scratch *scratch,
                                        const struct weft_otlp_value *value, bool *out_is_match)
{
    struct weft_slice text;
    char decimal[WEFT_ATTRIBUTE_DECIMAL_BYTES];
    *out_is_match = false;
    switch (value->kind) {
    case WEFT_OTLP_VALUE_NONE:
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
    case WEFT_OTLP_VALUE_BYTES:
        return WEFT_OK;
    case WEFT_OTLP_VALUE_DOUBLE:
        *out_is_match = is_one_of(&pair->text, scratch, weft_attribute_put_decimal(value->real, decimal));
        return WEFT_OK;
    case WEFT_OTLP_VALUE_STRING:
    case WEFT_OTLP_VALUE_BOOL:
    case WEFT_OTLP_VALUE_INT:
        break;
    }
    enum weft_status status = text_of(value, scratch, &text);
    if (status == WEFT_OK) {
        *out_is_match = is_one_of(&pair->text, scratch, text);
    }
    return status;
}

/* key_value: contents of the KeyValue. */
static enum weft_status matches_pair(const struct weft_match_asked_pair *pair, struct weft_match_scratch *scratch,
                                     struct weft_slice key_value, bool *out_is_match)
{
    *out_is_match = true;
    if (pair->node == NULL && pair->text.count == 0) {
        return WEFT_OK;
    }
    struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    if (pair->text.count > 0) {
        return matches_pattern(pair, scratch, &value, out_is_match);
    }
    *out_is_match = weft_attribute_is_same(&value, pair->node);
    return WEFT_OK;
}

/* ---- above the record ---- */

static bool is_library(const struct weft_match *match, struct weft_match_scratch *scratch,
                       struct weft_slice scope_header)
{
    enum { SCOPE_FIELD = 1, NAME_FIELD = 1, VERSION_FIELD = 2 };
    struct weft_wire_reader scopes = weft_wire_reader_of(scope_header);
    struct weft_slice scope;
    struct weft_slice name = WEFT_SLICE_EMPTY;
    struct weft_slice version = WEFT_SLICE_EMPTY;
    while (match->library_count > 0 && weft_wire_next_message(&scopes, SCOPE_FIELD, &scope)) {
        struct weft_wire_reader reader = weft_wire_reader_of(scope);
        struct weft_wire_field field;
        while (weft_wire_next_checked(&reader, &field)) {
            if (field.type == WEFT_WIRE_BYTES && field.number == NAME_FIELD) {
                name = field.bytes;
            } else if (field.type == WEFT_WIRE_BYTES && field.number == VERSION_FIELD) {
                version = field.bytes;
            }
        }
    }
    for (size_t i = 0; i < match->library_count; i++) {
        if (!is_one_of(&match->libraries[i].name, scratch, name) ||
            !is_one_of(&match->libraries[i].version, scratch, version)) {
            return false;
        }
    }
    return true;
}

static const struct weft_otlp_attribute *find_attribute(const struct weft_otlp_attributes *attributes,
                                                        struct weft_slice key)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (weft_slice_equal(attributes->items[i].key, key)) {
            return &attributes->items[i];
        }
    }
    return NULL;
}

static enum weft_status is_service(const struct weft_match *match, struct weft_match_scratch *scratch,
                                   bool *out_is_match)
{
    const struct weft_otlp_attribute *attribute =
        find_attribute(&scratch->attributes, WEFT_SLICE_LITERAL("service.name"));
    struct weft_slice name = WEFT_SLICE_LITERAL("<nil-service-name>");
    if (attribute != NULL) {
        struct weft_otlp_value value = weft_otlp_value_of(attribute->contents, WEFT_OTLP_VALUE_FIELD);
        enum weft_status status = text_of(&value, scratch, &name);
        if (status != WEFT_OK) {
            return status;
        }
    }
    *out_is_match = is_one_of(&match->services, scratch, name);
    return WEFT_OK;
}

static enum weft_status has_resources(const struct weft_match *match, struct weft_match_scratch *scratch,
                                      bool *out_is_match)
{
    enum weft_status status = WEFT_OK;
    *out_is_match = true;
    for (size_t i = 0; status == WEFT_OK && *out_is_match && i < match->resources.count; i++) {
        const struct weft_match_asked_pair *pair = &match->resources.items[i];
        const struct weft_otlp_attribute *attribute = find_attribute(&scratch->attributes, pair->key);
        *out_is_match = attribute != NULL;
        if (attribute != NULL) {
            status = matches_pair(pair, scratch, attribute->contents, out_is_match);
        }
    }
    return status;
}

static enum weft_status read_resource(struct weft_slice header, struct weft_otlp_attributes *attributes)
{
    struct weft_wire_reader reader = weft_wire_reader_of(header);
    struct weft_slice resource;
    attributes->count = 0;
    while (weft_wire_next_message(&reader, WEFT_OTLP_RESOURCE_FIELD, &resource)) {
        if (weft_otlp_attributes_add(resource, WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD, attributes) != WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    return WEFT_OK;
}

enum weft_status weft_match_scope(const struct weft_match *match, struct weft_match_scratch *scratch,
                                  const struct weft_otlp_table *table, uint32_t scope, bool *out_is_match)
{
    *out_is_match = true;
    if (table->signal == WEFT_METRICS) {
        return WEFT_OK; /* the Collector asks for their names only */
    }
    *out_is_match = is_library(match, scratch, table->scopes[scope].header);
    if (!*out_is_match || (match->services.count == 0 && match->resources.count == 0)) {
        return WEFT_OK;
    }
    enum weft_status status =
        read_resource(table->resources[table->scopes[scope].resource].header, &scratch->attributes);
    if (status == WEFT_OK) {
        status = is_service(match, scratch, out_is_match);
    }
    return status == WEFT_OK && *out_is_match ? has_resources(match, scratch, out_is_match) : status;
}

/* ---- the record ---- */

static bool is_span(const struct weft_match *match, struct weft_match_scratch *scratch, struct weft_slice span)
{
    static const char *const kinds[] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                         "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" };
    struct weft_span_index index = { 0 };
    if (match->span_names.count == 0 && match->span_kinds.count == 0) {
        return true;
    }
    enum weft_status status = weft_otlp_index_span(span, &index);
    weft_assert(status == WEFT_OK); /* it has passed the check */
    const char *kind = (uint32_t)index.kind < WEFT_COUNT_OF(kinds) ? kinds[index.kind] : "";
    return is_one_of(&match->span_names, scratch, index.name) &&
           is_one_of(&match->span_kinds, scratch, weft_slice_of_text(kind));
}

static bool is_severity(const struct weft_match *match, const struct weft_log_index *index)
{
    const struct weft_match_severity *wanted = &match->config->log_severity_number;
    if (!match->config->has_log_severity_number) {
        return true;
    }
    return index->severity_number == 0 ? wanted->match_undefined : index->severity_number >= wanted->min;
}

static enum weft_status is_log_record(const struct weft_match *match, struct weft_match_scratch *scratch,
                                      struct weft_slice record, bool *out_is_match)
{
    struct weft_log_index index = { 0 };
    struct weft_slice body;
    *out_is_match = true;
    if (!match->config->has_log_severity_number && match->log_severity_texts.count == 0 &&
        match->log_bodies.count == 0) {
        return WEFT_OK;
    }
    enum weft_status status = weft_otlp_index_log(record, &index);
    weft_assert(status == WEFT_OK);
    *out_is_match = is_severity(match, &index) && is_one_of(&match->log_severity_texts, scratch, index.severity_text);
    if (!*out_is_match || match->log_bodies.count == 0) {
        return WEFT_OK;
    }
    struct weft_otlp_value value = weft_otlp_value_of(index.body, WEFT_OTLP_BODY_FIELD);
    status = text_of(&value, scratch, &body);
    if (status == WEFT_OK) {
        *out_is_match = is_one_of(&match->log_bodies, scratch, body);
    }
    return status;
}

static bool is_metric(const struct weft_match *match, struct weft_match_scratch *scratch, struct weft_slice metric)
{
    enum { NAME_FIELD = 1 };
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_slice name = WEFT_SLICE_EMPTY;
    struct weft_slice last;
    while (match->metric_names.count > 0 && weft_wire_next_message(&reader, NAME_FIELD, &last)) {
        name = last;
    }
    return is_one_of(&match->metric_names, scratch, name);
}

enum weft_status weft_match_record(const struct weft_match *match, struct weft_match_scratch *scratch,
                                   enum weft_signal signal, struct weft_slice record, bool *out_is_match)
{
    switch (signal) {
    case WEFT_TRACES:
        *out_is_match = is_span(match, scratch, record);
        return WEFT_OK;
    case WEFT_METRICS:
        *out_is_match = is_metric(match, scratch, record);
        return WEFT_OK;
    case WEFT_LOGS:
        return is_log_record(match, scratch, record, out_is_match);
    case WEFT_PROFILES:
        break; /* no processor that has a match takes them */
    }
    weft_assert(!"signal");
}

bool weft_match_asks_for_attributes(const struct weft_match *match)
{
    return match->attributes.count > 0;
}

enum weft_status weft_match_attributes(const struct weft_match *match, struct weft_match_scratch *scratch,
                                       const struct weft_attribute_editor *editor, bool *out_is_match)
{
    enum weft_status status = WEFT_OK;
    *out_is_match = true;
    for (size_t i = 0; status == WEFT_OK && *out_is_match && i < match->attributes.count; i++) {
        const struct weft_match_asked_pair *pair = &match->attributes.items[i];
        const struct weft_attribute_slot *slot = weft_attribute_editor_find(editor, pair->number);
        *out_is_match = slot != NULL;
        if (slot != NULL) {
            status = matches_pair(pair, scratch, slot->contents, out_is_match);
        }
    }
    return status;
}
