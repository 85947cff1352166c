/* What extensions that answer over HTTP have in common (page_server.h). */
#include "extensions/page_server.h"

#include "base/log.h"
#include "net/address.h"

enum { BACKLOG = 64 };

const struct weft_field weft_page_auth_fields[] = {
    WEFT_FIELD(struct weft_auth_config, authenticator, "", "The extension that authenticates; there is no default."),
    WEFT_FIELD_UNSUPPORTED("request_params", "Credentials in the query."),
    WEFT_FIELDS_END,
};

enum weft_status weft_page_server_try_files(const void *untyped, struct weft_error *error)
{
    const struct weft_page_config *config = untyped;
    return config->has_tls ? weft_tls_config_try(&config->tls, true, error) : WEFT_OK;
}

size_t weft_page_server_auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct weft_page_config *config = untyped;
    if (!config->has_auth) {
        return 0;
    }
    out_needs[0] = (struct weft_auth_need){ config->auth.authenticator, WEFT_AUTHENTICATES_SERVERS, false };
    return 1;
}

enum weft_status weft_page_server_validate(const struct weft_page_config *config, struct weft_error *error)
{
    struct weft_endpoint parsed;
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &parsed, error);
    return status == WEFT_OK && config->has_tls ? weft_tls_config_validate_server(&config->tls, error) : status;
}

enum weft_status weft_page_server_share(const void *untyped, const char *id, struct weft_budget *budget,
                                        void **out_shared, struct weft_error *error)
{
    const struct weft_page_config *config = untyped;
    struct weft_tls_context *context = NULL;
    (void)id;
    (void)budget;
    enum weft_status status =
        config->has_tls ? weft_tls_config_open(&config->tls, true, "http/1.1", false, &context, error) : WEFT_OK;
    *out_shared = context;
    return status;
}

void weft_page_server_unshare(void *shared)
{
    weft_tls_context_free(shared);
}

enum weft_status weft_page_server_renew(void *shared, struct weft_error *error)
{
    return weft_tls_context_renew(shared, error);
}

void weft_page_server_end_renewal(void *shared, bool is_used)
{
    weft_tls_context_end_renewal(shared, is_used);
}

enum weft_status weft_page_server_listen(const char *endpoint, const char *id, bool has_tls, int *out_descriptor,
                                         struct weft_error *error)
{
    struct weft_endpoint parsed;
    enum weft_status status = weft_endpoint_parse(endpoint, 0, &parsed, error);
    if (status == WEFT_OK) {
        status = weft_listen(&parsed, BACKLOG, out_descriptor, error);
    }
    if (status == WEFT_OK) {
        weft_log(INFO, "extension.listening", "pages are shown", WEFT_LOG_STRING("extension", id),
                 WEFT_LOG_STRING("endpoint", endpoint), WEFT_LOG_STRING("tls", has_tls ? "on" : "off"));
    }
    return status;
}
