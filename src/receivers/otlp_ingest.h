#pragma once

#include "weft/component.h"
#include "wire/otlp_check.h"

/* What a receiver does with strings that are no UTF-8: writes the request anew with them repaired, or without the
 * records that they are in, which the client is told of; or passes them on. */
enum weft_invalid_utf8 { WEFT_INVALID_UTF8_REPAIR, WEFT_INVALID_UTF8_REJECT, WEFT_INVALID_UTF8_PASS };

/* What the protocols of the otlp receiver share. A protocol (an inlet) reads requests and writes answers; in between
 * every request takes the same way: checked to its last byte, counted, made a batch with a ticket, offered to the
 * pipelines, or kept waiting while one of them is closed. The ticket brings the answer back to the inlet, exactly once.
 */
struct weft_otlp_ingest {
    struct weft_host *host;
    const char *id; /* of the receiver */
    enum weft_acknowledge acknowledge;
    enum weft_invalid_utf8 invalid_utf8;           /* what is done with strings that are none */
    int64_t retry_after_ns;                        /* the delay that refused clients are asked for */
    struct weft_entry *entries[WEFT_SIGNAL_COUNT]; /* NULL: no pipeline takes this signal */
    struct weft_list parked;                       /* requests whose credentials are being looked at (otlp_auth.c) */
    size_t parked_bytes;                           /* of these */
    struct weft_list waiting; /* calls whose batch waits for the pressure to end, in order of arrival */
    struct weft_list offered; /* calls whose ticket is not settled yet */
    bool is_refusing;         /* pressure has lasted: what comes is refused instead of waiting */
    bool is_draining;
};

struct weft_otlp_inlet;
struct weft_otlp_call;

/* A protocol: a server and how it speaks. */
struct weft_otlp_inlet_operations {
    const char *transport; /* label of its metrics */

    /* The call is over and the protocol's again. failure NULL: well. retry_after_ns >= 0: when the client may come
     * back. call->inlet NULL: the inlet is gone, and the client with it; only memory is left to be freed. */
    void (*answer)(struct weft_otlp_call *call, const struct weft_error *failure, int64_t retry_after_ns);

    void (*adopt)(struct weft_otlp_inlet *inlet, int descriptor);
    void (*set_reading)(struct weft_otlp_inlet *inlet, bool is_reading);
    void (*drain)(struct weft_otlp_inlet *inlet);
    size_t (*connection_count)(const struct weft_otlp_inlet *inlet);
    void (*collect)(const struct weft_otlp_inlet *inlet, struct weft_samples *samples);
    void (*free)(struct weft_otlp_inlet *inlet);
};

/* Embedded first in each protocol, whose operations say that it is one. */
struct weft_otlp_inlet {
    const struct weft_otlp_inlet_operations *operations;
    struct weft_otlp_ingest *ingest;
    struct weft_auth_server *auth; /* who judges the credentials of requests; NULL: all may come in */
    bool includes_metadata;        /* batches have the header fields of their requests */
    uint64_t unauthenticated;      /* requests refused because of their credentials */
    uint64_t unjudged;             /* requests refused because too many, or too large ones, were to be judged */
    uint64_t accepted[WEFT_SIGNAL_COUNT], refused[WEFT_SIGNAL_COUNT]; /* records */
    size_t max_message_bytes;                                         /* inflated, and repaired */
    uint64_t malformed_requests;
    uint64_t invalid_texts;            /* strings that were no UTF-8 */
    uint64_t invalid_texts_repaired;   /* of these */
    uint64_t invalid_records_rejected; /* records */
    uint64_t answers_lost;
};

/* What an answer says besides that it went well: of a request, some records were refused. */
struct weft_otlp_partial {
    uint64_t rejected_count;
    char message[256];
};

WEFT_MAGIC(otlp_call, 0x07190ca1);

/* One client's request, from its message to its answer. Embedded in the protocol's own, which keeps it until the
 * answer. It may outlive the receiver: a reload takes a receiver out while an exporter that stays still holds what the
 * call waits for. */
struct weft_otlp_call {
    uint32_t magic; /* until it is answered */
    struct weft_ticket ticket;
    const struct weft_otlp_inlet_operations *operations;
    struct weft_otlp_inlet *inlet; /* NULL: gone */
    enum weft_signal signal;
    struct weft_batch *batch;          /* while it waits */
    struct weft_otlp_partial *partial; /* for the answer, if that is that it went well; NULL: all of it did */
    struct weft_list node;             /* waiting or offered */
};

void weft_otlp_ingest_init(struct weft_otlp_ingest *ingest);

/* The inlets are gone: lets go of the calls that are not settled yet. Nothing may be waiting. */
void weft_otlp_ingest_fini(struct weft_otlp_ingest *ingest);

/* No call waits for anything. */
bool weft_otlp_ingest_is_idle(const struct weft_otlp_ingest *ingest);

/* Where requests of this signal go from now on; NULL = nowhere. What waits for an entry that goes is offered to it
 * first: nobody could take it later. */
void weft_otlp_ingest_set_entry(struct weft_otlp_ingest *ingest, enum weft_signal signal, struct weft_entry *entry);

/* Whether batches of this signal have metadata: the header fields of their requests (inlet->includes_metadata), or at
 * least the client's address. */
bool weft_otlp_ingest_wants_metadata(const struct weft_otlp_inlet *inlet, enum weft_signal signal);

/* A request in protobuf, inflated. */
struct weft_otlp_request {
    enum weft_signal signal;
    struct weft_payload *message;      /* taken over */
    struct weft_otlp_checker *checker; /* has seen the message arrive; NULL: nobody has looked at it yet */
    struct weft_payload *wire;         /* borrowed: as it came in, compressed as wire_encoding says; NULL: it was not */
    enum weft_encoding wire_encoding;
    bool is_counted; /* made of JSON, whose reader has checked it: counts says what is in it */
    struct weft_otlp_counts counts;
    struct weft_metadata *metadata; /* taken over; NULL: none is kept */
};

/* The inlet's answer comes in the end, possibly before this returns. */
void weft_otlp_ingest_take(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                           struct weft_otlp_request *request);

/* The same for a request that claims to come from somebody, which may have to wait for the judgement of that. */
void weft_otlp_ingest_take_judged(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                                  struct weft_otlp_request *request, const struct weft_auth_claim *claim);

/* Before the message is here: false, with the text for the client, if the credentials are known to be wrong. */
bool weft_otlp_ingest_lets_in(struct weft_otlp_inlet *inlet, const struct weft_auth_claim *claim,
                              struct weft_error *error);

/* What is parked is forgotten; the inlets are gone. */
void weft_otlp_ingest_leave_parked(struct weft_otlp_ingest *ingest);

/* Lets the checker see what has arrived of a message, from its first byte on. It is zero before the first call. */
void weft_otlp_ingest_check_arriving(struct weft_otlp_checker *checker, enum weft_signal signal,
                                     struct weft_slice arrived);

/* The request went no further than the inlet: answers it as failed, as every failure is. */
void weft_otlp_ingest_fail(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                           const struct weft_error *failure);

/* What begins and ends a call, for otlp_auth.c. */
void weft_otlp_ingest_begin_call(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call);
void weft_otlp_ingest_end_call(struct weft_otlp_call *call, const struct weft_error *failure, int64_t retry_after_ns);

/* Whether no pipeline under the receiver is closed. */
bool weft_otlp_ingest_is_open(const struct weft_otlp_ingest *ingest);

/* Offers what waits, in order; with is_all also to entries that are closed, which refuse it. */
void weft_otlp_ingest_offer_waiting(struct weft_otlp_ingest *ingest, bool is_all);

/* The gRPC code of a failure as clients see it: whatever may succeed later is UNAVAILABLE, but for what a backend wants
 * less of. */
int weft_otlp_grpc_code(enum weft_status status);

/* Adds what is counted alike for every protocol. */
void weft_otlp_inlet_collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples);
