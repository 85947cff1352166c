/* file: rotation, and what happens when the disk or memory says no. */
#include "file_test.h"

#include <signal.h>
#include <sys/resource.h>

static size_t total_bytes;
static size_t largest_bytes;

static void measure(const char *name)
{
    char full[400];
    struct stat status;
    snprintf(full, sizeof full, "%s/%s", directory, name);
    ck_assert_int_eq(stat(full, &status), 0);
    total_bytes += (size_t)status.st_size;
    largest_bytes = (size_t)status.st_size > largest_bytes ? (size_t)status.st_size : largest_bytes;
}

START_TEST(test_rotation_starts_new_files_and_keeps_so_many)
{
    static char name[300000];
    memset(name, 'n', sizeof name - 1);
    make_directory();
    begin("rotation: {max_megabytes: 1, max_backups: 2}, flush_interval: 0s,");
    for (int i = 0; i < 7; i++) {
        ck_assert(offer_span(name, NULL) == WEFT_OK);
    }
    total_bytes = largest_bytes = 0;
    ck_assert_uint_eq(each_file(measure), 3); /* 3 + 3 messages, and one in the new file */
    ck_assert_uint_gt(total_bytes, 7 * sizeof name);
    ck_assert_uint_le(largest_bytes, 1 << 20);
    for (int i = 0; i < 6; i++) {
        ck_assert(offer_span(name, NULL) == WEFT_OK);
    }
    total_bytes = 0;
    ck_assert_uint_eq(each_file(measure), 3); /* four backups were made, two are left */
    ck_assert_uint_gt(total_bytes, 7 * sizeof name);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 13);
    fixture_end();
    remove_directory();
}
END_TEST

static void create_empty(const char *name)
{
    char full[400];
    snprintf(full, sizeof full, "%s/%s", directory, name);
    int descriptor = open(full, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

static bool exists(const char *name)
{
    char full[400];
    snprintf(full, sizeof full, "%s/%s", directory, name);
    return access(full, F_OK) == 0;
}

START_TEST(test_rotation_deletes_what_is_old_and_its_own_only)
{
    static char name[600000];
    memset(name, 'n', sizeof name - 1);
    make_directory();
    create_empty("out-2020-01-01T00-00-00.000.json");
    create_empty("out-2020-01-01T00-00-00.000.json.gz");
    create_empty("out-of-the-way.json");
    create_empty("outer-2020-01-01T00-00-00.000.json");
    create_empty("out-2999-01-01T00-00-00.000.json");
    begin("rotation: {max_megabytes: 1, max_backups: 0, max_days: 30}, flush_interval: 0s,");
    ck_assert(offer_span(name, NULL) == WEFT_OK && offer_span(name, NULL) == WEFT_OK);
    ck_assert(!exists("out-2020-01-01T00-00-00.000.json"));
    ck_assert(exists("out-2020-01-01T00-00-00.000.json.gz") && exists("out-of-the-way.json"));
    ck_assert(exists("outer-2020-01-01T00-00-00.000.json") && exists("out-2999-01-01T00-00-00.000.json"));
    ck_assert_uint_eq(each_file(NULL), 6);
    fixture_end();
    remove_directory();
}
END_TEST

/* A limit on file size stands in for a full disk: part of a write gets through, then it fails. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes > limit.rlim_max ? limit.rlim_max : bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(test_a_full_disk_keeps_whole_messages_and_waits)
{
    struct weft_ticket ticket;
    char state[WEFT_CHECK_BYTES];
    make_directory();
    begin("");
    settled = 0;
    weft_ticket_init(&ticket, 1, WEFT_ACKNOWLEDGE_DELIVERED, on_settled);
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    advance(WEFT_NS_PER_S);
    limit_file_size(sizeof SPAN_LINE("one") + 10);
    ck_assert(offer_span("two", &ticket) == WEFT_OK);
    advance(WEFT_NS_PER_S);
    ck_assert_str_eq(read_text(), SPAN_LINE("one"));
    ck_assert_uint_eq(held(), 1);
    ck_assert(fixture.consumer->is_open);
    weft_exporter_file.check(fixture.consumer, state);
    ck_assert_str_ne(state, "ok");
    ck_assert(offer_span("three", NULL) == WEFT_OK);
    limit_file_size(RLIM_INFINITY);
    ck_assert_uint_eq(settled, 0);
    advance(WEFT_NS_PER_S);
    ck_assert_str_eq(read_text(), SPAN_LINE("one") SPAN_LINE("two") SPAN_LINE("three"));
    ck_assert_uint_eq(settled, 1);
    weft_exporter_file.check(fixture.consumer, state);
    ck_assert_str_eq(state, "ok");
    fixture_end();
    remove_directory();
}
END_TEST

START_TEST(test_a_full_disk_closes_and_a_forced_drain_drops)
{
    static char name[1 << 20];
    memset(name, 'n', sizeof name - 1);
    make_directory();
    begin("");
    limit_file_size(10);
    size_t taken = 0;
    while (fixture.consumer->is_open) {
        ck_assert(offer_span(name, NULL) == WEFT_OK);
        taken++;
        ck_assert_uint_le(taken, 5);
    }
    ck_assert_uint_eq(taken, 4);
    ck_assert(offer_span(name, NULL) == WEFT_CLOSED);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(held(), taken);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), taken);
    ck_assert_str_eq(read_text(), "");
    limit_file_size(RLIM_INFINITY);
    fixture_end();
    remove_directory();
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    static const char *const forms[] = { "flush_interval: 0s,", "flush_interval: 0s, compression: zstd,",
                                         "flush_interval: 0s, format: proto," };
    for (size_t form = 0; form < WEFT_COUNT_OF(forms); form++) {
        bool has_failed = true;
        for (size_t n = 1; has_failed; n++) {
            make_directory();
            begin(forms[form]);
            struct weft_buffer span = { 0 };
            struct weft_buffer request = { 0 };
            put_span(&span, "one");
            put_request(&request, weft_buffer_slice(&span));
            struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
            ck_assert(weft_batch_open(batch) == WEFT_OK);
            struct weft_error error = WEFT_ERROR_NONE;
            weft_alloc_fail_at(n);
            enum weft_status status = weft_consumer_consume(fixture.outlet, &batch, &error);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert(status == (has_failed ? WEFT_NOMEM : WEFT_OK));
            ck_assert(n > 3 || has_failed);
            if (batch != NULL) {
                weft_batch_end(&batch, &error, -1);
            }
            ck_assert_uint_eq(read_file(path) > 0, !has_failed);
            weft_buffer_fini(&span);
            weft_buffer_fini(&request);
            fixture_end();
            remove_directory();
        }
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_rotation_starts_new_files_and_keeps_so_many);
    tcase_add_test(tests, test_rotation_deletes_what_is_old_and_its_own_only);
    tcase_add_test(tests, test_a_full_disk_keeps_whole_messages_and_waits);
    tcase_add_test(tests, test_a_full_disk_closes_and_a_forced_drain_drops);
    tcase_add_test(tests, test_every_allocation_may_fail);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN); /* so that write fails instead */
    return file_run("file_disk", add_tests);
}
