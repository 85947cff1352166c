/* Taking records out of batches, against protobuf-c: what was taken and what stayed are the request less the other,
 * whatever the encoding, the selection and what the batch had been through; tickets are settled once; a failed
 * allocation changes nothing. */
#include "wire/request_model.h"

#include "pipeline_test.h"
#include "suite.h"

enum { MOST_PARTS = 4 };

/* A batch of some random requests, and all that they were made of. */
struct case_ {
    struct random random;
    enum weft_signal signal;
    struct counted_ticket tickets[MOST_PARTS];
    uint64_t weights[MOST_PARTS];
    size_t part_count;
    struct weft_buffer request; /* all of them, one after the other */
    struct weft_batch *batch;
    struct weft_selection selection;
};

static struct weft_slice request_with_records(struct random *random, enum weft_signal signal)
{
    struct weft_otlp_counts counts;
    for (;;) {
        struct weft_slice request = random_request(random, signal);
        ck_assert_int_eq(weft_otlp_check(signal, request, NULL, &counts, NULL), WEFT_OK);
        if (counts.data_points > 0) {
            return request;
        }
        slice_free(request);
    }
}

/* Its own bytes again, from the part's arena: what an editor leaves. */
static void rewrite_some(struct random *random, struct weft_part *part)
{
    for (uint32_t i = 0; i < part->table.record_count; i++) {
        struct weft_otlp_record *record = &part->table.records[i];
        if (random_one_in(random, 2)) {
            uint8_t *bytes = weft_arena_try_bytes(part->arena, record->length);
            memcpy(bytes, record->bytes, record->length);
            record->bytes = bytes;
        }
    }
}

static void case_begin(struct case_ *one, uint64_t seed)
{
    *one = (struct case_){ .random = { .state = seed, .is_plain = seed % 6 == 0 },
                           .signal = (enum weft_signal)(seed % 3) };
    one->part_count = 1 + random_below(&one->random, MOST_PARTS);
    for (size_t i = 0; i < one->part_count; i++) {
        struct weft_slice request = request_with_records(&one->random, one->signal);
        struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
        weft_payload_append(payload, request.bytes, request.length);
        weft_buffer_append(&one->request, request.bytes, request.length);
        slice_free(request);
        struct weft_batch *other = batch_of(one->signal, payload, &one->tickets[i].ticket);
        one->weights[i] = other->weight;
        counted_init(&one->tickets[i], other->weight, WEFT_ACKNOWLEDGE_ACCEPTED);
        if (random_one_in(&one->random, 2)) {
            ck_assert_int_eq(weft_batch_open(other), WEFT_OK);
            rewrite_some(&one->random, &other->parts[0]);
            weft_batch_recount(other);
        }
        if (one->batch == NULL) {
            one->batch = other;
        } else {
            ck_assert_int_eq(weft_batch_merge(one->batch, &other), WEFT_OK);
        }
    }
}

/* None, all, or some in density that changes; now and then a whole part. */
static void select_some(struct case_ *one)
{
    size_t count = weft_batch_record_count(one->batch);
    uint32_t one_in = 1 + random_below(&one->random, 8);
    ck_assert_int_eq(weft_selection_begin(&one->selection, count), WEFT_OK);
    for (size_t i = 0; i < count && one_in < 8; i++) {
        if (random_one_in(&one->random, one_in)) {
            weft_selection_add(&one->selection, i);
        }
    }
    if (random_one_in(&one->random, 2)) {
        const struct weft_part *first = &one->batch->parts[0];
        uint32_t first_count = first->is_open ? first->table.record_count : first->counts.records;
        for (size_t i = 0; i < first_count; i++) {
            weft_selection_add(&one->selection, i);
        }
    }
}

/* The end of all that the batch was; what else has its records has been ended by the test. */
static void case_end(struct case_ *one)
{
    if (one->batch != NULL) {
        weft_batch_end(&one->batch, NULL, -1);
    }
    for (size_t i = 0; i < one->part_count; i++) {
        ck_assert_uint_eq(one->tickets[i].settled, 1);
    }
    weft_buffer_fini(&one->request);
    weft_selection_fini(&one->selection);
}

/* A whole part keeps what has no records, and a piece has the envelope of its request again: neither is compared. */
static struct weft_slice canonical(enum weft_signal signal, struct weft_slice request, const bool *keep)
{
    any_request *model = oracle_read(signal, request);
    ck_assert_ptr_nonnull(model);
    model_retain(model, keep);
    for (unsigned i = 0; i < model->base.n_unknown_fields; i++) {
        free(model->base.unknown_fields[i].data);
    }
    free(model->base.unknown_fields);
    model->base.unknown_fields = NULL;
    model->base.n_unknown_fields = 0;
    struct weft_slice written = oracle_write(model);
    oracle_free(model);
    return written;
}

static void expect_model(const struct case_ *one, const struct weft_batch *batch, const bool *keep)
{
    struct weft_buffer bytes = { 0 };
    struct weft_otlp_counts counts;
    append_bytes(batch, &bytes);
    ck_assert_int_eq(weft_otlp_check(one->signal, weft_buffer_slice(&bytes), NULL, &counts, NULL), WEFT_OK);
    ck_assert_uint_eq(counts.data_points, batch->weight);
    struct weft_slice expected = canonical(one->signal, weft_buffer_slice(&one->request), keep);
    struct weft_slice found = canonical(one->signal, weft_buffer_slice(&bytes), NULL);
    ck_assert_slice_eq(expected, found);
    slice_free(expected);
    slice_free(found);
    weft_buffer_fini(&bytes);
}

static void expect_sums(const struct weft_batch *batch)
{
    uint64_t weight = 0;
    size_t size_bytes = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        weight += batch->parts[i].weight;
        size_bytes += batch->parts[i].size_bytes;
    }
    ck_assert_uint_eq(batch->weight, weight);
    ck_assert_uint_eq(batch->size_bytes, size_bytes);
}

static bool *keeps_of(const struct weft_selection *selection, bool is_inverted)
{
    bool *keep = weft_alloc(selection->count + 1);
    for (size_t i = 0; i < selection->count; i++) {
        keep[i] = weft_selection_has(selection, i) != is_inverted;
    }
    return keep;
}

/* Each ticket has been settled if and only if the batch that is left has no record of it. */
static void expect_tickets(const struct case_ *one, const struct weft_batch *left)
{
    for (size_t i = 0; i < one->part_count; i++) {
        uint64_t outstanding = 0;
        for (size_t j = 0; left != NULL && j < left->part_count; j++) {
            outstanding += left->parts[j].ticket == &one->tickets[i].ticket ? left->parts[j].weight : 0;
        }
        ck_assert_uint_eq(one->tickets[i].ticket.outstanding, outstanding);
        ck_assert_uint_eq(one->tickets[i].settled, outstanding == 0);
    }
}

static void take_and_compare(uint64_t seed)
{
    struct case_ one;
    struct weft_batch *taken = NULL;
    case_begin(&one, seed);
    select_some(&one);
    uint64_t weight = one.batch->weight;
    bool *keep_taken = keeps_of(&one.selection, false), *keep_left = keeps_of(&one.selection, true);
    ck_assert_int_eq(weft_batch_take(one.batch, &one.selection, &taken), WEFT_OK);
    expect_model(&one, one.batch, keep_left);
    expect_sums(one.batch);
    if (taken != NULL) {
        expect_model(&one, taken, keep_taken);
        expect_sums(taken);
        ck_assert_uint_eq(taken->weight + one.batch->weight, weight);
        if (seed % 2 == 0) {
            weft_batch_hand_over(taken, 0);
            expect_tickets(&one, one.batch);
        }
        if (seed % 3 == 0) { /* the rest goes first: what was taken needs nothing of it */
            weft_batch_end(&one.batch, NULL, -1);
            expect_model(&one, taken, keep_taken);
        }
        weft_batch_end(&taken, NULL, -1);
        expect_tickets(&one, one.batch);
    } else {
        ck_assert_uint_eq(weft_selection_count(&one.selection, 0, one.selection.count), 0);
    }
    weft_free(keep_taken);
    weft_free(keep_left);
    case_end(&one);
}

START_TEST(test_taken_and_left_equal_the_model)
{
    begin();
    for (uint64_t seed = 1; seed < 600; seed++) {
        take_and_compare(seed);
    }
    end();
}
END_TEST

/* Again and again out of what is left, after a split, until nothing is. */
START_TEST(test_records_leave_in_many_steps)
{
    begin();
    for (uint32_t step = 2; step < 12; step++) {
        struct counted_ticket counted;
        struct weft_selection selection = { 0 };
        counted_init(&counted, 100, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = spans(0, 100, &counted.ticket), *head = NULL, *taken[400];
        size_t taken_count = 0;
        uint64_t weight = 0;
        ck_assert_int_eq(weft_batch_split(batch, 37, 0, &head) == WEFT_OK, true);
        ck_assert_int_eq(weft_batch_merge(head, &batch), WEFT_OK);
        while (head->part_count > 0) {
            size_t count = weft_batch_record_count(head);
            ck_assert_int_eq(weft_selection_begin(&selection, count), WEFT_OK);
            for (size_t i = count % 2; i < count; i += step) {
                weft_selection_add(&selection, i);
            }
            ck_assert_int_eq(weft_batch_take(head, &selection, &taken[taken_count]), WEFT_OK);
            weight += taken[taken_count] == NULL ? 0 : taken[taken_count]->weight;
            taken_count += taken[taken_count] != NULL;
            expect_sums(head);
            if (weft_selection_count(&selection, 0, count) == 0) {
                break; /* the one that is left is never the selected one */
            }
        }
        ck_assert_uint_eq(weight + head->weight, 100);
        weft_batch_end(&head, NULL, -1);
        for (size_t i = 0; i < taken_count; i++) {
            ck_assert_uint_eq(counted.settled, 0);
            weft_batch_end(&taken[i], NULL, -1);
        }
        ck_assert_uint_eq(counted.settled, 1);
        weft_selection_fini(&selection);
    }
    end();
}
END_TEST

START_TEST(test_cursor_sees_each_record_once_and_opens_nothing)
{
    begin();
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct case_ one;
        case_begin(&one, seed);
        bool was_open[MOST_PARTS];
        for (size_t i = 0; i < one.part_count; i++) {
            was_open[i] = one.batch->parts[i].is_open;
        }
        size_t count = 0;
        struct weft_slice record, *records = weft_alloc(weft_batch_record_count(one.batch) * sizeof *records);
        struct weft_batch_cursor cursor = weft_batch_records(one.batch);
        while (weft_batch_next_record(&cursor, &record)) {
            ck_assert_uint_eq(cursor.index, count);
            records[count++] = record;
        }
        ck_assert_uint_eq(count, weft_batch_record_count(one.batch));
        for (size_t i = 0; i < one.part_count; i++) {
            ck_assert(one.batch->parts[i].is_open == was_open[i]);
        }
        ck_assert_int_eq(weft_batch_open(one.batch), WEFT_OK);
        weft_batch_recount(one.batch);
        cursor = weft_batch_records(one.batch);
        for (size_t i = 0; weft_batch_next_record(&cursor, &record); i++) {
            ck_assert_slice_eq(record, records[i]);
        }
        weft_free(records);
        case_end(&one);
    }
    end();
}
END_TEST

/* ---- what costs nothing ---- */

static struct weft_batch *two_compressed(struct weft_payload **out_wire)
{
    struct weft_batch *batch = NULL;
    *out_wire = spans_payload(0, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct weft_payload *payload = spans_payload(i * 3, 3);
        struct weft_otlp_counts counts;
        ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, weft_payload_slice(payload), NULL, &counts, NULL), WEFT_OK);
        struct weft_batch *one =
            weft_batch_try_new(WEFT_TRACES, &payload, *out_wire, WEFT_ENCODING_GZIP, &counts, NULL);
        if (batch == NULL) {
            batch = one;
        } else {
            ck_assert_int_eq(weft_batch_merge(batch, &one), WEFT_OK);
        }
    }
    return batch;
}

START_TEST(test_nothing_selected_takes_no_memory)
{
    struct weft_payload *wire;
    struct weft_selection none = { 0 };
    begin();
    struct weft_batch *batch = two_compressed(&wire), *taken = batch;
    ck_assert_int_eq(weft_selection_begin(&none, 6), WEFT_OK);
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_batch_take(batch, &none, &taken), WEFT_OK);
    ck_assert(!weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert_ptr_null(taken);
    expect_spans(batch, 0, 6);
    weft_batch_end(&batch, NULL, -1);
    weft_payload_unref(&wire);
    weft_selection_fini(&none);
    end();
}
END_TEST

/* Whole parts move as the very bytes that they came as, compressed ones included. */
START_TEST(test_parts_that_leave_whole_are_not_opened)
{
    struct weft_payload *wire;
    struct weft_selection selection = { 0 };
    begin();
    for (size_t selected = 3; selected <= 6; selected += 3) {
        struct weft_batch *batch = two_compressed(&wire), *taken = NULL;
        ck_assert_int_eq(weft_selection_begin(&selection, 6), WEFT_OK);
        for (size_t i = 6 - selected; i < 6; i++) {
            weft_selection_add(&selection, i);
        }
        ck_assert_int_eq(weft_batch_take(batch, &selection, &taken), WEFT_OK);
        ck_assert_uint_eq(taken->part_count, selected / 3);
        ck_assert_uint_eq(batch->part_count, 2 - selected / 3);
        ck_assert_uint_eq(batch->weight, 6 - selected);
        for (size_t i = 0; i < taken->part_count; i++) {
            ck_assert(!taken->parts[i].is_open);
            ck_assert_ptr_eq(taken->parts[i].wire, wire);
        }
        expect_spans(taken, (uint32_t)(6 - selected), (uint32_t)selected);
        weft_batch_end(&batch, NULL, -1);
        weft_batch_end(&taken, NULL, -1);
        ck_assert_uint_eq(wire->references, 1);
        weft_payload_unref(&wire);
    }
    weft_selection_fini(&selection);
    end();
}
END_TEST

/* One span of many that were edited: what it pins is its own table and the payload, not what was written for others. */
START_TEST(test_taken_record_does_not_pin_what_was_edited)
{
    struct weft_selection selection = { 0 };
    begin();
    struct weft_batch *batch = spans(0, 1000, NULL), *taken = NULL;
    size_t payload_bytes = batch->parts[0].payload->resident;
    ck_assert_int_eq(weft_batch_open(batch), WEFT_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        struct weft_otlp_record *record = &batch->parts[0].table.records[i];
        uint8_t *bytes = weft_arena_try_bytes(batch->parts[0].arena, record->length);
        memcpy(bytes, record->bytes, record->length);
        record->bytes = bytes;
    }
    weft_batch_recount(batch);
    ck_assert_int_eq(weft_selection_begin(&selection, 1000), WEFT_OK);
    weft_selection_add(&selection, 500);
    ck_assert_int_eq(weft_batch_take(batch, &selection, &taken), WEFT_OK);
    weft_batch_end(&batch, NULL, -1);
    ck_assert_uint_lt(weft_budget_reserved(&budget), payload_bytes + 1024);
    expect_spans(taken, 500, 1);
    weft_batch_end(&taken, NULL, -1);
    weft_selection_fini(&selection);
    end();
}
END_TEST

/* ---- allocation failures ---- */

static bool fail_nth(uint64_t seed, size_t nth)
{
    struct case_ one;
    struct weft_batch *taken = NULL;
    struct weft_buffer before = { 0 }, after = { 0 };
    struct weft_part parts[MOST_PARTS];
    case_begin(&one, seed);
    select_some(&one);
    append_bytes(one.batch, &before);
    memcpy(parts, one.batch->parts, one.batch->part_count * sizeof *parts);
    uint64_t reserved = weft_budget_reserved(&budget);
    weft_alloc_fail_at(nth);
    enum weft_status status = weft_batch_take(one.batch, &one.selection, &taken);
    bool has_failed = weft_alloc_has_failed();
    weft_alloc_fail_at(0);
    ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
    if (has_failed) {
        ck_assert_ptr_null(taken);
        ck_assert_uint_eq(weft_budget_reserved(&budget), reserved);
        ck_assert_mem_eq(parts, one.batch->parts, one.batch->part_count * sizeof *parts);
        append_bytes(one.batch, &after);
        ck_assert_slice_eq(weft_buffer_slice(&before), weft_buffer_slice(&after));
        expect_tickets(&one, one.batch);
    } else if (taken != NULL) {
        weft_batch_end(&taken, NULL, -1);
    }
    weft_buffer_fini(&before);
    weft_buffer_fini(&after);
    case_end(&one);
    return has_failed;
}

START_TEST(test_failed_allocations_change_nothing)
{
    size_t failures = 0;
    begin();
    for (uint64_t seed = 1; seed < 60; seed++) {
        for (size_t nth = 1; fail_nth(seed, nth); nth++) {
            failures++;
        }
    }
    ck_assert_uint_gt(failures, 100);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/batch_take");
    TCase *tests = tcase_create("take");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, test_taken_and_left_equal_the_model);
    tcase_add_test(tests, test_records_leave_in_many_steps);
    tcase_add_test(tests, test_cursor_sees_each_record_once_and_opens_nothing);
    tcase_add_test(tests, test_nothing_selected_takes_no_memory);
    tcase_add_test(tests, test_parts_that_leave_whole_are_not_opened);
    tcase_add_test(tests, test_taken_record_does_not_pin_what_was_edited);
    tcase_add_test(tests, test_failed_allocations_change_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
