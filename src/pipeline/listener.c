/* Listeners (listener.h): the process's listening sockets, counted by endpoint. The list mirrors what the kernel keeps
 * for the process, which is why it is the process's too. That two receivers of one plan do not share a socket is the
 * plan's business (pipeline/plan.c). */
#include "pipeline/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/magic.h"
#include "base/thread.h"

WEFT_MAGIC(listening, 0x0115e401);

struct listening {
    struct weft_list node;
    uint32_t magic;
    struct weft_endpoint endpoint;
    int descriptor;
    bool is_beside; /* another one here has some of its addresses */
    uint32_t references;
};

static struct weft_list all = { &all, &all };
static struct weft_mutex mutex =
    WEFT_MUTEX_INITIALIZER; /* a reload opens in a thread of its own, the main one closes */

static struct listening *listening_of(struct weft_list *node)
{
    struct listening *listening = WEFT_CONTAINER_OF(node, struct listening, node);
    weft_check_magic(listening, listening);
    return listening;
}

static bool endpoints_equal(const struct weft_endpoint *left, const struct weft_endpoint *right)
{
    return left->is_unix == right->is_unix && strcmp(left->host, right->host) == 0 &&
           (left->is_unix || left->port == right->port);
}

static struct listening *find_endpoint(const struct weft_endpoint *endpoint)
{
    WEFT_LIST_EACH(node, &all)
    {
        struct listening *listening = listening_of(node);
        if (endpoints_equal(&listening->endpoint, endpoint)) {
            return listening;
        }
    }
    return NULL;
}

static struct listening *find_descriptor(int descriptor)
{
    WEFT_LIST_EACH(node, &all)
    {
        struct listening *listening = listening_of(node);
        if (listening->descriptor == descriptor) {
            return listening;
        }
    }
    return NULL;
}

static bool is_neighbour(const struct listening *listening, const struct weft_endpoint *endpoint)
{
    return !endpoint->is_unix && !listening->endpoint.is_unix && listening->endpoint.port == endpoint->port;
}

/* Linux lets sockets of one user share a port if all of them say so, at whatever time they do. */
static bool open_port_to_neighbours(const struct weft_endpoint *endpoint)
{
    int yes = 1;
    bool has_neighbour = false;
    WEFT_LIST_EACH(node, &all)
    {
        struct listening *listening = listening_of(node);
        if (is_neighbour(listening, endpoint)) {
            has_neighbour = setsockopt(listening->descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0;
        }
    }
    return has_neighbour;
}

/* 127.0.0.1 may be there when the new one wants all addresses, or the other way round. */
static enum weft_status listen_anew(struct listening *listening, int backlog, struct weft_error *error)
{
    const struct weft_endpoint *endpoint = &listening->endpoint;
    enum weft_status status = weft_listen(endpoint, backlog, &listening->descriptor, error);
    if (status == WEFT_OK || !open_port_to_neighbours(endpoint)) {
        return status;
    }
    listening->is_beside = true;
    return weft_listen_beside(endpoint, backlog, &listening->descriptor, error);
}

static enum weft_status open_locked(const struct weft_endpoint *endpoint, int backlog,
                                    struct weft_listener *out_listener, struct weft_error *error)
{
    struct listening *listening = find_endpoint(endpoint);
    if (listening == NULL) {
        listening = weft_alloc(sizeof *listening);
        weft_set_magic(listening, listening);
        listening->endpoint = *endpoint;
        enum weft_status status = listen_anew(listening, backlog, error);
        if (status != WEFT_OK) {
            weft_free(listening);
            return status;
        }
        weft_list_push_back(&all, &listening->node);
    }
    listening->references++;
    out_listener->descriptor = listening->descriptor;
    return WEFT_OK;
}

enum weft_status weft_listener_open(const struct weft_endpoint *endpoint, int backlog,
                                    struct weft_listener *out_listener, struct weft_error *error)
{
    weft_mutex_lock(&mutex);
    enum weft_status status = open_locked(endpoint, backlog, out_listener, error);
    weft_mutex_unlock(&mutex);
    return status;
}

static void close_locked(struct weft_listener *listener)
{
    if (listener->descriptor < 0) {
        return;
    }
    struct listening *listening = find_descriptor(listener->descriptor);
    weft_assert(listening != NULL && listening->references > 0);
    listener->descriptor = -1;
    if (--listening->references > 0) {
        return;
    }
    close(listening->descriptor);
    if (listening->endpoint.is_unix) {
        unlink(listening->endpoint.host);
    }
    weft_list_remove(&listening->node);
    WEFT_LIST_EACH(node, &all)
    {
        struct listening *other = listening_of(node);
        other->is_beside = other->is_beside && !is_neighbour(other, &listening->endpoint);
    }
    weft_clear_magic(listening, listening);
    weft_free(listening);
}

void weft_listener_close(struct weft_listener *listener)
{
    weft_mutex_lock(&mutex);
    close_locked(listener);
    weft_mutex_unlock(&mutex);
}

static bool collide_locked(const struct weft_listener *left, const struct weft_listener *right)
{
    const struct listening *first = find_descriptor(left->descriptor), *second = find_descriptor(right->descriptor);
    if (first == NULL || second == NULL) {
        return false;
    }
    return first == second || ((first->is_beside || second->is_beside) && is_neighbour(first, &second->endpoint));
}

bool weft_listeners_collide(const struct weft_listener *left, const struct weft_listener *right)
{
    weft_mutex_lock(&mutex);
    bool do_collide = collide_locked(left, right);
    weft_mutex_unlock(&mutex);
    return do_collide;
}
