/* What a push of an OTLP exporter sends, and what it tells when there is nothing to send. */
#include <check.h>

#include "base/alloc.h"
#include "exporters/otlp_content.h"
#include "suite.h"

/* One resource, one scope, one span "s" with ids of 1s and 2s. */
static const char request[] = "\x0a\x23\x12\x21\x12\x1f"
                              "\x0a\x10\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
                              "\x12\x08\2\2\2\2\2\2\2\2"
                              "\x2a\x01s";
enum { REQUEST_LENGTH = sizeof request - 1 };

static const struct weft_body_form form = { .signal = WEFT_TRACES };
static struct weft_budget budget;
static struct weft_host host;
static struct weft_batch *batch;

/* What the authenticator answers, and what was told. */
static enum weft_status answer;
static struct weft_push_outcome told;
static unsigned told_count;

static enum weft_status add(struct weft_auth_client *client, const struct weft_metadata *metadata,
                            struct weft_header_set *set, struct weft_error *error)
{
    (void)client;
    (void)metadata;
    return answer == WEFT_OK ? weft_header_set_put(set, "authorization", WEFT_SLICE_LITERAL("me"), error)
                             : weft_fail(error, answer, "nobody knows you");
}

static void note_failure(void *context, const struct weft_push_outcome *outcome)
{
    ck_assert_ptr_eq(context, &told);
    told = *outcome;
    told_count++;
}

static const struct weft_auth_client_operations operations = { .add = add };
static struct weft_auth_client client = { .operations = &operations };

static void set_up(void)
{
    memset(&budget, 0, sizeof budget);
    host = (struct weft_host){ .budget = &budget,
                               .timers = weft_timers_new((struct weft_monotonic){ 1 }),
                               .pool = weft_payload_pool_new(&budget, 1 << 20) };
    struct weft_otlp_counts counts;
    struct weft_slice bytes = weft_slice_of(request, REQUEST_LENGTH);
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, bytes, &(struct weft_otlp_limits){ 0 }, &counts, NULL), WEFT_OK);
    struct weft_payload *payload = weft_payload_try_new(host.pool, REQUEST_LENGTH);
    weft_payload_append(payload, request, REQUEST_LENGTH);
    batch = weft_batch_try_new(WEFT_TRACES, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, NULL);
    ck_assert_ptr_nonnull(batch);
    answer = WEFT_OK;
    told_count = 0;
}

static void tear_down(void)
{
    weft_batch_end(&batch, NULL, -1);
    weft_payload_pool_free(host.pool);
    weft_timers_free(host.timers);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

static void assert_told_once(enum weft_push_verdict verdict, enum weft_status status)
{
    ck_assert_uint_eq(told_count, 0); /* not before the next tick */
    weft_timers_run(host.timers, (struct weft_monotonic){ 2 });
    ck_assert_uint_eq(told_count, 1);
    ck_assert_int_eq(told.verdict, verdict);
    ck_assert_int_eq(told.error.status, status);
    ck_assert_int_eq(told.retry_after_ns, -1);
}

START_TEST(test_content_has_the_batch_and_what_the_authenticator_adds)
{
    struct weft_otlp_content content = { 0 };
    ck_assert(weft_otlp_content_make(&content, batch, &form, &client, &host, note_failure, &told));
    ck_assert(!weft_otlp_content_is_failing(&content));
    ck_assert_uint_eq(content.body.slices.length, REQUEST_LENGTH);
    ck_assert_str_eq(weft_otlp_content_headers(&content)[0].name, "authorization");
    weft_otlp_content_fini(&content);
    ck_assert(weft_otlp_content_make(&content, batch, &form, NULL, &host, note_failure, &told));
    ck_assert_ptr_null(weft_otlp_content_headers(&content));
    weft_otlp_content_fini(&content);
    weft_timers_run(host.timers, (struct weft_monotonic){ 2 });
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

START_TEST(test_a_failure_is_told_a_tick_later)
{
    struct weft_otlp_content content = { 0 };
    answer = _i == 0 ? WEFT_DENIED : WEFT_CLOSED;
    ck_assert(!weft_otlp_content_make(&content, batch, &form, &client, &host, note_failure, &told));
    ck_assert(weft_otlp_content_is_failing(&content));
    assert_told_once(_i == 0 ? WEFT_PUSH_PERMANENT : WEFT_PUSH_RETRY, answer);
    ck_assert(!weft_otlp_content_is_failing(&content));
    weft_otlp_content_fini(&content);
}
END_TEST

START_TEST(test_without_memory_another_attempt_may_do_better)
{
    bool is_made = false;
    size_t failures = 0;
    for (size_t attempt = 1; !is_made; attempt++) {
        struct weft_otlp_content content = { 0 };
        weft_alloc_fail_at(attempt);
        is_made = weft_otlp_content_make(&content, batch, &form, &client, &host, note_failure, &told);
        weft_alloc_fail_at(0);
        if (!is_made) {
            assert_told_once(WEFT_PUSH_RETRY, WEFT_NOMEM);
            told_count = 0;
            failures++;
        }
        weft_otlp_content_fini(&content);
    }
    ck_assert_uint_gt(failures, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exporters/otlp_content");
    TCase *tcase = tcase_create("otlp_content");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_content_has_the_batch_and_what_the_authenticator_adds);
    tcase_add_loop_test(tcase, test_a_failure_is_told_a_tick_later, 0, 2);
    tcase_add_test(tcase, test_without_memory_another_attempt_may_do_better);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
