/* `weft ledger`: asks the running agent where every record is, at its telemetry port or its admin socket. Exit status 1
 * if the books do not balance or the audit disagrees, 2 if the agent cannot be asked. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/cli.h"

enum { OPTION_AUDIT = WEFT_CLI_OPTION_OWN, OPTION_REDACTIONS };

struct wishes {
    bool audit, redactions;
};

static const char usual_endpoint[] = "localhost:8888"; /* service.telemetry's */

static bool read_options(int argument_count, char **arguments, struct weft_cli_agent *agent, struct wishes *wishes)
{
    static const struct option options[] = {
        { "audit", no_argument, NULL, OPTION_AUDIT },
        { "redactions", no_argument, NULL, OPTION_REDACTIONS },
        WEFT_CLI_AGENT_OPTIONS,
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (letter == OPTION_AUDIT) {
            wishes->audit = true;
        } else if (letter == OPTION_REDACTIONS) {
            wishes->redactions = true;
        } else if (!weft_cli_take_agent_option(agent, letter, optarg)) {
            return false;
        }
    }
    return optind == argument_count;
}

/* The agent answers 200 when all agrees and 500 when something does not; the body says what. Any other is not weft's.
 */
static int exit_status_of(int code, struct weft_slice answer)
{
    (void)answer;
    return code == 200 ? 0 : code == 500 ? 1 : -1;
}

int weft_cli_ledger(int argument_count, char **arguments)
{
    struct weft_cli_agent agent = { .program = "weft ledger" };
    struct wishes wishes = { .audit = false };
    if (!read_options(argument_count, arguments, &agent, &wishes)) {
        weft_cli_print_usage(stderr, "ledger");
        return WEFT_CLI_CANNOT_BE_ASKED;
    }
    if (agent.endpoint == NULL && agent.state_directory == NULL) {
        agent.endpoint = usual_endpoint;
    }
    char target[64];
    snprintf(target, sizeof target, "/v1/ledger?format=%s%s%s", agent.wants_json ? "json" : "text",
             wishes.audit ? "&audit=1" : "", wishes.redactions ? "&redactions=1" : "");
    return weft_cli_ask(&agent, &(struct weft_cli_question){ .target = target, .exit_status_of = exit_status_of });
}
