#pragma once

#include "base/arena.h"
#include "pipeline/metadata.h"
#include "pipeline/samples.h"
#include "processors/attributes_program.h"
#include "processors/attributes_value.h"

/* Running a program over the attributes of one message: a record, a data point, a resource. One walk finds every
 * attribute whose key the program (or who asks besides) names; the steps then act on these slots alone, and only if one
 * of them changed something the message is written anew, in one go: what stays is copied in runs. Keys are found,
 * updated and deleted as in the Collector, the first of several equal ones; what is inserted stands behind the last
 * attribute. */
enum weft_attribute_state { WEFT_ATTRIBUTE_KEPT, WEFT_ATTRIBUTE_CHANGED, WEFT_ATTRIBUTE_DELETED };

struct weft_attribute_slot {
    struct weft_slice name;
    struct weft_slice whole;    /* the field in the message; empty for one that was inserted */
    struct weft_slice contents; /* of the KeyValue, as it came */
    struct weft_slice head;     /* its fields that are no value: the key, and what nobody knows */
    struct weft_slice value;    /* its fields that are; none = no value */
    bool is_split;              /* head and value are known */
    uint16_t key;               /* its number in the program; WEFT_NO_ATTRIBUTE_KEY */
    enum weft_attribute_state state;
};

/* What a pattern said of a key: the same ones come with every record. A table of them for each pattern of keys, by
 * weft_otlp_key_slot, in which a key takes the place of another. */
enum { WEFT_ATTRIBUTE_VERDICTS = 256, WEFT_ATTRIBUTE_VERDICT_BYTES = 46 };

struct weft_attribute_verdict {
    uint8_t length; /* 0 = nothing is known; longer keys are not kept */
    bool is_match;
    uint8_t key[WEFT_ATTRIBUTE_VERDICT_BYTES];
};

/* Scratch of one worker. */
struct weft_attribute_editor {
    const struct weft_attribute_program *program;
    bool is_thorough; /* tests: every attribute has a slot, as if a pattern asked for all */
    bool is_plain;    /* the messages that come now are of a request whose counts say so */
    struct weft_otlp_attributes attributes;
    struct weft_attribute_slot *slots; /* those of the message first, in order, then those inserted */
    size_t count, capacity;
    size_t original_count;
    struct weft_slice message; /* that was read */
    uint32_t field;
    const uint8_t *insert_at;
    struct weft_arena *arena;
    bool is_changed, is_failed;  /* memory is gone */
    struct weft_buffer appendix; /* what the steps make of a message of this request that has none of their keys */
    uint32_t appendix_field;     /* the attributes' field in there; 0: it is not made */
    struct weft_digest *digest;
    struct weft_pattern_scratch *scratch;
    struct weft_attribute_verdict *verdicts;
    struct weft_attribute_texts texts;
    struct weft_slice *contexts; /* of the steps that have one: the field of a KeyValue; empty = it has no value */
    struct weft_buffer context_bytes;
    uint64_t limit_count; /* matches that met their limit */
};

/* The program outlives the editor. What was made is freed by weft_attribute_editor_fini either way. */
enum weft_status weft_attribute_editor_init(struct weft_attribute_editor *editor,
                                            const struct weft_attribute_program *program,
                                            struct weft_error *error) WEFT_MUST_CHECK;
void weft_attribute_editor_fini(struct weft_attribute_editor *editor);

/* Lets go of what a single large message made necessary. */
void weft_attribute_editor_trim(struct weft_attribute_editor *editor);

/* A batch begins (weft_pattern_scratch_begin_batch). */
void weft_attribute_editor_begin_batch(struct weft_attribute_editor *editor, const char *component);

/* The messages that come now are of a request with this metadata, NULL = none is known. WEFT_NOMEM only. */
enum weft_status weft_attribute_editor_begin(struct weft_attribute_editor *editor,
                                             const struct weft_metadata *metadata) WEFT_MUST_CHECK;

/* Makes the slots of a message whose attributes are in field, below 16. arena: for what is written. WEFT_NOMEM only. */
enum weft_status weft_attribute_editor_read(struct weft_attribute_editor *editor, struct weft_slice message,
                                            uint32_t field, struct weft_arena *arena) WEFT_MUST_CHECK;

/* Of the message that was read: the first attribute with the key that has this number; NULL if it has none. */
const struct weft_attribute_slot *weft_attribute_editor_find(const struct weft_attribute_editor *editor, uint16_t key);

/* Runs the steps. Nothing changed: *out_message is the message that was read. Else it is written to arena, all else in
 * the same order and bytes, with its frame as a field of that number right before it (0: without). WEFT_NOMEM only. */
enum weft_status weft_attribute_editor_run(struct weft_attribute_editor *editor, uint32_t frame,
                                           struct weft_slice *out_message) WEFT_MUST_CHECK;

/* Both. */
enum weft_status weft_attribute_editor_apply(struct weft_attribute_editor *editor, uint32_t field,
                                             struct weft_arena *arena, uint32_t frame,
                                             struct weft_slice *in_out_message) WEFT_MUST_CHECK;

/* The number of matches that met their limit, of a processor's instance. */
void weft_attribute_collect_limits(struct weft_samples *samples, const char *id, enum weft_signal signal,
                                   uint64_t limit_count);
