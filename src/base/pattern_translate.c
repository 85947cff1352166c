/* Reads a regular expression as Go's regexp/syntax does and writes it for PCRE2 (pattern_translate.h): repetitions,
 * places and what stands for itself; groups, characters and classes are in files of their own. One pass, no tree:
 * the two languages nest alike. Only case folding is left to PCRE2's flags; (?s), (?m) and (?U) choose what is written.
 */
#include "base/pattern_translate.h"

#include <stdio.h>

#include "base/utf8.h"

enum { MAX_REPEAT = 1000, TOO_LARGE = MAX_REPEAT + 1, MANY_REPEATS = 8 };

/* ---- what the files share ---- */

enum weft_status weft_pattern_refuse(const struct weft_pattern_translator *translator, enum weft_status status,
                                     size_t offset, const char *reason)
{
    enum { SHOWN_BYTES = 40 };
    size_t length = translator->at > offset ? translator->at - offset : 0;
    length = length > SHOWN_BYTES ? SHOWN_BYTES : length;
    struct weft_slice shown = weft_slice_of(translator->text.bytes + offset, length);
    return weft_fail(translator->error, status, "regular expression: offset %zu: \"%.*s\": %s", offset,
                     WEFT_SLICE_PRINT(shown), reason);
}

bool weft_pattern_skip(struct weft_pattern_translator *translator, const char *text)
{
    size_t length = strlen(text);
    if (translator->text.length - translator->at < length ||
        memcmp(translator->text.bytes + translator->at, text, length) != 0) {
        return false;
    }
    translator->at += length;
    return true;
}

static void begin_atom(struct weft_pattern_translator *translator, enum weft_pattern_emptiness emptiness, bool is_whole)
{
    weft_pattern_end_atom(translator);
    translator->has_atom = true;
    translator->atom = emptiness;
    translator->is_atom_whole = is_whole;
    translator->atom_at = translator->out->length;
    translator->atom_repeats = 1;
}

void weft_pattern_begin_character(struct weft_pattern_translator *translator, bool has_case)
{
    bool folds = (translator->flags & WEFT_PATTERN_FOLDS) != 0;
    if (has_case && folds != translator->out_folds) {
        weft_buffer_append_text(translator->out, folds ? "(?i)" : "(?-i)");
        translator->out_folds = folds;
    }
    begin_atom(translator, WEFT_PATTERN_NEVER_EMPTY, true);
}

/* ---- repetitions ---- */

/* A count; -1 if there is none that Go takes for one (no digit, a leading zero). */
static int read_count(struct weft_pattern_translator *translator)
{
    int first = weft_pattern_peek(translator, 0);
    int after = weft_pattern_peek(translator, 1);
    if (first < '0' || first > '9' || (first == '0' && after >= '0' && after <= '9')) {
        return -1;
    }
    int count = 0;
    for (int byte = first; byte >= '0' && byte <= '9'; byte = weft_pattern_peek(translator, 0)) {
        count = count > MAX_REPEAT ? TOO_LARGE : count * 10 + (byte - '0');
        translator->at++;
    }
    return count > MAX_REPEAT ? TOO_LARGE : count;
}

/* Behind "{". *out_max -1: no upper bound. False, and nothing read: the brace stands for itself. */
static bool read_counts(struct weft_pattern_translator *translator, int *out_min, int *out_max)
{
    size_t start = translator->at;
    int min = read_count(translator);
    int max = min;
    if (min >= 0 && weft_pattern_skip(translator, ",")) {
        max = weft_pattern_peek(translator, 0) == '}' ? -1 : read_count(translator);
        min = max < 0 && weft_pattern_peek(translator, 0) != '}' ? -1 : min;
    }
    if (min < 0 || !weft_pattern_skip(translator, "}")) {
        translator->at = start;
        return false;
    }
    *out_min = min;
    *out_max = max;
    return true;
}

/* What is repeated is one item for PCRE2: characters, classes and groups are, what was repeated or is empty is not. */
static void make_whole(struct weft_pattern_translator *translator)
{
    static const char open[] = "(?:";
    enum { OPEN_BYTES = sizeof open - 1 };
    struct weft_buffer *out = translator->out;
    if (translator->is_atom_whole || weft_buffer_reserve(out, OPEN_BYTES + 1) == NULL) {
        return;
    }
    memmove(out->bytes + translator->atom_at + OPEN_BYTES, out->bytes + translator->atom_at,
            out->length - translator->atom_at);
    memcpy(out->bytes + translator->atom_at, open, OPEN_BYTES);
    out->length += OPEN_BYTES;
    weft_buffer_append_byte(out, ')');
}

static enum weft_status check_counts(struct weft_pattern_translator *translator, size_t start, int min, int max)
{
    if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && min > max)) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start, "counts are at most 1000, the smaller first");
    }
    uint32_t count = (uint32_t)(max < 0 ? min : max);
    if (max == 0) {
        translator->atom_repeats = 1;
    } else if (count > 0) {
        translator->atom_repeats *= count; /* both at most 1000 */
    }
    if (translator->atom_repeats > MAX_REPEAT) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start, "counts within counts multiply to over 1000");
    }
    return WEFT_OK;
}

/* Behind the operator, which starts at start and is written as text. */
static enum weft_status repeat(struct weft_pattern_translator *translator, size_t start, const char *text, int min,
                               int max)
{
    bool is_lazy = weft_pattern_skip(translator, "?") != ((translator->flags & WEFT_PATTERN_IS_UNGREEDY) != 0);
    if (translator->is_after_repeat) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start,
                                   "a repetition of a repetition (possessive ones are not in RE2's language)");
    }
    if (!translator->has_atom) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start, "nothing before it to repeat");
    }
    /* Whether there is a match is the same in both, only not where it ends. */
    bool is_loop = max < 0 && !translator->options->is_match_only;
    if (is_loop && translator->atom == WEFT_PATTERN_EMPTY_EARLY) {
        return weft_pattern_refuse(translator, WEFT_UNSUPPORTED, start,
                                   "repeats a group that would rather be empty; make it match something, or put the "
                                   "empty way last");
    }
    translator->atom = weft_pattern_empty_repeat(translator->atom, min, max, is_lazy);
    make_whole(translator);
    weft_buffer_append_text(translator->out, text);
    if (is_lazy) {
        weft_buffer_append_byte(translator->out, '?');
    }
    if (max < 0 || max > MANY_REPEATS) {
        weft_buffer_append_text(translator->out, translator->behind_loop);
    }
    translator->is_atom_whole = false;
    if (translator->atom_repeats > translator->repeats) {
        translator->repeats = translator->atom_repeats;
    }
    return WEFT_OK;
}

static enum weft_status read_braces(struct weft_pattern_translator *translator, size_t start, bool *out_is_repeat)
{
    int min;
    int max;
    *out_is_repeat = read_counts(translator, &min, &max);
    if (!*out_is_repeat) {
        return weft_pattern_write_literal(translator, '{', start);
    }
    enum weft_status status = check_counts(translator, start, min, max);
    if (status != WEFT_OK) {
        return status;
    }
    char text[32];
    if (max < 0) {
        snprintf(text, sizeof text, "{%d,}", min);
    } else {
        snprintf(text, sizeof text, "{%d,%d}", min, max);
    }
    return repeat(translator, start, text, min, max);
}

/* ---- the rest ---- */

static void write_place(struct weft_pattern_translator *translator, const char *text)
{
    begin_atom(translator, WEFT_PATTERN_ONLY_EMPTY, false);
    weft_buffer_append_text(translator->out, text);
}

/* Behind "\Q". */
static enum weft_status read_quoted(struct weft_pattern_translator *translator)
{
    while (translator->at < translator->text.length && !weft_pattern_skip(translator, "\\E")) {
        size_t start = translator->at;
        enum weft_status status =
            weft_pattern_write_literal(translator, weft_pattern_next_character(translator), start);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static enum weft_status read_backslash(struct weft_pattern_translator *translator)
{
    static const char *const asserted[] = { "\\A", "\\b", "\\B", "\\z" };
    if (weft_pattern_skip(translator, "\\Q")) {
        return read_quoted(translator);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(asserted); i++) {
        if (weft_pattern_skip(translator, asserted[i])) {
            write_place(translator, asserted[i]);
            return WEFT_OK;
        }
    }
    bool is_class;
    enum weft_status status = weft_pattern_read_class_escape(translator, &is_class);
    if (status != WEFT_OK || is_class) {
        return status;
    }
    size_t start = translator->at;
    uint32_t character;
    status = weft_pattern_read_escape(translator, &character);
    return status == WEFT_OK ? weft_pattern_write_literal(translator, character, start) : status;
}

static enum weft_status read_item(struct weft_pattern_translator *translator, bool *out_is_repeat)
{
    bool is_multiline = (translator->flags & WEFT_PATTERN_MULTILINE) != 0;
    size_t start = translator->at;
    uint32_t character = weft_pattern_next_character(translator);
    switch (character) {
    case '(':
        return weft_pattern_open_group(translator);
    case ')':
        return weft_pattern_close_group(translator);
    case '|':
        weft_buffer_append_byte(translator->out, '|');
        weft_pattern_end_branch(translator);
        return WEFT_OK;
    case '*':
    case '+':
    case '?':
        *out_is_repeat = true;
        return repeat(translator, start, (const char[]){ (char)character, '\0' }, character == '+',
                      character == '?' ? 1 : -1);
    case '{':
        return read_braces(translator, start, out_is_repeat);
    case '[':
        translator->at = start;
        return weft_pattern_read_class(translator);
    case '\\':
        translator->at = start;
        return read_backslash(translator);
    case '.':
        weft_pattern_begin_character(translator, false);
        weft_buffer_append_text(translator->out, (translator->flags & WEFT_PATTERN_DOT_IS_ALL) != 0 ? "." : "\\N");
        return WEFT_OK;
    case '^':
        write_place(translator, is_multiline ? "^" : "\\A");
        return WEFT_OK;
    case '$':
        write_place(translator, is_multiline ? "$" : "\\z");
        return WEFT_OK;
    default:
        return weft_pattern_write_literal(translator, character, start);
    }
}

static enum weft_status read_all(struct weft_pattern_translator *translator)
{
    size_t valid = weft_utf8_valid_length(translator->text);
    if (valid < translator->text.length) {
        return weft_pattern_refuse(translator, WEFT_INVALID, valid, "not UTF-8");
    }
    while (translator->at < translator->text.length) {
        bool is_repeat = false;
        enum weft_status status = read_item(translator, &is_repeat);
        if (status != WEFT_OK) {
            return status;
        }
        translator->is_after_repeat = is_repeat;
    }
    if (translator->depth > 0) {
        return weft_pattern_refuse(translator, WEFT_INVALID, translator->groups[translator->depth - 1].text_at,
                                   "a group that is not closed");
    }
    weft_buffer_append_byte(translator->out, ')');
    return weft_buffer_status(translator->out) == WEFT_OK
               ? WEFT_OK
               : weft_fail(translator->error, WEFT_NOMEM, "no memory for a regular expression");
}

enum weft_status weft_pattern_translate(struct weft_slice text, const struct weft_pattern_options *options,
                                        const char *behind_loop, struct weft_buffer *out,
                                        struct weft_pattern_names *out_names, struct weft_error *error)
{
    struct weft_pattern_translator translator = { .text = text,
                                                  .out = out,
                                                  .error = error,
                                                  .options = options,
                                                  .behind_loop = behind_loop,
                                                  .repeats = 1,
                                                  .branch = WEFT_PATTERN_ONLY_EMPTY };
    weft_buffer_init(&translator.folding, 0);
    weft_buffer_init(&translator.fixed, 0);
    weft_buffer_append_text(out, "(?:");
    enum weft_status status = read_all(&translator);
    weft_buffer_fini(&translator.folding);
    weft_buffer_fini(&translator.fixed);
    if (status != WEFT_OK) {
        weft_pattern_names_fini(&translator.names);
        return status;
    }
    *out_names = translator.names;
    return WEFT_OK;
}
