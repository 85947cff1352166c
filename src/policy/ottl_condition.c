/* Policy `ottl_condition`: keeps traces with a span, or a span event, of which one of the conditions is true. They are
 * asked as spans arrive, until one is true or, where error_mode has it so, fails: then the policy cannot say. */
#include "policy/policy_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "wire/checked.h"

/* ---- making ---- */

static void conditions_fini(struct weft_policy_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        weft_ottl_program_free(&conditions->programs[i]);
    }
    weft_free(conditions->programs);
}

void weft_policy_conditions_fini(struct weft_policy_set *set)
{
    for (size_t i = 0; i < set->conditions_count; i++) {
        conditions_fini(&set->conditions[i]);
    }
    weft_free(set->conditions);
}

static void note_wants(struct weft_policy_set *set, const struct weft_ottl_brief *brief)
{
    if (brief == NULL) {
        set->has_long_condition = true;
        return;
    }
    set->wants.keys |= brief->wants.keys;
    set->wants.fields |= brief->wants.fields;
}

static enum weft_status add_programs(struct weft_policy_set *set, struct weft_policy_conditions *conditions,
                                     const struct weft_config_strings *texts, enum weft_ottl_context context,
                                     struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = context, .sought = &set->sought };
    for (size_t i = 0; i < texts->count; i++) {
        enum weft_status status = weft_ottl_program_new(weft_slice_of_text(texts->items[i]), &options,
                                                        &conditions->programs[conditions->count], error);
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "%s[%zu]", weft_ottl_context_name(context), i);
        }
        note_wants(set, conditions->programs[conditions->count++]->brief);
    }
    return WEFT_OK;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_ottl_config *wanted = &config->policy.ottl_condition;
    struct weft_policy_conditions conditions = { .error_mode = (enum weft_ottl_error_mode)wanted->error_mode.value };
    if (wanted->span.count + wanted->spanevent.count == 0) {
        return weft_fail(error, WEFT_INVALID, "at least one condition is expected in span or spanevent");
    }
    if (conditions.error_mode > WEFT_OTTL_SILENT) {
        conditions.error_mode = WEFT_OTTL_SILENT;
    }
    enum weft_status status = weft_policy_take_bits(set, 2, &conditions.bit, error);
    if (status != WEFT_OK) {
        return status;
    }
    conditions.programs =
        weft_try_alloc((wanted->span.count + wanted->spanevent.count) * sizeof(struct weft_ottl_program *));
    if (conditions.programs == NULL || weft_try_grow(&set->conditions, sizeof *set->conditions, set->conditions_count,
                                                     &set->conditions_capacity) != WEFT_OK) {
        weft_free(conditions.programs);
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    status = add_programs(set, &conditions, &wanted->span, WEFT_OTTL_SPAN, error);
    conditions.span_count = conditions.count;
    if (status == WEFT_OK) {
        status = add_programs(set, &conditions, &wanted->spanevent, WEFT_OTTL_SPANEVENT, error);
    }
    if (status != WEFT_OK) {
        conditions_fini(&conditions);
        return status;
    }
    node->bit = conditions.bit;
    set->conditions[set->conditions_count++] = conditions;
    return WEFT_OK;
}

/* ---- gathering ---- */

static enum weft_policy_answer ask(const struct weft_policy_conditions *conditions, size_t first, size_t end,
                                   struct weft_ottl_run *run)
{
    for (size_t i = first; i < end; i++) {
        bool holds = false;
        enum weft_status status = weft_ottl_program_holds(conditions->programs[i], run, &holds);
        if (status == WEFT_OK && holds) {
            return WEFT_POLICY_YES;
        }
        if (status == WEFT_NOMEM || (status != WEFT_OK && conditions->error_mode == WEFT_OTTL_PROPAGATE)) {
            return WEFT_POLICY_ERROR;
        }
        if (status != WEFT_OK && conditions->error_mode == WEFT_OTTL_IGNORE) {
            weft_log(WARN, "tail_sampling.condition_failed", "a condition failed and counts as false",
                     WEFT_LOG_SLICE("condition", conditions->programs[i]->text),
                     WEFT_LOG_STRING("reason", run->error.text));
        }
    }
    return WEFT_POLICY_NO;
}

static enum weft_policy_answer ask_events(const struct weft_policy_conditions *conditions, struct weft_ottl_run *run,
                                          struct weft_slice span)
{
    enum { EVENTS_FIELD = 11 };
    struct weft_wire_reader reader = weft_wire_reader_of(span);
    struct weft_slice event;
    enum weft_policy_answer answer = WEFT_POLICY_NO;
    while (answer == WEFT_POLICY_NO && weft_wire_next_message(&reader, EVENTS_FIELD, &event)) {
        weft_ottl_record_set_item(&run->record, event);
        answer = ask(conditions, conditions->span_count, conditions->count, run);
    }
    return answer;
}

void weft_policy_conditions_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                   const struct weft_policy_span *span, struct weft_policy_facts *facts)
{
    struct weft_ottl_run *run = &scratch->ottl;
    bool is_set = false;
    for (size_t i = 0; i < set->conditions_count; i++) {
        const struct weft_policy_conditions *conditions = &set->conditions[i];
        if (weft_policy_has_bit(facts, conditions->bit) || weft_policy_has_bit(facts, conditions->bit + 1)) {
            continue;
        }
        if (!is_set) {
            weft_ottl_run_clear(run);
            weft_ottl_record_seek(&run->record, &set->sought);
            weft_ottl_record_want(&run->record, set->has_long_condition ? NULL : &set->wants);
            weft_ottl_record_set_resource(&run->record, WEFT_TRACES, span->resource_x);
            weft_ottl_record_set_scope(&run->record, span->scope_x);
            weft_ottl_record_set_record(&run->record, span->contents);
            is_set = true;
        }
        enum weft_policy_answer answer = ask(conditions, 0, conditions->span_count, run);
        if (answer == WEFT_POLICY_NO && conditions->count > conditions->span_count) {
            answer = ask_events(conditions, run, span->contents);
        }
        if (answer != WEFT_POLICY_NO) {
            weft_policy_set_bit(facts, conditions->bit + (answer == WEFT_POLICY_ERROR));
        }
    }
}

/* Where parts of a trace met, one of which failed and one of which did not, it is known. */
static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return weft_policy_has_bit(trace->facts, node->bit)       ? WEFT_POLICY_YES
           : weft_policy_has_bit(trace->facts, node->bit + 1) ? WEFT_POLICY_ERROR
                                                              : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_ottl_condition = {
    .type = "ottl_condition", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
