#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Lines of container runtimes' files. CRI (kubernetes/design-proposals, "CRI: Log management for container stdout and
 * stderr streams"): time, stream, tags, text. */
enum weft_container_format {
    WEFT_CONTAINER_ANY,
    WEFT_CONTAINER_DOCKER,
    WEFT_CONTAINER_CRIO,
    WEFT_CONTAINER_CONTAINERD
};

struct weft_container_line {
    struct weft_slice time, stream, tags, text;
    bool is_utc; /* as containerd writes its time */
};

/* A line that begins with { is docker's, as for the Collector. */
bool weft_container_line_is_docker(struct weft_slice line);

/* NULL, or why it is no line of CRI. format: CRIO's times have an offset, CONTAINERD's end with Z. The time is as it
 * was written, and may be none. */
const char *weft_container_line_read(struct weft_slice line, enum weft_container_format format,
                                     struct weft_container_line *out_line) WEFT_MUST_CHECK;

/* Of a time as runtimes write it; false: it is none. is_utc: it must end with Z. */
bool weft_container_time_read(struct weft_slice text, bool is_utc, uint64_t *out_ns) WEFT_MUST_CHECK;

/* Whether the text ends here: its tag is F. Other tags may follow, behind colons. */
bool weft_container_line_is_full(const struct weft_container_line *line);
