/* Any XPath, up to the first line's end, through any XML, which follows: refused with a reason, or it finds each node
 * once, and the same ones again. What was read is written so that it can be read again. */
#include "base/assert.h"
#include "ottl/text_xml_write.h"
#include "ottl/text_xpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(struct weft_slice text, const char *word)
{
    return text.length > 0 && memmem(text.bytes, text.length, word, strlen(word)) != NULL;
}

/* What the path finds, written one after the other; false if it comes to no end. */
static bool find(struct weft_ottl_run *run, const struct weft_ottl_xpath *xpath, struct weft_slice text,
                 struct weft_buffer *out)
{
    struct weft_ottl_xml_node *document = NULL;
    struct weft_ottl_xpath_items found = { .items = NULL };
    struct weft_ottl_xml_writer writer = { .run = run, .out = out };
    weft_ottl_run_clear(run);
    enum weft_status status = weft_ottl_xml_read_tree(run, text, &document);
    weft_assert(status == WEFT_OK || status == WEFT_NOMEM || run->error.text[0] != '\0');
    status = status == WEFT_OK ? weft_ottl_xpath_find(run, xpath, document, &found) : status;
    for (size_t i = 0; status == WEFT_OK && i < found.count; i++) {
        const struct weft_ottl_xpath_item *item = &found.items[i];
        weft_assert(item->attribute != NULL ? item->attribute->is_taken : item->node->is_taken);
        if (item->attribute != NULL) {
            weft_ottl_xml_write_escaped(out, item->attribute->value);
            item->attribute->is_taken = false; /* it is there once */
        } else {
            status = weft_ottl_xml_write_node(&writer, item->node);
            item->node->is_taken = false;
        }
    }
    return status == WEFT_OK;
}

/* Of an element with two prefixes for one namespace only the name behind the colon is written, as in the Collector: in
 * `x:-b` that is no name. */
static bool has_odd_local_name(struct weft_slice text)
{
    for (size_t i = 0; i + 1 < text.length; i++) {
        uint8_t next = text.bytes[i + 1];
        bool begins_name = (next | 0x20) >= 'a' && (next | 0x20) <= 'z';
        if (text.bytes[i] == ':' && !begins_name && next != '_' && next != ':') {
            return true;
        }
    }
    return false;
}

/* A declaration may say in quotes afterwards what it is refused for. */
static void check_writing(struct weft_ottl_run *run, struct weft_slice text)
{
    struct weft_buffer written = { 0 };
    struct weft_ottl_xml_node *document = NULL;
    struct weft_ottl_xml_writer writer = { .run = run, .out = &written };
    weft_ottl_run_clear(run);
    bool is_written = weft_ottl_xml_read_tree(run, text, &document) == WEFT_OK &&
                      weft_ottl_xml_write_children(&writer, document) == WEFT_OK;
    weft_ottl_run_clear(run);
    if (is_written && !has(text, "<?") && !has_odd_local_name(text)) {
        enum weft_status status = weft_ottl_xml_read_tree(run, weft_buffer_slice(&written), &document);
        weft_assert(status == WEFT_OK || status == WEFT_NOMEM || run->steps_left == 0);
    }
    weft_buffer_fini(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_ottl_run run;
    struct weft_error error = WEFT_ERROR_NONE;
    const struct weft_ottl_xpath *xpath = NULL;
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = end == NULL ? size : (size_t)(end - data);
    struct weft_slice text = end == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(end + 1, size - length - 1);
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_buffer first = { 0 }, second = { 0 };
    weft_assert(arena != NULL && weft_ottl_run_init(&run, NULL) == WEFT_OK);
    enum weft_status status = weft_ottl_xpath_compile(weft_slice_of(data, length), arena, &xpath, &error);
    weft_assert((status == WEFT_OK) == (xpath != NULL) && (status == WEFT_OK || error.text[0] != '\0'));
    if (status == WEFT_OK && find(&run, xpath, text, &first)) {
        weft_assert(find(&run, xpath, text, &second));
        weft_assert(weft_slice_equal(weft_buffer_slice(&first), weft_buffer_slice(&second)));
    }
    check_writing(&run, text);
    weft_buffer_fini(&first);
    weft_buffer_fini(&second);
    weft_ottl_run_fini(&run);
    weft_arena_unref(&arena);
    return 0;
}
