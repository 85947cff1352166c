#pragma once

#include "join/ahead.h"
#include "join/join_internal.h"

/* Records on their way in, for the files that take them: take.c goes through a batch, taking.c finds or begins their
 * traces, follow.c has what comes behind a verdict. */

/* One part of a batch on its way in. */
struct weft_taking {
    struct weft_join *join;
    struct weft_join_outlet *outlet;
    const struct weft_otlp_table *table;
    const struct weft_payload *payload; /* of the part */
    weft_pin_id pin;                    /* on the payload, whose records are kept by reference; 0: they are copied */
    uint32_t *contexts;                 /* by scope; 0 = not looked for yet */
    struct weft_policy_facts *resource; /* facts of the present record's resource */
    uint32_t resource_index;            /* of what is in it; UINT32_MAX = nothing */
    struct weft_trace *trace;           /* of the record before, or NULL: neighbours often share one */
    uint8_t trace_id[WEFT_TRACE_ID_BYTES];
    size_t number; /* of the present record in the table */
    struct weft_ahead ahead;
};

/* A trace's id and its hash. */
struct weft_taking_key {
    const uint8_t *trace_id;
    uint64_t hash;
};

/* The context of the record's scope, looked up once for all its records. Without memory 0. */
uint32_t weft_taking_context(struct weft_taking *taking, uint32_t scope_index);
void weft_taking_let_contexts_go(struct weft_taking *taking);
const struct weft_policy_facts *weft_taking_resource_facts(struct weft_taking *taking, uint32_t scope_index);

/* A payload of this worker that is nearly all records that are taken here stays, and they need not be copied: 0 if
 * they are. */
weft_pin_id weft_taking_pin(const struct weft_taking *taking, struct weft_payload *payload, size_t first,
                            const struct weft_selection *records);
void weft_taking_unpin(struct weft_taking *taking);

struct weft_taking_key weft_taking_key(const struct weft_taking *taking, const uint8_t *trace_id);

/* The trace that is held, or NULL. One that leaves takes no more: it ends first, and what is decided on it is found by
 * who asks next. */
struct weft_trace *weft_taking_find(struct weft_taking *taking, struct weft_taking_key key);

/* NULL without memory. Makes room for it by deciding on the oldest. */
struct weft_trace *weft_taking_begin(struct weft_taking *taking, struct weft_slice key, uint64_t hash,
                                     enum weft_lane lane);
struct weft_trace *weft_taking_begin_trace(struct weft_taking *taking, struct weft_taking_key key);

/* Appends, or gives up what was begun for nothing. */
bool weft_taking_append(struct weft_taking *taking, struct weft_trace *trace, uint32_t context,
                        struct weft_slice record);

/* follow.c */

/* A record that goes on at once; if its outlet is blocked it waits with others of its key. */
bool weft_taking_pass(struct weft_taking *taking, struct weft_slice key, uint32_t context, struct weft_slice record);

/* Behind the verdict. words: NULL = none. */
bool weft_taking_follow(struct weft_taking *taking, struct weft_taking_key key, struct weft_verdict *verdict,
                        const struct weft_alias_words *words, uint32_t context, struct weft_slice record);

/* One that is decided on and is still there takes what comes; it is late all the same. */
void weft_taking_note_if_late(struct weft_taking *taking, const struct weft_trace *trace, struct weft_taking_key key);
