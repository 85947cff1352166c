#pragma once

#include "config/gates.h"
#include "config/node.h"
#include "config/notes.h"
#include "config/source.h"

/* Everything that makes up one config, in the order of the command line. All borrowed. */
struct weft_config_sources {
    const char *const *configs; /* --config: a path, file:path, env:NAME or yaml:text */
    size_t config_count;
    const char *const *sets; /* --set: a.b=c, after all configs */
    size_t set_count;
    const struct weft_config_environment *environment; /* NULL = the process's */
    unsigned gates;                                    /* that are open: an OR of enum weft_gate */
};

/* Reads, merges (maps deep, lists replaced) and expands. On WEFT_OK the tree is the caller's and its root is a map;
 * notes (may be NULL) gained warnings. Every error names its file:line. */
enum weft_status weft_config_load(const struct weft_config_sources *sources, struct weft_tree **out_tree,
                                  struct weft_config_notes *notes, struct weft_error *error) WEFT_MUST_CHECK;

/* One YAML text without ${...}: for tests and for texts that weft itself brings. The root may be of any kind. */
enum weft_status weft_config_load_text(const char *text, const char *file, struct weft_tree **out_tree,
                                       struct weft_error *error) WEFT_MUST_CHECK;
