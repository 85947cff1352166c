/* The stage contract, by the toy stage `hold`: records go to their owner and come out of the outlet that they came in
 * by, tickets wait for the owner, pressure reaches every face, reloads re-point what is held, and what comes back
 * unread is dropped with its reason. */
#include "several_workers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pipeline/loan.h"
#include "suite.h"

extern const struct weft_component weft_processor_hold;

enum { PIPELINES = 2 };

static const char *const pipeline_names[PIPELINES] = { "traces/a", "traces/b" };

/* Two pipelines on every worker that share one stage; each ends in a stub. */
struct fixture {
    struct weft_stage_identity *identity;
    void *config;
    uint32_t worker_count;
    struct weft_stage *cores[MAX_WORKERS];
    struct weft_consumer *faces[MAX_WORKERS][PIPELINES];
    struct weft_consumer *outlets[MAX_WORKERS][PIPELINES];
    struct stub sinks[MAX_WORKERS][PIPELINES];
    struct weft_account in_flight[PIPELINES];
};

static void *config_of(const char *text)
{
    struct weft_tree *tree = NULL;
    ck_assert(weft_config_load_text(text, "test", &tree, NULL) == WEFT_OK);
    void *config = weft_alloc(weft_processor_hold.config_size);
    ck_assert(weft_config_parse(weft_processor_hold.fields, weft_tree_root(tree), config, NULL, NULL) == WEFT_OK);
    weft_tree_free(&tree);
    return config;
}

static void config_free(void *config)
{
    weft_config_fini(weft_processor_hold.fields, config);
    weft_free(config);
}

static struct weft_stage *core_new(struct fixture *fixture, uint32_t worker)
{
    struct weft_instance_setup setup = {
        .host = &mail.hosts[worker], .id = "hold", .config = fixture->config, .stage = fixture->identity
    };
    struct weft_stage *core = NULL;
    ck_assert(weft_processor_hold.create_stage(&setup, &core, NULL) == WEFT_OK);
    return core;
}

static void sink_init(struct stub *sink, uint32_t worker)
{
    stub_init(sink, "sink");
    sink->consumer.host = &mail.hosts[worker];
}

static void fixture_init(struct fixture *fixture, uint32_t worker_count, const char *config)
{
    begin_workers(worker_count);
    *fixture = (struct fixture){ .worker_count = worker_count };
    fixture->identity = weft_stage_identity_new("hold", "traces/a", worker_count);
    fixture->config = config_of(config);
    for (size_t p = 0; p < PIPELINES; p++) {
        fixture->in_flight[p] = in_flight;
        fixture->in_flight[p].pipeline = pipeline_names[p];
    }
    for (uint32_t w = 0; w < worker_count; w++) {
        fixture->cores[w] = core_new(fixture, w);
        for (size_t p = 0; p < PIPELINES; p++) {
            sink_init(&fixture->sinks[w][p], w);
            fixture->outlets[w][p] =
                weft_outlet_new(&mail.hosts[w], &fixture->in_flight[p], &fixture->sinks[w][p].consumer);
            fixture->faces[w][p] =
                weft_face_new(fixture->cores[w], &fixture->in_flight[p], WEFT_TRACES, fixture->outlets[w][p]);
            weft_face_attach(fixture->faces[w][p]);
        }
    }
}

static void worker_free(struct fixture *fixture, uint32_t worker)
{
    for (size_t p = 0; p < PIPELINES; p++) {
        fixture->faces[worker][p]->operations->free(fixture->faces[worker][p]);
    }
    fixture->cores[worker]->operations->free(fixture->cores[worker]);
    fixture->cores[worker] = NULL;
}

static void fixture_fini(struct fixture *fixture)
{
    for (uint32_t w = 0; w < fixture->worker_count; w++) {
        for (size_t p = 0; p < PIPELINES; p++) {
            stub_end_kept(&fixture->sinks[w][p], NULL);
        }
        if (fixture->cores[w] != NULL) {
            worker_free(fixture, w);
        }
        for (size_t p = 0; p < PIPELINES; p++) {
            fixture->outlets[w][p]->operations->free(fixture->outlets[w][p]);
            stub_fini(&fixture->sinks[w][p]);
        }
    }
    weft_stage_identity_unref(&fixture->identity);
    config_free(fixture->config);
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.in_flight + sum.in_transit + sum.buffered, 0);
    end();
}

static unsigned settled;
static enum weft_status settled_as;

static void on_settled(struct weft_ticket *ticket)
{
    settled++;
    settled_as = ticket->worst.status;
}

/* The worker's face of the pipeline gets spans first .. first + count - 1 as one call. Span n is worker n mod workers'.
 */
static enum weft_status offer(struct fixture *fixture, uint32_t worker, size_t pipeline, uint32_t first, uint32_t count,
                              struct weft_ticket *ticket)
{
    struct weft_batch *batch = spans(first, count, ticket);
    struct weft_account offered = {
        .kind = WEFT_ACCOUNT_OFFERED, .signal = "traces", .pipeline = "", .owner = "client"
    };
    struct weft_account refused = {
        .kind = WEFT_ACCOUNT_REFUSED, .signal = "traces", .pipeline = "", .owner = "client"
    };
    const struct weft_account *flight = &fixture->in_flight[pipeline];
    struct weft_host *at = &mail.hosts[worker];
    weft_host_book(at, weft_ledger_flow(host.ledger, &offered, flight), count);
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_consumer_consume(fixture->faces[worker][pipeline], &batch, &error);
    if (status != WEFT_OK) {
        weft_host_book(at, weft_ledger_flow(host.ledger, flight, &refused), count);
        error.status = status;
        weft_batch_end(&batch, &error, -1);
    }
    return status;
}

static struct weft_ticket ticket_of(uint64_t count)
{
    struct weft_ticket ticket;
    settled = 0;
    weft_ticket_init(&ticket, count, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
    return ticket;
}

static void expect_audit(const struct fixture *fixture)
{
    for (uint32_t w = 0; w < fixture->worker_count; w++) {
        struct weft_audit audit = { 0 };
        if (fixture->cores[w] != NULL) {
            fixture->cores[w]->operations->audit(fixture->cores[w], &audit);
        }
        for (size_t i = 0; i < audit.count; i++) {
            ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, mail.hosts[w].books, &audit.lines[i].account),
                             (int64_t)audit.lines[i].held);
        }
        weft_audit_fini(&audit);
    }
}

static uint64_t at_sink(const struct fixture *fixture, uint32_t worker, size_t pipeline)
{
    const struct stub *sink = &fixture->sinks[worker][pipeline];
    uint64_t count = 0;
    for (size_t i = 0; i < sink->kept_count; i++) {
        count += sink->kept[i]->weight;
    }
    return count;
}

START_TEST(test_records_go_to_their_owner_and_out_of_the_outlet_that_they_came_in_by)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    struct weft_ticket ticket = ticket_of(6);
    ck_assert_int_eq(offer(&fixture, 0, 1, 0, 6, &ticket), WEFT_OK);
    ck_assert_uint_eq(settled, 0); /* three are lent */
    ck_assert_uint_eq(totals().in_transit, 3);
    ck_assert_uint_eq(totals().buffered, 3);
    ck_assert_uint_eq(weft_stages_lent(&mail.hosts[0]), 3);
    ck_assert_uint_eq(weft_stages_lent(&mail.hosts[1]), 0);
    expect_audit(&fixture);
    deliver_one(); /* there */
    ck_assert_uint_eq(totals().in_transit, 0);
    ck_assert_uint_eq(totals().buffered, 6);
    ck_assert_uint_eq(settled, 0);
    expect_audit(&fixture);
    deliver_one(); /* and back */
    ck_assert_uint_eq(settled, 1);
    ck_assert_int_eq(settled_as, WEFT_OK);
    ck_assert_uint_eq(weft_stages_lent(&mail.hosts[0]), 0);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(at_sink(&fixture, 0, 1), 3);
    ck_assert_uint_eq(at_sink(&fixture, 1, 1), 3);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0) + at_sink(&fixture, 1, 0), 0);
    expect_audit(&fixture);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_what_comes_back_unread_is_dropped_and_its_ticket_fails_retryably)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    struct weft_ticket ticket = ticket_of(6);
    worker_free(&fixture, 1);
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 6, &ticket), WEFT_OK);
    deliver_all();
    ck_assert_uint_eq(settled, 1);
    ck_assert_int_eq(settled_as, WEFT_CLOSED);
    ck_assert(weft_status_is_retryable(settled_as));
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RELOAD), 3);
    ck_assert_uint_eq(totals().buffered, 3);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 3);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_only_the_tickets_of_dropped_records_fail)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    struct weft_ticket even, odd;
    settled = 0;
    worker_free(&fixture, 1);
    struct weft_batch *batch = spans(0, 1, NULL);
    struct weft_batch *other = spans(1, 1, NULL);
    weft_ticket_init(&even, 1, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
    weft_ticket_init(&odd, 1, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
    batch->parts[0].ticket = &even;
    other->parts[0].ticket = &odd;
    ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
    struct weft_account offered = {
        .kind = WEFT_ACCOUNT_OFFERED, .signal = "traces", .pipeline = "", .owner = "client"
    };
    weft_host_book(&mail.hosts[0], weft_ledger_flow(host.ledger, &offered, &fixture.in_flight[0]), 2);
    ck_assert(weft_consumer_consume(fixture.faces[0][0], &batch, NULL) == WEFT_OK);
    deliver_all();
    ck_assert_uint_eq(settled, 2);
    ck_assert_int_eq(even.worst.status, WEFT_OK);
    ck_assert_int_eq(odd.worst.status, WEFT_CLOSED);
    advance(WEFT_NS_PER_S);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_a_full_core_closes_the_faces_of_every_worker)
{
    struct fixture fixture;
    fixture_init(&fixture, 3, "{wait: 1s, max_records: 2}");
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 4, NULL), WEFT_OK);
    ck_assert(!fixture.faces[0][0]->is_open && !fixture.faces[0][1]->is_open);
    /* The word is read before the notice has come. */
    ck_assert_int_eq(offer(&fixture, 1, 1, 8, 2, NULL), WEFT_CLOSED);
    deliver_all();
    for (uint32_t w = 0; w < 3; w++) {
        ck_assert(!fixture.faces[w][0]->is_open && !fixture.faces[w][1]->is_open);
    }
    advance(WEFT_NS_PER_S);
    deliver_all();
    for (uint32_t w = 0; w < 3; w++) {
        ck_assert(fixture.faces[w][0]->is_open && fixture.faces[w][1]->is_open);
    }
    ck_assert_int_eq(offer(&fixture, 1, 1, 8, 2, NULL), WEFT_OK);
    deliver_all();
    advance(WEFT_NS_PER_S);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_a_notice_that_is_overtaken_goes_out_again)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    weft_stage_set_open(fixture.cores[0], false);
    deliver_one(); /* worker 1 knows, the notice is on its way back */
    ck_assert(!fixture.faces[1][0]->is_open);
    weft_stage_set_open(fixture.cores[0], true);
    ck_assert_uint_eq(mail.message_count, 1);
    deliver_all();
    ck_assert(fixture.faces[1][0]->is_open);
    ck_assert_uint_eq(fixture.cores[0]->mail_away, 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_an_outlet_that_cannot_go_on_closes_its_own_faces_only)
{
    struct fixture fixture;
    fixture_init(&fixture, 1, "wait: 1s");
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 2, NULL), WEFT_OK);
    ck_assert_int_eq(offer(&fixture, 0, 1, 2, 3, NULL), WEFT_OK);
    weft_consumer_set_open(&fixture.sinks[0][0].consumer, false);
    ck_assert(fixture.faces[0][0]->is_open); /* nothing is stuck yet */
    advance(WEFT_NS_PER_S);
    ck_assert(!fixture.faces[0][0]->is_open);
    ck_assert(fixture.faces[0][1]->is_open);
    ck_assert_uint_eq(at_sink(&fixture, 0, 1), 3);
    ck_assert_uint_eq(totals().buffered, 2);
    weft_consumer_set_open(&fixture.sinks[0][0].consumer, true);
    ck_assert(fixture.faces[0][0]->is_open);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 2);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_too_much_on_loan_closes_the_faces_until_it_is_back)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    fixture.cores[0]->lent_bytes_max = 100;
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 6, NULL), WEFT_OK);
    ck_assert(!fixture.faces[0][0]->is_open);
    ck_assert_int_eq(offer(&fixture, 0, 0, 6, 6, NULL), WEFT_CLOSED);
    deliver_all();
    ck_assert(fixture.faces[0][0]->is_open);
    ck_assert_uint_eq(weft_stage_outlet_find(fixture.cores[0], "traces/a")->lent_bytes, 0);
    advance(WEFT_NS_PER_S);
    fixture_fini(&fixture);
}
END_TEST

/* As a reload that changes the exporter: a new face in a new pipeline of the same name. */
START_TEST(test_what_is_held_leaves_through_the_new_face)
{
    struct fixture fixture;
    fixture_init(&fixture, 1, "wait: 1s");
    struct stub later;
    sink_init(&later, 0);
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 2, NULL), WEFT_OK);
    struct weft_consumer *outlet = weft_outlet_new(&mail.hosts[0], &fixture.in_flight[0], &later.consumer);
    struct weft_consumer *face = weft_face_new(fixture.cores[0], &fixture.in_flight[0], WEFT_TRACES, outlet);
    ck_assert_int_eq(offer(&fixture, 0, 0, 2, 2, NULL), WEFT_OK); /* built, not used yet */
    ck_assert_uint_eq(weft_face_held(face), 0);
    ck_assert_uint_eq(weft_face_held(fixture.faces[0][0]), 4);
    weft_face_attach(face);
    ck_assert_uint_eq(weft_face_held(face), 4);
    ck_assert_uint_eq(weft_face_held(fixture.faces[0][0]), 0);
    ck_assert_int_eq(offer(&fixture, 0, 0, 4, 1, NULL), WEFT_OK); /* the former face still lets in */
    fixture.faces[0][0]->operations->drain(fixture.faces[0][0], WEFT_DROP_RELOAD, true);
    ck_assert_uint_eq(totals().buffered, 5); /* none of its business any more */
    fixture.faces[0][0]->operations->free(fixture.faces[0][0]);
    fixture.faces[0][0] = face;
    advance(WEFT_NS_PER_S);
    uint64_t came = 0;
    for (size_t i = 0; i < later.kept_count; i++) {
        came += later.kept[i]->weight;
    }
    ck_assert_uint_eq(came, 5);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 0);
    stub_end_kept(&later, NULL);
    face->operations->free(face);
    fixture.faces[0][0] = weft_face_new(fixture.cores[0], &fixture.in_flight[0], WEFT_TRACES, fixture.outlets[0][0]);
    outlet->operations->free(outlet);
    stub_fini(&later);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_drain_passes_on_at_once_and_by_force_drops)
{
    struct fixture fixture;
    fixture_init(&fixture, 1, "wait: 1h");
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 2, NULL), WEFT_OK);
    ck_assert_int_eq(offer(&fixture, 0, 1, 2, 3, NULL), WEFT_OK);
    fixture.faces[0][0]->operations->drain(fixture.faces[0][0], WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 2);
    ck_assert_uint_eq(totals().buffered, 3);
    weft_consumer_set_open(&fixture.sinks[0][1].consumer, false);
    fixture.faces[0][1]->operations->drain(fixture.faces[0][1], WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(weft_face_held(fixture.faces[0][1]), 3);
    fixture.faces[0][1]->operations->drain(fixture.faces[0][1], WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(weft_face_held(fixture.faces[0][1]), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SHUTDOWN), 3);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_an_update_goes_for_what_is_held_already)
{
    struct fixture fixture;
    fixture_init(&fixture, 1, "wait: 1h");
    ck_assert_int_eq(offer(&fixture, 0, 0, 0, 2, NULL), WEFT_OK);
    void *shorter = config_of("wait: 2s");
    fixture.cores[0]->operations->update(fixture.cores[0], shorter, NULL);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 0);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(at_sink(&fixture, 0, 0), 2);
    fixture_fini(&fixture);
    config_free(shorter);
}
END_TEST

START_TEST(test_each_allocation_may_fail)
{
    struct fixture fixture;
    fixture_init(&fixture, 2, "wait: 1s");
    for (uint64_t at = 1; at < 40; at++) {
        struct weft_batch *batch = spans(0, 6, NULL);
        struct weft_ticket ticket = ticket_of(6);
        batch->parts[0].ticket = &ticket;
        struct weft_account offered = {
            .kind = WEFT_ACCOUNT_OFFERED, .signal = "traces", .pipeline = "", .owner = "client"
        };
        struct weft_account refused = {
            .kind = WEFT_ACCOUNT_REFUSED, .signal = "traces", .pipeline = "", .owner = "client"
        };
        weft_flow_id in_flow = weft_ledger_flow(host.ledger, &offered, &fixture.in_flight[0]);
        weft_flow_id refused_flow = weft_ledger_flow(host.ledger, &fixture.in_flight[0], &refused);
        weft_host_book(&mail.hosts[0], in_flow, 6);
        weft_alloc_fail_at(at);
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = weft_consumer_consume(fixture.faces[0][0], &batch, &error);
        deliver_all();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            error.status = status;
            weft_host_book(&mail.hosts[0], refused_flow, 6);
            weft_batch_end(&batch, &error, -1);
        }
        ck_assert_uint_eq(settled, 1);
        expect_audit(&fixture);
        ck_assert(settled_as == WEFT_OK || weft_status_is_retryable(settled_as));
        advance(WEFT_NS_PER_S);
        for (uint32_t w = 0; w < 2; w++) {
            stub_end_kept(&fixture.sinks[w][0], NULL);
        }
    }
    ck_assert_uint_gt(dropped_for(WEFT_DROP_OUT_OF_MEMORY), 0);
    ck_assert_uint_gt(totals().refused, 0);
    fixture_fini(&fixture);
}
END_TEST

/* In a child, which is to abort. */
START_TEST(test_a_lent_batch_may_not_be_ended)
{
    pid_t child = fork();
    if (child == 0) {
        struct weft_batch *batch = NULL;
        begin_workers(1);
        batch = spans(0, 6, NULL);
        batch->is_lent = true;
        weft_batch_end(&batch, NULL, -1);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("toys/hold");
    TCase *tests = tcase_create("hold");
    tcase_add_test(tests, test_records_go_to_their_owner_and_out_of_the_outlet_that_they_came_in_by);
    tcase_add_test(tests, test_what_comes_back_unread_is_dropped_and_its_ticket_fails_retryably);
    tcase_add_test(tests, test_only_the_tickets_of_dropped_records_fail);
    tcase_add_test(tests, test_a_full_core_closes_the_faces_of_every_worker);
    tcase_add_test(tests, test_a_notice_that_is_overtaken_goes_out_again);
    tcase_add_test(tests, test_an_outlet_that_cannot_go_on_closes_its_own_faces_only);
    tcase_add_test(tests, test_too_much_on_loan_closes_the_faces_until_it_is_back);
    tcase_add_test(tests, test_what_is_held_leaves_through_the_new_face);
    tcase_add_test(tests, test_drain_passes_on_at_once_and_by_force_drops);
    tcase_add_test(tests, test_an_update_goes_for_what_is_held_already);
    tcase_add_test(tests, test_each_allocation_may_fail);
    tcase_add_test(tests, test_a_lent_batch_may_not_be_ended);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
