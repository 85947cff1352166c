/* The file stores words: what a file means does not depend on the rows of the program that reads it. And the file of
 * version 1, which stored numbers, is read as it was meant. */
#include "ledger/ledger_v1_file.h"

static struct weft_account dropped_for(enum weft_drop_reason reason)
{
    struct weft_account account = test_dropped;
    account.reason = reason;
    return account;
}

static const char *account_owner(int kind, char *out_owner, size_t capacity)
{
    snprintf(out_owner, capacity, "owner of %s", weft_account_kind_text((enum weft_account_kind)kind));
    return out_owner;
}

/* Each kind and each reason, with a count of its own. */
START_TEST(test_every_kind_and_reason_is_stored_as_its_text)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, 0);
    weft_ledger_move(worker, weft_ledger_flow(ledger, &test_offered, &test_queued), 1000);
    for (int reason = 0; reason < WEFT_DROP_COUNT; reason++) {
        struct weft_account dropped = dropped_for((enum weft_drop_reason)reason);
        weft_ledger_move(worker, weft_ledger_flow(ledger, &test_queued, &dropped), 10 + (uint64_t)reason);
    }
    char owner[64];
    for (int kind = 0; kind < WEFT_ACCOUNT_COUNT; kind++) {
        struct weft_account account = { (enum weft_account_kind)kind, "traces", "",
                                        account_owner(kind, owner, sizeof owner), WEFT_DROP_NONE };
        bool is_source = weft_account_class_of((enum weft_account_kind)kind) == WEFT_ACCOUNT_CLASS_SOURCE;
        weft_flow_id flow = is_source ? weft_ledger_flow(ledger, &account, &test_queued)
                                      : weft_ledger_flow(ledger, &test_queued, &account);
        weft_ledger_move(worker, flow, 1);
    }
    weft_ledger_close(ledger);
    size_t size_bytes;
    uint8_t *bytes = file_read(&size_bytes);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, bytes, size_bytes);
    uint32_t reasons = 0, kinds = 0;
    for (uint32_t i = 0; i < file_account_count(&image); i++) {
        const struct weft_ledger_name *name = &image.accounts[i].name;
        for (int reason = 1; reason < WEFT_DROP_COUNT; reason++) {
            reasons += strcmp(name->reason, weft_drop_reason_text((enum weft_drop_reason)reason)) == 0;
        }
        for (int kind = 0; kind < WEFT_ACCOUNT_COUNT; kind++) {
            kinds += strcmp(name->kind, weft_account_kind_text((enum weft_account_kind)kind)) == 0 &&
                     strcmp(name->owner, account_owner(kind, owner, sizeof owner)) == 0;
        }
    }
    ck_assert_uint_eq(reasons, WEFT_DROP_COUNT - 1);
    ck_assert_uint_eq(kinds, WEFT_ACCOUNT_COUNT);
    free(bytes);
    ledger = test_ledger_open(test_directory, 1);
    for (int reason = 0; reason < WEFT_DROP_COUNT; reason++) {
        struct weft_account dropped = dropped_for((enum weft_drop_reason)reason);
        int64_t more = strcmp(weft_drop_reason_text(dropped.reason), "crash") == 0
                           ? test_balance(ledger, &dropped) - 10 - reason
                           : 0;
        ck_assert_int_eq(test_balance(ledger, &dropped), 10 + reason + more);
    }
    weft_ledger_close(ledger);
}
END_TEST

/* Renames one account in the file, as another build would have named it. */
static void rename_account(const char *owner, const char *kind, const char *kind_class, const char *reason)
{
    size_t size_bytes;
    uint8_t *bytes = file_read(&size_bytes);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, bytes, size_bytes);
    uint32_t renamed = 0;
    for (uint32_t i = 0; i < file_account_count(&image); i++) {
        struct weft_ledger_name *name = &image.accounts[i].name;
        if (strcmp(name->owner, owner) == 0) {
            weft_ledger_name_set(name->kind, sizeof name->kind, kind);
            weft_ledger_name_set(name->kind_class, sizeof name->kind_class, kind_class);
            weft_ledger_name_set(name->reason, sizeof name->reason, reason);
            image.accounts[i].checksum = weft_ledger_name_checksum(name);
            renamed++;
        }
    }
    ck_assert_uint_eq(renamed, 1);
    file_write(bytes, size_bytes);
    free(bytes);
}

static const char *snapshot_text(struct weft_ledger *ledger)
{
    static struct weft_buffer out;
    struct weft_ledger_snapshot snapshot;
    ck_assert_int_eq(weft_ledger_snapshot_take(ledger, &snapshot), WEFT_OK);
    weft_buffer_fini(&out);
    weft_buffer_init(&out, 0);
    weft_ledger_snapshot_write_json(&snapshot, &out);
    weft_ledger_snapshot_write_text(&snapshot, &out);
    weft_buffer_append_byte(&out, 0);
    weft_ledger_snapshot_fini(&snapshot);
    return (const char *)out.bytes;
}

static void write_file_with(const char *kind, const char *kind_class, const char *reason)
{
    unlink(test_directory_path("ledger.weft"));
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_account strange = test_dropped;
    strange.owner = "strange";
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 50);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &test_in_flight, &strange), 20);
    weft_ledger_close(ledger);
    rename_account("strange", kind, kind_class, reason);
}

static void expect_strange(uint64_t other, uint64_t dropped, const char *json, const char *table)
{
    for (int round = 0; round < 2; round++) {
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
        struct weft_ledger_totals totals = test_ledger_totals(ledger);
        ck_assert_uint_eq(totals.offered, 50);
        ck_assert_uint_eq(totals.other, other);
        ck_assert_uint_eq(totals.dropped, dropped);
        ck_assert(weft_ledger_totals_balance(&totals));
        const char *text = snapshot_text(ledger);
        ck_assert_msg(strstr(text, json) != NULL, "%s not in %s", json, text);
        ck_assert_msg(table == NULL || strstr(text, table) != NULL, "%s not in %s", table, text);
        ck_assert_ptr_nonnull(strstr(text, "the books balance"));
        weft_ledger_close(ledger);
        ck_assert(!file_exists("ledger.weft.bad"));
    }
}

START_TEST(test_unknown_reason_keeps_its_records)
{
    write_file_with("dropped", "end", "gravity");
    expect_strange(0, 50, "\"owner\":\"strange\",\"reason\":\"gravity\",\"inflow\":20", "dropped(gravity)");
}
END_TEST

START_TEST(test_unknown_kind_keeps_its_records)
{
    write_file_with("teleported", "end", "");
    expect_strange(20, 30, "\"account\":\"teleported\"", "  teleported ");
    write_file_with("beamed", "end", "magic");
    expect_strange(20, 30, "\"account\":\"beamed\"", "beamed(magic)");
    write_file_with("stored_elsewhere", "store", "");
    expect_strange(20, 30, "\"account\":\"stored_elsewhere\"", "  stored_elsewhere ");
    write_file_with("of_a_class_to_come", "limbo", "");
    expect_strange(20, 30, "\"account\":\"of_a_class_to_come\"", "  of_a_class_to_come ");
    /* In memory: gone with the process, as of any kind. */
    write_file_with("levitating", "memory", "");
    expect_strange(0, 50, "\"account\":\"levitating\"", NULL);
}
END_TEST

START_TEST(test_unknown_source_is_subtracted)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct weft_account strange = test_offered;
    strange.owner = "strange";
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &strange, &test_in_flight), 8);
    weft_ledger_close(ledger);
    rename_account("strange", "conjured", "source", "");
    ledger = test_ledger_open(test_directory, 1);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_int_eq((int64_t)totals.other, -8);
    ck_assert_uint_eq(totals.dropped, 8);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_close(ledger);
}
END_TEST

/* What the frozen file holds: test_recovery and test_damage read it, too. */
static void expect_v1_contents(struct weft_ledger *ledger)
{
    static const struct {
        enum weft_drop_reason reason;
        int64_t count;
    } dropped[] = { { WEFT_DROP_QUEUE_FULL, 20 },     { WEFT_DROP_RETRIES_EXHAUSTED, 40 },
                    { WEFT_DROP_UNCONFIRMED, 60 },    { WEFT_DROP_REFUSED_DOWNSTREAM, 80 },
                    { WEFT_DROP_OUT_OF_MEMORY, 100 }, { WEFT_DROP_SHUTDOWN, 120 },
                    { WEFT_DROP_RELOAD, 140 },        { WEFT_DROP_CRASH, 3360 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(dropped); i++) {
        struct weft_account account = dropped_for(dropped[i].reason);
        ck_assert_int_eq(test_balance(ledger, &account), dropped[i].count);
    }
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, 20000);
    ck_assert_uint_eq(totals.copied, 1200);
    ck_assert_uint_eq(totals.sent, 14000);
    ck_assert_uint_eq(totals.rejected, 80);
    ck_assert_uint_eq(totals.refused, 600);
    ck_assert_uint_eq(totals.uncopied, 40);
    ck_assert_uint_eq(totals.dropped, 560 + 5920);
    ck_assert_uint_eq(test_totals_held(&totals), 0);
    ck_assert(weft_ledger_totals_balance(&totals));
}

START_TEST(test_version_1_is_read_as_it_was_meant)
{
    v1_file_write();
    for (int round = 0; round < 3; round++) {
        struct weft_ledger *ledger = test_ledger_open(test_directory, 1 + (uint32_t)round);
        ck_assert_ptr_null(weft_ledger_trouble(ledger));
        expect_v1_contents(ledger);
        weft_ledger_close(ledger);
        size_t size_bytes;
        uint8_t *bytes = file_read(&size_bytes);
        ck_assert_uint_eq(((struct weft_ledger_header *)(void *)bytes)->version, 2);
        free(bytes);
    }
    ck_assert(!file_exists("ledger.weft.bad"));
    ck_assert(!file_exists("ledger.weft.new"));
}
END_TEST

START_TEST(test_version_1_without_memory_fails_cleanly_and_loses_nothing)
{
    v1_file_write();
    struct weft_ledger *ledger = NULL;
    size_t failures = 0;
    for (size_t nth = 1;; nth++) {
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_ledger_open(test_directory, 1, &ledger, NULL);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (!has_failed) {
            break;
        }
        failures++;
    }
    ck_assert_uint_ge(failures, 4);
    expect_v1_contents(ledger);
    weft_ledger_close(ledger);
    ck_assert(!file_exists("ledger.weft.new"));
}
END_TEST

START_TEST(test_a_version_to_come_is_set_aside)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *bytes = used_file(&size_bytes, &flows);
    ((struct weft_ledger_header *)(void *)bytes)->version = 3;
    ck_assert(opens_after(bytes, size_bytes));
    free(bytes);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_every_kind_and_reason_is_stored_as_its_text);
    tcase_add_test(tests, test_unknown_reason_keeps_its_records);
    tcase_add_test(tests, test_unknown_kind_keeps_its_records);
    tcase_add_test(tests, test_unknown_source_is_subtracted);
    tcase_add_test(tests, test_version_1_is_read_as_it_was_meant);
    tcase_add_test(tests, test_version_1_without_memory_fails_cleanly_and_loses_nothing);
    tcase_add_test(tests, test_a_version_to_come_is_set_aside);
}

int main(void)
{
    return test_run("names", add_tests);
}
