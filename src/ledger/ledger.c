/* The ledger in use: opening (with what a former process left), registration of flows, and the move. Registration is
 * any thread's, one at a time; a move is its worker's, on its own cells; snapshots (snapshot.c) read from any thread.
 * What is published, a table entry before its count and a move before a later one, is published by release stores. */
#include "ledger/internal.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/assert.h"

struct weft_ledger_worker *weft_ledger_worker_of(struct weft_ledger *ledger, uint32_t worker_index)
{
    weft_assert(worker_index < ledger->worker_count);
    return &ledger->workers[worker_index];
}

void weft_ledger_move(struct weft_ledger_worker *worker, weft_flow_id flow, uint64_t count)
{
    /* One writer: a load and a store, without the price of a locked add. Release, so that whoever sees this move sees
     * those that came before it. */
    _Atomic uint64_t *cell = &worker->cells[flow];
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + count, memory_order_release);
}

/* False when the table is full. */
static bool add_account(struct weft_ledger *ledger, const struct weft_account *account, uint16_t *out_index)
{
    struct weft_ledger_image *image = &ledger->image;
    struct weft_ledger_account_entry wanted;
    weft_ledger_account_entry_fill(&wanted, account);
    uint32_t count = atomic_load_explicit(&image->header->account_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        if (weft_ledger_account_entry_is_same(&image->accounts[i], &wanted)) {
            *out_index = (uint16_t)i;
            return true;
        }
    }
    if (count == WEFT_LEDGER_ACCOUNT_LIMIT) {
        return false;
    }
    wanted.checksum = weft_ledger_account_entry_checksum(&wanted, count);
    image->accounts[count] = wanted;
    atomic_store_explicit(&image->header->account_count, count + 1, memory_order_release);
    *out_index = (uint16_t)count;
    return true;
}

static bool add_flow(struct weft_ledger *ledger, const struct weft_account *from, const struct weft_account *to,
                     weft_flow_id *out_flow)
{
    struct weft_ledger_image *image = &ledger->image;
    struct weft_ledger_flow_entry wanted = { 0 };
    if (!add_account(ledger, from, &wanted.from) || !add_account(ledger, to, &wanted.to)) {
        return false;
    }
    uint32_t count = atomic_load_explicit(&image->header->flow_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        if (image->flows[i].from == wanted.from && image->flows[i].to == wanted.to) {
            *out_flow = (weft_flow_id)i;
            return true;
        }
    }
    if (count == WEFT_LEDGER_FLOW_LIMIT) {
        return false;
    }
    wanted.checksum = weft_ledger_flow_entry_checksum(&wanted, count);
    image->flows[count] = wanted;
    atomic_store_explicit(&image->header->flow_count, count + 1, memory_order_release);
    *out_flow = (weft_flow_id)count;
    return true;
}

weft_flow_id weft_ledger_flow(struct weft_ledger *ledger, const struct weft_account *from,
                              const struct weft_account *to)
{
    weft_assert(strcmp(from->signal, to->signal) == 0);
    weft_assert(weft_account_class_of(from->kind) != WEFT_ACCOUNT_CLASS_END);
    weft_assert(weft_account_class_of(to->kind) != WEFT_ACCOUNT_CLASS_SOURCE);
    weft_flow_id flow = 0;
    weft_mutex_lock(&ledger->registration);
    bool has_room = add_flow(ledger, from, to, &flow);
    weft_mutex_unlock(&ledger->registration);
    weft_assert(has_room);
    return flow;
}

/* The former totals become the past; what was in memory when the process ended is dropped(crash) with its owner.
 * False when the tables cannot hold it. */
static bool carry_over(struct weft_ledger *ledger, const struct weft_ledger_former *former)
{
    for (uint32_t i = 0; i < former->flow_count; i++) {
        struct weft_account from, to;
        weft_ledger_account_entry_read(&former->image.accounts[former->image.flows[i].from], &from);
        weft_ledger_account_entry_read(&former->image.accounts[former->image.flows[i].to], &to);
        weft_flow_id flow;
        if (former->totals[i] == 0) {
            continue; /* never used: registered again if it still exists */
        }
        if (!add_flow(ledger, &from, &to, &flow)) {
            return false;
        }
        ledger->image.past[flow] += former->totals[i];
    }
    for (uint32_t i = 0; i < former->account_count; i++) {
        struct weft_account from, to;
        weft_ledger_account_entry_read(&former->image.accounts[i], &from);
        to = from;
        to.kind = WEFT_ACCOUNT_DROPPED;
        to.reason = WEFT_DROP_CRASH;
        weft_flow_id flow;
        if (former->balances[i] == 0) {
            continue;
        }
        if (!add_flow(ledger, &from, &to, &flow)) {
            return false;
        }
        ledger->image.past[flow] += former->balances[i];
    }
    return true;
}

static enum weft_status read_former(struct weft_ledger *ledger, uint8_t *own_bytes, size_t size_bytes,
                                    struct weft_ledger_former *out_former, bool *out_is_found, struct weft_error *error)
{
    *out_is_found = false;
    if (own_bytes == NULL) {
        return WEFT_OK;
    }
    struct weft_error reason = WEFT_ERROR_NONE;
    enum weft_status status = weft_ledger_former_read(own_bytes, size_bytes, out_former, &reason);
    if (status == WEFT_INVALID) {
        weft_ledger_files_set_aside(&ledger->files, reason.text);
        return WEFT_OK;
    }
    if (status != WEFT_OK) {
        return weft_fail(error, status, "%s", reason.text);
    }
    *out_is_found = true;
    return WEFT_OK;
}

static enum weft_status open_in_directory(struct weft_ledger *ledger, const char *directory, struct weft_error *error)
{
    uint8_t *former_bytes = NULL;
    size_t former_size = 0;
    enum weft_status status = weft_ledger_files_open(directory, &ledger->files, &former_bytes, &former_size, error);
    if (status != WEFT_OK) {
        return status;
    }
    ledger->has_files = true;
    struct weft_ledger_former former = { 0 };
    bool is_found = false;
    status = read_former(ledger, former_bytes, former_size, &former, &is_found, error);
    uint8_t *mapping = NULL;
    size_t size_bytes = weft_ledger_image_size(ledger->worker_count);
    if (status == WEFT_OK) {
        status = weft_ledger_files_create(&ledger->files, size_bytes, &mapping, error);
    }
    if (status == WEFT_OK) {
        weft_ledger_image_point(&ledger->image, mapping, size_bytes);
        if (is_found && !carry_over(ledger, &former)) {
            weft_ledger_files_set_aside(&ledger->files, "more accounts and flows than a ledger holds");
            memset(mapping, 0, size_bytes - (size_t)ledger->worker_count * WEFT_LEDGER_FLOW_LIMIT * sizeof(uint64_t));
        }
        weft_ledger_image_seal(&ledger->image, ledger->worker_count);
        status = weft_ledger_files_commit(&ledger->files, error);
    }
    weft_ledger_former_fini(&former);
    return status;
}

static void open_in_memory(struct weft_ledger *ledger)
{
    size_t size_bytes = weft_ledger_image_size(ledger->worker_count);
    void *mapping = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    weft_assert(mapping != MAP_FAILED);
    weft_ledger_image_point(&ledger->image, mapping, size_bytes);
}

enum weft_status weft_ledger_open(const char *directory, uint32_t worker_count, struct weft_ledger **out_ledger,
                                  struct weft_error *error)
{
    weft_assert(worker_count > 0 && worker_count <= WEFT_LEDGER_WORKER_LIMIT);
    struct weft_ledger *ledger = weft_alloc(sizeof *ledger);
    ledger->worker_count = worker_count;
    weft_mutex_init(&ledger->registration);
    if (directory == NULL) {
        open_in_memory(ledger);
    } else {
        enum weft_status status = open_in_directory(ledger, directory, error);
        if (status != WEFT_OK) {
            weft_ledger_close(ledger);
            return status;
        }
    }
    ledger->workers = weft_alloc(worker_count * sizeof ledger->workers[0]);
    for (uint32_t i = 0; i < worker_count; i++) {
        ledger->workers[i].cells = ledger->image.cells + (size_t)i * WEFT_LEDGER_FLOW_LIMIT;
    }
    *out_ledger = ledger;
    return WEFT_OK;
}

void weft_ledger_close(struct weft_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    if (ledger->image.bytes != NULL) {
        munmap(ledger->image.bytes, ledger->image.size_bytes);
    }
    if (ledger->has_files) {
        weft_ledger_files_fini(&ledger->files);
    }
    weft_mutex_fini(&ledger->registration);
    weft_free(ledger->workers);
    weft_free(ledger);
}
