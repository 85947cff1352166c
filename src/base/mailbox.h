#pragma once

#include "base/magic.h"
#include "base/status.h"
#include "base/thread.h"

/* Messages from any thread to one owner. Bounded; the owner is woken (eventfd) only when the box goes from empty to
 * non-empty, and takes the whole list at once. The sender owns a message until a post succeeds, the receiver from
 * then on. [h2o lib/common/multithread.c is the model of the wake rule.] */
struct weft_message;

typedef void (*weft_message_fn)(struct weft_message *message);

WEFT_MAGIC(message, 0x3e55a6e1);

/* Embedded in what is sent; zero but for on_delivered before its first post. */
struct weft_message {
    struct weft_message *next;
    weft_message_fn on_delivered; /* runs on the owner's thread, which owns the message from then on */
    uint32_t magic;               /* while it is in a box, else 0: it is in one box, once */
};

struct weft_mailbox;

/* capacity: messages waiting at most. */
struct weft_mailbox *weft_mailbox_new(size_t capacity);

/* NULL: the process has no file descriptor left. For what a reload makes; weft_mailbox_new is for start-up. */
struct weft_mailbox *weft_mailbox_try_new(size_t capacity) WEFT_MUST_CHECK;

/* Undelivered messages must be gone: deliver first. */
void weft_mailbox_free(struct weft_mailbox *mailbox);

/* Any thread. WEFT_LIMIT when full; the message is then still the sender's. */
enum weft_status weft_mailbox_post(struct weft_mailbox *mailbox, struct weft_message *message) WEFT_MUST_CHECK;

/* Any thread, never refused: for messages of which only a fixed number exists (replies, shutdown). */
void weft_mailbox_post_always(struct weft_mailbox *mailbox, struct weft_message *message);

/* The same for several at once: messages linked by `next`, first to last. */
void weft_mailbox_post_chain(struct weft_mailbox *mailbox, struct weft_message *first, struct weft_message *last,
                             size_t count);

/* The descriptor that becomes readable when there is mail; the owner's event loop watches it. */
int weft_mailbox_descriptor(const struct weft_mailbox *mailbox);

/* Owner only: calls on_delivered for every message that waits, in order of posting. */
void weft_mailbox_deliver(struct weft_mailbox *mailbox);
