/* Comparing passwords (password.h). crypt(3) knows most forms; Apache's MD5 is that of FreeBSD under another name, and
 * is written out here. Its rounds: Poul-Henning Kamp's, as the Apache server documents them. */
#include "base/password.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/digest.h"

enum { SHA1_BYTES = 20, MD5_BYTES = 16, MAX_KEPT_BYTES = 256, MD5_ROUNDS = 1000 };

bool weft_secret_equal(struct weft_slice left, struct weft_slice right)
{
    return left.length == right.length &&
           (left.length == 0 || CRYPTO_memcmp(left.bytes, right.bytes, left.length) == 0);
}

static size_t digest(enum weft_digest_kind kind, struct weft_slice text, uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    struct weft_digest *made = NULL;
    if (weft_digest_new(kind, NULL, &made, NULL) != WEFT_OK) {
        return 0;
    }
    size_t length = weft_digest_compute(made, text, out_bytes);
    weft_digest_free(&made);
    return length;
}

/* ---- plain ---- */

static bool is_any(const char *kept)
{
    (void)kept;
    return true;
}

static bool matches_plain(const char *kept, struct weft_slice password)
{
    static const char prefix[] = "{PLAIN}"; /* nginx's way */
    size_t length = sizeof prefix - 1;
    bool is_same = weft_secret_equal(weft_slice_of_text(kept), password);
    bool is_prefixed =
        strncmp(kept, prefix, length) == 0 && weft_secret_equal(weft_slice_of_text(kept + length), password);
    return is_same || is_prefixed;
}

/* ---- {SHA}, {SSHA}: SHA-1, of the password and of it with the salt that follows ---- */

static bool read_sha(const char *kept, uint8_t out_bytes[MAX_KEPT_BYTES], size_t *out_length)
{
    struct weft_slice encoded = weft_slice_of_text(strchr(kept, '}') + 1);
    return encoded.length <= MAX_KEPT_BYTES &&
           weft_base64_decode(encoded, WEFT_BASE64_STANDARD, out_bytes, out_length) == WEFT_OK;
}

static bool is_sha(const char *kept)
{
    uint8_t bytes[MAX_KEPT_BYTES];
    size_t length;
    return read_sha(kept, bytes, &length) && length == SHA1_BYTES;
}

static bool is_salted_sha(const char *kept)
{
    uint8_t bytes[MAX_KEPT_BYTES];
    size_t length;
    return read_sha(kept, bytes, &length) && length > SHA1_BYTES;
}

static bool matches_sha(const char *kept, struct weft_slice password)
{
    uint8_t bytes[MAX_KEPT_BYTES], found[WEFT_DIGEST_MAX_BYTES];
    uint8_t text[WEFT_PASSWORD_MAX_BYTES + MAX_KEPT_BYTES];
    size_t length;
    if (!read_sha(kept, bytes, &length) || length < SHA1_BYTES) {
        return false;
    }
    memcpy(text, password.bytes, password.length);
    memcpy(text + password.length, bytes + SHA1_BYTES, length - SHA1_BYTES);
    bool is_made = digest(WEFT_DIGEST_SHA1, weft_slice_of(text, password.length + length - SHA1_BYTES), found) > 0;
    OPENSSL_cleanse(text, sizeof text);
    return is_made && weft_secret_equal(weft_slice_of(found, SHA1_BYTES), weft_slice_of(bytes, SHA1_BYTES));
}

/* ---- crypt(3) ---- */

static bool is_crypted(const char *kept)
{
    return strlen(kept) < MAX_KEPT_BYTES && strchr(kept + 1, '$') != NULL &&
           strchr(strchr(kept + 1, '$') + 1, '$') != NULL;
}

static bool is_bcrypt(const char *kept)
{
    return is_crypted(kept) && strlen(kept) == 60;
}

/* The letters of bcrypt tell of old mistakes in other libraries; the Collector's makes none and ignores them. */
static bool matches_crypted(const char *kept, struct weft_slice password)
{
    char setting[MAX_KEPT_BYTES], text[WEFT_PASSWORD_MAX_BYTES + 1];
    snprintf(setting, sizeof setting, "%s", kept);
    if (setting[1] == '2') {
        setting[2] = 'b';
    }
    memcpy(text, password.bytes, password.length);
    text[password.length] = '\0';
    struct crypt_data *data = weft_try_alloc(sizeof *data);
    const char *made = data == NULL ? NULL : crypt_rn(text, setting, data, (int)sizeof *data);
    bool is_same = made != NULL && weft_secret_equal(weft_slice_of_text(made), weft_slice_of_text(setting));
    if (data != NULL) {
        OPENSSL_cleanse(data, sizeof *data);
        weft_free(data);
    }
    OPENSSL_cleanse(text, sizeof text);
    return is_same;
}

/* ---- $apr1$ ---- */

static const char apache_prefix[] = "$apr1$";

struct md5_text {
    struct weft_digest *digest;
    uint8_t bytes[2 * WEFT_PASSWORD_MAX_BYTES + MAX_KEPT_BYTES + 64];
    size_t length;
};

static void put(struct md5_text *text, const void *bytes, size_t length)
{
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

static void put_slice(struct md5_text *text, struct weft_slice slice)
{
    put(text, slice.bytes, slice.length);
}

static bool finish(struct md5_text *text, uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    size_t length = weft_digest_compute(text->digest, weft_slice_of(text->bytes, text->length), out_bytes);
    text->length = 0;
    return length > 0;
}

static bool begin_md5(struct md5_text *text, struct weft_slice password, struct weft_slice salt,
                      uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    uint8_t first[WEFT_DIGEST_MAX_BYTES];
    put_slice(text, password);
    put_slice(text, salt);
    put_slice(text, password);
    if (!finish(text, first)) {
        return false;
    }
    put_slice(text, password);
    put(text, apache_prefix, sizeof apache_prefix - 1);
    put_slice(text, salt);
    for (size_t left = password.length; left > 0; left -= left < MD5_BYTES ? left : MD5_BYTES) {
        put(text, first, left < MD5_BYTES ? left : MD5_BYTES);
    }
    for (size_t left = password.length; left > 0; left >>= 1) {
        put(text, (left & 1) != 0 ? "" : (const char *)password.bytes, 1);
    }
    return finish(text, out_bytes);
}

static bool round_md5(struct md5_text *text, int round, struct weft_slice password, struct weft_slice salt,
                      uint8_t in_out_bytes[WEFT_DIGEST_MAX_BYTES])
{
    struct weft_slice former = weft_slice_of(in_out_bytes, MD5_BYTES);
    put_slice(text, round % 2 != 0 ? password : former);
    put_slice(text, round % 3 != 0 ? salt : WEFT_SLICE_LITERAL(""));
    put_slice(text, round % 7 != 0 ? password : WEFT_SLICE_LITERAL(""));
    put_slice(text, round % 2 != 0 ? former : password);
    return finish(text, in_out_bytes);
}

static void write_md5(const uint8_t *bytes, char *out_text)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const uint8_t order[][3] = { { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(order); i++) {
        uint32_t group = (uint32_t)bytes[order[i][0]] << 16 | (uint32_t)bytes[order[i][1]] << 8 | bytes[order[i][2]];
        for (int digit = 0; digit < 4; digit++, group >>= 6) {
            *out_text++ = digits[group & 63];
        }
    }
    *out_text++ = digits[bytes[11] & 63];
    *out_text++ = digits[bytes[11] >> 6];
    *out_text = '\0';
}

static bool is_apache(const char *kept)
{
    return is_crypted(kept);
}

static bool matches_apache(const char *kept, struct weft_slice password)
{
    const char *salt_text = kept + sizeof apache_prefix - 1;
    struct weft_slice salt = weft_slice_of(salt_text, strcspn(salt_text, "$"));
    struct md5_text text = { .length = 0 };
    uint8_t bytes[WEFT_DIGEST_MAX_BYTES];
    if (weft_digest_new(WEFT_DIGEST_MD5, NULL, &text.digest, NULL) != WEFT_OK) {
        return false;
    }
    bool is_made = begin_md5(&text, password, salt, bytes);
    for (int round = 0; is_made && round < MD5_ROUNDS; round++) {
        is_made = round_md5(&text, round, password, salt, bytes);
    }
    weft_digest_free(&text.digest);
    OPENSSL_cleanse(text.bytes, sizeof text.bytes);
    if (!is_made) {
        return false;
    }
    char made[32];
    write_md5(bytes, made);
    return weft_secret_equal(weft_slice_of_text(made), weft_slice_of_text(salt_text + salt.length + 1));
}

/* ---- forms ---- */

static const struct form {
    const char *prefix;
    bool is_slow;
    bool (*is_valid)(const char *kept);
    bool (*matches)(const char *kept, struct weft_slice password);
} forms[] = {
    { apache_prefix, true, is_apache, matches_apache },
    { "$1$", true, is_crypted, matches_crypted },
    { "{SHA}", false, is_sha, matches_sha },
    { "$2a$", true, is_bcrypt, matches_crypted },
    { "$2b$", true, is_bcrypt, matches_crypted },
    { "$2x$", true, is_bcrypt, matches_crypted },
    { "$2y$", true, is_bcrypt, matches_crypted },
    { "{SSHA}", false, is_salted_sha, matches_sha },
    { "$5$", true, is_crypted, matches_crypted },
    { "$6$", true, is_crypted, matches_crypted },
    { "", false, is_any, matches_plain }, /* last: it takes everything */
};

static const struct form *form_of(const char *kept)
{
    const struct form *form = forms;
    while (strncmp(kept, form->prefix, strlen(form->prefix)) != 0) {
        form++;
    }
    return form;
}

bool weft_password_is_valid(const char *kept)
{
    return form_of(kept)->is_valid(kept);
}

bool weft_password_is_slow(const char *kept)
{
    return form_of(kept)->is_slow;
}

bool weft_password_matches(const char *kept, struct weft_slice password)
{
    bool can_match = password.length <= WEFT_PASSWORD_MAX_BYTES &&
                     (password.length == 0 || memchr(password.bytes, 0, password.length) == NULL);
    const struct form *form = form_of(kept);
    password = password.length == 0 ? WEFT_SLICE_LITERAL("") : password; /* bytes to copy from */
    return can_match && form->is_valid(kept) && form->matches(kept, password);
}
