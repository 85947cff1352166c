#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

/* Where files were read to, from one reader of a name to the next: a receiver that a reload has changed goes on where
 * the former one has stopped, and only one of both reads. In memory: a new process begins anew. Any thread. */
enum { WEFT_POSITION_LAST_BYTES = 64 };

struct weft_file_position {
    dev_t device;
    ino_t inode;
    uint64_t offset;
    uint8_t last[WEFT_POSITION_LAST_BYTES]; /* bytes before the offset: tell whether the file was rewritten */
    uint32_t last_length;
};

/* A file that was renamed or unlinked and not read to its end: no pattern finds it again. */
struct weft_left_file {
    struct weft_file_position position;
    char *path; /* of when it was found */
    int descriptor;
};

struct weft_file_positions {
    struct weft_file_position *items;
    size_t count, capacity;
    struct weft_left_file *files;
    size_t file_count, file_capacity;
    int64_t looked_ns; /* by the wall clock, when files were last looked for; 0: never */
};

/* False: another reader of that name has not let go yet. True: the caller is the reader now and has what the former one
 * left; items and files are the caller's, with what the files have. */
bool weft_positions_take(const char *name, struct weft_file_positions *out_positions) WEFT_MUST_CHECK;

/* The reader lets go; takes items and files over. */
void weft_positions_leave(const char *name, struct weft_file_positions *positions);
