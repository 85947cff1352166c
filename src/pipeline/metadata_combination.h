#pragma once

#include "base/buffer.h"
#include "config/field.h"
#include "pipeline/metadata.h"

/* What a request's metadata says under the keys of whoever collects batches (the batch processor, a sending queue):
 * those that say the same belong together. */

/* A key may stand once among them, in any case. */
enum weft_status weft_metadata_keys_validate(const struct weft_config_strings *keys,
                                             struct weft_error *error) WEFT_MUST_CHECK;

/* Writes it in a form that two combinations have in common only if they are the same. keys: of any case. */
enum weft_status weft_metadata_combination_write(const struct weft_config_strings *keys,
                                                 const struct weft_metadata *metadata,
                                                 struct weft_buffer *out) WEFT_MUST_CHECK;

/* Metadata of these keys alone: what goes on with the batches. NULL: no memory. */
struct weft_metadata *weft_metadata_combination_try_keep(struct weft_budget *budget,
                                                         const struct weft_config_strings *keys,
                                                         const struct weft_metadata *metadata) WEFT_MUST_CHECK;
