/* Regular files (regular_file.h). The open is non-blocking, for a FIFO that has come since the path was looked at. */
#include "base/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum weft_status fail_system(struct weft_error *error, const char *path, int number)
{
    enum weft_status status = number == ENOENT ? WEFT_NOT_FOUND : number == EACCES ? WEFT_DENIED : WEFT_IO;
    char text[128];
    return weft_fail(error, status, "%s: %s", path, strerror_r(number, text, sizeof text));
}

const char *weft_irregular_kind(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return NULL;
    case S_IFDIR:
        return "is a directory";
    case S_IFIFO:
        return "is a FIFO";
    case S_IFSOCK:
        return "is a socket";
    default:
        return "is a device";
    }
}

static enum weft_status check_mode(const char *path, unsigned mode, struct weft_error *error)
{
    const char *kind = weft_irregular_kind(mode);
    return kind == NULL ? WEFT_OK : weft_fail(error, WEFT_INVALID, "%s: %s, not a file", path, kind);
}

enum weft_status weft_regular_file_check(const char *path, struct weft_error *error)
{
    struct stat state;
    return stat(path, &state) == 0 ? check_mode(path, state.st_mode, error) : fail_system(error, path, errno);
}

enum weft_status weft_regular_file_open(const char *path, int *out_descriptor, struct weft_error *error)
{
    struct stat state;
    enum weft_status status = weft_regular_file_check(path, error);
    if (status != WEFT_OK) {
        return status;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        return fail_system(error, path, errno);
    }
    status = fstat(descriptor, &state) == 0 ? check_mode(path, state.st_mode, error) : fail_system(error, path, errno);
    if (status != WEFT_OK) {
        close(descriptor);
        return status;
    }
    *out_descriptor = descriptor;
    return WEFT_OK;
}

static enum weft_status read_all(int descriptor, const char *path, size_t max_bytes, struct weft_buffer *out,
                                 struct weft_error *error)
{
    enum { STEP_BYTES = 16 * 1024 };
    size_t length = 0;
    for (;;) {
        uint8_t step[STEP_BYTES];
        ssize_t count = read(descriptor, step, sizeof step);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return fail_system(error, path, errno);
        }
        if (count == 0) {
            return WEFT_OK;
        }
        length += (size_t)count;
        if (length > max_bytes) {
            return weft_fail(error, WEFT_LIMIT, "%s: more than %zu bytes", path, max_bytes);
        }
        weft_buffer_append(out, step, (size_t)count);
        if (weft_buffer_status(out) != WEFT_OK) {
            return weft_fail(error, WEFT_NOMEM, "out of memory while reading %s", path);
        }
    }
}

enum weft_status weft_regular_file_read(const char *path, size_t max_bytes, struct weft_buffer *out,
                                        struct weft_error *error)
{
    int descriptor;
    enum weft_status status = weft_regular_file_open(path, &descriptor, error);
    if (status == WEFT_OK) {
        status = read_all(descriptor, path, max_bytes, out, error);
        close(descriptor);
    }
    return status;
}
