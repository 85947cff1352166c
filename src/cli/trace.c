/* `weft trace WORD`: asks the running agent what became of a trace. Exit status 0 if it is known (held, kept, dropped),
 * 3 if it was not seen, 4 if it is forgotten, 2 if the agent cannot be asked. */
#include <getopt.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/trace_text.h"
#include "wire/json_each.h"

enum { OPTION_JSON = 256, OPTION_STATE, OPTION_ENDPOINT };

enum { EXIT_CANNOT_BE_ASKED = 2 };

static const struct {
    const char *verdict;
    int exit_status;
} verdicts[] = {
    { "\"held\"", 0 }, { "\"kept\"", 0 }, { "\"dropped\"", 0 }, { "\"not_seen\"", 3 }, { "\"forgotten\"", 4 },
};

struct request {
    struct weft_cli_agent agent;
    const char *word;
    bool wants_json;
};

static bool read_options(int argument_count, char **arguments, struct request *request)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, OPTION_JSON },
        { "state-dir", required_argument, NULL, OPTION_STATE },
        { "endpoint", required_argument, NULL, OPTION_ENDPOINT },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (letter) {
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
    request->word = arguments[optind];
    return optind + 1 == argument_count;
}

/* By the answer's verdict; -1: it has none, so it is an error. */
static int exit_status_of(struct weft_slice body)
{
    struct weft_json_each each = weft_json_each_of(body);
    while (weft_json_each_next(&each)) {
        for (size_t i = 0; weft_slice_equal_text(each.key, "verdict") && i < WEFT_COUNT_OF(verdicts); i++) {
            if (weft_slice_equal_text(each.value, verdicts[i].verdict)) {
                return verdicts[i].exit_status;
            }
        }
    }
    return -1;
}

static int print_answer(const struct request *request, int code, struct weft_slice body)
{
    int status = exit_status_of(body);
    if (status < 0) {
        weft_cli_print_refusal(&request->agent, code, body);
        return EXIT_CANNOT_BE_ASKED;
    }
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    if (request->wants_json) {
        weft_buffer_append(&text, body.bytes, body.length);
        weft_buffer_append_byte(&text, '\n');
    } else {
        weft_cli_trace_text(body, &text);
    }
    fwrite(text.bytes, 1, text.length, stdout);
    weft_buffer_fini(&text);
    return status;
}

static int ask(const struct request *request)
{
    struct weft_buffer target, body;
    int code = 0;
    weft_buffer_init(&target, 0);
    weft_buffer_init(&body, 0);
    weft_buffer_append_text(&target, "/v1/traces/");
    weft_cli_append_encoded(&target, request->word);
    weft_buffer_append_byte(&target, '\0');
    bool is_answered = weft_buffer_status(&target) == WEFT_OK &&
                       weft_cli_ask(&request->agent, (const char *)target.bytes, &code, &body);
    int status = is_answered ? print_answer(request, code, weft_buffer_slice(&body)) : EXIT_CANNOT_BE_ASKED;
    weft_buffer_fini(&target);
    weft_buffer_fini(&body);
    return status;
}

int weft_cli_trace(int argument_count, char **arguments)
{
    struct request request = { .agent = { .program = "weft trace", .state_directory = weft_cli_state_directory() } };
    if (!read_options(argument_count, arguments, &request)) {
        fputs("usage: weft trace WORD [--json] [--state-dir DIR | --endpoint SOCKET|HOST:PORT]\n"
              "       WORD: a trace id in any form, a span id, or the id that log lines have\n",
              stderr);
        return 2;
    }
    return ask(&request);
}
