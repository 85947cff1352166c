/* The table of sanitizers (redaction_sanitize.h), and what they share. */
#include "processors/redaction_sanitize.h"

#include "base/assert.h"

static const char *const names[WEFT_SANITIZERS] = {
    [WEFT_SANITIZE_URL] = "url_sanitizer",
    [WEFT_SANITIZE_SQL] = "db_sanitizer.sql",
    [WEFT_SANITIZE_REDIS] = "db_sanitizer.redis",
    [WEFT_SANITIZE_VALKEY] = "db_sanitizer.valkey",
    [WEFT_SANITIZE_MEMCACHED] = "db_sanitizer.memcached",
    [WEFT_SANITIZE_MONGO] = "db_sanitizer.mongo",
    [WEFT_SANITIZE_OPENSEARCH] = "db_sanitizer.opensearch",
    [WEFT_SANITIZE_ES] = "db_sanitizer.es",
};

const char *weft_sanitizer_name(enum weft_sanitizer sanitizer)
{
    return names[sanitizer];
}

void weft_sanitize(enum weft_sanitizer sanitizer, bool is_mysql, struct weft_slice text, struct weft_buffer *out)
{
    switch (sanitizer) {
    case WEFT_SANITIZE_URL:
        weft_sanitize_url(text, out);
        return;
    case WEFT_SANITIZE_SQL:
        weft_sanitize_sql(text, is_mysql, out);
        return;
    case WEFT_SANITIZE_REDIS:
    case WEFT_SANITIZE_VALKEY:
        weft_sanitize_redis(text, out);
        return;
    case WEFT_SANITIZE_MEMCACHED:
        weft_sanitize_memcached(text, out);
        return;
    case WEFT_SANITIZE_MONGO:
    case WEFT_SANITIZE_OPENSEARCH:
    case WEFT_SANITIZE_ES:
        weft_sanitize_json(text, out);
        return;
    case WEFT_SANITIZERS:
        break;
    }
    weft_assert(false);
}

/* Whether these bytes are one character of white space: those of Go's unicode.IsSpace. */
static bool is_space(const uint8_t *at, size_t length)
{
    switch (length) {
    case 1:
        return *at == ' ' || (*at >= '\t' && *at <= '\r');
    case 2:
        return at[0] == 0xc2 && (at[1] == 0x85 || at[1] == 0xa0);
    case 3:
        return memcmp(at, "\xe1\x9a\x80", 3) == 0 || memcmp(at, "\xe2\x81\x9f", 3) == 0 ||
               memcmp(at, "\xe3\x80\x80", 3) == 0 ||
               (at[0] == 0xe2 && at[1] == 0x80 && (at[2] <= 0x8a || at[2] == 0xa8 || at[2] == 0xa9 || at[2] == 0xaf));
    default:
        return false;
    }
}

/* Bytes of the white space at the start of the text or at its end; 0 = none. */
static size_t space_length(struct weft_slice text, bool is_behind)
{
    enum { MAX_BYTES = 3 };
    for (size_t length = 1; length <= MAX_BYTES && length <= text.length; length++) {
        if (is_space(text.bytes + (is_behind ? text.length - length : 0), length)) {
            return length;
        }
    }
    return 0;
}

struct weft_slice weft_sanitize_trim(struct weft_slice text)
{
    size_t length;
    while ((length = space_length(text, false)) > 0) {
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    while ((length = space_length(text, true)) > 0) {
        text.length -= length;
    }
    return text;
}
