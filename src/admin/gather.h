#pragma once

#include "base/mailbox.h"
#include "graph/graph.h"
#include "pipeline/drops_summary.h"
#include "pipeline/question.h"

/* One question to all workers, answered one after the other: the message goes from mailbox to mailbox, so that each
 * worker adds what it knows on its own thread and no counter is read by two. Back at worker 0, on_gathered runs. */
struct weft_check {
    char *name; /* exporter id */
    char *text; /* "ok" or what is wrong */
};

struct weft_gather {
    struct weft_message message; /* the worker floor's */
    void *agent;
    uint32_t next_worker;
    bool wants_samples, wants_audit, wants_checks;
    struct weft_samples samples;
    uint64_t lent_records; /* on loan between workers */
    uint64_t disagreement_count;
    struct weft_buffer disagreements; /* JSON objects, comma-separated */
    struct weft_check *checks;
    size_t check_count, check_capacity;
    struct weft_question *question;                  /* for components; NULL: they are not asked */
    struct weft_drops_summary *drops;                /* NULL: not wanted */
    void (*on_gathered)(struct weft_gather *gather); /* owns it from then on: weft_gather_free */
    void *context;
};

struct weft_gather *weft_gather_new(void (*on_gathered)(struct weft_gather *gather), void *context);
void weft_gather_free(struct weft_gather *gather);

/* The same check from several workers: what is wrong outweighs "ok". */
void weft_gather_add_check(struct weft_gather *gather, const char *name, const char *text);

/* What the admin server may ask of the agent. */
struct weft_admin_source {
    void *agent;
    void (*gather)(void *agent, struct weft_gather *gather);
    bool (*can_accept)(void *agent);
    struct weft_ledger *ledger;
};
