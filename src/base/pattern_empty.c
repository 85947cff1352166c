/* How parts that can match nothing combine (pattern_empty.h). Ways are ordered as they are tried: of a sequence by its
 * first part, then by its second. */
#include "base/pattern_empty.h"

enum weft_pattern_emptiness weft_pattern_empty_sequence(enum weft_pattern_emptiness first,
                                                        enum weft_pattern_emptiness second)
{
    if (first == WEFT_PATTERN_NEVER_EMPTY || second == WEFT_PATTERN_NEVER_EMPTY) {
        return WEFT_PATTERN_NEVER_EMPTY;
    }
    if (first == WEFT_PATTERN_ONLY_EMPTY) {
        return second;
    }
    if (second == WEFT_PATTERN_ONLY_EMPTY) {
        return first;
    }
    bool is_last = first == WEFT_PATTERN_EMPTY_LAST && second == WEFT_PATTERN_EMPTY_LAST;
    return is_last ? WEFT_PATTERN_EMPTY_LAST : WEFT_PATTERN_EMPTY_EARLY;
}

enum weft_pattern_emptiness weft_pattern_empty_choice(enum weft_pattern_emptiness first,
                                                      enum weft_pattern_emptiness second)
{
    if (first == WEFT_PATTERN_NEVER_EMPTY) {
        return second == WEFT_PATTERN_ONLY_EMPTY ? WEFT_PATTERN_EMPTY_LAST : second;
    }
    return second == WEFT_PATTERN_ONLY_EMPTY ? first : WEFT_PATTERN_EMPTY_EARLY;
}

enum weft_pattern_emptiness weft_pattern_empty_repeat(enum weft_pattern_emptiness part, int min, int max, bool is_lazy)
{
    if (max == 0 || part == WEFT_PATTERN_ONLY_EMPTY) {
        return WEFT_PATTERN_ONLY_EMPTY;
    }
    if (min == 0) {
        bool is_last = !is_lazy && part != WEFT_PATTERN_EMPTY_EARLY;
        return is_last ? WEFT_PATTERN_EMPTY_LAST : WEFT_PATTERN_EMPTY_EARLY;
    }
    bool stops_early = is_lazy && max > min && part != WEFT_PATTERN_NEVER_EMPTY;
    return stops_early ? WEFT_PATTERN_EMPTY_EARLY : part;
}
