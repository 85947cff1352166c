/* Names of labels, and how names that are not plain are escaped for a scraper (prometheus_name.h). */
#include "exporters/prometheus_name.h"

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter_or_digit(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(byte);
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* ---- labels ---- */

static void put_sanitized(struct weft_slice text, struct weft_buffer *out)
{
    for (size_t i = 0; i < text.length; i++) {
        if (is_letter_or_digit(text.bytes[i])) {
            weft_buffer_append_byte(out, text.bytes[i]);
        } else if (!is_continuation(text.bytes[i])) {
            weft_buffer_append_byte(out, '_'); /* one for a character, however many bytes it has */
        }
    }
}

bool weft_prometheus_is_underscores_only(struct weft_slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] != '_') {
            return false;
        }
    }
    return true;
}

bool weft_prometheus_put_label_name(const struct weft_prometheus_naming *naming, const char *prefix,
                                    struct weft_slice key, struct weft_buffer *out)
{
    size_t start = out->length;
    struct weft_slice prefix_text = weft_slice_of_text(prefix);
    if (naming->allows_utf8) {
        weft_buffer_append(out, prefix_text.bytes, prefix_text.length);
        weft_buffer_append(out, key.bytes, key.length);
    } else {
        if (prefix_text.length == 0 && key.length > 0 && is_digit(key.bytes[0])) {
            weft_buffer_append_text(out, "key_");
        }
        put_sanitized(prefix_text, out);
        put_sanitized(key, out);
    }
    struct weft_slice made = weft_slice_of(out->bytes + start, out->length - start);
    bool is_reserved = made.length >= 2 && made.bytes[0] == '_' && made.bytes[1] == '_';
    if (weft_prometheus_is_underscores_only(made) || is_reserved) {
        out->length = start;
        return false;
    }
    return true;
}

/* ---- escapes ---- */

static bool is_plain_at(uint8_t byte, size_t at)
{
    return is_letter_or_digit(byte) ? at > 0 || !is_digit(byte) : byte == '_' || byte == ':';
}

bool weft_prometheus_is_plain_name(struct weft_slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (!is_plain_at(name.bytes[i], i)) {
            return false;
        }
    }
    return name.length > 0;
}

static void put_escape(uint8_t byte, uint32_t character, enum weft_prometheus_escaping escaping,
                       struct weft_buffer *out)
{
    switch (escaping) {
    case WEFT_PROMETHEUS_UNDERSCORES:
    case WEFT_PROMETHEUS_ALLOW_UTF8:
        weft_buffer_append_byte(out, '_');
        break;
    case WEFT_PROMETHEUS_DOTS:
        weft_buffer_append_text(out, byte == '.' ? "_dot_" : "__");
        break;
    case WEFT_PROMETHEUS_VALUES:
        weft_buffer_append_format(out, "_%x_", character);
        break;
    }
}

/* The character that begins there, for a text that is UTF-8. */
static uint32_t character_at(struct weft_slice text, size_t at)
{
    uint8_t lead = text.bytes[at];
    uint32_t character = lead < 0x80 ? lead : lead < 0xe0 ? lead & 0x1fu : lead < 0xf0 ? lead & 0x0fu : lead & 0x07u;
    for (size_t i = at + 1; i < text.length && is_continuation(text.bytes[i]); i++) {
        character = character << 6 | (text.bytes[i] & 0x3fu);
    }
    return character;
}

void weft_prometheus_put_escaped_name(struct weft_slice name, enum weft_prometheus_escaping escaping,
                                      struct weft_buffer *out)
{
    bool doubles_underscores = escaping == WEFT_PROMETHEUS_DOTS || escaping == WEFT_PROMETHEUS_VALUES;
    if (escaping == WEFT_PROMETHEUS_ALLOW_UTF8) {
        weft_buffer_append(out, name.bytes, name.length);
        return;
    }
    weft_buffer_append_text(out, escaping == WEFT_PROMETHEUS_VALUES ? "U__" : "");
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.bytes[i];
        if (byte == '_' && doubles_underscores) {
            weft_buffer_append_text(out, "__");
        } else if (is_plain_at(byte, i)) {
            weft_buffer_append_byte(out, byte);
        } else if (!is_continuation(byte)) {
            put_escape(byte, character_at(name, i), escaping, out);
        }
    }
}
