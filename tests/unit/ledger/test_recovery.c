/* What the next process finds after SIGKILL at any moment, also in the middle of its own predecessor's recovery. */
#include <signal.h>
#include <sys/wait.h>

#include "ledger/file_test.h"
#include "ledger/ledger_v1_file.h"

/* Two workers' worth of moves in one thread: the order within a record's way is what matters. */
static _Noreturn void count_forever(int ready)
{
    struct weft_ledger *ledger = NULL;
    if (weft_ledger_open(test_directory, 2, &ledger, NULL) != WEFT_OK) {
        _exit(9);
    }
    struct test_flows flows = test_flows_register(ledger);
    static const struct weft_account in_transit = { WEFT_ACCOUNT_IN_TRANSIT, "traces", "traces", "join",
                                                    WEFT_DROP_NONE };
    weft_flow_id posted = weft_ledger_flow(ledger, &test_in_flight, &in_transit);
    weft_flow_id taken = weft_ledger_flow(ledger, &in_transit, &test_buffered);
    if (write(ready, "x", 1) != 1) {
        _exit(8);
    }
    for (uint64_t i = 0;; i++) {
        struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, (uint32_t)(i % 2));
        uint64_t count = 1 + i % 17;
        weft_ledger_move(worker, flows.offered, count);
        weft_ledger_move(worker, posted, count);
        worker = weft_ledger_worker_of(ledger, (uint32_t)((i + 1) % 2)); /* the owner's own cells */
        weft_ledger_move(worker, taken, count);
        weft_ledger_move(worker, flows.unbuffered, count);
        weft_ledger_move(worker, flows.queued, count);
        weft_ledger_move(worker, i % 5 == 0 ? flows.dropped : flows.sent, count);
    }
}

/* wait_for_moves false: killed at a random moment from its very start, so also within recovery. */
static void run_and_kill(bool wait_for_moves, int longest_us)
{
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ready[0]);
        count_forever(ready[1]);
    }
    close(ready[1]);
    char byte;
    if (wait_for_moves) {
        ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    }
    usleep((useconds_t)(rand() % longest_us));
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    close(ready[0]);
}

START_TEST(test_fifty_kills_keep_the_equation_and_lose_no_total)
{
    srand(4711);
    struct weft_ledger_totals last = { 0 };
    for (int round = 0; round < 50; round++) {
        run_and_kill(round % 2 == 0, 3000);
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1 + (uint32_t)(round % 3));
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, test_totals_ends(&totals));
        ck_assert_uint_eq(test_totals_held(&totals), 0);
        ck_assert_uint_ge(totals.offered, last.offered);
        ck_assert_uint_ge(totals.sent, last.sent);
        ck_assert_uint_ge(totals.dropped, last.dropped);
        last = totals;
        weft_ledger_close(ledger);
        ck_assert_int_ne(access(test_directory_path("ledger.weft.bad"), F_OK), 0);
    }
    ck_assert_uint_gt(last.sent, 0);
}
END_TEST

START_TEST(test_kill_before_the_rename_recovers_once)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 11);
    weft_ledger_close(ledger);
    /* What a process leaves that was killed while it wrote: the former file untouched and a half-written new one. */
    FILE *file = fopen(test_directory_path("ledger.weft.new"), "w");
    ck_assert_ptr_nonnull(file);
    fputs("half", file);
    fclose(file);
    for (int round = 0; round < 2; round++) {
        ledger = test_ledger_open(test_directory, 1);
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, 11);
        ck_assert_uint_eq(totals.dropped, 11);
        weft_ledger_close(ledger);
    }
}
END_TEST

/* Every state that a recovery can be cut in: some of the memory accounts have been moved to dropped(crash), the others
 * not. Whichever it is, the next start comes to the same end. */
START_TEST(test_recovery_that_was_cut_is_completed_once)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 100);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.buffered, 40);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.queued, 30);
    weft_ledger_close(ledger);
    weft_ledger_close(test_ledger_open(test_directory, 2));
    size_t size_bytes;
    uint8_t *done = file_read(&size_bytes);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, done, size_bytes);
    uint32_t crash_flows[3];
    size_t count = 0;
    for (uint32_t i = 1; i < file_flow_count(&image); i++) {
        const char *reason = image.accounts[weft_ledger_flow_unpack(image.flows[i]).to].name.reason;
        if (image.flows[i] != 0 && strcmp(reason, "crash") == 0) {
            ck_assert_uint_lt(count, 3);
            crash_flows[count++] = i;
        }
    }
    ck_assert_uint_eq(count, 3);
    for (unsigned undone = 0; undone < 8; undone++) {
        uint64_t words[3];
        for (unsigned i = 0; i < 3; i++) {
            words[i] = image.cells[crash_flows[i]];
            if ((undone >> i & 1) != 0) {
                image.cells[crash_flows[i]] = weft_ledger_word(0, crash_flows[i]);
            }
        }
        file_write(done, size_bytes);
        ledger = test_ledger_open(test_directory, 1 + undone % 3);
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, 100);
        ck_assert_uint_eq(totals.dropped, 100);
        ck_assert_uint_eq(test_totals_held(&totals), 0);
        weft_ledger_close(ledger);
        ck_assert(!file_exists("ledger.weft.bad"));
        for (unsigned i = 0; i < 3; i++) {
            image.cells[crash_flows[i]] = words[i];
        }
    }
    free(done);
}
END_TEST

START_TEST(test_torn_registration_is_not_damage)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    uint32_t account_count = file_account_count(&image), flow_count = file_flow_count(&image);
    /* Killed while a name was being written, between it and its count, and between a flow and its count. */
    memset(&image.accounts[account_count].name, 0x5a, 40);
    ck_assert(!opens_after(good, size_bytes));
    weft_ledger_name_fill(&image.accounts[account_count].name, &test_rejected);
    image.accounts[account_count].checksum = weft_ledger_name_checksum(&image.accounts[account_count].name);
    ck_assert(!opens_after(good, size_bytes));
    image.flows[flow_count] = weft_ledger_flow_pack((struct weft_ledger_flow_ends){ 0, 1 }, flow_count);
    ck_assert(!opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_upgrade_that_is_killed_loses_nothing)
{
    srand(4712);
    for (int round = 0; round < 30; round++) {
        v1_file_write();
        run_and_kill(false, 6000);
        struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_ge(totals.offered, 20000);
        ck_assert_uint_ge(totals.sent, 14000);
        ck_assert_uint_eq(totals.rejected, 80);
        ck_assert(weft_ledger_totals_balance(&totals));
        weft_ledger_close(ledger);
        ck_assert(!file_exists("ledger.weft.bad"));
    }
}
END_TEST

START_TEST(test_unused_entries_are_used_again)
{
    /* Each run has another exporter that never counts anything: without reuse the tables would grow for ever. */
    uint32_t first_count = 0;
    for (int round = 0; round < 20; round++) {
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
        struct test_flows flows = test_flows_register(ledger);
        char owner[32];
        snprintf(owner, sizeof owner, "otlp/%d", round);
        struct weft_account queued = test_queued, sent = test_sent;
        queued.owner = sent.owner = owner;
        weft_ledger_flow(ledger, &queued, &sent);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 2);
        weft_ledger_close(ledger);
        size_t size_bytes;
        uint8_t *bytes = file_read(&size_bytes);
        struct weft_ledger_image image;
        weft_ledger_image_point(&image, bytes, size_bytes);
        uint32_t count = file_flow_count(&image) + file_account_count(&image);
        first_count = round == 2 ? count : first_count;
        ck_assert(round < 3 || count == first_count);
        free(bytes);
    }
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    ck_assert_uint_eq(test_ledger_totals(ledger).dropped, 40);
    weft_ledger_close(ledger);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_fifty_kills_keep_the_equation_and_lose_no_total);
    tcase_add_test(tests, test_kill_before_the_rename_recovers_once);
    tcase_add_test(tests, test_recovery_that_was_cut_is_completed_once);
    tcase_add_test(tests, test_torn_registration_is_not_damage);
    tcase_add_test(tests, test_upgrade_that_is_killed_loses_nothing);
    tcase_add_test(tests, test_unused_entries_are_used_again);
}

int main(void)
{
    return test_run("recovery", add_tests);
}
