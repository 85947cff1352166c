/* Expanding Grok (text_grok.h) to one regular expression, in which each field is a named group. A dot in the name of a
 * field is three underscores there, as in the library that the Collector has. */
#include "ottl/text_grok.h"

#include "base/alloc.h"

static const struct {
    const char *name, *pattern;
} known[] = {
    { "WORD", "\\b\\w+\\b" },
    { "NOTSPACE", "\\S+" },
    { "SPACE", "\\s*" },
    { "DATA", ".*?" },
    { "GREEDYDATA", ".*" },
    { "BOOL", "true|false" },
    { "INT", "(?:[+-]?[0-9]+)" },
    { "POSINT", "\\b[1-9][0-9]*\\b" },
    { "NONNEGINT", "\\b[0-9]+\\b" },
    { "BASE10NUM", "(?:[+-]?[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+)" },
    { "NUMBER", "(?:%{BASE10NUM})" },
    { "USERNAME", "[a-zA-Z0-9._-]+" },
    { "USER", "%{USERNAME}" },
    { "UUID", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}" },
};

struct hint {
    struct weft_slice field;
    enum weft_ottl_grok_type type;
};

struct expansion {
    const struct weft_ottl_grok_options *options;
    struct weft_buffer out;
    struct weft_buffer hints; /* of struct hint */
    struct weft_error *error;
};

struct reference {
    struct weft_slice name, field, type;
    size_t length; /* with its braces */
};

/* ---- references ---- */

static bool is_word(uint8_t byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

static struct weft_slice take_word(struct weft_slice text, size_t *in_out_at, const char *others)
{
    size_t start = *in_out_at;
    while (*in_out_at < text.length &&
           (is_word(text.bytes[*in_out_at]) ||
            (text.bytes[*in_out_at] != 0 && strchr(others, text.bytes[*in_out_at]) != NULL))) {
        ++*in_out_at;
    }
    return weft_slice_of(text.bytes + start, *in_out_at - start);
}

static bool is_at(struct weft_slice text, size_t at, char byte)
{
    return at < text.length && text.bytes[at] == (uint8_t)byte;
}

/* text begins with "%{". False: what is in the braces is no reference. */
static bool read_reference(struct weft_slice text, struct reference *out_reference)
{
    size_t at = 2;
    *out_reference = (struct reference){ .name = take_word(text, &at, "") };
    bool is_good = out_reference->name.length > 0;
    if (is_good && is_at(text, at, ':')) {
        at++;
        out_reference->field = take_word(text, &at, "+.");
        is_good = out_reference->field.length > 0;
    }
    if (is_good && out_reference->field.length > 0 && is_at(text, at, ':')) {
        at++;
        out_reference->type = take_word(text, &at, "");
        is_good = out_reference->type.length > 0;
    }
    out_reference->length = at + 1;
    return is_good && is_at(text, at, '}');
}

static enum weft_ottl_grok_type type_of(struct weft_slice name)
{
    static const struct {
        const char *name;
        enum weft_ottl_grok_type type;
    } types[] = {
        { "string", WEFT_OTTL_GROK_STRING }, { "int", WEFT_OTTL_GROK_INT },       { "long", WEFT_OTTL_GROK_INT },
        { "float", WEFT_OTTL_GROK_DOUBLE },  { "double", WEFT_OTTL_GROK_DOUBLE }, { "bool", WEFT_OTTL_GROK_BOOL },
        { "boolean", WEFT_OTTL_GROK_BOOL },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        if (weft_slice_equal_text(name, types[i].name)) {
            return types[i].type;
        }
    }
    return WEFT_OTTL_GROK_UNKNOWN;
}

/* ---- definitions ---- */

/* The last one of that name counts. */
static bool find_definition(const struct weft_ottl_grok_options *options, struct weft_slice name,
                            struct weft_slice *out_pattern)
{
    for (size_t i = options->definition_count; i > 0; i--) {
        struct weft_slice definition = options->definitions[i - 1];
        if (definition.length > name.length && definition.bytes[name.length] == '=' &&
            memcmp(definition.bytes, name.bytes, name.length) == 0) {
            *out_pattern = weft_slice_of(definition.bytes + name.length + 1, definition.length - name.length - 1);
            return true;
        }
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(known); i++) {
        if (weft_slice_equal_text(name, known[i].name)) {
            *out_pattern = weft_slice_of_text(known[i].pattern);
            return true;
        }
    }
    return false;
}

static enum weft_status check_definitions(const struct weft_ottl_grok_options *options, struct weft_error *error)
{
    for (size_t i = 0; i < options->definition_count; i++) {
        struct weft_slice definition = options->definitions[i];
        const uint8_t *equals = definition.length == 0 ? NULL : memchr(definition.bytes, '=', definition.length);
        size_t length = equals == NULL ? 0 : (size_t)(equals - definition.bytes);
        if (equals == NULL || (length > 0 && memchr(definition.bytes, ':', length) != NULL)) {
            return weft_fail(error, WEFT_INVALID, "\"%.*s\" is no NAME=pattern", WEFT_SLICE_PRINT(definition));
        }
    }
    return WEFT_OK;
}

/* ---- expanding ---- */

/* As the name of a group. */
static void put_field(struct expansion *expansion, struct weft_slice field)
{
    for (size_t i = 0; i < field.length; i++) {
        weft_buffer_append(&expansion->out, field.bytes[i] == '.' ? (const uint8_t *)"___" : field.bytes + i,
                           field.bytes[i] == '.' ? 3 : 1);
    }
}

static enum weft_status expand(struct expansion *expansion, struct weft_slice text, size_t depth);

static enum weft_status put_reference(struct expansion *expansion, const struct reference *reference, size_t depth)
{
    struct weft_slice pattern;
    struct weft_slice field = reference->field.length > 0 ? reference->field : reference->name;
    if (!find_definition(expansion->options, reference->name, &pattern)) {
        return weft_fail(expansion->error, WEFT_INVALID,
                         "pattern %.*s is unknown; add its definition, as \"%.*s=[a-z]+\", to patternDefinitions",
                         WEFT_SLICE_PRINT(reference->name), WEFT_SLICE_PRINT(reference->name));
    }
    if (depth == WEFT_OTTL_GROK_MAX_DEPTH || expansion->out.length > WEFT_PATTERN_MAX_TEXT_BYTES) {
        return weft_fail(expansion->error, WEFT_LIMIT, "pattern %.*s leads to itself, or to too much",
                         WEFT_SLICE_PRINT(reference->name));
    }
    if (reference->type.length > 0) {
        struct hint hint = { field, type_of(reference->type) };
        weft_buffer_append(&expansion->hints, &hint, sizeof hint);
    }
    if (expansion->options->is_named_only && reference->field.length == 0) {
        weft_buffer_append_text(&expansion->out, "(?:");
    } else {
        weft_buffer_append_text(&expansion->out, "(?P<");
        put_field(expansion, field);
        weft_buffer_append_byte(&expansion->out, '>');
    }
    enum weft_status status = expand(expansion, pattern, depth + 1);
    weft_buffer_append_byte(&expansion->out, ')');
    return status;
}

static enum weft_status expand(struct expansion *expansion, struct weft_slice text, size_t depth)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && text.length > 0) {
        const uint8_t *percent = memmem(text.bytes, text.length, "%{", 2);
        size_t before = percent == NULL ? text.length : (size_t)(percent - text.bytes);
        struct reference reference = { .length = 2 };
        weft_buffer_append(&expansion->out, text.bytes, before);
        text = weft_slice_of(text.bytes + before, text.length - before);
        if (percent == NULL) {
            break;
        }
        if (read_reference(text, &reference)) {
            status = put_reference(expansion, &reference, depth);
        } else {
            reference.length = 2;
            weft_buffer_append_text(&expansion->out, "%{");
        }
        text = weft_slice_of(text.bytes + reference.length, text.length - reference.length);
    }
    return status;
}

/* ---- compiling ---- */

static bool is_name_of(const char *group, struct weft_slice field)
{
    for (size_t i = 0; i < field.length; i++) {
        size_t length = field.bytes[i] == '.' ? 3 : 1;
        const char *wanted = field.bytes[i] == '.' ? "___" : (const char *)field.bytes + i;
        if (strncmp(group, wanted, length) != 0) {
            return false;
        }
        group += length;
    }
    return *group == '\0';
}

static enum weft_status compile(struct expansion *expansion, struct weft_ottl_grok *grok)
{
    const struct weft_pattern_options options = { .has_groups = true };
    enum weft_status status =
        weft_pattern_compile(weft_buffer_slice(&expansion->out), &options, &grok->pattern, expansion->error);
    if (status != WEFT_OK) {
        return status;
    }
    size_t count = weft_pattern_group_count(grok->pattern);
    if (count > WEFT_OTTL_GROK_MAX_GROUPS) {
        return weft_fail(expansion->error, WEFT_LIMIT, "more than %d groups", WEFT_OTTL_GROK_MAX_GROUPS);
    }
    for (size_t group = 1; group <= count; group++) {
        const char *name = weft_pattern_group_name(grok->pattern, group);
        grok->has_fields = grok->has_fields || name != NULL;
        for (size_t at = 0; name != NULL && at < expansion->hints.length; at += sizeof(struct hint)) {
            struct hint hint;
            memcpy(&hint, expansion->hints.bytes + at, sizeof hint);
            grok->types[group] = is_name_of(name, hint.field) ? hint.type : grok->types[group];
        }
    }
    return WEFT_OK;
}

enum weft_status weft_ottl_grok_new(struct weft_slice text, const struct weft_ottl_grok_options *options,
                                    struct weft_ottl_grok **out_grok, struct weft_error *error)
{
    struct expansion expansion = { .options = options, .error = error };
    struct weft_ottl_grok *grok = weft_try_alloc(sizeof *grok);
    enum weft_status status = grok == NULL ? WEFT_NOMEM : check_definitions(options, error);
    weft_buffer_init(&expansion.out, 2 * WEFT_PATTERN_MAX_TEXT_BYTES);
    if (status == WEFT_OK) {
        status = expand(&expansion, text, 0);
    }
    if (status == WEFT_OK && expansion.out.length > WEFT_PATTERN_MAX_TEXT_BYTES) {
        status = weft_fail(error, WEFT_LIMIT, "the pattern is longer than 32 KiB when it is expanded");
    }
    if (status == WEFT_OK &&
        (weft_buffer_status(&expansion.out) != WEFT_OK || weft_buffer_status(&expansion.hints) != WEFT_OK)) {
        status = WEFT_NOMEM;
    }
    if (status == WEFT_OK) {
        *grok = (struct weft_ottl_grok){ 0 };
        status = compile(&expansion, grok);
    }
    weft_buffer_fini(&expansion.out);
    weft_buffer_fini(&expansion.hints);
    if (status != WEFT_OK) {
        weft_ottl_grok_free(&grok);
        return status == WEFT_NOMEM ? weft_fail(error, status, "no memory for a pattern") : status;
    }
    *out_grok = grok;
    return WEFT_OK;
}

void weft_ottl_grok_free(struct weft_ottl_grok **own_grok)
{
    if (*own_grok != NULL) {
        weft_pattern_free(&(*own_grok)->pattern);
        weft_free(*own_grok);
        *own_grok = NULL;
    }
}
