/* Authenticators as their users see them (authenticator.h): opened if there is one, asked for a request's fields. */
#include "pipeline/authenticator.h"

#include "base/assert.h"

const struct weft_field weft_auth_fields[] = {
    WEFT_FIELD(struct weft_auth_config, authenticator, "", "The extension that authenticates; there is no default."),
    WEFT_FIELDS_END,
};

struct weft_auth_server *weft_auth_server_open(struct weft_authenticator *authenticator, struct weft_host *host)
{
    if (authenticator == NULL) {
        return NULL;
    }
    weft_check_magic(authenticator, authenticator);
    weft_assert(authenticator->operations->open_server != NULL);
    return authenticator->operations->open_server(authenticator, host);
}

struct weft_auth_client *weft_auth_client_open(struct weft_authenticator *authenticator,
                                               const struct weft_auth_client_setup *setup)
{
    if (authenticator == NULL) {
        return NULL;
    }
    weft_check_magic(authenticator, authenticator);
    weft_assert(authenticator->operations->open_client != NULL);
    return authenticator->operations->open_client(authenticator, setup);
}

void weft_auth_server_free(struct weft_auth_server *server)
{
    if (server != NULL) {
        server->operations->free(server);
    }
}

void weft_auth_client_free(struct weft_auth_client *client)
{
    if (client != NULL) {
        client->operations->free(client);
    }
}

bool weft_auth_client_tells_apart(const struct weft_auth_client *client, const struct weft_metadata *left,
                                  const struct weft_metadata *right)
{
    return client != NULL && client->operations->tells_apart != NULL && left != right &&
           client->operations->tells_apart(client, left, right);
}

enum weft_status weft_auth_client_headers(struct weft_auth_client *client, const struct weft_metadata *metadata,
                                          struct weft_header_set **out_set, struct weft_error *error)
{
    if (client == NULL) {
        *out_set = NULL;
        return WEFT_OK;
    }
    struct weft_header_set *set = weft_header_set_try_new();
    if (set == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for header fields");
    }
    enum weft_status status = client->operations->add(client, metadata, set, error);
    if (status != WEFT_OK) {
        weft_header_set_free(set);
        return status;
    }
    *out_set = set;
    return WEFT_OK;
}
