/* Tables of users (htpasswd.h). The text is copied once; ends of names and lines become NULs in the copy. */
#include "extensions/htpasswd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/password.h"

static char *trim(char *line, char *end)
{
    while (line < end && weft_slice_is_space((uint8_t)*line)) {
        line++;
    }
    while (end > line && weft_slice_is_space((uint8_t)end[-1])) {
        end--;
    }
    *end = '\0';
    return line;
}

static void take_line(struct weft_htpasswd *table, char *line, char *end)
{
    line = trim(line, end);
    char *colon = strchr(line, ':');
    if (colon != NULL && weft_password_is_valid(colon + 1)) {
        *colon = '\0';
        table->users[table->count++] = (struct weft_htpasswd_user){ line, colon + 1 };
    }
}

static size_t count_lines(const struct weft_buffer *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->length; i++) {
        count += text->bytes[i] == '\n';
    }
    return count;
}

/* Of one name the later first: the lines lie in the text in their order. */
static int compare_users(const void *left, const void *right)
{
    const struct weft_htpasswd_user *one = left, *other = right;
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : one->name < other->name ? 1 : -1;
}

static void sort(struct weft_htpasswd *table)
{
    size_t kept = 0;
    qsort(table->users, table->count, sizeof *table->users, compare_users);
    for (size_t i = 0; i < table->count; i++) {
        if (kept == 0 || strcmp(table->users[kept - 1].name, table->users[i].name) != 0) {
            table->users[kept++] = table->users[i];
        }
    }
    table->count = kept;
}

enum weft_status weft_htpasswd_read(struct weft_slice file, struct weft_slice more, struct weft_htpasswd *out_table,
                                    struct weft_error *error)
{
    struct weft_htpasswd table = { .count = 0 };
    weft_buffer_init(&table.text, 0);
    weft_buffer_append(&table.text, file.bytes, file.length);
    weft_buffer_append_byte(&table.text, '\n');
    weft_buffer_append(&table.text, more.bytes, more.length);
    weft_buffer_append_byte(&table.text, '\n');
    table.users = table.text.is_failed ? NULL : weft_try_alloc(count_lines(&table.text) * sizeof *table.users);
    if (table.users == NULL) {
        weft_htpasswd_fini(&table);
        return weft_fail(error, WEFT_NOMEM, "no memory for the users");
    }
    char *line = (char *)table.text.bytes, *end = line + table.text.length;
    while (line < end) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        take_line(&table, line, next);
        line = next + 1;
    }
    sort(&table);
    *out_table = table;
    return WEFT_OK;
}

size_t weft_htpasswd_review(struct weft_slice text, weft_htpasswd_line_fn on_passed_over, void *context)
{
    size_t users = 0;
    for (size_t line = 1; text.length > 0; line++) {
        const uint8_t *end = memchr(text.bytes, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.bytes);
        struct weft_slice row = weft_slice_trim(weft_slice_of(text.bytes, length));
        text = weft_slice_of(text.bytes + length + (end != NULL), text.length - length - (end != NULL));
        const uint8_t *colon = row.length == 0 ? NULL : memchr(row.bytes, ':', row.length);
        bool is_comment = row.length == 0 || (colon == NULL && row.bytes[0] == '#');
        size_t name_length = colon == NULL ? 0 : (size_t)(colon - row.bytes) + 1;
        char kept[WEFT_PASSWORD_MAX_BYTES];
        snprintf(kept, sizeof kept, "%.*s", (int)(row.length - name_length), (const char *)row.bytes + name_length);
        if (is_comment) {
            continue;
        }
        if (colon == NULL) {
            on_passed_over(context, line, "there is no ':' between a name and a password");
        } else if (!weft_password_is_valid(kept)) {
            on_passed_over(context, line, "the password is in none of the forms that are known, or cut off");
        } else {
            users++;
        }
    }
    return users;
}

void weft_htpasswd_fini(struct weft_htpasswd *table)
{
    weft_free(table->users);
    weft_buffer_fini(&table->text);
    *table = (struct weft_htpasswd){ .count = 0 };
}

static int compare_name(struct weft_slice name, const char *other)
{
    size_t length = strlen(other);
    size_t common = name.length < length ? name.length : length;
    int order = common == 0 ? 0 : memcmp(name.bytes, other, common);
    return order != 0 ? order : name.length < length ? -1 : name.length > length;
}

const char *weft_htpasswd_find(const struct weft_htpasswd *table, struct weft_slice name)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(name, table->users[middle].name);
        if (order == 0) {
            return table->users[middle].kept;
        }
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}
