/* The ids of a line (log_line_internal.h): what stands at each place is noted as it comes by, and looked at when the
 * place is complete, families in their order. Places inside come after the line's own keys, in the order of
 * enum weft_line_place, of `spans` the last element with an id first; W3C's headers come after all of them. */
#include "wire/log_line_internal.h"

/* A text that a string of the line is resolved into. */
enum { TEXT_ROOM = 4 * WEFT_ID_MAX_WORD };

static const struct {
    enum weft_id_dialect dialect;
    bool is_header;
    enum weft_id_header header;
} families[WEFT_LINE_FAMILY_COUNT] = {
    [WEFT_LINE_FAMILY_DATADOG] = { .dialect = WEFT_ID_DATADOG },
    [WEFT_LINE_FAMILY_XRAY] = { .is_header = true, .header = WEFT_ID_XRAY_HEADER },
    [WEFT_LINE_FAMILY_B3] = { .dialect = WEFT_ID_TRACER },
    [WEFT_LINE_FAMILY_B3_SINGLE] = { .is_header = true, .header = WEFT_ID_B3 },
    [WEFT_LINE_FAMILY_UBER] = { .is_header = true, .header = WEFT_ID_UBER },
    [WEFT_LINE_FAMILY_TRACEPARENT] = { .is_header = true, .header = WEFT_ID_TRACEPARENT },
};

static bool is_number(struct weft_slice value)
{
    return value.length > 0 && (value.bytes[0] == '-' || (value.bytes[0] >= '0' && value.bytes[0] <= '9'));
}

static bool is_null(struct weft_slice value)
{
    return value.length > 0 && value.bytes[0] == 'n';
}

static enum weft_id_problem read_trace_id(const struct weft_line_member *member, enum weft_line_family family,
                                          struct weft_line_ids *ids)
{
    uint8_t scratch[TEXT_ROOM];
    struct weft_slice text;
    enum weft_id_problem problem;
    enum weft_id_dialect dialect = families[family].dialect;
    if (is_null(member->value)) {
        return WEFT_ID_PROBLEM_EMPTY;
    }
    if (is_number(member->value) && !families[family].is_header) {
        return weft_trace_id_of_number(member->value, dialect, &ids->context.trace_id);
    }
    if (!weft_line_string_text(member->value, scratch, sizeof scratch, &text)) {
        return member->value.bytes[0] == '"' ? WEFT_ID_PROBLEM_TOO_LONG : WEFT_ID_PROBLEM_NOT_TEXT;
    }
    if (families[family].is_header) {
        return weft_ids_of_header(families[family].header, text, &ids->context);
    }
    problem = weft_trace_id_of_text(text, dialect, &ids->context.trace_id);
    bool is_hex = text.length == 2 * WEFT_TRACE_ID_BYTES || text.length == WEFT_TRACE_ID_BYTES;
    bool is_plain_kind = ids->context.trace_id.kind == WEFT_ID_FULL || ids->context.trace_id.kind == WEFT_ID_LOW64;
    ids->is_plain_trace = problem == WEFT_ID_PROBLEM_OK && is_hex && is_plain_kind && dialect != WEFT_ID_DATADOG;
    return problem;
}

static void read_span_id(const struct weft_line_member *member, enum weft_line_family family, struct weft_line_ids *ids)
{
    uint8_t scratch[TEXT_ROOM];
    struct weft_slice text;
    enum weft_id_problem problem;
    enum weft_id_dialect dialect = families[family].dialect;
    struct weft_span_id id;
    if (is_number(member->value)) {
        problem = weft_span_id_of_number(member->value, dialect, &id);
    } else if (weft_line_string_text(member->value, scratch, sizeof scratch, &text)) {
        problem = weft_span_id_of_text(text, dialect, &id);
        ids->is_plain_span = text.length == 2 * WEFT_SPAN_ID_BYTES && dialect != WEFT_ID_DATADOG;
    } else {
        problem = WEFT_ID_PROBLEM_NOT_TEXT;
    }
    ids->is_opaque_span = problem == WEFT_ID_PROBLEM_OPAQUE_SPAN;
    if (problem == WEFT_ID_PROBLEM_OK) {
        ids->context.span_id = id;
    } else {
        ids->is_plain_span = false;
    }
}

static void read_flags(const struct weft_line_member *member, struct weft_line_ids *ids)
{
    uint8_t scratch[WEFT_LINE_SHORT_TEXT];
    struct weft_slice text = member->value;
    bool is_text = text.bytes[0] != '"' || weft_line_string_text(text, scratch, sizeof scratch, &text);
    ids->context.has_flags = is_text && weft_trace_flags_of_text(text, &ids->context.flags);
    ids->is_plain_flags = ids->context.has_flags;
}

/* What the members of one family say. */
static struct weft_line_ids read_family(const struct weft_line_id_set *set, enum weft_line_family family,
                                        enum weft_line_place place)
{
    struct weft_line_ids ids = { .place = place, .family = family };
    ids.problem = read_trace_id(&set->trace[family], family, &ids);
    if (ids.problem != WEFT_ID_PROBLEM_OK) {
        ids.context.trace_id.kind = WEFT_ID_NONE;
        return ids;
    }
    if (!families[family].is_header) {
        ids.context.span_id.kind = WEFT_ID_NONE;
        if ((set->spans & 1u << family) != 0) {
            read_span_id(&set->span[family], family, &ids);
        }
        if ((set->flags & 1u << family) != 0) {
            read_flags(&set->flag[family], &ids);
        }
    }
    return ids;
}

static bool is_found(const struct weft_line_ids *ids)
{
    return ids->context.trace_id.kind != WEFT_ID_NONE;
}

/* The first family of a set that has an id; else what was wrong with the first that has something. */
static struct weft_line_ids read_set(const struct weft_line_id_set *set, enum weft_line_place place)
{
    struct weft_line_ids first = { .problem = WEFT_ID_PROBLEM_ABSENT, .place = place };
    uint32_t left = set->traces & ~(1u << WEFT_LINE_FAMILY_TRACEPARENT);
    for (; left != 0; left &= left - 1) {
        struct weft_line_ids ids = read_family(set, (enum weft_line_family)__builtin_ctz(left), place);
        if (is_found(&ids)) {
            return ids;
        }
        first = first.problem == WEFT_ID_PROBLEM_ABSENT ? ids : first;
    }
    return first;
}

static struct weft_line_ids read_traceparent(const struct weft_line_id_set *set, enum weft_line_place place)
{
    if ((set->traces & 1u << WEFT_LINE_FAMILY_TRACEPARENT) != 0) {
        return read_family(set, WEFT_LINE_FAMILY_TRACEPARENT, place);
    }
    return (struct weft_line_ids){ .problem = WEFT_ID_PROBLEM_ABSENT, .place = place };
}

/* Does what has been found at a place count more than what there is? Of one place (elements of `spans`) the later. */
static bool is_better(const struct weft_line_ids *ids, const struct weft_line_ids *best)
{
    if (ids->problem == WEFT_ID_PROBLEM_ABSENT) {
        return false;
    }
    if (is_found(ids) != is_found(best)) {
        return is_found(ids);
    }
    return best->problem == WEFT_ID_PROBLEM_ABSENT || ids->place <= best->place;
}

void weft_line_note_id(struct weft_line_id_set *set, const struct weft_line_key *key, struct weft_slice value,
                       bool is_written)
{
    struct weft_line_member member = { key, value, is_written };
    uint16_t bit = (uint16_t)(1u << key->argument);
    switch ((enum weft_line_role)key->role) {
    case WEFT_LINE_ROLE_TRACE_ID:
        set->traces |= bit;
        set->trace[key->argument] = member;
        return;
    case WEFT_LINE_ROLE_SPAN_ID:
        set->spans |= bit;
        set->span[key->argument] = member;
        return;
    default:
        set->flags |= bit;
        set->flag[key->argument] = member;
    }
}

/* `dd`, `trace` and `span` hold, in short names, what belongs to the line itself. */
static bool note_for_line(struct weft_log_line_reader *reader, enum weft_line_place place,
                          const struct weft_line_key *key, struct weft_slice value)
{
    struct weft_line_member member = { key, value, true };
    bool is_span = key->role == WEFT_LINE_ROLE_SPAN_ID;
    enum weft_line_family family = WEFT_LINE_FAMILY_ECS;
    if (place == WEFT_LINE_PLACE_DATADOG && (is_span || key->role == WEFT_LINE_ROLE_TRACE_ID)) {
        family = WEFT_LINE_FAMILY_DATADOG;
    } else if (key->length == 2 && (place == WEFT_LINE_PLACE_SPAN || place == WEFT_LINE_PLACE_TRACE)) {
        is_span = place == WEFT_LINE_PLACE_SPAN;
    } else {
        return false;
    }
    struct weft_line_id_set *top = &reader->top;
    uint16_t *bits = is_span ? &top->spans : &top->traces;
    if ((*bits & 1u << family) == 0) { /* a dotted key of the line came first */
        *bits |= (uint16_t)(1u << family);
        (is_span ? top->span : top->trace)[family] = member;
    }
    return true;
}

static void note_word(struct weft_log_line_reader *reader, enum weft_line_place place, const struct weft_line_key *key,
                      struct weft_slice value)
{
    struct weft_line_state *state = &reader->state;
    size_t word = key->argument;
    struct weft_slice text = value;
    if (state->words[word].length > 0 && state->word_places[word] < place) {
        return;
    }
    bool is_text = is_number(value) || weft_line_string_text(value, reader->texts[word], WEFT_LINE_MAX_WORD, &text);
    if (is_text && text.length > 0 && text.length <= WEFT_LINE_MAX_WORD) {
        state->words[word] = text;
        state->word_places[word] = place;
        state->word_members[word] = (struct weft_line_member){ key, value, place <= WEFT_LINE_PLACE_FIELDS };
    }
}

/* `name` and `environment` in ECS's `service`, `service` and `env` in Datadog's `dd`, dotted names in `resource`. */
static void note_resource(struct weft_log_line_reader *reader, const struct weft_line_key *key, struct weft_slice value)
{
    bool is_service = key->role == WEFT_LINE_ROLE_SERVICE;
    struct weft_slice *slot = is_service ? &reader->state.service : &reader->state.environment;
    uint8_t *scratch = reader->texts[is_service ? WEFT_LINE_TEXT_SERVICE : WEFT_LINE_TEXT_ENVIRONMENT];
    struct weft_slice text;
    if (slot->length == 0 && weft_line_string_text(value, scratch, WEFT_LINE_MAX_WORD, &text) &&
        text.length <= WEFT_LINE_MAX_WORD) {
        *slot = text;
    }
}

void weft_line_note_nested(struct weft_log_line_reader *reader, enum weft_line_place place,
                           const struct weft_line_key *key, struct weft_slice value)
{
    struct weft_line_state *state = &reader->state;
    switch ((enum weft_line_role)key->role) {
    case WEFT_LINE_ROLE_TRACE_ID:
    case WEFT_LINE_ROLE_SPAN_ID:
    case WEFT_LINE_ROLE_TRACE_FLAGS:
        if (!note_for_line(reader, place, key, value)) {
            weft_line_note_id(&reader->inside, key, value, true);
        }
        return;
    case WEFT_LINE_ROLE_WORD:
        note_word(reader, place, key, value);
        return;
    case WEFT_LINE_ROLE_SERVICE:
    case WEFT_LINE_ROLE_ENVIRONMENT:
        note_resource(reader, key, value);
        return;
    case WEFT_LINE_ROLE_SEVERITY:
        if (state->severity.length == 0) {
            state->severity_scale = (enum weft_severity_scale)key->argument;
            weft_line_string_text(value, reader->texts[WEFT_LINE_TEXT_SEVERITY], WEFT_LINE_SHORT_TEXT,
                                  &state->severity);
        }
        return;
    default:
        return; /* holds for the line's own keys only */
    }
}

static void empty_set(struct weft_line_id_set *set)
{
    set->traces = 0;
    set->spans = 0;
    set->flags = 0;
}

void weft_line_begin_nested(struct weft_log_line_reader *reader)
{
    empty_set(&reader->inside);
}

void weft_line_end_nested(struct weft_log_line_reader *reader, enum weft_line_place place)
{
    struct weft_line_state *state = &reader->state;
    if (reader->inside.traces == 0) {
        return;
    }
    struct weft_line_ids ids = read_set(&reader->inside, place);
    struct weft_line_ids parent = read_traceparent(&reader->inside, place);
    state->nested = is_better(&ids, &state->nested) ? ids : state->nested;
    state->traceparent = is_better(&parent, &state->traceparent) ? parent : state->traceparent;
    empty_set(&reader->inside);
}

void weft_line_resolve_ids(struct weft_log_line_reader *reader, struct weft_line_ids *out_ids)
{
    const struct weft_line_state *state = &reader->state;
    struct weft_line_ids best = read_set(&reader->top, WEFT_LINE_PLACE_TOP);
    struct weft_line_ids parent = read_traceparent(&reader->top, WEFT_LINE_PLACE_TOP);
    const struct weft_line_ids *others[] = { &state->nested, &parent, &state->traceparent };
    for (size_t i = 0; !is_found(&best) && i < WEFT_COUNT_OF(others); i++) {
        if (is_found(others[i]) || best.problem == WEFT_ID_PROBLEM_ABSENT) {
            best = *others[i];
        }
    }
    *out_ids = best;
}
