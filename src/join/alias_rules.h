#pragma once

#include "base/hash.h"
#include "config/field.h"
#include "config/named_keys.h"
#include "wire/ids.h"
#include "wire/otlp_attributes.h"

/* Which words join traces (the block `aliases`): attributes by family. A word counts within its family: an alias is
 * (family, value), so attributes that are to meet stand in one family. A word that is a trace id (a link, a
 * traceparent) is of no family: it is the trace that has that id. */
struct weft_alias_config {
    struct weft_config_strings families;
    struct weft_config_list custom; /* of struct weft_alias_custom_config */
    struct weft_duration alias_ttl;
    uint64_t alias_memory;
    struct weft_position position;
};

struct weft_alias_custom_config {
    char *name;
    struct weft_config_strings attributes;
    struct weft_position position;
};

extern const struct weft_field weft_alias_fields[];

/* An attribute that may hold a word. */
struct weft_alias_source {
    struct weft_slice attribute;
    uint64_t family_hash; /* of its name */
    uint32_t rank;        /* of its family, in the order of the config */
    uint16_t next;        /* of the same slot; index + 1, 0 = the last */
    bool is_trace;        /* its value has traceparents in it */
};

struct weft_alias_rules {
    struct weft_alias_source *sources;
    size_t source_count;
    struct weft_otlp_keys keys; /* index + 1 into sources */
    uint32_t links_rank;
    bool has_links;
    int64_t ttl_ns;
    uint64_t memory_bytes; /* of the process */
};

/* Nothing of the config is borrowed. WEFT_INVALID with file:line, WEFT_NOMEM. */
enum weft_status weft_alias_rules_new(const struct weft_alias_config *config, struct weft_alias_rules **out_rules,
                                      struct weft_error *error) WEFT_MUST_CHECK;
void weft_alias_rules_free(struct weft_alias_rules **own_rules);

/* Adds the attributes that hold words, by family. The config is one that rules were made of. WEFT_NOMEM. */
enum weft_status weft_alias_name_keys(const struct weft_alias_config *config,
                                      struct weft_named_keys *keys) WEFT_MUST_CHECK;
