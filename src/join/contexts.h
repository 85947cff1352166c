#pragma once

#include "base/table.h"

/* Where records come from, kept once: the resource and the scope that they stood in, as the bytes that came in, and the
 * outlet that they leave by. Counted by the records that name it. One worker. */
struct weft_contexts;

struct weft_context {
    struct weft_slice resource, scope; /* the fields of a ResourceX and of a ScopeX beside what they hold */
    struct weft_slice service;         /* service.name of the resource, or empty; of its bytes */
    uint32_t outlet;
    uint64_t references;
    uint32_t first, last; /* scratch of release.c */
};

/* budget and secret outlive them. */
struct weft_contexts *weft_contexts_new(struct weft_budget *budget, const struct weft_hash_secret *secret);

/* None may be referenced any more. */
void weft_contexts_free(struct weft_contexts *contexts);

/* The context's number, with one reference for the caller. Two that differ never share one. WEFT_NOMEM changes nothing.
 */
enum weft_status weft_contexts_intern(struct weft_contexts *contexts, uint32_t outlet, struct weft_slice resource,
                                      struct weft_slice scope, uint32_t *out_context) WEFT_MUST_CHECK;

struct weft_context *weft_contexts_at(const struct weft_contexts *contexts, uint32_t context);

static inline void weft_context_ref(struct weft_context *context, uint64_t count)
{
    context->references += count;
}

/* The last one that lets go forgets it. */
void weft_contexts_unref(struct weft_contexts *contexts, uint32_t context, uint64_t count);

size_t weft_contexts_size_bytes(const struct weft_contexts *contexts);
