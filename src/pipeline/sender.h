#pragma once

#include "pipeline/authenticator.h"
#include "pipeline/consumer.h"
#include "pipeline/retry.h"
#include "pipeline/sender_config.h"

/* The sending half of every exporter with a backend: queue -> batch -> consumers -> timeout -> retry -> push, in the
 * order of the Collector's exporterhelper. The exporter supplies the push; the sender owns each batch from consume
 * until it is in one of the ends, and books every step.
 *
 * One sender per exporter instance and worker. What the config limits for the process (queue_size) is shared by the
 * workers' senders through struct weft_sender_shared; num_consumers is divided between them, at least one each. The
 * queue is full when what it holds *and what is being sent* fill it; with block_on_overflow the batch that fills it is
 * taken still, and the consumer closes. */
struct weft_sender_shared {
    struct weft_atomic_u64 used; /* of queue_size, in sizer units */
};

WEFT_MAGIC(push, 0x70056ad1);

/* One attempt to send one batch. Embedded storage for the exporter's own record of the request: allocate
 * push_size_bytes (settings) and put struct weft_push first. */
struct weft_push {
    uint32_t magic; /* from start to weft_push_done */
    const struct weft_batch *batch;
    struct weft_monotonic deadline;
    struct weft_sender *sender; /* the sender's */
};

enum weft_push_verdict {
    WEFT_PUSH_SENT,      /* the backend has them, but for rejected_count */
    WEFT_PUSH_RETRY,     /* may succeed later */
    WEFT_PUSH_PERMANENT, /* the backend will never take them */
};

/* What a backend that refused a request for good found wrong with it: a smaller one may do better. */
enum weft_push_fault {
    WEFT_PUSH_FAULT_NONE, /* it would be the same with any other request */
    WEFT_PUSH_FAULT_TOO_LARGE,
    WEFT_PUSH_FAULT_INVALID,
    WEFT_PUSH_FAULT_COUNT,
};

struct weft_push_outcome {
    enum weft_push_verdict verdict;
    uint64_t rejected_count;    /* SENT: partial_success */
    int64_t retry_after_ns;     /* RETRY: what the backend asked for; -1 = nothing */
    bool is_unconfirmed;        /* RETRY, PERMANENT: the backend may have them all the same */
    enum weft_push_fault fault; /* PERMANENT */
    struct weft_error error;    /* RETRY, PERMANENT: for the log and for the client */
};

struct weft_sender_operations {
    /* Starts the attempt; weft_push_done follows exactly once, now or later. */
    void (*start)(void *exporter, struct weft_push *push);

    /* Forced drain: end the attempt soon with weft_push_done. */
    void (*cancel)(void *exporter, struct weft_push *push);
};

struct weft_sender_settings {
    const struct weft_sender_config *config; /* outlives the sender */
    struct weft_sender_shared *shared;       /* outlives the sender */
    const struct weft_sender_operations *operations;
    void *exporter;
    size_t push_size_bytes;
    const struct weft_auth_client *auth; /* what it tells apart is not merged; NULL = none. Outlives the sender */
    enum weft_signal signal;             /* of all batches: one that stays whole is never merged nor cut */
};

struct weft_sender_counters {
    uint64_t sent;               /* records */
    uint64_t rejected;           /* records, partial_success included */
    uint64_t send_failed;        /* records given up, as otelcol_exporter_send_failed_* counts them */
    uint64_t enqueue_failed;     /* records refused: queue full */
    uint64_t retries;            /* attempts after the first */
    uint64_t halved;             /* requests that were cut in two because they were refused */
    uint64_t crowded_out;        /* batches that went early, since too many combinations of metadata had begun one */
    uint64_t in_flight_requests; /* now */
};

struct weft_sender;

/* held_account of consumer must be set: (QUEUED, signal, "", id). */
struct weft_sender *weft_sender_new(struct weft_consumer *consumer, const struct weft_sender_settings *settings);

/* Nothing is held any more: drained. */
void weft_sender_free(struct weft_sender *sender);

/* The exporter's consumer operations, less free. */
enum weft_status weft_sender_consume(struct weft_sender *sender, struct weft_batch **own_batch,
                                     struct weft_error *error) WEFT_MUST_CHECK;
void weft_sender_audit(const struct weft_sender *sender, uint64_t *in_out_count);
void weft_sender_drain(struct weft_sender *sender, enum weft_drop_reason reason, bool is_forced);

/* Ends an attempt. push is gone after this. */
void weft_push_done(struct weft_push *push, const struct weft_push_outcome *outcome);

const struct weft_sender_counters *weft_sender_read_counters(const struct weft_sender *sender);

/* The backend's words if it refused records for good in the last minute and has taken none since; else NULL. They are
 * there until the sender moves. */
const char *weft_sender_rejection(const struct weft_sender *sender);

/* Queue fill of the process and its capacity, in sizer units. */
uint64_t weft_sender_queue_size(const struct weft_sender *sender);
uint64_t weft_sender_queue_capacity(const struct weft_sender *sender);
