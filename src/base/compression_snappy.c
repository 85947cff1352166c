/* snappy, as one block and as a framed stream (google/snappy: format_description.txt, framing_format.txt), blocks by
 * snappy_block.h; called by compression.c only. A block says how large it is, which its own length bounds: no
 * element makes more than 64 bytes of three. Frames hold 64 KiB each, with a checksum. */
#include "base/assert.h"
#include "base/compression_codec.h"
#include "base/snappy_block.h"

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
    if (!weft_snappy_block_length(block, &length) || length > block.length * BLOCK_RATIO || length > most) {
        return weft_fail(error, WEFT_INVALID, "snappy: no block at byte %zu", offset);
    }
    enum weft_status status = weft_inflate_reserve(output, length, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (!weft_snappy_block_inflate(block, output->payload->bytes + output->payload->length, length)) {
        return weft_fail(error, WEFT_INVALID, "snappy: the block at byte %zu is broken", offset);
    }
    weft_payload_commit(output->payload, length);
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

/* Where a piece is gathered, and behind it the table that deflating it takes. */
struct workplace {
    uint8_t *piece;
    uint16_t *table;
};

_Static_assert(CHUNK_BYTES == (int)WEFT_SNAPPY_PIECE_BYTES, "a chunk is a piece");
_Static_assert(CHUNK_BYTES + WEFT_SNAPPY_TABLE_ENTRIES * sizeof(uint16_t) <= WEFT_CODEC_STAGE_BYTES,
               "the stage has both");

static uint8_t *end_of(const struct weft_payload *payload)
{
    return payload->bytes + payload->length;
}

static enum weft_status deflate_whole(const struct workplace *work, struct weft_codec_gather *gather,
                                      size_t total_length, struct weft_payload *payload)
{
    enum weft_status status = weft_payload_reserve(payload, payload->length + weft_snappy_block_bound(total_length));
    if (status != WEFT_OK) {
        return status;
    }
    uint8_t *to = weft_snappy_block_begin(total_length, end_of(payload));
    size_t length;
    while ((length = weft_codec_gather_next(gather, work->piece, CHUNK_BYTES)) > 0) {
        to = weft_snappy_block_deflate(work->piece, length, work->table, to);
    }
    weft_payload_commit(payload, (size_t)(to - end_of(payload)));
    return WEFT_OK;
}

static void put_header(uint8_t *to, uint8_t type, size_t length, uint32_t checksum)
{
    weft_write_u32(to, type | (uint32_t)length << 8);
    weft_write_u32(to + CHUNK_HEADER_BYTES, checksum);
}

static enum weft_status deflate_chunk(const struct workplace *work, size_t length, struct weft_payload *payload)
{
    enum { HEAD = CHUNK_HEADER_BYTES + CHECKSUM_BYTES };
    enum weft_status status = weft_payload_reserve(payload, payload->length + HEAD + weft_snappy_block_bound(length));
    if (status != WEFT_OK) {
        return status;
    }
    size_t start = payload->length;
    weft_payload_commit(payload, HEAD);
    uint8_t *to = weft_snappy_block_begin(length, end_of(payload));
    to = weft_snappy_block_deflate(work->piece, length, work->table, to);
    size_t deflated = (size_t)(to - end_of(payload));
    weft_payload_note_written(payload, payload->length + deflated); /* it may be more than what is kept of it */
    bool is_plain = deflated > length - length / MIN_GAIN;
    if (is_plain) {
        weft_payload_append(payload, work->piece, length);
        deflated = length;
    } else {
        weft_payload_commit(payload, deflated);
    }
    put_header(payload->bytes + start, is_plain ? CHUNK_PLAIN : CHUNK_COMPRESSED, deflated + CHECKSUM_BYTES,
               checksum_of(work->piece, length));
    return WEFT_OK;
}

static enum weft_status deflate_frames(const struct workplace *work, struct weft_codec_gather *gather,
                                       struct weft_payload *payload)
{
    enum weft_status status = weft_payload_reserve(payload, sizeof identifier);
    if (status == WEFT_OK) {
        weft_payload_append(payload, identifier, sizeof identifier);
    }
    size_t length;
    while (status == WEFT_OK && (length = weft_codec_gather_next(gather, work->piece, CHUNK_BYTES)) > 0) {
        status = deflate_chunk(work, length, payload);
    }
    return status;
}

enum weft_status weft_snappy_deflate(struct weft_codec *codec, enum weft_encoding encoding,
                                     const struct weft_slice *slices, size_t slice_count, size_t total_length,
                                     struct weft_payload *payload)
{
    uint8_t *stage = weft_codec_stage(codec);
    if (stage == NULL) {
        return WEFT_NOMEM;
    }
    struct workplace work = { stage, (uint16_t *)(void *)(stage + CHUNK_BYTES) };
    struct weft_codec_gather gather = { slices, slice_count, 0, 0 };
    return encoding == WEFT_ENCODING_SNAPPY ? deflate_whole(&work, &gather, total_length, payload)
                                            : deflate_frames(&work, &gather, payload);
}
