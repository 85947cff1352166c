/* The lines of an HTTP/1 request head, each checked and read once it is complete. Called by parser.c, which finds
 * the lines and keeps their limits. What is accepted here is the grammar of RFC 9110 and 9112 without its leniencies.
 */
#include "base/hex.h"
#include "net/http1/parser.h"

static int refuse(int code, const char *reason, const char **out_reason)
{
    *out_reason = reason;
    return code;
}

static bool is_alphanumeric(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* tchar, RFC 9110 5.6.2 */
static bool is_token_byte(uint8_t byte)
{
    return is_alphanumeric(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_token(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_token_byte(bytes[i])) {
            return false;
        }
    }
    return length > 0;
}

static uint8_t to_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* text is lower case. */
static bool equals_ignoring_case(const uint8_t *bytes, size_t length, const char *text)
{
    if (length != strlen(text)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (to_lower(bytes[i]) != (uint8_t)text[i]) {
            return false;
        }
    }
    return true;
}

static bool begins_ignoring_case(const uint8_t *bytes, size_t length, const char *text)
{
    size_t text_length = strlen(text);
    return length >= text_length && equals_ignoring_case(bytes, text_length, text);
}

/* Only unreserved characters are decoded (RFC 3986 2.3): they alone mean the same both ways. False: a bad escape. */
static bool decode_path(uint8_t *bytes, uint32_t *length)
{
    uint32_t to = 0;
    for (uint32_t from = 0; from < *length; from++) {
        uint8_t byte = bytes[from];
        if (byte == '%') {
            int decoded = from + 2 < *length ? weft_hex_byte(bytes + from + 1) : -1;
            if (decoded < 0) {
                return false;
            }
            if (is_alphanumeric((uint8_t)decoded) || (decoded != 0 && strchr("-._~", decoded) != NULL)) {
                byte = (uint8_t)decoded;
                from += 2;
            }
        }
        bytes[to++] = byte;
    }
    *length = to;
    return true;
}

/* The authority of an absolute target is ignored: weft serves one site. Returns the length of what comes before the
 * path. */
static size_t skip_authority(const uint8_t *target, size_t length)
{
    size_t at = begins_ignoring_case(target, length, "http://")    ? 7
                : begins_ignoring_case(target, length, "https://") ? 8
                                                                   : 0;
    if (at == 0) {
        return 0;
    }
    size_t authority_start = at;
    while (at < length && target[at] != '/' && target[at] != '?') {
        at++;
    }
    return at == authority_start ? 0 : at;
}

static int read_target(struct weft_http1_head *head, struct weft_http1_span target, const char **out_reason)
{
    uint8_t *bytes = head->bytes.bytes + target.start;
    for (uint32_t i = 0; i < target.length; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f || bytes[i] == '#') {
            return refuse(400, "a character in the request target", out_reason);
        }
    }
    bool is_options = head->method.length == 7 && memcmp(head->bytes.bytes + head->method.start, "OPTIONS", 7) == 0;
    if (is_options && target.length == 1 && bytes[0] == '*') {
        head->path = target;
        return 0;
    }
    uint32_t skipped = (uint32_t)skip_authority(bytes, target.length);
    target.start += skipped;
    target.length -= skipped;
    bytes += skipped;
    const uint8_t *mark = target.length > 0 ? memchr(bytes, '?', target.length) : NULL;
    uint32_t path_length = mark != NULL ? (uint32_t)(mark - bytes) : target.length;
    if (mark != NULL) {
        head->query = (struct weft_http1_span){ target.start + path_length + 1, target.length - path_length - 1 };
    }
    if (path_length == 0 && skipped > 0) {
        /* "http://host" means "/" and the byte before is the authority's: it becomes the path. */
        head->bytes.bytes[target.start - 1] = '/';
        head->path = (struct weft_http1_span){ target.start - 1, 1 };
        return 0;
    }
    if (path_length == 0 || bytes[0] != '/') {
        return refuse(400, "the request target is not a path", out_reason);
    }
    if (!decode_path(bytes, &path_length)) {
        return refuse(400, "a percent escape in the path", out_reason);
    }
    head->path = (struct weft_http1_span){ target.start, path_length };
    return 0;
}

static int read_version(struct weft_http1_head *head, const uint8_t *text, size_t length, const char **out_reason)
{
    if (length != 8 || memcmp(text, "HTTP/", 5) != 0 || text[5] < '0' || text[5] > '9' || text[6] != '.' ||
        text[7] < '0' || text[7] > '9') {
        return refuse(400, "the request line has no HTTP version", out_reason);
    }
    if (text[5] != '1' || text[7] > '1') {
        return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here", out_reason);
    }
    head->minor_version = (uint8_t)(text[7] - '0');
    return 0;
}

int weft_http1_head_request_line(struct weft_http1_head *head, struct weft_http1_span line, const char **out_reason)
{
    const uint8_t *text = head->bytes.bytes + line.start;
    const uint8_t *first = line.length > 0 ? memchr(text, ' ', line.length) : NULL;
    const uint8_t *last = line.length > 0 ? memrchr(text, ' ', line.length) : NULL;
    if (first == NULL || first == last) {
        return refuse(400, "the request line is not method, target and version", out_reason);
    }
    if (!is_token(text, (size_t)(first - text))) {
        return refuse(400, "a character in the method", out_reason);
    }
    head->method = (struct weft_http1_span){ line.start, (uint32_t)(first - text) };
    /* The version first: another one may have another idea of a target. */
    int code = read_version(head, last + 1, (size_t)(text + line.length - last - 1), out_reason);
    if (code != 0) {
        return code;
    }
    struct weft_http1_span target = { line.start + head->method.length + 1, (uint32_t)(last - first - 1) };
    return read_target(head, target, out_reason);
}

static int read_content_length(struct weft_http1_head *head, const uint8_t *value, size_t length,
                               const char **out_reason)
{
    if (head->has_length) {
        return refuse(400, "more than one Content-Length", out_reason);
    }
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return refuse(400, "Content-Length is not a number", out_reason);
        }
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    if (length == 0 || length > 18) {
        return refuse(400, "Content-Length is not a sensible number", out_reason);
    }
    head->has_length = true;
    head->content_length = number;
    return 0;
}

static int read_transfer_encoding(struct weft_http1_head *head, const uint8_t *value, size_t length,
                                  const char **out_reason)
{
    if (head->has_coding) {
        return refuse(400, "more than one Transfer-Encoding", out_reason);
    }
    if (!equals_ignoring_case(value, length, "chunked")) {
        return refuse(501, "a transfer coding other than chunked", out_reason);
    }
    head->has_coding = true;
    head->is_chunked = true;
    return 0;
}

static int read_host(struct weft_http1_head *head, const uint8_t *value, size_t length, const char **out_reason)
{
    if (head->has_host) {
        return refuse(400, "more than one Host", out_reason);
    }
    for (size_t i = 0; i < length; i++) {
        if (value[i] <= ' ' || value[i] >= 0x7f || strchr("/?#@,\\\"<>", value[i]) != NULL) {
            return refuse(400, "a character in Host", out_reason);
        }
    }
    head->has_host = true;
    return 0;
}

static int read_connection(struct weft_http1_head *head, const uint8_t *value, size_t length, const char **out_reason)
{
    (void)out_reason;
    size_t at = 0;
    while (at < length) {
        const uint8_t *comma = memchr(value + at, ',', length - at);
        size_t end = comma != NULL ? (size_t)(comma - value) : length;
        size_t start = at, stop = end;
        while (start < stop && (value[start] == ' ' || value[start] == '\t')) {
            start++;
        }
        while (stop > start && (value[stop - 1] == ' ' || value[stop - 1] == '\t')) {
            stop--;
        }
        head->wants_close = head->wants_close || equals_ignoring_case(value + start, stop - start, "close");
        head->wants_keep_alive =
            head->wants_keep_alive || equals_ignoring_case(value + start, stop - start, "keep-alive");
        at = end + 1;
    }
    return 0;
}

static int read_expect(struct weft_http1_head *head, const uint8_t *value, size_t length, const char **out_reason)
{
    if (!equals_ignoring_case(value, length, "100-continue")) {
        return refuse(417, "an expectation other than 100-continue", out_reason);
    }
    head->expects_continue = true;
    return 0;
}

/* The fields that frame the message. */
static const struct {
    const char *name;
    int (*read)(struct weft_http1_head *head, const uint8_t *value, size_t length, const char **out_reason);
} framing_fields[] = {
    { "content-length", read_content_length },
    { "transfer-encoding", read_transfer_encoding },
    { "host", read_host },
    { "connection", read_connection },
    { "expect", read_expect },
};

static bool is_field_value(const uint8_t *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

int weft_http1_head_field(struct weft_http1_head *head, struct weft_http1_span line, bool is_trailer,
                          uint32_t max_fields, const char **out_reason)
{
    uint8_t *text = head->bytes.bytes + line.start;
    if (text[0] == ' ' || text[0] == '\t') {
        return refuse(400, "a folded header line", out_reason);
    }
    const uint8_t *colon = memchr(text, ':', line.length);
    uint32_t name_length = colon != NULL ? (uint32_t)(colon - text) : 0;
    if (!is_token(text, name_length)) {
        return refuse(400, "a header name", out_reason);
    }
    uint32_t start = name_length + 1, stop = line.length;
    if (!is_field_value(text + start, stop - start)) {
        return refuse(400, "a control character in a header", out_reason);
    }
    if (is_trailer) {
        return 0;
    }
    if (head->field_count == max_fields) {
        return refuse(431, "too many headers", out_reason);
    }
    while (start < stop && (text[start] == ' ' || text[start] == '\t')) {
        start++;
    }
    while (stop > start && (text[stop - 1] == ' ' || text[stop - 1] == '\t')) {
        stop--;
    }
    for (uint32_t i = 0; i < name_length; i++) {
        text[i] = to_lower(text[i]);
    }
    head->fields[head->field_count].name = (struct weft_http1_span){ line.start, name_length };
    head->fields[head->field_count].value = (struct weft_http1_span){ line.start + start, stop - start };
    head->field_count++;
    for (size_t i = 0; i < WEFT_COUNT_OF(framing_fields); i++) {
        if (equals_ignoring_case(text, name_length, framing_fields[i].name)) {
            return framing_fields[i].read(head, text + start, stop - start, out_reason);
        }
    }
    return 0;
}

int weft_http1_head_finish(struct weft_http1_head *head, const char **out_reason)
{
    if (head->has_length && head->has_coding) {
        return refuse(400, "both Content-Length and Transfer-Encoding", out_reason);
    }
    if (head->is_chunked && head->minor_version == 0) {
        return refuse(400, "Transfer-Encoding in HTTP/1.0", out_reason);
    }
    if (!head->has_host && head->minor_version == 1) {
        return refuse(400, "no Host", out_reason);
    }
    bool has_body = head->is_chunked || head->content_length > 0;
    head->expects_continue = head->expects_continue && has_body && head->minor_version == 1;
    return 0;
}
