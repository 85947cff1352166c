/* Which worker owns the trace of a record: the same one wherever the record comes in, whatever form its id has. */
#include <check.h>
#include <string.h>

#include "join/join_internal.h"
#include "suite.h"

enum { WORKERS = 8, SPAN_ID_TAG = 1 << 3 | 2, LOG_ID_TAG = 9 << 3 | 2 };

static uint32_t owner(enum weft_signal signal, uint32_t came_in_at, const uint8_t *trace_id)
{
    uint8_t record[2 + WEFT_TRACE_ID_BYTES] = { signal == WEFT_TRACES ? SPAN_ID_TAG : LOG_ID_TAG, WEFT_TRACE_ID_BYTES };
    struct weft_host host = { .worker_index = came_in_at, .worker_count = WORKERS };
    static const struct weft_join_rules rules;
    struct weft_join join = { .stage = { .host = &host }, .rules = &rules };
    if (trace_id != NULL) {
        memcpy(record + 2, trace_id, WEFT_TRACE_ID_BYTES);
    }
    return weft_join_share_operations.owner_of(&join.stage, signal,
                                               weft_slice_of(record, trace_id == NULL ? 0 : sizeof record));
}

START_TEST(test_spans_and_logs_of_a_trace_have_one_owner)
{
    uint8_t trace_id[WEFT_TRACE_ID_BYTES] = { 0 };
    for (unsigned number = 0; number < 200; number++) {
        trace_id[WEFT_TRACE_ID_BYTES - 1] = (uint8_t)number;
        uint32_t first = owner(WEFT_TRACES, 0, trace_id);
        ck_assert_uint_lt(first, WORKERS);
        for (uint32_t worker = 0; worker < WORKERS; worker++) {
            ck_assert_uint_eq(owner(WEFT_TRACES, worker, trace_id), first);
            ck_assert_uint_eq(owner(WEFT_LOGS, worker, trace_id), first);
        }
    }
}
END_TEST

START_TEST(test_the_high_half_of_an_id_makes_no_difference)
{
    uint8_t trace_id[WEFT_TRACE_ID_BYTES] = { 0 };
    memset(trace_id + 8, 0x5a, 8);
    uint32_t first = owner(WEFT_TRACES, 3, trace_id);
    memset(trace_id, 0xc3, 8);
    ck_assert_uint_eq(owner(WEFT_TRACES, 3, trace_id), first);
}
END_TEST

START_TEST(test_spans_without_an_id_are_of_the_trace_of_zeros)
{
    static const uint8_t zeros[WEFT_TRACE_ID_BYTES];
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        ck_assert_uint_eq(owner(WEFT_TRACES, worker, NULL), owner(WEFT_TRACES, 0, zeros));
    }
}
END_TEST

START_TEST(test_a_log_line_without_an_id_stays_where_it_is)
{
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        ck_assert_uint_eq(owner(WEFT_LOGS, worker, NULL), worker);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join owner");
    TCase *tcase = tcase_create("owner");
    tcase_add_test(tcase, test_spans_and_logs_of_a_trace_have_one_owner);
    tcase_add_test(tcase, test_the_high_half_of_an_id_makes_no_difference);
    tcase_add_test(tcase, test_spans_without_an_id_are_of_the_trace_of_zeros);
    tcase_add_test(tcase, test_a_log_line_without_an_id_stays_where_it_is);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
