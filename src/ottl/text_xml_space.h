#pragma once

#include "ottl/text_xml.h"

/* Which prefixes an XML text has declared, and with which one a name is written again: of several for one namespace the
 * last, as in the Collector, wherever it was declared. Lists, the last entry first; what is looked at counts as steps.
 */
struct weft_ottl_xml_spaces {
    struct weft_ottl_run *run;
    struct weft_ottl_xml_scope *scopes; /* prefixes that hold here */
    struct weft_ottl_xml_shown *shown;  /* namespaces that were named so far */
};

/* Does nothing if the attribute declares none. depth: of the element, the outermost has 1. WEFT_NOMEM */
enum weft_status weft_ottl_xml_space_declare(struct weft_ottl_xml_spaces *spaces,
                                             const struct weft_ottl_xml_attribute *attribute,
                                             const struct weft_ottl_xml_node *element, size_t depth) WEFT_MUST_CHECK;

/* The element's own prefixes hold no longer. */
void weft_ottl_xml_space_close(struct weft_ottl_xml_spaces *spaces, const struct weft_ottl_xml_node *element);

/* False: nothing has declared it. It may be a namespace itself, as in the Collector. */
bool weft_ottl_xml_space_shown(struct weft_ottl_xml_spaces *spaces, struct weft_slice prefix,
                               struct weft_slice *out_shown);
