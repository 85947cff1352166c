/* Keys with which operators read severities (severity_block.h), and what they do. */
#include "operators/severity_block.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { MAX_NUMBER_BYTES = 24 };

const struct weft_operator_key weft_severity_block_keys[] = {
    WEFT_SEVERITY_BLOCK_KEYS(struct weft_severity_block, ),
    { .key = NULL },
};

/* A preset that nobody knows is the default one, as in the Collector. */
static enum weft_status read_preset(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                    const struct weft_node *node)
{
    static const struct {
        const char *name;
        enum weft_severity_preset preset;
    } presets[] = {
        { "", WEFT_SEVERITY_PRESET_DEFAULT },     { "default", WEFT_SEVERITY_PRESET_DEFAULT },
        { "none", WEFT_SEVERITY_PRESET_NONE },    { "otel", WEFT_SEVERITY_PRESET_OTEL },
        { "aliases", WEFT_SEVERITY_PRESET_OTEL },
    };
    const char *text = block->preset_text == NULL ? "" : block->preset_text;
    for (size_t i = 0; i < WEFT_COUNT_OF(presets); i++) {
        if (strcmp(text, presets[i].name) == 0) {
            block->preset = presets[i].preset;
            return WEFT_OK;
        }
    }
    struct weft_position position = weft_node_position(node);
    enum weft_status status = weft_config_notes_add(reader->config.notes, WEFT_NOTE_WARNING,
                                                    "%s:%u: there is no preset \"%s\": the default one counts",
                                                    position.file, position.line, text);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->config.error, status, "no memory for notes");
}

enum weft_status weft_severity_block_compile(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                             const struct weft_node *node)
{
    const struct weft_node *mapping = block->mapping;
    block->mapping = NULL;
    enum weft_status status = read_preset(block, reader, node);
    status = status == WEFT_OK && mapping != NULL ? weft_severity_mapping_read(block, reader, mapping) : status;
    if (status == WEFT_OK && !block->parse_from.is_given) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs parse_from");
    }
    return status;
}

/* Written as Go writes integers: no sign but -, no zeros before it. */
static bool to_integer(struct weft_slice text, int64_t *out_number)
{
    size_t start = text.length > 0 && text.bytes[0] == '-';
    int64_t number = 0;
    bool is_padded = text.length > start + 1 && text.bytes[start] == '0';
    bool is_minus_zero = start == 1 && text.length == 2 && text.bytes[1] == '0';
    if (text.length == start || is_padded || is_minus_zero) {
        return false;
    }
    for (size_t i = start; i < text.length; i++) {
        int digit = text.bytes[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number)) {
            return false;
        }
    }
    *out_number = number;
    return start == 1 || !__builtin_sub_overflow(0, number, out_number);
}

static bool is_equal_folded(struct weft_slice lower, struct weft_slice text)
{
    bool is_same = lower.length == text.length;
    for (size_t i = 0; is_same && i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        is_same = lower.bytes[i] == (byte >= 'A' && byte <= 'Z' ? byte | 32 : byte);
    }
    return is_same;
}

static uint8_t of_preset(enum weft_severity_preset preset, struct weft_slice text)
{
    enum { LONGEST_NAME = 8 }; /* warning4 */
    uint8_t lower[LONGEST_NAME];
    if (text.length > LONGEST_NAME || preset == WEFT_SEVERITY_PRESET_NONE) {
        return 0;
    }
    for (size_t i = 0; i < text.length; i++) {
        lower[i] = text.bytes[i] >= 'A' && text.bytes[i] <= 'Z' ? text.bytes[i] | 32 : text.bytes[i];
    }
    struct weft_slice folded = weft_slice_of(lower, text.length);
    return preset == WEFT_SEVERITY_PRESET_OTEL ? weft_severity_of_alias(folded) : weft_severity_of_common_name(folded);
}

static uint8_t find(const struct weft_severity_block *block, struct weft_slice text)
{
    int64_t number = 0;
    bool is_number = to_integer(text, &number);
    for (size_t i = block->rule_count; i-- > 0;) {
        const struct weft_severity_rule *rule = &block->rules[i];
        bool is_text = rule->text.bytes != NULL;
        if (is_text ? is_equal_folded(rule->text, text) : is_number && number >= rule->min && number <= rule->max) {
            return rule->severity;
        }
    }
    return of_preset(block->preset, text);
}

/* Whole numbers as texts; bytes NULL: the value has none, or there is no memory. */
static struct weft_slice to_text(const struct weft_log_value *value, struct weft_entry_memory *memory,
                                 bool *out_is_kind)
{
    static const double limit = 9223372036854775808.0;
    bool is_whole = value->kind == WEFT_LOG_DOUBLE && fabs(value->real) < limit && value->real == trunc(value->real);
    *out_is_kind = value->kind == WEFT_LOG_INT || is_whole;
    char *text = *out_is_kind ? weft_entry_memory_try_alloc(memory, MAX_NUMBER_BYTES) : NULL;
    if (text == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    snprintf(text, MAX_NUMBER_BYTES, "%" PRId64, is_whole ? (int64_t)value->real : value->integer);
    return weft_slice_of_text(text);
}

static void set(const struct weft_severity_block *block, struct weft_slice text, struct weft_log_entry *entry)
{
    entry->severity = find(block, text);
    bool is_named = entry->severity > 0 && (block->overwrite_text || text.length == 0);
    entry->severity_text = is_named ? weft_slice_of_text(weft_severity_short_name(entry->severity)) : text;
}

enum weft_operator_verdict weft_severity_block_apply(const struct weft_severity_block *block,
                                                     struct weft_operator_run *run, struct weft_log_entry *entry)
{
    struct weft_log_value value;
    if (!weft_log_path_get(&block->parse_from, entry, &value)) {
        return weft_operator_fail(run, "there is no %s with a severity", block->parse_from.text);
    }
    if (value.kind == WEFT_LOG_STRING || value.kind == WEFT_LOG_BYTES) {
        set(block, value.text, entry);
        return WEFT_OPERATOR_SEND;
    }
    bool is_kind;
    struct weft_slice text = to_text(&value, entry->memory, &is_kind);
    if (!is_kind) {
        return weft_operator_fail(run, "%s is %s, which is no severity", block->parse_from.text,
                                  weft_log_value_kind_text(value.kind));
    }
    if (text.bytes == NULL) {
        return weft_operator_fail_memory(run);
    }
    set(block, text, entry);
    return WEFT_OPERATOR_SEND;
}
