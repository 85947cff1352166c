/* Dispatch: a word picks the subcommand; options first mean the agent itself, as with the Collector. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/streams.h"

static int print_version(int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    puts("weft " WEFT_VERSION);
    return 0;
}

static int print_help(int argument_count, char **arguments);

static const struct command {
    const char *name;
    int (*run)(int argument_count, char **arguments);
    const char *help;
} commands[] = {
    { "run", weft_cli_run, "run the agent (the default)" },
    { "validate", weft_cli_validate, "check a config; say what has no effect" },
    { "components", weft_cli_components, "list the components" },
    { "print-config", weft_cli_print_config, "print the config as merged and expanded, secrets masked" },
    { "ledger", weft_cli_ledger, "ask the running agent where every record is" },
    { "trace", weft_cli_trace, "ask the running agent what became of a trace" },
    { "drops", weft_cli_drops, "ask the running agent what it dropped lately, and whose it was" },
    { "ottl", weft_cli_ottl, "show what statements in OTTL make of requests" },
    { "redact", weft_cli_redact, "show what the redactions of a config make of requests" },
    { "version", print_version, "print the version" },
    { "help", print_help, "print this" },
};

static int print_help(int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    puts("weft: an OpenTelemetry-compatible collector and agent\n\n"
         "usage: weft --config FILE [--config FILE ...] [--set KEY=VALUE ...] [--state-dir DIR]\n"
         "       weft COMMAND [OPTION ...]\n");
    for (size_t i = 0; i < WEFT_COUNT_OF(commands); i++) {
        printf("  %-14s %s\n", commands[i].name, commands[i].help);
    }
    return 0;
}

int weft_cli_main(int argument_count, char **arguments)
{
    if (!weft_streams_fill()) {
        return 1; /* there may be nowhere to say so */
    }
    const char *word = argument_count > 1 ? arguments[1] : "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0) {
        word = "version";
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        word = "help";
    } else if (word[0] == '-') {
        return weft_cli_run(argument_count, arguments);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, word) == 0) {
            return commands[i].run(argument_count - 1, arguments + 1);
        }
    }
    fprintf(stderr, "weft: unknown command \"%s\"; weft help lists them\n", word);
    return 2;
}
