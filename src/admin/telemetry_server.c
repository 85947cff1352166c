/* The telemetry port's routes (telemetry_server.h). A row says what has to be gathered before its page is written. */
#include "admin/telemetry_server.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/audit_transit.h"
#include "admin/error.h"
#include "admin/health.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/redactions_report.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/address.h"
#include "net/descriptors.h"

struct weft_telemetry_server {
    struct weft_telemetry_server_settings settings;
    struct weft_admin_source source;
    struct weft_http1_server *http;
    struct weft_budget *budget;
    uint64_t gathers_under_way;
};

/* ---- /metrics ---- */

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long total = 0;
    long resident = 0;
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void add_process(const struct weft_telemetry_server *server, struct weft_samples *samples)
{
    const struct weft_sample_label *none = WEFT_LABELS({ NULL, NULL });
    double up = (double)(weft_wall_now().ns - server->settings.started.ns) / 1e9;
    double reserved = (double)weft_budget_reserved(server->budget);
    double resident = resident_bytes();
    weft_samples_set(samples, "otelcol_process_uptime", "Uptime of the process", WEFT_SAMPLE_COUNTER, up, none);
    weft_samples_set(samples, "otelcol_process_cpu_seconds", "Total CPU user and system time in seconds",
                     WEFT_SAMPLE_COUNTER, cpu_seconds(), none);
    weft_samples_set(samples, "otelcol_process_memory_rss", "Total physical memory (resident set size)",
                     WEFT_SAMPLE_GAUGE, resident, none);
    weft_samples_set(samples, "otelcol_process_runtime_heap_alloc_bytes", "Bytes that weft has reserved",
                     WEFT_SAMPLE_GAUGE, reserved, none);
    weft_samples_set(samples, "weft_memory_unreserved_bytes", "Resident memory minus what weft has reserved",
                     WEFT_SAMPLE_GAUGE, resident - reserved, none);
    weft_samples_set(samples, "weft_log_suppressed", "Log lines kept back by rate limits", WEFT_SAMPLE_COUNTER,
                     (double)weft_log_suppressed_total(), none);
    weft_samples_set(samples, "weft_log_lost", "Log lines that nobody took", WEFT_SAMPLE_COUNTER,
                     (double)weft_log_lost_total(), none);
    weft_samples_set(samples, "weft_descriptors_short", "Clients that came when file descriptors were nearly used up",
                     WEFT_SAMPLE_COUNTER, (double)weft_descriptors_short_count(), none);
}

/* Every account as weft_ledger_records{account, signal, owner, reason}; what left a source counts as what it gave. */
static void add_ledger(const struct weft_telemetry_server *server, struct weft_samples *samples)
{
    struct weft_ledger_snapshot snapshot;
    if (weft_ledger_snapshot_take(server->source.ledger, &snapshot) != WEFT_OK) {
        return;
    }
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        const struct weft_account *account = &balance->account;
        double records = balance->outflow > balance->inflow ? (double)(balance->outflow - balance->inflow)
                                                            : (double)(balance->inflow - balance->outflow);
        const char *owner = account->owner[0] != '\0' ? account->owner : account->pipeline;
        weft_samples_add(samples, "weft_ledger_records", "Records in each account of the ledger", WEFT_SAMPLE_GAUGE,
                         records,
                         WEFT_LABELS({ "account", balance->kind_text }, { "signal", account->signal },
                                     { "owner", owner }, { "reason", balance->reason_text }));
    }
    weft_ledger_snapshot_fini(&snapshot);
    weft_samples_add(samples, "weft_ledger_overflowed", "Flows that share an account for want of room",
                     WEFT_SAMPLE_COUNTER, (double)weft_ledger_overflowed(server->source.ledger),
                     WEFT_LABELS({ NULL, NULL }));
}

static void write_sample(struct weft_metrics_writer *writer, const struct weft_sample *sample)
{
    struct weft_metric_label labels[WEFT_SAMPLE_LABELS];
    size_t count = 0;
    for (size_t i = 0; i < WEFT_SAMPLE_LABELS && sample->labels[i].name != NULL; i++) {
        if (sample->labels[i].value[0] != '\0') {
            labels[count++] =
                (struct weft_metric_label){ sample->labels[i].name, weft_slice_of_text(sample->labels[i].value) };
        }
    }
    weft_metrics_sample_real(writer, labels, count, sample->value);
}

/* Samples of one name stand together, under one family line. */
static void write_families(const struct weft_samples *samples, bool has_type_suffix, struct weft_buffer *out)
{
    struct weft_metrics_writer writer;
    weft_metrics_writer_init(&writer, out, has_type_suffix, false);
    for (size_t i = 0; i < samples->count; i++) {
        const struct weft_sample *first = &samples->items[i];
        bool is_written = false;
        for (size_t j = 0; j < i && !is_written; j++) {
            is_written = strcmp(samples->items[j].name, first->name) == 0;
        }
        if (is_written) {
            continue;
        }
        weft_metrics_family(&writer, first->name, "", first->help,
                            first->type == WEFT_SAMPLE_COUNTER ? WEFT_METRIC_COUNTER : WEFT_METRIC_GAUGE);
        for (size_t j = i; j < samples->count; j++) {
            if (strcmp(samples->items[j].name, first->name) == 0) {
                write_sample(&writer, &samples->items[j]);
            }
        }
    }
}

static int write_metrics(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    add_process(visit->server, &gather->samples);
    add_ledger(visit->server, &gather->samples);
    write_families(&gather->samples, visit->server->settings.adds_type_suffix, out);
    return 200;
}

/* ---- /v1/ledger ---- */

static bool is_balanced(const struct weft_ledger_snapshot *snapshot)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_ledger_totals totals;
        weft_ledger_snapshot_totals(snapshot, weft_signal_name((enum weft_signal)signal), &totals);
        if (!weft_ledger_totals_balance(&totals)) {
            return false;
        }
    }
    return true;
}

static void append_audit_json(const struct weft_gather *gather, struct weft_buffer *out)
{
    weft_buffer_append_format(out, ",\"audit\":{\"agrees\":%s,\"disagreements\":[",
                              gather->disagreement_count == 0 ? "true" : "false");
    weft_buffer_append(out, gather->disagreements.bytes, gather->disagreements.length);
    weft_buffer_append_text(out, "]}");
}

static void append_audit_text(const struct weft_gather *gather, struct weft_buffer *out)
{
    if (gather->disagreement_count == 0) {
        weft_buffer_append_text(out, "audit: the structures hold what the books say\n");
        return;
    }
    weft_buffer_append_format(out, "audit: %llu accounts disagree: ", (unsigned long long)gather->disagreement_count);
    weft_buffer_append(out, gather->disagreements.bytes, gather->disagreements.length);
    weft_buffer_append_byte(out, '\n');
}

/* What else was asked for, behind the accounts. */
static void append_gathered(const struct weft_admin_visit *visit, const struct weft_gather *gather,
                            struct weft_buffer *out)
{
    if (visit->wants_text) {
        if (gather->wants_samples) {
            weft_redactions_write_text(&gather->samples, out);
        }
        if (gather->wants_audit) {
            append_audit_text(gather, out);
        }
        return;
    }
    weft_assert(out->is_failed || out->bytes[out->length - 1] == '}');
    out->length -= out->is_failed ? 0 : 1;
    if (gather->wants_samples) {
        weft_buffer_append_text(out, ",\"redactions\":");
        weft_redactions_write_json(&gather->samples, out);
    }
    if (gather->wants_audit) {
        append_audit_json(gather, out);
    }
    weft_buffer_append_byte(out, '}');
}

static int write_ledger(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    struct weft_ledger_snapshot snapshot;
    if (weft_ledger_snapshot_take(visit->server->source.ledger, &snapshot) != WEFT_OK) {
        return 503;
    }
    bool is_audited = gather != NULL && gather->wants_audit;
    if (is_audited) {
        gather->disagreement_count +=
            weft_audit_transit(&visit->before, &snapshot, gather->lent_records, &gather->disagreements);
    }
    if (visit->wants_text) {
        weft_ledger_snapshot_write_text(&snapshot, out);
    } else {
        weft_ledger_snapshot_write_json(&snapshot, out);
    }
    if (gather != NULL) {
        append_gathered(visit, gather, out);
    }
    bool agrees = is_balanced(&snapshot) && (!is_audited || gather->disagreement_count == 0);
    weft_ledger_snapshot_fini(&snapshot);
    return agrees ? 200 : 500;
}

/* ---- /health and /ready ---- */

static int write_health(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    (void)visit;
    (void)gather;
    return weft_health_write_live(out);
}

static int write_ready(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    const struct weft_admin_source *source = &visit->server->source;
    struct weft_health_check *checks = weft_alloc((gather->check_count + 1) * sizeof *checks);
    checks[gather->check_count] = (struct weft_health_check){ "ledger", weft_ledger_trouble(source->ledger) };
    for (size_t i = 0; i < gather->check_count; i++) {
        bool is_ok = strcmp(gather->checks[i].text, "ok") == 0;
        checks[i] = (struct weft_health_check){ gather->checks[i].name, is_ok ? NULL : gather->checks[i].text };
    }
    struct weft_health_facts facts = { .checks = checks,
                                       .check_count = gather->check_count + 1,
                                       .is_accepting = source->can_accept(source->agent),
                                       .version = WEFT_VERSION };
    int code = weft_health_write_ready(&facts, out);
    weft_free(checks);
    return code;
}

static const char json[] = "application/json";

static const struct weft_admin_page metrics_page = { .content_type = WEFT_METRICS_CONTENT_TYPE,
                                                     .write = write_metrics,
                                                     .wants_samples = true };
static const struct weft_admin_page ledger_page = { .content_type = json, .write = write_ledger, .may_audit = true };
static const struct weft_admin_page health_page = { .content_type = json, .write = write_health };
static const struct weft_admin_page ready_page = { .content_type = json, .write = write_ready, .wants_checks = true };

/* ---- requests ---- */

/* False: gather once more. */
static bool reply_page(struct weft_admin_visit *visit, struct weft_gather *gather)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    int code = visit->page->write(visit, gather, &body);
    bool is_answered = code != WEFT_PAGE_AGAIN;
    if (weft_buffer_status(&body) != WEFT_OK) {
        weft_buffer_clear(&body);
        code = 503;
    }
    if (is_answered) {
        weft_http1_server_exchange_reply(visit->exchange, code,
                                         visit->wants_text ? "text/plain; charset=utf-8" : visit->page->content_type,
                                         NULL, weft_buffer_slice(&body));
    }
    weft_buffer_fini(&body);
    return is_answered;
}

static void on_gathered(struct weft_gather *gather)
{
    struct weft_admin_visit *visit = gather->context;
    struct weft_telemetry_server *server = visit->server;
    if (!reply_page(visit, gather)) {
        weft_assert(!visit->is_second);
        visit->is_second = true;
        server->source.gather(server->source.agent, gather);
        return;
    }
    server->gathers_under_way--;
    weft_ledger_snapshot_fini(&visit->before);
    weft_free(visit);
    weft_gather_free(gather);
}

static void reply_error(struct weft_http1_server_exchange *exchange, int code, const char *name, const char *message,
                        const char *help, const char *headers)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    weft_admin_error_write(&(struct weft_admin_error){ .code = name, .message = message, .help = help }, &body);
    weft_http1_server_exchange_reply(exchange, code, json, headers, weft_buffer_slice(&body));
    weft_buffer_fini(&body);
}

static bool query_is(struct weft_slice query, const char *name, const char *value)
{
    struct weft_slice found;
    return weft_admin_query_find(query, name, &found) && weft_slice_equal_text(found, value);
}

/* False: the page has answered with an error. */
static bool prepare(struct weft_admin_visit *visit, struct weft_slice word, struct weft_slice query,
                    struct weft_gather *gather)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    int code = visit->page->begin == NULL ? WEFT_PAGE_OK : visit->page->begin(visit, word, query, gather, &body);
    if (code != WEFT_PAGE_OK) {
        weft_http1_server_exchange_reply(visit->exchange, code, json, NULL, weft_buffer_slice(&body));
    }
    weft_buffer_fini(&body);
    return code == WEFT_PAGE_OK;
}

static void visit_page(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    struct weft_telemetry_server *server = context;
    const struct weft_admin_page *page = match->route->subject;
    struct weft_slice query = request->query;
    struct weft_admin_visit visit = { .server = server,
                                      .exchange = exchange,
                                      .page = page,
                                      .wants_text = page->may_audit && query_is(query, "format", "text"),
                                      .started = server->settings.started };
    bool wants_audit = page->may_audit && query_is(query, "audit", "1");
    bool wants_samples = page->wants_samples || (page->may_audit && query_is(query, "redactions", "1"));
    if (!wants_samples && !page->wants_checks && page->begin == NULL && !wants_audit) {
        reply_page(&visit, NULL);
        return;
    }
    struct weft_admin_visit *kept = weft_alloc(sizeof *kept);
    *kept = visit;
    struct weft_gather *gather = weft_gather_new(on_gathered, kept);
    gather->wants_samples = wants_samples;
    gather->wants_checks = page->wants_checks;
    gather->wants_audit = wants_audit;
    if (wants_audit && weft_ledger_snapshot_take(server->source.ledger, &kept->before) != WEFT_OK) {
        kept->before = (struct weft_ledger_snapshot){ 0 }; /* not exact: in_transit is not looked at this time */
    }
    if (!prepare(kept, match->below, query, gather)) {
        weft_ledger_snapshot_fini(&kept->before);
        weft_free(kept);
        weft_gather_free(gather);
        return;
    }
    server->gathers_under_way++;
    server->source.gather(server->source.agent, gather);
}

/* The last ones are questions: they are answered on sockets that are the owner's alone. */
static const struct weft_http1_route rows[] = {
    { .path = "/metrics", .methods = WEFT_HTTP1_GET, .on_request = visit_page, .subject = &metrics_page },
    { .path = "/v1/ledger", .methods = WEFT_HTTP1_GET, .on_request = visit_page, .subject = &ledger_page },
    { .path = "/health", .methods = WEFT_HTTP1_GET, .on_request = visit_page, .subject = &health_page },
    { .path = "/ready", .methods = WEFT_HTTP1_GET, .on_request = visit_page, .subject = &ready_page },
    { .path = "/v1/traces/",
      .is_tree = true,
      .methods = WEFT_HTTP1_GET,
      .on_request = visit_page,
      .subject = &weft_trace_page },
    { .path = "/v1/drops", .methods = WEFT_HTTP1_GET, .on_request = visit_page, .subject = &weft_drops_page },
};
enum { QUESTION_ROWS = 2 };

static void on_refused(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    const struct weft_telemetry_server *server = context;
    if (code == 405) {
        reply_error(exchange, code, "METHOD_NOT_ALLOWED", "only GET and HEAD are answered here", NULL, headers);
        return;
    }
    reply_error(exchange, code, "NOT_FOUND", "no such page",
                server->settings.answers_questions
                    ? "Pages: /metrics, /v1/ledger, /v1/traces/{word}, /v1/drops, /health, /ready"
                    : "Pages: /metrics, /v1/ledger, /health, /ready",
                headers);
}

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    const struct weft_telemetry_server *server = context;
    struct weft_http1_routes routes = { .rows = rows,
                                        .count = WEFT_COUNT_OF(rows) -
                                                 (server->settings.answers_questions ? 0 : QUESTION_ROWS),
                                        .on_refused = on_refused };
    struct weft_http1_match match = weft_http1_routes_find(&routes, exchange, request);
    weft_http1_routes_serve(&routes, &match, context, exchange, request);
}

void weft_telemetry_server_new_on(const struct weft_net_context *net,
                                  const struct weft_telemetry_server_settings *settings,
                                  const struct weft_admin_source *source, int listening_descriptor,
                                  struct weft_telemetry_server **out_server)
{
    struct weft_telemetry_server *server = weft_alloc(sizeof *server);
    server->settings = *settings;
    server->source = *source;
    server->budget = net->budget;
    struct weft_http1_server_settings http_settings = { .wants_body = weft_http1_routes_want_no_body,
                                                        .always_admits = true };
    server->http = weft_http1_server_new(net, &http_settings, on_request, server, NULL);
    weft_http1_server_listen(server->http, listening_descriptor);
    *out_server = server;
}

enum weft_status weft_telemetry_server_new(const struct weft_net_context *net,
                                           const struct weft_telemetry_server_settings *settings,
                                           const struct weft_admin_source *source,
                                           struct weft_telemetry_server **out_server, struct weft_error *error)
{
    struct weft_endpoint endpoint = { .port = settings->port };
    snprintf(endpoint.host, sizeof endpoint.host, "%s", settings->host);
    int descriptor = -1;
    enum weft_status status = weft_listen(&endpoint, WEFT_TELEMETRY_BACKLOG, &descriptor, error);
    if (status == WEFT_OK) {
        weft_log(INFO, "telemetry.listening", "metrics and health are shown", WEFT_LOG_STRING("host", settings->host),
                 WEFT_LOG_INT("port", settings->port));
        weft_telemetry_server_new_on(net, settings, source, descriptor, out_server);
    }
    return status;
}

void weft_telemetry_server_free(struct weft_telemetry_server *server)
{
    weft_http1_server_free(server->http);
    weft_assert(server->gathers_under_way == 0);
    weft_free(server);
}
