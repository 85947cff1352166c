/* Extension `basicauth`: user names and passwords (RFC 7617). A config is for servers, with users as htpasswd has them
 * (basicauth_server.c), or for clients, who say who they are. Files are looked at again. */
#include "weft/component.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base64.h"
#include "extensions/basicauth.h"
#include "extensions/file_value.h"
#include "extensions/htpasswd.h"

enum { FILE_TASKS = 256, CHECK_TASKS = 4096 };

struct client_auth_config {
    char *username;
    char *username_file;
    struct weft_secret password;
    char *password_file;
};

struct basicauth_config {
    bool has_htpasswd, has_client_auth;
    struct weft_basicauth_users_config htpasswd;
    struct client_auth_config client_auth;
    struct weft_duration reload_interval;
};

/* What they say; empty without one. */
struct basicauth_files {
    struct weft_buffer users, username, password;
};

struct basicauth_shared {
    struct weft_authenticator authenticator; /* first */
    const struct basicauth_config *config;
    const char *id;
    struct basicauth_files files;     /* as they were at the start */
    struct weft_helper *file_helper;  /* NULL: no file */
    struct weft_helper *check_helper; /* NULL: no server */
};

struct basicauth_client {
    struct weft_auth_client client;
    const struct basicauth_shared *shared;
    struct weft_file_value username, password;
    struct weft_buffer value; /* of the field, made of the versions of both; empty: not yet */
    uint64_t username_version, password_version;
};

#define USERS struct weft_basicauth_users_config

static const struct weft_field htpasswd_fields[] = {
    WEFT_FIELD(USERS, file, "", "A file of users, as htpasswd writes it."),
    { .key = "inline",
      .kind = WEFT_KIND_SECRET,
      .offset = offsetof(USERS, inline_text),
      .help = "Users in the same form; of one name it is this that counts." },
    WEFT_FIELDS_END,
};

static const struct weft_field client_auth_fields[] = {
    WEFT_FIELD(struct client_auth_config, username, "", "The user's name."),
    WEFT_FIELD(struct client_auth_config, username_file, "", "A file with the name instead."),
    WEFT_FIELD(struct client_auth_config, password, NULL, "The password."),
    WEFT_FIELD(struct client_auth_config, password_file, "", "A file with the password instead."),
    WEFT_FIELDS_END,
};

static const struct weft_field basicauth_fields[] = {
    WEFT_FIELD_OPTIONAL(struct basicauth_config, htpasswd, has_htpasswd, htpasswd_fields, "off",
                        "For servers: who may come in.", .is_off_as_null = true),
    WEFT_FIELD_OPTIONAL(struct basicauth_config, client_auth, has_client_auth, client_auth_fields, "off",
                        "For clients: who we are.", .is_off_as_null = true),
    WEFT_FIELD(struct basicauth_config, reload_interval, "1s", "How often files are looked at.", .minimum = 0.01),
    WEFT_FIELDS_END,
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct basicauth_config *config = untyped;
    if (config->has_htpasswd && config->has_client_auth) {
        return weft_fail(error, WEFT_INVALID, "only one of `htpasswd` or `client_auth` can be specified");
    }
    bool has_users = is_set(config->htpasswd.file) || is_set(config->htpasswd.inline_text.text);
    if (!config->has_client_auth && (!config->has_htpasswd || !has_users)) {
        return weft_fail(error, WEFT_INVALID, "no credential source provided");
    }
    if (config->has_client_auth && strchr(config->client_auth.username, ':') != NULL) {
        return weft_fail(error, WEFT_INVALID, "client_auth: a user name has no ':' in it");
    }
    return WEFT_OK;
}

static unsigned authenticates(const void *untyped)
{
    const struct basicauth_config *config = untyped;
    return config->has_htpasswd ? WEFT_AUTHENTICATES_SERVERS
                                : WEFT_AUTHENTICATES_CLIENTS | WEFT_AUTHENTICATES_OVER_TLS_ONLY;
}

/* ---- for the process ---- */

static enum weft_status read_file(const char *path, struct weft_buffer *buffer, struct weft_error *error)
{
    return is_set(path) ? weft_watched_file_read(path, buffer, error) : WEFT_OK;
}

static enum weft_status read_half(const char *path, struct weft_buffer *buffer, struct weft_error *error)
{
    return is_set(path) ? weft_file_value_read(path, WEFT_FILE_VALUE_TEXT, buffer, error) : WEFT_OK;
}

static void files_fini(struct basicauth_files *files)
{
    weft_buffer_fini_secret(&files->users);
    weft_buffer_fini_secret(&files->username);
    weft_buffer_fini_secret(&files->password);
}

/* files_fini also after a failure. */
static enum weft_status read_files(const struct basicauth_config *config, struct basicauth_files *out_files,
                                   struct weft_error *error)
{
    weft_buffer_init(&out_files->users, 0);
    weft_buffer_init(&out_files->username, 0);
    weft_buffer_init(&out_files->password, 0);
    enum weft_status status = read_file(config->htpasswd.file, &out_files->users, error);
    if (status == WEFT_OK) {
        status = read_half(config->client_auth.username_file, &out_files->username, error);
    }
    return status == WEFT_OK ? read_half(config->client_auth.password_file, &out_files->password, error) : status;
}

static enum weft_status try_files(const void *config, struct weft_error *error)
{
    struct basicauth_files files;
    enum weft_status status = read_files(config, &files, error);
    files_fini(&files);
    return status;
}

/* What is passed over in users, and where. Never what stands there. */
struct passed_over {
    const struct weft_node *node;
    const char *name; /* of the file, or of the key */
    struct weft_config_notes *notes;
    enum weft_status status;
};

static void warn(struct passed_over *over, size_t line, const char *why)
{
    struct weft_error note = WEFT_ERROR_NONE;
    if (line > 0) {
        weft_node_fail(&note, WEFT_INVALID, over->node, "%s: line %zu is passed over: %s", over->name, line, why);
    } else {
        weft_node_fail(&note, WEFT_INVALID, over->node, "%s: %s", over->name, why);
    }
    over->status =
        over->status == WEFT_OK ? weft_config_notes_add(over->notes, WEFT_NOTE_WARNING, "%s", note.text) : over->status;
}

static void on_passed_over(void *context, size_t line, const char *why)
{
    warn(context, line, why);
}

static enum weft_status advise_files(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct basicauth_config *config = untyped;
    struct passed_over over = { .node = node, .name = config->htpasswd.file, .notes = notes };
    struct basicauth_files files;
    struct weft_error error = WEFT_ERROR_NONE;
    if (read_files(config, &files, &error) != WEFT_OK) { /* gone since */
        files_fini(&files);
        return WEFT_OK;
    }
    if (is_set(config->htpasswd.file) &&
        weft_htpasswd_review(weft_buffer_slice(&files.users), on_passed_over, &over) == 0) {
        warn(&over, 0, "no user in it");
    }
    if (is_set(config->htpasswd.inline_text.text)) {
        over.name = "htpasswd.inline";
        weft_htpasswd_review(weft_slice_of_text(config->htpasswd.inline_text.text), on_passed_over, &over);
    }
    struct weft_slice username = weft_buffer_slice(&files.username);
    if (username.length > 0 && memchr(username.bytes, ':', username.length) != NULL) {
        over.name = config->client_auth.username_file;
        warn(&over, 0, "a user name has no ':' in it; the server takes what follows for the password");
    }
    files_fini(&files);
    return over.status;
}

static void shared_free(void *untyped)
{
    struct basicauth_shared *shared = untyped;
    weft_clear_magic(&shared->authenticator, authenticator);
    if (shared->file_helper != NULL) {
        weft_helper_free(shared->file_helper);
    }
    if (shared->check_helper != NULL) {
        weft_helper_free(shared->check_helper);
    }
    files_fini(&shared->files);
    weft_free(shared);
}

static const struct weft_authenticator_operations basicauth_authenticator;

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    const struct basicauth_config *config = untyped;
    struct basicauth_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(&shared->authenticator, authenticator);
    shared->authenticator.operations = &basicauth_authenticator;
    shared->config = config;
    shared->id = id;
    if (is_set(config->htpasswd.file) || is_set(config->client_auth.username_file) ||
        is_set(config->client_auth.password_file)) {
        shared->file_helper = weft_helper_new("weft-users", FILE_TASKS, NULL, NULL);
    }
    if (config->has_htpasswd) {
        shared->check_helper = weft_helper_new("weft-passwords", CHECK_TASKS, NULL, NULL);
    }
    enum weft_status status = read_files(config, &shared->files, error);
    if (status != WEFT_OK) {
        shared_free(shared);
        return status;
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- clients ---- */

static const struct weft_auth_client_operations client_operations;

static struct basicauth_client *client_of(struct weft_auth_client *client)
{
    weft_assert(client->operations == &client_operations);
    return WEFT_CONTAINER_OF(client, struct basicauth_client, client);
}

static void half_init(struct weft_file_value *half, const struct basicauth_shared *shared, struct weft_host *host,
                      const char *text, const char *path, const struct weft_buffer *first)
{
    if (!is_set(path)) {
        weft_file_value_init_fixed(half, text);
        return;
    }
    weft_file_value_init(half,
                         &(struct weft_watched_file_settings){ .host = host,
                                                               .helper = shared->file_helper,
                                                               .id = shared->id,
                                                               .path = path,
                                                               .interval_ns = shared->config->reload_interval.ns },
                         WEFT_FILE_VALUE_TEXT, weft_buffer_slice(first));
}

static void append_half(const struct weft_file_value *half, struct weft_buffer *out)
{
    weft_buffer_append(out, half->text.bytes, half->text.length);
}

static enum weft_status make_value(struct basicauth_client *client, struct weft_error *error)
{
    struct weft_buffer pair, value;
    size_t pair_length = client->username.text.length + 1 + client->password.text.length;
    weft_buffer_init(&pair, 0);
    weft_buffer_init(&value, 0);
    /* Room for all of it at once, so that nothing is left behind where it was too small. */
    if (weft_buffer_reserve(&pair, pair_length) != NULL && weft_buffer_reserve(&value, 8 + pair_length * 2) != NULL) {
        append_half(&client->username, &pair);
        weft_buffer_append_byte(&pair, ':');
        append_half(&client->password, &pair);
        weft_buffer_append_text(&value, "Basic ");
        weft_base64_append(&value, weft_buffer_slice(&pair), WEFT_BASE64_STANDARD, true);
    }
    bool is_failed = pair.is_failed || value.is_failed;
    weft_buffer_fini_secret(&pair);
    weft_buffer_fini_secret(is_failed ? &value : &client->value);
    if (is_failed) {
        return weft_fail(error, WEFT_NOMEM, "no memory for credentials");
    }
    client->value = value;
    client->username_version = client->username.version;
    client->password_version = client->password.version;
    return WEFT_OK;
}

static enum weft_status add(struct weft_auth_client *untyped, const struct weft_metadata *metadata,
                            struct weft_header_set *set, struct weft_error *error)
{
    (void)metadata;
    struct basicauth_client *client = client_of(untyped);
    bool is_current = client->value.length > 0 && client->username_version == client->username.version &&
                      client->password_version == client->password.version;
    enum weft_status status = is_current ? WEFT_OK : make_value(client, error);
    return status == WEFT_OK ? weft_header_set_put(set, "authorization", weft_buffer_slice(&client->value), error)
                             : status;
}

static void client_free(struct weft_auth_client *untyped)
{
    struct basicauth_client *client = client_of(untyped);
    weft_file_value_fini(&client->username);
    weft_file_value_fini(&client->password);
    weft_buffer_fini_secret(&client->value);
    weft_free(client);
}

static const struct weft_auth_client_operations client_operations = { .add = add, .free = client_free };

/* ---- the extension ---- */

static struct basicauth_shared *shared_of(struct weft_authenticator *authenticator)
{
    weft_assert(authenticator->operations == &basicauth_authenticator);
    return WEFT_CONTAINER_OF(authenticator, struct basicauth_shared, authenticator);
}

static struct weft_auth_server *open_server(struct weft_authenticator *authenticator, struct weft_host *host)
{
    const struct basicauth_shared *shared = shared_of(authenticator);
    const struct weft_basicauth_users_config *users = &shared->config->htpasswd;
    return weft_basicauth_server_new(
        &(struct weft_basicauth_server_setup){ .host = host,
                                               .id = shared->id,
                                               .users = users,
                                               .reload_interval_ns = shared->config->reload_interval.ns,
                                               .first_file = weft_buffer_slice(&shared->files.users),
                                               .file_helper = is_set(users->file) ? shared->file_helper : NULL,
                                               .check_helper = shared->check_helper });
}

static struct weft_auth_client *open_client(struct weft_authenticator *authenticator,
                                            const struct weft_auth_client_setup *setup)
{
    struct basicauth_client *client = weft_alloc(sizeof *client);
    const struct basicauth_shared *shared = shared_of(authenticator);
    const struct client_auth_config *config = &shared->config->client_auth;
    client->client.operations = &client_operations;
    client->shared = shared;
    weft_buffer_init(&client->value, 0);
    half_init(&client->username, shared, setup->host, config->username, config->username_file, &shared->files.username);
    half_init(&client->password, shared, setup->host, config->password.text, config->password_file,
              &shared->files.password);
    return &client->client;
}

static const struct weft_authenticator_operations basicauth_authenticator = { open_server, open_client };

const struct weft_component weft_extension_basicauth = {
    .kind = WEFT_EXTENSION,
    .type = "basicauth",
    .help = "Authenticates by user names and passwords, at servers (htpasswd) or for clients (client_auth).",
    .fields = basicauth_fields,
    .config_size = sizeof(struct basicauth_config),
    .validate = validate,
    .authenticates = authenticates,
    .try_files = try_files,
    .advise_files = advise_files,
    .share = share,
    .unshare = shared_free,
};
