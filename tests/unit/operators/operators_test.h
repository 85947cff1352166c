#pragma once

/* What the tests of this floor share: a chain from YAML, entries that go through it, and what comes out as one text. */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "config/load.h"
#include "operators/operators.h"
#include "suite.h"

enum { OPERATORS_TEST_TEXT = 8192, OPERATORS_TEST_OUT = 16 };

struct operators_test {
    struct weft_operators *operators;
    struct weft_operator_run *run;
    struct weft_entry_memory memory;
    struct weft_log_entry entry;                       /* the next one to go in */
    char out[OPERATORS_TEST_OUT][OPERATORS_TEST_TEXT]; /* entries that left, in order */
    size_t out_count;
    struct weft_log_entry last; /* the last that left; its memory is that of the test */
};

/* ---- values as text: strings in quotes, integers as they are, doubles with a point ---- */

struct operators_text {
    char *at, *end;
};

static inline void operators_put(struct operators_text *text, const char *format, ...) WEFT_PRINTF(2, 3);
static inline void operators_put(struct operators_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at, (size_t)(text->end - text->at), format, arguments);
    va_end(arguments);
    ck_assert(length >= 0 && length < text->end - text->at);
    text->at += length;
}

static inline void operators_put_map(struct operators_text *text, const struct weft_log_map *map);

static inline void operators_put_value(struct operators_text *text, const struct weft_log_value *value)
{
    switch (value->kind) {
    case WEFT_LOG_NIL:
        operators_put(text, "nil");
        break;
    case WEFT_LOG_BOOL:
        operators_put(text, value->boolean ? "true" : "false");
        break;
    case WEFT_LOG_INT:
        operators_put(text, "%" PRId64, value->integer);
        break;
    case WEFT_LOG_DOUBLE:
        operators_put(text, "%#.12g", value->real);
        while (text->at[-1] == '0' && text->at[-2] != '.') {
            *--text->at = '\0';
        }
        break;
    case WEFT_LOG_STRING:
        operators_put(text, "\"%.*s\"", WEFT_SLICE_PRINT(value->text));
        break;
    case WEFT_LOG_BYTES:
        operators_put(text, "bytes");
        break;
    case WEFT_LOG_LIST:
        operators_put(text, "[");
        for (size_t i = 0; i < value->list->count; i++) {
            operators_put(text, i == 0 ? "" : ",");
            operators_put_value(text, &value->list->items[i]);
        }
        operators_put(text, "]");
        break;
    case WEFT_LOG_MAP:
        operators_put_map(text, value->map);
        break;
    }
}

static inline void operators_put_map(struct operators_text *text, const struct weft_log_map *map)
{
    operators_put(text, "{");
    for (size_t i = 0; i < map->count; i++) {
        operators_put(text, "%s%.*s:", i == 0 ? "" : ",", WEFT_SLICE_PRINT(map->members[i].key));
        operators_put_value(text, &map->members[i].value);
    }
    operators_put(text, "}");
}

/* "body", then attributes and resource if they have members: `"text" a{k:"v"} r{k:1}` */
static inline void operators_put_entry(struct operators_text *text, const struct weft_log_entry *entry)
{
    operators_put_value(text, &entry->body);
    if (entry->attributes.count > 0) {
        operators_put(text, " a");
        operators_put_map(text, &entry->attributes);
    }
    if (entry->resource.count > 0) {
        operators_put(text, " r");
        operators_put_map(text, &entry->resource);
    }
}

/* ---- chains ---- */

static inline enum weft_status operators_test_load(const char *list, struct weft_config_notes *notes,
                                                   struct weft_operators **out_operators, struct weft_error *error)
{
    struct weft_tree *tree = NULL;
    char *text = weft_alloc_format("operators:\n%s\n", list);
    enum weft_status status = weft_config_load_text(text, "test.yaml", &tree, error);
    weft_free(text);
    if (status == WEFT_OK) {
        status = weft_operators_compile(weft_node_find(weft_tree_root(tree), "operators"), notes, out_operators, error);
    }
    weft_tree_free(&tree);
    return status;
}

/* "- {type: ...}" lines that stand in test.yaml from line 2 on. */
static inline void operators_test_refuse(const char *list, enum weft_status expected, const char *text)
{
    struct weft_operators *operators = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = operators_test_load(list, NULL, &operators, &error);
    ck_assert_msg(status == expected && strcmp(error.text, text) == 0, "%s: %s, \"%s\"", list, weft_status_name(status),
                  error.text);
    ck_assert_ptr_null(operators);
}

static inline void operators_test_emit(void *user, struct weft_log_entry *entry)
{
    struct operators_test *test = user;
    ck_assert_uint_lt(test->out_count, OPERATORS_TEST_OUT);
    char *start = test->out[test->out_count++];
    struct operators_text text = { start, start + OPERATORS_TEST_TEXT };
    operators_put_entry(&text, entry);
    test->last = *entry;
}

static inline void operators_test_open(struct operators_test *test, const char *list)
{
    struct weft_error error = WEFT_ERROR_NONE;
    memset(test, 0, sizeof *test);
    enum weft_status status = operators_test_load(list, NULL, &test->operators, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", list, error.text);
    test->run = weft_operator_run_new(test->operators, 0, operators_test_emit, test);
    ck_assert_ptr_nonnull(test->run);
}

static inline void operators_test_close(struct operators_test *test)
{
    weft_operator_run_free(test->run);
    weft_operators_free(test->operators);
    weft_entry_memory_fini(&test->memory);
}

/* A new entry with that line; more may be set before it is sent. */
static inline struct weft_log_entry *operators_test_begin(struct operators_test *test, const char *line)
{
    weft_log_entry_begin(&test->entry, &test->memory, weft_slice_of_text(line), 1);
    test->out_count = 0;
    return &test->entry;
}

static inline void operators_test_set(struct operators_test *test, const char *key, const char *value)
{
    ck_assert_int_eq(weft_log_map_set(&test->entry.attributes, &test->memory, weft_slice_of_text(key),
                                      weft_log_string(weft_slice_of_text(value))),
                     WEFT_OK);
}

/* What came out for one entry; NULL for none. */
static inline const char *operators_test_send(struct operators_test *test)
{
    weft_operator_run_process(test->run, &test->entry);
    return test->out_count == 0 ? NULL : test->out[0];
}

static inline const char *operators_test_line(struct operators_test *test, const char *line)
{
    operators_test_begin(test, line);
    return operators_test_send(test);
}

static inline struct weft_operator_counts operators_test_counts(const struct operators_test *test, size_t index)
{
    return weft_operator_run_collect(test->run, index);
}

/* A chain, a line, and what comes out; NULL: nothing. */
struct operators_case {
    const char *list, *line, *expected;
};

static inline void operators_test_case(const struct operators_case *row)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, row->list);
    const char *out = operators_test_line(test, row->line);
    bool is_same = out == NULL || row->expected == NULL ? out == row->expected : strcmp(out, row->expected) == 0;
    ck_assert_msg(is_same, "%s\n%s\n gives %s\n not   %s", row->list, row->line, out == NULL ? "nothing" : out,
                  row->expected == NULL ? "nothing" : row->expected);
    operators_test_close(test);
    weft_free(test);
}

#define OPERATORS_TEST_CASES(rows)                              \
    for (size_t row_ = 0; row_ < WEFT_COUNT_OF(rows); row_++) { \
        operators_test_case(&(rows)[row_]);                     \
    }

struct operators_test_function {
    const char *name;
    const TTest *test;
};

#define OPERATORS_TEST(name) \
    {                        \
#name, name          \
    }

static inline int operators_test_run(const char *suite_name, const struct operators_test_function *tests, size_t count)
{
    int descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct weft_log_config config = {
        .level = WEFT_LOG_ERROR, .service = "test", .environment = "", .descriptor = descriptor
    };
    weft_log_configure(&config);
    Suite *suite = suite_create(suite_name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i].name);
        tcase_add_test(tcase, tests[i].test);
        suite_add_tcase(suite, tcase);
    }
    int result = suite_run(suite);
    close(descriptor);
    return result;
}

#define OPERATORS_TEST_RUN(suite_name, tests) operators_test_run(suite_name, tests, WEFT_COUNT_OF(tests))
