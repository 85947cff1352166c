#pragma once

#include "operators/log_value.h"

/* The value as JSON's text, in the memory: 64-bit integers as numbers, bytes as base64. WEFT_NOMEM. */
enum weft_status weft_log_value_to_json(const struct weft_log_value *value, struct weft_entry_memory *memory,
                                        struct weft_slice *out_text) WEFT_MUST_CHECK;
