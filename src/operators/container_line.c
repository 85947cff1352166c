/* Reading lines of CRI (container_line.h). */
#include "operators/container_line.h"

#include "wire/time.h"

bool weft_container_line_is_docker(struct weft_slice line)
{
    return line.length > 0 && line.bytes[0] == '{';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The text begins as the shape does, in which 0 stands for any digit. */
static bool has_shape(struct weft_slice text, const char *shape)
{
    bool is_like = text.length >= strlen(shape);
    for (size_t i = 0; is_like && shape[i] != '\0'; i++) {
        is_like = shape[i] == '0' ? is_digit(text.bytes[i]) : text.bytes[i] == (uint8_t)shape[i];
    }
    return is_like;
}

static struct weft_slice rest_of(struct weft_slice text, size_t length)
{
    return weft_slice_of(text.bytes + length, text.length - length);
}

/* Layouts of Go: 2006-01-02T15:04:05.999Z, and with Z07:00 at the end. No leap seconds. */
bool weft_container_time_read(struct weft_slice text, bool is_utc, uint64_t *out_ns)
{
    bool is_assumed;
    uint64_t ns = 0;
    if (!has_shape(text, "0000-00-00T00:00:00") || text.bytes[17] == '6') {
        return false;
    }
    struct weft_slice rest = rest_of(text, strlen("0000-00-00T00:00:00"));
    if (has_shape(rest, ".0") || has_shape(rest, ",0")) {
        size_t length = 1;
        while (length < rest.length && is_digit(rest.bytes[length])) {
            length++;
        }
        rest = rest_of(rest, length);
    }
    bool has_offset = rest.length == 6 && (has_shape(rest, "+00:00") || has_shape(rest, "-00:00"));
    if (!weft_slice_equal_text(rest, "Z") && (is_utc || !has_offset)) {
        return false;
    }
    enum weft_time_problem problem = weft_time_of_text(text, 0, &ns, &is_assumed);
    bool is_time = problem == WEFT_TIME_PROBLEM_OK || problem == WEFT_TIME_PROBLEM_EMPTY; /* 1970 began */
    *out_ns = is_time ? ns : *out_ns;
    return is_time;
}

/* Up to the next space, which goes with it; all that is left if there is none. */
static struct weft_slice take_word(struct weft_slice *line, bool *out_has_space)
{
    const uint8_t *space = line->length == 0 ? NULL : memchr(line->bytes, ' ', line->length);
    struct weft_slice word = *line;
    *out_has_space = space != NULL;
    if (space != NULL) {
        word.length = (size_t)(space - line->bytes);
        *line = weft_slice_of(space + 1, line->length - word.length - 1);
    } else {
        *line = WEFT_SLICE_EMPTY;
    }
    return word;
}

/* Z stands at the end only, and then it is containerd's. */
static enum weft_container_format format_of(struct weft_slice time)
{
    const uint8_t *end = time.length == 0 ? NULL : memchr(time.bytes, 'Z', time.length);
    if (end == NULL) {
        return time.length == 0 ? WEFT_CONTAINER_ANY : WEFT_CONTAINER_CRIO;
    }
    bool is_last = end > time.bytes && end + 1 == time.bytes + time.length;
    return is_last && memchr(time.bytes, '^', time.length) == NULL ? WEFT_CONTAINER_CONTAINERD : WEFT_CONTAINER_ANY;
}

const char *weft_container_line_read(struct weft_slice line, enum weft_container_format format,
                                     struct weft_container_line *out_line)
{
    bool has_space, has_more;
    struct weft_container_line read = { .time = take_word(&line, &has_space) };
    read.stream = take_word(&line, &has_more);
    if (!has_space || !has_more ||
        !(weft_slice_equal_text(read.stream, "stdout") || weft_slice_equal_text(read.stream, "stderr"))) {
        return "no line of a container: time, stdout or stderr, tags and text are expected, or JSON of docker";
    }
    enum weft_container_format found = format_of(read.time);
    if (found == WEFT_CONTAINER_ANY) {
        return "its time is none";
    }
    if (format != WEFT_CONTAINER_ANY && format != found) {
        return format == WEFT_CONTAINER_CONTAINERD ? "its time does not end with Z, as containerd's do"
                                                   : "its time ends with Z, which cri-o's do not";
    }
    read.is_utc = found == WEFT_CONTAINER_CONTAINERD;
    read.tags = take_word(&line, &has_space);
    read.text = line;
    *out_line = read;
    return NULL;
}

bool weft_container_line_is_full(const struct weft_container_line *line)
{
    return line->tags.length > 0 && line->tags.bytes[0] == 'F' &&
           (line->tags.length == 1 || line->tags.bytes[1] == ':');
}
