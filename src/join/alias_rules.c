/* The rules of aliases (alias_rules.h): the built-in families as a table of what producers write, and own ones. */
#include "join/alias_rules.h"

#include "base/alloc.h"

static const struct weft_field custom_fields[] = {
    WEFT_FIELD_POSITION(struct weft_alias_custom_config, position),
    WEFT_FIELD(struct weft_alias_custom_config, name, "", "Its name.", .is_required = true),
    WEFT_FIELD(struct weft_alias_custom_config, attributes, NULL,
               "Attributes of spans and log records; one value in any of them is one word.", .is_required = true),
    WEFT_FIELDS_END,
};

const struct weft_field weft_alias_fields[] = {
    WEFT_FIELD_POSITION(struct weft_alias_config, position),
    WEFT_FIELD(struct weft_alias_config, families, NULL,
               "What joins traces beside their ids: job_id, request_id, inngest, runpod, comfyui, links, or the name "
               "of an own family."),
    WEFT_FIELD_LIST(struct weft_alias_config, custom, struct weft_alias_custom_config, custom_fields,
                    "Own families by their attributes; they count whether families names them or not."),
    WEFT_FIELD(struct weft_alias_config, alias_ttl, "1h",
               "How long after its verdict a group is remembered: who joins within it follows a keep.", .minimum = 0,
               .maximum = 86400 * 30),
    WEFT_FIELD(struct weft_alias_config, alias_memory, "16777216",
               "Bytes for words and groups; beyond it the oldest group is forgotten.", .minimum = 65536,
               .maximum = 17179869184),
    WEFT_FIELDS_END,
};

static const struct {
    const char *family, *attribute;
    bool is_trace;
} built_in[] = {
    { "job_id", "job_id", false },
    { "job_id", "job.id", false },
    { "job_id", "jobId", false },
    { "job_id", "framecast.job_id", false },
    { "job_id", "framecast.job.id", false },
    { "request_id", "request_id", false },
    { "request_id", "request.id", false },
    { "request_id", "http.request_id", false },
    { "request_id", "x-request-id", false },
    { "request_id", "http.request.header.x-request-id", false },
    { "inngest", "sdk.run.id", false },
    { "inngest", "inngest.run_id", false },
    { "inngest", "inngest.run.id", false },
    { "inngest", "inngest.traceparent", true },
    { "inngest", "inngest.traceref", true },
    { "runpod", "requestId", false },
    { "runpod", "runpod.job.id", false },
    { "runpod", "runpod.job_id", false },
    { "runpod", "runpod.request_id", false },
    { "runpod", "_trace.traceparent", true },
    { "comfyui", "prompt_id", false },
    { "comfyui", "comfyui.prompt_id", false },
    { "comfyui", "comfyui.prompt.id", false },
};

/* FNV-1a: of names of a config only; words are hashed with the secret. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static enum weft_status add_source(struct weft_alias_rules *rules, const char *attribute, const char *family,
                                   uint32_t rank, bool is_trace, size_t *in_out_capacity, struct weft_error *error)
{
    size_t length = strlen(attribute);
    if (rules->source_count == UINT16_MAX) {
        return weft_fail(error, WEFT_INVALID, "aliases: more than %d attributes", UINT16_MAX);
    }
    uint8_t *copy = weft_try_alloc(length + 1);
    if (copy == NULL ||
        weft_try_grow(&rules->sources, sizeof *rules->sources, rules->source_count, in_out_capacity) != WEFT_OK) {
        weft_free(copy);
        return weft_fail(error, WEFT_NOMEM, "no memory for aliases");
    }
    memcpy(copy, attribute, length);
    struct weft_alias_source *source = &rules->sources[rules->source_count++];
    *source = (struct weft_alias_source){
        .attribute = { copy, length }, .family_hash = hash_name(family), .rank = rank, .is_trace = is_trace
    };
    uint16_t *first = weft_otlp_keys_place(&rules->keys, source->attribute);
    source->next = *first;
    *first = (uint16_t)rules->source_count;
    return WEFT_OK;
}

static bool is_custom(const struct weft_alias_config *config, const char *name)
{
    const struct weft_alias_custom_config *custom = config->custom.items;
    for (size_t i = 0; i < config->custom.count; i++) {
        if (strcmp(custom[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_built_in(const char *name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(built_in); i++) {
        if (strcmp(built_in[i].family, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "links") == 0;
}

static enum weft_status add_family(const struct weft_alias_config *config, uint32_t rank,
                                   struct weft_alias_rules *rules, size_t *in_out_capacity, struct weft_error *error)
{
    const char *name = config->families.items[rank];
    enum weft_status status = WEFT_OK;
    if (strcmp(name, "links") == 0) {
        rules->has_links = true;
        rules->links_rank = rank;
    } else if (!is_built_in(name) && !is_custom(config, name)) {
        return weft_fail(error, WEFT_INVALID,
                         "%s:%u: aliases knows no family \"%s\": it is none of job_id, request_id, inngest, runpod, "
                         "comfyui, links, and custom does not define it",
                         config->position.file, config->position.line, name);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(built_in) && status == WEFT_OK; i++) {
        if (strcmp(built_in[i].family, name) == 0) {
            status = add_source(rules, built_in[i].attribute, name, rank, built_in[i].is_trace, in_out_capacity, error);
        }
    }
    return status;
}

static enum weft_status add_custom(const struct weft_alias_custom_config *custom, uint32_t rank,
                                   struct weft_alias_rules *rules, size_t *in_out_capacity, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    if (custom->name[0] == '\0' || is_built_in(custom->name) || custom->attributes.count == 0) {
        return weft_fail(error, WEFT_INVALID, "%s:%u: an own family needs a name that is not built in, and attributes",
                         custom->position.file, custom->position.line);
    }
    for (size_t i = 0; i < custom->attributes.count && status == WEFT_OK; i++) {
        status = add_source(rules, custom->attributes.items[i], custom->name, rank, false, in_out_capacity, error);
    }
    return status;
}

enum weft_status weft_alias_rules_new(const struct weft_alias_config *config, struct weft_alias_rules **out_rules,
                                      struct weft_error *error)
{
    struct weft_alias_rules *rules = weft_try_alloc(sizeof *rules);
    if (rules == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for aliases");
    }
    *rules = (struct weft_alias_rules){ .ttl_ns = config->alias_ttl.ns, .memory_bytes = config->alias_memory };
    const struct weft_alias_custom_config *custom = config->custom.items;
    enum weft_status status = WEFT_OK;
    size_t capacity = 0;
    for (size_t i = 0; i < config->families.count && status == WEFT_OK; i++) {
        status = add_family(config, (uint32_t)i, rules, &capacity, error);
    }
    for (size_t i = 0; i < config->custom.count && status == WEFT_OK; i++) {
        status = add_custom(&custom[i], (uint32_t)(config->families.count + i), rules, &capacity, error);
    }
    if (status != WEFT_OK) {
        weft_alias_rules_free(&rules);
        return status;
    }
    *out_rules = rules;
    return WEFT_OK;
}

void weft_alias_rules_free(struct weft_alias_rules **own_rules)
{
    struct weft_alias_rules *rules = *own_rules;
    if (rules != NULL) {
        for (size_t i = 0; i < rules->source_count; i++) {
            weft_free((void *)rules->sources[i].attribute.bytes);
        }
        weft_free(rules->sources);
        weft_free(rules);
        *own_rules = NULL;
    }
}

/* ---- what the rules are about ---- */

/* Words as producers make them. */
static const char *const usual_words[] = {
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7-u1",
    "01JMVXW0N3ZC5Y8G4T2QKD7R9A",
    "5b8efff798038103d269b633813fc60c",
    "job_789",
    "req_abc123",
    "48151623",
};
static const char *const usual_traces[] = { "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01" };

static struct weft_named_key key_of(const char *attribute, const char *family, bool is_trace, bool is_any_enough)
{
    return (struct weft_named_key){ .key = attribute,
                                    .kind = "family",
                                    .name = family,
                                    .values = is_trace ? usual_traces : usual_words,
                                    .value_count = is_trace ? WEFT_COUNT_OF(usual_traces) : WEFT_COUNT_OF(usual_words),
                                    .signals = 1u << WEFT_TRACES | 1u << WEFT_LOGS,
                                    .is_any_enough = is_any_enough };
}

static enum weft_status name_keys_of_family(const char *family, struct weft_named_keys *keys)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < WEFT_COUNT_OF(built_in) && status == WEFT_OK; i++) {
        if (strcmp(built_in[i].family, family) == 0) {
            struct weft_named_key key = key_of(built_in[i].attribute, family, built_in[i].is_trace, true);
            status = weft_named_keys_add(keys, &key);
        }
    }
    return status;
}

enum weft_status weft_alias_name_keys(const struct weft_alias_config *config, struct weft_named_keys *keys)
{
    const struct weft_alias_custom_config *custom = config->custom.items;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < config->families.count && status == WEFT_OK; i++) {
        status = name_keys_of_family(config->families.items[i], keys);
    }
    for (size_t i = 0; i < config->custom.count; i++) {
        for (size_t j = 0; j < custom[i].attributes.count && status == WEFT_OK; j++) {
            struct weft_named_key key = key_of(custom[i].attributes.items[j], custom[i].name, false, false);
            status = weft_named_keys_add(keys, &key);
        }
    }
    return status;
}
