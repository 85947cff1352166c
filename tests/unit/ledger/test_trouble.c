/* A disk that is full, a directory that may not be written, a file that somebody cuts or removes, names that are taken,
 * a table without room: weft counts on, and says so. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/thread.h"
#include "ledger/file_test.h"
#include "ledger/internal.h"

/* ---- no file ---- */

static void expect_in_memory(const char *directory, const char *reason)
{
    int descriptors[2];
    struct weft_ledger *ledger = NULL;
    log_capture_start(descriptors);
    enum weft_status status = weft_ledger_open(directory, 2, &ledger, NULL);
    log_capture_stop(descriptors);
    ck_assert_int_eq(status, WEFT_OK);
    ck_assert_msg(strstr(last_log, "ledger.in_memory") != NULL && strstr(last_log, reason) != NULL, "%s", last_log);
    ck_assert_ptr_nonnull(weft_ledger_trouble(ledger));
    ck_assert_ptr_nonnull(strstr(weft_ledger_trouble(ledger), "in memory"));
    ck_assert_ptr_nonnull(strstr(weft_ledger_trouble(ledger), reason));
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.offered, 3);
    ck_assert_uint_eq(test_ledger_totals(ledger).in_flight, 3);
    weft_ledger_close(ledger);
}

START_TEST(test_directory_that_cannot_be_made_means_memory)
{
    expect_in_memory("/proc/nowhere", "cannot create /proc/nowhere");
    file_write((const uint8_t *)"x", 1);
    expect_in_memory(test_directory_path("ledger.weft"), "Not a directory");
}
END_TEST

START_TEST(test_name_that_is_no_file_means_memory)
{
    ck_assert_int_eq(mkdir(test_directory_path("ledger.weft"), 0700), 0);
    expect_in_memory(test_directory, "cannot open");
    ck_assert_int_eq(rmdir(test_directory_path("ledger.weft")), 0);
    ck_assert_int_eq(mkfifo(test_directory_path("ledger.weft"), 0600), 0);
    expect_in_memory(test_directory, "is not a file");
    ck_assert_int_eq(unlink(test_directory_path("ledger.weft")), 0);
    ck_assert_int_eq(symlink("nowhere", test_directory_path("ledger.weft")), 0);
    expect_in_memory(test_directory, "cannot open");
    ck_assert(!file_exists("nowhere"));
}
END_TEST

START_TEST(test_no_directory_is_no_trouble)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    ck_assert_ptr_null(weft_ledger_trouble(ledger));
    weft_ledger_close(ledger);
}
END_TEST

/* No file may be made longer than this: what a full disk does to one that is written anew. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(test_full_disk_at_the_start_means_memory)
{
    limit_files(4096);
    expect_in_memory(test_directory, "cannot extend ledger.weft");
    limit_files(RLIM_INFINITY);
    ck_assert(!file_exists("ledger.weft"));
    ck_assert(!file_exists("ledger.weft.new"));
}
END_TEST

START_TEST(test_restart_needs_no_room)
{
    size_t size_bytes;
    struct test_flows flows;
    free(used_file(&size_bytes, &flows));
    limit_files(4096);
    for (int round = 0; round < 3; round++) {
        struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
        ck_assert_ptr_null(weft_ledger_trouble(ledger));
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, 2000 + 10 * (uint64_t)round);
        ck_assert_uint_eq(totals.offered, totals.sent + totals.dropped);
        flows = test_flows_register(ledger);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 10);
        weft_ledger_close(ledger);
    }
    limit_files(RLIM_INFINITY);
    ck_assert(!file_exists("ledger.weft.new"));
}
END_TEST

START_TEST(test_damaged_file_on_a_full_disk_stays_where_it_is)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *bytes = used_file(&size_bytes, &flows);
    bytes[4096 + 20] ^= 1;
    file_write(bytes, size_bytes);
    limit_files(4096);
    expect_in_memory(test_directory, "account 0 is damaged");
    limit_files(RLIM_INFINITY);
    ck_assert(!file_exists("ledger.weft.bad"));
    size_t size_after;
    uint8_t *after = file_read(&size_after);
    ck_assert_uint_eq(size_after, size_bytes);
    ck_assert_int_eq(memcmp(after, bytes, size_bytes), 0);
    free(after);
    free(bytes);
}
END_TEST

/* ---- names that are taken ---- */

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(test_directory_path(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void expect_text(const char *name, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(test_directory_path(name), "r");
    ck_assert_ptr_nonnull(file);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(found, text);
}

START_TEST(test_links_are_not_followed)
{
    write_text("victim", "mine");
    ck_assert_int_eq(symlink("victim", test_directory_path("ledger.weft.new")), 0);
    ck_assert_int_eq(symlink("victim", test_directory_path("ledger.weft.bad")), 0);
    ck_assert_int_eq(symlink("nowhere", test_directory_path("ledger.weft.bad.1")), 0);
    write_text("ledger.weft", "damage");
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    ck_assert_msg(weft_ledger_trouble(ledger) == NULL, "%s", weft_ledger_trouble(ledger));
    weft_ledger_close(ledger);
    expect_text("victim", "mine");
    expect_text("ledger.weft.bad.2", "damage");
    ck_assert(!file_exists("nowhere"));
    char target[16] = "";
    ck_assert_int_eq((int)readlink(test_directory_path("ledger.weft.new"), target, sizeof target - 1), 6);
    struct stat status;
    ck_assert_int_eq(lstat(test_directory_path("ledger.weft"), &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_uint_eq(status.st_nlink, 1);
}
END_TEST

START_TEST(test_a_file_set_aside_before_is_kept)
{
    int descriptors[2];
    write_text("ledger.weft.bad", "first");
    write_text("ledger.weft", "second");
    log_capture_start(descriptors);
    weft_ledger_close(test_ledger_open(test_directory, 1));
    log_capture_stop(descriptors);
    expect_text("ledger.weft.bad", "first");
    expect_text("ledger.weft.bad.1", "second");
    ck_assert_ptr_nonnull(strstr(last_log, "ledger.weft.bad.1"));
    /* Bounded: the last one is not kept when all names are taken, and that is said. */
    for (int i = 2; i < 16; i++) {
        char name[32];
        snprintf(name, sizeof name, "ledger.weft.bad.%d", i);
        write_text(name, "older");
    }
    write_text("ledger.weft", "more");
    log_capture_start(descriptors);
    weft_ledger_close(test_ledger_open(test_directory, 1));
    log_capture_stop(descriptors);
    expect_text("ledger.weft.bad.15", "older");
    ck_assert(!file_exists("ledger.weft.bad.16"));
    ck_assert_ptr_nonnull(strstr(last_log, "not kept: no free name"));
}
END_TEST

START_TEST(test_leftovers_of_killed_processes_are_taken_away)
{
    weft_ledger_close(test_ledger_open(test_directory, 1));
    /* Killed between taking the name and letting go of the other one; then the file is damaged. */
    ck_assert_int_eq(link(test_directory_path("ledger.weft"), test_directory_path("ledger.weft.new")), 0);
    weft_ledger_close(test_ledger_open(test_directory, 1));
    ck_assert_int_eq(truncate(test_directory_path("ledger.weft"), 100), 0);
    weft_ledger_close(test_ledger_open(test_directory, 1));
    ck_assert(!file_exists("ledger.weft.new"));
    ck_assert(file_exists("ledger.weft.bad"));
}
END_TEST

/* ---- cut while it is counted in ---- */

static struct weft_atomic_u64 moved[2], must_stop;
static struct test_flows shared_flows;

struct counter {
    struct weft_ledger_worker *worker;
    uint32_t index;
};

static void count(void *context)
{
    struct counter *counter = context;
    while (weft_atomic_load(&must_stop) == 0) {
        weft_ledger_move(counter->worker, shared_flows.offered, 2);
        weft_ledger_move(counter->worker, shared_flows.queued, 2);
        weft_ledger_move(counter->worker, shared_flows.sent, 1);
        weft_atomic_add(&moved[counter->index], 1);
    }
}

static void wait_for_moves(uint64_t count_each)
{
    uint64_t goals[2] = { weft_atomic_load(&moved[0]) + count_each, weft_atomic_load(&moved[1]) + count_each };
    while (weft_atomic_load(&moved[0]) < goals[0] || weft_atomic_load(&moved[1]) < goals[1]) {
        usleep(200);
    }
}

static void cut_while_counting(off_t length, bool is_removed)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct weft_ledger_totals before = test_ledger_totals(ledger);
    shared_flows = test_flows_register(ledger);
    weft_atomic_store(&must_stop, 0);
    struct weft_thread *threads[2];
    struct counter counters[2];
    for (uint32_t i = 0; i < 2; i++) {
        weft_atomic_store(&moved[i], 0);
        counters[i] = (struct counter){ weft_ledger_worker_of(ledger, i), i };
        threads[i] = weft_thread_start("counter", count, &counters[i]);
    }
    wait_for_moves(1000);
    ck_assert_ptr_null(weft_ledger_trouble(ledger));
    ck_assert_int_eq(is_removed ? unlink(test_directory_path("ledger.weft"))
                                : truncate(test_directory_path("ledger.weft"), length),
                     0);
    wait_for_moves(1000);
    int descriptors[2];
    log_capture_start(descriptors);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(weft_ledger_trouble(ledger));
    }
    ck_assert_ptr_nonnull(strstr(weft_ledger_trouble(ledger), "cut or removed"));
    log_capture_stop(descriptors);
    const char *first = strstr(last_log, "ledger.cut");
    ck_assert(first != NULL && strstr(first + 1, "\"event\":\"ledger.cut\"") == NULL); /* once */
    struct weft_account late = test_sent;
    late.owner = "registered afterwards";
    weft_flow_id late_flow = weft_ledger_flow(ledger, &test_queued, &late);
    weft_atomic_store(&must_stop, 1);
    weft_thread_join(threads[0]);
    weft_thread_join(threads[1]);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), late_flow, 1);
    uint64_t rounds = weft_atomic_load(&moved[0]) + weft_atomic_load(&moved[1]);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered - before.offered, 2 * rounds);
    ck_assert_uint_eq(totals.sent - before.sent, rounds + 1);
    ck_assert_uint_eq(totals.queued, rounds - 1);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_close(ledger);
}

START_TEST(test_cut_under_the_process_counts_on_exactly_and_is_said)
{
    const off_t lengths[] = { 0, 48, 4096, 100000 };
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        cut_while_counting(lengths[i], false);
        /* The next process finds it and says so, too. */
        unlink(test_directory_path("ledger.weft.bad"));
        struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
        ck_assert(file_exists("ledger.weft.bad"));
        ck_assert_uint_eq(test_ledger_totals(ledger).offered, 0);
        ck_assert_ptr_null(weft_ledger_trouble(ledger));
        weft_ledger_close(ledger);
    }
}
END_TEST

/* A fault that is not the ledger's ends the process as it did before. */
START_TEST(test_other_faults_are_not_hidden)
{
    write_text("other", "text");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(2);
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
        int descriptor = open(test_directory_path("other"), O_RDWR);
        char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (bytes == MAP_FAILED || ftruncate(descriptor, 0) != 0) {
            _exit(0);
        }
        signal(SIGALRM, SIG_DFL);
        alarm(20); /* a handler that comes back for ever would hang */
        *(volatile char *)bytes = 1;
        weft_ledger_close(ledger);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    ck_assert(!WIFSIGNALED(status) || WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(test_removed_under_the_process_is_said)
{
    cut_while_counting(0, true);
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    ck_assert_uint_eq(test_ledger_totals(ledger).offered, 0);
    ck_assert_ptr_null(weft_ledger_trouble(ledger));
    weft_ledger_close(ledger);
}
END_TEST

/* ---- no room for more flows ---- */

/* Flows of many exporters, each with the count of its number. Returns their sum. */
static uint64_t move_many(struct weft_ledger *ledger, uint32_t start, uint32_t end)
{
    uint64_t sum = 0;
    for (uint32_t i = start; i < end; i++) {
        char from_owner[32], to_owner[32];
        snprintf(from_owner, sizeof from_owner, "from/%u", i / 100);
        snprintf(to_owner, sizeof to_owner, "to/%u", i % 100);
        struct weft_account queued = test_queued, sent = test_sent;
        queued.owner = from_owner;
        sent.owner = to_owner;
        weft_flow_id flow = weft_ledger_flow(ledger, &queued, &sent);
        ck_assert_uint_ne(flow, WEFT_FLOW_NONE);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &test_offered, &queued), i + 1);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), flow, i);
        sum += i + 1;
    }
    return sum;
}

START_TEST(test_tables_grow_beyond_what_was_reserved)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    uint64_t sum = move_many(ledger, 0, 6000);
    ck_assert_ptr_null(weft_ledger_trouble(ledger));
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, sum);
    ck_assert_uint_eq(totals.sent, sum - 6000);
    weft_ledger_close(ledger);
    ledger = test_ledger_open(test_directory, 3);
    totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, sum);
    ck_assert_uint_eq(totals.sent, sum - 6000);
    ck_assert_uint_eq(totals.dropped, 6000);
    ck_assert(weft_ledger_totals_balance(&totals));
    ck_assert(!file_exists("ledger.weft.bad"));
    weft_ledger_close(ledger);
}
END_TEST

static void expect_shared(struct weft_ledger *ledger, uint32_t flow_count, const char *log_event)
{
    int descriptors[2];
    log_capture_start(descriptors);
    uint64_t sum = move_many(ledger, 0, flow_count);
    log_capture_stop(descriptors);
    const char *first = strstr(last_log, log_event);
    ck_assert(first != NULL && strstr(first + 1, "\"event\":\"ledger.overflow\"") == NULL); /* once */
    ck_assert_ptr_nonnull(strstr(weft_ledger_trouble(ledger), "(overflow)"));
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, sum);
    ck_assert_uint_eq(totals.sent, sum - flow_count);
    ck_assert_uint_eq(totals.queued, flow_count);
    ck_assert(weft_ledger_totals_balance(&totals));
    /* Also for kinds and reasons that come late. */
    for (int reason = 0; reason < WEFT_DROP_COUNT; reason++) {
        struct weft_account dropped = test_dropped, late = test_queued;
        dropped.owner = late.owner = "late";
        dropped.reason = (enum weft_drop_reason)reason;
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &test_offered, &late), 2);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &late, &dropped), 2);
    }
    totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.dropped, 2 * WEFT_DROP_COUNT);
    ck_assert(weft_ledger_totals_balance(&totals));
}

START_TEST(test_full_tables_share_flows_and_balance)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    expect_shared(ledger, WEFT_LEDGER_FLOW_LIMIT, "ledger.overflow");
    weft_ledger_close(ledger);
}
END_TEST

/* The disk has no room for larger tables, at a reload: growth fails, nothing aborts. The file then says, for single
 * accounts, too little here and too much there; the next start makes that good. */
static void share_for_want_of_disk(uint64_t (*move)(struct weft_ledger *, uint32_t, uint32_t))
{
    unlink(test_directory_path("ledger.weft"));
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    int descriptor = ledger->files.descriptor;
    ledger->files.descriptor = open("/dev/null", O_RDONLY);
    int descriptors[2];
    log_capture_start(descriptors);
    uint64_t sum = move(ledger, 0, 3000);
    log_capture_stop(descriptors);
    close(ledger->files.descriptor);
    ledger->files.descriptor = descriptor;
    ck_assert_uint_gt(weft_ledger_overflowed(ledger), 1000);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, sum);
    ck_assert_uint_eq(totals.queued, 3000);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_close(ledger);
    for (int round = 0; round < 2; round++) {
        ledger = test_ledger_open(test_directory, 1);
        totals = test_ledger_totals(ledger);
        ck_assert(!file_exists("ledger.weft.bad"));
        ck_assert_uint_eq(totals.offered, sum);
        ck_assert_uint_eq(totals.sent, sum - 3000);
        ck_assert_uint_eq(totals.dropped, 3000);
        ck_assert_uint_eq(test_totals_held(&totals), 0);
        struct weft_account shared = test_queued;
        shared.owner = "(overflow)";
        ck_assert_int_eq(test_balance(ledger, &shared), 0);
        weft_ledger_close(ledger);
    }
}

/* As move_many, with accounts of its own for each. */
static uint64_t move_distinct(struct weft_ledger *ledger, uint32_t start, uint32_t end)
{
    uint64_t sum = 0;
    for (uint32_t i = start; i < end; i++) {
        char owner[32];
        snprintf(owner, sizeof owner, "owner/%u", i);
        struct weft_account queued = test_queued, sent = test_sent;
        queued.owner = sent.owner = owner;
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &test_offered, &queued), i + 1);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &queued, &sent), i);
        sum += i + 1;
    }
    return sum;
}

START_TEST(test_tables_that_cannot_grow_share_flows_also_after_a_restart)
{
    share_for_want_of_disk(move_many);
    share_for_want_of_disk(move_distinct);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_directory_that_cannot_be_made_means_memory);
    tcase_add_test(tests, test_name_that_is_no_file_means_memory);
    tcase_add_test(tests, test_no_directory_is_no_trouble);
    tcase_add_test(tests, test_full_disk_at_the_start_means_memory);
    tcase_add_test(tests, test_restart_needs_no_room);
    tcase_add_test(tests, test_damaged_file_on_a_full_disk_stays_where_it_is);
    tcase_add_test(tests, test_links_are_not_followed);
    tcase_add_test(tests, test_a_file_set_aside_before_is_kept);
    tcase_add_test(tests, test_leftovers_of_killed_processes_are_taken_away);
    tcase_add_test(tests, test_cut_under_the_process_counts_on_exactly_and_is_said);
    tcase_add_test(tests, test_other_faults_are_not_hidden);
    tcase_add_test(tests, test_removed_under_the_process_is_said);
    tcase_add_test(tests, test_tables_grow_beyond_what_was_reserved);
    tcase_add_test(tests, test_full_tables_share_flows_and_balance);
    tcase_add_test(tests, test_tables_that_cannot_grow_share_flows_also_after_a_restart);
}

int main(void)
{
    return test_run("trouble", add_tests);
}
