#pragma once

#include "ottl/run.h"

/* XML as Go's encoding/xml reads it in its strict form: well-formed, in UTF-8, without entities of its own. A tree in
 * run->memory, whose texts lie there or in the text. */
enum weft_ottl_xml_kind {
    WEFT_OTTL_XML_ELEMENT,
    WEFT_OTTL_XML_TEXT,  /* what stands between two tags, or in a CDATA section */
    WEFT_OTTL_XML_OTHER, /* a comment, an instruction, a declaration */
};

struct weft_ottl_xml_attribute {
    struct weft_ottl_xml_attribute *next;
    struct weft_slice name; /* without its prefix */
    struct weft_slice value;
};

struct weft_ottl_xml_node {
    enum weft_ottl_xml_kind kind;
    struct weft_slice name;           /* of an ELEMENT, without its prefix */
    struct weft_slice prefixed, text; /* prefixed: the name as it stands there */
    struct weft_ottl_xml_attribute *attributes, *last_attribute;
    struct weft_ottl_xml_node *parent, *first, *last, *next;
};

enum { WEFT_OTTL_XML_MAX_DEPTH = 31 /* elements within one another: each is a map in a list */ };

/* one: ends behind the first element, where the text must end, too. Else all of the text is read, with at least one
 * element, and prefixes must have been declared. The document's nodes are the children of *out_document. WEFT_INVALID
 * with run->error says where and why; WEFT_NOMEM. */
enum weft_status weft_ottl_xml_read(struct weft_ottl_run *run, struct weft_slice text, bool is_one,
                                    struct weft_ottl_xml_node **out_document) WEFT_MUST_CHECK;
