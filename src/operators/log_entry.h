#pragma once

#include "operators/log_value.h"
#include "wire/ids.h"

/* A log entry on its way through operators. Begins with its body as the line's text and ends as an OTLP LogRecord
 * (log_record.h). Everything in it is borrowed and lives until weft_log_entry_begin of the next one. */
struct weft_log_entry {
    struct weft_entry_memory *memory;
    uint64_t time_ns; /* 0: not known */
    uint64_t observed_ns;
    struct weft_log_value body;
    /* Of the line: where it ends, and how much white space behind that it lost. */
    const uint8_t *line_end;
    size_t trimmed_behind;
    struct weft_log_map attributes, resource;
    struct weft_slice severity_text, scope_name;
    uint8_t trace_id[WEFT_TRACE_ID_BYTES];
    uint8_t span_id[WEFT_SPAN_ID_BYTES];
    bool has_trace_id, has_span_id;
    bool is_line;     /* the body is a line still, which the receiver reads as `jsonlog` does (log_profile) */
    uint8_t severity; /* OpenTelemetry's number, 0: not known */
    uint32_t trace_flags;
};

/* Clears the memory: what came before is gone. */
static inline void weft_log_entry_begin(struct weft_log_entry *entry, struct weft_entry_memory *memory,
                                        struct weft_slice line, uint64_t observed_ns)
{
    weft_entry_memory_clear(memory);
    *entry = (struct weft_log_entry){ .memory = memory, .observed_ns = observed_ns, .body = weft_log_string(line) };
}

/* A copy of all but the body that shares nothing with the entry; it is in the memory, which is cleared before.
 * WEFT_NOMEM, WEFT_LIMIT. */
enum weft_status weft_log_entry_keep(const struct weft_log_entry *entry, struct weft_entry_memory *memory,
                                     struct weft_log_entry *out_copy) WEFT_MUST_CHECK;
