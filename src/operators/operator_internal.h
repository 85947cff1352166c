#pragma once

#include "base/budget.h"
#include "base/hash.h"
#include "base/pattern.h"
#include "config/value.h"
#include "operators/log_path.h"
#include "operators/operators.h"

/* What the files of this floor share. An operator is compiled once into a struct that begins with weft_operator and
 * lies in the memory of its chain, as everything that its config says; nothing of it changes afterwards. What it keeps
 * from entry to entry is state of a run. */

struct weft_expression;
struct weft_operator;
struct weft_operator_reader;

enum weft_operator_verdict {
    WEFT_OPERATOR_SEND,    /* the entry goes on to the outputs */
    WEFT_OPERATOR_DONE,    /* kept, or sent with weft_operator_send */
    WEFT_OPERATOR_DROPPED, /* ends here, because the config says so */
    WEFT_OPERATOR_FAILED,  /* `on_error` decides; always from weft_operator_fail */
};

/* ---- kinds ---- */

/* How a key of an operator is read. The offset is that of a member of the kind's struct (or of the block's). */
enum weft_operator_key_kind {
    WEFT_OPERATOR_KEY_BOOL,
    WEFT_OPERATOR_KEY_INT,
    WEFT_OPERATOR_KEY_DOUBLE,
    WEFT_OPERATOR_KEY_BYTES,     /* uint64_t: "1MiB", "100KB" or a number */
    WEFT_OPERATOR_KEY_TEXT,      /* const char *, copied; NULL: not given */
    WEFT_OPERATOR_KEY_PATH,      /* struct weft_log_path, of a field */
    WEFT_OPERATOR_KEY_ROOT,      /* the same; attributes and resource may stand without a key */
    WEFT_OPERATOR_KEY_CONDITION, /* const struct weft_expression *, of a bool; NULL: not given, or empty */
    WEFT_OPERATOR_KEY_NODE,      /* const struct weft_node *, for `compile` only: the tree may go */
    WEFT_OPERATOR_KEY_BLOCK,     /* a struct with keys of its own */
    WEFT_OPERATOR_KEY_LATER,     /* the Collector has it, weft does not yet */
    WEFT_OPERATOR_KEY_NOTHING,   /* taken and without effect */
};

struct weft_operator_key {
    const char *key; /* NULL ends a table */
    enum weft_operator_key_kind kind;
    size_t offset;
    const struct weft_operator_key *keys; /* BLOCK */
    size_t given_offset;                  /* BLOCK: of a bool that becomes true */
};

#define WEFT_OPERATOR_KEY(type, member, kind_name)                                              \
    {                                                                                           \
        .key = #member, .kind = WEFT_OPERATOR_KEY_##kind_name, .offset = offsetof(type, member) \
    }
/* The same for a key that is not named as its member. */
#define WEFT_OPERATOR_KEY_AT(name, kind_name, type, member)                                    \
    {                                                                                          \
        .key = (name), .kind = WEFT_OPERATOR_KEY_##kind_name, .offset = offsetof(type, member) \
    }
#define WEFT_OPERATOR_BLOCK(name, type, member, given_member, table)                                       \
    {                                                                                                      \
        .key = (name), .kind = WEFT_OPERATOR_KEY_BLOCK, .offset = offsetof(type, member), .keys = (table), \
        .given_offset = offsetof(type, given_member)                                                       \
    }

/* One type of operator, one file, one row in operator_kinds.c. */
struct weft_operator_kind {
    const char *type;
    size_t size; /* of its struct, which begins with struct weft_operator and is zero at first */
    const struct weft_operator_key *keys;      /* beside those that all have; NULL: none */
    const struct weft_operator_key *more_keys; /* of parsers: weft_parser_keys */
    bool ignores_if;                           /* process is called whatever `if` says */
    bool is_last;                              /* no operator may follow */
    bool has_own_outputs;                      /* `output` counts for nothing: compile names them */

    /* Before the keys are read; may be NULL. */
    void (*set_defaults)(struct weft_operator *self);
    /* After the keys are read: checks, and what the keys do not hold themselves; may be NULL. node: the operator's. */
    enum weft_status (*compile)(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node);
    enum weft_operator_verdict (*process)(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry);

    /* Of the state that each run has for such an operator; 0: none. It is zero at first. */
    size_t state_size;
    /* Sends on what is kept. */
    void (*flush)(const struct weft_operator *self, struct weft_operator_run *run, int64_t now_ns, bool is_all);
    void (*close_state)(void *state); /* frees what it has; may be NULL */
};

/* NULL: there is no such type. */
const struct weft_operator_kind *weft_operator_kind_find(const char *type);

/* True for a type that the Collector has and weft does not. */
bool weft_operator_kind_is_later(const char *type);

/* "a, b, c" */
void weft_operator_kinds_list(char *out_text, size_t size);

/* ---- operators ---- */

/* Where entries go: indexes of operators, in order; the number of all operators stands for the end of the chain. */
struct weft_operator_outputs {
    size_t *indexes;
    size_t count;
};

/* Ids that an operator names before all have one; resolved when the chain is whole. */
struct weft_operator_link {
    struct weft_operator_link *next;
    const struct weft_node *node; /* a list of ids or one */
    size_t from;
    struct weft_operator_outputs *outputs;
};

struct weft_operator {
    const struct weft_operator_kind *kind;
    const char *id;
    const char *on_error;                    /* as it was written; NULL: it was not */
    const struct weft_node *output;          /* while compiling; NULL: the next one */
    const struct weft_expression *condition; /* `if`; NULL: there is none */
    struct weft_operator_outputs outputs;
    size_t index;
    bool is_sent_on_error;
    bool is_quiet;
};

struct weft_operators {
    struct weft_entry_memory memory; /* of everything that is compiled */
    struct weft_operator **items;
    size_t count;
    struct weft_pattern **patterns; /* of all operators */
    size_t pattern_count, pattern_capacity;
    size_t max_groups; /* of any pattern */
    struct weft_hash_secret secret;
};

/* ---- reading config ---- */

struct weft_operator_reader {
    struct weft_operators *operators; /* being made */
    struct weft_config_reader config;
    struct weft_operator_link *links;
    size_t index; /* of the operator that is read */
};

enum { WEFT_OPERATOR_KEY_TABLES = 3 };

/* The members of node, which is a map, into the struct, by up to that many tables (NULL: none). Unknown keys are noted.
 * type: for what is said about them. */
enum weft_status weft_operator_keys_read(struct weft_operator_reader *reader, const char *type,
                                         const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES],
                                         const struct weft_node *node, void *out_struct) WEFT_MUST_CHECK;

/* A YAML value as one of entries. */
enum weft_status weft_operator_value_read(struct weft_operator_reader *reader, const struct weft_node *node,
                                          struct weft_log_value *out_value) WEFT_MUST_CHECK;

/* Zeroed memory that lives as long as the chain; WEFT_NOMEM with a text. */
enum weft_status weft_operator_alloc(struct weft_operator_reader *reader, size_t size_bytes,
                                     void *out_memory) WEFT_MUST_CHECK;
enum weft_status weft_operator_copy_text(struct weft_operator_reader *reader, const char *text,
                                         const char **out_copy) WEFT_MUST_CHECK;

/* Fails with the place of the operator's key, or of the operator if the key is not there. */
enum weft_status weft_operator_fail_key(struct weft_operator_reader *reader, const struct weft_node *node,
                                        const char *key, enum weft_status status, const char *text);

/* The pattern is the chain's. node: for the place of an error. */
enum weft_status weft_operator_pattern_compile(struct weft_operator_reader *reader, const struct weft_node *node,
                                               struct weft_slice text, bool has_groups,
                                               struct weft_pattern **out_pattern) WEFT_MUST_CHECK;

/* The same; place stands before what is wrong with the pattern. */
enum weft_status weft_operator_pattern_compile_at(struct weft_operator_reader *reader, const struct weft_node *node,
                                                  const char *place, struct weft_slice text, bool has_groups,
                                                  struct weft_pattern **out_pattern) WEFT_MUST_CHECK;

/* Outputs that node names, once all operators are known. outputs stays where it is. */
enum weft_status weft_operator_link(struct weft_operator_reader *reader, const struct weft_node *node,
                                    struct weft_operator_outputs *outputs) WEFT_MUST_CHECK;

/* operator_links.c: gives operators of the same type ids of their own, then finds what links name; what names nothing
 * goes on to the next one. Refuses ids that are there twice, and circles. */
enum weft_status weft_operator_links_resolve(struct weft_operator_reader *reader,
                                             const struct weft_node *list) WEFT_MUST_CHECK;

/* ---- running ---- */

struct weft_operator_run {
    const struct weft_operators *operators;
    int zone_minutes;
    weft_entry_fn emit;
    void *user;
    struct weft_operator_counts *counts; /* of each operator */
    void **states;                       /* of each operator; NULL: it has none */
    struct weft_pattern_scratch *pattern;
    struct weft_budget *budget; /* charged for what is kept; NULL: nobody's */
    size_t kept;                /* entries that operators keep now */
    bool is_text_wanted;        /* of a failure */
    bool has_met_limit;         /* a pattern gave up: it would have matched or not */
    char failure[256];
};

/* The outputs get the entry, each one its own copy. For operators that say WEFT_OPERATOR_DONE, and from flush. */
void weft_operator_send(struct weft_operator_run *run, const struct weft_operator *self,
                        const struct weft_operator_outputs *outputs, struct weft_log_entry *entry);

/* Why an entry cannot be processed: never bytes of the entry. */
enum weft_operator_verdict weft_operator_fail(struct weft_operator_run *run, const char *format, ...) WEFT_PRINTF(2, 3);
enum weft_operator_verdict weft_operator_fail_memory(struct weft_operator_run *run);

/* Counts and logs a failure that is no end of the entry's way through this operator. action: what happens now. */
void weft_operator_note_error(struct weft_operator_run *run, const struct weft_operator *self, const char *action);

static inline void *weft_operator_state(const struct weft_operator_run *run, const struct weft_operator *self)
{
    return run->states[self->index];
}
