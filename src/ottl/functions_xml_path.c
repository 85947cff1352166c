/* Converters of XML that give XML: an XPath says which nodes of the text (text_xpath.h). */
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/text_xml_write.h"
#include "ottl/text_xpath.h"

enum { TARGET, XPATH, SUB_DOCUMENT, ELEMENT_NAME = SUB_DOCUMENT };

static enum weft_status compile(struct weft_ottl_maker *maker, struct weft_slice text, void **out_state,
                                struct weft_error *error)
{
    const struct weft_ottl_xpath *xpath = NULL;
    enum weft_status status = weft_ottl_xpath_compile(text, maker->arena, &xpath, error);
    *out_state = (void *)(uintptr_t)xpath;
    return status;
}

static enum weft_status make_path(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                  struct weft_error *error)
{
    return compile(maker, call->arguments[XPATH].bytes, out_state, error);
}

static enum weft_status make_path_or(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                     const char *otherwise, void **out_state, struct weft_error *error)
{
    struct weft_slice text = weft_ottl_text_or(call, XPATH, otherwise);
    return compile(maker, text.length > 0 ? text : weft_slice_of_text(otherwise), out_state, error);
}

static enum weft_status make_path_to_attributes(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                                void **out_state, struct weft_error *error)
{
    return make_path_or(maker, call, "//@*", out_state, error);
}

static enum weft_status make_path_to_document(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                              void **out_state, struct weft_error *error)
{
    return make_path_or(maker, call, "/", out_state, error);
}

/* ---- what all of them do ---- */

struct subject {
    struct weft_ottl_run *run;
    const struct weft_ottl_call *call;
    struct weft_ottl_xml_node *document;
    struct weft_ottl_xpath_items items;
};

static enum weft_status fail_from(const struct subject *subject, enum weft_status status)
{
    return status == WEFT_INVALID ? weft_fail_prefix(&subject->run->error, "%s", subject->call->function->name)
                                  : status;
}

static enum weft_status find(struct subject *subject)
{
    return weft_ottl_xpath_find(subject->run, subject->call->state, subject->document, &subject->items);
}

static enum weft_status read_and_find(struct subject *subject)
{
    enum weft_status status =
        weft_ottl_xml_read_tree(subject->run, subject->call->arguments[TARGET].bytes, &subject->document);
    return status == WEFT_OK ? find(subject) : status;
}

static enum weft_status give_document(struct subject *subject, struct weft_ottl_xml_node *added,
                                      struct weft_ottl_value *out_value)
{
    struct weft_ottl_xml_writer writer = { subject->run, weft_ottl_scratch(subject->run), added };
    enum weft_status status = weft_ottl_xml_write_children(&writer, subject->document);
    return status == WEFT_OK ? weft_ottl_give_scratch(subject->run, out_value) : status;
}

static bool is_empty(const struct weft_ottl_call *call)
{
    return call->arguments[TARGET].bytes.length == 0;
}

/* Where the Collector takes an attribute away, it is the first of that name without a prefix. */
static enum weft_status take_away_attribute(struct weft_ottl_run *run, struct weft_ottl_xml_node *node,
                                            struct weft_slice name)
{
    enum { STEPS_OF_ATTRIBUTE = 4 };
    for (struct weft_ottl_xml_attribute *at = node->attributes; at != NULL; at = at->next) {
        if (!weft_ottl_spend(run, STEPS_OF_ATTRIBUTE)) {
            return weft_ottl_fail_steps(run);
        }
        if (!at->is_gone && at->space.length == 0 && weft_slice_equal(at->name, name)) {
            at->is_gone = true;
            return WEFT_OK;
        }
    }
    return WEFT_OK;
}

/* ---- GetXML ---- */

static enum weft_status write_item(struct weft_ottl_xml_writer *writer, const struct weft_ottl_xpath_item *item)
{
    bool is_text = item->node->kind == WEFT_OTTL_XML_TEXT;
    if (item->attribute == NULL && !is_text && item->node->kind != WEFT_OTTL_XML_ELEMENT) {
        return WEFT_OK;
    }
    if (item->attribute == NULL && !is_text) {
        return weft_ottl_xml_write_node(writer, item->node);
    }
    weft_ottl_xml_write_escaped(writer->out, is_text ? item->node->text : item->attribute->value);
    return weft_buffer_status(writer->out);
}

static enum weft_status get_xml(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    struct subject subject = { .run = run, .call = call };
    if (is_empty(call)) {
        return weft_ottl_give(out_value, call->arguments[TARGET]);
    }
    enum weft_status status = read_and_find(&subject);
    struct weft_ottl_xml_writer writer = { .run = run, .out = weft_ottl_scratch(run) };
    for (size_t i = 0; status == WEFT_OK && i < subject.items.count; i++) {
        status = write_item(&writer, &subject.items.items[i]);
    }
    return status == WEFT_OK ? weft_ottl_give_scratch(run, out_value) : fail_from(&subject, status);
}

/* ---- RemoveXML ---- */

static enum weft_status take_away(struct weft_ottl_run *run, const struct weft_ottl_xpath_item *item)
{
    if (item->attribute != NULL) {
        return take_away_attribute(run, item->node, item->attribute->name);
    }
    item->node->is_gone = item->node->kind == WEFT_OTTL_XML_ELEMENT || item->node->kind == WEFT_OTTL_XML_TEXT ||
                          item->node->kind == WEFT_OTTL_XML_COMMENT;
    return WEFT_OK;
}

static enum weft_status remove_xml(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    struct subject subject = { .run = run, .call = call };
    if (is_empty(call)) {
        return weft_ottl_give(out_value, call->arguments[TARGET]);
    }
    enum weft_status status = read_and_find(&subject);
    for (size_t i = 0; status == WEFT_OK && i < subject.items.count; i++) {
        status = take_away(run, &subject.items.items[i]);
    }
    status = status == WEFT_OK ? give_document(&subject, NULL, out_value) : status;
    return fail_from(&subject, status);
}

/* ---- InsertXML ---- */

/* An empty text is an empty document here. */
static enum weft_status read_target(struct subject *subject)
{
    if (!is_empty(subject->call)) {
        return weft_ottl_xml_read_tree(subject->run, subject->call->arguments[TARGET].bytes, &subject->document);
    }
    subject->document = weft_ottl_xml_add(subject->run, NULL, WEFT_OTTL_XML_DOCUMENT);
    return subject->document == NULL ? WEFT_NOMEM : WEFT_OK;
}

static enum weft_status insert_xml(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    struct subject subject = { .run = run, .call = call };
    struct weft_ottl_xml_node *added = NULL;
    enum weft_status status = read_target(&subject);
    status = status == WEFT_OK ? weft_ottl_xml_read_tree(run, call->arguments[SUB_DOCUMENT].bytes, &added) : status;
    status = status == WEFT_OK ? find(&subject) : status;
    for (size_t i = 0; status == WEFT_OK && i < subject.items.count; i++) {
        const struct weft_ottl_xpath_item *item = &subject.items.items[i];
        bool is_inside = item->node->kind == WEFT_OTTL_XML_ELEMENT || item->node->kind == WEFT_OTTL_XML_DOCUMENT;
        if (item->attribute != NULL || !is_inside) {
            status = weft_fail(&run->error, WEFT_INVALID, "the path leads to what is no element");
        }
        item->node->is_added_to = true;
    }
    status = status == WEFT_OK ? give_document(&subject, added, out_value) : status;
    return fail_from(&subject, status);
}

/* ---- ConvertAttributesToElementsXML ---- */

static enum weft_status make_element(struct weft_ottl_run *run, const struct weft_ottl_xpath_item *item)
{
    struct weft_ottl_xml_node *element = weft_ottl_xml_add(run, item->node, WEFT_OTTL_XML_ELEMENT);
    struct weft_ottl_xml_node *text = element == NULL ? NULL : weft_ottl_xml_add(run, element, WEFT_OTTL_XML_TEXT);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    element->name = item->attribute->name;
    text->text = item->attribute->value;
    return take_away_attribute(run, item->node, item->attribute->name);
}

static enum weft_status convert_attributes(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                           struct weft_ottl_value *out_value)
{
    struct subject subject = { .run = run, .call = call };
    enum weft_status status = read_and_find(&subject);
    for (size_t i = 0; status == WEFT_OK && i < subject.items.count; i++) {
        if (subject.items.items[i].attribute != NULL) {
            status = make_element(run, &subject.items.items[i]);
        }
    }
    status = status == WEFT_OK ? give_document(&subject, NULL, out_value) : status;
    return fail_from(&subject, status);
}

/* ---- ConvertTextToElementsXML ---- */

static bool is_text(const struct weft_ottl_xml_node *node)
{
    return node->kind == WEFT_OTTL_XML_TEXT && !node->is_cdata;
}

/* Texts that are not all that the node has become elements. */
static enum weft_status wrap_texts(struct weft_ottl_run *run, struct weft_ottl_xml_node *parent, struct weft_slice name)
{
    size_t texts = 0, elements = 0;
    for (const struct weft_ottl_xml_node *node = parent->first; node != NULL; node = node->next) {
        texts += is_text(node);
        elements += node->kind == WEFT_OTTL_XML_ELEMENT;
    }
    if (texts == 0 || texts + elements <= 1) {
        return WEFT_OK;
    }
    for (struct weft_ottl_xml_node *node = parent->first; node != NULL; node = node->next) {
        struct weft_ottl_xml_node *inner = is_text(node) ? weft_ottl_xml_add(run, node, WEFT_OTTL_XML_TEXT) : NULL;
        if (is_text(node) && inner == NULL) {
            return WEFT_NOMEM;
        }
        if (inner != NULL) {
            inner->text = node->text;
            node->kind = WEFT_OTTL_XML_ELEMENT;
            node->name = name;
        }
    }
    return WEFT_OK;
}

/* In the node and all elements within it, from the top down: what becomes an element there has a single text. Only
 * elements have children. */
static enum weft_status wrap_all_texts(struct weft_ottl_run *run, struct weft_ottl_xml_node *top,
                                       struct weft_slice name)
{
    enum { STEPS_OF_NODE = 10 };
    enum weft_status status = WEFT_OK;
    struct weft_ottl_xml_node *node = top;
    while (status == WEFT_OK && node != NULL) {
        status = weft_ottl_spend(run, STEPS_OF_NODE) ? wrap_texts(run, node, name) : weft_ottl_fail_steps(run);
        struct weft_ottl_xml_node *next = node->first;
        while (next == NULL && node != top) {
            next = node->next;
            node = node->parent;
        }
        node = next;
    }
    return status;
}

static enum weft_status convert_text(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct subject subject = { .run = run, .call = call };
    struct weft_slice name = weft_ottl_text_or(call, ELEMENT_NAME, "value");
    enum weft_status status = read_and_find(&subject);
    for (size_t i = 0; status == WEFT_OK && i < subject.items.count; i++) {
        const struct weft_ottl_xpath_item *item = &subject.items.items[i];
        if (item->attribute == NULL) {
            status = wrap_all_texts(run, item->node, name.length > 0 ? name : weft_slice_of_text("value"));
        }
    }
    status = status == WEFT_OK ? give_document(&subject, NULL, out_value) : status;
    return fail_from(&subject, status);
}

const struct weft_ottl_function weft_ottl_functions_xml_path[] = {
    { .name = "ConvertAttributesToElementsXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "xPath", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_path_to_attributes,
      .call = convert_attributes },
    { .name = "ConvertTextToElementsXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "xPath", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "elementName", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_path_to_document,
      .call = convert_text },
    { .name = "GetXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "xPath", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .make = make_path,
      .call = get_xml },
    { .name = "InsertXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "xPath", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "subDocument", WEFT_OTTL_TAKES_STRING } },
      .make = make_path,
      .call = insert_xml },
    { .name = "RemoveXML",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "xPath", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .make = make_path,
      .call = remove_xml },
    { .name = NULL },
};
