/* The thread that follows files (tail.h): looks for them, reads from each in turn, and sleeps when nothing moves.
 * Files, sources and blocks that are at home are its own; a block that is under way is its owner's. */
#include "tail/tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "tail/followed.h"
#include "tail/glob.h"

enum { BLOCKS = 4, BLOCK_BYTES = 64 << 10, BUCKETS = 1024, WATCHES_MAX = 8192 };

#define LOOK_INTERVAL_NS  (2 * WEFT_NS_PER_S)
#define LET_GO_AFTER_NS   (5 * WEFT_NS_PER_S)
#define TWIN_AFTER_NS     (2 * WEFT_NS_PER_S) /* a file that equals another one is no copy that goes on */
#define LOOK_GAP_NS       (5 * WEFT_NS_PER_MS)
#define TAKE_OVER_WAIT_NS (20 * WEFT_NS_PER_MS)

struct weft_tail {
    struct weft_tail_settings settings;
    struct weft_tail_counters counters;
    struct weft_thread *thread;
    struct weft_mailbox *blocks;   /* to the owner */
    struct weft_mailbox *returned; /* from it */
    struct weft_tail_block items[BLOCKS];
    struct weft_tail_block ended; /* the last that is posted */
    struct weft_message stop;
    struct weft_atomic_u64 is_stopping;
    struct weft_list free_blocks;
    struct weft_list files;
    struct weft_followed *buckets[BUCKETS];
    struct weft_file_positions left; /* by the reader before this one */
    uint64_t scan;
    bool is_first_scan, is_look_wanted;
    bool lacks_watches; /* so it looks at every poll */
    size_t watch_count;
    int notify; /* -1: there is none */
    struct weft_monotonic looked;
    int64_t looked_wall_ns; /* the same: what is younger has not been found */
};

/* ---- files ---- */

static struct weft_followed *file_of(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_followed, node);
}

static struct weft_followed **bucket_of(struct weft_tail *tail, dev_t device, ino_t inode)
{
    return &tail->buckets[((uint64_t)inode * 31 + (uint64_t)device) % BUCKETS];
}

static struct weft_followed *find_file(struct weft_tail *tail, const struct stat *state)
{
    struct weft_followed *file = *bucket_of(tail, state->st_dev, state->st_ino);
    while (file != NULL &&
           (file->read.position.inode != state->st_ino || file->read.position.device != state->st_dev)) {
        file = file->next_in_bucket;
    }
    return file;
}

static void insert_file(struct weft_tail *tail, struct weft_followed *file)
{
    struct weft_followed **bucket = bucket_of(tail, file->read.position.device, file->read.position.inode);
    file->next_in_bucket = *bucket;
    *bucket = file;
    weft_list_push_back(&tail->files, &file->node);
    weft_atomic_add(&tail->counters.files, 1);
}

static void close_file(struct weft_tail *tail, struct weft_followed *file)
{
    if (file->descriptor >= 0) {
        weft_atomic_sub(&tail->counters.open_files, 1);
    }
    weft_followed_close(file);
}

static void remove_file(struct weft_tail *tail, struct weft_followed *file)
{
    struct weft_followed **link = bucket_of(tail, file->read.position.device, file->read.position.inode);
    while (*link != file) {
        link = &(*link)->next_in_bucket;
    }
    *link = file->next_in_bucket;
    close_file(tail, file);
    weft_atomic_sub(&tail->counters.files, 1);
    weft_followed_free(file);
}

/* ---- opening ---- */

/* The one that has been quiet for longest gives way; it is opened again when it has grown. */
static bool make_room(struct weft_tail *tail)
{
    struct weft_followed *quietest = NULL;
    if (weft_atomic_load(&tail->counters.open_files) < tail->settings.max_files) {
        return true;
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        struct weft_followed *file = file_of(node);
        bool may_go = file->descriptor >= 0 && file->is_at_end && !file->is_gone && file->tail_length == 0;
        if (may_go && (quietest == NULL || file->quiet_since < quietest->quiet_since)) {
            quietest = file;
        }
    }
    if (quietest == NULL) {
        return false;
    }
    close_file(tail, quietest);
    return true;
}

static bool open_file(struct weft_tail *tail, struct weft_followed *file)
{
    if (!make_room(tail)) {
        weft_atomic_add(&tail->counters.waiting_files, 1);
        return false;
    }
    if (weft_followed_open(file)) {
        weft_atomic_add(&tail->counters.open_files, 1);
        return true;
    }
    if (errno != ESTALE && errno != ENOENT) {
        weft_atomic_add(&tail->counters.waiting_files, 1);
        weft_atomic_add(&tail->counters.open_failures, 1);
        if (!file->has_failed) {
            weft_log(ERROR, "tail.cannot_open", "a log file cannot be opened: nothing of it is read",
                     WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", file->source->path),
                     WEFT_LOG_STRING("error", strerrordesc_np(errno)));
        }
        file->has_failed = true;
    }
    return false;
}

static void say_compressed(struct weft_tail *tail, const struct weft_followed *file)
{
    weft_atomic_add(&tail->counters.compressed, 1);
    weft_log(WARN, "tail.compressed", "a file is compressed: it is not read",
             WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", file->source->path));
}

static bool is_in_same_directory(const char *left, const char *right)
{
    const char *left_name = strrchr(left, '/');
    const char *right_name = strrchr(right, '/');
    size_t left_length = left_name == NULL ? 0 : (size_t)(left_name - left);
    size_t right_length = right_name == NULL ? 0 : (size_t)(right_name - right);
    return left_length == right_length && memcmp(left, right, left_length) == 0;
}

/* Whether it may be a copy of a file beside it that is still to be made, or truncated. If it is one, its position is
 * that of the file. */
static bool may_become_copy(struct weft_tail *tail, struct weft_followed *copy)
{
    bool is_old = weft_wall_now().ns - copy->born_ns >= TWIN_AFTER_NS;
    bool may_become = false;
    struct stat state;
    if (fstat(copy->descriptor, &state) != 0 || state.st_size == 0) {
        return false; /* nothing to read: nobody need be asked */
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        const struct weft_followed *file = file_of(node);
        const struct weft_file_position *position;
        if (file == copy || !is_in_same_directory(file->source->path, copy->source->path)) {
            continue;
        }
        enum weft_likeness likeness = weft_followed_compare(file, copy, &position);
        if (likeness == WEFT_LIKE) {
            copy->read.position.offset = position->offset;
            copy->read.position.last_length = position->last_length;
            memcpy(copy->read.position.last, position->last, sizeof position->last);
            return false;
        }
        may_become = may_become || likeness == WEFT_MAY_BECOME_LIKE;
    }
    return may_become && !is_old;
}

/* ---- looking for files ---- */

static bool is_excluded(const struct weft_tail *tail, const char *path)
{
    for (size_t i = 0; i < tail->settings.exclude_count; i++) {
        if (weft_glob_matches(tail->settings.exclude[i], path)) {
            return true;
        }
    }
    return false;
}

static bool is_born_after(const char *path, int64_t wall_ns)
{
    struct statx state;
    return statx(AT_FDCWD, path, 0, STATX_BTIME, &state) == 0 && (state.stx_mask & STATX_BTIME) != 0 &&
           state.stx_btime.tv_sec * WEFT_NS_PER_S + state.stx_btime.tv_nsec >= wall_ns;
}

/* Whether a file that was not followed yet is read from its beginning: not if it was there at first. */
static bool is_new(const struct weft_tail *tail, const char *path)
{
    return !tail->is_first_scan || tail->settings.is_from_beginning ||
           (tail->left.looked_ns > 0 && is_born_after(path, tail->left.looked_ns));
}

/* What the reader before this one has left, if it is still so. */
static bool take_left_position(const struct weft_tail *tail, struct weft_followed *file, const struct stat *state)
{
    for (size_t i = 0; i < tail->left.count; i++) {
        const struct weft_file_position *left = &tail->left.items[i];
        if (left->device == state->st_dev && left->inode == state->st_ino) {
            file->read.position = *left;
            return true;
        }
    }
    return false;
}

static void follow_siblings(struct weft_tail *tail, const struct weft_followed *former, const char *path);

static struct weft_followed *find_former(struct weft_tail *tail, const char *path)
{
    WEFT_LIST_EACH(node, &tail->files)
    {
        if (strcmp(file_of(node)->source->path, path) == 0) {
            return file_of(node);
        }
    }
    return NULL;
}

static struct weft_followed *follow(struct weft_tail *tail, const char *path, const struct stat *state, bool is_whole)
{
    struct weft_followed *file = weft_followed_new(path, state);
    bool is_left = take_left_position(tail, file, state);
    if (!is_left && !is_whole) {
        file->read.position.offset = (uint64_t)state->st_size;
    }
    insert_file(tail, file);
    if (open_file(tail, file) && file->is_passed) {
        say_compressed(tail, file);
    }
    return file;
}

static void on_file(void *user, const char *path, const struct stat *state)
{
    struct weft_tail *tail = user;
    if (is_excluded(tail, path)) {
        return;
    }
    struct weft_followed *file = find_file(tail, state);
    if (file == NULL) {
        const struct weft_followed *former = tail->is_first_scan ? NULL : find_former(tail, path);
        if (former != NULL) {
            follow_siblings(tail, former, path);
        }
        file = follow(tail, path, state, is_new(tail, path));
    } else if (file->descriptor < 0 && (uint64_t)state->st_size != file->read.position.offset) {
        (void)open_file(tail, file);
    }
    file->seen = tail->scan;
    file->is_gone = false;
}

/* Files that were in the place of path after former was and before now. */
static void follow_siblings(struct weft_tail *tail, const struct weft_followed *former, const char *path)
{
    char directory[PATH_MAX];
    char name[PATH_MAX];
    char sibling[2 * PATH_MAX];
    struct stat state;
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    snprintf(name, sizeof name, "%s.", slash == NULL ? path : slash + 1);
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        snprintf(sibling, sizeof sibling, "%s/%s", directory, entry->d_name);
        if (strncmp(entry->d_name, name, strlen(name)) != 0 || strlen(sibling) >= PATH_MAX ||
            stat(sibling, &state) != 0 || !S_ISREG(state.st_mode) || find_file(tail, &state) != NULL ||
            !is_born_after(sibling, former->born_ns)) {
            continue;
        }
        follow(tail, sibling, &state, true)->seen = tail->scan;
    }
    closedir(stream);
}

static void on_directory(void *user, const char *path)
{
    struct weft_tail *tail = user;
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
    bool is_watched =
        tail->notify >= 0 && tail->watch_count < WATCHES_MAX && inotify_add_watch(tail->notify, path, events) >= 0;
    tail->watch_count += is_watched;
    tail->lacks_watches = tail->lacks_watches || (!is_watched && access(path, F_OK) == 0);
}

static void look(struct weft_tail *tail, struct weft_monotonic now)
{
    const struct weft_glob_visitor visitor = { on_file, on_directory, tail };
    tail->scan++;
    tail->looked = now;
    tail->looked_wall_ns = weft_wall_now().ns;
    tail->is_look_wanted = false;
    tail->lacks_watches = false;
    tail->watch_count = 0;
    weft_atomic_store(&tail->counters.waiting_files, 0);
    for (size_t i = 0; i < tail->settings.include_count; i++) {
        weft_glob_walk(tail->settings.include[i], &visitor);
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        struct weft_followed *file = file_of(node);
        file->is_gone = file->seen != tail->scan;
    }
    tail->is_first_scan = false;
    weft_free(tail->left.items);
    tail->left = (struct weft_file_positions){ 0 };
}

static bool is_look_due(const struct weft_tail *tail, struct weft_monotonic now)
{
    int64_t passed = now.ns - tail->looked.ns;
    int64_t interval = tail->lacks_watches ? tail->settings.poll_interval_ns : LOOK_INTERVAL_NS;
    return tail->scan == 0 || passed >= interval || (tail->is_look_wanted && passed >= LOOK_GAP_NS);
}

/* What has changed is found by looking. */
static void take_notices(struct weft_tail *tail)
{
    _Alignas(struct inotify_event) char events[4096];
    while (tail->notify >= 0 && read(tail->notify, events, sizeof events) > 0) {
        tail->is_look_wanted = true;
    }
}

/* ---- reading ---- */

static struct weft_tail_block *block_of(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_tail_block, node);
}

static void post(struct weft_tail *tail, struct weft_followed *file, struct weft_tail_block *block)
{
    block->message.on_delivered = tail->ended.message.on_delivered;
    block->source = file->source;
    block->path = file->source->path;
    block->source->users++;
    weft_atomic_add(&tail->counters.bytes, block->length);
    weft_mailbox_post_always(tail->blocks, &block->message);
}

static void say_restarted(struct weft_tail *tail, const struct weft_followed *file, bool is_truncated)
{
    weft_atomic_add(is_truncated ? &tail->counters.truncated : &tail->counters.rewritten, 1);
    weft_log(WARN, "tail.restarted", "a log file was truncated: it is read from its beginning",
             WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", file->source->path),
             WEFT_LOG_STRING("reason", is_truncated ? "truncated" : "rewritten"));
}

/* Whether a new file is to be read now: not while it may be the copy of one that is followed. */
static bool is_settled(struct weft_tail *tail, struct weft_followed *file)
{
    return file->read.position.offset > 0 || !may_become_copy(tail, file);
}

/* True: a block went out. */
static bool read_file(struct weft_tail *tail, struct weft_followed *file, struct weft_monotonic now)
{
    if (file->descriptor < 0 || file->is_passed || weft_list_is_empty(&tail->free_blocks) || !is_settled(tail, file)) {
        return false;
    }
    struct weft_tail_block *block = block_of(weft_list_pop_front(&tail->free_blocks));
    enum weft_read read = weft_followed_read(file, block, &tail->settings, now);
    switch (read) {
    case WEFT_READ_LINES:
        file->quiet_since = now.ns;
        post(tail, file, block);
        return true;
    case WEFT_READ_TRUNCATED:
    case WEFT_READ_REWRITTEN:
        say_restarted(tail, file, read == WEFT_READ_TRUNCATED);
        break;
    case WEFT_READ_FAILED:
        close_file(tail, file);
        break;
    case WEFT_READ_NOTHING:
        break;
    }
    weft_list_push_front(&tail->free_blocks, &block->node);
    return false;
}

/* One that is gone and has been quiet since: nobody writes to it any more. */
static bool is_over(const struct weft_followed *file, struct weft_monotonic now)
{
    return file->is_gone && (file->descriptor < 0 || file->is_passed ||
                             (file->is_at_end && now.ns - file->quiet_since >= LET_GO_AFTER_NS));
}

/* A block of each in turn. True: something moved. */
static bool read_all(struct weft_tail *tail, struct weft_monotonic now)
{
    bool has_moved = false;
    for (struct weft_list *node = tail->files.next, *next; node != &tail->files; node = next) {
        struct weft_followed *file = file_of(node);
        next = node->next;
        has_moved = read_file(tail, file, now) || has_moved;
        if (is_over(file, now)) {
            remove_file(tail, file);
        }
    }
    /* who was last is first next time, where there were too few blocks for all */
    if (!weft_list_is_empty(&tail->files)) {
        struct weft_list *first = weft_list_pop_front(&tail->files);
        weft_list_push_back(&tail->files, first);
    }
    return has_moved;
}

static void sleep_until_something_moves(struct weft_tail *tail)
{
    struct pollfd wanted[2] = { { weft_mailbox_descriptor(tail->returned), POLLIN, 0 }, { tail->notify, POLLIN, 0 } };
    int64_t wait_ns = tail->is_look_wanted ? LOOK_GAP_NS : tail->settings.poll_interval_ns;
    (void)poll(wanted, 2, (int)(wait_ns / WEFT_NS_PER_MS) + 1);
}

/* ---- life ---- */

/* The usual one, for one that has grown or has none. */
static void give_room(struct weft_tail_block *block)
{
    weft_free(block->bytes);
    block->bytes = weft_alloc(BLOCK_BYTES);
    block->capacity = BLOCK_BYTES;
}

static void on_returned(struct weft_message *message)
{
    struct weft_tail_block *block = WEFT_CONTAINER_OF(message, struct weft_tail_block, message);
    if (--block->source->users == 0) {
        weft_free(block->source->path);
        weft_free(block->source);
    }
    block->source = NULL;
    if (block->capacity > BLOCK_BYTES) {
        give_room(block);
    }
    weft_list_push_back(&block->tail->free_blocks, &block->node);
}

static void on_stop(struct weft_message *message)
{
    (void)message; /* it has ended the sleep */
}

static bool is_stopping(const struct weft_tail *tail)
{
    return weft_atomic_load(&tail->is_stopping) != 0;
}

/* Waits for the reader before this one. False: stopped meanwhile. */
static bool take_over(struct weft_tail *tail)
{
    while (!weft_positions_take(tail->settings.name, &tail->left)) {
        if (is_stopping(tail)) {
            return false;
        }
        weft_pause(TAKE_OVER_WAIT_NS);
    }
    return true;
}

static void hand_over(struct weft_tail *tail)
{
    struct weft_file_positions left = tail->left; /* nothing, unless it has not looked yet */
    tail->left = (struct weft_file_positions){ 0 };
    while (!weft_list_is_empty(&tail->files)) {
        struct weft_followed *file = file_of(tail->files.next);
        if (weft_try_grow(&left.items, sizeof *left.items, left.count, &left.capacity) == WEFT_OK) {
            left.items[left.count++] = file->read.position;
        }
        remove_file(tail, file);
    }
    left.looked_ns = tail->scan > 0 ? tail->looked_wall_ns : left.looked_ns;
    weft_positions_leave(tail->settings.name, &left);
}

static void follow_files(struct weft_tail *tail)
{
    while (!is_stopping(tail)) {
        weft_mailbox_deliver(tail->returned);
        take_notices(tail);
        struct weft_monotonic now = weft_monotonic_now();
        if (is_look_due(tail, now)) {
            look(tail, now);
        }
        if (!read_all(tail, now)) {
            sleep_until_something_moves(tail);
        }
    }
}

static void tail_main(void *context)
{
    struct weft_tail *tail = context;
    if (take_over(tail)) {
        tail->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        follow_files(tail);
        if (tail->notify >= 0) {
            close(tail->notify);
        }
        hand_over(tail);
    }
    weft_mailbox_post_always(tail->blocks, &tail->ended.message);
}

struct weft_tail *weft_tail_start(const struct weft_tail_settings *settings, struct weft_mailbox *blocks,
                                  weft_message_fn on_block, void *owner)
{
    struct weft_tail *tail = weft_alloc(sizeof *tail);
    tail->settings = *settings;
    tail->blocks = blocks;
    tail->returned = weft_mailbox_new(BLOCKS + 1);
    tail->is_first_scan = true;
    tail->notify = -1;
    weft_list_init(&tail->free_blocks);
    weft_list_init(&tail->files);
    tail->ended.tail = tail;
    tail->ended.owner = owner;
    tail->ended.message.on_delivered = on_block;
    tail->stop.on_delivered = on_stop;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct weft_tail_block *block = &tail->items[i];
        block->tail = tail;
        block->owner = owner;
        block->message.on_delivered = on_block;
        give_room(block);
        weft_list_push_back(&tail->free_blocks, &block->node);
    }
    tail->thread = weft_thread_start("tail", tail_main, tail);
    return tail;
}

void weft_tail_return(struct weft_tail_block *block)
{
    block->message.on_delivered = on_returned;
    weft_mailbox_post_always(block->tail->returned, &block->message);
}

void weft_tail_stop(struct weft_tail *tail)
{
    weft_atomic_store(&tail->is_stopping, 1);
    weft_mailbox_post_always(tail->returned, &tail->stop);
}

void weft_tail_free(struct weft_tail *tail)
{
    weft_thread_join(tail->thread);
    weft_mailbox_deliver(tail->returned);
    weft_mailbox_free(tail->returned);
    for (size_t i = 0; i < BLOCKS; i++) {
        weft_assert(tail->items[i].source == NULL);
        weft_free(tail->items[i].bytes);
    }
    weft_free(tail->left.items);
    weft_free(tail);
}

const struct weft_tail_counters *weft_tail_counters(const struct weft_tail *tail)
{
    return &tail->counters;
}
