#pragma once

#include "base/hash.h"
#include "pipeline/sender.h"

WEFT_MAGIC(sender, 0x5e4de500);

enum { WEFT_SENDER_REJECTION_BYTES = 200 };

/* The sender's structs: sender.c (what becomes of a request), sender_queue.c (how batches wait), sender_halve.c and
 * sender_read.c. */
struct weft_sender {
    uint32_t magic;
    struct weft_consumer *consumer;
    struct weft_sender_settings settings;
    struct weft_sender_counters counters;
    struct weft_list ready;
    struct weft_list active;
    struct weft_list pending; /* that batching still fills, the oldest first: one, or one for each combination */
    size_t pending_count;
    struct weft_buffer combination; /* scratch */
    uint64_t held;                  /* records, in all three places */
    uint64_t active_count;
    uint64_t active_limit;
    uint64_t own_used; /* this worker's part of shared->used */
    struct weft_timer recheck_timer;
    struct weft_monotonic rejected; /* when the backend last refused records for good; 0: it has taken some since */
    char rejection[WEFT_SENDER_REJECTION_BYTES]; /* its words then; valid with rejected */
    uint32_t refused_in_row; /* requests that ended so because of what was in them, since one was sent */
    enum weft_sizer batch_sizer;
    enum weft_drop_reason drain_reason;
    bool is_draining;
    bool is_forced;
    bool is_pumping;
    weft_flow_id sent_flow;
    weft_flow_id rejected_flows[WEFT_PUSH_FAULT_COUNT];
    weft_flow_id drop_flows[WEFT_DROP_COUNT];
};

WEFT_MAGIC(request, 0x4e9e5701);

struct request {
    struct weft_list node;
    uint32_t magic;
    struct weft_sender *sender;
    struct weft_batch *batch;
    uint64_t charge; /* its share of queue_size */
    struct weft_retry retry;
    struct weft_timer pause;
    struct weft_timer flush; /* while it is pending */
    bool is_pending;
    uint8_t combination[WEFT_WIDE_HASH_BYTES]; /* of the metadata that its batches have in common, while pending */
    uint32_t attempts;
    bool is_sending;
    bool has_unconfirmed;    /* an earlier attempt may have reached the backend */
    bool is_half;            /* of one that was refused */
    struct halving *halving; /* a reference; NULL: no client's request has been cut for it */
    struct weft_push push;   /* last: the exporter's own record goes on behind it */
};

/* ---- sender.c ---- */

struct request *weft_sender_request_try_new(struct weft_sender *sender) WEFT_MUST_CHECK;

/* Ends a request that is on no list but ready or active, and books why. cause may be NULL. */
void weft_sender_request_drop(struct request *request, enum weft_drop_reason reason, const struct weft_error *cause,
                              int64_t retry_after_ns);
void weft_sender_leave_active(struct request *request);

/* Starts what is ready, as far as there are consumer slots. */
void weft_sender_pump(struct weft_sender *sender);

/* ---- sender_queue.c ---- */

/* In what the sizer counts. */
uint64_t weft_sender_measure(const struct weft_batch *batch, enum weft_sizer sizer);

/* Puts the batch into the pending request of its combination of metadata, or into a new one. WEFT_NOMEM: nothing has
 * happened. out_first_part: of what came, in the request's batch. */
enum weft_status weft_sender_enqueue(struct weft_sender *sender, struct weft_batch **own_batch, uint64_t charge,
                                     struct request **out_request, size_t *out_first_part) WEFT_MUST_CHECK;

/* Gives a request that was cut off another its share of the other's charge, so that the queue counts both for as long
 * as each is there. In requests a charge cannot be cut finer than one. */
void weft_sender_share_charge(struct weft_sender *sender, struct request *request, struct request *cut_off);

/* A request that is larger than the whole queue goes in pieces that are not. What is so alone ends here: a record, or a
 * request that stays whole. */
void weft_sender_cut_to_queue(struct weft_sender *sender, struct request *request);

/* Moves full batches from a pending request to ready; with is_flush also the rest. */
void weft_sender_release_pending(struct request *request, bool is_flush);

/* A pending request has waited for flush_timeout. */
void weft_sender_flush_is_due(void *request);

/* ---- sender_halve.c ---- */

enum weft_halved {
    WEFT_HALVED,       /* both halves are at the head of the queue; the request is the second one */
    WEFT_HALVED_NOT,   /* it ends as it is */
    WEFT_HALVED_NOMEM, /* nothing has happened */
};

/* An active request that was refused for good because of what is in it. */
enum weft_halved weft_sender_halve(struct request *request) WEFT_MUST_CHECK;

void weft_sender_halving_unref(struct halving **own_halving);

static inline struct request *request_of(struct weft_list *node)
{
    struct request *request = WEFT_CONTAINER_OF(node, struct request, node);
    weft_check_magic(request, request);
    return request;
}

static inline const struct weft_queue_config *queue_of(const struct weft_sender *sender)
{
    return &sender->settings.config->sending_queue;
}

static inline bool has_queue(const struct weft_sender *sender)
{
    return sender->settings.config->has_queue;
}

static inline bool has_batching(const struct weft_sender *sender)
{
    return has_queue(sender) && queue_of(sender)->has_batch && !weft_signal_stays_whole(sender->settings.signal);
}
