/* Running statements on the events of a span and on the data points of a metric (transform_run_internal.h). */
#include "processors/transform_run_internal.h"

#include "base/work.h"
#include "wire/checked.h"

enum { EVENTS_FIELD = 11, POINTS_FIELD = 1 };

static enum weft_status gather_items(struct weft_transform_runner *runner, struct weft_slice message, uint32_t field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_slice contents;
    const struct weft_slice none = WEFT_SLICE_EMPTY;
    weft_buffer_clear(&runner->items);
    weft_buffer_clear(&runner->replaced);
    while (weft_wire_next_message(&reader, field, &contents)) {
        weft_buffer_append(&runner->items, &contents, sizeof contents);
        weft_buffer_append(&runner->replaced, &none, sizeof none);
    }
    enum weft_status status = weft_buffer_status(&runner->items);
    return status == WEFT_OK ? weft_buffer_status(&runner->replaced) : status;
}

/* One event or point; what it has become lies in the run's memory, as long as the record is looked at. */
static enum weft_status run_item(struct weft_transform_walk *walk, struct weft_slice item, size_t index,
                                 struct weft_slice *replaced)
{
    struct weft_ottl_run *run = &walk->runner->run;
    weft_ottl_record_set_item(&run->record, item);
    run->record.event_index = walk->signal == WEFT_TRACES ? (int64_t)index : -1;
    enum weft_status status = weft_transform_run_group(walk);
    if (status != WEFT_OK || !weft_transform_is_touched(walk, WEFT_OTTL_LEVEL_ITEM)) {
        return status;
    }
    status = weft_transform_write_level(walk, WEFT_OTTL_LEVEL_ITEM, NULL);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_slice written = weft_buffer_slice(&walk->runner->written);
    uint8_t *bytes = weft_ottl_run_take(run, written.length + 1);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    weft_work_copy(bytes, written.bytes, written.length);
    *replaced = weft_slice_of(bytes, written.length);
    return WEFT_OK;
}

enum weft_status weft_transform_run_items(struct weft_transform_walk *walk, struct weft_ottl_replaced *replaced)
{
    struct weft_transform_runner *runner = walk->runner;
    bool is_metric = walk->signal == WEFT_METRICS;
    const struct weft_ottl_message *holder =
        weft_ottl_record_level(&runner->run.record, is_metric ? WEFT_OTTL_LEVEL_DATA : WEFT_OTTL_LEVEL_RECORD);
    uint32_t field = is_metric ? (uint32_t)POINTS_FIELD : (uint32_t)EVENTS_FIELD;
    enum weft_status status = gather_items(runner, holder->bytes, field);
    size_t count = runner->items.length / sizeof(struct weft_slice);
    const struct weft_slice *items = (const struct weft_slice *)(const void *)runner->items.bytes;
    struct weft_slice *contents = (struct weft_slice *)(void *)runner->replaced.bytes;
    bool is_any = false;
    runner->run.points = is_metric ? contents : NULL;
    runner->run.point_count = count;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        runner->run.point = i;
        status = run_item(walk, items[i], i, &contents[i]);
        is_any = is_any || contents[i].bytes != NULL;
    }
    runner->run.points = NULL;
    *replaced = (struct weft_ottl_replaced){ .field = is_any ? field : 0, .contents = contents, .count = count };
    return status;
}
