/* Severities of loggers as OpenTelemetry's numbers (severity.h): one table of words, one of numbers for each scale.
 * The numbers are those of the log data model, appendix B. */
#include "wire/severity.h"

#include "base/assert.h"

enum { MAX_WORD = 16 };

#define ON(scale) (1u << WEFT_SEVERITY_##scale)
#define ON_ALL    (~0u)

struct word {
    const char *text; /* in lower case */
    uint8_t number;
    unsigned scales; /* ON(...): the first row that fits counts */
};

/* The frequent ones first. */
static const struct word words[] = {
    { "info", 9, ON_ALL },
    { "warn", 13, ON_ALL },
    { "error", 17, ON_ALL },
    { "debug", 5, ON_ALL },
    { "warning", 13, ON_ALL },
    { "trace", 1, ON_ALL },
    { "critical", 18, ON(GCP) | ON(SYSLOG) },
    { "critical", 21, ON_ALL }, /* Python's worst */
    { "fatal", 21, ON_ALL },
    { "notice", 10, ON_ALL },
    { "silly", 1, ON_ALL },
    { "finest", 1, ON_ALL },
    { "trc", 1, ON_ALL },
    { "finer", 5, ON_ALL },
    { "dbg", 5, ON_ALL },
    { "fine", 6, ON_ALL },
    { "verbose", 6, ON_ALL },
    { "config", 7, ON_ALL },
    { "http", 8, ON_ALL },
    { "inf", 9, ON_ALL },
    { "information", 9, ON_ALL },
    { "informational", 9, ON_ALL },
    { "tip", 9, ON_ALL },
    { "success", 10, ON_ALL },
    { "wrn", 13, ON_ALL },
    { "err", 17, ON_ALL },
    { "severe", 17, ON_ALL },
    { "crit", 18, ON_ALL },
    { "dpanic", 18, ON_ALL },
    { "alert", 19, ON_ALL },
    { "panic", 19, ON_ALL },
    { "emerg", 21, ON_ALL },
    { "emergency", 21, ON_ALL },
    { "ftl", 21, ON_ALL },
    { "t", 1, ON_ALL },
    { "d", 5, ON_ALL },
    { "i", 9, ON_ALL },
    { "w", 13, ON_ALL },
    { "e", 17, ON_ALL },
    { "f", 21, ON_ALL },
};

/* A number of a scale and what it stands for; rows ascend. */
struct step {
    int16_t level;
    uint8_t number;
};

struct ladder {
    const struct step *steps;
    size_t count;
    bool is_open; /* levels between two steps and above the last are the step below and one more */
};

static const struct step pino_steps[] = { { 10, 1 }, { 20, 5 }, { 30, 9 }, { 40, 13 }, { 50, 17 }, { 60, 21 } };
static const struct step python_steps[] = { { 5, 1 }, { 10, 5 }, { 20, 9 }, { 30, 13 }, { 40, 17 }, { 50, 21 } };
static const struct step syslog_steps[] = { { 0, 21 }, { 1, 19 }, { 2, 18 }, { 3, 17 },
                                            { 4, 13 }, { 5, 10 }, { 6, 9 },  { 7, 5 } };
static const struct step gcp_steps[] = { { 0, 0 },    { 100, 5 },  { 200, 9 },  { 300, 10 }, { 400, 13 },
                                         { 500, 17 }, { 600, 18 }, { 700, 19 }, { 800, 21 } };

#define LADDER(steps, is_open)               \
    {                                        \
        steps, WEFT_COUNT_OF(steps), is_open \
    }

static const struct ladder ladders[WEFT_SEVERITY_SCALE_COUNT] = {
    [WEFT_SEVERITY_PINO] = LADDER(pino_steps, true),
    [WEFT_SEVERITY_PYTHON] = LADDER(python_steps, true),
    [WEFT_SEVERITY_SYSLOG] = LADDER(syslog_steps, false),
    [WEFT_SEVERITY_GCP] = LADDER(gcp_steps, false),
};

uint8_t weft_severity_of_number(int64_t number, enum weft_severity_scale scale)
{
    weft_assert(scale < WEFT_SEVERITY_SCALE_COUNT);
    if (scale == WEFT_SEVERITY_OTEL) {
        return number >= 1 && number <= WEFT_SEVERITY_MAX ? (uint8_t)number : WEFT_SEVERITY_NONE;
    }
    if (scale == WEFT_SEVERITY_ANY) {
        scale = number < pino_steps[0].level ? WEFT_SEVERITY_SYSLOG : WEFT_SEVERITY_PINO;
    }
    const struct ladder *ladder = &ladders[scale];
    const struct step *below = NULL;
    for (size_t i = 0; i < ladder->count && ladder->steps[i].level <= number; i++) {
        below = &ladder->steps[i];
    }
    if (below == NULL) {
        return ladder->is_open && number > 0 ? ladder->steps[0].number : WEFT_SEVERITY_NONE;
    }
    if (below->level == number) {
        return below->number;
    }
    return ladder->is_open ? below->number + 1 : WEFT_SEVERITY_NONE;
}

static uint8_t find_word(const uint8_t *lower, size_t length, enum weft_severity_scale scale)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        const char *text = words[i].text;
        bool is_on = (words[i].scales & 1u << scale) != 0;
        if (is_on && (uint8_t)text[0] == lower[0] && strlen(text) == length && memcmp(text, lower, length) == 0) {
            return words[i].number;
        }
    }
    return WEFT_SEVERITY_NONE;
}

/* An optional sign and up to six digits, and nothing else. */
static bool read_number(struct weft_slice text, int64_t *out_number)
{
    bool has_sign = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
    size_t digits = text.length - has_sign;
    int64_t number = 0;
    if (digits == 0 || digits > 6) {
        return false;
    }
    for (size_t i = has_sign; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        number = number * 10 + (text.bytes[i] - '0');
    }
    *out_number = has_sign && text.bytes[0] == '-' ? -number : number;
    return true;
}

/* Go's slog writes levels between its own as distances: "INFO+2", "DEBUG-4". */
static uint8_t with_distance(const uint8_t *lower, size_t length, enum weft_severity_scale scale)
{
    size_t sign = 0;
    int64_t distance;
    while (sign < length && lower[sign] != '+' && lower[sign] != '-') {
        sign++;
    }
    uint8_t base = sign > 0 && sign < length ? find_word(lower, sign, scale) : WEFT_SEVERITY_NONE;
    if (base == WEFT_SEVERITY_NONE || !read_number(weft_slice_of(lower + sign, length - sign), &distance)) {
        return WEFT_SEVERITY_NONE;
    }
    int64_t number = base + distance;
    return number < 1 ? 1 : number > WEFT_SEVERITY_MAX ? WEFT_SEVERITY_MAX : (uint8_t)number;
}

uint8_t weft_severity_of_text(struct weft_slice text, enum weft_severity_scale scale)
{
    weft_assert(scale < WEFT_SEVERITY_SCALE_COUNT);
    uint8_t lower[MAX_WORD];
    int64_t number;
    if (text.length == 0 || text.length > MAX_WORD) {
        return WEFT_SEVERITY_NONE;
    }
    if (text.bytes[0] != '+' && read_number(text, &number)) {
        return weft_severity_of_number(number, scale);
    }
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? byte | 32 : byte;
    }
    uint8_t found = find_word(lower, text.length, scale);
    return found != WEFT_SEVERITY_NONE ? found : with_distance(lower, text.length, scale);
}
