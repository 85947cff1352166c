/* lz4 frames (lz4_Frame_format.md 1.6), with liblz4 for the blocks; called by compression.c only. The frame is read
 * here: its blocks are decoded behind one another in the output, which is also what linked blocks refer to, so no
 * memory of the peer's choosing is taken beside it. */
#include <lz4.h>
#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

#include "base/assert.h"
#include "base/compression_codec.h"

enum {
    MAGIC_BYTES = 4,
    SIZE_BYTES = 4,
    CHECKSUM_BYTES = 4,
    CONTENT_SIZE_BYTES = 8,
    DICTIONARY_BYTES = 64 * 1024, /* how far back a block refers */
    VERSION = 1,
    SMALLEST_BLOCK = 4, /* in the frame's own count: 64 KiB, then four times as much each */
    LARGEST_BLOCK = 7,
    HEADER_BYTES = MAGIC_BYTES + 3, /* of a frame that says no more than it must */
    DEFLATED_BLOCK = 5,             /* 256 KiB */
    DEFLATED_BLOCK_BYTES = 256 * 1024,
};

_Static_assert((int)DEFLATED_BLOCK_BYTES == (int)WEFT_CODEC_STAGE_BYTES, "a block is gathered in the stage");

static const uint32_t frame_magic = 0x184d2204U, skippable_magic = 0x184d2a50U, plain_bit = 0x80000000U;

struct frame {
    bool has_block_checksum, has_content_size, has_content_checksum;
    size_t max_block_bytes;
    uint64_t content_size;
    size_t start; /* of its content in the output */
};

struct reader {
    struct weft_slice input;
    size_t offset;
    struct weft_inflate_output *output;
    struct weft_error *error;
};

static enum weft_status fail(const struct reader *reader, const char *what)
{
    return weft_fail(reader->error, WEFT_INVALID, "lz4: %s at byte %zu", what, reader->offset);
}

static size_t left(const struct reader *reader)
{
    return reader->input.length - reader->offset;
}

static const uint8_t *at(const struct reader *reader)
{
    return reader->input.bytes + reader->offset;
}

/* ---- a frame's header ---- */

static enum weft_status read_header(struct reader *reader, struct frame *frame)
{
    if (left(reader) < 2) {
        return fail(reader, "truncated");
    }
    uint8_t flags = at(reader)[0], descriptor = at(reader)[1];
    size_t block = descriptor >> 4 & 7;
    *frame = (struct frame){ .has_block_checksum = (flags & 0x10) != 0,
                             .has_content_size = (flags & 0x08) != 0,
                             .has_content_checksum = (flags & 0x04) != 0,
                             .start = reader->output->payload->length };
    bool has_dictionary = (flags & 0x01) != 0;
    if (flags >> 6 != VERSION || (flags & 0x02) != 0 || (descriptor & 0x8f) != 0 || block < SMALLEST_BLOCK) {
        return fail(reader, "unknown kind of frame");
    }
    if (has_dictionary) {
        return fail(reader, "frame with a dictionary");
    }
    frame->max_block_bytes = (size_t)64 * 1024 << 2 * (block - SMALLEST_BLOCK);
    size_t length = 2 + (frame->has_content_size ? CONTENT_SIZE_BYTES : 0);
    if (left(reader) < length + 1) {
        return fail(reader, "truncated");
    }
    if (frame->has_content_size) {
        frame->content_size = weft_read_u32(at(reader) + 2) | (uint64_t)weft_read_u32(at(reader) + 2 + SIZE_BYTES)
                                                                  << 32;
    }
    if ((uint8_t)(XXH32(at(reader), length, 0) >> 8) != at(reader)[length]) {
        return fail(reader, "wrong checksum of a frame's header");
    }
    reader->offset += length + 1;
    return WEFT_OK;
}

/* ---- its blocks ---- */

/* Into the room that there is; -1: it does not fit, or is broken. */
static int decode(const struct reader *reader, const struct frame *frame, size_t length, size_t room)
{
    const struct weft_payload *payload = reader->output->payload;
    char *to = (char *)payload->bytes + payload->length;
    size_t before = payload->length - frame->start;
    size_t dictionary = before < DICTIONARY_BYTES ? before : DICTIONARY_BYTES;
    return LZ4_decompress_safe_usingDict((const char *)at(reader), to, (int)length, (int)room, to - dictionary,
                                         (int)dictionary);
}

/* lz4 does not tell a block that is too large from a broken one: what does not fit into the largest block is broken. */
static enum weft_status read_compressed(struct reader *reader, const struct frame *frame, size_t length)
{
    struct weft_inflate_output *output = reader->output;
    enum weft_status status = weft_inflate_prepare(output, length, 0, reader->error);
    while (status == WEFT_OK) {
        size_t room = weft_inflate_room(output);
        size_t used = room < frame->max_block_bytes ? room : frame->max_block_bytes;
        int decoded = decode(reader, frame, length, used);
        if (decoded >= 0) {
            weft_payload_commit(output->payload, (size_t)decoded);
            return WEFT_OK;
        }
        status =
            used == frame->max_block_bytes ? fail(reader, "broken block") : weft_inflate_grow(output, reader->error);
    }
    return status;
}

static enum weft_status read_plain(struct reader *reader, size_t length)
{
    enum weft_status status = weft_inflate_reserve(reader->output, length, reader->error);
    if (status == WEFT_OK) {
        weft_payload_append(reader->output->payload, at(reader), length);
    }
    return status;
}

static enum weft_status read_block(struct reader *reader, const struct frame *frame, uint32_t size)
{
    size_t length = size & ~plain_bit;
    size_t trailer = frame->has_block_checksum ? CHECKSUM_BYTES : 0;
    if (length > frame->max_block_bytes) {
        return fail(reader, "block that is too large");
    }
    if (left(reader) < length + trailer) {
        return fail(reader, "truncated block");
    }
    if (trailer > 0 && XXH32(at(reader), length, 0) != weft_read_u32(at(reader) + length)) {
        return fail(reader, "wrong checksum of a block");
    }
    enum weft_status status =
        (size & plain_bit) != 0 ? read_plain(reader, length) : read_compressed(reader, frame, length);
    reader->offset += length + trailer;
    return status;
}

static enum weft_status end_frame(struct reader *reader, const struct frame *frame)
{
    const struct weft_payload *payload = reader->output->payload;
    size_t length = payload->length - frame->start;
    if (frame->has_content_size && frame->content_size != length) {
        return fail(reader, "content of another size than was said");
    }
    if (!frame->has_content_checksum) {
        return WEFT_OK;
    }
    if (left(reader) < CHECKSUM_BYTES) {
        return fail(reader, "truncated");
    }
    if (XXH32(payload->bytes + frame->start, length, 0) != weft_read_u32(at(reader))) {
        return fail(reader, "wrong checksum of the content");
    }
    reader->offset += CHECKSUM_BYTES;
    return WEFT_OK;
}

static enum weft_status read_frame(struct reader *reader)
{
    struct frame frame;
    enum weft_status status = read_header(reader, &frame);
    while (status == WEFT_OK) {
        if (left(reader) < SIZE_BYTES) {
            return fail(reader, "truncated");
        }
        uint32_t size = weft_read_u32(at(reader));
        reader->offset += SIZE_BYTES;
        if (size == 0) {
            return end_frame(reader, &frame);
        }
        status = read_block(reader, &frame, size);
    }
    return status;
}

static enum weft_status skip_frame(struct reader *reader)
{
    size_t length = left(reader) < SIZE_BYTES ? SIZE_MAX : weft_read_u32(at(reader));
    if (left(reader) < SIZE_BYTES || left(reader) - SIZE_BYTES < length) {
        return fail(reader, "truncated");
    }
    reader->offset += SIZE_BYTES + length;
    return WEFT_OK;
}

enum weft_status weft_lz4_inflate(struct weft_slice input, uint32_t max_frames, struct weft_inflate_output *output,
                                  struct weft_error *error)
{
    struct reader reader = { input, 0, output, error };
    enum weft_status status = WEFT_OK;
    for (uint32_t count = 0; status == WEFT_OK && (left(&reader) > 0 || count == 0); count++) {
        uint32_t magic = left(&reader) < MAGIC_BYTES ? 0 : weft_read_u32(at(&reader));
        bool is_skippable = (magic & ~15U) == skippable_magic;
        if (magic != frame_magic && !is_skippable) {
            return fail(&reader, "no frame");
        }
        if (count == max_frames) {
            return weft_fail(error, WEFT_LIMIT, "lz4: more than %u frames", max_frames);
        }
        reader.offset += MAGIC_BYTES;
        status = is_skippable ? skip_frame(&reader) : read_frame(&reader);
    }
    return status;
}

/* ---- deflating: one frame of blocks that stand for themselves, with a checksum of all ---- */

static enum weft_status deflate_block(const uint8_t *bytes, size_t length, struct weft_payload *payload)
{
    size_t bound = (size_t)LZ4_compressBound((int)length);
    enum weft_status status = weft_payload_reserve(payload, payload->length + SIZE_BYTES + bound);
    if (status != WEFT_OK) {
        return status;
    }
    uint8_t *to = payload->bytes + payload->length;
    int deflated = LZ4_compress_default((const char *)bytes, (char *)to + SIZE_BYTES, (int)length, (int)bound);
    bool is_plain = deflated <= 0 || (size_t)deflated >= length;
    if (is_plain) {
        memcpy(to + SIZE_BYTES, bytes, length);
    }
    size_t written = is_plain ? length : (size_t)deflated;
    weft_write_u32(to, (uint32_t)written | (is_plain ? plain_bit : 0));
    weft_payload_commit(payload, SIZE_BYTES + written);
    return WEFT_OK;
}

static enum weft_status put_u32(struct weft_payload *payload, uint32_t number)
{
    uint8_t bytes[SIZE_BYTES];
    weft_write_u32(bytes, number);
    enum weft_status status = weft_payload_reserve(payload, payload->length + sizeof bytes);
    if (status == WEFT_OK) {
        weft_payload_append(payload, bytes, sizeof bytes);
    }
    return status;
}

static enum weft_status put_header(struct weft_payload *payload)
{
    uint8_t header[HEADER_BYTES] = { 0, 0, 0, 0, VERSION << 6 | 0x20 | 0x04, DEFLATED_BLOCK << 4 };
    weft_write_u32(header, frame_magic);
    header[HEADER_BYTES - 1] = (uint8_t)(XXH32(header + MAGIC_BYTES, 2, 0) >> 8);
    enum weft_status status = weft_payload_reserve(payload, payload->length + sizeof header);
    if (status == WEFT_OK) {
        weft_payload_append(payload, header, sizeof header);
    }
    return status;
}

enum weft_status weft_lz4_deflate(struct weft_codec *codec, const struct weft_slice *slices, size_t slice_count,
                                  struct weft_payload *payload)
{
    uint8_t *stage = weft_codec_stage(codec);
    enum weft_status status = stage == NULL ? WEFT_NOMEM : put_header(payload);
    struct weft_codec_gather gather = { slices, slice_count, 0, 0 };
    XXH32_state_t sum;
    size_t length;
    (void)XXH32_reset(&sum, 0);
    while (status == WEFT_OK && (length = weft_codec_gather_next(&gather, stage, DEFLATED_BLOCK_BYTES)) > 0) {
        (void)XXH32_update(&sum, stage, length);
        status = deflate_block(stage, length, payload);
    }
    if (status == WEFT_OK) {
        status = put_u32(payload, 0);
    }
    return status == WEFT_OK ? put_u32(payload, XXH32_digest(&sum)) : status;
}
