#pragma once

#include "base/assert.h"
#include "base/compression.h"
#include "base/payload.h"
#include "base/thread.h"
#include "base/timers.h"
#include "ledger/ledger.h"
#include "net/context.h"

struct weft_batch;
struct weft_drops;
struct weft_hash_secret;
struct weft_helper_box;
struct weft_hiding;
struct weft_post;
struct weft_selection;
struct weft_stage;

/* What a worker lends to the component instances that live on it. All of it outlives them. */
struct weft_host {
    const struct weft_net_context *net; /* NULL where there is no network (simulation) */
    struct weft_timers *timers;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    struct weft_budget *budget;
    struct weft_ledger *ledger;
    struct weft_ledger_worker *books;
    const struct weft_hash_secret *secret; /* the process's, for tables that a peer can feed */
    uint32_t worker_index;
    uint32_t worker_count;
    struct weft_post *post;          /* to the other workers; NULL if this is the only one */
    struct weft_stage *stages;       /* cores that live here (stage.h) */
    struct weft_helper_box *answers; /* of helpers (base/helper.h); NULL: what they would do is done at once (tests) */
    struct weft_drops *drops;        /* who lost what, of this worker; NULL: nobody asks (unit tests) */
    struct weft_hiding *hidings;     /* what may be shown of records (hiding.h) */
    uint64_t random_state;           /* xorshift; for jitter only */
    int64_t turn_ns;                 /* of an edit that may take long (slow_edit.h); 0: as long as it takes */
    uintptr_t thread;                /* of the worker, as soon as it runs; 0: anyone's (before that, and in tests) */
};

/* What lives on a host is its worker's: asserted where it is made, freed, and handed from one to another. */
static inline bool weft_host_is_here(const struct weft_host *host)
{
    return host->thread == weft_thread_id() || host->thread == 0;
}

/* This worker's part of what the process may have so many of, rounded up. 0 stays 0. */
static inline uint32_t weft_host_share(const struct weft_host *host, uint64_t limit)
{
    uint64_t count = host->worker_count == 0 ? 1 : host->worker_count;
    return (uint32_t)((limit + count - 1) / count);
}

/* Uniform in [0, 1). Not for secrets. */
double weft_host_random(struct weft_host *host);

/* ---- records that end in DROPPED, REFUSED or REJECTED: books the flow, and notes whose they were (drops.h) ---- */

/* All records of the batch, by the service.name of their resources; the batch is only read. */
void weft_host_drop(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch);

/* So many of its records, nobody knows which: they are the service's if the batch has one only. */
void weft_host_drop_some(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch, uint64_t count);

/* The selected records, which are so many; no metrics. */
void weft_host_drop_selected(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch,
                             const struct weft_selection *selection, uint64_t count);

/* Records that are in no batch. policy: the sampling policy that took them, or empty; service: their service.name, or
 * empty. Both are copied. */
void weft_host_drop_records(struct weft_host *host, weft_flow_id flow, struct weft_slice policy,
                            struct weft_slice service, uint64_t count);

/* The way to move records from account to account, but for those ends. */
static inline void weft_host_book(struct weft_host *host, weft_flow_id flow, uint64_t count)
{
    weft_assert(weft_host_is_here(host));
    weft_ledger_move(host->books, flow, count);
}
