/* The reader of ledger.weft as version 1 wrote it: numbers of the enumerations as they were then, frozen here, and
 * plain counts without checks. Its totals are booked in a new ledger; called once, by weft_ledger_open, for a file that
 * an older weft left. Layout: header | 4096 accounts | 4096 flows | past totals | worker 0's counts | worker 1's | ...
 */
#include <string.h>

#include "base/alloc.h"
#include "ledger/internal.h"

enum {
    V1_ACCOUNT_LIMIT = 4096,
    V1_FLOW_LIMIT = 4096,
    V1_WORKER_LIMIT = 1024,
    V1_HEADER_BYTES = 4096,
    V1_SIGNAL_BYTES = 24,
    V1_OWNER_BYTES = 160,
};

/* No process books this many records; sums of these cannot overflow. */
#define V1_TOTAL_LIMIT (UINT64_C(1) << 50)

/* The numbers that version 1 wrote. Never to be changed. */
static const char *const v1_kinds[] = { "offered", "copied",   "in_flight", "buffered", "queued",
                                        "sent",    "rejected", "dropped",   "refused",  "uncopied" };
static const char *const v1_classes[WEFT_COUNT_OF(v1_kinds)] = { "source", "source", "memory", "memory", "memory",
                                                                 "end",    "end",    "end",    "end",    "end" };
static const char *const v1_reasons[] = {
    "",       "queue_full", "retries_exhausted", "unconfirmed", "refused_downstream", "out_of_memory", "shutdown",
    "reload", "crash"
};

struct v1_header {
    char magic[8];
    uint32_t version;
    uint32_t worker_count;
    uint32_t past_count;
    uint32_t zero;
    uint64_t past_checksum;
    uint64_t checksum;
    uint32_t account_count;
    uint32_t flow_count;
};

struct v1_account {
    uint64_t checksum;
    uint8_t kind;
    uint8_t reason;
    uint8_t zero[6];
    char signal[V1_SIGNAL_BYTES];
    char pipeline[V1_OWNER_BYTES];
    char owner[V1_OWNER_BYTES];
};

struct v1_flow {
    uint16_t from;
    uint16_t to;
    uint32_t checksum;
};

struct v1_file {
    const uint8_t *bytes;
    size_t size_bytes;
    const struct v1_header *header;
    const struct v1_account *accounts;
    const struct v1_flow *flows;
    const uint64_t *past;
    const uint64_t *cells;
    uint32_t account_count, flow_count;
    uint64_t *totals; /* per flow */
};

enum {
    V1_ACCOUNTS_BYTES = V1_ACCOUNT_LIMIT * sizeof(struct v1_account),
    V1_FLOWS_BYTES = V1_FLOW_LIMIT * sizeof(struct v1_flow),
    V1_BLOCK_BYTES = V1_FLOW_LIMIT * sizeof(uint64_t),
};
_Static_assert(sizeof(struct v1_account) == 360 && sizeof(struct v1_flow) == 8, "as version 1 wrote them");

static size_t v1_size(uint32_t worker_count)
{
    return V1_HEADER_BYTES + V1_ACCOUNTS_BYTES + V1_FLOWS_BYTES + V1_BLOCK_BYTES * ((size_t)worker_count + 1);
}

bool weft_ledger_former_v1_is(const struct weft_ledger_header *header)
{
    return memcmp(header->magic, "weftled", sizeof header->magic) == 0 && header->version == 1;
}

size_t weft_ledger_former_v1_largest(void)
{
    return v1_size(V1_WORKER_LIMIT);
}

static uint64_t v1_checksum(uint64_t seed, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ (seed * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return sum == 0 ? 1 : sum;
}

static bool is_zero(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    return length == 0 || (at[0] == 0 && memcmp(at, at + 1, length - 1) == 0);
}

static enum weft_status check_header(const struct v1_file *file, struct weft_error *error)
{
    const struct v1_header *header = file->header;
    if (file->size_bytes < v1_size(1)) {
        return weft_fail(error, WEFT_INVALID, "truncated to %zu bytes", file->size_bytes);
    }
    if (header->checksum != v1_checksum(0, header, offsetof(struct v1_header, checksum)) || header->worker_count == 0 ||
        header->worker_count > V1_WORKER_LIMIT || header->past_count > V1_FLOW_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the header is damaged");
    }
    if (file->size_bytes != v1_size(header->worker_count)) {
        return weft_fail(error, WEFT_INVALID, "%zu bytes long, expected %zu", file->size_bytes,
                         v1_size(header->worker_count));
    }
    if (header->past_checksum != v1_checksum(0, file->past, header->past_count * sizeof file->past[0])) {
        return weft_fail(error, WEFT_INVALID, "the totals of the past are damaged");
    }
    return WEFT_OK;
}

static bool is_valid_account(const struct v1_account *entry, uint32_t index)
{
    size_t start = offsetof(struct v1_account, kind);
    return entry->checksum == v1_checksum(index + UINT64_C(1), (const char *)entry + start, sizeof *entry - start) &&
           entry->kind < WEFT_COUNT_OF(v1_kinds) && entry->reason < WEFT_COUNT_OF(v1_reasons) &&
           entry->signal[sizeof entry->signal - 1] == '\0' && entry->pipeline[sizeof entry->pipeline - 1] == '\0' &&
           entry->owner[sizeof entry->owner - 1] == '\0';
}

static bool is_valid_flow(const struct v1_file *file, uint32_t index)
{
    const struct v1_flow *entry = &file->flows[index];
    uint32_t sum = (uint32_t)(v1_checksum(index + UINT64_C(1), entry, offsetof(struct v1_flow, checksum)) >> 16);
    if (entry->checksum != (sum == 0 ? 1 : sum) || entry->from >= file->account_count ||
        entry->to >= file->account_count) {
        return false;
    }
    const struct v1_account *from = &file->accounts[entry->from];
    const struct v1_account *to = &file->accounts[entry->to];
    return memcmp(from->signal, to->signal, sizeof from->signal) == 0 && strcmp(v1_classes[from->kind], "end") != 0 &&
           strcmp(v1_classes[to->kind], "source") != 0;
}

/* An entry was written first and counted after, so the one after the last may be anything: torn, or complete and not
 * yet counted. What is complete is taken, which also mends a damaged count. Beyond a torn one there is nothing. */
static enum weft_status read_accounts(struct v1_file *file, struct weft_error *error)
{
    uint32_t count = file->header->account_count;
    if (count > V1_ACCOUNT_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the number of accounts is damaged");
    }
    while (count < V1_ACCOUNT_LIMIT && is_valid_account(&file->accounts[count], count)) {
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_valid_account(&file->accounts[i], i)) {
            return weft_fail(error, WEFT_INVALID, "account %u is damaged", i);
        }
    }
    if (count + 1 < V1_ACCOUNT_LIMIT &&
        !is_zero(&file->accounts[count + 1], (V1_ACCOUNT_LIMIT - count - 1) * sizeof file->accounts[0])) {
        return weft_fail(error, WEFT_INVALID, "there are entries beyond account %u", count);
    }
    file->account_count = count;
    return WEFT_OK;
}

static enum weft_status read_flows(struct v1_file *file, struct weft_error *error)
{
    uint32_t count = file->header->flow_count;
    if (count > V1_FLOW_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the number of flows is damaged");
    }
    while (count < V1_FLOW_LIMIT && is_valid_flow(file, count)) {
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_valid_flow(file, i)) {
            return weft_fail(error, WEFT_INVALID, "flow %u is damaged", i);
        }
    }
    if (count + 1 < V1_FLOW_LIMIT &&
        !is_zero(&file->flows[count + 1], (V1_FLOW_LIMIT - count - 1) * sizeof file->flows[0])) {
        return weft_fail(error, WEFT_INVALID, "there are entries beyond flow %u", count);
    }
    file->flow_count = count;
    return WEFT_OK;
}

static enum weft_status add_block(struct v1_file *file, const uint64_t *block, struct weft_error *error)
{
    for (uint32_t i = 0; i < file->flow_count; i++) {
        if (block[i] >= V1_TOTAL_LIMIT || file->totals[i] + block[i] >= V1_TOTAL_LIMIT) {
            return weft_fail(error, WEFT_INVALID, "the total of flow %u is damaged", i);
        }
        file->totals[i] += block[i];
    }
    if (!is_zero(block + file->flow_count, (V1_FLOW_LIMIT - file->flow_count) * sizeof block[0])) {
        return weft_fail(error, WEFT_INVALID, "there are counts without a flow");
    }
    return WEFT_OK;
}

static enum weft_status add_totals(struct v1_file *file, struct weft_error *error)
{
    uint32_t past_count = file->header->past_count;
    if (!is_zero(file->past + past_count, (V1_FLOW_LIMIT - past_count) * sizeof(uint64_t))) {
        return weft_fail(error, WEFT_INVALID, "there are totals without a past");
    }
    enum weft_status status = add_block(file, file->past, error);
    for (uint32_t i = 0; i < file->header->worker_count && status == WEFT_OK; i++) {
        status = add_block(file, file->cells + (size_t)i * V1_FLOW_LIMIT, error);
    }
    return status;
}

/* weft booked the way in before anything else, so that even a cut in the middle left none below zero. */
static enum weft_status check_balances(const struct v1_file *file, struct weft_error *error)
{
    int64_t *balances = weft_try_alloc(V1_ACCOUNT_LIMIT * sizeof balances[0]);
    if (balances == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger");
    }
    for (uint32_t i = 0; i < file->flow_count; i++) {
        balances[file->flows[i].from] -= (int64_t)file->totals[i];
        balances[file->flows[i].to] += (int64_t)file->totals[i];
    }
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < file->account_count && status == WEFT_OK; i++) {
        if (strcmp(v1_classes[file->accounts[i].kind], "memory") == 0 && balances[i] < 0) {
            status = weft_fail(error, WEFT_INVALID, "the balance of account %u is below zero", i);
        }
    }
    weft_free(balances);
    return status;
}

static void name_of(const struct v1_account *account, struct weft_ledger_name *out_name)
{
    weft_ledger_name_set(out_name->kind, sizeof out_name->kind, v1_kinds[account->kind]);
    weft_ledger_name_set(out_name->kind_class, sizeof out_name->kind_class, v1_classes[account->kind]);
    weft_ledger_name_set(out_name->reason, sizeof out_name->reason, v1_reasons[account->reason]);
    weft_ledger_name_set(out_name->signal, sizeof out_name->signal, account->signal);
    weft_ledger_name_set(out_name->pipeline, sizeof out_name->pipeline, account->pipeline);
    weft_ledger_name_set(out_name->owner, sizeof out_name->owner, account->owner);
}

static enum weft_status book(struct weft_ledger *ledger, const struct v1_file *file, struct weft_error *error)
{
    for (uint32_t i = 0; i < file->flow_count; i++) {
        struct weft_ledger_name from, to;
        weft_flow_id flow;
        if (file->totals[i] == 0) {
            continue; /* never used: registered again if it still exists */
        }
        name_of(&file->accounts[file->flows[i].from], &from);
        name_of(&file->accounts[file->flows[i].to], &to);
        if (!weft_ledger_add_flow(ledger, &from, &to, false, &flow)) {
            return weft_fail(error, WEFT_IO, "no room for what version 1 counted");
        }
        weft_ledger_move(&ledger->workers[0], flow, file->totals[i]);
    }
    return WEFT_OK;
}

enum weft_status weft_ledger_former_v1_book(struct weft_ledger *ledger, uint8_t *own_bytes, size_t size_bytes,
                                            struct weft_error *error)
{
    struct v1_file file = {
        .bytes = own_bytes,
        .size_bytes = size_bytes,
        .header = (const void *)own_bytes,
        .accounts = (const void *)(own_bytes + V1_HEADER_BYTES),
        .flows = (const void *)(own_bytes + V1_HEADER_BYTES + V1_ACCOUNTS_BYTES),
        .past = (const void *)(own_bytes + V1_HEADER_BYTES + V1_ACCOUNTS_BYTES + V1_FLOWS_BYTES),
        .cells = (const void *)(own_bytes + v1_size(0)),
        .totals = weft_try_alloc(V1_FLOW_LIMIT * sizeof(uint64_t)),
    };
    enum weft_status status = file.totals == NULL ? weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger")
                                                  : check_header(&file, error);
    status = status == WEFT_OK ? read_accounts(&file, error) : status;
    status = status == WEFT_OK ? read_flows(&file, error) : status;
    status = status == WEFT_OK ? add_totals(&file, error) : status;
    status = status == WEFT_OK ? check_balances(&file, error) : status;
    status = status == WEFT_OK ? book(ledger, &file, error) : status;
    weft_free(file.totals);
    weft_free(own_bytes);
    return status;
}
