#pragma once

#include "ottl/slots.h"
#include "wire/signal.h"

/* The record that is looked at, with what lies around it, opened level by level as paths ask for it.
 *
 * A level is one message of the wire. Nothing of it is read before a path asks; attributes that are asked for by key
 * are looked for in its bytes, and all other fields come from one walk that notes where each lies.
 *
 * WRITING (statements): a setter changes the decoded view and not the bytes. For attributes it changes their slots
 * (slots.h) or opens the map (`attributes`, weft_ottl_message_attributes), for all other fields it puts another
 * contents or number into `fields[number]`; all set the field's bit in `touched`. Readers look there first, so that a
 * later statement sees what an earlier one did. Whoever runs the statements writes a message anew if `touched` is not
 * 0: fields that are not touched go through byte by byte, in their order. A message that holds another one (a Span its
 * Status) is touched by the write of the inner one, at that field. */
enum weft_ottl_level {
    WEFT_OTTL_LEVEL_RESOURCE_X, /* the fields of a ResourceX beside its scopes */
    WEFT_OTTL_LEVEL_RESOURCE,
    WEFT_OTTL_LEVEL_SCOPE_X, /* of a ScopeX beside its records */
    WEFT_OTTL_LEVEL_SCOPE,
    WEFT_OTTL_LEVEL_RECORD, /* Span, LogRecord, Metric */
    WEFT_OTTL_LEVEL_STATUS, /* of a Span */
    WEFT_OTTL_LEVEL_DATA,   /* Gauge, Sum, ... of a Metric */
    WEFT_OTTL_LEVEL_ITEM,   /* a span event, a data point */
    WEFT_OTTL_LEVEL_COUNT,
};

enum { WEFT_OTTL_FIELD_COUNT = 17 /* fields with higher numbers are carried and not looked at */ };

/* As protobuf has it: of a repeated one the last counts, unless it is a list. */
struct weft_ottl_field {
    const uint8_t *first, *end; /* from the tag of the first to the end of the last; other fields may lie between */
    struct weft_slice bytes;    /* contents of the last, if it has some */
    uint64_t number;            /* else its number */
    const uint8_t *wire_first, *wire_end; /* where it was in the message; NULL = it was not. Once it is touched */
};

struct weft_ottl_message {
    struct weft_slice bytes;          /* as it came */
    uint32_t list_field;              /* of the attributes, which are many; 0 = it has none */
    bool is_decoded;                  /* fields and present are valid */
    bool is_skimmed;                  /* of what is wanted (struct weft_ottl_wants) at least */
    bool is_plain;                    /* its attributes are; see the record */
    uint32_t head_fields;             /* of the fields that SDKs begin a span with: those that are asked for */
    uint32_t present;                 /* bit n: field n is there */
    uint32_t touched;                 /* bit n: field n was written; see above */
    uint32_t lent;                    /* bit n: field n, which is touched, is its contents only, from first to end */
    uint32_t scattered;               /* bit n: field n came more than once, with others between */
    struct weft_ottl_map *attributes; /* open, instead of those in the bytes; NULL = not opened */
    struct weft_ottl_field fields[WEFT_OTTL_FIELD_COUNT];
    struct weft_ottl_slots slots; /* of the attributes, once it is decoded and until they are open */
};

/* The kinds of data that a Metric may have, as pmetric numbers them. */
enum weft_ottl_metric_type {
    WEFT_OTTL_METRIC_NONE,
    WEFT_OTTL_METRIC_GAUGE,
    WEFT_OTTL_METRIC_SUM,
    WEFT_OTTL_METRIC_HISTOGRAM,
    WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM,
    WEFT_OTTL_METRIC_SUMMARY,
};

/* What is asked of a Span, LogRecord or Metric, where only brief conditions (brief.h) are asked of it: a walk that
 * finds nothing else is shorter. Whoever asks for more has it decoded as always. */
struct weft_ottl_wants {
    uint64_t keys;   /* bit n: the attribute of slot n, of which the first counts */
    uint32_t fields; /* bit n: field n */
};

struct weft_ottl_record {
    enum weft_signal signal;
    bool has_level[WEFT_OTTL_LEVEL_COUNT]; /* its bytes are known */
    struct weft_ottl_message levels[WEFT_OTTL_LEVEL_COUNT];
    enum weft_ottl_metric_type metric_type; /* once DATA is known */
    struct weft_ottl_map *cache;            /* what statements keep between them; NULL = empty */
    int64_t event_index;                    /* -1 = not told */
    const struct weft_ottl_sought *sought;  /* which attributes will be asked for; NULL = nobody said */
    const struct weft_ottl_wants *wants;    /* all that is read of RECORD as skimmed; NULL = nobody said */
    bool is_plain;                          /* it is of a request whose counts say so (wire/otlp_check.h) */
};

/* For the levels that are set from now on: those around a record, too. */
void weft_ottl_record_seek(struct weft_ottl_record *record, const struct weft_ottl_sought *sought);

/* For records that are set from now on; NULL: they are decoded. */
void weft_ottl_record_want(struct weft_ottl_record *record, const struct weft_ottl_wants *wants);

/* Whether the request of the levels that are opened from now on has plain attributes, as its counts say
 * (wire/otlp_check.h). Who has never said so has none; who has says it for each request, and each part of a batch. */
void weft_ottl_record_set_plain(struct weft_ottl_record *record, bool is_plain);

/* Each forgets what lies below. headers: as struct weft_otlp_table has them. Borrowed until the next one is set. */
void weft_ottl_record_set_resource(struct weft_ottl_record *record, enum weft_signal signal, struct weft_slice header);
void weft_ottl_record_set_scope(struct weft_ottl_record *record, struct weft_slice header);
void weft_ottl_record_set_record(struct weft_ottl_record *record, struct weft_slice contents);
void weft_ottl_record_set_item(struct weft_ottl_record *record, struct weft_slice contents);

/* The message with its bytes known; an empty one if there is none. */
struct weft_ottl_message *weft_ottl_record_level(struct weft_ottl_record *record, enum weft_ottl_level level);

/* Notes where each field lies, once. */
void weft_ottl_message_decode(struct weft_ottl_message *message);

struct weft_ottl_message *weft_ottl_record_decode(struct weft_ottl_record *record, enum weft_ottl_level level);

/* The same, decoded. */
static inline struct weft_ottl_message *weft_ottl_record_decoded(struct weft_ottl_record *record,
                                                                 enum weft_ottl_level level)
{
    struct weft_ottl_message *message = &record->levels[level];
    return WEFT_LIKELY(record->has_level[level] && message->is_decoded) ? message
                                                                        : weft_ottl_record_decode(record, level);
}

/* Finds what is wanted and no more. No other slots and fields may be read until it is decoded. */
void weft_ottl_message_skim(struct weft_ottl_message *message, const struct weft_ottl_wants *wants);

/* The same of a message whose attributes are known to be plain. False: this one's are not, and nothing is known of it.
 */
bool weft_ottl_message_skim_plain(struct weft_ottl_message *message, const struct weft_ottl_wants *wants);

const struct weft_ottl_message *weft_ottl_record_skim(struct weft_ottl_record *record, enum weft_ottl_level level);

/* For who reads what is wanted: skimmed, or decoded if nobody said what that is. */
static inline const struct weft_ottl_message *weft_ottl_record_skimmed(struct weft_ottl_record *record,
                                                                       enum weft_ottl_level level)
{
    const struct weft_ottl_message *message = &record->levels[level];
    return WEFT_LIKELY(record->has_level[level] && message->is_skimmed) ? message
                                                                        : weft_ottl_record_skim(record, level);
}

/* The record is set, and is skimmed so. */
const struct weft_ottl_message *weft_ottl_record_set_skimmed(struct weft_ottl_record *record,
                                                             struct weft_slice contents);

enum weft_ottl_metric_type weft_ottl_record_metric_type(struct weft_ottl_record *record);

/* The field of the attributes at this level; 0 = it has none. */
uint32_t weft_ottl_record_attributes_field(struct weft_ottl_record *record, enum weft_ottl_level level);

/* NULL: the message does not have it. */
static inline const struct weft_ottl_field *weft_ottl_message_field(const struct weft_ottl_message *message,
                                                                    uint32_t number)
{
    return (message->present >> number & 1) != 0 ? &message->fields[number] : NULL;
}

/* The KeyValues in that field, as they stand now: wire or open. Slots that are changed are not in it: see below. */
struct weft_ottl_value weft_ottl_message_map(const struct weft_ottl_message *message, uint32_t field);

/* Opened for changes, with those that are in slots; memory lives as long as the message. NULL without memory. */
struct weft_ottl_map *weft_ottl_message_attributes(struct weft_ottl_message *message, uint32_t field,
                                                   struct weft_entry_memory *memory) WEFT_MUST_CHECK;
