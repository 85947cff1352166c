#pragma once

#include "base/pattern.h"
#include "config/field.h"
#include "processors/attributes_keys.h"

/* What is done to attributes, as the Collector's `attributes` and `resource` have it: a list of actions in a config,
 * made into steps that name keys by their numbers. A program never changes; all workers may run it (attributes_edit.h).
 */
enum weft_attribute_action {
    WEFT_ATTRIBUTE_INSERT,
    WEFT_ATTRIBUTE_UPDATE,
    WEFT_ATTRIBUTE_UPSERT,
    WEFT_ATTRIBUTE_DELETE,
    WEFT_ATTRIBUTE_HASH,
    WEFT_ATTRIBUTE_EXTRACT,
    WEFT_ATTRIBUTE_CONVERT,
};

enum weft_attribute_type { WEFT_ATTRIBUTE_TO_STRING, WEFT_ATTRIBUTE_TO_INT, WEFT_ATTRIBUTE_TO_DOUBLE };

struct weft_attribute_action_config {
    char *key;
    char *action;
    struct weft_config_any value, default_value;
    char *from_attribute;
    char *from_context;
    char *pattern;
    char *converted_type;
};

extern const struct weft_field weft_attribute_action_fields[];

/* What an action takes part in: a key, and how a KeyValue with it begins. */
struct weft_attribute_target {
    uint16_t key;
    struct weft_slice head; /* the field of the key */
};

/* What from_context leads to. */
enum weft_attribute_source {
    WEFT_ATTRIBUTE_FROM_METADATA,
    WEFT_ATTRIBUTE_FROM_ADDRESS, /* of the client; there, and possibly empty */
    WEFT_ATTRIBUTE_FROM_AUTH,    /* no authenticator says anything of who has come */
};

struct weft_attribute_step {
    enum weft_attribute_action action;
    struct weft_attribute_target target;
    uint16_t from;                          /* WEFT_NO_ATTRIBUTE_KEY = none */
    const char *context;                    /* the key that the value is taken from; NULL = none */
    enum weft_attribute_source source;      /* of that key */
    size_t context_index;                   /* among the steps that have one */
    struct weft_slice value, default_value; /* the field of a KeyValue; empty = none */
    enum weft_attribute_type type;          /* CONVERT */
    struct weft_pattern *pattern;           /* DELETE and HASH: of keys, or NULL; EXTRACT: of the value */
    size_t pattern_index;                   /* among the steps that have one of keys */
    struct weft_attribute_target *groups;   /* EXTRACT: of the pattern's groups, from the first on */
    size_t group_count;
    struct weft_buffer constants; /* what the slices point into */
};

struct weft_attribute_program {
    struct weft_attribute_step *steps;
    size_t step_count;
    size_t context_count; /* steps with a context */
    size_t key_pattern_count;
    struct weft_attribute_keys keys;
    bool has_hash, has_patterns;
    bool sees_all; /* some step asks for attributes by a pattern */
    size_t max_groups;
};

/* Whether one of them takes the client's address. */
bool weft_attribute_actions_ask_for_address(const struct weft_config_list *actions);

/* The keys of a request's metadata that they take values from, by index; NULL behind the last. */
const char *weft_attribute_actions_metadata(const struct weft_config_list *actions, size_t index);

/* actions: struct weft_attribute_action_config, which outlive the program; name: of their list, for errors.
 * WEFT_INVALID, WEFT_UNSUPPORTED with where it stands, WEFT_NOMEM. What was made is freed by
 * weft_attribute_program_fini either way. */
enum weft_status weft_attribute_program_init(struct weft_attribute_program *program,
                                             const struct weft_config_list *actions, const char *name,
                                             struct weft_error *error) WEFT_MUST_CHECK;
void weft_attribute_program_fini(struct weft_attribute_program *program);
