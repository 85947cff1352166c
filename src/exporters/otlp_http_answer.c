/* Judging the answers of OTLP/HTTP backends (otlp_http_answer.h) by their status code; the body adds partial success to
 * a good one and a person's text, in a google.rpc.Status, to the others. */
#include "exporters/otlp_http_answer.h"

#include <stdio.h>
#include <strings.h>

#include "net/http1/date.h"
#include "wire/json_member.h"
#include "wire/json_scan.h"
#include "wire/rpc_status.h"

enum { MESSAGE_BYTES = sizeof((struct weft_otlp_http_answer *)NULL)->message };

/* The codes that mean more than their hundred. */
static const struct meaning {
    int code;
    enum weft_status status;
    bool may_retry;
    bool has_retry_after;
    bool is_unconfirmed; /* what stands between does not know what the backend has done */
    enum weft_push_fault fault;
} meanings[] = {
    { 400, WEFT_INVALID, .fault = WEFT_PUSH_FAULT_INVALID },
    { 401, WEFT_UNAUTHENTICATED },
    { 403, WEFT_DENIED },
    { 404, WEFT_NOT_FOUND },
    { 413, WEFT_LIMIT, .fault = WEFT_PUSH_FAULT_TOO_LARGE },
    { 429, WEFT_THROTTLED, .may_retry = true, .has_retry_after = true },
    { 502, WEFT_IO, .may_retry = true, .is_unconfirmed = true },
    { 503, WEFT_IO, .may_retry = true, .has_retry_after = true },
    { 504, WEFT_IO, .may_retry = true, .is_unconfirmed = true },
};

static struct meaning find_meaning(int code)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(meanings); i++) {
        if (meanings[i].code == code) {
            return meanings[i];
        }
    }
    return (struct meaning){ code, code >= 500 ? WEFT_INTERNAL : WEFT_INVALID };
}

/* The media type without its parameters, in any case. */
static bool is_media_type(const char *content_type, const char *name)
{
    size_t length = strlen(name);
    const char *rest = content_type + length;
    return strncasecmp(content_type, name, length) == 0 &&
           (*rest == '\0' || *rest == ';' || *rest == ' ' || *rest == '\t');
}

static bool is_protobuf(const struct weft_http1_client_result *result)
{
    return is_media_type(result->content_type, "application/x-protobuf");
}

static bool is_json(const struct weft_http1_client_result *result)
{
    return is_media_type(result->content_type, "application/json");
}

static void copy_message(struct weft_slice message, char *out_text)
{
    snprintf(out_text, MESSAGE_BYTES, "%.*s", WEFT_SLICE_PRINT(message));
}

/* ---- 2xx ---- */

/* An empty body is an empty response, as from a server that says nothing of success. False: it cannot be read. */
static bool read_protobuf_response(struct weft_slice body, struct weft_otlp_http_answer *answer)
{
    struct weft_partial_success partial = weft_otlp_response_read(body);
    answer->outcome.rejected_count = partial.rejected_count;
    copy_message(partial.message, answer->message);
    return weft_otlp_response_is_valid(body);
}

static const char *const count_keys[] = { "rejectedSpans", "rejectedDataPoints", "rejectedLogRecords" };

static bool read_json_partial(struct weft_slice partial, struct weft_otlp_http_answer *answer)
{
    struct weft_slice value;
    for (size_t i = 0; i < WEFT_COUNT_OF(count_keys); i++) {
        enum weft_status found = weft_json_find_member(partial, count_keys[i], &value);
        if (found == WEFT_INVALID) {
            return false;
        }
        if (found == WEFT_OK) {
            answer->outcome.rejected_count = weft_json_read_count(value);
        }
    }
    if (weft_json_find_member(partial, "errorMessage", &value) == WEFT_OK) {
        weft_json_copy_text(value, answer->message, sizeof answer->message);
    }
    return true;
}

static bool read_json_response(struct weft_slice body, struct weft_otlp_http_answer *answer)
{
    struct weft_slice partial;
    enum weft_status status = weft_json_find_member(body, "partialSuccess", &partial);
    return status == WEFT_OK ? read_json_partial(partial, answer) : status != WEFT_INVALID;
}

/* ---- 2xx of which only the start is there ---- */

static bool read_protobuf_start(struct weft_slice start, struct weft_otlp_http_answer *answer)
{
    struct weft_partial_success partial;
    if (!weft_otlp_response_read_start(start, &partial)) {
        return false;
    }
    answer->outcome.rejected_count = partial.rejected_count;
    copy_message(partial.message, answer->message);
    return true;
}

/* Where the value of that key begins; NULL: the text ends before. In a string the key's own quotes would be escaped. */
static const uint8_t *find_value(struct weft_slice text, const char *key)
{
    char quoted[32];
    int length = snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const uint8_t *end = text.bytes + text.length;
    const uint8_t *at = text.length == 0 ? NULL : memmem(text.bytes, text.length, quoted, (size_t)length);
    at = at == NULL ? end : weft_json_skip_space(at + length, end);
    at = at < end && *at == ':' ? weft_json_skip_space(at + 1, end) : end;
    return at < end ? at : NULL;
}

/* A partialSuccess that is there as a whole, or a count in what is there of it. */
static bool read_json_start(struct weft_slice start, struct weft_otlp_http_answer *answer)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *end = start.bytes + start.length;
    const uint8_t *partial = find_value(start, "partialSuccess");
    if (partial == NULL) {
        return false;
    }
    const uint8_t *after = weft_json_skip_value(partial, end, &fault);
    if (after != NULL) {
        return read_json_partial(weft_slice_of(partial, (size_t)(after - partial)), answer);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(count_keys); i++) {
        const uint8_t *count = find_value(weft_slice_of(partial, (size_t)(end - partial)), count_keys[i]);
        after = count == NULL ? NULL : weft_json_skip_value(count, end, &fault);
        if (after != NULL && after < end) { /* a number that ends where the text does may go on */
            answer->outcome.rejected_count = weft_json_read_count(weft_slice_of(count, (size_t)(after - count)));
            return true;
        }
    }
    return false;
}

/* The Collector refuses to believe a success whose body is not what its type says. What is no OTLP at all is not read.
 */
static void judge_success(const struct weft_http1_client_result *result, const char *id,
                          struct weft_otlp_http_answer *answer)
{
    bool is_cut = result->is_truncated;
    bool is_readable = true;
    if (is_protobuf(result) && (result->body.length > 0 || is_cut)) {
        is_readable = is_cut ? read_protobuf_start(result->body, answer) : read_protobuf_response(result->body, answer);
    } else if (is_json(result) && (result->body.length > 0 || is_cut)) {
        is_readable = is_cut ? read_json_start(result->body, answer) : read_json_response(result->body, answer);
    }
    if (is_readable) {
        answer->outcome.verdict = WEFT_PUSH_SENT;
        return;
    }
    answer->outcome.verdict = WEFT_PUSH_PERMANENT;
    answer->outcome.is_unconfirmed = true;
    weft_fail(
        &answer->outcome.error, WEFT_INTERNAL,
        is_cut ? "%s: HTTP %d with a body that is too large or coded, and whose start does not say in %s what was taken"
               : "%s: HTTP %d with a body that is not the %s it says",
        id, result->code, is_json(result) ? "JSON" : "protobuf");
}

/* ---- all others ---- */

static void read_status_message(const struct weft_http1_client_result *result, char *out_text)
{
    struct weft_slice value;
    out_text[0] = '\0';
    if (is_protobuf(result)) {
        copy_message(weft_rpc_status_message(result->body), out_text);
    } else if (is_json(result) && weft_json_find_member(result->body, "message", &value) == WEFT_OK) {
        weft_json_copy_text(value, out_text, MESSAGE_BYTES);
    }
}

static void judge_failure(const struct weft_http1_client_result *result, const char *id, struct weft_wall now,
                          struct weft_push_outcome *outcome)
{
    struct meaning meaning = find_meaning(result->code);
    outcome->verdict = meaning.may_retry ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT;
    outcome->is_unconfirmed = result->is_unconfirmed || meaning.is_unconfirmed;
    outcome->fault = meaning.fault;
    if (meaning.has_retry_after) {
        outcome->retry_after_ns = weft_retry_after_parse(weft_slice_of_text(result->retry_after), now);
    }
    char message[MESSAGE_BYTES];
    read_status_message(result, message);
    bool is_redirect = result->code >= 300 && result->code < 400;
    if (is_redirect) {
        snprintf(message, sizeof message, "only redirects by 307 and 308 are followed (not to %.100s)",
                 result->location[0] != '\0' ? result->location : "nowhere");
    }
    weft_fail(&outcome->error, meaning.status, "%s: HTTP %d%s%s", id, result->code, message[0] != '\0' ? ": " : "",
              message);
}

void weft_otlp_http_judge(const struct weft_http1_client_result *result, const char *id, struct weft_wall now,
                          struct weft_otlp_http_answer *out_answer)
{
    *out_answer = (struct weft_otlp_http_answer){ .outcome = { .retry_after_ns = -1 } };
    if (result->status != WEFT_OK) {
        out_answer->outcome.verdict = WEFT_PUSH_RETRY;
        out_answer->outcome.is_unconfirmed = result->is_unconfirmed;
        weft_fail(&out_answer->outcome.error, result->status, "%s: %s", id, result->failure);
    } else if (result->code >= 200 && result->code < 300) {
        judge_success(result, id, out_answer);
    } else {
        judge_failure(result, id, now, &out_answer->outcome);
    }
}
