#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing run of bytes for start-up work; aborts when memory is gone. */
struct bench_bytes {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

void bench_bytes_append(struct bench_bytes *run, const void *bytes, size_t length);
void bench_bytes_append_text(struct bench_bytes *run, const char *text);
void bench_bytes_clear(struct bench_bytes *run);
void bench_bytes_free(struct bench_bytes *run);

/* calloc and malloc that end the program when memory is gone. */
void *bench_alloc_zero(size_t count, size_t size);
void *bench_alloc(size_t size);

/* Ends the program at once with status 0: what it still holds goes with the process. */
_Noreturn void bench_end(void);

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole file; ends the program if it cannot be read. */
struct bench_bytes bench_bytes_read_file(const char *path);
void bench_bytes_write_file(const char *path, const void *bytes, size_t length);

/* Protobuf writing, enough for a template. */
void bench_put_varint(struct bench_bytes *run, uint64_t value);
void bench_put_tag(struct bench_bytes *run, uint32_t number, uint32_t wire_type);
void bench_put_bytes(struct bench_bytes *run, uint32_t number, const void *bytes, size_t length);
void bench_put_fixed64(struct bench_bytes *run, uint32_t number, uint64_t value);
