#pragma once

#include "processors/attributes_edit.h"

/* Writing a message whose slots have been acted upon, behind its frame (weft_attribute_editor_run). WEFT_NOMEM only. */
enum weft_status weft_attribute_write_edited(struct weft_attribute_editor *editor, uint32_t frame,
                                             struct weft_slice *out_message) WEFT_MUST_CHECK;

/* What was inserted into a message that had no slots becomes the appendix. WEFT_NOMEM only. */
enum weft_status weft_attribute_note_appendix(struct weft_attribute_editor *editor) WEFT_MUST_CHECK;

/* The message with the appendix behind its last attribute; the message itself if there is nothing in it. WEFT_NOMEM
 * only. */
enum weft_status weft_attribute_write_appended(struct weft_attribute_editor *editor, uint32_t frame,
                                               struct weft_slice *out_message) WEFT_MUST_CHECK;
