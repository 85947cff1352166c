/* Output of one HTTP/2 connection (output.h), used by the gRPC server and client. Not aware of streams: a lender
 * is just an address that marks whose bytes a segment holds. */
#include "net/http2/output.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MAX_VECTORS = 512, KEPT_BYTES = 4096 };

void weft_http2_output_init(struct weft_http2_output *output)
{
    *output = (struct weft_http2_output){ 0 };
    weft_buffer_init(&output->copied, 0);
}

void weft_http2_output_fini(struct weft_http2_output *output)
{
    weft_buffer_fini(&output->copied);
    weft_free(output->segments);
    *output = (struct weft_http2_output){ 0 };
}

static enum weft_status append_segment(struct weft_http2_output *output, const struct weft_http2_segment *segment)
{
    if (weft_try_grow(&output->segments, sizeof output->segments[0], output->segment_count,
                      &output->segment_capacity) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    output->segments[output->segment_count++] = *segment;
    output->queued_bytes += segment->length;
    return WEFT_OK;
}

enum weft_status weft_http2_output_copy(struct weft_http2_output *output, const void *bytes, size_t length)
{
    if (length == 0) {
        return WEFT_OK;
    }
    size_t offset = output->copied.length;
    weft_buffer_append(&output->copied, bytes, length);
    if (weft_buffer_status(&output->copied) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_http2_segment *last =
        output->segment_count > output->first ? &output->segments[output->segment_count - 1] : NULL;
    if (last != NULL && last->borrowed == NULL && last->offset + last->length == offset) {
        last->length += length;
        output->queued_bytes += length;
        return WEFT_OK;
    }
    return append_segment(output, &(struct weft_http2_segment){ .offset = offset, .length = length });
}

enum weft_status weft_http2_output_borrow(struct weft_http2_output *output, const void *lender, struct weft_slice bytes)
{
    if (bytes.length == 0) {
        return WEFT_OK;
    }
    weft_assert(lender != NULL);
    return append_segment(
        output, &(struct weft_http2_segment){ .borrowed = bytes.bytes, .lender = lender, .length = bytes.length });
}

bool weft_http2_output_owes(const struct weft_http2_output *output, const void *lender)
{
    for (size_t i = output->first; i < output->segment_count; i++) {
        if (output->segments[i].borrowed != NULL && output->segments[i].lender == lender) {
            return true;
        }
    }
    return false;
}

enum weft_status weft_http2_output_settle(struct weft_http2_output *output, const void *lender)
{
    size_t needed = 0;
    for (size_t i = output->first; i < output->segment_count; i++) {
        const struct weft_http2_segment *segment = &output->segments[i];
        needed += segment->borrowed != NULL && segment->lender == lender ? segment->length : 0;
    }
    if (needed == 0) {
        return WEFT_OK;
    }
    if (weft_buffer_reserve(&output->copied, needed) == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = output->first; i < output->segment_count; i++) {
        struct weft_http2_segment *segment = &output->segments[i];
        if (segment->borrowed != NULL && segment->lender == lender) {
            size_t offset = output->copied.length;
            weft_buffer_append(&output->copied, segment->borrowed, segment->length);
            *segment = (struct weft_http2_segment){ .offset = offset, .length = segment->length };
        }
    }
    return WEFT_OK;
}

static void forget_all(struct weft_http2_output *output)
{
    output->segment_count = 0;
    output->first = 0;
    output->first_offset = 0;
    weft_buffer_clear(&output->copied);
    /* Idle connections are many; what one burst needed is not kept. */
    if (output->copied.capacity > KEPT_BYTES) {
        weft_buffer_fini(&output->copied);
    }
    if (output->segment_capacity * sizeof output->segments[0] > KEPT_BYTES) {
        weft_free(output->segments);
        output->segments = NULL;
        output->segment_capacity = 0;
    }
}

/* Gives the room of written bytes back once they are more than what waits, so that a peer which always leaves something
 * unread does not make the buffers grow; each byte is moved at most once per byte written. */
static void compact(struct weft_http2_output *output)
{
    size_t left = output->segment_count - output->first;
    if (output->first <= left) {
        return;
    }
    memmove(output->segments, output->segments + output->first, left * sizeof output->segments[0]);
    output->segment_count = left;
    output->first = 0;
    /* Settled segments are out of order in `copied`: the lowest offset in use decides. */
    size_t lowest = output->copied.length;
    for (size_t i = 0; i < left; i++) {
        const struct weft_http2_segment *segment = &output->segments[i];
        lowest = segment->borrowed == NULL && segment->offset < lowest ? segment->offset : lowest;
    }
    weft_buffer_consume(&output->copied, lowest);
    for (size_t i = 0; i < left; i++) {
        output->segments[i].offset -= output->segments[i].borrowed == NULL ? lowest : 0;
    }
}

enum weft_status weft_http2_output_collect(struct weft_http2_output *output, nghttp2_session *session,
                                           size_t limit_bytes, struct weft_error *error)
{
    compact(output);
    while (output->queued_bytes < limit_bytes) {
        const uint8_t *bytes;
        ssize_t length = nghttp2_session_mem_send(session, &bytes);
        if (length < 0) {
            return weft_fail(error, length == NGHTTP2_ERR_NOMEM ? WEFT_NOMEM : WEFT_INVALID, "HTTP/2: %s",
                             nghttp2_strerror((int)length));
        }
        if (length == 0) {
            break;
        }
        if (weft_http2_output_copy(output, bytes, (size_t)length) != WEFT_OK) {
            return weft_fail(error, WEFT_NOMEM, "HTTP/2: no memory for output");
        }
    }
    return WEFT_OK;
}

static size_t fill_vectors(const struct weft_http2_output *output, struct iovec *vectors, size_t *out_bytes)
{
    size_t count = 0;
    *out_bytes = 0;
    for (size_t i = output->first; i < output->segment_count && count < MAX_VECTORS; i++) {
        const struct weft_http2_segment *segment = &output->segments[i];
        size_t skip = i == output->first ? output->first_offset : 0;
        const uint8_t *bytes = segment->borrowed != NULL ? segment->borrowed : output->copied.bytes + segment->offset;
        vectors[count++] = (struct iovec){ (void *)(bytes + skip), segment->length - skip };
        *out_bytes += segment->length - skip;
    }
    return count;
}

static void advance(struct weft_http2_output *output, size_t written)
{
    weft_assert(written <= output->queued_bytes);
    output->queued_bytes -= written;
    written += output->first_offset;
    while (output->first < output->segment_count && written >= output->segments[output->first].length) {
        written -= output->segments[output->first].length;
        output->first++;
    }
    output->first_offset = written;
}

enum weft_io_result weft_http2_output_flush(struct weft_http2_output *output, struct weft_transport *transport,
                                            uint64_t *written)
{
    struct iovec vectors[MAX_VECTORS];
    while (output->queued_bytes > 0) {
        size_t offered = 0, length = 0;
        size_t count = fill_vectors(output, vectors, &offered);
        enum weft_io_result result = weft_transport_write(transport, vectors, count, &length);
        if (result != WEFT_IO_DONE) {
            return result;
        }
        advance(output, length);
        *written += length;
        if (length < offered) {
            return WEFT_IO_AGAIN;
        }
    }
    forget_all(output);
    return WEFT_IO_DONE;
}
