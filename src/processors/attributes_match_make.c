/* Making a block of include or exclude ready (attributes_match.h): its regular expressions, and the keys that it asks
 * for. Done once per process, at the start or a reload. */
#include "base/alloc.h"
#include "processors/attributes_match_internal.h"

enum match_type { MATCH_NONE, MATCH_STRICT, MATCH_REGEXP };

static enum weft_status make_patterns(struct weft_match_texts *texts, struct weft_error *error)
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
                                   struct weft_match_texts *out_texts, struct weft_error *error)
{
    *out_texts = (struct weft_match_texts){ .items = items, .count = count };
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
                                  struct weft_attribute_keys *keys, const char *list,
                                  struct weft_match_asked_pair *pair, struct weft_error *error)
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
    pair->text = (struct weft_match_texts){ .count = 1 };
    char *text = weft_alloc_string(weft_node_text(node));
    pair->text.items = &text;
    enum weft_status status = make_patterns(&pair->text, error);
    pair->text.items = NULL;
    weft_free(text);
    return status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "%s", list);
}

static enum weft_status make_pairs(const struct weft_match *match, const struct weft_config_list *config,
                                   struct weft_attribute_keys *keys, const char *list, struct weft_match_pairs *pairs,
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
        struct weft_match_texts *made;
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

static void free_texts(struct weft_match_texts *texts)
{
    for (size_t i = 0; texts->patterns != NULL && i < texts->count; i++) {
        weft_pattern_free(&texts->patterns[i]);
    }
    weft_free(texts->patterns);
}

static void free_pairs(struct weft_match_pairs *pairs)
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
    struct weft_match_texts *const lists[] = { &match->services,   &match->span_names,         &match->span_kinds,
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
