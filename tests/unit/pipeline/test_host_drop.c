/* Records that end badly: the flow is booked, and the breakdown knows whose they were, whatever shape the batch has. */
#include "pipeline/pipeline_test.h"

#include "pipeline/drops.h"
#include "suite.h"

static weft_flow_id flow;

static void begin_drops(void)
{
    begin();
    host.drops = weft_drops_new(weft_timers_now(host.timers));
    struct weft_account dropped = in_flight;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = "test";
    dropped.reason = WEFT_DROP_FILTERED;
    flow = weft_ledger_flow(host.ledger, &in_flight, &dropped);
}

static uint64_t flow_total(const struct weft_drops *drops, weft_flow_id wanted)
{
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    struct weft_drops_row *rows = weft_alloc((weft_drops_row_count(drops) + 1) * sizeof *rows);
    uint64_t total = 0;
    weft_drops_read(drops, from, rows);
    for (size_t i = 0; i < weft_drops_row_count(drops); i++) {
        total += rows[i].flow == wanted ? rows[i].total : 0;
    }
    weft_free(rows);
    return total;
}

/* The rows of the flow add up to it. */
static void end_drops(uint64_t total)
{
    ck_assert_uint_eq(weft_ledger_worker_growth(host.ledger, host.books, flow), total);
    ck_assert_uint_eq(flow_total(host.drops, flow), total);
    weft_drops_free(host.drops);
    end();
}

static uint64_t dropped_of(const char *policy, const char *service)
{
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    struct weft_drops_row *rows = weft_alloc((weft_drops_row_count(host.drops) + 1) * sizeof *rows);
    uint64_t total = 0;
    weft_drops_read(host.drops, from, rows);
    for (size_t i = 0; i < weft_drops_row_count(host.drops); i++) {
        bool is_wanted =
            weft_slice_equal_text(rows[i].policy, policy) && weft_slice_equal_text(rows[i].service, service);
        total += is_wanted ? rows[i].total : 0;
    }
    weft_free(rows);
    return total;
}

/* The Resource of a service (NULL: without a name) in its ResourceX. */
static void put_service(struct weft_buffer *resource_x, const char *service)
{
    struct weft_buffer resource, attribute, value;
    weft_buffer_init(&resource, 0);
    if (service != NULL) {
        weft_buffer_init(&attribute, 0);
        weft_buffer_init(&value, 0);
        put_field(&attribute, 1, "service.name", 12);
        put_field(&value, 1, service, strlen(service));
        put_message(&attribute, 2, &value);
        put_message(&resource, 1, &attribute);
    }
    put_message(resource_x, 1, &resource);
}

/* ResourceSpans with two scopes of so many spans. */
static void put_resource(struct weft_buffer *request, const char *service, uint32_t first, uint32_t per_scope)
{
    struct weft_buffer resource_x, scope;
    weft_buffer_init(&resource_x, 0);
    put_service(&resource_x, service);
    for (uint32_t i = 0; i < 2; i++) {
        weft_buffer_init(&scope, 0);
        for (uint32_t j = 0; j < per_scope; j++) {
            put_span(&scope, first + i * per_scope + j);
        }
        put_message(&resource_x, 2, &scope);
    }
    put_message(request, 1, &resource_x);
}

/* api 2, (no name) 4, worker 6, api 8: 20 spans. */
static struct weft_batch *twenty(void)
{
    struct weft_buffer request;
    weft_buffer_init(&request, 0);
    put_resource(&request, "api", 0, 1);
    put_resource(&request, NULL, 2, 2);
    put_resource(&request, "worker", 6, 3);
    put_resource(&request, "api", 12, 4);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return batch_of(WEFT_TRACES, payload, NULL);
}

static void expect(uint64_t api, uint64_t none, uint64_t worker)
{
    ck_assert_uint_eq(dropped_of("", "api"), api);
    ck_assert_uint_eq(dropped_of("", ""), none);
    ck_assert_uint_eq(dropped_of("", "worker"), worker);
}

START_TEST(test_whole_and_open_batches_are_broken_down_by_service)
{
    begin_drops();
    struct weft_batch *batch = twenty();
    weft_host_drop(&host, flow, batch);
    expect(10, 4, 6);
    ck_assert(weft_batch_open(batch) == WEFT_OK);
    weft_host_drop(&host, flow, batch);
    expect(20, 8, 12);
    struct weft_batch *other = twenty();
    ck_assert(weft_batch_merge(batch, &other) == WEFT_OK); /* one part open, one whole */
    weft_host_drop(&host, flow, batch);
    expect(40, 16, 24);
    weft_batch_end(&batch, NULL, -1);
    end_drops(80);
}
END_TEST

START_TEST(test_what_is_left_of_a_batch_is_broken_down)
{
    begin_drops();
    struct weft_batch *batch = twenty();
    struct weft_batch *head = NULL;
    ck_assert(weft_batch_split(batch, 5, 0, &head) == WEFT_OK);
    weft_host_drop(&host, flow, head); /* api 2, none 3 */
    expect(2, 3, 0);
    weft_host_drop(&host, flow, batch); /* none 1, worker 6, api 8 */
    expect(10, 4, 6);
    weft_batch_end(&head, NULL, -1);
    weft_batch_end(&batch, NULL, -1);
    end_drops(20);
}
END_TEST

START_TEST(test_selected_records_are_broken_down)
{
    begin_drops();
    struct weft_batch *batch = twenty();
    struct weft_batch *other = twenty();
    ck_assert(weft_batch_open(batch) == WEFT_OK);
    ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
    struct weft_selection selection = { 0 };
    ck_assert(weft_selection_begin(&selection, weft_batch_record_count(batch)) == WEFT_OK);
    static const size_t selected[] = {
        0, 5, 11, 19, 20, 21, 25, 26, 39
    }; /* api none worker api | api api none worker api */
    for (size_t i = 0; i < WEFT_COUNT_OF(selected); i++) {
        weft_selection_add(&selection, selected[i]);
    }
    weft_host_drop_selected(&host, flow, batch, &selection, WEFT_COUNT_OF(selected));
    expect(5, 2, 2);
    weft_selection_fini(&selection);
    weft_batch_end(&batch, NULL, -1);
    end_drops(9);
}
END_TEST

START_TEST(test_some_records_are_the_services_if_there_is_one_only)
{
    begin_drops();
    struct weft_batch *batch = twenty();
    weft_host_drop_some(&host, flow, batch, 3);
    expect(0, 3, 0);
    weft_host_drop_some(&host, flow, batch, 20);
    expect(10, 7, 6);
    struct weft_batch *head = NULL;
    ck_assert(weft_batch_split(batch, 2, 0, &head) == WEFT_OK);
    weft_host_drop_some(&host, flow, head, 1);
    expect(11, 7, 6);
    weft_batch_end(&head, NULL, -1);
    weft_batch_end(&batch, NULL, -1);
    end_drops(24);
}
END_TEST

START_TEST(test_records_without_a_batch_have_a_policy)
{
    begin_drops();
    weft_host_drop_records(&host, flow, WEFT_SLICE_LITERAL("slow"), WEFT_SLICE_LITERAL("api"), 4);
    weft_host_drop_records(&host, flow, WEFT_SLICE_LITERAL("none"), WEFT_SLICE_LITERAL("api"), 5);
    ck_assert_uint_eq(dropped_of("slow", "api"), 4);
    ck_assert_uint_eq(dropped_of("none", "api"), 5);
    end_drops(9);
}
END_TEST

START_TEST(test_metrics_count_data_points)
{
    begin_drops();
    /* Metric { gauge { data_points {} data_points {} data_points {} } } */
    static const uint8_t metric[] = { 0x2a, 6, 0x0a, 0, 0x0a, 0, 0x0a, 0 };
    struct weft_buffer request, resource, scope;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&resource, 0);
    weft_buffer_init(&scope, 0);
    put_service(&resource, "worker");
    put_field(&scope, 2, metric, sizeof metric);
    put_field(&scope, 2, metric, sizeof metric);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    struct weft_batch *batch = batch_of(WEFT_METRICS, payload, NULL);
    ck_assert_uint_eq(batch->weight, 6);
    weft_host_drop(&host, flow, batch);
    expect(0, 0, 6);
    weft_batch_end(&batch, NULL, -1);
    end_drops(6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/host_drop");
    TCase *tests = tcase_create("host_drop");
    tcase_add_test(tests, test_whole_and_open_batches_are_broken_down_by_service);
    tcase_add_test(tests, test_what_is_left_of_a_batch_is_broken_down);
    tcase_add_test(tests, test_selected_records_are_broken_down);
    tcase_add_test(tests, test_some_records_are_the_services_if_there_is_one_only);
    tcase_add_test(tests, test_records_without_a_batch_have_a_policy);
    tcase_add_test(tests, test_metrics_count_data_points);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
