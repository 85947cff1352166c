/* Resolver (resolver.h). Queries, and which look-up each waits for, belong to the loop's thread. A look-up waits in a
 * list until a helper is free, is that helper's while the system is asked, and comes back by its box. It owns all that
 * the helper touches, so that it can outlive the resolver. One that nobody waits for any more is freed, or, if it is
 * with a helper, left in place for the next who asks for the same name. */
#include "net/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/helper.h"
#include "base/magic.h"

struct weft_resolver {
    struct weft_loop *loop;
    weft_resolver_lookup_fn lookup;
    struct weft_helper *helpers[WEFT_RESOLVER_HELPERS];
    bool is_busy[WEFT_RESOLVER_HELPERS];
    struct weft_helper_box *box;
    struct weft_watch *box_watch;
    struct weft_list waiting;  /* look-ups without a helper */
    struct weft_list asked;    /* look-ups with one */
    struct weft_list literals; /* queries that need no look-up */
    size_t query_count;
};

WEFT_MAGIC(resolver_query, 0x04e50195);
WEFT_MAGIC(resolver_look_up, 0x04e50196);

struct look_up {
    struct weft_helper_task task;
    uint32_t magic;
    struct weft_list node;
    struct weft_list queries; /* that wait for it; none = all were cancelled */
    struct weft_resolver *resolver;
    bool is_asked; /* of a helper, and not free to go */
    size_t helper; /* its index */
    weft_resolver_lookup_fn look_up;
    struct weft_endpoint endpoint;
    struct weft_resolver_answer answer;
};

struct weft_resolver_query {
    uint32_t magic;
    struct weft_list node;         /* in its look-up, or among the literals */
    struct look_up *look_up;       /* NULL for a literal */
    struct weft_deferred deferred; /* answers that need no thread */
    struct weft_resolver *resolver;
    weft_resolver_fn on_answered;
    void *context;
    struct weft_endpoint endpoint; /* of a literal */
};

static struct weft_resolver_query *query_of_node(struct weft_list *node)
{
    struct weft_resolver_query *query = WEFT_CONTAINER_OF(node, struct weft_resolver_query, node);
    weft_check_magic(query, resolver_query);
    return query;
}

static struct look_up *look_up_of_node(struct weft_list *node)
{
    struct look_up *look_up = WEFT_CONTAINER_OF(node, struct look_up, node);
    weft_check_magic(look_up, resolver_look_up);
    return look_up;
}

static struct look_up *look_up_of_task(struct weft_helper_task *task)
{
    struct look_up *look_up = WEFT_CONTAINER_OF(task, struct look_up, task);
    weft_check_magic(look_up, resolver_look_up);
    return look_up;
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

static void free_look_up(struct look_up *look_up)
{
    weft_assert(weft_list_is_empty(&look_up->queries));
    weft_clear_magic(look_up, resolver_look_up);
    weft_list_remove(&look_up->node);
    weft_free(look_up);
}

/* ---- on a helper's thread ---- */

static void look_up_now(struct weft_helper_task *task, void *context)
{
    struct look_up *look_up = look_up_of_task(task);
    (void)context;
    look_up->look_up(&look_up->endpoint, &look_up->answer);
    if (look_up->answer.status == WEFT_OK && look_up->answer.count == 0) {
        fail(&look_up->answer, WEFT_NOT_FOUND, look_up->endpoint.host, "no address");
    }
}

static void on_left(struct weft_helper_task *task)
{
    free_look_up(look_up_of_task(task));
}

/* ---- on the loop ---- */

/* An answer may bring the next query or cancel another one, so each is taken out before it is told. */
static void answer_all(struct weft_list *queries, const struct weft_resolver_answer *answer)
{
    while (!weft_list_is_empty(queries)) {
        struct weft_resolver_query *query = query_of_node(weft_list_first(queries));
        weft_resolver_fn on_answered = query->on_answered;
        void *context = query->context;
        free_query(query);
        on_answered(context, answer);
    }
}

static bool find_free_helper(const struct weft_resolver *resolver, size_t *out_index)
{
    for (size_t i = 0; i < WEFT_RESOLVER_HELPERS; i++) {
        if (!resolver->is_busy[i]) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

/* To the first helper that is free, so that the threads of the others need not be started; or it waits. */
static enum weft_status ask_helper(struct weft_resolver *resolver, struct look_up *look_up, struct weft_error *error)
{
    size_t index;
    if (!find_free_helper(resolver, &index)) {
        weft_list_push_back(&resolver->waiting, &look_up->node);
        return WEFT_OK;
    }
    enum weft_status status = weft_helper_ask(resolver->helpers[index], resolver->box, &look_up->task, error);
    if (status == WEFT_OK) {
        look_up->is_asked = true;
        look_up->helper = index;
        resolver->is_busy[index] = true;
        weft_list_push_back(&resolver->asked, &look_up->node);
    }
    return status;
}

static void ask_for_next(struct weft_resolver *resolver)
{
    struct weft_list *node = weft_list_pop_front(&resolver->waiting);
    struct weft_error error = WEFT_ERROR_NONE;
    if (node == NULL || ask_helper(resolver, look_up_of_node(node), &error) == WEFT_OK) {
        return;
    }
    struct look_up *look_up = look_up_of_node(node);
    fail(&look_up->answer, WEFT_IO, look_up->endpoint.host, error.text);
    look_up->is_asked = true; /* not to be freed by who cancels */
    answer_all(&look_up->queries, &look_up->answer);
    free_look_up(look_up);
}

static void on_looked_up(struct weft_helper_task *task)
{
    struct look_up *look_up = look_up_of_task(task);
    look_up->resolver->is_busy[look_up->helper] = false;
    weft_list_remove(&look_up->node); /* who asks from now on asks anew */
    ask_for_next(look_up->resolver);
    answer_all(&look_up->queries, &look_up->answer);
    free_look_up(look_up);
}

static void on_box_ready(void *context, unsigned readiness)
{
    struct weft_resolver *resolver = context;
    (void)readiness;
    weft_helper_box_deliver(resolver->box);
}

static void answer_literal(void *context)
{
    struct weft_resolver_query *query = context;
    struct weft_resolver_answer answer = { .status = WEFT_OK, .count = 1 };
    struct weft_resolved_address *first = &answer.addresses[0];
    weft_check_magic(query, resolver_query);
    weft_assert(weft_endpoint_literal(&query->endpoint, &first->socket_address, &first->length) == WEFT_OK);
    weft_resolver_fn on_answered = query->on_answered;
    void *asker = query->context;
    free_query(query);
    on_answered(asker, &answer);
}

struct weft_resolver *weft_resolver_new(struct weft_loop *loop, weft_resolver_lookup_fn lookup)
{
    struct weft_resolver *resolver = weft_alloc(sizeof *resolver);
    resolver->loop = loop;
    resolver->lookup = lookup != NULL ? lookup : look_up_name;
    resolver->box = weft_helper_box_new();
    resolver->box_watch =
        weft_watch_new(loop, weft_helper_box_descriptor(resolver->box), WEFT_READABLE, on_box_ready, resolver);
    for (size_t i = 0; i < WEFT_RESOLVER_HELPERS; i++) {
        resolver->helpers[i] = weft_helper_new("weft-resolver", 1, NULL, NULL);
    }
    weft_list_init(&resolver->waiting);
    weft_list_init(&resolver->asked);
    weft_list_init(&resolver->literals);
    return resolver;
}

static void free_queries(struct weft_list *queries)
{
    while (!weft_list_is_empty(queries)) {
        free_query(query_of_node(weft_list_first(queries)));
    }
}

void weft_resolver_free(struct weft_resolver *resolver)
{
    struct weft_list *node;
    free_queries(&resolver->literals);
    while ((node = weft_list_pop_front(&resolver->waiting)) != NULL) {
        free_queries(&look_up_of_node(node)->queries);
        free_look_up(look_up_of_node(node));
    }
    while ((node = weft_list_pop_front(&resolver->asked)) != NULL) {
        free_queries(&look_up_of_node(node)->queries);
    }
    weft_assert(resolver->query_count == 0);
    weft_watch_free(resolver->box_watch);
    weft_helper_box_free(resolver->box);
    for (size_t i = 0; i < WEFT_RESOLVER_HELPERS; i++) {
        weft_helper_free(resolver->helpers[i]);
    }
    weft_free(resolver);
}

/* ---- queries ---- */

static struct look_up *find_look_up(struct weft_list *look_ups, const struct weft_endpoint *endpoint)
{
    WEFT_LIST_EACH(node, look_ups)
    {
        struct look_up *look_up = look_up_of_node(node);
        if (look_up->endpoint.port == endpoint->port && strcmp(look_up->endpoint.host, endpoint->host) == 0) {
            return look_up;
        }
    }
    return NULL;
}

static enum weft_status begin_look_up(struct weft_resolver *resolver, const struct weft_endpoint *endpoint,
                                      struct look_up **out_look_up, struct weft_error *error)
{
    struct look_up *look_up = weft_try_alloc(sizeof *look_up);
    if (look_up == NULL) {
        return weft_fail(error, WEFT_NOMEM, "out of memory");
    }
    weft_set_magic(look_up, resolver_look_up);
    weft_list_init(&look_up->node);
    weft_list_init(&look_up->queries);
    look_up->task = (struct weft_helper_task){ .work = look_up_now, .on_done = on_looked_up, .on_left = on_left };
    look_up->resolver = resolver;
    look_up->look_up = resolver->lookup;
    look_up->endpoint = *endpoint;
    enum weft_status status = ask_helper(resolver, look_up, error);
    if (status != WEFT_OK) {
        free_look_up(look_up);
        return status;
    }
    *out_look_up = look_up;
    return WEFT_OK;
}

static enum weft_status join_look_up(struct weft_resolver *resolver, struct weft_resolver_query *query,
                                     struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    query->look_up = find_look_up(&resolver->asked, &query->endpoint);
    if (query->look_up == NULL) {
        query->look_up = find_look_up(&resolver->waiting, &query->endpoint);
    }
    if (query->look_up == NULL) {
        status = begin_look_up(resolver, &query->endpoint, &query->look_up, error);
    }
    if (status == WEFT_OK) {
        weft_list_push_back(&query->look_up->queries, &query->node);
    }
    return status;
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
    weft_list_init(&query->node);
    query->resolver = resolver;
    query->on_answered = on_answered;
    query->context = context;
    query->endpoint = *endpoint;
    weft_deferred_init(&query->deferred, answer_literal, query);
    resolver->query_count++;
    struct weft_error reason = WEFT_ERROR_NONE;
    enum weft_status status = WEFT_OK;
    struct weft_resolved_address ignored;
    if (weft_endpoint_literal(endpoint, &ignored.socket_address, &ignored.length) == WEFT_OK) {
        weft_list_push_back(&resolver->literals, &query->node);
        weft_loop_defer(resolver->loop, &query->deferred);
    } else {
        status = join_look_up(resolver, query, &reason);
    }
    if (status != WEFT_OK) {
        free_query(query);
        return weft_fail(error, status, "cannot resolve %s: %s", endpoint->host, reason.text);
    }
    *out_query = query;
    return WEFT_OK;
}

void weft_resolver_cancel(struct weft_resolver *resolver, struct weft_resolver_query *query)
{
    weft_check_magic(query, resolver_query);
    weft_assert(query->resolver == resolver);
    struct look_up *look_up = query->look_up;
    free_query(query);
    if (look_up != NULL && !look_up->is_asked && weft_list_is_empty(&look_up->queries)) {
        free_look_up(look_up);
    }
}
