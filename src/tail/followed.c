/* Reading one file (followed.h): always from its position on, to the last line that has an end. */
#include "tail/followed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "tail/tail_internal.h"

int64_t weft_files_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * WEFT_NS_PER_S + now.tv_nsec;
}

struct weft_followed *weft_followed_new(const char *path, const struct stat *state, int64_t found_ns)
{
    struct weft_followed *file = weft_alloc(sizeof *file);
    file->source = weft_alloc(sizeof *file->source);
    file->source->path = weft_alloc_string(path);
    file->source->users = 1;
    file->descriptor = -1;
    file->read.position = (struct weft_file_position){ .device = state->st_dev, .inode = state->st_ino };
    file->found_ns = found_ns;
    weft_list_init(&file->node);
    return file;
}

void weft_followed_free(struct weft_followed *file)
{
    weft_followed_close(file);
    weft_list_remove(&file->node);
    if (--file->source->users == 0) {
        weft_free(file->source->path);
        weft_free(file->source);
    }
    weft_free(file);
}

/* Of what was read before by another reader, or passed over. */
static void read_head(struct weft_followed *file, int descriptor)
{
    struct weft_read_so_far *read = &file->read;
    uint64_t wanted = read->position.offset < sizeof read->head ? read->position.offset : sizeof read->head;
    if (read->head_length == 0 && wanted > 0) {
        ssize_t count = pread(descriptor, read->head, (size_t)wanted, 0);
        read->head_length = count > 0 ? (uint32_t)count : 0;
    }
}

/* By gzip. */
static bool is_compressed(const uint8_t *bytes, size_t length)
{
    return length >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

bool weft_followed_open(struct weft_followed *file, const char *path)
{
    struct stat state;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return false;
    }
    if (fstat(descriptor, &state) != 0 || !S_ISREG(state.st_mode) || state.st_ino != file->read.position.inode ||
        state.st_dev != file->read.position.device) {
        close(descriptor); /* another one has taken its place since: the next look finds that */
        errno = ESTALE;
        return false;
    }
    uint8_t magic[2];
    ssize_t count = pread(descriptor, magic, sizeof magic, 0);
    file->is_passed = count > 0 && is_compressed(magic, (size_t)count);
    read_head(file, descriptor);
    file->descriptor = descriptor;
    weft_followed_note_birth(file);
    file->is_at_end = true; /* what was read before is looked at once more */
    file->has_failed = false;
    return true;
}

void weft_followed_note_birth(struct weft_followed *file)
{
    struct statx state;
    if (statx(file->descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &state) == 0 && (state.stx_mask & STATX_BTIME) != 0) {
        file->born_ns = state.stx_btime.tv_sec * WEFT_NS_PER_S + state.stx_btime.tv_nsec;
    }
}

void weft_followed_close(struct weft_followed *file)
{
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    file->descriptor = -1;
}

/* ---- whether it still is what it was ---- */

static bool has_bytes(int descriptor, uint64_t at, const uint8_t *bytes, size_t length)
{
    uint8_t found[WEFT_FOLLOWED_HEAD_BYTES];
    weft_assert(length <= sizeof found);
    return length == 0 ||
           (pread(descriptor, found, length, (off_t)at) == (ssize_t)length && memcmp(found, bytes, length) == 0);
}

static bool has_last(int descriptor, const struct weft_file_position *position)
{
    return has_bytes(descriptor, position->offset - position->last_length, position->last, position->last_length);
}

static void restart(struct weft_followed *file)
{
    file->before = file->read;
    file->read.position.offset = 0;
    file->read.position.last_length = 0;
    file->read.head_length = 0;
    file->tail_length = 0;
}

bool weft_followed_begin(const struct weft_followed *file, struct weft_beginning *out_beginning)
{
    struct stat state;
    if (fstat(file->descriptor, &state) != 0 || state.st_size == 0) {
        return false;
    }
    ssize_t count = pread(file->descriptor, out_beginning->head, sizeof out_beginning->head, 0);
    out_beginning->size = (uint64_t)state.st_size;
    out_beginning->head_length = count > 0 ? (size_t)count : 0;
    return count > 0;
}

static enum weft_likeness compare(const struct weft_read_so_far *read, const struct weft_followed *copy,
                                  const struct weft_beginning *beginning)
{
    size_t length = beginning->head_length < read->head_length ? beginning->head_length : read->head_length;
    if (length == 0 || memcmp(beginning->head, read->head, length) != 0) {
        return WEFT_UNLIKE;
    }
    if (beginning->size < read->position.offset) {
        return WEFT_MAY_BECOME_LIKE;
    }
    return has_last(copy->descriptor, &read->position) ? WEFT_LIKE : WEFT_UNLIKE;
}

static bool is_truncated(const struct weft_followed *file)
{
    struct stat state;
    return file->descriptor >= 0 && fstat(file->descriptor, &state) == 0 &&
           (uint64_t)state.st_size < file->read.position.offset;
}

enum weft_likeness weft_followed_compare(const struct weft_followed *file, const struct weft_followed *copy,
                                         const struct weft_beginning *beginning,
                                         const struct weft_file_position **out_position)
{
    *out_position = &file->before.position;
    enum weft_likeness likeness = compare(&file->before, copy, beginning);
    if (likeness != WEFT_UNLIKE) {
        return likeness;
    }
    *out_position = &file->read.position;
    likeness = compare(&file->read, copy, beginning);
    return likeness == WEFT_LIKE && !is_truncated(file) ? WEFT_MAY_BECOME_LIKE : likeness;
}

/* ---- reading ---- */

static void take(struct weft_followed *file, struct weft_tail_block *block, size_t length)
{
    struct weft_file_position *position = &file->read.position;
    size_t head_room = position->offset == file->read.head_length ? sizeof file->read.head - file->read.head_length : 0;
    size_t head = length < head_room ? length : head_room;
    memcpy(file->read.head + file->read.head_length, block->bytes, head);
    file->read.head_length += (uint32_t)head;
    size_t kept = length < sizeof position->last ? length : sizeof position->last;
    memcpy(position->last, block->bytes + length - kept, kept);
    position->last_length = (uint32_t)kept;
    position->offset += length;
    file->tail_length = 0;
    block->length = length;
}

/* Whether a line without its end has waited long enough. */
static bool has_waited(const struct weft_followed *file, const struct weft_tail_settings *settings,
                       struct weft_monotonic now)
{
    return settings->flush_after_ns > 0 && now.ns - file->tail_since >= settings->flush_after_ns;
}

static enum weft_read read_lines(struct weft_followed *file, struct weft_tail_block *block,
                                 const struct weft_tail_settings *settings, struct weft_monotonic now)
{
    for (;;) {
        ssize_t count = pread(file->descriptor, block->bytes, block->capacity, (off_t)file->read.position.offset);
        if (count <= 0) {
            file->is_at_end = true;
            return count == 0 || errno == EINTR || errno == EAGAIN ? WEFT_READ_NOTHING : WEFT_READ_FAILED;
        }
        size_t length = (size_t)count;
        if (file->read.position.offset == 0 && is_compressed(block->bytes, length)) {
            file->is_passed = true; /* it was empty when it was opened */
            return WEFT_READ_COMPRESSED;
        }
        const uint8_t *last = memrchr(block->bytes, '\n', length);
        if (last != NULL) {
            file->is_at_end = length < block->capacity; /* what is behind it is a line that may grow */
            take(file, block, (size_t)(last + 1 - block->bytes));
            return WEFT_READ_LINES;
        }
        if (length >= settings->max_line_bytes) {
            file->is_at_end = false;
            take(file, block, settings->max_line_bytes);
            return WEFT_READ_LINES;
        }
        if (length < block->capacity) {
            file->is_at_end = true;
            file->tail_since = file->tail_length == length ? file->tail_since : now.ns;
            file->tail_length = length;
            if (!has_waited(file, settings, now)) {
                return WEFT_READ_NOTHING;
            }
            take(file, block, length);
            return WEFT_READ_LINES;
        }
        size_t capacity =
            block->capacity * 2 < settings->max_line_bytes ? block->capacity * 2 : settings->max_line_bytes + 1;
        if (!weft_tail_block_resize(block, capacity)) {
            return WEFT_READ_NOTHING;
        }
    }
}

enum weft_read weft_followed_read(struct weft_followed *file, struct weft_tail_block *block,
                                  const struct weft_tail_settings *settings, struct weft_monotonic now)
{
    struct stat state;
    if (file->is_at_end) {
        if (fstat(file->descriptor, &state) != 0) {
            return WEFT_READ_FAILED;
        }
        if ((uint64_t)state.st_size < file->read.position.offset) {
            restart(file);
            return WEFT_READ_TRUNCATED;
        }
        uint64_t unread = (uint64_t)state.st_size - file->read.position.offset;
        if (unread == 0 || (unread == file->tail_length && !has_waited(file, settings, now))) {
            return WEFT_READ_NOTHING;
        }
        if (!has_last(file->descriptor, &file->read.position)) {
            restart(file);
            return WEFT_READ_REWRITTEN;
        }
    }
    return read_lines(file, block, settings, now);
}
