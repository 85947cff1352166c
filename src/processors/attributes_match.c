/* Whether a record is one that include or exclude speaks of (attributes_match.h). Strict comparison: a value has the
 * type that YAML gives it, so that false is not "false". What lies above a record is looked at once per scope. */
#include "processors/attributes_match.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/attributes_same.h"
#include "wire/checked.h"
#include "wire/otlp_index.h"
#include "wire/otlp_text.h"

enum match_type { MATCH_NONE, MATCH_STRICT, MATCH_REGEXP };

/* Texts of which one must match; none: nothing is asked. */
struct texts {
    char *const *items;
    size_t count;
    struct weft_pattern **patterns; /* as many; NULL: strict */
};

struct pair {
    struct weft_slice key;
    uint16_t number;              /* of attributes */
    const struct weft_node *node; /* strict; NULL: the key alone counts, or */
    struct texts text;            /* one regular expression */
};

struct library {
    struct texts name, version;
};

struct pairs {
    struct pair *items;
    size_t count;
};

struct weft_match {
    const struct weft_match_config *config;
    struct texts services, span_names, span_kinds, log_bodies, log_severity_texts, metric_names;
    struct pairs attributes, resources;
    struct library *libraries;
    size_t library_count;
};

/* ---- making ---- */

static enum weft_status make_patterns(struct texts *texts, struct weft_error *error)
{
    static const struct weft_pattern_options options = { .is_match_only = true };
    texts->patterns = weft_try_alloc(texts->count * sizeof(struct weft_pattern *));
    if (texts->patterns == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    for (size_t i = 0; i < texts->count; i++) {
        if (weft_pattern_compile(weft_slice_of_text(texts->items[i]), &options, &texts->patterns[i], error) !=
            WEFT_OK) {
            return weft_fail_prefix(error, "\"%s\"", texts->items[i]);
        }
    }
    return WEFT_OK;
}

static enum weft_status make_texts(const struct weft_match *match, char *const *items, size_t count, const char *key,
                                   struct texts *out_texts, struct weft_error *error)
{
    *out_texts = (struct texts){ .items = items, .count = count };
    if (count == 0) {
        return WEFT_OK;
    }
    if (match->config->match_type.value == MATCH_NONE) {
        return weft_fail(error, WEFT_INVALID, "match_type must be strict or regexp");
    }
    if (match->config->match_type.value == MATCH_REGEXP && make_patterns(out_texts, error) != WEFT_OK) {
        return weft_fail_prefix(error, "%s", key);
    }
    return WEFT_OK;
}

static enum weft_status make_pair(const struct weft_match *match, const struct weft_match_pair *config,
                                  struct weft_attribute_keys *keys, const char *list, struct pair *pair,
                                  struct weft_error *error)
{
    const struct weft_node *node = config->value.node;
    pair->key = weft_slice_of_text(config->key);
    if (pair->key.length == 0) {
        return weft_fail(error, WEFT_INVALID, "%s: the key is empty", list);
    }
    if (keys != NULL) {
        enum weft_status status = weft_attribute_keys_add(keys, pair->key, &pair->number, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    if (node == NULL || weft_node_kind(node) == WEFT_NODE_NULL) {
        return WEFT_OK;
    }
    if (match->config->match_type.value != MATCH_REGEXP) {
        pair->node = node;
        return match->config->match_type.value == MATCH_STRICT
                   ? WEFT_OK
                   : weft_fail(error, WEFT_INVALID, "match_type must be strict or regexp");
    }
    if (weft_node_kind(node) != WEFT_NODE_STRING) {
        return weft_fail(error, WEFT_INVALID, "%s: with regexp the value for \"%s\" must be a string, not %s", list,
                         config->key, weft_node_kind_text(node));
    }
    pair->text = (struct texts){ .count = 1 };
    char *text = weft_alloc_string(weft_node_text(node));
    pair->text.items = &text;
    enum weft_status status = make_patterns(&pair->text, error);
    pair->text.items = NULL;
    weft_free(text);
    return status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "%s", list);
}

static enum weft_status make_pairs(const struct weft_match *match, const struct weft_config_list *config,
                                   struct weft_attribute_keys *keys, const char *list, struct pairs *pairs,
                                   struct weft_error *error)
{
    const struct weft_match_pair *items = config->items;
    enum weft_status status = WEFT_OK;
    pairs->items = weft_try_alloc((config->count + 1) * sizeof *pairs->items);
    if (pairs->items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    while (status == WEFT_OK && pairs->count < config->count) {
        size_t i = pairs->count++;
        status = make_pair(match, &items[i], keys, list, &pairs->items[i], error);
    }
    return status;
}

static enum weft_status make_libraries(struct weft_match *match, struct weft_error *error)
{
    const struct weft_config_list *config = &match->config->libraries;
    const struct weft_match_library *items = config->items;
    enum weft_status status = WEFT_OK;
    match->libraries = weft_try_alloc((config->count + 1) * sizeof *match->libraries);
    if (match->libraries == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    while (status == WEFT_OK && match->library_count < config->count) {
        size_t i = match->library_count++;
        status = make_texts(match, &items[i].name, 1, "libraries", &match->libraries[i].name, error);
        if (status == WEFT_OK && items[i].version != NULL) {
            status = make_texts(match, &items[i].version, 1, "libraries", &match->libraries[i].version, error);
        }
    }
    return status;
}

static enum weft_status make(struct weft_match *match, struct weft_attribute_keys *keys, struct weft_error *error)
{
    const struct weft_match_config *config = match->config;
    const struct {
        const char *key;
        const struct weft_config_strings *texts;
        struct texts *made;
    } lists[] = {
        { "services", &config->services, &match->services },
        { "span_names", &config->span_names, &match->span_names },
        { "span_kinds", &config->span_kinds, &match->span_kinds },
        { "log_bodies", &config->log_bodies, &match->log_bodies },
        { "log_severity_texts", &config->log_severity_texts, &match->log_severity_texts },
        { "metric_names", &config->metric_names, &match->metric_names },
    };
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(lists); i++) {
        status = make_texts(match, lists[i].texts->items, lists[i].texts->count, lists[i].key, lists[i].made, error);
    }
    if (status == WEFT_OK) {
        status = make_pairs(match, &config->attributes, keys, "attributes", &match->attributes, error);
    }
    if (status == WEFT_OK) {
        status = make_pairs(match, &config->resources, NULL, "resources", &match->resources, error);
    }
    return status == WEFT_OK ? make_libraries(match, error) : status;
}

enum weft_status weft_match_new(const struct weft_match_config *config, struct weft_attribute_keys *keys,
                                struct weft_match **out_match, struct weft_error *error)
{
    struct weft_match *match = weft_try_alloc(sizeof *match);
    if (match == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    match->config = config;
    enum weft_status status = make(match, keys, error);
    if (status != WEFT_OK) {
        weft_match_free(&match);
        return status;
    }
    *out_match = match;
    return WEFT_OK;
}

static void free_texts(struct texts *texts)
{
    for (size_t i = 0; texts->patterns != NULL && i < texts->count; i++) {
        weft_pattern_free(&texts->patterns[i]);
    }
    weft_free(texts->patterns);
}

static void free_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free_texts(&pairs->items[i].text);
    }
    weft_free(pairs->items);
}

void weft_match_free(struct weft_match **own_match)
{
    struct weft_match *match = *own_match;
    *own_match = NULL;
    if (match == NULL) {
        return;
    }
    struct texts *const lists[] = { &match->services,   &match->span_names,         &match->span_kinds,
                                    &match->log_bodies, &match->log_severity_texts, &match->metric_names };
    for (size_t i = 0; i < WEFT_COUNT_OF(lists); i++) {
        free_texts(lists[i]);
    }
    for (size_t i = 0; i < match->library_count; i++) {
        free_texts(&match->libraries[i].name);
        free_texts(&match->libraries[i].version);
    }
    free_pairs(&match->attributes);
    free_pairs(&match->resources);
    weft_free(match->libraries);
    weft_free(match);
}

enum weft_status weft_match_scratch_init(struct weft_match_scratch *scratch, struct weft_error *error)
{
    *scratch = (struct weft_match_scratch){ 0 };
    return weft_pattern_scratch_new(0, &scratch->patterns, error);
}

void weft_match_scratch_fini(struct weft_match_scratch *scratch)
{
    weft_pattern_scratch_free(&scratch->patterns);
    weft_attribute_texts_fini(&scratch->texts);
    weft_otlp_attributes_fini(&scratch->attributes);
}

/* ---- values ---- */

static bool is_one_of(const struct texts *texts, struct weft_match_scratch *scratch, struct weft_slice text)
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
static enum weft_status matches_pattern(const struct pair *pair, struct weft_match_scratch *scratch,
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
static enum weft_status matches_pair(const struct pair *pair, struct weft_match_scratch *scratch,
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
        const struct pair *pair = &match->resources.items[i];
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
        const struct pair *pair = &match->attributes.items[i];
        const struct weft_attribute_slot *slot = weft_attribute_editor_find(editor, pair->number);
        *out_is_match = slot != NULL;
        if (slot != NULL) {
            status = matches_pair(pair, scratch, slot->contents, out_is_match);
        }
    }
    return status;
}
