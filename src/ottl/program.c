/* Programs (ottl.h): compiled from a text once, then only read. */
#include "ottl/ottl.h"

#include "base/alloc.h"
#include "ottl/check.h"
#include "ottl/parser.h"
#include "ottl/path.h"

struct weft_ottl_state {
    struct weft_ottl_state *next;
    void *state;
    void (*free_state)(void *state);
};

enum weft_status weft_ottl_program_keep(struct weft_ottl_program *program, void *state, void (*free_state)(void *state))
{
    struct weft_ottl_state *kept = weft_arena_try_alloc(program->arena, sizeof *kept);
    if (kept == NULL) {
        return WEFT_NOMEM;
    }
    *kept = (struct weft_ottl_state){ program->states, state, free_state };
    program->states = kept;
    return WEFT_OK;
}

void weft_ottl_program_free(struct weft_ottl_program **own_program)
{
    struct weft_ottl_program *program = *own_program;
    *own_program = NULL;
    if (program == NULL) {
        return;
    }
    for (struct weft_ottl_state *state = program->states; state != NULL; state = state->next) {
        state->free_state(state->state);
    }
    weft_arena_own(program->arena); /* a reload compiles on a thread of its own, and nobody else is left by now */
    weft_arena_unref(&program->arena);
    weft_free(program);
}

static enum weft_status parse(struct weft_ottl_program *program, struct weft_ottl_node *out_roots[2],
                              struct weft_error *error)
{
    struct weft_ottl_parser parser;
    enum weft_status status = weft_ottl_parser_init(&parser, program->text, program->arena, error);
    if (status != WEFT_OK) {
        return status;
    }
    switch (program->options.form) {
    case WEFT_OTTL_CONDITION:
        status = weft_ottl_parse_condition(&parser, &out_roots[1]);
        program->condition = out_roots[1];
        break;
    case WEFT_OTTL_STATEMENT:
        status = weft_ottl_parse_statement(&parser, &out_roots[0], &out_roots[1]);
        program->editor = out_roots[0];
        program->condition = out_roots[1];
        break;
    case WEFT_OTTL_VALUE:
        status = weft_ottl_parse_value(&parser, &out_roots[0]);
        program->value = out_roots[0];
        break;
    }
    return status;
}

static enum weft_status compile(struct weft_ottl_program *program, struct weft_error *error)
{
    struct weft_ottl_node *roots[2] = { NULL, NULL };
    struct weft_ottl_run *run = weft_try_alloc(sizeof *run);
    if (run == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a statement");
    }
    struct weft_ottl_checker checker = { .program = program, .error = error, .run = run };
    enum weft_status status = weft_ottl_run_init(run, error);
    if (status == WEFT_OK) {
        status = parse(program, roots, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(roots); i++) {
        status = roots[i] == NULL ? WEFT_OK : weft_ottl_check(&checker, roots[i]);
    }
    weft_ottl_run_fini(run);
    weft_free(run);
    if (status == WEFT_OK && program->condition != NULL) {
        status = weft_ottl_brief_of(program->arena, program->condition, &program->brief);
        status = status == WEFT_OK ? status : weft_fail(error, status, "no memory for a statement");
    }
    return status;
}

enum weft_status weft_ottl_program_new(struct weft_slice text, const struct weft_ottl_options *options,
                                       struct weft_ottl_program **out_program, struct weft_error *error)
{
    struct weft_error ignored;
    error = error == NULL ? &ignored : error;
    struct weft_ottl_program *program = weft_try_alloc(sizeof *program);
    struct weft_arena *arena = weft_arena_try_new();
    uint8_t *copy = program == NULL || arena == NULL ? NULL : weft_arena_try_bytes(arena, text.length + 1);
    if (copy == NULL) {
        weft_arena_unref(&arena);
        weft_free(program);
        return weft_fail(error, WEFT_NOMEM, "no memory for a statement");
    }
    if (text.length > 0) {
        memcpy(copy, text.bytes, text.length);
    }
    *program =
        (struct weft_ottl_program){ .text = weft_slice_of(copy, text.length), .options = *options, .arena = arena };
    enum weft_status status = compile(program, error);
    if (status != WEFT_OK) {
        weft_ottl_program_free(&program);
        return status;
    }
    *out_program = program;
    return WEFT_OK;
}

enum weft_status weft_ottl_program_evaluate(const struct weft_ottl_program *program, struct weft_ottl_run *run,
                                            bool *out_holds)
{
    if (program->condition == NULL) {
        *out_holds = true;
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_holds(run, program->condition, out_holds);
    return status == WEFT_NOMEM ? weft_ottl_without_memory(run) : status;
}

bool weft_ottl_program_is_doubtful(const struct weft_ottl_program *program, struct weft_error *error)
{
    const struct weft_ottl_node *editor = program->editor;
    enum weft_ottl_kind wanted;
    if (editor == NULL || !weft_slice_equal_text(editor->name, "set") || editor->count < 2 ||
        editor->items[0]->kind != WEFT_OTTL_NODE_PATH || editor->items[1]->kind != WEFT_OTTL_NODE_LITERAL) {
        return false;
    }
    const struct weft_ottl_path *path = editor->items[0]->path;
    enum weft_ottl_kind kind = editor->items[1]->literal.kind;
    if (weft_ottl_path_takes(path, kind, &wanted)) {
        return false;
    }
    (void)weft_fail(error, WEFT_INVALID, "%.*s takes %s and not %s", WEFT_SLICE_PRINT(path->text),
                    weft_ottl_kind_text(wanted), weft_ottl_kind_text(kind));
    return true;
}
