/* Entry: what a client offers is booked as accepted or refused, each pipeline gets its copy, and pressure reaches the
 * receiver. */
#include "pipeline/entry.h"

#include "pipeline_test.h"
#include "suite.h"

enum { PIPELINES = 2 };
static struct stub stubs[PIPELINES];
static struct weft_consumer *outlets[PIPELINES];
static struct weft_account accounts[PIPELINES];
static struct weft_entry *entry;
static size_t pipeline_count;
static unsigned pressure_calls;

static void count_pressure(void *context)
{
    (void)context;
    pressure_calls++;
}

static void begin_with(size_t count)
{
    static const char *const ids[PIPELINES] = { "traces/a", "traces/b" }, *const stub_ids[PIPELINES] = { "stub/a",
                                                                                                         "stub/b" };
    struct weft_pipeline_entrance entrances[PIPELINES];
    begin();
    pipeline_count = count;
    pressure_calls = 0;
    for (size_t i = 0; i < count; i++) {
        accounts[i] = in_flight;
        accounts[i].pipeline = ids[i];
        stub_init(&stubs[i], stub_ids[i]);
        outlets[i] = weft_outlet_new(&host, &accounts[i], &stubs[i].consumer);
        entrances[i] = (struct weft_pipeline_entrance){ accounts[i], outlets[i] };
    }
    entry = weft_entry_new(&host, "client", WEFT_TRACES, entrances, count, count_pressure, NULL);
}

static void end_all(uint64_t accepted, uint64_t refused)
{
    for (size_t i = 0; i < pipeline_count; i++) {
        stub_end_kept(&stubs[i], NULL);
    }
    struct weft_ledger_totals sum = totals();
    struct weft_entry_counters counters = weft_entry_read_counters(entry);
    ck_assert_uint_eq(counters.accepted, accepted);
    ck_assert_uint_eq(counters.refused, refused);
    ck_assert_uint_eq(sum.offered - sum.refused, accepted);
    ck_assert_uint_eq(sum.refused, refused);
    ck_assert_uint_eq(sum.in_flight + sum.queued, 0);
    ck_assert_uint_eq(sum.offered + sum.copied, sum.sent + sum.refused + sum.uncopied);
    weft_entry_free(entry);
    for (size_t i = 0; i < pipeline_count; i++) {
        outlets[i]->operations->free(outlets[i]);
        stub_fini(&stubs[i]);
    }
    end();
}

static enum weft_status offer(uint32_t count, struct counted_ticket *counted)
{
    counted_init(counted, count, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(0, count, &counted->ticket);
    enum weft_status status = weft_entry_offer(entry, &batch);
    ck_assert_ptr_null(batch);
    return status;
}

START_TEST(test_offer_reaches_the_one_pipeline)
{
    struct counted_ticket counted;
    begin_with(1);
    ck_assert_int_eq(offer(10, &counted), WEFT_OK);
    expect_spans(stubs[0].kept[0], 0, 10);
    ck_assert_uint_eq(counted.settled, 0);
    ck_assert_uint_eq(totals().copied, 0);
    end_all(10, 0);
    ck_assert_uint_eq(counted.settled, 1);
}
END_TEST

START_TEST(test_offer_reaches_all_pipelines)
{
    static const uint32_t counts[] = { 1, 10, 1000 };
    uint32_t sum = 0;
    begin_with(2);
    stubs[1].must_edit = true;
    for (size_t i = 0; i < WEFT_COUNT_OF(counts); i++) {
        struct counted_ticket counted;
        ck_assert_int_eq(offer(counts[i], &counted), WEFT_OK);
        sum += counts[i];
        expect_spans(stubs[0].kept[0], 0, counts[i]);
        ck_assert_uint_eq(totals().copied, sum);
        stub_end_kept(&stubs[0], NULL);
        ck_assert_uint_eq(counted.settled, 0);
        stub_end_kept(&stubs[1], NULL);
        ck_assert_uint_eq(counted.settled, 1);
    }
    end_all(sum, 0);
}
END_TEST

START_TEST(test_refusal_of_one_pipeline_is_the_answer)
{
    for (size_t refuser = 0; refuser < 2; refuser++) {
        struct counted_ticket counted;
        begin_with(2);
        stubs[refuser].answer = WEFT_CLOSED;
        ck_assert_int_eq(offer(10, &counted), WEFT_CLOSED);
        ck_assert_uint_eq(totals().queued, 10);
        ck_assert_uint_eq(counted.settled, 0);
        end_all(0, 10);
        ck_assert_uint_eq(counted.settled, 1);
        ck_assert_int_eq(counted.status, WEFT_CLOSED);
    }
}
END_TEST

START_TEST(test_refusal_of_all_pipelines_counts_once)
{
    struct counted_ticket counted;
    begin_with(2);
    stubs[0].answer = WEFT_CLOSED;
    stubs[1].answer = WEFT_LIMIT;
    (void)offer(10, &counted);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_CLOSED);
    ck_assert_uint_eq(totals().uncopied, 10);
    end_all(0, 10);
}
END_TEST

START_TEST(test_pressure_is_told_when_it_changes)
{
    begin_with(2);
    ck_assert(weft_entry_is_open(entry));
    weft_consumer_set_open(&stubs[0].consumer, false);
    weft_consumer_set_open(&stubs[1].consumer, false);
    ck_assert(!weft_entry_is_open(entry));
    ck_assert_uint_eq(pressure_calls, 1);
    weft_consumer_set_open(&stubs[0].consumer, true);
    ck_assert(!weft_entry_is_open(entry));
    weft_consumer_set_open(&stubs[1].consumer, true);
    ck_assert(weft_entry_is_open(entry));
    ck_assert_uint_eq(pressure_calls, 2);
    end_all(0, 0);
}
END_TEST

START_TEST(test_entry_made_under_pressure_is_closed)
{
    begin_with(1);
    weft_consumer_set_open(&stubs[0].consumer, false);
    struct weft_pipeline_entrance entrance = { accounts[0], outlets[0] };
    struct weft_entry *second = weft_entry_new(&host, "client", WEFT_TRACES, &entrance, 1, NULL, NULL);
    ck_assert(!weft_entry_is_open(second));
    weft_consumer_set_open(&stubs[0].consumer, true);
    ck_assert(weft_entry_is_open(second));
    weft_entry_free(second);
    end_all(0, 0);
}
END_TEST

START_TEST(test_failed_copies_refuse_the_whole_request)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        struct counted_ticket counted;
        begin_with(2);
        counted_init(&counted, 10, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = spans(0, 10, &counted.ticket);
        ck_assert(weft_batch_open(batch) == WEFT_OK);
        weft_batch_recount(batch);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_entry_offer(entry, &batch);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_ptr_null(batch);
        if (status != WEFT_OK) {
            ck_assert_int_eq(status, WEFT_NOMEM);
            ck_assert_uint_eq(counted.settled, 1);
            ck_assert_int_eq(counted.status, WEFT_NOMEM);
            ck_assert_uint_eq(stubs[0].offers + stubs[1].offers, 0);
        }
        end_all(status == WEFT_OK ? 10 : 0, status == WEFT_OK ? 0 : 10);
        ck_assert_uint_eq(counted.settled, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/entry");
    TCase *tests = tcase_create("entry");
    tcase_add_test(tests, test_offer_reaches_the_one_pipeline);
    tcase_add_test(tests, test_offer_reaches_all_pipelines);
    tcase_add_test(tests, test_refusal_of_one_pipeline_is_the_answer);
    tcase_add_test(tests, test_refusal_of_all_pipelines_counts_once);
    tcase_add_test(tests, test_pressure_is_told_when_it_changes);
    tcase_add_test(tests, test_entry_made_under_pressure_is_closed);
    tcase_add_test(tests, test_failed_copies_refuse_the_whole_request);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
