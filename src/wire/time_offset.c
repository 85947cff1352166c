/* Offsets from UTC and names of zones in times (time_reader.h), as Go's time.Parse reads them. */
#include "wire/time_reader.h"

static bool take_two_digits(struct weft_time_reader *reader, int max, int *out_number)
{
    return weft_time_take_digits(reader, 2, 2, out_number) &&
           (*out_number <= max || weft_time_refuse(reader, "an offset is out of range"));
}

static bool take_colon(struct weft_time_reader *reader, bool is_wanted)
{
    bool is_there = weft_time_left(reader) > 0 && *reader->at == ':';
    reader->at += is_wanted && is_there;
    return !is_wanted || is_there || weft_time_refuse(reader, "a : is expected");
}

/* Some write 24 hours and 60 minutes. */
static bool take_offset_form(struct weft_time_reader *reader, unsigned form)
{
    enum { MAX_HOURS = 24, MAX_PARTS = 60 };
    bool has_colons = (form & WEFT_TIME_OFFSET_COLONS) != 0;
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (weft_time_left(reader) == 0 || (*reader->at != '+' && *reader->at != '-')) {
        return weft_time_refuse(reader, "an offset from UTC is expected");
    }
    bool is_west = *reader->at++ == '-';
    bool is_good = take_two_digits(reader, MAX_HOURS, &hours);
    if (is_good && (form & WEFT_TIME_OFFSET_MINUTES) != 0) {
        is_good = take_colon(reader, has_colons) && take_two_digits(reader, MAX_PARTS, &minutes);
    }
    if (is_good && (form & WEFT_TIME_OFFSET_SECONDS) != 0) {
        is_good = take_colon(reader, has_colons) && take_two_digits(reader, MAX_PARTS, &seconds);
    }
    int offset = (hours * 60 + minutes) * 60 + seconds;
    reader->fields->offset_s = is_west ? -offset : offset;
    reader->fields->has_offset = is_good;
    return is_good;
}

bool weft_time_take_offset(struct weft_time_reader *reader, unsigned form)
{
    static const uint8_t any[] = { WEFT_TIME_OFFSET_MINUTES, WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_COLONS, 0 };
    const uint8_t *start = reader->at;
    if ((form & WEFT_TIME_OFFSET_OR_Z) != 0 && weft_time_left(reader) > 0 && *reader->at == 'Z') {
        reader->at++;
        reader->fields->is_utc = true;
        return true;
    }
    if ((form & WEFT_TIME_OFFSET_ANY) == 0) {
        return take_offset_form(reader, form);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(any); i++) {
        reader->at = start;
        if (take_offset_form(reader, any[i])) {
            return true;
        }
    }
    return false;
}

/* +3 or -03, up to 23 hours; the length, 0 if there is none. */
static size_t signed_hours_length(const struct weft_time_reader *reader, size_t offset)
{
    enum { MAX_HOURS = 23 };
    size_t length = 1;
    int hours = 0;
    if (offset >= weft_time_left(reader) || (reader->at[offset] != '+' && reader->at[offset] != '-')) {
        return 0;
    }
    for (; weft_time_is_digit_at(reader, offset + length) && hours <= MAX_HOURS; length++) {
        hours = hours * 10 + reader->at[offset + length] - '0';
    }
    return length > 1 && hours <= MAX_HOURS ? length : 0;
}

static bool is_at(const struct weft_time_reader *reader, const char *text)
{
    return weft_time_left(reader) >= strlen(text) && memcmp(reader->at, text, strlen(text)) == 0;
}

/* What Go takes for a zone's short name: three to five capitals, four only with a T at the end. */
static size_t zone_name_length(const struct weft_time_reader *reader)
{
    enum { MIN_LETTERS = 3, MAX_LETTERS = 5 };
    size_t capitals = 0;
    if (weft_time_left(reader) < MIN_LETTERS) {
        return 0;
    }
    if (is_at(reader, "ChST") || is_at(reader, "MeST")) {
        return MIN_LETTERS + 1;
    }
    if (is_at(reader, "GMT")) {
        return MIN_LETTERS + signed_hours_length(reader, MIN_LETTERS);
    }
    if (*reader->at == '+' || *reader->at == '-') {
        return signed_hours_length(reader, 0);
    }
    while (capitals <= MAX_LETTERS && capitals < weft_time_left(reader) && reader->at[capitals] >= 'A' &&
           reader->at[capitals] <= 'Z') {
        capitals++;
    }
    bool is_name = capitals == MIN_LETTERS ||
                   (capitals > MIN_LETTERS && capitals <= MAX_LETTERS && reader->at[capitals - 1] == 'T') ||
                   (capitals == MIN_LETTERS + 1 && is_at(reader, "WITA"));
    return is_name ? capitals : 0;
}

bool weft_time_take_zone_name(struct weft_time_reader *reader)
{
    if (is_at(reader, "UTC")) {
        reader->at += strlen("UTC");
        reader->fields->is_utc = true;
        return true;
    }
    size_t length = zone_name_length(reader);
    reader->fields->zone_name = weft_slice_of(reader->at, length);
    reader->at += length;
    return length > 0 || weft_time_refuse(reader, "the name of a time zone is expected");
}
