/* Taking requests into a table (prometheus_table.h): what a resource, a scope and a metric say is gathered once for all
 * that is under them; for a point that leaves its attributes, in the order of their keys. */
#include <string.h>

#include "base/alloc.h"
#include "exporters/prometheus_internal.h"
#include "wire/checked.h"
#include "wire/otlp_text.h"

enum { RESOURCE_METRICS = 1, RESOURCE = 1, SCOPE_METRICS = 2, SCOPE = 1, METRICS = 2, SCHEMA_URL = 3 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2, SCOPE_ATTRIBUTES = 3 };
enum { SERIES_TEXT_MAX = 4 << 20 }; /* bytes of a page, which one tick writes */

/* ---- keys ---- */

/* Texts of any bytes one after the other, so that no two rows of them are the same. */
static void put_key_text(struct weft_buffer *key, struct weft_slice text)
{
    uint64_t length = text.length;
    weft_buffer_append(key, &length, sizeof length);
    weft_buffer_append(key, text.bytes, text.length);
}

static void make_resource_key(struct weft_prometheus_table *table)
{
    struct weft_prometheus_context *context = &table->context;
    weft_buffer_clear(&context->key);
    weft_buffer_append_byte(&context->key, (uint8_t)(context->has_job | context->has_instance << 1));
    put_key_text(&context->key, context->job);
    put_key_text(&context->key, context->instance);
    weft_hash_wide(&table->secret, weft_buffer_slice(&context->key), context->resource_key);
}

static void put_value(struct weft_prometheus_context *context, struct weft_slice key_value, struct weft_buffer *out)
{
    struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    weft_otlp_put_text(&value, &context->stack, out);
}

static void make_metric_key(struct weft_prometheus_table *table)
{
    struct weft_prometheus_context *context = &table->context;
    struct weft_buffer *key = &context->key;
    const struct weft_prometheus_metric *metric = &context->metric;
    weft_buffer_clear(key);
    weft_buffer_append(key, context->resource_key, sizeof context->resource_key);
    weft_buffer_append_byte(key, (uint8_t)metric->kind);
    put_key_text(key, metric->name);
    put_key_text(key, metric->unit);
    put_key_text(key, context->scope_name);
    put_key_text(key, context->scope_version);
    put_key_text(key, context->scope_schema_url);
    for (size_t i = 0; i < context->scope_attributes.count; i++) {
        put_key_text(key, context->scope_attributes.items[i].key);
        weft_buffer_clear(&context->texts);
        put_value(context, context->scope_attributes.items[i].contents, &context->texts);
        put_key_text(key, weft_buffer_slice(&context->texts));
    }
    weft_hash_wide(&table->secret, weft_buffer_slice(key), context->metric_key);
}

/* ---- attributes of a point ---- */

/* The value's text: where it lies, or written to texts, from where it is an offset until all are there. */
static struct weft_slice text_of(struct weft_prometheus_context *context, struct weft_slice key_value)
{
    struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    if (value.kind == WEFT_OTLP_VALUE_STRING) {
        return value.bytes;
    }
    size_t start = context->texts.length;
    weft_otlp_put_text(&value, &context->stack, &context->texts);
    return weft_slice_of(NULL, context->texts.length - start);
}

static bool add_item(struct weft_prometheus_context *context, const struct weft_otlp_attribute *attribute)
{
    if (context->item_count == WEFT_PROMETHEUS_LABELS_MAX) {
        return false;
    }
    context->items[context->item_count++] =
        (struct weft_prometheus_label){ attribute->key, text_of(context, attribute->contents) };
    return true;
}

static bool is_of_service(struct weft_slice key)
{
    return weft_slice_equal_text(key, "service.name") || weft_slice_equal_text(key, "service.namespace") ||
           weft_slice_equal_text(key, "service.instance.id");
}

/* True if an attribute of the resource has that key and takes its place. */
static bool is_replaced(const struct weft_prometheus_table *table, struct weft_slice key)
{
    const struct weft_otlp_attributes *attributes = &table->context.resource_attributes;
    if (!table->settings.converts_resource || (table->settings.excludes_service && is_of_service(key))) {
        return false;
    }
    for (size_t i = 0; i < attributes->count; i++) {
        if (weft_slice_equal(attributes->items[i].key, key)) {
            return true;
        }
    }
    return false;
}

static bool add_items(struct weft_prometheus_table *table)
{
    struct weft_prometheus_context *context = &table->context;
    const struct weft_otlp_attributes *resource = &context->resource_attributes;
    bool is_within = context->attributes.count <= WEFT_PROMETHEUS_LABELS_MAX &&
                     (!table->settings.converts_resource || resource->count <= WEFT_PROMETHEUS_LABELS_MAX);
    for (size_t i = 0; is_within && i < context->attributes.count; i++) {
        is_within =
            is_replaced(table, context->attributes.items[i].key) || add_item(context, &context->attributes.items[i]);
    }
    for (size_t i = 0; is_within && table->settings.converts_resource && i < resource->count; i++) {
        bool is_left_out = table->settings.excludes_service && is_of_service(resource->items[i].key);
        is_within = is_left_out || add_item(context, &resource->items[i]);
    }
    return is_within;
}

/* Values that were written to texts, which does not move any more. */
static void place_texts(struct weft_prometheus_context *context)
{
    const uint8_t *at = context->texts.bytes;
    for (size_t i = 0; i < context->item_count; i++) {
        struct weft_slice *value = &context->items[i].value;
        if (value->bytes == NULL && value->length > 0) {
            value->bytes = at;
            at += value->length;
        }
    }
}

static int order(struct weft_slice left, struct weft_slice right)
{
    size_t length = left.length < right.length ? left.length : right.length;
    int first = length == 0 ? 0 : memcmp(left.bytes, right.bytes, length);
    return first != 0 ? first : left.length < right.length ? -1 : left.length > right.length;
}

/* Two runs, from start to middle and from there to end, become one. */
static void merge_items(const struct weft_prometheus_label *from, size_t start, size_t middle, size_t end,
                        struct weft_prometheus_label *to)
{
    size_t left = start;
    size_t right = middle;
    for (size_t at = start; at < end; at++) {
        bool is_left = left < middle && (right == end || order(from[left].name, from[right].name) <= 0);
        to[at] = is_left ? from[left++] : from[right++];
    }
}

static size_t at_most(size_t position, size_t end)
{
    return position < end ? position : end;
}

/* Equal names keep their order. Mostly all are in order. */
static void sort_items(struct weft_prometheus_context *context)
{
    struct weft_prometheus_label *from = context->items;
    struct weft_prometheus_label *to = context->spare_items;
    size_t count = context->item_count;
    size_t in_order = 1;
    while (in_order < count && order(from[in_order - 1].name, from[in_order].name) <= 0) {
        in_order++;
    }
    for (size_t width = 1; in_order < count && width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            merge_items(from, start, at_most(start + width, count), at_most(start + 2 * width, count), to);
        }
        struct weft_prometheus_label *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != context->items) {
        memcpy(context->items, from, count * sizeof *from);
    }
}

static enum weft_prometheus_fate gather_items(struct weft_prometheus_table *table, struct weft_slice point)
{
    struct weft_prometheus_context *context = &table->context;
    if (weft_otlp_attributes_read(point, context->metric.attributes_field, &context->attributes) != WEFT_OK) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    context->item_count = 0;
    weft_buffer_clear(&context->texts);
    if (!add_items(table)) {
        return WEFT_PROMETHEUS_INVALID;
    }
    if (context->texts.is_failed || context->stack.is_failed) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    place_texts(context);
    sort_items(context);
    return WEFT_PROMETHEUS_TAKEN;
}

/* ---- points ---- */

static bool make_point_key(struct weft_prometheus_table *table, uint8_t out_key[WEFT_PROMETHEUS_KEY_BYTES])
{
    struct weft_prometheus_context *context = &table->context;
    weft_buffer_clear(&context->key);
    weft_buffer_append(&context->key, context->metric_key, sizeof context->metric_key);
    for (size_t i = 0; i < context->item_count; i++) {
        put_key_text(&context->key, context->items[i].name);
        put_key_text(&context->key, context->items[i].value);
    }
    weft_hash_wide(&table->secret, weft_buffer_slice(&context->key), out_key);
    return !context->key.is_failed;
}

/* A page that is too large would be no page: what has no room on it is not taken. */
static bool has_share_of_page(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    size_t page_bytes = table->settings.max_page_bytes;
    size_t others_bytes = table->text_bytes - series->text_bytes;
    size_t bytes = weft_prometheus_text_bytes(series);
    if (page_bytes > 0 && (bytes > SERIES_TEXT_MAX || others_bytes > page_bytes || bytes > page_bytes - others_bytes)) {
        return false;
    }
    table->text_bytes = others_bytes + bytes;
    series->text_bytes = bytes;
    return true;
}

static enum weft_prometheus_fate take_into_series(struct weft_prometheus_table *table)
{
    uint8_t key[WEFT_PROMETHEUS_KEY_BYTES];
    if (!make_point_key(table, key)) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    struct weft_prometheus_series *series = weft_prometheus_find(table, key);
    bool is_new = series == NULL;
    if ((table->context.point.flags & WEFT_PROMETHEUS_NO_RECORDED_VALUE) != 0) {
        if (!is_new) {
            weft_prometheus_remove_series(table, series);
        }
        return WEFT_PROMETHEUS_TAKEN;
    }
    enum weft_prometheus_fate fate = is_new ? weft_prometheus_make_series(table, key, &series) : WEFT_PROMETHEUS_TAKEN;
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    fate = weft_prometheus_update(table, series, is_new);
    bool is_within = fate != WEFT_PROMETHEUS_TAKEN || has_share_of_page(table, series);
    if (fate == WEFT_PROMETHEUS_TAKEN && is_within) {
        weft_prometheus_touch(table, series);
    } else if (is_new || !is_within) {
        weft_prometheus_remove_series(table, series);
    }
    return is_within ? fate : WEFT_PROMETHEUS_FULL;
}

static bool has_no_form(const struct weft_prometheus_metric *metric)
{
    bool is_sum = metric->kind == WEFT_PROMETHEUS_SUM || metric->kind == WEFT_PROMETHEUS_COUNTER;
    return (is_sum && metric->temporality != WEFT_PROMETHEUS_DELTA &&
            metric->temporality != WEFT_PROMETHEUS_CUMULATIVE) ||
           (metric->kind == WEFT_PROMETHEUS_SUM && metric->temporality == WEFT_PROMETHEUS_DELTA);
}

static enum weft_prometheus_fate take_point(struct weft_prometheus_table *table, struct weft_slice bytes)
{
    struct weft_prometheus_context *context = &table->context;
    if (has_no_form(&context->metric) || context->scope_attributes.count > WEFT_PROMETHEUS_LABELS_MAX) {
        return WEFT_PROMETHEUS_INVALID;
    }
    enum weft_prometheus_fate fate = gather_items(table, bytes);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    if (weft_prometheus_point_read(context->metric.kind, bytes, &context->point) != WEFT_OK) {
        return WEFT_PROMETHEUS_NO_MEMORY;
    }
    return take_into_series(table);
}

/* After a failed append all that could be told of the metric may be wrong, so its points are lost together. */
static void take_metric(struct weft_prometheus_table *table, struct weft_slice bytes,
                        uint64_t in_out_fates[WEFT_PROMETHEUS_FATES])
{
    struct weft_prometheus_context *context = &table->context;
    struct weft_slice point;
    weft_prometheus_metric_read(bytes, &context->metric);
    make_metric_key(table);
    bool has_key = !context->key.is_failed && !context->texts.is_failed && !context->stack.is_failed;
    struct weft_prometheus_points points = weft_prometheus_points_of(&context->metric);
    while (weft_prometheus_points_next(&points, &point)) {
        in_out_fates[has_key ? take_point(table, point) : WEFT_PROMETHEUS_NO_MEMORY]++;
    }
}

/* ---- scopes and resources ---- */

static bool read_scope(struct weft_prometheus_context *context, struct weft_slice scope_metrics)
{
    bool is_read = true;
    struct weft_wire_field field;
    struct weft_wire_reader reader = weft_wire_reader_of(scope_metrics);
    context->scope_name = context->scope_version = context->scope_schema_url = WEFT_SLICE_EMPTY;
    context->scope_attributes.count = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.type == WEFT_WIRE_BYTES && field.number == SCHEMA_URL) {
            context->scope_schema_url = field.bytes;
        } else if (field.type == WEFT_WIRE_BYTES && field.number == SCOPE) {
            struct weft_wire_reader inner = weft_wire_reader_of(field.bytes);
            is_read = is_read &&
                      weft_otlp_attributes_add(field.bytes, SCOPE_ATTRIBUTES, &context->scope_attributes) == WEFT_OK;
            while (weft_wire_next_checked(&inner, &field)) {
                if (field.type == WEFT_WIRE_BYTES && field.number == SCOPE_NAME) {
                    context->scope_name = field.bytes;
                } else if (field.type == WEFT_WIRE_BYTES && field.number == SCOPE_VERSION) {
                    context->scope_version = field.bytes;
                }
            }
        }
    }
    return is_read;
}

static bool put_resource_text(struct weft_prometheus_context *context, const char *key)
{
    for (size_t i = 0; i < context->resource_attributes.count; i++) {
        const struct weft_otlp_attribute *attribute = &context->resource_attributes.items[i];
        if (weft_slice_equal_text(attribute->key, key)) {
            put_value(context, attribute->contents, &context->job_text);
            return true;
        }
    }
    return false;
}

/* job is the service's name behind its namespace, instance its id. */
static void read_job(struct weft_prometheus_context *context)
{
    struct weft_buffer *text = &context->job_text;
    weft_buffer_clear(text);
    if (put_resource_text(context, "service.namespace")) {
        weft_buffer_append_byte(text, '/');
    }
    context->has_job = put_resource_text(context, "service.name");
    size_t job_length = context->has_job ? text->length : 0;
    text->length = job_length;
    context->has_instance = put_resource_text(context, "service.instance.id");
    context->job = weft_slice_of(text->bytes, job_length);
    context->instance = weft_slice_of(text->bytes == NULL ? NULL : text->bytes + job_length, text->length - job_length);
}

static bool read_resource(struct weft_prometheus_table *table, struct weft_slice resource_metrics)
{
    struct weft_prometheus_context *context = &table->context;
    struct weft_wire_reader reader = weft_wire_reader_of(resource_metrics);
    struct weft_slice resource;
    bool is_read = true;
    context->resource_attributes.count = 0;
    context->resource_hash = 0;
    while (weft_wire_next_message(&reader, RESOURCE, &resource)) {
        is_read = is_read && weft_otlp_attributes_add(resource, WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD,
                                                      &context->resource_attributes) == WEFT_OK;
        context->resource_hash ^= weft_hash(&table->secret, resource);
    }
    read_job(context);
    make_resource_key(table);
    return is_read && !context->job_text.is_failed && !context->key.is_failed && !context->stack.is_failed;
}

static void clear_failures(struct weft_prometheus_context *context)
{
    weft_buffer_clear(&context->texts);
    weft_buffer_clear(&context->stack);
    weft_buffer_clear(&context->key);
}

static uint64_t points_of(struct weft_slice bytes)
{
    struct weft_prometheus_metric metric;
    struct weft_slice point;
    uint64_t count = 0;
    weft_prometheus_metric_read(bytes, &metric);
    struct weft_prometheus_points points = weft_prometheus_points_of(&metric);
    while (weft_prometheus_points_next(&points, &point)) {
        count++;
    }
    return count;
}

void weft_prometheus_table_take(struct weft_prometheus_table *table, struct weft_slice request,
                                uint64_t in_out_fates[WEFT_PROMETHEUS_FATES])
{
    struct weft_slice resource_metrics;
    struct weft_slice scope_metrics;
    struct weft_slice metric;
    struct weft_wire_reader resources = weft_wire_reader_of(request);
    while (weft_wire_next_message(&resources, RESOURCE_METRICS, &resource_metrics)) {
        clear_failures(&table->context);
        bool is_resource_read = read_resource(table, resource_metrics);
        struct weft_wire_reader scopes = weft_wire_reader_of(resource_metrics);
        while (weft_wire_next_message(&scopes, SCOPE_METRICS, &scope_metrics)) {
            bool is_read = read_scope(&table->context, scope_metrics) && is_resource_read;
            struct weft_wire_reader metrics = weft_wire_reader_of(scope_metrics);
            while (weft_wire_next_message(&metrics, METRICS, &metric)) {
                clear_failures(&table->context);
                if (is_read) {
                    take_metric(table, metric, in_out_fates);
                } else {
                    in_out_fates[WEFT_PROMETHEUS_NO_MEMORY] += points_of(metric);
                }
            }
        }
    }
}
