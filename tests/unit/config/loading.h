#pragma once

/* What the tests of this floor share: an environment made of tables, and loading from texts. */
#include <check.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"
#include "suite.h"

struct fake_entry {
    const char *name;
    const char *text;
};

struct fake_world {
    const struct fake_entry *variables; /* ended by a NULL name */
    const struct fake_entry *files;
};

static inline const char *fake_find(const struct fake_entry *entries, const char *name)
{
    for (; entries != NULL && entries->name != NULL; entries++) {
        if (strcmp(entries->name, name) == 0) {
            return entries->text;
        }
    }
    return NULL;
}

static inline const char *fake_get(void *context, const char *name)
{
    return fake_find(((struct fake_world *)context)->variables, name);
}

static inline enum weft_status fake_read_file(void *context, const char *path, struct weft_buffer *out,
                                              struct weft_error *error)
{
    const char *text = fake_find(((struct fake_world *)context)->files, path);
    if (text == NULL) {
        return weft_fail(error, WEFT_NOT_FOUND, "%s: No such file or directory", path);
    }
    weft_buffer_append_text(out, text);
    enum weft_status status = weft_buffer_status(out);
    return status == WEFT_OK ? WEFT_OK : weft_fail(error, status, "out of memory");
}

static inline enum weft_status load_world(struct fake_world *world, const char *const *configs, size_t config_count,
                                          const char *const *sets, size_t set_count, struct weft_tree **out_tree,
                                          struct weft_config_notes *notes, struct weft_error *error)
{
    struct weft_config_environment environment = { fake_get, fake_read_file, world };
    struct weft_config_sources sources = { configs, config_count, sets, set_count, &environment };
    return weft_config_load(&sources, out_tree, notes, error);
}

/* One file, config.yaml, that must load. */
static inline struct weft_tree *must_load(const char *text)
{
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_config_load_text(text, "config.yaml", &tree, &error);
    ck_assert_msg(status == WEFT_OK, "%s\n--- of ---\n%s", error.text, text);
    return tree;
}

#define assert_fails_with(actual_status, wanted_status, actual_error, wanted_text)                                  \
    do {                                                                                                            \
        ck_assert_msg((actual_status) == (wanted_status), "status %s, not %s: %s", weft_status_name(actual_status), \
                      weft_status_name(wanted_status), (actual_error).text);                                        \
        ck_assert_str_eq((actual_error).text, (wanted_text));                                                       \
    } while (0)
