/* Reading XML (text_xml.h): tag by tag, in one loop. Elements that are open are the parents of the last one. */
#include "ottl/text_xml.h"

#include "ottl/text_xml_text.h"

struct prefix {
    struct prefix *next;
    struct weft_slice name;
    const struct weft_ottl_xml_node *element; /* that declares it */
};

struct reader {
    struct weft_ottl_xml_text text; /* where it is */
    struct weft_ottl_run *run;
    struct weft_ottl_xml_node *document, *open; /* open: what nodes are added to */
    struct prefix *prefixes;                    /* that hold here, the last one first */
    struct prefix *spaces;                      /* that were named so far: a prefix may be one, as in the Collector */
    size_t depth;
    bool is_one, has_element;
};

static enum weft_status fail(struct reader *reader, const char *reason)
{
    return weft_ottl_xml_fail(&reader->text, reason);
}

static bool skip(struct reader *reader, const char *word)
{
    return weft_ottl_xml_skip(&reader->text, word);
}

/* ---- nodes ---- */

static struct weft_ottl_xml_node *add_node(struct reader *reader, enum weft_ottl_xml_kind kind)
{
    struct weft_ottl_xml_node *node = weft_ottl_run_take(reader->run, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    *node = (struct weft_ottl_xml_node){ .kind = kind, .parent = reader->open };
    if (reader->open != NULL && reader->open->last != NULL) {
        reader->open->last->next = node;
    } else if (reader->open != NULL) {
        reader->open->first = node;
    }
    if (reader->open != NULL) {
        reader->open->last = node;
    }
    return node;
}

static enum weft_status add_other(struct reader *reader)
{
    return add_node(reader, WEFT_OTTL_XML_OTHER) == NULL ? WEFT_NOMEM : WEFT_OK;
}

static enum weft_status add_text(struct reader *reader, struct weft_slice text)
{
    struct weft_ottl_xml_node *node = add_node(reader, WEFT_OTTL_XML_TEXT);
    if (node == NULL) {
        return WEFT_NOMEM;
    }
    node->text = text;
    return WEFT_OK;
}

/* ---- names ---- */

/* The prefix before the colon; empty if there is none. *out_local is what is behind it. */
static enum weft_status split_name(struct reader *reader, struct weft_slice name, struct weft_slice *out_prefix,
                                   struct weft_slice *out_local)
{
    const uint8_t *colon = memchr(name.bytes, ':', name.length);
    size_t at = colon == NULL ? 0 : (size_t)(colon - name.bytes);
    *out_prefix = WEFT_SLICE_EMPTY;
    *out_local = name;
    if (colon == NULL) {
        return WEFT_OK;
    }
    if (memchr(colon + 1, ':', name.length - at - 1) != NULL) {
        return fail(reader, "a name with two colons");
    }
    if (at > 0 && at + 1 < name.length) {
        *out_prefix = weft_slice_of(name.bytes, at);
        *out_local = weft_slice_of(colon + 1, name.length - at - 1);
    }
    return WEFT_OK;
}

static bool is_among(struct reader *reader, const struct prefix *list, struct weft_slice name)
{
    enum { STEPS_OF_PREFIX = 10 };
    for (; list != NULL && weft_ottl_spend(reader->run, STEPS_OF_PREFIX); list = list->next) {
        if (weft_slice_equal(list->name, name)) {
            return true;
        }
    }
    return false;
}

static enum weft_status check_prefix(struct reader *reader, struct weft_slice prefix)
{
    if (reader->is_one || prefix.length == 0 || weft_slice_equal_text(prefix, "xml") ||
        is_among(reader, reader->prefixes, prefix) || is_among(reader, reader->spaces, prefix)) {
        return WEFT_OK;
    }
    return reader->run->steps_left == 0 ? weft_ottl_fail_steps(reader->run)
                                        : fail(reader, "a prefix that was not declared");
}

static enum weft_status push(struct reader *reader, struct prefix **list, struct weft_slice name,
                             const struct weft_ottl_xml_node *element)
{
    struct prefix *prefix = weft_ottl_run_take(reader->run, sizeof *prefix);
    if (prefix == NULL) {
        return WEFT_NOMEM;
    }
    *prefix = (struct prefix){ .next = *list, .name = name, .element = element };
    *list = prefix;
    return WEFT_OK;
}

/* ---- elements ---- */

static enum weft_status read_attribute(struct reader *reader, struct weft_ottl_xml_node *element)
{
    struct weft_slice name, prefix;
    struct weft_ottl_xml_attribute *attribute = weft_ottl_run_take(reader->run, sizeof *attribute);
    enum weft_status status = attribute == NULL ? WEFT_NOMEM : weft_ottl_xml_read_name(&reader->text, &name);
    if (status != WEFT_OK) {
        return status;
    }
    *attribute = (struct weft_ottl_xml_attribute){ 0 };
    status = split_name(reader, name, &prefix, &attribute->name);
    weft_ottl_xml_skip_space(&reader->text);
    if (status == WEFT_OK && !skip(reader, "=")) {
        return fail(reader, "an attribute without a value");
    }
    weft_ottl_xml_skip_space(&reader->text);
    if (status == WEFT_OK) {
        status = weft_ottl_xml_read_quoted(&reader->text, &attribute->value);
    }
    bool is_prefix = weft_slice_equal_text(prefix, "xmlns");
    if (status == WEFT_OK && is_prefix) {
        status = push(reader, &reader->prefixes, attribute->name, element);
    }
    if (status == WEFT_OK && (is_prefix || weft_slice_equal_text(name, "xmlns"))) {
        status = push(reader, &reader->spaces, attribute->value, element);
    }
    if (element->last_attribute != NULL) {
        element->last_attribute->next = attribute;
    } else {
        element->attributes = attribute;
    }
    element->last_attribute = attribute;
    return status;
}

static void close_element(struct reader *reader)
{
    while (reader->prefixes != NULL && reader->prefixes->element == reader->open) {
        reader->prefixes = reader->prefixes->next;
    }
    reader->open = reader->open->parent;
    reader->depth--;
}

/* Behind "<". */
static enum weft_status read_element(struct reader *reader)
{
    struct weft_slice prefix = WEFT_SLICE_EMPTY;
    struct weft_ottl_xml_node *element = add_node(reader, WEFT_OTTL_XML_ELEMENT);
    if (element == NULL) {
        return WEFT_NOMEM;
    }
    if (reader->depth++ == WEFT_OTTL_XML_MAX_DEPTH) {
        return fail(reader, "elements are nested too deep");
    }
    enum weft_status status = weft_ottl_xml_read_name(&reader->text, &element->prefixed);
    if (status == WEFT_OK) {
        status = split_name(reader, element->prefixed, &prefix, &element->name);
    }
    weft_ottl_xml_skip_space(&reader->text);
    while (status == WEFT_OK && !weft_ottl_xml_is_at(&reader->text, "/") && !weft_ottl_xml_is_at(&reader->text, ">")) {
        status = read_attribute(reader, element);
        weft_ottl_xml_skip_space(&reader->text);
    }
    if (status == WEFT_OK) {
        status = check_prefix(reader, prefix);
    }
    if (status != WEFT_OK) {
        return status;
    }
    reader->open = element;
    reader->has_element = true;
    if (skip(reader, "/>")) {
        close_element(reader);
        return WEFT_OK;
    }
    return skip(reader, ">") ? WEFT_OK : fail(reader, "a tag does not end");
}

/* Behind "</". */
static enum weft_status read_end(struct reader *reader)
{
    struct weft_slice name;
    enum weft_status status = weft_ottl_xml_read_name(&reader->text, &name);
    weft_ottl_xml_skip_space(&reader->text);
    if (status == WEFT_OK && !skip(reader, ">")) {
        return fail(reader, "a tag does not end");
    }
    if (status == WEFT_OK && (reader->open == reader->document || !weft_slice_equal(reader->open->prefixed, name))) {
        return fail(reader, "a tag closes what is not open");
    }
    if (status == WEFT_OK) {
        close_element(reader);
    }
    return status;
}

/* ---- the whole ---- */

static enum weft_status read_next(struct reader *reader)
{
    struct weft_slice text;
    enum weft_status status;
    if (!weft_ottl_xml_is_at(&reader->text, "<")) {
        status = weft_ottl_xml_read_text(&reader->text, &text);
        return status == WEFT_OK ? add_text(reader, text) : status;
    }
    if (skip(reader, "</")) {
        return read_end(reader);
    }
    if (skip(reader, "<![CDATA[")) {
        status = weft_ottl_xml_read_cdata(&reader->text, &text);
        return status == WEFT_OK ? add_text(reader, text) : status;
    }
    if (weft_ottl_xml_is_at(&reader->text, "<?") || weft_ottl_xml_is_at(&reader->text, "<!")) {
        status = weft_ottl_xml_skip_other(&reader->text);
        return status == WEFT_OK ? add_other(reader) : status;
    }
    return skip(reader, "<") ? read_element(reader) : WEFT_INVALID;
}

enum weft_status weft_ottl_xml_read(struct weft_ottl_run *run, struct weft_slice text, bool is_one,
                                    struct weft_ottl_xml_node **out_document)
{
    struct reader reader = { .text = weft_ottl_xml_text_of(run, text), .run = run, .is_one = is_one };
    enum weft_status status = WEFT_OK;
    reader.open = reader.document = add_node(&reader, WEFT_OTTL_XML_OTHER);
    if (reader.document == NULL) {
        return WEFT_NOMEM;
    }
    while (status == WEFT_OK && !weft_ottl_xml_is_end(&reader.text)) {
        status = read_next(&reader);
        if (is_one && reader.has_element && reader.open == reader.document) {
            break;
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (!reader.has_element || reader.open != reader.document) {
        return fail(&reader, reader.has_element ? "an element is not closed" : "there is no element");
    }
    if (!weft_ottl_xml_is_end(&reader.text)) {
        return fail(&reader, "something follows the element");
    }
    *out_document = reader.document;
    return WEFT_OK;
}
