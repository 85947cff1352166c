/* Content negotiation (prometheus_accept.h), on at most so many entries of a header. */
#include "exporters/prometheus_accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { ENTRIES_MAX = 32 };

struct entry {
    struct weft_slice type, version, escaping;
    double quality;
};

static const char *const escapings[] = { [WEFT_PROMETHEUS_UNDERSCORES] = "underscores",
                                         [WEFT_PROMETHEUS_ALLOW_UTF8] = "allow-utf-8",
                                         [WEFT_PROMETHEUS_DOTS] = "dots",
                                         [WEFT_PROMETHEUS_VALUES] = "values" };

static struct weft_slice trimmed(struct weft_slice text)
{
    while (text.length > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* What stands before the next separator; false at the end. */
static bool next_piece(struct weft_slice *in_out_rest, char separator, struct weft_slice *out_piece)
{
    struct weft_slice rest = *in_out_rest;
    if (rest.length == 0) {
        return false;
    }
    const uint8_t *end = memchr(rest.bytes, separator, rest.length);
    size_t length = end == NULL ? rest.length : (size_t)(end - rest.bytes);
    size_t taken = end == NULL ? length : length + 1;
    *out_piece = trimmed(weft_slice_of(rest.bytes, length));
    *in_out_rest = weft_slice_of(rest.bytes + taken, rest.length - taken);
    return true;
}

static bool is_word(struct weft_slice text, const char *word)
{
    return text.length == strlen(word) && strncasecmp((const char *)text.bytes, word, text.length) == 0;
}

static double quality_of(struct weft_slice text)
{
    char copy[16];
    snprintf(copy, sizeof copy, "%.*s", WEFT_SLICE_PRINT(text));
    return strtod(copy, NULL);
}

static struct entry entry_of(struct weft_slice text)
{
    struct entry entry = { .quality = 1 };
    struct weft_slice piece;
    (void)next_piece(&text, ';', &entry.type);
    while (next_piece(&text, ';', &piece)) {
        struct weft_slice name;
        struct weft_slice value = piece;
        if (!next_piece(&value, '=', &name)) {
            continue;
        }
        value = trimmed(value);
        if (value.length >= 2 && value.bytes[0] == '"' && value.bytes[value.length - 1] == '"') {
            value = weft_slice_of(value.bytes + 1, value.length - 2);
        }
        if (is_word(name, "q")) {
            entry.quality = quality_of(value);
        } else if (is_word(name, "version")) {
            entry.version = value;
        } else if (is_word(name, "escaping")) {
            entry.escaping = value;
        }
    }
    return entry;
}

/* By quality, else as they stand. */
static size_t read_entries(struct weft_slice accept, struct entry entries[ENTRIES_MAX])
{
    struct weft_slice piece;
    size_t count = 0;
    while (count < ENTRIES_MAX && next_piece(&accept, ',', &piece)) {
        struct entry entry = entry_of(piece);
        size_t at = count++;
        while (at > 0 && entries[at - 1].quality < entry.quality) {
            entries[at] = entries[at - 1];
            at--;
        }
        entries[at] = entry;
    }
    return count;
}

static void take_escaping(struct weft_slice text, enum weft_prometheus_escaping *in_out_escaping)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(escapings); i++) {
        if (weft_slice_equal_text(text, escapings[i])) {
            *in_out_escaping = (enum weft_prometheus_escaping)i;
        }
    }
}

static void set_type(struct weft_prometheus_accepted *accepted, const char *type)
{
    snprintf(accepted->content_type, sizeof accepted->content_type, "%s; charset=utf-8; escaping=%s", type,
             escapings[accepted->format.escaping]);
}

void weft_prometheus_accept(struct weft_slice accept, bool has_open_metrics,
                            struct weft_prometheus_accepted *out_accepted)
{
    struct entry entries[ENTRIES_MAX];
    size_t count = read_entries(accept, entries);
    *out_accepted = (struct weft_prometheus_accepted){ 0 };
    for (size_t i = 0; i < count; i++) {
        struct weft_slice version = entries[i].version;
        bool is_first_version = weft_slice_equal_text(version, "1.0.0");
        take_escaping(entries[i].escaping, &out_accepted->format.escaping);
        if (is_word(entries[i].type, "text/plain") &&
            (version.length == 0 || weft_slice_equal_text(version, "0.0.4"))) {
            break;
        }
        if (has_open_metrics && is_word(entries[i].type, "application/openmetrics-text") &&
            (version.length == 0 || is_first_version || weft_slice_equal_text(version, "0.0.1"))) {
            out_accepted->format.is_open_metrics = true;
            set_type(out_accepted, is_first_version ? "application/openmetrics-text; version=1.0.0"
                                                    : "application/openmetrics-text; version=0.0.1");
            return;
        }
    }
    set_type(out_accepted, "text/plain; version=0.0.4");
}

bool weft_prometheus_accepts_gzip(struct weft_slice accept_encoding)
{
    struct entry entries[ENTRIES_MAX];
    size_t count = read_entries(accept_encoding, entries);
    for (size_t i = 0; i < count; i++) {
        if (is_word(entries[i].type, "gzip")) {
            return entries[i].quality > 0;
        }
    }
    return false;
}
