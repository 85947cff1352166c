/* URLs and paths without their ids (redaction_sanitize.h): a segment stays if it has only letters and - _ . and spaces,
 * its second byte aside (v1, k8s), and reads like words; any other is one *. As the Collector's
 * url_sanitizer has it, which looks at a URL as at a path. */
#include "processors/redaction_sanitize.h"

enum { MAX_SEGMENTS = 10 };

static bool is_plain(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || byte == '-' || byte == '_' || byte == '.' || byte == ' ';
}

static bool is_end(uint8_t byte)
{
    return byte == '?' || byte == '&' || byte == '#';
}

static bool is_of_letters(struct weft_slice segment)
{
    for (size_t i = 0; i < segment.length; i++) {
        if (!is_plain(segment.bytes[i]) && i != 1) {
            return false;
        }
    }
    return true;
}

/* What stands before a ? is no id for having no likeness to words: the Collector asks that of other segments only. */
static void put_segment(struct weft_slice segment, bool is_before_end, struct weft_buffer *out)
{
    if (is_of_letters(segment) && (is_before_end || weft_sanitize_is_word(segment))) {
        weft_buffer_append(out, segment.bytes, segment.length);
    } else {
        weft_buffer_append_byte(out, '*');
    }
}

void weft_sanitize_url(struct weft_slice path, struct weft_buffer *out)
{
    size_t segments = 0;
    for (size_t from = 0;; from++) {
        size_t to = from;
        while (to < path.length && path.bytes[to] != '/' && !is_end(path.bytes[to])) {
            to++;
        }
        bool is_last = to == path.length || is_end(path.bytes[to]) || ++segments == MAX_SEGMENTS;
        if (to > from) {
            bool is_before_end = to < path.length && is_end(path.bytes[to]);
            put_segment(weft_slice_of(path.bytes + from, to - from), is_before_end, out);
        }
        if (is_last) {
            return;
        }
        weft_buffer_append_byte(out, '/');
        from = to;
    }
}
