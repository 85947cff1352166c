/* Byte runs, files and the few protobuf writers that the templates need. Start-up only: nothing here is called while
 * a measurement runs, so running out of memory simply ends the program. */
#include "lib/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void bench_end(void)
{
    fflush(NULL);
    _exit(0);
}

void *bench_alloc_zero(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL) {
        bench_die("out of memory");
    }
    return block;
}

void *bench_alloc(size_t size)
{
    void *block = malloc(size);
    if (block == NULL) {
        bench_die("out of memory");
    }
    return block;
}

void bench_bytes_append(struct bench_bytes *run, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    if (run->length + length > run->capacity) {
        run->capacity = (run->length + length) * 2;
        run->bytes = realloc(run->bytes, run->capacity);
        if (run->bytes == NULL) {
            bench_die("out of memory");
        }
    }
    memcpy(run->bytes + run->length, bytes, length);
    run->length += length;
}

void bench_bytes_append_text(struct bench_bytes *run, const char *text)
{
    bench_bytes_append(run, text, strlen(text));
}

void bench_bytes_clear(struct bench_bytes *run)
{
    run->length = 0;
}

void bench_bytes_free(struct bench_bytes *run)
{
    free(run->bytes);
    *run = (struct bench_bytes){ 0 };
}

struct bench_bytes bench_bytes_read_file(const char *path)
{
    struct bench_bytes run = { 0 };
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        bench_die("%s: %s", path, strerror(errno));
    }
    char part[65536];
    for (size_t length; (length = fread(part, 1, sizeof part, file)) > 0;) {
        bench_bytes_append(&run, part, length);
    }
    fclose(file);
    return run;
}

void bench_bytes_write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || (length > 0 && fwrite(bytes, 1, length, file) != length) || fclose(file) != 0) {
        bench_die("%s: %s", path, strerror(errno));
    }
}

void bench_put_varint(struct bench_bytes *run, uint64_t value)
{
    uint8_t encoded[10];
    size_t length = 0;
    while (value >= 0x80) {
        encoded[length++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    encoded[length++] = (uint8_t)value;
    bench_bytes_append(run, encoded, length);
}

void bench_put_tag(struct bench_bytes *run, uint32_t number, uint32_t wire_type)
{
    bench_put_varint(run, (uint64_t)number << 3 | wire_type);
}

void bench_put_bytes(struct bench_bytes *run, uint32_t number, const void *bytes, size_t length)
{
    bench_put_tag(run, number, 2);
    bench_put_varint(run, length);
    bench_bytes_append(run, bytes, length);
}

void bench_put_fixed64(struct bench_bytes *run, uint32_t number, uint64_t value)
{
    bench_put_tag(run, number, 1);
    uint8_t encoded[8];
    for (int i = 0; i < 8; i++) {
        encoded[i] = (uint8_t)(value >> (8 * i));
    }
    bench_bytes_append(run, encoded, sizeof encoded);
}
