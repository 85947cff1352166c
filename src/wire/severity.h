#pragma once

#include "base/slice.h"
#include "base/status.h"

/* How a producer writes severities, where that changes what the same word or number means. */
enum weft_severity_scale {
    WEFT_SEVERITY_ANY,    /* not known: words as most mean them; numbers from 10 on as of pino, below as of syslog */
    WEFT_SEVERITY_PINO,   /* 10 to 60, also bunyan's */
    WEFT_SEVERITY_PYTHON, /* 10 to 50 */
    WEFT_SEVERITY_SYSLOG, /* 0 to 7, the lowest is the worst */
    WEFT_SEVERITY_GCP,    /* 0, 100 to 800; its CRITICAL is not the worst */
    WEFT_SEVERITY_OTEL,   /* 1 to 24 */
    WEFT_SEVERITY_SCALE_COUNT
};

enum { WEFT_SEVERITY_NONE = 0, WEFT_SEVERITY_MAX = 24 };

/* OpenTelemetry's severity number, 1 to 24, of a word in any case ("warn", "INFO+2") or a number in digits; 0 for
 * what is not known. */
uint8_t weft_severity_of_text(struct weft_slice text, enum weft_severity_scale scale);
uint8_t weft_severity_of_number(int64_t number, enum weft_severity_scale scale);
