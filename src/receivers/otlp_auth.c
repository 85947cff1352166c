/* Requests and their credentials (otlp_ingest.h): judged by the inlet's authenticator before anything else is looked
 * at. Where that takes time the request is parked, complete as it is, until the judgement is there. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/body_credit.h"
#include "receivers/otlp_ingest.h"

struct parked {
    struct weft_auth_wait wait;
    struct weft_list node;
    struct weft_otlp_ingest *ingest;
    struct weft_otlp_inlet *inlet;
    struct weft_otlp_call *call;
    struct weft_otlp_request request; /* with a reference to its wire */
    size_t held_bytes;
};

static void free_parked(struct parked *parked)
{
    parked->ingest->parked_bytes -= parked->held_bytes;
    weft_payload_unref(&parked->request.message);
    weft_payload_unref(&parked->request.wire);
    weft_metadata_unref(&parked->request.metadata);
    weft_free(parked);
}

static void refuse(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call, const struct weft_error *failure)
{
    inlet->unauthenticated += failure->status == WEFT_UNAUTHENTICATED;
    inlet->unjudged += failure->status == WEFT_THROTTLED;
    weft_otlp_ingest_fail(inlet, call, failure);
}

static void was_judged(struct weft_auth_wait *wait, const struct weft_error *failure)
{
    struct parked *parked = WEFT_CONTAINER_OF(wait, struct parked, wait);
    weft_list_remove(&parked->node);
    if (failure != NULL) {
        refuse(parked->inlet, parked->call, failure);
    } else {
        weft_otlp_ingest_take(parked->inlet, parked->call, &parked->request);
    }
    free_parked(parked);
}

static size_t length_of(const struct weft_payload *payload)
{
    return payload == NULL ? 0 : weft_payload_slice(payload).length;
}

/* Whoever is parked has shown no credentials yet: all of them together may hold as much as messages that are half
 * received, and one may always be. */
static bool has_room(const struct weft_otlp_ingest *ingest, size_t bytes)
{
    size_t most_bytes = weft_body_credit_read(ingest->host->net->bodies).credit_bytes;
    return ingest->parked_bytes == 0 || (bytes <= most_bytes && ingest->parked_bytes <= most_bytes - bytes);
}

/* What the request borrows it has for itself; the checker goes with the exchange, so the check runs again. */
static struct parked *park(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                           struct weft_otlp_request *request)
{
    struct parked *parked = weft_try_alloc(sizeof *parked);
    if (parked == NULL) {
        return NULL;
    }
    *parked = (struct parked){ .wait = { .on_judged = was_judged },
                               .ingest = inlet->ingest,
                               .inlet = inlet,
                               .call = call,
                               .request = *request,
                               .held_bytes = length_of(request->message) + length_of(request->wire) };
    inlet->ingest->parked_bytes += parked->held_bytes;
    weft_list_init(&parked->wait.node);
    parked->request.checker = NULL;
    if (request->wire != NULL) {
        weft_payload_ref(request->wire);
    }
    request->message = NULL;
    request->metadata = NULL;
    weft_list_push_back(&inlet->ingest->parked, &parked->node);
    weft_otlp_ingest_begin_call(inlet, call);
    return parked;
}

static void drop_request(struct weft_otlp_request *request)
{
    weft_payload_unref(&request->message);
    weft_metadata_unref(&request->metadata);
}

static void wait_for_judgement(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                               struct weft_otlp_request *request, const struct weft_auth_claim *claim)
{
    struct weft_error error = WEFT_ERROR_NONE;
    bool is_room = has_room(inlet->ingest, length_of(request->message) + length_of(request->wire));
    struct parked *parked = is_room ? park(inlet, call, request) : NULL;
    if (parked == NULL) {
        weft_fail(&error, is_room ? WEFT_NOMEM : WEFT_THROTTLED,
                  "no memory for requests whose credentials are unknown");
        refuse(inlet, call, &error);
        drop_request(request);
        return;
    }
    enum weft_status status = inlet->auth->operations->judge(inlet->auth, claim, &parked->wait, &error);
    if (status != WEFT_CLOSED) {
        was_judged(&parked->wait, status == WEFT_OK ? NULL : &error);
    }
}

void weft_otlp_ingest_take_judged(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                                  struct weft_otlp_request *request, const struct weft_auth_claim *claim)
{
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status =
        inlet->auth == NULL ? WEFT_OK : inlet->auth->operations->judge(inlet->auth, claim, NULL, &error);
    if (status == WEFT_OK) {
        weft_otlp_ingest_take(inlet, call, request);
    } else if (status == WEFT_CLOSED) {
        wait_for_judgement(inlet, call, request, claim);
    } else {
        refuse(inlet, call, &error);
        drop_request(request);
    }
}

bool weft_otlp_ingest_lets_in(struct weft_otlp_inlet *inlet, const struct weft_auth_claim *claim,
                              struct weft_error *error)
{
    bool is_wrong =
        inlet->auth != NULL && inlet->auth->operations->judge(inlet->auth, claim, NULL, error) == WEFT_UNAUTHENTICATED;
    inlet->unauthenticated += is_wrong;
    return !is_wrong;
}

void weft_otlp_ingest_leave_parked(struct weft_otlp_ingest *ingest)
{
    struct weft_list *node;
    while ((node = weft_list_pop_front(&ingest->parked)) != NULL) {
        struct parked *parked = WEFT_CONTAINER_OF(node, struct parked, node);
        struct weft_otlp_call *call = parked->call;
        weft_list_remove(&parked->wait.node);
        call->inlet = NULL;
        weft_otlp_ingest_end_call(call, NULL, -1);
        free_parked(parked);
    }
}
