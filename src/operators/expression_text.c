/* Texts with expressions in them (expression_text.h), read as the Collector reads them. */
#include "operators/expression_text.h"

#include "base/alloc.h"
#include "config/value.h"

static const char opening[] = "EXPR(";

struct piece {
    struct piece *next;
    struct weft_slice before;
    const struct weft_expression *expression; /* behind it; NULL: there is none */
};

struct weft_expression_text {
    struct piece *first;
    size_t piece_count;
};

struct text_reader {
    struct weft_operator_reader *reader;
    const struct weft_node *node;
    struct weft_slice text;
    struct piece **end;
};

static size_t find_opening(struct weft_slice text, size_t at)
{
    const uint8_t *found =
        at >= text.length ? NULL : memmem(text.bytes + at, text.length - at, opening, strlen(opening));
    return found == NULL ? text.length : (size_t)(found - text.bytes);
}

/* The last ) before end; 0: there is none. */
static size_t find_closing(struct weft_slice text, size_t start, size_t end)
{
    const uint8_t *found = memrchr(text.bytes + start, ')', end - start);
    return found == NULL ? 0 : (size_t)(found - text.bytes);
}

static enum weft_status add_piece(struct text_reader *texts, size_t start, size_t end,
                                  const struct weft_expression *expression)
{
    struct piece *piece = NULL;
    enum weft_status status = weft_operator_alloc(texts->reader, sizeof *piece, &piece);
    if (status == WEFT_OK) {
        *piece =
            (struct piece){ .before = weft_slice_of(texts->text.bytes + start, end - start), .expression = expression };
        *texts->end = piece;
        texts->end = &piece->next;
    }
    return status;
}

static size_t count_columns(struct weft_slice text, size_t end)
{
    size_t count = 0;
    for (size_t i = 0; i < end; i++) {
        count += (text.bytes[i] & 0xc0) != 0x80;
    }
    return count;
}

static enum weft_status read_pieces(struct text_reader *texts)
{
    struct weft_slice text = texts->text;
    enum weft_status status = WEFT_OK;
    size_t at = 0;
    while (status == WEFT_OK) {
        size_t start = find_opening(text, at), inside = start + strlen(opening);
        size_t end = start == text.length ? 0 : find_closing(text, inside, find_opening(text, inside));
        if (end == 0) {
            return add_piece(texts, at, text.length, NULL);
        }
        struct weft_expression_source source = { .node = texts->node,
                                                 .text = weft_slice_of(text.bytes + inside, end - inside),
                                                 .columns_before = count_columns(text, inside) };
        const struct weft_expression *expression = NULL;
        status = weft_expression_compile(texts->reader, &source, &expression);
        status = status == WEFT_OK ? add_piece(texts, at, start, expression) : status;
        at = end + 1;
    }
    return status;
}

enum weft_status weft_expression_text_compile(struct weft_operator_reader *reader, const struct weft_node *node,
                                              const struct weft_expression_text **out_text)
{
    char *given = NULL;
    const char *copy = NULL;
    struct weft_expression_text *text = NULL;
    enum weft_status status = weft_value_read_string(&reader->config, node, &given);
    status = status == WEFT_OK ? weft_operator_copy_text(reader, given, &copy) : status;
    weft_free(given);
    status = status == WEFT_OK ? weft_operator_alloc(reader, sizeof *text, &text) : status;
    if (status == WEFT_OK) {
        struct text_reader texts = {
            .reader = reader, .node = node, .text = weft_slice_of_text(copy), .end = &text->first
        };
        status = read_pieces(&texts);
        for (const struct piece *piece = text->first; piece != NULL; piece = piece->next) {
            text->piece_count++;
        }
        *out_text = text;
    }
    return status;
}

/* The text behind the piece; false: a failure. */
static bool evaluate_piece(const struct piece *piece, struct weft_operator_run *run, struct weft_log_entry *entry,
                           struct weft_slice *out_text)
{
    struct weft_log_value value = weft_log_string(WEFT_SLICE_EMPTY);
    if (piece->expression != NULL &&
        weft_expression_evaluate(piece->expression, run, entry, &value) != WEFT_OPERATOR_SEND) {
        return false;
    }
    if (value.kind != WEFT_LOG_STRING) {
        weft_operator_fail(run, "an expression gives %s, not a text", weft_log_value_kind_text(value.kind));
        return false;
    }
    *out_text = value.text;
    return true;
}

static uint8_t *put(uint8_t *to, struct weft_slice text)
{
    if (text.length > 0) {
        memcpy(to, text.bytes, text.length);
    }
    return to + text.length;
}

enum weft_operator_verdict weft_expression_text_render(const struct weft_expression_text *text,
                                                       struct weft_operator_run *run, struct weft_log_entry *entry,
                                                       struct weft_slice *out_text)
{
    struct weft_slice *values = weft_entry_memory_try_alloc(entry->memory, (text->piece_count + 1) * sizeof *values);
    size_t length = 0, count = 0;
    for (const struct piece *piece = text->first; values != NULL && piece != NULL; piece = piece->next) {
        if (!evaluate_piece(piece, run, entry, &values[count])) {
            return WEFT_OPERATOR_FAILED;
        }
        length += piece->before.length + values[count++].length;
    }
    if (length > WEFT_EXPRESSION_MAX_TAKEN_BYTES) {
        return weft_operator_fail(run, "a text would have %zu bytes", length);
    }
    uint8_t *bytes = values == NULL ? NULL : weft_entry_memory_try_alloc(entry->memory, length + 1);
    if (bytes == NULL) {
        return weft_operator_fail_memory(run);
    }
    uint8_t *to = bytes;
    count = 0;
    for (const struct piece *piece = text->first; piece != NULL; piece = piece->next) {
        to = put(put(to, piece->before), values[count++]);
    }
    *out_text = weft_slice_of(bytes, length);
    return WEFT_OPERATOR_SEND;
}
