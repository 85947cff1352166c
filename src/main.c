/* weft: the program. Which subcommand there is, and nothing else. */
#include "cli/cli.h"

int main(int argument_count, char **arguments)
{
    return weft_cli_main(argument_count, arguments);
}
