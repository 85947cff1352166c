/* Compiling layouts of times (time_layout.h): cut where Go's time package cuts them, in the same order of looking. A
 * strptime layout is first written as Go's; marks remember what its directives allow beyond that. */
#include "wire/time_layout.h"

#include "base/buffer.h"

enum { MAX_TEXT_BYTES = 1024, MAX_FRACTION_DIGITS = 255 };

/* Of the byte where an element begins. */
enum mark { MARK_NONE, MARK_SPACE, MARK_ANY_OFFSET, MARK_ANY_YEAR };

struct word {
    const char *text;
    enum weft_time_element_kind kind;
    uint8_t detail;
};

#define OFFSET(form) WEFT_TIME_OFFSET, form

/* The first that fits counts. */
static const struct word words[] = {
    { "January", WEFT_TIME_MONTH_NAME_LONG, 0 },
    { "Jan", WEFT_TIME_MONTH_NAME, 0 },
    { "Monday", WEFT_TIME_WEEKDAY_LONG, 0 },
    { "Mon", WEFT_TIME_WEEKDAY, 0 },
    { "MST", WEFT_TIME_ZONE_NAME, 0 },
    { "01", WEFT_TIME_MONTH_TWO_DIGITS, 0 },
    { "02", WEFT_TIME_DAY_TWO_DIGITS, 0 },
    { "03", WEFT_TIME_HOUR12_TWO_DIGITS, 0 },
    { "04", WEFT_TIME_MINUTE_TWO_DIGITS, 0 },
    { "05", WEFT_TIME_SECOND_TWO_DIGITS, 0 },
    { "06", WEFT_TIME_YEAR_TWO_DIGITS, 0 },
    { "002", WEFT_TIME_YEAR_DAY_THREE_DIGITS, 0 },
    { "15", WEFT_TIME_HOUR, 0 },
    { "1", WEFT_TIME_MONTH, 0 },
    { "2006", WEFT_TIME_YEAR, 0 },
    { "2", WEFT_TIME_DAY, 0 },
    { "_2", WEFT_TIME_DAY_SPACE, 0 },
    { "__2", WEFT_TIME_YEAR_DAY_SPACES, 0 },
    { "3", WEFT_TIME_HOUR12, 0 },
    { "4", WEFT_TIME_MINUTE, 0 },
    { "5", WEFT_TIME_SECOND, 0 },
    { "PM", WEFT_TIME_PM, 0 },
    { "pm", WEFT_TIME_PM_LOWER, 0 },
    { "-070000", OFFSET(WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_SECONDS) },
    { "-07:00:00", OFFSET(WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_SECONDS | WEFT_TIME_OFFSET_COLONS) },
    { "-0700", OFFSET(WEFT_TIME_OFFSET_MINUTES) },
    { "-07:00", OFFSET(WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_COLONS) },
    { "-07", OFFSET(0) },
    { "Z070000", OFFSET(WEFT_TIME_OFFSET_OR_Z | WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_SECONDS) },
    { "Z07:00:00",
      OFFSET(WEFT_TIME_OFFSET_OR_Z | WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_SECONDS | WEFT_TIME_OFFSET_COLONS) },
    { "Z0700", OFFSET(WEFT_TIME_OFFSET_OR_Z | WEFT_TIME_OFFSET_MINUTES) },
    { "Z07:00", OFFSET(WEFT_TIME_OFFSET_OR_Z | WEFT_TIME_OFFSET_MINUTES | WEFT_TIME_OFFSET_COLONS) },
    { "Z07", OFFSET(WEFT_TIME_OFFSET_OR_Z) },
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "Mont" is no weekday, and "_2006" is a year after a line. */
static bool is_word(const struct word *word, const char *at)
{
    size_t length = strlen(word->text);
    if (strncmp(at, word->text, length) != 0) {
        return false;
    }
    bool is_short_name = word->kind == WEFT_TIME_MONTH_NAME || word->kind == WEFT_TIME_WEEKDAY;
    if (is_short_name && at[length] >= 'a' && at[length] <= 'z') {
        return false;
    }
    return word->kind != WEFT_TIME_DAY_SPACE || strncmp(at, "_2006", 5) != 0;
}

/* ".000" or ",999", with its length; no digit may follow. */
static size_t fraction_length(const char *at)
{
    bool is_fraction = (at[0] == '.' || at[0] == ',') && (at[1] == '0' || at[1] == '9');
    size_t length = 1;
    while (is_fraction && at[length] == at[1]) {
        length++;
    }
    return is_fraction && !is_digit(at[length]) ? length : 0;
}

/* The element that begins at `at`, with its length; 0: none does. */
static size_t find_element(const char *at, struct weft_time_element *element)
{
    element->has_comma = at[0] == ',';
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (is_word(&words[i], at)) {
            element->kind = words[i].kind;
            element->detail = words[i].detail;
            return strlen(words[i].text);
        }
    }
    size_t length = fraction_length(at);
    if (length > MAX_FRACTION_DIGITS) {
        return 0;
    }
    element->kind = length > 0 && at[1] == '9' ? WEFT_TIME_FRACTION_ANY : WEFT_TIME_FRACTION;
    element->detail = (uint8_t)(length > 0 ? length - 1 : 0);
    return length;
}

static void apply_mark(struct weft_time_element *element, uint8_t mark)
{
    element->skips_space = mark != MARK_NONE;
    if (mark == MARK_ANY_OFFSET && element->kind == WEFT_TIME_OFFSET) {
        element->detail = WEFT_TIME_OFFSET_OR_Z | WEFT_TIME_OFFSET_ANY;
    }
    if (mark == MARK_ANY_YEAR && element->kind == WEFT_TIME_YEAR) {
        element->kind = WEFT_TIME_YEAR_ANY;
    }
}

/* text is in memory already; marks: of each byte. elements NULL: only counts. */
static size_t cut(const char *text, const uint8_t *marks, struct weft_time_element *elements)
{
    struct weft_time_element element = { .kind = WEFT_TIME_END };
    size_t count = 0;
    const char *start = text;
    const char *at = text;
    while (*at != '\0') {
        size_t length = find_element(at, &element);
        if (length == 0) {
            at++;
            continue;
        }
        element.literal = weft_slice_of(start, (size_t)(at - start));
        apply_mark(&element, marks[at - text]);
        if (elements != NULL) {
            elements[count] = element;
        }
        count++;
        start = at += length;
    }
    if (elements != NULL) {
        elements[count] =
            (struct weft_time_element){ .kind = WEFT_TIME_END, .literal = weft_slice_of(start, (size_t)(at - start)) };
    }
    return count + 1;
}

static enum weft_status compile(const char *text, const uint8_t *marks, struct weft_entry_memory *memory,
                                struct weft_time_layout *out_layout, struct weft_error *error)
{
    size_t count = cut(text, marks, NULL);
    size_t length = strlen(text);
    struct weft_time_element *elements = weft_entry_memory_try_alloc(memory, count * sizeof *elements);
    char *copy = weft_entry_memory_try_alloc(memory, length + 1);
    if (elements == NULL || copy == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a layout");
    }
    memcpy(copy, text, length + 1);
    cut(copy, marks, elements);
    *out_layout = (struct weft_time_layout){ .elements = elements };
    for (size_t i = 0; i < count; i++) {
        out_layout->has_zone_name |= elements[i].kind == WEFT_TIME_ZONE_NAME;
    }
    return WEFT_OK;
}

static enum weft_status refuse_fraction(struct weft_error *error)
{
    return weft_fail(error, WEFT_INVALID, "a fraction of a second must follow a . or a comma");
}

static enum weft_status check_length(const char *text, struct weft_error *error)
{
    return strlen(text) <= MAX_TEXT_BYTES
               ? WEFT_OK
               : weft_fail(error, WEFT_LIMIT, "a layout has at most %d bytes", MAX_TEXT_BYTES);
}

enum weft_status weft_time_layout_compile_go(const char *text, struct weft_entry_memory *memory,
                                             struct weft_time_layout *out_layout, struct weft_error *error)
{
    static const uint8_t no_marks[MAX_TEXT_BYTES];
    enum weft_status status = check_length(text, error);
    for (size_t i = 1; status == WEFT_OK && text[i - 1] != '\0'; i++) {
        if (text[i] == '9' && strchr(".,9", text[i - 1]) == NULL) {
            return refuse_fraction(error);
        }
    }
    return status == WEFT_OK ? compile(text, no_marks, memory, out_layout, error) : status;
}

/* ---- strptime ---- */

/* What a directive is in Go's layouts, for reading and, where that differs, for writing. */
static const struct directive {
    char letter;
    const char *text, *written;
} directives[] = {
    { 'Y', "2006", NULL },
    { 'y', "06", NULL },
    { 'm', "1", "01" },
    { 'o', "1", "_1" },
    { 'q', "1", NULL },
    { 'b', "Jan", NULL },
    { 'h', "Jan", NULL },
    { 'B', "January", NULL },
    { 'd', "2", "02" },
    { 'e', "2", "_2" },
    { 'g', "2", NULL },
    { 'a', "Mon", NULL },
    { 'A', "Monday", NULL },
    { 'H', "15", NULL },
    { 'l', "3", NULL },
    { 'I', "3", "03" },
    { 'p', "PM", NULL },
    { 'P', "pm", NULL },
    { 'M', "4", "04" },
    { 'S', "5", "05" },
    { 'L', "999", NULL },
    { 'f', "999999", NULL },
    { 's', "999999999", NULL },
    { 'Z', "MST", NULL },
    { 'z', "Z0700", NULL },
    { 'w', "-070000", NULL },
    { 'i', "-07", NULL },
    { 'j', "-07:00", NULL },
    { 'k', "-07:00:00", NULL },
    { 'D', "1/2/2006", "01/02/2006" },
    { 'x', "1/2/2006", "01/02/2006" },
    { 'F', "2006-1-2", "2006-01-02" },
    { 'T', "15:4:5", "15:04:05" },
    { 'X', "15:4:5", "15:04:05" },
    { 'r', "3:4:5 pm", "03:04:05 pm" },
    { 'R', "15:4", "15:04" },
    { 'n', "\n", NULL },
    { 't', "\t", NULL },
    { '%', "%", NULL },
    { 'c', "Mon Jan 2 15:4:5 2006", "Mon Jan 02 15:04:05 2006" },
};

static const struct directive *find_directive(char letter)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(directives); i++) {
        if (directives[i].letter == letter) {
            return &directives[i];
        }
    }
    return NULL;
}

/* Its numbers may have spaces before them when they are read. */
static void write_directive(const struct directive *directive, bool is_written, struct weft_buffer *text,
                            struct weft_buffer *marks)
{
    if (is_written) {
        const char *written = directive->written == NULL ? directive->text : directive->written;
        for (; *written != '\0'; written++) {
            weft_buffer_append_byte(text, (uint8_t)*written);
            weft_buffer_append_byte(marks, MARK_NONE);
        }
        return;
    }
    bool is_date = directive->letter == 'D' || directive->letter == 'x';
    for (const char *at = directive->text; *at != '\0'; at++) {
        bool is_first = at == directive->text || !is_digit(at[-1]);
        enum mark mark = directive->letter == 'z' && *at == 'Z'                 ? MARK_ANY_OFFSET
                         : is_date && is_first && strcmp(at, "2006") == 0       ? MARK_ANY_YEAR
                         : is_first && is_digit(*at) && *directive->text != '-' ? MARK_SPACE
                                                                                : MARK_NONE;
        weft_buffer_append_byte(text, (uint8_t)*at);
        weft_buffer_append_byte(marks, (uint8_t)mark);
    }
}

static enum weft_status write_go(const char *text, bool is_written, struct weft_buffer *out_text,
                                 struct weft_buffer *out_marks, struct weft_error *error)
{
    for (const char *at = text; *at != '\0'; at++) {
        const struct directive *directive = at[0] == '%' && at[1] != '\0' ? find_directive(at[1]) : NULL;
        if (is_digit(*at)) {
            return weft_fail(error, WEFT_INVALID, "a strptime layout has no digits");
        }
        if (directive != NULL) {
            if (strchr("Lfs", at[1]) != NULL && at > text && strchr(".,", at[-1]) == NULL) {
                return refuse_fraction(error);
            }
            write_directive(directive, is_written, out_text, out_marks);
            at++;
        } else if (at[0] == '%' && at[1] != '\0') {
            return weft_fail(error, WEFT_INVALID, "strptime has no %%%.*s here", at[1] > ' ' && at[1] < 127, at + 1);
        } else {
            weft_buffer_append_byte(out_text, (uint8_t)*at);
            weft_buffer_append_byte(out_marks, MARK_NONE);
        }
    }
    weft_buffer_append_byte(out_text, 0);
    return WEFT_OK;
}

static enum weft_status compile_directives(const char *text, bool is_written, struct weft_entry_memory *memory,
                                           struct weft_time_layout *out_layout, struct weft_error *error)
{
    struct weft_buffer go;
    struct weft_buffer marks;
    weft_buffer_init(&go, 0);
    weft_buffer_init(&marks, 0);
    enum weft_status status = check_length(text, error);
    status = status == WEFT_OK ? write_go(text, is_written, &go, &marks, error) : status;
    if (status == WEFT_OK && (weft_buffer_status(&go) != WEFT_OK || weft_buffer_status(&marks) != WEFT_OK)) {
        status = weft_fail(error, WEFT_NOMEM, "no memory for a layout");
    }
    if (status == WEFT_OK) {
        status = compile((const char *)weft_buffer_slice(&go).bytes, weft_buffer_slice(&marks).bytes, memory,
                         out_layout, error);
    }
    weft_buffer_fini(&go);
    weft_buffer_fini(&marks);
    return status;
}

enum weft_status weft_time_layout_compile_strptime(const char *text, struct weft_entry_memory *memory,
                                                   struct weft_time_layout *out_layout, struct weft_error *error)
{
    return compile_directives(text, false, memory, out_layout, error);
}

enum weft_status weft_time_layout_compile_strftime(const char *text, struct weft_entry_memory *memory,
                                                   struct weft_time_layout *out_layout, struct weft_error *error)
{
    return compile_directives(text, true, memory, out_layout, error);
}
