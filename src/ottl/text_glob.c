/* Globs (text_glob.h). */
#include "ottl/text_glob.h"

struct glob {
    struct weft_slice text;
    size_t at;
    size_t depth; /* braces that are open */
    struct weft_buffer *out;
};

static enum weft_status fail(const struct glob *glob, struct weft_error *error, const char *reason)
{
    return weft_fail(error, WEFT_INVALID, "byte %zu of the glob: %s", glob->at, reason);
}

/* What means something in a regular expression means itself. */
static void put_literal(struct glob *glob, uint8_t byte)
{
    bool is_plain = byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
                    byte == ' ' || byte == '_' || byte == '/';
    if (is_plain) {
        weft_buffer_append_byte(glob->out, byte);
    } else {
        weft_buffer_append_format(glob->out, "\\x%02x", byte);
    }
}

/* at is behind the bracket. One range, or characters up to the closing bracket. */
static enum weft_status put_set(struct glob *glob, struct weft_error *error)
{
    const uint8_t *close =
        glob->at < glob->text.length ? memchr(glob->text.bytes + glob->at, ']', glob->text.length - glob->at) : NULL;
    size_t end = close == NULL ? 0 : (size_t)(close - glob->text.bytes);
    if (close == NULL) {
        return fail(glob, error, "a [ is never closed");
    }
    bool is_not = glob->text.bytes[glob->at] == '!';
    glob->at += is_not;
    if (glob->at == end) {
        return fail(glob, error, "a set is empty");
    }
    weft_buffer_append_text(glob->out, is_not ? "[^" : "[");
    bool is_range = end - glob->at == 3 && glob->text.bytes[glob->at + 1] == '-';
    if (is_range && glob->text.bytes[glob->at] > glob->text.bytes[glob->at + 2]) {
        return fail(glob, error, "a range goes down");
    }
    for (; glob->at < end; glob->at++) {
        if (is_range && glob->at + 2 == end) {
            weft_buffer_append_byte(glob->out, '-');
        } else {
            put_literal(glob, glob->text.bytes[glob->at]);
        }
    }
    weft_buffer_append_byte(glob->out, ']');
    glob->at++;
    return WEFT_OK;
}

static enum weft_status put_next(struct glob *glob, struct weft_error *error)
{
    uint8_t byte = glob->text.bytes[glob->at++];
    switch (byte) {
    case '*':
        weft_buffer_append_text(glob->out, ".*");
        return WEFT_OK;
    case '?':
        weft_buffer_append_byte(glob->out, '.');
        return WEFT_OK;
    case '[':
        return put_set(glob, error);
    case '{':
        glob->depth++;
        weft_buffer_append_text(glob->out, "(?:");
        return WEFT_OK;
    case ',':
    case '}':
        if (glob->depth == 0) {
            put_literal(glob, byte);
        } else {
            weft_buffer_append_byte(glob->out, byte == ',' ? '|' : ')');
            glob->depth -= byte == '}';
        }
        return WEFT_OK;
    case '\\':
        if (glob->at < glob->text.length) {
            put_literal(glob, glob->text.bytes[glob->at++]);
        }
        return WEFT_OK;
    default:
        put_literal(glob, byte);
        return WEFT_OK;
    }
}

enum weft_status weft_ottl_glob_to_pattern(struct weft_slice text, struct weft_buffer *out, struct weft_error *error)
{
    struct glob glob = { .text = text, .out = out };
    enum weft_status status = WEFT_OK;
    weft_buffer_append_text(out, "(?s)\\A(?:");
    while (status == WEFT_OK && glob.at < text.length) {
        status = put_next(&glob, error);
    }
    for (; glob.depth > 0; glob.depth--) {
        weft_buffer_append_byte(out, ')'); /* the Collector lets braces be open */
    }
    weft_buffer_append_text(out, ")\\z");
    return status == WEFT_OK ? weft_buffer_status(out) : status;
}
