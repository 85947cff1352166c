/* ParseCEF and ParseLEEF (functions_log.h): a header between pipes, then pairs. */
#include "base/hex.h"
#include "ottl/functions_give.h"
#include "ottl/functions_log.h"
#include "ottl/map_settle.h"

static struct weft_slice from(struct weft_slice text, size_t at)
{
    return weft_slice_of(text.bytes + at, text.length - at);
}

/* From the word on, which may stand behind what syslog writes; false: it is not there. */
static bool find_start(struct weft_slice text, const char *word, struct weft_slice *out_rest)
{
    const uint8_t *found = text.length == 0 ? NULL : memmem(text.bytes, text.length, word, strlen(word));
    if (found == NULL) {
        return false;
    }
    *out_rest = from(text, (size_t)(found - text.bytes) + strlen(word));
    return true;
}

static enum weft_status add_map(struct weft_ottl_run *run, struct weft_ottl_map *map, const char *key,
                                struct weft_ottl_map *inner)
{
    enum weft_status status = weft_ottl_map_settle(&run->memory, inner, 0, WEFT_OTTL_UPSERT);
    return status == WEFT_OK
               ? weft_ottl_map_append(&run->memory, map, weft_slice_of_text(key), weft_ottl_open_map(inner))
               : status;
}

/* escaped: what a backslash may stand before; meanings: what each is then. Other backslashes stay. */
static enum weft_status unescape(struct weft_ottl_run *run, const char *escaped, const char *meanings,
                                 struct weft_slice *in_out_text)
{
    struct weft_slice text = *in_out_text;
    if (text.length == 0 || memchr(text.bytes, '\\', text.length) == NULL) {
        return WEFT_OK;
    }
    uint8_t *bytes = weft_ottl_run_take(run, text.length);
    size_t length = 0;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t at = 0; at < text.length; at++) {
        bool may_be = text.bytes[at] == '\\' && at + 1 < text.length && text.bytes[at + 1] != 0;
        const char *found = may_be ? strchr(escaped, text.bytes[at + 1]) : NULL;
        bytes[length++] = found != NULL ? (uint8_t)meanings[found - escaped] : text.bytes[at];
        at += found != NULL;
        weft_work_did(1);
    }
    *in_out_text = weft_slice_of(bytes, length);
    return WEFT_OK;
}

/* ---- CEF ---- */

enum { CEF_FIELDS = 7 };

/* Up to a pipe that no backslash stands before; false: there is none. */
static bool take_field(struct weft_slice *in_out_rest, struct weft_slice *out_field)
{
    struct weft_slice rest = *in_out_rest;
    size_t at = 0;
    while (at < rest.length && rest.bytes[at] != '|') {
        bool is_pair =
            rest.bytes[at] == '\\' && at + 1 < rest.length && (rest.bytes[at + 1] == '|' || rest.bytes[at + 1] == '\\');
        at += is_pair ? 2 : 1;
        weft_work_did(1);
    }
    bool has_pipe = at < rest.length;
    *out_field = weft_slice_of(rest.bytes, at);
    *in_out_rest = from(rest, has_pipe ? at + 1 : at);
    return has_pipe;
}

/* The key at the start of text, if it is one: then its "=" follows. */
static size_t key_length(struct weft_slice text)
{
    size_t length = 0;
    while (length < text.length &&
           (((text.bytes[length] | 0x20) >= 'a' && (text.bytes[length] | 0x20) <= 'z') ||
            (text.bytes[length] >= '0' && text.bytes[length] <= '9') || text.bytes[length] == '_')) {
        weft_work_did_each(length + 1);
        length++;
    }
    return length < text.length && text.bytes[length] == '=' ? length : 0;
}

/* Where the next key begins behind a space; the end of the text if there is none. */
static size_t next_key(struct weft_slice text, size_t at)
{
    while (at < text.length && !(text.bytes[at - 1] == ' ' && key_length(from(text, at)) > 0)) {
        weft_work_did_each(at + 1);
        at++;
    }
    return at;
}

/* A value ends where the next key begins. */
static enum weft_status read_extensions(struct weft_ottl_run *run, struct weft_slice text, struct weft_ottl_map *map)
{
    enum weft_status status = WEFT_OK;
    size_t at = text.length == 0 || key_length(text) > 0 ? 0 : next_key(text, 1);
    while (status == WEFT_OK && at < text.length) {
        struct weft_slice key = { text.bytes + at, key_length(from(text, at)) };
        size_t start = at + key.length + 1;
        at = start < text.length ? next_key(text, start) : start;
        struct weft_slice value = { text.bytes + start, at - start };
        while (value.length > 0 && value.bytes[value.length - 1] == ' ') {
            value.length--;
        }
        status = unescape(run, "\\=nr", "\\=\n\r", &value);
        status = status == WEFT_OK ? weft_ottl_map_append(&run->memory, map, key, weft_ottl_string(value)) : status;
    }
    return status;
}

enum weft_status weft_ottl_parse_cef(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    static const char *const keys[CEF_FIELDS] = {
        "cef.version", "cef.device_vendor", "cef.device_product", "cef.device_version", "cef.device_event_class_id",
        "cef.name",    "cef.severity"
    };
    struct weft_slice rest, fields[CEF_FIELDS];
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    struct weft_ottl_map *extensions = weft_ottl_new_map(run);
    enum weft_status status = map == NULL || extensions == NULL ? WEFT_NOMEM : WEFT_OK;
    bool is_good = find_start(call->arguments[0].bytes, "CEF:", &rest);
    for (size_t i = 0; is_good && i < CEF_FIELDS; i++) {
        is_good = take_field(&rest, &fields[i]) || i + 1 == CEF_FIELDS;
    }
    if (!is_good || fields[0].length == 0) {
        return weft_ottl_fail_line(run, call, "the line has no CEF: with a version and six fields behind it");
    }
    for (size_t i = 0; status == WEFT_OK && i < CEF_FIELDS; i++) {
        status = i > 0 ? unescape(run, "|\\", "|\\", &fields[i]) : WEFT_OK;
        status = status == WEFT_OK ? weft_ottl_add_text(run, map, keys[i], fields[i]) : status;
    }
    status = status == WEFT_OK ? read_extensions(run, rest, extensions) : status;
    *out_value = weft_ottl_open_map(map);
    return status == WEFT_OK ? add_map(run, map, "cef.extensions", extensions) : status;
}

/* ---- LEEF ---- */

enum { LEEF_FIELDS = 4 };

/* What stands between the pairs: a character, or a byte as 0xhh. -1: neither. */
static int delimiter_of(struct weft_slice text)
{
    bool is_hex = text.length >= 2 && text.bytes[0] == '0' && (text.bytes[1] | 0x20) == 'x';
    if (text.length <= 1) {
        return text.length == 0 ? '\t' : text.bytes[0];
    }
    return is_hex && text.length == 4 ? weft_hex_byte(text.bytes + 2) : -1;
}

/* Of version 2: a field that says what stands between the pairs may come before them. */
static bool take_delimiter(struct weft_slice *in_out_rest, int *out_delimiter)
{
    struct weft_slice rest = *in_out_rest;
    struct weft_slice field;
    weft_ottl_cut(&rest, '|', &field);
    if (field.length > 0 && memchr(field.bytes, '=', field.length) != NULL) {
        return true; /* it is the first pair already */
    }
    *out_delimiter = delimiter_of(field);
    *in_out_rest = rest;
    return *out_delimiter >= 0;
}

static enum weft_status read_pairs(struct weft_ottl_run *run, struct weft_slice text, int delimiter,
                                   struct weft_ottl_map *map)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && text.length > 0) {
        struct weft_slice value, key;
        weft_ottl_cut(&text, (char)delimiter, &value);
        bool is_pair = weft_ottl_cut(&value, '=', &key) && key.length > 0;
        status = is_pair ? weft_ottl_map_append(&run->memory, map, key, weft_ottl_string(value)) : WEFT_OK;
    }
    return status;
}

enum weft_status weft_ottl_parse_leef(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    static const char *const keys[LEEF_FIELDS] = { "leef.vendor", "leef.product.name", "leef.product.version",
                                                   "leef.event.id" };
    struct weft_slice rest, version, fields[LEEF_FIELDS];
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    struct weft_ottl_map *attributes = weft_ottl_new_map(run);
    enum weft_status status = map == NULL || attributes == NULL ? WEFT_NOMEM : WEFT_OK;
    int delimiter = '\t';
    bool is_good = find_start(call->arguments[0].bytes, "LEEF:", &rest) && weft_ottl_cut(&rest, '|', &version);
    bool is_second = is_good && weft_slice_equal_text(version, "2.0");
    bool has_more = true;
    is_good = is_good && (is_second || weft_slice_equal_text(version, "1.0"));
    for (size_t i = 0; is_good && i < LEEF_FIELDS; i++) {
        has_more = weft_ottl_cut(&rest, '|', &fields[i]);
        is_good = has_more || i + 1 == LEEF_FIELDS;
    }
    if (!is_good || (is_second && has_more && !take_delimiter(&rest, &delimiter))) {
        return weft_ottl_fail_line(run, call,
                                   is_good ? "the delimiter is neither one character nor 0xhh"
                                           : "the line has no LEEF:1.0 or LEEF:2.0 with four fields behind it");
    }
    status = status == WEFT_OK ? weft_ottl_add_text(run, map, "leef.version", version) : status;
    for (size_t i = 0; status == WEFT_OK && i < LEEF_FIELDS; i++) {
        status = weft_ottl_add_text(run, map, keys[i], fields[i]);
    }
    status = status == WEFT_OK ? read_pairs(run, rest, delimiter, attributes) : status;
    *out_value = weft_ottl_open_map(map);
    return status == WEFT_OK ? add_map(run, map, "leef.attributes", attributes) : status;
}
