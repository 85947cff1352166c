#pragma once

#include "base/buffer.h"
#include "base/pattern.h"
#include "base/pattern_empty.h"

/* From RE2's language to PCRE2's. The result is for compiling with UTF, DOTALL, MULTILINE, ALT_CIRCUMFLEX and
 * NEVER_BACKSLASH_C, newline LF. Every character of it comes from the writer here, none is copied unread. */

enum {
    WEFT_PATTERN_FOLDS = 1,       /* (?i) */
    WEFT_PATTERN_MULTILINE = 2,   /* (?m) */
    WEFT_PATTERN_DOT_IS_ALL = 4,  /* (?s) */
    WEFT_PATTERN_IS_UNGREEDY = 8, /* (?U) */
};

struct weft_pattern_names {
    char **items; /* by group, from 0 for group 1; NULL = no name */
    size_t count, capacity;
};

void weft_pattern_names_fini(struct weft_pattern_names *names);

struct weft_pattern_group {
    size_t out_at; /* where it opens in out */
    unsigned flags;
    bool out_folds;
    uint32_t repeats;
    size_t text_at; /* where it opens in the text */
    enum weft_pattern_emptiness branch, branches;
    bool has_branches;
};

/* The state of one translation; the files pattern_{translate,group,escape,class}.c share it. */
struct weft_pattern_translator {
    struct weft_slice text;
    size_t at;
    struct weft_buffer *out;
    struct weft_error *error;
    const struct weft_pattern_options *options;
    const char *behind_loop; /* is written behind each repetition that may go on for long */
    unsigned flags;
    bool out_folds; /* whether (?i) holds at the end of out */
    /* The last atom: what a repetition would repeat. */
    bool has_atom;
    bool is_atom_whole;                                 /* may be followed by a quantifier as it is */
    bool is_after_repeat;                               /* the token before was a repetition */
    size_t atom_at;                                     /* where it starts in out */
    uint32_t atom_repeats;                              /* the product of nested counts in it */
    uint32_t repeats;                                   /* the largest such product in the group so far */
    enum weft_pattern_emptiness atom, branch, branches; /* branch: before the atom; branches: before the last "|" */
    bool has_branches;
    struct weft_buffer folding, fixed; /* of a class: what (?i) folds, and what is folded already */
    struct weft_pattern_names names;
    size_t depth;
    struct weft_pattern_group groups[WEFT_PATTERN_MAX_DEPTH];
};

/* Appends a group to out and writes the names, which are the caller's; on failure there are none. behind_loop, which
 * may be empty, is written behind each repetition without an end or of many. */
enum weft_status weft_pattern_translate(struct weft_slice text, const struct weft_pattern_options *options,
                                        const char *behind_loop, struct weft_buffer *out,
                                        struct weft_pattern_names *out_names, struct weft_error *error) WEFT_MUST_CHECK;

/* For those files only. */

/* Fails with the offset, a reason and the text from there up to where the translator has read. */
enum weft_status weft_pattern_refuse(const struct weft_pattern_translator *translator, enum weft_status status,
                                     size_t offset, const char *reason);

/* The byte at offset bytes behind the current one; -1 behind the end. */
int weft_pattern_peek(const struct weft_pattern_translator *translator, size_t offset);
uint32_t weft_pattern_next_character(struct weft_pattern_translator *translator);
bool weft_pattern_skip(struct weft_pattern_translator *translator, const char *text);

/* Starts an atom in out that is one character, in the right case mode if has_case. */
void weft_pattern_begin_character(struct weft_pattern_translator *translator, bool has_case);

/* pattern_group.c: behind "(" or ")"; at the end of an atom, when nothing can repeat it any more; at "|". */
enum weft_status weft_pattern_open_group(struct weft_pattern_translator *translator) WEFT_MUST_CHECK;
enum weft_status weft_pattern_close_group(struct weft_pattern_translator *translator) WEFT_MUST_CHECK;
void weft_pattern_end_atom(struct weft_pattern_translator *translator);
void weft_pattern_end_branch(struct weft_pattern_translator *translator);

/* pattern_escape.c: at a backslash that stands for one character. */
enum weft_status weft_pattern_read_escape(struct weft_pattern_translator *translator,
                                          uint32_t *out_character) WEFT_MUST_CHECK;
enum weft_status weft_pattern_write_literal(struct weft_pattern_translator *translator, uint32_t character,
                                            size_t text_at) WEFT_MUST_CHECK;

/* pattern_class.c: at "[", or at a backslash; is_class false: the backslash is no class. */
enum weft_status weft_pattern_read_class(struct weft_pattern_translator *translator) WEFT_MUST_CHECK;
enum weft_status weft_pattern_read_class_escape(struct weft_pattern_translator *translator,
                                                bool *out_is_class) WEFT_MUST_CHECK;

/* pattern.c: whether PCRE2 has a script of this name, which is letters and _. */
bool weft_pattern_is_script(const char *name);
