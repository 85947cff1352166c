#pragma once

#include <stddef.h>
#include <stdio.h>

#include "config/load.h"

/* The command line: one file per subcommand, each `int run(int argument_count, char **arguments)` with the subcommand's
 * name first, returning the exit status: 0 = well, 1 = failed, 2 = used wrongly. */
int weft_cli_main(int argument_count, char **arguments);

/* How a subcommand is used, for who used it wrongly. */
void weft_cli_print_usage(FILE *to, const char *name);

int weft_cli_run(int argument_count, char **arguments); /* the agent */
int weft_cli_validate(int argument_count, char **arguments);
int weft_cli_components(int argument_count, char **arguments);
int weft_cli_print_config(int argument_count, char **arguments);
int weft_cli_ledger(int argument_count, char **arguments);
int weft_cli_trace(int argument_count, char **arguments);
int weft_cli_drops(int argument_count, char **arguments);
int weft_cli_ottl(int argument_count, char **arguments);
int weft_cli_redact(int argument_count, char **arguments);

/* --config and --set, which several subcommands take. Zero is empty. */
struct weft_cli_sources {
    const char **configs;
    size_t config_count;
    const char **sets;
    size_t set_count;
    unsigned gates; /* enum weft_gate */
};

void weft_cli_sources_add_config(struct weft_cli_sources *sources, const char *text);
void weft_cli_sources_add_set(struct weft_cli_sources *sources, const char *text);

/* The list of a --feature-gates; says which of them weft does not have. */
void weft_cli_sources_add_gates(struct weft_cli_sources *sources, const char *list);
struct weft_config_sources weft_cli_sources_view(const struct weft_cli_sources *sources);
void weft_cli_sources_fini(struct weft_cli_sources *sources);

/* Reads --config and --set only (validate, print-config). Returns false after a message if something else stands there,
 * or no config. */
bool weft_cli_sources_parse(int argument_count, char **arguments, struct weft_cli_sources *out_sources);
