/* The thread that follows files (tail.h): looks for them, reads from each in turn, and sleeps when nothing moves.
 * Files, sources and blocks that are at home are its own; a block that is under way is its owner's. */
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "tail/tail_internal.h"

enum { BLOCK_BYTES = 64 << 10 };

#define LOOK_INTERVAL_NS  (2 * WEFT_NS_PER_S)
#define LET_GO_AFTER_NS   (5 * WEFT_NS_PER_S)
#define LOOK_GAP_NS       (5 * WEFT_NS_PER_MS)
#define TAKE_OVER_WAIT_NS (20 * WEFT_NS_PER_MS)

/* ---- blocks ---- */

bool weft_tail_block_resize(struct weft_tail_block *block, size_t capacity)
{
    struct weft_tail *tail = block->tail;
    uint8_t *bytes = weft_try_alloc_raw(capacity);
    if (bytes == NULL) {
        return false;
    }
    weft_mutex_lock(&tail->mutex);
    if (tail->settings.budget != NULL) {
        weft_budget_charge(tail->settings.budget, capacity);
        weft_budget_release(tail->settings.budget, block->capacity);
    }
    weft_free(block->bytes);
    block->bytes = bytes;
    block->capacity = capacity;
    weft_mutex_unlock(&tail->mutex);
    return true;
}

static void put_home(struct weft_tail_block *block)
{
    if (block->capacity > BLOCK_BYTES) {
        (void)weft_tail_block_resize(block, BLOCK_BYTES);
    }
    weft_list_push_back(&block->tail->free_blocks, &block->node);
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

static bool post_to_owner(struct weft_tail *tail, struct weft_message *message)
{
    weft_mutex_lock(&tail->mutex);
    bool has_owner = tail->blocks != NULL;
    if (has_owner) {
        weft_mailbox_post_always(tail->blocks, message);
    }
    weft_mutex_unlock(&tail->mutex);
    return has_owner;
}

static void post(struct weft_tail *tail, struct weft_followed *file, struct weft_tail_block *block)
{
    block->message.on_delivered = tail->ended.message.on_delivered;
    block->source = file->source;
    block->path = file->source->path;
    block->source->users++;
    weft_atomic_add(&tail->counters.bytes, block->length);
    if (!post_to_owner(tail, &block->message)) {
        block->source->users--; /* of a file that is followed: it is not the last */
        block->source = NULL;
        put_home(block);
    }
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
    return file->read.position.offset > 0 || !weft_tail_may_become_copy(tail, file);
}

/* Whether it was in their place first. */
static bool is_before(const struct weft_followed *former, const struct weft_followed *file)
{
    return former->born_ns > 0 && file->born_ns > 0 && former->born_ns != file->born_ns
               ? former->born_ns < file->born_ns
               : former->is_gone && !file->is_gone;
}

/* Whether one that was in the file's place before has more to read: its lines come first. */
static bool waits_for_former(const struct weft_tail *tail, const struct weft_followed *file)
{
    if (!tail->has_gone_files || file->read.position.offset > 0) {
        return false;
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        const struct weft_followed *former = weft_followed_of(node);
        if (former->is_gone && former->descriptor >= 0 && !former->is_passed && former->ended_round != tail->round &&
            strcmp(former->source->path, file->source->path) == 0 && is_before(former, file)) {
            return true;
        }
    }
    return false;
}

/* True: a block went out. */
static bool read_file(struct weft_tail *tail, struct weft_followed *file, struct weft_monotonic now)
{
    if (file->descriptor < 0 || file->is_passed || file->ended_round == tail->round ||
        weft_list_is_empty(&tail->free_blocks) || waits_for_former(tail, file) || !is_settled(tail, file)) {
        return false;
    }
    struct weft_tail_block *block = block_of(weft_list_pop_front(&tail->free_blocks));
    enum weft_read read = weft_followed_read(file, block, &tail->settings, now);
    switch (read) {
    case WEFT_READ_LINES:
        file->quiet_since = now.ns;
        file->ended_round = file->is_at_end ? tail->round : file->ended_round;
        post(tail, file, block);
        return true;
    case WEFT_READ_TRUNCATED:
    case WEFT_READ_REWRITTEN:
        say_restarted(tail, file, read == WEFT_READ_TRUNCATED);
        break;
    case WEFT_READ_COMPRESSED:
        weft_tail_say_compressed(tail, file);
        break;
    case WEFT_READ_FAILED:
        weft_tail_close(tail, file);
        break;
    case WEFT_READ_NOTHING:
        file->ended_round = tail->round;
        break;
    }
    put_home(block);
    return false;
}

/* It may have grown since it was read, or was not read for want of blocks. known: bytes of it that are known. */
static bool has_more_than(const struct weft_followed *file, uint64_t known)
{
    struct stat state;
    return file->descriptor >= 0 && !file->is_passed && fstat(file->descriptor, &state) == 0 &&
           (uint64_t)state.st_size > known;
}

/* One that is gone and has been quiet since: nobody writes to it any more. */
static bool is_over(const struct weft_followed *file, int64_t flush_after_ns, struct weft_monotonic now)
{
    bool is_read =
        file->descriptor < 0 || file->is_passed || (file->is_at_end && (file->tail_length == 0 || flush_after_ns == 0));
    return file->is_gone && is_read && now.ns - file->quiet_since >= LET_GO_AFTER_NS &&
           !has_more_than(file, file->read.position.offset + file->tail_length);
}

/* Each file is read up to its end once in poll_interval. */
static void begin_round(struct weft_tail *tail, struct weft_monotonic now)
{
    if (tail->round == 0 || now.ns - tail->round_began.ns >= tail->settings.poll_interval_ns) {
        tail->round++;
        tail->round_began = now;
    }
}

/* A block of each in turn. True: something moved. */
static bool read_all(struct weft_tail *tail, struct weft_monotonic now)
{
    bool has_moved = false;
    for (struct weft_list *node = tail->files.next, *next; node != &tail->files; node = next) {
        struct weft_followed *file = weft_followed_of(node);
        next = node->next;
        has_moved = read_file(tail, file, now) || has_moved;
        if (is_over(file, tail->settings.flush_after_ns, now)) {
            weft_tail_remove(tail, file);
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
    int64_t passed_ns = weft_monotonic_now().ns - tail->round_began.ns;
    int64_t wait_ns = tail->settings.poll_interval_ns - passed_ns;
    wait_ns = wait_ns < 0 ? 0 : wait_ns;
    wait_ns = tail->is_look_wanted && wait_ns > LOOK_GAP_NS ? LOOK_GAP_NS : wait_ns;
    (void)poll(wanted, 2, (int)(wait_ns / WEFT_NS_PER_MS) + 1);
}

/* ---- life ---- */

static void on_returned(struct weft_message *message)
{
    struct weft_tail_block *block = WEFT_CONTAINER_OF(message, struct weft_tail_block, message);
    if (--block->source->users == 0) {
        weft_free(block->source->path);
        weft_free(block->source);
    }
    block->source = NULL;
    put_home(block);
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

/* What only the reader before this one could find, with its descriptor. */
static void adopt_left_files(struct weft_tail *tail)
{
    for (size_t i = 0; i < tail->left.file_count; i++) {
        struct weft_left_file *left = &tail->left.files[i];
        const struct stat state = { .st_dev = left->position.device, .st_ino = left->position.inode };
        struct weft_followed *file = weft_followed_new(left->path, &state, weft_files_now_ns());
        file->read.position = left->position;
        file->descriptor = left->descriptor;
        weft_followed_note_birth(file);
        file->is_at_end = true;
        file->is_gone = true;
        file->quiet_since = weft_monotonic_now().ns;
        weft_atomic_add(&tail->counters.open_files, 1);
        weft_tail_add(tail, file);
        weft_free(left->path);
    }
    weft_free(tail->left.files);
    tail->left.files = NULL;
    tail->left.file_count = tail->left.file_capacity = 0;
}

static void leave_file(struct weft_tail *tail, struct weft_file_positions *left, struct weft_followed *file)
{
    if (weft_try_grow(&left->files, sizeof *left->files, left->file_count, &left->file_capacity) == WEFT_OK) {
        left->files[left->file_count++] = (struct weft_left_file){ .position = file->read.position,
                                                                   .path = weft_alloc_string(file->source->path),
                                                                   .descriptor = file->descriptor };
        file->descriptor = -1;
        weft_atomic_sub(&tail->counters.open_files, 1);
    }
}

/* A reader that has not looked yet leaves what it was left. */
static void hand_over(struct weft_tail *tail)
{
    struct weft_file_positions left = tail->left; /* nothing, unless it has not looked yet */
    tail->left = (struct weft_file_positions){ 0 };
    while (!weft_list_is_empty(&tail->files)) {
        struct weft_followed *file = weft_followed_of(tail->files.next);
        if (weft_try_grow(&left.items, sizeof *left.items, left.count, &left.capacity) == WEFT_OK) {
            left.items[left.count++] = file->read.position;
        }
        if (file->is_gone && has_more_than(file, file->read.position.offset)) {
            leave_file(tail, &left, file);
        }
        weft_tail_remove(tail, file);
    }
    left.looked_ns = tail->scan > 0 ? tail->looked_files_ns : left.looked_ns;
    weft_positions_leave(tail->settings.name, &left);
}

static void follow_files(struct weft_tail *tail)
{
    while (!is_stopping(tail)) {
        weft_mailbox_deliver(tail->returned);
        take_notices(tail);
        struct weft_monotonic now = weft_monotonic_now();
        if (is_look_due(tail, now)) {
            weft_tail_look(tail, now);
        }
        begin_round(tail, now);
        if (!read_all(tail, now)) {
            sleep_until_something_moves(tail);
        }
    }
}

static void free_texts(char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weft_free(texts[i]);
    }
    weft_free((void *)texts);
}

static void unref(struct weft_tail *tail)
{
    weft_mutex_lock(&tail->mutex);
    bool is_last = --tail->references == 0;
    weft_mutex_unlock(&tail->mutex);
    if (!is_last) {
        return;
    }
    weft_mailbox_deliver(tail->returned);
    weft_mailbox_free(tail->returned);
    for (size_t i = 0; i < WEFT_TAIL_BLOCKS; i++) {
        weft_assert(tail->items[i].source == NULL);
        weft_free(tail->items[i].bytes);
    }
    weft_free(tail->left.items);
    weft_free((char *)tail->settings.name);
    free_texts(tail->settings.include, tail->settings.include_count);
    free_texts(tail->settings.exclude, tail->settings.exclude_count);
    weft_mutex_fini(&tail->mutex);
    weft_free(tail);
}

static void tail_main(void *context)
{
    struct weft_tail *tail = context;
    if (take_over(tail)) {
        adopt_left_files(tail);
        tail->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        follow_files(tail);
        if (tail->notify >= 0) {
            close(tail->notify);
        }
        hand_over(tail);
    }
    (void)post_to_owner(tail, &tail->ended.message);
    unref(tail);
}

static char **copy_texts(char *const *texts, size_t count)
{
    char **copies = weft_alloc((count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = weft_alloc_string(texts[i]);
    }
    return copies;
}

struct weft_tail *weft_tail_try_new(const struct weft_tail_settings *settings, struct weft_mailbox *blocks,
                                    weft_message_fn on_block, void *owner)
{
    struct weft_mailbox *returned = weft_mailbox_try_new(WEFT_TAIL_BLOCKS + 1);
    if (returned == NULL) {
        return NULL;
    }
    struct weft_tail *tail = weft_alloc(sizeof *tail);
    tail->settings = *settings;
    tail->settings.name = weft_alloc_string(settings->name);
    tail->settings.include = copy_texts(settings->include, settings->include_count);
    tail->settings.exclude = copy_texts(settings->exclude, settings->exclude_count);
    weft_mutex_init(&tail->mutex);
    tail->references = 1;
    tail->blocks = blocks;
    tail->returned = returned;
    tail->is_first_scan = true;
    tail->notify = -1;
    weft_list_init(&tail->free_blocks);
    weft_list_init(&tail->files);
    tail->ended.tail = tail;
    tail->ended.owner = owner;
    tail->ended.message.on_delivered = on_block;
    tail->stop.on_delivered = on_stop;
    return tail;
}

enum weft_status weft_tail_try_start(struct weft_tail *tail)
{
    weft_assert(tail->references == 1);
    for (size_t i = 0; i < WEFT_TAIL_BLOCKS && tail->items[i].bytes == NULL; i++) {
        struct weft_tail_block *block = &tail->items[i];
        block->tail = tail;
        block->owner = tail->ended.owner;
        block->bytes = weft_alloc(BLOCK_BYTES);
        block->capacity = BLOCK_BYTES;
        weft_budget_charge(tail->settings.budget, BLOCK_BYTES);
        weft_list_push_back(&tail->free_blocks, &block->node);
    }
    tail->references++; /* the thread's */
    enum weft_status status = weft_thread_try_detached("tail", tail_main, tail);
    tail->references -= status != WEFT_OK;
    return status;
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

void weft_tail_leave(struct weft_tail *tail)
{
    weft_mutex_lock(&tail->mutex);
    tail->blocks = NULL;
    for (size_t i = 0; i < WEFT_TAIL_BLOCKS && tail->settings.budget != NULL; i++) {
        weft_budget_release(tail->settings.budget, tail->items[i].capacity);
    }
    tail->settings.budget = NULL;
    weft_mutex_unlock(&tail->mutex);
}

void weft_tail_free(struct weft_tail *tail)
{
    weft_tail_leave(tail);
    unref(tail);
}

const struct weft_tail_counters *weft_tail_counters(const struct weft_tail *tail)
{
    return &tail->counters;
}
