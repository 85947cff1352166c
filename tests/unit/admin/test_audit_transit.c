/* The audit of in_transit: held against what is on loan when nothing moved meanwhile, else nothing is said. */
#include "admin/audit_transit.h"

#include "admin_test.h"
#include "base/log.h"

static const struct weft_account offered = { WEFT_ACCOUNT_OFFERED, "traces", "", "otlp", WEFT_DROP_NONE };
static const struct weft_account in_flight = { WEFT_ACCOUNT_IN_FLIGHT, "traces", "traces", "", WEFT_DROP_NONE };
static const struct weft_account in_transit = { WEFT_ACCOUNT_IN_TRANSIT, "traces", "traces", "hold", WEFT_DROP_NONE };
static const struct weft_account held = { WEFT_ACCOUNT_BUFFERED, "traces", "traces", "hold", WEFT_DROP_NONE };

/* Worker 0 lends, worker 1 takes. */
static struct weft_ledger *ledger;
static struct weft_ledger_worker *home, *owner;
static weft_flow_id offer, lend, arrive;

static void books_begin(void)
{
    weft_log_configure(&(struct weft_log_config){
        .level = WEFT_LOG_ERROR + 1, .service = "test", .environment = "", .descriptor = 2 });
    ck_assert(weft_ledger_open(NULL, 2, &ledger, NULL) == WEFT_OK);
    home = weft_ledger_worker_of(ledger, 0);
    owner = weft_ledger_worker_of(ledger, 1);
    offer = weft_ledger_flow(ledger, &offered, &in_flight);
    lend = weft_ledger_flow(ledger, &in_flight, &in_transit);
    arrive = weft_ledger_flow(ledger, &in_transit, &held);
    weft_ledger_move(home, offer, 10);
}

static struct weft_ledger_snapshot reading(void)
{
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(ledger, &snapshot) == WEFT_OK);
    return snapshot;
}

static size_t disagreements(struct weft_ledger_snapshot before, uint64_t lent_records)
{
    struct weft_ledger_snapshot after = reading();
    size_t count = weft_audit_transit(&before, &after, lent_records, &out);
    weft_ledger_snapshot_fini(&after);
    weft_ledger_snapshot_fini(&before);
    return count;
}

START_TEST(test_what_is_in_transit_is_on_loan)
{
    books_begin();
    weft_ledger_move(home, lend, 4);
    ck_assert_uint_eq(disagreements(reading(), 4), 0);
    weft_ledger_move(owner, arrive, 4);
    ck_assert_uint_eq(disagreements(reading(), 4), 0); /* taken, and not back yet */
    ck_assert_uint_eq(disagreements(reading(), 0), 0);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_at_rest_nothing_is_in_transit)
{
    books_begin();
    weft_ledger_move(home, lend, 4);
    weft_ledger_move(owner, arrive, 3); /* one was never booked */
    ck_assert_uint_eq(disagreements(reading(), 0), 1);
    out_expect("{\"account\":\"in_transit\",\"signal\":\"traces\",\"pipeline\":\"traces\",\"owner\":\"hold\","
               "\"booked\":1,\"held\":0}");
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_more_than_is_on_loan_and_less_than_nothing_are_found)
{
    books_begin();
    weft_ledger_move(home, lend, 4);
    ck_assert_uint_eq(disagreements(reading(), 3), 1);
    weft_ledger_move(owner, arrive, 5);
    ck_assert_uint_eq(disagreements(reading(), 5), 1);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_nothing_is_said_while_records_move)
{
    books_begin();
    weft_ledger_move(home, lend, 4);
    struct weft_ledger_snapshot before = reading();
    weft_ledger_move(home, offer, 1); /* anywhere */
    ck_assert_uint_eq(disagreements(before, 0), 0);
    before = reading();
    before.is_exact = false;
    ck_assert_uint_eq(disagreements(before, 0), 0);
    ck_assert_uint_eq(disagreements((struct weft_ledger_snapshot){ 0 }, 0), 0); /* there was no memory for it */
    ck_assert_uint_eq(disagreements(reading(), 0), 1);
    weft_ledger_close(ledger);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_what_is_in_transit_is_on_loan);
    tcase_add_test(tests, test_at_rest_nothing_is_in_transit);
    tcase_add_test(tests, test_more_than_is_on_loan_and_less_than_nothing_are_found);
    tcase_add_test(tests, test_nothing_is_said_while_records_move);
}

int main(void)
{
    return admin_run("admin/audit_transit", add);
}
