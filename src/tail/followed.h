#pragma once

#include <sys/stat.h>

#include "base/clock.h"
#include "base/list.h"
#include "tail/positions.h"
#include "tail/tail.h"

/* One file that is followed (tail.h). */
struct weft_tail_source {
    char *path;
    size_t users; /* the file, and blocks under way */
};

enum { WEFT_FOLLOWED_HEAD_BYTES = 256 };

/* What was read of it. */
struct weft_read_so_far {
    struct weft_file_position position;
    uint32_t head_length;
    uint8_t head[WEFT_FOLLOWED_HEAD_BYTES]; /* its first bytes, those before the position */
};

struct weft_followed {
    struct weft_list node;
    struct weft_followed *next_in_bucket;
    struct weft_tail_source *source;
    int descriptor; /* -1: closed while nothing comes, or it could not be opened */
    struct weft_read_so_far read;
    struct weft_read_so_far before; /* it was truncated; position.offset 0: never */
    int64_t found_ns;               /* by the clock of files: when the look began that has found it */
    int64_t born_ns;                /* by the same; 0: the file system does not tell, or it was never opened */
    uint64_t seen;                  /* the scan that has last found it in its place */
    uint64_t ended_round;           /* of the tail: there was nothing more in it then */
    int64_t quiet_since;            /* monotonic: when it was last opened or read, or found to be gone */
    uint64_t tail_length;           /* of a line without its end, that may grow */
    int64_t tail_since;
    bool is_at_end;  /* nothing more was there when it was last read, but perhaps a line without its end */
    bool is_gone;    /* renamed or unlinked */
    bool is_passed;  /* compressed: not read */
    bool has_failed; /* said */
};

enum weft_read {
    WEFT_READ_LINES,
    WEFT_READ_NOTHING,
    WEFT_READ_TRUNCATED,
    WEFT_READ_REWRITTEN,
    WEFT_READ_COMPRESSED,
    WEFT_READ_FAILED
};

struct weft_followed *weft_followed_new(const char *path, const struct stat *state, int64_t found_ns);
void weft_followed_free(struct weft_followed *file);

/* The clock that files get their times from: it is a few milliseconds behind the wall's. */
int64_t weft_files_now_ns(void);

/* path: where it is now, if it was renamed. False with errno, ESTALE if another file is there: it stays closed. */
bool weft_followed_open(struct weft_followed *file, const char *path);
void weft_followed_close(struct weft_followed *file);

/* When it was born, if it is open. */
void weft_followed_note_birth(struct weft_followed *file);

/* Fills the block, which has room, with the lines that are there. TRUNCATED, REWRITTEN: it is at its beginning now, to
 * be read again. NOTHING: it has ended, or the line that has begun may still grow. */
enum weft_read weft_followed_read(struct weft_followed *file, struct weft_tail_block *block,
                                  const struct weft_tail_settings *settings, struct weft_monotonic now);

/* A file that has not been read yet, as it begins. */
struct weft_beginning {
    uint64_t size;
    size_t head_length;
    uint8_t head[WEFT_FOLLOWED_HEAD_BYTES];
};

/* False: it is empty or cannot be read. */
bool weft_followed_begin(const struct weft_followed *file, struct weft_beginning *out_beginning);

/* Whether copy, which begins so, begins with what was read of file. */
enum weft_likeness {
    WEFT_UNLIKE,
    WEFT_MAY_BECOME_LIKE, /* the same as far as it goes; or all of it, but nothing was truncated since */
    WEFT_LIKE,            /* to *out_position, where file was before it was truncated */
};
enum weft_likeness weft_followed_compare(const struct weft_followed *file, const struct weft_followed *copy,
                                         const struct weft_beginning *beginning,
                                         const struct weft_file_position **out_position);
