#pragma once

#include "base/buffer.h"
#include "base/digest.h"
#include "base/pattern.h"
#include "config/field.h"
#include "config/named_keys.h"
#include "processors/redaction_counts.h"
#include "processors/redaction_detectors.h"
#include "processors/redaction_encoded.h"
#include "processors/redaction_pace.h"
#include "processors/redaction_sanitize.h"

/* What a redaction does with keys and texts, apart from where they stand. The rules never change and are shared by all
 * workers; each has a matcher of its own for them. Whatever cannot be decided (a pattern that meets its limits, memory
 * that runs out) is decided for hiding, and counted. */
enum weft_redaction_summary {
    WEFT_REDACTION_NO_SUMMARY, /* the key is not there, or "" */
    WEFT_REDACTION_SILENT,
    WEFT_REDACTION_INFO,
    WEFT_REDACTION_DEBUG
};

/* Where it acts. */
enum weft_redaction_scope { WEFT_REDACTION_COLLECTOR, WEFT_REDACTION_ALL };

enum weft_redaction_hash {
    WEFT_REDACTION_NO_HASH,
    WEFT_REDACTION_MD5,
    WEFT_REDACTION_SHA1,
    WEFT_REDACTION_SHA3,
    WEFT_REDACTION_HMAC_SHA256,
    WEFT_REDACTION_HMAC_SHA512
};

/* An item of `rules`: pattern or detector, mask or tokenize. */
struct weft_redaction_own_config {
    char *pattern, *detector, *mask;
    bool tokenize;
};

struct weft_redaction_sanitizer_config {
    bool enabled;
    struct weft_config_strings attributes;
};

struct weft_redaction_url_config {
    bool enabled, sanitize_span_name;
    struct weft_config_strings attributes;
};

struct weft_redaction_db_config {
    struct weft_redaction_sanitizer_config sql, redis, valkey, memcached, mongo, opensearch, es;
    bool sanitize_span_name;
};

struct weft_redaction_config {
    bool allow_all_keys;
    bool redact_all_types;
    struct weft_config_strings allowed_keys, ignored_keys;
    struct weft_config_strings ignored_key_patterns, blocked_key_patterns, blocked_values, allowed_values;
    struct weft_config_strings detectors;
    struct weft_config_strings decode;
    struct weft_config_list rules; /* struct weft_redaction_own_config */
    struct weft_secret token_key;
    struct weft_choice summary;       /* enum weft_redaction_summary */
    struct weft_choice hash_function; /* enum weft_redaction_hash */
    struct weft_choice scope;         /* enum weft_redaction_scope */
    struct weft_secret hmac_key;
    struct weft_redaction_url_config url_sanitizer;
    struct weft_redaction_db_config db_sanitizer;
};

/* Texts in order of length and bytes; they are borrowed from the config. */
struct weft_redaction_keys {
    struct weft_slice *items;
    size_t count;
};

/* needs says of each pattern without matching that it cannot match in a text. any matches where at least one of the
 * items does: one look instead of one for each. NULL with fewer than two, or if there is none that is small enough. */
struct weft_redaction_patterns {
    struct weft_pattern **items;
    struct weft_pattern_needs *needs;
    size_t count;
    struct weft_pattern *any;
};

/* A rule with a replacement of its own. */
struct weft_redaction_own {
    const struct weft_pattern *pattern; /* NULL: a detector */
    enum weft_detector_id detector;
    struct weft_slice mask;
    bool is_token;
};

/* Which sanitizers there are, and the attributes that each looks at (redaction_sanitizers.c). */
struct weft_redaction_sanitizers {
    weft_sanitizer_set enabled;
    struct weft_redaction_keys attributes[WEFT_SANITIZERS];
    weft_sanitizer_set of_names; /* those that look at names of spans */
};

struct weft_redaction_rules {
    bool allow_all_keys, redact_all_types;
    enum weft_redaction_summary summary;
    enum weft_redaction_scope scope;
    enum weft_redaction_hash hash;
    struct weft_slice hmac_key;
    struct weft_redaction_keys allowed_keys, ignored_keys;
    struct weft_redaction_patterns ignored_key_patterns, blocked_key_patterns, blocked_values, allowed_values;
    struct weft_redaction_own *own; /* in their order */
    size_t own_count;
    struct weft_redaction_patterns own_patterns;
    struct weft_slice token_key;
    bool has_tokens;
    weft_detector_set own_detectors, masked_detectors; /* of own; those that mask as blocked_values do */
    struct weft_detector_filter detectors;             /* all of them */
    struct weft_encoded_rules encoded;
    struct weft_redaction_sanitizers sanitizers;
};

/* config outlives the rules. WEFT_INVALID, WEFT_UNSUPPORTED and WEFT_LIMIT name key, pattern and offset; who validates
 * knows the file and the line. */
enum weft_status weft_redaction_rules_new(const struct weft_redaction_config *config,
                                          struct weft_redaction_rules **out_rules,
                                          struct weft_error *error) WEFT_MUST_CHECK;
void weft_redaction_rules_free(struct weft_redaction_rules **own_rules);

struct weft_redaction_matcher {
    const struct weft_redaction_rules *rules;
    struct weft_pattern_scratch *scratch;
    struct weft_digest *digest;             /* NULL: masks are **** */
    struct weft_digest *token_digest;       /* NULL: no rule makes tokens */
    struct weft_buffer *found_by;           /* names of rules that found something; NULL: nobody asks */
    uint64_t limit_count;                   /* matches that met their limits */
    struct weft_redaction_pace pace;        /* of the batch under way */
    struct weft_redaction_tally tally;      /* what each rule did */
    struct weft_buffer text, next_text;     /* while a text is masked (redaction_mask.c) */
    struct weft_buffer origin, next_origin; /* uint32_t: by byte of text, where it stood at first */
    struct weft_buffer marks;               /* uint8_t: by byte of the text as it came */
    struct weft_unescaped unescaped;
    struct weft_encoded encoded;
    struct weft_buffer sanitized[2]; /* what one sanitizer has left, for the next */
};

/* Whatever it returns, fini comes after it. */
enum weft_status weft_redaction_matcher_init(struct weft_redaction_matcher *matcher,
                                             const struct weft_redaction_rules *rules,
                                             struct weft_error *error) WEFT_MUST_CHECK;
void weft_redaction_matcher_fini(struct weft_redaction_matcher *matcher);

/* Gives back what a large text has left behind. */
void weft_redaction_matcher_trim(struct weft_redaction_matcher *matcher);

enum weft_redaction_verdict {
    WEFT_REDACTION_LOOK,   /* the value decides */
    WEFT_REDACTION_IGNORE, /* stays as it is */
    WEFT_REDACTION_REMOVE, /* not among the allowed keys */
    WEFT_REDACTION_MASK,   /* the whole value is masked, unless it is an allowed one */
};

/* is_listed: whether allowed_keys speaks of this key. */
enum weft_redaction_verdict weft_redaction_judge_key(struct weft_redaction_matcher *matcher, struct weft_slice key,
                                                     bool is_listed);

/* Whether one of allowed_values matches. */
bool weft_redaction_allows(struct weft_redaction_matcher *matcher, struct weft_slice text);

/* Masks what blocked_values and rules match and detectors find. True if the text is another one now; *out_masked is the
 * matcher's and lasts until the next call.
 *
 * As the Collector does, the patterns work one after another, each on what the ones before have left, then rules with
 * replacements of their own, then detectors. But one's mask may hide from another what it would have matched: then all
 * that any of them matches in the text as it came is masked, so that nothing stays readable because of the order of the
 * rules. */
bool weft_redaction_mask(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_slice *out_masked);

/* The same, and then what the sanitizers make of it. */
bool weft_redaction_mask_value(struct weft_redaction_matcher *matcher, struct weft_sanitizing sanitizing,
                               struct weft_slice text, struct weft_slice *out_masked);

/* The text as the sanitizers leave it, one after another. False if they leave it as it is; *out_sanitized is the
 * matcher's and lasts until the next call. */
bool weft_redaction_sanitize(struct weft_redaction_matcher *matcher, struct weft_sanitizing sanitizing,
                             struct weft_slice text, struct weft_slice *out_sanitized);

/* The value of a key that is blocked: a mask for each of its lines. Appended to out. */
void weft_redaction_mask_lines(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_buffer *out);

/* Appends what takes the place of a text that is hidden: **** or the text's hash. */
void weft_redaction_put_mask(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_buffer *out);

/* Makes `rules` of the config. WEFT_INVALID, WEFT_UNSUPPORTED, WEFT_LIMIT and WEFT_NOMEM name the item. */
enum weft_status weft_redaction_own_make(const struct weft_redaction_config *config, struct weft_redaction_rules *rules,
                                         struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_redaction_token_digest_new(const struct weft_redaction_rules *rules,
                                                 struct weft_digest **out_digest,
                                                 struct weft_error *error) WEFT_MUST_CHECK;

/* Makes url_sanitizer and db_sanitizer of the config. WEFT_NOMEM. */
enum weft_status weft_redaction_sanitizers_make(const struct weft_redaction_config *config,
                                                struct weft_redaction_sanitizers *sanitizers) WEFT_MUST_CHECK;
void weft_redaction_sanitizers_fini(struct weft_redaction_sanitizers *sanitizers);

/* The database that the attributes in that field of a message name. */
struct weft_redaction_system {
    bool is_named; /* by an attribute that is not empty */
    bool is_mysql;
    weft_sanitizer_set known_by; /* the sanitizers for it */
};

struct weft_redaction_system weft_redaction_system_of(const struct weft_redaction_sanitizers *sanitizers,
                                                      struct weft_slice message, uint32_t field);

/* What looks at the value of an attribute; is_log: whether a database need not be named. */
struct weft_sanitizing weft_redaction_sanitizing_of(const struct weft_redaction_sanitizers *sanitizers,
                                                    const struct weft_redaction_system *system, bool is_log,
                                                    struct weft_slice key);

/* Appends what takes the place of a text that the rule has found; own NULL: a mask. */
void weft_redaction_put_own(struct weft_redaction_matcher *matcher, const struct weft_redaction_own *own,
                            struct weft_slice text, struct weft_buffer *out);

/* The digest of the rules' hash function, NULL if they have none. WEFT_INVALID for a key that is too short,
 * WEFT_UNSUPPORTED for a hash that this machine does not offer, WEFT_NOMEM. */
enum weft_status weft_redaction_digest_new(const struct weft_redaction_rules *rules, struct weft_digest **out_digest,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* What becomes of attributes with such keys; the config is a valid one. WEFT_NOMEM. */
enum weft_status weft_redaction_judge_keys(const struct weft_redaction_config *config,
                                           const struct weft_named_keys *keys, struct weft_key_fate *out_fates,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* The texts of a config as keys, and whether one of them is the key. */
enum weft_status weft_redaction_keys_make(const struct weft_config_strings *texts,
                                          struct weft_redaction_keys *out_keys) WEFT_MUST_CHECK;
bool weft_redaction_has_key(const struct weft_redaction_keys *keys, struct weft_slice key);

#define WEFT_REDACTION_MASK_TEXT WEFT_SLICE_LITERAL("****")

/* A batch begins: from now on its patterns have as long as redaction_pace.h says. Before that they have for ever. */
void weft_redaction_matcher_begin(struct weft_redaction_matcher *matcher);

/* Whether there is time left to match so many patterns in the text. */
bool weft_redaction_has_time(struct weft_redaction_matcher *matcher, struct weft_slice text, size_t pattern_count);

/* Whether there are any, of keys or values. */
static inline bool weft_redaction_has_patterns(const struct weft_redaction_rules *rules)
{
    return rules->allowed_values.count + rules->ignored_key_patterns.count + rules->blocked_key_patterns.count +
               rules->blocked_values.count + rules->own_patterns.count >
           0;
}

/* Whether one of the patterns matches; the second for those that meet their limits. */
bool weft_redaction_matches(struct weft_redaction_matcher *matcher, const struct weft_redaction_patterns *patterns,
                            struct weft_slice text, bool is_match_at_limit);
