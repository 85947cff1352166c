/* The levels of a record (record.h). Records have passed the check, so a field that cannot be read is a mistake of
 * ours. */
#include "ottl/record.h"

enum { METRIC_GAUGE = 5, METRIC_SUM = 7, METRIC_HISTOGRAM = 9, METRIC_EXPONENTIAL = 10, METRIC_SUMMARY = 11 };
enum { STATUS_FIELD = 15, RESOURCE_FIELD = 1, SCOPE_FIELD = 1 };

static void set_level(struct weft_ottl_record *record, enum weft_ottl_level level, struct weft_slice bytes)
{
    struct weft_ottl_message *message = &record->levels[level];
    message->bytes = bytes;
    message->is_decoded = message->is_skimmed = false;
    message->present = message->touched = 0;
    message->attributes = NULL;
    message->slots.sought = NULL;
    record->has_level[level] = true;
}

static void forget_from(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    for (int i = level; i < WEFT_OTTL_LEVEL_COUNT; i++) {
        record->has_level[i] = false;
    }
    record->cache = NULL;
    record->event_index = -1;
}

void weft_ottl_record_seek(struct weft_ottl_record *record, const struct weft_ottl_sought *sought)
{
    record->sought = sought;
}

void weft_ottl_record_want(struct weft_ottl_record *record, const struct weft_ottl_wants *wants)
{
    record->wants = wants;
}

void weft_ottl_record_set_plain(struct weft_ottl_record *record, bool is_plain)
{
    record->is_plain = is_plain;
}

void weft_ottl_record_set_resource(struct weft_ottl_record *record, enum weft_signal signal, struct weft_slice header)
{
    record->signal = signal;
    forget_from(record, WEFT_OTTL_LEVEL_RESOURCE_X);
    set_level(record, WEFT_OTTL_LEVEL_RESOURCE_X, header);
}

void weft_ottl_record_set_scope(struct weft_ottl_record *record, struct weft_slice header)
{
    forget_from(record, WEFT_OTTL_LEVEL_SCOPE_X);
    set_level(record, WEFT_OTTL_LEVEL_SCOPE_X, header);
}

void weft_ottl_record_set_record(struct weft_ottl_record *record, struct weft_slice contents)
{
    forget_from(record, WEFT_OTTL_LEVEL_RECORD);
    set_level(record, WEFT_OTTL_LEVEL_RECORD, contents);
}

void weft_ottl_record_set_item(struct weft_ottl_record *record, struct weft_slice contents)
{
    record->cache = NULL;
    record->event_index = -1;
    set_level(record, WEFT_OTTL_LEVEL_ITEM, contents);
}

static struct weft_slice contents_of(const struct weft_ottl_message *message, uint32_t number)
{
    const struct weft_ottl_field *field = weft_ottl_message_field(message, number);
    return field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
}

/* Of several kinds of data the one that came last is the metric's. */
static void open_data(struct weft_ottl_record *record)
{
    static const struct {
        uint32_t field;
        enum weft_ottl_metric_type type;
    } kinds[] = {
        { METRIC_GAUGE, WEFT_OTTL_METRIC_GAUGE },
        { METRIC_SUM, WEFT_OTTL_METRIC_SUM },
        { METRIC_HISTOGRAM, WEFT_OTTL_METRIC_HISTOGRAM },
        { METRIC_EXPONENTIAL, WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM },
        { METRIC_SUMMARY, WEFT_OTTL_METRIC_SUMMARY },
    };
    const struct weft_ottl_message *metric = weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_RECORD);
    const struct weft_ottl_field *last = NULL;
    record->metric_type = WEFT_OTTL_METRIC_NONE;
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        const struct weft_ottl_field *field = weft_ottl_message_field(metric, kinds[i].field);
        if (field != NULL && (last == NULL || field->end > last->end)) {
            last = field;
            record->metric_type = kinds[i].type;
        }
    }
    set_level(record, WEFT_OTTL_LEVEL_DATA, last == NULL ? WEFT_SLICE_EMPTY : last->bytes);
}

static void open_level(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    switch (level) {
    case WEFT_OTTL_LEVEL_RESOURCE:
        set_level(record, level,
                  contents_of(weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_RESOURCE_X), RESOURCE_FIELD));
        return;
    case WEFT_OTTL_LEVEL_SCOPE:
        set_level(record, level, contents_of(weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_SCOPE_X), SCOPE_FIELD));
        return;
    case WEFT_OTTL_LEVEL_STATUS:
        set_level(record, level, contents_of(weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_RECORD), STATUS_FIELD));
        return;
    case WEFT_OTTL_LEVEL_DATA:
        open_data(record);
        return;
    case WEFT_OTTL_LEVEL_RESOURCE_X:
    case WEFT_OTTL_LEVEL_SCOPE_X:
    case WEFT_OTTL_LEVEL_RECORD:
    case WEFT_OTTL_LEVEL_ITEM:
    case WEFT_OTTL_LEVEL_COUNT:
        break;
    }
    set_level(record, level, WEFT_SLICE_EMPTY);
}

struct weft_ottl_message *weft_ottl_record_level(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    if (!record->has_level[level]) {
        open_level(record, level);
    }
    return &record->levels[level];
}

static inline void seek_attributes(struct weft_ottl_record *record, struct weft_ottl_message *message,
                                   enum weft_ottl_level level)
{
    message->list_field = weft_ottl_record_attributes_field(record, level);
    bool is_sought = record->sought != NULL && record->sought->count > 0 && message->list_field != 0;
    message->is_plain = record->is_plain;
    message->head_fields =
        level == WEFT_OTTL_LEVEL_RECORD && record->sought != NULL ? record->sought->fields : UINT32_MAX;
    message->slots.sought = is_sought && message->attributes == NULL ? record->sought : NULL;
}

struct weft_ottl_message *weft_ottl_record_decode(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    struct weft_ottl_message *message = &record->levels[level];
    if (WEFT_UNLIKELY(!record->has_level[level])) {
        open_level(record, level);
    }
    if (!message->is_decoded) {
        seek_attributes(record, message, level);
        weft_ottl_message_decode(message);
    }
    return message;
}

static inline const struct weft_ottl_message *skim_record(struct weft_ottl_record *record)
{
    struct weft_ottl_message *message = &record->levels[WEFT_OTTL_LEVEL_RECORD];
    seek_attributes(record, message, WEFT_OTTL_LEVEL_RECORD);
    if (!record->is_plain || !weft_ottl_message_skim_plain(message, record->wants)) {
        weft_ottl_message_skim(message, record->wants);
    }
    return message;
}

const struct weft_ottl_message *weft_ottl_record_skim(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    bool is_wanted = record->wants != NULL && record->has_level[WEFT_OTTL_LEVEL_RECORD];
    if (level == WEFT_OTTL_LEVEL_RECORD && is_wanted && !record->levels[level].is_decoded) {
        return skim_record(record);
    }
    if (level == WEFT_OTTL_LEVEL_STATUS && is_wanted && !record->has_level[level]) {
        set_level(record, level, contents_of(weft_ottl_record_skimmed(record, WEFT_OTTL_LEVEL_RECORD), STATUS_FIELD));
    }
    return weft_ottl_record_decode(record, level);
}

const struct weft_ottl_message *weft_ottl_record_set_skimmed(struct weft_ottl_record *record,
                                                             struct weft_slice contents)
{
    weft_ottl_record_set_record(record, contents);
    return record->wants != NULL ? skim_record(record) : weft_ottl_record_decode(record, WEFT_OTTL_LEVEL_RECORD);
}

enum weft_ottl_metric_type weft_ottl_record_metric_type(struct weft_ottl_record *record)
{
    weft_ottl_record_level(record, WEFT_OTTL_LEVEL_DATA);
    return record->metric_type;
}

static uint32_t item_attributes_field(struct weft_ottl_record *record)
{
    if (record->signal == WEFT_TRACES) {
        return 3;
    }
    switch (weft_ottl_record_metric_type(record)) {
    case WEFT_OTTL_METRIC_NONE:
        return 0;
    case WEFT_OTTL_METRIC_GAUGE:
    case WEFT_OTTL_METRIC_SUM:
    case WEFT_OTTL_METRIC_SUMMARY:
        return 7;
    case WEFT_OTTL_METRIC_HISTOGRAM:
        return 9;
    case WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM:
        return 1;
    }
    return 0;
}

uint32_t weft_ottl_record_attributes_field(struct weft_ottl_record *record, enum weft_ottl_level level)
{
    switch (level) {
    case WEFT_OTTL_LEVEL_RESOURCE:
        return 1;
    case WEFT_OTTL_LEVEL_SCOPE:
        return 3;
    case WEFT_OTTL_LEVEL_RECORD:
        return record->signal == WEFT_METRICS ? 12 : weft_otlp_attributes_field(record->signal);
    case WEFT_OTTL_LEVEL_ITEM:
        return item_attributes_field(record);
    case WEFT_OTTL_LEVEL_RESOURCE_X:
    case WEFT_OTTL_LEVEL_SCOPE_X:
    case WEFT_OTTL_LEVEL_STATUS:
    case WEFT_OTTL_LEVEL_DATA:
    case WEFT_OTTL_LEVEL_COUNT:
        break;
    }
    return 0;
}

struct weft_ottl_value weft_ottl_message_map(const struct weft_ottl_message *message, uint32_t field)
{
    if (message->attributes != NULL) {
        return weft_ottl_open_map(message->attributes);
    }
    if (!message->is_decoded) {
        return weft_ottl_wire_map(message->bytes, field);
    }
    const struct weft_ottl_field *found = weft_ottl_message_field(message, field);
    return weft_ottl_wire_map(
        found == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(found->first, (size_t)(found->end - found->first)), field);
}

struct weft_ottl_map *weft_ottl_message_attributes(struct weft_ottl_message *message, uint32_t field,
                                                   struct weft_entry_memory *memory)
{
    if (message->attributes != NULL) {
        return message->attributes;
    }
    struct weft_ottl_value wire = weft_ottl_message_map(message, field);
    struct weft_ottl_map *map = weft_ottl_map_open(memory, &wire);
    bool has_changes = weft_ottl_slots_are_changed(&message->slots);
    if (map == NULL || (has_changes && weft_ottl_slots_settle(&message->slots, map, memory) != WEFT_OK)) {
        return NULL;
    }
    message->attributes = map;
    message->slots.sought = NULL;
    return map;
}
