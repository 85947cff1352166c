#pragma once

#include "base/buffer.h"
#include "ottl/record.h"

/* The short way to write a message that was changed (write.h): what stays is copied in runs, without a look at it. Of
 * fields that statements wrote, each in one place of the message, and of attributes that are in slots.
 *
 * It is planned first, as patches in the order of the message, so that the message can be written at once where it is
 * to stay. */
enum { WEFT_OTTL_MAX_PATCHES = WEFT_OTTL_FIELD_COUNT + 2 * WEFT_OTTL_MAX_SOUGHT /* deleted, and set again */ };

/* What stands where `from` to `to` was. */
struct weft_ottl_patch {
    const uint8_t *from, *to;
    uint8_t form;        /* enum patch_form */
    uint8_t number;      /* of the field, or of the slot */
    size_t inner_length; /* of the KeyValue of a text */
    struct weft_slice bytes;
};

struct weft_ottl_patches {
    const struct weft_ottl_message *message;
    uint32_t attributes_field;
    bool is_open;  /* there are attributes whose length is known only when they are written */
    size_t length; /* of what is written, without these */
    size_t count;
    struct weft_ottl_patch items[WEFT_OTTL_MAX_PATCHES];
};

/* False: it is to be written the long way. */
bool weft_ottl_patches_of(struct weft_ottl_patches *patches, const struct weft_ottl_message *message,
                          uint32_t attributes_field);

/* The message, which takes patches->length bytes; not of patches that are open. */
void weft_ottl_patches_put(const struct weft_ottl_patches *patches, uint8_t *to);

/* Appends it. False: it is to be written the long way, and nothing was appended. */
bool weft_ottl_write_short(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field);

/* Only the attributes, some of which are in slots that are changed; nothing else lies between them. */
void weft_ottl_write_slots(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field);
