/* Processor `attributes`: inserts, updates, deletes, hashes, takes apart and converts attributes of spans, log records
 * and data points, as the Collector's attributesprocessor does: actions in order, first of several equal keys.
 *
 * A batch is edited as a whole or not at all (pipeline/edit). A record in which nothing changes leaves as the bytes
 * that came in, and so does all else in one that does. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/edit.h"
#include "processors/attributes_edit.h"
#include "processors/attributes_match.h"
#include "processors/attributes_metric.h"

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
    struct weft_attribute_editor editor;
    struct weft_metric_points points; /* scratch for metrics */
    struct filter include, exclude;
    struct weft_otlp_attributes matched; /* scratch of the filters */
};

static const struct weft_field attributes_fields[] = {
    WEFT_FIELD_LIST(struct attributes_config, actions, struct weft_attribute_action_config,
                    weft_attribute_action_fields, "What is done, in order."),
    WEFT_FIELD_OPTIONAL(struct attributes_config, include, has_include, weft_match_fields, "off",
                        "Only records that match are edited.", .is_off_as_null = true),
    WEFT_FIELD_OPTIONAL(struct attributes_config, exclude, has_exclude, weft_match_fields, "off",
                        "Records that match are not edited.", .is_off_as_null = true),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

static enum weft_status share_program(const void *untyped, const char *id, struct weft_budget *budget,
                                      void **out_shared, struct weft_error *error)
{
    const struct attributes_config *config = untyped;
    (void)id;
    (void)budget;
    struct weft_attribute_program *program = weft_try_alloc(sizeof *program);
    if (program == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    enum weft_status status = weft_attribute_program_init(program, &config->actions, "actions", error);
    if (status != WEFT_OK) {
        weft_attribute_program_fini(program);
        weft_free(program);
        return status;
    }
    *out_shared = program;
    return WEFT_OK;
}

static void unshare_program(void *shared)
{
    weft_attribute_program_fini(shared);
    weft_free(shared);
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct attributes_config *config = untyped;
    void *shared = NULL;
    enum weft_status status = share_program(config, "", NULL, &shared, error);
    if (status != WEFT_OK) {
        return status;
    }
    unshare_program(shared);
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

/* ---- batches ---- */

static enum weft_status edit_record(struct attributes_processor *processor, struct weft_arena *arena,
                                    struct weft_slice *in_out_record)
{
    if (processor->signal == WEFT_METRICS) {
        return weft_metric_points_edit(&processor->points, &processor->editor, arena, WEFT_OTLP_RECORDS_FIELD,
                                       in_out_record);
    }
    return weft_attribute_editor_apply(&processor->editor, weft_otlp_attributes_field(processor->signal), arena,
                                       WEFT_OTLP_RECORDS_FIELD, in_out_record);
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
    weft_attribute_editor_trim(&processor->editor);
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
    const struct attributes_config *config = setup->config;
    processor->include.match = config->has_include ? &config->include : NULL;
    processor->exclude.match = config->has_exclude ? &config->exclude : NULL;
    enum weft_status status = weft_attribute_editor_init(&processor->editor, setup->shared, error);
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
    .help = "Edits attributes of spans, log records and data points.",
    .fields = attributes_fields,
    .config_size = sizeof(struct attributes_config),
    .validate = validate,
    .validate_signal = validate_signal,
    .share = share_program,
    .unshare = unshare_program,
    .create_consumer = create,
};
