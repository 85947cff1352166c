/* Mailbox: a mutex, a list and an eventfd (mailbox.h). */
#include "base/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

struct weft_mailbox {
    struct weft_mutex mutex;
    struct weft_message *first;
    struct weft_message **last_link;
    size_t count;
    size_t capacity;
    int descriptor;
};

struct weft_mailbox *weft_mailbox_try_new(size_t capacity)
{
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
        return NULL;
    }
    struct weft_mailbox *mailbox = weft_alloc(sizeof *mailbox);
    mailbox->descriptor = descriptor;
    weft_mutex_init(&mailbox->mutex);
    mailbox->last_link = &mailbox->first;
    mailbox->capacity = capacity;
    return mailbox;
}

struct weft_mailbox *weft_mailbox_new(size_t capacity)
{
    struct weft_mailbox *mailbox = weft_mailbox_try_new(capacity);
    weft_assert(mailbox != NULL);
    return mailbox;
}

void weft_mailbox_free(struct weft_mailbox *mailbox)
{
    weft_assert(mailbox->first == NULL);
    close(mailbox->descriptor);
    weft_mutex_fini(&mailbox->mutex);
    weft_free(mailbox);
}

static enum weft_status post(struct weft_mailbox *mailbox, struct weft_message *first, struct weft_message *last,
                             size_t count, bool may_refuse)
{
    last->next = NULL;
    weft_mutex_lock(&mailbox->mutex);
    if (may_refuse && mailbox->count >= mailbox->capacity) {
        weft_mutex_unlock(&mailbox->mutex);
        return WEFT_LIMIT;
    }
    for (struct weft_message *message = first; message != NULL; message = message->next) {
        weft_assert(message->on_delivered != NULL && message->magic == 0);
        weft_set_magic(message, message);
    }
    bool was_empty = mailbox->first == NULL;
    *mailbox->last_link = first;
    mailbox->last_link = &last->next;
    mailbox->count += count;
    if (was_empty) {
        /* Written under the lock: after the owner has taken the list, the box may be freed. */
        uint64_t one = 1;
        ssize_t written = write(mailbox->descriptor, &one, sizeof one);
        weft_assert(written == (ssize_t)sizeof one || errno == EAGAIN);
    }
    weft_mutex_unlock(&mailbox->mutex);
    return WEFT_OK;
}

enum weft_status weft_mailbox_post(struct weft_mailbox *mailbox, struct weft_message *message)
{
    return post(mailbox, message, message, 1, true);
}

void weft_mailbox_post_always(struct weft_mailbox *mailbox, struct weft_message *message)
{
    weft_mailbox_post_chain(mailbox, message, message, 1);
}

void weft_mailbox_post_chain(struct weft_mailbox *mailbox, struct weft_message *first, struct weft_message *last,
                             size_t count)
{
    weft_assert(post(mailbox, first, last, count, false) == WEFT_OK);
}

int weft_mailbox_descriptor(const struct weft_mailbox *mailbox)
{
    return mailbox->descriptor;
}

void weft_mailbox_deliver(struct weft_mailbox *mailbox)
{
    uint64_t ignored;
    ssize_t received = read(mailbox->descriptor, &ignored, sizeof ignored);
    weft_assert(received == (ssize_t)sizeof ignored || errno == EAGAIN || errno == EINTR);
    weft_mutex_lock(&mailbox->mutex);
    struct weft_message *message = mailbox->first;
    mailbox->first = NULL;
    mailbox->last_link = &mailbox->first;
    mailbox->count = 0;
    weft_mutex_unlock(&mailbox->mutex);
    while (message != NULL) {
        struct weft_message *next = message->next;
        weft_clear_magic(message, message);
        message->on_delivered(message);
        message = next;
    }
}
