/* Evaluating a checked tree (run.h) on the record of a run. Recursion is as deep as the parser let the tree be. */
#include "base/alloc.h"
#include "ottl/function.h"
#include "ottl/path.h"

enum weft_status weft_ottl_run_init(struct weft_ottl_run *run, struct weft_error *error)
{
    *run = (struct weft_ottl_run){ .record.event_index = -1,
                                   .steps_max = WEFT_OTTL_STEPS_MAX,
                                   .steps_left = WEFT_OTTL_STEPS_MAX };
    weft_buffer_init(&run->text, WEFT_OTTL_STATEMENT_MAX_BYTES);
    weft_buffer_init(&run->stack, WEFT_OTTL_STATEMENT_MAX_BYTES);
    weft_buffer_init(&run->message, 0);
    weft_buffer_init(&run->replaced, WEFT_ENTRY_MEMORY_MAX_BYTES / 4);
    enum { MAX_GROUPS = 64 };
    enum weft_status status = weft_pattern_scratch_new(MAX_GROUPS, &run->pattern, error);
    if (status == WEFT_OK) {
        weft_pattern_scratch_set_steps(run->pattern, &run->steps_left);
    }
    return status;
}

void weft_ottl_run_trim(struct weft_ottl_run *run)
{
    weft_buffer_fini(&run->text);
    weft_buffer_fini(&run->stack);
    weft_buffer_fini(&run->message);
    weft_buffer_fini(&run->replaced);
}

bool weft_ottl_run_is_full(const struct weft_ottl_run *run)
{
    return run->memory.is_full || run->text.capacity > WEFT_OTTL_STATEMENT_MAX_BYTES / 4;
}

enum weft_status weft_ottl_without_memory(struct weft_ottl_run *run)
{
    return weft_ottl_run_is_full(run)
               ? (run->limits_met++,
                  weft_fail(&run->error, WEFT_INVALID, "it needs more memory than a statement may have (max_steps)"))
               : WEFT_NOMEM;
}

enum weft_status weft_ottl_fail_steps(struct weft_ottl_run *run)
{
    run->limits_met++;
    return weft_fail(&run->error, WEFT_INVALID, "it takes more steps than a statement may (max_steps)");
}

void weft_ottl_run_fini(struct weft_ottl_run *run)
{
    weft_entry_memory_fini(&run->memory);
    weft_ottl_run_trim(run);
    weft_buffer_fini(&run->made);
    weft_pattern_scratch_free(&run->pattern);
    for (size_t i = 0; i < WEFT_COUNT_OF(run->digests); i++) {
        weft_digest_free(&run->digests[i]);
    }
}

/* ---- calls ---- */

static enum weft_status fail_argument(struct weft_ottl_run *run, const struct weft_ottl_function *function)
{
    return weft_fail_prefix(&run->error, "%s", function->name);
}

static enum weft_status take_value(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                   enum weft_ottl_takes takes, struct weft_ottl_value *out_value)
{
    bool is_read = node->kind == WEFT_OTTL_NODE_PATH && weft_ottl_path_read_slot(run, node->path, out_value);
    enum weft_status status = is_read ? WEFT_OK : weft_ottl_evaluate(run, node, out_value);
    bool is_taken = takes == WEFT_OTTL_TAKES_ANY ||
                    (takes == WEFT_OTTL_TAKES_STRING_LIKE && status == WEFT_OK && out_value->kind == WEFT_OTTL_STRING);
    return status == WEFT_OK && !is_taken ? weft_ottl_argument_take(run, takes, out_value) : status;
}

/* The items of a list that is written in the statement, each as the parameter takes it. */
static __attribute__((noinline)) enum weft_status take_list(struct weft_ottl_run *run,
                                                            const struct weft_ottl_node *node,
                                                            enum weft_ottl_takes takes,
                                                            struct weft_ottl_value *out_value)
{
    struct weft_ottl_list *list = weft_ottl_run_take(run, sizeof *list);
    struct weft_ottl_value *items = weft_ottl_run_take(run, node->count * sizeof *items);
    if (list == NULL || items == NULL) {
        return WEFT_NOMEM;
    }
    *list = (struct weft_ottl_list){ .items = items, .capacity = node->count };
    for (size_t i = 0; i < node->count; i++) {
        enum weft_status status = take_value(run, node->items[i], takes, &list->items[i]);
        if (status != WEFT_OK) {
            return status;
        }
        list->count = i + 1;
    }
    *out_value = weft_ottl_open_list(list);
    out_value->origin = WEFT_OTTL_RAW;
    return WEFT_OK;
}

static inline enum weft_status take_argument(struct weft_ottl_run *run, const struct weft_ottl_call_node *node,
                                             size_t parameter, struct weft_ottl_value *out_value)
{
    const struct weft_ottl_node *given = node->nodes[parameter];
    enum weft_status status = WEFT_OK;
    switch ((enum weft_ottl_argument_way)node->ways[parameter]) {
    case WEFT_OTTL_ARGUMENT_LITERAL:
        *out_value = given->literal;
        return WEFT_OK;
    case WEFT_OTTL_ARGUMENT_NONE:
        out_value->kind = WEFT_OTTL_ABSENT;
        return WEFT_OK;
    case WEFT_OTTL_ARGUMENT_VALUE:
        status = take_value(run, given, node->function->parameters[parameter].takes, out_value);
        break;
    case WEFT_OTTL_ARGUMENT_LIST:
        status = take_list(run, given, node->function->parameters[parameter].takes, out_value);
        break;
    }
    return status == WEFT_INVALID ? fail_argument(run, node->function) : status;
}

enum weft_status weft_ottl_call_argument(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                         size_t parameter, struct weft_ottl_value *out_value)
{
    return take_argument(run, call, parameter, out_value);
}

enum weft_status weft_ottl_call_item(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                     size_t parameter, size_t item, struct weft_ottl_value *out_value)
{
    enum weft_status status = take_value(run, call->nodes[parameter]->items[item],
                                         call->function->parameters[parameter].takes, out_value);
    return status == WEFT_INVALID ? fail_argument(run, call->function) : status;
}

enum weft_status weft_ottl_call_with_list(struct weft_ottl_run *run, const struct weft_ottl_call_node *node,
                                          struct weft_ottl_value *out_value)
{
    struct weft_ottl_value arguments[WEFT_OTTL_MAX_PARAMETERS];
    for (size_t i = 0; i < node->count; i++) {
        enum weft_status status = take_argument(run, node, i, &arguments[i]);
        if (status != WEFT_OK) {
            return status;
        }
    }
    struct weft_ottl_call made = {
        .function = node->function, .nodes = node->nodes, .arguments = arguments, .state = node->state
    };
    *out_value = weft_ottl_nil();
    return node->function->call(run, &made, out_value);
}

/* Under keys of what a call gave: all of them must be there. */
static __attribute__((noinline)) enum weft_status
call_under(struct weft_ottl_run *run, const struct weft_ottl_node *node, struct weft_ottl_value *out_value)
{
    struct weft_ottl_value value;
    enum weft_status status = weft_ottl_call_make(run, node->call, &value);
    for (size_t i = 0; status == WEFT_OK && i < node->key_count; i++) {
        struct weft_ottl_value key = node->keys[i].literal;
        struct weft_ottl_value inner;
        if (node->keys[i].node != NULL) {
            status = weft_ottl_evaluate(run, node->keys[i].node, &key);
        }
        if (status != WEFT_OK) {
            break;
        }
        bool is_found = false;
        bool is_byte = key.kind == WEFT_OTTL_INT && value.kind == WEFT_OTTL_BYTES;
        if (key.kind == WEFT_OTTL_STRING && value.kind == WEFT_OTTL_MAP) {
            is_found = weft_ottl_map_find(&value, key.bytes, &inner);
        } else if (key.kind == WEFT_OTTL_INT && value.kind == WEFT_OTTL_LIST) {
            is_found = weft_ottl_list_at(&value, key.integer, &inner);
        } else if (!is_byte) {
            return weft_fail(&run->error, WEFT_INVALID, "%s cannot be indexed by %s", weft_ottl_kind_text(value.kind),
                             weft_ottl_kind_text(key.kind));
        } else if (key.integer >= 0 && (uint64_t)key.integer < value.bytes.length) {
            inner = weft_ottl_int(value.bytes.bytes[key.integer]);
            is_found = true;
        }
        if (!is_found) {
            return weft_fail(&run->error, WEFT_INVALID, "%s: there is no such key or index",
                             node->call->function->name);
        }
        value = inner;
    }
    *out_value = value;
    return status;
}

/* ---- lists and maps that the statement writes ---- */

static enum weft_status make_list(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                  struct weft_ottl_value *out_value)
{
    return take_list(run, node, WEFT_OTTL_TAKES_ANY, out_value);
}

/* As a member of a map, which is pcommon's with all that is in it. False: it cannot be one; a list that is pcommon's
 * already cannot either, in the Collector. */
static bool make_member(struct weft_ottl_value *value, int depth)
{
    if (value->kind == WEFT_OTTL_MAP) {
        value->origin = WEFT_OTTL_PDATA;
        return true;
    }
    if (value->kind != WEFT_OTTL_LIST) {
        return value->kind <= WEFT_OTTL_BYTES;
    }
    if (value->origin != WEFT_OTTL_RAW || value->is_wire || depth >= WEFT_OTTL_VALUE_MAX_DEPTH) {
        return false;
    }
    value->origin = WEFT_OTTL_PDATA;
    bool all = true;
    for (size_t i = 0; all && i < value->list->count; i++) {
        all = make_member(&value->list->items[i], depth + 1);
    }
    return all;
}

static __attribute__((noinline)) enum weft_status make_map(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                                           struct weft_ottl_value *out_value)
{
    struct weft_ottl_map *map = weft_ottl_run_take(run, sizeof *map);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    *map = (struct weft_ottl_map){ 0 };
    for (size_t i = 0; i < node->count; i++) {
        struct weft_ottl_value item;
        enum weft_status status = weft_ottl_evaluate(run, node->items[i], &item);
        if (status == WEFT_OK && !make_member(&item, 0)) {
            return weft_fail(&run->error, WEFT_INVALID, "a map cannot hold %s", weft_ottl_kind_text(item.kind));
        }
        if (status == WEFT_OK) {
            status = weft_ottl_map_set(&run->memory, map, node->names[i], item);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    *out_value = weft_ottl_open_map(map);
    return WEFT_OK;
}

/* ---- conditions ---- */

/* What is compared most often: strings and ints, whether they are the same. */
static inline bool compare(struct weft_ottl_run *run, const struct weft_ottl_value *left,
                           const struct weft_ottl_value *right, int operation)
{
    if (operation <= WEFT_OTTL_NOT_EQUAL) {
        bool is_wanted = operation == WEFT_OTTL_EQUAL;
        if (left->kind == WEFT_OTTL_STRING) {
            return (right->kind == WEFT_OTTL_STRING && weft_slice_equal(left->bytes, right->bytes)) == is_wanted;
        }
        if (left->kind == WEFT_OTTL_INT && right->kind == WEFT_OTTL_INT) {
            return (left->integer == right->integer) == is_wanted;
        }
    }
    return weft_ottl_compare(run, left, right, operation);
}

static __attribute__((noinline)) enum weft_status holds_comparison(struct weft_ottl_run *run,
                                                                   const struct weft_ottl_node *node, bool *out_holds)
{
    struct weft_ottl_value left, right;
    const struct weft_ottl_node *first = node->items[0];
    const struct weft_ottl_value *other = &node->items[1]->literal;
    bool is_read = first->kind == WEFT_OTTL_NODE_PATH && weft_ottl_path_read_slot(run, first->path, &left);
    enum weft_status status = is_read ? WEFT_OK : weft_ottl_evaluate(run, first, &left);
    if (status == WEFT_OK && node->items[1]->kind != WEFT_OTTL_NODE_LITERAL) {
        status = weft_ottl_evaluate(run, node->items[1], &right);
        other = &right;
    }
    if (status == WEFT_OK) {
        *out_holds = compare(run, &left, other, node->operation);
        status = run->steps_left == 0 ? weft_ottl_fail_steps(run) : WEFT_OK;
    }
    return status;
}

static enum weft_status holds_call(struct weft_ottl_run *run, const struct weft_ottl_node *node, bool *out_holds)
{
    struct weft_ottl_value value;
    enum weft_status status = WEFT_OK;
    if (node->kind == WEFT_OTTL_NODE_CALL && node->key_count == 0 && node->call->function->holds != NULL &&
        node->call->function->holds(run, node->call, &status, out_holds)) {
        return status;
    }
    status = weft_ottl_evaluate(run, node, &value);
    if (status == WEFT_OK && value.kind != WEFT_OTTL_BOOL) {
        return weft_fail(&run->error, WEFT_INVALID, "a condition must be true or false, and %.*s gave %s",
                         WEFT_SLICE_PRINT(node->name), weft_ottl_kind_text(value.kind));
    }
    if (status == WEFT_OK) {
        *out_holds = value.boolean;
    }
    return status;
}

static __attribute__((noinline)) enum weft_status holds_chain(struct weft_ottl_run *run,
                                                              const struct weft_ottl_node *chain, bool *out_holds)
{
    bool stops_at = chain->kind == WEFT_OTTL_NODE_OR;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < chain->count; i++) {
        status = weft_ottl_holds(run, chain->items[i], out_holds);
        if (status != WEFT_OK || *out_holds == stops_at) {
            return status;
        }
    }
    return WEFT_OK;
}

static __attribute__((noinline)) enum weft_status holds_not(struct weft_ottl_run *run,
                                                            const struct weft_ottl_node *node, bool *out_holds)
{
    enum weft_status status = weft_ottl_holds(run, node->items[0], out_holds);
    *out_holds = status == WEFT_OK && !*out_holds;
    return status;
}

enum weft_status weft_ottl_holds(struct weft_ottl_run *run, const struct weft_ottl_node *condition, bool *out_holds)
{
    switch (condition->kind) {
    case WEFT_OTTL_NODE_COMPARE:
        return holds_comparison(run, condition, out_holds);
    case WEFT_OTTL_NODE_NOT:
        return holds_not(run, condition, out_holds);
    case WEFT_OTTL_NODE_AND:
    case WEFT_OTTL_NODE_OR:
        return holds_chain(run, condition, out_holds);
    default:
        return holds_call(run, condition, out_holds);
    }
}

static __attribute__((noinline)) enum weft_status
calculate(struct weft_ottl_run *run, const struct weft_ottl_node *node, struct weft_ottl_value *out_value)
{
    struct weft_ottl_value left, right;
    enum weft_status status = weft_ottl_evaluate(run, node->items[0], &left);
    if (status != WEFT_OK || node->kind == WEFT_OTTL_NODE_NEGATE) {
        return status == WEFT_OK ? weft_ottl_negate(run, &left, out_value) : status;
    }
    status = weft_ottl_evaluate(run, node->items[1], &right);
    return status == WEFT_OK ? weft_ottl_calculate(run, &left, node->operation, &right, out_value) : status;
}

static __attribute__((noinline)) enum weft_status
say_whether(struct weft_ottl_run *run, const struct weft_ottl_node *node, struct weft_ottl_value *out_value)
{
    bool holds = false;
    enum weft_status status = weft_ottl_holds(run, node, &holds);
    *out_value = weft_ottl_bool(holds);
    return status;
}

/* What is done often is called last, so that nothing has to be kept meanwhile. */
enum weft_status weft_ottl_evaluate(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                    struct weft_ottl_value *out_value)
{
    switch (node->kind) {
    case WEFT_OTTL_NODE_LITERAL:
        *out_value = node->literal;
        return WEFT_OK;
    case WEFT_OTTL_NODE_PATH:
        return weft_ottl_path_read(run, node->path, out_value);
    case WEFT_OTTL_NODE_CALL:
        return node->key_count == 0 ? weft_ottl_call_make(run, node->call, out_value)
                                    : call_under(run, node, out_value);
    case WEFT_OTTL_NODE_LIST:
        return make_list(run, node, out_value);
    case WEFT_OTTL_NODE_MAP:
        return make_map(run, node, out_value);
    case WEFT_OTTL_NODE_CALCULATE:
    case WEFT_OTTL_NODE_NEGATE:
        return calculate(run, node, out_value);
    case WEFT_OTTL_NODE_ENUM:
    case WEFT_OTTL_NODE_FUNCTION:
    case WEFT_OTTL_NODE_COMPARE:
    case WEFT_OTTL_NODE_NOT:
    case WEFT_OTTL_NODE_AND:
    case WEFT_OTTL_NODE_OR:
        break;
    }
    return say_whether(run, node, out_value);
}
