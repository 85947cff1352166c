/* Content encodings (compression.h): names, limits and the choice of format. What is common to both
 * directions is here; gzip and zlib are in compression_isal.c, the others in a file each. Receivers inflate
 * requests with it, exporters deflate them. It knows whole messages only, no streams. */
#include "base/compression.h"

#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/compression_codec.h"

enum {
    RATIO_FREE_BYTES = 1024 * 1024, /* small messages may be as repetitive as they like */
    DEFAULT_WINDOW_LOG = 23,
    DEFAULT_MEMBERS = 16,
    FIRST_ROOM = 256,
    BELIEVED_RATIO = 16,
    UNDECLARED_RATIO = 8, /* telemetry in zlib format, the only one that says nothing, is four to seven */
};

/* ISA-L counts in 32 bits; more than this in one message is refused whatever the limits say. */
static const size_t largest_message = INT32_MAX;

enum weft_status weft_encoding_parse(struct weft_slice name, enum weft_encoding *out_encoding)
{
    static const struct {
        const char *name;
        enum weft_encoding encoding;
    } names[] = {
        { "", WEFT_ENCODING_IDENTITY },    { "identity", WEFT_ENCODING_IDENTITY },
        { "gzip", WEFT_ENCODING_GZIP },    { "x-gzip", WEFT_ENCODING_GZIP },
        { "zstd", WEFT_ENCODING_ZSTD },    { "deflate", WEFT_ENCODING_DEFLATE },
        { "zlib", WEFT_ENCODING_DEFLATE }, { "snappy", WEFT_ENCODING_SNAPPY },
        { "lz4", WEFT_ENCODING_LZ4 },      { "x-snappy-framed", WEFT_ENCODING_SNAPPY_FRAMED },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        size_t length = strlen(names[i].name);
        if (name.length == length &&
            (length == 0 || strncasecmp((const char *)name.bytes, names[i].name, length) == 0)) {
            *out_encoding = names[i].encoding;
            return WEFT_OK;
        }
    }
    return WEFT_UNSUPPORTED;
}

const char *weft_encoding_name(enum weft_encoding encoding)
{
    switch (encoding) {
    case WEFT_ENCODING_IDENTITY:
        return "identity";
    case WEFT_ENCODING_GZIP:
        return "gzip";
    case WEFT_ENCODING_ZSTD:
        return "zstd";
    case WEFT_ENCODING_DEFLATE:
        return "deflate";
    case WEFT_ENCODING_SNAPPY:
        return "snappy";
    case WEFT_ENCODING_SNAPPY_FRAMED:
        return "x-snappy-framed";
    case WEFT_ENCODING_LZ4:
        return "lz4";
    }
    weft_assert(!"an encoding");
    return "";
}

enum weft_encoding weft_encoding_of(enum weft_encoding said, struct weft_slice message)
{
    bool is_framed = said == WEFT_ENCODING_SNAPPY && weft_snappy_is_framed(message);
    return is_framed ? WEFT_ENCODING_SNAPPY_FRAMED : said;
}

struct weft_codec *weft_codec_new(struct weft_budget *budget)
{
    struct weft_codec *codec = weft_alloc(sizeof *codec);
    codec->budget = budget;
    return codec;
}

void weft_codec_free(struct weft_codec *codec)
{
    if (codec == NULL) {
        return;
    }
    weft_isal_fini(codec);
    weft_zstd_fini(codec);
    weft_codec_release(codec, codec->stage, WEFT_CODEC_STAGE_BYTES);
    weft_free(codec);
}

void *weft_codec_try_alloc(struct weft_codec *codec, size_t size_bytes)
{
    void *memory = weft_try_alloc(size_bytes);
    if (memory != NULL) {
        weft_budget_charge(codec->budget, size_bytes);
    }
    return memory;
}

void weft_codec_release(struct weft_codec *codec, void *memory, size_t size_bytes)
{
    if (memory != NULL) {
        weft_budget_release(codec->budget, size_bytes);
        weft_free(memory);
    }
}

uint8_t *weft_codec_stage(struct weft_codec *codec)
{
    if (codec->stage == NULL) {
        codec->stage = weft_codec_try_alloc(codec, WEFT_CODEC_STAGE_BYTES);
    }
    return codec->stage;
}

size_t weft_codec_gather_next(struct weft_codec_gather *gather, uint8_t *to, size_t most)
{
    size_t length = 0;
    while (length < most && gather->index < gather->slice_count) {
        struct weft_slice slice = gather->slices[gather->index];
        size_t there = slice.length - gather->offset;
        size_t taken = there < most - length ? there : most - length;
        if (taken > 0) {
            memcpy(to + length, slice.bytes + gather->offset, taken);
        }
        length += taken;
        gather->offset += taken;
        if (gather->offset == slice.length) {
            gather->index++;
            gather->offset = 0;
        }
    }
    return length;
}

uint32_t weft_read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void weft_write_u32(uint8_t *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> 8 * i);
    }
}

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

static enum weft_status reserve(struct weft_payload *payload, size_t capacity, struct weft_error *error)
{
    if (weft_payload_reserve(payload, capacity) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %zu inflated bytes", capacity);
    }
    return WEFT_OK;
}

enum weft_status weft_inflate_prepare(struct weft_inflate_output *output, size_t input_length, size_t declared_length,
                                      struct weft_error *error)
{
    size_t wanted = declared_length == 0 ? input_length * UNDECLARED_RATIO
                                         : smaller(declared_length, input_length * BELIEVED_RATIO);
    wanted = wanted < FIRST_ROOM ? FIRST_ROOM : wanted;
    size_t free_length = output->max_length - output->payload->length;
    return reserve(output->payload, output->payload->length + smaller(wanted, free_length), error);
}

enum weft_status weft_inflate_grow(struct weft_inflate_output *output, struct weft_error *error)
{
    size_t capacity = output->payload->capacity;
    if (capacity >= output->max_length) {
        return weft_fail(error, WEFT_LIMIT, "inflates to more than %zu bytes (%s)", output->max_length,
                         output->limit_name);
    }
    weft_payload_note_written(output->payload, capacity); /* by what did not fit */
    return reserve(output->payload, smaller(capacity * 2, output->max_length), error);
}

enum weft_status weft_inflate_reserve(struct weft_inflate_output *output, size_t length, struct weft_error *error)
{
    struct weft_payload *payload = output->payload;
    if (length > output->max_length - payload->length) {
        return weft_fail(error, WEFT_LIMIT, "inflates to more than %zu bytes (%s)", output->max_length,
                         output->limit_name);
    }
    size_t needed = payload->length + length;
    return needed <= payload->capacity
               ? WEFT_OK
               : reserve(payload,
                         smaller(needed > payload->capacity * 2 ? needed : payload->capacity * 2, output->max_length),
                         error);
}

static struct weft_inflate_output output_within(const struct weft_codec_limits *limits, size_t input_length)
{
    struct weft_inflate_output output = { .max_length = smaller(limits->max_inflated_bytes, largest_message),
                                          .limit_name = "max_inflated_bytes" };
    size_t by_ratio = limits->max_ratio == 0 ? SIZE_MAX : input_length * limits->max_ratio;
    by_ratio = by_ratio < RATIO_FREE_BYTES ? RATIO_FREE_BYTES : by_ratio;
    if (by_ratio < output.max_length) {
        output.max_length = by_ratio;
        output.limit_name = "max_ratio";
    }
    return output;
}

static enum weft_status copy_identity(struct weft_slice input, struct weft_inflate_output *output,
                                      struct weft_error *error)
{
    if (input.length > output->max_length) {
        return weft_fail(error, WEFT_LIMIT, "%zu bytes are more than %zu (%s)", input.length, output->max_length,
                         output->limit_name);
    }
    enum weft_status status = reserve(output->payload, input.length, error);
    if (status == WEFT_OK && input.length > 0) {
        weft_payload_append(output->payload, input.bytes, input.length);
    }
    return status;
}

static enum weft_status inflate_to(struct weft_codec *codec, enum weft_encoding encoding, struct weft_slice input,
                                   const struct weft_codec_limits *limits, struct weft_inflate_output *output,
                                   struct weft_error *error)
{
    uint32_t max_members = limits->max_members == 0 ? DEFAULT_MEMBERS : limits->max_members;
    uint32_t max_window_log = limits->max_window_log == 0 ? DEFAULT_WINDOW_LOG : limits->max_window_log;
    switch (encoding) {
    case WEFT_ENCODING_IDENTITY:
        return copy_identity(input, output, error);
    case WEFT_ENCODING_GZIP:
    case WEFT_ENCODING_DEFLATE:
        return weft_isal_inflate(codec, encoding, input, max_members, output, error);
    case WEFT_ENCODING_ZSTD:
        return weft_zstd_inflate(codec, input, max_members, max_window_log, output, error);
    case WEFT_ENCODING_SNAPPY:
    case WEFT_ENCODING_SNAPPY_FRAMED:
        return weft_snappy_inflate(weft_encoding_of(encoding, input), input, output, error);
    case WEFT_ENCODING_LZ4:
        return weft_lz4_inflate(input, max_members, output, error);
    }
    weft_assert(!"an encoding");
    return WEFT_INTERNAL;
}

enum weft_status weft_inflate(struct weft_codec *codec, enum weft_encoding encoding, struct weft_slice input,
                              const struct weft_codec_limits *limits, struct weft_payload_pool *pool,
                              struct weft_payload **out_payload, struct weft_error *error)
{
    if (input.length > largest_message) {
        return weft_fail(error, WEFT_LIMIT, "%zu bytes are more than one message may have", input.length);
    }
    if (input.bytes == NULL) {
        input = WEFT_SLICE_LITERAL(""); /* an empty message may have no address to count from */
    }
    struct weft_inflate_output output = output_within(limits, input.length);
    output.payload = weft_payload_try_new(pool, 0);
    if (output.payload == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a payload");
    }
    enum weft_status status = inflate_to(codec, encoding, input, limits, &output, error);
    if (status != WEFT_OK) {
        weft_payload_unref(&output.payload);
        return status;
    }
    *out_payload = output.payload;
    return WEFT_OK;
}

enum weft_status weft_deflate_grow(struct weft_payload *payload)
{
    return weft_payload_reserve(payload, payload->capacity * 2);
}

static enum weft_status gather_identity(const struct weft_slice *slices, size_t slice_count, size_t total_length,
                                        struct weft_payload *payload)
{
    enum weft_status status = weft_payload_reserve(payload, total_length);
    for (size_t i = 0; status == WEFT_OK && i < slice_count; i++) {
        if (slices[i].length > 0) {
            weft_payload_append(payload, slices[i].bytes, slices[i].length);
        }
    }
    return status;
}

static enum weft_status deflate_to(struct weft_codec *codec, enum weft_encoding encoding, int level,
                                   const struct weft_slice *slices, size_t slice_count, size_t total_length,
                                   struct weft_payload *payload)
{
    switch (encoding) {
    case WEFT_ENCODING_IDENTITY:
        return gather_identity(slices, slice_count, total_length, payload);
    case WEFT_ENCODING_GZIP:
    case WEFT_ENCODING_DEFLATE:
        return weft_isal_deflate(codec, encoding, level, slices, slice_count, payload);
    case WEFT_ENCODING_ZSTD:
        return weft_zstd_deflate(codec, level, slices, slice_count, total_length, payload);
    case WEFT_ENCODING_SNAPPY:
    case WEFT_ENCODING_SNAPPY_FRAMED:
        return weft_snappy_deflate(codec, encoding, slices, slice_count, total_length, payload);
    case WEFT_ENCODING_LZ4:
        return weft_lz4_deflate(codec, slices, slice_count, payload);
    }
    weft_assert(!"an encoding");
    return WEFT_INTERNAL;
}

enum weft_status weft_deflate(struct weft_codec *codec, enum weft_encoding encoding, int level,
                              const struct weft_slice *slices, size_t slice_count, struct weft_payload_pool *pool,
                              struct weft_payload **out_payload, struct weft_error *error)
{
    size_t total_length = 0;
    for (size_t i = 0; i < slice_count; i++) {
        total_length += slices[i].length;
    }
    /* Telemetry shrinks to a quarter or less. */
    struct weft_payload *payload = weft_payload_try_new(pool, total_length / 4);
    enum weft_status status = WEFT_NOMEM;
    if (payload != NULL) {
        status = deflate_to(codec, encoding, level, slices, slice_count, total_length, payload);
    }
    if (status != WEFT_OK) {
        weft_payload_unref(&payload);
        return weft_fail(error, status, "no memory to compress %zu bytes", total_length);
    }
    *out_payload = payload;
    return WEFT_OK;
}
