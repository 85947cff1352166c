/* Alias words (alias_words.h): one walk over the attributes of a record for all families together. */
#include "join/alias_words.h"

#include <stdio.h>

#include "wire/checked.h"

enum {
    LINKS_FIELD = 13,        /* of Span */
    LINK_TRACE_ID_FIELD = 1, /* of Link */
    TRACEPARENT_BYTES = 55,
    STOP_WORD_BYTES_MAX = 9,
    TRACE_TEXT_BYTES_MAX = 1024,
};

/* ---- values ---- */

static bool is_all_zeros(struct weft_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] != '0' && value.bytes[i] != '-' && value.bytes[i] != 'x') {
            return false;
        }
    }
    return true;
}

static bool equals_ignoring_case(struct weft_slice value, const char *word)
{
    for (size_t i = 0; i < value.length; i++) {
        uint8_t byte = value.bytes[i];
        byte = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
        if (byte != (uint8_t)word[i]) {
            return false;
        }
    }
    return true;
}

/* What programs write where they have no id. */
static bool is_stop_word(struct weft_slice value)
{
    static const char *const words[] = { "null",   "none",   "true",    "void",    "empty",     "false",   "undef",
                                         "(null)", "<null>", "(none)",  "<none>",  "unset",     "<nil>",   "test",
                                         "string", "object", "unknown", "default", "undefined", "missing", "n.a." };
    for (size_t i = 0; i < WEFT_COUNT_OF(words) && value.length <= STOP_WORD_BYTES_MAX; i++) {
        if (strlen(words[i]) == value.length && equals_ignoring_case(value, words[i])) {
            return true;
        }
    }
    return is_all_zeros(value);
}

static bool is_word(struct weft_slice value)
{
    return value.length >= WEFT_ALIAS_VALUE_BYTES_MIN && value.length <= WEFT_ALIAS_VALUE_BYTES_MAX &&
           !is_stop_word(value);
}

/* ---- collecting ---- */

static void add(struct weft_alias_words *words, const struct weft_alias *alias)
{
    for (size_t i = 0; i < words->count; i++) {
        if (memcmp(words->items[i].bytes, alias->bytes, WEFT_ALIAS_BYTES) == 0) {
            return;
        }
    }
    if (words->count == WEFT_ALIAS_WORDS_MAX) {
        words->passed_count++;
        return;
    }
    size_t at = words->count++;
    for (; at > 0 && words->items[at - 1].rank > alias->rank; at--) {
        words->items[at] = words->items[at - 1];
    }
    words->items[at] = *alias;
}

/* The family is put on top of the value's hash: one value in two families differs by what the families differ in, and
 * two values differ wherever they are. */
static void add_value(struct weft_alias_words *words, const struct weft_hash_secret *secret,
                      const struct weft_alias_source *source, struct weft_slice value)
{
    struct weft_alias alias = { .rank = source->rank };
    uint64_t low;
    weft_hash_wide(secret, value, alias.bytes);
    memcpy(&low, alias.bytes, sizeof low);
    low ^= source->family_hash;
    memcpy(alias.bytes, &low, sizeof low);
    add(words, &alias);
}

static void add_trace(struct weft_alias_words *words, uint32_t rank, const uint8_t *trace_id)
{
    static const uint8_t no_id[WEFT_TRACE_ID_BYTES];
    if (memcmp(trace_id, no_id, sizeof no_id) != 0) {
        struct weft_alias alias = { .rank = rank, .is_trace = true };
        memcpy(alias.bytes, trace_id, WEFT_ALIAS_BYTES);
        add(words, &alias);
    }
}

/* A traceparent, or a text with one in it (Inngest's traceref is URL-escaped JSON: escapes leave ids alone). */
static void add_traceparents(struct weft_alias_words *words, uint32_t rank, struct weft_slice text)
{
    for (size_t at = 0; text.length <= TRACE_TEXT_BYTES_MAX && at + TRACEPARENT_BYTES <= text.length; at++) {
        struct weft_trace_context context;
        const uint8_t *bytes = text.bytes + at;
        if (bytes[0] == '0' && bytes[1] == '0' && bytes[2] == '-' &&
            weft_ids_of_header(WEFT_ID_TRACEPARENT, weft_slice_of(bytes, TRACEPARENT_BYTES), &context) ==
                WEFT_ID_PROBLEM_OK) {
            add_trace(words, rank, context.trace_id.bytes);
            at += TRACEPARENT_BYTES - 1;
        }
    }
}

static void add_attribute(struct weft_alias_words *words, const struct weft_hash_secret *secret,
                          const struct weft_alias_source *source, struct weft_slice contents)
{
    char digits[24];
    struct weft_otlp_value value = weft_otlp_value_of(contents, WEFT_OTLP_VALUE_FIELD);
    if (value.kind == WEFT_OTLP_VALUE_INT) {
        int length = snprintf(digits, sizeof digits, "%lld", (long long)value.integer);
        value.bytes = weft_slice_of(digits, (size_t)length);
    } else if (value.kind != WEFT_OTLP_VALUE_STRING) {
        return;
    }
    if (source->is_trace) {
        add_traceparents(words, source->rank, value.bytes);
    } else if (is_word(value.bytes)) {
        add_value(words, secret, source, value.bytes);
    }
}

static void add_attributes(struct weft_alias_words *words, const struct weft_alias_rules *rules,
                           const struct weft_hash_secret *secret, struct weft_slice attributes, uint32_t field)
{
    struct weft_otlp_attribute attribute;
    while (weft_otlp_attribute_next(&attributes, field, &rules->keys, &attribute)) {
        uint16_t next = rules->keys.first[weft_otlp_key_slot(attribute.key)];
        for (; next != 0; next = rules->sources[next - 1].next) {
            const struct weft_alias_source *source = &rules->sources[next - 1];
            if (weft_slice_equal(source->attribute, attribute.key)) {
                add_attribute(words, secret, source, attribute.contents);
            }
        }
    }
}

static void add_links(struct weft_alias_words *words, uint32_t rank, struct weft_slice span)
{
    struct weft_wire_reader links = weft_wire_reader_of(span);
    struct weft_slice link;
    while (weft_wire_next_message(&links, LINKS_FIELD, &link)) {
        struct weft_wire_reader fields = weft_wire_reader_of(link);
        struct weft_slice trace_id;
        while (weft_wire_next_message(&fields, LINK_TRACE_ID_FIELD, &trace_id)) {
            if (trace_id.length == WEFT_TRACE_ID_BYTES) {
                add_trace(words, rank, trace_id.bytes);
            }
        }
    }
}

void weft_alias_words_of_span(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                              struct weft_slice span, const struct weft_span_index *index,
                              struct weft_alias_words *out_words)
{
    out_words->count = out_words->passed_count = 0;
    add_attributes(out_words, rules, secret, index->attributes, weft_otlp_attributes_field(WEFT_TRACES));
    if (rules->has_links && index->link_count > 0 && index->link_count <= WEFT_ALIAS_LINKS_MAX) {
        add_links(out_words, rules->links_rank, span);
    }
}

void weft_alias_words_of_log(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                             const struct weft_log_index *index, struct weft_alias_words *out_words)
{
    out_words->count = out_words->passed_count = 0;
    add_attributes(out_words, rules, secret, index->attributes, weft_otlp_attributes_field(WEFT_LOGS));
}

void weft_alias_words_of_text(const struct weft_alias_rules *rules, const struct weft_hash_secret *secret,
                              struct weft_slice text, struct weft_alias_words *out_words)
{
    out_words->count = out_words->passed_count = 0;
    for (size_t i = 0; i < rules->source_count && is_word(text); i++) {
        if (!rules->sources[i].is_trace) {
            add_value(out_words, secret, &rules->sources[i], text);
        }
    }
}
