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

/* Those that have become something else. */
static void forget_fields(struct weft_log_map *map)
{
    static const char *const keys_of_line[] = { "time", "stream", "log" };
    struct weft_log_value gone;
    for (size_t i = 0; i < WEFT_COUNT_OF(keys_of_line); i++) {
        weft_log_map_remove(map, weft_slice_of_text(keys_of_line[i]), &gone);
    }
}

/* The parser's blocks see the fields of the line, as in the Collector, before they become what they are for. */
static enum weft_operator_verdict apply_blocks(const struct container *container, struct weft_operator_run *run,
                                               struct weft_log_entry *entry, const struct weft_log_map *fields)
{
    if (!weft_parser_has_blocks(&container->parser)) {
        return WEFT_OPERATOR_SEND;
    }
    if (weft_log_map_merge(&entry->attributes, entry->memory, fields) != WEFT_OK) {
        return weft_operator_fail_memory(run);
    }
    enum weft_operator_verdict verdict = weft_parser_finish(&container->parser, run, entry);
    forget_fields(&entry->attributes);
    return verdict;
}

static enum weft_operator_verdict apply_blocks_to_cri(const struct container *container, struct weft_operator_run *run,
                                                      struct weft_log_entry *entry,
                                                      const struct weft_container_line *line)
{
    struct weft_log_member members[] = {
        { WEFT_SLICE_LITERAL("time"), weft_log_string(line->time) },
        { WEFT_SLICE_LITERAL("stream"), weft_log_string(line->stream) },
        { tag_key, weft_log_string(line->tags) },
        { WEFT_SLICE_LITERAL("log"), weft_log_string(line->text) },
    };
    struct weft_log_map fields = { members, WEFT_COUNT_OF(members), WEFT_COUNT_OF(members) };
    return apply_blocks(container, run, entry, &fields);
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
    if (container->add_metadata_from_filepath && find_path(container, state, run, entry) != WEFT_OPERATOR_SEND) {
        return WEFT_OPERATOR_FAILED;
    }
    if (apply_blocks_to_cri(container, run, entry, &line) != WEFT_OPERATOR_SEND) {
        return WEFT_OPERATOR_FAILED;
    }
    if (!set_attribute(entry, stream_key, line.stream) || !set_attribute(entry, tag_key, line.tags) ||
        (container->add_metadata_from_filepath && !put_metadata(state, entry))) {
        return weft_operator_fail_memory(run);
    }
    entry->time_ns = line.time_ns;
    make_room(run, self, state);
    enum weft_status status;
    bool is_whole =
        weft_container_parts_add(&state->parts, run, source_of(run, entry, line.stream.bytes[3]), entry, line.text,
                                 weft_container_line_is_full(&line), container->max_log_size, &status);
    return is_whole ? WEFT_OPERATOR_SEND : status == WEFT_OK ? WEFT_OPERATOR_DONE : weft_operator_fail_memory(run);
}

/* A text of the object; false: there is none. */
static bool find_text(const struct weft_log_map *map, const char *key, struct weft_slice *out_text)
{
    const struct weft_log_value *value = weft_log_map_find(map, weft_slice_of_text(key));
    if (value == NULL || value->kind != WEFT_LOG_STRING) {
        return false;
    }
    *out_text = value->text;
    return true;
}

static enum weft_operator_verdict process_docker(const struct container *container, struct weft_operator_run *run,
                                                 struct weft_log_entry *entry, struct weft_slice text)
{
    struct container_state *state = weft_operator_state(run, &container->parser.base);
    struct weft_log_json_options options = { .secret = &run->operators->secret };
    struct weft_log_json_fault fault;
    struct weft_log_value value;
    struct weft_slice log, stream, time;
    uint64_t time_ns;
    enum weft_status status = weft_log_json_read(text, &options, entry->memory, &value, &fault);
    if (status != WEFT_OK) {
        return status == WEFT_INVALID
                   ? weft_operator_fail(run, "no line of docker: byte %zu: %s", fault.offset, fault.reason)
                   : weft_operator_fail_memory(run);
    }
    if (!find_text(value.map, "log", &log) || !find_text(value.map, "stream", &stream) ||
        !find_text(value.map, "time", &time) || !weft_container_time_read(time, &time_ns)) {
        return weft_operator_fail(run, "no line of docker: log, stream and time are expected");
    }
    if (container->add_metadata_from_filepath && find_path(container, state, run, entry) != WEFT_OPERATOR_SEND) {
        return WEFT_OPERATOR_FAILED;
    }
    if (apply_blocks(container, run, entry, value.map) != WEFT_OPERATOR_SEND) {
        return WEFT_OPERATOR_FAILED;
    }
    entry->time_ns = time_ns;
    entry->body = weft_log_string(log);
    forget_fields(value.map);
    bool is_put = weft_log_map_merge(&entry->attributes, entry->memory, value.map) == WEFT_OK &&
                  set_attribute(entry, stream_key, stream) &&
                  (!container->add_metadata_from_filepath || put_metadata(state, entry));
    return is_put ? WEFT_OPERATOR_SEND : weft_operator_fail_memory(run);
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
