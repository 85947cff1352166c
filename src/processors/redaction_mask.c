/* Masking what blocked_values match and detectors find in one text (redaction_rules.h). While the rules work one after
 * another, each byte of the text knows where it stood at first. So it is known in the end which bytes of the text as it
 * came are masked, and whether that is all that any pattern matches in it. Texts without a match cost one look. */
#include "processors/redaction_rules.h"

#include "base/assert.h"
#include "base/work.h"

enum { IS_MASKED = 1, IS_WANTED = 2 };

/* Of one rule in one text: where more is found, all of the text is hidden. What a match costs is many times what a byte
 * does. */
enum { MAX_FINDS = 4096 };

static const uint32_t no_origin = UINT32_MAX; /* a byte of a mask */

static uint32_t *origins(const struct weft_buffer *buffer)
{
    return (uint32_t *)(void *)buffer->bytes;
}

static void append_origins(struct weft_buffer *to, const uint32_t *from, size_t count)
{
    weft_buffer_append(to, from, count * sizeof *from);
}

static void append_mask(struct weft_redaction_matcher *matcher, const struct weft_redaction_own *own,
                        struct weft_slice match)
{
    size_t at = matcher->next_text.length;
    weft_redaction_put_own(matcher, own, match, &matcher->next_text);
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
    enum { PIECE_BYTES = 256 << 10 };
    for (size_t end; from < to; from = end) {
        end = to - from < PIECE_BYTES ? to : from + PIECE_BYTES;
        weft_buffer_append(&matcher->next_text, matcher->text.bytes + from, end - from);
        append_origins(&matcher->next_origin, origins(&matcher->origin) + from, end - from);
        weft_work_did(end - from);
    }
}

/* A pattern or, if that is NULL, a detector. */
struct rule {
    const struct weft_pattern *pattern;
    enum weft_detector_id detector;
    const struct weft_redaction_own *own; /* NULL: it masks */
    size_t index;                         /* in its list */
};

static enum weft_redaction_rule_kind kind_of(const struct rule *rule)
{
    return rule->own != NULL       ? WEFT_REDACTION_OWN_RULE
           : rule->pattern != NULL ? WEFT_REDACTION_BLOCKED_VALUE
                                   : WEFT_REDACTION_DETECTOR;
}

static size_t index_of(const struct rule *rule)
{
    return kind_of(rule) == WEFT_REDACTION_DETECTOR ? (size_t)rule->detector : rule->index;
}

static void tell_rule(const struct weft_redaction_matcher *matcher, const struct rule *rule)
{
    struct weft_buffer *out = matcher->found_by;
    if (out != NULL) {
        char name[WEFT_REDACTION_RULE_NAME_BYTES];
        weft_redaction_rule_name(kind_of(rule), index_of(rule), name);
        weft_buffer_append_text(out, out->length > 0 ? ", " : "");
        weft_buffer_append_text(out, name);
    }
}

/* What a rule matches in a text, one after another. */
struct search {
    const struct rule *rule;
    struct weft_pattern_search by_pattern;
    struct weft_slice text;
    size_t from;
};

static void start_search(const struct weft_redaction_matcher *matcher, const struct rule *rule, struct weft_slice text,
                         struct search *out_search)
{
    *out_search = (struct search){ .rule = rule, .text = text };
    if (rule->pattern != NULL) {
        weft_pattern_search_start(rule->pattern, matcher->scratch, text, &out_search->by_pattern);
    }
}

static enum weft_pattern_outcome search_next(struct search *search, size_t *out_start, size_t *out_end)
{
    struct weft_found found;
    if (search->rule->pattern != NULL) {
        return weft_pattern_search_next(&search->by_pattern, out_start, out_end);
    }
    if (!weft_detector_next(search->rule->detector, search->text, search->from, &found)) {
        return WEFT_PATTERN_NO;
    }
    weft_assert(found.start >= search->from && found.end > found.start && found.end <= search->text.length);
    search->from = found.end;
    *out_start = found.start;
    *out_end = found.end;
    return WEFT_PATTERN_MATCH;
}

/* Replaces what the rule matches in the text as it is now. */
static enum weft_pattern_outcome replace(struct weft_redaction_matcher *matcher, const struct rule *rule)
{
    struct search search;
    enum weft_pattern_outcome outcome;
    size_t copied = 0;
    size_t start;
    size_t end;
    size_t count = 0;
    weft_buffer_clear(&matcher->next_text);
    weft_buffer_clear(&matcher->next_origin);
    start_search(matcher, rule, weft_buffer_slice(&matcher->text), &search);
    while ((outcome = search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        if (++count > MAX_FINDS) {
            return WEFT_PATTERN_LIMIT;
        }
        keep(matcher, copied, start);
        append_mask(matcher, rule->own, weft_slice_of(matcher->text.bytes + start, end - start));
        for (size_t i = start; i < end; i++) {
            weft_work_did_each(i);
            uint32_t origin = origins(&matcher->origin)[i];
            if (origin != no_origin) {
                matcher->marks.bytes[origin] |= IS_MASKED;
            }
        }
        copied = end;
    }
    if (outcome != WEFT_PATTERN_NO || count == 0) {
        return outcome;
    }
    tell_rule(matcher, rule);
    if (kind_of(rule) !=
        WEFT_REDACTION_DETECTOR) { /* which are counted where they find something, masked before or not */
        weft_redaction_count_value(&matcher->tally, kind_of(rule), rule->index);
    }
    keep(matcher, copied, matcher->text.length);
    swap(&matcher->text, &matcher->next_text);
    swap(&matcher->origin, &matcher->next_origin);
    return weft_buffer_status(&matcher->text) == WEFT_OK && weft_buffer_status(&matcher->origin) == WEFT_OK
               ? WEFT_PATTERN_MATCH
               : WEFT_PATTERN_LIMIT;
}

static void mark_wanted(struct weft_redaction_matcher *matcher, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++) {
        weft_work_did_each(i);
        matcher->marks.bytes[i] |= IS_WANTED;
    }
}

/* Marks what the rule matches in the text as it came. */
static enum weft_pattern_outcome want(struct weft_redaction_matcher *matcher, const struct rule *rule,
                                      struct weft_slice text)
{
    struct search search;
    enum weft_pattern_outcome outcome;
    size_t start;
    size_t end;
    start_search(matcher, rule, text, &search);
    while ((outcome = search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        mark_wanted(matcher, start, end);
    }
    return outcome;
}

/* The same for what a detector finds in the text without its escapes. */
static void want_unescaped(struct weft_redaction_matcher *matcher, const struct rule *rule)
{
    const struct weft_unescaped *unescaped = &matcher->unescaped;
    struct search search;
    size_t start;
    size_t end;
    start_search(matcher, rule, weft_buffer_slice(&unescaped->text), &search);
    while (search_next(&search, &start, &end) == WEFT_PATTERN_MATCH) {
        mark_wanted(matcher, weft_unescaped_origin(unescaped, start), weft_unescaped_origin(unescaped, end));
    }
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
    weft_work_did(text.length);
    memset(marks, 0, text.length);
    weft_work_did(text.length);
    matcher->marks.length = text.length;
    matcher->origin.length = text.length * sizeof(uint32_t);
    for (size_t i = 0; i < text.length; i++) {
        origins(&matcher->origin)[i] = (uint32_t)i;
        weft_work_did_each(i);
    }
    return true;
}

/* False if it met its limits. */
static bool mask_by(struct weft_redaction_matcher *matcher, const struct rule *rule, struct weft_slice text,
                    bool *in_out_is_changed)
{
    enum weft_pattern_outcome outcome = *in_out_is_changed ? want(matcher, rule, text) : WEFT_PATTERN_NO;
    if (outcome != WEFT_PATTERN_LIMIT) {
        outcome = replace(matcher, rule);
    }
    if (outcome == WEFT_PATTERN_LIMIT) {
        weft_redaction_count_limit(&matcher->tally, kind_of(rule), index_of(rule));
    }
    *in_out_is_changed = *in_out_is_changed || outcome == WEFT_PATTERN_MATCH;
    return outcome != WEFT_PATTERN_LIMIT;
}

static bool mask_by_own(struct weft_redaction_matcher *matcher, size_t index, struct weft_slice text,
                        weft_detector_set detected, bool *in_out_is_changed)
{
    const struct weft_redaction_own *own = &matcher->rules->own[index];
    struct rule rule = { .pattern = own->pattern, .detector = own->detector, .own = own, .index = index };
    if (own->pattern == NULL && (detected >> own->detector & 1) == 0) {
        return true;
    }
    return mask_by(matcher, &rule, text, in_out_is_changed);
}

static void count_detected(struct weft_redaction_matcher *matcher, weft_detector_set detected)
{
    for (; detected != 0; detected &= detected - 1) {
        weft_redaction_count_value(&matcher->tally, WEFT_REDACTION_DETECTOR, (size_t)__builtin_ctz(detected));
    }
}

/* False if a pattern met its limits. Only those detectors are asked that find something in the text as it came. */
static bool mask_in_order(struct weft_redaction_matcher *matcher, struct weft_slice text, weft_detector_set detected)
{
    const struct weft_redaction_patterns *patterns = &matcher->rules->blocked_values;
    bool is_changed = false;
    for (size_t i = 0; i < patterns->count; i++) {
        if (!mask_by(matcher, &(struct rule){ .pattern = patterns->items[i], .index = i }, text, &is_changed)) {
            return false;
        }
    }
    const struct weft_redaction_rules *rules = matcher->rules;
    for (size_t i = 0; i < rules->own_count; i++) {
        if (!mask_by_own(matcher, i, text, detected, &is_changed)) {
            return false;
        }
    }
    for (weft_detector_set left = detected & rules->masked_detectors; left != 0; left &= left - 1) {
        struct rule rule = { .detector = (enum weft_detector_id)__builtin_ctz(left) };
        if (!mask_by(matcher, &rule, text, &is_changed)) {
            return false;
        }
    }
    return true;
}

/* Marks what is found in the text without its escapes only; tells of what no detector found in it as it came. */
static void want_all_unescaped(struct weft_redaction_matcher *matcher, weft_detector_set unescaped,
                               weft_detector_set detected)
{
    for (weft_detector_set left = unescaped; left != 0; left &= left - 1) {
        struct rule rule = { .detector = (enum weft_detector_id)__builtin_ctz(left) };
        want_unescaped(matcher, &rule);
        if ((detected >> rule.detector & 1) == 0) {
            tell_rule(matcher, &rule);
        }
    }
}

/* Marks what holds something in an encoded form; tells of what no detector found otherwise. */
static void want_encoded(struct weft_redaction_matcher *matcher, weft_detector_set detected)
{
    const struct weft_buffer *hits = &matcher->encoded.hits;
    for (size_t at = 0; at < hits->length; at += sizeof(struct weft_encoded_hit)) {
        struct weft_encoded_hit hit;
        memcpy(&hit, hits->bytes + at, sizeof hit);
        mark_wanted(matcher, hit.start, hit.end);
        for (weft_detector_set left = hit.found & ~detected; left != 0; left &= left - 1) {
            tell_rule(matcher, &(struct rule){ .detector = (enum weft_detector_id)__builtin_ctz(left) });
        }
        detected |= hit.found;
    }
}

static bool is_all_masked(const struct weft_redaction_matcher *matcher)
{
    for (size_t i = 0; i < matcher->marks.length; i++) {
        weft_work_did_each(i);
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
            weft_work_did_each(to);
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

/* False: there was no memory to undo escapes, or too much to decode, so nobody knows what is there. */
static bool is_known(const struct weft_redaction_matcher *matcher)
{
    return !matcher->unescaped.text.is_failed && !matcher->unescaped.origin.is_failed && !matcher->encoded.is_over;
}

/* The detectors that find something in the text without its escapes. */
static weft_detector_set find_unescaped(struct weft_redaction_matcher *matcher, struct weft_slice text,
                                        bool *in_out_has_escapes)
{
    struct weft_unescaped *unescaped = &matcher->unescaped;
    weft_buffer_clear(&unescaped->text); /* a former text may have found no memory */
    weft_buffer_clear(&unescaped->origin);
    *in_out_has_escapes = *in_out_has_escapes && text.length <= UINT32_MAX && weft_redaction_unescape(text, unescaped);
    if (!*in_out_has_escapes || unescaped->text.is_failed || unescaped->origin.is_failed) {
        return 0;
    }
    return weft_detectors_find(&matcher->rules->detectors, weft_buffer_slice(&unescaped->text));
}

bool weft_redaction_mask(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_slice *out_masked)
{
    const struct weft_redaction_patterns *patterns = &matcher->rules->blocked_values;
    const struct weft_redaction_patterns *own = &matcher->rules->own_patterns;
    const uint64_t limit_count = matcher->limit_count;
    const size_t told_length = matcher->found_by == NULL ? 0 : matcher->found_by->length;
    const struct weft_detector_filter *detectors = &matcher->rules->detectors;
    weft_detector_set detected = 0;
    weft_detector_set unescaped = 0;
    weft_detector_set encoded = 0;
    if (detectors->set != 0) {
        bool has_escapes;
        detected = weft_detectors_find_in(detectors, text, &has_escapes);
        weft_work_did(text.length);
        unescaped = find_unescaped(matcher, text, &has_escapes);
        weft_work_did(text.length);
        encoded = weft_encoded_find(&matcher->encoded, text, has_escapes ? &matcher->unescaped : NULL);
        if (matcher->encoded.is_over) {
            weft_redaction_count_limit(&matcher->tally, WEFT_REDACTION_DECODE, 0);
        }
    }
    if ((detected | unescaped | encoded) == 0 && is_known(matcher) &&
        (patterns->count == 0 || !weft_redaction_matches(matcher, patterns, text, true)) &&
        (own->count == 0 || !weft_redaction_matches(matcher, own, text, true))) {
        return false;
    }
    struct weft_slice masked;
    bool is_done = is_known(matcher) && weft_redaction_has_time(matcher, text, patterns->count + own->count) &&
                   prepare(matcher, text) && mask_in_order(matcher, text, detected);
    if (is_done) {
        want_all_unescaped(matcher, unescaped, detected);
        want_encoded(matcher, detected | unescaped);
        is_done = is_all_masked(matcher) || mask_marked(matcher, text);
    }
    if (is_done) {
        masked = weft_buffer_slice(&matcher->text);
        count_detected(matcher, detected | unescaped | encoded);
    } else {
        matcher->limit_count = limit_count + 1;
        masked = mask_all(matcher, text);
    }
    if (weft_slice_equal(masked, text)) {
        if (matcher->found_by != NULL) {
            matcher->found_by->length = told_length;
        }
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
