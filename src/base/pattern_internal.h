#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include <pcre2.h>

#include "base/pattern_plain.h"
#include "base/pattern_translate.h"

/* What compiling (pattern.c) makes and matching (pattern_match.c) runs. */
struct weft_pattern {
    pcre2_code *plain, *guarded;
    bool is_jit, is_match_only;
    bool is_plain; /* PCRE2 is asked of long subjects only */
    struct weft_pattern_plain text;
    bool is_anchored; /* all attempts but the first fail at once */
    int64_t max_match_ns;
    struct weft_pattern_names names;
    struct weft_buffer beginning; /* of its text, for the log */
};

/* The callouts of the guarded code, by number. */
enum { WEFT_PATTERN_BEFORE_ATTEMPT = 1, WEFT_PATTERN_BEHIND_LOOP = 2 };

/* PCRE2's memory comes from base/alloc. The caller frees it; NULL: there is none. */
pcre2_general_context *weft_pattern_memory(void);
