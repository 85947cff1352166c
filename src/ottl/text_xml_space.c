/* Namespaces of an XML text (text_xml_space.h). */
#include "ottl/text_xml_space.h"

struct weft_ottl_xml_scope {
    struct weft_ottl_xml_scope *next;
    struct weft_slice prefix, space;
    const struct weft_ottl_xml_node *element; /* that declares it */
};

struct weft_ottl_xml_shown {
    struct weft_ottl_xml_shown *next;
    struct weft_slice space, prefix;
    size_t depth;
};

enum { STEPS_OF_ENTRY = 10 };

static const struct weft_ottl_xml_shown *find_shown(struct weft_ottl_xml_spaces *spaces, struct weft_slice space)
{
    const struct weft_ottl_xml_shown *shown = spaces->shown;
    for (; shown != NULL && weft_ottl_spend(spaces->run, STEPS_OF_ENTRY); shown = shown->next) {
        if (weft_slice_equal(shown->space, space)) {
            return shown;
        }
    }
    return NULL;
}

static enum weft_status push_shown(struct weft_ottl_xml_spaces *spaces, struct weft_slice space,
                                   struct weft_slice prefix, size_t depth)
{
    struct weft_ottl_xml_shown *shown = weft_ottl_run_take(spaces->run, sizeof *shown);
    if (shown == NULL) {
        return WEFT_NOMEM;
    }
    *shown = (struct weft_ottl_xml_shown){ spaces->shown, space, prefix, depth };
    spaces->shown = shown;
    return WEFT_OK;
}

enum weft_status weft_ottl_xml_space_declare(struct weft_ottl_xml_spaces *spaces,
                                             const struct weft_ottl_xml_attribute *attribute,
                                             const struct weft_ottl_xml_node *element, size_t depth)
{
    if (weft_slice_equal_text(attribute->name, "xmlns") && attribute->space.length == 0) {
        const struct weft_ottl_xml_shown *shown = find_shown(spaces, attribute->value);
        bool is_new = shown == NULL || shown->depth >= depth;
        return is_new ? push_shown(spaces, attribute->value, WEFT_SLICE_EMPTY, depth) : WEFT_OK;
    }
    if (!weft_slice_equal_text(attribute->space, "xmlns")) {
        return WEFT_OK;
    }
    struct weft_ottl_xml_scope *scope = weft_ottl_run_take(spaces->run, sizeof *scope);
    if (scope == NULL) {
        return WEFT_NOMEM;
    }
    *scope = (struct weft_ottl_xml_scope){ spaces->scopes, attribute->name, attribute->value, element };
    spaces->scopes = scope;
    return push_shown(spaces, attribute->value, attribute->name, depth);
}

void weft_ottl_xml_space_close(struct weft_ottl_xml_spaces *spaces, const struct weft_ottl_xml_node *element)
{
    while (spaces->scopes != NULL && spaces->scopes->element == element) {
        spaces->scopes = spaces->scopes->next;
    }
}

bool weft_ottl_xml_space_shown(struct weft_ottl_xml_spaces *spaces, struct weft_slice prefix,
                               struct weft_slice *out_shown)
{
    if (weft_slice_equal_text(prefix, "xml")) {
        *out_shown = prefix;
        return true;
    }
    struct weft_slice space = prefix;
    const struct weft_ottl_xml_scope *scope = spaces->scopes;
    for (; scope != NULL && weft_ottl_spend(spaces->run, STEPS_OF_ENTRY); scope = scope->next) {
        if (weft_slice_equal(scope->prefix, prefix)) {
            space = scope->space;
            break;
        }
    }
    const struct weft_ottl_xml_shown *shown = find_shown(spaces, space);
    *out_shown = shown == NULL ? space : shown->prefix;
    return shown != NULL;
}
