/* The files of the ledger: ledger.weft, locked by the process that counts in it, and ledger.weft.new, in which the
 * next process writes what it carries over before it takes the name. The name always leads to a whole file and the
 * lock is always taken on the file that has the name, so recovery happens exactly once however often it is cut. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "ledger/layout.h"

enum { OPEN_ATTEMPTS = 100 };

/* Larger than any ledger can be: damage, which is set aside unread. */
static size_t largest_file(void)
{
    return weft_ledger_image_size(WEFT_LEDGER_WORKER_LIMIT);
}

static bool is_still_named(int descriptor, const char *path)
{
    struct stat open_file, named_file;
    return fstat(descriptor, &open_file) == 0 && stat(path, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

/* Between open and flock another process may have put its new file in this one's place: then start over. */
static enum weft_status open_locked(const char *path, int *out_descriptor, struct weft_error *error)
{
    for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
        int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        if (descriptor < 0) {
            return weft_fail(error, WEFT_IO, "cannot open %s: %s", path, strerror(errno));
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            int reason = errno;
            close(descriptor);
            return reason == EWOULDBLOCK ? weft_fail(error, WEFT_CLOSED, "%s is in use by another process", path)
                                         : weft_fail(error, WEFT_IO, "cannot lock %s: %s", path, strerror(reason));
        }
        if (is_still_named(descriptor, path)) {
            *out_descriptor = descriptor;
            return WEFT_OK;
        }
        close(descriptor);
    }
    return weft_fail(error, WEFT_CLOSED, "%s is being replaced by another process", path);
}

static enum weft_status read_whole(int descriptor, const char *path, uint8_t **out_bytes, size_t *out_size,
                                   struct weft_error *error)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0) {
        return weft_fail(error, WEFT_IO, "cannot read %s: %s", path, strerror(errno));
    }
    size_t size_bytes = (size_t)file.st_size;
    if (size_bytes > largest_file()) {
        size_bytes = sizeof(struct weft_ledger_header);
    }
    uint8_t *bytes = weft_try_alloc(size_bytes);
    if (bytes == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read %s", path);
    }
    size_t filled = 0;
    while (filled < size_bytes) {
        ssize_t length = pread(descriptor, bytes + filled, size_bytes - filled, (off_t)filled);
        if (length <= 0) {
            int reason = length < 0 ? errno : ENODATA;
            weft_free(bytes);
            return weft_fail(error, WEFT_IO, "cannot read %s: %s", path, strerror(reason));
        }
        filled += (size_t)length;
    }
    *out_bytes = bytes;
    *out_size = size_bytes;
    return WEFT_OK;
}

enum weft_status weft_ledger_files_open(const char *directory, struct weft_ledger_files *out_files,
                                        uint8_t **out_former_bytes, size_t *out_former_size, struct weft_error *error)
{
    if (mkdir(directory, 0750) != 0 && errno != EEXIST) {
        return weft_fail(error, WEFT_IO, "cannot create %s: %s", directory, strerror(errno));
    }
    struct weft_ledger_files files = {
        .path = weft_alloc_format("%s/ledger.weft", directory),
        .path_new = weft_alloc_format("%s/ledger.weft.new", directory),
        .former_descriptor = -1,
        .descriptor = -1,
    };
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    enum weft_status status = open_locked(files.path, &files.former_descriptor, error);
    if (status == WEFT_OK) {
        status = read_whole(files.former_descriptor, files.path, &bytes, &size_bytes, error);
    }
    if (status != WEFT_OK) {
        weft_ledger_files_fini(&files);
        return status;
    }
    if (size_bytes == 0) {
        /* Just created, by this process or by one that was killed before it wrote anything. */
        weft_free(bytes);
        bytes = NULL;
    }
    *out_files = files;
    *out_former_bytes = bytes;
    *out_former_size = size_bytes;
    return WEFT_OK;
}

void weft_ledger_files_set_aside(const struct weft_ledger_files *files, const char *reason)
{
    char *path_bad = weft_alloc_format("%s.bad", files->path);
    /* A second name rather than a rename: the first one must lead to the locked file until the new file takes it. */
    unlink(path_bad);
    bool is_kept = link(files->path, path_bad) == 0;
    weft_log(WARN, "ledger.set_aside", "the ledger's file does not read back; its counts start again from zero",
             WEFT_LOG_STRING("file", is_kept ? path_bad : files->path), WEFT_LOG_STRING("reason", reason));
    weft_free(path_bad);
}

enum weft_status weft_ledger_files_create(struct weft_ledger_files *files, size_t size_bytes, uint8_t **out_mapping,
                                          struct weft_error *error)
{
    int descriptor = open(files->path_new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (descriptor < 0) {
        return weft_fail(error, WEFT_IO, "cannot create %s: %s", files->path_new, strerror(errno));
    }
    files->descriptor = descriptor;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        return weft_fail(error, WEFT_IO, "cannot lock %s: %s", files->path_new, strerror(errno));
    }
    /* Blocks are reserved now: a disk that fills up later would turn a store to the mapping into SIGBUS. */
    int failure = posix_fallocate(descriptor, 0, (off_t)size_bytes);
    if (failure != 0) {
        return weft_fail(error, WEFT_IO, "cannot reserve %zu bytes for %s: %s", size_bytes, files->path_new,
                         strerror(failure));
    }
    void *mapping = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapping == MAP_FAILED) {
        return weft_fail(error, WEFT_IO, "cannot map %s: %s", files->path_new, strerror(errno));
    }
    /* Without read-ahead, or a look at one page of zeros would make thirty of them resident. */
    madvise(mapping, size_bytes, MADV_RANDOM);
    *out_mapping = mapping;
    return WEFT_OK;
}

enum weft_status weft_ledger_files_commit(struct weft_ledger_files *files, struct weft_error *error)
{
    if (fsync(files->descriptor) != 0) {
        return weft_fail(error, WEFT_IO, "cannot write %s: %s", files->path_new, strerror(errno));
    }
    if (rename(files->path_new, files->path) != 0) {
        return weft_fail(error, WEFT_IO, "cannot replace %s: %s", files->path, strerror(errno));
    }
    close(files->former_descriptor);
    files->former_descriptor = -1;
    return WEFT_OK;
}

void weft_ledger_files_fini(struct weft_ledger_files *files)
{
    /* The locks go with the descriptors. */
    if (files->former_descriptor >= 0) {
        close(files->former_descriptor);
    }
    if (files->descriptor >= 0) {
        close(files->descriptor);
    }
    weft_free(files->path);
    weft_free(files->path_new);
}
