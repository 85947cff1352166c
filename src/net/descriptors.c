/* File descriptors that run out (descriptors.h). */
#include "net/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"

/* An eighth, within these bounds. */
enum { KEPT_LEAST = 16, KEPT_MOST = 256 };

static struct weft_atomic_u64 ceiling; /* numbers from here on are kept back; 0 = none */
static struct weft_atomic_u64 short_count;

void weft_descriptors_set_limit(uint64_t limit)
{
    uint64_t kept = limit / 8;
    kept = kept < KEPT_LEAST ? KEPT_LEAST : kept;
    kept = kept > KEPT_MOST ? KEPT_MOST : kept;
    weft_atomic_store(&ceiling, limit > 2 * kept ? limit - kept : limit / 2);
}

void weft_descriptors_init(void)
{
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    weft_descriptors_set_limit(is_limited ? limit.rlim_cur : 0);
}

/* The system tells only by giving them. */
static uint32_t count_free(uint32_t most)
{
    uint32_t count = 0;
    int *taken = weft_alloc(most * sizeof *taken);
    while (count < most && (taken[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0) {
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        close(taken[i]);
    }
    weft_free(taken);
    return count;
}

enum weft_status weft_descriptors_want(uint32_t count, struct weft_error *error)
{
    struct rlimit limit;
    uint32_t free_count = count_free(count);
    if (free_count == count || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return WEFT_OK;
    }
    unsigned long long present = limit.rlim_cur, missing = count - free_count;
    return weft_fail(
        error, WEFT_LIMIT,
        "%llu file descriptors are too few to start with: the limit must be %llu at least, and higher by one "
        "for each connection and file (ulimit -n, LimitNOFILE)",
        present, present + missing);
}

void weft_descriptors_note_short(void)
{
    weft_atomic_add(&short_count, 1);
    weft_log(WARN, "descriptors.short",
             "file descriptors run out; new clients take the places of silent ones. Raise the limit (ulimit -n)",
             WEFT_LOG_INT("kept_from", (int64_t)weft_atomic_load(&ceiling)));
}

bool weft_descriptors_is_kept_back(int descriptor)
{
    uint64_t first_kept = weft_atomic_load(&ceiling);
    return first_kept != 0 && (uint64_t)descriptor >= first_kept;
}

int weft_descriptors_lower(int descriptor)
{
    int lower = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (lower < 0 || lower > descriptor) {
        if (lower >= 0) {
            close(lower);
        }
        return descriptor;
    }
    close(descriptor);
    return lower;
}

uint64_t weft_descriptors_short_count(void)
{
    return weft_atomic_load(&short_count);
}
