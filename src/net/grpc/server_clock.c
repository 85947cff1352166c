/* Deadlines of a gRPC server connection behind one timer. The timer is only moved to an earlier time; when it fires too
 * early, which costs little, it is set again. A deadline that waits for the peer does not run while we are not reading.
 */
#include "net/grpc/server_internal.h"

#define WRITE_TIMEOUT_NS     (30 * WEFT_NS_PER_S)
#define GOAWAY_ROUND_TRIP_NS (5 * WEFT_NS_PER_S)
#define END_TIMEOUT_NS       WEFT_NS_PER_S

struct weft_monotonic weft_grpc_server_now(const struct weft_grpc_server *server)
{
    return weft_timers_now(weft_loop_timers(server->net.loop));
}

static struct weft_monotonic earlier(struct weft_monotonic left, struct weft_monotonic right)
{
    return left.ns < right.ns ? left : right;
}

/* delay_ns 0 = never. */
static struct weft_monotonic due(struct weft_monotonic start, int64_t delay_ns)
{
    return delay_ns > 0 ? weft_monotonic_after(start, delay_ns) : WEFT_NEVER;
}

static struct weft_monotonic write_deadline(const struct weft_grpc_server_connection *connection)
{
    return weft_http2_output_is_empty(&connection->output) ? WEFT_NEVER
                                                           : due(connection->last_progress, WRITE_TIMEOUT_NS);
}

/* Anything that was read since the ping answers it. */
static bool is_ping_unanswered(const struct weft_grpc_server_connection *connection)
{
    return connection->ping_sent.ns != 0 && connection->last_read.ns <= connection->ping_sent.ns;
}

static struct weft_monotonic keepalive_deadline(const struct weft_grpc_server_connection *connection)
{
    const struct weft_grpc_server_settings *settings = &connection->server->settings;
    return is_ping_unanswered(connection) ? due(connection->ping_sent, settings->keepalive_timeout_ns)
                                          : due(connection->last_read, settings->keepalive_time_ns);
}

static struct weft_monotonic leave_deadline(const struct weft_grpc_server_connection *connection)
{
    const struct weft_grpc_server_settings *settings = &connection->server->settings;
    struct weft_monotonic idle =
        connection->call_count == 0 ? due(connection->idle_since, settings->max_connection_idle_ns) : WEFT_NEVER;
    return earlier(idle, due(connection->opened, connection->age_limit_ns));
}

static struct weft_monotonic next_deadline(const struct weft_grpc_server_connection *connection)
{
    const struct weft_grpc_server_settings *settings = &connection->server->settings;
    struct weft_monotonic alive = earlier(write_deadline(connection), keepalive_deadline(connection));
    switch (connection->phase) {
    case WEFT_GRPC_SERVER_HANDSHAKE:
        return due(connection->phase_entered, settings->handshake_timeout_ns);
    case WEFT_GRPC_SERVER_PREFACE:
        return due(connection->phase_entered, settings->preface_timeout_ns);
    case WEFT_GRPC_SERVER_OPEN:
        return earlier(alive, leave_deadline(connection));
    case WEFT_GRPC_SERVER_LEAVING:
        return earlier(alive, connection->has_final_goaway
                                  ? due(connection->phase_entered, settings->max_connection_age_grace_ns)
                                  : due(connection->phase_entered, GOAWAY_ROUND_TRIP_NS));
    case WEFT_GRPC_SERVER_ENDING:
    case WEFT_GRPC_SERVER_LINGERING:
        return due(connection->phase_entered, END_TIMEOUT_NS);
    case WEFT_GRPC_SERVER_CLOSED:
        break;
    }
    return WEFT_NEVER;
}

void weft_grpc_server_connection_set_timer(struct weft_grpc_server_connection *connection)
{
    struct weft_monotonic deadline = next_deadline(connection);
    if (deadline.ns == INT64_MAX ||
        (weft_timer_is_set(&connection->timer) && connection->timer.deadline.ns <= deadline.ns)) {
        return;
    }
    weft_timer_set_at(weft_loop_timers(connection->server->net.loop), &connection->timer, deadline);
}

static bool is_due(const struct weft_grpc_server_connection *connection, struct weft_monotonic deadline)
{
    return deadline.ns <= weft_grpc_server_now(connection->server).ns;
}

static void time_out(struct weft_grpc_server_connection *connection)
{
    connection->server->counters.connections_timed_out++;
    weft_grpc_server_connection_close(connection);
}

static void keep_alive(struct weft_grpc_server_connection *connection)
{
    if (is_ping_unanswered(connection)) {
        time_out(connection);
        return;
    }
    if (nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL) != 0) {
        weft_grpc_server_connection_close(connection);
        return;
    }
    connection->ping_sent = weft_grpc_server_now(connection->server);
}

static void act_when_open(struct weft_grpc_server_connection *connection)
{
    if (is_due(connection, write_deadline(connection))) {
        time_out(connection);
    } else if (is_due(connection, keepalive_deadline(connection))) {
        keep_alive(connection);
    } else if (connection->phase == WEFT_GRPC_SERVER_OPEN && is_due(connection, leave_deadline(connection))) {
        weft_grpc_server_connection_leave(connection);
    } else if (connection->phase == WEFT_GRPC_SERVER_LEAVING && is_due(connection, next_deadline(connection))) {
        if (connection->has_final_goaway) {
            weft_grpc_server_connection_close(connection);
        } else {
            connection->is_notice_seen = true; /* or never will be */
            weft_grpc_server_connection_attend(connection);
        }
    }
}

void weft_grpc_server_connection_on_timer(void *context)
{
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    if (!connection->server->is_reading && connection->phase < WEFT_GRPC_SERVER_ENDING) {
        struct weft_monotonic now = weft_grpc_server_now(connection->server);
        connection->last_read = now;
        if (connection->ping_sent.ns != 0) {
            connection->ping_sent = now;
        }
        if (connection->phase <= WEFT_GRPC_SERVER_PREFACE) {
            connection->phase_entered = now;
        }
    }
    weft_grpc_server_connection_attend(connection); /* sets the timer again */
    if (!is_due(connection, next_deadline(connection))) {
        return;
    }
    switch (connection->phase) {
    case WEFT_GRPC_SERVER_HANDSHAKE:
    case WEFT_GRPC_SERVER_PREFACE:
        time_out(connection);
        break;
    case WEFT_GRPC_SERVER_OPEN:
    case WEFT_GRPC_SERVER_LEAVING:
        act_when_open(connection);
        break;
    case WEFT_GRPC_SERVER_ENDING:
    case WEFT_GRPC_SERVER_LINGERING:
        weft_grpc_server_connection_close(connection);
        break;
    case WEFT_GRPC_SERVER_CLOSED:
        break;
    }
}
