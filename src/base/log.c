/* The log (log.h): one mutex, one line at a time, which log_writer.c then brings out. A line that does not fit is cut
 * after its message, and a message at its own limit (escaped it still fits), so that what is written is always one JSON
 * object. */
#include "base/log.h"

#include <math.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log_writer.h"
#include "base/work.h"

enum { NAME_BYTES = 128, BURST = 10 };
enum { MAX_MESSAGE_BYTES = 2 * 1024, LINE_END_BYTES = 2 };
static const int64_t window_ns = 10 * WEFT_NS_PER_S;

static struct {
    pthread_mutex_t mutex;
    _Atomic int level;
    int descriptor;
    char service[NAME_BYTES];
    char environment[NAME_BYTES];
    struct weft_atomic_u64 suppressed_total;
} state = { .mutex = PTHREAD_MUTEX_INITIALIZER, .level = WEFT_LOG_INFO, .descriptor = 2, .service = "weft" };

static const char *const level_names[] = {
    [WEFT_LOG_DEBUG] = "debug",
    [WEFT_LOG_INFO] = "info",
    [WEFT_LOG_WARN] = "warn",
    [WEFT_LOG_ERROR] = "error",
};

void weft_log_configure(const struct weft_log_config *config)
{
    pthread_mutex_lock(&state.mutex);
    atomic_store(&state.level, (int)config->level);
    state.descriptor = config->descriptor;
    snprintf(state.service, sizeof state.service, "%s", config->service);
    snprintf(state.environment, sizeof state.environment, "%s", config->environment == NULL ? "" : config->environment);
    pthread_mutex_unlock(&state.mutex);
}

bool weft_log_is_enabled(enum weft_log_level level)
{
    return (int)level >= atomic_load_explicit(&state.level, memory_order_relaxed);
}

uint64_t weft_log_suppressed_total(void)
{
    return weft_atomic_load(&state.suppressed_total);
}

/* Under the mutex. out_suppressed: lines kept back in the window that has just ended. */
static bool may_write(struct weft_log_site *site, int64_t now_ns, uint32_t *out_suppressed)
{
    *out_suppressed = 0;
    if (site->window_start_ns == 0 || now_ns - site->window_start_ns >= window_ns) {
        *out_suppressed = site->suppressed;
        site->window_start_ns = now_ns;
        site->in_window = 0;
        site->suppressed = 0;
    }
    if (site->in_window >= BURST) {
        site->suppressed++;
        weft_atomic_add(&state.suppressed_total, 1);
        return false;
    }
    site->in_window++;
    return true;
}

static void append_pair(struct weft_buffer *line, const char *key, const char *value)
{
    weft_buffer_append_format(line, "\"%s\":", key);
    weft_buffer_append_json_string(line, weft_slice_of(value, strnlen(value, MAX_MESSAGE_BYTES)));
}

static void append_field(struct weft_buffer *line, const struct weft_log_field *field)
{
    weft_buffer_append_json_string(line, weft_slice_of_text(field->key));
    weft_buffer_append_byte(line, ':');
    switch (field->kind) {
    case WEFT_LOG_TEXT:
        weft_buffer_append_json_string(line, field->text);
        return;
    case WEFT_LOG_INTEGER:
        weft_buffer_append_format(line, "%lld", (long long)field->integer);
        return;
    case WEFT_LOG_REAL:
        if (isfinite(field->real)) {
            weft_buffer_append_format(line, "%.6g", field->real);
        } else {
            weft_buffer_append_text(line, "null");
        }
        return;
    }
}

static void append_head(struct weft_buffer *line, enum weft_log_level level, const char *event, const char *message)
{
    char time_text[WEFT_RFC3339_BYTES];
    weft_wall_format(weft_wall_now(), time_text);
    weft_buffer_append_byte(line, '{');
    append_pair(line, "timestamp", time_text);
    weft_buffer_append_byte(line, ',');
    append_pair(line, "level", level_names[level]);
    weft_buffer_append_byte(line, ',');
    append_pair(line, "service", state.service);
    weft_buffer_append_byte(line, ',');
    append_pair(line, "environment", state.environment);
    weft_buffer_append_byte(line, ',');
    append_pair(line, "event", event);
    weft_buffer_append_byte(line, ',');
    append_pair(line, "message", message);
}

static void append_data(struct weft_buffer *line, const struct weft_log_field *fields, size_t field_count,
                        uint32_t suppressed)
{
    weft_buffer_append_text(line, ",\"data\":{");
    for (size_t i = 0; i < field_count; i++) {
        if (i > 0) {
            weft_buffer_append_byte(line, ',');
        }
        append_field(line, &fields[i]);
    }
    if (suppressed > 0) {
        weft_buffer_append_format(line, "%s\"suppressed\":%u", field_count > 0 ? "," : "", suppressed);
    }
    weft_buffer_append_byte(line, '}');
}

void weft_log_write(struct weft_log_site *site, enum weft_log_level level, const char *event, const char *message,
                    const struct weft_log_field *fields, size_t field_count)
{
    struct weft_buffer line;
    int descriptor = -1;
    weft_buffer_init(&line, WEFT_LOG_LINE_BYTES);
    int64_t left_bytes = weft_work_stay();
    pthread_mutex_lock(&state.mutex);
    uint32_t suppressed = 0;
    if (level < WEFT_LOG_WARN || may_write(site, weft_monotonic_now().ns, &suppressed)) {
        append_head(&line, level, event, message);
        size_t head_length = line.length;
        bool has_head = !line.is_failed;
        if (field_count > 0 || suppressed > 0) {
            append_data(&line, fields, field_count, suppressed);
        }
        if (has_head && (line.is_failed || line.length > WEFT_LOG_LINE_BYTES - LINE_END_BYTES)) {
            weft_buffer_clear(&line);
            line.length = head_length;
        }
        weft_buffer_append_text(&line, "}\n");
        descriptor = line.is_failed ? -1 : state.descriptor;
    }
    pthread_mutex_unlock(&state.mutex);
    weft_work_may_go(left_bytes);
    if (descriptor >= 0) {
        weft_log_writer_put(descriptor, weft_buffer_slice(&line));
    }
    weft_buffer_fini(&line);
}
