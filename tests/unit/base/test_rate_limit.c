/* Rates that several threads draw on, in virtual time: a token bucket beside one that counts tokens, counts by second,
 * and what threads take together. */
#include "base/base_test.h"

#include "base/rate_limit.h"

enum { THREADS = 4 };

#define DAY_NS (86400 * WEFT_NS_PER_S)

/* Since the machine's start: a fresh one, an odd time, three months, a year. */
static const int64_t starts_ns[] = { 0, 1, 12345678901234, 91 * DAY_NS + 7, 365 * DAY_NS + 12345 };

static bool take_at(struct weft_token_bucket *bucket, int64_t now_ns, uint64_t amount)
{
    return weft_token_bucket_take(bucket, (struct weft_monotonic){ now_ns }, amount);
}

/* How many ones there are at once. */
static uint64_t take_all(struct weft_token_bucket *bucket, int64_t now_ns)
{
    uint64_t taken = 0;
    while (take_at(bucket, now_ns, 1)) {
        taken++;
    }
    return taken;
}

START_TEST(test_bucket_is_full_at_first_and_fills_by_its_rate)
{
    const int64_t token_ns = WEFT_NS_PER_S / 10;
    for (size_t i = 0; i < WEFT_COUNT_OF(starts_ns); i++) {
        int64_t now_ns = starts_ns[i];
        struct weft_token_bucket bucket = { .per_second = 10, .burst = 5 };
        ck_assert(take_at(&bucket, now_ns, 2));
        ck_assert(take_at(&bucket, now_ns, 3));
        ck_assert(!take_at(&bucket, now_ns, 1));
        ck_assert(!take_at(&bucket, now_ns + token_ns - token_ns / 1000, 1));
        ck_assert(take_at(&bucket, now_ns + token_ns, 1));
        ck_assert(!take_at(&bucket, now_ns + token_ns, 1));
        ck_assert(!take_at(&bucket, now_ns + 3 * token_ns, 3));
        ck_assert(take_at(&bucket, now_ns + 3 * token_ns, 2));
    }
}
END_TEST

START_TEST(test_bucket_holds_no_more_than_its_burst)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(starts_ns); i++) {
        struct weft_token_bucket bucket = { .per_second = 10, .burst = 5 };
        int64_t now_ns = starts_ns[i];
        ck_assert_uint_eq(take_all(&bucket, now_ns), 5);
        now_ns += 100 * DAY_NS;
        ck_assert_uint_eq(take_all(&bucket, now_ns), 5);
        now_ns += WEFT_NS_PER_S / 5;
        ck_assert_uint_eq(take_all(&bucket, now_ns), 2);
        now_ns += WEFT_NS_PER_S;
        ck_assert_uint_eq(take_all(&bucket, now_ns), 5);
    }
}
END_TEST

/* Also rates by which a second does not divide: what a full bucket holds is there, whatever the time is. */
static const double odd_rates[] = { 1, 3, 6, 7, 10, 11, 13, 49, 333, 1000, 7001, 65537, 99991, 1000000 };
enum { ODD_TIMES = 200 };

static int64_t random_time(uint64_t *random)
{
    return (int64_t)(base_test_random(random) % (uint64_t)(365 * DAY_NS));
}

START_TEST(test_full_bucket_gives_its_burst_at_once)
{
    uint64_t random = 5;
    for (size_t i = 0; i < WEFT_COUNT_OF(odd_rates) * ODD_TIMES; i++) {
        double rate = odd_rates[i / ODD_TIMES];
        uint64_t burst = i % 2 == 0 ? (uint64_t)rate * 2 : 1 + i % 1000;
        int64_t now_ns = random_time(&random);
        struct weft_token_bucket bucket = { .per_second = rate, .burst = (double)burst };
        ck_assert_msg(take_at(&bucket, now_ns, burst), "burst %ju, rate %.0f, at %jd", (uintmax_t)burst, rate,
                      (intmax_t)now_ns);
        ck_assert(!take_at(&bucket, now_ns, 1));
    }
}
END_TEST

START_TEST(test_full_bucket_gives_its_burst_in_ones)
{
    uint64_t random = 7;
    for (size_t i = 0; i < WEFT_COUNT_OF(odd_rates) * ODD_TIMES; i++) {
        struct weft_token_bucket bucket = { .per_second = odd_rates[i / ODD_TIMES], .burst = 20 };
        int64_t now_ns = random_time(&random);
        uint64_t taken = take_all(&bucket, now_ns);
        ck_assert_msg(taken == 20, "%ju, rate %.0f, at %jd", (uintmax_t)taken, bucket.per_second, (intmax_t)now_ns);
    }
}
END_TEST

START_TEST(test_amount_over_the_burst_never_passes_and_takes_nothing)
{
    static const uint64_t amounts[] = { 6, 7, 1000, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX };
    static const double rates[] = { 0, 10, 1e9, 1e18 };
    for (size_t i = 0; i < WEFT_COUNT_OF(rates) * WEFT_COUNT_OF(amounts); i++) {
        uint64_t amount = amounts[i % WEFT_COUNT_OF(amounts)];
        struct weft_token_bucket bucket = { .per_second = rates[i / WEFT_COUNT_OF(amounts)], .burst = 5 };
        ck_assert(!take_at(&bucket, 0, amount));
        ck_assert(!take_at(&bucket, WEFT_NS_PER_S, amount));
        ck_assert(!take_at(&bucket, 400 * DAY_NS, amount));
        ck_assert(take_at(&bucket, 400 * DAY_NS, 5));
    }
}
END_TEST

START_TEST(test_refused_amount_takes_nothing)
{
    struct weft_token_bucket bucket = { .per_second = 10, .burst = 10 };
    ck_assert(take_at(&bucket, 0, 7));
    for (int i = 0; i < 100; i++) {
        ck_assert(!take_at(&bucket, 0, 4));
    }
    ck_assert(take_at(&bucket, 0, 3));
    ck_assert(!take_at(&bucket, 0, 1));
}
END_TEST

START_TEST(test_without_a_rate_the_burst_is_all_there_is)
{
    static const double rates[] = { 0, -0.5, -10 };
    for (size_t i = 0; i < WEFT_COUNT_OF(rates); i++) {
        struct weft_token_bucket bucket = { .per_second = rates[i], .burst = 5 };
        ck_assert(take_at(&bucket, 0, 2));
        ck_assert(take_at(&bucket, 100 * DAY_NS, 2));
        ck_assert(!take_at(&bucket, 200 * DAY_NS, 2));
        ck_assert(take_at(&bucket, 200 * DAY_NS, 1));
        ck_assert(!take_at(&bucket, 400 * DAY_NS, 1));
    }
}
END_TEST

START_TEST(test_without_a_burst_nothing_passes)
{
    static const struct weft_token_bucket buckets[] = {
        { .per_second = 0, .burst = 0 },   { .per_second = 0, .burst = -1 },   { .per_second = 10, .burst = 0 },
        { .per_second = 10, .burst = -1 }, { .per_second = -5, .burst = -10 }, { .per_second = 1e18, .burst = 0 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(buckets); i++) {
        struct weft_token_bucket bucket = buckets[i];
        ck_assert(!take_at(&bucket, 0, 1));
        ck_assert(!take_at(&bucket, 400 * DAY_NS, 1));
        ck_assert(!take_at(&bucket, 401 * DAY_NS, UINT64_MAX));
    }
}
END_TEST

/* As much as 64 bits of config can ask for, and a terabyte a second. */
START_TEST(test_huge_rates_pass_what_is_huge)
{
    struct weft_token_bucket largest = { .per_second = 9.2e18, .burst = 1.84e19 };
    struct weft_token_bucket terabyte = { .per_second = 1e12, .burst = 2e12 };
    for (int64_t day = 90; day < 100; day++) {
        ck_assert(take_at(&largest, day * DAY_NS, UINT64_C(1) << 63));
        ck_assert(take_at(&terabyte, day * DAY_NS, UINT64_C(1900000000000)));
        ck_assert(!take_at(&terabyte, day * DAY_NS, UINT64_C(200000000000)));
        ck_assert(!take_at(&terabyte, day * DAY_NS + WEFT_NS_PER_MS, UINT64_C(110000000000)));
        ck_assert(take_at(&terabyte, day * DAY_NS + WEFT_NS_PER_MS, UINT64_C(100000000000)));
    }
}
END_TEST

/* What would need more than nine years to come back is not there. */
START_TEST(test_burst_of_more_than_nine_years_is_one_of_nine)
{
    static const double rates[] = { 1, 0.001, 1e6 };
    for (size_t i = 0; i < WEFT_COUNT_OF(rates) * WEFT_COUNT_OF(starts_ns); i++) {
        double rate = rates[i % WEFT_COUNT_OF(rates)];
        int64_t now_ns = starts_ns[i / WEFT_COUNT_OF(rates)];
        double year = 365 * 86400 * rate;
        struct weft_token_bucket bucket = { .per_second = rate, .burst = 1000 * year };
        ck_assert(!take_at(&bucket, now_ns, (uint64_t)(10 * year)));
        ck_assert(take_at(&bucket, now_ns, (uint64_t)(9 * year)));
        ck_assert(!take_at(&bucket, now_ns, (uint64_t)year));
        ck_assert(!take_at(&bucket, now_ns + 100 * DAY_NS, (uint64_t)year));
        ck_assert(take_at(&bucket, now_ns + 366 * DAY_NS, (uint64_t)year));
    }
}
END_TEST

/* A hundred a second for an hour, asked more often than that, and a token every ten minutes for a month. */
START_TEST(test_what_passes_in_the_long_run_is_the_rate)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(starts_ns); i++) {
        struct weft_token_bucket fast = { .per_second = 100, .burst = 200 };
        struct weft_token_bucket slow = { .per_second = 1.0 / 600, .burst = 3 };
        uint64_t fast_taken = 0;
        uint64_t slow_taken = 0;
        for (int64_t step = 0; step <= 1000000; step++) {
            fast_taken += take_at(&fast, starts_ns[i] + step * (3600 * WEFT_NS_PER_S / 1000000), 1);
        }
        for (int64_t second = 0; second <= 30 * 86400; second += 60) {
            slow_taken += take_at(&slow, starts_ns[i] + second * WEFT_NS_PER_S, 1);
        }
        ck_assert_uint_ge(fast_taken, 100 * 3600 + 200 - 2);
        ck_assert_uint_le(fast_taken, 100 * 3600 + 200);
        ck_assert_uint_ge(slow_taken, 30 * 144 + 3 - 1);
        ck_assert_uint_le(slow_taken, 30 * 144 + 3);
    }
}
END_TEST

/* Tokens that are counted, and the time of the last look. */
struct model {
    double per_second, burst, tokens;
    int64_t last_ns;
};

static void refill(struct model *model, int64_t now_ns)
{
    model->tokens += (double)(now_ns - model->last_ns) / WEFT_NS_PER_S * model->per_second;
    model->tokens = model->tokens < model->burst ? model->tokens : model->burst;
    model->last_ns = now_ns;
}

static void compare_with_model(uint64_t *random, int64_t start_ns, double rate, double burst)
{
    const double unclear = 0.1; /* of a token: both round */
    struct weft_token_bucket bucket = { .per_second = rate, .burst = burst };
    struct model model = { rate, burst, burst, start_ns };
    int64_t now_ns = start_ns;
    double amount_mean = burst / 4 + 1;
    double gap_ns = amount_mean / rate * 1e9;
    for (int step = 0; step < 3000 && now_ns < 1000 * DAY_NS; step++) {
        uint64_t amount = base_test_random(random) % (uint64_t)(2 * amount_mean + 1);
        double factor = base_test_random(random) % 50 == 0 ? 20 : (double)(base_test_random(random) % 1000) / 500;
        now_ns += (int64_t)(gap_ns * factor);
        refill(&model, now_ns);
        bool has_taken = take_at(&bucket, now_ns, amount);
        double left = model.tokens - (double)amount;
        bool is_clear = left > unclear || left < -unclear;
        ck_assert_msg(!is_clear || has_taken == (left > 0), "step %d: rate %f, burst %f: %f tokens, amount %ju", step,
                      rate, burst, model.tokens, (uintmax_t)amount);
        model.tokens -= has_taken ? (double)amount : 0;
    }
}

START_TEST(test_bucket_does_what_a_count_of_tokens_does)
{
    static const double rates[] = { 0.01, 0.7, 1, 3, 10, 99, 1000, 12345, 50000 };
    static const double bursts[] = { 1, 2, 5, 100, 4096, 100000 };
    uint64_t random = 11;
    for (size_t i = 0; i < WEFT_COUNT_OF(rates) * WEFT_COUNT_OF(bursts); i++) {
        double rate = rates[i / WEFT_COUNT_OF(bursts)];
        double burst = bursts[i % WEFT_COUNT_OF(bursts)];
        compare_with_model(&random, starts_ns[i % WEFT_COUNT_OF(starts_ns)], rate, burst);
    }
}
END_TEST

START_TEST(test_time_that_is_a_little_behind_gives_no_more)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(starts_ns); i++) {
        int64_t now_ns = starts_ns[i] + WEFT_NS_PER_S;
        struct weft_token_bucket bucket = { .per_second = 10, .burst = 5 };
        ck_assert(take_at(&bucket, now_ns, 3));
        ck_assert(take_at(&bucket, now_ns - WEFT_NS_PER_MS, 1));
        ck_assert(!take_at(&bucket, now_ns - WEFT_NS_PER_MS, 2));
        ck_assert(take_at(&bucket, now_ns, 1));
        ck_assert(!take_at(&bucket, now_ns - WEFT_NS_PER_MS, 1));
        ck_assert(!take_at(&bucket, now_ns, 1));
        ck_assert(take_at(&bucket, now_ns + WEFT_NS_PER_S / 10, 1));
        ck_assert(!take_at(&bucket, now_ns + WEFT_NS_PER_S / 10, 1));
    }
}
END_TEST

START_TEST(test_times_that_go_back_and_forth_add_nothing)
{
    enum { STEPS = 100000, STEP_NS = 500000 };
    struct weft_token_bucket bucket = { .per_second = 1000, .burst = 50 };
    const int64_t start_ns = DAY_NS;
    uint64_t random = 13;
    uint64_t taken = 0;
    for (int64_t step = 0; step <= STEPS; step++) {
        int64_t behind_ns = (int64_t)(base_test_random(&random) % 20) * WEFT_NS_PER_MS;
        uint64_t amount = 1 + base_test_random(&random) % 3;
        taken += take_at(&bucket, start_ns + step * STEP_NS - (step > 0 ? behind_ns : 0), amount) ? amount : 0;
    }
    ck_assert_uint_le(taken, 50 + STEPS / 2);
    ck_assert_uint_ge(taken, 50 + STEPS / 2 - 30); /* 20 ms, and two tokens that did not do for three */
}
END_TEST

/* ---- by second ---- */

START_TEST(test_count_stays_within_its_limit_and_begins_anew)
{
    struct weft_second_count count = { 0 };
    for (uint64_t second = 1700000000; second < 1700000010; second++) {
        ck_assert(weft_second_count_add(&count, second, 4, 10));
        ck_assert(weft_second_count_add(&count, second, 5, 10));
        ck_assert(!weft_second_count_add(&count, second, 2, 10));
        ck_assert(weft_second_count_add(&count, second, 1, 10));
        ck_assert(!weft_second_count_add(&count, second, 1, 10));
    }
    ck_assert(weft_second_count_add(&count, 1700000100, 10, 10));
    ck_assert(!weft_second_count_add(&count, 1700000100, 1, 10));
}
END_TEST

START_TEST(test_refused_amount_is_not_counted)
{
    struct weft_second_count count = { 0 };
    ck_assert(!weft_second_count_add(&count, 5, 11, 10));
    ck_assert(weft_second_count_add(&count, 5, 7, 10));
    ck_assert(!weft_second_count_add(&count, 5, 4, 10));
    ck_assert(weft_second_count_add(&count, 5, 3, 10));
    ck_assert(!weft_second_count_add(&count, 6, 11, 10));
    ck_assert(weft_second_count_add(&count, 6, 10, 10));
}
END_TEST

START_TEST(test_limit_counts_as_it_is_asked)
{
    struct weft_second_count count = { 0 };
    ck_assert(!weft_second_count_add(&count, 7, 1, 0));
    ck_assert(weft_second_count_add(&count, 7, 5, 5));
    ck_assert(!weft_second_count_add(&count, 7, 1, 5));
    ck_assert(weft_second_count_add(&count, 7, 3, 8));
    ck_assert(!weft_second_count_add(&count, 7, 1, 5));
    ck_assert(weft_second_count_add(&count, 7, 1, UINT64_MAX));
}
END_TEST

START_TEST(test_second_zero_counts_too)
{
    struct weft_second_count count = { 0 };
    ck_assert(weft_second_count_add(&count, 0, 10, 10));
    ck_assert(!weft_second_count_add(&count, 0, 1, 10));
    ck_assert(weft_second_count_add(&count, 1, 10, 10));
}
END_TEST

/* A clock that was set back by an hour must not stop what is counted by it. */
START_TEST(test_seconds_of_long_ago_begin_anew)
{
    struct weft_second_count count = { 0 };
    ck_assert(weft_second_count_add(&count, 1700003600, 10, 10));
    ck_assert(!weft_second_count_add(&count, 1700003600, 1, 10));
    ck_assert(weft_second_count_add(&count, 1700000000, 10, 10));
    ck_assert(!weft_second_count_add(&count, 1700000000, 1, 10));
    ck_assert(weft_second_count_add(&count, 1700000001, 10, 10));
}
END_TEST

START_TEST(test_seconds_beyond_32_bits_count_as_others)
{
    static const uint64_t wraps[] = { UINT64_C(1) << 32, UINT64_C(3) << 32, UINT64_C(1) << 33 };
    for (size_t i = 0; i < WEFT_COUNT_OF(wraps); i++) {
        struct weft_second_count count = { 0 };
        for (uint64_t second = wraps[i] - 3; second < wraps[i] + 3; second++) {
            ck_assert(weft_second_count_add(&count, second, 6, 10));
            ck_assert(!weft_second_count_add(&count, second, 5, 10));
            ck_assert(weft_second_count_add(&count, second, 4, 10));
            ck_assert(!weft_second_count_add(&count, second, 1, 10));
        }
    }
}
END_TEST

/* A count has 32 bits: what they cannot hold is refused, whatever the limit is. */
START_TEST(test_amounts_that_a_count_cannot_hold_are_refused)
{
    static const uint64_t amounts[] = { UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1, UINT64_C(1) << 63, UINT64_MAX };
    struct weft_second_count count = { 0 };
    ck_assert(weft_second_count_add(&count, 100, UINT32_MAX, UINT64_MAX));
    ck_assert(!weft_second_count_add(&count, 100, 1, UINT64_MAX));
    for (size_t i = 0; i < WEFT_COUNT_OF(amounts); i++) {
        uint64_t second = 101 + i;
        ck_assert(!weft_second_count_add(&count, second, amounts[i], UINT64_MAX));
        ck_assert(weft_second_count_add(&count, second, 4, 10));
        ck_assert(!weft_second_count_add(&count, second, amounts[i], UINT64_MAX));
        ck_assert(!weft_second_count_add(&count, second, UINT32_MAX, UINT64_MAX));
        ck_assert(!weft_second_count_add(&count, second, 7, 10));
        ck_assert(weft_second_count_add(&count, second, 6, 10));
    }
}
END_TEST

/* ---- several threads ---- */

enum { DRAWS = 60000, DRAW_NS = 500000, DRAW_RATE = 1000, DRAW_BURST = 50 };

struct drawer {
    struct weft_atomic_u64 *ready; /* threads that are there: they begin together */
    struct weft_token_bucket *bucket;
    struct weft_second_count *count;
    uint64_t limit;
    uint64_t random;
    uint64_t taken;
};

static void wait_for_others(struct drawer *drawer)
{
    weft_atomic_add(drawer->ready, 1);
    while (weft_atomic_load(drawer->ready) < THREADS) {
        weft_pause(1);
    }
}

static void draw_over_time(void *context)
{
    struct drawer *drawer = context;
    wait_for_others(drawer);
    for (int64_t i = 0; i <= DRAWS; i++) {
        uint64_t amount = 1 + base_test_random(&drawer->random) % 3;
        drawer->taken += take_at(drawer->bucket, DAY_NS + i * DRAW_NS, amount) ? amount : 0;
    }
}

static void draw_at_once(void *context)
{
    struct drawer *drawer = context;
    wait_for_others(drawer);
    for (size_t i = 0; i < DRAWS; i++) {
        drawer->taken += take_at(drawer->bucket, DAY_NS, 1);
    }
}

static void draw_count(void *context)
{
    struct drawer *drawer = context;
    wait_for_others(drawer);
    for (size_t i = 0; i < DRAWS; i++) {
        uint64_t amount = 1 + base_test_random(&drawer->random) % 3;
        drawer->taken += weft_second_count_add(drawer->count, 1700000000, amount, drawer->limit) ? amount : 0;
    }
}

/* What they took together. */
static uint64_t draw(weft_thread_fn work, struct drawer drawer)
{
    struct weft_atomic_u64 ready = { 0 };
    struct drawer drawers[THREADS];
    struct weft_thread *threads[THREADS];
    uint64_t taken = 0;
    for (size_t i = 0; i < THREADS; i++) {
        drawers[i] = drawer;
        drawers[i].ready = &ready;
        drawers[i].random = 17 + i;
        threads[i] = weft_thread_start("drawer", work, &drawers[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        weft_thread_join(threads[i]);
        taken += drawers[i].taken;
    }
    return taken;
}

/* Each has a clock of its own, so most are behind. */
START_TEST(test_threads_take_together_what_the_rate_allows)
{
    const uint64_t allowed = DRAW_BURST + (uint64_t)DRAWS * DRAW_NS * DRAW_RATE / WEFT_NS_PER_S;
    for (int round = 0; round < 10; round++) {
        struct weft_token_bucket bucket = { .per_second = DRAW_RATE, .burst = DRAW_BURST };
        uint64_t taken = draw(draw_over_time, (struct drawer){ .bucket = &bucket });
        ck_assert_uint_le(taken, allowed);
        ck_assert_uint_ge(taken, allowed - 2); /* which did not do for an amount of three */
    }
}
END_TEST

START_TEST(test_threads_take_together_what_is_there)
{
    static const double rates[] = { 0, -1, 1, DRAW_RATE };
    for (size_t i = 0; i < 6 * WEFT_COUNT_OF(rates); i++) {
        struct weft_token_bucket bucket = { .per_second = rates[i / 6], .burst = 3 * DRAWS + 7 };
        ck_assert_uint_eq(draw(draw_at_once, (struct drawer){ .bucket = &bucket }), 3 * DRAWS + 7);
    }
}
END_TEST

START_TEST(test_threads_count_together_up_to_the_limit)
{
    for (uint64_t limit = 100000; limit < 100010; limit++) {
        struct weft_second_count count = { 0 };
        uint64_t taken = draw(draw_count, (struct drawer){ .count = &count, .limit = limit });
        ck_assert_uint_eq(taken, limit); /* ones fill what is left */
        ck_assert(!weft_second_count_add(&count, 1700000000, 1, limit));
    }
}
END_TEST

/* A worker whose loop is 5 ms late sees what the others see, not a bucket that is emptier by as much. */
START_TEST(test_time_that_is_behind_takes_nothing_away)
{
    struct weft_token_bucket bucket = { .per_second = 1000, .burst = 3 };
    ck_assert(take_at(&bucket, 10 * WEFT_NS_PER_S, 1));
    ck_assert(take_at(&bucket, 10 * WEFT_NS_PER_S - 5 * WEFT_NS_PER_MS, 1));
    ck_assert(take_at(&bucket, 10 * WEFT_NS_PER_S - 5 * WEFT_NS_PER_MS, 1));
    ck_assert(!take_at(&bucket, 10 * WEFT_NS_PER_S - 5 * WEFT_NS_PER_MS, 1));
    ck_assert(take_at(&bucket, 10 * WEFT_NS_PER_S + WEFT_NS_PER_MS, 1));
}
END_TEST

START_TEST(test_who_has_the_second_before_counts_in_this_one)
{
    struct weft_second_count count = { 0 };
    uint64_t taken = 0;
    for (int i = 0; i < 1000; i++) {
        taken += weft_second_count_add(&count, i % 2 == 0 ? 101 : 100, 10, 10) ? 10 : 0;
    }
    ck_assert_uint_eq(taken, 10);
    ck_assert(weft_second_count_add(&count, 102, 10, 10));
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_bucket_is_full_at_first_and_fills_by_its_rate),
        BASE_TEST(test_time_that_is_behind_takes_nothing_away),
        BASE_TEST(test_who_has_the_second_before_counts_in_this_one),
        BASE_TEST(test_bucket_holds_no_more_than_its_burst),
        BASE_TEST(test_full_bucket_gives_its_burst_at_once),
        BASE_TEST(test_full_bucket_gives_its_burst_in_ones),
        BASE_TEST(test_amount_over_the_burst_never_passes_and_takes_nothing),
        BASE_TEST(test_refused_amount_takes_nothing),
        BASE_TEST(test_without_a_rate_the_burst_is_all_there_is),
        BASE_TEST(test_without_a_burst_nothing_passes),
        BASE_TEST(test_huge_rates_pass_what_is_huge),
        BASE_TEST(test_burst_of_more_than_nine_years_is_one_of_nine),
        BASE_TEST(test_what_passes_in_the_long_run_is_the_rate),
        BASE_TEST(test_bucket_does_what_a_count_of_tokens_does),
        BASE_TEST(test_time_that_is_a_little_behind_gives_no_more),
        BASE_TEST(test_times_that_go_back_and_forth_add_nothing),
        BASE_TEST(test_count_stays_within_its_limit_and_begins_anew),
        BASE_TEST(test_refused_amount_is_not_counted),
        BASE_TEST(test_limit_counts_as_it_is_asked),
        BASE_TEST(test_second_zero_counts_too),
        BASE_TEST(test_seconds_of_long_ago_begin_anew),
        BASE_TEST(test_seconds_beyond_32_bits_count_as_others),
        BASE_TEST(test_amounts_that_a_count_cannot_hold_are_refused),
        BASE_TEST(test_threads_take_together_what_the_rate_allows),
        BASE_TEST(test_threads_take_together_what_is_there),
        BASE_TEST(test_threads_count_together_up_to_the_limit),
    };
    return BASE_TEST_RUN("rate limit", tests);
}
