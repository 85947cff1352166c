/* Operator container: CRI and docker lines, whose file they are, and texts in pieces. */
#include "operators/operators_test.h"

#define PLAIN "  - {type: container, add_metadata_from_filepath: false}"
#define POD   "/var/log/pods/ns_pod-1_0ab-9/app/3.log"
#define TIME  "2024-04-13T07:59:37.505201169"

static struct operators_test test;

static void open_with(const char *list)
{
    operators_test_open(&test, list);
}

static void close_test(void)
{
    operators_test_close(&test);
}

/* One line of a file; what came out first, or NULL. */
static const char *line_of(const char *path, const char *line)
{
    operators_test_begin(&test, line);
    operators_test_set(&test, "log.file.path", path);
    return operators_test_send(&test);
}

START_TEST(test_lines_of_cri_and_docker_are_read)
{
    static const struct operators_case rows[] = {
        { PLAIN, TIME "-05:00 stdout F a line", "\"a line\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
        { PLAIN, TIME "Z stderr F  two spaces", "\" two spaces\" a{log.iostream:\"stderr\",logtag:\"F\"}" },
        { PLAIN, TIME "Z stdout F", "\"\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
        { PLAIN, TIME "Z stdout F ", "\"\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
        { PLAIN, TIME "Z stdout F:tag x", "\"x\" a{log.iostream:\"stdout\",logtag:\"F:tag\"}" },
        { PLAIN, "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}",
          "\"a\n\" a{log.iostream:\"stdout\"}" },
        { PLAIN, "{\"log\":\"a\",\"stream\":\"stdout\",\"attrs\":{\"k\":\"v\"},\"time\":\"" TIME "Z\"}",
          "\"a\" a{attrs:{k:\"v\"},log.iostream:\"stdout\"}" },
        { "  - {type: container, format: crio, add_metadata_from_filepath: false}", TIME "+00:00 stdout F x",
          "\"x\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
        { "  - {type: container, format: containerd, add_metadata_from_filepath: false}", TIME "Z stdout F x",
          "\"x\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_times_are_the_containers)
{
    open_with(PLAIN);
    operators_test_line(&test, "2024-04-13T07:59:37.505201169-05:00 stdout F x");
    ck_assert_uint_eq(test.last.time_ns, UINT64_C(1713013177505201169));
    operators_test_line(&test, "{\"log\":\"a\",\"stream\":\"stderr\",\"time\":\"2024-04-13T12:59:37.5Z\"}");
    ck_assert_uint_eq(test.last.time_ns, UINT64_C(1713013177500000000));
    close_test();
}
END_TEST

/* on_error is send: they go on as they are. */
START_TEST(test_what_is_no_line_of_a_container_goes_on_as_it_is)
{
    static const char *const lines[] = {
        "text",
        "a b",
        "2024-04-13T07:59:37Z",
        "2024-04-13T07:59:37Z stdin F x",
        "2024-04-13T07:59:37Z stdout",
        "2024-04-13T07:59:37ZZ stdout F x",
        "2024-04-13T07:59:37^Z stdout F x",
        "Z stdout F x",
        " stdout F x",
        "{",
        "{\"log\":\"x\"",
    };
    open_with(PLAIN);
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "\"%s\"", lines[i]);
        const char *out = operators_test_line(&test, lines[i]);
        ck_assert_str_eq(out == NULL ? "nothing" : out, expected);
        ck_assert_uint_eq(operators_test_counts(&test, 0).errors, i + 1);
    }
    close_test();
    open_with("  - {type: container, format: containerd, add_metadata_from_filepath: false}");
    ck_assert_str_eq(operators_test_line(&test, TIME "-05:00 stdout F x"), "\"" TIME "-05:00 stdout F x\"");
    close_test();
}
END_TEST

/* As far as the Collector comes with it. */
START_TEST(test_what_was_read_of_a_broken_line_stays)
{
    static const struct operators_case rows[] = {
#define NO_TIME(time)            \
    { PLAIN, time " stdout F x", \
      "\"" time " stdout F x\" a{time:\"" time "\",stream:\"stdout\",logtag:\"F\",log:\"x\"}" }
        NO_TIME("1713013177505"),
        NO_TIME("yesterday"),
        NO_TIME("2024-13-13T07:59:37Z"),
        NO_TIME("2024-04-13T07:59:60Z"),
        NO_TIME("2024-04-13T07:59:37.Z"),
        NO_TIME("2024-04-13T07:59:37"),
        NO_TIME("2024-04-13T07:59:37z"),
        NO_TIME("2024-04-13T07:59:37+0200"),
        NO_TIME("2024-04-13T07:59:37+02"),
        NO_TIME("2024-04-13T07:59:37UTC"),
        NO_TIME("2024/04/13T07:59:37Z"),
#undef NO_TIME
        { PLAIN, "{\"log\":\"x\"}", "\"{\"log\":\"x\"}\" a{log:\"x\"}" },
        { PLAIN, "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"" TIME "+02:00\"}",
          "\"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"" TIME "+02:00\"}\" "
          "a{log:\"x\",stream:\"stdout\",time:\"" TIME "+02:00\"}" },
        { PLAIN, "{\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}",
          "\"{\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}\" a{stream:\"stdout\"}" },
        { PLAIN, "{\"log\":\"x\",\"time\":\"" TIME "Z\"}", "\"x\"" },
        { PLAIN, "{\"log\":1,\"stream\":[],\"time\":\"" TIME "Z\"}", "1.0 a{log.iostream:[]}" },
        { PLAIN, "{\"log\":{\"k\":\"v\"},\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}",
          "{k:\"v\"} a{log.iostream:\"stdout\"}" },
        { "  - type: container", TIME "Z stdout F x", "\"x\" a{log.iostream:\"stdout\",logtag:\"F\"}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_the_path_says_whose_it_is)
{
    static const char expected[] =
        "\"x\" a{log.file.path:\"" POD "\",log.iostream:\"stdout\",logtag:\"F\"} "
        "r{k8s.namespace.name:\"ns\",k8s.pod.name:\"pod-1\",k8s.pod.uid:\"0ab-9\",k8s.container.name:\"app\","
        "k8s.container.restart_count:\"3\"}";
    open_with("  - type: container");
    ck_assert_str_eq(line_of(POD, TIME "Z stdout F x"), expected);
    ck_assert_str_eq(line_of(POD, TIME "Z stdout F x"), expected);
    ck_assert_ptr_nonnull(strstr(line_of("/l/other_pod_1/app/0.log.20240413-075937", TIME "Z stdout F x"),
                                 "r{k8s.namespace.name:\"other\",k8s.pod.name:\"pod\",k8s.pod.uid:\"1\","));
    ck_assert_str_eq(line_of("/var/log/app.log", TIME "Z stdout F x"),
                     "\"x\" a{log.file.path:\"/var/log/app.log\",log.iostream:\"stdout\",logtag:\"F\"}");
    ck_assert_str_eq(operators_test_line(&test, TIME "Z stdout P x"), "\"x\" a{log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 2);
    ck_assert_ptr_nonnull(
        strstr(line_of(POD, "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}"), "k8s.pod.uid:\"0ab-9\""));
    close_test();
}
END_TEST

START_TEST(test_pieces_are_joined_for_each_file_and_stream)
{
    open_with(PLAIN);
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P one "));
    ck_assert_ptr_null(line_of("/b", TIME "Z stdout P uno "));
    ck_assert_ptr_null(line_of("/a", TIME "Z stderr P error "));
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P two "));
    ck_assert_uint_eq(weft_operator_run_kept(test.run), 3);
    ck_assert_str_eq(line_of("/a", "2024-04-13T07:59:38Z stdout F three"),
                     "\"one two three\" a{log.file.path:\"/a\",log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_uint_eq(test.last.time_ns, UINT64_C(1712995177505201169)); /* when it began */
    ck_assert_str_eq(line_of("/a", TIME "Z stdout F alone"),
                     "\"alone\" a{log.file.path:\"/a\",log.iostream:\"stdout\",logtag:\"F\"}");
    ck_assert_str_eq(line_of("/b", TIME "Z stdout F dos"),
                     "\"uno dos\" a{log.file.path:\"/b\",log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_str_eq(line_of("/a", TIME "Z stderr F end"),
                     "\"error end\" a{log.file.path:\"/a\",log.iostream:\"stderr\",logtag:\"P\"}");
    ck_assert_uint_eq(weft_operator_run_kept(test.run), 0);
    close_test();
}
END_TEST

/* As the receiver gives lines: without the white space behind them, which only a piece needs. */
static const char *trimmed_line(const char *line)
{
    struct weft_log_entry *entry = operators_test_begin(&test, line);
    entry->body.text = weft_slice_trim_behind(entry->body.text);
    entry->line_end = entry->body.text.bytes + entry->body.text.length;
    entry->trimmed_behind = strlen(line) - entry->body.text.length;
    return operators_test_send(&test);
}

START_TEST(test_white_space_between_pieces_stays)
{
    open_with(PLAIN);
    ck_assert_ptr_null(trimmed_line(TIME "Z stdout P one "));
    ck_assert_ptr_null(trimmed_line(TIME "Z stdout P  "));
    ck_assert_ptr_null(trimmed_line(TIME "Z stdout P two\t"));
    ck_assert_str_eq(trimmed_line(TIME "Z stdout F three  "),
                     "\"one  two\tthree\" a{log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_str_eq(trimmed_line(TIME "Z stdout F  "), "\"\" a{log.iostream:\"stdout\",logtag:\"F\"}");
    close_test();
}
END_TEST

/* The line and its attributes are gone by then. */
START_TEST(test_pieces_without_an_end_go_on_after_five_seconds)
{
    const int64_t second = 1000000000;
    char path[] = "/a", line[] = TIME "Z stdout P begun";
    open_with(PLAIN);
    ck_assert_ptr_null(line_of(path, line));
    memset(path, 'x', sizeof path - 1);
    memset(line, 'x', sizeof line - 1);
    weft_operator_run_flush(test.run, 4 * second, false);
    ck_assert_uint_eq(test.out_count, 0);
    weft_operator_run_flush(test.run, 5 * second + 1, false);
    ck_assert_uint_eq(test.out_count, 1);
    ck_assert_str_eq(test.out[0], "\"begun\" a{log.file.path:\"/a\",log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_uint_eq(weft_operator_run_kept(test.run), 0);
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P again"));
    weft_operator_run_flush(test.run, 0, true);
    ck_assert_uint_eq(test.out_count, 1);
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P left behind")); /* and freed with the run */
    close_test();
}
END_TEST

START_TEST(test_what_is_kept_is_bounded_and_charged)
{
    struct weft_budget budget = { 0 };
    open_with("  - {type: container, add_metadata_from_filepath: false, max_log_size: 10}");
    weft_operator_run_set_budget(test.run, &budget);
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P 12345"));
    ck_assert_uint_gt(weft_budget_reserved(&budget), 0);
    ck_assert_ptr_null(line_of("/a", TIME "Z stdout P 67890"));
    ck_assert_str_eq(line_of("/a", TIME "Z stdout P 1"),
                     "\"12345678901\" a{log.file.path:\"/a\",log.iostream:\"stdout\",logtag:\"P\"}");
    ck_assert_uint_eq(weft_operator_run_kept(test.run), 0);
    for (size_t i = 0; i < 200; i++) {
        ck_assert_ptr_null(line_of("/a", TIME "Z stdout P"));
    }
    ck_assert_uint_lt(weft_budget_reserved(&budget), 1 << 20);
    operators_test_close(&test);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

static size_t emitted;

static void count_entry(void *user, struct weft_log_entry *entry)
{
    (void)user;
    ck_assert_int_eq(entry->body.kind, WEFT_LOG_STRING);
    emitted++;
}

START_TEST(test_too_many_sources_go_on_as_they_are)
{
    open_with(PLAIN);
    weft_operator_run_free(test.run);
    test.run = weft_operator_run_new(test.operators, 0, count_entry, NULL);
    emitted = 0;
    for (size_t i = 0; i < 2500; i++) {
        char path[32];
        snprintf(path, sizeof path, "/%zu", i);
        line_of(path, TIME "Z stdout P x");
        ck_assert_uint_le(weft_operator_run_kept(test.run), 1000);
    }
    ck_assert_uint_eq(emitted + weft_operator_run_kept(test.run), 2500);
    close_test();
}
END_TEST

START_TEST(test_configs_that_mean_nothing_are_refused)
{
    operators_test_refuse("  - {type: container, format: podman}", WEFT_INVALID,
                          "test.yaml:2: operators[0].format: wants docker, crio or containerd");
    operators_test_refuse("  - {type: container, max_log_size: 1XB}", WEFT_INVALID,
                          "test.yaml:2: operators[0].max_log_size: \"1XB\" is not a size in bytes (like 1048576, 1MiB "
                          "or 100KB)");
    operators_test_refuse("  - {type: container, parse_to: body}", WEFT_UNSUPPORTED,
                          "test.yaml:2: operators[0].parse_to: only attributes are there yet");
    operators_test_refuse("  - {type: log_profile}\n  - {type: noop}", WEFT_UNSUPPORTED,
                          "test.yaml:2: operators[0]: log_profile must be the last one: no operator can follow it yet");
}
END_TEST

START_TEST(test_blocks_see_the_fields_of_the_line)
{
    open_with("  - type: container\n    add_metadata_from_filepath: false\n"
              "    severity: {parse_from: attributes.stream, mapping: {error: stderr, info: stdout}}\n"
              "    scope_name: {parse_from: attributes.log}");
    ck_assert_str_eq(operators_test_line(&test, TIME "Z stderr F x"), "\"x\" a{logtag:\"F\",log.iostream:\"stderr\"}");
    ck_assert_int_eq(test.last.severity, 17);
    ck_assert(weft_slice_equal_text(test.last.scope_name, "x"));
    ck_assert_str_eq(operators_test_line(&test, "{\"log\":\"y\",\"stream\":\"stdout\",\"time\":\"" TIME "Z\"}"),
                     "\"y\" a{log.iostream:\"stdout\"}");
    ck_assert_int_eq(test.last.severity, 9);
    close_test();
}
END_TEST

START_TEST(test_a_profile_takes_the_containers_text)
{
    open_with(PLAIN "\n  - {type: log_profile}");
    ck_assert_str_eq(operators_test_line(&test, TIME "Z stdout F {\"msg\":\"x\"}"),
                     "\"{\"msg\":\"x\"}\" a{log.iostream:\"stdout\",logtag:\"F\"}");
    ck_assert(test.last.is_line);
    close_test();
    open_with("  - {type: json_parser, parse_to: body}\n  - {type: log_profile}");
    ck_assert_str_eq(operators_test_line(&test, "{\"a\":\"b\"}"), "{a:\"b\"}");
    ck_assert(!test.last.is_line);
    ck_assert_uint_eq(operators_test_counts(&test, 1).errors, 1);
    close_test();
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_lines_of_cri_and_docker_are_read),
        OPERATORS_TEST(test_times_are_the_containers),
        OPERATORS_TEST(test_what_is_no_line_of_a_container_goes_on_as_it_is),
        OPERATORS_TEST(test_what_was_read_of_a_broken_line_stays),
        OPERATORS_TEST(test_the_path_says_whose_it_is),
        OPERATORS_TEST(test_pieces_are_joined_for_each_file_and_stream),
        OPERATORS_TEST(test_white_space_between_pieces_stays),
        OPERATORS_TEST(test_pieces_without_an_end_go_on_after_five_seconds),
        OPERATORS_TEST(test_what_is_kept_is_bounded_and_charged),
        OPERATORS_TEST(test_too_many_sources_go_on_as_they_are),
        OPERATORS_TEST(test_configs_that_mean_nothing_are_refused),
        OPERATORS_TEST(test_blocks_see_the_fields_of_the_line),
        OPERATORS_TEST(test_a_profile_takes_the_containers_text),
    };
    return OPERATORS_TEST_RUN("container", tests);
}
