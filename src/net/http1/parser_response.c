/* What is peculiar to the head of an HTTP/1 response: its status line, and where its body ends (RFC 9112 4 and 6.3).
 * Called by parser.c; header lines are head.c's. The client sends POST only, so that the rules for HEAD and
 * CONNECT are not needed. As strict as the reader of requests: what says two things about its length is refused. */
#include "net/http1/parser.h"

enum { VERSION_LENGTH = 8, CODE_LENGTH = 3, CODE_END = VERSION_LENGTH + 1 + CODE_LENGTH };

static int refuse(const char *reason, const char **out_reason)
{
    *out_reason = reason;
    return 502;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1 200 OK"; the text, and the space before it when there is none, may be left out. */
int weft_http1_head_status_line(struct weft_http1_head *head, struct weft_http1_span line, const char **out_reason)
{
    const uint8_t *text = head->bytes.bytes + line.start;
    if (line.length < VERSION_LENGTH || memcmp(text, "HTTP/", 5) != 0) {
        return refuse("the first line is not HTTP's", out_reason);
    }
    bool is_version_1 = text[5] == '1' && text[6] == '.' && (text[7] == '0' || text[7] == '1');
    if (!is_version_1) {
        return refuse("an HTTP version other than 1.0 and 1.1", out_reason);
    }
    const uint8_t *code = text + VERSION_LENGTH + 1;
    bool has_code = line.length >= CODE_END && text[VERSION_LENGTH] == ' ' && code[0] != '0' && is_digit(code[0]) &&
                    is_digit(code[1]) && is_digit(code[2]) && (line.length == CODE_END || text[CODE_END] == ' ');
    if (!has_code) {
        return refuse("the status line has no status code", out_reason);
    }
    for (size_t i = CODE_END; i < line.length; i++) {
        if ((text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f) {
            return refuse("a control character in the status line", out_reason);
        }
    }
    head->minor_version = (uint8_t)(text[7] - '0');
    head->status_code = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
    return 0;
}

/* RFC 9110 6.4.1: these have none, whatever their headers say. */
static bool is_bodyless(uint16_t code)
{
    return code < 200 || code == 204 || code == 304;
}

int weft_http1_head_finish_response(struct weft_http1_head *head, enum weft_http1_state *out_body_state,
                                    const char **out_reason)
{
    if (head->has_length && head->has_coding) {
        return refuse("both Content-Length and Transfer-Encoding", out_reason);
    }
    if (head->is_chunked && head->minor_version == 0) {
        return refuse("Transfer-Encoding in HTTP/1.0", out_reason);
    }
    if (head->status_code == 101) {
        return refuse("a change of protocol that nobody asked for", out_reason);
    }
    if (is_bodyless(head->status_code)) {
        head->is_chunked = false;
        head->has_length = true;
        head->content_length = 0;
    }
    *out_body_state = head->is_chunked   ? WEFT_HTTP1_STATE_CHUNK_SIZE
                      : head->has_length ? WEFT_HTTP1_STATE_LENGTH_BODY
                                         : WEFT_HTTP1_STATE_OPEN_BODY;
    return 0;
}
