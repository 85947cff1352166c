#pragma once

#include <stdint.h>

/* What somebody asks the components of all workers: the kind, and behind it, in a struct that embeds this first, what
 * is asked and the room for the answer. It goes from worker to worker (admin/gather.h), and each component that answers
 * the kind adds what it knows (weft_component.ask). */
enum weft_question_kind {
    WEFT_QUESTION_TRACE, /* struct weft_trace_lookup, join/question.h */
};

enum { WEFT_QUESTION_BIT_TRACE = 1u << WEFT_QUESTION_TRACE };

struct weft_question {
    enum weft_question_kind kind;
    uint32_t asked_count; /* components, over all workers */
    void (*free)(struct weft_question *question);
};
