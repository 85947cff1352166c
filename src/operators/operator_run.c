/* Entries on their way through a chain (operators.h), on one worker. A chain has no circles, so that an entry passes
 * each operator once on each way; where ways part, every output but the last gets a copy. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "operators/expression.h"
#include "operators/operator_internal.h"

#include <stdarg.h>
#include <stdio.h>

struct weft_operator_run *weft_operator_run_new(const struct weft_operators *operators, int zone_minutes,
                                                weft_entry_fn emit, void *user)
{
    struct weft_operator_run *run = weft_try_alloc(sizeof *run);
    if (run == NULL) {
        return NULL;
    }
    *run =
        (struct weft_operator_run){ .operators = operators, .zone_minutes = zone_minutes, .emit = emit, .user = user };
    run->counts = weft_try_alloc((operators->count + 1) * sizeof *run->counts);
    run->states = weft_try_alloc((operators->count + 1) * sizeof *run->states);
    bool is_made = run->counts != NULL && run->states != NULL &&
                   weft_pattern_scratch_new(operators->max_groups, &run->pattern, NULL) == WEFT_OK;
    for (size_t i = 0; is_made && i < operators->count; i++) {
        size_t size = operators->items[i]->kind->state_size;
        run->states[i] = size == 0 ? NULL : weft_try_alloc(size);
        is_made = size == 0 || run->states[i] != NULL;
    }
    if (!is_made) {
        weft_operator_run_free(run);
        return NULL;
    }
    return run;
}

void weft_operator_run_set_budget(struct weft_operator_run *run, struct weft_budget *budget)
{
    run->budget = budget;
}

size_t weft_operator_run_kept(const struct weft_operator_run *run)
{
    return run->kept;
}

void weft_operator_run_free(struct weft_operator_run *run)
{
    if (run == NULL) {
        return;
    }
    for (size_t i = 0; run->states != NULL && i < run->operators->count; i++) {
        const struct weft_operator_kind *kind = run->operators->items[i]->kind;
        if (run->states[i] != NULL && kind->close_state != NULL) {
            kind->close_state(run->states[i]);
        }
        weft_free(run->states[i]);
    }
    weft_pattern_scratch_free(&run->pattern);
    weft_free(run->states);
    weft_free(run->counts);
    weft_free(run);
}

enum weft_operator_verdict weft_operator_fail(struct weft_operator_run *run, const char *format, ...)
{
    if (run->is_text_wanted) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(run->failure, sizeof run->failure, format, arguments);
        va_end(arguments);
    }
    return WEFT_OPERATOR_FAILED;
}

enum weft_operator_verdict weft_operator_fail_memory(struct weft_operator_run *run)
{
    return weft_operator_fail(run, "no memory");
}

void weft_operator_note_error(struct weft_operator_run *run, const struct weft_operator *self, const char *action)
{
    run->counts[self->index].errors++;
    if (!self->is_quiet) {
        weft_log(WARN, "operator.failed", "an operator cannot process an entry", WEFT_LOG_STRING("operator", self->id),
                 WEFT_LOG_STRING("type", self->kind->type), WEFT_LOG_STRING("error", run->failure),
                 WEFT_LOG_STRING("action", action));
    }
}

/* True: the entry goes on. */
static bool note_failure(struct weft_operator_run *run, const struct weft_operator *self)
{
    run->counts[self->index].dropped += !self->is_sent_on_error;
    weft_operator_note_error(run, self, self->is_sent_on_error ? "send" : "drop");
    return self->is_sent_on_error;
}

/* What `if` does not take goes on as it is. */
static enum weft_operator_verdict process_if(struct weft_operator_run *run, const struct weft_operator *self,
                                             struct weft_log_entry *entry)
{
    bool is_taken = true;
    if (self->condition != NULL && !self->kind->ignores_if) {
        enum weft_operator_verdict verdict = weft_expression_test(self->condition, run, entry, &is_taken);
        if (verdict != WEFT_OPERATOR_SEND) {
            return verdict;
        }
    }
    return is_taken ? self->kind->process(self, run, entry) : WEFT_OPERATOR_SEND;
}

/* One operator. True: the entry goes on to its outputs. */
static bool process_one(struct weft_operator_run *run, const struct weft_operator *self, struct weft_log_entry *entry)
{
    run->is_text_wanted = !self->is_quiet;
    switch (process_if(run, self, entry)) {
    case WEFT_OPERATOR_SEND:
        return true;
    case WEFT_OPERATOR_DONE:
        return false;
    case WEFT_OPERATOR_DROPPED:
        run->counts[self->index].filtered++;
        return false;
    case WEFT_OPERATOR_FAILED:
        return note_failure(run, self);
    }
    return false;
}

static enum weft_status copy_entry(const struct weft_log_entry *entry, struct weft_log_entry *out_copy)
{
    *out_copy = *entry;
    struct weft_log_value attributes = { .kind = WEFT_LOG_MAP, .map = &out_copy->attributes };
    struct weft_log_value resource = { .kind = WEFT_LOG_MAP, .map = &out_copy->resource };
    enum weft_status status = weft_log_value_copy(entry->memory, &entry->body, &out_copy->body);
    status = status == WEFT_OK ? weft_log_value_copy(entry->memory, &attributes, &attributes) : status;
    status = status == WEFT_OK ? weft_log_value_copy(entry->memory, &resource, &resource) : status;
    if (status == WEFT_OK) {
        out_copy->attributes = *attributes.map;
        out_copy->resource = *resource.map;
    }
    return status;
}

static void process_from(struct weft_operator_run *run, size_t index, struct weft_log_entry *entry);

/* All outputs but the last. */
static void send_copies(struct weft_operator_run *run, const struct weft_operator *self,
                        const struct weft_operator_outputs *outputs, const struct weft_log_entry *entry)
{
    for (size_t i = 0; i + 1 < outputs->count; i++) {
        struct weft_log_entry copy;
        if (copy_entry(entry, &copy) == WEFT_OK) {
            process_from(run, outputs->indexes[i], &copy);
        } else {
            run->counts[self->index].errors++;
            run->counts[self->index].dropped++;
        }
    }
}

static void process_from(struct weft_operator_run *run, size_t index, struct weft_log_entry *entry)
{
    while (index < run->operators->count) {
        const struct weft_operator *self = run->operators->items[index];
        if (!process_one(run, self, entry)) {
            return;
        }
        send_copies(run, self, &self->outputs, entry);
        index = self->outputs.indexes[self->outputs.count - 1];
    }
    run->emit(run->user, entry);
}

void weft_operator_send(struct weft_operator_run *run, const struct weft_operator *self,
                        const struct weft_operator_outputs *outputs, struct weft_log_entry *entry)
{
    if (outputs->count > 0) {
        send_copies(run, self, outputs, entry);
        process_from(run, outputs->indexes[outputs->count - 1], entry);
    }
}

void weft_operator_run_begin(struct weft_operator_run *run, const char *component)
{
    weft_pattern_scratch_begin_batch(run->pattern, component);
}

uint64_t weft_operator_run_limits_met(const struct weft_operator_run *run)
{
    return weft_pattern_scratch_limits_met(run->pattern);
}

void weft_operator_run_process(struct weft_operator_run *run, struct weft_log_entry *entry)
{
    process_from(run, 0, entry);
}

void weft_operator_run_flush(struct weft_operator_run *run, int64_t now_ns, bool is_all)
{
    for (size_t i = 0; i < run->operators->count; i++) {
        const struct weft_operator *self = run->operators->items[i];
        if (self->kind->flush != NULL) {
            run->is_text_wanted = !self->is_quiet;
            self->kind->flush(self, run, now_ns, is_all);
        }
    }
}

struct weft_operator_counts weft_operator_run_collect(const struct weft_operator_run *run, size_t index)
{
    weft_assert(index < run->operators->count);
    return run->counts[index];
}
