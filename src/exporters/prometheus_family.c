/* Families and targets (prometheus_internal.h): what series have in common on a page. Both go with their last series.
 */
#include <string.h>

#include "base/assert.h"
#include "exporters/prometheus_internal.h"

/* ---- families ---- */

static enum weft_prometheus_kind shown_kind(enum weft_prometheus_kind kind)
{
    return kind == WEFT_PROMETHEUS_SUM           ? WEFT_PROMETHEUS_GAUGE
           : kind == WEFT_PROMETHEUS_EXPONENTIAL ? WEFT_PROMETHEUS_HISTOGRAM
                                                 : kind;
}

static struct weft_prometheus_family *find_family(struct weft_prometheus_table *table, struct weft_slice name)
{
    uint8_t key[WEFT_PROMETHEUS_KEY_BYTES];
    weft_hash_wide(&table->secret, name, key);
    return weft_table_find(table->families_by_name, weft_prometheus_key_slice(key));
}

static bool collides_below(struct weft_prometheus_table *table, struct weft_slice name, const char *suffix)
{
    size_t length = strlen(suffix);
    if (name.length <= length || memcmp(name.bytes + name.length - length, suffix, length) != 0) {
        return false;
    }
    const struct weft_prometheus_family *other = find_family(table, weft_slice_of(name.bytes, name.length - length));
    return other != NULL && (other->kind == WEFT_PROMETHEUS_HISTOGRAM ||
                             (other->kind == WEFT_PROMETHEUS_SUMMARY && strcmp(suffix, "_bucket") != 0));
}

static bool collides_above(struct weft_prometheus_table *table, struct weft_buffer *name, size_t length,
                           const char *suffix)
{
    weft_buffer_append_text(name, suffix);
    bool does_collide = !name->is_failed && find_family(table, weft_buffer_slice(name)) != NULL;
    name->length = length;
    return does_collide;
}

/* The lines of a histogram x are x_bucket, x_sum and x_count: no other family can have these names. */
static bool collides(struct weft_prometheus_table *table, struct weft_buffer *name, enum weft_prometheus_kind kind)
{
    struct weft_slice text = weft_buffer_slice(name);
    bool is_histogram = kind == WEFT_PROMETHEUS_HISTOGRAM;
    if (collides_below(table, text, "_count") || collides_below(table, text, "_sum") ||
        collides_below(table, text, "_bucket")) {
        return true;
    }
    return (is_histogram || kind == WEFT_PROMETHEUS_SUMMARY) &&
           (collides_above(table, name, text.length, "_count") || collides_above(table, name, text.length, "_sum") ||
            (is_histogram && collides_above(table, name, text.length, "_bucket")));
}

void weft_prometheus_family_free(struct weft_prometheus_table *table, struct weft_prometheus_family *family)
{
    weft_assert(weft_list_is_empty(&family->series));
    WEFT_LIST_EACH(node, &table->cursors)
    {
        struct weft_prometheus_cursor *cursor = WEFT_CONTAINER_OF(node, struct weft_prometheus_cursor, node);
        if (cursor->family == family) {
            struct weft_list *next = family->node.next;
            cursor->family =
                next == &table->families ? NULL : WEFT_CONTAINER_OF(next, struct weft_prometheus_family, node);
            cursor->series = cursor->family == NULL ? NULL : cursor->family->series.next;
            cursor->is_begun = false;
        }
    }
    weft_list_remove(&family->node);
    weft_prometheus_release(table, family->name, family->name_length);
    weft_prometheus_release(table, family->help, family->help_length);
    weft_table_remove(table->families_by_name, family);
}

enum weft_prometheus_fate weft_prometheus_get_family(struct weft_prometheus_table *table, struct weft_buffer *name,
                                                     struct weft_prometheus_family **out_family)
{
    const struct weft_prometheus_metric *metric = &table->context.metric;
    enum weft_prometheus_kind kind = shown_kind(metric->kind);
    uint8_t key[WEFT_PROMETHEUS_KEY_BYTES];
    weft_hash_wide(&table->secret, weft_buffer_slice(name), key);
    struct weft_prometheus_family *family = weft_table_find(table->families_by_name, weft_prometheus_key_slice(key));
    if (family != NULL || collides(table, name, kind)) {
        *out_family = family;
        return family != NULL && family->kind == kind ? WEFT_PROMETHEUS_TAKEN : WEFT_PROMETHEUS_INVALID;
    }
    bool is_new = false;
    enum weft_prometheus_fate fate = weft_prometheus_put(table->families_by_name, key, &family, &is_new);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    family->kind = kind;
    weft_list_init(&family->series);
    weft_list_push_back(&table->families, &family->node);
    fate = weft_prometheus_copy(table, name->bytes, name->length, &family->name);
    family->name_length = name->length;
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        fate = weft_prometheus_copy(table, metric->description.bytes, metric->description.length, &family->help);
        family->help_length = metric->description.length;
    }
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        weft_prometheus_family_free(table, family);
        return fate;
    }
    *out_family = family;
    return WEFT_PROMETHEUS_TAKEN;
}

/* ---- targets ---- */

static void move_cursors(struct weft_prometheus_table *table, const struct weft_prometheus_target *target)
{
    WEFT_LIST_EACH(node, &table->cursors)
    {
        struct weft_prometheus_cursor *cursor = WEFT_CONTAINER_OF(node, struct weft_prometheus_cursor, node);
        if (cursor->target == &target->node) {
            cursor->target = target->node.next;
        }
    }
}

void weft_prometheus_target_unref(struct weft_prometheus_table *table, struct weft_prometheus_target *target)
{
    if (target != NULL && --target->series_count == 0) {
        move_cursors(table, target);
        weft_list_remove(&target->node);
        weft_prometheus_release(table, target->labels.bytes, target->labels.length);
        weft_table_remove(table->targets_by_key, target);
    }
}

void weft_prometheus_refresh_target(struct weft_prometheus_table *table, struct weft_prometheus_target *target)
{
    uint64_t hash = table->context.resource_hash;
    struct weft_monotonic now = weft_timers_now(table->timers);
    bool is_current = target->labels.bytes != NULL && target->resource_hash == hash;
    bool has_just_failed =
        target->failed.ns != 0 && target->failed_hash == hash && now.ns - target->failed.ns < WEFT_NS_PER_S;
    if (is_current || has_just_failed) {
        return;
    }
    const struct weft_buffer *labels = &table->context.labels;
    struct weft_prometheus_labels made = { .length = 0 };
    if (!weft_prometheus_write_target_labels(table) ||
        weft_prometheus_copy(table, labels->bytes, labels->length, &made.bytes) != WEFT_PROMETHEUS_TAKEN) {
        target->failed_hash = hash;
        target->failed = now;
        return;
    }
    made.length = labels->length;
    weft_prometheus_release(table, target->labels.bytes, target->labels.length);
    target->labels = made;
    target->resource_hash = hash;
}

struct weft_prometheus_target *weft_prometheus_ref_target(struct weft_prometheus_table *table)
{
    struct weft_prometheus_target *target = NULL;
    bool is_new = false;
    if (table->context.job.length == 0 || table->context.instance.length == 0 ||
        weft_prometheus_put(table->targets_by_key, table->context.resource_key, &target, &is_new) !=
            WEFT_PROMETHEUS_TAKEN) {
        return NULL;
    }
    if (is_new) {
        weft_list_push_back(&table->targets, &target->node);
    }
    target->series_count++;
    weft_prometheus_refresh_target(table, target);
    return target;
}
