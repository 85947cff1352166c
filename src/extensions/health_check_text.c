/* The Collector's health answer (health_check_text.h), whose times are written the way Go writes them. */
#include "extensions/health_check_text.h"

#include <inttypes.h>

/* The fraction without its trailing zeros: ".14" for 140 of 1000. */
static void append_fraction(struct weft_buffer *out, uint64_t value, int digits)
{
    while (digits > 0 && value % 10 == 0) {
        value /= 10;
        digits--;
    }
    if (digits > 0) {
        weft_buffer_append_format(out, ".%0*" PRIu64, digits, value);
    }
}

/* As Go's time.Duration prints itself: "1h2m3.5s", "350ms", "0s". */
static void append_go_duration(struct weft_buffer *out, int64_t duration_ns)
{
    uint64_t ns = duration_ns < 0 ? 0 : (uint64_t)duration_ns;
    if (ns < (uint64_t)WEFT_NS_PER_S) {
        const char *unit = ns < 1000 ? "ns" : ns < 1000000 ? "\xc2\xb5s" : "ms";
        uint64_t scale = ns < 1000 ? 1 : ns < 1000000 ? 1000 : 1000000;
        weft_buffer_append_format(out, "%" PRIu64, ns / scale);
        append_fraction(out, ns % scale, scale == 1 ? 0 : scale == 1000 ? 3 : 6);
        weft_buffer_append_text(out, ns == 0 ? "s" : unit);
        return;
    }
    uint64_t seconds = ns / (uint64_t)WEFT_NS_PER_S;
    if (seconds >= 3600) {
        weft_buffer_append_format(out, "%" PRIu64 "h", seconds / 3600);
    }
    if (seconds >= 60) {
        weft_buffer_append_format(out, "%" PRIu64 "m", seconds / 60 % 60);
    }
    weft_buffer_append_format(out, "%" PRIu64, seconds % 60);
    append_fraction(out, ns % (uint64_t)WEFT_NS_PER_S, 9);
    weft_buffer_append_byte(out, 's');
}

int weft_health_check_write(bool is_available, struct weft_wall up_since, int64_t uptime_ns, const char *own_body,
                            struct weft_buffer *out)
{
    if (own_body != NULL) {
        weft_buffer_append_text(out, own_body);
    } else if (is_available) {
        char text[WEFT_RFC3339_BYTES];
        weft_wall_format(up_since, text);
        weft_buffer_append_format(out, "{\"status\":\"Server available\",\"upSince\":\"%s\",\"uptime\":\"", text);
        append_go_duration(out, uptime_ns);
        weft_buffer_append_text(out, "\"}");
    } else {
        /* Go's zero time. */
        weft_buffer_append_text(
            out, "{\"status\":\"Server not available\",\"upSince\":\"0001-01-01T00:00:00Z\",\"uptime\":\"\"}");
    }
    return is_available ? 200 : 503;
}
