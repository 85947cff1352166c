/* Opening the ledger: the file of a former process is gone on with in place, so that a restart needs no room; where
 * there is none, or it is of another version or damaged, a new one takes its name when it is whole; where the disk does
 * not let weft keep a file, memory does. Whatever kills the process on the way, the next one finds a valid file. */
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "ledger/fault.h"
#include "ledger/internal.h"

static enum weft_status map_memory(struct weft_ledger_image *out_image, uint32_t block_count, struct weft_error *error)
{
    size_t size_bytes = weft_ledger_image_size(block_count);
    void *mapping = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return weft_fail(error, WEFT_NOMEM, "no memory for the ledger");
    }
    weft_ledger_image_point(out_image, mapping, size_bytes);
    return WEFT_OK;
}

/* Both images, empty; descriptor -1: the file's, too, is memory. */
static enum weft_status map_images(struct weft_ledger *ledger, int descriptor, uint32_t block_count,
                                   struct weft_error *error)
{
    ledger->block_count = block_count;
    enum weft_status status = map_memory(&ledger->live, block_count, error);
    if (status == WEFT_OK && descriptor < 0) {
        status = map_memory(&ledger->file, block_count, error);
    } else if (status == WEFT_OK) {
        uint8_t *mapping = NULL;
        size_t size_bytes = weft_ledger_image_size(block_count);
        status = weft_ledger_files_map(descriptor, size_bytes, &mapping, error);
        if (status == WEFT_OK) {
            weft_ledger_image_point(&ledger->file, mapping, size_bytes);
            ledger->guard = weft_ledger_guard(mapping, size_bytes);
        }
    }
    if (status == WEFT_OK) {
        atomic_store_explicit(&ledger->live.header->flow_count, 1, memory_order_relaxed); /* 0 is WEFT_FLOW_NONE */
        for (uint32_t i = 0; i < ledger->worker_count; i++) {
            ledger->workers[i].cells = ledger->live.cells + (size_t)i * WEFT_LEDGER_FLOW_LIMIT;
            ledger->workers[i].words = ledger->file.cells + (size_t)i * WEFT_LEDGER_FLOW_LIMIT;
        }
    }
    return status;
}

static void unmap_images(struct weft_ledger *ledger)
{
    weft_ledger_unguard(ledger->guard);
    ledger->guard = -1;
    if (ledger->live.bytes != NULL) {
        munmap(ledger->live.bytes, ledger->live.size_bytes);
    }
    if (ledger->file.bytes != NULL) {
        munmap(ledger->file.bytes, ledger->file.size_bytes);
    }
    ledger->live = ledger->file = (struct weft_ledger_image){ 0 };
    ledger->account_capacity = ledger->flow_capacity = 0;
    ledger->crash_move_count = 0;
}

/* ---- the present file, gone on with ---- */

/* Blocks of cells for more workers than any process before had: empty, then counted. */
static void add_blocks(struct weft_ledger *ledger, uint32_t from, uint32_t flow_count)
{
    for (uint32_t worker = from; worker < ledger->block_count; worker++) {
        for (uint32_t i = 1; i < flow_count; i++) {
            atomic_store_explicit(&ledger->file.cells[(size_t)worker * WEFT_LEDGER_FLOW_LIMIT + i],
                                  weft_ledger_word(0, i), memory_order_relaxed);
        }
    }
    atomic_store_explicit(&ledger->file.header->worker_count,
                          weft_ledger_word(ledger->block_count, WEFT_LEDGER_WORKER_COUNT_POSITION),
                          memory_order_release);
}

static enum weft_status adopt_mapped(struct weft_ledger *ledger, uint32_t account_count, uint32_t flow_count,
                                     uint32_t worker_count, struct weft_error *error)
{
    enum weft_status status = weft_ledger_load(ledger, account_count, flow_count, worker_count, error);
    if (status != WEFT_NOMEM && weft_ledger_guard_has_faulted(ledger->guard)) {
        status = weft_fail(error, WEFT_INVALID, "cut, or not readable");
    }
    if (status == WEFT_OK && worker_count < ledger->block_count) {
        status = weft_ledger_files_extend(ledger->files.descriptor, ledger->file.size_bytes, error);
    }
    if (status == WEFT_OK) {
        status = weft_ledger_reserve(ledger, ledger->files.descriptor, account_count, flow_count, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (worker_count < ledger->block_count) {
        add_blocks(ledger, worker_count, flow_count);
    }
    weft_ledger_free_unused(ledger);
    return weft_ledger_carry_over(ledger, error);
}

static enum weft_status adopt(struct weft_ledger *ledger, const struct weft_ledger_header *header, size_t size_bytes,
                              struct weft_error *error)
{
    uint32_t account_count, flow_count, worker_count;
    enum weft_status status = weft_ledger_header_check(header, &account_count, &flow_count, &worker_count, error);
    if (status == WEFT_OK && size_bytes < weft_ledger_image_size(worker_count)) {
        status = weft_fail(error, WEFT_INVALID, "truncated to %zu bytes", size_bytes);
    }
    if (status == WEFT_OK) {
        status = map_images(ledger, ledger->files.descriptor,
                            worker_count > ledger->worker_count ? worker_count : ledger->worker_count, error);
    }
    if (status == WEFT_OK) {
        status = adopt_mapped(ledger, account_count, flow_count, worker_count, error);
    }
    if (status != WEFT_OK) {
        unmap_images(ledger);
    }
    return status;
}

/* ---- a new file ---- */

/* own_former: the bytes of a file of version 1, or NULL. */
static enum weft_status fill_new(struct weft_ledger *ledger, uint8_t *own_former, size_t former_size,
                                 struct weft_error *error)
{
    int descriptor = ledger->files.descriptor_new;
    size_t size_bytes = weft_ledger_image_size(ledger->worker_count);
    enum weft_status status = weft_ledger_files_extend(descriptor, size_bytes, error);
    if (status == WEFT_OK) {
        status = weft_ledger_files_reserve(descriptor, 0, WEFT_LEDGER_PAGE_BYTES, error);
    }
    if (status == WEFT_OK) {
        status = map_images(ledger, descriptor, ledger->worker_count, error);
    }
    if (status == WEFT_OK) {
        weft_ledger_header_seal(ledger->file.header, ledger->worker_count);
        status = weft_ledger_reserve(ledger, descriptor, 0, 1, error);
    }
    if (status != WEFT_OK || own_former == NULL) {
        weft_free(own_former);
        return status;
    }
    /* Growth goes to the file that is being written. */
    int present = ledger->files.descriptor;
    ledger->files.descriptor = descriptor;
    status = weft_ledger_former_v1_book(ledger, own_former, former_size, error);
    if (status == WEFT_OK) {
        status = weft_ledger_carry_over(ledger, error);
    }
    ledger->files.descriptor = present;
    return status;
}

/* reason: why the present file is set aside; NULL: it is not. */
static enum weft_status replace(struct weft_ledger *ledger, uint8_t *own_former, size_t former_size, const char *reason,
                                struct weft_error *error)
{
    enum weft_status status = weft_ledger_files_create(&ledger->files, error);
    if (status != WEFT_OK) {
        weft_free(own_former);
        return status;
    }
    status = fill_new(ledger, own_former, former_size, error);
    if (status == WEFT_OK) {
        if (reason != NULL) {
            weft_ledger_files_set_aside(&ledger->files, reason);
        }
        status = weft_ledger_files_publish(&ledger->files, error);
    }
    if (status != WEFT_OK) {
        unmap_images(ledger);
        weft_ledger_files_discard(&ledger->files);
    }
    return status;
}

static enum weft_status take_former(struct weft_ledger *ledger, struct weft_error *error)
{
    size_t size_bytes = 0;
    enum weft_status status = weft_ledger_files_size(&ledger->files, &size_bytes, error);
    if (status == WEFT_OK && size_bytes < sizeof(struct weft_ledger_header)) {
        return weft_fail(error, WEFT_INVALID, "truncated to %zu bytes", size_bytes);
    }
    uint8_t *bytes = NULL;
    if (status == WEFT_OK) {
        status = weft_ledger_files_read(&ledger->files, sizeof(struct weft_ledger_header), &bytes, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_ledger_header header;
    memcpy(&header, bytes, sizeof header);
    weft_free(bytes);
    if (!weft_ledger_former_v1_is(&header)) {
        return adopt(ledger, &header, size_bytes, error);
    }
    if (size_bytes > weft_ledger_former_v1_largest()) {
        return weft_fail(error, WEFT_INVALID, "%zu bytes long", size_bytes);
    }
    status = weft_ledger_files_read(&ledger->files, size_bytes, &bytes, error);
    return status == WEFT_OK ? replace(ledger, bytes, size_bytes, NULL, error) : status;
}

static enum weft_status open_in_directory(struct weft_ledger *ledger, const char *directory, struct weft_error *error)
{
    enum weft_status status = weft_ledger_files_open(directory, &ledger->files, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (ledger->files.descriptor < 0) {
        return replace(ledger, NULL, 0, NULL, error);
    }
    struct weft_error reason = WEFT_ERROR_NONE;
    status = take_former(ledger, &reason);
    if (status == WEFT_INVALID) {
        status = replace(ledger, NULL, 0, reason.text, error);
        return status == WEFT_OK ? status : weft_fail_prefix(error, "ledger.weft does not read back (%s)", reason.text);
    }
    return status == WEFT_OK ? status : weft_fail(error, status, "%s", reason.text);
}

static enum weft_status open_in_memory(struct weft_ledger *ledger, struct weft_error *error)
{
    ledger->account_capacity = WEFT_LEDGER_ACCOUNT_LIMIT;
    ledger->flow_capacity = WEFT_LEDGER_FLOW_LIMIT;
    return map_images(ledger, -1, ledger->worker_count, error);
}

/* What the audit of this process has nothing to do with. */
static enum weft_status remember_past(struct weft_ledger *ledger, struct weft_error *error)
{
    ledger->past_count = (uint32_t)atomic_load_explicit(&ledger->live.header->flow_count, memory_order_relaxed);
    for (uint32_t i = 0; i < ledger->worker_count; i++) {
        struct weft_ledger_worker *worker = &ledger->workers[i];
        worker->past = weft_try_alloc(ledger->past_count * sizeof worker->past[0]);
        if (worker->past == NULL) {
            return weft_fail(error, WEFT_NOMEM, "no memory for the ledger");
        }
        for (uint32_t flow = 0; flow < ledger->past_count; flow++) {
            worker->past[flow] = atomic_load_explicit(&worker->cells[flow], memory_order_relaxed);
        }
    }
    return WEFT_OK;
}

static void use_memory(struct weft_ledger *ledger, const char *directory, const struct weft_error *reason)
{
    weft_ledger_files_fini(&ledger->files);
    weft_fail(&ledger->memory_reason, WEFT_IO, "counts are kept in memory and end with the process: %s", reason->text);
    weft_log(WARN, "ledger.in_memory", "the ledger has no file", WEFT_LOG_STRING("directory", directory),
             WEFT_LOG_STRING("reason", ledger->memory_reason.text));
}

enum weft_status weft_ledger_open(const char *directory, uint32_t worker_count, struct weft_ledger **out_ledger,
                                  struct weft_error *error)
{
    weft_assert(worker_count > 0 && worker_count <= WEFT_LEDGER_WORKER_LIMIT);
    struct weft_ledger *ledger = weft_alloc(sizeof *ledger);
    ledger->worker_count = worker_count;
    ledger->workers = weft_alloc(worker_count * sizeof ledger->workers[0]);
    ledger->files = (struct weft_ledger_files){ .descriptor = -1, .descriptor_new = -1 };
    ledger->guard = -1;
    weft_mutex_init(&ledger->registration);
    struct weft_error reason = WEFT_ERROR_NONE;
    enum weft_status status = directory == NULL ? WEFT_OK : open_in_directory(ledger, directory, &reason);
    if (status != WEFT_OK && status != WEFT_IO) {
        weft_fail(error, status, "%s", reason.text);
        weft_ledger_close(ledger);
        return status;
    }
    if (status == WEFT_IO) {
        use_memory(ledger, directory, &reason);
    }
    if (ledger->live.bytes == NULL) {
        status = open_in_memory(ledger, error);
    }
    status = status == WEFT_OK ? remember_past(ledger, error) : status;
    if (status != WEFT_OK) {
        weft_ledger_close(ledger);
        return status;
    }
    *out_ledger = ledger;
    return WEFT_OK;
}

void weft_ledger_close(struct weft_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    unmap_images(ledger);
    weft_free(ledger->crash_moves);
    weft_ledger_files_fini(&ledger->files);
    weft_mutex_fini(&ledger->registration);
    for (uint32_t i = 0; i < ledger->worker_count; i++) {
        weft_free(ledger->workers[i].past);
    }
    weft_free(ledger->workers);
    weft_free(ledger);
}
