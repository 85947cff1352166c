/* Character classes of RE2's language (pattern_translate.h): brackets, \d \s \w, [:names:] and \p{...}. All are written
 * as explicit ranges, ASCII ones as in Go. Under (?i) PCRE2 folds the ranges of a class; what Go has folded before it
 * negated (\W, [:^alpha:]) and \p{...} must not be folded again and stands in a class of its own without (?i). */
#include "base/pattern_translate.h"

#include <stdio.h>

enum {
    MAX_CHARACTER = 0x10ffff,
    FIRST_SURROGATE = 0xd800,
    LAST_SURROGATE = 0xdfff,
    LONG_S = 0x17f,       /* folds to s */
    KELVIN_SIGN = 0x212a, /* folds to k */
    MAX_NAME_BYTES = 40
};

/* Pairs of first and last, rising. */
struct named_class {
    const char *name;
    const char *ranges;
    size_t length;
};

#define NAMED(name, ranges)              \
    {                                    \
        name, ranges, sizeof(ranges) - 1 \
    }

static const struct named_class perl_classes[] = {
    NAMED("d", "09"),
    NAMED("s", "\t\n\f\r  "),
    NAMED("w", "09AZ__az"),
};

static const struct named_class posix_classes[] = {
    NAMED("alnum", "09AZaz"),
    NAMED("alpha", "AZaz"),
    NAMED("ascii", "\x00\x7f"),
    NAMED("blank", "\t\t  "),
    NAMED("cntrl", "\x00\x1f\x7f\x7f"),
    NAMED("digit", "09"),
    NAMED("graph", "!~"),
    NAMED("lower", "az"),
    NAMED("print", " ~"),
    NAMED("punct", "!/:@[`{~"),
    NAMED("space", "\t\r  "),
    NAMED("upper", "AZ"),
    NAMED("word", "09AZ__az"),
    NAMED("xdigit", "09AFaf"),
};

static bool is_folding(const struct weft_pattern_translator *translator)
{
    return (translator->flags & WEFT_PATTERN_FOLDS) != 0;
}

/* Where that goes which must not be folded any more. */
static struct weft_buffer *fixed_part(struct weft_pattern_translator *translator)
{
    return is_folding(translator) ? &translator->fixed : &translator->folding;
}

static void write_range(struct weft_buffer *part, uint32_t first, uint32_t last)
{
    if (first > last) {
        return;
    }
    weft_buffer_append_format(part, "\\x{%x}", first);
    if (first < last) {
        weft_buffer_append_format(part, "-\\x{%x}", last);
    }
}

/* All characters but those of the class; under (?i) also without what folds into it. */
static void write_complement(struct weft_pattern_translator *translator, const struct named_class *class)
{
    struct weft_buffer *part = fixed_part(translator);
    uint32_t next = 0;
    bool has_s = false;
    bool has_k = false;
    for (size_t i = 0; i < class->length; i += 2) {
        uint32_t first = (uint8_t) class->ranges[i];
        uint32_t last = (uint8_t) class->ranges[i + 1];
        if (first > next) {
            write_range(part, next, first - 1);
        }
        next = last + 1;
        has_s = has_s || (first <= 's' && last >= 's') || (first <= 'S' && last >= 'S');
        has_k = has_k || (first <= 'k' && last >= 'k') || (first <= 'K' && last >= 'K');
    }
    if (is_folding(translator) && has_s) {
        write_range(part, next, LONG_S - 1);
        next = LONG_S + 1;
    }
    if (is_folding(translator) && has_k) {
        write_range(part, next, KELVIN_SIGN - 1);
        next = KELVIN_SIGN + 1;
    }
    write_range(part, next, MAX_CHARACTER);
}

static void write_named(struct weft_pattern_translator *translator, const struct named_class *class, bool is_negated)
{
    if (is_negated) {
        write_complement(translator, class);
        return;
    }
    for (size_t i = 0; i < class->length; i += 2) {
        write_range(&translator->folding, (uint8_t) class->ranges[i], (uint8_t) class->ranges[i + 1]);
    }
}

/* Under (?i) [:upper:] has both cases, and so its complement has neither. */
static const struct named_class *folded(const struct weft_pattern_translator *translator,
                                        const struct named_class *class)
{
    bool is_one_case = strcmp(class->name, "upper") == 0 || strcmp(class->name, "lower") == 0;
    return is_one_case && is_folding(translator) ? &posix_classes[1] : class;
}

static bool read_perl_class(struct weft_pattern_translator *translator)
{
    int letter = weft_pattern_peek(translator, 1);
    for (size_t i = 0; i < WEFT_COUNT_OF(perl_classes); i++) {
        int lower = perl_classes[i].name[0];
        if (letter == lower || letter == lower - ('a' - 'A')) {
            write_named(translator, &perl_classes[i], letter != lower);
            translator->at += 2;
            return true;
        }
    }
    return false;
}

/* ---- \p ---- */

/* Those that Go folds under (?i), by tables that PCRE2 does not have. */
static bool has_folded_table(const char *name)
{
    static const char *const names[] = { "L", "Ll", "Lt", "Lu", "M", "Mn", "Common", "Greek", "Inherited" };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_category(const char *name)
{
    static const char categories[] =
        " C Cc Cf Cn Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc "
        "Sk Sm So Z Zl Zp Zs ";
    char word[8];
    snprintf(word, sizeof word, " %.4s ", name);
    return strlen(name) <= 2 && strstr(categories, word) != NULL;
}

static enum weft_status write_property(struct weft_pattern_translator *translator, size_t start, const char *name,
                                       bool is_negated)
{
    if (strcmp(name, "Any") == 0 && !is_negated) {
        write_range(fixed_part(translator), 0, MAX_CHARACTER);
        return WEFT_OK;
    }
    if (is_folding(translator) && has_folded_table(name)) {
        return weft_pattern_refuse(translator, WEFT_UNSUPPORTED, start,
                                   "under (?i) this class has more than its own characters; write (?-i:...) around it");
    }
    bool is_script = !is_category(name);
    if (is_script && !weft_pattern_is_script(name)) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start,
                                   "no such class; a category as L or Lu, a script as Greek");
    }
    /* Not \p{Greek}, which for PCRE2 are also characters that several scripts use. */
    weft_buffer_append_format(fixed_part(translator), "\\%c{%s%s}", is_negated ? 'P' : 'p', is_script ? "sc:" : "",
                              name);
    return WEFT_OK;
}

/* At "\p" or "\P". */
static enum weft_status read_property(struct weft_pattern_translator *translator)
{
    char name[MAX_NAME_BYTES + 1] = "";
    size_t length = 0;
    size_t start = translator->at;
    bool is_negated = weft_pattern_peek(translator, 1) == 'P';
    translator->at += 2;
    bool is_braced = weft_pattern_skip(translator, "{");
    if (is_braced && weft_pattern_skip(translator, "^")) {
        is_negated = !is_negated;
    }
    bool is_name = true;
    for (int byte = weft_pattern_peek(translator, 0); byte >= 0 && byte != '}';
         byte = weft_pattern_peek(translator, 0)) {
        is_name = is_name && length < MAX_NAME_BYTES && (byte == '_' || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'));
        if (is_name) {
            name[length++] = (char)byte;
        }
        translator->at++;
        if (!is_braced) {
            break;
        }
    }
    if ((is_braced && !weft_pattern_skip(translator, "}")) || !is_name || length == 0) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start,
                                   "a class of Unicode is written \\pL, \\p{Lu} or \\p{Greek}");
    }
    return write_property(translator, start, name, is_negated);
}

static bool is_at_property(const struct weft_pattern_translator *translator)
{
    int letter = weft_pattern_peek(translator, 1);
    return weft_pattern_peek(translator, 0) == '\\' && (letter == 'p' || letter == 'P');
}

/* ---- what was read becomes one atom ---- */

static void write_part(struct weft_pattern_translator *translator, const char *open, const struct weft_buffer *part,
                       const char *close)
{
    weft_buffer_append_text(translator->out, open);
    weft_buffer_append(translator->out, part->bytes, part->length);
    weft_buffer_append_text(translator->out, close);
}

static enum weft_status write_class(struct weft_pattern_translator *translator, bool is_negated)
{
    const struct weft_buffer *folding = &translator->folding;
    const struct weft_buffer *fixed = &translator->fixed;
    if (weft_buffer_status(folding) != WEFT_OK || weft_buffer_status(fixed) != WEFT_OK) {
        return weft_fail(translator->error, WEFT_NOMEM, "no memory for a regular expression");
    }
    weft_pattern_begin_character(translator, true);
    if (fixed->length == 0) {
        write_part(translator, is_negated ? "[^" : "[", folding, "]");
    } else if (folding->length == 0) {
        write_part(translator, is_negated ? "(?-i:[^" : "(?-i:[", fixed, "])");
    } else {
        write_part(translator, is_negated ? "(?:(?![" : "(?:[", folding, "]|");
        write_part(translator, "(?-i:[", fixed, is_negated ? "])).)" : "]))");
    }
    return WEFT_OK;
}

static void clear_parts(struct weft_pattern_translator *translator)
{
    weft_buffer_clear(&translator->folding);
    weft_buffer_clear(&translator->fixed);
}

enum weft_status weft_pattern_read_class_escape(struct weft_pattern_translator *translator, bool *out_is_class)
{
    enum weft_status status = WEFT_OK;
    clear_parts(translator);
    *out_is_class = true;
    if (is_at_property(translator)) {
        status = read_property(translator);
    } else {
        *out_is_class = read_perl_class(translator);
    }
    return status == WEFT_OK && *out_is_class ? write_class(translator, false) : status;
}

/* ---- brackets ---- */

/* At "[:". *out_is_read false: no name follows, the bracket stands for itself. */
static enum weft_status read_posix_class(struct weft_pattern_translator *translator, bool *out_is_read)
{
    size_t start = translator->at;
    struct weft_slice rest = weft_slice_of(translator->text.bytes + start + 2, translator->text.length - start - 2);
    const uint8_t *close = memmem(rest.bytes, rest.length, ":]", 2);
    *out_is_read = close != NULL;
    if (close == NULL) {
        return WEFT_OK;
    }
    bool is_negated = rest.bytes < close && rest.bytes[0] == '^';
    struct weft_slice name = weft_slice_of(rest.bytes + is_negated, (size_t)(close - rest.bytes) - is_negated);
    translator->at = (size_t)(close + 2 - translator->text.bytes);
    for (size_t i = 0; i < WEFT_COUNT_OF(posix_classes); i++) {
        if (weft_slice_equal_text(name, posix_classes[i].name)) {
            write_named(translator, folded(translator, &posix_classes[i]), is_negated);
            return WEFT_OK;
        }
    }
    return weft_pattern_refuse(translator, WEFT_INVALID, start, "no such class");
}

static enum weft_status read_class_character(struct weft_pattern_translator *translator, uint32_t *out_character)
{
    if (weft_pattern_peek(translator, 0) == '\\') {
        return weft_pattern_read_escape(translator, out_character);
    }
    *out_character = weft_pattern_next_character(translator);
    return WEFT_OK;
}

/* A range may have surrogates within, which no text has; as an end they are a mistake that PCRE2 would refuse. */
static enum weft_status read_range(struct weft_pattern_translator *translator)
{
    size_t start = translator->at;
    uint32_t first;
    enum weft_status status = read_class_character(translator, &first);
    uint32_t last = first;
    int after = weft_pattern_peek(translator, 1);
    if (status == WEFT_OK && weft_pattern_peek(translator, 0) == '-' && after >= 0 && after != ']') {
        translator->at++;
        status = read_class_character(translator, &last);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (first > last) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start, "a range that ends before it starts");
    }
    bool is_surrogate =
        (first >= FIRST_SURROGATE && first <= LAST_SURROGATE) || (last >= FIRST_SURROGATE && last <= LAST_SURROGATE);
    if (is_surrogate) {
        return weft_pattern_refuse(translator, WEFT_UNSUPPORTED, start, "a surrogate is no character of UTF-8");
    }
    write_range(&translator->folding, first, last);
    return WEFT_OK;
}

static enum weft_status read_class_item(struct weft_pattern_translator *translator)
{
    if (weft_pattern_peek(translator, 0) == '[' && weft_pattern_peek(translator, 1) == ':') {
        bool is_read;
        enum weft_status status = read_posix_class(translator, &is_read);
        if (status != WEFT_OK || is_read) {
            return status;
        }
    }
    if (is_at_property(translator)) {
        return read_property(translator);
    }
    if (weft_pattern_peek(translator, 0) == '\\' && read_perl_class(translator)) {
        return WEFT_OK;
    }
    return read_range(translator);
}

enum weft_status weft_pattern_read_class(struct weft_pattern_translator *translator)
{
    size_t start = translator->at++;
    clear_parts(translator);
    bool is_negated = weft_pattern_skip(translator, "^");
    bool is_first = true;
    while (is_first || weft_pattern_peek(translator, 0) != ']') {
        is_first = false;
        if (translator->at == translator->text.length) {
            return weft_pattern_refuse(translator, WEFT_INVALID, start, "a class that is not closed");
        }
        enum weft_status status = read_class_item(translator);
        if (status != WEFT_OK) {
            return status;
        }
    }
    translator->at++;
    return write_class(translator, is_negated);
}
