#pragma once

#include "config/load.h"
#include "pipeline/pipeline_test.h"
#include "weft/component.h"

/* Several workers' hosts on one thread, with a post that delivers when it is told to, so that a test sees what is under
 * way. The first host's timers, pool and ledger are those of pipeline_test.h. */
enum { MAX_WORKERS = 4, MAX_MESSAGES = 256 };

struct slow_post {
    struct weft_post post;
    struct weft_host hosts[MAX_WORKERS];
    struct weft_host *host_pointers[MAX_WORKERS];
    struct weft_message *messages[MAX_MESSAGES];
    size_t message_count;
};

static struct slow_post mail;

static inline void slow_send(struct weft_post *post, uint32_t from_worker, uint32_t to_worker,
                             struct weft_message *message)
{
    (void)post;
    ck_assert_uint_ne(from_worker, to_worker);
    ck_assert_uint_lt(mail.message_count, MAX_MESSAGES);
    mail.messages[mail.message_count++] = message;
}

static inline void deliver_one(void)
{
    struct weft_message *message = mail.messages[0];
    memmove(mail.messages, mail.messages + 1, --mail.message_count * sizeof message);
    message->on_delivered(message);
}

static inline void deliver_all(void)
{
    while (mail.message_count > 0) {
        deliver_one();
    }
}

static inline void begin_workers(uint32_t worker_count)
{
    begin_as(worker_count);
    memset(&mail, 0, sizeof mail);
    mail.post = (struct weft_post){ .send = slow_send, .hosts = mail.host_pointers, .worker_count = worker_count };
    for (uint32_t i = 0; i < worker_count; i++) {
        mail.hosts[i] = host;
        mail.hosts[i].books = weft_ledger_worker_of(host.ledger, i);
        mail.hosts[i].worker_index = i;
        mail.hosts[i].post = &mail.post;
        mail.host_pointers[i] = &mail.hosts[i];
    }
}
