#pragma once

#include "base/arena.h"
#include "ottl/context.h"
#include "ottl/value.h"

/* The tree of a statement: made by the parser, then checked in place (check.h), which finds what its names stand for.
 * It lies in the program's arena and never changes afterwards. */
enum weft_ottl_node_kind {
    WEFT_OTTL_NODE_LITERAL,
    WEFT_OTTL_NODE_ENUM,     /* name; a LITERAL once checked */
    WEFT_OTTL_NODE_FUNCTION, /* name: of a converter, as an argument */
    WEFT_OTTL_NODE_PATH,
    WEFT_OTTL_NODE_CALL,
    WEFT_OTTL_NODE_LIST,
    WEFT_OTTL_NODE_MAP,
    WEFT_OTTL_NODE_CALCULATE,
    WEFT_OTTL_NODE_NEGATE,
    WEFT_OTTL_NODE_COMPARE,
    WEFT_OTTL_NODE_NOT,
    WEFT_OTTL_NODE_AND,
    WEFT_OTTL_NODE_OR,
};

enum weft_ottl_compare {
    WEFT_OTTL_EQUAL,
    WEFT_OTTL_NOT_EQUAL,
    WEFT_OTTL_LESS,
    WEFT_OTTL_LESS_EQUAL,
    WEFT_OTTL_GREATER_EQUAL,
    WEFT_OTTL_GREATER,
};

struct weft_ottl_node;
struct weft_ottl_path_row;
struct weft_ottl_sought;

/* What stands in brackets behind a path or a call: a text, a number, or what gives one of the two. */
struct weft_ottl_key {
    struct weft_ottl_value literal;
    const struct weft_ottl_node *node; /* NULL: it is the literal */
    bool is_text;                      /* a literal text */
};

/* One word of a path. */
struct weft_ottl_segment {
    struct weft_slice name;
    struct weft_ottl_key *keys;
    size_t key_count;
    size_t at; /* in the statement */
};

struct weft_ottl_path {
    struct weft_ottl_segment *segments; /* as written */
    size_t segment_count;
    struct weft_slice text;               /* as written */
    const struct weft_ottl_path_row *row; /* once checked */
    const struct weft_ottl_key *keys;     /* of the last word, once checked */
    size_t key_count;
    const struct weft_ottl_sought *sought; /* it is an attribute by its key, of which this has the number; or NULL */
    uint8_t slot;                          /* that number */
};

struct weft_ottl_call_node;

struct weft_ottl_node {
    enum weft_ottl_node_kind kind;
    bool is_condition;              /* it may stand where true or false is asked for, and not where a value is */
    bool is_editor;                 /* CALL: its name begins with a small letter */
    uint8_t operation;              /* COMPARE: enum weft_ottl_compare; CALCULATE: '+', '-', '*', '/' */
    uint32_t at;                    /* where it begins in the statement */
    struct weft_slice name;         /* ENUM, FUNCTION, CALL */
    struct weft_ottl_value literal; /* LITERAL */
    struct weft_ottl_node **items;  /* operands, values of a list or map, arguments as written */
    struct weft_slice *names;       /* MAP: keys; CALL: names of arguments, empty = by position */
    size_t count, capacity, name_capacity;
    struct weft_ottl_key *keys; /* CALL */
    size_t key_count;
    struct weft_ottl_path *path;            /* PATH */
    const struct weft_ottl_call_node *call; /* CALL, once checked */
};

/* How the argument for a parameter is had. */
enum weft_ottl_argument_way {
    WEFT_OTTL_ARGUMENT_NONE,    /* not given, or the function takes it itself */
    WEFT_OTTL_ARGUMENT_LITERAL, /* of the right kind, which was checked */
    WEFT_OTTL_ARGUMENT_LIST,
    WEFT_OTTL_ARGUMENT_VALUE,
};

struct weft_ottl_run;
struct weft_ottl_call_node;

/* A way to make a call without a list of arguments: it takes those that it needs itself. */
typedef enum weft_status (*weft_ottl_direct_fn)(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                                struct weft_ottl_value *out_value);

/* A call that was checked: what is given for each parameter. */
struct weft_ottl_call_node {
    const struct weft_ottl_function *function;
    weft_ottl_direct_fn direct;          /* that the function's make chose; NULL: it is made with a list of arguments */
    const struct weft_ottl_node **nodes; /* by parameter; NULL = absent */
    uint8_t *ways;                       /* enum weft_ottl_argument_way, by parameter */
    size_t count;
    void *state; /* of the function's make */
};
