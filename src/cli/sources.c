/* --config and --set (cli.h). */
#include <getopt.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cli/cli.h"
#include "config/unknown_key.h"

static void append(const char ***items, size_t *count, const char *text)
{
    const char **grown = weft_try_realloc(*items, (*count + 1) * sizeof **items);
    weft_assert(grown != NULL);
    grown[(*count)++] = text;
    *items = grown;
}

void weft_cli_sources_add_config(struct weft_cli_sources *sources, const char *text)
{
    append(&sources->configs, &sources->config_count, text);
}

void weft_cli_sources_add_set(struct weft_cli_sources *sources, const char *text)
{
    append(&sources->sets, &sources->set_count, text);
}

static void tell_unknown_gate(void *context, const char *id, int length)
{
    (void)context;
    const char *known[WEFT_GATE_COUNT];
    char *given = weft_alloc_format("%.*s", length, id);
    for (size_t i = 0; i < WEFT_GATE_COUNT; i++) {
        known[i] = weft_gate_rows[i].id;
    }
    const char *nearest = weft_config_nearest(given, known, WEFT_GATE_COUNT);
    fprintf(stderr, "weft: --feature-gates: weft has no feature gate %s; it is ignored", given);
    fprintf(stderr, "%s%s%s\n", nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
            nearest == NULL ? "" : "?");
    weft_free(given);
}

void weft_cli_sources_add_gates(struct weft_cli_sources *sources, const char *list)
{
    weft_gates_read(list, &sources->gates, tell_unknown_gate, NULL);
}

struct weft_config_sources weft_cli_sources_view(const struct weft_cli_sources *sources)
{
    return (struct weft_config_sources){ .configs = sources->configs,
                                         .config_count = sources->config_count,
                                         .sets = sources->sets,
                                         .set_count = sources->set_count,
                                         .gates = sources->gates };
}

void weft_cli_sources_fini(struct weft_cli_sources *sources)
{
    weft_free(sources->configs);
    weft_free(sources->sets);
}

bool weft_cli_sources_parse(int argument_count, char **arguments, struct weft_cli_sources *out_sources)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 's' },
        { "feature-gates", required_argument, NULL, 'g' },
        { NULL, 0, NULL, 0 },
    };
    struct weft_cli_sources sources = { 0 };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "c:", options, NULL)) != -1) {
        if (letter == 'c') {
            weft_cli_sources_add_config(&sources, optarg);
        } else if (letter == 'g') {
            weft_cli_sources_add_gates(&sources, optarg);
        } else if (letter == 's') {
            weft_cli_sources_add_set(&sources, optarg);
        } else {
            weft_cli_sources_fini(&sources);
            return false;
        }
    }
    if (optind < argument_count || sources.config_count == 0) {
        weft_cli_print_usage(stderr, arguments[0]);
        weft_cli_sources_fini(&sources);
        return false;
    }
    *out_sources = sources;
    return true;
}
