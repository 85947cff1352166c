#pragma once

/* A header field that a client sends. Lists end with a NULL name. */
struct weft_header {
    const char *name; /* lower case over HTTP/2 */
    const char *value;
};
