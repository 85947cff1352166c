#pragma once

#include "base/clock.h"
#include "base/slice.h"
#include "ledger/ledger.h"

/* Which policy took records, and whose they were: the breakdown of one worker's drops, refusals and rejections. The
 * flows of the ledger say how many there are; a row here is (flow, policy, service), and the rows of a flow add up to
 * its growth since the start exactly.
 *
 * The first 200 services and 64 policies have rows of their own; the others share the name "other", and so does what
 * comes when 4,096 rows are taken. A name is kept up to 128 bytes.
 *
 * Totals since the start are kept for every row. Besides, three rings keep windows of 1 s, 1 min and 1 h, one entry for
 * each row that grew in that window: 8,192, 16,384 and 16,384 of them. A full ring forgets its oldest window. With 20
 * rows growing all the time that is 6 minutes, 13 hours and 34 days.
 *
 * Memory: 640 KiB of rings, up to 1.3 MiB of rows (a 64-byte row), 200 KiB of index and names; mapped, and resident
 * only as far as something was dropped. Time: a lookup for each resource that loses records; nothing otherwise. One
 * worker.
 */
struct weft_drops;

enum weft_drops_window { WEFT_DROPS_SECONDS, WEFT_DROPS_MINUTES, WEFT_DROPS_HOURS, WEFT_DROPS_WINDOW_COUNT };

#define WEFT_DROPS_OTHER "other"

enum {
    WEFT_DROPS_SERVICES = 200,
    WEFT_DROPS_POLICIES = 64,
    WEFT_DROPS_NAMED_ROWS = 4096,
    WEFT_DROPS_NAME_BYTES = 128,
};

struct weft_drops *weft_drops_new(struct weft_monotonic started);
void weft_drops_free(struct weft_drops *drops);

/* Empty policy and service are names like others: none. Both are copied. `now` never goes back. */
void weft_drops_add(struct weft_drops *drops, struct weft_monotonic now, weft_flow_id flow, struct weft_slice policy,
                    struct weft_slice service, uint64_t count);

/* One row, as it is read. Names live as long as the drops and do not change: other threads may read them once they have
 * been told of them. */
struct weft_drops_row {
    weft_flow_id flow;
    struct weft_slice policy, service;
    uint64_t total;                           /* since the start */
    uint64_t recent[WEFT_DROPS_WINDOW_COUNT]; /* in the windows that were asked for */
};

struct weft_monotonic weft_drops_started(const struct weft_drops *drops);
size_t weft_drops_row_count(const struct weft_drops *drops);

/* Fills rows[0 .. weft_drops_row_count). from: the first window that counts, by its number; what its ring has forgotten
 * is not in it (weft_drops_first_window). */
void weft_drops_read(const struct weft_drops *drops, const uint32_t from[WEFT_DROPS_WINDOW_COUNT],
                     struct weft_drops_row *rows);

/* The first window that the ring still has whole (that of the start is as whole as it can be). */
uint32_t weft_drops_first_window(const struct weft_drops *drops, enum weft_drops_window window);

/* The length of a window, and the number of the one that a moment falls in. */
int64_t weft_drops_window_ns(enum weft_drops_window window);
uint32_t weft_drops_window_of(enum weft_drops_window window, struct weft_monotonic moment);
