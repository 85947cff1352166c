#pragma once

#include "base/work.h"
#include "processors/redaction_detectors.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What the files of detectors share. A search looks at text from `from` on and
 * at what stands before that. */
typedef bool weft_detector_fn(struct weft_slice text, size_t from, struct weft_found *out_found);

weft_detector_fn weft_detect_email, weft_detect_url_password, weft_detect_ipv4, weft_detect_ipv6;
weft_detector_fn weft_detect_credit_card, weft_detect_iban, weft_detect_us_ssn, weft_detect_phone;
weft_detector_fn weft_detect_aws_key, weft_detect_github_token, weft_detect_slack_token, weft_detect_stripe_key,
    weft_detect_google_api_key, weft_detect_openai_key, weft_detect_anthropic_key, weft_detect_runpod_key,
    weft_detect_inngest_key;
weft_detector_fn weft_detect_jwt, weft_detect_pem, weft_detect_bearer, weft_detect_basic_auth, weft_detect_password_kv;

/* Searches say in their loops what they do, so that one over megabytes can be put off (base/work.h): what a look at a
 * place where something may stand costs is that of so many bytes. */
static inline void weft_detector_did_place(void)
{
    enum { BYTES = 64 };
    weft_work_did(BYTES);
}

static inline bool weft_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool weft_is_upper(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static inline bool weft_is_letter(uint8_t byte)
{
    return weft_is_upper(byte & ~0x20);
}

static inline bool weft_is_alnum(uint8_t byte)
{
    return weft_is_digit(byte) || weft_is_letter(byte);
}

static inline bool weft_is_word(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '_';
}

static inline bool weft_is_hex(uint8_t byte)
{
    return weft_is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static inline bool weft_is_base64url(uint8_t byte)
{
    return weft_is_word(byte) || byte == '-';
}

/* The byte there; 0 before and behind the text. */
static inline uint8_t weft_byte_at(struct weft_slice text, size_t at)
{
    return at < text.length ? text.bytes[at] : 0;
}

static inline uint8_t weft_byte_before(struct weft_slice text, size_t at)
{
    return at > 0 ? text.bytes[at - 1] : 0;
}

/* Where the byte stands first at or behind from; the length if nowhere. */
static inline size_t weft_find_byte(struct weft_slice text, size_t from, uint8_t byte)
{
    const uint8_t *found = from < text.length ? memchr(text.bytes + from, byte, text.length - from) : NULL;
    return found == NULL ? text.length : (size_t)(found - text.bytes);
}

/* Where one of two bytes stands first. */
static inline size_t weft_find_either(struct weft_slice text, size_t from, char first, char second)
{
#ifdef __SSE2__
    enum { BLOCK_BYTES = 16 };
    for (; from < text.length && text.length - from >= BLOCK_BYTES; from += BLOCK_BYTES) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text.bytes + from));
        __m128i found =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(first)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(second)));
        int bits = _mm_movemask_epi8(found);
        if (bits != 0) {
            return from + (size_t)__builtin_ctz((unsigned)bits);
        }
    }
#endif
    while (from < text.length && text.bytes[from] != (uint8_t)first && text.bytes[from] != (uint8_t)second) {
        from++;
    }
    return from < text.length ? from : text.length;
}

static inline size_t weft_find_text(struct weft_slice text, size_t from, const char *sought)
{
    const uint8_t *found =
        from < text.length ? memmem(text.bytes + from, text.length - from, sought, strlen(sought)) : NULL;
    return found == NULL ? text.length : (size_t)(found - text.bytes);
}

/* Whether the words stand there, letters in either case; sought is in small
 * letters. */
static inline bool weft_has_text_at(struct weft_slice text, size_t at, const char *sought)
{
    for (; *sought != 0; sought++, at++) {
        uint8_t byte = weft_byte_at(text, at);
        if ((weft_is_upper(byte) ? byte | 0x20 : byte) != (uint8_t)*sought) {
            return false;
        }
    }
    return true;
}

/* Behind the bytes from `at` on that are of that kind. */
static inline size_t weft_skip(struct weft_slice text, size_t at, bool (*is_kind)(uint8_t byte))
{
    while (at < text.length && is_kind(text.bytes[at])) {
        weft_work_did_each(at++);
    }
    return at;
}

/* Decodes base64 of either alphabet, without its padding, into size_bytes at
 * most. Returns how many bytes there are. */
size_t weft_detector_base64(const uint8_t *text, size_t length, uint8_t *out_bytes, size_t size_bytes);

/* What a first look at a text says. */
struct weft_text_signs {
    uint64_t triggers;                /* that are in it */
    bool has_card_form, has_ssn_form; /* digits as cards and social security numbers have them */
    struct weft_found where;          /* all of these lie there; of a form there may be more around it */
};

bool weft_detector_has_vectors(void);
struct weft_text_signs weft_detector_look(const struct weft_detector_filter *filter, struct weft_slice text);
