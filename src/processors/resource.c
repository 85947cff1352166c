/* Processor `resource`: edits the attributes of resources, as the Collector's resourceprocessor does, with the actions
 * of the attributes processor. One edit a resource, whatever the number of its records, which leave as they came in. */
#include "weft/component.h"

#include "base/alloc.h"
#include "pipeline/edit.h"
#include "processors/attributes_edit.h"
#include "wire/checked.h"

struct resource_config {
    struct weft_config_list attributes;
};

struct resource_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    enum weft_signal signal;
    struct weft_attribute_editor editor;
};

static const struct weft_field resource_fields[] = {
    WEFT_FIELD_LIST(struct resource_config, attributes, struct weft_attribute_action_config,
                    weft_attribute_action_fields, "What is done, in order."),
    WEFT_FIELDS_END,
};

static void unshare_program(void *shared)
{
    weft_attribute_program_fini(shared);
    weft_free(shared);
}

static enum weft_status share_program(const void *untyped, const char *id, struct weft_budget *budget,
                                      void **out_shared, struct weft_error *error)
{
    const struct resource_config *config = untyped;
    (void)id;
    (void)budget;
    struct weft_attribute_program *program = weft_try_alloc(sizeof *program);
    if (program == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    enum weft_status status = weft_attribute_program_init(program, &config->attributes, "attributes", error);
    if (status != WEFT_OK) {
        unshare_program(program);
        return status;
    }
    *out_shared = program;
    return WEFT_OK;
}

static enum weft_status validate(const void *config, struct weft_error *error)
{
    void *shared = NULL;
    enum weft_status status = share_program(config, "", NULL, &shared, error);
    if (status == WEFT_OK) {
        unshare_program(shared);
    }
    return status;
}

/* ---- headers ---- */

/* The Resource of a header and what is around it; several merge by being put one after the other. */
struct parts {
    struct weft_slice resource;
    size_t field_bytes; /* of all fields that are a Resource */
    size_t count;
    const uint8_t *at; /* the first one, or where it would be */
};

static bool is_resource(const struct weft_wire_field *field)
{
    return field->number == WEFT_OTLP_RESOURCE_FIELD && field->type == WEFT_WIRE_BYTES;
}

static enum weft_status find_resource(struct weft_slice header, struct weft_arena *arena, struct parts *out_parts)
{
    struct parts parts = { .resource = { header.bytes, 0 }, .at = header.bytes };
    struct weft_wire_reader reader = weft_wire_reader_of(header);
    struct weft_wire_field field;
    uint8_t *joined = NULL;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!is_resource(&field)) {
            continue;
        }
        parts.field_bytes += field.whole.length;
        if (parts.count++ == 0) {
            parts.resource = field.bytes;
            parts.at = field.whole.bytes;
            continue;
        }
        if (joined == NULL) {
            joined = weft_arena_try_bytes(arena, header.length);
            if (joined == NULL) {
                return WEFT_NOMEM;
            }
            memcpy(joined, parts.resource.bytes, parts.resource.length);
            parts.resource.bytes = joined;
        }
        memcpy(joined + parts.resource.length, field.bytes.bytes, field.bytes.length);
        parts.resource.length += field.bytes.length;
    }
    *out_parts = parts;
    return WEFT_OK;
}

/* The header with this Resource, as a field, in the place of those that it had. */
static enum weft_status put_header(struct weft_slice header, const struct parts *parts, struct weft_slice resource,
                                   struct weft_arena *arena, struct weft_slice *out_header)
{
    size_t length = header.length - parts->field_bytes + resource.length;
    uint8_t *bytes = weft_arena_try_bytes(arena, length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_wire_reader reader = weft_wire_reader_of(header);
    struct weft_wire_field field;
    uint8_t *to = bytes;
    if (parts->count == 0) {
        memcpy(to, resource.bytes, resource.length);
        to += resource.length;
    }
    while (weft_wire_next_checked(&reader, &field)) {
        struct weft_slice put = field.whole;
        if (is_resource(&field)) {
            put = field.whole.bytes == parts->at ? resource : WEFT_SLICE_EMPTY;
        }
        if (put.length > 0) {
            memcpy(to, put.bytes, put.length);
            to += put.length;
        }
    }
    *out_header = weft_slice_of(bytes, length);
    return WEFT_OK;
}

static enum weft_status edit_header(struct weft_attribute_editor *editor, struct weft_arena *arena,
                                    struct weft_slice *in_out_header)
{
    struct parts parts;
    enum weft_status status = find_resource(*in_out_header, arena, &parts);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_slice resource = parts.resource;
    status = weft_attribute_editor_apply(editor, WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD, arena, WEFT_OTLP_RESOURCE_FIELD,
                                         &resource);
    if (status != WEFT_OK || !editor->is_changed) {
        return status;
    }
    size_t frame_length = weft_wire_size_bytes_header(WEFT_OTLP_RESOURCE_FIELD, resource.length);
    struct weft_slice field = { resource.bytes - frame_length, frame_length + resource.length };
    if (parts.field_bytes == in_out_header->length) {
        *in_out_header = field; /* there is nothing else */
        return WEFT_OK;
    }
    return put_header(*in_out_header, &parts, field, arena, in_out_header);
}

/* ---- batches ---- */

static struct resource_processor *processor_of(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct resource_processor, consumer);
}

static enum weft_status edit_part(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_part *part)
{
    struct weft_otlp_table *table = &part->table;
    for (uint32_t i = 0; i < table->resource_count; i++) {
        struct weft_slice *header = &table->resources[i].header;
        const uint8_t *before = header->bytes;
        if (edit_header(&processor_of(consumer)->editor, part->arena, header) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        if (header->bytes != before) {
            weft_edit_note_change(edit);
        }
    }
    return WEFT_OK;
}

static enum weft_status edit_batch(struct weft_consumer *consumer, struct weft_edit *edit)
{
    enum weft_status status = weft_attribute_editor_begin(&processor_of(consumer)->editor, edit->batch->metadata);
    status = status == WEFT_OK ? weft_edit_open(edit) : status;
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        status = edit_part(consumer, edit, &edit->batch->parts[i]);
    }
    return status;
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct resource_processor *processor = processor_of(consumer);
    weft_attribute_editor_begin_batch(&processor->editor, consumer->id);
    enum weft_status status = weft_edit_consume(consumer, edit_batch, processor->next, own_batch, error);
    weft_attribute_editor_trim(&processor->editor);
    return status;
}

static void processor_free(struct weft_consumer *consumer)
{
    struct resource_processor *processor = processor_of(consumer);
    weft_attribute_editor_fini(&processor->editor);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct resource_processor *processor = processor_of(consumer);
    weft_attribute_collect_limits(samples, consumer->id, processor->signal, processor->editor.limit_count);
}

static const struct weft_consumer_operations resource_operations = {
    .consume = consume,
    .free = processor_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    struct resource_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &resource_operations, setup->host, setup->id);
    processor->next = setup->next;
    processor->signal = setup->signal;
    enum weft_status status = weft_attribute_editor_init(&processor->editor, setup->shared, error);
    if (status != WEFT_OK) {
        processor_free(&processor->consumer);
        return status;
    }
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

static const char *reads_metadata(const void *config, size_t index)
{
    return weft_attribute_actions_metadata(&((const struct resource_config *)config)->attributes, index);
}

static bool asks_for_address(const void *config)
{
    return weft_attribute_actions_ask_for_address(&((const struct resource_config *)config)->attributes);
}

const struct weft_component weft_processor_resource = {
    .kind = WEFT_PROCESSOR,
    .type = "resource",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Edits attributes of resources.",
    .fields = resource_fields,
    .config_size = sizeof(struct resource_config),
    .validate = validate,
    .share = share_program,
    .unshare = unshare_program,
    .reads_metadata = reads_metadata,
    .asks_for_address = asks_for_address,
    .create_consumer = create,
    .collect = collect,
};
