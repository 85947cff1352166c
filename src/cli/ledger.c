/* `weft ledger`: asks the running agent where every record is, at its telemetry port or its admin socket. Exit status 1
 * if the books do not balance or the audit disagrees, 2 if the agent cannot be asked. */
#include <getopt.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/cli.h"

enum { OPTION_AUDIT = 256, OPTION_JSON, OPTION_STATE, OPTION_ENDPOINT };

static const char usual_endpoint[] = "localhost:8888"; /* service.telemetry's */

struct request {
    struct weft_cli_agent agent;
    bool wants_audit;
    bool wants_json;
};

static bool read_options(int argument_count, char **arguments, struct request *request)
{
    static const struct option options[] = {
        { "audit", no_argument, NULL, OPTION_AUDIT },
        { "json", no_argument, NULL, OPTION_JSON },
        { "state-dir", required_argument, NULL, OPTION_STATE },
        { "endpoint", required_argument, NULL, OPTION_ENDPOINT },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (letter) {
        case OPTION_AUDIT:
            request->wants_audit = true;
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

/* The agent answers 200 when all agrees and 500 when something does not; the body says what. */
static int ask(const struct request *request)
{
    struct weft_buffer body;
    int code = 0;
    char target[64];
    snprintf(target, sizeof target, "/v1/ledger?format=%s%s", request->wants_json ? "json" : "text",
             request->wants_audit ? "&audit=1" : "");
    weft_buffer_init(&body, 0);
    bool is_asked = weft_cli_ask(&request->agent, target, &code, &body);
    if (is_asked) {
        fwrite(body.bytes, 1, body.length, stdout);
        fputs(body.length > 0 && body.bytes[body.length - 1] == '\n' ? "" : "\n", stdout);
    }
    weft_buffer_fini(&body);
    return !is_asked ? 2 : code == 200 ? 0 : 1;
}

int weft_cli_ledger(int argument_count, char **arguments)
{
    struct request request = { .agent.program = "weft ledger" };
    if (!read_options(argument_count, arguments, &request)) {
        fputs("usage: weft ledger [--audit] [--json] [--state-dir DIR | --endpoint SOCKET|HOST:PORT]\n", stderr);
        return 2;
    }
    if (request.agent.endpoint == NULL && request.agent.state_directory == NULL) {
        request.agent.endpoint = usual_endpoint;
    }
    return ask(&request);
}
