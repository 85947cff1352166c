/* snappy, as one block and as a framed stream (google/snappy: format_description.txt, framing_format.txt), with
 * libsnappy for the blocks; called by compression.c only. A block says how large it is, which its own length bounds: no
 * element makes more than 64 bytes of three. Frames hold 64 KiB each, with a checksum. */
#include <snappy-c.h>

#include "base/assert.h"
#include "base/compression_codec.h"

enum {
    BLOCK_RATIO = 32, /* a block that says it is larger lies */
    CHUNK_HEADER_BYTES = 4,
    CHECKSUM_BYTES = 4,
    CHUNK_BYTES = 64 * 1024,
    CHUNK_COMPRESSED = 0x00,
    CHUNK_PLAIN = 0x01,
    CHUNK_FIRST_SKIPPABLE = 0x80,
    CHUNK_IDENTIFIER = 0xff,
    MIN_GAIN = 8, /* a chunk that does not lose an eighth of its length stays plain */
};

static const uint8_t identifier[] = { CHUNK_IDENTIFIER, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y' };

bool weft_snappy_is_framed(struct weft_slice input)
{
    return input.length >= sizeof identifier && memcmp(input.bytes, identifier, sizeof identifier) == 0;
}

/* ---- one block ---- */

static enum weft_status inflate_block(struct weft_slice block, size_t offset, size_t most,
                                      struct weft_inflate_output *output, struct weft_error *error)
{
    size_t length = 0;
    if (snappy_uncompressed_length((const char *)block.bytes, block.length, &length) != SNAPPY_OK ||
        length > block.length * BLOCK_RATIO || length > most) {
        return weft_fail(error, WEFT_INVALID, "snappy: no block at byte %zu", offset);
    }
    enum weft_status status = weft_inflate_reserve(output, length, error);
    if (status != WEFT_OK) {
        return status;
    }
    char *to = (char *)output->payload->bytes + output->payload->length;
    size_t written = length;
    if (snappy_uncompress((const char *)block.bytes, block.length, to, &written) != SNAPPY_OK || written != length) {
        return weft_fail(error, WEFT_INVALID, "snappy: the block at byte %zu is broken", offset);
    }
    output->payload->length += length;
    return WEFT_OK;
}

/* ---- frames ---- */

/* The checksum is stored turned and moved, since frames are stored in what has checksums itself. */
static uint32_t checksum_of(const uint8_t *bytes, size_t length)
{
    uint32_t sum = ~crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)length, 0xffffffffU);
    return (sum >> 15 | sum << 17) + 0xa282ead8U;
}

static enum weft_status inflate_data(bool is_compressed, struct weft_slice data, size_t offset,
                                     struct weft_inflate_output *output, struct weft_error *error)
{
    size_t start = output->payload->length;
    if (data.length < CHECKSUM_BYTES) {
        return weft_fail(error, WEFT_INVALID, "snappy: truncated chunk at byte %zu", offset);
    }
    uint32_t expected = weft_read_u32(data.bytes);
    data = weft_slice_of(data.bytes + CHECKSUM_BYTES, data.length - CHECKSUM_BYTES);
    enum weft_status status = WEFT_OK;
    if (is_compressed) {
        status = inflate_block(data, offset, CHUNK_BYTES, output, error);
    } else if (data.length > CHUNK_BYTES) {
        status = weft_fail(error, WEFT_INVALID, "snappy: the chunk at byte %zu is too large", offset);
    } else {
        status = weft_inflate_reserve(output, data.length, error);
        if (status == WEFT_OK) {
            weft_payload_append(output->payload, data.bytes, data.length);
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    const struct weft_payload *payload = output->payload;
    return checksum_of(payload->bytes + start, payload->length - start) == expected
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "snappy: wrong checksum of the chunk at byte %zu", offset);
}

static enum weft_status inflate_chunk(uint8_t type, struct weft_slice data, size_t offset,
                                      struct weft_inflate_output *output, struct weft_error *error)
{
    switch (type) {
    case CHUNK_COMPRESSED:
    case CHUNK_PLAIN:
        return inflate_data(type == CHUNK_COMPRESSED, data, offset, output, error);
    case CHUNK_IDENTIFIER:
        return weft_slice_equal(data,
                                weft_slice_of(identifier + CHUNK_HEADER_BYTES, sizeof identifier - CHUNK_HEADER_BYTES))
                   ? WEFT_OK
                   : weft_fail(error, WEFT_INVALID, "snappy: wrong identifier at byte %zu", offset);
    default:
        return type >= CHUNK_FIRST_SKIPPABLE
                   ? WEFT_OK
                   : weft_fail(error, WEFT_INVALID, "snappy: unknown chunk at byte %zu", offset);
    }
}

static enum weft_status inflate_frames(struct weft_slice input, struct weft_inflate_output *output,
                                       struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    size_t offset = 0;
    if (input.length > 0 && !weft_snappy_is_framed(input)) {
        return weft_fail(error, WEFT_INVALID, "snappy: the stream does not begin with its identifier");
    }
    while (status == WEFT_OK && offset < input.length) {
        size_t left = input.length - offset;
        uint32_t header = left < CHUNK_HEADER_BYTES ? 0 : weft_read_u32(input.bytes + offset);
        size_t length = header >> 8;
        if (left < CHUNK_HEADER_BYTES || left - CHUNK_HEADER_BYTES < length) {
            return weft_fail(error, WEFT_INVALID, "snappy: truncated at byte %zu", input.length);
        }
        struct weft_slice data = weft_slice_of(input.bytes + offset + CHUNK_HEADER_BYTES, length);
        status = inflate_chunk((uint8_t)header, data, offset, output, error);
        offset += CHUNK_HEADER_BYTES + length;
    }
    return status;
}

enum weft_status weft_snappy_inflate(enum weft_encoding encoding, struct weft_slice input,
                                     struct weft_inflate_output *output, struct weft_error *error)
{
    return encoding == WEFT_ENCODING_SNAPPY_FRAMED ? inflate_frames(input, output, error)
                                                   : inflate_block(input, 0, SIZE_MAX, output, error);
}

/* ---- deflating ---- */

static enum weft_status deflate_block(const uint8_t *bytes, size_t length, struct weft_payload *payload)
{
    size_t room = snappy_max_compressed_length(length);
    enum weft_status status = weft_payload_reserve(payload, payload->length + room);
    if (status != WEFT_OK) {
        return status;
    }
    snappy_status done = snappy_compress((const char *)bytes, length, (char *)payload->bytes + payload->length, &room);
    weft_assert(done == SNAPPY_OK); /* there is room */
    payload->length += room;
    return WEFT_OK;
}

/* A block lies in one piece, so what comes in several is gathered. */
static enum weft_status deflate_whole(struct weft_codec *codec, const struct weft_slice *slices, size_t slice_count,
                                      size_t total_length, struct weft_payload *payload)
{
    if (slice_count == 1) {
        return deflate_block(slices[0].bytes, slices[0].length, payload);
    }
    uint8_t *gathered = weft_codec_try_alloc(codec, total_length + 1);
    if (gathered == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_codec_gather gather = { slices, slice_count, 0, 0 };
    size_t length = weft_codec_gather_next(&gather, gathered, total_length);
    enum weft_status status = deflate_block(gathered, length, payload);
    weft_codec_release(codec, gathered, total_length + 1);
    return status;
}

static void put_header(uint8_t *to, uint8_t type, size_t length, uint32_t checksum)
{
    weft_write_u32(to, type | (uint32_t)length << 8);
    weft_write_u32(to + CHUNK_HEADER_BYTES, checksum);
}

static enum weft_status deflate_chunk(const uint8_t *bytes, size_t length, struct weft_payload *payload)
{
    enum { HEAD = CHUNK_HEADER_BYTES + CHECKSUM_BYTES };
    enum weft_status status =
        weft_payload_reserve(payload, payload->length + HEAD + snappy_max_compressed_length(length));
    if (status != WEFT_OK) {
        return status;
    }
    size_t start = payload->length;
    payload->length += HEAD;
    status = deflate_block(bytes, length, payload);
    weft_assert(status == WEFT_OK); /* there is room */
    size_t deflated = payload->length - start - HEAD;
    bool is_plain = deflated > length - length / MIN_GAIN;
    if (is_plain) {
        payload->length = start + HEAD;
        weft_payload_append(payload, bytes, length);
        deflated = length;
    }
    put_header(payload->bytes + start, is_plain ? CHUNK_PLAIN : CHUNK_COMPRESSED, deflated + CHECKSUM_BYTES,
               checksum_of(bytes, length));
    return WEFT_OK;
}

enum weft_status weft_snappy_deflate(struct weft_codec *codec, enum weft_encoding encoding,
                                     const struct weft_slice *slices, size_t slice_count, size_t total_length,
                                     struct weft_payload *payload)
{
    if (encoding == WEFT_ENCODING_SNAPPY) {
        return deflate_whole(codec, slices, slice_count, total_length, payload);
    }
    uint8_t *stage = weft_codec_stage(codec);
    enum weft_status status = stage == NULL ? WEFT_NOMEM : weft_payload_reserve(payload, sizeof identifier);
    if (status == WEFT_OK) {
        weft_payload_append(payload, identifier, sizeof identifier);
    }
    struct weft_codec_gather gather = { slices, slice_count, 0, 0 };
    size_t length;
    while (status == WEFT_OK && (length = weft_codec_gather_next(&gather, stage, CHUNK_BYTES)) > 0) {
        status = deflate_chunk(stage, length, payload);
    }
    return status;
}
