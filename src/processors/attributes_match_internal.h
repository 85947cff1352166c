#pragma once

#include "processors/attributes_match.h"

/* A block made ready: what the file that makes it (attributes_match_make.c) and the one that asks it share. */

/* Texts of which one must match; none: nothing is asked. */
struct weft_match_texts {
    char *const *items;
    size_t count;
    struct weft_pattern **patterns; /* as many; NULL: strict */
};

struct weft_match_asked_pair {
    struct weft_slice key;
    uint16_t number;              /* of attributes */
    const struct weft_node *node; /* strict; NULL: the key alone counts, or */
    struct weft_match_texts text; /* one regular expression */
};

struct weft_match_asked_library {
    struct weft_match_texts name, version;
};

struct weft_match_pairs {
    struct weft_match_asked_pair *items;
    size_t count;
};

struct weft_match {
    const struct weft_match_config *config;
    struct weft_match_texts services, span_names, span_kinds, log_bodies, log_severity_texts, metric_names;
    struct weft_match_pairs attributes, resources;
    struct weft_match_asked_library *libraries;
    size_t library_count;
};
