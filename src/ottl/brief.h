#pragma once

#include "base/arena.h"
#include "base/pattern.h"
#include "ottl/node.h"
#include "ottl/record.h"

/* Conditions of the shapes that configs are full of, asked of a record without evaluating their tree: attributes by
 * their key and fields that are compared with a literal, IsMatch of one of them with a plain pattern, and what `and`,
 * `or` and `not` make of these. Each such question is an atom; by its answer the next one is asked, or all is said.
 *
 * A brief condition reads the record and nothing else: it takes no memory, cannot fail, and takes so few steps that
 * none are counted. Of a value whose shape it does not know it says so, and the tree is evaluated. What it does say is
 * what the tree would; a test asks both. */
enum {
    WEFT_OTTL_BRIEF_MAX_ATOMS = 16,
    WEFT_OTTL_BRIEF_MAX_STEPS = WEFT_OTTL_BRIEF_MAX_ATOMS * WEFT_PATTERN_PLAIN_STEPS,
};

/* What follows an atom, beside the number of another one. */
enum { WEFT_OTTL_BRIEF_FALSE = WEFT_OTTL_BRIEF_MAX_ATOMS, WEFT_OTTL_BRIEF_TRUE };

/* What is asked of the value. */
enum weft_ottl_atom_way {
    WEFT_OTTL_ATOM_TEXT,  /* whether it is the literal, a string */
    WEFT_OTTL_ATOM_RANGE, /* whether it is in a range of ints, which is what a comparison with one says */
    WEFT_OTTL_ATOM_NIL,   /* a comparison with nil, which says the same of all strings and ints */
    WEFT_OTTL_ATOM_MATCH, /* whether the pattern matches */
    WEFT_OTTL_ATOM_OTHER, /* any other comparison with the literal */
};

struct weft_ottl_atom {
    uint8_t way;                           /* enum weft_ottl_atom_way */
    uint8_t level;                         /* enum weft_ottl_level */
    uint8_t number;                        /* of the attribute's slot, or of the field */
    uint8_t form;                          /* enum weft_ottl_form of the field */
    uint8_t operation;                     /* enum weft_ottl_compare */
    bool is_if_so;                         /* TEXT, RANGE: the answer if it is the literal, or in the range */
    bool is_if_there;                      /* NIL: the answer for a string, or an int */
    bool is_if_missing;                    /* the answer of an attribute that is not there */
    uint8_t next[2];                       /* by the answer */
    const struct weft_ottl_sought *sought; /* of an attribute; NULL: it is a field */
    const struct weft_pattern *pattern;    /* MATCH */
    int64_t least;                         /* of the range */
    uint64_t more;                         /* than that has its greatest */
    struct weft_ottl_value literal;
};

struct weft_ottl_brief {
    struct weft_ottl_wants wants;
    uint8_t first, count;
    bool is_of_one; /* it has one atom, which asks for an attribute at RECORD */
    struct weft_ottl_atom atoms[WEFT_OTTL_BRIEF_MAX_ATOMS];
};

/* Of a checked tree. *out_brief is in the arena; NULL: the condition is none. WEFT_NOMEM. */
enum weft_status weft_ottl_brief_of(struct weft_arena *arena, const struct weft_ottl_node *condition,
                                    const struct weft_ottl_brief **out_brief) WEFT_MUST_CHECK;

/* False: the tree has to be evaluated. */
bool weft_ottl_brief_holds(const struct weft_ottl_brief *brief, struct weft_ottl_record *record, bool *out_holds);

/* The first of them that holds; count = none does. False: one that has to be asked first cannot tell. */
bool weft_ottl_brief_find(const struct weft_ottl_brief *const *briefs, size_t count, struct weft_ottl_record *record,
                          size_t *out_found);
