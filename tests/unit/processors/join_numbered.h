#pragma once

#include "join_seen.h"

/* Spans and lines of traces that are told apart by number, offered one by one. */
#define KEEP_ALL    "policies: [{name: all, type: always_sample}]\n"
#define KEEP_ERRORS "policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n"

static uint32_t next_number;

static inline void start(uint32_t worker_count, const char *config)
{
    next_number = 0;
    start_seeing(worker_count, config);
}

/* Trace ids by number. */
static inline const uint8_t *id_of(uint32_t trace)
{
    static uint8_t ids[16][16];
    static unsigned next;
    uint8_t *id = ids[next++ % 16];
    memset(id, 0x11, 16);
    memcpy(id, &trace, sizeof trace);
    memcpy(id + 8, &trace, sizeof trace);
    return id;
}

static inline struct join_record span_of(uint32_t trace, uint32_t padding)
{
    return (struct join_record){ .number = next_number++,
                                 .trace_id = id_of(trace),
                                 .parent = JOIN_NO_SPAN,
                                 .span = JOIN_NO_SPAN,
                                 .start_ns = 1000,
                                 .end_ns = 2000,
                                 .padding = padding };
}

static inline struct join_record line_of(uint32_t trace, size_t pipeline)
{
    struct join_record record = span_of(trace, 0);
    record.pipeline = pipeline;
    return record;
}

static inline enum weft_status offer_one(uint32_t worker, struct join_record record)
{
    return join_offer(worker, &record, 1, NULL);
}

static inline enum weft_trace_knowledge knowledge_of(uint32_t trace)
{
    struct weft_trace_answer answer = join_ask(id_of(trace));
    weft_buffer_fini(&answer.json);
    weft_buffer_fini(&answer.group.json);
    weft_buffer_fini(&answer.group.nodes);
    return answer.knowledge;
}

static inline void expect_knowledge(uint32_t trace, enum weft_trace_knowledge knowledge)
{
    ck_assert_msg(knowledge_of(trace) == knowledge, "trace %u: %d, not %d", trace, (int)knowledge_of(trace),
                  (int)knowledge);
}
