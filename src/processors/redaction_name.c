/* Names of spans (redaction_value.h): sanitized by what the span is, a request over HTTP or a query, when its
 * attributes are as they leave. The Collector does so where it leaves names alone otherwise. */
#include "processors/redaction_value.h"
#include "wire/checked.h"

enum {
    NAME_FIELD = 5, /* of Span */
    KIND_FIELD = 6,
    ATTRIBUTES_FIELD = 9,
    KIND_INTERNAL = 1,
    KIND_SERVER = 2,
    KIND_CLIENT = 3,
};

static const char *const http_keys[] = {
    "http.route",
    "http.request.method",
    "http.request.method_original",
    "http.response.status_code",
    "url.full",
    "http.scheme",
    "http.target",
    "http.method",
    "http.url",
};

static bool is_http(struct weft_slice span, struct weft_slice name)
{
    struct weft_slice key_value;
    bool is_found = name.length > 0 && memchr(name.bytes, '/', name.length) != NULL;
    for (size_t i = 0; i < WEFT_COUNT_OF(http_keys) && !is_found; i++) {
        is_found = weft_otlp_attribute_find(span, ATTRIBUTES_FIELD, weft_slice_of_text(http_keys[i]), &key_value);
    }
    return is_found;
}

/* Of nothing but * and /: it would say less than the name. */
static bool is_all_hidden(struct weft_slice name)
{
    bool has_mark = false;
    for (size_t i = 0; i < name.length; i++) {
        bool is_alone = (i == 0 || name.bytes[i - 1] == '/') && (i + 1 == name.length || name.bytes[i + 1] == '/');
        if (name.bytes[i] != '/' && (name.bytes[i] != '*' || !is_alone)) {
            return false;
        }
        has_mark = has_mark || name.bytes[i] == '*';
    }
    return has_mark;
}

static bool is_name(struct weft_slice sanitized)
{
    return sanitized.length > 0 && !weft_slice_equal_text(sanitized, "...");
}

static bool sanitize_by(struct weft_redactor *redactor, struct weft_sanitizing sanitizing, struct weft_slice name,
                        struct weft_slice *out_name)
{
    weft_buffer_clear(&redactor->found_by);
    return weft_redaction_sanitize(&redactor->matcher, sanitizing, name, out_name);
}

/* The new name of a span, if it has one; borrowed until the next text. */
static bool find_name(struct weft_redactor *redactor, struct weft_slice span, struct weft_slice name, uint64_t kind,
                      struct weft_slice *out_name)
{
    const struct weft_redaction_sanitizers *sanitizers = &redactor->matcher.rules->sanitizers;
    const weft_sanitizer_set url = 1u << WEFT_SANITIZE_URL;
    struct weft_sanitizing sanitizing = { .set = sanitizers->of_names & url };
    if (sanitizing.set != 0 && (kind == KIND_SERVER || kind == KIND_CLIENT) && is_http(span, name) &&
        sanitize_by(redactor, sanitizing, name, out_name) && !is_all_hidden(*out_name)) {
        return is_name(*out_name);
    }
    struct weft_redaction_system system = weft_redaction_system_of(sanitizers, span, ATTRIBUTES_FIELD);
    sanitizing = (struct weft_sanitizing){ system.known_by & sanitizers->of_names & ~url, system.is_mysql };
    return sanitizing.set != 0 && kind >= KIND_INTERNAL && kind <= KIND_CLIENT &&
           sanitize_by(redactor, sanitizing, name, out_name) && is_name(*out_name);
}

/* The span with that name in the place of its last one, which counts; those before would leave in its bytes, too. */
static void put_name(struct weft_redactor *redactor, struct weft_slice span, const struct weft_wire_field *last,
                     struct weft_slice name)
{
    struct weft_rewriting rewriting = weft_rewriting_of(span);
    struct weft_wire_reader reader = weft_wire_reader_of(span);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        size_t at = redactor->out.length;
        if (field.whole.bytes == last->whole.bytes) {
            weft_buffer_append(&redactor->out, name.bytes, name.length);
            weft_rewrite_replace(&redactor->out, &rewriting, &field, NAME_FIELD, at);
        } else if (field.number == NAME_FIELD && field.type == WEFT_WIRE_BYTES) {
            weft_rewrite_drop(&redactor->out, &rewriting, &field);
        }
    }
    weft_rewrite_finish(&redactor->out, &rewriting, span);
}

bool weft_redactor_sanitize_name(struct weft_redactor *redactor, struct weft_slice span)
{
    struct weft_wire_reader reader = weft_wire_reader_of(span);
    struct weft_wire_field field;
    struct weft_wire_field name = { .number = 0 };
    uint64_t kind = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == NAME_FIELD && field.type == WEFT_WIRE_BYTES) {
            name = field;
        } else if (field.number == KIND_FIELD && field.type == WEFT_WIRE_VARINT) {
            kind = field.number_value;
        }
    }
    struct weft_slice sanitized;
    if (name.number == 0 || weft_redaction_allows(&redactor->matcher, name.bytes) ||
        !find_name(redactor, span, name.bytes, kind, &sanitized)) {
        return false;
    }
    put_name(redactor, span, &name, sanitized);
    size_t path = weft_redactor_enter_key(redactor, WEFT_SLICE_LITERAL("name"));
    weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
    weft_redactor_leave(redactor, path);
    return true;
}
