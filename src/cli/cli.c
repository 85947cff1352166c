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

/* For who uses it: what may be in a config only if the command line says so. */
#define GATE_ID(name, id, help) id " "
#define GATES_ARE               "opens what is in development: " WEFT_GATE_ROWS(GATE_ID)

static const struct command {
    const char *name;
    int (*run)(int argument_count, char **arguments);
    const char *help;
    const char *usage; /* NULL: the word alone */
} commands[] = {
    { "run", weft_cli_run, "run the agent (the default)",
      "--config FILE [--config FILE ...] [--set KEY=VALUE ...]\n"
      "            [--state-dir DIR]          where the ledger survives restarts; default $STATE_DIRECTORY,\n"
      "                                       else /var/lib/weft if it can be written, else none\n"
      "            [--shutdown-timeout 10s]   time to deliver what is held after SIGTERM\n"
      "            [--reload-timeout 30s]     the same for what a reload took out\n"
      "            [--feature-gates GATE,...] " GATES_ARE },
    { "validate", weft_cli_validate, "check a config; say what has no effect",
      "--config FILE [--config FILE ...] [--set KEY=VALUE ...]\n"
      "                 [--explain]    and of each node what it holds, for how long, and what a crash costs\n"
      "                 [--no-files]   certificates and token files are on another machine\n"
      "                 [--feature-gates GATE,...]   " GATES_ARE },
    { "components", weft_cli_components, "list the components", "[--reference]   with all their keys, as Markdown" },
    { "print-config", weft_cli_print_config, "print the config as merged and expanded, secrets masked",
      "--config FILE [--config FILE ...] [--set KEY=VALUE ...]" },
    { "ledger", weft_cli_ledger, "ask the running agent where every record is",
      "[--audit] [--redactions] [--json] [--state-dir DIR | --endpoint SOCKET|HOST:PORT]" },
    { "trace", weft_cli_trace, "ask the running agent what became of a trace",
      "WORD [--json] [--state-dir DIR | --endpoint SOCKET]\n"
      "       WORD: a trace id in any form, a span id, or the id that log lines have" },
    { "drops", weft_cli_drops, "ask the running agent what it dropped lately, and whose it was",
      "[--since 15m] [--by reason,policy,service] [--json]\n"
      "                  [--state-dir DIR | --endpoint SOCKET]" },
    { "ottl", weft_cli_ottl, "show what statements in OTTL make of requests",
      "[--context span|spanevent|...] STATEMENT ... < OTLP/JSON lines\n"
      "       weft ottl --config FILE [--set KEY=VALUE ...] [--pipeline ID] < OTLP/JSON lines\n"
      "       weft ottl --condition CONDITION [--context span|spanevent|...] < OTLP/JSON lines" },
    { "redact", weft_cli_redact, "show what the redactions of a config make of requests",
      "--config FILE [--set KEY=VALUE ...] [--pipeline ID] < OTLP/JSON lines" },
    { "version", print_version, "print the version", NULL },
    { "help", print_help, "print this, or how a command is used", "[COMMAND]" },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

void weft_cli_print_usage(FILE *to, const char *name)
{
    const struct command *command = find_command(name);
    fprintf(to, "usage: weft %s%s%s\n", command->name, command->usage == NULL ? "" : " ",
            command->usage == NULL ? "" : command->usage);
}

static int fail_unknown(const char *word)
{
    fprintf(stderr, "weft: unknown command \"%s\"; weft help lists them\n", word);
    return 2;
}

static int print_command_help(const char *name)
{
    const struct command *command = find_command(name);
    if (command == NULL) {
        return fail_unknown(name);
    }
    printf("%s: %s\n\n", command->name, command->help);
    weft_cli_print_usage(stdout, name);
    return 0;
}

static int print_help(int argument_count, char **arguments)
{
    if (argument_count > 1) {
        return print_command_help(arguments[1]);
    }
    puts("weft: an OpenTelemetry-compatible collector and agent\n\n"
         "usage: weft --config FILE [--config FILE ...] [--set KEY=VALUE ...] [--state-dir DIR] [--feature-gates "
         "GATE,...]\n"
         "       weft COMMAND [OPTION ...]\n"
         "       weft COMMAND --help\n");
    for (size_t i = 0; i < WEFT_COUNT_OF(commands); i++) {
        printf("  %-14s %s\n", commands[i].name, commands[i].help);
    }
    return 0;
}

static bool asks_for_help(int argument_count, char **arguments)
{
    for (int i = 2; i < argument_count && strcmp(arguments[i], "--") != 0; i++) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            return true;
        }
    }
    return false;
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
    if (asks_for_help(argument_count, arguments)) {
        return print_command_help(word);
    }
    const struct command *command = find_command(word);
    return command == NULL ? fail_unknown(word) : command->run(argument_count - 1, arguments + 1);
}
