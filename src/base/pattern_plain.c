/* Plain patterns (pattern_plain.h). A subject is looked at once: behind a text that does not match, the next one is
 * looked for, and the members of a class are all taken. */
#include "base/pattern_plain.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/same_text.h"

static bool is_letter_or_digit(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static bool is_visible(uint8_t byte)
{
    return byte >= ' ' && byte <= '~';
}

/* ---- reading ---- */

struct reader {
    const uint8_t *at, *end;
};

static bool take(struct reader *reader, uint8_t byte)
{
    bool is_it = reader->at < reader->end && *reader->at == byte;
    reader->at += is_it;
    return is_it;
}

static bool takes_text_byte(struct reader *reader, struct weft_pattern_plain *plain)
{
    static const char special[] = "\\.+*?()|[]{}^$";
    const uint8_t *at = reader->at;
    if (at == reader->end || !is_visible(*at) || plain->length == WEFT_PATTERN_PLAIN_BYTES) {
        return false;
    }
    bool is_escaped = *at == '\\';
    at += is_escaped;
    if (at == reader->end || !is_visible(*at) ||
        (is_escaped ? is_letter_or_digit(*at) : strchr(special, *at) != NULL)) {
        return false;
    }
    plain->text[plain->length++] = *at;
    reader->at = at + 1;
    return true;
}

static void add_members(struct weft_pattern_plain *plain, uint8_t first, uint8_t last)
{
    for (unsigned byte = first; byte <= last; byte++) {
        plain->members[byte] = true;
    }
}

/* \d, \w, \s */
static bool take_named_class(struct reader *reader, struct weft_pattern_plain *plain)
{
    if (reader->end - reader->at < 2 || reader->at[0] != '\\') {
        return false;
    }
    switch (reader->at[1]) {
    case 'w':
        add_members(plain, 'A', 'Z');
        add_members(plain, 'a', 'z');
        add_members(plain, '_', '_');
        add_members(plain, '0', '9');
        break;
    case 'd':
        add_members(plain, '0', '9');
        break;
    case 's':
        add_members(plain, '\t', '\n');
        add_members(plain, '\f', '\r');
        add_members(plain, ' ', ' ');
        break;
    default:
        return false;
    }
    reader->at += 2;
    return true;
}

/* A member or a range of letters or digits in brackets. */
static bool take_members(struct reader *reader, struct weft_pattern_plain *plain)
{
    const uint8_t *at = reader->at;
    if (at == reader->end || !is_visible(*at) || strchr("[]\\^", *at) != NULL) {
        return false;
    }
    bool is_range = reader->end - at >= 3 && at[1] == '-' && at[2] != ']';
    bool is_last = reader->end - at >= 2 && at[1] == ']';
    if (is_range ? !is_letter_or_digit(at[0]) || !is_letter_or_digit(at[2]) || at[0] > at[2] : *at == '-' && !is_last) {
        return false;
    }
    add_members(plain, at[0], is_range ? at[2] : at[0]);
    reader->at += is_range ? 3 : 1;
    return true;
}

static bool take_brackets(struct reader *reader, struct weft_pattern_plain *plain)
{
    if (!take(reader, '[')) {
        return false;
    }
    bool is_negated = take(reader, '^');
    if (take(reader, '-')) {
        add_members(plain, '-', '-');
    }
    do {
        if (!take_members(reader, plain)) {
            return false;
        }
    } while (!take(reader, ']'));
    for (size_t i = 0; is_negated && i < WEFT_COUNT_OF(plain->members); i++) {
        plain->members[i] = !plain->members[i];
    }
    return true;
}

/* Punctuation is rarer than digits and capital letters, and these are rarer than small ones. */
static uint8_t rare_of(const struct weft_pattern_plain *plain)
{
    uint8_t found = 0;
    int best = 0;
    for (uint8_t i = 0; i < plain->length; i++) {
        uint8_t byte = plain->text[i];
        int rank = !is_letter_or_digit(byte) && byte != ' ' ? 3 : byte >= 'a' ? 1 : 2;
        if (rank > best) {
            found = i;
            best = rank;
        }
    }
    return found;
}

static void note_ranges(struct weft_pattern_plain *plain)
{
    size_t first[2], last[2];
    size_t count = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(plain->members); i++) {
        bool begins = plain->members[i] && (i == 0 || !plain->members[i - 1]);
        if (begins && count == WEFT_COUNT_OF(first)) {
            return;
        }
        if (begins) {
            first[count++] = i;
        }
        if (plain->members[i]) {
            last[count - 1] = i;
        }
    }
    for (size_t i = 0; count > 0 && i < WEFT_COUNT_OF(first); i++) {
        size_t range = i < count ? i : 0;
        memset(plain->least[i], (int)first[range], sizeof plain->least[i]);
        memset(plain->more[i], (int)(last[range] - first[range]), sizeof plain->more[i]);
        plain->has_ranges = true;
    }
}

bool weft_pattern_plain_of(struct weft_slice text, struct weft_pattern_plain *out_plain)
{
    struct weft_pattern_plain plain = { 0 };
    if (text.length == 0) {
        return false;
    }
    struct reader reader = { text.bytes, text.bytes + text.length };
    plain.is_at_start = take(&reader, '^');
    while (takes_text_byte(&reader, &plain)) {
    }
    plain.has_class = take_named_class(&reader, &plain) || take_brackets(&reader, &plain);
    if (plain.has_class) {
        plain.needs_one = take(&reader, '+');
        if (!plain.needs_one && !take(&reader, '*')) {
            return false;
        }
    } else {
        plain.is_at_end = take(&reader, '$');
    }
    bool is_never_empty = plain.length > 0 || plain.needs_one;
    if (reader.at != reader.end || !is_never_empty) {
        return false;
    }
    plain.rare = rare_of(&plain);
    note_ranges(&plain);
    *out_plain = plain;
    return true;
}

/* ---- finding ---- */

#ifdef __SSE2__
/* A bit for each of the bytes that is in the range. */
static inline __m128i in_range(__m128i bytes, const uint8_t *least, const uint8_t *more)
{
    __m128i above = _mm_sub_epi8(bytes, _mm_loadu_si128((const __m128i *)(const void *)least));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_loadu_si128((const __m128i *)(const void *)more)), above);
}

/* True if that is where they end; else it is where less is left than is looked at at once. */
static inline bool skip_ranges(const struct weft_pattern_plain *plain, const uint8_t *end, const uint8_t **in_out_next)
{
    enum { ALL = (1 << WEFT_PATTERN_PLAIN_AT_ONCE) - 1 };
    for (const uint8_t *next = *in_out_next; end - next >= WEFT_PATTERN_PLAIN_AT_ONCE;) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)next);
        unsigned members = (unsigned)_mm_movemask_epi8(_mm_or_si128(in_range(bytes, plain->least[0], plain->more[0]),
                                                                    in_range(bytes, plain->least[1], plain->more[1])));
        if (members != ALL) {
            *in_out_next = next + __builtin_ctz(~members);
            return true;
        }
        next += WEFT_PATTERN_PLAIN_AT_ONCE;
        *in_out_next = next;
    }
    return false;
}
#else
static inline bool skip_ranges(const struct weft_pattern_plain *plain, const uint8_t *end, const uint8_t **in_out_next)
{
    (void)plain;
    (void)end;
    (void)in_out_next;
    return false;
}
#endif

/* Where bytes that are no members begin. */
static inline size_t end_of_members(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t from)
{
    enum { AT_ONCE = 8 };
    if (from == subject.length) {
        return from; /* there may be no bytes at all */
    }
    const uint8_t *next = subject.bytes + from;
    const uint8_t *end = subject.bytes + subject.length;
    const bool *members = plain->members;
    if (plain->has_ranges && skip_ranges(plain, end, &next)) {
        return (size_t)(next - subject.bytes);
    }
    const uint8_t *last = end - next < AT_ONCE ? next : end - AT_ONCE + 1;
    for (; next < last; next += AT_ONCE) {
        unsigned all = (unsigned)members[next[0]] & members[next[1]] & members[next[2]] & members[next[3]] &
                       members[next[4]] & members[next[5]] & members[next[6]] & members[next[7]];
        if (all == 0) {
            break;
        }
    }
    while (next < end && members[*next]) {
        next++;
    }
    return (size_t)(next - subject.bytes);
}

/* Whether the text is followed as it should be; where that ends. */
static inline bool match_behind(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t at,
                                size_t *out_end)
{
    size_t end = plain->has_class ? end_of_members(plain, subject, at) : at;
    *out_end = end;
    return (!plain->needs_one || end > at) && (!plain->is_at_end || end == subject.length);
}

static inline bool has_text(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t at)
{
    return subject.length - at >= plain->length &&
           (plain->length == 0 || weft_is_same_text(subject.bytes + at, plain->text, plain->length));
}

/* The next place where the text stands, from `at` on; of no text, where the class begins. */
static inline bool find_text(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t *in_out_at)
{
    size_t at = *in_out_at;
    if (plain->length == 0) {
        while (at < subject.length && !plain->members[subject.bytes[at]]) {
            at++;
        }
        *in_out_at = at;
        return at < subject.length;
    }
    while (subject.length >= plain->length && at <= subject.length - plain->length) {
        size_t rare_at = at + plain->rare;
        const uint8_t *rare = memchr(subject.bytes + rare_at, plain->text[plain->rare], subject.length - rare_at);
        if (rare == NULL) {
            return false;
        }
        at = (size_t)(rare - subject.bytes) - plain->rare;
        if (has_text(plain, subject, at)) {
            *in_out_at = at;
            return true;
        }
        at++;
    }
    return false;
}

static inline bool find(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t from,
                        size_t *out_start, size_t *out_end)
{
    size_t at = from;
    bool has_one_place = plain->is_at_start || (plain->is_at_end && !plain->has_class);
    if (has_one_place) {
        at = plain->is_at_start ? 0 : subject.length < plain->length ? 0 : subject.length - plain->length;
        *out_start = at;
        return at >= from && has_text(plain, subject, at) && match_behind(plain, subject, at + plain->length, out_end);
    }
    while (find_text(plain, subject, &at)) {
        if (match_behind(plain, subject, at + plain->length, out_end)) {
            *out_start = at;
            return true;
        }
        at++;
    }
    return false;
}

bool weft_pattern_plain_matches(const struct weft_pattern_plain *plain, struct weft_slice subject)
{
    size_t start, end;
    bool is_prefix = plain->is_at_start && !plain->needs_one && !plain->is_at_end;
    return is_prefix ? has_text(plain, subject, 0) : find(plain, subject, 0, &start, &end);
}

bool weft_pattern_plain_find(const struct weft_pattern_plain *plain, struct weft_slice subject, size_t from,
                             size_t *out_start, size_t *out_end)
{
    return find(plain, subject, from, out_start, out_end);
}

/* The same of text that may stand anywhere. */
static inline bool find_few_texts(const struct weft_pattern_plain *plain, struct weft_slice subject,
                                  struct weft_pattern_few *out_few)
{
    const uint8_t *end = subject.bytes + subject.length;
    const uint8_t *at = subject.bytes;
    size_t rare = plain->rare, length = plain->length, count = 0;
    while ((size_t)(end - at) >= length) {
        const uint8_t *found = memchr(at + rare, plain->text[rare], (size_t)(end - at) - rare);
        if (found == NULL || (size_t)(end - found) + rare < length) {
            break;
        }
        at = found - rare;
        size_t to = (size_t)(at - subject.bytes) + length;
        if (!weft_is_same_text(at, plain->text, length) || !match_behind(plain, subject, to, &to)) {
            at++;
            continue;
        }
        if (count == WEFT_COUNT_OF(out_few->items)) {
            return false;
        }
        out_few->items[count].start = (size_t)(at - subject.bytes);
        out_few->items[count++].end = to;
        at = subject.bytes + to;
    }
    out_few->count = count;
    return true;
}

bool weft_pattern_plain_find_few(const struct weft_pattern_plain *plain, struct weft_slice subject,
                                 struct weft_pattern_few *out_few)
{
    size_t count = 0, start, end = 0;
    if (!plain->is_at_start && plain->length > 0 && subject.length > 0 && (!plain->is_at_end || plain->has_class)) {
        return find_few_texts(plain, subject, out_few);
    }
    while (find(plain, subject, end, &start, &end)) {
        if (count == WEFT_COUNT_OF(out_few->items)) {
            return false;
        }
        out_few->items[count].start = start;
        out_few->items[count].end = end;
        count++;
    }
    out_few->count = count;
    return true;
}
