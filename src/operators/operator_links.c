/* Ids of operators and what goes where (operator_internal.h). */
#include "operators/operator_internal.h"

#include <stdio.h>

#include "base/alloc.h"

enum weft_status weft_operator_link(struct weft_operator_reader *reader, const struct weft_node *node,
                                    struct weft_operator_outputs *outputs)
{
    struct weft_operator_link *link = NULL;
    enum weft_status status = weft_operator_alloc(reader, sizeof *link, &link);
    if (status == WEFT_OK) {
        *link = (struct weft_operator_link){ reader->links, node, reader->index, outputs };
        reader->links = link;
    }
    return status;
}

enum { MAX_WAYS = 1000 };

/* The number of operators if there is none. */
static size_t find_id(const struct weft_operators *operators, const char *id)
{
    size_t index = 0;
    while (index < operators->count && strcmp(operators->items[index]->id, id) != 0) {
        index++;
    }
    return index;
}

/* "move", "move1", "move2": for those whose id is their type, the first one excepted. */
static enum weft_status number_ids(struct weft_operator_reader *reader)
{
    struct weft_operators *operators = reader->operators;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < operators->count; i++) {
        struct weft_operator *self = operators->items[i];
        char id[96];
        if (strcmp(self->id, self->kind->type) != 0 || find_id(operators, self->id) == i) {
            continue;
        }
        size_t number = 0;
        do {
            snprintf(id, sizeof id, "%s%zu", self->kind->type, ++number);
        } while (find_id(operators, id) < operators->count);
        status = weft_operator_copy_text(reader, id, &self->id);
    }
    return status;
}

static enum weft_status check_ids(const struct weft_operator_reader *reader, const struct weft_node *list)
{
    const struct weft_operators *operators = reader->operators;
    for (size_t i = 0; i < operators->count; i++) {
        size_t first = find_id(operators, operators->items[i]->id);
        if (first != i) {
            return weft_node_fail(reader->config.error, WEFT_INVALID, weft_node_at(list, i),
                                  "the id \"%s\" is that of another operator, too (line %u)", operators->items[i]->id,
                                  weft_node_position(weft_node_at(list, first)).line);
        }
    }
    return WEFT_OK;
}

static enum weft_status resolve_id(const struct weft_operator_reader *reader, const struct weft_operator_link *link,
                                   const char *id)
{
    size_t index = find_id(reader->operators, id);
    if (index == reader->operators->count) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, link->node, "there is no operator with the id \"%s\"",
                              id);
    }
    for (size_t i = 0; i < link->outputs->count; i++) {
        if (link->outputs->indexes[i] == index) {
            return weft_node_fail(reader->config.error, WEFT_INVALID, link->node, "\"%s\" is there twice", id);
        }
    }
    link->outputs->indexes[link->outputs->count++] = index;
    return WEFT_OK;
}

static enum weft_status resolve_link(struct weft_operator_reader *reader, const struct weft_operator_link *link)
{
    struct weft_config_strings ids = { 0 };
    enum weft_status status = weft_value_read_strings(&reader->config, link->node, &ids);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_operator_alloc(reader, ids.count * sizeof *link->outputs->indexes, &link->outputs->indexes);
    for (size_t i = 0; status == WEFT_OK && i < ids.count; i++) {
        status = resolve_id(reader, link, ids.items[i]);
    }
    weft_value_fini_strings(&ids);
    return status;
}

/* What names no output sends to the next one, the last to the end. */
static enum weft_status link_next(struct weft_operator_reader *reader)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < reader->operators->count; i++) {
        struct weft_operator *self = reader->operators->items[i];
        if (self->outputs.count == 0 && !self->kind->has_own_outputs) {
            status = weft_operator_alloc(reader, sizeof *self->outputs.indexes, &self->outputs.indexes);
            if (status == WEFT_OK) {
                self->outputs.indexes[self->outputs.count++] = i + 1;
            }
        }
    }
    return status;
}

/* Whether some operator that is not settled sends to this one. */
static bool is_awaited(const struct weft_operator_reader *reader, const bool *is_settled, size_t index)
{
    const struct weft_operators *operators = reader->operators;
    for (size_t i = 0; i < operators->count; i++) {
        const struct weft_operator_outputs *outputs = &operators->items[i]->outputs;
        for (size_t j = 0; !is_settled[i] && j < outputs->count; j++) {
            if (outputs->indexes[j] == index) {
                return true;
            }
        }
    }
    for (const struct weft_operator_link *link = reader->links; link != NULL; link = link->next) {
        for (size_t j = 0; !is_settled[link->from] && j < link->outputs->count; j++) {
            if (link->outputs->indexes[j] == index) {
                return true;
            }
        }
    }
    return false;
}

/* Settles those to whom only settled ones send, until none is left: what is left is a circle. */
static enum weft_status check_circles(struct weft_operator_reader *reader, const struct weft_node *list)
{
    size_t count = reader->operators->count;
    bool *is_settled = NULL;
    enum weft_status status = weft_operator_alloc(reader, count, &is_settled);
    bool has_changed = true;
    while (status == WEFT_OK && has_changed) {
        has_changed = false;
        for (size_t i = 0; i < count; i++) {
            if (!is_settled[i] && !is_awaited(reader, is_settled, i)) {
                is_settled[i] = has_changed = true;
            }
        }
    }
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        if (!is_settled[i]) {
            return weft_node_fail(reader->config.error, WEFT_INVALID, weft_node_at(list, i),
                                  "operators send in a circle, which \"%s\" is part of or behind",
                                  reader->operators->items[i]->id);
        }
    }
    return status;
}

/* Copies that can come of one entry from there on: an operator sends to all its outputs, a router to those of one
 * route. Bounded by MAX_WAYS + 1. */
static size_t ways_from(const struct weft_operator_reader *reader, size_t *ways, size_t index);

static size_t ways_of(const struct weft_operator_reader *reader, size_t *ways,
                      const struct weft_operator_outputs *outputs)
{
    size_t sum = 0;
    for (size_t i = 0; i < outputs->count && sum <= MAX_WAYS; i++) {
        sum += ways_from(reader, ways, outputs->indexes[i]);
    }
    return sum;
}

static size_t ways_from(const struct weft_operator_reader *reader, size_t *ways, size_t index)
{
    if (index == reader->operators->count) {
        return 1;
    }
    if (ways[index] == 0) {
        size_t most = ways_of(reader, ways, &reader->operators->items[index]->outputs);
        for (const struct weft_operator_link *link = reader->links; link != NULL; link = link->next) {
            size_t of_link = link->from == index ? ways_of(reader, ways, link->outputs) : 0;
            most = of_link > most ? of_link : most;
        }
        ways[index] = most > MAX_WAYS ? (size_t)MAX_WAYS + 1 : most == 0 ? 1 : most;
    }
    return ways[index];
}

/* Ways that part again and again double with each. */
static enum weft_status check_ways(struct weft_operator_reader *reader, const struct weft_node *list)
{
    size_t *ways = NULL;
    enum weft_status status = weft_operator_alloc(reader, (reader->operators->count + 1) * sizeof *ways, &ways);
    if (status == WEFT_OK && ways_from(reader, ways, 0) > MAX_WAYS) {
        return weft_node_fail(reader->config.error, WEFT_LIMIT, list,
                              "one entry could become more than %d: outputs part too often", MAX_WAYS);
    }
    return status;
}

static enum weft_status check_last(const struct weft_operator_reader *reader, const struct weft_node *list)
{
    const struct weft_operators *operators = reader->operators;
    for (size_t i = 0; i < operators->count; i++) {
        const struct weft_operator *self = operators->items[i];
        bool is_end = self->outputs.count == 1 && self->outputs.indexes[0] == operators->count;
        if (self->kind->is_last && !is_end) {
            return weft_node_fail(reader->config.error, WEFT_UNSUPPORTED, weft_node_at(list, i),
                                  "%s must be the last one: no operator can follow it yet", self->kind->type);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_operator_links_resolve(struct weft_operator_reader *reader, const struct weft_node *list)
{
    enum weft_status status = number_ids(reader);
    status = status == WEFT_OK ? check_ids(reader, list) : status;
    for (const struct weft_operator_link *link = reader->links; status == WEFT_OK && link != NULL; link = link->next) {
        status = resolve_link(reader, link);
    }
    status = status == WEFT_OK ? link_next(reader) : status;
    status = status == WEFT_OK ? check_last(reader, list) : status;
    status = status == WEFT_OK ? check_circles(reader, list) : status;
    return status == WEFT_OK ? check_ways(reader, list) : status;
}
