/* Any bytes as a compressed message: refused or inflated within the limits, never more. The first byte
 * chooses the encoding; the decoders must not keep anything of one message for the next. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/compression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct weft_codec_limits limits = { .max_inflated_bytes = 1 << 20, .max_ratio = 1000, .max_members = 4 };

/* What came out must survive its own round trip. */
static void check_round_trip(struct weft_codec *codec, enum weft_encoding encoding, struct weft_payload_pool *pool,
                             struct weft_slice content)
{
    struct weft_payload *deflated = NULL;
    struct weft_payload *again = NULL;
    size_t half = content.length / 2;
    struct weft_slice slices[] = { weft_slice_of(content.bytes, half),
                                   weft_slice_of(content.bytes + half, content.length - half) };
    weft_assert(weft_deflate(codec, encoding, 0, slices, 2, pool, &deflated, NULL) == WEFT_OK);
    struct weft_codec_limits loose = { .max_inflated_bytes = content.length };
    weft_assert(weft_inflate(codec, encoding, weft_payload_slice(deflated), &loose, pool, &again, NULL) == WEFT_OK);
    weft_assert(weft_slice_equal(weft_payload_slice(again), content));
    weft_payload_unref(&deflated);
    weft_payload_unref(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_budget budget;
    static struct weft_payload_pool *pool;
    static struct weft_codec *codec;
    if (pool == NULL) {
        pool = weft_payload_pool_new(&budget, 0);
        codec = weft_codec_new(&budget);
    }
    if (size == 0) {
        return 0;
    }
    enum weft_encoding encoding = (enum weft_encoding)(data[0] % (WEFT_ENCODING_LZ4 + 1));
    struct weft_payload *payload = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status =
        weft_inflate(codec, encoding, weft_slice_of(data + 1, size - 1), &limits, pool, &payload, &error);
    weft_assert((status == WEFT_OK) == (payload != NULL));
    if (status != WEFT_OK) {
        weft_assert(status == WEFT_LIMIT || status == WEFT_INVALID);
        weft_assert(error.status == status && error.text[0] != '\0');
        return 0;
    }
    weft_assert(payload->length <= limits.max_inflated_bytes);
    check_round_trip(codec, encoding, pool, weft_payload_slice(payload));
    weft_payload_unref(&payload);
    return 0;
}
