/* Reading URLs (text_url.h): RFC 3986 with the tolerance that Go has. The parts are decoded one by one, and the whole
 * is written again from them, since that is what the Collector says the original is. */
#include "ottl/text_url.h"

#include <arpa/inet.h>

#include "base/hex.h"

enum part { PART_PATH, PART_USER, PART_HOST, PART_ZONE, PART_QUERY, PART_FRAGMENT };

/* ---- bytes ---- */

static bool is_letter(uint8_t byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_among(uint8_t byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

/* Whether the byte stands for itself in that part. */
static bool is_plain(uint8_t byte, enum part part)
{
    static const char *const plain[] = {
        [PART_PATH] = "-_.~$&+,/:;=@",          [PART_USER] = "-_.~$&+,;=", [PART_HOST] = "-_.~!$&'()*+,;=:[]<>\"",
        [PART_ZONE] = "-_.~!$&'()*+,;=:[]<>\"", [PART_QUERY] = "-_.~",      [PART_FRAGMENT] = "-_.~$&+,/:;=?@!()*",
    };
    return is_letter(byte) || is_digit(byte) || is_among(byte, plain[part]);
}

/* What "%xx" at the start of text stands for; -1: it is none. */
static int escaped_byte(struct weft_slice text)
{
    return text.length < 3 || text.bytes[0] != '%' ? -1 : weft_hex_byte(text.bytes + 1);
}

static struct weft_slice from(struct weft_slice text, size_t at)
{
    return weft_slice_of(text.bytes + at, text.length - at);
}

/* ---- decoding ---- */

/* A host has escapes of bytes that are not ASCII only, and a zone of what could stand there as it is. */
static bool may_be_escaped(uint8_t byte, enum part part)
{
    return byte == '%' || (part == PART_HOST ? byte >= 0x80 : part != PART_ZONE || byte == ' ' || is_plain(byte, part));
}

static enum weft_status check_part(struct weft_ottl_run *run, struct weft_slice text, enum part part)
{
    bool is_host = part == PART_HOST || part == PART_ZONE;
    for (size_t at = 0; at < text.length; at++) {
        weft_work_did(1);
        if (text.bytes[at] == '%') {
            int byte = escaped_byte(from(text, at));
            if (byte < 0 || !may_be_escaped((uint8_t)byte, part)) {
                return weft_fail(&run->error, WEFT_INVALID, "an escape that is none, or may not stand there");
            }
            at += 2;
        } else if (is_host && text.bytes[at] < 0x80 && !is_plain(text.bytes[at], part)) {
            return weft_fail(&run->error, WEFT_INVALID, "a character that no host has");
        }
    }
    return WEFT_OK;
}

static enum weft_status decode(struct weft_ottl_run *run, struct weft_slice text, enum part part,
                               struct weft_slice *out_decoded)
{
    enum weft_status status = check_part(run, text, part);
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, text.length + 1) : NULL;
    size_t length = 0;
    if (bytes == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    for (size_t at = 0; at < text.length; at++) {
        weft_work_did(1);
        int escaped = text.bytes[at] == '%' ? escaped_byte(from(text, at)) : -1;
        bool is_space = text.bytes[at] == '+' && part == PART_QUERY;
        bytes[length++] = escaped >= 0 ? (uint8_t)escaped : is_space ? (uint8_t)' ' : text.bytes[at];
        at += escaped >= 0 ? 2 : 0;
    }
    *out_decoded = weft_slice_of(bytes, length);
    return WEFT_OK;
}

enum weft_status weft_ottl_url_decode_query(struct weft_ottl_run *run, struct weft_slice text,
                                            struct weft_slice *out_decoded)
{
    return decode(run, text, PART_QUERY, out_decoded);
}

/* ---- writing ---- */

static void put_encoded(struct weft_buffer *out, struct weft_slice text, enum part part)
{
    enum { ESCAPE_BYTES = 3 };
    uint8_t *to = weft_buffer_reserve(out, text.length * ESCAPE_BYTES);
    if (to == NULL) {
        return;
    }
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        weft_work_did_each(i + 1);
        if (is_plain(byte, part)) {
            *to++ = byte;
        } else {
            *to++ = '%';
            to = weft_hex_put_byte(to, byte, WEFT_HEX_UPPER);
        }
    }
    out->length = (size_t)(to - out->bytes);
}

/* As it came if that is an encoding of it, else encoded anew. */
static void put_as_it_came(struct weft_buffer *out, struct weft_slice raw, struct weft_slice decoded, enum part part)
{
    bool is_encoding = true;
    for (size_t i = 0; i < raw.length && is_encoding; i++) {
        weft_work_did_each(i + 1);
        is_encoding = is_plain(raw.bytes[i], part) || is_among(raw.bytes[i], "!$&'()*+,;=:@[]%");
    }
    if (part == PART_PATH && weft_slice_equal_text(raw, "%2A")) {
        weft_buffer_append_byte(out, '*');
    } else if (is_encoding) {
        weft_buffer_append(out, raw.bytes, raw.length);
    } else {
        put_encoded(out, decoded, part);
    }
}

static enum weft_status keep(struct weft_ottl_run *run, struct weft_slice *out_text)
{
    uint8_t *bytes = weft_buffer_status(&run->text) == WEFT_OK ? weft_ottl_run_take(run, run->text.length + 1) : NULL;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (run->text.length > 0) {
        weft_work_copy(bytes, run->text.bytes, run->text.length);
    }
    *out_text = weft_slice_of(bytes, run->text.length);
    return WEFT_OK;
}

/* ---- parts ---- */

/* What is known of one that is read, beside what it gives. */
struct reader {
    struct weft_ottl_run *run;
    struct weft_ottl_url *url;
    struct weft_slice host, raw_path, opaque, raw_fragment; /* host: with its port */
    bool is_opaque, has_bare_query, has_no_authority;
};

static enum weft_status fail(const struct reader *reader, const char *reason)
{
    return weft_fail(&reader->run->error, WEFT_INVALID, "%s", reason);
}

/* The text before the first such byte; *in_out_text is what is behind it, empty if there is none. */
static struct weft_slice cut(struct weft_slice *in_out_text, char byte)
{
    struct weft_slice text = *in_out_text;
    const uint8_t *found = text.length == 0 ? NULL : memchr(text.bytes, byte, text.length);
    size_t length = found == NULL ? text.length : (size_t)(found - text.bytes);
    *in_out_text = found == NULL ? WEFT_SLICE_EMPTY : from(text, length + 1);
    return weft_slice_of(text.bytes, length);
}

static bool starts_with(struct weft_slice text, const char *start)
{
    size_t length = strlen(start);
    return text.length >= length && memcmp(text.bytes, start, length) == 0;
}

static bool has_byte(struct weft_slice text, char byte)
{
    return text.length > 0 && memchr(text.bytes, byte, text.length) != NULL;
}

static enum weft_status read_scheme(struct reader *reader, struct weft_slice *in_out_rest)
{
    struct weft_slice rest = *in_out_rest;
    size_t length = 0;
    while (length < rest.length &&
           (is_letter(rest.bytes[length]) ||
            (length > 0 && (is_digit(rest.bytes[length]) || is_among(rest.bytes[length], "+-."))))) {
        length++;
    }
    if (length == rest.length || rest.bytes[length] != ':') {
        return WEFT_OK;
    }
    uint8_t *bytes = weft_ottl_run_take(reader->run, length + 1);
    if (length == 0 || bytes == NULL) {
        return length == 0 ? fail(reader, "a URL without a scheme before its colon") : WEFT_NOMEM;
    }
    for (size_t i = 0; i < length; i++) {
        weft_work_did_each(i + 1);
        bytes[i] = is_letter(rest.bytes[i]) ? rest.bytes[i] | 0x20 : rest.bytes[i];
    }
    reader->url->scheme = weft_slice_of(bytes, length);
    *in_out_rest = from(rest, length + 1);
    return WEFT_OK;
}

static bool is_port(struct weft_slice text)
{
    for (size_t i = 1; i < text.length; i++) {
        weft_work_did_each(i + 1);
        if (!is_digit(text.bytes[i])) {
            return false;
        }
    }
    return text.length == 0 || text.bytes[0] == ':';
}

/* Of an address in brackets, its zone included. */
static bool is_address(struct weft_slice text)
{
    char copy[64];
    uint8_t address[16];
    struct weft_slice zone = text;
    bool has_zone = has_byte(text, '%');
    text = cut(&zone, '%');
    if (text.length >= sizeof copy || text.length == 0 || has_byte(text, '\0') || (has_zone && zone.length == 0)) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return inet_pton(AF_INET6, copy, address) == 1;
}

static size_t last_of(struct weft_slice text, char byte)
{
    const uint8_t *found = text.length == 0 ? NULL : memrchr(text.bytes, byte, text.length);
    return found == NULL ? SIZE_MAX : (size_t)(found - text.bytes);
}

static enum weft_status read_address(struct reader *reader, struct weft_slice text)
{
    struct weft_slice name, zone = WEFT_SLICE_EMPTY;
    size_t close = last_of(text, ']');
    if (close == SIZE_MAX || !is_port(from(text, close + 1))) {
        return fail(reader, "an address in brackets is not closed, or is followed by no port");
    }
    name = weft_slice_of(text.bytes + 1, close - 1);
    const uint8_t *percent = name.length == 0 ? NULL : memmem(name.bytes, name.length, "%25", 3);
    if (percent != NULL) {
        zone = from(name, (size_t)(percent - name.bytes));
        name.length = (size_t)(percent - name.bytes);
    }
    enum weft_status status = decode(reader->run, name, PART_HOST, &name);
    if (status == WEFT_OK) {
        status = decode(reader->run, zone, PART_ZONE, &zone);
    }
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_clear(&reader->run->text);
    weft_buffer_append(&reader->run->text, name.bytes, name.length);
    weft_buffer_append(&reader->run->text, zone.bytes, zone.length);
    if (!is_address(weft_buffer_slice(&reader->run->text))) {
        return fail(reader, "no IPv6 address stands in the brackets");
    }
    weft_buffer_clear(&reader->run->text);
    weft_buffer_append_byte(&reader->run->text, '[');
    weft_buffer_append(&reader->run->text, name.bytes, name.length);
    weft_buffer_append(&reader->run->text, zone.bytes, zone.length);
    weft_buffer_append(&reader->run->text, text.bytes + close, text.length - close);
    return keep(reader->run, &reader->host);
}

static enum weft_status read_host(struct reader *reader, struct weft_slice text)
{
    size_t bracket = last_of(text, '[');
    size_t colon = last_of(text, ':');
    if (bracket == 0) {
        return read_address(reader, text);
    }
    if (bracket != SIZE_MAX) {
        return fail(reader, "a bracket within a host");
    }
    if (colon != SIZE_MAX && !is_port(from(text, colon))) {
        return fail(reader, "a port that is no number");
    }
    return decode(reader->run, text, PART_HOST, &reader->host);
}

static enum weft_status read_user(struct reader *reader, struct weft_slice text)
{
    struct weft_ottl_url *url = reader->url;
    for (size_t i = 0; i < text.length; i++) {
        weft_work_did_each(i + 1);
        if (!is_letter(text.bytes[i]) && !is_digit(text.bytes[i]) && !is_among(text.bytes[i], "-._:~!$&'()*+,;=%@")) {
            return fail(reader, "a character that no user has");
        }
    }
    url->has_user = true;
    url->has_password = has_byte(text, ':');
    struct weft_slice password = text;
    struct weft_slice name = cut(&password, ':');
    enum weft_status status = decode(reader->run, name, PART_USER, &url->username);
    if (status == WEFT_OK && url->has_password) {
        status = decode(reader->run, password, PART_USER, &url->password);
    }
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_clear(&reader->run->text);
    put_encoded(&reader->run->text, url->username, PART_USER);
    if (url->has_password) {
        weft_buffer_append_byte(&reader->run->text, ':');
        put_encoded(&reader->run->text, url->password, PART_USER);
    }
    return keep(reader->run, &url->user_info);
}

static enum weft_status read_authority(struct reader *reader, struct weft_slice *in_out_rest)
{
    struct weft_slice rest = from(*in_out_rest, 2);
    struct weft_slice authority = rest;
    const uint8_t *slash = rest.length == 0 ? NULL : memchr(rest.bytes, '/', rest.length);
    authority.length = slash == NULL ? rest.length : (size_t)(slash - rest.bytes);
    *in_out_rest = from(rest, authority.length);
    size_t at = last_of(authority, '@');
    enum weft_status status = read_host(reader, at == SIZE_MAX ? authority : from(authority, at + 1));
    return status == WEFT_OK && at != SIZE_MAX ? read_user(reader, weft_slice_of(authority.bytes, at)) : status;
}

/* The host without its port and brackets. */
static void split_host(struct reader *reader)
{
    struct weft_slice host = reader->host;
    size_t colon = last_of(host, ':');
    if (colon != SIZE_MAX && is_port(from(host, colon))) {
        reader->url->port = from(host, colon + 1);
        host.length = colon;
    }
    if (host.length >= 2 && host.bytes[0] == '[' && host.bytes[host.length - 1] == ']') {
        host = weft_slice_of(host.bytes + 1, host.length - 2);
    }
    reader->url->domain = host;
}

/* Behind the scheme, without the fragment. */
static enum weft_status read_rest(struct reader *reader, struct weft_slice rest)
{
    struct weft_ottl_url *url = reader->url;
    size_t first = last_of(rest, '?');
    struct weft_slice query = rest;
    rest = cut(&query, '?');
    reader->has_bare_query = first == rest.length && query.length == 0;
    url->query = query;
    bool is_rooted = starts_with(rest, "/");
    if (!is_rooted && url->scheme.length > 0) {
        reader->is_opaque = true;
        reader->opaque = rest;
        return WEFT_OK;
    }
    struct weft_slice behind = rest;
    if (!is_rooted && has_byte(cut(&behind, '/'), ':')) {
        return fail(reader, "a colon in the first part of a relative reference");
    }
    enum weft_status status = WEFT_OK;
    if (starts_with(rest, "//") && (url->scheme.length > 0 || !starts_with(rest, "///"))) {
        status = read_authority(reader, &rest);
    } else {
        reader->has_no_authority = url->scheme.length > 0 && is_rooted;
    }
    reader->raw_path = rest;
    split_host(reader);
    return status == WEFT_OK ? decode(reader->run, rest, PART_PATH, &url->path) : status;
}

/* ---- the whole ---- */

static void put_authority(struct reader *reader, struct weft_buffer *out)
{
    const struct weft_ottl_url *url = reader->url;
    bool is_there = reader->host.length > 0 || url->has_user;
    if ((url->scheme.length == 0 && !is_there) || (reader->has_no_authority && !is_there)) {
        return;
    }
    weft_buffer_append_text(out, is_there || url->path.length > 0 ? "//" : "");
    if (url->has_user) {
        weft_buffer_append(out, url->user_info.bytes, url->user_info.length);
        weft_buffer_append_byte(out, '@');
    }
    put_encoded(out, reader->host, PART_HOST);
}

static enum weft_status write_original(struct reader *reader)
{
    struct weft_buffer *out = &reader->run->text;
    struct weft_ottl_url *url = reader->url;
    weft_buffer_clear(out);
    if (url->scheme.length > 0) {
        weft_buffer_append(out, url->scheme.bytes, url->scheme.length);
        weft_buffer_append_byte(out, ':');
    }
    if (reader->is_opaque && reader->opaque.length > 0) {
        weft_buffer_append(out, reader->opaque.bytes, reader->opaque.length);
    } else {
        put_authority(reader, out);
        put_as_it_came(out, reader->raw_path, url->path, PART_PATH);
    }
    if (reader->has_bare_query || url->query.length > 0) {
        weft_buffer_append_byte(out, '?');
        weft_buffer_append(out, url->query.bytes, url->query.length);
    }
    if (url->fragment.length > 0) {
        weft_buffer_append_byte(out, '#');
        put_as_it_came(out, reader->raw_fragment, url->fragment, PART_FRAGMENT);
    }
    return keep(reader->run, &url->original);
}

static bool has_control(struct weft_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        weft_work_did_each(i + 1);
        if (text.bytes[i] < ' ' || text.bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

enum weft_status weft_ottl_url_read(struct weft_ottl_run *run, struct weft_slice text, struct weft_ottl_url *out_url)
{
    struct weft_ottl_url url = { 0 };
    struct reader reader = { .run = run, .url = &url };
    struct weft_slice fragment = text;
    struct weft_slice rest = cut(&fragment, '#');
    enum weft_status status = WEFT_OK;
    reader.raw_fragment = fragment;
    if (has_control(rest)) {
        return fail(&reader, "a control character in a URL");
    }
    if (weft_slice_equal_text(rest, "*")) {
        url.path = reader.raw_path = rest;
    } else {
        status = read_scheme(&reader, &rest);
        status = status == WEFT_OK ? read_rest(&reader, rest) : status;
    }
    if (status == WEFT_OK) {
        status = decode(run, fragment, PART_FRAGMENT, &url.fragment);
    }
    if (status == WEFT_OK) {
        status = write_original(&reader);
    }
    if (status == WEFT_OK) {
        *out_url = url;
    }
    return status;
}
