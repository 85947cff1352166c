/* `weft trace WORD`: asks the running agent what became of a trace. Exit status 0 if it is known (held, kept, dropped),
 * 3 if it was not seen, 4 if it is forgotten, 2 if the agent cannot be asked. */
#include <stdio.h>

#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/trace_text.h"
#include "wire/json_each.h"

static const struct {
    const char *verdict;
    int exit_status;
} verdicts[] = {
    { "\"held\"", 0 }, { "\"kept\"", 0 }, { "\"dropped\"", 0 }, { "\"not_seen\"", 3 }, { "\"forgotten\"", 4 },
};

static bool read_options(int argument_count, char **arguments, struct weft_cli_agent *agent, const char **out_word)
{
    static const struct option options[] = { WEFT_CLI_AGENT_OPTIONS, { NULL, 0, NULL, 0 } };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (!weft_cli_take_agent_option(agent, letter, optarg)) {
            return false;
        }
    }
    *out_word = arguments[optind];
    return optind + 1 == argument_count;
}

/* By the answer's verdict; -1: it has none, so it is an error. */
static int exit_status_of(int code, struct weft_slice answer)
{
    (void)code;
    struct weft_json_each each = weft_json_each_of(answer);
    while (weft_json_each_next(&each)) {
        for (size_t i = 0; weft_slice_equal_text(each.key, "verdict") && i < WEFT_COUNT_OF(verdicts); i++) {
            if (weft_slice_equal_text(each.value, verdicts[i].verdict)) {
                return verdicts[i].exit_status;
            }
        }
    }
    return -1;
}

int weft_cli_trace(int argument_count, char **arguments)
{
    struct weft_cli_agent agent = { .program = "weft trace",
                                    .asks_socket_only = true,
                                    .state_directory = weft_cli_state_directory() };
    const char *word = NULL;
    if (!read_options(argument_count, arguments, &agent, &word)) {
        weft_cli_print_usage(stderr, "trace");
        return WEFT_CLI_CANNOT_BE_ASKED;
    }
    char *encoded = weft_cli_encode(word);
    char *target = weft_alloc_format("/v1/traces/%s", encoded);
    int status = weft_cli_ask(&agent, &(struct weft_cli_question){ target, exit_status_of, weft_cli_trace_text });
    weft_free(target);
    weft_free(encoded);
    return status;
}
