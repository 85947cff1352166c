/* From what a text says to the time of an entry (time_block.h): the zone that counts, and the range of OTLP. */
#include "operators/time_block.h"
#include "wire/time.h"

/* The zone of the first word of capitals that `time_zone_locations` has; else that of the block, NULL: the run's. */
static const struct weft_time_zone *find_zone(const struct weft_time_block *block, struct weft_slice text)
{
    size_t start = 0;
    for (size_t i = 0; block->name_count > 0 && i <= text.length; i++) {
        uint8_t byte = i < text.length ? text.bytes[i] : ' ';
        bool is_word = byte == '_' || (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
        if (is_word) {
            continue;
        }
        for (size_t j = 0; j < block->name_count; j++) {
            if (weft_slice_equal(block->names[j].name, weft_slice_of(text.bytes + start, i - start))) {
                return &block->names[j].zone;
            }
        }
        start = i + 1;
    }
    return block->has_zone ? &block->zone : NULL;
}

const char *weft_time_resolve(const struct weft_time_block *block, const struct weft_time_fields *fields,
                              struct weft_slice text, int zone_s, uint64_t observed_ns, uint64_t *out_ns)
{
    struct weft_time_clock clock;
    uint64_t ns = 0;
    const char *reason = weft_time_moment_of(fields, find_zone(block, text), zone_s, observed_ns, &clock);
    if (reason != NULL) {
        return reason;
    }
    if (weft_time_of_parts(clock.seconds, clock.nanos, &ns) == WEFT_TIME_PROBLEM_RANGE) {
        return "it is before 1970 or after 2554";
    }
    *out_ns = ns;
    return NULL;
}
