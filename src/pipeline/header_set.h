#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "net/header.h"

/* The header fields that one request has of its own, in memory of their own: they stay while the request is under way.
 * Names are in lower case and each stands once. */
enum { WEFT_HEADER_SET_MAX = 32 };

struct weft_header_set {
    struct weft_header items[WEFT_HEADER_SET_MAX + 1]; /* the last one's name is NULL: what clients take */
    size_t count;
};

/* NULL: no memory. */
struct weft_header_set *weft_header_set_try_new(void) WEFT_MUST_CHECK;

/* NULL is none. */
void weft_header_set_free(struct weft_header_set *set);

/* True: the set says something of that name, were it that it must not be sent (value NULL). */
bool weft_header_set_has(const struct weft_header_set *set, const char *name);

/* Writes it, in the place of a former one; is_absent: says that none of that name is sent. WEFT_INVALID: not a header
 * name, or a value with a control character; WEFT_LIMIT; WEFT_NOMEM. Neither text nor error tells the value. */
enum weft_status weft_header_set_put(struct weft_header_set *set, const char *name, struct weft_slice value,
                                     struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_header_set_put_absent(struct weft_header_set *set, const char *name,
                                            struct weft_error *error) WEFT_MUST_CHECK;

/* As if nothing had been said of it. */
void weft_header_set_remove(struct weft_header_set *set, const char *name);
