/* Extension `zpages`: pages in HTML that say what runs, on worker 0, at the Collector's paths under /debug. What they
 * show comes from the plan in use when they are asked for; numbers are on the telemetry port. weft records no spans
 * about itself, and tracez says so. */
#include "weft/component.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "config/gates.h"
#include "extensions/page_guard.h"
#include "extensions/page_server.h"
#include "net/http1/routes.h"

enum { MAX_PAGE_BYTES = 4 * 1024 * 1024 };

struct expvar_config {
    bool enabled;
};

struct zpages_config {
    struct weft_page_config page;
    struct expvar_config expvar;
};

WEFT_IS_PAGE_CONFIG(struct zpages_config);

struct zpages {
    struct weft_extension extension;
    const struct weft_agent_view *agent;
    struct weft_page_guard guard;
    struct weft_http1_server *server;
};

/* A page under way: out, and where in the list of parts it is. */
struct page {
    const struct zpages *zpages;
    struct weft_buffer *out;
    enum weft_agent_part part; /* the last one */
};

struct page_kind {
    const char *title;
    void (*write)(struct page *page);
};

static const struct weft_field expvar_fields[] = {
    WEFT_FIELD_NO_EFFECT("enabled", "bool", "weft has no variables of Go's runtime."),
    WEFT_FIELDS_END,
};

static const struct weft_field zpages_fields[] = {
    WEFT_PAGE_SERVER_FIELDS("localhost:55679"),
    WEFT_FIELD_BLOCK(struct zpages_config, expvar, expvar_fields, "Variables of the Collector's runtime."),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct zpages_config *config = untyped;
    if (config->page.endpoint == NULL || config->page.endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "\"endpoint\" is required when using the \"zpages\" extension");
    }
    return weft_page_server_validate(&config->page, error);
}

/* ---- pages ---- */

/* Ids come from a config; they are text to a browser whatever they are. */
static void put_text(struct weft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            weft_buffer_append_text(out, "&lt;");
            break;
        case '&':
            weft_buffer_append_text(out, "&amp;");
            break;
        case '"':
            weft_buffer_append_text(out, "&quot;");
            break;
        default:
            weft_buffer_append_byte(out, (uint8_t)*text);
        }
    }
}

static void put_row(struct weft_buffer *out, const char *name, const char *value)
{
    weft_buffer_append_format(out, "<tr><td>%s</td><td>", name);
    put_text(out, value);
    weft_buffer_append_text(out, "</td></tr>\n");
}

static void write_service(struct page *page)
{
    struct weft_wall started = page->zpages->agent->started;
    int64_t up_s = (weft_wall_now().ns - started.ns) / WEFT_NS_PER_S;
    char number[32];
    weft_buffer_append_text(page->out, "<table>\n");
    put_row(page->out, "Command", "weft");
    put_row(page->out, "Version", WEFT_VERSION);
    snprintf(number, sizeof number, "%" PRId64, started.ns / WEFT_NS_PER_S);
    put_row(page->out, "Started (s since 1970)", number);
    snprintf(number, sizeof number, "%" PRId64 " s", up_s);
    put_row(page->out, "Uptime", number);
    weft_buffer_append_text(page->out,
                            "</table>\n<p><a href=\"pipelinez\">Pipelines</a> <a href=\"extensionz\">Extensions"
                            "</a> <a href=\"featurez\">Features</a></p>\n");
}

/* A cell for each kind of component of a pipeline; ids of one kind stand side by side in it, processors in
 * the order in which records pass them. */
static void on_pipeline_part(void *context, enum weft_agent_part part, const char *id)
{
    struct page *page = context;
    if (part == WEFT_PART_EXTENSION) {
        return;
    }
    if (part == WEFT_PART_PIPELINE) {
        weft_buffer_append_text(page->out, page->part == WEFT_PART_EXTENSION ? "" : "</td></tr>\n");
        weft_buffer_append_text(page->out, "<tr><td>");
        page->part = WEFT_PART_PIPELINE;
    } else if (page->part == part) {
        weft_buffer_append_text(page->out, part == WEFT_PART_PROCESSOR ? " &rarr; " : ", ");
    }
    for (; page->part < part; page->part++) {
        weft_buffer_append_text(page->out, "</td><td>");
    }
    put_text(page->out, id);
}

static void write_pipelines(struct page *page)
{
    const struct weft_agent_view *agent = page->zpages->agent;
    weft_buffer_append_text(page->out,
                            "<table>\n<tr><th>Pipeline</th><th>Receivers</th><th>Processors</th><th>Exporters"
                            "</th></tr>\n");
    agent->tell(agent->agent, on_pipeline_part, page);
    weft_buffer_append_text(page->out, page->part == WEFT_PART_EXTENSION ? "</table>\n" : "</td></tr>\n</table>\n");
}

static void on_extension(void *context, enum weft_agent_part part, const char *id)
{
    struct page *page = context;
    if (part == WEFT_PART_EXTENSION) {
        weft_buffer_append_text(page->out, "<tr><td>");
        put_text(page->out, id);
        weft_buffer_append_text(page->out, "</td></tr>\n");
    }
}

static void write_extensions(struct page *page)
{
    const struct weft_agent_view *agent = page->zpages->agent;
    weft_buffer_append_text(page->out, "<table>\n<tr><th>Extension</th></tr>\n");
    agent->tell(agent->agent, on_extension, page);
    weft_buffer_append_text(page->out, "</table>\n");
}

static void write_features(struct page *page)
{
    weft_buffer_append_text(page->out, "<table>\n<tr><th>Feature gate</th><th>Open</th><th></th></tr>\n");
    for (size_t i = 0; i < WEFT_GATE_COUNT; i++) {
        weft_buffer_append_format(page->out, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", weft_gate_rows[i].id,
                                  (page->zpages->agent->gates & 1u << i) != 0 ? "yes" : "no", weft_gate_rows[i].help);
    }
    weft_buffer_append_text(page->out, "</table>\n");
}

static void write_traces(struct page *page)
{
    weft_buffer_append_text(
        page->out, "<p>weft records no spans about itself. <code>weft trace ID</code> and "
                   "<code>/v1/traces/ID</code> on admin.sock in the state directory say what became of a trace.</p>\n");
}

static const struct page_kind service_page = { "Service", write_service };
static const struct page_kind pipelines_page = { "Pipelines", write_pipelines };
static const struct page_kind extensions_page = { "Extensions", write_extensions };
static const struct page_kind features_page = { "Features", write_features };
static const struct page_kind traces_page = { "Trace Spans", write_traces };

/* ---- requests ---- */

static void zpages_free(struct weft_extension *extension);

static struct zpages *zpages_of(struct weft_extension *extension)
{
    weft_assert(extension->free == zpages_free);
    return WEFT_CONTAINER_OF(extension, struct zpages, extension);
}

static void reply_page(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)request;
    const struct page_kind *kind = match->route->subject;
    struct weft_buffer body;
    weft_buffer_init(&body, MAX_PAGE_BYTES);
    struct page page = { .zpages = zpages_of(context), .out = &body, .part = WEFT_PART_EXTENSION };
    weft_buffer_append_format(&body,
                              "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%s</title></head>\n<body>\n"
                              "<h1>%s</h1>\n",
                              kind->title, kind->title);
    kind->write(&page);
    weft_buffer_append_text(&body, "</body></html>\n");
    bool is_whole = weft_buffer_status(&body) == WEFT_OK;
    weft_http1_server_exchange_reply(exchange, is_whole ? 200 : 503, "text/html; charset=utf-8", NULL,
                                     is_whole ? weft_buffer_slice(&body) : WEFT_SLICE_EMPTY);
    weft_buffer_fini(&body);
}

static const struct weft_http1_route rows[] = {
    { "/debug/servicez", false, WEFT_HTTP1_ANY_METHOD, reply_page, &service_page },
    { "/debug/pipelinez", false, WEFT_HTTP1_ANY_METHOD, reply_page, &pipelines_page },
    { "/debug/extensionz", false, WEFT_HTTP1_ANY_METHOD, reply_page, &extensions_page },
    { "/debug/featurez", false, WEFT_HTTP1_ANY_METHOD, reply_page, &features_page },
    { "/debug/tracez", false, WEFT_HTTP1_ANY_METHOD, reply_page, &traces_page },
};

static void on_refused(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    (void)context;
    weft_http1_server_exchange_reply(exchange, code, "text/plain; charset=utf-8", headers,
                                     WEFT_SLICE_LITERAL("404 page not found\n"));
}

static const struct weft_http1_routes routes = { .rows = rows, .count = WEFT_COUNT_OF(rows), .on_refused = on_refused };

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    weft_page_guard_serve(&zpages_of(context)->guard, exchange, request);
}

/* ---- life cycle ---- */

static void zpages_free(struct weft_extension *extension)
{
    struct zpages *zpages = zpages_of(extension);
    if (zpages->server != NULL) {
        weft_page_guard_fini(&zpages->guard);
        weft_http1_server_free(zpages->server);
    }
    extension->free = NULL;
    weft_free(zpages);
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_extension **out_extension,
                               struct weft_error *error)
{
    const struct zpages_config *config = setup->config;
    int descriptor = -1;
    enum weft_status status =
        weft_page_server_listen(config->page.endpoint, setup->id, setup->shared != NULL, &descriptor, error);
    if (status != WEFT_OK) {
        return status;
    }
    struct zpages *zpages = weft_alloc(sizeof *zpages);
    zpages->extension.free = zpages_free;
    zpages->agent = setup->agent;
    weft_page_guard_init(&zpages->guard, setup->authenticators[0], setup->host, &routes, &zpages->extension);
    struct weft_http1_server_settings settings = { .wants_body = weft_http1_routes_want_no_body };
    zpages->server = weft_http1_server_new(setup->host->net, &settings, on_request, &zpages->extension, setup->shared);
    weft_http1_server_listen(zpages->server, descriptor);
    *out_extension = &zpages->extension;
    return WEFT_OK;
}

const struct weft_component weft_extension_zpages = {
    .kind = WEFT_EXTENSION,
    .type = "zpages",
    .help = "Pages that say what runs: servicez, pipelinez, extensionz, tracez.",
    .fields = zpages_fields,
    .config_size = sizeof(struct zpages_config),
    .validate = validate,
    .auth_needs = weft_page_server_auth_needs,
    .try_files = weft_page_server_try_files,
    .share = weft_page_server_share,
    .unshare = weft_page_server_unshare,
    .renew = weft_page_server_renew,
    .end_renewal = weft_page_server_end_renewal,
    .create_extension = create,
};
