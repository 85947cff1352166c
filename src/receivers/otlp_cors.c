/* Which origins and headers are allowed, and the header lines that tell a browser so (otlp_cors.h). Called by
 * otlp_http.c. What is echoed was checked by the HTTP parser: no control characters. */
#include "receivers/otlp_cors.h"

const struct weft_field weft_otlp_cors_fields[] = {
    WEFT_FIELD(struct weft_otlp_cors_config, allowed_origins, NULL,
               "Pages that may send: exact origins, *, or one * within: https://*.example.com, http://localhost:*."),
    WEFT_FIELD(struct weft_otlp_cors_config, allowed_headers, NULL,
               "Request headers that they may use, * for any; the plain ones are always allowed."),
    WEFT_FIELD(struct weft_otlp_cors_config, exposed_headers, NULL, "Response headers that they may read."),
    WEFT_FIELD(struct weft_otlp_cors_config, max_age, "0",
               "Seconds that a browser may remember a preflight; 0 = its default.", .minimum = 0, .maximum = 31536000),
    WEFT_FIELDS_END,
};

static const char *const plain_headers[] = { "accept", "content-type", "origin", "x-requested-with" };

static uint8_t to_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool equals_ignoring_case(struct weft_slice left, struct weft_slice right)
{
    if (left.length != right.length) {
        return false;
    }
    for (size_t i = 0; i < left.length; i++) {
        if (to_lower(left.bytes[i]) != to_lower(right.bytes[i])) {
            return false;
        }
    }
    return true;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* One label of a host or several, none of them empty. */
static bool are_labels(struct weft_slice text)
{
    bool is_within = false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = to_lower(text.bytes[i]);
        bool is_of_label = (byte >= 'a' && byte <= 'z') || is_digit(byte) || byte == '-' || byte == '_';
        if (!is_of_label && (byte != '.' || !is_within)) {
            return false;
        }
        is_within = is_of_label;
    }
    return is_within;
}

static bool is_port(struct weft_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.bytes[i])) {
            return false;
        }
    }
    return text.length > 0;
}

/* A star stands for labels of the host, or for a port, and for nothing that could end either. */
static bool matches(const char *pattern, struct weft_slice origin)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL) {
        return equals_ignoring_case(origin, weft_slice_of_text(pattern));
    }
    if (strcmp(pattern, "*") == 0) {
        return true;
    }
    struct weft_slice prefix = weft_slice_of(pattern, (size_t)(star - pattern));
    struct weft_slice suffix = weft_slice_of_text(star + 1);
    if (origin.length < prefix.length + suffix.length ||
        !equals_ignoring_case(weft_slice_of(origin.bytes, prefix.length), prefix) ||
        !equals_ignoring_case(weft_slice_of(origin.bytes + origin.length - suffix.length, suffix.length), suffix)) {
        return false;
    }
    struct weft_slice middle =
        weft_slice_of(origin.bytes + prefix.length, origin.length - prefix.length - suffix.length);
    bool is_after_colon = star > pattern && star[-1] == ':';
    return is_after_colon ? is_port(middle) : are_labels(middle);
}

static bool has(const struct weft_config_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++) {
        if (strcmp(strings->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_origin_allowed(const struct weft_otlp_cors_config *config, struct weft_slice origin)
{
    for (size_t i = 0; i < config->allowed_origins.count; i++) {
        if (matches(config->allowed_origins.items[i], origin)) {
            return true;
        }
    }
    return false;
}

static bool is_header_allowed(const struct weft_otlp_cors_config *config, struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(plain_headers); i++) {
        if (equals_ignoring_case(name, weft_slice_of_text(plain_headers[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < config->allowed_headers.count; i++) {
        if (equals_ignoring_case(name, weft_slice_of_text(config->allowed_headers.items[i]))) {
            return true;
        }
    }
    return false;
}

static struct weft_slice trim(struct weft_slice text)
{
    while (text.length > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

static bool are_headers_allowed(const struct weft_otlp_cors_config *config, struct weft_slice names)
{
    if (has(&config->allowed_headers, "*")) {
        return true;
    }
    while (names.length > 0) {
        const uint8_t *comma = memchr(names.bytes, ',', names.length);
        size_t length = comma == NULL ? names.length : (size_t)(comma - names.bytes);
        struct weft_slice name = trim(weft_slice_of(names.bytes, length));
        if (name.length > 0 && !is_header_allowed(config, name)) {
            return false;
        }
        size_t taken = comma == NULL ? length : length + 1;
        names = weft_slice_of(names.bytes + taken, names.length - taken);
    }
    return true;
}

static void append_line(struct weft_buffer *out, const char *name, struct weft_slice value)
{
    weft_buffer_append_text(out, name);
    weft_buffer_append(out, value.bytes, value.length);
    weft_buffer_append_text(out, "\r\n");
}

/* "*" for a server open to all, so that caches may share the answer; browsers then send no credentials. */
static void append_origin(const struct weft_otlp_cors_config *config, struct weft_slice origin, struct weft_buffer *out)
{
    bool is_open = has(&config->allowed_origins, "*");
    append_line(out, "Access-Control-Allow-Origin: ", is_open ? WEFT_SLICE_LITERAL("*") : origin);
    weft_buffer_append_text(out, "Access-Control-Allow-Credentials: true\r\n");
}

bool weft_otlp_cors_write_preflight(const struct weft_otlp_cors_config *config, struct weft_slice origin,
                                    struct weft_slice method, struct weft_slice headers, struct weft_buffer *out)
{
    weft_buffer_append_text(out, "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n");
    if (origin.length == 0 || !is_origin_allowed(config, origin) || !weft_slice_equal_text(method, "POST") ||
        !are_headers_allowed(config, headers)) {
        return false;
    }
    append_origin(config, origin, out);
    weft_buffer_append_text(out, "Access-Control-Allow-Methods: POST\r\n");
    if (headers.length > 0) {
        append_line(out, "Access-Control-Allow-Headers: ", headers);
    }
    if (config->max_age > 0) {
        weft_buffer_append_format(out, "Access-Control-Max-Age: %lld\r\n", (long long)config->max_age);
    }
    return true;
}

bool weft_otlp_cors_write(const struct weft_otlp_cors_config *config, struct weft_slice origin, struct weft_buffer *out)
{
    weft_buffer_append_text(out, "Vary: Origin\r\n");
    if (origin.length == 0) {
        return true;
    }
    if (!is_origin_allowed(config, origin)) {
        return false;
    }
    append_origin(config, origin, out);
    for (size_t i = 0; i < config->exposed_headers.count; i++) {
        weft_buffer_append_text(out, i == 0 ? "Access-Control-Expose-Headers: " : ", ");
        weft_buffer_append_text(out, config->exposed_headers.items[i]);
    }
    weft_buffer_append_text(out, config->exposed_headers.count > 0 ? "\r\n" : "");
    return true;
}

static enum weft_status validate_names(const char *key, const struct weft_config_strings *names,
                                       struct weft_error *error)
{
    for (size_t i = 0; i < names->count; i++) {
        for (const char *at = names->items[i]; *at != '\0'; at++) {
            if (*at <= ' ' || *at >= 0x7f) {
                return weft_fail(error, WEFT_INVALID, "cors::%s: \"%s\" has a character that no header can carry", key,
                                 names->items[i]);
            }
        }
    }
    return WEFT_OK;
}

enum weft_status weft_otlp_cors_validate(const struct weft_otlp_cors_config *config, struct weft_error *error)
{
    for (size_t i = 0; i < config->allowed_origins.count; i++) {
        const char *star = strchr(config->allowed_origins.items[i], '*');
        if (star != NULL && strchr(star + 1, '*') != NULL) {
            return weft_fail(error, WEFT_INVALID, "cors::allowed_origins: \"%s\" has more than one *",
                             config->allowed_origins.items[i]);
        }
    }
    enum weft_status status = validate_names("allowed_origins", &config->allowed_origins, error);
    if (status == WEFT_OK) {
        status = validate_names("allowed_headers", &config->allowed_headers, error);
    }
    return status == WEFT_OK ? validate_names("exposed_headers", &config->exposed_headers, error) : status;
}
