/* transform with flatten_data: what statements write into resources and scopes is of one log record alone. */
#include "component_test.h"

#include "logs_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "suite.h"

extern const struct weft_component weft_processor_transform;

/* JSON is written with ' instead of ". */
static const char request_json[] =
    "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}}]},'scopeLogs':[{'"
    "scope':{'name':'p'},'logRecords':[{'body':{'stringValue':'1'},'attributes':[{'key':'k','value':{'stringVa"
    "lue':'a'}}]},{'body':{'stringValue':'2'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]},{'scop"
    "e':{'name':'q'},'logRecords':[{'body':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue'"
    ":'b'}}]}]}]},{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h2'}}]},'scopeLogs':[{'scop"
    "e':{'name':'p'},'logRecords':[{'body':{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue'"
    ":'a'}}]}]}]}]}";

static const struct {
    const char *statements; /* one a line */
    const char *outcome;    /* as a real Collector has it */
} cases[] = {
    { "set(log.severity_text, \"x\")",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}}]},'scopeLogs':[{'"
      "scope':{'name':'p'},'logRecords':[{'severityText':'x','body':{'stringValue':'1'},'attributes':[{'key':'k'"
      ",'value':{'stringValue':'a'}}]},{'severityText':'x','body':{'stringValue':'2'},'attributes':[{'key':'k','"
      "value':{'stringValue':'b'}}]}]},{'scope':{'name':'q'},'logRecords':[{'severityText':'x','body':{'stringVa"
      "lue':'3'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]}]},{'resource':{'attributes':[{'key':'"
      "host','value':{'stringValue':'h2'}}]},'scopeLogs':[{'scope':{'name':'p'},'logRecords':[{'severityText':'x"
      "','body':{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue':'a'}}]}]}]}]}" },
    { "set(resource.attributes[\"k\"], log.attributes[\"k\"])",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}},{'key':'k','value"
      "':{'stringValue':'a'}}]},'scopeLogs':[{'scope':{'name':'p'},'logRecords':[{'body':{'stringValue':'1'},'at"
      "tributes':[{'key':'k','value':{'stringValue':'a'}}]}]}]},{'resource':{'attributes':[{'key':'host','value'"
      ":{'stringValue':'h1'}},{'key':'k','value':{'stringValue':'b'}}]},'scopeLogs':[{'scope':{'name':'p'},'logR"
      "ecords':[{'body':{'stringValue':'2'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]},{'scope':{"
      "'name':'q'},'logRecords':[{'body':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue':'b'"
      "}}]}]}]},{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h2'}},{'key':'k','value':{'stri"
      "ngValue':'a'}}]},'scopeLogs':[{'scope':{'name':'p'},'logRecords':[{'body':{'stringValue':'4'},'attributes"
      "':[{'key':'k','value':{'stringValue':'a'}}]}]}]}]}" },
    { "set(resource.attributes[\"host\"], log.attributes[\"k\"])\n"
      "set(scope.name, \"same\")",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'a'}}]},'scopeLogs':[{'s"
      "cope':{'name':'same'},'logRecords':[{'body':{'stringValue':'1'},'attributes':[{'key':'k','value':{'string"
      "Value':'a'}}]},{'body':{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue':'a'}}]}]}]},{'"
      "resource':{'attributes':[{'key':'host','value':{'stringValue':'b'}}]},'scopeLogs':[{'scope':{'name':'same"
      "'},'logRecords':[{'body':{'stringValue':'2'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]},{'bo"
      "dy':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]}]}]}" },
    { "set(scope.version, log.body)",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}}]},'scopeLogs':[{'"
      "scope':{'name':'p','version':'1'},'logRecords':[{'body':{'stringValue':'1'},'attributes':[{'key':'k','val"
      "ue':{'stringValue':'a'}}]}]},{'scope':{'name':'p','version':'2'},'logRecords':[{'body':{'stringValue':'2'"
      "},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]},{'scope':{'name':'q','version':'3'},'logRecor"
      "ds':[{'body':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]}]},{'resource':"
      "{'attributes':[{'key':'host','value':{'stringValue':'h2'}}]},'scopeLogs':[{'scope':{'name':'p','version':"
      "'4'},'logRecords':[{'body':{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue':'a'}}]}]}]"
      "}]}" },
    { "set(resource.attributes[\"host\"], \"one\")",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'one'}}]},'scopeLogs':[{"
      "'scope':{'name':'p'},'logRecords':[{'body':{'stringValue':'1'},'attributes':[{'key':'k','value':{'stringV"
      "alue':'a'}}]},{'body':{'stringValue':'2'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]},{'body'"
      ":{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue':'a'}}]}]},{'scope':{'name':'q'},'log"
      "Records':[{'body':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]}]}]}" },
    { "set(resource.attributes[\"n\"], log.body) where log.body == \"1\"\n"
      "set(log.attributes[\"seen\"], resource.attributes[\"n\"])",
      "{'resourceLogs':[{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}},{'key':'n','value"
      "':{'stringValue':'1'}}]},'scopeLogs':[{'scope':{'name':'p'},'logRecords':[{'body':{'stringValue':'1'},'at"
      "tributes':[{'key':'k','value':{'stringValue':'a'}},{'key':'seen','value':{'stringValue':'1'}}]}]}]},{'res"
      "ource':{'attributes':[{'key':'host','value':{'stringValue':'h1'}}]},'scopeLogs':[{'scope':{'name':'p'},'l"
      "ogRecords':[{'body':{'stringValue':'2'},'attributes':[{'key':'k','value':{'stringValue':'b'}}]}]},{'scope"
      "':{'name':'q'},'logRecords':[{'body':{'stringValue':'3'},'attributes':[{'key':'k','value':{'stringValue':"
      "'b'}}]}]}]},{'resource':{'attributes':[{'key':'host','value':{'stringValue':'h2'}}]},'scopeLogs':[{'scope"
      "':{'name':'p'},'logRecords':[{'body':{'stringValue':'4'},'attributes':[{'key':'k','value':{'stringValue':"
      "'a'}}]}]}]}]}" },
};

static void begin(const char *statements)
{
    struct weft_buffer yaml = { 0 };
    weft_buffer_append_format(&yaml, "error_mode: silent\nflatten_data: true\nlog_statements:\n");
    while (*statements != '\0') {
        const char *end = strchrnul(statements, '\n');
        weft_buffer_append_format(&yaml, "- '%.*s'\n", (int)(end - statements), statements);
        statements = *end == '\0' ? end : end + 1;
    }
    weft_buffer_append_byte(&yaml, 0);
    component_begin(&weft_processor_transform, (const char *)yaml.bytes, WEFT_LOGS);
    weft_buffer_fini(&yaml);
}

static void append_quoted(struct weft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        weft_buffer_append_byte(out, *text == '\'' ? '"' : (uint8_t)*text);
    }
}

static struct weft_payload *make_request(void)
{
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_buffer json = { 0 };
    append_quoted(&json, request_json);
    struct weft_json_schema *schema = weft_json_schema_new(
        &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor, WEFT_JSON_CAMEL_NAMES);
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, 0);
    enum weft_status status = weft_json_read_message(schema, weft_buffer_slice(&json), NULL, payload, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    weft_json_schema_free(schema);
    weft_buffer_fini(&json);
    return payload;
}

START_TEST(test_records_have_resources_and_scopes_of_their_own)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_buffer json = { 0 };
        struct weft_buffer expected = { 0 };
        begin(cases[i].statements);
        struct weft_payload *request = make_request();
        ck_assert(offer(WEFT_LOGS, weft_payload_slice(request), NULL) == WEFT_OK);
        ck_assert(weft_json_write_request(WEFT_LOGS, weft_buffer_slice(&sink.last), &json, NULL) == WEFT_OK);
        append_quoted(&expected, cases[i].outcome);
        ck_assert_msg(weft_slice_equal(weft_buffer_slice(&json), weft_buffer_slice(&expected)), "%s\n%.*s\n%.*s",
                      cases[i].statements, WEFT_SLICE_PRINT(weft_buffer_slice(&json)),
                      WEFT_SLICE_PRINT(weft_buffer_slice(&expected)));
        weft_payload_unref(&request);
        weft_buffer_fini(&json);
        weft_buffer_fini(&expected);
        fixture_end();
    }
}
END_TEST

START_TEST(test_what_no_statement_changes_passes_as_it_came)
{
    begin("set(log.severity_text, \"x\") where log.body == \"none\"");
    struct weft_payload *request = make_request();
    ck_assert(offer(WEFT_LOGS, weft_payload_slice(request), NULL) == WEFT_OK);
    ck_assert_uint_eq(sink.last.length, weft_payload_slice(request).length);
    ck_assert_mem_eq(sink.last.bytes, weft_payload_slice(request).bytes, sink.last.length);
    weft_payload_unref(&request);
    fixture_end();
}
END_TEST

START_TEST(test_a_batch_that_is_not_taken_is_as_it_was)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        bool has_failed = true;
        for (size_t n = 1; has_failed; n++) {
            struct weft_error error = WEFT_ERROR_NONE;
            struct weft_buffer left = { 0 };
            begin(cases[i].statements);
            struct weft_payload *request = make_request();
            struct weft_batch *batch = batch_of(WEFT_LOGS, weft_payload_slice(request), NULL);
            sink.answer = WEFT_CLOSED; /* so that only the processor's own allocations are counted */
            weft_alloc_fail_at(n);
            enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
            has_failed = weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_CLOSED);
            append_batch(batch, &left);
            ck_assert_uint_eq(left.length, weft_payload_slice(request).length);
            ck_assert_mem_eq(left.bytes, weft_payload_slice(request).bytes, left.length);
            weft_batch_end(&batch, NULL, -1);
            weft_buffer_fini(&left);
            weft_payload_unref(&request);
            fixture_end();
        }
    }
}
END_TEST

/* 20,000 records under a resource of 4 KiB would be 80 MiB of resources, a million under an empty one 175 MiB of rows.
 */
static const struct {
    int records;
    size_t value_bytes;
} too_much[] = { { 20000, 4096 }, { 1000 * 1000, 0 } };

START_TEST(test_resources_that_would_be_too_many_bytes_are_refused)
{
    enum { MAX_VALUE_BYTES = 4096, RECORDS_FIELD = 2 };
    char value[MAX_VALUE_BYTES + 1] = { 0 };
    struct weft_buffer resource = { 0 }, scope = { 0 }, resource_x = { 0 }, request = { 0 };
    memset(value, 'v', too_much[_i].value_bytes);
    put_string_attribute(&resource, 1, "k", value);
    for (int i = 0; i < too_much[_i].records; i++) {
        put_field(&scope, RECORDS_FIELD, WEFT_SLICE_EMPTY);
    }
    put_message(&resource_x, 1, &resource);
    put_message(&resource_x, 2, &scope);
    put_message(&request, 1, &resource_x);
    begin("set(resource.attributes[\"k\"], 1)");
    struct weft_batch *batch = batch_of(WEFT_LOGS, weft_buffer_slice(&request), NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "one for each record, would be more than 64 MiB"));
    weft_batch_end(&batch, &error, -1);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processor transform, flat");
    TCase *tcase = tcase_create("flat");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_records_have_resources_and_scopes_of_their_own);
    tcase_add_test(tcase, test_what_no_statement_changes_passes_as_it_came);
    tcase_add_test(tcase, test_a_batch_that_is_not_taken_is_as_it_was);
    tcase_add_loop_test(tcase, test_resources_that_would_be_too_many_bytes_are_refused, 0,
                        (int)WEFT_COUNT_OF(too_much));
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
