/* Actions of a config as steps (attributes_program.h). The rules are those of the Collector; what it would only find
 * when its processor is made is an error of the config here. */
#include "processors/attributes_program.h"

#include <strings.h>

#include "base/alloc.h"
#include "processors/attributes_constant.h"

const struct weft_field weft_attribute_action_fields[] = {
    WEFT_FIELD(struct weft_attribute_action_config, key, NULL, "The attribute to act on."),
    WEFT_FIELD(struct weft_attribute_action_config, action, NULL,
               "insert, update, upsert, delete, hash (SHA-256 in hex), extract or convert.", .is_required = true),
    WEFT_FIELD(struct weft_attribute_action_config, value, NULL,
               "insert, update, upsert: the value to set; its YAML type is kept."),
    WEFT_FIELD(struct weft_attribute_action_config, from_attribute, NULL,
               "insert, update, upsert: the attribute to take the value from."),
    WEFT_FIELD(
        struct weft_attribute_action_config, from_context, NULL,
        "insert, update, upsert: metadata.KEY, the values of that header field of the request, joined with ;, where "
        "the receiver has include_metadata and no batch stands between; client.address, behind a batch empty; "
        "auth.KEY, "
        "which nobody who authenticates here says anything of, so that default_value stands."),
    WEFT_FIELD(struct weft_attribute_action_config, default_value, NULL,
               "insert, update, upsert: the value for when the source is missing."),
    WEFT_FIELD(
        struct weft_attribute_action_config, pattern, NULL,
        "A regular expression. delete, hash: attributes in whose keys it matches, too; extract: each group of what "
        "it matches in the value becomes the attribute of the group's name."),
    WEFT_FIELD(struct weft_attribute_action_config, converted_type, NULL,
               "convert: string, int or double; what cannot be converted stays."),
    WEFT_FIELDS_END,
};

#define METADATA_PREFIX "metadata."

static const char *const action_names[] = {
    [WEFT_ATTRIBUTE_INSERT] = "insert",   [WEFT_ATTRIBUTE_UPDATE] = "update", [WEFT_ATTRIBUTE_UPSERT] = "upsert",
    [WEFT_ATTRIBUTE_DELETE] = "delete",   [WEFT_ATTRIBUTE_HASH] = "hash",     [WEFT_ATTRIBUTE_EXTRACT] = "extract",
    [WEFT_ATTRIBUTE_CONVERT] = "convert",
};

static const char *const type_names[] = {
    [WEFT_ATTRIBUTE_TO_STRING] = "string",
    [WEFT_ATTRIBUTE_TO_INT] = "int",
    [WEFT_ATTRIBUTE_TO_DOUBLE] = "double",
};

/* ---- rules ---- */

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool has_value(const struct weft_config_any *value)
{
    return value->node != NULL && weft_node_kind(value->node) != WEFT_NODE_NULL;
}

static bool sets_value(enum weft_attribute_action action)
{
    return action == WEFT_ATTRIBUTE_INSERT || action == WEFT_ATTRIBUTE_UPDATE || action == WEFT_ATTRIBUTE_UPSERT;
}

static bool takes_keys_by_pattern(enum weft_attribute_action action)
{
    return action == WEFT_ATTRIBUTE_DELETE || action == WEFT_ATTRIBUTE_HASH;
}

static enum weft_status parse_action(const char *name, enum weft_attribute_action *out_action, struct weft_error *error)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(action_names); i++) {
        if (strcasecmp(name, action_names[i]) == 0) {
            *out_action = (enum weft_attribute_action)i;
            return WEFT_OK;
        }
    }
    return weft_fail(error, WEFT_INVALID,
                     "action: \"%s\" is not an action; use insert, update, upsert, delete, hash, extract or convert",
                     name);
}

static enum weft_status parse_type(const char *name, enum weft_attribute_type *out_type, struct weft_error *error)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(type_names); i++) {
        if (is_set(name) && strcmp(name, type_names[i]) == 0) {
            *out_type = (enum weft_attribute_type)i;
            return WEFT_OK;
        }
    }
    return is_set(name)
               ? weft_fail(error, WEFT_INVALID, "converted_type: \"%s\" is none; use string, int or double", name)
               : weft_fail(error, WEFT_INVALID, "action convert needs \"converted_type\"");
}

/* The fields that an action has no use for. */
static enum weft_status validate_use(const struct weft_attribute_action_config *config,
                                     enum weft_attribute_action action, struct weft_error *error)
{
    bool sets = sets_value(action);
    bool by_pattern = takes_keys_by_pattern(action);
    const struct {
        const char *key;
        bool is_set, is_used;
    } fields[] = {
        { "value", has_value(&config->value), sets },
        { "from_attribute", is_set(config->from_attribute), sets },
        { "from_context", is_set(config->from_context), sets || by_pattern }, /* the Collector lets it pass there */
        { "pattern", is_set(config->pattern), by_pattern || action == WEFT_ATTRIBUTE_EXTRACT },
        { "converted_type", is_set(config->converted_type), action == WEFT_ATTRIBUTE_CONVERT },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(fields); i++) {
        if (fields[i].is_set && !fields[i].is_used) {
            return weft_fail(error, WEFT_INVALID, "action %s does not use \"%s\"", action_names[action], fields[i].key);
        }
    }
    return WEFT_OK;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_address(const struct weft_attribute_action_config *config)
{
    return is_set(config->from_context) && strcmp(config->from_context, "client.address") == 0;
}

bool weft_attribute_actions_ask_for_address(const struct weft_config_list *actions)
{
    const struct weft_attribute_action_config *items = actions->items;
    for (size_t i = 0; i < actions->count; i++) {
        if (is_address(&items[i])) {
            return true;
        }
    }
    return false;
}

static enum weft_attribute_source source_of(const struct weft_attribute_action_config *config)
{
    return is_address(config)                           ? WEFT_ATTRIBUTE_FROM_ADDRESS
           : begins_with(config->from_context, "auth.") ? WEFT_ATTRIBUTE_FROM_AUTH
                                                        : WEFT_ATTRIBUTE_FROM_METADATA;
}

static const char *context_of(const struct weft_attribute_action_config *config)
{
    bool has_prefix = begins_with(config->from_context, METADATA_PREFIX);
    return config->from_context + (has_prefix ? strlen(METADATA_PREFIX) : 0);
}

const char *weft_attribute_actions_metadata(const struct weft_config_list *actions, size_t index)
{
    const struct weft_attribute_action_config *items = actions->items;
    for (size_t i = 0; i < actions->count; i++) {
        if (is_set(items[i].from_context) && source_of(&items[i]) == WEFT_ATTRIBUTE_FROM_METADATA && index-- == 0) {
            return context_of(&items[i]);
        }
    }
    return NULL;
}

static enum weft_status validate_sources(const struct weft_attribute_action_config *config, struct weft_error *error)
{
    int count = (has_value(&config->value) ? 1 : 0) + (is_set(config->from_attribute) ? 1 : 0) +
                (is_set(config->from_context) ? 1 : 0);
    if (count > 1) {
        return weft_fail(error, WEFT_INVALID,
                         "\"value\", \"from_attribute\" and \"from_context\" are sources; one is needed, not %d",
                         count);
    }
    if (count == 0 && !has_value(&config->default_value)) {
        return weft_fail(error, WEFT_INVALID,
                         "action %s needs either \"value\", \"from_attribute\" or \"from_context\", or a "
                         "\"default_value\"",
                         config->action);
    }
    const struct {
        const char *key;
        const struct weft_config_any *value;
    } values[] = { { "value", &config->value }, { "default_value", &config->default_value } };
    for (size_t i = 0; i < WEFT_COUNT_OF(values); i++) {
        if (has_value(values[i].value) && weft_attribute_constant_validate(values[i].value->node, error) != WEFT_OK) {
            return weft_fail_prefix(error, "%s", values[i].key);
        }
    }
    return WEFT_OK;
}

static enum weft_status validate(const struct weft_attribute_action_config *config, enum weft_attribute_action action,
                                 struct weft_error *error)
{
    if (takes_keys_by_pattern(action) && !is_set(config->key) && !is_set(config->pattern)) {
        return weft_fail(error, WEFT_INVALID, "missing required field: \"key\" or \"pattern\"");
    }
    if (!takes_keys_by_pattern(action) && !is_set(config->key)) {
        return weft_fail(error, WEFT_INVALID, "missing required field \"key\"");
    }
    if (action == WEFT_ATTRIBUTE_EXTRACT && !is_set(config->pattern)) {
        return weft_fail(error, WEFT_INVALID, "action extract needs \"pattern\"");
    }
    enum weft_status status = validate_use(config, action, error);
    return status == WEFT_OK && sets_value(action) ? validate_sources(config, error) : status;
}

/* ---- steps ---- */

static struct weft_slice text_or_empty(const char *text)
{
    return text == NULL ? WEFT_SLICE_EMPTY : weft_slice_of_text(text);
}

/* Lengths first: where they lie is known when the buffer has stopped growing. */
static enum weft_status make_constants(const struct weft_attribute_action_config *config,
                                       struct weft_attribute_step *step)
{
    struct weft_buffer *out = &step->constants;
    weft_attribute_constant_put_field(out, WEFT_OTLP_KEY_FIELD, text_or_empty(config->key));
    size_t head_length = out->length;
    if (has_value(&config->value)) {
        weft_attribute_constant_put(out, config->value.node);
    }
    size_t value_end = out->length;
    if (has_value(&config->default_value)) {
        weft_attribute_constant_put(out, config->default_value.node);
    }
    if (weft_buffer_status(out) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    step->target.head = weft_slice_of(out->bytes, head_length);
    step->value = weft_slice_of(out->bytes + head_length, value_end - head_length);
    step->default_value = weft_slice_of(out->bytes + value_end, out->length - value_end);
    return WEFT_OK;
}

/* The heads of all groups lie one after the other. */
static enum weft_status make_groups(struct weft_attribute_program *program, struct weft_attribute_step *step,
                                    struct weft_error *error)
{
    struct weft_buffer *out = &step->constants;
    size_t before = out->length;
    step->group_count = weft_pattern_group_count(step->pattern);
    if (step->group_count == 0) {
        return weft_fail(error, WEFT_INVALID, "pattern: it has no named group");
    }
    step->groups = weft_try_alloc(step->group_count * sizeof *step->groups);
    for (size_t i = 0; step->groups != NULL && i < step->group_count; i++) {
        const char *name = weft_pattern_group_name(step->pattern, i + 1);
        if (name == NULL) {
            return weft_fail(error, WEFT_INVALID, "pattern: group %zu has no name", i + 1);
        }
        struct weft_slice text = weft_slice_of_text(name);
        enum weft_status status = weft_attribute_keys_add(&program->keys, text, &step->groups[i].key, error);
        if (status != WEFT_OK) {
            return status;
        }
        size_t at = out->length;
        weft_attribute_constant_put_field(out, WEFT_OTLP_KEY_FIELD, text);
        step->groups[i].head.length = out->length - at;
    }
    if (step->groups == NULL || weft_buffer_status(out) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    step->target.head.bytes = out->bytes;
    for (size_t i = 0; i < step->group_count; i++) {
        step->groups[i].head.bytes = out->bytes + before;
        before += step->groups[i].head.length;
    }
    program->max_groups = step->group_count > program->max_groups ? step->group_count : program->max_groups;
    return WEFT_OK;
}

static enum weft_status make_pattern(struct weft_attribute_program *program,
                                     const struct weft_attribute_action_config *config,
                                     struct weft_attribute_step *step, struct weft_error *error)
{
    bool is_extract = step->action == WEFT_ATTRIBUTE_EXTRACT;
    const struct weft_pattern_options options = { .has_groups = is_extract, .is_match_only = !is_extract };
    if (weft_pattern_compile(weft_slice_of_text(config->pattern), &options, &step->pattern, error) != WEFT_OK) {
        return weft_fail_prefix(error, "pattern");
    }
    program->has_patterns = true;
    if (is_extract) {
        return make_groups(program, step, error);
    }
    program->sees_all = true;
    step->pattern_index = program->key_pattern_count++;
    return WEFT_OK;
}

static enum weft_status make_step(struct weft_attribute_program *program,
                                  const struct weft_attribute_action_config *config, struct weft_error *error)
{
    struct weft_attribute_step *step = &program->steps[program->step_count++];
    step->from = WEFT_NO_ATTRIBUTE_KEY;
    enum weft_status status = parse_action(config->action, &step->action, error);
    if (status == WEFT_OK) {
        status = validate(config, step->action, error);
    }
    if (status == WEFT_OK && step->action == WEFT_ATTRIBUTE_CONVERT) {
        status = parse_type(config->converted_type, &step->type, error);
    }
    if (status == WEFT_OK) {
        status = weft_attribute_keys_add(&program->keys, text_or_empty(config->key), &step->target.key, error);
    }
    if (status == WEFT_OK && is_set(config->from_attribute)) {
        status =
            weft_attribute_keys_add(&program->keys, weft_slice_of_text(config->from_attribute), &step->from, error);
    }
    if (status == WEFT_OK && sets_value(step->action) && is_set(config->from_context)) {
        step->context = context_of(config);
        step->source = source_of(config);
        step->context_index = program->context_count++;
    }
    if (status == WEFT_OK && make_constants(config, step) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "no memory");
    }
    if (status == WEFT_OK && is_set(config->pattern)) {
        status = make_pattern(program, config, step, error);
    }
    program->has_hash = program->has_hash || step->action == WEFT_ATTRIBUTE_HASH;
    return status;
}

enum weft_status weft_attribute_program_init(struct weft_attribute_program *program,
                                             const struct weft_config_list *actions, const char *name,
                                             struct weft_error *error)
{
    const struct weft_attribute_action_config *items = actions->items;
    *program = (struct weft_attribute_program){ 0 };
    if (actions->count == 0) {
        return weft_fail(error, WEFT_INVALID, "missing required field \"%s\"", name);
    }
    program->steps = weft_try_alloc(actions->count * sizeof *program->steps);
    if (program->steps == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %s", name);
    }
    for (size_t i = 0; i < actions->count; i++) {
        enum weft_status status = make_step(program, &items[i], error);
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "%s[%zu]", name, i);
        }
    }
    return WEFT_OK;
}

void weft_attribute_program_fini(struct weft_attribute_program *program)
{
    for (size_t i = 0; i < program->step_count; i++) {
        struct weft_attribute_step *step = &program->steps[i];
        weft_pattern_free(&step->pattern);
        weft_free(step->groups);
        weft_buffer_fini(&step->constants);
    }
    weft_free(program->steps);
    weft_attribute_keys_fini(&program->keys);
    *program = (struct weft_attribute_program){ 0 };
}
