/* Numbers of data points (metric_numbers.h). */
#include "ottl/metric_numbers.h"

#include "wire/checked.h"
#include "wire/wire_scan.h"

uint32_t weft_ottl_point_attributes_field(enum weft_ottl_metric_type type)
{
    switch (type) {
    case WEFT_OTTL_METRIC_HISTOGRAM:
        return 9;
    case WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM:
        return 1;
    case WEFT_OTTL_METRIC_GAUGE:
    case WEFT_OTTL_METRIC_SUM:
    case WEFT_OTTL_METRIC_SUMMARY:
    case WEFT_OTTL_METRIC_NONE:
        break;
    }
    return 7;
}

void weft_ottl_read_numbers(struct weft_slice message, struct weft_ottl_numbers *out_numbers)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    *out_numbers = (struct weft_ottl_numbers){ 0 };
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number < WEFT_COUNT_OF(out_numbers->of) && field.type != WEFT_WIRE_BYTES) {
            out_numbers->present |= UINT32_C(1) << field.number;
            out_numbers->of[field.number] = field.number_value;
        }
    }
}

enum weft_status weft_ottl_read_words(struct weft_ottl_run *run, struct weft_slice message, uint32_t number,
                                      struct weft_ottl_words *out_words)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    uint8_t *bytes = weft_ottl_run_take(run, message.length + sizeof(uint64_t));
    size_t length = 0;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_packed = field.type == WEFT_WIRE_BYTES;
        size_t more = is_packed ? field.bytes.length : sizeof field.number_value;
        if (field.number == number && more > 0) {
            memcpy(bytes + length, is_packed ? (const void *)field.bytes.bytes : (const void *)&field.number_value,
                   more);
            length += more;
        }
    }
    *out_words = (struct weft_ottl_words){ (uint64_t *)(void *)bytes, length / sizeof(uint64_t) };
    return WEFT_OK;
}

enum weft_status weft_ottl_read_varints(struct weft_ottl_run *run, struct weft_slice message, uint32_t number,
                                        struct weft_ottl_words *out_words)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    /* each takes a byte at least */
    struct weft_ottl_words words = { weft_ottl_run_take(run, (message.length + 1) * sizeof *words.items), 0 };
    if (words.items == NULL) {
        return WEFT_NOMEM;
    }
    while (weft_wire_next_checked(&reader, &field)) {
        const uint8_t *at = field.bytes.bytes;
        const uint8_t *end = at + field.bytes.length;
        uint64_t word;
        if (field.number == number && field.type == WEFT_WIRE_VARINT) {
            words.items[words.count++] = field.number_value;
        }
        while (field.number == number && field.type == WEFT_WIRE_BYTES && at < end &&
               (at = weft_wire_read_varint(at, end, &word)) != NULL) {
            words.items[words.count++] = word;
        }
    }
    *out_words = words;
    return WEFT_OK;
}
