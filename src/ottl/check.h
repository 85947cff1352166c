#pragma once

#include "ottl/node.h"
#include "ottl/ottl.h"

/* Finds what the names in a tree stand for: paths, functions, enums; and whether the arguments of calls may be what
 * they are. The tree is changed in place. Errors with line and column, and the nearest name where one is near. */
struct weft_ottl_checker {
    struct weft_ottl_program *program;
    struct weft_error *error;
    struct weft_ottl_run *run; /* what is known now is calculated now */
};

enum weft_status weft_ottl_check(struct weft_ottl_checker *checker, struct weft_ottl_node *node) WEFT_MUST_CHECK;

/* Made of nothing but literals: its value is known with the config. */
bool weft_ottl_is_constant(const struct weft_ottl_node *node);

/* check_path.c */
enum weft_status weft_ottl_check_path(struct weft_ottl_checker *checker, struct weft_ottl_node *node) WEFT_MUST_CHECK;

/* check_call.c */
enum weft_status weft_ottl_check_call(struct weft_ottl_checker *checker, struct weft_ottl_node *node) WEFT_MUST_CHECK;

enum weft_status weft_ottl_check_keys(struct weft_ottl_checker *checker, const struct weft_ottl_key *keys,
                                      size_t count) WEFT_MUST_CHECK;

/* A state of a function that is freed with the program. */
enum weft_status weft_ottl_program_keep(struct weft_ottl_program *program, void *state,
                                        void (*free_state)(void *state)) WEFT_MUST_CHECK;
