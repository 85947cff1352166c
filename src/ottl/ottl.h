#pragma once

#include "ottl/brief.h"
#include "ottl/context.h"
#include "ottl/run.h"

/* OTTL, the language in which the Collector's filter, transform and tail_sampling are told what to look for and what to
 * do, as contrib 0.158 reads it: `severity_number >= SEVERITY_NUMBER_WARN and IsMatch(body, "x")`, and
 * `set(attributes["a"], 1) where name == "b"`.
 *
 * A text is compiled once: parsed (parser.h), then checked, which finds what its names stand for; then it is evaluated
 * for record after record, on wire bytes, without the heap. All workers may use a program; each has a run of its own.
 *
 * Limits: WEFT_OTTL_MAX_TEXT_BYTES and WEFT_OTTL_MAX_DEPTH. Evaluating costs what the text says; only patterns, and
 * converters that walk a value, cost more the longer the value is. */
enum {
    WEFT_OTTL_MAX_TEXT_BYTES = 64 << 10,
    WEFT_OTTL_MAX_DEPTH = 64, /* parentheses, calls, lists and maps within one another */
};

/* What becomes of an evaluation that failed. */
enum weft_ottl_error_mode {
    WEFT_OTTL_PROPAGATE, /* the batch is refused */
    WEFT_OTTL_IGNORE,    /* it counts for nothing, and the log says so */
    WEFT_OTTL_SILENT,    /* the same without the log */
};

enum weft_ottl_form_of_text {
    WEFT_OTTL_CONDITION,
    WEFT_OTTL_STATEMENT, /* an editor, and where it applies */
    WEFT_OTTL_VALUE,
};

struct weft_ottl_options {
    enum weft_ottl_form_of_text form;
    enum weft_ottl_context context;
    bool needs_prefix; /* each path must begin with its context: where contexts are inferred */
    /* Of all texts that are asked about the same records: keys of attributes are added to it, and it lives as long as
     * the programs. Who evaluates them says so to the record (weft_ottl_record_seek), or it is of no use. May be NULL.
     */
    struct weft_ottl_sought *sought;
};

/* A compiled text. */
struct weft_ottl_program {
    struct weft_slice text; /* a copy */
    struct weft_ottl_options options;
    const struct weft_ottl_node *editor;    /* a STATEMENT's call */
    const struct weft_ottl_node *condition; /* NULL: always */
    const struct weft_ottl_brief *brief;    /* of the condition; NULL: it has none */
    const struct weft_ottl_node *value;     /* of a VALUE */
    struct weft_arena *arena;
    struct weft_ottl_state *states; /* to be freed */
};

/* WEFT_INVALID, WEFT_UNSUPPORTED and WEFT_LIMIT as "line 1 column 8: ..." within the text; WEFT_NOMEM. */
enum weft_status weft_ottl_program_new(struct weft_slice text, const struct weft_ottl_options *options,
                                       struct weft_ottl_program **out_program,
                                       struct weft_error *error) WEFT_MUST_CHECK;
void weft_ottl_program_free(struct weft_ottl_program **own_program);

/* Whether a statement sets a path of one kind to a literal of another, which fails on each record; error says so. */
bool weft_ottl_program_is_doubtful(const struct weft_ottl_program *program, struct weft_error *error);

/* Of a program's condition, by its tree. WEFT_INVALID with run->error. */
enum weft_status weft_ottl_program_evaluate(const struct weft_ottl_program *program, struct weft_ottl_run *run,
                                            bool *out_holds) WEFT_MUST_CHECK;

/* The same, asked briefly if it can be. */
static inline WEFT_MUST_CHECK enum weft_status weft_ottl_program_holds(const struct weft_ottl_program *program,
                                                                       struct weft_ottl_run *run, bool *out_holds)
{
    weft_ottl_run_begin(run);
    bool is_brief = program->brief != NULL && run->steps_max >= WEFT_OTTL_BRIEF_MAX_STEPS;
    return is_brief && weft_ottl_brief_holds(program->brief, &run->record, out_holds)
               ? WEFT_OK
               : weft_ottl_program_evaluate(program, run, out_holds);
}

/* The context that the Collector infers from texts that are asked together: that of the lowest path that is named; if
 * its functions and enums are not known there, one that knows them. False, without an error: no path says. */
enum weft_status weft_ottl_infer_context(const struct weft_slice *texts, size_t count, enum weft_ottl_form_of_text form,
                                         enum weft_signal signal, bool *out_is_inferred,
                                         enum weft_ottl_context *out_context, struct weft_error *error) WEFT_MUST_CHECK;
