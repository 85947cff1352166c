/* Rows and pairs (text_rows.h). A row is read as Go's encoding/csv does: where a quote is wrong, the line ends there,
 * and what was read of it before counts. */
#include "ottl/text_rows.h"

#include "base/utf8.h"
#include "base/work.h"
#include "ottl/map_settle.h"
#include "ottl/text_find.h"
#include "ottl/text_words.h"

static struct weft_slice rest_from(struct weft_slice text, size_t at)
{
    return weft_slice_of(text.bytes + at, text.length - at);
}

enum weft_status weft_ottl_split(struct weft_slice text, struct weft_slice delimiter, struct weft_entry_memory *memory,
                                 struct weft_ottl_list *list)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && delimiter.length == 0 && text.length > 0) {
        size_t length;
        weft_utf8_decode(text, &length);
        status = weft_ottl_list_append(memory, list, weft_ottl_string(weft_slice_of(text.bytes, length)));
        text = rest_from(text, length);
    }
    if (delimiter.length == 0) {
        return status;
    }
    size_t at;
    while (status == WEFT_OK && (at = weft_ottl_text_find(text, delimiter)) != SIZE_MAX) {
        status = weft_ottl_list_append(memory, list, weft_ottl_string(weft_slice_of(text.bytes, at)));
        text = rest_from(text, at + delimiter.length);
    }
    return status == WEFT_OK ? weft_ottl_list_append(memory, list, weft_ottl_string(text)) : status;
}

/* ---- rows ---- */

struct csv {
    struct weft_slice rest; /* lines that were not read yet */
    struct weft_slice line; /* what is left of this one, with its end */
    uint8_t delimiter[WEFT_UTF8_MAX_BYTES];
    size_t delimiter_length;
    enum weft_ottl_quotes quotes;
    struct weft_entry_memory *memory;
    uint8_t *unquoted; /* where the next value without its quotes goes; there is room for the rest of the row */
    struct weft_ottl_list *list;
    bool continues_value; /* the next value goes on with the last of the list */
    bool is_broken;       /* the line has a wrong quote */
};

/* Its end is "\n", "\r\n" counts as one; false: there is none. The last line may lack it, and then a "\r" goes. */
static bool next_line(struct csv *csv)
{
    const uint8_t *end = csv->rest.length == 0 ? NULL : memchr(csv->rest.bytes, '\n', csv->rest.length);
    size_t length = end == NULL ? csv->rest.length : (size_t)(end - csv->rest.bytes) + 1;
    csv->line = weft_slice_of(csv->rest.bytes, length);
    csv->rest = rest_from(csv->rest, length);
    if (end == NULL && length > 0 && csv->line.bytes[length - 1] == '\r') {
        csv->line.length--;
    }
    return length > 0;
}

static size_t end_length(struct weft_slice line)
{
    bool has_end = line.length > 0 && line.bytes[line.length - 1] == '\n';
    return has_end ? (line.length > 1 && line.bytes[line.length - 2] == '\r' ? 2 : 1) : 0;
}

static enum weft_status add_value(struct csv *csv, struct weft_slice value)
{
    if (!csv->continues_value) {
        return weft_ottl_list_append(csv->memory, csv->list, weft_ottl_string(value));
    }
    struct weft_ottl_value *last = &csv->list->items[csv->list->count - 1];
    struct weft_slice joined = weft_entry_memory_try_join(csv->memory, last->bytes, WEFT_SLICE_LITERAL("\n"));
    if (joined.bytes != NULL && value.length > 0) {
        joined = weft_entry_memory_try_join(csv->memory, joined, value);
    }
    if (joined.bytes == NULL) {
        return WEFT_NOMEM;
    }
    last->bytes = joined;
    csv->continues_value = false;
    return WEFT_OK;
}

static bool starts_with_delimiter(const struct csv *csv)
{
    return csv->line.length >= csv->delimiter_length &&
           memcmp(csv->line.bytes, csv->delimiter, csv->delimiter_length) == 0;
}

static enum weft_status read_plain(struct csv *csv, bool *out_is_last)
{
    size_t at = weft_ottl_text_find(csv->line, weft_slice_of(csv->delimiter, csv->delimiter_length));
    *out_is_last = at == SIZE_MAX;
    size_t length = *out_is_last ? csv->line.length - end_length(csv->line) : at;
    struct weft_slice value = weft_slice_of(csv->line.bytes, length);
    if (csv->quotes == WEFT_OTTL_QUOTES_STRICT && length > 0 && memchr(value.bytes, '"', length) != NULL) {
        csv->is_broken = *out_is_last = true;
        return WEFT_OK;
    }
    csv->line = *out_is_last ? WEFT_SLICE_EMPTY : rest_from(csv->line, at + csv->delimiter_length);
    return add_value(csv, value);
}

/* Appends a line or a part of one to what is read between quotes; "\r\n" becomes "\n". */
static size_t put_quoted(uint8_t *to, struct weft_slice part)
{
    size_t end = end_length(part);
    size_t length = part.length - end;
    if (length > 0) {
        weft_work_copy(to, part.bytes, length);
    }
    if (end > 0) {
        to[length++] = '\n';
    }
    return length;
}

enum behind_quote { BEHIND_GOES_ON, BEHIND_NEXT, BEHIND_LAST };

/* csv->line is what stands behind a quote that could be the closing one. */
static enum behind_quote look_behind_quote(struct csv *csv, uint8_t *to, size_t *in_out_length)
{
    if (csv->line.length > 0 && csv->line.bytes[0] == '"') {
        to[(*in_out_length)++] = '"';
        csv->line = rest_from(csv->line, 1);
        return BEHIND_GOES_ON;
    }
    if (starts_with_delimiter(csv)) {
        csv->line = rest_from(csv->line, csv->delimiter_length);
        return BEHIND_NEXT;
    }
    if (csv->line.length == end_length(csv->line)) {
        return BEHIND_LAST;
    }
    if (csv->quotes == WEFT_OTTL_QUOTES_LAZY) {
        to[(*in_out_length)++] = '"';
        return BEHIND_GOES_ON;
    }
    csv->is_broken = true;
    return BEHIND_LAST;
}

static enum weft_status read_quoted(struct csv *csv, bool *out_is_last)
{
    enum { QUOTE_BYTES = 16 };
    size_t length = 0;
    enum behind_quote behind = BEHIND_GOES_ON;
    if (csv->unquoted == NULL) {
        csv->unquoted = weft_entry_memory_try_alloc(csv->memory, csv->line.length + csv->rest.length);
    }
    uint8_t *to = csv->unquoted;
    if (to == NULL) {
        return WEFT_NOMEM;
    }
    csv->line = rest_from(csv->line, 1);
    while (behind == BEHIND_GOES_ON) {
        weft_work_did(QUOTE_BYTES);
        const uint8_t *quote = csv->line.length == 0 ? NULL : memchr(csv->line.bytes, '"', csv->line.length);
        if (quote != NULL) {
            size_t at = (size_t)(quote - csv->line.bytes);
            weft_work_copy(to + length, csv->line.bytes, at);
            length += at;
            csv->line = rest_from(csv->line, at + 1);
            behind = look_behind_quote(csv, to, &length);
        } else if (csv->line.length > 0) {
            length += put_quoted(to + length, csv->line);
            next_line(csv);
        } else {
            csv->is_broken = csv->quotes == WEFT_OTTL_QUOTES_STRICT;
            behind = BEHIND_LAST;
        }
    }
    csv->unquoted = to + length;
    *out_is_last = behind == BEHIND_LAST;
    return csv->is_broken ? WEFT_OK : add_value(csv, weft_slice_of(to, length));
}

static enum weft_status read_values(struct csv *csv)
{
    enum weft_status status = WEFT_OK;
    bool is_last = false;
    while (status == WEFT_OK && !is_last) {
        bool is_quoted = csv->line.length > 0 && csv->line.bytes[0] == '"';
        status = is_quoted ? read_quoted(csv, &is_last) : read_plain(csv, &is_last);
    }
    return status;
}

enum weft_status weft_ottl_read_csv(struct weft_slice row, uint32_t delimiter, enum weft_ottl_quotes quotes,
                                    struct weft_entry_memory *memory, struct weft_ottl_list *list,
                                    struct weft_error *error)
{
    struct csv csv = { .rest = row, .quotes = quotes, .memory = memory, .list = list };
    enum weft_status status = WEFT_OK;
    if (delimiter == 0 || delimiter == '"' || delimiter == '\r' || delimiter == '\n' || delimiter == 0xfffd) {
        return weft_fail(error, WEFT_INVALID, "this character cannot be a delimiter");
    }
    csv.delimiter_length = (size_t)(weft_utf8_put(csv.delimiter, delimiter) - csv.delimiter);
    while (status == WEFT_OK && next_line(&csv)) {
        if (csv.line.length == end_length(csv.line)) {
            continue;
        }
        csv.continues_value = list->count > 0;
        csv.is_broken = false;
        status = read_values(&csv);
        if (status == WEFT_OK && csv.is_broken && (csv.continues_value || list->count == 0)) {
            return weft_fail(error, WEFT_INVALID, "a quote stands where none may be");
        }
    }
    if (status == WEFT_OK && list->count == 0) {
        return weft_fail(error, WEFT_INVALID, "there are no values in it");
    }
    return status;
}

/* ---- pairs ---- */

/* One pair with its quotes gone; false: a quote is never closed. Moves *in_out_text past it and its delimiter. */
static bool take_pair(struct weft_slice *in_out_text, struct weft_slice pair_delimiter, uint8_t *to,
                      struct weft_slice *out_pair)
{
    struct weft_slice text = *in_out_text;
    uint8_t quote = 0;
    bool is_escaped = false;
    size_t length = 0;
    size_t at = 0;
    for (; at < text.length; at++) {
        uint8_t byte = text.bytes[at];
        weft_work_did(1);
        bool is_delimiter = quote == 0 && text.length - at >= pair_delimiter.length &&
                            memcmp(text.bytes + at, pair_delimiter.bytes, pair_delimiter.length) == 0;
        if (is_delimiter && length > 0) {
            break;
        }
        if (is_delimiter) {
            at += pair_delimiter.length - 1;
            continue;
        }
        if (!is_escaped && quote == 0 && (byte == '"' || byte == '\'')) {
            quote = byte;
            continue;
        }
        if (!is_escaped && quote != 0 && byte == quote) {
            quote = 0;
            continue;
        }
        is_escaped = !is_escaped && byte == '\\';
        to[length++] = byte;
    }
    *in_out_text = at < text.length ? rest_from(text, at + pair_delimiter.length) : WEFT_SLICE_EMPTY;
    *out_pair = weft_slice_of(to, length);
    return quote == 0;
}

enum weft_status weft_ottl_read_pairs(struct weft_slice text, struct weft_slice delimiter,
                                      struct weft_slice pair_delimiter, struct weft_entry_memory *memory,
                                      struct weft_ottl_map *map, struct weft_error *error)
{
    uint8_t *to = weft_entry_memory_try_alloc(memory, text.length + 1);
    enum weft_status status = to == NULL ? WEFT_NOMEM : WEFT_OK;
    while (status == WEFT_OK && text.length > 0) {
        struct weft_slice pair;
        if (!take_pair(&text, pair_delimiter, to, &pair)) {
            return weft_fail(error, WEFT_INVALID, "a quote is never closed");
        }
        size_t at = weft_ottl_text_find(pair, delimiter);
        if (pair.length > 0 && at == SIZE_MAX) {
            return weft_fail(error, WEFT_INVALID, "a pair lacks the delimiter between key and value");
        }
        if (pair.length > 0) {
            struct weft_slice key = weft_ottl_trim_space(weft_slice_of(pair.bytes, at));
            struct weft_slice value = weft_ottl_trim_space(rest_from(pair, at + delimiter.length));
            status = weft_ottl_map_append(memory, map, key, weft_ottl_string(value));
        }
        to += pair.length;
    }
    return status == WEFT_OK ? weft_ottl_map_settle(memory, map, 0, WEFT_OTTL_UPSERT) : status;
}
