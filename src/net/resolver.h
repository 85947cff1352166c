#pragma once

#include "net/address.h"
#include "net/loop.h"

/* Name look-up off the loop: getaddrinfo runs on helper threads (base/helper.h), a few per resolver, each started when
 * the others are busy, so that a name that takes long holds up no other one. A name that is being looked up is not
 * looked up twice. Literal addresses and socket paths need no thread. Everything here is called on the loop's thread.
 */
struct weft_resolver;
struct weft_resolver_query;

enum {
    WEFT_RESOLVER_ADDRESSES = 64, /* further ones are left out */
    WEFT_RESOLVER_HELPERS = 4,    /* look-ups at a time; further names wait */
    WEFT_RESOLVER_QUERIES = 256,  /* under way at most */
};

struct weft_resolved_address {
    struct sockaddr_storage socket_address;
    socklen_t length;
};

struct weft_resolver_answer {
    enum weft_status status; /* OK; NOT_FOUND: no such name, for good as far as is known; IO: try again later; NOMEM */
    size_t count;            /* in the order in which they should be tried */
    struct weft_resolved_address addresses[WEFT_RESOLVER_ADDRESSES];
    char failure[160]; /* for a person; "" when OK */
};

/* The answer is valid during the call; the query is gone after it. */
typedef void (*weft_resolver_fn)(void *context, const struct weft_resolver_answer *answer);

/* Fills status, count, addresses and failure; runs on a helper's thread, also after the resolver is gone. */
typedef void (*weft_resolver_lookup_fn)(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer);

/* lookup: NULL = getaddrinfo. The loop outlives the resolver. */
struct weft_resolver *weft_resolver_new(struct weft_loop *loop, weft_resolver_lookup_fn lookup);

/* Drops all queries (no callbacks). Look-ups that are under way, which cannot be stopped, are left to their threads. */
void weft_resolver_free(struct weft_resolver *resolver);

/* on_answered runs once, later, never inside this call. WEFT_LIMIT: too many under way; WEFT_NOMEM. */
enum weft_status weft_resolver_ask(struct weft_resolver *resolver, const struct weft_endpoint *endpoint,
                                   weft_resolver_fn on_answered, void *context, struct weft_resolver_query **out_query,
                                   struct weft_error *error) WEFT_MUST_CHECK;

/* on_answered will not run; the query is the resolver's to clean up. Not inside on_answered. */
void weft_resolver_cancel(struct weft_resolver *resolver, struct weft_resolver_query *query);
