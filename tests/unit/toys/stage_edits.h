#pragma once

#include "pipeline/batch.h"
#include "stage_world.h"
#include "wire/otlp_attributes.h"

/* What the editing processors of the stage simulation did to records and resources. Each puts an attribute of its own
 * there, and one more if it finds that: who edits a batch twice, because it came again after a refusal, is found out.
 * The redaction hashes what stands in front of it: a hash of a hash is as easily told. */
#define EDITED_FRONT    "front"
#define EDITED_BEHIND   "behind"
#define EDITED_RESOURCE "resource"
#define TURNED_FRONT    "turned"
#define TURNED_BEHIND   "turned/behind"
#define TURNED_RESOURCE "turned/resource"
#define EDITED_TWICE    "twice"
#define EDIT_VALUE      "x"
#define EDIT_MASKED     "9dd4e461268c8034f5c8564e155c67a6" /* its MD5 */
#define EDITS(key)                                                                  \
    "[{key: " EDITED_TWICE ", action: upsert, from_attribute: " key "}, {key: " key \
    ", action: upsert, value: " EDIT_VALUE "}]"

/* The same as a block of transform's statements. A match is work enough for a turn. */
#define TURNS(context, key)                                                                                    \
    "{statements: ['set(" context ".attributes[\"" EDITED_TWICE "\"], " context ".attributes[\"" key "\"])', " \
    "'set(" context ".attributes[\"" key "\"], \"" EDIT_VALUE "\") where IsMatch(\"turn\", \"^.u\")']}"

/* Records that the filters drop: in front by a digit of the trace id, behind by one of the span id. */
#define FILTERED_FRONT(context)  "IsMatch(" context ".trace_id.string, \"^.{17}[37]\")"
#define FILTERED_BEHIND(context) "IsMatch(" context ".span_id.string, \"^.5\")"

static inline bool is_filtered(uint64_t id, size_t step)
{
    unsigned digit = world->owner_byte[id] & 15;
    return step == STEP_FILTER_FRONT ? digit == 3 || digit == 7 : id % 16 == 5;
}

/* The text of an attribute; empty if it is not there. */
static inline struct weft_slice edited_text(struct weft_slice message, uint32_t field, const char *key)
{
    struct weft_slice key_value;
    if (!weft_otlp_attribute_find(message, field, weft_slice_of_text(key), &key_value)) {
        return WEFT_SLICE_EMPTY;
    }
    return weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD).bytes;
}

/* While nothing was reloaded it is known which steps a record has gone through. */
static inline void expect_edit(struct weft_slice text, size_t pipeline, size_t step, bool is_masked)
{
    bool is_plain = weft_slice_equal_text(text, EDIT_VALUE);
    bool is_hashed = weft_slice_equal_text(text, EDIT_MASKED);
    EXPECT(text.length == 0 || is_plain || is_hashed, "an edit was hashed twice: %.*s", WEFT_SLICE_PRINT(text));
    if (world->shape_count == 1) {
        const struct pipeline_shape *shape = &world->shapes[0].pipelines[pipeline];
        bool has_step = shape->has_step[step];
        EXPECT(has_step == (text.length > 0), "%s was %sdone in %s", step_names[step], has_step ? "not " : "",
               pipeline_names[pipeline]);
        EXPECT(!has_step || is_hashed == (is_masked && shape->has_step[STEP_MASK]), "what %s did is %shashed",
               step_names[step], is_hashed ? "" : "not ");
    }
}

static inline void see_edits_of_record(struct weft_slice record, enum weft_signal signal, size_t pipeline)
{
    uint32_t field = weft_otlp_attributes_field(signal);
    EXPECT(edited_text(record, field, EDITED_TWICE).length == 0, "a record was edited twice");
    expect_edit(edited_text(record, field, EDITED_FRONT), pipeline, STEP_EDIT_FRONT, true);
    expect_edit(edited_text(record, field, EDITED_BEHIND), pipeline, STEP_EDIT_BEHIND, false);
    expect_edit(edited_text(record, field, TURNED_FRONT), pipeline, STEP_TURN_FRONT, true);
    expect_edit(edited_text(record, field, TURNED_BEHIND), pipeline, STEP_TURN_BEHIND, false);
}

static inline void see_filtered(uint64_t id, size_t pipeline)
{
    const struct pipeline_shape *shape = &world->shapes[0].pipelines[pipeline];
    for (size_t step = STEP_FILTER_FRONT; world->shape_count == 1 && step <= STEP_FILTER_BEHIND; step++) {
        bool is_filter = step == STEP_FILTER_FRONT || step == STEP_FILTER_BEHIND;
        EXPECT(!is_filter || !shape->has_step[step] || !is_filtered(id, step), "record %llu came through %s of %s",
               (unsigned long long)id, step_names[step], pipeline_names[pipeline]);
    }
}

static inline void see_edits_of_resources(const struct weft_batch *batch, size_t pipeline)
{
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_otlp_table table;
        struct weft_arena *arena = NULL;
        if (weft_batch_look(batch, &batch->parts[i], &arena, &table) != WEFT_OK) {
            continue; /* memory fails here, too */
        }
        for (uint32_t r = 0; r < table.resource_count; r++) {
            struct weft_slice header = table.resources[r].header;
            struct weft_slice resource = WEFT_SLICE_EMPTY;
            if (header.length > 2 && header.bytes[0] == 0x0a) { /* its only field, a short one */
                resource = weft_slice_of(header.bytes + 2, header.length - 2);
            }
            EXPECT(edited_text(resource, 1, EDITED_TWICE).length == 0, "a resource was edited twice");
            expect_edit(edited_text(resource, 1, EDITED_RESOURCE), pipeline, STEP_RESOURCE, false);
            expect_edit(edited_text(resource, 1, TURNED_RESOURCE), pipeline, STEP_TURN_BEHIND, false);
        }
        weft_arena_unref(&arena);
    }
}
