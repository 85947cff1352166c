#pragma once

#include "base/pattern.h"

/* Patterns so plain that a look at the bytes finds them, without PCRE2: ASCII text, which may be followed by one class
 * of characters that is repeated, as in `^/health`, `session=[0-9a-f]+`, `\.internal$`, `\d+`. That is most of what
 * configs say. Where they match is where PCRE2 would find them, also in bytes that are no UTF-8: text that is ASCII
 * lies in them as it lies in what they are repaired to. */
enum { WEFT_PATTERN_PLAIN_BYTES = 64, WEFT_PATTERN_PLAIN_AT_ONCE = 16 };

struct weft_pattern_plain {
    bool is_at_start, is_at_end; /* ^, $ */
    bool has_class;              /* behind the text, as often as there is some */
    bool needs_one;              /* of the class at least: +, not * */
    uint8_t length;
    uint8_t text[WEFT_PATTERN_PLAIN_BYTES];
    uint8_t rare;      /* where in the text the byte stands that is looked for */
    bool members[256]; /* of the class, by byte */
    bool has_ranges;   /* they are one range of bytes or two: in each place the least of it, and how many more it has */
    uint8_t least[2][WEFT_PATTERN_PLAIN_AT_ONCE], more[2][WEFT_PATTERN_PLAIN_AT_ONCE];
};

/* text: of a pattern that RE2 takes. False: it is another kind of pattern. */
bool weft_pattern_plain_of(struct weft_slice text, struct weft_pattern_plain *out_plain);

/* Whether it matches anywhere. */
bool weft_pattern_plain_matches(const struct weft_pattern_plain *plain, struct weft_slice subject);

/* All matches, from left to right. False: there are more than few. */
bool weft_pattern_plain_find_few(const struct weft_pattern_plain *plain, struct weft_slice subject,
                                 struct weft_pattern_few *out_few);

/* The first match that starts at `from` or later, which is never empty. */
bool weft_pattern_plain_find(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t from,
                             size_t *out_start, size_t *out_end);
