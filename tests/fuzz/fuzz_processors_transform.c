/* Any bytes as statements of a transform, a line each, and behind a 0 any bytes that the check lets pass as a request:
 * what comes out passes the check, too, has the records that the table says, of its weight, and is the same whether
 * attributes are sought or opened, and whether the part was open or is opened meanwhile. The first byte picks the
 * signal, and whether log records are flattened. */
#include "base/assert.h"
#include "pipeline/batch.h"
#include "processors/transform_run.h"
#include "wire/json_writer.h"
#include "wire/otlp_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_STATEMENTS = 16, FLAT = 0x80, MAX_JSON_OF_BYTES = 1 << 20 };

static struct weft_transform_rules *rules_of(enum weft_signal signal, struct weft_slice text)
{
    struct weft_slice lines[MAX_STATEMENTS];
    struct weft_transform_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    size_t count = 0;
    while (text.length > 0 && count < MAX_STATEMENTS) {
        const uint8_t *end = memchr(text.bytes, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.bytes);
        lines[count++] = weft_slice_of(text.bytes, length);
        length += end != NULL;
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    if (weft_transform_rules_of(signal, "", lines, count, &rules, &error) != WEFT_OK) {
        weft_assert(error.text[0] != '\0');
        return NULL;
    }
    rules->groups[signal][0].error_mode = WEFT_OTTL_SILENT;
    return rules;
}

static void emit(const struct weft_otlp_table *table, struct weft_arena *arena, struct weft_buffer *out)
{
    struct weft_slices slices;
    weft_slices_init(&slices);
    weft_assert(weft_otlp_table_emit(table, arena, &slices) == WEFT_OK);
    for (size_t i = 0; i < slices.count; i++) {
        weft_buffer_append(out, slices.items[i].bytes, slices.items[i].length);
    }
    weft_slices_fini(&slices);
}

/* thorough: with all attributes opened and messages written field by field. What comes out, as JSON: the bytes of what
 * was encoded in another way than encoders do may be others. */
static void transform(const struct weft_transform_rules *rules, enum weft_signal signal, struct weft_slice request,
                      const struct weft_otlp_counts *counts, bool is_thorough, struct weft_buffer *out_json)
{
    struct weft_transform_runner runner;
    struct weft_otlp_table table;
    struct weft_otlp_counts after;
    struct weft_buffer out = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_arena *arena = weft_arena_try_new();
    weft_assert(weft_transform_runner_init(&runner, rules, "fuzz", &error) == WEFT_OK);
    runner.is_thorough = is_thorough;
    weft_assert(weft_otlp_table_build(signal, request, counts, arena, &table, &error) == WEFT_OK);
    weft_assert(weft_transform_apply(&runner, &table, arena, &error) == WEFT_OK);
    emit(&table, arena, &out);
    weft_assert(weft_otlp_check(signal, weft_buffer_slice(&out), NULL, &after, &error) == WEFT_OK);
    weft_assert(after.records == table.record_count && weft_otlp_weight(signal, &after) == table.weight);
    weft_assert(after.records == counts->records || signal == WEFT_METRICS);
    if (out.length > MAX_JSON_OF_BYTES ||
        weft_json_write_request(signal, weft_buffer_slice(&out), out_json, NULL) != WEFT_OK) {
        weft_buffer_clear(out_json); /* copies of copies, or nested too deep for JSON */
    }
    weft_buffer_fini(&out);
    weft_transform_runner_fini(&runner);
    weft_arena_unref(&arena);
}

/* As of a batch that has just come. */
static void transform_part(const struct weft_transform_rules *rules, enum weft_signal signal, struct weft_slice request,
                           const struct weft_otlp_counts *counts, struct weft_buffer *out_json)
{
    struct weft_transform_runner runner;
    struct weft_buffer out = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    static struct weft_budget budget;
    static struct weft_payload_pool *pool;
    if (pool == NULL) {
        pool = weft_payload_pool_new(&budget, 1 << 20);
    }
    struct weft_payload *payload = weft_payload_try_new(pool, request.length);
    if (request.length > 0) {
        weft_payload_append(payload, request.bytes, request.length);
    }
    struct weft_batch *batch = weft_batch_try_new(signal, &payload, NULL, WEFT_ENCODING_IDENTITY, counts, NULL);
    weft_assert(weft_transform_runner_init(&runner, rules, "fuzz", &error) == WEFT_OK);
    weft_assert(weft_transform_may_visit(rules, signal) || weft_batch_open(batch) == WEFT_OK);
    weft_assert(weft_transform_apply_part(&runner, batch, 0, &error) == WEFT_OK);
    emit(&batch->parts[0].table, batch->parts[0].arena, &out);
    if (out.length > MAX_JSON_OF_BYTES ||
        weft_json_write_request(signal, weft_buffer_slice(&out), out_json, NULL) != WEFT_OK) {
        weft_buffer_clear(out_json);
    }
    weft_buffer_fini(&out);
    weft_transform_runner_fini(&runner);
    weft_batch_end(&batch, NULL, -1);
}

static void transform_all_ways(const struct weft_transform_rules *rules, enum weft_signal signal,
                               struct weft_slice request, const struct weft_otlp_counts *counts)
{
    struct weft_buffer json = { 0 };
    struct weft_buffer thorough = { 0 };
    struct weft_buffer visited = { 0 };
    transform(rules, signal, request, counts, false, &json);
    transform(rules, signal, request, counts, true, &thorough);
    weft_assert(weft_slice_equal(weft_buffer_slice(&json), weft_buffer_slice(&thorough)));
    if (!weft_signal_stays_whole(signal)) {
        transform_part(rules, signal, request, counts, &visited);
        weft_assert(weft_slice_equal(weft_buffer_slice(&json), weft_buffer_slice(&visited)));
    }
    weft_buffer_fini(&json);
    weft_buffer_fini(&thorough);
    weft_buffer_fini(&visited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum weft_signal signal = (enum weft_signal)(data[0] % WEFT_SIGNAL_COUNT);
    struct weft_slice text = weft_slice_of(data + 1, size - 1);
    const uint8_t *end = memchr(text.bytes, 0, text.length);
    struct weft_slice request = WEFT_SLICE_EMPTY;
    struct weft_otlp_counts counts;
    if (end != NULL) {
        text.length = (size_t)(end - text.bytes);
        request = weft_slice_of(end + 1, size - 2 - text.length);
    }
    struct weft_transform_rules *rules = rules_of(signal, text);
    if (rules != NULL) {
        rules->flatten_data = (data[0] & FLAT) != 0;
    }
    if (rules != NULL && weft_otlp_check(signal, request, NULL, &counts, NULL) == WEFT_OK) {
        transform_all_ways(rules, signal, request, &counts);
    }
    weft_transform_rules_free(&rules);
    return 0;
}
