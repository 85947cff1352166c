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

static struct weft_pattern *compile(struct weft_slice text, bool is_interpreted)
{
    const struct weft_pattern_options options = { .has_groups = true, .is_interpreted = is_interpreted };
    struct weft_pattern *pattern = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_pattern_compile(text, &options, &pattern, &error);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_pattern_scratch *scratch;
    static struct matches compiled;
    static struct matches interpreted;
    if (scratch == NULL && weft_pattern_scratch_new(8, &scratch, NULL) != WEFT_OK) {
        abort();
    }
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = newline == NULL ? size : (size_t)(newline - data);
    size_t after = newline == NULL ? size : length + 1;
    struct weft_pattern *pattern = compile(weft_slice_of(data, length), false);
    struct weft_pattern *slow = compile(weft_slice_of(data, length), true);
    weft_assert((pattern == NULL) == (slow == NULL));
    if (pattern != NULL) {
        struct weft_slice subject = weft_slice_of(data + after, size - after);
        find(pattern, scratch, subject, &compiled);
        find(slow, scratch, subject, &interpreted);
        if (compiled.last != WEFT_PATTERN_LIMIT && interpreted.last != WEFT_PATTERN_LIMIT) {
            weft_assert(compiled.count == interpreted.count);
            weft_assert(memcmp(compiled.starts, interpreted.starts, compiled.count * sizeof(size_t)) == 0);
            weft_assert(memcmp(compiled.ends, interpreted.ends, compiled.count * sizeof(size_t)) == 0);
        }
    }
    weft_pattern_free(&pattern);
    weft_pattern_free(&slow);
    return 0;
}
