#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/body.h"

/* What waits to be written to one socket: small frames are copied to the scratch area, large DATA stays where it is and
 * holds a reference of its body until the kernel has it. Written with one writev. */
enum { BENCH_OUTPUT_VECTORS = 512, BENCH_OUTPUT_SCRATCH = 64 * 1024, BENCH_OUTPUT_FRAME_ROOM = 17 * 1024 };

struct bench_output {
    struct iovec vectors[BENCH_OUTPUT_VECTORS];
    struct bench_body *bodies[BENCH_OUTPUT_VECTORS]; /* NULL for scratch */
    unsigned first;
    unsigned count; /* vectors[first .. count) are waiting */
    size_t waiting_bytes;
    size_t scratch_length;
    uint8_t scratch[BENCH_OUTPUT_SCRATCH];
};

/* True while one more frame of any kind fits. */
bool bench_output_has_room(const struct bench_output *output, size_t limit_bytes);
void bench_output_copy(struct bench_output *output, const uint8_t *bytes, size_t length);
void bench_output_lend(struct bench_output *output, struct bench_body *body, size_t offset, size_t length);

enum bench_written { BENCH_WRITTEN_ALL, BENCH_WRITTEN_PART, BENCH_WRITTEN_FAILED };

/* One or more writev until everything is out or the socket is full. */
enum bench_written bench_output_write(struct bench_output *output, int fd);

/* Drops what waits, with its references. */
void bench_output_clear(struct bench_output *output);
