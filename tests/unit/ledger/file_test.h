#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ledger/layout.h"
#include "ledger/ledger_test.h"

/* ledger.weft as bytes: read, changed, written back. */
static inline bool file_exists(const char *name)
{
    struct stat status;
    return lstat(test_directory_path(name), &status) == 0;
}

static inline uint8_t *file_read(size_t *out_size)
{
    FILE *file = fopen(test_directory_path("ledger.weft"), "r");
    ck_assert_ptr_nonnull(file);
    struct stat status;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    uint8_t *bytes = aligned_alloc(4096, ((size_t)status.st_size + 4095) / 4096 * 4096);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    fclose(file);
    *out_size = (size_t)status.st_size;
    return bytes;
}

/* Pages of zeros become holes, as the file has them. */
static inline void file_write(const uint8_t *bytes, size_t size_bytes)
{
    static const uint8_t zeros[4096];
    int descriptor = open(test_directory_path("ledger.weft"), O_WRONLY | O_CREAT | O_TRUNC, 0640);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ftruncate(descriptor, (off_t)size_bytes), 0);
    for (size_t at = 0; at < size_bytes; at += sizeof zeros) {
        size_t length = size_bytes - at < sizeof zeros ? size_bytes - at : sizeof zeros;
        if (memcmp(bytes + at, zeros, length) != 0) {
            ck_assert_int_eq((int)pwrite(descriptor, bytes + at, length, (off_t)at), (int)length);
        }
    }
    close(descriptor);
}

static inline uint32_t file_count(uint64_t word, uint64_t position)
{
    uint64_t count = 0;
    ck_assert(weft_ledger_word_read(word, position, &count));
    return (uint32_t)count;
}

static inline uint32_t file_account_count(const struct weft_ledger_image *image)
{
    return file_count(image->header->account_count, WEFT_LEDGER_ACCOUNT_COUNT_POSITION);
}

static inline uint32_t file_flow_count(const struct weft_ledger_image *image)
{
    return file_count(image->header->flow_count, WEFT_LEDGER_FLOW_COUNT_POSITION);
}

/* A file with a past and a present. */
static inline uint8_t *used_file(size_t *out_size, struct test_flows *out_flows)
{
    struct weft_ledger *ledger = NULL;
    for (int round = 0; round < 2; round++) {
        ledger = test_ledger_open(test_directory, 2);
        *out_flows = test_flows_register(ledger);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), out_flows->offered, 1000);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), out_flows->queued, 900);
        weft_ledger_move(weft_ledger_worker_of(ledger, 1), out_flows->sent, 800);
        weft_ledger_close(ledger);
    }
    return file_read(out_size);
}

static char last_log[8192];

static inline void log_capture_start(int descriptors[2])
{
    ck_assert_int_eq(pipe2(descriptors, O_NONBLOCK), 0);
    weft_log_configure(&(struct weft_log_config){
        .level = WEFT_LOG_INFO, .service = "test", .environment = "", .descriptor = descriptors[1] });
}

static inline void log_capture_stop(int descriptors[2])
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_INFO, .service = "test", .environment = "", .descriptor = 2 });
    ssize_t length = read(descriptors[0], last_log, sizeof last_log - 1);
    last_log[length < 0 ? 0 : length] = '\0';
    close(descriptors[0]);
    close(descriptors[1]);
}

/* Whether damage was noticed; in either case the ledger opens, holds nothing and balances. */
static struct weft_ledger_totals last_totals;

static inline bool opens_after(const uint8_t *bytes, size_t size_bytes)
{
    file_write(bytes, size_bytes);
    unlink(test_directory_path("ledger.weft.bad"));
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    ck_assert_ptr_null(weft_ledger_trouble(ledger));
    last_totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(last_totals.offered + last_totals.copied, test_totals_ends(&last_totals));
    ck_assert_uint_eq(test_totals_held(&last_totals), 0);
    weft_ledger_close(ledger);
    bool is_set_aside = file_exists("ledger.weft.bad");
    if (is_set_aside) {
        ck_assert_uint_eq(last_totals.offered, 0);
    }
    return is_set_aside;
}
