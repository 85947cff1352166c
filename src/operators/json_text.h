#pragma once

#include "base/hash.h"
#include "operators/log_value.h"

/* JSON objects as values of log entries. Texts without escapes stay where they are; those with escapes, lists and maps
 * are in the entry's memory. Of a key that is there twice the last value counts. */
struct weft_log_json_options {
    const struct weft_hash_secret *secret;
    bool has_integers; /* what is written as an integer is one; otherwise all numbers are doubles */
    bool may_go_on;    /* what follows the object does not count */
};

struct weft_log_json_fault {
    size_t offset;
    const char *reason;
};

/* null is an empty map. WEFT_INVALID: no JSON object, or nested deeper than WEFT_LOG_VALUE_MAX_DEPTH, with out_fault;
 * WEFT_NOMEM. */
enum weft_status weft_log_json_read(struct weft_slice text, const struct weft_log_json_options *options,
                                    struct weft_entry_memory *memory, struct weft_log_value *out_value,
                                    struct weft_log_json_fault *out_fault) WEFT_MUST_CHECK;
