#pragma once

#include "base/payload.h"
#include "base/slice.h"
#include "base/status.h"

/* Content encodings, for whole messages. Contexts are kept per worker in struct weft_codec and reused;
 * nothing is allocated from a size that a peer declares. */
enum weft_encoding {
    WEFT_ENCODING_IDENTITY,
    WEFT_ENCODING_GZIP,
    WEFT_ENCODING_ZSTD,
    WEFT_ENCODING_DEFLATE,
    WEFT_ENCODING_SNAPPY,        /* one block */
    WEFT_ENCODING_SNAPPY_FRAMED, /* a stream of them, with checksums */
    WEFT_ENCODING_LZ4,           /* frames */
};

/* As HTTP names them: "gzip" ("x-gzip"), "zstd", "deflate" (zlib format, RFC 9110 8.4.1.2; "zlib" is the same),
 * "snappy", "x-snappy-framed", "lz4", "identity" or "". WEFT_UNSUPPORTED for anything else. */
enum weft_status weft_encoding_parse(struct weft_slice name, enum weft_encoding *out_encoding) WEFT_MUST_CHECK;
const char *weft_encoding_name(enum weft_encoding encoding);

/* What a message really is whose sender says that it is encoded so: a framed stream of snappy is often called "snappy".
 */
enum weft_encoding weft_encoding_of(enum weft_encoding said, struct weft_slice message);

struct weft_codec;

struct weft_codec_limits {
    size_t max_inflated_bytes; /* cap of the output, exact; 2 GiB at most whatever it says */
    uint32_t max_ratio;        /* output to the whole message's length, after the first 1 MiB of output; 0 = none */
    uint32_t max_window_log;   /* zstd, for frames that declare a window; 0 = 23 */
    uint32_t max_members;      /* gzip members, or zstd and lz4 frames with the skippable ones; 0 = 16 */
};

/* One per worker. budget is charged with the contexts; it outlives the codec. */
struct weft_codec *weft_codec_new(struct weft_budget *budget);
void weft_codec_free(struct weft_codec *codec);

/* Inflates one whole message into a new payload from pool (the caller owns it). WEFT_LIMIT: an output cap,
 * ratio, window or member limit; WEFT_INVALID: not valid data, truncated, or bytes after the end (with the
 * offset); WEFT_NOMEM. */
enum weft_status weft_inflate(struct weft_codec *codec, enum weft_encoding encoding, struct weft_slice input,
                              const struct weft_codec_limits *limits, struct weft_payload_pool *pool,
                              struct weft_payload **out_payload, struct weft_error *error) WEFT_MUST_CHECK;

/* Deflates the concatenation of the slices into a new payload. level 0 = the encoding's default here (gzip:
 * ISA-L level 1, zstd: 1); gzip and deflate know 1 to 3, zstd -7 and lower to 19, and what is beyond means
 * the nearest; the others have none. Output is deterministic for the same slices and level. WEFT_NOMEM only. */
enum weft_status weft_deflate(struct weft_codec *codec, enum weft_encoding encoding, int level,
                              const struct weft_slice *slices, size_t slice_count, struct weft_payload_pool *pool,
                              struct weft_payload **out_payload, struct weft_error *error) WEFT_MUST_CHECK;
