#pragma once

#include "ledger/ledger.h"

/* The audit of in_transit. Two workers book it, so no worker can hold its own cells against what it has: it is looked
 * at as a whole, at pauses. before and after were taken before the first and after the last worker said how much it has
 * on loan. Where they are the same, nothing moved while the workers were asked, and what is in transit is a part of
 * what is on loan: nothing at all when nothing is. Where they differ, nothing is said.
 *
 * Returns the number of accounts that disagree; each is logged and appended to out_text as a JSON object in a list. */
size_t weft_audit_transit(const struct weft_ledger_snapshot *before, const struct weft_ledger_snapshot *after,
                          uint64_t lent_records, struct weft_buffer *out_text);
