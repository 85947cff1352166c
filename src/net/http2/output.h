#pragma once

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "net/transport.h"

/* What one HTTP/2 connection sends in a tick: nghttp2's frames, copied (they are small), and DATA payload, borrowed
 * from its lender, in one run of vectors that goes out in one large writev. A write that the socket takes in part is
 * resumed in order.
 *
 * For NO_COPY bodies: the data source's read callback sets NGHTTP2_DATA_FLAG_NO_COPY, and nghttp2's send_data callback
 * calls weft_http2_output_copy with the nine bytes of the frame header, then weft_http2_output_borrow for each piece of
 * the payload, and returns 0 (NGHTTP2_ERR_CALLBACK_FAILURE when one of them failed). Borrowed bytes must stay until the
 * output is empty or weft_http2_output_owes says no; a lender that has to go earlier calls weft_http2_output_settle.
 * Set the read-length callback too, or nghttp2 cuts DATA at 16 KiB. */
struct weft_http2_segment {
    const uint8_t *borrowed; /* NULL: the bytes are in `copied`, at offset */
    const void *lender;
    size_t offset;
    size_t length;
};

struct weft_http2_output {
    struct weft_buffer copied;
    struct weft_http2_segment *segments;
    size_t segment_count, segment_capacity;
    size_t first;        /* segments before it are written */
    size_t first_offset; /* bytes of segments[first] that are written */
    size_t queued_bytes;
};

void weft_http2_output_init(struct weft_http2_output *output);

/* Forgets what was not sent. */
void weft_http2_output_fini(struct weft_http2_output *output);

/* Both append in order; WEFT_NOMEM leaves a gap in the stream, so the connection must then be closed. */
enum weft_status weft_http2_output_copy(struct weft_http2_output *output, const void *bytes,
                                        size_t length) WEFT_MUST_CHECK;
enum weft_status weft_http2_output_borrow(struct weft_http2_output *output, const void *lender,
                                          struct weft_slice bytes) WEFT_MUST_CHECK;

/* True while bytes of this lender wait to be written. */
bool weft_http2_output_owes(const struct weft_http2_output *output, const void *lender);

/* Copies what is still owed to the lender, who may then go. WEFT_NOMEM changes nothing: close the connection. */
enum weft_status weft_http2_output_settle(struct weft_http2_output *output, const void *lender) WEFT_MUST_CHECK;

/* Takes frames from nghttp2 until it has no more or queued_bytes reaches limit_bytes. WEFT_NOMEM, or WEFT_INVALID with
 * nghttp2's reason: the connection must be closed. */
enum weft_status weft_http2_output_collect(struct weft_http2_output *output, nghttp2_session *session,
                                           size_t limit_bytes, struct weft_error *error) WEFT_MUST_CHECK;

/* Writes what is queued. DONE: all of it went out; AGAIN: the rest waits until the socket is writable (or as
 * weft_transport_interest says); FAILED: see weft_transport_failure. Adds to *written. */
enum weft_io_result weft_http2_output_flush(struct weft_http2_output *output, struct weft_transport *transport,
                                            uint64_t *written);

static inline bool weft_http2_output_is_empty(const struct weft_http2_output *output)
{
    return output->queued_bytes == 0;
}
