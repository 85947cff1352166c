/* zstd (RFC 8878) with libzstd; called by compression.c only. Frames are told apart here, so that their
 * number and their windows are bounded and so that nothing but the standard format (no legacy frame) reaches
 * the decoder. */
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/compression_codec.h"

enum {
    MAGIC_BYTES = 4,
    SKIPPABLE_HEADER_BYTES = 8,
    ZSTD_WINDOW_AT = 5, /* after the magic number and the descriptor */
    ZSTD_SMALLEST_FRAME = 6,
    SINGLE_SEGMENT_BIT = 0x20,
    SMALLEST_WINDOW_LOG = 10,
    STRONGEST_LEVEL = 19, /* beyond it one encoder takes hundreds of megabytes */
};

/* libzstd's memory goes through weft's allocator and is counted: each block remembers its size in front. */
union block_header {
    size_t size_bytes;
    max_align_t alignment;
};

static void *zstd_alloc(void *opaque, size_t size_bytes)
{
    struct weft_codec *codec = opaque;
    union block_header *block = weft_try_alloc_raw(sizeof *block + size_bytes);
    if (block == NULL) {
        return NULL;
    }
    block->size_bytes = sizeof *block + size_bytes;
    weft_budget_charge(codec->budget, block->size_bytes);
    return block + 1;
}

static void zstd_free(void *opaque, void *memory)
{
    struct weft_codec *codec = opaque;
    if (memory != NULL) {
        union block_header *block = (union block_header *)memory - 1;
        weft_codec_release(codec, block, block->size_bytes);
    }
}

static ZSTD_customMem allocator_of(struct weft_codec *codec)
{
    return (ZSTD_customMem){ .customAlloc = zstd_alloc, .customFree = zstd_free, .opaque = codec };
}

static bool is_skippable(uint32_t magic)
{
    return (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* RFC 8878 3.1.1.1.2. A single-segment frame has no window but its content, which the output cap bounds. */
static enum weft_status check_window(struct weft_slice rest, size_t offset, uint32_t max_window_log,
                                     struct weft_error *error)
{
    if ((rest.bytes[MAGIC_BYTES] & SINGLE_SEGMENT_BIT) != 0) {
        return WEFT_OK;
    }
    uint32_t descriptor = rest.bytes[ZSTD_WINDOW_AT];
    uint64_t base = UINT64_C(1) << (SMALLEST_WINDOW_LOG + (descriptor >> 3));
    uint64_t window_bytes = base + base / 8 * (descriptor & 7);
    if (max_window_log < 63 && window_bytes > UINT64_C(1) << max_window_log) {
        return weft_fail(error, WEFT_LIMIT, "zstd: frame at byte %zu wants a window of %llu bytes (max_window_log %u)",
                         offset, (unsigned long long)window_bytes, max_window_log);
    }
    return WEFT_OK;
}

/* The whole frame at the start of rest. */
static enum weft_status find_frame(struct weft_slice rest, size_t offset, uint32_t max_window_log,
                                   struct weft_slice *out_frame, struct weft_error *error)
{
    uint32_t magic = rest.length < MAGIC_BYTES ? 0 : weft_read_u32(rest.bytes);
    bool is_ordinary = magic == ZSTD_MAGICNUMBER;
    if (rest.length < MAGIC_BYTES || (!is_ordinary && !is_skippable(magic))) {
        return weft_fail(error, WEFT_INVALID, "zstd: no frame at byte %zu", offset);
    }
    if (rest.length < (size_t)(is_ordinary ? ZSTD_SMALLEST_FRAME : SKIPPABLE_HEADER_BYTES)) {
        return weft_fail(error, WEFT_INVALID, "zstd: truncated at byte %zu", offset + rest.length);
    }
    if (is_ordinary) {
        enum weft_status status = check_window(rest, offset, max_window_log, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    size_t frame_length = ZSTD_findFrameCompressedSize(rest.bytes, rest.length);
    if (ZSTD_isError(frame_length)) {
        bool is_truncated = ZSTD_getErrorCode(frame_length) == ZSTD_error_srcSize_wrong;
        return weft_fail(error, WEFT_INVALID, "zstd: %s in the frame at byte %zu",
                         is_truncated ? "truncated" : ZSTD_getErrorName(frame_length), offset);
    }
    *out_frame = weft_slice_of(rest.bytes, frame_length);
    return WEFT_OK;
}

/* What the frame says it holds, or else what its blocks can hold at most. Refuses at once what cannot fit. */
static enum weft_status expected_length(struct weft_slice frame, size_t offset,
                                        const struct weft_inflate_output *output, size_t *out_length,
                                        struct weft_error *error)
{
    unsigned long long declared = ZSTD_getFrameContentSize(frame.bytes, frame.length);
    if (declared == ZSTD_CONTENTSIZE_ERROR) {
        return weft_fail(error, WEFT_INVALID, "zstd: invalid frame header at byte %zu", offset);
    }
    if (declared == ZSTD_CONTENTSIZE_UNKNOWN) {
        unsigned long long bound = ZSTD_decompressBound(frame.bytes, frame.length);
        *out_length = bound == ZSTD_CONTENTSIZE_ERROR ? 0 : (size_t)bound;
        return WEFT_OK;
    }
    if (declared > output->max_length - output->payload->length) {
        return weft_fail(error, WEFT_LIMIT, "zstd: frame at byte %zu inflates to %llu bytes, more than %zu (%s)",
                         offset, declared, output->max_length, output->limit_name);
    }
    *out_length = (size_t)declared;
    return WEFT_OK;
}

static enum weft_status decode_frame(ZSTD_DCtx *decoder, struct weft_slice frame, size_t offset,
                                     struct weft_inflate_output *output, struct weft_error *error)
{
    size_t expected = 0;
    enum weft_status status = expected_length(frame, offset, output, &expected, error);
    if (status == WEFT_OK) {
        status = weft_inflate_prepare(output, frame.length, expected, error);
    }
    while (status == WEFT_OK) {
        struct weft_payload *payload = output->payload;
        size_t length = ZSTD_decompressDCtx(decoder, payload->bytes + payload->length, weft_inflate_room(output),
                                            frame.bytes, frame.length);
        if (!ZSTD_isError(length)) {
            weft_payload_commit(payload, length);
            return WEFT_OK;
        }
        if (ZSTD_getErrorCode(length) != ZSTD_error_dstSize_tooSmall) {
            return weft_fail(error, WEFT_INVALID, "zstd: %s in the frame at byte %zu", ZSTD_getErrorName(length),
                             offset);
        }
        status = weft_inflate_grow(output, error);
    }
    return status;
}

enum weft_status weft_zstd_inflate(struct weft_codec *codec, struct weft_slice input, uint32_t max_frames,
                                   uint32_t max_window_log, struct weft_inflate_output *output,
                                   struct weft_error *error)
{
    if (codec->zstd_decoder == NULL) {
        codec->zstd_decoder = ZSTD_createDCtx_advanced(allocator_of(codec));
        if (codec->zstd_decoder == NULL) {
            return weft_fail(error, WEFT_NOMEM, "no memory for a zstd context");
        }
    }
    size_t offset = 0;
    uint32_t frames = 0;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && (offset < input.length || frames == 0)) {
        if (frames == max_frames) {
            return weft_fail(error, WEFT_LIMIT, "zstd: more than %u frames (max_members)", max_frames);
        }
        struct weft_slice frame = WEFT_SLICE_EMPTY;
        struct weft_slice rest = weft_slice_of(input.bytes + offset, input.length - offset);
        status = find_frame(rest, offset, max_window_log, &frame, error);
        if (status == WEFT_OK && !is_skippable(weft_read_u32(frame.bytes))) {
            status = decode_frame(codec->zstd_decoder, frame, offset, output, error);
        }
        offset += frame.length;
        frames++;
    }
    return status;
}

static enum weft_status start_deflate(struct weft_codec *codec, int level, size_t total_length)
{
    if (codec->zstd_encoder == NULL) {
        codec->zstd_encoder = ZSTD_createCCtx_advanced(allocator_of(codec));
        if (codec->zstd_encoder == NULL) {
            return WEFT_NOMEM;
        }
    }
    int zstd_level = level == 0 ? 1 : level > STRONGEST_LEVEL ? STRONGEST_LEVEL : level;
    ZSTD_CCtx *encoder = codec->zstd_encoder;
    ZSTD_CCtx_reset(encoder, ZSTD_reset_session_only);
    size_t code = ZSTD_CCtx_setParameter(encoder, ZSTD_c_compressionLevel, zstd_level);
    weft_assert(!ZSTD_isError(code));
    /* With the length known, the frame declares it and small messages get small tables. */
    code = ZSTD_CCtx_setPledgedSrcSize(encoder, total_length);
    weft_assert(!ZSTD_isError(code));
    return WEFT_OK;
}

static enum weft_status deflate_slice(ZSTD_CCtx *encoder, struct weft_slice slice, bool is_last,
                                      struct weft_payload *payload)
{
    ZSTD_inBuffer input = { slice.bytes, slice.length, 0 };
    for (;;) {
        if (payload->length == payload->capacity && weft_deflate_grow(payload) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        ZSTD_outBuffer output = { payload->bytes + payload->length, payload->capacity - payload->length, 0 };
        size_t pending = ZSTD_compressStream2(encoder, &output, &input, is_last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(pending)) {
            weft_assert(ZSTD_getErrorCode(pending) == ZSTD_error_memory_allocation);
            return WEFT_NOMEM;
        }
        weft_payload_commit(payload, output.pos);
        if (is_last ? pending == 0 : input.pos == input.size) {
            return WEFT_OK;
        }
    }
}

enum weft_status weft_zstd_deflate(struct weft_codec *codec, int level, const struct weft_slice *slices,
                                   size_t slice_count, size_t total_length, struct weft_payload *payload)
{
    enum weft_status status = start_deflate(codec, level, total_length);
    if (status == WEFT_OK && slice_count == 0) {
        return deflate_slice(codec->zstd_encoder, WEFT_SLICE_EMPTY, true, payload);
    }
    for (size_t i = 0; status == WEFT_OK && i < slice_count; i++) {
        status = deflate_slice(codec->zstd_encoder, slices[i], i + 1 == slice_count, payload);
    }
    return status;
}

void weft_zstd_fini(struct weft_codec *codec)
{
    ZSTD_freeDCtx(codec->zstd_decoder);
    ZSTD_freeCCtx(codec->zstd_encoder);
}
