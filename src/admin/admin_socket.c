/* The admin socket (admin_socket.h): the telemetry server on a file that is its user's alone. */
#include "admin/admin_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/address.h"

struct weft_admin_socket {
    struct weft_telemetry_server *server;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    dev_t device; /* of the file as it was made */
    ino_t inode;
};

/* Takes the listening socket over. */
static enum weft_status remember_file(struct weft_admin_socket *socket, int listening_descriptor,
                                      struct weft_error *error)
{
    struct stat file;
    if (lstat(socket->path, &file) != 0) {
        int reason = errno;
        close(listening_descriptor);
        return weft_fail(error, WEFT_IO, "%s: %s", socket->path, strerror(reason));
    }
    socket->device = file.st_dev;
    socket->inode = file.st_ino;
    return WEFT_OK;
}

enum weft_status weft_admin_socket_new(const struct weft_net_context *net, const char *state_directory,
                                       const struct weft_telemetry_server_settings *settings,
                                       const struct weft_admin_source *source, struct weft_admin_socket **out_socket,
                                       struct weft_error *error)
{
    struct weft_admin_socket *socket = weft_alloc(sizeof *socket);
    int length = snprintf(socket->path, sizeof socket->path, "%s/%s", state_directory, WEFT_ADMIN_SOCKET_NAME);
    struct weft_endpoint endpoint = { .is_unix = true };
    snprintf(endpoint.host, sizeof endpoint.host, "%s", socket->path);
    int descriptor = -1;
    enum weft_status status = WEFT_OK;
    if ((size_t)length >= sizeof socket->path) {
        status = weft_fail(error, WEFT_LIMIT, "%s/%s is longer than a socket's path may be (%zu bytes)",
                           state_directory, WEFT_ADMIN_SOCKET_NAME, sizeof socket->path - 1);
    }
    status = status == WEFT_OK ? weft_listen_private(&endpoint, WEFT_TELEMETRY_BACKLOG, &descriptor, error) : status;
    status = status == WEFT_OK ? remember_file(socket, descriptor, error) : status;
    if (status != WEFT_OK) {
        weft_free(socket);
        return status;
    }
    struct weft_telemetry_server_settings own = *settings;
    own.answers_questions = true;
    weft_telemetry_server_new_on(net, &own, source, descriptor, &socket->server);
    *out_socket = socket;
    return WEFT_OK;
}

void weft_admin_socket_free(struct weft_admin_socket *socket)
{
    struct stat file;
    bool is_ours = lstat(socket->path, &file) == 0 && file.st_dev == socket->device && file.st_ino == socket->inode;
    if (is_ours && unlink(socket->path) != 0) {
        weft_log(WARN, "admin.left_behind", "the admin socket's file could not be removed",
                 WEFT_LOG_STRING("file", socket->path), WEFT_LOG_STRING("reason", strerror(errno)));
    }
    weft_telemetry_server_free(socket->server);
    weft_free(socket);
}
