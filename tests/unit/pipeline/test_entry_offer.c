/* Offers that wait: each pipeline gets its copy once, however often some refuse; the books balance at every moment and
 * hold nothing between attempts; a reload in between loses and doubles nothing. */
#include "pipeline/entry_offer.h"

#include "pipeline/drops_summary.h"
#include "pipeline_test.h"
#include "suite.h"

enum { PIPELINES = 3, RECORDS = 10 };

/* A pipeline that answers as written: so many refusals first, then its last word. */
struct pipeline {
    struct weft_consumer consumer;
    struct weft_account account;
    unsigned refusals_left;
    enum weft_status refusal; /* that may pass */
    enum weft_status last;    /* OK, PARTIAL or a final one */
    bool must_close;          /* with a refusal */
    unsigned offers;
    struct weft_batch *kept;
    weft_flow_id sent_flow;
};

static struct pipeline pipelines[PIPELINES];
static struct weft_entry *entry;
static struct weft_offer offer;
static struct counted_ticket counted;

static void expect_identity(void)
{
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.offered + sum.copied, sum.in_flight + sum.queued + sum.sent + sum.refused + sum.uncopied);
    ck_assert_uint_le(sum.offered, RECORDS);
    ck_assert_uint_le(sum.refused, sum.offered);
    struct weft_drops_summary drops;
    weft_drops_summary_init(&drops, weft_timers_now(host.timers), 0);
    weft_drops_summary_add(&drops, &host);
    ck_assert(drops.is_balanced || drops.is_failed);
    weft_drops_summary_fini(&drops);
}

static int64_t in_flight_of(const struct pipeline *pipeline)
{
    return weft_ledger_worker_balance(host.ledger, host.books, &pipeline->account);
}

static enum weft_status pipeline_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                         struct weft_error *error)
{
    struct pipeline *pipeline = WEFT_CONTAINER_OF(consumer, struct pipeline, consumer);
    pipeline->offers++;
    ck_assert(weft_offer_is_pending(&offer));
    ck_assert_ptr_null(pipeline->kept);
    expect_identity();
    ck_assert_int_eq(in_flight_of(pipeline), RECORDS); /* booked before it is seen */
    expect_spans(*own_batch, 0, RECORDS);
    if (pipeline->refusals_left > 0) {
        pipeline->refusals_left--;
        if (pipeline->must_close) {
            weft_consumer_set_open(consumer, false);
        }
        return weft_fail(error, pipeline->refusal, "%s: not now", consumer->id);
    }
    if (pipeline->last != WEFT_OK) {
        return weft_fail(error, pipeline->last, "%s: never", consumer->id);
    }
    weft_host_book(&host, pipeline->sent_flow, RECORDS);
    pipeline->kept = *own_batch;
    *own_batch = NULL;
    return WEFT_OK;
}

static const struct weft_consumer_operations pipeline_operations = { .consume = pipeline_consume };

static const char *const ids[PIPELINES] = { "traces/a", "traces/b", "traces/c" };

static void pipeline_init(struct pipeline *pipeline, size_t index)
{
    memset(pipeline, 0, sizeof *pipeline);
    weft_consumer_init(&pipeline->consumer, &pipeline_operations, &host, ids[index]);
    pipeline->account = in_flight;
    pipeline->account.pipeline = ids[index];
    struct weft_account sent = pipeline->account;
    sent.kind = WEFT_ACCOUNT_SENT;
    sent.owner = "exporter";
    pipeline->sent_flow = weft_ledger_flow(host.ledger, &pipeline->account, &sent);
    pipeline->refusal = WEFT_CLOSED;
}

/* An entry into pipelines first .. first + count - 1. */
static struct weft_entry *entry_into(size_t first, size_t count)
{
    struct weft_pipeline_entrance entrances[PIPELINES];
    for (size_t i = 0; i < count; i++) {
        entrances[i] = (struct weft_pipeline_entrance){ pipelines[first + i].account, &pipelines[first + i].consumer };
    }
    return weft_entry_new(&host, "client", WEFT_TRACES, entrances, count, NULL, NULL);
}

static void begin_offer(size_t count)
{
    begin();
    host.drops = weft_drops_new(weft_timers_now(host.timers));
    for (size_t i = 0; i < PIPELINES; i++) {
        pipeline_init(&pipelines[i], i);
    }
    entry = entry_into(0, count);
    weft_offer_init(&offer);
    weft_offer_set_entry(&offer, entry);
}

static enum weft_status make(struct weft_error *error)
{
    counted_init(&counted, RECORDS, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(0, RECORDS, &counted.ticket);
    enum weft_status status = weft_offer_make(&offer, &batch, error);
    ck_assert_ptr_null(batch);
    return status;
}

static size_t taken_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PIPELINES; i++) {
        count += pipelines[i].kept != NULL;
    }
    return count;
}

/* Nothing is in flight; what is booked as copied and not taken back is what lies somewhere. */
static void expect_between(bool is_over)
{
    struct weft_ledger_totals sum = totals();
    expect_identity();
    ck_assert_uint_eq(sum.in_flight, 0);
    ck_assert_uint_eq(sum.sent, taken_count() * RECORDS);
    ck_assert_uint_eq(sum.offered + sum.copied - sum.uncopied, sum.sent + sum.refused);
    ck_assert(weft_offer_is_pending(&offer) == !is_over);
    struct weft_entry_counters counters = weft_entry_read_counters(entry);
    if (is_over) {
        ck_assert_uint_eq(sum.offered, RECORDS);
        ck_assert_uint_eq(counters.accepted, sum.offered - sum.refused);
        ck_assert_uint_eq(counters.refused, sum.refused);
    } else {
        ck_assert_uint_eq(counters.accepted + counters.refused, 0);
        ck_assert_uint_eq(counted.settled, 0);
    }
}

static void end_all(void)
{
    for (size_t i = 0; i < PIPELINES; i++) {
        if (pipelines[i].kept != NULL) {
            ck_assert_uint_eq(counted.settled, 0);
            weft_batch_end(&pipelines[i].kept, NULL, -1);
        }
    }
    ck_assert_uint_eq(counted.settled, 1);
    weft_offer_set_entry(&offer, NULL);
    weft_offer_fini(&offer);
    weft_entry_free(entry);
    for (size_t i = 0; i < PIPELINES; i++) {
        weft_consumer_fini(&pipelines[i].consumer);
    }
    weft_drops_free(host.drops);
    end();
}

static void end_offer(enum weft_status expected)
{
    end_all();
    ck_assert_int_eq(counted.status, expected);
}

/* ---- every course of an offer ---- */

enum { REFUSALS = 3, LASTS = 4, COURSES = REFUSALS * LASTS };
static const enum weft_status lasts[LASTS] = { WEFT_OK, WEFT_PARTIAL, WEFT_LIMIT, WEFT_INVALID };

static void plan_course(struct pipeline *pipeline, size_t course, size_t number)
{
    pipeline->refusals_left = (unsigned)(course / LASTS);
    pipeline->last = lasts[course % LASTS];
    pipeline->refusal = number % 3 == 0 ? WEFT_NOMEM : WEFT_CLOSED;
    pipeline->must_close = number % 2 == 0;
}

/* As the pipelines are meant to answer in the end: a failure that may pass outranks a final one; which of several final
 * ones is told depends on who said it first. */
static enum weft_status planned_answer(size_t count)
{
    enum weft_status worst = WEFT_OK;
    for (size_t i = 0; i < count; i++) {
        enum weft_status last = pipelines[i].last;
        bool is_worse = worst == WEFT_OK || (weft_status_is_retryable(last) && !weft_status_is_retryable(worst));
        worst = last != WEFT_OK && is_worse ? last : worst;
    }
    return worst;
}

static void expect_like(enum weft_status status, enum weft_status expected)
{
    ck_assert((status == WEFT_OK) == (expected == WEFT_OK));
    ck_assert(weft_status_is_retryable(status) == weft_status_is_retryable(expected));
}

static void run_course(size_t count, size_t number, const size_t *courses)
{
    unsigned planned[PIPELINES] = { 0 }, most = 0;
    begin_offer(count);
    for (size_t i = 0; i < count; i++) {
        plan_course(&pipelines[i], courses[i], number + i);
        planned[i] = pipelines[i].refusals_left + 1;
        most = planned[i] > most ? planned[i] : most;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = make(&error);
    for (unsigned attempt = 1; attempt < most; attempt++) {
        expect_between(false);
        ck_assert(status == WEFT_CLOSED || status == WEFT_NOMEM);
        ck_assert_int_eq(error.status, status);
        for (size_t i = 0; i < count; i++) {
            weft_consumer_set_open(&pipelines[i].consumer, true);
        }
        status = weft_offer_again(&offer, &error);
    }
    expect_between(true);
    expect_like(status, planned_answer(count));
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(pipelines[i].offers, planned[i]);
        ck_assert((pipelines[i].kept != NULL) == (pipelines[i].last == WEFT_OK));
    }
    end_all();
    expect_like(counted.status, planned_answer(count));
}

START_TEST(test_one_pipeline_takes_in_the_end_or_refuses)
{
    for (size_t i = 0; i < COURSES; i++) {
        for (size_t number = 0; number < 6; number++) {
            run_course(1, number, &i);
        }
    }
}
END_TEST

START_TEST(test_two_pipelines_each_get_one_copy)
{
    for (size_t i = 0; i < COURSES * COURSES; i++) {
        run_course(2, i, (const size_t[]){ i % COURSES, i / COURSES });
    }
}
END_TEST

START_TEST(test_three_pipelines_each_get_one_copy)
{
    for (size_t i = 0; i < COURSES * COURSES * COURSES; i++) {
        run_course(3, i, (const size_t[]){ i % COURSES, i / COURSES % COURSES, i / COURSES / COURSES });
    }
}
END_TEST

/* ---- what the books do not show ---- */

START_TEST(test_offer_that_all_take_is_booked_as_an_entry_books_it)
{
    begin_offer(3);
    ck_assert_int_eq(make(NULL), WEFT_OK);
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.offered, RECORDS);
    ck_assert_uint_eq(sum.copied, 2 * RECORDS);
    ck_assert_uint_eq(sum.uncopied + sum.refused, 0);
    end_offer(WEFT_OK);
}
END_TEST

START_TEST(test_closed_pipelines_are_not_asked_and_nothing_is_booked)
{
    begin_offer(2);
    weft_consumer_set_open(&pipelines[0].consumer, false);
    weft_consumer_set_open(&pipelines[1].consumer, false);
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_CLOSED);
    }
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.offered + sum.copied, 0);
    weft_consumer_set_open(&pipelines[1].consumer, true);
    ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_CLOSED);
    ck_assert_uint_eq(totals().offered, RECORDS);
    weft_consumer_set_open(&pipelines[0].consumer, true);
    ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_OK);
    sum = totals();
    ck_assert_uint_eq(sum.copied, RECORDS);
    ck_assert_uint_eq(sum.uncopied, 0);
    ck_assert_uint_eq(pipelines[0].offers + pipelines[1].offers, 2);
    end_offer(WEFT_OK);
}
END_TEST

/* Given up before anyone was asked, after an open one refused, after one took; with a reason and without. */
START_TEST(test_giving_up_refuses_once)
{
    for (int kind = 0; kind < 6; kind++) {
        struct weft_error reason;
        weft_fail(&reason, WEFT_LIMIT, "the file is gone");
        begin_offer(3);
        for (size_t i = 0; i < 3; i++) {
            pipelines[i].refusals_left = kind % 3 == 2 && i == 1 ? 0 : 5;
            weft_consumer_set_open(&pipelines[i].consumer, kind % 3 != 0);
        }
        ck_assert_int_eq(make(NULL), WEFT_CLOSED);
        expect_between(false);
        weft_offer_give_up(&offer, kind < 3 ? &reason : NULL);
        expect_between(true);
        ck_assert_uint_eq(totals().refused, RECORDS);
        ck_assert_uint_eq(taken_count(), kind % 3 == 2);
        weft_offer_give_up(&offer, NULL);
        ck_assert_uint_eq(totals().refused, RECORDS);
        end_offer(kind < 3 ? WEFT_LIMIT : WEFT_CLOSED);
    }
}
END_TEST

START_TEST(test_failed_copies_are_asked_for_again)
{
    begin_offer(3);
    for (size_t i = 0; i < 3; i++) {
        weft_consumer_set_open(&pipelines[i].consumer, false);
    }
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    for (size_t i = 0; i < 3; i++) {
        weft_consumer_set_open(&pipelines[i].consumer, true);
    }
    struct weft_error error = WEFT_ERROR_NONE;
    weft_alloc_fail_at(1); /* the copy for the first; the others get theirs */
    ck_assert_int_eq(weft_offer_again(&offer, &error), WEFT_NOMEM);
    ck_assert(weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert_int_eq(error.status, WEFT_NOMEM);
    ck_assert_uint_eq(pipelines[0].offers, 0);
    expect_between(false);
    ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_OK);
    expect_between(true);
    ck_assert_uint_eq(totals().uncopied, 0);
    end_offer(WEFT_OK);
}
END_TEST

/* Pressure that changes while a pipeline is asked, and a receiver that wants to use it at once. */
static void offer_in_pressure(void *context)
{
    (void)context;
    ck_assert(weft_offer_is_pending(&offer));
    ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_CLOSED);
    ck_assert_uint_eq(pipelines[1].offers, 0); /* its turn comes in the offer that is under way */
}

START_TEST(test_offer_from_within_an_offer_does_nothing)
{
    begin_offer(2);
    weft_offer_set_entry(&offer, NULL);
    weft_entry_free(entry);
    struct weft_pipeline_entrance entrances[2] = { { pipelines[0].account, &pipelines[0].consumer },
                                                   { pipelines[1].account, &pipelines[1].consumer } };
    entry = weft_entry_new(&host, "client", WEFT_TRACES, entrances, 2, offer_in_pressure, NULL);
    weft_offer_set_entry(&offer, entry);
    pipelines[0].refusals_left = 1;
    pipelines[0].must_close = true;
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    ck_assert_uint_eq(pipelines[0].offers, 1);
    ck_assert_uint_eq(pipelines[1].offers, 1);
    weft_offer_give_up(&offer, NULL);
    end_offer(WEFT_CLOSED);
}
END_TEST

/* ---- reload ---- */

static void change_entry(size_t first, size_t count)
{
    struct weft_entry *former = entry;
    entry = count == 0 ? NULL : entry_into(first, count);
    weft_offer_set_entry(&offer, entry);
    weft_entry_free(former);
    if (entry == NULL) {
        entry = entry_into(0, 1); /* for end_offer */
    }
}

START_TEST(test_reload_before_anyone_took_offers_to_the_new_pipelines)
{
    for (unsigned refusals = 0; refusals < 2; refusals++) {
        begin_offer(2);
        for (size_t i = 0; i < 2; i++) {
            pipelines[i].refusals_left = refusals;
            weft_consumer_set_open(&pipelines[i].consumer, refusals == 1);
        }
        ck_assert_int_eq(make(NULL), WEFT_CLOSED);
        change_entry(1, 2);
        expect_between(false);
        weft_consumer_set_open(&pipelines[1].consumer, true);
        ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_OK);
        expect_between(true);
        ck_assert_uint_eq(pipelines[0].offers, refusals);
        ck_assert_ptr_null(pipelines[0].kept);
        ck_assert(pipelines[1].kept != NULL && pipelines[2].kept != NULL);
        end_offer(WEFT_OK);
    }
}
END_TEST

START_TEST(test_reload_after_one_took_goes_on_with_those_that_are_left)
{
    begin_offer(2);
    pipelines[1].refusals_left = 1;
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    change_entry(1, 2); /* a is gone and has its copy; c is new and has no claim */
    expect_between(false);
    ck_assert_int_eq(weft_offer_again(&offer, NULL), WEFT_OK);
    expect_between(true);
    ck_assert(pipelines[0].kept != NULL && pipelines[1].kept != NULL);
    ck_assert_uint_eq(pipelines[2].offers, 0);
    end_offer(WEFT_OK);
}
END_TEST

START_TEST(test_reload_that_leaves_nobody_to_wait_for_ends_the_offer)
{
    begin_offer(2);
    pipelines[1].refusals_left = 1;
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    change_entry(2, 1);
    expect_between(true);
    ck_assert_uint_eq(totals().refused, 0);
    ck_assert_uint_eq(pipelines[2].offers, 0);
    end_offer(WEFT_OK);
}
END_TEST

START_TEST(test_reload_without_a_pipeline_gives_up)
{
    begin_offer(2);
    pipelines[0].refusals_left = pipelines[1].refusals_left = 1;
    ck_assert_int_eq(make(NULL), WEFT_CLOSED);
    change_entry(0, 0);
    ck_assert(!weft_offer_is_pending(&offer));
    expect_identity();
    ck_assert_uint_eq(totals().refused, RECORDS);
    end_offer(WEFT_CLOSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/entry_offer");
    TCase *tests = tcase_create("offer");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, test_one_pipeline_takes_in_the_end_or_refuses);
    tcase_add_test(tests, test_two_pipelines_each_get_one_copy);
    tcase_add_test(tests, test_three_pipelines_each_get_one_copy);
    tcase_add_test(tests, test_offer_that_all_take_is_booked_as_an_entry_books_it);
    tcase_add_test(tests, test_closed_pipelines_are_not_asked_and_nothing_is_booked);
    tcase_add_test(tests, test_giving_up_refuses_once);
    tcase_add_test(tests, test_failed_copies_are_asked_for_again);
    tcase_add_test(tests, test_offer_from_within_an_offer_does_nothing);
    tcase_add_test(tests, test_reload_before_anyone_took_offers_to_the_new_pipelines);
    tcase_add_test(tests, test_reload_after_one_took_goes_on_with_those_that_are_left);
    tcase_add_test(tests, test_reload_that_leaves_nobody_to_wait_for_ends_the_offer);
    tcase_add_test(tests, test_reload_without_a_pipeline_gives_up);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
