/* Extension `headers_setter`: gives a client's requests header fields, with values that the config has, a file, or the
 * request that the records came by. Another authenticator may add its own. */
#include "weft/component.h"

#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "extensions/file_value.h"
#include "net/header.h"
#include "pipeline/metadata.h"

enum { FILE_TASKS = 256 };

struct header_config {
    char *action;
    char *key;
    struct weft_secret value; /* text NULL: not there */
    char *value_file;         /* the same for these */
    char *from_context;
    char *from_attribute;
    struct weft_secret default_value;
};

struct setter_config {
    struct weft_config_list headers; /* struct header_config */
    char *additional_auth;
    struct weft_duration reload_interval;
};

enum action { UPSERT, INSERT, UPDATE, DELETE };

struct setter_shared {
    struct weft_authenticator authenticator; /* first */
    const struct setter_config *config;
    const char *id;
    struct weft_buffer *files;  /* by header: what its file said at the start */
    struct weft_helper *helper; /* NULL: no files */
};

struct setter_client {
    struct weft_auth_client client;
    const struct setter_shared *shared;
    struct weft_auth_client_setup setup;
    struct weft_auth_client *additional; /* NULL = none */
    struct weft_file_value *values;      /* by header; those without a file are not used */
};

#define HEADER struct header_config

static const struct weft_field header_fields[] = {
    WEFT_FIELD(HEADER, action, "upsert",
               "insert (if it is not there), update (if it is), upsert or delete; over gRPC it sees only what "
               "additional_auth has added."),
    WEFT_FIELD(HEADER, key, NULL, "The header.", .is_required = true),
    WEFT_FIELD(HEADER, value, NULL, "Its value."),
    WEFT_FIELD(HEADER, value_file, NULL, "A file with the value, looked at again."),
    WEFT_FIELD(HEADER, from_context, NULL,
               "The request's own header to take it from; see include_metadata. A sending_queue.batch keeps apart what "
               "differs in it; a batch processor needs it in its metadata_keys."),
    WEFT_FIELD(HEADER, default_value, NULL, "The value when the request has none."),
    WEFT_FIELD(HEADER, from_attribute, NULL,
               "What is known of who has authenticated: nothing, since neither basicauth nor bearertokenauth says "
               "anything; so default_value stands, or the header is empty."),
    WEFT_FIELDS_END,
};

static const struct weft_field setter_fields[] = {
    WEFT_FIELD_LIST(struct setter_config, headers, HEADER, header_fields, "What to set, in this order."),
    WEFT_FIELD(struct setter_config, additional_auth, NULL, "An extension that authenticates, besides."),
    WEFT_FIELD(struct setter_config, reload_interval, "1s", "How often files are looked at.", .minimum = 0.01),
    WEFT_FIELDS_END,
};

static const HEADER *header_at(const struct setter_config *config, size_t index)
{
    return &((const HEADER *)config->headers.items)[index];
}

/* As in the Collector any other word is upsert. */
static enum action action_of(const HEADER *header)
{
    static const char *const words[] = {
        [UPSERT] = "upsert", [INSERT] = "insert", [UPDATE] = "update", [DELETE] = "delete"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (strcmp(header->action, words[i]) == 0) {
            return (enum action)i;
        }
    }
    return UPSERT;
}

static bool is_from_context(const HEADER *header)
{
    return header->from_context != NULL && action_of(header) != DELETE;
}

static enum weft_status validate_header(const HEADER *header, struct weft_error *error)
{
    int sources = (header->value.text != NULL) + (header->value_file != NULL) + (header->from_context != NULL) +
                  (header->from_attribute != NULL);
    if (header->key[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "missing header name");
    }
    if (action_of(header) == DELETE) {
        return WEFT_OK;
    }
    if (sources == 0) {
        return weft_fail(error, WEFT_INVALID,
                         "missing header source, must be 'from_context', 'from_attribute', 'value', or 'value_file'");
    }
    if (sources > 1) {
        return weft_fail(
            error, WEFT_INVALID,
            "invalid header source, must be only one of 'from_context', 'from_attribute', 'value', or 'value_file'");
    }
    if (!weft_header_is_valid(header->key, header->value.text == NULL ? "" : header->value.text)) {
        return weft_fail(error, WEFT_INVALID, "\"%.100s\" is no header name, or its value has a control character",
                         header->key);
    }
    return WEFT_OK;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct setter_config *config = untyped;
    if (config->headers.count == 0) {
        return weft_fail(error, WEFT_INVALID, "missing headers configuration");
    }
    if (config->headers.count > WEFT_HEADER_SET_MAX) {
        return weft_fail(error, WEFT_INVALID, "headers: more than %d", WEFT_HEADER_SET_MAX);
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < config->headers.count; i++) {
        status = validate_header(header_at(config, i), error);
    }
    return status;
}

static unsigned authenticates(const void *config)
{
    (void)config;
    return WEFT_AUTHENTICATES_CLIENTS;
}

static size_t auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct setter_config *config = untyped;
    if (config->additional_auth == NULL) {
        return 0;
    }
    out_needs[0] = (struct weft_auth_need){ config->additional_auth, WEFT_AUTHENTICATES_CLIENTS, false };
    return 1;
}

/* ---- for the process ---- */

static void shared_free(void *untyped)
{
    struct setter_shared *shared = untyped;
    weft_clear_magic(&shared->authenticator, authenticator);
    for (size_t i = 0; i < shared->config->headers.count; i++) {
        weft_buffer_fini(&shared->files[i]);
    }
    if (shared->helper != NULL) {
        weft_helper_free(shared->helper);
    }
    weft_free(shared->files);
    weft_free(shared);
}

static enum weft_status read_file(struct setter_shared *shared, size_t index, struct weft_error *error)
{
    const char *path = header_at(shared->config, index)->value_file;
    if (path == NULL || action_of(header_at(shared->config, index)) == DELETE) {
        return WEFT_OK;
    }
    if (shared->helper == NULL) {
        shared->helper = weft_helper_new("weft-headers", FILE_TASKS, NULL, NULL);
    }
    return weft_file_value_read(path, WEFT_FILE_VALUE_HEADER, &shared->files[index], error);
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct setter_config *config = untyped;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < config->headers.count; i++) {
        const HEADER *header = header_at(config, i);
        struct weft_buffer contents;
        weft_buffer_init(&contents, 0);
        if (header->value_file != NULL && action_of(header) != DELETE) {
            status = weft_file_value_read(header->value_file, WEFT_FILE_VALUE_HEADER, &contents, error);
        }
        weft_buffer_fini_secret(&contents);
    }
    return status;
}

static const struct weft_authenticator_operations setter_authenticator;

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    struct setter_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(&shared->authenticator, authenticator);
    shared->authenticator.operations = &setter_authenticator;
    shared->config = untyped;
    shared->id = id;
    shared->files = weft_alloc(shared->config->headers.count * sizeof *shared->files);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < shared->config->headers.count; i++) {
        weft_buffer_init(&shared->files[i], 0);
        status = status == WEFT_OK ? read_file(shared, i, error) : status;
    }
    if (status != WEFT_OK) {
        shared_free(shared);
        return status;
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- clients ---- */

static const struct weft_auth_client_operations setter_operations;

static struct setter_client *client_of(struct weft_auth_client *client)
{
    weft_assert(client->operations == &setter_operations);
    return WEFT_CONTAINER_OF(client, struct setter_client, client);
}

/* What a request has without this: configured headers and, over HTTP, what every request has. */
static bool is_there(const struct setter_client *client, const struct weft_header_set *set, const char *key)
{
    static const char *const always[] = { "content-type", "user-agent" };
    const struct weft_config_map *headers = client->setup.headers;
    if (weft_header_set_has(set, key) || client->setup.is_grpc) {
        return weft_header_set_has(set, key);
    }
    for (size_t i = 0; i < headers->count; i++) {
        if (strcasecmp(headers->entries[i].key, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(always); i++) {
        if (strcasecmp(always[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static enum weft_status find_value(const struct setter_client *client, size_t index,
                                   const struct weft_metadata *metadata, struct weft_slice *out_value,
                                   struct weft_error *error)
{
    const HEADER *header = header_at(client->shared->config, index);
    if (header->from_attribute != NULL) {
        *out_value = weft_slice_of_text(header->default_value.text == NULL ? "" : header->default_value.text);
        return WEFT_OK;
    }
    if (header->from_context == NULL) {
        *out_value = header->value_file != NULL ? weft_buffer_slice(&client->values[index].text)
                                                : weft_slice_of_text(header->value.text);
        return WEFT_OK;
    }
    size_t count = weft_metadata_find(metadata, header->from_context, out_value);
    if (count == 0) {
        *out_value = weft_slice_of_text(header->default_value.text == NULL ? "" : header->default_value.text);
    }
    return count <= 1 ? WEFT_OK
                      : weft_fail(error, WEFT_INVALID,
                                  "%zu source keys found in the context, can't determine which one to use", count);
}

static enum weft_status add_one(const struct setter_client *client, size_t index, const struct weft_metadata *metadata,
                                struct weft_header_set *set, struct weft_error *error)
{
    const HEADER *header = header_at(client->shared->config, index);
    enum action action = action_of(header);
    struct weft_slice value;
    if (action == DELETE && client->setup.is_grpc) {
        weft_header_set_remove(set, header->key);
        return WEFT_OK;
    }
    if (action == DELETE) {
        return weft_header_set_put_absent(set, header->key, error);
    }
    enum weft_status status = find_value(client, index, metadata, &value, error);
    if (status != WEFT_OK || (action != UPSERT && is_there(client, set, header->key) != (action == UPDATE))) {
        return status;
    }
    return weft_header_set_put(set, header->key, value, error);
}

/* Over gRPC the other authenticator comes first, over HTTP last: its fields stand, as in the Collector. */
static enum weft_status add(struct weft_auth_client *untyped, const struct weft_metadata *metadata,
                            struct weft_header_set *set, struct weft_error *error)
{
    const struct setter_client *client = client_of(untyped);
    struct weft_auth_client *additional = client->additional;
    enum weft_status status = WEFT_OK;
    if (additional != NULL && client->setup.is_grpc) {
        status = additional->operations->add(additional, metadata, set, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < client->shared->config->headers.count; i++) {
        status = add_one(client, i, metadata, set, error);
    }
    if (status == WEFT_OK && additional != NULL && !client->setup.is_grpc) {
        status = additional->operations->add(additional, metadata, set, error);
    }
    return status;
}

static bool tells_apart(const struct weft_auth_client *untyped, const struct weft_metadata *left,
                        const struct weft_metadata *right)
{
    const struct setter_client *client = WEFT_CONTAINER_OF(untyped, const struct setter_client, client);
    const struct setter_config *config = client->shared->config;
    for (size_t i = 0; i < config->headers.count; i++) {
        if (is_from_context(header_at(config, i)) &&
            !weft_metadata_is_same_under(left, right, header_at(config, i)->from_context)) {
            return true;
        }
    }
    return weft_auth_client_tells_apart(client->additional, left, right);
}

static void client_free(struct weft_auth_client *untyped)
{
    struct setter_client *client = client_of(untyped);
    for (size_t i = 0; i < client->shared->config->headers.count; i++) {
        weft_file_value_fini(&client->values[i]);
    }
    weft_auth_client_free(client->additional);
    weft_free(client->values);
    weft_free(client);
}

static const struct weft_auth_client_operations setter_operations = {
    .add = add,
    .tells_apart = tells_apart,
    .free = client_free,
};

static void open_value(struct setter_client *client, size_t index)
{
    const struct setter_shared *shared = client->shared;
    struct weft_slice first = weft_buffer_slice(&shared->files[index]);
    if (first.length == 0) { /* it has no file */
        weft_file_value_init_fixed(&client->values[index], "");
        return;
    }
    weft_file_value_init(&client->values[index],
                         &(struct weft_watched_file_settings){ .host = client->setup.host,
                                                               .helper = shared->helper,
                                                               .id = shared->id,
                                                               .path = header_at(shared->config, index)->value_file,
                                                               .interval_ns = shared->config->reload_interval.ns },
                         WEFT_FILE_VALUE_HEADER, first);
}

static struct weft_auth_client *open_client(struct weft_authenticator *authenticator,
                                            const struct weft_auth_client_setup *setup)
{
    struct setter_client *client = weft_alloc(sizeof *client);
    client->client.operations = &setter_operations;
    client->shared = WEFT_CONTAINER_OF(authenticator, struct setter_shared, authenticator);
    client->setup = *setup;
    client->additional = weft_auth_client_open(authenticator->additional, setup);
    client->values = weft_alloc(client->shared->config->headers.count * sizeof *client->values);
    for (size_t i = 0; i < client->shared->config->headers.count; i++) {
        open_value(client, i);
    }
    return &client->client;
}

static const char *reads_metadata(const void *untyped, size_t index)
{
    const struct setter_config *config = untyped;
    for (size_t i = 0; i < config->headers.count; i++) {
        if (is_from_context(header_at(config, i)) && index-- == 0) {
            return header_at(config, i)->from_context;
        }
    }
    return NULL;
}

static const struct weft_authenticator_operations setter_authenticator = { .open_client = open_client };

const struct weft_component weft_extension_headers_setter = {
    .kind = WEFT_EXTENSION,
    .type = "headers_setter",
    .help = "Gives a client's requests header fields.",
    .fields = setter_fields,
    .config_size = sizeof(struct setter_config),
    .validate = validate,
    .auth_needs = auth_needs,
    .authenticates = authenticates,
    .try_files = try_files,
    .reads_metadata = reads_metadata,
    .share = share,
    .unshare = shared_free,
};
