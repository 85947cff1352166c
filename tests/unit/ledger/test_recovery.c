/* What the next process finds: after SIGKILL at any moment, after damage to any part of the file. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "ledger/ledger_test.h"
#include "ledger/layout.h"

/* Two workers' worth of moves in one thread: the order within a record's way is what matters. */
static _Noreturn void count_forever(int ready)
{
    struct weft_ledger *ledger = NULL;
    if (weft_ledger_open(test_directory, 2, &ledger, NULL) != WEFT_OK) {
        _exit(9);
    }
    struct test_flows flows = test_flows_register(ledger);
    if (write(ready, "x", 1) != 1) {
        _exit(8);
    }
    for (uint64_t i = 0;; i++) {
        struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, (uint32_t)(i % 2));
        uint64_t count = 1 + i % 17;
        weft_ledger_move(worker, flows.offered, count);
        weft_ledger_move(worker, flows.buffered, count);
        weft_ledger_move(worker, flows.unbuffered, count);
        weft_ledger_move(worker, flows.queued, count);
        weft_ledger_move(worker, i % 5 == 0 ? flows.dropped : flows.sent, count);
    }
}

/* wait_for_moves false: killed at a random moment from its very start, so also within recovery. */
static void run_and_kill(bool wait_for_moves)
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
    usleep((useconds_t)(rand() % 3000));
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
        run_and_kill(round % 2 == 0);
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1 + (uint32_t)(round % 3));
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, test_totals_ends(&totals));
        ck_assert_uint_eq(totals.in_flight + totals.buffered + totals.queued, 0);
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

static uint8_t *file_read(size_t *out_size)
{
    FILE *file = fopen(test_directory_path("ledger.weft"), "r");
    ck_assert_ptr_nonnull(file);
    struct stat status;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    fclose(file);
    *out_size = (size_t)status.st_size;
    return bytes;
}

static void file_write(const uint8_t *bytes, size_t size_bytes)
{
    FILE *file = fopen(test_directory_path("ledger.weft"), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, file), size_bytes);
    fclose(file);
}

/* A file with a past and a present. */
static uint8_t *used_file(size_t *out_size, struct test_flows *out_flows)
{
    struct weft_ledger *ledger = NULL;
    for (int round = 0; round < 2; round++) {
        ledger = test_ledger_open(test_directory, 2);
        *out_flows = test_flows_register(ledger);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), out_flows->offered, 1000);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), out_flows->queued, 900);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), out_flows->sent, 800);
        weft_ledger_close(ledger);
    }
    return file_read(out_size);
}

static char last_log[4096];

static void log_capture_start(int descriptors[2])
{
    ck_assert_int_eq(pipe2(descriptors, O_NONBLOCK), 0);
    weft_log_configure(&(struct weft_log_config){
        .level = WEFT_LOG_INFO, .service = "test", .environment = "", .descriptor = descriptors[1] });
}

static void log_capture_stop(int descriptors[2])
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_INFO, .service = "test", .environment = "", .descriptor = 2 });
    ssize_t length = read(descriptors[0], last_log, sizeof last_log - 1);
    last_log[length < 0 ? 0 : length] = '\0';
    close(descriptors[0]);
    close(descriptors[1]);
}

/* Whether the damage was noticed; in either case the ledger opens and balances. */
static bool opens_after(const uint8_t *bytes, size_t size_bytes)
{
    file_write(bytes, size_bytes);
    unlink(test_directory_path("ledger.weft.bad"));
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, test_totals_ends(&totals));
    ck_assert_uint_eq(totals.in_flight + totals.buffered + totals.queued, 0);
    weft_ledger_close(ledger);
    bool is_set_aside = access(test_directory_path("ledger.weft.bad"), F_OK) == 0;
    if (is_set_aside) {
        ck_assert_uint_eq(totals.offered, 0);
    }
    return is_set_aside;
}

START_TEST(test_damage_in_any_immutable_byte_sets_the_file_aside)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    uint32_t account_count = image.header->account_count, flow_count = image.header->flow_count;
    struct {
        size_t start, end;
    } regions[] = {
        { 0, offsetof(struct weft_ledger_header, account_count) },
        { (size_t)((uint8_t *)image.accounts - good), (size_t)((uint8_t *)&image.accounts[account_count] - good) },
        { (size_t)((uint8_t *)image.flows - good), (size_t)((uint8_t *)&image.flows[flow_count] - good) },
        { (size_t)((uint8_t *)image.past - good), (size_t)((uint8_t *)&image.past[flow_count] - good) },
    };
    int descriptors[2];
    log_capture_start(descriptors);
    for (size_t region = 0; region < WEFT_COUNT_OF(regions); region++) {
        /* Every byte of the header, a stride through the rest that meets every field. */
        size_t stride = region == 0 ? 1 : region == 1 ? 29 : 5;
        for (size_t at = regions[region].start; at < regions[region].end; at += stride) {
            good[at] ^= 0x40;
            ck_assert_msg(opens_after(good, size_bytes), "byte %zu", at);
            good[at] ^= 0x40;
        }
    }
    log_capture_stop(descriptors);
    ck_assert_ptr_nonnull(strstr(last_log, "ledger.set_aside"));
    ck_assert(!opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_damaged_counts_and_unused_regions_are_noticed)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    uint32_t account_count = image.header->account_count, flow_count = image.header->flow_count;
    image.header->flow_count = flow_count - 2; /* mended: the entries themselves tell where they end */
    ck_assert(!opens_after(good, size_bytes));
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    ck_assert_uint_eq(test_ledger_totals(ledger).offered, 2000);
    weft_ledger_close(ledger);
    image.header->flow_count = flow_count + 1;
    ck_assert(opens_after(good, size_bytes));
    image.header->flow_count = UINT32_MAX;
    ck_assert(opens_after(good, size_bytes));
    image.header->flow_count = flow_count;
    image.header->account_count = 0;
    ck_assert(!opens_after(good, size_bytes));
    image.header->account_count = UINT32_MAX;
    ck_assert(opens_after(good, size_bytes));
    image.header->account_count = account_count;
    uint8_t *const unused[] = {
        (uint8_t *)&image.accounts[account_count + 1],
        (uint8_t *)&image.accounts[WEFT_LEDGER_ACCOUNT_LIMIT - 1],
        (uint8_t *)&image.flows[flow_count + 1],
        (uint8_t *)&image.past[flow_count],
        (uint8_t *)&image.past[WEFT_LEDGER_FLOW_LIMIT - 1],
        (uint8_t *)&image.cells[flow_count],
        (uint8_t *)&image.cells[2 * WEFT_LEDGER_FLOW_LIMIT - 1],
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(unused); i++) {
        *unused[i] ^= 1;
        ck_assert_msg(opens_after(good, size_bytes), "region %zu", i);
        *unused[i] ^= 1;
    }
    ck_assert(!opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_torn_registration_is_not_damage)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    /* Killed while an entry was being written, and between an entry and its count. */
    memset(&image.flows[image.header->flow_count], 0x5a, 3);
    memset(&image.accounts[image.header->account_count], 0x5a, 40);
    ck_assert(!opens_after(good, size_bytes));
    memset(&image.flows[image.header->flow_count], 0, sizeof image.flows[0]);
    image.header->flow_count--;
    ck_assert(!opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_damaged_counters_are_noticed_or_balance)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    image.cells[flows.sent] = 5000; /* more sent than was ever queued */
    ck_assert(opens_after(good, size_bytes));
    image.cells[flows.sent] = 800;
    image.cells[flows.offered] = 0;
    ck_assert(opens_after(good, size_bytes));
    image.cells[flows.offered] = UINT64_C(1) << 60;
    ck_assert(opens_after(good, size_bytes));
    image.cells[flows.offered] = 1000;
    uint8_t *cells = (uint8_t *)image.cells;
    for (size_t at = 0; at < 7 * sizeof(uint64_t); at++) {
        cells[at] ^= 0x81;
        opens_after(good, size_bytes);
        cells[at] ^= 0x81;
    }
    ck_assert(!opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_truncated_grown_or_foreign_file_is_set_aside)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    const size_t lengths[] = {
        1, 8, 39, 40, 47, 48, 4095, 4096, 100000, size_bytes / 2, size_bytes - 4096, size_bytes - 1
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        ck_assert_msg(opens_after(good, lengths[i]), "length %zu", lengths[i]);
    }
    uint8_t *grown = calloc(1, size_bytes + 4096);
    ck_assert_ptr_nonnull(grown);
    memcpy(grown, good, size_bytes);
    ck_assert(opens_after(grown, size_bytes + 4096));
    memset(grown, 'a', size_bytes);
    ck_assert(opens_after(grown, size_bytes));
    free(grown);
    /* Empty is what a process leaves that was killed right after it created the file. */
    ck_assert(!opens_after(good, 0));
    file_write(good, size_bytes);
    ck_assert_int_eq(truncate(test_directory_path("ledger.weft"), (off_t)1 << 40), 0);
    unlink(test_directory_path("ledger.weft.bad"));
    weft_ledger_close(test_ledger_open(test_directory, 1));
    ck_assert_int_eq(access(test_directory_path("ledger.weft.bad"), F_OK), 0);
    free(good);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_fifty_kills_keep_the_equation_and_lose_no_total);
    tcase_add_test(tests, test_kill_before_the_rename_recovers_once);
    tcase_add_test(tests, test_damage_in_any_immutable_byte_sets_the_file_aside);
    tcase_add_test(tests, test_damaged_counts_and_unused_regions_are_noticed);
    tcase_add_test(tests, test_torn_registration_is_not_damage);
    tcase_add_test(tests, test_damaged_counters_are_noticed_or_balance);
    tcase_add_test(tests, test_truncated_grown_or_foreign_file_is_set_aside);
}

int main(void)
{
    return test_run("recovery", add_tests);
}
