#pragma once

#include "base/helper.h"
#include "pipeline/host.h"

/* A file with credentials that may be written anew, or replaced, at any time: looked at every so often by a helper,
 * since what its path leads to may stand, and read when it is not the one that was read last. One for each user of it,
 * on the user's worker, so that nothing is shared. A file that cannot be read, or is of no use, leaves what there was,
 * is tried again each time, and the log says so once; that another was taken it says at worker 0. */
struct weft_watched_file;

struct weft_watched_file_settings {
    struct weft_host *host;
    struct weft_helper *helper; /* outlives the file */
    const char *id;             /* of who wants to know, for the log; outlives the file */
    const char *path;           /* copied */
    int64_t interval_ns;        /* from the end of one look to the next */

    /* On the user's worker, when the file is another one than before. contents: until it returns, 1 MiB at most.
     * Anything but WEFT_OK, with a text for the log, leaves the user with what it had. */
    enum weft_status (*on_changed)(void *context, struct weft_slice contents, struct weft_error *error);
    void *context;
};

/* Start-up, on the user's worker: never NULL. The first look is at once, and tells what is there even if it is what was
 * read at the start. */
struct weft_watched_file *weft_watched_file_new(const struct weft_watched_file_settings *settings);

/* on_changed is not called any more; a look that is out is left to its helper. NULL is harmless. */
void weft_watched_file_free(struct weft_watched_file *file);

/* The first reading, before anything runs, since it may block: appends the file to out, which the caller owns and whose
 * limit bounds it. WEFT_NOT_FOUND, WEFT_DENIED, WEFT_IO; WEFT_LIMIT beyond 1 MiB. */
enum weft_status weft_watched_file_read(const char *path, struct weft_buffer *out,
                                        struct weft_error *error) WEFT_MUST_CHECK;
