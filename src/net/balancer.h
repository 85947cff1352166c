#pragma once

#include "base/list.h"
#include "net/resolver.h"

/* The addresses of one endpoint, for a client whose connections spread over them. Each connection takes one address
 * and gives it back; an address that cannot be reached is left out for a while, longer with each failure
 * (grpc/doc/connection-backoff.md), and tried again. Names are looked up with the first use, again by age while there
 * are connections, and soon after failures; a look-up that fails leaves what is known. One thread. */
struct weft_balancer;

enum weft_balancing {
    WEFT_ROUND_ROBIN, /* each address gets its connections */
    WEFT_PICK_FIRST,  /* the first that can be reached gets all */
};

WEFT_MAGIC(balancer_address, 0x0ba1add4);

/* Read-only for others. Stays as long as a connection has it, also when a look-up no longer names it. */
struct weft_balancer_address {
    uint32_t magic;
    struct weft_list node;
    struct weft_resolved_address resolved;
    char text[64];               /* "10.0.0.1:4317" */
    uint32_t connection_count;   /* that have it, those that are being made included */
    uint32_t failure_count;      /* in a row */
    uint64_t failed_as;          /* the number of its last failure among all; 0 = none */
    struct weft_monotonic until; /* left out until then; ns 0 = it is not */
    bool is_listed;              /* the last look-up named it */
};

struct weft_balancer_settings {
    struct weft_loop *loop;
    struct weft_resolver *resolver;
    struct weft_endpoint endpoint;
    enum weft_balancing balancing;
    int64_t look_up_interval_ns;        /* 0 = 1 min */
    int64_t retry_min_ns, retry_max_ns; /* how long an address is left out; 0 = 1 s, 120 s; jittered by a fifth */
    /* Addresses came, went, or may be tried again. Never inside a call of the balancer's. */
    void (*on_change)(void *context);
    void *context;
};

/* Who waits for the first addresses; embedded in its user, zero at first. */
struct weft_balancer_wait {
    struct weft_list node;
    void (*on_answer)(void *context, const char *failure); /* failure NULL: there are addresses */
    void *context;
};

struct weft_balancer *weft_balancer_new(const struct weft_balancer_settings *settings);

/* The same while it runs. NULL: no memory. */
struct weft_balancer *weft_balancer_try_new(const struct weft_balancer_settings *settings) WEFT_MUST_CHECK;

/* All addresses must have been given back; nobody waits. */
void weft_balancer_free(struct weft_balancer *balancer);

/* on_answer runs once, later, never inside this call. */
void weft_balancer_wait(struct weft_balancer *balancer, struct weft_balancer_wait *wait);
void weft_balancer_wait_cancel(struct weft_balancer_wait *wait);

/* By round_robin the address with the fewest connections, by pick_first the first; those that are left out come last,
 * those of them that failed last behind the others. Only after on_answer without a failure. The caller gives it back.
 */
struct weft_balancer_address *weft_balancer_take(struct weft_balancer *balancer);
void weft_balancer_give_back(struct weft_balancer *balancer, struct weft_balancer_address *address);

/* What its connection found out. */
void weft_balancer_note_working(struct weft_balancer *balancer, struct weft_balancer_address *address);
void weft_balancer_note_failed(struct weft_balancer *balancer, struct weft_balancer_address *address,
                               const char *reason);

/* A connection was lost: a name may have moved. */
void weft_balancer_note_lost(struct weft_balancer *balancer);

struct weft_balancer_census {
    uint32_t listed;   /* that the last look-up named */
    uint32_t left_out; /* of these */
    uint32_t unserved; /* how many connections are missing for each address that is not left out to have one; with
                          pick_first for any of them to have one */
};
struct weft_balancer_census weft_balancer_count(const struct weft_balancer *balancer);

/* False: every address is left out, or the look-up has just failed. on_change tells when that has changed. */
bool weft_balancer_may_connect(const struct weft_balancer *balancer);
