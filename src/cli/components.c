/* `weft components`: what is built in, in the manner of the Collector's command. `--reference` prints the reference
 * page. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/print.h"
#include "worker/registry.h"

static void print_signals(unsigned signals)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        if ((signals & (1u << signal)) != 0) {
            printf(" %s", weft_signal_name((enum weft_signal)signal));
        }
    }
}

static void print_component(const struct weft_component *component)
{
    printf("  %s", component->type);
    for (const char *const *alias = component->aliases; alias != NULL && *alias != NULL; alias++) {
        printf(" (also %s)", *alias);
    }
    printf(": %s", component->help);
    if (component->signals != 0) {
        fputs(" Signals:", stdout);
        print_signals(component->signals);
    }
    putchar('\n');
}

static void print_reference(const struct weft_component *component)
{
    struct weft_buffer page;
    weft_buffer_init(&page, 0);
    printf("## %s `%s`\n\n%s\n\n", weft_component_kind_name(component->kind), component->type, component->help);
    weft_config_print_reference(component->fields, &page);
    fwrite(page.bytes, 1, page.length, stdout);
    putchar('\n');
    weft_buffer_fini(&page);
}

int weft_cli_components(int argument_count, char **arguments)
{
    bool is_reference = argument_count > 1 && strcmp(arguments[1], "--reference") == 0;
    if (argument_count > 2 || (argument_count == 2 && !is_reference)) {
        weft_cli_print_usage(stderr, "components");
        return 2;
    }
    for (int kind = 0; kind < WEFT_COMPONENT_KIND_COUNT; kind++) {
        bool has_title = false;
        const struct weft_component *const *components = weft_registry()->components;
        for (size_t i = 0; components[i] != NULL; i++) {
            if ((int)components[i]->kind != kind) {
                continue;
            }
            if (is_reference) {
                print_reference(components[i]);
                continue;
            }
            if (!has_title) {
                printf("%ss:\n", weft_component_kind_name((enum weft_component_kind)kind));
                has_title = true;
            }
            print_component(components[i]);
        }
    }
    return 0;
}
