#pragma once

#include "config/node.h"

/* The word of a person that is in none of the words known, and the nearest of them. */

/* NULL when none is near enough to be meant. Linear; words longer than 64 bytes are never near. */
const char *weft_config_nearest(const char *word, const char *const *words, size_t count);

/* 'file:line: path of the map: unknown key "x"; did you mean "y"?', or the list of words. child: the value under the
 * key. */
enum weft_status weft_config_fail_unknown_key(const struct weft_node *child, const char *const *words, size_t count,
                                              struct weft_error *error);
