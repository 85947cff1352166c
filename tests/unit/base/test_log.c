/* The log as its reader sees it: through a pipe, each line one JSON object, rate-limited per site. */
#include "base/base_test.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

/* A strict reader of JSON (RFC 8259): returns where the value ends, NULL if it is none. */
static const char *json_value_end(const char *at);

static const char *json_string_end(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4) {
                at += 4;
            } else if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL) {
                return NULL;
            }
        }
    }
    return at + 1;
}

static const char *json_object_end(const char *at)
{
    if (*at++ != '{') {
        return NULL;
    }
    if (*at == '}') {
        return at + 1;
    }
    for (;;) {
        at = json_string_end(at);
        if (at == NULL || *at != ':') {
            return NULL;
        }
        at = json_value_end(at + 1);
        if (at == NULL || (*at != ',' && *at != '}')) {
            return NULL;
        }
        if (*at++ == '}') {
            return at;
        }
    }
}

static const char *json_value_end(const char *at)
{
    if (*at == '"') {
        return json_string_end(at);
    }
    if (*at == '{') {
        return json_object_end(at);
    }
    if (strncmp(at, "null", 4) == 0) {
        return at + 4;
    }
    if (strchr("-0123456789", *at) == NULL) {
        return NULL; /* strtod takes nan and inf */
    }
    char *end = NULL;
    strtod(at, &end);
    return end == at ? NULL : end;
}

struct reader {
    int descriptors[2];
    char text[256 * 1024];
};

static struct reader reader;

static void start_reading(enum weft_log_level level)
{
    ck_assert_int_eq(pipe2(reader.descriptors, O_NONBLOCK), 0);
    ck_assert_int_gt(fcntl(reader.descriptors[1], F_SETPIPE_SZ, 1 << 18), 0);
    struct weft_log_config config = { level, "weft-test", "staging", reader.descriptors[1] };
    weft_log_configure(&config);
}

/* All that was written since; every line must be one object. Returns the number of lines. */
static size_t read_lines(void)
{
    ssize_t length = read(reader.descriptors[0], reader.text, sizeof reader.text - 1);
    reader.text[length < 0 ? 0 : length] = '\0';
    size_t lines = 0;
    for (const char *at = reader.text; *at != '\0'; at++, lines++) {
        const char *end = json_object_end(at);
        ck_assert_msg(end != NULL && *end == '\n', "not one JSON object: %.400s", at);
        at = end;
    }
    return lines;
}

static void stop_reading(void)
{
    struct weft_log_config config = { WEFT_LOG_INFO, "weft", "", 2 };
    weft_log_configure(&config);
    close(reader.descriptors[0]);
    close(reader.descriptors[1]);
}

START_TEST(test_line_holds_the_fields_of_the_schema)
{
    start_reading(WEFT_LOG_INFO);
    weft_log(INFO, "agent.started", "weft \"is\" up", WEFT_LOG_INT("workers", -2), WEFT_LOG_STRING("path", "/a\n\xff"),
             WEFT_LOG_DOUBLE("share", 0.5), WEFT_LOG_SLICE("name", weft_slice_of("abc", 2)));
    ck_assert_uint_eq(read_lines(), 1);
    char time_text[WEFT_RFC3339_BYTES];
    weft_wall_format(weft_wall_now(), time_text);
    ck_assert_int_eq(strncmp(reader.text, "{\"timestamp\":\"20", 16), 0);
    ck_assert_uint_eq(strcspn(reader.text + 14, "\""), strlen(time_text));
    ck_assert_ptr_nonnull(strstr(reader.text,
                                 ",\"level\":\"info\",\"service\":\"weft-test\",\"environment\":\"staging\","
                                 "\"event\":\"agent.started\",\"message\":\"weft \\\"is\\\" up\",\"data\":{"
                                 "\"workers\":-2,\"path\":\"/a\\n\xef\xbf\xbd\",\"share\":0.5,\"name\":\"ab\"}}"));
    weft_log(INFO, "agent.plain", "no fields");
    ck_assert_uint_eq(read_lines(), 1);
    ck_assert_ptr_null(strstr(reader.text, "data"));
    stop_reading();
}
END_TEST

START_TEST(test_lower_levels_are_silent)
{
    start_reading(WEFT_LOG_WARN);
    ck_assert(!weft_log_is_enabled(WEFT_LOG_INFO));
    ck_assert(weft_log_is_enabled(WEFT_LOG_WARN));
    weft_log(DEBUG, "a", "a");
    weft_log(INFO, "a", "a");
    weft_log(WARN, "a", "a");
    weft_log(ERROR, "a", "a");
    ck_assert_uint_eq(read_lines(), 2);
    stop_reading();
}
END_TEST

START_TEST(test_numbers_that_json_lacks_become_null)
{
    start_reading(WEFT_LOG_INFO);
    weft_log(INFO, "a", "a", WEFT_LOG_DOUBLE("nan", NAN), WEFT_LOG_DOUBLE("inf", INFINITY),
             WEFT_LOG_DOUBLE("minus", -INFINITY), WEFT_LOG_INT("least", INT64_MIN));
    ck_assert_uint_eq(read_lines(), 1);
    ck_assert_ptr_nonnull(
        strstr(reader.text, "{\"nan\":null,\"inf\":null,\"minus\":null,\"least\":-9223372036854775808}"));
    stop_reading();
}
END_TEST

/* Fields that do not fit are left out, a message that does not fit is cut; the line stays an object. */
START_TEST(test_long_lines_stay_objects)
{
    static char text[40000];
    start_reading(WEFT_LOG_INFO);
    for (size_t length = 15000; length<17000; length += length> 15900 && length < 16400 ? 1 : 61) {
        memset(text, 'x', length);
        text[length] = '\0';
        weft_log(INFO, "long.field", "kept", WEFT_LOG_STRING("text", text));
        ck_assert_uint_eq(read_lines(), 1);
        ck_assert_ptr_nonnull(strstr(reader.text, "\"message\":\"kept\""));
        weft_log(INFO, "long.message", text);
        ck_assert_uint_eq(read_lines(), 1);
        ck_assert_ptr_nonnull(strstr(reader.text, "\"event\":\"long.message\""));
        memset(text, '\1', length);
        weft_log(INFO, "long.escaped", text, WEFT_LOG_STRING("text", text));
        ck_assert_uint_eq(read_lines(), 1);
        ck_assert_ptr_nonnull(strstr(reader.text, "\"event\":\"long.escaped\""));
        ck_assert_uint_le(strlen(reader.text), 16 * 1024 + 16);
    }
    stop_reading();
}
END_TEST

START_TEST(test_site_is_limited_and_says_what_it_kept_back)
{
    start_reading(WEFT_LOG_INFO);
    uint64_t before = weft_log_suppressed_total();
    struct weft_log_site site = { 0 };
    struct weft_log_site other = { 0 };
    for (size_t i = 0; i < 1000; i++) {
        weft_log_write(&site, WEFT_LOG_ERROR, "export.failed", "refused", NULL, 0);
    }
    ck_assert_uint_eq(read_lines(), 10);
    ck_assert_uint_eq(weft_log_suppressed_total() - before, 990);
    weft_log_write(&other, WEFT_LOG_WARN, "export.retry", "again", NULL, 0);
    ck_assert_uint_eq(read_lines(), 1);
    /* Ten seconds later, as the site sees it. */
    site.window_start_ns -= 10 * WEFT_NS_PER_S;
    const struct weft_log_field field = WEFT_LOG_INT("attempt", 3);
    weft_log_write(&site, WEFT_LOG_ERROR, "export.failed", "refused", &field, 1);
    ck_assert_uint_eq(read_lines(), 1);
    ck_assert_ptr_nonnull(strstr(reader.text, "\"data\":{\"attempt\":3,\"suppressed\":990}"));
    weft_log_write(&site, WEFT_LOG_ERROR, "export.failed", "refused", NULL, 0);
    ck_assert_uint_eq(read_lines(), 1);
    ck_assert_ptr_null(strstr(reader.text, "suppressed"));
    stop_reading();
}
END_TEST

START_TEST(test_info_is_not_limited)
{
    start_reading(WEFT_LOG_INFO);
    for (size_t i = 0; i < 100; i++) {
        weft_log(INFO, "a", "a");
    }
    ck_assert_uint_eq(read_lines(), 100);
    stop_reading();
}
END_TEST

/* A line that cannot be made is lost; what is written stays whole. */
START_TEST(test_failed_allocation_loses_fields_or_the_line)
{
    static char text[3000];
    memset(text, 'x', sizeof text - 1);
    start_reading(WEFT_LOG_INFO);
    bool has_failed = true;
    size_t shortened_count = 0;
    for (size_t nth = 1; has_failed; nth++) {
        weft_alloc_fail_at(nth);
        weft_log(INFO, "no.memory", "kept", WEFT_LOG_STRING("text", text));
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        size_t lines = read_lines();
        bool has_fields = strstr(reader.text, "\"text\"") != NULL;
        ck_assert_int_eq(lines == 1 && has_fields, !has_failed);
        shortened_count += lines == 1 && !has_fields;
    }
    ck_assert_uint_gt(shortened_count, 0);
    stop_reading();
}
END_TEST

enum { LOG_THREADS = 4, LOG_LINES = 200 };

static void write_lines(void *context)
{
    for (size_t i = 0; i < LOG_LINES; i++) {
        weft_log(INFO, "thread.line", "one of many", WEFT_LOG_INT("number", i), WEFT_LOG_STRING("who", context));
    }
}

START_TEST(test_lines_of_several_threads_do_not_mix)
{
    start_reading(WEFT_LOG_INFO);
    static char name[] = "somebody";
    struct weft_thread *threads[LOG_THREADS];
    for (size_t i = 0; i < LOG_THREADS; i++) {
        threads[i] = weft_thread_start("logger", write_lines, name);
    }
    for (size_t i = 0; i < LOG_THREADS; i++) {
        weft_thread_join(threads[i]);
    }
    ck_assert_uint_eq(read_lines(), LOG_THREADS * LOG_LINES);
    stop_reading();
}
END_TEST

/* A line is about 4 KiB, so that a pipe that nobody reads takes few of them, and the ring some thousand. */
static void log_long_lines(size_t count)
{
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < count; i++) {
        weft_log(INFO, "long", "a line", WEFT_LOG_STRING("text", text));
    }
}

static void stop_reading_for_good(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0); /* blocking: a direct write would never return */
    weft_log_configure(&(struct weft_log_config){ WEFT_LOG_INFO, "weft-test", "", ends[1] });
}

static void end_with_a_reader_gone(void *context)
{
    (void)context;
    stop_reading_for_good();
    weft_log_start_thread();
    log_long_lines(2000);
    uint64_t lost = weft_log_lost_total();
    ck_assert_uint_gt(lost, 500);
    ck_assert_uint_lt(lost, 1500);
    weft_log_end_thread(1);
    log_long_lines(1);
    ck_assert_uint_eq(weft_log_lost_total(), lost + 1);
    weft_log_rescue(1);
    abort();
}

/* In a child, for whose log there is no hope afterwards. It comes to its end, which is to abort. */
START_TEST(test_nobody_waits_for_a_reader)
{
    ck_assert(base_test_aborts(end_with_a_reader_gone, NULL));
}
END_TEST

/* Lines that are not read in one piece: what is left of the last one is kept at the start. */
static void read_until(const char *wanted)
{
    size_t kept = 0;
    for (size_t i = 0; i < 30000; i++) {
        ssize_t length = read(reader.descriptors[0], reader.text + kept, sizeof reader.text - 1 - kept);
        kept += length < 0 ? 0 : (size_t)length;
        reader.text[kept] = '\0';
        char *line = reader.text;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            ck_assert_ptr_eq(json_object_end(line), end);
            *end = '\0';
            if (strstr(line, wanted) != NULL) {
                return;
            }
        }
        kept = strlen(line);
        memmove(reader.text, line, kept + 1);
        usleep(1000);
    }
    ck_abort_msg("not read: %s", wanted);
}

START_TEST(test_thread_writes_what_was_logged_before_it_ends)
{
    start_reading(WEFT_LOG_INFO);
    weft_log_start_thread();
    for (size_t i = 0; i < 100; i++) {
        weft_log(INFO, "numbered", "a line", WEFT_LOG_INT("number", i));
    }
    weft_log_end_thread(30 * WEFT_NS_PER_S);
    ck_assert_uint_eq(read_lines(), 100);
    ck_assert_ptr_nonnull(strstr(reader.text, "\"number\":99"));
    weft_log(INFO, "direct", "as before");
    ck_assert_uint_eq(read_lines(), 1);
    stop_reading();
}
END_TEST

/* Whole lines go round the ring, and those that found it full are told of once somebody reads. */
START_TEST(test_lost_lines_are_counted_and_told_of)
{
    start_reading(WEFT_LOG_INFO);
    weft_log_start_thread();
    uint64_t lost = weft_log_lost_total();
    log_long_lines(3000);
    lost = weft_log_lost_total() - lost;
    ck_assert_uint_gt(lost, 0);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"lines\":%llu,", (unsigned long long)lost);
    read_until(wanted);
    weft_log_end_thread(30 * WEFT_NS_PER_S);
    stop_reading();
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_nobody_waits_for_a_reader), /* first: it forks, and later there are threads */
        BASE_TEST(test_line_holds_the_fields_of_the_schema),
        BASE_TEST(test_lower_levels_are_silent),
        BASE_TEST(test_numbers_that_json_lacks_become_null),
        BASE_TEST(test_long_lines_stay_objects),
        BASE_TEST(test_site_is_limited_and_says_what_it_kept_back),
        BASE_TEST(test_info_is_not_limited),
        BASE_TEST(test_failed_allocation_loses_fields_or_the_line),
        BASE_TEST(test_lines_of_several_threads_do_not_mix),
        BASE_TEST(test_thread_writes_what_was_logged_before_it_ends),
        BASE_TEST(test_lost_lines_are_counted_and_told_of),
    };
    return BASE_TEST_RUN("log", tests);
}
