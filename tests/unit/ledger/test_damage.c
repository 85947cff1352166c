/* Any damage to the file, of either version: the ledger opens all the same, and never says in silence what is wrong.
 * For version 2 that is: set aside, or each total as it was. Version 1 has no check for its counts: there the books
 * balance. */
#include "ledger/ledger_v1_file.h"

struct region {
    size_t start, end, bit_stride; /* every how many bits one is flipped */
};

/* What of a file counts: the header, the tables' entries in use, their words. */
static size_t regions_of(const struct weft_ledger_image *image, struct region out_regions[5])
{
    uint32_t account_count = file_account_count(image), flow_count = file_flow_count(image);
    const volatile void *starts[] = { image->bytes, image->accounts, &image->flows[1], &image->cells[1],
                                      &image->cells[WEFT_LEDGER_FLOW_LIMIT + 1] };
    size_t lengths[] = { sizeof(struct weft_ledger_header), account_count * sizeof image->accounts[0],
                         (flow_count - 1) * sizeof(uint64_t), (flow_count - 1) * sizeof(uint64_t),
                         (flow_count - 1) * sizeof(uint64_t) };
    for (size_t i = 0; i < WEFT_COUNT_OF(starts); i++) {
        size_t start = weft_ledger_image_offset(image, starts[i]);
        out_regions[i] = (struct region){ start, start + lengths[i], i == 0 ? 1 : i == 1 ? 397 : 11 };
    }
    return WEFT_COUNT_OF(starts);
}

START_TEST(test_flipped_bits_of_counts_and_names_are_noticed)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    struct region regions[5];
    size_t region_count = regions_of(&image, regions);
    int descriptors[2];
    log_capture_start(descriptors);
    size_t flips = 0;
    for (size_t region = 0; region < region_count; region++) {
        for (size_t bit = regions[region].start * 8; bit < regions[region].end * 8; bit += regions[region].bit_stride) {
            good[bit / 8] ^= (uint8_t)(1U << bit % 8);
            ck_assert_msg(opens_after(good, size_bytes), "region %zu, bit %zu", region, bit);
            good[bit / 8] ^= (uint8_t)(1U << bit % 8);
            flips++;
        }
    }
    log_capture_stop(descriptors);
    ck_assert_uint_gt(flips, 500);
    ck_assert(!opens_after(good, size_bytes));
    ck_assert_uint_eq(last_totals.offered, 2000);
    ck_assert_uint_eq(last_totals.sent, 1600);
    free(good);
}
END_TEST

START_TEST(test_what_is_damaged_is_named)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    int descriptors[2];
    log_capture_start(descriptors);
    image.cells[WEFT_LEDGER_FLOW_LIMIT + flows.sent] ^= UINT64_C(1) << 20;
    ck_assert(opens_after(good, size_bytes));
    log_capture_stop(descriptors);
    ck_assert_ptr_nonnull(
        strstr(last_log, "worker 1's count of traces from queued(otlp/backend) to sent(otlp/backend) is damaged"));
    log_capture_start(descriptors);
    ck_assert(opens_after(good, 0));
    log_capture_stop(descriptors);
    ck_assert_ptr_nonnull(strstr(last_log, "ledger.set_aside"));
    ck_assert_ptr_nonnull(strstr(last_log, "truncated to 0 bytes"));
    free(good);
}
END_TEST

/* The proof behind the first test: for no count and no position does one flipped bit give a valid word. A flip of bit k
 * of the count changes the product by 2^k times the factor, whatever the count; the 13 bits that are kept then differ
 * unless they are all equal in that difference. */
START_TEST(test_no_flipped_bit_gives_a_valid_word)
{
    for (unsigned bit = 0; bit < 50; bit++) {
        uint64_t kept = WEFT_LEDGER_CHECK_FACTOR << bit >> 51;
        ck_assert_uint_ne(kept, 0);
        ck_assert_uint_ne(kept, (1U << 13) - 1);
    }
    for (uint64_t position = 0; position < WEFT_LEDGER_FLOW_LIMIT; position++) {
        ck_assert_uint_ne(weft_ledger_word(0, position), 0); /* a lost page is told from a count of 0 */
    }
    srand(4713);
    for (int i = 0; i < 20000; i++) {
        uint64_t total = (((uint64_t)rand() << 31) ^ (uint64_t)rand()) >> (14 + rand() % 50);
        uint64_t position = (uint64_t)rand() % WEFT_LEDGER_FLOW_LIMIT;
        uint64_t word = weft_ledger_word(total, position), read = 0;
        ck_assert_uint_ne(word, 0);
        ck_assert(weft_ledger_word_read(word, position, &read));
        ck_assert_uint_eq(read, total);
        for (unsigned bit = 0; bit < 64; bit++) {
            ck_assert(!weft_ledger_word_read(word ^ UINT64_C(1) << bit, position, &read));
        }
    }
}
END_TEST

START_TEST(test_a_lost_page_and_a_moved_count_are_noticed)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    uint8_t *pages[] = { (uint8_t *)image.cells, (uint8_t *)(image.cells + WEFT_LEDGER_FLOW_LIMIT),
                         (uint8_t *)image.accounts, good };
    for (size_t i = 0; i < WEFT_COUNT_OF(pages); i++) {
        uint8_t kept[4096];
        memcpy(kept, pages[i], sizeof kept);
        memset(pages[i], 0, sizeof kept);
        ck_assert_msg(opens_after(good, size_bytes), "page %zu", i);
        memcpy(pages[i], kept, sizeof kept);
    }
    uint64_t word = image.cells[flows.queued];
    image.cells[flows.queued] = image.cells[flows.offered];
    ck_assert(opens_after(good, size_bytes));
    image.cells[flows.queued] = word;
    /* Valid words that no run of weft can leave: more was sent than ever was queued. */
    image.cells[WEFT_LEDGER_FLOW_LIMIT + flows.sent] = weft_ledger_word(5000, flows.sent);
    ck_assert(opens_after(good, size_bytes));
    free(good);
}
END_TEST

START_TEST(test_truncated_or_foreign_file_is_set_aside)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    const size_t lengths[] = {
        0, 1, 8, 39, 40, 47, 48, 4095, 4096, 100000, size_bytes / 2, size_bytes - 4096, size_bytes - 1
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        ck_assert_msg(opens_after(good, lengths[i]), "length %zu", lengths[i]);
    }
    uint8_t *foreign = malloc(size_bytes);
    ck_assert_ptr_nonnull(foreign);
    memset(foreign, 'a', size_bytes);
    ck_assert(opens_after(foreign, size_bytes));
    free(foreign);
    free(good);
}
END_TEST

static uint64_t random_state = 4714;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

/* A few bytes overwritten, moved, or a range zeroed; a third of the time cut as well. Returns the new length. */
static size_t damage(uint8_t *bytes, size_t size_bytes, size_t in_use)
{
    for (uint64_t i = random_below(4); i > 0; i--) {
        size_t at = (size_t)random_below(random_below(2) == 0 ? 256 : in_use);
        size_t length = 1 + (size_t)random_below(40);
        length = length < size_bytes - at ? length : size_bytes - at;
        switch (random_below(4)) {
        case 0:
            bytes[at] ^= (uint8_t)(1U << random_below(8));
            break;
        case 1:
            memset(bytes + at, (int)random_below(256), length);
            break;
        case 2:
            memmove(bytes + at, bytes + random_below(in_use - 64), length);
            break;
        default:
            for (size_t j = 0; j < length; j++) {
                bytes[at + j] = (uint8_t)random_below(256);
            }
        }
    }
    return random_below(3) == 0 ? (size_t)random_below(size_bytes + 1) : size_bytes;
}

START_TEST(test_random_damage_never_lies_in_version_2)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    ck_assert(!opens_after(good, size_bytes));
    struct weft_ledger_totals expected = last_totals;
    uint8_t *bytes = aligned_alloc(4096, (size_bytes + 4095) / 4096 * 4096);
    ck_assert_ptr_nonnull(bytes);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, bytes, size_bytes);
    size_t noticed = 0;
    for (int round = 0; round < 200; round++) {
        memcpy(bytes, good, size_bytes);
        size_t in_use =
            round % 2 == 0 ? 4096 + 10 * sizeof image.accounts[0] : weft_ledger_image_offset(&image, &image.cells[16]);
        size_t length = damage(bytes, size_bytes, in_use);
        if (opens_after(bytes, length)) {
            noticed++;
        } else {
            ck_assert_msg(memcmp(&last_totals, &expected, sizeof expected) == 0, "round %d", round);
        }
    }
    ck_assert_uint_gt(noticed, 50);
    free(bytes);
    free(good);
}
END_TEST

START_TEST(test_random_damage_never_crashes_or_unbalances_version_1)
{
    uint8_t *good = v1_file_bytes();
    uint8_t *bytes = malloc(LEDGER_V1_FILE_BYTES);
    ck_assert_ptr_nonnull(bytes);
    size_t noticed = 0;
    for (int round = 0; round < 100; round++) {
        memcpy(bytes, good, LEDGER_V1_FILE_BYTES);
        size_t length = damage(bytes, LEDGER_V1_FILE_BYTES, round % 2 == 0 ? 4096 + 22 * 360 : LEDGER_V1_FILE_BYTES);
        noticed += opens_after(bytes, length);
    }
    ck_assert_uint_gt(noticed, 20);
    free(bytes);
    free(good);
}
END_TEST

START_TEST(test_random_bytes_never_crash)
{
    enum { LENGTH = 65536 };
    uint8_t *bytes = malloc(LENGTH);
    ck_assert_ptr_nonnull(bytes);
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < LENGTH; i++) {
            bytes[i] = (uint8_t)random_below(256);
        }
        if (round % 2 == 0) { /* so that more than the first word is looked at */
            struct weft_ledger_header header = { 0 };
            weft_ledger_header_seal(&header, 1 + (uint32_t)random_below(4));
            memcpy(bytes, &header, sizeof header);
        }
        ck_assert(opens_after(bytes, (size_t)random_below(LENGTH)));
    }
    free(bytes);
}
END_TEST

/* A file whose checks all hold, written by nobody: flows between signals, out of ends, to accounts that are not there,
 * tables without room. */
START_TEST(test_valid_checks_over_nonsense_are_noticed)
{
    size_t size_bytes;
    struct test_flows flows;
    uint8_t *good = used_file(&size_bytes, &flows);
    struct weft_ledger_image image;
    weft_ledger_image_point(&image, good, size_bytes);
    struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(image.flows[flows.sent]);
    uint64_t entry = image.flows[flows.sent];
    image.flows[flows.sent] = weft_ledger_flow_pack((struct weft_ledger_flow_ends){ ends.to, ends.from }, flows.sent);
    ck_assert(opens_after(good, size_bytes));
    image.flows[flows.sent] = weft_ledger_flow_pack((struct weft_ledger_flow_ends){ ends.from, 9999 }, flows.sent);
    ck_assert(opens_after(good, size_bytes));
    image.flows[flows.sent] = entry;
    struct weft_ledger_account_entry *sent = &image.accounts[ends.to];
    weft_ledger_name_set(sent->name.signal, sizeof sent->name.signal, "logs");
    sent->checksum = weft_ledger_name_checksum(&sent->name);
    ck_assert(opens_after(good, size_bytes));
    memset(sent->name.owner, 'x', sizeof sent->name.owner);
    sent->checksum = weft_ledger_name_checksum(&sent->name);
    ck_assert(opens_after(good, size_bytes));
    image.header->worker_count = weft_ledger_word(0, WEFT_LEDGER_WORKER_COUNT_POSITION);
    ck_assert(opens_after(good, size_bytes));
    image.header->worker_count = weft_ledger_word(UINT32_MAX, WEFT_LEDGER_WORKER_COUNT_POSITION);
    ck_assert(opens_after(good, size_bytes));
    free(good);
}
END_TEST

static uint16_t put_account(struct weft_ledger_image *image, uint32_t index, const struct weft_account *like,
                            const char *owner)
{
    struct weft_account account = *like;
    account.owner = owner;
    weft_ledger_name_fill(&image->accounts[index].name, &account);
    image->accounts[index].checksum = weft_ledger_name_checksum(&image->accounts[index].name);
    return (uint16_t)index;
}

/* So full that not even shared flows have room: not ours. Full of what never counted: emptied. */
START_TEST(test_full_tables_are_not_gone_on_with)
{
    enum { OWNERS = 130 };
    for (uint64_t each = 0; each < 2; each++) {
        size_t size_bytes;
        struct test_flows flows;
        uint8_t *bytes = used_file(&size_bytes, &flows);
        struct weft_ledger_image image;
        weft_ledger_image_point(&image, bytes, size_bytes);
        uint32_t account_count = file_account_count(&image), flow = file_flow_count(&image);
        for (uint32_t i = 0; i < OWNERS * 2; i++) {
            char owner[32];
            snprintf(owner, sizeof owner, "many/%u", i);
            put_account(&image, account_count + i, i < OWNERS ? &test_offered : &test_sent, owner);
        }
        for (uint32_t i = 0; flow < WEFT_LEDGER_FLOW_LIMIT; i++, flow++) {
            struct weft_ledger_flow_ends ends = { (uint16_t)(account_count + i / OWNERS),
                                                  (uint16_t)(account_count + OWNERS + i % OWNERS) };
            image.flows[flow] = weft_ledger_flow_pack(ends, flow);
            image.cells[flow] = weft_ledger_word(each, flow);
            image.cells[WEFT_LEDGER_FLOW_LIMIT + flow] = weft_ledger_word(0, flow);
        }
        image.header->account_count = weft_ledger_word(account_count + OWNERS * 2, WEFT_LEDGER_ACCOUNT_COUNT_POSITION);
        image.header->flow_count = weft_ledger_word(flow, WEFT_LEDGER_FLOW_COUNT_POSITION);
        ck_assert_int_eq(opens_after(bytes, size_bytes), each != 0);
        unlink(test_directory_path("ledger.weft"));
        free(bytes);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_what_is_damaged_is_named); /* first: lines of one site are limited */
    tcase_add_test(tests, test_flipped_bits_of_counts_and_names_are_noticed);
    tcase_add_test(tests, test_no_flipped_bit_gives_a_valid_word);
    tcase_add_test(tests, test_a_lost_page_and_a_moved_count_are_noticed);
    tcase_add_test(tests, test_truncated_or_foreign_file_is_set_aside);
    tcase_add_test(tests, test_random_damage_never_lies_in_version_2);
    tcase_add_test(tests, test_random_damage_never_crashes_or_unbalances_version_1);
    tcase_add_test(tests, test_random_bytes_never_crash);
    tcase_add_test(tests, test_valid_checks_over_nonsense_are_noticed);
    tcase_add_test(tests, test_full_tables_are_not_gone_on_with);
}

int main(void)
{
    test_directory_is_memory = true;
    return test_run("damage", add_tests);
}
