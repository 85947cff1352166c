/* Batches: every span's bytes out are its bytes in, whatever was merged, split or cloned; tickets are settled once; and
 * with every allocation failing in turn nothing is lost or changed. */
#include "pipeline_test.h"

#include "base/base_test.h"
#include "suite.h"

static const uint32_t span_counts[] = { 1, 10, 1000 };

START_TEST(test_new_batch_emits_the_payload)
{
    begin();
    for (size_t i = 0; i < WEFT_COUNT_OF(span_counts); i++) {
        struct weft_batch *batch = spans(0, span_counts[i], NULL);
        struct weft_slices slices;
        weft_slices_init(&slices);
        ck_assert(weft_batch_emit(batch, NULL, &slices) == WEFT_OK);
        ck_assert_uint_eq(slices.count, 1);
        ck_assert_ptr_eq(slices.items[0].bytes, batch->parts[0].payload->bytes);
        expect_spans(batch, 0, span_counts[i]);
        weft_slices_fini(&slices);
        weft_batch_end(&batch, NULL, -1);
    }
    end();
}
END_TEST

START_TEST(test_merged_batch_has_all_spans_in_order)
{
    begin();
    struct weft_batch *batch = spans(0, 1, NULL);
    uint32_t count = 1;
    for (uint32_t i = 0; i < 20; i++) {
        struct weft_batch *other = spans(count, 1 + i * 3, NULL);
        count += 1 + i * 3;
        ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
        ck_assert_ptr_null(other);
    }
    expect_spans(batch, 0, count);
    weft_batch_end(&batch, NULL, -1);
    end();
}
END_TEST

START_TEST(test_opened_batch_has_the_same_bytes)
{
    begin();
    for (size_t i = 0; i < WEFT_COUNT_OF(span_counts); i++) {
        struct weft_buffer before, after;
        struct weft_batch *batch = spans(7, span_counts[i], NULL);
        weft_buffer_init(&before, 0);
        weft_buffer_init(&after, 0);
        append_bytes(batch, &before);
        ck_assert(weft_batch_open(batch) == WEFT_OK);
        weft_batch_recount(batch);
        append_bytes(batch, &after);
        ck_assert_uint_eq(before.length, after.length);
        ck_assert_mem_eq(before.bytes, after.bytes, before.length);
        weft_buffer_fini(&before);
        weft_buffer_fini(&after);
        weft_batch_end(&batch, NULL, -1);
    }
    end();
}
END_TEST

/* Splits what is merged of three requests into heads of at most max_weight. */
static void split_by_weight(uint32_t count, uint64_t max_weight)
{
    struct counted_ticket tickets[3];
    struct weft_batch *batch = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        counted_init(&tickets[i], count, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *other = spans(i * count, count, &tickets[i].ticket);
        if (batch == NULL) {
            batch = other;
        } else {
            ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
        }
    }
    uint32_t done = 0;
    while (batch->part_count > 0) {
        struct weft_batch *head = NULL;
        uint64_t before = batch->weight;
        ck_assert(weft_batch_split(batch, max_weight, 0, &head) == WEFT_OK);
        ck_assert_uint_eq(head->weight, before < max_weight ? before : max_weight);
        ck_assert_uint_eq(head->weight + batch->weight, before);
        expect_spans(head, done, (uint32_t)head->weight);
        done += (uint32_t)head->weight;
        weft_batch_end(&head, NULL, -1);
    }
    ck_assert_uint_eq(done, 3 * count);
    ck_assert_uint_eq(batch->size_bytes, 0);
    weft_batch_end(&batch, NULL, -1);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(tickets[i].settled, 1);
    }
}

START_TEST(test_split_by_weight_fills_each_head)
{
    begin();
    for (uint32_t count = 1; count <= 10; count += 3) {
        for (uint64_t max_weight = 1; max_weight <= 31; max_weight++) {
            split_by_weight(count, max_weight);
        }
    }
    split_by_weight(1000, 999);
    end();
}
END_TEST

START_TEST(test_split_by_bytes_keeps_to_the_limit)
{
    begin();
    for (size_t max_bytes = 1; max_bytes < 700; max_bytes += 13) {
        struct weft_batch *batch = spans(0, 10, NULL), *other = spans(10, 1, NULL);
        ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
        uint32_t done = 0;
        while (batch->part_count > 0) {
            struct weft_batch *head = NULL;
            ck_assert(weft_batch_split(batch, UINT64_MAX, max_bytes, &head) == WEFT_OK);
            ck_assert(head->size_bytes <= max_bytes || head->weight == 1);
            expect_spans(head, done, (uint32_t)head->weight);
            done += (uint32_t)head->weight;
            weft_batch_end(&head, NULL, -1);
        }
        ck_assert_uint_eq(done, 11);
        weft_batch_end(&batch, NULL, -1);
    }
    end();
}
END_TEST

/* Weight is data points, between which a metric is cut; one without points weighs nothing but is not lost. */
START_TEST(test_split_counts_data_points)
{
    static const uint32_t points[] = { 0, 3, 1, 9, 0, 2, 2, 0 };
    begin();
    for (uint64_t max_weight = 1; max_weight <= 18; max_weight++) {
        struct counted_ticket counted;
        counted_init(&counted, 17, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = metrics(points, WEFT_COUNT_OF(points), &counted.ticket);
        ck_assert_uint_eq(batch->weight, 17);
        uint64_t weight = 0;
        size_t metric_count = 0, cut_count = 0;
        while (batch->part_count > 0) {
            struct weft_batch *head = NULL;
            uint64_t before = batch->weight;
            size_t metrics_before = weft_batch_record_count(batch);
            ck_assert(weft_batch_split(batch, max_weight, 0, &head) == WEFT_OK);
            ck_assert_uint_eq(head->part_count, 1);
            struct weft_buffer bytes;
            struct weft_otlp_counts counts;
            weft_buffer_init(&bytes, 0);
            append_bytes(head, &bytes);
            ck_assert(weft_otlp_check(WEFT_METRICS, weft_buffer_slice(&bytes), NULL, &counts, NULL) == WEFT_OK);
            ck_assert_uint_eq(counts.data_points, head->weight);
            ck_assert_uint_eq(head->weight, before < max_weight ? before : max_weight);
            cut_count += counts.records + weft_batch_record_count(batch) - metrics_before;
            metric_count += counts.records;
            weight += head->weight;
            weft_buffer_fini(&bytes);
            weft_batch_end(&head, NULL, -1);
        }
        ck_assert_uint_eq(weight, 17);
        ck_assert_uint_eq(metric_count, WEFT_COUNT_OF(points) + cut_count);
        ck_assert_uint_eq(counted.settled, 1);
        weft_batch_end(&batch, NULL, -1);
    }
    end();
}
END_TEST

/* Between the requests that were merged, as long as there are several; then between records. */
START_TEST(test_halves_are_of_whole_parts_first)
{
    begin();
    struct weft_batch *batch = spans(0, 2, NULL), *second = spans(2, 3, NULL), *third = spans(5, 4, NULL), *head = NULL;
    ck_assert(weft_batch_merge(batch, &second) == WEFT_OK);
    ck_assert(weft_batch_merge(batch, &third) == WEFT_OK);
    batch->outlet_flow = 7;
    ck_assert(weft_batch_halve(batch, &head) == WEFT_OK);
    ck_assert_uint_eq(head->outlet_flow, 7);
    ck_assert(!head->parts[0].is_open);
    expect_spans(head, 0, 2);
    expect_spans(batch, 2, 7);
    weft_batch_end(&head, NULL, -1);
    ck_assert(weft_batch_halve(batch, &head) == WEFT_OK);
    expect_spans(head, 2, 3);
    weft_batch_end(&head, NULL, -1);
    ck_assert(weft_batch_halve(batch, &head) == WEFT_OK);
    expect_spans(head, 5, 2);
    expect_spans(batch, 7, 2);
    weft_batch_end(&head, NULL, -1);
    weft_batch_end(&batch, NULL, -1);
    end();
}
END_TEST

/* ---- clones ---- */

START_TEST(test_clone_shares_the_payload_and_the_ticket_waits_for_both)
{
    begin();
    struct counted_ticket counted;
    counted_init(&counted, 10, WEFT_ACKNOWLEDGE_ACCEPTED);
    struct weft_batch *batch = spans(0, 10, &counted.ticket);
    struct weft_batch *copy = weft_batch_try_clone(batch);
    ck_assert_ptr_eq(copy->parts[0].payload, batch->parts[0].payload);
    ck_assert_uint_eq(counted.ticket.outstanding, 20);
    weft_batch_end(&batch, NULL, -1);
    ck_assert_uint_eq(counted.settled, 0);
    expect_spans(copy, 0, 10);
    weft_batch_end(&copy, NULL, -1);
    ck_assert_uint_eq(counted.settled, 1);
    end();
}
END_TEST

/* Whichever of the two is edited, and whether it was opened before it was cloned or after. */
static void edit_one_of_two(uint32_t count, bool is_copy_edited, bool is_opened_before)
{
    struct weft_batch *batch = spans(0, count, NULL);
    if (is_opened_before) {
        ck_assert(weft_batch_open(batch) == WEFT_OK);
        weft_batch_recount(batch);
    }
    struct weft_batch *copy = weft_batch_try_clone(batch);
    struct weft_batch *edited = is_copy_edited ? copy : batch, *other = is_copy_edited ? batch : copy;
    size_t size_before = edited->size_bytes;
    stub_edit(edited);
    ck_assert_uint_lt(edited->size_bytes, size_before);
    expect_spans(other, 0, count);
    struct weft_buffer bytes;
    weft_buffer_init(&bytes, 0);
    append_bytes(edited, &bytes);
    ck_assert_ptr_nonnull(memmem(bytes.bytes, bytes.length, "edited", 6));
    ck_assert_ptr_null(memmem(bytes.bytes, bytes.length, "span", 4));
    weft_buffer_fini(&bytes);
    weft_batch_end(&batch, NULL, -1);
    weft_batch_end(&copy, NULL, -1);
}

START_TEST(test_edit_of_one_branch_leaves_the_bytes_of_the_other)
{
    begin();
    for (size_t i = 0; i < WEFT_COUNT_OF(span_counts); i++) {
        for (int bits = 0; bits < 4; bits++) {
            edit_one_of_two(span_counts[i], (bits & 1) != 0, (bits & 2) != 0);
        }
    }
    end();
}
END_TEST

START_TEST(test_clone_of_a_split_batch_has_its_own_rows)
{
    begin();
    struct weft_batch *batch = spans(0, 10, NULL), *head = NULL;
    ck_assert(weft_batch_split(batch, 4, 0, &head) == WEFT_OK);
    struct weft_batch *copy = weft_batch_try_clone(batch);
    stub_edit(copy);
    expect_spans(head, 0, 4);
    expect_spans(batch, 4, 6);
    weft_batch_end(&head, NULL, -1);
    weft_batch_end(&batch, NULL, -1);
    weft_batch_end(&copy, NULL, -1);
    end();
}
END_TEST

/* ---- the compressed message ---- */

START_TEST(test_wire_is_kept_while_whole_and_let_go_when_opened)
{
    begin();
    struct weft_payload *payload = spans_payload(0, 3), *wire = spans_payload(0, 1);
    struct weft_otlp_counts counts;
    ck_assert(weft_otlp_check(WEFT_TRACES, weft_payload_slice(payload), NULL, &counts, NULL) == WEFT_OK);
    struct weft_batch *batch = weft_batch_try_new(WEFT_TRACES, &payload, wire, WEFT_ENCODING_GZIP, &counts, NULL);
    ck_assert_uint_eq(wire->references, 2);
    struct weft_batch *copy = weft_batch_try_clone(batch);
    ck_assert_uint_eq(wire->references, 3);
    ck_assert(weft_batch_open(copy) == WEFT_OK);
    ck_assert_ptr_null(copy->parts[0].wire);
    ck_assert_ptr_eq(batch->parts[0].wire, wire);
    weft_batch_end(&batch, NULL, -1);
    weft_batch_end(&copy, NULL, -1);
    ck_assert_uint_eq(wire->references, 1);
    weft_payload_unref(&wire);
    end();
}
END_TEST

/* ---- tickets ---- */

START_TEST(test_hand_over_settles_who_is_content_with_it)
{
    begin();
    struct counted_ticket tickets[3];
    counted_init(&tickets[0], 1, WEFT_ACKNOWLEDGE_ACCEPTED);
    counted_init(&tickets[1], 2, WEFT_ACKNOWLEDGE_DELIVERED);
    counted_init(&tickets[2], 3, WEFT_ACKNOWLEDGE_ACCEPTED);
    struct weft_batch *batch = spans(0, 1, &tickets[0].ticket);
    for (uint32_t i = 1; i < 3; i++) {
        struct weft_batch *other = spans(i, i + 1, &tickets[i].ticket);
        ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
    }
    weft_batch_hand_over(batch, 1);
    ck_assert_uint_eq(tickets[0].settled, 0);
    ck_assert_uint_eq(tickets[1].settled, 0);
    ck_assert_uint_eq(tickets[2].settled, 1);
    weft_batch_hand_over(batch, 0);
    ck_assert_uint_eq(tickets[0].settled, 1);
    struct weft_error error;
    weft_fail(&error, WEFT_INVALID, "refused");
    weft_batch_end(&batch, &error, -1);
    ck_assert_int_eq(tickets[0].status, WEFT_OK);
    ck_assert_int_eq(tickets[1].status, WEFT_INVALID);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(tickets[i].settled, 1);
    }
    end();
}
END_TEST

/* ---- allocation failures ---- */

typedef enum weft_status (*operation_fn)(struct weft_batch *batch, struct weft_batch **out_other);

static enum weft_status operate_clone(struct weft_batch *batch, struct weft_batch **out_other)
{
    *out_other = weft_batch_try_clone(batch);
    return *out_other == NULL ? WEFT_NOMEM : WEFT_OK;
}

static enum weft_status operate_split(struct weft_batch *batch, struct weft_batch **out_other)
{
    return weft_batch_split(batch, 7, 0, out_other);
}

static enum weft_status operate_split_bytes(struct weft_batch *batch, struct weft_batch **out_other)
{
    return weft_batch_split(batch, UINT64_MAX, 100, out_other);
}

static enum weft_status operate_take(struct weft_batch *batch, struct weft_batch **out_other)
{
    return weft_batch_halve(batch, out_other);
}

static enum weft_status operate_open(struct weft_batch *batch, struct weft_batch **out_other)
{
    (void)out_other;
    enum weft_status status = weft_batch_open(batch);
    weft_batch_recount(batch);
    return status;
}

/* Two parts, one of them opened; every failure leaves the spans, and what the ticket waits for. */
static void fail_each_allocation(operation_fn operate, bool is_copy)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        struct counted_ticket counted;
        counted_init(&counted, 10, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = spans(0, 5, &counted.ticket), *second = spans(5, 5, &counted.ticket), *other = NULL;
        ck_assert(weft_batch_open(batch) == WEFT_OK);
        ck_assert(weft_batch_merge(batch, &second) == WEFT_OK);
        weft_alloc_fail_at(n);
        enum weft_status status = operate(batch, &other);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == WEFT_OK || status == WEFT_NOMEM);
        if (status == WEFT_NOMEM) {
            ck_assert_ptr_null(other);
            expect_spans(batch, 0, 10);
            ck_assert_uint_eq(counted.ticket.outstanding, 10);
        } else if (other != NULL && !is_copy) {
            ck_assert_uint_eq(batch->weight + other->weight, 10);
        }
        if (other != NULL) {
            weft_batch_end(&other, NULL, -1);
        }
        weft_batch_end(&batch, NULL, -1);
        ck_assert_uint_eq(counted.settled, 1);
    }
}

START_TEST(test_failed_allocations_change_nothing)
{
    begin();
    fail_each_allocation(operate_clone, true);
    fail_each_allocation(operate_split, false);
    fail_each_allocation(operate_split_bytes, false);
    fail_each_allocation(operate_take, false);
    fail_each_allocation(operate_open, false);
    end();
}
END_TEST

START_TEST(test_failed_merge_and_new_leave_what_is_the_callers)
{
    begin();
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        struct weft_batch *batch = spans(0, 3, NULL), *other = spans(3, 2, NULL);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_batch_merge(batch, &other);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        expect_spans(batch, 0, status == WEFT_OK ? 5 : 3);
        if (status != WEFT_OK) {
            expect_spans(other, 3, 2);
            weft_batch_end(&other, NULL, -1);
        }
        weft_batch_end(&batch, NULL, -1);
    }
    struct weft_payload *payload = spans_payload(0, 3);
    struct weft_otlp_counts counts;
    ck_assert(weft_otlp_check(WEFT_TRACES, weft_payload_slice(payload), NULL, &counts, NULL) == WEFT_OK);
    weft_alloc_fail_at(1);
    ck_assert_ptr_null(weft_batch_try_new(WEFT_TRACES, &payload, payload, WEFT_ENCODING_GZIP, &counts, NULL));
    weft_alloc_fail_at(0);
    ck_assert_ptr_nonnull(payload);
    ck_assert_uint_eq(payload->references, 1);
    weft_payload_unref(&payload);
    end();
}
END_TEST

static void free_ticket(struct weft_ticket *ticket)
{
    free(ticket);
}

/* A metric without data points weighs nothing: its part must not ask a ticket that is settled without it. */
START_TEST(test_part_that_weighs_nothing_knows_no_ticket)
{
    static const uint32_t points[] = { 3, 0 };
    begin();
    struct weft_ticket *ticket = malloc(sizeof *ticket);
    weft_ticket_init(ticket, 3, WEFT_ACKNOWLEDGE_ACCEPTED, free_ticket);
    struct weft_batch *heavy = metrics(points, WEFT_COUNT_OF(points), ticket), *light = NULL;
    struct weft_selection selection = { 0 };
    ck_assert(weft_selection_begin(&selection, 2) == WEFT_OK);
    weft_selection_add(&selection, 1);
    ck_assert(weft_batch_take(heavy, &selection, &light) == WEFT_OK);
    weft_selection_fini(&selection);
    weft_batch_end(&heavy, NULL, -1);
    weft_batch_hand_over(light, 0);
    struct weft_batch *copy = weft_batch_try_clone(light);
    ck_assert_ptr_nonnull(copy);
    weft_batch_end(&copy, NULL, -1);
    weft_batch_end(&light, NULL, -1);
    end();
}
END_TEST

static void end_it(void *batch)
{
    weft_batch_end(&(struct weft_batch *){ batch }, NULL, -1);
}

static void open_it(void *batch)
{
    ck_assert(weft_batch_open(batch) == WEFT_OK);
}

static void clone_it(void *batch)
{
    ck_assert_ptr_nonnull(weft_batch_try_clone(batch));
}

static void split_it(void *batch)
{
    struct weft_batch *head = NULL;
    ck_assert(weft_batch_split(batch, 1, 0, &head) == WEFT_OK);
}

static void merge_it(void *batch)
{
    struct weft_batch *other = batch, *into = spans(0, 1, NULL);
    ck_assert(weft_batch_merge(into, &other) == WEFT_OK);
}

static void hand_it_over(void *batch)
{
    weft_batch_hand_over(batch, 0);
}

static void take_it_from_its_list(void *batch)
{
    struct weft_batch *same = weft_batch_of(&((struct weft_batch *)batch)->node);
    ck_assert_ptr_eq(same, batch);
}

/* What may still lie where a batch was: all of it but the magic. */
START_TEST(test_batch_that_has_ended_is_of_no_use)
{
    void (*const calls[])(
        void *batch) = { end_it, open_it, clone_it, split_it, merge_it, hand_it_over, take_it_from_its_list };
    begin();
    struct weft_batch *batch = spans(0, 10, NULL), gone;
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        ck_assert(!base_test_aborts(calls[i], batch));
        memcpy(&gone, batch, sizeof gone);
        gone.magic = 0;
        gone.parts = &gone.first_part;
        weft_list_init(&gone.node);
        ck_assert(base_test_aborts(calls[i], &gone));
    }
    weft_batch_end(&batch, NULL, -1);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/batch");
    TCase *tests = tcase_create("batch");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_new_batch_emits_the_payload);
    tcase_add_test(tests, test_merged_batch_has_all_spans_in_order);
    tcase_add_test(tests, test_opened_batch_has_the_same_bytes);
    tcase_add_test(tests, test_split_by_weight_fills_each_head);
    tcase_add_test(tests, test_split_by_bytes_keeps_to_the_limit);
    tcase_add_test(tests, test_split_counts_data_points);
    tcase_add_test(tests, test_halves_are_of_whole_parts_first);
    tcase_add_test(tests, test_clone_shares_the_payload_and_the_ticket_waits_for_both);
    tcase_add_test(tests, test_edit_of_one_branch_leaves_the_bytes_of_the_other);
    tcase_add_test(tests, test_clone_of_a_split_batch_has_its_own_rows);
    tcase_add_test(tests, test_wire_is_kept_while_whole_and_let_go_when_opened);
    tcase_add_test(tests, test_hand_over_settles_who_is_content_with_it);
    tcase_add_test(tests, test_failed_allocations_change_nothing);
    tcase_add_test(tests, test_failed_merge_and_new_leave_what_is_the_callers);
    tcase_add_test(tests, test_batch_that_has_ended_is_of_no_use);
    tcase_add_test(tests, test_part_that_weighs_nothing_knows_no_ticket);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
