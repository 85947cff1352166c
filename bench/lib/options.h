#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One row per command-line option; exactly one of the targets is set. */
struct bench_option {
    const char *name; /* without the dashes */
    const char *help;
    bool *flag;
    const char **text;
    uint64_t *number;
    double *real;
};

/* Parses "--name value", "--name=value" and "--flag"; prints help and exits on --help; exits with 2 on an unknown
 * option or a bad number. The table ends with a row whose name is NULL. */
void bench_options_parse(const struct bench_option *table, const char *what, int argc, char **argv);

/* "host:port", IPv4 or a bracket-free name; ends the program if it is not. */
void bench_address_parse(const char *text, char out_host[64], uint16_t *out_port);
