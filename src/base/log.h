#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "base/thread.h"

/* Structured logs, one JSON object per line, in the schema of the platform's log page: timestamp, level, service,
 * environment, message, data, and an event name ("export.retry"). Never payload bytes, never secrets.
 * error = a person must act; warn = degraded; info = life cycle; debug = per request.
 * Any thread. Each warn and error site is limited to a burst of lines per interval and says what it suppressed. */
enum weft_log_level { WEFT_LOG_DEBUG, WEFT_LOG_INFO, WEFT_LOG_WARN, WEFT_LOG_ERROR };

enum weft_log_kind { WEFT_LOG_TEXT, WEFT_LOG_INTEGER, WEFT_LOG_REAL };

struct weft_log_field {
    const char *key;
    enum weft_log_kind kind;
    struct weft_slice text;
    int64_t integer;
    double real;
};

#define WEFT_LOG_STRING(key_text, value) \
    ((struct weft_log_field){ .key = (key_text), .kind = WEFT_LOG_TEXT, .text = weft_slice_of_text(value) })
#define WEFT_LOG_SLICE(key_text, value) \
    ((struct weft_log_field){ .key = (key_text), .kind = WEFT_LOG_TEXT, .text = (value) })
#define WEFT_LOG_INT(key_text, value) \
    ((struct weft_log_field){ .key = (key_text), .kind = WEFT_LOG_INTEGER, .integer = (int64_t)(value) })
#define WEFT_LOG_DOUBLE(key_text, value) \
    ((struct weft_log_field){ .key = (key_text), .kind = WEFT_LOG_REAL, .real = (value) })

/* One per call site; zero at start. */
struct weft_log_site {
    int64_t window_start_ns;
    uint32_t in_window;
    uint32_t suppressed;
};

struct weft_log_config {
    enum weft_log_level level;
    const char *service;     /* copied */
    const char *environment; /* copied; from deployment.environment, or "" */
    int descriptor;          /* where lines go; 2 at start */
};

void weft_log_configure(const struct weft_log_config *config);
bool weft_log_is_enabled(enum weft_log_level level);

void weft_log_write(struct weft_log_site *site, enum weft_log_level level, const char *event, const char *message,
                    const struct weft_log_field *fields, size_t field_count);

/* weft_log(INFO, "agent.started", "weft is up", WEFT_LOG_INT("workers", 2), ...) */
#define weft_log(level_name, event, message, ...)                                                            \
    do {                                                                                                     \
        static struct weft_log_site weft_log_site_;                                                          \
        if (weft_log_is_enabled(WEFT_LOG_##level_name)) {                                                    \
            const struct weft_log_field weft_log_fields_[] = { { 0 }, ##__VA_ARGS__ };                       \
            weft_log_write(&weft_log_site_, WEFT_LOG_##level_name, (event), (message), weft_log_fields_ + 1, \
                           WEFT_COUNT_OF(weft_log_fields_) - 1);                                             \
        }                                                                                                    \
    } while (0)

/* Lines that rate limiting kept back since the start. */
uint64_t weft_log_suppressed_total(void);

/* From now on nobody who logs waits for who reads: a thread writes. Up to 4 MiB of lines wait for it; further ones are
 * lost and counted, and the log says so when it is read again. */
void weft_log_start_thread(void);

/* Gives what waits so much time to be written. Then lines are written by who logs again or, if the thread still stands,
 * lost. */
void weft_log_end_thread(int64_t timeout_ns);

/* For who is about to abort, wherever that is: what waits gets so much time. */
void weft_log_rescue(int64_t timeout_ns);

/* Lines that nobody took since the start. */
uint64_t weft_log_lost_total(void);
