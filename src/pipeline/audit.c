/* The lines of an audit (audit.h). */
#include "pipeline/audit.h"

#include <string.h>

#include "base/alloc.h"

static bool accounts_equal(const struct weft_account *left, const struct weft_account *right)
{
    return left->kind == right->kind && left->reason == right->reason && strcmp(left->signal, right->signal) == 0 &&
           strcmp(left->pipeline, right->pipeline) == 0 && strcmp(left->owner, right->owner) == 0;
}

void weft_audit_add(struct weft_audit *audit, const struct weft_account *account, uint64_t held)
{
    for (size_t i = 0; i < audit->count; i++) {
        if (accounts_equal(&audit->lines[i].account, account)) {
            audit->lines[i].held += held;
            return;
        }
    }
    if (weft_try_grow(&audit->lines, sizeof *audit->lines, audit->count, &audit->capacity) == WEFT_OK) {
        audit->lines[audit->count++] = (struct weft_audit_line){ *account, held };
    } else {
        audit->is_incomplete = true;
    }
}

void weft_audit_fini(struct weft_audit *audit)
{
    weft_free(audit->lines);
    *audit = (struct weft_audit){ 0 };
}
