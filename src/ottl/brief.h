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

/* What is asked of the value. */
enum weft_ottl_atom_way {
    WEFT_OTTL_ATOM_TEXT,  /* whether it is the literal, a string */
    WEFT_OTTL_ATOM_RANGE, /* whether it is in a range of ints, which is what a comparison with one says */
    WEFT_OTTL_ATOM_NIL,   /* a comparison with nil, which says the same of all strings and ints */
    WEFT_OTTL_ATOM_MATCH, /* whether the pattern matches */
    WEFT_OTTL_ATOM_OTHER, /* any other comparison with the literal */
};

/* Where the value lies. */
enum weft_ottl_atom_place {
    WEFT_OTTL_ATOM_SLOT,   /* an attribute of the record */
    WEFT_OTTL_ATOM_FIELD,  /* a field of the record */
    WEFT_OTTL_ATOM_STATUS, /* the code in the status of a span, asked by RANGE */
    WEFT_OTTL_ATOM_AROUND, /* another level */
};

struct weft_ottl_atom {
    uint8_t way;                        /* enum weft_ottl_atom_way */
    uint8_t place;                      /* enum weft_ottl_atom_place */
    uint8_t level;                      /* enum weft_ottl_level */
    uint8_t number;                     /* of the attribute's slot, or of the field */
    uint8_t form;                       /* enum weft_ottl_form of the field */
    uint8_t operation;                  /* enum weft_ottl_compare */
    bool is_slot;                       /* else it is a field */
    bool is_if_so;                      /* TEXT, RANGE: the answer if it is the literal, or in the range */
    bool is_if_there;                   /* NIL: the answer for a string, or an int */
    bool is_if_missing;                 /* the answer of an attribute that is not there */
    uint32_t next[2];                   /* by the answer: an atom, or, from the count of all on, what is known then */
    const struct weft_pattern *pattern; /* MATCH */
    int64_t least;                      /* of the range */
    uint64_t more;                      /* than that has its greatest */
    struct weft_ottl_value literal;
};

/* What is known after the last one. */
enum { WEFT_OTTL_BRIEF_FALSE = WEFT_OTTL_BRIEF_MAX_ATOMS, WEFT_OTTL_BRIEF_TRUE };

struct weft_ottl_brief {
    struct weft_ottl_wants wants;
    const struct weft_ottl_sought *sought; /* where its slots are from */
    uint32_t first, count;
    bool is_of_one; /* it has one atom, which asks for an attribute at RECORD */
    struct weft_ottl_atom atoms[WEFT_OTTL_BRIEF_MAX_ATOMS];
};

/* Brief conditions of which the first that holds is asked for, as one row of atoms: behind the last atom of one, if it
 * does not hold, comes the first of the next. */
struct weft_ottl_briefs {
    struct weft_ottl_wants wants;
    const struct weft_ottl_sought *sought;
    size_t count; /* of conditions; what is known last is the number of one of them, or this */
    uint32_t first, atom_count;
    struct weft_ottl_atom atoms[];
};

/* Of a checked tree. *out_brief is in the arena; NULL: the condition is none. WEFT_NOMEM. */
enum weft_status weft_ottl_brief_of(struct weft_arena *arena, const struct weft_ottl_node *condition,
                                    const struct weft_ottl_brief **out_brief) WEFT_MUST_CHECK;

/* False: the tree has to be evaluated. */
bool weft_ottl_brief_holds(const struct weft_ottl_brief *brief, struct weft_ottl_record *record, bool *out_holds);

/* Of programs with the same keys that are sought. The caller's, to be freed by weft_free; NULL without memory. */
struct weft_ottl_briefs *weft_ottl_briefs_try_new(const struct weft_ottl_brief *const *items,
                                                  size_t count) WEFT_MUST_CHECK;

/* Sets the record, which has wants of these, and finds the first that holds; count = none does. False: one that has to
 * be asked first cannot tell. */
bool weft_ottl_briefs_find(const struct weft_ottl_briefs *briefs, struct weft_ottl_record *record,
                           struct weft_slice contents, size_t *out_found);
