#pragma once

#include "ledger/ledger.h"

/* What the structures hold, account by account, to be compared with the books (graph/audit.c). */
struct weft_audit_line {
    struct weft_account account; /* strings are borrowed from who added the line */
    uint64_t held;
};

struct weft_audit {
    struct weft_audit_line *lines;
    size_t count, capacity;
    bool is_incomplete; /* there was no memory for a line */
};

/* Lines of the same account, of several instances or of two graphs during a reload, add up. */
void weft_audit_add(struct weft_audit *audit, const struct weft_account *account, uint64_t held);
void weft_audit_fini(struct weft_audit *audit);
