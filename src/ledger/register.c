/* Registration: accounts and flows get their numbers, in memory and in the file, and their room on disk. Called under
 * the registration lock while workers move and others read: an entry is written before what refers to it. */
#include "base/assert.h"
#include "ledger/internal.h"

enum { LEAST_ACCOUNTS = 512, LEAST_FLOWS = 2048 };
_Static_assert((int)LEAST_ACCOUNTS > (int)WEFT_LEDGER_RESERVED_ACCOUNTS &&
                   (int)LEAST_FLOWS > (int)WEFT_LEDGER_RESERVED_FLOWS,
               "there is room for others than shared flows");

static uint32_t smaller(uint32_t left, uint32_t right)
{
    return left < right ? left : right;
}

/* So much that room for others than shared flows is left. */
static uint32_t grown(uint32_t capacity, uint32_t wanted, uint32_t limit)
{
    while (capacity <= wanted) {
        capacity *= 2;
    }
    return smaller(capacity, limit);
}

static enum weft_status reserve_part(struct weft_ledger *ledger, int descriptor, const volatile void *start,
                                     size_t length, struct weft_error *error)
{
    return weft_ledger_files_reserve(descriptor, weft_ledger_image_offset(&ledger->file, start), length, error);
}

static enum weft_status reserve_accounts(struct weft_ledger *ledger, int descriptor, uint32_t capacity,
                                         struct weft_error *error)
{
    enum weft_status status =
        reserve_part(ledger, descriptor, ledger->file.accounts, capacity * sizeof ledger->file.accounts[0], error);
    if (status == WEFT_OK) {
        ledger->account_capacity = capacity;
    }
    return status;
}

static enum weft_status reserve_flows(struct weft_ledger *ledger, int descriptor, uint32_t capacity,
                                      struct weft_error *error)
{
    size_t length = capacity * sizeof(uint64_t);
    enum weft_status status = reserve_part(ledger, descriptor, ledger->file.flows, length, error);
    for (uint32_t i = 0; i < ledger->block_count && status == WEFT_OK; i++) {
        status =
            reserve_part(ledger, descriptor, ledger->file.cells + (size_t)i * WEFT_LEDGER_FLOW_LIMIT, length, error);
    }
    if (status == WEFT_OK) {
        ledger->flow_capacity = capacity;
    }
    return status;
}

enum weft_status weft_ledger_reserve(struct weft_ledger *ledger, int descriptor, uint32_t account_count,
                                     uint32_t flow_count, struct weft_error *error)
{
    uint32_t accounts = grown(LEAST_ACCOUNTS, account_count + WEFT_LEDGER_RESERVED_ACCOUNTS, WEFT_LEDGER_ACCOUNT_LIMIT);
    uint32_t flows = grown(LEAST_FLOWS, flow_count + WEFT_LEDGER_RESERVED_FLOWS, WEFT_LEDGER_FLOW_LIMIT);
    enum weft_status status = reserve_accounts(ledger, descriptor, accounts, error);
    while (status != WEFT_OK && accounts > LEAST_ACCOUNTS && accounts / 2 >= account_count) {
        accounts /= 2;
        status = reserve_accounts(ledger, descriptor, accounts, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    status = reserve_flows(ledger, descriptor, flows, error);
    while (status != WEFT_OK && flows > LEAST_FLOWS && flows / 2 >= flow_count) {
        flows /= 2;
        status = reserve_flows(ledger, descriptor, flows, error);
    }
    return status;
}

/* ---- accounts ---- */

/* A table has `room` entries that are free and have blocks; `reserved` must be left. Grows the table if it must. */
static bool has_account_room(struct weft_ledger *ledger, uint32_t room, uint32_t reserved)
{
    if (room > reserved) {
        return true;
    }
    uint32_t capacity = smaller(ledger->account_capacity * 2, WEFT_LEDGER_ACCOUNT_LIMIT);
    return reserved > 0 && room + (capacity - ledger->account_capacity) > reserved &&
           reserve_accounts(ledger, ledger->files.descriptor, capacity, NULL) == WEFT_OK;
}

static void put_account(struct weft_ledger_account_entry *entry, const struct weft_ledger_name *name, uint64_t checksum)
{
    entry->name = *name;
    atomic_store_explicit(&entry->checksum, checksum, memory_order_release);
}

/* reserved: the room that must be left. */
static bool add_account(struct weft_ledger *ledger, const struct weft_ledger_name *name, uint32_t reserved,
                        uint16_t *out_index)
{
    const struct weft_ledger_account_entry *entries = ledger->live.accounts;
    uint64_t checksum = weft_ledger_name_checksum(name);
    uint32_t count = (uint32_t)atomic_load_explicit(&ledger->live.header->account_count, memory_order_relaxed);
    uint32_t index = count;
    uint32_t room = ledger->account_capacity - count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t found = atomic_load_explicit(&entries[i].checksum, memory_order_relaxed);
        if (found == checksum && weft_ledger_name_is_same(&entries[i].name, name)) {
            *out_index = (uint16_t)i;
            return true;
        }
        room += found == 0;
        index = found == 0 && index == count ? i : index;
    }
    if (!has_account_room(ledger, room, reserved)) {
        return false;
    }
    put_account(&ledger->file.accounts[index], name, checksum);
    put_account(&ledger->live.accounts[index], name, checksum);
    if (index == count) {
        atomic_store_explicit(&ledger->file.header->account_count,
                              weft_ledger_word(count + 1, WEFT_LEDGER_ACCOUNT_COUNT_POSITION), memory_order_release);
        atomic_store_explicit(&ledger->live.header->account_count, count + 1, memory_order_release);
    }
    *out_index = (uint16_t)index;
    return true;
}

/* ---- flows ---- */

static bool has_flow_room(struct weft_ledger *ledger, uint32_t room, uint32_t reserved)
{
    if (room > reserved) {
        return true;
    }
    uint32_t capacity = smaller(ledger->flow_capacity * 2, WEFT_LEDGER_FLOW_LIMIT);
    return reserved > 0 && room + (capacity - ledger->flow_capacity) > reserved &&
           reserve_flows(ledger, ledger->files.descriptor, capacity, NULL) == WEFT_OK;
}

static void put_flow(struct weft_ledger *ledger, uint32_t flow, uint64_t entry, bool is_counted)
{
    for (uint32_t i = 0; i < ledger->block_count; i++) {
        atomic_store_explicit(&ledger->file.cells[(size_t)i * WEFT_LEDGER_FLOW_LIMIT + flow], weft_ledger_word(0, flow),
                              memory_order_relaxed);
    }
    atomic_store_explicit(&ledger->file.flows[flow], entry, memory_order_release);
    atomic_store_explicit(&ledger->live.flows[flow], entry, memory_order_release);
    if (!is_counted) {
        atomic_store_explicit(&ledger->file.header->flow_count,
                              weft_ledger_word(flow + 1, WEFT_LEDGER_FLOW_COUNT_POSITION), memory_order_release);
        atomic_store_explicit(&ledger->live.header->flow_count, flow + 1, memory_order_release);
    }
}

bool weft_ledger_add_flow(struct weft_ledger *ledger, const struct weft_ledger_name *from,
                          const struct weft_ledger_name *to, bool is_shared, weft_flow_id *out_flow)
{
    struct weft_ledger_flow_ends ends;
    uint32_t reserved_accounts = is_shared ? 0 : WEFT_LEDGER_RESERVED_ACCOUNTS;
    if (!add_account(ledger, from, reserved_accounts, &ends.from) ||
        !add_account(ledger, to, reserved_accounts, &ends.to)) {
        return false;
    }
    uint32_t count = (uint32_t)atomic_load_explicit(&ledger->live.header->flow_count, memory_order_relaxed);
    uint32_t room = ledger->flow_capacity - count;
    uint32_t flow = count;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed);
        struct weft_ledger_flow_ends found = weft_ledger_flow_unpack(entry);
        if (entry != 0 && found.from == ends.from && found.to == ends.to) {
            *out_flow = (weft_flow_id)i;
            return true;
        }
        room += entry == 0;
        flow = entry == 0 && flow == count ? i : flow;
    }
    if (!has_flow_room(ledger, room, is_shared ? 0 : WEFT_LEDGER_RESERVED_FLOWS)) {
        return false;
    }
    put_flow(ledger, flow, weft_ledger_flow_pack(ends, flow), flow < count);
    *out_flow = (weft_flow_id)flow;
    return true;
}

weft_flow_id weft_ledger_register(struct weft_ledger *ledger, const struct weft_account *from,
                                  const struct weft_account *to)
{
    struct weft_ledger_name from_name;
    struct weft_ledger_name to_name;
    weft_ledger_name_fill(&from_name, from);
    weft_ledger_name_fill(&to_name, to);
    weft_flow_id flow = WEFT_FLOW_NONE;
    if (weft_ledger_add_flow(ledger, &from_name, &to_name, false, &flow)) {
        return flow;
    }
    weft_atomic_add(&ledger->overflowed, 1);
    weft_ledger_name_to_overflow(&from_name);
    weft_ledger_name_to_overflow(&to_name);
    bool has_room = weft_ledger_add_flow(ledger, &from_name, &to_name, true, &flow);
    weft_assert(has_room); /* reserved for all that there can be */
    return flow;
}
