#pragma once

#include "pipeline/consumer.h"

/* Editing with undo. Whoever changes a batch and passes it on has to give it back as it came if the next node refuses
 * it: the caller may come with this very batch again, and then it must not be edited twice, nor lack what was removed.
 * An edit changes a copy and keeps the original, which costs a batch and, for parts that were open already, their rows;
 * payloads and what was written for former edits are shared. Undoing is letting the copy go, with all that was written
 * for it.
 *
 *     struct weft_edit edit;
 *     enum weft_status status = weft_edit_begin(&edit, own_batch);
 *     if (status == WEFT_OK) status = weft_edit_open(&edit);
 *     ... records of edit.batch->parts[i].table get other bytes, of that part's arena; weft_edit_note_change(&edit) ...
 *     ... weft_edit_remove(&edit, &selection) ...
 *     if (status != WEFT_OK) { weft_edit_cancel(&edit, own_batch); return weft_fail(error, status, "..."); }
 *     status = weft_edit_pass_on(&edit, next, own_batch, error);
 *     if (status == WEFT_OK && edit.removed != NULL) weft_consumer_drop(consumer, &edit.removed, flow, reason, NULL);
 *
 * It lives within one call of consume, or as long as it is put off (slow_edit.h). */
struct weft_edit {
    struct weft_batch *batch;   /* being changed; NULL: not copied yet */
    struct weft_batch *removed; /* what weft_edit_remove took out; after weft_edit_pass_on NULL or the caller's */
    struct weft_batch *before;  /* untouched */
    bool is_changed;
};

/* Takes the batch over on WEFT_OK, until it is passed on or cancelled. WEFT_NOMEM: it is still the caller's. */
enum weft_status weft_edit_begin(struct weft_edit *edit, struct weft_batch **own_batch) WEFT_MUST_CHECK;

/* The same in two steps, for an edit that looks at edit->before first and mostly leaves it as it is. There is no
 * edit->batch until it is copied, which is done once; WEFT_NOMEM only. */
void weft_edit_take(struct weft_edit *edit, struct weft_batch **own_batch);
enum weft_status weft_edit_copy(struct weft_edit *edit) WEFT_MUST_CHECK;

/* Opens every part of edit->batch, which is made if it is not there. WEFT_NOMEM only. */
enum weft_status weft_edit_open(struct weft_edit *edit) WEFT_MUST_CHECK;

/* Something is different now. An edit without changes passes on the original, unopened and with its compressed bytes.
 */
static inline void weft_edit_note_change(struct weft_edit *edit)
{
    edit->is_changed = true;
}

/* Takes the selected records of edit->batch, which is made if it is not there, out (weft_batch_take), once for each
 * edit. What becomes of them is decided when the rest has been taken. WEFT_NOMEM only. */
enum weft_status weft_edit_remove(struct weft_edit *edit, const struct weft_selection *selection) WEFT_MUST_CHECK;

/* The tables of edit->batch weigh other than they did: there are more rows, or data points. The tickets wait for what
 * there is then. What came and what went is the caller's to book: copied before it is passed on, dropped afterwards. */
void weft_edit_reweigh(struct weft_edit *edit);

/* Gives what is left to next; nothing at all if everything was removed. On WEFT_OK *own_batch is NULL and what was
 * removed is the caller's, to drop or to route. Otherwise *own_batch is the batch as it came, byte for byte, and
 * nothing was removed. The result is what next said. */
enum weft_status weft_edit_pass_on(struct weft_edit *edit, struct weft_consumer *next, struct weft_batch **own_batch,
                                   struct weft_error *error) WEFT_MUST_CHECK;

/* Gives the batch back as it came. */
void weft_edit_cancel(struct weft_edit *edit, struct weft_batch **own_batch);

/* The whole of a consume that edits: edit changes the records, or the headers, of edit->batch, which is there, notes
 * what it changed, and may fail for want of memory only. The result is that of weft_edit_pass_on. */
typedef enum weft_status (*weft_edit_fn)(struct weft_consumer *consumer, struct weft_edit *edit);
enum weft_status weft_edit_consume(struct weft_consumer *consumer, weft_edit_fn edit, struct weft_consumer *next,
                                   struct weft_batch **own_batch, struct weft_error *error) WEFT_MUST_CHECK;
