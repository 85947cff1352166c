#pragma once

#include "base/clock.h"
#include "tail/followed.h"
#include "tail/tail.h"

/* What the files of src/tail share: the tail itself, which is its thread's alone while that runs. The last of thread
 * and owner frees it. */
enum { WEFT_TAIL_BLOCKS = 4, WEFT_TAIL_BUCKETS = 1024 };

struct weft_tail {
    struct weft_tail_settings settings;
    struct weft_tail_counters counters;
    struct weft_mutex mutex;       /* guards references, blocks, and with the capacities of blocks settings.budget */
    unsigned references;           /* the owner's, the thread's */
    struct weft_mailbox *blocks;   /* to the owner; NULL: it has left */
    struct weft_mailbox *returned; /* from it */
    struct weft_tail_block items[WEFT_TAIL_BLOCKS];
    struct weft_tail_block ended; /* the last that is posted */
    struct weft_message stop;
    struct weft_atomic_u64 is_stopping;
    struct weft_list free_blocks;
    struct weft_list files;
    struct weft_followed *buckets[WEFT_TAIL_BUCKETS];
    struct weft_file_positions left; /* by the reader before this one */
    uint64_t scan;
    uint64_t round; /* of reading all files up to their ends */
    struct weft_monotonic round_began;
    bool is_first_scan, is_look_wanted, has_said_full;
    bool has_gone_files; /* when it last looked */
    bool is_look_blind;  /* a directory could not be read: what was not found may be there */
    bool has_said_blind;
    bool is_full;       /* while it looks: no open file can give way */
    bool lacks_watches; /* so it looks at every poll */
    size_t watch_count;
    size_t sibling_looks; /* in this look, for places that nobody would look at again */
    int notify;           /* -1: there is none */
    struct weft_monotonic looked;
    int64_t looked_files_ns; /* the same by the clock of files: what is younger has not been found */
    int64_t began_files_ns;  /* what is younger may be read from its beginning, wherever it is found */
};

/* tail_files.c: the files that are followed. */
static inline struct weft_followed *weft_followed_of(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_followed, node);
}

/* NULL: it is not followed. */
struct weft_followed *weft_tail_find(struct weft_tail *tail, const struct stat *state);

/* The tail owns the file from now on. */
void weft_tail_add(struct weft_tail *tail, struct weft_followed *own_file);
void weft_tail_remove(struct weft_tail *tail, struct weft_followed *file);

/* Where the limit allows it; what cannot be opened is said and counted. */
void weft_tail_open(struct weft_tail *tail, struct weft_followed *file, const char *path);
void weft_tail_say_compressed(struct weft_tail *tail, const struct weft_followed *file);
void weft_tail_close(struct weft_tail *tail, struct weft_followed *file);

/* Whether a file of which nothing was read may be a copy of one beside it that is still being made, or whose original
 * is still to be truncated. If it is one, it goes on where its original was. */
bool weft_tail_may_become_copy(struct weft_tail *tail, struct weft_followed *copy);

/* tail_look.c: finds files. */
void weft_tail_look(struct weft_tail *tail, struct weft_monotonic now);

/* tail.c. False without memory: it stays as it is. The contents are lost. */
bool weft_tail_block_resize(struct weft_tail_block *block, size_t capacity);
