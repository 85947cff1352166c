#pragma once

#include <sys/uio.h>

#include "base/slice.h"
#include "base/status.h"
#include "net/tls/tls.h"

/* Bytes over a non-blocking socket, plain or TLS, behind one interface. Not aware of the loop: the connection that
 * owns it asks what to wait for. One thread. */
struct weft_transport;

enum weft_io_result {
    WEFT_IO_DONE,   /* some bytes moved */
    WEFT_IO_AGAIN,  /* nothing now: wait as weft_transport_interest says */
    WEFT_IO_END,    /* the peer closed its side in order */
    WEFT_IO_FAILED, /* reset, TLS failure: the text is in weft_transport_failure */
};

/* Both take over the descriptor. context outlives it. peer_name: TLS client: the name to verify and to send as SNI
 * (copied). */
struct weft_transport *weft_transport_plain(int descriptor);
struct weft_transport *weft_transport_tls(int descriptor, struct weft_tls_context *context, const char *peer_name);

/* Sends close_notify if it can, closes the descriptor. */
void weft_transport_free(struct weft_transport *transport);

int weft_transport_descriptor(const struct weft_transport *transport);

/* TLS: AGAIN until the handshake is over (DONE); plain: DONE at once. Read and write before that return AGAIN too. */
enum weft_io_result weft_transport_handshake(struct weft_transport *transport);

/* TLS: whether the peer's handshake has begun, with a whole record. Plain: false, there is none. */
bool weft_transport_has_heard(const struct weft_transport *transport);

enum weft_io_result weft_transport_read(struct weft_transport *transport, void *bytes, size_t capacity,
                                        size_t *out_length);

/* True if a read may return bytes although the socket is not readable (TLS has decrypted or fetched more than was asked
 * for). Whoever stops reading before AGAIN must ask, or those bytes wait for the next ones. */
bool weft_transport_has_buffered(const struct weft_transport *transport);

/* Writes as much as the socket takes of the vectors in order; plain: one writev; TLS: coalesced into full records.
 * After AGAIN or a short write the same bytes must come first again (OpenSSL insists). Never END. */
enum weft_io_result weft_transport_write(struct weft_transport *transport, const struct iovec *vectors,
                                         size_t vector_count, size_t *out_length);

/* What the transport itself waits for after AGAIN (a TLS read may want to write). OR of weft_readiness, 0 = what you
 * asked for. */
unsigned weft_transport_interest(const struct weft_transport *transport);
const char *weft_transport_failure(const struct weft_transport *transport);
