#pragma once

#include "join/alias_rules.h"
#include "wire/otlp_index.h"

/* The alias words of a record. A word is known by 16 bytes: of one that is a trace id that id, of any other a hash of
 * its family and value under the process's secret, so that whoever writes values cannot make two meet. Values under 4
 * or over 256 bytes, words that stand for nothing, and the links of a span with more than 4 are no words. */
enum {
    WEFT_ALIAS_BYTES = WEFT_TRACE_ID_BYTES,
    WEFT_ALIAS_VALUE_BYTES_MIN = 4,
    WEFT_ALIAS_VALUE_BYTES_MAX = 256,
    WEFT_ALIAS_LINKS_MAX = 4,
    WEFT_ALIAS_WORDS_MAX = 16, /* of one record; more are passed over, and counted */
};

struct weft_alias {
    uint8_t bytes[WEFT_ALIAS_BYTES];
    uint32_t rank;
    bool is_trace;
};

/* By what a trace remembers that it has told an alias. Of all its bytes: ids of traces may begin with the time. */
static inline uint32_t weft_alias_mark(const uint8_t *alias)
{
    uint32_t parts[WEFT_ALIAS_BYTES / sizeof(uint32_t)];
    memcpy(parts, alias, sizeof parts);
    return parts[0] ^ parts[1] ^ parts[2] ^ parts[3];
}

/* In the order of the families, first in the config first. */
struct weft_alias_words {
    struct weft_alias items[WEFT_ALIAS_WORDS_MAX];
    size_t count;
    size_t passed_count; /* beyond them: not told apart, so that one may count twice */
};

void weft_alias_words_of_span(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                              struct weft_slice span, const struct weft_span_index *index,
                              struct weft_alias_words *out_words);
void weft_alias_words_of_log(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                             const struct weft_log_index *index, struct weft_alias_words *out_words);

/* What somebody asks for: the value in each family. */
void weft_alias_words_of_text(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                              struct weft_slice text, struct weft_alias_words *out_words);
