#pragma once

#include "pipeline/host.h"

/* Texts of records that weft shows to people (what was dropped and whose it was, what became of a trace) may have been
 * taken before a redaction saw the record, or in a pipeline without one. So each redaction of a worker registers here,
 * and what is shown passes by all of them, whatever pipeline it came by. */
struct weft_hiding {
    struct weft_hiding *next;

    /* What may be shown of the text that an attribute with this key has; the key is empty for what is no attribute.
     * Borrowed until the next call. */
    struct weft_slice (*hide)(struct weft_hiding *hiding, struct weft_slice key, struct weft_slice text);
};

void weft_host_add_hiding(struct weft_host *host, struct weft_hiding *hiding);
void weft_host_remove_hiding(struct weft_host *host, struct weft_hiding *hiding);

/* The text where nothing hides. Borrowed as the text is, or until the next call. */
struct weft_slice weft_host_hide(const struct weft_host *host, struct weft_slice key, struct weft_slice text);

/* The same for the name of a service that is to be kept. Where something hides, it has at most 64 bytes, and what is
 * none of A-Za-z0-9._/- is a *: a secret in a form that no rule knows has less room. room is WEFT_SERVICE_LABEL_BYTES
 * large. */
enum { WEFT_SERVICE_LABEL_BYTES = 64 };
struct weft_slice weft_host_label(const struct weft_host *host, struct weft_slice service, uint8_t *room);

static inline struct weft_slice weft_host_hide_service(const struct weft_host *host, struct weft_slice service)
{
    return weft_host_hide(host, WEFT_SLICE_LITERAL("service.name"), service);
}
