/* Properties as OTTL (filter_match.h): "span_names: [a, b]" becomes (name == "a" or name == "b"). What the Collector's
 * matchers look at, and how they compare, is what these conditions say. */
#include "processors/filter_match.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* Writes a condition: properties with `and` between them. */
struct writer {
    struct weft_buffer text;
    const struct weft_filter_match *match;
    bool is_regexp;
    bool has_some;
    struct weft_error *error;
};

static void put_quoted(struct weft_buffer *out, const char *text)
{
    weft_buffer_append_byte(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            weft_buffer_append_byte(out, '\\');
        }
        if (*at == '\n') {
            weft_buffer_append_text(out, "\\n");
        } else {
            weft_buffer_append_byte(out, (uint8_t)*at);
        }
    }
    weft_buffer_append_byte(out, '"');
}

static void begin_property(struct writer *writer)
{
    weft_buffer_append_text(&writer->text, writer->has_some ? " and (" : "(");
    writer->has_some = true;
}

/* path == "word", or a pattern that matches in it. */
static void put_word(struct writer *writer, const char *path, const char *word)
{
    weft_buffer_append_format(&writer->text, writer->is_regexp ? "IsMatch(%s, " : "%s == ", path);
    put_quoted(&writer->text, word);
    weft_buffer_append_text(&writer->text, writer->is_regexp ? ")" : "");
}

/* One of the words. */
static void put_words(struct writer *writer, const char *path, const struct weft_config_strings *words)
{
    if (words->count == 0) {
        return;
    }
    begin_property(writer);
    for (size_t i = 0; i < words->count; i++) {
        weft_buffer_append_text(&writer->text, i == 0 ? "" : " or ");
        put_word(writer, path, words->items[i]);
    }
    weft_buffer_append_text(&writer->text, ")");
}

/* What stands for the name of a service that has none. */
static void put_services(struct writer *writer, const struct weft_config_strings *services)
{
    static const char path[] = "resource.attributes[\"service.name\"]";
    if (services->count == 0) {
        return;
    }
    begin_property(writer);
    for (size_t i = 0; i < services->count; i++) {
        weft_buffer_append_text(&writer->text, i == 0 ? "" : " or ");
        put_word(writer, path, services->items[i]);
        weft_buffer_append_format(&writer->text, " or (%s == nil and ", path);
        put_word(writer, "\"<nil-service-name>\"", services->items[i]);
        weft_buffer_append_text(&writer->text, ")");
    }
    weft_buffer_append_text(&writer->text, ")");
}

static void put_libraries(struct writer *writer, const struct weft_config_list *libraries)
{
    const struct weft_filter_library *items = libraries->items;
    if (libraries->count == 0) {
        return;
    }
    begin_property(writer);
    for (size_t i = 0; i < libraries->count; i++) {
        weft_buffer_append_text(&writer->text, i == 0 ? "(" : " or (");
        put_word(writer, "scope.name", items[i].name);
        if (items[i].version != NULL) {
            weft_buffer_append_text(&writer->text, " and ");
            put_word(writer, "scope.version", items[i].version);
        }
        weft_buffer_append_text(&writer->text, ")");
    }
    weft_buffer_append_text(&writer->text, ")");
}

/* ---- attributes ---- */

/* A value as OTTL writes it. False: it has no word for it. */
static bool put_literal(struct weft_buffer *out, const struct weft_node *node)
{
    int64_t integer = 0;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_BOOL:
        weft_buffer_append_text(out, weft_node_bool(node) ? "true" : "false");
        return true;
    case WEFT_NODE_INT:
        if (!weft_node_get_int(node, &integer) || integer == INT64_MIN) {
            return false;
        }
        weft_buffer_append_format(out, "%lld", (long long)integer);
        return true;
    case WEFT_NODE_DOUBLE:
        if (!isfinite(weft_node_double(node))) {
            return false;
        }
        weft_buffer_append_format(out, "%.17e", weft_node_double(node));
        return true;
    case WEFT_NODE_STRING:
        put_quoted(out, weft_node_text(node));
        return true;
    case WEFT_NODE_NULL:
    case WEFT_NODE_LIST:
    case WEFT_NODE_MAP:
        break;
    }
    return false;
}

static enum weft_status put_pair(struct writer *writer, const char *path, const struct weft_filter_pair *pair)
{
    struct weft_buffer *out = &writer->text;
    const struct weft_node *node = pair->value.node;
    bool has_value = node != NULL && weft_node_kind(node) != WEFT_NODE_NULL;
    struct weft_buffer attribute;
    weft_buffer_init(&attribute, 0);
    weft_buffer_append_format(&attribute, "%s[", path);
    put_quoted(&attribute, pair->key);
    weft_buffer_append_text(&attribute, "]");
    weft_buffer_append_byte(&attribute, '\0');
    enum weft_status status = weft_buffer_status(&attribute);
    const char *text = status == WEFT_OK ? (const char *)attribute.bytes : "";
    begin_property(writer);
    if (!has_value) {
        weft_buffer_append_format(out, "%s != nil", text);
    } else if (writer->is_regexp && weft_node_kind(node) != WEFT_NODE_STRING) {
        status = weft_node_fail(writer->error, WEFT_INVALID, node, "regexp needs a string, not %s",
                                weft_node_kind_text(node));
    } else if (writer->is_regexp) {
        put_word(writer, text, weft_node_text(node));
    } else {
        /* in lists no number equals one of another type */
        weft_buffer_append_format(out, "[%s] == [", text);
        if (!put_literal(out, node)) {
            status = weft_node_fail(writer->error, WEFT_INVALID, node, "a string, a number or a bool is expected");
        }
        weft_buffer_append_text(out, "]");
    }
    weft_buffer_append_text(out, ")");
    weft_buffer_fini(&attribute);
    return status;
}

static enum weft_status put_pairs(struct writer *writer, const char *path, const struct weft_config_list *pairs)
{
    const struct weft_filter_pair *items = pairs->items;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < pairs->count; i++) {
        if (items[i].key[0] == '\0') {
            return weft_fail(writer->error, WEFT_INVALID, "%s:%u: an attribute needs a key",
                             writer->match->position.file, writer->match->position.line);
        }
        status = put_pair(writer, path, &items[i]);
    }
    return status;
}

/* ---- signals ---- */

/* "17", "ERROR", "error3"; 0 = none of these. */
static int severity_of(const char *text)
{
    static const char *const words[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
    enum { STEPS = 4, MAX = 24 };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        size_t length = strlen(words[i]);
        if (strncasecmp(text, words[i], length) == 0) {
            const char *step = text + length;
            bool is_step = step[0] >= '2' && step[0] <= '0' + STEPS && step[1] == '\0';
            return step[0] == '\0' ? (int)i * STEPS + 1 : is_step ? (int)i * STEPS + step[0] - '0' : 0;
        }
    }
    char *end = NULL;
    long number = strtol(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && number <= MAX ? (int)number : 0;
}

static enum weft_status put_severity(struct writer *writer)
{
    const struct weft_filter_match *match = writer->match;
    const char *text = match->severity_number.min;
    int number = 0;
    if (!match->has_severity_number) {
        return WEFT_OK;
    }
    if (text[0] != '\0') {
        number = severity_of(text);
        if (number == 0) {
            return weft_fail(writer->error, WEFT_INVALID, "%s:%u: severity_number.min: \"%s\" is not a severity",
                             match->position.file, match->position.line, text);
        }
    }
    begin_property(writer);
    weft_buffer_append_format(&writer->text, "(severity_number != 0 and severity_number >= %d)%s)", number,
                              match->severity_number.match_undefined ? " or severity_number == 0" : "");
    return WEFT_OK;
}

static enum weft_status put_span(struct writer *writer)
{
    const struct weft_filter_match *match = writer->match;
    put_services(writer, &match->services);
    put_words(writer, "name", &match->span_names);
    put_words(writer, "kind.deprecated_string", &match->span_kinds);
    put_libraries(writer, &match->libraries);
    enum weft_status status = put_pairs(writer, "resource.attributes", &match->resources);
    return status == WEFT_OK ? put_pairs(writer, "attributes", &match->attributes) : status;
}

static enum weft_status put_log(struct writer *writer)
{
    const struct weft_filter_match *match = writer->match;
    put_words(writer, "body.string", &match->bodies);
    put_words(writer, "severity_text", &match->severity_texts);
    enum weft_status status = put_severity(writer);
    if (status == WEFT_OK) {
        status = put_pairs(writer, "resource.attributes", &match->resources);
    }
    return status == WEFT_OK ? put_pairs(writer, "attributes", &match->attributes) : status;
}

static enum weft_status add_written(struct weft_filter_rules *rules, enum weft_signal signal,
                                    struct weft_filter_group *group, struct writer *writer,
                                    enum weft_ottl_context context, bool is_include)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = context };
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, is_include ? "not (" : "(");
    weft_buffer_append(&text, writer->text.bytes, writer->text.length);
    weft_buffer_append_text(&text, ")");
    enum weft_status status = weft_buffer_status(&writer->text);
    status = status == WEFT_OK ? weft_buffer_status(&text) : status;
    if (status == WEFT_OK) {
        status = weft_filter_condition_add(rules, signal, group, weft_buffer_slice(&text), &options, WEFT_OTTL_IGNORE,
                                           is_include ? "include" : "exclude", writer->error);
        if (status != WEFT_OK) {
            weft_fail_prefix(writer->error, "%s:%u", writer->match->position.file, writer->match->position.line);
        }
    } else {
        weft_fail(writer->error, status, "no memory for a condition");
    }
    weft_buffer_fini(&text);
    return status;
}

/* Metrics: resources and names are asked apart, and either is enough to drop. */
static enum weft_status add_metric(struct weft_filter_rules *rules, struct weft_filter_group *group,
                                   struct writer *writer, bool is_include)
{
    enum weft_status status = put_pairs(writer, "attributes", &writer->match->resources);
    if (status == WEFT_OK && writer->has_some) {
        status = add_written(rules, WEFT_METRICS, group, writer, WEFT_OTTL_RESOURCE, is_include);
    }
    weft_buffer_clear(&writer->text);
    writer->has_some = false;
    put_words(writer, "name", &writer->match->metric_names);
    return status == WEFT_OK && writer->has_some
               ? add_written(rules, WEFT_METRICS, group, writer, WEFT_OTTL_METRIC, is_include)
               : status;
}

static enum weft_status add_match(struct weft_filter_rules *rules, enum weft_signal signal,
                                  struct weft_filter_group *group, const struct weft_filter_match *match,
                                  bool is_include, struct weft_error *error)
{
    struct writer writer = { .match = match,
                             .is_regexp = match->match_type.value == WEFT_FILTER_MATCH_REGEXP,
                             .error = error };
    enum weft_status status = WEFT_OK;
    if (match->match_type.value == WEFT_FILTER_MATCH_NONE || match->match_type.value == WEFT_FILTER_MATCH_EXPR) {
        bool is_expr = match->match_type.value == WEFT_FILTER_MATCH_EXPR;
        return weft_fail(error, is_expr ? WEFT_UNSUPPORTED : WEFT_INVALID, "%s:%u: match_type must be strict or regexp",
                         match->position.file, match->position.line);
    }
    weft_buffer_init(&writer.text, 0);
    if (signal == WEFT_METRICS) {
        status = add_metric(rules, group, &writer, is_include);
        weft_buffer_fini(&writer.text);
        return status;
    }
    status = signal == WEFT_TRACES ? put_span(&writer) : put_log(&writer);
    if (status == WEFT_OK && !writer.has_some && signal == WEFT_TRACES) {
        status = weft_fail(error, WEFT_INVALID, "%s:%u: at least one property must be specified", match->position.file,
                           match->position.line);
    }
    if (status == WEFT_OK && writer.has_some) {
        status = add_written(rules, signal, group, &writer, signal == WEFT_TRACES ? WEFT_OTTL_SPAN : WEFT_OTTL_LOG,
                             is_include);
    }
    weft_buffer_fini(&writer.text);
    return status;
}

enum weft_status weft_filter_matches_add(struct weft_filter_rules *rules, enum weft_signal signal,
                                         struct weft_filter_group *group, const struct weft_filter_matches *matches,
                                         struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    if (matches->has_include) {
        status = add_match(rules, signal, group, &matches->include, true, error);
    }
    return status == WEFT_OK && matches->has_exclude ? add_match(rules, signal, group, &matches->exclude, false, error)
                                                     : status;
}
