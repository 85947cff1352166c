/* Patterns of paths (glob.h), name by name. Names are read letter by letter: bytes that are no UTF-8 are one each. */
#include "tail/glob.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { MAX_DEPTH = 64, ANY_DEPTH_MAX = 3 };

static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

/* Names that are **: each multiplies what a walk looks at by the depth of the tree. */
static size_t any_depth_count(const char *pattern)
{
    size_t count = 0;
    for (const char *at = strstr(pattern, "**"); at != NULL; at = strstr(at + 2, "**")) {
        bool is_name = (at == pattern || at[-1] == '/') && (at[2] == '/' || at[2] == '\0');
        count += is_name;
    }
    return count;
}

enum weft_status weft_glob_check(const char *pattern, struct weft_error *error)
{
    if (pattern[0] == '\0' || strlen(pattern) >= PATH_MAX) {
        return weft_fail(error, WEFT_INVALID, "\"%.80s\" is no pattern of a path", pattern);
    }
    if (any_depth_count(pattern) > ANY_DEPTH_MAX) {
        return weft_fail(error, WEFT_LIMIT, "\"%s\" has ** more than %d times", pattern, ANY_DEPTH_MAX);
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

/* Not at the end. */
static uint32_t take_letter(const char **at)
{
    enum { NO_LETTER = 0xfffd, BEHIND_ALL_LETTERS = 0x110000 };
    size_t length;
    uint32_t letter = weft_utf8_decode(weft_slice_of(*at, strnlen(*at, 4)), &length);
    bool is_bad = letter == NO_LETTER && length == 1;
    letter = is_bad ? BEHIND_ALL_LETTERS + (uint32_t)(uint8_t) * *at : letter;
    *at += length;
    return letter;
}

static uint32_t take_escaped(const char **at)
{
    *at += (*at)[0] == '\\' && (*at)[1] != '\0';
    return take_letter(at);
}

/* at is behind the [, and behind the ] afterwards. */
static bool take_class(const char **at, uint32_t letter)
{
    bool is_negated = **at == '!' || **at == '^';
    bool is_in = false;
    *at += is_negated;
    do {
        uint32_t first = take_escaped(at);
        uint32_t last = first;
        if ((*at)[0] == '-' && (*at)[1] != ']' && (*at)[1] != '\0') {
            (*at)++;
            last = take_escaped(at);
        }
        is_in = is_in || (first <= letter && letter <= last);
    } while (**at != ']' && **at != '\0');
    *at += **at == ']';
    return is_in != is_negated;
}

/* One letter of the name, by what the pattern begins with, which is no *. */
static bool take_one(const char **pattern, const char **name)
{
    uint32_t letter = take_letter(name);
    if (**pattern == '?') {
        (*pattern)++;
        return true;
    }
    if ((*pattern)[0] == '[' && (*pattern)[1] != '\0') {
        (*pattern)++;
        return take_class(pattern, letter);
    }
    return **pattern != '\0' && take_escaped(pattern) == letter;
}

/* Of several * only the last one is tried with more: what those before it took is enough if anything is. */
static bool name_matches(const char *pattern, const char *name)
{
    const char *after_star = NULL;
    const char *taken_by_star = NULL;
    while (*name != '\0') {
        if (*pattern == '*') {
            after_star = ++pattern;
            taken_by_star = name;
            continue;
        }
        const char *pattern_rest = pattern;
        const char *name_rest = name;
        if (take_one(&pattern_rest, &name_rest)) {
            pattern = pattern_rest;
            name = name_rest;
            continue;
        }
        if (after_star == NULL) {
            return false;
        }
        take_letter(&taken_by_star);
        pattern = after_star;
        name = taken_by_star;
    }
    pattern += strspn(pattern, "*");
    return *pattern == '\0';
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
        if (errno != ENOENT && errno != ENOTDIR) {
            visitor->on_failure(visitor->user, *directory == '\0' ? "." : directory, errno);
        }
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
