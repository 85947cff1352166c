/* The list `rules` of a redaction (redaction_rules.h): patterns and detectors with a replacement of their own, a text
 * or a token. A token is the same for equal texts and tells nothing about them to who has no key: HMAC-SHA-256, cut to
 * 96 bits, so that records that name one person can still be joined. */
#include "processors/redaction_rules.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MIN_KEY_BYTES = 32, TOKEN_DIGITS = 24 };

static const char token_prefix[] = "tok_";

static enum weft_status check_item(const struct weft_redaction_own_config *item, size_t index,
                                   struct weft_slice token_key, struct weft_error *error)
{
    if ((item->pattern == NULL) == (item->detector == NULL)) {
        return weft_fail(error, WEFT_INVALID, "rules[%zu]: needs either pattern or detector", index);
    }
    if ((item->mask != NULL) == item->tokenize) {
        return weft_fail(error, WEFT_INVALID, "rules[%zu]: needs either mask or tokenize: true", index);
    }
    if (item->detector != NULL && weft_detector_of(item->detector) == WEFT_DETECTOR_COUNT) {
        return weft_fail(error, WEFT_INVALID, "rules[%zu]: no detector is called %.40s", index, item->detector);
    }
    if (item->tokenize && token_key.length < MIN_KEY_BYTES) {
        return weft_fail(error, WEFT_INVALID, "token_key: tokenize needs at least %d bytes, this one has %zu",
                         MIN_KEY_BYTES, token_key.length);
    }
    return WEFT_OK;
}

static enum weft_status add_item(const struct weft_redaction_own_config *item, size_t index,
                                 struct weft_redaction_rules *rules, struct weft_error *error)
{
    struct weft_redaction_patterns *patterns = &rules->own_patterns;
    struct weft_redaction_own *own = &rules->own[rules->own_count];
    *own = (struct weft_redaction_own){ .detector = WEFT_DETECTOR_COUNT, .is_token = item->tokenize };
    if (item->mask != NULL) {
        own->mask = weft_slice_of_text(item->mask);
    }
    if (item->detector != NULL) {
        own->detector = weft_detector_of(item->detector);
        rules->own_detectors |= 1u << own->detector;
    } else {
        static const struct weft_pattern_options options = { .is_match_only = false };
        struct weft_pattern **pattern = &patterns->items[patterns->count];
        enum weft_status status = weft_pattern_compile(weft_slice_of_text(item->pattern), &options, pattern, error);
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "rules[%zu]: '%.120s'", index, item->pattern);
        }
        patterns->needs[patterns->count++] = weft_pattern_needs_of(*pattern);
        own->pattern = *pattern;
    }
    rules->own_count++;
    rules->has_tokens = rules->has_tokens || item->tokenize;
    return WEFT_OK;
}

enum weft_status weft_redaction_own_make(const struct weft_redaction_config *config, struct weft_redaction_rules *rules,
                                         struct weft_error *error)
{
    const struct weft_redaction_own_config *items = config->rules.items;
    struct weft_redaction_patterns *patterns = &rules->own_patterns;
    size_t room = config->rules.count + 1;
    rules->token_key = config->token_key.text == NULL ? WEFT_SLICE_EMPTY : weft_slice_of_text(config->token_key.text);
    rules->own = weft_try_alloc(room * sizeof *rules->own);
    patterns->items = weft_try_alloc(room * sizeof(struct weft_pattern *));
    patterns->needs = weft_try_alloc(room * sizeof *patterns->needs);
    if (rules->own == NULL || patterns->items == NULL || patterns->needs == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for rules");
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < config->rules.count && status == WEFT_OK; i++) {
        status = check_item(&items[i], i, rules->token_key, error);
        status = status == WEFT_OK ? add_item(&items[i], i, rules, error) : status;
    }
    return status;
}

enum weft_status weft_redaction_token_digest_new(const struct weft_redaction_rules *rules,
                                                 struct weft_digest **out_digest, struct weft_error *error)
{
    *out_digest = NULL;
    return rules->has_tokens ? weft_digest_new(WEFT_DIGEST_SHA256, &rules->token_key, out_digest, error) : WEFT_OK;
}

void weft_redaction_put_own(struct weft_redaction_matcher *matcher, const struct weft_redaction_own *own,
                            struct weft_slice text, struct weft_buffer *out)
{
    char hex[WEFT_DIGEST_MAX_HEX];
    if (own == NULL) {
        weft_redaction_put_mask(matcher, text, out);
    } else if (!own->is_token) {
        weft_buffer_append(out, own->mask.bytes, own->mask.length);
    } else if (weft_digest_compute_hex(matcher->token_digest, text, hex) >= TOKEN_DIGITS) {
        weft_buffer_append_text(out, token_prefix);
        weft_buffer_append(out, hex, TOKEN_DIGITS);
    } else {
        static const struct weft_slice mask = WEFT_REDACTION_MASK_TEXT;
        weft_buffer_append(out, mask.bytes, mask.length);
    }
}
