#pragma once

#include "ottl/text_xpath.h"

/* What an XPath is made of, for those that make it and those that follow it. */

enum weft_ottl_xpath_axis {
    WEFT_OTTL_XPATH_SELF,
    WEFT_OTTL_XPATH_CHILD,
    WEFT_OTTL_XPATH_ATTRIBUTE,
    WEFT_OTTL_XPATH_DESCENDANT,         /* "//" and a step without conditions */
    WEFT_OTTL_XPATH_DESCENDANT_OR_SELF, /* "//" and any other step, which follows */
};

enum weft_ottl_xpath_test {
    WEFT_OTTL_XPATH_IS_NAMED,
    WEFT_OTTL_XPATH_IS_ELEMENT, /* or an attribute, on that axis */
    WEFT_OTTL_XPATH_IS_TEXT,
    WEFT_OTTL_XPATH_IS_COMMENT,
    WEFT_OTTL_XPATH_IS_NODE,
};

struct weft_ottl_xpath_step {
    struct weft_ottl_xpath_step *next;
    enum weft_ottl_xpath_axis axis;
    enum weft_ottl_xpath_test test;
    struct weft_slice prefix, name;
    struct weft_ottl_xpath_condition *conditions; /* all of which hold, in this order */
    bool needs_last;                              /* a condition asks how many there are */
};

/* One path; alternatives of a union are a list. */
struct weft_ottl_xpath {
    struct weft_ottl_xpath *next;
    struct weft_ottl_xpath_step *first; /* NULL: where it begins */
    bool is_absolute;
};

enum weft_ottl_xpath_operand_kind {
    WEFT_OTTL_XPATH_PATH,
    WEFT_OTTL_XPATH_STRING,
    WEFT_OTTL_XPATH_NUMBER,
    WEFT_OTTL_XPATH_POSITION,
    WEFT_OTTL_XPATH_LAST,
    WEFT_OTTL_XPATH_COUNT,
    WEFT_OTTL_XPATH_NAME,
    WEFT_OTTL_XPATH_LOCAL_NAME,
};

struct weft_ottl_xpath_operand {
    enum weft_ottl_xpath_operand_kind kind;
    struct weft_ottl_xpath *path; /* of PATH and COUNT */
    struct weft_slice string;
    double number;
};

enum weft_ottl_xpath_condition_kind {
    WEFT_OTTL_XPATH_OR,
    WEFT_OTTL_XPATH_AND,
    WEFT_OTTL_XPATH_NOT,    /* of left */
    WEFT_OTTL_XPATH_EXISTS, /* what the operand names, with any text in it if it is one */
    WEFT_OTTL_XPATH_IS_AT,  /* the operand is the position */
    WEFT_OTTL_XPATH_EQUAL,  /* from here on of both operands: true if it is for one of the nodes of a path */
    WEFT_OTTL_XPATH_NOT_EQUAL,
    WEFT_OTTL_XPATH_LESS,
    WEFT_OTTL_XPATH_LESS_OR_EQUAL,
    WEFT_OTTL_XPATH_GREATER,
    WEFT_OTTL_XPATH_GREATER_OR_EQUAL,
    WEFT_OTTL_XPATH_CONTAINS, /* from here on of the first of the nodes */
    WEFT_OTTL_XPATH_STARTS_WITH,
    WEFT_OTTL_XPATH_ENDS_WITH,
};

struct weft_ottl_xpath_condition {
    struct weft_ottl_xpath_condition *next; /* the step's next one */
    enum weft_ottl_xpath_condition_kind kind;
    struct weft_ottl_xpath_condition *left, *right;
    struct weft_ottl_xpath_operand operand, other; /* other: never a PATH */
};
