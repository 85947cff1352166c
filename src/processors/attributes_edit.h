#pragma once

#include "base/arena.h"
#include "processors/attributes_program.h"
#include "wire/otlp_attributes.h"

/* Editing the attributes of one record. The record's bytes are never changed: edits are gathered as a list of what
 * becomes of each attribute, and only if there are any is the record written anew. */
struct weft_attribute_edit {
    enum weft_attribute_action action;
    struct weft_slice key;
    struct weft_slice key_value; /* contents of a KeyValue: the key, and the value unless from_key is its source */
    struct weft_slice from_key;  /* empty = none */
};

/* An attribute as it will be. Its key (and whatever else its KeyValue holds) comes from one KeyValue, its value from
 * another; both are slices of the record or of an edit. */
struct weft_edited_attribute {
    struct weft_slice key;
    struct weft_slice whole; /* in the record; empty for one that was inserted */
    struct weft_slice base;
    struct weft_slice value_source;
    bool is_deleted;
    bool is_changed;
};

/* Scratch of one worker; all zero is empty. */
struct weft_attribute_editor {
    struct weft_otlp_attributes attributes;
    struct weft_edited_attribute *items; /* those of the record first, in order, then those inserted */
    size_t count, capacity;
    size_t original_count;
};

void weft_attribute_editor_fini(struct weft_attribute_editor *editor);

/* Applies the edits in order to the record whose attributes are in field. Nothing changed: *in_out_record stays. Else
 * it is written to arena: all else in the same order and bytes, attributes inserted behind the last one. Keys are
 * found, updated and deleted as in the Collector: the first of several equal ones. WEFT_NOMEM changes nothing. */
enum weft_status weft_attributes_edit(struct weft_attribute_editor *editor, const struct weft_attribute_edit *edits,
                                      size_t edit_count, uint32_t field, struct weft_arena *arena,
                                      struct weft_slice *in_out_record) WEFT_MUST_CHECK;
