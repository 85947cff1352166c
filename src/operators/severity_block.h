#pragma once

#include "operators/operator_internal.h"

/* Keys with which operators read severities: the block `severity` of parsers, and those of severity_parser. */
struct weft_severity_rule {
    struct weft_slice text; /* in lower case; bytes NULL: an integer from min to max */
    int64_t min, max;
    uint8_t severity;
};

enum weft_severity_preset { WEFT_SEVERITY_PRESET_DEFAULT, WEFT_SEVERITY_PRESET_OTEL, WEFT_SEVERITY_PRESET_NONE };

struct weft_severity_block {
    struct weft_log_path parse_from;
    const char *preset_text;
    const struct weft_node *mapping; /* while compiling */
    bool overwrite_text;

    enum weft_severity_preset preset;
    struct weft_severity_rule *rules; /* the last that fits counts, and all of them before the preset */
    size_t rule_count;
};

/* Rows of a table of keys; member: where the block lies in type, with its point, or nothing. */
#define WEFT_SEVERITY_BLOCK_KEYS(type, member)                          \
    WEFT_OPERATOR_KEY_AT("parse_from", PATH, type, member parse_from),  \
        WEFT_OPERATOR_KEY_AT("preset", TEXT, type, member preset_text), \
        WEFT_OPERATOR_KEY_AT("mapping", NODE, type, member mapping),    \
        WEFT_OPERATOR_KEY_AT("overwrite_text", BOOL, type, member overwrite_text)

extern const struct weft_operator_key weft_severity_block_keys[];

/* node: where the keys stand. */
enum weft_status weft_severity_block_compile(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                             const struct weft_node *node) WEFT_MUST_CHECK;

/* Sets the entry's severity and its text, also for a value that no rule has: that is severity 0. On failure they stay
 * as they are. */
enum weft_operator_verdict weft_severity_block_apply(const struct weft_severity_block *block,
                                                     struct weft_operator_run *run, struct weft_log_entry *entry);

/* severity_mapping.c: makes the rules. */
enum weft_status weft_severity_mapping_read(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                            const struct weft_node *mapping) WEFT_MUST_CHECK;

/* severity_names.c: "info3" or "11", in lower case, as 11; 0: neither. */
uint8_t weft_severity_of_alias(struct weft_slice text);

/* Also "err2", "warning". */
uint8_t weft_severity_of_common_name(struct weft_slice text);

/* "INFO3"; severity is 1 to 24. */
const char *weft_severity_short_name(uint8_t severity);
