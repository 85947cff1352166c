/* Fetching the text behind a location (source.h): for --config and for ${...}. The schemes are the Collector's; what
 * would reach over the network is refused. */
#include "config/source.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/regular_file.h"
#include "config/node_internal.h"

struct request {
    const struct weft_config_environment *environment;
    const char *rest; /* of the uri, after the scheme */
    const char *place;
    struct weft_config_notes *notes;
    struct weft_error *error;
};

static const char *get_from_process(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

const struct weft_config_environment weft_config_process_environment = { .get = get_from_process };

enum weft_status weft_config_read_file(void *context, const char *path, struct weft_buffer *out,
                                       struct weft_error *error)
{
    (void)context;
    return weft_regular_file_read(path, WEFT_CONFIG_MAX_BYTES, out, error);
}

static bool is_variable_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char letter = (char)(name[i] | 0x20);
        bool is_letter = (letter >= 'a' && letter <= 'z') || name[i] == '_';
        if (!is_letter && !(i > 0 && name[i] >= '0' && name[i] <= '9')) {
            return false;
        }
    }
    return length > 0;
}

static enum weft_status note_unset(const struct request *request, const char *name)
{
    enum weft_status status =
        weft_config_notes_add(request->notes, WEFT_NOTE_WARNING,
                              "%s: environment variable %s is not set; taken as empty", request->place, name);
    return status == WEFT_OK ? WEFT_OK : weft_fail(request->error, status, "out of memory");
}

static enum weft_status read_env(const struct request *request, struct weft_config_source *source)
{
    const char *fallback = strstr(request->rest, ":-");
    size_t length = fallback != NULL ? (size_t)(fallback - request->rest) : strlen(request->rest);
    char name[256];
    if (!is_variable_name(request->rest, length) || length >= sizeof name) {
        return weft_fail(request->error, WEFT_INVALID,
                         "%s: \"%.*s\" is not the name of an environment variable (letters, digits and _)",
                         request->place, length > 60 ? 60 : (int)length, request->rest);
    }
    snprintf(name, sizeof name, "%.*s", (int)length, request->rest);
    snprintf(source->name, sizeof source->name, "env:%s", name);
    const char *value = request->environment->get(request->environment->context, name);
    if (value == NULL && fallback == NULL) {
        return note_unset(request, name);
    }
    if (value == NULL) {
        value = fallback + 2;
        source->is_empty_default = *value == '\0';
    }
    weft_buffer_append_text(&source->bytes, value);
    return WEFT_OK;
}

static enum weft_status read_file(const struct request *request, struct weft_config_source *source)
{
    const struct weft_config_environment *environment = request->environment;
    snprintf(source->name, sizeof source->name, "%s", request->rest);
    source->has_lines = true;
    enum weft_status status =
        environment->read_file != NULL
            ? environment->read_file(environment->context, request->rest, &source->bytes, request->error)
            : weft_config_read_file(NULL, request->rest, &source->bytes, request->error);
    struct weft_slice bytes = weft_buffer_slice(&source->bytes);
    if (status == WEFT_OK && bytes.length > 0 && memchr(bytes.bytes, '\0', bytes.length) != NULL) {
        status = weft_fail(request->error, WEFT_INVALID, "%s: not a text, it holds the NUL character", request->rest);
    }
    return status == WEFT_OK || request->error == NULL ? status
                                                       : weft_fail_prefix(request->error, "%s", request->place);
}

static enum weft_status read_yaml(const struct request *request, struct weft_config_source *source)
{
    snprintf(source->name, sizeof source->name, "yaml");
    weft_buffer_append_text(&source->bytes, request->rest);
    return WEFT_OK;
}

static enum weft_status refuse_network(const struct request *request, struct weft_config_source *source)
{
    (void)source;
    return weft_fail(
        request->error, WEFT_UNSUPPORTED,
        "%s: weft does not read config over the network (http:, https:); use file:, env: or yaml:", request->place);
}

struct scheme {
    const char *prefix;
    enum weft_status (*read)(const struct request *request, struct weft_config_source *source);
};

static const struct scheme schemes[] = {
    { "env:", read_env },        { "file:", read_file },       { "yaml:", read_yaml },
    { "http:", refuse_network }, { "https:", refuse_network },
};

static const struct scheme *find_scheme(const char *uri)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(schemes); i++) {
        if (strncmp(uri, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* ${NAME:-x} reads as scheme NAME; the Collector refuses it too. */
static enum weft_status fail_scheme(const char *uri, const char *place, struct weft_error *error)
{
    size_t length = strcspn(uri, ":");
    int shown = length > 60 ? 60 : (int)length;
    if (strncmp(uri + length, ":-", 2) == 0) {
        return weft_fail(error, WEFT_UNSUPPORTED, "%s: for a default write ${env:%.*s:-...}", place, shown, uri);
    }
    return weft_fail(error, WEFT_UNSUPPORTED, "%s: \"%.*s\" is not one of env, file, yaml", place, shown, uri);
}

enum weft_status weft_config_source_read(const struct weft_config_environment *environment, const char *uri,
                                         const char *place, struct weft_config_notes *notes,
                                         struct weft_config_source *out_source, struct weft_error *error)
{
    const struct scheme *scheme = find_scheme(uri);
    if (scheme == NULL) {
        return fail_scheme(uri, place, error);
    }
    struct weft_config_source source = { 0 };
    struct request request = { environment, uri + strlen(scheme->prefix), place, notes, error };
    weft_buffer_init(&source.bytes, WEFT_CONFIG_MAX_BYTES + 1);
    enum weft_status status = scheme->read(&request, &source);
    if (status == WEFT_OK && source.bytes.length <= WEFT_CONFIG_MAX_BYTES) {
        weft_buffer_append_byte(&source.bytes, '\0');
        status = weft_buffer_status(&source.bytes);
        source.bytes.length -= status == WEFT_OK;
        status = status == WEFT_OK ? WEFT_OK : weft_fail(error, status, "out of memory");
    }
    if (status != WEFT_OK) {
        weft_buffer_fini(&source.bytes);
        return status;
    }
    *out_source = source;
    return WEFT_OK;
}

void weft_config_source_fini(struct weft_config_source *source)
{
    weft_buffer_fini(&source->bytes);
}
