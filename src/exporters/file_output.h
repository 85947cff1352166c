#pragma once

#include <sys/types.h>

#include "base/slice.h"
#include "base/status.h"

/* The one file that the instances of a file exporter write to, over all workers and signals, in whole runs of messages.
 * Any call may block, so it is a helper that makes them, one at a time (output.h). */
struct weft_file_output;

struct weft_file_rotation {
    uint64_t max_bytes;             /* 0 = no rotation */
    uint64_t max_days, max_backups; /* 0 = keep all */
    bool has_local_time;            /* in the names of backups; else UTC */
};

struct weft_file_output_settings {
    const char *path;  /* copied, as written in the config: never made from received data */
    bool is_appending; /* to what is there; with rotation always, and where this process has opened it before */
    bool creates_directory;
    mode_t directory_mode;
    struct weft_file_rotation rotation;
};

/* WEFT_INVALID: there is something at the path that is no file: a FIFO would hold who opens it until somebody reads.
 * But for /dev/null, /dev/stdout and /dev/stderr; the latter two are the streams that weft was started with. */
enum weft_status weft_file_output_check(const char *path, struct weft_error *error) WEFT_MUST_CHECK;

/* WEFT_IO with the system's reason; WEFT_INVALID as above. */
enum weft_status weft_file_output_open(const struct weft_file_output_settings *settings,
                                       struct weft_file_output **out_output, struct weft_error *error) WEFT_MUST_CHECK;

/* Any thread, and does not block: it is in use from now on. Before that nothing of what it names is changed, and a file
 * or a directory that was made is removed again when it is closed. */
void weft_file_output_begin(struct weft_file_output *output);

/* After that: empties the file if it is to be emptied. The first write does it else. */
void weft_file_output_prepare(struct weft_file_output *output);

void weft_file_output_close(struct weft_file_output *output);

/* The path may lead to another file by now (somebody has rotated it). Any thread: whether there is one that can be
 * written to, which is made if there is none. */
enum weft_status weft_file_output_try_open(const struct weft_file_output *output,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* Any thread, and does not block: the next write goes to what the path leads to then, behind what is there. */
void weft_file_output_open_again(struct weft_file_output *output);

/* Writes all of it to one file, or nothing: what a full disk has cut off is taken back, so that a file holds whole
 * messages only. Rotates before if it would grow beyond max_bytes. WEFT_IO: try again later. */
enum weft_status weft_file_output_write(struct weft_file_output *output, struct weft_slice bytes,
                                        struct weft_error *error) WEFT_MUST_CHECK;
