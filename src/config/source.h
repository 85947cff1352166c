#pragma once

#include "base/buffer.h"
#include "config/notes.h"

/* Where the texts of a config come from, by parameter, so that tests and fuzzers own the world. */
struct weft_config_environment {
    /* The value of an environment variable, or NULL when unset; borrowed until the next call. */
    const char *(*get)(void *context, const char *name);

    /* Appends the file to out, whose limit bounds it. NULL = weft_config_read_file. */
    enum weft_status (*read_file)(void *context, const char *path, struct weft_buffer *out, struct weft_error *error);
    void *context;
};

/* What the process has: getenv and the file system. */
extern const struct weft_config_environment weft_config_process_environment;

/* WEFT_NOT_FOUND, WEFT_DENIED, WEFT_IO; WEFT_LIMIT beyond 1 MiB. */
enum weft_status weft_config_read_file(void *context, const char *path, struct weft_buffer *out,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* One text, fetched by its location. */
struct weft_config_source {
    struct weft_buffer bytes;
    char name[256];        /* for positions: the path, "env:NAME", "yaml" */
    bool has_lines;        /* a file: lines of the text are lines that a person can look up */
    bool is_empty_default; /* ${env:NAME:-}: an empty string, where an empty text else means null */
};

/* uri: "env:NAME", "env:NAME:-default", "file:path" or "yaml:text". A variable that is unset and has no default is
 * empty, with a note at place ("file:line: path"). WEFT_UNSUPPORTED: http:, https: and other schemes. On WEFT_OK the
 * caller ends the source with weft_config_source_fini. */
enum weft_status weft_config_source_read(const struct weft_config_environment *environment, const char *uri,
                                         const char *place, struct weft_config_notes *notes,
                                         struct weft_config_source *out_source,
                                         struct weft_error *error) WEFT_MUST_CHECK;
void weft_config_source_fini(struct weft_config_source *source);
