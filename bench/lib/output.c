/* The scatter-gather side of a connection. */
#include "lib/output.h"

#include <errno.h>
#include <string.h>

bool bench_output_has_room(const struct bench_output *output, size_t limit_bytes)
{
    return output->count + 3 <= BENCH_OUTPUT_VECTORS && output->waiting_bytes < limit_bytes &&
           output->scratch_length + BENCH_OUTPUT_FRAME_ROOM <= BENCH_OUTPUT_SCRATCH;
}

void bench_output_copy(struct bench_output *output, const uint8_t *bytes, size_t length)
{
    uint8_t *to = output->scratch + output->scratch_length;
    memcpy(to, bytes, length);
    output->scratch_length += length;
    output->waiting_bytes += length;
    struct iovec *last = output->count > output->first ? &output->vectors[output->count - 1] : NULL;
    if (last != NULL && output->bodies[output->count - 1] == NULL && (uint8_t *)last->iov_base + last->iov_len == to) {
        last->iov_len += length;
        return;
    }
    output->bodies[output->count] = NULL;
    output->vectors[output->count++] = (struct iovec){ to, length };
}

void bench_output_lend(struct bench_output *output, struct bench_body *body, size_t offset, size_t length)
{
    if (length == 0) {
        return;
    }
    output->bodies[output->count] = bench_body_ref(body);
    output->vectors[output->count++] = (struct iovec){ body->bytes + offset, length };
    output->waiting_bytes += length;
}

static void advance(struct bench_output *output, size_t written)
{
    output->waiting_bytes -= written;
    while (written > 0) {
        struct iovec *vector = &output->vectors[output->first];
        if (written < vector->iov_len) {
            vector->iov_base = (uint8_t *)vector->iov_base + written;
            vector->iov_len -= written;
            return;
        }
        written -= vector->iov_len;
        bench_body_unref(&output->bodies[output->first++]);
    }
}

enum bench_written bench_output_write(struct bench_output *output, int fd)
{
    while (output->first < output->count) {
        ssize_t written = writev(fd, output->vectors + output->first, (int)(output->count - output->first));
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == EAGAIN ? BENCH_WRITTEN_PART : BENCH_WRITTEN_FAILED;
        }
        advance(output, (size_t)written);
    }
    output->first = output->count = 0;
    output->scratch_length = 0;
    return BENCH_WRITTEN_ALL;
}

void bench_output_clear(struct bench_output *output)
{
    for (unsigned i = output->first; i < output->count; i++) {
        bench_body_unref(&output->bodies[i]);
    }
    output->first = output->count = 0;
    output->scratch_length = output->waiting_bytes = 0;
}
