#pragma once

/* Tables of requests in tests: a plain list of records as the model, and a request with its table. */
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
static inline struct weft_slice take_header(struct rows *rows, struct weft_slice message, uint32_t number)
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

static inline bool next_of(struct weft_wire_reader *reader, uint32_t number, struct weft_slice *out_contents)
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
static inline void rows_read(struct rows *rows, struct weft_slice request)
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

static inline struct rows *rows_new(struct weft_slice request)
{
    struct rows *rows = weft_alloc(sizeof *rows);
    rows_read(rows, request);
    return rows;
}

static inline void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->header_count; i++) {
        weft_buffer_fini(&rows->headers[i]);
    }
    weft_free(rows->items);
    weft_free(rows);
}

static inline void assert_rows_equal(const struct rows *left, const struct rows *right)
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

static inline void fixture_of(struct fixture *fixture, enum weft_signal signal, struct weft_slice request)
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

static inline void fixture_random(struct fixture *fixture, uint64_t seed)
{
    enum weft_signal signal = (enum weft_signal)(seed % 3);
    fixture->random = (struct random){ .state = seed, .is_plain = seed % 5 == 0 };
    fixture_of(fixture, signal, random_request(&fixture->random, signal));
}

static inline void fixture_fini(struct fixture *fixture)
{
    weft_slices_fini(&fixture->slices);
    weft_arena_unref(&fixture->arena);
    slice_free(fixture->request);
}

/* One with at least that many records, and the oddities of the format. */
static inline void fixture_of_size(struct fixture *fixture, uint32_t record_count)
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
static inline struct weft_slice emit(struct fixture *fixture, const struct weft_otlp_table *table,
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
