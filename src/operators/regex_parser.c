/* Operator `regex_parser`: what the named groups of a regular expression match, as a map. Groups that take no part are
 * empty texts; of a name that is there twice the last group counts, as in the Collector. */
#include "operators/operator_kinds.h"
#include "operators/parser.h"

struct regex_parser {
    struct weft_parser parser;
    const char *regex;
    const struct weft_pattern *pattern;
};

/* The Collector's cache has no effect but on speed. */
static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct regex_parser, regex, TEXT),
    { .key = "cache", .kind = WEFT_OPERATOR_KEY_NOTHING },
    { .key = NULL },
};

static bool has_names(const struct weft_pattern *pattern)
{
    bool has = false;
    for (size_t group = 1; group <= weft_pattern_group_count(pattern); group++) {
        has |= weft_pattern_group_name(pattern, group) != NULL;
    }
    return has;
}

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    struct regex_parser *parser = (struct regex_parser *)self;
    struct weft_pattern *pattern = NULL;
    enum weft_status status = weft_parser_compile(self, reader, node);
    if (status != WEFT_OK) {
        return status;
    }
    if (parser->regex == NULL || parser->regex[0] == '\0') {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a regex");
    }
    status = weft_operator_pattern_compile(reader, weft_node_find(node, "regex"), weft_slice_of_text(parser->regex),
                                           true, &pattern);
    if (status == WEFT_OK && !has_names(pattern)) {
        return weft_operator_fail_key(reader, node, "regex", WEFT_INVALID,
                                      "it needs a group with a name: (?P<key>...)");
    }
    parser->pattern = pattern;
    return status;
}

static enum weft_status read_groups(const struct weft_pattern *pattern, const struct weft_pattern_search *search,
                                    struct weft_entry_memory *memory, struct weft_log_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t group = 1; status == WEFT_OK && group <= weft_pattern_group_count(pattern); group++) {
        const char *name = weft_pattern_group_name(pattern, group);
        struct weft_slice text = WEFT_SLICE_EMPTY;
        if (name != NULL) {
            bool is_there = weft_pattern_search_group(search, group, &text);
            status = weft_log_map_set(map, memory, weft_slice_of_text(name),
                                      weft_log_string(is_there ? text : WEFT_SLICE_EMPTY));
        }
    }
    return status;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct regex_parser *parser = (const struct regex_parser *)self;
    struct weft_pattern_search search;
    struct weft_log_value value;
    size_t start;
    size_t end;
    enum weft_operator_verdict verdict = weft_parser_get(&parser->parser, run, entry, &value);
    if (verdict != WEFT_OPERATOR_SEND) {
        return verdict;
    }
    if (value.kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "%s is %s, which no regex matches", parser->parser.parse_from.text,
                                  weft_log_value_kind_text(value.kind));
    }
    weft_pattern_search_start(parser->pattern, run->pattern, value.text, &search);
    enum weft_pattern_outcome outcome = weft_pattern_search_next(&search, &start, &end);
    if (outcome != WEFT_PATTERN_MATCH) {
        return weft_operator_fail(
            run, outcome == WEFT_PATTERN_NO ? "%s does not match the regex" : "%s takes too long to match the regex",
            parser->parser.parse_from.text);
    }
    struct weft_log_map *map = weft_log_map_try_new(entry->memory);
    if (map == NULL || read_groups(parser->pattern, &search, entry->memory, map) != WEFT_OK) {
        return weft_operator_fail_memory(run);
    }
    return weft_parser_put(&parser->parser, run, entry, (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = map });
}

const struct weft_operator_kind weft_operator_regex_parser = {
    .type = "regex_parser",
    .size = sizeof(struct regex_parser),
    .keys = keys,
    .more_keys = weft_parser_keys,
    .set_defaults = weft_parser_set_defaults,
    .compile = compile,
    .process = process,
};
