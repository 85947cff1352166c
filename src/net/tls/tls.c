/* TLS contexts (tls.h). A reload builds a whole new OpenSSL context and swaps it in under a mutex; connections hold a
 * reference to the one that they began with. Files that are to be looked at meanwhile are a helper's business. OpenSSL
 * is first touched when a context is made, so that a plaintext agent does not pay for its tables. */
#include "net/tls/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/thread.h"
#include "net/tls/context.h"

/* What tells one content of a file from the next. All zero: it could not be looked at. */
struct file_stamp {
    uint64_t device, inode, size_bytes;
    int64_t changed_s, changed_ns;
};

struct weft_tls_context {
    struct weft_tls_settings settings; /* a deep copy */
    uint8_t alpn_wire[18];             /* length byte and name, as TLS writes it */
    size_t alpn_wire_length;
    struct weft_mutex mutex; /* guards what is below */
    SSL_CTX *native;
    SSL_CTX *renewed; /* to take over, or not; NULL = there is no renewal */
    struct weft_monotonic next_reload;
    bool is_looking;                 /* the helper is at it, or stands */
    struct weft_monotonic look_ends; /* so long who looks waits for it */
    struct weft_condition has_looked;
    struct weft_helper_task look;
    bool is_read_due;            /* for this look; set before it is asked for */
    struct file_stamp client_ca; /* as it was last read, or tried: who looks has it */
    struct weft_helper *helper;  /* that looks at files; NULL: nothing is to be looked at */
};

static const int64_t patience_ns = 20 * WEFT_NS_PER_MS;

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static int on_alpn_offered(SSL *tls, const unsigned char **out_name, unsigned char *out_length,
                           const unsigned char *offered, unsigned int offered_length, void *argument)
{
    (void)tls;
    const struct weft_tls_context *context = argument;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_length, context->alpn_wire, (unsigned)context->alpn_wire_length, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out_name = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void set_alpn(SSL_CTX *native, struct weft_tls_context *context)
{
    if (context->alpn_wire_length == 0) {
        return;
    }
    if (context->settings.is_server) {
        SSL_CTX_set_alpn_select_cb(native, on_alpn_offered, context);
    } else {
        SSL_CTX_set_alpn_protos(native, context->alpn_wire, (unsigned)context->alpn_wire_length);
    }
}

/* No resumption: connections live for hours, and tickets would need keys that rotate and are shared. An end without
 * close_notify counts as an end: both protocols above say themselves where a message ends. */
static void set_options(SSL_CTX *native)
{
    SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(native,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(native, 0);
}

static enum weft_status build(struct weft_tls_context *context, SSL_CTX **out_native, struct weft_error *error)
{
    const struct weft_tls_settings *settings = &context->settings;
    ERR_clear_error();
    SSL_CTX *native = SSL_CTX_new(settings->is_server ? TLS_server_method() : TLS_client_method());
    if (native == NULL) {
        return weft_tls_fail(error, "context", "");
    }
    set_options(native);
    enum weft_status status = weft_tls_apply_versions(native, settings, error);
    if (status == WEFT_OK) {
        status = weft_tls_apply_ciphers(native, settings, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_apply_curves(native, settings, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_load_authorities(native, settings, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_load_identity(native, settings, error);
    }
    if (status != WEFT_OK) {
        SSL_CTX_free(native);
        return status;
    }
    set_alpn(native, context);
    *out_native = native;
    return WEFT_OK;
}

static const char *copy_text(const char *text)
{
    return text == NULL ? NULL : weft_alloc_string(text);
}

static const char *const *copy_names(const char *const *names)
{
    if (names == NULL) {
        return NULL;
    }
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    const char **copies = weft_alloc((count + 1) * sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        copies[i] = weft_alloc_string(names[i]);
    }
    return copies;
}

/* Every text of the settings, once, so that copying and freeing cannot forget one. */
#define TEXT_SETTINGS(ROW) \
    ROW(ca_file)           \
    ROW(ca_pem)            \
    ROW(cert_file)         \
    ROW(cert_pem)          \
    ROW(key_file) ROW(key_pem) ROW(client_ca_file) ROW(min_version) ROW(max_version) ROW(server_name_override) ROW(alpn)

static void copy_settings(struct weft_tls_settings *copy, const struct weft_tls_settings *settings)
{
    *copy = *settings;
#define COPY_TEXT(name) copy->name = copy_text(settings->name);
    TEXT_SETTINGS(COPY_TEXT)
#undef COPY_TEXT
    copy->cipher_suites = copy_names(settings->cipher_suites);
    copy->curve_preferences = copy_names(settings->curve_preferences);
}

static void free_names(const char *const *names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        weft_free((char *)names[i]);
    }
    weft_free((void *)names);
}

static void free_settings(struct weft_tls_settings *settings)
{
    if (settings->key_pem != NULL) {
        OPENSSL_cleanse((char *)settings->key_pem, strlen(settings->key_pem));
    }
#define FREE_TEXT(name) weft_free((char *)settings->name);
    TEXT_SETTINGS(FREE_TEXT)
#undef FREE_TEXT
    free_names(settings->cipher_suites);
    free_names(settings->curve_preferences);
}

static void schedule_reload(struct weft_tls_context *context)
{
    int64_t interval_ns = context->settings.reload_interval_ns;
    context->next_reload = interval_ns > 0 ? weft_monotonic_after(weft_monotonic_now(), interval_ns) : WEFT_NEVER;
}

static struct file_stamp stamp_of(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        return (struct file_stamp){ 0 };
    }
    return (struct file_stamp){ .device = file.st_dev,
                                .inode = file.st_ino,
                                .size_bytes = (uint64_t)file.st_size,
                                .changed_s = file.st_ctim.tv_sec,
                                .changed_ns = file.st_ctim.tv_nsec };
}

static bool watches_client_ca(const struct weft_tls_settings *settings)
{
    return settings->client_ca_file_reload && is_given(settings->client_ca_file);
}

/* Takes note of the file as it is now; whether it is another one than last time. */
static bool note_client_ca(struct weft_tls_context *context)
{
    if (!watches_client_ca(&context->settings)) {
        return false;
    }
    struct file_stamp stamp = stamp_of(context->settings.client_ca_file);
    bool is_same = stamp.device == context->client_ca.device && stamp.inode == context->client_ca.inode &&
                   stamp.size_bytes == context->client_ca.size_bytes &&
                   stamp.changed_s == context->client_ca.changed_s && stamp.changed_ns == context->client_ca.changed_ns;
    context->client_ca = stamp;
    return !is_same;
}

static bool is_due(const struct weft_tls_context *context)
{
    return context->next_reload.ns != INT64_MAX && weft_monotonic_now().ns >= context->next_reload.ns;
}

static void destroy(void *untyped)
{
    struct weft_tls_context *context = untyped;
    SSL_CTX_free(context->native);
    SSL_CTX_free(context->renewed);
    weft_condition_fini(&context->has_looked);
    weft_mutex_fini(&context->mutex);
    free_settings(&context->settings);
    weft_free(context);
}

enum weft_status weft_tls_context_new(const struct weft_tls_settings *settings, struct weft_tls_context **out_context,
                                      struct weft_error *error)
{
    /* OpenSSL writes to sockets without MSG_NOSIGNAL. */
    signal(SIGPIPE, SIG_IGN);
    struct weft_tls_context *context = weft_alloc(sizeof *context);
    copy_settings(&context->settings, settings);
    if (is_given(settings->alpn)) {
        size_t length = strlen(settings->alpn);
        weft_assert(length < sizeof context->alpn_wire - 1);
        context->alpn_wire[0] = (uint8_t)length;
        memcpy(context->alpn_wire + 1, settings->alpn, length);
        context->alpn_wire_length = length + 1;
    }
    weft_mutex_init(&context->mutex);
    weft_condition_init(&context->has_looked);
    (void)note_client_ca(context); /* before it is read: a change in between is then seen later */
    enum weft_status status = build(context, &context->native, error);
    if (status != WEFT_OK) {
        weft_tls_context_free(context);
        return status;
    }
    schedule_reload(context);
    if (watches_client_ca(settings) || settings->reload_interval_ns > 0) {
        context->helper = weft_helper_new("weft-tls", 1, context, destroy);
    }
    *out_context = context;
    return WEFT_OK;
}

void weft_tls_context_free(struct weft_tls_context *context)
{
    if (context != NULL && context->helper != NULL) {
        weft_helper_free(context->helper);
    } else if (context != NULL) {
        destroy(context);
    }
}

static void use(struct weft_tls_context *context, SSL_CTX *fresh)
{
    weft_mutex_lock(&context->mutex);
    SSL_CTX *old = context->native;
    context->native = fresh;
    weft_mutex_unlock(&context->mutex);
    SSL_CTX_free(old);
}

static void read_again(struct weft_tls_context *context)
{
    SSL_CTX *fresh = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    if (build(context, &fresh, &error) != WEFT_OK) {
        weft_log(WARN, "tls.reload_failed", "TLS files were not reloaded; the old ones stay in use",
                 WEFT_LOG_STRING("reason", error.text));
        return;
    }
    use(context, fresh);
}

/* On the helper's thread. */
static void look(struct weft_helper_task *task, void *untyped)
{
    struct weft_tls_context *context = untyped;
    (void)task;
    if (note_client_ca(context) || context->is_read_due) {
        read_again(context);
    }
    weft_tls_leave_thread();
}

static void has_looked(struct weft_helper_task *task)
{
    struct weft_tls_context *context = WEFT_CONTAINER_OF(task, struct weft_tls_context, look);
    weft_mutex_lock(&context->mutex);
    context->is_looking = false;
    weft_condition_signal(&context->has_looked);
    weft_mutex_unlock(&context->mutex);
}

/* With the mutex locked. */
static void begin_to_look(struct weft_tls_context *context)
{
    context->is_read_due = is_due(context);
    if (!watches_client_ca(&context->settings) && !context->is_read_due) {
        return;
    }
    if (context->is_read_due) {
        schedule_reload(context);
    }
    context->look = (struct weft_helper_task){ .work = look, .on_left = has_looked };
    context->is_looking = weft_helper_ask(context->helper, NULL, &context->look, NULL) == WEFT_OK;
    context->look_ends = weft_monotonic_after(weft_monotonic_now(), patience_ns);
}

/* A disk that stands costs no connection more than the patience, and only one of them. */
static void look_at_files(struct weft_tls_context *context)
{
    int64_t left_ns;
    if (context->helper == NULL) {
        return;
    }
    weft_mutex_lock(&context->mutex);
    if (!context->is_looking) {
        begin_to_look(context);
    }
    while (context->is_looking && (left_ns = context->look_ends.ns - weft_monotonic_now().ns) > 0) {
        weft_condition_wait_for(&context->has_looked, &context->mutex, left_ns);
    }
    weft_mutex_unlock(&context->mutex);
}

void weft_tls_context_reload(struct weft_tls_context *context, bool is_forced)
{
    if (is_forced) {
        read_again(context);
    } else {
        look_at_files(context);
    }
}

enum weft_status weft_tls_context_renew(struct weft_tls_context *context, struct weft_error *error)
{
    SSL_CTX *fresh = NULL;
    enum weft_status status = context == NULL ? WEFT_OK : build(context, &fresh, error);
    if (context != NULL) {
        weft_mutex_lock(&context->mutex);
        weft_assert(context->renewed == NULL);
        context->renewed = fresh;
        weft_mutex_unlock(&context->mutex);
    }
    return status;
}

void weft_tls_context_end_renewal(struct weft_tls_context *context, bool is_used)
{
    if (context == NULL) {
        return;
    }
    weft_mutex_lock(&context->mutex);
    SSL_CTX *renewed = context->renewed;
    context->renewed = NULL;
    weft_mutex_unlock(&context->mutex);
    if (is_used && renewed != NULL) {
        use(context, renewed);
    } else {
        SSL_CTX_free(renewed);
    }
}

struct ssl_ctx_st *weft_tls_context_acquire(struct weft_tls_context *context)
{
    weft_tls_context_reload(context, false);
    weft_mutex_lock(&context->mutex);
    SSL_CTX *native = context->native;
    SSL_CTX_up_ref(native);
    weft_mutex_unlock(&context->mutex);
    return native;
}

const struct weft_tls_settings *weft_tls_context_settings(const struct weft_tls_context *context)
{
    return &context->settings;
}

void weft_tls_leave_thread(void)
{
    OPENSSL_thread_stop();
}
