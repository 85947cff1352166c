#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "processors/attributes_program.h"

/* New values of attributes: each a field of a KeyValue (WEFT_OTLP_VALUE_FIELD), in arena. The bytes are NULL when
 * memory is gone. */
struct weft_slice weft_attribute_text_value(struct weft_arena *arena, struct weft_slice text);

/* SHA-256 in hex of a string, a bool as a byte, an int or a double as eight bytes, least first; of anything else there
 * is none: an empty string, as the Collector has it. */
struct weft_slice weft_attribute_hash_value(struct weft_arena *arena, struct weft_digest *digest,
                                            const struct weft_otlp_value *value);

/* What a value is turned into text with. */
struct weft_attribute_texts {
    struct weft_buffer stack, text;
};

/* As strconv of Go reads and writes numbers. False: it is of the type already, or it cannot be converted. */
bool weft_attribute_convert_value(struct weft_arena *arena, struct weft_attribute_texts *texts,
                                  enum weft_attribute_type type, const struct weft_otlp_value *value,
                                  struct weft_slice *out_value);

void weft_attribute_texts_fini(struct weft_attribute_texts *texts);

/* A number as Go's ParseFloat reads it; false where it says that it is none or out of range. */
bool weft_attribute_read_double(struct weft_slice text, double *out_number);
