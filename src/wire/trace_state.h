#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* W3C tracestate [Trace Context level 1, section 3.3], as spans carry it in one string: "key=value,key=value". */

/* The value of a member. False if the whole is not valid (a member without "=", a character or length that keys or
 * values do not have, a key twice, more than 32 members; empty members are passed over), or there is none of the key.
 * *out_value lies in the state. */
bool weft_trace_state_find(struct weft_slice state, struct weft_slice key, struct weft_slice *out_value);

/* Whether it is valid in that sense; an empty one is. */
bool weft_trace_state_is_valid(struct weft_slice state);
