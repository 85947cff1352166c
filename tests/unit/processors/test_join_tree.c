/* What people are told of a trace: held, kept, dropped, forgotten, not seen, and its tree, whatever shape the spans are
 * of. Every answer is read as JSON. */
#include "join_records.h"
#include "suite.h"

enum { SPAN_LIMIT = 2000 };

#define KEEP_ALL "decision_wait: 1s\npolicies: [{name: all, type: always_sample}]\n"
#define KEEP_NONE \
    "decision_wait: 1s\npolicies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n"

static const uint8_t trace_id[16] = "a trace to see !";

/* ---- JSON: is it whole ---- */

/* An assertion of check writes to a pipe, also when it holds. */
#define REQUIRE(condition, ...)        \
    do {                               \
        if (!(condition)) {            \
            ck_abort_msg(__VA_ARGS__); \
        }                              \
    } while (0)

static const char *skip_value(const char *at);

static const char *skip_text(const char *at)
{
    REQUIRE(*at == '"', "not a text: %.40s", at);
    for (at++; *at != '"'; at++) {
        REQUIRE((unsigned char)*at >= 0x20, "a control byte in a text");
        at += *at == '\\';
        REQUIRE(*at != 0, "a text without an end");
    }
    return at + 1;
}

static const char *skip_list(const char *at, char end, bool has_keys)
{
    if (*at == end) {
        return at + 1;
    }
    for (;; at++) {
        if (has_keys) {
            at = skip_text(at);
            REQUIRE(*at == ':', "not a member: %.40s", at);
            at++;
        }
        at = skip_value(at);
        if (*at == end) {
            return at + 1;
        }
        REQUIRE(*at == ',', "not a list: %.40s", at);
    }
}

static const char *skip_value(const char *at)
{
    switch (*at) {
    case '{':
        return skip_list(at + 1, '}', true);
    case '[':
        return skip_list(at + 1, ']', false);
    case '"':
        return skip_text(at);
    default: {
        size_t length = strspn(at, "-.0123456789truefalsn");
        REQUIRE(length > 0, "not a value: %.40s", at);
        return at + length;
    }
    }
}

/* ---- asking ---- */

struct told {
    enum weft_trace_knowledge knowledge;
    char *json; /* an object, "{}" if nothing is known */
};

static struct told ask(struct weft_trace_question question)
{
    struct told told;
    struct weft_trace_answer answer = { .knowledge = WEFT_TRACE_NOT_SEEN };
    question.word = "test";
    weft_buffer_init(&answer.json, 0);
    weft_join_look_up(join->cores[0], &question, &answer);
    told.knowledge = answer.knowledge;
    told.json = weft_alloc_format("{%.*s}", (int)answer.json.length, (char *)answer.json.bytes);
    ck_assert_str_eq(skip_value(told.json), "");
    weft_buffer_fini(&answer.json);
    return told;
}

static struct told ask_id(void)
{
    struct weft_trace_question question = { .has_trace_id = true };
    memcpy(question.trace_id, trace_id, 16);
    return ask(question);
}

static unsigned count_of(const char *json, const char *word)
{
    unsigned count = 0;
    for (size_t length = strlen(word); *json != 0; json++) {
        count += *json == *word && strncmp(json, word, length) == 0;
    }
    return count;
}

static struct join_record span(uint32_t number, uint32_t parent)
{
    return (struct join_record){
        .number = number, .trace_id = trace_id, .parent = parent, .start_ns = 1000, .end_ns = 2000
    };
}

static struct join_record line(uint32_t number, uint32_t at_span)
{
    return (struct join_record){ .number = number, .pipeline = 1, .trace_id = trace_id, .span = at_span };
}

static void take(struct join_record record)
{
    ck_assert_int_eq(join_offer(0, &record, 1, NULL), WEFT_OK);
}

static void finish(void)
{
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_end();
}

/* The tree in short: numbers of spans, `>` for each step down, `!` behind an orphan, `+` for each log line, `~` for
 * what holds the lines without a span. */
static void shorten(const char *json, char *out_text)
{
    const char *tree = strstr(json, "\"tree\":[");
    ck_assert_ptr_nonnull(tree);
    const char *separator = "";
    for (const char *at = tree; *at != 0; at++) {
        unsigned number = 0;
        if (sscanf(at, "{\"depth\":%u", &number) == 1) {
            out_text += sprintf(out_text, "%s%.*s", separator, (int)number, ">>>>>>>>>>");
            separator = " ";
            *out_text = '~';
            out_text += strncmp(strchr(at, ',') + 1, "\"logs\"", 6) == 0;
        } else if (sscanf(at, "\"name\":\"span %u\"", &number) == 1) {
            out_text += sprintf(out_text, "%u", number);
        } else if (strncmp(at, "\"orphan\":true", 13) == 0) {
            *out_text++ = '!';
        } else if (strncmp(at, "\"body\"", 6) == 0) {
            *out_text++ = '+';
        }
    }
    *out_text = 0;
}

static void expect_tree(const char *expected)
{
    char text[400];
    struct told told = ask_id();
    shorten(told.json, text);
    ck_assert_str_eq(text, expected);
    weft_free(told.json);
}

/* ---- tests ---- */

START_TEST(test_what_is_known_is_told)
{
    join_begin(1, KEEP_ALL);
    struct told told = ask_id();
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_NOT_SEEN);
    ck_assert_str_eq(told.json, "{}");
    weft_free(told.json);
    take(span(1, JOIN_NO_SPAN));
    take(line(2, 1));
    told = ask_id();
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_HELD);
    ck_assert_ptr_nonnull(strstr(told.json, "\"spans\":1,\"logs\":1"));
    ck_assert_ptr_nonnull(strstr(told.json, "\"services\":{\"service 0\":{\"spans\":1,\"logs\":1}}"));
    weft_free(told.json);
    expect_tree("1+");
    advance(2 * WEFT_NS_PER_S);
    told = ask_id();
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_KEPT);
    ck_assert_ptr_nonnull(strstr(told.json, "\"policy\":\"all\""));
    weft_free(told.json);
    expect_tree("1+");
    take(span(3, 1));
    take(line(4, JOIN_NO_SPAN));
    told = ask_id();
    ck_assert_ptr_nonnull(strstr(told.json, "\"late_spans\":1,\"late_logs\":1"));
    weft_free(told.json);
    finish();
    join_begin(1, KEEP_NONE);
    take(span(1, JOIN_NO_SPAN));
    advance(2 * WEFT_NS_PER_S);
    told = ask_id();
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_DROPPED);
    ck_assert_ptr_nonnull(strstr(told.json, "\"policy\":\"none\""));
    weft_free(told.json);
    finish();
}
END_TEST

START_TEST(test_a_span_tells_when_it_began_and_what_was_wrong)
{
    static char long_message[300];
    memset(long_message, 'm', sizeof long_message - 1);
    join_begin(1, KEEP_ALL);
    struct join_record failed = span(1, JOIN_NO_SPAN);
    failed.start_ns = INT64_C(1767357296789000000);
    failed.end_ns = failed.start_ns + 7 * WEFT_NS_PER_MS;
    failed.status = 2;
    failed.status_message = "no \"route\"";
    take(failed);
    struct join_record other = span(2, 1);
    other.start_ns = other.end_ns = 0;
    other.status_message = long_message;
    take(other);
    struct told told = ask_id();
    ck_assert_ptr_nonnull(strstr(told.json, "\"start\":\"2026-01-02T12:34:56.789Z\",\"duration_ms\":7.000,\"status\":"
                                            "\"error\",\"status_message\":\"no \\\"route\\\"\"}"));
    const char *second = strstr(told.json, "span 2");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(strstr(second, "\"start\""));
    ck_assert_uint_eq(strspn(strstr(second, "\"status_message\":\"") + strlen("\"status_message\":\""), "m"), 200);
    weft_free(told.json);
    finish();
}
END_TEST

START_TEST(test_half_an_id_and_a_span_id_find_the_trace)
{
    struct weft_trace_question half = { .has_trace_id = true, .is_64_bit = true };
    struct weft_trace_question by_span = { .has_span_id = true };
    memcpy(half.trace_id + 8, trace_id + 8, 8);
    join_span_id(17, by_span.span_id);
    join_begin(1, KEEP_ALL);
    take(span(16, JOIN_NO_SPAN));
    take(span(17, 16));
    for (int i = 0; i < 2; i++) {
        struct told told = ask(half);
        ck_assert_int_eq(told.knowledge, i == 0 ? WEFT_TRACE_HELD : WEFT_TRACE_KEPT);
        ck_assert_ptr_nonnull(strstr(told.json, "\"trace_id\":\"61207472616365"));
        weft_free(told.json);
        told = ask(by_span);
        ck_assert_int_eq(told.knowledge, i == 0 ? WEFT_TRACE_HELD : WEFT_TRACE_KEPT);
        weft_free(told.json);
        advance(2 * WEFT_NS_PER_S);
    }
    by_span.span_id[0] = 1;
    half.trace_id[9] ^= 1;
    struct told told = ask(by_span);
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_NOT_SEEN);
    weft_free(told.json);
    told = ask(half);
    ck_assert_int_eq(told.knowledge, WEFT_TRACE_NOT_SEEN);
    weft_free(told.json);
    finish();
}
END_TEST

START_TEST(test_trees_of_any_shape)
{
    static const struct {
        uint32_t spans[6][2]; /* number and parent; ends with 0 */
        const char *tree;
    } rows[] = {
        { { { 1, JOIN_NO_SPAN }, { 2, 1 }, { 3, 1 }, { 4, 2 } }, "1 >2 >>4 >3" },
        { { { 4, 2 }, { 2, 1 }, { 1, JOIN_NO_SPAN } }, "1 >2 >>4" },
        { { { 1, JOIN_NO_SPAN }, { 2, 77 } }, "1 2!" },
        { { { 1, 2 }, { 2, 3 }, { 3, 1 } }, "1 >3 >>2" }, /* a cycle */
        { { { 1, 1 } }, "1!" },                           /* its own parent */
        { { { 1, JOIN_NO_SPAN }, { 1, JOIN_NO_SPAN } }, "1 1" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        join_begin(1, KEEP_ALL);
        for (size_t s = 0; s < 6 && rows[i].spans[s][0] != 0; s++) {
            take(span(rows[i].spans[s][0], rows[i].spans[s][1]));
        }
        expect_tree(rows[i].tree);
        finish();
    }
}
END_TEST

/* A client and its server with one span id: the client is the parent, whichever came first. */
START_TEST(test_a_shared_span_id_is_a_client_and_its_server)
{
    for (int server_first = 0; server_first < 2; server_first++) {
        join_begin(1, KEEP_ALL);
        struct join_record client = span(2, 1);
        struct join_record server = span(2, 1);
        client.kind = 3;
        server.kind = 2;
        take(span(1, JOIN_NO_SPAN));
        take(server_first ? server : client);
        take(server_first ? client : server);
        expect_tree("1 >2 >>2");
        struct told told = ask_id();
        ck_assert(strstr(told.json, "\"kind\":\"client\"") < strstr(told.json, "\"kind\":\"server\""));
        weft_free(told.json);
        finish();
    }
}
END_TEST

START_TEST(test_lines_stand_at_their_span_or_loose)
{
    join_begin(1, KEEP_ALL);
    take(span(1, JOIN_NO_SPAN));
    take(span(2, 1));
    take(line(3, 2));
    take(line(4, 99));
    take(line(5, JOIN_NO_SPAN));
    take(line(6, 2));
    expect_tree("1 >2++ ~++");
    struct told told = ask_id();
    ck_assert(strstr(told.json, "line 3") < strstr(told.json, "line 6"));
    ck_assert(strstr(told.json, "line 6") < strstr(told.json, "line 4"));
    ck_assert(strstr(told.json, "line 4") < strstr(told.json, "line 5"));
    weft_free(told.json);
    finish();
}
END_TEST

START_TEST(test_large_trees_are_cut_and_say_so)
{
    join_begin(1, KEEP_ALL "recent_traces: 100000000\n");
    for (uint32_t i = 0; i < 3000; i++) {
        take(span(i, i == 0 ? JOIN_NO_SPAN : 0));
        take(line(10000 + i, i));
    }
    for (int i = 0; i < 2; i++) {
        struct told told = ask_id();
        ck_assert_ptr_nonnull(strstr(told.json, "\"tree_cut\":true"));
        ck_assert_uint_eq(count_of(told.json, "\"span_id\""), SPAN_LIMIT);
        ck_assert_uint_eq(count_of(told.json, "\"body\""), SPAN_LIMIT);
        ck_assert_ptr_nonnull(strstr(told.json, "\"spans\":3000,\"logs\":3000"));
        weft_free(told.json);
        advance(2 * WEFT_NS_PER_S);
    }
    finish();
}
END_TEST

START_TEST(test_a_deep_chain_is_no_deep_recursion)
{
    join_begin(1, KEEP_ALL);
    for (uint32_t i = 0; i < 10000; i++) {
        take(span(i, i == 0 ? JOIN_NO_SPAN : i - 1));
    }
    struct told told = ask_id();
    ck_assert_ptr_nonnull(strstr(told.json, "\"tree_cut\":true"));
    ck_assert_uint_eq(count_of(told.json, "\"span_id\""), SPAN_LIMIT);
    weft_free(told.json);
    finish();
}
END_TEST

START_TEST(test_each_allocation_of_an_answer_may_fail)
{
    join_begin(1, KEEP_ALL);
    for (uint32_t i = 0; i < 40; i++) {
        struct join_record record = span(i, i == 0 ? JOIN_NO_SPAN : 0);
        record.padding = i == 7 ? 9000 : 10; /* in pieces */
        take(record);
        take(line(100 + i, i));
    }
    unsigned without_tree = 0;
    for (int round = 0; round < 2; round++) {
        for (uint64_t at = 1; at < 40; at++) {
            struct weft_trace_question question = { .word = "test", .has_trace_id = true };
            struct weft_trace_answer answer = { .knowledge = WEFT_TRACE_NOT_SEEN };
            memcpy(question.trace_id, trace_id, 16);
            weft_buffer_init(&answer.json, 0);
            weft_alloc_fail_at(at);
            weft_join_look_up(join->cores[0], &question, &answer);
            weft_alloc_fail_at(0);
            ck_assert_int_eq(answer.knowledge, round == 0 ? WEFT_TRACE_HELD : WEFT_TRACE_KEPT);
            if (!answer.json.is_failed) {
                char *json = weft_alloc_format("{%.*s}", (int)answer.json.length, (char *)answer.json.bytes);
                ck_assert_str_eq(skip_value(json), "");
                without_tree += strstr(json, "\"tree\"") == NULL;
                weft_free(json);
            }
            weft_buffer_fini(&answer.json);
        }
        advance(2 * WEFT_NS_PER_S);
    }
    ck_assert_uint_gt(without_tree, 0);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join look-up");
    TCase *tests = tcase_create("look-up");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_what_is_known_is_told);
    tcase_add_test(tests, test_a_span_tells_when_it_began_and_what_was_wrong);
    tcase_add_test(tests, test_half_an_id_and_a_span_id_find_the_trace);
    tcase_add_test(tests, test_trees_of_any_shape);
    tcase_add_test(tests, test_a_shared_span_id_is_a_client_and_its_server);
    tcase_add_test(tests, test_lines_stand_at_their_span_or_loose);
    tcase_add_test(tests, test_large_trees_are_cut_and_say_so);
    tcase_add_test(tests, test_a_deep_chain_is_no_deep_recursion);
    tcase_add_test(tests, test_each_allocation_of_an_answer_may_fail);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
