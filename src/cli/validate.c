/* `weft validate`: understands a config as the agent would, opens nothing, and lists what has no effect. */
#include <stdio.h>

#include "cli/cli.h"
#include "graph/plan.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

int weft_cli_validate(int argument_count, char **arguments)
{
    struct weft_cli_sources sources;
    if (!weft_cli_sources_parse(argument_count, arguments, &sources)) {
        return 2;
    }
    struct weft_config_sources view = weft_cli_sources_view(&sources);
    struct weft_config_notes notes = { 0 };
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_agent_load(&view, NULL, &notes, &plan, &telemetry, &workers, &error);
    for (size_t i = 0; i < notes.count; i++) {
        printf("%s: %s\n", weft_note_kind_name(notes.items[i].kind), notes.items[i].text);
    }
    if (status == WEFT_OK) {
        puts("the config is valid");
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    weft_plan_unref(&plan);
    weft_config_notes_fini(&notes);
    weft_cli_sources_fini(&sources);
    return status == WEFT_OK ? 0 : 1;
}
