/* Counts of what each rule of a redaction did (redaction_counts.h). Numbers of rules: the lists of the config first,
 * then what every redaction could have. */
#include "processors/redaction_counts.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/redaction_rules.h"

enum {
    DETECTORS, /* behind the lists */
    SANITIZERS = DETECTORS + WEFT_DETECTOR_COUNT,
    BLOCKED_KEY = SANITIZERS + WEFT_SANITIZERS,
    DECODE,
    FIXED_RULES,
};

static size_t lists_length(const struct weft_redaction_rules *rules)
{
    return rules->blocked_values.count + rules->own_count;
}

static size_t number_of(const struct weft_redaction_rules *rules, enum weft_redaction_rule_kind kind, size_t index)
{
    switch (kind) {
    case WEFT_REDACTION_BLOCKED_VALUE:
        return index;
    case WEFT_REDACTION_OWN_RULE:
        return rules->blocked_values.count + index;
    case WEFT_REDACTION_DETECTOR:
        return lists_length(rules) + DETECTORS + index;
    case WEFT_REDACTION_SANITIZER:
        return lists_length(rules) + SANITIZERS + index;
    case WEFT_REDACTION_BLOCKED_KEY:
        return lists_length(rules) + BLOCKED_KEY;
    case WEFT_REDACTION_DECODE:
        break;
    }
    return lists_length(rules) + DECODE;
}

/* ---- counting ---- */

enum weft_status weft_redaction_tally_init(struct weft_redaction_tally *tally, const struct weft_redaction_rules *rules)
{
    size_t count = lists_length(rules) + FIXED_RULES;
    *tally = (struct weft_redaction_tally){ .rules = rules };
    tally->items = weft_try_alloc(2 * count * sizeof *tally->items);
    if (tally->items == NULL) {
        return WEFT_NOMEM;
    }
    tally->kept = tally->items + count;
    tally->count = count;
    return WEFT_OK;
}

void weft_redaction_tally_fini(struct weft_redaction_tally *tally)
{
    weft_free(tally->items);
}

void weft_redaction_tally_keep(struct weft_redaction_tally *tally)
{
    memcpy(tally->kept, tally->items, tally->count * sizeof *tally->items);
}

void weft_redaction_tally_restore(struct weft_redaction_tally *tally)
{
    memcpy(tally->items, tally->kept, tally->count * sizeof *tally->items);
}

void weft_redaction_count_value(struct weft_redaction_tally *tally, enum weft_redaction_rule_kind kind, size_t index)
{
    size_t number = number_of(tally->rules, kind, index);
    weft_assert(number < tally->count);
    tally->items[number].values += !tally->is_paused;
}

void weft_redaction_count_limit(struct weft_redaction_tally *tally, enum weft_redaction_rule_kind kind, size_t index)
{
    size_t number = number_of(tally->rules, kind, index);
    weft_assert(number < tally->count);
    tally->items[number].limits += !tally->is_paused;
}

const struct weft_redaction_rule_count *weft_redaction_count_of(const struct weft_redaction_tally *tally,
                                                                enum weft_redaction_rule_kind kind, size_t index)
{
    return &tally->items[number_of(tally->rules, kind, index)];
}

void weft_redaction_tally_clear(struct weft_redaction_tally *tally)
{
    memset(tally->items, 0, tally->count * sizeof *tally->items);
}

/* ---- names ---- */

void weft_redaction_rule_name(enum weft_redaction_rule_kind kind, size_t index,
                              char out_name[WEFT_REDACTION_RULE_NAME_BYTES])
{
    const char *list = kind == WEFT_REDACTION_BLOCKED_VALUE ? "blocked_values" : "rules";
    const char *text = kind == WEFT_REDACTION_DETECTOR      ? weft_detector_name((enum weft_detector_id)index)
                       : kind == WEFT_REDACTION_SANITIZER   ? weft_sanitizer_name((enum weft_sanitizer)index)
                       : kind == WEFT_REDACTION_BLOCKED_KEY ? "blocked_key_patterns"
                                                            : "decode";
    if (kind == WEFT_REDACTION_BLOCKED_VALUE || kind == WEFT_REDACTION_OWN_RULE) {
        snprintf(out_name, WEFT_REDACTION_RULE_NAME_BYTES, "%s[%zu]", list, index);
    } else {
        snprintf(out_name, WEFT_REDACTION_RULE_NAME_BYTES, "%s%s", kind == WEFT_REDACTION_DETECTOR ? "detector " : "",
                 text);
    }
}

bool weft_redaction_tally_name(const struct weft_redaction_tally *tally, size_t number,
                               char out_name[WEFT_REDACTION_RULE_NAME_BYTES])
{
    const struct weft_redaction_rules *rules = tally->rules;
    size_t lists = lists_length(rules);
    if (number < lists) {
        bool is_own = number >= rules->blocked_values.count;
        weft_redaction_rule_name(is_own ? WEFT_REDACTION_OWN_RULE : WEFT_REDACTION_BLOCKED_VALUE,
                                 number - (is_own ? rules->blocked_values.count : 0), out_name);
        return true;
    }
    size_t fixed = number - lists;
    if (fixed < SANITIZERS) {
        weft_redaction_rule_name(WEFT_REDACTION_DETECTOR, fixed - DETECTORS, out_name);
        return (rules->detectors.set >> (fixed - DETECTORS) & 1) != 0;
    }
    if (fixed < BLOCKED_KEY) {
        weft_redaction_rule_name(WEFT_REDACTION_SANITIZER, fixed - SANITIZERS, out_name);
        return (rules->sanitizers.enabled >> (fixed - SANITIZERS) & 1) != 0;
    }
    weft_redaction_rule_name(fixed == BLOCKED_KEY ? WEFT_REDACTION_BLOCKED_KEY : WEFT_REDACTION_DECODE, 0, out_name);
    return fixed == BLOCKED_KEY ? rules->blocked_key_patterns.count > 0 : rules->encoded.encodings != 0;
}
