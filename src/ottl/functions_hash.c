/* Converters: hashes, and codes that bytes are written in. */
#include "base/hash.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/text_base64.h"
#include "ottl/text_hash.h"

/* ---- digests ---- */

/* A digest for each run: a program's state is shared by all workers, a digest is not. */
static enum weft_status give_digest(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                    enum weft_digest_kind kind, struct weft_ottl_value *out_value)
{
    uint8_t bytes[WEFT_DIGEST_MAX_BYTES];
    struct weft_digest **digest = &run->digests[kind];
    enum weft_status status = *digest != NULL ? WEFT_OK : weft_digest_new(kind, NULL, digest, &run->error);
    if (status != WEFT_OK) {
        return status == WEFT_NOMEM ? status : WEFT_INVALID;
    }
    size_t length = weft_digest_compute(*digest, call->arguments[0].bytes, bytes);
    if (length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "the digest failed");
    }
    return weft_ottl_give_hex(run, weft_slice_of(bytes, length), out_value);
}

static enum weft_status md5(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    return give_digest(run, call, WEFT_DIGEST_MD5, out_value);
}

static enum weft_status sha1(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    return give_digest(run, call, WEFT_DIGEST_SHA1, out_value);
}

static enum weft_status sha256(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    return give_digest(run, call, WEFT_DIGEST_SHA256, out_value);
}

static enum weft_status sha512(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    return give_digest(run, call, WEFT_DIGEST_SHA512, out_value);
}

/* ---- other hashes ---- */

static enum weft_status fnv(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, weft_ottl_int((int64_t)weft_ottl_fnv1a(call->arguments[0].bytes)));
}

static uint8_t *put_word(uint8_t *to, uint64_t word, size_t length, bool is_high_first)
{
    for (size_t i = 0; i < length; i++) {
        to[is_high_first ? length - 1 - i : i] = (uint8_t)(word >> (8 * i));
    }
    return to + length;
}

static enum weft_status give_words(struct weft_ottl_run *run, uint64_t first, uint64_t second, size_t count,
                                   bool is_high_first, struct weft_ottl_value *out_value)
{
    uint8_t bytes[16];
    put_word(put_word(bytes, first, 8, is_high_first), second, 8, is_high_first);
    return weft_ottl_give_hex(run, weft_slice_of(bytes, 8 * count), out_value);
}

static enum weft_status xxh3(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    weft_work_did(call->arguments[0].bytes.length);
    return give_words(run, weft_hash_xxh3(call->arguments[0].bytes), 0, 1, true, out_value);
}

static enum weft_status xxh128(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    uint64_t high = 0;
    weft_work_did(call->arguments[0].bytes.length);
    uint64_t low = weft_hash_xxh128(call->arguments[0].bytes, &high);
    return give_words(run, high, low, 2, true, out_value);
}

static enum weft_status murmur3(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    uint8_t bytes[4];
    put_word(bytes, weft_ottl_murmur3(call->arguments[0].bytes), sizeof bytes, false);
    return weft_ottl_give_hex(run, weft_slice_of(bytes, sizeof bytes), out_value);
}

static enum weft_status murmur3_wide(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_wide_hash hash = weft_ottl_murmur3_wide(call->arguments[0].bytes);
    return give_words(run, hash.low, hash.high, 2, false, out_value);
}

/* False for what is no number with a check digit at all. */
static enum weft_status is_valid_luhn(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    if (target->kind == WEFT_OTTL_NIL) {
        return weft_fail(&run->error, WEFT_INVALID, "IsValidLuhn: expected a string but got nil");
    }
    int outcome = weft_ottl_luhn(target->bytes);
    if (outcome == WEFT_OTTL_LUHN_OTHER) {
        return weft_fail(&run->error, WEFT_INVALID, "IsValidLuhn: the text has more than digits and spaces");
    }
    return weft_ottl_give(out_value, weft_ottl_bool(outcome == WEFT_OTTL_LUHN_YES));
}

/* ---- codes ---- */

static enum weft_status hex(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    return weft_ottl_give_hex(run, target->kind == WEFT_OTTL_NIL ? WEFT_SLICE_EMPTY : target->bytes, out_value);
}

static enum weft_status base64_encode(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    unsigned form = WEFT_OTTL_BASE64_PADDED;
    struct weft_slice name = weft_ottl_text_or(call, 1, "base64");
    if (!weft_ottl_base64_form_of(name, &form)) {
        return weft_fail(&run->error, WEFT_INVALID, "\"%.*s\" is no variant of base64", WEFT_SLICE_PRINT(name));
    }
    weft_ottl_base64_put(weft_ottl_scratch(run), call->arguments[0].bytes, form);
    return weft_ottl_give_scratch(run, out_value);
}

static enum weft_status give_decoded(struct weft_ottl_run *run, struct weft_slice text, unsigned form,
                                     struct weft_ottl_value *out_value)
{
    if (!weft_ottl_base64_read(weft_ottl_scratch(run), text, form)) {
        return weft_fail(&run->error, WEFT_INVALID, "this is no base64");
    }
    return weft_ottl_give_scratch(run, out_value);
}

static enum weft_status base64_decode(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    return give_decoded(run, call->arguments[0].bytes, WEFT_OTTL_BASE64_PADDED, out_value);
}

/* ---- Decode ---- */

static enum weft_status check_encoding(struct weft_slice name, struct weft_error *error)
{
    unsigned form;
    if (weft_ottl_base64_form_of(name, &form) || weft_ottl_text_encoding_of(name) != WEFT_OTTL_ENCODING_NONE) {
        return WEFT_OK;
    }
    return weft_fail(error, WEFT_UNSUPPORTED,
                     "weft does not know the encoding \"%.*s\"; it has base64, utf-8, ascii, iso-8859-1 and utf-16",
                     WEFT_SLICE_PRINT(name));
}

static enum weft_status make_decode(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                    struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return weft_ottl_is_given(call, 1) ? check_encoding(call->arguments[1].bytes, error) : WEFT_OK;
}

static enum weft_status decode(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    struct weft_slice name = call->arguments[1].bytes;
    unsigned form;
    if (target->kind != WEFT_OTTL_STRING && target->kind != WEFT_OTTL_BYTES) {
        return weft_fail(&run->error, WEFT_INVALID, "Decode: expected a string but got %s",
                         weft_ottl_kind_text(target->kind));
    }
    if (weft_ottl_base64_form_of(name, &form)) {
        return give_decoded(run, target->bytes, form, out_value);
    }
    if (check_encoding(name, &run->error) != WEFT_OK) {
        return WEFT_INVALID;
    }
    weft_ottl_text_decode(weft_ottl_scratch(run), target->bytes, weft_ottl_text_encoding_of(name));
    return weft_ottl_give_scratch(run, out_value);
}

#define OF_STRING                            \
    {                                        \
        {                                    \
            "target", WEFT_OTTL_TAKES_STRING \
        }                                    \
    }

const struct weft_ottl_function weft_ottl_functions_hash[] = {
    { .name = "Base64Decode", .parameters = OF_STRING, .call = base64_decode },
    { .name = "Base64Encode",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "variant", WEFT_OTTL_TAKES_STRING, .is_optional = true } },
      .call = base64_encode },
    { .name = "Decode",
      .parameters = { { "target", WEFT_OTTL_TAKES_ANY }, { "encoding", WEFT_OTTL_TAKES_STRING } },
      .make = make_decode,
      .call = decode },
    { .name = "FNV", .parameters = OF_STRING, .call = fnv },
    { .name = "Hex", .parameters = { { "target", WEFT_OTTL_TAKES_BYTES_LIKE } }, .call = hex },
    { .name = "IsValidLuhn", .parameters = { { "target", WEFT_OTTL_TAKES_STRING_LIKE } }, .call = is_valid_luhn },
    { .name = "MD5", .parameters = OF_STRING, .call = md5 },
    { .name = "Murmur3Hash", .parameters = OF_STRING, .call = murmur3 },
    { .name = "Murmur3Hash128", .parameters = OF_STRING, .call = murmur3_wide },
    { .name = "SHA1", .parameters = OF_STRING, .call = sha1 },
    { .name = "SHA256", .parameters = OF_STRING, .call = sha256 },
    { .name = "SHA512", .parameters = OF_STRING, .call = sha512 },
    { .name = "XXH128", .parameters = OF_STRING, .call = xxh128 },
    { .name = "XXH3", .parameters = OF_STRING, .call = xxh3 },
    { .name = NULL },
};
