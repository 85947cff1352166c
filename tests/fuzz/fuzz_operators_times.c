/* Fuzz target: layouts of times, texts and zone files. The first byte chooses what the first line is: a strptime layout
 * or Go's, of which the rest is a text; or nothing, and the rest is the file of a zone and a count since 1970. */
#include <stdlib.h>

#include "base/assert.h"
#include "operators/time_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DAY_S = 86400 };

static void read_text(const struct weft_time_layout *layout, struct weft_slice text)
{
    struct weft_time_block block = { .layout = *layout };
    struct weft_time_fields fields;
    struct weft_time_fault fault = { 0 };
    uint64_t ns = 0;
    uint64_t again = 0;
    if (!weft_time_layout_read(layout, text, &fields, &fault)) {
        weft_assert(fault.offset <= text.length && fault.reason != NULL);
        return;
    }
    weft_assert(fields.month >= 1 && fields.month <= 12 && fields.day >= 1 && fields.day <= 31);
    weft_assert(fields.hour < 24 && fields.minute < 60 && fields.second < 60 && fields.nanos < 1000000000);
    if (weft_time_resolve(&block, &fields, text, 0, DAY_S * UINT64_C(1000000000), &ns) == NULL) {
        weft_assert(weft_time_resolve(&block, &fields, text, 0, DAY_S * UINT64_C(1000000000), &again) == NULL);
        weft_assert(ns == again && ns % 1000000000 == fields.nanos);
    }
}

static void read_zone(struct weft_slice file, struct weft_entry_memory *memory)
{
    enum { STEP_S = 10 * 365 * DAY_S, STEPS = 60 };
    struct weft_time_zone zone;
    if (weft_time_zone_parse(file, memory, &zone, NULL) != WEFT_OK) {
        return;
    }
    for (size_t i = 1; i < zone.start_count; i++) {
        weft_assert(zone.starts[i] > zone.starts[i - 1] && zone.kinds[i] < zone.period_count);
    }
    for (int64_t i = 0; i < STEPS; i++) {
        int32_t offset = weft_time_zone_offset(&zone, i * STEP_S);
        weft_assert(offset <= 7 * DAY_S && offset >= -7 * DAY_S);
    }
}

static void read_epoch(const struct weft_time_block *block, struct weft_slice text)
{
    struct weft_log_value value = weft_log_string(text);
    uint64_t ns;
    weft_assert(!weft_time_epoch_read(block, &value, &ns) || text.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct weft_time_block epochs[] = {
        { .form = WEFT_TIME_OF_EPOCH, .epoch_unit_ns = 1000 },
        { .form = WEFT_TIME_OF_EPOCH_PARTS, .epoch_unit_ns = 1000000 },
    };
    struct weft_entry_memory memory = { 0 };
    struct weft_time_layout layout;
    const uint8_t *line = size == 0 ? NULL : memchr(data + 1, '\n', size - 1);
    if (line == NULL) {
        return 0;
    }
    size_t length = (size_t)(line - data) - 1;
    size_t rest = size - length - 2;
    char *first = malloc(length + 1); /* blocks of their own, so that a read past the end is seen */
    uint8_t *second = malloc(rest + 1);
    weft_assert(first != NULL && second != NULL);
    memcpy(first, data + 1, length);
    first[length] = '\0';
    uint8_t *text = second + 1; /* ends where its block does */
    memcpy(text, line + 1, rest);
    bool is_layout =
        data[0] % 3 < 2 && (data[0] % 3 == 0 ? weft_time_layout_compile_strptime(first, &memory, &layout, NULL)
                                             : weft_time_layout_compile_go(first, &memory, &layout, NULL)) == WEFT_OK;
    if (is_layout) {
        read_text(&layout, weft_slice_of(text, rest));
    } else if (data[0] % 3 == 2) {
        read_zone(weft_slice_of(text, rest), &memory);
        read_epoch(&epochs[data[0] / 3 % 2], weft_slice_of(text, rest));
    }
    free(first);
    free(second);
    weft_entry_memory_fini(&memory);
    return 0;
}
