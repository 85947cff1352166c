/* Zone files (RFC 8536) and what they say (time_zone.h). Times are looked up as Go's time package does it. */
#include "wire/time_zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { MAX_FILE_BYTES = 256 << 10, HEADER_BYTES = 44, MAX_PERIODS = 250 };

static const char *const folders[] = { "/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo" };

/* ---- looking up ---- */

/* The number of starts that are not after the time. */
static size_t starts_until(const struct weft_time_zone *zone, int64_t time_s)
{
    size_t low = 0;
    size_t high = zone->start_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->starts[middle] <= time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct weft_zone_period *period_after(const struct weft_time_zone *zone, size_t starts)
{
    return &zone->periods[starts == 0 ? zone->first : zone->kinds[starts - 1]];
}

/* First as if the clock were UTC; where that is wrong a change is near. */
int32_t weft_time_zone_offset(const struct weft_time_zone *zone, int64_t clock_s)
{
    if (zone->period_count == 0) {
        return 0;
    }
    size_t starts = starts_until(zone, clock_s);
    int32_t offset = period_after(zone, starts)->offset_s;
    int64_t time = clock_s - offset;
    bool is_before = starts > 0 && time < zone->starts[starts - 1];
    bool is_behind = starts < zone->start_count && time >= zone->starts[starts];
    return is_before || is_behind ? period_after(zone, starts_until(zone, time))->offset_s : offset;
}

/* The one that holds at that time, else the first of the name. */
bool weft_time_zone_named_offset(const struct weft_time_zone *zone, struct weft_slice name, int64_t clock_s,
                                 int32_t *out_offset_s)
{
    bool is_found = false;
    for (size_t i = 0; i < zone->period_count; i++) {
        const struct weft_zone_period *period = &zone->periods[i];
        if (!weft_slice_equal_text(name, period->name)) {
            continue;
        }
        const struct weft_zone_period *then = period_after(zone, starts_until(zone, clock_s - period->offset_s));
        bool holds = weft_slice_equal_text(name, then->name);
        if (holds || !is_found) {
            *out_offset_s = holds ? then->offset_s : period->offset_s;
            is_found = true;
        }
        if (holds) {
            break;
        }
    }
    return is_found;
}

/* ---- reading ---- */

struct counts {
    uint32_t utc, standard, leaps, times, types, characters;
};

static uint32_t read_32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const uint8_t *at, size_t size)
{
    return size == 4 ? (int32_t)read_32(at) : (int64_t)((uint64_t)read_32(at) << 32 | read_32(at + 4));
}

static bool read_header(struct weft_slice file, struct counts *out_counts)
{
    static const size_t first_count = 20;
    if (file.length < HEADER_BYTES || memcmp(file.bytes, "TZif", 4) != 0) {
        return false;
    }
    const uint8_t *at = file.bytes + first_count;
    *out_counts = (struct counts){ read_32(at),      read_32(at + 4),  read_32(at + 8),
                                   read_32(at + 12), read_32(at + 16), read_32(at + 20) };
    bool is_sane = out_counts->types > 0 && out_counts->types <= MAX_PERIODS;
    uint32_t all =
        out_counts->utc | out_counts->standard | out_counts->leaps | out_counts->times | out_counts->characters;
    return is_sane && all <= MAX_FILE_BYTES;
}

static size_t block_length(const struct counts *counts, size_t time_size)
{
    return counts->times * (time_size + 1) + counts->types * (size_t)6 + counts->characters +
           counts->leaps * (time_size + 4) + counts->standard + counts->utc;
}

static bool alloc_zone(struct weft_time_zone *zone, struct weft_entry_memory *memory, size_t periods, size_t starts)
{
    zone->periods = weft_entry_memory_try_alloc(memory, periods * sizeof *zone->periods);
    zone->starts = weft_entry_memory_try_alloc(memory, starts * sizeof *zone->starts);
    zone->kinds = weft_entry_memory_try_alloc(memory, starts);
    return zone->periods != NULL && zone->starts != NULL && zone->kinds != NULL;
}

/* at: the types, after them their names. */
static bool read_periods(struct weft_time_zone *zone, const struct counts *counts, const uint8_t *at,
                         struct weft_entry_memory *memory)
{
    enum { TYPE_BYTES = 6, MAX_OFFSET = 7 * 86400 };
    char *names = weft_entry_memory_try_alloc(memory, counts->characters + 1);
    if (names == NULL) {
        return false;
    }
    memcpy(names, at + counts->types * (size_t)TYPE_BYTES, counts->characters);
    names[counts->characters] = '\0';
    for (size_t i = 0; i < counts->types; i++, at += TYPE_BYTES) {
        struct weft_zone_period *period = &zone->periods[i];
        uint8_t name = at[5];
        period->offset_s = (int32_t)read_32(at);
        period->is_dst = at[4] != 0;
        period->name = names + (name < counts->characters ? name : counts->characters);
        if (period->offset_s > MAX_OFFSET || period->offset_s < -MAX_OFFSET) {
            period->offset_s = 0;
        }
    }
    zone->period_count = counts->types;
    return true;
}

/* False: times do not ascend, or name a period that is not there. */
static bool read_starts(struct weft_time_zone *zone, const struct counts *counts, const uint8_t *at, size_t time_size)
{
    const uint8_t *kinds = at + counts->times * time_size;
    for (size_t i = 0; i < counts->times; i++) {
        zone->starts[i] = read_time(at + i * time_size, time_size);
        zone->kinds[i] = kinds[i];
        if (kinds[i] >= counts->types || (i > 0 && zone->starts[i] <= zone->starts[i - 1])) {
            return false;
        }
    }
    zone->start_count = counts->times;
    return true;
}

/* RFC 8536 lets the first type hold before all starts; older files have it in use, and then it is one without summer
 * time. */
static uint8_t find_first(const struct weft_time_zone *zone)
{
    if (zone->start_count == 0 || memchr(zone->kinds, 0, zone->start_count) == NULL) {
        return 0;
    }
    for (size_t i = zone->periods[zone->kinds[0]].is_dst ? zone->kinds[0] : 0; i-- > 0;) {
        if (!zone->periods[i].is_dst) {
            return (uint8_t)i;
        }
    }
    for (size_t i = 0; i < zone->period_count; i++) {
        if (!zone->periods[i].is_dst) {
            return (uint8_t)i;
        }
    }
    return 0;
}

/* What follows the second block, between two line ends. */
static struct weft_slice find_rule(struct weft_slice rest)
{
    const uint8_t *end =
        rest.length > 1 && rest.bytes[0] == '\n' ? memchr(rest.bytes + 1, '\n', rest.length - 1) : NULL;
    return end == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(rest.bytes + 1, (size_t)(end - rest.bytes) - 1);
}

enum weft_status weft_time_zone_parse(struct weft_slice file, struct weft_entry_memory *memory,
                                      struct weft_time_zone *out_zone, struct weft_error *error)
{
    struct counts counts;
    struct weft_time_zone zone = { 0 };
    size_t time_size = 4;
    if (!read_header(file, &counts)) {
        return weft_fail(error, WEFT_INVALID, "it is no zone file");
    }
    size_t first_block = HEADER_BYTES + block_length(&counts, time_size);
    if (file.bytes[4] >= '2' && file.length >= first_block) { /* the same again, with times of 64 bits */
        file = weft_slice_of(file.bytes + first_block, file.length - first_block);
        time_size = sizeof(int64_t);
        if (!read_header(file, &counts)) {
            return weft_fail(error, WEFT_INVALID, "it is no zone file");
        }
    }
    size_t length = HEADER_BYTES + block_length(&counts, time_size);
    if (file.length < length) {
        return weft_fail(error, WEFT_INVALID, "the zone file is cut off");
    }
    const uint8_t *at = file.bytes + HEADER_BYTES;
    if (!alloc_zone(&zone, memory, counts.types + WEFT_ZONE_RULE_PERIODS, counts.times + WEFT_ZONE_RULE_STARTS) ||
        !read_periods(&zone, &counts, at + counts.times * (time_size + 1), memory)) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a time zone");
    }
    if (!read_starts(&zone, &counts, at, time_size)) {
        return weft_fail(error, WEFT_INVALID, "the zone file is broken");
    }
    zone.first = find_first(&zone);
    struct weft_slice rule =
        time_size == 4 ? WEFT_SLICE_EMPTY : find_rule(weft_slice_of(file.bytes + length, file.length - length));
    enum weft_status status = rule.length == 0 ? WEFT_OK : weft_time_zone_add_rule(&zone, rule, memory);
    if (status != WEFT_OK) {
        return weft_fail(error, status, status == WEFT_NOMEM ? "no memory for a time zone" : "its rule is broken");
    }
    *out_zone = zone;
    return WEFT_OK;
}

enum weft_status weft_time_zone_fix(int32_t offset_s, struct weft_entry_memory *memory, struct weft_time_zone *out_zone)
{
    struct weft_time_zone zone = { .period_count = 1 };
    if (!alloc_zone(&zone, memory, 1, 1)) {
        return WEFT_NOMEM;
    }
    zone.periods[0] = (struct weft_zone_period){ .name = "", .offset_s = offset_s };
    *out_zone = zone;
    return WEFT_OK;
}

/* ---- files ---- */

static bool is_safe(const char *name)
{
    return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL && strchr(name, '\\') == NULL;
}

static enum weft_status read_file(int descriptor, uint8_t *out_bytes, size_t *out_length, struct weft_error *error)
{
    size_t length = 0;
    while (length < MAX_FILE_BYTES) {
        ssize_t count = read(descriptor, out_bytes + length, MAX_FILE_BYTES - length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return weft_fail(error, WEFT_IO, "reading the zone file: %s", strerror(errno));
        }
        if (count == 0) {
            break;
        }
        length += (size_t)count;
    }
    *out_length = length;
    return WEFT_OK;
}

static enum weft_status parse_file(int descriptor, struct weft_entry_memory *memory, struct weft_time_zone *out_zone,
                                   struct weft_error *error)
{
    size_t length = 0;
    uint8_t *bytes = weft_try_alloc_raw(MAX_FILE_BYTES);
    enum weft_status status = bytes == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for a time zone")
                                            : read_file(descriptor, bytes, &length, error);
    if (status == WEFT_OK) {
        status = weft_time_zone_parse(weft_slice_of(bytes, length), memory, out_zone, error);
    }
    weft_free(bytes);
    return status;
}

enum weft_status weft_time_zone_load(const char *name, struct weft_entry_memory *memory,
                                     struct weft_time_zone *out_zone, struct weft_error *error)
{
    char path[320];
    struct stat about;
    for (size_t i = 0; is_safe(name) && i < WEFT_COUNT_OF(folders); i++) {
        int length = snprintf(path, sizeof path, "%s/%s", folders[i], name);
        int descriptor =
            length > 0 && (size_t)length < sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        if (descriptor < 0) {
            continue;
        }
        bool is_file = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
        enum weft_status status = is_file ? parse_file(descriptor, memory, out_zone, error) : WEFT_INVALID;
        close(descriptor);
        if (is_file) {
            return status;
        }
    }
    return weft_fail(error, WEFT_INVALID, "this system has no time zone of that name");
}
