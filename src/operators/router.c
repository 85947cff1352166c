/* Operator `router`: an entry goes the way of the first route whose expression is true, or the default's; without one
 * it ends here. A route's attributes are texts with expressions in them. */
#include "operators/expression_text.h"
#include "operators/operator_kinds.h"

struct attribute {
    struct weft_slice key;
    const struct weft_expression_text *value;
};

struct route {
    const struct weft_expression *expression;         /* NULL: the default */
    const struct weft_node *output, *attributes_node; /* while compiling */
    struct weft_operator_outputs outputs;
    struct attribute *attributes;
    size_t attribute_count;
};

struct router {
    struct weft_operator base;
    const struct weft_node *routes_node, *default_node; /* while compiling */
    struct route *routes;
    size_t count;
};

static const struct weft_operator_key keys[] = {
    { .key = "routes", .kind = WEFT_OPERATOR_KEY_NODE, .offset = offsetof(struct router, routes_node) },
    { .key = "default", .kind = WEFT_OPERATOR_KEY_NODE, .offset = offsetof(struct router, default_node) },
    { .key = NULL },
};

static const struct weft_operator_key route_keys[] = {
    { .key = "expr", .kind = WEFT_OPERATOR_KEY_CONDITION, .offset = offsetof(struct route, expression) },
    WEFT_OPERATOR_KEY(struct route, output, NODE),
    { .key = "attributes", .kind = WEFT_OPERATOR_KEY_NODE, .offset = offsetof(struct route, attributes_node) },
    { .key = NULL },
};

static enum weft_status fail_map(const struct weft_operator_reader *reader, const struct weft_node *node)
{
    return weft_node_fail(reader->config.error, WEFT_INVALID, node, "wants a map, not %s", weft_node_kind_text(node));
}

static enum weft_status read_attributes(struct weft_operator_reader *reader, struct route *route)
{
    const struct weft_node *node = route->attributes_node;
    route->attributes_node = NULL;
    if (node == NULL) {
        return WEFT_OK;
    }
    if (weft_node_kind(node) != WEFT_NODE_MAP) {
        return fail_map(reader, node);
    }
    size_t count = weft_node_count(node);
    enum weft_status status = weft_operator_alloc(reader, (count + 1) * sizeof *route->attributes, &route->attributes);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        const struct weft_node *member = weft_node_at(node, i);
        const char *key = NULL;
        status = weft_operator_copy_text(reader, weft_node_key(member), &key);
        status = status == WEFT_OK ? weft_expression_text_compile(reader, member, &route->attributes[i].value) : status;
        route->attributes[i].key = status == WEFT_OK ? weft_slice_of_text(key) : WEFT_SLICE_EMPTY;
        route->attribute_count = i + 1;
    }
    return status;
}

static enum weft_status read_route(struct weft_operator_reader *reader, const struct weft_node *node,
                                   struct route *route)
{
    const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES] = { route_keys };
    if (weft_node_kind(node) != WEFT_NODE_MAP) {
        return fail_map(reader, node);
    }
    enum weft_status status = weft_operator_keys_read(reader, "a route", tables, node, route);
    if (status == WEFT_OK && route->expression == NULL) {
        return weft_operator_fail_key(reader, node, "expr", WEFT_INVALID, "it needs an expression, as expr");
    }
    if (status == WEFT_OK && route->output == NULL) { /* the Collector loses what comes here */
        return weft_operator_fail_key(reader, node, "output", WEFT_INVALID, "it needs an output");
    }
    status = status == WEFT_OK ? weft_operator_link(reader, route->output, &route->outputs) : status;
    route->output = NULL;
    return status == WEFT_OK ? read_attributes(reader, route) : status;
}

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    struct router *router = (struct router *)self;
    const struct weft_node *list = router->routes_node, *other = router->default_node;
    router->routes_node = router->default_node = NULL;
    self->is_sent_on_error = false; /* the Collector's router knows no on_error */
    self->is_quiet = false;
    if (list == NULL || weft_node_kind(list) != WEFT_NODE_LIST) {
        return weft_operator_fail_key(reader, node, "routes", WEFT_INVALID, "it needs a list of routes");
    }
    size_t count = weft_node_count(list);
    enum weft_status status = weft_operator_alloc(reader, (count + 1) * sizeof *router->routes, &router->routes);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        status = read_route(reader, weft_node_at(list, i), &router->routes[i]);
    }
    router->count = count;
    if (status == WEFT_OK && other != NULL) {
        status = weft_operator_link(reader, other, &router->routes[router->count++].outputs);
    }
    return status;
}

static enum weft_operator_verdict set_attributes(const struct route *route, struct weft_operator_run *run,
                                                 struct weft_log_entry *entry)
{
    for (size_t i = 0; i < route->attribute_count; i++) {
        struct weft_slice text = WEFT_SLICE_EMPTY;
        enum weft_operator_verdict verdict = weft_expression_text_render(route->attributes[i].value, run, entry, &text);
        if (verdict != WEFT_OPERATOR_SEND) {
            return verdict;
        }
        if (weft_log_map_set(&entry->attributes, entry->memory, route->attributes[i].key, weft_log_string(text)) !=
            WEFT_OK) {
            return weft_operator_fail_memory(run);
        }
    }
    return WEFT_OPERATOR_SEND;
}

/* An expression that fails is no reason to end: the next route may take the entry. */
static const struct route *find_route(const struct router *router, struct weft_operator_run *run,
                                      struct weft_log_entry *entry)
{
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        bool is_true = true;
        if (route->expression != NULL &&
            weft_expression_test(route->expression, run, entry, &is_true) != WEFT_OPERATOR_SEND) {
            weft_operator_note_error(run, &router->base, "next route");
            is_true = false;
        }
        if (is_true) {
            return route;
        }
    }
    return NULL;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct route *route = find_route((const struct router *)self, run, entry);
    if (route == NULL || route->outputs.count == 0) {
        return WEFT_OPERATOR_DROPPED;
    }
    enum weft_operator_verdict verdict = set_attributes(route, run, entry);
    if (verdict == WEFT_OPERATOR_SEND) {
        weft_operator_send(run, self, &route->outputs, entry);
        verdict = WEFT_OPERATOR_DONE;
    }
    return verdict;
}

const struct weft_operator_kind weft_operator_router = {
    .type = "router",
    .size = sizeof(struct router),
    .keys = keys,
    .ignores_if = true,
    .has_own_outputs = true,
    .compile = compile,
    .process = process,
};
