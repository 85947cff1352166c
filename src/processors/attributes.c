/* Processor `attributes`: inserts, updates and deletes attributes of spans, log records and data points, as the
 * Collector's attributesprocessor does: actions in order, first of several equal keys.
 *
 * A batch is edited as a whole or not at all (pipeline/edit). A record in which nothing changes leaves as the bytes
 * that came in, and so does all else in one that does. */
#include "weft/component.h"

#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/edit.h"
#include "processors/attributes_edit.h"
#include "processors/attributes_match.h"
#include "processors/attributes_metric.h"
#include "wire/protobuf.h"

struct action_config {
    struct weft_position position;
    char *key;
    char *action;
    struct weft_config_any value;
    char *from_attribute;
};

struct attributes_config {
    struct weft_config_list actions;
    bool has_include, has_exclude;
    struct weft_match_config include, exclude;
};

/* A block of the config, and what it says of the scope that was looked at last. */
struct filter {
    const struct weft_match_config *match; /* NULL = none */
    uint32_t scope;
    bool is_scope_match;
};

struct attributes_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    enum weft_signal signal;
    struct weft_attribute_edit *edits;
    size_t edit_count;
    struct weft_buffer constants; /* what the edits' slices point into */
    struct weft_attribute_editor editor;
    struct weft_metric_points points; /* scratch for metrics */
    struct filter include, exclude;
    struct weft_otlp_attributes matched; /* scratch of the filters */
};

static const struct weft_field action_fields[] = {
    WEFT_FIELD_POSITION(struct action_config, position),
    WEFT_FIELD(struct action_config, key, NULL, "The attribute to act on."),
    WEFT_FIELD(struct action_config, action, NULL, "insert, update, upsert or delete.", .is_required = true),
    WEFT_FIELD(struct action_config, value, NULL, "The value to set; its YAML type is kept."),
    WEFT_FIELD(struct action_config, from_attribute, NULL, "The attribute to take the value from."),
    WEFT_FIELD_UNSUPPORTED("from_context", "A value from the request's metadata."),
    WEFT_FIELD_UNSUPPORTED("default_value", "A value for when the source is missing."),
    WEFT_FIELD_UNSUPPORTED("pattern", "A regular expression for extract, delete and hash."),
    WEFT_FIELD_UNSUPPORTED("converted_type", "The type that convert converts to."),
    WEFT_FIELDS_END,
};

static const struct weft_field attributes_fields[] = {
    WEFT_FIELD_LIST(struct attributes_config, actions, struct action_config, action_fields, "What is done, in order."),
    WEFT_FIELD_OPTIONAL(struct attributes_config, include, has_include, weft_match_fields, "off",
                        "Only records that match are edited.", .is_off_as_null = true),
    WEFT_FIELD_OPTIONAL(struct attributes_config, exclude, has_exclude, weft_match_fields, "off",
                        "Records that match are not edited.", .is_off_as_null = true),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

static const struct {
    const char *name;
    enum weft_status status; /* UNSUPPORTED: known to the Collector */
    enum weft_attribute_action action;
} actions[] = {
    { "insert", WEFT_OK, WEFT_ATTRIBUTE_INSERT },      { "update", WEFT_OK, WEFT_ATTRIBUTE_UPDATE },
    { "upsert", WEFT_OK, WEFT_ATTRIBUTE_UPSERT },      { "delete", WEFT_OK, WEFT_ATTRIBUTE_DELETE },
    { .name = "hash", .status = WEFT_UNSUPPORTED },    { .name = "extract", .status = WEFT_UNSUPPORTED },
    { .name = "convert", .status = WEFT_UNSUPPORTED },
};

static enum weft_status parse_action(const char *name, enum weft_attribute_action *out_action, struct weft_error *error)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(actions); i++) {
        if (strcasecmp(name, actions[i].name) == 0 && actions[i].status == WEFT_OK) {
            *out_action = actions[i].action;
            return WEFT_OK;
        }
        if (strcasecmp(name, actions[i].name) == 0) {
            return weft_fail(error, actions[i].status, "action \"%s\" is not supported by weft yet", name);
        }
    }
    return weft_fail(error, WEFT_INVALID, "\"%s\" is not an action; use insert, update, upsert or delete", name);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool has_value(const struct action_config *config)
{
    return config->value.node != NULL && weft_node_kind(config->value.node) != WEFT_NODE_NULL;
}

static enum weft_status validate_value(const struct weft_node *value, struct weft_error *error)
{
    int64_t integer;
    switch (weft_node_kind(value)) {
    case WEFT_NODE_NULL:
    case WEFT_NODE_BOOL:
    case WEFT_NODE_DOUBLE:
    case WEFT_NODE_STRING:
        return WEFT_OK;
    case WEFT_NODE_INT:
        return weft_node_get_int(value, &integer)
                   ? WEFT_OK
                   : weft_fail(error, WEFT_INVALID, "value: %s does not fit 64 bits", weft_node_text(value));
    case WEFT_NODE_LIST:
    case WEFT_NODE_MAP:
        break;
    }
    return weft_fail(error, WEFT_UNSUPPORTED,
                     "value: %s is not supported by weft yet; use a string, a number or a bool",
                     weft_node_kind_text(value));
}

static enum weft_status validate_action(const struct action_config *config, struct weft_error *error)
{
    enum weft_attribute_action action = WEFT_ATTRIBUTE_INSERT;
    if (!is_set(config->key)) {
        return weft_fail(error, WEFT_INVALID, "missing required field \"key\"");
    }
    enum weft_status status = parse_action(config->action, &action, error);
    if (status == WEFT_OK && has_value(config)) {
        status = validate_value(config->value.node, error);
    }
    int source_count = (has_value(config) ? 1 : 0) + (is_set(config->from_attribute) ? 1 : 0);
    if (status == WEFT_OK && action == WEFT_ATTRIBUTE_DELETE && source_count > 0) {
        return weft_fail(error, WEFT_INVALID, "action delete does not use \"value\" or \"from_attribute\"");
    }
    if (status == WEFT_OK && action != WEFT_ATTRIBUTE_DELETE && source_count != 1) {
        return weft_fail(error, WEFT_INVALID, "action %s needs either \"value\" or \"from_attribute\"", config->action);
    }
    return status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct attributes_config *config = untyped;
    const struct action_config *items = config->actions.items;
    if (config->actions.count == 0) {
        return weft_fail(error, WEFT_INVALID, "missing required field \"actions\"");
    }
    for (size_t i = 0; i < config->actions.count; i++) {
        enum weft_status status = validate_action(&items[i], error);
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "%s:%u: actions[%zu]", items[i].position.file, items[i].position.line, i);
        }
    }
    if (config->has_include && weft_match_validate(&config->include, error) != WEFT_OK) {
        return weft_fail_prefix(error, "include");
    }
    if (config->has_exclude && weft_match_validate(&config->exclude, error) != WEFT_OK) {
        return weft_fail_prefix(error, "exclude");
    }
    return WEFT_OK;
}

static enum weft_status validate_signal(const void *untyped, enum weft_signal signal, struct weft_error *error)
{
    const struct attributes_config *config = untyped;
    if (config->has_include && weft_match_validate_signal(&config->include, signal, error) != WEFT_OK) {
        return weft_fail_prefix(error, "include");
    }
    if (config->has_exclude && weft_match_validate_signal(&config->exclude, signal, error) != WEFT_OK) {
        return weft_fail_prefix(error, "exclude");
    }
    return WEFT_OK;
}

/* ---- the edits of a config ---- */

enum { ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4, ANY_SCALAR_BYTES = 11 };

static void append_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* The AnyValue of a scalar that is not a string. */
static size_t put_scalar(const struct weft_node *node, uint8_t *to)
{
    uint8_t *at = to;
    int64_t integer = 0;
    double real;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_BOOL:
        *at++ = ANY_BOOL << 3 | WEFT_WIRE_VARINT;
        *at++ = weft_node_bool(node) ? 1 : 0;
        break;
    case WEFT_NODE_INT:
        *at++ = ANY_INT << 3 | WEFT_WIRE_VARINT;
        at = weft_node_get_int(node, &integer) ? weft_wire_put_varint(at, (uint64_t)integer) : at;
        break;
    case WEFT_NODE_DOUBLE:
        *at++ = ANY_DOUBLE << 3 | WEFT_WIRE_FIXED64;
        real = weft_node_double(node);
        memcpy(at, &real, sizeof real);
        at += sizeof real;
        break;
    case WEFT_NODE_NULL:
    case WEFT_NODE_STRING:
    case WEFT_NODE_LIST:
    case WEFT_NODE_MAP:
        break;
    }
    return (size_t)(at - to);
}

static void append_value(struct weft_buffer *out, const struct weft_node *node)
{
    if (weft_node_kind(node) != WEFT_NODE_STRING) {
        uint8_t scalar[ANY_SCALAR_BYTES];
        append_field(out, WEFT_OTLP_VALUE_FIELD, weft_slice_of(scalar, put_scalar(node, scalar)));
        return;
    }
    struct weft_buffer value;
    weft_buffer_init(&value, 0);
    append_field(&value, ANY_STRING, weft_slice_of_text(weft_node_text(node)));
    append_field(out, WEFT_OTLP_VALUE_FIELD, weft_buffer_slice(&value));
    weft_buffer_fini(&value);
}

/* Slices are taken when the buffer has stopped growing: first their lengths, then where they lie. */
static enum weft_status make_edits(struct attributes_processor *processor, const struct attributes_config *config,
                                   struct weft_error *error)
{
    const struct action_config *items = config->actions.items;
    processor->edits = weft_alloc(config->actions.count * sizeof *processor->edits);
    processor->edit_count = config->actions.count;
    for (size_t i = 0; i < config->actions.count; i++) {
        struct weft_attribute_edit *edit = &processor->edits[i];
        size_t before = processor->constants.length;
        enum weft_status status = parse_action(items[i].action, &edit->action, error);
        if (status != WEFT_OK) {
            return status;
        }
        edit->key = weft_slice_of_text(items[i].key);
        edit->from_key = weft_slice_of_text(items[i].from_attribute == NULL ? "" : items[i].from_attribute);
        append_field(&processor->constants, WEFT_OTLP_KEY_FIELD, edit->key);
        if (has_value(&items[i])) {
            append_value(&processor->constants, items[i].value.node);
        }
        edit->key_value.length = processor->constants.length - before;
    }
    const uint8_t *at = processor->constants.bytes;
    for (size_t i = 0; i < processor->edit_count; i++) {
        processor->edits[i].key_value.bytes = at;
        at += processor->edits[i].key_value.length;
    }
    enum weft_status status = weft_buffer_status(&processor->constants);
    weft_assert(status != WEFT_OK || at == processor->constants.bytes + processor->constants.length);
    return status;
}

/* ---- batches ---- */

static enum weft_status edit_record(struct attributes_processor *processor, struct weft_arena *arena,
                                    struct weft_slice *in_out_record)
{
    if (processor->signal == WEFT_METRICS) {
        return weft_metric_points_edit(&processor->points, &processor->editor, processor->edits, processor->edit_count,
                                       arena, in_out_record);
    }
    return weft_attributes_edit(&processor->editor, processor->edits, processor->edit_count,
                                weft_otlp_attributes_field(processor->signal), arena, in_out_record);
}

enum { NO_SCOPE = UINT32_MAX };

static enum weft_status filter_record(struct attributes_processor *processor, struct filter *filter,
                                      const struct weft_otlp_table *table, const struct weft_otlp_record *record,
                                      bool *out_is_match)
{
    if (record->scope != filter->scope) {
        if (weft_match_scope(filter->match, table, record->scope, &processor->matched, &filter->is_scope_match) !=
            WEFT_OK) {
            return WEFT_NOMEM;
        }
        filter->scope = record->scope;
    }
    *out_is_match = false;
    struct weft_slice bytes = { record->bytes, record->length };
    return filter->is_scope_match
               ? weft_match_record(filter->match, processor->signal, bytes, &processor->matched, out_is_match)
               : WEFT_OK;
}

/* Included, and not excluded. */
static enum weft_status is_wanted(struct attributes_processor *processor, const struct weft_otlp_table *table,
                                  const struct weft_otlp_record *record, bool *out_is_wanted)
{
    enum weft_status status = WEFT_OK;
    bool is_included = true;
    bool is_excluded = false;
    if (processor->include.match != NULL) {
        status = filter_record(processor, &processor->include, table, record, &is_included);
    }
    if (status == WEFT_OK && is_included && processor->exclude.match != NULL) {
        status = filter_record(processor, &processor->exclude, table, record, &is_excluded);
    }
    *out_is_wanted = is_included && !is_excluded;
    return status;
}

static enum weft_status edit_part(struct attributes_processor *processor, struct weft_edit *edit,
                                  struct weft_part *part)
{
    weft_assert(part->is_open && part->arena != NULL);
    processor->include.scope = processor->exclude.scope = NO_SCOPE;
    for (uint32_t i = 0; i < part->table.record_count; i++) {
        struct weft_otlp_record *record = &part->table.records[i];
        struct weft_slice bytes = { record->bytes, record->length };
        bool is_edited = true;
        enum weft_status status = is_wanted(processor, &part->table, record, &is_edited);
        if (status == WEFT_OK && is_edited) {
            status = edit_record(processor, part->arena, &bytes);
        }
        if (status != WEFT_OK || bytes.length > UINT32_MAX) {
            return WEFT_NOMEM;
        }
        if (bytes.bytes != record->bytes) {
            record->bytes = bytes.bytes;
            record->length = (uint32_t)bytes.length;
            weft_edit_note_change(edit);
        }
    }
    return WEFT_OK;
}

static enum weft_status edit_batch(struct attributes_processor *processor, struct weft_edit *edit)
{
    enum weft_status status = weft_edit_open(edit);
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        status = edit_part(processor, edit, &edit->batch->parts[i]);
    }
    return status;
}

static const struct weft_consumer_operations attributes_operations;

static struct attributes_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &attributes_operations);
    return WEFT_CONTAINER_OF(consumer, struct attributes_processor, consumer);
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct attributes_processor *processor = processor_of(consumer);
    struct weft_edit edit;
    enum weft_status status = weft_edit_begin(&edit, own_batch);
    if (status == WEFT_OK) {
        status = edit_batch(processor, &edit);
        if (status != WEFT_OK) {
            weft_edit_cancel(&edit, own_batch);
        }
    }
    if (status != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to edit a batch", consumer->id);
    }
    return weft_edit_pass_on(&edit, processor->next, own_batch, error);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct attributes_processor *processor = processor_of(consumer);
    weft_attribute_editor_fini(&processor->editor);
    weft_otlp_attributes_fini(&processor->matched);
    weft_metric_points_fini(&processor->points);
    weft_buffer_fini(&processor->constants);
    weft_free(processor->edits);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static const struct weft_consumer_operations attributes_operations = {
    .consume = consume,
    .free = processor_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    weft_assert(setup->next != NULL && setup->next->host == setup->host);
    struct attributes_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &attributes_operations, setup->host, setup->id);
    processor->next = setup->next;
    processor->signal = setup->signal;
    weft_buffer_init(&processor->constants, 0);
    const struct attributes_config *config = setup->config;
    processor->include.match = config->has_include ? &config->include : NULL;
    processor->exclude.match = config->has_exclude ? &config->exclude : NULL;
    enum weft_status status = make_edits(processor, config, error);
    if (status != WEFT_OK) {
        processor_free(&processor->consumer);
        return status;
    }
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

const struct weft_component weft_processor_attributes = {
    .kind = WEFT_PROCESSOR,
    .type = "attributes",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Inserts, updates and deletes attributes of spans, log records and data points.",
    .fields = attributes_fields,
    .config_size = sizeof(struct attributes_config),
    .validate = validate,
    .validate_signal = validate_signal,
    .create_consumer = create,
};
