/* The files that are followed (tail_internal.h): by inode, as many of them open as may be. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "tail/tail_internal.h"

#define TWIN_AFTER_NS (2 * WEFT_NS_PER_S) /* a file that still equals another one is not its copy */

static struct weft_followed **bucket_of(struct weft_tail *tail, dev_t device, ino_t inode)
{
    return &tail->buckets[((uint64_t)inode * 31 + (uint64_t)device) % WEFT_TAIL_BUCKETS];
}

struct weft_followed *weft_tail_find(struct weft_tail *tail, const struct stat *state)
{
    struct weft_followed *file = *bucket_of(tail, state->st_dev, state->st_ino);
    while (file != NULL &&
           (file->read.position.inode != state->st_ino || file->read.position.device != state->st_dev)) {
        file = file->next_in_bucket;
    }
    return file;
}

void weft_tail_add(struct weft_tail *tail, struct weft_followed *own_file)
{
    struct weft_followed *file = own_file;
    struct weft_followed **bucket = bucket_of(tail, file->read.position.device, file->read.position.inode);
    file->next_in_bucket = *bucket;
    *bucket = file;
    weft_list_push_back(&tail->files, &file->node);
    weft_atomic_add(&tail->counters.files, 1);
}

void weft_tail_close(struct weft_tail *tail, struct weft_followed *file)
{
    if (file->descriptor >= 0) {
        weft_atomic_sub(&tail->counters.open_files, 1);
    }
    weft_followed_close(file);
}

void weft_tail_remove(struct weft_tail *tail, struct weft_followed *file)
{
    struct weft_followed **link = bucket_of(tail, file->read.position.device, file->read.position.inode);
    while (*link != file) {
        link = &(*link)->next_in_bucket;
    }
    *link = file->next_in_bucket;
    weft_tail_close(tail, file);
    weft_atomic_sub(&tail->counters.files, 1);
    weft_followed_free(file);
}

/* ---- opening ---- */

static bool is_read_to_its_end(const struct weft_followed *file)
{
    struct stat state;
    return file->descriptor >= 0 && fstat(file->descriptor, &state) == 0 &&
           (uint64_t)state.st_size == file->read.position.offset;
}

/* The one that has been quiet for longest gives way; it is opened again when it has grown. */
static bool make_room(struct weft_tail *tail)
{
    struct weft_followed *quietest = NULL;
    if (weft_atomic_load(&tail->counters.open_files) < tail->settings.max_files) {
        return true;
    }
    if (tail->is_full) {
        return false;
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        struct weft_followed *file = weft_followed_of(node);
        if (!file->is_gone && (quietest == NULL || file->quiet_since < quietest->quiet_since) &&
            is_read_to_its_end(file)) {
            quietest = file;
        }
    }
    if (quietest == NULL) {
        tail->is_full = true;
        return false;
    }
    weft_tail_close(tail, quietest);
    return true;
}

/* Each file once, until it can be opened. */
static void say_cannot_open(const struct weft_tail *tail, struct weft_followed *file, const char *reason)
{
    if (!file->has_failed) {
        weft_log(ERROR, "tail.cannot_open", "a log file cannot be opened: nothing of it is read",
                 WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", file->source->path),
                 WEFT_LOG_STRING("error", reason));
    }
    file->has_failed = true;
}

void weft_tail_say_compressed(struct weft_tail *tail, const struct weft_followed *file)
{
    weft_atomic_add(&tail->counters.compressed, 1);
    weft_log(WARN, "tail.compressed", "a file is compressed: it is not read",
             WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", file->source->path));
}

void weft_tail_open(struct weft_tail *tail, struct weft_followed *file, const char *path)
{
    if (!make_room(tail)) {
        weft_atomic_add(&tail->counters.waiting_files, 1);
        say_cannot_open(tail, file, "max_concurrent_files are open, and all of them move: it waits");
    } else if (weft_followed_open(file, path)) {
        weft_atomic_add(&tail->counters.open_files, 1);
        file->quiet_since = weft_monotonic_now().ns;
        if (file->is_passed) {
            weft_tail_say_compressed(tail, file);
        }
    } else if (errno != ESTALE && errno != ENOENT) {
        weft_atomic_add(&tail->counters.waiting_files, 1);
        weft_atomic_add(&tail->counters.open_failures, 1);
        say_cannot_open(tail, file, strerrordesc_np(errno));
    }
}

/* ---- copies ---- */

static bool is_in_same_directory(const char *left, const char *right)
{
    const char *left_name = strrchr(left, '/');
    const char *right_name = strrchr(right, '/');
    size_t left_length = left_name == NULL ? 0 : (size_t)(left_name - left);
    size_t right_length = right_name == NULL ? 0 : (size_t)(right_name - right);
    return left_length == right_length && memcmp(left, right, left_length) == 0;
}

bool weft_tail_may_become_copy(struct weft_tail *tail, struct weft_followed *copy)
{
    struct weft_beginning beginning;
    bool may_become = false;
    if (!weft_followed_begin(copy, &beginning)) {
        return false; /* nothing to read: nobody need be asked */
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        const struct weft_followed *file = weft_followed_of(node);
        const struct weft_file_position *position;
        if (file == copy || !is_in_same_directory(file->source->path, copy->source->path)) {
            continue;
        }
        enum weft_likeness likeness = weft_followed_compare(file, copy, &beginning, &position);
        if (likeness == WEFT_LIKE) {
            copy->read.position.offset = position->offset;
            copy->read.position.last_length = position->last_length;
            memcpy(copy->read.position.last, position->last, sizeof position->last);
            return false;
        }
        may_become = may_become || likeness == WEFT_MAY_BECOME_LIKE;
    }
    return may_become && weft_files_now_ns() - copy->found_ns < TWIN_AFTER_NS;
}
