#pragma once

#include "base/thread.h"
#include "ledger/layout.h"

/* What ledger.c and snapshot.c share. */
struct weft_ledger_worker {
    _Atomic uint64_t *cells; /* one per flow */
};

struct weft_ledger {
    struct weft_ledger_image image; /* mapped */
    struct weft_ledger_worker *workers;
    uint32_t worker_count;
    struct weft_mutex registration; /* a reload's graphs register on all workers at once */
    bool has_files;                 /* false: memory only */
    struct weft_ledger_files files;
};
