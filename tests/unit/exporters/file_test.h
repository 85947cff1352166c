#pragma once

#include "component_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* An exporter file that writes to out.json in a folder of its own, or in what rotation makes of that. */

extern const struct weft_component weft_exporter_file;

static char directory[64];
static char path[100];
static char contents[8 << 20];

/* keys: further keys of the config, "" or "key: value, ". */
static inline void begin(const char *keys)
{
    char yaml[400];
    snprintf(yaml, sizeof yaml, "{%s path: %s}", keys, path);
    component_begin(&weft_exporter_file, yaml, WEFT_TRACES);
    weft_exporter_file.begin_use(fixture.shared);
}

/* By a thread. */
static inline bool becomes_empty(const char *name)
{
    struct stat found = { .st_size = 1 };
    for (int i = 0; i < 2000 && (stat(name, &found) != 0 || found.st_size > 0); i++) {
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    return found.st_size == 0;
}

static inline void make_directory(void)
{
    strcpy(directory, "/tmp/weft-test-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/out.json", directory);
}

static inline size_t each_file(void (*act)(const char *name))
{
    size_t count = 0;
    DIR *opened = opendir(directory);
    struct dirent *entry;
    while ((entry = readdir(opened)) != NULL) {
        if (entry->d_name[0] != '.') {
            count++;
            if (act != NULL) {
                act(entry->d_name);
            }
        }
    }
    closedir(opened);
    return count;
}

static inline void remove_one(const char *name)
{
    char full[400];
    snprintf(full, sizeof full, "%s/%s", directory, name);
    ck_assert_int_eq(remove(full), 0);
}

static inline void remove_directory(void)
{
    each_file(remove_one);
    ck_assert_int_eq(rmdir(directory), 0);
}

static inline size_t read_file(const char *from)
{
    FILE *file = fopen(from, "re");
    ck_assert_msg(file != NULL, "%s", from);
    size_t length = fread(contents, 1, sizeof contents - 1, file);
    contents[length] = '\0';
    fclose(file);
    return length;
}

static inline const char *read_text(void)
{
    read_file(path);
    return contents;
}

#define SPAN_LINE(name)                                                                                              \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":" \
    "\"a1a2a3a4a5a6a7a8\",\"name\":\"" name "\"}]}]}]}\n"

static uint64_t held(void)
{
    uint64_t count = 0;
    fixture.consumer->operations->audit(fixture.consumer, &count);
    return count;
}

static struct weft_error outcome;
static unsigned settled;

static inline void on_settled(struct weft_ticket *ticket)
{
    outcome = ticket->worst;
    settled++;
}

/* What a main returns. The log is not looked at. */
static inline int file_run(const char *name, void (*add_tests)(TCase *tests))
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = null });
    int failed = component_run(name, add_tests);
    close(null);
    return failed;
}
