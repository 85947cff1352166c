#pragma once

#include "base/magic.h"
#include "pipeline/audit.h"
#include "pipeline/consumer.h"
#include "pipeline/mail.h"

/* A stage is a processor that several pipelines share, and all workers together: what it holds is kept in *cores*, one
 * per worker; a stateless *face* stands in each pipeline that names it.
 *
 *   batch -> face -> core -> (an owner on another worker, by loan.h) ... later ... core -> outlet -> the face's next
 *
 * An *outlet* is a core's way out into one pipeline, known by the pipeline's name: records that came in through one
 * leave through it. A reload makes new faces and keeps the core: the outlet is then re-pointed to the new face's next,
 * and what is held goes on into the new pipeline. A face of the former graph still lets in what lies before it.
 *
 * Pressure: a core that takes no more closes the faces of every worker; an outlet that cannot go on closes its own
 * faces. A face refuses before anything has happened; behind it the owner takes a record or books it dropped. */
struct weft_stage;
struct weft_stage_outlet;
struct weft_face;

/* What all workers' cores of one stage have in common. Made with the plan and handed to the later plan that has the
 * same stage; counted there, on the main thread. */
struct weft_stage_identity {
    char *id;   /* of the component, as written in the config */
    char *lead; /* the pipeline that it is known by: two traces pipelines that name one component are two stages */
    uint32_t worker_count;
    uint32_t references;
    struct weft_atomic_u64 is_closed[]; /* by worker: its core takes no more. Its worker writes, every worker reads */
};

struct weft_stage_identity *weft_stage_identity_new(const char *id, const char *lead, uint32_t worker_count);
struct weft_stage_identity *weft_stage_identity_ref(struct weft_stage_identity *identity);
void weft_stage_identity_unref(struct weft_stage_identity **own_identity);

struct weft_stage_operations {
    /* A batch has come in through the outlet's face on this worker. As weft_consumer_operations.consume; what is taken
     * is booked along hold_flow, or lent to its owner. */
    enum weft_status (*consume)(struct weft_stage *stage, struct weft_stage_outlet *outlet,
                                struct weft_batch **own_batch, struct weft_error *error);

    /* What follows the outlet has opened or closed, or is another pipeline's now. NULL: of no interest. */
    void (*on_next_changed)(struct weft_stage *stage, struct weft_stage_outlet *outlet);

    /* Adds a line for every account of this core, also for those that hold nothing. */
    void (*audit)(const struct weft_stage *stage, struct weft_audit *audit);

    /* Nothing will come in for this outlet any more, from no worker: decide on what is held for it and pass it on now;
     * is_forced: drop with the reason what cannot go. Called until the audit's lines of the outlet's pipeline are
     * empty. */
    void (*drain)(struct weft_stage *stage, struct weft_stage_outlet *outlet, enum weft_drop_reason reason,
                  bool is_forced);

    /* The component's block has changed: what is held goes on under the new rules. Cannot fail: whatever can is done
     * by the component's validate and share. NULL if neither config nor shared are looked at. */
    void (*update)(struct weft_stage *stage, const void *config, void *shared);

    /* Holds nothing any more, and no outlet is left. */
    void (*free)(struct weft_stage *stage);

    /* Room for the component's own state of an outlet, struct weft_stage_outlet first; 0 = none. outlet_init registers
     * its flows, outlet_fini lets go of what else it has, when nothing is held for it; NULL = nothing to do. */
    size_t outlet_size_bytes;
    void (*outlet_init)(struct weft_stage_outlet *outlet);
    void (*outlet_fini)(struct weft_stage_outlet *outlet);
};

/* Tells one other worker that this core has opened or closed. */
struct weft_stage_notice {
    struct weft_mail mail;
    struct weft_stage *stage;
    bool is_stale; /* it has changed again since the notice went out */
};

/* A core. Embedded first in each kind, and of that kind while the operations say so (as with consumers). */
struct weft_stage {
    const struct weft_stage_operations *operations;
    struct weft_host *host;
    struct weft_stage_identity *identity;
    struct weft_stage *next; /* in host->stages */
    struct weft_list outlets;
    struct weft_stage_notice *notices; /* by worker; its own is not used */
    uint32_t mail_away;                /* notices, and what the component itself has sent: it outlives them */
    size_t lent_bytes_max;             /* an outlet with more than this at other workers closes its faces */
};

WEFT_MAGIC(stage_outlet, 0x05a9e007);

struct weft_stage_outlet {
    struct weft_list node;
    uint32_t magic;
    struct weft_stage *stage;
    enum weft_signal signal;
    char *pipeline;
    struct weft_account in_flight, held, in_transit; /* held: buffered */
    weft_flow_id hold_flow;                          /* in_flight -> buffered */
    weft_flow_id release_flow;                       /* buffered -> in_flight */
    weft_flow_id lend_flow;                          /* in_flight -> in_transit */
    weft_flow_id arrive_flow;                        /* in_transit -> buffered */
    weft_flow_id return_flow;                        /* in_transit -> in_flight */
    weft_flow_id unlent_flow;                        /* in_flight -> dropped(reload): the owner was gone */
    struct weft_list faces;
    struct weft_face *face; /* through which it leads out; NULL = its pipeline is gone, or has not begun */
    bool is_blocked;        /* weft_stage_outlet_set_blocked */
    uint64_t lent_records;  /* at other workers */
    size_t lent_bytes;
};

/* identity outlives the core. Its cells say open. */
void weft_stage_init(struct weft_stage *stage, const struct weft_stage_operations *operations, struct weft_host *host,
                     struct weft_stage_identity *identity);
void weft_stage_fini(struct weft_stage *stage);

/* This worker's core, or NULL. */
struct weft_stage *weft_stage_find(struct weft_host *host, const struct weft_stage_identity *identity);

/* The core's outlet into the pipeline, or NULL. */
struct weft_stage_outlet *weft_stage_outlet_find(struct weft_stage *stage, const char *pipeline);

/* The core takes no more, or does again: all faces of all workers follow. */
void weft_stage_set_open(struct weft_stage *stage, bool is_open);

/* What is kept for this outlet cannot go on: closes its faces on this worker. */
void weft_stage_outlet_set_blocked(struct weft_stage_outlet *outlet, bool is_blocked);

/* To be called when something that decides about the faces has changed (loan.c). */
void weft_stage_outlet_update_open(struct weft_stage_outlet *outlet);

/* True if a batch that is passed on would not meet a closed consumer. */
bool weft_stage_outlet_is_next_open(const struct weft_stage_outlet *outlet);

/* Passes a held batch on: books it in flight and gives it to what follows. Anything but WEFT_OK: the caller still has
 * it and it is booked as held again; never called while the outlet has no face. */
enum weft_status weft_stage_outlet_pass_on(struct weft_stage_outlet *outlet, struct weft_batch **own_batch,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* Flow from an account of the outlet to dropped(reason) of the stage. Registration time only. */
weft_flow_id weft_stage_outlet_drop_flow(const struct weft_stage_outlet *outlet, const struct weft_account *from,
                                         enum weft_drop_reason reason);

/* Records of this outlet that its core holds, and those that are lent. Without memory to count it is not 0. */
uint64_t weft_stage_outlet_held(const struct weft_stage_outlet *outlet);

/* Records that this worker's cores, all of them, have lent to other workers and not got back. */
uint64_t weft_stages_lent(const struct weft_host *host);

/* ---- faces ---- */

/* A face of the core in a pipeline of a graph that is being built. next is what follows it there. */
struct weft_consumer *weft_face_new(struct weft_stage *stage, const struct weft_account *in_flight,
                                    enum weft_signal signal, struct weft_consumer *next);

/* The graph works now: the outlet leads out through this face. */
void weft_face_attach(struct weft_consumer *face);

/* Records that would be lost with the face: 0 if its outlet leads out through another one. */
uint64_t weft_face_held(const struct weft_consumer *face);
