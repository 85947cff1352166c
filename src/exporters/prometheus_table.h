#pragma once

#include "base/hash.h"
#include "base/list.h"
#include "base/table.h"
#include "base/timers.h"
#include "exporters/prometheus_point.h"
#include "wire/otlp_attributes.h"

/* The series that an exporter `prometheus` shows: the last value of each, found by what it is (resource, scope, name,
 * unit, kind, attributes) and grouped into families by the name that Prometheus sees. A point of a series that is there
 * changes it in place and takes no memory; a new one takes its labels once. Series that get no point for
 * expiration_ns go, a bounded number a tick. All of it is charged to the budget and bounded by max_series and
 * max_bytes. Belongs to one worker. */
struct weft_prometheus_label {
    struct weft_slice name, value;
};

struct weft_prometheus_settings {
    struct weft_prometheus_naming naming; /* its texts outlive the table */
    const struct weft_prometheus_label *const_labels;
    size_t const_label_count;
    struct weft_slice target_info_name; /* with the namespace before it */
    bool leaves_out_scope;
    bool converts_resource, excludes_service; /* resource_to_telemetry_conversion */
    bool keeps_exemplars;
    int64_t expiration_ns;
    uint64_t max_series;
    size_t max_bytes;
    size_t max_page_bytes; /* that all series together may take; 0 = without a limit */
};

/* What became of a data point. */
enum weft_prometheus_fate {
    WEFT_PROMETHEUS_TAKEN,      /* it is shown, or it ended its series as it said */
    WEFT_PROMETHEUS_SUPERSEDED, /* the series has a newer value */
    WEFT_PROMETHEUS_INVALID,    /* Prometheus has no form for it */
    WEFT_PROMETHEUS_FULL,       /* a new series beyond the limits */
    WEFT_PROMETHEUS_NO_MEMORY,
    WEFT_PROMETHEUS_FATES
};

struct weft_prometheus_table;

/* timers and budget outlive the table. NULL when memory is gone. */
struct weft_prometheus_table *weft_prometheus_table_try_new(const struct weft_prometheus_settings *settings,
                                                            struct weft_timers *timers,
                                                            struct weft_budget *budget) WEFT_MUST_CHECK;
void weft_prometheus_table_free(struct weft_prometheus_table *table);

/* Takes the data points of a checked request, which is only read; adds to the counts how many met which fate. */
void weft_prometheus_table_take(struct weft_prometheus_table *table, struct weft_slice request,
                                uint64_t in_out_fates[WEFT_PROMETHEUS_FATES]);

size_t weft_prometheus_table_count(const struct weft_prometheus_table *table);
size_t weft_prometheus_table_size_bytes(const struct weft_prometheus_table *table);
uint64_t weft_prometheus_table_expired(const struct weft_prometheus_table *table);
