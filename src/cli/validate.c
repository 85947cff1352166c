/* `weft validate`: understands a config as the agent would, reads the certificates that it names, opens nothing, and
 * lists all that is wrong with it, what is probably not meant and what has no effect. With --explain what each node
 * holds; with --no-files for a machine whose certificates are not here. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "graph/plan.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

/* Takes the word out of the arguments, wherever it stands. */
static bool take_word(const char *word, int *argument_count, char **arguments)
{
    for (int i = 1; i < *argument_count; i++) {
        if (strcmp(arguments[i], word) == 0) {
            memmove(&arguments[i], &arguments[i + 1], (size_t)(*argument_count - i) * sizeof *arguments);
            --*argument_count;
            return true;
        }
    }
    return false;
}

int weft_cli_validate(int argument_count, char **arguments)
{
    bool explains = take_word("--explain", &argument_count, arguments);
    bool is_elsewhere = take_word("--no-files", &argument_count, arguments);
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
    if (status == WEFT_OK && !is_elsewhere) {
        status = weft_plan_try_files(plan, &notes, &error);
    }
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
    puts(notes.error_count == 0 ? "the config is valid" : "further errors may follow when these are mended");
    if (explains && plan != NULL) {
        weft_cli_explain(plan);
    }
    bool is_valid = notes.error_count == 0 && status == WEFT_OK;
    weft_plan_unref(&plan);
    weft_config_notes_fini(&notes);
    weft_cli_sources_fini(&sources);
    return is_valid ? 0 : 1;
}
