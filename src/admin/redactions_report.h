#pragma once

#include "base/buffer.h"
#include "pipeline/samples.h"

/* What each rule of each redaction did, from the samples of all workers (pipeline/samples.h): a table for people or a
 * list of JSON objects, appended to out. */
void weft_redactions_write_text(const struct weft_samples *samples, struct weft_buffer *out);
void weft_redactions_write_json(const struct weft_samples *samples, struct weft_buffer *out);
