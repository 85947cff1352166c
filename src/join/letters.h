#pragma once

#include "join/alias_words.h"
#include "join/join.h"

/* What the cores of a join say to each other about aliases: items in letters, one letter to each other worker and turn
 * (pipeline/mail.h). A core's items to itself go the same way without mail, so that one worker and several do the same.
 * No record travels: the books do not move. */
struct weft_join;

#define WEFT_ITEM_ROWS(ROW)                                                                    \
    /* to the worker that has the groups */                                                    \
    ROW(SIGHTED) /* the trace has the alias */                                                 \
    ROW(SPANS)   /* the trace, which had only log lines, has a span now */                     \
    ROW(DUE)     /* the trace's time is up: what is the verdict on its group? */               \
    ROW(LATE)    /* the trace has its verdict, and more of it has come: was its group kept? */ \
    ROW(FACTS)   /* what is known of the trace, as asked; its facts follow */                  \
    /* to the worker that owns the trace */                                                    \
    ROW(CLAIM)   /* somebody named this trace: say so when it is there */                      \
    ROW(ASK)     /* what is known of the trace? */                                             \
    ROW(VERDICT) /* outcome */

enum weft_item_kind {
#define WEFT_ITEM_ENUM(name) WEFT_ITEM_##name,
    WEFT_ITEM_ROWS(WEFT_ITEM_ENUM)
#undef WEFT_ITEM_ENUM
};

/* What becomes of a trace by its group. */
enum weft_outcome {
    WEFT_OUTCOME_ALONE,   /* judge it by itself */
    WEFT_OUTCOME_KEPT,    /* with its group */
    WEFT_OUTCOME_DROPPED, /* with its group */
    WEFT_OUTCOME_NO_SPANS /* log lines, and no trace of the group has a span */
};

/* Members beside kind and trace_id are of the kinds that they name; zero in others. */
struct weft_item {
    uint32_t facts_bytes; /* FACTS: behind the item */
    uint32_t generation;  /* FACTS, VERDICT: of the rules */
    uint8_t trace_id[WEFT_TRACE_ID_BYTES];
    uint8_t alias[WEFT_ALIAS_BYTES]; /* SIGHTED */
    uint64_t group;                  /* ASK, FACTS: its handle */
    uint64_t span_count, size_bytes; /* FACTS */
    int32_t policy;                  /* VERDICT: by number; -1 = none */
    uint8_t kind;                    /* enum weft_item_kind */
    uint8_t outcome;                 /* VERDICT; SIGHTED with is_decided: what was decided */
    uint8_t worst_severity;          /* FACTS */
    bool has_spans;                  /* SIGHTED, DUE */
    bool is_trace;                   /* SIGHTED: the alias is the id of a trace */
    bool is_early;                   /* DUE, VERDICT: on what is known */
    bool is_late;                    /* VERDICT: it came to its group after the verdict */
    bool is_held;                    /* FACTS: it is here and undecided */
    bool is_decided;                 /* SIGHTED: it has its verdict already */
    bool has_tree;                   /* FACTS: tree is known */
    struct weft_policy_tree tree;    /* FACTS */
};

struct weft_letters;

/* The join outlives them. */
struct weft_letters *weft_letters_new(struct weft_join *join);

/* None is away. */
void weft_letters_free(struct weft_letters *letters);

/* Writes an item into the next letter to that worker. False without memory. */
bool weft_letters_write(struct weft_letters *letters, uint32_t to_worker, const struct weft_item *item,
                        const struct weft_policy_facts *facts);

/* Reads what this core wrote to itself, until there is no more, and sends the letters to others. */
void weft_letters_send(struct weft_letters *letters);

size_t weft_letters_size_bytes(const struct weft_letters *letters);
