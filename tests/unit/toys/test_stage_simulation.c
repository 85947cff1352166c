/* Simulation of stages over several workers (pipeline/stage.h, loan.h, mail.h, graph/): the real plan, graph, faces,
 * outlets, mail and loans, with the toys and the processors that hold, edit and drop, between random clients and random
 * sinks, under virtual time.
 *
 * A seed decides everything: one to four workers, what stands in up to four pipelines of two signals, when clients
 * come, what sinks refuse, when mail arrives, which allocation fails, when a reload changes what, whether it fails on a
 * worker, and how much patience the end has. What is checked stands in stage_checks.h.
 *
 * WEFT_SIMULATION_SEEDS=1000000 and WEFT_SIMULATION_FIRST_SEED choose the range; a failure names its seed. */
#include <signal.h>
#include <unistd.h>

#include "stage_checks.h"
#include "suite.h"

enum { LIFE_MS = 3000, PEACE_STEP_MS = 9000, END_MS = 60000 };

static struct weft_timer weather_timer, reload_timer, stop_timer;
static uint64_t event_count, switch_count, failure_count;

static void weather_due(void *context)
{
    (void)context;
    weather_changes();
    weft_timer_set_after(world->timers, &weather_timer, 1 + random_ms(400));
}

static void reload_due(void *context)
{
    (void)context;
    reload();
    weft_timer_set_after(world->timers, &reload_timer, 1 + random_ms(2000));
}

static void stop_due(void *context)
{
    (void)context;
    shutdown_begins();
}

static void timers_begin(void)
{
    weft_timer_init(&weather_timer, weather_due, NULL);
    weft_timer_init(&reload_timer, reload_due, NULL);
    weft_timer_init(&stop_timer, stop_due, NULL);
    weft_timer_set_after(world->timers, &weather_timer, random_ms(1000));
    if (chance(70)) {
        weft_timer_set_after(world->timers, &reload_timer, random_ms(LIFE_MS));
    }
}

static void timers_end(void)
{
    weft_timer_cancel(world->timers, &weather_timer);
    weft_timer_cancel(world->timers, &reload_timer);
    weft_timer_cancel(world->timers, &stop_timer);
    for (size_t i = 0; i < world->request_count; i++) {
        weft_timer_cancel(world->timers, &world->requests[i].timer);
    }
}

static void requests_begin(void)
{
    world->request_count = 1 + pick(MAX_REQUESTS);
    for (size_t i = 0; i < world->request_count; i++) {
        struct request *request = &world->requests[i];
        request->worker = pick(world->worker_count);
        request->client = pick(CLIENTS);
        request->signal = request->client == 0   ? WEFT_TRACES
                          : request->client == 1 ? WEFT_LOGS
                          : chance(50)           ? WEFT_TRACES
                                                 : WEFT_LOGS;
        request->first_record = (uint32_t)(i * MAX_RECORDS);
        request->record_count = 1 + pick(MAX_RECORDS);
        weft_timer_init(&request->timer, request_comes, request);
        weft_timer_set_after(world->timers, &request->timer, random_ms(LIFE_MS));
    }
    for (size_t i = 0; i < RECORD_COUNT; i++) {
        world->owner_byte[i] = (uint8_t)pick(256);
    }
}

static void run_for(int64_t duration_ms)
{
    int64_t end_ns = now().ns + duration_ms * WEFT_NS_PER_MS;
    while (!rounds.is_over && weft_timers_next(world->timers).ns <= end_ns) {
        if (!world->is_calm && chance(world->nomem_percent)) {
            weft_alloc_fail_at(1 + pick(15));
        }
        weft_timers_run(world->timers, weft_timers_next(world->timers));
        weft_alloc_fail_at(0);
        event_count++;
        if (chance(4)) {
            check_moment();
        }
    }
    weft_timers_touch(world->timers, (struct weft_monotonic){ end_ns });
}

/* Nothing goes wrong any more: by time alone all comes out and all opens. */
static void rest_in_peace(void)
{
    world->is_calm = true;
    weather_changes();
    weft_timer_cancel(world->timers, &reload_timer);
    weft_timer_cancel(world->timers, &weather_timer);
    uint64_t arrived;
    do {
        arrived = arrivals();
        run_for(PEACE_STEP_MS);
        check_moment();
    } while (!has_everything_come_out(arrived));
    run_for(PEACE_STEP_MS); /* the last news of it */
    EXPECT(!rounds.is_busy, "a reload does not end");
    check_peace();
}

static void run_seed(uint64_t seed)
{
    current_seed = seed;
    world = weft_alloc(sizeof *world);
    world->random = (seed + 1) * 0x9e3779b97f4a7c15;
    (void)pick(2);
    world->worker_count = 1 + pick(MAX_WORKERS);
    world->mail_delay_ms = chance(70) ? 1 + pick(20) : pick(400);
    world->bad_percent = chance(50) ? pick(30) : 0;
    world->nomem_percent = chance(40) ? 1 + pick(10) : 0;
    world->unread_percent = chance(15) ? 1 + pick(20) : 0;
    world->is_strict = chance(40);
    weft_list_init(&all_sinks);
    weft_list_init(&all_clients);
    workers_init();
    remember_books();
    start();
    timers_begin();
    requests_begin();
    bool is_peaceful = chance(60);
    if (!is_peaceful) {
        weft_timer_set_after(world->timers, &stop_timer, random_ms(LIFE_MS + 500));
    }
    run_for(is_peaceful ? LIFE_MS : END_MS);
    if (is_peaceful) {
        rest_in_peace();
        shutdown_begins();
        run_for(END_MS);
    }
    EXPECT(rounds.is_over, "does not drain: phase %u, %u workers to go", rounds.phase, rounds.outstanding);
    timers_end();
    check_end();
    switch_count += rounds.switch_count;
    failure_count += rounds.failure_count;
    workers_fini();
    weft_free(world);
    world = NULL;
}

/* ---- many seeds ---- */

/* What aborts or crashes names its seed, too. */
static void tell_seed(int signal_number)
{
    dprintf(2, "seed %llu: signal %d\n", (unsigned long long)current_seed, signal_number);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_seed_at_death(void)
{
    dprintf(2, "seed %llu\n", (unsigned long long)current_seed);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

START_TEST(test_any_seed_keeps_its_books)
{
    struct weft_log_config quiet = {
        .level = WEFT_LOG_ERROR + 1, .service = "simulation", .environment = "", .descriptor = 2
    };
    weft_log_configure(&quiet);
    signal(SIGABRT, tell_seed);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(tell_seed_at_death);
    } else {
        signal(SIGSEGV, tell_seed);
    }
    ck_assert(weft_ledger_open(NULL, MAX_WORKERS, &ledger, NULL) == WEFT_OK);
    uint64_t first = from_environment("WEFT_SIMULATION_FIRST_SEED", 0);
    uint64_t count = from_environment("WEFT_SIMULATION_SEEDS", 3000);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_seed(seed);
    }
    weft_ledger_close(ledger);
    printf("%llu seeds, %llu events, %llu reloads, %llu failed ones, %llu records filtered\n",
           (unsigned long long)count, (unsigned long long)event_count, (unsigned long long)switch_count,
           (unsigned long long)failure_count, (unsigned long long)filtered_count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage simulation");
    TCase *tests = tcase_create("seeds");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, test_any_seed_keeps_its_books);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
