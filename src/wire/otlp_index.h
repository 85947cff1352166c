#pragma once

#include <string.h>

#include "base/slice.h"
#include "base/status.h"
#include "wire/otlp_attributes.h"

/* The second of the three depths: what a join, a policy or an edit asks of every record, taken from its bytes in one
 * walk when someone asks. Plain numbers and slices of the record; no memory of its own. Fields count as protobuf has
 * them: of a repeated singular field the last one, of a Status in several pieces all of them together.
 *
 * An id is whole or empty. `attributes` reaches from the tag of the first attribute to the end of the last (other
 * fields may lie between them): weft_otlp_attributes_read and weft_otlp_attribute_find take it in place of the record,
 * and what lies before and behind it needs no second look. */
enum { WEFT_OTLP_STATUS_ERROR = 2 }; /* StatusCode */

struct weft_span_index {
    struct weft_slice trace_id;       /* 16 bytes or empty, as it came: all zeros are not told apart */
    struct weft_slice span_id;        /* 8 bytes or empty */
    struct weft_slice parent_span_id; /* 8 bytes or empty */
    struct weft_slice trace_state;
    struct weft_slice name;
    struct weft_slice attributes;
    uint64_t start_ns, end_ns; /* Unix time, as the sender had it */
    int32_t kind;              /* SpanKind; may be one that this schema does not know */
    int32_t status_code;       /* StatusCode */
    uint32_t flags;
    uint32_t attribute_count, event_count, link_count;
};

struct weft_log_index {
    struct weft_slice trace_id; /* 16 bytes or empty */
    struct weft_slice span_id;  /* 8 bytes or empty */
    struct weft_slice severity_text;
    struct weft_slice event_name;
    struct weft_slice body; /* the field, tag to last byte: for weft_otlp_value_of */
    struct weft_slice attributes;
    uint64_t time_ns, observed_time_ns;
    int32_t severity_number;
    uint32_t flags;
    uint32_t attribute_count;
};

/* span, record: contents of a Span or LogRecord. WEFT_INVALID if they are malformed as far as the walk looks (not into
 * attributes, events, links and the body), which does not happen to a record that weft_otlp_check has passed. Nothing
 * outside of the slice is read in any case. About 30 ns a span of 13 attributes. */
enum weft_status weft_otlp_index_span(struct weft_slice span, struct weft_span_index *out_index) WEFT_MUST_CHECK;
enum weft_status weft_otlp_index_log(struct weft_slice record, struct weft_log_index *out_index) WEFT_MUST_CHECK;

/* True of a span id, or of a parent's, that names a span: one of zeros is none, as OTLP has it. */
static inline bool weft_otlp_is_span_id(struct weft_slice id)
{
    uint64_t value = 0;
    if (id.length == sizeof value) {
        memcpy(&value, id.bytes, sizeof value);
    }
    return value != 0;
}
