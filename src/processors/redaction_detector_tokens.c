/* Detectors of keys that name who gave them out: a prefix that is theirs, then so many bytes of their alphabet, and no
 * letter or digit around. */
#include "base/assert.h"
#include "processors/redaction_detector.h"

#define MANY UINT32_MAX

struct token {
    const char *prefix;
    bool (*is_kind)(uint8_t byte);
    uint32_t min_bytes, max_bytes; /* behind the prefix */
    bool needs_digit;
};

static bool is_aws(uint8_t byte)
{
    return weft_is_upper(byte) || (byte >= '2' && byte <= '7');
}

static bool is_dashed(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '-';
}

static bool is_base64(uint8_t byte)
{
    return weft_is_alnum(byte) || byte == '+' || byte == '/' || byte == '=';
}

/* What was read of the text for one token: the run of bytes of its kind that `end` ends, and the first digit behind
 * where one was sought. Prefixes may follow one another in one run of their alphabet, and it is read once for all. */
struct reading {
    size_t end;   /* valid for whoever starts before it */
    size_t digit; /* the same */
};

static size_t end_of_run(const struct token *token, struct weft_slice text, size_t start, struct reading *reading)
{
    if (start >= reading->end) {
        reading->end = weft_skip(text, start, token->is_kind);
    }
    return start > reading->end ? start : reading->end;
}

static bool has_digit(struct weft_slice text, size_t start, size_t end, struct reading *reading)
{
    if (start > reading->digit || reading->digit == 0) {
        reading->digit = start;
        while (reading->digit < text.length && !weft_is_digit(text.bytes[reading->digit])) {
            weft_work_did_each(reading->digit++);
        }
    }
    return reading->digit < end;
}

/* The token whose prefix stands at `at`; false if it is none. */
static bool confirm(const struct token *token, struct weft_slice text, size_t at, struct reading *reading,
                    struct weft_found *out_found)
{
    if (weft_is_word(weft_byte_before(text, at))) {
        return false;
    }
    size_t start = at + strlen(token->prefix);
    size_t end = end_of_run(token, text, start, reading);
    if (end - start < token->min_bytes || end - start > token->max_bytes || weft_is_alnum(weft_byte_at(text, end)) ||
        (token->needs_digit && !has_digit(text, start, end, reading))) {
        return false;
    }
    *out_found = (struct weft_found){ at, end };
    return true;
}

static bool find_token(const struct token *token, struct weft_slice text, size_t from, size_t last,
                       struct reading *reading, struct weft_found *out_found)
{
    size_t length = strlen(token->prefix);
    struct weft_slice window = weft_slice_of(text.bytes, text.length - last < length ? text.length : last + length);
    for (size_t at = from; (at = weft_find_text(window, at, token->prefix)) < window.length; at++) {
        weft_detector_did_place();
        if (confirm(token, text, at, reading, out_found)) {
            return true;
        }
    }
    return false;
}

/* The first of several. By windows that grow: each is looked for about as far as the nearest one stands, and not to the
 * end again and again. */
static bool find_first(const struct token *tokens, size_t count, struct weft_slice text, size_t from,
                       struct weft_found *out_found)
{
    enum { MAX_TOKENS = 8, FIRST_WINDOW_BYTES = 64, MAX_WINDOW_BYTES = 64 << 10 };
    struct reading readings[MAX_TOKENS] = { 0 };
    size_t window = FIRST_WINDOW_BYTES;
    bool is_found = false;
    weft_assert(count <= MAX_TOKENS);
    for (size_t at = from; at < text.length && !is_found; at += window) {
        window = at > from && window < MAX_WINDOW_BYTES ? 2 * window : window;
        size_t last = text.length - at < window ? text.length - 1 : at + window - 1;
        weft_work_did(last - at);
        for (size_t i = 0; i < count; i++) {
            struct weft_found found;
            if (find_token(&tokens[i], text, at, last, &readings[i], &found)) {
                *out_found = found;
                is_found = true;
                last = found.start > 0 ? found.start - 1 : 0; /* only an earlier one counts now */
                if (found.start <= at) {
                    break;
                }
            }
        }
    }
    return is_found;
}

bool weft_detect_aws_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token tokens[] = { { "AKIA", is_aws, 16, 16, false }, { "ASIA", is_aws, 16, 16, false } };
    return find_first(tokens, 2, text, from, out_found);
}

bool weft_detect_github_token(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token tokens[] = {
        { "ghp_", weft_is_alnum, 36, MANY, false }, { "gho_", weft_is_alnum, 36, MANY, false },
        { "ghu_", weft_is_alnum, 36, MANY, false }, { "ghs_", weft_is_alnum, 36, MANY, false },
        { "ghr_", weft_is_alnum, 36, MANY, false }, { "github_pat_", weft_is_word, 22, MANY, false },
    };
    return find_first(tokens, sizeof tokens / sizeof tokens[0], text, from, out_found);
}

bool weft_detect_slack_token(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token tokens[] = {
        { "xoxa-", is_dashed, 10, MANY, true }, { "xoxb-", is_dashed, 10, MANY, true },
        { "xoxe-", is_dashed, 10, MANY, true }, { "xoxo-", is_dashed, 10, MANY, true },
        { "xoxp-", is_dashed, 10, MANY, true }, { "xoxr-", is_dashed, 10, MANY, true },
        { "xoxs-", is_dashed, 10, MANY, true }, { "xapp-", is_dashed, 10, MANY, true },
    };
    return find_first(tokens, sizeof tokens / sizeof tokens[0], text, from, out_found);
}

bool weft_detect_stripe_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token tokens[] = {
        { "sk_live_", weft_is_alnum, 10, MANY, false }, { "sk_test_", weft_is_alnum, 10, MANY, false },
        { "rk_live_", weft_is_alnum, 10, MANY, false }, { "rk_test_", weft_is_alnum, 10, MANY, false },
        { "whsec_", is_base64, 16, MANY, false },
    };
    return find_first(tokens, sizeof tokens / sizeof tokens[0], text, from, out_found);
}

bool weft_detect_google_api_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token token = { "AIza", weft_is_base64url, 35, 35, false };
    return find_first(&token, 1, text, from, out_found);
}

/* Theirs begin with the same three bytes as Anthropic's, which are told apart by the next four. */
bool weft_detect_openai_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token tokens[] = {
        { "sk-proj-", weft_is_base64url, 20, MANY, false },
        { "sk-svcacct-", weft_is_base64url, 20, MANY, false },
        { "sk-admin-", weft_is_base64url, 20, MANY, false },
        { "sk-", weft_is_base64url, 32, MANY, true },
    };
    struct weft_found found;
    for (size_t at = from; find_first(tokens, sizeof tokens / sizeof tokens[0], text, at, &found); at = found.end) {
        if (!weft_has_text_at(text, found.start, "sk-ant-")) {
            *out_found = found;
            return true;
        }
    }
    return false;
}

bool weft_detect_anthropic_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token token = { "sk-ant-", weft_is_base64url, 20, MANY, false };
    return find_first(&token, 1, text, from, out_found);
}

bool weft_detect_runpod_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    static const struct token token = { "rpa_", weft_is_alnum, 30, MANY, true };
    return find_first(&token, 1, text, from, out_found);
}

/* signkey-ENVIRONMENT-HEX. */
bool weft_detect_inngest_key(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    enum { MIN_HEX = 16 };
    static const struct token token = { "signkey-", is_dashed, 18, MANY, true };
    struct weft_found found;
    for (size_t at = from; find_first(&token, 1, text, at, &found); at = found.end) {
        size_t hex = found.end;
        while (hex > found.start && weft_is_hex(text.bytes[hex - 1])) {
            hex--;
        }
        if (found.end - hex >= MIN_HEX && text.bytes[hex - 1] == '-') {
            *out_found = found;
            return true;
        }
    }
    return false;
}
