/* The receiver `file_log` (formerly `filelog`): lines of files that grow. What files are and how they are followed is
 * src/tail's; what becomes of lines is log_files.h's. Lives on worker 0. */
#include "receivers/inlet_receiver.h"
#include "receivers/log_files.h"
#include "tail/glob.h"

enum { START_AT_END, START_AT_BEGINNING };

struct file_log_config {
    struct weft_config_strings include, exclude;
    struct weft_choice start_at, encoding, max_log_size_behavior;
    struct weft_duration poll_interval, force_flush_period;
    bool include_file_name, include_file_path;
    struct weft_byte_size max_log_size;
    uint64_t max_concurrent_files;
    struct weft_config_map attributes, resource;
    struct weft_config_any operators;
    struct weft_inlet_config inlet;
};

static const char *const start_at_words[] = { "end", "beginning", NULL };
static const char *const encoding_words[] = { "utf-8", "utf8", NULL };
static const char *const behavior_words[] = { "split", NULL };

#define CONFIG struct file_log_config

static const struct weft_field retry_fields[] = {
    WEFT_FIELD_NO_EFFECT("enabled", "bool", "Whether to offer again."),
    WEFT_FIELD_NO_EFFECT("initial_interval", "duration", "Pause before the first repetition."),
    WEFT_FIELD_NO_EFFECT("max_interval", "duration", "Longest pause."),
    WEFT_FIELD_NO_EFFECT("max_elapsed_time", "duration", "When to give up."),
    WEFT_FIELDS_END,
};

static const struct weft_field file_log_fields[] = {
    WEFT_FIELD(CONFIG, include, NULL, "Patterns of paths: *, ?, [a-z], and ** for any directories.",
               .is_required = true),
    WEFT_FIELD(CONFIG, exclude, NULL, "Patterns of paths that are not read."),
    WEFT_FIELD_CHOICE(CONFIG, start_at, start_at_words, "end",
                      "Where files are read from that are there at first; later ones from their beginning."),
    WEFT_FIELD(CONFIG, poll_interval, "200ms", "How often files are looked at.", .minimum = 0.001, .maximum = 3600),
    WEFT_FIELD(CONFIG, force_flush_period, "500ms",
               "A last line without its end is taken when it has not grown for so long; 0 = never."),
    WEFT_FIELD(CONFIG, include_file_name, "true", "The file's name as log.file.name."),
    WEFT_FIELD(CONFIG, include_file_path, "false", "Its path as log.file.path."),
    WEFT_FIELD(CONFIG, max_log_size, "1MiB", "Bytes of a line; a longer one comes in pieces.", .minimum = 1,
               .maximum = 64 << 20),
    WEFT_FIELD_CHOICE(CONFIG, max_log_size_behavior, behavior_words, "split", "What becomes of a longer line."),
    WEFT_FIELD(CONFIG, max_concurrent_files, "1024", "Files open at once; those that are quiet are closed for others.",
               .minimum = 2, .maximum = 1 << 20),
    WEFT_FIELD_CHOICE(CONFIG, encoding, encoding_words, "utf-8", "Bytes that are no UTF-8 become U+FFFD."),
    WEFT_FIELD(CONFIG, attributes, NULL, "Attributes of every record."),
    WEFT_FIELD(CONFIG, resource, NULL, "Attributes of the resource of every record."),
    WEFT_FIELD(CONFIG, operators, NULL,
               "What becomes of a line, step by step; without, it is the body. Types: docs/file_log.md."),
    WEFT_FIELD_NO_EFFECT("fingerprint_size", "size", "A file is known by its inode and its last bytes read.",
                         .minimum = 16),
    WEFT_FIELD_NO_EFFECT("initial_buffer_size", "size", "Blocks of 64 KiB."),
    WEFT_FIELD_NO_EFFECT("max_batches", "uint", "All files are looked at in each turn."),
    WEFT_FIELD_NO_EFFECT("retry_on_failure", "map", "What is refused for now is always offered again.",
                         .fields = retry_fields),
    WEFT_FIELD_UNSUPPORTED("multiline", "Entries of several lines."),
    WEFT_FIELD_UNSUPPORTED("storage", "Positions that outlive the process."),
    WEFT_FIELD_UNSUPPORTED("compression", "Compressed files."),
    WEFT_FIELD_UNSUPPORTED("header", "What stands before the first line."),
    WEFT_FIELD_UNSUPPORTED("ordering_criteria", "Which of many files."),
    WEFT_FIELD_UNSUPPORTED("exclude_older_than", "Files that nobody has written to for so long."),
    WEFT_FIELD_UNSUPPORTED("delete_after_read", "Deletes what was read."),
    WEFT_FIELD_UNSUPPORTED("include_file_name_resolved", "The name of the file that a link leads to."),
    WEFT_FIELD_UNSUPPORTED("include_file_path_resolved", "The path of the file that a link leads to."),
    WEFT_FIELD_UNSUPPORTED("include_file_owner_name", "The user whom the file belongs to."),
    WEFT_FIELD_UNSUPPORTED("include_file_owner_group_name", "The group that the file belongs to."),
    WEFT_FIELD_UNSUPPORTED("include_file_record_number", "The number of the line."),
    WEFT_FIELD_UNSUPPORTED("include_file_record_offset", "Where the line begins."),
    WEFT_FIELD_UNSUPPORTED("include_file_permissions", "The file's mode."),
    WEFT_FIELD_UNSUPPORTED("polls_to_archive", "How long positions of files are remembered that are gone."),
    WEFT_FIELD_UNSUPPORTED("file_cache_advise", "What the system is told about its cache."),
    WEFT_FIELD_UNSUPPORTED("on_truncate", "What becomes of a file that got shorter."),
    WEFT_FIELD_UNSUPPORTED("acquire_fs_lock", "Locks a file while it is read."),
    WEFT_FIELD_UNSUPPORTED("preserve_leading_whitespaces", "Keeps them."),
    WEFT_FIELD_UNSUPPORTED("preserve_trailing_whitespaces", "Keeps them."),
    WEFT_FIELD_INLINE(CONFIG, inlet, weft_inlet_fields),
    WEFT_FIELDS_END,
};

static enum weft_status check_patterns(const struct weft_config_strings *patterns, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < patterns->count; i++) {
        status = weft_glob_check(patterns->items[i], error);
    }
    return status;
}

/* `log_profile` alone is what the reader of lines does anyway, and nothing is a text. */
static bool needs_chain(const struct weft_node *list)
{
    const struct weft_node *first = weft_node_count(list) == 1 ? weft_node_at(list, 0) : NULL;
    const struct weft_node *type = weft_node_find(first, "type");
    bool is_profile = first != NULL && weft_node_find(first, "if") == NULL &&
                      weft_node_kind(type) == WEFT_NODE_STRING && strcmp(weft_node_text(type), "log_profile") == 0;
    return weft_node_count(list) > 0 && !is_profile;
}

/* list may be NULL, as may notes. */
static enum weft_status check_operators(const struct weft_node *list, struct weft_config_notes *notes,
                                        struct weft_error *error)
{
    struct weft_operators *operators = NULL;
    enum weft_status status = weft_operators_compile(list, notes, &operators, error);
    weft_operators_free(operators);
    return status;
}

static bool needs_path(const struct weft_node *operator_node)
{
    const struct weft_node *type = weft_node_find(operator_node, "type");
    const struct weft_node *wanted = weft_node_find(operator_node, "add_metadata_from_filepath");
    bool is_unwanted = wanted != NULL && weft_node_kind(wanted) == WEFT_NODE_BOOL && !weft_node_bool(wanted);
    return type != NULL && weft_node_kind(type) == WEFT_NODE_STRING && strcmp(weft_node_text(type), "container") == 0 &&
           !is_unwanted;
}

/* The Collector starts so, and then says for each line that there is no path. */
static enum weft_status advise_paths(const struct file_log_config *config, struct weft_config_notes *notes)
{
    const struct weft_node *list = config->operators.node;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && !config->include_file_path && i < weft_node_count(list); i++) {
        if (needs_path(weft_node_at(list, i))) {
            struct weft_position at = weft_node_position(weft_node_at(list, i));
            status = weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                           "%s:%u: container fails for each line without include_file_path: true, or "
                                           "its own add_metadata_from_filepath: false",
                                           at.file, at.line);
        }
    }
    return status;
}

/* Of operators there may be many. config is of no use: its own keys may be wrong. */
static enum weft_status tell_errors(const void *config, const struct weft_node *node, struct weft_config_notes *notes)
{
    (void)config;
    const struct weft_node *list = weft_node_kind(node) == WEFT_NODE_MAP ? weft_node_find(node, "operators") : NULL;
    enum weft_status status = check_operators(list, notes, NULL);
    return status == WEFT_NOMEM ? status : WEFT_OK;
}

/* The Collector ignores keys that an operator does not know. */
static enum weft_status advise(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    (void)node;
    const struct file_log_config *config = untyped;
    enum weft_status status = check_operators(config->operators.node, notes, NULL);
    return status == WEFT_OK ? advise_paths(config, notes) : status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct file_log_config *config = untyped;
    if (config->include.count == 0) {
        return weft_fail(error, WEFT_INVALID, "include needs a pattern");
    }
    enum weft_status status = check_patterns(&config->include, error);
    status = status == WEFT_OK ? check_patterns(&config->exclude, error) : status;
    return status == WEFT_OK ? check_operators(config->operators.node, NULL, error) : status;
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    const struct file_log_config *config = setup->config;
    const struct weft_node *list = config->operators.node;
    struct weft_operators *operators = NULL;
    if (setup->host->worker_index == 0 && needs_chain(list)) {
        enum weft_status status = weft_operators_compile(list, NULL, &operators, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    struct weft_inlet_receiver *receiver = weft_inlet_receiver_new(setup, &config->inlet);
    if (setup->host->worker_index == 0) {
        const struct weft_log_files_settings settings = {
            .tail = { .name = setup->id,
                      .include = config->include.items,
                      .include_count = config->include.count,
                      .exclude = config->exclude.items,
                      .exclude_count = config->exclude.count,
                      .is_from_beginning = config->start_at.value == START_AT_BEGINNING,
                      .poll_interval_ns = config->poll_interval.ns,
                      .flush_after_ns = config->force_flush_period.ns,
                      .max_line_bytes = config->max_log_size.bytes,
                      .max_files = config->max_concurrent_files },
            .attributes = &config->attributes,
            .resource = &config->resource,
            .includes_name = config->include_file_name,
            .includes_path = config->include_file_path,
            .own_operators = operators,
            .is_text = weft_node_count(list) == 0,
        };
        struct weft_error cause;
        struct weft_otlp_inlet *inlet = weft_log_files_new(&receiver->ingest, &settings, &cause);
        if (inlet == NULL) {
            receiver->receiver.operations->free(&receiver->receiver);
            return weft_fail(error, cause.status, "%s: %s", setup->id, cause.text);
        }
        weft_inlet_receiver_add(receiver, inlet);
    }
    *out_receiver = &receiver->receiver;
    return WEFT_OK;
}

/* Where the kubelet and the container runtimes of a node write, wherever that is mounted. */
static const char *const node_folders[] = { "/var/log/pods/", "/var/log/containers/", "/var/lib/docker/containers/" };

static enum weft_reach reach(const void *untyped)
{
    const struct weft_config_strings *include = &((const struct file_log_config *)untyped)->include;
    for (size_t i = 0; i < include->count; i++) {
        for (size_t j = 0; j < WEFT_COUNT_OF(node_folders); j++) {
            if (strstr(include->items[i], node_folders[j]) != NULL) {
                return WEFT_REACH_NODE;
            }
        }
    }
    return WEFT_REACH_MACHINE;
}

static bool waits_for_delivery(const void *config)
{
    return weft_inlet_waits_for_delivery(&((const struct file_log_config *)config)->inlet);
}

static const char *const aliases[] = { "filelog", NULL };

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct file_log_config *config = untyped;
    bool is_from_beginning = config->start_at.value == START_AT_BEGINNING;
    weft_buffer_append_format(
        out,
        "holds where it is in each file, in memory, as long as it runs: after a restart files are "
        "read from their %s (start_at)",
        is_from_beginning ? "beginning, once more" : "end, and lines written meanwhile are not read");
    return is_from_beginning ? WEFT_HOLDS_UNANSWERED : WEFT_HOLDS_ONLY_COPY;
}

const struct weft_component weft_receiver_file_log = {
    .kind = WEFT_RECEIVER,
    .type = "file_log",
    .aliases = aliases,
    .signals = WEFT_SIGNAL_BIT_LOGS,
    .help = "Receives the lines of log files as they grow, across rotation and truncation.",
    .fields = file_log_fields,
    .config_size = sizeof(struct file_log_config),
    .validate = validate,
    .explain = explain,
    .tell_errors = tell_errors,
    .advise = advise,
    .waits_for_delivery = waits_for_delivery,
    .reach = reach,
    .create_receiver = create,
};
