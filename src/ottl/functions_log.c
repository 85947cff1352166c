/* ParseCLF, and the table of the converters that only logs have. */
#include "base/hex.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/functions_log.h"
#include "ottl/text_number.h"
#include "ottl/text_words.h"

enum { TARGET, FORMAT };

enum clf_part {
    CLF_HOST,
    CLF_RFC931,
    CLF_USER,
    CLF_TIME,
    CLF_REQUEST,
    CLF_STATUS,
    CLF_BYTES,
    CLF_REFERER,
    CLF_AGENT,
    CLF_PARTS
};

/* ---- reading ---- */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
}

static size_t word_length(struct weft_slice text)
{
    size_t length = 0;
    while (length < text.length && !is_space(text.bytes[length])) {
        length++;
    }
    return length;
}

/* What is in brackets, with them; 0: it is not there or empty. */
static size_t bracket_length(struct weft_slice text)
{
    const uint8_t *close =
        text.length < 3 || text.bytes[0] != '[' || text.bytes[1] == ']' ? NULL : memchr(text.bytes, ']', text.length);
    return close == NULL ? 0 : (size_t)(close - text.bytes) + 1;
}

/* What is in quotes, with them, where a backslash takes the next character along; 0: it does not end. */
static size_t quoted_length(struct weft_slice text)
{
    if (text.length < 2 || text.bytes[0] != '"') {
        return 0;
    }
    for (size_t at = 1; at < text.length; at++) {
        if (text.bytes[at] == '"') {
            return at + 1;
        }
        if (text.bytes[at] == '\\' && (++at == text.length || text.bytes[at] == '\n')) {
            return 0;
        }
    }
    return 0;
}

static bool read_parts(struct weft_slice line, size_t count, struct weft_slice parts[CLF_PARTS])
{
    for (size_t part = 0; part < count; part++) {
        bool is_quoted = part == CLF_REQUEST || part == CLF_REFERER || part == CLF_AGENT;
        size_t around = is_quoted || part == CLF_TIME ? 1 : 0;
        size_t length = is_quoted ? quoted_length(line) : part == CLF_TIME ? bracket_length(line) : word_length(line);
        bool is_last = part + 1 == count;
        if (length == 0 || (is_last ? length != line.length : length == line.length || line.bytes[length] != ' ')) {
            return false;
        }
        parts[part] = weft_slice_of(line.bytes + around, length - 2 * around);
        line = is_last ? WEFT_SLICE_EMPTY : weft_slice_of(line.bytes + length + 1, line.length - length - 1);
    }
    return true;
}

/* ---- escapes ---- */

/* text begins with a backslash. The byte that it stands for and how long it is; -1: it stands for itself. */
static int read_escape(struct weft_slice text, size_t *out_length)
{
    static const char letters[] = "\\\"ntrbfv";
    static const char meanings[] = "\\\"\n\t\r\b\f\v";
    const char *letter = text.length < 2 || text.bytes[1] == 0 ? NULL : strchr(letters, text.bytes[1]);
    *out_length = 2;
    if (letter != NULL) {
        return meanings[letter - letters];
    }
    if (text.length < 4 || text.bytes[1] != 'x') {
        return -1;
    }
    *out_length = 4;
    return weft_hex_byte(text.bytes + 2);
}

static enum weft_status unescape(struct weft_ottl_run *run, struct weft_slice *in_out_text)
{
    struct weft_slice text = *in_out_text;
    if (text.length == 0 || memchr(text.bytes, '\\', text.length) == NULL) {
        return WEFT_OK;
    }
    uint8_t *bytes = weft_ottl_run_take(run, text.length);
    size_t length = 0;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    while (text.length > 0) {
        size_t taken = 1;
        int byte = text.bytes[0] == '\\' ? read_escape(text, &taken) : text.bytes[0];
        if (byte < 0) {
            bytes[length++] = '\\'; /* and what follows, which may be a backslash no more */
            taken = text.length > 1 ? 2 : 1;
            if (taken == 2) {
                bytes[length++] = text.bytes[1];
            }
        } else {
            bytes[length++] = (uint8_t)byte;
        }
        weft_work_did(taken);
        text = weft_slice_of(text.bytes + taken, text.length - taken);
    }
    *in_out_text = weft_slice_of(bytes, length);
    return WEFT_OK;
}

/* ---- ParseCLF ---- */

static enum weft_status add_request(struct weft_ottl_run *run, struct weft_slice request, struct weft_ottl_map *map)
{
    struct weft_slice method, uri;
    enum weft_status status = unescape(run, &request);
    status = status == WEFT_OK ? weft_ottl_add_text(run, map, "clf.request", request) : status;
    if (status != WEFT_OK || !weft_ottl_cut(&request, ' ', &method) || !weft_ottl_cut(&request, ' ', &uri)) {
        return status;
    }
    status = weft_ottl_add_text(run, map, "clf.method", method);
    status = status == WEFT_OK ? weft_ottl_add_text(run, map, "clf.request_uri", uri) : status;
    return status == WEFT_OK ? weft_ottl_add_text(run, map, "clf.protocol", request) : status;
}

static enum weft_status add_number(struct weft_ottl_run *run, const struct weft_ottl_call *call, const char *key,
                                   struct weft_slice text, struct weft_ottl_map *map)
{
    int64_t number = 0;
    return weft_ottl_read_int(text, 10, &number)
               ? weft_ottl_map_append(&run->memory, map, weft_slice_of_text(key), weft_ottl_int(number))
               : weft_ottl_fail_line(run, call, "the status or the bytes are no number");
}

static enum weft_status fill_clf(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_slice parts[CLF_PARTS], size_t count, struct weft_ottl_map *map)
{
    static const char *const keys[CLF_PARTS] = {
        [CLF_HOST] = "clf.remote_host", [CLF_RFC931] = "clf.rfc931",   [CLF_USER] = "clf.auth_user",
        [CLF_TIME] = "clf.timestamp",   [CLF_STATUS] = "clf.status",   [CLF_BYTES] = "clf.bytes",
        [CLF_REFERER] = "clf.referer",  [CLF_AGENT] = "clf.user_agent"
    };
    enum weft_status status = WEFT_OK;
    for (size_t part = 0; status == WEFT_OK && part < count; part++) {
        if (part == CLF_REQUEST) {
            status = add_request(run, parts[part], map);
        } else if (part == CLF_STATUS || (part == CLF_BYTES && !weft_slice_equal_text(parts[part], "-"))) {
            status = add_number(run, call, keys[part], parts[part], map);
        } else if (part != CLF_BYTES) {
            status = part >= CLF_REFERER ? unescape(run, &parts[part]) : WEFT_OK;
            status = status == WEFT_OK ? weft_ottl_add_text(run, map, keys[part], parts[part]) : status;
        }
    }
    return status;
}

static enum weft_status make_clf(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                 struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice format = weft_ottl_text_or(call, FORMAT, "clf");
    return weft_slice_equal_text(format, "clf") || weft_slice_equal_text(format, "combined")
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "ParseCLF: \"%.*s\" is no format; use clf or combined",
                           WEFT_SLICE_PRINT(format));
}

static enum weft_status parse_clf(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    struct weft_slice parts[CLF_PARTS];
    bool is_combined = weft_slice_equal_text(weft_ottl_text_or(call, FORMAT, "clf"), "combined");
    size_t count = is_combined ? (size_t)CLF_PARTS : (size_t)CLF_REFERER;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    if (!read_parts(weft_ottl_trim_space(call->arguments[TARGET].bytes), count, parts)) {
        return weft_ottl_fail_line(run, call, "the line has not the format");
    }
    *out_value = weft_ottl_open_map(map);
    return fill_clf(run, call, parts, count, map);
}

const struct weft_ottl_function weft_ottl_functions_log[] = {
    { .name = "ParseCEF",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING } },
      .contexts = WEFT_OTTL_IN_LOG,
      .call = weft_ottl_parse_cef },
    { .name = "ParseCLF",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "format", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .contexts = WEFT_OTTL_IN_LOG,
      .make = make_clf,
      .call = parse_clf },
    { .name = "ParseELF",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING } },
      .contexts = WEFT_OTTL_IN_LOG,
      .call = weft_ottl_parse_elf },
    { .name = "ParseLEEF",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING } },
      .contexts = WEFT_OTTL_IN_LOG,
      .call = weft_ottl_parse_leef },
    { .name = NULL },
};
