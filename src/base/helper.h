#pragma once

#include "base/mailbox.h"
#include "base/status.h"

/* Helper: a thread that does for others what may block (a look-up, an open, a write to a pipe that nobody reads), one
 * task after the other. Tasks wait in the helper's queue, which is bounded; what is done goes to the box of who asked.
 * One box takes the answers of many helpers, and one helper works for many boxes.
 *
 * Nobody ever waits for the thread. Who has no use for a task any more leaves it, and who ends leaves all; what is
 * under way then is the thread's, which frees it when the system lets go of it, if ever. So a task owns all that its
 * work touches, and work touches nothing else but the helper's context. */
struct weft_helper;
struct weft_helper_box;
struct weft_helper_task;

typedef void (*weft_helper_work_fn)(struct weft_helper_task *task, void *context);
typedef void (*weft_helper_task_fn)(struct weft_helper_task *task);

/* Embedded in what is asked; zero but for the three functions. One of on_done and on_left runs, once, and has the task.
 */
struct weft_helper_task {
    struct weft_message message;
    weft_helper_work_fn work;    /* on the helper's thread; not for a task that was left while it waited */
    weft_helper_task_fn on_done; /* on the box's thread */
    weft_helper_task_fn on_left; /* the task was left, its box freed, or there is none: frees the task. Any thread */
    struct weft_helper_box *box; /* NULL: nobody waits for it, on_left runs when it was done */
    bool is_left;                /* under the box's mutex */
};

/* name: a literal of at most 15 bytes; the thread starts with the first task. capacity: tasks that wait or are under
 * way. context: what all its tasks share, the helper's from now on; on_end frees it, after the last task. Either may be
 * NULL. */
struct weft_helper *weft_helper_new(const char *name, size_t capacity, void *context, void (*on_end)(void *context));

/* What was asked before is still done, or left by its owner; nothing is asked any more. Does not wait. */
void weft_helper_free(struct weft_helper *helper);

/* Any thread that owns the box; any at all where that is NULL. WEFT_LIMIT: the queue is full, or the system has no
 * thread to give; WEFT_NOMEM. The task is then still the caller's. */
enum weft_status weft_helper_ask(struct weft_helper *helper, struct weft_helper_box *box, struct weft_helper_task *task,
                                 struct weft_error *error) WEFT_MUST_CHECK;

/* For a task that was asked and is not done: on_left will run, later, never on_done. The box's thread. */
void weft_helper_leave(struct weft_helper_task *task);

/* What follows is for one thread, the box's owner's. */
struct weft_helper_box *weft_helper_box_new(void);

/* Leaves every task that has not been delivered. Also inside an on_done. */
void weft_helper_box_free(struct weft_helper_box *box);

/* Becomes readable when there is something to deliver. */
int weft_helper_box_descriptor(const struct weft_helper_box *box);
void weft_helper_box_deliver(struct weft_helper_box *box);
