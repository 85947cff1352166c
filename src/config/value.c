/* Scalar fields: YAML value -> C value (value.h). Accepts what the Collector's decoder accepts (a whole double for an
 * int; a cut double with a note), and for a string a string, or any scalar out of ${...} by its original text. Texts of
 * secrets never get into an error. */
#include "config/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "config/byte_size.h"
#include "config/duration.h"
#include "config/unknown_key.h"

/* What of a value a message may show: one line, not long, whole characters. */
static int shown_length(const char *text)
{
    int length = 0;
    while (length < 60 && (unsigned char)text[length] >= 0x20) {
        length++;
    }
    while (length > 0 && text[length] != '\0' && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

static enum weft_status fail_kind(const struct weft_config_reader *reader, const struct weft_node *node,
                                  const char *wanted)
{
    const char *text = weft_node_text(node);
    if (text == NULL || weft_node_kind(node) == WEFT_NODE_LIST || weft_node_kind(node) == WEFT_NODE_MAP) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants %s, not %s", wanted, weft_node_kind_text(node));
    }
    if (weft_node_origin(node) != NULL) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "what %.60s gives is %s, not %s",
                              weft_node_origin(node), weft_node_kind_text(node), wanted);
    }
    bool is_string = weft_node_kind(node) == WEFT_NODE_STRING;
    return weft_node_fail(reader->error, WEFT_INVALID, node, "%s%.*s%s is not %s", is_string ? "\"" : "",
                          shown_length(text), text, is_string ? "\"" : "", wanted);
}

static bool is_expanded_null(const struct weft_node *node)
{
    return weft_node_kind(node) == WEFT_NODE_NULL && weft_node_is_expanded(node);
}

/* Null out of ${...} is zero. */
static bool take_expanded_null(const struct weft_node *node)
{
    if (is_expanded_null(node)) {
        weft_node_mark_read(node, WEFT_NODE_INT);
    }
    return is_expanded_null(node);
}

enum weft_status weft_value_read_bool(const struct weft_config_reader *reader, const struct weft_node *node,
                                      bool *out_value)
{
    if (weft_node_kind(node) != WEFT_NODE_BOOL && !is_expanded_null(node)) {
        return fail_kind(reader, node, "a bool (true or false, without quotes)");
    }
    weft_node_mark_read(node, WEFT_NODE_BOOL);
    *out_value = weft_node_kind(node) == WEFT_NODE_BOOL && weft_node_bool(node);
    return WEFT_OK;
}

/* The Collector cuts 1.5 to 1 without a word; weft says so. */
static enum weft_status cut_double(const struct weft_config_reader *reader, const struct weft_node *node, double lowest,
                                   double beyond, double *out_whole)
{
    double value = weft_node_double(node);
    double whole = trunc(value);
    if (!(whole >= lowest && whole < beyond)) {
        return fail_kind(reader, node, "a whole number in range");
    }
    *out_whole = whole;
    if (whole == value) {
        return WEFT_OK;
    }
    char path[160];
    weft_node_format_path(node, path, sizeof path);
    struct weft_position position = weft_node_position(node);
    enum weft_status status =
        weft_config_notes_add(reader->notes, WEFT_NOTE_WARNING, "%s:%u: %s: %g is cut to the whole number %.0f",
                              position.file, position.line, path, value, whole);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->error, status, "out of memory");
}

enum weft_status weft_value_read_int(const struct weft_config_reader *reader, const struct weft_node *node,
                                     int64_t *out_value)
{
    if (take_expanded_null(node)) {
        *out_value = 0;
        return WEFT_OK;
    }
    if (weft_node_kind(node) == WEFT_NODE_DOUBLE) {
        double whole = 0;
        enum weft_status status = cut_double(reader, node, -0x1p63, 0x1p63, &whole);
        if (status == WEFT_OK) {
            *out_value = (int64_t)whole;
        }
        return status;
    }
    if (weft_node_kind(node) != WEFT_NODE_INT || !weft_node_get_int(node, out_value)) {
        return fail_kind(reader, node, "a whole number");
    }
    return WEFT_OK;
}

enum weft_status weft_value_read_uint(const struct weft_config_reader *reader, const struct weft_node *node,
                                      uint64_t *out_value)
{
    if (take_expanded_null(node)) {
        *out_value = 0;
        return WEFT_OK;
    }
    if (weft_node_kind(node) == WEFT_NODE_DOUBLE) {
        double whole = 0;
        enum weft_status status = cut_double(reader, node, 0, 0x1p64, &whole);
        if (status == WEFT_OK) {
            *out_value = (uint64_t)whole;
        }
        return status;
    }
    if (weft_node_kind(node) != WEFT_NODE_INT || !weft_node_get_uint(node, out_value)) {
        return fail_kind(reader, node, "a whole number, 0 or more");
    }
    return WEFT_OK;
}

enum weft_status weft_value_read_double(const struct weft_config_reader *reader, const struct weft_node *node,
                                        double *out_value)
{
    if (take_expanded_null(node)) {
        *out_value = 0;
        return WEFT_OK;
    }
    if (weft_node_kind(node) != WEFT_NODE_INT && weft_node_kind(node) != WEFT_NODE_DOUBLE) {
        return fail_kind(reader, node, "a number");
    }
    *out_value = weft_node_double(node);
    return WEFT_OK;
}

/* Nobody means five nanoseconds; who writes them as a number means long ones. */
static enum weft_status warn_of_no_unit(const struct weft_config_reader *reader, const struct weft_node *node,
                                        int64_t ns)
{
    if (ns <= 0 || ns >= WEFT_NS_PER_MS) {
        return WEFT_OK;
    }
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, node,
                   "a number without a unit counts nanoseconds, as in the Collector: %" PRId64 " ns; is %" PRId64
                   "s meant?",
                   ns, ns);
    enum weft_status status = weft_config_notes_add(reader->notes, WEFT_NOTE_WARNING, "%s", line.text);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->error, status, "out of memory");
}

enum weft_status weft_value_read_duration(const struct weft_config_reader *reader, const struct weft_node *node,
                                          struct weft_duration *out_value)
{
    enum weft_node_kind kind = weft_node_kind(node);
    if (kind == WEFT_NODE_INT || kind == WEFT_NODE_DOUBLE || is_expanded_null(node)) {
        enum weft_status status = weft_value_read_int(reader, node, &out_value->ns);
        return status == WEFT_OK ? warn_of_no_unit(reader, node, out_value->ns) : status;
    }
    if (kind != WEFT_NODE_STRING || !weft_duration_parse(weft_node_text(node), &out_value->ns)) {
        return fail_kind(reader, node, "a duration (like 300ms, 5s or 1m30s)");
    }
    return WEFT_OK;
}

enum weft_status weft_value_read_bytes(const struct weft_config_reader *reader, const struct weft_node *node,
                                       uint64_t *out_bytes)
{
    if (weft_node_kind(node) != WEFT_NODE_STRING) {
        return weft_value_read_uint(reader, node, out_bytes);
    }
    return weft_byte_size_parse(weft_node_text(node), out_bytes)
               ? WEFT_OK
               : fail_kind(reader, node, "a size in bytes (like 1048576, 1MiB or 100KB)");
}

static bool is_collection(const struct weft_node *node)
{
    return weft_node_kind(node) == WEFT_NODE_LIST || weft_node_kind(node) == WEFT_NODE_MAP;
}

enum weft_status weft_value_read_choice(const struct weft_config_reader *reader, const struct weft_node *node,
                                        const struct weft_field *field, struct weft_choice *out_value)
{
    const char *const *words = field->words;
    const char *text = weft_node_text(node);
    char list[200] = "";
    size_t used = 0;
    for (int i = 0; words[i] != NULL; i++) {
        if (text != NULL && (field->ignores_case ? strcasecmp(text, words[i]) : strcmp(text, words[i])) == 0) {
            weft_node_mark_read(node, WEFT_NODE_STRING);
            out_value->value = i;
            return WEFT_OK;
        }
        int length = snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                              words[i][0] != '\0' ? words[i] : "\"\"");
        used += length > 0 && (size_t)length < sizeof list - used ? (size_t)length : 0;
    }
    if (text == NULL || is_collection(node)) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants one of %s, not %s", list,
                              weft_node_kind_text(node));
    }
    return weft_node_fail(reader->error, WEFT_INVALID, node, "\"%.*s\" is not one of %s", shown_length(text), text,
                          list);
}

/* What it would be is not shown of a secret; the value is the writer's to quote. */
static enum weft_status fail_unquoted(const struct weft_config_reader *reader, const struct weft_node *node)
{
    const char *text = weft_node_text(node);
    if (weft_node_is_secret(node)) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a string, not %s; put quotes around it",
                              weft_node_kind_text(node));
    }
    return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a string, not %s; write \"%.*s\"",
                          weft_node_kind_text(node), shown_length(text), text);
}

enum weft_status weft_value_read_string(const struct weft_config_reader *reader, const struct weft_node *node,
                                        char **out_text)
{
    enum weft_node_kind kind = weft_node_kind(node);
    bool is_literal = kind == WEFT_NODE_BOOL || kind == WEFT_NODE_INT || kind == WEFT_NODE_DOUBLE;
    if (is_literal && !weft_node_is_expanded(node)) {
        return fail_unquoted(reader, node);
    }
    return weft_value_read_text(reader, node, out_text);
}

enum weft_status weft_value_read_text(const struct weft_config_reader *reader, const struct weft_node *node,
                                      char **out_text)
{
    bool is_plain_null = weft_node_kind(node) == WEFT_NODE_NULL && !weft_node_is_expanded(node);
    const char *text = is_plain_null ? "" : weft_node_text(node);
    if (text == NULL) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a string, not %s", weft_node_kind_text(node));
    }
    size_t size_bytes = strlen(text) + 1;
    char *copy = weft_try_alloc_raw(size_bytes);
    if (copy == NULL) {
        return weft_fail(reader->error, WEFT_NOMEM, "out of memory");
    }
    if (!is_plain_null) {
        weft_node_mark_read(node, WEFT_NODE_STRING);
    }
    *out_text = memcpy(copy, text, size_bytes);
    return WEFT_OK;
}

enum weft_status weft_value_check_range(const struct weft_config_reader *reader, const struct weft_field *field,
                                        const struct weft_node *node, double value)
{
    if (field->minimum == 0 && field->maximum == 0) {
        return WEFT_OK;
    }
    const char *unit = field->kind == WEFT_KIND_DURATION ? " s" : "";
    if (value >= field->minimum && (field->maximum <= field->minimum || value <= field->maximum)) {
        return WEFT_OK;
    }
    if (field->maximum <= field->minimum) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "must be %g%s or more", field->minimum, unit);
    }
    return weft_node_fail(reader->error, WEFT_INVALID, node, "must be between %g and %g%s", field->minimum,
                          field->maximum, unit);
}
