/* Asking brief conditions (brief.h). What is asked most often and of values that are short is answered here in a few
 * steps; the rest, which knows all that an atom may be, is called for what these steps do not know. */
#include "ottl/brief.h"

#include "ottl/path.h"

enum answer { ANSWER_FALSE, ANSWER_TRUE, ANSWER_UNKNOWN };

enum { TYPE_BITS = 3, MORE = 0x80, SHORTEST = 2 };

static inline enum answer answer_of(bool holds)
{
    return holds ? ANSWER_TRUE : ANSWER_FALSE;
}

static inline enum answer match(const struct weft_ottl_atom *atom, struct weft_slice text)
{
    enum weft_pattern_outcome outcome = weft_pattern_match_plain(atom->pattern, text);
    return outcome == WEFT_PATTERN_LIMIT ? ANSWER_UNKNOWN : answer_of(outcome == WEFT_PATTERN_MATCH);
}

/* ---- any value ---- */

/* Contents of an AnyValue that is one field, from its tag to its end. False: something else. */
static bool read_value(const struct weft_ottl_slot *slot, struct weft_ottl_value *out_value)
{
    if (weft_ottl_slot_short_value(slot, out_value)) {
        return true;
    }
    const uint8_t *at = slot->contents;
    if (at == NULL || slot->end - at < SHORTEST) {
        return false;
    }
    struct weft_wire_reader reader = { at, slot->end, at };
    struct weft_wire_field field;
    bool has_field = false;
    if (weft_wire_next(&reader, &field, &has_field, NULL) != WEFT_OK || !has_field || reader.at != slot->end) {
        return false;
    }
    switch (at[0]) {
    case WEFT_OTLP_VALUE_STRING << TYPE_BITS | WEFT_WIRE_BYTES:
        *out_value = weft_ottl_string(field.bytes);
        return true;
    case WEFT_OTLP_VALUE_BOOL << TYPE_BITS | WEFT_WIRE_VARINT:
        *out_value = weft_ottl_bool(field.number_value != 0);
        return true;
    case WEFT_OTLP_VALUE_INT << TYPE_BITS | WEFT_WIRE_VARINT:
        *out_value = weft_ottl_int((int64_t)field.number_value);
        return true;
    case WEFT_OTLP_VALUE_DOUBLE << TYPE_BITS | WEFT_WIRE_FIXED64:
        *out_value = weft_ottl_double(0);
        memcpy(&out_value->real, &field.number_value, sizeof out_value->real);
        return true;
    default:
        return false;
    }
}

static inline struct weft_slice text_of(const struct weft_ottl_field *field)
{
    return field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
}

static inline int64_t number_of(const struct weft_ottl_field *field, uint8_t form)
{
    uint64_t number = field == NULL ? 0 : field->number;
    return form == WEFT_OTTL_FORM_ENUM   ? (int32_t)number
           : form == WEFT_OTTL_FORM_UINT ? (int64_t)(uint32_t)number
                                         : (int64_t)number;
}

/* Of an atom whose attribute, if it is one, is there as it came. */
static __attribute__((noinline)) enum answer ask_any(const struct weft_ottl_atom *atom,
                                                     const struct weft_ottl_message *message)
{
    struct weft_ottl_value value;
    if (atom->sought == NULL) {
        const struct weft_ottl_field *field = weft_ottl_message_field(message, atom->number);
        value = atom->form == WEFT_OTTL_FORM_STRING ? weft_ottl_string(text_of(field))
                                                    : weft_ottl_int(number_of(field, atom->form));
    } else if (!read_value(&message->slots.items[atom->number], &value)) {
        return ANSWER_UNKNOWN;
    }
    if (atom->way != WEFT_OTTL_ATOM_MATCH) {
        return answer_of(weft_ottl_compare(NULL, &value, &atom->literal, atom->operation)); /* no map, no list */
    }
    return value.kind == WEFT_OTTL_STRING ? match(atom, value.bytes) : ANSWER_UNKNOWN;
}

/* ---- what is short ---- */

static inline bool is_same(const struct weft_ottl_atom *atom, struct weft_slice text)
{
    struct weft_slice literal = atom->literal.bytes;
    return text.length == literal.length && weft_is_same_text(text.bytes, literal.bytes, literal.length);
}

static inline bool is_in_range(const struct weft_ottl_atom *atom, int64_t integer)
{
    return (uint64_t)integer - (uint64_t)atom->least <= atom->more;
}

static inline enum answer ask_text(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message,
                                   struct weft_slice text)
{
    if (atom->way == WEFT_OTTL_ATOM_TEXT) {
        return answer_of(is_same(atom, text) == atom->is_if_so);
    }
    if (atom->way == WEFT_OTTL_ATOM_NIL) {
        return answer_of(atom->is_if_there);
    }
    return atom->way == WEFT_OTTL_ATOM_MATCH ? match(atom, text) : ask_any(atom, message);
}

static inline enum answer ask_int(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message,
                                  int64_t integer)
{
    if (atom->way == WEFT_OTTL_ATOM_RANGE) {
        return answer_of(is_in_range(atom, integer) == atom->is_if_so);
    }
    return atom->way == WEFT_OTTL_ATOM_NIL ? answer_of(atom->is_if_there) : ask_any(atom, message);
}

enum {
    STRING_TAG = WEFT_OTLP_VALUE_STRING << TYPE_BITS | WEFT_WIRE_BYTES,
    INT_TAG = WEFT_OTLP_VALUE_INT << TYPE_BITS | WEFT_WIRE_VARINT
};

static inline enum answer ask_slot(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message)
{
    const struct weft_ottl_slots *slots = &message->slots;
    const struct weft_ottl_slot *slot = &slots->items[atom->number];
    if (slots->sought != atom->sought || ((slots->changed | slots->removed) >> atom->number & 1) != 0) {
        return ANSWER_UNKNOWN;
    }
    if ((slots->found >> atom->number & 1) == 0) {
        return answer_of(atom->is_if_missing);
    }
    const uint8_t *at = slot->contents;
    size_t length = at == NULL ? 0 : (size_t)(slot->end - at);
    if (length < SHORTEST) {
        return ANSWER_UNKNOWN;
    }
    if (at[0] == STRING_TAG && at[1] < MORE && at[1] + (size_t)SHORTEST == length) {
        return ask_text(atom, message, (struct weft_slice){ at + SHORTEST, length - SHORTEST });
    }
    if (at[0] == INT_TAG && at[1] < MORE && length == SHORTEST) {
        return ask_int(atom, message, at[1]);
    }
    if (at[0] == INT_TAG && length == SHORTEST + 1) {
        return ask_int(atom, message, (at[1] & (MORE - 1)) | (int64_t)at[2] << 7);
    }
    return ask_any(atom, message);
}

/* Of an atom that asks for an attribute at RECORD: what needs no call. */
static inline enum answer ask_short(const struct weft_ottl_atom *atom, const struct weft_ottl_slots *slots)
{
    const struct weft_ottl_slot *slot = &slots->items[atom->number];
    if (slots->sought != atom->sought || ((slots->changed | slots->removed) >> atom->number & 1) != 0) {
        return ANSWER_UNKNOWN;
    }
    if ((slots->found >> atom->number & 1) == 0) {
        return answer_of(atom->is_if_missing);
    }
    const uint8_t *at = slot->contents;
    size_t length = at == NULL ? 0 : (size_t)(slot->end - at);
    if (length < SHORTEST) {
        return ANSWER_UNKNOWN;
    }
    if (at[0] == STRING_TAG && at[1] < MORE && at[1] + (size_t)SHORTEST == length) {
        return atom->way == WEFT_OTTL_ATOM_TEXT
                   ? answer_of(is_same(atom, (struct weft_slice){ at + SHORTEST, length - SHORTEST }) == atom->is_if_so)
               : atom->way == WEFT_OTTL_ATOM_NIL ? answer_of(atom->is_if_there)
                                                 : ANSWER_UNKNOWN;
    }
    bool is_long = length == SHORTEST + 1;
    if (at[0] != INT_TAG || atom->way != WEFT_OTTL_ATOM_RANGE || (!is_long && (length > SHORTEST || at[1] >= MORE))) {
        return ANSWER_UNKNOWN;
    }
    int64_t integer = is_long ? (at[1] & (MORE - 1)) | (int64_t)at[2] << 7 : at[1];
    return answer_of(is_in_range(atom, integer) == atom->is_if_so);
}

/* The code of a Status that has nothing else, which is what most spans have. False: the Status has to be opened. */
static inline bool read_status_code(const struct weft_ottl_message *span, int64_t *out_code)
{
    enum { STATUS_FIELD = 15, CODE_FIELD = 3, CODE_TAG = CODE_FIELD << TYPE_BITS | WEFT_WIRE_VARINT };
    const struct weft_ottl_field *status = weft_ottl_message_field(span, STATUS_FIELD);
    *out_code = 0;
    if (status == NULL || status->bytes.length == 0) {
        return true;
    }
    const uint8_t *bytes = status->bytes.bytes;
    if (status->bytes.length != SHORTEST || bytes[0] != CODE_TAG || bytes[1] >= MORE) {
        return false;
    }
    *out_code = bytes[1];
    return true;
}

static inline enum answer ask_field(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message)
{
    const struct weft_ottl_field *field = weft_ottl_message_field(message, atom->number);
    return atom->form == WEFT_OTTL_FORM_STRING ? ask_text(atom, message, text_of(field))
                                               : ask_int(atom, message, number_of(field, atom->form));
}

/* At any level. */
static __attribute__((noinline)) enum answer ask_at_level(const struct weft_ottl_atom *atom,
                                                          struct weft_ottl_record *record)
{
    const struct weft_ottl_message *message = weft_ottl_record_skimmed(record, (enum weft_ottl_level)atom->level);
    return atom->sought != NULL ? ask_slot(atom, message) : ask_field(atom, message);
}

/* message: RECORD, skimmed, if it has to be. */
static inline enum answer ask(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message,
                              struct weft_ottl_record *record)
{
    int64_t code;
    if (atom->level == WEFT_OTTL_LEVEL_RECORD) {
        return atom->sought != NULL ? ask_slot(atom, message) : ask_field(atom, message);
    }
    bool is_code = atom->level == WEFT_OTTL_LEVEL_STATUS && atom->form == WEFT_OTTL_FORM_ENUM &&
                   atom->way == WEFT_OTTL_ATOM_RANGE && !record->has_level[WEFT_OTTL_LEVEL_STATUS];
    return is_code && read_status_code(message, &code) ? answer_of(is_in_range(atom, code) == atom->is_if_so)
                                                       : ask_at_level(atom, record);
}

/* Of atoms one after the other. */
static inline enum answer ask_all(const struct weft_ottl_brief *brief, const struct weft_ottl_message *message,
                                  struct weft_ottl_record *record)
{
    uint8_t at = brief->first;
    do {
        const struct weft_ottl_atom *atom = &brief->atoms[at];
        enum answer answer = ask(atom, message, record);
        if (answer == ANSWER_UNKNOWN) {
            return answer;
        }
        at = atom->next[answer];
    } while (at < WEFT_OTTL_BRIEF_MAX_ATOMS);
    return answer_of(at == WEFT_OTTL_BRIEF_TRUE);
}

static inline bool is_of_record(const struct weft_ottl_brief *brief)
{
    return (brief->wants.keys | brief->wants.fields) != 0;
}

static __attribute__((noinline)) bool holds(const struct weft_ottl_brief *brief, struct weft_ottl_record *record,
                                            bool *out_holds)
{
    const struct weft_ottl_message *message =
        is_of_record(brief) ? weft_ottl_record_skimmed(record, WEFT_OTTL_LEVEL_RECORD) : NULL;
    enum answer answer = ask_all(brief, message, record);
    *out_holds = answer == ANSWER_TRUE;
    return answer != ANSWER_UNKNOWN;
}

static __attribute__((noinline)) bool skim_and_ask(const struct weft_ottl_brief *brief, struct weft_ottl_record *record,
                                                   bool *out_holds)
{
    (void)weft_ottl_record_skim(record, WEFT_OTTL_LEVEL_RECORD);
    return weft_ottl_brief_holds(brief, record, out_holds);
}

bool weft_ottl_brief_holds(const struct weft_ottl_brief *brief, struct weft_ottl_record *record, bool *out_holds)
{
    const struct weft_ottl_message *message = &record->levels[WEFT_OTTL_LEVEL_RECORD];
    if (brief->is_of_one) {
        if (!record->has_level[WEFT_OTTL_LEVEL_RECORD] || !message->is_skimmed) {
            return skim_and_ask(brief, record, out_holds);
        }
        enum answer answer = ask_short(&brief->atoms[0], &message->slots);
        if (answer != ANSWER_UNKNOWN) {
            *out_holds = brief->atoms[0].next[answer] == WEFT_OTTL_BRIEF_TRUE;
            return true;
        }
    }
    return holds(brief, record, out_holds);
}

bool weft_ottl_brief_find(const struct weft_ottl_brief *const *briefs, size_t count, struct weft_ottl_record *record,
                          size_t *out_found)
{
    const struct weft_ottl_message *message = NULL;
    enum answer answer = ANSWER_FALSE;
    size_t at = 0;
    for (; at < count && answer == ANSWER_FALSE; at++) {
        if (message == NULL && is_of_record(briefs[at])) {
            message = weft_ottl_record_skimmed(record, WEFT_OTTL_LEVEL_RECORD);
        }
        answer = ask_all(briefs[at], message, record);
    }
    *out_found = answer == ANSWER_TRUE ? at - 1 : count;
    return answer != ANSWER_UNKNOWN;
}
