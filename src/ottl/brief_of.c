/* Brief conditions (brief.h) of a checked tree. Atoms are made from the last one asked to the first, so that what
 * follows one is there when it is made. */
#include "ottl/brief.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "ottl/function.h"
#include "ottl/path.h"

static const struct weft_ottl_path *path_of(const struct weft_ottl_node *node)
{
    return node->kind == WEFT_OTTL_NODE_PATH ? node->path : NULL;
}

static bool is_short_form(enum weft_ottl_form form)
{
    return form == WEFT_OTTL_FORM_STRING || form == WEFT_OTTL_FORM_UINT || form == WEFT_OTTL_FORM_ENUM ||
           form == WEFT_OTTL_FORM_NANOS;
}

/* What is asked for: an attribute that is sought, or a field. */
static bool begin_atom(struct weft_ottl_brief *brief, const struct weft_ottl_path *path,
                       struct weft_ottl_atom *out_atom)
{
    if (path == NULL || (path->sought == NULL && !is_short_form(path->row->form))) {
        return false;
    }
    bool is_slot = path->sought != NULL;
    brief->sought = is_slot ? path->sought : brief->sought;
    *out_atom = (struct weft_ottl_atom){ .is_slot = is_slot,
                                         .number = is_slot ? path->slot : (uint8_t)path->row->field,
                                         .form = (uint8_t)path->row->form,
                                         .level = (uint8_t)path->row->level };
    return true;
}

static bool is_short_literal(const struct weft_ottl_node *node)
{
    return node->kind == WEFT_OTTL_NODE_LITERAL && node->literal.kind <= WEFT_OTTL_STRING;
}

/* What the operation says of an int: that it is in a range that begins or ends with the literal, or that it is not. */
static void set_range(struct weft_ottl_atom *atom, enum weft_ottl_compare operation, int64_t literal)
{
    bool is_one = operation <= WEFT_OTTL_NOT_EQUAL;
    bool is_from_literal = operation == WEFT_OTTL_GREATER_EQUAL || operation == WEFT_OTTL_LESS;
    int64_t least = is_one || is_from_literal ? literal : INT64_MIN;
    int64_t greatest = is_one || !is_from_literal ? literal : INT64_MAX;
    atom->way = WEFT_OTTL_ATOM_RANGE;
    atom->is_if_so =
        operation == WEFT_OTTL_EQUAL || operation == WEFT_OTTL_LESS_EQUAL || operation == WEFT_OTTL_GREATER_EQUAL;
    atom->least = least;
    atom->more = (uint64_t)greatest - (uint64_t)least;
}

static bool atom_of_comparison(struct weft_ottl_brief *brief, const struct weft_ottl_node *node,
                               struct weft_ottl_atom *out_atom)
{
    struct weft_ottl_value nil = weft_ottl_nil();
    struct weft_ottl_value number = weft_ottl_int(0);
    if (!is_short_literal(node->items[1]) || !begin_atom(brief, path_of(node->items[0]), out_atom)) {
        return false;
    }
    enum weft_ottl_kind kind = node->items[1]->literal.kind;
    bool is_equality = node->operation <= WEFT_OTTL_NOT_EQUAL;
    out_atom->way = is_equality && kind == WEFT_OTTL_STRING ? WEFT_OTTL_ATOM_TEXT
                    : kind == WEFT_OTTL_NIL                 ? WEFT_OTTL_ATOM_NIL
                                                            : WEFT_OTTL_ATOM_OTHER;
    out_atom->operation = node->operation;
    out_atom->is_if_so = node->operation == WEFT_OTTL_EQUAL;
    out_atom->literal = node->items[1]->literal;
    out_atom->is_if_there = weft_ottl_compare(NULL, &number, &out_atom->literal, node->operation);
    if (kind == WEFT_OTTL_INT) {
        set_range(out_atom, (enum weft_ottl_compare)node->operation, out_atom->literal.integer);
    }
    out_atom->is_if_missing = weft_ottl_compare(NULL, &nil, &out_atom->literal, node->operation);
    return true;
}

/* A field that is a number would become a text first. */
static bool atom_of_call(struct weft_ottl_brief *brief, const struct weft_ottl_node *node,
                         struct weft_ottl_atom *out_atom)
{
    const struct weft_ottl_call_node *call = node->call;
    if (node->key_count > 0 || strcmp(call->function->name, "IsMatch") != 0 || call->state == NULL ||
        !weft_pattern_is_plain(call->state) || !begin_atom(brief, path_of(call->nodes[0]), out_atom)) {
        return false;
    }
    out_atom->way = WEFT_OTTL_ATOM_MATCH;
    out_atom->pattern = call->state;
    return out_atom->is_slot || out_atom->form == WEFT_OTTL_FORM_STRING;
}

/* Where its value lies, which is wanted then. */
static enum weft_ottl_atom_place place_of(const struct weft_ottl_atom *atom, struct weft_ottl_wants *wants)
{
    enum { STATUS_FIELD = 15 };
    if (atom->level == WEFT_OTTL_LEVEL_STATUS) {
        wants->fields |= UINT32_C(1) << STATUS_FIELD;
        bool is_code = atom->form == WEFT_OTTL_FORM_ENUM && atom->way == WEFT_OTTL_ATOM_RANGE;
        return is_code ? WEFT_OTTL_ATOM_STATUS : WEFT_OTTL_ATOM_AROUND;
    }
    if (atom->level != WEFT_OTTL_LEVEL_RECORD) {
        return WEFT_OTTL_ATOM_AROUND;
    }
    if (!atom->is_slot) {
        wants->fields |= UINT32_C(1) << atom->number;
        return WEFT_OTTL_ATOM_FIELD;
    }
    wants->keys |= UINT64_C(1) << atom->number;
    return WEFT_OTTL_ATOM_SLOT;
}

static bool add_atom(struct weft_ottl_brief *brief, struct weft_ottl_atom *atom, uint32_t if_false, uint32_t if_true,
                     uint32_t *out_first)
{
    if (brief->count == WEFT_OTTL_BRIEF_MAX_ATOMS) {
        return false;
    }
    atom->place = (uint8_t)place_of(atom, &brief->wants);
    atom->next[false] = if_false;
    atom->next[true] = if_true;
    *out_first = brief->count;
    brief->atoms[brief->count++] = *atom;
    return true;
}

/* As deep as the parser let the tree be. out_first: what is asked first. */
static bool add(struct weft_ottl_brief *brief, const struct weft_ottl_node *node, uint32_t if_false, uint32_t if_true,
                uint32_t *out_first)
{
    struct weft_ottl_atom atom;
    bool is_or = node->kind == WEFT_OTTL_NODE_OR;
    uint32_t first = is_or ? if_false : if_true;
    switch (node->kind) {
    case WEFT_OTTL_NODE_COMPARE:
        return atom_of_comparison(brief, node, &atom) && add_atom(brief, &atom, if_false, if_true, out_first);
    case WEFT_OTTL_NODE_CALL:
        return atom_of_call(brief, node, &atom) && add_atom(brief, &atom, if_false, if_true, out_first);
    case WEFT_OTTL_NODE_NOT:
        return add(brief, node->items[0], if_true, if_false, out_first);
    case WEFT_OTTL_NODE_AND:
    case WEFT_OTTL_NODE_OR:
        for (size_t i = node->count; i > 0; i--) {
            if (!add(brief, node->items[i - 1], is_or ? first : if_false, is_or ? if_true : first, &first)) {
                return false;
            }
        }
        *out_first = first;
        return true;
    default:
        return false;
    }
}

enum weft_status weft_ottl_brief_of(struct weft_arena *arena, const struct weft_ottl_node *condition,
                                    const struct weft_ottl_brief **out_brief)
{
    struct weft_ottl_brief brief = { 0 };
    *out_brief = NULL;
    if (!add(&brief, condition, WEFT_OTTL_BRIEF_FALSE, WEFT_OTTL_BRIEF_TRUE, &brief.first)) {
        return WEFT_OK;
    }
    struct weft_ottl_brief *kept = weft_arena_try_alloc(arena, sizeof *kept);
    if (kept == NULL) {
        return WEFT_NOMEM;
    }
    *kept = brief;
    kept->is_of_one = brief.count == 1 && brief.atoms[0].place == WEFT_OTTL_ATOM_SLOT;
    *out_brief = kept;
    return WEFT_OK;
}

/* Where an atom's answer leads in a row. */
static uint32_t next_in_row(const struct weft_ottl_briefs *row, size_t condition, uint32_t base, uint32_t next,
                            uint32_t first_of_next)
{
    return next == WEFT_OTTL_BRIEF_TRUE    ? row->atom_count + (uint32_t)condition
           : next == WEFT_OTTL_BRIEF_FALSE ? first_of_next
                                           : base + next;
}

struct weft_ottl_briefs *weft_ottl_briefs_try_new(const struct weft_ottl_brief *const *items, size_t count)
{
    uint32_t atom_count = 0;
    for (size_t i = 0; i < count; i++) {
        atom_count += items[i]->count;
    }
    struct weft_ottl_briefs *row = weft_try_alloc(sizeof *row + atom_count * sizeof row->atoms[0]);
    if (row == NULL) {
        return NULL;
    }
    row->count = count;
    row->atom_count = atom_count;
    row->first = atom_count + (uint32_t)count; /* of what is in the row so far: that none holds */
    uint32_t base = atom_count;
    for (size_t i = count; i > 0; i--) {
        const struct weft_ottl_brief *item = items[i - 1];
        weft_assert(item->sought == NULL || row->sought == NULL || item->sought == row->sought);
        base -= item->count;
        for (uint32_t j = 0; j < item->count; j++) {
            struct weft_ottl_atom *atom = &row->atoms[base + j];
            *atom = item->atoms[j];
            for (int answer = 0; answer < 2; answer++) {
                atom->next[answer] = next_in_row(row, i - 1, base, atom->next[answer], row->first);
            }
        }
        row->first = base + item->first;
        row->wants.keys |= item->wants.keys;
        row->wants.fields |= item->wants.fields;
        row->sought = item->sought != NULL ? item->sought : row->sought;
    }
    return row;
}
