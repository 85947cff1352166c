/* Edits that go on in the next tick (slow_edit.h). */
#include "pipeline/slow_edit.h"

#include "base/assert.h"

static bool is_under_way(const struct weft_slow_edit *slow)
{
    return slow->now.before != NULL;
}

static void update_open(struct weft_slow_edit *slow)
{
    if (!slow->is_passing_on) { /* who does calls again */
        weft_consumer_set_open(slow->consumer, !is_under_way(slow) && slow->done == NULL && slow->next->is_open);
    }
}

static void drop(struct weft_slow_edit *slow, struct weft_batch **own_batch, weft_flow_id flow,
                 enum weft_drop_reason reason, const struct weft_error *cause)
{
    weft_consumer_drop(slow->consumer, own_batch, flow, reason, cause);
}

/* Gives on what is edited, if what follows is open. It may call back. */
static void offer_done(struct weft_slow_edit *slow)
{
    if (slow->done == NULL || !slow->next->is_open || slow->is_passing_on) {
        return;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    slow->is_passing_on = true;
    enum weft_status status = weft_consumer_consume(slow->next, &slow->done, &error);
    slow->is_passing_on = false;
    if (status != WEFT_OK && (status != WEFT_CLOSED || slow->next->is_open)) {
        drop(slow, &slow->done, slow->refused_flow, WEFT_DROP_REFUSED_DOWNSTREAM, &error);
    }
}

/* ---- books ---- */

static void book_made(struct weft_slow_edit *slow, struct weft_edit *edit)
{
    if (edit->is_changed && slow->operations->book_made != NULL) {
        slow->operations->book_made(slow->consumer, edit);
    }
}

static void book_gone(struct weft_slow_edit *slow, struct weft_edit *edit)
{
    if (edit->is_changed && slow->operations->book_gone != NULL) {
        slow->operations->book_gone(slow->consumer, &edit->removed);
    }
}

static void book_unmade(struct weft_slow_edit *slow, const struct weft_edit *edit)
{
    if (edit->is_changed && slow->operations->book_unmade != NULL) {
        slow->operations->book_unmade(slow->consumer);
    }
}

/* ---- turns ---- */

/* What came of an edit that was put off is kept, and what else there is of it goes. */
static void keep_outcome(struct weft_slow_edit *slow, struct weft_edit *edit)
{
    bool is_changed = slow->outcome == WEFT_OK && edit->is_changed;
    if (!is_changed) {
        weft_edit_cancel(edit, &slow->done);
        return;
    }
    book_made(slow, edit);
    weft_batch_recount(edit->batch);
    weft_batch_end(&edit->before, NULL, -1);
    book_gone(slow, edit);
    if (edit->batch->part_count > 0) {
        slow->done = edit->batch;
    } else {
        weft_batch_end(&edit->batch, NULL, -1);
    }
}

/* An edit that was put off has ended. One that was given up leaves the batch to who gave it up. */
static void settle(struct weft_slow_edit *slow)
{
    struct weft_edit edit = slow->now;
    weft_assert(slow->done == NULL);
    slow->now = (struct weft_edit){ 0 };
    keep_outcome(slow, &edit);
    if (slow->outcome == WEFT_NOMEM) {
        drop(slow, &slow->done, slow->memory_flow, WEFT_DROP_OUT_OF_MEMORY, NULL);
    } else if (slow->outcome != WEFT_OK && slow->outcome != WEFT_CLOSED) {
        drop(slow, &slow->done, slow->invalid_flow, WEFT_DROP_INVALID, &slow->error);
    }
}

static void put_off(struct weft_slow_edit *slow)
{
    weft_timer_set_after(slow->consumer->host->timers, &slow->timer, 0);
}

static void turn_came(void *context)
{
    struct weft_slow_edit *slow = context;
    if (!weft_work_go_on(slow->work, slow->consumer->host->turn_ns)) {
        put_off(slow);
        return;
    }
    settle(slow);
    offer_done(slow);
    update_open(slow);
}

static void run(void *context)
{
    struct weft_slow_edit *slow = context;
    slow->outcome = slow->operations->edit(slow->consumer, &slow->now, &slow->error);
}

/* False: it was put off. */
static bool edit_now(struct weft_slow_edit *slow, bool may_be_slow)
{
    if (!may_be_slow || slow->work == NULL) {
        run(slow);
        return true;
    }
    return weft_work_begin(slow->work, run, slow, slow->consumer->host->turn_ns);
}

enum weft_status weft_slow_edit_consume(struct weft_slow_edit *slow, struct weft_batch **own_batch, bool may_be_slow,
                                        struct weft_error *error)
{
    if (is_under_way(slow) || slow->done != NULL) {
        return weft_fail(error, WEFT_CLOSED, "%s: busy with what came before", slow->consumer->id);
    }
    weft_edit_take(&slow->now, own_batch);
    if (!edit_now(slow, may_be_slow)) {
        slow->put_off_count++;
        put_off(slow);
        update_open(slow);
        return WEFT_OK;
    }
    struct weft_edit edit = slow->now;
    slow->now = (struct weft_edit){ 0 };
    if (slow->outcome != WEFT_OK) {
        weft_edit_cancel(&edit, own_batch);
        return slow->outcome == WEFT_NOMEM
                   ? weft_fail(error, WEFT_NOMEM, "%s: no memory to edit a batch", slow->consumer->id)
                   : weft_fail(error, slow->outcome, "%s", slow->error.text);
    }
    book_made(slow, &edit);
    enum weft_status status = weft_edit_pass_on(&edit, slow->next, own_batch, error);
    if (status == WEFT_OK) {
        book_gone(slow, &edit);
    } else {
        book_unmade(slow, &edit);
    }
    return status;
}

void weft_slow_edit_next_changed(struct weft_slow_edit *slow)
{
    offer_done(slow);
    update_open(slow);
}

void weft_slow_edit_audit(const struct weft_slow_edit *slow, uint64_t *in_out_count)
{
    *in_out_count += is_under_way(slow) ? slow->now.before->weight : 0;
    *in_out_count += slow->done == NULL ? 0 : slow->done->weight;
}

/* With time left its turns go on. Without, it gets no more of them than one, in which it gives up: work cannot be left
 * in its middle. */
void weft_slow_edit_drain(struct weft_slow_edit *slow, enum weft_drop_reason reason, bool is_forced)
{
    bool is_edited = true;
    if (is_forced && is_under_way(slow)) {
        weft_timer_cancel(slow->consumer->host->timers, &slow->timer);
        slow->is_given_up = true;
        weft_assert(weft_work_go_on(slow->work, INT64_MAX));
        slow->is_given_up = false;
        settle(slow);
        is_edited = slow->outcome != WEFT_CLOSED;
    }
    if (is_edited) {
        offer_done(slow);
    }
    if (is_forced && slow->done != NULL) {
        drop(slow, &slow->done, reason == WEFT_DROP_RELOAD ? slow->reload_flow : slow->shutdown_flow, reason, NULL);
    }
    update_open(slow);
}

enum weft_status weft_slow_edit_init(struct weft_slow_edit *slow, struct weft_consumer *consumer,
                                     struct weft_consumer *next, const struct weft_account *in_flight,
                                     const struct weft_slow_edit_operations *operations, struct weft_error *error)
{
    weft_assert(in_flight->kind == WEFT_ACCOUNT_IN_FLIGHT && operations->edit != NULL);
    *slow = (struct weft_slow_edit){ .consumer = consumer, .next = next, .operations = operations };
    weft_timer_init(&slow->timer, turn_came, slow);
    consumer->held_account = *in_flight;
    slow->refused_flow = weft_consumer_drop_flow(consumer, WEFT_DROP_REFUSED_DOWNSTREAM);
    slow->memory_flow = weft_consumer_drop_flow(consumer, WEFT_DROP_OUT_OF_MEMORY);
    slow->invalid_flow = weft_consumer_drop_flow(consumer, WEFT_DROP_INVALID);
    slow->shutdown_flow = weft_consumer_drop_flow(consumer, WEFT_DROP_SHUTDOWN);
    slow->reload_flow = weft_consumer_drop_flow(consumer, WEFT_DROP_RELOAD);
    if (consumer->host->turn_ns > 0) {
        slow->work = weft_work_try_new();
        if (slow->work == NULL) {
            return weft_fail(error, WEFT_NOMEM, "%s: no memory for a stack", consumer->id);
        }
    }
    return WEFT_OK;
}

void weft_slow_edit_fini(struct weft_slow_edit *slow)
{
    weft_assert(!is_under_way(slow) && slow->done == NULL);
    if (slow->consumer != NULL) {
        weft_timer_cancel(slow->consumer->host->timers, &slow->timer);
    }
    weft_work_free(&slow->work);
}
