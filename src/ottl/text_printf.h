#pragma once

#include "ottl/run.h"

/* A format of Go's fmt with its values, of which it knows the verbs v s q d b o O x X c U e E f F g G t T, flags,
 * widths and precisions. As there, what does not fit is said in the text: "%!d(string=x)". A list or a map stands there
 * as the JSON that it is. WEFT_NOMEM, WEFT_INVALID with run->error. */
enum weft_status weft_ottl_put_format(struct weft_ottl_run *run, struct weft_slice format,
                                      const struct weft_ottl_list *values, struct weft_buffer *out) WEFT_MUST_CHECK;
