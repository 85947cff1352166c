/* Helper (helper.h). A task is its owner's until it is asked, then in the helper's queue, then with the thread, then in
 * the box; the box's mutex decides between an answer and an owner that leaves. A box that is freed lives on for as long
 * as tasks are out that would come back to it. */
#include "base/helper.h"

#include "base/alloc.h"
#include "base/magic.h"

WEFT_MAGIC(helper, 0x4e19e201);
WEFT_MAGIC(helper_box, 0x4e19e202);

struct weft_helper {
    uint32_t magic;
    struct weft_mutex mutex; /* guards what follows, up to is_ending */
    struct weft_condition has_changed;
    struct weft_message *first; /* the tasks that wait */
    struct weft_message **last_link;
    size_t count; /* with the one under way */
    bool has_thread;
    bool is_ending;
    const char *name;
    size_t capacity;
    void *context;
    void (*on_end)(void *context);
};

struct weft_helper_box {
    uint32_t magic;
    struct weft_mutex mutex;
    struct weft_mailbox *answers;
    size_t tasks_out; /* asked and not delivered, under the mutex */
    bool is_freed;    /* by its owner, under the mutex */
};

static struct weft_helper_task *task_of(struct weft_message *message)
{
    struct weft_helper_task *task = WEFT_CONTAINER_OF(message, struct weft_helper_task, message);
    if (task->box != NULL) {
        weft_check_magic(task->box, helper_box);
    }
    return task;
}

/* ---- boxes ---- */

struct weft_helper_box *weft_helper_box_new(void)
{
    struct weft_helper_box *box = weft_alloc(sizeof *box);
    weft_set_magic(box, helper_box);
    weft_mutex_init(&box->mutex);
    box->answers = weft_mailbox_new(SIZE_MAX); /* bounded by the queues of the helpers */
    return box;
}

int weft_helper_box_descriptor(const struct weft_helper_box *box)
{
    return weft_mailbox_descriptor(box->answers);
}

void weft_helper_box_deliver(struct weft_helper_box *box)
{
    weft_check_magic(box, helper_box);
    weft_mailbox_deliver(box->answers);
}

static void destroy_box(struct weft_helper_box *box)
{
    weft_clear_magic(box, helper_box);
    weft_mailbox_free(box->answers);
    weft_mutex_fini(&box->mutex);
    weft_free(box);
}

/* A task is no longer out. */
static void let_go_of_box(struct weft_helper_box *box)
{
    weft_mutex_lock(&box->mutex);
    weft_assert(box->tasks_out > 0);
    bool is_last = --box->tasks_out == 0 && box->is_freed;
    weft_mutex_unlock(&box->mutex);
    if (is_last) {
        destroy_box(box);
    }
}

void weft_helper_box_free(struct weft_helper_box *box)
{
    weft_check_magic(box, helper_box);
    weft_mutex_lock(&box->mutex);
    weft_assert(!box->is_freed);
    box->is_freed = true;
    box->tasks_out++; /* it must not go while its answers are delivered */
    weft_mutex_unlock(&box->mutex);
    weft_mailbox_deliver(box->answers);
    let_go_of_box(box);
}

static void on_answer_delivered(struct weft_message *message)
{
    struct weft_helper_task *task = task_of(message);
    struct weft_helper_box *box = task->box;
    bool is_left = task->is_left || box->is_freed; /* this thread's doing, if so */
    let_go_of_box(box);
    (is_left ? task->on_left : task->on_done)(task);
}

void weft_helper_leave(struct weft_helper_task *task)
{
    weft_check_magic(task->box, helper_box);
    weft_mutex_lock(&task->box->mutex);
    weft_assert(!task->is_left);
    task->is_left = true;
    weft_mutex_unlock(&task->box->mutex);
}

/* ---- the thread ---- */

static bool is_left(struct weft_helper_task *task)
{
    if (task->box == NULL) {
        return false;
    }
    weft_mutex_lock(&task->box->mutex);
    bool is_left = task->is_left || task->box->is_freed;
    weft_mutex_unlock(&task->box->mutex);
    return is_left;
}

static void hand_back(struct weft_helper_task *task)
{
    struct weft_helper_box *box = task->box;
    if (box == NULL) {
        task->on_left(task);
        return;
    }
    weft_mutex_lock(&box->mutex);
    bool has_owner = !box->is_freed;
    if (has_owner) {
        weft_mailbox_post_always(box->answers, &task->message);
    }
    weft_mutex_unlock(&box->mutex);
    if (!has_owner) {
        let_go_of_box(box);
        task->on_left(task);
    }
}

/* NULL: the helper ends. */
static struct weft_helper_task *next_task(struct weft_helper *helper)
{
    weft_mutex_lock(&helper->mutex);
    while (helper->first == NULL && !helper->is_ending) {
        weft_condition_wait(&helper->has_changed, &helper->mutex);
    }
    struct weft_message *message = helper->first;
    if (message != NULL) {
        helper->first = message->next;
        helper->last_link = helper->first == NULL ? &helper->first : helper->last_link;
        message->next = NULL;
    }
    weft_mutex_unlock(&helper->mutex);
    return message == NULL ? NULL : task_of(message);
}

static void destroy_helper(struct weft_helper *helper)
{
    if (helper->on_end != NULL) {
        helper->on_end(helper->context);
    }
    weft_clear_magic(helper, helper);
    weft_condition_fini(&helper->has_changed);
    weft_mutex_fini(&helper->mutex);
    weft_free(helper);
}

static void helper_main(void *context)
{
    struct weft_helper *helper = context;
    struct weft_helper_task *task;
    while ((task = next_task(helper)) != NULL) {
        if (!is_left(task)) {
            task->work(task, helper->context);
        }
        weft_mutex_lock(&helper->mutex);
        helper->count--;
        weft_mutex_unlock(&helper->mutex);
        hand_back(task);
    }
    destroy_helper(helper);
}

/* ---- asking ---- */

struct weft_helper *weft_helper_new(const char *name, size_t capacity, void *context, void (*on_end)(void *context))
{
    weft_assert(capacity > 0);
    struct weft_helper *helper = weft_alloc(sizeof *helper);
    weft_set_magic(helper, helper);
    weft_mutex_init(&helper->mutex);
    weft_condition_init(&helper->has_changed);
    helper->last_link = &helper->first;
    helper->name = name;
    helper->capacity = capacity;
    helper->context = context;
    helper->on_end = on_end;
    return helper;
}

void weft_helper_free(struct weft_helper *helper)
{
    weft_check_magic(helper, helper);
    weft_mutex_lock(&helper->mutex);
    bool has_thread = helper->has_thread;
    helper->is_ending = true;
    weft_condition_signal(&helper->has_changed);
    weft_mutex_unlock(&helper->mutex);
    if (!has_thread) {
        destroy_helper(helper);
    }
}

/* With the helper's mutex locked. */
static enum weft_status make_room(struct weft_helper *helper, struct weft_error *error)
{
    weft_assert(!helper->is_ending);
    if (helper->count >= helper->capacity) {
        return weft_fail(error, WEFT_LIMIT, "%s: %zu tasks wait", helper->name, helper->count);
    }
    if (!helper->has_thread) {
        enum weft_status status = weft_thread_try_detached(helper->name, helper_main, helper);
        if (status != WEFT_OK) {
            return weft_fail(error, status, "%s: no thread can be started", helper->name);
        }
        helper->has_thread = true;
    }
    return WEFT_OK;
}

static void take_box(struct weft_helper_task *task, struct weft_helper_box *box)
{
    task->box = box;
    task->is_left = false;
    task->message = (struct weft_message){ .on_delivered = on_answer_delivered };
    if (box == NULL) {
        return;
    }
    weft_check_magic(box, helper_box);
    weft_mutex_lock(&box->mutex);
    weft_assert(!box->is_freed);
    box->tasks_out++;
    weft_mutex_unlock(&box->mutex);
}

enum weft_status weft_helper_ask(struct weft_helper *helper, struct weft_helper_box *box, struct weft_helper_task *task,
                                 struct weft_error *error)
{
    weft_check_magic(helper, helper);
    weft_assert(task->work != NULL && (task->on_done != NULL || box == NULL) && task->on_left != NULL);
    weft_mutex_lock(&helper->mutex);
    enum weft_status status = make_room(helper, error);
    if (status == WEFT_OK) {
        take_box(task, box);
        *helper->last_link = &task->message;
        helper->last_link = &task->message.next;
        helper->count++;
        weft_condition_signal(&helper->has_changed);
    }
    weft_mutex_unlock(&helper->mutex);
    return status;
}
