#pragma once

#include <stdbool.h>

/* A header field that a client sends. Lists end with a NULL name. */
struct weft_header {
    const char *name; /* lower case over HTTP/2 */
    const char *value;
};

/* Whether a configured header can be written as it is: a token and a value without line ends or other controls. */
bool weft_header_is_valid(const char *name, const char *value);
