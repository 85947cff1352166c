/* gzip (RFC 1952) and zlib format (RFC 1950) with ISA-L; called by compression.c only. ISA-L checks the
 * header's crc, the body's crc or adler and the length; what it calls stateless needs the whole member and
 * room for all of its output, and tells exactly where the member ended. */
#include "base/assert.h"
#include "base/compression_codec.h"

enum { GZIP_SMALLEST_MEMBER = 18, GZIP_LENGTH_BYTES = 4, DEFLATE_LEAST_ROOM = 64 };

/* A call of ISA-L costs as much as compressing some hundred bytes, and the slices of a batch are often no
 * longer: those below SMALL_SLICE are brought together first, a piece of this size at a time. */
enum { STAGE_BYTES = 128 * 1024, SMALL_SLICE = STAGE_BYTES / 8 };

static const uint32_t level_table_bytes[] = { 0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT };

static const char *isal_error_text(int code)
{
    switch (code) {
    case ISAL_END_INPUT:
        return "truncated";
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid symbol";
    case ISAL_INVALID_LOOKBACK:
        return "distance before the start";
    case ISAL_INVALID_WRAPPER:
        return "invalid header";
    case ISAL_UNSUPPORTED_METHOD:
        return "unknown method";
    case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum or length";
    case ISAL_NEED_DICT:
        return "needs a dictionary";
    default:
        return "invalid data";
    }
}

/* The length that the last member says it has (RFC 1952 ISIZE, modulo 2^32); right for the usual single member. */
static size_t gzip_declared_length(struct weft_slice input)
{
    if (input.length < GZIP_SMALLEST_MEMBER) {
        return 0;
    }
    const uint8_t *end = input.bytes + input.length - GZIP_LENGTH_BYTES;
    return (size_t)end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
}

/* One member from the start of input; out_consumed is where it ended or where the decoder stopped. */
static int decode_once(struct inflate_state *state, enum weft_encoding encoding, struct weft_slice input,
                       struct weft_inflate_output *output, size_t *out_consumed)
{
    isal_inflate_init(state);
    state->crc_flag = encoding == WEFT_ENCODING_GZIP ? ISAL_GZIP : ISAL_ZLIB;
    state->next_in = (uint8_t *)input.bytes;
    state->avail_in = (uint32_t)input.length;
    state->next_out = output->payload->bytes + output->payload->length;
    state->avail_out = (uint32_t)weft_inflate_room(output);
    int code = isal_inflate_stateless(state);
    *out_consumed = input.length - state->avail_in;
    return code;
}

static enum weft_status decode_member(struct inflate_state *state, enum weft_encoding encoding, struct weft_slice input,
                                      size_t offset, struct weft_inflate_output *output, size_t *out_consumed,
                                      struct weft_error *error)
{
    for (;;) {
        int code = decode_once(state, encoding, input, output, out_consumed);
        if (code == ISAL_DECOMP_OK) {
            weft_payload_commit(output->payload,
                                (size_t)(state->next_out - (output->payload->bytes + output->payload->length)));
            return WEFT_OK;
        }
        if (code != ISAL_OUT_OVERFLOW) {
            return weft_fail(error, WEFT_INVALID, "%s: %s at byte %zu", weft_encoding_name(encoding),
                             isal_error_text(code), offset + *out_consumed);
        }
        enum weft_status status = weft_inflate_grow(output, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
}

enum weft_status weft_isal_inflate(struct weft_codec *codec, enum weft_encoding encoding, struct weft_slice input,
                                   uint32_t max_members, struct weft_inflate_output *output, struct weft_error *error)
{
    if (codec->inflate == NULL) {
        codec->inflate = weft_codec_try_alloc(codec, sizeof *codec->inflate);
        if (codec->inflate == NULL) {
            return weft_fail(error, WEFT_NOMEM, "no memory for an inflate context");
        }
    }
    bool is_gzip = encoding == WEFT_ENCODING_GZIP;
    size_t declared_length = is_gzip ? gzip_declared_length(input) : 0;
    enum weft_status status = weft_inflate_prepare(output, input.length, declared_length, error);
    size_t offset = 0;
    uint32_t members = 0;
    while (status == WEFT_OK && (offset < input.length || members == 0)) {
        if (members > 0 && !is_gzip) {
            return weft_fail(error, WEFT_INVALID, "deflate: bytes after the end at byte %zu", offset);
        }
        if (members == max_members) {
            return weft_fail(error, WEFT_LIMIT, "gzip: more than %u members (max_members)", max_members);
        }
        size_t consumed = 0;
        struct weft_slice rest = weft_slice_of(input.bytes + offset, input.length - offset);
        status = decode_member(codec->inflate, encoding, rest, offset, output, &consumed, error);
        offset += consumed;
        members++;
    }
    return status;
}

/* Levels 1 to 3 are ISA-L's; 0 asks for the default and more than 3 for the strongest there is. */
static enum weft_status start_deflate(struct weft_codec *codec, enum weft_encoding encoding, int level)
{
    uint32_t isal_level = level <= 1 ? 1 : level > ISAL_DEF_MAX_LEVEL ? ISAL_DEF_MAX_LEVEL : (uint32_t)level;
    if (codec->deflate == NULL) {
        codec->deflate = weft_codec_try_alloc(codec, sizeof *codec->deflate);
    }
    if (codec->deflate_tables[isal_level] == NULL) {
        codec->deflate_tables[isal_level] = weft_codec_try_alloc(codec, level_table_bytes[isal_level]);
    }
    if (codec->deflate_stage == NULL) {
        codec->deflate_stage = weft_codec_try_alloc(codec, STAGE_BYTES);
    }
    if (codec->deflate == NULL || codec->deflate_tables[isal_level] == NULL || codec->deflate_stage == NULL) {
        return WEFT_NOMEM;
    }
    struct isal_zstream *stream = codec->deflate;
    isal_deflate_init(stream);
    stream->level = isal_level;
    stream->level_buf = codec->deflate_tables[isal_level];
    stream->level_buf_size = level_table_bytes[isal_level];
    stream->gzip_flag = encoding == WEFT_ENCODING_GZIP ? IGZIP_GZIP : IGZIP_ZLIB;
    return WEFT_OK;
}

static enum weft_status deflate_slice(struct isal_zstream *stream, struct weft_slice slice, bool is_last,
                                      struct weft_payload *payload)
{
    weft_assert(slice.length <= UINT32_MAX);
    stream->next_in = (uint8_t *)slice.bytes;
    stream->avail_in = (uint32_t)slice.length;
    stream->end_of_stream = is_last;
    do {
        if (payload->capacity - payload->length < DEFLATE_LEAST_ROOM) {
            enum weft_status status = weft_deflate_grow(payload);
            if (status != WEFT_OK) {
                return status;
            }
        }
        size_t room = payload->capacity - payload->length;
        stream->next_out = payload->bytes + payload->length;
        stream->avail_out = room > INT32_MAX ? INT32_MAX : (uint32_t)room;
        uint32_t given = stream->avail_out;
        int code = isal_deflate(stream);
        weft_assert(code == COMP_OK);
        weft_payload_commit(payload, given - stream->avail_out);
    } while (stream->avail_in > 0 || stream->avail_out == 0 || (is_last && stream->internal_state.state != ZSTATE_END));
    return WEFT_OK;
}

enum weft_status weft_isal_deflate(struct weft_codec *codec, enum weft_encoding encoding, int level,
                                   const struct weft_slice *slices, size_t slice_count, struct weft_payload *payload)
{
    enum weft_status status = start_deflate(codec, encoding, level);
    size_t staged = 0;
    for (size_t i = 0; status == WEFT_OK && i < slice_count; i++) {
        struct weft_slice slice = slices[i];
        bool is_small = slice.length < SMALL_SLICE;
        if (staged > 0 && (!is_small || slice.length > STAGE_BYTES - staged)) {
            status = deflate_slice(codec->deflate, weft_slice_of(codec->deflate_stage, staged), false, payload);
            staged = 0;
        }
        if (!is_small && status == WEFT_OK) {
            status = deflate_slice(codec->deflate, slice, false, payload);
        } else if (slice.length > 0) {
            memcpy(codec->deflate_stage + staged, slice.bytes, slice.length);
            staged += slice.length;
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    return deflate_slice(codec->deflate, weft_slice_of(codec->deflate_stage, staged), true, payload);
}

void weft_isal_fini(struct weft_codec *codec)
{
    weft_codec_release(codec, codec->inflate, sizeof *codec->inflate);
    weft_codec_release(codec, codec->deflate, sizeof *codec->deflate);
    weft_codec_release(codec, codec->deflate_stage, STAGE_BYTES);
    for (size_t i = 0; i < WEFT_COUNT_OF(codec->deflate_tables); i++) {
        weft_codec_release(codec, codec->deflate_tables[i], level_table_bytes[i]);
    }
}
