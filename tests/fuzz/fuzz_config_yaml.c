/* Fuzzes the way of a config from bytes to typed settings: YAML, merge, ${...}, field tables, the top level, print.
 * What is printed must read back and print the same. The bytes are the file, and the file that it may include. */
#include <stdlib.h>

#include "../unit/config/every_kind.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "config/load.h"
#include "config/print.h"
#include "config/service.h"

struct input {
    struct weft_slice bytes;
};

static const char *get(void *context, const char *name)
{
    (void)context;
    static const struct {
        const char *name;
        const char *value;
    } variables[] = {
        { "A", "${env:B}" },   { "B", "[1, '${C}', {x::y: 2}]" },
        { "C", "text" },       { "N", "0123" },
        { "S", "${S}" },       { "T", "${T}${T}" },
        { "Q", "\"quoted\"" }, { "E", "" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(variables); i++) {
        if (strcmp(name, variables[i].name) == 0) {
            return variables[i].value;
        }
    }
    return NULL;
}

static enum weft_status read_file(void *context, const char *path, struct weft_buffer *out, struct weft_error *error)
{
    const struct input *input = context;
    if (strcmp(path, "config.yaml") != 0 && strcmp(path, "f") != 0) {
        return weft_fail(error, WEFT_NOT_FOUND, "%s: no such file", path);
    }
    weft_buffer_append(out, input->bytes.bytes, input->bytes.length);
    return weft_buffer_status(out) == WEFT_OK ? WEFT_OK : weft_fail(error, WEFT_LIMIT, "%s: too long", path);
}

static void check_fields(const struct weft_node *root)
{
    struct every_kind config;
    struct weft_config_notes notes = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_config_parse(every_fields, root, &config, &notes, &error) == WEFT_OK) {
        weft_assert(config.text != NULL && config.mode.value >= 0 && config.mode.value < 3);
        weft_config_fini(every_fields, &config);
    } else {
        weft_assert(error.text[0] != '\0');
    }
    weft_config_notes_fini(&notes);
}

static void check_settings(const struct weft_node *root)
{
    struct weft_settings settings;
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_settings_parse(root, &settings, NULL, &error) == WEFT_OK) {
        for (size_t i = 0; i < settings.pipeline_count; i++) {
            weft_assert(settings.pipelines[i].receivers.count > 0 && settings.pipelines[i].exporters.count > 0);
        }
        weft_settings_fini(&settings);
    } else {
        weft_assert(error.text[0] != '\0');
    }
}

static enum weft_status load(struct input *input, struct weft_config_notes *notes, struct weft_tree **out_tree,
                             struct weft_error *error)
{
    struct weft_config_environment environment = { get, read_file, input };
    static const char *const configs[] = { "config.yaml", "yaml:{}" };
    struct weft_config_sources sources = { .configs = configs, .config_count = 2, .environment = &environment };
    return weft_config_load(&sources, out_tree, notes, error);
}

/* What is printed loads, and prints the same. Secrets print as a text, and what is read back has none: so the second
 * print is of what the first one shows. */
static void check_print(const struct weft_node *root)
{
    struct weft_buffer first;
    weft_buffer_init(&first, 4 * 1024 * 1024);
    weft_config_print(root, &first);
    struct weft_tree *again = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_buffer_status(&first) == WEFT_OK && first.length <= 1024 * 1024) {
        struct input printed = { .bytes = weft_buffer_slice(&first) };
        weft_assert(load(&printed, NULL, &again, &error) == WEFT_OK);
        struct weft_buffer second;
        weft_buffer_init(&second, 0);
        weft_config_print(weft_tree_root(again), &second);
        weft_assert(weft_slice_equal(weft_buffer_slice(&first), weft_buffer_slice(&second)));
        weft_buffer_fini(&second);
        weft_tree_free(&again);
    }
    weft_buffer_fini(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { .bytes = weft_slice_of(data, size) };
    struct weft_config_notes notes = { 0 };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    if (load(&input, &notes, &tree, &error) == WEFT_OK) {
        check_fields(weft_tree_root(tree));
        check_settings(weft_tree_root(tree));
        check_print(weft_tree_root(tree));
        weft_tree_free(&tree);
    } else {
        weft_assert(error.text[0] != '\0' && tree == NULL);
    }
    weft_config_notes_fini(&notes);
    return 0;
}
