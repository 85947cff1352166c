/* Extension `health_check`: the Collector's health endpoint, on worker 0: 200 while the agent accepts, 503 while it
 * stops. weft's own /health and /ready, which tell more, are on the telemetry port. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "extensions/page_guard.h"
#include "extensions/page_server.h"
#include "extensions/health_check_text.h"
#include "net/http1/routes.h"

struct response_body_config {
    char *healthy;
    char *unhealthy;
};

struct health_config {
    struct weft_page_config page;
    char *path;
    bool has_response_body;
    struct response_body_config response_body;
};

WEFT_IS_PAGE_CONFIG(struct health_config);

struct health_extension {
    struct weft_extension extension;
    const struct health_config *config;
    const struct weft_agent_view *agent;
    struct weft_http1_route route; /* the one path */
    struct weft_http1_routes routes;
    struct weft_page_guard guard;
    struct weft_http1_server *server;
};

static const struct weft_field response_body_fields[] = {
    WEFT_FIELD(struct response_body_config, healthy, "", "Body of the answer while all is well."),
    WEFT_FIELD(struct response_body_config, unhealthy, "", "Body of the answer while it is not."),
    WEFT_FIELDS_END,
};

static const struct weft_field check_pipeline_fields[] = {
    WEFT_FIELD_NO_EFFECT("enabled", "bool", "Whether exporters that fail count."),
    WEFT_FIELD_NO_EFFECT("interval", "string", "For how long they are remembered."),
    WEFT_FIELD_NO_EFFECT("exporter_failure_threshold", "int", "How many of them are too many."),
    WEFT_FIELDS_END,
};

static const struct weft_field health_fields[] = {
    WEFT_PAGE_SERVER_FIELDS("localhost:13133"),
    WEFT_FIELD(struct health_config, path, "/",
               "The path that is answered; one that ends in / stands for all below it."),
    WEFT_FIELD_OPTIONAL(struct health_config, response_body, has_response_body, response_body_fields, "off",
                        "Bodies to answer with instead of the Collector's JSON.", .is_off_as_null = true),
    WEFT_FIELD_NO_EFFECT("check_collector_pipeline", "map", "It has none in the Collector either; see /ready.",
                         .fields = check_pipeline_fields),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct health_config *config = untyped;
    if (config->page.endpoint == NULL || config->page.endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "requires a non-empty \"endpoint\"");
    }
    if (config->path == NULL || config->path[0] != '/') {
        return weft_fail(error, WEFT_INVALID, "path must start with /");
    }
    return weft_page_server_validate(&config->page, error);
}

/* ---- requests ---- */

static void health_free(struct weft_extension *extension);

static struct health_extension *health_of(struct weft_extension *extension)
{
    weft_assert(extension->free == health_free);
    return WEFT_CONTAINER_OF(extension, struct health_extension, extension);
}

static void reply_health(void *context, struct weft_http1_server_exchange *exchange,
                         const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)request;
    (void)match;
    const struct health_extension *health = health_of(context);
    const struct health_config *config = health->config;
    bool is_available = health->agent->can_accept(health->agent->agent);
    const char *own_body = NULL;
    if (config->has_response_body) {
        own_body = is_available ? config->response_body.healthy : config->response_body.unhealthy;
    }
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    struct weft_wall started = health->agent->started;
    int code = weft_health_check_write(is_available, started, weft_wall_now().ns - started.ns, own_body, &body);
    if (weft_buffer_status(&body) != WEFT_OK) {
        weft_buffer_clear(&body);
        code = 503;
    }
    weft_http1_server_exchange_reply(exchange, code,
                                     own_body == NULL ? "application/json" : "text/plain; charset=utf-8", NULL,
                                     weft_buffer_slice(&body));
    weft_buffer_fini(&body);
}

/* 404: every method is taken, as in the Collector. */
static void on_refused(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    (void)context;
    weft_http1_server_exchange_reply(exchange, code, "text/plain; charset=utf-8", headers,
                                     WEFT_SLICE_LITERAL("404 page not found\n"));
}

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    weft_page_guard_serve(&health_of(context)->guard, exchange, request);
}

/* ---- life cycle ---- */

static void health_free(struct weft_extension *extension)
{
    struct health_extension *health = health_of(extension);
    if (health->server != NULL) {
        weft_page_guard_fini(&health->guard);
        weft_http1_server_free(health->server);
    }
    extension->free = NULL;
    weft_free(health);
}

static enum weft_status open_server(struct health_extension *health, const struct weft_instance_setup *setup,
                                    struct weft_error *error)
{
    struct weft_host *host = setup->host;
    struct weft_tls_context *tls = setup->shared;
    const struct health_config *config = health->config;
    int descriptor = -1;
    enum weft_status status =
        weft_page_server_listen(config->page.endpoint, setup->id, tls != NULL, &descriptor, error);
    if (status != WEFT_OK) {
        return status;
    }
    health->route = (struct weft_http1_route){ .path = config->path,
                                               .is_tree = config->path[strlen(config->path) - 1] == '/',
                                               .methods = WEFT_HTTP1_ANY_METHOD,
                                               .on_request = reply_health };
    health->routes = (struct weft_http1_routes){ .rows = &health->route, .count = 1, .on_refused = on_refused };
    weft_page_guard_init(&health->guard, setup->authenticators[0], host, &health->routes, &health->extension);
    struct weft_http1_server_settings settings = { .wants_body = weft_http1_routes_want_no_body,
                                                   .always_admits = true };
    health->server = weft_http1_server_new(host->net, &settings, on_request, &health->extension, tls);
    weft_http1_server_listen(health->server, descriptor);
    return WEFT_OK;
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_extension **out_extension,
                               struct weft_error *error)
{
    struct health_extension *health = weft_alloc(sizeof *health);
    health->extension.free = health_free;
    health->config = setup->config;
    health->agent = setup->agent;
    enum weft_status status = open_server(health, setup, error);
    if (status != WEFT_OK) {
        health_free(&health->extension);
        return status;
    }
    *out_extension = &health->extension;
    return WEFT_OK;
}

const struct weft_component weft_extension_health_check = {
    .kind = WEFT_EXTENSION,
    .type = "health_check",
    .help = "Answers health probes as the Collector's extension does.",
    .fields = health_fields,
    .config_size = sizeof(struct health_config),
    .validate = validate,
    .auth_needs = weft_page_server_auth_needs,
    .try_files = weft_page_server_try_files,
    .share = weft_page_server_share,
    .unshare = weft_page_server_unshare,
    .renew = weft_page_server_renew,
    .end_renewal = weft_page_server_end_renewal,
    .create_extension = create,
};
