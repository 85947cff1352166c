#pragma once

#include "base/buffer.h"
#include "pipeline/question.h"
#include "wire/ids.h"

/* What somebody wants to know of one trace, and what one core knows. The answer that knows most stands. Shapes of the
 * JSON: docs/asking.md. */
struct weft_trace_question {
    const char *word;     /* as it was asked, for the answer */
    bool has_trace_id;    /* else only a span id */
    bool is_64_bit;       /* the first 8 bytes are not known */
    uint8_t trace_id[16]; /* as wire/ids normalises the word: hex in any form, or an opaque word */
    bool has_span_id;     /* the word may be a span id, too: 16 hex digits */
    uint8_t span_id[8];
};

/* In this order: what is further down outweighs what is further up. */
#define WEFT_TRACE_KNOWLEDGE_ROWS(ROW)                                                      \
    ROW(NOT_SEEN, "not_seen")                                                               \
    ROW(FORGOTTEN, "forgotten") /* it may have been there: older than what is remembered */ \
    ROW(DROPPED, "dropped")                                                                 \
    ROW(KEPT, "kept")                                                                       \
    ROW(HELD, "held") /* no verdict yet */

enum weft_trace_knowledge {
#define WEFT_TRACE_KNOWLEDGE_ENUM(name, text) WEFT_TRACE_##name,
    WEFT_TRACE_KNOWLEDGE_ROWS(WEFT_TRACE_KNOWLEDGE_ENUM)
#undef WEFT_TRACE_KNOWLEDGE_ENUM
};

/* The group of the trace, or of the word, that was asked for: the worker that has the groups says who is in it, and
 * each worker then adds what it knows of these traces. */
enum { WEFT_ANSWER_MEMBERS_MAX = 64, WEFT_ANSWER_TREE_BYTES_MAX = 4 << 20 };

/* What some worker knows of a member. */
struct weft_trace_group_part {
    uint64_t start_ns;             /* of its first span, as the senders had it; UINT64_MAX = unknown */
    size_t json_at, json_length;   /* its object, in json */
    size_t nodes_at, nodes_length; /* in nodes: its own and those of its tree, each behind a comma */
};

struct weft_trace_group {
    bool is_known;
    bool is_burnt;     /* the word: it joins nobody, and nobody is said to be in it */
    bool is_closed;    /* it has refused traces */
    const char *state; /* "undecided", "kept", "dropped" */
    uint32_t member_count;
    uint8_t members[WEFT_ANSWER_MEMBERS_MAX][16];
    enum weft_trace_knowledge knowledge;                         /* of the member that most is known of */
    struct weft_trace_group_part parts[WEFT_ANSWER_MEMBERS_MAX]; /* as they were found */
    uint32_t part_count;
    struct weft_buffer json, nodes;
    bool is_tree_cut; /* some nodes had no room */
};

struct weft_trace_answer {
    enum weft_trace_knowledge knowledge;
    int64_t remembers_from_ns; /* wall clock: the oldest verdict that this core still remembers; 0 = nobody has said */
    struct weft_buffer json;   /* members of the answer's object behind "remembers_from", without braces and the first
                                  comma: "trace_id":..,"policy":..,... (docs/asking.md); empty if there are none. Who
                                  replaces an answer clears it first */
    struct weft_trace_group group;
};

/* Question and answer on their way from worker to worker. */
struct weft_trace_lookup {
    struct weft_question base;
    char word[WEFT_ID_MAX_WORD + 1];
    struct weft_trace_question question;
    struct weft_trace_answer answer;
};
