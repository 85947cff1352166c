/* Requests in which there are strings that are no UTF-8 (otlp_invalid.h): written anew by wire/otlp_mend, booked and
 * counted. Nobody else comes here. */
#include "receivers/otlp_invalid.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "wire/otlp_attributes.h"
#include "wire/otlp_mend.h"

struct refusing {
    struct weft_entry *entry;
    uint64_t count;
};

static void refuse_some(void *context, struct weft_slice resource_x, uint64_t weight)
{
    struct refusing *refusing = context;
    if (weight > 0) {
        weft_entry_refuse_invalid(refusing->entry, weft_otlp_service_name(resource_x), weight);
        refusing->count += weight;
    }
}

static void tell(const struct weft_otlp_call *call, const char *done, uint32_t bad_texts, const char *place)
{
    weft_log(WARN, "receiver.invalid_utf8", "text that is no UTF-8 came in",
             WEFT_LOG_STRING("receiver", call->inlet->ingest->id),
             WEFT_LOG_STRING("transport", call->inlet->operations->transport), WEFT_LOG_STRING("done", done),
             WEFT_LOG_INT("texts", bad_texts), WEFT_LOG_STRING("first", place));
}

enum weft_status weft_otlp_ingest_mend(struct weft_otlp_call *call, struct weft_otlp_request *request,
                                       struct weft_otlp_counts *counts, struct weft_error *error)
{
    struct weft_otlp_inlet *inlet = call->inlet;
    struct weft_otlp_ingest *ingest = inlet->ingest;
    inlet->invalid_texts += counts->bad_texts;
    if (ingest->invalid_utf8 == WEFT_INVALID_UTF8_PASS) {
        tell(call, "passed on", counts->bad_texts, "");
        return WEFT_OK;
    }
    struct refusing refusing = { .entry = ingest->entries[call->signal] };
    bool is_rejecting = ingest->invalid_utf8 == WEFT_INVALID_UTF8_REJECT;
    struct weft_otlp_mending mending = { .signal = call->signal,
                                         .is_rejecting = is_rejecting,
                                         .max_bytes = inlet->max_message_bytes,
                                         .on_rejected = refuse_some,
                                         .context = &refusing };
    call->partial = is_rejecting ? weft_try_alloc(sizeof *call->partial) : NULL;
    struct weft_payload *mended = weft_payload_try_new(ingest->host->pool, request->message->length);
    if (mended == NULL || (is_rejecting && call->partial == NULL)) {
        weft_payload_unref(&mended);
        return weft_fail(error, WEFT_NOMEM, "no memory to write the request anew");
    }
    uint32_t bad_texts = counts->bad_texts;
    size_t first_bad;
    enum weft_status status =
        weft_otlp_mend(&mending, weft_payload_slice(request->message), mended, counts, &first_bad, error);
    if (status != WEFT_OK) {
        weft_payload_unref(&mended);
        return status;
    }
    char place[200];
    weft_otlp_mend_place(call->signal, weft_payload_slice(request->message), first_bad, place, sizeof place);
    tell(call, is_rejecting ? "rejected" : "repaired", bad_texts, place);
    if (is_rejecting) {
        call->partial->rejected_count = refusing.count;
        snprintf(call->partial->message, sizeof call->partial->message, "not UTF-8, the first: %s", place);
        inlet->refused[call->signal] += refusing.count;
        inlet->invalid_records_rejected += refusing.count;
    } else {
        inlet->invalid_texts_repaired += bad_texts;
    }
    weft_payload_unref(&request->message);
    request->message = mended;
    request->wire = NULL;
    return WEFT_OK;
}
