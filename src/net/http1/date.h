#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/slice.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7: what every server sends; the two obsolete forms are not
 * read). False: not such a date, or one that no calendar has. */
bool weft_http_date_parse(struct weft_slice text, struct weft_wall *out_time);

/* Retry-After (RFC 9110 10.2.3), seconds or a date; a moment that has passed is 0. -1: absent or neither of them. */
int64_t weft_retry_after_parse(struct weft_slice text, struct weft_wall now);
