#pragma once

#include "ottl/text_xml.h"

/* What lies between the tags of an XML text (text_xml.h): characters, names, quoted values, and what is neither an
 * element nor a text. */
struct weft_ottl_xml_text {
    struct weft_ottl_run *run;
    const uint8_t *at, *start, *end;
};

static inline struct weft_ottl_xml_text weft_ottl_xml_text_of(struct weft_ottl_run *run, struct weft_slice text)
{
    static const uint8_t nothing[1];
    const uint8_t *start = text.length == 0 ? nothing : text.bytes;
    return (struct weft_ottl_xml_text){ run, start, start, start + text.length };
}

static inline bool weft_ottl_xml_is_end(const struct weft_ottl_xml_text *text)
{
    return text->at == text->end;
}

/* WEFT_INVALID with run->error, which says where. */
enum weft_status weft_ottl_xml_fail(const struct weft_ottl_xml_text *text, const char *reason) WEFT_MUST_CHECK;

bool weft_ottl_xml_is_at(const struct weft_ottl_xml_text *text, const char *word);
bool weft_ottl_xml_skip(struct weft_ottl_xml_text *text, const char *word);
void weft_ottl_xml_skip_space(struct weft_ottl_xml_text *text);

enum weft_status weft_ottl_xml_read_name(struct weft_ottl_xml_text *text, struct weft_slice *out_name) WEFT_MUST_CHECK;

/* Up to the next tag; in quotes of either kind; behind "<![CDATA[". As it is meant: entities and ends of lines. */
enum weft_status weft_ottl_xml_read_text(struct weft_ottl_xml_text *text, struct weft_slice *out_text) WEFT_MUST_CHECK;
enum weft_status weft_ottl_xml_read_quoted(struct weft_ottl_xml_text *text,
                                           struct weft_slice *out_text) WEFT_MUST_CHECK;
enum weft_status weft_ottl_xml_read_cdata(struct weft_ottl_xml_text *text, struct weft_slice *out_text) WEFT_MUST_CHECK;

/* At "<?" or "<!": an instruction, a comment or a directive, of which the node gets its kind, name and text. Another
 * version or encoding is an error. */
enum weft_status weft_ottl_xml_read_other(struct weft_ottl_xml_text *text,
                                          struct weft_ottl_xml_node *node) WEFT_MUST_CHECK;
