/* The layout of ledger.weft (layout.h): where its parts lie, how entries are written and what makes them valid.
 * Called on the image in memory and on the mapped file. */
#include "ledger/layout.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

static const char magic[8] = "weftled";

static size_t page_aligned(size_t size_bytes)
{
    return (size_bytes + WEFT_LEDGER_PAGE_BYTES - 1) / WEFT_LEDGER_PAGE_BYTES * WEFT_LEDGER_PAGE_BYTES;
}

enum {
    CELL_BLOCK_BYTES = WEFT_LEDGER_FLOW_LIMIT * sizeof(uint64_t),
};

static size_t accounts_offset(void)
{
    return WEFT_LEDGER_PAGE_BYTES;
}

static size_t flows_offset(void)
{
    return accounts_offset() + page_aligned(WEFT_LEDGER_ACCOUNT_LIMIT * sizeof(struct weft_ledger_account_entry));
}

static size_t cells_offset(void)
{
    return flows_offset() + page_aligned(CELL_BLOCK_BYTES);
}

size_t weft_ledger_image_size(uint32_t worker_count)
{
    return cells_offset() + (size_t)worker_count * CELL_BLOCK_BYTES;
}

void weft_ledger_image_point(struct weft_ledger_image *image, uint8_t *bytes, size_t size_bytes)
{
    _Static_assert(CELL_BLOCK_BYTES % WEFT_LEDGER_PAGE_BYTES == 0, "workers' cells share no page, so no cache line");
    _Static_assert(sizeof(struct weft_ledger_header) <= WEFT_LEDGER_PAGE_BYTES, "the header is one page");
    _Static_assert(sizeof(struct weft_ledger_account_entry) == 424, "the account entry has no padding");
    _Static_assert(WEFT_LEDGER_FLOW_LIMIT <= UINT16_MAX + 1 && WEFT_LEDGER_ACCOUNT_LIMIT <= UINT16_MAX + 1,
                   "numbers of 16 bits");
    *image = (struct weft_ledger_image){
        .bytes = bytes,
        .size_bytes = size_bytes,
        .header = (void *)bytes,
        .accounts = (void *)(bytes + accounts_offset()),
        .flows = (void *)(bytes + flows_offset()),
        .cells = (void *)(bytes + cells_offset()),
    };
}

/* FNV-1a: finds damage, not malice. */
static uint64_t checksum_of(uint64_t seed, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ (seed * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return sum == 0 ? 1 : sum;
}

/* ---- header ---- */

static uint64_t header_checksum(const struct weft_ledger_header *header)
{
    return checksum_of(0, header, offsetof(struct weft_ledger_header, checksum));
}

void weft_ledger_header_seal(struct weft_ledger_header *header, uint32_t worker_count)
{
    memcpy(header->magic, magic, sizeof magic);
    header->version = WEFT_LEDGER_VERSION;
    header->checksum = header_checksum(header);
    header->account_count = weft_ledger_word(0, WEFT_LEDGER_ACCOUNT_COUNT_POSITION);
    header->flow_count = weft_ledger_word(1, WEFT_LEDGER_FLOW_COUNT_POSITION); /* flow 0 is WEFT_FLOW_NONE */
    header->worker_count = weft_ledger_word(worker_count, WEFT_LEDGER_WORKER_COUNT_POSITION);
}

static enum weft_status read_count(uint64_t word, uint64_t position, uint64_t least, uint64_t limit, const char *what,
                                   uint32_t *out_count, struct weft_error *error)
{
    uint64_t count;
    if (!weft_ledger_word_read(word, position, &count) || count < least || count > limit) {
        return weft_fail(error, WEFT_INVALID, "the number of %s is damaged", what);
    }
    *out_count = (uint32_t)count;
    return WEFT_OK;
}

enum weft_status weft_ledger_header_check(const struct weft_ledger_header *header, uint32_t *out_account_count,
                                          uint32_t *out_flow_count, uint32_t *out_worker_count,
                                          struct weft_error *error)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0 || header->version != WEFT_LEDGER_VERSION ||
        header->checksum != header_checksum(header)) {
        return weft_fail(error, WEFT_INVALID, "the header is damaged");
    }
    enum weft_status status = read_count(header->account_count, WEFT_LEDGER_ACCOUNT_COUNT_POSITION, 0,
                                         WEFT_LEDGER_ACCOUNT_LIMIT, "accounts", out_account_count, error);
    if (status == WEFT_OK) {
        status = read_count(header->flow_count, WEFT_LEDGER_FLOW_COUNT_POSITION, 1, WEFT_LEDGER_FLOW_LIMIT, "flows",
                            out_flow_count, error);
    }
    if (status == WEFT_OK) {
        status = read_count(header->worker_count, WEFT_LEDGER_WORKER_COUNT_POSITION, 1, WEFT_LEDGER_WORKER_LIMIT,
                            "workers", out_worker_count, error);
    }
    return status;
}

/* ---- accounts ---- */

uint64_t weft_ledger_name_checksum(const struct weft_ledger_name *name)
{
    return checksum_of(1, name, sizeof *name);
}

void weft_ledger_name_set(char *out_text, size_t capacity, const char *text)
{
    size_t length = strlen(text);
    memset(out_text, 0, capacity);
    if (length < capacity) {
        memcpy(out_text, text, length);
        return;
    }
    enum { HASH_BYTES = 9 };
    weft_assert(capacity > HASH_BYTES); /* smaller fields hold our own words, which fit */
    size_t kept = capacity - 1 - HASH_BYTES;
    memcpy(out_text, text, kept);
    snprintf(out_text + kept, HASH_BYTES + 1, "~%08x", (unsigned)checksum_of(0, text, length));
}

void weft_ledger_name_fill(struct weft_ledger_name *out_name, const struct weft_account *account)
{
    const char *class_text = weft_account_class_text(weft_account_class_of(account->kind));
    weft_ledger_name_set(out_name->kind, sizeof out_name->kind, weft_account_kind_text(account->kind));
    weft_ledger_name_set(out_name->kind_class, sizeof out_name->kind_class, class_text);
    weft_ledger_name_set(out_name->reason, sizeof out_name->reason, weft_drop_reason_text(account->reason));
    weft_ledger_name_set(out_name->signal, sizeof out_name->signal, account->signal);
    weft_ledger_name_set(out_name->pipeline, sizeof out_name->pipeline, account->pipeline);
    weft_ledger_name_set(out_name->owner, sizeof out_name->owner, account->owner);
}

bool weft_ledger_name_is_same(const struct weft_ledger_name *left, const struct weft_ledger_name *right)
{
    return memcmp(left, right, sizeof *left) == 0;
}

enum weft_account_class weft_ledger_name_class(const struct weft_ledger_name *name)
{
    enum weft_account_kind kind = weft_account_kind_of_text(name->kind);
    if (kind != WEFT_ACCOUNT_COUNT) {
        return weft_account_class_of(kind);
    }
    enum weft_account_class account_class = weft_account_class_of_text(name->kind_class);
    return account_class == WEFT_ACCOUNT_CLASS_COUNT ? WEFT_ACCOUNT_CLASS_STORE : account_class;
}

void weft_ledger_name_read(const struct weft_ledger_name *name, struct weft_ledger_balance *out_balance)
{
    *out_balance = (struct weft_ledger_balance){
        .account = { .kind = weft_account_kind_of_text(name->kind),
                     .signal = name->signal,
                     .pipeline = name->pipeline,
                     .owner = name->owner,
                     .reason = weft_drop_reason_of_text(name->reason) },
        .kind_text = name->kind,
        .reason_text = name->reason,
        .account_class = weft_ledger_name_class(name),
    };
}

static const char overflow_owner[] = "(overflow)";

void weft_ledger_name_to_overflow(struct weft_ledger_name *name)
{
    weft_ledger_name_set(name->pipeline, sizeof name->pipeline, "");
    weft_ledger_name_set(name->owner, sizeof name->owner, overflow_owner);
}

bool weft_ledger_name_is_overflow(const struct weft_ledger_name *name)
{
    return name->pipeline[0] == '\0' && strcmp(name->owner, overflow_owner) == 0;
}

/* ---- flows ---- */

uint64_t weft_ledger_flow_pack(struct weft_ledger_flow_ends ends, uint32_t flow)
{
    uint32_t check = (uint32_t)(checksum_of(flow, &ends, sizeof ends) >> 16);
    return (uint64_t)(check == 0 ? 1 : check) << 32 | (uint64_t)ends.to << 16 | ends.from;
}

bool weft_ledger_flow_is_valid(uint64_t entry, uint32_t flow)
{
    return entry == weft_ledger_flow_pack(weft_ledger_flow_unpack(entry), flow);
}
