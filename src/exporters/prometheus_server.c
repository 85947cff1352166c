/* The scrape port (prometheus_server.h). A scrape is a page that grows tick by tick, beside the others; compressed it
 * is a row of gzip members, one for each step. Its text is charged to the budget as it grows, and bounded. */
#include "exporters/prometheus_server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/magic.h"
#include "net/http1/routes.h"

enum { STEP_BYTES = 256 * 1024, PAGES_MAX = 8, JUDGED_MAX = 64 };

WEFT_MAGIC(prometheus_server, 0x9407e7e5);
WEFT_MAGIC(prometheus_scrape, 0x5c4a9e01);

struct weft_prometheus_server {
    uint32_t magic;
    struct weft_prometheus_server_settings settings;
    struct weft_http1_server *http;
    struct weft_auth_server *auth; /* or NULL */
    struct weft_buffer headers;    /* lines */
    struct weft_list scrapes;
    size_t judged_count; /* scrapes whose credentials are being looked at: whoever asks makes one */
    size_t page_count;   /* the others */
    uint64_t answered, refused, too_large, unauthenticated;
};

struct scrape {
    uint32_t magic;
    struct weft_list node;
    struct weft_prometheus_server *server;
    struct weft_http1_server_exchange *exchange;
    struct weft_auth_wait wait; /* for the judgement of its credentials */
    struct weft_prometheus_accepted accepted;
    bool is_compressed, has_page;
    struct weft_prometheus_cursor cursor;
    struct weft_buffer text; /* of a step that is to be compressed */
    struct weft_buffer body;
    size_t charged_bytes;
    struct weft_timer timer;
};

/* The configured headers, and more: lines, or NULL. Until out_lines is let go of. */
static const char *headers_with(const struct weft_prometheus_server *server, const char *more,
                                struct weft_buffer *out_lines)
{
    weft_buffer_init(out_lines, 0);
    weft_buffer_append(out_lines, server->headers.bytes, server->headers.length);
    weft_buffer_append_text(out_lines, more == NULL ? "" : more);
    weft_buffer_append_byte(out_lines, 0);
    return out_lines->is_failed ? more : (const char *)out_lines->bytes;
}

static void reply_text(struct weft_prometheus_server *server, struct weft_http1_server_exchange *exchange, int code,
                       const char *more, const char *text)
{
    struct weft_buffer lines;
    const char *headers = headers_with(server, more, &lines);
    weft_http1_server_exchange_reply(exchange, code, "text/plain; charset=utf-8", headers, weft_slice_of_text(text));
    weft_buffer_fini(&lines);
}

/* ---- a scrape ---- */

static void scrape_free(struct scrape *scrape)
{
    struct weft_prometheus_server *server = scrape->server;
    struct weft_host *host = server->settings.host;
    weft_list_remove(&scrape->wait.node);
    weft_prometheus_cursor_end(&scrape->cursor);
    weft_timer_cancel(host->timers, &scrape->timer);
    weft_list_remove(&scrape->node);
    server->page_count -= scrape->has_page;
    server->judged_count -= !scrape->has_page;
    weft_buffer_fini(&scrape->text);
    weft_buffer_fini(&scrape->body);
    weft_budget_release(host->budget, scrape->charged_bytes);
    weft_clear_magic(scrape, prometheus_scrape);
    weft_free(scrape);
}

static void charge(struct scrape *scrape)
{
    struct weft_budget *budget = scrape->server->settings.host->budget;
    size_t held_bytes = scrape->text.capacity + scrape->body.capacity;
    weft_assert(held_bytes >= scrape->charged_bytes);
    weft_budget_charge(budget, held_bytes - scrape->charged_bytes);
    scrape->charged_bytes = held_bytes;
}

static void append_compressed(struct scrape *scrape)
{
    struct weft_host *host = scrape->server->settings.host;
    struct weft_slice text = weft_buffer_slice(&scrape->text);
    struct weft_payload *member = NULL;
    if (weft_deflate(host->codec, WEFT_ENCODING_GZIP, 0, &text, 1, host->pool, &member, NULL) != WEFT_OK) {
        scrape->body.is_failed = true;
        return;
    }
    struct weft_slice bytes = weft_payload_slice(member);
    weft_buffer_append(&scrape->body, bytes.bytes, bytes.length);
    weft_payload_unref(&member);
}

/* What is not compressed was written where it belongs. */
static void end_step(struct scrape *scrape)
{
    if (scrape->text.is_failed) {
        scrape->body.is_failed = true;
    } else if (scrape->is_compressed) {
        append_compressed(scrape);
    }
    weft_buffer_clear(&scrape->text);
    charge(scrape);
}

static void give_up(struct scrape *scrape)
{
    struct weft_prometheus_server *server = scrape->server;
    server->too_large++;
    weft_log(WARN, "prometheus.page_too_large", "a page is larger than max_page_bytes, or scrapers do not read theirs",
             WEFT_LOG_STRING("exporter", server->settings.id), WEFT_LOG_INT("bytes", scrape->body.length));
    reply_text(server, scrape->exchange, 503, NULL, "the page, or what scrapers have not read, is too large\n");
    scrape_free(scrape);
}

static void finish(struct scrape *scrape)
{
    struct weft_buffer lines;
    const char *headers =
        headers_with(scrape->server, scrape->is_compressed ? "Content-Encoding: gzip\r\n" : NULL, &lines);
    scrape->server->answered++;
    weft_http1_server_exchange_reply_own(scrape->exchange, 200, scrape->accepted.content_type, headers, &scrape->body);
    weft_buffer_fini(&lines);
    scrape_free(scrape);
}

/* Of one page more than its limit may wait, being made or being read. */
static bool holds_too_much(const struct weft_prometheus_server *server)
{
    size_t held_bytes = weft_http1_server_unsent_bytes(server->http);
    WEFT_LIST_EACH(node, &server->scrapes)
    {
        held_bytes += WEFT_CONTAINER_OF(node, struct scrape, node)->charged_bytes;
    }
    return held_bytes / 2 > server->settings.max_page_bytes;
}

static void go_on(void *context)
{
    struct scrape *scrape = context;
    weft_check_magic(scrape, prometheus_scrape);
    const struct weft_prometheus_server_settings *settings = &scrape->server->settings;
    struct weft_buffer *out = scrape->is_compressed ? &scrape->text : &scrape->body;
    bool is_last = weft_prometheus_page_write(settings->table, &scrape->cursor, &scrape->accepted.format,
                                              out->length + STEP_BYTES, out);
    if (is_last && scrape->accepted.format.is_open_metrics) {
        weft_buffer_append_text(out, "# EOF\n");
    }
    end_step(scrape);
    if (scrape->body.is_failed || holds_too_much(scrape->server)) {
        give_up(scrape);
    } else if (is_last) {
        finish(scrape);
    } else {
        weft_timer_set_after(settings->host->timers, &scrape->timer, 0);
    }
}

/* ---- requests ---- */

static struct weft_prometheus_server *server_of(void *context)
{
    struct weft_prometheus_server *server = context;
    weft_check_magic(server, prometheus_server);
    return server;
}

static void refuse(struct weft_prometheus_server *server, struct weft_http1_server_exchange *exchange, const char *text)
{
    server->refused++;
    reply_text(server, exchange, 503, "Retry-After: 1\r\n", text);
}

/* Who may scrape takes a place among the pages only now. */
static void begin_page(struct scrape *scrape)
{
    struct weft_prometheus_server *server = scrape->server;
    if (server->page_count == PAGES_MAX) {
        refuse(server, scrape->exchange, "too many scrapes at a time\n");
        scrape_free(scrape);
        return;
    }
    scrape->has_page = true;
    server->judged_count--;
    server->page_count++;
    weft_prometheus_cursor_begin(server->settings.table, &scrape->cursor);
    go_on(scrape);
}

static void keep_out(struct scrape *scrape, const struct weft_error *failure)
{
    struct weft_prometheus_server *server = scrape->server;
    if (failure->status != WEFT_UNAUTHENTICATED) {
        refuse(server, scrape->exchange, failure->text);
    } else {
        server->unauthenticated++;
        reply_text(server, scrape->exchange, 401, NULL, failure->text);
    }
    scrape_free(scrape);
}

static void was_judged(struct weft_auth_wait *wait, const struct weft_error *failure)
{
    struct scrape *scrape = WEFT_CONTAINER_OF(wait, struct scrape, wait);
    weft_check_magic(scrape, prometheus_scrape);
    weft_list_remove(&wait->node);
    if (failure != NULL) {
        keep_out(scrape, failure);
    } else {
        begin_page(scrape);
    }
}

/* NULL: there are too many, or no memory. */
static struct scrape *new_scrape(struct weft_prometheus_server *server, struct weft_http1_server_exchange *exchange)
{
    const struct weft_prometheus_server_settings *settings = &server->settings;
    struct scrape *scrape = server->judged_count < JUDGED_MAX ? weft_try_alloc(sizeof *scrape) : NULL;
    if (scrape == NULL) {
        return NULL;
    }
    weft_set_magic(scrape, prometheus_scrape);
    scrape->server = server;
    scrape->exchange = exchange;
    scrape->wait.on_judged = was_judged;
    weft_list_init(&scrape->wait.node);
    weft_list_init(&scrape->cursor.node);
    weft_prometheus_accept(weft_http1_server_exchange_header(exchange, "accept"), settings->has_open_metrics,
                           &scrape->accepted);
    scrape->accepted.format.sends_timestamps = settings->sends_timestamps;
    scrape->is_compressed =
        weft_prometheus_accepts_gzip(weft_http1_server_exchange_header(exchange, "accept-encoding"));
    weft_buffer_init(&scrape->text, settings->max_page_bytes);
    weft_buffer_init(&scrape->body, settings->max_page_bytes);
    weft_timer_init(&scrape->timer, go_on, scrape);
    weft_list_push_back(&server->scrapes, &scrape->node);
    server->judged_count++;
    return scrape;
}

static void begin_scrape(void *context, struct weft_http1_server_exchange *exchange,
                         const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)request;
    (void)match;
    struct weft_prometheus_server *server = server_of(context);
    struct weft_error error = WEFT_ERROR_NONE;
    struct scrape *scrape = new_scrape(server, exchange);
    if (scrape == NULL) {
        refuse(server, exchange, "too many scrapes at a time\n");
        return;
    }
    enum weft_status status = WEFT_OK;
    if (server->auth != NULL) {
        struct weft_auth_claim claim = { weft_http1_server_exchange_header(exchange, server->auth->field),
                                         weft_http1_server_exchange_household(exchange) };
        status = server->auth->operations->judge(server->auth, &claim, &scrape->wait, &error);
    }
    if (status == WEFT_OK) {
        begin_page(scrape);
    } else if (status != WEFT_CLOSED) {
        keep_out(scrape, &error);
    }
}

static const struct weft_http1_route rows[] = {
    { .path = "/metrics", .methods = WEFT_HTTP1_ANY_METHOD, .on_request = begin_scrape },
};

static void on_refused(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    reply_text(server_of(context), exchange, code, headers, "404 page not found\n");
}

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    static const struct weft_http1_routes routes = { .rows = rows,
                                                     .count = WEFT_COUNT_OF(rows),
                                                     .on_refused = on_refused };
    struct weft_http1_match match = weft_http1_routes_find(&routes, exchange, request);
    weft_http1_routes_serve(&routes, &match, context, exchange, request);
}

/* ---- life cycle ---- */

struct weft_prometheus_server *weft_prometheus_server_new(const struct weft_prometheus_server_settings *settings,
                                                          int listening_descriptor)
{
    struct weft_prometheus_server *server = weft_alloc(sizeof *server);
    weft_set_magic(server, prometheus_server);
    server->settings = *settings;
    weft_list_init(&server->scrapes);
    server->auth = weft_auth_server_open(settings->authenticator, settings->host);
    weft_buffer_init(&server->headers, 0);
    for (size_t i = 0; i < settings->headers->count; i++) {
        weft_buffer_append_format(&server->headers, "%s: %s\r\n", settings->headers->entries[i].key,
                                  settings->headers->entries[i].value);
    }
    struct weft_http1_server_settings http_settings = { .max_connections = settings->max_connections,
                                                        .wants_body = weft_http1_routes_want_no_body };
    server->http = weft_http1_server_new(settings->host->net, &http_settings, on_request, server, settings->tls);
    weft_http1_server_listen(server->http, listening_descriptor);
    return server;
}

void weft_prometheus_server_drain(struct weft_prometheus_server *server)
{
    weft_http1_server_drain(server->http);
}

void weft_prometheus_server_free(struct weft_prometheus_server *server)
{
    struct weft_list *node;
    weft_check_magic(server, prometheus_server);
    while ((node = weft_list_first(&server->scrapes)) != NULL) {
        struct scrape *scrape = WEFT_CONTAINER_OF(node, struct scrape, node);
        weft_check_magic(scrape, prometheus_scrape);
        reply_text(server, scrape->exchange, 503, NULL, "going away\n");
        scrape_free(scrape);
    }
    weft_http1_server_free(server->http);
    weft_auth_server_free(server->auth);
    weft_buffer_fini(&server->headers);
    weft_clear_magic(server, prometheus_server);
    weft_free(server);
}

void weft_prometheus_server_collect(const struct weft_prometheus_server *server, struct weft_samples *samples)
{
    const struct weft_sample_label *labels = WEFT_LABELS({ "exporter", server->settings.id });
    weft_samples_add(samples, "weft_exporter_prometheus_scrapes", "Pages that were written", WEFT_SAMPLE_COUNTER,
                     (double)server->answered, labels);
    weft_samples_add(samples, "weft_exporter_prometheus_scrapes_refused", "Scrapes refused, too many being under way",
                     WEFT_SAMPLE_COUNTER, (double)server->refused, labels);
    weft_samples_add(samples, "weft_exporter_prometheus_pages_too_large",
                     "Scrapes given up at max_page_bytes, or for want of memory", WEFT_SAMPLE_COUNTER,
                     (double)server->too_large, labels);
    weft_samples_add(samples, "weft_exporter_prometheus_scrapes_unauthenticated",
                     "Scrapes refused because of their credentials", WEFT_SAMPLE_COUNTER,
                     (double)server->unauthenticated, labels);
    const struct weft_http1_server_counters *counters = weft_http1_server_read_counters(server->http);
    const struct weft_sample_label *http_labels =
        WEFT_LABELS({ "exporter", server->settings.id }, { "transport", "http" });
#define COLLECT_COUNTER(name, help)                                                                         \
    weft_samples_add(samples, "weft_http_server_" #name, help, WEFT_SAMPLE_COUNTER, (double)counters->name, \
                     http_labels);
    WEFT_HTTP1_SERVER_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
}
