#pragma once

#include <stdint.h>

#include "lib/bytes.h"
#include "lib/random.h"

/* What a payload looks like, read from bench/payloads/NAME.shape. One line per statement:
 *
 *   spans N  resources N  spans_per_trace N  events_percent N  errors_percent N
 *   scope NAME VERSION
 *   span_name VALUE                          of log records: body VALUE, and spans are they
 *   event NAME
 *   resource KEY VALUE | attribute KEY VALUE | event_attribute KEY VALUE
 *   repeat COUNT KEY_PREFIX VALUE            COUNT span attributes KEY_PREFIX0, KEY_PREFIX1, ...
 *
 * VALUE is one of:  choice A|B|C   int A|B|C   range LOW HIGH   real LOW HIGH   bool   words LENGTH_BYTES
 *                   pattern TEXT  where %xN = N hex digits, %dN = N decimal digits, %w = a word, %% = a percent sign */
enum { SHAPE_CHOICES_MAX = 64, SHAPE_ATTRIBUTES_MAX = 256 };

enum shape_kind { SHAPE_CHOICE, SHAPE_INT, SHAPE_RANGE, SHAPE_REAL, SHAPE_BOOL, SHAPE_WORDS, SHAPE_PATTERN };

struct shape_value {
    enum shape_kind kind;
    const char *choices[SHAPE_CHOICES_MAX];
    unsigned choice_count;
    double low;
    double high;
};

struct shape_attribute {
    const char *key;
    struct shape_value value;
};

struct shape_attributes {
    struct shape_attribute *items;
    unsigned count;
};

struct shape {
    uint64_t spans;
    uint64_t resources;
    uint64_t spans_per_trace;
    uint64_t events_percent;
    uint64_t errors_percent;
    const char *scope_name;
    const char *scope_version;
    const char *event_name;
    struct shape_value span_name;
    struct shape_attributes resource;
    struct shape_attributes attribute;
    struct shape_attributes event_attribute;
};

/* Ends the program with file:line if the file is not a shape. */
struct shape shape_read(const char *path);

/* Appends the text of a CHOICE, WORDS or PATTERN value. */
void shape_put_text(const struct shape_value *value, struct bench_random *random, struct bench_bytes *out);

/* Appends KeyValue messages as the given field of the enclosing message. */
void shape_put_attributes(const struct shape_attributes *attributes, uint32_t field, struct bench_random *random,
                          struct bench_bytes *out);
