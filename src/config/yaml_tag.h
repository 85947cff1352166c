#pragma once

#include "config/node_internal.h"

/* Explicit types of YAML (YAML 1.2 section 10): !!str, !!int, !!float, !!bool, !!null, !!binary on scalars. tag: as the
 * parser has resolved it ("tag:yaml.org,2002:str", "!own", "!"). A tag of one's own means a text, as in the Collector.
 * node: a scalar with its text, typed as if it had no tag. WEFT_INVALID with text: the value is not of that type. */
enum weft_status weft_yaml_apply_tag(struct weft_tree *tree, const char *tag, bool is_quoted, struct weft_node *node,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* Whether it makes a plain or quoted << a merge key. */
bool weft_yaml_is_merge_tag(const char *tag);
