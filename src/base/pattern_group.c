/* Groups of RE2's language (pattern_translate.h): what opens and closes them, their names, and flags, which hold to the
 * end of the group they stand in. Go saves its flags where a group opens, PCRE2 its case mode: both are put back at the
 * closing parenthesis. */
#include "base/pattern_translate.h"

#include "base/alloc.h"

/* The last atom will not be repeated any more: it joins its branch. */
void weft_pattern_end_atom(struct weft_pattern_translator *translator)
{
    if (translator->has_atom) {
        translator->branch = weft_pattern_empty_sequence(translator->branch, translator->atom);
        translator->has_atom = false;
    }
}

void weft_pattern_names_fini(struct weft_pattern_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        weft_free(names->items[i]);
    }
    weft_free(names->items);
    *names = (struct weft_pattern_names){ 0 };
}

static enum weft_status open_group(struct weft_pattern_translator *translator, size_t start, bool is_capture)
{
    if (translator->depth == WEFT_PATTERN_MAX_DEPTH) {
        return weft_pattern_refuse(translator, WEFT_UNSUPPORTED, start, "nested more than 250 deep");
    }
    weft_pattern_end_atom(translator);
    translator->groups[translator->depth++] = (struct weft_pattern_group){
        .out_at = translator->out->length,
        .flags = translator->flags,
        .out_folds = translator->out_folds,
        .repeats = translator->repeats,
        .text_at = start,
        .branch = translator->branch,
        .branches = translator->branches,
        .has_branches = translator->has_branches,
    };
    weft_buffer_append_text(translator->out, is_capture && translator->options->has_groups ? "(" : "(?:");
    translator->repeats = 1;
    translator->branch = WEFT_PATTERN_ONLY_EMPTY;
    translator->has_branches = false;
    return WEFT_OK;
}

/* At "|" or at the end of a group. */
void weft_pattern_end_branch(struct weft_pattern_translator *translator)
{
    weft_pattern_end_atom(translator);
    translator->branches = translator->has_branches
                               ? weft_pattern_empty_choice(translator->branches, translator->branch)
                               : translator->branch;
    translator->has_branches = true;
    translator->branch = WEFT_PATTERN_ONLY_EMPTY;
}

enum weft_status weft_pattern_close_group(struct weft_pattern_translator *translator)
{
    if (translator->depth == 0) {
        return weft_pattern_refuse(translator, WEFT_INVALID, translator->at - 1, "closes no group");
    }
    const struct weft_pattern_group *group = &translator->groups[--translator->depth];
    weft_buffer_append_byte(translator->out, ')');
    weft_pattern_end_branch(translator);
    translator->atom = translator->branches;
    translator->branch = group->branch;
    translator->branches = group->branches;
    translator->has_branches = group->has_branches;
    translator->flags = group->flags;
    translator->out_folds = group->out_folds;
    translator->has_atom = true;
    translator->is_atom_whole = true;
    translator->atom_at = group->out_at;
    translator->atom_repeats = translator->repeats;
    translator->repeats = group->repeats > translator->repeats ? group->repeats : translator->repeats;
    return WEFT_OK;
}

static bool is_name(struct weft_slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.bytes[i];
        bool is_word = byte == '_' || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
        if (!is_word) {
            return false;
        }
    }
    return name.length > 0;
}

/* An empty name: none. Go lets two groups have one name. */
static enum weft_status add_capture(struct weft_pattern_translator *translator, size_t start, struct weft_slice name)
{
    struct weft_pattern_names *names = &translator->names;
    char *text = name.length > 0 ? weft_try_alloc(name.length + 1) : NULL;
    if ((name.length > 0 && text == NULL) ||
        weft_try_grow(&names->items, sizeof *names->items, names->count, &names->capacity) != WEFT_OK) {
        weft_free(text);
        return weft_fail(translator->error, WEFT_NOMEM, "no memory for a regular expression");
    }
    if (text != NULL) {
        memcpy(text, name.bytes, name.length);
    }
    names->items[names->count++] = text;
    return open_group(translator, start, true);
}

/* Behind "(?P<" or "(?<". */
static enum weft_status open_named(struct weft_pattern_translator *translator, size_t start)
{
    struct weft_slice name = weft_slice_of(translator->text.bytes + translator->at, 0);
    while (weft_pattern_peek(translator, 0) >= 0 && weft_pattern_peek(translator, 0) != '>') {
        name.length++;
        translator->at++;
    }
    if (!weft_pattern_skip(translator, ">") || !is_name(name)) {
        bool is_behind = name.length > 0 && (name.bytes[0] == '=' || name.bytes[0] == '!');
        return weft_pattern_refuse(translator, WEFT_INVALID, start,
                                   is_behind ? "looking behind is not in RE2's language"
                                             : "a group's name is letters, digits and _, closed by >");
    }
    return add_capture(translator, start, name);
}

static const char *reason_against(int byte)
{
    switch (byte) {
    case '=':
    case '!':
        return "looking ahead is not in RE2's language";
    case '>':
        return "atomic groups are not in RE2's language";
    case '#':
        return "comments are not in RE2's language";
    case '(':
        return "conditions are not in RE2's language";
    case '\'':
        return "a named group is written (?P<name>...)";
    case 'R':
    case 'P':
    case '&':
    case '+':
        return "references to groups are not in RE2's language";
    case 'x':
        return "(?x) is not in RE2's language; write the expression without spaces";
    default:
        return "the flags are i, m, s and U, as in (?i) or (?i-s:...)";
    }
}

/* Behind "(?": flags for the rest of the group, or a group with flags. */
static enum weft_status read_flags(struct weft_pattern_translator *translator, size_t start)
{
    static const char letters[] = "imsU";
    unsigned added = 0;
    unsigned removed = 0;
    bool is_minus = false;
    for (;;) {
        int byte = weft_pattern_peek(translator, 0);
        const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
        translator->at += byte >= 0;
        if (letter != NULL) {
            unsigned flag = 1u << (letter - letters);
            added |= is_minus ? 0 : flag;
            removed |= is_minus ? flag : 0;
        } else if (byte == '-' && !is_minus) {
            is_minus = true;
        } else if ((byte == ':' || byte == ')') && !(is_minus && removed == 0)) {
            enum weft_status status = byte == ':' ? open_group(translator, start, false) : WEFT_OK;
            translator->flags = (translator->flags | added) & ~removed;
            return status;
        } else {
            return weft_pattern_refuse(translator, WEFT_INVALID, start, reason_against(byte));
        }
    }
}

enum weft_status weft_pattern_open_group(struct weft_pattern_translator *translator)
{
    size_t start = translator->at - 1;
    if (weft_pattern_skip(translator, "?P<") || weft_pattern_skip(translator, "?<")) {
        return open_named(translator, start);
    }
    if (weft_pattern_skip(translator, "?")) {
        return read_flags(translator, start);
    }
    return add_capture(translator, start, WEFT_SLICE_EMPTY);
}
