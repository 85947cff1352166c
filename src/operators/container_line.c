/* Reading lines of CRI (container_line.h). */
#include "operators/container_line.h"

#include "wire/time.h"

enum { SHORTEST_TIME = sizeof "2006-01-02T15:04:05Z" - 1 };

bool weft_container_line_is_docker(struct weft_slice line)
{
    return line.length > 0 && line.bytes[0] == '{';
}

bool weft_container_time_read(struct weft_slice text, uint64_t *out_ns)
{
    bool is_assumed;
    bool is_date = text.length >= SHORTEST_TIME && text.bytes[4] == '-' && text.bytes[10] == 'T';
    return is_date && weft_time_of_text(text, 0, out_ns, &is_assumed) == WEFT_TIME_PROBLEM_OK && !is_assumed;
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

static bool is_of_format(struct weft_slice time, enum weft_container_format format)
{
    bool is_utc = time.length > 0 && time.bytes[time.length - 1] == 'Z';
    return format == WEFT_CONTAINER_ANY || (format == WEFT_CONTAINER_CONTAINERD) == is_utc;
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
    if (!is_of_format(read.time, format)) {
        return format == WEFT_CONTAINER_CONTAINERD ? "its time does not end with Z, as containerd's do"
                                                   : "its time ends with Z, which cri-o's do not";
    }
    if (!weft_container_time_read(read.time, &read.time_ns)) {
        return "its time is none";
    }
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
