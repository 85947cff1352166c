/* A filter as CONTRIBUTING.md has it, in front of a fan-out: whatever the branches answer, the books balance, the
 * audit's count is theirs, each ticket is settled once, and a record that was refused has not been dropped. */
#include "pipeline/edit.h"
#include "pipeline/entry.h"

#include "pipeline_test.h"
#include "suite.h"

enum { RECORDS = 10, BRANCHES = 2 };

/* Drops every second span. */
struct filter {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    struct weft_selection selection;
    weft_flow_id drop_flow;
    enum weft_drop_reason reason;
};

static enum weft_status select_every_second(struct filter *filter, const struct weft_batch *batch)
{
    if (weft_selection_begin(&filter->selection, weft_batch_record_count(batch)) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_slice record;
    struct weft_batch_cursor cursor = weft_batch_records(batch);
    while (weft_batch_next_record(&cursor, &record)) {
        if (cursor.index % 2 == 1) {
            weft_selection_add(&filter->selection, cursor.index);
        }
    }
    return WEFT_OK;
}

static enum weft_status filter_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                       struct weft_error *error)
{
    struct filter *filter = WEFT_CONTAINER_OF(consumer, struct filter, consumer);
    if (select_every_second(filter, *own_batch) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to filter a batch", consumer->id);
    }
    struct weft_edit edit;
    enum weft_status status = weft_edit_begin(&edit, own_batch);
    if (status == WEFT_OK && weft_edit_remove(&edit, &filter->selection) != WEFT_OK) {
        weft_edit_cancel(&edit, own_batch);
        status = WEFT_NOMEM;
    }
    if (status != WEFT_OK) {
        return weft_fail(error, status, "%s: no memory to filter a batch", consumer->id);
    }
    status = weft_edit_pass_on(&edit, filter->next, own_batch, error);
    if (status == WEFT_OK && edit.removed != NULL) {
        weft_consumer_drop(consumer, &edit.removed, filter->drop_flow, filter->reason, NULL);
    }
    return status;
}

static const struct weft_consumer_operations filter_operations = { .consume = filter_consume };

static struct stub stubs[BRANCHES];
static struct weft_consumer *outlets[BRANCHES], *fan_out;
static struct filter filter;
static struct weft_entry *entry;

static void begin_filter(void)
{
    static const char *const ids[BRANCHES] = { "stub/a", "stub/b" };
    begin();
    for (size_t i = 0; i < BRANCHES; i++) {
        stub_init(&stubs[i], ids[i]);
        outlets[i] = weft_outlet_new(&host, &in_flight, &stubs[i].consumer);
    }
    fan_out = weft_fan_out_new(&host, &in_flight, outlets, BRANCHES);
    memset(&filter, 0, sizeof filter);
    weft_consumer_init(&filter.consumer, &filter_operations, &host, "filter");
    filter.consumer.held_account = in_flight;
    filter.reason = WEFT_DROP_QUEUE_FULL; /* any will do */
    filter.drop_flow = weft_consumer_drop_flow(&filter.consumer, filter.reason);
    filter.next = fan_out;
    weft_consumer_connect(&filter.consumer, &filter.next, 1);
    struct weft_pipeline_entrance entrance = { in_flight, &filter.consumer };
    entry = weft_entry_new(&host, "client", WEFT_TRACES, &entrance, 1, NULL, NULL);
}

static void end_filter(void)
{
    weft_entry_free(entry);
    weft_consumer_fini(&filter.consumer);
    weft_selection_fini(&filter.selection);
    fan_out->operations->free(fan_out);
    for (size_t i = 0; i < BRANCHES; i++) {
        outlets[i]->operations->free(outlets[i]);
        stub_fini(&stubs[i]);
    }
    end();
}

static void expect_balance(void)
{
    struct weft_ledger_totals sum = totals();
    uint64_t parked = 0;
    fan_out->operations->audit(fan_out, &parked);
    ck_assert_uint_eq(sum.offered + sum.copied,
                      sum.in_flight + sum.queued + sum.sent + sum.dropped + sum.refused + sum.uncopied);
    ck_assert_uint_eq(sum.in_flight, parked);
}

static void expect_taken(const struct stub *stub)
{
    struct weft_buffer bytes = { 0 }, expected = { 0 };
    ck_assert_uint_eq(stub->kept_count, 1);
    ck_assert_uint_eq(stub->kept[0]->weight, RECORDS / 2);
    append_bytes(stub->kept[0], &bytes);
    struct weft_otlp_walk walk = weft_otlp_walk_of(weft_buffer_slice(&bytes));
    struct weft_slice record;
    for (uint32_t i = 0; i < RECORDS; i += 2) {
        ck_assert(weft_otlp_walk_next(&walk, &record));
        weft_buffer_clear(&expected);
        put_span(&expected, i);
        ck_assert_mem_eq(record.bytes, expected.bytes + expected.length - record.length, record.length);
    }
    ck_assert(!weft_otlp_walk_next(&walk, &record));
    weft_buffer_fini(&bytes);
    weft_buffer_fini(&expected);
}

static void offer_once(enum weft_status first, enum weft_status second, bool must_close)
{
    struct counted_ticket counted;
    begin_filter();
    stubs[0].answer = first;
    stubs[1].answer = second;
    stubs[1].must_close = must_close;
    counted_init(&counted, RECORDS, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(0, RECORDS, &counted.ticket);
    enum weft_status status = weft_entry_offer(entry, &batch);
    expect_balance();
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.offered, RECORDS);
    ck_assert_uint_eq(sum.dropped, status == WEFT_OK ? RECORDS / 2 : 0);
    ck_assert_uint_eq(sum.refused, status == WEFT_OK ? 0 : RECORDS);
    for (size_t i = 0; i < BRANCHES; i++) {
        if (stubs[i].answer == WEFT_OK) {
            expect_taken(&stubs[i]);
        }
        stub_end_kept(&stubs[i], NULL);
    }
    stubs[1].answer = WEFT_OK; /* what was parked goes on */
    stubs[1].must_close = false;
    weft_consumer_set_open(&stubs[1].consumer, true);
    stub_end_kept(&stubs[1], NULL);
    expect_balance();
    ck_assert_uint_eq(totals().in_flight, 0);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert(status == WEFT_OK || counted.status != WEFT_OK);
    end_filter();
}

START_TEST(test_books_balance_whatever_the_branches_answer)
{
    static const enum weft_status answers[] = { WEFT_OK, WEFT_CLOSED, WEFT_LIMIT, WEFT_NOMEM };
    for (size_t i = 0; i < WEFT_COUNT_OF(answers); i++) {
        for (size_t j = 0; j < WEFT_COUNT_OF(answers); j++) {
            offer_once(answers[i], answers[j], false);
            offer_once(answers[i], answers[j], answers[j] == WEFT_CLOSED);
        }
    }
}
END_TEST

START_TEST(test_failed_allocations_drop_nothing)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        struct counted_ticket counted;
        begin_filter();
        counted_init(&counted, RECORDS, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = spans(0, RECORDS, &counted.ticket);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_entry_offer(entry, &batch);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, is_done ? WEFT_OK : WEFT_NOMEM);
        expect_balance();
        ck_assert_uint_eq(totals().dropped, is_done ? RECORDS / 2 : 0);
        for (size_t i = 0; i < BRANCHES; i++) {
            stub_end_kept(&stubs[i], NULL);
        }
        ck_assert_uint_eq(counted.settled, 1);
        ck_assert(is_done || n < 30);
        end_filter();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/edit_books");
    TCase *tests = tcase_create("filter");
    tcase_add_test(tests, test_books_balance_whatever_the_branches_answer);
    tcase_add_test(tests, test_failed_allocations_drop_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
