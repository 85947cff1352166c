#pragma once

#include "wire/otlp_check.h"

/* weft_otlp_check of otlp_check.c once more, compiled without its short ways (otlp_short.h): what these are held
 * against. tests/CMakeLists.txt compiles it. */
enum weft_status general_check(enum weft_signal signal, struct weft_slice request,
                               const struct weft_otlp_limits *limits, struct weft_otlp_counts *out_counts,
                               struct weft_error *error) WEFT_MUST_CHECK;
