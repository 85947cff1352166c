/* Looking for files (tail_internal.h): by the patterns, beside a file that has given way to another one, and where a
 * change will be told of. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "tail/glob.h"
#include "tail/tail_internal.h"

enum {
    WATCHES_MAX = 8192,
    SIBLING_LOOKS_MAX = 100, /* each reads a directory, which may be as large as there are places in it */
};

static bool is_excluded(const struct weft_tail *tail, const char *path)
{
    for (size_t i = 0; i < tail->settings.exclude_count; i++) {
        if (weft_glob_matches(tail->settings.exclude[i], path)) {
            return true;
        }
    }
    return false;
}

/* Whether the patterns find it, by its own name. */
static bool is_included(const struct weft_tail *tail, const char *path)
{
    bool is_found = false;
    for (size_t i = 0; i < tail->settings.include_count && !is_found; i++) {
        is_found = weft_glob_matches(tail->settings.include[i], path);
    }
    return is_found && !is_excluded(tail, path);
}

static bool is_born_after(const char *path, int64_t files_ns)
{
    struct statx state;
    return statx(AT_FDCWD, path, 0, STATX_BTIME, &state) == 0 && (state.stx_mask & STATX_BTIME) != 0 &&
           state.stx_btime.tv_sec * WEFT_NS_PER_S + state.stx_btime.tv_nsec >= files_ns;
}

/* Whether a file that was not followed yet is read from its beginning: not if it was there at first. */
static bool is_new(const struct weft_tail *tail, const char *path)
{
    return !tail->is_first_scan || tail->settings.is_from_beginning ||
           (tail->left.looked_ns > 0 && is_born_after(path, tail->left.looked_ns));
}

/* What the reader before this one has left, if it is still so. */
static bool take_left_position(const struct weft_tail *tail, struct weft_followed *file, const struct stat *state)
{
    for (size_t i = 0; i < tail->left.count; i++) {
        const struct weft_file_position *left = &tail->left.items[i];
        if (left->device == state->st_dev && left->inode == state->st_ino) {
            file->read.position = *left;
            return true;
        }
    }
    return false;
}

/* What is younger was in its place after it: what is older is not to be read, or has been. former may be NULL. */
static int64_t youth_of(const struct weft_tail *tail, const struct weft_followed *former)
{
    if (former == NULL) {
        return tail->began_files_ns;
    }
    if (former->born_ns == 0) {
        return former->found_ns;
    }
    return former->born_ns > tail->began_files_ns ? former->born_ns : tail->began_files_ns;
}

/* The last of those that are known to have been in the place. */
static const struct weft_followed *find_former(const struct weft_tail *tail, const char *path)
{
    const struct weft_followed *last = NULL;
    WEFT_LIST_EACH(node, &tail->files)
    {
        const struct weft_followed *file = weft_followed_of(node);
        if (strcmp(file->source->path, path) == 0 && (last == NULL || youth_of(tail, file) > youth_of(tail, last))) {
            last = file;
        }
    }
    return last;
}

/* place: where its lines are said to come from; path: where it is now. */
static struct weft_followed *follow(struct weft_tail *tail, const char *place, const char *path,
                                    const struct stat *state, bool is_whole)
{
    struct weft_followed *file = weft_followed_new(place, state, tail->looked_files_ns);
    bool is_left = take_left_position(tail, file, state);
    if (!is_left && !is_whole) {
        file->read.position.offset = (uint64_t)state->st_size;
    }
    weft_tail_add(tail, file);
    weft_tail_open(tail, file, path);
    return file;
}

/* A known one that was closed, for others or because it could not be opened, and of which not all was read. */
static void open_again(struct weft_tail *tail, struct weft_followed *file, const char *path, const struct stat *state)
{
    if (file->descriptor < 0 && (uint64_t)state->st_size != file->read.position.offset) {
        weft_tail_open(tail, file, path);
    }
}

/* Files beside path that were in its place after former was, and former itself, which was renamed. Their lines are the
 * place's, as if they had been found there: so they are joined to those before and behind them, and read in order.
 * former NULL: nobody was seen in the place before. */
static void follow_siblings(struct weft_tail *tail, const struct weft_followed *former, const char *path)
{
    const int64_t youth_ns = youth_of(tail, former);
    char directory[PATH_MAX];
    char name[PATH_MAX];
    char sibling[2 * PATH_MAX];
    struct stat state;
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 0 : (int)(slash - path + 1),
             slash == NULL ? "" : path);
    snprintf(name, sizeof name, "%s.", slash == NULL ? path : slash + 1);
    DIR *stream = opendir(slash == NULL ? "." : directory);
    if (stream == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        snprintf(sibling, sizeof sibling, "%s%s", directory, entry->d_name);
        if (strncmp(entry->d_name, name, strlen(name)) != 0 || strlen(sibling) >= PATH_MAX ||
            stat(sibling, &state) != 0 || !S_ISREG(state.st_mode)) {
            continue;
        }
        struct weft_followed *known = weft_tail_find(tail, &state);
        if (known != NULL) {
            open_again(tail, known, sibling, &state);
        } else if (is_born_after(sibling, youth_ns) && !is_included(tail, sibling)) {
            follow(tail, path, sibling, &state, true)->is_gone = true;
        }
    }
    closedir(stream);
}

/* Another file is in their place now, so that they are written to their ends. */
static void read_formers_again(struct weft_tail *tail, const char *path)
{
    WEFT_LIST_EACH(node, &tail->files)
    {
        struct weft_followed *file = weft_followed_of(node);
        file->ended_round = strcmp(file->source->path, path) == 0 ? 0 : file->ended_round;
    }
}

static void on_file(void *user, const char *path, const struct stat *state)
{
    struct weft_tail *tail = user;
    if (is_excluded(tail, path)) {
        return;
    }
    struct weft_followed *file = weft_tail_find(tail, state);
    if (file == NULL) {
        const struct weft_followed *former = find_former(tail, path);
        if (!tail->is_first_scan && (former != NULL || tail->sibling_looks++ < SIBLING_LOOKS_MAX)) {
            follow_siblings(tail, former, path);
        }
        read_formers_again(tail, path);
        file = follow(tail, path, path, state, is_new(tail, path));
    } else {
        open_again(tail, file, path, state);
    }
    file->seen = tail->scan;
    file->is_gone = false;
}

static void on_directory(void *user, const char *path)
{
    struct weft_tail *tail = user;
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
    bool is_watched =
        tail->notify >= 0 && tail->watch_count < WATCHES_MAX && inotify_add_watch(tail->notify, path, events) >= 0;
    tail->watch_count += is_watched;
    tail->lacks_watches = tail->lacks_watches || (!is_watched && access(path, F_OK) == 0);
}

static void on_failure(void *user, const char *path, int error_number)
{
    struct weft_tail *tail = user;
    tail->is_look_blind = true;
    if (!tail->has_said_blind) {
        weft_log(ERROR, "tail.cannot_look", "a directory of log files cannot be read: what is new in it is not found",
                 WEFT_LOG_STRING("receiver", tail->settings.name), WEFT_LOG_STRING("path", path),
                 WEFT_LOG_STRING("error", strerrordesc_np(error_number)));
    }
    tail->has_said_blind = true;
}

/* One that has just gone, and is closed. */
static bool must_be_found(const struct weft_followed *file)
{
    return !file->is_gone && file->descriptor < 0;
}

/* Nobody is in the place of one that has gone: others may have come and gone there since the last look. */
static bool is_left_empty(struct weft_tail *tail, const struct weft_followed *file)
{
    return tail->sibling_looks++ < SIBLING_LOOKS_MAX && find_former(tail, file->source->path) == file;
}

void weft_tail_look(struct weft_tail *tail, struct weft_monotonic now)
{
    const struct weft_glob_visitor visitor = { on_file, on_directory, on_failure, tail };
    tail->scan++;
    tail->looked = now;
    tail->looked_files_ns = weft_files_now_ns();
    if (tail->is_first_scan) {
        tail->began_files_ns = tail->left.looked_ns > 0 ? tail->left.looked_ns : tail->looked_files_ns;
    }
    tail->is_look_wanted = false;
    tail->lacks_watches = false;
    tail->has_gone_files = false;
    tail->is_full = false;
    tail->is_look_blind = false;
    tail->watch_count = 0;
    tail->sibling_looks = 0;
    weft_atomic_store(&tail->counters.waiting_files, 0);
    for (size_t i = 0; i < tail->settings.include_count; i++) {
        weft_glob_walk(tail->settings.include[i], &visitor);
    }
    WEFT_LIST_EACH(node, &tail->files)
    {
        struct weft_followed *file = weft_followed_of(node);
        bool is_gone = file->seen != tail->scan && (file->is_gone || !tail->is_look_blind);
        if (is_gone && !file->is_gone) {
            file->quiet_since = now.ns;
        }
        if (is_gone && (must_be_found(file) || is_left_empty(tail, file))) {
            follow_siblings(tail, file, file->source->path);
        }
        file->is_gone = is_gone;
        tail->has_gone_files = tail->has_gone_files || is_gone;
    }
    tail->has_said_blind = tail->has_said_blind && tail->is_look_blind;
    tail->is_first_scan = false;
    tail->looked = weft_monotonic_now(); /* a long look leaves time to read */
    weft_free(tail->left.items);
    tail->left = (struct weft_file_positions){ 0 };
}
