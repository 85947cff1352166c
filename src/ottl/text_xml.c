/* Reading XML (text_xml.h): tag by tag, in one loop. Elements that are open are the parents of the last one. */
#include "ottl/text_xml.h"

#include "ottl/text_words.h"
#include "ottl/text_xml_space.h"
#include "ottl/text_xml_text.h"

struct reader {
    struct weft_ottl_xml_text text; /* where it is */
    struct weft_ottl_run *run;
    struct weft_ottl_xml_node *document, *open; /* open: what nodes are added to */
    struct weft_ottl_xml_spaces spaces;
    size_t depth, max_depth;
    bool is_one, is_tree, has_element;
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

struct weft_ottl_xml_node *weft_ottl_xml_add(struct weft_ottl_run *run, struct weft_ottl_xml_node *parent,
                                             enum weft_ottl_xml_kind kind)
{
    struct weft_ottl_xml_node *node = weft_ottl_run_take(run, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    *node = (struct weft_ottl_xml_node){ .kind = kind, .parent = parent };
    if (parent != NULL && parent->last != NULL) {
        parent->last->next = node;
    } else if (parent != NULL) {
        parent->first = node;
    }
    if (parent != NULL) {
        parent->last = node;
    }
    return node;
}

static struct weft_ottl_xml_node *add_node(struct reader *reader, enum weft_ottl_xml_kind kind)
{
    return weft_ottl_xml_add(reader->run, reader->open, kind);
}

static enum weft_status add_text(struct reader *reader, struct weft_slice text, bool is_cdata)
{
    struct weft_ottl_xml_node *node = add_node(reader, WEFT_OTTL_XML_TEXT);
    if (node == NULL) {
        return WEFT_NOMEM;
    }
    node->text = text;
    node->is_cdata = is_cdata;
    node->is_blank = reader->is_tree && weft_ottl_trim_start(text).length == 0;
    return WEFT_OK;
}

static struct weft_ottl_xml_attribute *add_attribute(struct reader *reader, struct weft_ottl_xml_node *node)
{
    struct weft_ottl_xml_attribute *attribute = weft_ottl_run_take(reader->run, sizeof *attribute);
    if (attribute == NULL) {
        return NULL;
    }
    *attribute = (struct weft_ottl_xml_attribute){ 0 };
    if (node->last_attribute != NULL) {
        node->last_attribute->next = attribute;
    } else {
        node->attributes = attribute;
    }
    node->last_attribute = attribute;
    return attribute;
}

static struct weft_slice trim_quotes(struct weft_slice text)
{
    while (text.length > 0 && (text.bytes[0] == '"' || text.bytes[0] == '\'')) {
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == '"' || text.bytes[text.length - 1] == '\'')) {
        text.length--;
    }
    return text;
}

/* Takes what stands before the next space off. */
static struct weft_slice take_word(struct weft_slice *in_out_rest)
{
    const uint8_t *space = memchr(in_out_rest->bytes, ' ', in_out_rest->length);
    size_t length = space == NULL ? in_out_rest->length : (size_t)(space - in_out_rest->bytes);
    size_t taken = length + (space != NULL);
    struct weft_slice word = { in_out_rest->bytes, length };
    *in_out_rest = weft_slice_of(in_out_rest->bytes + taken, in_out_rest->length - taken);
    return weft_ottl_trim_space(word);
}

/* <?xml a="b" c='d'?>: the parameters are what stands between two spaces. */
static enum weft_status add_parameters(struct reader *reader, struct weft_ottl_xml_node *declaration)
{
    struct weft_slice rest = declaration->text;
    while (rest.length > 0) {
        struct weft_slice word = take_word(&rest);
        const uint8_t *sign = word.length == 0 ? NULL : memchr(word.bytes, '=', word.length);
        if (sign == NULL || sign == word.bytes) {
            continue;
        }
        struct weft_ottl_xml_attribute *attribute = add_attribute(reader, declaration);
        if (attribute == NULL) {
            return WEFT_NOMEM;
        }
        attribute->name = weft_slice_of(word.bytes, (size_t)(sign - word.bytes));
        attribute->value = trim_quotes(weft_slice_of(sign + 1, word.length - attribute->name.length - 1));
    }
    return WEFT_OK;
}

static enum weft_status add_other(struct reader *reader)
{
    struct weft_ottl_xml_node *node = add_node(reader, WEFT_OTTL_XML_COMMENT);
    enum weft_status status = node == NULL ? WEFT_NOMEM : weft_ottl_xml_read_other(&reader->text, node);
    bool has_parameters = status == WEFT_OK && reader->is_tree && node->kind == WEFT_OTTL_XML_DECLARATION;
    return has_parameters ? add_parameters(reader, node) : status;
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

/* Of an element whose attributes have been read, and of these. */
static enum weft_status resolve_prefixes(struct reader *reader, struct weft_ottl_xml_node *element,
                                         struct weft_slice prefix)
{
    struct weft_slice shown = WEFT_SLICE_EMPTY;
    bool is_known = prefix.length == 0 || weft_ottl_xml_space_shown(&reader->spaces, prefix, &shown);
    struct weft_ottl_xml_attribute *attribute = reader->is_tree ? element->attributes : NULL;
    for (; attribute != NULL; attribute = attribute->next) {
        if (attribute->space.length > 0 && !weft_slice_equal_text(attribute->space, "xmlns")) {
            (void)weft_ottl_xml_space_shown(&reader->spaces, attribute->space, &attribute->space);
        }
    }
    if (reader->run->steps_left == 0) {
        return weft_ottl_fail_steps(reader->run);
    }
    element->has_prefix = prefix.length > 0 && weft_slice_equal(shown, prefix);
    return is_known ? WEFT_OK : fail(reader, "a prefix that was not declared");
}

/* ---- elements ---- */

static enum weft_status read_attribute(struct reader *reader, struct weft_ottl_xml_node *element)
{
    struct weft_slice name = WEFT_SLICE_EMPTY;
    struct weft_ottl_xml_attribute *attribute = add_attribute(reader, element);
    enum weft_status status = attribute == NULL ? WEFT_NOMEM : weft_ottl_xml_read_name(&reader->text, &name);
    if (status != WEFT_OK) {
        return status;
    }
    status = split_name(reader, name, &attribute->space, &attribute->name);
    weft_ottl_xml_skip_space(&reader->text);
    if (status == WEFT_OK && !skip(reader, "=")) {
        return fail(reader, "an attribute without a value");
    }
    weft_ottl_xml_skip_space(&reader->text);
    if (status == WEFT_OK) {
        status = weft_ottl_xml_read_quoted(&reader->text, &attribute->value);
    }
    if (status == WEFT_OK && !reader->is_one) {
        status = weft_ottl_xml_space_declare(&reader->spaces, attribute, element, reader->depth);
    }
    return status;
}

static void close_element(struct reader *reader)
{
    weft_ottl_xml_space_close(&reader->spaces, reader->open);
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
    if (reader->depth++ == reader->max_depth) {
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
    if (status == WEFT_OK && !reader->is_one) {
        status = resolve_prefixes(reader, element, prefix);
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
        return status == WEFT_OK ? add_text(reader, text, false) : status;
    }
    if (skip(reader, "</")) {
        return read_end(reader);
    }
    if (skip(reader, "<![CDATA[")) {
        status = weft_ottl_xml_read_cdata(&reader->text, &text);
        return status == WEFT_OK ? add_text(reader, text, true) : status;
    }
    if (weft_ottl_xml_is_at(&reader->text, "<?") || weft_ottl_xml_is_at(&reader->text, "<!")) {
        return add_other(reader);
    }
    return skip(reader, "<") ? read_element(reader) : WEFT_INVALID;
}

static enum weft_status read_all(struct reader *reader, struct weft_ottl_xml_node **out_document)
{
    enum weft_status status = WEFT_OK;
    reader->open = reader->document = add_node(reader, WEFT_OTTL_XML_DOCUMENT);
    if (reader->document == NULL) {
        return WEFT_NOMEM;
    }
    while (status == WEFT_OK && !weft_ottl_xml_is_end(&reader->text)) {
        status = read_next(reader);
        if (reader->is_one && reader->has_element && reader->open == reader->document) {
            break;
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (!reader->has_element || reader->open != reader->document) {
        return fail(reader, reader->has_element ? "an element is not closed" : "there is no element");
    }
    if (!weft_ottl_xml_is_end(&reader->text)) {
        return fail(reader, "something follows the element");
    }
    *out_document = reader->document;
    return WEFT_OK;
}

enum weft_status weft_ottl_xml_read(struct weft_ottl_run *run, struct weft_slice text, bool is_one,
                                    struct weft_ottl_xml_node **out_document)
{
    struct reader reader = { .text = weft_ottl_xml_text_of(run, text),
                             .run = run,
                             .spaces = { .run = run },
                             .max_depth = WEFT_OTTL_XML_MAX_DEPTH,
                             .is_one = is_one };
    return read_all(&reader, out_document);
}

static bool begins_document(const struct weft_ottl_xml_node *node)
{
    return node->kind == WEFT_OTTL_XML_ELEMENT || node->kind == WEFT_OTTL_XML_INSTRUCTION ||
           node->kind == WEFT_OTTL_XML_DECLARATION;
}

enum weft_status weft_ottl_xml_read_tree(struct weft_ottl_run *run, struct weft_slice text,
                                         struct weft_ottl_xml_node **out_document)
{
    struct reader reader = { .text = weft_ottl_xml_text_of(run, text),
                             .run = run,
                             .spaces = { .run = run },
                             .max_depth = WEFT_OTTL_XML_MAX_TREE_DEPTH,
                             .is_tree = true };
    bool is_whole = weft_ottl_xml_is_at(&reader.text, "<?xml");
    enum weft_status status = read_all(&reader, out_document);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_ottl_xml_node *document = *out_document;
    while (!begins_document(document->first)) { /* there is an element */
        document->first = document->first->next;
    }
    if (!is_whole && document->first->kind != WEFT_OTTL_XML_ELEMENT) {
        document->first = document->first->next;
    }
    return WEFT_OK;
}
