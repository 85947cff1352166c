#pragma once

#include "base/buffer.h"
#include "extensions/watched_file.h"

enum weft_file_value_kind {
    WEFT_FILE_VALUE_TEXT,   /* anything but nothing */
    WEFT_FILE_VALUE_HEADER, /* one line, as it may stand in a header */
};

/* A secret that is the config's or a file's, without the white space around it; a file is looked at again. Embedded in
 * who uses it, which stays where it is. */
struct weft_file_value {
    struct weft_buffer text;
    uint64_t version;               /* of text: goes up when it changes */
    struct weft_watched_file *file; /* NULL = none */
    enum weft_file_value_kind kind;
};

/* The first reading of a file: WEFT_INVALID if what is in it is not of that kind. */
enum weft_status weft_file_value_read(const char *path, enum weft_file_value_kind kind, struct weft_buffer *out,
                                      struct weft_error *error) WEFT_MUST_CHECK;

/* first: what the file said then. */
void weft_file_value_init(struct weft_file_value *value, const struct weft_watched_file_settings *settings,
                          enum weft_file_value_kind kind, struct weft_slice first);

/* A value that stays as it is. */
void weft_file_value_init_fixed(struct weft_file_value *value, const char *text);
void weft_file_value_fini(struct weft_file_value *value);
