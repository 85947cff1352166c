#pragma once

#include "base/list.h"
#include "base/magic.h"
#include "config/field.h"
#include "pipeline/header_set.h"
#include "pipeline/host.h"

/* What an extension is that others name by `auth`: it judges the credentials of a server's requests, or gives a
 * client's requests theirs, or both. The extension's share makes one for the process; each inlet and each exporter
 * opens a side of it on its worker, which belongs to that worker and never blocks it. */
struct weft_authenticator;
struct weft_metadata;

enum {
    WEFT_AUTHENTICATES_SERVERS = 1u << 0,
    WEFT_AUTHENTICATES_CLIENTS = 1u << 1,
    /* Its credentials do not go over gRPC in the clear, as in the Collector. */
    WEFT_AUTHENTICATES_OVER_TLS_ONLY = 1u << 2,
};

/* ---- servers ---- */

/* A request that waits for the judgement of its credentials. The memory is the request's, which initialises the node
 * and stays until it is told or has left: weft_list_remove(&wait->node). */
struct weft_auth_wait {
    struct weft_list node;
    /* Once, in a later tick of the server's worker; the node is on no list any more. failure, until it returns: as of
     * judge; NULL: it is let in. */
    void (*on_judged)(struct weft_auth_wait *wait, const struct weft_error *failure);
};

/* What a request says of who sends it, and where it comes from. Borrowed until it is judged or waits. */
struct weft_auth_claim {
    struct weft_slice credentials; /* the value of the server's field; its bytes are NULL if there is none */
    struct weft_slice household;   /* what counts as one address (net/peer.h); empty: unknown */
};

struct weft_auth_server;

struct weft_auth_server_operations {
    /* WEFT_OK: it is let in. WEFT_UNAUTHENTICATED with a text for the client. WEFT_CLOSED: it is being looked at, and
     * wait, unless NULL, is told once that is over. WEFT_THROTTLED: too many are; WEFT_NOMEM. Does not block. */
    enum weft_status (*judge)(struct weft_auth_server *server, const struct weft_auth_claim *claim,
                              struct weft_auth_wait *wait, struct weft_error *error);

    /* Nobody waits any more: those that wait leave before. */
    void (*free)(struct weft_auth_server *server);
};

/* Embedded in what open_server makes. */
struct weft_auth_server {
    const struct weft_auth_server_operations *operations;
    const char *field; /* the header field with the credentials, in lower case; outlives the server */
};

/* ---- clients ---- */

struct weft_auth_client;

struct weft_auth_client_operations {
    /* Adds the fields of a request that begins now; they are copied. metadata: of who sent the records; may be NULL.
     * On failure the request is not sent: WEFT_NOMEM, or what weft_header_set_put says against a value. The set may
     * have some of the fields then. */
    enum weft_status (*add)(struct weft_auth_client *client, const struct weft_metadata *metadata,
                            struct weft_header_set *set, struct weft_error *error);
    /* Whether it takes different values from the two, either of which may be NULL: then their records may not go in one
     * request. NULL = it takes none. */
    bool (*tells_apart)(const struct weft_auth_client *client, const struct weft_metadata *left,
                        const struct weft_metadata *right);
    void (*free)(struct weft_auth_client *client);
};

/* Embedded in what open_client makes. */
struct weft_auth_client {
    const struct weft_auth_client_operations *operations;
};

/* What a client has without the authenticator. Copied; the host outlives the client. */
struct weft_auth_client_setup {
    struct weft_host *host;
    bool is_grpc;                          /* else HTTP/1.1 */
    const struct weft_config_map *headers; /* configured; outlives the client */
};

/* ---- the extension ---- */

struct weft_authenticator_operations {
    /* Start-up; never NULL: what can fail has failed when the extension's share was made. What they return is the
     * caller's to free, before the authenticator goes. Either may be NULL: not this side. */
    struct weft_auth_server *(*open_server)(struct weft_authenticator *authenticator, struct weft_host *host);
    struct weft_auth_client *(*open_client)(struct weft_authenticator *authenticator,
                                            const struct weft_auth_client_setup *setup);
};

WEFT_MAGIC(authenticator, 0x0a07e471);

/* First member of what the extension's share returns. */
struct weft_authenticator {
    uint32_t magic;
    const struct weft_authenticator_operations *operations;
    struct weft_authenticator *additional; /* that the extension's own config names; NULL = none */
};

/* ---- who uses it ---- */

/* `auth:` of a server or a client. */
struct weft_auth_config {
    char *authenticator; /* an extension's id */
};

extern const struct weft_field weft_auth_fields[];

/* Another extension that a config names: of a component, at most WEFT_AUTH_NEEDS_MAX. */
struct weft_auth_need {
    const char *authenticator;
    unsigned side;      /* WEFT_AUTHENTICATES_SERVERS or _CLIENTS */
    bool is_clear_grpc; /* gRPC without TLS */
};

enum { WEFT_AUTH_NEEDS_MAX = 4 };

/* On the worker that will use it. NULL if authenticator is, else one that has this side. */
struct weft_auth_server *weft_auth_server_open(struct weft_authenticator *authenticator, struct weft_host *host);
struct weft_auth_client *weft_auth_client_open(struct weft_authenticator *authenticator,
                                               const struct weft_auth_client_setup *setup);

/* NULL is harmless. */
void weft_auth_server_free(struct weft_auth_server *server);
void weft_auth_client_free(struct weft_auth_client *client);

/* Whether records that came with the one metadata may not go in a request with those of the other; either may be NULL.
 * client may be NULL, which tells nothing apart. */
bool weft_auth_client_tells_apart(const struct weft_auth_client *client, const struct weft_metadata *left,
                                  const struct weft_metadata *right);

/* The fields of a request that begins now: *out_set, which is NULL without an authenticator, is the caller's to free.
 * WEFT_NOMEM, or as the operation add. */
enum weft_status weft_auth_client_headers(struct weft_auth_client *client, const struct weft_metadata *metadata,
                                          struct weft_header_set **out_set, struct weft_error *error) WEFT_MUST_CHECK;
