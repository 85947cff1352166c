/* One push of the exporter otlp_http (otlp_http_push.h): its body, its POST, and one more for each redirect that is
 * followed. What the answer means is otlp_http_answer.c's. */
#include "exporters/otlp_http_push.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "exporters/otlp_http_answer.h"
#include "exporters/otlp_http_redirect.h"

enum { MAX_REDIRECTS = 10 }; /* of one attempt; as Go's client has it */

static const char *const content_types[] = {
    [WEFT_BODY_PROTOBUF] = "application/x-protobuf",
    [WEFT_BODY_JSON] = "application/json",
};

static struct weft_otlp_http_push *push_of(struct weft_push *untyped)
{
    weft_check_magic(untyped, push);
    return WEFT_CONTAINER_OF(untyped, struct weft_otlp_http_push, push);
}

static void finish(struct weft_otlp_http_push *push, const struct weft_push_outcome *outcome)
{
    weft_otlp_content_fini(&push->content);
    weft_free(push->redirect_target);
    weft_clear_magic(push, otlp_http_push);
    weft_push_done(&push->push, outcome);
}

/* One further client at most: a backend that leads to one port now and to another later is not followed to both. */
static enum weft_status upgrade(struct weft_otlp_http_push *push, const struct weft_endpoint *endpoint,
                                struct weft_error *error)
{
    struct weft_otlp_http_exporter *exporter = push->exporter;
    if (exporter->tls == NULL) {
        return weft_fail(error, WEFT_INVALID, "a redirect to https on this machine, and tls has no ca_file");
    }
    if (exporter->upgraded == NULL) {
        struct weft_http1_client_settings settings = exporter->client_settings;
        settings.endpoint = *endpoint;
        exporter->upgraded_endpoint = *endpoint;
        exporter->upgraded = weft_http1_client_try_new(exporter->consumer.host->net, &settings, exporter->tls);
        if (exporter->upgraded == NULL) {
            return weft_fail(error, WEFT_NOMEM, "no memory to follow a redirect to https");
        }
    } else if (exporter->upgraded_endpoint.port != endpoint->port) {
        return weft_fail(error, WEFT_INVALID, "redirects lead to port %u and to port %u",
                         exporter->upgraded_endpoint.port, endpoint->port);
    }
    push->client = exporter->upgraded;
    push->endpoint = &exporter->upgraded_endpoint;
    return WEFT_OK;
}

/* Asks again where the answer says, with the same body. */
static enum weft_status follow(struct weft_otlp_http_push *push, const char *location, struct weft_error *error)
{
    struct weft_redirect redirect;
    if (push->redirect_count >= MAX_REDIRECTS) {
        return weft_fail(error, WEFT_INVALID, "stopped after %d redirects", MAX_REDIRECTS);
    }
    enum weft_status status = weft_redirect_resolve(push->endpoint, location, &redirect, error);
    if (status == WEFT_OK && redirect.is_upgrade) {
        status = upgrade(push, &redirect.endpoint, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    char *target = weft_try_alloc(strlen(redirect.target) + 1);
    if (target == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to follow a redirect");
    }
    strcpy(target, redirect.target);
    weft_free(push->redirect_target);
    push->redirect_target = target;
    push->redirect_count++;
    push->request.target = target;
    weft_http1_client_start(push->client, &push->request);
    return WEFT_OK;
}

/* False: it is a usual answer, or one that leads nowhere and whose error says why. */
static bool is_followed(struct weft_otlp_http_push *push, const struct weft_http1_client_result *result,
                        struct weft_push_outcome *outcome)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (result->status != WEFT_OK || !weft_redirect_keeps_body(result->code)) {
        return false;
    }
    if (follow(push, result->location, &error) == WEFT_OK) {
        return true;
    }
    outcome->verdict = weft_status_is_retryable(error.status) ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT;
    weft_fail(&outcome->error, error.status, "%s: HTTP %d: %s", push->exporter->consumer.id, result->code, error.text);
    return false;
}

static void request_done(void *context, const struct weft_http1_client_result *result)
{
    struct weft_otlp_http_push *push = context;
    weft_check_magic(push, otlp_http_push);
    struct weft_otlp_http_answer answer;
    weft_otlp_http_judge(result, push->exporter->consumer.id, weft_wall_now(), &answer);
    if (is_followed(push, result, &answer.outcome)) {
        return;
    }
    if (answer.outcome.verdict == WEFT_PUSH_SENT) {
        struct weft_partial_success partial = { answer.outcome.rejected_count, weft_slice_of_text(answer.message) };
        answer.outcome.rejected_count = weft_exporter_take_partial_success(&push->exporter->consumer, &partial);
    }
    finish(push, &answer.outcome);
}

static void content_failed(void *context, const struct weft_push_outcome *outcome)
{
    struct weft_otlp_http_push *push = context;
    weft_check_magic(push, otlp_http_push);
    finish(push, outcome);
}

static void start(void *context, struct weft_push *untyped)
{
    struct weft_otlp_http_exporter *exporter = context;
    struct weft_otlp_http_push *push = push_of(untyped);
    weft_set_magic(push, otlp_http_push);
    push->exporter = exporter;
    push->redirect_target = NULL;
    if (!weft_otlp_content_make(&push->content, push->push.batch, &exporter->form, exporter->auth,
                                exporter->consumer.host, content_failed, push)) {
        return;
    }
    const struct weft_slices *body = &push->content.body.slices;
    bool is_compressed = exporter->form.encoding != WEFT_ENCODING_IDENTITY;
    push->request = (struct weft_http1_client_request){
        .target = exporter->target,
        .content_type = content_types[exporter->form.format],
        .content_encoding = is_compressed ? exporter->config->compression : NULL,
        .slices = body->items,
        .slice_count = body->count,
        .length = body->length,
        .headers = weft_otlp_content_headers(&push->content),
        .deadline = push->push.deadline,
        .on_done = request_done,
        .context = push,
    };
    push->client = exporter->client;
    push->endpoint = &exporter->endpoint;
    push->redirect_count = 0;
    weft_http1_client_start(push->client, &push->request);
}

static void cancel(void *context, struct weft_push *untyped)
{
    struct weft_otlp_http_exporter *exporter = context;
    struct weft_otlp_http_push *push = push_of(untyped);
    weft_check_magic(push, otlp_http_push);
    weft_assert(push->exporter == exporter);
    if (!weft_otlp_content_is_failing(&push->content)) {
        weft_http1_client_cancel(push->client, &push->request);
    }
}

const struct weft_sender_operations weft_otlp_http_push_operations = { .start = start, .cancel = cancel };
