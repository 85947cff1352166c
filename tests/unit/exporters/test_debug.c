/* debug: what is shown of a batch, how often, and that it counts as sent whatever happens. */
#include "component_test.h"

#include <fcntl.h>
#include <unistd.h>

extern const struct weft_component weft_exporter_debug;

static int shown; /* a file that stands in for the log or for stdout */
static int kept_stdout;

static void begin(const char *yaml, enum weft_signal signal)
{
    char path[] = "/tmp/weft-test-debug-XXXXXX";
    shown = mkstemp(path);
    ck_assert_int_ge(shown, 0);
    unlink(path);
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_INFO, .service = "test", .descriptor = shown });
    component_begin(&weft_exporter_debug, yaml, signal);
}

static void capture_stdout(void)
{
    fflush(stdout);
    kept_stdout = dup(STDOUT_FILENO);
    ck_assert_int_ge(dup2(shown, STDOUT_FILENO), 0);
}

static void release_stdout(void)
{
    ck_assert_int_ge(dup2(kept_stdout, STDOUT_FILENO), 0);
    close(kept_stdout);
}

static char text[65536];

/* All that was shown so far. */
static const char *shown_text(void)
{
    ssize_t length = pread(shown, text, sizeof text - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return text;
}

static size_t line_count(const char *needle)
{
    size_t count = 0;
    for (const char *at = shown_text(); (at = strstr(at, needle)) != NULL; at++) {
        count++;
    }
    return count;
}

static void end(void)
{
    fixture_end();
    close(shown);
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_INFO, .service = "test", .descriptor = 2 });
}

static void offer_record(enum weft_signal signal, struct weft_buffer *own_record)
{
    struct weft_buffer request = { 0 };
    put_request(&request, weft_buffer_slice(own_record));
    ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
    weft_buffer_fini(&request);
    weft_buffer_fini(own_record);
}

START_TEST(test_config_rules)
{
    const struct weft_component *component = &weft_exporter_debug;
    component_expect_refused(component, "verbosity: loud", WEFT_INVALID, "basic");
    component_expect_refused(component, "output_paths: [stderr]", WEFT_INVALID, "use_internal_logger");
    component_expect_refused(component, "{use_internal_logger: false, output_paths: [/tmp/x]}", WEFT_UNSUPPORTED,
                             "/tmp/x");
    component_expect_refused(component, "{use_internal_logger: false, output_paths: []}", WEFT_INVALID, "empty");
}
END_TEST

START_TEST(test_basic_logs_the_counts)
{
    begin("{}", WEFT_TRACES);
    ck_assert(offer_span("GET /", NULL) == WEFT_OK);
    ck_assert_ptr_nonnull(strstr(shown_text(), "\"event\":\"debug.traces\""));
    ck_assert_ptr_nonnull(strstr(shown_text(), "\"resource spans\":1,\"spans\":1"));
    ck_assert_ptr_null(strstr(shown_text(), "GET /"));
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_QUEUED), 1);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 1);
    end();
}
END_TEST

START_TEST(test_normal_shows_a_line_per_record)
{
    struct weft_buffer record = { 0 };
    begin("{verbosity: normal, use_internal_logger: false}", WEFT_TRACES);
    capture_stdout();
    put_span(&record, "GET /\nforged");
    put_string_attribute(&record, 9, "http.method", "GET");
    put_field(&record, 9, WEFT_SLICE_LITERAL("\x0a\x01n\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    put_field(&record, 9,
              WEFT_SLICE_LITERAL("\x0a\x01"
                                 "d\x12\x09\x21\0\0\0\0\0\0\xe0\x3f"));
    put_field(&record, 9,
              WEFT_SLICE_LITERAL("\x0a\x01"
                                 "b\x12\x02\x10\x01"));
    put_field(&record, 9, WEFT_SLICE_LITERAL("\x0a\x01l\x12\x06\x2a\x04\x0a\x02\x18\x02"));
    offer_record(WEFT_TRACES, &record);
    release_stdout();
    ck_assert_str_eq(shown_text(), "Traces\t{\"exporter\": \"test\", \"resource spans\": 1, \"spans\": 1}\n"
                                   "ResourceTraces #0\nScopeTraces #0\n"
                                   "GET /\\nforged 0102030405060708090a0b0c0d0e0f10 a1a2a3a4a5a6a7a8 http.method=GET "
                                   "n=-1 d=0.5 b=true l=[2]\n");
    end();
}
END_TEST

START_TEST(test_normal_goes_to_the_log_record_by_record)
{
    struct weft_buffer record = { 0 };
    begin("verbosity: normal", WEFT_LOGS);
    put_field(&record, 5, WEFT_SLICE_LITERAL("\x0a\x05hello"));
    put_string_attribute(&record, 6, "level", "info");
    offer_record(WEFT_LOGS, &record);
    ck_assert_ptr_nonnull(strstr(shown_text(), "\"record\":\"hello level=info\""));
    ck_assert_uint_eq(line_count("debug.record"), 3); /* and the resource, the scope */
    end();
}
END_TEST

START_TEST(test_metrics_show_their_data_points)
{
    struct weft_buffer record = { 0 };
    begin("verbosity: normal", WEFT_METRICS);
    put_field(&record, 1, WEFT_SLICE_LITERAL("requests"));
    put_field(&record, 5, WEFT_SLICE_LITERAL("\x0a\x00\x0a\x00"));
    offer_record(WEFT_METRICS, &record);
    ck_assert_ptr_nonnull(strstr(shown_text(), "\"metrics\":1,\"data points\":2"));
    ck_assert_uint_eq(line_count("\"record\":\"requests{} \""), 2);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 2);
    end();
}
END_TEST

START_TEST(test_detailed_shows_every_field)
{
    begin("{verbosity: detailed, use_internal_logger: false}", WEFT_TRACES);
    capture_stdout();
    ck_assert(offer_span("GET /", NULL) == WEFT_OK);
    release_stdout();
    ck_assert_ptr_nonnull(strstr(shown_text(), "\nResourceSpans #0\nResource SchemaURL: \nScopeSpans #0\n"
                                               "ScopeSpans SchemaURL: \nInstrumentationScope  \nSpan #0\n"
                                               "    Trace ID       : 0102030405060708090a0b0c0d0e0f10\n"
                                               "    Parent ID      : \n"
                                               "    ID             : a1a2a3a4a5a6a7a8\n"
                                               "    Name           : GET /\n"
                                               "    Kind           : Unspecified\n"
                                               "    Start time     : 1970-01-01 00:00:00 +0000 UTC\n"));
    end();
}
END_TEST

START_TEST(test_detailed_goes_to_the_log_line_by_line)
{
    begin("verbosity: detailed", WEFT_TRACES);
    ck_assert(offer_span("GET /\nforged", NULL) == WEFT_OK);
    ck_assert_ptr_nonnull(strstr(shown_text(), "\"record\":\"    Name           : GET /\\\\nforged\""));
    ck_assert_uint_eq(line_count("\"event\":\"debug.record\""), 18);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 1);
    end();
}
END_TEST

START_TEST(test_sampling_is_per_second)
{
    begin("{sampling_initial: 2, sampling_thereafter: 3}", WEFT_TRACES);
    for (int i = 0; i < 11; i++) {
        ck_assert(offer_span("a", NULL) == WEFT_OK);
    }
    ck_assert_uint_eq(line_count("debug.traces"), 2 + 3); /* 1, 2, 5, 8, 11 */
    advance(WEFT_NS_PER_S);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    ck_assert_uint_eq(line_count("debug.traces"), 6);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 12);
    end();
    begin("{sampling_initial: 1, sampling_thereafter: 0}", WEFT_TRACES);
    ck_assert(offer_span("a", NULL) == WEFT_OK && offer_span("a", NULL) == WEFT_OK);
    ck_assert_uint_eq(line_count("debug.traces"), 1);
    end();
}
END_TEST

START_TEST(test_without_memory_it_is_sent_all_the_same)
{
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        begin("{verbosity: normal, use_internal_logger: false}", WEFT_TRACES);
        capture_stdout();
        struct weft_buffer record = { 0 };
        struct weft_buffer request = { 0 };
        put_span(&record, "a");
        put_string_attribute(&record, 9, "k", "v");
        put_request(&request, weft_buffer_slice(&record));
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        weft_alloc_fail_at(n);
        ck_assert(weft_consumer_consume(fixture.outlet, &batch, NULL) == WEFT_OK);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(n > 4 || has_failed);
        ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 1);
        release_stdout();
        weft_buffer_fini(&record);
        weft_buffer_fini(&request);
        end();
    }
}
END_TEST

/* A byte that leads to a long text, many times over: the text ends, and says so. */
START_TEST(test_profiles_do_not_show_what_they_refer_to_without_end)
{
    enum { INDEX_COUNT = 100000, TEXT_BYTES = 10000 };
    static const char *const yaml[] = { "{verbosity: normal, use_internal_logger: false}",
                                        "{verbosity: detailed, use_internal_logger: false}" };
    static char long_text[TEXT_BYTES];
    static uint8_t indices[INDEX_COUNT]; /* all of the first attribute */
    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < WEFT_COUNT_OF(yaml); i++) {
        struct weft_buffer value = { 0 }, attribute = { 0 }, sample = { 0 }, profile = { 0 };
        struct weft_buffer dictionary = { 0 }, request = { 0 };
        begin(yaml[i], WEFT_PROFILES);
        capture_stdout();
        put_field(&value, 1, weft_slice_of(long_text, sizeof long_text));
        put_message(&attribute, 2, &value);
        put_message(&dictionary, 6, &attribute);
        put_field(&sample, 2, weft_slice_of(indices, sizeof indices));
        put_field(&profile, 11, weft_slice_of(indices, sizeof indices));
        put_message(&profile, 2, &sample);
        put_request(&request, weft_buffer_slice(&profile));
        put_message(&request, 2, &dictionary);
        ck_assert(offer(WEFT_PROFILES, weft_buffer_slice(&request), NULL) == WEFT_OK);
        release_stdout();
        off_t shown_bytes = lseek(shown, 0, SEEK_END);
        ck_assert_int_gt(shown_bytes, TEXT_BYTES);
        ck_assert_int_lt(shown_bytes, (off_t)(17 * request.length + 100000));
        ck_assert_ptr_nonnull(strstr(shown_text(), "Profiles\t{\"exporter\": \"test\", \"resource profiles\": 1, "
                                                   "\"sample records\": 1}"));
        ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 1);
        weft_buffer_fini(&profile);
        weft_buffer_fini(&request);
        end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_profiles_do_not_show_what_they_refer_to_without_end);
    tcase_add_test(tests, test_config_rules);
    tcase_add_test(tests, test_basic_logs_the_counts);
    tcase_add_test(tests, test_normal_shows_a_line_per_record);
    tcase_add_test(tests, test_normal_goes_to_the_log_record_by_record);
    tcase_add_test(tests, test_metrics_show_their_data_points);
    tcase_add_test(tests, test_detailed_shows_every_field);
    tcase_add_test(tests, test_detailed_goes_to_the_log_line_by_line);
    tcase_add_test(tests, test_sampling_is_per_second);
    tcase_add_test(tests, test_without_memory_it_is_sent_all_the_same);
}

int main(void)
{
    return component_run("debug", add_tests);
}
