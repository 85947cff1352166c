/* The option tables of the bench programs. */
#include "lib/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"

static void print_help(const struct bench_option *table, const char *what)
{
    printf("%s\n\n", what);
    for (; table->name != NULL; table++) {
        char left[64];
        const char *kind = table->flag != NULL ? "" : table->text != NULL ? " TEXT" : table->real != NULL ? " X" : " N";
        snprintf(left, sizeof left, "--%s%s", table->name, kind);
        printf("  %-28s %s\n", left, table->help);
    }
}

static void set_option(const struct bench_option *option, const char *value)
{
    char *end = NULL;
    errno = 0;
    if (option->text != NULL) {
        *option->text = value;
    } else if (option->number != NULL) {
        *option->number = strtoull(value, &end, 10);
    } else {
        *option->real = strtod(value, &end);
    }
    if (end != NULL && (errno != 0 || end == value || *end != '\0')) {
        bench_die("--%s: \"%s\" is not a number", option->name, value);
    }
}

static const struct bench_option *find_option(const struct bench_option *table, const char *name, size_t length)
{
    for (; table->name != NULL; table++) {
        if (strlen(table->name) == length && memcmp(table->name, name, length) == 0) {
            return table;
        }
    }
    return NULL;
}

void bench_options_parse(const struct bench_option *table, const char *what, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0) {
            print_help(table, what);
            exit(0);
        }
        const char *equals = strchr(word, '=');
        size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
        const struct bench_option *option =
            length > 2 && strncmp(word, "--", 2) == 0 ? find_option(table, word + 2, length - 2) : NULL;
        if (option == NULL) {
            bench_die("unknown option %s (see --help)", word);
        }
        if (option->flag != NULL) {
            *option->flag = true;
        } else if (equals != NULL) {
            set_option(option, equals + 1);
        } else if (i + 1 < argc) {
            set_option(option, argv[++i]);
        } else {
            bench_die("--%s needs a value", option->name);
        }
    }
}

void bench_address_parse(const char *text, char out_host[64], uint16_t *out_port)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
    if (colon == NULL || *end != '\0' || port == 0 || port > 65535 || colon - text >= 64) {
        bench_die("\"%s\" is not host:port", text);
    }
    memcpy(out_host, text, (size_t)(colon - text));
    out_host[colon - text] = '\0';
    *out_port = (uint16_t)port;
}
