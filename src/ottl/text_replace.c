/* Replacing (text_replace.h), with templates as Go's Regexp.Expand has them. */
#include "ottl/text_replace.h"

#include "base/few_bytes.h"

/* ---- templates ---- */

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_name_byte(uint8_t byte)
{
    return is_digit(byte) || byte == '_' || byte >= 0x80 || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* The name at the start of rest, which is behind a $; false: there is none. */
static bool take_name(struct weft_slice *in_out_rest, struct weft_slice *out_name)
{
    struct weft_slice rest = *in_out_rest;
    size_t start = rest.length > 0 && rest.bytes[0] == '{' ? 1 : 0;
    size_t end = start;
    while (end < rest.length && is_name_byte(rest.bytes[end])) {
        end++;
    }
    if (end == start || (start == 1 && (end == rest.length || rest.bytes[end] != '}'))) {
        return false;
    }
    *out_name = weft_slice_of(rest.bytes + start, end - start);
    *in_out_rest = weft_slice_of(rest.bytes + end + start, rest.length - end - start);
    return true;
}

/* -1: it is a name. */
static int64_t number_of(struct weft_slice name)
{
    enum { MAX_NUMBER = 100000000 };
    int64_t number = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (!is_digit(name.bytes[i]) || number >= MAX_NUMBER) {
            return -1;
        }
        number = number * 10 + (name.bytes[i] - '0');
    }
    return name.length > 1 && name.bytes[0] == '0' ? -1 : number;
}

struct match {
    const struct weft_pattern *pattern;
    const struct weft_pattern_search *search;
    struct weft_slice whole;
};

static void put_group(const struct match *match, struct weft_slice name, struct weft_buffer *out)
{
    int64_t number = number_of(name);
    struct weft_slice text = WEFT_SLICE_EMPTY;
    size_t count = weft_pattern_group_count(match->pattern);
    if (number == 0) {
        text = match->whole;
    } else if (number > 0 && (uint64_t)number <= count) {
        if (!weft_pattern_search_group(match->search, (size_t)number, &text)) {
            text = WEFT_SLICE_EMPTY;
        }
    }
    for (size_t i = 1; number < 0 && i <= count; i++) {
        const char *group = weft_pattern_group_name(match->pattern, i);
        if (group != NULL && weft_slice_equal_text(name, group) && weft_pattern_search_group(match->search, i, &text)) {
            break;
        }
        text = WEFT_SLICE_EMPTY;
    }
    weft_buffer_append(out, text.bytes, text.length);
}

static void expand(const struct match *match, struct weft_slice rest, struct weft_buffer *out)
{
    while (rest.length > 0) {
        const uint8_t *dollar = memchr(rest.bytes, '$', rest.length);
        size_t before = dollar == NULL ? rest.length : (size_t)(dollar - rest.bytes);
        struct weft_slice name;
        weft_buffer_append(out, rest.bytes, before);
        if (dollar == NULL) {
            return;
        }
        rest = weft_slice_of(dollar + 1, rest.length - before - 1);
        if (rest.length > 0 && rest.bytes[0] == '$') {
            weft_buffer_append_byte(out, '$');
            rest = weft_slice_of(rest.bytes + 1, rest.length - 1);
        } else if (take_name(&rest, &name)) {
            put_group(match, name, out);
        } else {
            weft_buffer_append_byte(out, '$');
        }
    }
}

/* ---- functions ---- */

enum weft_status weft_ottl_replacement_check(const struct weft_ottl_function *function, struct weft_error *error)
{
    bool is_of_one = function->parameters[0].name != NULL && function->parameters[1].name == NULL &&
                     function->parameters[0].takes == WEFT_OTTL_TAKES_STRING && !function->parameters[0].is_list &&
                     function->make == NULL;
    return is_of_one ? WEFT_OK
                     : weft_fail(error, WEFT_INVALID, "%s is no converter of one string, as SHA256 is", function->name);
}

/* One %s and no other verb. */
static bool is_format(struct weft_slice format)
{
    bool has_verb = false;
    for (size_t i = 0; i < format.length; i++) {
        if (format.bytes[i] == '\n') {
            return false;
        }
        if (format.bytes[i] != '%') {
            continue;
        }
        if (++i == format.length) {
            return has_verb;
        }
        if (format.bytes[i] != 's') {
            return false;
        }
        has_verb = true;
    }
    return has_verb;
}

/* As fmt.Sprintf has it: a second %s has no value. */
static void put_format(struct weft_slice format, struct weft_slice text, struct weft_buffer *out)
{
    bool is_used = false;
    for (size_t i = 0; i < format.length; i++) {
        if (format.bytes[i] != '%') {
            weft_buffer_append_byte(out, format.bytes[i]);
        } else if (i + 1 == format.length) {
            weft_buffer_append_text(out, "%!(NOVERB)");
        } else {
            i++;
            if (is_used) {
                weft_buffer_append_text(out, "%!s(MISSING)");
            } else {
                weft_buffer_append(out, text.bytes, text.length);
            }
            is_used = true;
        }
    }
}

/* Appends what the function makes of the text. */
static enum weft_status put_made(struct weft_ottl_run *run, const struct weft_ottl_replacement *replacement,
                                 struct weft_slice text, struct weft_buffer *out)
{
    struct weft_ottl_value argument = weft_ottl_string(text);
    struct weft_ottl_value made = weft_ottl_nil();
    struct weft_ottl_call call = { .function = replacement->function, .arguments = &argument };
    enum { STEPS_OF_CALL = 500 };
    if (!weft_ottl_spend(run, STEPS_OF_CALL)) {
        return weft_ottl_fail_steps(run);
    }
    enum weft_status status = replacement->function->call(run, &call, &made);
    if (status != WEFT_OK) {
        return status;
    }
    if (made.kind != WEFT_OTTL_STRING) {
        return weft_fail(&run->error, WEFT_INVALID, "%s: the replacement is %s and no string", replacement->name,
                         weft_ottl_kind_text(made.kind));
    }
    if (!replacement->has_format) {
        weft_buffer_append(out, made.bytes.bytes, made.bytes.length);
        return WEFT_OK;
    }
    if (!is_format(replacement->format)) {
        return weft_fail(&run->error, WEFT_INVALID, "%s: replacementFormat has one %%s and no other verb",
                         replacement->name);
    }
    put_format(replacement->format, made.bytes, out);
    return WEFT_OK;
}

/* ---- texts ---- */

/* The text in run->memory. */
static enum weft_status copy(struct weft_ottl_run *run, const struct weft_buffer *text, struct weft_slice *out_text)
{
    enum weft_status status = weft_buffer_status(text);
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, text->length + 1) : NULL;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (text->length > 0) {
        weft_work_copy(bytes, text->bytes, text->length);
    }
    *out_text = weft_slice_of(bytes, text->length);
    return WEFT_OK;
}

static enum weft_status keep(struct weft_ottl_run *run, struct weft_buffer *own_text, enum weft_status status,
                             struct weft_slice *out_text)
{
    if (status == WEFT_OK) {
        status = copy(run, own_text, out_text);
    }
    weft_buffer_fini(own_text);
    return status;
}

enum weft_status weft_ottl_replacement_give(struct weft_ottl_run *run, const struct weft_ottl_replacement *replacement,
                                            struct weft_slice *out_text)
{
    struct weft_buffer text = { 0 };
    if (replacement->function == NULL) {
        *out_text = replacement->text;
        return WEFT_OK;
    }
    enum weft_status status = put_made(run, replacement, replacement->text, &text);
    return keep(run, &text, status, out_text);
}

/* What stands for one match. */
static enum weft_status put_replacement(struct weft_ottl_run *run, const struct weft_ottl_replacement *replacement,
                                        const struct match *match, struct weft_buffer *out)
{
    struct weft_buffer text = { 0 };
    struct weft_slice expanded;
    if (replacement->function == NULL) {
        expand(match, replacement->text, out);
        return WEFT_OK;
    }
    expand(match, replacement->text, &text);
    enum weft_status status = keep(run, &text, WEFT_OK, &expanded);
    return status == WEFT_OK ? put_made(run, replacement, expanded, out) : status;
}

/* ---- searching ---- */

/* All matches are known, and the same stands for each. */
static enum weft_status put_together(struct weft_ottl_run *run, struct weft_slice subject,
                                     const struct weft_pattern_few *few, struct weft_slice text,
                                     struct weft_slice *out_text)
{
    size_t length = subject.length + few->count * text.length;
    size_t kept_from = 0;
    for (size_t i = 0; i < few->count; i++) {
        length -= few->items[i].end - few->items[i].start;
    }
    uint8_t *bytes = weft_ottl_run_take(run, length + 1);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *to = bytes;
    for (size_t i = 0; i < few->count; i++) {
        to = weft_put_few_bytes(to, subject.bytes + kept_from, few->items[i].start - kept_from);
        to = weft_put_few_bytes(to, text.bytes, text.length);
        kept_from = few->items[i].end;
    }
    (void)weft_put_few_bytes(to, subject.bytes + kept_from, subject.length - kept_from);
    *out_text = weft_slice_of(bytes, length);
    return WEFT_OK;
}

/* Match by match. */
static enum weft_status replace_each(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                     struct weft_slice subject, const struct weft_ottl_replacement *replacement,
                                     bool *out_is_match, struct weft_slice *out_text)
{
    struct weft_buffer *text = &run->replaced;
    struct weft_pattern_search search;
    size_t kept_from = 0, start = 0, end = 0;
    enum weft_status status = WEFT_OK;
    enum weft_pattern_outcome outcome;
    *out_is_match = false;
    weft_buffer_clear(text);
    subject = subject.bytes == NULL ? WEFT_SLICE_LITERAL("") : subject; /* a match in nothing lies somewhere */
    weft_pattern_search_start(pattern, run->pattern, subject, &search);
    while (status == WEFT_OK && (outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        struct match match = { pattern, &search, weft_slice_of(subject.bytes + start, end - start) };
        *out_is_match = true;
        weft_buffer_append(text, subject.bytes + kept_from, start - kept_from);
        status = put_replacement(run, replacement, &match, text);
        kept_from = end;
    }
    if (status == WEFT_OK && outcome == WEFT_PATTERN_LIMIT) {
        run->limits_met++;
        status = weft_fail(&run->error, WEFT_INVALID, "%s: the pattern met its limit", replacement->name);
    }
    if (status != WEFT_OK || !*out_is_match) {
        return status;
    }
    weft_buffer_append(text, subject.bytes + kept_from, subject.length - kept_from);
    return copy(run, text, out_text);
}

enum weft_status weft_ottl_replace(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                   struct weft_slice subject, const struct weft_ottl_replacement *replacement,
                                   bool *out_is_match, struct weft_slice *out_text)
{
    struct weft_slice text = subject;
    bool is_plain = replacement->function == NULL && weft_ottl_is_plain_replacement(replacement->text);
    if (run->is_thorough || !is_plain) {
        return replace_each(run, pattern, subject, replacement, out_is_match, out_text);
    }
    enum weft_status status =
        weft_ottl_replace_with_text(run, pattern, &text, replacement->text, replacement->name, out_is_match);
    if (status == WEFT_OK && *out_is_match) {
        *out_text = text;
    }
    return status;
}

enum weft_status weft_ottl_replace_with_text(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                             struct weft_slice *in_out_text, struct weft_slice text, const char *name,
                                             bool *out_is_match)
{
    struct weft_pattern_few few;
    if (!weft_pattern_find_few(pattern, run->pattern, *in_out_text, &few)) {
        struct weft_ottl_replacement replacement = { .name = name, .text = text };
        return replace_each(run, pattern, *in_out_text, &replacement, out_is_match, in_out_text);
    }
    *out_is_match = few.count > 0;
    return few.count > 0 ? put_together(run, *in_out_text, &few, text, in_out_text) : WEFT_OK;
}
