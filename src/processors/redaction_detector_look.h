#pragma once

#include "base/status.h"
#include "processors/redaction_detector.h"
#include "wire/protobuf.h"

/* What the two ways to look at a text share: byte by byte (redaction_detector_look.c), by blocks
 * (redaction_detector_blocks.c). */
enum { CARD_BYTES = 14, MAX_FORM_BYTES = 16, SSN_BYTES = 11 }; /* of forms of digits */

/* The triggers whose bytes these are. */
static inline uint64_t triggers_of(const struct weft_detector_filter *filter, uint8_t first, uint8_t second,
                                   uint8_t third, uint8_t fourth)
{
    return filter->places[0][first] & filter->places[1][second] & filter->places[2][third] & filter->places[3][fourth];
}

/* Those that end there, in bytes around which stand none of any trigger's. */
static inline uint64_t triggers_at(const struct weft_detector_filter *filter, struct weft_slice text, size_t end)
{
    const uint8_t *at = text.bytes + end;
    if (WEFT_LIKELY(end >= WEFT_TRIGGER_BYTES - 1 && end < text.length)) {
        return triggers_of(filter, at[-3], at[-2], at[-1], at[0]);
    }
    return triggers_of(filter, weft_byte_at(text, end - 3), weft_byte_at(text, end - 2), weft_byte_at(text, end - 1),
                       weft_byte_at(text, end));
}

/* Something stands between these; the first of them may be before the text. */
static inline void note(struct weft_text_signs *signs, size_t start, size_t end)
{
    bool is_before = start > end;
    size_t from = is_before ? 0 : start;
    signs->where.start = from < signs->where.start ? from : signs->where.start;
    signs->where.end = end > signs->where.end ? end : signs->where.end;
}

static inline void note_triggers(struct weft_text_signs *signs, uint64_t triggers, size_t end)
{
    if (triggers != 0) {
        signs->triggers |= triggers;
        note(signs, end + 1 - WEFT_TRIGGER_BYTES, end + 1);
    }
}

/* Whether a number may begin there. In a text nothing of a word stands before one. In a record a byte does that says
 * how long the text is that the number begins, behind the last byte of a longer length or of a tag, of a small field or
 * a large one. */
static inline bool may_begin(struct weft_slice text, size_t start)
{
    enum { TYPE = 7, MIN_PRINTABLE = 0x20, MIN_LONG = 0x80 };
    uint8_t before = weft_byte_at(text, start - 1);
    uint8_t tag = weft_byte_at(text, start - 2);
    return !weft_is_word(before) || tag < MIN_PRINTABLE || tag >= MIN_LONG || (tag & TYPE) == WEFT_WIRE_BYTES;
}

static const struct weft_text_signs no_signs = { .where = { SIZE_MAX, 0 } };

/* Only where weft_detector_has_vectors() says so. */
struct weft_text_signs weft_detector_look_at_blocks(const struct weft_detector_filter *filter, struct weft_slice text);
