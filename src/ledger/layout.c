/* The layout of ledger.weft (layout.h): where its parts lie, how entries are written and what makes them valid.
 * Called by ledger.c on the mapped file and by former.c on a copy of the file that a former process left. */
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

static size_t past_offset(void)
{
    return flows_offset() + page_aligned(WEFT_LEDGER_FLOW_LIMIT * sizeof(struct weft_ledger_flow_entry));
}

static size_t cells_offset(void)
{
    return past_offset() + page_aligned(CELL_BLOCK_BYTES);
}

size_t weft_ledger_image_size(uint32_t worker_count)
{
    return cells_offset() + (size_t)worker_count * page_aligned(CELL_BLOCK_BYTES);
}

void weft_ledger_image_point(struct weft_ledger_image *image, uint8_t *bytes, size_t size_bytes)
{
    _Static_assert(CELL_BLOCK_BYTES % WEFT_LEDGER_PAGE_BYTES == 0, "blocks of cells are whole pages");
    _Static_assert(sizeof(struct weft_ledger_header) <= WEFT_LEDGER_PAGE_BYTES, "the header is one page");
    *image = (struct weft_ledger_image){
        .bytes = bytes,
        .size_bytes = size_bytes,
        .header = (void *)bytes,
        .accounts = (void *)(bytes + accounts_offset()),
        .flows = (void *)(bytes + flows_offset()),
        .past = (void *)(bytes + past_offset()),
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

static uint64_t header_checksum(const struct weft_ledger_header *header)
{
    return checksum_of(0, header, offsetof(struct weft_ledger_header, checksum));
}

void weft_ledger_image_seal(struct weft_ledger_image *image, uint32_t worker_count)
{
    struct weft_ledger_header *header = image->header;
    memcpy(header->magic, magic, sizeof magic);
    header->version = WEFT_LEDGER_VERSION;
    header->worker_count = worker_count;
    header->past_count = atomic_load_explicit(&header->flow_count, memory_order_relaxed);
    header->past_checksum = checksum_of(0, image->past, header->past_count * sizeof image->past[0]);
    header->checksum = header_checksum(header);
}

enum weft_status weft_ledger_image_check(const struct weft_ledger_image *image, struct weft_error *error)
{
    const struct weft_ledger_header *header = image->header;
    if (memcmp(header->magic, magic, sizeof magic) != 0) {
        return weft_fail(error, WEFT_INVALID, "not a ledger");
    }
    if (header->version != WEFT_LEDGER_VERSION) {
        return weft_fail(error, WEFT_INVALID, "version %u, this program writes %u", header->version,
                         WEFT_LEDGER_VERSION);
    }
    if (header->checksum != header_checksum(header) || header->worker_count == 0 ||
        header->worker_count > WEFT_LEDGER_WORKER_LIMIT || header->past_count > WEFT_LEDGER_FLOW_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the header is damaged");
    }
    if (image->size_bytes != weft_ledger_image_size(header->worker_count)) {
        return weft_fail(error, WEFT_INVALID, "%zu bytes long, expected %zu", image->size_bytes,
                         weft_ledger_image_size(header->worker_count));
    }
    if (header->past_checksum != checksum_of(0, image->past, header->past_count * sizeof image->past[0])) {
        return weft_fail(error, WEFT_INVALID, "the totals of the past are damaged");
    }
    return WEFT_OK;
}

static void fit_text(char *out_text, size_t capacity, const char *text)
{
    size_t length = strlen(text);
    if (length < capacity) {
        memcpy(out_text, text, length);
        return;
    }
    enum { HASH_BYTES = 9 };
    size_t kept = capacity - 1 - HASH_BYTES;
    memcpy(out_text, text, kept);
    snprintf(out_text + kept, HASH_BYTES + 1, "~%08x", (unsigned)checksum_of(0, text, length));
}

void weft_ledger_account_entry_fill(struct weft_ledger_account_entry *out_entry, const struct weft_account *account)
{
    memset(out_entry, 0, sizeof *out_entry);
    out_entry->kind = (uint8_t)account->kind;
    out_entry->reason = (uint8_t)account->reason;
    fit_text(out_entry->signal, sizeof out_entry->signal, account->signal);
    fit_text(out_entry->pipeline, sizeof out_entry->pipeline, account->pipeline);
    fit_text(out_entry->owner, sizeof out_entry->owner, account->owner);
}

enum { CHECKED_OFFSET = offsetof(struct weft_ledger_account_entry, kind) };

bool weft_ledger_account_entry_is_same(const struct weft_ledger_account_entry *left,
                                       const struct weft_ledger_account_entry *right)
{
    return memcmp((const char *)left + CHECKED_OFFSET, (const char *)right + CHECKED_OFFSET,
                  sizeof *left - CHECKED_OFFSET) == 0;
}

void weft_ledger_account_entry_read(const struct weft_ledger_account_entry *entry, struct weft_account *out_account)
{
    *out_account = (struct weft_account){
        .kind = (enum weft_account_kind)entry->kind,
        .signal = entry->signal,
        .pipeline = entry->pipeline,
        .owner = entry->owner,
        .reason = (enum weft_drop_reason)entry->reason,
    };
}

uint64_t weft_ledger_account_entry_checksum(const struct weft_ledger_account_entry *entry, size_t index)
{
    return checksum_of(index + 1, (const char *)entry + CHECKED_OFFSET, sizeof *entry - CHECKED_OFFSET);
}

uint32_t weft_ledger_flow_entry_checksum(const struct weft_ledger_flow_entry *entry, size_t index)
{
    uint32_t sum = (uint32_t)(checksum_of(index + 1, entry, offsetof(struct weft_ledger_flow_entry, checksum)) >> 16);
    return sum == 0 ? 1 : sum;
}

enum weft_account_class weft_account_class_of(enum weft_account_kind kind)
{
    static const enum weft_account_class classes[] = {
#define ACCOUNT_CLASS(name, text, class) [WEFT_ACCOUNT_##name] = WEFT_ACCOUNT_CLASS_##class,
        WEFT_ACCOUNT_ROWS(ACCOUNT_CLASS)
#undef ACCOUNT_CLASS
    };
    weft_assert((size_t)kind < WEFT_COUNT_OF(classes));
    return classes[kind];
}
