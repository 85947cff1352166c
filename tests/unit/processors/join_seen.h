#pragma once

#include "join_records.h"

/* A join whose records are counted where they come out, by number, and whose books are looked at before it ends. */
enum { JOIN_SEEN_MAX = 20000 };

static unsigned seen[JOIN_SEEN_MAX];

static inline void see(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row)
{
    (void)pipeline;
    (void)worker;
    uint32_t number = join_number_of(weft_slice_of(table->records[row].bytes, table->records[row].length));
    ck_assert_uint_lt(number, JOIN_SEEN_MAX);
    seen[number]++;
}

static inline void start_seeing(uint32_t worker_count, const char *config)
{
    memset(seen, 0, sizeof seen);
    join_begin(worker_count, config);
    join->on_out = see;
}

static inline void stop(void)
{
    join_deliver_all();
    join_expect_audit();
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_expect_audit();
    join_end();
}
