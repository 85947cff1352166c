/* Detectors of secrets that a form or a word beside them tells: JSON web tokens (RFC 7519), private keys (RFC 7468),
 * what follows Bearer and Basic (RFC 6750, RFC 7617), and what is assigned to a password. */
#include "processors/redaction_detector.h"

static bool is_token68(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~' || byte == '+' ||
           byte == '/' || byte == '=';
}

static bool is_base64(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '+' || byte == '/' || byte == '=' || byte == '-' || byte == '_';
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* ---- JSON web tokens ---- */

/* The header is a JSON object that names an algorithm. */
static bool is_header(const uint8_t *text, size_t length)
{
    uint8_t bytes[1024];
    size_t count = weft_detector_base64(text, length, bytes, sizeof bytes);
    return count > 2 && bytes[0] == '{' && memmem(bytes, count, "\"alg\"", 5) != NULL;
}

/* Three parts between points, or five if it is encrypted; the last ones may be empty. */
bool weft_detect_jwt(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    enum { MAX_PARTS = 5, MIN_PARTS = 3 };
    for (size_t at = from; (at = weft_find_text(text, at, "eyJ")) < text.length; at++) {
        weft_detector_did_place();
        if (weft_is_base64url(weft_byte_before(text, at))) {
            continue;
        }
        size_t end = weft_skip(text, at, weft_is_base64url);
        if (weft_byte_at(text, end) != '.' || !is_header(text.bytes + at, end - at)) {
            continue;
        }
        size_t parts = 1;
        while (parts < MAX_PARTS && weft_byte_at(text, end) == '.') {
            size_t next = weft_skip(text, end + 1, weft_is_base64url);
            if (parts == 1 && next == end + 1 && weft_byte_at(text, next) != '.') {
                break;
            }
            end = next;
            parts++;
        }
        if (parts >= MIN_PARTS) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
    }
    return false;
}

/* ---- private keys ---- */

/* Up to its end, or that of the text: what was cut is a secret, too. */
bool weft_detect_pem(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const char begin[] = "-----BEGIN ";
    enum { MAX_LABEL = 40 };
    for (size_t at = from; (at = weft_find_text(text, at, begin)) < text.length; at++) {
        weft_detector_did_place();
        size_t label = at + sizeof begin - 1;
        size_t label_end = weft_find_text(text, label, "-----");
        struct weft_slice name = weft_slice_of(text.bytes + label, label_end - label);
        if (name.length > MAX_LABEL || weft_find_text(name, 0, "PRIVATE KEY") == name.length) {
            continue;
        }
        size_t end_line = weft_find_text(text, label_end, "-----END ");
        size_t dashes = end_line < text.length ? weft_find_text(text, end_line + 9, "-----") : text.length;
        *out_found = (struct weft_found){ at, dashes < text.length ? dashes + 5 : text.length };
        return true;
    }
    return false;
}

/* ---- Bearer and Basic ---- */

/* Where the credentials stand behind a word that stands at or behind *in_out_at; the word in small letters. */
static bool next_credentials(struct weft_slice text, const char *word, size_t *in_out_at, bool (*is_kind)(uint8_t byte),
                             struct weft_found *out_found)
{
    size_t length = strlen(word);
    for (size_t at = *in_out_at; at + length < text.length; at++) {
        weft_work_did_each(at);
        if ((text.bytes[at] | 0x20) != word[0] || !weft_has_text_at(text, at, word) ||
            weft_is_word(weft_byte_before(text, at))) {
            continue;
        }
        weft_detector_did_place();
        size_t start = weft_skip(text, at + length, is_space);
        size_t end = weft_skip(text, start, is_kind);
        if (start > at + length && end > start) {
            *in_out_at = at + length;
            *out_found = (struct weft_found){ start, end };
            return true;
        }
    }
    return false;
}

/* "bearer authentication" is prose: a token has a digit, or it is long and has no dash or point between words. */
static bool is_bearer(const uint8_t *bytes, size_t length)
{
    enum { MIN_BYTES = 8, LONG_BYTES = 20 };
    bool has_digit = false;
    bool has_dash = false;
    for (size_t i = 0; i < length; i++) {
        has_digit = has_digit || weft_is_digit(bytes[i]);
        has_dash = has_dash || bytes[i] == '-' || bytes[i] == '.' || bytes[i] == '/';
    }
    return length >= MIN_BYTES && (has_digit || (length >= LONG_BYTES && !has_dash));
}

bool weft_detect_bearer(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    size_t word = from > 8 ? from - 8 : 0;
    struct weft_found found;
    while (next_credentials(text, "bearer", &word, is_token68, &found)) {
        if (found.start >= from && is_bearer(text.bytes + found.start, found.end - found.start)) {
            *out_found = found;
            return true;
        }
    }
    return false;
}

/* Base64 of a name, a colon and a password. */
static bool is_basic(const uint8_t *text, size_t length)
{
    enum { MIN_BYTES = 8 };
    uint8_t bytes[512];
    size_t count = weft_detector_base64(text, length, bytes, sizeof bytes);
    bool has_colon = false;
    if (length < MIN_BYTES) {
        return false; /* "basic 69460" */
    }
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] < ' ' || bytes[i] == 0x7f) {
            return false;
        }
        has_colon = has_colon || bytes[i] == ':';
    }
    return count >= 3 && has_colon;
}

bool weft_detect_basic_auth(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    size_t word = from > 8 ? from - 8 : 0;
    struct weft_found found;
    while (next_credentials(text, "basic", &word, is_base64, &found)) {
        if (found.start >= from && is_basic(text.bytes + found.start, found.end - found.start)) {
            *out_found = found;
            return true;
        }
    }
    return false;
}

/* ---- password = ... ---- */

static bool is_key(uint8_t byte)
{
    return weft_is_word(byte) || byte == '-' || byte == '.';
}

static bool ends_with(struct weft_slice text, const char *end)
{
    size_t length = strlen(end);
    return text.length >= length && memcmp(text.bytes + text.length - length, end, length) == 0;
}

/* Whether a key that ends there is called a secret, with or without - and _ in it. */
static bool is_secret_key(struct weft_slice text, size_t start, size_t end)
{
    static const char *const names[] = { "password", "passwd",    "pwd",        "passphrase", "secret",    "apikey",
                                         "token",    "accesskey", "privatekey", "secretkey",  "credential" };
    enum { MAX_BYTES = 24 };
    char name[MAX_BYTES];
    size_t length = 0;
    for (size_t at = end; at > start && length < MAX_BYTES; at--) {
        uint8_t byte = text.bytes[at - 1];
        if (weft_is_alnum(byte)) {
            name[MAX_BYTES - ++length] = (char)(weft_is_upper(byte) ? byte | 0x20 : byte);
        }
    }
    struct weft_slice key = weft_slice_of(name + MAX_BYTES - length, length);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ends_with(key, names[i])) {
            return !ends_with(key, "publickeytoken"); /* which .NET writes beside the name of a library */
        }
    }
    return false;
}

/* What the names of secrets end with: most keys are told by it. */
static bool ends_secret_key(uint8_t byte)
{
    uint8_t small = byte | 0x20;
    return small == 'd' || small == 'e' || small == 't' || small == 'n' || small == 'y' || small == 'l' ||
           byte == '-' || byte == '.' || byte == '_';
}

/* The start of the key in front of a separator, behind which there may be quotes and spaces; *out_end is its end.
 * There is none where its end says already that it is no secret's. */
static size_t key_before(struct weft_slice text, size_t separator, size_t *out_end)
{
    enum { MAX_BETWEEN = 4, MAX_KEY = 64 };
    size_t end = separator;
    while (end > 0 && separator - end < MAX_BETWEEN && !is_key(text.bytes[end - 1])) {
        uint8_t byte = text.bytes[end - 1];
        if (byte != ' ' && byte != '"' && byte != '\'' && byte != '\\' && byte != ':') {
            break;
        }
        end--;
    }
    size_t start = end;
    *out_end = end;
    if (end == 0 || !ends_secret_key(text.bytes[end - 1])) {
        return end;
    }
    while (start > 0 && end - start < MAX_KEY && is_key(text.bytes[start - 1])) {
        start--;
    }
    return start;
}

/* Where the value behind a separator begins: at its quote, if it has one. */
static size_t value_start(struct weft_slice text, size_t separator)
{
    size_t at = separator + 1;
    while (at < text.length && (text.bytes[at] == ' ' || text.bytes[at] == '=' || text.bytes[at] == '>')) {
        at++;
    }
    return at + (weft_byte_at(text, at) == '\\');
}

/* The value that begins there: up to the quote that it began with, or to what ends a word. */
static struct weft_found value_at(struct weft_slice text, size_t at)
{
    uint8_t quote = weft_byte_at(text, at);
    bool is_quoted = quote == '"' || quote == '\'';
    size_t start = at + is_quoted;
    size_t end = start;
    for (; end < text.length; end++) {
        uint8_t byte = text.bytes[end];
        weft_work_did_each(end);
        bool is_end = is_quoted ? byte == quote
                                : byte <= ' ' || byte == ',' || byte == ';' || byte == '&' || byte == '"' ||
                                      byte == '\'' || byte == ')' || byte == '}' || byte == ']' || byte == '<';
        if (is_end) {
            break;
        }
    }
    end -=
        is_quoted && end > start && end < text.length && text.bytes[end - 1] == '\\'; /* \"...\" in JSON in a string */
    return (struct weft_found){ start, end };
}

/* What stands there where no secret does. */
static bool is_no_secret(struct weft_slice value)
{
    static const char *const words[] = { "null", "none",    "nil",      "true",    "false", "undefined",
                                         "is",   "missing", "required", "invalid", "empty", "expired" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (value.length == strlen(words[i]) && weft_has_text_at(value, 0, words[i])) {
            return true;
        }
    }
    size_t stars = 0;
    while (stars < value.length && value.bytes[stars] == '*') {
        stars++;
    }
    return stars == value.length;
}

/* "the password: word and so on": a word of small letters behind a colon in the middle of a sentence. */
static bool is_prose(struct weft_slice text, size_t key, size_t separator, const struct weft_found *value)
{
    if (text.bytes[separator] != ':' || value->start != separator + 2 || text.bytes[separator + 1] != ' ' || key < 2 ||
        text.bytes[key - 1] != ' ' || !(weft_is_alnum(text.bytes[key - 2]) || text.bytes[key - 2] >= 0x80)) {
        return false;
    }
    size_t at = value->start;
    while (at < value->end && text.bytes[at] >= 'a' && text.bytes[at] <= 'z') {
        at++;
    }
    size_t rest = value->end - at;
    return rest == 0 || (rest == 1 && (text.bytes[at] == '.' || text.bytes[at] == ':'));
}

bool weft_detect_password_kv(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    enum { MIN_BYTES = 3 };
    for (size_t at = from > 4 ? from - 4 : 0; (at = weft_find_either(text, at, '=', ':')) < text.length; at++) {
        weft_detector_did_place();
        size_t key_end;
        size_t key = key_before(text, at, &key_end);
        if (key == key_end || !is_secret_key(text, key, key_end)) {
            continue;
        }
        /* of what is none by its beginning the end is not sought: it may hold many more such keys */
        size_t start = value_start(text, at);
        uint8_t quote = weft_byte_at(text, start);
        size_t inner = start + (quote == '"' || quote == '\'');
        if (inner < from || weft_has_text_at(text, inner, "//")) {
            continue;
        }
        struct weft_found found = value_at(text, start);
        struct weft_slice value = weft_slice_of(text.bytes + found.start, found.end - found.start);
        if (value.length >= MIN_BYTES && !is_no_secret(value) && !is_prose(text, key, at, &found)) {
            *out_found = found;
            return true;
        }
    }
    return false;
}
