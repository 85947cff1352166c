#pragma once

#include "base/thread.h"
#include "ledger/files.h"
#include "ledger/layout.h"

/* What the files of the ledger share.
 *
 * There are two images of the same layout. `live` is memory: cells are plain totals, and everything that reads (moves,
 * snapshots, audit) reads there. `file` is written only, once the ledger is open: the mapped ledger.weft with checked
 * words, or, without a file, more memory. So nothing that happens to the file can change what this process counts. */
struct weft_ledger_worker {
    _Atomic uint64_t *cells; /* live; one per flow */
    _Atomic uint64_t *words; /* file; one per flow */
    uint64_t *past;          /* this block's totals at the opening, for the first past_count flows */
};

/* A balance that a former process left in memory, moved at the opening. */
struct weft_ledger_crash_move {
    weft_flow_id flow;
    uint64_t count;
};

struct weft_ledger {
    struct weft_ledger_image live;
    struct weft_ledger_image file;
    struct weft_ledger_worker *workers;
    uint32_t worker_count;
    uint32_t block_count; /* blocks of cells: a former process may have had more workers */
    uint32_t past_count;
    struct weft_ledger_crash_move *crash_moves;
    size_t crash_move_count, crash_move_capacity;
    struct weft_mutex registration;                  /* a reload's graphs register on all workers at once; */
    uint32_t account_capacity, flow_capacity;        /* it guards these: entries that have room on disk */
    struct weft_ledger_files files;                  /* descriptor -1: memory only */
    int guard;                                       /* fault.h; -1: none */
    struct weft_error memory_reason;                 /* why there is no file although one was wanted; OK otherwise */
    struct weft_atomic_u64 overflowed;               /* registrations that had to share */
    struct weft_atomic_u64 is_cut, is_overflow_told; /* 0 or 1 */
};

/* ---- register.c ---- */

enum {
    /* Room that only shared flows may take: for three signals, from each kind into each kind or reason. */
    WEFT_LEDGER_SIGNALS = 3,
    WEFT_LEDGER_RESERVED_ACCOUNTS = WEFT_LEDGER_SIGNALS * (WEFT_ACCOUNT_COUNT + WEFT_DROP_COUNT),
    WEFT_LEDGER_RESERVED_FLOWS = WEFT_LEDGER_SIGNALS * WEFT_ACCOUNT_COUNT * (WEFT_ACCOUNT_COUNT + WEFT_DROP_COUNT),
};

/* Blocks for so many entries and for those to come; where the disk is full, what the file has already is enough.
 * WEFT_IO. */
enum weft_status weft_ledger_reserve(struct weft_ledger *ledger, int descriptor, uint32_t account_count,
                                     uint32_t flow_count, struct weft_error *error) WEFT_MUST_CHECK;

/* The flow's number, registered if it is new. False if there is no room; what a shared flow may take is left to those.
 * Registration lock held, or nobody else there yet. */
bool weft_ledger_add_flow(struct weft_ledger *ledger, const struct weft_ledger_name *from,
                          const struct weft_ledger_name *to, bool is_shared, weft_flow_id *out_flow);

/* The same, but where there is no room it is shared. */
weft_flow_id weft_ledger_register(struct weft_ledger *ledger, const struct weft_account *from,
                                  const struct weft_account *to);

/* ---- recover.c: what the file's image says, into the live one ---- */

/* Proves that the file can be believed and fills the live image; writes nothing to the file. WEFT_INVALID with the
 * reason: to be set aside; WEFT_NOMEM. */
enum weft_status weft_ledger_load(struct weft_ledger *ledger, uint32_t account_count, uint32_t flow_count,
                                  uint32_t worker_count, struct weft_error *error) WEFT_MUST_CHECK;

/* Frees in the file what the live image has forgotten: flows that never counted anything, accounts without flows. */
void weft_ledger_free_unused(struct weft_ledger *ledger);

/* What memory accounts hold is dropped(crash), each with one move. */
enum weft_status weft_ledger_carry_over(struct weft_ledger *ledger, struct weft_error *error) WEFT_MUST_CHECK;

/* ---- former_v1.c ---- */

bool weft_ledger_former_v1_is(const struct weft_ledger_header *header);
size_t weft_ledger_former_v1_largest(void);

/* Checks a file of version 1, takes its bytes over, and books its totals in a ledger without accounts. WEFT_INVALID
 * with the reason. */
enum weft_status weft_ledger_former_v1_book(struct weft_ledger *ledger, uint8_t *own_bytes, size_t size_bytes,
                                            struct weft_error *error) WEFT_MUST_CHECK;
