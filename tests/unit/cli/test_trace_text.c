/* Answers about traces as text for people. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/trace_text.h"
#include "suite.h"

static const struct {
    const char *answer;
    const char *text;
} cases[] = {
    { "{\"word\":\"x\",\"verdict\":\"not_seen\",\"since\":\"S\",\"trace_id\":\"ab\"}",
      "x was not seen since weft started at S\n  (log lines whose spans never came leave no verdict; what was dropped "
      "before tail_sampling is not known here: weft drops)\n" },
    { "{\"word\":\"x\",\"verdict\":\"forgotten\",\"since\":\"S\",\"remembers_from\":\"R\"}",
      "x is not known any more: it may have been here before what is remembered, which begins at R\n" },
    { "{\"verdict\":\"kept\",\"since\":\"S\",\"word\":\"ab\",\"policy\":\"errors\",\"decided\":\"D\",\"late_"
      "member\":"
      "false,\"facts\":{\"duration_ms\":12,\"has_error\":true},\"spans\":3,\"logs\":1,\"services\":{\"api\":{\"spans\":"
      "3,"
      "\"logs\":1}}}",
      "ab was kept by policy errors at D\n"
      "  facts: duration_ms 12, has_error true\n"
      "  3 spans, 1 logs\n"
      "    api                                     3 spans        1 logs\n" },
    { "{\"verdict\":\"dropped\",\"word\":\"ab\",\"policy\":\"none\",\"late_member\":true,\"services\":[{"
      "\"service\":"
      "\"\",\"spans\":1}]}",
      "ab was dropped: no policy kept it, as a late member of its group\n"
      "    -                                       1 spans        0 logs\n" },
    { "{\"verdict\":\"held\",\"word\":\"ab\",\"tree\":[{\"depth\":0,\"name\":\"GET /\",\"service\":\"api\","
      "\"start\":\"2026-01-02T12:34:55.001Z\",\"duration_ms\":7,\"status\":\"error\",\"status_message\":\"no "
      "route\",\"span_id\":\"01\",\"logs\":[{\"time\":\"2026-01-02T12:34:56.789Z\",\"severity\":\"ERROR\","
      "\"body\":\"no\"}]},"
      "{\"depth\":1,\"name\":\"db\",\"orphan\":true},{\"depth\":0,\"logs\":[{\"body\":\"alone\"}]}],\"tree_cut\":true}",
      "ab is held: no verdict yet\n"
      "  tree:\n"
      "    12:34:55.001 GET /  api  7 ms  error: no route  span 01\n"
      "      | 12:34:56.789 ERROR: no\n"
      "      db  (its parent is not here)\n"
      "    (no span)\n"
      "      | alone\n"
      "    (the tree goes on)\n" },
    { "{\"verdict\":\"kept\",\"word\":\"job_1\",\"group\":{\"traces\":2,\"verdict\":\"kept\",\"closed\":true,"
      "\"members\":[{\"verdict\":\"kept\",\"trace_id\":\"ab\"}]},\"tree\":[{\"depth\":0,\"name\":\"job_1\"},"
      "{\"depth\":1,\"verdict\":\"kept\",\"trace_id\":\"ab\",\"policy\":\"errors\",\"late_member\":true},"
      "{\"depth\":2,\"name\":\"GET\"},"
      "{\"depth\":1,\"verdict\":\"held\",\"lines_without_trace_id\":true},"
      "{\"depth\":2,\"logs\":[{\"body\":\"alone\"}]}]}",
      "job_1 was kept\n"
      "  group of 2 traces: kept, it takes no more\n"
      "  tree:\n"
      "    job_1\n"
      "      trace ab: kept by policy errors, as a late member\n"
      "        GET\n"
      "      log lines without a trace id: held\n"
      "        (no span)\n"
      "          | alone\n" },
    { "{\"verdict\":\"not_seen\",\"word\":\"job_1\",\"group\":{\"traces\":0,\"burnt\":true,\"members\":[]}}",
      "job_1 was not seen\n  so many traces have this word that it joins none\n" },
    { "{\"verdict\":\"kept\",\"word\":\"a\\u001b[2J\\u009bb\",\"policy\":\"p\\nq\"}",
      "a?[2J?b was kept by policy p?q\n" },
    { "{\"verdict\":\"kept\",\"word\":\"ab\",\"facts\":7,\"services\":\"x\",\"tree\":{\"a\":1},\"spans\":\"z\"}",
      "ab was kept\n  0 spans, 0 logs\n  tree:\n    (no span)\n" },
    { "{\"verdict\":\"kept\",\"word\":\"ab\",\"tree\":[{\"name\":", "ab was kept\n" },
    { "[]", " \n" },
    { "", " \n" },
};

START_TEST(test_answers_read_as_they_should)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_cli_trace_text(weft_slice_of_text(cases[_i].answer), &out);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, cases[_i].text);
    weft_buffer_fini(&out);
}
END_TEST

/* Whatever a peer's records make of an answer, or somebody else's socket answers. */
START_TEST(test_damaged_answers_are_survived)
{
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        const char *answer = cases[i % (int)WEFT_COUNT_OF(cases)].answer;
        size_t length = strlen(answer);
        char *copy = malloc(length + 1); /* so that reading past its end is seen */
        memcpy(copy, answer, length);
        for (int j = 0; j < 3 && length > 0; j++) {
            static const char bytes[] = "{}[]\",:\\0e-utfn \x01\xc2\xff";
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            copy[random % length] = bytes[(random >> 32) % (sizeof bytes - 1)];
            length -= (random >> 50) % 16 == 0 ? (random >> 20) % length : 0;
        }
        struct weft_buffer out;
        weft_buffer_init(&out, 0);
        weft_cli_trace_text(weft_slice_of(copy, length), &out);
        for (size_t j = 0; j < out.length; j++) {
            ck_assert(out.bytes[j] >= 0x20 || out.bytes[j] == '\n');
        }
        weft_buffer_fini(&out);
        free(copy);
    }
}
END_TEST

START_TEST(test_long_texts_are_cut_between_characters)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_cli_append_value(&out, WEFT_SLICE_LITERAL("\"abc\xc3\xa4\xc3\xa4\""), 6);
    weft_buffer_append_byte(&out, '|');
    weft_cli_append_padded(&out, WEFT_SLICE_LITERAL("\"\xc3\xa4\""), 3);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, "abc\xc3\xa4...|\xc3\xa4  ");
    weft_buffer_fini(&out);
}
END_TEST

START_TEST(test_words_are_encoded)
{
    char *encoded = weft_cli_encode("a/b c.%\xc3\xa4~");
    ck_assert_str_eq(encoded, "a%2Fb%20c%2E%25%C3%A4~");
    weft_free(encoded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/trace_text");
    TCase *tests = tcase_create("trace_text");
    tcase_add_loop_test(tests, test_answers_read_as_they_should, 0, (int)WEFT_COUNT_OF(cases));
    tcase_add_test(tests, test_damaged_answers_are_survived);
    tcase_add_test(tests, test_long_texts_are_cut_between_characters);
    tcase_add_test(tests, test_words_are_encoded);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
