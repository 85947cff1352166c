/* Writing XML (text_xml_write.h): node after node in one loop, since a document may be nested deeper than the stack is.
 */
#include "ottl/text_xml_write.h"

#include "ottl/text_words.h"

static void put(struct weft_buffer *out, struct weft_slice text)
{
    weft_buffer_append(out, text.bytes, text.length);
}

static const char *entity_of(uint8_t byte)
{
    return byte == '&'    ? "&amp;"
           : byte == '\'' ? "&#39;"
           : byte == '<'  ? "&lt;"
           : byte == '>'  ? "&gt;"
           : byte == '"'  ? "&#34;"
                          : NULL;
}

void weft_ottl_xml_write_escaped(struct weft_buffer *out, struct weft_slice text)
{
    size_t written = 0;
    for (size_t at = 0; at < text.length; at++) {
        const char *entity = entity_of(text.bytes[at]);
        if (entity != NULL) {
            weft_buffer_append(out, text.bytes + written, at - written);
            weft_buffer_append_text(out, entity);
            written = at + 1;
        }
    }
    if (written < text.length) {
        weft_buffer_append(out, text.bytes + written, text.length - written);
    }
}

/* xml:space of the element itself, or what holds around it. */
static bool is_trimmed_in(const struct weft_ottl_xml_node *node)
{
    for (const struct weft_ottl_xml_attribute *at = node->attributes; at != NULL; at = at->next) {
        if (!at->is_gone && weft_slice_equal_text(at->space, "xml") && weft_slice_equal_text(at->name, "space")) {
            bool is_kept = weft_slice_equal_text(at->value, "preserve");
            return !is_kept && (node->is_trimmed || weft_slice_equal_text(at->value, "default"));
        }
    }
    return node->is_trimmed;
}

static void put_attributes(struct weft_buffer *out, const struct weft_ottl_xml_node *node)
{
    for (const struct weft_ottl_xml_attribute *attribute = node->attributes; attribute != NULL;
         attribute = attribute->next) {
        if (attribute->is_gone) {
            continue;
        }
        weft_buffer_append_byte(out, ' ');
        if (attribute->space.length > 0) {
            put(out, attribute->space);
            weft_buffer_append_byte(out, ':');
        }
        put(out, attribute->name);
        weft_buffer_append_text(out, "=\"");
        weft_ottl_xml_write_escaped(out, attribute->value);
        weft_buffer_append_byte(out, '"');
    }
}

static void put_name(struct weft_buffer *out, const char *before, const struct weft_ottl_xml_node *element)
{
    weft_buffer_append_text(out, before);
    put(out, element->has_prefix ? element->prefixed : element->name);
}

static void put_between(struct weft_buffer *out, const char *before, struct weft_slice text, const char *after)
{
    weft_buffer_append_text(out, before);
    put(out, text);
    weft_buffer_append_text(out, after);
}

static void put_instruction(struct weft_buffer *out, const struct weft_ottl_xml_node *node)
{
    struct weft_slice text = weft_ottl_trim_space(node->text);
    put_between(out, "<?", node->name, text.length > 0 ? " " : "");
    put_between(out, "", text, "?>");
}

/* All of a node but what is in an element, and its end. */
static void put_start(struct weft_buffer *out, const struct weft_ottl_xml_node *node)
{
    switch (node->kind) {
    case WEFT_OTTL_XML_DOCUMENT:
        break;
    case WEFT_OTTL_XML_ELEMENT:
        put_name(out, "<", node);
        put_attributes(out, node);
        weft_buffer_append_byte(out, '>');
        break;
    case WEFT_OTTL_XML_TEXT:
        if (node->is_cdata) {
            put_between(out, "<![CDATA[", node->text, "]]>");
        } else {
            weft_ottl_xml_write_escaped(out, node->is_trimmed ? weft_ottl_trim_space(node->text) : node->text);
        }
        break;
    case WEFT_OTTL_XML_COMMENT:
        put_between(out, "<!--", node->text, "-->");
        break;
    case WEFT_OTTL_XML_DECLARATION:
        put_name(out, "<?", node);
        put_attributes(out, node);
        weft_buffer_append_text(out, "?>");
        break;
    case WEFT_OTTL_XML_INSTRUCTION:
        put_instruction(out, node);
        break;
    case WEFT_OTTL_XML_DIRECTIVE:
        put_between(out, "<!", node->text, ">");
        break;
    }
}

static enum weft_status write_within(struct weft_ottl_xml_writer *writer, struct weft_ottl_xml_node *parent);

/* Behind an element's or the document's children. What is added has nothing that is added to. */
static enum weft_status put_end(struct weft_ottl_xml_writer *writer, const struct weft_ottl_xml_node *node)
{
    enum weft_status status = WEFT_OK;
    if (node->is_added_to && writer->added != NULL) {
        writer->added->is_trimmed = node->is_trimmed;
        status = write_within(writer, writer->added);
    }
    if (node->kind == WEFT_OTTL_XML_ELEMENT) {
        put_name(writer->out, "</", node);
        weft_buffer_append_byte(writer->out, '>');
    }
    return status;
}

/* What a step writes counts as it was written. */
static enum weft_status start_node(struct weft_ottl_xml_writer *writer, struct weft_ottl_xml_node *node, bool is_within)
{
    enum { STEPS_OF_NODE = 20 };
    size_t length = writer->out->length;
    node->is_trimmed = is_within && node->parent->is_trimmed;
    node->is_trimmed = is_trimmed_in(node);
    if (!node->is_gone) {
        put_start(writer->out, node);
    }
    return weft_ottl_spend(writer->run, STEPS_OF_NODE + writer->out->length - length)
               ? weft_buffer_status(writer->out)
               : weft_ottl_fail_steps(writer->run);
}

static enum weft_status write_within(struct weft_ottl_xml_writer *writer, struct weft_ottl_xml_node *parent)
{
    struct weft_ottl_xml_node *node = parent->first;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && node != NULL && node != parent) {
        status = start_node(writer, node, true);
        if (status == WEFT_OK && node->first != NULL && !node->is_gone) {
            node = node->first;
            continue;
        }
        bool is_done = false;
        while (status == WEFT_OK && !is_done && node != parent) {
            status = node->is_gone ? WEFT_OK : put_end(writer, node);
            is_done = node->next != NULL;
            node = is_done ? node->next : node->parent;
        }
    }
    return status;
}

enum weft_status weft_ottl_xml_write_children(struct weft_ottl_xml_writer *writer, struct weft_ottl_xml_node *parent)
{
    parent->is_trimmed = false;
    enum weft_status status = write_within(writer, parent);
    return status == WEFT_OK ? put_end(writer, parent) : status;
}

enum weft_status weft_ottl_xml_write_node(struct weft_ottl_xml_writer *writer, struct weft_ottl_xml_node *node)
{
    enum weft_status status = start_node(writer, node, false);
    status = status == WEFT_OK && !node->is_gone ? write_within(writer, node) : status;
    return status == WEFT_OK && !node->is_gone ? put_end(writer, node) : status;
}
