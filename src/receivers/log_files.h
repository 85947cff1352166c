#pragma once

#include "receivers/log_body.h"
#include "operators/operators.h"
#include "receivers/otlp_ingest.h"
#include "tail/tail.h"

/* Log lines from files, the inlet of the receiver `file_log`. Files are followed by src/tail, in a thread of its own;
 * its blocks become requests here, one at a time, and what is refused for now is offered again: files wait. */
struct weft_log_files_settings {
    struct weft_tail_settings tail;           /* budget: not yet */
    const struct weft_config_map *attributes; /* of every record */
    const struct weft_config_map *resource;   /* the same of its resource */
    bool includes_name, includes_path;        /* of the file, as attributes */
    struct weft_operators *own_operators;     /* that lines go through, the inlet's from now on; NULL: none */
    bool is_text;                             /* without: a line is a body as it is; else as `jsonlog` reads it */
};

/* What settings point to outlives the inlet, as does ingest. NULL without memory or file descriptors. */
struct weft_otlp_inlet *weft_log_files_new(struct weft_otlp_ingest *ingest,
                                           const struct weft_log_files_settings *settings, struct weft_error *error);
