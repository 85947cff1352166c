/* Payload shapes: data, not code, so that a new kind of payload is a new file (shape.h has the grammar). Values are
 * random with a seed, of about the entropy of real telemetry: names repeat, ids and addresses do not. */
#include "load/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    "account",  "address",  "agent",   "basket",   "batch",   "billing", "cache",   "cart",     "catalog", "channel",
    "checkout", "client",   "cluster", "consumer", "coupon",  "credit",  "cursor",  "delivery", "deposit", "device",
    "discount", "document", "email",   "endpoint", "event",   "export",  "feature", "filter",   "gateway", "group",
    "history",  "import",   "index",   "invoice",  "item",    "job",     "ledger",  "limit",    "listing", "location",
    "member",   "message",  "metric",  "network",  "node",    "notice",  "offer",   "order",    "package", "partner",
    "payment",  "policy",   "price",   "product",  "profile", "queue",   "quote",   "record",   "refund",  "region",
    "report",   "request",  "result",  "review",
};

struct reader {
    const char *path;
    unsigned line;
};

static _Noreturn void fail(const struct reader *reader, const char *why)
{
    bench_die("%s:%u: %s", reader->path, reader->line, why);
}

static char *word_of(char **text)
{
    char *word = *text + strspn(*text, " \t");
    size_t length = strcspn(word, " \t");
    *text = word[length] == '\0' ? word + length : word + length + 1;
    word[length] = '\0';
    return word;
}

static void parse_choices(const struct reader *reader, char *text, struct shape_value *value)
{
    for (char *next; text != NULL; text = next) {
        next = strchr(text, '|');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (value->choice_count == SHAPE_CHOICES_MAX) {
            fail(reader, "too many choices");
        }
        value->choices[value->choice_count++] = text;
    }
}

static struct shape_value parse_value(const struct reader *reader, char *text)
{
    struct shape_value value = { 0 };
    const char *kind = word_of(&text);
    text += strspn(text, " \t");
    if (strcmp(kind, "choice") == 0 || strcmp(kind, "int") == 0) {
        value.kind = kind[0] == 'c' ? SHAPE_CHOICE : SHAPE_INT;
        parse_choices(reader, text, &value);
    } else if (strcmp(kind, "range") == 0 || strcmp(kind, "real") == 0) {
        value.kind = kind[1] == 'a' ? SHAPE_RANGE : SHAPE_REAL;
        value.low = atof(word_of(&text));
        value.high = atof(word_of(&text));
    } else if (strcmp(kind, "bool") == 0) {
        value.kind = SHAPE_BOOL;
    } else if (strcmp(kind, "words") == 0) {
        value.kind = SHAPE_WORDS;
        value.low = atof(text);
    } else if (strcmp(kind, "pattern") == 0) {
        value.kind = SHAPE_PATTERN;
        value.choices[value.choice_count++] = text;
    } else {
        fail(reader, "unknown kind of value");
    }
    return value;
}

static void add_attribute(const struct reader *reader, struct shape_attributes *attributes, const char *key, char *text)
{
    if (attributes->items == NULL) {
        attributes->items = bench_alloc_zero(SHAPE_ATTRIBUTES_MAX, sizeof *attributes->items);
    }
    if (attributes->count == SHAPE_ATTRIBUTES_MAX) {
        fail(reader, "too many attributes");
    }
    attributes->items[attributes->count++] = (struct shape_attribute){ key, parse_value(reader, text) };
}

static void add_repeated(const struct reader *reader, struct shape *shape, char *rest)
{
    unsigned long count = strtoul(word_of(&rest), NULL, 10);
    const char *prefix = word_of(&rest);
    for (unsigned long i = 0; i < count; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s%lu", prefix, i);
        add_attribute(reader, &shape->attribute, strdup(key), strdup(rest));
    }
}

static bool parse_number(struct shape *shape, const char *keyword, const char *rest)
{
    const struct {
        const char *name;
        uint64_t *target;
    } numbers[] = {
        { "spans", &shape->spans },
        { "resources", &shape->resources },
        { "spans_per_trace", &shape->spans_per_trace },
        { "events_percent", &shape->events_percent },
        { "errors_percent", &shape->errors_percent },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(keyword, numbers[i].name) == 0) {
            *numbers[i].target = strtoull(rest, NULL, 10);
            return true;
        }
    }
    return false;
}

static void parse_line(const struct reader *reader, struct shape *shape, char *line)
{
    char *rest = line;
    const char *keyword = word_of(&rest);
    if (keyword[0] == '\0' || keyword[0] == '#' || parse_number(shape, keyword, rest)) {
        return;
    }
    if (strcmp(keyword, "scope") == 0) {
        shape->scope_name = word_of(&rest);
        shape->scope_version = word_of(&rest);
    } else if (strcmp(keyword, "event") == 0) {
        shape->event_name = rest;
    } else if (strcmp(keyword, "span_name") == 0 || strcmp(keyword, "body") == 0) {
        shape->span_name = parse_value(reader, rest);
    } else if (strcmp(keyword, "repeat") == 0) {
        add_repeated(reader, shape, rest);
    } else if (strcmp(keyword, "resource") == 0) {
        const char *key = word_of(&rest);
        add_attribute(reader, &shape->resource, key, rest);
    } else if (strcmp(keyword, "attribute") == 0) {
        const char *key = word_of(&rest);
        add_attribute(reader, &shape->attribute, key, rest);
    } else if (strcmp(keyword, "event_attribute") == 0) {
        const char *key = word_of(&rest);
        add_attribute(reader, &shape->event_attribute, key, rest);
    } else {
        fail(reader, "unknown keyword");
    }
}

struct shape shape_read(const char *path)
{
    struct shape shape = { .spans = 1000,
                           .resources = 1,
                           .spans_per_trace = 8,
                           .scope_name = "bench",
                           .scope_version = "1.0.0",
                           .event_name = "event" };
    struct reader reader = { path, 0 };
    struct bench_bytes text = bench_bytes_read_file(path);
    bench_bytes_append(&text, "", 1);
    for (char *line = (char *)text.bytes, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        reader.line++;
        parse_line(&reader, &shape, line); /* keeps pointers into text, which is never freed */
    }
    if (shape.spans == 0 || shape.resources == 0 || shape.spans_per_trace == 0 || shape.span_name.choice_count == 0) {
        fail(&reader, "spans, resources, spans_per_trace and span_name (of lines: body) must be set");
    }
    return shape;
}

static void put_digits(struct bench_random *random, unsigned base, unsigned count, struct bench_bytes *out)
{
    for (unsigned i = 0; i < count; i++) {
        bench_bytes_append(out, &"0123456789abcdef"[bench_random_below(random, base)], 1);
    }
}

static void put_pattern(const char *text, struct bench_random *random, struct bench_bytes *out)
{
    for (; *text != '\0'; text++) {
        if (*text != '%') {
            bench_bytes_append(out, text, 1);
        } else if (*++text == 'x' || *text == 'd') {
            char *end;
            unsigned base = *text == 'x' ? 16 : 10;
            put_digits(random, base, (unsigned)strtoul(text + 1, &end, 10), out);
            text = end - 1;
        } else if (*text == 'w') {
            bench_bytes_append_text(out, words[bench_random_below(random, sizeof words / sizeof words[0])]);
        } else {
            bench_bytes_append(out, text, 1);
        }
    }
}

static void put_words(size_t length, struct bench_random *random, struct bench_bytes *out)
{
    size_t end = out->length + length;
    while (out->length < end) {
        bench_bytes_append_text(out, words[bench_random_below(random, sizeof words / sizeof words[0])]);
        bench_bytes_append(out, " ", 1);
    }
    out->length = end;
}

void shape_put_text(const struct shape_value *value, struct bench_random *random, struct bench_bytes *out)
{
    if (value->kind == SHAPE_WORDS) {
        put_words((size_t)value->low, random, out);
    } else if (value->kind == SHAPE_PATTERN) {
        put_pattern(value->choices[0], random, out);
    } else {
        bench_bytes_append_text(out, value->choices[bench_random_below(random, value->choice_count)]);
    }
}

static void put_any_value(const struct shape_value *value, struct bench_random *random, struct bench_bytes *out)
{
    struct bench_bytes text = { 0 };
    double width = value->high - value->low;
    switch (value->kind) {
    case SHAPE_CHOICE:
    case SHAPE_WORDS:
    case SHAPE_PATTERN:
        shape_put_text(value, random, &text);
        bench_put_bytes(out, 1, text.bytes, text.length);
        break;
    case SHAPE_BOOL:
        bench_put_tag(out, 2, 0);
        bench_put_varint(out, bench_random_below(random, 2));
        break;
    case SHAPE_INT:
        bench_put_tag(out, 3, 0);
        bench_put_varint(out, strtoull(value->choices[bench_random_below(random, value->choice_count)], NULL, 10));
        break;
    case SHAPE_RANGE:
        bench_put_tag(out, 3, 0);
        bench_put_varint(out, (uint64_t)value->low + bench_random_below(random, (uint64_t)width + 1));
        break;
    case SHAPE_REAL: {
        double real = value->low + width * (double)bench_random_below(random, 1000) / 1000.0;
        uint64_t bits;
        memcpy(&bits, &real, sizeof bits);
        bench_put_fixed64(out, 4, bits);
        break;
    }
    }
    bench_bytes_free(&text);
}

void shape_put_attributes(const struct shape_attributes *attributes, uint32_t field, struct bench_random *random,
                          struct bench_bytes *out)
{
    struct bench_bytes pair = { 0 };
    struct bench_bytes any = { 0 };
    for (unsigned i = 0; i < attributes->count; i++) {
        bench_bytes_clear(&pair);
        bench_bytes_clear(&any);
        put_any_value(&attributes->items[i].value, random, &any);
        bench_put_bytes(&pair, 1, attributes->items[i].key, strlen(attributes->items[i].key));
        bench_put_bytes(&pair, 2, any.bytes, any.length);
        bench_put_bytes(out, field, pair.bytes, pair.length);
    }
    bench_bytes_free(&pair);
    bench_bytes_free(&any);
}
