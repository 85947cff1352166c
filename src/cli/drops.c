/* `weft drops`: asks the running agent what it dropped, refused and was rejected lately, and whose it was. Exit status
 * 1 if that does not agree with the ledger, 2 if the agent cannot be asked. */
#include <getopt.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "wire/json_each.h"
#include "wire/json_member.h"

enum { OPTION_SINCE = 256, OPTION_BY, OPTION_JSON, OPTION_STATE, OPTION_ENDPOINT };

struct request {
    struct weft_cli_agent agent;
    const char *since, *by;
    bool wants_json;
};

static bool read_options(int argument_count, char **arguments, struct request *request)
{
    static const struct option options[] = {
        { "since", required_argument, NULL, OPTION_SINCE },
        { "by", required_argument, NULL, OPTION_BY },
        { "json", no_argument, NULL, OPTION_JSON },
        { "state-dir", required_argument, NULL, OPTION_STATE },
        { "endpoint", required_argument, NULL, OPTION_ENDPOINT },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (letter) {
        case OPTION_SINCE:
            request->since = optarg;
            break;
        case OPTION_BY:
            request->by = optarg;
            break;
        case OPTION_JSON:
            request->wants_json = true;
            break;
        case OPTION_STATE:
            request->agent.state_directory = optarg[0] == '\0' ? NULL : optarg;
            break;
        case OPTION_ENDPOINT:
            request->agent.endpoint = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argument_count;
}

static const struct {
    const char *key;
    size_t width;
} columns[] = { { "signal", 9 }, { "reason", 20 }, { "policy", 24 }, { "service", 32 } };

/* A dash for a name that is empty. */
static void append_cell(struct weft_buffer *out, struct weft_slice value, size_t width)
{
    bool is_empty = weft_slice_equal_text(value, "\"\"");
    weft_cli_append_padded(out, is_empty ? WEFT_SLICE_LITERAL("\"-\"") : value, width);
    weft_buffer_append_byte(out, ' ');
}

static void append_row(struct weft_buffer *out, struct weft_slice row)
{
    struct weft_slice value;
    weft_buffer_append_text(out, "  ");
    for (size_t i = 0; i < WEFT_COUNT_OF(columns); i++) {
        if (weft_json_find_member(row, columns[i].key, &value) == WEFT_OK) {
            append_cell(out, value, columns[i].width);
        }
    }
    if (weft_json_find_member(row, "records", &value) == WEFT_OK) {
        weft_buffer_append_format(out, "%12llu", (unsigned long long)weft_json_read_count(value));
    }
    bool is_at_start = weft_json_find_member(row, "at_start", &value) == WEFT_OK;
    weft_buffer_append_text(out, is_at_start ? "  (lost when the former process was killed)\n" : "\n");
}

static void append_text(struct weft_buffer *out, struct weft_slice body)
{
    struct weft_slice rows = WEFT_SLICE_EMPTY;
    struct weft_slice value = WEFT_SLICE_EMPTY;
    (void)(weft_json_find_member(body, "covers_from", &value) == WEFT_OK);
    weft_buffer_append_text(out, "since ");
    weft_cli_append_value(out, value, 64);
    bool is_start =
        weft_json_find_member(body, "windows", &value) == WEFT_OK && weft_slice_equal_text(value, "\"start\"");
    weft_buffer_append_text(out, is_start ? ", when weft started" : "");
    bool is_balanced =
        weft_json_find_member(body, "balanced", &value) == WEFT_OK && weft_slice_equal_text(value, "true");
    weft_buffer_append_text(out, is_balanced ? ", as the ledger says\n" : ", WHICH IS NOT WHAT THE LEDGER SAYS\n");
    (void)(weft_json_find_member(body, "drops", &rows) == WEFT_OK);
    struct weft_json_each each = weft_json_each_of(rows);
    size_t count = 0;
    for (; weft_json_each_next(&each); count++) {
        append_row(out, each.value);
    }
    weft_buffer_append_text(out, count == 0 ? "  nothing was dropped, refused or rejected\n" : "");
}

static int print_answer(const struct request *request, int code, struct weft_slice body)
{
    struct weft_slice drops;
    if (weft_json_find_member(body, "drops", &drops) != WEFT_OK) {
        weft_cli_print_refusal(&request->agent, code, body);
        return 2;
    }
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    if (request->wants_json) {
        weft_buffer_append(&text, body.bytes, body.length);
        weft_buffer_append_byte(&text, '\n');
    } else {
        append_text(&text, body);
    }
    fwrite(text.bytes, 1, text.length, stdout);
    weft_buffer_fini(&text);
    return code == 200 ? 0 : 1;
}

static int ask(const struct request *request)
{
    struct weft_buffer target, body;
    int code = 0;
    weft_buffer_init(&target, 0);
    weft_buffer_init(&body, 0);
    weft_buffer_append_text(&target, "/v1/drops?since=");
    weft_cli_append_encoded(&target, request->since);
    weft_buffer_append_text(&target, "&by=");
    weft_cli_append_encoded(&target, request->by);
    weft_buffer_append_byte(&target, '\0');
    bool is_answered = weft_buffer_status(&target) == WEFT_OK &&
                       weft_cli_ask(&request->agent, (const char *)target.bytes, &code, &body);
    int status = is_answered ? print_answer(request, code, weft_buffer_slice(&body)) : 2;
    weft_buffer_fini(&target);
    weft_buffer_fini(&body);
    return status;
}

int weft_cli_drops(int argument_count, char **arguments)
{
    struct request request = { .agent = { .program = "weft drops", .state_directory = weft_cli_state_directory() },
                               .since = "15m",
                               .by = "reason,policy,service" };
    if (!read_options(argument_count, arguments, &request)) {
        fputs("usage: weft drops [--since 15m] [--by reason,policy,service] [--json]\n"
              "                  [--state-dir DIR | --endpoint SOCKET|HOST:PORT]\n",
              stderr);
        return 2;
    }
    return ask(&request);
}
