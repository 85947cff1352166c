/* One line of a log as one LogRecord (log_line.h). A line that turns out to be no JSON is started again as text, with
 * the ids, time and words that its beginning had; one that is no UTF-8 is started again once, repaired. What depends on
 * more than one key (ids, severity, a body that might come) waits for the end of the line. */
#include "wire/log_line.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "wire/log_line_internal.h"
#include "wire/log_line_record.h"

/* Everything of the line before, except the memory. */
static void begin(struct weft_log_line_reader *reader, struct weft_slice line, uint32_t flags)
{
    memset(&reader->state, 0, sizeof reader->state);
    reader->state.flags = flags;
    reader->state.nested.problem = WEFT_ID_PROBLEM_ABSENT;
    reader->state.traceparent.problem = WEFT_ID_PROBLEM_ABSENT;
    reader->top.traces = reader->top.spans = reader->top.flags = 0;
    reader->inside.traces = reader->inside.spans = reader->inside.flags = 0;
    weft_line_see_keys(reader, reader->source.keys, reader->source.key_count);
    reader->begin = line.bytes;
    reader->end = line.bytes + line.length;
    reader->block_end = line.length < WEFT_LINE_COPY_BLOCK ? 0 : line.length - WEFT_LINE_COPY_BLOCK + 1;
}

enum outcome { IS_JSON, IS_BROKEN, HAS_MORE };

static enum outcome read_object(struct weft_log_line_reader *reader, const uint8_t *at)
{
    at = weft_line_read_members(reader, at, WEFT_LINE_PLACE_TOP);
    if (at == NULL) {
        return IS_BROKEN;
    }
    return weft_json_skip_space(at, reader->end) == reader->end ? IS_JSON : HAS_MORE;
}

/* A line of text, or of JSON up to a fault: what has been written of it is taken back, what has been found stays. */
static void read_text(struct weft_log_line_reader *reader, struct weft_slice line, size_t record_at)
{
    reader->to = reader->out->bytes + record_at;
    reader->state.has_body = true;
    weft_line_flag(reader, WEFT_LINE_TEXT);
    if (memchr(line.bytes, 0, line.length) != NULL) {
        weft_line_flag(reader, WEFT_LINE_NUL_BYTE);
    }
    if (!weft_line_put_text(reader, WEFT_LINE_TAG_BODY, NULL, line)) {
        return;
    }
    weft_line_forget_written(reader);
}

/* The line as it is, or with U+FFFD for what is no UTF-8. */
static bool repair(struct weft_log_line_reader *reader, struct weft_slice *line)
{
    weft_buffer_clear(&reader->repaired);
    weft_utf8_append_repaired_by_part(&reader->repaired, *line);
    if (weft_buffer_status(&reader->repaired) != WEFT_OK) {
        reader->is_out_of_memory = true;
        return false;
    }
    *line = weft_buffer_slice(&reader->repaired);
    return true;
}

static void read_record(struct weft_log_line_reader *reader, struct weft_slice line, uint32_t flags, size_t record_at)
{
    begin(reader, line, flags);
    const uint8_t *at = weft_json_skip_space(line.bytes, reader->end);
    bool is_object = at < reader->end && *at == '{' && !reader->source.is_text;
    enum outcome outcome = is_object ? read_object(reader, at) : IS_BROKEN;
    if (outcome == IS_JSON || reader->is_out_of_memory) {
        return;
    }
    if ((flags & 1u << WEFT_LINE_BAD_UTF8) == 0 && !weft_line_is_utf8(line)) {
        if (repair(reader, &line)) {
            reader->to = reader->out->bytes + record_at;
            read_record(reader, line, flags | 1u << WEFT_LINE_BAD_UTF8, record_at); /* once */
        }
        return;
    }
    if (is_object && (flags & 1u << WEFT_LINE_CUT) == 0) {
        weft_line_flag(reader, outcome == HAS_MORE ? WEFT_LINE_TRAILING_BYTES : WEFT_LINE_BROKEN_JSON);
    }
    read_text(reader, line, record_at);
}

enum weft_status weft_log_line_read(struct weft_log_line_reader *reader, struct weft_slice line, uint64_t observed_ns,
                                    struct weft_buffer *out, struct weft_log_line *out_line)
{
    uint32_t flags = 0;
    line = reader->source.is_text ? weft_slice_trim(line) : line;
    if (line.length > reader->settings.max_line_bytes) {
        line.length = weft_line_cut_utf8(line, reader->settings.max_line_bytes);
        flags = 1u << WEFT_LINE_CUT;
    }
    line = line.length == 0 ? WEFT_SLICE_LITERAL("") : line;
    reader->out = out;
    reader->is_out_of_memory = false;
    reader->to = weft_buffer_reserve(out, line.length + line.length / 2 + WEFT_LINE_RECORD_ROOM);
    if (reader->to == NULL) {
        return WEFT_NOMEM;
    }
    reader->room_end = out->bytes + out->capacity;
    *reader->to++ = WEFT_LINE_TAG_RECORD;
    struct weft_line_opened record = weft_line_open(reader, line.length);
    read_record(reader, line, flags, record.start);
    struct weft_log_line result;
    if (reader->is_out_of_memory || !weft_line_finish_record(reader, observed_ns, &result)) {
        return WEFT_NOMEM;
    }
    result.record_length = (size_t)(reader->to - out->bytes) - record.start;
    if (!weft_line_close(reader, &record)) {
        return WEFT_NOMEM;
    }
    out->length = (size_t)(reader->to - out->bytes);
    result.record_at = out->length - result.record_length;
    *out_line = result;
    return WEFT_OK;
}

struct weft_log_line_reader *weft_log_line_reader_new(const struct weft_log_line_settings *settings)
{
    struct weft_log_line_reader *reader = weft_alloc(sizeof *reader);
    reader->settings = *settings;
    if (reader->settings.max_line_bytes == 0) {
        reader->settings.max_line_bytes = WEFT_LINE_DEFAULT_BYTES;
    }
    weft_buffer_init(&reader->key, 0);
    weft_buffer_init(&reader->repaired, 0);
    weft_line_keys_index(reader->index);
    return reader;
}

void weft_log_line_reader_set_source(struct weft_log_line_reader *reader, const struct weft_log_source *source)
{
    reader->source = *source;
}

void weft_log_line_reader_free(struct weft_log_line_reader *reader)
{
    weft_buffer_fini(&reader->key);
    weft_buffer_fini(&reader->repaired);
    weft_free(reader);
}
