/* Exporter `prometheus`: shows the last value of each series to whoever scrapes /metrics.
 *
 * The port and the series live on worker 0. A batch that another worker holds is lent to worker 0, which reads it and
 * sends it back with what became of its data points; so all that arrives for a series meets in one place, by whichever
 * connection it came. Data points count as sent as soon as they are in the table: a scrape asks for the last ones, not
 * for each. */
#include "weft/component.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "exporters/prometheus_config.h"
#include "exporters/prometheus_server.h"
#include "pipeline/exporter.h"
#include "pipeline/mail.h"

enum { BACKLOG = 64, LENT_BYTES_MAX = 32 << 20 };

WEFT_MAGIC(prometheus_loan, 0x9407e10a);

/* What the workers have in common. instance and gone_reason are worker 0's and looked at there only. */
struct shared {
    struct weft_shared_listeners listeners; /* of one */
    struct weft_listener listener;
    struct weft_tls_context *tls;
    struct prometheus_exporter *instance;
    enum weft_drop_reason gone_reason; /* why what comes when there is none any more finds nobody */
};

struct prometheus_exporter {
    struct weft_consumer consumer;
    const struct weft_prometheus_config *config;
    struct shared *shared;
    weft_flow_id flows[WEFT_PROMETHEUS_FATES];
    weft_flow_id shutdown_flow, reload_flow; /* what found nobody */
    uint64_t counts[WEFT_PROMETHEUS_FATES];
    uint64_t lent_records;
    size_t lent_bytes;
    uint64_t lent_batches;      /* so far */
    struct weft_buffer request; /* scratch: a batch in one piece */
    /* worker 0 */
    struct weft_prometheus_table *table;
    struct weft_prometheus_server *server;
    struct weft_prometheus_label *const_labels;
    struct weft_buffer target_info_name;
};

/* A batch on its way to worker 0 and back. */
struct loan {
    struct weft_message message;
    uint32_t magic;
    struct prometheus_exporter *home;
    struct shared *shared;
    struct weft_post *post;
    uint32_t home_index;
    struct weft_batch *batch;
    bool was_taken;
    enum weft_drop_reason gone_reason; /* if it was not */
    uint64_t fates[WEFT_PROMETHEUS_FATES];
};

static const enum weft_drop_reason reasons[WEFT_PROMETHEUS_FATES] = {
    [WEFT_PROMETHEUS_SUPERSEDED] = WEFT_DROP_SUPERSEDED,
    [WEFT_PROMETHEUS_INVALID] = WEFT_DROP_INVALID,
    [WEFT_PROMETHEUS_FULL] = WEFT_DROP_SERIES_LIMIT,
    [WEFT_PROMETHEUS_NO_MEMORY] = WEFT_DROP_OUT_OF_MEMORY,
};

/* ---- what workers share ---- */

static void free_shared(void *untyped)
{
    struct shared *shared = untyped;
    weft_assert(shared->instance == NULL);
    weft_listener_close(&shared->listener);
    weft_tls_context_free(shared->tls);
    weft_free(shared);
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct weft_prometheus_config *config = untyped;
    return config->has_tls ? weft_tls_config_try(&config->tls, true, error) : WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    const struct weft_prometheus_config *config = untyped;
    (void)budget;
    struct shared *shared = weft_alloc(sizeof *shared);
    struct weft_endpoint endpoint;
    shared->listener.descriptor = -1;
    shared->gone_reason = WEFT_DROP_SHUTDOWN;
    shared->listeners = (struct weft_shared_listeners){ .items = &shared->listener, .count = 1 };
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &endpoint, error);
    if (status == WEFT_OK && config->has_tls) {
        status = weft_tls_config_open(&config->tls, true, "http/1.1", false, &shared->tls, error);
    }
    if (status == WEFT_OK) {
        status = weft_listener_open(&endpoint, BACKLOG, &shared->listener, error);
    }
    if (status != WEFT_OK) {
        free_shared(shared);
        return status;
    }
    weft_log(INFO, "exporter.listening", "metrics are shown", WEFT_LOG_STRING("exporter", id),
             WEFT_LOG_STRING("endpoint", config->endpoint), WEFT_LOG_STRING("tls", config->has_tls ? "on" : "off"));
    *out_shared = shared;
    return WEFT_OK;
}

static enum weft_status renew(void *untyped, struct weft_error *error)
{
    struct shared *shared = untyped;
    return weft_tls_context_renew(shared->tls, error);
}

static void end_renewal(void *untyped, bool is_used)
{
    struct shared *shared = untyped;
    weft_tls_context_end_renewal(shared->tls, is_used);
}

/* ---- taking batches ---- */

static const struct weft_consumer_operations prometheus_operations;

static struct prometheus_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &prometheus_operations);
    return WEFT_CONTAINER_OF(consumer, struct prometheus_exporter, consumer);
}

static bool is_whole(const struct weft_batch *batch)
{
    for (size_t i = 0; i < batch->part_count; i++) {
        if (batch->parts[i].is_open) {
            return false;
        }
    }
    return true;
}

/* Worker 0. The batch, which may be another worker's, is only read. */
static void read_batch(struct prometheus_exporter *exporter, const struct weft_batch *batch,
                       uint64_t out_fates[WEFT_PROMETHEUS_FATES])
{
    struct weft_slice request;
    if (is_whole(batch)) {
        for (size_t i = 0; i < batch->part_count; i++) {
            weft_prometheus_table_take(exporter->table, weft_payload_slice(batch->parts[i].payload), out_fates);
        }
    } else if (weft_exporter_flatten(batch, &exporter->request, &request, NULL) == WEFT_OK) {
        weft_prometheus_table_take(exporter->table, request, out_fates);
    } else {
        out_fates[WEFT_PROMETHEUS_NO_MEMORY] += batch->weight;
    }
}

/* The client is told that all is well, also of what was dropped: to come again with the same would not help. */
static void settle(struct prometheus_exporter *exporter, struct weft_batch **own_batch,
                   const uint64_t fates[WEFT_PROMETHEUS_FATES])
{
    struct weft_host *host = exporter->consumer.host;
    uint64_t dropped = 0;
    for (size_t i = WEFT_PROMETHEUS_SUPERSEDED; i < WEFT_PROMETHEUS_FATES; i++) {
        dropped += fates[i];
        exporter->counts[i] += fates[i];
        if (fates[i] > 0) {
            weft_host_drop_some(host, exporter->flows[i], *own_batch, fates[i]);
        }
    }
    weft_assert(fates[WEFT_PROMETHEUS_TAKEN] + dropped == (*own_batch)->weight);
    exporter->counts[WEFT_PROMETHEUS_TAKEN] += fates[WEFT_PROMETHEUS_TAKEN];
    weft_host_book(host, exporter->flows[WEFT_PROMETHEUS_TAKEN], fates[WEFT_PROMETHEUS_TAKEN]);
    weft_batch_end(own_batch, NULL, -1);
}

static struct loan *loan_of(struct weft_message *message)
{
    struct loan *loan = WEFT_CONTAINER_OF(message, struct loan, message);
    weft_check_magic(loan, prometheus_loan);
    return loan;
}

static void update_openness(struct prometheus_exporter *exporter)
{
    weft_consumer_set_open(&exporter->consumer, exporter->lent_bytes < LENT_BYTES_MAX);
}

static void loan_came_back(struct weft_message *message)
{
    struct loan *loan = loan_of(message);
    struct prometheus_exporter *exporter = loan->home;
    struct weft_batch *batch = loan->batch;
    weft_assert(weft_host_is_here(exporter->consumer.host) && exporter->lent_records >= batch->weight);
    batch->is_lent = false;
    exporter->lent_records -= batch->weight;
    exporter->lent_bytes -= batch->size_bytes;
    if (loan->was_taken) {
        settle(exporter, &batch, loan->fates);
    } else {
        bool is_reload = loan->gone_reason == WEFT_DROP_RELOAD;
        weft_consumer_drop(&exporter->consumer, &batch, is_reload ? exporter->reload_flow : exporter->shutdown_flow,
                           loan->gone_reason, NULL);
    }
    weft_budget_release(exporter->consumer.host->budget, sizeof *loan);
    weft_clear_magic(loan, prometheus_loan);
    weft_free(loan);
    update_openness(exporter);
}

static void loan_came(struct weft_message *message)
{
    struct loan *loan = loan_of(message);
    struct prometheus_exporter *exporter = loan->shared->instance;
    loan->was_taken = exporter != NULL;
    loan->gone_reason = loan->shared->gone_reason;
    if (exporter != NULL) {
        weft_assert(weft_host_is_here(exporter->consumer.host));
        read_batch(exporter, loan->batch, loan->fates);
    }
    loan->message.on_delivered = loan_came_back;
    loan->post->send(loan->post, 0, loan->home_index, &loan->message);
}

static enum weft_status lend(struct prometheus_exporter *exporter, struct weft_batch **own_batch,
                             struct weft_error *error)
{
    struct weft_host *host = exporter->consumer.host;
    struct loan *loan = weft_try_alloc(sizeof *loan);
    if (loan == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to lend a batch");
    }
    struct weft_batch *batch = *own_batch;
    *own_batch = NULL;
    weft_budget_charge(host->budget, sizeof *loan);
    weft_set_magic(loan, prometheus_loan);
    loan->message.on_delivered = loan_came;
    loan->home = exporter;
    loan->shared = exporter->shared;
    loan->post = host->post;
    loan->home_index = host->worker_index;
    loan->batch = batch;
    weft_host_book(host, batch->outlet_flow, batch->weight);
    exporter->lent_records += batch->weight;
    exporter->lent_bytes += batch->size_bytes;
    exporter->lent_batches++;
    weft_batch_hand_over(batch, 0);
    batch->is_lent = true;
    host->post->send(host->post, host->worker_index, 0, &loan->message);
    update_openness(exporter);
    return WEFT_OK;
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct prometheus_exporter *exporter = exporter_of(consumer);
    uint64_t fates[WEFT_PROMETHEUS_FATES] = { 0 };
    weft_check_magic(*own_batch, batch);
    if (!consumer->is_open) {
        return weft_fail(error, WEFT_CLOSED, "%s: worker 0 has not taken what was lent to it", consumer->id);
    }
    if (exporter->table == NULL) {
        return lend(exporter, own_batch, error);
    }
    read_batch(exporter, *own_batch, fates);
    weft_host_book(consumer->host, (*own_batch)->outlet_flow, (*own_batch)->weight);
    settle(exporter, own_batch, fates);
    return WEFT_OK;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    *in_out_count += exporter_of(consumer)->lent_records;
}

/* What is lent comes back in any case. */
static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct prometheus_exporter *exporter = exporter_of(consumer);
    (void)is_forced;
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    if (exporter->table != NULL) {
        exporter->shared->gone_reason = reason;
    }
    if (exporter->server != NULL) {
        weft_prometheus_server_drain(exporter->server);
    }
}

/* ---- life cycle ---- */

static void exporter_free(struct weft_consumer *consumer)
{
    struct prometheus_exporter *exporter = exporter_of(consumer);
    weft_assert(exporter->lent_records == 0);
    if (exporter->table != NULL && exporter->shared->instance == exporter) { /* the table: it is worker 0's */
        exporter->shared->instance = NULL;
    }
    if (exporter->server != NULL) {
        weft_prometheus_server_free(exporter->server);
    }
    if (exporter->table != NULL) {
        weft_prometheus_table_free(exporter->table);
    }
    weft_buffer_fini(&exporter->request);
    weft_buffer_fini(&exporter->target_info_name);
    weft_free(exporter->const_labels);
    weft_consumer_fini(consumer);
    weft_free(exporter);
}

static const struct weft_consumer_operations prometheus_operations = {
    .consume = consume,
    .audit = audit,
    .drain = drain,
    .free = exporter_free,
};

static void name_target_info(struct prometheus_exporter *exporter, const struct weft_prometheus_naming *naming)
{
    struct weft_buffer *name = &exporter->target_info_name;
    if (naming->name_space.length > 0 && weft_prometheus_put_label_name(naming, "", naming->name_space, name)) {
        weft_buffer_append_byte(name, '_');
    }
    weft_buffer_append_text(name, "target_info");
}

static enum weft_status open_table(struct prometheus_exporter *exporter, struct weft_error *error)
{
    const struct weft_prometheus_config *config = exporter->config;
    struct weft_prometheus_settings settings = {
        .naming = weft_prometheus_config_naming(config),
        .const_label_count = config->const_labels.count,
        .leaves_out_scope = config->without_scope_info,
        .converts_resource = config->conversion.enabled,
        .excludes_service = config->conversion.exclude_service_attributes,
        .keeps_exemplars = config->enable_open_metrics,
        .expiration_ns = config->metric_expiration.ns,
        .max_series = config->max_series,
        .max_bytes = config->max_series_bytes,
        .max_page_bytes = config->max_page_bytes / 4 * 3, /* the rest is for heads and targets */
    };
    exporter->const_labels = weft_alloc((config->const_labels.count + 1) * sizeof *exporter->const_labels);
    for (size_t i = 0; i < config->const_labels.count; i++) {
        const struct weft_config_map_entry *entry = &config->const_labels.entries[i];
        exporter->const_labels[i] =
            (struct weft_prometheus_label){ weft_slice_of_text(entry->key), weft_slice_of_text(entry->value) };
    }
    settings.const_labels = exporter->const_labels;
    name_target_info(exporter, &settings.naming);
    settings.target_info_name = weft_buffer_slice(&exporter->target_info_name);
    exporter->table =
        weft_prometheus_table_try_new(&settings, exporter->consumer.host->timers, exporter->consumer.host->budget);
    return exporter->table != NULL ? WEFT_OK : weft_fail(error, WEFT_NOMEM, "no memory for a table of series");
}

/* A socket of its own on the same port, which the server closes. */
static enum weft_status open_server(struct prometheus_exporter *exporter, struct weft_authenticator *authenticator,
                                    struct weft_error *error)
{
    const struct weft_prometheus_config *config = exporter->config;
    if (exporter->consumer.host->net == NULL) {
        return WEFT_OK;
    }
    int descriptor = fcntl(exporter->shared->listener.descriptor, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) {
        return weft_fail(error, WEFT_IO, "%s: no descriptor is left", exporter->consumer.id);
    }
    struct weft_prometheus_server_settings settings = {
        .host = exporter->consumer.host,
        .table = exporter->table,
        .tls = exporter->shared->tls,
        .authenticator = authenticator,
        .headers = &config->response_headers.map,
        .has_open_metrics = config->enable_open_metrics,
        .sends_timestamps = config->send_timestamps,
        .max_connections = (uint32_t)config->max_connections,
        .max_page_bytes = config->max_page_bytes,
        .id = exporter->consumer.id,
    };
    exporter->server = weft_prometheus_server_new(&settings, descriptor);
    return WEFT_OK;
}

static void register_flows(struct prometheus_exporter *exporter)
{
    exporter->flows[WEFT_PROMETHEUS_TAKEN] = weft_exporter_sent_flow(&exporter->consumer);
    for (size_t i = WEFT_PROMETHEUS_SUPERSEDED; i < WEFT_PROMETHEUS_FATES; i++) {
        exporter->flows[i] = weft_consumer_drop_flow(&exporter->consumer, reasons[i]);
    }
    exporter->shutdown_flow = weft_consumer_drop_flow(&exporter->consumer, WEFT_DROP_SHUTDOWN);
    exporter->reload_flow = weft_consumer_drop_flow(&exporter->consumer, WEFT_DROP_RELOAD);
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    struct prometheus_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &prometheus_operations, setup->host, setup->id);
    exporter->config = setup->config;
    exporter->shared = setup->shared;
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    weft_buffer_init(&exporter->request, 0);
    weft_buffer_init(&exporter->target_info_name, 0);
    register_flows(exporter);
    if (setup->host->worker_index == 0) {
        enum weft_status status = open_table(exporter, error);
        if (status == WEFT_OK) {
            status = open_server(exporter, exporter->config->has_auth ? setup->authenticators[0] : NULL, error);
        }
        if (status != WEFT_OK) {
            exporter_free(&exporter->consumer);
            return status;
        }
        weft_assert(exporter->shared->instance == NULL);
        exporter->shared->instance = exporter;
    }
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct prometheus_exporter *exporter = exporter_of(consumer);
    const struct weft_sample_label *labels = WEFT_LABELS({ "exporter", consumer->id });
    const uint64_t *counts = exporter->counts;
    weft_exporter_collect(consumer, WEFT_METRICS,
                          &(struct weft_sender_counters){ .sent = counts[WEFT_PROMETHEUS_TAKEN] }, samples);
    for (size_t i = WEFT_PROMETHEUS_SUPERSEDED; i < WEFT_PROMETHEUS_FATES; i++) {
        weft_samples_add(samples, "weft_exporter_prometheus_dropped", "Data points that are not shown",
                         WEFT_SAMPLE_COUNTER, (double)counts[i],
                         WEFT_LABELS({ "exporter", consumer->id }, { "reason", weft_drop_reason_text(reasons[i]) }));
    }
    weft_samples_add(samples, "weft_exporter_prometheus_lent_batches", "Batches that another worker was asked to read",
                     WEFT_SAMPLE_COUNTER, (double)exporter->lent_batches, labels);
    if (exporter->table != NULL) {
        weft_samples_add(samples, "weft_exporter_prometheus_series", "Series that are held", WEFT_SAMPLE_GAUGE,
                         (double)weft_prometheus_table_count(exporter->table), labels);
        weft_samples_add(samples, "weft_exporter_prometheus_series_bytes", "Memory of the series", WEFT_SAMPLE_GAUGE,
                         (double)weft_prometheus_table_size_bytes(exporter->table), labels);
        weft_samples_add(samples, "weft_exporter_prometheus_series_expired", "Series that were not heard of any more",
                         WEFT_SAMPLE_COUNTER, (double)weft_prometheus_table_expired(exporter->table), labels);
    }
    if (exporter->server != NULL) {
        weft_prometheus_server_collect(exporter->server, samples);
    }
}

static enum weft_holding explain(const void *config, struct weft_buffer *out)
{
    (void)config;
    weft_buffer_append_text(out, "holds the last value of each series until metric_expiration");
    return WEFT_HOLDS_LAST_VALUE;
}

const struct weft_component weft_exporter_prometheus = {
    .kind = WEFT_EXPORTER,
    .type = "prometheus",
    .signals = WEFT_SIGNAL_BIT_METRICS,
    .help = "Shows metrics to who scrapes them, in Prometheus's format.",
    .fields = weft_prometheus_config_fields,
    .config_size = sizeof(struct weft_prometheus_config),
    .validate = weft_prometheus_config_validate,
    .auth_needs = weft_prometheus_config_auth_needs,
    .try_files = try_files,
    .reach = weft_prometheus_config_reach,
    .explain = explain,
    .share = share,
    .has_listeners = true,
    .unshare = free_shared,
    .renew = renew,
    .end_renewal = end_renewal,
    .create_consumer = create,
    .collect = collect,
};
