#pragma once

#include "base/work.h"
#include "pipeline/edit.h"

/* Edits that may take long: a client's texts can make the patterns and searches of a processor take a thousand times
 * what they usually do, and nothing else happens on the worker meanwhile. So such an edit has a turn
 * (weft_host.turn_ns); what is not done by then goes on in the loop's next tick.
 *
 *     consume --> edit(batch) in a turn --> done: passed on or refused in this call, as any edit
 *                          |
 *                          v put off: the batch is taken, and kept; the consumer is closed
 *     timer --> another turn --> done: what it took out is booked, the rest passed on
 *                                               |  what follows is closed: kept, edited, until it opens
 *                                               v  it refuses for good: dropped
 *
 * Books: what is kept stays in flight (held_account), and audit counts it. Order stays, since one batch at a time is
 * kept and the consumer is closed meanwhile. Its payloads and arenas are charged as any batch's are. Nothing is undone
 * once a batch has been taken: an edit for which memory runs out then drops it, so that its clients come again, and one
 * that fails drops it as invalid. When nothing more can wait (a forced drain), an edit is told to give up
 * (is_given_up): one that looks at that from record to record returns WEFT_CLOSED, any other goes on to its end, and so
 * bounds what it does to a batch by itself.
 *
 * Owner: the processor, which embeds it and has no state that an edit uses for anything else while one is under way. */
struct weft_slow_edit_operations {
    /* Changes edit->batch, which it makes (weft_edit_open, weft_edit_copy) if there is something to change, or takes
     * records out, and says how far it is in its loops (weft_work_did), on a stack of its own. WEFT_NOMEM; WEFT_INVALID
     * with an error, which refuses the batch for good; WEFT_CLOSED: it was given up. */
    enum weft_status (*edit)(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_error *error);
    /* The books of an edit that changed something, each NULL where there is nothing to book. What edit made is booked
     * before anybody else has it, and the other way if it is then refused. What it took out is booked once it is gone
     * for good; *own_removed is NULL if it took no records out. */
    void (*book_made)(struct weft_consumer *consumer, struct weft_edit *edit);
    void (*book_unmade)(struct weft_consumer *consumer);
    void (*book_gone)(struct weft_consumer *consumer, struct weft_batch **own_removed);
};

struct weft_slow_edit {
    struct weft_consumer *consumer; /* whose edits they are */
    struct weft_consumer *next;
    const struct weft_slow_edit_operations *operations;
    struct weft_work *work; /* NULL: each edit is done at once */
    struct weft_timer timer;
    struct weft_edit now;     /* under way; before is NULL if none is */
    enum weft_status outcome; /* of edit, */
    struct weft_error error;  /* and why */
    struct weft_batch *done;  /* edited, and not passed on yet */
    bool is_passing_on;
    bool is_given_up; /* the edit that is under way ends as soon as it can */
    weft_flow_id refused_flow, memory_flow, invalid_flow, shutdown_flow, reload_flow; /* in_flight -> dropped */
    uint64_t put_off_count;                                                           /* batches */
};

/* consumer->held_account is set here. WEFT_NOMEM; fini comes after it in any case. */
enum weft_status weft_slow_edit_init(struct weft_slow_edit *slow, struct weft_consumer *consumer,
                                     struct weft_consumer *next, const struct weft_account *in_flight,
                                     const struct weft_slow_edit_operations *operations,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* Nothing is held. */
void weft_slow_edit_fini(struct weft_slow_edit *slow);

/* What the operations of the consumer do. may_be_slow: false where it would not be worth a turn's two changes of the
 * stack. What it refuses was not edited. */
enum weft_status weft_slow_edit_consume(struct weft_slow_edit *slow, struct weft_batch **own_batch, bool may_be_slow,
                                        struct weft_error *error) WEFT_MUST_CHECK;
void weft_slow_edit_next_changed(struct weft_slow_edit *slow);
void weft_slow_edit_audit(const struct weft_slow_edit *slow, uint64_t *in_out_count);
void weft_slow_edit_drain(struct weft_slow_edit *slow, enum weft_drop_reason reason, bool is_forced);
