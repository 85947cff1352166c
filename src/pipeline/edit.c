/* Editing with undo (edit.h). The copy is a clone, so the tickets wait for its records too: whichever of the two goes
 * away here has ended well as far as they are concerned, and the other one answers. */
#include "pipeline/edit.h"

#include "base/assert.h"

enum weft_status weft_edit_begin(struct weft_edit *edit, struct weft_batch **own_batch)
{
    weft_edit_take(edit, own_batch);
    enum weft_status status = weft_edit_copy(edit);
    if (status != WEFT_OK) {
        weft_edit_cancel(edit, own_batch);
    }
    return status;
}

void weft_edit_take(struct weft_edit *edit, struct weft_batch **own_batch)
{
    weft_assert(*own_batch != NULL);
    *edit = (struct weft_edit){ .before = *own_batch };
    *own_batch = NULL;
}

enum weft_status weft_edit_copy(struct weft_edit *edit)
{
    weft_assert(edit->before != NULL);
    if (edit->batch == NULL) {
        edit->batch = weft_batch_try_clone(edit->before);
    }
    return edit->batch == NULL ? WEFT_NOMEM : WEFT_OK;
}

enum weft_status weft_edit_open(struct weft_edit *edit)
{
    enum weft_status status = weft_edit_copy(edit);
    return status == WEFT_OK ? weft_batch_open(edit->batch) : status;
}

enum weft_status weft_edit_remove(struct weft_edit *edit, const struct weft_selection *selection)
{
    weft_assert(edit->before != NULL && edit->removed == NULL);
    enum weft_status status = weft_edit_copy(edit);
    status = status == WEFT_OK ? weft_batch_take(edit->batch, selection, &edit->removed) : status;
    if (status == WEFT_OK && edit->removed != NULL) {
        weft_edit_note_change(edit);
    }
    return status;
}

void weft_edit_reweigh(struct weft_edit *edit)
{
    weft_assert(edit->before != NULL);
    for (size_t i = 0; i < edit->batch->part_count; i++) {
        struct weft_part *part = &edit->batch->parts[i];
        uint64_t weight = part->is_open ? part->table.weight : part->weight;
        if (part->ticket != NULL && weight > part->weight) {
            weft_ticket_add(part->ticket, weight - part->weight);
        }
        if (part->ticket != NULL && weight < part->weight) {
            /* before is still waited for, so that it does not answer here */
            weft_ticket_settle(part->ticket, part->weight - weight, NULL, -1);
        }
        part->ticket = weight == 0 ? NULL : part->ticket;
        part->weight = weight;
    }
}

static void end_if_there(struct weft_batch **own_batch)
{
    if (*own_batch != NULL) {
        weft_batch_end(own_batch, NULL, -1);
    }
}

void weft_edit_cancel(struct weft_edit *edit, struct weft_batch **own_batch)
{
    weft_assert(edit->before != NULL && *own_batch == NULL);
    end_if_there(&edit->batch);
    end_if_there(&edit->removed);
    *own_batch = edit->before;
    edit->before = NULL;
}

enum weft_status weft_edit_pass_on(struct weft_edit *edit, struct weft_consumer *next, struct weft_batch **own_batch,
                                   struct weft_error *error)
{
    weft_assert(edit->before != NULL && *own_batch == NULL);
    if (!edit->is_changed) {
        weft_edit_cancel(edit, own_batch);
        return weft_consumer_consume(next, own_batch, error);
    }
    weft_batch_recount(edit->batch);
    enum weft_status status = WEFT_OK;
    if (edit->batch->part_count > 0) {
        status = weft_consumer_consume(next, &edit->batch, error);
    }
    if (status != WEFT_OK) {
        weft_edit_cancel(edit, own_batch);
        return status;
    }
    end_if_there(&edit->batch);
    weft_batch_end(&edit->before, NULL, -1);
    return WEFT_OK;
}

enum weft_status weft_edit_consume(struct weft_consumer *consumer, weft_edit_fn edit, struct weft_consumer *next,
                                   struct weft_batch **own_batch, struct weft_error *error)
{
    struct weft_edit now;
    enum weft_status status = weft_edit_begin(&now, own_batch);
    if (status == WEFT_OK) {
        status = edit(consumer, &now);
        if (status != WEFT_OK) {
            weft_edit_cancel(&now, own_batch);
        }
    }
    if (status != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to edit a batch", consumer->id);
    }
    return weft_edit_pass_on(&now, next, own_batch, error);
}
