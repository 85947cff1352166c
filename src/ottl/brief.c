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
    if (!atom->is_slot) {
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

/* The attributes of a message that are sought are known, and none of these slots was written to. */
static inline bool is_as_it_came(const struct weft_ottl_message *message, const struct weft_ottl_sought *sought,
                                 uint64_t keys)
{
    const struct weft_ottl_slots *slots = &message->slots;
    return slots->sought == sought && ((slots->changed | slots->removed) & keys) == 0;
}

/* Of an attribute that is as it came, if it is there. */
static inline enum answer ask_slot(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message)
{
    const struct weft_ottl_slots *slots = &message->slots;
    const struct weft_ottl_slot *slot = &slots->items[atom->number];
    if ((slots->found >> atom->number & 1) == 0) {
        return answer_of(atom->is_if_missing);
    }
    const uint8_t *at = slot->contents;
    if (at == NULL || slot->end - at < SHORTEST) {
        return ANSWER_UNKNOWN;
    }
    size_t length = (size_t)(slot->end - at);
    if (at[0] == STRING_TAG) {
        bool is_short = length < SHORTEST + MORE && at[1] == length - SHORTEST;
        return is_short ? ask_text(atom, message, (struct weft_slice){ at + SHORTEST, length - SHORTEST })
                        : ask_any(atom, message);
    }
    if (at[0] != INT_TAG || length > SHORTEST + 1) {
        return ask_any(atom, message);
    }
    bool is_long = length > SHORTEST;
    return ask_int(atom, message, is_long ? (at[1] & (MORE - 1)) | (int64_t)at[2] << 7 : at[1]);
}

/* Of an atom that asks for an attribute at RECORD: what needs no call. */
static inline enum answer ask_short(const struct weft_ottl_atom *atom, const struct weft_ottl_message *message,
                                    const struct weft_ottl_sought *sought)
{
    const struct weft_ottl_slots *slots = &message->slots;
    const struct weft_ottl_slot *slot = &slots->items[atom->number];
    if (!is_as_it_came(message, sought, UINT64_C(1) << atom->number)) {
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

/* What brief conditions are asked of. */
struct subject {
    struct weft_ottl_record *record;
    const struct weft_ottl_message *message; /* RECORD, skimmed, if it has to be */
    const struct weft_ottl_sought *sought;
    bool is_as_it_came; /* all attributes of the record that are asked for */
};

/* Of an attribute at any level, one of which may have been written to. */
static __attribute__((noinline)) enum answer ask_any_slot(const struct weft_ottl_atom *atom,
                                                          const struct weft_ottl_message *message,
                                                          const struct weft_ottl_sought *sought)
{
    return is_as_it_came(message, sought, UINT64_C(1) << atom->number) ? ask_slot(atom, message) : ANSWER_UNKNOWN;
}

static __attribute__((noinline)) enum answer
ask_at_level(const struct weft_ottl_atom *atom, struct weft_ottl_record *record, const struct weft_ottl_sought *sought)
{
    const struct weft_ottl_message *message = weft_ottl_record_skimmed(record, (enum weft_ottl_level)atom->level);
    return atom->is_slot ? ask_any_slot(atom, message, sought) : ask_field(atom, message);
}

static inline enum answer ask(const struct weft_ottl_atom *atom, struct subject subject)
{
    int64_t code;
    if (atom->place == WEFT_OTTL_ATOM_SLOT) {
        return WEFT_LIKELY(subject.is_as_it_came) ? ask_slot(atom, subject.message)
                                                  : ask_any_slot(atom, subject.message, subject.sought);
    }
    if (atom->place == WEFT_OTTL_ATOM_FIELD) {
        return ask_field(atom, subject.message);
    }
    bool is_code = atom->place == WEFT_OTTL_ATOM_STATUS && !subject.record->has_level[WEFT_OTTL_LEVEL_STATUS];
    return is_code && read_status_code(subject.message, &code) ? answer_of(is_in_range(atom, code) == atom->is_if_so)
                                                               : ask_at_level(atom, subject.record, subject.sought);
}

/* From one of `count` atoms on: what is known behind the last one. False: that one cannot tell. */
static inline bool ask_all(const struct weft_ottl_atom *atoms, size_t count, uint32_t first, struct subject subject,
                           uint32_t *out_known)
{
    uint32_t at = first;
    while (at < count) {
        const struct weft_ottl_atom *atom = &atoms[at];
        enum answer answer = ask(atom, subject);
        if (answer == ANSWER_UNKNOWN) {
            return false;
        }
        at = atom->next[answer];
    }
    *out_known = at;
    return true;
}

static inline bool is_of_record(const struct weft_ottl_wants *wants)
{
    return (wants->keys | wants->fields) != 0;
}

static __attribute__((noinline)) bool holds(const struct weft_ottl_brief *brief, struct weft_ottl_record *record,
                                            bool *out_holds)
{
    struct subject subject = { .record = record, .sought = brief->sought };
    uint32_t known = WEFT_OTTL_BRIEF_FALSE;
    if (is_of_record(&brief->wants)) {
        subject.message = weft_ottl_record_skimmed(record, WEFT_OTTL_LEVEL_RECORD);
        subject.is_as_it_came = is_as_it_came(subject.message, brief->sought, brief->wants.keys);
    }
    bool is_told = ask_all(brief->atoms, WEFT_OTTL_BRIEF_MAX_ATOMS, brief->first, subject, &known);
    *out_holds = known == WEFT_OTTL_BRIEF_TRUE;
    return is_told;
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
        enum answer answer = ask_short(&brief->atoms[0], message, brief->sought);
        if (answer != ANSWER_UNKNOWN) {
            *out_holds = brief->atoms[0].next[answer] == WEFT_OTTL_BRIEF_TRUE;
            return true;
        }
    }
    return holds(brief, record, out_holds);
}

bool weft_ottl_briefs_find(const struct weft_ottl_briefs *briefs, struct weft_ottl_record *record,
                           struct weft_slice contents, size_t *out_found)
{
    struct subject subject = { .record = record, .sought = briefs->sought };
    uint32_t known;
    if (is_of_record(&briefs->wants)) {
        subject.message = weft_ottl_record_set_skimmed(record, contents);
        subject.is_as_it_came = subject.message->slots.sought == briefs->sought; /* nobody wrote to it since */
    } else {
        weft_ottl_record_set_record(record, contents);
    }
    if (!ask_all(briefs->atoms, briefs->atom_count, briefs->first, subject, &known)) {
        return false;
    }
    *out_found = known - briefs->atom_count;
    return true;
}
