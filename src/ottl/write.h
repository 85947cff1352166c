#pragma once

#include "base/buffer.h"
#include "ottl/record.h"
#include "wire/protobuf.h"

/* From values and changed messages back to the wire. A message is written anew only if something in it was touched
 * (record.h); what was not goes through byte by byte, unknown fields included.
 *
 * What is written goes to the end of a buffer; a failed append shows in its status. */

/* Whether an attribute or a body can hold it: maps and lists, texts, bytes, numbers, bools and nil can, times,
 * durations, ids and messages cannot. Looks into lists and maps. */
bool weft_ottl_is_storable(const struct weft_ottl_value *value);

/* Other contents for the messages of a repeated field, in their order; bytes NULL: it stays. */
struct weft_ottl_replaced {
    uint32_t field;
    const struct weft_slice *contents;
    size_t count;
};

/* The message as it stands now. attributes_field: of its attributes, 0 if it has none. replaced may be NULL.
 * WEFT_NOMEM: the buffer failed. */
enum weft_status weft_ottl_write_message(struct weft_buffer *out, const struct weft_ottl_message *message,
                                         uint32_t attributes_field,
                                         const struct weft_ottl_replaced *replaced) WEFT_MUST_CHECK;

/* Puts a field of the message in place of what it had; it is touched then. What is put is copied into memory, which
 * lives as long as the message. WEFT_NOMEM changes nothing. */
enum weft_status weft_ottl_message_put_bytes(struct weft_ottl_message *message, uint32_t number,
                                             struct weft_slice contents,
                                             struct weft_entry_memory *memory) WEFT_MUST_CHECK;
/* The same of contents that stay where they are at least as long as the message: nothing is copied. */
void weft_ottl_message_lend_bytes(struct weft_ottl_message *message, uint32_t number, struct weft_slice contents);
enum weft_status weft_ottl_message_put_number(struct weft_ottl_message *message, uint32_t number,
                                              enum weft_wire_type type, uint64_t value,
                                              struct weft_entry_memory *memory) WEFT_MUST_CHECK;

/* The messages of a value become fields of that number, whichever they had. WEFT_NOMEM changes nothing. */
enum weft_status weft_ottl_message_put_messages(struct weft_ottl_message *message, uint32_t number,
                                                const struct weft_ottl_value *messages,
                                                struct weft_entry_memory *memory) WEFT_MUST_CHECK;

/* The message has other bytes now, those that were written of it; it counts as changed. */
void weft_ottl_message_renew(struct weft_ottl_message *message, struct weft_slice bytes);

/* The same for other bytes, which nothing was written of: it is another message now. */
void weft_ottl_message_replace(struct weft_ottl_message *message, struct weft_slice bytes);

/* The message has it no more. */
void weft_ottl_message_remove(struct weft_ottl_message *message, uint32_t number);
