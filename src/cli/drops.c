/* `weft drops`: asks the running agent what it dropped, refused and was rejected lately, and whose it was. Exit status
 * 1 if that does not agree with the ledger, 2 if the agent cannot be asked. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "wire/json_each.h"
#include "wire/json_member.h"

enum { OPTION_SINCE = WEFT_CLI_OPTION_OWN, OPTION_BY };

struct request {
    struct weft_cli_agent agent;
    const char *since, *by;
};

static bool read_options(int argument_count, char **arguments, struct request *request)
{
    static const struct option options[] = {
        { "since", required_argument, NULL, OPTION_SINCE },
        { "by", required_argument, NULL, OPTION_BY },
        WEFT_CLI_AGENT_OPTIONS,
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (letter == OPTION_SINCE) {
            request->since = optarg;
        } else if (letter == OPTION_BY) {
            request->by = optarg;
        } else if (!weft_cli_take_agent_option(&request->agent, letter, optarg)) {
            return false;
        }
    }
    return optind == argument_count;
}

static const char *const columns[] = { "signal", "reason", "policy", "service" };

enum { COLUMN_COUNT = WEFT_COUNT_OF(columns) };

/* As wide as what stands in each; that of the records is the last. */
struct widths {
    size_t columns[COLUMN_COUNT];
    int records;
};

/* A dash for a name that is empty; of policies "none" says that none kept the trace. */
static struct weft_slice cell_of(struct weft_slice value, size_t column)
{
    bool is_policy = strcmp(columns[column], "policy") == 0;
    return weft_slice_equal_text(value, "\"\"")                    ? WEFT_SLICE_LITERAL("\"-\"")
           : is_policy && weft_slice_equal_text(value, "\"none\"") ? WEFT_SLICE_LITERAL("\"no policy kept it\"")
                                                                   : value;
}

static void measure(struct weft_slice rows, struct widths *widths)
{
    struct weft_json_each each = weft_json_each_of(rows);
    struct weft_slice value;
    while (weft_json_each_next(&each)) {
        for (size_t i = 0; i < COLUMN_COUNT; i++) {
            bool is_there = weft_json_find_member(each.value, columns[i], &value) == WEFT_OK;
            size_t width = is_there ? weft_cli_text_columns(cell_of(value, i)) : 0;
            width = is_there && width < strlen(columns[i]) ? strlen(columns[i]) : width;
            widths->columns[i] = width > widths->columns[i] ? width : widths->columns[i];
        }
        if (weft_json_find_member(each.value, "records", &value) == WEFT_OK) {
            int digits = (int)weft_cli_text_columns(value);
            widths->records = digits > widths->records ? digits : widths->records;
        }
    }
}

static void append_heads(struct weft_buffer *out, const struct widths *widths)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (widths->columns[i] > 0) {
            weft_buffer_append_format(out, "  %-*s", (int)widths->columns[i], columns[i]);
        }
    }
    weft_buffer_append_format(out, "  %*s\n", widths->records, "records");
}

static void append_row(struct weft_buffer *out, struct weft_slice row, const struct widths *widths)
{
    struct weft_slice value;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (weft_json_find_member(row, columns[i], &value) == WEFT_OK) {
            weft_buffer_append_text(out, "  ");
            weft_cli_append_padded(out, cell_of(value, i), widths->columns[i]);
        }
    }
    if (weft_json_find_member(row, "records", &value) == WEFT_OK) {
        weft_buffer_append_format(out, "  %*llu", widths->records, (unsigned long long)weft_json_read_count(value));
    }
    bool is_at_start = weft_json_find_member(row, "at_start", &value) == WEFT_OK;
    weft_buffer_append_text(out, is_at_start ? "  (lost when the former process was killed)\n" : "\n");
}

static void write_text(struct weft_slice body, struct weft_buffer *out)
{
    struct weft_slice rows = WEFT_SLICE_EMPTY;
    struct weft_slice value = WEFT_SLICE_EMPTY;
    (void)(weft_json_find_member(body, "covers_from", &value) == WEFT_OK);
    weft_buffer_append_text(out, "since ");
    weft_cli_append_value(out, value, 64);
    bool is_start =
        weft_json_find_member(body, "windows", &value) == WEFT_OK && weft_slice_equal_text(value, "\"start\"");
    weft_buffer_append_text(out, is_start ? ", when weft started" : "");
    bool is_balanced =
        weft_json_find_member(body, "balanced", &value) == WEFT_OK && weft_slice_equal_text(value, "true");
    weft_buffer_append_text(out, is_balanced ? ", as the ledger says\n" : ", WHICH IS NOT WHAT THE LEDGER SAYS\n");
    (void)(weft_json_find_member(body, "drops", &rows) == WEFT_OK);
    struct widths widths = { .records = sizeof "records" - 1 };
    measure(rows, &widths);
    struct weft_json_each each = weft_json_each_of(rows);
    size_t count = 0;
    if (rows.length > 2) {
        append_heads(out, &widths);
    }
    for (; weft_json_each_next(&each); count++) {
        append_row(out, each.value, &widths);
    }
    weft_buffer_append_text(out, count == 0 ? "  nothing was dropped, refused or rejected\n" : "");
}

static int exit_status_of(int code, struct weft_slice answer)
{
    struct weft_slice drops;
    if (weft_json_find_member(answer, "drops", &drops) != WEFT_OK) {
        return -1;
    }
    return code == 200 ? 0 : 1;
}

static int ask(const struct request *request)
{
    char *since = weft_cli_encode(request->since);
    char *by = weft_cli_encode(request->by);
    char *target = weft_alloc_format("/v1/drops?since=%s&by=%s", since, by);
    int status = weft_cli_ask(&request->agent, &(struct weft_cli_question){ target, exit_status_of, write_text });
    weft_free(target);
    weft_free(by);
    weft_free(since);
    return status;
}

int weft_cli_drops(int argument_count, char **arguments)
{
    struct request request = {
        .agent = { .program = "weft drops", .asks_socket_only = true, .state_directory = weft_cli_state_directory() },
        .since = "15m",
        .by = "reason,policy,service"
    };
    if (!read_options(argument_count, arguments, &request)) {
        weft_cli_print_usage(stderr, "drops");
        return WEFT_CLI_CANNOT_BE_ASKED;
    }
    return ask(&request);
}
