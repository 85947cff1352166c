/* What a redaction does with keys (redaction_rules.h), and how its rules are made from a config. Made once per process,
 * at the start or a reload; all that a peer's bytes cause here is looking up and matching. */
#include "processors/redaction_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

/* ---- making ---- */

static int compare_texts(const void *left, const void *right)
{
    const struct weft_slice *first = left;
    const struct weft_slice *second = right;
    if (first->length != second->length) {
        return first->length < second->length ? -1 : 1;
    }
    return first->length == 0 ? 0 : memcmp(first->bytes, second->bytes, first->length);
}

/* The names that the processor itself may have written before: it keeps them, as the Collector does. */
static const char *const own_keys[] = {
    "redaction.redacted.keys", "redaction.redacted.count", "redaction.masked.keys",
    "redaction.masked.count",  "redaction.ignored.count",
};

static enum weft_status make_keys(const struct weft_config_strings *keys, bool has_own_keys,
                                  struct weft_redaction_keys *out_keys)
{
    size_t own_count = has_own_keys ? WEFT_COUNT_OF(own_keys) : 0;
    out_keys->items = weft_try_alloc((keys->count + own_count + 1) * sizeof *out_keys->items);
    if (out_keys->items == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < keys->count; i++) {
        out_keys->items[out_keys->count++] = weft_slice_of_text(keys->items[i]);
    }
    for (size_t i = 0; i < own_count; i++) {
        out_keys->items[out_keys->count++] = weft_slice_of_text(own_keys[i]);
    }
    qsort(out_keys->items, out_keys->count, sizeof *out_keys->items, compare_texts);
    return WEFT_OK;
}

/* (?:a)|(?:b): what is too large for one pattern is matched one by one. */
static void make_any(const struct weft_config_strings *texts, struct weft_redaction_patterns *patterns)
{
    static const struct weft_pattern_options options = { .is_match_only = true };
    struct weft_buffer all;
    weft_buffer_init(&all, WEFT_PATTERN_MAX_TEXT_BYTES);
    for (size_t i = 0; i < texts->count; i++) {
        weft_buffer_append_text(&all, i == 0 ? "(?:" : "|(?:");
        weft_buffer_append_text(&all, texts->items[i]);
        weft_buffer_append_text(&all, ")");
    }
    if (weft_buffer_status(&all) != WEFT_OK ||
        weft_pattern_compile(weft_buffer_slice(&all), &options, &patterns->any, NULL) != WEFT_OK) {
        patterns->any = NULL;
    }
    weft_buffer_fini(&all);
}

enum weft_status weft_redaction_keys_make(const struct weft_config_strings *texts, struct weft_redaction_keys *out_keys)
{
    return make_keys(texts, false, out_keys);
}

static enum weft_status make_patterns(const struct weft_config_strings *texts, const char *key, bool is_match_only,
                                      struct weft_redaction_patterns *patterns, struct weft_error *error)
{
    const struct weft_pattern_options options = { .is_match_only = is_match_only };
    patterns->items = weft_try_alloc((texts->count + 1) * sizeof(struct weft_pattern *));
    patterns->needs = weft_try_alloc((texts->count + 1) * sizeof *patterns->needs);
    if (patterns->items == NULL || patterns->needs == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %s", key);
    }
    for (size_t i = 0; i < texts->count; i++) {
        struct weft_slice text = weft_slice_of_text(texts->items[i]);
        enum weft_status status = weft_pattern_compile(text, &options, &patterns->items[i], error);
        if (status != WEFT_OK) {
            enum { SHOWN_BYTES = 120 };
            return weft_fail_prefix(error, "%s[%zu]: '%.*s%s'", key, i, SHOWN_BYTES, texts->items[i],
                                    text.length > SHOWN_BYTES ? "..." : "");
        }
        patterns->needs[i] = weft_pattern_needs_of(patterns->items[i]);
        patterns->count++;
    }
    if (texts->count > 1) {
        make_any(texts, patterns);
    }
    return WEFT_OK;
}

static enum weft_status set_detectors(const struct weft_config_strings *names, struct weft_redaction_rules *rules,
                                      struct weft_error *error)
{
    weft_detector_set set = 0;
    for (size_t i = 0; i < names->count; i++) {
        enum weft_detector_id id = weft_detector_of(names->items[i]);
        if (id == WEFT_DETECTOR_COUNT) {
            char known[512];
            size_t length = 0;
            for (size_t n = 0; n < WEFT_DETECTOR_COUNT && length < sizeof known; n++) {
                const char *name = weft_detector_name((enum weft_detector_id)n);
                length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", n == 0 ? "" : ", ", name);
            }
            return weft_fail(error, WEFT_INVALID, "detectors: no detector is called %.40s; there are %s",
                             names->items[i], known);
        }
        set |= 1u << id;
    }
    rules->masked_detectors = set & ~rules->own_detectors;
    weft_detector_filter_init(&rules->detectors, set | rules->own_detectors);
    return WEFT_OK;
}

static enum weft_status set_encodings(const struct weft_redaction_config *config, struct weft_redaction_rules *rules,
                                      struct weft_error *error)
{
    static const char *const words[] = { "percent", "base64" };
    const unsigned every = WEFT_ENCODED_PERCENT | WEFT_ENCODED_BASE64;
    const struct weft_config_strings *names = &config->decode;
    unsigned encodings = names->count == 0 && rules->scope == WEFT_REDACTION_ALL ? every : 0;
    for (size_t i = 0; i < names->count; i++) {
        size_t word = 0;
        while (word < WEFT_COUNT_OF(words) && strcmp(names->items[i], words[word]) != 0) {
            word++;
        }
        bool is_none = names->count == 1 && strcmp(names->items[i], "none") == 0;
        if (word == WEFT_COUNT_OF(words) && !is_none) {
            return weft_fail(error, WEFT_INVALID, "decode: %.40s is neither percent nor base64, nor none alone",
                             names->items[i]);
        }
        encodings |= is_none ? 0 : 1u << word;
    }
    weft_encoded_rules_init(&rules->encoded, &rules->detectors, rules->detectors.set == 0 ? 0 : encodings);
    return WEFT_OK;
}

static enum weft_status fill_rules(const struct weft_redaction_config *config, struct weft_redaction_rules *rules,
                                   struct weft_error *error)
{
    const struct {
        const struct weft_config_strings *texts;
        const char *key;
        bool is_match_only;
        struct weft_redaction_patterns *patterns;
    } lists[] = {
        { &config->ignored_key_patterns, "ignored_key_patterns", true, &rules->ignored_key_patterns },
        { &config->blocked_key_patterns, "blocked_key_patterns", true, &rules->blocked_key_patterns },
        { &config->blocked_values, "blocked_values", false, &rules->blocked_values },
        { &config->allowed_values, "allowed_values", true, &rules->allowed_values },
    };
    rules->allow_all_keys = config->allow_all_keys;
    rules->redact_all_types = config->redact_all_types;
    rules->summary = (enum weft_redaction_summary)config->summary.value;
    rules->scope = (enum weft_redaction_scope)config->scope.value;
    rules->hash = (enum weft_redaction_hash)config->hash_function.value;
    rules->hmac_key = config->hmac_key.text == NULL ? WEFT_SLICE_EMPTY : weft_slice_of_text(config->hmac_key.text);
    if (make_keys(&config->allowed_keys, true, &rules->allowed_keys) != WEFT_OK ||
        make_keys(&config->ignored_keys, false, &rules->ignored_keys) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a redaction");
    }
    if (weft_redaction_sanitizers_make(config, &rules->sanitizers) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for sanitizers");
    }
    struct weft_digest *digest;
    enum weft_status status = weft_redaction_digest_new(rules, &digest, error);
    weft_digest_free(&digest);
    if (status == WEFT_OK) {
        status = weft_redaction_own_make(config, rules, error);
    }
    if (status == WEFT_OK) {
        status = set_detectors(&config->detectors, rules, error);
    }
    if (status == WEFT_OK) {
        status = set_encodings(config, rules, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(lists); i++) {
        status = make_patterns(lists[i].texts, lists[i].key, lists[i].is_match_only, lists[i].patterns, error);
    }
    return status;
}

enum weft_status weft_redaction_rules_new(const struct weft_redaction_config *config,
                                          struct weft_redaction_rules **out_rules, struct weft_error *error)
{
    struct weft_redaction_rules *rules = weft_try_alloc(sizeof *rules);
    enum weft_status status =
        rules == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for a redaction") : fill_rules(config, rules, error);
    if (status != WEFT_OK) {
        weft_redaction_rules_free(&rules);
        return status;
    }
    *out_rules = rules;
    return WEFT_OK;
}

static void patterns_fini(struct weft_redaction_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        weft_pattern_free(&patterns->items[i]);
    }
    weft_pattern_free(&patterns->any);
    weft_free(patterns->items);
    weft_free(patterns->needs);
}

void weft_redaction_rules_free(struct weft_redaction_rules **own_rules)
{
    struct weft_redaction_rules *rules = *own_rules;
    if (rules != NULL) {
        patterns_fini(&rules->ignored_key_patterns);
        patterns_fini(&rules->blocked_key_patterns);
        patterns_fini(&rules->blocked_values);
        patterns_fini(&rules->allowed_values);
        patterns_fini(&rules->own_patterns);
        weft_redaction_sanitizers_fini(&rules->sanitizers);
        weft_free(rules->own);
        weft_free(rules->allowed_keys.items);
        weft_free(rules->ignored_keys.items);
        weft_free(rules);
        *own_rules = NULL;
    }
}

/* ---- matching ---- */

#define MATCHER_BUFFERS(matcher)                                                                                 \
    {                                                                                                            \
        &(matcher)->text, &(matcher)->next_text, &(matcher)->origin, &(matcher)->next_origin, &(matcher)->marks, \
            &(matcher)->unescaped.text, &(matcher)->unescaped.origin, &(matcher)->sanitized[0],                  \
            &(matcher)->sanitized[1]                                                                             \
    }

enum weft_status weft_redaction_matcher_init(struct weft_redaction_matcher *matcher,
                                             const struct weft_redaction_rules *rules, struct weft_error *error)
{
    *matcher = (struct weft_redaction_matcher){ .rules = rules, .encoded = { .rules = &rules->encoded } };
    enum weft_status status = weft_redaction_tally_init(&matcher->tally, rules);
    status = status == WEFT_OK ? weft_redaction_digest_new(rules, &matcher->digest, error) : status;
    status = status == WEFT_OK ? weft_redaction_token_digest_new(rules, &matcher->token_digest, error) : status;
    return status == WEFT_OK ? weft_pattern_scratch_new(0, &matcher->scratch, error) : status;
}

void weft_redaction_matcher_fini(struct weft_redaction_matcher *matcher)
{
    struct weft_buffer *buffers[] = MATCHER_BUFFERS(matcher);
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        weft_buffer_fini(buffers[i]);
    }
    weft_encoded_fini(&matcher->encoded);
    weft_redaction_tally_fini(&matcher->tally);
    weft_pattern_scratch_free(&matcher->scratch);
    weft_digest_free(&matcher->digest);
    weft_digest_free(&matcher->token_digest);
}

void weft_redaction_matcher_trim(struct weft_redaction_matcher *matcher)
{
    enum { KEPT_BYTES = 64 << 10 };
    struct weft_buffer *buffers[] = MATCHER_BUFFERS(matcher);
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        if (buffers[i]->capacity > KEPT_BYTES) {
            weft_buffer_fini(buffers[i]);
            weft_buffer_init(buffers[i], 0);
        }
    }
    weft_encoded_trim(&matcher->encoded);
}

/* Which bytes a text has; false if one of them is not ASCII. */
static bool read_bytes(struct weft_slice text, uint64_t out_words[2])
{
    enum { WORD_BITS = 64, NOT_ASCII = 0x80 };
    uint64_t low = 0;
    uint64_t high = 0;
    uint8_t all = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        uint64_t bit = UINT64_C(1) << byte % WORD_BITS;
        uint64_t is_high = 0 - (uint64_t)(byte / WORD_BITS & 1);
        all |= byte;
        high |= bit & is_high;
        low |= bit & ~is_high;
    }
    out_words[0] = low;
    out_words[1] = high;
    return all < NOT_ASCII;
}

/* How many of the patterns may match in a text with these bytes; the first of them that does. */
static size_t count_candidates(const struct weft_redaction_patterns *patterns, const uint64_t words[2],
                               size_t *out_first)
{
    size_t count = 0;
    *out_first = 0;
    for (size_t i = 0; i < patterns->count; i++) {
        const struct weft_pattern_needs *needs = &patterns->needs[i];
        bool is_candidate = ((needs->start[0] & words[0]) | (needs->start[1] & words[1])) != 0 &&
                            ((needs->inside[0] & words[0]) | (needs->inside[1] & words[1])) != 0;
        *out_first = is_candidate && count == 0 ? i : *out_first;
        count += is_candidate;
    }
    return count;
}

static bool is_match(struct weft_redaction_matcher *matcher, const struct weft_pattern *pattern, struct weft_slice text,
                     bool is_match_at_limit)
{
    switch (weft_pattern_match(pattern, matcher->scratch, text)) {
    case WEFT_PATTERN_NO:
        return false;
    case WEFT_PATTERN_MATCH:
        return true;
    case WEFT_PATTERN_LIMIT:
        matcher->limit_count++;
        return is_match_at_limit;
    }
    return is_match_at_limit;
}

void weft_redaction_matcher_begin(struct weft_redaction_matcher *matcher)
{
    const struct weft_redaction_rules *rules = matcher->rules;
    if (rules->ignored_key_patterns.count + rules->blocked_key_patterns.count + rules->blocked_values.count +
            rules->allowed_values.count + rules->own_patterns.count >
        0) {
        weft_redaction_pace_begin(&matcher->pace);
    }
}

bool weft_redaction_has_time(struct weft_redaction_matcher *matcher, struct weft_slice text, size_t pattern_count)
{
    if (pattern_count == 0) {
        return true;
    }
    weft_pattern_scratch_set_limit(matcher->scratch, weft_redaction_pace_of_match(text.length));
    return weft_redaction_pace_allows(&matcher->pace, text.length * pattern_count);
}

bool weft_redaction_matches(struct weft_redaction_matcher *matcher, const struct weft_redaction_patterns *patterns,
                            struct weft_slice text, bool is_match_at_limit)
{
    uint64_t words[2];
    size_t count = patterns->count;
    size_t first = 0;
    if (text.length > 0 && read_bytes(text, words)) {
        count = count_candidates(patterns, words, &first);
    }
    if (count == 0) {
        return false;
    }
    if (!weft_redaction_has_time(matcher, text, count)) {
        matcher->limit_count++;
        return is_match_at_limit;
    }
    if (count == 1) {
        return is_match(matcher, patterns->items[first], text, is_match_at_limit);
    }
    if (patterns->any != NULL) {
        enum weft_pattern_outcome outcome = weft_pattern_match(patterns->any, matcher->scratch, text);
        if (outcome != WEFT_PATTERN_LIMIT) {
            return outcome == WEFT_PATTERN_MATCH;
        }
    }
    for (size_t i = 0; i < patterns->count; i++) {
        if (is_match(matcher, patterns->items[i], text, is_match_at_limit)) {
            return true;
        }
    }
    return false;
}

bool weft_redaction_has_key(const struct weft_redaction_keys *keys, struct weft_slice key)
{
    return keys->count > 0 && bsearch(&key, keys->items, keys->count, sizeof key, compare_texts) != NULL;
}

enum weft_redaction_verdict weft_redaction_judge_key(struct weft_redaction_matcher *matcher, struct weft_slice key,
                                                     bool is_listed)
{
    const struct weft_redaction_rules *rules = matcher->rules;
    if (weft_redaction_has_key(&rules->ignored_keys, key) ||
        (rules->ignored_key_patterns.count > 0 &&
         weft_redaction_matches(matcher, &rules->ignored_key_patterns, key, false))) {
        return WEFT_REDACTION_IGNORE;
    }
    if (is_listed && !rules->allow_all_keys && !weft_redaction_has_key(&rules->allowed_keys, key)) {
        return WEFT_REDACTION_REMOVE;
    }
    uint64_t limit_count = matcher->limit_count;
    if (rules->blocked_key_patterns.count > 0 &&
        weft_redaction_matches(matcher, &rules->blocked_key_patterns, key, true)) {
        if (matcher->limit_count > limit_count) {
            weft_redaction_count_limit(&matcher->tally, WEFT_REDACTION_BLOCKED_KEY, 0);
        }
        return WEFT_REDACTION_MASK;
    }
    return WEFT_REDACTION_LOOK;
}

bool weft_redaction_allows(struct weft_redaction_matcher *matcher, struct weft_slice text)
{
    const struct weft_redaction_patterns *patterns = &matcher->rules->allowed_values;
    return patterns->count > 0 && weft_redaction_matches(matcher, patterns, text, false);
}
