/* The keys of `include` and `exclude` (attributes_match.h), and which of them a signal has. */
#include "processors/attributes_match.h"

enum { MATCH_STRICT = 1 };

static const char *const match_type_words[] = { "", "strict", "regexp", NULL };

static const struct weft_field pair_fields[] = {
    WEFT_FIELD(struct weft_match_pair, key, NULL, "The attribute's key.", .is_required = true),
    WEFT_FIELD(struct weft_match_pair, value, NULL,
               "Its value, of the type that YAML gives it, or with regexp a regular expression; without, the key alone "
               "counts."),
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

static const struct weft_field regexp_fields[] = {
    WEFT_FIELD_NO_EFFECT("cacheenabled", "bool", "Whether there is one."),
    WEFT_FIELD_NO_EFFECT("cachemaxnumentries", "int", "How large it is."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_match_fields[] = {
    WEFT_FIELD_POSITION(struct weft_match_config, position),
    WEFT_FIELD_CHOICE(
        struct weft_match_config, match_type, match_type_words, "",
        "strict, or regexp: texts are regular expressions that match in the value; needed where there are "
        "texts."),
    WEFT_FIELD(struct weft_match_config, services, NULL, "Values of the resource's service.name."),
    WEFT_FIELD(struct weft_match_config, span_names, NULL, "Names of spans."),
    WEFT_FIELD(struct weft_match_config, span_kinds, NULL, "Kinds of spans, as SPAN_KIND_SERVER."),
    WEFT_FIELD(struct weft_match_config, log_bodies, NULL, "Bodies of log records, as text."),
    WEFT_FIELD(struct weft_match_config, log_severity_texts, NULL, "Severity texts of log records."),
    WEFT_FIELD_OPTIONAL(struct weft_match_config, log_severity_number, has_log_severity_number, severity_fields, "off",
                        "Severity numbers of log records.", .is_off_as_null = true),
    WEFT_FIELD(struct weft_match_config, metric_names, NULL, "Names of metrics."),
    WEFT_FIELD_LIST(struct weft_match_config, attributes, struct weft_match_pair, pair_fields,
                    "Attributes of the record; all must be there."),
    WEFT_FIELD_LIST(struct weft_match_config, resources, struct weft_match_pair, pair_fields,
                    "Attributes of the resource; all must be there. Metrics are not asked for them."),
    WEFT_FIELD_LIST(struct weft_match_config, libraries, struct weft_match_library, library_fields,
                    "Instrumentation scopes; all entries must match."),
    WEFT_FIELD_NO_EFFECT("regexp", "map", "A cache of regular expressions.", .fields = regexp_fields),
    WEFT_FIELDS_END,
};

/* With strict a kind is one of those that there are. */
static enum weft_status validate_kinds(const struct weft_match_config *match, struct weft_error *error)
{
    static const char *const kinds[] = { "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
                                         "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" };
    for (size_t i = 0; match->match_type.value == MATCH_STRICT && i < match->span_kinds.count; i++) {
        bool is_known = false;
        for (size_t n = 0; n < WEFT_COUNT_OF(kinds); n++) {
            is_known = is_known || strcmp(match->span_kinds.items[i], kinds[n]) == 0;
        }
        if (!is_known) {
            return weft_fail(
                error, WEFT_INVALID,
                "span_kinds[%zu]: \"%s\" is none; there are SPAN_KIND_INTERNAL, _SERVER, _CLIENT, _PRODUCER "
                "and _CONSUMER",
                i, match->span_kinds.items[i]);
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
    if (!has_any) {
        return weft_fail(error, WEFT_INVALID, "at least one property must be specified");
    }
    return validate_kinds(match, error);
}

bool weft_match_restricts(const struct weft_match_config *match, enum weft_signal signal)
{
    return signal != WEFT_METRICS || match->metric_names.count > 0;
}

enum weft_status weft_match_advise_signal(const struct weft_match_config *match, enum weft_signal signal,
                                          const char *name, struct weft_config_notes *notes)
{
    if (signal != WEFT_METRICS || match->resources.count == 0) {
        return WEFT_OK;
    }
    return weft_config_notes_add(
        notes, WEFT_NOTE_WARNING,
        "%s:%u: %s.resources: metrics are not asked for their resources, as in the Collector%s", match->position.file,
        match->position.line, name,
        weft_match_restricts(match, signal) ? "; only metric_names count" : ": the block has no effect on them");
}
