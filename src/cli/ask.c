/* Asking the running agent (ask.h): for `weft trace`, `weft drops` and `weft ledger`. */
#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin_socket.h"
#include "base/alloc.h"
#include "base/hex.h"
#include "net/http1/get.h"
#include "wire/json_each.h"
#include "wire/json_member.h"
#include "wire/json_scan.h"

enum { MAX_TEXT_BYTES = 300 };

const char *weft_cli_state_directory(void)
{
    static const char usual[] = "/var/lib/weft";
    const char *given = getenv("STATE_DIRECTORY");
    if (given != NULL && given[0] != '\0') {
        return given;
    }
    return access(usual, W_OK) == 0 ? usual : NULL;
}

bool weft_cli_take_agent_option(struct weft_cli_agent *agent, int letter, const char *argument)
{
    switch (letter) {
    case WEFT_CLI_OPTION_JSON:
        agent->wants_json = true;
        return true;
    case WEFT_CLI_OPTION_STATE:
        agent->state_directory = argument[0] == '\0' ? NULL : argument;
        return true;
    case WEFT_CLI_OPTION_ENDPOINT:
        agent->endpoint = argument;
        return true;
    default:
        return false;
    }
}

/* What a person gave as --endpoint. A path has a '/' or begins with "unix:"; host:port has neither. False after a
 * message. */
static bool read_endpoint(const struct weft_cli_agent *agent, struct weft_endpoint *out_endpoint)
{
    const char *given = agent->endpoint;
    bool is_path = strchr(given, '/') != NULL && strstr(given, "://") == NULL && strncmp(given, "unix:", 5) != 0;
    char *text = weft_alloc_format("%s%s", is_path ? "unix:" : "", given);
    bool is_read = weft_endpoint_parse(text, 8888, out_endpoint, NULL) == WEFT_OK;
    weft_free(text);
    if (!is_read) {
        fprintf(stderr,
                "%s: --endpoint: \"%s\" is neither a socket's path, as in ./" WEFT_ADMIN_SOCKET_NAME
                ", nor host:port, as in 127.0.0.1:8888\n",
                agent->program, given);
        return false;
    }
    if (agent->asks_socket_only && !out_endpoint->is_unix) {
        fprintf(stderr,
                "%s: the telemetry port does not answer this; use --state-dir DIR or --endpoint "
                "/path/" WEFT_ADMIN_SOCKET_NAME "\n",
                agent->program);
        return false;
    }
    return true;
}

/* False after a message. */
static bool find_endpoint(const struct weft_cli_agent *agent, struct weft_endpoint *out_endpoint)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (agent->endpoint == NULL && agent->state_directory == NULL) {
        fprintf(
            stderr,
            "%s: an agent is asked in its state directory, and there is none here: --state-dir DIR, or --endpoint\n",
            agent->program);
        return false;
    }
    if (agent->endpoint != NULL) {
        return read_endpoint(agent, out_endpoint);
    }
    char *text = weft_alloc_format("unix:%s/%s", agent->state_directory, WEFT_ADMIN_SOCKET_NAME);
    enum weft_status status = weft_endpoint_parse(text, 0, out_endpoint, &error);
    if (status != WEFT_OK) {
        fprintf(stderr, "%s: %s\n", agent->program, error.text);
    }
    weft_free(text);
    return status == WEFT_OK;
}

/* Names what was asked, and the options that name another. */
static void print_unanswered(const struct weft_cli_agent *agent, const struct weft_endpoint *endpoint,
                             const struct weft_error *error)
{
    if (endpoint->is_unix) {
        fprintf(stderr, "%s: %s: %s; is weft running, and is this its %s (%s)?\n", agent->program, endpoint->host,
                error->text, agent->endpoint == NULL ? "state directory" : "socket",
                agent->endpoint == NULL ? "--state-dir" : "--endpoint");
    } else {
        fprintf(stderr,
                "%s: %s:%u: %s; is weft running, and is this its telemetry port? Another one: "
                "--endpoint HOST:PORT; or ask its socket: --state-dir DIR\n",
                agent->program, endpoint->host, endpoint->port, error->text);
    }
}

/* False after a message. */
static bool get(const struct weft_cli_agent *agent, const char *target, int *out_code, struct weft_buffer *out_body)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    if (!find_endpoint(agent, &endpoint)) {
        return false;
    }
    if (weft_http1_get(&endpoint, target, &(struct weft_http1_get_settings){ 0 }, out_code, out_body, &error) !=
        WEFT_OK) {
        print_unanswered(agent, &endpoint, &error);
        return false;
    }
    return true;
}

/* " (key: value, ...)": what was given. */
static void append_details(struct weft_buffer *text, struct weft_slice details)
{
    struct weft_json_each each = weft_json_each_of(details);
    bool is_any = false;
    while (each.is_object && weft_json_each_next(&each)) {
        weft_buffer_append_text(text, is_any ? ", " : " (");
        weft_cli_append_value(text, each.key, MAX_TEXT_BYTES);
        weft_buffer_append_text(text, ": ");
        weft_cli_append_value(text, each.value, MAX_TEXT_BYTES);
        is_any = true;
    }
    weft_buffer_append_text(text, is_any ? ")" : "");
}

/* Says what an error answer of the agent's says. */
static void print_refusal(const struct weft_cli_agent *agent, int code, struct weft_slice body)
{
    struct weft_slice refusal, message, details, help;
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    if (weft_json_find_member(body, "error", &refusal) == WEFT_OK &&
        weft_json_find_member(refusal, "message", &message) == WEFT_OK) {
        weft_cli_append_value(&text, message, MAX_TEXT_BYTES);
        if (weft_json_find_member(refusal, "details", &details) == WEFT_OK) {
            append_details(&text, details);
        }
        if (weft_json_find_member(refusal, "help", &help) == WEFT_OK) {
            weft_buffer_append_text(&text, ". ");
            weft_cli_append_value(&text, help, MAX_TEXT_BYTES);
        }
    } else {
        weft_buffer_append_format(&text, "it answers with code %d%s", code,
                                  code == 404 ? "; that is neither weft's telemetry port, which is 8888 unless "
                                                "service.telemetry says otherwise, nor its socket"
                                              : "");
    }
    fprintf(stderr, "%s: %.*s\n", agent->program, WEFT_SLICE_PRINT(weft_buffer_slice(&text)));
    weft_buffer_fini(&text);
}

static void print_answer(const struct weft_cli_agent *agent, const struct weft_cli_question *question,
                         struct weft_slice answer)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    if (agent->wants_json || question->write_text == NULL) {
        weft_buffer_append(&text, answer.bytes, answer.length);
    } else {
        question->write_text(answer, &text);
    }
    if (text.length == 0 || text.bytes[text.length - 1] != '\n') {
        weft_buffer_append_byte(&text, '\n');
    }
    fwrite(text.bytes, 1, text.length, stdout);
    weft_buffer_fini(&text);
}

int weft_cli_ask(const struct weft_cli_agent *agent, const struct weft_cli_question *question)
{
    struct weft_buffer body;
    int code = 0;
    int status = -1;
    weft_buffer_init(&body, 0);
    bool is_answered = get(agent, question->target, &code, &body);
    struct weft_slice answer = weft_buffer_slice(&body);
    if (is_answered) {
        status = question->exit_status_of(code, answer);
    }
    if (status >= 0) {
        print_answer(agent, question, answer);
    } else if (is_answered) {
        print_refusal(agent, code, answer);
    }
    weft_buffer_fini(&body);
    return status < 0 ? WEFT_CLI_CANNOT_BE_ASKED : status;
}

char *weft_cli_encode(const char *word)
{
    char *encoded = weft_alloc(3 * strlen(word) + 1);
    uint8_t *to = (uint8_t *)encoded;
    for (const unsigned char *at = (const unsigned char *)word; *at != '\0'; at++) {
        bool is_plain = (*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') || *at == '-' ||
                        *at == '_' || *at == '~';
        if (is_plain) {
            *to++ = *at;
        } else {
            *to++ = '%';
            to = weft_hex_put_byte(to, *at, WEFT_HEX_UPPER);
        }
    }
    *to = '\0';
    return encoded;
}

/* Control characters, also those of two bytes (U+0080 to U+009F). */
static void append_harmless(struct weft_buffer *out, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool is_wide = bytes[i] == 0xc2 && i + 1 < length && bytes[i + 1] >= 0x80 && bytes[i + 1] < 0xa0;
        bool is_control = bytes[i] < 0x20 || bytes[i] == 0x7f || is_wide;
        weft_buffer_append_byte(out, is_control ? '?' : bytes[i]);
        i += is_wide;
    }
}

void weft_cli_append_value(struct weft_buffer *out, struct weft_slice value, size_t max_bytes)
{
    if (value.length < 2 || value.bytes[0] != '"') {
        append_harmless(out, value.bytes, value.length < max_bytes ? value.length : max_bytes);
        return;
    }
    uint8_t *text = weft_try_alloc_raw(value.length);
    if (text == NULL) {
        return;
    }
    uint8_t *end = weft_json_unescape(text, weft_slice_of(value.bytes + 1, value.length - 2));
    size_t length = (size_t)(end - text);
    bool is_cut = length > max_bytes;
    length = is_cut ? max_bytes : length;
    while (is_cut && length > 0 && (text[length] & 0xc0) == 0x80) { /* not within a character */
        length--;
    }
    append_harmless(out, text, length);
    weft_buffer_append_text(out, is_cut ? "..." : "");
    weft_free(text);
}

/* From that byte of the buffer on. */
static size_t columns_from(const struct weft_buffer *out, size_t start)
{
    size_t columns = 0;
    for (size_t i = start; i < out->length; i++) {
        columns += (out->bytes[i] & 0xc0) != 0x80;
    }
    return columns;
}

size_t weft_cli_text_columns(struct weft_slice value)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_cli_append_value(&text, value, MAX_TEXT_BYTES);
    size_t columns = columns_from(&text, 0);
    weft_buffer_fini(&text);
    return columns;
}

void weft_cli_append_padded(struct weft_buffer *out, struct weft_slice value, size_t width)
{
    size_t start = out->length;
    weft_cli_append_value(out, value, MAX_TEXT_BYTES);
    size_t columns = columns_from(out, start);
    for (; columns < width; columns++) {
        weft_buffer_append_byte(out, ' ');
    }
}
