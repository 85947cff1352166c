/* `weft ledger`: asks the running agent's telemetry port where every record is. Exit status 1 if the books do not
 * balance or the audit disagrees, 2 if the agent cannot be asked. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "net/http1_client.h"

enum { OPTION_AUDIT = 256, OPTION_JSON, OPTION_ENDPOINT };

struct request {
    const char *endpoint;
    bool wants_audit;
    bool wants_json;
};

static bool read_options(int argument_count, char **arguments, struct request *request)
{
    static const struct option options[] = {
        { "audit", no_argument, NULL, OPTION_AUDIT },
        { "json", no_argument, NULL, OPTION_JSON },
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
        case OPTION_ENDPOINT:
            request->endpoint = optarg;
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
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer body;
    int code = 0;
    char target[64];
    snprintf(target, sizeof target, "/v1/ledger?format=%s%s", request->wants_json ? "json" : "text",
             request->wants_audit ? "&audit=1" : "");
    weft_buffer_init(&body, 0);
    enum weft_status status = weft_endpoint_parse(request->endpoint, 8888, &endpoint, &error);
    if (status == WEFT_OK) {
        status = weft_http1_get(&endpoint, target, &(struct weft_http1_get_settings){ 0 }, &code, &body, &error);
    }
    if (status != WEFT_OK) {
        fprintf(stderr, "weft ledger: %s: %s\n", request->endpoint, error.text);
    } else {
        fwrite(body.bytes, 1, body.length, stdout);
        fputs(body.length > 0 && body.bytes[body.length - 1] == '\n' ? "" : "\n", stdout);
    }
    weft_buffer_fini(&body);
    return status != WEFT_OK ? 2 : code == 200 ? 0 : 1;
}

int weft_cli_ledger(int argument_count, char **arguments)
{
    struct request request = { .endpoint = "localhost:8888" };
    if (!read_options(argument_count, arguments, &request)) {
        fputs("usage: weft ledger [--audit] [--json] [--endpoint localhost:8888]\n", stderr);
        return 2;
    }
    return ask(&request);
}
