/* A field table as a Markdown table, for the reference pages (print.h): the same rows that parse, so that the page
 * cannot say what the code does not do. */
#include <stdio.h>
#include <string.h>

#include "config/field_table.h"
#include "config/print.h"

enum { PREFIX_MAX_BYTES = 200, SEEN_MAX = 16, ROWS_SAID_ONCE = 30 };

/* Large tables that were printed, and where: they are not printed again where they stand once more. */
struct seen {
    struct {
        const struct weft_field *fields;
        char prefix[PREFIX_MAX_BYTES];
    } items[SEEN_MAX];
    size_t count;
};

static const char *type_text(const struct weft_field *field)
{
    switch (field->kind) {
    case WEFT_KIND_BOOL:
        return "bool";
    case WEFT_KIND_INT:
        return "int";
    case WEFT_KIND_UINT:
        return "int, 0 or more";
    case WEFT_KIND_DOUBLE:
        return "number";
    case WEFT_KIND_STRING:
        return "string";
    case WEFT_KIND_SECRET:
        return "secret string";
    case WEFT_KIND_DURATION:
        return "duration";
    case WEFT_KIND_BYTE_SIZE:
        return "size in bytes";
    case WEFT_KIND_STRINGS:
        return field->is_secret ? "list of secret strings" : "list of strings";
    case WEFT_KIND_MAP:
        return "map of strings";
    case WEFT_KIND_SECRET_MAP:
        return "map of secret strings";
    case WEFT_KIND_ANY:
        return "any";
    case WEFT_KIND_CHOICE:
        return "one of";
    case WEFT_KIND_BLOCK:
        return "block";
    case WEFT_KIND_OPTIONAL:
        return "block, on when present";
    case WEFT_KIND_LIST:
        return "list of blocks";
    case WEFT_KIND_NO_EFFECT:
        return "no effect";
    case WEFT_KIND_UNSUPPORTED:
        return "not supported yet";
    case WEFT_KIND_INLINE:
    case WEFT_KIND_POSITION:
        break;
    }
    return "";
}

/* A cell: one line, and | would end it. */
static void print_cell(const char *text, struct weft_buffer *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            weft_buffer_append_byte(out, '\\');
        }
        weft_buffer_append_byte(out, *text == '\n' ? ' ' : (uint8_t)*text);
    }
}

static void print_type(const struct weft_field *field, struct weft_buffer *out)
{
    weft_buffer_append_text(out, field->has_no_effect ? "no effect" : type_text(field));
    if (field->kind == WEFT_KIND_CHOICE) {
        for (size_t i = 0; field->words[i] != NULL; i++) {
            weft_buffer_append_text(out, i > 0 ? ", `" : " `");
            weft_buffer_append_text(out, field->words[i][0] != '\0' ? field->words[i] : "\"\"");
            weft_buffer_append_byte(out, '`');
        }
    }
    if (field->maximum > field->minimum) {
        weft_buffer_append_format(out, ", %g to %g", field->minimum, field->maximum);
    } else if (field->minimum != 0) {
        weft_buffer_append_format(out, ", at least %g", field->minimum);
    }
}

static void print_default(const struct weft_field *field, struct weft_buffer *out)
{
    if (field->is_required) {
        weft_buffer_append_text(out, "required");
    } else if (field->default_text != NULL) {
        weft_buffer_append_byte(out, '`');
        print_cell(field->default_text[0] != '\0' ? field->default_text : "\"\"", out);
        weft_buffer_append_byte(out, '`');
    }
}

static size_t count_rows(const struct weft_field *fields)
{
    size_t count = 0;
    for (const struct weft_field *field = fields; field->key != NULL; field++) {
        count += 1 + (field->fields != NULL ? count_rows(field->fields) : 0);
    }
    return count;
}

/* The prefix under which the table was printed before; else NULL, and it is noted. */
static const char *seen_before(struct seen *seen, const struct weft_field *fields, const char *prefix)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->items[i].fields == fields) {
            return seen->items[i].prefix;
        }
    }
    if (seen->count < SEEN_MAX && count_rows(fields) > ROWS_SAID_ONCE) {
        seen->items[seen->count].fields = fields;
        snprintf(seen->items[seen->count++].prefix, PREFIX_MAX_BYTES, "%s", prefix);
    }
    return NULL;
}

static void print_rows(const struct weft_field *fields, const char *prefix, struct seen *seen, struct weft_buffer *out);

static void print_row(const struct weft_field *field, const char *prefix, struct seen *seen, struct weft_buffer *out)
{
    weft_buffer_append_format(out, "| `%s%s` | ", prefix, field->key);
    print_type(field, out);
    weft_buffer_append_text(out, " | ");
    print_default(field, out);
    weft_buffer_append_text(out, " | ");
    print_cell(field->help != NULL ? field->help : "", out);
    weft_buffer_append_text(out, " |\n");
    if (field->fields != NULL) {
        char nested[PREFIX_MAX_BYTES];
        snprintf(nested, sizeof nested, "%s%s%s.", prefix, field->key, field->kind == WEFT_KIND_LIST ? "[]" : "");
        print_rows(field->fields, nested, seen, out);
    }
}

static void print_rows(const struct weft_field *fields, const char *prefix, struct seen *seen, struct weft_buffer *out)
{
    const char *before = seen_before(seen, fields, prefix);
    if (before != NULL) {
        weft_buffer_append_format(out, "| `%s*` |  |  | Keys as in `%s*`. |\n", prefix, before);
        return;
    }
    for (const struct weft_field *field = fields; field->key != NULL; field++) {
        if (field->kind == WEFT_KIND_INLINE) {
            print_rows(field->fields, prefix, seen, out);
        } else if (field->kind != WEFT_KIND_POSITION) {
            print_row(field, prefix, seen, out);
        }
    }
}

void weft_config_print_reference(const struct weft_field *fields, struct weft_buffer *out)
{
    weft_buffer_append_text(out, "| key | type | default | |\n|---|---|---|---|\n");
    struct seen seen = { .count = 0 };
    print_rows(fields, "", &seen, out);
}
