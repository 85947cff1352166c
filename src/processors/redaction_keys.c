/* What a redaction would do to attributes that another component decides by (redaction_rules.h): asked once, when a
 * config is loaded. */
#include "processors/redaction_rules.h"

/* The first value that is masked; NULL if none is. */
static const char *find_masked_value(struct weft_redaction_matcher *matcher, const struct weft_named_key *key)
{
    static const struct weft_redaction_system any_system = { .is_named = false };
    struct weft_sanitizing sanitizing =
        weft_redaction_sanitizing_of(&matcher->rules->sanitizers, &any_system, true, weft_slice_of_text(key->key));
    for (size_t i = 0; i < key->value_count; i++) {
        struct weft_slice value = weft_slice_of_text(key->values[i]);
        struct weft_slice masked;
        if (!weft_redaction_allows(matcher, value) && weft_redaction_mask_value(matcher, sanitizing, value, &masked)) {
            return key->values[i];
        }
    }
    return NULL;
}

static bool allows_all_values(struct weft_redaction_matcher *matcher, const struct weft_named_key *key)
{
    for (size_t i = 0; i < key->value_count; i++) {
        if (!weft_redaction_allows(matcher, weft_slice_of_text(key->values[i]))) {
            return false;
        }
    }
    return key->value_count > 0;
}

static struct weft_key_fate judge(struct weft_redaction_matcher *matcher, const struct weft_named_key *key)
{
    struct weft_key_fate fate = { .kind = WEFT_KEY_STAYS };
    struct weft_slice renamed; /* nobody finds it by that key */
    enum weft_redaction_verdict verdict = weft_redaction_judge_key(matcher, weft_slice_of_text(key->key), true);
    if (verdict != WEFT_REDACTION_IGNORE && matcher->rules->scope == WEFT_REDACTION_ALL &&
        weft_redaction_mask(matcher, weft_slice_of_text(key->key), &renamed)) {
        return (struct weft_key_fate){ .kind = WEFT_KEY_VALUE_MASKED, .value = key->key };
    }
    switch (verdict) {
    case WEFT_REDACTION_IGNORE:
        break;
    case WEFT_REDACTION_REMOVE:
        fate.kind = WEFT_KEY_REMOVED;
        break;
    case WEFT_REDACTION_MASK:
        fate.kind = allows_all_values(matcher, key) ? WEFT_KEY_STAYS : WEFT_KEY_MASKED;
        break;
    case WEFT_REDACTION_LOOK:
        fate.value = find_masked_value(matcher, key);
        fate.kind = fate.value == NULL ? WEFT_KEY_STAYS : WEFT_KEY_VALUE_MASKED;
        break;
    }
    return fate;
}

enum weft_status weft_redaction_judge_keys(const struct weft_redaction_config *config,
                                           const struct weft_named_keys *keys, struct weft_key_fate *out_fates,
                                           struct weft_error *error)
{
    struct weft_redaction_rules *rules = NULL;
    enum weft_status status = weft_redaction_rules_new(config, &rules, error);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_redaction_matcher matcher;
    status = weft_redaction_matcher_init(&matcher, rules, error);
    if (status == WEFT_OK) {
        for (size_t i = 0; i < keys->count; i++) {
            out_fates[i] = judge(&matcher, &keys->items[i]);
        }
    }
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
    return status;
}
