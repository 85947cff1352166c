#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/node.h"
#include "config/notes.h"

/* Typed config. A component describes its config struct once, as a table of fields; the table parses and validates the
 * YAML, applies defaults, prints defaults, and writes the reference page. The kind of a field comes from its C type. */

/* The C types a config struct is made of. All memory belongs to the parsed struct: weft_config_fini frees it. */
struct weft_duration {
    int64_t ns; /* Go form "1m30s"; a bare integer is nanoseconds */
};

struct weft_byte_size {
    uint64_t bytes; /* "1MiB", "100KB" or a number */
};

struct weft_config_map_entry {
    char *key;
    char *value;
};

struct weft_config_map {
    struct weft_config_map_entry *entries; /* in file order */
    size_t count;
};

struct weft_config_strings {
    char **items;
    size_t count;
};

/* A secret: like a string, but masked wherever config is printed. */
struct weft_secret {
    char *text;
};

/* Secrets by name (headers). Accepts the map form and the list form [{name:, value:}]. */
struct weft_secret_map {
    struct weft_config_map map;
};

/* A list of blocks; items points to count structs of the field's item_size. */
struct weft_config_list {
    void *items;
    size_t count;
};

/* One of a closed set of words; value is the index in the field's words. */
struct weft_choice {
    int value;
};

/* The raw YAML value, kept as a node of the tree, which outlives the struct (attributes' `value`: its YAML type
 * counts). */
struct weft_config_any {
    const struct weft_node *node; /* NULL = key absent */
};

enum weft_field_kind {
    WEFT_KIND_BOOL,
    WEFT_KIND_INT,  /* int64_t */
    WEFT_KIND_UINT, /* uint64_t: negative is an error */
    WEFT_KIND_DOUBLE,
    WEFT_KIND_STRING, /* char *: never NULL after parsing unless the default is NULL */
    WEFT_KIND_SECRET,
    WEFT_KIND_DURATION,
    WEFT_KIND_BYTE_SIZE,
    WEFT_KIND_STRINGS, /* a list of strings; a single string is split at its commas, as the Collector does */
    WEFT_KIND_MAP,     /* string -> string */
    WEFT_KIND_SECRET_MAP,
    WEFT_KIND_ANY,
    WEFT_KIND_CHOICE,      /* needs words */
    WEFT_KIND_BLOCK,       /* a nested struct with its own table; always present */
    WEFT_KIND_OPTIONAL,    /* a nested struct behind a bool: present (even as {}, and as null unless is_off_as_null) =
                              on; `enabled: false` inside = off */
    WEFT_KIND_LIST,        /* weft_config_list of blocks */
    WEFT_KIND_INLINE,      /* a nested struct whose keys stand beside those of the outer one (shared client blocks) */
    WEFT_KIND_POSITION,    /* not a key: where the block stands, for later checks */
    WEFT_KIND_NO_EFFECT,   /* checked as `words[0]` says, without effect in C; listed by validate */
    WEFT_KIND_UNSUPPORTED, /* known to the Collector, not yet to weft: an error that says so */
};

struct weft_field {
    const char *key;
    enum weft_field_kind kind;
    size_t offset;                   /* of the member in the struct */
    const char *default_text;        /* YAML text of the default; NULL = zero, empty, NULL */
    const char *help;                /* one sentence, for the reference page */
    const struct weft_field *fields; /* BLOCK, OPTIONAL, LIST, INLINE: the nested table, ended by a NULL key */
    size_t item_size;                /* LIST: of one item */
    size_t present_offset;           /* OPTIONAL: of the bool in the struct */
    const char *const *words;        /* CHOICE: ended by NULL; NO_EFFECT: the type, behind "choice" its words */
    double minimum, maximum;         /* numbers, sizes (bytes) and durations (seconds); both 0 = unchecked */
    bool is_required;
    bool is_secret;      /* STRINGS: masked wherever config is printed */
    bool ignores_case;   /* CHOICE: a word may be written in capitals */
    bool takes_numbers;  /* STRING, MAP: a number or a bool counts by its text; for keys that the Collector has not, and
                            where it takes any type */
    bool is_off_as_null; /* OPTIONAL: a null means that the block is absent, not that it is on with its defaults */
    bool has_no_effect;  /* any but NO_EFFECT: parsed for the rules between keys, and without effect all the same */
};

/* The kind from the member's C type. */
#define WEFT_KIND_OF(member) \
    _Generic((member), bool: WEFT_KIND_BOOL, int64_t: WEFT_KIND_INT, uint64_t: WEFT_KIND_UINT,               \
             double: WEFT_KIND_DOUBLE, char *: WEFT_KIND_STRING, struct weft_secret: WEFT_KIND_SECRET,       \
             struct weft_duration: WEFT_KIND_DURATION, struct weft_byte_size: WEFT_KIND_BYTE_SIZE,           \
             struct weft_config_strings: WEFT_KIND_STRINGS, struct weft_config_map: WEFT_KIND_MAP,           \
             struct weft_secret_map: WEFT_KIND_SECRET_MAP, struct weft_config_any: WEFT_KIND_ANY)

#define WEFT_FIELD(type, member, default_value, help_text, ...)                                      \
    {                                                                                                \
        .key = #member, .kind = WEFT_KIND_OF(((type *)0)->member), .offset = offsetof(type, member), \
        .default_text = (default_value), .help = (help_text), ##__VA_ARGS__                          \
    }

/* word_list: const char *const[] ended by NULL; default_value one of the words. */
#define WEFT_FIELD_CHOICE(type, member, word_list, default_value, help_text, ...)                                    \
    {                                                                                                                \
        .key = #member, .kind = WEFT_KIND_CHOICE, .offset = offsetof(type, member), .default_text = (default_value), \
        .help = (help_text), .words = (word_list), ##__VA_ARGS__                                                     \
    }

#define WEFT_FIELD_BLOCK(type, member, table, help_text)                                                \
    {                                                                                                   \
        .key = #member, .kind = WEFT_KIND_BLOCK, .offset = offsetof(type, member), .help = (help_text), \
        .fields = (table)                                                                               \
    }

/* member: the nested struct; present_member: the bool that says whether the block is on.
 * default_value: "on" or "off" when the key is absent. */
#define WEFT_FIELD_OPTIONAL(type, member, present_member, table, default_value, help_text, ...)                 \
    {                                                                                                           \
        .key = #member, .kind = WEFT_KIND_OPTIONAL, .offset = offsetof(type, member),                           \
        .present_offset = offsetof(type, present_member), .default_text = (default_value), .help = (help_text), \
        .fields = (table), ##__VA_ARGS__                                                                        \
    }

#define WEFT_FIELD_LIST(type, member, item_type, table, help_text)                                     \
    {                                                                                                  \
        .key = #member, .kind = WEFT_KIND_LIST, .offset = offsetof(type, member), .help = (help_text), \
        .fields = (table), .item_size = sizeof(item_type)                                              \
    }

/* The keys of table count as keys of this struct; key is for the reader only. */
#define WEFT_FIELD_INLINE(type, member, table)                                                        \
    {                                                                                                 \
        .key = #member, .kind = WEFT_KIND_INLINE, .offset = offsetof(type, member), .fields = (table) \
    }

/* member: a struct weft_position, filled with where the block stands (line 0 when the block is absent). */
#define WEFT_FIELD_POSITION(type, member)                                                 \
    {                                                                                     \
        .key = "(position)", .kind = WEFT_KIND_POSITION, .offset = offsetof(type, member) \
    }

/* type_word: "bool", "int", "uint", "double", "size", "duration", "string", "strings", "any", and "list" or "map",
 * which may have a table of such rows as .fields. Numbers may have a range. */
#define WEFT_FIELD_NO_EFFECT(key_text, type_word, help_text, ...)                                            \
    {                                                                                                        \
        .key = (key_text), .kind = WEFT_KIND_NO_EFFECT, .words = (const char *const[]){ (type_word), NULL }, \
        .help = (help_text), ##__VA_ARGS__                                                                   \
    }

/* The words follow. */
#define WEFT_FIELD_NO_EFFECT_CHOICE(key_text, help_text, ...)                                                          \
    {                                                                                                                  \
        .key = (key_text), .kind = WEFT_KIND_NO_EFFECT, .words = (const char *const[]){ "choice", __VA_ARGS__, NULL }, \
        .help = (help_text)                                                                                            \
    }

#define WEFT_FIELD_UNSUPPORTED(key_text, help_text)                           \
    {                                                                         \
        .key = (key_text), .kind = WEFT_KIND_UNSUPPORTED, .help = (help_text) \
    }

#define WEFT_FIELDS_END \
    {                   \
        .key = NULL     \
    }

/* Fills config (zeroed by this call) from node, which is a map, null or NULL (= all defaults). Unknown key or wrong
 * type: WEFT_INVALID with file:line and the nearest known key; unsupported key: WEFT_UNSUPPORTED with file:line. Each
 * key without effect that was set is appended to notes when that is not NULL. Secrets that were read are marked in the
 * tree, so that print masks them. ANY and POSITION members borrow from the tree. On failure nothing needs freeing. */
enum weft_status weft_config_parse(const struct weft_field *fields, const struct weft_node *node, void *out_config,
                                   struct weft_config_notes *notes, struct weft_error *error) WEFT_MUST_CHECK;

/* Frees what the fields own. */
void weft_config_fini(const struct weft_field *fields, void *config);
