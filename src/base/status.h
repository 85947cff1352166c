#pragma once

/* The one list of outcomes. Each row: name, text, retryable, HTTP code, gRPC code (grpc/doc/statuscodes.md).
 * "Retryable" means: the same request may succeed later, unchanged (OTLP 1.11, "Failures"). */
#define WEFT_STATUS_ROWS(ROW)                                                                               \
    ROW(OK, "ok", false, 200, 0)                                                                            \
    ROW(CLOSED, "closed", true, 503, 14)   /* back-pressure or shutting down: come back later */            \
    ROW(PARTIAL, "partial", true, 503, 14) /* some branches took it: resend, but do not offer again here */ \
    ROW(LIMIT, "limit", false, 413, 8)     /* larger than a configured limit: never come back */            \
    ROW(INVALID, "invalid", false, 400, 3) /* malformed or out of range */                                  \
    ROW(DENIED, "denied", false, 403, 7)                                                                    \
    ROW(UNAUTHENTICATED, "unauthenticated", false, 401, 16)                                                 \
    ROW(NOT_FOUND, "not_found", false, 404, 5)                                                              \
    ROW(UNSUPPORTED, "unsupported", false, 501, 12) /* known to the field, not to weft */                   \
    ROW(THROTTLED, "throttled", true, 429, 8)       /* a backend asks for fewer requests */                 \
    ROW(TIMEOUT, "timeout", true, 504, 4)                                                                   \
    ROW(IO, "io", true, 503, 14) /* the other side or the kernel failed */                                  \
    ROW(NOMEM, "nomem", true, 503, 14)                                                                      \
    ROW(INTERNAL, "internal", false, 500, 13)

enum weft_status {
#define WEFT_STATUS_ENUM(name, text, retryable, http, grpc) WEFT_##name,
    WEFT_STATUS_ROWS(WEFT_STATUS_ENUM)
#undef WEFT_STATUS_ENUM
};

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_MUST_CHECK                          __attribute__((warn_unused_result))
#define WEFT_PRINTF(format_index, first)         __attribute__((format(printf, format_index, first)))
#define WEFT_LIKELY(condition)                   __builtin_expect(!!(condition), 1)
#define WEFT_UNLIKELY(condition)                 __builtin_expect(!!(condition), 0)
#define WEFT_COUNT_OF(array)                     (sizeof(array) / sizeof((array)[0]))
#define WEFT_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

const char *weft_status_name(enum weft_status status);
bool weft_status_is_retryable(enum weft_status status);
int weft_status_http_code(enum weft_status status);
int weft_status_grpc_code(enum weft_status status);

/* What went wrong, for a person. Filled by weft_fail, prefixed by the layers it passes; never allocated. */
struct weft_error {
    enum weft_status status;
    char text[480];
};

#define WEFT_ERROR_NONE ((struct weft_error){ .status = WEFT_OK })

/* Writes the text (truncated to fit) and returns status, so that `return weft_fail(...)` is the whole failure.
 * error may be NULL when the caller wants the status only. */
enum weft_status weft_fail(struct weft_error *error, enum weft_status status, const char *format, ...)
    WEFT_PRINTF(3, 4);

/* Puts "prefix: " before the text and returns error->status. */
enum weft_status weft_fail_prefix(struct weft_error *error, const char *format, ...) WEFT_PRINTF(2, 3);
