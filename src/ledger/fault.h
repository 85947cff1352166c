#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A mapped file that somebody cuts turns a store beyond its new end into SIGBUS, in whichever thread stores. For a
 * guarded range the handler puts memory of zeros in the mapping's place, whole, and the store is done again there.
 * Faults elsewhere go where they went before. Any thread; the handler is installed with the first guard. */

/* start: of a page. Returns the guard's number, -1 if there are too many (a fault then ends the process). */
int weft_ledger_guard(void *start, size_t length);

/* Before the range is unmapped. -1 is harmless. */
void weft_ledger_unguard(int guard);

/* Whether a fault has happened in the range: the file gets nothing any more. */
bool weft_ledger_guard_has_faulted(int guard);
