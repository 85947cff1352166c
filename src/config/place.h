#pragma once

#include "config/node.h"

/* What a component says of its config begins with the key that is meant: "endpoint ...", "tls: ...",
 * "sending_queue::batch: max_size must ...". The node of that key, or the block itself where none is named;
 * *in_out_text moves behind the keys that the path then says. */
const struct weft_node *weft_config_place_of(const struct weft_node *block, const char **in_out_text);
