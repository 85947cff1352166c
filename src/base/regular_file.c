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
