/* The fields of a LogRecord that depend on more than one key (log_line_record.h), and what a line is counted as. */
#include "wire/log_line_record.h"

#include <endian.h>

#include "base/assert.h"
#include "wire/time.h"

#define DAY_NS UINT64_C(86400000000000)

enum { FIELD_ROOM = 32 };

struct flag_row {
    const char *word;
    bool is_on_record;
};

static const struct flag_row flag_rows[] = {
#define FLAG_ROW(name, word, is_on_record) { word, is_on_record },
    WEFT_LINE_FLAG_ROWS(FLAG_ROW)
#undef FLAG_ROW
};

static const char *const place_names[] = {
#define PLACE_NAME(name, word) word,
    WEFT_LINE_PLACE_ROWS(PLACE_NAME)
#undef PLACE_NAME
};

const char *weft_line_flag_name(enum weft_line_flag flag)
{
    weft_assert(flag < WEFT_LINE_FLAG_COUNT);
    return flag_rows[flag].word;
}

const char *weft_line_place_name(enum weft_line_place place)
{
    weft_assert(place < WEFT_LINE_PLACE_COUNT);
    return place_names[place];
}

void weft_log_line_count(struct weft_log_line_counts *counts, const struct weft_log_line *line)
{
    counts->lines++;
    for (uint32_t left = line->flags; left != 0; left &= left - 1) {
        counts->flags[__builtin_ctz(left)]++;
    }
    counts->id_kinds[line->trace_id.kind]++;
    counts->id_problems[line->id_problem]++;
    if (line->trace_id.kind != WEFT_ID_NONE) {
        counts->id_places[line->id_place]++;
    }
}

bool weft_line_take_time(struct weft_log_line_reader *reader, struct weft_slice value)
{
    uint8_t scratch[WEFT_LINE_SHORT_TEXT];
    struct weft_slice text;
    bool is_assumed = false;
    enum weft_time_problem problem = WEFT_TIME_PROBLEM_EMPTY;
    if (value.bytes[0] == '"') {
        problem = weft_line_string_text(value, scratch, sizeof scratch, &text)
                      ? weft_time_of_text(text, reader->settings.zone_minutes, &reader->state.time_ns, &is_assumed)
                      : WEFT_TIME_PROBLEM_SYNTAX;
    } else if (value.bytes[0] != 'n') {
        problem = weft_time_of_number(value, &reader->state.time_ns);
    }
    if (problem == WEFT_TIME_PROBLEM_SYNTAX || problem == WEFT_TIME_PROBLEM_RANGE) {
        weft_line_flag(reader, WEFT_LINE_BAD_TIME);
    }
    if (is_assumed) {
        weft_line_flag(reader, WEFT_LINE_ZONE_ASSUMED);
    }
    return problem == WEFT_TIME_PROBLEM_OK;
}

/* value is an object that has been read, so that nothing in it can fail. */
void weft_line_take_time_parts(struct weft_log_line_reader *reader, struct weft_slice value)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *end = value.bytes + value.length;
    const uint8_t *at = value.bytes;
    int64_t parts[2] = { 0, 0 };
    static const char *const names[] = { "\"seconds\"", "\"nanos\"" };
    for (size_t i = 0; i < WEFT_COUNT_OF(parts); i++) {
        struct weft_json_number number;
        size_t length = strlen(names[i]);
        at = memmem(value.bytes, value.length, names[i], length);
        if (at == NULL) {
            return;
        }
        at = weft_json_skip_space(at + length, end);
        at = at < end && *at == ':' ? weft_json_skip_space(at + 1, end) : end;
        if (weft_json_scan_number(at, end, &number, &fault) == NULL || number.is_negative || number.exponent10 != 0 ||
            !number.is_exact || number.mantissa > INT64_MAX) {
            return;
        }
        parts[i] = (int64_t)number.mantissa;
    }
    if (weft_time_of_parts(parts[0], parts[1], &reader->state.time_ns) != WEFT_TIME_PROBLEM_OK) {
        reader->state.time_ns = 0;
    }
}

void weft_line_forget_written(struct weft_log_line_reader *reader)
{
    static const uint32_t of_values = 1u << WEFT_LINE_TOO_DEEP | 1u << WEFT_LINE_LONE_SURROGATE |
                                      1u << WEFT_LINE_BIG_NUMBER | 1u << WEFT_LINE_DUPLICATE_KEY |
                                      1u << WEFT_LINE_BAD_TIME;
    struct weft_line_state *state = &reader->state;
    state->flags &= ~of_values;
    for (size_t i = 0; i < WEFT_LINE_WORD_COUNT; i++) {
        state->word_members[i].is_written = false;
    }
    state->late_body.key = NULL;
    state->target.key = NULL;
}

static bool put_fixed64(struct weft_log_line_reader *reader, uint8_t tag, uint64_t value)
{
    if (value == 0) {
        return true;
    }
    if (!weft_line_room(reader, FIELD_ROOM)) {
        return false;
    }
    value = htole64(value);
    *reader->to++ = tag;
    memcpy(reader->to, &value, sizeof value);
    reader->to += sizeof value;
    return true;
}

static bool put_bytes(struct weft_log_line_reader *reader, uint8_t tag, struct weft_slice bytes)
{
    if (!weft_line_room(reader, FIELD_ROOM + bytes.length)) {
        return false;
    }
    *reader->to++ = tag;
    reader->to = weft_wire_put_varint(reader->to, bytes.length);
    memcpy(reader->to, bytes.bytes, bytes.length);
    reader->to += bytes.length;
    return true;
}

static bool put_ids(struct weft_log_line_reader *reader, const struct weft_trace_context *context)
{
    if (context->trace_id.kind == WEFT_ID_NONE) {
        return true;
    }
    struct weft_slice trace_id = { context->trace_id.bytes, sizeof context->trace_id.bytes };
    struct weft_slice span_id = { context->span_id.bytes, sizeof context->span_id.bytes };
    if (!put_bytes(reader, WEFT_LINE_TAG_TRACE_ID, trace_id) ||
        (context->span_id.kind != WEFT_ID_NONE && !put_bytes(reader, WEFT_LINE_TAG_SPAN_ID, span_id)) ||
        !weft_line_room(reader, FIELD_ROOM)) {
        return false;
    }
    if (context->has_flags && context->flags != 0) {
        const uint8_t field[] = { WEFT_LINE_TAG_FLAGS, context->flags, 0, 0, 0 };
        memcpy(reader->to, field, sizeof field);
        reader->to += sizeof field;
    }
    return true;
}

/* A plain value that was read before: only memory can be missing. */
static bool put_member(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_line_member *member)
{
    struct weft_slice key = weft_line_key_text(member->key);
    const uint8_t *after = weft_line_put_value(reader, tag, tag == WEFT_LINE_TAG_BODY ? NULL : &key,
                                               member->value.bytes, 0, WEFT_LINE_PLACE_NONE);
    return after != NULL || !reader->is_out_of_memory;
}

/* Nothing stood there: loggers print such ids outside of spans. */
static bool says_nothing(struct weft_slice value)
{
    return weft_slice_equal_text(value, "null") || weft_slice_equal_text(value, "\"\"") ||
           weft_slice_equal_text(value, "\"0\"");
}

/* Of members of one role those that no field says are attributes. used: the family that does; -1: none. */
static bool put_unused(struct weft_log_line_reader *reader, uint32_t bits, const struct weft_line_member *members,
                       int used)
{
    for (; bits != 0; bits &= bits - 1) {
        int family = __builtin_ctz(bits);
        const struct weft_line_member *member = &members[family];
        bool is_done = family == used || member->is_written || says_nothing(member->value);
        if (!is_done && !put_member(reader, WEFT_LINE_TAG_ATTRIBUTE, member)) {
            return false;
        }
    }
    return true;
}

static bool put_waiting(struct weft_log_line_reader *reader, const struct weft_line_ids *ids)
{
    const struct weft_line_id_set *top = &reader->top;
    struct weft_line_state *state = &reader->state;
    bool is_top = ids->context.trace_id.kind != WEFT_ID_NONE && ids->place == WEFT_LINE_PLACE_TOP;
    int family = (int)ids->family;
    bool is_put = put_unused(reader, top->traces, top->trace, is_top && ids->is_plain_trace ? family : -1) &&
                  put_unused(reader, top->spans, top->span, is_top && ids->is_plain_span ? family : -1) &&
                  put_unused(reader, top->flags, top->flag, is_top && ids->is_plain_flags ? family : -1);
    for (size_t i = 0; is_put && i < WEFT_LINE_WORD_COUNT; i++) {
        is_put = state->words[i].length == 0 || state->word_members[i].is_written ||
                 put_member(reader, WEFT_LINE_TAG_ATTRIBUTE, &state->word_members[i]);
    }
    if (is_put && state->target.key != NULL) {
        is_put = put_member(reader, WEFT_LINE_TAG_ATTRIBUTE, &state->target);
    }
    if (is_put && state->late_body.key != NULL) {
        is_put = put_member(reader, state->has_body ? WEFT_LINE_TAG_ATTRIBUTE : WEFT_LINE_TAG_BODY, &state->late_body);
    }
    return is_put;
}

/* Bare numbers mean different things to different loggers: who writes a line is told by its other keys. */
static uint8_t severity_of(const struct weft_line_state *state)
{
    if (state->severity_number != 0) {
        return state->severity_number;
    }
    enum weft_severity_scale scale = state->severity_scale;
    if (scale == WEFT_SEVERITY_ANY && state->is_severity_number) {
        scale = (state->hints & WEFT_LINE_HINT_PINO) == WEFT_LINE_HINT_PINO ? WEFT_SEVERITY_PINO
                : (state->hints & WEFT_LINE_HINT_PYTHON) != 0               ? WEFT_SEVERITY_PYTHON
                                                                            : scale;
    }
    return weft_severity_of_text(state->severity, scale);
}

static bool put_severity(struct weft_log_line_reader *reader, uint8_t number)
{
    if (!weft_line_room(reader, FIELD_ROOM)) {
        return false;
    }
    if (number != 0) {
        *reader->to++ = WEFT_LINE_TAG_SEVERITY;
        *reader->to++ = number;
    }
    struct weft_slice text = reader->state.severity;
    return text.length == 0 || put_bytes(reader, WEFT_LINE_TAG_SEVERITY_TEXT, text);
}

/* weft.malformed: the words of the flags that a reader of the record should know. A text is what it is. */
static bool put_flags(struct weft_log_line_reader *reader)
{
    char words[256];
    size_t length = 0;
    for (uint32_t left = reader->source.is_text ? 0 : reader->state.flags; left != 0; left &= left - 1) {
        const struct flag_row *row = &flag_rows[__builtin_ctz(left)];
        if (row->is_on_record) {
            size_t word = strlen(row->word);
            weft_assert(length + word + 1 <= sizeof words);
            memcpy(words + length, row->word, word);
            words[length + word] = ',';
            length += word + 1;
        }
    }
    struct weft_slice key = WEFT_SLICE_LITERAL("weft.malformed");
    return length == 0 || weft_line_put_text(reader, WEFT_LINE_TAG_ATTRIBUTE, &key, weft_slice_of(words, length - 1));
}

static void check_clock(struct weft_log_line_reader *reader, uint64_t observed_ns)
{
    uint64_t time_ns = reader->state.time_ns;
    uint64_t distance = time_ns > observed_ns ? time_ns - observed_ns : observed_ns - time_ns;
    if (time_ns != 0 && observed_ns != 0 && distance > DAY_NS) {
        weft_line_flag(reader, WEFT_LINE_CLOCK_SKEW);
    }
}

static void describe(const struct weft_line_state *state, const struct weft_line_ids *ids, uint8_t severity,
                     struct weft_log_line *line)
{
    *line = (struct weft_log_line){
        .service = state->service,
        .environment = state->environment,
        .trace_id = ids->context.trace_id,
        .span_id = ids->context.span_id,
        .id_problem = ids->context.trace_id.kind != WEFT_ID_NONE ? WEFT_ID_PROBLEM_OK : ids->problem,
        .id_place = ids->place,
        .time_ns = state->time_ns,
        .flags = state->flags,
        .severity = severity,
    };
    memcpy(line->words, state->words, sizeof line->words);
}

/* What the source of the line adds. */
static bool put_fields(struct weft_log_line_reader *reader)
{
    size_t length = reader->source.fields.length;
    if (length == 0) {
        return true;
    }
    if (!weft_line_room(reader, length)) {
        return false;
    }
    memcpy(reader->to, reader->source.fields.bytes, length);
    reader->to += length;
    return true;
}

bool weft_line_finish_record(struct weft_log_line_reader *reader, uint64_t observed_ns, struct weft_log_line *out_line)
{
    struct weft_line_state *state = &reader->state;
    struct weft_line_ids ids;
    weft_line_resolve_ids(reader, &ids);
    if (ids.context.trace_id.kind == WEFT_ID_NONE && !reader->source.is_text &&
        (state->flags & 1u << WEFT_LINE_TEXT) != 0) {
        weft_line_find_ids_in_text(weft_slice_of(reader->begin, (size_t)(reader->end - reader->begin)), &ids);
    }
    if (ids.is_opaque_span) {
        weft_line_flag(reader, WEFT_LINE_OPAQUE_SPAN_ID);
    }
    state->time_ns = state->time_ns == 0 ? reader->source.time_ns : state->time_ns;
    check_clock(reader, observed_ns);
    uint8_t severity = severity_of(state);
    if (!put_waiting(reader, &ids) || !put_flags(reader) || !put_severity(reader, severity) ||
        !put_fixed64(reader, WEFT_LINE_TAG_TIME, state->time_ns) ||
        !put_fixed64(reader, WEFT_LINE_TAG_OBSERVED, observed_ns) || !put_ids(reader, &ids.context) ||
        !put_fields(reader)) {
        return false;
    }
    describe(state, &ids, severity, out_line);
    return true;
}
