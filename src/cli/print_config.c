/* `weft print-config`: the config after merging and expanding, secrets masked. */
#include <stdio.h>

#include "cli/cli.h"
#include "config/print.h"
#include "graph/plan.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

int weft_cli_print_config(int argument_count, char **arguments)
{
    struct weft_cli_sources sources;
    if (!weft_cli_sources_parse(argument_count, arguments, &sources)) {
        return 2;
    }
    struct weft_config_sources view = weft_cli_sources_view(&sources);
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    /* Parsing marks the secrets in the tree. */
    enum weft_status status = weft_agent_load(&view, NULL, NULL, &plan, &telemetry, &workers, &error);
    if (status == WEFT_OK) {
        struct weft_buffer text;
        weft_buffer_init(&text, 0);
        weft_config_print(weft_plan_root(plan), &text);
        fwrite(text.bytes, 1, text.length, stdout);
        weft_buffer_fini(&text);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    weft_plan_unref(&plan);
    weft_cli_sources_fini(&sources);
    return status == WEFT_OK ? 0 : 1;
}
