/* Names of metrics (prometheus_name.h). A name is a row of words; what is no letter, digit or colon parts them. */
#include "exporters/prometheus_name.h"

struct unit_word {
    const char *unit, *word;
};

static const struct unit_word unit_words[] = {
    { "d", "days" },
    { "h", "hours" },
    { "min", "minutes" },
    { "s", "seconds" },
    { "ms", "milliseconds" },
    { "us", "microseconds" },
    { "ns", "nanoseconds" },
    { "By", "bytes" },
    { "KiBy", "kibibytes" },
    { "MiBy", "mebibytes" },
    { "GiBy", "gibibytes" },
    { "TiBy", "tibibytes" },
    { "KBy", "kilobytes" },
    { "MBy", "megabytes" },
    { "GBy", "gigabytes" },
    { "TBy", "terabytes" },
    { "m", "meters" },
    { "V", "volts" },
    { "A", "amperes" },
    { "J", "joules" },
    { "W", "watts" },
    { "g", "grams" },
    { "Cel", "celsius" },
    { "Hz", "hertz" },
    { "1", "" },
    { "%", "percent" },
};

static const struct unit_word per_words[] = {
    { "s", "second" }, { "m", "minute" }, { "h", "hour" }, { "d", "day" },
    { "w", "week" },   { "mo", "month" }, { "y", "year" },
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter_or_digit(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(byte);
}

static bool is_word_byte(uint8_t byte)
{
    return is_letter_or_digit(byte) || byte == ':';
}

static struct weft_slice after(struct weft_slice text, size_t count)
{
    return weft_slice_of(text.bytes + count, text.length - count);
}

static bool next_word(struct weft_slice *in_out_rest, bool keeps_underscores, struct weft_slice *out_word)
{
    struct weft_slice rest = *in_out_rest;
    size_t start = 0;
    while (start < rest.length && !is_word_byte(rest.bytes[start]) &&
           !(keeps_underscores && rest.bytes[start] == '_')) {
        start++;
    }
    size_t end = start;
    while (end < rest.length && (is_word_byte(rest.bytes[end]) || (keeps_underscores && rest.bytes[end] == '_'))) {
        end++;
    }
    *out_word = weft_slice_of(rest.bytes + start, end - start);
    *in_out_rest = after(rest, end);
    return end > start;
}

static bool has_word(struct weft_slice name, struct weft_slice sought)
{
    struct weft_slice word;
    while (next_word(&name, false, &word)) {
        if (weft_slice_equal(word, sought)) {
            return true;
        }
    }
    return false;
}

/* ---- units ---- */

static struct weft_slice trimmed(struct weft_slice text)
{
    while (text.length > 0 && (text.bytes[0] == ' ' || (text.bytes[0] >= '\t' && text.bytes[0] <= '\r'))) {
        text = after(text, 1);
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == ' ' ||
                               (text.bytes[text.length - 1] >= '\t' && text.bytes[text.length - 1] <= '\r'))) {
        text.length--;
    }
    return text;
}

static struct weft_slice word_of(const struct unit_word *words, size_t count, struct weft_slice unit)
{
    for (size_t i = 0; i < count; i++) {
        if (weft_slice_equal_text(unit, words[i].unit)) {
            return weft_slice_of_text(words[i].word);
        }
    }
    return unit;
}

static bool is_annotation(struct weft_slice unit)
{
    return unit.length == 0 || memchr(unit.bytes, '{', unit.length) != NULL ||
           memchr(unit.bytes, '}', unit.length) != NULL;
}

struct unit_parts {
    struct weft_slice main, per; /* per without its "per_"; empty = none */
};

static struct unit_parts parts_of(struct weft_slice unit)
{
    struct unit_parts parts = { WEFT_SLICE_EMPTY, WEFT_SLICE_EMPTY };
    const uint8_t *slash = unit.length == 0 ? NULL : memchr(unit.bytes, '/', unit.length);
    size_t main_length = slash == NULL ? unit.length : (size_t)(slash - unit.bytes);
    struct weft_slice main = trimmed(weft_slice_of(unit.bytes, main_length));
    if (!is_annotation(main)) {
        parts.main = word_of(unit_words, WEFT_COUNT_OF(unit_words), main);
    }
    if (slash != NULL) {
        struct weft_slice per = trimmed(after(unit, main_length + 1));
        if (!is_annotation(per)) {
            parts.per = word_of(per_words, WEFT_COUNT_OF(per_words), per);
        }
    }
    return parts;
}

/* With '_' for what a name cannot have, one for several, none at its start. */
static void put_clean_unit(struct weft_slice unit, bool keeps_last, struct weft_buffer *out)
{
    bool was_underscore = true; /* so that the first is left out */
    size_t start = out->length;
    for (size_t i = 0; i < unit.length; i++) {
        if (is_word_byte(unit.bytes[i])) {
            weft_buffer_append_byte(out, unit.bytes[i]);
            was_underscore = false;
        } else if (!was_underscore) {
            weft_buffer_append_byte(out, '_');
            was_underscore = true;
        }
    }
    if (!keeps_last && out->length > start && out->bytes[out->length - 1] == '_') {
        out->length--;
    }
}

/* ---- metrics ---- */

static bool wants_ratio(enum weft_prometheus_kind kind, struct weft_slice unit)
{
    return kind == WEFT_PROMETHEUS_GAUGE && weft_slice_equal_text(unit, "1");
}

static void put_word(struct weft_slice word, size_t start, struct weft_buffer *out)
{
    if (out->length > start) {
        weft_buffer_append_byte(out, '_');
    }
    weft_buffer_append(out, word.bytes, word.length);
}

static bool has_word_byte(struct weft_slice text)
{
    struct weft_slice word;
    return next_word(&text, false, &word);
}

/* The unit's part behind the words; taken back when it is there already, or nothing. */
static void put_unit_words(struct weft_slice name, const struct unit_parts *parts, enum weft_prometheus_kind kind,
                           size_t start, struct weft_buffer *out)
{
    size_t before = out->length;
    if (before > start) {
        weft_buffer_append_byte(out, '_');
    }
    size_t from = out->length;
    put_clean_unit(parts->main, !has_word_byte(parts->per), out);
    struct weft_slice main = weft_slice_of(out->bytes + from, out->length - from);
    bool is_total = kind == WEFT_PROMETHEUS_COUNTER && weft_slice_equal_text(main, "total");
    if (main.length == 0 || is_total || has_word(name, main)) {
        out->length = before;
    }
    if (has_word_byte(parts->per)) {
        put_word(WEFT_SLICE_LITERAL("per_"), start, out);
        put_clean_unit(parts->per, false, out);
    }
}

static void put_words(const struct weft_prometheus_naming *naming, enum weft_prometheus_kind kind,
                      struct weft_slice name, struct weft_slice unit, struct weft_buffer *out)
{
    size_t start = out->length;
    bool has_ratio = wants_ratio(kind, unit);
    struct unit_parts parts = parts_of(unit);
    struct weft_slice rest = name;
    struct weft_slice word;
    put_word(naming->name_space, start, out);
    while (next_word(&rest, false, &word)) {
        bool is_moved = (kind == WEFT_PROMETHEUS_COUNTER && weft_slice_equal_text(word, "total")) ||
                        (has_ratio && weft_slice_equal_text(word, "ratio"));
        if (!is_moved) {
            put_word(word, start, out);
        }
    }
    put_unit_words(name, &parts, kind, start, out);
    if (kind == WEFT_PROMETHEUS_COUNTER) {
        put_word(WEFT_SLICE_LITERAL("total"), start, out);
    }
    if (has_ratio) {
        put_word(WEFT_SLICE_LITERAL("ratio"), start, out);
    }
}

static void put_joined(struct weft_slice text, struct weft_buffer *out)
{
    size_t start = out->length;
    struct weft_slice word;
    while (next_word(&text, true, &word)) {
        put_word(word, start, out);
    }
}

static void shift_by_one(size_t start, struct weft_buffer *out)
{
    weft_buffer_append_byte(out, '_');
    if (!out->is_failed) {
        memmove(out->bytes + start + 1, out->bytes + start, out->length - start - 1);
        out->bytes[start] = '_';
    }
}

static void put_plain_metric(const struct weft_prometheus_naming *naming, enum weft_prometheus_kind kind,
                             struct weft_slice name, struct weft_slice unit, struct weft_buffer *out)
{
    size_t start = out->length;
    if (naming->adds_suffixes) {
        put_words(naming, kind, name, unit, out);
    } else if (naming->name_space.length > 0) {
        put_joined(naming->name_space, out);
        weft_buffer_append_byte(out, '_');
        put_joined(name, out);
        return;
    } else {
        put_joined(name, out);
    }
    if (out->length > start && is_digit(out->bytes[start])) {
        shift_by_one(start, out);
    }
}

/* Takes the suffix and the byte before it off. */
static void cut_suffix(struct weft_slice suffix, size_t start, struct weft_buffer *out)
{
    size_t length = out->length - start;
    if (length > suffix.length + 1 &&
        weft_slice_equal(weft_slice_of(out->bytes + out->length - suffix.length, suffix.length), suffix)) {
        out->length -= suffix.length + 1;
    }
}

static bool ends_with(size_t start, struct weft_slice suffix, const struct weft_buffer *out)
{
    return out->length - start >= suffix.length &&
           weft_slice_equal(weft_slice_of(out->bytes + out->length - suffix.length, suffix.length), suffix);
}

static void put_utf8_suffixes(enum weft_prometheus_kind kind, struct weft_slice unit, size_t start,
                              struct weft_buffer *out)
{
    struct unit_parts parts = parts_of(unit);
    if (wants_ratio(kind, unit)) {
        cut_suffix(WEFT_SLICE_LITERAL("ratio"), start, out);
    }
    if (kind == WEFT_PROMETHEUS_COUNTER) {
        cut_suffix(WEFT_SLICE_LITERAL("total"), start, out);
    }
    if (parts.per.length > 0 && ends_with(start, parts.per, out)) {
        size_t length = out->length;
        out->length -= parts.per.length;
        if (ends_with(start, WEFT_SLICE_LITERAL("per_"), out) && length - start > parts.per.length + 5) {
            out->length -= 5;
        } else {
            out->length = length;
        }
    }
    if (parts.main.length > 0 && !ends_with(start, parts.main, out)) {
        weft_buffer_append_byte(out, '_');
        weft_buffer_append(out, parts.main.bytes, parts.main.length);
    }
    if (parts.per.length > 0) {
        weft_buffer_append_text(out, "_per_");
        weft_buffer_append(out, parts.per.bytes, parts.per.length);
    }
    weft_buffer_append_text(out, kind == WEFT_PROMETHEUS_COUNTER ? "_total" : "");
    weft_buffer_append_text(out, wants_ratio(kind, unit) ? "_ratio" : "");
}

bool weft_prometheus_put_metric_name(const struct weft_prometheus_naming *naming, enum weft_prometheus_kind kind,
                                     struct weft_slice name, struct weft_slice unit, struct weft_buffer *out)
{
    size_t start = out->length;
    if (!naming->allows_utf8) {
        put_plain_metric(naming, kind, name, unit, out);
    } else {
        if (naming->name_space.length > 0) {
            weft_buffer_append(out, naming->name_space.bytes, naming->name_space.length);
            weft_buffer_append_byte(out, '_');
        }
        weft_buffer_append(out, name.bytes, name.length);
        if (naming->adds_suffixes) {
            put_utf8_suffixes(kind, unit, start, out);
        }
    }
    struct weft_slice made = weft_slice_of(out->bytes + start, out->length - start);
    bool is_kept = naming->allows_utf8 || weft_slice_equal(made, name);
    if (made.length == 0 || (!is_kept && weft_prometheus_is_underscores_only(made))) {
        out->length = start;
        return false;
    }
    return true;
}
