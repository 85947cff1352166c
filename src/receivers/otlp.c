/* Receiver `otlp`: OTLP over gRPC and over HTTP.
 *
 * Here are its config and its listening sockets; each protocol has its own file (otlp_grpc.c, otlp_http.c), what
 * becomes of a request is the same for both (otlp_ingest.c), and so are life and pressure (inlet_receiver.c). */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "receivers/inlet_receiver.h"
#include "receivers/listening.h"
#include "receivers/otlp_grpc.h"
#include "receivers/otlp_http.h"

enum { PROTOCOL_COUNT = WEFT_INLETS_MAX };

struct protocols_config {
    bool has_grpc, has_http;
    struct weft_otlp_grpc_config grpc;
    struct weft_otlp_http_config http;
};

struct otlp_config {
    struct protocols_config protocols;
    struct weft_choice invalid_utf8;
    struct weft_inlet_config inlet;
};

enum protocol_kind { GRPC, HTTP };

struct protocol {
    enum protocol_kind kind;
    struct weft_listening listening;
};

/* Who speaks at a listening socket. */
struct speaking {
    enum protocol_kind kind;
    struct weft_tls_context *tls; /* NULL = plain */
};

struct otlp_shared {
    struct weft_shared_listeners listeners; /* first: the acceptor reads it */
    struct weft_listener items[PROTOCOL_COUNT];
    struct speaking speaking[PROTOCOL_COUNT]; /* of the items */
    struct weft_otlp_json json;
};

static const struct weft_field protocols_fields[] = {
    WEFT_FIELD_OPTIONAL(struct protocols_config, grpc, has_grpc, weft_otlp_grpc_fields, "off", "OTLP over gRPC."),
    WEFT_FIELD_OPTIONAL(struct protocols_config, http, has_http, weft_otlp_http_fields, "off",
                        "OTLP over HTTP: POST to /v1/traces, /v1/metrics and /v1/logs; "
                        "profiles, if their gate is open, to /v1development/profiles."),
    WEFT_FIELDS_END,
};

static const char *const invalid_utf8_words[] = { "repair", "reject", "pass", NULL };

static const struct weft_field otlp_fields[] = {
    WEFT_FIELD_BLOCK(struct otlp_config, protocols, protocols_fields, "What to listen to; at least one."),
    WEFT_FIELD_CHOICE(
        struct otlp_config, invalid_utf8, invalid_utf8_words, "repair",
        "Strings that are no UTF-8: repair (U+FFFD for what is not), reject (that span, log record or data "
        "point; all under a resource or scope; the client is told in partial_success) or pass."),
    WEFT_FIELD_INLINE(struct otlp_config, inlet, weft_inlet_fields),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

/* Those that are on. */
static size_t list_protocols(const struct protocols_config *config, struct protocol out_protocols[PROTOCOL_COUNT])
{
    size_t count = 0;
    if (config->has_grpc) {
        const struct weft_otlp_grpc_config *grpc = &config->grpc;
        const struct weft_tls_config *tls = grpc->has_tls ? &grpc->tls : NULL;
        out_protocols[count++] = (struct protocol){
            GRPC, { "grpc", "OTLP over gRPC", grpc->endpoint, grpc->transport, tls, "h2", !grpc->require_alpn }
        };
    }
    if (config->has_http) {
        const struct weft_otlp_http_config *http = &config->http;
        const struct weft_tls_config *tls = http->has_tls ? &http->tls : NULL;
        out_protocols[count++] =
            (struct protocol){ HTTP, { "http", "OTLP over HTTP", http->endpoint, http->transport, tls, "http/1.1" } };
    }
    return count;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    if (count == 0) {
        return weft_fail(error, WEFT_INVALID, "must specify at least one protocol when using the OTLP receiver");
    }
    for (size_t i = 0; i < count; i++) {
        enum weft_status status = weft_listening_validate(&protocols[i].listening, error);
        if (status == WEFT_OK && protocols[i].kind == HTTP) {
            status = weft_otlp_http_validate(&config->protocols.http, error);
        }
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "protocols::%s", protocols[i].listening.name);
        }
    }
    return WEFT_OK;
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    for (size_t i = 0; i < count; i++) {
        enum weft_status status = weft_listening_try_files(&protocols[i].listening, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct otlp_config *config = untyped;
    weft_buffer_append_format(out, "holds requests until they are whole, and answers when %s",
                              weft_inlet_waits_for_delivery(&config->inlet)
                                  ? "the backend has answered (acknowledge: delivered)"
                                  : "the first processor or queue that keeps them has them (acknowledge: accepted)");
    return WEFT_HOLDS_UNANSWERED;
}

/* ---- what workers share ---- */

static void shared_free(void *untyped)
{
    struct otlp_shared *shared = untyped;
    for (size_t i = 0; i < shared->listeners.count; i++) {
        weft_listener_close(&shared->items[i]);
        weft_tls_context_free(shared->speaking[i].tls);
    }
    weft_otlp_json_fini(&shared->json);
    weft_free(shared);
}

static enum weft_status renew(void *untyped, struct weft_error *error)
{
    const struct otlp_shared *shared = untyped;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < shared->listeners.count; i++) {
        status = weft_tls_context_renew(shared->speaking[i].tls, error);
    }
    return status;
}

static void end_renewal(void *untyped, bool is_used)
{
    const struct otlp_shared *shared = untyped;
    for (size_t i = 0; i < shared->listeners.count; i++) {
        weft_tls_context_end_renewal(shared->speaking[i].tls, is_used);
    }
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    struct otlp_shared *shared = weft_alloc(sizeof *shared);
    shared->listeners.items = shared->items;
    if (config->protocols.has_http) {
        weft_otlp_json_init(&shared->json);
    }
    for (size_t i = 0; i < count; i++) {
        shared->speaking[i].kind = protocols[i].kind;
        shared->listeners.count++;
        enum weft_status status = weft_listening_open(&protocols[i].listening, id, "accepting OTLP", &shared->items[i],
                                                      &shared->speaking[i].tls, error);
        if (status != WEFT_OK) {
            shared_free(shared);
            return status;
        }
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- on each worker ---- */

static struct weft_otlp_inlet *make_inlet(struct weft_otlp_ingest *ingest, const struct protocols_config *protocols,
                                          const struct otlp_shared *shared, size_t index,
                                          struct weft_authenticator *const *authenticators)
{
    bool is_grpc_judged = protocols->has_grpc && protocols->grpc.has_auth;
    const struct speaking *speaking = &shared->speaking[index];
    switch (speaking->kind) {
    case GRPC:
        return weft_otlp_grpc_new(ingest, &protocols->grpc, speaking->tls, is_grpc_judged ? authenticators[0] : NULL);
    case HTTP:
        return weft_otlp_http_new(ingest, &protocols->http, &shared->json, speaking->tls,
                                  protocols->http.has_auth ? authenticators[is_grpc_judged] : NULL);
    }
    weft_assert(!"protocol");
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    (void)error;
    const struct otlp_shared *shared = setup->shared;
    const struct otlp_config *config = setup->config;
    struct weft_inlet_receiver *receiver = weft_inlet_receiver_new(setup, &config->inlet);
    receiver->ingest.invalid_utf8 = (enum weft_invalid_utf8)config->invalid_utf8.value;
    for (size_t i = 0; i < shared->listeners.count; i++) {
        weft_inlet_receiver_add(receiver,
                                make_inlet(&receiver->ingest, &config->protocols, shared, i, setup->authenticators));
    }
    *out_receiver = &receiver->receiver;
    return WEFT_OK;
}

/* Those of gRPC first: make_inlet counts on it. */
static size_t auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct protocols_config *protocols = &((const struct otlp_config *)untyped)->protocols;
    size_t count = 0;
    if (protocols->has_grpc && protocols->grpc.has_auth) {
        out_needs[count++] =
            (struct weft_auth_need){ protocols->grpc.auth.authenticator, WEFT_AUTHENTICATES_SERVERS, false };
    }
    if (protocols->has_http && protocols->http.has_auth) {
        out_needs[count++] =
            (struct weft_auth_need){ protocols->http.auth.authenticator, WEFT_AUTHENTICATES_SERVERS, false };
    }
    return count;
}

static enum weft_reach reach(const void *untyped)
{
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    enum weft_reach reach = WEFT_REACH_MACHINE;
    for (size_t i = 0; i < count && reach == WEFT_REACH_MACHINE; i++) {
        reach = weft_listening_reach(&protocols[i].listening);
    }
    return reach;
}

static bool waits_for_delivery(const void *config)
{
    return weft_inlet_waits_for_delivery(&((const struct otlp_config *)config)->inlet);
}

static bool gives_metadata(const void *untyped)
{
    const struct protocols_config *protocols = &((const struct otlp_config *)untyped)->protocols;
    return (protocols->has_grpc && protocols->grpc.include_metadata) ||
           (protocols->has_http && protocols->http.include_metadata);
}

const struct weft_component weft_receiver_otlp = {
    .kind = WEFT_RECEIVER,
    .type = "otlp",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Receives OTLP over gRPC and over HTTP.",
    .fields = otlp_fields,
    .config_size = sizeof(struct otlp_config),
    .validate = validate,
    .waits_for_delivery = waits_for_delivery,
    .auth_needs = auth_needs,
    .gives_metadata = gives_metadata,
    .reach = reach,
    .explain = explain,
    .try_files = try_files,
    .share = share,
    .unshare = shared_free,
    .renew = renew,
    .end_renewal = end_renewal,
    .create_receiver = create,
    .collect = NULL,
};
