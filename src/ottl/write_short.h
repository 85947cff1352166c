#pragma once

#include "base/buffer.h"
#include "ottl/record.h"

/* The short way to write a message that was changed (write.h): what stays is copied in runs, without a look at it. Of
 * fields that statements wrote, each in one place of the message, and of attributes that are in slots. False: it is to
 * be written the long way, and nothing was appended. */
bool weft_ottl_write_short(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field);

/* Only the attributes, some of which are in slots that are changed; nothing else lies between them. */
void weft_ottl_write_slots(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field);
