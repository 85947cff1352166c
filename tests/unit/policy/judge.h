#pragma once

#include "base/thread.h"
#include "policy/policy_test.h"

#define NS WEFT_NS_PER_S

/* A trace under one set, in virtual time, and what is said when a policy asks for its size or its tree. */
struct judge {
    struct policy_test test;
    struct weft_policy_trace trace;
    uint64_t size_bytes;
    struct weft_policy_tree tree;
    bool has_no_memory;
    uint32_t sizes_asked, trees_asked;
};

static inline uint64_t say_size(void *context)
{
    struct judge *judge = context;
    judge->sizes_asked++;
    return judge->size_bytes;
}

static inline bool say_tree(void *context, struct weft_policy_tree *out_tree)
{
    struct judge *judge = context;
    judge->trees_asked++;
    if (!judge->has_no_memory) {
        *out_tree = judge->tree;
    }
    return !judge->has_no_memory;
}

static inline void open_judge(struct judge *judge, const char *list)
{
    static const uint8_t trace_id[16] = { 1 };
    *judge = (struct judge){ .has_no_memory = false };
    policy_test_open(&judge->test, list);
    judge->trace = (struct weft_policy_trace){ .trace_id = trace_id,
                                               .facts = judge->test.facts,
                                               .span_count = 1,
                                               .now = { 1000 * NS },
                                               .wall = { 1700000000 * NS },
                                               .size_bytes = say_size,
                                               .see_tree = say_tree,
                                               .context = judge };
}

/* One policy p of the type, with its block. */
static inline void open_one(struct judge *judge, const char *type, const char *keys)
{
    char *list = weft_alloc_format("  - {name: p, type: %s, %s: {%s}}", type, type, keys);
    open_judge(judge, list);
    weft_free(list);
}

static inline void close_judge(struct judge *judge)
{
    policy_test_close(&judge->test);
}

static inline struct weft_policy_decision decide(const struct judge *judge)
{
    struct weft_policy_decision decision;
    weft_policy_set_decide(judge->test.set, &judge->trace, &decision);
    ck_assert(!(decision.is_kept && decision.is_dropped));
    ck_assert_int_eq(decision.policy >= 0, decision.is_kept || decision.is_dropped);
    return decision;
}

/* No policy may fail to say. */
static inline bool keeps(const struct judge *judge)
{
    struct weft_policy_decision decision = decide(judge);
    ck_assert_uint_eq(decision.errors, 0);
    return decision.is_kept;
}

static inline bool keeps_spans(struct judge *judge, uint64_t span_count)
{
    judge->trace.span_count = span_count;
    return keeps(judge);
}

static inline bool keeps_bytes(struct judge *judge, uint64_t size_bytes)
{
    judge->size_bytes = size_bytes;
    return keeps(judge);
}

static inline void add_status(struct judge *judge, uint32_t status_code)
{
    policy_test_add_span(&judge->test, 1, 2, status_code, WEFT_SLICE_EMPTY);
}

static inline void add_span(struct judge *judge, uint32_t flags, const char *trace_state)
{
    struct weft_policy_span span = {
        .start_ns = 1, .end_ns = 2, .flags = flags, .trace_state = weft_slice_of_text(trace_state)
    };
    weft_policy_set_gather(judge->test.set, judge->test.scratch, judge->test.resource, &span, judge->test.facts);
}

/* A refusal that begins with where it is, and names the part. */
static inline void refuse(const char *list, const char *place, const char *part)
{
    struct weft_policy_set *set = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = policy_test_load(list, &set, &error);
    ck_assert_msg(status == WEFT_INVALID, "%s: %s, \"%s\"", list, weft_status_name(status), error.text);
    ck_assert_msg(strncmp(error.text, place, strlen(place)) == 0 && strstr(error.text, part) != NULL, "%s: \"%s\"",
                  list, error.text);
    ck_assert_ptr_null(set);
}
