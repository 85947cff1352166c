#pragma once

#include "pipeline/consumer.h"

/* The two consumers that the graph itself puts at the end of a pipeline.
 *
 * Outlet: one pipeline's way into one exporter, which other pipelines may share: it knows the flow in_flight(pipeline)
 * -> queued(exporter) and leaves it on the batch for the exporter to book.
 *
 * Fan-out: offers a copy to every outlet; the extra copies are booked copied -> in_flight. Branches that take keep what
 * they took. A branch that is full and closed (block_on_overflow) does not cost the others a second copy: the fan-out
 * parks that branch's one, closes, and gives it when the branch opens. If a branch refuses for another reason the
 * fan-out refuses (WEFT_PARTIAL if others took theirs; the error has the reason), leaving the caller one copy; copies
 * that nobody took go in_flight -> uncopied. */
struct weft_account;

struct weft_consumer *weft_outlet_new(struct weft_host *host, const struct weft_account *in_flight,
                                      struct weft_consumer *exporter);

/* outlets: at least two; the array is copied. */
struct weft_consumer *weft_fan_out_new(struct weft_host *host, const struct weft_account *in_flight,
                                       struct weft_consumer *const *outlets, size_t outlet_count);
