#pragma once

#include "operators/operator_internal.h"
#include "wire/time_layout.h"
#include "wire/time_zone.h"

/* Keys with which operators read times: the block `timestamp` of parsers, and those of time_parser. A time that names
 * no zone is that of `location`, else that of the run; one that names no year is of the year around its entry. */
struct weft_time_zone_name {
    struct weft_slice name;
    struct weft_time_zone zone;
};

enum weft_time_form { WEFT_TIME_OF_LAYOUT, WEFT_TIME_OF_EPOCH, WEFT_TIME_OF_EPOCH_PARTS };

struct weft_time_block {
    struct weft_log_path parse_from;
    const char *layout_type, *layout_text, *location;
    const struct weft_node *zone_locations; /* while compiling */

    enum weft_time_form form;
    struct weft_time_layout layout;
    int64_t epoch_unit_ns; /* of EPOCH, and behind the point of EPOCH_PARTS */
    int epoch_digits;      /* behind the point, of numbers that are doubles */
    bool has_zone;         /* false: the run's */
    struct weft_time_zone zone;
    struct weft_time_zone_name *names; /* zones by what stands in the text */
    size_t name_count;
};

/* Rows of a table of keys; member: where the block lies in type, with its point, or nothing. */
#define WEFT_TIME_BLOCK_KEYS(type, member)                                   \
    WEFT_OPERATOR_KEY_AT("parse_from", PATH, type, member parse_from),       \
        WEFT_OPERATOR_KEY_AT("layout_type", TEXT, type, member layout_type), \
        WEFT_OPERATOR_KEY_AT("layout", TEXT, type, member layout_text),      \
        WEFT_OPERATOR_KEY_AT("location", TEXT, type, member location),       \
        WEFT_OPERATOR_KEY_AT("time_zone_locations", NODE, type, member zone_locations)

extern const struct weft_operator_key weft_time_block_keys[];

/* node: where the keys stand. */
enum weft_status weft_time_block_compile(struct weft_time_block *block, struct weft_operator_reader *reader,
                                         const struct weft_node *node) WEFT_MUST_CHECK;

/* Sets the entry's time; on failure it stays as it is. */
enum weft_operator_verdict weft_time_block_apply(const struct weft_time_block *block, struct weft_operator_run *run,
                                                 struct weft_log_entry *entry);

/* time_epoch.c: an EPOCH or EPOCH_PARTS value; false: it is none, or beyond what OTLP has. 0 is 1970. */
bool weft_time_epoch_read(const struct weft_time_block *block, const struct weft_log_value *value,
                          uint64_t *out_ns) WEFT_MUST_CHECK;

/* time_resolve.c: the moment that fields name. text: all of it. zone_s: of the run, east of UTC. NULL: out_ns is
 * written; else why not. */
const char *weft_time_resolve(const struct weft_time_block *block, const struct weft_time_fields *fields,
                              struct weft_slice text, int zone_s, uint64_t observed_ns,
                              uint64_t *out_ns) WEFT_MUST_CHECK;
