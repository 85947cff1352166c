#pragma once

#include "processors/redaction_detector.h"
#include "processors/redaction_encoded.h"

/* What the files of redaction_encoded.h share. */

/* Of either alphabet, without the = behind it. */
static inline bool weft_is_base64(uint8_t byte)
{
    return weft_is_base64url(byte) || byte == '+' || byte == '/';
}

bool weft_encoded_has_percent(struct weft_slice text);

/* Whether as many characters of base64 follow one another as a run has at least. */
bool weft_encoded_has_run(struct weft_slice text, bool has_vectors);
