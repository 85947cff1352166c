#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "wire/signal.h"

/* The third of the three depths: the attributes of one checked record, opened on first use, as slices of its bytes. */
struct weft_otlp_attribute {
    struct weft_slice whole;    /* the field in its record, tag to last byte */
    struct weft_slice contents; /* of the KeyValue */
    struct weft_slice key;
};

/* In the order of the record; duplicates are all there. Reused from record to record: reading replaces what was in it.
 */
struct weft_otlp_attributes {
    struct weft_otlp_attribute *items;
    size_t count, capacity;
};

enum {
    WEFT_OTLP_KEY_FIELD = 1,   /* of KeyValue */
    WEFT_OTLP_VALUE_FIELD = 2, /* of KeyValue */
};

/* The field of Span and LogRecord that holds attributes; 0 for metrics, whose data points have them. */
uint32_t weft_otlp_attributes_field(enum weft_signal signal);

/* record: contents of a message that weft_otlp_check has passed, whose attributes are in field. WEFT_NOMEM only. */
enum weft_status weft_otlp_attributes_read(struct weft_slice record, uint32_t field,
                                           struct weft_otlp_attributes *attributes) WEFT_MUST_CHECK;

/* The same, behind those that are there already: for a message that is repeated and merges. */
enum weft_status weft_otlp_attributes_add(struct weft_slice record, uint32_t field,
                                          struct weft_otlp_attributes *attributes) WEFT_MUST_CHECK;
void weft_otlp_attributes_fini(struct weft_otlp_attributes *attributes);
