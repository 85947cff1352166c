#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"

enum bench_encoding { BENCH_ENCODING_NONE, BENCH_ENCODING_GZIP, BENCH_ENCODING_ZSTD, BENCH_ENCODING_UNKNOWN };

enum bench_encoding bench_encoding_parse(const char *name, size_t length);
const char *bench_encoding_name(enum bench_encoding encoding);

/* Whole messages; appends to out. level 0 = gzip: ISA-L level 1, zstd: 1. */
void bench_deflate(enum bench_encoding encoding, int level, const uint8_t *bytes, size_t length,
                   struct bench_bytes *out);

/* Replaces the contents of out. False if the data is not valid. */
bool bench_inflate(enum bench_encoding encoding, const uint8_t *bytes, size_t length, struct bench_bytes *out);
