/* Many lines as one request: grouping by resource in the order of the lines, many resources, one after another and
 * mixed, and each allocation failing in turn. What comes out passes the check with the counts that are given. */
#include "wire/wire_test.h"

#include <stdio.h>

#include "base/payload.h"
#include "wire/json_writer.h"
#include "wire/log_request.h"

enum { OBSERVED_NS = 7 };

struct fixture {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_payload *payload;
    struct weft_log_request *request;
    struct weft_otlp_counts counts;
};

static void fixture_init(struct fixture *fixture)
{
    const struct weft_log_line_settings settings = { 0 };
    *fixture = (struct fixture){ 0 };
    fixture->pool = weft_payload_pool_new(&fixture->budget, 0);
    fixture->payload = weft_payload_try_new(fixture->pool, 0);
    fixture->request = weft_log_request_new(&settings);
}

static void fixture_fini(struct fixture *fixture)
{
    weft_payload_unref(&fixture->payload);
    weft_payload_pool_free(fixture->pool);
    weft_log_request_free(fixture->request);
}

static void add(struct fixture *fixture, const char *line)
{
    struct weft_log_line read;
    ck_assert_int_eq(weft_log_request_add(fixture->request, weft_slice_of_text(line), OBSERVED_NS, &read), WEFT_OK);
}

/* The payload begins with what it had: the request is appended. */
static void finish(struct fixture *fixture)
{
    weft_payload_unref(&fixture->payload);
    fixture->payload = weft_payload_try_new(fixture->pool, 0);
    ck_assert_int_eq(weft_log_request_finish(fixture->request, fixture->payload, &fixture->counts), WEFT_OK);
    struct weft_otlp_counts checked;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_otlp_check(WEFT_LOGS, weft_payload_slice(fixture->payload), NULL, &checked, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert(weft_otlp_counts_equal(&checked, &fixture->counts));
}

static void check_json(struct fixture *fixture, const char *expected)
{
    struct weft_buffer json;
    weft_buffer_init(&json, 0);
    finish(fixture);
    ck_assert_int_eq(weft_json_write_request(WEFT_LOGS, weft_payload_slice(fixture->payload), &json, NULL), WEFT_OK);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&json), expected), "%.*s",
                  WEFT_SLICE_PRINT(weft_buffer_slice(&json)));
    weft_buffer_fini(&json);
}

#define ATTRIBUTE(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define RECORD(text)          "{\"body\":{\"stringValue\":\"" text "\"},\"observedTimeUnixNano\":\"7\"}"
#define RESOURCE(attributes)  "\"resource\":{\"attributes\":[" attributes "]},"
#define LOGS(resource, logs)  "{" resource "\"scopeLogs\":[{\"logRecords\":[" logs "]}]}"

static const char grouped[] = "{\"resourceLogs\":["
    /* clang-format off */
    LOGS(RESOURCE(ATTRIBUTE("service.name", "a")), RECORD("1") "," RECORD("3") "," RECORD("4")) ","
    LOGS(RESOURCE(ATTRIBUTE("service.name", "b") "," ATTRIBUTE("deployment.environment.name", "e")),
         RECORD("2") "," RECORD("6")) ","
    LOGS("", RECORD("5")) ","
    LOGS(RESOURCE(ATTRIBUTE("deployment.environment.name", "b")), RECORD("7"))
    /* clang-format on */
    "]}";

START_TEST(test_records_of_one_resource_stand_together_in_order)
{
    struct fixture fixture;
    fixture_init(&fixture);
    check_json(&fixture, "{}");
    add(&fixture, "{\"service\":\"a\",\"msg\":\"1\"}");
    add(&fixture, "{\"service\":\"b\",\"environment\":\"e\",\"msg\":\"2\"}");
    add(&fixture, "{\"service\":\"a\",\"msg\":\"3\"}");
    add(&fixture, "{\"service\":\"a\",\"msg\":\"4\"}");
    add(&fixture, "5");
    add(&fixture, "{\"service\":\"b\",\"environment\":\"e\",\"msg\":\"6\"}");
    add(&fixture, "{\"environment\":\"b\",\"msg\":\"7\"}");
    check_json(&fixture, grouped);
    ck_assert_uint_eq(fixture.counts.resources, 4);
    ck_assert_uint_eq(fixture.counts.records, 7);
    weft_log_request_clear(fixture.request);
    check_json(&fixture, "{}");
    fixture_fini(&fixture);
}
END_TEST

#define SCOPED(resource, scope, logs) \
    "{" resource "\"scopeLogs\":[{\"scope\":{\"name\":\"" scope "\"},\"logRecords\":[" logs "]}]}"

static const char with_sources[] = "{\"resourceLogs\":["
    /* clang-format off */
    LOGS(RESOURCE(ATTRIBUTE("k", "v") "," ATTRIBUTE("service.name", "a")), RECORD("1") "," RECORD("4")) ","
    SCOPED(RESOURCE(ATTRIBUTE("k", "v") "," ATTRIBUTE("service.name", "a")), "s", RECORD("2")) ","
    LOGS(RESOURCE(ATTRIBUTE("k", "v")), RECORD("3") "," RECORD("5"))
    /* clang-format on */
    "]}";

/* A resource of attributes and a scope tell resources apart, too; records that are none of lines stand beside others.
 */
START_TEST(test_sources_have_resources_and_scopes)
{
    static const uint8_t resource[] = "\x0a\x08\x0a\x01"
                                      "k\x12\x03\x0a\x01"
                                      "v";
    static const uint8_t record[] = "\x2a\x03\x0a\x01"
                                    "5\x59\x07\0\0\0\0\0\0\0";
    struct weft_log_source source = { .resource = weft_slice_of(resource, sizeof resource - 1) };
    struct fixture fixture;
    fixture_init(&fixture);
    weft_log_request_set_source(fixture.request, &source);
    add(&fixture, "{\"service\":\"a\",\"msg\":\"1\"}");
    source.scope = WEFT_SLICE_LITERAL("s");
    weft_log_request_set_source(fixture.request, &source);
    add(&fixture, "{\"service\":\"a\",\"msg\":\"2\"}");
    source.scope = WEFT_SLICE_EMPTY;
    source.has_service = true;
    weft_log_request_set_source(fixture.request, &source);
    add(&fixture, "{\"service\":\"a\",\"msg\":\"3\"}");
    source.has_service = false;
    weft_log_request_set_source(fixture.request, &source);
    add(&fixture, "{\"service\":\"a\",\"msg\":\"4\"}");
    uint8_t *to = weft_log_request_add_record(fixture.request, sizeof record - 1);
    ck_assert_ptr_nonnull(to);
    memcpy(to, record, sizeof record - 1);
    ck_assert_uint_eq(weft_log_request_count(fixture.request), 5);
    check_json(&fixture, with_sources);
    fixture_fini(&fixture);
}
END_TEST

/* Who writes a line cannot say what its source says; keys that mean something stay the line's. */
START_TEST(test_keys_of_the_source_are_its_own)
{
    static const char expected[] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":9,\"severityText\":\"info\",\"body\":"
        "{\"stringValue\":\"m\"},\"attributes\":[" ATTRIBUTE("dup.k", "line") "," ATTRIBUTE(
            "weft.malformed", "duplicate_key") "," ATTRIBUTE("k", "v") "],\"observedTimeUnixNano\":\"7\"}]}]}]}";
    static const uint8_t fields[] = "\x32\x08\x0a\x01"
                                    "k\x12\x03\x0a\x01"
                                    "v";
    static const struct weft_slice keys[] = { WEFT_SLICE_LITERAL("k"), WEFT_SLICE_LITERAL("level") };
    struct weft_log_source source = { .fields = weft_slice_of(fields, sizeof fields - 1),
                                      .keys = keys,
                                      .key_count = 2 };
    struct fixture fixture;
    fixture_init(&fixture);
    weft_log_request_set_source(fixture.request, &source);
    add(&fixture, "{\"k\":\"line\",\"level\":\"info\",\"msg\":\"m\"}");
    check_json(&fixture, expected);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_a_sources_time_counts_for_lines_without_one)
{
    struct weft_log_source source = { .time_ns = 11 };
    struct weft_log_line line;
    struct fixture fixture;
    fixture_init(&fixture);
    weft_log_request_set_source(fixture.request, &source);
    ck_assert_int_eq(weft_log_request_add(fixture.request, weft_slice_of_text("x"), OBSERVED_NS, &line), WEFT_OK);
    ck_assert_uint_eq(line.time_ns, 11);
    ck_assert_int_eq(weft_log_request_add(fixture.request, weft_slice_of_text("{\"time\":\"1970-01-01T00:00:01Z\"}"),
                                          OBSERVED_NS, &line),
                     WEFT_OK);
    ck_assert_uint_eq(line.time_ns, 1000000000);
    fixture_fini(&fixture);
}
END_TEST

/* A text is what the file has, without the white space around it that ends lines or indents them. */
START_TEST(test_a_text_says_nothing_of_itself)
{
    static const char expected[] =
        "{\"resourceLogs\":[" LOGS("", RECORD("\\u000bx\\u0000\\u000c") "," RECORD("\xef\xbf\xbd")) "]}";
    struct weft_log_source source = { .is_text = true };
    struct weft_log_line line;
    struct fixture fixture;
    fixture_init(&fixture);
    weft_log_request_set_source(fixture.request, &source);
    ck_assert_int_eq(weft_log_request_add(fixture.request, WEFT_SLICE_LITERAL(" \t\vx\0\f \r"), OBSERVED_NS, &line),
                     WEFT_OK);
    ck_assert_int_eq(weft_log_request_add(fixture.request, WEFT_SLICE_LITERAL("\xff"), OBSERVED_NS, &line), WEFT_OK);
    ck_assert_uint_ne(line.flags, 0); /* they are counted */
    check_json(&fixture, expected);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_ever_new_resources_are_bounded_work_and_all_there)
{
    enum { COUNT = 1000 };
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            char line[64];
            snprintf(line, sizeof line, "{\"service\":\"s%zu\",\"msg\":\"m\"}", i);
            add(&fixture, line);
        }
    }
    finish(&fixture);
    ck_assert_uint_eq(fixture.counts.records, 2 * COUNT);
    ck_assert_uint_eq(fixture.counts.resources, 2 * COUNT); /* those of the first round are too long ago */
    weft_log_request_clear(fixture.request);
    for (size_t i = 0; i < COUNT; i++) {
        char line[64];
        snprintf(line, sizeof line, "{\"service\":\"s%zu\",\"msg\":\"m\"}", i % WEFT_LOG_REQUEST_RESOURCES);
        add(&fixture, line);
    }
    finish(&fixture);
    ck_assert_uint_eq(fixture.counts.resources, WEFT_LOG_REQUEST_RESOURCES);
    fixture_fini(&fixture);
}
END_TEST

/* A line that fails leaves the request as it was, and is there when it is added again. */
START_TEST(test_without_memory_a_line_is_not_there)
{
    static const char *const lines[] = { "{\"service\":\"a\",\"msg\":\"1\"}", "{\"service\":\"b\",\"msg\":\"2\"}",
                                         "{\"service\":\"a\",\"environment\":\"a long name of an environment\"}" };
    size_t failures = 0;
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct fixture fixture;
        fixture_init(&fixture);
        weft_alloc_fail_at(nth);
        for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
            struct weft_log_line line;
            struct weft_slice text = weft_slice_of_text(lines[i]);
            enum weft_status status = weft_log_request_add(fixture.request, text, OBSERVED_NS, &line);
            if (status != WEFT_OK) {
                ck_assert_int_eq(status, WEFT_NOMEM);
                add(&fixture, lines[i]);
                failures++;
            }
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        finish(&fixture);
        ck_assert_uint_eq(fixture.counts.records, WEFT_COUNT_OF(lines));
        ck_assert_uint_eq(fixture.counts.resources, WEFT_COUNT_OF(lines));
        fixture_fini(&fixture);
    }
    ck_assert_uint_ge(failures, 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_records_of_one_resource_stand_together_in_order,
        test_sources_have_resources_and_scopes,
        test_keys_of_the_source_are_its_own,
        test_a_sources_time_counts_for_lines_without_one,
        test_a_text_says_nothing_of_itself,
        test_ever_new_resources_are_bounded_work_and_all_there,
        test_without_memory_a_line_is_not_there,
    };
    return run_tests("log_request", tests, WEFT_COUNT_OF(tests));
}
