#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

/* The double-entry ledger. An account is a place where records are; a flow is an ordered pair of accounts; a move
 * increments exactly one monotone counter. A balance is inflow minus outflow, so every snapshot balances. Counters
 * live in one file mapping per process, one block of cells per worker (single writer each), and outlive kill -9:
 * the next start moves what was in memory accounts to dropped(crash).
 *
 *   offered + copied = in_flight + buffered + queued + sent + rejected + dropped(reason) + refused
 *   accepted = offered - refused
 *
 * `offered` and `copied` are where records come from: a receiver's client, and a fan-out's extra copies. `refused`
 * takes back what a pipeline did not take, within the same tick, so that accepted is what the client was told. */
#define WEFT_ACCOUNT_ROWS(ROW)                                                                 \
    ROW(OFFERED, "offered", SOURCE)     /* owner: receiver */                                  \
    ROW(COPIED, "copied", SOURCE)       /* owner: pipeline (its fan-out) or receiver */        \
    ROW(IN_FLIGHT, "in_flight", MEMORY) /* owner: pipeline */                                  \
    ROW(BUFFERED, "buffered", MEMORY)   /* owner: processor */                                 \
    ROW(QUEUED, "queued", MEMORY)       /* owner: exporter */                                  \
    ROW(SENT, "sent", END)              /* owner: exporter */                                  \
    ROW(REJECTED, "rejected", END)      /* owner: exporter; by the backend, for good */        \
    ROW(DROPPED, "dropped", END)        /* owner: the component that dropped; with a reason */ \
    ROW(REFUSED, "refused", END)        /* owner: receiver; never was accepted */              \
    ROW(UNCOPIED, "uncopied", END) /* owner: as COPIED; the copy was refused after another branch was refused too */

enum weft_account_kind {
#define WEFT_ACCOUNT_ENUM(name, text, class) WEFT_ACCOUNT_##name,
    WEFT_ACCOUNT_ROWS(WEFT_ACCOUNT_ENUM)
#undef WEFT_ACCOUNT_ENUM
};

enum weft_account_class { WEFT_ACCOUNT_CLASS_SOURCE, WEFT_ACCOUNT_CLASS_MEMORY, WEFT_ACCOUNT_CLASS_END };

/* Why records were dropped. Each row: name, text, whether a ticket that ends so is OK. */
#define WEFT_DROP_ROWS(ROW)                                                                                    \
    ROW(NONE, "", true)                                                                                        \
    ROW(QUEUE_FULL, "queue_full", false)                                                                       \
    ROW(RETRIES_EXHAUSTED, "retries_exhausted", false)                                                         \
    ROW(UNCONFIRMED, "unconfirmed", false)               /* given up after an attempt whose answer was lost */ \
    ROW(REFUSED_DOWNSTREAM, "refused_downstream", false) /* a timer-driven flush was refused */                \
    ROW(OUT_OF_MEMORY, "out_of_memory", false)                                                                 \
    ROW(SHUTDOWN, "shutdown", false)                                                                           \
    ROW(RELOAD, "reload", false)                                                                               \
    ROW(CRASH, "crash", false)

enum weft_drop_reason {
#define WEFT_DROP_ENUM(name, text, is_ok) WEFT_DROP_##name,
    WEFT_DROP_ROWS(WEFT_DROP_ENUM)
#undef WEFT_DROP_ENUM
};

const char *weft_drop_reason_text(enum weft_drop_reason reason);
const char *weft_account_kind_text(enum weft_account_kind kind);

enum {
    WEFT_ACCOUNT_OWNER_BYTES = 160, /* pipeline and owner; longer ones are cut and end in a hash */
    WEFT_LEDGER_FLOW_LIMIT = 4096,  /* flows of this process and of the former ones in the same file */
};

/* One account: (kind, signal, pipeline, owner, reason) is its identity, across restarts too. signal is an opaque small
 * number with a name given at registration. */
struct weft_account {
    enum weft_account_kind kind;
    const char *signal;           /* "traces" */
    const char *pipeline;         /* "traces/default"; "" where an exporter is shared by pipelines */
    const char *owner;            /* "otlp/backend"; "" for in_flight */
    enum weft_drop_reason reason; /* DROPPED only */
};

typedef uint16_t weft_flow_id;

struct weft_ledger;        /* process-wide; registration and snapshots */
struct weft_ledger_worker; /* one worker's cells */

/* directory: where ledger.weft lives (created); NULL = memory only (counters then do not outlive the process). A
 * file locked by a live process: WEFT_CLOSED. A file that does not read back is set aside as ledger.weft.bad and
 * logged. Balances that a former process left in memory accounts are moved to dropped(crash) here. */
enum weft_status weft_ledger_open(const char *directory, uint32_t worker_count, struct weft_ledger **out_ledger,
                                  struct weft_error *error) WEFT_MUST_CHECK;
void weft_ledger_close(struct weft_ledger *ledger);

/* Registers a flow, or finds it. Start and reload only (any thread, safe while workers move: cells are reserved ahead).
 * Strings are copied. Aborts beyond WEFT_LEDGER_FLOW_LIMIT flows; from and to must name the same signal; nothing flows
 * out of an end or into a source. */
weft_flow_id weft_ledger_flow(struct weft_ledger *ledger, const struct weft_account *from,
                              const struct weft_account *to);

struct weft_ledger_worker *weft_ledger_worker_of(struct weft_ledger *ledger, uint32_t worker_index);

/* The move. Worker's own thread; a single add to its own cell. */
void weft_ledger_move(struct weft_ledger_worker *worker, weft_flow_id flow, uint64_t count);

/* A snapshot: every flow's sum over workers (and the past). It is read until two readings in a row agree, which, as the
 * counters only grow, makes it the state of one instant. If workers never pause that long (is_exact false), it is
 * the last reading, flows into ends first and flows out of sources last, so that a move under way shows as records
 * still in memory, not as a negative balance. Any thread. */
struct weft_ledger_balance {
    struct weft_account account; /* strings borrowed from the ledger */
    uint64_t inflow, outflow;
};

struct weft_ledger_snapshot {
    struct weft_ledger_balance *balances;
    size_t count;
    bool is_exact;
};

enum weft_status weft_ledger_snapshot_take(struct weft_ledger *ledger,
                                           struct weft_ledger_snapshot *out_snapshot) WEFT_MUST_CHECK;
void weft_ledger_snapshot_fini(struct weft_ledger_snapshot *snapshot);

/* One worker's balance of a memory account as its own cells say it (no past): what that worker's audit is compared
 * with. Worker's thread. */
int64_t weft_ledger_worker_balance(struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   const struct weft_account *account);

/* Adds up one account kind over owners and reasons, per signal. */
struct weft_ledger_totals {
    uint64_t offered, copied, in_flight, buffered, queued, sent, rejected, dropped, refused, uncopied;
};
void weft_ledger_snapshot_totals(const struct weft_ledger_snapshot *snapshot, const char *signal,
                                 struct weft_ledger_totals *out_totals);

/* The snapshot as JSON (the body of /v1/ledger) and as a table for people. */
void weft_ledger_snapshot_write_json(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out);
void weft_ledger_snapshot_write_text(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out);
