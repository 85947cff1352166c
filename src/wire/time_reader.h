#pragma once

#include "wire/time_layout.h"

/* What time_fields.c and time_offset.c share: a text that is read element by element. Those that take return false with
 * a reason; where they stand then does not matter. */
struct weft_time_reader {
    const uint8_t *at, *end;
    struct weft_time_fields *fields;
    bool is_pm, is_am;
    const char *reason; /* why the last element does not fit */
};

static inline bool weft_time_refuse(struct weft_time_reader *reader, const char *reason)
{
    reader->reason = reason;
    return false;
}

static inline size_t weft_time_left(const struct weft_time_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline bool weft_time_is_digit_at(const struct weft_time_reader *reader, size_t offset)
{
    return offset < weft_time_left(reader) && reader->at[offset] >= '0' && reader->at[offset] <= '9';
}

/* Up to max digits; fewer than min are none, and then nothing is taken. */
bool weft_time_take_digits(struct weft_time_reader *reader, size_t min, size_t max, int *out_number);

/* form: WEFT_TIME_OFFSET_... */
bool weft_time_take_offset(struct weft_time_reader *reader, unsigned form);
bool weft_time_take_zone_name(struct weft_time_reader *reader);
