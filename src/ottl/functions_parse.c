/* Converters that read what a text holds. */
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/text_json.h"
#include "ottl/text_rows.h"

#include "base/utf8.h"

static enum weft_status fail_from(struct weft_ottl_run *run, const struct weft_ottl_call *call, enum weft_status status)
{
    return status == WEFT_INVALID ? weft_fail_prefix(&run->error, "%s", call->function->name) : status;
}

static enum weft_status parse_json(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    return fail_from(run, call, weft_ottl_read_json(run, call->arguments[0].bytes, out_value));
}

/* ---- pairs ---- */

static enum weft_status make_pairs(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                   struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice delimiter = weft_ottl_text_or(call, 1, "=");
    struct weft_slice pair_delimiter = weft_ottl_text_or(call, 2, " ");
    if (delimiter.length == 0 || pair_delimiter.length == 0) {
        return weft_fail(error, WEFT_INVALID, "%s: a delimiter is empty", call->function->name);
    }
    return weft_slice_equal(delimiter, pair_delimiter)
               ? weft_fail(error, WEFT_INVALID, "%s: both delimiters are the same", call->function->name)
               : WEFT_OK;
}

static enum weft_status parse_key_value(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                        struct weft_ottl_value *out_value)
{
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    if (call->arguments[0].bytes.length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "ParseKeyValue: the text is empty");
    }
    *out_value = weft_ottl_open_map(map);
    return fail_from(run, call,
                     weft_ottl_read_pairs(call->arguments[0].bytes, weft_ottl_text_or(call, 1, "="),
                                          weft_ottl_text_or(call, 2, " "), &run->memory, map, &run->error));
}

/* ---- CSV ---- */

enum csv_mode { CSV_STRICT, CSV_LAZY, CSV_NO_QUOTES };

static bool csv_mode_of(struct weft_slice name, enum csv_mode *out_mode)
{
    static const char *const names[] = {
        [CSV_STRICT] = "strict", [CSV_LAZY] = "lazyQuotes", [CSV_NO_QUOTES] = "ignoreQuotes"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if (weft_slice_equal_text(name, names[i])) {
            *out_mode = (enum csv_mode)i;
            return true;
        }
    }
    return false;
}

static bool is_one_character(struct weft_slice text)
{
    size_t length = 0;
    return text.length > 0 && (weft_utf8_decode(text, &length), length == text.length);
}

enum { CSV_HEADER = 1, CSV_DELIMITER, CSV_HEADER_DELIMITER, CSV_MODE };

static enum weft_status make_csv(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                 struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    enum csv_mode mode;
    struct weft_slice name = weft_ottl_text_or(call, CSV_MODE, "strict");
    if (!is_one_character(weft_ottl_text_or(call, CSV_DELIMITER, ",")) ||
        !is_one_character(weft_ottl_text_or(call, CSV_HEADER_DELIMITER, ","))) {
        return weft_fail(error, WEFT_INVALID, "ParseCSV: a delimiter is one character");
    }
    return csv_mode_of(name, &mode)
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "ParseCSV: \"%.*s\" is no mode; use strict, lazyQuotes or ignoreQuotes",
                           WEFT_SLICE_PRINT(name));
}

static enum weft_status read_row(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_list *fields)
{
    enum csv_mode mode = CSV_STRICT;
    size_t length;
    struct weft_slice row = call->arguments[0].bytes;
    struct weft_slice delimiter = weft_ottl_text_or(call, CSV_DELIMITER, ",");
    (void)csv_mode_of(weft_ottl_text_or(call, CSV_MODE, "strict"), &mode);
    if (mode == CSV_NO_QUOTES) {
        return weft_ottl_split(row, delimiter, &run->memory, fields);
    }
    return weft_ottl_read_csv(row, weft_utf8_decode(delimiter, &length),
                              mode == CSV_LAZY ? WEFT_OTTL_QUOTES_LAZY : WEFT_OTTL_QUOTES_STRICT, &run->memory, fields,
                              &run->error);
}

static enum weft_status parse_csv(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    struct weft_ottl_list headers = { 0 };
    struct weft_ottl_list fields = { 0 };
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    struct weft_slice delimiter = weft_ottl_text_or(call, CSV_DELIMITER, ",");
    if (weft_ottl_is_given(call, CSV_HEADER_DELIMITER)) {
        delimiter = call->arguments[CSV_HEADER_DELIMITER].bytes;
    }
    if (call->arguments[CSV_HEADER].bytes.length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "ParseCSV: the header is empty");
    }
    enum weft_status status =
        map == NULL ? WEFT_NOMEM
                    : weft_ottl_split(call->arguments[CSV_HEADER].bytes, delimiter, &run->memory, &headers);
    if (status == WEFT_OK) {
        status = read_row(run, call, &fields);
    }
    if (status == WEFT_OK && headers.count != fields.count) {
        return weft_fail(&run->error, WEFT_INVALID, "ParseCSV: the row has %zu values and the header %zu names",
                         fields.count, headers.count);
    }
    for (size_t i = 0; status == WEFT_OK && i < headers.count; i++) {
        status = weft_ottl_map_append(&run->memory, map, headers.items[i].bytes, fields.items[i]);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_map_settle(&run->memory, map, 0, WEFT_OTTL_UPSERT);
    }
    *out_value = weft_ottl_open_map(map);
    return fail_from(run, call, status);
}

/* ---- patterns ---- */

static bool has_named_group(const struct weft_pattern *pattern)
{
    for (size_t i = 1; i <= weft_pattern_group_count(pattern); i++) {
        if (weft_pattern_group_name(pattern, i) != NULL) {
            return true;
        }
    }
    return false;
}

static enum weft_status make_extract(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                     struct weft_error *error)
{
    (void)maker;
    return weft_ottl_pattern_make(call, 1, true, out_state, error);
}

static enum weft_status add_groups(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                   const struct weft_pattern_search *search, struct weft_ottl_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 1; status == WEFT_OK && i <= weft_pattern_group_count(pattern); i++) {
        const char *name = weft_pattern_group_name(pattern, i);
        struct weft_slice text = WEFT_SLICE_EMPTY;
        if (name == NULL) {
            continue;
        }
        if (!weft_pattern_search_group(search, i, &text)) {
            text = WEFT_SLICE_EMPTY;
        }
        size_t length = strlen(name); /* the pattern may be freed before the value is used */
        uint8_t *key = weft_ottl_run_take(run, length + 1);
        if (key == NULL) {
            return WEFT_NOMEM;
        }
        memcpy(key, name, length);
        status = weft_ottl_map_set(&run->memory, map, weft_slice_of(key, length), weft_ottl_string(text));
    }
    return status;
}

static enum weft_status extract_patterns(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                         struct weft_ottl_value *out_value)
{
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    struct weft_pattern_search search;
    size_t start, end;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    enum weft_status status =
        map == NULL ? WEFT_NOMEM : weft_ottl_pattern_use(run, call, 1, true, &own_pattern, &pattern);
    if (status != WEFT_OK) {
        return status;
    }
    *out_value = weft_ottl_open_map(map);
    if (!has_named_group(pattern)) {
        status = weft_fail(&run->error, WEFT_INVALID, "ExtractPatterns: the pattern has no group with a name");
    } else {
        weft_pattern_search_start(pattern, run->pattern, call->arguments[0].bytes, &search);
        enum weft_pattern_outcome outcome = weft_pattern_search_next(&search, &start, &end);
        if (outcome == WEFT_PATTERN_LIMIT) {
            run->limits_met++;
            status = weft_fail(&run->error, WEFT_INVALID, "ExtractPatterns: the pattern met its limit");
        } else if (outcome == WEFT_PATTERN_MATCH) {
            status = add_groups(run, pattern, &search, map);
        }
    }
    weft_pattern_free(&own_pattern);
    return status;
}

/* ---- severities ---- */

/* What a literal map says of one severity: texts that mean it, or a range of numbers. WEFT_OK with *out_is_match. */
static bool range_of(const struct weft_ottl_value *range, int64_t *out_least, int64_t *out_most)
{
    static const char *const classes[] = { "2xx", "3xx", "4xx", "5xx" };
    struct weft_ottl_value least, most;
    for (size_t i = 0; range->kind == WEFT_OTTL_STRING && i < WEFT_COUNT_OF(classes); i++) {
        if (weft_slice_equal_text(range->bytes, classes[i])) {
            *out_least = (int64_t)(i + 2) * 100;
            *out_most = *out_least + 99;
            return true;
        }
    }
    if (range->kind != WEFT_OTTL_MAP || !weft_ottl_map_find(range, WEFT_SLICE_LITERAL("min"), &least) ||
        !weft_ottl_map_find(range, WEFT_SLICE_LITERAL("max"), &most) || least.kind != WEFT_OTTL_INT ||
        most.kind != WEFT_OTTL_INT) {
        return false;
    }
    *out_least = least.integer;
    *out_most = most.integer;
    return true;
}

/* False: a criterion is malformed. */
static bool matches_text(const struct weft_ottl_value *texts, const struct weft_ottl_value *target, bool *in_out_match)
{
    struct weft_ottl_each each = weft_ottl_each_of(texts);
    struct weft_ottl_member item;
    while (weft_ottl_each_next(&each, &item)) {
        if (item.value.kind != WEFT_OTTL_STRING) {
            return false;
        }
        *in_out_match |= target->kind == WEFT_OTTL_STRING && weft_slice_equal(item.value.bytes, target->bytes);
    }
    return true;
}

static bool matches_criterion(const struct weft_ottl_value *criterion, const struct weft_ottl_value *target,
                              bool *in_out_match)
{
    struct weft_ottl_value part;
    int64_t least = 0, most = 0;
    if (criterion->kind != WEFT_OTTL_MAP) {
        return false;
    }
    if (weft_ottl_map_find(criterion, WEFT_SLICE_LITERAL("equals"), &part) &&
        (part.kind != WEFT_OTTL_LIST || !matches_text(&part, target, in_out_match))) {
        return false;
    }
    if (weft_ottl_map_find(criterion, WEFT_SLICE_LITERAL("range"), &part)) {
        if (!range_of(&part, &least, &most)) {
            return false;
        }
        *in_out_match |= target->kind == WEFT_OTTL_INT && target->integer >= least && target->integer <= most;
    }
    return true;
}

static bool matches_level(const struct weft_ottl_value *criteria, const struct weft_ottl_value *target,
                          bool *out_is_match)
{
    struct weft_ottl_each each = weft_ottl_each_of(criteria);
    struct weft_ottl_member criterion;
    *out_is_match = false;
    while (weft_ottl_each_next(&each, &criterion)) {
        if (!matches_criterion(&criterion.value, target, out_is_match)) {
            return false;
        }
    }
    return true;
}

static enum weft_status parse_severity(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                       struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    struct weft_ottl_each each = weft_ottl_each_of(&call->arguments[1]);
    struct weft_ottl_member level;
    bool is_found = false;
    if (target->kind != WEFT_OTTL_STRING && target->kind != WEFT_OTTL_INT) {
        return weft_fail(&run->error, WEFT_INVALID, "ParseSeverity: expected a string or an int but got %s",
                         weft_ottl_kind_text(target->kind));
    }
    while (weft_ottl_each_next(&each, &level)) {
        bool is_match = false;
        if (level.value.kind != WEFT_OTTL_LIST || !matches_level(&level.value, target, &is_match)) {
            return weft_fail(&run->error, WEFT_INVALID,
                             "ParseSeverity: \"%.*s\" is mapped to no list of {equals} and {range}",
                             WEFT_SLICE_PRINT(level.key));
        }
        if (is_match && !is_found) {
            *out_value = weft_ottl_string(level.key);
            is_found = true;
        }
    }
    return is_found ? WEFT_OK : weft_fail(&run->error, WEFT_INVALID, "ParseSeverity: no severity matches");
}

const struct weft_ottl_function weft_ottl_functions_parse[] = {
    { .name = "ExtractPatterns",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "pattern", WEFT_OTTL_TAKES_STRING } },
      .make = make_extract,
      .free_state = weft_ottl_pattern_free,
      .call = extract_patterns },
    { .name = "ParseCSV",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "header", WEFT_OTTL_TAKES_STRING },
                      { "delimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "headerDelimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "mode", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_csv,
      .call = parse_csv },
    { .name = "ParseJSON", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = parse_json },
    { .name = "ParseKeyValue",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "delimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "pairDelimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_pairs,
      .call = parse_key_value },
    { .name = "ParseSeverity",
      .parameters = { { "target", WEFT_OTTL_TAKES_ANY }, { "mapping", WEFT_OTTL_TAKES_MAP } },
      .call = parse_severity },
    { .name = NULL },
};
