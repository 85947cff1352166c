#pragma once

#include "operators/operator_internal.h"

/* Keys with which operators read trace contexts: the block `trace` of parsers, and those of trace_parser. */
struct weft_trace_block_source {
    struct weft_log_path parse_from;
    bool is_given;
};

struct weft_trace_block {
    struct weft_trace_block_source trace_id, span_id, trace_flags;
};

/* Rows of a table of keys; member: where the block lies in type, with its point, or nothing. */
#define WEFT_TRACE_BLOCK_KEYS(type, member)                                                                          \
    WEFT_OPERATOR_BLOCK("trace_id", type, member trace_id, member trace_id.is_given, weft_trace_block_source_keys),  \
        WEFT_OPERATOR_BLOCK("span_id", type, member span_id, member span_id.is_given, weft_trace_block_source_keys), \
        WEFT_OPERATOR_BLOCK("trace_flags", type, member trace_flags, member trace_flags.is_given,                    \
                            weft_trace_block_source_keys)

extern const struct weft_operator_key weft_trace_block_source_keys[];
extern const struct weft_operator_key weft_trace_block_keys[];

/* What is not given is read from body.trace_id, body.span_id and body.trace_flags. */
enum weft_status weft_trace_block_compile(struct weft_trace_block *block,
                                          struct weft_operator_reader *reader) WEFT_MUST_CHECK;

/* Sets all three, to nothing where nothing stands or what stands is no hex, which is a failure. As in the Collector an
 * id that is too short has zeros behind it, one that is too long is cut. */
enum weft_operator_verdict weft_trace_block_apply(const struct weft_trace_block *block, struct weft_operator_run *run,
                                                  struct weft_log_entry *entry);
