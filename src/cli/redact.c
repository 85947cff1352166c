/* `weft redact`: what the redactions of a config make of requests. OTLP/JSON is read from the standard input, a request
 * a line; each is shown as it came and as it would leave, with what was done to which value, and by which rule. Nothing
 * is started, nothing is sent. */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/requests.h"
#include "graph/plan.h"
#include "processors/redaction_walk.h"
#include "wire/otlp_table.h"

struct redact {
    struct weft_cli_target target;
    struct weft_buffer *told; /* what was done to the request */
};

/* ---- one request ---- */

/* The lines of one message, each with what it was. */
static void tell(struct redact *redact, const char *where, uint32_t number, struct weft_buffer *lines)
{
    for (size_t from = 0; from < lines->length;) {
        const uint8_t *end = memchr(lines->bytes + from, '\n', lines->length - from);
        if (end == NULL) {
            break; /* memory ran out in the middle of a line */
        }
        size_t length = (size_t)(end - lines->bytes) - from;
        weft_buffer_append_format(redact->told, "       %s[%u] ", where, number);
        weft_buffer_append(redact->told, lines->bytes + from, length + 1);
        from += length + 1;
    }
    weft_buffer_clear(lines);
}

static enum weft_status redact_table(struct redact *redact, struct weft_redactor *redactor, struct weft_arena *arena,
                                     struct weft_otlp_table *table)
{
    static const char *const records[] = { [WEFT_TRACES] = "span", [WEFT_METRICS] = "metric", [WEFT_LOGS] = "log" };
    struct weft_buffer lines = { 0 };
    enum weft_status status = WEFT_OK;
    redactor->explanation = &lines;
    for (uint32_t i = 0; i < table->resource_count && status == WEFT_OK; i++) {
        struct weft_slice *header = &table->resources[i].header;
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_RESOURCE_X, arena, header);
        tell(redact, "resource", i, &lines);
    }
    for (uint32_t i = 0; i < table->scope_count && status == WEFT_OK; i++) {
        struct weft_slice *header = &table->scopes[i].header;
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_SCOPE_X, arena, header);
        tell(redact, "scope", i, &lines);
    }
    for (uint32_t i = 0; i < table->record_count && status == WEFT_OK; i++) {
        struct weft_slice record = { table->records[i].bytes, table->records[i].length };
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_RECORD, arena, &record);
        table->records[i].bytes = record.bytes;
        table->records[i].length = (uint32_t)record.length;
        tell(redact, records[table->signal], i, &lines);
    }
    weft_buffer_fini(&lines);
    return status;
}

static enum weft_status redact_by(struct redact *redact, const struct weft_plan_component *component,
                                  struct weft_arena *arena, struct weft_otlp_table *table, struct weft_error *error)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_redactor redactor;
    enum weft_status status = weft_redaction_rules_new(component->config, &rules, error);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_redactor_init(&redactor, rules, error);
    if (status == WEFT_OK) {
        weft_buffer_append_format(redact->told, "  by %s:\n", component->id);
        status = redact_table(redact, &redactor, arena, table);
    }
    weft_redactor_fini(&redactor);
    weft_redaction_rules_free(&rules);
    return status;
}

static enum weft_status redact_request(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                                       struct weft_buffer *told, struct weft_error *error)
{
    struct redact *redact = context;
    const struct weft_plan_pipeline *pipeline = NULL;
    enum weft_status status = weft_cli_find_pipeline(&redact->target, table->signal, "redaction", &pipeline, error);
    if (status != WEFT_OK) {
        return status;
    }
    redact->told = told;
    for (size_t i = 0; status == WEFT_OK && i < pipeline->processor_count; i++) {
        if (weft_cli_is_of_type(pipeline->processors[i], "redaction")) {
            status = redact_by(redact, pipeline->processors[i], arena, table, error);
        }
    }
    return status;
}

/* ---- the command ---- */

static bool read_options(int argument_count, char **arguments, struct weft_cli_sources *sources,
                         const char **out_pipeline)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 's' },
        { "pipeline", required_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "c:", options, NULL)) != -1) {
        if (letter == 'c') {
            weft_cli_sources_add_config(sources, optarg);
        } else if (letter == 's') {
            weft_cli_sources_add_set(sources, optarg);
        } else if (letter == 'p') {
            *out_pipeline = optarg;
        } else {
            return false;
        }
    }
    if (optind < argument_count || sources->config_count == 0) {
        weft_cli_print_usage(stderr, "redact");
        return false;
    }
    return true;
}

int weft_cli_redact(int argument_count, char **arguments)
{
    struct weft_cli_sources sources = { 0 };
    const char *pipeline = NULL;
    if (!read_options(argument_count, arguments, &sources, &pipeline)) {
        weft_cli_sources_fini(&sources);
        return 2;
    }
    struct redact redact = { .target.pipeline = pipeline };
    int status = weft_cli_requests_change_by(&sources, &redact.target, redact_request, &redact);
    weft_cli_sources_fini(&sources);
    return status;
}
