/* Masking what blocked_values match in one text (redaction_rules.h). While the patterns work one after another, each
 * byte of the text knows where it stood at first. So it is known in the end which bytes of the text as it came are
 * masked, and whether that is all that any pattern matches in it. Texts without a match cost one look. */
#include "processors/redaction_rules.h"

#include "base/assert.h"

enum { IS_MASKED = 1, IS_WANTED = 2 };

static const uint32_t no_origin = UINT32_MAX; /* a byte of a mask */

static uint32_t *origins(const struct weft_buffer *buffer)
{
    return (uint32_t *)(void *)buffer->bytes;
}

static void append_origins(struct weft_buffer *to, const uint32_t *from, size_t count)
{
    weft_buffer_append(to, from, count * sizeof *from);
}

static void append_mask(struct weft_redaction_matcher *matcher, struct weft_slice match)
{
    size_t at = matcher->next_text.length;
    weft_redaction_put_mask(matcher, match, &matcher->next_text);
    for (; at < matcher->next_text.length; at++) {
        append_origins(&matcher->next_origin, &no_origin, 1);
    }
}

static void swap(struct weft_buffer *left, struct weft_buffer *right)
{
    struct weft_buffer kept = *left;
    *left = *right;
    *right = kept;
}

/* Copies what lies before `to` in the text. */
static void keep(struct weft_redaction_matcher *matcher, size_t from, size_t to)
{
    weft_buffer_append(&matcher->next_text, matcher->text.bytes + from, to - from);
    append_origins(&matcher->next_origin, origins(&matcher->origin) + from, to - from);
}

/* Replaces what the pattern matches in the text as it is now. */
static enum weft_pattern_outcome replace(struct weft_redaction_matcher *matcher, const struct weft_pattern *pattern)
{
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t copied = 0;
    size_t start;
    size_t end;
    bool has_match = false;
    weft_buffer_clear(&matcher->next_text);
    weft_buffer_clear(&matcher->next_origin);
    weft_pattern_search_start(pattern, matcher->scratch, weft_buffer_slice(&matcher->text), &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        has_match = true;
        keep(matcher, copied, start);
        append_mask(matcher, weft_slice_of(matcher->text.bytes + start, end - start));
        for (size_t i = start; i < end; i++) {
            uint32_t origin = origins(&matcher->origin)[i];
            if (origin != no_origin) {
                matcher->marks.bytes[origin] |= IS_MASKED;
            }
        }
        copied = end;
    }
    if (outcome != WEFT_PATTERN_NO || !has_match) {
        return outcome;
    }
    keep(matcher, copied, matcher->text.length);
    swap(&matcher->text, &matcher->next_text);
    swap(&matcher->origin, &matcher->next_origin);
    return weft_buffer_status(&matcher->text) == WEFT_OK && weft_buffer_status(&matcher->origin) == WEFT_OK
               ? WEFT_PATTERN_MATCH
               : WEFT_PATTERN_LIMIT;
}

/* Marks what the pattern matches in the text as it came. */
static enum weft_pattern_outcome want(struct weft_redaction_matcher *matcher, const struct weft_pattern *pattern,
                                      struct weft_slice text)
{
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t start;
    size_t end;
    weft_pattern_search_start(pattern, matcher->scratch, text, &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        for (size_t i = start; i < end; i++) {
            matcher->marks.bytes[i] |= IS_WANTED;
        }
    }
    return outcome;
}

static bool prepare(struct weft_redaction_matcher *matcher, struct weft_slice text)
{
    struct weft_buffer *buffers[] = { &matcher->text, &matcher->next_text, &matcher->origin, &matcher->next_origin,
                                      &matcher->marks };
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        weft_buffer_clear(buffers[i]);
    }
    if (text.length > WEFT_PATTERN_MAX_SUBJECT_BYTES) {
        return false;
    }
    uint8_t *room = weft_buffer_reserve(&matcher->text, text.length + 1); /* there are bytes, however few */
    weft_buffer_append(&matcher->text, text.bytes, text.length);
    uint8_t *marks = weft_buffer_reserve(&matcher->marks, text.length + 1);
    uint8_t *origin = weft_buffer_reserve(&matcher->origin, (text.length + 1) * sizeof(uint32_t));
    if (room == NULL || marks == NULL || origin == NULL || weft_buffer_status(&matcher->text) != WEFT_OK) {
        return false;
    }
    memset(marks, 0, text.length);
    matcher->marks.length = text.length;
    matcher->origin.length = text.length * sizeof(uint32_t);
    for (size_t i = 0; i < text.length; i++) {
        origins(&matcher->origin)[i] = (uint32_t)i;
    }
    return true;
}

/* False if a pattern met its limits. */
static bool mask_in_order(struct weft_redaction_matcher *matcher, struct weft_slice text)
{
    const struct weft_redaction_patterns *patterns = &matcher->rules->blocked_values;
    bool is_changed = false;
    for (size_t i = 0; i < patterns->count; i++) {
        if (is_changed && want(matcher, patterns->items[i], text) == WEFT_PATTERN_LIMIT) {
            return false;
        }
        enum weft_pattern_outcome outcome = replace(matcher, patterns->items[i]);
        if (outcome == WEFT_PATTERN_LIMIT) {
            return false;
        }
        is_changed = is_changed || outcome == WEFT_PATTERN_MATCH;
    }
    return true;
}

static bool is_all_masked(const struct weft_redaction_matcher *matcher)
{
    for (size_t i = 0; i < matcher->marks.length; i++) {
        if (matcher->marks.bytes[i] == IS_WANTED) {
            return false;
        }
    }
    return true;
}

/* Each run of marked bytes becomes one mask. */
static bool mask_marked(struct weft_redaction_matcher *matcher, struct weft_slice text)
{
    const uint8_t *marks = matcher->marks.bytes;
    weft_buffer_clear(&matcher->text);
    for (size_t from = 0, to; from < text.length; from = to) {
        bool is_marked = marks[from] != 0;
        for (to = from + 1; to < text.length && (marks[to] != 0) == is_marked; to++) {
        }
        if (is_marked) {
            weft_redaction_put_mask(matcher, weft_slice_of(text.bytes + from, to - from), &matcher->text);
        } else {
            weft_buffer_append(&matcher->text, text.bytes + from, to - from);
        }
    }
    return weft_buffer_status(&matcher->text) == WEFT_OK;
}

static struct weft_slice mask_all(struct weft_redaction_matcher *matcher, struct weft_slice text)
{
    weft_buffer_clear(&matcher->text);
    weft_redaction_put_mask(matcher, text, &matcher->text);
    return weft_buffer_status(&matcher->text) == WEFT_OK ? weft_buffer_slice(&matcher->text) : WEFT_REDACTION_MASK_TEXT;
}

bool weft_redaction_mask(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_slice *out_masked)
{
    const struct weft_redaction_patterns *patterns = &matcher->rules->blocked_values;
    const uint64_t limit_count = matcher->limit_count;
    if (patterns->count == 0 || !weft_redaction_matches(matcher, patterns, text, true)) {
        return false;
    }
    struct weft_slice masked;
    if (prepare(matcher, text) && mask_in_order(matcher, text) &&
        (is_all_masked(matcher) || mask_marked(matcher, text))) {
        masked = weft_buffer_slice(&matcher->text);
    } else {
        matcher->limit_count = limit_count + 1;
        masked = mask_all(matcher, text);
    }
    if (weft_slice_equal(masked, text)) {
        return false;
    }
    *out_masked = masked;
    return true;
}

void weft_redaction_mask_lines(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_buffer *out)
{
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '\n') {
            weft_redaction_put_mask(matcher, weft_slice_of(text.bytes + from, i - from), out);
            weft_buffer_append_byte(out, '\n');
            from = i + 1;
        }
    }
    struct weft_slice last = from == 0 ? text : weft_slice_of(text.bytes + from, text.length - from);
    weft_redaction_put_mask(matcher, last, out);
}
