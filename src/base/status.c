/* Statuses and error texts. Called by every layer; holds no state. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

struct status_row {
    const char *name;
    bool is_retryable;
    int http_code;
    int grpc_code;
};

static const struct status_row status_rows[] = {
#define STATUS_ROW(name, text, retryable, http, grpc) [WEFT_##name] = { text, retryable, http, grpc },
    WEFT_STATUS_ROWS(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row *row_of(enum weft_status status)
{
    weft_assert((size_t)status < WEFT_COUNT_OF(status_rows));
    return &status_rows[status];
}

const char *weft_status_name(enum weft_status status)
{
    return row_of(status)->name;
}

bool weft_status_is_retryable(enum weft_status status)
{
    return row_of(status)->is_retryable;
}

int weft_status_http_code(enum weft_status status)
{
    return row_of(status)->http_code;
}

int weft_status_grpc_code(enum weft_status status)
{
    return row_of(status)->grpc_code;
}

enum weft_status weft_fail(struct weft_error *error, enum weft_status status, const char *format, ...)
{
    weft_assert(status != WEFT_OK);
    if (error == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

enum weft_status weft_fail_prefix(struct weft_error *error, const char *format, ...)
{
    weft_assert(error != NULL && error->status != WEFT_OK);
    char old[sizeof error->text];
    memcpy(old, error->text, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    int prefix = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    size_t used = prefix < 0 ? 0 : (size_t)prefix;
    if (used < sizeof error->text) {
        snprintf(error->text + used, sizeof error->text - used, ": %s", old);
    }
    return error->status;
}
