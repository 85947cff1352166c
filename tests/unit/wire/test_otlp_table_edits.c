/* The table of a request after edits: less what was removed and with what was replaced. A plain list of records is the
 * model. */
#include "wire/otlp_table_test.h"

START_TEST(test_neighbours_of_a_removed_record_leave_as_one_slice_each)
{
    /* one resource, one scope, five spans of one name byte */
    static const uint8_t bytes[] = "\x0a\x1d\x12\x1b\x0a\x00\x12\x03\x2a\x01"
                                   "a\x12\x03\x2a\x01"
                                   "b\x12\x03\x2a\x01"
                                   "c"
                                   "\x12\x03\x2a\x01"
                                   "d\x12\x03\x2a\x01"
                                   "e";
    uint8_t *copy = weft_alloc(sizeof bytes - 1);
    memcpy(copy, bytes, sizeof bytes - 1);
    struct fixture fixture;
    fixture_of(&fixture, WEFT_TRACES, weft_slice_of(copy, sizeof bytes - 1));
    struct weft_selection selection = { 0 };
    ck_assert_int_eq(weft_selection_begin(&selection, 5), WEFT_OK);
    weft_selection_add(&selection, 2);
    weft_otlp_table_remove(&fixture.table, &selection, 0);
    weft_selection_fini(&selection);
    ck_assert_int_eq(weft_otlp_table_emit(&fixture.table, fixture.arena, &fixture.slices), WEFT_OK);
    /* both frames anew, then scope with a and b, then d and e */
    ck_assert_uint_eq(fixture.slices.count, 3);
    ck_assert_slice_eq(fixture.slices.items[0], WEFT_SLICE_LITERAL("\x0a\x18\x12\x16"));
    ck_assert_ptr_eq(fixture.slices.items[1].bytes, copy + 4);
    ck_assert_uint_eq(fixture.slices.items[1].length, 12);
    ck_assert_ptr_eq(fixture.slices.items[2].bytes, copy + 21);
    ck_assert_uint_eq(fixture.slices.items[2].length, 10);
    fixture_fini(&fixture);
}
END_TEST

/* Both halves of the fixture's table, as the selection says, against the model. */
static void pick_and_compare(struct fixture *fixture, const struct weft_selection *selection, size_t first_bit)
{
    struct weft_budget budget = { 0 };
    struct weft_arena *own = NULL;
    struct weft_otlp_table picked;
    struct weft_otlp_counts counts;
    uint32_t record_count = fixture->table.record_count;
    bool *keep = weft_alloc(record_count + 1);
    for (uint32_t i = 0; i < record_count; i++) {
        keep[i] = weft_selection_has(selection, first_bit + i);
    }
    ck_assert_int_eq(weft_otlp_table_pick(&fixture->table, selection, first_bit, &budget, &own, &picked), WEFT_OK);
    ck_assert_uint_eq(picked.record_count, weft_selection_count(selection, first_bit, first_bit + record_count));
    ck_assert_uint_eq(weft_arena_size_bytes(own), weft_budget_reserved(&budget));
    struct weft_slice taken = emit(fixture, &picked, &counts);
    assert_model_equal(fixture->signal, fixture->request, keep, taken);
    weft_otlp_table_remove(&fixture->table, selection, first_bit);
    for (uint32_t i = 0; i < record_count; i++) {
        keep[i] = !keep[i];
    }
    struct weft_slice left = emit(fixture, &fixture->table, &counts);
    assert_model_equal(fixture->signal, fixture->request, keep, left);
    slice_free(taken);
    slice_free(left);
    weft_free(keep);
    weft_arena_unref(&own);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

START_TEST(test_picked_and_left_equal_the_model)
{
    struct weft_selection selection = { 0 };
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        size_t first_bit = seed % 7 * 13;
        uint32_t one_in = 1 + (uint32_t)(seed % 5);
        ck_assert_int_eq(weft_selection_begin(&selection, first_bit + fixture.table.record_count), WEFT_OK);
        for (uint32_t i = 0; i < fixture.table.record_count; i++) {
            if (random_below(&fixture.random, one_in) == 0) {
                weft_selection_add(&selection, first_bit + i);
            }
        }
        if (weft_selection_count(&selection, 0, selection.count) > 0) {
            pick_and_compare(&fixture, &selection, first_bit);
        }
        fixture_fini(&fixture);
    }
    weft_selection_fini(&selection);
}
END_TEST

/* What was edited and what was put together lies in memory that goes; what was picked of it stays good. */
START_TEST(test_picked_rows_do_not_point_into_the_arena_that_they_come_from)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        struct weft_selection selection = { 0 };
        ck_assert_int_eq(weft_selection_begin(&selection, fixture.table.record_count), WEFT_OK);
        for (uint32_t i = 0; i < fixture.table.record_count; i += 2) {
            struct weft_otlp_record *record = &fixture.table.records[i];
            uint8_t *edited = weft_arena_try_bytes(fixture.arena, record->length);
            memcpy(edited, record->bytes, record->length);
            record->bytes = edited;
            weft_selection_add(&selection, i);
        }
        if (fixture.table.record_count > 0) {
            struct weft_budget budget = { 0 };
            struct weft_arena *own = NULL;
            struct weft_otlp_table picked;
            struct weft_otlp_counts counts;
            struct weft_slice before, after;
            ck_assert_int_eq(weft_otlp_table_pick(&fixture.table, &selection, 0, &budget, &own, &picked), WEFT_OK);
            before = emit(&fixture, &picked, &counts);
            weft_slices_clear(&fixture.slices);
            weft_arena_unref(&fixture.arena);
            fixture.arena = weft_arena_try_new();
            after = emit(&fixture, &picked, &counts);
            ck_assert_slice_eq(before, after);
            slice_free(before);
            slice_free(after);
            weft_arena_unref(&own);
        }
        weft_selection_fini(&selection);
        fixture_fini(&fixture);
    }
}
END_TEST

START_TEST(test_replaced_records_leave_as_they_were_given)
{
    /* a name, an event name */
    static const struct weft_slice renamed[] = { [WEFT_TRACES] = { (const uint8_t *)"\x2a\x03new", 5 },
                                                 [WEFT_METRICS] = { (const uint8_t *)"\x0a\x03new", 5 },
                                                 [WEFT_LOGS] = { (const uint8_t *)"\x62\x03new", 5 } };
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        struct rows *expected = rows_new(fixture.request);
        for (uint32_t i = 0; i < fixture.table.record_count; i++) {
            uint32_t choice = random_below(&fixture.random, 4);
            if (choice > 1) {
                continue;
            }
            struct weft_slice given = choice == 0 ? WEFT_SLICE_EMPTY : renamed[fixture.signal];
            struct weft_otlp_record *record = &fixture.table.records[i];
            record->bytes = given.bytes;
            record->length = (uint32_t)given.length;
            if (fixture.signal == WEFT_METRICS) {
                fixture.table.weight -= record->weight;
                record->weight = 0;
            }
            expected->items[i].record = given;
        }
        struct weft_otlp_counts counts;
        struct weft_slice written = emit(&fixture, &fixture.table, &counts);
        struct rows *rows = rows_new(written);
        assert_rows_equal(rows, expected);
        rows_free(rows);
        rows_free(expected);
        slice_free(written);
        fixture_fini(&fixture);
    }
}
END_TEST

/* Records that an edit wrote with their frames, one after the other, leave as one slice; others get frames. */
START_TEST(test_written_records_with_their_frames_leave_as_one_slice)
{
    struct fixture fixture;
    uint8_t *copy = weft_alloc(26);
    memcpy(copy,
           "\x0a\x18\x12\x16\x0a\x00\x12\x03\x2a\x01"
           "a\x12\x03\x2a\x01"
           "b\x12\x03\x2a\x01"
           "c\x12\x03\x2a\x01"
           "d",
           26);
    fixture_of(&fixture, WEFT_TRACES, weft_slice_of(copy, 26));
    uint8_t *written = weft_arena_try_bytes(fixture.arena, 16);
    memcpy(written, "\x12\x04\x2a\x02xx\x12\x04\x2a\x02yy\x2a\x02zz", 16);
    for (uint32_t i = 0; i < 3; i++) {
        fixture.table.records[i].bytes = written + (i < 2 ? 2 + 6 * i : 12); /* the third without its frame */
        fixture.table.records[i].length = 4;
    }
    ck_assert_int_eq(weft_otlp_table_emit(&fixture.table, fixture.arena, &fixture.slices), WEFT_OK);
    ck_assert_uint_eq(fixture.slices.count, 6);
    ck_assert_ptr_eq(fixture.slices.items[2].bytes, written);
    ck_assert_uint_eq(fixture.slices.items[2].length, 12);
    ck_assert_slice_eq(fixture.slices.items[3], WEFT_SLICE_LITERAL("\x12\x04"));
    ck_assert_ptr_eq(fixture.slices.items[4].bytes, written + 12);
    ck_assert_ptr_eq(fixture.slices.items[5].bytes, copy + 21);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_replaced_headers_leave_as_they_were_given)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct fixture fixture;
        fixture_random(&fixture, seed);
        struct weft_slice header = WEFT_SLICE_LITERAL("\x1a\x03new");
        struct rows *expected = rows_new(fixture.request);
        for (uint32_t i = 0; i < fixture.table.resource_count; i++) {
            fixture.table.resources[i].header = header;
        }
        for (uint32_t i = 0; i < fixture.table.scope_count; i++) {
            fixture.table.scopes[i].header = WEFT_SLICE_EMPTY;
        }
        for (size_t i = 0; i < expected->count; i++) {
            expected->items[i].resource = header;
            expected->items[i].scope = WEFT_SLICE_EMPTY;
        }
        struct weft_otlp_counts counts;
        struct weft_slice written = emit(&fixture, &fixture.table, &counts);
        struct rows *rows = rows_new(written);
        assert_rows_equal(rows, expected);
        rows_free(rows);
        rows_free(expected);
        slice_free(written);
        fixture_fini(&fixture);
    }
}
END_TEST

START_TEST(test_failed_pick_leaves_the_table)
{
    struct fixture fixture;
    fixture_of_size(&fixture, 3);
    struct weft_selection selection = { 0 };
    struct weft_budget budget = { 0 };
    struct weft_arena *own = NULL;
    struct weft_otlp_table picked;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_selection_begin(&selection, fixture.table.record_count), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_int_eq(weft_selection_begin(&selection, fixture.table.record_count), WEFT_OK);
    weft_selection_add(&selection, 1);
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_otlp_table_pick(&fixture.table, &selection, 0, &budget, &own, &picked), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_ptr_null(own);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    struct weft_otlp_counts counts;
    struct weft_slice written = emit(&fixture, &fixture.table, &counts);
    assert_model_equal(fixture.signal, fixture.request, NULL, written);
    slice_free(written);
    weft_selection_fini(&selection);
    fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_neighbours_of_a_removed_record_leave_as_one_slice_each,
        test_picked_and_left_equal_the_model,
        test_picked_rows_do_not_point_into_the_arena_that_they_come_from,
        test_failed_pick_leaves_the_table,
        test_replaced_records_leave_as_they_were_given,
        test_written_records_with_their_frames_leave_as_one_slice,
        test_replaced_headers_leave_as_they_were_given,
    };
    return run_tests("otlp_table_edits", tests, WEFT_COUNT_OF(tests));
}
