/* Sockets that log lines are written to (log_sockets.h). A connection is a stream (log_stream.h) and a socket; who goes
 * for a new connection is said in net/guests.h, and for memory, among those with an unfinished line, who was silent for
 * longest. A connection that has ended stays until its last lines are taken. */
#include "receivers/log_sockets.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/guests.h"
#include "net/loop.h"
#include "net/transport.h"
#include "receivers/log_stream.h"

enum { READS_PER_TICK = 4 };

struct log_sockets {
    struct weft_log_inlet base;
    const struct weft_log_sockets_config *config;
    struct weft_tls_context *tls;
    struct weft_guests guests;
    struct weft_list open;
    struct weft_list buffered; /* of these who has an unfinished line; who was silent for longest first */
    struct weft_list ended;    /* without a socket, with lines that are not taken yet */
    size_t open_count, ended_count;
    uint64_t accepted, evicted, refused, cut;
};

WEFT_MAGIC(log_connection, 0x10c0cc7e);

struct log_connection {
    uint32_t magic;
    struct log_sockets *sockets;
    struct weft_log_stream stream;
    struct weft_transport *transport; /* NULL: it has ended */
    struct weft_watch *watch;
    struct weft_deferred deferred;
    struct weft_list node; /* in open or ended */
    struct weft_list buffered_node;
    struct weft_guest guest;
    bool is_shaking_hands;
    bool has_spoken; /* something came from it */
    bool has_lines;  /* a whole line has */
};

static const struct weft_otlp_inlet_operations tcp_operations;
static const struct weft_otlp_inlet_operations unix_operations;

static struct log_sockets *sockets_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &tcp_operations || inlet->operations == &unix_operations);
    return WEFT_CONTAINER_OF(inlet, struct log_sockets, base.inlet);
}

static struct log_connection *connection_of(struct weft_list *node)
{
    struct log_connection *connection = WEFT_CONTAINER_OF(node, struct log_connection, node);
    weft_check_magic(connection, log_connection);
    return connection;
}

static void attend(struct log_connection *connection)
{
    weft_loop_defer(connection->sockets->base.inlet.ingest->host->net->loop, &connection->deferred);
}

static void rank(struct log_connection *connection)
{
    const struct weft_log_stream *stream = &connection->stream;
    enum weft_guest_standing standing = connection->has_spoken ? WEFT_GUEST_NEW : WEFT_GUEST_SILENT;
    if (connection->transport == NULL ||
        (!connection->is_shaking_hands && stream->owner->is_reading && !weft_log_stream_wants_more(stream))) {
        standing = WEFT_GUEST_SERVED;
    } else if (connection->has_lines) {
        standing = stream->length > 0 ? WEFT_GUEST_BUSY : WEFT_GUEST_IDLE;
    } else if (stream->length > 0) {
        standing = WEFT_GUEST_TRYING;
    }
    weft_guest_stand(&connection->guest, standing);
}

/* ---- ends ---- */

static void connection_free(struct log_connection *connection)
{
    struct log_sockets *sockets = connection->sockets;
    *(connection->transport != NULL ? &sockets->open_count : &sockets->ended_count) -= 1;
    weft_guests_leave(&connection->guest);
    weft_list_remove(&connection->node);
    weft_list_remove(&connection->buffered_node);
    weft_deferred_cancel(&connection->deferred);
    weft_watch_free(connection->watch);
    if (connection->transport != NULL) {
        weft_transport_free(connection->transport);
    }
    weft_log_stream_fini(&connection->stream);
    weft_clear_magic(connection, log_connection);
    weft_free(connection);
}

/* The socket goes; what came by it is taken to its end. */
static void close_socket(struct log_connection *connection)
{
    struct log_sockets *sockets = connection->sockets;
    weft_assert(connection->transport != NULL);
    weft_watch_free(connection->watch);
    connection->watch = NULL;
    weft_transport_free(connection->transport);
    connection->transport = NULL;
    weft_list_remove(&connection->buffered_node);
    weft_list_remove(&connection->node);
    weft_list_push_back(&sockets->ended, &connection->node);
    sockets->open_count--;
    sockets->ended_count++;
    rank(connection);
    attend(connection);
}

static void end(struct log_connection *connection)
{
    close_socket(connection);
    weft_log_stream_end(&connection->stream);
}

/* ---- reading ---- */

static void note_progress(struct log_connection *connection, size_t bytes, bool has_line)
{
    struct log_sockets *sockets = connection->sockets;
    connection->has_spoken |= bytes > 0;
    connection->has_lines |= has_line;
    rank(connection);
    weft_guest_progress(&connection->guest, bytes);
    if (has_line) {
        weft_guest_touch(&connection->guest);
    }
    weft_list_remove(&connection->buffered_node);
    if (connection->stream.length > 0) {
        weft_list_push_back(&sockets->buffered, &connection->buffered_node);
    }
}

/* Unfinished lines take no more memory than they may: whoever has not moved for longest is cut off. */
static void keep_to_limit(struct log_sockets *sockets)
{
    while (sockets->base.buffered_bytes > sockets->config->max_buffered_bytes &&
           !weft_list_is_empty(&sockets->buffered)) {
        struct weft_list *node = weft_list_first(&sockets->buffered);
        sockets->cut++;
        end(WEFT_CONTAINER_OF(node, struct log_connection, buffered_node));
    }
}

/* False: nothing more to read now. */
static bool read_some(struct log_connection *connection)
{
    size_t capacity = 0, length = 0, kept = 0;
    uint8_t *room = weft_log_stream_room(&connection->stream, &capacity);
    if (room == NULL) {
        return false;
    }
    switch (weft_transport_read(connection->transport, room, capacity, &length)) {
    case WEFT_IO_DONE:
        kept = connection->stream.length;
        weft_log_stream_take(&connection->stream, length);
        note_progress(connection, length, connection->stream.length < kept + length);
        return true;
    case WEFT_IO_AGAIN:
        weft_log_stream_take(&connection->stream, 0);
        return false;
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        end(connection);
        return false;
    }
    return false;
}

static void read_more(struct log_connection *connection)
{
    for (int i = 0; i < READS_PER_TICK; i++) {
        if (!weft_log_stream_wants_more(&connection->stream) || !read_some(connection)) {
            break;
        }
    }
    keep_to_limit(connection->sockets);
}

static void shake_hands(struct log_connection *connection)
{
    enum weft_io_result result = weft_transport_handshake(connection->transport);
    connection->has_spoken |= weft_transport_has_heard(connection->transport);
    rank(connection);
    switch (result) {
    case WEFT_IO_DONE:
        connection->is_shaking_hands = false;
        note_progress(connection, 0, false);
        break;
    case WEFT_IO_AGAIN:
        break;
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        end(connection);
        break;
    }
}

static void update_interest(struct log_connection *connection)
{
    unsigned interest = weft_transport_interest(connection->transport);
    if (!connection->is_shaking_hands && !weft_log_stream_wants_more(&connection->stream)) {
        interest = 0;
    } else if (interest == 0) {
        interest = WEFT_READABLE;
    }
    weft_watch_set_interest(connection->watch, interest);
}

static void on_ready(void *context, unsigned readiness)
{
    struct log_connection *connection = context;
    weft_check_magic(connection, log_connection);
    (void)readiness;
    if (connection->is_shaking_hands) {
        shake_hands(connection);
    } else {
        read_more(connection);
    }
    attend(connection);
}

/* At the end of a tick: what a connection waits for, or its end. */
static void run_deferred(void *context)
{
    struct log_connection *connection = context;
    weft_check_magic(connection, log_connection);
    if (connection->transport == NULL) {
        if (weft_log_stream_is_done(&connection->stream)) {
            connection_free(connection);
        }
        return;
    }
    rank(connection);
    update_interest(connection);
    if (!connection->is_shaking_hands && weft_log_stream_wants_more(&connection->stream) &&
        weft_transport_has_buffered(connection->transport)) {
        read_more(connection);
        attend(connection);
    }
}

static void on_changed(struct weft_log_stream *stream)
{
    attend(WEFT_CONTAINER_OF(stream, struct log_connection, stream));
}

/* ---- the inlet ---- */

static void make_way(struct weft_guest *guest)
{
    struct log_connection *connection = WEFT_CONTAINER_OF(guest, struct log_connection, guest);
    weft_check_magic(connection, log_connection);
    connection->sockets->evicted++;
    end(connection);
    if (weft_log_stream_is_done(&connection->stream)) {
        connection_free(connection);
    }
}

/* Those that have ended and wait for the pipelines take places, too, and cannot be hurried. */
static bool admit(struct log_sockets *sockets, int *in_out_descriptor, struct weft_peer *out_peer)
{
    if (sockets->base.is_draining || sockets->ended_count >= sockets->guests.settings.max_count) {
        close(*in_out_descriptor);
        return false;
    }
    return weft_guests_admit(&sockets->guests, in_out_descriptor, out_peer);
}

static void adopt(struct weft_otlp_inlet *inlet, int descriptor)
{
    struct log_sockets *sockets = sockets_of(inlet);
    struct weft_host *host = inlet->ingest->host;
    struct weft_peer peer;
    sockets->accepted++;
    if (!admit(sockets, &descriptor, &peer)) {
        sockets->refused++;
        return;
    }
    struct log_connection *connection = weft_alloc(sizeof *connection);
    weft_set_magic(connection, log_connection);
    connection->sockets = sockets;
    connection->transport =
        sockets->tls == NULL ? weft_transport_plain(descriptor) : weft_transport_tls(descriptor, sockets->tls, NULL);
    connection->is_shaking_hands = true;
    connection->watch = weft_watch_new(host->net->loop, descriptor, WEFT_READABLE, on_ready, connection);
    weft_deferred_init(&connection->deferred, run_deferred, connection);
    weft_list_init(&connection->buffered_node);
    weft_list_push_back(&sockets->open, &connection->node);
    sockets->open_count++;
    weft_guests_enter(&sockets->guests, &connection->guest, descriptor, &peer);
    weft_log_stream_init(&connection->stream, &sockets->base, on_changed);
    shake_hands(connection);
    attend(connection);
    if (connection->transport != NULL && !connection->is_shaking_hands) {
        read_more(connection); /* what it sent meanwhile, before others push it out */
    }
}

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    struct log_sockets *sockets = sockets_of(inlet);
    sockets->base.is_reading = is_reading && weft_otlp_ingest_is_open(inlet->ingest);
    sockets->guests.is_reading = sockets->base.is_reading;
    WEFT_LIST_EACH(node, &sockets->open)
    {
        attend(connection_of(node));
    }
}

/* What was read is offered once; what was not stays in the sockets. */
static void drain(struct weft_otlp_inlet *inlet)
{
    struct log_sockets *sockets = sockets_of(inlet);
    struct weft_list *node = NULL;
    sockets->base.is_draining = true;
    while ((node = weft_list_first(&sockets->open)) != NULL) {
        close_socket(connection_of(node));
    }
    struct weft_list *next = NULL;
    for (node = sockets->ended.next; node != &sockets->ended; node = next) {
        next = node->next;
        weft_log_stream_drain(&connection_of(node)->stream);
    }
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    const struct log_sockets *sockets = sockets_of(inlet);
    return sockets->open_count + sockets->ended_count;
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    const struct log_sockets *sockets = sockets_of(inlet);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", inlet->operations->transport });
    const struct {
        const char *name, *help;
        enum weft_sample_type type;
        double value;
    } rows[] = {
        { "weft_log_sockets_connections", "Connections for log lines", WEFT_SAMPLE_GAUGE,
          (double)(sockets->open_count + sockets->ended_count) },
        { "weft_log_sockets_accepted", "Connections accepted", WEFT_SAMPLE_COUNTER, (double)sockets->accepted },
        { "weft_log_sockets_refused", "Connections closed at once, too many being open and busy", WEFT_SAMPLE_COUNTER,
          (double)sockets->refused },
        { "weft_log_sockets_evicted", "Connections without a line, or silent, closed to make room", WEFT_SAMPLE_COUNTER,
          (double)sockets->evicted },
        { "weft_log_sockets_cut", "Connections closed because unfinished lines took too much memory",
          WEFT_SAMPLE_COUNTER, (double)sockets->cut },
        { "weft_log_sockets_buffered_bytes", "Memory of unfinished lines", WEFT_SAMPLE_GAUGE,
          (double)sockets->base.buffered_bytes },
    };
    weft_log_inlet_collect(&sockets->base, samples);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        weft_samples_add(samples, rows[i].name, rows[i].help, rows[i].type, rows[i].value, labels);
    }
}

static void free_all(struct weft_list *list)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_first(list)) != NULL) {
        connection_free(connection_of(node));
    }
}

static void sockets_free(struct weft_otlp_inlet *inlet)
{
    struct log_sockets *sockets = sockets_of(inlet);
    free_all(&sockets->open);
    free_all(&sockets->ended);
    weft_guests_fini(&sockets->guests);
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
    sockets->tls = tls;
    weft_guests_init(&sockets->guests,
                     &(struct weft_guests_settings){
                         .max_count = weft_host_share(ingest->host, config->max_connections),
                         .max_per_address = weft_host_share(ingest->host, config->max_connections_per_address),
                         .end = make_way,
                         .timers = ingest->host->timers,
                         .sets = ingest->host->net->guest_sets,
                     });
    weft_list_init(&sockets->open);
    weft_list_init(&sockets->buffered);
    weft_list_init(&sockets->ended);
    return &sockets->base.inlet;
}
