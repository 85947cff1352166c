/* Warnings about whole pipelines, as `weft validate` prints them: rows of a config, the line that each names and a part
 * of its words. A config that is as it should be gets none. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/plan.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

/* One part a line, so that lines can be counted on: receivers are line 1, processors 2, exporters 3, pipelines 4 on. */
#define RECEIVERS(block)  "receivers: {" block "}\n"
#define PROCESSORS(block) "processors: {" block "}\n"
#define EXPORTERS(block)  "exporters: {" block "}\n"
#define OPEN              "otlp: {protocols: {grpc: {endpoint: \"0.0.0.0:4317\"}}}"
#define PODS              "file_log: {include: [/var/log/pods/*/*/*.log]}"
#define SAMPLING          "tail_sampling: {policies: [{name: all, type: always_sample}]}"
#define BACKEND           "otlp: {endpoint: \"backend:4317\"}"
#define PIPELINE(name, receivers, processors, exporters) \
    name ": {receivers: [" receivers "], processors: [" processors "], exporters: [" exporters "]}"
#define SERVICE(first, second) "service: {pipelines: {" first ",\n" second "}}\n"
#define TRACES                 PIPELINE("traces", "otlp", "tail_sampling", "otlp")
#define LOGS                   PIPELINE("logs", "file_log", "", "otlp")

enum { MAX_WARNINGS = 4 };

struct row {
    const char *yaml;
    struct {
        unsigned line; /* 0: no more warnings */
        const char *text;
    } warnings[MAX_WARNINGS];
};

/* ---- an agent that judges traces ---- */

#define NODE(receivers, exporters, first, second) \
    RECEIVERS(receivers) PROCESSORS(SAMPLING) EXPORTERS(exporters) SERVICE(first, second)
#define AGENT(receivers, exporters) NODE(receivers, exporters, TRACES, LOGS)
#define FILES(path)                 "file_log: {include: [\"" path "\"]}"
#define HTTP_OUT(url)               "otlp_http: {endpoint: \"" url "\"}"

#define IN_PIECES "pipeline traces: tail_sampling judges what this node sees (file_log reads the files of its pods)"

static const struct row agent_rows[] = {
    { AGENT(OPEN ", " PODS, BACKEND), { { 4, IN_PIECES } } },
    { AGENT(OPEN ", " FILES("/host/var/log/containers/*.log"), BACKEND), { { 4, IN_PIECES } } },
    { AGENT(OPEN ", " FILES("/var/lib/docker/containers/*/*.log"), BACKEND), { { 4, IN_PIECES } } },
    { NODE(OPEN ", " PODS, HTTP_OUT("https://backend"), PIPELINE("traces", "otlp", "tail_sampling", "otlp_http"),
           PIPELINE("logs", "file_log", "", "otlp_http")),
      { { 4, IN_PIECES } } },
    /* only one of the protocols is open to others */
    { AGENT("otlp: {protocols: {grpc: , http: {endpoint: \":4318\"}}}, " PODS, BACKEND), { { 4, IN_PIECES } } },
    { AGENT("otlp: {protocols: {grpc: {endpoint: \"10.0.0.1:4317\"}}}, " PODS, BACKEND), { { 4, IN_PIECES } } },
    /* a gateway reads no files of a node */
    { NODE(OPEN, BACKEND, TRACES, PIPELINE("logs", "otlp", "tail_sampling", "otlp")), { { 0, NULL } } },
    { AGENT(OPEN ", " FILES("/var/log/app/*.log"), BACKEND), { { 0, NULL } } },
    /* an agent that leaves it to the gateway */
    { NODE(OPEN ", " PODS, BACKEND, PIPELINE("traces", "otlp", "", "otlp"), LOGS), { { 0, NULL } } },
    /* everything is on one machine: who sends, or where it goes */
    { AGENT("otlp: {protocols: {grpc: }}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT("otlp: {protocols: {grpc: {endpoint: \"[::1]:4317\"}}}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT("otlp: {protocols: {grpc: {transport: unix, endpoint: /run/x}}}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT(OPEN ", " PODS, "otlp: {endpoint: \"127.0.0.1:4317\"}"), { { 0, NULL } } },
    { NODE(OPEN ", " PODS, HTTP_OUT("http://localhost:4318"), PIPELINE("traces", "otlp", "tail_sampling", "otlp_http"),
           PIPELINE("logs", "file_log", "", "otlp_http")),
      { { 0, NULL } } },
    { NODE(OPEN ", " PODS, "debug: ", PIPELINE("traces", "otlp", "tail_sampling", "debug"),
           PIPELINE("logs", "file_log", "", "debug")),
      { { 0, NULL } } },
    /* a receiver that no pipeline names says nothing of this weft */
    { NODE(OPEN ", " PODS, BACKEND, TRACES, PIPELINE("logs", "otlp", "", "otlp")), { { 0, NULL } } },
};

/* ---- playing rows ---- */

static void load_notes(const char *yaml, struct weft_config_notes *notes)
{
    static char config[8192];
    const char *configs[] = { config };
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_telemetry telemetry;
    struct weft_plan *plan = NULL;
    struct weft_worker_config workers;
    snprintf(config, sizeof config, "yaml:%s", yaml);
    ck_assert_msg(weft_agent_load(&(struct weft_config_sources){ .configs = configs, .config_count = 1 }, NULL, notes,
                                  &plan, &telemetry, &workers, &error) == WEFT_OK,
                  "%s\n%s", error.text, yaml);
    weft_plan_unref(&plan);
}

static unsigned line_of(const char *text)
{
    const char *colon = strchr(text, ':');
    ck_assert_msg(colon != NULL && strncmp(text, "yaml:", 5) == 0, "no place: %s", text);
    return (unsigned)strtoul(colon + 1, NULL, 10);
}

static void check_row(const struct row *row)
{
    struct weft_config_notes notes = { 0 };
    size_t count = 0;
    load_notes(row->yaml, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        const char *text = notes.items[i].text;
        ck_assert_int_eq(notes.items[i].kind, WEFT_NOTE_WARNING);
        ck_assert_msg(count < MAX_WARNINGS && row->warnings[count].line != 0, "one more: %s\n%s", text, row->yaml);
        ck_assert_msg(line_of(text) == row->warnings[count].line && strstr(text, row->warnings[count].text) != NULL,
                      "wanted %u: %s, got: %s\n%s", row->warnings[count].line, row->warnings[count].text, text,
                      row->yaml);
        count++;
    }
    ck_assert_msg(count == MAX_WARNINGS || row->warnings[count].line == 0, "missing: %s\n%s", row->warnings[count].text,
                  row->yaml);
    weft_config_notes_fini(&notes);
}

START_TEST(test_agent_that_judges_is_warned_of)
{
    check_row(&agent_rows[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker/advice");
    TCase *advice = tcase_create("advice");
    tcase_add_loop_test(advice, test_agent_that_judges_is_warned_of, 0, (int)WEFT_COUNT_OF(agent_rows));
    suite_add_tcase(suite, advice);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
