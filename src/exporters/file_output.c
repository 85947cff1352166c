/* The file behind a file exporter (file_output.h): opening, whole writes, rotation.
 *
 * Rotation renames the file to name-<time>.ext and starts a new one; then backups beyond max_backups or older than
 * max_days are deleted. Their names sort by time as text, so that nothing is parsed: a file counts as a backup if it
 * has the exact shape of such a name. */
#include "exporters/file_output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/magic.h"
#include "base/regular_file.h"
#include "base/thread.h"

enum { TIME_BYTES = 24 }; /* "2026-11-24T10-30-00.123" and the end */

WEFT_MAGIC(file_output, 0x0f11e007);

struct weft_file_output {
    uint32_t magic;
    struct weft_file_output_settings settings;
    struct weft_atomic_u64 must_open_again;
    struct weft_atomic_u64 has_begun;
    bool is_made;          /* the file was not there before */
    bool has_former;       /* it was, and something in it */
    size_t made_directory; /* of directory: where the first name ends that was not there before; 0 = all were */
    int descriptor;        /* -1 = could not be opened again after a rotation */
    char *path;
    char *directory; /* "." where the path has none */
    char *name;      /* without directory and extension */
    char *extension; /* ".json", or "" */
};

static enum weft_status fail_io(struct weft_error *error, const char *what, const char *path)
{
    return weft_fail(error, WEFT_IO, "%s %s: %s", what, path, strerror(errno));
}

/* ---- opening ---- */

/* What this process has used. Such a file is emptied once, before anything is written to it, and never again: what is
 * in it was written since the start, by the component as it was before a reload, and counted as sent. As many as there
 * were paths in configs. */
struct opened_path {
    struct opened_path *next;
    char *path;
    bool must_be_emptied;
};

static struct opened_path *opened_paths;
static struct weft_mutex opened_mutex = WEFT_MUTEX_INITIALIZER;

/* With the mutex locked. */
static struct opened_path *find_opened(const char *path)
{
    struct opened_path *opened = opened_paths;
    while (opened != NULL && strcmp(opened->path, path) != 0) {
        opened = opened->next;
    }
    return opened;
}

static void note_opened(const char *path, bool must_be_emptied)
{
    weft_mutex_lock(&opened_mutex);
    if (find_opened(path) == NULL) {
        struct opened_path *opened = weft_alloc(sizeof *opened);
        *opened = (struct opened_path){ opened_paths, weft_alloc_string(path), must_be_emptied };
        opened_paths = opened;
    }
    weft_mutex_unlock(&opened_mutex);
}

/* True once: whoever comes first does it, where several write to one file. */
static bool take_must_be_emptied(const char *path)
{
    weft_mutex_lock(&opened_mutex);
    struct opened_path *opened = find_opened(path);
    bool must_be_emptied = opened != NULL && opened->must_be_emptied;
    if (must_be_emptied) {
        opened->must_be_emptied = false;
    }
    weft_mutex_unlock(&opened_mutex);
    return must_be_emptied;
}

static const struct {
    const char *path;
    int descriptor; /* -1 = it is opened */
} devices[] = { { "/dev/stdout", STDOUT_FILENO }, { "/dev/stderr", STDERR_FILENO }, { "/dev/null", -1 } };

/* The index of a device that may be written to, or WEFT_COUNT_OF(devices). */
static size_t find_device(const char *path)
{
    size_t i = 0;
    while (i < WEFT_COUNT_OF(devices) && strcmp(path, devices[i].path) != 0) {
        i++;
    }
    return i;
}

enum weft_status weft_file_output_check(const char *path, struct weft_error *error)
{
    struct stat status;
    if (find_device(path) < WEFT_COUNT_OF(devices) || stat(path, &status) != 0) {
        return WEFT_OK;
    }
    const char *kind = weft_irregular_kind(status.st_mode);
    return kind == NULL ? WEFT_OK : weft_fail(error, WEFT_INVALID, "path: %s %s, not a file", path, kind);
}

/* A stream is not opened anew: it may be a socket, which cannot be, or a file that others write to, which must not be
 * emptied. */
static int open_path(const char *path, bool *out_is_made)
{
    const int flags = O_WRONLY | O_CLOEXEC | O_APPEND | O_NOCTTY;
    *out_is_made = false;
    size_t device = find_device(path);
    if (device < WEFT_COUNT_OF(devices) && devices[device].descriptor >= 0) {
        return fcntl(devices[device].descriptor, F_DUPFD_CLOEXEC, 0);
    }
    int made = open(path, flags | O_CREAT | O_EXCL, 0644);
    *out_is_made = made >= 0;
    /* a link to nothing is there, too, and leads to a file that can be made */
    return made >= 0 || errno != EEXIST ? made : open(path, flags | O_CREAT, 0644);
}

static enum weft_status open_file(const struct weft_file_output *output, int *out_descriptor, bool *out_is_made,
                                  struct weft_error *error)
{
    enum weft_status status = weft_file_output_check(output->path, error);
    if (status != WEFT_OK) {
        return status;
    }
    int descriptor = open_path(output->path, out_is_made);
    if (descriptor < 0) {
        return fail_io(error, "open", output->path);
    }
    *out_descriptor = descriptor;
    return WEFT_OK;
}

/* Makes what is missing of the path, as mkdir -p does. */
static enum weft_status create_directories(const struct weft_file_output *output, size_t *out_made,
                                           struct weft_error *error)
{
    *out_made = 0;
    char *path = weft_alloc_string(output->directory);
    enum weft_status status = WEFT_OK;
    for (char *at = path + 1; status == WEFT_OK && at[-1] != '\0'; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0') {
            continue;
        }
        *at = '\0';
        if (mkdir(path, output->settings.directory_mode) == 0) {
            *out_made = *out_made == 0 ? (size_t)(at - path) : *out_made;
        } else if (errno != EEXIST) {
            status = fail_io(error, "create directory", path);
        }
        *at = kept;
    }
    weft_free(path);
    return status;
}

static void split_path(struct weft_file_output *output)
{
    const char *path = output->path;
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t name_length = dot == NULL ? strlen(base) : (size_t)(dot - base);
    int directory_length = slash == path ? 1 : (int)(base - path) - 1;
    output->directory = slash == NULL ? weft_alloc_string(".") : weft_alloc_format("%.*s", directory_length, path);
    output->name = weft_alloc_format("%.*s", (int)name_length, base);
    output->extension = weft_alloc_string(dot == NULL ? "" : dot);
}

enum weft_status weft_file_output_open(const struct weft_file_output_settings *settings,
                                       struct weft_file_output **out_output, struct weft_error *error)
{
    struct weft_file_output *output = weft_alloc(sizeof *output);
    weft_set_magic(output, file_output);
    output->settings = *settings;
    output->path = weft_alloc_string(settings->path);
    output->descriptor = -1;
    split_path(output);
    enum weft_status status =
        settings->creates_directory ? create_directories(output, &output->made_directory, error) : WEFT_OK;
    if (status == WEFT_OK) {
        status = open_file(output, &output->descriptor, &output->is_made, error);
    }
    if (status != WEFT_OK) {
        weft_file_output_close(output);
        return status;
    }
    struct stat found;
    output->has_former = fstat(output->descriptor, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0 &&
                         find_device(output->path) == WEFT_COUNT_OF(devices);
    *out_output = output;
    return WEFT_OK;
}

void weft_file_output_begin(struct weft_file_output *output)
{
    weft_check_magic(output, file_output);
    bool is_kept = output->settings.is_appending || output->settings.rotation.max_bytes > 0;
    note_opened(output->path, output->has_former && !is_kept);
    weft_atomic_store(&output->has_begun, 1);
}

void weft_file_output_prepare(struct weft_file_output *output)
{
    if (take_must_be_emptied(output->path) && ftruncate(output->descriptor, 0) != 0) {
        weft_log(ERROR, "file.not_emptied", "what was in the file before cannot be removed",
                 WEFT_LOG_STRING("path", output->path), WEFT_LOG_STRING("error", strerror(errno)));
    }
}

/* What was made for a config that was never used, as far as nobody else has put anything there. */
static void unmake(const struct weft_file_output *output)
{
    struct stat made, found;
    if (output->is_made && fstat(output->descriptor, &made) == 0 && made.st_size == 0 &&
        lstat(output->path, &found) == 0 && found.st_ino == made.st_ino && found.st_dev == made.st_dev) {
        (void)unlink(output->path);
    }
    size_t length = output->made_directory > 0 ? strlen(output->directory) : 0;
    char *directory = weft_alloc_string(output->directory);
    while (length > 0 && length >= output->made_directory && rmdir(directory) == 0) {
        const char *slash = strrchr(directory, '/');
        length = slash == NULL ? 0 : (size_t)(slash - directory);
        directory[length] = '\0';
    }
    weft_free(directory);
}

void weft_file_output_close(struct weft_file_output *output)
{
    if (weft_atomic_load(&output->has_begun) == 0) {
        unmake(output);
    }
    if (output->descriptor >= 0) {
        close(output->descriptor);
    }
    weft_clear_magic(output, file_output);
    weft_free(output->path);
    weft_free(output->directory);
    weft_free(output->name);
    weft_free(output->extension);
    weft_free(output);
}

enum weft_status weft_file_output_try_open(const struct weft_file_output *output, struct weft_error *error)
{
    int descriptor;
    size_t made_directory;
    bool is_made;
    enum weft_status status =
        output->settings.creates_directory ? create_directories(output, &made_directory, error) : WEFT_OK;
    if (status == WEFT_OK) {
        status = open_file(output, &descriptor, &is_made, error);
    }
    if (status == WEFT_OK) {
        close(descriptor);
    }
    return status;
}

void weft_file_output_open_again(struct weft_file_output *output)
{
    weft_check_magic(output, file_output);
    weft_atomic_store(&output->must_open_again, 1);
}

/* The old file stays open until there is a new one. */
static enum weft_status ensure_open(struct weft_file_output *output, struct weft_error *error)
{
    bool must_open_again = weft_atomic_load(&output->must_open_again) != 0;
    if (output->descriptor >= 0 && !must_open_again) {
        return WEFT_OK;
    }
    int descriptor;
    bool is_made;
    weft_atomic_store(&output->must_open_again, 0);
    enum weft_status status = open_file(output, &descriptor, &is_made, error);
    if (status != WEFT_OK) {
        weft_atomic_store(&output->must_open_again, must_open_again);
        return status;
    }
    if (output->descriptor >= 0) {
        close(output->descriptor);
    }
    output->descriptor = descriptor;
    return WEFT_OK;
}

/* ---- rotation ---- */

static void format_time(const struct weft_file_output *output, struct weft_wall time, char *out_text)
{
    time_t seconds = (time_t)(time.ns / WEFT_NS_PER_S);
    struct tm parts;
    if (output->settings.rotation.has_local_time) {
        localtime_r(&seconds, &parts);
    } else {
        gmtime_r(&seconds, &parts);
    }
    size_t used = strftime(out_text, TIME_BYTES, "%Y-%m-%dT%H-%M-%S", &parts);
    snprintf(out_text + used, TIME_BYTES - used, ".%03d", (int)(time.ns % WEFT_NS_PER_S / WEFT_NS_PER_MS));
}

/* Where the time stands in the name of a backup; NULL if the name is not one. */
static const char *backup_time(const struct weft_file_output *output, const char *file_name)
{
    static const char shape[] = "0000-00-00T00-00-00.000";
    size_t name_length = strlen(output->name);
    if (strncmp(file_name, output->name, name_length) != 0 || file_name[name_length] != '-') {
        return NULL;
    }
    const char *time = file_name + name_length + 1;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool is_right = shape[i] == '0' ? time[i] >= '0' && time[i] <= '9' : time[i] == shape[i];
        if (!is_right) {
            return NULL;
        }
    }
    return strcmp(time + sizeof shape - 1, output->extension) == 0 ? time : NULL;
}

struct backups {
    char **names;
    size_t count, capacity;
};

static void find_backups(const struct weft_file_output *output, struct backups *backups)
{
    DIR *directory = opendir(output->directory);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (backup_time(output, entry->d_name) != NULL &&
            weft_try_grow(&backups->names, sizeof(char *), backups->count, &backups->capacity) == WEFT_OK) {
            backups->names[backups->count++] = weft_alloc_string(entry->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

static int newest_first(const void *left, const void *right)
{
    return -strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void delete_old_backups(const struct weft_file_output *output)
{
    const struct weft_file_rotation *rotation = &output->settings.rotation;
    if (rotation->max_backups == 0 && rotation->max_days == 0) {
        return;
    }
    struct backups backups = { 0 };
    char oldest[TIME_BYTES] = "";
    if (rotation->max_days > 0) {
        int64_t age_ns = (int64_t)rotation->max_days * 86400 * WEFT_NS_PER_S;
        format_time(output, (struct weft_wall){ weft_wall_now().ns - age_ns }, oldest);
    }
    find_backups(output, &backups);
    if (backups.count > 0) {
        qsort(backups.names, backups.count, sizeof(char *), newest_first);
    }
    for (size_t i = 0; i < backups.count; i++) {
        bool is_over = rotation->max_backups > 0 && i >= rotation->max_backups;
        bool is_old = strncmp(backup_time(output, backups.names[i]), oldest, strlen(oldest)) < 0;
        char *path = weft_alloc_format("%s/%s", output->directory, backups.names[i]);
        if ((is_over || is_old) && unlink(path) != 0) {
            weft_log(WARN, "file.backup_stays", "an old backup could not be deleted", WEFT_LOG_STRING("path", path),
                     WEFT_LOG_STRING("error", strerror(errno)));
        }
        weft_free(path);
        weft_free(backups.names[i]);
    }
    weft_free(backups.names);
}

/* A name that is free; two rotations may fall into one millisecond. */
static char *new_backup_path(const struct weft_file_output *output)
{
    struct weft_wall now = weft_wall_now();
    for (;; now.ns += WEFT_NS_PER_MS) {
        char time[TIME_BYTES];
        format_time(output, now, time);
        char *path = weft_alloc_format("%s/%s-%s%s", output->directory, output->name, time, output->extension);
        struct stat status;
        if (lstat(path, &status) != 0) {
            return path;
        }
        weft_free(path);
    }
}

static enum weft_status rotate(struct weft_file_output *output, struct weft_error *error)
{
    char *backup = new_backup_path(output);
    int renamed = rename(output->path, backup);
    enum weft_status status = renamed == 0 ? WEFT_OK : fail_io(error, "rename", output->path);
    weft_free(backup);
    if (status != WEFT_OK) {
        return status;
    }
    close(output->descriptor);
    output->descriptor = -1;
    bool is_made;
    status = open_file(output, &output->descriptor, &is_made, error);
    if (status == WEFT_OK) {
        delete_old_backups(output);
    }
    return status;
}

/* ---- writing ---- */

static enum weft_status write_whole(struct weft_file_output *output, struct weft_slice bytes, struct weft_error *error)
{
    struct stat before;
    bool is_known = fstat(output->descriptor, &before) == 0;
    while (bytes.length > 0) {
        ssize_t written = write(output->descriptor, bytes.bytes, bytes.length);
        if (written < 0 && errno == EAGAIN) { /* a stream that somebody else made non-blocking */
            poll(&(struct pollfd){ .fd = output->descriptor, .events = POLLOUT }, 1, -1);
            continue;
        }
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            enum weft_status status = fail_io(error, "write", output->path);
            if (is_known && S_ISREG(before.st_mode) && ftruncate(output->descriptor, before.st_size) != 0) {
                weft_log(ERROR, "file.torn", "a message that was cut off could not be taken back",
                         WEFT_LOG_STRING("path", output->path), WEFT_LOG_STRING("error", strerror(errno)));
            }
            return status;
        }
        weft_assert((size_t)written <= bytes.length);
        bytes = weft_slice_of(bytes.bytes + written, bytes.length - (size_t)written);
    }
    return WEFT_OK;
}

enum weft_status weft_file_output_write(struct weft_file_output *output, struct weft_slice bytes,
                                        struct weft_error *error)
{
    weft_check_magic(output, file_output);
    weft_assert(bytes.length > 0);
    enum weft_status status = ensure_open(output, error);
    if (status == WEFT_OK) {
        weft_file_output_prepare(output);
    }
    uint64_t max_bytes = output->settings.rotation.max_bytes;
    struct stat now;
    if (status == WEFT_OK && max_bytes > 0 && fstat(output->descriptor, &now) == 0 && S_ISREG(now.st_mode) &&
        now.st_size > 0 && (uint64_t)now.st_size + bytes.length > max_bytes) {
        status = rotate(output, error);
    }
    return status == WEFT_OK ? write_whole(output, bytes, error) : status;
}
