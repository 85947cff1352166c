/* The table of detectors (redaction_detectors.h) and the pass that says which
 * of them are worth asking. */
#include "processors/redaction_detector.h"

#include "base/base64.h"
#include "base/status.h"

/* Bytes that follow one another and without which a detector finds nothing; NULL is any, also none before the text;
 * \x80 all that are no ASCII. Where a detector has two groups, one trigger of each must be there. They hold for texts
 * and for what texts lie in: nothing is said of what stands around. Triggers share a bit of the first look, which sees
 * the last three places only: which with which was found by trying, with texts and spans, what is rare together.
 */
#define DIGIT       "0123456789"
#define CAPITAL     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL       "abcdefghijklmnopqrstuvwxyz"
#define HEX         DIGIT "abcdefABCDEF"
#define JOINT       "-._"          /* in names of secrets anywhere */
#define KEY_LAST    "dDeEtTnNyYlL" /* names of secrets end so, before that so, and so before that: */
#define KEY_NEXT    "rRsSeEaA"
#define KEY_THIRD   "oOsSpPaArRkKiI" JOINT
#define KEY_LETTERS "rRwWsSeEaA" JOINT
#define BETWEEN     " :\"'\\" /* a name and = or : */

enum { ESCAPES = WEFT_DETECTOR_COUNT }; /* in the place of a detector (redaction_escapes.h) */

static const struct {
    unsigned id; /* enum weft_detector_id, or ESCAPES */
    uint8_t group, bit;
    const char *bytes[WEFT_TRIGGER_BYTES];
} triggers[] = {
    { WEFT_DETECT_EMAIL, 0, 6, { NULL, DIGIT CAPITAL SMALL "_.+-%'", "@", DIGIT CAPITAL SMALL "\x80" } },
    { WEFT_DETECT_IBAN, 0, 4, { CAPITAL, CAPITAL, DIGIT, DIGIT } },
    { WEFT_DETECT_JWT, 0, 2, { NULL, "e", "y", "J" } },
    { WEFT_DETECT_PEM, 0, 0, { "-", "-", "B", "E" } },
    { WEFT_DETECT_AWS_KEY, 0, 0, { "A", "KS", "I", "A" } },
    { WEFT_DETECT_GITHUB_TOKEN, 0, 5, { "g", "h", "oprsu", "_" } },
    { WEFT_DETECT_GITHUB_TOKEN, 0, 0, { "u", "b", "_", "p" } },
    { WEFT_DETECT_SLACK_TOKEN, 0, 5, { "o", "x", "abeoprs", "-" } },
    { WEFT_DETECT_SLACK_TOKEN, 0, 5, { "a", "p", "p", "-" } },
    { WEFT_DETECT_STRIPE_KEY, 0, 0, { "rs", "k", "_", "lt" } },
    { WEFT_DETECT_STRIPE_KEY, 0, 2, { "s", "e", "c", "_" } },
    { WEFT_DETECT_GOOGLE_API_KEY, 0, 2, { "A", "I", "z", "a" } },
    { WEFT_DETECT_OPENAI_KEY, 0, 5, { NULL, "s", "k", "-" } },
    { WEFT_DETECT_ANTHROPIC_KEY, 0, 2, { "k", "-", "a", "n" } },
    { WEFT_DETECT_RUNPOD_KEY, 0, 5, { "r", "p", "a", "_" } },
    { WEFT_DETECT_INNGEST_KEY, 0, 2, { "k", "e", "y", "-" } },
    { WEFT_DETECT_BEARER, 0, 2, { "bB", "eE", "aA", "rR" } },
    { WEFT_DETECT_BASIC_AUTH, 0, 2, { "sS", "iI", "cC", " \t" } },
    { WEFT_DETECT_URL_PASSWORD, 0, 5, { NULL, ":", "/", "/" } },
    { WEFT_DETECT_URL_PASSWORD, 1, 1, { NULL, NULL, NULL, "@" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_THIRD, KEY_NEXT, KEY_LAST, "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_THIRD, "wW", "dD", "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_LETTERS, JOINT, KEY_LAST, "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_LETTERS, KEY_LAST, BETWEEN, "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { NULL, KEY_LAST JOINT, JOINT, "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_LAST JOINT, JOINT, BETWEEN, "=:" } },
    { WEFT_DETECT_PASSWORD_KV, 0, 1, { KEY_LAST JOINT BETWEEN, BETWEEN, BETWEEN, "=:" } },
    { WEFT_DETECT_IPV4, 0, 5, { DIGIT ".", DIGIT, ".", DIGIT } },
    { WEFT_DETECT_IPV6, 0, 3, { NULL, ":" HEX, ":", ":" HEX } },
    { WEFT_DETECT_PHONE, 0, 4, { NULL, "+", DIGIT, DIGIT "-./ ()" } },
    { WEFT_DETECT_PHONE, 0, 5, { DIGIT, DIGIT, "-./ ", DIGIT } },
    { ESCAPES, 0, 3, { NULL, NULL, "\\", "bfnrtux\"'/" } },
    { ESCAPES, 0, 3, { NULL, NULL, "\x1b", "[" } },
};

enum { TRIGGERS = sizeof triggers / sizeof triggers[0] };

enum form { ANY_FORM, CARD_FORM, SSN_FORM };

/* min_bytes, form: of a text in which something is found. */
static const struct {
    const char *name;
    weft_detector_fn *find;
    uint8_t min_bytes;
    enum form form;
} detectors[WEFT_DETECTOR_COUNT] = {
    [WEFT_DETECT_EMAIL] = { "email", weft_detect_email, 6 },
    [WEFT_DETECT_CREDIT_CARD] = { "credit_card", weft_detect_credit_card, 14, CARD_FORM },
    [WEFT_DETECT_IBAN] = { "iban", weft_detect_iban, 15 },
    [WEFT_DETECT_JWT] = { "jwt", weft_detect_jwt, 16 },
    [WEFT_DETECT_PEM] = { "pem", weft_detect_pem, 22 },
    [WEFT_DETECT_AWS_KEY] = { "aws_key", weft_detect_aws_key, 20 },
    [WEFT_DETECT_GITHUB_TOKEN] = { "github_token", weft_detect_github_token, 33 },
    [WEFT_DETECT_SLACK_TOKEN] = { "slack_token", weft_detect_slack_token, 15 },
    [WEFT_DETECT_STRIPE_KEY] = { "stripe_key", weft_detect_stripe_key, 18 },
    [WEFT_DETECT_GOOGLE_API_KEY] = { "google_api_key", weft_detect_google_api_key, 39 },
    [WEFT_DETECT_OPENAI_KEY] = { "openai_key", weft_detect_openai_key, 28 },
    [WEFT_DETECT_ANTHROPIC_KEY] = { "anthropic_key", weft_detect_anthropic_key, 27 },
    [WEFT_DETECT_RUNPOD_KEY] = { "runpod_key", weft_detect_runpod_key, 34 },
    [WEFT_DETECT_INNGEST_KEY] = { "inngest_key", weft_detect_inngest_key, 26 },
    [WEFT_DETECT_BEARER] = { "bearer", weft_detect_bearer, 15 },
    [WEFT_DETECT_BASIC_AUTH] = { "basic_auth", weft_detect_basic_auth, 14 },
    [WEFT_DETECT_URL_PASSWORD] = { "url_password", weft_detect_url_password, 6 },
    [WEFT_DETECT_PASSWORD_KV] = { "password_kv", weft_detect_password_kv, 7 },
    [WEFT_DETECT_IPV4] = { "ipv4", weft_detect_ipv4, 7 },
    [WEFT_DETECT_IPV6] = { "ipv6", weft_detect_ipv6, 3 },
    [WEFT_DETECT_US_SSN] = { "us_ssn", weft_detect_us_ssn, 11, SSN_FORM },
    [WEFT_DETECT_PHONE] = { "phone", weft_detect_phone, 9 },
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

/* ---- the pass before ---- */

static bool is_of(const char *bytes, size_t byte)
{
    return bytes == NULL || (byte != 0 && strchr(bytes, byte < 0x80 ? (int)byte : 0x80) != NULL);
}

/* For the first look: a bit of a byte at one of the last places of triggers. */
static void admit_bit(struct weft_detector_filter *filter, size_t place, size_t byte, unsigned bit)
{
    filter->low[place][byte & 0xf] |= (uint8_t)bit;
    filter->high[place][byte >> 4] |= (uint8_t)bit;
}

/* The bytes of a trigger at one of its places. */
static void admit(struct weft_detector_filter *filter, size_t place, size_t trigger)
{
    static const size_t first = WEFT_TRIGGER_BYTES - WEFT_TRIGGER_PLACES;
    for (size_t byte = 0; byte < 256; byte++) {
        if (is_of(triggers[trigger].bytes[place], byte)) {
            filter->places[place][byte] |= UINT64_C(1) << trigger;
            if (place >= first) {
                admit_bit(filter, place - first, byte, 1u << triggers[trigger].bit);
            }
        }
    }
}

/* Numbers have a bit that is none of any trigger's: their digits in the first place, what stands between them in the
 * second. In one place the halves of both would let = be a digit. */
static void admit_numbers(struct weft_detector_filter *filter)
{
    for (const char *byte = DIGIT; *byte != 0; byte++) {
        admit_bit(filter, 0, (uint8_t)*byte, WEFT_TRIGGER_NUMBER);
    }
    for (const char *byte = " -"; *byte != 0; byte++) {
        admit_bit(filter, 1, (uint8_t)*byte, WEFT_TRIGGER_NUMBER);
    }
}

void weft_detector_filter_init(struct weft_detector_filter *filter, weft_detector_set set)
{
    *filter =
        (struct weft_detector_filter){ .set = set, .without_trigger = set, .has_vectors = weft_detector_has_vectors() };
    filter->min_bytes = UINT8_MAX;
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        bool is_of_set = (set >> id & 1) != 0;
        bool is_least = is_of_set && detectors[id].min_bytes < filter->min_bytes;
        filter->min_bytes = is_least ? detectors[id].min_bytes : filter->min_bytes;
        if (is_of_set && detectors[id].form != ANY_FORM) {
            admit_numbers(filter);
        }
    }
    for (size_t i = 0; i < TRIGGERS; i++) {
        bool is_escape = triggers[i].id == ESCAPES;
        if (!is_escape && (set >> triggers[i].id & 1) == 0) {
            continue;
        }
        for (size_t place = 0; place < WEFT_TRIGGER_BYTES; place++) {
            admit(filter, place, i);
        }
        if (is_escape) {
            filter->escapes |= UINT64_C(1) << i;
        } else {
            filter->groups[triggers[i].id][triggers[i].group] |= UINT64_C(1) << i;
            filter->without_trigger &= ~(1u << triggers[i].id);
        }
    }
}

/* The detectors that have what they need. */
static weft_detector_set find_candidates(const struct weft_detector_filter *filter, uint64_t seen)
{
    weft_detector_set candidates = 0;
    for (seen &= ~filter->escapes; seen != 0; seen &= seen - 1) {
        candidates |= 1u << triggers[__builtin_ctzll(seen)].id;
    }
    return candidates | filter->without_trigger;
}

/* Whether what was seen is enough for a detector. */
static bool may_find(const struct weft_detector_filter *filter, const struct weft_text_signs *signs, unsigned id)
{
    const uint64_t *groups = filter->groups[id];
    bool has_form = detectors[id].form == ANY_FORM ||
                    (detectors[id].form == CARD_FORM ? signs->has_card_form : signs->has_ssn_form);
    return has_form && (groups[0] == 0 || (signs->triggers & groups[0]) != 0) &&
           (groups[1] == 0 || (signs->triggers & groups[1]) != 0);
}

weft_detector_set weft_detectors_find_in(const struct weft_detector_filter *filter, struct weft_slice text,
                                         bool *out_has_escapes)
{
    *out_has_escapes = false; /* without them it is no longer */
    if (text.length < filter->min_bytes) {
        return 0;
    }
    struct weft_text_signs signs = weft_detector_look(filter, text);
    weft_detector_set found = 0;
    for (weft_detector_set left = find_candidates(filter, signs.triggers); left != 0; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctz(left);
        struct weft_found where;
        if (may_find(filter, &signs, id) && text.length >= detectors[id].min_bytes) {
            found |= detectors[id].find(text, 0, &where) ? 1u << id : 0;
            weft_work_did(text.length);
        }
    }
    *out_has_escapes = (signs.triggers & filter->escapes) != 0;
    return found;
}

bool weft_detectors_may_find(const struct weft_detector_filter *filter, struct weft_slice bytes,
                             struct weft_found *out_where)
{
    struct weft_text_signs signs = weft_detector_look(filter, bytes);
    *out_where = signs.where;
    if (WEFT_LIKELY(signs.where.start > signs.where.end)) {
        return false;
    }
    for (weft_detector_set left = find_candidates(filter, signs.triggers); left != 0; left &= left - 1) {
        if (may_find(filter, &signs, (unsigned)__builtin_ctz(left))) {
            return true;
        }
    }
    return (signs.triggers & filter->escapes) != 0;
}

weft_detector_set weft_detectors_find(const struct weft_detector_filter *filter, struct weft_slice text)
{
    bool has_escapes;
    return weft_detectors_find_in(filter, text, &has_escapes);
}

bool weft_detector_next(enum weft_detector_id id, struct weft_slice text, size_t from, struct weft_found *out_found)
{
    weft_detector_did_place();
    return detectors[id].find(text, from, out_found);
}

size_t weft_detector_base64(const uint8_t *text, size_t length, uint8_t *out_bytes, size_t size_bytes)
{
    enum { DIGIT_BITS = 6, BYTE_BITS = 8 };
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < length && count < size_bytes; i++) {
        int digit = weft_base64_value(text[i], WEFT_BASE64_EITHER);
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
