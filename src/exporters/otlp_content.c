/* What a push of the exporters otlp_grpc and otlp_http sends (otlp_content.h), and the end of one that has nothing. */
#include "exporters/otlp_content.h"

static void tell_failure(void *untyped)
{
    struct weft_otlp_content *content = untyped;
    bool may_retry = weft_status_is_retryable(content->error.status);
    struct weft_push_outcome outcome = { .verdict = may_retry ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT,
                                         .retry_after_ns = -1,
                                         .error = content->error };
    content->on_failed(content->context, &outcome);
}

bool weft_otlp_content_make(struct weft_otlp_content *content, const struct weft_batch *batch,
                            const struct weft_body_form *form, struct weft_auth_client *auth, struct weft_host *host,
                            weft_otlp_content_failed_fn *on_failed, void *context)
{
    content->host = host;
    content->headers = NULL;
    content->on_failed = on_failed;
    content->context = context;
    weft_timer_init(&content->failure, tell_failure, content);
    enum weft_status status = weft_auth_client_headers(auth, batch->metadata, &content->headers, &content->error);
    if (status == WEFT_OK) {
        status = weft_exporter_body_make(&content->body, batch, form, host, &content->error);
    }
    if (status != WEFT_OK) {
        weft_timer_set_after(host->timers, &content->failure, 0);
    }
    return status == WEFT_OK;
}

const struct weft_header *weft_otlp_content_headers(const struct weft_otlp_content *content)
{
    return content->headers == NULL ? NULL : content->headers->items;
}

bool weft_otlp_content_is_failing(const struct weft_otlp_content *content)
{
    return weft_timer_is_set(&content->failure);
}

void weft_otlp_content_fini(struct weft_otlp_content *content)
{
    weft_exporter_body_fini(&content->body, content->host);
    weft_header_set_free(content->headers);
}
