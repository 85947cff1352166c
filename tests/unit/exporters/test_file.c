/* file: what is written, where and when. */
#include "file_test.h"

#include "trace_service.pb-c.h"

START_TEST(test_config_rules_are_the_collectors)
{
    const struct weft_component *component = &weft_exporter_file;
    component_expect_refused(component, "{}", WEFT_INVALID, "path");
    component_expect_refused(component, "path: \"\"", WEFT_INVALID, "path must be non-empty");
    component_expect_refused(component, "{path: a, append: true, rotation: {}}", WEFT_INVALID, "append and rotation");
    component_expect_refused(component, "{path: a, append: true, compression: zstd}", WEFT_INVALID,
                             "append and compression");
    component_expect_refused(component, "{path: a, format: xml}", WEFT_INVALID, "format");
    component_expect_refused(component, "{path: a, compression: gzip}", WEFT_INVALID, "compression");
    component_expect_refused(component, "{path: a, flush_interval: -1s}", WEFT_INVALID, "flush_interval");
    component_expect_refused(component, "{path: a, directory_permissions: \"0999\"}", WEFT_INVALID, "octal");
    component_expect_refused(component, "{path: a, group_by: {enabled: true}}", WEFT_UNSUPPORTED, "group_by");
    component_expect_refused(component, "{path: a, encoding: otlp}", WEFT_UNSUPPORTED, "encoding");
}
END_TEST

/* A FIFO without a reader would hold who opens it. */
START_TEST(test_path_is_a_file_or_a_stream)
{
    make_directory();
    char yaml[200];
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(yaml, sizeof yaml, "path: %s", path);
    component_expect_refused(&weft_exporter_file, yaml, WEFT_INVALID, "is a FIFO, not a file");
    snprintf(yaml, sizeof yaml, "path: %s", directory);
    component_expect_refused(&weft_exporter_file, yaml, WEFT_INVALID, "is a directory, not a file");
    component_expect_refused(&weft_exporter_file, "path: /dev/zero", WEFT_INVALID, "is a device, not a file");
    remove_directory();
}
END_TEST

/* The stream itself: what others have written to it stays, and it is written to where it stands. */
START_TEST(test_stdout_is_not_emptied)
{
    make_directory();
    int kept = dup(STDOUT_FILENO);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(write(file, "before\n", 7), 7);
    fflush(stdout);
    ck_assert_int_ge(dup2(file, STDOUT_FILENO), 0);
    component_begin(&weft_exporter_file, "{path: /dev/stdout, flush_interval: 0s}", WEFT_TRACES);
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    fixture_end();
    ck_assert_int_eq(write(STDOUT_FILENO, "after\n", 6), 6);
    ck_assert_int_ge(dup2(kept, STDOUT_FILENO), 0);
    ck_assert_str_eq(read_text(), "before\n" SPAN_LINE("one") "after\n");
    close(kept);
    close(file);
    remove_directory();
}
END_TEST

START_TEST(test_a_batch_is_a_line_after_the_flush_interval)
{
    make_directory();
    begin("");
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    ck_assert(offer_span("two", NULL) == WEFT_OK);
    ck_assert_str_eq(read_text(), "");
    ck_assert_uint_eq(held(), 2);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_QUEUED), 2);
    advance(WEFT_NS_PER_S);
    ck_assert_str_eq(read_text(), SPAN_LINE("one") SPAN_LINE("two"));
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 2);
    fixture_end();
    remove_directory();
}
END_TEST

START_TEST(test_much_is_written_at_once)
{
    make_directory();
    begin("");
    static char name[70000];
    memset(name, 'n', sizeof name - 1);
    ck_assert(offer_span(name, NULL) == WEFT_OK);
    ck_assert_uint_gt(strlen(read_text()), sizeof name);
    ck_assert_uint_eq(held(), 0);
    fixture_end();
    remove_directory();
    make_directory();
    begin("flush_interval: 0s,");
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    ck_assert_str_eq(read_text(), SPAN_LINE("one"));
    fixture_end();
    remove_directory();
}
END_TEST

START_TEST(test_append_keeps_what_was_there)
{
    make_directory();
    begin("append: true,");
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, false);
    fixture_end();
    begin("append: true,");
    ck_assert(offer_span("two", NULL) == WEFT_OK);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, false);
    ck_assert_str_eq(read_text(), SPAN_LINE("one") SPAN_LINE("two"));
    fixture_end();
    remove_directory();
}
END_TEST

/* At the start it is emptied of what was there before, and by no reload of what was written since. */
START_TEST(test_file_is_emptied_once)
{
    make_directory();
    FILE *former = fopen(path, "we");
    ck_assert_int_gt(fputs("of another run", former), 0);
    fclose(former);
    begin("");
    ck_assert(becomes_empty(path));
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_RELOAD, false);
    fixture_end();
    begin("flush_interval: 2s,");
    ck_assert_str_eq(read_text(), SPAN_LINE("one"));
    fixture_end();
    remove_directory();
}
END_TEST

static void *share(const char *keys)
{
    char yaml[400];
    snprintf(yaml, sizeof yaml, "{%s path: %s}", keys, path);
    component_begin(&weft_exporter_file, yaml, WEFT_TRACES);
    return fixture.shared;
}

/* A config that is never used: the file keeps what is in it, and what was not there is not there afterwards. */
START_TEST(test_nothing_is_changed_before_it_is_used)
{
    char made[200];
    make_directory();
    FILE *former = fopen(path, "we");
    ck_assert_int_gt(fputs("of another run", former), 0);
    fclose(former);
    ck_assert_ptr_nonnull(share(""));
    fixture_end();
    ck_assert_str_eq(read_text(), "of another run");
    begin(""); /* the next one is used, and is the first that was */
    ck_assert(becomes_empty(path));
    fixture_end();
    for (int has_more = 0; has_more < 2; has_more++) {
        snprintf(path, sizeof path, "%s/one/two/three.json", directory);
        ck_assert_ptr_nonnull(share("create_directory: true,"));
        ck_assert_int_eq(access(path, F_OK), 0);
        snprintf(made, sizeof made, "%s/one/more", directory);
        ck_assert(!has_more || mkdir(made, 0700) == 0);
        fixture_end();
        snprintf(made, sizeof made, "%s/one/two", directory);
        for (int i = 0; i < 2000 && access(made, F_OK) == 0; i++) {
            weft_pause(5 * WEFT_NS_PER_MS);
        }
        ck_assert_int_ne(access(made, F_OK), 0);
        snprintf(made, sizeof made, "%s/one", directory);
        ck_assert_int_eq(access(made, F_OK), has_more ? 0 : -1); /* of somebody else */
    }
    snprintf(made, sizeof made, "%s/one/more", directory);
    ck_assert_int_eq(rmdir(made), 0);
    remove_directory();
}
END_TEST

/* Somebody has renamed the file: what follows goes to a new one, and neither is emptied. */
START_TEST(test_renewal_opens_the_file_again)
{
    char renamed[150];
    struct weft_error error = WEFT_ERROR_NONE;
    make_directory();
    snprintf(renamed, sizeof renamed, "%s/out.json.1", directory);
    begin("flush_interval: 0s,");
    for (int is_used = 0; is_used <= 1; is_used++) {
        ck_assert(offer_span("one", NULL) == WEFT_OK);
        ck_assert(is_used == 1 || rename(path, renamed) == 0);
        ck_assert(weft_exporter_file.renew(fixture.shared, &error) == WEFT_OK);
        weft_exporter_file.end_renewal(fixture.shared, is_used == 1);
    }
    ck_assert(offer_span("two", NULL) == WEFT_OK);
    ck_assert_str_eq(read_text(), SPAN_LINE("two"));
    ck_assert(weft_exporter_file.renew(fixture.shared, &error) == WEFT_OK);
    weft_exporter_file.end_renewal(fixture.shared, true);
    ck_assert(offer_span("three", NULL) == WEFT_OK);
    ck_assert_str_eq(read_text(), SPAN_LINE("two") SPAN_LINE("three"));
    read_file(renamed);
    ck_assert_str_eq(contents, SPAN_LINE("one") SPAN_LINE("one"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(weft_exporter_file.renew(fixture.shared, &error) == WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "is a directory"));
    fixture_end();
    remove_directory();
}
END_TEST

static uint32_t big_endian(const char *bytes)
{
    const uint8_t *at = (const uint8_t *)bytes;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void expect_request(struct weft_slice bytes, const char *name)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *request =
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(NULL, bytes.length,
                                                                                         bytes.bytes);
    ck_assert_ptr_nonnull(request);
    ck_assert_str_eq(request->resource_spans[0]->scope_spans[0]->spans[0]->name, name);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(request, NULL);
}

START_TEST(test_proto_has_a_length_before_each_message)
{
    make_directory();
    begin("format: proto, flush_interval: 0s,");
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    ck_assert(offer_span("second", NULL) == WEFT_OK);
    size_t length = read_file(path);
    uint32_t first = big_endian(contents);
    expect_request(weft_slice_of(contents + 4, first), "one");
    uint32_t second = big_endian(contents + 4 + first);
    ck_assert_uint_eq(4 + first + 4 + second, length);
    expect_request(weft_slice_of(contents + 8 + first, second), "second");
    fixture_end();
    remove_directory();
}
END_TEST

static void expect_inflated(const char *format_key, void (*check)(struct weft_slice message))
{
    char keys[100];
    struct weft_payload *inflated = NULL;
    struct weft_codec_limits limits = { .max_inflated_bytes = 1 << 20 };
    make_directory();
    snprintf(keys, sizeof keys, "%s compression: zstd, flush_interval: 0s,", format_key);
    begin(keys);
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    size_t length = read_file(path);
    ck_assert_uint_eq(big_endian(contents) + 4, length);
    ck_assert(weft_inflate(fixture.host.codec, WEFT_ENCODING_ZSTD, weft_slice_of(contents + 4, length - 4), &limits,
                           fixture.host.pool, &inflated, NULL) == WEFT_OK);
    check(weft_payload_slice(inflated));
    weft_payload_unref(&inflated);
    fixture_end();
    remove_directory();
}

static void is_the_request(struct weft_slice message)
{
    expect_request(message, "one");
}

static void is_the_json(struct weft_slice message)
{
    ck_assert(message.length == sizeof SPAN_LINE("one") - 2 &&
              memcmp(message.bytes, SPAN_LINE("one"), message.length) == 0);
}

START_TEST(test_compressed_messages_have_a_length_too)
{
    expect_inflated("format: proto,", is_the_request);
    expect_inflated("", is_the_json);
}
END_TEST

START_TEST(test_acknowledgement_comes_when_it_is_true)
{
    struct weft_ticket ticket;
    make_directory();
    begin("");
    settled = 0;
    weft_ticket_init(&ticket, 1, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
    ck_assert(offer_span("one", &ticket) == WEFT_OK);
    ck_assert_uint_eq(settled, 1);
    weft_ticket_init(&ticket, 1, WEFT_ACKNOWLEDGE_DELIVERED, on_settled);
    ck_assert(offer_span("two", &ticket) == WEFT_OK);
    ck_assert_uint_eq(settled, 1);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(settled, 2);
    ck_assert(outcome.status == WEFT_OK);
    fixture_end();
    remove_directory();
}
END_TEST

START_TEST(test_create_directory_makes_the_whole_path)
{
    make_directory();
    char inner[200];
    snprintf(inner, sizeof inner, "{path: %s/a/b/out.json}", directory);
    struct weft_error error = WEFT_ERROR_NONE;
    fixture_begin(WEFT_TRACES);
    ck_assert(component_create(&weft_exporter_file, inner, WEFT_TRACES, &error) == WEFT_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "No such file"));
    fixture.shared = NULL;
    fixture_end();
    snprintf(inner, sizeof inner, "{create_directory: true, directory_permissions: \"0700\", path: %s/a/b/out.json}",
             directory);
    component_begin(&weft_exporter_file, inner, WEFT_TRACES);
    weft_exporter_file.begin_use(fixture.shared);
    fixture_end();
    struct stat status;
    snprintf(inner, sizeof inner, "%s/a/b", directory);
    ck_assert_int_eq(stat(inner, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    remove_one("a/b/out.json");
    remove_one("a/b");
    remove_one("a");
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_config_rules_are_the_collectors);
    tcase_add_test(tests, test_path_is_a_file_or_a_stream);
    tcase_add_test(tests, test_stdout_is_not_emptied);
    tcase_add_test(tests, test_a_batch_is_a_line_after_the_flush_interval);
    tcase_add_test(tests, test_much_is_written_at_once);
    tcase_add_test(tests, test_append_keeps_what_was_there);
    tcase_add_test(tests, test_file_is_emptied_once);
    tcase_add_test(tests, test_nothing_is_changed_before_it_is_used);
    tcase_add_test(tests, test_renewal_opens_the_file_again);
    tcase_add_test(tests, test_proto_has_a_length_before_each_message);
    tcase_add_test(tests, test_compressed_messages_have_a_length_too);
    tcase_add_test(tests, test_acknowledgement_comes_when_it_is_true);
    tcase_add_test(tests, test_create_directory_makes_the_whole_path);
}

int main(void)
{
    return file_run("file", add_tests);
}
