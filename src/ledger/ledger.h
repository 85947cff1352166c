#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

/* The double-entry ledger. An account is a place where records are; a flow is an ordered pair of accounts; a move
 * increments exactly one monotone counter. A balance is inflow minus outflow, so every snapshot balances. Each worker
 * has its own cells (single writer each) and writes each count, with a check, through to a mapped file, which so
 * outlives kill -9: the next start moves what was in memory accounts to dropped(crash).
 *
 *   offered + copied = in_flight + in_transit + buffered + queued + spooled
 *                    + sent + rejected + handed_over + dropped(reason) + refused + uncopied
 *   accepted = offered - refused
 *
 * `offered` and `copied` are where records come from: a receiver's client, and a fan-out's extra copies, or the data
 * points that a transform makes of others. `refused` takes back what a pipeline did not take, within the same tick, so
 * that accepted is what the client was told. `in_transit` is booked by two workers, each in its own cells: only its sum
 * over workers means something.
 *
 * The file stores the texts of these rows, never their numbers: rows may be added anywhere, moved and removed. */
#define WEFT_ACCOUNT_ROWS(ROW)                                                                   \
    ROW(OFFERED, "offered", SOURCE)       /* owner: receiver */                                  \
    ROW(COPIED, "copied", SOURCE)         /* owner: pipeline (its fan-out), or who copies */     \
    ROW(IN_FLIGHT, "in_flight", MEMORY)   /* owner: pipeline */                                  \
    ROW(IN_TRANSIT, "in_transit", MEMORY) /* owner: stage; between its home and owner workers */ \
    ROW(BUFFERED, "buffered", MEMORY)     /* owner: processor */                                 \
    ROW(QUEUED, "queued", MEMORY)         /* owner: exporter */                                  \
    ROW(SPOOLED, "spooled", STORE)        /* owner: exporter; in the store, outlives a crash */  \
    ROW(SENT, "sent", END)                /* owner: exporter */                                  \
    ROW(REJECTED, "rejected", END)        /* owner: exporter; by the backend, for good */        \
    ROW(HANDED_OVER, "handed_over", END)  /* owner: pipeline; to a connector, which offers */    \
    ROW(DROPPED, "dropped", END)          /* owner: the component that dropped; with a reason */ \
    ROW(REFUSED, "refused", END)          /* owner: receiver; never was accepted */              \
    ROW(UNCOPIED, "uncopied", END) /* owner: as COPIED; the copy was refused after another branch was refused too */

enum weft_account_kind {
#define WEFT_ACCOUNT_ENUM(name, text, class) WEFT_ACCOUNT_##name,
    WEFT_ACCOUNT_ROWS(WEFT_ACCOUNT_ENUM)
#undef WEFT_ACCOUNT_ENUM
        WEFT_ACCOUNT_COUNT, /* in a snapshot: a kind that this build does not know */
};

/* Where a balance is after a crash: nowhere else (memory: it is lost), still there (store), or at its end. */
#define WEFT_ACCOUNT_CLASS_ROWS(ROW) \
    ROW(SOURCE, "source")            \
    ROW(MEMORY, "memory")            \
    ROW(STORE, "store")              \
    ROW(END, "end")

enum weft_account_class {
#define WEFT_ACCOUNT_CLASS_ENUM(name, text) WEFT_ACCOUNT_CLASS_##name,
    WEFT_ACCOUNT_CLASS_ROWS(WEFT_ACCOUNT_CLASS_ENUM)
#undef WEFT_ACCOUNT_CLASS_ENUM
        WEFT_ACCOUNT_CLASS_COUNT,
};

/* Why records were dropped. Each row: name, text, whether a ticket that ends so is OK. */
#define WEFT_DROP_ROWS(ROW)                                                                                    \
    ROW(NONE, "", true)                                                                                        \
    ROW(SAMPLED_OUT, "sampled_out", true)                                                                      \
    ROW(FILTERED, "filtered", true)                                                                            \
    ROW(NO_TRACE, "no_trace", true) /* a log line whose trace never came, or that names none */                \
    ROW(EXPIRED, "expired", false)                                                                             \
    ROW(EVICTED, "evicted", false)                                                                             \
    ROW(QUEUE_FULL, "queue_full", false)                                                                       \
    ROW(STORE_FULL, "store_full", false)                                                                       \
    ROW(RETRIES_EXHAUSTED, "retries_exhausted", false)                                                         \
    ROW(UNCONFIRMED, "unconfirmed", false)               /* given up after an attempt whose answer was lost */ \
    ROW(REFUSED_DOWNSTREAM, "refused_downstream", false) /* a timer-driven flush was refused */                \
    ROW(OUT_OF_MEMORY, "out_of_memory", false)                                                                 \
    ROW(TOO_LARGE, "too_large", false)       /* alone larger than a queue, or than what a backend takes */     \
    ROW(INVALID, "invalid", false)           /* rejected: the backend cannot read it, or a statement failed */ \
    ROW(INVALID_UTF8, "invalid_utf8", false) /* refused: a text of it is none */                               \
    ROW(AGGREGATED, "aggregated", true)      /* a data point that is part of another one now */                \
    ROW(SUPERSEDED, "superseded", true)      /* its series has a newer value */                                \
    ROW(SERIES_LIMIT, "series_limit", false) /* a new series where there is room for no more */                \
    ROW(SHUTDOWN, "shutdown", false)                                                                           \
    ROW(RELOAD, "reload", false)                                                                               \
    ROW(CRASH, "crash", false)

enum weft_drop_reason {
#define WEFT_DROP_ENUM(name, text, is_ok) WEFT_DROP_##name,
    WEFT_DROP_ROWS(WEFT_DROP_ENUM)
#undef WEFT_DROP_ENUM
        WEFT_DROP_COUNT, /* in a snapshot: a reason that this build does not know */
};

const char *weft_account_kind_text(enum weft_account_kind kind);
const char *weft_drop_reason_text(enum weft_drop_reason reason);

/* Whether records that end so ended as was wished: their client is told OK. */
bool weft_drop_reason_is_ok(enum weft_drop_reason reason);

enum {
    WEFT_ACCOUNT_OWNER_BYTES = 160, /* pipeline and owner; longer ones are cut and end in a hash */
    WEFT_LEDGER_FLOW_LIMIT = 16384, /* flow numbers; what does not fit shares flows of owner "(overflow)" */
};

/* One account: (kind, signal, pipeline, owner, reason) is its identity, across restarts too. signal is an opaque small
 * number with a name given at registration. */
struct weft_account {
    enum weft_account_kind kind;
    const char *signal;           /* "traces" */
    const char *pipeline;         /* "traces/default"; "" where an exporter is shared by pipelines */
    const char *owner;            /* "otlp/backend"; "" for in_flight */
    enum weft_drop_reason reason; /* of DROPPED; of REFUSED and REJECTED where there is more to say */
};

/* A flow's number. Memory that is all zeros names no flow; booking on that aborts. */
typedef uint16_t weft_flow_id;
enum { WEFT_FLOW_NONE = 0 };

struct weft_ledger;        /* process-wide; registration and snapshots */
struct weft_ledger_worker; /* one worker's cells */

/* directory: where ledger.weft lives (created); NULL = memory only (counters then do not outlive the process). A
 * file locked by a live process: WEFT_CLOSED; no memory to read it: WEFT_NOMEM. Where the directory or its disk does
 * not let weft keep a file, counts are kept in memory: logged (ledger.in_memory) and said by weft_ledger_trouble. A
 * file that does not read back is set aside as ledger.weft.bad and logged (ledger.set_aside). Balances that a former
 * process left in memory accounts are moved to dropped(crash) here. */
enum weft_status weft_ledger_open(const char *directory, uint32_t worker_count, struct weft_ledger **out_ledger,
                                  struct weft_error *error) WEFT_MUST_CHECK;
void weft_ledger_close(struct weft_ledger *ledger);

/* NULL, or what a person should know about these books: that they are kept in memory only, that the file was cut or
 * removed under the running process (its counts go on in memory), that flows share numbers because there is no room.
 * Looks at the file, logs what is new once. Any thread; the text lives as long as the ledger. */
const char *weft_ledger_trouble(struct weft_ledger *ledger);

/* How often a flow was registered for which there was no room (weft_ledger_flow), since the opening. Any thread. */
uint64_t weft_ledger_overflowed(const struct weft_ledger *ledger);

/* Registers a flow, or finds it; never WEFT_FLOW_NONE. Start and reload only (any thread, safe while workers move:
 * cells are reserved ahead). Strings are copied. from and to must name the same signal; nothing flows out of an end or
 * into a source. Where there is no room, neither in numbers nor on disk, the flow is shared with others of its signal
 * and kinds under the owner "(overflow)": the totals stay exact, single accounts do not. */
weft_flow_id weft_ledger_flow(struct weft_ledger *ledger, const struct weft_account *from,
                              const struct weft_account *to);

struct weft_ledger_worker *weft_ledger_worker_of(struct weft_ledger *ledger, uint32_t worker_index);

/* The move. Worker's own thread; a single add to its own cell, and the sum with its check to the file. */
void weft_ledger_move(struct weft_ledger_worker *worker, weft_flow_id flow, uint64_t count);

/* A snapshot: every flow's sum over workers (and the past). It is read until two readings in a row agree, which, as the
 * counters only grow, makes it the state of one instant. If workers never pause that long (is_exact false), it is
 * the last reading, flows into ends first and flows out of sources last, so that a move under way shows as records
 * still in memory, not as a negative balance. Any thread. */
struct weft_ledger_balance {
    struct weft_account account; /* strings borrowed from the ledger */
    const char *kind_text;       /* as the file has them: also for a kind and a reason that this build does not know */
    const char *reason_text;
    enum weft_account_class account_class;
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
 * with. Of in_transit it may be below zero. Worker's thread. */
int64_t weft_ledger_worker_balance(struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   const struct weft_account *account);

/* ---- since the opening ---- */

/* The account that a flow leads to (inflow and outflow 0; strings borrowed from the ledger). False: no such flow. Any
 * thread. */
bool weft_ledger_flow_end(struct weft_ledger *ledger, weft_flow_id flow, struct weft_ledger_balance *out_end);

/* All flows have numbers below this one. */
uint32_t weft_ledger_flow_limit(const struct weft_ledger *ledger);

/* What this worker has moved along the flow since the opening, without what the opening itself moved. Worker's thread.
 */
uint64_t weft_ledger_worker_growth(const struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   weft_flow_id flow);

/* What the opening moved to dropped(crash): the flow of move number `index`, and how many records. WEFT_FLOW_NONE:
 * there are no more. */
weft_flow_id weft_ledger_crash_move(const struct weft_ledger *ledger, size_t index, uint64_t *out_count);

/* Adds up one account kind over owners and reasons, per signal. other: kinds that this build does not know, sources
 * subtracted. */
struct weft_ledger_totals {
    uint64_t offered, copied, in_flight, in_transit, buffered, queued, spooled, sent, rejected, handed_over, dropped,
        refused, uncopied, other;
};
void weft_ledger_snapshot_totals(const struct weft_ledger_snapshot *snapshot, const char *signal,
                                 struct weft_ledger_totals *out_totals);

/* The equation at the top of this file. */
bool weft_ledger_totals_balance(const struct weft_ledger_totals *totals);

/* The snapshot as JSON (the body of /v1/ledger) and as a table for people. */
void weft_ledger_snapshot_write_json(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out);
void weft_ledger_snapshot_write_text(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out);
