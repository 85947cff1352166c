/* The table of a request: what is written back is what was read, less what was removed and with what was
 * replaced; bytes that nobody touched are the very bytes that came. protobuf-c and a plain list of records
 * are the models. */
#include "wire/request_model.h"

/* One record as it lies on the wire, with what it belongs to. */
struct row {
    struct weft_slice resource; /* ResourceX without its scopes */
    struct weft_slice scope;    /* ScopeX without its records */
    struct weft_slice record;
};

struct rows {
    struct row *items;
    size_t count;
    size_t capacity;
    struct weft_buffer headers[1024]; /* what items point into */
    size_t header_count;
};

/* The contents of all fields `number`; the other fields, joined, as a header of rows. */
static struct weft_slice take_header(struct rows *rows, struct weft_slice message, uint32_t number)
{
    ck_assert_uint_lt(rows->header_count, WEFT_COUNT_OF(rows->headers));
    struct weft_buffer *header = &rows->headers[rows->header_count++];
    weft_buffer_init(header, 0);
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number != number) {
            weft_buffer_append(header, field.whole.bytes, field.whole.length);
        }
    }
    return weft_buffer_slice(header);
}

static bool next_of(struct weft_wire_reader *reader, uint32_t number, struct weft_slice *out_contents)
{
    struct weft_wire_field field;
    bool has_field = false;
    do {
        ck_assert_int_eq(weft_wire_next(reader, &field, &has_field, NULL), WEFT_OK);
    } while (has_field && field.number != number);
    *out_contents = has_field ? field.bytes : WEFT_SLICE_EMPTY;
    return has_field;
}

/* Adds the records of a request to the list. */
static void rows_read(struct rows *rows, struct weft_slice request)
{
    struct weft_slice resource, scope, record;
    struct weft_wire_reader resources = weft_wire_reader_of(request);
    while (next_of(&resources, 1, &resource)) {
        struct weft_slice resource_header = take_header(rows, resource, 2);
        struct weft_wire_reader scopes = weft_wire_reader_of(resource);
        while (next_of(&scopes, 2, &scope)) {
            struct weft_slice scope_header = take_header(rows, scope, 2);
            struct weft_wire_reader records = weft_wire_reader_of(scope);
            while (next_of(&records, 2, &record)) {
                ck_assert_int_eq(weft_try_grow(&rows->items, sizeof *rows->items, rows->count, &rows->capacity),
                                 WEFT_OK);
                rows->items[rows->count++] = (struct row){ resource_header, scope_header, record };
            }
        }
    }
}

static struct rows *rows_new(struct weft_slice request)
{
    struct rows *rows = weft_alloc(sizeof *rows);
    rows_read(rows, request);
    return rows;
}

static void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->header_count; i++) {
        weft_buffer_fini(&rows->headers[i]);
    }
    weft_free(rows->items);
    weft_free(rows);
}

static void assert_rows_equal(const struct rows *left, const struct rows *right)
{
    ck_assert_uint_eq(left->count, right->count);
    for (size_t i = 0; i < left->count; i++) {
        ck_assert_slice_eq(left->items[i].resource, right->items[i].resource);
        ck_assert_slice_eq(left->items[i].scope, right->items[i].scope);
        ck_assert_slice_eq(left->items[i].record, right->items[i].record);
    }
}

/* A random request with its table. */
struct fixture {
    enum weft_signal signal;
    struct random random;
    struct weft_slice request;
    struct weft_otlp_counts counts;
    struct weft_arena *arena;
    struct weft_otlp_table table;
    struct weft_slices slices;
};

static void fixture_of(struct fixture *fixture, enum weft_signal signal, struct weft_slice request)
{
    fixture->signal = signal;
    fixture->request = request;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_otlp_check(signal, request, NULL, &fixture->counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    fixture->arena = weft_arena_try_new();
    ck_assert_int_eq(weft_otlp_table_build(signal, request, &fixture->counts, fixture->arena, &fixture->table, NULL),
                     WEFT_OK);
    weft_slices_init(&fixture->slices);
}

static void fixture_random(struct fixture *fixture, uint64_t seed)
{
    enum weft_signal signal = (enum weft_signal)(seed % 3);
    fixture->random = (struct random){ .state = seed, .is_plain = seed % 5 == 0 };
    fixture_of(fixture, signal, random_request(&fixture->random, signal));
}

static void fixture_fini(struct fixture *fixture)
{
    weft_slices_fini(&fixture->slices);
    weft_arena_unref(&fixture->arena);
    slice_free(fixture->request);
}

/* One with at least that many records, and the oddities of the format. */
static void fixture_of_size(struct fixture *fixture, uint32_t record_count)
{
    for (uint64_t seed = 1;; seed++) {
        fixture_random(fixture, seed);
        if (fixture->counts.records >= record_count && !fixture->random.is_plain) {
            return;
        }
        fixture_fini(fixture);
    }
}

/* What emit writes, in one run of new memory; it has the promised size and passes the check. */
static struct weft_slice emit(struct fixture *fixture, const struct weft_otlp_table *table,
                              struct weft_otlp_counts *out_counts)
{
    weft_slices_clear(&fixture->slices);
    ck_assert_int_eq(weft_otlp_table_emit(table, fixture->arena, &fixture->slices), WEFT_OK);
    struct weft_slice written = slices_join(&fixture->slices);
    ck_assert_uint_eq(written.length, weft_otlp_table_size_bytes(table));
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_otlp_check(fixture->signal, written, NULL, out_counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_uint_eq(out_counts->records, table->record_count);
    ck_assert_uint_eq(out_counts->data_points, table->weight);
    return written;
}

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
        test_untouched_table_writes_the_same_message_and_the_same_bytes_of_records,
        test_untouched_canonical_request_leaves_as_one_slice_of_itself,
        test_neighbours_of_a_removed_record_leave_as_one_slice_each,
        test_picked_and_left_equal_the_model,
        test_picked_rows_do_not_point_into_the_arena_that_they_come_from,
        test_walk_finds_the_records_of_the_table,
        test_failed_pick_leaves_the_table,
        test_replaced_records_leave_as_they_were_given,
        test_written_records_with_their_frames_leave_as_one_slice,
        test_replaced_headers_leave_as_they_were_given,
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
