/* The table of detectors (redaction_detectors.h) and the pass that says which of them are worth asking: each names
 * bytes without which it finds nothing, how short a text and how few digits are too little. */
#include "processors/redaction_detector.h"

#include "base/status.h"

/* Bytes that a text may have. */
enum sign {
    AT = 1 << 0,
    DOT = 1 << 1,
    DASH = 1 << 2,
    UNDERSCORE = 1 << 3,
    SPACE = 1 << 4,
    COLON = 1 << 5,
    ASSIGNS = 1 << 6, /* ':' or '=' */
    SLASH = 1 << 7,
    PHONE = 1 << 8, /* what stands in telephone numbers beside digits */
    CAPITAL_A = 1 << 9,
    CAPITAL_I = 1 << 10,
    CAPITAL_J = 1 << 11,
    CAPITAL = 1 << 12,
    SMALL_E = 1 << 13,
    SMALL_K = 1 << 14,
    SMALL_X = 1 << 15,
    SMALL_Z = 1 << 16,
    SMALL_H = 1 << 17,
    LETTER_B = 1 << 18,
};

#define SIGNS(value) ((uint32_t)(value))

static const uint32_t signs_of[256] = {
    ['@'] = AT,
    ['.'] = SIGNS(DOT | PHONE),
    ['-'] = SIGNS(DASH | PHONE),
    ['_'] = UNDERSCORE,
    [' '] = SIGNS(SPACE | PHONE),
    [':'] = SIGNS(COLON | ASSIGNS),
    ['='] = ASSIGNS,
    ['/'] = SIGNS(SLASH | PHONE),
    ['+'] = PHONE,
    ['('] = PHONE,
    ['A'] = SIGNS(CAPITAL | CAPITAL_A),
    ['B'] = SIGNS(CAPITAL | LETTER_B),
    ['b'] = LETTER_B,
    ['I'] = SIGNS(CAPITAL | CAPITAL_I),
    ['J'] = SIGNS(CAPITAL | CAPITAL_J),
    ['C'] = CAPITAL,
    ['D'] = CAPITAL,
    ['E'] = CAPITAL,
    ['F'] = CAPITAL,
    ['G'] = CAPITAL,
    ['H'] = CAPITAL,
    ['K'] = CAPITAL,
    ['L'] = CAPITAL,
    ['M'] = CAPITAL,
    ['N'] = CAPITAL,
    ['O'] = CAPITAL,
    ['P'] = CAPITAL,
    ['Q'] = CAPITAL,
    ['R'] = CAPITAL,
    ['S'] = CAPITAL,
    ['T'] = CAPITAL,
    ['U'] = CAPITAL,
    ['V'] = CAPITAL,
    ['W'] = CAPITAL,
    ['X'] = CAPITAL,
    ['Y'] = CAPITAL,
    ['Z'] = CAPITAL,
    ['e'] = SMALL_E,
    ['k'] = SMALL_K,
    ['x'] = SMALL_X,
    ['z'] = SMALL_Z,
    ['h'] = SMALL_H,
};

static const struct {
    const char *name;
    weft_detector_fn *find;
    uint32_t needs; /* signs, all of them */
    uint8_t min_bytes, min_digits;
} detectors[WEFT_DETECTOR_COUNT] = {
    [WEFT_DETECT_EMAIL] = { "email", weft_detect_email, AT | DOT, 6, 0 },
    [WEFT_DETECT_CREDIT_CARD] = { "credit_card", weft_detect_credit_card, 0, 14, 14 },
    [WEFT_DETECT_IBAN] = { "iban", weft_detect_iban, CAPITAL, 15, 4 },
    [WEFT_DETECT_JWT] = { "jwt", weft_detect_jwt, DOT | CAPITAL_J | SMALL_E, 20, 0 },
    [WEFT_DETECT_PEM] = { "pem", weft_detect_pem, DASH | SPACE | CAPITAL | LETTER_B | CAPITAL_A | CAPITAL_I, 27, 0 },
    [WEFT_DETECT_AWS_KEY] = { "aws_key", weft_detect_aws_key, CAPITAL_A | CAPITAL_I, 20, 0 },
    [WEFT_DETECT_GITHUB_TOKEN] = { "github_token", weft_detect_github_token, UNDERSCORE | SMALL_H, 33, 0 },
    [WEFT_DETECT_SLACK_TOKEN] = { "slack_token", weft_detect_slack_token, DASH | SMALL_X, 15, 1 },
    [WEFT_DETECT_STRIPE_KEY] = { "stripe_key", weft_detect_stripe_key, UNDERSCORE, 18, 0 },
    [WEFT_DETECT_GOOGLE_API_KEY] = { "google_api_key", weft_detect_google_api_key, CAPITAL_A | CAPITAL_I | SMALL_Z, 39,
                                     0 },
    [WEFT_DETECT_OPENAI_KEY] = { "openai_key", weft_detect_openai_key, DASH | SMALL_K, 28, 1 },
    [WEFT_DETECT_ANTHROPIC_KEY] = { "anthropic_key", weft_detect_anthropic_key, DASH | SMALL_K, 27, 0 },
    [WEFT_DETECT_RUNPOD_KEY] = { "runpod_key", weft_detect_runpod_key, UNDERSCORE | CAPITAL, 34, 1 },
    [WEFT_DETECT_INNGEST_KEY] = { "inngest_key", weft_detect_inngest_key, DASH | SMALL_K | SMALL_E, 26, 1 },
    [WEFT_DETECT_BEARER] = { "bearer", weft_detect_bearer, SPACE | LETTER_B, 15, 0 },
    [WEFT_DETECT_BASIC_AUTH] = { "basic_auth", weft_detect_basic_auth, SPACE | LETTER_B, 10, 0 },
    [WEFT_DETECT_URL_PASSWORD] = { "url_password", weft_detect_url_password, AT | COLON | SLASH, 7, 0 },
    [WEFT_DETECT_PASSWORD_KV] = { "password_kv", weft_detect_password_kv, ASSIGNS, 7, 0 },
    [WEFT_DETECT_IPV4] = { "ipv4", weft_detect_ipv4, DOT, 7, 4 },
    [WEFT_DETECT_IPV6] = { "ipv6", weft_detect_ipv6, COLON, 3, 1 },
    [WEFT_DETECT_US_SSN] = { "us_ssn", weft_detect_us_ssn, PHONE, 11, 9 },
    [WEFT_DETECT_PHONE] = { "phone", weft_detect_phone, PHONE, 9, 8 },
};

const char *weft_detector_name(enum weft_detector_id id)
{
    return detectors[id].name;
}

enum weft_detector_id weft_detector_of(const char *name)
{
    size_t id = 0;
    while (id < WEFT_DETECTOR_COUNT && strcmp(detectors[id].name, name) != 0) {
        id++;
    }
    return (enum weft_detector_id)id;
}

static uint32_t read_signs(struct weft_slice text, uint32_t *out_digit_count)
{
    uint32_t signs = 0;
    uint32_t digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        signs |= signs_of[text.bytes[i]];
        digits += weft_is_digit(text.bytes[i]);
    }
    *out_digit_count = digits;
    return signs;
}

weft_detector_set weft_detectors_find(weft_detector_set set, struct weft_slice text)
{
    weft_detector_set found = 0;
    uint32_t digits;
    uint32_t signs = read_signs(text, &digits);
    for (weft_detector_set left = set; left != 0; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctz(left);
        struct weft_found where;
        if ((signs & detectors[id].needs) == detectors[id].needs && digits >= detectors[id].min_digits &&
            text.length >= detectors[id].min_bytes && detectors[id].find(text, 0, &where)) {
            found |= 1u << id;
        }
    }
    return found;
}

bool weft_detector_next(enum weft_detector_id id, struct weft_slice text, size_t from, struct weft_found *out_found)
{
    return detectors[id].find(text, from, out_found);
}

static int digit_of_base64(uint8_t byte)
{
    if (weft_is_upper(byte)) {
        return byte - 'A';
    }
    if (weft_is_letter(byte)) {
        return byte - 'a' + 26;
    }
    if (weft_is_digit(byte)) {
        return byte - '0' + 52;
    }
    return byte == '+' || byte == '-' ? 62 : byte == '/' || byte == '_' ? 63 : -1;
}

size_t weft_detector_base64(const uint8_t *text, size_t length, uint8_t *out_bytes, size_t size_bytes)
{
    enum { DIGIT_BITS = 6, BYTE_BITS = 8 };
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < length && count < size_bytes; i++) {
        int digit = digit_of_base64(text[i]);
        if (digit < 0) {
            break;
        }
        bits = bits << DIGIT_BITS | (uint32_t)digit;
        bit_count += DIGIT_BITS;
        if (bit_count >= BYTE_BITS) {
            bit_count -= BYTE_BITS;
            out_bytes[count++] = (uint8_t)(bits >> bit_count);
        }
    }
    return count;
}
