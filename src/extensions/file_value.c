/* Secrets that may lie in files (file_value.h). */
#include "extensions/file_value.h"

#include <string.h>

#include "base/assert.h"

/* contents: without the white space around it. */
static enum weft_status check(enum weft_file_value_kind kind, struct weft_slice contents, struct weft_error *error)
{
    size_t line = 1;
    if (contents.length == 0) {
        return weft_fail(error, WEFT_INVALID, "it is empty");
    }
    for (size_t i = 0; kind == WEFT_FILE_VALUE_HEADER && i < contents.length; i++) {
        if (contents.bytes[i] == '\n') {
            line++;
        } else if ((contents.bytes[i] < ' ' && contents.bytes[i] != '\t' && contents.bytes[i] != '\r') ||
                   contents.bytes[i] == 0x7f) {
            return weft_fail(error, WEFT_INVALID, "line %zu: a control character", line);
        }
    }
    bool has_lines =
        kind == WEFT_FILE_VALUE_HEADER && (line > 1 || memchr(contents.bytes, '\r', contents.length) != NULL);
    return has_lines ? weft_fail(error, WEFT_INVALID, "line 2: the value of a header is one line") : WEFT_OK;
}

enum weft_status weft_file_value_read(const char *path, enum weft_file_value_kind kind, struct weft_buffer *out,
                                      struct weft_error *error)
{
    enum weft_status status = weft_watched_file_read(path, out, error);
    if (status == WEFT_OK) {
        struct weft_error why = WEFT_ERROR_NONE;
        status = check(kind, weft_slice_trim(weft_buffer_slice(out)), &why);
        status = status == WEFT_OK ? WEFT_OK : weft_fail(error, status, "credentials file \"%s\": %s", path, why.text);
    }
    return status;
}

static enum weft_status on_changed(void *context, struct weft_slice contents, struct weft_error *error)
{
    struct weft_file_value *value = context;
    struct weft_buffer fresh;
    weft_buffer_init(&fresh, 0);
    contents = weft_slice_trim(contents);
    enum weft_status status = check(value->kind, contents, error);
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_append(&fresh, contents.bytes, contents.length);
    if (fresh.is_failed) {
        weft_buffer_fini(&fresh);
        return weft_fail(error, WEFT_NOMEM, "no memory for a secret");
    }
    weft_buffer_fini_secret(&value->text);
    value->text = fresh;
    value->version++;
    return WEFT_OK;
}

void weft_file_value_init(struct weft_file_value *value, const struct weft_watched_file_settings *settings,
                          enum weft_file_value_kind kind, struct weft_slice first)
{
    struct weft_watched_file_settings own = *settings;
    *value = (struct weft_file_value){ .kind = kind };
    weft_buffer_init(&value->text, 0);
    enum weft_status status = on_changed(value, first, NULL);
    weft_assert(status == WEFT_OK); /* start-up, and weft_file_value_read has seen it */
    own.on_changed = on_changed;
    own.context = value;
    value->file = weft_watched_file_new(&own);
}

void weft_file_value_init_fixed(struct weft_file_value *value, const char *text)
{
    *value = (struct weft_file_value){ .file = NULL };
    weft_buffer_init(&value->text, 0);
    weft_buffer_append_text(&value->text, text == NULL ? "" : text);
    weft_assert(!value->text.is_failed); /* start-up */
}

void weft_file_value_fini(struct weft_file_value *value)
{
    weft_watched_file_free(value->file);
    weft_buffer_fini_secret(&value->text);
}
