/* The generator's side of the books: which spans were acknowledged. bench/check.py holds it against the sink's. */
#include "load/account.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/bytes.h"

struct load_account *account_new(uint64_t spans_per_request, uint64_t cycle_count)
{
    struct load_account *account = bench_alloc_zero(1, sizeof *account);
    account->spans_per_request = spans_per_request;
    account->cycle_count = cycle_count;
    if (cycle_count > 0) {
        account->generations = bench_alloc_zero(cycle_count, sizeof *account->generations);
    }
    return account;
}

void account_show(struct load_account *account, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, sizeof *account->progress) != 0) {
        bench_die("%s: cannot be written", path);
    }
    account->progress = mmap(NULL, sizeof *account->progress, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (account->progress == MAP_FAILED) {
        bench_die("%s: cannot be mapped", path);
    }
    close(fd);
}

static void set_bit(struct load_account *account, uint64_t index)
{
    if (index >= account->bit_capacity) {
        uint64_t capacity = (index + 1) * 2 + 65536;
        account->acknowledged_bits = realloc(account->acknowledged_bits, capacity / 8 + 1);
        if (account->acknowledged_bits == NULL) {
            bench_die("out of memory");
        }
        memset(account->acknowledged_bits + (account->bit_capacity + 7) / 8, 0,
               capacity / 8 + 1 - (account->bit_capacity + 7) / 8);
        account->bit_capacity = capacity / 8 * 8;
    }
    account->acknowledged_bits[index / 8] |= (uint8_t)(1u << index % 8);
}

void account_acknowledge(struct load_account *account, uint64_t index, struct template_hash hash)
{
    account->acknowledged_requests++;
    account->acknowledged_hash.spans += hash.spans;
    account->acknowledged_hash.tree += hash.tree;
    if (account->progress != NULL) {
        *account->progress = account->acknowledged_requests * account->spans_per_request;
    }
    if (account->cycle_count > 0) {
        account->generations[index % account->cycle_count]++;
    } else {
        set_bit(account, index);
    }
}

static void write_bits(const struct load_account *account, const char *path)
{
    uint64_t span_count = account->sent_requests * account->spans_per_request;
    uint8_t *bits = bench_alloc_zero(span_count / 8 + 1, 1);
    for (uint64_t i = 0; i < account->sent_requests && i < account->bit_capacity; i++) {
        if ((account->acknowledged_bits[i / 8] >> i % 8 & 1) == 0) {
            continue;
        }
        for (uint64_t span = i * account->spans_per_request; span < (i + 1) * account->spans_per_request; span++) {
            bits[span / 8] |= (uint8_t)(1u << span % 8);
        }
    }
    bench_bytes_write_file(path, bits, span_count / 8 + 1);
    free(bits);
}

void account_write(const struct load_account *account, const char *path)
{
    if (account->cycle_count == 0) {
        write_bits(account, path);
        return;
    }
    struct bench_bytes counters = { 0 };
    for (uint64_t i = 0; i < account->cycle_count; i++) {
        for (uint64_t span = 0; span < account->spans_per_request; span++) {
            bench_bytes_append(&counters, &account->generations[i], sizeof account->generations[i]);
        }
    }
    bench_bytes_write_file(path, counters.bytes, counters.length);
    bench_bytes_free(&counters);
}
