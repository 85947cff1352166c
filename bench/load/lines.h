#pragma once

#include <stdint.h>

#include "lib/bytes.h"

/* Log lines as text, read from bench/payloads/NAME.lines; the text is whatever the program under test takes. One
 * statement per line of the file; the rest of it, as it stands, is the value:
 *
 *   path PATH   type CONTENT-TYPE   where it goes, as what
 *   head TEXT   separator TEXT   tail TEXT   before the first record, between two and behind the last; may be left out.
 *                                            \n is the end of a line
 *   record TEXT                     one of them is drawn for each record
 *
 * In head and record %t is a trace id of 32 hex digits and %s a span id of 16, and there is what shape.h says of
 * patterns. The span id is the record's sequence number, as in spans. */
enum { LINES_RECORDS_MAX = 16 };

struct lines_form {
    const char *path;
    const char *type;
    const char *head;
    const char *separator;
    const char *tail;
    const char *records[LINES_RECORDS_MAX];
    unsigned record_count;
};

/* Where the changing text of one record lies; 0 = it has none. */
struct lines_record {
    uint32_t trace_id;
    uint32_t span_id;
};

struct lines_template {
    struct bench_bytes text;
    struct lines_record *records;
    uint64_t record_count;
};

/* Ends the program with file:line if the file is not one. */
struct lines_form lines_read(const char *path);

struct lines_template lines_build(const struct lines_form *form, uint64_t record_count, uint64_t seed);

/* Writes the ids of records first_sequence, ... into text, which is a copy of made->text. Eight neighbours share a
 * trace. */
void lines_patch(const struct lines_template *made, uint8_t *text, uint64_t first_sequence, uint64_t seed);
