#pragma once

#include "base/pattern.h"
#include "ottl/node.h"
#include "ottl/run.h"

/* The contract of functions: converters, which give a value, and editors, which change the record.
 *
 * TO ADD A CONVERTER: write its call function in a file functions_<what>.c, and one row in that file's table
 *
 *     const struct weft_ottl_function weft_ottl_functions_text[] = {
 *         { .name = "Substring", .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, ... }, .call = substring },
 *         { .name = NULL },
 *     };
 *
 * A new file's table goes into the list in functions.c. By the time of the call the arguments have the types that the
 * row asks for (see below what is converted and how), so that it only calculates. Results lie in run->memory
 * (weft_ottl_run_take) or borrow from the arguments. It fails with
 * `return weft_fail(&run->error, WEFT_INVALID, "...")`; WEFT_NOMEM is only for memory that is gone.
 *
 * What can be known when the config is read (a pattern, a format, a literal that is out of range) belongs in `make`,
 * which may leave a state for the calls. `call->arguments` are the literals then, and ABSENT for what is known later.
 *
 * AN EDITOR has a name with a small first letter and the same contract; its result is not looked at. A parameter of a
 * TARGET type is a path: call->nodes[i]->path, to be read and written (path.h). */
enum weft_ottl_takes {
    WEFT_OTTL_TAKES_ANY,
    /* Just this, else the call fails: "expected a string but got nil". */
    WEFT_OTTL_TAKES_STRING,
    WEFT_OTTL_TAKES_INT,
    WEFT_OTTL_TAKES_FLOAT,
    WEFT_OTTL_TAKES_BOOL,
    WEFT_OTTL_TAKES_TIME,
    WEFT_OTTL_TAKES_DURATION,
    WEFT_OTTL_TAKES_MAP,
    WEFT_OTTL_TAKES_LIST,
    /* What can be made of a value: NIL stays NIL. argument.c has the rules. */
    WEFT_OTTL_TAKES_STRING_LIKE,
    WEFT_OTTL_TAKES_INT_LIKE,
    WEFT_OTTL_TAKES_FLOAT_LIKE,
    WEFT_OTTL_TAKES_BOOL_LIKE,
    WEFT_OTTL_TAKES_BYTES_LIKE,
    /* Written so in the statement, else the config is wrong. */
    WEFT_OTTL_TAKES_LITERAL_STRING,
    WEFT_OTTL_TAKES_LITERAL_INT,
    WEFT_OTTL_TAKES_LITERAL_FLOAT,
    WEFT_OTTL_TAKES_LITERAL_BOOL,
    WEFT_OTTL_TAKES_LITERAL_BYTES,
    WEFT_OTTL_TAKES_ENUM,     /* INT */
    WEFT_OTTL_TAKES_FUNCTION, /* the name of a converter: FUNCTION */
    WEFT_OTTL_TAKES_TARGET,   /* a path; the argument is ABSENT, nodes[i] is the path */
};

struct weft_ottl_parameter {
    const char *name; /* as in `f(name = 1)`; NULL ends the list */
    enum weft_ottl_takes takes;
    bool is_list;     /* a list is written in the statement, each item of which is taken so: LIST, open */
    bool is_optional; /* behind all that are not */
    bool is_lazy;     /* ABSENT; the function evaluates nodes[i] itself (weft_ottl_evaluate) if it wants to */
};

enum { WEFT_OTTL_MAX_PARAMETERS = 8 };

struct weft_ottl_call {
    const struct weft_ottl_function *function;
    const struct weft_ottl_node *const *nodes; /* by parameter; NULL = absent */
    const struct weft_ottl_value *arguments;   /* by parameter; ABSENT if it was not given */
    void *state;                               /* of make */
};

/* What make works with. */
struct weft_ottl_maker {
    struct weft_arena *arena; /* lives as long as the program: for states that need no freeing */
    enum weft_ottl_context context;
    struct weft_ottl_sought *sought; /* of the program's options */
    weft_ottl_direct_fn direct;      /* NULL at first: a shorter way, if the call can be made so */
};

struct weft_ottl_function {
    const char *name;
    struct weft_ottl_parameter parameters[WEFT_OTTL_MAX_PARAMETERS + 1];
    uint32_t contexts;   /* where it is known: WEFT_OTTL_IN_...; 0 = everywhere */
    bool is_unsupported; /* the Collector has it and weft does not: an error that says so */
    bool changes_count;  /* an editor after which a request may have more data points, or less */
    enum weft_status (*call)(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value);
    /* A shorter way for what is asked as a condition of each record; may be NULL. It evaluates the arguments itself.
     * False: the call is made as any other. */
    bool (*holds)(struct weft_ottl_run *run, const struct weft_ottl_call_node *call, enum weft_status *out_status,
                  bool *out_holds);
    /* May be NULL. state is NULL at first. */
    enum weft_status (*make)(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                             struct weft_error *error);
    void (*free_state)(void *state); /* may be NULL: the state lies in the arena */
};

/* functions.c. NULL: there is none. */
const struct weft_ottl_function *weft_ottl_function_find(struct weft_slice name, enum weft_ottl_context context);
/* NULL: none is near. */
const char *weft_ottl_function_nearest(struct weft_slice name, enum weft_ottl_context context);
/* All of them, one after the other; NULL at the end. *in_out_at is 0 at first. */
const struct weft_ottl_function *weft_ottl_function_next(size_t *in_out_at);

/* argument.c: makes of the value what a parameter takes. WEFT_INVALID with run->error. */
enum weft_status weft_ottl_argument_take(struct weft_ottl_run *run, enum weft_ottl_takes takes,
                                         struct weft_ottl_value *in_out_value) WEFT_MUST_CHECK;

/* evaluate.c: with a list of arguments, as any call can be made: for a direct one that turns out to be no other. */
enum weft_status weft_ottl_call_with_list(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                          struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

static inline enum weft_status weft_ottl_call_make(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                                   struct weft_ottl_value *out_value)
{
    return call->direct != NULL && !run->is_thorough ? call->direct(run, call, out_value)
                                                     : weft_ottl_call_with_list(run, call, out_value);
}

/* For a direct call: what is given for a parameter, and what is written as an item of its list, as the
 * parameter takes it. WEFT_INVALID with run->error as any call has it. */
enum weft_status weft_ottl_call_argument(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                         size_t parameter, struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_call_item(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                     size_t parameter, size_t item, struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

/* A regular expression that a parameter gives: make compiles a literal one; a call uses that, or compiles what it is
 * given this time, which it frees afterwards. */
enum weft_status weft_ottl_pattern_make(const struct weft_ottl_call *call, size_t parameter, bool has_groups,
                                        void **out_state, struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_ottl_pattern_use(struct weft_ottl_run *run, const struct weft_ottl_call *call, size_t parameter,
                                       bool has_groups, struct weft_pattern **out_own_pattern,
                                       const struct weft_pattern **out_pattern) WEFT_MUST_CHECK;
void weft_ottl_pattern_free(void *state);
