/* Patterns of paths (glob.h), name by name: the library matches a name, and ** is what this file adds. */
#include "tail/glob.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

enum weft_status weft_glob_check(const char *pattern, struct weft_error *error)
{
    if (pattern[0] == '\0' || strlen(pattern) >= PATH_MAX) {
        return weft_fail(error, WEFT_INVALID, "\"%.80s\" is no pattern of a path", pattern);
    }
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '\\') {
            if (*++at == '\0') {
                return weft_fail(error, WEFT_INVALID, "\"%s\" ends with a backslash", pattern);
            }
        } else if (*at == '[' && strchr(at + 2 - (at[1] == '\0'), ']') == NULL) {
            return weft_fail(error, WEFT_INVALID, "\"%s\" has a [ without its ]", pattern);
        } else if (*at == '{') {
            return weft_fail(error, WEFT_UNSUPPORTED, "\"%s\": {a,b} is not supported: write a pattern for each",
                             pattern);
        }
    }
    return WEFT_OK;
}

/* The first name of a path or pattern, with its end; what follows it begins behind the slash. */
static const char *take_name(const char *path, char *out_name, size_t size)
{
    size_t length = strcspn(path, "/");
    snprintf(out_name, size, "%.*s", (int)length, path);
    const char *rest = path + length;
    return rest + strspn(rest, "/");
}

static bool name_matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}

bool weft_glob_matches(const char *pattern, const char *path)
{
    char wanted[NAME_MAX + 1];
    char name[NAME_MAX + 1];
    if ((*pattern == '/') != (*path == '/')) {
        return false;
    }
    pattern += strspn(pattern, "/");
    path += strspn(path, "/");
    if (*pattern == '\0' || *path == '\0') {
        return *pattern == *path || strcmp(pattern, "**") == 0;
    }
    const char *pattern_rest = take_name(pattern, wanted, sizeof wanted);
    const char *path_rest = take_name(path, name, sizeof name);
    if (strcmp(wanted, "**") == 0) {
        return *pattern_rest == '\0' || weft_glob_matches(pattern_rest, path) || weft_glob_matches(pattern, path_rest);
    }
    return name_matches(wanted, name) && weft_glob_matches(pattern_rest, path_rest);
}

/* directory: "" or with a slash at its end. */
static void walk(const char *directory, const char *pattern, int depth, const struct weft_glob_visitor *visitor);

/* pattern: for a directory, NULL: it is not entered; is_last: a file is what is looked for. */
static void visit(const char *directory, const char *name, const char *pattern, bool is_last, int depth,
                  const struct weft_glob_visitor *visitor)
{
    char path[PATH_MAX];
    struct stat state;
    if (pattern == NULL && !is_last) {
        return;
    }
    if ((size_t)snprintf(path, sizeof path, "%s%s", directory, name) >= sizeof path - 1 || stat(path, &state) != 0) {
        return;
    }
    if (S_ISDIR(state.st_mode) && pattern != NULL) {
        strcat(path, "/");
        walk(path, pattern, depth + 1, visitor);
    } else if (S_ISREG(state.st_mode) && is_last) {
        visitor->on_file(visitor->user, path, &state);
    }
}

static void walk(const char *directory, const char *pattern, int depth, const struct weft_glob_visitor *visitor)
{
    char wanted[NAME_MAX + 1];
    const char *rest = take_name(pattern, wanted, sizeof wanted);
    bool is_any_depth = strcmp(wanted, "**") == 0;
    if (depth > MAX_DEPTH) {
        return;
    }
    if (is_any_depth && *rest != '\0') {
        walk(directory, rest, depth + 1, visitor); /* no directory at all */
    }
    visitor->on_directory(visitor->user, *directory == '\0' ? "." : directory);
    DIR *stream = opendir(*directory == '\0' ? "." : directory);
    if (stream == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        bool is_itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_itself && is_any_depth) {
            /* a link to a directory may lead back here: it is not entered */
            visit(directory, entry->d_name, entry->d_type == DT_LNK ? NULL : pattern, *rest == '\0', depth, visitor);
        } else if (!is_itself && name_matches(wanted, entry->d_name)) {
            visit(directory, entry->d_name, *rest == '\0' ? NULL : rest, *rest == '\0', depth, visitor);
        }
    }
    closedir(stream);
}

void weft_glob_walk(const char *pattern, const struct weft_glob_visitor *visitor)
{
    char directory[PATH_MAX];
    size_t length = 0; /* of the directories before the first name with something special in it */
    for (size_t i = 0; pattern[i] != '\0' && !is_special(pattern[i]); i++) {
        length = pattern[i] == '/' ? i + 1 : length;
    }
    snprintf(directory, sizeof directory, "%.*s", (int)length, pattern);
    walk(directory, pattern + length, 0, visitor);
}
