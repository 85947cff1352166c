/* The first look at a text, or at all bytes of a record (redaction_detector.h): which triggers are in it, and whether
 * digits stand as those of a card or a social security number do. Here byte by byte, for short texts and machines
 * without vectors. */
#include "processors/redaction_detector_look.h"

/* Digits and separators of the last bytes, the very last as bit 0. */
enum {
    CARD_IN_ONE_PIECE = 0x3fff, /* 14 digits */
    CARD_DIGITS = 0xf7bd,       /* 4111 1111 1111 1, and three digits more or more */
    CARD_SEPARATORS = 0x842,
    SHORT_CARD_DIGITS = 0xf7ef, /* 3700 000000 0000, and none or a digit more */
    SHORT_CARD_SEPARATORS = 0x810,
    SSN_DIGITS = 0x76f, /* 123-45-6789 */
    SSN_SEPARATORS = 0x090,
};

static bool have(uint32_t digits, uint32_t wanted_digits, uint32_t separators, uint32_t wanted_separators)
{
    return (digits & wanted_digits) == wanted_digits && (separators & wanted_separators) == wanted_separators;
}

static struct weft_text_signs look_at_bytes(const struct weft_detector_filter *filter, struct weft_slice text)
{
    struct weft_text_signs signs = no_signs;
    uint32_t digits = 0;
    uint32_t separators = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        digits = digits << 1 | weft_is_digit(byte);
        separators = separators << 1 | (byte == ' ' || byte == '-');
        bool is_long = have(digits, CARD_DIGITS, separators, CARD_SEPARATORS) ||
                       have(digits, SHORT_CARD_DIGITS, separators, SHORT_CARD_SEPARATORS);
        bool is_card = (have(digits, CARD_IN_ONE_PIECE, 0, 0) && may_begin(text, i + 1 - CARD_BYTES)) ||
                       (is_long && may_begin(text, i + 1 - MAX_FORM_BYTES));
        bool is_ssn = have(digits, SSN_DIGITS, separators, SSN_SEPARATORS) && may_begin(text, i + 1 - SSN_BYTES);
        if (is_card || is_ssn) {
            signs.has_card_form = signs.has_card_form || is_card;
            signs.has_ssn_form = signs.has_ssn_form || is_ssn;
            note(&signs, i + 1 - MAX_FORM_BYTES, i + 1);
        }
        note_triggers(&signs, triggers_at(filter, text, i), i);
    }
    return signs;
}

struct weft_text_signs weft_detector_look(const struct weft_detector_filter *filter, struct weft_slice text)
{
    enum { MIN_BYTES = 8 };
    return filter->has_vectors && text.length >= MIN_BYTES ? weft_detector_look_at_blocks(filter, text)
                                                           : look_at_bytes(filter, text);
}
