/* The labels of a new series and of a target (prometheus_internal.h): gathered, put in order by name, and written with
 * the escapes that values have in both text formats. Done once for a series. */
#include <string.h>

#include "base/alloc.h"
#include "exporters/prometheus_internal.h"
#include "wire/otlp_text.h"

enum { OWN_LABELS = 5 }; /* three of the scope, job, instance */

/* A label whose name lies in names and whose value may lie in label_texts: both still move. */
struct draft {
    size_t name_at, name_length;
    struct weft_slice value; /* bytes NULL: in label_texts, at value_at */
    size_t value_at;
    size_t serial;
};

struct drafts {
    struct weft_prometheus_table *table;
    struct draft *items;
    size_t count, capacity;
    bool is_valid;
};

static bool drafts_begin(struct drafts *drafts, struct weft_prometheus_table *table, size_t capacity)
{
    *drafts = (struct drafts){ .table = table, .capacity = capacity, .is_valid = true };
    drafts->items = weft_try_alloc((capacity == 0 ? 1 : capacity) * sizeof *drafts->items);
    weft_buffer_clear(&table->context.labels);
    weft_buffer_clear(&table->context.names);
    weft_buffer_clear(&table->context.label_texts);
    table->context.labels.is_failed = drafts->items == NULL;
    return drafts->items != NULL;
}

static struct draft *next_draft(struct drafts *drafts, size_t name_at)
{
    if (drafts->count == drafts->capacity) {
        drafts->is_valid = false;
        return NULL;
    }
    struct draft *draft = &drafts->items[drafts->count];
    *draft = (struct draft){ .name_at = name_at,
                             .name_length = drafts->table->context.names.length - name_at,
                             .serial = drafts->count };
    drafts->count++;
    return draft;
}

/* An attribute's, under a name that is made of its key. */
static void add_attribute(struct drafts *drafts, const char *prefix, struct weft_slice key, struct weft_slice value)
{
    struct weft_prometheus_table *table = drafts->table;
    size_t name_at = table->context.names.length;
    if (key.length == 0 ||
        !weft_prometheus_put_label_name(&table->settings.naming, prefix, key, &table->context.names)) {
        drafts->is_valid = false;
        return;
    }
    struct draft *draft = next_draft(drafts, name_at);
    if (draft != NULL) {
        draft->value = value.bytes == NULL ? WEFT_SLICE_LITERAL("") : value;
    }
}

/* The same for a value that is not a text yet. */
static void add_key_value(struct drafts *drafts, const char *prefix, const struct weft_otlp_attribute *attribute)
{
    struct weft_prometheus_context *context = &drafts->table->context;
    struct weft_otlp_value value = weft_otlp_value_of(attribute->contents, WEFT_OTLP_VALUE_FIELD);
    size_t count = drafts->count;
    size_t value_at = context->label_texts.length;
    weft_otlp_put_text(&value, &context->stack, &context->label_texts);
    add_attribute(drafts, prefix, attribute->key, WEFT_SLICE_EMPTY);
    if (drafts->count > count) {
        drafts->items[count].value = weft_slice_of(NULL, context->label_texts.length - value_at);
        drafts->items[count].value_at = value_at;
    }
}

/* Under a name as it stands. */
static void add_own(struct drafts *drafts, struct weft_slice name, struct weft_slice value)
{
    struct weft_buffer *names = &drafts->table->context.names;
    size_t name_at = names->length;
    weft_buffer_append(names, name.bytes, name.length);
    struct draft *draft = next_draft(drafts, name_at);
    if (draft != NULL) {
        draft->value = value.bytes == NULL ? WEFT_SLICE_LITERAL("") : value;
    }
}

static struct weft_slice name_of(const struct drafts *drafts, const struct draft *draft)
{
    return weft_slice_of(drafts->table->context.names.bytes + draft->name_at, draft->name_length);
}

static struct weft_slice value_of(const struct drafts *drafts, const struct draft *draft)
{
    return draft->value.bytes != NULL
               ? draft->value
               : weft_slice_of(drafts->table->context.label_texts.bytes + draft->value_at, draft->value.length);
}

static int order_names(const struct drafts *drafts, const struct draft *left, const struct draft *right)
{
    struct weft_slice first = name_of(drafts, left);
    struct weft_slice second = name_of(drafts, right);
    size_t length = first.length < second.length ? first.length : second.length;
    int by_bytes = memcmp(first.bytes, second.bytes, length);
    return by_bytes != 0 ? by_bytes : first.length < second.length ? -1 : first.length > second.length;
}

/* There are some hundreds at most. Equal names keep their order. */
static void sort_drafts(struct drafts *drafts)
{
    for (size_t i = 1; i < drafts->count; i++) {
        struct draft draft = drafts->items[i];
        size_t at = i;
        while (at > 0 && order_names(drafts, &drafts->items[at - 1], &draft) > 0) {
            drafts->items[at] = drafts->items[at - 1];
            at--;
        }
        drafts->items[at] = draft;
    }
}

static bool have_same_name(const struct drafts *drafts, size_t left, size_t right)
{
    return order_names(drafts, &drafts->items[left], &drafts->items[right]) == 0;
}

static void put_escaped(struct weft_slice text, struct weft_buffer *out)
{
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '\\' || byte == '\n' || byte == '"') {
            weft_buffer_append(out, text.bytes + from, i - from);
            weft_buffer_append_text(out, byte == '\\' ? "\\\\" : byte == '\n' ? "\\n" : "\\\"");
            from = i + 1;
        }
    }
    weft_buffer_append(out, text.bytes + from, text.length - from);
}

/* Labels of one name become one, their values joined, where there are any. */
static void write_drafts(const struct drafts *drafts)
{
    struct weft_buffer *out = &drafts->table->context.labels;
    for (size_t i = 0; i < drafts->count;) {
        struct weft_slice name = name_of(drafts, &drafts->items[i]);
        uint32_t lengths[2] = { (uint32_t)name.length, 0 };
        size_t lengths_at = out->length;
        weft_buffer_append(out, lengths, sizeof lengths);
        weft_buffer_append(out, name.bytes, name.length);
        size_t value_at = out->length;
        size_t first = i;
        for (; i < drafts->count && have_same_name(drafts, first, i); i++) {
            weft_buffer_append_text(out, i > first ? ";" : "");
            put_escaped(value_of(drafts, &drafts->items[i]), out);
        }
        if (out->is_failed) {
            return;
        }
        lengths[1] = (uint32_t)(out->length - value_at);
        memcpy(out->bytes + lengths_at, lengths, sizeof lengths);
    }
}

/* own: the label that the lines of such a series have of their own, or NULL. */
static bool has_invalid_pair(const struct drafts *drafts, const char *own)
{
    for (size_t i = 0; i < drafts->count; i++) {
        if ((i > 0 && have_same_name(drafts, i - 1, i)) ||
            (own != NULL && weft_slice_equal_text(name_of(drafts, &drafts->items[i]), own))) {
            return true;
        }
    }
    return false;
}

static void add_scope(struct drafts *drafts)
{
    const struct weft_prometheus_context *context = &drafts->table->context;
    for (size_t i = 0; i < context->scope_attributes.count; i++) {
        struct weft_slice key = context->scope_attributes.items[i].key;
        if (!weft_slice_equal_text(key, "name") && !weft_slice_equal_text(key, "version") &&
            !weft_slice_equal_text(key, "schema_url")) {
            add_key_value(drafts, "otel_scope_", &context->scope_attributes.items[i]);
        }
    }
    add_own(drafts, WEFT_SLICE_LITERAL("otel_scope_name"), context->scope_name);
    add_own(drafts, WEFT_SLICE_LITERAL("otel_scope_version"), context->scope_version);
    add_own(drafts, WEFT_SLICE_LITERAL("otel_scope_schema_url"), context->scope_schema_url);
}

static void add_job(struct drafts *drafts)
{
    const struct weft_prometheus_context *context = &drafts->table->context;
    if (context->has_job) {
        add_own(drafts, WEFT_SLICE_LITERAL("job"), context->job);
    }
    if (context->has_instance) {
        add_own(drafts, WEFT_SLICE_LITERAL("instance"), context->instance);
    }
}

/* Sorted and written if they are valid. */
static bool drafts_end(struct drafts *drafts, bool may_repeat, const char *own)
{
    struct weft_prometheus_context *context = &drafts->table->context;
    bool has_failed = context->names.is_failed || context->label_texts.is_failed || context->stack.is_failed;
    bool is_valid = drafts->is_valid && !has_failed;
    if (is_valid) {
        sort_drafts(drafts);
        is_valid = may_repeat || !has_invalid_pair(drafts, own);
    }
    if (is_valid) {
        write_drafts(drafts);
    }
    context->labels.is_failed = context->labels.is_failed || has_failed;
    weft_free(drafts->items);
    return is_valid && !context->labels.is_failed;
}

static const char *own_label_of(enum weft_prometheus_kind kind)
{
    bool has_buckets = kind == WEFT_PROMETHEUS_HISTOGRAM || kind == WEFT_PROMETHEUS_EXPONENTIAL;
    return has_buckets ? "le" : kind == WEFT_PROMETHEUS_SUMMARY ? "quantile" : NULL;
}

bool weft_prometheus_write_labels(struct weft_prometheus_table *table)
{
    struct weft_prometheus_context *context = &table->context;
    const struct weft_prometheus_settings *settings = &table->settings;
    struct drafts drafts;
    size_t scope_count = settings->leaves_out_scope ? 0 : context->scope_attributes.count;
    if (!drafts_begin(&drafts, table, context->item_count + scope_count + OWN_LABELS + settings->const_label_count)) {
        return false;
    }
    for (size_t i = 0; i < context->item_count; i++) {
        add_attribute(&drafts, "", context->items[i].name, context->items[i].value);
    }
    if (!settings->leaves_out_scope) {
        add_scope(&drafts);
    }
    add_job(&drafts);
    for (size_t i = 0; i < settings->const_label_count; i++) {
        add_own(&drafts, settings->const_labels[i].name, settings->const_labels[i].value);
    }
    return drafts_end(&drafts, false, own_label_of(context->metric.kind));
}

static bool is_job_or_instance(struct weft_slice name)
{
    return weft_slice_equal_text(name, "job") || weft_slice_equal_text(name, "instance");
}

/* Attributes without a valid name are left out; those whose names are the same share a label. */
bool weft_prometheus_write_target_labels(struct weft_prometheus_table *table)
{
    const struct weft_otlp_attributes *attributes = &table->context.resource_attributes;
    struct drafts drafts;
    if (attributes->count > WEFT_PROMETHEUS_LABELS_MAX || !drafts_begin(&drafts, table, attributes->count + 2)) {
        return false;
    }
    for (size_t i = 0; i < attributes->count; i++) {
        struct weft_slice key = attributes->items[i].key;
        if (!weft_slice_equal_text(key, "service.name") && !weft_slice_equal_text(key, "service.namespace") &&
            !weft_slice_equal_text(key, "service.instance.id")) {
            add_key_value(&drafts, "", &attributes->items[i]);
        }
        if (drafts.count > 0 && is_job_or_instance(name_of(&drafts, &drafts.items[drafts.count - 1]))) {
            drafts.count--;
        }
    }
    drafts.is_valid = true;
    add_job(&drafts);
    return drafts_end(&drafts, true, NULL);
}
