/* The pages that answer questions: how words and parameters are read, and what is written of what was gathered. */
#include "admin/admin_test.h"

#include "admin/page.h"
#include "join/question.h"
#include "ledger/ledger.h"

static struct weft_admin_visit visit;
static struct weft_gather *gather;

static void no_answer(struct weft_gather *gathered)
{
    (void)gathered;
}

static int begin_page(const struct weft_admin_page *page, const char *word, const char *query)
{
    visit = (struct weft_admin_visit){ .page = page, .started = { 1795449600 * WEFT_NS_PER_S } };
    gather = weft_gather_new(no_answer, NULL);
    return page->begin(&visit, weft_slice_of_text(word), weft_slice_of_text(query), gather, &out);
}

static void end_page(void)
{
    weft_gather_free(gather);
}

static struct weft_trace_lookup *lookup(void)
{
    ck_assert_int_eq(gather->question->kind, WEFT_QUESTION_TRACE);
    return WEFT_CONTAINER_OF(gather->question, struct weft_trace_lookup, base);
}

/* ---- pieces of targets ---- */

static const struct {
    const char *text;
    const char *decoded; /* NULL: refused */
} encoded[] = {
    { "", "" },         { "abc", "abc" },         { "a%2Fb", "a/b" },   { "%2541", "%41" },
    { "%41%62", "Ab" }, { "%4", NULL },           { "%", NULL },        { "a%zz", NULL },
    { "a%00b", NULL },  { "1234567", "1234567" }, { "12345678", NULL }, { "%c3%A4", "\xc3\xa4" },
    { "+", "+" },
};

START_TEST(test_percent_encoding_is_taken_off_once)
{
    char text[8];
    size_t length = strlen(encoded[_i].text);
    uint8_t *copy = malloc(length + 1);
    memcpy(copy, encoded[_i].text, length);
    bool is_good = weft_admin_percent_decode(weft_slice_of(copy, length), text, sizeof text);
    free(copy);
    ck_assert(is_good == (encoded[_i].decoded != NULL));
    if (is_good) {
        ck_assert_str_eq(text, encoded[_i].decoded);
    }
}
END_TEST

START_TEST(test_parameters_are_found_by_name)
{
    struct weft_slice query = WEFT_SLICE_LITERAL("since=1m&xby=no&by=reason&&by=policy&since");
    struct weft_slice value;
    ck_assert(weft_admin_query_find(query, "by", &value));
    ck_assert(weft_slice_equal_text(value, "policy"));
    ck_assert(weft_admin_query_find(query, "since", &value));
    ck_assert(weft_slice_equal_text(value, "1m"));
    ck_assert(!weft_admin_query_find(query, "y", &value));
    ck_assert(!weft_admin_query_find(WEFT_SLICE_EMPTY, "y", &value));
}
END_TEST

/* ---- traces ---- */

static const struct {
    const char *word;
    int code;
    bool has_trace_id, is_64_bit, has_span_id;
    const char *last_bytes; /* of the trace id, in hex */
} words[] = {
    { "5b8efff798038103d269b633813fc60c", 200, true, false, false, "d269b633813fc60c" },
    { "5B8EFFF7-9803-8103-D269-B633813FC60C", 200, true, false, false, "d269b633813fc60c" },
    { "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01", 200, true, false, false, "d269b633813fc60c" },
    { "d269b633813fc60c", 200, true, true, true, "d269b633813fc60c" },
    { "job-42", 200, true, false, false, NULL },
    { "job%2D42", 200, true, false, false, NULL },
    { "", 400, false, false, false, NULL },
    { "00000000000000000000000000000000", 400, false, false, false, NULL },
    { "%0", 400, false, false, false, NULL },
    { "a%00b", 400, false, false, false, NULL },
};

START_TEST(test_words_are_read_as_ids_of_lines)
{
    ck_assert_int_eq(begin_page(&weft_trace_page, words[_i].word, ""), words[_i].code);
    const struct weft_trace_question *question = &lookup()->question;
    if (words[_i].code == 200) {
        ck_assert(question->has_trace_id == words[_i].has_trace_id);
        ck_assert(question->is_64_bit == words[_i].is_64_bit);
        ck_assert(question->has_span_id == words[_i].has_span_id);
        for (size_t i = 0; words[_i].last_bytes != NULL && i < 8; i++) {
            char hex[3];
            snprintf(hex, sizeof hex, "%02x", question->trace_id[8 + i]);
            ck_assert_mem_eq(hex, words[_i].last_bytes + 2 * i, 2);
        }
    } else {
        ck_assert_ptr_nonnull(strstr((const char *)out.bytes, "NOT_A_TRACE_ID"));
    }
    end_page();
}
END_TEST

START_TEST(test_a_word_that_is_too_long_is_refused)
{
    char word[WEFT_ID_MAX_WORD + 2];
    memset(word, 'w', sizeof word);
    word[WEFT_ID_MAX_WORD + 1] = '\0';
    ck_assert_int_eq(begin_page(&weft_trace_page, word, ""), 400);
    end_page();
    word[WEFT_ID_MAX_WORD] = '\0';
    ck_assert_int_eq(begin_page(&weft_trace_page, word, ""), 200);
    end_page();
}
END_TEST

START_TEST(test_answers_of_judges_are_written)
{
    ck_assert_int_eq(begin_page(&weft_trace_page, "5b8efff798038103d269b633813fc60c", ""), 200);
    ck_assert_int_eq(weft_trace_page.write(&visit, gather, &out), 404);
    out_expect("{\"error\":{\"code\":\"NOTHING_JUDGES_TRACES\",\"message\":\"no processor of this agent judges "
               "traces\",\"details\":{},\"help\":\"Ask the agent that has a tail_sampling processor.\"}}");
    gather->question->asked_count = 2;
    ck_assert_int_eq(weft_trace_page.write(&visit, gather, &out), 200);
    out_expect("{\"word\":\"5b8efff798038103d269b633813fc60c\",\"verdict\":\"not_seen\",\"since\":"
               "\"2026-11-23T16:00:00.000Z\",\"trace_id\":\"5b8efff798038103d269b633813fc60c\"}");
    lookup()->answer.knowledge = WEFT_TRACE_KEPT;
    lookup()->answer.remembers_from_ns = 1795449601 * WEFT_NS_PER_S;
    weft_buffer_append_text(&lookup()->answer.json, "\"policy\":\"errors\"");
    ck_assert_int_eq(weft_trace_page.write(&visit, gather, &out), 200);
    out_expect("{\"word\":\"5b8efff798038103d269b633813fc60c\",\"verdict\":\"kept\",\"since\":"
               "\"2026-11-23T16:00:00.000Z\",\"remembers_from\":\"2026-11-23T16:00:01.000Z\",\"policy\":\"errors\"}");
    end_page();
}
END_TEST

/* ---- drops ---- */

static void add_row(const char *reason, const char *policy, const char *service, uint64_t total, uint64_t recent)
{
    struct weft_drops_summary *summary = gather->drops;
    ck_assert(weft_try_grow(&summary->rows, sizeof summary->rows[0], summary->row_count, &summary->row_capacity) ==
              WEFT_OK);
    summary->rows[summary->row_count++] = (struct weft_drops_summary_row){ .signal = "traces",
                                                                           .reason = reason,
                                                                           .policy = weft_slice_of_text(policy),
                                                                           .service = weft_slice_of_text(service),
                                                                           .is_at_start = strcmp(reason, "crash") == 0,
                                                                           .total = total,
                                                                           .recent = { recent } };
}

static const int64_t second_ns = WEFT_NS_PER_S;
static const int64_t hour_ns = 3600 * WEFT_NS_PER_S;

/* Asked as if this machine were up for 1,000 hours: windows are of its own clock, which may have just begun. */
static void begin_drops(const char *query, int64_t since_ns, int64_t up_ns)
{
    ck_assert_int_eq(begin_page(&weft_drops_page, "", query), 200);
    weft_drops_summary_init(gather->drops, (struct weft_monotonic){ 1000 * hour_ns }, since_ns);
    gather->drops->started.ns = gather->drops->asked.ns - up_ns;
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        gather->drops->first_windows[i] = weft_drops_window_of((enum weft_drops_window)i, gather->drops->started);
    }
    add_row("queue_full", "", "web", 20, 3);
    add_row("sampled_out", "none", "api", 100, 10);
    add_row("sampled_out", "slow", "api", 7, 4);
    add_row("sampled_out", "none", "api", 1000, 0); /* of another worker */
    add_row("crash", "", "", 5, 0);
}

static void expect_drops(const char *expected, bool is_balanced)
{
    gather->drops->is_balanced = is_balanced;
    ck_assert_int_eq(weft_drops_page.write(&visit, gather, &out), is_balanced ? 200 : 500);
    weft_buffer_append_byte(&out, 0);
    ck_assert_msg(strstr((const char *)out.bytes, expected) != NULL, "%s", (const char *)out.bytes);
    weft_buffer_clear(&out);
    end_page();
}

START_TEST(test_drops_since_the_start_are_totals)
{
    begin_drops("since=1h", hour_ns, 600 * second_ns);
    expect_drops(
        "{\"drops\":["
        "{\"signal\":\"traces\",\"reason\":\"sampled_out\",\"policy\":\"none\",\"service\":\"api\",\"records\":1100},"
        "{\"signal\":\"traces\",\"reason\":\"queue_full\",\"policy\":\"\",\"service\":\"web\",\"records\":20},"
        "{\"signal\":\"traces\",\"reason\":\"sampled_out\",\"policy\":\"slow\",\"service\":\"api\",\"records\":7},"
        "{\"signal\":\"traces\",\"reason\":\"crash\",\"policy\":\"\",\"service\":\"\",\"records\":5,\"at_start\":true}"
        "],\"covers_from\":\"2026-11-23T16:00:00.000Z\",\"windows\":\"start\",\"balanced\":true}",
        true);
}
END_TEST

START_TEST(test_drops_of_a_window_are_grouped)
{
    begin_drops("since=1m&by=reason", 60 * second_ns, 600 * second_ns);
    expect_drops("{\"drops\":[{\"signal\":\"traces\",\"reason\":\"sampled_out\",\"records\":14},"
                 "{\"signal\":\"traces\",\"reason\":\"queue_full\",\"records\":3}],\"covers_from\":\"",
                 true);
    begin_drops("since=1m&by=service,policy", 60 * second_ns, 600 * second_ns);
    expect_drops("{\"drops\":[{\"signal\":\"traces\",\"policy\":\"none\",\"service\":\"api\",\"records\":10},"
                 "{\"signal\":\"traces\",\"policy\":\"slow\",\"service\":\"api\",\"records\":4},"
                 "{\"signal\":\"traces\",\"policy\":\"\",\"service\":\"web\",\"records\":3}]",
                 true);
    begin_drops("since=1m&by=", 60 * second_ns, 600 * second_ns);
    expect_drops("{\"drops\":[{\"signal\":\"traces\",\"records\":17}]", true);
    begin_drops("since=1m&by=", 60 * second_ns, 600 * second_ns);
    expect_drops("\"windows\":\"1s\",\"balanced\":false}", false);
}
END_TEST

START_TEST(test_what_no_window_covers_is_asked_for_again)
{
    begin_drops("since=48h", 48 * hour_ns, 100 * hour_ns);
    struct weft_drops_summary *summary = gather->drops;
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        summary->first_windows[i] =
            weft_drops_window_of((enum weft_drops_window)i, (struct weft_monotonic){ 997 * hour_ns });
    }
    ck_assert_int_eq(weft_drops_page.write(&visit, gather, &out), WEFT_PAGE_AGAIN);
    ck_assert_uint_eq(summary->row_count, 0);
    ck_assert_uint_eq(summary->from_windows[WEFT_DROPS_HOURS], 997);
    end_page();
    weft_buffer_clear(&out);
}
END_TEST

START_TEST(test_bad_parameters_are_said)
{
    static const char *const queries[] = {
        "since=x",       "since=-5m", "since=%zz",
        "by=reason,foo", "by=%00",    "by=reason,reason,reason,reason,reason,reason,reason,reason,reason,reason"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(queries); i++) {
        ck_assert_int_eq(begin_page(&weft_drops_page, "", queries[i]), 400);
        ck_assert_ptr_nonnull(strstr((const char *)out.bytes, "BAD_PARAMETER"));
        weft_buffer_clear(&out);
        end_page();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_percent_encoding_is_taken_off_once, 0, (int)WEFT_COUNT_OF(encoded));
    tcase_add_test(tests, test_parameters_are_found_by_name);
    tcase_add_loop_test(tests, test_words_are_read_as_ids_of_lines, 0, (int)WEFT_COUNT_OF(words));
    tcase_add_test(tests, test_a_word_that_is_too_long_is_refused);
    tcase_add_test(tests, test_answers_of_judges_are_written);
    tcase_add_test(tests, test_drops_since_the_start_are_totals);
    tcase_add_test(tests, test_drops_of_a_window_are_grouped);
    tcase_add_test(tests, test_what_no_window_covers_is_asked_for_again);
    tcase_add_test(tests, test_bad_parameters_are_said);
}

int main(void)
{
    return admin_run("admin/questions", add_tests);
}
