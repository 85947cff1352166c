/* The TLS half of a transport: SSL_read and SSL_write straight on the socket. Small pieces of output are joined into
 * full records; a record that the socket did not take is offered again with the very same bytes, as OpenSSL demands, so
 * the owner must write the same run of bytes again before anything new. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "net/loop.h"
#include "net/tls/context.h"
#include "net/transport_kind.h"

enum {
    RECORD_BYTES = 16384,
    RECORD_HEADER_BYTES = 5,
    PEEKS = 4, /* after so many looks at a record that is not whole: it does not come, or nobody tells us when */
};

/* Turns OpenSSL's verdict on the last call into ours. */
static enum weft_io_result explain(struct weft_transport *transport, int result, const char *what)
{
    int system_error = errno;
    char reason[120];
    long verified;
    transport->interest = 0;
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_WANT_READ:
        transport->interest = WEFT_READABLE;
        return WEFT_IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        transport->interest = WEFT_WRITABLE;
        return WEFT_IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return WEFT_IO_END;
    case SSL_ERROR_SYSCALL:
        snprintf(reason, sizeof reason, "%s", system_error != 0 ? strerror(system_error) : "connection closed");
        break;
    default:
        weft_tls_take_error(reason, sizeof reason);
        break;
    }
    transport->is_broken = true;
    verified = SSL_get_verify_result(transport->tls);
    bool is_unverified = verified != X509_V_OK && SSL_get_verify_mode(transport->tls) != SSL_VERIFY_NONE;
    snprintf(transport->failure, sizeof transport->failure, "TLS %s: %s%s%s", what, reason, is_unverified ? ": " : "",
             is_unverified ? X509_verify_cert_error_string(verified) : "");
    ERR_clear_error();
    return WEFT_IO_FAILED;
}

/* Both sides: who has not agreed speaks HTTP/1.1. */
static enum weft_io_result check_alpn(struct weft_transport *transport)
{
    const unsigned char *chosen = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(transport->tls, &chosen, &length);
    /* A server that knows no ALPN speaks HTTP/1.1 (RFC 7301 3.2); it cannot be known to speak HTTP/2. */
    bool is_default = length == 0 && strcmp(transport->alpn, "http/1.1") == 0;
    if (transport->alpn[0] != '\0' && !is_default &&
        !weft_slice_equal_text(weft_slice_of(chosen, length), transport->alpn)) {
        snprintf(transport->failure, sizeof transport->failure, "TLS handshake: the %s did not agree to %s (ALPN)",
                 SSL_is_server(transport->tls) ? "client" : "server", transport->alpn);
        return WEFT_IO_FAILED;
    }
    return WEFT_IO_DONE;
}

static void make_native(struct weft_transport *transport, struct weft_tls_context *context)
{
    SSL_CTX *native = weft_tls_context_acquire(context);
    transport->tls = SSL_new(native);
    SSL_CTX_free(native);
    weft_assert(transport->tls != NULL);
    SSL_set_fd(transport->tls, transport->descriptor);
}

/* How much of the first record must be there. What is no record of a handshake, or longer than one may be, is
 * OpenSSL's to refuse. */
static size_t first_record_bytes(const uint8_t *bytes, size_t length)
{
    if (bytes[0] != SSL3_RT_HANDSHAKE) {
        return 1;
    }
    if (length < RECORD_HEADER_BYTES) {
        return RECORD_HEADER_BYTES;
    }
    size_t content = (size_t)bytes[3] << 8 | bytes[4];
    return content > RECORD_BYTES ? RECORD_HEADER_BYTES : RECORD_HEADER_BYTES + content;
}

/* The socket is readable when so much is there, or the end. A unix socket does not know it: see PEEKS. */
static void wake_at(const struct weft_transport *transport, size_t length)
{
    int low_water = (int)length;
    (void)setsockopt(transport->descriptor, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
}

static enum weft_io_result begin_to_accept(struct weft_transport *transport)
{
    if (transport->peek_count > 0) {
        wake_at(transport, 1);
    }
    make_native(transport, transport->context);
    SSL_set_accept_state(transport->tls);
    transport->has_heard = true;
    return WEFT_IO_DONE;
}

/* OpenSSL's forty kilobytes are for clients that say something: their first record lies in the socket until it is
 * whole. DONE: it is, or the rest will not come and OpenSSL shall say so. */
static enum weft_io_result wait_for_client(struct weft_transport *transport)
{
    uint8_t bytes[RECORD_HEADER_BYTES + RECORD_BYTES];
    ssize_t length = recv(transport->descriptor, bytes, sizeof bytes, MSG_PEEK);
    if (length > 0) {
        size_t wanted = first_record_bytes(bytes, (size_t)length);
        if ((size_t)length >= wanted || transport->peek_count == PEEKS) {
            return begin_to_accept(transport);
        }
        transport->peek_count++;
        wake_at(transport, wanted);
    }
    if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))) {
        transport->interest = WEFT_READABLE;
        return WEFT_IO_AGAIN;
    }
    snprintf(transport->failure, sizeof transport->failure, "TLS handshake: %s",
             length == 0 ? "the peer closed the connection" : strerror(errno));
    return WEFT_IO_FAILED;
}

static enum weft_io_result tls_handshake(struct weft_transport *transport)
{
    if (transport->tls == NULL) {
        enum weft_io_result outcome = wait_for_client(transport);
        if (outcome != WEFT_IO_DONE) {
            return outcome;
        }
    }
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(transport->tls);
    if (result != 1) {
        enum weft_io_result outcome = explain(transport, result, "handshake");
        if (outcome == WEFT_IO_END) {
            snprintf(transport->failure, sizeof transport->failure, "TLS handshake: the peer closed the connection");
            return WEFT_IO_FAILED;
        }
        return outcome;
    }
    transport->interest = 0;
    if (check_alpn(transport) != WEFT_IO_DONE) {
        return WEFT_IO_FAILED;
    }
    transport->is_handshake_done = true;
    return WEFT_IO_DONE;
}

/* Reads until the buffer is full or the socket is empty: one record holds at most 16 KiB. */
static enum weft_io_result tls_read(struct weft_transport *transport, void *bytes, size_t capacity, size_t *out_length)
{
    size_t total = 0;
    while (total < capacity) {
        size_t length = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read_ex(transport->tls, (uint8_t *)bytes + total, capacity - total, &length);
        if (result == 1) {
            total += length;
            continue;
        }
        /* What came before an end or a failure counts first; the next read reports the rest. */
        if (total > 0) {
            break;
        }
        return explain(transport, result, "read");
    }
    transport->interest = 0;
    *out_length = total;
    return WEFT_IO_DONE;
}

/* Copies the next length bytes of the vectors, from offset of the first on. */
static size_t gather(const struct iovec *vectors, size_t vector_count, size_t offset, uint8_t *record, size_t length)
{
    size_t gathered = 0;
    for (size_t i = 0; i < vector_count && gathered < length; i++) {
        size_t available = vectors[i].iov_len - offset;
        size_t piece = available < length - gathered ? available : length - gathered;
        if (piece > 0) {
            memcpy(record + gathered, (const uint8_t *)vectors[i].iov_base + offset, piece);
        }
        gathered += piece;
        offset = 0;
    }
    return gathered;
}

/* One record. A vector that fills a record alone is not copied. */
static int write_record(struct weft_transport *transport, const struct iovec *vectors, size_t vector_count,
                        size_t offset, size_t *out_length)
{
    uint8_t record[RECORD_BYTES];
    size_t wanted = transport->pending_write > 0 ? transport->pending_write : RECORD_BYTES;
    const uint8_t *source = (const uint8_t *)vectors[0].iov_base + offset;
    if (vectors[0].iov_len - offset < wanted) {
        source = record;
        wanted = gather(vectors, vector_count, offset, record, wanted);
    }
    weft_assert(wanted >= transport->pending_write);
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(transport->tls, source, wanted, out_length);
    transport->pending_write = result == 1 ? 0 : wanted;
    return result;
}

static enum weft_io_result tls_write(struct weft_transport *transport, const struct iovec *vectors, size_t vector_count,
                                     size_t *out_length)
{
    size_t total = 0, at = 0, offset = 0;
    for (;;) {
        while (at < vector_count && offset == vectors[at].iov_len) {
            at++;
            offset = 0;
        }
        if (at == vector_count) {
            break;
        }
        size_t written = 0;
        int result = write_record(transport, vectors + at, vector_count - at, offset, &written);
        if (result != 1) {
            enum weft_io_result outcome = explain(transport, result, "write");
            if (outcome == WEFT_IO_END) {
                snprintf(transport->failure, sizeof transport->failure,
                         "TLS write: the peer has closed the connection");
                return WEFT_IO_FAILED;
            }
            if (outcome == WEFT_IO_AGAIN && total > 0) {
                break;
            }
            return outcome;
        }
        total += written;
        for (offset += written; at < vector_count && offset > vectors[at].iov_len; at++) {
            offset -= vectors[at].iov_len;
        }
    }
    *out_length = total;
    return WEFT_IO_DONE;
}

static bool tls_has_buffered(const struct weft_transport *transport)
{
    return transport->is_handshake_done && SSL_has_pending(transport->tls) == 1;
}

static void tls_fini(struct weft_transport *transport)
{
    if (transport->tls == NULL) {
        return;
    }
    ERR_clear_error();
    if (transport->is_handshake_done && !transport->is_broken) {
        (void)SSL_shutdown(transport->tls);
    }
    ERR_clear_error();
    SSL_free(transport->tls);
}

static const struct weft_transport_kind tls_kind = { tls_handshake, tls_read, tls_write, tls_has_buffered, tls_fini };

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Whom the client expects, in the certificate and in SNI (which carries names only, RFC 6066 section 3). Names are the
 * certificate's subjectAltNames, never its subject, as in Go. */
static void set_peer_name(SSL *tls, const char *name)
{
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), name);
        return;
    }
    SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_set1_host(tls, name);
    SSL_set_tlsext_host_name(tls, name);
}

struct weft_transport *weft_transport_tls(int descriptor, struct weft_tls_context *context, const char *peer_name)
{
    const struct weft_tls_settings *settings = weft_tls_context_settings(context);
    struct weft_transport *transport = weft_transport_make(descriptor, &tls_kind);
    if (!settings->is_server || !settings->is_alpn_optional) {
        snprintf(transport->alpn, sizeof transport->alpn, "%s", settings->alpn == NULL ? "" : settings->alpn);
    }
    if (settings->is_server) {
        transport->context = context;
        return transport;
    }
    make_native(transport, context);
    SSL_set_connect_state(transport->tls);
    bool has_override = settings->server_name_override != NULL && settings->server_name_override[0] != '\0';
    const char *name = has_override ? settings->server_name_override : peer_name;
    if (name != NULL && name[0] != '\0') {
        set_peer_name(transport->tls, name);
    }
    return transport;
}
