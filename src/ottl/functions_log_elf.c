/* ParseELF (functions_log.h): W3C's extended log format, whose directives say what the columns are. */
#include <strings.h>

#include "ottl/functions_give.h"
#include "ottl/functions_log.h"
#include "ottl/map_settle.h"
#include "ottl/text_words.h"

struct elf {
    struct weft_ottl_run *run;
    const struct weft_ottl_call *call;
    struct weft_ottl_map *map;
    struct weft_ottl_list *entries;
    struct weft_ottl_list *fields; /* of the last directive that names them; NULL = none yet */
    bool has_version;
};

static bool is_word(struct weft_slice text, const char *word)
{
    return text.length == strlen(word) && strncasecmp((const char *)text.bytes, word, text.length) == 0;
}

/* The next line that has something in it, without the space around it. */
static bool next_line(struct weft_slice *in_out_rest, struct weft_slice *out_line)
{
    while (in_out_rest->length > 0) {
        struct weft_slice rest = *in_out_rest;
        size_t length = 0;
        while (length < rest.length && rest.bytes[length] != '\n' && rest.bytes[length] != '\r') {
            weft_work_did_each(length + 1);
            length++;
        }
        *out_line = weft_ottl_trim_space(weft_slice_of(rest.bytes, length));
        length += length < rest.length;
        *in_out_rest = weft_slice_of(rest.bytes + length, rest.length - length);
        if (out_line->length > 0) {
            return true;
        }
    }
    return false;
}

/* ---- directives ---- */

/* The words of a text, at any space. */
static enum weft_status read_words(struct elf *elf, struct weft_slice text)
{
    enum weft_status status = WEFT_OK;
    elf->fields = weft_ottl_new_list(elf->run);
    if (elf->fields == NULL) {
        return WEFT_NOMEM;
    }
    for (text = weft_ottl_trim_space(text); status == WEFT_OK && text.length > 0; text = weft_ottl_trim_space(text)) {
        size_t length = 0;
        while (length < text.length &&
               weft_ottl_trim_start(weft_slice_of(text.bytes + length, text.length - length)).length ==
                   text.length - length) {
            length++;
        }
        status =
            weft_ottl_list_append(&elf->run->memory, elf->fields, weft_ottl_string(weft_slice_of(text.bytes, length)));
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    return status;
}

/* Behind "#". */
static enum weft_status read_directive(struct elf *elf, struct weft_slice text)
{
    static const struct {
        const char *word, *key;
    } rows[] = {
        { "version", "elf.version" },       { "software", "elf.software" }, { "date", "elf.date" },
        { "start-date", "elf.start_date" }, { "end-date", "elf.end_date" }, { "remark", "elf.remark" },
    };
    enum { FIELDS_BYTES = 6 };
    struct weft_slice name;
    bool has_colon = weft_ottl_cut(&text, ':', &name);
    name = weft_ottl_trim_space(name);
    text = weft_ottl_trim_space(text);
    if (!has_colon) {
        bool is_fields = name.length >= FIELDS_BYTES && is_word(weft_slice_of(name.bytes, FIELDS_BYTES), "fields");
        return is_fields ? weft_ottl_fail_line(elf->run, elf->call, "#Fields has no colon") : WEFT_OK;
    }
    if (is_word(name, "fields")) {
        return read_words(elf, text);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (is_word(name, rows[i].word)) {
            elf->has_version = elf->has_version || i == 0;
            return weft_ottl_map_set(&elf->run->memory, elf->map, weft_slice_of_text(rows[i].key),
                                     weft_ottl_string(text));
        }
    }
    return WEFT_OK;
}

/* ---- lines ---- */

/* Behind the opening quote; two quotes are one. NULL to: only where it ends. SIZE_MAX: it does not. */
static size_t read_quoted(struct weft_slice text, uint8_t *to, size_t *out_length)
{
    size_t length = 0;
    for (size_t at = 0; at < text.length; at++) {
        bool is_quote = text.bytes[at] == '"';
        if (is_quote && (at + 1 == text.length || text.bytes[at + 1] != '"')) {
            *out_length = length;
            return at + 1;
        }
        at += is_quote;
        weft_work_did(1);
        to[length++] = text.bytes[at];
    }
    return SIZE_MAX;
}

/* The next value of a line; false: its quote is never closed. The bytes are taken for the whole line at once. */
static bool take_value(struct weft_slice *in_out_line, uint8_t **in_out_to, struct weft_slice *out_value)
{
    struct weft_slice line = *in_out_line;
    size_t length = 0;
    if (line.bytes[0] == '"') {
        size_t used = read_quoted(weft_slice_of(line.bytes + 1, line.length - 1), *in_out_to, &length);
        if (used == SIZE_MAX) {
            return false;
        }
        *out_value = weft_slice_of(*in_out_to, length);
        *in_out_to += length;
        length = used + 1;
    } else {
        while (length < line.length && line.bytes[length] != ' ' && line.bytes[length] != '\t') {
            length++;
        }
        *out_value = weft_slice_of(line.bytes, length);
    }
    *in_out_line = weft_slice_of(line.bytes + length, line.length - length);
    return true;
}

static struct weft_slice skip_blanks(struct weft_slice line)
{
    while (line.length > 0 && (line.bytes[0] == ' ' || line.bytes[0] == '\t')) {
        line = weft_slice_of(line.bytes + 1, line.length - 1);
    }
    return line;
}

/* Values by their columns; "-" for those that the line lacks, and what it has too many is checked and left out. */
static enum weft_status read_entry(struct elf *elf, struct weft_slice line, struct weft_ottl_map *entry)
{
    enum weft_status status = WEFT_OK;
    uint8_t *to = weft_ottl_run_take(elf->run, line.length);
    size_t count = elf->fields->count;
    if (to == NULL) {
        return WEFT_NOMEM;
    }
    line = skip_blanks(line);
    for (size_t i = 0; status == WEFT_OK && (i < count || line.length > 0); i++) {
        struct weft_slice value = WEFT_SLICE_LITERAL("-");
        if (line.length > 0 && !take_value(&line, &to, &value)) {
            return weft_ottl_fail_line(elf->run, elf->call, "a quote is never closed");
        }
        line = skip_blanks(line);
        if (i < count) {
            status =
                weft_ottl_map_append(&elf->run->memory, entry, elf->fields->items[i].bytes, weft_ottl_string(value));
        }
    }
    return status == WEFT_OK ? weft_ottl_map_settle(&elf->run->memory, entry, 0, WEFT_OTTL_UPSERT) : status;
}

static enum weft_status add_entry(struct elf *elf, struct weft_slice line)
{
    if (elf->fields == NULL || elf->fields->count == 0) {
        return weft_ottl_fail_line(elf->run, elf->call, "a line stands before #Fields");
    }
    struct weft_ottl_map *entry = weft_ottl_new_map(elf->run);
    enum weft_status status = entry == NULL ? WEFT_NOMEM : read_entry(elf, line, entry);
    return status == WEFT_OK ? weft_ottl_list_append(&elf->run->memory, elf->entries, weft_ottl_open_map(entry))
                             : status;
}

enum weft_status weft_ottl_parse_elf(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct elf elf = { .run = run, .call = call, .map = weft_ottl_new_map(run), .entries = weft_ottl_new_list(run) };
    struct weft_slice rest = call->arguments[0].bytes;
    struct weft_slice line;
    enum weft_status status = elf.map == NULL || elf.entries == NULL ? WEFT_NOMEM : WEFT_OK;
    while (status == WEFT_OK && next_line(&rest, &line)) {
        status = line.bytes[0] == '#' ? read_directive(&elf, weft_slice_of(line.bytes + 1, line.length - 1))
                                      : add_entry(&elf, line);
    }
    if (status == WEFT_OK && !elf.has_version) {
        return weft_ottl_fail_line(run, call, "there is no #Version");
    }
    if (status == WEFT_OK && elf.fields == NULL) {
        elf.fields = weft_ottl_new_list(run);
        status = elf.fields == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    *out_value = weft_ottl_open_map(elf.map);
    if (status == WEFT_OK) {
        status = weft_ottl_map_append(&run->memory, elf.map, WEFT_SLICE_LITERAL("elf.entries"),
                                      weft_ottl_open_list(elf.entries));
    }
    return status == WEFT_OK ? weft_ottl_map_append(&run->memory, elf.map, WEFT_SLICE_LITERAL("elf.fields"),
                                                    weft_ottl_open_list(elf.fields))
                             : status;
}
