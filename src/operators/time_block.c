/* Keys with which operators read times (time_block.h), and what they do. */
#include "operators/time_block.h"

#include "base/clock.h"

const struct weft_operator_key weft_time_block_keys[] = {
    WEFT_TIME_BLOCK_KEYS(struct weft_time_block, ),
    { .key = NULL },
};

static const struct {
    const char *layout;
    enum weft_time_form form;
    int64_t unit_ns;
    int digits;
} epochs[] = {
    { "s", WEFT_TIME_OF_EPOCH, WEFT_NS_PER_S, 0 },
    { "ms", WEFT_TIME_OF_EPOCH, WEFT_NS_PER_MS, 0 },
    { "us", WEFT_TIME_OF_EPOCH, 1000, 0 },
    { "ns", WEFT_TIME_OF_EPOCH, 1, 0 },
    { "s.ms", WEFT_TIME_OF_EPOCH_PARTS, WEFT_NS_PER_MS, 3 },
    { "s.us", WEFT_TIME_OF_EPOCH_PARTS, 1000, 6 },
    { "s.ns", WEFT_TIME_OF_EPOCH_PARTS, 1, 9 },
};

static bool is_text(const char *text, const char *other)
{
    return text != NULL && strcmp(text, other) == 0;
}

static bool is_absent(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static enum weft_status compile_epoch(struct weft_time_block *block, struct weft_operator_reader *reader,
                                      const struct weft_node *node)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(epochs); i++) {
        if (is_text(block->layout_text, epochs[i].layout)) {
            block->form = epochs[i].form;
            block->epoch_unit_ns = epochs[i].unit_ns;
            block->epoch_digits = epochs[i].digits;
            return WEFT_OK;
        }
    }
    return weft_operator_fail_key(reader, node, "layout", WEFT_INVALID,
                                  "of layout_type epoch it is one of s, ms, us, ns, s.ms, s.us, s.ns");
}

static enum weft_status load_zone(struct weft_operator_reader *reader, const struct weft_node *node, const char *name,
                                  struct weft_time_zone *out_zone)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (strcmp(name, "UTC") == 0 || name[0] == '\0') {
        *out_zone = (struct weft_time_zone){ 0 };
        return WEFT_OK;
    }
    enum weft_status status = weft_time_zone_load(name, &reader->operators->memory, out_zone, &error);
    return status == WEFT_OK ? WEFT_OK
                             : weft_node_fail(reader->config.error, status, node, "\"%s\": %s", name, error.text);
}

/* Without one, a layout that ends with a Z is that of UTC; after a % it changes nothing, for then the text has a name.
 */
static enum weft_status compile_location(struct weft_time_block *block, struct weft_operator_reader *reader,
                                         const struct weft_node *node)
{
    if (is_absent(block->location)) {
        size_t length = strlen(block->layout_text);
        block->has_zone = block->layout_text[length - 1] == 'Z';
        return WEFT_OK;
    }
    block->has_zone = !is_text(block->location, "Local");
    return block->has_zone ? load_zone(reader, weft_node_find(node, "location"), block->location, &block->zone)
                           : WEFT_OK;
}

static enum weft_status read_zone_name(struct weft_time_block *block, struct weft_operator_reader *reader,
                                       const struct weft_node *node)
{
    struct weft_time_zone_name *name = &block->names[block->name_count];
    const char *key = NULL;
    if (weft_node_kind(node) != WEFT_NODE_STRING) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, node, "wants the name of a time zone");
    }
    if (strcmp(weft_node_text(node), "Local") == 0) {
        return weft_node_fail(reader->config.error, WEFT_UNSUPPORTED, node, "weft does not take Local here");
    }
    enum weft_status status = weft_operator_copy_text(reader, weft_node_key(node), &key);
    status = status == WEFT_OK ? load_zone(reader, node, weft_node_text(node), &name->zone) : status;
    size_t length = status == WEFT_OK ? strlen(key) : 0;
    bool is_word = length >= 2 && length <= 5 && strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
    if (is_word) { /* others match nothing in the Collector */
        name->name = weft_slice_of(key, length);
        block->name_count++;
    }
    return status;
}

static enum weft_status compile_zone_names(struct weft_time_block *block, struct weft_operator_reader *reader)
{
    const struct weft_node *map = block->zone_locations;
    block->zone_locations = NULL;
    size_t count = weft_node_count(map);
    if (map == NULL || (count == 0 && weft_node_kind(map) == WEFT_NODE_MAP)) {
        return WEFT_OK;
    }
    if (weft_node_kind(map) != WEFT_NODE_MAP) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, map, "wants a map, not %s", weft_node_kind_text(map));
    }
    if (!block->layout.has_zone_name) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, map, "the layout has no name of a zone (%%Z, MST)");
    }
    enum weft_status status = weft_operator_alloc(reader, count * sizeof *block->names, &block->names);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        status = read_zone_name(block, reader, weft_node_at(map, i));
    }
    return status;
}

static enum weft_status compile_layout(struct weft_time_block *block, struct weft_operator_reader *reader,
                                       const struct weft_node *node, bool is_strptime)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_entry_memory *memory = &reader->operators->memory;
    enum weft_status status =
        is_strptime ? weft_time_layout_compile_strptime(block->layout_text, memory, &block->layout, &error)
                    : weft_time_layout_compile_go(block->layout_text, memory, &block->layout, &error);
    if (status != WEFT_OK) {
        return weft_operator_fail_key(reader, node, "layout", status, error.text);
    }
    status = compile_location(block, reader, node);
    return status == WEFT_OK ? compile_zone_names(block, reader) : status;
}

enum weft_status weft_time_block_compile(struct weft_time_block *block, struct weft_operator_reader *reader,
                                         const struct weft_node *node)
{
    if (!block->parse_from.is_given) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs parse_from");
    }
    if (is_text(block->layout_type, "native")) {
        return weft_operator_fail_key(reader, node, "layout_type", WEFT_UNSUPPORTED,
                                      "native is for values that no config can make");
    }
    if (is_absent(block->layout_text)) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a layout");
    }
    if (is_text(block->layout_type, "epoch")) {
        return compile_epoch(block, reader, node);
    }
    bool is_strptime = is_absent(block->layout_type) || is_text(block->layout_type, "strptime");
    if (!is_strptime && !is_text(block->layout_type, "gotime")) {
        return weft_operator_fail_key(reader, node, "layout_type", WEFT_INVALID,
                                      "wants one of strptime, gotime, epoch");
    }
    return compile_layout(block, reader, node, is_strptime);
}

static enum weft_operator_verdict read_layout(const struct weft_time_block *block, struct weft_operator_run *run,
                                              struct weft_slice text, struct weft_log_entry *entry)
{
    struct weft_time_fields fields;
    struct weft_time_fault fault;
    if (!weft_time_layout_read(&block->layout, text, &fields, &fault)) {
        return weft_operator_fail(run, "%s is no time of the layout: at byte %zu %s", block->parse_from.text,
                                  fault.offset, fault.reason);
    }
    const char *reason =
        weft_time_resolve(block, &fields, text, run->zone_minutes * 60, entry->observed_ns, &entry->time_ns);
    return reason == NULL ? WEFT_OPERATOR_SEND
                          : weft_operator_fail(run, "%s is no time: %s", block->parse_from.text, reason);
}

enum weft_operator_verdict weft_time_block_apply(const struct weft_time_block *block, struct weft_operator_run *run,
                                                 struct weft_log_entry *entry)
{
    struct weft_log_value value;
    uint64_t ns;
    if (!weft_log_path_get(&block->parse_from, entry, &value)) {
        return weft_operator_fail(run, "there is no %s with a time", block->parse_from.text);
    }
    if (block->form != WEFT_TIME_OF_LAYOUT) {
        if (!weft_time_epoch_read(block, &value, &ns)) {
            return weft_operator_fail(run, "%s is no time since 1970 in %s", block->parse_from.text,
                                      block->layout_text);
        }
        entry->time_ns = ns;
        return WEFT_OPERATOR_SEND;
    }
    if (value.kind != WEFT_LOG_STRING && value.kind != WEFT_LOG_BYTES) {
        return weft_operator_fail(run, "%s is %s, which is no time", block->parse_from.text,
                                  weft_log_value_kind_text(value.kind));
    }
    return read_layout(block, run, value.text, entry);
}
