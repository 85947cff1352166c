/* A regular expression (the first line) and a subject (the rest), any bytes. What the translator passes PCRE2 must
 * take, unless it is too large; the JIT and the interpreter must agree; matches lie within the subject, in order. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MATCHES = 64 };

struct matches {
    enum weft_pattern_outcome last;
    size_t count;
    size_t starts[MAX_MATCHES], ends[MAX_MATCHES];
};

static struct weft_pattern *compile(struct weft_slice text, const struct weft_pattern_options *options)
{
    struct weft_pattern *pattern = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_pattern_compile(text, options, &pattern, &error);
    weft_assert((status == WEFT_OK) == (pattern != NULL));
    if (status != WEFT_OK) {
        weft_assert(status == WEFT_INVALID || status == WEFT_UNSUPPORTED || status == WEFT_LIMIT);
        weft_assert(status == WEFT_LIMIT || strstr(error.text, "offset ") != NULL ||
                    strstr(error.text, "too large") != NULL);
    }
    return pattern;
}

static void find(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch, struct weft_slice subject,
                 struct matches *found)
{
    struct weft_pattern_search search;
    size_t start;
    size_t end;
    found->count = 0;
    weft_pattern_search_start(pattern, scratch, subject, &search);
    while (found->count < MAX_MATCHES &&
           (found->last = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        weft_assert(start <= end && end <= subject.length);
        weft_assert(found->count == 0 || start >= found->ends[found->count - 1]);
        found->starts[found->count] = start;
        found->ends[found->count++] = end;
        for (size_t group = 1; group <= weft_pattern_group_count(pattern); group++) {
            struct weft_slice text;
            weft_assert(!weft_pattern_search_group(&search, group, &text) || text.length <= subject.length);
        }
    }
}

/* Compiled for matching only, it says whether there is a match as the search does. */
static void check_match_only(struct weft_slice text, struct weft_pattern_scratch *scratch, struct weft_slice subject,
                             const struct matches *found)
{
    static const struct weft_pattern_options match_only = { .is_match_only = true };
    struct weft_pattern *pattern = compile(text, &match_only);
    if (pattern != NULL) {
        enum weft_pattern_outcome outcome = weft_pattern_match(pattern, scratch, subject);
        bool is_comparable =
            found != NULL && outcome != WEFT_PATTERN_LIMIT && (found->count > 0 || found->last != WEFT_PATTERN_LIMIT);
        weft_assert(!is_comparable || (outcome == WEFT_PATTERN_MATCH) == (found->count > 0));
    }
    weft_assert(pattern != NULL || found == NULL);
    weft_pattern_free(&pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct weft_pattern_options with_groups = { .has_groups = true };
    static const struct weft_pattern_options without_jit = { .has_groups = true, .is_interpreted = true };
    static struct weft_pattern_scratch *scratch;
    static struct matches compiled;
    static struct matches interpreted;
    if (scratch == NULL && weft_pattern_scratch_new(8, &scratch, NULL) != WEFT_OK) {
        abort();
    }
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = newline == NULL ? size : (size_t)(newline - data);
    size_t after = newline == NULL ? size : length + 1;
    struct weft_slice text = weft_slice_of(data, length);
    struct weft_slice subject = weft_slice_of(data + after, size - after);
    struct weft_pattern *pattern = compile(text, &with_groups);
    struct weft_pattern *slow = compile(text, &without_jit);
    weft_assert((pattern == NULL) == (slow == NULL));
    if (pattern != NULL) {
        find(pattern, scratch, subject, &compiled);
        find(slow, scratch, subject, &interpreted);
        if (compiled.last != WEFT_PATTERN_LIMIT && interpreted.last != WEFT_PATTERN_LIMIT) {
            weft_assert(compiled.count == interpreted.count);
            weft_assert(memcmp(compiled.starts, interpreted.starts, compiled.count * sizeof(size_t)) == 0);
            weft_assert(memcmp(compiled.ends, interpreted.ends, compiled.count * sizeof(size_t)) == 0);
        }
    }
    check_match_only(text, scratch, subject, pattern == NULL ? NULL : &compiled);
    weft_pattern_free(&pattern);
    weft_pattern_free(&slow);
    return 0;
}
