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

/* What the workers share. */
struct attributes_rules {
    struct weft_attribute_program program;
    struct weft_match *include, *exclude; /* NULL = none */
};

/* A block, and what it says of the scope that was looked at last. */
struct filter {
    const struct weft_match *match; /* NULL = none */
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
    struct weft_match_scratch matching;
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

static void unshare_rules(void *shared)
{
    struct attributes_rules *rules = shared;
    weft_attribute_program_fini(&rules->program);
    weft_match_free(&rules->include);
    weft_match_free(&rules->exclude);
    weft_free(rules);
}

static enum weft_status make_rules(struct attributes_rules *rules, const struct attributes_config *config,
                                   struct weft_error *error)
{
    struct weft_attribute_keys *keys = &rules->program.keys;
    enum weft_status status = weft_attribute_program_init(&rules->program, &config->actions, "actions", error);
    if (status == WEFT_OK && config->has_include) {
        status = weft_match_new(&config->include, keys, &rules->include, error);
        status = status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "include");
    }
    if (status == WEFT_OK && config->has_exclude) {
        status = weft_match_new(&config->exclude, keys, &rules->exclude, error);
        status = status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "exclude");
    }
    return status;
}

static enum weft_status share_rules(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                                    struct weft_error *error)
{
    (void)id;
    (void)budget;
    struct attributes_rules *rules = weft_try_alloc(sizeof *rules);
    if (rules == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    enum weft_status status = make_rules(rules, config, error);
    if (status != WEFT_OK) {
        unshare_rules(rules);
        return status;
    }
    *out_shared = rules;
    return WEFT_OK;
}

static enum weft_status validate(const void *config, struct weft_error *error)
{
    void *shared = NULL;
    enum weft_status status = share_rules(config, "", NULL, &shared, error);
    if (status == WEFT_OK) {
        unshare_rules(shared);
    }
    return status;
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

static enum weft_status advise_signal(const void *untyped, enum weft_signal signal, struct weft_config_notes *notes)
{
    const struct attributes_config *config = untyped;
    enum weft_status status = WEFT_OK;
    if (config->has_include) {
        status = weft_match_advise_signal(&config->include, signal, "include", notes);
    }
    if (status == WEFT_OK && config->has_exclude) {
        status = weft_match_advise_signal(&config->exclude, signal, "exclude", notes);
    }
    return status;
}

/* ---- batches ---- */

enum { NO_SCOPE = UINT32_MAX };

/* A record on its way through: its attributes are read when they are first asked for. */
struct visit {
    struct attributes_processor *processor;
    const struct weft_otlp_table *table;
    struct weft_arena *arena;
    uint32_t scope;
    struct weft_slice bytes;
    bool is_read;
};

static enum weft_status read_attributes(struct visit *visit)
{
    struct attributes_processor *processor = visit->processor;
    if (visit->is_read) {
        return WEFT_OK;
    }
    visit->is_read = true;
    return weft_attribute_editor_read(&processor->editor, visit->bytes, weft_otlp_attributes_field(processor->signal),
                                      visit->arena);
}

static enum weft_status filter_record(struct visit *visit, struct filter *filter, bool *out_is_match)
{
    struct attributes_processor *processor = visit->processor;
    struct weft_match_scratch *scratch = &processor->matching;
    enum weft_status status = WEFT_OK;
    if (visit->scope != filter->scope) {
        status = weft_match_scope(filter->match, scratch, visit->table, visit->scope, &filter->is_scope_match);
        filter->scope = visit->scope;
    }
    *out_is_match = filter->is_scope_match;
    if (status == WEFT_OK && *out_is_match) {
        status = weft_match_record(filter->match, scratch, processor->signal, visit->bytes, out_is_match);
    }
    if (status == WEFT_OK && *out_is_match && weft_match_asks_for_attributes(filter->match)) {
        status = read_attributes(visit);
        if (status == WEFT_OK) {
            status = weft_match_attributes(filter->match, scratch, &processor->editor, out_is_match);
        }
    }
    return status;
}

/* Included, and not excluded. */
static enum weft_status is_wanted(struct visit *visit, bool *out_is_wanted)
{
    struct attributes_processor *processor = visit->processor;
    enum weft_status status = WEFT_OK;
    bool is_included = true;
    bool is_excluded = false;
    if (processor->include.match != NULL) {
        status = filter_record(visit, &processor->include, &is_included);
    }
    if (status == WEFT_OK && is_included && processor->exclude.match != NULL) {
        status = filter_record(visit, &processor->exclude, &is_excluded);
    }
    *out_is_wanted = is_included && !is_excluded;
    return status;
}

static enum weft_status edit_record(struct visit *visit)
{
    struct attributes_processor *processor = visit->processor;
    if (processor->signal == WEFT_METRICS) {
        return weft_metric_points_edit(&processor->points, &processor->editor, visit->arena, WEFT_OTLP_RECORDS_FIELD,
                                       &visit->bytes);
    }
    enum weft_status status = read_attributes(visit);
    return status == WEFT_OK ? weft_attribute_editor_run(&processor->editor, WEFT_OTLP_RECORDS_FIELD, &visit->bytes)
                             : status;
}

struct pass {
    struct attributes_processor *processor;
    struct weft_edit *edit;
};

static enum weft_status edit_row(void *context, const struct weft_otlp_table *table, struct weft_otlp_record *row)
{
    const struct pass *pass = context;
    struct attributes_processor *processor = pass->processor;
    struct visit visit = { .processor = processor,
                           .table = table,
                           .arena = table->arena,
                           .scope = row->scope,
                           .bytes = { row->bytes, row->length } };
    bool is_edited = true;
    enum weft_status status = is_wanted(&visit, &is_edited);
    if (status == WEFT_OK && is_edited) {
        status = edit_record(&visit);
    }
    if (status != WEFT_OK || visit.bytes.length > UINT32_MAX) {
        return WEFT_NOMEM;
    }
    if (visit.bytes.bytes != row->bytes) {
        row->bytes = visit.bytes.bytes;
        row->length = (uint32_t)visit.bytes.length;
        weft_edit_note_change(pass->edit);
    }
    return WEFT_OK;
}

static const struct weft_consumer_operations attributes_operations;

static struct attributes_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &attributes_operations);
    return WEFT_CONTAINER_OF(consumer, struct attributes_processor, consumer);
}

/* Records are edited while their parts are opened, unless a block asks for scopes. */
static enum weft_status edit_batch(struct weft_consumer *consumer, struct weft_edit *edit)
{
    struct attributes_processor *processor = processor_of(consumer);
    struct pass pass = { processor, edit };
    struct weft_otlp_row_visitor visitor = { edit_row, &pass };
    bool may_ask_for_scopes = processor->include.match != NULL || processor->exclude.match != NULL;
    enum weft_status status = weft_attribute_editor_begin(&processor->editor, edit->batch->metadata);
    if (status == WEFT_OK && may_ask_for_scopes) {
        status = weft_edit_open(edit);
    }
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        const struct weft_part *part = &edit->batch->parts[i];
        processor->include.scope = processor->exclude.scope = NO_SCOPE;
        processor->editor.is_plain = weft_part_is_plain(part);
        status = weft_batch_visit(edit->batch, i, &visitor);
    }
    return status;
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct attributes_processor *processor = processor_of(consumer);
    weft_attribute_editor_begin_batch(&processor->editor, consumer->id);
    weft_match_scratch_begin(&processor->matching, consumer->id);
    enum weft_status status = weft_edit_consume(consumer, edit_batch, processor->next, own_batch, error);
    weft_attribute_editor_trim(&processor->editor);
    return status;
}

static void processor_free(struct weft_consumer *consumer)
{
    struct attributes_processor *processor = processor_of(consumer);
    weft_attribute_editor_fini(&processor->editor);
    weft_match_scratch_fini(&processor->matching);
    weft_metric_points_fini(&processor->points);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct attributes_processor *processor = processor_of(consumer);
    weft_attribute_collect_limits(samples, consumer->id, processor->signal,
                                  processor->editor.limit_count + processor->matching.limit_count);
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
    const struct attributes_rules *rules = setup->shared;
    processor->include.match = weft_match_restricts(&config->include, setup->signal) ? rules->include : NULL;
    processor->exclude.match = weft_match_restricts(&config->exclude, setup->signal) ? rules->exclude : NULL;
    enum weft_status status = weft_attribute_editor_init(&processor->editor, &rules->program, error);
    if (status == WEFT_OK && (rules->include != NULL || rules->exclude != NULL)) {
        status = weft_match_scratch_init(&processor->matching, error);
    }
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
    return weft_attribute_actions_metadata(&((const struct attributes_config *)config)->actions, index);
}

static bool asks_for_address(const void *config)
{
    return weft_attribute_actions_ask_for_address(&((const struct attributes_config *)config)->actions);
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
    .advise_signal = advise_signal,
    .share = share_rules,
    .unshare = unshare_rules,
    .reads_metadata = reads_metadata,
    .asks_for_address = asks_for_address,
    .create_consumer = create,
    .collect = collect,
};
