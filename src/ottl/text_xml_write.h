#pragma once

#include "ottl/text_xml.h"

/* Appends what there is of a document as a text, as the Collector writes it: an element without contents has an end
 * tag, attributes are in double quotes, and &, ', <, > and " are entities. */
struct weft_ottl_xml_writer {
    struct weft_ottl_run *run;
    struct weft_buffer *out;
    struct weft_ottl_xml_node *added; /* a document whose children are written again behind those of each node that
                                         is_added_to; NULL: nothing */
};

/* The node's children; the node itself with what is in it. WEFT_INVALID with run->error: no steps are left. What has no
 * room shows in the buffer. */
enum weft_status weft_ottl_xml_write_children(struct weft_ottl_xml_writer *writer,
                                              struct weft_ottl_xml_node *parent) WEFT_MUST_CHECK;
enum weft_status weft_ottl_xml_write_node(struct weft_ottl_xml_writer *writer,
                                          struct weft_ottl_xml_node *node) WEFT_MUST_CHECK;

void weft_ottl_xml_write_escaped(struct weft_buffer *out, struct weft_slice text);
