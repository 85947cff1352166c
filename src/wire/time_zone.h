#pragma once

#include "base/entry_memory.h"
#include "wire/time_layout.h"

/* A time zone: which offset from UTC, under which name, held when. Read from the system's zone files while a config is
 * compiled (this blocks), never changed; the process's own TZ does not matter. What a file says of all later years is
 * written out up to the last year that OTLP has. All zero is UTC. */
struct weft_zone_period {
    const char *name;
    int32_t offset_s; /* east of UTC */
    bool is_dst;
};

struct weft_time_zone {
    struct weft_zone_period *periods;
    size_t period_count;
    int64_t *starts; /* ascending, since 1970 in seconds */
    uint8_t *kinds;  /* of the period that starts there */
    size_t start_count;
    uint8_t first; /* of the period before all of them */
};

/* name: "Europe/Berlin". memory: of what the zone is made of. WEFT_INVALID: there is none of that name, or its file is
 * broken; WEFT_IO, WEFT_NOMEM. */
enum weft_status weft_time_zone_load(const char *name, struct weft_entry_memory *memory,
                                     struct weft_time_zone *out_zone, struct weft_error *error) WEFT_MUST_CHECK;

/* A zone with one offset. */
enum weft_status weft_time_zone_fix(int32_t offset_s, struct weft_entry_memory *memory,
                                    struct weft_time_zone *out_zone) WEFT_MUST_CHECK;

/* Of a file's bytes. */
enum weft_status weft_time_zone_parse(struct weft_slice file, struct weft_entry_memory *memory,
                                      struct weft_time_zone *out_zone, struct weft_error *error) WEFT_MUST_CHECK;

/* The offset of what a clock in the zone shows, given as if it were UTC. Of an hour that is there twice the first one
 * counts; of one that is not there the clock has not changed yet. */
int32_t weft_time_zone_offset(const struct weft_time_zone *zone, int64_t clock_s);

/* The same for a clock that shows this name; false: the zone never has it. */
bool weft_time_zone_named_offset(const struct weft_time_zone *zone, struct weft_slice name, int64_t clock_s,
                                 int32_t *out_offset_s) WEFT_MUST_CHECK;

/* time_zone_rule.c: the periods that a rule like "CET-1CEST,M3.5.0,M10.5.0/3" gives, from the last start on. The zone
 * has room for them. */
enum { WEFT_ZONE_RULE_PERIODS = 2, WEFT_ZONE_RULE_STARTS = 2 * (2555 - 1969) };
enum weft_status weft_time_zone_add_rule(struct weft_time_zone *zone, struct weft_slice rule,
                                         struct weft_entry_memory *memory) WEFT_MUST_CHECK;

/* time_moment.c: the moment that fields name. A time that names no zone is that of zone; NULL: its clock is zone_s
 * ahead of UTC. Without a year it is that of now, or the one before if the time would be more than seven days ahead.
 * NULL: out_clock is written; else why not. */
const char *weft_time_moment_of(const struct weft_time_fields *fields, const struct weft_time_zone *zone, int zone_s,
                                uint64_t now_ns, struct weft_time_clock *out_clock) WEFT_MUST_CHECK;
