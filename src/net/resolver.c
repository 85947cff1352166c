/* Resolver (resolver.h). A query belongs to the loop's thread, then, while it is asked, to the helper, and
 * comes back by mailbox; the two threads never look at one at the same time, except for the flag that spares
 * the helper a look-up that nobody waits for. A cancelled query is freed when it comes back. */
#include "net/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/magic.h"
#include "base/thread.h"

struct weft_resolver {
    struct weft_loop *loop;
    weft_resolver_lookup_fn lookup;
    struct weft_thread *thread;     /* NULL until the first name */
    struct weft_mailbox *questions; /* to the helper */
    struct weft_mailbox *replies;   /* to the loop */
    struct weft_watch *replies_watch;
    struct weft_message stop;
    struct weft_atomic_u64 is_stopping;
    bool has_stopped;         /* the helper's own */
    struct weft_list queries; /* all that are under way */
    size_t query_count;
};

WEFT_MAGIC(resolver_query, 0x04e50195);

struct weft_resolver_query {
    struct weft_message message; /* first as a question, then as the reply */
    uint32_t magic;
    struct weft_list node;
    struct weft_deferred deferred; /* answers that need no thread */
    struct weft_resolver *resolver;
    struct weft_atomic_u64 is_cancelled;
    bool is_asked; /* with the helper */
    weft_resolver_fn on_answered;
    void *context;
    struct weft_endpoint endpoint;
    struct weft_resolver_answer answer;
};

static struct weft_resolver_query *query_of_node(struct weft_list *node)
{
    struct weft_resolver_query *query = WEFT_CONTAINER_OF(node, struct weft_resolver_query, node);
    weft_check_magic(query, resolver_query);
    return query;
}

static struct weft_resolver_query *query_of_message(struct weft_message *message)
{
    struct weft_resolver_query *query = WEFT_CONTAINER_OF(message, struct weft_resolver_query, message);
    weft_check_magic(query, resolver_query);
    return query;
}

static void fail(struct weft_resolver_answer *answer, enum weft_status status, const char *name, const char *reason)
{
    answer->status = status;
    answer->count = 0;
    snprintf(answer->failure, sizeof answer->failure, "cannot resolve %.100s: %s", name, reason);
}

static enum weft_status status_of(int code)
{
    switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
        return WEFT_NOT_FOUND;
    case EAI_MEMORY:
        return WEFT_NOMEM;
    default:
        return WEFT_IO;
    }
}

static void look_up_name(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    char port[8];
    snprintf(port, sizeof port, "%u", endpoint->port);
    struct addrinfo *list = NULL;
    int code = getaddrinfo(endpoint->host, port, &hints, &list);
    if (code != 0) {
        const char *reason = code == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(code);
        fail(out_answer, status_of(code), endpoint->host, reason != NULL ? reason : "unknown failure");
        return;
    }
    out_answer->status = WEFT_OK;
    for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next) {
        if (out_answer->count < WEFT_RESOLVER_ADDRESSES && entry->ai_addrlen <= sizeof(struct sockaddr_storage)) {
            struct weft_resolved_address *address = &out_answer->addresses[out_answer->count++];
            memcpy(&address->socket_address, entry->ai_addr, entry->ai_addrlen);
            address->length = entry->ai_addrlen;
        }
    }
    freeaddrinfo(list);
}

static void free_query(struct weft_resolver_query *query)
{
    weft_assert(query->resolver->query_count > 0);
    weft_clear_magic(query, resolver_query);
    weft_list_remove(&query->node);
    query->resolver->query_count--;
    weft_deferred_cancel(&query->deferred);
    weft_free(query);
}

static void deliver(void *context)
{
    struct weft_resolver_query *query = context;
    weft_check_magic(query, resolver_query);
    query->is_asked = false;
    if (weft_atomic_load(&query->is_cancelled) == 0) {
        query->on_answered(query->context, &query->answer);
    }
    free_query(query);
}

static void on_reply_delivered(struct weft_message *message)
{
    deliver(query_of_message(message));
}

/* On the helper's thread. */
static void on_question_delivered(struct weft_message *message)
{
    struct weft_resolver_query *query = query_of_message(message);
    struct weft_resolver *resolver = query->resolver;
    if (weft_atomic_load(&query->is_cancelled) == 0 && weft_atomic_load(&resolver->is_stopping) == 0) {
        resolver->lookup(&query->endpoint, &query->answer);
        if (query->answer.status == WEFT_OK && query->answer.count == 0) {
            fail(&query->answer, WEFT_NOT_FOUND, query->endpoint.host, "no address");
        }
    }
    query->message.on_delivered = on_reply_delivered;
    weft_mailbox_post_always(resolver->replies, &query->message);
}

static void on_stop_delivered(struct weft_message *message)
{
    WEFT_CONTAINER_OF(message, struct weft_resolver, stop)->has_stopped = true;
}

static void helper_main(void *context)
{
    struct weft_resolver *resolver = context;
    struct pollfd waiting = { .fd = weft_mailbox_descriptor(resolver->questions), .events = POLLIN };
    while (!resolver->has_stopped) {
        if (poll(&waiting, 1, -1) > 0) {
            weft_mailbox_deliver(resolver->questions);
        }
    }
}

static void on_replies_ready(void *context, unsigned readiness)
{
    struct weft_resolver *resolver = context;
    (void)readiness;
    weft_mailbox_deliver(resolver->replies);
}

struct weft_resolver *weft_resolver_new(struct weft_loop *loop, weft_resolver_lookup_fn lookup)
{
    struct weft_resolver *resolver = weft_alloc(sizeof *resolver);
    resolver->loop = loop;
    resolver->lookup = lookup != NULL ? lookup : look_up_name;
    weft_list_init(&resolver->queries);
    resolver->stop.on_delivered = on_stop_delivered;
    return resolver;
}

static void start_helper(struct weft_resolver *resolver)
{
    resolver->questions = weft_mailbox_new(WEFT_RESOLVER_QUERIES + 1);
    resolver->replies = weft_mailbox_new(WEFT_RESOLVER_QUERIES);
    resolver->replies_watch = weft_watch_new(resolver->loop, weft_mailbox_descriptor(resolver->replies), WEFT_READABLE,
                                             on_replies_ready, resolver);
    resolver->thread = weft_thread_start("weft-resolver", helper_main, resolver);
}

static void stop_helper(struct weft_resolver *resolver)
{
    weft_atomic_store(&resolver->is_stopping, 1);
    weft_mailbox_post_always(resolver->questions, &resolver->stop);
    weft_thread_join(resolver->thread);
    weft_mailbox_deliver(resolver->replies);
    weft_watch_free(resolver->replies_watch);
    weft_mailbox_free(resolver->replies);
    weft_mailbox_free(resolver->questions);
}

void weft_resolver_free(struct weft_resolver *resolver)
{
    WEFT_LIST_EACH(node, &resolver->queries)
    {
        weft_atomic_store(&query_of_node(node)->is_cancelled, 1);
    }
    if (resolver->thread != NULL) {
        stop_helper(resolver);
    }
    while (!weft_list_is_empty(&resolver->queries)) {
        free_query(query_of_node(weft_list_first(&resolver->queries)));
    }
    weft_assert(resolver->query_count == 0);
    weft_free(resolver);
}

enum weft_status weft_resolver_ask(struct weft_resolver *resolver, const struct weft_endpoint *endpoint,
                                   weft_resolver_fn on_answered, void *context, struct weft_resolver_query **out_query,
                                   struct weft_error *error)
{
    weft_assert(on_answered != NULL);
    if (resolver->query_count >= WEFT_RESOLVER_QUERIES) {
        return weft_fail(error, WEFT_LIMIT, "cannot resolve %s: %d look-ups are under way", endpoint->host,
                         WEFT_RESOLVER_QUERIES);
    }
    struct weft_resolver_query *query = weft_try_alloc(sizeof *query);
    if (query == NULL) {
        return weft_fail(error, WEFT_NOMEM, "cannot resolve %s: out of memory", endpoint->host);
    }
    weft_set_magic(query, resolver_query);
    query->resolver = resolver;
    query->on_answered = on_answered;
    query->context = context;
    query->endpoint = *endpoint;
    weft_deferred_init(&query->deferred, deliver, query);
    weft_list_push_back(&resolver->queries, &query->node);
    resolver->query_count++;
    struct weft_resolved_address *first = &query->answer.addresses[0];
    if (weft_endpoint_literal(endpoint, &first->socket_address, &first->length) == WEFT_OK) {
        query->answer.status = WEFT_OK;
        query->answer.count = 1;
        weft_loop_defer(resolver->loop, &query->deferred);
    } else {
        if (resolver->thread == NULL) {
            start_helper(resolver);
        }
        query->is_asked = true;
        query->message.on_delivered = on_question_delivered;
        weft_mailbox_post_always(resolver->questions, &query->message);
    }
    *out_query = query;
    return WEFT_OK;
}

void weft_resolver_cancel(struct weft_resolver *resolver, struct weft_resolver_query *query)
{
    weft_check_magic(query, resolver_query);
    weft_assert(query->resolver == resolver);
    weft_atomic_store(&query->is_cancelled, 1);
    if (!query->is_asked) {
        free_query(query);
    }
}
