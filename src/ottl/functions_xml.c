/* Converters of XML that make maps of it. */
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/text_words.h"
#include "ottl/text_xml.h"

static enum weft_status append(struct weft_ottl_run *run, struct weft_ottl_map *map, const char *key,
                               struct weft_ottl_value value)
{
    return weft_ottl_map_append(&run->memory, map, weft_slice_of_text(key), value);
}

/* ---- ParseXML ---- */

static enum weft_status fill_map(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                 struct weft_ottl_map *map);

/* All that the element has of texts, each without the space around it. */
static enum weft_status add_content(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                    struct weft_ottl_map *map)
{
    struct weft_slice whole = WEFT_SLICE_EMPTY;
    struct weft_buffer *joined = weft_ottl_scratch(run);
    size_t count = 0;
    for (const struct weft_ottl_xml_node *node = element->first; node != NULL; node = node->next) {
        struct weft_slice text = weft_ottl_trim_space(node->kind == WEFT_OTTL_XML_TEXT ? node->text : WEFT_SLICE_EMPTY);
        if (text.length > 0) {
            whole = text;
            count++;
            weft_buffer_append(joined, text.bytes, text.length);
        }
    }
    struct weft_ottl_value value = weft_ottl_string(whole);
    enum weft_status status = count > 1 ? weft_ottl_give_scratch(run, &value) : WEFT_OK;
    return count > 0 && status == WEFT_OK ? append(run, map, "content", value) : status;
}

static enum weft_status add_attributes(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                       struct weft_ottl_map *map)
{
    struct weft_ottl_map *attributes = element->attributes == NULL ? NULL : weft_ottl_new_map(run);
    enum weft_status status = element->attributes != NULL && attributes == NULL ? WEFT_NOMEM : WEFT_OK;
    const struct weft_ottl_xml_attribute *attribute = element->attributes;
    for (; status == WEFT_OK && attribute != NULL; attribute = attribute->next) {
        status = weft_ottl_map_append(&run->memory, attributes, attribute->name, weft_ottl_string(attribute->value));
    }
    if (status == WEFT_OK && attributes != NULL) {
        status = weft_ottl_map_settle(&run->memory, attributes, 0, WEFT_OTTL_UPSERT);
    }
    return status == WEFT_OK && attributes != NULL ? append(run, map, "attributes", weft_ottl_open_map(attributes))
                                                   : status;
}

static enum weft_status add_children(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                     struct weft_ottl_map *map)
{
    struct weft_ottl_list *children = weft_ottl_new_list(run);
    enum weft_status status = children == NULL ? WEFT_NOMEM : WEFT_OK;
    for (const struct weft_ottl_xml_node *node = element->first; status == WEFT_OK && node != NULL; node = node->next) {
        struct weft_ottl_map *child = node->kind == WEFT_OTTL_XML_ELEMENT ? weft_ottl_new_map(run) : NULL;
        if (node->kind != WEFT_OTTL_XML_ELEMENT) {
            continue;
        }
        status = child == NULL ? WEFT_NOMEM : fill_map(run, node, child);
        if (status == WEFT_OK) {
            status = weft_ottl_list_append(&run->memory, children, weft_ottl_open_map(child));
        }
    }
    return status == WEFT_OK && children->count > 0 ? append(run, map, "children", weft_ottl_open_list(children))
                                                    : status;
}

static enum weft_status fill_map(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                 struct weft_ottl_map *map)
{
    enum weft_status status = append(run, map, "tag", weft_ottl_string(element->name));
    status = status == WEFT_OK ? add_content(run, element, map) : status;
    status = status == WEFT_OK ? add_attributes(run, element, map) : status;
    return status == WEFT_OK ? add_children(run, element, map) : status;
}

static enum weft_status fail_from(struct weft_ottl_run *run, const struct weft_ottl_call *call, enum weft_status status)
{
    return status == WEFT_INVALID ? weft_fail_prefix(&run->error, "%s", call->function->name) : status;
}

static enum weft_status parse_xml(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    struct weft_ottl_xml_node *document = NULL;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    enum weft_status status =
        map == NULL ? WEFT_NOMEM : weft_ottl_xml_read(run, call->arguments[0].bytes, true, &document);
    if (status == WEFT_OK) {
        status = fill_map(run, document->last, map);
    }
    *out_value = weft_ottl_open_map(map);
    return fail_from(run, call, status);
}

/* ---- ParseSimplifiedXML ---- */

/* The first text of an element that has no elements; empty else. */
static struct weft_slice leaf_of(const struct weft_ottl_xml_node *element)
{
    const struct weft_ottl_xml_node *text = NULL;
    for (const struct weft_ottl_xml_node *node = element->first; node != NULL; node = node->next) {
        if (node->kind == WEFT_OTTL_XML_ELEMENT) {
            return WEFT_SLICE_EMPTY;
        }
        text = text == NULL && node->kind == WEFT_OTTL_XML_TEXT ? node : text;
    }
    return text == NULL ? WEFT_SLICE_EMPTY : text->text;
}

static enum weft_status simplify(struct weft_ottl_run *run, const struct weft_ottl_xml_node *parent,
                                 struct weft_ottl_map *map);

/* nil: there is nothing in it that counts. */
static enum weft_status value_of(struct weft_ottl_run *run, const struct weft_ottl_xml_node *element,
                                 struct weft_ottl_value *out_value)
{
    struct weft_slice leaf = leaf_of(element);
    struct weft_ottl_map *map = leaf.length > 0 ? NULL : weft_ottl_new_map(run);
    *out_value = weft_ottl_string(leaf);
    if (leaf.length > 0) {
        return WEFT_OK;
    }
    enum weft_status status = map == NULL ? WEFT_NOMEM : simplify(run, element, map);
    *out_value = status == WEFT_OK && map->count > 0 ? weft_ottl_open_map(map) : weft_ottl_nil();
    return status;
}

static struct weft_ottl_member *find_member(struct weft_ottl_map *map, struct weft_slice key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (weft_slice_equal(map->members[i].key, key)) {
            return &map->members[i];
        }
    }
    return NULL;
}

/* A key that several elements have is that of a list. A first pass makes a member for each name, which says how many.
 */
static enum weft_status count_names(struct weft_ottl_run *run, const struct weft_ottl_xml_node *parent,
                                    struct weft_ottl_map *counts)
{
    enum weft_status status = WEFT_OK;
    for (const struct weft_ottl_xml_node *node = parent->first; status == WEFT_OK && node != NULL; node = node->next) {
        enum { STEPS_OF_MEMBER = 6 };
        if (node->kind != WEFT_OTTL_XML_ELEMENT) {
            continue;
        }
        if (!weft_ottl_spend(run, STEPS_OF_MEMBER * (counts->count + 1))) {
            return weft_ottl_fail_steps(run);
        }
        struct weft_ottl_member *member = find_member(counts, node->name);
        if (member != NULL) {
            member->value.integer++;
        } else {
            status = weft_ottl_map_append(&run->memory, counts, node->name, weft_ottl_int(1));
        }
    }
    return status;
}

static enum weft_status add_to_list(struct weft_ottl_run *run, struct weft_ottl_map *map, struct weft_slice name,
                                    struct weft_ottl_value value)
{
    struct weft_ottl_member *member = find_member(map, name);
    struct weft_ottl_list *list = member != NULL ? member->value.list : weft_ottl_new_list(run);
    enum weft_status status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    if (status == WEFT_OK && member == NULL) {
        status = weft_ottl_map_append(&run->memory, map, name, weft_ottl_open_list(list));
    }
    return status == WEFT_OK && value.kind != WEFT_OTTL_NIL ? weft_ottl_list_append(&run->memory, list, value) : status;
}

static enum weft_status simplify(struct weft_ottl_run *run, const struct weft_ottl_xml_node *parent,
                                 struct weft_ottl_map *map)
{
    struct weft_ottl_map counts = { 0 };
    enum weft_status status = count_names(run, parent, &counts);
    for (const struct weft_ottl_xml_node *node = parent->first; status == WEFT_OK && node != NULL; node = node->next) {
        struct weft_ottl_value value;
        if (node->kind != WEFT_OTTL_XML_ELEMENT || node->first == NULL) {
            continue;
        }
        status = value_of(run, node, &value);
        if (status == WEFT_OK && find_member(&counts, node->name)->value.integer > 1) {
            status = add_to_list(run, map, node->name, value);
        } else if (status == WEFT_OK && value.kind != WEFT_OTTL_NIL) {
            status = weft_ottl_map_append(&run->memory, map, node->name, value);
        }
    }
    return status;
}

static enum weft_status parse_simplified_xml(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    struct weft_ottl_xml_node *document = NULL;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    enum weft_status status =
        map == NULL ? WEFT_NOMEM : weft_ottl_xml_read(run, call->arguments[0].bytes, false, &document);
    if (status == WEFT_OK) {
        status = simplify(run, document, map);
    }
    *out_value = weft_ottl_open_map(map);
    return fail_from(run, call, status);
}

const struct weft_ottl_function weft_ottl_functions_xml[] = {
    { .name = "ParseSimplifiedXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING } },
      .call = parse_simplified_xml },
    { .name = "ParseXML", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = parse_xml },
    { .name = NULL },
};
