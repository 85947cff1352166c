/* Patterns of paths: what matches, what is found in directories, what is refused. */
#include "base/base_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tail/glob.h"

static const struct {
    const char *pattern, *path;
    bool matches;
} rows[] = {
    { "/var/log/*.log", "/var/log/a.log", true },
    { "/var/log/*.log", "/var/log/a.log.1", false },
    { "/var/log/*.log", "/var/log/b/a.log", false },
    { "/var/log/**/*.log", "/var/log/a.log", true },
    { "/var/log/**/*.log", "/var/log/b/c/a.log", true },
    { "/var/log/**", "/var/log/b/c/a.log", true },
    { "/var/log/pods/*/*/*.log", "/var/log/pods/a_b_c/app/0.log", true },
    { "/var/log/pods/*/*/*.log", "/var/log/pods/a_b_c/0.log", false },
    { "/a/?.[ab]", "/a/x.b", true },
    { "/a/?.[!ab]", "/a/x.b", false },
    { "/a/?.log", "/a/é.log", true },
    { "/a/?.log", "/a/\xe9.log", true },
    { "/a/??.log", "/a/é.log", false },
    { "/a/[!ab].log", "/a/é.log", true },
    { "/a/[à-ü].log", "/a/é.log", true },
    { "/a/[^à-ü]*", "/a/é.log", false },
    { "/a/\xe9*", "/a/\xe9.log", true },
    { "/a/\xe9*", "/a/\xe8.log", false },
    { "/a/[]-]x", "/a/-x", true },
    { "/a/*b*b*c", "/a/bxbbxbc", true },
    { "/a/*b*b*c", "/a/bxc", false },
    { "/a/*", "/a/.x", true },
    { "/a/\\*", "/a/*", true },
    { "/a/\\*", "/a/b", false },
    { "a/b", "/a/b", false },
    { "/a/**/b/**/c", "/a/x/b/y/z/c", true },
    { "/a/**/b/**/c", "/a/x/y/z/c", false },
};

START_TEST(test_paths_match_as_patterns_say)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(weft_glob_matches(rows[i].pattern, rows[i].path) == rows[i].matches, "%s and %s", rows[i].pattern,
                      rows[i].path);
    }
}
END_TEST

START_TEST(test_patterns_that_mean_nothing_are_refused)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_glob_check("", &error), WEFT_INVALID);
    ck_assert_int_eq(weft_glob_check("/a/[bc", &error), WEFT_INVALID);
    ck_assert_int_eq(weft_glob_check("/a/[", &error), WEFT_INVALID);
    ck_assert_int_eq(weft_glob_check("/a\\", &error), WEFT_INVALID);
    ck_assert_int_eq(weft_glob_check("/a/{b,c}", &error), WEFT_UNSUPPORTED);
    ck_assert_int_eq(weft_glob_check("/**/a/**/b/**/c.log", &error), WEFT_OK);
    ck_assert_int_eq(weft_glob_check("/**/a/**/b/**/c/**/d.log", &error), WEFT_LIMIT);
    ck_assert_int_eq(weft_glob_check("/a/\\{b", &error), WEFT_OK);
    ck_assert_int_eq(weft_glob_check("/a/**/[b-d]?.log", &error), WEFT_OK);
}
END_TEST

static char found[4096];

static void note_file(void *user, const char *path, const struct stat *state)
{
    ck_assert(S_ISREG(state->st_mode));
    strcat(found, path + strlen(user));
    strcat(found, ";");
}

static void note_failure(void *user, const char *path, int error_number)
{
    (void)user;
    ck_abort_msg("%s: %s", path, strerror(error_number));
}

static void note_directory(void *user, const char *path)
{
    ck_assert_ptr_nonnull(strstr(path, user));
}

static bool finds(char *directory, const char *pattern, const char *expected)
{
    char text[512];
    const struct weft_glob_visitor visitor = { note_file, note_directory, note_failure, directory };
    found[0] = '\0';
    snprintf(text, sizeof text, "%s%s", directory, pattern);
    weft_glob_walk(text, &visitor);
    return strcmp(found, expected) == 0;
}

START_TEST(test_files_are_found_in_directories)
{
    char directory[] = "/tmp/weft-glob-XXXXXX";
    char command[512];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(command, sizeof command, "cd %s && mkdir -p a/b c && touch a/b/0.log a/1.txt c/2.log && mkfifo a/p.log",
             directory);
    ck_assert_int_eq(system(command), 0);
    ck_assert(finds(directory, "/*/*.log", "/c/2.log;"));
    ck_assert(finds(directory, "/a/**/*.log", "/a/b/0.log;"));
    ck_assert(finds(directory, "/c/**", "/c/2.log;"));
    ck_assert(finds(directory, "/a/1.txt", "/a/1.txt;"));
    ck_assert(finds(directory, "/nowhere/*", ""));
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_paths_match_as_patterns_say),
        BASE_TEST(test_patterns_that_mean_nothing_are_refused),
        BASE_TEST(test_files_are_found_in_directories),
    };
    return BASE_TEST_RUN("glob", tests);
}
