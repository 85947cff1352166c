/* Compiling a chain of operators (operators.h): each one's common keys here, its own by its kind's table. */
#include "operators/operators.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "operators/operator_internal.h"

enum { MAX_OPERATORS = 256 };

static const struct weft_operator_key common_keys[] = {
    { .key = "type", .kind = WEFT_OPERATOR_KEY_NOTHING },
    WEFT_OPERATOR_KEY(struct weft_operator, id, TEXT),
    WEFT_OPERATOR_KEY(struct weft_operator, on_error, TEXT),
    WEFT_OPERATOR_KEY(struct weft_operator, output, NODE),
    { .key = "if", .kind = WEFT_OPERATOR_KEY_CONDITION, .offset = offsetof(struct weft_operator, condition) },
    { .key = NULL },
};

static enum weft_status read_on_error(struct weft_operator_reader *reader, const struct weft_node *node,
                                      struct weft_operator *self)
{
    static const struct {
        const char *word;
        bool is_sent, is_quiet;
    } words[] = {
        { "send", true, false },
        { "drop", false, false },
        { "send_quiet", true, true },
        { "drop_quiet", false, true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (strcmp(self->on_error == NULL ? "send" : self->on_error, words[i].word) == 0) {
            self->is_sent_on_error = words[i].is_sent;
            self->is_quiet = words[i].is_quiet;
            return WEFT_OK;
        }
    }
    return weft_operator_fail_key(reader, node, "on_error", WEFT_INVALID,
                                  "wants one of send, drop, send_quiet, drop_quiet");
}

static enum weft_status check_common(struct weft_operator_reader *reader, const struct weft_node *node,
                                     struct weft_operator *self)
{
    const struct weft_node *output = self->output;
    self->output = NULL;
    self->id = self->id == NULL || self->id[0] == '\0' ? self->kind->type : self->id;
    enum weft_status status = read_on_error(reader, node, self);
    bool has_output = output != NULL && !self->kind->has_own_outputs;
    return status == WEFT_OK && has_output ? weft_operator_link(reader, output, &self->outputs) : status;
}

static enum weft_status find_kind(const struct weft_operator_reader *reader, const struct weft_node *node,
                                  const struct weft_operator_kind **out_kind)
{
    char types[1024];
    weft_operator_kinds_list(types, sizeof types);
    if (weft_node_kind(node) != WEFT_NODE_MAP) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, node, "an operator is a map, not %s",
                              weft_node_kind_text(node));
    }
    const struct weft_node *type = weft_node_find(node, "type");
    if (type == NULL || weft_node_kind(type) != WEFT_NODE_STRING) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, type == NULL ? node : type,
                              "an operator needs a type; there are %s", types);
    }
    *out_kind = weft_operator_kind_find(weft_node_text(type));
    if (*out_kind != NULL) {
        return WEFT_OK;
    }
    return weft_operator_kind_is_later(weft_node_text(type))
               ? weft_node_fail(reader->config.error, WEFT_UNSUPPORTED, type,
                                "weft does not have operators of type %s yet%s: docs/file_log.md says which there are",
                                weft_node_text(type),
                                strcmp(weft_node_text(type), "recombine") == 0
                                    ? "; container joins what container runtimes cut"
                                    : "")
               : weft_node_fail(reader->config.error, WEFT_INVALID, type,
                                "there are no operators of type \"%s\"; there are %s", weft_node_text(type), types);
}

static enum weft_status read_operator(struct weft_operator_reader *reader, const struct weft_node *node)
{
    const struct weft_operator_kind *kind = NULL;
    struct weft_operator *self = NULL;
    enum weft_status status = find_kind(reader, node, &kind);
    status = status == WEFT_OK ? weft_operator_alloc(reader, kind->size, &self) : status;
    if (status != WEFT_OK) {
        return status;
    }
    self->kind = kind;
    self->index = reader->index;
    reader->operators->items[reader->operators->count++] = self;
    if (kind->set_defaults != NULL) {
        kind->set_defaults(self);
    }
    const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES] = { kind->keys, kind->more_keys,
                                                                               common_keys };
    status = weft_operator_keys_read(reader, kind->type, tables, node, self);
    status = status == WEFT_OK ? check_common(reader, node, self) : status;
    return status == WEFT_OK && kind->compile != NULL ? kind->compile(self, reader, node) : status;
}

static enum weft_status read_list(struct weft_operator_reader *reader, const struct weft_node *list)
{
    size_t count = weft_node_count(list);
    if (list != NULL && weft_node_kind(list) != WEFT_NODE_LIST && !weft_value_is_absent(list)) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, list, "wants a list of operators, not %s",
                              weft_node_kind_text(list));
    }
    if (count > MAX_OPERATORS) {
        return weft_node_fail(reader->config.error, WEFT_LIMIT, list, "there are more than %d operators",
                              MAX_OPERATORS);
    }
    enum weft_status status =
        weft_operator_alloc(reader, (count + 1) * sizeof(struct weft_operator *), &reader->operators->items);
    size_t error_count = weft_config_notes_errors(reader->config.notes);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        reader->index = i;
        status = read_operator(reader, weft_node_at(list, i));
        status = weft_config_notes_survive(reader->config.notes, status, reader->config.error);
    }
    status =
        status == WEFT_OK ? weft_config_notes_fail(reader->config.notes, error_count, reader->config.error) : status;
    return status == WEFT_OK ? weft_operator_links_resolve(reader, list) : status;
}

enum weft_status weft_operators_compile(const struct weft_node *list, struct weft_config_notes *notes,
                                        struct weft_operators **out_operators, struct weft_error *error)
{
    struct weft_error ignored;
    error = error == NULL ? &ignored : error;
    struct weft_operators *operators = weft_try_alloc(sizeof *operators);
    if (operators == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for operators");
    }
    weft_hash_secret_init(&operators->secret);
    struct weft_operator_reader reader = { .operators = operators, .config = { notes, error } };
    enum weft_status status = read_list(&reader, list);
    if (status != WEFT_OK) {
        weft_operators_free(operators);
        return status;
    }
    *out_operators = operators;
    return WEFT_OK;
}

void weft_operators_free(struct weft_operators *operators)
{
    if (operators == NULL) {
        return;
    }
    for (size_t i = 0; i < operators->pattern_count; i++) {
        weft_pattern_free(&operators->patterns[i]);
    }
    weft_free(operators->patterns);
    weft_entry_memory_fini(&operators->memory);
    weft_free(operators);
}

size_t weft_operators_count(const struct weft_operators *operators)
{
    return operators->count;
}

const char *weft_operators_id(const struct weft_operators *operators, size_t index)
{
    weft_assert(index < operators->count);
    return operators->items[index]->id;
}
