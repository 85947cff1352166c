/* The breakdown of drops, against a model that keeps every event. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "pipeline/drops.h"
#include "suite.h"

enum { EVENTS = 30000, FLOWS = 5, NAMES = 7 };

struct event {
    struct weft_monotonic at;
    weft_flow_id flow;
    uint32_t policy, service;
    uint64_t count;
};

static struct event events[EVENTS];
static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % limit;
}

/* Number 0 is the empty name. */
static struct weft_slice name_of(const char *kind, uint32_t number)
{
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], number == 0 ? "" : "%s-%u", kind, number);
    return weft_slice_of_text(text);
}

static void add(struct weft_drops *drops, const struct event *event)
{
    weft_drops_add(drops, event->at, event->flow, name_of("policy", event->policy), name_of("service", event->service),
                   event->count);
}

static bool is_of(const struct weft_drops_row *row, const struct event *event)
{
    return row->flow == event->flow && weft_slice_equal(row->policy, name_of("policy", event->policy)) &&
           weft_slice_equal(row->service, name_of("service", event->service));
}

static void compare(const struct weft_drops *drops, size_t event_count, const uint32_t from[WEFT_DROPS_WINDOW_COUNT])
{
    size_t count = weft_drops_row_count(drops);
    struct weft_drops_row *rows = weft_alloc((count + 1) * sizeof *rows);
    weft_drops_read(drops, from, rows);
    for (size_t i = 0; i < event_count; i++) {
        size_t j = 0;
        while (j < count && !is_of(&rows[j], &events[i])) {
            j++;
        }
        ck_assert_uint_lt(j, count);
        rows[j].total -= events[i].count;
        for (int k = 0; k < WEFT_DROPS_WINDOW_COUNT; k++) {
            bool counts = weft_drops_window_of((enum weft_drops_window)k, events[i].at) >= from[k];
            rows[j].recent[k] -= counts ? events[i].count : 0;
        }
    }
    for (size_t j = 0; j < count; j++) {
        ck_assert_uint_eq(rows[j].total, 0);
        for (int k = 0; k < WEFT_DROPS_WINDOW_COUNT; k++) {
            ck_assert_uint_eq(rows[j].recent[k], 0);
        }
    }
    weft_free(rows);
}

/* A moment that every ring still covers, or for each ring one of its own. */
static void compare_at_random(const struct weft_drops *drops, size_t event_count)
{
    uint32_t from[WEFT_DROPS_WINDOW_COUNT];
    for (int k = 0; k < WEFT_DROPS_WINDOW_COUNT; k++) {
        uint32_t first = weft_drops_first_window(drops, (enum weft_drops_window)k);
        uint32_t last = weft_drops_window_of((enum weft_drops_window)k, events[event_count - 1].at);
        from[k] = first + (last < first ? 0 : random_below(last - first + 2));
    }
    compare(drops, event_count, from);
}

static uint64_t flow_total(const struct weft_drops *drops, weft_flow_id flow)
{
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    struct weft_drops_row *rows = weft_alloc((weft_drops_row_count(drops) + 1) * sizeof *rows);
    uint64_t total = 0;
    weft_drops_read(drops, from, rows);
    for (size_t i = 0; i < weft_drops_row_count(drops); i++) {
        total += rows[i].flow == flow ? rows[i].total : 0;
    }
    weft_free(rows);
    return total;
}

START_TEST(test_random_drops_equal_the_model)
{
    static const int64_t steps[] = { 0, 0, 0, WEFT_NS_PER_S / 10, WEFT_NS_PER_S, 40 * WEFT_NS_PER_S };
    struct weft_monotonic now = { 7 * WEFT_NS_PER_S };
    struct weft_drops *drops = weft_drops_new(now);
    uint64_t flow_totals[FLOWS] = { 0 };
    for (size_t i = 0; i < EVENTS; i++) {
        now = weft_monotonic_after(now, steps[random_below(WEFT_COUNT_OF(steps))] * (int64_t)random_below(3));
        events[i] = (struct event){ .at = now,
                                    .flow = (weft_flow_id)(1 + random_below(FLOWS)),
                                    .policy = random_below(NAMES),
                                    .service = random_below(NAMES),
                                    .count = 1 + random_below(1000) };
        flow_totals[events[i].flow - 1] += events[i].count;
        add(drops, &events[i]);
        if (i % 1500 == 1499) {
            compare_at_random(drops, i + 1);
        }
    }
    /* The ring of seconds has gone round, the one of hours has not. */
    ck_assert_uint_gt(weft_drops_first_window(drops, WEFT_DROPS_SECONDS), 7);
    ck_assert_uint_eq(weft_drops_first_window(drops, WEFT_DROPS_HOURS), 0);
    for (weft_flow_id flow = 1; flow <= FLOWS; flow++) {
        ck_assert_uint_eq(flow_total(drops, flow), flow_totals[flow - 1]);
    }
    weft_drops_free(drops);
}
END_TEST

static uint64_t total_of(const struct weft_drops *drops, const char *service)
{
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    struct weft_drops_row *rows = weft_alloc((weft_drops_row_count(drops) + 1) * sizeof *rows);
    uint64_t total = 0;
    weft_drops_read(drops, from, rows);
    for (size_t i = 0; i < weft_drops_row_count(drops); i++) {
        bool is_wanted = weft_slice_equal_text(rows[i].service, service);
        ck_assert(!is_wanted || rows[i].total == rows[i].recent[WEFT_DROPS_HOURS]);
        total += is_wanted ? rows[i].total : 0;
    }
    weft_free(rows);
    return total;
}

START_TEST(test_services_beyond_the_limit_are_others)
{
    struct weft_monotonic now = { 0 };
    struct weft_drops *drops = weft_drops_new(now);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= WEFT_DROPS_SERVICES + 50; i++) {
            weft_drops_add(drops, now, 1, WEFT_SLICE_EMPTY, name_of("service", i), i);
        }
    }
    ck_assert_uint_eq(weft_drops_row_count(drops), WEFT_DROPS_SERVICES + 1);
    ck_assert_uint_eq(total_of(drops, "service-200"), 400);
    ck_assert_uint_eq(total_of(drops, "service-201"), 0);
    ck_assert_uint_eq(total_of(drops, WEFT_DROPS_OTHER), 2 * (201 + 250) * 25);
    weft_drops_free(drops);
}
END_TEST

START_TEST(test_rows_beyond_the_limit_keep_each_flows_sum)
{
    struct weft_monotonic now = { 0 };
    struct weft_drops *drops = weft_drops_new(now);
    for (weft_flow_id flow = 1; flow <= 60; flow++) {
        for (uint32_t i = 0; i < 100; i++) {
            weft_drops_add(drops, now, flow, WEFT_SLICE_EMPTY, name_of("service", i), flow);
        }
    }
    ck_assert_uint_le(weft_drops_row_count(drops), WEFT_DROPS_NAMED_ROWS + 60);
    ck_assert_uint_gt(total_of(drops, WEFT_DROPS_OTHER), 0);
    for (weft_flow_id flow = 1; flow <= 60; flow++) {
        ck_assert_uint_eq(flow_total(drops, flow), 100u * flow);
    }
    weft_drops_free(drops);
}
END_TEST

START_TEST(test_long_names_are_cut)
{
    struct weft_monotonic now = { 0 };
    struct weft_drops *drops = weft_drops_new(now);
    char name[1000];
    memset(name, 'n', sizeof name);
    weft_drops_add(drops, now, 1, weft_slice_of(name, sizeof name), weft_slice_of(name, 129), 5);
    weft_drops_add(drops, now, 1, weft_slice_of(name, 500), weft_slice_of(name, 128), 6);
    ck_assert_uint_eq(weft_drops_row_count(drops), 1);
    struct weft_drops_row row;
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    weft_drops_read(drops, from, &row);
    ck_assert_uint_eq(row.policy.length, WEFT_DROPS_NAME_BYTES);
    ck_assert_uint_eq(row.total, 11);
    weft_drops_free(drops);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/drops");
    TCase *tests = tcase_create("drops");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_random_drops_equal_the_model);
    tcase_add_test(tests, test_services_beyond_the_limit_are_others);
    tcase_add_test(tests, test_rows_beyond_the_limit_keep_each_flows_sum);
    tcase_add_test(tests, test_long_names_are_cut);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
