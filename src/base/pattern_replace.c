/* Replacing what a pattern matches (pattern.h): one search from left to right. Half a replacement is worse than none,
 * since it would look like a whole one, so a search that meets its limits takes back what it wrote. */
#include "base/pattern.h"

enum weft_pattern_outcome weft_pattern_replace(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                               struct weft_slice subject, struct weft_slice mask,
                                               struct weft_buffer *out)
{
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t length_before = out->length;
    size_t copied = 0;
    bool has_match = false;
    size_t start;
    size_t end;
    weft_pattern_search_start(pattern, scratch, subject, &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        has_match = true;
        weft_buffer_append(out, subject.bytes + copied, start - copied);
        weft_buffer_append(out, mask.bytes, mask.length);
        copied = end;
    }
    if (outcome == WEFT_PATTERN_NO && has_match) {
        weft_buffer_append(out, subject.bytes + copied, subject.length - copied);
        outcome = weft_buffer_status(out) == WEFT_OK ? WEFT_PATTERN_MATCH : WEFT_PATTERN_LIMIT;
    }
    if (outcome == WEFT_PATTERN_LIMIT) {
        out->length = length_before;
    }
    return outcome;
}
