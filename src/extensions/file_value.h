#pragma once

#include "base/buffer.h"
#include "extensions/watched_file.h"

/* What the text may be; the white space around it does not count. */
enum weft_file_value_kind {
    WEFT_FILE_VALUE_TEXT,   /* anything but nothing */
    WEFT_FILE_VALUE_HEADER, /* one line, as it may stand in a header */
};

/* A secret that is the config's or a file's; a file's has no white space around it, and is looked at again. What a file
 * says later that is not of the kind is not taken. Embedded in who uses it, which stays where it is, on its worker. */
struct weft_file_value {
    struct weft_buffer text;        /* not terminated; its bytes move when it changes */
    uint64_t version;               /* of text: goes up when it changes */
    struct weft_watched_file *file; /* NULL = none */
    enum weft_file_value_kind kind;
};

/* The first reading of a file, before anything runs, since it may block: appends all of it to out, which the caller
 * owns. WEFT_INVALID, naming the file and the line, if what is in it is not of that kind; else as
 * weft_watched_file_read. */
enum weft_status weft_file_value_read(const char *path, enum weft_file_value_kind kind, struct weft_buffer *out,
                                      struct weft_error *error) WEFT_MUST_CHECK;

/* Start-up. first: what the file said then (weft_file_value_read); copied. Of the settings, on_changed and context are
 * the value's own. */
void weft_file_value_init(struct weft_file_value *value, const struct weft_watched_file_settings *settings,
                          enum weft_file_value_kind kind, struct weft_slice first);

/* A value that stays as it is: text is copied, NULL is empty, and white space counts. Start-up. */
void weft_file_value_init_fixed(struct weft_file_value *value, const char *text);

/* Overwrites the text, and watches the file no more. */
void weft_file_value_fini(struct weft_file_value *value);
