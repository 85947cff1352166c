/* Detectors of numbers with a form of their own: cards (ISO 7812, Luhn), accounts (ISO 13616, modulo 97), social
 * security and telephone numbers. Each looks at runs of digits that nothing of a word or a longer number stands around.
 */
#include "processors/redaction_detector.h"

/* The first digit behind from that begins a number: what stands before is no letter, digit or decimal point. */
static size_t next_number(struct weft_slice text, size_t from)
{
    for (size_t at = from; at < text.length; at++) {
        weft_work_did_each(at);
        if (!weft_is_digit(text.bytes[at])) {
            continue;
        }
        weft_detector_did_place();
        uint8_t before = weft_byte_before(text, at);
        bool is_fraction = before == '.' && at > 1 && weft_is_digit(text.bytes[at - 2]);
        if (!weft_is_word(before) && !is_fraction) {
            return at;
        }
        at = weft_skip(text, at, weft_is_digit) - 1;
    }
    return text.length;
}

/* Whether a number may end there. */
static bool is_end(struct weft_slice text, size_t at)
{
    uint8_t byte = weft_byte_at(text, at);
    return !weft_is_word(byte) && !(byte == '.' && weft_is_digit(weft_byte_at(text, at + 1)));
}

/* ---- cards ---- */

enum { MIN_CARD_DIGITS = 14, MAX_CARD_DIGITS = 19, MAX_GROUPS = 5, NO_CARD = 0 };

struct issuer {
    uint32_t low, high; /* the first digits, as many as low has */
    uint32_t lengths;   /* bit 1 << length */
};

#define LENGTH(digits) (1u << (digits))
#define LENGTHS_16_19  (LENGTH(16) | LENGTH(17) | LENGTH(18) | LENGTH(19))

static const struct issuer issuers[] = {
    { 4, 4, LENGTH(16) | LENGTH(19) },
    { 51, 55, LENGTH(16) },
    { 2221, 2720, LENGTH(16) },
    { 34, 34, LENGTH(15) },
    { 37, 37, LENGTH(15) },
    { 6011, 6011, LENGTHS_16_19 },
    { 644, 659, LENGTHS_16_19 },
    { 62, 62, LENGTHS_16_19 },
    { 3528, 3589, LENGTHS_16_19 },
    { 300, 305, LENGTH(14) | LENGTH(16) },
    { 36, 36, LENGTH(14) | LENGTH(16) },
    { 38, 39, LENGTH(14) | LENGTH(16) },
    { 5018, 5018, LENGTHS_16_19 },
    { 5020, 5020, LENGTHS_16_19 },
    { 5038, 5038, LENGTHS_16_19 },
    { 6304, 6304, LENGTHS_16_19 },
    { 6759, 6763, LENGTHS_16_19 },
};

static bool is_issued(const uint8_t *digits, size_t count)
{
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        uint32_t prefix = 0;
        uint32_t length = 0;
        for (uint32_t rest = issuers[i].low; rest > 0; rest /= 10) {
            prefix = prefix * 10 + digits[length++];
        }
        if (prefix >= issuers[i].low && prefix <= issuers[i].high && (issuers[i].lengths >> count & 1) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_luhn(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        unsigned twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += i % 2 == 0 ? digit : twice;
    }
    return sum % 10 == 0;
}

/* How cards are written in groups. */
static bool is_grouping(const uint8_t *sizes, size_t count)
{
    static const uint8_t known[][MAX_GROUPS] = { { 4, 4, 4, 4 }, { 4, 6, 5 }, { 4, 6, 4 }, { 4, 4, 4, 4, 3 } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (memcmp(known[i], sizes, count) == 0 && (count == MAX_GROUPS || known[i][count] == 0)) {
            return true;
        }
    }
    return count == 1;
}

/* The end of the card that begins there: one group of digits, or several with the same separator; NO_CARD. */
static size_t read_card(struct weft_slice text, size_t start)
{
    uint8_t digits[MAX_CARD_DIGITS];
    uint8_t sizes[MAX_GROUPS] = { 0 };
    size_t count = 0;
    size_t at = start;
    for (size_t group = 0; group < MAX_GROUPS; group++) {
        for (; weft_is_digit(weft_byte_at(text, at)); at++) {
            if (count == MAX_CARD_DIGITS) {
                return NO_CARD;
            }
            digits[count++] = text.bytes[at] - '0';
            sizes[group]++;
        }
        if (count >= MIN_CARD_DIGITS && is_end(text, at) && is_grouping(sizes, group + 1) && is_issued(digits, count) &&
            is_luhn(digits, count)) {
            return at;
        }
        uint8_t separator = weft_byte_at(text, at);
        bool is_same = group == 0 || separator == text.bytes[start + sizes[0]];
        if ((separator != ' ' && separator != '-') || !is_same || !weft_is_digit(weft_byte_at(text, at + 1))) {
            return NO_CARD;
        }
        at++;
    }
    return NO_CARD;
}

bool weft_detect_credit_card(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; (at = next_number(text, at)) < text.length; at = weft_skip(text, at, weft_is_digit)) {
        size_t end = read_card(text, at);
        if (end != NO_CARD) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
    }
    return false;
}

/* ---- accounts ---- */

/* How long an account number of a country is. */
static const struct {
    char country[2];
    uint8_t length;
} accounts[] = {
    { "AD", 24 }, { "AE", 23 }, { "AL", 28 }, { "AT", 20 }, { "AZ", 28 }, { "BA", 20 }, { "BE", 16 }, { "BG", 22 },
    { "BH", 22 }, { "BR", 29 }, { "BY", 28 }, { "CH", 21 }, { "CR", 22 }, { "CY", 28 }, { "CZ", 24 }, { "DE", 22 },
    { "DK", 18 }, { "DO", 28 }, { "EE", 20 }, { "EG", 29 }, { "ES", 24 }, { "FI", 18 }, { "FO", 18 }, { "FR", 27 },
    { "GB", 22 }, { "GE", 22 }, { "GI", 23 }, { "GL", 18 }, { "GR", 27 }, { "GT", 28 }, { "HR", 21 }, { "HU", 28 },
    { "IE", 22 }, { "IL", 23 }, { "IQ", 23 }, { "IS", 26 }, { "IT", 27 }, { "JO", 30 }, { "KW", 30 }, { "KZ", 20 },
    { "LB", 28 }, { "LC", 32 }, { "LI", 21 }, { "LT", 20 }, { "LU", 20 }, { "LV", 21 }, { "LY", 25 }, { "MC", 27 },
    { "MD", 24 }, { "ME", 22 }, { "MK", 19 }, { "MR", 27 }, { "MT", 31 }, { "MU", 30 }, { "NL", 18 }, { "NO", 15 },
    { "PK", 24 }, { "PL", 28 }, { "PS", 29 }, { "PT", 25 }, { "QA", 29 }, { "RO", 24 }, { "RS", 22 }, { "SA", 24 },
    { "SC", 31 }, { "SE", 24 }, { "SI", 19 }, { "SK", 24 }, { "SM", 27 }, { "ST", 25 }, { "SV", 28 }, { "TL", 23 },
    { "TN", 24 }, { "TR", 26 }, { "UA", 29 }, { "VA", 22 }, { "VG", 24 }, { "XK", 20 },
};

static size_t account_length(const uint8_t *country)
{
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        if (memcmp(accounts[i].country, country, 2) == 0) {
            return accounts[i].length;
        }
    }
    return 0;
}

/* The remainder of what stands there with its first four behind the rest, letters as 10 to 35. */
static bool is_modulo_97(const uint8_t *account, size_t length)
{
    unsigned rest = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = account[(i + 4) % length];
        rest = weft_is_digit(byte) ? (rest * 10 + byte - '0') % 97 : (rest * 100 + byte - 'A' + 10) % 97;
    }
    return rest == 1;
}

/* The end of the account that begins there, with a space behind each four bytes or none; 0 if it is none. */
static size_t read_account(struct weft_slice text, size_t start)
{
    enum { MAX_LENGTH = 34, GROUP = 4 };
    uint8_t account[MAX_LENGTH];
    size_t length = account_length(text.bytes + start);
    size_t at = start;
    for (size_t i = 0; i < length; i++, at++) {
        at += i > 0 && i % GROUP == 0 && weft_byte_at(text, at) == ' ';
        account[i] = weft_byte_at(text, at);
        if (!(i < 2 ? weft_is_upper(account[i])
                    : weft_is_digit(account[i]) || (i >= GROUP && weft_is_upper(account[i])))) {
            return 0;
        }
    }
    return length > 0 && !weft_is_word(weft_byte_at(text, at)) && is_modulo_97(account, length) ? at : 0;
}

bool weft_detect_iban(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; at + 4 <= text.length; at++) {
        const uint8_t *bytes = text.bytes + at;
        weft_work_did_each(at);
        if (!weft_is_digit(bytes[2]) || !weft_is_upper(bytes[1]) || !weft_is_upper(bytes[0]) ||
            !weft_is_digit(bytes[3]) || weft_is_word(weft_byte_before(text, at))) {
            continue;
        }
        weft_detector_did_place();
        size_t end = read_account(text, at);
        if (end > 0) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
    }
    return false;
}

/* ---- social security and telephone numbers ---- */

/* Whether a form stands there: 9 is any digit, all else itself. Returns its end, or 0. */
static size_t read_form(struct weft_slice text, size_t at, const char *form)
{
    for (; *form != 0; form++, at++) {
        uint8_t byte = weft_byte_at(text, at);
        if (*form == '9' ? !weft_is_digit(byte) : byte != (uint8_t)*form) {
            return 0;
        }
    }
    return at;
}

/* Not a part of something longer that is written with the same separators. */
static bool is_alone(struct weft_slice text, size_t start, size_t end)
{
    uint8_t before = weft_byte_before(text, start);
    uint8_t behind = weft_byte_at(text, end);
    return !(before == '-' && start > 1 && weft_is_alnum(text.bytes[start - 2])) && is_end(text, end) &&
           !(behind == '-' && weft_is_alnum(weft_byte_at(text, end + 1)));
}

bool weft_detect_us_ssn(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; (at = next_number(text, at)) < text.length; at = weft_skip(text, at, weft_is_digit)) {
        size_t end = read_form(text, at, "999-99-9999");
        end = end > 0 ? end : read_form(text, at, "999 99 9999");
        const uint8_t *bytes = text.bytes + at;
        if (end > 0 && is_alone(text, at, end) && memcmp(bytes, "000", 3) != 0 && memcmp(bytes, "666", 3) != 0 &&
            bytes[0] != '9' && memcmp(bytes + 4, "00", 2) != 0 && memcmp(bytes + 7, "0000", 4) != 0) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
    }
    return false;
}

/* + and 8 to 15 digits, in groups. */
static size_t read_international(struct weft_slice text, size_t start)
{
    enum { MIN_DIGITS = 8, MAX_DIGITS = 15 };
    size_t digits = 0;
    size_t end = 0;
    if (weft_byte_at(text, start + 1) == '0') {
        return 0;
    }
    for (size_t at = start + 1; at < text.length && digits <= MAX_DIGITS; at++) {
        uint8_t byte = text.bytes[at];
        bool is_between = byte == ' ' || byte == '-' || byte == '.' || byte == '/' || byte == '(' || byte == ')';
        if (weft_is_digit(byte)) {
            digits++;
            end = at + 1;
        } else if (!is_between || at == start + 1 || at > end + 1) {
            break;
        }
    }
    return digits >= MIN_DIGITS && digits <= MAX_DIGITS && is_end(text, end) ? end : 0;
}

/* As numbers are written at home: in North America, and in countries where a 0 comes first. */
static size_t read_national(struct weft_slice text, size_t at)
{
    static const char *const forms[] = { "999-999-9999", "999.999.9999", "(999) 999-9999", "(999)999-9999" };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t end = read_form(text, at, forms[i]);
        /* an area and an exchange begin with 2 to 9 */
        if (end > 0 && text.bytes[at + (forms[i][0] == '(')] >= '2' && text.bytes[end - 8] >= '2' &&
            is_alone(text, at, end)) {
            return end;
        }
    }
    size_t area = weft_skip(text, at, weft_is_digit);
    size_t end = weft_skip(text, area + 1, weft_is_digit);
    uint8_t separator = weft_byte_at(text, area);
    bool is_national = weft_byte_at(text, at) == '0' && area - at >= 3 && area - at <= 5 &&
                       (separator == ' ' || separator == '/') && end - area >= 6 && end - area <= 9;
    return is_national && is_alone(text, at, end) ? end : 0;
}

bool weft_detect_phone(struct weft_slice text, size_t from, struct weft_found *out_found)
{
    for (size_t at = from; at < text.length; at++) {
        uint8_t byte = text.bytes[at];
        weft_work_did_each(at);
        if (byte != '+' && byte != '(' && !weft_is_digit(byte)) {
            continue;
        }
        weft_detector_did_place();
        uint8_t before = weft_byte_before(text, at);
        bool is_start = !weft_is_word(before) && before != '.' && before != '+';
        size_t end = !is_start ? 0 : byte == '+' ? read_international(text, at) : read_national(text, at);
        if (end > 0) {
            *out_found = (struct weft_found){ at, end };
            return true;
        }
        at = weft_is_digit(byte) ? weft_skip(text, at, weft_is_digit) - 1 : at;
    }
    return false;
}
