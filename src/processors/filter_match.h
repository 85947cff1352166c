#pragma once

#include "processors/filter_rules.h"

/* include and exclude as conditions: of include one that is true where it does not match. They cannot fail, so that
 * error_mode is nothing to them. WEFT_INVALID and WEFT_UNSUPPORTED with file:line; WEFT_NOMEM. */
enum weft_status weft_filter_matches_add(struct weft_filter_rules *rules, enum weft_signal signal,
                                         struct weft_filter_group *group, const struct weft_filter_matches *matches,
                                         struct weft_error *error) WEFT_MUST_CHECK;
