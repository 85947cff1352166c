/* The names of the 24 severities, as the log data model and the Collector write them (severity_block.h). */
#include "base/assert.h"
#include "operators/severity_block.h"
#include "wire/severity.h"

enum { STEPS = 4 };

static const struct {
    const char *name;
    uint8_t first; /* of its four */
    bool is_alias;
} names[] = {
    { "trace", 1, true },  { "debug", 5, true },  { "info", 9, true },      { "warn", 13, true },
    { "error", 17, true }, { "fatal", 21, true }, { "warning", 13, false }, { "err", 17, false },
};

static uint8_t of_number(struct weft_slice text)
{
    enum { MAX_DIGITS = 2 };
    int number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.length > MAX_DIGITS || text.bytes[i] < '0' || text.bytes[i] > '9') {
            return WEFT_SEVERITY_NONE;
        }
        number = number * 10 + text.bytes[i] - '0';
    }
    bool is_plain = text.length > 0 && text.bytes[0] != '0';
    return is_plain && number <= WEFT_SEVERITY_MAX ? (uint8_t)number : WEFT_SEVERITY_NONE;
}

/* The first of four has no digit, the others 2 to 4. */
static uint8_t of_name(struct weft_slice text, bool is_alias_only)
{
    bool has_step = text.length > 0 && text.bytes[text.length - 1] >= '2' && text.bytes[text.length - 1] <= '4';
    uint8_t step = has_step ? (uint8_t)(text.bytes[text.length - 1] - '1') : 0;
    struct weft_slice name = weft_slice_of(text.bytes, text.length - has_step);
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if ((names[i].is_alias || !is_alias_only) && weft_slice_equal_text(name, names[i].name)) {
            return (uint8_t)(names[i].first + step);
        }
    }
    return of_number(text);
}

uint8_t weft_severity_of_alias(struct weft_slice text)
{
    return of_name(text, true);
}

uint8_t weft_severity_of_common_name(struct weft_slice text)
{
    return of_name(text, false);
}

const char *weft_severity_short_name(uint8_t severity)
{
    static const char *const texts[WEFT_SEVERITY_MAX] = {
        "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
        "INFO",  "INFO2",  "INFO3",  "INFO4",  "WARN",  "WARN2",  "WARN3",  "WARN4",
        "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
    };
    weft_assert(severity >= 1 && severity <= WEFT_SEVERITY_MAX);
    return texts[severity - 1];
}
