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
    WEFT_OTLP_KEY_FIELD = 1,                 /* of KeyValue */
    WEFT_OTLP_VALUE_FIELD = 2,               /* of KeyValue */
    WEFT_OTLP_BODY_FIELD = 5,                /* of LogRecord */
    WEFT_OTLP_RESOURCE_FIELD = 1,            /* of ResourceX */
    WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD = 1, /* of Resource */
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

/* The first attribute with that key (so the Collector finds them) among the fields of a checked message, or of its
 * region of attributes (otlp_index.h): *out_key_value is the contents of its KeyValue. */
bool weft_otlp_attribute_find(struct weft_slice message, uint32_t field, struct weft_slice key,
                              struct weft_slice *out_key_value);

/* Many keys that are sought in one walk: a number for the first of those that share a slot, 0 = there is none. Zeroed
 * at first; who has keys chains those of one slot himself. */
struct weft_otlp_keys {
    uint16_t first[256]; /* by weft_otlp_key_slot */
    uint64_t lengths;    /* bit n: there is a key of n bytes, or of 64 more, ... */
};

/* Looks at three bytes only. */
static inline uint8_t weft_otlp_key_slot(struct weft_slice key)
{
    return key.length == 0 ? 0 : (uint8_t)(key.length * 37 + key.bytes[0] * 11u + key.bytes[key.length - 1] * 5u);
}

/* Where the first number of a key's slot is to be put. */
static inline uint16_t *weft_otlp_keys_place(struct weft_otlp_keys *keys, struct weft_slice key)
{
    keys->lengths |= UINT64_C(1) << key.length % 64;
    return &keys->first[weft_otlp_key_slot(key)];
}

/* Most keys have another length than all that are sought. */
static inline bool weft_otlp_keys_may_have(const struct weft_otlp_keys *keys, struct weft_slice key)
{
    return (keys->lengths >> key.length % 64 & 1) != 0 && keys->first[weft_otlp_key_slot(key)] != 0;
}

/* The next attribute whose key may be one of them, of the fields of a checked message, or of its region of
 * attributes: *in_out_rest is the message at first. False at its end. */
bool weft_otlp_attribute_next(struct weft_slice *in_out_rest, uint32_t field, const struct weft_otlp_keys *keys,
                              struct weft_otlp_attribute *out_attribute);

/* All of them, and where attributes end: *out_end is behind the last one, behind the message if it has none. What was
 * in attributes goes. is_plain: the message is of a request whose counts say so. WEFT_NOMEM only. */
enum weft_status weft_otlp_attributes_sift(struct weft_slice message, uint32_t field, const struct weft_otlp_keys *keys,
                                           bool is_plain, struct weft_otlp_attributes *attributes,
                                           const uint8_t **out_end) WEFT_MUST_CHECK;

/* What an AnyValue holds: the number of its member. */
enum weft_otlp_value_kind {
    WEFT_OTLP_VALUE_NONE = 0,
    WEFT_OTLP_VALUE_STRING = 1,
    WEFT_OTLP_VALUE_BOOL = 2,
    WEFT_OTLP_VALUE_INT = 3,
    WEFT_OTLP_VALUE_DOUBLE = 4,
    WEFT_OTLP_VALUE_ARRAY = 5,
    WEFT_OTLP_VALUE_MAP = 6,
    WEFT_OTLP_VALUE_BYTES = 7
};

struct weft_otlp_value {
    enum weft_otlp_value_kind kind;
    bool is_split;           /* ARRAY, MAP: it came in pieces, which merge; bytes is the last. No encoder writes that */
    struct weft_slice bytes; /* STRING, BYTES: what it says; ARRAY, MAP: contents of the ArrayValue, KeyValueList */
    union {
        bool is_true;    /* BOOL */
        int64_t integer; /* INT */
        double real;     /* DOUBLE */
    };
};

/* The AnyValue that a checked message has in that field: of a KeyValue, a LogRecord, an ArrayValue. A value that is
 * repeated merges as protobuf has it: the last member counts. */
struct weft_otlp_value weft_otlp_value_of(struct weft_slice message, uint32_t field);

/* service.name of the Resource in a checked ResourceX, or in the fields of one (struct weft_otlp_resource). Empty if it
 * has none or it is no string. */
struct weft_slice weft_otlp_service_name(struct weft_slice resource_x);
