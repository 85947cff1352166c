/* Following an XPath (text_xpath.h): step into step, depth first (text_xpath_walk.h). */
#include "ottl/text_xpath.h"

#include "ottl/text_xpath_walk.h"

static bool follow(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                   const struct weft_ottl_xpath_found *from);

/* ---- what a node is ---- */

static struct weft_slice prefix_of(const struct weft_ottl_xml_node *node)
{
    return node->has_prefix ? weft_slice_of(node->prefixed.bytes, node->prefixed.length - node->name.length - 1)
                            : WEFT_SLICE_EMPTY;
}

/* As the Collector has it an instruction counts as an element, and a directive as a text. */
static bool is_element(const struct weft_ottl_xml_node *node)
{
    return node->kind == WEFT_OTTL_XML_ELEMENT || node->kind == WEFT_OTTL_XML_INSTRUCTION;
}

static bool is_meant(const struct weft_ottl_xpath_step *step, const struct weft_ottl_xml_node *node)
{
    switch (step->test) {
    case WEFT_OTTL_XPATH_IS_NAMED:
        return is_element(node) && weft_slice_equal(node->name, step->name) &&
               weft_slice_equal(prefix_of(node), step->prefix);
    case WEFT_OTTL_XPATH_IS_ELEMENT:
        return is_element(node);
    case WEFT_OTTL_XPATH_IS_TEXT:
        return node->kind == WEFT_OTTL_XML_TEXT || node->kind == WEFT_OTTL_XML_DIRECTIVE;
    case WEFT_OTTL_XPATH_IS_COMMENT:
        return node->kind == WEFT_OTTL_XML_COMMENT;
    case WEFT_OTTL_XPATH_IS_NODE:
        return true;
    }
    return false;
}

/* What is only space between two nodes is passed, as in the Collector; what is only space before the first is not. */
static struct weft_ottl_xml_node *next_of(const struct weft_ottl_xpath_walk *walk,
                                          const struct weft_ottl_xml_node *node)
{
    struct weft_ottl_xml_node *next = node->next;
    while (next != NULL && next->is_blank && !next->is_cdata &&
           weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
        next = next->next;
    }
    return next;
}

/* ---- steps ---- */

static bool pass_on(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                    const struct weft_ottl_xpath_found *found)
{
    if (!weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
        return false;
    }
    for (const struct weft_ottl_xpath_condition *at = step->conditions; at != NULL; at = at->next) {
        if (!weft_ottl_xpath_holds(walk, at, found)) {
            return *walk->status == WEFT_OK;
        }
    }
    return follow(walk, step->next, found);
}

static size_t count_meant(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                          const struct weft_ottl_xml_node *parent)
{
    size_t count = 0;
    for (const struct weft_ottl_xml_node *node = parent->first;
         node != NULL && weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE); node = next_of(walk, node)) {
        count += is_meant(step, node);
    }
    return count;
}

static bool follow_children(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                            const struct weft_ottl_xml_node *parent)
{
    struct weft_ottl_xpath_found found = { .last = step->needs_last ? count_meant(walk, step, parent) : 0 };
    for (struct weft_ottl_xml_node *node = parent->first; node != NULL; node = next_of(walk, node)) {
        if (!weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
            return false;
        }
        found.node = node;
        found.position += is_meant(step, node);
        if (is_meant(step, node) && !pass_on(walk, step, &found)) {
            return false;
        }
    }
    return *walk->status == WEFT_OK;
}

static bool follow_descendants(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                               struct weft_ottl_xml_node *top)
{
    struct weft_ottl_xpath_found found = { .node = top };
    bool goes_on = step->axis == WEFT_OTTL_XPATH_DESCENDANT || follow(walk, step->next, &found);
    struct weft_ottl_xml_node *node = top->first;
    while (goes_on && node != NULL && weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
        found.node = node;
        goes_on = !is_meant(step, node) || follow(walk, step->next, &found);
        struct weft_ottl_xml_node *next = node->first;
        while (next == NULL && node != top && weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
            next = next_of(walk, node);
            node = node->parent;
        }
        node = next;
    }
    return goes_on && *walk->status == WEFT_OK;
}

static bool follow_attributes(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                              struct weft_ottl_xml_node *node)
{
    struct weft_ottl_xpath_found found = { .node = node };
    found.attribute = node->kind == WEFT_OTTL_XML_ELEMENT ? node->attributes : NULL;
    for (; found.attribute != NULL && weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE);
         found.attribute = found.attribute->next) {
        bool is_named =
            step->test != WEFT_OTTL_XPATH_IS_NAMED || (weft_slice_equal(found.attribute->name, step->name) &&
                                                       weft_slice_equal(found.attribute->space, step->prefix));
        if (is_named && !pass_on(walk, step, &found)) {
            return false;
        }
    }
    return *walk->status == WEFT_OK;
}

static bool follow(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_step *step,
                   const struct weft_ottl_xpath_found *from)
{
    if (step == NULL) {
        return walk->on_found(walk->context, from);
    }
    if (from->attribute != NULL) {
        return step->axis == WEFT_OTTL_XPATH_SELF ? pass_on(walk, step, from) : true;
    }
    switch (step->axis) {
    case WEFT_OTTL_XPATH_SELF:
        return pass_on(walk, step, from);
    case WEFT_OTTL_XPATH_CHILD:
        return follow_children(walk, step, from->node);
    case WEFT_OTTL_XPATH_ATTRIBUTE:
        return follow_attributes(walk, step, from->node);
    case WEFT_OTTL_XPATH_DESCENDANT:
    case WEFT_OTTL_XPATH_DESCENDANT_OR_SELF:
        return follow_descendants(walk, step, from->node);
    }
    return false;
}

void weft_ottl_xpath_follow(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath *path,
                            const struct weft_ottl_xpath_found *from)
{
    const struct weft_ottl_xpath_found top = { .node = walk->document };
    for (bool goes_on = true; goes_on && path != NULL; path = path->next) {
        goes_on = follow(walk, path->first, path->is_absolute ? &top : from);
    }
}

/* ---- the whole ---- */

struct gathering {
    const struct weft_ottl_xpath_walk *walk;
    struct weft_ottl_xpath_items *items;
};

static bool make_room(struct weft_ottl_run *run, struct weft_ottl_xpath_items *items)
{
    size_t capacity = items->capacity == 0 ? 16 : 2 * items->capacity;
    struct weft_ottl_xpath_item *more = weft_ottl_run_take(run, capacity * sizeof *more);
    if (more == NULL) {
        return false;
    }
    if (items->count > 0) {
        memcpy(more, items->items, items->count * sizeof *more);
    }
    items->items = more;
    items->capacity = capacity;
    return true;
}

static bool on_gathered_found(void *context, const struct weft_ottl_xpath_found *found)
{
    struct gathering *gathering = context;
    struct weft_ottl_xpath_items *items = gathering->items;
    bool *is_taken = found->attribute != NULL ? &found->attribute->is_taken : &found->node->is_taken;
    if (*is_taken) {
        return true;
    }
    if (items->count == items->capacity && !make_room(gathering->walk->run, items)) {
        *gathering->walk->status = WEFT_NOMEM;
        return false;
    }
    *is_taken = true;
    items->items[items->count++] = (struct weft_ottl_xpath_item){ found->node, found->attribute };
    return true;
}

enum weft_status weft_ottl_xpath_find(struct weft_ottl_run *run, const struct weft_ottl_xpath *xpath,
                                      struct weft_ottl_xml_node *document, struct weft_ottl_xpath_items *out_items)
{
    enum weft_status status = WEFT_OK;
    struct weft_ottl_xpath_items items = { .items = NULL };
    struct weft_ottl_xpath_walk walk = {
        .run = run, .document = document, .on_found = on_gathered_found, .status = &status
    };
    struct gathering gathering = { .walk = &walk, .items = &items };
    walk.context = &gathering;
    weft_ottl_xpath_follow(&walk, xpath, &(struct weft_ottl_xpath_found){ .node = document });
    if (status == WEFT_OK) {
        *out_items = items;
    }
    return status;
}
