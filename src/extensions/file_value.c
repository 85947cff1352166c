/* Secrets that may lie in files (file_value.h). */
#include "extensions/file_value.h"

#include "base/assert.h"

enum weft_status weft_file_value_read(const char *path, struct weft_buffer *out, struct weft_error *error)
{
    enum weft_status status = weft_watched_file_read(path, out, error);
    bool is_empty = status == WEFT_OK && weft_slice_trim(weft_buffer_slice(out)).length == 0;
    return is_empty ? weft_fail(error, WEFT_INVALID, "credentials file \"%s\" is empty", path) : status;
}

static enum weft_status on_changed(void *context, struct weft_slice contents, struct weft_error *error)
{
    struct weft_file_value *value = context;
    struct weft_buffer fresh;
    weft_buffer_init(&fresh, 0);
    contents = weft_slice_trim(contents);
    if (contents.length == 0) {
        return weft_fail(error, WEFT_INVALID, "there is nothing in the file");
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
                          struct weft_slice first)
{
    struct weft_watched_file_settings own = *settings;
    *value = (struct weft_file_value){ .file = NULL };
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
