/* Sanitizers: what each makes of a text, and which texts of a record each is asked about. The rows up to "ours" are
 * what the Collector's redactionprocessor 0.158 makes of them. */
#include "redaction_test.h"

#include "processors/redaction_walk.h"

static const struct row {
    enum weft_sanitizer sanitizer;
    const char *text, *expected; /* NULL: as it came */
} rows[] = {
    { WEFT_SANITIZE_URL, "", NULL },
    { WEFT_SANITIZE_URL, "/users/123", "/users/*" },
    { WEFT_SANITIZE_URL, "/v1/k8s/pod-name_x.y/", "/v1/k8s/pod-name_x.y/" },
    { WEFT_SANITIZE_URL, "https://example.com/orders/9?id=4#x", "*//example.com/orders/*" },
    { WEFT_SANITIZE_URL, "/xqzjvk/profile", "/*/profile" },
    { WEFT_SANITIZE_URL, "/jwfvkq?a", "/jwfvkq" },
    { WEFT_SANITIZE_URL, "?x", "" },
    { WEFT_SANITIZE_URL, "/h\xc3\xa9llo/x", "/*/x" },
    { WEFT_SANITIZE_SQL, "", NULL },
    { WEFT_SANITIZE_SQL, " SELECT a, 'it''s', -2.5e-3, 0x1F, 017 FROM t1 ", "SELECT a, ??, ?, ?, ? FROM t?" },
    { WEFT_SANITIZE_SQL, "a='x\\' 1' AND b=$12 AND c=@p1 AND d=:q1", "a=? AND b=? AND c=@p1 AND d=:q?" },
    { WEFT_SANITIZE_SQL, "TRUE, false, nULL, nullable, true1", "?, ?, ?, nullable, true?" },
    { WEFT_SANITIZE_SQL, "fn2(1) \"t 3\".\"c4\" /* 5 */ -- 6\n7", "fn2(?) \"t ?\".\"c?\" /* 5 */ -- 6\n?" },
    { WEFT_SANITIZE_SQL, "a=-1 b->'k' c#>>'{d}' 'open 5", "a=-? b->? c#>>? ?" },
    { WEFT_SANITIZE_SQL, "$$ x $$ $t$ it's $t$ $func$ SELECT 1 $func$", "? ? $func$SELECT ?$func$" },
    { WEFT_SANITIZE_SQL, "`a1` #4 @@x1 1.2.3 12abc", "`a?` #? @@x1 ? ?abc" },
    { WEFT_SANITIZE_REDIS, "SET  k v EX 10\nget k", "SET k ? EX 10\nget k" },
    { WEFT_SANITIZE_REDIS, "AUTH u p", "AUTH ?" },
    { WEFT_SANITIZE_REDIS, "MSET a 1 b 2\r\nHSET h f v g w", "MSET a ? b ?\nHSET h f ? g ?" },
    { WEFT_SANITIZE_REDIS, "SADD s a b c\nLPUSH l", "SADD s ?\nLPUSH l" },
    { WEFT_SANITIZE_REDIS, "ZADD z NX 1 a 2 b\nZADD z NX", "ZADD z NX 1 ? 2 ?\nZADD z NX" },
    { WEFT_SANITIZE_REDIS, "BITFIELD k GET u8 0 SET u8 1 2 SET u8 1 2", "BITFIELD k GET u8 0 SET u8 1 ? SET u8 1 2" },
    { WEFT_SANITIZE_REDIS, "CONFIG SET p v\nCONFIG GET p v", "CONFIG SET p ?\nCONFIG GET p v" },
    { WEFT_SANITIZE_REDIS, "SET k \"a\\\" b\nc\" d", "SET k ? d" },
    { WEFT_SANITIZE_REDIS, "x\n \n a b\nc", "x\nc" },
    { WEFT_SANITIZE_MEMCACHED, " set k 0 0 5\r\nvalue", "set k 0 0 5" },
    { WEFT_SANITIZE_MEMCACHED, "\xc2\xa0get k\xe3\x80\x80", "get k" },
    { WEFT_SANITIZE_MONGO, " {\"a\" : [1, \"x\", {}, [true]], \"b\":{\"c\\n\":null}} ",
      "{\"a\":[\"?\",\"?\",{},[\"?\"]],\"b\":{\"c\\n\":\"?\"}} " },
    { WEFT_SANITIZE_ES, "-1.5e3", "\"?\"" },
    { WEFT_SANITIZE_MONGO, "{\"a\":01}", NULL },
    { WEFT_SANITIZE_MONGO, "[1,]", NULL },
    { WEFT_SANITIZE_MONGO, "{} {}", NULL },
    { WEFT_SANITIZE_MONGO, "\"\\u00g9\"", NULL },
    { WEFT_SANITIZE_MONGO, "", NULL },
    /* ours */
    { WEFT_SANITIZE_URL, "/a/b/c/d/e/f/g/h/xqzword/x", "/a/b/c/d/e/f/g/h/*" },
    { WEFT_SANITIZE_SQL, "a = \"x 1 'y' b2", "a = \"x ? ? b?" },
    { WEFT_SANITIZE_SQL, "a = $t$ it's", "a = ?" },
    { WEFT_SANITIZE_SQL, "$ x = 'y'", "$ x = ?" },
};

static void check_row(enum weft_sanitizer sanitizer, bool is_mysql, const char *text, const char *expected)
{
    struct weft_buffer out = { 0 };
    weft_buffer_append_text(&out, "before ");
    weft_sanitize(sanitizer, is_mysql, weft_slice_of_text(text), &out);
    struct weft_slice made = weft_slice_of(out.bytes + 7, out.length - 7);
    ck_assert_msg(weft_slice_equal_text(made, expected == NULL ? text : expected), "%s became %.*s", text,
                  WEFT_SLICE_PRINT(made));
    weft_buffer_fini(&out);
}

START_TEST(test_each_text_is_sanitized)
{
    check_row(rows[_i].sanitizer, false, rows[_i].text, rows[_i].expected);
}
END_TEST

START_TEST(test_mysql_has_strings_in_double_quotes)
{
    check_row(WEFT_SANITIZE_SQL, true, "a = \"x\" AND `b1` = 'y' # 5\n6", "a = ? AND `b?` = ? # 5\n?");
}
END_TEST

/* Nothing is read beyond the end, wherever a text ends. */
START_TEST(test_each_start_of_a_text_is_sanitized)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        for (size_t length = 0; length <= strlen(rows[i].text); length++) {
            struct weft_buffer out = { 0 };
            uint8_t *exact = weft_alloc(length == 0 ? 1 : length);
            memcpy(exact, rows[i].text, length);
            weft_sanitize(rows[i].sanitizer, i % 2 == 0, weft_slice_of(exact, length), &out);
            ck_assert(out.length <= 3 * length);
            weft_buffer_fini(&out);
            weft_free(exact);
        }
    }
}
END_TEST

START_TEST(test_json_that_is_nested_too_deeply_stays)
{
    enum { DEPTH = 10000 };
    for (size_t depth = DEPTH; depth <= DEPTH + 1; depth++) {
        struct weft_buffer text = { 0 };
        struct weft_buffer out = { 0 };
        for (size_t i = 0; i < depth; i++) {
            weft_buffer_append_text(&text, "[");
        }
        weft_buffer_append_text(&text, "1");
        for (size_t i = 0; i < depth; i++) {
            weft_buffer_append_text(&text, "]");
        }
        weft_sanitize_json(weft_buffer_slice(&text), &out);
        ck_assert_uint_eq(out.length, text.length + (depth == DEPTH ? 2 : 0));
        weft_buffer_fini(&text);
        weft_buffer_fini(&out);
    }
}
END_TEST

#define ALL   "allow_all_keys: true\n"
#define URL   "url_sanitizer: {enabled: true, attributes: [u]}\n"
#define SQL   "db_sanitizer: {sql: {enabled: true, attributes: [q]}}\n"
#define MONGO "db_sanitizer: {mongo: {enabled: true, attributes: [q]}, redis: {enabled: true, attributes: [q]}}\n"
#define NAMED(name, kind, attributes)                                                                               \
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'name':'" name "','kind':" kind ",'attributes':[" attributes "]}]" \
    "}]}]}"

static const struct {
    const char *config, *input, *expected;
} cases[] = {
    /* attributes by their keys, databases by their systems */
    { ALL URL, SPAN(TEXT("u", "/a/1") "," TEXT("v", "/a/1")), SPAN(TEXT("u", "/a/*") "," TEXT("v", "/a/1")) },
    { ALL URL, SPAN(ATTRIBUTE("u", INT("1"))), NULL },
    { ALL URL "redact_all_types: true", SPAN(ATTRIBUTE("u", INT("1"))), SPAN(TEXT("u", "*")) },
    { ALL URL "allowed_values: ['^/a']", SPAN(TEXT("u", "/a/1") "," TEXT("u", "/b/1")),
      SPAN(TEXT("u", "/a/1") "," TEXT("u", "/b/*")) },
    { ALL URL "blocked_values: [secret]", SPAN(TEXT("u", "/a/secret?x")), SPAN(TEXT("u", "/a/*")) },
    { ALL SQL, SPAN(TEXT("q", "a = 1")), NULL },
    { ALL SQL, SPAN(TEXT("q", "a = 1") "," TEXT("db.system", "SQLite")),
      SPAN(TEXT("q", "a = ?") "," TEXT("db.system", "SQLite")) },
    { ALL SQL, SPAN(TEXT("q", "a = 1") "," TEXT("db.system", "sqlite") "," TEXT("db.system.name", "oracle")), NULL },
    { ALL SQL, LOG(TEXT("q", "a = 1")), LOG(TEXT("q", "a = ?")) },
    { ALL SQL, LOG(TEXT("q", "a = 1") "," TEXT("db.system", "redis")), NULL },
    { ALL MONGO, LOG(TEXT("q", "{}  1")), LOG(TEXT("q", "{} 1")) },
    { ALL MONGO, LOG(TEXT("q", "[1,  2]") "," TEXT("db.system", "mongodb")),
      LOG(TEXT("q", "[\\\"?\\\",\\\"?\\\"]") "," TEXT("db.system", "mongodb")) },
    /* bodies */
    { ALL SQL, LOG_BODY(STRING("a = 1"), ""), LOG_BODY(STRING("a = ?"), "") },
    { ALL SQL URL, LOG_BODY(INT("1"), ""), LOG_BODY(STRING("*"), "") },
    { ALL SQL "summary: debug", LOG_BODY(MAP(TEXT("k", "5")), ""),
      LOG_BODY(MAP(TEXT("k", "?")), KEYS("body.masked", "k") "," COUNT("body.masked", "1")) },
    /* names of spans */
    { ALL URL, NAMED("GET /users/1", "3", ""), NAMED("GET /users/*", "3", "") },
    { ALL URL, NAMED("GET /users/1", "1", ""), NULL },
    { ALL URL, NAMED("users1", "2", ""), NULL },
    { ALL URL, NAMED("GET users1", "2", TEXT("http.route", "x")), NULL },
    { ALL URL, NAMED("GET users1?x", "2", TEXT("http.route", "x")), NULL },
    { ALL URL, NAMED("users x?1", "2", TEXT("http.route", "x")), NAMED("users x", "2", TEXT("http.route", "x")) },
    { "allowed_keys: [a]\n" URL, NAMED("users x?1", "2", TEXT("http.route", "x")), NAMED("users x?1", "2", "") },
    { ALL URL, NAMED("/1/2", "3", ""), NULL },
    { ALL URL "allowed_values: [users]", NAMED("GET /users/1", "3", ""), NULL },
    { ALL "url_sanitizer: {enabled: true, sanitize_span_name: false}", NAMED("GET /users/1", "3", ""), NULL },
    { ALL SQL, NAMED("SELECT 1", "3", TEXT("db.system", "mysql")), NAMED("SELECT ?", "3", TEXT("db.system", "mysql")) },
    { ALL SQL, NAMED("SELECT 1", "4", TEXT("db.system", "mysql")), NULL },
    { ALL SQL, NAMED("SELECT 1", "3", ""), NULL },
    { ALL "db_sanitizer: {sql: {enabled: true}, sanitize_span_name: false}",
      NAMED("SELECT 1", "3", TEXT("db.system", "mysql")), NULL },
    { ALL URL "summary: debug", NAMED("GET /users/1", "3", TEXT("a", "x")),
      NAMED("GET /users/*", "3", TEXT("a", "x")) },
    /* ours */
    { ALL URL, SPAN(ATTRIBUTE("u", ARRAY(STRING("/a/1")))), SPAN(ATTRIBUTE("u", ARRAY(STRING("/a/*")))) },
    { ALL SQL, SPAN(TEXT("q", "a = \\\"x\\\"") "," TEXT("db.system", "mariadb")),
      SPAN(TEXT("q", "a = ?") "," TEXT("db.system", "mariadb")) },
    { ALL "db_sanitizer: {es: {enabled: true, attributes: [q]}}", LOG(TEXT("q", "[1]")),
      LOG(TEXT("q", "[\\\"?\\\"]")) },
};

START_TEST(test_each_place_is_sanitized)
{
    enum weft_signal signal = signal_of(cases[_i].input);
    component_begin(&weft_processor_redaction, cases[_i].config, signal);
    struct weft_buffer input = request_of(cases[_i].input);
    struct weft_buffer expected = request_of(cases[_i].expected == NULL ? cases[_i].input : cases[_i].expected);
    ck_assert(offer(signal, weft_buffer_slice(&input), NULL) == WEFT_OK);
    struct weft_slice last = weft_buffer_slice(&sink.last);
    if (!weft_slice_equal(last, weft_buffer_slice(&expected))) {
        struct weft_buffer text = { 0 };
        weft_buffer_append_json_escaped(&text, last);
        ck_abort_msg("%s\n%s\nbecame\n%.*s", cases[_i].config, cases[_i].input,
                     WEFT_SLICE_PRINT(weft_buffer_slice(&text)));
    }
    weft_buffer_fini(&input);
    weft_buffer_fini(&expected);
    fixture_end();
}
END_TEST

/* A span that has its name twice: the last counts, but both would leave. */
START_TEST(test_a_name_that_does_not_count_goes)
{
    component_begin(&weft_processor_redaction, ALL URL, WEFT_TRACES);
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    put_field(&record, 5, WEFT_SLICE_LITERAL("GET /users/17"));
    weft_buffer_append(&record, "\x30\x03", 2);
    put_field(&record, 5, WEFT_SLICE_LITERAL("GET /users/18"));
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert(contains(weft_buffer_slice(&sink.last), "GET /users/*"));
    ck_assert(!contains(weft_buffer_slice(&sink.last), "17"));
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* Memory that runs out at any point: nothing was changed, and it is said, or the ids are hidden. */
START_TEST(test_each_allocation_failing_leaves_no_id)
{
    size_t failures = 0;
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        component_begin(&weft_processor_redaction, ALL URL SQL, WEFT_TRACES);
        struct weft_buffer request = request_of(
            NAMED("SELECT 4711", "3", TEXT("u", "/a/4711") "," TEXT("q", "4711") "," TEXT("db.system", "mysql")));
        struct weft_otlp_walk walk = weft_otlp_walk_of(weft_buffer_slice(&request));
        struct weft_slice record;
        ck_assert(weft_otlp_walk_next(&walk, &record));
        struct weft_slice result = record;
        struct weft_arena *arena = weft_arena_try_new();
        struct weft_redactor redactor;
        weft_alloc_fail_at(n);
        enum weft_status status = weft_redactor_init(&redactor, fixture.shared, NULL);
        if (status == WEFT_OK) {
            status = weft_redactor_apply(&redactor, WEFT_TRACES, WEFT_REDACTION_RECORD, arena, &result);
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        failures += has_failed;
        ck_assert(has_failed || status == WEFT_OK);
        ck_assert(status == WEFT_OK ? !contains(result, "4711") : weft_slice_equal(result, record));
        weft_redactor_fini(&redactor);
        weft_arena_unref(&arena);
        weft_buffer_fini(&request);
        fixture_end();
    }
    ck_assert_uint_gt(failures, 3);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_each_text_is_sanitized, 0, WEFT_COUNT_OF(rows));
    tcase_add_test(tests, test_mysql_has_strings_in_double_quotes);
    tcase_add_test(tests, test_each_start_of_a_text_is_sanitized);
    tcase_add_test(tests, test_json_that_is_nested_too_deeply_stays);
    tcase_add_loop_test(tests, test_each_place_is_sanitized, 0, WEFT_COUNT_OF(cases));
    tcase_add_test(tests, test_a_name_that_does_not_count_goes);
    tcase_add_test(tests, test_each_allocation_failing_leaves_no_id);
}

int main(void)
{
    return component_run("redaction sanitizers", add_tests);
}
