/* Operator `container`: lines of container runtimes, docker's JSON and CRI's of containerd and cri-o. Gives the text,
 * its time and stream, and, from where Kubernetes puts the file, whose it is. A text that CRI has cut into pieces is
 * joined, for each file and stream. */
#include "base/log.h"
#include "operators/container_line.h"
#include "operators/container_parts.h"
#include "operators/json_text.h"
#include "operators/operator_kinds.h"
#include "operators/parser.h"

/* .../<namespace>_<pod>_<uid>/<container>/<restarts>.log, and what kubelet calls it once it is rotated. */
#define PATH_PATTERN \
    "^.*(?:/|\\\\)([^_]+)_([^_]+)_([a-f0-9-]+)(?:/|\\\\)([^._]+)(?:/|\\\\)(\\d+)\\.log(?:\\.\\d{8}-\\d{6})?$"

enum { PATH_GROUPS = 5 };

static const struct weft_slice group_keys[PATH_GROUPS] = {
    WEFT_SLICE_LITERAL("k8s.namespace.name"),
    WEFT_SLICE_LITERAL("k8s.pod.name"),
    WEFT_SLICE_LITERAL("k8s.pod.uid"),
    WEFT_SLICE_LITERAL("k8s.container.name"),
    WEFT_SLICE_LITERAL("k8s.container.restart_count"),
};

static const struct weft_slice path_key = WEFT_SLICE_LITERAL("log.file.path");
static const struct weft_slice stream_key = WEFT_SLICE_LITERAL("log.iostream");
static const struct weft_slice tag_key = WEFT_SLICE_LITERAL("logtag");

struct container {
    struct weft_parser parser;
    const char *format_word;
    enum weft_container_format format;
    bool add_metadata_from_filepath;
    uint64_t max_log_size;
    struct weft_pattern *path_pattern;
};

/* The path of the line before: files come in blocks. */
struct container_state {
    struct weft_container_parts parts;
    struct weft_buffer path;
    struct weft_slice groups[PATH_GROUPS]; /* in path */
    bool is_path_good;
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct container, add_metadata_from_filepath, BOOL),
    WEFT_OPERATOR_KEY(struct container, max_log_size, BYTES),
    { .key = "format", .kind = WEFT_OPERATOR_KEY_TEXT, .offset = offsetof(struct container, format_word) },
    { .key = NULL },
};

static void set_defaults(struct weft_operator *self)
{
    struct container *container = (struct container *)self;
    weft_parser_set_defaults(self);
    container->add_metadata_from_filepath = true;
    container->max_log_size = 1 << 20;
}

static enum weft_status read_format(struct container *container, struct weft_operator_reader *reader,
                                    const struct weft_node *node)
{
    static const char *const words[] = { [WEFT_CONTAINER_ANY] = "",
                                         [WEFT_CONTAINER_DOCKER] = "docker",
                                         [WEFT_CONTAINER_CRIO] = "crio",
                                         [WEFT_CONTAINER_CONTAINERD] = "containerd" };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (container->format_word == NULL || strcmp(container->format_word, words[i]) == 0) {
            container->format = (enum weft_container_format)i;
            return WEFT_OK;
        }
    }
    return weft_operator_fail_key(reader, node, "format", WEFT_INVALID, "wants docker, crio or containerd");
}

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    struct container *container = (struct container *)self;
    const struct weft_log_path *to = &container->parser.parse_to;
    enum weft_status status = weft_parser_compile(self, reader, node);
    if (status == WEFT_OK && (to->root != WEFT_LOG_ATTRIBUTES || to->count > 0)) {
        return weft_operator_fail_key(reader, node, "parse_to", WEFT_UNSUPPORTED, "only attributes are there yet");
    }
    status = status == WEFT_OK ? read_format(container, reader, node) : status;
    return status == WEFT_OK ? weft_operator_pattern_compile(reader, node, WEFT_SLICE_LITERAL(PATH_PATTERN), true,
                                                             &container->path_pattern)
                             : status;
}

/* ---- whose file ---- */

static bool match_path(const struct container *container, struct container_state *state,
                       struct weft_pattern_scratch *scratch)
{
    struct weft_pattern_search search;
    size_t start, end;
    weft_pattern_search_start(container->path_pattern, scratch, weft_buffer_slice(&state->path), &search);
    bool is_good = weft_pattern_search_next(&search, &start, &end) == WEFT_PATTERN_MATCH;
    for (size_t i = 0; is_good && i < PATH_GROUPS; i++) {
        is_good = weft_pattern_search_group(&search, i + 1, &state->groups[i]);
    }
    return is_good;
}

static enum weft_operator_verdict find_path(const struct container *container, struct container_state *state,
                                            struct weft_operator_run *run, const struct weft_log_entry *entry)
{
    const struct weft_log_value *path = weft_log_map_find(&entry->attributes, path_key);
    if (path == NULL || path->kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "there is no attribute log.file.path: the receiver needs include_file_path: "
                                       "true, or this operator add_metadata_from_filepath: false");
    }
    if (!weft_slice_equal(path->text, weft_buffer_slice(&state->path)) || state->path.length == 0) {
        weft_buffer_clear(&state->path);
        weft_buffer_append(&state->path, path->text.bytes, path->text.length);
        if (weft_buffer_status(&state->path) != WEFT_OK) {
            weft_buffer_clear(&state->path);
            return weft_operator_fail_memory(run);
        }
        state->is_path_good = match_path(container, state, run->pattern);
    }
    return state->is_path_good ? WEFT_OPERATOR_SEND
                               : weft_operator_fail(run, "log.file.path is not that of a pod: "
                                                         "<namespace>_<pod>_<uid>/<container>/<restarts>.log");
}

/* Copies: the state's may change before the entry is written. */
static bool put_metadata(const struct container_state *state, struct weft_log_entry *entry)
{
    size_t length = 0;
    for (size_t i = 0; i < PATH_GROUPS; i++) {
        length += state->groups[i].length;
    }
    uint8_t *to = weft_entry_memory_try_alloc(entry->memory, length);
    for (size_t i = 0; to != NULL && i < PATH_GROUPS; i++) {
        struct weft_slice group = state->groups[i];
        memcpy(to, group.bytes, group.length);
        if (weft_log_map_set(&entry->resource, entry->memory, group_keys[i],
                             weft_log_string(weft_slice_of(to, group.length))) != WEFT_OK) {
            return false;
        }
        to += group.length;
    }
    return to != NULL;
}

/* ---- lines ---- */

static bool set_attribute(struct weft_log_entry *entry, struct weft_slice key, struct weft_slice text)
{
    return weft_log_map_set(&entry->attributes, entry->memory, key, weft_log_string(text)) == WEFT_OK;
}

/* Of file and stream; without a path all files are one, as in the Collector. */
static uint64_t source_of(const struct weft_operator_run *run, const struct weft_log_entry *entry, uint8_t stream)
{
    const struct weft_log_value *path = weft_log_map_find(&entry->attributes, path_key);
    bool has_path = path != NULL && path->kind == WEFT_LOG_STRING;
    return weft_hash(&run->operators->secret, has_path ? path->text : WEFT_SLICE_EMPTY) + stream;
}

static void make_room(struct weft_operator_run *run, const struct weft_operator *self, struct container_state *state)
{
    if (weft_container_parts_are_full(&state->parts)) {
        weft_log(WARN, "operator.pieces_flushed", "too many lines are in pieces: what there is of them goes on",
                 WEFT_LOG_STRING("operator", self->id), WEFT_LOG_INT("lines", (int64_t)run->kept));
        weft_container_parts_flush(&state->parts, run, self, 0, true);
    }
}

/* The white space behind a line is no part of its text, unless the text goes on in another line. */
static const char *read_cri(const struct container *container, const struct weft_log_entry *entry,
                            struct weft_slice text, struct weft_container_line *out_line)
{
    bool is_line = text.length > 0 && text.bytes + text.length == entry->line_end;
    text.length += is_line ? entry->trimmed_behind : 0;
    const char *reason = weft_container_line_read(text, container->format, out_line);
    if (reason == NULL && is_line && entry->trimmed_behind > 0 && weft_container_line_is_full(out_line)) {
        out_line->text = weft_slice_trim_behind(out_line->text);
    }
    return reason;
}

static enum weft_operator_verdict fail_time(struct weft_operator_run *run)
{
    return weft_operator_fail(run, "its time is none");
}

/* What the Collector reads a line's parts into, and takes them from again: what was there under these names is gone. */
static void forget_parts(struct weft_log_entry *entry)
{
    static const struct weft_slice keys_of_parts[] = { WEFT_SLICE_LITERAL("time"), WEFT_SLICE_LITERAL("stream"),
                                                       WEFT_SLICE_LITERAL("log") };
    struct weft_log_value ignored;
    for (size_t i = 0; i < WEFT_COUNT_OF(keys_of_parts); i++) {
        (void)weft_log_map_remove(&entry->attributes, keys_of_parts[i], &ignored);
    }
}

static bool put_parts(struct weft_log_entry *entry, const struct weft_container_line *line)
{
    return set_attribute(entry, WEFT_SLICE_LITERAL("time"), line->time) &&
           set_attribute(entry, WEFT_SLICE_LITERAL("stream"), line->stream) &&
           set_attribute(entry, tag_key, line->tags) && set_attribute(entry, WEFT_SLICE_LITERAL("log"), line->text);
}

/* A line whose time is none keeps its parts as attributes. */
static enum weft_operator_verdict keep_parts(struct weft_operator_run *run, struct weft_log_entry *entry,
                                             const struct weft_container_line *line)
{
    return put_parts(entry, line) ? fail_time(run) : weft_operator_fail_memory(run);
}

/* The parser's blocks see the parts of the line. */
static enum weft_operator_verdict apply_blocks(const struct container *container, struct weft_operator_run *run,
                                               struct weft_log_entry *entry, const struct weft_container_line *line)
{
    return put_parts(entry, line) ? weft_parser_finish(&container->parser, run, entry) : weft_operator_fail_memory(run);
}

/* Whose it is, if that is wanted. */
static enum weft_operator_verdict add_metadata(const struct container *container, struct weft_operator_run *run,
                                               struct weft_log_entry *entry)
{
    struct container_state *state = weft_operator_state(run, &container->parser.base);
    if (!container->add_metadata_from_filepath) {
        return WEFT_OPERATOR_SEND;
    }
    enum weft_operator_verdict verdict = find_path(container, state, run, entry);
    return verdict == WEFT_OPERATOR_SEND && !put_metadata(state, entry) ? weft_operator_fail_memory(run) : verdict;
}

static enum weft_operator_verdict process_cri(const struct container *container, struct weft_operator_run *run,
                                              struct weft_log_entry *entry, struct weft_slice text)
{
    const struct weft_operator *self = &container->parser.base;
    struct container_state *state = weft_operator_state(run, self);
    struct weft_container_line line;
    const char *reason = read_cri(container, entry, text, &line);
    if (reason != NULL) {
        return weft_operator_fail(run, "%s", reason);
    }
    if (weft_parser_has_blocks(&container->parser)) {
        enum weft_operator_verdict verdict = apply_blocks(container, run, entry, &line);
        if (verdict != WEFT_OPERATOR_SEND) {
            return verdict;
        }
    }
    if (!weft_container_time_read(line.time, line.is_utc, &entry->time_ns)) {
        return keep_parts(run, entry, &line);
    }
    forget_parts(entry);
    if (!set_attribute(entry, stream_key, line.stream) || !set_attribute(entry, tag_key, line.tags)) {
        return weft_operator_fail_memory(run);
    }
    entry->body = weft_log_string(line.text);
    enum weft_operator_verdict verdict = add_metadata(container, run, entry);
    if (verdict != WEFT_OPERATOR_SEND) {
        return verdict;
    }
    make_room(run, self, state);
    enum weft_status status;
    bool is_whole =
        weft_container_parts_add(&state->parts, run, source_of(run, entry, line.stream.bytes[3]), entry, line.text,
                                 weft_container_line_is_full(&line), container->max_log_size, &status);
    return is_whole ? WEFT_OPERATOR_SEND : status == WEFT_OK ? WEFT_OPERATOR_DONE : weft_operator_fail_memory(run);
}

/* The object's members are attributes by now; those that are something else are taken from there, in the Collector's
 * order: what is missing leaves the others where they are. */
static enum weft_operator_verdict place_members(struct weft_operator_run *run, struct weft_log_entry *entry)
{
    static const struct weft_log_path body = { .is_given = true, .root = WEFT_LOG_BODY, .text = "body" };
    struct weft_log_path stream = { .is_given = true, .root = WEFT_LOG_ATTRIBUTES, .count = 1 };
    struct weft_slice stream_keys[] = { stream_key };
    struct weft_log_value value;
    const struct weft_log_value *time = weft_log_map_find(&entry->attributes, WEFT_SLICE_LITERAL("time"));
    if (time == NULL || time->kind != WEFT_LOG_STRING || !weft_container_time_read(time->text, true, &entry->time_ns)) {
        return fail_time(run);
    }
    (void)weft_log_map_remove(&entry->attributes, WEFT_SLICE_LITERAL("time"), &value);
    if (!weft_log_map_remove(&entry->attributes, WEFT_SLICE_LITERAL("log"), &value)) {
        return weft_operator_fail(run, "no line of docker: it has no log");
    }
    if (weft_log_path_set(&body, entry, value) != WEFT_OK) {
        return weft_operator_fail_memory(run);
    }
    if (!weft_log_map_remove(&entry->attributes, WEFT_SLICE_LITERAL("stream"), &value)) {
        return weft_operator_fail(run, "no line of docker: it has no stream");
    }
    stream.keys = stream_keys;
    return weft_log_path_set(&stream, entry, value) == WEFT_OK ? WEFT_OPERATOR_SEND : weft_operator_fail_memory(run);
}

static enum weft_operator_verdict process_docker(const struct container *container, struct weft_operator_run *run,
                                                 struct weft_log_entry *entry, struct weft_slice text)
{
    struct weft_log_json_options options = { .secret = &run->operators->secret };
    struct weft_log_json_fault fault;
    struct weft_log_value value;
    enum weft_status status = weft_log_json_read(text, &options, entry->memory, &value, &fault);
    status = status == WEFT_OK ? weft_log_map_merge(&entry->attributes, entry->memory, value.map) : status;
    if (status != WEFT_OK) {
        return status == WEFT_INVALID
                   ? weft_operator_fail(run, "no line of docker: byte %zu: %s", fault.offset, fault.reason)
                   : weft_operator_fail_memory(run);
    }
    enum weft_operator_verdict verdict = weft_parser_finish(&container->parser, run, entry);
    verdict = verdict == WEFT_OPERATOR_SEND ? place_members(run, entry) : verdict;
    return verdict == WEFT_OPERATOR_SEND ? add_metadata(container, run, entry) : verdict;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct container *container = (const struct container *)self;
    struct weft_log_value value;
    enum weft_operator_verdict verdict = weft_parser_get(&container->parser, run, entry, &value);
    if (verdict != WEFT_OPERATOR_SEND) {
        return verdict;
    }
    if (value.kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "%s is %s, which is no line of a container", container->parser.parse_from.text,
                                  weft_log_value_kind_text(value.kind));
    }
    bool is_docker = container->format == WEFT_CONTAINER_DOCKER ||
                     (container->format == WEFT_CONTAINER_ANY && weft_container_line_is_docker(value.text));
    return is_docker ? process_docker(container, run, entry, value.text)
                     : process_cri(container, run, entry, value.text);
}

static void flush(const struct weft_operator *self, struct weft_operator_run *run, int64_t now_ns, bool is_all)
{
    struct container_state *state = weft_operator_state(run, self);
    weft_container_parts_flush(&state->parts, run, self, now_ns, is_all);
}

static void close_state(void *untyped)
{
    struct container_state *state = untyped;
    weft_container_parts_fini(&state->parts);
    weft_buffer_fini(&state->path);
}

const struct weft_operator_kind weft_operator_container = {
    .type = "container",
    .size = sizeof(struct container),
    .keys = keys,
    .more_keys = weft_parser_keys,
    .set_defaults = set_defaults,
    .compile = compile,
    .process = process,
    .state_size = sizeof(struct container_state),
    .flush = flush,
    .close_state = close_state,
};
