/* Exporter prometheus on several workers: batches go to worker 0 and come back, and the books and the clients of their
 * own worker hear of it. */
#include "toys/several_workers.h"

#include "base/alloc.h"
#include "pipeline/fan_out.h"
#include "suite.h"

extern const struct weft_component weft_exporter_prometheus;

enum { WORKERS = 3 };

static struct weft_tree *tree;
static void *config, *shared;
static struct weft_consumer *exporters[WORKERS], *outlets[WORKERS];
static unsigned settled;

static void begin_exporters(const char *yaml)
{
    begin_workers(WORKERS);
    in_flight.signal = "metrics";
    config = weft_alloc(weft_exporter_prometheus.config_size);
    ck_assert(weft_config_load_text(yaml, "test", &tree, NULL) == WEFT_OK);
    ck_assert(weft_config_parse(weft_exporter_prometheus.fields, weft_tree_root(tree), config, NULL, NULL) == WEFT_OK);
    ck_assert(weft_exporter_prometheus.share(config, "p", &budget, &shared, NULL) == WEFT_OK);
    for (uint32_t i = WORKERS; i > 0; i--) { /* worker 0 last: the others do not look for it */
        struct weft_instance_setup setup = {
            .host = &mail.hosts[i - 1], .id = "p", .config = config, .shared = shared, .signal = WEFT_METRICS
        };
        ck_assert(weft_exporter_prometheus.create_consumer(&setup, &exporters[i - 1], NULL) == WEFT_OK);
        outlets[i - 1] = weft_outlet_new(&mail.hosts[i - 1], &in_flight, exporters[i - 1]);
    }
}

static void free_exporter(uint32_t worker)
{
    outlets[worker]->operations->free(outlets[worker]);
    exporters[worker]->operations->free(exporters[worker]);
    exporters[worker] = NULL;
}

static void end_exporters(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (exporters[i] != NULL) {
            free_exporter(i);
        }
    }
    weft_exporter_prometheus.unshare(shared);
    weft_config_fini(weft_exporter_prometheus.fields, config);
    weft_free(config);
    weft_tree_free(&tree);
    end();
}

static enum weft_status offer_to(uint32_t worker, struct weft_batch *batch)
{
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_consumer_consume(outlets[worker], &batch, &error);
    if (batch != NULL) {
        weft_batch_end(&batch, &error, -1);
    }
    return status;
}

/* A gauge with so many points of one series. */
static struct weft_batch *points(uint32_t count, struct weft_ticket *ticket)
{
    return metrics(&count, 1, ticket);
}

static uint64_t held_by(uint32_t worker)
{
    uint64_t held = 0;
    exporters[worker]->operations->audit(exporters[worker], &held);
    return held;
}

static uint64_t sent(void)
{
    uint64_t count = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        count += snapshot.balances[i].account.kind == WEFT_ACCOUNT_SENT ? snapshot.balances[i].inflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return count;
}

static void on_settled(struct weft_ticket *ticket)
{
    ck_assert_int_eq(ticket->worst.status, WEFT_OK);
    settled++;
}

START_TEST(test_a_batch_goes_to_worker_0_and_comes_back)
{
    struct weft_ticket ticket;
    settled = 0;
    begin_exporters("endpoint: '127.0.0.1:0'");
    weft_ticket_init(&ticket, 2, WEFT_ACKNOWLEDGE_DELIVERED, on_settled);
    ck_assert(offer_to(2, points(2, &ticket)) == WEFT_OK);
    ck_assert_uint_eq(held_by(2), 2);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(mail.message_count, 1);
    deliver_one();
    ck_assert_uint_eq(held_by(2), 2); /* read, and on its way back */
    ck_assert_uint_eq(settled, 0);
    deliver_one();
    ck_assert_uint_eq(held_by(2), 0);
    ck_assert_uint_eq(sent(), 2);
    ck_assert_uint_eq(settled, 1);
    end_exporters();
}
END_TEST

START_TEST(test_what_is_not_shown_is_dropped_at_home)
{
    begin_exporters("{endpoint: '127.0.0.1:0', const_labels: {otel_scope_name: twice}}");
    ck_assert(offer_to(1, points(1, NULL)) == WEFT_OK);
    deliver_all();
    ck_assert_uint_eq(dropped_for(WEFT_DROP_INVALID), 1);
    ck_assert_uint_eq(sent(), 0);
    end_exporters();
}
END_TEST

static struct weft_batch *large_batch(size_t size_bytes)
{
    static const uint8_t metric[] = { 0x0a, 0x0b, 0x12, 0x09, 0x12, 0x07, 0x0a, 0x01, 'm', 0x2a, 0x02, 0x0a, 0x00 };
    uint8_t header[16];
    uint8_t *end_of_header = weft_wire_put_bytes_header(header, 100, size_bytes);
    struct weft_payload *payload = weft_payload_try_new(host.pool, size_bytes + 64);
    void *filler = weft_alloc(size_bytes);
    weft_payload_append(payload, metric, sizeof metric);
    weft_payload_append(payload, header, (size_t)(end_of_header - header));
    weft_payload_append(payload, filler, size_bytes);
    weft_free(filler);
    return batch_of(WEFT_METRICS, payload, NULL);
}

START_TEST(test_too_much_on_loan_closes_the_exporter_until_it_is_back)
{
    begin_exporters("endpoint: '127.0.0.1:0'");
    ck_assert(offer_to(1, large_batch(20 << 20)) == WEFT_OK);
    ck_assert(exporters[1]->is_open);
    ck_assert(offer_to(1, large_batch(20 << 20)) == WEFT_OK);
    ck_assert(!exporters[1]->is_open);
    ck_assert(offer_to(1, points(1, NULL)) == WEFT_CLOSED);
    ck_assert(exporters[2]->is_open && exporters[0]->is_open);
    deliver_all();
    ck_assert(exporters[1]->is_open);
    ck_assert(offer_to(1, points(1, NULL)) == WEFT_OK);
    deliver_all();
    ck_assert_uint_eq(sent(), 3);
    end_exporters();
}
END_TEST

START_TEST(test_a_batch_that_finds_nobody_is_dropped)
{
    begin_exporters("endpoint: '127.0.0.1:0'");
    ck_assert(offer_to(1, points(3, NULL)) == WEFT_OK);
    free_exporter(0);
    deliver_all();
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SHUTDOWN), 3);
    ck_assert_uint_eq(held_by(1), 0);
    end_exporters();
}
END_TEST

/* As worker 0's was drained: this worker's may not know yet. */
START_TEST(test_a_batch_that_finds_nobody_is_dropped_for_the_reason_that_there_is)
{
    begin_exporters("endpoint: '127.0.0.1:0'");
    ck_assert(offer_to(1, points(3, NULL)) == WEFT_OK);
    exporters[0]->operations->drain(exporters[0], WEFT_DROP_RELOAD, true);
    free_exporter(0);
    deliver_all();
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RELOAD), 3);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SHUTDOWN), 0);
    end_exporters();
}
END_TEST

START_TEST(test_without_memory_for_a_loan_the_batch_is_refused)
{
    begin_exporters("endpoint: '127.0.0.1:0'");
    struct weft_batch *batch = points(1, NULL);
    weft_alloc_fail_at(1);
    ck_assert(offer_to(1, batch) == WEFT_NOMEM);
    ck_assert(weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert_uint_eq(held_by(1), 0);
    end_exporters();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prometheus_loans");
    TCase *tests = tcase_create("prometheus_loans");
    tcase_add_test(tests, test_a_batch_goes_to_worker_0_and_comes_back);
    tcase_add_test(tests, test_what_is_not_shown_is_dropped_at_home);
    tcase_add_test(tests, test_too_much_on_loan_closes_the_exporter_until_it_is_back);
    tcase_add_test(tests, test_a_batch_that_finds_nobody_is_dropped);
    tcase_add_test(tests, test_a_batch_that_finds_nobody_is_dropped_for_the_reason_that_there_is);
    tcase_add_test(tests, test_without_memory_for_a_loan_the_batch_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
