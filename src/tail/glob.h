#pragma once

#include <sys/stat.h>

#include "base/status.h"

/* Patterns of paths: * and ? within a name, [a-z] and [!a-z], a backslash before what stands for itself, and ** as a
 * whole name for any number of directories, none included, but not through links. Blocks as the file system does: not
 * for the loop. */

/* WEFT_INVALID: an open bracket; WEFT_UNSUPPORTED: {a,b}; WEFT_LIMIT: ** more than three times. */
enum weft_status weft_glob_check(const char *pattern, struct weft_error *error) WEFT_MUST_CHECK;

bool weft_glob_matches(const char *pattern, const char *path) WEFT_MUST_CHECK;

struct weft_glob_visitor {
    void (*on_file)(void *user, const char *path, const struct stat *state); /* a regular one, links followed */
    void (*on_directory)(void *user, const char *path);                      /* that was read, or would have been */
    void (*on_failure)(void *user, const char *path, int error_number); /* a directory that is there cannot be read */
    void *user;
};

/* All that is there; no more than 64 directories deep. What cannot be read is passed over. */
void weft_glob_walk(const char *pattern, const struct weft_glob_visitor *visitor);
