/* Splitting a table of metrics: every data point leaves once, in order, with all that its metric, scope and resource
 * say of it; protobuf-c's reading is the model. Heads are as large as they may be. */
#include "wire/wire_test.h"

#include "metrics_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest metrics_request;
typedef Opentelemetry__Proto__Metrics__V1__Metric one_metric;
/* All five kinds of data begin with their points. */
typedef Opentelemetry__Proto__Metrics__V1__Gauge any_data;

static void append_packed(struct weft_buffer *out, const ProtobufCMessage *message)
{
    uint32_t length = (uint32_t)protobuf_c_message_get_packed_size(message);
    weft_buffer_append(out, &length, sizeof length);
    uint8_t *to = weft_buffer_reserve(out, length + 1);
    ck_assert_uint_eq(protobuf_c_message_pack(message, to), length);
    out->length += length;
}

/* The metric once for each of its points, with this one alone; a metric without points once. */
static void append_metric(struct weft_buffer *out, struct weft_slice context, one_metric *metric)
{
    any_data *data = metric->data_case == 0 ? NULL : metric->gauge;
    if (data == NULL || data->n_data_points == 0) {
        weft_buffer_append(out, context.bytes, context.length);
        append_packed(out, &metric->base);
        return;
    }
    any_data whole = *data;
    for (size_t i = 0; i < whole.n_data_points; i++) {
        data->n_data_points = 1;
        data->data_points = &whole.data_points[i];
        weft_buffer_append(out, context.bytes, context.length);
        append_packed(out, &metric->base);
    }
    data->n_data_points = whole.n_data_points;
    data->data_points = whole.data_points;
}

/* Appends the points of a request, each with its metric, scope and resource. */
static void append_points(struct weft_buffer *out, struct weft_slice request)
{
    metrics_request *read = (metrics_request *)oracle_read(WEFT_METRICS, request);
    ck_assert_ptr_nonnull(read);
    for (size_t i = 0; i < read->n_resource_metrics; i++) {
        Opentelemetry__Proto__Metrics__V1__ResourceMetrics *resource = read->resource_metrics[i];
        size_t scope_count = resource->n_scope_metrics;
        for (size_t j = 0; j < scope_count; j++) {
            Opentelemetry__Proto__Metrics__V1__ScopeMetrics *scope = resource->scope_metrics[j];
            size_t metric_count = scope->n_metrics;
            struct weft_buffer context;
            weft_buffer_init(&context, 0);
            resource->n_scope_metrics = 0;
            scope->n_metrics = 0;
            append_packed(&context, &resource->base);
            append_packed(&context, &scope->base);
            resource->n_scope_metrics = scope_count;
            scope->n_metrics = metric_count;
            for (size_t k = 0; k < metric_count; k++) {
                append_metric(out, weft_buffer_slice(&context), scope->metrics[k]);
            }
            weft_buffer_fini(&context);
        }
    }
    oracle_free((any_request *)read);
}

struct fixture {
    struct weft_slice request;
    struct weft_otlp_counts counts;
    struct weft_arena *arena;
    struct weft_otlp_table table;
    struct weft_buffer points; /* of the request */
};

static void fixture_of(struct fixture *fixture, struct weft_slice request)
{
    fixture->request = request;
    ck_assert_int_eq(weft_otlp_check(WEFT_METRICS, request, NULL, &fixture->counts, NULL), WEFT_OK);
    fixture->arena = weft_arena_try_new();
    ck_assert_int_eq(
        weft_otlp_table_build(WEFT_METRICS, request, &fixture->counts, fixture->arena, &fixture->table, NULL), WEFT_OK);
    weft_buffer_init(&fixture->points, 0);
    append_points(&fixture->points, request);
}

static void fixture_random(struct fixture *fixture, struct random *random)
{
    fixture_of(fixture, random_request(random, WEFT_METRICS));
}

static void fixture_fini(struct fixture *fixture)
{
    weft_buffer_fini(&fixture->points);
    weft_arena_unref(&fixture->arena);
    slice_free(fixture->request);
}

/* What a head writes; it has the promised size and weight. */
static struct weft_slice emit(struct fixture *fixture, const struct weft_otlp_table *table)
{
    struct weft_slices slices;
    struct weft_otlp_counts counts;
    weft_slices_init(&slices);
    ck_assert_int_eq(weft_otlp_table_emit(table, fixture->arena, &slices), WEFT_OK);
    struct weft_slice written = slices_join(&slices);
    ck_assert_uint_eq(written.length, weft_otlp_table_size_bytes(table));
    ck_assert_int_eq(weft_otlp_check(WEFT_METRICS, written, NULL, &counts, NULL), WEFT_OK);
    ck_assert_uint_eq(counts.records, table->record_count);
    ck_assert_uint_eq(counts.data_points, table->weight);
    weft_slices_fini(&slices);
    return written;
}

/* Splits until nothing is left and adds up the points of the heads. */
static void split_all(struct fixture *fixture, struct weft_otlp_table table, uint64_t max_weight, size_t max_bytes,
                      struct weft_buffer *points)
{
    while (table.record_count > 0) {
        struct weft_otlp_table head;
        uint64_t before = table.weight;
        size_t repeated_bytes, size_before = weft_otlp_table_size_bytes(&table);
        ck_assert_int_eq(weft_otlp_table_split(&table, max_weight, max_bytes, fixture->arena, &head, &repeated_bytes),
                         WEFT_OK);
        struct weft_slice written = emit(fixture, &head);
        ck_assert_uint_gt(head.record_count, 0);
        ck_assert_uint_eq(head.weight + table.weight, before);
        ck_assert_uint_le(head.weight, max_weight);
        ck_assert(max_bytes == 0 || written.length <= max_bytes || head.weight <= 1);
        if (max_bytes == 0) {
            ck_assert_uint_eq(head.weight, before < max_weight ? before : max_weight);
        }
        ck_assert_uint_le(weft_otlp_table_size_bytes(&table), size_before);
        append_points(points, written);
        slice_free(written);
    }
}

static void expect_points(struct fixture *fixture, struct weft_buffer *points)
{
    ck_assert_slice_eq(weft_buffer_slice(points), weft_buffer_slice(&fixture->points));
    weft_buffer_fini(points);
    weft_buffer_init(points, 0);
}

START_TEST(test_every_data_point_leaves_once_with_its_metric)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct random random = { .state = seed, .is_plain = seed % 5 == 0 };
        for (unsigned i = 0; i < 3; i++) {
            struct fixture fixture;
            struct weft_buffer points;
            weft_buffer_init(&points, 0);
            fixture_random(&fixture, &random);
            size_t max_bytes = i == 0 ? 0 : 1 + random_below(&random, (uint32_t)fixture.request.length + 1);
            uint64_t max_weight = i == 1 ? UINT64_MAX : 1 + random_below(&random, 6);
            split_all(&fixture, fixture.table, max_weight, max_bytes, &points);
            expect_points(&fixture, &points);
            fixture_fini(&fixture);
        }
    }
}
END_TEST

/* What a split has left is copied for another branch: each goes its own way. */
START_TEST(test_copies_of_a_rest_are_cut_on_their_own)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct random random = { .state = seed };
        struct fixture fixture;
        fixture_random(&fixture, &random);
        struct weft_buffer first, second;
        weft_buffer_init(&first, 0);
        weft_buffer_init(&second, 0);
        struct weft_otlp_table head, copy;
        size_t repeated_bytes;
        ck_assert_int_eq(weft_otlp_table_split(&fixture.table, 1, 0, fixture.arena, &head, &repeated_bytes), WEFT_OK);
        ck_assert_int_eq(weft_otlp_table_copy(&fixture.table, fixture.arena, &copy), WEFT_OK);
        struct weft_slice written = emit(&fixture, &head);
        append_points(&first, written);
        append_points(&second, written);
        slice_free(written);
        split_all(&fixture, fixture.table, 1, 0, &first);
        split_all(&fixture, copy, 2, 0, &second);
        expect_points(&fixture, &first);
        expect_points(&fixture, &second);
        fixture_fini(&fixture);
    }
}
END_TEST

static void put(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[15];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* A request with this metric alone. */
static struct weft_slice request_of(struct weft_slice metric)
{
    struct weft_buffer scope, resource, request;
    weft_buffer_init(&scope, 0);
    weft_buffer_init(&resource, 0);
    weft_buffer_init(&request, 0);
    put(&scope, 2, metric);
    put(&resource, 2, weft_buffer_slice(&scope));
    put(&request, 1, weft_buffer_slice(&resource));
    weft_buffer_fini(&scope);
    weft_buffer_fini(&resource);
    return weft_buffer_slice(&request);
}

/* The last kind of data counts, and what stands in two fields of it is one. */
START_TEST(test_data_in_pieces_is_cut_as_protobuf_merges_it)
{
    static const char gauge[] = "\x2a\x04\x0a\x02xy"; /* one point of a kind that is replaced */
    static const char sum[] = "\x3a\x0a\x10\x02\x0a\x02\x40\x01\x0a\x02\x40\x02"; /* temporality, two points */
    static const char name[] = "\x0a\x01m";
    static const char more[] = "\x3a\x06\x18\x01\x0a\x02\x40\x03"; /* is_monotonic, one point */
    struct weft_buffer metric;
    weft_buffer_init(&metric, 0);
    weft_buffer_append(&metric, gauge, 2);
    metric.bytes[1] = 0; /* no point: what replaces it begins anew */
    weft_buffer_append(&metric, sum, sizeof sum - 1);
    weft_buffer_append(&metric, name, sizeof name - 1);
    weft_buffer_append(&metric, more, sizeof more - 1);
    struct weft_slice request = request_of(weft_buffer_slice(&metric));
    struct weft_otlp_counts counts;
    ck_assert_int_eq(weft_otlp_check(WEFT_METRICS, request, NULL, &counts, NULL), WEFT_OK);
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_otlp_table table, head;
    size_t repeated_bytes;
    ck_assert_int_eq(weft_otlp_table_build(WEFT_METRICS, request, &counts, arena, &table, NULL), WEFT_OK);
    ck_assert_int_eq(weft_otlp_table_split(&table, 2, 0, arena, &head, &repeated_bytes), WEFT_OK);
    ck_assert_slice_eq(weft_slice_of(head.records[0].bytes, head.records[0].length),
                       WEFT_SLICE_LITERAL("\x0a\x01m\x3a\x0c\x10\x02\x18\x01\x0a\x02\x40\x01\x0a\x02\x40\x02"));
    ck_assert_slice_eq(weft_slice_of(table.records[0].bytes, table.records[0].length),
                       WEFT_SLICE_LITERAL("\x0a\x01m\x3a\x08\x10\x02\x18\x01\x0a\x02\x40\x03"));
    ck_assert_uint_eq(repeated_bytes, 3 + 2 + 4);
    weft_arena_unref(&arena);
    weft_buffer_fini(&metric);
    slice_free(request);
}
END_TEST

/* A gauge of many points in small pieces: the arena grows with the metric, not with the number of cuts times it. */
START_TEST(test_memory_of_many_cuts_is_in_proportion)
{
    enum { POINTS = 20000, POINT_BYTES = 11 };
    struct weft_buffer gauge, metric;
    weft_buffer_init(&gauge, 0);
    weft_buffer_init(&metric, 0);
    for (unsigned i = 0; i < POINTS; i++) {
        put(&gauge, 1, WEFT_SLICE_LITERAL("\x19\0\0\0\0\0\0\0\0"));
    }
    put(&metric, 1, WEFT_SLICE_LITERAL("m"));
    put(&metric, 5, weft_buffer_slice(&gauge));
    struct fixture fixture;
    fixture_of(&fixture, request_of(weft_buffer_slice(&metric)));
    size_t count = 0;
    while (fixture.table.record_count > 0) {
        struct weft_otlp_table head;
        size_t repeated_bytes;
        ck_assert_int_eq(weft_otlp_table_split(&fixture.table, 10, 0, fixture.arena, &head, &repeated_bytes), WEFT_OK);
        count++;
    }
    ck_assert_uint_eq(count, POINTS / 10);
    ck_assert_uint_le(weft_arena_size_bytes(fixture.arena), 4 * POINTS * POINT_BYTES);
    weft_buffer_fini(&gauge);
    weft_buffer_fini(&metric);
    fixture_fini(&fixture);
}
END_TEST

/* Nothing is lost when memory is gone: the split is done later. */
START_TEST(test_failed_split_leaves_the_table)
{
    size_t failures = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        for (size_t nth = 1, has_failed = 1; has_failed; nth++) {
            struct random random = { .state = seed };
            struct fixture fixture;
            fixture_random(&fixture, &random);
            struct weft_budget budget = { 0 };
            struct weft_arena *tight = weft_arena_try_new_charged(&budget, 1), *roomy = fixture.arena;
            struct weft_buffer points;
            weft_buffer_init(&points, 0);
            struct weft_otlp_table head = { 0 };
            size_t repeated_bytes;
            weft_alloc_fail_at(nth);
            enum weft_status status = weft_otlp_table_split(&fixture.table, 2, 0, tight, &head, &repeated_bytes);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            if (status == WEFT_OK && head.record_count > 0) {
                struct weft_slice written = emit(&fixture, &head);
                append_points(&points, written);
                slice_free(written);
            }
            failures += status != WEFT_OK;
            split_all(&fixture, fixture.table, 2, 0, &points);
            expect_points(&fixture, &points);
            weft_arena_unref(&tight);
            ck_assert_ptr_eq(roomy, fixture.arena);
            fixture_fini(&fixture);
        }
    }
    ck_assert_uint_gt(failures, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_every_data_point_leaves_once_with_its_metric,
        test_copies_of_a_rest_are_cut_on_their_own,
        test_data_in_pieces_is_cut_as_protobuf_merges_it,
        test_memory_of_many_cuts_is_in_proportion,
        test_failed_split_leaves_the_table,
    };
    return run_tests("otlp_table_split", tests, WEFT_COUNT_OF(tests));
}
