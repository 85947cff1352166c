#pragma once

#include "ottl/node.h"
#include "ottl/run.h"

/* What paths stand for: a table (path_table.c) with a row for each path of each context, as the Collector has them.
 *
 * TO ADD A PATH: one row. Where its value is one field of a message, level, field and form say all; else `read` is a
 * function of its own.
 *
 * TO WRITE THROUGH A PATH (statements): by level, field and form, too. A row with a `read` of its own gets a `write`
 * beside it; NULL there with form SPECIAL means that it cannot be set. See record.h for what a write does to the
 * record. */
enum weft_ottl_form {
    WEFT_OTTL_FORM_STRING,
    WEFT_OTTL_FORM_UINT,  /* uint32 on the wire */
    WEFT_OTTL_FORM_ENUM,  /* int32 on the wire */
    WEFT_OTTL_FORM_NANOS, /* fixed64, as a number */
    WEFT_OTTL_FORM_TIME,  /* the same, as a time */
    WEFT_OTTL_FORM_TRACE_ID,
    WEFT_OTTL_FORM_TRACE_ID_TEXT, /* hex */
    WEFT_OTTL_FORM_SPAN_ID,
    WEFT_OTTL_FORM_SPAN_ID_TEXT,
    WEFT_OTTL_FORM_MAP,      /* attributes at their level's field; with keys what is under them */
    WEFT_OTTL_FORM_MESSAGE,  /* as a whole */
    WEFT_OTTL_FORM_MESSAGES, /* the whole list */
    WEFT_OTTL_FORM_CACHE,
    WEFT_OTTL_FORM_SPECIAL, /* its own functions */
};

typedef enum weft_status (*weft_ottl_path_read_fn)(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                                   struct weft_ottl_value *out_value);
typedef enum weft_status (*weft_ottl_path_write_fn)(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                                    const struct weft_ottl_value *value);

struct weft_ottl_path_row {
    enum weft_ottl_context context; /* the word before it */
    const char *name;               /* "status.code" */
    enum weft_ottl_level level;
    uint32_t field;
    enum weft_ottl_form form;
    bool takes_keys;
    weft_ottl_path_read_fn read;
    weft_ottl_path_write_fn write;
};

/* NULL: there is none. name: words with points between them. */
const struct weft_ottl_path_row *weft_ottl_path_find(enum weft_ottl_context context, struct weft_slice name);
/* NULL: none is near. */
const char *weft_ottl_path_nearest(enum weft_ottl_context context, struct weft_slice name);

/* path_read.c: WEFT_INVALID with run->error: it has no such value. What is not there is nil. */
enum weft_status weft_ottl_path_read(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

/* An attribute that is sought, in one step. False: it is to be read as any other path. */
static inline bool weft_ottl_path_read_slot(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    if (path->sought == NULL) {
        return false;
    }
    const struct weft_ottl_slots *slots = &weft_ottl_record_decoded(&run->record, path->row->level)->slots;
    if (slots->sought != path->sought) {
        return false;
    }
    weft_ottl_slot_read(slots, path->slot, out_value);
    return true;
}

/* A text of that kind: short, or made by a statement. False: see whether it is another value. */
static inline bool weft_ottl_path_read_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_slice *out_text)
{
    enum { STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES, FRAME = 2, MORE = 0x80 };
    if (path->sought == NULL) {
        return false;
    }
    const struct weft_ottl_slots *slots = &weft_ottl_record_decoded(&run->record, path->row->level)->slots;
    const struct weft_ottl_slot *slot = &slots->items[path->slot];
    if (slots->sought != path->sought) {
        return false;
    }
    if ((slots->changed >> path->slot & 1) != 0) {
        *out_text = slot->value.bytes;
        return slot->value.kind == WEFT_OTTL_STRING;
    }
    if (((slots->found & ~slots->removed) >> path->slot & 1) == 0) {
        return false;
    }
    const uint8_t *at = slot->contents;
    size_t length = at == NULL ? 0 : (size_t)(slot->end - at);
    if (length < FRAME || at[0] != STRING_TAG || at[1] >= MORE || at[1] + (size_t)FRAME != length) {
        return false;
    }
    *out_text = (struct weft_slice){ at + FRAME, length - FRAME };
    return true;
}

/* Whether a literal of that kind can be set; false with the kind that can. Paths that look at a value themselves take
 * all here. */
bool weft_ottl_path_takes(const struct weft_ottl_path *path, enum weft_ottl_kind kind, enum weft_ottl_kind *out_wanted);

/* The value of a key for a map (a string) or a list (an int). */
enum weft_status weft_ottl_key_text(struct weft_ottl_run *run, const struct weft_ottl_key *key,
                                    struct weft_slice *out_text) WEFT_MUST_CHECK;
enum weft_status weft_ottl_key_index(struct weft_ottl_run *run, const struct weft_ottl_key *key,
                                     int64_t *out_index) WEFT_MUST_CHECK;

/* What lies under keys of a value: nil if a map does not have one. */
enum weft_status weft_ottl_value_under(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                       const struct weft_ottl_key *keys, size_t key_count,
                                       struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

/* path_special.c: names of kinds of spans, by number. */
enum { WEFT_OTTL_SPAN_KIND_COUNT = 6 };
extern const char *const weft_ottl_span_kinds[];
extern const char *const weft_ottl_span_kinds_old[];

enum weft_status weft_ottl_read_trace_state(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_kind_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_kind_old_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                              struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_event_index(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_body(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_body_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_metric_type(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_temporality(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_monotonic(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_data_points(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
/* path_point.c: what only some kinds of data points have. */
enum weft_status weft_ottl_read_point(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                      struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
