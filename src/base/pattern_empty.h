#pragma once

#include <stdbool.h>

/* When a part of a regular expression matches nothing: what an iteration of a repetition does then is the one thing in
 * which a backtracking matcher and Go differ. PCRE2 leaves the loop, Go tries the part's other ways first. They agree
 * as long as being empty is the last way of the part. */
enum weft_pattern_emptiness {
    WEFT_PATTERN_NEVER_EMPTY,
    WEFT_PATTERN_ONLY_EMPTY,
    WEFT_PATTERN_EMPTY_LAST,  /* after all ways that are not */
    WEFT_PATTERN_EMPTY_EARLY, /* before some way that is not */
};

/* One behind the other. */
enum weft_pattern_emptiness weft_pattern_empty_sequence(enum weft_pattern_emptiness first,
                                                        enum weft_pattern_emptiness second);

/* The first, or else the second. */
enum weft_pattern_emptiness weft_pattern_empty_choice(enum weft_pattern_emptiness first,
                                                      enum weft_pattern_emptiness second);

/* max -1: no upper bound. */
enum weft_pattern_emptiness weft_pattern_empty_repeat(enum weft_pattern_emptiness part, int min, int max, bool is_lazy);
