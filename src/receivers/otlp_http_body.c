/* How the body of a request over HTTP becomes a request in protobuf (otlp_http_internal.h): inflated, and out of JSON
 * or of log lines. */
#include "base/alloc.h"
#include "receivers/otlp_http_internal.h"
#include "wire/json_reader.h"

/* The check of protobuf takes as many messages inside one another: JSON says nothing that protobuf could not. */
enum { MAX_JSON_DEPTH = 100 };

enum { MAX_INFLATE_RATIO = 200 };

enum { MAX_LINES_RATIO = 2 }; /* of the records that a body of lines becomes to the largest body */

static enum weft_status inflate(struct weft_otlp_http_inlet *http, enum weft_encoding encoding, struct weft_slice body,
                                struct weft_payload **out_message, struct weft_error *error)
{
    const struct weft_host *host = http->inlet.ingest->host;
    struct weft_codec_limits limits = { .max_inflated_bytes = http->max_body_bytes, .max_ratio = MAX_INFLATE_RATIO };
    enum weft_status status = weft_inflate(host->codec, encoding, body, &limits, host->pool, out_message, error);
    http->counters.too_large += status == WEFT_LIMIT;
    http->counters.not_inflatable += status == WEFT_INVALID;
    return status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "%s body", weft_encoding_name(encoding));
}

static enum weft_status read_json(struct weft_otlp_http_inlet *http, struct weft_slice body,
                                  struct weft_otlp_request *request, struct weft_error *error)
{
    struct weft_payload *message = weft_payload_try_new(http->inlet.ingest->host->pool, body.length / 2);
    if (message == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for the message");
    }
    struct weft_json_limits limits = { .max_depth = MAX_JSON_DEPTH,
                                       .max_bytes = http->max_body_bytes,
                                       .takes_bad_text = true };
    enum weft_status status =
        weft_json_read_message(http->json->requests[request->signal], body, &limits, message, &request->counts, error);
    if (status != WEFT_OK) {
        http->inlet.malformed_requests += status == WEFT_INVALID;
        http->counters.too_large += status == WEFT_LIMIT;
        weft_payload_unref(&message);
        return status;
    }
    request->message = message;
    request->is_counted = true;
    return WEFT_OK;
}

static enum weft_status read_lines(struct weft_otlp_http_inlet *http, struct weft_slice body, bool may_be_array,
                                   struct weft_otlp_request *request, struct weft_error *error)
{
    enum weft_status status =
        weft_log_bodies_read(&http->lines, body, may_be_array, MAX_LINES_RATIO * http->max_body_bytes, weft_wall_now(),
                             http->inlet.ingest->host->pool, &request->message, &request->counts, error);
    http->inlet.malformed_requests += status == WEFT_INVALID;
    http->counters.too_large += status == WEFT_LIMIT;
    request->is_counted = status == WEFT_OK;
    return status;
}

/* The body as a request in protobuf. */
enum weft_status weft_otlp_http_decode(struct weft_otlp_http_inlet *http,
                                       const struct weft_otlp_http_judgement *judgement,
                                       const struct weft_http1_server_request *request,
                                       struct weft_otlp_request *out_request, struct weft_error *error)
{
    struct weft_payload *inflated = NULL;
    struct weft_slice body = request->body;
    if (judgement->encoding != WEFT_ENCODING_IDENTITY) {
        enum weft_status status = inflate(http, judgement->encoding, body, &inflated, error);
        if (status != WEFT_OK) {
            return status;
        }
        body = weft_payload_slice(inflated);
    }
    if (judgement->is_json) {
        enum weft_status status = weft_otlp_http_takes_lines(http)
                                      ? read_lines(http, body, judgement->may_be_array, out_request, error)
                                      : read_json(http, body, out_request, error);
        weft_payload_unref(&inflated);
        return status;
    }
    if (inflated != NULL) {
        out_request->message = inflated;
        out_request->wire = request->payload;
        out_request->wire_encoding = weft_encoding_of(judgement->encoding, request->body);
        return WEFT_OK;
    }
    /* An empty request is a request. */
    out_request->message = request->payload != NULL ? weft_payload_ref(request->payload)
                                                    : weft_payload_try_new(http->inlet.ingest->host->pool, 0);
    return out_request->message != NULL ? WEFT_OK : weft_fail(error, WEFT_NOMEM, "no memory for the message");
}
