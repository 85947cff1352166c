#pragma once

#include "base/buffer.h"
#include "config/field.h"

/* Cross-origin requests (the Fetch standard's CORS protocol), as far as a receiver of POSTs needs it: which pages of
 * other sites may export here from a browser. Answers as the Collector's do (rs/cors): credentials allowed, no word to
 * strangers. */
struct weft_otlp_cors_config {
    struct weft_config_strings allowed_origins; /* exact, "*", or one '*' within; none = off */
    struct weft_config_strings allowed_headers; /* "*" = all; none = those of a simple export */
    struct weft_config_strings exposed_headers;
    int64_t max_age; /* seconds; 0 = the browser's default */
};

extern const struct weft_field weft_otlp_cors_fields[];

/* Names and patterns that could not be written into a header. */
enum weft_status weft_otlp_cors_validate(const struct weft_otlp_cors_config *config,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* Header lines for the answer to a preflight, or to a request. False: they say no. origin empty: not from a page. */
bool weft_otlp_cors_write_preflight(const struct weft_otlp_cors_config *config, struct weft_slice origin,
                                    struct weft_slice method, struct weft_slice headers, struct weft_buffer *out);
bool weft_otlp_cors_write(const struct weft_otlp_cors_config *config, struct weft_slice origin,
                          struct weft_buffer *out);
