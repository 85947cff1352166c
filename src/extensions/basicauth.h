#pragma once

#include "base/helper.h"
#include "extensions/htpasswd.h"
#include "pipeline/authenticator.h"

/* Between the halves of the extension basicauth: basicauth.c has its config and clients, basicauth_server.c servers. */
struct weft_basicauth_users_config {
    char *file;
    struct weft_secret inline_text;
};

struct weft_basicauth_server_setup {
    struct weft_host *host;
    const char *id;
    const struct weft_basicauth_users_config *users;
    int64_t reload_interval_ns;
    struct weft_slice first_file;     /* what the file said at the start; outlives the server */
    struct weft_helper *file_helper;  /* NULL: there is no file */
    struct weft_helper *check_helper; /* compares passwords */
};

/* What setup points to outlives the server. */
struct weft_auth_server *weft_basicauth_server_new(const struct weft_basicauth_server_setup *setup);
