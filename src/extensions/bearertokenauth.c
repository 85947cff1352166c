/* Extension `bearertokenauth`: requests carry a token that both sides know. Tokens are the config's or a file's, which
 * is looked at again; each side on each worker has its own copy of what the file says. */
#include "weft/component.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/password.h"
#include "extensions/watched_file.h"
#include "net/header.h"

enum { HELPER_TASKS = 256 };

struct bearer_config {
    char *header;
    char *scheme;
    struct weft_secret token;
    struct weft_config_strings tokens;
    char *filename;
    struct weft_duration reload_interval;
};

/* Values of the header field, each ended by NUL. */
struct bearer_values {
    struct weft_buffer text;
    size_t count;
};

struct bearer_shared {
    struct weft_authenticator authenticator; /* first */
    const struct bearer_config *config;
    const char *id;
    char *field; /* the header in lower case */
    struct bearer_values first;
    struct weft_helper *helper; /* NULL: no file */
};

/* What a side knows on its worker. */
struct bearer_side {
    const struct bearer_shared *shared;
    struct bearer_values values;
    struct weft_watched_file *file; /* NULL = none */
};

struct bearer_server {
    struct weft_auth_server server;
    struct bearer_side side;
};

struct bearer_client {
    struct weft_auth_client client;
    struct bearer_side side;
};

static const struct weft_field bearer_fields[] = {
    WEFT_FIELD(struct bearer_config, header, "Authorization", "The header with the token."),
    WEFT_FIELD(struct bearer_config, scheme, "Bearer", "What stands before the token; \"\" = nothing."),
    WEFT_FIELD(struct bearer_config, token, NULL, "The token."),
    WEFT_FIELD(struct bearer_config, tokens, NULL,
               "Tokens that a server takes, none of them empty; a client sends the first.", .is_secret = true),
    WEFT_FIELD(struct bearer_config, filename, "",
               "A file of tokens instead of token: the first word of each line, also "
               "of one that begins with #."),
    WEFT_FIELD(struct bearer_config, reload_interval, "1s", "How often the file is looked at.", .minimum = 0.01),
    WEFT_FIELDS_END,
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool is_blank(const char *token)
{
    return weft_slice_trim(weft_slice_of_text(token)).length == 0;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct bearer_config *config = untyped;
    if (!is_set(config->token.text) && config->tokens.count == 0 && !is_set(config->filename)) {
        return weft_fail(error, WEFT_INVALID, "no bearer token provided");
    }
    if (is_set(config->token.text) && config->tokens.count > 0) {
        return weft_fail(error, WEFT_INVALID, "either tokens or token should be provided, not both");
    }
    for (size_t i = 0; i < config->tokens.count; i++) {
        if (is_blank(config->tokens.items[i])) {
            return weft_fail(error, WEFT_INVALID, "tokens[%zu] is empty: whoever sends none would be let in", i);
        }
    }
    if (is_set(config->token.text) && is_blank(config->token.text)) {
        return weft_fail(error, WEFT_INVALID, "token is empty: whoever sends none would be let in");
    }
    if (!weft_header_is_valid(config->header, config->scheme)) {
        return weft_fail(error, WEFT_INVALID, "header: \"%.100s\" is no header name, or scheme has a control character",
                         config->header);
    }
    return WEFT_OK;
}

static bool has_file(const struct bearer_config *config)
{
    return is_set(config->filename) && config->tokens.count == 0;
}

static unsigned authenticates(const void *config)
{
    (void)config;
    return WEFT_AUTHENTICATES_SERVERS | WEFT_AUTHENTICATES_CLIENTS | WEFT_AUTHENTICATES_OVER_TLS_ONLY;
}

/* ---- values ---- */

static void add_value(struct bearer_values *values, const struct bearer_config *config, struct weft_slice token)
{
    if (config->scheme[0] != '\0') {
        weft_buffer_append_format(&values->text, "%s ", config->scheme);
    }
    weft_buffer_append(&values->text, token.bytes, token.length);
    weft_buffer_append_byte(&values->text, '\0');
    values->count++;
}

static struct weft_slice take_line(struct weft_slice *rest)
{
    const uint8_t *end = memchr(rest->bytes, '\n', rest->length);
    struct weft_slice line = weft_slice_of(rest->bytes, end == NULL ? rest->length : (size_t)(end - rest->bytes));
    size_t taken = line.length + (end != NULL);
    *rest = weft_slice_of(rest->bytes + taken, rest->length - taken);
    return line;
}

static bool has_control(struct weft_slice word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (word.bytes[i] < ' ' || word.bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The first word of each line; what follows is a comment. */
static enum weft_status read_lines(struct bearer_values *values, const struct bearer_config *config,
                                   struct weft_slice contents, struct weft_error *error)
{
    for (size_t line = 1; contents.length > 0; line++) {
        struct weft_slice word = weft_slice_trim(take_line(&contents));
        for (size_t i = 0; i < word.length; i++) {
            if (weft_slice_is_space(word.bytes[i])) {
                word.length = i;
            }
        }
        if (has_control(word)) {
            return weft_fail(error, WEFT_INVALID, "%s: line %zu: a token has no control characters", config->filename,
                             line);
        }
        if (word.length > 0) {
            add_value(values, config, word);
        }
    }
    enum weft_status status = weft_buffer_status(&values->text);
    if (status != WEFT_OK) {
        return weft_fail(error, status, "no memory for the tokens");
    }
    return values->count > 0 ? WEFT_OK : weft_fail(error, WEFT_INVALID, "%s: no token in it", config->filename);
}

/* WEFT_OK: values is what the file says. */
static enum weft_status take_contents(struct bearer_values *values, const struct bearer_config *config,
                                      struct weft_slice contents, struct weft_error *error)
{
    struct bearer_values fresh = { .count = 0 };
    if (contents.length > 0 && memchr(contents.bytes, '\0', contents.length) != NULL) {
        return weft_fail(error, WEFT_INVALID, "%s: a NUL in it, which no token can have", config->filename);
    }
    weft_buffer_init(&fresh.text, 0);
    enum weft_status status = read_lines(&fresh, config, contents, error);
    if (status != WEFT_OK) {
        weft_buffer_fini(&fresh.text);
        return status;
    }
    weft_buffer_fini(&values->text);
    *values = fresh;
    return WEFT_OK;
}

/* ---- for the process ---- */

/* The caller ends the values also after a failure. */
static enum weft_status read_first(const struct bearer_config *config, struct bearer_values *out_values,
                                   struct weft_error *error)
{
    struct weft_buffer contents;
    weft_buffer_init(&out_values->text, 0);
    if (!has_file(config)) {
        for (size_t i = 0; i < config->tokens.count; i++) {
            add_value(out_values, config, weft_slice_of_text(config->tokens.items[i]));
        }
        if (config->tokens.count == 0) {
            add_value(out_values, config, weft_slice_of_text(config->token.text));
        }
        return weft_buffer_status(&out_values->text);
    }
    weft_buffer_init(&contents, 0);
    enum weft_status status = weft_watched_file_read(config->filename, &contents, error);
    if (status == WEFT_OK) {
        status = take_contents(out_values, config, weft_buffer_slice(&contents), error);
    }
    weft_buffer_fini(&contents);
    return status;
}

static enum weft_status try_files(const void *config, struct weft_error *error)
{
    struct bearer_values values = { .count = 0 };
    enum weft_status status = read_first(config, &values, error);
    weft_buffer_fini(&values.text);
    return status;
}

/* Who writes # means a comment, and has let in whoever sends that word. Never what stands there. */
static enum weft_status advise_files(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct bearer_config *config = untyped;
    struct weft_buffer contents;
    enum weft_status status = WEFT_OK;
    weft_buffer_init(&contents, 0);
    bool is_read = has_file(config) && weft_watched_file_read(config->filename, &contents, NULL) == WEFT_OK;
    struct weft_slice rest = is_read ? weft_buffer_slice(&contents) : weft_slice_of(NULL, 0);
    for (size_t line = 1; status == WEFT_OK && rest.length > 0; line++) {
        struct weft_slice text = weft_slice_trim(take_line(&rest));
        if (text.length > 0 && text.bytes[0] == '#') {
            struct weft_error note = WEFT_ERROR_NONE;
            weft_node_fail(&note, WEFT_INVALID, node,
                           "%s: line %zu begins with #: it is no comment, its first word is a token", config->filename,
                           line);
            status = weft_config_notes_add(notes, WEFT_NOTE_WARNING, "%s", note.text);
        }
    }
    weft_buffer_fini_secret(&contents);
    return status;
}

static void shared_free(void *untyped)
{
    struct bearer_shared *shared = untyped;
    weft_clear_magic(&shared->authenticator, authenticator);
    if (shared->helper != NULL) {
        weft_helper_free(shared->helper);
    }
    weft_buffer_fini(&shared->first.text);
    weft_free(shared->field);
    weft_free(shared);
}

static const struct weft_authenticator_operations bearer_authenticator;

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    struct bearer_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(&shared->authenticator, authenticator);
    shared->authenticator.operations = &bearer_authenticator;
    shared->config = untyped;
    shared->id = id;
    shared->field = weft_alloc_string(shared->config->header);
    for (char *letter = shared->field; *letter != '\0'; letter++) {
        *letter = *letter >= 'A' && *letter <= 'Z' ? (char)(*letter | 0x20) : *letter;
    }
    if (has_file(shared->config)) {
        shared->helper = weft_helper_new("weft-tokens", HELPER_TASKS, NULL, NULL);
    }
    enum weft_status status = read_first(shared->config, &shared->first, error);
    if (status != WEFT_OK) {
        shared_free(shared);
        return status;
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- on each worker ---- */

static enum weft_status on_changed(void *context, struct weft_slice contents, struct weft_error *error)
{
    struct bearer_side *side = context;
    return take_contents(&side->values, side->shared->config, contents, error);
}

static void side_init(struct bearer_side *side, struct weft_authenticator *authenticator, struct weft_host *host)
{
    const struct bearer_shared *shared = WEFT_CONTAINER_OF(authenticator, struct bearer_shared, authenticator);
    side->shared = shared;
    weft_buffer_init(&side->values.text, 0);
    weft_buffer_append(&side->values.text, shared->first.text.bytes, shared->first.text.length);
    weft_assert(!side->values.text.is_failed); /* start-up */
    side->values.count = shared->first.count;
    if (shared->helper != NULL) {
        side->file = weft_watched_file_new(
            &(struct weft_watched_file_settings){ .host = host,
                                                  .helper = shared->helper,
                                                  .id = shared->id,
                                                  .path = shared->config->filename,
                                                  .interval_ns = shared->config->reload_interval.ns,
                                                  .on_changed = on_changed,
                                                  .context = side });
    }
}

static void side_fini(struct bearer_side *side)
{
    weft_watched_file_free(side->file);
    weft_buffer_fini(&side->values.text);
}

static const struct weft_auth_server_operations bearer_server_operations;
static const struct weft_auth_client_operations bearer_client_operations;

static struct bearer_server *server_of(struct weft_auth_server *server)
{
    weft_assert(server->operations == &bearer_server_operations);
    return WEFT_CONTAINER_OF(server, struct bearer_server, server);
}

static struct bearer_client *client_of(struct weft_auth_client *client)
{
    weft_assert(client->operations == &bearer_client_operations);
    return WEFT_CONTAINER_OF(client, struct bearer_client, client);
}

/* All are compared, whichever it is. */
static bool is_known(const struct bearer_values *values, struct weft_slice credentials)
{
    const char *value = (const char *)values->text.bytes;
    bool is_found = false;
    for (size_t i = 0; i < values->count; i++, value += strlen(value) + 1) {
        is_found = weft_secret_equal(weft_slice_of_text(value), credentials) || is_found;
    }
    return is_found;
}

static enum weft_status judge(struct weft_auth_server *untyped, const struct weft_auth_claim *claim,
                              struct weft_auth_wait *wait, struct weft_error *error)
{
    (void)wait;
    const struct bearer_server *server = server_of(untyped);
    if (claim->credentials.bytes == NULL) {
        return weft_fail(error, WEFT_UNAUTHENTICATED, "missing or empty authorization header: %s",
                         server->side.shared->config->header);
    }
    return is_known(&server->side.values, claim->credentials)
               ? WEFT_OK
               : weft_fail(error, WEFT_UNAUTHENTICATED,
                           "provided authorization does not match expected scheme or token");
}

static void server_free(struct weft_auth_server *untyped)
{
    struct bearer_server *server = server_of(untyped);
    side_fini(&server->side);
    weft_free(server);
}

static enum weft_status add(struct weft_auth_client *untyped, const struct weft_metadata *metadata,
                            struct weft_header_set *set, struct weft_error *error)
{
    (void)metadata;
    const struct bearer_side *side = &client_of(untyped)->side;
    return weft_header_set_put(set, side->shared->field, weft_slice_of_text((const char *)side->values.text.bytes),
                               error);
}

static void client_free(struct weft_auth_client *untyped)
{
    struct bearer_client *client = client_of(untyped);
    side_fini(&client->side);
    weft_free(client);
}

static const struct weft_auth_server_operations bearer_server_operations = { .judge = judge, .free = server_free };
static const struct weft_auth_client_operations bearer_client_operations = { .add = add, .free = client_free };

static struct weft_auth_server *open_server(struct weft_authenticator *authenticator, struct weft_host *host)
{
    struct bearer_server *server = weft_alloc(sizeof *server);
    side_init(&server->side, authenticator, host);
    server->server = (struct weft_auth_server){ &bearer_server_operations, server->side.shared->field };
    return &server->server;
}

static struct weft_auth_client *open_client(struct weft_authenticator *authenticator,
                                            const struct weft_auth_client_setup *setup)
{
    struct bearer_client *client = weft_alloc(sizeof *client);
    side_init(&client->side, authenticator, setup->host);
    client->client.operations = &bearer_client_operations;
    return &client->client;
}

static const struct weft_authenticator_operations bearer_authenticator = { open_server, open_client };

const struct weft_component weft_extension_bearertokenauth = {
    .kind = WEFT_EXTENSION,
    .type = "bearertokenauth",
    .help = "Authenticates by tokens, at servers and for clients.",
    .fields = bearer_fields,
    .config_size = sizeof(struct bearer_config),
    .validate = validate,
    .authenticates = authenticates,
    .try_files = try_files,
    .advise_files = advise_files,
    .share = share,
    .unshare = shared_free,
};
