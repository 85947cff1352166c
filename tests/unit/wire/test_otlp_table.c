/* The table of a request: what is written back is what was read, split or copied, and bytes that nobody touched are the
 * very bytes that came. protobuf-c and a plain list of records are the models. What removes and replaces records is in
 * test_otlp_table_edits.c. */
#include "wire/otlp_table_test.h"

START_TEST(test_rows_are_the_records_in_order)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        const struct weft_otlp_table *table = &fixture.table;
        struct rows *rows = rows_new(fixture.request);
        ck_assert_uint_eq(table->record_count, rows->count);
        ck_assert_uint_eq(table->weight, fixture.counts.data_points);
        for (uint32_t i = 0; i < table->record_count; i++) {
            const struct weft_otlp_record *record = &table->records[i];
            const struct weft_otlp_scope *scope = &table->scopes[record->scope];
            ck_assert_ptr_eq(record->bytes, rows->items[i].record.bytes);
            ck_assert_uint_eq(record->length, rows->items[i].record.length);
            ck_assert_slice_eq(scope->header, rows->items[i].scope);
            ck_assert_slice_eq(table->resources[scope->resource].header, rows->items[i].resource);
        }
        rows_free(rows);
        fixture_fini(&fixture);
    }
}
END_TEST

struct seen {
    uint32_t count, last_count;
};

/* Every second row gets other bytes, which say the same. */
static enum weft_status see_row(void *context, const struct weft_otlp_table *table, struct weft_otlp_record *row)
{
    struct seen *seen = context;
    ck_assert(row == &table->records[seen->count] && table->record_count == seen->count + 1);
    if (seen->count % 2 == 1) {
        uint8_t *copy = weft_arena_try_bytes(table->arena, row->length);
        memcpy(copy, row->bytes, row->length);
        row->bytes = copy;
    }
    return ++seen->count == seen->last_count ? WEFT_CLOSED : WEFT_OK;
}

START_TEST(test_a_visitor_sees_each_row_and_what_it_changes_stays)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        const struct weft_otlp_table *rows = &fixture.table;
        struct weft_otlp_table visited;
        struct seen seen = { 0 };
        struct weft_otlp_row_visitor visitor = { see_row, &seen };
        ck_assert_int_eq(weft_otlp_table_build_visited(fixture.signal, fixture.request, &fixture.counts, fixture.arena,
                                                       &visitor, &visited, NULL),
                         WEFT_OK);
        ck_assert_uint_eq(seen.count, rows->record_count);
        for (uint32_t i = 0; i < rows->record_count; i++) {
            const struct weft_otlp_record *row = &visited.records[i], *other = &rows->records[i];
            ck_assert((row->bytes != other->bytes) == (i % 2 == 1));
            ck_assert_slice_eq(weft_slice_of(row->bytes, row->length), weft_slice_of(other->bytes, other->length));
        }
        struct weft_otlp_counts counts;
        struct weft_slice written = emit(&fixture, &visited, &counts);
        assert_model_equal(fixture.signal, fixture.request, NULL, written);
        for (uint32_t last = 1; last <= rows->record_count; last++) {
            seen = (struct seen){ .last_count = last };
            ck_assert_int_eq(weft_otlp_table_build_visited(fixture.signal, fixture.request, &fixture.counts,
                                                           fixture.arena, &visitor, &visited, NULL),
                             WEFT_CLOSED);
            ck_assert_uint_eq(seen.count, last);
        }
        slice_free(written);
        fixture_fini(&fixture);
    }
}
END_TEST

START_TEST(test_untouched_table_writes_the_same_message_and_the_same_bytes_of_records)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        struct weft_otlp_counts counts;
        struct weft_slice written = emit(&fixture, &fixture.table, &counts);
        assert_model_equal(fixture.signal, fixture.request, NULL, written);
        struct rows *before = rows_new(fixture.request);
        struct rows *after = rows_new(written);
        assert_rows_equal(before, after);
        rows_free(before);
        rows_free(after);
        slice_free(written);
        fixture_fini(&fixture);
    }
}
END_TEST

START_TEST(test_untouched_canonical_request_leaves_as_one_slice_of_itself)
{
    size_t tried = 0;
    for (uint64_t seed = 0; seed < 300 && tried < 40; seed++) {
        struct random random = { .state = seed, .is_plain = true };
        struct weft_slice made = random_request(&random, (enum weft_signal)(seed % 3));
        any_request *canonical = oracle_read((enum weft_signal)(seed % 3), made);
        model_retain(canonical, NULL);
        for (size_t i = 0; i < canonical->n_resource_spans; i++) {
            any_resource *resource = canonical->resource_spans[i];
            /* a schema_url follows the rows, so it leaves from another place */
            ck_assert(resource->n_scope_spans > 0);
            if (resource->schema_url != (char *)protobuf_c_empty_string) {
                free(resource->schema_url);
            }
            resource->schema_url = (char *)protobuf_c_empty_string;
            for (size_t j = 0; j < resource->n_scope_spans; j++) {
                if (resource->scope_spans[j]->schema_url != (char *)protobuf_c_empty_string) {
                    free(resource->scope_spans[j]->schema_url);
                }
                resource->scope_spans[j]->schema_url = (char *)protobuf_c_empty_string;
            }
        }
        struct fixture fixture;
        fixture_of(&fixture, (enum weft_signal)(seed % 3), oracle_write(canonical));
        if (fixture.table.record_count > 0) {
            tried++;
            ck_assert_int_eq(weft_otlp_table_emit(&fixture.table, fixture.arena, &fixture.slices), WEFT_OK);
            ck_assert_uint_eq(fixture.slices.count, 1);
            ck_assert_ptr_eq(fixture.slices.items[0].bytes, fixture.request.bytes);
            ck_assert_uint_eq(fixture.slices.length, fixture.request.length);
        }
        fixture_fini(&fixture);
        oracle_free(canonical);
        slice_free(made);
    }
    ck_assert_uint_eq(tried, 40);
}
END_TEST

START_TEST(test_walk_finds_the_records_of_the_table)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        struct weft_otlp_walk walk = weft_otlp_walk_of(fixture.request);
        struct weft_slice record;
        for (uint32_t i = 0; i < fixture.table.record_count; i++) {
            ck_assert(weft_otlp_walk_next(&walk, &record));
            ck_assert_ptr_eq(record.bytes, fixture.table.records[i].bytes);
            ck_assert_uint_eq(record.length, fixture.table.records[i].length);
        }
        ck_assert(!weft_otlp_walk_next(&walk, &record));
        ck_assert(!weft_otlp_walk_next(&walk, &record));
        fixture_fini(&fixture);
    }
}
END_TEST

/* The head that split would have made with one more record from rest. */
static bool could_take_one_more(struct weft_otlp_table head, const struct weft_otlp_table *rest, uint64_t max_weight,
                                size_t max_bytes)
{
    if (rest->record_count == 0) {
        return false;
    }
    head.weight += rest->records[0].weight;
    head.record_count++;
    return (max_weight == 0 || head.weight <= max_weight) &&
           (max_bytes == 0 || weft_otlp_table_size_bytes(&head) <= max_bytes);
}

/* A limit where it matters: what some leading records take, or one byte less. */
static size_t size_limit(struct fixture *fixture)
{
    struct weft_otlp_table head = fixture->table;
    head.record_count = 1 + random_below(&fixture->random, head.record_count + 1);
    if (head.record_count > fixture->table.record_count) {
        return 1;
    }
    return weft_otlp_table_size_bytes(&head) - random_below(&fixture->random, 2);
}

/* Metrics, which are cut between their points, are test_otlp_table_split.c's. */
START_TEST(test_split_keeps_every_record_and_both_limits)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        if (seed % 3 == WEFT_METRICS) {
            continue;
        }
        struct fixture fixture;
        fixture_random(&fixture, seed);
        uint64_t max_weight = random_below(&fixture.random, 3) == 0 ? 0 : 1 + random_below(&fixture.random, 6);
        size_t max_bytes = random_below(&fixture.random, 2) == 0 ? 0 : size_limit(&fixture);
        struct rows *before = rows_new(fixture.request);
        struct rows *after = weft_alloc(sizeof *after);
        struct weft_slice parts[256];
        size_t part_count = 0;
        uint64_t weight = fixture.table.weight;
        uint64_t seen_weight = 0;
        do {
            struct weft_otlp_table head;
            size_t repeated_bytes;
            ck_assert_int_eq(
                weft_otlp_table_split(&fixture.table, max_weight, max_bytes, fixture.arena, &head, &repeated_bytes),
                WEFT_OK);
            struct weft_otlp_counts counts;
            ck_assert_uint_lt(part_count, WEFT_COUNT_OF(parts));
            parts[part_count] = emit(&fixture, &head, &counts);
            ck_assert(head.record_count > 0 || before->count == 0);
            bool is_alone = head.record_count <= 1;
            ck_assert(max_weight == 0 || head.weight <= max_weight || is_alone);
            ck_assert(max_bytes == 0 || parts[part_count].length <= max_bytes || is_alone);
            ck_assert(!could_take_one_more(head, &fixture.table, max_weight, max_bytes));
            rows_read(after, parts[part_count++]);
            seen_weight += head.weight;
        } while (fixture.table.record_count > 0);
        ck_assert_uint_eq(fixture.table.weight, 0);
        ck_assert_uint_eq(seen_weight, weight);
        assert_rows_equal(before, after);
        rows_free(before);
        rows_free(after);
        for (size_t i = 0; i < part_count; i++) {
            slice_free(parts[i]);
        }
        fixture_fini(&fixture);
    }
}
END_TEST

START_TEST(test_copy_does_not_share_rows)
{
    struct fixture fixture;
    fixture_of_size(&fixture, 3);
    struct weft_otlp_table copy;
    ck_assert_int_eq(weft_otlp_table_copy(&fixture.table, fixture.arena, &copy), WEFT_OK);
    struct weft_selection all = { 0 };
    ck_assert_int_eq(weft_selection_begin(&all, fixture.table.record_count), WEFT_OK);
    weft_selection_invert(&all);
    weft_otlp_table_remove(&fixture.table, &all, 0);
    ck_assert_uint_eq(fixture.table.record_count, 0);
    ck_assert_uint_eq(fixture.table.weight, 0);
    memset(fixture.table.scopes, 0, fixture.table.scope_count * sizeof *fixture.table.scopes);
    memset(fixture.table.resources, 0, fixture.table.resource_count * sizeof *fixture.table.resources);
    memset(fixture.table.records, 0, copy.record_count * sizeof *fixture.table.records);
    struct weft_otlp_counts counts;
    struct weft_slice written = emit(&fixture, &copy, &counts);
    assert_model_equal(fixture.signal, fixture.request, NULL, written);
    slice_free(written);
    weft_selection_fini(&all);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_request_without_records_writes_nothing)
{
    uint8_t *copy = weft_alloc(6);
    memcpy(copy, "\x0a\x02\x12\x00\x0a\x00", 6);
    struct fixture fixture;
    fixture_of(&fixture, WEFT_LOGS, weft_slice_of(copy, 6));
    ck_assert_uint_eq(fixture.table.resource_count, 2);
    ck_assert_uint_eq(fixture.table.scope_count, 1);
    struct weft_otlp_counts counts;
    struct weft_slice written = emit(&fixture, &fixture.table, &counts);
    ck_assert_uint_eq(written.length, 0);
    struct weft_otlp_table head;
    size_t repeated_bytes;
    ck_assert_int_eq(weft_otlp_table_split(&fixture.table, 1, 1, fixture.arena, &head, &repeated_bytes), WEFT_OK);
    ck_assert_uint_eq(head.record_count, 0);
    slice_free(written);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_unknown_fields_of_the_request_leave_with_it)
{
    static const uint8_t bytes[] = "\xf8\x01\x05\x0a\x04\x12\x02\x12\x00\xfa\x01\x01x";
    uint8_t *copy = weft_alloc(sizeof bytes - 1);
    memcpy(copy, bytes, sizeof bytes - 1);
    struct fixture fixture;
    fixture_of(&fixture, WEFT_TRACES, weft_slice_of(copy, sizeof bytes - 1));
    struct weft_otlp_counts counts;
    struct weft_slice written = emit(&fixture, &fixture.table, &counts);
    ck_assert_slice_eq(written, WEFT_SLICE_LITERAL("\x0a\x04\x12\x02\x12\x00\xf8\x01\x05\xfa\x01\x01x"));
    slice_free(written);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_slices_join_where_they_touch)
{
    static const uint8_t bytes[] = "0123456789";
    struct weft_slices slices;
    weft_slices_init(&slices);
    ck_assert_int_eq(weft_slices_add(&slices, weft_slice_of(bytes, 3)), WEFT_OK);
    ck_assert_int_eq(weft_slices_add(&slices, WEFT_SLICE_EMPTY), WEFT_OK);
    ck_assert_int_eq(weft_slices_add(&slices, weft_slice_of(bytes + 3, 2)), WEFT_OK);
    ck_assert_int_eq(weft_slices_add(&slices, weft_slice_of(bytes + 6, 2)), WEFT_OK);
    ck_assert_uint_eq(slices.count, 2);
    ck_assert_uint_eq(slices.length, 7);
    ck_assert_slice_eq(slices.items[0], weft_slice_of(bytes, 5));
    ck_assert_slice_eq(slices.items[1], weft_slice_of(bytes + 6, 2));
    weft_slices_clear(&slices);
    ck_assert_uint_eq(slices.count, 0);
    ck_assert_uint_eq(slices.length, 0);
    weft_slices_fini(&slices);
}
END_TEST

static enum weft_status build_copy_and_emit(const struct fixture *fixture, struct weft_arena *arena,
                                            struct weft_slices *slices)
{
    struct weft_otlp_table table;
    struct weft_otlp_table copy;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status =
        weft_otlp_table_build(fixture->signal, fixture->request, &fixture->counts, arena, &table, &error);
    if (status != WEFT_OK) {
        ck_assert_int_eq(error.status, status);
        return status;
    }
    status = weft_otlp_table_copy(&table, arena, &copy);
    return status == WEFT_OK ? weft_otlp_table_emit(&copy, arena, slices) : status;
}

START_TEST(test_every_failing_allocation_is_an_error)
{
    struct fixture fixture;
    fixture_of_size(&fixture, 8);
    size_t failures = 0;
    for (size_t nth = 1;; nth++) {
        struct weft_arena *arena = weft_arena_try_new();
        struct weft_slices slices;
        weft_slices_init(&slices);
        weft_alloc_fail_at(nth);
        enum weft_status status = build_copy_and_emit(&fixture, arena, &slices);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_slices_fini(&slices);
        weft_arena_unref(&arena);
        if (!has_failed) {
            break;
        }
        failures++;
    }
    ck_assert_uint_gt(failures, 1);
    fixture_fini(&fixture);
}
END_TEST

/* An arena that is nearly full, so that each of its own allocations fails in turn too. */
START_TEST(test_every_failing_chunk_of_the_arena_is_an_error)
{
    struct fixture fixture;
    fixture_of_size(&fixture, 3);
    for (size_t room = 0; room < 4096; room += 16) {
        struct weft_arena *arena = weft_arena_try_new();
        struct weft_slices slices;
        weft_slices_init(&slices);
        ck_assert_int_eq(weft_slices_add(&slices, WEFT_SLICE_LITERAL("x")), WEFT_OK);
        ck_assert_ptr_nonnull(weft_arena_try_bytes(arena, 16 * 1024 - room));
        weft_alloc_fail_at(1);
        enum weft_status status = build_copy_and_emit(&fixture, arena, &slices);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_slices_fini(&slices);
        weft_arena_unref(&arena);
    }
    fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_rows_are_the_records_in_order,
        test_a_visitor_sees_each_row_and_what_it_changes_stays,
        test_untouched_table_writes_the_same_message_and_the_same_bytes_of_records,
        test_untouched_canonical_request_leaves_as_one_slice_of_itself,
        test_walk_finds_the_records_of_the_table,
        test_split_keeps_every_record_and_both_limits,
        test_copy_does_not_share_rows,
        test_request_without_records_writes_nothing,
        test_unknown_fields_of_the_request_leave_with_it,
        test_slices_join_where_they_touch,
        test_every_failing_allocation_is_an_error,
        test_every_failing_chunk_of_the_arena_is_an_error,
    };
    return run_tests("otlp_table", tests, WEFT_COUNT_OF(tests));
}
