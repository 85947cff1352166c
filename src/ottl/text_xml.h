#pragma once

#include "ottl/run.h"

/* XML as Go's encoding/xml reads it in its strict form: well-formed, in UTF-8, without entities of its own. A tree in
 * run->memory, whose texts lie there or in the text. */
enum weft_ottl_xml_kind {
    WEFT_OTTL_XML_DOCUMENT,
    WEFT_OTTL_XML_ELEMENT,
    WEFT_OTTL_XML_TEXT, /* what stands between two tags, or in a CDATA section */
    WEFT_OTTL_XML_COMMENT,
    WEFT_OTTL_XML_DECLARATION, /* <?xml ...?> */
    WEFT_OTTL_XML_INSTRUCTION, /* <?name ...?> */
    WEFT_OTTL_XML_DIRECTIVE,   /* <!DOCTYPE ...> and its kind */
};

struct weft_ottl_xml_attribute {
    struct weft_ottl_xml_attribute *next;
    struct weft_slice name;  /* without its prefix */
    struct weft_slice space; /* its prefix, as it is written again */
    struct weft_slice value;
    bool is_taken, is_gone; /* by a path (text_xpath.h); from the document */
};

struct weft_ottl_xml_node {
    enum weft_ottl_xml_kind kind;
    bool is_cdata, is_blank;          /* of a TEXT: how it was written; there is nothing but space in it */
    bool has_prefix;                  /* of an ELEMENT: it is written again with the one that it had */
    bool is_taken, is_gone;           /* by a path (text_xpath.h); from the document */
    bool is_added_to;                 /* the writer adds something behind its children (text_xml_write.h) */
    bool is_trimmed;                  /* the writer's: texts within it lose the space around them */
    struct weft_slice name;           /* of an ELEMENT, without its prefix; of an INSTRUCTION */
    struct weft_slice prefixed, text; /* prefixed: the name as it stands there. text: all that others hold */
    struct weft_ottl_xml_attribute *attributes, *last_attribute;
    struct weft_ottl_xml_node *parent, *first, *last, *next;
};

enum {
    WEFT_OTTL_XML_MAX_DEPTH = 31, /* elements within one another: each is a map in a list */
    WEFT_OTTL_XML_MAX_TREE_DEPTH = 10000,
};

/* one: ends behind the first element, where the text must end, too. Else all of the text is read, with at least one
 * element, and prefixes must have been declared. The document's nodes are the children of *out_document. WEFT_INVALID
 * with run->error says where and why; WEFT_NOMEM. */
enum weft_status weft_ottl_xml_read(struct weft_ottl_run *run, struct weft_slice text, bool is_one,
                                    struct weft_ottl_xml_node **out_document) WEFT_MUST_CHECK;

/* All of it, to be changed and written again; nested to any depth that memory is there for, up to the maximum. As in
 * the Collector what precedes the first element is only there if the text begins with "<?xml". */
enum weft_status weft_ottl_xml_read_tree(struct weft_ottl_run *run, struct weft_slice text,
                                         struct weft_ottl_xml_node **out_document) WEFT_MUST_CHECK;

/* The last child of parent from now on; zeroed else. NULL without memory. */
struct weft_ottl_xml_node *weft_ottl_xml_add(struct weft_ottl_run *run, struct weft_ottl_xml_node *parent,
                                             enum weft_ottl_xml_kind kind);
