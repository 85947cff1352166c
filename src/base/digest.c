/* Digests (digest.h) by OpenSSL's EVP, which lives here; what it knows of TLS lives in net/. HMAC is written out: a
 * text is hashed behind one padded key and the result behind another. EVP's own copies contexts, which takes memory
 * each time. */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/work.h"

enum { MAX_BLOCK_BYTES = 144, INNER_BYTE = 0x36, OUTER_BYTE = 0x5c };

struct weft_digest {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
    bool is_keyed;
    size_t block_bytes;
    uint8_t inner[MAX_BLOCK_BYTES]; /* the key, padded */
    uint8_t outer[MAX_BLOCK_BYTES];
};

static const char *name_of(enum weft_digest_kind kind)
{
    switch (kind) {
    case WEFT_DIGEST_MD5:
        return "MD5";
    case WEFT_DIGEST_SHA1:
        return "SHA1";
    case WEFT_DIGEST_SHA256:
        return "SHA256";
    case WEFT_DIGEST_SHA512:
        return "SHA512";
    case WEFT_DIGEST_SHA3_256:
        return "SHA3-256";
    }
    return "";
}

/* A long text in pieces, between which the thread may be left. */
static bool add(struct weft_digest *digest, struct weft_slice text)
{
    enum { PIECE_BYTES = 64 << 10 };
    bool is_added = true;
    while (is_added && text.length > PIECE_BYTES) {
        is_added = EVP_DigestUpdate(digest->context, text.bytes, PIECE_BYTES) == 1;
        weft_work_did(PIECE_BYTES);
        text = weft_slice_of(text.bytes + PIECE_BYTES, text.length - PIECE_BYTES);
    }
    return is_added && EVP_DigestUpdate(digest->context, text.bytes, text.length) == 1;
}

/* Of what lies in first, then text. */
static size_t hash(struct weft_digest *digest, struct weft_slice first, struct weft_slice text,
                   uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    unsigned length = 0;
    bool is_hashed = EVP_DigestInit_ex2(digest->context, digest->algorithm, NULL) == 1 &&
                     EVP_DigestUpdate(digest->context, first.bytes, first.length) == 1 && add(digest, text) &&
                     EVP_DigestFinal_ex(digest->context, out_bytes, &length) == 1;
    return is_hashed ? length : 0;
}

/* A key longer than a block is its own digest, by the standard. */
static bool set_key(struct weft_digest *digest, struct weft_slice key)
{
    uint8_t hashed[WEFT_DIGEST_MAX_BYTES];
    if (key.length > digest->block_bytes) {
        key = weft_slice_of(hashed, hash(digest, WEFT_SLICE_EMPTY, key, hashed));
        if (key.length == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < digest->block_bytes; i++) {
        uint8_t byte = i < key.length ? key.bytes[i] : 0;
        digest->inner[i] = byte ^ INNER_BYTE;
        digest->outer[i] = byte ^ OUTER_BYTE;
    }
    OPENSSL_cleanse(hashed, sizeof hashed);
    digest->is_keyed = true;
    return true;
}

static bool set_up(struct weft_digest *digest, enum weft_digest_kind kind, const struct weft_slice *key)
{
    digest->algorithm = EVP_MD_fetch(NULL, name_of(kind), NULL);
    digest->context = EVP_MD_CTX_new();
    if (digest->algorithm == NULL || digest->context == NULL) {
        return false;
    }
    int block_bytes = EVP_MD_get_block_size(digest->algorithm);
    weft_assert(block_bytes > 0 && block_bytes <= MAX_BLOCK_BYTES);
    weft_assert(EVP_MD_get_size(digest->algorithm) <= WEFT_DIGEST_MAX_BYTES);
    digest->block_bytes = (size_t)block_bytes;
    uint8_t bytes[WEFT_DIGEST_MAX_BYTES];
    return hash(digest, WEFT_SLICE_EMPTY, WEFT_SLICE_EMPTY, bytes) > 0 && (key == NULL || set_key(digest, *key));
}

enum weft_status weft_digest_new(enum weft_digest_kind kind, const struct weft_slice *key,
                                 struct weft_digest **out_digest, struct weft_error *error)
{
    struct weft_digest *digest = weft_try_alloc(sizeof *digest);
    if (digest == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a digest");
    }
    if (!set_up(digest, kind, key)) {
        weft_digest_free(&digest);
        return weft_fail(error, WEFT_UNSUPPORTED, "OpenSSL does not offer %s here", name_of(kind));
    }
    *out_digest = digest;
    return WEFT_OK;
}

void weft_digest_free(struct weft_digest **own_digest)
{
    struct weft_digest *digest = *own_digest;
    if (digest != NULL) {
        EVP_MD_CTX_free(digest->context);
        EVP_MD_free(digest->algorithm);
        OPENSSL_cleanse(digest, sizeof *digest);
        weft_free(digest);
        *own_digest = NULL;
    }
}

size_t weft_digest_compute(struct weft_digest *digest, struct weft_slice text, uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    if (!digest->is_keyed) {
        return hash(digest, WEFT_SLICE_EMPTY, text, out_bytes);
    }
    uint8_t inner[WEFT_DIGEST_MAX_BYTES];
    size_t length = hash(digest, weft_slice_of(digest->inner, digest->block_bytes), text, inner);
    return length == 0 ? 0
                       : hash(digest, weft_slice_of(digest->outer, digest->block_bytes), weft_slice_of(inner, length),
                              out_bytes);
}

size_t weft_digest_compute_hex(struct weft_digest *digest, struct weft_slice text, char out_text[WEFT_DIGEST_MAX_HEX])
{
    uint8_t bytes[WEFT_DIGEST_MAX_BYTES];
    size_t length = weft_digest_compute(digest, text, bytes);
    weft_hex_put((uint8_t *)out_text, weft_slice_of(bytes, length));
    return 2 * length;
}
