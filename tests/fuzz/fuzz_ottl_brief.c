/* Any bytes as conditions, a line each, and behind a 0 any bytes that the check lets pass as a request: of each record
 * a brief condition says what its tree says, whether the record is skimmed or decoded. The first byte picks the signal.
 */
#include "base/alloc.h"
#include "base/assert.h"
#include "ottl/ottl.h"
#include "wire/otlp_check.h"
#include "wire/otlp_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_CONDITIONS = 8 };

struct conditions {
    struct weft_ottl_program *programs[MAX_CONDITIONS];
    size_t count;
    struct weft_ottl_sought sought;
    struct weft_ottl_wants wants;
};

/* Those that are brief. False: one of the texts is wrong. */
static bool compile(struct conditions *conditions, enum weft_signal signal, struct weft_slice text)
{
    static const enum weft_ottl_context contexts[] = {
        [WEFT_TRACES] = WEFT_OTTL_SPAN, [WEFT_METRICS] = WEFT_OTTL_METRIC, [WEFT_LOGS] = WEFT_OTTL_LOG
    };
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION,
                                         .context = contexts[signal],
                                         .sought = &conditions->sought };
    while (text.length > 0 && conditions->count < MAX_CONDITIONS) {
        const uint8_t *end = memchr(text.bytes, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.bytes);
        struct weft_ottl_program **program = &conditions->programs[conditions->count];
        if (weft_ottl_program_new(weft_slice_of(text.bytes, length), &options, program, NULL) != WEFT_OK) {
            return false;
        }
        conditions->count++;
        if ((*program)->brief != NULL) {
            conditions->wants.keys |= (*program)->brief->wants.keys;
            conditions->wants.fields |= (*program)->brief->wants.fields;
        }
        length += end != NULL;
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    return true;
}

static void look_at(struct weft_ottl_run *run, enum weft_signal signal, const struct weft_otlp_walk *walk,
                    struct weft_slice record)
{
    weft_ottl_run_clear(run);
    weft_ottl_record_set_resource(&run->record, signal, walk->resource_x);
    weft_ottl_record_set_scope(&run->record, walk->scope_x);
    weft_ottl_record_set_record(&run->record, record);
}

static void ask_both_ways(const struct conditions *conditions, struct weft_ottl_run *tree, struct weft_ottl_run *brief)
{
    for (size_t i = 0; i < conditions->count; i++) {
        const struct weft_ottl_program *program = conditions->programs[i];
        bool expected = false, holds = false;
        if (program->brief != NULL && weft_ottl_brief_holds(program->brief, &brief->record, &holds)) {
            weft_ottl_run_begin(tree);
            weft_assert(weft_ottl_holds(tree, program->condition, &expected) == WEFT_OK);
            weft_assert(holds == expected);
        }
    }
}

/* All that are brief, in a row: the first that holds. */
static struct weft_ottl_briefs *row_of(const struct conditions *conditions)
{
    const struct weft_ottl_brief *briefs[MAX_CONDITIONS];
    size_t count = 0;
    for (size_t i = 0; i < conditions->count; i++) {
        if (conditions->programs[i]->brief != NULL) {
            briefs[count++] = conditions->programs[i]->brief;
        }
    }
    struct weft_ottl_briefs *row = weft_ottl_briefs_try_new(briefs, count);
    weft_assert(row != NULL);
    return row;
}

static void ask_in_a_row(const struct conditions *conditions, const struct weft_ottl_briefs *row,
                         struct weft_ottl_run *tree, struct weft_ottl_run *brief, struct weft_slice record)
{
    size_t found, number = 0;
    if (!weft_ottl_briefs_find(row, &brief->record, record, &found)) {
        return;
    }
    for (size_t i = 0; i < conditions->count; i++) {
        bool holds = false;
        if (conditions->programs[i]->brief == NULL) {
            continue;
        }
        weft_ottl_run_begin(tree);
        weft_assert(weft_ottl_holds(tree, conditions->programs[i]->condition, &holds) == WEFT_OK);
        weft_assert(holds == (number == found));
        if (holds) {
            return;
        }
        number++;
    }
    weft_assert(found == row->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_ottl_run tree, brief;
    static bool is_made;
    struct conditions conditions = { .count = 0 };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    const uint8_t *end = size < 2 ? NULL : memchr(data + 1, 0, size - 1);
    if (end == NULL) {
        return 0;
    }
    if (!is_made) {
        weft_assert(weft_ottl_run_init(&tree, NULL) == WEFT_OK && weft_ottl_run_init(&brief, NULL) == WEFT_OK);
        is_made = true;
    }
    enum weft_signal signal = (enum weft_signal[]){ WEFT_TRACES, WEFT_METRICS, WEFT_LOGS }[data[0] % 3];
    struct weft_slice request = weft_slice_of(end + 1, size - (size_t)(end + 1 - data));
    if (weft_otlp_check(signal, request, NULL, &counts, &error) == WEFT_OK &&
        compile(&conditions, signal, weft_slice_of(data + 1, (size_t)(end - data) - 1))) {
        struct weft_otlp_walk walk = weft_otlp_walk_of(request);
        struct weft_slice record;
        struct weft_ottl_briefs *row = row_of(&conditions);
        weft_ottl_record_seek(&brief.record, &conditions.sought);
        weft_ottl_record_set_plain(&brief.record, counts.is_plain);
        for (bool is_skimmed = false; weft_otlp_walk_next(&walk, &record); is_skimmed = !is_skimmed) {
            look_at(&tree, signal, &walk, record);
            weft_ottl_record_want(&brief.record, is_skimmed ? &conditions.wants : NULL);
            look_at(&brief, signal, &walk, record);
            ask_both_ways(&conditions, &tree, &brief);
            weft_ottl_record_want(&brief.record, is_skimmed ? NULL : &conditions.wants);
            look_at(&brief, signal, &walk, record);
            ask_both_ways(&conditions, &tree, &brief);
            weft_ottl_record_want(&brief.record, &row->wants);
            ask_in_a_row(&conditions, row, &tree, &brief, record);
        }
        weft_free(row);
    }
    for (size_t i = 0; i < conditions.count; i++) {
        weft_ottl_program_free(&conditions.programs[i]);
    }
    return 0;
}
