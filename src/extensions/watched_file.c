/* Files that are looked at again (watched_file.h): a timer, a task, and what the task found. */
#include "extensions/watched_file.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/log.h"
#include "config/source.h"

/* What tells one state of a path from another. */
struct identity {
    uint64_t device, inode, size;
    int64_t modified_ns;
};

WEFT_MAGIC(watched_file, 0x0fa7c4ed);

struct look {
    struct weft_helper_task task;
    struct weft_watched_file *file; /* not the thread's to look at */
    char *path;
    struct identity known;
    struct identity found;
    bool is_changed;
    struct weft_buffer contents;
    struct weft_error error;
};

/* What the log has said last. */
enum state {
    FIRST, /* nothing: it was read at a start, and not looked at since */
    TAKEN,
    UNREADABLE,
    UNUSABLE,
};

struct weft_watched_file {
    uint32_t magic;
    struct weft_watched_file_settings settings;
    char *path;
    struct identity known;
    struct look *look; /* NULL: none is out */
    struct weft_timer timer;
    enum state state;
};

enum weft_status weft_watched_file_read(const char *path, struct weft_buffer *out, struct weft_error *error)
{
    return weft_config_read_file(NULL, path, out, error);
}

static void look_free(struct look *look)
{
    weft_buffer_fini(&look->contents);
    weft_free(look->path);
    weft_free(look);
}

static struct look *look_of(struct weft_helper_task *task)
{
    return WEFT_CONTAINER_OF(task, struct look, task);
}

/* The helper's thread. */
static void look_now(struct weft_helper_task *task, void *context)
{
    struct look *look = look_of(task);
    struct stat stat_;
    (void)context;
    if (stat(look->path, &stat_) == 0) {
        look->found = (struct identity){ (uint64_t)stat_.st_dev, (uint64_t)stat_.st_ino, (uint64_t)stat_.st_size,
                                         stat_.st_mtim.tv_sec * WEFT_NS_PER_S + stat_.st_mtim.tv_nsec };
    }
    look->is_changed = memcmp(&look->found, &look->known, sizeof look->found) != 0;
    if (look->is_changed) {
        (void)!weft_watched_file_read(look->path, &look->contents, &look->error);
    }
}

static void set_state(struct weft_watched_file *file, enum state state, const struct weft_error *error)
{
    const struct weft_log_field id = WEFT_LOG_STRING("extension", file->settings.id);
    const struct weft_log_field path = WEFT_LOG_STRING("file", file->path);
    enum state former = file->state;
    file->state = state;
    switch (state) {
    case FIRST:
        break;
    case TAKEN: /* the first time it is what was read at the start, but for a rare case */
        if (former != FIRST && file->settings.host->worker_index == 0) {
            weft_log(INFO, "auth.file_read", "credentials were read again", id, path);
        }
        break;
    case UNREADABLE:
        if (former != UNREADABLE) {
            weft_log(WARN, "auth.file_unreadable", "credentials cannot be read again; the former ones stay", id, path,
                     WEFT_LOG_STRING("error", error->text));
        }
        break;
    case UNUSABLE:
        if (former != UNUSABLE) {
            weft_log(WARN, "auth.file_unusable", "credentials are not usable; the former ones stay", id, path,
                     WEFT_LOG_STRING("error", error->text));
        }
        break;
    }
}

/* What was not taken is not known: it is looked at again. */
static void take(struct weft_watched_file *file, const struct look *look)
{
    struct weft_error error = look->error;
    if (error.status != WEFT_OK) {
        set_state(file, UNREADABLE, &error);
    } else if (file->settings.on_changed(file->settings.context, weft_buffer_slice(&look->contents), &error) !=
               WEFT_OK) {
        set_state(file, UNUSABLE, &error);
    } else {
        file->known = look->found;
        set_state(file, TAKEN, NULL);
    }
}

static void was_looked_at(struct weft_helper_task *task)
{
    struct look *look = look_of(task);
    struct weft_watched_file *file = look->file;
    weft_check_magic(file, watched_file);
    file->look = NULL;
    weft_timer_set_after(file->settings.host->timers, &file->timer, file->settings.interval_ns);
    if (look->is_changed) {
        take(file, look);
    }
    look_free(look);
}

static void was_left(struct weft_helper_task *task)
{
    look_free(look_of(task));
}

static void ask(struct weft_watched_file *file)
{
    struct look *look = weft_try_alloc(sizeof *look);
    char *path = look == NULL ? NULL : weft_try_alloc(strlen(file->path) + 1);
    if (path == NULL) {
        weft_free(look);
        weft_timer_set_after(file->settings.host->timers, &file->timer, file->settings.interval_ns);
        return;
    }
    strcpy(path, file->path);
    *look = (struct look){ .task = { .work = look_now, .on_done = was_looked_at, .on_left = was_left },
                           .file = file,
                           .path = path,
                           .known = file->known };
    weft_buffer_init(&look->contents, 0);
    file->look = look;
    struct weft_helper_box *answers = file->settings.host->answers;
    if (answers == NULL) { /* tests */
        look_now(&look->task, NULL);
        was_looked_at(&look->task);
    } else if (weft_helper_ask(file->settings.helper, answers, &look->task, NULL) != WEFT_OK) {
        file->look = NULL;
        look_free(look);
        weft_timer_set_after(file->settings.host->timers, &file->timer, file->settings.interval_ns);
    }
}

static void on_timer(void *context)
{
    struct weft_watched_file *file = context;
    weft_check_magic(file, watched_file);
    weft_assert(file->look == NULL && weft_host_is_here(file->settings.host));
    ask(file);
}

struct weft_watched_file *weft_watched_file_new(const struct weft_watched_file_settings *settings)
{
    struct weft_watched_file *file = weft_alloc(sizeof *file);
    weft_set_magic(file, watched_file);
    file->settings = *settings;
    file->path = weft_alloc_string(settings->path);
    weft_timer_init(&file->timer, on_timer, file);
    weft_timer_set_after(settings->host->timers, &file->timer, 0); /* what was read at a start may be old by now */
    return file;
}

void weft_watched_file_free(struct weft_watched_file *file)
{
    if (file == NULL) {
        return;
    }
    weft_timer_cancel(file->settings.host->timers, &file->timer);
    if (file->look != NULL) {
        weft_helper_leave(&file->look->task);
    }
    weft_clear_magic(file, watched_file);
    weft_free(file->path);
    weft_free(file);
}
