/* Post (post.h): for each sender, which its thread alone touches, a chain of messages for each other worker. */
#include "worker/post.h"

#include "base/alloc.h"
#include "base/assert.h"

struct chain {
    struct weft_message *first, *last;
    size_t count;
};

struct sender {
    struct weft_worker_post *post;
    struct weft_deferred flush;
    struct chain *chains; /* by receiver */
};

struct weft_worker_post {
    struct weft_post post;
    struct weft_worker *const *workers;
    struct weft_host **hosts;
    struct sender senders[];
};

static void flush(void *context)
{
    struct sender *sender = context;
    for (uint32_t i = 0; i < sender->post->post.worker_count; i++) {
        struct chain *chain = &sender->chains[i];
        weft_assert((chain->count == 0) == (chain->first == NULL));
        if (chain->count > 0) {
            struct chain out = *chain;
            *chain = (struct chain){ 0 };
            weft_mailbox_post_chain(weft_worker_mailbox(sender->post->workers[i]), out.first, out.last, out.count);
        }
    }
}

static void send_by_chain(struct weft_post *untyped, uint32_t from_worker, uint32_t to_worker,
                          struct weft_message *message)
{
    struct weft_worker_post *post = WEFT_CONTAINER_OF(untyped, struct weft_worker_post, post);
    weft_assert(untyped->send == send_by_chain && message->on_delivered != NULL);
    weft_assert(from_worker != to_worker && to_worker < untyped->worker_count && from_worker < untyped->worker_count);
    weft_assert(weft_host_is_here(post->hosts[from_worker]));
    struct sender *sender = &post->senders[from_worker];
    struct chain *chain = &sender->chains[to_worker];
    message->next = NULL;
    if (chain->last != NULL) {
        chain->last->next = message;
    } else {
        chain->first = message;
    }
    chain->last = message;
    chain->count++;
    weft_loop_defer(weft_worker_loop(post->workers[from_worker]), &sender->flush);
}

struct weft_worker_post *weft_worker_post_new(struct weft_worker *const *workers, uint32_t worker_count)
{
    struct weft_worker_post *post = weft_alloc(sizeof *post + worker_count * sizeof post->senders[0]);
    post->workers = workers;
    post->hosts = weft_alloc(worker_count * sizeof(struct weft_host *));
    post->post = (struct weft_post){ .send = send_by_chain, .hosts = post->hosts, .worker_count = worker_count };
    for (uint32_t i = 0; i < worker_count; i++) {
        struct sender *sender = &post->senders[i];
        sender->post = post;
        sender->chains = weft_alloc(worker_count * sizeof *sender->chains);
        weft_deferred_init(&sender->flush, flush, sender);
        post->hosts[i] = weft_worker_host(workers[i]);
        weft_assert(post->hosts[i]->post == NULL && post->hosts[i]->worker_index == i);
        post->hosts[i]->post = &post->post;
    }
    return post;
}

void weft_worker_post_free(struct weft_worker_post *post)
{
    for (uint32_t i = 0; i < post->post.worker_count; i++) {
        for (uint32_t j = 0; j < post->post.worker_count; j++) {
            weft_assert(post->senders[i].chains[j].count == 0);
        }
        weft_deferred_cancel(&post->senders[i].flush);
        weft_free(post->senders[i].chains);
        post->hosts[i]->post = NULL;
    }
    weft_free(post->hosts);
    weft_free(post);
}
