/* What takes the place of a text that is hidden (redaction_rules.h): **** or, with hash_function, its hash in hex, so
 * that equal texts stay equal. A hash without a key can be found out by trying whatever the text may have been. */
#include "processors/redaction_rules.h"

static const struct {
    enum weft_digest_kind kind;
    size_t key_bytes; /* at least; 0 = no key */
    const char *name;
} functions[] = {
    [WEFT_REDACTION_MD5] = { WEFT_DIGEST_MD5, 0, "md5" },
    [WEFT_REDACTION_SHA1] = { WEFT_DIGEST_SHA1, 0, "sha1" },
    [WEFT_REDACTION_SHA3] = { WEFT_DIGEST_SHA3_256, 0, "sha3" },
    [WEFT_REDACTION_HMAC_SHA256] = { WEFT_DIGEST_SHA256, 32, "hmac-sha256" },
    [WEFT_REDACTION_HMAC_SHA512] = { WEFT_DIGEST_SHA512, 64, "hmac-sha512" },
};

enum weft_status weft_redaction_digest_new(const struct weft_redaction_rules *rules, struct weft_digest **out_digest,
                                           struct weft_error *error)
{
    *out_digest = NULL;
    if (rules->hash == WEFT_REDACTION_NO_HASH) {
        return WEFT_OK;
    }
    size_t key_bytes = functions[rules->hash].key_bytes;
    if (rules->hmac_key.length < key_bytes) {
        return weft_fail(error, WEFT_INVALID, "hmac_key: %s needs at least %zu bytes, this one has %zu",
                         functions[rules->hash].name, key_bytes, rules->hmac_key.length);
    }
    enum weft_status status =
        weft_digest_new(functions[rules->hash].kind, key_bytes > 0 ? &rules->hmac_key : NULL, out_digest, error);
    return status == WEFT_OK || error == NULL ? status : weft_fail_prefix(error, "hash_function");
}

void weft_redaction_put_mask(struct weft_redaction_matcher *matcher, struct weft_slice text, struct weft_buffer *out)
{
    char hex[WEFT_DIGEST_MAX_HEX];
    size_t length = matcher->digest == NULL ? 0 : weft_digest_compute_hex(matcher->digest, text, hex);
    struct weft_slice mask = length == 0 ? WEFT_REDACTION_MASK_TEXT : weft_slice_of(hex, length);
    weft_buffer_append(out, mask.bytes, mask.length);
}
