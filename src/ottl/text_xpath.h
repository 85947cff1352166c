#pragma once

#include "base/arena.h"
#include "ottl/text_xml.h"

/* XPath: which nodes of an XML tree (text_xml.h). What there is of it: paths and their unions, the names of elements
 * and attributes, *, text(), comment(), node(), ".", "//", and conditions in brackets; not there: axes by name, "..",
 * variables, arithmetic, most functions. Nodes come in the order in which the steps find them, each once.
 *
 * A path is a list of steps, each of which takes every node that the one before found further. */
struct weft_ottl_xpath;

/* Lies in the arena. WEFT_INVALID, WEFT_UNSUPPORTED and the error say where in the text and why; WEFT_NOMEM. */
enum weft_status weft_ottl_xpath_compile(struct weft_slice text, struct weft_arena *arena,
                                         const struct weft_ottl_xpath **out_xpath,
                                         struct weft_error *error) WEFT_MUST_CHECK;

struct weft_ottl_xpath_item {
    struct weft_ottl_xml_node *node;
    struct weft_ottl_xml_attribute *attribute; /* of node; NULL: the node is meant */
};

struct weft_ottl_xpath_items {
    struct weft_ottl_xpath_item *items;
    size_t count, capacity;
};

/* Of a tree in which no path has been looked for. Uses the scratch. WEFT_INVALID with run->error: no steps are left;
 * WEFT_NOMEM. */
enum weft_status weft_ottl_xpath_find(struct weft_ottl_run *run, const struct weft_ottl_xpath *xpath,
                                      struct weft_ottl_xml_node *document,
                                      struct weft_ottl_xpath_items *out_items) WEFT_MUST_CHECK;
