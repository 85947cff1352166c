/* What the command line says about itself: which commands there are, and how each is used. */
#include "base/base_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static char said[8192];

/* Runs the command line with stdout in a file; `said` has what it wrote there. */
static int run_with(char *word, char *option)
{
    char program[] = "weft";
    char *arguments[] = { program, word, option, NULL };
    FILE *file = tmpfile();
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
    int status = weft_cli_main(option == NULL ? 2 : 3, arguments);
    fflush(stdout);
    ck_assert_int_ge(dup2(kept, STDOUT_FILENO), 0);
    close(kept);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return status;
}

START_TEST(test_each_command_says_how_it_is_used)
{
    char help[] = "help", option[] = "--help";
    char names[32][32];
    size_t count = 0;
    ck_assert_int_eq(run_with(help, NULL), 0);
    for (const char *line = strstr(said, "\n  "); line != NULL; line = strstr(line + 1, "\n  ")) {
        bool is_command = line[3] != ' ';
        count += is_command && sscanf(line, " %31s", names[count]) == 1;
    }
    ck_assert_uint_gt(count, 5);
    for (size_t i = 0; i < count; i++) {
        char usage[64], by_word[sizeof said];
        snprintf(usage, sizeof usage, "usage: weft %s", names[i]);
        ck_assert_int_eq(run_with(help, names[i]), 0);
        ck_assert_msg(strstr(said, usage) != NULL, "%s", said);
        strcpy(by_word, said);
        ck_assert_int_eq(run_with(names[i], option), 0);
        ck_assert_str_eq(said, by_word);
    }
}
END_TEST

START_TEST(test_unknown_commands_are_refused)
{
    char word[] = "nosuch", option[] = "--help", help[] = "help";
    ck_assert_int_eq(run_with(word, NULL), 2);
    ck_assert_int_eq(run_with(word, option), 2);
    ck_assert_int_eq(run_with(help, word), 2);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = { BASE_TEST(test_each_command_says_how_it_is_used),
                                       BASE_TEST(test_unknown_commands_are_refused) };
    return BASE_TEST_RUN("usage", tests);
}
