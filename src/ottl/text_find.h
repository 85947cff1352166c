#pragma once

#include "base/slice.h"

/* Where wanted, which is not empty, begins in text; SIZE_MAX: nowhere. memmem, in pieces between which the thread may
 * be left (base/work.h). */
size_t weft_ottl_text_find(struct weft_slice text, struct weft_slice wanted);
