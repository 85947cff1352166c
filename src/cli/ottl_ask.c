/* `weft ottl --condition`: what a condition says of each record (ottl_ask.h). */
#include "cli/ottl_ask.h"

#include "base/alloc.h"
#include "ottl/ottl.h"
#include "processors/filter_items.h"

struct asking {
    const struct weft_otlp_table *table;
    const struct weft_ottl_program *program;
    struct weft_ottl_run *run;
    struct weft_buffer *told;
    uint32_t asked_of; /* the last resource or scope that was asked, and one more */
};

static enum weft_status find_context(const struct weft_cli_condition *question, enum weft_signal signal,
                                     enum weft_ottl_context *out_context, struct weft_error *error)
{
    static const enum weft_ottl_context of_records[] = {
        [WEFT_TRACES] = WEFT_OTTL_SPAN, [WEFT_METRICS] = WEFT_OTTL_METRIC, [WEFT_LOGS] = WEFT_OTTL_LOG
    };
    struct weft_slice text = weft_slice_of_text(question->condition);
    bool is_inferred = false;
    if (question->context != NULL) {
        if (!weft_ottl_context_of(weft_slice_of_text(question->context), out_context) ||
            !weft_ottl_context_is_of(*out_context, signal)) {
            return weft_fail(error, WEFT_INVALID, "%s have no context \"%s\"", weft_signal_name(signal),
                             question->context);
        }
        return WEFT_OK;
    }
    enum weft_status status =
        weft_ottl_infer_context(&text, 1, WEFT_OTTL_CONDITION, signal, &is_inferred, out_context, error);
    if (!is_inferred || !weft_ottl_context_is_of(*out_context, signal)) {
        *out_context = of_records[signal];
    }
    return status;
}

static enum weft_status ask(const struct asking *asking, const char *what, uint32_t index)
{
    bool holds = false;
    weft_ottl_run_clear(asking->run);
    enum weft_status status = weft_ottl_program_holds(asking->program, asking->run, &holds);
    weft_buffer_append_format(asking->told, "  %s[%u] %s%s\n", what, index,
                              status != WEFT_OK ? "fails: "
                              : holds           ? "true"
                                                : "false",
                              status != WEFT_OK ? asking->run->error.text : "");
    return status == WEFT_NOMEM ? status : WEFT_OK;
}

static enum weft_status ask_items(const struct asking *asking, const char *what, struct weft_slice record)
{
    struct weft_filter_items items = weft_filter_items_of(asking->table->signal, record);
    struct weft_slice item;
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && weft_filter_items_next(&items, &item); i++) {
        weft_ottl_record_set_item(&asking->run->record, item);
        status = ask(asking, what, i);
    }
    return status;
}

/* A resource and a scope are asked once, at their first record. */
static enum weft_status ask_row(struct asking *asking, uint32_t row)
{
    const struct weft_otlp_record *record = &asking->table->records[row];
    const struct weft_otlp_scope *scope = &asking->table->scopes[record->scope];
    struct weft_slice bytes = weft_slice_of(record->bytes, record->length);
    enum weft_ottl_context context = asking->program->options.context;
    const char *what = weft_ottl_context_name(context);
    uint32_t above = context == WEFT_OTTL_RESOURCE ? scope->resource : record->scope;
    weft_ottl_record_set_resource(&asking->run->record, asking->table->signal,
                                  asking->table->resources[scope->resource].header);
    weft_ottl_record_set_scope(&asking->run->record, scope->header);
    weft_ottl_record_set_record(&asking->run->record, bytes);
    switch (context) {
    case WEFT_OTTL_SPANEVENT:
    case WEFT_OTTL_DATAPOINT:
        return ask_items(asking, what, bytes);
    case WEFT_OTTL_RESOURCE:
    case WEFT_OTTL_SCOPE:
        if (asking->asked_of == above + 1) {
            return WEFT_OK;
        }
        asking->asked_of = above + 1;
        return ask(asking, what, above);
    case WEFT_OTTL_LOG:
    case WEFT_OTTL_METRIC:
    case WEFT_OTTL_SPAN:
    case WEFT_OTTL_CONTEXT_COUNT:
        break;
    }
    return ask(asking, what, row);
}

static enum weft_status compile(const struct weft_cli_condition *question, enum weft_signal signal,
                                struct weft_ottl_program **out_program, struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION };
    enum weft_status status = find_context(question, signal, &options.context, error);
    return status == WEFT_OK
               ? weft_ottl_program_new(weft_slice_of_text(question->condition), &options, out_program, error)
               : status;
}

/* Of the errors that the signals have, that of the one whose records its paths or --context name. */
enum weft_status weft_cli_ottl_check(const struct weft_cli_condition *question, struct weft_error *error)
{
    struct weft_slice text = weft_slice_of_text(question->condition);
    enum weft_ottl_context named = WEFT_OTTL_SPAN;
    bool is_named = question->context != NULL;
    enum weft_status status = WEFT_OK;
    if (is_named && !weft_ottl_context_of(weft_slice_of_text(question->context), &named)) {
        return weft_fail(error, WEFT_INVALID, "there is no context \"%s\"", question->context);
    }
    if (!is_named) {
        status = weft_ottl_infer_context(&text, 1, WEFT_OTTL_CONDITION, WEFT_TRACES, &is_named, &named, error);
    }
    bool is_good = false;
    for (int i = 0; status == WEFT_OK && !is_good && i <= WEFT_LOGS; i++) {
        enum weft_signal signal = (enum weft_signal)i;
        struct weft_ottl_program *program = NULL;
        struct weft_error own = WEFT_ERROR_NONE;
        is_good = compile(question, signal, &program, &own) == WEFT_OK;
        weft_ottl_program_free(&program);
        if (!is_good && (error->status == WEFT_OK || (is_named && weft_ottl_context_is_of(named, signal)))) {
            *error = own;
        }
    }
    return status != WEFT_OK || is_good ? status : error->status;
}

enum weft_status weft_cli_ottl_ask(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                                   struct weft_buffer *told, struct weft_error *error)
{
    const struct weft_cli_condition *question = context;
    struct weft_ottl_program *program = NULL;
    struct weft_ottl_run *run = weft_alloc(sizeof *run);
    (void)arena;
    enum weft_status status = weft_ottl_run_init(run, error);
    if (status == WEFT_OK) {
        status = compile(question, table->signal, &program, error);
    }
    struct asking asking = { .table = table, .program = program, .run = run, .told = told };
    for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
        status = ask_row(&asking, i);
    }
    weft_ottl_program_free(&program);
    weft_ottl_run_fini(run);
    weft_free(run);
    return status;
}
