/* Running the statements of a group on what the run looks at (transform_run_internal.h). */
#include "base/log.h"
#include "base/work.h"
#include "ottl/function.h"
#include "processors/transform_run_internal.h"

/* Memory that a value asked for and that no record may have is the value's fault. */
enum weft_status weft_transform_judge(struct weft_transform_walk *walk, struct weft_slice statement,
                                      enum weft_status status)
{
    struct weft_transform_runner *runner = walk->runner;
    if (status == WEFT_NOMEM) {
        runner->run.room_bytes = 0; /* the next data point's metric would find none either */
        status = weft_ottl_without_memory(&runner->run);
    }
    if (status == WEFT_OK || status == WEFT_NOMEM) {
        return status;
    }
    runner->errors++;
    if (walk->group->error_mode == WEFT_OTTL_PROPAGATE) {
        return weft_fail(walk->error, WEFT_INVALID, "%.*s: %s", WEFT_SLICE_PRINT(statement), runner->run.error.text);
    }
    if (walk->group->error_mode == WEFT_OTTL_IGNORE) {
        weft_log(WARN, "transform.statement_failed", "a statement failed on a record, which stays as it was then",
                 WEFT_LOG_STRING("component", runner->id), WEFT_LOG_SLICE("statement", statement),
                 WEFT_LOG_STRING("error", runner->run.error.text));
    }
    return WEFT_OK;
}

/* Whether one of the conditions holds. */
static __attribute__((noinline)) enum weft_status is_meant(struct weft_transform_walk *walk, bool *out_is_meant)
{
    const struct weft_transform_group *group = walk->group;
    *out_is_meant = false;
    for (size_t i = 0; !*out_is_meant && i < group->condition_count; i++) {
        bool holds = false; /* of what failed it says nothing */
        enum weft_status status = weft_ottl_program_holds(group->conditions[i], &walk->runner->run, &holds);
        *out_is_meant = status == WEFT_OK && holds;
        status = weft_transform_judge(walk, group->conditions[i]->text, status);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static inline enum weft_status run_statement(struct weft_ottl_run *run, const struct weft_ottl_program *program)
{
    struct weft_ottl_value ignored;
    const struct weft_ottl_node *editor = program->editor;
    if (program->condition == NULL) {
        weft_ottl_run_begin(run);
    } else {
        bool holds;
        enum weft_status status = weft_ottl_program_holds(program, run, &holds);
        if (status != WEFT_OK || !holds) {
            return status;
        }
    }
    return WEFT_LIKELY(editor->key_count == 0) ? weft_ottl_call_make(run, editor->call, &ignored)
                                               : weft_ottl_evaluate(run, editor, &ignored);
}

enum weft_status weft_transform_run_group(struct weft_transform_walk *walk)
{
    enum { STATEMENT_BYTES = 32 }; /* what an ordinary one costs */
    const struct weft_transform_group *group = walk->group;
    struct weft_transform_runner *runner = walk->runner;
    weft_work_did((group->condition_count + group->statement_count) * STATEMENT_BYTES);
    if (runner->is_given_up != NULL && *runner->is_given_up) {
        return weft_fail(walk->error, WEFT_CLOSED, "%s: given up", runner->id);
    }
    if (group->condition_count > 0) {
        bool is_in = false;
        enum weft_status status = is_meant(walk, &is_in);
        if (status != WEFT_OK || !is_in) {
            return status;
        }
    }
    struct weft_ottl_program *const *end = group->statements + group->statement_count;
    for (struct weft_ottl_program *const *at = group->statements; at < end; at++) {
        enum weft_status status = run_statement(&runner->run, *at);
        if (status != WEFT_OK) {
            status = weft_transform_judge(walk, (*at)->text, status);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}
