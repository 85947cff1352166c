/* The bytes of an HTTP/1 answer: status line, the headers that every answer has, those of the service, the body. Called
 * by server_connection.c. */
#include <time.h>

#include "net/http1/server_internal.h"

static const char *phrase_of(int code)
{
    static const struct {
        int code;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(phrases); i++) {
        if (phrases[i].code == code) {
            return phrases[i].phrase;
        }
    }
    return "Unnamed"; /* a phrase is required to be there, not to say anything */
}

static void append_date(struct weft_buffer *out)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    time_t seconds = (time_t)(weft_wall_now().ns / WEFT_NS_PER_S);
    struct tm time;
    if (gmtime_r(&seconds, &time) != NULL) {
        weft_buffer_append_format(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[time.tm_wday], time.tm_mday,
                                  months[time.tm_mon], time.tm_year + 1900, time.tm_hour, time.tm_min, time.tm_sec);
    }
}

void weft_http1_server_answer_write(const struct weft_http1_server_answer *answer, struct weft_buffer *out)
{
    bool has_no_body = answer->code == 204 || answer->code == 304;
    weft_buffer_append_format(out, "HTTP/1.1 %d %s\r\n", answer->code, phrase_of(answer->code));
    append_date(out);
    if (!has_no_body) {
        weft_buffer_append_format(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", answer->content_type,
                                  answer->body.length);
    }
    if (answer->is_last) {
        weft_buffer_append_text(out, "Connection: close\r\n");
    } else if (answer->is_http10) {
        weft_buffer_append_text(out, "Connection: keep-alive\r\n");
    }
    weft_buffer_append_text(out, answer->extra_headers == NULL ? "" : answer->extra_headers);
    weft_buffer_append_text(out, "\r\n");
    if (!answer->is_head && !answer->is_apart && !has_no_body) {
        weft_buffer_append(out, answer->body.bytes, answer->body.length);
    }
}
