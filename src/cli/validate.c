/* `weft validate`: understands a config as the agent would, opens nothing, and lists all that is wrong with it, what is
 * probably not meant and what has no effect. */
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
    struct weft_config_notes notes = { .keeps_errors = true };
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_agent_load(&view, NULL, &notes, &plan, &telemetry, &workers, &error);
    if (status != WEFT_OK) { /* that one, too: it may be in the list already */
        (void)!weft_config_notes_survive(&notes, status, &error);
    }
    for (size_t i = 0; i < notes.count; i++) {
        if (notes.items[i].kind == WEFT_NOTE_ERROR) {
            fprintf(stderr, "%s\n", notes.items[i].text);
        } else {
            printf("%s: %s\n", weft_note_kind_name(notes.items[i].kind), notes.items[i].text);
        }
    }
    if (notes.error_count == 0) {
        puts("the config is valid");
    }
    bool is_valid = notes.error_count == 0 && status == WEFT_OK;
    weft_plan_unref(&plan);
    weft_config_notes_fini(&notes);
    weft_cli_sources_fini(&sources);
    return is_valid ? 0 : 1;
}
