/* Log lines are text of fixed length with ids in it: built once, patched and sent, as the spans' templates are. What a
 * line says, and in which format, is data (lines.h). */
#include "load/lines.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"
#include "lib/sequence.h"
#include "load/shape.h"

enum { TRACE_ID_DIGITS = 32, SPAN_ID_DIGITS = 16, RECORDS_OF_TRACE = 8 };

/* "\n" becomes the end of a line, in place. */
static char *unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool is_newline = from[0] == '\\' && from[1] == 'n';
        *to++ = is_newline ? '\n' : *from;
        from += is_newline;
    }
    *to = '\0';
    return text;
}

static bool take_statement(struct lines_form *form, const char *keyword, char *rest)
{
    const struct {
        const char *name;
        const char **target;
    } texts[] = {
        { "path", &form->path },           { "type", &form->type }, { "head", &form->head },
        { "separator", &form->separator }, { "tail", &form->tail },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(keyword, texts[i].name) == 0) {
            *texts[i].target = unescape(rest);
            return true;
        }
    }
    if (strcmp(keyword, "record") != 0 || form->record_count == LINES_RECORDS_MAX) {
        return false;
    }
    form->records[form->record_count++] = rest;
    return true;
}

struct lines_form lines_read(const char *path)
{
    struct lines_form form = { .path = "/", .type = "text/plain", .head = "", .separator = "", .tail = "" };
    struct bench_bytes text = bench_bytes_read_file(path);
    unsigned number = 0;
    bench_bytes_append(&text, "", 1);
    for (char *line = (char *)text.bytes, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        number++;
        char *rest = line + strcspn(line, " ");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        if (line[0] != '#' && line[0] != '\0' && !take_statement(&form, line, rest)) {
            bench_die("%s:%u: no such statement", path, number); /* the form keeps pointers into text */
        }
    }
    if (form.record_count == 0) {
        bench_die("%s: a record must be set", path);
    }
    return form;
}

/* Appends a text with patterns; the places of its ids go to *record. */
static void put_text(const char *text, struct bench_random *random, struct bench_bytes *out,
                     struct lines_record *record)
{
    static const char zeros[] = "00000000000000000000000000000000";
    const char *id;
    while ((id = text + strcspn(text, "%"))[0] != '\0') {
        while (id[0] == '%' && id[1] != 't' && id[1] != 's') {
            id += 1 + (id[1] != '\0');
            id += strcspn(id, "%");
        }
        char *plain = strndup(text, (size_t)(id - text));
        const struct shape_value value = { .kind = SHAPE_PATTERN, .choices = { plain }, .choice_count = 1 };
        shape_put_text(&value, random, out);
        free(plain);
        if (id[0] == '\0') {
            return;
        }
        *(id[1] == 't' ? &record->trace_id : &record->span_id) = (uint32_t)out->length;
        bench_bytes_append(out, zeros, id[1] == 't' ? TRACE_ID_DIGITS : SPAN_ID_DIGITS);
        text = id + 2;
    }
    bench_bytes_append_text(out, text);
}

struct lines_template lines_build(const struct lines_form *form, uint64_t record_count, uint64_t seed)
{
    struct lines_template made = { .records = bench_alloc_zero(record_count, sizeof *made.records),
                                   .record_count = record_count };
    struct bench_random random = { bench_mix(seed) };
    struct lines_record none;
    put_text(form->head, &random, &made.text, &none);
    for (uint64_t i = 0; i < record_count; i++) {
        bench_bytes_append_text(&made.text, i > 0 ? form->separator : "");
        put_text(form->records[bench_random_below(&random, form->record_count)], &random, &made.text, &made.records[i]);
    }
    bench_bytes_append_text(&made.text, form->tail);
    return made;
}

static void write_hex(uint8_t *text, uint64_t value)
{
    for (int i = SPAN_ID_DIGITS - 1; i >= 0; i--, value >>= 4) {
        text[i] = (uint8_t) "0123456789abcdef"[value & 15];
    }
}

void lines_patch(const struct lines_template *made, uint8_t *text, uint64_t first_sequence, uint64_t seed)
{
    for (uint64_t i = 0; i < made->record_count; i++) {
        const struct lines_record *record = &made->records[i];
        uint64_t trace = (first_sequence + i) / RECORDS_OF_TRACE;
        if (record->trace_id != 0) {
            write_hex(text + record->trace_id, bench_mix(trace ^ seed));
            write_hex(text + record->trace_id + SPAN_ID_DIGITS, bench_mix(trace + seed) | 1);
        }
        if (record->span_id != 0) {
            write_hex(text + record->span_id, BENCH_SEQUENCE_UNIQUE | (first_sequence + i));
        }
    }
}
