#pragma once

#include "base/list.h"
#include "base/magic.h"
#include "base/mailbox.h"
#include "pipeline/host.h"

/* Mail between workers, addressed to (worker, stage): it arrives at the core of that stage on that worker, on the
 * worker's thread, and goes back to who sent it when the receiver has looked at it. If the stage has no core there
 * (any more), the mail is handed back unread.
 *
 * The sender owns the mail and its memory from first to last; the receiver may read and write what is in it while it
 * is on_arrived, and keeps nothing. Nothing is allocated by sending. */
struct weft_stage;
struct weft_stage_identity;
struct weft_mail;

/* How messages get to another worker: mailboxes in the agent, something slower in simulations. */
struct weft_post {
    /* Never refused: what is under way is bounded by who sends (pipeline/loan.h). */
    void (*send)(struct weft_post *post, uint32_t from_worker, uint32_t to_worker, struct weft_message *message);
    struct weft_host *const *hosts; /* by worker index */
    uint32_t worker_count;
};

WEFT_MAGIC(mail, 0x03a115e4);

/* Embedded in what is sent. */
struct weft_mail {
    struct weft_message message;
    uint32_t magic; /* while it is away */
    struct weft_post *post;
    uint32_t from_worker, to_worker;
    const struct weft_stage_identity *to;
    bool is_away; /* sent and not back yet; the sender's */
    bool was_received;

    /* The receiver's thread. */
    void (*on_arrived)(struct weft_mail *mail, struct weft_stage *stage);

    /* The sender's thread; was_received tells whether on_arrived has run. */
    void (*on_returned)(struct weft_mail *mail);
};

/* Sends from this host's worker to another one. */
void weft_mail_send(struct weft_host *host, struct weft_mail *mail, const struct weft_stage_identity *to,
                    uint32_t to_worker);
