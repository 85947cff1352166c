/* What a redactor leaves of a text that weft itself shows (pipeline/hiding.h): as in an attribute with that key.
 * Nothing of it is counted: no record was touched. */
#include "processors/redaction_walk.h"

static struct weft_slice mask_lines(struct weft_redactor *redactor, struct weft_slice text)
{
    weft_buffer_clear(&redactor->text);
    weft_redaction_mask_lines(&redactor->matcher, text, &redactor->text);
    return weft_buffer_status(&redactor->text) == WEFT_OK ? weft_buffer_slice(&redactor->text)
                                                          : WEFT_REDACTION_MASK_TEXT;
}

static struct weft_slice hide(struct weft_redactor *redactor, struct weft_slice key, struct weft_slice text)
{
    struct weft_redaction_matcher *matcher = &redactor->matcher;
    struct weft_slice masked;
    enum weft_redaction_verdict verdict =
        key.length == 0 ? WEFT_REDACTION_LOOK : weft_redaction_judge_key(matcher, key, true);
    if (verdict == WEFT_REDACTION_IGNORE) {
        return text;
    }
    if (verdict == WEFT_REDACTION_REMOVE) {
        return WEFT_SLICE_EMPTY;
    }
    if (weft_redaction_allows(matcher, text)) {
        return text;
    }
    if (verdict == WEFT_REDACTION_MASK) {
        return mask_lines(redactor, text);
    }
    return weft_redaction_mask(matcher, text, &masked) ? masked : text;
}

struct weft_slice weft_redactor_hide(struct weft_redactor *redactor, struct weft_slice key, struct weft_slice text)
{
    struct weft_redaction_matcher *matcher = &redactor->matcher;
    uint64_t limit_count = matcher->limit_count;
    matcher->found_by = NULL;
    weft_redaction_matcher_begin(matcher);
    matcher->tally.is_paused = true;
    struct weft_slice shown = hide(redactor, key, text);
    matcher->limit_count = limit_count;
    matcher->tally.is_paused = false;
    return shown;
}
