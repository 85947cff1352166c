#pragma once

#include "pipeline/consumer.h"

/* A receiver's way into the pipelines that name it, for one signal: books offered and copied, gives each pipeline a
 * copy, and books refused what no pipeline keeps for the client. */
struct weft_pipeline_entrance {
    struct weft_account in_flight;
    struct weft_consumer *first; /* the pipeline's first consumer */
};

struct weft_entry;

/* receiver_id: as written in the config (borrowed). on_pressure: told when weft_entry_is_open changes; may be NULL. */
struct weft_entry *weft_entry_new(struct weft_host *host, const char *receiver_id, enum weft_signal signal,
                                  const struct weft_pipeline_entrance *entrances, size_t entrance_count,
                                  void (*on_pressure)(void *context), void *context);

/* No offer waits here any more (weft_offer_set_entry has sent it elsewhere). */
void weft_entry_free(struct weft_entry *entry);

/* False while a consumer that the entry can reach is closed: the receiver should stop reading. */
bool weft_entry_is_open(const struct weft_entry *entry);

/* Offers a checked request with records, once: for receivers whose client comes again itself (entry_offer.h is for the
 * others). On OK the pipelines have the batch. Otherwise the batch has been ended and its
 * ticket settled with the refusal: the client's answer is on its way through the ticket in both cases. */
enum weft_status weft_entry_offer(struct weft_entry *entry, struct weft_batch **own_batch);

/* Records of a request that the receiver itself refuses because a text in them is no UTF-8, while it offers the others:
 * they are booked offered and refused, and no pipeline sees them. The flow is registered beforehand, at a start or
 * reload. service: whose they are. */
void weft_entry_expect_invalid(struct weft_entry *entry);
void weft_entry_refuse_invalid(struct weft_entry *entry, struct weft_slice service, uint64_t count);

/* Whether a pipeline wants to know the address of the client: then batches have metadata that says it. */
void weft_entry_set_asks_for_address(struct weft_entry *entry, bool asks);
bool weft_entry_asks_for_address(const struct weft_entry *entry);

struct weft_entry_counters {
    uint64_t accepted; /* records */
    uint64_t refused;
};
struct weft_entry_counters weft_entry_read_counters(const struct weft_entry *entry);
