#pragma once

#include <stdbool.h>

/* The standard streams, which a process may be started without. What it opens first would then be 0, 1 or 2, and get
 * what is meant for a terminal: log lines in a data file, a record's text in the ledger. So main calls this before
 * anything else is opened: those that are closed lead to /dev/null. False if that cannot be opened. */
bool weft_streams_fill(void);
