/* The way out of the log (log.h). Before the thread and after it a line is one write by who has something to say. With
 * it a line is put into a ring, or lost where that is full, and the thread alone waits for who reads. It writes whole
 * lines, one write each, as the others do who write to the same descriptor. */
#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum { RING_BYTES = 4 << 20 };

enum mode {
    MODE_DIRECT,   /* no thread: whoever logs writes */
    MODE_THREAD,   /* lines go into the ring */
    MODE_HOPELESS, /* the thread stands at the end of the process: nothing is written any more */
};

static struct {
    struct weft_mutex mutex;          /* guards all but lost */
    struct weft_condition has_line;   /* the thread waits for it */
    struct weft_condition is_written; /* who ends waits for it */
    enum mode mode;
    bool has_thread;
    bool is_writing;
    int descriptor;
    size_t start, length; /* of what waits in the ring */
    struct weft_atomic_u64 lost;
} state = { .mutex = WEFT_MUTEX_INITIALIZER,
            .has_line = WEFT_CONDITION_INITIALIZER,
            .is_written = WEFT_CONDITION_INITIALIZER };

static uint8_t ring[RING_BYTES]; /* resident as far as it was ever filled */

/* ---- writing ---- */

/* A descriptor that another process shares may be non-blocking by that one's doing. */
static void write_line(int descriptor, struct weft_slice line, bool can_wait)
{
    while (line.length > 0) {
        ssize_t written = write(descriptor, line.bytes, line.length);
        if (written < 0 && errno == EAGAIN && can_wait) {
            poll(&(struct pollfd){ .fd = descriptor, .events = POLLOUT }, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            weft_atomic_add(&state.lost, 1);
            return;
        } else if (written > 0) {
            weft_assert((size_t)written <= line.length);
            line = weft_slice_of(line.bytes + written, line.length - (size_t)written);
        }
    }
}

/* ---- the ring, with the mutex locked ---- */

static void put(struct weft_slice line)
{
    size_t end = (state.start + state.length) % RING_BYTES;
    size_t first = line.length < RING_BYTES - end ? line.length : RING_BYTES - end;
    memcpy(ring + end, line.bytes, first);
    memcpy(ring, line.bytes + first, line.length - first);
    state.length += line.length;
}

static struct weft_slice take_line(uint8_t *memory)
{
    size_t length = 0;
    do {
        weft_assert(length < state.length && length < WEFT_LOG_LINE_BYTES);
        memory[length] = ring[(state.start + length) % RING_BYTES];
    } while (memory[length++] != '\n');
    state.length -= length;
    state.start = state.length == 0 ? 0 : (state.start + length) % RING_BYTES;
    return weft_slice_of(memory, length);
}

/* ---- the thread ---- */

static void tell_of_lost(uint64_t *in_out_told)
{
    uint64_t lost = weft_atomic_load(&state.lost);
    if (lost != *in_out_told) {
        weft_log(WARN, "log.lost", "lines of this log are lost because nobody read it",
                 WEFT_LOG_INT("lines", lost - *in_out_told), WEFT_LOG_INT("total", lost));
        *in_out_told = lost;
    }
}

static void writer_main(void *context)
{
    (void)context;
    uint8_t memory[WEFT_LOG_LINE_BYTES];
    uint64_t told = weft_atomic_load(&state.lost);
    weft_mutex_lock(&state.mutex);
    for (;;) {
        while (state.length == 0) {
            state.is_writing = false;
            weft_condition_signal(&state.is_written);
            weft_condition_wait(&state.has_line, &state.mutex);
        }
        state.is_writing = true;
        struct weft_slice line = take_line(memory);
        int descriptor = state.descriptor;
        weft_mutex_unlock(&state.mutex);
        write_line(descriptor, line, true);
        tell_of_lost(&told);
        weft_mutex_lock(&state.mutex);
    }
}

void weft_log_start_thread(void)
{
    weft_mutex_lock(&state.mutex);
    weft_assert(state.mode == MODE_DIRECT);
    /* Without a thread to be had the log is written as before. */
    state.has_thread = state.has_thread || weft_thread_try_detached("weft-log", writer_main, NULL) == WEFT_OK;
    state.mode = state.has_thread ? MODE_THREAD : MODE_DIRECT;
    weft_mutex_unlock(&state.mutex);
}

/* With the mutex locked. */
static bool wait_until_written(int64_t timeout_ns)
{
    struct weft_monotonic deadline = weft_monotonic_after(weft_monotonic_now(), timeout_ns);
    int64_t left_ns;
    while ((state.length > 0 || state.is_writing) && (left_ns = deadline.ns - weft_monotonic_now().ns) > 0) {
        weft_condition_wait_for(&state.is_written, &state.mutex, left_ns);
    }
    return state.length == 0 && !state.is_writing;
}

void weft_log_end_thread(int64_t timeout_ns)
{
    weft_mutex_lock(&state.mutex);
    if (state.mode == MODE_THREAD) {
        state.mode = wait_until_written(timeout_ns) ? MODE_DIRECT : MODE_HOPELESS;
    }
    weft_mutex_unlock(&state.mutex);
}

void weft_log_rescue(int64_t timeout_ns)
{
    if (weft_mutex_try_lock(&state.mutex)) {
        (void)(state.mode == MODE_THREAD && wait_until_written(timeout_ns));
        weft_mutex_unlock(&state.mutex);
    }
}

void weft_log_writer_put(int descriptor, struct weft_slice line)
{
    weft_assert(line.length > 0 && line.length <= WEFT_LOG_LINE_BYTES && line.bytes[line.length - 1] == '\n');
    weft_mutex_lock(&state.mutex);
    enum mode mode = state.mode;
    bool has_room = line.length <= RING_BYTES - state.length;
    if (mode == MODE_THREAD && has_room) {
        state.descriptor = descriptor;
        put(line);
        weft_condition_signal(&state.has_line);
    } else if (mode != MODE_DIRECT) {
        weft_atomic_add(&state.lost, 1);
    }
    weft_mutex_unlock(&state.mutex);
    if (mode == MODE_DIRECT) {
        write_line(descriptor, line, false);
    }
}

uint64_t weft_log_lost_total(void)
{
    return weft_atomic_load(&state.lost);
}
