/* Sender: what sending_queue.batch collects, keeps apart and cuts. */
#include "pipeline/sender_test.h"

#include "base/hash.h"
#include "suite.h"

START_TEST(test_batch_goes_at_min_size_or_after_the_timeout)
{
    batching(WEFT_SIZER_ITEMS, 10, 0);
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 4), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 4, 5), WEFT_OK);
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    ck_assert_int_eq(give_spans(&fakes[0], 9, 5), WEFT_OK);
    expect_spans(first_batch(&fakes[0]), 0, 14);
    answer(&fakes[0], sent(0));
    ck_assert_int_eq(give_spans(&fakes[0], 0, 4), WEFT_OK);
    advance(WEFT_NS_PER_S - 1);
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    advance(1);
    expect_spans(first_batch(&fakes[0]), 0, 4);
    end_all();
}
END_TEST

static bool tells_tenants_apart(const struct weft_auth_client *client, const struct weft_metadata *left,
                                const struct weft_metadata *right)
{
    (void)client;
    return !weft_metadata_is_same_under(left, right, "tenant");
}

static void give_span_of(const char *tenant, const char *other, uint32_t number)
{
    const struct weft_metadata_item items[] = { { WEFT_SLICE_LITERAL("tenant"), weft_slice_of_text(tenant) },
                                                { WEFT_SLICE_LITERAL("other"), weft_slice_of_text(other) } };
    struct weft_batch *batch = spans(number, 1, NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    batch->metadata = weft_metadata_try_new(&budget, items, 2, WEFT_SLICE_EMPTY);
    book_offered(1);
    ck_assert_int_eq(weft_consumer_consume(fakes[0].outlet, &batch, &error), WEFT_OK);
}

static void expect_spans_of(const char *tenant, uint32_t first, uint32_t count)
{
    struct weft_slice value;
    const struct weft_batch *batch = first_batch(&fakes[0]);
    expect_spans(batch, first, count);
    ck_assert_uint_eq(weft_metadata_find(batch->metadata, "tenant", &value), 1);
    ck_assert(weft_slice_equal_text(value, tenant));
    answer(&fakes[0], sent(0));
}

/* What the exporter's authenticator takes from the clients' requests decides whose records these are. */
START_TEST(test_requests_that_an_authenticator_tells_apart_are_not_merged)
{
    static const struct weft_auth_client_operations operations = { .tells_apart = tells_tenants_apart };
    static const struct weft_auth_client auth = { &operations };
    batching(WEFT_SIZER_ITEMS, 10, 0);
    auth_of_all = &auth;
    begin_with(1);
    give_span_of("a", "1", 0);
    give_span_of("a", "2", 1); /* what differs otherwise is nothing to it */
    give_span_of("a", "3", 2);
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    give_span_of("b", "3", 3);
    ck_assert_uint_eq(started_count(&fakes[0]), 1);
    expect_spans_of("a", 0, 3);
    give_span_of("a", "3", 4);
    expect_spans_of("b", 3, 1);
    advance(WEFT_NS_PER_S);
    expect_spans_of("a", 4, 1);
    end_all();
}
END_TEST

START_TEST(test_without_an_authenticator_all_requests_are_merged)
{
    batching(WEFT_SIZER_ITEMS, 3, 0);
    begin_with(1);
    give_span_of("a", "1", 0);
    give_span_of("b", "1", 1);
    give_span_of("c", "1", 2);
    struct weft_slice value;
    const struct weft_batch *batch = first_batch(&fakes[0]);
    expect_spans(batch, 0, 3);
    ck_assert_uint_eq(weft_metadata_find(batch->metadata, "tenant", &value), 0);
    ck_assert_uint_eq(weft_metadata_find(batch->metadata, "other", &value), 1); /* what is the same in all */
    answer(&fakes[0], sent(0));
    end_all();
}
END_TEST

/* Whatever the sizers, batches keep to max_size, the spans stay in order, and the charges are all there and all come
 * back. */
START_TEST(test_batches_are_cut_to_max_size)
{
    for (int bits = 0; bits < 6; bits++) {
        enum weft_sizer batch_sizer = bits % 2 == 0 ? WEFT_SIZER_ITEMS : WEFT_SIZER_BYTES;
        uint64_t max_size = batch_sizer == WEFT_SIZER_ITEMS ? 5 : 300;
        batching(batch_sizer, max_size, max_size);
        config.sending_queue.sizer.value = bits / 2;
        begin_with(1);
        uint32_t given = 0, got = 0;
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < 20; i++) {
            struct weft_batch *batch = spans(given, 1 + i % 12, NULL);
            bytes += batch->size_bytes;
            given += 1 + i % 12;
            ck_assert_int_eq(give(&fakes[0], batch), WEFT_OK);
        }
        uint64_t expected = bits / 2 == WEFT_SIZER_REQUESTS ? 20 : bits / 2 == WEFT_SIZER_ITEMS ? given : bytes;
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), expected);
        advance(WEFT_NS_PER_S);
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), expected);
        while (started_count(&fakes[0]) > 0) {
            const struct weft_batch *batch = first_batch(&fakes[0]);
            bool is_small = batch_sizer == WEFT_SIZER_ITEMS ? batch->weight <= 5 : batch->size_bytes <= 300;
            ck_assert(is_small || batch->weight == 1);
            expect_spans(batch, got, (uint32_t)batch->weight);
            got += (uint32_t)batch->weight;
            answer(&fakes[0], sent(0));
        }
        ck_assert_uint_eq(got, given);
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 0);
        end_all();
    }
}
END_TEST

/* Of so many tenants, in turn. */
static struct weft_batch *spans_of(uint32_t tenant, uint32_t first, uint32_t count)
{
    struct weft_batch *batch = spans(first, count, NULL);
    char name[16];
    snprintf(name, sizeof name, "%u", tenant);
    const struct weft_metadata_item items[] = { { WEFT_SLICE_LITERAL("x-tenant"), weft_slice_of_text(name) },
                                                { WEFT_SLICE_LITERAL("other"), WEFT_SLICE_LITERAL("y") } };
    batch->metadata = weft_metadata_try_new(&budget, items, 2, WEFT_SLICE_LITERAL("10.0.0.1"));
    ck_assert_ptr_nonnull(batch->metadata);
    return batch;
}

static void partitioning(void)
{
    static char *keys[] = { "X-Tenant" };
    static struct weft_hash_secret secret;
    batching(WEFT_SIZER_ITEMS, 10, 10);
    config.sending_queue.batch.partition.metadata_keys = (struct weft_config_strings){ .items = keys, .count = 1 };
    begin_with(1);
    host.secret = &secret;
}

START_TEST(test_what_differs_in_metadata_is_batched_apart)
{
    partitioning();
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t tenant = 0; tenant < 3; tenant++) {
            ck_assert_int_eq(give(&fakes[0], spans_of(tenant, 100 * tenant + 3 * i, 3)), WEFT_OK);
        }
    }
    ck_assert_uint_eq(started_count(&fakes[0]), 3); /* of 10, cut; 2 of each wait for the timer */
    for (uint32_t round = 0; round < 2; round++) {
        unsigned seen = 0;
        for (uint32_t i = 0; i < 3; i++) {
            struct weft_slice value;
            const struct weft_batch *batch = first_batch(&fakes[0]);
            ck_assert_uint_eq(weft_metadata_find(batch->metadata, "x-tenant", &value), 1);
            uint32_t tenant = value.bytes[0] - '0';
            expect_spans(batch, 100 * tenant + 10 * round, round == 0 ? 10 : 2);
            seen |= 1u << tenant;
            answer(&fakes[0], sent(0));
        }
        ck_assert_uint_eq(seen, 7);
        advance(WEFT_NS_PER_S);
    }
    ck_assert_uint_eq(held(&fakes[0]), 0);
    end_all();
}
END_TEST

START_TEST(test_the_oldest_combination_goes_for_one_too_many)
{
    enum { PENDING_MAX = 1000 };
    partitioning();
    for (uint32_t tenant = 0; tenant < PENDING_MAX; tenant++) {
        ck_assert_int_eq(give(&fakes[0], spans_of(tenant, tenant, 1)), WEFT_OK);
    }
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    ck_assert_int_eq(give(&fakes[0], spans_of(PENDING_MAX, PENDING_MAX, 1)), WEFT_OK);
    ck_assert_uint_eq(started_count(&fakes[0]), 1);
    expect_spans(first_batch(&fakes[0]), 0, 1);
    ck_assert_uint_eq(held(&fakes[0]), PENDING_MAX + 1);
    ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->crowded_out, 1);
    end_all(); /* drained by force */
}
END_TEST

START_TEST(test_a_combination_without_memory_is_refused)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        partitioning();
        struct weft_batch *batch = spans_of(1, 0, 3);
        struct weft_error error = WEFT_ERROR_NONE;
        book_offered(3);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fakes[0].outlet, &batch, &error);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == WEFT_OK || (status == WEFT_NOMEM && batch != NULL && batch->metadata != NULL));
        ck_assert(n > 2 || status == WEFT_NOMEM);
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), status == WEFT_OK ? 1 : 0);
        if (status != WEFT_OK) {
            ck_assert_int_eq(weft_consumer_consume(fakes[0].outlet, &batch, &error), WEFT_OK);
        }
        end_all();
    }
}
END_TEST

/* Two requests of profiles are no request when they lie side by side, and a piece of one is none either. */
START_TEST(test_profiles_go_as_they_came)
{
    batching(WEFT_SIZER_ITEMS, 2, 2);
    config.sending_queue.sizer.value = WEFT_SIZER_ITEMS;
    config.sending_queue.queue_size = 7;
    signal_of_all = WEFT_PROFILES;
    begin_with(1);
    ck_assert_int_eq(give(&fakes[0], profiles(5)), WEFT_OK);
    ck_assert_int_eq(give(&fakes[0], profiles(1)), WEFT_OK);
    ck_assert_uint_eq(started_count(&fakes[0]), 2);
    ck_assert_uint_eq(first_batch(&fakes[0])->weight, 5);
    answer(&fakes[0], sent(0));
    ck_assert_uint_eq(first_batch(&fakes[0])->weight, 1);
    answer(&fakes[0], sent(0));
    ck_assert_int_eq(give(&fakes[0], profiles(8)), WEFT_OK); /* larger than the queue */
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_TOO_LARGE), 8);
    ck_assert_int_eq(give(&fakes[0], profiles(3)), WEFT_OK);
    answer(&fakes[0], sent(1)); /* the one profile, says the backend */
    ck_assert_uint_eq(totals().rejected, 3);
    end_all();
}
END_TEST

/* The rest of each request stays pending and must not gather the charge of what has long been sent. */
START_TEST(test_charge_in_requests_goes_with_what_was_cut_off)
{
    batching(WEFT_SIZER_ITEMS, 100, 100);
    begin_with(1);
    fakes[0].answers_at_once = true;
    fakes[0].at_once = sent(0);
    for (uint32_t i = 0; i < 90; i++) {
        ck_assert_int_eq(give_spans(&fakes[0], 101 * i, 101), WEFT_OK);
        ck_assert_uint_le(weft_sender_queue_size(fakes[0].sender), 2);
    }
    end_all();
}
END_TEST

START_TEST(test_batch_sizer_is_inherited)
{
    static const struct {
        int queue_sizer, batch_sizer;
        bool is_bytes;
    } cases[] = { { WEFT_SIZER_REQUESTS, 0, false },
                  { WEFT_SIZER_ITEMS, 0, false },
                  { WEFT_SIZER_BYTES, 0, true },
                  { WEFT_SIZER_BYTES, WEFT_SIZER_ITEMS, false },
                  { WEFT_SIZER_REQUESTS, WEFT_SIZER_BYTES, true } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        batching((enum weft_sizer)cases[i].batch_sizer, 20, 0);
        config.sending_queue.sizer.value = cases[i].queue_sizer;
        begin_with(1);
        ck_assert_int_eq(give_spans(&fakes[0], 0, 10), WEFT_OK);
        ck_assert_uint_eq(started_count(&fakes[0]), cases[i].is_bytes ? 1 : 0);
        end_all();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/sender_batching");
    TCase *tests = tcase_create("batching");
    tcase_add_test(tests, test_batch_goes_at_min_size_or_after_the_timeout);
    tcase_add_test(tests, test_requests_that_an_authenticator_tells_apart_are_not_merged);
    tcase_add_test(tests, test_without_an_authenticator_all_requests_are_merged);
    tcase_add_test(tests, test_batches_are_cut_to_max_size);
    tcase_add_test(tests, test_profiles_go_as_they_came);
    tcase_add_test(tests, test_what_differs_in_metadata_is_batched_apart);
    tcase_add_test(tests, test_the_oldest_combination_goes_for_one_too_many);
    tcase_add_test(tests, test_a_combination_without_memory_is_refused);
    tcase_add_test(tests, test_charge_in_requests_goes_with_what_was_cut_off);
    tcase_add_test(tests, test_batch_sizer_is_inherited);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
