#pragma once

#include "base/budget.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/thread.h"

/* Follows files as they grow, in a thread of its own, since a file may block: finds them by patterns, reads them from
 * where it was, and hands out blocks of whole lines, a few at a time. Who does not return blocks is not read for.
 *
 * A file is known by its device and inode, and by the bytes before the place up to which it was read. One that was
 * renamed or unlinked is read to its end and let go when it has been quiet for five seconds. When another file is found
 * in its place, or none, files beside it whose names begin with its name and that are younger are read, too: they were
 * in its place between two looks, in the order of their birth, and their lines are said to come from there. A file that
 * is shorter than what was read of it, or whose last bytes are not those that were read, was truncated and is read from
 * its beginning. A copy of a file that is followed (copytruncate) goes on where that one is: while it may still become
 * one it waits, two seconds at most. Compressed files (gzip) are passed over. Of one that was closed for others and is
 * gone before it was opened again, what came meanwhile is lost.
 *
 * New files are seen by inotify and by looking every two seconds; where there are no watches to be had, by looking
 * every poll_interval. */
struct weft_tail;
struct weft_tail_source;

struct weft_tail_settings {
    const char *name; /* whose positions it goes on from (positions.h) */
    char *const *include;
    size_t include_count;
    char *const *exclude;
    size_t exclude_count;
    bool is_from_beginning; /* files that are there at first; later ones always */
    int64_t poll_interval_ns;
    int64_t flush_after_ns;     /* a last line without its end goes when it has not grown for so long; 0 = never */
    size_t max_line_bytes;      /* a longer line comes in pieces */
    size_t max_files;           /* open at once */
    struct weft_budget *budget; /* charged for the blocks */
};

/* Whole lines of one file; the last may lack its end, if it is too long or was flushed. Posted to the owner's mailbox;
 * the owner returns it. */
struct weft_tail_block {
    struct weft_message message;
    struct weft_tail *tail;
    void *owner;
    struct weft_tail_source *source;
    const char *path; /* of the file when it was found; NULL: no block, the tail has ended */
    uint8_t *bytes;
    size_t length, capacity;
    struct weft_list node; /* free for the owner to use, and the tail's own while it is returned */
};

/* Any thread reads them. */
struct weft_tail_counters {
    struct weft_atomic_u64 files, open_files, waiting_files; /* now; waiting: over max_files, or not to be opened */
    struct weft_atomic_u64 bytes, truncated, rewritten, open_failures, compressed;
};

/* settings are copied, but for the budget, which outlives the owner. on_block runs on the owner of the mailbox, blocks.
 * NULL: the process has no file descriptor left. */
struct weft_tail *weft_tail_try_new(const struct weft_tail_settings *settings, struct weft_mailbox *blocks,
                                    weft_message_fn on_block, void *owner);

/* Its thread runs from now on. WEFT_NOMEM, WEFT_LIMIT: the system has none to give, and it may be tried again. */
enum weft_status weft_tail_try_start(struct weft_tail *tail) WEFT_MUST_CHECK;

void weft_tail_return(struct weft_tail_block *block);

/* It was started. No more is read; the last block comes soon, path NULL, and is not returned. */
void weft_tail_stop(struct weft_tail *tail);

/* No block comes any more, also if the last one has not come yet, since the thread stands at a disk that has gone.
 * Those that are in the mailbox are still to be delivered and returned. */
void weft_tail_leave(struct weft_tail *tail);

/* After that, with all blocks returned; or it was never started. Does not wait: a thread that stands frees it later. */
void weft_tail_free(struct weft_tail *tail);

const struct weft_tail_counters *weft_tail_counters(const struct weft_tail *tail);
