/* From what a text says to a moment (time_layout.h): the zone, and the year if there is none. */
#include "base/clock.h"
#include "wire/time.h"
#include "wire/time_zone.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

/* Names that the Collector finds without a location, since zone files have them as theirs. */
static const struct {
    const char *name;
    int hours;
} known_names[] = {
    { "GMT", 0 }, { "WET", 0 },  { "UCT", 0 },  { "CET", 1 },   { "MET", 1 },
    { "EET", 2 }, { "EST", -5 }, { "MST", -7 }, { "HST", -10 },
};

/* What the clock is ahead of UTC: an offset, or what a zone says of that moment. */
struct place {
    const struct weft_time_zone *zone; /* NULL: offset_s */
    struct weft_slice name;            /* of the zone's */
    int32_t offset_s;
    int32_t found_s; /* what it was at the moment */
};

static bool find_known(struct weft_slice name, int32_t *out_offset_s)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(known_names); i++) {
        if (weft_slice_equal_text(name, known_names[i].name)) {
            *out_offset_s = known_names[i].hours * HOUR_S;
            return true;
        }
    }
    return false;
}

/* Go takes GMT+3 for a name and leaves the clock as it is. False: nobody knows the name. */
static bool find_place(const struct weft_time_fields *fields, const struct weft_time_zone *zone, int zone_s,
                       struct place *out_place)
{
    *out_place = (struct place){ 0 };
    if (fields->is_utc) {
        return true;
    }
    if (fields->zone_name.length == 0) {
        *out_place = fields->has_offset ? (struct place){ .offset_s = fields->offset_s }
                                        : (struct place){ .zone = zone, .offset_s = zone_s };
        return true;
    }
    int32_t offset = 0;
    bool is_named = zone != NULL && weft_time_zone_named_offset(zone, fields->zone_name, 0, &offset);
    bool is_gmt = fields->zone_name.length > 3 && memcmp(fields->zone_name.bytes, "GMT", 3) == 0;
    if (!is_named && !is_gmt && !find_known(fields->zone_name, &offset) &&
        !(fields->has_offset && fields->offset_s != 0)) {
        return false;
    }
    *out_place = fields->has_offset ? (struct place){ .offset_s = fields->offset_s }
                                    : (struct place){ .zone = is_named ? zone : NULL,
                                                      .name = is_named ? fields->zone_name : WEFT_SLICE_EMPTY,
                                                      .offset_s = offset };
    return true;
}

static int64_t seconds_in(const struct weft_time_fields *fields, int year, struct place *place)
{
    int64_t clock = weft_time_days(year, fields->month, fields->day) * DAY_S + fields->hour * (int64_t)HOUR_S +
                    fields->minute * 60 + fields->second;
    int32_t offset = place->offset_s;
    if (place->zone != NULL && place->name.length == 0) {
        offset = weft_time_zone_offset(place->zone, clock);
    } else if (place->zone != NULL && !weft_time_zone_named_offset(place->zone, place->name, clock, &offset)) {
        offset = 0;
    }
    place->found_s = offset;
    return clock - offset;
}

static int year_of(int64_t clock_s)
{
    enum { MAX_YEAR_DAYS = 366 };
    int64_t days = clock_s / DAY_S;
    int year = 1970 + (int)(days / MAX_YEAR_DAYS);
    while (weft_time_days(year + 1, 1, 1) <= days) {
        year++;
    }
    return year;
}

/* That of now, or the one before if the time would be more than seven days ahead. */
static int64_t seconds_without_year(const struct weft_time_fields *fields, struct place *place, int zone_s,
                                    uint64_t now_ns)
{
    enum { DAYS_AHEAD = 7 };
    int64_t now = (int64_t)(now_ns / (uint64_t)WEFT_NS_PER_S);
    int64_t nanos = (int64_t)(now_ns % (uint64_t)WEFT_NS_PER_S);
    int year = year_of(now + zone_s < 0 ? 0 : now + zone_s);
    int64_t end = now + DAYS_AHEAD * (int64_t)DAY_S;
    int64_t seconds = seconds_in(fields, year, place);
    bool is_ahead = seconds > end || (seconds == end && fields->nanos > nanos);
    return is_ahead ? seconds_in(fields, year - 1, place) : seconds;
}

const char *weft_time_moment_of(const struct weft_time_fields *fields, const struct weft_time_zone *zone, int zone_s,
                                uint64_t now_ns, struct weft_time_clock *out_clock)
{
    struct place place;
    if (!find_place(fields, zone, zone_s, &place)) {
        return "the name of its time zone is not known";
    }
    int64_t seconds = fields->year > 0 ? seconds_in(fields, fields->year, &place)
                                       : seconds_without_year(fields, &place, zone_s, now_ns);
    *out_clock = (struct weft_time_clock){ .seconds = seconds, .nanos = fields->nanos, .offset_s = place.found_s };
    return NULL;
}
