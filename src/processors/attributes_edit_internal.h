#pragma once

#include "processors/attributes_edit.h"

/* Writing a message whose slots have been acted upon: its length, and its bytes, which are so many. Returns their end.
 */
size_t weft_attribute_edited_length(const struct weft_attribute_editor *editor);
uint8_t *weft_attribute_put_edited(const struct weft_attribute_editor *editor, uint8_t *to);
