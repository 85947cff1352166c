#pragma once

#include "pipeline/authenticator.h"
#include "pipeline/exporter_body.h"
#include "pipeline/sender.h"

/* What a push of either OTLP exporter has before its client can ask: the fields of the authenticator and the body. When
 * there are none, the push ends, but a tick later: the sender is not called back while it starts one. */

/* context, and how the push ended. */
typedef void weft_otlp_content_failed_fn(void *context, const struct weft_push_outcome *outcome);

struct weft_otlp_content {
    struct weft_host *host;
    struct weft_exporter_body body;
    struct weft_header_set *headers; /* of its own; NULL = none */
    struct weft_timer failure;       /* is set from a failure to make it until that is told */
    struct weft_error error;
    weft_otlp_content_failed_fn *on_failed;
    void *context;
};

/* auth may be NULL. False: there is no memory, no fields or no body; on_failed follows in the next tick, and tells
 * WEFT_PUSH_RETRY where another attempt may do better. The content is the caller's to finish either way. */
bool weft_otlp_content_make(struct weft_otlp_content *content, const struct weft_batch *batch,
                            const struct weft_body_form *form, struct weft_auth_client *auth, struct weft_host *host,
                            weft_otlp_content_failed_fn *on_failed, void *context) WEFT_MUST_CHECK;

/* What the client is told to send besides; name NULL ends. NULL = nothing. */
const struct weft_header *weft_otlp_content_headers(const struct weft_otlp_content *content);

/* Whether on_failed is still to come: then the client has no request of this push. */
bool weft_otlp_content_is_failing(const struct weft_otlp_content *content);

void weft_otlp_content_fini(struct weft_otlp_content *content);
