#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct weft_redaction_rules;

/* Rules that are counted, each of a list by its place in it. */
enum weft_redaction_rule_kind {
    WEFT_REDACTION_BLOCKED_VALUE,
    WEFT_REDACTION_OWN_RULE,
    WEFT_REDACTION_DETECTOR,    /* enum weft_detector_id */
    WEFT_REDACTION_SANITIZER,   /* enum weft_sanitizer */
    WEFT_REDACTION_BLOCKED_KEY, /* all blocked_key_patterns as one */
    WEFT_REDACTION_DECODE,      /* of limits only: what is encoded wants too much work */
};

struct weft_redaction_rule_count {
    uint64_t values; /* keys and values in which it found something that was masked */
    uint64_t limits; /* those that were hidden as a whole, or whose key was, because it met its limits */
};

/* What each rule did, by its number; one per matcher, written and read on its worker. */
struct weft_redaction_tally {
    const struct weft_redaction_rules *rules;
    struct weft_redaction_rule_count *items;
    struct weft_redaction_rule_count *kept; /* as they were */
    size_t count;
    bool is_paused; /* what is looked at is no record */
};

enum { WEFT_REDACTION_RULE_NAME_BYTES = 48 };

enum weft_status weft_redaction_tally_init(struct weft_redaction_tally *tally,
                                           const struct weft_redaction_rules *rules) WEFT_MUST_CHECK;
void weft_redaction_tally_fini(struct weft_redaction_tally *tally);

/* What is counted between keep and restore was not done. */
void weft_redaction_tally_keep(struct weft_redaction_tally *tally);
void weft_redaction_tally_restore(struct weft_redaction_tally *tally);

void weft_redaction_count_value(struct weft_redaction_tally *tally, enum weft_redaction_rule_kind kind, size_t index);
void weft_redaction_count_limit(struct weft_redaction_tally *tally, enum weft_redaction_rule_kind kind, size_t index);

const struct weft_redaction_rule_count *weft_redaction_count_of(const struct weft_redaction_tally *tally,
                                                                enum weft_redaction_rule_kind kind, size_t index);
void weft_redaction_tally_clear(struct weft_redaction_tally *tally);

/* "blocked_values[0]", "rules[1]", "detector email", "url_sanitizer": as a config or `weft redact` has it. */
void weft_redaction_rule_name(enum weft_redaction_rule_kind kind, size_t index,
                              char out_name[WEFT_REDACTION_RULE_NAME_BYTES]);

/* The name of the rule with that number; false if the config has no such rule. */
bool weft_redaction_tally_name(const struct weft_redaction_tally *tally, size_t number,
                               char out_name[WEFT_REDACTION_RULE_NAME_BYTES]);
