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
    int64_t interval_ns;
    /* contents until it returns; anything but WEFT_OK leaves the user with what it had. */
    enum weft_status (*on_changed)(void *context, struct weft_slice contents, struct weft_error *error);
    void *context;
};

struct weft_watched_file *weft_watched_file_new(const struct weft_watched_file_settings *settings);
void weft_watched_file_free(struct weft_watched_file *file);

/* The first reading, before anything runs. */
enum weft_status weft_watched_file_read(const char *path, struct weft_buffer *out,
                                        struct weft_error *error) WEFT_MUST_CHECK;
