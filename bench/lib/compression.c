/* gzip by ISA-L and zstd by libzstd, whole messages at a time. Contexts are kept; the bench programs have one thread.
 */
#include "lib/compression.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

enum { INFLATED_MAX_BYTES = 256 << 20 };

static const char *const names[] = { "identity", "gzip", "zstd", "unknown" };

enum bench_encoding bench_encoding_parse(const char *name, size_t length)
{
    if (length == 0 || (length == 4 && memcmp(name, "none", 4) == 0) ||
        (length == 8 && memcmp(name, "identity", 8) == 0)) {
        return BENCH_ENCODING_NONE;
    }
    if (length == 4 && memcmp(name, "gzip", 4) == 0) {
        return BENCH_ENCODING_GZIP;
    }
    return length == 4 && memcmp(name, "zstd", 4) == 0 ? BENCH_ENCODING_ZSTD : BENCH_ENCODING_UNKNOWN;
}

const char *bench_encoding_name(enum bench_encoding encoding)
{
    return names[encoding];
}

static void reserve(struct bench_bytes *out, size_t length)
{
    if (out->length + length > out->capacity) {
        size_t kept = out->length;
        struct bench_bytes larger = { 0 };
        larger.capacity = (out->length + length) * 3 / 2;
        larger.bytes = bench_alloc(larger.capacity);
        if (kept > 0) {
            memcpy(larger.bytes, out->bytes, kept);
        }
        larger.length = kept;
        bench_bytes_free(out);
        *out = larger;
    }
}

static void deflate_gzip(int level, const uint8_t *bytes, size_t length, struct bench_bytes *out)
{
    static uint8_t work[ISAL_DEF_LVL3_DEFAULT];
    static const uint32_t work_bytes[] = { ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                           ISAL_DEF_LVL3_DEFAULT };
    static struct isal_zstream stream;
    isal_deflate_init(&stream);
    stream.level = level > 0 && level <= 3 ? (uint32_t)level : 1;
    stream.level_buf = work;
    stream.level_buf_size = work_bytes[stream.level];
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.next_in = (uint8_t *)(uintptr_t)bytes;
    stream.avail_in = (uint32_t)length;
    reserve(out, length + length / 8 + 4096);
    stream.next_out = out->bytes + out->length;
    stream.avail_out = (uint32_t)(out->capacity - out->length);
    if (isal_deflate(&stream) != COMP_OK || stream.internal_state.state != ZSTATE_END) {
        bench_die("gzip: deflate failed");
    }
    out->length += stream.total_out;
}

static void deflate_zstd(int level, const uint8_t *bytes, size_t length, struct bench_bytes *out)
{
    static ZSTD_CCtx *context;
    if (context == NULL && (context = ZSTD_createCCtx()) == NULL) {
        bench_die("out of memory");
    }
    reserve(out, ZSTD_compressBound(length));
    size_t written = ZSTD_compressCCtx(context, out->bytes + out->length, out->capacity - out->length, bytes, length,
                                       level == 0 ? 1 : level);
    if (ZSTD_isError(written)) {
        bench_die("zstd: %s", ZSTD_getErrorName(written));
    }
    out->length += written;
}

void bench_deflate(enum bench_encoding encoding, int level, const uint8_t *bytes, size_t length,
                   struct bench_bytes *out)
{
    if (encoding == BENCH_ENCODING_GZIP) {
        deflate_gzip(level, bytes, length, out);
    } else if (encoding == BENCH_ENCODING_ZSTD) {
        deflate_zstd(level, bytes, length, out);
    } else {
        bench_bytes_append(out, bytes, length);
    }
}

static bool inflate_gzip(const uint8_t *bytes, size_t length, struct bench_bytes *out)
{
    static struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = (uint8_t *)(uintptr_t)bytes;
    state.avail_in = (uint32_t)length;
    reserve(out, length * 5);
    for (;;) {
        state.next_out = out->bytes + out->length;
        state.avail_out = (uint32_t)(out->capacity - out->length);
        uint32_t room = state.avail_out;
        if (isal_inflate(&state) != ISAL_DECOMP_OK) {
            return false;
        }
        out->length += room - state.avail_out;
        if (state.block_state == ISAL_BLOCK_FINISH) {
            if (state.avail_in == 0) {
                return true;
            }
            isal_inflate_reset(&state); /* a further gzip member */
            state.crc_flag = ISAL_GZIP;
            continue;
        }
        if (state.avail_out > 0 || out->length >= INFLATED_MAX_BYTES) {
            return false; /* truncated, or a bomb */
        }
        reserve(out, out->capacity);
    }
}

static bool inflate_zstd(const uint8_t *bytes, size_t length, struct bench_bytes *out)
{
    static ZSTD_DCtx *context;
    if (context == NULL && (context = ZSTD_createDCtx()) == NULL) {
        bench_die("out of memory");
    }
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    ZSTD_inBuffer input = { bytes, length, 0 };
    reserve(out, length * 5);
    for (;;) {
        ZSTD_outBuffer output = { out->bytes, out->capacity, out->length };
        size_t left = ZSTD_decompressStream(context, &output, &input);
        bool is_full = output.pos == output.size;
        out->length = output.pos;
        if (ZSTD_isError(left)) {
            return false;
        }
        if (left == 0 && input.pos == input.size) {
            return true;
        }
        if (!is_full && input.pos == input.size) {
            return false;
        }
        if (is_full) {
            if (out->length >= INFLATED_MAX_BYTES) {
                return false;
            }
            reserve(out, out->capacity);
        }
    }
}

bool bench_inflate(enum bench_encoding encoding, const uint8_t *bytes, size_t length, struct bench_bytes *out)
{
    bench_bytes_clear(out);
    if (encoding == BENCH_ENCODING_GZIP) {
        return inflate_gzip(bytes, length, out);
    }
    return encoding == BENCH_ENCODING_ZSTD && inflate_zstd(bytes, length, out);
}
