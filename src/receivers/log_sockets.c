/* Sockets that log lines are written to (log_sockets.h). A connection of the server (net/stream_server.h) with a stream
 * of lines (log_stream.h). Who goes for memory is said here: among those with an unfinished line, who was silent for
 * longest. */
#include "receivers/log_sockets.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/magic.h"
#include "net/stream_server.h"
#include "receivers/log_stream.h"

struct log_sockets {
    struct weft_log_inlet base;
    const struct weft_log_sockets_config *config;
    struct weft_stream_server *server;
    struct weft_list buffered; /* who has an unfinished line; who was silent for longest first */
    uint64_t cut;
};

WEFT_MAGIC(log_connection, 0x10c0cc7e);

struct log_connection {
    uint32_t magic;
    struct weft_stream_connection base;
    struct log_sockets *sockets;
    struct weft_log_stream stream;
    struct weft_list buffered_node; /* while its socket is open */
};

static const struct weft_otlp_inlet_operations tcp_operations;
static const struct weft_otlp_inlet_operations unix_operations;

static struct log_sockets *sockets_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &tcp_operations || inlet->operations == &unix_operations);
    return WEFT_CONTAINER_OF(inlet, struct log_sockets, base.inlet);
}

static struct log_connection *connection_of(const struct weft_stream_connection *base)
{
    struct log_connection *connection = WEFT_CONTAINER_OF(base, struct log_connection, base);
    weft_check_magic(connection, log_connection);
    return connection;
}

/* ---- connections ---- */

static void on_changed(struct weft_log_stream *stream)
{
    weft_stream_connection_attend(&WEFT_CONTAINER_OF(stream, struct log_connection, stream)->base);
}

static struct weft_stream_connection *connection_open(void *context)
{
    struct log_connection *connection = weft_alloc(sizeof *connection);
    weft_set_magic(connection, log_connection);
    connection->sockets = context;
    weft_list_init(&connection->buffered_node);
    weft_log_stream_init(&connection->stream, &connection->sockets->base, on_changed);
    return &connection->base;
}

static void connection_free(struct weft_stream_connection *base)
{
    struct log_connection *connection = connection_of(base);
    weft_list_remove(&connection->buffered_node);
    weft_log_stream_fini(&connection->stream);
    weft_clear_magic(connection, log_connection);
    weft_free(connection);
}

static bool wants_more(const struct weft_stream_connection *base)
{
    return weft_log_stream_wants_more(&connection_of(base)->stream);
}

static uint8_t *room(struct weft_stream_connection *base, size_t *out_capacity)
{
    return weft_log_stream_room(&connection_of(base)->stream, out_capacity);
}

/* True: a line has ended. */
static bool take(struct weft_stream_connection *base, size_t length)
{
    struct log_connection *connection = connection_of(base);
    size_t kept = connection->stream.length;
    weft_log_stream_take(&connection->stream, length);
    if (length > 0) {
        weft_list_remove(&connection->buffered_node);
    }
    if (length > 0 && connection->stream.length > 0) {
        weft_list_push_back(&connection->sockets->buffered, &connection->buffered_node);
    }
    return connection->stream.length < kept + length;
}

static bool is_midway(const struct weft_stream_connection *base)
{
    return connection_of(base)->stream.length > 0;
}

static void on_ended(struct weft_stream_connection *base)
{
    struct log_connection *connection = connection_of(base);
    weft_list_remove(&connection->buffered_node);
    weft_log_stream_end(&connection->stream);
}

/* What was read is offered once; what was not stays in the sockets. */
static void on_drained(struct weft_stream_connection *base)
{
    struct log_connection *connection = connection_of(base);
    weft_list_remove(&connection->buffered_node);
    weft_log_stream_drain(&connection->stream);
}

static bool is_done(const struct weft_stream_connection *base)
{
    return weft_log_stream_is_done(&connection_of(base)->stream);
}

/* Unfinished lines take no more memory than they may: whoever has not moved for longest is cut off. */
static void keep_to_limit(void *context)
{
    struct log_sockets *sockets = context;
    while (sockets->base.buffered_bytes > sockets->config->max_buffered_bytes &&
           !weft_list_is_empty(&sockets->buffered)) {
        struct weft_list *node = weft_list_first(&sockets->buffered);
        sockets->cut++;
        weft_stream_connection_end(&WEFT_CONTAINER_OF(node, struct log_connection, buffered_node)->base);
    }
}

static const struct weft_stream_operations stream_operations = {
    .open = connection_open,
    .wants_more = wants_more,
    .room = room,
    .take = take,
    .is_midway = is_midway,
    .on_read = keep_to_limit,
    .on_ended = on_ended,
    .on_drained = on_drained,
    .is_done = is_done,
    .free = connection_free,
};

/* ---- the inlet ---- */

static void adopt(struct weft_otlp_inlet *inlet, int descriptor)
{
    weft_stream_server_adopt(sockets_of(inlet)->server, descriptor);
}

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    struct log_sockets *sockets = sockets_of(inlet);
    sockets->base.is_reading = is_reading && weft_otlp_ingest_is_open(inlet->ingest);
    weft_stream_server_set_reading(sockets->server, sockets->base.is_reading);
}

static void drain(struct weft_otlp_inlet *inlet)
{
    struct log_sockets *sockets = sockets_of(inlet);
    sockets->base.is_draining = true;
    weft_stream_server_drain(sockets->server);
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    return weft_stream_server_connection_count(sockets_of(inlet)->server);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    const struct log_sockets *sockets = sockets_of(inlet);
    const struct weft_stream_server_counters *counters = weft_stream_server_read_counters(sockets->server);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", inlet->operations->transport });
    weft_log_inlet_collect(&sockets->base, samples);
    weft_samples_add(samples, "weft_log_sockets_connections", "Connections for log lines", WEFT_SAMPLE_GAUGE,
                     (double)connection_count(inlet), labels);
#define COLLECT_COUNTER(name, help) \
    weft_samples_add(samples, "weft_log_sockets_" #name, help, WEFT_SAMPLE_COUNTER, (double)counters->name, labels);
    WEFT_STREAM_SERVER_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
    weft_samples_add(samples, "weft_log_sockets_cut",
                     "Connections closed because unfinished lines took too much memory", WEFT_SAMPLE_COUNTER,
                     (double)sockets->cut, labels);
    weft_samples_add(samples, "weft_log_sockets_buffered_bytes", "Memory of unfinished lines", WEFT_SAMPLE_GAUGE,
                     (double)sockets->base.buffered_bytes, labels);
}

static void sockets_free(struct weft_otlp_inlet *inlet)
{
    struct log_sockets *sockets = sockets_of(inlet);
    weft_stream_server_free(sockets->server);
    weft_log_inlet_fini(&sockets->base);
    weft_free(sockets);
}

#define OPERATIONS(name)                                                                                   \
    {                                                                                                      \
        .transport = (name), .answer = weft_log_stream_answer, .adopt = adopt, .set_reading = set_reading, \
        .drain = drain, .connection_count = connection_count, .collect = collect, .free = sockets_free,    \
    }

static const struct weft_otlp_inlet_operations tcp_operations = OPERATIONS("tcp");
static const struct weft_otlp_inlet_operations unix_operations = OPERATIONS("unix");

struct weft_otlp_inlet *weft_log_sockets_new(struct weft_otlp_ingest *ingest, bool is_unix,
                                             const struct weft_log_sockets_config *config,
                                             const struct weft_log_line_settings *settings,
                                             struct weft_tls_context *tls)
{
    struct log_sockets *sockets = weft_alloc(sizeof *sockets);
    weft_log_inlet_init(&sockets->base, is_unix ? &unix_operations : &tcp_operations, ingest, settings);
    sockets->config = config;
    sockets->server = weft_stream_server_new(
        ingest->host->net,
        &(struct weft_stream_server_settings){
            .max_connections = weft_host_share(ingest->host, config->max_connections),
            .max_connections_per_address = weft_host_share(ingest->host, config->max_connections_per_address),
            .operations = &stream_operations,
            .context = sockets,
            .tls = tls,
        });
    weft_list_init(&sockets->buffered);
    return &sockets->base.inlet;
}
