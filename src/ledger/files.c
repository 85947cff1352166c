/* The files of the ledger (files.h). The name ledger.weft always leads to a whole file or to nothing, and the lock is
 * always taken on the file that has the name, so recovery happens exactly once however often it is cut. */
#include "ledger/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

enum { OPEN_ATTEMPTS = 100, NAME_ATTEMPTS = 16 };

static bool is_same_file(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

static bool is_still_named(int descriptor, const char *path)
{
    struct stat open_file, named_file;
    return fstat(descriptor, &open_file) == 0 && lstat(path, &named_file) == 0 &&
           (S_ISLNK(named_file.st_mode) ? stat(path, &named_file) == 0 : true) && is_same_file(&open_file, &named_file);
}

static enum weft_status lock(int descriptor, const char *path, struct weft_error *error)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode)) {
        return weft_fail(error, WEFT_IO, "%s is not a file", path);
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? weft_fail(error, WEFT_CLOSED, "%s is in use by another process", path)
                                    : weft_fail(error, WEFT_IO, "cannot lock %s: %s", path, strerror(errno));
    }
    return WEFT_OK;
}

/* Between open and flock another process may have put its new file in this one's place: then start over. */
static enum weft_status open_locked(const char *path, int *out_descriptor, struct weft_error *error)
{
    for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
        int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0) {
            int reason = errno;
            struct stat leading_nowhere; /* a link; its name is not free */
            bool is_free = reason == ENOENT && lstat(path, &leading_nowhere) != 0;
            *out_descriptor = -1;
            return is_free ? WEFT_OK : weft_fail(error, WEFT_IO, "cannot open %s: %s", path, strerror(reason));
        }
        enum weft_status status = lock(descriptor, path, error);
        if (status != WEFT_OK) {
            close(descriptor);
            return status;
        }
        if (is_still_named(descriptor, path)) {
            *out_descriptor = descriptor;
            return WEFT_OK;
        }
        close(descriptor);
    }
    return weft_fail(error, WEFT_CLOSED, "%s is being replaced by another process", path);
}

enum weft_status weft_ledger_files_open(const char *directory, struct weft_ledger_files *out_files,
                                        struct weft_error *error)
{
    if (mkdir(directory, 0750) != 0 && errno != EEXIST) {
        return weft_fail(error, WEFT_IO, "cannot create %s: %s", directory, strerror(errno));
    }
    struct weft_ledger_files files = { .path = weft_alloc_format("%s/ledger.weft", directory),
                                       .descriptor = -1,
                                       .descriptor_new = -1 };
    enum weft_status status = open_locked(files.path, &files.descriptor, error);
    if (status != WEFT_OK) {
        weft_free(files.path);
        return status;
    }
    *out_files = files;
    return WEFT_OK;
}

void weft_ledger_files_discard(struct weft_ledger_files *files)
{
    if (files->descriptor_new >= 0) {
        unlink(files->path_new);
        close(files->descriptor_new);
        files->descriptor_new = -1;
    }
    weft_free(files->path_new);
    files->path_new = NULL;
}

void weft_ledger_files_fini(struct weft_ledger_files *files)
{
    /* The locks go with the descriptors. */
    if (files->descriptor >= 0) {
        close(files->descriptor);
    }
    weft_ledger_files_discard(files);
    weft_free(files->path);
    *files = (struct weft_ledger_files){ .descriptor = -1, .descriptor_new = -1 };
}

enum weft_status weft_ledger_files_size(const struct weft_ledger_files *files, size_t *out_size_bytes,
                                        struct weft_error *error)
{
    struct stat file;
    if (fstat(files->descriptor, &file) != 0) {
        return weft_fail(error, WEFT_IO, "cannot read %s: %s", files->path, strerror(errno));
    }
    *out_size_bytes = (size_t)file.st_size;
    return WEFT_OK;
}

enum weft_status weft_ledger_files_read(const struct weft_ledger_files *files, size_t length, uint8_t **out_bytes,
                                        struct weft_error *error)
{
    uint8_t *bytes = weft_try_alloc(length);
    if (bytes == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read %s", files->path);
    }
    size_t filled = 0;
    while (filled < length) {
        ssize_t got = pread(files->descriptor, bytes + filled, length - filled, (off_t)filled);
        if (got <= 0) {
            int reason = got < 0 ? errno : ENODATA;
            weft_free(bytes);
            return weft_fail(error, WEFT_IO, "cannot read %s: %s", files->path, strerror(reason));
        }
        filled += (size_t)got;
    }
    *out_bytes = bytes;
    return WEFT_OK;
}

/* ---- the new file ---- */

/* What a killed process left under this name: not a link, not a folder, and nobody's. A second name of the present file
 * (killed between taking the name and letting go of this one) is let go of now. */
static void remove_leftover(const struct weft_ledger_files *files, const char *path)
{
    int descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) {
        return;
    }
    bool is_present = files->descriptor >= 0 && is_still_named(files->descriptor, path);
    if (is_present || lock(descriptor, path, NULL) == WEFT_OK) {
        unlink(path);
    }
    close(descriptor);
}

static enum weft_status create_locked(const struct weft_ledger_files *files, const char *path, int *out_descriptor,
                                      struct weft_error *error)
{
    int descriptor = -1;
    for (int attempt = 0; attempt < 2 && descriptor < 0; attempt++) {
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
        if (descriptor < 0 && errno != EEXIST) {
            return weft_fail(error, WEFT_IO, "cannot create %s: %s", path, strerror(errno));
        }
        if (descriptor < 0 && attempt == 0) {
            remove_leftover(files, path);
        }
    }
    if (descriptor < 0) {
        return weft_fail(error, WEFT_NOT_FOUND, "%s is taken", path);
    }
    enum weft_status status = lock(descriptor, path, error);
    if (status == WEFT_OK && !is_still_named(descriptor, path)) {
        status = weft_fail(error, WEFT_CLOSED, "%s is being replaced by another process", path);
    }
    if (status != WEFT_OK) {
        close(descriptor);
        return status;
    }
    *out_descriptor = descriptor;
    return WEFT_OK;
}

enum weft_status weft_ledger_files_create(struct weft_ledger_files *files, struct weft_error *error)
{
    weft_assert(files->descriptor_new < 0);
    enum weft_status status = WEFT_NOT_FOUND;
    for (int i = 0; i < NAME_ATTEMPTS && status == WEFT_NOT_FOUND; i++) {
        weft_free(files->path_new);
        files->path_new =
            i == 0 ? weft_alloc_format("%s.new", files->path) : weft_alloc_format("%s.new.%d", files->path, i);
        status = create_locked(files, files->path_new, &files->descriptor_new, error);
    }
    return status == WEFT_NOT_FOUND ? weft_fail(error, WEFT_IO, "no free name beside %s", files->path) : status;
}

/* Where no file has the name yet, only one process gets it. */
static enum weft_status take_free_name(const struct weft_ledger_files *files, struct weft_error *error)
{
    if (link(files->path_new, files->path) == 0) {
        unlink(files->path_new);
        return WEFT_OK;
    }
    if (errno == EEXIST) {
        return weft_fail(error, WEFT_CLOSED, "%s is in use by another process", files->path);
    }
    /* A file system without hard links. */
    return rename(files->path_new, files->path) == 0
               ? WEFT_OK
               : weft_fail(error, WEFT_IO, "cannot create %s: %s", files->path, strerror(errno));
}

enum weft_status weft_ledger_files_publish(struct weft_ledger_files *files, struct weft_error *error)
{
    if (fsync(files->descriptor_new) != 0) {
        return weft_fail(error, WEFT_IO, "cannot write %s: %s", files->path_new, strerror(errno));
    }
    if (files->descriptor < 0) {
        enum weft_status status = take_free_name(files, error);
        if (status != WEFT_OK) {
            return status;
        }
    } else {
        if (rename(files->path_new, files->path) != 0) {
            return weft_fail(error, WEFT_IO, "cannot replace %s: %s", files->path, strerror(errno));
        }
        close(files->descriptor);
    }
    files->descriptor = files->descriptor_new;
    files->descriptor_new = -1;
    return WEFT_OK;
}

void weft_ledger_files_set_aside(const struct weft_ledger_files *files, const char *reason)
{
    char *path_bad = NULL;
    bool is_kept = false;
    for (int i = 0; i < NAME_ATTEMPTS && !is_kept; i++) {
        weft_free(path_bad);
        path_bad = i == 0 ? weft_alloc_format("%s.bad", files->path) : weft_alloc_format("%s.bad.%d", files->path, i);
        /* A second name rather than a rename: the first one must lead to the locked file until the new file takes it.
         * Whatever has the second name already, file or link, stays as it is. */
        is_kept = link(files->path, path_bad) == 0;
        if (!is_kept && errno != EEXIST) {
            break;
        }
    }
    weft_log(WARN, "ledger.set_aside", "the ledger's file does not read back; its counts start again from zero",
             WEFT_LOG_STRING("file", is_kept ? path_bad : "not kept: no free name"), WEFT_LOG_STRING("reason", reason));
    weft_free(path_bad);
}

/* ---- its blocks ---- */

enum weft_status weft_ledger_files_extend(int descriptor, size_t size_bytes, struct weft_error *error)
{
    return ftruncate(descriptor, (off_t)size_bytes) == 0
               ? WEFT_OK
               : weft_fail(error, WEFT_IO, "cannot extend ledger.weft: %s", strerror(errno));
}

enum weft_status weft_ledger_files_reserve(int descriptor, size_t offset, size_t length, struct weft_error *error)
{
    int failure = posix_fallocate(descriptor, (off_t)offset, (off_t)length);
    return failure == 0
               ? WEFT_OK
               : weft_fail(error, WEFT_IO, "cannot reserve %zu bytes for ledger.weft: %s", length, strerror(failure));
}

enum weft_status weft_ledger_files_map(int descriptor, size_t size_bytes, uint8_t **out_mapping,
                                       struct weft_error *error)
{
    void *mapping = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapping == MAP_FAILED) {
        return weft_fail(error, WEFT_IO, "cannot map ledger.weft: %s", strerror(errno));
    }
    /* Without read-ahead, or a look at one page of zeros would make thirty of them resident. */
    madvise(mapping, size_bytes, MADV_RANDOM);
    *out_mapping = mapping;
    return WEFT_OK;
}
