#pragma once

#include "exporters/prometheus_table.h"

/* The insides of a table (prometheus_table.h), for the files that take points, change series and write pages. */
enum { WEFT_PROMETHEUS_KEY_BYTES = WEFT_WIDE_HASH_BYTES };

/* Labels in the order of their names, one after the other: length of the name, length of the value (32 bits each), the
 * name, the value with its escapes. */
struct weft_prometheus_labels {
    uint8_t *bytes;
    size_t length;
};

struct weft_prometheus_family {
    struct weft_list node;          /* in the table's families, by age */
    struct weft_list series;        /* never empty but while one is made */
    enum weft_prometheus_kind kind; /* SUM and GAUGE are one, EXPONENTIAL and HISTOGRAM too */
    char *name, *help;
    size_t name_length, help_length;
};

/* A resource with a job and an instance: one series of target_info. */
struct weft_prometheus_target {
    struct weft_list node;
    uint64_t series_count;
    uint64_t resource_hash; /* that the labels were made of */
    uint64_t failed_hash;   /* of a resource that there was no room for, when that was tried last */
    struct weft_monotonic failed;
    struct weft_prometheus_labels labels; /* none: it is not shown */
};

struct weft_prometheus_series {
    struct weft_list by_age, in_family;
    struct weft_prometheus_family *family;
    struct weft_prometheus_target *target; /* or NULL */
    void *shown;                           /* its entry among what pages have */
    enum weft_prometheus_kind kind;
    bool is_integer, has_sum;
    int32_t scale;
    struct weft_monotonic updated;
    uint64_t start_ns, time_ns;
    int64_t integer;
    double real, sum;
    uint64_t count;
    struct weft_prometheus_labels labels;
    union weft_prometheus_word *words; /* histogram: bounds, then the count of each; summary: quantile and value */
    uint32_t word_count, word_capacity;
    uint32_t exemplar_count, exemplar_capacity;
    struct weft_prometheus_exemplar *exemplars; /* by bucket, one for each */
    size_t text_bytes;                          /* that it may take on a page, counted in the table's */
};

/* Where a page is being written; it is moved on when what it points to goes. */
struct weft_prometheus_cursor {
    struct weft_list node;
    struct weft_list *target; /* the next one: a node of the table's, or their head; NULL: all are written */
    struct weft_prometheus_family *family; /* NULL: all are written */
    struct weft_list *series;              /* the next one: a node of the family's list, or its head */
    bool is_begun;                         /* the head lines of the family, or of the targets, are written */
};

enum { WEFT_PROMETHEUS_LABELS_MAX = 256 }; /* attributes of a point, and of a scope */

/* What is known while a request is walked through; its memory is used again. */
struct weft_prometheus_context {
    struct weft_slice job, instance; /* of the resource; in texts */
    bool has_job, has_instance;
    uint64_t resource_hash;
    uint8_t resource_key[WEFT_PROMETHEUS_KEY_BYTES], metric_key[WEFT_PROMETHEUS_KEY_BYTES];
    struct weft_slice scope_name, scope_version, scope_schema_url;
    struct weft_prometheus_metric metric;
    struct weft_otlp_attributes resource_attributes, scope_attributes, attributes;
    struct weft_buffer texts, job_text; /* values as text: of a point; of a resource */
    struct weft_buffer key, stack, names, labels, label_texts;
    struct weft_prometheus_label items[WEFT_PROMETHEUS_LABELS_MAX]; /* of the point, by key */
    struct weft_prometheus_label spare_items[WEFT_PROMETHEUS_LABELS_MAX];
    size_t item_count;
    struct weft_prometheus_point point;
};

struct weft_prometheus_table {
    struct weft_prometheus_settings settings;
    struct weft_timers *timers;
    struct weft_budget *budget;
    struct weft_hash_secret secret;
    struct weft_table *series, *shown, *families_by_name, *targets_by_key;
    struct weft_list by_age; /* series, the longest without a point first */
    struct weft_list families, targets, cursors;
    struct weft_timer expiry_timer;
    size_t held_bytes; /* beside the tables' own */
    size_t text_bytes; /* of all series */
    uint64_t expired;
    struct weft_prometheus_context context;
};

static inline struct weft_slice weft_prometheus_key_slice(const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES])
{
    return weft_slice_of(key, WEFT_PROMETHEUS_KEY_BYTES);
}

struct weft_prometheus_series *weft_prometheus_series_of_age(struct weft_list *node);
struct weft_prometheus_series *weft_prometheus_series_in_family(struct weft_list *node);

/* Memory of series, counted and charged. FULL beyond max_bytes, NO_MEMORY; TAKEN is the success. */
enum weft_prometheus_fate weft_prometheus_alloc(struct weft_prometheus_table *table, size_t size_bytes,
                                                void *out_memory);
void weft_prometheus_release(struct weft_prometheus_table *table, void *memory, size_t size_bytes);

/* The same with a copy of the bytes. */
enum weft_prometheus_fate weft_prometheus_copy(struct weft_prometheus_table *table, const void *bytes, size_t length,
                                               void *out_memory);

/* An entry of one of the tables. FULL, NO_MEMORY. */
enum weft_prometheus_fate weft_prometheus_put(struct weft_table *entries, const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES],
                                              void *out_entry, bool *out_is_new);

/* The family of that name for the context's metric; a new one is empty. INVALID: it is of another kind, or its lines
 * would be another one's. name is as it was. */
enum weft_prometheus_fate weft_prometheus_get_family(struct weft_prometheus_table *table, struct weft_buffer *name,
                                                     struct weft_prometheus_family **out_family);
void weft_prometheus_family_free(struct weft_prometheus_table *table, struct weft_prometheus_family *family);

/* The target of the context's resource, for one more series. NULL where it has no job or no instance, or there is no
 * room. */
struct weft_prometheus_target *weft_prometheus_ref_target(struct weft_prometheus_table *table);
void weft_prometheus_target_unref(struct weft_prometheus_table *table, struct weft_prometheus_target *target);

/* With the labels of the resource as it is now, unless there is no memory for them, which is looked at once a second.
 */
void weft_prometheus_refresh_target(struct weft_prometheus_table *table, struct weft_prometheus_target *target);

/* The series of the context's point and key, or NULL. */
struct weft_prometheus_series *weft_prometheus_find(struct weft_prometheus_table *table,
                                                    const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES]);

/* Makes it. */
enum weft_prometheus_fate weft_prometheus_make_series(struct weft_prometheus_table *table,
                                                      const uint8_t key[WEFT_PROMETHEUS_KEY_BYTES],
                                                      struct weft_prometheus_series **out_series);
void weft_prometheus_remove_series(struct weft_prometheus_table *table, struct weft_prometheus_series *series);

/* The labels of the context's point, or of its resource's target, in context.labels. False: it has none that are
 * valid. */
bool weft_prometheus_write_labels(struct weft_prometheus_table *table);
bool weft_prometheus_write_target_labels(struct weft_prometheus_table *table);

/* Puts the context's point into the series. */
enum weft_prometheus_fate weft_prometheus_update(struct weft_prometheus_table *table,
                                                 struct weft_prometheus_series *series, bool is_new);

/* What the series may take on a page: each of its lines repeats its labels. */
size_t weft_prometheus_text_bytes(const struct weft_prometheus_series *series);

/* The series is as young as can be, and the timer is set for the oldest. */
void weft_prometheus_touch(struct weft_prometheus_table *table, struct weft_prometheus_series *series);

static inline bool weft_prometheus_is_expired(const struct weft_prometheus_table *table,
                                              const struct weft_prometheus_series *series)
{
    return weft_timers_now(table->timers).ns - series->updated.ns > table->settings.expiration_ns;
}

void weft_prometheus_cursor_begin(struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor);
void weft_prometheus_cursor_end(struct weft_prometheus_cursor *cursor);
