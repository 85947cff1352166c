#pragma once

#include "base/slice.h"
#include "base/status.h"

/* The words of an XPath. Signs are their own kind: '/', '|', '[', and 'D' for "//", 'P' for "..", 'A' for "::", 'N',
 * 'L' and 'G' for "!=", "<=" and ">=". */
enum {
    WEFT_OTTL_XPATH_END = 0,
    WEFT_OTTL_XPATH_A_NAME = 'n',
    WEFT_OTTL_XPATH_A_STRING = 's',
    WEFT_OTTL_XPATH_A_NUMBER = '0',
    WEFT_OTTL_XPATH_UNKNOWN = 'u'
};

struct weft_ottl_xpath_token {
    int kind;
    size_t at;                      /* where it begins */
    struct weft_slice prefix, text; /* text: of a name, behind its prefix; of a string, in its quotes; of a number */
    bool is_call;                   /* of a name: a parenthesis follows */
};

struct weft_ottl_xpath_scanner {
    struct weft_slice text;
    size_t at;
};

/* Always advances, up to END. */
struct weft_ottl_xpath_token weft_ottl_xpath_token_next(struct weft_ottl_xpath_scanner *scanner);
