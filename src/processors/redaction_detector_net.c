/* Detectors of addresses: of mail (RFC 5321 without quoted names), passwords in URLs (RFC 3986), IPv4 and IPv6. */
#include "processors/redaction_detector.h"

#include <arpa/inet.h>

/* ---- mail ---- */

static bool is_local(uint8_t byte)
{
    return weft_is_word(byte) || byte == '.' || byte == '+' || byte == '-' || byte == '%' || byte == '\'';
}

static bool is_domain(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '.' || byte == '-' || byte >= 0x80; /* of names in other scripts */
}

/* icon@2x.png: no top-level domains, and often behind an @. */
static bool is_file_name(struct weft_slice text, size_t at)
{
    static const char *const endings[] = { "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "css", "html" };
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (weft_has_text_at(text, at, endings[i]) && !is_domain(weft_byte_at(text, at + strlen(endings[i])))) {
            return true;
        }
    }
    return false;
}

/* The end of the domain that begins there: labels and, behind the last point, two letters or more; 0 if it is none. */
static size_t read_domain(struct weft_slice text, size_t start)
{
    enum { MAX_BYTES = 253, MAX_LABEL = 63 };
    size_t end = weft_skip(text, start, is_domain);
    size_t label = start;
    size_t good_end = 0;
    for (size_t at = start; at <= end && at - start <= MAX_BYTES; at++) {
        if (at < end && text.bytes[at] != '.') {
            continue;
        }
        size_t length = at - label;
        if (length == 0 || length > MAX_LABEL || text.bytes[label] == '-') {
            break;
        }
        size_t letters = weft_skip(text, label, weft_is_letter);
        bool is_punycode = weft_has_text_at(text, label, "xn--");
        if (label > start && letters - label >= 2 && !is_file_name(text, label)) {
            good_end = is_punycode ? at : letters == at || !weft_is_alnum(text.bytes[letters]) ? letters : good_end;
        }
        label = at + 1;
    }
    return good_end;
}

bool weft_detect_email(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    enum { MAX_LOCAL = 64 };
    for (size_t at = from; (at = weft_find_byte(text, at, '@')) < text.length; at++) {
        weft_detector_did_place();
        size_t start = at;
        while (start > from && at - start < MAX_LOCAL && is_local(text.bytes[start - 1])) {
            start--;
        }
        while (start < at && !weft_is_word(text.bytes[start])) {
            start++; /* a name begins with a letter, a digit or _ */
        }
        size_t end = start < at ? read_domain(text, at + 1) : 0;
        if (end > 0) {
            *out_found = (struct weft_found){ start, end };
            return true;
        }
    }
    return false;
}

/* ---- URLs ---- */

static bool is_authority(uint8_t byte)
{
    return byte > ' ' && byte != '/' && byte != '?' && byte != '#' && byte != '"' && byte != '\'' && byte != '<' &&
           byte != '>' && byte != '\\' && byte != '`';
}

/* scheme://user:PASSWORD@host */
bool weft_detect_url_password(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const size_t marker_length = 3;
    size_t before = from > marker_length ? from - marker_length : 0;
    for (size_t at = before; (at = weft_find_text(text, at, "://")) < text.length; at += marker_length) {
        weft_detector_did_place();
        size_t start = at + marker_length;
        size_t end = weft_skip(text, start, is_authority);
        size_t host = end;
        while (host > start && text.bytes[host - 1] != '@') {
            host--;
        }
        size_t colon = weft_find_byte(weft_slice_of(text.bytes, host), start, ':');
        if (colon < host && host - 1 > colon + 1 && colon + 1 >= from) {
            *out_found = (struct weft_found){ colon + 1, host - 1 };
            return true;
        }
    }
    return false;
}

/* ---- IP ---- */

/* The end of the four numbers that begin there; 0 if they are not four. */
static size_t read_ipv4(struct weft_slice text, size_t at)
{
    enum { PARTS = 4, MAX_DIGITS = 3, MAX_PART = 255 };
    for (int part = 0; part < PARTS; part++) {
        size_t start = at;
        unsigned value = 0;
        for (; at - start < MAX_DIGITS && weft_is_digit(weft_byte_at(text, at)); at++) {
            value = value * 10 + text.bytes[at] - '0';
        }
        bool has_zero = at - start > 1 && text.bytes[start] == '0';
        if (at == start || value > MAX_PART || has_zero || (part < PARTS - 1 && weft_byte_at(text, at++) != '.')) {
            return 0;
        }
    }
    bool is_longer = weft_is_word(weft_byte_at(text, at)) ||
                     (weft_byte_at(text, at) == '.' && weft_is_digit(weft_byte_at(text, at + 1)));
    /* Chrome/120.0.0.0 is a version, and no host ends so. */
    bool is_round = at >= 6 && memcmp(text.bytes + at - 6, ".0.0.0", 6) == 0;
    return is_longer || is_round ? 0 : at;
}

/* "version 1.2.3.4", version="1.2.3.4". */
static bool is_version(struct weft_slice text, size_t at)
{
    enum { MAX_BETWEEN = 3, WORD_BYTES = 7 };
    size_t end = at;
    while (end > 0 && at - end < MAX_BETWEEN &&
           (text.bytes[end - 1] == ' ' || text.bytes[end - 1] == '=' || text.bytes[end - 1] == ':' ||
            text.bytes[end - 1] == '"' || text.bytes[end - 1] == '\'')) {
        end--;
    }
    return end < at && end >= WORD_BYTES && weft_has_text_at(text, end - WORD_BYTES, "version");
}

bool weft_detect_ipv4(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; at < text.length; at++) {
        weft_work_did_each(at);
        if (!weft_is_digit(text.bytes[at])) {
            continue;
        }
        weft_detector_did_place();
        uint8_t before = weft_byte_before(text, at);
        size_t end = weft_is_word(before) || before == '.' ? 0 : read_ipv4(text, at);
        if (end > 0 && !is_version(text, at)) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
        at = weft_skip(text, at, weft_is_digit) - 1;
    }
    return false;
}

static bool is_ipv6(uint8_t byte)
{
    return weft_is_hex(byte) || byte == ':' || byte == '.';
}

/* What inet_pton takes, and with a digit in it: Dead::Beef is a name. */
static bool confirm_ipv6(const uint8_t *bytes, size_t length)
{
    enum { MAX_BYTES = 45 };
    char address[MAX_BYTES + 1];
    struct in6_addr parsed;
    bool has_digit = false;
    if (length > MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        address[i] = (char)bytes[i];
        has_digit = has_digit || weft_is_digit(bytes[i]);
    }
    address[length] = 0;
    return has_digit && inet_pton(AF_INET6, address, &parsed) == 1;
}

/* The address between start and end, with nothing of a word around it. */
static bool is_ipv6_between(struct weft_slice text, size_t start, size_t end)
{
    enum { MIN_BYTES = 3 };
    return end >= start + MIN_BYTES && !weft_is_word(weft_byte_before(text, start)) &&
           !weft_is_word(weft_byte_at(text, end)) && confirm_ipv6(text.bytes + start, end - start);
}

/* Behind the first colon: what stands before it may be a name ("peer:2001:db8::1"). */
static size_t skip_name(struct weft_slice text, size_t start, size_t end)
{
    size_t colon = weft_find_byte(weft_slice_of(text.bytes, end), start, ':');
    return colon < end ? colon + 1 : end;
}

bool weft_detect_ipv6(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; (at = weft_find_byte(text, at, ':')) < text.length;) {
        weft_detector_did_place();
        size_t start = at;
        while (start > from && is_ipv6(text.bytes[start - 1])) {
            start--;
        }
        size_t end = weft_skip(text, at, is_ipv6);
        size_t behind = end;
        while (end > start && text.bytes[end - 1] == '.') {
            end--; /* of a sentence */
        }
        bool has_colon = end > at && text.bytes[end - 1] == ':' && !(end - start > 1 && text.bytes[end - 2] == ':');
        end -= has_colon; /* "at 2001:db8::1: refused" */
        start = is_ipv6_between(text, start, end) ? start : skip_name(text, start, end);
        if (is_ipv6_between(text, start, end)) {
            *out_found = (struct weft_found){ start, end };
            return true;
        }
        at = behind;
    }
    return false;
}
