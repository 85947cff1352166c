/* Keys with which operators read trace contexts (trace_block.h), and what they do. */
#include "operators/trace_block.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/hex.h"

const struct weft_operator_key weft_trace_block_source_keys[] = {
    WEFT_OPERATOR_KEY(struct weft_trace_block_source, parse_from, PATH),
    { .key = NULL },
};

const struct weft_operator_key weft_trace_block_keys[] = {
    WEFT_TRACE_BLOCK_KEYS(struct weft_trace_block, ),
    { .key = NULL },
};

static enum weft_status set_default(struct weft_trace_block_source *source, const char *path,
                                    struct weft_operator_reader *reader)
{
    return source->parse_from.is_given ? WEFT_OK
                                       : weft_log_path_parse(path, false, &reader->operators->memory,
                                                             &source->parse_from, reader->config.error);
}

enum weft_status weft_trace_block_compile(struct weft_trace_block *block, struct weft_operator_reader *reader)
{
    enum weft_status status = set_default(&block->trace_id, "body.trace_id", reader);
    status = status == WEFT_OK ? set_default(&block->span_id, "body.span_id", reader) : status;
    return status == WEFT_OK ? set_default(&block->trace_flags, "body.trace_flags", reader) : status;
}

/* Numbers as Go prints them, as far as that can be hex: doubles from a million on have a point or an exponent. */
static bool to_text(const struct weft_log_value *value, char *scratch, size_t size, struct weft_slice *out_text)
{
    static const double limit = 1e6;
    int length = -1;
    if (value->kind == WEFT_LOG_STRING) {
        *out_text = value->text;
        return true;
    }
    if (value->kind == WEFT_LOG_INT) {
        length = snprintf(scratch, size, "%" PRId64, value->integer);
    } else if (value->kind == WEFT_LOG_DOUBLE && !signbit(value->real) && value->real < limit &&
               value->real == trunc(value->real)) {
        length = snprintf(scratch, size, "%.0f", value->real);
    }
    *out_text = weft_slice_of(scratch, length < 0 ? 0 : (size_t)length);
    return length >= 0;
}

/* All of it must be hex; what has no room is left out. */
static bool read_hex(struct weft_slice text, uint8_t *out_bytes, size_t size)
{
    if (text.length % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.length; i += 2) {
        int byte = weft_hex_byte(text.bytes + i);
        if (byte < 0) {
            return false;
        }
        if (i / 2 < size) {
            out_bytes[i / 2] = (uint8_t)byte;
        }
    }
    return true;
}

/* out_bytes are zeros if there is nothing. False: there is, and it is no hex. */
static bool read_source(const struct weft_trace_block_source *source, struct weft_log_entry *entry, uint8_t *out_bytes,
                        size_t size)
{
    char scratch[32];
    struct weft_log_value value;
    struct weft_slice text;
    memset(out_bytes, 0, size);
    if (!weft_log_path_get(&source->parse_from, entry, &value)) {
        return true;
    }
    if (to_text(&value, scratch, sizeof scratch, &text) && read_hex(text, out_bytes, size)) {
        return true;
    }
    memset(out_bytes, 0, size);
    return false;
}

static bool has_bits(const uint8_t *bytes, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= bytes[i];
    }
    return all != 0;
}

enum weft_operator_verdict weft_trace_block_apply(const struct weft_trace_block *block, struct weft_operator_run *run,
                                                  struct weft_log_entry *entry)
{
    uint8_t flags;
    bool is_trace = read_source(&block->trace_id, entry, entry->trace_id, sizeof entry->trace_id);
    bool is_span = read_source(&block->span_id, entry, entry->span_id, sizeof entry->span_id);
    bool are_flags = read_source(&block->trace_flags, entry, &flags, sizeof flags);
    entry->has_trace_id = has_bits(entry->trace_id, sizeof entry->trace_id);
    entry->has_span_id = has_bits(entry->span_id, sizeof entry->span_id);
    entry->trace_flags = flags;
    if (is_trace && is_span && are_flags) {
        return WEFT_OPERATOR_SEND;
    }
    const struct weft_trace_block_source *wrong = !is_trace  ? &block->trace_id
                                                  : !is_span ? &block->span_id
                                                             : &block->trace_flags;
    return weft_operator_fail(run, "%s is no hex", wrong->parse_from.text);
}
