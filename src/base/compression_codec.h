#pragma once

#include <isa-l.h>
/* For the allocator hooks (ZSTD_customMem) and ZSTD_decompressBound. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/compression.h"

/* Private to compression*.c: the contexts of one worker, and what the formats share. All are decoded
 * in one shot per member or frame: the whole message is in hand, so neither needs a window beside its output.
 * When the room was too small, it doubles and that member starts again; so a message costs at most about
 * twice its output. */
struct weft_codec {
    struct weft_budget *budget;
    /* Each is made on first use and then kept; NULL before. */
    struct inflate_state *inflate;
    struct isal_zstream *deflate;
    uint8_t *deflate_stage;
    uint8_t *deflate_tables[ISAL_DEF_MAX_LEVEL + 1];
    ZSTD_DCtx *zstd_decoder;
    ZSTD_CCtx *zstd_encoder;
    uint8_t *stage; /* where blocks are gathered; see weft_codec_stage */
};

enum { WEFT_CODEC_STAGE_BYTES = 256 * 1024 };

/* NULL: no memory. */
uint8_t *weft_codec_stage(struct weft_codec *codec) WEFT_MUST_CHECK;

/* Takes the bytes of slices in runs. */
struct weft_codec_gather {
    const struct weft_slice *slices;
    size_t slice_count;
    size_t index, offset; /* of the next byte */
};

/* The next most bytes, or what is left; 0 at the end. */
size_t weft_codec_gather_next(struct weft_codec_gather *gather, uint8_t *to, size_t most);

/* Little-endian. */
uint32_t weft_read_u32(const uint8_t *bytes);
void weft_write_u32(uint8_t *bytes, uint32_t number);

/* Zeroed and charged to the budget; lives as long as the codec. NULL when memory is gone. */
void *weft_codec_try_alloc(struct weft_codec *codec, size_t size_bytes) WEFT_MUST_CHECK;
void weft_codec_release(struct weft_codec *codec, void *memory, size_t size_bytes);

/* Where a message is inflated to. */
struct weft_inflate_output {
    struct weft_payload *payload;
    size_t max_length;      /* of the payload, exact */
    const char *limit_name; /* which limit max_length comes from */
};

/* Bytes that may be written at the payload's end now. */
static inline size_t weft_inflate_room(const struct weft_inflate_output *output)
{
    size_t end = output->payload->capacity < output->max_length ? output->payload->capacity : output->max_length;
    return end - output->payload->length;
}

/* Makes room before a member of input_length bytes whose peer declares declared_length bytes of output (0 =
 * does not say). A declaration is believed up to 16 times the bytes that arrived; beyond that the output must
 * show itself. */
enum weft_status weft_inflate_prepare(struct weft_inflate_output *output, size_t input_length, size_t declared_length,
                                      struct weft_error *error) WEFT_MUST_CHECK;

/* Doubles the room after a member did not fit. WEFT_LIMIT if it has been as large as the limit already. */
enum weft_status weft_inflate_grow(struct weft_inflate_output *output, struct weft_error *error) WEFT_MUST_CHECK;

/* Room for so many more bytes, which are there: WEFT_LIMIT if the output would be too large. */
enum weft_status weft_inflate_reserve(struct weft_inflate_output *output, size_t length,
                                      struct weft_error *error) WEFT_MUST_CHECK;

/* All members of a gzip message, or the one of a zlib message. */
enum weft_status weft_isal_inflate(struct weft_codec *codec, enum weft_encoding encoding, struct weft_slice input,
                                   uint32_t max_members, struct weft_inflate_output *output,
                                   struct weft_error *error) WEFT_MUST_CHECK;

/* All frames of a zstd message. */
enum weft_status weft_zstd_inflate(struct weft_codec *codec, struct weft_slice input, uint32_t max_frames,
                                   uint32_t max_window_log, struct weft_inflate_output *output,
                                   struct weft_error *error) WEFT_MUST_CHECK;

bool weft_snappy_is_framed(struct weft_slice input);
enum weft_status weft_snappy_inflate(enum weft_encoding encoding, struct weft_slice input,
                                     struct weft_inflate_output *output, struct weft_error *error) WEFT_MUST_CHECK;

/* All frames of an lz4 message. */
enum weft_status weft_lz4_inflate(struct weft_slice input, uint32_t max_frames, struct weft_inflate_output *output,
                                  struct weft_error *error) WEFT_MUST_CHECK;

/* Room for a next write of compressed bytes; doubles what is there. */
enum weft_status weft_deflate_grow(struct weft_payload *payload) WEFT_MUST_CHECK;

enum weft_status weft_isal_deflate(struct weft_codec *codec, enum weft_encoding encoding, int level,
                                   const struct weft_slice *slices, size_t slice_count,
                                   struct weft_payload *payload) WEFT_MUST_CHECK;

enum weft_status weft_zstd_deflate(struct weft_codec *codec, int level, const struct weft_slice *slices,
                                   size_t slice_count, size_t total_length,
                                   struct weft_payload *payload) WEFT_MUST_CHECK;

enum weft_status weft_snappy_deflate(struct weft_codec *codec, enum weft_encoding encoding,
                                     const struct weft_slice *slices, size_t slice_count, size_t total_length,
                                     struct weft_payload *payload) WEFT_MUST_CHECK;
enum weft_status weft_lz4_deflate(struct weft_codec *codec, const struct weft_slice *slices, size_t slice_count,
                                  struct weft_payload *payload) WEFT_MUST_CHECK;

void weft_isal_fini(struct weft_codec *codec);
void weft_zstd_fini(struct weft_codec *codec);
