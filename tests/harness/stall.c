/* Preloaded into a program under test (LD_PRELOAD): what lies outside takes its time.
 * WEFT_STALL_NAMES: seconds that each look-up of a name takes.
 * WEFT_STALL_PATH and WEFT_STALL_WHILE: while there is a file WEFT_STALL_WHILE, whoever opens or looks at a path that
 * contains WEFT_STALL_PATH, or writes to a file that was opened by such a path, stands still, as on a disk that has
 * gone.
 * WEFT_STALL_UNTIL_EXIT: seconds; the file WEFT_STALL_WHILE goes when the program's own exit handlers have run, and the
 * process lives on for so long, as a disk that comes back in its last moment. Looks do not stand then. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void pause_seconds(double seconds)
{
    struct timespec pause = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&pause, NULL);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out_list)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    const char *seconds = getenv("WEFT_STALL_NAMES");
    if (seconds != NULL && (hints == NULL || (hints->ai_flags & AI_NUMERICHOST) == 0)) {
        pause_seconds(atof(seconds));
    }
    return next(node, service, hints, out_list);
}

static void stand_still_on(const char *path)
{
    const char *stalled = getenv("WEFT_STALL_PATH");
    const char *sign = getenv("WEFT_STALL_WHILE");
    while (stalled != NULL && sign != NULL && strstr(path, stalled) != NULL && access(sign, F_OK) == 0) {
        pause_seconds(0.02);
    }
}

int open(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    va_list arguments;
    va_start(arguments, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    stand_still_on(path);
    return next(path, flags, mode);
}

static void come_back(void)
{
    unlink(getenv("WEFT_STALL_WHILE"));
    pause_seconds(atof(getenv("WEFT_STALL_UNTIL_EXIT")));
}

/* Handlers run in the opposite order: this one, registered before anything else, is the last. */
__attribute__((constructor)) static void await_exit(void)
{
    if (getenv("WEFT_STALL_UNTIL_EXIT") != NULL && getenv("WEFT_STALL_WHILE") != NULL) {
        atexit(come_back);
    }
}

FILE *fopen(const char *path, const char *mode)
{
    FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
    stand_still_on(path);
    return next(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen64");
    stand_still_on(path);
    return next(path, mode);
}

int stat(const char *path, struct stat *out_state)
{
    int (*next)(const char *, struct stat *) = dlsym(RTLD_NEXT, "stat");
    if (getenv("WEFT_STALL_UNTIL_EXIT") == NULL) {
        stand_still_on(path);
    }
    return next(path, out_state);
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    char link[64], path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (getenv("WEFT_STALL_PATH") != NULL && readlink(link, path, sizeof path - 1) > 0) {
        stand_still_on(path);
    }
    return next(descriptor, bytes, length);
}
