/* What the workers' breakdowns say together: rows, agreement with the books, and how far back windows reach. */
#include "pipeline/pipeline_test.h"

#include "pipeline/drops_summary.h"
#include "suite.h"

enum { WORKERS = 2 };

static struct weft_host hosts[WORKERS];
static weft_flow_id dropped_flow, refused_flow, sent_flow;

static void begin_summary(void)
{
    begin_as(WORKERS);
    advance(1000 * WEFT_NS_PER_S);
    struct weft_account end = in_flight;
    end.owner = "test";
    end.kind = WEFT_ACCOUNT_REFUSED;
    refused_flow = weft_ledger_flow(host.ledger, &in_flight, &end);
    end.kind = WEFT_ACCOUNT_SENT;
    sent_flow = weft_ledger_flow(host.ledger, &in_flight, &end);
    end.kind = WEFT_ACCOUNT_DROPPED;
    end.reason = WEFT_DROP_QUEUE_FULL;
    dropped_flow = weft_ledger_flow(host.ledger, &in_flight, &end);
    for (uint32_t i = 0; i < WORKERS; i++) {
        hosts[i] = host;
        hosts[i].worker_index = i;
        hosts[i].books = weft_ledger_worker_of(host.ledger, i);
        hosts[i].drops = weft_drops_new(weft_timers_now(host.timers));
    }
}

static void end_summary(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        weft_drops_free(hosts[i].drops);
    }
    end();
}

static struct weft_drops_summary ask(int64_t since_ns)
{
    struct weft_drops_summary summary;
    weft_drops_summary_init(&summary, weft_timers_now(host.timers), since_ns);
    for (uint32_t i = 0; i < WORKERS; i++) {
        weft_drops_summary_add(&summary, &hosts[i]);
    }
    return summary;
}

static void drop(uint32_t worker, weft_flow_id flow, const char *service, uint64_t count)
{
    weft_host_drop_records(&hosts[worker], flow, WEFT_SLICE_EMPTY, weft_slice_of_text(service), count);
}

static uint64_t recent_of(const struct weft_drops_summary *summary, enum weft_drops_window window, const char *reason)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < summary->row_count; i++) {
        sum += strcmp(summary->rows[i].reason, reason) == 0 ? summary->rows[i].recent[window] : 0;
    }
    return sum;
}

START_TEST(test_workers_add_up_within_a_window)
{
    begin_summary();
    drop(0, dropped_flow, "api", 1);
    advance(10 * WEFT_NS_PER_S);
    drop(0, dropped_flow, "api", 2);
    drop(1, dropped_flow, "api", 4);
    drop(1, refused_flow, "web", 8);
    struct weft_drops_summary summary = ask(5 * WEFT_NS_PER_S);
    enum weft_drops_window window;
    struct weft_monotonic covers_from;
    ck_assert_int_eq(weft_drops_summary_choose(&summary, &window, &covers_from), WEFT_DROPS_CHOICE_WINDOWS);
    ck_assert_int_eq(window, WEFT_DROPS_SECONDS);
    ck_assert_int_eq(covers_from.ns, 1005 * WEFT_NS_PER_S);
    ck_assert_uint_eq(recent_of(&summary, window, "queue_full"), 6);
    ck_assert_uint_eq(recent_of(&summary, window, "refused"), 8);
    ck_assert(summary.is_balanced && !summary.is_failed);
    weft_drops_summary_fini(&summary);
    summary = ask(3600 * WEFT_NS_PER_S);
    ck_assert_int_eq(weft_drops_summary_choose(&summary, &window, &covers_from), WEFT_DROPS_CHOICE_TOTALS);
    ck_assert_int_eq(covers_from.ns, 1000 * WEFT_NS_PER_S + 1);
    ck_assert_uint_eq(summary.row_count, 3);
    weft_drops_summary_fini(&summary);
    end_summary();
}
END_TEST

START_TEST(test_a_drop_that_is_not_broken_down_is_said)
{
    begin_summary();
    drop(0, dropped_flow, "api", 3);
    weft_host_book(&hosts[0], sent_flow, 100); /* no drop */
    struct weft_drops_summary summary = ask(WEFT_NS_PER_S);
    ck_assert(summary.is_balanced);
    weft_drops_summary_fini(&summary);
    weft_host_book(&hosts[1], refused_flow, 1);
    summary = ask(WEFT_NS_PER_S);
    ck_assert(!summary.is_balanced);
    weft_drops_summary_fini(&summary);
    end_summary();
}
END_TEST

START_TEST(test_what_one_worker_has_forgotten_is_taken_from_longer_windows)
{
    begin_summary();
    for (int i = 0; i < 100; i++) { /* 100 rows: seconds reach back 80 s, minutes 160 minutes */
        for (int j = 0; j < 100; j++) {
            char service[16];
            snprintf(service, sizeof service, "s%d", j);
            drop(1, dropped_flow, service, 1);
        }
        drop(0, dropped_flow, "api", 1);
        advance(WEFT_NS_PER_S);
    }
    struct weft_drops_summary summary = ask(60 * WEFT_NS_PER_S);
    enum weft_drops_window window;
    struct weft_monotonic covers_from;
    ck_assert_int_eq(weft_drops_summary_choose(&summary, &window, &covers_from), WEFT_DROPS_CHOICE_WINDOWS);
    ck_assert_int_eq(window, WEFT_DROPS_SECONDS);
    ck_assert_uint_eq(recent_of(&summary, window, "queue_full"), 60 * 101);
    weft_drops_summary_fini(&summary);
    summary = ask(95 * WEFT_NS_PER_S);
    ck_assert_int_eq(weft_drops_summary_choose(&summary, &window, &covers_from), WEFT_DROPS_CHOICE_WINDOWS);
    ck_assert_int_eq(window, WEFT_DROPS_MINUTES);
    ck_assert_int_eq(covers_from.ns, 1000 * WEFT_NS_PER_S + 1); /* the minute of the start */
    ck_assert_uint_eq(recent_of(&summary, window, "queue_full"), 100 * 101);
    weft_drops_summary_fini(&summary);
    end_summary();
}
END_TEST

START_TEST(test_failed_allocations_are_said)
{
    begin_summary();
    drop(0, dropped_flow, "api", 3);
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        weft_alloc_fail_at(n);
        struct weft_drops_summary summary = ask(WEFT_NS_PER_S);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(summary.is_failed == !is_done);
        weft_drops_summary_fini(&summary);
        ck_assert(is_done || n < 20);
    }
    end_summary();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/drops_summary");
    TCase *tests = tcase_create("drops_summary");
    tcase_add_test(tests, test_workers_add_up_within_a_window);
    tcase_add_test(tests, test_a_drop_that_is_not_broken_down_is_said);
    tcase_add_test(tests, test_what_one_worker_has_forgotten_is_taken_from_longer_windows);
    tcase_add_test(tests, test_failed_allocations_are_said);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
